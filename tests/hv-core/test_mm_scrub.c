/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages that are to be scrubbed: both ends of the free lists, who scrubs what when, and boot. */
#include "mm/heap_priv.h"
#include "mm_host.h"
#include "port_test.h"

#include <cunit_main.h>
#include <hv/core.h>
#include <hv/sched.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#define ALL_ZONES 0u, (NR_ZONES - 1)
#define CLEAN INVALID_DIRTY_IDX
#define GIB (1ull << 30)

/* One pCPU on each of the first nodes; slit may be NULL. */
static void boot(const char *level, unsigned nr_nodes, unsigned nr_cpus, const uint8_t *slit,
                 const struct hv_mem_range *range, unsigned nr_ranges)
{
    static struct hv_cpu_desc cpu[HV_MAX_NODES];
    for (unsigned i = 0; i < nr_cpus; i++)
        cpu[i] = (struct hv_cpu_desc){(uint16_t)i, (uint16_t)i, 0, node(i)};
    struct hv_boot_info info = {
        .nr_cpus = nr_cpus, .nr_nodes = nr_nodes, .nr_ranges = nr_ranges, .cpu = cpu, .range = range, .slit = slit};
    tp_reset();
    hv_level = hv_profile_find(level);
    CU_ASSERT_EQUAL_FATAL(numa_init(&info), 0);
    CU_ASSERT_EQUAL_FATAL(mm_init(), 0);
}

static void boot_one(const char *level, uint64_t start, uint64_t end)
{
    struct hv_mem_range r = {start, end, {0}};
    boot(level, 1, 1, NULL, &r, 1);
}

static void check(void)
{
    const char *broken = mm_check();
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        CU_FAIL_FATAL("an invariant broke");
    }
}

static uint64_t take(unsigned order, unsigned memflags)
{
    return alloc_heap_pages(ALL_ZONES, order, memflags, NULL);
}

/* A buddy of a list by place: frame and first_dirty. */
static void buddy_is(unsigned n, unsigned zone, unsigned order, unsigned place, uint64_t f, unsigned first_dirty)
{
    extent_link l = heap_list(n, zone, order)->head;
    while (place-- && l != LINK_NONE)
        l = frame_next(frame_of_link(l));
    CU_ASSERT_NOT_EQUAL_FATAL(l, LINK_NONE);
    CU_ASSERT_EQUAL(link_frame(l), f);
    CU_ASSERT_EQUAL(frame_first_dirty(frame_of_link(l)), first_dirty);
}

/* All of a heap in single pages, which then go back: those of the set as dirty ones. */
static void empty_then_free(uint64_t start, uint64_t end, uint64_t dirty)
{
    while (avail_pages())
        take(0, 0);
    for (uint64_t f = start; f < end; f++) {
        if (dirty >> (f - start) & 1)
            free_dirty_heap_pages(f, 0);
        else
            free_heap_pages(f, 0);
    }
    tp_pages_cleared = 0;
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

static void clean_at_the_head_dirty_at_the_tail(void)
{
    boot_one("modern", 264, 272);
    while (avail_pages())
        take(0, 0);
    free_heap_pages(264, 0);
    free_dirty_heap_pages(266, 0);
    free_heap_pages(268, 0);
    free_dirty_heap_pages(270, 0);
    buddy_is(0, 8, 0, 0, 268, CLEAN);
    buddy_is(0, 8, 0, 1, 264, CLEAN);
    buddy_is(0, 8, 0, 2, 266, 0);
    buddy_is(0, 8, 0, 3, 270, 0);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 2);
    CU_ASSERT_EQUAL(tp_pages_cleared, 0);
    check();
    static const uint64_t order[] = {268, 264, 266, 270};
    for (unsigned i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(take(0, 0), order[i]);
        CU_ASSERT_EQUAL(tp_pages_cleared, i < 2 ? 0 : i - 1); /* what was dirty is scrubbed for its user */
        check();
    }
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 0);
    free_dirty_heap_pages(266, 0);
    tp_pages_cleared = 0;
    CU_ASSERT_EQUAL(take(0, MEMF_no_scrub), 266); /* unless that does not care */
    CU_ASSERT_EQUAL(tp_pages_cleared, 0);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 0);
    check();
}

