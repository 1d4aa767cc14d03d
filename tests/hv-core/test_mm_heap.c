/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buddy heap: Xen's worked examples, the order of nodes, boot, the DMA zone, and the slow twin. */
#include "mm_boot.h"
#include "mm_twin.h"

static void same_as_twin(void)
{
    const char *differs = twin_compare();
    if (differs) {
        fprintf(stderr, "%s\n", differs);
        CU_FAIL_FATAL("the heap differs from its twin");
    }
}

/* The list holds exactly these frames, in this order. */
static void list_is(unsigned n, unsigned zone, unsigned order, unsigned nr, const uint64_t *frames)
{
    extent_link l = heap_list(n, zone, order)->head;
    for (unsigned i = 0; i < nr; i++) {
        CU_ASSERT_NOT_EQUAL_FATAL(l, LINK_NONE);
        CU_ASSERT_EQUAL(link_frame(l), frames[i]);
        l = frame_next(frame_of_link(l));
    }
    CU_ASSERT_EQUAL(l, LINK_NONE);
}
#define LIST_IS(n, zone, order, ...)                                                                                   \
    list_is(n, zone, order, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), (uint64_t[]){__VA_ARGS__})
#define LIST_IS_EMPTY(n, zone, order) list_is(n, zone, order, 0, NULL)

/* The example of xen-behaviour 5.4, moved above the first MiB. */
static void split_gives_the_upper_end(void)
{
    struct hv_mem_range r = {264, 272, {0}};
    mm_boot("xen-4.3", 1, &r, 1);
    LIST_IS(0, 8, 3, 264);
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), 271);
    LIST_IS_EMPTY(0, 8, 3);
    LIST_IS(0, 8, 2, 264);
    LIST_IS(0, 8, 1, 268);
    LIST_IS(0, 8, 0, 270);
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), 270);
    LIST_IS_EMPTY(0, 8, 0);
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), 269);
    LIST_IS(0, 8, 0, 268);
    LIST_IS_EMPTY(0, 8, 1);
    CU_ASSERT_EQUAL(avail_pages(), 5);
    CU_ASSERT_EQUAL(tp_perfc[PERFC_heap_split], 3 + 0 + 1);
    CU_ASSERT_EQUAL(tp_perfc[PERFC_heap_alloc], 3);
    mm_check_all();
}

static void freed_pages_go_to_the_tail_and_merge(void)
{
    struct hv_mem_range r = {264, 272, {0}};
    mm_boot("xen-4.3", 1, &r, 1);
    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), 271 - i);
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), FRAME_NONE);
    free_heap_pages(266, 0);
    free_heap_pages(271, 0);
    free_heap_pages(268, 0);
    LIST_IS(0, 8, 0, 266, 271, 268);
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), 266);
    free_heap_pages(266, 0);
    free_heap_pages(270, 0);
    LIST_IS(0, 8, 0, 268, 266);
    LIST_IS(0, 8, 1, 270);
    free_heap_pages(269, 0); /* with 268, then with 270..271 */
    LIST_IS(0, 8, 0, 266);
    LIST_IS(0, 8, 2, 268);
    free_heap_pages(264, 0);
    free_heap_pages(267, 0);
    free_heap_pages(265, 0);
    LIST_IS(0, 8, 3, 264);
    mm_check_all();
}

static void buddies_of_two_nodes_or_zones_stay_apart(void)
{
    struct hv_mem_range r[] = {{448, 576, {0}}, {576, 640, {1}}};
    mm_boot("xen-4.3", 2, r, 2);
    LIST_IS(0, 8, 6, 448); /* 448..511 and 512..575 are in two zones; 512..575 and 576..639 on two nodes */
    LIST_IS(0, 9, 6, 512);
    LIST_IS(1, 9, 6, 576);
    mm_check_all();
}

