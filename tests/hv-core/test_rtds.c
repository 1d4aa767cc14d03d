/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTDS: supply of budgets, EDF order, deferrable servers, extratime, replenishment, parameters, pools. */
#include "sched/rtds.h"
#include "sched_fixture.h"

#include <string.h>

/* Timers fire 1 ns late, IPIs take 1 ns: nothing else is lost per period, whatever is done in it. */
#define PER_PERIOD 8

static void boot(struct tp_machine m, const char *level)
{
    fx_boot_sched(m, level, "rtds");
}

static struct rtds_unit *ru_of(const struct domain *d)
{
    return rtds_unit_of(d->vcpu[0]->unit);
}

static struct rtds_pool *pool(void)
{
    return rtds_pool_of(&cpupool_find(0)->sched);
}

static long params(struct domain *d, int vcpu, uint32_t period_us, uint32_t budget_us, bool extratime)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_scheduler_op, .domid = d->id};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.by_vcpu = vcpu >= 0;
    op.u.scheduler_op.vcpu = vcpu_n(vcpu < 0 ? 0u : (unsigned)vcpu);
    op.u.scheduler_op.period_us = period_us;
    op.u.scheduler_op.budget_us = budget_us;
    op.u.scheduler_op.extratime = extratime;
    return do_domctl(&op);
}

/* A domain of one vCPU that always burns, not started. */
static struct domain *burner(uint32_t period_us, uint32_t budget_us, bool extratime)
{
    static struct tp_guest g[16];
    static unsigned n;
    struct domain *d = fx_domain(1);
    tp_guest_attach(d->vcpu[0], &g[n++ % 16], 0, 0);
    CU_ASSERT_EQUAL_FATAL(params(d, 0, period_us, budget_us, extratime), 0);
    /* As if it had been created with them: a full budget, and the deadline one period from now. */
    ru_of(d)->cur_deadline = port_now();
    rtds_update_deadline(ru_of(d), port_now());
    return d;
}

static s_time_t ran(const struct domain *d)
{
    return fx_ran(d, 0);
}