/* The example of xen-behaviour 5.4 where lists have two ends: the halves go to the heads. */
static void a_clean_split_goes_to_the_heads(void)
{
    boot_one("modern", 264, 280);
    buddy_is(0, 8, 3, 0, 272, CLEAN); /* boot gave it last */
    buddy_is(0, 8, 3, 1, 264, CLEAN);
    CU_ASSERT_EQUAL(take(1, 0), 278);
    CU_ASSERT_EQUAL(take(2, 0), 272);
    CU_ASSERT_EQUAL(take(2, 0), 268);
    CU_ASSERT_EQUAL(take(0, 0), 277);
    free_heap_pages(268, 2);
    free_heap_pages(272, 2);
    buddy_is(0, 8, 3, 0, 264, CLEAN);
    buddy_is(0, 8, 2, 0, 272, CLEAN);
    buddy_is(0, 8, 0, 0, 276, CLEAN);
    check();
}

static void at_4_3_a_dying_domains_pages_are_scrubbed_at_once(void)
{
    boot_one("xen-4.3", 264, 272);
    uint64_t f = take(2, 0);
    free_dirty_heap_pages(f, 2);
    CU_ASSERT_EQUAL(tp_pages_cleared, 4);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 0);
    f = take(2, 0);
    free_xen_pages(f, 2); /* XSA-100 was in 2014 */
    CU_ASSERT_EQUAL(tp_pages_cleared, 4);
    CU_ASSERT_FALSE(scrub_free_pages());
    check();
    boot_one("modern", 264, 272);
    free_xen_pages(take(2, 0), 2);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 4);
}

/* 16 frames that are one buddy; bit i of dirty: page i. first_dirty of the pieces of order 3, 2, 1, 0 and of what is
 * allocated, the last page. */
static void first_dirty_follows_a_split(void)
{
    static const struct {
        uint64_t dirty;
        unsigned whole, piece[4];
        uint64_t scrubbed;
    } rows[] = {
        {0x0000, CLEAN, {CLEAN, CLEAN, CLEAN, CLEAN}, 0},
        {0x0001, 0, {0, 0, 0, 0}, 0}, /* moved past: the others may be dirty, and are not */
        {0xffff, 0, {0, 0, 0, 0}, 1},
        {0xffe0, 5, {5, 0, 0, 0}, 1},
        {0x2000, 13, {CLEAN, CLEAN, 1, 0}, 0},
        {0x4000, 14, {CLEAN, CLEAN, CLEAN, 0}, 0},
        {0x8000, 15, {CLEAN, CLEAN, CLEAN, CLEAN}, 1},
        {0x0900, 8, {CLEAN, 0, 0, 0}, 0},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot_one("modern", 512, 528);
        empty_then_free(512, 528, rows[i].dirty);
        buddy_is(0, 9, 4, 0, 512, rows[i].whole);
        CU_ASSERT_EQUAL(need_scrub_pages(node(0)), (uint64_t)__builtin_popcountll(rows[i].dirty));
        CU_ASSERT_EQUAL(take(0, 0), 527);
        uint64_t f = 512;
        for (unsigned o = 4; o-- > 0; f += 1u << o)
            buddy_is(0, 9, o, 0, f, rows[i].piece[3 - o]);
        CU_ASSERT_EQUAL(tp_pages_cleared, rows[i].scrubbed);
        CU_ASSERT_EQUAL(need_scrub_pages(node(0)), (uint64_t)__builtin_popcountll(rows[i].dirty) - rows[i].scrubbed);
        check();
    }
}

static void first_dirty_follows_a_merge(void)
{
    static const struct {
        uint64_t dirty; /* of 8 frames */
        unsigned first;
    } rows[] = {{0x00, CLEAN}, {0x01, 0}, {0x80, 7}, {0x88, 3}, {0xf0, 4}, {0x0f, 0}, {0x60, 5}};
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        for (unsigned upwards = 0; upwards < 2; upwards++) {
            boot_one("modern", 512, 520);
            while (avail_pages())
                take(0, 0);
            for (unsigned k = 0; k < 8; k++) {
                unsigned p = upwards ? k : 7 - k;
                if (rows[i].dirty >> p & 1)
                    free_dirty_heap_pages(512 + p, 0);
                else
                    free_heap_pages(512 + p, 0);
            }
            buddy_is(0, 9, 3, 0, 512, rows[i].first);
            check();
        }
}

