/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit: the order of a pCPU's queue, yield, sort, boost, and the scheduling decision that reads them. */
#include "sched_fixture.h"

#include <string.h>

static struct domain *d;

/*
 * A pCPU on which vCPU 0 of d runs, and n others, in no queue, whose priorities the test sets. The others are down:
 * the queue does not mind. A test that ends so that invariants would look must take them out again.
 */
static void one_cpu(const char *level, unsigned n)
{
    fx_boot_level(MACHINE_1, level);
    d = fx_domain(n + 1);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_online_vcpus, .domid = d->id};
    op.u.max_vcpus.max = 1;
    CU_ASSERT_EQUAL_FATAL(do_domctl(&op), 0);
    CU_ASSERT_EQUAL_FATAL(fx_op(d, XEN_DOMCTL_unpausedomain), 0);
    tp_settle(0);
    CU_ASSERT_PTR_EQUAL_FATAL(sched_current(pcpu(0)), d->vcpu[0]);
    fx_check();
}

static void put(unsigned n, int32_t pri)
{
    fx_cv(d, n)->pri = pri;
    credit_queue_insert(pcpu(0), fx_cv(d, n));
}

/* The queue as digits, i for idle. */
static const char *queue(void)
{
    static char s[32];
    unsigned n = 0;
    struct list_head *pos;
    list_for_each (pos, &credit_pcpu_of(pcpu(0))->runq) {
        const struct sched_unit *u = runq_entry(pos)->unit;
        s[n++] = is_idle_unit(u) ? 'i' : (char)('0' + u->id);
    }
    s[n] = 0;
    return s;
}

static void first_come_first_served_within_a_priority(void)
{
    one_cpu("xen-4.3", 6);
    CU_ASSERT_STRING_EQUAL(queue(), "i");
    put(1, PRI_OVER);
    put(2, PRI_UNDER);
    put(3, PRI_OVER);
    put(4, PRI_UNDER);
    put(5, PRI_BOOST);
    put(6, PRI_BOOST);
    CU_ASSERT_STRING_EQUAL(queue(), "562413i");
}

static void a_yielder_lets_one_lower_vcpu_pass(void)
{
    one_cpu("xen-4.3", 5);
    put(1, PRI_UNDER);
    put(2, PRI_OVER);
    put(3, PRI_OVER);
    credit_flag_set(fx_cv(d, 4), CREDIT_YIELD);
    put(4, PRI_UNDER);
    CU_ASSERT_STRING_EQUAL(queue(), "1243i");
    credit_queue_remove(fx_cv(d, 2));
    credit_queue_remove(fx_cv(d, 3));
    credit_queue_remove(fx_cv(d, 4));
    put(4, PRI_UNDER); /* but not idle */
    CU_ASSERT_STRING_EQUAL(queue(), "14i");
    /* At the very end of a queue without idle there is nobody to let pass. */
    credit_queue_remove(credit_unit_of(sched_resources[0].idle));
    credit_flag_set(fx_cv(d, 5), CREDIT_YIELD);
    put(5, PRI_OVER);
    CU_ASSERT_STRING_EQUAL(queue(), "145");
}

static void sort_moves_under_up_and_nothing_else(void)
{
    one_cpu("xen-4.3", 6);
    put(1, PRI_BOOST);
    put(2, PRI_UNDER);
    put(3, PRI_UNDER);
    put(4, PRI_OVER);
    put(5, PRI_OVER);
    put(6, PRI_OVER);
    /* Accounting changes priorities without touching queues. */
    fx_cv(d, 2)->pri = PRI_OVER;
    fx_cv(d, 5)->pri = PRI_UNDER;
    fx_cv(d, 6)->pri = PRI_BOOST;
    credit_queue_sort(fx_pool, pcpu(0)); /* same epoch: nothing to do */
    CU_ASSERT_STRING_EQUAL(queue(), "123456i");
    fx_pool->epoch++;
    credit_queue_sort(fx_pool, pcpu(0));
    CU_ASSERT_STRING_EQUAL(queue(), "135624i"); /* stable; boost does not overtake under */
    CU_ASSERT_EQUAL(credit_pcpu_of(pcpu(0))->sorted, fx_pool->epoch);
}

