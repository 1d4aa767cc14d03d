/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hypervisor refuses to set: the error that Xen gives, and everything that can be read back is as it was. The
 * calls are made as a toolstack could make them; what libxl refuses by itself before that (weight 0, a cap of more than
 * the vCPUs can use) is tested with the toolstack, and here with what Xen does about it.
 */
#include "sched_fixture.h"

#include <stdlib.h>
#include <string.h>

#define POOLS 2
#define DOMAINS 2
#define VCPUS 2

enum { ON_4_3 = 1, ON_MODERN = 2, ON_BOTH = 3 };
static const char *const level_names[] = {"xen-4.3", "modern"};

/* Domain 0 of the array is in pool 0 of pCPUs 0 to 2, domain 1 in pool 1 of pCPU 3; both pools have the scheduler. */
static struct domain *doms[DOMAINS];

static long sysctl(struct hv_sysctl *op, enum hv_sysctl_cmd cmd)
{
    op->cmd = cmd;
    return do_sysctl(op);
}

static long pool_call(enum hv_cpupool_op what, unsigned pool, unsigned sched_id, unsigned cpu)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_cpupool_op};
    op.u.cpupool_op.op = what;
    op.u.cpupool_op.cpupool = pool;
    op.u.cpupool_op.sched_id = sched_id;
    op.u.cpupool_op.cpu = cpu;
    return do_sysctl(&op);
}

static void settle(void)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        tp_settle(c);
    tp_settle_all();
    tp_set_cpu(0);
}

static struct domain *domain_in(unsigned pool)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_createdomain, .domid = DOM_INVALID};
    op.u.createdomain.cpupool = pool;
    CU_ASSERT_EQUAL_FATAL(do_domctl(&op), 0);
    op.cmd = XEN_DOMCTL_max_vcpus;
    op.u.max_vcpus.max = VCPUS;
    CU_ASSERT_EQUAL_FATAL(do_domctl(&op), 0);
    struct domain *d = domain_find(op.domid);
    fx_start(d);
    settle();
    return d;
}

static void boot(const char *sched, const char *level)
{
    struct hv_boot_info *info = tp_boot_info(&MACHINE_4, hv_profile_find(level));
    info->opt.sched = sched;
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    CU_ASSERT_STRING_EQUAL_FATAL(cpupool_find(0)->sched.policy->opt_name, sched);
    long rc;
    while (rc = pool_call(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 0, 3), rc == -HV_ERESTART)
        settle();
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    CU_ASSERT_EQUAL_FATAL(pool_call(XEN_SYSCTL_CPUPOOL_OP_CREATE, 1, cpupool_find(0)->sched.policy->id, 0), 0);
    CU_ASSERT_EQUAL_FATAL(pool_call(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 1, 0, 3), 0);
    settle();
    for (unsigned i = 0; i < DOMAINS; i++)
        doms[i] = domain_in(i);
    fx_check();
}

/* ---- reading back ----------------------------------------------------------------------------------------------- */

struct state {
    struct {
        struct hv_domctl params, nodes, vcpu_params[VCPUS], affinity[VCPUS];
        unsigned pool;
        bool paused;
        long rc[1 + VCPUS];
    } dom[DOMAINS];
    struct {
        struct hv_sysctl info, params;
        long rc[2];
    } pool[POOLS + 1];
    struct hv_sysctl free;
    cpumask_t online;
};

