/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving back to the buddy heap (heap.c has the rules): merging, and what becomes of pages that nobody may see. */
#include "mm/heap_priv.h"

/* The two halves of a buddy, of 2^order pages each, are one. Returns its first_dirty. */
static unsigned merge_dirty(uint64_t f, unsigned order, unsigned n, unsigned lower, unsigned upper)
{
    if (upper == INVALID_DIRTY_IDX)
        return lower;
    if (lower == INVALID_DIRTY_IDX)
        return (1u << order) + upper;
    if (upper) {
        /* Bits before the upper one's first_dirty count from now on, so they must be true; or are scrubbed again. */
        uint64_t high = f + (1ull << order);
        (void)need_scrub_clear(high, high + upper);
        node_need_scrub[n] += need_scrub_count(high, high + upper);
    }
    return lower;
}

/* The descriptors of a buddy that is a block of its own now, unless frames in it are to be taken out. */
static void trim(uint64_t f, unsigned order, unsigned first_dirty)
{
    if (nr_offlining && offlining_within(f, order))
        return;
    if (first_dirty == INVALID_DIRTY_IDX)
        frame_table_trim(f, order);
    else
        need_scrub_trim(f, order, first_dirty);
}

void heap_free_locked(struct frame *e, uint64_t f, unsigned order, unsigned n, bool need_scrub)
{
    unsigned zone = zone_of(f), merges = 0, first_dirty = INVALID_DIRTY_IDX, freed = order;
    uint64_t begin = f;

    count_avail(n, zone, 1ull << order, 0);
    if (need_scrub) {
        need_scrub_set(f, order);
        node_need_scrub[n] += 1ull << order;
        first_dirty = 0;
    }
    while (order < MAX_ORDER && !(f & ((1ull << order) - 1))) {
        uint64_t buddy = f ^ (1ull << order);
        struct frame *b = frame_at(buddy, order);
        if (!b || !frame_is_free(b) || b->order != order || b->node != n)
            break;
        check_and_stop_scrub(n, buddy);
        unsigned other = frame_first_dirty(b);
        take_free(b, order, n, zone);
        e->state = FRAME_inside;
        if ((first_dirty & other) != INVALID_DIRTY_IDX)
            first_dirty = buddy < f ? merge_dirty(buddy, order, n, other, first_dirty)
                                    : merge_dirty(f, order, n, first_dirty, other);
        f &= buddy;
        order++;
        merges++;
        e = frame_at(f, order);
        if (order == ORDER_2M || order == ORDER_1G)
            trim(f, order, first_dirty);
    }
    put_free(e, f, order, n, zone, first_dirty);
    port_count(PERFC_heap_free, 1);
    if (merges)
        port_count(PERFC_heap_merge, merges);
    if (nr_offlining && offlining_within(begin, freed))
        offline_carve(f, order);
}

static void free_pages(uint64_t f, unsigned order, bool need_scrub)
{
    port_lock(&heap_lock);
    struct frame *e = frame_at(f, order);
    ASSERT(e && (e->state == FRAME_inuse || e->state == FRAME_xenheap) && e->order == order);
    heap_free_locked(e, f, order, e->node, need_scrub);
    port_unlock(&heap_lock);
}

void free_heap_pages(uint64_t f, unsigned order)
{
    free_pages(f, order, false);
}

void free_dirty_heap_pages(uint64_t f, unsigned order)
{
    if (one_end) {
        port_clear_pages(mfn(f), order);
        free_pages(f, order, false);
        return;
    }
    free_pages(f, order, true);
    scrub_wanted();
}

void free_xen_pages(uint64_t f, unsigned order)
{
    if (quirk(heap_xen_unscrubbed))
        free_pages(f, order, false);
    else
        free_dirty_heap_pages(f, order);
}
