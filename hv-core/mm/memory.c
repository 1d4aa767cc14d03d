/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory hypercalls, and dom0's memory. Each call handles one extent after the other and can be continued after
 * any of them; an extent is done wholly or not at all. The hypervisor never falls back to smaller extents: the call
 * ends with what is done, and the caller does. Lock order: p2m, page_alloc, page_ref or heap.
 */
#include "mm/heap.h"

#include <hv/lib.h>
#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/trace.h>

#define MEM_FLAGS_VALID (XENMEMF_populate_on_demand | XENMEMF_exact_node_request | 0xff00ffu << 8)

/* ---- who may ask for how much -----------------------------------------------------------------------------------
 */

/* As the parameter names them. dom0 is both of those in the middle; no modelled domU has devices of its own. */
enum { CLASS_domu, CLASS_control, CLASS_hardware, CLASS_passthrough, NR_CLASSES };

static const uint8_t default_order[NR_CLASSES] = {9, 18, 12, 12};
static uint8_t class_order[NR_CLASSES];

int memop_max_order_set(const char *text)
{
    uint8_t order[NR_CLASSES];
    unsigned n = 0;

    __builtin_memcpy(order, default_order, sizeof(order));
    for (; text && *text; n++) {
        unsigned value = 0;
        bool given = false;
        if (n == NR_CLASSES)
            return -HV_EINVAL;
        for (; *text >= '0' && *text <= '9'; text++, given = true)
            if ((value = value * 10 + (unsigned)(*text - '0')) > MAX_ORDER)
                return -HV_EINVAL;
        if (given)
            order[n] = (uint8_t)value;
        if (*text == ',')
            text++;
        else if (*text)
            return -HV_EINVAL;
    }
    __builtin_memcpy(class_order, order, sizeof(order));
    return 0;
}

static bool privileged(const struct domain *caller)
{
    return caller->is_idle || caller->id.n == 0;
}

bool memop_order_permitted(const struct domain *caller, unsigned order)
{
    if (quirk(memop_order_by_hardware))
        return order <= (privileged(caller) ? MAX_ORDER : ORDER_2M);
    unsigned most = class_order[CLASS_domu];
    if (privileged(caller))
        most = hv_max_u(most, hv_max_u(class_order[CLASS_control], class_order[CLASS_hardware]));
    return order <= most;
}

/* Every extent has a guest frame number below the limit, so that nothing overflows. */
bool memop_range_valid(uint64_t g, uint64_t nr, unsigned order)
{
    return order <= MAX_ORDER && g <= P2M_MAX_GFN && nr <= (P2M_MAX_GFN - g) >> order;
}

bool memop_flags_valid(unsigned flags)
{
    unsigned n = XENMEMF_get_node(flags);
    return !(flags & ~MEM_FLAGS_VALID) && (n == ~0u || n < HV_MAX_NODES);
}

/* ---- one extent ------------------------------------------------------------------------------------------------- */

static int populate_one(struct domain *d, uint64_t g, unsigned order, unsigned memflags)
{
    if (memflags & MEMF_populate_on_demand)
        return pod_mark(d, g, order);
    p2m_lock(d);
    int rc = p2m_prepare(d, g, order);
    if (!rc) {
        mfn_t m = alloc_domheap_pages(d, order, memflags);
        if (mfn_eq(m, MFN_INVALID)) {
            rc = -HV_ENOMEM;
        } else {
            pod_replace(d, g, order);
            p2m_set(d, g, m.n, order);
        }
    }
    p2m_unlock(d);
    return rc;
}

/* Pages that no guest frame stands for; they can only go with the domain, or be given guest frames by its kernel. */
static int increase_one(struct domain *d, unsigned order, unsigned memflags)
{
    return mfn_eq(alloc_domheap_pages(d, order, memflags), MFN_INVALID) ? -HV_ENOMEM : 0;
}

unsigned memop_piece(uint64_t g, uint64_t end, unsigned order)
{
    while ((1ull << order) > end - g || (g & ((1ull << order) - 1)))
        order--;
    return order;
}

/*
 * Entries and extents are cut to the guest frames from g to *end, so that these can go without needing anything; *end
 * is the first that is not there, if one is not. -HV_ENOMEM: cut, but not as far.
 */
static int cut(struct domain *d, uint64_t g, uint64_t *end)
{
    unsigned piece;

    for (; g < *end; g += 1ull << piece) {
        uint64_t f;
        if (p2m_query(d, g, &f, &piece) != P2M_ram) {
            *end = g;
            break;
        }
        piece = memop_piece(g, *end, piece);
        int rc = p2m_prepare(d, g, piece);
        if (!rc)
            rc = domain_isolate(d, f, piece);
        if (rc)
            return rc;
    }
    return 0;
}

