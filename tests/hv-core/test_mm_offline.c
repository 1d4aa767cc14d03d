/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames taken out of use: carving with and without its three defects, pending ones, and what is refused. */
#include "mm/heap_priv.h"
#include "mm_boot.h"

#include <hv/core.h>
#include <string.h>

static void boot(const char *level, uint64_t start, uint64_t end)
{
    struct hv_mem_range r = {start, end, {0}};
    mm_boot(level, 1, &r, 1);
}

static uint32_t offline(uint64_t f, bool broken, int want)
{
    uint32_t status = ~0u;
    CU_ASSERT_EQUAL(offline_page(mfn(f), broken, &status), want);
    return status;
}

static uint32_t online(uint64_t f, int want)
{
    uint32_t status = ~0u;
    CU_ASSERT_EQUAL(online_page(mfn(f), &status), want);
    return status;
}

static uint32_t query(uint64_t f, unsigned *order)
{
    uint32_t status = ~0u;
    CU_ASSERT_EQUAL(query_page_offline(mfn(f), &status, order), 0);
    return status;
}

/* The order of the free buddy that begins at f; -1: none does. */
static int free_order_at(uint64_t f)
{
    for (int o = MAX_ORDER; o >= 0; o--) {
        const struct extent_list *l = heap_list(0, hv_fls64(f), (unsigned)o);
        for (extent_link e = l->head; e != LINK_NONE; e = frame_next(frame_of_link(e)))
            if (link_frame(e) == f)
                return o;
    }
    return -1;
}

/* ---- carving ---------------------------------------------------------------------------------------------------- */

/* 8 frames from 512 on, one of which goes. The orders of what is left, by the first frame; -1: no buddy begins there.
 */
static void what_is_left_of_a_buddy(void)
{
    static const struct {
        unsigned frame;
        int mended[8], defects[8];
    } rows[] = {
        {0, {-1, 0, 1, -1, 2, -1, -1, -1}, {-1, 2, -1, -1, -1, 1, -1, 0}},
        {1, {0, -1, 1, -1, 2, -1, -1, -1}, {0, -1, 2, -1, -1, -1, 0, 0}},
        {3, {1, -1, 0, -1, 2, -1, -1, -1}, {1, -1, 0, -1, 1, -1, 0, 0}},
        {4, {2, -1, -1, -1, -1, 0, 1, -1}, {2, -1, -1, -1, -1, 1, -1, 0}},
        {6, {2, -1, -1, -1, 1, -1, -1, 0}, {2, -1, -1, -1, 1, -1, -1, 0}},
        {7, {2, -1, -1, -1, 1, -1, 0, -1}, {2, -1, -1, -1, 1, -1, 0, -1}},
    };
    static const char *const levels[] = {"xen-4.3", "modern", "fixed"};
    for (unsigned k = 0; k < 3; k++)
        for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
            boot(levels[k], 512, 520);
            CU_ASSERT_EQUAL(offline(512 + rows[i].frame, false, 0), PG_OFFLINE_OFFLINED);
            for (unsigned f = 0; f < 8; f++) {
                int want = k == 2 ? rows[i].mended[f] : rows[i].defects[f];
                CU_ASSERT_EQUAL(free_order_at(512 + f), want);
            }
            CU_ASSERT_EQUAL(avail_pages(), 7);
            CU_ASSERT_EQUAL(offlined_pages(), 1);
            mm_check_all();
        }
}

static void a_frame_at_the_head_keeps_an_order(void)
{
    unsigned order;
    boot("modern", 512, 520);
    offline(512, false, 0);
    CU_ASSERT_EQUAL(query(512, &order), PG_OFFLINE_STATUS_OFFLINED);
    CU_ASSERT_EQUAL(order, 3);
    offline(517, false, 0);
    query(517, &order);
    CU_ASSERT_EQUAL(order, 1); /* it was the head of 517..518 */
    boot("fixed", 512, 520);
    offline(512, false, 0);
    query(512, &order);
    CU_ASSERT_EQUAL(order, 0);
}