/* Clean ones on all nodes go first, even on those that the domain is not at home on; a single page may be dirty. */
static void two_passes_over_the_nodes(void)
{
    struct hv_mem_range r[] = {{512, 520, {0}}, {1024, 1032, {1}}};
    for (unsigned order = 0; order < 3; order++) {
        boot("modern", 2, 2, NULL, r, 2);
        uint64_t f = alloc_heap_pages(ALL_ZONES, 3, XENMEMF_node(0), NULL);
        CU_ASSERT_EQUAL_FATAL(f, 512);
        free_dirty_heap_pages(f, 3);
        struct domain d = {.node_affinity = {1}};
        f = alloc_heap_pages(ALL_ZONES, order, 0, &d);
        CU_ASSERT_EQUAL(mfn_to_node(mfn(f)).n, order ? 1 : 0);
        CU_ASSERT_EQUAL(tp_pages_cleared, order ? 0 : 1);
        f = alloc_heap_pages(ALL_ZONES, order, MEMF_no_scrub, &d);
        CU_ASSERT_EQUAL(mfn_to_node(mfn(f)).n, 0);
        f = alloc_heap_pages(ALL_ZONES, order, XENMEMF_node(0) | MEMF_exact_node, &d);
        CU_ASSERT_EQUAL(mfn_to_node(mfn(f)).n, 0); /* only there: dirty, as there is nothing else */
        check();
    }
}

static void a_dirty_head_is_put_back_at_the_tail(void)
{
    struct hv_mem_range r[] = {{512, 514, {0}}, {516, 518, {0}}, {520, 522, {0}}, {1024, 1026, {1}}};
    boot("modern", 2, 2, NULL, r, 4);
    uint64_t f[3];
    for (unsigned i = 0; i < 3; i++)
        f[i] = alloc_heap_pages(ALL_ZONES, 1, XENMEMF_node(0), NULL);
    for (unsigned i = 0; i < 3; i++)
        free_dirty_heap_pages(f[i], 1);
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 1, XENMEMF_node(0), NULL), 1024);
    buddy_is(0, 9, 1, 0, f[1], 0);
    buddy_is(0, 9, 1, 1, f[2], 0);
    buddy_is(0, 9, 1, 2, f[0], 0);
    check();
}

/* ---- idle scrubbing --------------------------------------------------------------------------------------------- */

static void an_interrupt_stops_it_after_the_first_nine_pages(void)
{
    struct hv_mem_range r[] = {{512, 576, {0}}, {1024, 1088, {0}}};
    boot("modern", 1, 1, NULL, r, 2);
    uint64_t f = take(6, 0), g = take(6, 0);
    free_dirty_heap_pages(f, 6);
    free_dirty_heap_pages(g, 6);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 128);
    /* 8 pages weigh 800, and from above that on an interrupt is looked for. The lowest zone goes first. */
    tp_irq_after_pages = 3;
    CU_ASSERT_TRUE(scrub_free_pages());
    CU_ASSERT_EQUAL(tp_pages_cleared, 12);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 116);
    buddy_is(0, 9, 6, 0, 512, 12);
    buddy_is(0, 10, 6, 0, 1024, 0);
    check();
    /* It waits: nine pages more, and no further. */
    CU_ASSERT_TRUE(scrub_free_pages());
    CU_ASSERT_EQUAL(tp_pages_cleared, 21);
    buddy_is(0, 9, 6, 0, 512, 21);
    tp_cpu[0].irq_pending = false;
    CU_ASSERT_FALSE(scrub_free_pages());
    CU_ASSERT_EQUAL(tp_pages_cleared, 128); /* none twice */
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 0);
    buddy_is(0, 9, 6, 0, 512, CLEAN);
    buddy_is(0, 10, 6, 0, 1024, CLEAN);
    check();
}