static bool runs(const struct domain *d)
{
    return d->vcpu[0]->is_running;
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

/* ---- closed forms ----------------------------------------------------------------------------------------------- */

/* budget / period, exactly, and all there is with extratime. */
static void alone_it_gets_its_budget_in_each_period(void)
{
    static const struct {
        uint32_t period, budget;
        bool extratime;
        unsigned permille;
    } rows[] = {
        {10000, 4000, false, 400},    {10000, 4000, true, 1000}, {10000, 10000, false, 1000},
        {10000, 1000, false, 100},    {100, 10, false, 100},     {1000000, 1000, false, 1},
        {250000, 125000, false, 500}, {20, 10, true, 1000},      {10000, 9999, false, 1000},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot(MACHINE_1, "modern");
        struct domain *d = burner(rows[i].period, rows[i].budget, rows[i].extratime);
        fx_start(d);
        fx_settle();
        s_time_t t0 = port_now(), end = t0 + SECONDS(1), periods = 1000000 / rows[i].period;
        tp_run_until(end, i ? NULL : check_conserving);
        s_time_t ought = rows[i].extratime ? SECONDS(1) : periods * MICROSECS(rows[i].budget);
        CU_ASSERT_TRUE(ought * 1000 / SECONDS(1) - rows[i].permille <= 1);
        fx_check_near(ran(d), ought, periods * PER_PERIOD);
    }
}

/* On one pCPU with a utilisation of 90 % each has had its k-th budget by its k-th deadline: EDF misses none. */
static void edf_meets_every_deadline(void)
{
    static const uint32_t period[] = {10000, 25000, 40000}, budget[] = {3000, 7500, 12000};
    struct domain *d[3];
    boot(MACHINE_1, "modern");
    for (unsigned i = 0; i < 3; i++) {
        d[i] = burner(period[i], budget[i], false);
        fx_start(d[i]);
    }
    fx_settle();
    for (s_time_t t = 5; t <= 1000; t += 5) {
        tp_run_until(MILLISECS(t), NULL);
        fx_check();
        for (unsigned i = 0; i < 3; i++)
            if (t * 1000 % period[i] == 0)
                fx_check_near(ran(d[i]), t * 1000 / period[i] * MICROSECS(budget[i]), t / 5 * PER_PERIOD);
    }
}

static void the_earliest_deadline_runs(void)
{
    static const uint32_t period[] = {40000, 10000, 20000};
    struct domain *d[3];
    boot(MACHINE_1, "modern");
    for (unsigned i = 0; i < 3; i++) {
        d[i] = burner(period[i], 2000, false);
        fx_start(d[i]);
    }
    fx_settle();
    static const unsigned order[] = {1, 2, 0};
    for (unsigned k = 0; k < 3; k++) {
        tp_run_until(MILLISECS(2 * k + 1), fx_check);
        for (unsigned i = 0; i < 3; i++)
            CU_ASSERT_EQUAL(runs(d[i]), i == order[k]);
    }
    tp_run_until(MILLISECS(7), fx_check);
    CU_ASSERT_TRUE(is_idle_vcpu(sched_current(pcpu(0))));
}

/* Three with half a pCPU each on two pCPUs: the third starts when the first two are done, in every period. */
static void two_cpus_serve_one_queue(void)
{
    struct domain *d[3];
    boot(MACHINE_2, "modern");
    for (unsigned i = 0; i < 3; i++) {
        d[i] = burner(10000, 5000, false);
        fx_start(d[i]);
    }
    fx_settle();
    tp_run_until(MILLISECS(1), check_conserving);
    CU_ASSERT_TRUE(runs(d[0]) && runs(d[1]) && !runs(d[2]));
    tp_run_until(MILLISECS(6), check_conserving);
    CU_ASSERT_TRUE(!runs(d[0]) && !runs(d[1]) && runs(d[2]));
    tp_run_until(SECONDS(1), check_conserving);
    for (unsigned i = 0; i < 3; i++)
        fx_check_near(ran(d[i]), MILLISECS(500), 100 * PER_PERIOD);
}

/* ---- the server ------------------------------------------------------------------------------------------------- */

static void sleeps(struct domain *d, s_time_t until)
{
    vcpu_pause_nosync(d->vcpu[0]);
    fx_settle();
    tp_run_until(until, NULL);
    tp_set_cpu(0);
    vcpu_unpause(d->vcpu[0]);
    fx_settle();
}

/* Woken 3 ms before its deadline it has its budget still, and at the deadline another one: 7 ms at a stretch. */
static void an_idle_server_keeps_its_budget_until_the_deadline(void)
{
    boot(MACHINE_1, "modern");
    struct domain *d = burner(10000, 4000, false);
    fx_start(d);
    fx_settle();
    sleeps(d, MILLISECS(7));
    CU_ASSERT_TRUE(runs(d));
    tp_run_until(MILLISECS(14) - MICROSECS(1), fx_check);
    CU_ASSERT_TRUE(runs(d));
    tp_run_until(MILLISECS(14) + MICROSECS(1), fx_check);
    CU_ASSERT_FALSE(runs(d));
    fx_check_near(ran(d), MILLISECS(7), PER_PERIOD);
}

/* Three periods later it has one budget, not four, and its deadline is on the grid of its periods. */
static void what_is_left_at_the_deadline_is_lost(void)
{
    boot(MACHINE_1, "modern");
    struct domain *d = burner(10000, 4000, false);
    fx_start(d);
    fx_settle();
    sleeps(d, MILLISECS(35));
    CU_ASSERT_EQUAL(ru_of(d)->cur_deadline, MILLISECS(40));
    tp_run_until(MILLISECS(39) - MICROSECS(1), fx_check);
    CU_ASSERT_TRUE(runs(d));
    tp_run_until(MILLISECS(39) + MICROSECS(1), fx_check);
    CU_ASSERT_FALSE(runs(d));
}

/* Depleted at its budget, not 1 us before; replenished at its deadline (+ 1 ns of the timer), not at it. */
static void depletion_and_replenishment_are_on_time(void)
{
    boot(MACHINE_1, "modern");
    struct domain *d = burner(10000, 4000, false);
    fx_start(d);
    fx_settle();
    tp_run_until(MILLISECS(4), fx_check);
    CU_ASSERT_TRUE(runs(d));
    tp_run_until(MILLISECS(4) + 2, fx_check);
    CU_ASSERT_FALSE(runs(d));
    CU_ASSERT_EQUAL(ru_of(d)->cur_budget, 0);
    CU_ASSERT_PTR_EQUAL(pool()->depletedq.next, &ru_of(d)->q_elem);
    CU_ASSERT_EQUAL(pool()->repl_timer.expires, MILLISECS(10));
    tp_run_until(MILLISECS(10), fx_check);
    CU_ASSERT_FALSE(runs(d));
    tp_run_until(MILLISECS(10) + 1, fx_check);
    CU_ASSERT_TRUE(runs(d));
    CU_ASSERT_EQUAL(ru_of(d)->cur_budget, MILLISECS(4));
    CU_ASSERT_EQUAL(ru_of(d)->cur_deadline, MILLISECS(20));
    CU_ASSERT_TRUE(list_empty(&pool()->depletedq));
}

/* Period by period and all at once give the same: the first point of the grid behind now. */
static void a_new_deadline_is_the_next_on_the_grid(void)
{
    static const s_time_t periods[] = {MICROSECS(10), MICROSECS(33), MILLISECS(10), SECONDS(4)};
    static const s_time_t gaps[] = {0, 1, 2, 1022, 1023, 1024, 1025, 5000000};
    boot(MACHINE_1, "modern");
    struct rtds_unit *ru = ru_of(fx_domain(1));
    for (unsigned i = 0; i < ARRAY_SIZE(periods); i++)
        for (unsigned k = 0; k < ARRAY_SIZE(gaps); k++)
            for (int off = -1; off <= 1; off++) {
                s_time_t start = 12345, now = start + gaps[k] * periods[i] + off;
                if (now < start)
                    continue;
                *ru = (struct rtds_unit){.q_elem = ru->q_elem,
                                         .replq_elem = ru->replq_elem,
                                         .unit = ru->unit,
                                         .period = periods[i],
                                         .budget = periods[i] / 2,
                                         .cur_deadline = start,
                                         .level = 3};
                list_init(&ru->q_elem);
                list_init(&ru->replq_elem);
                rtds_update_deadline(ru, now);
                CU_ASSERT_TRUE(ru->cur_deadline > now && ru->cur_deadline <= now + periods[i]);
                CU_ASSERT_EQUAL((ru->cur_deadline - start) % periods[i], 0);
                CU_ASSERT_EQUAL(ru->cur_budget, periods[i] / 2);
                CU_ASSERT_EQUAL(ru->level, 0);
                CU_ASSERT_EQUAL(ru->last_start, now);
            }
}

/* ---- extratime -------------------------------------------------------------------------------------------------- */

static void levels_come_before_deadlines(void)
{
    static const struct {
        uint32_t level_a, level_b;
        s_time_t deadline_a, deadline_b;
        bool before;
    } rows[] = {
        {0, 0, 10, 20, true},  {0, 0, 20, 10, false}, {0, 0, 10, 10, false},        {0, 1, 20, 10, true},
        {1, 0, 10, 20, false}, {2, 2, 10, 20, true},  {UINT32_MAX, 0, 1, 2, false},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rtds_unit a = {.level = rows[i].level_a, .cur_deadline = rows[i].deadline_a},
                         b = {.level = rows[i].level_b, .cur_deadline = rows[i].deadline_b};
        CU_ASSERT_EQUAL(rtds_before(&a, &b), rows[i].before);
    }
    struct rtds_unit a = {.level = UINT32_MAX, .budget = 5};
    rtds_refill(&a);
    CU_ASSERT_EQUAL(a.level, UINT32_MAX);
    CU_ASSERT_EQUAL(a.cur_budget, 5);
}

/* 2/10 with extratime beside 6/10 without: the one gets what the other leaves, 4 and 6 ms, and never its guarantee. */
static void extratime_takes_what_is_left(void)
{
    boot(MACHINE_1, "modern");
    struct domain *a = burner(10000, 2000, true), *b = burner(10000, 6000, false);
    fx_start(a);
    fx_start(b);
    fx_settle();
    tp_run_until(MILLISECS(1), check_conserving);
    CU_ASSERT_TRUE(runs(a));
    tp_run_until(MILLISECS(3), check_conserving);
    CU_ASSERT_TRUE(runs(b));
    CU_ASSERT_EQUAL(ru_of(a)->level, 1);
    CU_ASSERT_EQUAL(ru_of(a)->cur_budget, MILLISECS(2));
    tp_run_until(SECONDS(1), check_conserving);
    fx_check_near(ran(a), MILLISECS(400), 100 * PER_PERIOD);
    fx_check_near(ran(b), MILLISECS(600), 100 * PER_PERIOD);
}

/* All with extratime: nothing idles, and everybody has at least what was promised. */
static void guarantees_hold_among_all_with_extratime(void)
{
    static const uint32_t budget[] = {1000, 3000, 5000};
    struct domain *d[3];
    boot(MACHINE_1, "modern");
    for (unsigned i = 0; i < 3; i++) {
        d[i] = burner(10000, budget[i], true);
        fx_start(d[i]);
    }
    fx_settle();
    tp_run_until(SECONDS(1), check_conserving);
    s_time_t sum = 0;
    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_TRUE(ran(d[i]) >= 100 * (MICROSECS(budget[i]) - PER_PERIOD));
        sum += ran(d[i]);
    }
    CU_ASSERT_EQUAL(sum, SECONDS(1));
}

