/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The null scheduler: who gets which pCPU, who waits, hand-over, offline vCPUs, pools, no switches. */
#include "sched_fixture.h"

#include <string.h>

#define MACHINE_2x4 ((struct tp_machine){2, 1, 4, 1, 65536})

static void boot(struct tp_machine m)
{
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find("modern"));
    info->opt.sched = "null";
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
}

static void settle(void)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        tp_settle(c);
    tp_settle_all();
    tp_set_cpu(0);
}

static void check_conserving(void)
{
    fx_check();
    const char *broken = hv_core_get()->check_work_conserving(1);
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        CU_FAIL_FATAL("a pCPU idles while a unit waits");
    }
}

/* The pCPU that v runs on, -1 if it does not run. */
static int on(const struct vcpu *v)
{
    return v->is_running ? (int)v->processor.n : -1;
}

static struct domain *started(unsigned vcpus)
{
    static struct tp_guest g[64];
    static unsigned n;
    struct domain *d = fx_domain(vcpus);
    for (unsigned i = 0; i < vcpus; i++)
        tp_guest_attach(d->vcpu[i], &g[n++ % 64], 0, 0);
    fx_start(d);
    settle();
    check_conserving();
    return d;
}

static void soft(struct vcpu *v, unsigned first, unsigned last)
{
    cpumask_t m = fx_mask(first, last);
    CU_ASSERT_EQUAL_FATAL(vcpu_set_affinity(v, NULL, &m), 0);
}

static void destroy(struct domain *d)
{
    for (unsigned i = 0; i < d->max_vcpus; i++)
        vcpu_pause_nosync(d->vcpu[i]);
    settle();
    CU_ASSERT_EQUAL_FATAL(fx_op(d, XEN_DOMCTL_destroydomain), 0);
    settle();
}

static void offline(struct vcpu *v)
{
    vcpu_flag_set(v, VPF_down);
    vcpu_sleep_nosync(v);
}

static void online(struct vcpu *v)
{
    vcpu_flag_clear(v, VPF_down);
    vcpu_wake(v);
}

/* ---- assignment ------------------------------------------------------------------------------------------------- */

/* One unit a pCPU, all run at once; the fifth waits although the others block now and then. */
static void a_pcpu_has_one_owner(void)
{
    static struct tp_guest g[5];
    boot(MACHINE_4);
    struct domain *d = fx_domain(5);
    for (unsigned i = 0; i < 5; i++)
        tp_guest_attach(d->vcpu[i], &g[i], MILLISECS(2), MILLISECS(3));
    fx_start(d);
    settle();
    cpumask_t used = {{0}};
    for (unsigned i = 0; i < 4; i++) {
        CU_ASSERT_TRUE(on(d->vcpu[i]) >= 0);
        CU_ASSERT_FALSE(cpumask_test(&used, d->vcpu[i]->processor));
        cpumask_set(&used, d->vcpu[i]->processor);
    }
    tp_run_until(SECONDS(1), check_conserving);
    s_time_t t[RUNSTATE_NR];
    tp_set_cpu(0);
    vcpu_runstate_get(d->vcpu[4], t);
    CU_ASSERT_EQUAL(t[RUNSTATE_running], 0);
    for (unsigned i = 0; i < 4; i++) {
        vcpu_runstate_get(d->vcpu[i], t);
        CU_ASSERT_TRUE(t[RUNSTATE_running] > MILLISECS(395)); /* 2 of 5 ms */
        CU_ASSERT_TRUE(t[RUNSTATE_runnable] < MILLISECS(1));
    }
}

/* Those that burn for ever are never switched, whatever waits. */
static void busy_ones_never_switch(void)
{
    boot(MACHINE_4);
    started(6);
    unsigned before[4];
    for (unsigned c = 0; c < 4; c++)
        before[c] = tp_cpu[c].switches;
    uint64_t passes = tp_perfc[PERFC_schedule];
    tp_run_until(SECONDS(10), check_conserving);
    for (unsigned c = 0; c < 4; c++)
        CU_ASSERT_EQUAL(tp_cpu[c].switches, before[c]);
    CU_ASSERT_EQUAL(tp_perfc[PERFC_schedule], passes);
}

