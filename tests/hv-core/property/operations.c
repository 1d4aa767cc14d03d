/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operations of the property test do. Arguments: a0..a3, taken modulo what there is. */
#include "property.h"

#include "sched/private.h"
#include <hv/tasklet.h>

#include <signal.h>
#include <string.h>

#define SLOTS 10u
#define MAX_VCPUS 6u
#define MAX_POOLS 4u
#define MAX_RETRIES 64u /* of a hypercall that is to be continued */
#define DOM0_VCPUS 2u
/* How late a pCPU may be to take what waits: interrupts, and timers that are handled together (timer_slop, 50 us). */
#define SLACK MICROSECS(100)
/* After a trylock failed, the next tick of credit may be the first to try again. */
#define AFTER_FAILED_LOCKS MILLISECS(25)

static const struct hv_core *core;
static struct domain *doms[SLOTS];
static struct tp_guest guests[SLOTS + 1][MAX_VCPUS];
static unsigned pauses[SLOTS][MAX_VCPUS];
static struct tasklet tasklets[16];
static unsigned fault, fault_count;
static s_time_t locks_failed;

/* ---- hypercalls ------------------------------------------------------------------------------------------------- */

struct call {
    enum hv_hypercall nr;
    void *arg;
    long rc;
};

static void do_call(void *arg)
{
    struct call *c = arg;
    /* Not through the table of entry points, which asks whether the caller is privileged: here anybody may call. */
    c->rc = c->nr == HYPERCALL_domctl ? do_domctl(c->arg) : do_sysctl(c->arg);
}

/* From a pCPU, on and on until it is done. avoid: a domain that the caller must not run (NULL: whichever). */
static long call(unsigned cpu, enum hv_hypercall nr, void *arg, const struct domain *avoid)
{
    struct call c = {.nr = nr, .arg = arg, .rc = -HV_ERESTART};
    for (unsigned k = 0; c.rc == -HV_ERESTART; k++) {
        if (k == MAX_RETRIES)
            prop_fail("a hypercall is continued for ever");
        if (k) {
            tp_trylock_failures = 0;
            world_settle();
            world_run_until(world_now() + MICROSECS(k), NULL);
        }
        unsigned from = world_caller(cpu, avoid);
        world_run_on(from == world_cpus ? cpu : from, do_call, &c);
    }
    return c.rc;
}

static const char *error_name(long rc)
{
    switch (-rc) {
    case HV_ENOMEM:
        return "ENOMEM";
    case HV_EINVAL:
        return "EINVAL";
    case HV_EBUSY:
        return "EBUSY";
    case HV_ENODEV:
        return "ENODEV";
    case HV_ENOENT:
        return "ENOENT";
    case HV_ESRCH:
        return "ESRCH";
    case HV_EOPNOTSUPP:
        return "EOPNOTSUPP";
    default:
        return "another one";
    }
}

/* The errors that are in order, as they are numbered, ended by 0. */
static long domctl(unsigned cpu, struct domain *d, enum hv_domctl_cmd cmd, struct hv_domctl *op, const int *errors)
{
    op->cmd = cmd;
    if (d)
        op->domid = d->id;
    long rc = call(cpu, HYPERCALL_domctl, op, d);
    for (; rc && *errors; errors++)
        if (rc == -*errors)
            return rc;
    if (rc)
        prop_fail("domctl %d: unexpected error %s (%ld)", (int)cmd, error_name(rc), rc);
    return 0;
}

static long sysctl(unsigned cpu, enum hv_sysctl_cmd cmd, struct hv_sysctl *op, const struct domain *avoid,
                   const int *errors)
{
    op->cmd = cmd;
    long rc = call(cpu, HYPERCALL_sysctl, op, avoid);
    for (; rc && *errors; errors++)
        if (rc == -*errors)
            return rc;
    if (rc)
        prop_fail("sysctl %d: unexpected error %s (%ld)", (int)cmd, error_name(rc), rc);
    return 0;
}

