/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What operations on guests' memory do, to the core and to the model. */
#include "operations.h"

/* ---- guest memory ----------------------------------------------------------------------------------------------- */

bool op_may_stop(const struct mdom *m, bool self, unsigned order, uint64_t more)
{
    bool privileged = !self || m->id.n == 0;
    return m->dying || watch_fired() || watch_refused() || (order > 9 && !privileged) ||
           model_tot(m) + more > m->max_pages;
}

void op_populate(struct mdom *m, const uint32_t a[4], enum hv_memory_cmd cmd)
{
    struct domain *d = model_domain(m);
    unsigned order = op_order_of(a[2]);
    bool self = a[3] & 1, into = cmd == XENMEM_populate_physmap;
    uint64_t nr = op_extents_of(a[2], order), size = 1ull << order, f;
    struct hv_memory_op op = {.cmd = cmd,
                              .domid = m->id,
                              .nr_extents = nr,
                              .extent_order = order,
                              .mem_flags = op_flags_of(a[3], true),
                              .first_gfn = gfn(op_gfn_of(a[1], order, nr))};
    watch_caller = self ? d : NULL;
    long rc = op_call(HYPERCALL_memory_op, &op);
    watch_caller = NULL;
    if (rc != (long)op.nr_done && !(rc == -HV_ERESTART && op_give_up_when_preempted))
        prop_fail("a reservation: result %ld, %llu extents done", rc, (unsigned long long)op.nr_done);
    if (m->pod) {
        op_pod_adopt(m, op.nr_done << order);
        return;
    }
    if (op.nr_done && order > 9 && self && m->id.n != 0)
        prop_fail("a guest got an extent of order %u", order);
    if (rc >= 0 && op.nr_done < nr && !op_may_stop(m, self, order, (op.nr_done + 1) << order))
        prop_fail("a reservation stops after %llu of %llu extents for no reason", (unsigned long long)op.nr_done,
                  (unsigned long long)nr);
    model_took(m, op.nr_done << order);
    for (uint64_t i = 0; into && i < op.nr_done; i++) {
        unsigned entry;
        uint64_t g = op.first_gfn.n + (i << order);
        if (p2m_query(d, g, &f, &entry) != P2M_ram || (f & (size - 1)))
            prop_fail("guest frame 0x%llx was populated with order %u, and is 0x%llx", (unsigned long long)g, order,
                      (unsigned long long)f);
        model_map(m, g, f, size);
    }
    /* Which frames came, what the heap gave. */
    for (unsigned i = 0, got_order; !into && watch_allocated(d, i, &f, &got_order); i++)
        runs_set(&m->loose, f, f, 1ull << got_order);
    if (op_fault == FAULT_HALF_DONE && op.nr_done < nr)
        alloc_domheap_pages(d, 0, 0);
}

/* Guest frames from g on, of n, that are there. */
static uint64_t mapped_from(const struct mdom *m, uint64_t g, uint64_t n)
{
    uint64_t at = 0, left;
    while (at < n && runs_get(&m->p2m, g + at, &left) != RUN_NONE)
        at += left;
    return at < n ? at : n;
}

static uint64_t gone_from(const struct domain *d, uint64_t g, uint64_t n)
{
    uint64_t at = 0, f;
    unsigned order;
    while (at < n && p2m_query(d, g + at, &f, &order) == P2M_none)
        at += (1ull << order) - ((g + at) & ((1ull << order) - 1));
    return at < n ? at : n;
}

