/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SEDF (4.3): slices by deadline, extra time by weight, weight mode, what a short block loses and gets back. */
#include "sched/sedf.h"
#include "sched_fixture.h"

/* Timers fire 1 ns late, IPIs take 1 ns: nothing else is lost per period, whatever is done in it. */
#define PER_PERIOD 16

static struct tp_guest guests[8];
static unsigned nr_guests;

static void boot(struct tp_machine m)
{
    fx_boot_sched(m, "xen-4.3", "sedf");
    nr_guests = 0;
}

static struct sedf_unit *su_of(const struct domain *d)
{
    return sedf_unit_of(d->vcpu[0]->unit);
}

static long params(struct domain *d, s_time_t period, s_time_t slice, uint32_t weight, bool extratime)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_scheduler_op, .domid = d->id};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.period_ns = (uint64_t)period;
    op.u.scheduler_op.slice_ns = (uint64_t)slice;
    op.u.scheduler_op.weight = weight;
    op.u.scheduler_op.extratime = extratime;
    return do_domctl(&op);
}

/* A domain of one vCPU, started, that burns (burn 0: for ever) and blocks. */
static struct domain *guest(s_time_t period, s_time_t slice, uint32_t weight, bool extratime, s_time_t burn,
                            s_time_t block)
{
    struct domain *d = fx_domain(1);
    tp_guest_attach(d->vcpu[0], &guests[nr_guests++], burn, block);
    CU_ASSERT_EQUAL_FATAL(params(d, period, slice, weight, extratime), 0);
    fx_start(d);
    return d;
}

static struct domain *burner(s_time_t period, s_time_t slice, bool extratime)
{
    return guest(period, slice, 0, extratime, 0, 0);
}

/* slice / period, and all there is with extra time. */
static void alone_it_gets_its_slice_in_each_period(void)
{
    static const struct {
        s_time_t period, slice;
        bool extratime;
    } rows[] = {
        {MILLISECS(100), MILLISECS(40), false}, {MILLISECS(100), MILLISECS(40), true},
        {MILLISECS(10), MILLISECS(1), false},   {MILLISECS(20), MILLISECS(20), false},
        {MICROSECS(100), MICROSECS(5), false},  {SECONDS(1), MILLISECS(300), false},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot(MACHINE_1);
        struct domain *d = burner(rows[i].period, rows[i].slice, rows[i].extratime);
        fx_settle();
        tp_run_until(SECONDS(1), NULL);
        s_time_t t0 = port_now(), before = fx_ran(d, 0), periods = SECONDS(1) / rows[i].period;
        tp_run_until(t0 + SECONDS(1), fx_check);
        s_time_t ought = rows[i].extratime ? SECONDS(1) : periods * rows[i].slice;
        /* Extra time comes in quanta: less than one before a period idles. */
        fx_check_near(fx_ran(d, 0) - before, ought,
                      periods * PER_PERIOD + (rows[i].extratime ? periods * SEDF_EXTRA_QUANTUM : 0));
    }
}

/* 90 % booked: each has had k slices by the end of its k-th period. */
static void edf_meets_every_deadline(void)
{
    static const s_time_t period[] = {MILLISECS(10), MILLISECS(25), MILLISECS(40)};
    static const s_time_t slice[] = {MILLISECS(3), MICROSECS(7500), MILLISECS(12)};
    struct domain *d[3];
    s_time_t had[3], begin[3];

    boot(MACHINE_1);
    for (unsigned i = 0; i < 3; i++)
        d[i] = burner(period[i], slice[i], false);
    fx_settle();
    tp_run_until(SECONDS(1), NULL);
    for (unsigned i = 0; i < 3; i++) {
        /* From the end of a period of its own. */
        s_time_t deadline = su_of(d[i])->deadline;
        tp_run_until(deadline, NULL);
        begin[i] = deadline;
        had[i] = fx_ran(d[i], 0);
        for (unsigned k = 1; k <= 20; k++) {
            tp_run_until(begin[i] + k * period[i], NULL);
            fx_check();
            fx_check_near(fx_ran(d[i], 0) - had[i], k * slice[i], slice[i] / 100 + (s_time_t)k * PER_PERIOD);
        }
    }
}