/* The pass as the description has it, on arrays. */
static void slow_sort(unsigned *ids, int32_t *pri, unsigned n)
{
    unsigned out[8], k = 0;
    for (unsigned i = 0; i < n; i++)
        if (pri[ids[i]] >= PRI_UNDER)
            out[k++] = ids[i];
    for (unsigned i = 0; i < n; i++)
        if (pri[ids[i]] < PRI_UNDER)
            out[k++] = ids[i];
    memcpy(ids, out, n * sizeof(*ids));
}

static void sort_against_a_slow_twin(void)
{
    static const int32_t prios[] = {PRI_BOOST, PRI_UNDER, PRI_OVER};
    uint32_t x = 7;
    one_cpu("xen-4.3", 8);
    for (unsigned round = 0; round < 500; round++) {
        unsigned ids[8];
        int32_t pri[9];
        char want[16];
        for (unsigned i = 0; i < 8; i++) {
            x = x * 1664525 + 1013904223;
            ids[i] = i + 1;
            put(i + 1, PRI_UNDER);
            pri[i + 1] = prios[(x >> 16) % 3];
        }
        for (unsigned i = 1; i <= 8; i++)
            fx_cv(d, i)->pri = pri[i];
        fx_pool->epoch++;
        credit_queue_sort(fx_pool, pcpu(0));
        slow_sort(ids, pri, 8);
        for (unsigned i = 0; i < 8; i++)
            want[i] = (char)('0' + ids[i]);
        strcpy(want + 8, "i");
        CU_ASSERT_STRING_EQUAL(queue(), want);
        for (unsigned i = 1; i <= 8; i++)
            credit_queue_remove(fx_cv(d, i));
    }
}

/* ---- boost --------------------------------------------------------------------------------------------------------
 */

static void only_under_is_boosted(void)
{
    one_cpu("xen-4.3", 3);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_online_vcpus, .domid = d->id};
    fx_cv(d, 2)->pri = PRI_OVER;
    credit_flag_set(fx_cv(d, 3), CREDIT_PARKED); /* as if; nobody unparks it here */
    op.u.max_vcpus.max = 4;
    CU_ASSERT_EQUAL(do_domctl(&op), 0);
    CU_ASSERT_EQUAL(fx_cv(d, 1)->pri, PRI_BOOST);
    CU_ASSERT_EQUAL(fx_cv(d, 2)->pri, PRI_OVER);
    CU_ASSERT_EQUAL(fx_cv(d, 3)->pri, PRI_UNDER);
    CU_ASSERT_STRING_EQUAL(queue(), "132i");
    credit_flag_clear(fx_cv(d, 3), CREDIT_PARKED);
    vcpu_wake(d->vcpu[1]); /* queued already: nothing happens */
    vcpu_wake(d->vcpu[0]); /* current */
    CU_ASSERT_STRING_EQUAL(queue(), "132i");
    fx_check();
}

static void a_tick_ends_the_boost_and_activates(void)
{
    one_cpu("xen-4.3", 1);
    struct credit_unit *cv = fx_cv(d, 0);
    CU_ASSERT_EQUAL(cv->pri, PRI_BOOST);
    CU_ASSERT_TRUE(list_empty(&cv->active_elem));
    tp_run_until(MILLISECS(11), fx_check);
    CU_ASSERT_EQUAL(cv->pri, PRI_UNDER);
    CU_ASSERT_FALSE(list_empty(&cv->active_elem));
    CU_ASSERT_EQUAL(fx_pool->weight, 256);
}