/* One that sleeps and wakes on a level of extratime: its next deadline waits for all of lower levels, but in "fixed".
 */
static void replenishment_in_order_of_levels(void)
{
    static const char *const levels[] = {"modern", "fixed"};
    for (unsigned i = 0; i < 2; i++) {
        boot(MACHINE_1, levels[i]);
        struct domain *a = burner(10000, 2000, true), *b = burner(20000, 1000, false);
        fx_start(a);
        fx_start(b);
        fx_settle();
        tp_run_until(MILLISECS(6), fx_check);
        sleeps(a, MILLISECS(7));
        CU_ASSERT_TRUE(ru_of(a)->level > 0);
        CU_ASSERT_EQUAL(pool()->repl_timer.expires, i == 0 ? MILLISECS(20) : MILLISECS(10));
        tp_run_until(MILLISECS(11), fx_check);
        CU_ASSERT_EQUAL(ru_of(a)->cur_deadline, i == 0 ? MILLISECS(10) : MILLISECS(20));
        tp_run_until(MILLISECS(21), fx_check);
        CU_ASSERT_EQUAL(ru_of(a)->cur_deadline, MILLISECS(30));
    }
}

/* One that waits on a level of extratime and is the most urgent again: heard at the next decision, in "fixed" at once.
 */
