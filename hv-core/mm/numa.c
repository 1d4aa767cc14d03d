/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topology and distances, as the firmware tables gave them (what SRAT and SLIT parsing leaves behind). */
#include <hv/errno.h>
#include <hv/lib.h>
#include <hv/numa.h>

#define MAX_RANGES 256u
#define LOCAL_DISTANCE 10u
#define REMOTE_DISTANCE 20u /* without a SLIT */
#define LOW_MEMORY_MFN 256u /* the first MiB belongs to the firmware */

unsigned hv_nr_cpus;
cpumask_t hv_cpu_online;
nodemask_t hv_node_online;

static struct {
    uint16_t socket, core;
    node_id node;
} cpu_info[HV_MAX_PCPUS];
/* One mask per core, socket and node; cores and sockets are numbered machine-wide. */
static cpumask_t core_mask[HV_MAX_PCPUS], socket_mask[HV_MAX_PCPUS], node_mask[HV_MAX_NODES];
static uint8_t distance[HV_MAX_NODES][HV_MAX_NODES];
static struct hv_mem_range ranges[MAX_RANGES];
static unsigned nr_ranges;

static int check_ranges(const struct hv_boot_info *info)
{
    uint64_t last = 0;

    if (info->nr_ranges == 0 || info->nr_ranges > MAX_RANGES) {
        hv_printk("NUMA: %u memory ranges; 1 to %u are possible\n", info->nr_ranges, MAX_RANGES);
        return -HV_EINVAL;
    }
    for (unsigned i = 0; i < info->nr_ranges; i++) {
        const struct hv_mem_range *r = &info->range[i];
        if (r->start_mfn >= r->end_mfn || r->start_mfn < last || r->node.n >= info->nr_nodes) {
            hv_printk("NUMA: memory range %u (%llx-%llx, node %u) is empty, overlaps, is out of order or has no node\n",
                      i, (unsigned long long)r->start_mfn, (unsigned long long)r->end_mfn, r->node.n);
            return -HV_EINVAL;
        }
        last = r->end_mfn;
    }
    return 0;
}

static bool slit_valid(const struct hv_boot_info *info)
{
    for (unsigned a = 0; a < info->nr_nodes; a++)
        for (unsigned b = 0; b < info->nr_nodes; b++) {
            uint8_t d = info->slit[a * info->nr_nodes + b];
            if (a == b ? d != LOCAL_DISTANCE : d <= LOCAL_DISTANCE)
                return false;
        }
    return true;
}

static void set_distances(const struct hv_boot_info *info)
{
    bool use = info->slit && slit_valid(info);

    if (info->slit && !use)
        hv_printk("NUMA: SLIT ignored: the diagonal must be 10 and everything else above\n");
    for (unsigned a = 0; a < info->nr_nodes; a++)
        for (unsigned b = 0; b < info->nr_nodes; b++)
            distance[a][b] = use ? info->slit[a * info->nr_nodes + b] : a == b ? LOCAL_DISTANCE : REMOTE_DISTANCE;
}

/* A pCPU that the firmware gives no node goes to the next online node, round robin. */
static void place_cpus(const struct hv_boot_info *info)
{
    node_id next = NODE_INVALID;

    for (unsigned c = 0; c < info->nr_cpus; c++) {
        const struct hv_cpu_desc *d = &info->cpu[c];
        node_id n = d->node;
        if (!node_valid(n))
            n = next = node_valid(next) ? nodemask_cycle(next, hv_node_online) : nodemask_first(hv_node_online);
        cpu_info[c].socket = d->socket;
        cpu_info[c].core = d->core;
        cpu_info[c].node = n;
        cpumask_set(&core_mask[d->core], pcpu(c));
        cpumask_set(&socket_mask[d->socket], pcpu(c));
        cpumask_set(&node_mask[n.n], pcpu(c));
        cpumask_set(&hv_cpu_online, pcpu(c));
    }
}

