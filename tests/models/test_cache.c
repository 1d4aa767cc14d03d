/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared caches and queueing against their closed forms. */
#include <cunit_main.h>
#include <models/cache.h>
#include <models/queueing.h>

static void close_to(double a, double b, double relative)
{
    CU_ASSERT_DOUBLE_EQUAL(a, b, relative * (b < 0 ? -b : b) + 1e-300);
}

static void shares_follow_demand(void)
{
    const unsigned count[] = {1, 2};
    const double weight[] = {3, 1}, most[] = {1e9, 1e9};
    double share[2];
    cache_shares(1000, 2, count, weight, most, share);
    close_to(share[0], 600, 1e-14);
    close_to(share[1], 200, 1e-14);
}

/* 1000 bytes; the first can use 100 only: 900 are left for weights 1 and 2. */
static void what_a_small_task_leaves_goes_to_the_others(void)
{
    const unsigned count[] = {1, 1, 1};
    const double weight[] = {7, 1, 2}, most[] = {100, 1e9, 1e9};
    double share[3];
    cache_shares(1000, 3, count, weight, most, share);
    CU_ASSERT_EQUAL(share[0], 100);
    close_to(share[1], 300, 1e-14);
    close_to(share[2], 600, 1e-14);
}

/* Capping one lifts another over its cap only in the second round. */
static void caps_cascade(void)
{
    const unsigned count[] = {1, 1, 1};
    const double weight[] = {8, 1, 1}, most[] = {100, 300, 1e9};
    double share[3];
    cache_shares(1000, 3, count, weight, most, share);
    CU_ASSERT_EQUAL(share[0], 100);
    CU_ASSERT_EQUAL(share[1], 300);
    close_to(share[2], 600, 1e-14);
}

static void everything_fits(void)
{
    const unsigned count[] = {2, 1};
    const double weight[] = {1, 5}, most[] = {10, 20};
    double share[2];
    cache_shares(1000, 2, count, weight, most, share);
    CU_ASSERT_EQUAL(share[0], 10);
    CU_ASSERT_EQUAL(share[1], 20);
}

static void who_asks_for_nothing_gets_nothing(void)
{
    const unsigned count[] = {1, 1};
    const double weight[] = {0, 5}, most[] = {1e9, 1e9}, none[] = {0, 0};
    double share[2];
    cache_shares(1000, 2, count, weight, most, share);
    CU_ASSERT_EQUAL(share[0], 0);
    CU_ASSERT_EQUAL(share[1], 1000);
    cache_shares(1000, 2, count, none, most, share);
    CU_ASSERT_EQUAL(share[0], 0);
    CU_ASSERT_EQUAL(share[1], 0);
}

/* Pseudo-random kinds: the shares add up to min(capacity, what can be used), and nobody is above its cap. */
static void shares_add_up(void)
{
    unsigned seed = 1;
    for (unsigned round = 0; round < 1000; round++) {
        unsigned count[8];
        double weight[8], most[8], share[8], used = 0, usable = 0;
        for (unsigned i = 0; i < 8; i++) {
            seed = seed * 1103515245u + 12345u;
            count[i] = 1 + (seed >> 16) % 4;
            weight[i] = 1 + (seed >> 20) % 100;
            most[i] = 1 + (seed >> 12) % 500;
            usable += count[i] * most[i];
        }
        double capacity = 1 + (seed >> 8) % 6000;
        cache_shares(capacity, 8, count, weight, most, share);
        for (unsigned i = 0; i < 8; i++) {
            CU_ASSERT(share[i] > 0 && share[i] <= most[i]);
            used += count[i] * share[i];
        }
        close_to(used, capacity < usable ? capacity : usable, 1e-12);
    }
}

static void pollution_is_linear_and_ends_at_the_capacity(void)
{
    CU_ASSERT_EQUAL(cache_resident(100, 0, 1000), 100);
    close_to(cache_resident(100, 250, 1000), 75, 1e-15);
    CU_ASSERT(cache_resident(100, 999, 1000) > 0);
    CU_ASSERT_EQUAL(cache_resident(100, 1000, 1000), 0);
    CU_ASSERT_EQUAL(cache_resident(100, 1e12, 1000), 0);
    CU_ASSERT_EQUAL(cache_resident(0, 10, 1000), 0);
}

static void miss_curve_is_piecewise_linear_and_flat_outside(void)
{
    const double size[] = {100, 200, 400}, mpki[] = {10, 4, 2};
    CU_ASSERT_EQUAL(cache_mpki(3, size, mpki, 0), 10);
    CU_ASSERT_EQUAL(cache_mpki(3, size, mpki, 100), 10);
    CU_ASSERT_EQUAL(cache_mpki(3, size, mpki, 150), 7);
    CU_ASSERT_EQUAL(cache_mpki(3, size, mpki, 200), 4);
    CU_ASSERT_EQUAL(cache_mpki(3, size, mpki, 300), 3);
    CU_ASSERT_EQUAL(cache_mpki(3, size, mpki, 400), 2);
    CU_ASSERT_EQUAL(cache_mpki(3, size, mpki, 1e9), 2);
    CU_ASSERT_EQUAL(cache_mpki(1, size, mpki, 5), 10);
    CU_ASSERT_EQUAL(cache_mpki(0, size, mpki, 5), 0);
}

static void queueing_is_md1_and_its_inverse(void)
{
    CU_ASSERT_EQUAL(queueing_wait_ns(0, 25), 0);
    CU_ASSERT_EQUAL(queueing_wait_ns(0.5, 25), 12.5); /* S / 2 */
    close_to(queueing_wait_ns(0.9, 10), 45, 1e-14);
    for (double rho = 0; rho < 0.9999; rho += 0.01)
        close_to(queueing_rho(queueing_wait_ns(rho, 25), 25), rho, 1e-12);
    CU_ASSERT(queueing_rho(1e6, 25) < 1); /* no wait makes a resource carry more than it can */
}

static const struct cunit_case tests[] = {
    {"shares follow demand", shares_follow_demand},
    {"what a small task leaves goes to the others", what_a_small_task_leaves_goes_to_the_others},
    {"caps cascade", caps_cascade},
    {"everything fits", everything_fits},
    {"who asks for nothing gets nothing", who_asks_for_nothing_gets_nothing},
    {"shares add up to the capacity", shares_add_up},
    {"pollution is linear and ends at the capacity", pollution_is_linear_and_ends_at_the_capacity},
    {"miss curve: piecewise linear, flat outside", miss_curve_is_piecewise_linear_and_flat_outside},
    {"queueing is M/D/1, and its inverse", queueing_is_md1_and_its_inverse},
};

CUNIT_MAIN("cache and queueing", tests)
