/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xl_print.h"

#include <string.h>

#define MIB (1ull << 20)
#define NS_PER_S 1e9

const char *const xl_names[XL_NR + 1] = {
    [XL_VCPU_LIST] = "vcpu-list",
    [XL_LIST] = "list",
    [XL_LIST_N] = "list -n",
    [XL_SCHED_CREDIT] = "sched-credit",
    [XL_SCHED_CREDIT2] = "sched-credit2",
    [XL_SCHED_RTDS] = "sched-rtds",
    [XL_CPUPOOL_LIST] = "cpupool-list",
    [XL_CPUPOOL_LIST_C] = "cpupool-list -c",
    [XL_INFO_N] = "info -n",
    [XL_DEBUG_KEYS_R] = "debug-keys r",
};

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static bool ask(const struct xl_host *h, enum hv_domctl_cmd cmd, unsigned domid, struct hv_domctl *op)
{
    op->cmd = cmd;
    op->domid = dom(domid);
    return h->core->inspect(HYPERCALL_domctl, op) == 0;
}

static bool ask_host(const struct xl_host *h, enum hv_sysctl_cmd cmd, struct hv_sysctl *op)
{
    op->cmd = cmd;
    return h->core->inspect(HYPERCALL_sysctl, op) == 0;
}

/* The first domain from *next on; *next is then the one after it. */
static bool next_domain(const struct xl_host *h, unsigned *next, struct hv_domctl *info)
{
    memset(info, 0, sizeof(*info));
    if (*next >= DOM_FIRST_RESERVED || !ask(h, XEN_DOMCTL_getdomaininfo, *next, info))
        return false;
    *next = info->domid.n + 1u;
    return true;
}

static bool next_pool(const struct xl_host *h, unsigned *next, struct hv_sysctl *info)
{
    memset(info, 0, sizeof(*info));
    info->u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    info->u.cpupool_op.cpupool = *next;
    if (!ask_host(h, XEN_SYSCTL_cpupool_op, info))
        return false;
    *next = info->u.cpupool_op.cpupool + 1;
    return true;
}

static unsigned nr_cpus(const struct xl_host *h)
{
    struct hv_sysctl op = {0};
    return ask_host(h, XEN_SYSCTL_physinfo, &op) ? op.u.physinfo.nr_cpus : 0;
}

static unsigned nr_nodes(const struct xl_host *h)
{
    struct hv_sysctl op = {0};
    return ask_host(h, XEN_SYSCTL_physinfo, &op) ? op.u.physinfo.max_node_id + 1 : 0;
}

static const char *name_of(const struct xl_host *h, unsigned domid)
{
    const char *name = h->domain_name(h->ctx, domid);
    return name ? name : "(null)";
}

static const char *pool_name_of(const struct xl_host *h, unsigned pool)
{
    const char *name = h->pool_name(h->ctx, pool);
    return name ? name : "(null)";
}

/* ---- masks ------------------------------------------------------------------------------------------------------ */

static bool is_set(const uint64_t *w, unsigned bit)
{
    return w[bit / 64] >> bit % 64 & 1;
}

/* "0-3,8", or the word for all of nr; "none" for an empty one. */
static void print_mask(FILE *f, const uint64_t *w, unsigned nr, const char *all)
{
    unsigned set = 0;
    for (unsigned i = 0; i < nr; i++)
        set += is_set(w, i);
    if (set == nr || !set) {
        fputs(set ? all : "none", f);
        return;
    }
    const char *comma = "";
    for (unsigned i = 0; i < nr; i++) {
        unsigned last = i;
        if (!is_set(w, i))
            continue;
        while (last + 1 < nr && is_set(w, last + 1))
            last++;
        fprintf(f, last > i ? "%s%u-%u" : "%s%u", comma, i, last);
        comma = ",";
        i = last;
    }
}

/* ---- vCPUs and domains ------------------------------------------------------------------------------------------ */

