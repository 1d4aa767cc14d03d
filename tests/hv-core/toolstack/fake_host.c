/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fake_host.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What the current call is called in the record. */
#define note(f, ...) snprintf((f)->call[(f)->nr_calls - 1], sizeof(f)->call[0], __VA_ARGS__)

static uint64_t all_cpus(const struct fake_host *f)
{
    return f->nr_cpus == 64 ? ~0ull : (1ull << f->nr_cpus) - 1;
}

static long memory_op(struct fake_host *f, struct hv_memory_op *op)
{
    struct fake_domain *d = &f->dom[op->domid.n];
    if (op->cmd == XENMEM_claim_pages) {
        note(f, "claim=%llu", (unsigned long long)op->nr_extents);
        d->claim = op->nr_extents;
        return 0;
    }
    if (op->cmd == XENMEM_set_pod_target) {
        note(f, "pod=%llu", (unsigned long long)op->pod.target_pages);
        d->pod_target = op->pod.target_pages;
        return 0;
    }
    assert(op->cmd == XENMEM_populate_physmap && op->nr_done == 0 && op->extent_order < MAX_FAKE_ORDER);
    note(f, "populate");
    if (op->mem_flags & XENMEMF_populate_on_demand) { /* never short */
        d->pod_entries += op->nr_extents << op->extent_order;
        f->populate[f->nr_populates++] =
            (struct fake_populate){op->extent_order, op->mem_flags, op->first_gfn.n, op->nr_extents, op->nr_extents};
        return (long)op->nr_extents;
    }
    uint64_t left = f->extents_left[op->extent_order], done = op->nr_extents < left ? op->nr_extents : left;
    f->extents_left[op->extent_order] -= done;
    d->pages += done << op->extent_order;
    f->populate[f->nr_populates++] =
        (struct fake_populate){op->extent_order, op->mem_flags, op->first_gfn.n, op->nr_extents, done};
    return (long)done;
}

static long create(struct fake_host *f, struct hv_domctl *op)
{
    assert(op->domid.n == DOM_INVALID.n);
    if (op->u.createdomain.cpupool >= FAKE_POOLS || !f->pool[op->u.createdomain.cpupool].exists)
        return -HV_ENOENT;
    for (unsigned i = 1; i < FAKE_DOMAINS; i++)
        if (!f->dom[i].exists) {
            f->dom[i] = (struct fake_domain){.exists = true,
                                             .paused = true,
                                             .type = op->u.createdomain.type,
                                             .weight = 256,
                                             .pool = op->u.createdomain.cpupool};
            op->domid = dom(i);
            return 0;
        }
    return -HV_ENOMEM;
}

static long getdomaininfo(struct fake_host *f, struct hv_domctl *op)
{
    for (unsigned i = op->domid.n; i < FAKE_DOMAINS; i++)
        if (f->dom[i].exists) {
            op->domid = dom(i);
            op->u.getdomaininfo.max_vcpu_id = f->dom[i].max_vcpus - 1;
            op->u.getdomaininfo.tot_pages = f->dom[i].pages;
            op->u.getdomaininfo.cpupool = f->dom[i].pool;
            return 0;
        }
    return -HV_ESRCH;
}

static const char *domctl_name(enum hv_domctl_cmd cmd)
{
    static const char *const names[] = {
        [XEN_DOMCTL_createdomain] = "create",
        [XEN_DOMCTL_max_vcpus] = "max_vcpus",
        [XEN_DOMCTL_max_mem] = "max_mem",
        [XEN_DOMCTL_setvcpuaffinity] = "pin",
        [XEN_DOMCTL_getvcpuaffinity] = "getvcpuaffinity",
        [XEN_DOMCTL_setnodeaffinity] = "nodes",
        [XEN_DOMCTL_getnodeaffinity] = "getnodeaffinity",
        [XEN_DOMCTL_scheduler_op] = "sched",
        [XEN_DOMCTL_getdomaininfo] = "info",
        [XEN_DOMCTL_pausedomain] = "pause",
        [XEN_DOMCTL_unpausedomain] = "unpause",
        [XEN_DOMCTL_online_vcpus] = "online",
        [XEN_DOMCTL_destroydomain] = "destroy",
    };
    assert(cmd < ARRAY_SIZE(names) && names[cmd]);
    return names[cmd];
}