/* Its own pCPU if that will do, else the lowest free one; within the soft affinity as long as one is free there. */
static void soft_affinity_first_then_hard(void)
{
    boot(MACHINE_2x4);
    static const struct {
        unsigned soft_first, soft_last;
        int pcpu;
    } rows[] = {{5, 6, 5}, {5, 6, 6}, {5, 6, 0}, {0, 7, 1}, {7, 7, 7}, {2, 2, 2}, {2, 7, 3}};
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct domain *d = fx_domain(1);
        soft(d->vcpu[0], rows[i].soft_first, rows[i].soft_last);
        /* Where a domain begins is not the policy's choice: begin on a pCPU that is taken. */
        if (i)
            sched_set_res(d->vcpu[0]->unit, pcpu(5));
        fx_start(d);
        settle();
        if (on(d->vcpu[0]) != rows[i].pcpu)
            fprintf(stderr, "row %u: on %d\n", i, on(d->vcpu[0]));
        CU_ASSERT_EQUAL(on(d->vcpu[0]), rows[i].pcpu);
        check_conserving();
    }
}

static void hard_affinity_is_kept(void)
{
    boot(MACHINE_4);
    struct domain *a = fx_domain(1), *b = fx_domain(1);
    fx_pin(a->vcpu[0], 2, 2);
    fx_pin(b->vcpu[0], 2, 2);
    fx_start(a);
    fx_start(b);
    settle();
    CU_ASSERT_EQUAL(on(a->vcpu[0]), 2);
    CU_ASSERT_EQUAL(on(b->vcpu[0]), -1); /* three pCPUs idle, none of them is for it */
    check_conserving();
    fx_pin(b->vcpu[0], 1, 2);
    settle();
    CU_ASSERT_EQUAL(on(b->vcpu[0]), 1);
    check_conserving();
    /* The owner goes where it may go now, and if that is taken it waits. */
    fx_pin(a->vcpu[0], 1, 1);
    settle();
    CU_ASSERT_EQUAL(on(a->vcpu[0]), -1);
    CU_ASSERT_EQUAL(on(b->vcpu[0]), 1);
    check_conserving();
    /* The same affinity once more changes nothing, although somebody waits. */
    fx_pin(b->vcpu[0], 1, 2);
    settle();
    CU_ASSERT_EQUAL(on(b->vcpu[0]), 1);
    fx_pin(b->vcpu[0], 2, 3);
    settle();
    CU_ASSERT_EQUAL(on(a->vcpu[0]), 1);
    CU_ASSERT_EQUAL(on(b->vcpu[0]), 2);
    check_conserving();
}

/* ---- hand-over -------------------------------------------------------------------------------------------------- */

/* Who goes leaves its pCPU to the first that waits, in the order of coming. */
static void the_first_that_waits_gets_it(void)
{
    boot(MACHINE_2);
    struct domain *d[5];
    for (unsigned i = 0; i < 5; i++)
        d[i] = started(1);
    int first = on(d[0]->vcpu[0]);
    destroy(d[0]);
    CU_ASSERT_EQUAL(on(d[2]->vcpu[0]), first);
    CU_ASSERT_EQUAL(on(d[3]->vcpu[0]), -1);
    check_conserving();
    destroy(d[3]); /* it waits: nobody's gain */
    destroy(d[2]);
    CU_ASSERT_EQUAL(on(d[4]->vcpu[0]), first);
    check_conserving();
    destroy(d[1]);
    destroy(d[4]);
    check_conserving();
    struct domain *e = started(2);
    CU_ASSERT_TRUE(on(e->vcpu[0]) >= 0 && on(e->vcpu[1]) >= 0);
}

/* Of those that wait, one with soft affinity to the pCPU goes before one that came earlier. */
static void soft_affinity_counts_in_the_queue(void)
{
    boot(MACHINE_2);
    struct domain *d[4];
    for (unsigned i = 0; i < 2; i++)
        d[i] = started(1);
    for (unsigned i = 2; i < 4; i++) {
        d[i] = fx_domain(1);
        if (i == 3)
            soft(d[i]->vcpu[0], 1, 1);
        fx_start(d[i]);
        settle();
        CU_ASSERT_EQUAL(on(d[i]->vcpu[0]), -1);
    }
    unsigned owner_of_1 = on(d[0]->vcpu[0]) == 1 ? 0 : 1;
    destroy(d[owner_of_1]);
    CU_ASSERT_EQUAL(on(d[3]->vcpu[0]), 1);
    CU_ASSERT_EQUAL(on(d[2]->vcpu[0]), -1);
    check_conserving();
    destroy(d[1 - owner_of_1]);
    CU_ASSERT_EQUAL(on(d[2]->vcpu[0]), 0);
    check_conserving();
}