static void frames_below_one_mib_are_never_given(void)
{
    struct hv_mem_range r[] = {{0, 160, {0}}, {200, 512, {0}}};
    mm_boot("xen-4.3", 1, r, 2);
    CU_ASSERT_EQUAL(total_pages(), 256);
    for (unsigned i = 0; i < 256; i++)
        CU_ASSERT(alloc_heap_pages(ALL_ZONES, 0, 0, NULL) >= 256);
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), FRAME_NONE);
}

static void higher_zones_go_first(void)
{
    struct hv_mem_range r = {256, 1100, {0}};
    mm_boot("xen-4.3", 1, &r, 1);
    for (unsigned i = 0; i < 76; i++)
        CU_ASSERT(alloc_heap_pages(ALL_ZONES, 0, 0, NULL) >= 1024);
    for (unsigned i = 0; i < 512; i++) {
        uint64_t f = alloc_heap_pages(ALL_ZONES, 0, 0, NULL);
        CU_ASSERT(f >= 512 && f < 1024);
    }
    CU_ASSERT(alloc_heap_pages(ALL_ZONES, 0, 0, NULL) < 512);
    CU_ASSERT_EQUAL(alloc_heap_pages(9, NR_ZONES - 1, 0, 0, NULL), FRAME_NONE); /* none at or above 512 is left */
    CU_ASSERT_EQUAL(alloc_heap_pages(0, 7, 0, 0, NULL), FRAME_NONE);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

/* xen-behaviour 5.5: the nodes in the order in which they are tried, by one page on each. */
static void node_order(void)
{
    static const struct {
        unsigned last;
        uint64_t mask;
        unsigned flags;
        unsigned tried[4], nr;
    } rows[] = {
        {0, 0xf, 0, {1, 2, 3, 0}, 4},
        {1, 0x2, 0, {1, 0, 2, 3}, 4},
        {0, 0xc, 0, {2, 3, 0, 1}, 4},
        {0, 0x3, XENMEMF_node(3), {3, 0, 1, 2}, 4},
        {1, 0x3, XENMEMF_node(3), {3, 0, 1, 2}, 4},
        {0, 0x3, XENMEMF_node(3) | MEMF_exact_node, {3}, 1},
        {0, 0xf, MEMF_exact_node, {1, 2, 3, 0}, 4}, /* exact without a node means nothing */
        {3, 0xf, XENMEMF_node(2), {2, 3, 0, 1}, 4},
        {2, 0x3, 0, {0, 1, 2, 3}, 4}, /* last outside of the mask: wraps */
    };
    struct hv_mem_range r[4];
    for (unsigned i = 0; i < 4; i++)
        r[i] = (struct hv_mem_range){1025 + 2 * i, 1026 + 2 * i, node(i)};
    for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
        mm_boot("xen-4.3", 4, r, 4);
        for (unsigned i = 0; i <= rows[k].nr; i++) {
            struct domain d = {.node_affinity = {rows[k].mask}, .last_alloc_node = node(rows[k].last)};
            uint64_t f = alloc_heap_pages(ALL_ZONES, 0, rows[k].flags, &d);
            if (i == rows[k].nr) {
                CU_ASSERT_EQUAL(f, FRAME_NONE);
                CU_ASSERT_EQUAL(d.last_alloc_node.n, rows[k].last);
                break;
            }
            CU_ASSERT_NOT_EQUAL_FATAL(f, FRAME_NONE);
            CU_ASSERT_EQUAL(mfn_to_node(mfn(f)).n, rows[k].tried[i]);
            CU_ASSERT_EQUAL(d.last_alloc_node.n, rows[k].tried[i]);
        }
    }
}

static void the_hypervisor_takes_from_its_own_node(void)
{
    struct hv_mem_range r[] = {{1024, 1028, {0}}, {2048, 2052, {1}}, {4096, 4100, {2}}};
    mm_boot("xen-4.3", 3, r, 3);
    tp_set_cpu(1);
    static const unsigned on[] = {1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0}; /* then the next ones in the ring */
    for (unsigned i = 0; i < 12; i++)
        CU_ASSERT_EQUAL(mfn_to_node(mfn(alloc_heap_pages(ALL_ZONES, 0, 0, NULL))).n, on[i]);
    tp_set_cpu(0);
}

