/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit accounting: the vectors recorded from the reference arithmetic, burning, parking, parameters. */
#include "sched_fixture.h"

#include <string.h>

/* ---- recorded vectors ---------------------------------------------------------------------------------------------
 */

#define MAX_DOMS 3

struct vdom {
    unsigned weight, cap, nr;
    int32_t in[5], out[5]; /* nr > 5: all vCPUs like the first */
    unsigned parked, gone; /* bit i: vCPU i ends parked / inactive */
};

struct vector {
    const char *name;
    unsigned pcpus;
    int32_t balance;
    unsigned nr;
    struct vdom dom[MAX_DOMS];
    int32_t balance_out;
    unsigned nr_order, order[MAX_DOMS];
};

static const struct vector vectors[] = {
    {"A", 1, 0, 2, {{256, 0, 1, {0}, {100}, 0, 0}, {512, 0, 1, {0}, {200}, 0, 0}}, 300, 2, {0, 1}},
    {"B",
     4,
     0,
     2,
     {{256, 0, 1, {-100}, {140}, 0, 0}, {256, 0, 4, {-100, -100, -100, -100}, {140, 140, 140, 140}, 0, 0}},
     700,
     2,
     {0, 1}},
    {"C", 2, 0, 2, {{256, 50, 1, {-200}, {-50}, 0, 0}, {256, 0, 2, {-150, -150}, {75, 75}, 0, 0}}, 100, 2, {0, 1}},
    {"D", 2, -400, 2, {{256, 0, 2, {-300, -300}, {34, 34}, 0, 0}, {256, 0, 1, {200}, {267}, 0, 1}}, 335, 1, {0}},
    {"E",
     4,
     0,
     2,
     {{256, 40, 2, {-200, -10}, {-140, 50}, 1, 0}, {1024, 0, 3, {0, 0, 0}, {300, 300, 300}, 0, 0}},
     810,
     2,
     {0, 1}},
    {"F",
     2,
     0,
     3,
     {{512, 0, 2, {-50, -50}, {122, 122}, 0, 0},
      {256, 10, 1, {0}, {30}, 0, 0},
      {256, 0, 2, {-50, -50}, {64, 64}, 0, 0}},
     402,
     3,
     {1, 0, 2}},
    {"H", 28, 0, 2, {{65535, 0, 8, {0}, {26}, 0, 0}, {256, 0, 1, {0}, {5}, 0, 0}}, 213, 2, {0, 1}},
    {"I", 256, 0, 2, {{256, 0, 256, {0}, {40}, 0, 0}, {256, 0, 32, {0}, {267}, 0, 0}}, 18784, 2, {0, 1}},
};

/* Build the state that the vector starts from; the domains' vCPUs stay down, accounting does not care. */
static void set_up(const struct vector *x, struct domain **d)
{
    struct credit_pool *p = fx_pool;
    for (unsigned i = 0; i < x->nr; i++) {
        d[i] = fx_domain(x->dom[i].nr);
        CU_ASSERT_EQUAL(fx_params(d[i], x->dom[i].weight, x->dom[i].cap), 0);
    }
    p->credit = x->pcpus * p->credits_per_tslice;
    p->balance = x->balance;
    /* Activation puts at the head: from the last on, to get the given order. */
    for (unsigned i = x->nr; i-- > 0;)
        for (unsigned k = x->dom[i].nr; k-- > 0;) {
            struct credit_unit *cv = fx_cv(d[i], k);
            cv->credit = x->dom[i].in[x->dom[i].nr > 5 ? 0 : k];
            credit_activate(p, cv);
        }
}

static void account(struct credit_pool *p)
{
    port_lock(&p->lock);
    credit_account(p);
    port_unlock(&p->lock);
}

