/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory hypercalls. Each handles one extent at a time and can be continued after any of them. */
#include "mm/heap.h"

#include <hv/lib.h>
#include <hv/sched.h>
#include <hv/softirq.h>

#define MAX_ORDER_GUEST LEVEL_2M_ORDER  /* larger extents only for a caller with access to hardware (4.3: dom0) */
#define DOM0_CHUNK_ORDER LEVEL_2M_ORDER /* dom0 takes at most 2 MiB at a time, so as not to drain one zone first */

static bool caller_privileged(void)
{
    const struct vcpu *v = sched_current(port_this_cpu());
    return is_idle_vcpu(v) || v->domain->id.n == 0;
}

/* One extent, or nothing at all. */
static bool populate_one(struct domain *d, uint64_t g, unsigned order, unsigned flags)
{
    mfn_t m = alloc_domheap_pages(d, order, flags);

    if (mfn_eq(m, MFN_INVALID))
        return false;
    if (p2m_set(d, g, (uint32_t)m.n, order)) {
        free_domheap_pages(m, order);
        return false;
    }
    return true;
}

static void count_extents(uint64_t n)
{
    if (!n)
        return;
    port_count(PERFC_page_assign, (uint32_t)n);
    port_count(PERFC_p2m_set, (uint32_t)n);
}

/* Extents between two looks at the clock of the cost model: the same sum, fewer calls. */
#define COUNT_BATCH 16u

static long populate(struct domain *d, struct hv_memory_op *op)
{
    unsigned flags = op->mem_flags & (MEMF_exact_node | 0xff00u);
    uint64_t counted = op->nr_done;
    long rc = 0;

    if (op->extent_order > MAX_ORDER || (op->extent_order > MAX_ORDER_GUEST && !caller_privileged()))
        return 0;
    for (; op->nr_done < op->nr_extents; op->nr_done++) {
        if (hypercall_preempt_check()) {
            rc = -HV_ERESTART;
            break;
        }
        if (!populate_one(d, op->first_gfn.n + (op->nr_done << op->extent_order), op->extent_order, flags))
            break;
        if (op->nr_done - counted == COUNT_BATCH) {
            count_extents(COUNT_BATCH);
            counted = op->nr_done;
        }
    }
    count_extents(op->nr_done - counted);
    return rc ? rc : (long)op->nr_done;
}

/* Give back the 2^order frames behind g. The p2m may hold them in a larger piece, which is cut first. */
static int decrease_one(struct domain *d, uint64_t g, unsigned order)
{
    struct domain_pages *own = d->page_list;
    unsigned have, at;
    uint32_t f = p2m_get(d, g, &have);

    if (f == FRAME_NONE)
        return -HV_EINVAL;
    /* The extent that f is part of: its head is at the alignment of its order. */
    for (at = order; at <= MAX_ORDER; at++) {
        const struct frame *e = frame_at(f & ~((1u << at) - 1), at);
        if (e && e->state == FRAME_inuse && e->order == at)
            break;
    }
    if (at > MAX_ORDER)
        return -HV_EINVAL; /* smaller pieces: the caller asks with their order */
    while (at > order) {
        uint32_t head = f & ~((1u << at) - 1);
        port_lock(&d->page_alloc_lock);
        extent_del(&own->level[frame_level(at)], head, frame_at(head, at));
        int rc = split_extent(head, at);
        if (!rc)
            at--;
        for (uint32_t part = head, n = rc ? 1 : 2; n > 0; n--, part += 1u << at)
            extent_add_tail(&own->level[frame_level(at)], part, frame_at(part, at));
        port_unlock(&d->page_alloc_lock);
        if (rc)
            return rc;
    }
    int rc = p2m_clear(d, g, order);
    if (!rc)
        free_domheap_pages(mfn(f), order);
    return rc;
}

static long decrease(struct domain *d, struct hv_memory_op *op)
{
    if (op->extent_order > MAX_ORDER || (op->extent_order > MAX_ORDER_GUEST && !caller_privileged()))
        return 0;
    for (; op->nr_done < op->nr_extents; op->nr_done++) {
        if (hypercall_preempt_check())
            return -HV_ERESTART;
        if (decrease_one(d, op->first_gfn.n + (op->nr_done << op->extent_order), op->extent_order))
            break;
    }
    return (long)op->nr_done;
}

long do_memory_op(struct hv_memory_op *op)
{
    struct domain *d = domain_find(op->domid);

    if (!d)
        return -HV_ESRCH;
    switch (op->cmd) {
    case XENMEM_populate_physmap:
        return populate(d, op);
    case XENMEM_decrease_reservation:
        return decrease(d, op);
    case XENMEM_claim_pages:
        if (op->extent_order)
            return -HV_EINVAL;
        return domain_set_outstanding_pages(d, op->nr_extents);
    }
    return -HV_ENOSYS;
}

int mm_populate_dom0(struct domain *d, uint64_t pages)
{
    uint64_t g = 0;

    while (g < pages) {
        unsigned order = DOM0_CHUNK_ORDER;
        while ((1ull << order) > pages - g || (g & ((1ull << order) - 1)))
            order--;
        while (!populate_one(d, g, order, MEMF_no_dma))
            if (order-- == 0)
                return -HV_ENOMEM;
        count_extents(1);
        g += 1ull << order;
    }
    return 0;
}
