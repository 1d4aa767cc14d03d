/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Masks: the semantics that make scheduler decisions bit-exact; each operation against a plain loop over bits. */
#include "sched/private.h"
#include <cunit_main.h>
#include <hv/mask.h>
#include <stdlib.h>
#include <string.h>

#include "port_test.h"

#define N 200u /* four words, the last one not full */

static bool bits[3][N];

static uint64_t state = 88172645463325252ull;
static uint32_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static void fill(cpumask_t *m, unsigned which, unsigned density)
{
    cpumask_clear_all(m);
    for (unsigned i = 0; i < N; i++) {
        bits[which][i] = rnd() % 100 < density;
        if (bits[which][i])
            cpumask_set(m, pcpu(i));
    }
}

static unsigned slow_next(int after, const bool *b)
{
    for (unsigned i = (unsigned)(after + 1); i < N; i++)
        if (b[i])
            return i;
    return PCPU_INVALID.n;
}

static unsigned slow_cycle(unsigned c, const bool *b)
{
    unsigned n = slow_next((int)c, b);
    return n != PCPU_INVALID.n ? n : slow_next(-1, b);
}

static void matches_loops_over_bits(void)
{
    cpumask_t a, b, r;
    hv_cpumask_words = (N + 63) / 64;
    for (unsigned round = 0; round < 300; round++) {
        fill(&a, 0, round % 5 == 0 ? 0 : round % 7 ? 30 : 1);
        fill(&b, 1, round % 3 ? 50 : 3);
        unsigned weight = 0, both = 0, subset = 1, intersects = 0, last = PCPU_INVALID.n;
        for (unsigned i = 0; i < N; i++) {
            weight += bits[0][i];
            both += bits[0][i] && bits[1][i];
            subset &= !bits[0][i] || bits[1][i];
            intersects |= bits[0][i] && bits[1][i];
            if (bits[0][i])
                last = i;
            CU_ASSERT_EQUAL(cpumask_test(&a, pcpu(i)), bits[0][i]);
            CU_ASSERT_EQUAL(cpumask_next(pcpu(i), &a).n, slow_next((int)i, bits[0]));
            CU_ASSERT_EQUAL(cpumask_cycle(pcpu(i), &a).n, slow_cycle(i, bits[0]));
            CU_ASSERT_EQUAL(cpumask_test_or_cycle(pcpu(i), &a).n, bits[0][i] ? i : slow_cycle(i, bits[0]));
        }
        CU_ASSERT_EQUAL(cpumask_weight(&a), weight);
        CU_ASSERT_EQUAL(cpumask_weight_and(&a, &b), both);
        CU_ASSERT_EQUAL(cpumask_empty(&a), weight == 0);
        CU_ASSERT_EQUAL(cpumask_subset(&a, &b), subset);
        CU_ASSERT_EQUAL(cpumask_intersects(&a, &b), intersects);
        CU_ASSERT_EQUAL(cpumask_first(&a).n, slow_next(-1, bits[0]));
        CU_ASSERT_EQUAL(cpumask_last(&a).n, last);

        cpumask_and(&r, &a, &b);
        CU_ASSERT_EQUAL(cpumask_weight(&r), both);
        cpumask_or(&r, &a, &b);
        CU_ASSERT_TRUE(cpumask_subset(&a, &r) && cpumask_subset(&b, &r));
        cpumask_andnot(&r, &r, &b);
        CU_ASSERT_FALSE(cpumask_intersects(&r, &b));
        CU_ASSERT_EQUAL(cpumask_weight(&r), weight - both);
        cpumask_copy(&r, &a);
        CU_ASSERT_TRUE(cpumask_equal(&r, &a));
    }
}

static void edges_of_words(void)
{
    cpumask_t m;
    hv_cpumask_words = HV_CPUMASK_WORDS;
    cpumask_clear_all(&m);
    CU_ASSERT_FALSE(pcpu_valid(cpumask_first(&m)));
    CU_ASSERT_FALSE(pcpu_valid(cpumask_cycle(pcpu(5), &m)));
    CU_ASSERT_FALSE(pcpu_valid(cpumask_last(&m)));
    cpumask_set(&m, pcpu(HV_MAX_PCPUS - 1));
    CU_ASSERT_EQUAL(cpumask_first(&m).n, HV_MAX_PCPUS - 1);
    CU_ASSERT_FALSE(pcpu_valid(cpumask_next(pcpu(HV_MAX_PCPUS - 1), &m)));
    CU_ASSERT_EQUAL(cpumask_cycle(pcpu(HV_MAX_PCPUS - 1), &m).n, HV_MAX_PCPUS - 1); /* itself: the sole member */
    for (unsigned n = 1; n <= 130; n++) {
        cpumask_set_first(&m, n);
        CU_ASSERT_EQUAL(cpumask_weight(&m), n);
        CU_ASSERT_EQUAL(cpumask_last(&m).n, n - 1);
    }
}

static void nodes(void)
{
    nodemask_t m = {0};
    CU_ASSERT_FALSE(node_valid(nodemask_first(m)));
    CU_ASSERT_FALSE(node_valid(nodemask_cycle(node(3), m)));
    nodemask_set(&m, node(63));
    nodemask_set(&m, node(2));
    CU_ASSERT_EQUAL(nodemask_first(m).n, 2);
    CU_ASSERT_EQUAL(nodemask_next(node(2), m).n, 63);
    CU_ASSERT_FALSE(node_valid(nodemask_next(node(63), m)));
    CU_ASSERT_EQUAL(nodemask_cycle(node(63), m).n, 2);
    CU_ASSERT_FALSE(nodemask_test(m, NODE_INVALID));
    nodemask_clear(&m, node(2));
    CU_ASSERT_EQUAL(nodemask_cycle(node(63), m).n, 63);
    CU_ASSERT_EQUAL(nodemask_weight(m), 1);
}

/* The halves that atomics use are the bits that everybody else sees. */
static void atomic_halves(void)
{
    cpumask_t m;
    hv_cpumask_words = 4;
    cpumask_clear_all(&m);
    for (unsigned c = 0; c < 256; c += 31) {
        cpumask_set_atomic(&m, pcpu(c));
        CU_ASSERT_TRUE(cpumask_test(&m, pcpu(c)));
        CU_ASSERT_EQUAL(cpumask_weight(&m), 1);
        cpumask_clear_atomic(&m, pcpu(c));
        CU_ASSERT_TRUE(cpumask_empty(&m));
    }
}

static const struct cunit_case tests[] = {
    {"mask operations match loops over bits", matches_loops_over_bits},
    {"masks at the edges of their words", edges_of_words},
    {"node masks", nodes},
    {"atomic halves of a mask word", atomic_halves},
};

CUNIT_MAIN("hv-core masks", tests)