#define ERRORS(...)                                                                                                    \
    (const int[])                                                                                                      \
    {                                                                                                                  \
        __VA_ARGS__, 0                                                                                                 \
    }
#define NO_ERRORS                                                                                                      \
    (const int[])                                                                                                      \
    {                                                                                                                  \
        0                                                                                                              \
    }

/* ---- domains ---------------------------------------------------------------------------------------------------- */

/* 10 us to 10 ms, in steps of 2; 0: for ever. */
static s_time_t duration(uint32_t a)
{
    return a % 12 ? MICROSECS(10) << (a % 12 - 1) : 0;
}

static struct cpupool *pool_of(uint32_t a)
{
    return cpupool_find(a % MAX_POOLS);
}

static void on_each_vcpu(void *arg, void (*fn)(struct vcpu *))
{
    struct domain *d = arg;
    struct vcpu *v;
    unsigned i;
    for_each_vcpu(d, v, i) fn(v);
}
static void pause_all(void *d)
{
    on_each_vcpu(d, vcpu_pause_nosync);
}
static void unpause_all(void *d)
{
    on_each_vcpu(d, vcpu_unpause);
}

/* A caller waits for d to stop; where it runs on all pCPUs, it has to be stopped before. */
static bool stop_if_everywhere(unsigned cpu, struct domain *d)
{
    if (world_caller(cpu, d) < world_cpus)
        return false;
    world_run_on(cpu, pause_all, d);
    world_settle();
    return true;
}

static void destroy(unsigned cpu, unsigned slot)
{
    struct domain *d = doms[slot];
    struct hv_domctl op = {0};
    stop_if_everywhere(cpu, d);
    domctl(cpu, d, XEN_DOMCTL_destroydomain, &op, NO_ERRORS);
    doms[slot] = NULL;
    memset(pauses[slot], 0, sizeof(pauses[slot]));
}

/* a0: slot; a1: number of vCPUs, how many of them come up; a2: what they do; a3: pool. */
static void op_create(unsigned cpu, const uint32_t *a)
{
    unsigned slot = a[0] % SLOTS, n = 1 + a[1] % MAX_VCPUS;
    struct hv_domctl op = {.domid = DOM_INVALID};
    struct cpupool *p = pool_of(a[3]);

    if (doms[slot] || !p || cpumask_empty(&p->res))
        return;
    op.u.createdomain.cpupool = p->id;
    if (domctl(cpu, NULL, XEN_DOMCTL_createdomain, &op, ERRORS(HV_ENOMEM)))
        return;
    struct domain *d = doms[slot] = domain_find(op.domid);
    op.u.max_vcpus.max = n;
    if (domctl(cpu, d, XEN_DOMCTL_max_vcpus, &op, ERRORS(HV_ENOMEM))) {
        destroy(cpu, slot);
        return;
    }
    for (unsigned k = 0; k < n; k++)
        tp_guest_attach(d->vcpu[k], &guests[slot][k], duration((a[2] + 5 * k) % 12), duration(a[2] / 12 + k));
    unsigned up = (a[1] / MAX_VCPUS) % 4 ? n : n / 2;
    op.u.max_vcpus.max = up;
    if (up)
        domctl(cpu, d, XEN_DOMCTL_online_vcpus, &op, NO_ERRORS);
    domctl(cpu, d, XEN_DOMCTL_unpausedomain, &op, NO_ERRORS);
}

static void op_pause(unsigned cpu, struct domain *d)
{
    struct hv_domctl op = {0};
    bool stopped = stop_if_everywhere(cpu, d);
    domctl(cpu, d, XEN_DOMCTL_pausedomain, &op, NO_ERRORS);
    if (stopped)
        world_run_on(cpu, unpause_all, d);
    if (fault == FAULT_THIRD_PAUSE && d->max_vcpus == 2 && ++fault_count == 3)
        prop_fail("injected: the third pause of a domain with 2 vCPUs");
}