int numa_init(const struct hv_boot_info *info)
{
    int rc;

    if (info->nr_nodes == 0 || info->nr_nodes > HV_MAX_NODES || info->nr_cpus == 0 || info->nr_cpus > HV_MAX_PCPUS) {
        hv_printk("NUMA: %u nodes and %u pCPUs; up to %u and %u are possible\n", info->nr_nodes, info->nr_cpus,
                  HV_MAX_NODES, HV_MAX_PCPUS);
        return -HV_EINVAL;
    }
    if ((rc = check_ranges(info)) != 0)
        return rc;
    for (unsigned c = 0; c < info->nr_cpus; c++) {
        const struct hv_cpu_desc *d = &info->cpu[c];
        if (d->core >= HV_MAX_PCPUS || d->socket >= HV_MAX_PCPUS ||
            (node_valid(d->node) && d->node.n >= info->nr_nodes)) {
            hv_printk("NUMA: pCPU %u is on core %u, socket %u, node %u: not on this machine\n", c, d->core, d->socket,
                      d->node.n);
            return -HV_EINVAL;
        }
    }

    hv_nr_cpus = info->nr_cpus;
    hv_cpumask_words = (info->nr_cpus + 63) / 64;
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++) {
        cpumask_clear_all(&core_mask[c]);
        cpumask_clear_all(&socket_mask[c]);
    }
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        cpumask_clear_all(&node_mask[n]);
    cpumask_clear_all(&hv_cpu_online);
    hv_node_online = (nodemask_t){0};

    nr_ranges = 0;
    for (unsigned i = 0; i < info->nr_ranges; i++) {
        struct hv_mem_range r = info->range[i];
        nodemask_set(&hv_node_online, r.node);
        if (r.start_mfn < LOW_MEMORY_MFN)
            r.start_mfn = LOW_MEMORY_MFN;
        if (r.start_mfn < r.end_mfn)
            ranges[nr_ranges++] = r;
    }
    for (unsigned c = 0; c < info->nr_cpus; c++)
        if (node_valid(info->cpu[c].node))
            nodemask_set(&hv_node_online, info->cpu[c].node);
    place_cpus(info);
    set_distances(info);
    return 0;
}

node_id cpu_to_node(pcpu_id c)
{
    return cpu_info[c.n].node;
}

const cpumask_t *node_to_cpumask(node_id n)
{
    return &node_mask[n.n];
}

const cpumask_t *cpu_sibling_mask(pcpu_id c)
{
    return &core_mask[cpu_info[c.n].core];
}

const cpumask_t *cpu_socket_mask(pcpu_id c)
{
    return &socket_mask[cpu_info[c.n].socket];
}

unsigned cpu_to_socket(pcpu_id c)
{
    return cpu_info[c.n].socket;
}

unsigned cpu_to_core(pcpu_id c)
{
    return cpu_info[c.n].core;
}

node_id mfn_to_node(mfn_t m)
{
    unsigned low = 0, high = nr_ranges;

    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (m.n >= ranges[mid].end_mfn)
            low = mid + 1;
        else if (m.n < ranges[mid].start_mfn)
            high = mid;
        else
            return ranges[mid].node;
    }
    return NODE_INVALID;
}

unsigned node_distance(node_id a, node_id b)
{
    return distance[a.n][b.n];
}

unsigned numa_nr_ranges(void)
{
    return nr_ranges;
}

const struct hv_mem_range *numa_range(unsigned i)
{
    return &ranges[i];
}

bool node_span(node_id n, uint64_t *start, uint64_t *end)
{
    bool found = false;

    for (unsigned i = 0; i < nr_ranges; i++) {
        if (!node_eq(ranges[i].node, n))
            continue;
        if (!found)
            *start = ranges[i].start_mfn;
        *end = ranges[i].end_mfn;
        found = true;
    }
    return found;
}
