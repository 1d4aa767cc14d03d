/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Max-min shares: closed forms, the condition that only the solution meets, a slow twin, and changes against anew. */
#include <cunit_main.h>
#include <math.h>
#include <models/maxmin.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RESOURCES = 24, MAX_FLOWS = 60, MAX_USES = 5 };

struct demand {
    double weight, bound;
    unsigned n;
    struct maxmin_use use[MAX_USES];
    unsigned number; /* in the solver */
    bool there;
};

static uint64_t state;

static double between(double low, double high)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return low + (high - low) * (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static unsigned below(unsigned n)
{
    return (unsigned)between(0, n);
}

static void set(struct maxmin *s, struct demand *d)
{
    d->number = maxmin_add(s, d->weight, d->bound, d->n, d->use);
    d->there = true;
    CU_ASSERT_NOT_EQUAL_FATAL(d->number, MAXMIN_NONE);
}

static void one_resource_is_shared_by_weight_up_to_the_bounds(void)
{
    const double capacity = 12;
    struct maxmin *s = maxmin_create(1, &capacity);
    struct demand d[] = {{.weight = 1, .bound = 100, .n = 1, .use = {{0, 1}}},
                         {.weight = 2, .bound = 100, .n = 1, .use = {{0, 1}}},
                         {.weight = 1, .bound = 1.5, .n = 1, .use = {{0, 2}}}};
    for (unsigned i = 0; i < 2; i++)
        set(s, &d[i]);
    CU_ASSERT_EQUAL(maxmin_solve(s), 2);
    CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, d[0].number), 4, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, d[1].number), 8, 1e-12);
    set(s, &d[2]); /* takes twice its rate, 3 of 12 */
    maxmin_solve(s);
    CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, d[2].number), 1.5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, d[0].number), 3, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, d[1].number), 6, 1e-12);
    maxmin_remove(s, d[1].number);
    maxmin_solve(s);
    CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, d[0].number), 9, 1e-12);
    maxmin_free(s);
}

/* Bertsekas and Gallager's chain: one flow through all links, one on each link. */
static void a_long_way_has_what_its_narrowest_part_leaves(void)
{
    const double capacity[] = {1, 1, 2};
    struct maxmin *s = maxmin_create(3, capacity);
    struct demand along = {.weight = 1, .bound = 9, .n = 3, .use = {{0, 1}, {1, 1}, {2, 1}}};
    struct demand d[] = {{.weight = 1, .bound = 9, .n = 1, .use = {{0, 1}}},
                         {.weight = 1, .bound = 9, .n = 1, .use = {{0, 1}}},
                         {.weight = 1, .bound = 9, .n = 1, .use = {{1, 1}}},
                         {.weight = 1, .bound = 9, .n = 1, .use = {{2, 1}}}};
    const double expected[] = {1.0 / 3, 1.0 / 3, 2.0 / 3, 5.0 / 3};
    set(s, &along);
    for (unsigned i = 0; i < 4; i++)
        set(s, &d[i]);
    maxmin_solve(s);
    CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, along.number), 1.0 / 3, 1e-12);
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, d[i].number), expected[i], 1e-12);
    maxmin_free(s);
}

static void nobody_in_the_way_means_the_bound(void)
{
    const double capacity[] = {10, 10};
    struct maxmin *s = maxmin_create(2, capacity);
    struct demand d[] = {{.weight = 5, .bound = 4, .n = 2, .use = {{0, 1}, {1, 2}}},
                         {.weight = 1, .bound = 0, .n = 1, .use = {{0, 1}}},
                         {.weight = 1, .bound = 7, .n = 0}};
    for (unsigned i = 0; i < 3; i++)
        set(s, &d[i]);
    maxmin_solve(s);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(maxmin_rate(s, d[i].number), d[i].bound);
    CU_ASSERT_EQUAL(maxmin_solve(s), 0);
    maxmin_free(s);
}

/* ---- random systems --------------------------------------------------------------------------------------------- */