/* ---- affinities and parameters ---------------------------------------------------------------------------------- */

static cpumask_t mask_of(uint32_t bits)
{
    cpumask_t m = {{0}};
    for (unsigned c = 0; c < world_cpus; c++)
        if (bits >> c & 1)
            cpumask_set(&m, pcpu(c));
    return m;
}

/* a1: vCPU; a2: hard; a3: soft (pCPUs by bits, 0: not given). */
static void op_affinity(unsigned cpu, struct domain *d, struct vcpu *v, const uint32_t *a)
{
    struct hv_domctl op = {0};
    op.u.vcpuaffinity.vcpu = v->id;
    op.u.vcpuaffinity.flags =
        (a[2] ? XEN_VCPUAFFINITY_HARD : 0) | (a[3] && !quirk(node_affinity_domain) ? XEN_VCPUAFFINITY_SOFT : 0);
    op.u.vcpuaffinity.cpumap = mask_of(a[2]);
    op.u.vcpuaffinity.cpumap_soft = mask_of(a[3]);
    domctl(cpu, d, XEN_DOMCTL_setvcpuaffinity, &op, ERRORS(HV_EINVAL));
}

/* a1: vCPU, or all; a2, a3: the values. */
static void op_params(unsigned cpu, struct domain *d, const uint32_t *a)
{
    static const uint32_t times_us[] = {200, 500, 1000, 2000, 4000, 10000, 30000, 100000};
    struct hv_domctl op = {0};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.weight = a[2] % 5 ? 1 + a[2] * 7 % 1999 : 0;
    op.u.scheduler_op.cap = a[3] % 3 ? 0xffff : a[3] * 11 % 220;
    op.u.scheduler_op.extratime = a[3] & 1;
    op.u.scheduler_op.period_us = times_us[a[2] % 8];
    op.u.scheduler_op.budget_us = times_us[a[2] % 8] * (1 + a[3] % 8) / 8;
    if (d->cpupool->sched.policy->id == XEN_SCHEDULER_RTDS && a[1] % 2) {
        op.u.scheduler_op.by_vcpu = true;
        op.u.scheduler_op.vcpu = vcpu_n(a[1] / 2 % d->max_vcpus);
    }
    if (d->cpupool->sched.policy->id == XEN_SCHEDULER_SEDF) {
        op.u.scheduler_op.period_ns = (uint64_t)MICROSECS(op.u.scheduler_op.period_us);
        op.u.scheduler_op.slice_ns = (uint64_t)MICROSECS(op.u.scheduler_op.budget_us) / (1 + a[1] % 4);
        if (a[1] % 2)
            op.u.scheduler_op.period_ns = 0;
    }
    domctl(cpu, d, XEN_DOMCTL_scheduler_op, &op, ERRORS(HV_EINVAL, HV_EOPNOTSUPP, HV_ENOMEM));
}

/* arinc653: a frame of a1 slots of all domains, in turn. */
static void build_frame(struct hv_sysctl *op, const uint32_t *a)
{
    unsigned n = 0, want = 1 + a[1] % 8;
    s_time_t sum = 0;
    for (unsigned i = 0; i < SLOTS * 2 && n < want; i++) {
        unsigned slot = (a[2] + i) % (SLOTS + 1);
        const struct domain *d = slot == SLOTS ? domain_find(dom(0)) : doms[slot];
        if (!d)
            continue;
        struct hv_arinc653_entry *e = &op->u.scheduler_op.entry[n++];
        e->domid = d->id;
        e->vcpu = vcpu_n((a[3] + i) % MAX_VCPUS);
        e->runtime = MICROSECS(200) * (1 + (a[2] + i) % 10);
        sum += e->runtime;
    }
    op->u.scheduler_op.nr_entries = n;
    op->u.scheduler_op.major_frame = a[3] % 8 == 7 ? sum - 1 : sum + MICROSECS(300) * (a[3] % 4);
}

