/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation from the buddy heap (heap.c has the rules): which buddy, cutting it down, scrubbing what is dirty. */
#include "mm/heap_priv.h"

/* A dirty head is put back at the tail. */
static void put_back(struct extent_list *l)
{
    extent_link at = l->head;
    struct frame *e = frame_of_link(at);

    extent_list_del(l, e);
    extent_list_add_tail(l, at, e);
}

/* The free buddy that node n gives for a request of this order; FRAME_NONE. */
static uint64_t find_on_node(unsigned n, unsigned lo, unsigned hi, unsigned order, bool clean_only, unsigned *found)
{
    uint64_t zones = zones_used[n] & (~0ull >> (63u - hi)) & (~0ull << lo);

    for (; zones; zones &= ~(1ull << hv_fls64(zones))) {
        unsigned z = hv_fls64(zones);
        for (uint32_t orders = orders_used[n][z] >> order << order; orders; orders &= orders - 1) {
            unsigned o = hv_ffs64(orders);
            struct extent_list *l = &heap[n][z][o];
            if (!clean_only || frame_of_link(l->head)->state != FRAME_dirty) {
                *found = o;
                return link_frame(l->head);
            }
            put_back(l);
        }
    }
    return FRAME_NONE;
}

/* Where the search begins. */
static node_id first_node(const struct domain *d, unsigned memflags, nodemask_t mask, bool *exact)
{
    unsigned asked = XENMEMF_get_node(memflags);

    *exact = false;
    if (asked < HV_MAX_NODES) {
        *exact = (memflags & MEMF_exact_node) != 0;
        return node(asked);
    }
    if (!d || nodemask_empty(mask))
        return cpu_to_node(port_this_cpu());
    if (!quirk(heap_alloc_next_node) && nodemask_test(mask, d->last_alloc_node))
        return d->last_alloc_node;
    return nodemask_cycle(d->last_alloc_node, mask);
}

struct request {
    const struct domain *d;
    unsigned memflags, lo, hi, order;
    bool clean_only;
    node_id only; /* NODE_INVALID: whichever; else d may have it of its claim alone, which is on this node */
};

/* Does this come out of d's claim? Once it shrinks at allocation, what is not counted to the domain does not. */
static bool is_claimed(const struct domain *d, uint64_t pages, unsigned memflags)
{
    return d && d->outstanding_pages >= pages && (quirk(claim_at_assign) || !(memflags & MEMF_no_refcount));
}

/* What is claimed on a node is for those who have claimed it. */
static bool node_allows(const struct request *r, node_id n)
{
    uint64_t pages = 1ull << r->order;

    if (node_valid(r->only) && !node_eq(n, r->only))
        return false;
    return !node_claims[n.n] || node_claims[n.n] + pages <= node_avail[n.n] ||
           (r->d && node_eq(r->d->claim_node, n) && is_claimed(r->d, pages, r->memflags));
}

static uint64_t find_if_allowed(const struct request *r, node_id n, unsigned *found)
{
    return node_allows(r, n) ? find_on_node(n.n, r->lo, r->hi, r->order, r->clean_only, found) : FRAME_NONE;
}

static uint64_t find(const struct request *r, unsigned *found)
{
    nodemask_t mask = r->d ? r->d->node_affinity : hv_node_online;
    bool exact;
    node_id n = first_node(r->d, r->memflags, mask, &exact), start = n;
    uint64_t f = find_if_allowed(r, n, found);

    if (f != FRAME_NONE || exact)
        return f;
    /* The rest of the ring; all of it, from its first, if the node asked for is not in it. */
    if (!nodemask_test(mask, n))
        start = NODE_INVALID;
    for (n = node_valid(start) ? nodemask_cycle(start, mask) : nodemask_first(mask); node_valid(n);) {
        if (node_eq(n, start))
            break;
        if ((f = find_if_allowed(r, n, found)) != FRAME_NONE)
            return f;
        if (!node_valid(start))
            start = n;
        n = nodemask_cycle(n, mask);
    }
    mask.w = hv_node_online.w & ~mask.w;
    for_each_node (n, mask) {
        if ((f = find_if_allowed(r, n, found)) != FRAME_NONE)
            return f;
    }
    return FRAME_NONE;
}

/* Clean ones on all nodes, then dirty ones on all nodes. Scrubbing one page is quick: no need to look for a clean one.
 */
static uint64_t get_free_buddy(struct request *r, unsigned *found)
{
    r->clean_only = r->order && nr_dirty_buddies && !(r->memflags & MEMF_no_scrub);

    uint64_t f = find(r, found);
    if (f == FRAME_NONE && r->clean_only) {
        r->clean_only = false;
        f = find(r, found);
    }
    return f;
}

static bool claims_allow(struct request *r)
{
    uint64_t pages = 1ull << r->order;

    r->only = NODE_INVALID;
    if (claims + pages <= total_avail)
        return true;
    if (!is_claimed(r->d, pages, r->memflags))
        return false;
    r->only = r->d->claim_node;
    return true;
}

/* A lower half goes back. Its bits below first_dirty were stale, and count again if it is clean now. */
static void put_half(struct frame *e, uint64_t f, unsigned order, unsigned n, unsigned zone, unsigned first_dirty)
{
    unsigned dirty = lower_dirty(first_dirty, order);

    if (__builtin_expect(dirty != first_dirty, 0))
        (void)need_scrub_clear(f, f + (1ull << order));
    put_free(e, f, order, n, zone, dirty);
}

