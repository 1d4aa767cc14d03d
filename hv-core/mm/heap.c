/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buddy heap: heap[node][zone][order] is a list of free buddies. Units: frames of 4 KiB. Rules, as in Xen 4.3:
 *
 *   allocate  take the head of the first list that has something, zones from high to low, orders upward; while it is
 * too large put the lower half at the tail of the list below and go on with the upper half. free      merge with the
 * buddy (frame xor 2^order) while it is free, of the same order and of the same node; put the result at the tail. node
 * the next one after the domain's last, inside its node affinity; then the others of the affinity in a ring, then the
 * nodes outside of it in increasing order. Distances never matter.
 *
 * Buddies never cross a zone, because zones are powers of two, and never a node, because merging checks it.
 *
 * Invariants: avail[node][zone] = frames on its lists; total = their sum; a free buddy's buddy is not free at the same
 * order (it would have been merged); claims <= total.
 */
#include "mm/heap.h"

#include <hv/lib.h>

static struct hv_lock heap_lock = HV_LOCK_INIT("heap");
static struct extent_list heap[HV_MAX_NODES][NR_ZONES][MAX_ORDER + 1];
static uint64_t avail[HV_MAX_NODES][NR_ZONES], node_avail[HV_MAX_NODES], node_size[HV_MAX_NODES];
static uint64_t total_avail, total_size, claims;

static unsigned zone_of(uint64_t f)
{
    return hv_fls64(f | 1);
}

/* ---- lists --------------------------------------------------------------------------------------------------------
 */

void extent_list_init(struct extent_list *l)
{
    l->head = l->tail = FRAME_NONE;
}

void extent_add_tail(struct extent_list *l, uint32_t f, struct frame *e)
{
    e->next = FRAME_NONE;
    e->prev = l->tail;
    if (l->tail == FRAME_NONE)
        l->head = f;
    else
        frame_at(l->tail, e->order)->next = f;
    l->tail = f;
}

void extent_del(struct extent_list *l, uint32_t f, struct frame *e)
{
    if (e->prev == FRAME_NONE)
        l->head = e->next;
    else
        frame_at(e->prev, e->order)->next = e->next;
    if (e->next == FRAME_NONE)
        l->tail = e->prev;
    else
        frame_at(e->next, e->order)->prev = e->prev;
    e->next = e->prev = FRAME_NONE;
}

static void put_free(uint32_t f, unsigned order, unsigned n, unsigned zone)
{
    struct frame *e = frame_at(f, order);

    e->state = FRAME_free;
    e->order = (uint8_t)order;
    e->node = (uint8_t)n;
    e->owner = 0;
    extent_add_tail(&heap[n][zone][order], f, e);
}

/* ---- allocation ---------------------------------------------------------------------------------------------------
 */

/* A free buddy of at least `order` on node n; FRAME_NONE. */
static uint32_t find_on_node(unsigned n, unsigned lo, unsigned hi, unsigned order, unsigned *zone, unsigned *found)
{
    for (unsigned z = hi + 1; z-- > lo;) {
        if (avail[n][z] < 1ull << order)
            continue;
        for (unsigned j = order; j <= MAX_ORDER; j++)
            if (heap[n][z][j].head != FRAME_NONE) {
                *zone = z;
                *found = j;
                return heap[n][z][j].head;
            }
    }
    return FRAME_NONE;
}

/* Where the search starts, and the nodes of its first ring. */
static node_id first_node(const struct domain *d, unsigned memflags, nodemask_t *ring, bool *exact)
{
    unsigned asked = XENMEMF_get_node(memflags);

    *ring = d ? d->node_affinity : hv_node_online;
    *exact = (memflags & MEMF_exact_node) != 0;
    if (asked < HV_MAX_NODES)
        return node(asked);
    *exact = false; /* no node asked for: nothing to be exact about */
    if (d && !nodemask_empty(*ring))
        return nodemask_cycle(d->last_alloc_node, *ring);
    return cpu_to_node(port_this_cpu());
}

static uint32_t search(const struct domain *d, unsigned memflags, unsigned lo, unsigned hi, unsigned order,
                       unsigned *zone, unsigned *found, node_id *where)
{
    nodemask_t ring, done = {0};
    bool exact;
    node_id n = first_node(d, memflags, &ring, &exact), start;
    uint32_t f = find_on_node(n.n, lo, hi, order, zone, found);

    *where = n;
    if (f != FRAME_NONE || exact)
        return f;
    /* A node outside of the ring was an extra; the ring then starts at its first. */
    nodemask_set(&done, n);
    start = nodemask_test(ring, n) ? nodemask_cycle(n, ring) : nodemask_first(ring);
    for (unsigned pass = 0; pass < 2; pass++) {
        n = start;
        for (unsigned k = nodemask_weight(ring); k > 0 && node_valid(n); k--, n = nodemask_cycle(n, ring)) {
            if (nodemask_test(done, n))
                continue;
            nodemask_set(&done, n);
            f = find_on_node(n.n, lo, hi, order, zone, found);
            if (f != FRAME_NONE) {
                *where = n;
                return f;
            }
        }
        ring.w = hv_node_online.w & ~done.w;
        start = nodemask_first(ring);
    }
    return FRAME_NONE;
}

