/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Automatic placement, the decision: worked examples, the number of nodes that it starts with, the 32-bit quirks on
 * either side of their boundary, and a slow twin over random hosts.
 */
#include "levels.h"
#include <cunit_main.h>
#include <stdio.h>
#include <string.h>
#include <toolstack/placement.h>

#define GIB_KB (1024ull * 1024)
#define TIB_KB (1024 * GIB_KB)

/* {free GiB, pCPUs, vCPUs on it}, all pCPUs suitable */
struct example {
    const char *what;
    unsigned nr_nodes;
    struct {
        unsigned gib, cpus, on;
    } node[8];
    unsigned vcpus, need_gib;
    uint64_t nodes; /* 0: none */
};

static const struct example examples[] = {
    {"fewest vCPUs", 2, {{8, 8, 10}, {8, 8, 4}}, 4, 4, 0x2},
    {"then most memory", 2, {{8, 8, 4}, {12, 8, 4}}, 4, 4, 0x2},
    {"then the first", 2, {{8, 8, 4}, {8, 8, 4}}, 4, 4, 0x1},
    {"two nodes where one is too small", 3, {{3, 8, 0}, {3, 8, 0}, {3, 8, 9}}, 4, 5, 0x3},
    {"two nodes for ten vCPUs", 2, {{32, 8, 0}, {32, 8, 0}}, 10, 4, 0x3},
    {"unequal pCPU counts start with one node", 2, {{4, 8, 0}, {4, 4, 0}}, 6, 3, 0x1},
    {"one node even with more load, before two", 2, {{2, 8, 0}, {8, 8, 50}}, 4, 6, 0x2},
    {"vCPUs beat memory", 2, {{100, 8, 5}, {6, 8, 4}}, 4, 4, 0x2},
    {"the last pair in lexicographic order", 4, {{2, 4, 9}, {2, 4, 9}, {2, 4, 1}, {2, 4, 1}}, 4, 3, 0xc},
    {"ties of pairs go to the first pair", 4, {{2, 4, 1}, {2, 4, 1}, {2, 4, 1}, {2, 4, 1}}, 4, 3, 0x3},
    {"exactly enough memory", 1, {{4, 8, 0}}, 4, 4, 0x1},
    {"exactly enough pCPUs", 2, {{4, 4, 0}, {4, 8, 3}}, 8, 2, 0x2},
    {"not enough memory anywhere", 2, {{4, 8, 0}, {4, 8, 0}}, 4, 9, 0},
    {"more vCPUs than pCPUs", 2, {{8, 8, 0}, {8, 8, 0}}, 17, 4, 0},
    {"a node without pCPUs is no candidate", 3, {{4, 8, 0}, {64, 0, 0}, {5, 8, 0}}, 4, 5, 0x4},
    {"nor in a pair", 3, {{4, 8, 0}, {64, 0, 0}, {5, 8, 0}}, 4, 10, 0},
    {"a node without memory takes part with none", 2, {{0, 8, 0}, {8, 8, 9}}, 12, 4, 0x3},
    {"all eight nodes",
     8,
     {{1, 2, 0}, {1, 2, 0}, {1, 2, 0}, {1, 2, 0}, {1, 2, 0}, {1, 2, 0}, {1, 2, 0}, {1, 2, 0}},
     2,
     8,
     0xff},
};

static void fill(const struct example *e, struct ts_placement_node *n)
{
    for (unsigned i = 0; i < e->nr_nodes; i++)
        n[i] = (struct ts_placement_node){e->node[i].gib * GIB_KB, e->node[i].cpus, e->node[i].cpus, e->node[i].on};
}

static void worked_examples(void)
{
    static const struct hv_profile *const levels[] = {&level_43, &level_modern, &level_fixed};
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++)
        for (size_t l = 0; l < ARRAY_SIZE(levels); l++) {
            struct ts_placement_node n[8];
            fill(&examples[i], n);
            struct ts_placement_request req = {examples[i].need_gib * GIB_KB, examples[i].vcpus};
            nodemask_t got = {~0ull};
            enum ts_placement_outcome o = ts_placement_decide(levels[l], examples[i].nr_nodes, n, &req, &got);
            bool same = got.w == examples[i].nodes && o == (got.w ? TS_PLACEMENT_FOUND : TS_PLACEMENT_NONE);
            if (!same)
                printf("\n%s (%s): nodes %llx, outcome %d\n", examples[i].what, levels[l]->name,
                       (unsigned long long)got.w, o);
            CU_ASSERT(same);
        }
}