static void read_domain(struct state *s, unsigned i)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo, .domid = doms[i]->id};
    CU_ASSERT_EQUAL_FATAL(do_domctl(&op), 0);
    s->dom[i].pool = op.u.getdomaininfo.cpupool;
    s->dom[i].paused = op.u.getdomaininfo.paused;
    s->dom[i].params.cmd = XEN_DOMCTL_scheduler_op;
    s->dom[i].params.domid = doms[i]->id;
    s->dom[i].rc[VCPUS] = do_domctl(&s->dom[i].params);
    s->dom[i].nodes.cmd = XEN_DOMCTL_getnodeaffinity;
    s->dom[i].nodes.domid = doms[i]->id;
    CU_ASSERT_EQUAL_FATAL(do_domctl(&s->dom[i].nodes), 0);
    for (unsigned v = 0; v < VCPUS; v++) {
        struct hv_domctl *params = &s->dom[i].vcpu_params[v], *affinity = &s->dom[i].affinity[v];
        params->cmd = XEN_DOMCTL_scheduler_op;
        params->domid = affinity->domid = doms[i]->id;
        params->u.scheduler_op.by_vcpu = true;
        params->u.scheduler_op.vcpu = vcpu_n(v);
        s->dom[i].rc[v] = do_domctl(params);
        affinity->cmd = XEN_DOMCTL_getvcpuaffinity;
        affinity->u.vcpuaffinity.vcpu = vcpu_n(v);
        CU_ASSERT_EQUAL_FATAL(do_domctl(affinity), 0);
    }
}

static struct state *read_state(void)
{
    struct state *s = calloc(1, sizeof(*s));
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    for (unsigned i = 0; i < DOMAINS; i++)
        read_domain(s, i);
    for (unsigned next = 0, i = 0; i <= POOLS; i++) {
        s->pool[i].info.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
        s->pool[i].info.u.cpupool_op.cpupool = next;
        s->pool[i].rc[0] = sysctl(&s->pool[i].info, XEN_SYSCTL_cpupool_op);
        if (s->pool[i].rc[0])
            break;
        s->pool[i].params.u.scheduler_op.cpupool = s->pool[i].info.u.cpupool_op.cpupool;
        s->pool[i].rc[1] = sysctl(&s->pool[i].params, XEN_SYSCTL_scheduler_op);
        next = s->pool[i].info.u.cpupool_op.cpupool + 1;
    }
    s->free.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    CU_ASSERT_EQUAL_FATAL(sysctl(&s->free, XEN_SYSCTL_cpupool_op), 0);
    cpumask_copy(&s->online, &hv_cpu_online);
    return s;
}

/* ---- the calls: of the domain that the row names ---------------------------------------------------------------- */

struct row {
    const char *what, *sched;
    unsigned levels;
    long (*call)(const struct row *r);
    int64_t a, b, c;
    int error; /* 0: taken, and changes nothing */
};

static long put(const struct hv_domctl *params, unsigned dom_index)
{
    struct hv_domctl op = *params;
    op.cmd = XEN_DOMCTL_scheduler_op;
    op.domid = doms[dom_index]->id;
    op.u.scheduler_op.put = true;
    return do_domctl(&op);
}

static long weight_cap(const struct row *r)
{
    struct hv_domctl op = {0};
    op.u.scheduler_op.weight = (uint32_t)r->a;
    op.u.scheduler_op.cap = (uint32_t)r->b;
    op.u.scheduler_op.sched_id = (unsigned)r->c;
    return put(&op, 0);
}

static long weight_of_a_vcpu(const struct row *r)
{
    struct hv_domctl op = {0};
    op.u.scheduler_op.weight = (uint32_t)r->a;
    op.u.scheduler_op.cap = (uint32_t)r->b;
    op.u.scheduler_op.by_vcpu = true;
    return put(&op, 0);
}

static struct hv_domctl rtds_params(const struct row *r)
{
    struct hv_domctl op = {0};
    op.u.scheduler_op.period_us = (uint32_t)r->a;
    op.u.scheduler_op.budget_us = (uint32_t)r->b;
    return op;
}

static long rtds_domain(const struct row *r)
{
    struct hv_domctl op = rtds_params(r);
    return put(&op, 0);
}

static long rtds_vcpu(const struct row *r)
{
    struct hv_domctl op = rtds_params(r);
    op.u.scheduler_op.by_vcpu = true;
    op.u.scheduler_op.vcpu = vcpu_n((unsigned)r->c);
    return put(&op, 0);
}

static long sedf_domain(const struct row *r)
{
    struct hv_domctl op = {0};
    op.u.scheduler_op.period_ns = (uint64_t)r->a;
    op.u.scheduler_op.slice_ns = (uint64_t)r->b;
    op.u.scheduler_op.weight = (uint32_t)r->c;
    return put(&op, 0);
}