static bool claims_allow(const struct domain *d, uint64_t request)
{
    return claims + request <= total_avail || (d && d->outstanding_pages >= request);
}

/* Take the free buddy f of order `have` off its list and cut it down to its highest 2^order frames. */
static uint32_t carve(uint32_t f, unsigned have, unsigned order, unsigned n, unsigned zone)
{
    struct frame *e = frame_at(f, have);

    extent_del(&heap[n][zone][have], f, e);
    e->state = FRAME_not_head;
    port_count(PERFC_heap_alloc, 1);
    if (have > order)
        port_count(PERFC_heap_split, have - order);
    while (have > order) {
        have--;
        put_free(f, have, n, zone);
        f += 1u << have;
    }
    return f;
}

uint32_t alloc_heap_pages(unsigned zone_lo, unsigned zone_hi, unsigned order, unsigned memflags, struct domain *d)
{
    uint64_t request = 1ull << order;
    unsigned zone, have;
    node_id n;

    if (order > MAX_ORDER)
        return FRAME_NONE;
    port_lock(&heap_lock);
    uint32_t f = FRAME_NONE;
    if (claims_allow(d, request))
        f = search(d, memflags, zone_lo, zone_hi, order, &zone, &have, &n);
    /* The halves that will be split off have their descriptors in the levels of these two. */
    if (f != FRAME_NONE && (!frame_table_ensure(f + (1u << have) - (1u << order), order)))
        f = FRAME_NONE;
    if (f == FRAME_NONE) {
        port_unlock(&heap_lock);
        return FRAME_NONE;
    }
    f = carve(f, have, order, n.n, zone);
    struct frame *e = frame_at(f, order);
    e->state = FRAME_inuse;
    e->order = (uint8_t)order;
    e->node = n.n;
    e->owner = 0;
    avail[n.n][zone] -= request;
    node_avail[n.n] -= request;
    total_avail -= request;
    if (d)
        d->last_alloc_node = n;
    port_unlock(&heap_lock);
    return f;
}

/* ---- freeing ------------------------------------------------------------------------------------------------------
 */

/* With the lock held. Descriptors of the level of `order` exist at f. */
static void free_locked(uint32_t f, unsigned order, unsigned n)
{
    unsigned zone = zone_of(f), merges = 0;

    avail[n][zone] += 1ull << order;
    node_avail[n] += 1ull << order;
    total_avail += 1ull << order;
    frame_at(f, order)->state = FRAME_not_head;
    while (order < MAX_ORDER) {
        uint32_t other = f ^ (1u << order);
        struct frame *b = frame_at(other, order);
        if (!b || b->state != FRAME_free || b->order != order || b->node != n)
            break;
        extent_del(&heap[n][zone][order], other, b);
        b->state = FRAME_not_head;
        if (other < f)
            f = other;
        order++;
        merges++;
        if (order == LEVEL_2M_ORDER || order == LEVEL_1G_ORDER)
            frame_table_release_below(f, order);
    }
    put_free(f, order, n, zone);
    port_count(PERFC_heap_free, 1);
    if (merges)
        port_count(PERFC_heap_merge, merges);
}

void free_heap_pages(uint32_t f, unsigned order)
{
    port_lock(&heap_lock);
    struct frame *e = frame_at(f, order);
    ASSERT(e && (e->state == FRAME_inuse || e->state == FRAME_xen) && e->order == order);
    free_locked(f, order, e->node);
    port_unlock(&heap_lock);
}

int split_extent(uint32_t f, unsigned order)
{
    uint32_t half = 1u << (order - 1);
    int rc = 0;

    port_lock(&heap_lock);
    if (!frame_table_ensure(f, order - 1) || !frame_table_ensure(f + half, order - 1)) {
        rc = -HV_ENOMEM;
    } else {
        struct frame whole = *frame_at(f, order);
        frame_at(f, order)->state = FRAME_not_head;
        whole.order = (uint8_t)(order - 1);
        whole.next = whole.prev = FRAME_NONE;
        *frame_at(f, order - 1) = whole;
        *frame_at(f + half, order - 1) = whole;
    }
    port_unlock(&heap_lock);
    return rc;
}

/* ---- boot ---------------------------------------------------------------------------------------------------------
 */

/*
 * Free one range. Xen frees page by page in ascending order; freeing the maximal aligned blocks in ascending order
 * leaves the same lists, because pages inside such a block can only merge with each other until it is whole.
 */