static void allocations_rotate_over_the_nodes(void)
{
    struct hv_mem_range r[] = {{1024, 2048, {0}}, {2048, 4096, {1}}, {4096, 8192, {2}}};
    unsigned got[3] = {0};
    mm_boot("xen-4.3", 3, r, 3);
    struct domain d = {.node_affinity = {0x7}};
    for (unsigned i = 0; i < 1000; i++) {
        unsigned n = mfn_to_node(mfn(alloc_heap_pages(ALL_ZONES, 0, 0, &d))).n;
        CU_ASSERT_EQUAL(n, (i + 1) % 3);
        got[n]++;
        for (unsigned a = 0; a < 3; a++)
            CU_ASSERT(got[a] <= got[(a + 1) % 3] + 1);
    }
}

/* ---- the DMA zone ----------------------------------------------------------------------------------------------- */

static void dma_width_follows_node_0(void)
{
    struct hv_mem_range r[] = {{0, 65536 + 4096, {0}}, {1u << 18, (1u << 18) + 1024, {1}}};
    mm_boot("xen-4.3", 2, r, 2);
    CU_ASSERT_EQUAL(dma_bitsize(), 16 + 12 - 2);
    mm_boot("modern", 2, r, 2); /* rounds up */
    CU_ASSERT_EQUAL(dma_bitsize(), 17 + 12 - 2);
    r[0].end_mfn = 65536;
    mm_boot("modern", 2, r, 2);
    CU_ASSERT_EQUAL(dma_bitsize(), 16 + 12 - 2);
    r[0].end_mfn = 1u << 24;
    r[1] = (struct hv_mem_range){1u << 25, (1u << 25) + 1024, {1}};
    mm_boot("xen-4.3", 2, r, 2);
    CU_ASSERT_EQUAL(dma_bitsize(), 32);
    mm_boot("xen-4.3", 1, r, 1);
    CU_ASSERT_EQUAL(dma_bitsize(), 0);
}

static void the_dma_zone_goes_last(void)
{
    /* 8192 frames of node 0: 13 + 12 - 2 = 23 bits, frames below 2048 are kept back. */
    struct hv_mem_range r[] = {{0, 8192, {0}}, {8192, 9216, {1}}};
    mm_boot("xen-4.3", 2, r, 2);
    CU_ASSERT_EQUAL(dma_bitsize(), 23);
    for (unsigned i = 0; i < 8192 - 2048; i++) {
        mfn_t m = alloc_domheap_pages(NULL, 0, 0); /* pCPU 0: node 0 first */
        CU_ASSERT(m.n >= 2048 && m.n < 8192);
    }
    for (unsigned i = 0; i < 1024; i++) {
        mfn_t m = alloc_domheap_pages(NULL, 0, 0);
        CU_ASSERT(m.n >= 8192 && m.n < 9216);
    }
    CU_ASSERT(mfn_eq(alloc_domheap_pages(NULL, 0, MEMF_no_dma), MFN_INVALID));
    for (unsigned i = 256; i < 2048; i++)
        CU_ASSERT(alloc_domheap_pages(NULL, 0, 0).n < 2048);
    CU_ASSERT(mfn_eq(alloc_domheap_pages(NULL, 0, 0), MFN_INVALID));
    CU_ASSERT_EQUAL(avail_pages(), 0);
    mm_check_all();
}

static void address_bits_limit_the_zone(void)
{
    struct hv_mem_range r = {256, 4096, {0}};
    mm_boot("xen-4.3", 1, &r, 1);
    /* 22 bits of address: frames below 1024. */
    for (unsigned i = 0; i < 1024 - 256; i++)
        CU_ASSERT(alloc_domheap_pages(NULL, 0, MEMF_bits(22)).n < 1024);
    CU_ASSERT(mfn_eq(alloc_domheap_pages(NULL, 0, MEMF_bits(22)), MFN_INVALID));
    CU_ASSERT(mfn_eq(alloc_domheap_pages(NULL, 0, MEMF_bits(12)), MFN_INVALID));
    CU_ASSERT(alloc_domheap_pages(NULL, 0, 0).n >= 2048);
    CU_ASSERT(mfn_eq(alloc_domheap_pages(NULL, MAX_ORDER + 1, 0), MFN_INVALID));
}