/* apart: flows use resources of one of so many parts only. */
static void random_demand(struct demand *d, unsigned resources, unsigned apart)
{
    unsigned part = below(apart), size = resources / apart;
    *d = (struct demand){.weight = between(0.2, 3), .bound = below(4) ? between(0, 2) : 1e6};
    d->n = 1 + below(size < MAX_USES ? size : MAX_USES);
    for (unsigned i = 0; i < d->n; i++)
        d->use[i] = (struct maxmin_use){part * size + (below(size - d->n + 1) + i) % size, between(0.1, 2)};
    for (unsigned i = 1; i < d->n; i++) /* no resource twice */
        d->use[i].resource = part * size + (d->use[0].resource - part * size + i) % size;
}

/* Each flow is at its bound or has a bottleneck, and nothing is over its capacity: only the solution is like that. */
static void expect_fair(const struct maxmin *s, const struct demand *d, unsigned n, const double *capacity,
                        unsigned resources)
{
    double used[MAX_RESOURCES] = {0}, level[MAX_RESOURCES] = {0};
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; d[i].there && k < d[i].n; k++) {
            double x = maxmin_rate(s, d[i].number), l = x / d[i].weight;
            used[d[i].use[k].resource] += d[i].use[k].amount * x;
            level[d[i].use[k].resource] = fmax(level[d[i].use[k].resource], l);
        }
    for (unsigned k = 0; k < resources; k++)
        CU_ASSERT_TRUE(used[k] <= capacity[k] * (1 + 1e-9));
    for (unsigned i = 0; i < n; i++) {
        if (!d[i].there)
            continue;
        double x = maxmin_rate(s, d[i].number);
        bool held = x >= d[i].bound * (1 - 1e-9);
        for (unsigned k = 0; k < d[i].n; k++) {
            unsigned r = d[i].use[k].resource;
            held = held || (used[r] >= capacity[r] * (1 - 1e-9) && level[r] <= x / d[i].weight * (1 + 1e-9));
        }
        CU_ASSERT_TRUE(held);
        CU_ASSERT_TRUE(x >= 0 && x <= d[i].bound * (1 + 1e-12));
    }
}

/*
 * The slow twin: the highest level that fits, by bisection, those that cannot rise beyond it are fixed there, and so
 * on.
 */
static bool fits(const struct demand *d, unsigned n, const double *fixed, double level, const double *capacity,
                 unsigned resources, int without)
{
    double used[MAX_RESOURCES] = {0};
    for (unsigned i = 0; i < n; i++) {
        double x = fixed[i] >= 0 ? fixed[i] : fmin(d[i].bound, d[i].weight * level);
        if ((int)i == without)
            x = fmin(d[i].bound, d[i].weight * level * (1 + 1e-6));
        for (unsigned k = 0; d[i].there && k < d[i].n; k++)
            used[d[i].use[k].resource] += d[i].use[k].amount * x;
    }
    for (unsigned k = 0; k < resources; k++)
        if (used[k] > capacity[k] * (1 + 1e-12))
            return false;
    return true;
}

static void twin(const struct demand *d, unsigned n, const double *capacity, unsigned resources, double *rate)
{
    for (unsigned i = 0; i < n; i++)
        rate[i] = -1;
    for (unsigned open = n; open;) {
        double low = 0, high = 1e9;
        if (fits(d, n, rate, high, capacity, resources, -1))
            low = high;
        for (unsigned k = 0; k < 200; k++) {
            double middle = (low + high) / 2;
            *(fits(d, n, rate, middle, capacity, resources, -1) ? &low : &high) = middle;
        }
        double now[MAX_FLOWS];
        memcpy(now, rate, n * sizeof(*now));
        unsigned before = open;
        for (unsigned i = 0; i < n; i++) {
            if (rate[i] >= 0)
                continue;
            if (d[i].bound <= d[i].weight * low || !fits(d, n, rate, low, capacity, resources, (int)i)) {
                now[i] = fmin(d[i].bound, d[i].weight * low);
                open--;
            }
        }
        memcpy(rate, now, n * sizeof(*now));
        if (open == before)
            break;
    }
}