/* a0: pool. */
static void op_pool_params(unsigned cpu, const uint32_t *a)
{
    const struct cpupool *p = pool_of(a[0]);
    struct hv_sysctl op = {0};
    if (!p)
        return;
    op.u.scheduler_op.cpupool = p->id;
    op.u.scheduler_op.put = false;
    if (sysctl(cpu, XEN_SYSCTL_scheduler_op, &op, NULL, ERRORS(HV_EOPNOTSUPP)))
        return;
    op.u.scheduler_op.put = true;
    if (p->sched.policy->id == XEN_SCHEDULER_ARINC653) {
        build_frame(&op, a);
    } else {
        op.u.scheduler_op.tslice_ms = 1 + a[1] % 40;
        op.u.scheduler_op.ratelimit_us = a[2] % 4 ? 100 + a[2] * 97 % 2000 : 0;
        op.u.scheduler_op.migration_delay_us = a[3] % 4 ? 0 : a[3] % 3000;
    }
    sysctl(cpu, XEN_SYSCTL_scheduler_op, &op, NULL, ERRORS(HV_EINVAL, HV_EOPNOTSUPP));
}

/* ---- guests, tasklets ------------------------------------------------------------------------------------------- */

static void yield_here(void *unused)
{
    (void)unused;
    struct hv_sched_op op = {SCHEDOP_yield};
    core->hypercall(HYPERCALL_sched_op, &op);
}

static void block_here(void *timeout)
{
    struct hv_set_timer_op timer = {*(s_time_t *)timeout};
    struct hv_sched_op op = {SCHEDOP_block};
    core->current(port_this_cpu())->upcall_pending = false;
    core->hypercall(HYPERCALL_set_timer_op, &timer);
    core->hypercall(HYPERCALL_sched_op, &op);
}

static void set_timer_here(void *timeout)
{
    struct hv_set_timer_op timer = {*(s_time_t *)timeout};
    core->hypercall(HYPERCALL_set_timer_op, &timer);
}

/* a1: what the vCPU on pCPU a0 asks for. */
static void op_guest_call(unsigned cpu, const uint32_t *a)
{
    s_time_t timeout = a[2] % 4 ? world_now() + 1 + a[3] * 50 : 0;
    if (is_idle_vcpu(sched_current(pcpu(cpu))))
        return;
    static void (*const calls[])(void *) = {yield_here, block_here, block_here, set_timer_here};
    world_run_on(cpu, calls[a[1] % 4], &timeout);
}

static void wake_in_tasklet(void *vcpu)
{
    if (vcpu)
        vcpu_unblock(vcpu);
}

static void schedule_tasklet(void *arg)
{
    const uint32_t *a = arg;
    struct tasklet *t = &tasklets[a[1] % ARRAY_SIZE(tasklets)];
    unsigned to = a[2] % world_cpus;
    if (t->scheduled || !cpumask_test(&hv_cpu_online, pcpu(to)))
        return;
    tasklet_init(t, wake_in_tasklet, NULL);
    tasklet_schedule_on(t, pcpu(to));
}

/* ---- pools ------------------------------------------------------------------------------------------------------ */

/* a0: scheduler, every second one that of the case; a1: granularity. */
static void op_pool_create(unsigned cpu, const struct prop_case *k, const uint32_t *a)
{
    struct hv_sysctl op = {0};
    struct hv_sched_info info;
    unsigned n = 0, want;

    if (cpupool_find(MAX_POOLS - 1) && cpupool_find(MAX_POOLS - 2) && cpupool_find(1))
        return;
    while (sched_info(hv_level, n, &info))
        n++;
    for (want = a[0] / 2 % n; sched_info(hv_level, want, &info); want = (want + 1) % n)
        if (a[0] % 2 || strcmp(info.opt_name, k->sched) == 0)
            break;
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
    op.u.cpupool_op.cpupool = XEN_SYSCTL_CPUPOOL_ANY;
    op.u.cpupool_op.sched_id = info.id;
    op.u.cpupool_op.gran = (enum hv_sched_gran)(a[1] % 6 < 4 ? HV_GRAN_cpu : a[1] % 6 - 3);
    if (fault == FAULT_PANIC && ++fault_count == 2)
        port_panic(__FILE__, 0, "injected: a second pool");
    sysctl(cpu, XEN_SYSCTL_cpupool_op, &op, NULL, ERRORS(HV_ENOMEM));
}