/*
 * Take the free buddy f, whose descriptor is e, off its list and cut it down to its highest 2^order frames. The
 * descriptors exist. Returns the result, in *out its descriptor and in *first_dirty its first dirty page.
 */
static uint64_t carve(uint64_t f, struct frame *e, unsigned have, unsigned order, unsigned zone, struct frame **out,
                      unsigned *first_dirty)
{
    unsigned n = e->node, dirty = frame_first_dirty(e);

    take_free(e, have, n, zone);
    port_count(PERFC_heap_alloc, 1);
    if (have > order)
        port_count(PERFC_heap_split, have - order);
    /* A buddy that offlining has left may begin anywhere. */
    bool crosses = f % FRAME_FANOUT + (1ull << have) > FRAME_FANOUT;
    for (; have > order && (have > ORDER_2M || (crosses && f % FRAME_FANOUT)); f += 1ull << have) {
        have--;
        put_half(frame_at(f, have), f, have, n, zone, dirty);
        dirty = upper_dirty(dirty, have);
    }
    if (order < ORDER_2M) {
        /* All that follows is in one 2 MiB block. */
        struct frame *block = frame_at(f - f % FRAME_FANOUT, 0);
        for (; have > order; f += 1ull << have) {
            have--;
            put_half(&block[f % FRAME_FANOUT], f, have, n, zone, dirty);
            dirty = upper_dirty(dirty, have);
        }
        *out = &block[f % FRAME_FANOUT];
    } else {
        *out = frame_at(f, order);
    }
    *first_dirty = dirty;
    return f;
}

/* With the lock held: an extent in use, of which so many pages were dirty, is clean. */
static void forget_dirt(uint64_t f, unsigned order, unsigned n, uint64_t pages)
{
    node_need_scrub[n] -= pages;
    (void)need_scrub_clear(f, f + (1ull << order));
    need_scrub_forget(f, order);
}

/* Without the lock: the pages are in use, so nobody else looks at their bits. */
static void scrub_allocated(uint64_t f, unsigned order, unsigned n, unsigned first_dirty, uint64_t pages)
{
    uint64_t end = f + (1ull << order), stop;

    for (uint64_t at = f + first_dirty; (at = need_scrub_next(at, end, &stop)) < end; at = stop)
        clear_range(at, stop);
    port_lock(&heap_lock);
    forget_dirt(f, order, n, pages);
    scrub_in_hand -= pages;
    port_unlock(&heap_lock);
}

uint64_t alloc_heap_pages(unsigned zone_lo, unsigned zone_hi, unsigned order, unsigned memflags, struct domain *d)
{
    struct request r = {d, memflags, zone_lo, zone_hi, order, false, NODE_INVALID};
    uint64_t request = 1ull << order, f = FRAME_NONE;
    unsigned have = 0, first_dirty;

    if (order > MAX_ORDER)
        return FRAME_NONE;
    port_lock(&heap_lock);
    if (claims_allow(&r))
        f = get_free_buddy(&r, &have);
    /* All pieces of a split have their descriptors in the blocks that the last of them, the result, needs too. */
    if (f == FRAME_NONE || !frame_table_ensure(f + (1ull << have) - request, order)) {
        port_unlock(&heap_lock);
        return FRAME_NONE;
    }
    struct frame *e = frame_at(f, have);
    unsigned zone = zone_of(f), n = e->node;
    check_and_stop_scrub(n, f);
    f = carve(f, e, have, order, zone, &e, &first_dirty);
    e->state = FRAME_inuse;
    e->order = order & 31u;
    e->node = n & 63u;
    e->owner = 0;
    count_avail(n, zone, 0, request);
    check_low_mem_virq();
    if (d) {
        d->last_alloc_node = node(n);
        if (!quirk(claim_at_assign) && !(memflags & MEMF_no_refcount) &&
            (!node_valid(d->claim_node) || node_eq(d->claim_node, node(n))))
            claim_shrink(d, request);
    }
    uint64_t pages = 0;
    if (first_dirty != INVALID_DIRTY_IDX) {
        pages = need_scrub_count(f + first_dirty, f + request);
        if (!pages || (memflags & MEMF_no_scrub)) {
            forget_dirt(f, order, n, pages);
            pages = 0;
        }
        scrub_in_hand += pages;
    }
    port_unlock(&heap_lock);
    if (pages)
        scrub_allocated(f, order, n, first_dirty, pages);
    return f;
}

int heap_halve(struct extent_list *l, uint64_t f, unsigned order)
{
    uint64_t high = f + (1ull << (order - 1));
    int rc = -HV_ENOMEM;

    port_lock(&heap_lock);
    if (frame_table_ensure(f, order - 1) && frame_table_ensure(high, order - 1)) {
        struct frame *e = frame_at(f, order), *a, *b, whole = *e;
        e->state = FRAME_inside;
        whole.order = (order - 1) & 31u;
        a = frame_at(f, order - 1);
        b = frame_at(high, order - 1);
        *a = *b = whole;
        extent_list_halve(l, link_to(f, order - 1), a, link_to(high, order - 1), b, frame_prev(&whole),
                          frame_next(&whole));
        rc = 0;
    }
    port_unlock(&heap_lock);
    return rc;
}
