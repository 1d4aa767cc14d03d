/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages set aside: a node, or a zone of it, has as many free pages as asked for, whatever was there before. */
#include "mm_boot.h"

/* Two nodes of 256 MiB; frames below 2^14 are kept back for devices. */
static const struct hv_mem_range two[] = {{0, 65536, {0}}, {65536, 131072, {1}}};

static void a_node_has_what_it_is_asked_for(void)
{
    static const uint64_t want[] = {60000, 100, 0, 512, 513, 65000, 1, 33333, 0, 65280, 511};
    mm_boot_bits("modern", 2, two, 2, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(want); i++) {
        CU_ASSERT_EQUAL(set_aside(node(0), HV_ANY_ZONE, want[i]), 0);
        CU_ASSERT_EQUAL(avail_node_pages(node(0)), want[i]);
        CU_ASSERT_EQUAL(avail_node_pages(node(1)), 65536);
        mm_check_all();
    }
    CU_ASSERT_EQUAL(set_aside(node(0), HV_ANY_ZONE, 65280), 0); /* all but the first MiB */
    CU_ASSERT_EQUAL(avail_pages(), total_pages());
    mm_check_all();
}

static void zones_one_by_one(void)
{
    mm_boot_bits("modern", 2, two, 2, 0);
    for (unsigned z = 8; z < 16; z++)
        CU_ASSERT_EQUAL(set_aside(node(0), z, z < 13 ? 0 : 1000 + z), 0);
    for (unsigned z = 8; z < 16; z++)
        CU_ASSERT_EQUAL(avail_zone_pages(node(0), z), z < 13 ? 0 : 1000 + z);
    mm_check_all();
    CU_ASSERT_EQUAL(set_aside(node(0), 10, 1024), 0);
    CU_ASSERT_EQUAL(avail_zone_pages(node(0), 10), 1024);
    mm_check_all();
}

/* What devices need is taken last, and given back last. */
static void the_dma_zone_goes_last_and_comes_last(void)
{
    mm_boot_bits("modern", 2, two, 2, 0);
    CU_ASSERT_EQUAL(dma_bitsize(), 26);
    CU_ASSERT_EQUAL(set_aside(node(0), HV_ANY_ZONE, 16384 - 256), 0);
    CU_ASSERT_EQUAL(avail_zone_pages(node(0), 14) + avail_zone_pages(node(0), 15), 0);
    CU_ASSERT_EQUAL(avail_zone_pages(node(0), 13), 8192);
    CU_ASSERT_EQUAL(set_aside(node(0), HV_ANY_ZONE, 100), 0);
    CU_ASSERT_EQUAL(set_aside(node(0), HV_ANY_ZONE, 100 + 49152), 0);
    CU_ASSERT_EQUAL(avail_zone_pages(node(0), 14) + avail_zone_pages(node(0), 15), 49152);
    mm_check_all();
}

static void what_cannot_be_is_refused(void)
{
    mm_boot_bits("modern", 2, two, 2, 0);
    CU_ASSERT_EQUAL(set_aside(node(2), HV_ANY_ZONE, 0), -HV_EINVAL);
    CU_ASSERT_EQUAL(set_aside(NODE_INVALID, HV_ANY_ZONE, 0), -HV_EINVAL);
    CU_ASSERT_EQUAL(set_aside(node(0), NR_ZONES, 0), -HV_EINVAL);
    CU_ASSERT_EQUAL(set_aside(node(0), HV_ANY_ZONE, 65281), -HV_ENOMEM); /* more than there is */
    CU_ASSERT_EQUAL(avail_node_pages(node(0)), 65280);
    CU_ASSERT_EQUAL(set_aside(node(0), HV_ANY_ZONE, 1000), 0);
    uint64_t f = alloc_heap_pages(0, NR_ZONES - 1, 9, MEMF_node(node(0)) | MEMF_exact_node, NULL);
    CU_ASSERT_EQUAL(set_aside(node(0), HV_ANY_ZONE, 65280), -HV_ENOMEM); /* what somebody has does not come back */
    CU_ASSERT_EQUAL(avail_node_pages(node(0)), 65280 - 512);
    free_heap_pages(f, 9);
    mm_check_all();
}