/* Without node affinity of its own a domain has that of its vCPUs: where soft affinity says, as far as it may. */
static uint64_t automatic_nodes(const struct fake_host *f, const struct fake_domain *d)
{
    uint64_t nodes = 0;
    for (unsigned i = 0; i < d->max_vcpus; i++)
        for (unsigned c = 0; c < f->nr_cpus; c++)
            if ((d->soft[i] & d->affinity[i] ? d->soft[i] & d->affinity[i] : d->affinity[i]) >> c & 1)
                nodes |= 1ull << f->cpu_node[c].n;
    return nodes;
}

static long sched_of_vcpu(struct fake_domain *d, struct hv_domctl *op)
{
    unsigned v = op->u.scheduler_op.vcpu.n;
    if (v >= d->max_vcpus)
        return -HV_ESRCH;
    if (!op->u.scheduler_op.put) {
        op->u.scheduler_op.period_us = d->rt[v].period_us;
        op->u.scheduler_op.budget_us = d->rt[v].budget_us;
        op->u.scheduler_op.extratime = d->rt[v].extratime;
        return 0;
    }
    if (op->u.scheduler_op.budget_us < 10 || op->u.scheduler_op.budget_us > op->u.scheduler_op.period_us)
        return -HV_EINVAL;
    d->rt[v].period_us = op->u.scheduler_op.period_us;
    d->rt[v].budget_us = op->u.scheduler_op.budget_us;
    d->rt[v].extratime = op->u.scheduler_op.extratime;
    return 0;
}

static long sched_of_domain(struct fake_host *f, struct fake_domain *d, struct hv_domctl *op)
{
    unsigned has = f->pool[d->pool].sched_id;
    note(f, op->u.scheduler_op.put ? "sched" : "getsched");
    if (op->u.scheduler_op.sched_id && op->u.scheduler_op.sched_id != has)
        return -HV_EINVAL;
    if (op->u.scheduler_op.by_vcpu)
        return has == XEN_SCHEDULER_RTDS ? sched_of_vcpu(d, op) : -HV_EINVAL;
    assert(op->u.scheduler_op.put);
    if (op->u.scheduler_op.weight)
        d->weight = op->u.scheduler_op.weight;
    if (op->u.scheduler_op.cap != 0xffff)
        d->cap = op->u.scheduler_op.cap;
    return 0;
}

/* Hard and soft, each where its flag is given; neither is set where one is refused. */
static long set_affinity(struct fake_host *f, struct fake_domain *d, struct hv_domctl *op)
{
    unsigned v = op->u.vcpuaffinity.vcpu.n, flags = op->u.vcpuaffinity.flags;
    unsigned long long hard = op->u.vcpuaffinity.cpumap.w[0], soft = op->u.vcpuaffinity.cpumap_soft.w[0];
    if (flags == (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT))
        note(f, "pin%u=%llx,soft=%llx", v, hard, soft);
    else
        note(f, "%s%u=%llx", flags == XEN_VCPUAFFINITY_SOFT ? "soft" : "pin", v,
             flags == XEN_VCPUAFFINITY_SOFT ? soft : hard);
    if (v >= d->max_vcpus)
        return -HV_ESRCH;
    if ((flags & XEN_VCPUAFFINITY_SOFT) && f->host.level->quirk[HV_QUIRK_node_affinity_domain])
        return -HV_EOPNOTSUPP;
    if (!flags || ((flags & XEN_VCPUAFFINITY_HARD) && !(hard & f->pool[d->pool].cpus)))
        return -HV_EINVAL;
    if (flags & XEN_VCPUAFFINITY_HARD)
        d->affinity[v] = hard;
    if (flags & XEN_VCPUAFFINITY_SOFT)
        d->soft[v] = soft;
    return 0;
}