/* A vCPU moved by hand is woken, but by no event: boosted at 4.3, not later. */
static void migration_boosts_at_4_3_only(void)
{
    static const char *const levels[] = {"xen-4.3", "modern"};
    static const int32_t after[] = {PRI_BOOST, PRI_UNDER};
    for (unsigned i = 0; i < 2; i++) {
        fx_boot_level(MACHINE_2, levels[i]);
        struct domain *a = fx_domain(1), *b = fx_domain(1);
        fx_pin(a->vcpu[0], 1, 1);
        fx_pin(b->vcpu[0], 1, 1);
        fx_start(a);
        tp_settle_all();
        fx_start(b);
        tp_settle_all();
        tp_run_until(MILLISECS(45), fx_check); /* both are past their boost */
        struct domain *waits = credit_queued(fx_cv(a, 0)) ? a : b;
        CU_ASSERT_EQUAL(fx_cv(waits, 0)->pri, PRI_UNDER);
        fx_pin(waits->vcpu[0], 0, 0);
        CU_ASSERT_EQUAL(waits->vcpu[0]->processor.n, 0);
        CU_ASSERT_EQUAL(fx_cv(waits, 0)->pri, after[i]);
    }
}

/* ---- the decision --------------------------------------------------------------------------------------------------
 */

static s_time_t slice_at(s_time_t now)
{
    tp_set_time(now);
    softirq_raise(SCHEDULE_SOFTIRQ);
    softirq_run();
    return timer_active(&sched_resources[0].s_timer) ? sched_resources[0].s_timer.expires - now : -1;
}

/* One that has run less than 1 ms goes on: for the whole limit again at 4.3, for the rest of it later. */
static void rate_limit(void)
{
    static const char *const levels[] = {"xen-4.3", "modern"};
    for (unsigned i = 0; i < 2; i++) {
        one_cpu(levels[i], 1);
        struct hv_domctl op = {.cmd = XEN_DOMCTL_online_vcpus, .domid = d->id};
        op.u.max_vcpus.max = 2;
        CU_ASSERT_EQUAL(do_domctl(&op), 0);
        CU_ASSERT_EQUAL(slice_at(400000), i == 0 ? 1000000 : 600000);
        CU_ASSERT_PTR_EQUAL(sched_current(pcpu(0)), d->vcpu[0]);
        CU_ASSERT_EQUAL(slice_at(999999), i == 0 ? 1000000 : 1);
        CU_ASSERT_EQUAL(slice_at(1000000), MILLISECS(30)); /* t: no longer limited; the other is served */
        CU_ASSERT_PTR_EQUAL(sched_current(pcpu(0)), d->vcpu[1]);
        fx_check();
    }
    /* The floor of the later levels is meant in us and compared in ns. */
    one_cpu("modern", 1);
    s_time_t entry = d->vcpu[0]->runstate_entry;
    CU_ASSERT_EQUAL(slice_at(entry + 99), 100);
    CU_ASSERT_EQUAL(slice_at(entry + 100), 1000000 - 100);
}

static void yield_at(const char *level, bool served_at_once)
{
    one_cpu(level, 1);
    struct hv_domctl up = {.cmd = XEN_DOMCTL_online_vcpus, .domid = d->id};
    up.u.max_vcpus.max = 2;
    CU_ASSERT_EQUAL(do_domctl(&up), 0);
    tp_set_time(MILLISECS(2));
    struct hv_sched_op op = {SCHEDOP_yield};
    CU_ASSERT_EQUAL(hv_core_get()->hypercall(HYPERCALL_sched_op, &op), 0);
    CU_ASSERT_TRUE(credit_flag_test(fx_cv(d, 0), CREDIT_YIELD));
    softirq_run();
    CU_ASSERT_EQUAL(credit_flag_test(fx_cv(d, 0), CREDIT_YIELD), !served_at_once);
    CU_ASSERT_PTR_EQUAL(sched_current(pcpu(0)), d->vcpu[1]);
    /* The other leaves; the yielder is dequeued to run. */
    tp_set_time(MILLISECS(4));
    struct hv_sched_op block = {SCHEDOP_block};
    CU_ASSERT_EQUAL(hv_core_get()->hypercall(HYPERCALL_sched_op, &block), 0);
    softirq_run();
    CU_ASSERT_PTR_EQUAL(sched_current(pcpu(0)), d->vcpu[0]);
    CU_ASSERT_FALSE(credit_flag_test(fx_cv(d, 0), CREDIT_YIELD));
    fx_check();
}

