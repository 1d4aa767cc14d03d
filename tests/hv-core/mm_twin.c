/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mm_twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct page {
    unsigned next, prev;
    int free_order; /* of the free buddy that begins here, -1: none does */
    int node;       /* -1: no RAM */
    bool need_scrub;
    unsigned first_dirty; /* of the free buddy that begins here; INVALID_DIRTY_IDX: it is clean */
};

nodemask_t twin_nodes = {~0ull};

struct list {
    unsigned head, tail;
};

static struct page *pages;
static unsigned nr_pages;
static struct list lists[HV_MAX_NODES][NR_ZONES][MAX_ORDER + 1];
static unsigned long long free_in[HV_MAX_NODES][NR_ZONES], to_scrub[HV_MAX_NODES];

static unsigned zone_of(unsigned f)
{
    unsigned z = 0;
    while (f >>= 1)
        z++;
    return z;
}

static struct list *list_of(unsigned f, unsigned order)
{
    return &lists[pages[f].node][zone_of(f)][order];
}

static void add_tail(struct list *l, unsigned f)
{
    pages[f].next = TWIN_NONE;
    pages[f].prev = l->tail;
    *(l->tail == TWIN_NONE ? &l->head : &pages[l->tail].next) = f;
    l->tail = f;
}

static void add_head(struct list *l, unsigned f)
{
    pages[f].prev = TWIN_NONE;
    pages[f].next = l->head;
    *(l->head == TWIN_NONE ? &l->tail : &pages[l->head].prev) = f;
    l->head = f;
}

/* A free buddy, to the end of its list where it belongs. */
static void put(unsigned f, unsigned order, unsigned first_dirty)
{
    pages[f].free_order = (int)order;
    pages[f].first_dirty = first_dirty;
    if (quirk(heap_one_end) || first_dirty != INVALID_DIRTY_IDX)
        add_tail(list_of(f, order), f);
    else
        add_head(list_of(f, order), f);
}

static void unlink_page(unsigned f, unsigned order)
{
    struct list *l = list_of(f, order);
    struct page *p = &pages[f];
    *(p->prev == TWIN_NONE ? &l->head : &pages[p->prev].next) = p->next;
    *(p->next == TWIN_NONE ? &l->tail : &pages[p->next].prev) = p->prev;
    p->free_order = -1;
}

static void free_page(unsigned f, bool dirty)
{
    unsigned order = 0, first_dirty = dirty ? 0 : INVALID_DIRTY_IDX;
    int node = pages[f].node;

    free_in[node][zone_of(f)]++;
    pages[f].need_scrub = dirty;
    to_scrub[node] += dirty;
    for (; order < MAX_ORDER; order++) {
        unsigned buddy = f ^ (1u << order);
        if (buddy >= nr_pages || pages[buddy].node != node || pages[buddy].free_order != (int)order)
            break;
        unlink_page(buddy, order);
        unsigned low = f < buddy ? first_dirty : pages[buddy].first_dirty;
        unsigned high = f < buddy ? pages[buddy].first_dirty : first_dirty;
        first_dirty = low != INVALID_DIRTY_IDX ? low : high != INVALID_DIRTY_IDX ? high + (1u << order) : high;
        f = f < buddy ? f : buddy;
    }
    put(f, order, first_dirty);
}

void twin_free(unsigned f, unsigned order)
{
    for (unsigned i = 0; i < 1u << order; i++)
        free_page(f + i, false);
}

void twin_free_dirty(unsigned f, unsigned order)
{
    for (unsigned i = 0; i < 1u << order; i++)
        free_page(f + i, !quirk(heap_one_end));
}

static void free_range(const struct hv_mem_range *r)
{
    for (uint64_t f = r->start_mfn; f < r->end_mfn; f++)
        free_page((unsigned)f, bootscrub_idle());
}

