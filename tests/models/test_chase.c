/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A chain of dependent loads: closed forms, level by level. */
#include "box.h"

#include <cunit_main.h>
#include <math.h>
#include <models/chase.h>
#include <stdlib.h>

/* ns of an access on the otherwise idle machine. */
static double access_ns(const struct machine *m, const struct chase *c)
{
    struct chase_parts p;
    unsigned changed[4096];
    chase_solve(m, 0, c, &p);
    CU_ASSERT_DOUBLE_EQUAL(p.l1 + p.l2 + p.l3 + p.memory, 1, 1e-12);
    struct work_mix w = chase_mix(m, 0, &p);
    struct rate_task t = {.mix = &w};
    t.node_share[0] = 1;
    struct rate_model *r = rate_create(m);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    CU_ASSERT_EQUAL_FATAL(rate_set(r, 0, &t), 0);
    rate_solve(r, changed);
    double ns = 1 / rate_ipns(r, 0);
    rate_free(r);
    return ns;
}

static struct machine *quiet_box(void)
{
    struct machine *m = box_new(1, 4, 1);
    m->mem_bandwidth[0] = 1e15; /* one chain waits for nobody */
    return m;
}

/* 32 KiB at 4 ns, 256 KiB at 10, 8 MiB at 40, memory at 80. */
static void each_level_holds_its_part(void)
{
    struct machine *m = quiet_box();
    static const struct {
        double size, ns;
    } rows[] = {
        {4096, 4},
        {32768, 4},
        {65536, 0.5 * 4 + 0.5 * 10},
        {262144, 0.125 * 4 + 0.875 * 10},
        {524288, 0.0625 * 4 + 0.4375 * 10 + 0.5 * 40},
        {16 * BOX_MIB, 4 / 512. + (7 / 512.) * 10 + (0.5 - 8 / 512.) * 40 + 0.5 * 80},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct chase c = {.working_set = rows[i].size};
        CU_ASSERT_DOUBLE_EQUAL(access_ns(m, &c), rows[i].ns, 1e-6 * rows[i].ns);
    }
    box_free(m);
}

static void exclusive_levels_add_up(void)
{
    struct machine *m = quiet_box();
    struct chase c = {.working_set = 8.25 * BOX_MIB};
    struct chase_parts p;
    chase_solve(m, 0, &c, &p);
    CU_ASSERT(p.memory > 0.03);
    m->l3.policy = MACHINE_VICTIM;
    chase_solve(m, 0, &c, &p);
    CU_ASSERT_EQUAL(p.memory, 0);
    box_free(m);
}

static void set_tlb(struct machine *m)
{
    m->kind[0].tlb = (struct machine_tlb){.l1_entries = {16, 16, 0},
                                          .l2_entries = {64, 64, 0},
                                          .l1_miss_ns = 5,
                                          .l2_miss_ns = 20,
                                          .walk_cache_entries = 8,
                                          .walk_cache_reach = 1 << 20,
                                          .walk_cache_miss_ns = 10,
                                          .pte_bytes = 8};
}

static void pages_that_no_tlb_has_cost_a_walk(void)
{
    struct machine *m = quiet_box();
    set_tlb(m);
    struct chase_parts p;
    struct chase small = {.working_set = 65536}, two = {.working_set = 131072}, walk = {.working_set = 524288},
                 up = {.working_set = 16 * BOX_MIB}, large = {.working_set = 16 * BOX_MIB, .page = CHASE_2M},
                 huge = {.working_set = 16 * BOX_MIB, .page = CHASE_1G};
    chase_solve(m, 0, &small, &p);
    CU_ASSERT_EQUAL(p.tlb_ns, 0);
    chase_solve(m, 0, &two, &p);
    CU_ASSERT_DOUBLE_EQUAL(p.tlb_ns, 0.5 * 5, 1e-12);
    chase_solve(m, 0, &walk, &p);
    CU_ASSERT_DOUBLE_EQUAL(p.tlb_ns, 0.875 * 5 + 0.5 * 20, 1e-12);
    chase_solve(m, 0, &up, &p);
    CU_ASSERT_DOUBLE_EQUAL(p.walk_cache_miss, 0.5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(p.tlb_ns, (1 - 16 / 4096.) * 5 + (1 - 64 / 4096.) * (20 + 5), 1e-12);
    chase_solve(m, 0, &large, &p);
    CU_ASSERT_EQUAL(p.tlb_ns, 0);
    chase_solve(m, 0, &huge, &p); /* no entry for such a page: every access walks */
    CU_ASSERT_DOUBLE_EQUAL(p.tlb_ns, 25, 1e-12);
    box_free(m);
}

/* 24 references instead of 4; with large pages on both sides 15 - 1 = 15 instead of 3. */
static void a_guests_walk_has_two_dimensions(void)
{
    struct machine *m = quiet_box();
    set_tlb(m);
    m->kind[0].tlb.l1_miss_ns = m->kind[0].tlb.walk_cache_miss_ns = 0;
    struct chase_parts native, nested;
    struct chase c = {.working_set = 16 * BOX_MIB}, n = {.working_set = 16 * BOX_MIB, .nested = true};
    chase_solve(m, 0, &c, &native);
    chase_solve(m, 0, &n, &nested);
    CU_ASSERT_DOUBLE_EQUAL(nested.tlb_ns, 6 * native.tlb_ns, 1e-9);
    c.page = n.page = n.host_page = CHASE_2M;
    c.working_set = n.working_set = 1024 * BOX_MIB;
    chase_solve(m, 0, &c, &native);
    chase_solve(m, 0, &n, &nested);
    CU_ASSERT_DOUBLE_EQUAL(nested.tlb_ns, 15 / 3. * native.tlb_ns, 1e-9);
    box_free(m);
}

/* The lines of page tables are asked for more often than data: they stay longer, but not for ever. */
static void tables_compete_with_data(void)
{
    struct machine *m = quiet_box();
    set_tlb(m);
    double before = 0;
    for (double size = 64 * BOX_MIB; size <= 65536 * BOX_MIB; size *= 4) {
        struct chase c = {.working_set = size};
        struct chase_parts p;
        chase_solve(m, 0, &c, &p);
        CU_ASSERT(p.table_memory >= before && p.table_memory < p.memory * (1 + p.walk_cache_miss));
        before = p.table_memory;
    }
    CU_ASSERT(before > 0.5);
    m->l3.replacement = MACHINE_RANDOM; /* forgets the popular ones sooner */
    struct chase c = {.working_set = 1024 * BOX_MIB};
    struct chase_parts random, lru;
    chase_solve(m, 0, &c, &random);
    m->l3.replacement = MACHINE_LRU;
    chase_solve(m, 0, &c, &lru);
    CU_ASSERT(random.table_memory > lru.table_memory);
    box_free(m);
}

static const struct cunit_case tests[] = {
    {"each level holds its part", each_level_holds_its_part},
    {"exclusive levels add up", exclusive_levels_add_up},
    {"pages that no TLB has cost a walk", pages_that_no_tlb_has_cost_a_walk},
    {"a guest's walk has two dimensions", a_guests_walk_has_two_dimensions},
    {"tables compete with data", tables_compete_with_data},
};

CUNIT_MAIN("chase", tests)