static void every_frame_goes_and_comes_back(void)
{
    static const char *const levels[] = {"xen-4.3", "modern", "fixed"};
    for (unsigned k = 0; k < 3; k++) {
        boot(levels[k], 1024, 2048);
        for (unsigned i = 0; i < 1024; i++) {
            offline(1024 + i * 389 % 1024, false, 0);
            if (i % 64 == 0)
                mm_check_all();
        }
        CU_ASSERT_EQUAL(avail_pages(), 0);
        CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 0, 0, NULL), FRAME_NONE);
        for (unsigned i = 0; i < 1024; i++) {
            CU_ASSERT_EQUAL(online(1024 + i, 0), PG_ONLINE_ONLINED);
            if (i % 64 == 0)
                mm_check_all();
        }
        CU_ASSERT_EQUAL(free_order_at(1024), 10); /* all is one buddy again */
        CU_ASSERT_EQUAL(offlined_pages(), 0);
        mm_check_all();
    }
}

/* What Xen leaves behind is misaligned, and is given out so. Single frames merge again. */
static void misaligned_buddies_heal_when_they_are_used_up(void)
{
    boot("modern", 1024, 2048);
    offline(1024, false, 0);
    CU_ASSERT_EQUAL(free_order_at(1025), 8); /* 9 in Xen; here 1 MiB is the most */
    CU_ASSERT_EQUAL(alloc_heap_pages(ALL_ZONES, 9, 0, NULL), FRAME_NONE);
    uint64_t f = alloc_heap_pages(ALL_ZONES, 4, 0, NULL);
    CU_ASSERT_NOT_EQUAL(f & 15, 0);
    free_heap_pages(f, 4);
    mm_check_all();
    unsigned n = 0;
    static bool seen[1024];
    memset(seen, 0, sizeof(seen));
    while ((f = alloc_heap_pages(ALL_ZONES, 0, 0, NULL)) != FRAME_NONE) {
        CU_ASSERT_FATAL(f > 1024 && f < 2048 && !seen[f - 1024]);
        seen[f - 1024] = true;
        n++;
    }
    CU_ASSERT_EQUAL(n, 1023);
    for (f = 1025; f < 2048; f++)
        free_heap_pages(f, 0);
    CU_ASSERT_EQUAL(free_order_at(1536), 9);
    CU_ASSERT_EQUAL(online(1024, 0), PG_ONLINE_ONLINED);
    CU_ASSERT_EQUAL(free_order_at(1024), 10);
    mm_check_all();
}

static void out_of_a_gib(void)
{
    static const char *const levels[] = {"xen-4.3", "modern", "fixed"};
    for (unsigned k = 0; k < 3; k++)
        for (unsigned i = 0; i < 3; i++) {
            const uint64_t base = 1u << 18, at[] = {0, 100000, (1u << 18) - 1};
            boot(levels[k], base, 2 * base);
            CU_ASSERT_EQUAL(offline(base + at[i], false, 0), PG_OFFLINE_OFFLINED);
            CU_ASSERT_EQUAL(avail_pages(), base - 1);
            mm_check_all();
            if (k == 2) {
                /* What is left is as large as alignment lets it be: 18 pieces, one of each order. */
                for (unsigned o = 0; o < 18; o++) {
                    uint64_t piece = ((at[i] >> o) ^ 1) << o;
                    CU_ASSERT_EQUAL(free_order_at(base + piece), (int)o);
                }
                CU_ASSERT_EQUAL(online(base + at[i], 0), PG_ONLINE_ONLINED);
                CU_ASSERT_EQUAL(free_order_at(base), 18);
            }
            mm_check_all();
        }
}

