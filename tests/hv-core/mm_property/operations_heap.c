/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What operations on pages of the heap do, to the core and to the model. */
#include "operations.h"

#define MAX_HELD 48u
#define MAX_OBJECTS 48u

struct op_held op_held[MAX_HELD];
unsigned op_nr_held, op_nr_objects;

static struct object {
    unsigned char *at;
    size_t size;
} object[MAX_OBJECTS];

static enum page_type ref_type[MODEL_REFS];

/* ---- pages of the domain heap ----------------------------------------------------------------------------------- */

void op_alloc(unsigned slot, const uint32_t a[4])
{
    struct mdom *m = slot < MODEL_SLOTS && model[slot].exists && a[1] % 2 ? &model[slot] : NULL;
    unsigned order = op_order_of(a[2]), flags = op_flags_of(a[3], true);
    if (op_nr_held == MAX_HELD)
        return;
    if (a[1] & 8)
        flags |= MEMF_no_dma;
    mfn_t f = alloc_domheap_pages(m ? model_domain(m) : NULL, order, flags);
    if (mfn_eq(f, MFN_INVALID)) {
        /* Without the part kept for devices there may be no zone at all to ask for. */
        if (!watch_fired() && !watch_refused() && !(flags & MEMF_no_dma) &&
            !(m && op_may_stop(m, false, order, 1ull << order)))
            prop_fail("order %u, flags 0x%x: refused for no reason", order, flags);
        return;
    }
    op_held[op_nr_held++] = (struct op_held){f.n, order, m ? slot : MODEL_SLOTS};
    if (m) {
        runs_set(&m->loose, f.n, f.n, 1ull << order);
        model_took(m, 1ull << order);
    } else {
        model_anonymous += 1ull << order;
    }
}

bool op_free_may_need_memory(unsigned i)
{
    for (unsigned r = 0; r < MODEL_REFS && op_held[i].order; r++)
        if (model_ref[r].used && model_ref[r].f >> op_held[i].order == op_held[i].f >> op_held[i].order)
            return true;
    return false;
}

void op_free_held(unsigned i)
{
    struct op_held h = op_held[i];
    op_held[i] = op_held[--op_nr_held];
    free_domheap_pages(mfn(h.f), h.order);
    if (h.slot < MODEL_SLOTS)
        model_free_loose(&model[h.slot], h.f, 1ull << h.order);
    else
        model_anonymous -= 1ull << h.order;
}

void op_xalloc(const uint32_t a[4])
{
    static const size_t sizes[] = {1,    16,   17,   40,   64,   100,  130,   500,  1000,
                                   1900, 2000, 4000, 4096, 5000, 8192, 20000, 65536};
    size_t size = sizes[a[0] % ARRAY_SIZE(sizes)];
    if (op_nr_objects == MAX_OBJECTS)
        return;
    unsigned char *at = hv_zalloc(size);
    if (!at) {
        if (!watch_fired() && !watch_refused())
            prop_fail("%zu bytes: refused for no reason", size);
        return;
    }
    if (size >= 64 && (uintptr_t)at % 64)
        prop_fail("%zu bytes at an address that is no multiple of 64", size);
    for (size_t i = 0; i < size; i++)
        if (at[i])
            prop_fail("%zu bytes are not all zero", size);
    memset(at, 0xa5, size);
    object[op_nr_objects++] = (struct object){at, size};
}

void op_xfree(unsigned i)
{
    struct object o = object[i];
    object[i] = object[--op_nr_objects];
    for (size_t k = 0; k < o.size; k++)
        if (o.at[k] != 0xa5)
            prop_fail("somebody has written into %zu bytes that are another's", o.size);
    hv_free(o.at);
}

void op_set_aside_pages(const uint32_t a[4])
{
    unsigned n = a[0] % (machine.nr_nodes + 1) % HV_MAX_NODES;
    struct hv_sysctl op = {
        .cmd = XEN_SYSCTL_set_aside,
        .u.set_aside = {.node = node(n),
                        .zone = a[1] % 3 ? HV_ANY_ZONE : 8 + a[1] / 3 % 14,
                        .free_pages = a[2] % 4 ? avail_node_pages(node(n)) * (a[3] % 128) / 100 : 1ull << 40}};
    bool online = nodemask_test(hv_node_online, node(n));
    uint64_t before = watch_taken() - watch_offlined();

    long rc = op_call(HYPERCALL_sysctl, &op);
    model_aside += watch_taken() - watch_offlined() - before;
    if (online ? rc && rc != -HV_ENOMEM && !(rc == -HV_ERESTART && op_give_up_when_preempted) : rc != -HV_EINVAL)
        prop_fail("set_aside: %ld", rc);
    /* What is given back may be on its way out of use. */
    if (rc == 0 && op.u.set_aside.zone == HV_ANY_ZONE && !machine.offlining &&
        avail_node_pages(node(n)) != op.u.set_aside.free_pages)
        prop_fail("set_aside: %llu pages are free", (unsigned long long)avail_node_pages(node(n)));
}

/* ---- frames that go out of use, and dirt ------------------------------------------------------------------------ */

static uint64_t any_frame(const uint32_t a[4])
{
    const struct hv_mem_range *r = &machine.range[a[1] % machine.nr_ranges];
    return r->start_mfn + (a[2] | (uint64_t)(a[3] >> 4) << 16) % (r->end_mfn - r->start_mfn);
}

/* What a domain keeps for being demanded is replaced when it goes out of use. */
static bool waits_for_demand(uint64_t f)
{
    uint64_t left;
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        if (model[s].pod && runs_get(&model[s].loose, f, &left) != RUN_NONE)
            return true;
    return false;
}