void op_decrease(struct mdom *m, const uint32_t a[4])
{
    struct domain *d = model_domain(m);
    unsigned order = op_order_of(a[2]);
    uint64_t nr = op_extents_of(a[2], order), size = 1ull << order;
    bool self = a[3] & 1;
    struct hv_memory_op op = {.cmd = XENMEM_decrease_reservation,
                              .domid = m->id,
                              .nr_extents = nr,
                              .extent_order = order,
                              .first_gfn = gfn(op_gfn_of(a[1], order, nr))};

    /* Mostly where there is something. */
    if (a[3] % 4 && m->p2m.nr) {
        const struct run *r = &m->p2m.run[a[1] % m->p2m.nr];
        op.first_gfn.n = r->at + (a[1] >> 3) % r->len;
        if (a[3] & 8)
            op.first_gfn.n &= ~(size - 1);
        if (op.first_gfn.n > P2M_MAX_GFN - (nr << order))
            op.first_gfn.n = P2M_MAX_GFN - (nr << order);
    }
    watch_caller = self ? d : NULL;
    long rc = op_call(HYPERCALL_memory_op, &op);
    watch_caller = NULL;
    if (rc != (long)op.nr_done && !(rc == -HV_ERESTART && op_give_up_when_preempted))
        prop_fail("decrease_reservation: result %ld, %llu extents done", rc, (unsigned long long)op.nr_done);
    if (m->pod) {
        op_forget_held_of((unsigned)(m - model));
        op_pod_adopt(m, 0);
        return;
    }
    for (uint64_t i = 0; i < op.nr_done; i++) {
        uint64_t g = op.first_gfn.n + (i << order);
        if (mapped_from(m, g, size) != size)
            prop_fail("guest frames 0x%llx.. (order %u) were not all there, and are given back", (unsigned long long)g,
                      order);
        model_unmap(m, g, size);
    }
    if (rc < 0 || op.nr_done == nr)
        return;
    /* Where it stopped: Xen gives back page by page, up to the first that is not there. */
    uint64_t g = op.first_gfn.n + (op.nr_done << order), there = mapped_from(m, g, size), gone = gone_from(d, g, there);
    bool permitted = order <= 9 || !self || m->id.n == 0;
    if (!permitted || m->dying)
        there = 0;
    if (watch_fired() ? gone > there || (gone && there == size) : there == size || gone != there)
        prop_fail("decrease_reservation stops after %llu extents: of the next, order %u, %llu pages are gone, %llu "
                  "were there",
                  (unsigned long long)op.nr_done, order, (unsigned long long)gone, (unsigned long long)there);
    if (gone)
        model_unmap(m, g, gone);
}

void op_exchange(struct mdom *m, const uint32_t a[4])
{
    unsigned in = op_order_of(a[2]) % 12, out = op_order_of(a[2] >> 4) % 12, most = in > out ? in : out;
    uint64_t chunks = 1 + (a[2] >> 8) % 3;
    struct hv_memory_op op = {.cmd = XENMEM_exchange,
                              .domid = m->id,
                              .nr_extents = chunks << (most - in),
                              .extent_order = in,
                              .first_gfn = gfn(op_gfn_of(a[1], in, chunks << (most - in))),
                              .out = {.nr_extents = chunks << (most - out),
                                      .extent_order = out,
                                      .mem_flags = op_flags_of(a[3], true),
                                      .first_gfn = gfn(op_gfn_of(a[1] ^ a[0], out, chunks << (most - out)))}};
    if (m->p2m.nr && a[3] % 8) {
        const struct run *r = &m->p2m.run[a[1] % m->p2m.nr];
        op.first_gfn.n = r->at + (a[1] >> 3) % r->len;
        if (op.first_gfn.n > P2M_MAX_GFN - (chunks << most))
            op.first_gfn.n = P2M_MAX_GFN - (chunks << most);
        if (a[3] & 8)
            op.out.first_gfn = op.first_gfn;
    }
    bool all_there = mapped_from(m, op.first_gfn.n, chunks << most) == chunks << most;
    uint64_t tot = model_tot(m), claim = m->claim, g = op.out.first_gfn.n, from = op.first_gfn.n;
    /* Else a later extent may be given from what came for an earlier one. */
    bool apart = g == from || g + (chunks << most) <= from || from + (chunks << most) <= g;

    long rc = op_call(HYPERCALL_memory_op, &op);
    if (m->pod) {
        op_forget_held_of((unsigned)(m - model));
        op_pod_adopt(m, 0);
        return;
    }
    if (rc == -HV_ERESTART && op_give_up_when_preempted)
        rc = 0;
    else if (rc == 0 && ((apart && !all_there) || op.nr_done != op.nr_extents))
        prop_fail("exchange: %llu of %llu extents done, all there %d", (unsigned long long)op.nr_done,
                  (unsigned long long)op.nr_extents, all_there);
    else if (rc != 0 && rc != -HV_EINVAL && rc != -HV_ENOMEM)
        prop_fail("exchange: %ld", rc);
    if (rc == -HV_ENOMEM && !watch_fired() && !watch_refused())
        prop_fail("exchange: no memory, for no reason");
    if (!op.nr_done)
        return; /* nothing has changed, the checks say */
    op_forget_held_of((unsigned)(m - model));
    model_adopt(m);
    uint64_t came = mapped_from(m, g, op.nr_done << in);
    if (model_tot(m) != tot || m->claim != claim || (apart && came != op.nr_done << in))
        prop_fail("exchange of %llu extents: %llu pages instead of %llu, claim %llu instead of %llu",
                  (unsigned long long)op.nr_done, (unsigned long long)model_tot(m), (unsigned long long)tot,
                  (unsigned long long)m->claim, (unsigned long long)claim);
}

/* ---- populate on demand ----------------------------------------------------------------------------------------- */

bool op_looks_zero(uint64_t first, unsigned order)
{
    return (first >> order) % 3 == 0;
}