/* Best effort, as new domains are: by weight, in quanta. */
static void extra_time_is_shared_by_weight(void)
{
    boot(MACHINE_1);
    struct domain *light = guest(0, 0, 1, true, 0, 0), *heavy = guest(0, 0, 3, true, 0, 0);
    fx_settle();
    tp_run_until(SECONDS(10), NULL);
    fx_check();
    fx_check_near(fx_ran(heavy, 0), 3 * fx_ran(light, 0), MILLISECS(100));
    fx_check_near(fx_ran(heavy, 0) + fx_ran(light, 0), SECONDS(10), MILLISECS(100));
}

/* 95 ms of 100 ms, less what is booked: by weight, as slices. */
static void weight_mode_shares_what_is_not_booked(void)
{
    boot(MACHINE_1);
    struct domain *fixed = burner(MILLISECS(100), MILLISECS(35), false);
    struct domain *one = guest(0, 0, 1, false, 0, 0), *two = guest(0, 0, 2, false, 0, 0);
    CU_ASSERT_EQUAL(su_of(one)->slice, MILLISECS(20));
    CU_ASSERT_EQUAL(su_of(two)->slice, MILLISECS(40));
    CU_ASSERT_EQUAL(su_of(one)->period, MILLISECS(100));
    fx_settle();
    tp_run_until(SECONDS(1), NULL);
    s_time_t t0 = port_now(), f = fx_ran(fixed, 0), o = fx_ran(one, 0), t = fx_ran(two, 0);
    tp_run_until(t0 + SECONDS(1), fx_check);
    fx_check_near(fx_ran(fixed, 0) - f, MILLISECS(350), MICROSECS(10));
    fx_check_near(fx_ran(one, 0) - o, MILLISECS(200), MICROSECS(10));
    fx_check_near(fx_ran(two, 0) - t, MILLISECS(400), MICROSECS(10));
    /* One more weight, and all shares change. */
    struct domain *three = guest(0, 0, 3, false, 0, 0);
    CU_ASSERT_EQUAL(su_of(one)->slice, MILLISECS(10));
    CU_ASSERT_EQUAL(su_of(two)->slice, MILLISECS(20));
    CU_ASSERT_EQUAL(su_of(three)->slice, MILLISECS(30));
}

/* Who wakes within his period has lost what was left of the slice, and with it comes to L0. */
static void a_short_block_is_made_good(void)
{
    boot(MACHINE_1);
    /* 2 ms of 10 ms of each period are used, then it sleeps until the period is still open. */
    struct domain *d = guest(MILLISECS(100), MILLISECS(10), 0, true, MILLISECS(2), MILLISECS(5));
    struct domain *other = burner(MILLISECS(100), MILLISECS(10), true);
    struct sedf_unit *su = su_of(d);
    fx_settle();
    bool seen = false;
    for (unsigned i = 0; i < 2000 && !seen; i++) {
        tp_run_until(port_now() + MICROSECS(50), fx_check);
        if (su->wants_l0) {
            seen = true;
            CU_ASSERT_TRUE(su->lost > 0 && su->lost <= MILLISECS(10));
            CU_ASSERT_EQUAL(su->score[SEDF_L0], (su->period << SEDF_SCORE_SHIFT) / su->lost);
        }
    }
    CU_ASSERT_TRUE(seen);
    /* So it gets on with its 2 ms as if it were alone, though another one takes all extra time of L1. */
    s_time_t t0 = port_now(), before = fx_ran(d, 0);
    tp_run_until(t0 + SECONDS(5), NULL);
    s_time_t alone = SECONDS(5) * 2 / 7;
    CU_ASSERT_TRUE(fx_ran(d, 0) - before > alone / 2);
    CU_ASSERT_TRUE(fx_ran(d, 0) - before <= alone + MILLISECS(10));
    fx_check_near(fx_ran(d, 0) + fx_ran(other, 0), port_now(), MILLISECS(300));
}