/* Width of what is kept back, as 4.17 works it out: from the first node with memory below 4 GiB. */
static void width_of_the_dma_zone(void)
{
    static const struct {
        struct hv_mem_range r[2];
        unsigned modern, older;
    } of[] = {
        {{{0, 524288, {0}}, {524288, 1u << 20, {1}}}, 29, 29},
        {{{0, 393216, {0}}, {393216, 1u << 20, {1}}}, 29, 28}, /* recorded: a quarter of 1.5 GiB, rounded up */
        {{{0, 262144, {1}}, {262144, 1u << 20, {0}}}, 31, 29}, /* node 0 begins at 1 GiB: that and a quarter of 3 */
        {{{1u << 20, 1u << 21, {0}}, {1u << 21, 1u << 22, {1}}}, 0, 30}, /* nothing below 4 GiB */
        {{{0, 262144, {1}}, {262144, 524288, {1}}}, 29, 0},              /* node 0 has no memory */
    };
    for (unsigned i = 0; i < ARRAY_SIZE(of); i++) {
        mm_boot_bits("modern", 2, of[i].r, 2, 0);
        CU_ASSERT_EQUAL(dma_bitsize(), of[i].modern);
        mm_boot_bits("xen-4.3", 2, of[i].r, 2, 0);
        CU_ASSERT_EQUAL(dma_bitsize(), of[i].older);
    }
    mm_boot_bits("modern", 2, two, 2, 24);
    CU_ASSERT_EQUAL(dma_bitsize(), 24);
}

/* A superpage's remainder is taken from two, so that as many free pages make one superpage less. */
static void what_is_taken_of_a_zone_lies_in_pieces(void)
{
    mm_boot_bits("modern", 2, two, 2, 0);
    CU_ASSERT_EQUAL(set_aside(node(1), 16, 65536 - 1024 - 100), 0);
    CU_ASSERT_EQUAL(avail_zone_pages(node(1), 16), 65536 - 1024 - 100);
    unsigned whole = 0;
    while (alloc_heap_pages(16, 16, 9, MEMF_node(node(1)) | MEMF_exact_node, NULL) != FRAME_NONE)
        whole++;
    CU_ASSERT_EQUAL(whole, 128 - 2 - 2);
    mm_check_all();
}

/*
 * Recorded at 4.17: dom0's first extents, and those of guests on several nodes, come from the node that is next after
 * two allocations: node 1 of two, 0 of three, 3 of four and of eight; a node without memory is passed over.
 */
static void creation_turns_the_rotation(void)
{
    static const struct {
        const char *level;
        unsigned nodes, without, first;
    } of[] = {{"modern", 2, 99, 1}, {"modern", 3, 99, 0}, {"modern", 4, 99, 3}, {"modern", 8, 99, 3},
              {"modern", 3, 1, 2},  {"fixed", 4, 99, 3},  {"xen-4.3", 4, 99, 1}};
    for (unsigned i = 0; i < ARRAY_SIZE(of); i++) {
        struct hv_mem_range r[8];
        unsigned nr = 0;
        for (unsigned n = 0; n < of[i].nodes; n++)
            if (n != of[i].without)
                r[nr++] = (struct hv_mem_range){n * 65536ull, (n + 1) * 65536ull, {(uint8_t)n}};
        mm_boot_bits(of[i].level, of[i].nodes, r, nr, 0);
        struct domain d = {.type = HV_GUEST_PV, .node_affinity = hv_node_online, .auto_node_affinity = true};
        uint64_t before = avail_pages();
        CU_ASSERT_EQUAL(perdomain_create(&d), 0);
        uint64_t f = alloc_heap_pages(0, NR_ZONES - 1, 9, 0, &d);
        CU_ASSERT_EQUAL(mfn_to_node(mfn(f)).n, of[i].first);
        CU_ASSERT_EQUAL(d.tot_pages, 0);
        free_heap_pages(f, 9);
        perdomain_destroy(&d);
        CU_ASSERT_EQUAL(avail_pages(), before);
        mm_check_all();
    }
    /* None left: nothing is taken. */
    mm_boot_bits("modern", 2, two, 2, 0);
    CU_ASSERT_EQUAL(set_aside(node(0), HV_ANY_ZONE, 1), 0);
    CU_ASSERT_EQUAL(set_aside(node(1), HV_ANY_ZONE, 0), 0);
    struct domain d = {.type = HV_GUEST_PV, .node_affinity = hv_node_online, .auto_node_affinity = true};
    CU_ASSERT_EQUAL(perdomain_create(&d), -HV_ENOMEM);
    CU_ASSERT_EQUAL(avail_pages(), 1);
    mm_check_all();
}

static const struct cunit_case tests[] = {
    {"a node has what it is asked for", a_node_has_what_it_is_asked_for},
    {"zones one by one", zones_one_by_one},
    {"the DMA zone goes last and comes last", the_dma_zone_goes_last_and_comes_last},
    {"what cannot be is refused", what_cannot_be_is_refused},
    {"width of the DMA zone", width_of_the_dma_zone},
    {"what is taken of a zone lies in pieces", what_is_taken_of_a_zone_lies_in_pieces},
    {"creation turns the rotation", creation_turns_the_rotation},
};

CUNIT_MAIN("mm: pages set aside", tests)
