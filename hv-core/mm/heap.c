/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buddy heap: heap[node][zone][order] is a list of free buddies. Units: frames of 4 KiB. The rules of Xen 4.3:
 *
 *   allocate   The head of the first list that has something, zones from high to low, orders upward. While it is too
 *              large: its lower half to the tail of the list below, go on with the upper half.
 *   free       Merge with the buddy (frame xor 2^order) while that is free, of the same order and of the same node; the
 *              result to the tail of its list.
 *   node       The one asked for; else the next after the domain's last inside its node affinity; else the executing
 *              pCPU's. Then the others of the affinity in a ring, then the nodes outside of it in ascending order.
 *              Distances never matter.
 *
 * Buddies never cross a zone, because zones are powers of two, nor a node, because merging looks.
 *
 * Invariants, whenever the lock is free: avail[node][zone] = frames on its lists; node and machine totals are their
 * sums; a free buddy's buddy is not free at the same order.
 */
#include "mm/heap.h"

#include <hv/lib.h>

static struct hv_lock heap_lock;
static struct extent_list heap[HV_MAX_NODES][NR_ZONES][MAX_ORDER + 1];
static uint64_t avail[HV_MAX_NODES][NR_ZONES];
static uint64_t zones_used[HV_MAX_NODES];            /* bit z: avail[n][z] is not 0 */
static uint32_t orders_used[HV_MAX_NODES][NR_ZONES]; /* bit o: heap[n][z][o] is not empty */
static uint64_t node_avail[HV_MAX_NODES], node_size[HV_MAX_NODES];
static uint64_t total_avail, total_size, claims;

static unsigned zone_of(uint64_t f)
{
    return hv_fls64(f);
}

static void count_avail(unsigned n, unsigned zone, uint64_t more, uint64_t less)
{
    avail[n][zone] += more - less;
    node_avail[n] += more - less;
    total_avail += more - less;
    if (avail[n][zone])
        zones_used[n] |= 1ull << zone;
    else
        zones_used[n] &= ~(1ull << zone);
}

static void put_free(struct frame *e, uint64_t f, unsigned order, unsigned n, unsigned zone)
{
    e->state = FRAME_free;
    e->order = order & 31u;
    e->node = (uint8_t)n;
    e->owner = 0;
    extent_list_add_tail(&heap[n][zone][order], link_to(f, order), e);
    orders_used[n][zone] |= 1u << order;
}

static void take_free(struct frame *e, unsigned order, unsigned n, unsigned zone)
{
    struct extent_list *l = &heap[n][zone][order];

    extent_list_del(l, e);
    e->state = FRAME_inside;
    if (l->head == LINK_NONE)
        orders_used[n][zone] &= ~(1u << order);
}

/* ---- allocation ------------------------------------------------------------------------------------------------- */