/* ---- boot ------------------------------------------------------------------------------------------------------- */

static uint64_t seed;

static unsigned rnd(unsigned below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)((seed >> 33) % below);
}

static void boot_leaves_the_lists_of_page_by_page(void)
{
    for (unsigned trial = 0; trial < 60; trial++) {
        struct hv_mem_range r[12];
        unsigned nr = 1 + rnd(12), at = rnd(600);
        for (unsigned i = 0; i < nr; i++) {
            unsigned len = 1 + rnd(rnd(4) ? 3000 : 400000);
            r[i] = (struct hv_mem_range){at, at + len, node(rnd(3))};
            at += len + (rnd(2) ? 0 : rnd(5000));
        }
        if (at <= 256)
            continue;
        r[nr - 1].end_mfn += 256;
        static const struct {
            const char *level;
            enum hv_bootscrub when;
        } how[] = {{"xen-4.3", HV_BOOTSCRUB_on}, {"modern", HV_BOOTSCRUB_on}, {"modern", HV_BOOTSCRUB_idle}};
        unsigned k = trial % 3;
        bootscrub_set(how[k].when);
        mm_boot(how[k].level, 3, r, nr);
        twin_boot(cpu_to_node(pcpu(0)).n);
        bootscrub_set(HV_BOOTSCRUB_off);
        same_as_twin();
        mm_check_all();
    }
    twin_end();
}

static void sixteen_tib_and_a_hole_boot_with_little(void)
{
    /* 16 TiB in 64 nodes, and the hole of x86 below 4 GiB: frame numbers beyond 32 bits. */
    struct hv_mem_range r[65];
    uint64_t each = 1ull << 26, at = 0;
    unsigned nr = 0;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t len = each;
        if (i == 0) {
            r[nr++] = (struct hv_mem_range){0, 0xc0000, node(0)};
            at = 0x100000;
            len -= 0xc0000;
        }
        r[nr++] = (struct hv_mem_range){at, at + len, node(i)};
        at += len;
    }
    mm_boot("xen-4.3", 64, r, nr);
    /* The hole moves 1 GiB beyond 32 bits of frame number, where none can be reached. */
    CU_ASSERT_EQUAL(total_pages(), (1ull << 32) - (1u << 18) - 256);
    CU_ASSERT(tp_frametable_bytes < 16u << 20);
    mm_check_all();
    struct domain d = {.node_affinity = {1ull << 63}};
    uint64_t f = alloc_heap_pages(ALL_ZONES, 0, 0, &d);
    CU_ASSERT_EQUAL(f, (1ull << 32) - each + 2 * (1u << 18) - 1); /* of its first GiB, which begins after the hole's */
    CU_ASSERT_EQUAL(mfn_to_node(mfn(f)).n, 63);
    free_heap_pages(f, 0);
    mm_check_all();
}

static void too_little_for_descriptors_is_an_error(void)
{
    struct hv_mem_range r = {256, 5000, {0}};
    static struct hv_cpu_desc cpu = {0, 0, 0, {0}};
    struct hv_boot_info info = {.nr_cpus = 1, .nr_nodes = 1, .nr_ranges = 1, .cpu = &cpu, .range = &r};
    for (int budget = 0; budget < 4; budget++) {
        tp_reset();
        tp_frametable_budget = budget;
        CU_ASSERT_EQUAL_FATAL(numa_init(&info), 0);
        CU_ASSERT_EQUAL(mm_init(), -HV_ENOMEM);
    }
}

/* ---- the twin --------------------------------------------------------------------------------------------------- */

#define TWIN_OPS 100000u
#define MAX_HELD 3000u