/*
 * The frames behind g..g+2^order go back, whatever the size of the extents and entries that they are in; as Xen does
 * it, up to the first that is not there. All of what is there, or for want of memory nothing.
 */
static int decrease_one(struct domain *d, uint64_t g, unsigned order)
{
    uint64_t end = g + (1ull << order), there = end;
    bool done;

    p2m_lock(d);
    int rc = pod_decrease(d, g, order, &done);
    if (!rc && !done) {
        rc = cut(d, g, &there);
        while (!rc && g < there) {
            uint64_t f, head;
            unsigned piece;
            p2m_query(d, g, &f, &piece);
            /* A table has entries of one size only, so that they may have been cut further than extents. */
            piece = hv_max_u(memop_piece(g, there, piece), extent_holding(f, &head)->order);
            rc = domain_free_pages(d, f, piece);
            ASSERT(!rc);
            p2m_set(d, g, FRAME_NONE, piece);
            g += 1ull << piece;
        }
        if (!rc && there < end)
            rc = -HV_EINVAL;
    }
    p2m_unlock(d);
    return rc;
}

/* ---- the calls --------------------------------------------------------------------------------------------------- */

static int do_extent(struct domain *d, const struct hv_memory_op *op, uint64_t g)
{
    switch (op->cmd) {
    case XENMEM_populate_physmap:
        return populate_one(d, g, op->extent_order, op->mem_flags);
    case XENMEM_increase_reservation:
        return increase_one(d, op->extent_order, op->mem_flags);
    default:
        trace_mem(TRC_MEM_DECREASE_RESERVATION, d, g, op->extent_order);
        return decrease_one(d, g, op->extent_order);
    }
}

static long for_each_extent(struct domain *d, struct hv_memory_op *op, const struct domain *caller)
{
    if (op->nr_done > op->nr_extents || !memop_flags_valid(op->mem_flags) ||
        !memop_range_valid(op->cmd == XENMEM_increase_reservation ? 0 : op->first_gfn.n, op->nr_extents,
                           op->extent_order))
        return -HV_EINVAL;
    /* To mark an extent costs the host nothing, so it may have any size. */
    bool mark = op->cmd == XENMEM_populate_physmap && (op->mem_flags & MEMF_populate_on_demand);
    if (d->is_dying || (!mark && !memop_order_permitted(caller, op->extent_order)))
        return (long)op->nr_done;
    for (; op->nr_done < op->nr_extents; op->nr_done++) {
        if (hypercall_preempt_check())
            return -HV_ERESTART;
        if (do_extent(d, op, op->first_gfn.n + (op->nr_done << op->extent_order)))
            break;
    }
    return (long)op->nr_done;
}

/* A node is asked for as that of extents is, exactly. */
static long claim_pages(struct domain *d, const struct hv_memory_op *op)
{
    node_id n = NODE_INVALID;

    if (op->extent_order || (d->is_dying && !quirk(claim_by_dying)))
        return -HV_EINVAL;
    if (op->mem_flags) {
        unsigned asked = XENMEMF_get_node(op->mem_flags);
        if (quirk(claim_host_only) || asked >= HV_MAX_NODES || !nodemask_test(hv_node_online, node(asked)) ||
            op->mem_flags != (XENMEMF_node(asked) | XENMEMF_exact_node_request))
            return -HV_EINVAL;
        n = node(asked);
    }
    return domain_set_outstanding_pages(d, op->nr_extents, n);
}

long do_memory_op(struct hv_memory_op *op)
{
    const struct domain *caller = sched_current(port_this_cpu())->domain;
    struct domain *d = domain_find(op->domid);

    if (!privileged(caller) && (d != caller || op->cmd == XENMEM_claim_pages || op->cmd == XENMEM_set_pod_target))
        return -HV_EPERM;
    if (!d)
        return -HV_ESRCH;
    switch (op->cmd) {
    case XENMEM_populate_physmap:
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
        return for_each_extent(d, op, caller);
    case XENMEM_exchange:
        return memory_exchange(d, op, caller);
    case XENMEM_claim_pages:
        return claim_pages(d, op);
    case XENMEM_current_reservation:
        return (long)d->tot_pages;
    case XENMEM_maximum_reservation:
        return (long)d->max_pages;
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target:
        return pod_target_op(d, op);
    }
    return -HV_ENOSYS;
}

/* ---- dom0 -------------------------------------------------------------------------------------------------------- */

/* dom0 takes at most 2 MiB at a time, so that it spreads over its nodes and does not drain one zone first. */
#define DOM0_CHUNK_ORDER 9u

int mm_populate_dom0(struct domain *d, uint64_t pages)
{
    unsigned order = DOM0_CHUNK_ORDER, memflags = MEMF_no_dma | MEMF_no_scrub;

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