/* Who wakes after his period has a new one, with a whole slice. */
static void a_long_block_begins_a_period(void)
{
    boot(MACHINE_1);
    struct domain *d = guest(MILLISECS(20), MILLISECS(5), 0, false, MILLISECS(3), MILLISECS(50));
    fx_settle();
    for (unsigned i = 0; i < 20; i++) {
        while (!d->vcpu[0]->is_running)
            tp_run_until(port_now() + MICROSECS(10), NULL);
        s_time_t woke = d->vcpu[0]->runstate_entry;
        if (i > 1) {
            CU_ASSERT_EQUAL(su_of(d)->used, 0);
            fx_check_near(su_of(d)->deadline, woke + MILLISECS(20), 10);
        }
        while (d->vcpu[0]->is_running)
            tp_run_until(port_now() + MICROSECS(10), NULL);
        fx_check();
    }
}

/* Each pCPU by itself: two share one, and the third has one for itself, for ever. */
static void pcpus_are_on_their_own(void)
{
    boot(MACHINE_2);
    struct domain *d = fx_domain(3);
    for (unsigned n = 0; n < 3; n++)
        tp_guest_attach(d->vcpu[n], &guests[n], 0, 0);
    fx_start(d);
    fx_settle();
    tp_run_until(SECONDS(10), fx_check);
    for (unsigned n = 0; n < 3; n++) {
        unsigned here = 0;
        for (unsigned m = 0; m < 3; m++)
            here += pcpu_eq(d->vcpu[m]->processor, d->vcpu[n]->processor);
        CU_ASSERT_TRUE(here <= 2);
        /* Whatever is lost before a period begins: less than a quantum of each period of a vCPU. */
        fx_check_near(fx_ran(d, n), SECONDS(10) / here, SECONDS(10) / SEDF_WEIGHT_PERIOD * here * SEDF_EXTRA_QUANTUM);
    }
}

static void parameters_out_of_range(void)
{
    static const struct {
        s_time_t period, slice;
        uint32_t weight;
        long rc;
    } rows[] = {
        {MILLISECS(10), MILLISECS(10), 0, 0},
        {MILLISECS(10), MILLISECS(10) + 1, 0, -HV_EINVAL},
        {SEDF_PERIOD_MIN - 1, SEDF_SLICE_MIN, 0, -HV_EINVAL},
        {SEDF_PERIOD_MAX + 1, MILLISECS(1), 0, -HV_EINVAL},
        {MILLISECS(1), SEDF_SLICE_MIN - 1, 0, -HV_EINVAL},
        {0, 0, SEDF_WEIGHT_MAX + 1, -HV_EINVAL},
        {0, 0, SEDF_WEIGHT_MAX, 0},
    };
    boot(MACHINE_1);
    struct domain *d = fx_domain(1);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        s_time_t period = su_of(d)->period, slice = su_of(d)->slice;
        uint32_t weight = su_of(d)->weight;
        CU_ASSERT_EQUAL(params(d, rows[i].period, rows[i].slice, rows[i].weight, false), rows[i].rc);
        if (rows[i].rc) {
            CU_ASSERT_EQUAL(su_of(d)->period, period);
            CU_ASSERT_EQUAL(su_of(d)->slice, slice);
            CU_ASSERT_EQUAL(su_of(d)->weight, weight);
        }
        fx_check();
    }
}

static const struct cunit_case tests[] = {
    {"alone it gets its slice in each period", alone_it_gets_its_slice_in_each_period},
    {"EDF meets every deadline", edf_meets_every_deadline},
    {"extra time is shared by weight", extra_time_is_shared_by_weight},
    {"weight mode shares what is not booked", weight_mode_shares_what_is_not_booked},
    {"a short block is made good", a_short_block_is_made_good},
    {"a long block begins a period", a_long_block_begins_a_period},
    {"pCPUs are on their own", pcpus_are_on_their_own},
    {"parameters out of range", parameters_out_of_range},
};

CUNIT_MAIN("hv-core sedf", tests)