static void replenishment_of_one_on_a_level(void)
{
    static const char *const levels[] = {"modern", "fixed"};
    for (unsigned i = 0; i < 2; i++) {
        boot(MACHINE_1, levels[i]);
        struct domain *a = burner(10000, 2000, true), *b = burner(40000, 10000, true);
        fx_start(a);
        fx_start(b);
        fx_settle();
        tp_run_until(MILLISECS(10) - 1, fx_check);
        CU_ASSERT_TRUE(runs(b));
        tp_run_until(MILLISECS(11), fx_check);
        CU_ASSERT_EQUAL(ru_of(a)->level, 0);
        CU_ASSERT_EQUAL(runs(a), i == 1);
        tp_run_until(MILLISECS(12) + 10, fx_check);
        CU_ASSERT_EQUAL(runs(a), i == 0);
    }
}

/* ---- tickle and affinity ---------------------------------------------------------------------------------------- */

/* A wake goes to an idle pCPU, its own first; else to the one with the least urgent unit; else to none. */
static void a_wake_tickles_the_least_urgent(void)
{
    static const uint32_t period[] = {40000, 20000, 30000};
    struct domain *d[3];
    boot(((struct tp_machine){1, 1, 3, 1, 65536}), "modern");
    for (unsigned i = 0; i < 3; i++) {
        d[i] = burner(period[i], period[i], false);
        fx_start(d[i]);
        fx_settle();
    }
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_TRUE(runs(d[i]));
    unsigned was_on = d[0]->vcpu[0]->processor.n;
    struct domain *late = burner(50000, 10000, false), *urgent = burner(10000, 10000, false);
    fx_start(late);
    fx_settle();
    CU_ASSERT_FALSE(runs(late));
    fx_start(urgent);
    fx_settle();
    CU_ASSERT_TRUE(runs(urgent) && !runs(d[0]) && runs(d[1]) && runs(d[2]));
    CU_ASSERT_EQUAL(urgent->vcpu[0]->processor.n, was_on);
    fx_check();
}