/* a0: pool. */
static void op_pool(unsigned cpu, enum hv_cpupool_op what, unsigned pool, unsigned a1, const int *errors)
{
    struct hv_sysctl op = {0};
    struct domain *d = NULL;
    op.u.cpupool_op.op = what;
    op.u.cpupool_op.cpupool = pool;
    if (what == XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN) {
        if (!(d = doms[a1 % SLOTS]))
            return;
        op.u.cpupool_op.domid = d->id;
        bool stopped = stop_if_everywhere(cpu, d);
        sysctl(cpu, XEN_SYSCTL_cpupool_op, &op, d, errors);
        if (stopped)
            world_run_on(cpu, unpause_all, d);
        return;
    }
    op.u.cpupool_op.cpu = a1 % world_cpus;
    sysctl(cpu, XEN_SYSCTL_cpupool_op, &op, NULL, errors);
}

/* a1: pCPU; on, if it is off. */
static void op_hotplug(unsigned cpu, const uint32_t *a)
{
    struct hv_sysctl op = {0};
    op.u.cpu_hotplug.cpu = a[1] % world_cpus;
    op.u.cpu_hotplug.online = !cpumask_test(&hv_cpu_online, pcpu(op.u.cpu_hotplug.cpu));
    if (op.u.cpu_hotplug.cpu == cpu)
        cpu = 0;
    sysctl(cpu, XEN_SYSCTL_cpu_hotplug, &op, NULL, ERRORS(HV_EBUSY, HV_EINVAL, HV_EOPNOTSUPP, HV_ENOMEM));
}

/* ---- all of them ------------------------------------------------------------------------------------------------ */

static void wake_it(void *v)
{
    vcpu_wake(v);
}
static void unblock_it(void *v)
{
    vcpu_unblock(v);
}
static void pause_it(void *v)
{
    vcpu_pause_nosync(v);
}
static void unpause_it(void *v)
{
    vcpu_unpause(v);
}
static void set_node_affinity(void *arg)
{
    const uint32_t *a = arg;
    domain_set_node_affinity(doms[a[0] % SLOTS], (nodemask_t){1 + a[1] % 3});
}

/* On domain a0, and its vCPU a1. */
static void on_domain(const struct prop_op *o, unsigned cpu, unsigned slot)
{
    struct domain *d = doms[slot];
    const uint32_t *a = o->arg;
    struct hv_domctl op = {0};

    if (!d)
        return;
    struct vcpu *v = d->vcpu[a[1] % d->max_vcpus];
    switch (o->kind) {
    case OP_DESTROY:
        destroy(cpu, slot);
        break;
    case OP_PAUSE:
        op_pause(cpu, d);
        break;
    case OP_UNPAUSE:
        domctl(cpu, d, XEN_DOMCTL_unpausedomain, &op, NO_ERRORS);
        break;
    case OP_VCPU_PAUSE:
        if (fault == FAULT_CRASH && d->max_vcpus == 3)
            raise(SIGSEGV);
        pauses[slot][v->id.n]++;
        world_run_on(cpu, pause_it, v);
        break;
    case OP_VCPU_UNPAUSE:
        if (!pauses[slot][v->id.n])
            return;
        pauses[slot][v->id.n]--;
        world_run_on(cpu, unpause_it, v);
        break;
    case OP_WAKE:
        world_run_on(cpu, wake_it, v);
        break;
    case OP_UNBLOCK:
        world_run_on(cpu, unblock_it, v);
        break;
    case OP_ONLINE:
        op.u.max_vcpus.max = 1 + a[1] % d->max_vcpus;
        domctl(cpu, d, XEN_DOMCTL_online_vcpus, &op, NO_ERRORS);
        break;
    case OP_AFFINITY:
        op_affinity(cpu, d, v, a);
        break;
    case OP_NODE_AFFINITY:
        world_run_on(cpu, set_node_affinity, (void *)a);
        break;
    case OP_PARAMS:
        op_params(cpu, d, a);
        break;
    default:
        break;
    }
}