static int free_range(const struct hv_mem_range *r)
{
    uint64_t f = r->start_mfn;

    while (f < r->end_mfn) {
        unsigned order = f ? hv_min_u(hv_ffs64(f), MAX_ORDER) : MAX_ORDER;
        while (f + (1ull << order) > r->end_mfn)
            order--;
        if (!frame_table_ensure(f, order))
            return -HV_ENOMEM;
        free_locked((uint32_t)f, order, r->node.n);
        node_size[r->node.n] += 1ull << order;
        total_size += 1ull << order;
        f += 1ull << order;
    }
    return 0;
}

int heap_init(void)
{
    unsigned nr = numa_nr_ranges(), first = nr;
    int rc = 0;

    heap_lock = (struct hv_lock)HV_LOCK_INIT("heap");
    frame_table_reset();
    __builtin_memset(avail, 0, sizeof(avail));
    __builtin_memset(node_avail, 0, sizeof(node_avail));
    __builtin_memset(node_size, 0, sizeof(node_size));
    total_avail = total_size = claims = 0;
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        for (unsigned z = 0; z < NR_ZONES; z++)
            for (unsigned o = 0; o <= MAX_ORDER; o++)
                extent_list_init(&heap[n][z][o]);

    if (!frame_table_covers(numa_range(nr - 1)->end_mfn)) {
        hv_printk("Memory up to %llu GiB cannot be described\n",
                  (unsigned long long)(numa_range(nr - 1)->end_mfn >> LEVEL_1G_ORDER));
        return -HV_E2BIG;
    }
    /* First a range on pCPU 0's node, then the others from the highest down. */
    for (unsigned i = 0; i < nr && first == nr; i++)
        if (node_eq(numa_range(i)->node, cpu_to_node(pcpu(0))))
            first = i;
    if (first < nr)
        rc = free_range(numa_range(first));
    for (unsigned i = nr; i-- > 0 && !rc;)
        if (i != first)
            rc = free_range(numa_range(i));
    return rc;
}

/* ---- counters and claims ------------------------------------------------------------------------------------------
 */

uint64_t avail_pages(void)
{
    return total_avail;
}

uint64_t avail_node_pages(node_id n)
{
    return node_avail[n.n];
}

uint64_t node_size_pages(node_id n)
{
    return node_size[n.n];
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
        claims -= d->outstanding_pages;
        d->outstanding_pages = 0;
    } else if (d->outstanding_pages || pages <= d->tot_pages || pages > d->max_pages) {
        rc = -HV_EINVAL;
    } else if (pages - d->tot_pages > total_avail - claims) {
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
    uint64_t used = d->outstanding_pages < pages ? d->outstanding_pages : pages;
    d->outstanding_pages -= used;
    claims -= used;
    port_unlock(&heap_lock);
}

void heap_claim_returned(struct domain *d, uint64_t pages)
{
    if (!d->outstanding_pages || d->is_dying || !quirk(claim_at_assign))
        return;
    port_lock(&heap_lock);
    d->outstanding_pages += pages;
    claims += pages;
    port_unlock(&heap_lock);
}

/* ---- invariants ---------------------------------------------------------------------------------------------------
 */

static const char *check_list(unsigned n, unsigned z, unsigned o, uint64_t *pages)
{
    uint32_t prev = FRAME_NONE;

    for (uint32_t f = heap[n][z][o].head; f != FRAME_NONE;) {
        const struct frame *e = frame_at(f, o);
        if (!e || e->state != FRAME_free || e->order != o || e->node != n || e->prev != prev)
            return "heap: an element of a free list is not a free buddy of its node and order";
        if (f & ((1u << o) - 1))
            return "heap: a free buddy is not aligned to its order";
        if (zone_of(f) != z)
            return "heap: a free buddy is in a foreign zone";
        const struct frame *b = o < MAX_ORDER ? frame_at(f ^ (1u << o), o) : NULL;
        if (b && b->state == FRAME_free && b->order == o && b->node == n)
            return "heap: two free buddies are not merged";
        *pages += 1ull << o;
        if (*pages > total_size)
            return "heap: a free list does not end";
        prev = f;
        f = e->next;
    }
    return prev == heap[n][z][o].tail ? NULL : "heap: the tail of a free list is wrong";
}

const char *heap_check(void)
{
    uint64_t total = 0;

    for (unsigned n = 0; n < HV_MAX_NODES; n++) {
        uint64_t on_node = 0;
        for (unsigned z = 0; z < NR_ZONES; z++) {
            uint64_t pages = 0;
            for (unsigned o = 0; o <= MAX_ORDER; o++) {
                const char *broken = check_list(n, z, o, &pages);
                if (broken)
                    return broken;
            }
            if (pages != avail[n][z])
                return "heap: a zone's counter differs from its lists";
            on_node += pages;
        }
        if (on_node != node_avail[n])
            return "heap: a node's counter differs from its zones";
        total += on_node;
    }
    if (total != total_avail)
        return "heap: the total differs from the nodes";
    return claims <= total_avail ? NULL : "heap: more is claimed than free";
}
