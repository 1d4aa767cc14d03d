/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit2: exact figures of burning, of time from credit, and of load tracking, worked by hand or by the reference. */
#include "credit2_fixture.h"

/* A booted host of one pCPU with one unit, whose figures the tests set. */
static struct credit2_unit *one_unit(const char *level, struct credit2_runq **rq)
{
    c2_boot(C2_MACHINE(1), level);
    struct domain *d = fx_domain(1);
    *rq = credit2_rq(pcpu(0));
    return c2_unit(d, 0);
}

/* ---- burning ---------------------------------------------------------------------------------------------------- */

static const struct {
    uint32_t weight, max_weight, residual;
    s_time_t ran;
    s_time_t cost;
    uint32_t left;
} burns[] = {
    {256, 1024, 0, MILLISECS(1), 4000000, 0},
    {300, 1000, 0, MILLISECS(1), 3333333, 100},
    {300, 1000, 100, MILLISECS(1), 3333333, 200},
    {300, 1000, 200, MILLISECS(1), 3333334, 0}, /* the third one of three makes the sum exact */
    {256, 256, 0, MILLISECS(1), 1000000, 0},    /* the heaviest pays by the clock */
    {65535, 65535, 0, 1, 1, 0},
    {1, 65535, 0, 1, 65535, 0},
    {65535, 1, 65534, 1, 1, 0},
    {65535, 1, 0, 1, 0, 1},
    {256, 1024, 17, 0, 0, 17},  /* no time, no cost */
    {256, 1024, 17, -5, 0, 17}, /* a clock that is behind: nothing is given back */
};

static void burn_costs_what_it_should(void)
{
    static const char *const levels[] = {"xen-4.3", "modern"};
    for (unsigned l = 0; l < ARRAY_SIZE(levels); l++) {
        struct credit2_runq *rq;
        struct credit2_unit *cu = one_unit(levels[l], &rq);
        for (unsigned i = 0; i < ARRAY_SIZE(burns); i++) {
            rq->max_weight = burns[i].max_weight;
            cu->weight = burns[i].weight;
            cu->residual = burns[i].residual;
            cu->credit = MILLISECS(5);
            cu->start_time = SECONDS(1);
            credit2_burn(rq, cu, SECONDS(1) + burns[i].ran);
            CU_ASSERT_EQUAL(MILLISECS(5) - cu->credit, burns[i].cost);
            CU_ASSERT_EQUAL(cu->residual, burns[i].left);
            CU_ASSERT_EQUAL(cu->start_time, SECONDS(1) + (burns[i].ran > 0 ? burns[i].ran : 0));
        }
    }
}

static void credit_has_a_floor_later(void)
{
    struct credit2_runq *rq;
    struct credit2_unit *cu = one_unit("modern", &rq);
    cu->weight = rq->max_weight = 256;
    cu->credit = 0;
    cu->start_time = 0;
    credit2_burn(rq, cu, SECONDS(100));
    CU_ASSERT_EQUAL(cu->credit, CREDIT2_CREDIT_MIN);

    cu = one_unit("xen-4.3", &rq);
    cu->weight = rq->max_weight = 256;
    cu->credit = 0;
    cu->start_time = 0;
    credit2_burn(rq, cu, SECONDS(100));
    CU_ASSERT_EQUAL(cu->credit, -SECONDS(100));
}

static void a_cap_burns_time_not_credit(void)
{
    struct credit2_runq *rq;
    struct credit2_unit *cu = one_unit("modern", &rq);
    cu->weight = 256;
    rq->max_weight = 1024;
    cu->budget = MILLISECS(2);
    cu->start_time = 0;
    credit2_burn(rq, cu, MILLISECS(3));
    CU_ASSERT_EQUAL(cu->budget, -MILLISECS(1));
    cu->budget = CREDIT2_NO_BUDGET;
    credit2_burn(rq, cu, MILLISECS(4));
    CU_ASSERT_EQUAL(cu->budget, CREDIT2_NO_BUDGET);
}

static const struct {
    uint32_t weight, max_weight;
    s_time_t credit, time;
} times[] = {
    {256, 1024, 4000000, 1000000}, {256, 256, 10000000, 10000000}, {300, 1000, 3333333, 999999},
    {1, 65535, 65535, 1},          {512, 256, 1000, 2000},         {256, 1024, -4000000, -1000000},
};

static void credit_lasts_as_long_as_it_should(void)
{
    struct credit2_runq *rq;
    struct credit2_unit *cu = one_unit("modern", &rq);
    for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
        cu->weight = times[i].weight;
        rq->max_weight = times[i].max_weight;
        CU_ASSERT_EQUAL(credit2_time_of(rq, cu, times[i].credit), times[i].time);
    }
}