static void units_stay_within_their_affinity(void)
{
    struct domain *d[3];
    boot(MACHINE_2, "modern");
    for (unsigned i = 0; i < 3; i++) {
        d[i] = burner(10000, 8000, true);
        fx_start(d[i]);
        fx_settle();
        fx_pin(d[i]->vcpu[0], 0, 0);
        fx_settle();
    }
    tp_run_until(MILLISECS(200), check_conserving);
    CU_ASSERT_EQUAL(hv_core_get()->idle_time(pcpu(0)) < MILLISECS(1), true);
    fx_pin(d[1]->vcpu[0], 1, 1);
    fx_settle();
    CU_ASSERT_TRUE(runs(d[1]));
    CU_ASSERT_EQUAL(d[1]->vcpu[0]->processor.n, 1);
    s_time_t both = ran(d[0]) + ran(d[2]), one = ran(d[1]);
    tp_run_until(MILLISECS(400), check_conserving);
    fx_check_near(ran(d[0]) + ran(d[2]) - both, MILLISECS(200), 100);
    fx_check_near(ran(d[1]) - one, MILLISECS(200), 100);
    fx_check_near(both + one, MILLISECS(200), 100);
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

static void get(struct domain *d, int vcpu, struct hv_domctl *op)
{
    *op = (struct hv_domctl){.cmd = XEN_DOMCTL_scheduler_op, .domid = d->id};
    op->u.scheduler_op.by_vcpu = vcpu >= 0;
    op->u.scheduler_op.vcpu = vcpu_n(vcpu < 0 ? 0u : (unsigned)vcpu);
    CU_ASSERT_EQUAL(do_domctl(op), 0);
}

static void parameters_out_of_range(void)
{
    static const struct {
        int vcpu;
        uint32_t period, budget;
        long rc;
    } rows[] = {
        {0, 10000, 10001, -HV_EINVAL},
        {0, 10000, 9, -HV_EINVAL},
        {0, 9, 9, -HV_EINVAL},
        {0, 0, 0, -HV_EINVAL},
        {-1, 100, 200, -HV_EINVAL},
        {-1, 9, 9, -HV_EINVAL},
        {2, 100, 50, -HV_ESRCH},
        {400, 100, 50, -HV_ESRCH},
        {1, 10, 10, 0},
        {1, 100, 99, 0},
        {1, UINT32_MAX, UINT32_MAX, 0},
    };
    struct hv_domctl op;
    boot(MACHINE_1, "modern");
    struct domain *d = fx_domain(2);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        CU_ASSERT_EQUAL_FATAL(params(d, 1, 7000, 6000, false), 0);
        CU_ASSERT_EQUAL(params(d, rows[i].vcpu, rows[i].period, rows[i].budget, true), rows[i].rc);
        get(d, 1, &op);
        CU_ASSERT_EQUAL(op.u.scheduler_op.period_us, rows[i].rc ? 7000 : rows[i].period);
        CU_ASSERT_EQUAL(op.u.scheduler_op.budget_us, rows[i].rc ? 6000 : rows[i].budget);
        CU_ASSERT_EQUAL(op.u.scheduler_op.extratime, rows[i].rc == 0);
        get(d, 0, &op);
        CU_ASSERT_EQUAL(op.u.scheduler_op.period_us, 10000);
        fx_check();
    }
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_EINVAL);
}

/* A put sets all vCPUs; a get answers with the defaults all the same. */
static void a_domain_as_a_whole(void)
{
    struct hv_domctl op;
    boot(MACHINE_1, "modern");
    struct domain *d = fx_domain(3);
    CU_ASSERT_EQUAL(params(d, -1, 20000, 5000, false), 0);
    for (int v = 0; v < 3; v++) {
        get(d, v, &op);
        CU_ASSERT_EQUAL(op.u.scheduler_op.period_us, 20000);
        CU_ASSERT_EQUAL(op.u.scheduler_op.budget_us, 5000);
        CU_ASSERT_FALSE(op.u.scheduler_op.extratime);
    }
    get(d, -1, &op);
    CU_ASSERT_EQUAL(op.u.scheduler_op.period_us, 10000);
    CU_ASSERT_EQUAL(op.u.scheduler_op.budget_us, 4000);
    CU_ASSERT_TRUE(op.u.scheduler_op.extratime);
}