static void check_vector(const struct vector *x)
{
    struct credit_pool *p = fx_pool;
    struct domain *d[MAX_DOMS];
    set_up(x, d);
    uint32_t epoch = p->epoch;
    account(p);
    CU_ASSERT_EQUAL(p->epoch, epoch + 1);
    CU_ASSERT_EQUAL(p->balance, x->balance_out);
    for (unsigned i = 0; i < x->nr; i++)
        for (unsigned k = 0; k < x->dom[i].nr; k++) {
            const struct vdom *e = &x->dom[i];
            struct credit_unit *cv = fx_cv(d[i], k);
            int32_t want = e->out[e->nr > 5 ? 0 : k];
            bool parked = e->nr <= 5 && (e->parked >> k & 1), gone = e->nr <= 5 && (e->gone >> k & 1);
            if (cv->credit != want)
                fprintf(stderr, "vector %s: domain %u vCPU %u: %d, recorded %d\n", x->name, i, k, cv->credit, want);
            CU_ASSERT_EQUAL(cv->credit, want);
            CU_ASSERT_EQUAL(cv->pri, want < 0 ? PRI_OVER : PRI_UNDER);
            CU_ASSERT_EQUAL(credit_flag_test(cv, CREDIT_PARKED), parked);
            CU_ASSERT_EQUAL(d[i]->vcpu[k]->pause_count, parked);
            CU_ASSERT_EQUAL(list_empty(&cv->active_elem), gone);
        }
    unsigned n = 0;
    struct list_head *pos;
    list_for_each (pos, &p->active_dom) {
        CU_ASSERT_TRUE_FATAL(n < x->nr_order);
        CU_ASSERT_PTR_EQUAL(list_entry(pos, struct credit_dom, active_elem)->domain, d[x->order[n]]);
        n++;
    }
    CU_ASSERT_EQUAL(n, x->nr_order);
    p->credit = p->ncpus * p->credits_per_tslice; /* as many pCPUs as there really are */
    fx_check();
}

static void recorded_vectors(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
        fx_boot(MACHINE_2);
        check_vector(&vectors[i]);
    }
}

/* Where nothing wraps the level makes no difference; where it does, mended levels give the fair share. */
static void without_the_overflow_shares_are_fair(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++) {
        if (vectors[i].name[0] >= 'H')
            continue;
        fx_boot_level(MACHINE_2, "fixed");
        check_vector(&vectors[i]);
    }
    for (unsigned i = ARRAY_SIZE(vectors) - 2; i < ARRAY_SIZE(vectors); i++) {
        const struct vector *x = &vectors[i];
        struct domain *d[MAX_DOMS];
        fx_boot_level(MACHINE_2, "fixed");
        set_up(x, d);
        account(fx_pool);
        if (x->name[0] == 'H') { /* 28 pCPUs for 9 vCPUs: everybody gets a whole slice */
            CU_ASSERT_EQUAL(fx_cv(d[0], 0)->credit, 300);
        } else { /* 256 x 300 / 288, rounded up */
            CU_ASSERT_EQUAL(fx_cv(d[0], 0)->credit, 267);
            CU_ASSERT_EQUAL(fx_cv(d[1], 0)->credit, 267);
        }
    }
}

static void nobody_active_clears_the_balance(void)
{
    struct credit_pool *p;
    fx_boot(MACHINE_2);
    p = fx_pool;
    p->balance = -77;
    uint32_t epoch = p->epoch;
    account(p);
    CU_ASSERT_EQUAL(p->balance, 0);
    CU_ASSERT_EQUAL(p->epoch, epoch);
}

/* ---- properties ---------------------------------------------------------------------------------------------------
 */

static uint64_t seed = 0x9e3779b97f4a7c15ull;
static uint32_t rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 20) % n;
}

/*
 * With enough demand (every vCPU in debt) and no caps, what is handed out is C per pass plus rounding: at most one
 * credit per vCPU (ceil of the share) and two per domain (ceil of fair and of what is passed on) more. It is less only
 * if somebody could not take all of its share: what the last domain of the list leaves is lost.
 */
static void hands_out_what_there_is(void)
{
    struct credit_pool *p;
    for (unsigned round = 0; round < 200; round++) {
        struct domain *d[6];
        unsigned nr = 1 + rnd(6), vcpus = 0;
        int64_t before = 0, after = 0, most = 0;
        int32_t was[6][8];
        fx_boot_level(MACHINE_1, "fixed");
        p = fx_pool;
        for (unsigned i = 0; i < nr; i++) {
            unsigned n = 1 + rnd(8);
            d[i] = fx_domain(n);
            fx_params(d[i], 1 + rnd(1000), 0);
            vcpus += n;
        }
        p->credit = (1 + rnd(vcpus)) * 300; /* no more pCPUs than vCPUs */
        for (unsigned i = 0; i < nr; i++)
            for (unsigned k = 0; k < d[i]->max_vcpus; k++) {
                struct credit_unit *cv = fx_cv(d[i], k);
                cv->credit = -(int32_t)rnd(300); /* at least -300 afterwards: nothing is forgiven */
                was[i][k] = cv->credit;
                before += cv->credit;
                credit_activate(p, cv);
            }
        account(p);
        for (unsigned i = 0; i < nr; i++)
            for (unsigned k = 0; k < d[i]->max_vcpus; k++) {
                int32_t gain = fx_cv(d[i], k)->credit - was[i][k];
                after += fx_cv(d[i], k)->credit;
                if (gain > most)
                    most = gain;
            }
        CU_ASSERT_EQUAL(p->balance, after);
        int64_t out = after - before;
        CU_ASSERT_TRUE(out <= (int64_t)p->credit + vcpus + 2 * nr);
        CU_ASSERT_TRUE(out >= (int64_t)p->credit || most >= 300);
    }
}