/* A pause keeps the pCPU; offline gives it up. Back online it waits its turn. */
static void offline_vcpus_hold_nothing(void)
{
    boot(MACHINE_2);
    struct domain *d = started(2), *w = started(1);
    struct vcpu *v = d->vcpu[0];
    int was = on(v);
    vcpu_pause_nosync(v);
    settle();
    CU_ASSERT_EQUAL(on(w->vcpu[0]), -1);
    check_conserving();
    vcpu_unpause(v);
    settle();
    CU_ASSERT_EQUAL(on(v), was);
    offline(v);
    settle();
    CU_ASSERT_EQUAL(on(w->vcpu[0]), was);
    check_conserving();
    online(v);
    settle();
    CU_ASSERT_EQUAL(on(v), -1);
    check_conserving();
    offline(v); /* also from the queue */
    settle();
    destroy(w);
    CU_ASSERT_EQUAL(on(v), -1);
    check_conserving();
    online(v);
    settle();
    CU_ASSERT_EQUAL(on(v), was);
    check_conserving();
}

/* Off and on again before its pCPU has noticed: it runs on, or waits if the pCPU was given away. */
static void back_before_it_has_left(void)
{
    boot(MACHINE_2);
    struct domain *d = started(1);
    struct vcpu *v = d->vcpu[0];
    tp_set_cpu(1 - (unsigned)on(v));
    offline(v);
    fx_check();
    online(v);
    fx_check();
    settle();
    CU_ASSERT_TRUE(on(v) >= 0);
    check_conserving();

    struct domain *e = started(1), *w = started(1);
    CU_ASSERT_EQUAL(on(w->vcpu[0]), -1);
    int was = on(v);
    tp_set_cpu(1 - (unsigned)was);
    offline(v);
    online(v);
    fx_check();
    settle();
    CU_ASSERT_EQUAL(on(w->vcpu[0]), was);
    CU_ASSERT_EQUAL(on(v), -1);
    check_conserving();
    destroy(e);
    CU_ASSERT_EQUAL(on(v), 1 - was);
    check_conserving();
}

/* The lock of the pCPU, or of the waiter, is taken just then: the pCPU asks again until it has its unit. */
static void locks_that_are_taken(void)
{
    for (unsigned failures = 1; failures < 6; failures++) {
        boot(MACHINE_4);
        struct domain *d[6];
        for (unsigned i = 0; i < 6; i++) {
            d[i] = fx_domain(1);
            sched_set_res(d[i]->vcpu[0]->unit, pcpu(i % 2));
            fx_start(d[i]);
            tp_trylock_failures = failures;
            settle();
            tp_trylock_failures = 0;
            check_conserving();
            CU_ASSERT_EQUAL(on(d[i]->vcpu[0]) >= 0, i < 4);
        }
        for (unsigned i = 0; i < 2; i++) {
            tp_trylock_failures = failures;
            offline(d[i]->vcpu[0]);
            settle();
            tp_trylock_failures = 0;
            CU_ASSERT_TRUE(on(d[4 + i]->vcpu[0]) >= 0);
            check_conserving();
        }
    }
}

/* ---- pools and errors ------------------------------------------------------------------------------------------- */

static long pool_op(enum hv_cpupool_op what, unsigned cpu)
{
    long rc;
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_cpupool_op};
    op.u.cpupool_op.op = what;
    op.u.cpupool_op.cpu = cpu;
    while (tp_set_cpu(0), rc = do_sysctl(&op), rc == -HV_ERESTART)
        settle();
    settle();
    return rc;
}

static void a_pcpu_that_joins_takes_a_waiter(void)
{
    boot(MACHINE_4);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 3), 0);
    struct domain *d = started(4);
    CU_ASSERT_EQUAL(on(d->vcpu[3]), -1);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 3), 0);
    CU_ASSERT_EQUAL(on(d->vcpu[3]), 3);
    check_conserving();
}

/* Its unit goes to a free pCPU, or waits; the last pCPU stays. */
static void a_pcpu_that_leaves_sends_its_unit_away(void)
{
    boot(MACHINE_4);
    struct domain *d = started(3);
    int free_one = 0 + 1 + 2 + 3 - on(d->vcpu[0]) - on(d->vcpu[1]) - on(d->vcpu[2]);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, (unsigned)on(d->vcpu[1])), 0);
    CU_ASSERT_EQUAL(on(d->vcpu[1]), free_one);
    check_conserving();
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, (unsigned)on(d->vcpu[2])), 0);
    CU_ASSERT_EQUAL(on(d->vcpu[2]), -1);
    CU_ASSERT_TRUE(cpumask_test(&cpupool_find(0)->res, d->vcpu[2]->processor));
    check_conserving();
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, (unsigned)on(d->vcpu[1])), 0);
    unsigned last = cpumask_first(&cpupool_find(0)->cpus).n;
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, last), -HV_EBUSY);
    CU_ASSERT_EQUAL(on(d->vcpu[0]), (int)last);
    check_conserving();
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, XEN_SYSCTL_CPUPOOL_ANY), 0);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_TRUE(on(d->vcpu[i]) >= 0);
    check_conserving();
}

