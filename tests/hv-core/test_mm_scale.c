/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16 TiB: 750 domains fill 95 % of it, half of them go at random, it fills again; then 256 GiB in 4 KiB frames. Nothing
 * here looks at the clock; what it costs in time is bench/mm's to say. Memory is counted: what the core asked its port
 * for.
 */
#include "mm/heap.h"
#include "mm_host.h"
#include <cunit_main.h>
#include <hv/core.h>
#include <stdio.h>
#include <string.h>

#define GIB (1ull << 30)
#define TIB (1ull << 40)
#define GUESTS 750u
#define GUEST_PAGES (20 * (GIB / PAGE_SIZE) + 390 * 512) /* 20.76 GiB: 750 of them are 95 % of 16 TiB */

static struct mm_host host;

static void boot(const char *level, unsigned nodes, uint64_t bytes)
{
    CU_ASSERT_EQUAL_FATAL(mm_host_boot(&host, level, nodes, bytes), 0);
}

static void check(void)
{
    const char *broken = mm_check();
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        CU_FAIL_FATAL("an invariant broke");
    }
}

static size_t held(void)
{
    return tp_frametable_bytes + tp_mapped_pages * PAGE_SIZE;
}

/* Whole extents as long as there is one: boot leaves 1 GiB buddies, and 20.76 GiB are 20 and 390. */
static void all_guests_have(uint64_t large, uint64_t middle)
{
    for (unsigned i = 0; i < host.nr_guests; i++) {
        uint64_t nr[3];
        mm_host_extents(host.guest[i], nr);
        CU_ASSERT_EQUAL(nr[0], 0);
        CU_ASSERT_EQUAL(nr[1], middle);
        CU_ASSERT_EQUAL(nr[2], large);
    }
}

static void fill(void)
{
    while (host.nr_guests < GUESTS)
        if (!mm_host_create(&host, GUEST_PAGES, (nodemask_t){0})) {
            CU_FAIL_FATAL("memory was short");
        }
}

static void fills_empties_and_fills_again(unsigned nodes)
{
    boot("modern", nodes, 16 * TIB);
    uint64_t total = total_pages(), free_at_boot = avail_pages();
    CU_ASSERT_EQUAL(total, 16 * TIB / PAGE_SIZE - 256);
    check();
    fill();
    check();
    all_guests_have(20, 390);
    uint64_t used = (uint64_t)GUESTS * GUEST_PAGES;
    CU_ASSERT_TRUE(used * 100 / total >= 95);
    CU_ASSERT_TRUE(free_at_boot - avail_pages() >= used);
    CU_ASSERT_TRUE(free_at_boot - avail_pages() - used < total / 1000); /* what the core needs for itself */
    while (host.nr_guests > GUESTS / 2)
        mm_host_destroy(&host, (unsigned)mm_host_random(&host, host.nr_guests));
    check();
    fill();
    check();
    CU_ASSERT_TRUE(held() < GIB);
    while (host.nr_guests)
        mm_host_destroy(&host, host.nr_guests - 1);
    check();
    /* All that is left is what boot took: nothing leaks, and all of it merges again but for a few GiB where the core
     * has its own. */
    uint64_t whole = 0;
    node_id n;
    for_each_node (n, hv_node_online)
        for (unsigned z = ORDER_1G; z < NR_ZONES; z++)
            for (extent_link l = heap_list(n.n, z, ORDER_1G)->head; l != LINK_NONE; l = frame_next(frame_of_link(l)))
                whole++;
    CU_ASSERT_TRUE(whole >= 16 * 1024 - 8);
}

static void with_8_nodes(void)
{
    fills_empties_and_fills_again(8);
}

static void with_16_nodes(void)
{
    fills_empties_and_fills_again(16);
}

/* 4 KiB by 4 KiB: 16 bytes of descriptor and 8 of p2m a frame, and the levels above. */
static void small_frames(uint64_t bytes)
{
    boot("modern", 8, 16 * TIB);
    size_t before = held();
    CU_ASSERT_TRUE_FATAL(mm_host_create_of(&host, bytes / PAGE_SIZE, 0));
    uint64_t frames = bytes / PAGE_SIZE, nr[3];
    mm_host_extents(host.guest[0], nr);
    CU_ASSERT_EQUAL(nr[0], frames);
    CU_ASSERT_TRUE(held() - before < frames * 25 + (16u << 20));
    CU_ASSERT_EQUAL(host.guest[0]->tot_pages, frames);
    mm_host_destroy(&host, 0);
    check();
    CU_ASSERT_TRUE(held() - before < 1u << 20);
}

static void small_frames_of_4_gib(void)
{
    small_frames(4 * GIB);
}

static void small_frames_of_256_gib(void)
{
    small_frames(256 * GIB);
}

/* Memory above the level's limit is not there, and the console says so. */
static void limits(void)
{
    static const struct {
        const char *level;
        uint64_t tib, usable;
    } rows[] = {{"xen-4.2", 4, 4}, {"xen-4.2", 8, 5}, {"xen-4.3", 16, 16}, {"xen-4.3", 24, 16}, {"modern", 24, 16}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot(rows[i].level, 8, rows[i].tib * TIB);
        CU_ASSERT_EQUAL(total_pages(), rows[i].usable * TIB / PAGE_SIZE - 256);
        CU_ASSERT_EQUAL(strstr(tp_console, "gnoring inaccessible memory range") != NULL, rows[i].tib != rows[i].usable);
        check();
    }
}

static void sixty_four_nodes(void)
{
    boot("modern", 64, 64 * 8 * GIB);
    /* Interleaved call by call over all of them, from the node after 0 on. */
    CU_ASSERT_TRUE_FATAL(mm_host_create_of(&host, 128 * 512, ORDER_2M));
    for (unsigned n = 0; n < 64; n++)
        CU_ASSERT_EQUAL(host.guest[0]->node_pages[n], 1024);
    CU_ASSERT_EQUAL(mfn_to_node(mfn(link_frame(((struct extent_list *)host.guest[0]->page_list)->head))).n, 1);
    check();
}

static const struct cunit_case tests[] = {
    {"16 TiB on 8 nodes fill, empty and fill again", with_8_nodes},
    {"16 TiB on 16 nodes fill, empty and fill again", with_16_nodes},
    {"4 GiB in frames of 4 KiB", small_frames_of_4_gib},
    {"memory above the limit", limits},
    {"64 nodes", sixty_four_nodes},
};

static const struct cunit_case slow[] = {
    {"256 GiB in frames of 4 KiB", small_frames_of_256_gib},
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--slow") == 0)
        return cunit_run("hv-core mm scale, slow", slow, ARRAY_SIZE(slow));
    return cunit_run("hv-core mm scale", tests, ARRAY_SIZE(tests));
}
