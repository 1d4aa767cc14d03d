/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topology and distances, as the firmware tables gave them (what SRAT and SLIT parsing leaves behind). */
#include "mm/heap.h"
#include <hv/errno.h>
#include <hv/lib.h>
#include <hv/limits.h>

#include <hv/numa.h>

#define MAX_RANGES 256u
#define MAX_MFN_BITS 40u
#define LOCAL_DISTANCE 10u
#define REMOTE_DISTANCE 20u /* without a SLIT */
#define LOW_MEMORY_MFN 256u /* the first MiB belongs to the firmware */
#define CORE_UNKNOWN 0xffffu

unsigned hv_nr_cpus;
cpumask_t hv_cpu_online;
nodemask_t hv_node_online;
enum hv_arch hv_arch;

static struct {
    uint16_t socket, core;
    node_id node;
} cpu_info[HV_MAX_PCPUS];
/* One mask per core, socket and node; cores and sockets are numbered machine-wide. */
static cpumask_t core_mask[HV_MAX_PCPUS], socket_mask[HV_MAX_PCPUS], node_mask[HV_MAX_NODES];
static uint8_t distance[HV_MAX_NODES][HV_MAX_NODES];
static struct hv_mem_range ranges[MAX_RANGES];
static unsigned nr_ranges;
static unsigned last_range;               /* where mfn_to_node looks first */
static node_id firmware_node[MAX_RANGES]; /* of each range */
static uint16_t socket_of_core[HV_MAX_PCPUS];
static uint16_t first_core[HV_MAX_PCPUS]; /* of each socket, by number */

static int check_ranges(const struct hv_boot_info *info)
{
    uint64_t last = 0;

    if (info->nr_ranges == 0 || info->nr_ranges > MAX_RANGES) {
        hv_printk("NUMA: %u memory ranges; 1 to %u are possible\n", info->nr_ranges, MAX_RANGES);
        return -HV_EINVAL;
    }
    for (unsigned i = 0; i < info->nr_ranges; i++) {
        const struct hv_mem_range *r = &info->range[i];
        const char *wrong = r->start_mfn >= r->end_mfn          ? "is empty"
                            : r->start_mfn < last               ? "overlaps the one before, or is out of order"
                            : r->end_mfn > 1ull << MAX_MFN_BITS ? "lies beyond 52 bits of address"
                            : r->node.n >= info->nr_nodes       ? "is of a node that does not exist"
                                                                : NULL;
        if (wrong) {
            hv_printk("NUMA: memory range %u (frames %llx-%llx, node %u) %s\n", i, (unsigned long long)r->start_mfn,
                      (unsigned long long)r->end_mfn, r->node.n, wrong);
            return -HV_EINVAL;
        }
        last = r->end_mfn;
    }
    return 0;
}