static void print_vcpu(FILE *f, const struct xl_host *h, unsigned domid, unsigned n, unsigned cpus)
{
    bool one_mask = h->level->quirk[HV_QUIRK_node_affinity_domain];
    struct hv_domctl op = {0}, pinned = {0};
    op.u.getvcpuinfo.vcpu = vcpu_n(n);
    pinned.u.vcpuaffinity.vcpu = vcpu_n(n);
    if (!ask(h, XEN_DOMCTL_getvcpuinfo, domid, &op) || !ask(h, XEN_DOMCTL_getvcpuaffinity, domid, &pinned))
        return;
    fprintf(f, "%-32s %5u %5u", name_of(h, domid), domid, n);
    if (op.u.getvcpuinfo.online)
        fprintf(f, "%5u %3c%c- ", op.u.getvcpuinfo.cpu.n, op.u.getvcpuinfo.running ? 'r' : '-',
                op.u.getvcpuinfo.blocked ? 'b' : '-');
    else
        fprintf(f, "%5c %3c%cp ", '-', '-', '-');
    fprintf(f, "%9.1f  ", (double)op.u.getvcpuinfo.cpu_time / NS_PER_S);
    print_mask(f, pinned.u.vcpuaffinity.cpumap.w, cpus, one_mask ? "any cpu" : "all");
    if (!one_mask) {
        fputs(" / ", f);
        print_mask(f, pinned.u.vcpuaffinity.cpumap_soft.w, cpus, "all");
    }
    fputc('\n', f);
}

static void print_vcpus(FILE *f, const struct xl_host *h)
{
    struct hv_domctl info;
    unsigned cpus = nr_cpus(h);
    fprintf(f, "%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
            h->level->quirk[HV_QUIRK_node_affinity_domain] ? "CPU Affinity" : "Affinity (Hard / Soft)");
    for (unsigned next = 0; next_domain(h, &next, &info);)
        for (unsigned n = 0; n <= info.u.getdomaininfo.max_vcpu_id; n++)
            print_vcpu(f, h, info.domid.n, n, cpus);
}

static void print_domains(FILE *f, const struct xl_host *h, bool nodes)
{
    const char *all = h->level->quirk[HV_QUIRK_node_affinity_domain] ? "any node" : "all";
    struct hv_domctl info;
    fprintf(f, "%-40s %5s %5s %5s\t%s\t%s%s\n", "Name", "ID", "Mem", "VCPUs", "State", "Time(s)",
            nodes ? " NODE Affinity" : "");
    for (unsigned next = 0; next_domain(h, &next, &info);) {
        unsigned id = info.domid.n;
        bool running = info.u.getdomaininfo.running, blocked = !running && info.u.getdomaininfo.blocked;
        struct hv_domctl affinity = {0};
        fprintf(f, "%-40s %5u %5llu %5u     %c%c%c%c%c%c  %8.1f", name_of(h, id), id,
                (unsigned long long)((info.u.getdomaininfo.tot_pages << PAGE_SHIFT) / MIB),
                info.u.getdomaininfo.nr_online_vcpus, running ? 'r' : '-',
                blocked && !info.u.getdomaininfo.paused ? 'b' : '-', info.u.getdomaininfo.paused ? 'p' : '-',
                info.u.getdomaininfo.crashed ? 's' : '-', info.u.getdomaininfo.crashed ? 'c' : '-',
                info.u.getdomaininfo.dying ? 'd' : '-', (double)info.u.getdomaininfo.cpu_time / NS_PER_S);
        if (nodes && ask(h, XEN_DOMCTL_getnodeaffinity, id, &affinity)) {
            fputc(' ', f);
            print_mask(f, &affinity.u.nodeaffinity.nodemap.w, nr_nodes(h), all);
        }
        fputc('\n', f);
    }
}

/* ---- schedulers and pools --------------------------------------------------------------------------------------- */