static void pages_that_are_clean_are_passed(void)
{
    boot_one("modern", 512, 576);
    empty_then_free(512, 576, 0x8000000000000401ull);
    CU_ASSERT_FALSE(scrub_free_pages());
    CU_ASSERT_EQUAL(tp_pages_cleared, 3);
    buddy_is(0, 9, 6, 0, 512, CLEAN);
    check();
}

/* A buddy that was partly scrubbed merges with a dirty one: what was done is not done again. */
static void a_partly_scrubbed_buddy_merges(void)
{
    for (unsigned upper = 0; upper < 2; upper++) {
        boot_one("modern", 1024, 2048);
        uint64_t high = take(9, 0), low = take(9, 0), part = upper ? high : low, other = upper ? low : high;
        free_dirty_heap_pages(part, 9);
        tp_irq_after_pages = 91;
        CU_ASSERT_TRUE(scrub_free_pages());
        tp_cpu[0].irq_pending = false;
        CU_ASSERT_EQUAL(tp_pages_cleared, 100);
        free_dirty_heap_pages(other, 9);
        buddy_is(0, 10, 10, 0, 1024, upper ? 0 : 100);
        CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 1024 - 100);
        check();
        CU_ASSERT_FALSE(scrub_free_pages());
        CU_ASSERT_EQUAL(tp_pages_cleared, 1024);
        buddy_is(0, 10, 10, 0, 1024, CLEAN);
        check();
    }
}

/* Without memory for descriptors nothing is lost: the pages are dirty again. */
static void no_descriptors_means_scrubbing_again(void)
{
    boot_one("modern", 1024, 2048);
    uint64_t high = take(9, 0), low = take(9, 0);
    free_dirty_heap_pages(high, 9);
    tp_irq_after_pages = 91;
    CU_ASSERT_TRUE(scrub_free_pages());
    tp_cpu[0].irq_pending = false;
    tp_frametable_budget = 0;
    free_dirty_heap_pages(low, 9);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 1024);
    check();
    CU_ASSERT_FALSE(scrub_free_pages());
    CU_ASSERT_EQUAL(tp_pages_cleared, 1024 + 100);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 0);
    check();
}

/* Nodes 0 and 1 have pCPUs, 2 and 3 only memory: 2 is nearer to node 1, 3 to node 0. */
static void own_node_first_then_the_nearest_without_pcpus(void)
{
    static const uint8_t slit[] = {10, 20, 40, 30, 20, 10, 20, 40, 40, 20, 10, 20, 30, 40, 20, 10};
    struct hv_mem_range r[] = {{512, 544, {0}}, {1024, 1056, {1}}, {2048, 2080, {2}}, {4096, 4128, {3}}};
    for (unsigned c = 0; c < 2; c++) {
        boot("modern", 4, 2, slit, r, 4);
        for (unsigned n = 0; n < 4; n++)
            free_dirty_heap_pages(alloc_heap_pages(ALL_ZONES, 5, XENMEMF_node(n) | MEMF_exact_node, NULL), 5);
        tp_set_cpu(c);
        static const unsigned order[2][3] = {{0, 3, 2}, {1, 2, 3}};
        for (unsigned i = 0; i < 3; i++) {
            CU_ASSERT_EQUAL(scrub_free_pages(), i < 2); /* the other pCPU's node is not this one's business */
            for (unsigned n = 0; n < 4; n++) {
                bool done = false;
                for (unsigned k = 0; k <= i; k++)
                    done |= order[c][k] == n;
                CU_ASSERT_EQUAL(need_scrub_pages(node(n)), done ? 0 : 32);
            }
        }
        CU_ASSERT_FALSE(scrub_free_pages());
        CU_ASSERT_EQUAL(need_scrub_pages(node(1 - c)), 32);
        tp_set_cpu(0);
        check();
    }
}

