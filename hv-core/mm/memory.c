/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory hypercalls, and dom0's memory. Each call handles one extent after the other and can be continued after
 * any of them; an extent is done wholly or not at all. Lock order: p2m, page_alloc, heap.
 */
#include "mm/heap.h"

#include <hv/lib.h>
#include <hv/sched.h>
#include <hv/softirq.h>

#define MAX_ORDER_GUEST ORDER_2M /* larger extents only for a caller with access to hardware: dom0 */
#define MEM_FLAGS_VALID (XENMEMF_exact_node_request | 0xff00u)

static bool privileged(const struct domain *caller)
{
    return caller->is_idle || caller->id.n == 0;
}

static bool order_permitted(const struct domain *caller, unsigned order)
{
    return order <= (privileged(caller) ? MAX_ORDER : MAX_ORDER_GUEST);
}

static int populate_one(struct domain *d, uint64_t g, unsigned order, unsigned memflags)
{
    p2m_lock(d);
    int rc = p2m_prepare(d, g, order);
    if (!rc) {
        mfn_t m = alloc_domheap_pages(d, order, memflags);
        if (mfn_eq(m, MFN_INVALID))
            rc = -HV_ENOMEM;
        else
            p2m_set(d, g, m.n, order);
    }
    p2m_unlock(d);
    return rc;
}

/* The frames behind g..g+2^order go back, whatever the size of the extents and entries that they are in. */
static int decrease_one(struct domain *d, uint64_t g, unsigned order)
{
    uint64_t end = g + (1ull << order);
    int rc = 0;

    p2m_lock(d);
    while (g < end && !rc) {
        unsigned piece;
        uint64_t f = p2m_get(d, g, &piece);
        if (f == FRAME_NONE) {
            rc = -HV_EINVAL;
            break;
        }
        while ((1ull << piece) > end - g || (g & ((1ull << piece) - 1)))
            piece--;
        rc = p2m_prepare(d, g, piece);
        if (!rc)
            rc = domain_free_pages(d, f, piece);
        if (!rc) {
            p2m_set(d, g, FRAME_NONE, piece);
            g += 1ull << piece;
        }
    }
    p2m_unlock(d);
    return rc;
}

static long for_each_extent(struct domain *d, struct hv_memory_op *op)
{
    if (!order_permitted(sched_current(port_this_cpu())->domain, op->extent_order))
        return 0;
    for (; op->nr_done < op->nr_extents; op->nr_done++) {
        uint64_t g = op->first_gfn.n + (op->nr_done << op->extent_order);
        if (hypercall_preempt_check())
            return -HV_ERESTART;
        if (op->cmd == XENMEM_populate_physmap ? populate_one(d, g, op->extent_order, op->mem_flags)
                                               : decrease_one(d, g, op->extent_order))
            break;
    }
    return (long)op->nr_done;
}

/* Every extent has a guest frame number below the limit, so that nothing overflows. */
static bool range_valid(const struct hv_memory_op *op)
{
    return op->extent_order <= MAX_ORDER && op->nr_done <= op->nr_extents && op->first_gfn.n <= P2M_MAX_GFN &&
           op->nr_extents <= (P2M_MAX_GFN - op->first_gfn.n) >> op->extent_order;
}

static bool flags_valid(unsigned flags)
{
    unsigned n = XENMEMF_get_node(flags);
    return !(flags & ~MEM_FLAGS_VALID) && (n == ~0u || n < HV_MAX_NODES);
}

long do_memory_op(struct hv_memory_op *op)
{
    const struct domain *caller = sched_current(port_this_cpu())->domain;
    struct domain *d = domain_find(op->domid);

    if (!privileged(caller) && (d != caller || op->cmd == XENMEM_claim_pages))
        return -HV_EPERM;
    if (!d)
        return -HV_ESRCH;
    switch (op->cmd) {
    case XENMEM_populate_physmap:
    case XENMEM_decrease_reservation:
        if (!flags_valid(op->mem_flags) || !range_valid(op))
            return -HV_EINVAL;
        if (d->is_dying)
            return (long)op->nr_done;
        return for_each_extent(d, op);
    case XENMEM_claim_pages:
        if (op->extent_order || op->mem_flags)
            return -HV_EINVAL;
        return domain_set_outstanding_pages(d, op->nr_extents);
    }
    return -HV_ENOSYS;
}

/* dom0 takes at most 2 MiB at a time, so that it spreads over its nodes and does not drain one zone first. */
#define DOM0_CHUNK_ORDER 9u

int mm_populate_dom0(struct domain *d, uint64_t pages)
{
    unsigned order = DOM0_CHUNK_ORDER, memflags = MEMF_no_dma;

    /* Chunks never grow again, so they stay aligned in guest-physical space. */
    for (uint64_t g = 0; g < pages; g += 1ull << order) {
        while ((1ull << order) > pages - g)
            order--;
        int rc;
        while ((rc = populate_one(d, g, order, memflags)) != 0) {
            if (rc != -HV_ENOMEM)
                return rc;
            if (order > 0) {
                order--;
            } else if (memflags) {
                /* What is kept back for devices goes last, in chunks as large as it has. */
                memflags = 0;
                order = g ? hv_min_u(hv_ffs64(g), DOM0_CHUNK_ORDER) : DOM0_CHUNK_ORDER;
                while ((1ull << order) > pages - g)
                    order--;
            } else {
                return rc;
            }
        }
    }
    return 0;
}