/* a: vCPU, b: flags, c: bit mask of pCPUs, both as hard and as soft affinity. The domain of pool 1. */
static long affinity(const struct row *r)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_setvcpuaffinity, .domid = doms[1]->id};
    op.u.vcpuaffinity.vcpu = vcpu_n((unsigned)r->a);
    op.u.vcpuaffinity.flags = (unsigned)r->b;
    for (unsigned c = 0; c < 4; c++)
        if (r->c >> c & 1) {
            cpumask_set(&op.u.vcpuaffinity.cpumap, pcpu(c));
            cpumask_set(&op.u.vcpuaffinity.cpumap_soft, pcpu(c));
        }
    return do_domctl(&op);
}

static long of_nobody(const struct row *r)
{
    struct hv_domctl op = {.cmd = (enum hv_domctl_cmd)r->a, .domid = dom(77)};
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    return do_domctl(&op);
}

static long node_affinity(const struct row *r)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_setnodeaffinity, .domid = doms[0]->id};
    op.u.nodeaffinity.nodemap.w = (uint64_t)r->a;
    return do_domctl(&op);
}

/* a: operation, b: pool, c: scheduler or pCPU */
static long pools(const struct row *r)
{
    return pool_call((enum hv_cpupool_op)r->a, (unsigned)r->b, (unsigned)r->c, (unsigned)r->c);
}

static long pool_of_gran(const struct row *r)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_cpupool_op};
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
    op.u.cpupool_op.cpupool = XEN_SYSCTL_CPUPOOL_ANY;
    op.u.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT;
    memcpy(&op.u.cpupool_op.gran, &(unsigned){(unsigned)r->a}, sizeof(op.u.cpupool_op.gran));
    return do_sysctl(&op);
}

/* a: domain, b: pool */
static long move(const struct row *r)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_cpupool_op};
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN;
    op.u.cpupool_op.domid = r->a < DOMAINS ? doms[r->a]->id : dom(77);
    op.u.cpupool_op.cpupool = (unsigned)r->b;
    return do_sysctl(&op);
}

static long hotplug(const struct row *r)
{
    struct hv_sysctl op = {0};
    op.u.cpu_hotplug.cpu = (unsigned)r->a;
    op.u.cpu_hotplug.online = r->b;
    return sysctl(&op, XEN_SYSCTL_cpu_hotplug);
}

/* a: slice in ms, b: rate limit in us, c: pool */
static long pool_params(const struct row *r)
{
    struct hv_sysctl op = {0};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.cpupool = (unsigned)r->c;
    op.u.scheduler_op.tslice_ms = (unsigned)r->a;
    op.u.scheduler_op.ratelimit_us = (unsigned)r->b;
    return sysctl(&op, XEN_SYSCTL_scheduler_op);
}

static long params_of_another(const struct row *r)
{
    struct hv_sysctl op = {0};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.sched_id = (unsigned)r->a;
    op.u.scheduler_op.tslice_ms = 5;
    return sysctl(&op, XEN_SYSCTL_scheduler_op);
}

/* a: slots, b: ns of each, c: major frame */
static long frame(const struct row *r)
{
    struct hv_sysctl op = {0};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_ARINC653;
    op.u.scheduler_op.major_frame = r->c;
    op.u.scheduler_op.nr_entries = (unsigned)r->a;
    for (unsigned i = 0; i < HV_ARINC653_MAX_ENTRIES && i < (unsigned)r->a; i++)
        op.u.scheduler_op.entry[i] = (struct hv_arinc653_entry){doms[0]->id, vcpu_n(0), r->b};
    return sysctl(&op, XEN_SYSCTL_scheduler_op);
}

static long debug_key(const struct row *r)
{
    struct hv_sysctl op = {0};
    op.u.debug_keys.key = (char)r->a;
    return sysctl(&op, XEN_SYSCTL_debug_keys);
}

#define SAME_CAP 0xffff
#define HARD XEN_VCPUAFFINITY_HARD
#define SOFT XEN_VCPUAFFINITY_SOFT
#define POOL(op) XEN_SYSCTL_CPUPOOL_OP_##op