static void at_16_tib_it_takes_no_more_than_its_extents(void)
{
    struct hv_mem_range r[16];
    for (unsigned n = 0; n < 16; n++)
        r[n] = (struct hv_mem_range){(uint64_t)n << 28, (uint64_t)(n + 1) << 28, node(n)};
    bootscrub_set(HV_BOOTSCRUB_idle);
    boot("modern", 16, 16, NULL, r, 16);
    bootscrub_set(HV_BOOTSCRUB_off);
    uint64_t total = total_pages(), sum = 0;
    for (unsigned n = 0; n < 16; n++)
        sum += need_scrub_pages(node(n));
    CU_ASSERT_EQUAL(sum, total);
    CU_ASSERT_TRUE(tp_frametable_bytes < 4u << 20);
    for (unsigned n = 0; n < 16; n++) {
        tp_set_cpu(n);
        CU_ASSERT_FALSE(scrub_free_pages());
    }
    tp_set_cpu(0);
    CU_ASSERT_EQUAL(tp_pages_cleared, total);
    CU_ASSERT_TRUE(tp_frametable_bytes < 4u << 20);
    check();
}

/* ---- two pCPUs at a time ------------------------------------------------------------------------------------------
 */

static ucontext_t main_context, coroutine[2];
static char stack[2][256 * 1024];
static bool finished[2];
static unsigned running;
static void (*body[2])(void);

/* The other one goes on, if it can; the pCPU's number goes with it. */
static void other_runs(void)
{
    unsigned from = running, to = 1 - running;
    if (finished[to])
        return;
    running = to;
    tp_set_cpu(to);
    swapcontext(&coroutine[from], &coroutine[to]);
}

static void run(void)
{
    unsigned me = running;
    body[me]();
    finished[me] = true;
    running = 1 - me;
    tp_set_cpu(running);
    if (finished[running])
        setcontext(&main_context);
    setcontext(&coroutine[running]);
}

static void run_both(void (*first)(void), void (*second)(void))
{
    body[0] = first;
    body[1] = second;
    for (unsigned i = 0; i < 2; i++) {
        finished[i] = false;
        getcontext(&coroutine[i]);
        coroutine[i].uc_stack.ss_sp = stack[i];
        coroutine[i].uc_stack.ss_size = sizeof(stack[i]);
        makecontext(&coroutine[i], run, 0);
    }
    running = 0;
    tp_set_cpu(0);
    tp_yield = other_runs;
    swapcontext(&main_context, &coroutine[0]);
    tp_yield = NULL;
    tp_set_cpu(0);
}

static uint64_t got;
static bool more[2];

static void scrub_here(void)
{
    more[running] = scrub_free_pages();
}

static void take_order_6(void)
{
    while (scrubber[0].frame == FRAME_NONE && need_scrub_pages(node(0)))
        other_runs();
    got = alloc_heap_pages(ALL_ZONES, 6, XENMEMF_node(0) | MEMF_exact_node, NULL);
}

static void free_its_buddy(void)
{
    while (scrubber[0].frame == FRAME_NONE && need_scrub_pages(node(0)))
        other_runs();
    free_dirty_heap_pages(got, 6);
}

/* Who allocates the buddy stops the scrubber, goes on where that was, and no page is scrubbed twice. */
static void allocation_stops_the_scrubber(void)
{
    struct hv_mem_range r[] = {{512, 576, {0}}, {1024, 1088, {1}}};
    for (unsigned after = 0; after < 55; after += 9) {
        boot("modern", 2, 2, NULL, r, 2);
        free_dirty_heap_pages(take(6, XENMEMF_node(0) | MEMF_exact_node), 6);
        tp_pages_cleared = 0;
        tp_irq_after_pages = after;
        run_both(scrub_here, take_order_6);
        CU_ASSERT_EQUAL(got, 512);
        CU_ASSERT_EQUAL(tp_pages_cleared, 64);
        CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 0);
        CU_ASSERT_TRUE(tp_cpu[0].ipi_at != S_TIME_MAX);
        CU_ASSERT_EQUAL(tp_locks_held(), 0);
        check();
    }
}

