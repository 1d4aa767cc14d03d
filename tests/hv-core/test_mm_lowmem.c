/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VIRQ_ENOMEM: when dom0 is told that memory is low, to the page. */
#include "mm/heap_priv.h"
#include "port_test.h"

#include <cunit_main.h>
#include <hv/core.h>
#include <string.h>

#define ALL_ZONES 0u, (NR_ZONES - 1)
#define FIRST 65536u /* frame */
#define MIB 256u     /* in frames */

/* So many free pages, of one node, and the limit in bytes. */
static void boot(unsigned pages, int64_t limit)
{
    static struct hv_cpu_desc cpu = {0, 0, 0, {0}};
    struct hv_mem_range r = {FIRST, FIRST + pages, {0}};
    struct hv_boot_info info = {.nr_cpus = 1, .nr_nodes = 1, .nr_ranges = 1, .cpu = &cpu, .range = &r};
    tp_reset();
    hv_level = hv_profile_find("xen-4.3");
    low_mem_virq_limit_set(limit);
    CU_ASSERT_EQUAL_FATAL(numa_init(&info), 0);
    CU_ASSERT_EQUAL_FATAL(mm_init(), 0);
    low_mem_setup();
    low_mem_virq_limit_set(-1);
}

static uint64_t held[1u << 20];
static unsigned nr_held;

/* One page at a time until so many are free; the numbers of free pages at which an event came. */
static unsigned fall_to(uint64_t free, uint64_t *at, unsigned room)
{
    unsigned n = 0;

    while (avail_pages() > free) {
        uint64_t before = low_mem_virqs();
        uint64_t f = alloc_heap_pages(ALL_ZONES, 0, 0, NULL);
        CU_ASSERT_NOT_EQUAL_FATAL(f, FRAME_NONE);
        held[nr_held++] = f;
        if (low_mem_virqs() == before)
            continue;
        CU_ASSERT_EQUAL(low_mem_virqs(), before + 1);
        CU_ASSERT_FATAL(n < room);
        at[n++] = avail_pages();
    }
    return n;
}

static void rise_to(uint64_t free)
{
    while (avail_pages() < free)
        free_heap_pages(held[--nr_held], 0);
}

static void the_threshold(void)
{
    static const struct {
        unsigned mib;
        int64_t limit; /* bytes */
        uint64_t threshold;
    } rows[] = {
        {1024, -1, 64 * MIB},          /* Xen's default */
        {64, -1, 32 * MIB},            /* all that is there: halved, so that it does not come at once */
        {48, -1, 16 * MIB},            /* 24 MiB, rounded down */
        {65, -1, 64 * MIB},            /* just above */
        {48, 64 << 20, 32 * MIB},      /* asked for: 48 MiB, rounded down */
        {1024, 100 << 20, 64 * MIB},   /* rounded down to a power of two */
        {1024, 4096, 1},               /* a page */
        {1024, 1, 1},                  /* at least a page */
        {3072, 3ll << 30, 1024 * MIB}, /* at most 1 GiB */
        {1024, 1ll << 30, 1024 * MIB},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot(rows[i].mib * MIB, rows[i].limit);
        CU_ASSERT_EQUAL(low_mem_th, rows[i].threshold);
        char text[80];
        hv_snprintf(text, sizeof(text), "Initial low memory virq threshold set at 0x%llx pages.",
                    (unsigned long long)rows[i].threshold);
        CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, text));
        CU_ASSERT_EQUAL(low_mem_virqs(), 0);
    }
}

static void it_comes_at_every_power_of_two_on_the_way_down(void)
{
    uint64_t at[16];
    nr_held = 0;
    boot(1000, 100 * 4096); /* 64 pages */
    CU_ASSERT_EQUAL(fall_to(0, at, 16), 8);
    static const uint64_t expected[] = {64, 32, 16, 8, 4, 2, 1, 0};
    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(at[i], expected[i]);
    CU_ASSERT_EQUAL(tp_perfc[PERFC_evtchn_send], 8);
}