/* New budgets count from the next period on; extratime helps one that is depleted at once. */
static void parameters_change_while_it_waits(void)
{
    boot(MACHINE_1, "modern");
    struct domain *d = burner(10000, 4000, false);
    fx_start(d);
    fx_settle();
    tp_run_until(MILLISECS(5), fx_check);
    CU_ASSERT_EQUAL(params(d, 0, 10000, 8000, false), 0);
    fx_settle();
    CU_ASSERT_FALSE(runs(d));
    tp_run_until(MILLISECS(17), fx_check);
    CU_ASSERT_TRUE(runs(d));
    tp_run_until(MILLISECS(19), fx_check);
    CU_ASSERT_FALSE(runs(d));
    CU_ASSERT_EQUAL(params(d, 0, 10000, 8000, true), 0);
    fx_settle();
    CU_ASSERT_TRUE(runs(d));
    CU_ASSERT_EQUAL(ru_of(d)->level, 1);
    tp_run_until(MILLISECS(100), check_conserving);
}

/* ---- pools ------------------------------------------------------------------------------------------------------ */

static long pool_op(enum hv_cpupool_op what, unsigned id, unsigned sched_id, unsigned cpu, struct domain *d)
{
    long rc;
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_cpupool_op};
    op.u.cpupool_op.op = what;
    op.u.cpupool_op.cpupool = id;
    op.u.cpupool_op.sched_id = sched_id;
    op.u.cpupool_op.cpu = cpu;
    op.u.cpupool_op.domid = d ? d->id : dom(0);
    if (d) { /* on one thread a synchronous pause would wait for ever */
        vcpu_pause_nosync(d->vcpu[0]);
        fx_settle();
    }
    while (tp_set_cpu(0), rc = do_sysctl(&op), rc == -HV_ERESTART)
        fx_settle();
    if (d)
        vcpu_unpause(d->vcpu[0]);
    fx_settle();
    return rc;
}

/* The timer is on the first pCPU, which goes; the budgets come all the same, and so they do when it is back. */
static void the_timer_leaves_with_its_pcpu(void)
{
    boot(MACHINE_4, "modern");
    struct domain *d = burner(10000, 4000, false);
    fx_start(d);
    fx_settle();
    CU_ASSERT_EQUAL(pool()->repl_timer.cpu.n, 0);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 0, 0, NULL), 0);
    CU_ASSERT_EQUAL(pool()->repl_timer.cpu.n, 1);
    tp_run_until(MILLISECS(100), fx_check);
    fx_check_near(ran(d), MILLISECS(40), 10 * PER_PERIOD + 1000);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 0, 1, NULL), 0);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 0, 0, 0, NULL), 0);
    CU_ASSERT_EQUAL(pool()->repl_timer.cpu.n, 2);
    tp_run_until(MILLISECS(200), fx_check);
    fx_check_near(ran(d), MILLISECS(80), 20 * PER_PERIOD + 1000);
}

/* A pool of its own lock, queues and timer; both keep their promises; it can be emptied and destroyed. */
static void pools_are_separate(void)
{
    boot(MACHINE_4, "modern");
    struct domain *a = burner(10000, 4000, false), *b = burner(10000, 9000, false);
    fx_start(a);
    fx_start(b);
    fx_settle();
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, 1, XEN_SCHEDULER_RTDS, 0, NULL), 0);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 0, 3, NULL), 0);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 1, 0, 3, NULL), 0);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 1, 0, 0, b), 0);
    struct rtds_pool *p = rtds_pool_of(&cpupool_find(1)->sched);
    CU_ASSERT_EQUAL(p->repl_timer.cpu.n, 3);
    CU_ASSERT_PTR_NOT_EQUAL(p->lock, pool()->lock);
    CU_ASSERT_EQUAL(b->vcpu[0]->processor.n, 3);
    CU_ASSERT_EQUAL(ru_of(b)->budget, RTDS_DEFAULT_BUDGET); /* it starts anew there */
    CU_ASSERT_EQUAL(params(b, 0, 10000, 2000, false), 0);
    tp_run_until(MILLISECS(20), check_conserving);
    s_time_t a0 = ran(a), b0 = ran(b);
    tp_run_until(MILLISECS(120), check_conserving);
    fx_check_near(ran(a) - a0, MILLISECS(40), 1000);
    fx_check_near(ran(b) - b0, MILLISECS(20), 1000);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 1, 0, 0, NULL), -HV_EBUSY);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 1, 0, 3, NULL), -HV_EBUSY);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 0, 0, 0, b), 0);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 1, 0, 3, NULL), 0);
    CU_ASSERT_EQUAL(pool_op(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 1, 0, 0, NULL), 0);
    tp_run_until(MILLISECS(200), check_conserving);
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
    static const char *const levels[] = {"xen-4.3", "modern", "fixed"};
    static struct tp_guest g[12];
    struct vcpu *v[12];
    for (unsigned l = 0; l < 3; l++) {
        seed = 0x1234567ull + l;
        boot(MACHINE_4, levels[l]);
        for (unsigned i = 0; i < 12; i++) {
            struct domain *d = fx_domain(1);
            v[i] = d->vcpu[0];
            tp_guest_attach(v[i], &g[i], rnd(3) ? 1 + rnd(20000000) : 0, 1 + rnd(5000000));
            fx_start(d);
        }
        fx_settle();
        for (unsigned n = 0; n < 6000; n++) {
            unsigned i = rnd(12);
            cpumask_t m;
            tp_set_cpu(rnd(4));
            switch (rnd(8)) {
            case 0:
                params(v[i]->domain, (int)rnd(2) - 1, 10 + rnd(20000), 10 + rnd(10000), rnd(2));
                break;
            case 1:
                m = fx_mask(rnd(3), 3);
                if (rnd(8) == 0)
                    vcpu_set_affinity(v[i], &m, NULL); /* may be refused: no pCPU of the pool */
                break;
            case 2:
                vcpu_pause_nosync(v[i]);
                if (rnd(2))
                    fx_settle();
                vcpu_unpause(v[i]);
                break;
            case 3:
                vcpu_unblock(v[i]);
                break;
            case 4:
                if (rnd(50) == 0 && pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 0, rnd(4), NULL))
                    pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 0, 0, XEN_SYSCTL_CPUPOOL_ANY, NULL);
                break;
            default:
                fx_settle(); /* whoever was told something looks at it before time passes */
                tp_run_until(port_now() + 1 + rnd(rnd(3) ? 1000000 : 40000000), NULL);
                const char *broken = hv_core_get()->check_work_conserving(10);
                if (broken)
                    fprintf(stderr, "operation %u at level %s: %s\n", n, levels[l], broken);
                CU_ASSERT_PTR_NULL_FATAL(broken);
            }
            if (rnd(3))
                fx_settle();
            fx_check();
        }
    }
}

