/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages that are set aside: taken from the heap for nobody, so that a host can be given the free memory of another one
 * (a recorded one, for instance, whose firmware, hypervisor and dom0 had taken what these pages stand for). They are
 * allocated as the hypervisor's own pages are, with the same rule about what is kept back for devices, and freed as
 * such; no domain owns them.
 *
 * The caller names what is to be free, not what is to be taken: an operation that was preempted is done again.
 *
 * State: for each node a list of the extents set aside, those that were taken last at its tail; they go back first. The
 * caller's lock (sysctl) guards it.
 */
#include "mm/heap.h"

#include <hv/lib.h>
#include <hv/softirq.h>

/* Fewer pages than a superpage are taken one by one, from what is split already, as the hypervisor takes its own. */
#define LEAST_ORDER ORDER_2M

static struct extent_list aside[HV_MAX_NODES];

void set_aside_init(void)
{
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        extent_list_init(&aside[n]);
}

static uint64_t free_pages(node_id n, unsigned zone)
{
    return zone == HV_ANY_ZONE ? avail_node_pages(n) : avail_zone_pages(n, zone);
}

static uint64_t take(node_id n, unsigned zone, unsigned order, unsigned memflags)
{
    memflags |= MEMF_node(n) | MEMF_exact_node;
    if (zone != HV_ANY_ZONE)
        return alloc_heap_pages(zone, zone, order, memflags, NULL);
    mfn_t m = alloc_domheap_pages(NULL, order, memflags);
    return mfn_eq(m, MFN_INVALID) ? FRAME_NONE : m.n;
}

/* Take at most this many, in the largest extents that there are. -HV_ERESTART in the middle of it. */
static int take_pages(node_id n, unsigned zone, uint64_t pages, unsigned memflags)
{
    for (unsigned order = hv_min_u(hv_fls64(pages), MAX_ORDER); pages;) {
        if ((1ull << order) > pages || (order && order < LEAST_ORDER)) {
            order = order > LEAST_ORDER ? order - 1 : 0;
            continue;
        }
        if (hypercall_preempt_check())
            return -HV_ERESTART;
        uint64_t f = take(n, zone, order, memflags);
        if (f != FRAME_NONE) {
            extent_list_add_tail(&aside[n.n], link_to(f, order), frame_at(f, order));
            pages -= 1ull << order;
        } else if (order) {
            order--;
        } else {
            return -HV_ENOMEM;
        }
    }
    return 0;
}

/* The last extent that was set aside among frames from..to; LINK_NONE. */
static extent_link last_between(node_id n, uint64_t from, uint64_t to)
{
    extent_link l = aside[n.n].tail;
    while (l != LINK_NONE && (link_frame(l) < from || link_frame(l) > to))
        l = frame_prev(frame_of_link(l));
    return l;
}

/* What is kept back for devices is given back last, as it is taken last. */
static extent_link pick(node_id n, unsigned zone)
{
    if (zone != HV_ANY_ZONE)
        return last_between(n, 1ull << zone, (2ull << zone) - 1);
    uint64_t low = dma_bitsize() > PAGE_SHIFT ? 1ull << (dma_bitsize() - PAGE_SHIFT) : 0;
    extent_link l = last_between(n, low, ~0ull);
    return l == LINK_NONE ? aside[n.n].tail : l;
}

static int give_pages(node_id n, unsigned zone, uint64_t pages)
{
    while (pages) {
        extent_link l = pick(n, zone);
        if (l == LINK_NONE)
            return -HV_ENOMEM;
        if (hypercall_preempt_check())
            return -HV_ERESTART;
        struct frame *e = frame_of_link(l);
        unsigned order = e->order;
        if ((1ull << order) > pages) {
            int rc = heap_halve(&aside[n.n], link_frame(l), order);
            if (rc)
                return rc;
            continue;
        }
        extent_list_del(&aside[n.n], e);
        free_heap_pages(link_frame(l), order);
        pages -= 1ull << order;
    }
    return 0;
}

int set_aside(node_id n, unsigned zone, uint64_t keep_free)
{
    if (!node_valid(n) || n.n >= HV_MAX_NODES || !nodemask_test(hv_node_online, n) ||
        (zone != HV_ANY_ZONE && zone >= NR_ZONES))
        return -HV_EINVAL;
    uint64_t is = free_pages(n, zone);
    if (is < keep_free)
        return give_pages(n, zone, keep_free - is);
    /* All that devices do not need first, whatever its size. */
    int rc = is > keep_free ? take_pages(n, zone, is - keep_free, MEMF_no_dma) : 0;
    is = free_pages(n, zone);
    return rc == -HV_ENOMEM && is > keep_free ? take_pages(n, zone, is - keep_free, 0) : rc;
}