void op_offline(const uint32_t a[4])
{
    uint64_t f = any_frame(a), claimed = 0, index;
    unsigned order, node_of;
    uint32_t before, was;
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_page_offline_op,
                           .u.page_offline = {.frame = mfn(f),
                                              .cmd = a[0] % 8 == 0   ? sysctl_page_broken
                                                     : a[0] % 8 <= 4 ? sysctl_page_offline
                                                                     : sysctl_page_online}};
    if (!machine.offlining)
        return;
    bool ram = (index = machine_frame_index(f, 1, &node_of)) != NOT_RAM;
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        claimed += model[s].claim;
    /* Xen takes a free frame out whoever has claimed it. */
    if (op.u.page_offline.cmd != sysctl_page_online &&
        (claimed >= op_free_pages() ||
         (ram && node_outstanding_claims(node(node_of)) >= avail_node_pages(node(node_of)))))
        return;
    bool is_free = ram && watch_is_taken(index, 1, false);
    if (query_page_offline(mfn(f), &before, &order))
        before = 0;
    if (before & PG_OFFLINE_STATUS_OFFLINE_PENDING && op.u.page_offline.cmd == sysctl_page_broken)
        return; /* the owner crashes: not here */
    long rc = op_call(HYPERCALL_sysctl, &op);
    if (query_page_offline(mfn(f), &was, &order))
        was = 0;
    bool out = was & PG_OFFLINE_STATUS_OFFLINED, pends = was & PG_OFFLINE_STATUS_OFFLINE_PENDING;
    if (!ram && rc != -HV_EINVAL)
        prop_fail("frame 0x%llx is no RAM, and goes out of use: %ld", (unsigned long long)f, rc);
    if (rc && before != was)
        prop_fail("frame 0x%llx: %ld, and its state changes from 0x%x to 0x%x", (unsigned long long)f, rc, before, was);
    if (rc)
        return;
    if (op.u.page_offline.cmd == sysctl_page_online) {
        if (out || pends)
            prop_fail("frame 0x%llx is back, and 0x%x", (unsigned long long)f, was);
        if (before)
            watch_online(f);
    } else {
        if (!out && !pends)
            prop_fail("frame 0x%llx went out of use, and is 0x%x", (unsigned long long)f, was);
        if (!before && out != is_free && !(out && waits_for_demand(f)))
            prop_fail("frame 0x%llx, free %d, went out of use and is 0x%x", (unsigned long long)f, is_free, was);
        if (!before)
            watch_offline(f, pends);
    }
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        if (model[s].pod)
            op_pod_adopt(&model[s], 0);
}

void op_scrub(const uint32_t a[4])
{
    if (watch_has_twin() && !quirk(heap_one_end))
        return;
    tp_irq_after_pages = a[1] % 3 ? 1 + a[2] % 3000 : 0;
    scrub_free_pages();
    tp_irq_after_pages = 0;
    tp_cpu[port_this_cpu().n].irq_pending = false;
}

/* ---- references ------------------------------------------------------------------------------------------------- */

void op_get(unsigned slot, const uint32_t a[4])
{
    struct mdom *m = &model[slot];
    const struct runs *from = a[3] % 4 && m->p2m.nr ? &m->p2m : &m->loose;
    static const enum page_type types[] = {PGT_none, PGT_none, PGT_writable_page, PGT_l1_page_table};
    unsigned i = 0;

    while (i < MODEL_REFS && model_ref[i].used)
        i++;
    if (i == MODEL_REFS || !from->nr)
        return;
    const struct run *r = &from->run[a[1] % from->nr];
    uint64_t f = r->to + a[2] % r->len;
    enum page_type type = types[(a[3] >> 2) % 4];
    int want = 0;
    for (unsigned j = 0; j < MODEL_REFS; j++) {
        const struct mref *other = &model_ref[j];
        if (a[3] & 0x100 && other->used && other->slot == slot && from == &m->p2m && a[1] % MODEL_REFS == j) {
            uint64_t left;
            for (unsigned k = 0; k < m->p2m.nr; k++) /* once more the same, if it is the domain's still */
                if (other->f >= m->p2m.run[k].to && other->f < m->p2m.run[k].to + m->p2m.run[k].len)
                    f = other->f;
            if (runs_get(&m->loose, other->f, &left) != RUN_NONE)
                f = other->f;
        }
    }
    for (unsigned j = 0; j < MODEL_REFS; j++)
        if (type && model_ref[j].used && model_ref[j].f == f && model_ref[j].typed && ref_type[j] != type)
            want = -HV_EBUSY;
    if (m->dying)
        want = -HV_EINVAL;
    op_expect(get_page_and_type(mfn(f), model_domain(m), type), want, "get_page");
    if (want)
        return;
    model_ref[i] = (struct mref){true, type != PGT_none, slot, f};
    ref_type[i] = type;
}

static bool is_kept(const struct mdom *m, uint64_t f)
{
    uint64_t left;
    for (unsigned k = 0; k < m->p2m.nr; k++)
        if (f >= m->p2m.run[k].to && f < m->p2m.run[k].to + m->p2m.run[k].len)
            return false;
    return runs_get(&m->loose, f, &left) == RUN_NONE;
}

void op_put(unsigned i)
{
    struct mref r = model_ref[i];
    struct mdom *m = &model[r.slot];

    model_ref[i].used = false;
    if (r.typed)
        put_page_and_type(mfn(r.f));
    else
        put_page(mfn(r.f));
    if (!model_refs_to(r.f) && is_kept(m, r.f)) {
        m->given_up--;
        model_gave(m, 1);
    }
}