static void print_pool_params(FILE *f, const struct xl_host *h, unsigned pool, unsigned sched)
{
    struct hv_sysctl op = {0};
    op.u.scheduler_op.cpupool = pool;
    fprintf(f, "Cpupool %s:", pool_name_of(h, pool));
    if (sched == XEN_SCHEDULER_RTDS) {
        fputs(" sched=RTDS\n", f);
        return;
    }
    if (ask_host(h, XEN_SYSCTL_scheduler_op, &op)) {
        if (sched == XEN_SCHEDULER_CREDIT)
            fprintf(f, " tslice=%ums", op.u.scheduler_op.tslice_ms);
        fprintf(f, " ratelimit=%uus", op.u.scheduler_op.ratelimit_us);
        if (sched == XEN_SCHEDULER_CREDIT && !h->level->quirk[HV_QUIRK_credit_delay_at_boot_only])
            fprintf(f, " migration-delay=%uus", op.u.scheduler_op.migration_delay_us);
    }
    fputc('\n', f);
}

static void print_domain_params(FILE *f, const struct xl_host *h, unsigned domid, unsigned sched)
{
    struct hv_domctl op = {0};
    /* As a whole a domain answers with rtds's defaults, whatever its vCPUs have. */
    if (!ask(h, XEN_DOMCTL_scheduler_op, domid, &op))
        return;
    if (sched == XEN_SCHEDULER_RTDS)
        fprintf(f, "%-33s %4u %9u %9u %10s\n", name_of(h, domid), domid, op.u.scheduler_op.period_us,
                op.u.scheduler_op.budget_us, op.u.scheduler_op.extratime ? "yes" : "no");
    else
        fprintf(f, "%-33s %4u %6u %4u\n", name_of(h, domid), domid, op.u.scheduler_op.weight, op.u.scheduler_op.cap);
}

