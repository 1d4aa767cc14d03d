/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler under random operations, at every level: whatever the toolstack, the guests and time do in whatever
 * order, all invariants hold after each step, and in the end nothing is left behind.
 */
#include "sched_fixture.h"

#include <string.h>

#define OPERATIONS 100000u /* over all levels */
#define MAX_DOMS 12u
#define MAX_VCPUS 6u

static uint64_t seed;
static uint32_t rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 24) % n;
}

static struct domain *doms[MAX_DOMS];
static struct tp_guest guests[MAX_DOMS][MAX_VCPUS];
static s_time_t now;
static unsigned ncpus;

static void settle(void)
{
    for (unsigned c = 0; c < ncpus; c++)
        tp_settle(c);
    tp_settle_all();
    now = port_now();
}

static void op_create(unsigned i)
{
    doms[i] = fx_domain(1 + rnd(MAX_VCPUS));
    for (unsigned k = 0; k < doms[i]->max_vcpus; k++)
        tp_guest_attach(doms[i]->vcpu[k], &guests[i][k], rnd(3) ? 1 + rnd(20000000) : 0, 1 + rnd(5000000));
    fx_start(doms[i]);
}

/* On one thread a synchronous pause would wait for ever: vCPUs that run elsewhere are stopped first. */
static void stop_all(struct domain *d)
{
    for (unsigned k = 0; k < d->max_vcpus; k++)
        vcpu_pause_nosync(d->vcpu[k]);
    settle();
    tp_set_cpu(rnd(ncpus));
}

static void op_destroy(unsigned i)
{
    stop_all(doms[i]);
    CU_ASSERT_EQUAL_FATAL(fx_op(doms[i], XEN_DOMCTL_destroydomain), 0);
    doms[i] = NULL;
}

static void op_pause(struct domain *d)
{
    stop_all(d);
    fx_op(d, d->controller_pause ? XEN_DOMCTL_unpausedomain : XEN_DOMCTL_pausedomain);
    for (unsigned k = 0; k < d->max_vcpus; k++)
        vcpu_unpause(d->vcpu[k]);
}

static void op_affinity(struct vcpu *v)
{
    cpumask_t m = {{0}};
    do
        for (unsigned c = 0; c < ncpus; c++)
            if (rnd(3) == 0)
                cpumask_set(&m, pcpu(c));
    while (cpumask_empty(&m));
    CU_ASSERT_EQUAL_FATAL(vcpu_set_affinity(v, rnd(4) ? &m : &hv_cpu_online, NULL), 0);
}

static void op_guest_call(void)
{
    unsigned c = rnd(ncpus);
    tp_set_cpu(c);
    if (is_idle_vcpu(sched_current(pcpu(c))))
        return;
    struct hv_set_timer_op t = {now + 1 + rnd(3000000)};
    struct hv_sched_op op = {rnd(2) ? SCHEDOP_yield : SCHEDOP_block};
    if (op.cmd == SCHEDOP_block) {
        sched_current(pcpu(c))->upcall_pending = false;
        hv_core_get()->hypercall(HYPERCALL_set_timer_op, &t);
    }
    hv_core_get()->hypercall(HYPERCALL_sched_op, &op);
}

static void one_operation(void)
{
    unsigned i = rnd(MAX_DOMS);
    struct domain *d = doms[i];

    tp_set_cpu(rnd(ncpus));
    if (!d) {
        if (rnd(4) == 0)
            op_create(i);
        return;
    }
    struct vcpu *v = d->vcpu[rnd(d->max_vcpus)];
    switch (rnd(12)) {
    case 0:
        if (rnd(20) == 0)
            op_destroy(i);
        break;
    case 1:
        if (rnd(4) == 0)
            op_pause(d);
        break;
    case 2:
        vcpu_wake(v);
        break;
    case 3:
        vcpu_unblock(v);
        break;
    case 4:
        op_affinity(v);
        break;
    case 5:
        domain_set_node_affinity(d, (nodemask_t){1 + rnd(3)});
        break;
    case 6:
        fx_params(d, rnd(3) ? 1 + rnd(2000) : 0, rnd(4) ? 0xffff : rnd(3) ? 1 + rnd(150) : 0);
        break;
    case 7:
    case 8:
        op_guest_call();
        break;
    case 9:
        tp_trylock_failures = rnd(4);
        break;
    case 10:
        vcpu_pause_nosync(v);
        if (rnd(2))
            settle();
        vcpu_unpause(v);
        break;
    default:
        now += 1 + (rnd(3) ? rnd(1000000) : rnd(40000000));
        tp_run_until(now, rnd(100) ? NULL : fx_check);
        break;
    }
    if (rnd(3))
        settle();
    tp_trylock_failures = 0;
}