static void first_number_of_nodes(void)
{
    struct ts_placement_node even[4] = {{0, 8, 8, 0}, {0, 8, 8, 0}, {0, 8, 8, 0}, {0, 8, 8, 0}};
    static const unsigned want[] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 2};
    for (unsigned v = 1; v <= 9; v++)
        CU_ASSERT_EQUAL(ts_placement_min_nodes(4, even, v), want[v]);
    CU_ASSERT_EQUAL(ts_placement_min_nodes(4, even, 32), 4);
    CU_ASSERT_EQUAL(ts_placement_min_nodes(4, even, 33), 5); /* the caller limits it to what there is */
    even[3].nr_cpus = 7;
    CU_ASSERT_EQUAL(ts_placement_min_nodes(4, even, 32), 1);
    /* The test of equality looks at all nodes, also at those that the pool does not have. */
    struct ts_placement_node pool[2] = {{0, 8, 8, 0}, {0, 4, 0, 0}};
    CU_ASSERT_EQUAL(ts_placement_min_nodes(2, pool, 10), 1);
}

static uint64_t decide2(const struct hv_profile *level, uint64_t free0, uint64_t free1, uint64_t need)
{
    struct ts_placement_node n[2] = {{free0, 8, 8, 0}, {free1, 8, 8, 0}};
    struct ts_placement_request req = {need, 4};
    nodemask_t got;
    ts_placement_decide(level, 2, n, &req, &got);
    return got.w;
}

static void difference_in_32_bits(void)
{
    uint64_t small = GIB_KB, limit = 2 * TIB_KB; /* 2^31 KiB */
    struct hv_profile diff_only = level_fixed;
    diff_only.quirk[HV_QUIRK_placement_32bit_diff] = true;

    /* Node 1 has more. Below 2 TiB of difference it wins at every level; from there on the sign is wrong. */
    CU_ASSERT_EQUAL(decide2(&diff_only, small, small + limit - 1, GIB_KB), 2);
    CU_ASSERT_EQUAL(decide2(&diff_only, small, small + limit, GIB_KB), 2); /* -2^31 is still negative */
    CU_ASSERT_EQUAL(decide2(&diff_only, small, small + limit + 1, GIB_KB), 1);
    CU_ASSERT_EQUAL(decide2(&diff_only, small, small + 2 * limit, GIB_KB), 1);     /* 4 TiB: looks equal */
    CU_ASSERT_EQUAL(decide2(&diff_only, small, small + 2 * limit + 1, GIB_KB), 2); /* and right again */
    /* Node 0 has more: it loses to a smaller one. */
    CU_ASSERT_EQUAL(decide2(&diff_only, small + limit - 1, small, GIB_KB), 1);
    CU_ASSERT_EQUAL(decide2(&diff_only, small + limit, small, GIB_KB), 2);

    for (int k = -1; k <= 1; k++)
        CU_ASSERT_EQUAL(decide2(&level_fixed, small, small + limit + (uint64_t)(int64_t)k, GIB_KB), 2);
}

static void sum_in_32_bits(void)
{
    uint64_t four = 4 * TIB_KB; /* 2^32 KiB */
    /* A node of 4 TiB and 1 GiB free seems to have 1 GiB. */
    CU_ASSERT_EQUAL(decide2(&level_43, four + GIB_KB, 8 * GIB_KB, 4 * GIB_KB), 2);
    CU_ASSERT_EQUAL(decide2(&level_43, four - 1, 8 * GIB_KB, 16 * GIB_KB), 1);
    CU_ASSERT_EQUAL(decide2(&level_43, four, four, GIB_KB), 0); /* neither seems to have anything, nor both */
    struct hv_profile sum_only = level_fixed;
    sum_only.quirk[HV_QUIRK_placement_32bit_sum] = true;
    CU_ASSERT_EQUAL(decide2(&sum_only, four + GIB_KB, 8 * GIB_KB, 4 * GIB_KB), 2);
    CU_ASSERT_EQUAL(decide2(&level_fixed, four + GIB_KB, 8 * GIB_KB, 4 * GIB_KB), 1);
    /* A domain that no single node holds: the pair's sum wraps too. */
    CU_ASSERT_EQUAL(decide2(&level_43, 3 * TIB_KB, 2 * TIB_KB, four), 0);
    CU_ASSERT_EQUAL(decide2(&level_fixed, 3 * TIB_KB, 2 * TIB_KB, four), 3);
}

static void many_nodes_are_not_tried(void)
{
    struct ts_placement_node n[HV_MAX_NODES];
    for (unsigned i = 0; i < HV_MAX_NODES; i++)
        n[i] = (struct ts_placement_node){8 * GIB_KB, 4, 4, 1};
    struct ts_placement_request req = {GIB_KB, 2};
    nodemask_t got;
    n[15].vcpus_on = 0;
    CU_ASSERT_EQUAL(ts_placement_decide(&level_43, 16, n, &req, &got), TS_PLACEMENT_FOUND);
    CU_ASSERT_EQUAL(got.w, 1ull << 15);
    CU_ASSERT_EQUAL(ts_placement_decide(&level_43, 17, n, &req, &got), TS_PLACEMENT_TOO_MANY_NODES);
    CU_ASSERT_EQUAL(got.w, 0);
    /* The most work there is: only all 16 together will do. */
    req.need_kb = 16 * 8 * GIB_KB;
    CU_ASSERT_EQUAL(ts_placement_decide(&level_43, 16, n, &req, &got), TS_PLACEMENT_FOUND);
    CU_ASSERT_EQUAL(got.w, 0xffff);
    CU_ASSERT_EQUAL(ts_placement_decide(&level_43, 0, n, &req, &got), TS_PLACEMENT_NONE);
}

