/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENMEM_exchange: a domain gives extents of one size for as much memory in extents of another. A PV kernel makes
 * memory contiguous so that its devices need, or gets memory that they can reach.
 *
 * It goes chunk by chunk, a chunk being the larger of the two sizes: one extent of that side, as many as needed of the
 * other. Of a chunk, first what can fail: the extents that are given are cut out of what they are part of (they stay
 * the domain's), the new ones are allocated for nobody, the p2m gets its tables. Then, without a moment in between, the
 * pages change hands and the p2m follows; the old ones go back to the heap. So a chunk is exchanged or as it was, and
 * the domain's total never changes: neither its limit nor its claim counts.
 *
 * Locks: p2m over all of a chunk, page_alloc over the change of hands.
 */
#include "mm/heap.h"

#include <hv/lib.h>
#include <hv/softirq.h>

/* One chunk: the same number of pages on both sides. */
struct chunk {
    struct domain *d;
    uint64_t in, out; /* first guest frames */
    unsigned order;   /* of the whole */
    unsigned out_order;
    bool overlap; /* some guest frames are on both sides: their entries are all of one page */
};

static void free_list(struct extent_list *l)
{
    while (l->head != LINK_NONE) {
        struct frame *e = frame_of_link(l->head);
        uint64_t f = link_frame(l->head);
        unsigned order = e->order;
        extent_list_del(l, e);
        free_xen_pages(f, order); /* nobody's, so Xen takes them for its own */
    }
}

/* The next part of what is given, from g on: its frame, and its order. false: there is no page. */
static bool next_in(const struct chunk *c, uint64_t g, uint64_t *f, unsigned *order)
{
    if (p2m_query(c->d, g, f, order) != P2M_ram)
        return false;
    *order = c->overlap ? 0 : memop_piece(g, c->in + (1ull << c->order), *order);
    return true;
}

/* Extents and entries are cut to what is given. */
static int cut_in(const struct chunk *c)
{
    uint64_t end = c->in + (1ull << c->order), f;
    unsigned order;

    for (uint64_t g = c->in; g < end; g += 1ull << order) {
        if (pod_demand(c->d, g) || !next_in(c, g, &f, &order))
            return -HV_EINVAL;
        int rc = p2m_prepare(c->d, g, order);
        if (!rc)
            rc = domain_isolate(c->d, f, order);
        if (rc)
            return rc;
    }
    return 0;
}

static int get_out(const struct chunk *c, unsigned memflags, struct extent_list *got)
{
    struct domain *for_whom = quirk(exchange_any_node) ? NULL : c->d;
    uint64_t end = c->out + (1ull << c->order);

    for (uint64_t g = c->out; g < end; g += 1ull << c->out_order) {
        int rc = p2m_prepare(c->d, g, c->out_order);
        if (rc)
            return rc;
        mfn_t m = alloc_domheap_pages(for_whom, c->out_order, memflags | MEMF_no_refcount);
        if (mfn_eq(m, MFN_INVALID))
            return -HV_ENOMEM;
        extent_list_add_tail(got, link_to(m.n, c->out_order), frame_at(m.n, c->out_order));
    }
    return 0;
}

/* page_alloc_lock held: does nobody else refer to any of it, and may the domain change at all? */
static bool all_its_own(const struct chunk *c)
{
    uint64_t end = c->in + (1ull << c->order), f;
    unsigned order;

    for (uint64_t g = c->in; g < end && !c->d->is_dying; g += 1ull << order)
        if (!next_in(c, g, &f, &order) || page_ref_next(c->d, f, f + (1ull << order)) != FRAME_NONE)
            return false;
    return !c->d->is_dying;
}

/* page_alloc_lock held; nothing here fails, or lets time pass. */
static void change_hands(const struct chunk *c, struct extent_list *got, struct extent_list *given)
{
    uint64_t end = c->in + (1ull << c->order), f, head;
    unsigned order;

    for (uint64_t g = c->in; g < end; g += 1ull << order) {
        /* Entries may have been cut further than extents were: a table has entries of one size only. */
        next_in(c, g, &f, &order);
        order = extent_holding(f, &head)->order;
        domain_take_pages(c->d, f, order, given);
        p2m_set(c->d, g, FRAME_NONE, order);
    }
    for (uint64_t g = c->out; got->head != LINK_NONE; g += 1ull << c->out_order) {
        f = link_frame(got->head);
        extent_list_del(got, frame_of_link(got->head));
        domain_add_extent(c->d, f, c->out_order);
        pod_replace(c->d, g, c->out_order);
        p2m_set(c->d, g, f, c->out_order);
    }
}

static int exchange_chunk(const struct chunk *c, unsigned memflags)
{
    struct extent_list got, given;

    extent_list_init(&got);
    extent_list_init(&given);
    domheap_carry(1ull << c->order, 0);
    p2m_lock(c->d);
    int rc = get_out(c, memflags, &got);
    if (!rc)
        rc = cut_in(c);
    if (!rc) {
        port_lock(&c->d->page_alloc_lock);
        if (all_its_own(c))
            change_hands(c, &got, &given);
        else
            rc = -HV_EINVAL;
        port_unlock(&c->d->page_alloc_lock);
    }
    p2m_unlock(c->d);
    free_list(&got);
    free_list(&given);
    domheap_carry(0, 1ull << c->order);
    return rc;
}

static bool ranges_overlap(const struct hv_memory_op *op)
{
    uint64_t pages = op->nr_extents << op->extent_order, a = op->first_gfn.n, b = op->out.first_gfn.n;
    return a < b + pages && b < a + pages;
}

long memory_exchange(struct domain *d, struct hv_memory_op *op, const struct domain *caller)
{
    unsigned in = op->extent_order, out = op->out.extent_order;
    unsigned order = hv_max_u(in, out), memflags = op->out.mem_flags;

    if (!memop_range_valid(op->first_gfn.n, op->nr_extents, in) ||
        !memop_range_valid(op->out.first_gfn.n, op->out.nr_extents, out) ||
        op->nr_extents << in != op->out.nr_extents << out || op->nr_done > op->nr_extents || op->mem_flags ||
        !memop_flags_valid(memflags) || (memflags & XENMEMF_populate_on_demand))
        return -HV_EINVAL;
    if (!memop_order_permitted(caller, in) || !memop_order_permitted(caller, out))
        return -HV_EPERM;
    struct chunk c = {.d = d, .order = order, .out_order = out, .overlap = ranges_overlap(op)};
    for (uint64_t i = op->nr_done >> (order - in); i < op->nr_extents >> (order - in); i++) {
        op->nr_done = i << (order - in);
        if (d->is_dying)
            return -HV_EINVAL;
        if (hypercall_preempt_check())
            return -HV_ERESTART;
        c.in = op->first_gfn.n + (i << order);
        c.out = op->out.first_gfn.n + (i << order);
        int rc = exchange_chunk(&c, memflags);
        if (rc)
            return rc;
        op->nr_done = (i + 1) << (order - in);
    }
    return 0;
}