static void burn_example(void)
{
    struct credit_unit cv = {.credit = 10};
    credit_burn(&cv, 123456);
    CU_ASSERT_EQUAL(cv.credit, 9);
    CU_ASSERT_EQUAL(cv.residual, 234560);
    CU_ASSERT_EQUAL(cv.start_time, 100000);
    credit_burn(&cv, 100000); /* not a moment later: nothing */
    CU_ASSERT_EQUAL(cv.credit, 9);
    CU_ASSERT_EQUAL(cv.residual, 234560);
    credit_burn(&cv, 99999);
    CU_ASSERT_EQUAL(cv.start_time, 100000);
}

/* Charged minus real stays within one credit either way, and the charge is exactly how far start_time has moved. */
static void burn_never_drifts(void)
{
    struct credit_unit cv = {0};
    s_time_t now = 0;
    for (unsigned i = 0; i < 200000; i++) {
        now += 1 + rnd(i % 3 ? 250000 : 40000000);
        credit_burn(&cv, now);
        int64_t charged = -(int64_t)cv.credit * CREDIT_NS;
        CU_ASSERT_EQUAL_FATAL(charged, cv.start_time);
        CU_ASSERT_TRUE_FATAL(charged - now < CREDIT_NS && now - charged < CREDIT_NS);
        CU_ASSERT_TRUE_FATAL(cv.residual < 1000000);
        if (cv.credit < -1000000) {
            cv.credit = 0;
            now -= cv.start_time;
            cv.start_time = 0;
        }
    }
}

/* ---- parking ------------------------------------------------------------------------------------------------------
 */

/* A vCPU beyond its cap is paused until accounting finds it with credits again; then quirk or not, boosted or not. */
static void parks_and_unparks(const char *level, int32_t pri_after)
{
    struct credit_pool *p;
    fx_boot_level(MACHINE_2, level);
    p = fx_pool;
    struct domain *d = fx_domain(1), *other = fx_domain(1);
    fx_pin(d->vcpu[0], 0, 0);
    fx_pin(other->vcpu[0], 0, 0);
    fx_params(d, 0, 10);
    fx_start(other);
    tp_settle_all();
    tp_settle(0);
    fx_start(d);
    struct credit_unit *cv = fx_cv(d, 0);
    cv->credit = -200;
    credit_activate(p, cv);
    account(p);
    CU_ASSERT_TRUE(credit_flag_test(cv, CREDIT_PARKED));
    CU_ASSERT_FALSE(credit_queued(cv));
    CU_ASSERT_FALSE(vcpu_runnable(d->vcpu[0]));
    fx_check();
    cv->credit = 0;
    account(p);
    CU_ASSERT_FALSE(credit_flag_test(cv, CREDIT_PARKED));
    CU_ASSERT_TRUE(vcpu_runnable(d->vcpu[0]));
    CU_ASSERT_EQUAL(cv->pri, pri_after);
    fx_check();
}

static void unparked_vcpu_is_boosted_at_4_3_only(void)
{
    parks_and_unparks("xen-4.3", PRI_BOOST);
    parks_and_unparks("modern", PRI_UNDER);
}

static void a_parked_vcpu_can_be_destroyed(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = fx_domain(2);
    fx_params(d, 0, 10);
    for (unsigned k = 0; k < 2; k++) {
        fx_cv(d, k)->credit = -250;
        credit_activate(fx_pool, fx_cv(d, k));
    }
    account(fx_pool);
    CU_ASSERT_TRUE(credit_flag_test(fx_cv(d, 0), CREDIT_PARKED));
    CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_destroydomain), 0);
    CU_ASSERT_EQUAL(fx_pool->weight, 0);
    CU_ASSERT_TRUE(list_empty(&fx_pool->active_dom));
    fx_check();
}