static void merging_stops_the_scrubber(void)
{
    struct hv_mem_range r[] = {{512, 640, {0}}, {1024, 1088, {1}}};
    boot("modern", 2, 2, NULL, r, 2);
    got = take(6, XENMEMF_node(0) | MEMF_exact_node);
    free_dirty_heap_pages(take(6, XENMEMF_node(0) | MEMF_exact_node), 6);
    tp_pages_cleared = 0;
    tp_irq_after_pages = 20;
    run_both(scrub_here, free_its_buddy);
    tp_cpu[0].irq_pending = false;
    CU_ASSERT_EQUAL(tp_pages_cleared, 29);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 128 - 29);
    buddy_is(0, 9, 7, 0, 512, 29);
    check();
    CU_ASSERT_FALSE(scrub_free_pages());
    CU_ASSERT_EQUAL(tp_pages_cleared, 128);
}

static void one_pcpu_a_node(void)
{
    /* Both pCPUs are on node 0. */
    static struct hv_cpu_desc cpu[2] = {{0, 0, 0, {0}}, {0, 1, 0, {0}}};
    static struct hv_mem_range r = {512, 576, {0}};
    struct hv_boot_info info = {.nr_cpus = 2, .nr_nodes = 1, .nr_ranges = 1, .cpu = cpu, .range = &r};
    tp_reset();
    hv_level = hv_profile_find("modern");
    CU_ASSERT_EQUAL_FATAL(numa_init(&info), 0);
    CU_ASSERT_EQUAL_FATAL(mm_init(), 0);
    free_dirty_heap_pages(take(6, 0), 6);
    tp_pages_cleared = 0;
    more[0] = more[1] = true;
    run_both(scrub_here, scrub_here);
    CU_ASSERT_EQUAL(tp_pages_cleared, 64);
    CU_ASSERT_FALSE(more[0] || more[1]);
    check();
}

/* ---- with the whole core ------------------------------------------------------------------------------------------
 */

/* nodes of 1 GiB with two cores of two threads each, and dom0 with 256 MiB. */
static uint64_t boot_core(const char *level, unsigned nodes, enum hv_bootscrub when)
{
    struct tp_machine m = {nodes, 1, 2, 2, GIB / PAGE_SIZE};
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find(level));
    info->opt.bootscrub = when;
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    uint64_t before = tp_pages_cleared;
    CU_ASSERT_EQUAL_FATAL(hv_core_get()->construct_dom0(1, GIB / 4), 0);
    bootscrub_set(HV_BOOTSCRUB_off);
    return tp_pages_cleared - before;
}

static bool says(const char *text)
{
    return strstr(tp_console, text) != NULL;
}

static void boot_at_4_3_scrubs_on_one_pcpu(void)
{
    CU_ASSERT_EQUAL(boot_core("xen-4.3", 2, HV_BOOTSCRUB_default), avail_pages());
    /* A dot for each multiple of 25,600 that is the number of a free frame. */
    char dots[64] = "Scrubbing Free RAM: ";
    size_t n = strlen(dots);
    for (uint64_t f = 0; f < 2 * GIB / PAGE_SIZE; f += 25600) {
        bool is_free = false;
        for (unsigned o = 0; o <= MAX_ORDER; o++) {
            const struct frame *e = frame_at(f & ~((1ull << o) - 1), o);
            is_free |= e && frame_is_free(e) && e->order == o;
        }
        if (is_free)
            dots[n++] = '.';
    }
    CU_ASSERT_TRUE(n > strlen("Scrubbing Free RAM: ") + 10);
    strcpy(dots + n, "done.\n");
    CU_ASSERT_TRUE(says(dots));
    CU_ASSERT_EQUAL(boot_core("xen-4.3", 2, HV_BOOTSCRUB_off), 0);
    CU_ASSERT_FALSE(says("Scrubbing"));
    CU_ASSERT_EQUAL(boot_core("xen-4.3", 2, HV_BOOTSCRUB_idle), avail_pages()); /* it has no such word */
    CU_ASSERT_TRUE(says("bootscrub=idle: level xen-4.3 has none"));
}