/* It is looked at when something is allocated. Twice the threshold that was passed brings that back. */
static void hysteresis(void)
{
    uint64_t at[16];
    nr_held = 0;
    boot(1000, 64 * 4096);
    CU_ASSERT_EQUAL(fall_to(60, at, 16), 1);
    CU_ASSERT_EQUAL(at[0], 64);
    /* Up to 127 and down again: nothing, until the next threshold. */
    rise_to(128);
    CU_ASSERT_EQUAL(fall_to(33, at, 16), 0); /* the first allocation saw 127 */
    rise_to(129);
    CU_ASSERT_EQUAL(fall_to(33, at, 16), 1); /* and this one 128 */
    CU_ASSERT_EQUAL(at[0], 64);
    CU_ASSERT_EQUAL(fall_to(30, at, 16), 1);
    CU_ASSERT_EQUAL(at[0], 32);
    /* From the second one 64 bring 32 back, and 128, not before, 64. */
    rise_to(65);
    CU_ASSERT_EQUAL(fall_to(30, at, 16), 1);
    CU_ASSERT_EQUAL(at[0], 32);
    rise_to(129);
    held[nr_held++] = alloc_heap_pages(ALL_ZONES, 0, 0, NULL); /* 128: 32 is back */
    held[nr_held++] = alloc_heap_pages(ALL_ZONES, 0, 0, NULL); /* 127: less than the 128 that bring 64 back */
    CU_ASSERT_EQUAL(fall_to(20, at, 16), 1);
    CU_ASSERT_EQUAL(at[0], 32);
    rise_to(131);
    CU_ASSERT_EQUAL(fall_to(20, at, 16), 2); /* 130: 32; 129: 64 */
    CU_ASSERT_EQUAL(at[0], 64);
    CU_ASSERT_EQUAL(at[1], 32);
}

static void a_large_allocation_passes_several_and_tells_once(void)
{
    boot(1024, 256 * 4096);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_NOT_EQUAL(alloc_heap_pages(ALL_ZONES, 8, 0, NULL), FRAME_NONE);
    CU_ASSERT_EQUAL(low_mem_virqs(), 1); /* 256 left */
    CU_ASSERT_NOT_EQUAL(alloc_heap_pages(ALL_ZONES, 7, 0, NULL), FRAME_NONE);
    CU_ASSERT_EQUAL(low_mem_virqs(), 2); /* 128 */
    CU_ASSERT_NOT_EQUAL(alloc_heap_pages(ALL_ZONES, 6, 0, NULL), FRAME_NONE);
    CU_ASSERT_NOT_EQUAL(alloc_heap_pages(ALL_ZONES, 5, 0, NULL), FRAME_NONE);
    CU_ASSERT_EQUAL(low_mem_virqs(), 4);
    boot(1024, 256 * 4096);
    CU_ASSERT_NOT_EQUAL(alloc_heap_pages(ALL_ZONES, 9, 0, NULL), FRAME_NONE);
    CU_ASSERT_NOT_EQUAL(alloc_heap_pages(ALL_ZONES, 8, 0, NULL), FRAME_NONE);
    CU_ASSERT_EQUAL(low_mem_virqs(), 1);
    CU_ASSERT_EQUAL(low_mem_th, 128);
}

/* What is claimed is not free. */
static void claims_count(void)
{
    uint64_t at[16];
    nr_held = 0;
    boot(1000, 64 * 4096);
    struct domain d = {.max_pages = 500};
    CU_ASSERT_EQUAL(heap_set_claim(&d, 500, NODE_INVALID), 0);
    CU_ASSERT_EQUAL(fall_to(540, at, 16), 1);
    CU_ASSERT_EQUAL(at[0], 564);
    CU_ASSERT_EQUAL(heap_set_claim(&d, 0, NODE_INVALID), 0);
}

static void zero_means_never(void)
{
    uint64_t at[1];
    nr_held = 0;
    boot(1000, 0);
    CU_ASSERT_EQUAL(fall_to(0, at, 1), 0);
    CU_ASSERT_EQUAL(low_mem_virqs(), 0);
    CU_ASSERT_PTR_NULL(strstr(tp_console, "low memory"));
}

/* Before dom0 has its memory nothing is low. */
static void dom0_itself_does_not_count(void)
{
    struct tp_machine m = {1, 1, 1, 1, 65536};
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find("modern"));
    info->opt.low_mem_virq_limit = -1;
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    CU_ASSERT_EQUAL_FATAL(hv_core_get()->construct_dom0(1, 250ull << 20), 0);
    CU_ASSERT_EQUAL(low_mem_virqs(), 0);
    uint64_t left = avail_pages(), half = 1;
    while (half * 4 <= left)
        half *= 2;
    CU_ASSERT_EQUAL(low_mem_th, half); /* half of what is left, rounded down */
}

static const struct cunit_case tests[] = {
    {"the threshold that boot sets", the_threshold},
    {"it comes at every power of two on the way down", it_comes_at_every_power_of_two_on_the_way_down},
    {"hysteresis", hysteresis},
    {"a large allocation tells once", a_large_allocation_passes_several_and_tells_once},
    {"what is claimed is not free", claims_count},
    {"0 means never", zero_means_never},
    {"dom0's own memory does not count", dom0_itself_does_not_count},
};

CUNIT_MAIN("hv-core/mm_lowmem", tests)