static void it_has_no_parameters(void)
{
    boot(MACHINE_1);
    struct domain *d = fx_domain(1);
    CU_ASSERT_EQUAL(fx_params(d, 512, 0), -HV_EOPNOTSUPP);
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_scheduler_op};
    CU_ASSERT_EQUAL(do_sysctl(&op), -HV_EOPNOTSUPP);
    fx_check();
}

static void it_says_what_it_is(void)
{
    boot(MACHINE_1);
    struct domain *d = fx_domain(1);
    fx_start(d);
    settle();
    check_conserving();
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_sched_id};
    CU_ASSERT_EQUAL(do_sysctl(&op), 0);
    CU_ASSERT_EQUAL(op.u.sched_id.sched_id, XEN_SCHEDULER_NULL);
    CU_ASSERT_STRING_EQUAL(op.u.sched_id.name, "null");
}

/* ---- random operations ------------------------------------------------------------------------------------------ */

static uint64_t seed;
static uint32_t rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 24) % n;
}

static void invariants_hold_under_random_operations(void)
{
    static struct tp_guest g[8];
    struct vcpu *v[8];
    seed = 0x1234567ull;
    boot(MACHINE_2x2);
    for (unsigned i = 0; i < 8; i++) {
        struct domain *d = fx_domain(1);
        v[i] = d->vcpu[0];
        tp_guest_attach(v[i], &g[i], rnd(3) ? 1 + rnd(20000000) : 0, 1 + rnd(5000000));
        fx_start(d);
    }
    settle();
    for (unsigned n = 0; n < 20000; n++) {
        unsigned i = rnd(8), first = rnd(4);
        cpumask_t m;
        tp_set_cpu(rnd(4));
        switch (rnd(9)) {
        case 0:
        case 1:
            m = fx_mask(first, first + rnd(4 - first));
            vcpu_set_affinity(v[i], n % 4 ? NULL : &m, n % 4 ? &m : NULL); /* may be refused: no pCPU of the pool */
            break;
        case 2:
            vcpu_pause_nosync(v[i]);
            if (rnd(2))
                settle();
            vcpu_unpause(v[i]);
            break;
        case 3:
            vcpu_unblock(v[i]);
            break;
        case 4:
            if (rnd(20) == 0 && pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, rnd(4)))
                pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, XEN_SYSCTL_CPUPOOL_ANY);
            break;
        case 5:
            offline(v[i]);
            break;
        case 6:
            online(v[i]);
            break;
        case 7:
            tp_trylock_failures = rnd(4);
            break;
        default:
            settle(); /* whoever was told something looks at it before time passes */
            tp_run_until(port_now() + 1 + rnd(rnd(3) ? 1000000 : 40000000), NULL);
            tp_trylock_failures = 0;
            settle();
            CU_ASSERT_PTR_NULL_FATAL(hv_core_get()->check_work_conserving(10));
        }
        if (rnd(3))
            settle();
        tp_trylock_failures = 0;
        fx_check();
    }
}

static void debug_key_r(void)
{
    boot(MACHINE_2);
    started(3);
    sched_dump();
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "null Scheduler (null)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "Waitqueue: d1v2\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "[1.2] pcpu=-1\n"));
}

static const struct cunit_case tests[] = {
    {"a pCPU has one owner", a_pcpu_has_one_owner},
    {"busy ones never switch", busy_ones_never_switch},
    {"soft affinity first, then hard", soft_affinity_first_then_hard},
    {"hard affinity is kept", hard_affinity_is_kept},
    {"the first that waits gets it", the_first_that_waits_gets_it},
    {"soft affinity counts in the queue", soft_affinity_counts_in_the_queue},
    {"offline vCPUs hold nothing", offline_vcpus_hold_nothing},
    {"back before it has left", back_before_it_has_left},
    {"locks that are taken", locks_that_are_taken},
    {"a pCPU that joins takes a waiter", a_pcpu_that_joins_takes_a_waiter},
    {"a pCPU that leaves sends its unit away", a_pcpu_that_leaves_sends_its_unit_away},
    {"it has no parameters", it_has_no_parameters},
    {"it says what it is", it_says_what_it_is},
    {"invariants hold under random operations", invariants_hold_under_random_operations},
    {"debug key r", debug_key_r},
};

CUNIT_MAIN("hv-core null", tests)