static void later_a_core_of_each_node_has_its_part(void)
{
    /* Two workers a node: the longest part is half of a node, in four rounds of 128 MiB. */
    uint64_t longest = boot_core("modern", 2, HV_BOOTSCRUB_on);
    CU_ASSERT_TRUE(longest > GIB / PAGE_SIZE / 2 * 9 / 10);
    CU_ASSERT_TRUE(longest <= GIB / PAGE_SIZE / 2);
    CU_ASSERT_TRUE(says("Scrubbing Free RAM on 2 nodes using 4 CPUs\n....done.\n"));
}

static void idle_pcpus_scrub_what_boot_left(void)
{
    CU_ASSERT_EQUAL(boot_core("modern", 2, HV_BOOTSCRUB_default), 0);
    CU_ASSERT_TRUE(says("Scrubbing Free RAM in background\n"));
    /* pCPUs that came up have done their nodes already, as nothing has interrupted them. */
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 0);
    CU_ASSERT_EQUAL(need_scrub_pages(node(1)), 0);
    CU_ASSERT_TRUE(tp_pages_cleared >= avail_pages());
    check();
}

/* Nobody wakes a pCPU that is halted for this, but the next full second does. */
static void halted_pcpus_come_along_within_a_second(void)
{
    boot_core("modern", 2, HV_BOOTSCRUB_off);
    struct domain *d;
    dom_id id = DOM_INVALID;
    CU_ASSERT_EQUAL_FATAL(domain_create(&id, HV_GUEST_HVM, 0, &d), 0);
    d->max_pages = 5000;
    CU_ASSERT_EQUAL_FATAL(domain_set_node_affinity(d, (nodemask_t){2}), 0);
    struct hv_memory_op op = {.cmd = XENMEM_populate_physmap, .domid = id, .nr_extents = 5000};
    CU_ASSERT_EQUAL_FATAL(do_memory_op(&op), 5000);
    tp_run_until(MILLISECS(400), NULL);
    CU_ASSERT_EQUAL(domain_destroy(d), 0);
    CU_ASSERT_TRUE(need_scrub_pages(node(1)) >= 5000);
    tp_run_until(MILLISECS(990), NULL);
    CU_ASSERT_TRUE(need_scrub_pages(node(1)) >= 5000);
    check();
    tp_run_until(MILLISECS(1010), NULL);
    CU_ASSERT_EQUAL(need_scrub_pages(node(1)), 0);
    CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 0);
    check();
}

static const struct cunit_case tests[] = {
    {"clean at the head, dirty at the tail", clean_at_the_head_dirty_at_the_tail},
    {"clean halves go to the heads", a_clean_split_goes_to_the_heads},
    {"4.3 scrubs what a dying domain leaves at once", at_4_3_a_dying_domains_pages_are_scrubbed_at_once},
    {"first_dirty follows a split", first_dirty_follows_a_split},
    {"first_dirty follows a merge", first_dirty_follows_a_merge},
    {"clean ones on all nodes, then dirty ones", two_passes_over_the_nodes},
    {"a dirty head is put back at the tail", a_dirty_head_is_put_back_at_the_tail},
    {"an interrupt stops the scrubber after nine pages", an_interrupt_stops_it_after_the_first_nine_pages},
    {"clean pages are passed", pages_that_are_clean_are_passed},
    {"a partly scrubbed buddy merges", a_partly_scrubbed_buddy_merges},
    {"without descriptors pages are scrubbed again", no_descriptors_means_scrubbing_again},
    {"own node first, then the nearest without pCPUs", own_node_first_then_the_nearest_without_pcpus},
    {"16 TiB are scrubbed by the extent", at_16_tib_it_takes_no_more_than_its_extents},
    {"who allocates the buddy stops the scrubber", allocation_stops_the_scrubber},
    {"who merges with the buddy stops the scrubber", merging_stops_the_scrubber},
    {"one pCPU a node", one_pcpu_a_node},
    {"boot at 4.3 scrubs on one pCPU, with dots", boot_at_4_3_scrubs_on_one_pcpu},
    {"later a core of each node has its part", later_a_core_of_each_node_has_its_part},
    {"idle pCPUs scrub what boot has left", idle_pcpus_scrub_what_boot_left},
    {"halted pCPUs come along within a second", halted_pcpus_come_along_within_a_second},
};

CUNIT_MAIN("hv-core/mm_scrub", tests)