void twin_boot(unsigned first_node)
{
    unsigned nr = numa_nr_ranges(), first = nr;
    twin_end();
    nr_pages = (unsigned)numa_range(nr - 1)->end_mfn;
    pages = calloc(nr_pages, sizeof(*pages));
    if (!pages)
        abort();
    for (unsigned f = 0; f < nr_pages; f++)
        pages[f].node = pages[f].free_order = -1;
    memset(to_scrub, 0, sizeof(to_scrub));
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        for (unsigned z = 0; z < NR_ZONES; z++) {
            free_in[n][z] = 0;
            for (unsigned o = 0; o <= MAX_ORDER; o++)
                lists[n][z][o] = (struct list){TWIN_NONE, TWIN_NONE};
        }
    for (unsigned i = 0; i < nr; i++) {
        if (first == nr && numa_range(i)->node.n == first_node)
            first = i;
        for (uint64_t f = numa_range(i)->start_mfn; f < numa_range(i)->end_mfn; f++)
            pages[f].node = numa_range(i)->node.n;
    }
    if (first < nr)
        free_range(numa_range(first));
    for (unsigned i = nr; i > 0; i--)
        if (i - 1 != first)
            free_range(numa_range(i - 1));
}

static void take_pages(unsigned f, unsigned order)
{
    for (unsigned i = 0; i < 1u << order; i++) {
        to_scrub[pages[f].node] -= pages[f + i].need_scrub;
        pages[f + i].need_scrub = false;
    }
    free_in[pages[f].node][zone_of(f)] -= 1ull << order;
}

/* The head of that list, cut down to its highest 2^order pages. */
static unsigned cut(struct list *l, unsigned have, unsigned order)
{
    unsigned f = l->head, dirty = pages[f].first_dirty;

    unlink_page(f, have);
    while (have > order) {
        have--;
        unsigned half = 1u << have;
        put(f, have, dirty < half ? dirty : INVALID_DIRTY_IDX);
        f += half;
        if (dirty != INVALID_DIRTY_IDX)
            dirty = dirty >= half ? dirty - half : 0;
    }
    take_pages(f, order);
    return f;
}

/* take: else the search is made, and nothing else. */
static unsigned alloc_on(unsigned node, unsigned order, unsigned lo, unsigned hi, bool any, bool take)
{
    for (int z = (int)hi; z >= (int)lo; z--) {
        if (free_in[node][z] < 1ull << order)
            continue;
        for (unsigned j = order; j <= MAX_ORDER; j++) {
            struct list *l = &lists[node][z][j];
            unsigned f = l->head;
            if (f == TWIN_NONE)
                continue;
            if (any || order == 0 || pages[f].first_dirty == INVALID_DIRTY_IDX)
                return take ? cut(l, j, order) : f;
            unsigned dirty = pages[f].first_dirty;
            unlink_page(f, j);
            pages[f].free_order = (int)j;
            pages[f].first_dirty = dirty;
            add_tail(l, f);
        }
    }
    return TWIN_NONE;
}

/* The nodes in the order in which they are tried, some of them perhaps twice. */
static unsigned candidates(const struct domain *d, unsigned memflags, unsigned here, unsigned out[3 * HV_MAX_NODES])
{
    uint64_t mask = d ? d->node_affinity.w : hv_node_online.w;
    unsigned n = 0, asked = ((memflags >> 8) & 0xff) - 1, start;
    if (asked != ~0u) {
        out[n++] = asked;
        if (memflags & MEMF_exact_node)
            return n;
        start = (mask >> asked) & 1 ? asked : 63; /* outside: the ring from its first */
    } else if (d) {
        start = d->last_alloc_node.n;
    } else {
        out[n++] = start = here;
    }
    /* Once round, and not back to where it began. */
    for (unsigned i = 1; i <= 64; i++)
        if (((mask >> ((start + i) % 64)) & 1) && !(n && out[0] == (start + i) % 64))
            out[n++] = (start + i) % 64;
    for (unsigned i = 0; i < 64; i++)
        if ((hv_node_online.w & ~mask) >> i & 1)
            out[n++] = i;
    return n;
}