/*
 * The slow twin looks at every subset as a bit pattern, without order or early stop, and states the rule directly: k is
 * minimal, then vCPUs, then memory, then lexicographic order of the members.
 */
static bool lexicographically_before(uint64_t a, uint64_t b)
{
    uint64_t differ = a ^ b, lowest = differ & (0 - differ);
    return a & lowest; /* of equal size: the one that has the lowest node that only one of them has */
}

static uint64_t decide_slowly(unsigned nr, const struct ts_placement_node *n, const struct ts_placement_request *req)
{
    unsigned all = 0, kmin = ts_placement_min_nodes(nr, n, req->min_cpus);
    for (unsigned i = 0; i < nr; i++)
        all += n[i].suitable > 0;
    if (kmin > all)
        kmin = all;
    uint64_t best = 0, best_free = 0;
    unsigned best_on = 0;
    for (uint64_t m = 1; m < 1ull << nr; m++) {
        uint64_t free_kb = 0;
        unsigned cpus = 0, on = 0, k = (unsigned)__builtin_popcountll(m);
        bool all_suitable = true;
        for (unsigned i = 0; i < nr; i++)
            if (m >> i & 1) {
                free_kb += n[i].free_kb;
                cpus += n[i].suitable;
                on += n[i].vcpus_on;
                all_suitable = all_suitable && n[i].suitable;
            }
        if (!all_suitable || k < kmin || free_kb < req->need_kb || cpus < req->min_cpus)
            continue;
        unsigned bk = (unsigned)__builtin_popcountll(best);
        bool better = !best                  ? true
                      : k != bk              ? k < bk
                      : on != best_on        ? on < best_on
                      : free_kb != best_free ? free_kb > best_free
                                             : lexicographically_before(m, best);
        if (better) {
            best = m;
            best_free = free_kb;
            best_on = on;
        }
    }
    return best;
}

static uint32_t rnd_state = 12345;
static unsigned rnd(unsigned n)
{
    rnd_state = rnd_state * 1664525u + 1013904223u;
    return (rnd_state >> 8) % n;
}

static void agrees_with_the_slow_twin(void)
{
    unsigned found[9] = {0}, wrong = 0;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned nr = 1 + rnd(8);
        struct ts_placement_node n[8];
        unsigned cpus = rnd(2) ? 4 : 0; /* equal counts half of the time */
        for (unsigned j = 0; j < nr; j++) {
            n[j].nr_cpus = cpus ? cpus : rnd(6);
            n[j].suitable = rnd(5) ? n[j].nr_cpus : 0;
            n[j].free_kb = rnd(6) * GIB_KB;
            n[j].vcpus_on = rnd(4);
        }
        struct ts_placement_request req = {(1 + rnd(12)) * GIB_KB, 1 + rnd(12)};
        nodemask_t got;
        ts_placement_decide(&level_fixed, nr, n, &req, &got);
        wrong += got.w != decide_slowly(nr, n, &req);
        found[nodemask_weight(got)]++;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    for (unsigned k = 0; k <= 4; k++) /* the cases are not all of one kind */
        CU_ASSERT(found[k] > 100);
}

static void memory_that_is_needed(void)
{
    /* 960 MiB, 2 vCPUs: 983040 + 4 * (512 + 960) + 1024 = 989952, up to 2 MiB: 991232 KiB = 484 x 2 MiB */
    CU_ASSERT_EQUAL(ts_memory_need_kb(false, 960 * 1024, 960 * 1024, 2), 991232);
    CU_ASSERT_EQUAL(991232 % 2048, 0);
    /* 1 vCPU, 1 MiB: 1024 + 4 * 257 + 1024 = 3076 -> 4096 */
    CU_ASSERT_EQUAL(ts_memory_need_kb(false, 1024, 1024, 1), 4096);
    /* HVM has 1 MiB more: 4100 -> 6144 */
    CU_ASSERT_EQUAL(ts_memory_need_kb(true, 1024, 1024, 1), 6144);
    /* The maximum counts for the p2m: 2048 MiB more are 8 MiB more. */
    CU_ASSERT_EQUAL(ts_memory_need_kb(false, 960 * 1024, (960 + 2048) * 1024, 2), 991232 + 8192);
}

static const struct cunit_case tests[] = {
    {"worked examples", worked_examples},
    {"the number of nodes that the search starts with", first_number_of_nodes},
    {"quirk: memory compared through a 32-bit difference", difference_in_32_bits},
    {"quirk: memory summed in 32 bits", sum_in_32_bits},
    {"more than 16 nodes are not tried", many_nodes_are_not_tried},
    {"the fast search agrees with the slow one", agrees_with_the_slow_twin},
    {"memory that a domain needs", memory_that_is_needed},
};

CUNIT_MAIN("toolstack: placement", tests)