static void dirty_pages_stay_dirty(void)
{
    static const char *const levels[] = {"modern", "fixed"};
    for (unsigned k = 0; k < 2; k++)
        for (unsigned gone = 0; gone < 16; gone++) {
            boot(levels[k], 512, 528);
            while (avail_pages())
                alloc_heap_pages(ALL_ZONES, 0, 0, NULL);
            for (unsigned i = 0; i < 16; i++) {
                if (i >= 6 && i != 9)
                    free_dirty_heap_pages(512 + i, 0);
                else
                    free_heap_pages(512 + i, 0);
            }
            CU_ASSERT_EQUAL(free_order_at(512), 4);
            offline(512 + gone, false, 0);
            mm_check_all();
            bool was_dirty = gone >= 6 && gone != 9;
            CU_ASSERT_EQUAL(need_scrub_pages(node(0)), 9 - was_dirty);
            tp_pages_cleared = 0;
            CU_ASSERT_FALSE(scrub_free_pages());
            CU_ASSERT_EQUAL(tp_pages_cleared, 9 - was_dirty);
            mm_check_all();
        }
}

/* ---- in use ----------------------------------------------------------------------------------------------------- */

static void what_is_in_use_goes_when_it_is_freed(void)
{
    unsigned order;
    boot("fixed", 1024, 2048);
    uint64_t f = alloc_heap_pages(ALL_ZONES, 9, 0, NULL);
    CU_ASSERT_EQUAL(offline(f + 7, false, 0),
                    PG_OFFLINE_PENDING | PG_OFFLINE_ANONYMOUS | (uint32_t)DOM_INVALID.n << PG_OFFLINE_OWNER_SHIFT);
    CU_ASSERT_EQUAL(query(f + 7, &order), PG_OFFLINE_STATUS_OFFLINE_PENDING);
    offline(f + 7, false, 0); /* again: it waits already */
    offline(f + 8, true, 0);
    CU_ASSERT_EQUAL(query(f + 8, &order), PG_OFFLINE_STATUS_OFFLINE_PENDING | PG_OFFLINE_STATUS_BROKEN);
    offline(f + 9, false, 0);
    CU_ASSERT_EQUAL(online(f + 9, 0), PG_ONLINE_ONLINED); /* it may stay */
    CU_ASSERT_EQUAL(online(f + 8, -HV_EINVAL), PG_ONLINE_FAILED | PG_ONLINE_BROKEN);
    CU_ASSERT_EQUAL(online(f + 10, 0), 0); /* nothing was the matter with it */
    CU_ASSERT_EQUAL(offlined_pages(), 0);
    mm_check_all();
    tp_frametable_budget = 0; /* freeing cannot fail */
    free_heap_pages(f, 9);
    CU_ASSERT_EQUAL(offlined_pages(), 2);
    CU_ASSERT_EQUAL(avail_pages(), 1022);
    CU_ASSERT_EQUAL(query(f + 7, &order), PG_OFFLINE_STATUS_OFFLINED);
    CU_ASSERT_EQUAL(query(f + 8, &order), PG_OFFLINE_STATUS_OFFLINED | PG_OFFLINE_STATUS_BROKEN);
    CU_ASSERT_EQUAL(free_order_at(f + 9), 0);
    mm_check_all();
    CU_ASSERT_EQUAL(online(f + 8, -HV_EINVAL), PG_ONLINE_FAILED | PG_ONLINE_BROKEN);
    CU_ASSERT_EQUAL(offline(f + 7, true, 0), PG_OFFLINE_OFFLINED | PG_OFFLINE_BROKEN); /* and it breaks as well */
    CU_ASSERT_EQUAL(online(f + 7, -HV_EINVAL), PG_ONLINE_FAILED | PG_ONLINE_BROKEN);
    mm_check_all();
}

static struct domain *new_domain(uint64_t pages)
{
    struct domain *d;
    dom_id id = DOM_INVALID;
    CU_ASSERT_EQUAL_FATAL(domain_create(&id, HV_GUEST_HVM, 0, &d), 0);
    d->max_pages = pages;
    struct hv_memory_op op = {
        .cmd = XENMEM_populate_physmap, .domid = id, .nr_extents = pages / 512, .extent_order = ORDER_2M};
    CU_ASSERT_EQUAL_FATAL(do_memory_op(&op), (long)(pages / 512));
    return d;
}