static long domctl(struct fake_host *f, struct hv_domctl *op)
{
    note(f, "%s", domctl_name(op->cmd));
    if (op->cmd == XEN_DOMCTL_createdomain)
        return create(f, op);
    if (op->cmd == XEN_DOMCTL_getdomaininfo)
        return getdomaininfo(f, op);
    if (op->domid.n >= FAKE_DOMAINS || !f->dom[op->domid.n].exists)
        return -HV_ESRCH;
    struct fake_domain *d = &f->dom[op->domid.n];
    unsigned v = op->u.vcpuaffinity.vcpu.n;
    switch (op->cmd) {
    case XEN_DOMCTL_max_vcpus:
        assert(op->u.max_vcpus.max <= FAKE_VCPUS);
        d->max_vcpus = op->u.max_vcpus.max;
        for (unsigned i = 0; i < d->max_vcpus; i++)
            d->affinity[i] = all_cpus(f);
        return 0;
    case XEN_DOMCTL_max_mem:
        d->max_kb = op->u.max_mem.max_memkb;
        return 0;
    case XEN_DOMCTL_setvcpuaffinity:
        return set_affinity(f, d, op);
    case XEN_DOMCTL_getvcpuaffinity:
        if (v >= d->max_vcpus)
            return -HV_ESRCH;
        memset(&op->u.vcpuaffinity.cpumap, 0, sizeof(cpumask_t));
        op->u.vcpuaffinity.cpumap.w[0] = d->affinity[v];
        return 0;
    case XEN_DOMCTL_setnodeaffinity:
        note(f, "nodes=%llx", (unsigned long long)op->u.nodeaffinity.nodemap.w);
        d->nodes = op->u.nodeaffinity.nodemap.w;
        return 0;
    case XEN_DOMCTL_getnodeaffinity:
        op->u.nodeaffinity.nodemap.w = d->nodes ? d->nodes : automatic_nodes(f, d);
        return 0;
    case XEN_DOMCTL_scheduler_op:
        return sched_of_domain(f, d, op);
    case XEN_DOMCTL_pausedomain:
        d->paused = true;
        return 0;
    case XEN_DOMCTL_unpausedomain:
        d->paused = false;
        return 0;
    case XEN_DOMCTL_online_vcpus:
        d->online = op->u.max_vcpus.max;
        return 0;
    case XEN_DOMCTL_destroydomain:
        memset(d, 0, sizeof *d);
        return 0;
    default:
        return -HV_ENOSYS;
    }
}

static unsigned domains_in(const struct fake_host *f, unsigned pool)
{
    unsigned n = 0;
    for (unsigned i = 0; i < FAKE_DOMAINS; i++)
        n += f->dom[i].exists && f->dom[i].pool == pool;
    return n;
}

static uint64_t free_cpus(const struct fake_host *f)
{
    uint64_t used = f->offline;
    for (unsigned i = 0; i < FAKE_POOLS; i++)
        used |= f->pool[i].cpus;
    return all_cpus(f) & ~used;
}

/* All that are scheduled as one with it in a pool of that granularity. */
static uint64_t together(const struct fake_pool *p, unsigned cpu)
{
    static const unsigned width[] = {[HV_GRAN_cpu] = 1, [HV_GRAN_core] = 2, [HV_GRAN_socket] = 8};
    unsigned w = width[p->gran];
    return ((1ull << w) - 1) << (cpu / w * w);
}

static long pool_create(struct fake_host *f, struct hv_sysctl *op)
{
    unsigned id = 0;
    note(f, "pool-create");
    while (id < FAKE_POOLS && f->pool[id].exists)
        id++;
    if (op->u.cpupool_op.cpupool != XEN_SYSCTL_CPUPOOL_ANY)
        return -HV_EEXIST;
    if (id == FAKE_POOLS)
        return -HV_ENOMEM;
    if (op->u.cpupool_op.sched_id < XEN_SCHEDULER_SEDF || op->u.cpupool_op.sched_id > XEN_SCHEDULER_NULL)
        return -HV_ENOENT;
    f->pool[id] = (struct fake_pool){.exists = true,
                                     .sched_id = op->u.cpupool_op.sched_id,
                                     .gran = op->u.cpupool_op.gran,
                                     .tslice_ms = 30,
                                     .ratelimit_us = 1000};
    op->u.cpupool_op.cpupool = id;
    return 0;
}

static long pool_info(struct fake_host *f, struct hv_sysctl *op)
{
    note(f, "pool");
    for (unsigned i = op->u.cpupool_op.cpupool; i < FAKE_POOLS; i++)
        if (f->pool[i].exists) {
            memset(&op->u.cpupool_op.cpumap, 0, sizeof(cpumask_t));
            op->u.cpupool_op.cpumap.w[0] = f->pool[i].cpus;
            op->u.cpupool_op.cpupool = i;
            op->u.cpupool_op.sched_id = f->pool[i].sched_id;
            op->u.cpupool_op.n_dom = domains_in(f, i);
            return 0;
        }
    return -HV_ENOENT;
}

static long pool_add(struct fake_host *f, struct fake_pool *p, unsigned cpu)
{
    uint64_t cpus = together(p, cpu);
    note(f, "add%u", cpu);
    if (~free_cpus(f) & cpus)
        return -HV_EBUSY;
    p->cpus |= cpus;
    return 0;
}