static void random_systems_are_fair_and_agree_with_the_slow_twin(void)
{
    for (unsigned round = 0; round < 200; round++) {
        struct demand d[MAX_FLOWS];
        double capacity[MAX_RESOURCES], expected[MAX_FLOWS];
        state = round;
        unsigned resources = 2 + below(MAX_RESOURCES - 2), n = 1 + below(MAX_FLOWS);
        for (unsigned k = 0; k < resources; k++)
            capacity[k] = between(0.5, 20);
        struct maxmin *s = maxmin_create(resources, capacity);
        for (unsigned i = 0; i < n; i++) {
            random_demand(&d[i], resources, 1);
            set(s, &d[i]);
        }
        maxmin_solve(s);
        expect_fair(s, d, n, capacity, resources);
        twin(d, n, capacity, resources, expected);
        for (unsigned i = 0; i < n; i++)
            CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, d[i].number), expected[i], 1e-5 * (expected[i] + 1e-3));
        maxmin_free(s);
    }
}

/* Six parts of four resources: a change solves its part only, and gives what solving all anew gives (the level is
 * summed up in other steps: to rounding). */
static void changes_solve_what_hangs_together_as_if_anew(void)
{
    enum { RESOURCES = 24, PARTS = 6 };
    struct demand d[MAX_FLOWS];
    double capacity[RESOURCES];
    unsigned looked = 0, all = 0;
    state = 42;
    for (unsigned k = 0; k < RESOURCES; k++)
        capacity[k] = between(0.5, 10);
    struct maxmin *s = maxmin_create(RESOURCES, capacity);
    for (unsigned i = 0; i < MAX_FLOWS; i++) {
        random_demand(&d[i], RESOURCES, PARTS);
        set(s, &d[i]);
    }
    maxmin_solve(s);
    for (unsigned step = 0; step < 500; step++) {
        struct demand *x = &d[below(MAX_FLOWS)];
        if (x->there && below(3) == 0) {
            x->bound = between(0, 3);
            maxmin_set_bound(s, x->number, x->bound);
        } else if (x->there) {
            maxmin_remove(s, x->number);
            x->there = false;
        } else {
            random_demand(x, RESOURCES, PARTS);
            set(s, x);
        }
        looked += maxmin_solve(s);
        expect_fair(s, d, MAX_FLOWS, capacity, RESOURCES);
        /* anew: one with the same numbers */
        struct maxmin *anew = maxmin_create(RESOURCES, capacity);
        struct demand *by_number[MAX_FLOWS] = {NULL};
        for (unsigned i = 0; i < MAX_FLOWS; i++)
            if (d[i].there)
                by_number[d[i].number] = &d[i];
        for (unsigned i = 0; i < MAX_FLOWS; i++) {
            const struct demand *same = by_number[i];
            unsigned number = same ? maxmin_add(anew, same->weight, same->bound, same->n, same->use)
                                   : maxmin_add(anew, 1, 1, 0, NULL); /* keeps the number */
            CU_ASSERT_EQUAL(number, i);
        }
        all += maxmin_solve(anew);
        for (unsigned i = 0; i < MAX_FLOWS; i++)
            if (by_number[i])
                CU_ASSERT_DOUBLE_EQUAL(maxmin_rate(s, i), maxmin_rate(anew, i), 1e-12 * (maxmin_rate(anew, i) + 1e-6));
        maxmin_free(anew);
    }
    CU_ASSERT_TRUE(looked * 4 < all);
    maxmin_free(s);
}

static const struct cunit_case tests[] = {
    {"one resource is shared by weight, up to the bounds", one_resource_is_shared_by_weight_up_to_the_bounds},
    {"a long way has what its narrowest part leaves", a_long_way_has_what_its_narrowest_part_leaves},
    {"nobody in the way means the bound", nobody_in_the_way_means_the_bound},
    {"random systems are fair and agree with the slow twin", random_systems_are_fair_and_agree_with_the_slow_twin},
    {"changes solve what hangs together, as if anew", changes_solve_what_hangs_together_as_if_anew},
};

CUNIT_MAIN("maxmin", tests)