static void a_domains_frame(void)
{
    static const char *const levels[] = {"xen-4.3", "modern", "fixed"};
    for (unsigned k = 0; k < 3; k++) {
        struct tp_machine m = {1, 1, 1, 1, 65536};
        CU_ASSERT_EQUAL_FATAL(tp_boot(hv_core_get(), &m, hv_profile_find(levels[k])), 0);
        uint64_t before = avail_pages();
        struct domain *d = new_domain(4096);
        uint32_t owner = PG_OFFLINE_OWNED | (uint32_t)d->id.n << PG_OFFLINE_OWNER_SHIFT;
        unsigned order;
        uint64_t f = p2m_get(d, 700, &order);
        CU_ASSERT_EQUAL(offline(f, true, 0), PG_OFFLINE_PENDING | PG_OFFLINE_BROKEN | owner);
        CU_ASSERT_EQUAL(p2m_get(d, 700, &order), f); /* it keeps it, in its superpage */
        CU_ASSERT_EQUAL(order, ORDER_2M);
        CU_ASSERT_FALSE(d->is_crashed);
        CU_ASSERT_EQUAL(offline(f, true, 0), PG_OFFLINE_AGAIN); /* the domain has run into it */
        CU_ASSERT_TRUE(d->is_crashed);
        mm_check_all();
        CU_ASSERT_EQUAL(domain_destroy(d), 0);
        CU_ASSERT_EQUAL(offlined_pages(), 1);
        CU_ASSERT_EQUAL(avail_pages(), before - 1);
        mm_check_all();
        /* It is never given out again. */
        while ((f = alloc_heap_pages(ALL_ZONES, 0, 0, NULL)) != FRAME_NONE)
            CU_ASSERT_NOT_EQUAL(query(f, &order), PG_OFFLINE_STATUS_OFFLINED | PG_OFFLINE_STATUS_BROKEN);
    }
}

/* ---- refusals --------------------------------------------------------------------------------------------------- */

static void what_is_refused(void)
{
    struct tp_machine m = {1, 1, 1, 1, 65536};
    CU_ASSERT_EQUAL_FATAL(tp_boot(hv_core_get(), &m, hv_profile_find("modern")), 0);
    uint64_t before = avail_pages(), xen = FRAME_NONE;
    CU_ASSERT_EQUAL(offline(65536, false, -HV_EINVAL), PG_OFFLINE_FAILED | PG_OFFLINE_NOT_CONV_RAM);
    CU_ASSERT_EQUAL(offline(3, false, -HV_EINVAL), PG_OFFLINE_FAILED | PG_OFFLINE_NOT_CONV_RAM); /* the first MiB */
    CU_ASSERT_EQUAL(online(65536, -HV_EINVAL), 0);
    for (uint64_t f = 256; f < 65536 && xen == FRAME_NONE; f++)
        if (frame_at(f, 0) && frame_at(f, 0)->state == FRAME_xenheap)
            xen = f;
    CU_ASSERT_NOT_EQUAL_FATAL(xen, FRAME_NONE);
    CU_ASSERT_EQUAL(offline(xen, false, -HV_EPERM),
                    PG_OFFLINE_FAILED | PG_OFFLINE_XENPAGE | DOMID_XEN << PG_OFFLINE_OWNER_SHIFT);
    CU_ASSERT_EQUAL(avail_pages(), before);
    mm_check_all();
}

static void no_memory_for_descriptors_leaves_all_as_it_is(void)
{
    boot("fixed", 1u << 18, 2u << 18);
    tp_frametable_budget = 1;
    CU_ASSERT_EQUAL(offline((1u << 18) + 5, false, -HV_ENOMEM), PG_OFFLINE_FAILED);
    CU_ASSERT_EQUAL(free_order_at(1u << 18), 18);
    mm_check_all();
    /* With the defects: enough for the frame, but not for pieces that begin anywhere, so these are aligned. */
    boot("modern", 1u << 18, 2u << 18);
    tp_frametable_budget = 2;
    CU_ASSERT_EQUAL(offline(1u << 18, false, 0), PG_OFFLINE_OFFLINED);
    CU_ASSERT_EQUAL(free_order_at((1u << 18) + 1), 0);
    CU_ASSERT_EQUAL(free_order_at((1u << 18) + 512), 9);
    CU_ASSERT_EQUAL(avail_pages(), (1u << 18) - 1);
    mm_check_all();
}