static int check_cpus(const struct hv_boot_info *info)
{
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++)
        socket_of_core[c] = CORE_UNKNOWN;
    for (unsigned c = 0; c < info->nr_cpus; c++) {
        const struct hv_cpu_desc *d = &info->cpu[c];
        const char *wrong = NULL;
        if (d->core >= HV_MAX_PCPUS || d->socket >= HV_MAX_PCPUS)
            wrong = "has a number that is too large";
        else if (!node_eq(d->node, NODE_INVALID) && d->node.n >= info->nr_nodes)
            wrong = "is on a node that does not exist";
        else if (socket_of_core[d->core] != CORE_UNKNOWN && socket_of_core[d->core] != d->socket)
            wrong = "is on a core of another socket";
        if (wrong) {
            hv_printk("NUMA: pCPU %u (socket %u, core %u, node %u) %s\n", c, d->socket, d->core, d->node.n, wrong);
            return -HV_EINVAL;
        }
        socket_of_core[d->core] = d->socket;
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

/* On ARM Xen knows one node, whatever the firmware says. */
static node_id known_node(node_id n)
{
    return hv_arch != HV_ARCH_x86_64 && quirk(arm_one_node) && node_valid(n) ? node(0) : n;
}

/* A pCPU that the firmware gives no node goes to the next online node, round robin. */
static void place_cpus(const struct hv_boot_info *info)
{
    node_id next = NODE_INVALID;

    for (unsigned c = 0; c < info->nr_cpus; c++)
        first_core[info->cpu[c].socket] = UINT16_MAX;
    for (unsigned c = 0; c < info->nr_cpus; c++) {
        const struct hv_cpu_desc *d = &info->cpu[c];
        if (d->core < first_core[d->socket])
            first_core[d->socket] = d->core;
        node_id n = known_node(d->node);
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

/* Leave no trace of a machine before: words of a mask above those in use must stay zero. */
static void forget(void)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++) {
        __builtin_memset(&core_mask[cpu_info[c].core], 0, sizeof(core_mask[0]));
        __builtin_memset(&socket_mask[cpu_info[c].socket], 0, sizeof(socket_mask[0]));
    }
    __builtin_memset(node_mask, 0, sizeof(node_mask));
    __builtin_memset(&hv_cpu_online, 0, sizeof(hv_cpu_online));
    hv_node_online = (nodemask_t){0};
    nr_ranges = last_range = 0;
}

static void tell_of_ignored(uint64_t start_mfn, uint64_t end_mfn)
{
    hv_printk("Ignoring inaccessible memory range %llx-%llx\n", (unsigned long long)start_mfn << PAGE_SHIFT,
              (unsigned long long)end_mfn << PAGE_SHIFT);
}

/*
 * Ranges that are used. ARM at 4.3 takes the first bank and what follows it without a hole, and leaves the others
 * alone; descriptors of frames begin there, too.
 */
static unsigned banks_used(const struct hv_boot_info *info)
{
    unsigned n = 1;
    if (info->arch == HV_ARCH_x86_64 || !quirk(arm_first_bank))
        return info->nr_ranges;
    while (n < info->nr_ranges && info->range[n].start_mfn == info->range[n - 1].end_mfn)
        n++;
    if (n < info->nr_ranges)
        hv_printk("WARNING: some memory banks are not used\n");
    return n;
}

/* Without the first MiB, and without what the level cannot use. */
static void take_ranges(const struct hv_boot_info *info)
{
    const uint64_t most = hv_max_bytes(hv_level, info->arch);
    const unsigned used = banks_used(info);
    uint64_t limit = most >> PAGE_SHIFT, ignored = 0;

    if (info->arch != HV_ARCH_x86_64)
        limit += mfn_to_pdx(info->range[0].start_mfn);
    for (unsigned i = 0; i < used; i++) {
        struct hv_mem_range r = info->range[i];
        r.node = known_node(r.node);
        nodemask_set(&hv_node_online, r.node);
        /* A range is as contiguous in PDXs as in frames. */
        uint64_t pdx = mfn_to_pdx(r.start_mfn), room = pdx < limit ? limit - pdx : 0;
        if (r.end_mfn - r.start_mfn > room) {
            ignored += r.end_mfn - r.start_mfn - room;
            tell_of_ignored(r.start_mfn + room, r.end_mfn);
            r.end_mfn = r.start_mfn + room;
        }
        if (r.start_mfn < LOW_MEMORY_MFN)
            r.start_mfn = LOW_MEMORY_MFN;
        if (r.start_mfn < r.end_mfn) {
            firmware_node[nr_ranges] = info->range[i].node;
            ranges[nr_ranges++] = r;
        }
    }
    if (ignored)
        hv_printk("NUMA: %llu MiB of memory ignored: level %s goes up to %llu MiB\n",
                  (unsigned long long)(ignored >> (20 - PAGE_SHIFT)), hv_level->name, (unsigned long long)(most >> 20));
}

int numa_init(const struct hv_boot_info *info)
{
    int rc;

    if (info->nr_nodes == 0 || info->nr_nodes > HV_MAX_NODES || info->nr_cpus == 0 || info->nr_cpus > HV_MAX_PCPUS) {
        hv_printk("NUMA: %u nodes and %u pCPUs; 1 to %u and 1 to %u are possible\n", info->nr_nodes, info->nr_cpus,
                  HV_MAX_NODES, HV_MAX_PCPUS);
        return -HV_EINVAL;
    }
    if (info->nr_cpus > hv_max_pcpus(hv_level, info->arch)) {
        hv_printk("GIC: %u pCPUs, but a GICv2 knows %u, and level %s no later one\n", info->nr_cpus,
                  hv_max_pcpus(hv_level, info->arch), hv_level->name);
        return -HV_EINVAL;
    }
    if ((rc = check_ranges(info)) != 0 || (rc = check_cpus(info)) != 0)
        return rc;

    forget();
    hv_arch = info->arch;
    hv_nr_cpus = info->nr_cpus;
    hv_cpumask_words = DIV_ROUND_UP(info->nr_cpus, 64u);
    pdx_init(info->range, info->nr_ranges);
    take_ranges(info);
    if (!nr_ranges) {
        hv_printk("NUMA: no memory above the first MiB\n");
        return -HV_EINVAL;
    }
    for (unsigned c = 0; c < info->nr_cpus; c++)
        if (node_valid(info->cpu[c].node))
            nodemask_set(&hv_node_online, known_node(info->cpu[c].node));
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
    return cpu_info[c.n].core - first_core[cpu_info[c.n].socket];
}

/* The range that holds a frame; nr_ranges: none. */
static unsigned range_of(mfn_t m)
{
    unsigned low = 0, high = nr_ranges;

    if (last_range < nr_ranges && m.n >= ranges[last_range].start_mfn && m.n < ranges[last_range].end_mfn)
        return last_range;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (m.n >= ranges[mid].end_mfn)
            low = mid + 1;
        else if (m.n < ranges[mid].start_mfn)
            high = mid;
        else
            return last_range = mid;
    }
    return nr_ranges;
}

node_id mfn_to_node(mfn_t m)
{
    unsigned i = range_of(m);
    return i < nr_ranges ? ranges[i].node : NODE_INVALID;
}

node_id mfn_to_firmware_node(mfn_t m)
{
    unsigned i = range_of(m);
    return i < nr_ranges ? firmware_node[i] : NODE_INVALID;
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