/* At 4.3 as soon as the yielder is queued; later when it leaves the queue, and until then nobody takes it away. */
static void a_yield_is_forgotten_when_it_was_served(void)
{
    static const struct {
        const char *level;
        bool served_at_once;
    } rows[] = {{"xen-4.3", true}, {"modern", false}, {"fixed", false}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        yield_at(rows[i].level, rows[i].served_at_once);
}

/* Over 10 simulated seconds on one pCPU, CPU time follows the weights within 2 %. */
static void cpu_time_follows_weights(void)
{
    static struct tp_guest g[2];
    fx_boot(MACHINE_1);
    struct domain *a = fx_domain(1), *b = fx_domain(1);
    fx_params(a, 512, 0);
    tp_guest_attach(a->vcpu[0], &g[0], 0, 0);
    tp_guest_attach(b->vcpu[0], &g[1], 0, 0);
    fx_start(a);
    fx_start(b);
    tp_settle(0);
    tp_run_until(SECONDS(10), NULL);
    s_time_t ta[RUNSTATE_NR], tb[RUNSTATE_NR];
    vcpu_runstate_get(a->vcpu[0], ta);
    vcpu_runstate_get(b->vcpu[0], tb);
    CU_ASSERT_TRUE(ta[RUNSTATE_running] + tb[RUNSTATE_running] > SECONDS(10) - MILLISECS(1));
    CU_ASSERT_TRUE(ta[RUNSTATE_running] * 100 > 64 * SECONDS(10));
    CU_ASSERT_TRUE(ta[RUNSTATE_running] * 100 < 69 * SECONDS(10));
    fx_check();
}

/* A cap of 25 % holds within 2 % of a pCPU although nobody else wants it. */
static void a_cap_holds(void)
{
    static struct tp_guest g;
    fx_boot(MACHINE_1);
    struct domain *a = fx_domain(1);
    fx_params(a, 0, 25);
    tp_guest_attach(a->vcpu[0], &g, 0, 0);
    fx_start(a);
    tp_settle(0);
    tp_run_until(SECONDS(10), fx_check);
    s_time_t t[RUNSTATE_NR];
    vcpu_runstate_get(a->vcpu[0], t);
    CU_ASSERT_TRUE(t[RUNSTATE_running] * 100 > 23 * SECONDS(10));
    CU_ASSERT_TRUE(t[RUNSTATE_running] * 100 < 27 * SECONDS(10));
}

static const struct cunit_case tests[] = {
    {"queues are first come first served within a priority", first_come_first_served_within_a_priority},
    {"a yielder lets one lower vCPU pass", a_yielder_lets_one_lower_vcpu_pass},
    {"sort moves those of UNDER and up before the others", sort_moves_under_up_and_nothing_else},
    {"sort against a slow twin", sort_against_a_slow_twin},
    {"only UNDER is boosted by a wake", only_under_is_boosted},
    {"a tick ends the boost and activates", a_tick_ends_the_boost_and_activates},
    {"a migration boosts at 4.3 only", migration_boosts_at_4_3_only},
    {"the rate limit at t-1, t, and its floor", rate_limit},
    {"a yield is forgotten when it was served", a_yield_is_forgotten_when_it_was_served},
    {"CPU time follows weights", cpu_time_follows_weights},
    {"a cap holds", a_cap_holds},
};

CUNIT_MAIN("hv-core credit queues", tests)
