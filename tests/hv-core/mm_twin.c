/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mm_twin.h"

#include <stdio.h>
#include <stdlib.h>

struct page {
    unsigned next, prev;
    int free_order; /* of the free buddy that begins here, -1: none does */
    int node;       /* -1: no RAM */
};

struct list {
    unsigned head, tail;
};

static struct page *pages;
static unsigned nr_pages;
static struct list lists[HV_MAX_NODES][NR_ZONES][MAX_ORDER + 1];
static unsigned long long free_in[HV_MAX_NODES][NR_ZONES];

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

static void append(unsigned f, unsigned order)
{
    struct list *l = list_of(f, order);
    pages[f].free_order = (int)order;
    pages[f].next = TWIN_NONE;
    pages[f].prev = l->tail;
    if (l->tail == TWIN_NONE)
        l->head = f;
    else
        pages[l->tail].next = f;
    l->tail = f;
}

static void unlink_page(unsigned f, unsigned order)
{
    struct list *l = list_of(f, order);
    struct page *p = &pages[f];
    *(p->prev == TWIN_NONE ? &l->head : &pages[p->prev].next) = p->next;
    *(p->next == TWIN_NONE ? &l->tail : &pages[p->next].prev) = p->prev;
    p->free_order = -1;
}

static void free_page(unsigned f)
{
    unsigned order = 0;
    int node = pages[f].node;
    free_in[node][zone_of(f)]++;
    for (; order < MAX_ORDER; order++) {
        unsigned buddy = f ^ (1u << order);
        if (buddy >= nr_pages || pages[buddy].node != node || pages[buddy].free_order != (int)order)
            break;
        unlink_page(buddy, order);
        f = f < buddy ? f : buddy;
    }
    append(f, order);
}

void twin_free(unsigned f, unsigned order)
{
    for (unsigned i = 0; i < 1u << order; i++)
        free_page(f + i);
}

static void free_range(const struct hv_mem_range *r)
{
    for (uint64_t f = r->start_mfn; f < r->end_mfn; f++)
        free_page((unsigned)f);
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

static unsigned alloc_on(unsigned node, unsigned order, unsigned lo, unsigned hi)
{
    for (int z = (int)hi; z >= (int)lo; z--) {
        if (free_in[node][z] < 1ull << order)
            continue;
        unsigned j = order;
        while (j <= MAX_ORDER && lists[node][z][j].head == TWIN_NONE)
            j++;
        if (j > MAX_ORDER)
            continue;
        unsigned f = lists[node][z][j].head;
        unlink_page(f, j);
        while (j > order) {
            j--;
            append(f, j);
            f += 1u << j;
        }
        free_in[node][z] -= 1ull << order;
        return f;
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
    for (unsigned i = 1; i <= 64; i++)
        if ((mask >> ((start + i) % 64)) & 1)
            out[n++] = (start + i) % 64;
    for (unsigned i = 0; i < 64; i++)
        if ((hv_node_online.w & ~mask) >> i & 1)
            out[n++] = i;
    return n;
}

unsigned twin_alloc(struct domain *d, unsigned order, unsigned memflags, unsigned lo, unsigned hi, unsigned here)
{
    unsigned order_of_nodes[3 * HV_MAX_NODES];
    unsigned n = candidates(d, memflags, here, order_of_nodes);
    for (unsigned i = 0; i < n; i++) {
        unsigned f = alloc_on(order_of_nodes[i], order, lo, hi);
        if (f == TWIN_NONE)
            continue;
        if (d)
            d->last_alloc_node = node(order_of_nodes[i]);
        return f;
    }
    return TWIN_NONE;
}

const char *twin_compare(void)
{
    static char text[160];
    for (unsigned n = 0; n < HV_MAX_NODES; n++) {
        if (!nodemask_test(hv_node_online, node(n)))
            continue;
        for (unsigned z = 0; z < NR_ZONES; z++)
            for (unsigned o = 0; o <= MAX_ORDER; o++) {
                extent_link l = heap_list(n, z, o)->head;
                unsigned f = lists[n][z][o].head, at = 0;
                for (; l != LINK_NONE && f != TWIN_NONE && link_frame(l) == f; at++) {
                    l = frame_next(frame_of_link(l));
                    f = pages[f].next;
                }
                if (l == LINK_NONE && f == TWIN_NONE)
                    continue;
                snprintf(text, sizeof(text), "node %u zone %u order %u, element %u: heap %llx, twin %x", n, z, o, at,
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