static long pool_remove(struct fake_host *f, unsigned id, unsigned cpu)
{
    struct fake_pool *p = &f->pool[id];
    uint64_t cpus = together(p, cpu);
    note(f, "remove%u", cpu);
    if (!(p->cpus >> cpu & 1))
        return -HV_ENODEV;
    if (p->cpus == cpus && domains_in(f, id))
        return -HV_EBUSY;
    p->cpus &= ~cpus;
    return 0;
}

static long pool_move(struct fake_host *f, unsigned id, unsigned domid)
{
    note(f, "move%u", domid);
    if (!f->pool[id].cpus)
        return -HV_ENOENT;
    if (domid >= FAKE_DOMAINS || !f->dom[domid].exists)
        return -HV_ESRCH;
    if (domid == 0)
        return -HV_EINVAL;
    f->dom[domid].pool = id;
    return 0;
}

static long cpupool_op(struct fake_host *f, struct hv_sysctl *op)
{
    unsigned id = op->u.cpupool_op.cpupool, cpu = op->u.cpupool_op.cpu;
    if (op->u.cpupool_op.op == XEN_SYSCTL_CPUPOOL_OP_CREATE)
        return pool_create(f, op);
    if (op->u.cpupool_op.op == XEN_SYSCTL_CPUPOOL_OP_INFO)
        return pool_info(f, op);
    note(f, "pool-op");
    if (id >= FAKE_POOLS || !f->pool[id].exists)
        return -HV_ENOENT;
    switch (op->u.cpupool_op.op) {
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
        return pool_add(f, &f->pool[id], cpu);
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return pool_remove(f, id, cpu);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return pool_move(f, id, op->u.cpupool_op.domid.n);
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
        note(f, "pool-destroy");
        if (f->pool[id].cpus || domains_in(f, id))
            return -HV_EBUSY;
        f->pool[id].exists = false;
        return 0;
    default:
        return -HV_ENOSYS;
    }
}

static long sched_of_pool(struct fake_host *f, struct hv_sysctl *op)
{
    unsigned id = op->u.scheduler_op.cpupool;
    note(f, op->u.scheduler_op.put ? "params" : "getparams");
    if (id >= FAKE_POOLS || !f->pool[id].exists)
        return -HV_ESRCH;
    struct fake_pool *p = &f->pool[id];
    if (op->u.scheduler_op.sched_id && op->u.scheduler_op.sched_id != p->sched_id)
        return -HV_EINVAL;
    if (p->sched_id == XEN_SCHEDULER_ARINC653) {
        s_time_t sum = 0;
        for (unsigned i = 0; i < op->u.scheduler_op.nr_entries; i++)
            sum += op->u.scheduler_op.entry[i].runtime;
        if (sum > op->u.scheduler_op.major_frame)
            return -HV_EINVAL;
        p->major_frame = op->u.scheduler_op.major_frame;
        p->nr_entries = op->u.scheduler_op.nr_entries;
        return 0;
    }
    if (p->sched_id != XEN_SCHEDULER_CREDIT && p->sched_id != XEN_SCHEDULER_CREDIT2)
        return -HV_EOPNOTSUPP;
    if (!op->u.scheduler_op.put) {
        op->u.scheduler_op.tslice_ms = p->tslice_ms;
        op->u.scheduler_op.ratelimit_us = p->ratelimit_us;
        op->u.scheduler_op.migration_delay_us = p->migration_delay_us;
        return 0;
    }
    if (op->u.scheduler_op.tslice_ms > 1000 || op->u.scheduler_op.ratelimit_us > 500000)
        return -HV_EINVAL;
    p->tslice_ms = op->u.scheduler_op.tslice_ms;
    p->ratelimit_us = op->u.scheduler_op.ratelimit_us;
    p->migration_delay_us = op->u.scheduler_op.migration_delay_us;
    return 0;
}

static long hotplug(struct fake_host *f, unsigned cpu, bool online)
{
    uint64_t bit = 1ull << cpu;
    note(f, "%s%u", online ? "up" : "down", cpu);
    if (cpu >= f->nr_cpus || online != !!(f->offline & bit))
        return -HV_EINVAL;
    if (cpu == 0)
        return -HV_EBUSY;
    f->offline ^= bit;
    f->pool[0].cpus ^= bit;
    return 0;
}