static void random_operations(const struct tp_machine *m, const struct hv_profile *level, unsigned n)
{
    memset(doms, 0, sizeof(doms));
    now = 0;
    ncpus = m->nodes * m->sockets_per_node * m->cores * m->threads;
    CU_ASSERT_EQUAL_FATAL(tp_boot(hv_core_get(), m, level), 0);
    for (unsigned k = 0; k < n; k++) {
        one_operation();
        fx_check();
        CU_ASSERT_EQUAL_FATAL(tp_locks_held(), 0);
    }
    s_time_t ran = 0;
    for (unsigned i = 0; i < MAX_DOMS; i++)
        for (unsigned k = 0; doms[i] && k < doms[i]->max_vcpus; k++) {
            s_time_t t[RUNSTATE_NR];
            vcpu_runstate_get(doms[i]->vcpu[k], t);
            ran += t[RUNSTATE_running];
        }
    CU_ASSERT_TRUE(ran > 0);
    for (unsigned i = 0; i < MAX_DOMS; i++)
        if (doms[i])
            op_destroy(i);
    settle();
    fx_check();
    CU_ASSERT_EQUAL(fx_pool->weight, 0);
    CU_ASSERT_TRUE(list_empty(&hv_domain_list));
}

static void invariants_hold_at_every_level(void)
{
    static const struct tp_machine machines[] = {
        {1, 1, 1, 1, 65536}, {2, 1, 2, 1, 65536}, {2, 1, 4, 2, 65536}, {2, 2, 2, 2, 65536}};
    unsigned levels = 0;
    while (hv_profiles[levels].name)
        levels++;
    for (unsigned l = 0; l < levels; l++)
        for (unsigned m = 0; m < ARRAY_SIZE(machines); m++) {
            seed = 0x9e3779b97f4a7c15ull + l * 16 + m;
            random_operations(&machines[m], &hv_profiles[l], OPERATIONS / levels / ARRAY_SIZE(machines));
        }
}

/* What happened, as one number. */
static uint64_t hash;
static void add_record(const struct tp_trace_rec *r)
{
    hash = (hash ^ (uint64_t)r->t ^ (uint64_t)r->event << 32 ^ r->cpu.n) * 0x100000001b3ull;
    for (unsigned i = 0; i < r->nr; i++)
        hash = (hash ^ r->w[i]) * 0x100000001b3ull;
}

static void the_same_again_is_the_same(void)
{
    uint64_t first = 0;
    for (unsigned round = 0; round < 2; round++) {
        static struct tp_guest g[20];
        struct tp_machine m = MACHINE_2x4x2;
        CU_ASSERT_EQUAL_FATAL(tp_boot(hv_core_get(), &m, hv_profile_find("xen-4.3")), 0);
        hash = 0;
        tp_trace_hook = add_record;
        for (unsigned i = 0; i < 10; i++) {
            struct domain *d = fx_domain(2);
            for (unsigned k = 0; k < 2; k++)
                tp_guest_attach(d->vcpu[k], &g[2 * i + k], k ? 0 : 100000 * (i + 1), 70000 * (i + 2));
            domain_set_node_affinity(d, (nodemask_t){1 + i % 3});
            fx_start(d);
        }
        tp_run_until(SECONDS(1), NULL);
        tp_trace_hook = NULL;
        if (round == 0)
            first = hash;
    }
    CU_ASSERT_EQUAL(hash, first);
    CU_ASSERT_NOT_EQUAL(hash, 0);
}

static const struct cunit_case tests[] = {
    {"100,000 random operations keep all invariants", invariants_hold_at_every_level},
    {"the same run twice gives the same records", the_same_again_is_the_same},
};

CUNIT_MAIN("hv-core scheduler under random operations", tests)