static const struct row rows[] = {
    /* weights and caps */
    {"weight 0 is: as it was", "credit", ON_BOTH, weight_cap, 0, SAME_CAP, 0, 0},
    {"weight 0 is: as it was", "credit2", ON_BOTH, weight_cap, 0, SAME_CAP, 0, 0},
    {"a weight of 17 bits", "credit", ON_BOTH, weight_cap, 65536, SAME_CAP, 0, HV_EINVAL},
    {"a weight of 17 bits", "credit2", ON_BOTH, weight_cap, 65536, SAME_CAP, 0, HV_EINVAL},
    {"a cap of 17 bits", "credit", ON_BOTH, weight_cap, 512, 65536, 0, HV_EINVAL},
    {"cap above 100 x vCPUs", "credit2", ON_MODERN, weight_cap, 512, 100 * VCPUS + 1, 0, HV_EINVAL},
    {"credit2 has no caps", "credit2", ON_4_3, weight_cap, 512, 50, 0, HV_EOPNOTSUPP},
    {"parameters of credit2", "credit", ON_BOTH, weight_cap, 512, SAME_CAP, XEN_SCHEDULER_CREDIT2, HV_EINVAL},
    {"parameters of credit", "credit2", ON_BOTH, weight_cap, 512, SAME_CAP, XEN_SCHEDULER_CREDIT, HV_EINVAL},
    {"weight of one vCPU", "credit", ON_BOTH, weight_of_a_vcpu, 512, SAME_CAP, 0, HV_EINVAL},
    {"weight of one vCPU", "credit2", ON_BOTH, weight_of_a_vcpu, 512, SAME_CAP, 0, HV_EINVAL},
    {"null has no parameters", "null", ON_BOTH, weight_cap, 512, SAME_CAP, 0, HV_EOPNOTSUPP},
    {"arinc653 has none of domains", "arinc653", ON_BOTH, weight_cap, 512, SAME_CAP, 0, HV_EOPNOTSUPP},
    {"of a domain that is not there", "credit", ON_BOTH, of_nobody, XEN_DOMCTL_scheduler_op, 0, 0, HV_ESRCH},
    /* rtds, sedf */
    {"budget above period", "rtds", ON_MODERN, rtds_domain, 10000, 10001, 0, HV_EINVAL},
    {"budget above period, one vCPU", "rtds", ON_MODERN, rtds_vcpu, 10000, 10001, 1, HV_EINVAL},
    {"period 0", "rtds", ON_MODERN, rtds_domain, 0, 0, 0, HV_EINVAL},
    {"budget 0", "rtds", ON_MODERN, rtds_vcpu, 10000, 0, 0, HV_EINVAL},
    {"a vCPU that is not there", "rtds", ON_MODERN, rtds_vcpu, 10000, 4000, VCPUS, HV_ESRCH},
    {"slice above period", "sedf", ON_4_3, sedf_domain, 20000000, 20000001, 0, HV_EINVAL},
    {"neither weight nor period", "sedf", ON_4_3, sedf_domain, 0, 0, 0, HV_EINVAL},
    /* affinity: pool 1 has pCPU 3 */
    {"empty affinity", "credit", ON_BOTH, affinity, 0, HARD, 0, HV_EINVAL},
    {"empty affinity", "credit2", ON_BOTH, affinity, 0, HARD, 0, HV_EINVAL},
    {"empty affinity", "rtds", ON_MODERN, affinity, 0, HARD, 0, HV_EINVAL},
    {"empty affinity", "null", ON_MODERN, affinity, 0, HARD, 0, HV_EINVAL},
    {"empty affinity", "sedf", ON_4_3, affinity, 0, HARD, 0, HV_EINVAL},
    {"affinity outside the pool", "credit", ON_BOTH, affinity, 0, HARD, 7, HV_EINVAL},
    {"affinity outside the pool", "credit2", ON_BOTH, affinity, 1, HARD, 7, HV_EINVAL},
    {"affinity outside the pool", "rtds", ON_MODERN, affinity, 1, HARD, 7, HV_EINVAL},
    {"affinity outside the pool", "arinc653", ON_BOTH, affinity, 1, HARD, 7, HV_EINVAL},
    {"affinity outside the pool, both", "credit", ON_MODERN, affinity, 0, HARD | SOFT, 7, HV_EINVAL},
    {"neither hard nor soft", "credit", ON_BOTH, affinity, 0, 0, 8, HV_EINVAL},
    {"a third affinity", "credit", ON_BOTH, affinity, 0, HARD | 4, 8, HV_EINVAL},
    {"soft affinity came with 4.5", "credit", ON_4_3, affinity, 0, SOFT, 8, HV_EOPNOTSUPP},
    {"soft affinity came with 4.5", "credit", ON_4_3, affinity, 0, HARD | SOFT, 8, HV_EOPNOTSUPP},
    {"affinity of vCPU 2 of 2", "credit", ON_BOTH, affinity, VCPUS, HARD, 8, HV_EINVAL},
    {"affinity of nobody", "credit", ON_BOTH, of_nobody, XEN_DOMCTL_setvcpuaffinity, 0, 0, HV_ESRCH},
    {"no nodes", "credit", ON_BOTH, node_affinity, 0, 0, 0, HV_EINVAL},
    /* pools */
    {"unknown scheduler", "credit", ON_BOTH, pools, POOL(CREATE), 5, 77, HV_ENOENT},
    {"scheduler of another release", "credit", ON_MODERN, pools, POOL(CREATE), 5, XEN_SCHEDULER_SEDF, HV_ENOENT},
    {"a pool that exists", "credit", ON_BOTH, pools, POOL(CREATE), 1, XEN_SCHEDULER_CREDIT, HV_EEXIST},
    {"unknown granularity", "credit", ON_BOTH, pool_of_gran, 3, 0, 0, HV_EINVAL},
    {"the last pCPU of a pool", "credit", ON_BOTH, pools, POOL(RMCPU), 1, 3, HV_EBUSY},
    {"the last pCPU of a pool", "credit2", ON_BOTH, pools, POOL(RMCPU), 1, 3, HV_EBUSY},
    {"the last pCPU of a pool", "rtds", ON_MODERN, pools, POOL(RMCPU), 1, 3, HV_EBUSY},
    {"the last pCPU of a pool", "null", ON_MODERN, pools, POOL(RMCPU), 1, 3, HV_EBUSY},
    {"the last pCPU of a pool", "arinc653", ON_BOTH, pools, POOL(RMCPU), 1, 3, HV_EBUSY},
    {"the last pCPU of a pool", "sedf", ON_4_3, pools, POOL(RMCPU), 1, 3, HV_EBUSY},
    {"a pCPU of another pool", "credit", ON_BOTH, pools, POOL(RMCPU), 1, 2, HV_ENODEV},
    {"a pCPU that does not exist", "credit", ON_BOTH, pools, POOL(RMCPU), 1, 4, HV_ENODEV},
    {"a pCPU from no pool", "credit", ON_BOTH, pools, POOL(RMCPU), 7, 3, HV_ENOENT},
    {"a pCPU that is not free", "credit", ON_BOTH, pools, POOL(ADDCPU), 1, 2, HV_EBUSY},
    {"a pCPU that does not exist", "credit", ON_BOTH, pools, POOL(ADDCPU), 1, 4, HV_ENODEV},
    {"any pCPU where none is free", "credit", ON_BOTH, pools, POOL(ADDCPU), 1, XEN_SYSCTL_CPUPOOL_ANY, HV_ENODEV},
    {"a pCPU into no pool", "credit", ON_BOTH, pools, POOL(ADDCPU), 7, 2, HV_ENOENT},
    {"a pool in use", "credit", ON_BOTH, pools, POOL(DESTROY), 1, 0, HV_EBUSY},
    {"the boot pool", "credit", ON_BOTH, pools, POOL(DESTROY), 0, 0, HV_EBUSY},
    {"no pool", "credit", ON_BOTH, pools, POOL(DESTROY), 7, 0, HV_ENOENT},
    {"into no pool", "credit", ON_BOTH, move, 1, 7, 0, HV_ENOENT},
    {"the domain whose vCPU calls", "credit", ON_BOTH, move, 0, 1, 0, HV_EINVAL}, /* it runs on pCPU 0 */
    {"nobody", "credit", ON_BOTH, move, DOMAINS, 1, 0, HV_ESRCH},
    /* pCPUs off and on */
    {"pCPU 0 off", "credit", ON_BOTH, hotplug, 0, false, 0, HV_EBUSY},
    {"off in another pool", "credit", ON_BOTH, hotplug, 3, false, 0, HV_EINVAL},
    {"off that does not exist", "credit", ON_BOTH, hotplug, 4, false, 0, HV_EINVAL},
    {"on that is on", "credit", ON_BOTH, hotplug, 1, true, 0, HV_EINVAL},
    /* parameters of pools */
    {"a slice of no time", "credit", ON_BOTH, pool_params, 0, 0, 0, HV_EINVAL},
    {"a slice above 1 s", "credit", ON_BOTH, pool_params, 1001, 0, 0, HV_EINVAL},
    {"a rate limit below 100 us", "credit", ON_BOTH, pool_params, 30, 99, 0, HV_EINVAL},
    {"a rate limit above 500 ms", "credit", ON_BOTH, pool_params, 1000, 500001, 0, HV_EINVAL},
    {"a rate limit above the slice", "credit", ON_BOTH, pool_params, 5, 5001, 0, HV_EINVAL},
    {"a rate limit below 100 us", "credit2", ON_MODERN, pool_params, 0, 99, 0, HV_EINVAL},
    {"no rate limit", "credit2", ON_4_3, pool_params, 0, 1000, 0, HV_EOPNOTSUPP},
    {"rtds has none", "rtds", ON_MODERN, pool_params, 30, 1000, 0, HV_EOPNOTSUPP},
    {"null has none", "null", ON_MODERN, pool_params, 30, 1000, 0, HV_EOPNOTSUPP},
    {"of no pool", "credit", ON_BOTH, pool_params, 30, 1000, 7, HV_ESRCH},
    {"of another scheduler", "credit", ON_BOTH, params_of_another, XEN_SCHEDULER_CREDIT2, 0, 0, HV_EINVAL},
    /* frames of arinc653 */
    {"slots longer than the frame", "arinc653", ON_BOTH, frame, 2, 5000001, 10000000, HV_EINVAL},
    {"no slots", "arinc653", ON_BOTH, frame, 0, 0, 10000000, HV_EINVAL},
    {"65 slots", "arinc653", ON_BOTH, frame, HV_ARINC653_MAX_ENTRIES + 1, 1000, 10000000, HV_EINVAL},
    {"a slot of no time", "arinc653", ON_BOTH, frame, 1, 0, 10000000, HV_EINVAL},
    {"a slot of negative time", "arinc653", ON_BOTH, frame, 1, -1, 10000000, HV_EINVAL},
    {"a frame of no time", "arinc653", ON_BOTH, frame, 1, 1000, 0, HV_EINVAL},
    {"slots that overflow 64 bits", "arinc653", ON_BOTH, frame, 4, INT64_MAX / 2, 10000000, HV_EINVAL},
    {"a frame for credit", "credit", ON_BOTH, frame, 1, 1000, 10000000, HV_EINVAL},
    /* the console */
    {"a key that does nothing", "credit", ON_BOTH, debug_key, 'X', 0, 0, HV_EINVAL},
};