/* ---- parameters ---------------------------------------------------------------------------------------------------
 */

static void weights_change_in_flight(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = fx_domain(3);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_scheduler_op, .domid = d->id};
    credit_activate(fx_pool, fx_cv(d, 0));
    credit_activate(fx_pool, fx_cv(d, 1));
    CU_ASSERT_EQUAL(fx_pool->weight, 512);
    fx_params(d, 100, 0xffff);
    CU_ASSERT_EQUAL(fx_pool->weight, 200);
    fx_params(d, 0, 40);
    CU_ASSERT_EQUAL(fx_pool->weight, 200);
    CU_ASSERT_EQUAL(do_domctl(&op), 0);
    CU_ASSERT_EQUAL(op.u.scheduler_op.weight, 100);
    CU_ASSERT_EQUAL(op.u.scheduler_op.cap, 40);
    CU_ASSERT_EQUAL(fx_params(d, 65536, 0), -HV_EINVAL);
    CU_ASSERT_EQUAL(fx_params(d, 0, 65536), -HV_EINVAL);
    fx_check();
}

static long pool_put(unsigned tslice, unsigned ratelimit)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_scheduler_op};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.tslice_ms = tslice;
    op.u.scheduler_op.ratelimit_us = ratelimit;
    return do_sysctl(&op);
}

static void pool_parameters_have_ranges(void)
{
    fx_boot(MACHINE_2);
    CU_ASSERT_EQUAL(pool_put(0, 1000), -HV_EINVAL);
    CU_ASSERT_EQUAL(pool_put(1001, 1000), -HV_EINVAL);
    CU_ASSERT_EQUAL(pool_put(30, 99), -HV_EINVAL);
    CU_ASSERT_EQUAL(pool_put(30, 500001), -HV_EINVAL);
    CU_ASSERT_EQUAL(pool_put(1, 1001), -HV_EINVAL); /* longer than the slice */
    CU_ASSERT_EQUAL(pool_put(1, 1000), 0);
    CU_ASSERT_EQUAL(pool_put(1000, 0), 0);
    CU_ASSERT_EQUAL(pool_put(30, 100), 0);
}

/* 4.3 stores the new slice and goes on with the old tick and credits; later levels derive them anew. */
static void a_new_slice_is_half_taken_at_4_3(void)
{
    fx_boot(MACHINE_2);
    CU_ASSERT_EQUAL(pool_put(2, 1000), 0);
    CU_ASSERT_EQUAL(fx_pool->tslice_ms, 2);
    CU_ASSERT_EQUAL(fx_pool->credits_per_tslice, 300);
    CU_ASSERT_EQUAL(fx_pool->tick_period, MILLISECS(10));
    fx_boot_level(MACHINE_2, "modern");
    CU_ASSERT_EQUAL(pool_put(2, 1000), 0);
    CU_ASSERT_EQUAL(fx_pool->credits_per_tslice, 20);
    CU_ASSERT_EQUAL(fx_pool->ticks_per_tslice, 1);
    CU_ASSERT_EQUAL(fx_pool->tick_period, MILLISECS(2));
    CU_ASSERT_EQUAL(fx_pool->credit, 40);
}

static const struct cunit_case tests[] = {
    {"vectors recorded from the reference arithmetic", recorded_vectors},
    {"levels without the 32-bit overflow give the fair share", without_the_overflow_shares_are_fair},
    {"nobody active: the balance is cleared, queues are not sorted", nobody_active_clears_the_balance},
    {"a pass hands out what there is, and rounding only", hands_out_what_there_is},
    {"burn: the worked example", burn_example},
    {"burn: 200,000 random intervals do not drift", burn_never_drifts},
    {"a vCPU coming out of parking is boosted at 4.3 only", unparked_vcpu_is_boosted_at_4_3_only},
    {"a parked vCPU can be destroyed", a_parked_vcpu_can_be_destroyed},
    {"a weight changes while vCPUs are active", weights_change_in_flight},
    {"pool parameters have ranges", pool_parameters_have_ranges},
    {"a new slice is taken by half at 4.3", a_new_slice_is_half_taken_at_4_3},
};

CUNIT_MAIN("hv-core credit accounting", tests)