/* An idle pCPU of some node scrubs it. */
static void scrub_a_node(void)
{
    unsigned n = rnd(3);
    tp_set_cpu(n);
    CU_ASSERT_FALSE(scrub_free_pages());
    twin_scrub(n);
}

static void random_operations(const char *level, enum hv_bootscrub bootscrub)
{
    static struct {
        uint64_t f;
        unsigned order;
    } held[MAX_HELD];
    /* Odd borders, a node in two parts, a 1 GiB block. */
    struct hv_mem_range r[] = {{0, 5003, {0}},         {5003, 9001, {1}},   {9100, 20000, {0}},
                               {20000, 32768, {2}},    {32768, 33000, {1}}, {1u << 18, 3u << 18, {2}},
                               {3u << 18, 800000, {1}}};
    unsigned nr_held = 0, failed = 0;

    bootscrub_set(bootscrub);
    mm_boot(level, 3, r, sizeof(r) / sizeof(r[0]));
    twin_boot(0);
    bootscrub_set(HV_BOOTSCRUB_off);
    struct domain a = {.node_affinity = {0x7}}, b = {.node_affinity = {0x2}}, ta = a, tb = b;
    for (unsigned i = 0; i < TWIN_OPS; i++) {
        /* Waves: mostly allocating, then mostly freeing. */
        unsigned alloc_share = (i / 5000) % 2 ? 40 : 60;
        if (nr_held == 0 || (nr_held < MAX_HELD && rnd(100) < alloc_share)) {
            unsigned who = rnd(3), flags = 0, cpu = rnd(3);
            unsigned order = rnd(50) == 0 ? rnd(MAX_ORDER + 1) : rnd(8) == 0 ? rnd(11) : rnd(3);
            unsigned lo = rnd(10) ? 0 : rnd(18), hi = rnd(10) ? NR_ZONES - 1 : 8 + rnd(12);
            if (lo > hi)
                lo = 0;
            if (rnd(4) == 0)
                flags = XENMEMF_node(rnd(3)) | (rnd(2) ? MEMF_exact_node : 0);
            if (rnd(16) == 0)
                flags |= MEMF_no_scrub;
            tp_set_cpu(cpu);
            uint64_t f = alloc_heap_pages(lo, hi, order, flags, who == 0 ? &a : who == 1 ? &b : NULL);
            unsigned t = twin_alloc(who == 0 ? &ta : who == 1 ? &tb : NULL, order, flags, lo, hi, cpu);
            CU_ASSERT_EQUAL_FATAL(f, t == TWIN_NONE ? FRAME_NONE : t);
            CU_ASSERT_EQUAL(a.last_alloc_node.n, ta.last_alloc_node.n);
            CU_ASSERT_EQUAL(b.last_alloc_node.n, tb.last_alloc_node.n);
            if (f == FRAME_NONE) {
                failed++;
            } else {
                held[nr_held].f = f;
                held[nr_held++].order = order;
            }
        } else {
            unsigned k = rnd(nr_held);
            if (rnd(3) == 0) {
                free_dirty_heap_pages(held[k].f, held[k].order);
                twin_free_dirty((unsigned)held[k].f, held[k].order);
            } else {
                free_heap_pages(held[k].f, held[k].order);
                twin_free((unsigned)held[k].f, held[k].order);
            }
            held[k] = held[--nr_held];
        }
        if (!quirk(heap_one_end) && rnd(1000) == 0)
            scrub_a_node();
        if (i % 500 == 0) {
            same_as_twin();
            mm_check_all();
        }
    }
    CU_ASSERT(failed > 0); /* full at times, so that the search to its end was tried */
    while (nr_held) {
        nr_held--;
        free_heap_pages(held[nr_held].f, held[nr_held].order);
        twin_free((unsigned)held[nr_held].f, held[nr_held].order);
    }
    same_as_twin();
    mm_check_all();
    CU_ASSERT_EQUAL(avail_pages(), total_pages());
    twin_end();
}

static void hundred_thousand_operations_as_the_twin(void)
{
    random_operations("xen-4.3", HV_BOOTSCRUB_off);
}

