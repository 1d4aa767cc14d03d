/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defects that random operations (mm_property) have found, each as the few steps that it takes. */
#include "port_test.h"

#include "mm/heap.h"
#include <cunit_main.h>

/* One node of that many pages, and a domain that may have all of them. */
static struct domain *boot(const char *level, uint64_t pages)
{
    struct tp_machine m = {1, 1, 1, 1, pages};
    struct domain *d = NULL;
    dom_id id = DOM_INVALID;

    CU_ASSERT_EQUAL_FATAL(tp_boot(hv_core_get(), &m, hv_profile_find(level)), 0);
    CU_ASSERT_EQUAL_FATAL(domain_create(&id, HV_GUEST_HVM, 0, &d), 0);
    d->max_pages = pages;
    return d;
}

static long memory_op(struct domain *d, enum hv_memory_cmd cmd, uint64_t g, uint64_t nr, unsigned order)
{
    struct hv_memory_op op = {.cmd = cmd, .domid = d->id, .first_gfn = gfn(g), .nr_extents = nr, .extent_order = order};
    return do_memory_op(&op);
}

/* The entries were cut to 4 KiB, the extent only to what was given; all of it was taken for its first page. */
static void exchange_of_a_part_of_a_superpage(void)
{
    struct domain *d = boot("modern", 8192);
    CU_ASSERT_EQUAL_FATAL(memory_op(d, XENMEM_populate_physmap, 0, 1, ORDER_2M), 1);
    struct hv_memory_op op = {.cmd = XENMEM_exchange,
                              .domid = d->id,
                              .first_gfn = gfn(16),
                              .nr_extents = 1,
                              .extent_order = 4,
                              .out = {.first_gfn = gfn(1024), .nr_extents = 16}};
    CU_ASSERT_EQUAL(do_memory_op(&op), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 512);
    CU_ASSERT_EQUAL(mm_check(), NULL);
}

/* A range with parts of two superpages: the first was given back, then the second could not be cut. */
static void decrease_without_memory_for_descriptors(void)
{
    for (int budget = 0;; budget++) {
        struct domain *d = boot("modern", 8192);
        CU_ASSERT_EQUAL_FATAL(memory_op(d, XENMEM_populate_physmap, 0, 2, ORDER_2M), 2);
        tp_frametable_budget = budget;
        long done = memory_op(d, XENMEM_decrease_reservation, 256, 1, ORDER_2M);
        CU_ASSERT_EQUAL(d->tot_pages, done ? 512 : 1024);
        CU_ASSERT_EQUAL(mm_check(), NULL);
        if (done)
            break;
        CU_ASSERT_FATAL(budget < 10);
    }
}

/* With offlining's defects the tail of a buddy stays in parts, also when the frame is back; that is not the heap's. */
static void a_carved_buddy_stays_in_parts(void)
{
    uint32_t status;

    boot("xen-4.3", 8192);
    uint64_t f = link_frame(heap_list(0, 12, 11)->head);
    CU_ASSERT_EQUAL_FATAL(f, 4096);
    CU_ASSERT_EQUAL(offline_page(mfn(f + 5), false, &status), 0);
    CU_ASSERT_EQUAL(status, PG_OFFLINE_OFFLINED);
    CU_ASSERT_EQUAL(mm_check(), NULL);
    CU_ASSERT_EQUAL(online_page(mfn(f + 5), &status), 0);
    CU_ASSERT_EQUAL(status, PG_ONLINE_ONLINED);
    CU_ASSERT_EQUAL(mm_check(), NULL);
}

static const struct cunit_case tests[] = {
    {"a part of a superpage is exchanged", exchange_of_a_part_of_a_superpage},
    {"a buddy that was carved stays in parts", a_carved_buddy_stays_in_parts},
    {"memory given back without memory for descriptors goes wholly, or stays", decrease_without_memory_for_descriptors},
};
CUNIT_MAIN("hv-core/mm_found", tests)