void op_pod(struct mdom *m, const uint32_t a[4])
{
    struct domain *d = model_domain(m);
    unsigned order = op_order_of(a[2]);
    uint64_t nr = op_extents_of(a[2], order), g = op_gfn_of(a[1], order, nr), tot = model_tot(m), more = 0;
    struct hv_memory_op op = {.cmd = XENMEM_populate_physmap,
                              .domid = m->id,
                              .nr_extents = nr,
                              .extent_order = order,
                              .mem_flags = XENMEMF_populate_on_demand,
                              .first_gfn = gfn(g)};
    long rc;

    if (d->type != HV_GUEST_HVM && a[3] % 16)
        return;
    switch (a[3] % 8) {
    case 0:
    case 1:
        rc = op_call(HYPERCALL_memory_op, &op);
        if (rc != (long)op.nr_done && !(rc == -HV_ERESTART && op_give_up_when_preempted))
            prop_fail("to mark frames: %ld, %llu extents done", rc, (unsigned long long)op.nr_done);
        if (op.nr_done && d->type != HV_GUEST_HVM)
            prop_fail("frames of a domain that is not HVM are marked");
        break;
    case 2:
    case 3:
        op.cmd = XENMEM_set_pod_target;
        op.nr_extents = op.extent_order = op.mem_flags = 0;
        op.first_gfn.n = 0;
        op.pod.target_pages = a[3] & 16 ? tot + nr : a[3] & 32 ? tot - tot / 4 : a[2] % 3000;
        rc = op_call(HYPERCALL_memory_op, &op);
        if (d->type != HV_GUEST_HVM)
            op_expect(rc, -HV_EINVAL, "set_pod_target");
        else if (rc && rc != -HV_ENOMEM && rc != -HV_EINVAL && !(rc == -HV_ERESTART && op_give_up_when_preempted))
            prop_fail("set_pod_target: %ld", rc);
        more = op.pod.target_pages > tot ? op.pod.target_pages - tot : 0;
        break;
    default:
        for (uint64_t i = 0; i < nr && !m->dying; i++) {
            uint64_t f;
            unsigned size;
            enum p2m_type was = p2m_query(d, g + i * (a[3] & 16 ? 1 : 512), &f, &size);
            rc = p2m_fault(d, gfn(g + i * (a[3] & 16 ? 1 : 512)));
            enum p2m_type is = p2m_query(d, g + i * (a[3] & 16 ? 1 : 512), &f, &size);
            if (rc == 0 ? is != P2M_ram : rc == -HV_EFAULT ? was != P2M_none : rc != -HV_ENOMEM || was != P2M_pod)
                prop_fail("a op_fault: %ld, an entry of type %d becomes %d", rc, (int)was, (int)is);
        }
    }
    if (d->pod)
        op_pod_adopt(m, more);
}

void op_claim(struct mdom *m, const uint32_t a[4])
{
    uint64_t tot = model_tot(m), claimed = 0, on_node = 0;
    unsigned n_of = CLAIM_ON_HOST;
    const uint64_t choice[] = {0,
                               0,
                               tot + 1 + a[1] % 50,
                               tot + 1 + op_free_pages() / 2,
                               tot + op_free_pages(),
                               tot + op_free_pages() + 1,
                               tot,
                               1ull << 50};
    struct hv_memory_op op = {
        .cmd = XENMEM_claim_pages, .domid = m->id, .nr_extents = choice[a[2] % ARRAY_SIZE(choice)]};
    uint64_t n = op.nr_extents;
    long want = 0;

    if (a[3] % 2 && n) {
        n_of = a[3] / 2 % (machine.nr_nodes + (machine.nr_nodes < HV_MAX_NODES));
        op.mem_flags = XENMEMF_node(n_of) | XENMEMF_exact_node_request;
    }
    for (unsigned s = 0; s < MODEL_SLOTS; s++) {
        claimed += model[s].claim;
        on_node += model[s].claim_node == n_of ? model[s].claim : 0;
    }
    if (m->dying && !quirk(claim_by_dying))
        want = -HV_EINVAL;
    else if (n_of != CLAIM_ON_HOST && (quirk(claim_host_only) || !nodemask_test(hv_node_online, node(n_of))))
        want = -HV_EINVAL;
    else if (n && (m->claim || n <= tot || n > m->max_pages))
        want = -HV_EINVAL;
    else if (n && claimed + n - tot > op_free_pages())
        want = -HV_ENOMEM;
    else if (n_of != CLAIM_ON_HOST && on_node + n - tot > avail_node_pages(node(n_of)))
        want = -HV_ENOMEM;
    op_expect(op_call(HYPERCALL_memory_op, &op), want, "claim_pages");
    if (!want) {
        m->claim = n ? n - tot : 0;
        m->claim_node = n_of;
    }
}