static void one_operation(const struct prop_case *k, const struct prop_op *o)
{
    const uint32_t *a = o->arg;
    unsigned cpu = a[3] % world_cpus;
    struct hv_sysctl key = {.u.debug_keys.key = 'r'};

    if (!cpumask_test(&hv_cpu_online, pcpu(cpu)))
        cpu = 0;
    switch (o->kind) {
    case OP_CREATE:
        op_create(cpu, a);
        break;
    case OP_POOL_PARAMS:
        op_pool_params(cpu, a);
        break;
    case OP_GUEST_CALL:
        op_guest_call(a[0] % world_cpus, a);
        break;
    case OP_TRYLOCKS_FAIL: /* while the next operation is done */
        tp_trylock_failures = 1 + a[0] % 4;
        locks_failed = world_now();
        break;
    case OP_MEMORY_SHORT:
        tp_alloc_budget = a[0] % 4;
        break;
    case OP_POOL_CREATE:
        op_pool_create(cpu, k, a);
        break;
    case OP_POOL_DESTROY:
        op_pool(cpu, XEN_SYSCTL_CPUPOOL_OP_DESTROY, a[0] % MAX_POOLS, 0, ERRORS(HV_EBUSY, HV_ENOENT));
        break;
    case OP_POOL_ADD:
        op_pool(cpu, XEN_SYSCTL_CPUPOOL_OP_ADDCPU, a[0] % MAX_POOLS, a[1],
                ERRORS(HV_EBUSY, HV_ENOENT, HV_EINVAL, HV_ENODEV, HV_ENOMEM));
        break;
    case OP_POOL_REMOVE:
        op_pool(cpu, XEN_SYSCTL_CPUPOOL_OP_RMCPU, a[0] % MAX_POOLS, a[1], ERRORS(HV_EBUSY, HV_ENOENT, HV_ENODEV));
        break;
    case OP_POOL_MOVE:
        /* The only pCPU may come to run the domain itself while the call is continued. */
        op_pool(cpu, XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, a[0] % MAX_POOLS, a[1],
                world_cpus == 1 ? ERRORS(HV_ENOENT, HV_ENOMEM, HV_EINVAL) : ERRORS(HV_ENOENT, HV_ENOMEM));
        break;
    case OP_HOTPLUG:
        op_hotplug(cpu, a);
        break;
    case OP_TASKLET:
        world_run_on(cpu, schedule_tasklet, (void *)a);
        break;
    case OP_DUMP:
        sysctl(cpu, XEN_SYSCTL_debug_keys, &key, NULL, NO_ERRORS);
        break;
    case OP_TIME: /* up to 1 ms, every eighth time up to 32 ms; every sixteenth time looked at after each event */
        world_run_until(world_now() + 1 + (a[1] % 8 ? a[0] * 15 : a[0] * 500), a[2] % 16 ? NULL : world_check);
        break;
    case OP_RACE:
        world_race(a[0], 20 + a[1] % 200);
        break;
    default:
        on_domain(o, cpu, a[0] % SLOTS);
    }
}