static long sysctl(struct fake_host *f, struct hv_sysctl *op)
{
    unsigned c = op->u.topologyinfo.cpu.n;
    switch (op->cmd) {
    case XEN_SYSCTL_physinfo:
        note(f, "physinfo");
        op->u.physinfo.nr_cpus = f->nr_cpus;
        op->u.physinfo.max_node_id = f->nr_nodes - 1;
        return 0;
    case XEN_SYSCTL_topologyinfo:
        note(f, "topologyinfo");
        op->u.topologyinfo.node = f->cpu_node[c];
        return 0;
    case XEN_SYSCTL_numainfo:
        note(f, "numainfo");
        c = op->u.numainfo.node.n;
        op->u.numainfo.online = true;
        op->u.numainfo.memfree_bytes = f->free_kb[c] * 1024;
        return 0;
    case XEN_SYSCTL_cpupool_op:
        return cpupool_op(f, op);
    case XEN_SYSCTL_scheduler_op:
        return sched_of_pool(f, op);
    case XEN_SYSCTL_cpu_hotplug:
        return hotplug(f, op->u.cpu_hotplug.cpu, op->u.cpu_hotplug.online);
    default:
        return -HV_ENOSYS;
    }
}

static long hypercall(void *ctx, enum hv_hypercall nr, void *arg)
{
    struct fake_host *f = ctx;
    assert(f->nr_calls < FAKE_CALLS);
    if ((int)f->nr_calls++ == f->fail_at) {
        note(f, "refused");
        return f->fail_with;
    }
    switch (nr) {
    case HYPERCALL_memory_op:
        return memory_op(f, arg);
    case HYPERCALL_domctl:
        return domctl(f, arg);
    case HYPERCALL_sysctl:
        return sysctl(f, arg);
    default:
        return -HV_ENOSYS;
    }
}

static void log_line(void *ctx, int level, const char *line)
{
    struct fake_host *f = ctx;
    size_t used = strlen(f->log);
    snprintf(f->log + used, sizeof f->log - used, "%d %s\n", level, line);
    f->errors += level == 0;
    f->warnings += level == 1;
}

void fake_reset(struct fake_host *f, const struct hv_profile *level, unsigned nr_nodes, unsigned cpus_per_node,
                uint64_t node_free_kb)
{
    memset(f, 0, sizeof *f);
    f->host = (struct ts_host){f, level, hypercall, log_line, TS_CLAIM_DEFAULT, NULL};
    f->nr_nodes = nr_nodes;
    f->nr_cpus = nr_nodes * cpus_per_node;
    for (unsigned c = 0; c < f->nr_cpus; c++)
        f->cpu_node[c] = node(c / cpus_per_node);
    for (unsigned n = 0; n < nr_nodes; n++)
        f->free_kb[n] = node_free_kb;
    for (unsigned o = 0; o < MAX_FAKE_ORDER; o++)
        f->extents_left[o] = UINT64_MAX;
    f->fail_at = -1;
    f->pool[0] = (struct fake_pool){
        .exists = true, .sched_id = XEN_SCHEDULER_CREDIT, .cpus = all_cpus(f), .tslice_ms = 30, .ratelimit_us = 1000};
    fake_add(f, 0, 2, all_cpus(f), 0);
}

struct fake_domain *fake_add(struct fake_host *f, unsigned id, unsigned vcpus, uint64_t affinity, uint64_t nodes)
{
    struct fake_domain *d = &f->dom[id];
    *d = (struct fake_domain){.exists = true, .max_vcpus = vcpus, .nodes = nodes, .weight = 256};
    for (unsigned i = 0; i < vcpus; i++)
        d->affinity[i] = affinity;
    return d;
}

unsigned fake_count_domus(const struct fake_host *f)
{
    unsigned n = 0;
    for (unsigned i = 1; i < FAKE_DOMAINS; i++)
        n += f->dom[i].exists;
    return n;
}

const char *fake_calls(const struct fake_host *f, char *buf, size_t n)
{
    unsigned i = 0;
    while (i < f->nr_calls && strcmp(f->call[i], "create") != 0)
        i++;
    return fake_calls_from(f, i, buf, n);
}

const char *fake_calls_from(const struct fake_host *f, unsigned i, char *buf, size_t n)
{
    size_t used = 0;
    buf[0] = '\0';
    while (i < f->nr_calls && used < n) {
        unsigned run = 1;
        while (i + run < f->nr_calls && strcmp(f->call[i], f->call[i + run]) == 0)
            run++;
        used += (size_t)snprintf(buf + used, n - used, run > 1 ? "%s*%u " : "%s ", f->call[i], run);
        i += run;
    }
    return buf;
}