/* The pools that have that scheduler; nothing if none has. */
static void print_sched(FILE *f, const struct xl_host *h, unsigned sched)
{
    struct hv_sysctl pool;
    struct hv_domctl info;
    for (unsigned p = 0; next_pool(h, &p, &pool);) {
        if (pool.u.cpupool_op.sched_id != sched)
            continue;
        print_pool_params(f, h, pool.u.cpupool_op.cpupool, sched);
        if (sched == XEN_SCHEDULER_RTDS)
            fprintf(f, "%-33s %4s %9s %9s %10s\n", "Name", "ID", "Period", "Budget", "Extratime");
        else
            fprintf(f, "%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
        for (unsigned next = 0; next_domain(h, &next, &info);)
            if (info.u.getdomaininfo.cpupool == pool.u.cpupool_op.cpupool)
                print_domain_params(f, h, info.domid.n, sched);
    }
}

static void print_pools(FILE *f, const struct xl_host *h, bool cpus)
{
    struct hv_sysctl pool;
    fprintf(f, "%-19s%s\n", "Name", cpus ? "CPU list" : "CPUs   Sched     Active   Domain count");
    for (unsigned p = 0; next_pool(h, &p, &pool);) {
        const char *comma = "";
        unsigned nr = 0;
        fprintf(f, "%-19s", pool_name_of(h, pool.u.cpupool_op.cpupool));
        for (unsigned c = 0; c < HV_MAX_PCPUS; c++)
            if (is_set(pool.u.cpupool_op.cpumap.w, c)) {
                if (cpus)
                    fprintf(f, "%s%u", comma, c);
                comma = ",";
                nr++;
            }
        if (!cpus)
            fprintf(f, "%3u %9s       y     %6u", nr, pool.u.cpupool_op.sched_name, pool.u.cpupool_op.n_dom);
        fputc('\n', f);
    }
}

/* ---- the host --------------------------------------------------------------------------------------------------- */

static void print_numa(FILE *f, const struct xl_host *h)
{
    unsigned nodes = nr_nodes(h);
    fputs("numa_info              :\nnode:    memsize    memfree    distances\n", f);
    for (unsigned n = 0; n < nodes; n++) {
        struct hv_sysctl op = {0};
        op.u.numainfo.node = node(n);
        if (!ask_host(h, XEN_SYSCTL_numainfo, &op) || !op.u.numainfo.online)
            continue;
        fprintf(f, "%4u:    %6llu     %6llu      ", n, (unsigned long long)(op.u.numainfo.memsize_bytes / MIB),
                (unsigned long long)(op.u.numainfo.memfree_bytes / MIB));
        for (unsigned k = 0; k < nodes; k++)
            fprintf(f, "%s%u", k ? "," : "", op.u.numainfo.distance[k]);
        fputc('\n', f);
    }
}

static void print_topology(FILE *f, const struct xl_host *h, unsigned cpus)
{
    fputs("cpu_topology           :\ncpu:    core    socket     node\n", f);
    for (unsigned c = 0; c < cpus; c++) {
        struct hv_sysctl op = {0};
        op.u.topologyinfo.cpu = pcpu(c);
        if (ask_host(h, XEN_SYSCTL_topologyinfo, &op) && node_valid(op.u.topologyinfo.node))
            fprintf(f, "%3u:    %4u     %4u     %4u\n", c, op.u.topologyinfo.core, op.u.topologyinfo.socket,
                    op.u.topologyinfo.node.n);
    }
}

/* What of xl info is about processors, memory and scheduling. */
static void print_info(FILE *f, const struct xl_host *h)
{
    struct hv_sysctl op = {0}, id = {0}, out = {0};
    unsigned free_cpus = 0;
    if (!ask_host(h, XEN_SYSCTL_physinfo, &op))
        return;
    out.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    if (ask_host(h, XEN_SYSCTL_cpupool_op, &out))
        for (unsigned c = 0; c < HV_MAX_PCPUS; c++)
            free_cpus += is_set(out.u.cpupool_op.cpumap.w, c);
    unsigned cpus = op.u.physinfo.nr_cpus;
    uint64_t claimed = op.u.physinfo.outstanding_pages;
    fprintf(f, "%-23s: %u\n", "nr_cpus", cpus);
    fprintf(f, "%-23s: %u\n", "max_cpu_id", cpus - 1);
    fprintf(f, "%-23s: %u\n", "nr_nodes", op.u.physinfo.max_node_id + 1);
    fprintf(f, "%-23s: %u\n", "cores_per_socket", op.u.physinfo.cores_per_socket);
    fprintf(f, "%-23s: %u\n", "threads_per_core", op.u.physinfo.threads_per_core);
    fprintf(f, "%-23s: %llu\n", "total_memory", (unsigned long long)((op.u.physinfo.total_pages << PAGE_SHIFT) / MIB));
    fprintf(f, "%-23s: %llu\n", "free_memory",
            (unsigned long long)(((op.u.physinfo.free_pages - claimed) << PAGE_SHIFT) / MIB));
    fprintf(f, "%-23s: %llu\n", "outstanding_claims", (unsigned long long)((claimed << PAGE_SHIFT) / MIB));
    fprintf(f, "%-23s: %u\n", "free_cpus", free_cpus);
    print_topology(f, h, cpus);
    print_numa(f, h);
    if (ask_host(h, XEN_SYSCTL_sched_id, &id))
        fprintf(f, "%-23s: %s\n", "xen_scheduler", id.u.sched_id.name);
}

void xl_print(FILE *f, const struct xl_host *h, enum xl_what what)
{
    struct hv_sysctl op = {0};
    switch (what) {
    case XL_VCPU_LIST:
        print_vcpus(f, h);
        break;
    case XL_LIST:
    case XL_LIST_N:
        print_domains(f, h, what == XL_LIST_N);
        break;
    case XL_SCHED_CREDIT:
        print_sched(f, h, XEN_SCHEDULER_CREDIT);
        break;
    case XL_SCHED_CREDIT2:
        print_sched(f, h, XEN_SCHEDULER_CREDIT2);
        break;
    case XL_SCHED_RTDS:
        print_sched(f, h, XEN_SCHEDULER_RTDS);
        break;
    case XL_CPUPOOL_LIST:
    case XL_CPUPOOL_LIST_C:
        print_pools(f, h, what == XL_CPUPOOL_LIST_C);
        break;
    case XL_INFO_N:
        print_info(f, h);
        break;
    case XL_DEBUG_KEYS_R:
        op.u.debug_keys.key = 'r';
        ask_host(h, XEN_SYSCTL_debug_keys, &op);
        break;
    case XL_NR:
        break;
    }
}
