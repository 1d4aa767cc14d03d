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

/* The last extent of that order or above that was set aside among frames from..to; LINK_NONE. */
static extent_link last_between(node_id n, uint64_t from, uint64_t to, unsigned least_order)
{
    extent_link l = aside[n.n].tail;
    while (l != LINK_NONE && (link_frame(l) < from || link_frame(l) > to || frame_of_link(l)->order < least_order))
        l = frame_prev(frame_of_link(l));
    return l;
}

/*
 * What is kept back for devices is given back last, as it is taken last. A superpage that is to come back comes back in
 * one piece if there is one.
 */
static extent_link pick(node_id n, unsigned zone, uint64_t pages)
{
    uint64_t from = 0, to = ~0ull;
    if (zone != HV_ANY_ZONE) {
        from = 1ull << zone;
        to = (2ull << zone) - 1;
    } else if (dma_bitsize() > PAGE_SHIFT) {
        from = 1ull << (dma_bitsize() - PAGE_SHIFT);
    }
    extent_link l = LINK_NONE;
    if (pages >> LEAST_ORDER)
        l = last_between(n, from, to, LEAST_ORDER);
    if (l == LINK_NONE)
        l = last_between(n, from, to, 0);
    return l == LINK_NONE && zone == HV_ANY_ZONE ? aside[n.n].tail : l;
}

static int give_pages(node_id n, unsigned zone, uint64_t pages)
{
    while (pages) {
        extent_link l = pick(n, zone, pages);
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

/* Take some pages of a superpage, and leave the rest of it free. */
static int break_superpage(node_id n, unsigned zone, uint64_t pages)
{
    uint64_t f = take(n, zone, LEAST_ORDER, 0);
    if (f == FRAME_NONE)
        return take_pages(n, zone, pages, 0);
    extent_list_add_tail(&aside[n.n], link_to(f, LEAST_ORDER), frame_at(f, LEAST_ORDER));
    return give_pages(n, zone, (1ull << LEAST_ORDER) - pages);
}

/*
 * Of a zone: what was taken at boot. It lies in more pieces than one, so what is less than a superpage comes from two
 * of them. (Recorded heaps have 0 to 3 superpages fewer than their free pages would make.)
 */
static int take_of_zone(node_id n, unsigned zone, uint64_t pages)
{
    uint64_t odd = pages % (1ull << LEAST_ORDER);
    int rc = pages > odd ? take_pages(n, zone, pages - odd, 0) : 0;
    if (!rc && odd > 1)
        rc = break_superpage(n, zone, odd / 2);
    if (!rc && odd)
        rc = break_superpage(n, zone, odd - odd / 2 * (odd > 1));
    return rc;
}

int set_aside(node_id n, unsigned zone, uint64_t keep_free)
{
    if (!node_valid(n) || n.n >= HV_MAX_NODES || !nodemask_test(hv_node_online, n) ||
        (zone != HV_ANY_ZONE && zone >= NR_ZONES))
        return -HV_EINVAL;
    uint64_t is = free_pages(n, zone);
    if (is < keep_free)
        return give_pages(n, zone, keep_free - is);
    if (is > keep_free && zone != HV_ANY_ZONE)
        return take_of_zone(n, zone, is - keep_free);
    /* All that devices do not need first, whatever its size. */
    int rc = is > keep_free ? take_pages(n, zone, is - keep_free, MEMF_no_dma) : 0;
    is = free_pages(n, zone);
    return rc == -HV_ENOMEM && is > keep_free ? take_pages(n, zone, is - keep_free, 0) : rc;
}
