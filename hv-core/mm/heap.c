/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The buddy heap: heap[node][zone][order] is a list of free buddies. Units: frames of 4 KiB. The rules of Xen:
 *
 *   allocate   The head of the first list that has something, zones from high to low, orders upward. While it is too
 *              large: its lower half back to the list below, go on with the upper half. (heap_alloc.c)
 *   free       Merge with the buddy (frame xor 2^order) while that is free, of the same order and of the same node; the
 *              result to its list. (heap_free.c)
 *   node       The one asked for; else the next after the domain's last inside its node affinity; else the executing
 *              pCPU's. Then the others of the affinity in a ring, then the nodes outside of it in ascending order.
 *              Distances never matter.
 *
 * At 4.3 all that is put on a list goes to its tail, and what must not be seen by others is scrubbed while it is freed.
 * From 4.10 on freed pages are marked (need_scrub), and idle pCPUs scrub them (scrub.c). A buddy with such pages has a
 * first_dirty, before which there is none, and goes to the tail; a clean one goes to the head. Who allocates looks for
 * a clean buddy on all nodes first (a single page may be dirty), putting dirty heads back at the tail on the way, and
 * then takes a dirty one and scrubs it, after the lock is released.
 *
 * Buddies never cross a zone, because zones are powers of two, nor a node, because merging looks.
 *
 * Invariants, whenever the lock is free: avail[node][zone] = frames on its lists; node and machine totals are their
 * sums; a free buddy's buddy is not free at the same order; on a list all clean buddies are before all dirty ones; no
 * page of a clean buddy is to be scrubbed, and none before first_dirty of a dirty one; node_need_scrub = such pages of
 * the node's buddies, and those that were allocated and are just being scrubbed.
 *
 * A claim keeps pages for its domain: nobody else gets what would leave fewer free than are claimed, on the host or,
 * for a claim on one node, on that node. It shrinks with what the domain gets, there.
 *
 * This file has the state, the counters and the claims.
 */
#include "mm/heap_priv.h"

struct hv_lock heap_lock;
struct extent_list heap[HV_MAX_NODES][NR_ZONES][MAX_ORDER + 1];
uint64_t avail[HV_MAX_NODES][NR_ZONES];
uint64_t zones_used[HV_MAX_NODES];
uint32_t orders_used[HV_MAX_NODES][NR_ZONES];
uint64_t node_avail[HV_MAX_NODES], node_size[HV_MAX_NODES];
uint64_t total_avail, total_size, claims, node_claims[HV_MAX_NODES];
uint64_t node_need_scrub[HV_MAX_NODES];
uint64_t nr_dirty_buddies, scrub_in_hand;
bool one_end;

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

uint64_t node_outstanding_claims(node_id n)
{
    return node_valid(n) ? node_claims[n.n] : 0;
}

uint64_t need_scrub_pages(node_id n)
{
    return node_valid(n) ? node_need_scrub[n.n] : 0;
}

const struct extent_list *heap_list(unsigned n, unsigned zone, unsigned order)
{
    return &heap[n][zone][order];
}

/* ---- claims -------------------------------------------------------------------------------------------------------
 */

void claim_shrink(struct domain *d, uint64_t pages)
{
    uint64_t used = d->outstanding_pages < pages ? d->outstanding_pages : pages;
    d->outstanding_pages -= used;
    claims -= used;
    if (node_valid(d->claim_node))
        node_claims[d->claim_node.n] -= used;
    if (!d->outstanding_pages)
        d->claim_node = NODE_INVALID;
}

/* So many pages more can be claimed: on the host, and on node n if it is one. */
static bool can_claim(uint64_t pages, node_id n)
{
    return claims + pages <= total_avail && (!node_valid(n) || node_claims[n.n] + pages <= node_avail[n.n]);
}

int heap_set_claim(struct domain *d, uint64_t pages, node_id n)
{
    int rc = 0;

    port_lock(&heap_lock);
    if (pages == 0) {
        claim_shrink(d, d->outstanding_pages);
    } else if (d->outstanding_pages || pages <= d->tot_pages || pages > d->max_pages) {
        rc = -HV_EINVAL;
    } else if (!can_claim(pages - d->tot_pages, n)) {
        rc = -HV_ENOMEM;
    } else {
        d->outstanding_pages = pages - d->tot_pages;
        d->claim_node = n;
        claims += d->outstanding_pages;
        if (node_valid(n))
            node_claims[n.n] += d->outstanding_pages;
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
    ASSERT(!node_valid(d->claim_node)); /* no level has both */
    d->outstanding_pages += pages;
    claims += pages;
    port_unlock(&heap_lock);
}