/* Raised at once by a heavier unit; when the heaviest leaves or is lowered, by looking at all; never below 1. */
static void max_weight_follows_the_units(void)
{
    struct credit2_runq *rq;
    one_unit("modern", &rq);
    struct domain *d[3] = {fx_domain(1), fx_domain(1), fx_domain(1)};
    static const uint32_t weights[] = {100, 900, 400};
    for (unsigned i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(fx_params(d[i], weights[i], 0xffff), 0);
        fx_start(d[i]);
    }
    c2_settle();
    CU_ASSERT_EQUAL(rq->max_weight, 900);
    CU_ASSERT_EQUAL(fx_params(d[0], 2000, 0xffff), 0);
    CU_ASSERT_EQUAL(rq->max_weight, 2000);
    CU_ASSERT_EQUAL(fx_params(d[0], 100, 0xffff), 0);
    CU_ASSERT_EQUAL(rq->max_weight, 900);
    CU_ASSERT_EQUAL(fx_params(d[1], 50, 0xffff), 0);
    CU_ASSERT_EQUAL(rq->max_weight, 400);
}

/* ---- load ------------------------------------------------------------------------------------------------------- */

static const struct {
    s_time_t at, avg;
} load_vector[] = {
    {MILLISECS(100), 143279},  {MILLISECS(500), 187560}, {SECONDS(1), 222291},
    {MILLISECS(1600), 244561}, {SECONDS(3), 262144}, /* beyond the window: only the present counts */
};

/* One runnable unit all the time, from half a load: each update goes on from the one before. */
static void load_decays_as_the_reference(void)
{
    struct credit2_runq *rq;
    struct credit2_unit *cu = one_unit("modern", &rq);
    rq->load = 1;
    rq->avgload = rq->b_avgload = 1 << 17;
    rq->load_last_update = 0;
    cu->avgload = 1 << 17;
    cu->load_last_update = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(load_vector); i++) {
        credit2_update_load(c2_pool, rq, NULL, 0, load_vector[i].at);
        CU_ASSERT_EQUAL(rq->avgload, load_vector[i].avg);
        CU_ASSERT_EQUAL(rq->b_avgload, load_vector[i].avg);
        /* A unit has the same average; -1: it was runnable until now. */
        credit2_update_unit_load(c2_pool, cu, -1, load_vector[i].at);
        CU_ASSERT_EQUAL(cu->avgload, load_vector[i].avg);
    }
    rq->load = 0;
}

/* 4.3: window and precision are one number, 18, and the average is one product. */
static void load_decays_in_one_product_at_4_3(void)
{
    struct credit2_runq *rq;
    one_unit("xen-4.3", &rq);
    rq->load = 1;
    rq->avgload = 1 << 17;
    rq->load_last_update = 0;
    s_time_t d = MILLISECS(100) >> 10, full = 1 << 18;
    credit2_update_load(c2_pool, rq, NULL, 0, MILLISECS(100));
    CU_ASSERT_EQUAL(rq->avgload, (d * full + (full - d) * (1 << 17)) >> 18);
    CU_ASSERT_EQUAL(rq->avgload, 179900);
    credit2_update_load(c2_pool, rq, NULL, 0, MILLISECS(100) + (((s_time_t)1 << 18) + 2) * 1024);
    CU_ASSERT_EQUAL(rq->avgload, 1 << 18);
    rq->load = 0;
}

/* The change counts from then on; a clock that is behind changes nothing. */
static void load_changes_from_now_on(void)
{
    struct credit2_runq *rq;
    one_unit("modern", &rq);
    rq->load = 0;
    rq->avgload = 0;
    rq->load_last_update = 0;
    credit2_update_load(c2_pool, rq, NULL, 1, MILLISECS(500));
    CU_ASSERT_EQUAL(rq->load, 1);
    CU_ASSERT_EQUAL(rq->avgload, 0);
    s_time_t t = MILLISECS(500) >> 10;
    CU_ASSERT_EQUAL(rq->load_last_update, t);
    credit2_update_load(c2_pool, rq, NULL, 0, MILLISECS(400));
    CU_ASSERT_EQUAL(rq->avgload, 0);
    credit2_update_load(c2_pool, rq, NULL, -1, MILLISECS(500));
    CU_ASSERT_EQUAL(rq->load, 0);
}

static const struct cunit_case tests[] = {
    {"running costs max_weight / weight, with its remainder", burn_costs_what_it_should},
    {"credit has a floor, later", credit_has_a_floor_later},
    {"a cap is a budget of time", a_cap_burns_time_not_credit},
    {"credit lasts weight / max_weight", credit_lasts_as_long_as_it_should},
    {"max_weight is that of the heaviest", max_weight_follows_the_units},
    {"load as the reference computed it", load_decays_as_the_reference},
    {"load at 4.3", load_decays_in_one_product_at_4_3},
    {"a change of load counts from then on", load_changes_from_now_on},
};

CUNIT_MAIN("credit2: vectors", tests)