static void refusals_change_nothing(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        for (unsigned l = 0; l < ARRAY_SIZE(level_names); l++) {
            const struct row *r = &rows[i];
            if (!(r->levels >> l & 1))
                continue;
            boot(r->sched, level_names[l]);
            struct state *before = read_state();
            long rc = r->call(r);
            struct state *after = read_state();
            bool same = memcmp(before, after, sizeof(*before)) == 0;
            if (rc != -r->error || !same)
                fprintf(stderr, "\n  %s, %s, %s: %ld, expected %d; %s\n", r->what, r->sched, level_names[l], rc,
                        -r->error, same ? "nothing changed" : "something changed");
            CU_ASSERT_EQUAL(rc, -r->error);
            CU_ASSERT_TRUE(same);
            CU_ASSERT_EQUAL(tp_locks_held(), 0);
            fx_check();
            settle();
            fx_check();
            free(before);
            free(after);
        }
}

/* The same calls just within what is allowed: they are taken, and the comparison sees what they change. */
static const struct row allowed[] = {
    {"the largest weight", "credit", ON_BOTH, weight_cap, 65535, SAME_CAP, 0, 0},
    {"the largest weight", "credit2", ON_BOTH, weight_cap, 65535, SAME_CAP, 0, 0},
    {"a cap of all vCPUs", "credit2", ON_MODERN, weight_cap, 0, 100 * VCPUS, 0, 0},
    /* Only libxl knows how many vCPUs there are: credit itself takes any cap. */
    {"a cap of more than the vCPUs", "credit", ON_BOTH, weight_cap, 0, 100 * VCPUS + 1, 0, 0},
    {"budget of the whole period", "rtds", ON_MODERN, rtds_vcpu, 5000, 5000, 1, 0},
    {"slice of the whole period", "sedf", ON_4_3, sedf_domain, 20000000, 20000000, 0, 0},
    {"affinity that touches the pool", "credit", ON_BOTH, affinity, 0, HARD, 9, 0},
    {"soft affinity outside the pool", "credit", ON_MODERN, affinity, 0, SOFT, 7, 0},
    {"a new pool", "credit", ON_BOTH, pools, POOL(CREATE), 5, XEN_SCHEDULER_CREDIT2, 0},
    {"the scheduler of that release", "credit", ON_4_3, pools, POOL(CREATE), 5, XEN_SCHEDULER_SEDF, 0},
    {"a rate limit of the slice", "credit", ON_BOTH, pool_params, 5, 5000, 1, 0},
    {"a rate limit of 100 us", "credit2", ON_MODERN, pool_params, 0, 100, 1, 0},
    {"slots that fill the frame", "arinc653", ON_BOTH, frame, 2, 5000000, 10000000, 0},
    {"64 slots", "arinc653", ON_BOTH, frame, HV_ARINC653_MAX_ENTRIES, 1000, 10000000, 0},
};