/* The runstates of a vCPU add up to its age. */
static void check_times(void)
{
    s_time_t t[RUNSTATE_NR];
    struct vcpu *v;
    unsigned i;
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        if (!doms[slot])
            continue;
        for_each_vcpu(doms[slot], v, i)
        {
            core->vcpu_runstate(v, t);
            if (t[0] + t[1] + t[2] + t[3] != port_now() - v->created)
                prop_fail("the runstates of a vCPU do not add up to its age");
        }
    }
}

static void check_all(bool settled)
{
    world_check();
    check_times();
    if (!settled || world_now() < locks_failed + AFTER_FAILED_LOCKS)
        return;
    const char *broken = core->check_work_conserving(SLACK);
    if (broken)
        prop_fail("%s", broken);
}

/* Everything goes, and nothing is left behind. */
static void tear_down(size_t mapped)
{
    struct hv_sysctl op;
    pcpu_id c;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (doms[slot])
            destroy(0, slot);
    world_settle();
    for (unsigned id = 1; id < MAX_POOLS; id++) {
        const struct cpupool *p = cpupool_find(id);
        while (p && pcpu_valid(c = cpumask_first(&p->cpus)))
            op_pool(0, XEN_SYSCTL_CPUPOOL_OP_RMCPU, id, c.n, NO_ERRORS);
        if (p)
            op_pool(0, XEN_SYSCTL_CPUPOOL_OP_DESTROY, id, 0, NO_ERRORS);
    }
    world_settle();
    check_all(true);
    for (unsigned n = 0; n < world_cpus; n++) {
        op = (struct hv_sysctl){.u.cpu_hotplug = {.cpu = n, .online = true}};
        if (!cpumask_test(&hv_cpu_online, pcpu(n)))
            sysctl(0, XEN_SYSCTL_cpu_hotplug, &op, NULL, NO_ERRORS);
        else if (cpumask_test(&hv_cpupool_free, pcpu(n)))
            op_pool(0, XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 0, n, NO_ERRORS);
    }
    world_settle();
    check_all(true);
    if (!cpumask_equal(&cpupool_find(0)->cpus, &hv_cpu_online))
        prop_fail("pool 0 has not got all pCPUs back");
    if (0 && tp_mapped > mapped)
        prop_fail("%zu pages of memory are lost", tp_mapped - mapped);
}

void sched_run(const void *the_case, const struct prop_op *ops, unsigned n)
{
    const struct prop_case *k = the_case;
    struct hv_domctl op = {0};

    prop_at = 0;
    memset(doms, 0, sizeof(doms));
    memset(pauses, 0, sizeof(pauses));
    memset(tasklets, 0, sizeof(tasklets));
    fault = k->fault;
    fault_count = 0;
    locks_failed = -AFTER_FAILED_LOCKS;
    core = hv_core_get();
    world_boot(k);
    if (core->construct_dom0(DOM0_VCPUS, 1 << 20))
        prop_fail("dom0 cannot be built");
    struct domain *dom0 = domain_find(dom(0));
    for (unsigned i = 0; i < DOM0_VCPUS; i++)
        tp_guest_attach(dom0->vcpu[i], &guests[SLOTS][i], MICROSECS(300), MILLISECS(1));
    domctl(0, dom0, XEN_DOMCTL_unpausedomain, &op, NO_ERRORS);
    world_settle();
    check_all(true);
    size_t mapped = tp_mapped;

    for (; prop_at < n; prop_at++) {
        const struct prop_op *o = &ops[prop_at];
        one_operation(k, o);
        if (o->kind != OP_TRYLOCKS_FAIL) {
            if (tp_trylock_failures)
                locks_failed = world_now();
            tp_trylock_failures = 0;
        }
        if (o->kind != OP_MEMORY_SHORT)
            tp_alloc_budget = -1;
        if (o->mode == MODE_SETTLE)
            world_settle();
        check_all(o->mode == MODE_SETTLE);
    }
    tp_alloc_budget = -1;
    tp_trylock_failures = 0;
    tear_down(mapped);
}