static void the_same_with_clean_and_dirty_ends(void)
{
    random_operations("modern", HV_BOOTSCRUB_off);
    random_operations("modern", HV_BOOTSCRUB_idle); /* all is dirty at first */
    random_operations("fixed", HV_BOOTSCRUB_off);
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

static void whole_blocks_need_no_descriptors_below(void)
{
    struct hv_mem_range r = {1u << 18, 3u << 18, {0}};
    mm_boot("xen-4.3", 1, &r, 1);
    size_t before = tp_frametable_bytes;
    static uint64_t f[1u << 18];
    for (unsigned i = 0; i < 1u << 18; i++)
        f[i] = alloc_heap_pages(ALL_ZONES, 0, 0, NULL);
    CU_ASSERT(tp_frametable_bytes >= before + sizeof(f) / sizeof(f[0]) * sizeof(struct frame));
    for (unsigned i = 0; i < 1u << 18; i++)
        free_heap_pages(f[i], 0);
    LIST_IS(0, 18, 18, 1u << 18);
    LIST_IS(0, 19, 18, 2u << 18);
    CU_ASSERT(tp_frametable_bytes <= before + 16 * sizeof(struct frame_set_4k)); /* the few sets kept for the next */
    mm_check_all();
}

static void no_descriptors_is_no_memory_and_nothing_lost(void)
{
    struct hv_mem_range r = {1u << 18, 2u << 18, {0}};
    mm_boot("xen-4.3", 1, &r, 1);
    tp_frametable_budget = 0;
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), FRAME_NONE);
    tp_frametable_budget = 1;
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), FRAME_NONE);
    LIST_IS(0, 18, 18, 1u << 18);
    mm_check_all();
    tp_frametable_budget = 1;
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), (2u << 18) - 1);
    mm_check_all();
}

static void giving_back_what_is_free_panics(void)
{
    struct hv_mem_range r = {264, 272, {0}};
    mm_boot("xen-4.3", 1, &r, 1);
    uint64_t f = alloc_heap_pages(ALL_ZONES, 1, 0, NULL);
    free_heap_pages(f, 1);
    if (TP_PANICS()) {
        free_heap_pages(f, 1);
        tp_no_panic();
        CU_FAIL("no panic");
    }
}

static const struct cunit_case tests[] = {
    {"a split gives the upper end, the lower halves go to the tails", split_gives_the_upper_end},
    {"freed pages go to the tail and merge", freed_pages_go_to_the_tail_and_merge},
    {"buddies of two nodes or two zones are not merged", buddies_of_two_nodes_or_zones_stay_apart},
    {"frames below 1 MiB are never given", frames_below_one_mib_are_never_given},
    {"higher zones go first", higher_zones_go_first},
    {"the order in which nodes are tried", node_order},
    {"the hypervisor takes from the node of its pCPU", the_hypervisor_takes_from_its_own_node},
    {"allocations rotate over the nodes, one apart at most, from the node after 0", allocations_rotate_over_the_nodes},
    {"the width of the DMA zone follows node 0", dma_width_follows_node_0},
    {"the DMA zone goes last", the_dma_zone_goes_last},
    {"address bits limit the zone", address_bits_limit_the_zone},
    {"boot in blocks leaves the lists of page by page", boot_leaves_the_lists_of_page_by_page},
    {"16 TiB and a hole boot with little", sixteen_tib_and_a_hole_boot_with_little},
    {"too little memory for descriptors is an error of boot", too_little_for_descriptors_is_an_error},
    {"100,000 random operations leave the lists of the slow twin", hundred_thousand_operations_as_the_twin},
    {"the same with clean and dirty ends, and idle pCPUs that scrub", the_same_with_clean_and_dirty_ends},
    {"whole blocks need no descriptors below", whole_blocks_need_no_descriptors_below},
    {"no descriptors is no memory, and nothing is lost", no_descriptors_is_no_memory_and_nothing_lost},
    {"giving back what is free panics", giving_back_what_is_free_panics},
};
CUNIT_MAIN("hv-core/mm_heap", tests)