static void what_is_allowed_is_seen(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
        for (unsigned l = 0; l < ARRAY_SIZE(level_names); l++) {
            const struct row *r = &allowed[i];
            if (!(r->levels >> l & 1))
                continue;
            boot(r->sched, level_names[l]);
            struct state *before = read_state();
            long rc = r->call(r);
            struct state *after = read_state();
            bool same = memcmp(before, after, sizeof(*before)) == 0;
            if (rc || same)
                fprintf(stderr, "\n  %s, %s, %s: %ld; %s\n", r->what, r->sched, level_names[l], rc,
                        same ? "nothing changed" : "changed");
            CU_ASSERT_EQUAL(rc, 0);
            CU_ASSERT_FALSE(same);
            settle();
            fx_check();
            free(before);
            free(after);
        }
}

/* dom0 stays where it is, and is not paused or moved by itself. */
static void dom0_is_special(void)
{
    for (unsigned l = 0; l < ARRAY_SIZE(level_names); l++) {
        boot("credit", level_names[l]);
        CU_ASSERT_EQUAL_FATAL(hv_core_get()->construct_dom0(1, 16ull << 20), 0);
        struct state *before = read_state();
        struct hv_sysctl op = {.cmd = XEN_SYSCTL_cpupool_op};
        op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN;
        op.u.cpupool_op.cpupool = 1;
        op.u.cpupool_op.domid = dom(0);
        CU_ASSERT_EQUAL(do_sysctl(&op), -HV_EINVAL);
        struct hv_domctl destroy = {.cmd = XEN_DOMCTL_destroydomain, .domid = dom(0)};
        CU_ASSERT_EQUAL(do_domctl(&destroy), -HV_EINVAL);
        struct state *after = read_state();
        CU_ASSERT_EQUAL(memcmp(before, after, sizeof(*before)), 0);
        fx_check();
        free(before);
        free(after);
    }
}

static const struct cunit_case tests[] = {
    {"refusals have Xen's errors and change nothing", refusals_change_nothing},
    {"what is just allowed is taken, and seen", what_is_allowed_is_seen},
    {"dom0 stays where it is", dom0_is_special},
};

CUNIT_MAIN("sched_refusals", tests)