/* There is no limit but memory for descriptors: all frames of 64 MiB in use, in extents of three sizes. */
static void as_many_as_there_are(void)
{
    static const unsigned orders[] = {13, 9, 0};
    for (unsigned k = 0; k < ARRAY_SIZE(orders); k++) {
        boot("fixed", 1u << 14, 1u << 15);
        for (uint64_t f = 1u << 14; f < 1u << 15; f += 1u << orders[k])
            CU_ASSERT_NOT_EQUAL(alloc_heap_pages(ALL_ZONES, orders[k], 0, NULL), FRAME_NONE);
        for (uint64_t f = 1u << 14; f < 1u << 15; f++)
            CU_ASSERT_TRUE(offline(f, f % 3 == 0, 0) & PG_OFFLINE_PENDING);
        CU_ASSERT_EQUAL(nr_offlining, 1u << 14);
        mm_check_all();
        tp_frametable_budget = 0; /* freeing cannot fail */
        for (uint64_t f = 1u << 14; f < 1u << 15; f += 1u << orders[k])
            free_heap_pages(f, orders[k]);
        CU_ASSERT_EQUAL(avail_pages(), 0);
        CU_ASSERT_EQUAL(nr_offlining, 0);
        CU_ASSERT_EQUAL(offlined_pages(), 1u << 14);
        mm_check_all();
    }
}

static void by_hypercall(void)
{
    struct tp_machine m = {1, 1, 1, 1, 65536};
    CU_ASSERT_EQUAL_FATAL(tp_boot(hv_core_get(), &m, hv_profile_find("fixed")), 0);
    static struct hv_sysctl op;
    op = (struct hv_sysctl){.cmd = XEN_SYSCTL_page_offline_op,
                            .u.page_offline = {.cmd = sysctl_page_offline, .frame = {40000}}};
    CU_ASSERT_EQUAL(do_sysctl(&op), 0);
    CU_ASSERT_EQUAL(op.u.page_offline.status, PG_OFFLINE_OFFLINED);
    op.u.page_offline.cmd = sysctl_query_page_offline;
    CU_ASSERT_EQUAL(do_sysctl(&op), 0);
    CU_ASSERT_EQUAL(op.u.page_offline.status, PG_OFFLINE_STATUS_OFFLINED);
    op.u.page_offline.cmd = sysctl_page_online;
    CU_ASSERT_EQUAL(do_sysctl(&op), 0);
    CU_ASSERT_EQUAL(op.u.page_offline.status, PG_ONLINE_ONLINED);
    op.u.page_offline.cmd = sysctl_page_broken;
    CU_ASSERT_EQUAL(do_sysctl(&op), 0);
    CU_ASSERT_EQUAL(op.u.page_offline.status, PG_OFFLINE_OFFLINED | PG_OFFLINE_BROKEN);
    op.u.page_offline.cmd = (enum hv_page_offline_cmd)9;
    CU_ASSERT_EQUAL(do_sysctl(&op), -HV_EINVAL);
    mm_check_all();
}

static const struct cunit_case tests[] = {
    {"what is left of a buddy, with and without the defects", what_is_left_of_a_buddy},
    {"a frame at the head keeps an order", a_frame_at_the_head_keeps_an_order},
    {"every frame goes and comes back", every_frame_goes_and_comes_back},
    {"misaligned buddies heal when they are used up", misaligned_buddies_heal_when_they_are_used_up},
    {"out of 1 GiB", out_of_a_gib},
    {"dirty pages stay dirty", dirty_pages_stay_dirty},
    {"what is in use goes when it is freed", what_is_in_use_goes_when_it_is_freed},
    {"a domain's frame; a broken one crashes it", a_domains_frame},
    {"what is refused", what_is_refused},
    {"no memory for descriptors leaves all as it is", no_memory_for_descriptors_leaves_all_as_it_is},
    {"as many at a time as there are", as_many_as_there_are},
    {"by hypercall", by_hypercall},
};

CUNIT_MAIN("hv-core/mm_offline", tests)