static unsigned search(struct domain *d, unsigned order, unsigned memflags, unsigned lo, unsigned hi, unsigned here,
                       bool take)
{
    unsigned order_of_nodes[3 * HV_MAX_NODES];
    unsigned n = candidates(d, memflags, here, order_of_nodes);
    for (unsigned any = (memflags & MEMF_no_scrub) != 0; any <= 1; any++)
        for (unsigned i = 0; i < n; i++) {
            if (!nodemask_test(twin_nodes, node(order_of_nodes[i])))
                continue;
            unsigned f = alloc_on(order_of_nodes[i], order, lo, hi, any, take);
            if (f == TWIN_NONE)
                continue;
            if (d && take)
                d->last_alloc_node = node(order_of_nodes[i]);
            return f;
        }
    return TWIN_NONE;
}

unsigned twin_alloc(struct domain *d, unsigned order, unsigned memflags, unsigned lo, unsigned hi, unsigned here)
{
    return search(d, order, memflags, lo, hi, here, true);
}

void twin_refused(struct domain *d, unsigned order, unsigned memflags, unsigned lo, unsigned hi, unsigned here)
{
    (void)search(d, order, memflags, lo, hi, here, false);
}

void twin_scrub(unsigned n)
{
    for (unsigned z = 0; z < NR_ZONES; z++)
        for (int o = MAX_ORDER; o >= 0 && to_scrub[n]; o--) {
            struct list *l = &lists[n][z][o];
            while (to_scrub[n] && l->tail != TWIN_NONE && pages[l->tail].first_dirty != INVALID_DIRTY_IDX) {
                unsigned f = l->tail;
                for (unsigned i = 0; i < 1u << o; i++) {
                    to_scrub[n] -= pages[f + i].need_scrub;
                    pages[f + i].need_scrub = false;
                }
                unlink_page(f, (unsigned)o);
                put(f, (unsigned)o, INVALID_DIRTY_IDX);
            }
        }
}

/* first_dirty, and from there on every page. (That a clean one has none, the nodes' sums say.) */
static bool same_dirt(extent_link l, unsigned f, unsigned order)
{
    unsigned first = frame_first_dirty(frame_of_link(l));

    if (first != pages[f].first_dirty)
        return false;
    for (unsigned i = 0; first != INVALID_DIRTY_IDX && i < 1u << order; i++)
        if ((first <= i && need_scrub_count(f + i, f + i + 1)) != pages[f + i].need_scrub)
            return false;
    return true;
}

const char *twin_compare(void)
{
    static char text[160];
    for (unsigned n = 0; n < HV_MAX_NODES; n++) {
        if (!nodemask_test(hv_node_online, node(n)))
            continue;
        if (need_scrub_pages(node(n)) != to_scrub[n]) {
            snprintf(text, sizeof(text), "node %u: %llu pages to be scrubbed, twin %llu", n,
                     (unsigned long long)need_scrub_pages(node(n)), to_scrub[n]);
            return text;
        }
        for (unsigned z = 0; z < NR_ZONES; z++)
            for (unsigned o = 0; o <= MAX_ORDER; o++) {
                extent_link l = heap_list(n, z, o)->head;
                unsigned f = lists[n][z][o].head, at = 0;
                for (; l != LINK_NONE && f != TWIN_NONE && link_frame(l) == f && same_dirt(l, f, o); at++) {
                    l = frame_next(frame_of_link(l));
                    f = pages[f].next;
                }
                if (l == LINK_NONE && f == TWIN_NONE)
                    continue;
                snprintf(text, sizeof(text),
                         "node %u zone %u order %u, element %u: heap %llx, twin %x, or their dirty pages", n, z, o, at,
                         l == LINK_NONE ? ~0ull : (unsigned long long)link_frame(l), f);
                return text;
            }
    }
    return NULL;
}

void twin_end(void)
{
    free(pages);
    pages = NULL;
}