/* The free buddy that node n gives for a request of this order; FRAME_NONE. */
static uint64_t find_on_node(unsigned n, unsigned lo, unsigned hi, unsigned order, unsigned *found)
{
    uint64_t zones = zones_used[n] & (~0ull >> (63u - hi)) & (~0ull << lo);

    for (; zones; zones &= ~(1ull << hv_fls64(zones))) {
        unsigned z = hv_fls64(zones);
        uint32_t orders = orders_used[n][z] >> order << order;
        if (orders) {
            *found = hv_ffs64(orders);
            return link_frame(heap[n][z][*found].head);
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

static uint64_t find(const struct domain *d, unsigned memflags, unsigned lo, unsigned hi, unsigned order,
                     unsigned *found)
{
    nodemask_t mask = d ? d->node_affinity : hv_node_online;
    bool exact;
    node_id n = first_node(d, memflags, mask, &exact), start = n;
    uint64_t f = find_on_node(n.n, lo, hi, order, found);

    if (f != FRAME_NONE || exact)
        return f;
    /* The rest of the ring; all of it, from its first, if the node asked for is not in it. */
    if (!nodemask_test(mask, n))
        start = NODE_INVALID;
    for (n = node_valid(start) ? nodemask_cycle(start, mask) : nodemask_first(mask); node_valid(n);) {
        if (node_eq(n, start))
            break;
        if ((f = find_on_node(n.n, lo, hi, order, found)) != FRAME_NONE)
            return f;
        if (!node_valid(start))
            start = n;
        n = nodemask_cycle(n, mask);
    }
    mask.w = hv_node_online.w & ~mask.w;
    for_each_node (n, mask) {
        if ((f = find_on_node(n.n, lo, hi, order, found)) != FRAME_NONE)
            return f;
    }
    return FRAME_NONE;
}

static bool claims_allow(const struct domain *d, uint64_t request, unsigned memflags)
{
    if (claims + request <= total_avail)
        return true;
    /* Once the claim shrinks at allocation, what is not counted to the domain does not come out of its claim. */
    if (!quirk(claim_at_assign) && (memflags & MEMF_no_refcount))
        return false;
    return d && d->outstanding_pages >= request;
}

static void claim_shrink(struct domain *d, uint64_t pages)
{
    uint64_t used = d->outstanding_pages < pages ? d->outstanding_pages : pages;
    d->outstanding_pages -= used;
    claims -= used;
}

/*
 * Take the free buddy f, whose descriptor is e, off its list and cut it down to its highest 2^order frames. The
 * descriptors exist. Returns the result and in *out its descriptor.
 */
static uint64_t carve(uint64_t f, struct frame *e, unsigned have, unsigned order, unsigned zone, struct frame **out)
{
    unsigned n = e->node;

    take_free(e, have, n, zone);
    port_count(PERFC_heap_alloc, 1);
    if (have > order)
        port_count(PERFC_heap_split, have - order);
    for (; have > order && have > ORDER_2M; f += 1ull << have) {
        have--;
        put_free(frame_at(f, have), f, have, n, zone);
    }
    if (order < ORDER_2M) {
        /* All that follows is in one 2 MiB block. */
        struct frame *block = frame_at(f - f % FRAME_FANOUT, 0);
        for (; have > order; f += 1ull << have) {
            have--;
            put_free(&block[f % FRAME_FANOUT], f, have, n, zone);
        }
        *out = &block[f % FRAME_FANOUT];
    } else {
        *out = frame_at(f, order);
    }
    return f;
}

uint64_t alloc_heap_pages(unsigned zone_lo, unsigned zone_hi, unsigned order, unsigned memflags, struct domain *d)
{
    uint64_t request = 1ull << order, f = FRAME_NONE;
    unsigned have = 0;

    if (order > MAX_ORDER)
        return FRAME_NONE;
    port_lock(&heap_lock);
    if (claims_allow(d, request, memflags))
        f = find(d, memflags, zone_lo, zone_hi, order, &have);
    /* All pieces of a split have their descriptors in the blocks that the last of them, the result, needs too. */
    if (f == FRAME_NONE || !frame_table_ensure(f + (1ull << have) - request, order)) {
        port_unlock(&heap_lock);
        return FRAME_NONE;
    }
    struct frame *e = frame_at(f, have);
    unsigned zone = zone_of(f), n = e->node;
    f = carve(f, e, have, order, zone, &e);
    e->state = FRAME_inuse;
    e->order = order & 31u;
    e->node = (uint8_t)n;
    e->owner = 0;
    count_avail(n, zone, 0, request);
    if (d) {
        d->last_alloc_node = node(n);
        if (!quirk(claim_at_assign) && !(memflags & MEMF_no_refcount))
            claim_shrink(d, request);
    }
    port_unlock(&heap_lock);
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

/* ---- freeing ---------------------------------------------------------------------------------------------------- */

/* With the lock held. e is the descriptor of the extent. */
static void free_locked(struct frame *e, uint64_t f, unsigned order, unsigned n)
{
    unsigned zone = zone_of(f), merges = 0;

    count_avail(n, zone, 1ull << order, 0);
    while (order < MAX_ORDER) {
        uint64_t buddy = f ^ (1ull << order);
        struct frame *b = frame_at(buddy, order);
        if (!b || b->state != FRAME_free || b->order != order || b->node != n)
            break;
        take_free(b, order, n, zone);
        e->state = FRAME_inside;
        f &= buddy;
        order++;
        merges++;
        e = frame_at(f, order);
        if (order == ORDER_2M || order == ORDER_1G)
            frame_table_trim(f, order);
    }
    put_free(e, f, order, n, zone);
    port_count(PERFC_heap_free, 1);
    if (merges)
        port_count(PERFC_heap_merge, merges);
}

void free_heap_pages(uint64_t f, unsigned order)
{
    port_lock(&heap_lock);
    struct frame *e = frame_at(f, order);
    ASSERT(e && (e->state == FRAME_inuse || e->state == FRAME_xenheap) && e->order == order);
    free_locked(e, f, order, e->node);
    port_unlock(&heap_lock);
}

/* ---- boot ------------------------------------------------------------------------------------------------------- */

/*
 * Xen frees a range page by page in ascending order. Its maximal aligned blocks in ascending order leave the same
 * lists: until such a block is whole, its pages merge only with each other; when it is whole it goes on merging, and to
 * the tail, exactly as the last of its pages makes it do.
 */
static int free_range(const struct hv_mem_range *r)
{
    for (uint64_t f = r->start_mfn; f < r->end_mfn;) {
        unsigned order = hv_min_u(hv_ffs64(f), MAX_ORDER);
        while (f + (1ull << order) > r->end_mfn)
            order--;
        if (!frame_table_ensure(f, order))
            return -HV_ENOMEM;
        free_locked(frame_at(f, order), f, order, r->node.n);
        node_size[r->node.n] += 1ull << order;
        total_size += 1ull << order;
        f += 1ull << order;
    }
    return 0;
}

int heap_init(void)
{
    unsigned nr = numa_nr_ranges(), first = 0;
    node_id n;
    int rc = 0;

    heap_lock = (struct hv_lock)HV_LOCK_INIT("heap");
    frame_table_reset();
    __builtin_memset(avail, 0, sizeof(avail));
    __builtin_memset(zones_used, 0, sizeof(zones_used));
    __builtin_memset(orders_used, 0, sizeof(orders_used));
    __builtin_memset(node_avail, 0, sizeof(node_avail));
    __builtin_memset(node_size, 0, sizeof(node_size));
    total_avail = total_size = claims = 0;
    for_each_node (n, hv_node_online) {
        for (unsigned z = 0; z < NR_ZONES; z++)
            for (unsigned o = 0; o <= MAX_ORDER; o++)
                extent_list_init(&heap[n.n][z][o]);
    }
    /* First the first range on pCPU 0's node, then the others from the highest down. */
    while (first < nr && !node_eq(numa_range(first)->node, cpu_to_node(pcpu(0))))
        first++;
    if (first < nr)
        rc = free_range(numa_range(first));
    for (unsigned i = nr; i-- > 0 && !rc;)
        if (i != first)
            rc = free_range(numa_range(i));
    return rc;
}

/* ---- counters and claims ---------------------------------------------------------------------------------------- */

uint64_t avail_pages(void)
{
    return total_avail;
}

uint64_t avail_node_pages(node_id n)
{
    return node_valid(n) ? node_avail[n.n] : 0;
}

uint64_t avail_zone_pages(node_id n, unsigned zone)
{
    return avail[n.n][zone];
}

uint64_t node_size_pages(node_id n)
{
    return node_valid(n) ? node_size[n.n] : 0;
}

uint64_t total_pages(void)
{
    return total_size;
}

uint64_t outstanding_claims(void)
{
    return claims;
}

int heap_set_claim(struct domain *d, uint64_t pages)
{
    int rc = 0;

    port_lock(&heap_lock);
    if (pages == 0) {
        claim_shrink(d, d->outstanding_pages);
    } else if (d->outstanding_pages || pages <= d->tot_pages || pages > d->max_pages) {
        rc = -HV_EINVAL;
    } else if (claims + (pages - d->tot_pages) > total_avail) {
        rc = -HV_ENOMEM;
    } else {
        d->outstanding_pages = pages - d->tot_pages;
        claims += d->outstanding_pages;
    }
    port_unlock(&heap_lock);
    return rc;
}

void heap_claim_used(struct domain *d, uint64_t pages)
{
    if (!d->outstanding_pages)
        return;
    port_lock(&heap_lock);
    claim_shrink(d, pages);
    port_unlock(&heap_lock);
}

void heap_claim_grow(struct domain *d, uint64_t pages)
{
    if (!d->outstanding_pages)
        return;
    port_lock(&heap_lock);
    d->outstanding_pages += pages;
    claims += pages;
    port_unlock(&heap_lock);
}

/* ---- invariants ------------------------------------------------------------------------------------------------- */

const struct extent_list *heap_list(unsigned n, unsigned zone, unsigned order)
{
    return &heap[n][zone][order];
}

static const char *check_list(unsigned n, unsigned z, unsigned o, uint64_t *pages)
{
    extent_link prev = LINK_NONE;

    for (extent_link l = heap[n][z][o].head; l != LINK_NONE;) {
        uint64_t f = link_frame(l);
        const struct frame *e = frame_at(f, o);
        if (l != link_to(f, o) || !e || e->state != FRAME_free || e->order != o || e->node != n ||
            frame_prev(e) != prev)
            return "heap: an element of a free list is not a free buddy of its node and order";
        if (f & ((1ull << o) - 1))
            return "heap: a free buddy is not aligned to its order";
        if (zone_of(f) != z)
            return "heap: a free buddy is in a foreign zone";
        const struct frame *b = o < MAX_ORDER ? frame_at(f ^ (1ull << o), o) : NULL;
        if (b && b->state == FRAME_free && b->order == o && b->node == n)
            return "heap: two free buddies are not merged";
        *pages += 1ull << o;
        if (*pages > total_size)
            return "heap: a free list does not end";
        prev = l;
        l = frame_next(e);
    }
    if (prev != heap[n][z][o].tail)
        return "heap: the tail of a free list is wrong";
    if ((prev != LINK_NONE) != ((orders_used[n][z] >> o) & 1))
        return "heap: a zone's set of orders differs from its lists";
    return NULL;
}

const char *heap_check(uint64_t moving)
{
    uint64_t total = 0;
    node_id n;

    for_each_node (n, hv_node_online) {
        uint64_t on_node = 0;
        for (unsigned z = 0; z < NR_ZONES; z++) {
            uint64_t pages = 0;
            for (unsigned o = 0; o <= MAX_ORDER; o++) {
                const char *broken = check_list(n.n, z, o, &pages);
                if (broken)
                    return broken;
            }
            if (pages != avail[n.n][z] || (pages != 0) != ((zones_used[n.n] >> z) & 1))
                return "heap: a zone's counter differs from its lists";
            on_node += pages;
        }
        if (on_node != node_avail[n.n])
            return "heap: a node's counter differs from its zones";
        total += on_node;
    }
    if (total != total_avail)
        return "heap: the total differs from the nodes";
    return claims <= total_avail + moving ? NULL : "heap: more is claimed than free";
}
