/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that scrubs all of its memory as it starts demands more than it may have, before its balloon driver can give
 * anything back. What it has only zeroed can be taken from it again: it cannot tell a zero page from one that it has
 * not touched. Every such page is one more in the cache and one more entry: what is owed stays the same.
 *
 * Only pages that are the guest's alone count; what others refer to may be written to behind its back. Whether a page
 * is zero is the port's to say: the core does not look into guest frames.
 */
#include "mm/pod.h"

#include <hv/lib.h>
#include <hv/trace.h>

#define PAGES_2M (1ull << ORDER_2M)

static bool its_alone(struct domain *d, uint64_t f, unsigned order)
{
    port_lock(&d->page_alloc_lock);
    bool alone = page_ref_next(d, f, f + (1ull << order)) == FRAME_NONE;
    port_unlock(&d->page_alloc_lock);
    return alone;
}

/* The entry becomes one to be populated, the pages go to the cache. Where descriptors or tables are short they stay. */
static bool take_back(struct domain *d, uint64_t g, uint64_t f, unsigned order)
{
    struct pod *pod = d->pod;

    if (p2m_prepare(d, g, order) || domain_isolate(d, f, order))
        return false;
    trace_mem_frame(TRC_MEM_POD_ZERO_RECLAIM, d, g, f, order);
    p2m_set_pod(d, g, order);
    pod->entry_count += 1ull << order;
    pod_cache_add(d, f, order);
    return true;
}

void pod_zero_check(struct domain *d, const uint64_t *g, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned order;
        uint64_t f;
        if (p2m_query(d, g[i], &f, &order) == P2M_ram && port_pages_zero(mfn(f), 0) && its_alone(d, f, 0))
            take_back(d, g[i], f, 0);
    }
}

bool pod_zero_check_superpage(struct domain *d, uint64_t g)
{
    uint64_t first, f;
    unsigned order;

    if (g & (PAGES_2M - 1) || p2m_query(d, g, &first, &order) != P2M_ram || first & (PAGES_2M - 1))
        return false;
    /* One entry, or 512 that follow each other. */
    for (uint64_t i = 0; order < ORDER_2M && i < PAGES_2M; i++)
        if (p2m_query(d, g + i, &f, &order) != P2M_ram || f != first + i)
            return false;
    return its_alone(d, first, ORDER_2M) && port_pages_zero(mfn(first), ORDER_2M) && take_back(d, g, first, ORDER_2M);
}

void pod_check_last_super(struct domain *d, uint64_t g)
{
    struct pod *pod = d->pod;
    uint64_t oldest = pod->last_populated[pod->last_index];

    pod->last_populated[pod->last_index] = g + 1;
    pod->last_index = (pod->last_index + 1) % POD_HISTORY_MAX;
    if (oldest)
        pod_zero_check_superpage(d, oldest - 1);
}

/* Single pages, downward from where the last sweep ended. Past the limit it ends with the first success. */
static void sweep(struct domain *d)
{
    struct pod *pod = d->pod;
    uint64_t start = pod->reclaim_single ? pod->reclaim_single : pod->max_guest;
    uint64_t limit = start > POD_SWEEP_LIMIT ? start - POD_SWEEP_LIMIT : 0;
    uint64_t batch[POD_SWEEP_STRIDE] = {0}, i;
    unsigned n = 0;

    for (i = start; i > 0; i--) {
        unsigned order;
        uint64_t f;
        if (p2m_query(d, i, &f, &order) == P2M_ram) {
            batch[n++] = i;
            if (n == POD_SWEEP_STRIDE) {
                pod_zero_check(d, batch, n);
                n = 0;
            }
        } else {
            i &= ~((1ull << order) - 1); /* the first of those that are all the same */
            if (!i)
                break;
        }
        if (pod->count > 0 && i < limit)
            break;
    }
    pod_zero_check(d, batch, n);
    pod->reclaim_single = i ? i - 1 : 0;
}

void pod_emergency_sweep(struct domain *d)
{
    struct pod *pod = d->pod;

    sweep(d);
    for (unsigned i = 0; i < POD_HISTORY_MAX && !pod->count; i++)
        if (pod->last_populated[i])
            pod_zero_check_superpage(d, pod->last_populated[i] - 1);
}