static void debug_key_r(void)
{
    boot(MACHINE_2, "modern");
    struct domain *a = burner(10000, 4000, false), *b = burner(10000, 4000, true);
    fx_start(a);
    fx_start(b);
    fx_settle();
    tp_run_until(MILLISECS(5), fx_check);
    sched_dump();
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "SMP RTDS Scheduler (rtds)"));
    const char *depleted = strstr(tp_console, "Global DepletedQueue info:\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(depleted);
    CU_ASSERT_PTR_NOT_NULL(strstr(depleted, "cur_b=0 cur_d=10000000"));
    CU_ASSERT_PTR_NOT_NULL(strstr(depleted, "has_extratime=1"));
}

static const struct cunit_case tests[] = {
    {"alone it gets its budget in each period", alone_it_gets_its_budget_in_each_period},
    {"EDF meets every deadline on one pCPU", edf_meets_every_deadline},
    {"the earliest deadline runs", the_earliest_deadline_runs},
    {"two pCPUs serve one queue", two_cpus_serve_one_queue},
    {"an idle server keeps its budget until the deadline", an_idle_server_keeps_its_budget_until_the_deadline},
    {"what is left at the deadline is lost", what_is_left_at_the_deadline_is_lost},
    {"depletion and replenishment are on time", depletion_and_replenishment_are_on_time},
    {"a new deadline is the next on the grid", a_new_deadline_is_the_next_on_the_grid},
    {"levels come before deadlines", levels_come_before_deadlines},
    {"extratime takes what is left", extratime_takes_what_is_left},
    {"guarantees hold among all with extratime", guarantees_hold_among_all_with_extratime},
    {"replenishment in order of levels", replenishment_in_order_of_levels},
    {"replenishment of one on a level of extratime", replenishment_of_one_on_a_level},
    {"a wake tickles the least urgent", a_wake_tickles_the_least_urgent},
    {"units stay within their affinity", units_stay_within_their_affinity},
    {"parameters out of range", parameters_out_of_range},
    {"a domain as a whole", a_domain_as_a_whole},
    {"parameters change while it waits", parameters_change_while_it_waits},
    {"the timer leaves with its pCPU", the_timer_leaves_with_its_pcpu},
    {"pools are separate", pools_are_separate},
    {"invariants hold under random operations", invariants_hold_under_random_operations},
    {"debug key r", debug_key_r},
};

CUNIT_MAIN("hv-core rtds", tests)
