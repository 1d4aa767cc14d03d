/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After every operation. The core's own mm_check() comes first; all else is counted here again, from lists, entries and
 * the flat map:
 *
 *   totals    free = RAM - taken; free of each node and zone = its lists; claims = their sum over domains <= free
 *   lists     extents aligned, of one node, free in the map; no buddy of the same order beside a free one
 *   owners    every frame is on one free list, or one domain's list, or taken for the hypervisor; as many as there must
 *             be
 *   p2m       entry by entry what the model says; every frame behind one is the domain's, no frame behind two
 *   nodes     pages of each domain on each node, by address
 *   the twin  list by list, where the machine is small enough
 */
#include "mm_property.h"

#include "mm/heap_priv.h"
#include <hv/list.h>

static uint64_t seen[MACHINE_MAX_FRAMES / 64]; /* all 0 between two checks */

/* Turn the marks of frames over; false: not all RAM, or not all as said. *node_of: theirs; *index: of the first. */
static bool mark(uint64_t f, uint64_t n, bool were, unsigned *node_of, uint64_t *index)
{
    *index = machine_frame_index(f, n, node_of);
    return *index != NOT_RAM && bits_turn(seen, *index, n, were);
}

/* ---- one domain ------------------------------------------------------------------------------------------------- */

/* All of its extents are marked, or not any more. Its pages. */
static uint64_t mark_owned(const struct domain *d, bool were)
{
    uint64_t on[HV_MAX_NODES] = {0}, sum = 0, index;
    const struct extent_list *own = model_list(d, 0);
    unsigned node_of, lists = 0;

    for (extent_link l = own->head;; l = frame_next(frame_of_link(l))) {
        while (l == LINK_NONE && (own = model_list(d, ++lists)) != NULL)
            l = own->head;
        if (l == LINK_NONE)
            break;
        uint64_t f = link_frame(l), n = 1ull << frame_of_link(l)->order;
        if (!mark(f, n, were, &node_of, &index))
            prop_fail("frames 0x%llx.. are twice on lists, or no RAM (domain %u's)", (unsigned long long)f, d->id.n);
        if (!watch_is_taken(index, n, true))
            prop_fail("domain %u has frames 0x%llx.., which are free", d->id.n, (unsigned long long)f);
        on[node_of] += n;
        sum += n;
    }
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        if (on[n] != d->node_pages[n])
            prop_fail("domain %u: %llu pages on node %u, it says %llu", d->id.n, (unsigned long long)on[n], n,
                      (unsigned long long)d->node_pages[n]);
    return sum;
}

static void check_p2m(const struct mdom *m, const struct domain *d)
{
    unsigned i = 0, order;
    uint64_t f;

    for (uint64_t g = 0; g < P2M_MAX_GFN;) {
        enum p2m_type t = p2m_query(d, g, &f, &order);
        uint64_t size = 1ull << order, n = size - (g & (size - 1)), want = RUN_NONE, left = P2M_MAX_GFN - g;
        while (i < m->p2m.nr && m->p2m.run[i].at + m->p2m.run[i].len <= g)
            i++;
        if (i < m->p2m.nr) {
            const struct run *r = &m->p2m.run[i];
            left = r->at > g ? r->at - g : r->at + r->len - g;
            want = r->at > g ? RUN_NONE : r->to + (g - r->at);
        }
        if ((t == P2M_ram ? f : RUN_NONE) != want || n > left)
            prop_fail("domain %u: guest frame 0x%llx (order %u) is 0x%llx, must be 0x%llx (for 0x%llx)", d->id.n,
                      (unsigned long long)g, order, t == P2M_ram ? (unsigned long long)f : ~0ull,
                      (unsigned long long)want, (unsigned long long)left);
        g += n;
    }
}

/* What it owns is what stands behind guest frames, and what is loose, and what others keep; nothing twice. */
static void check_owned(const struct mdom *m, const struct domain *d)
{
    uint64_t owned = mark_owned(d, false), kept = 0;
    for (unsigned i = 0; i < m->p2m.nr; i++)
        if (!machine_turn(seen, m->p2m.run[i].to, m->p2m.run[i].len, true))
            prop_fail("domain %u: guest frames 0x%llx.. stand for frames that are not its own, or for others' too",
                      d->id.n, (unsigned long long)m->p2m.run[i].at);
    for (unsigned i = 0; i < m->loose.nr; i++)
        if (!machine_turn(seen, m->loose.run[i].at, m->loose.run[i].len, true))
            prop_fail("domain %u: frames 0x%llx.. should be its own", d->id.n, (unsigned long long)m->loose.run[i].at);
    for (unsigned i = 0; i < MODEL_REFS; i++)
        if (model_ref[i].used && &model[model_ref[i].slot] == m && machine_turn(seen, model_ref[i].f, 1, true))
            kept++;
    /* So no mark is left. */
    if (kept != m->given_up || owned != model_tot(m))
        prop_fail("domain %u: %llu frames are kept by references, not %llu; %llu its own, not %llu", d->id.n,
                  (unsigned long long)kept, (unsigned long long)m->given_up, (unsigned long long)owned,
                  (unsigned long long)model_tot(m));
}

static void check_slot(const struct mdom *m)
{
    const struct domain *d = model_domain(m);
    if (!d)
        prop_fail("domain %u is gone", m->id.n);
    check_owned(m, d);
    check_p2m(m, d);
}

/* ---- all -------------------------------------------------------------------------------------------------------- */

static unsigned refs_of(const struct mdom *m)
{
    unsigned n = 0;
    for (unsigned i = 0; i < MODEL_REFS; i++) {
        bool first = model_ref[i].used && &model[model_ref[i].slot] == m;
        for (unsigned j = 0; first && j < i; j++)
            first = !model_ref[j].used || model_ref[j].f != model_ref[i].f;
        n += first;
    }
    return n;
}

static void check_counters(void)
{
    uint64_t claimed = 0, owned = 0, hypervisor = 0, on[HV_MAX_NODES + 1] = {0};
    unsigned nr = 0;
    struct list_head *pos;

    for (unsigned s = 0; s < MODEL_SLOTS; s++) {
        const struct mdom *m = &model[s];
        const struct domain *d = model_domain(m);
        if (!m->exists)
            continue;
        if (!d)
            prop_fail("domain %u is gone", m->id.n);
        if (d->tot_pages != model_tot(m) || d->max_pages != m->max_pages || d->outstanding_pages != m->claim ||
            d->is_dying != m->dying || d->nr_page_refs != refs_of(m))
            prop_fail("domain %u: %llu pages, at most %llu, claims %llu, dying %d, %u held; must be %llu, %llu, %llu, "
                      "%d, %u",
                      m->id.n, (unsigned long long)d->tot_pages, (unsigned long long)d->max_pages,
                      (unsigned long long)d->outstanding_pages, d->is_dying, d->nr_page_refs,
                      (unsigned long long)model_tot(m), (unsigned long long)m->max_pages, (unsigned long long)m->claim,
                      m->dying, refs_of(m));
        claimed += d->outstanding_pages;
        on[m->claim_node] += d->outstanding_pages;
        owned += d->tot_pages;
        for (unsigned i = 0; i < ARRAY_SIZE(d->perdomain); i++)
            hypervisor += d->perdomain[i].n != 0;
        nr++;
    }
    list_for_each (pos, &hv_domain_list)
        nr--;
    if (nr)
        prop_fail("there are domains that nobody made");
    if (outstanding_claims() != claimed)
        prop_fail("claims of %llu in all, of the domains %llu", (unsigned long long)outstanding_claims(),
                  (unsigned long long)claimed);
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        if (node_outstanding_claims(node(n)) != on[n] || on[n] > avail_node_pages(node(n)))
            prop_fail("claims of %llu on node %u, of the domains %llu, %llu pages free",
                      (unsigned long long)node_outstanding_claims(node(n)), n, (unsigned long long)on[n],
                      (unsigned long long)avail_node_pages(node(n)));
    if (avail_pages() != machine.frames - watch_taken())
        prop_fail("%llu pages free, must be %llu", (unsigned long long)avail_pages(),
                  (unsigned long long)(machine.frames - watch_taken()));
    if (claimed > avail_pages())
        prop_fail("more is claimed than free");
    hypervisor += tp_mapped_pages + model_aside + model_anonymous + watch_offlined();
    if (watch_offlined() != offlined_pages())
        prop_fail("%llu frames are out of use, must be %llu", (unsigned long long)offlined_pages(),
                  (unsigned long long)watch_offlined());
    if (owned + hypervisor != watch_taken())
        prop_fail("%llu pages taken: %llu of domains, %llu for the hypervisor", (unsigned long long)watch_taken(),
                  (unsigned long long)owned, (unsigned long long)hypervisor);
}

static void check_quiet(void)
{
    const char *broken = mm_check();
    if (broken)
        prop_fail("%s", broken);
    if (tp_locks_held())
        prop_fail("%u locks are held", tp_locks_held());
    if (watch_has_twin() && (broken = twin_compare()) != NULL)
        prop_fail("the heap differs from its twin: %s", broken);
}

void check_after(unsigned slot)
{
    check_quiet();
    check_counters();
    if (slot < MODEL_SLOTS && model[slot].exists)
        check_slot(&model[slot]);
}

/* The lists of a node: free frames are marked, or not any more. Their pages. */
static uint64_t mark_free(unsigned n, bool were)
{
    uint64_t sum = 0;
    for (unsigned z = 0; z < NR_ZONES; z++) {
        uint64_t pages = 0;
        for (unsigned o = 0; o <= MAX_ORDER; o++)
            for (extent_link l = heap_list(n, z, o)->head; l != LINK_NONE; l = frame_next(frame_of_link(l))) {
                uint64_t f = link_frame(l), size = 1ull << o, buddy = f ^ size;
                const struct frame *b = o < MAX_ORDER ? frame_at(buddy, o) : NULL;
                uint64_t index;
                unsigned of, of_buddy = HV_MAX_NODES;
                if (!mark(f, size, were, &of, &index) || !watch_is_taken(index, size, false) || of != n)
                    prop_fail("node %u, order %u: 0x%llx is not free, of another node, or twice on lists", n, o,
                              (unsigned long long)f);
                if ((f & (size - 1)) || f >> z != 1)
                    prop_fail("node %u, zone %u, order %u: 0x%llx is not aligned, or of another zone", n, z, o,
                              (unsigned long long)f);
                if (b && b->state == FRAME_free && b->order == o &&
                    machine_frame_index(buddy, 1, &of_buddy) != NOT_RAM && of_buddy == n)
                    prop_fail("node %u, order %u: 0x%llx is not merged with its buddy", n, o, (unsigned long long)f);
                pages += size;
            }
        if (pages != avail_zone_pages(node(n), z))
            prop_fail("node %u, zone %u: %llu pages on lists, it says %llu", n, z, (unsigned long long)pages,
                      (unsigned long long)avail_zone_pages(node(n), z));
        sum += pages;
    }
    if (need_scrub_pages(node(n)) > sum)
        prop_fail("node %u: %llu pages to be scrubbed, and %llu free", n, (unsigned long long)need_scrub_pages(node(n)),
                  (unsigned long long)sum);
    if (sum != avail_node_pages(node(n)))
        prop_fail("node %u: %llu pages on lists, it says %llu", n, (unsigned long long)sum,
                  (unsigned long long)avail_node_pages(node(n)));
    return sum;
}

static void mark_all(bool were)
{
    uint64_t sum = 0;
    for (unsigned n = 0; n < machine.nr_nodes; n++)
        if (nodemask_test(hv_node_online, node(n)))
            sum += mark_free(n, were);
    if (sum != machine.frames - watch_taken())
        prop_fail("%llu pages on free lists, must be %llu", (unsigned long long)sum,
                  (unsigned long long)(machine.frames - watch_taken()));
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        if (model[s].exists)
            mark_owned(model_domain(&model[s]), were);
}

void check_all(void)
{
    uint64_t pages[HV_MAX_NODES][3];

    check_quiet();
    check_counters();
    mark_all(false);
    mark_all(true);
    for (unsigned s = 0; s < MODEL_SLOTS; s++) {
        if (!model[s].exists)
            continue;
        check_slot(&model[s]);
        uint64_t sum = 0;
        p2m_count_pages(model_domain(&model[s]), pages);
        for (unsigned n = 0; n < HV_MAX_NODES; n++)
            sum += pages[n][0] + pages[n][1] + pages[n][2];
        if (sum != model[s].p2m.sum)
            prop_fail("domain %u: its p2m counts %llu pages, and has %llu", model[s].id.n, (unsigned long long)sum,
                      (unsigned long long)model[s].p2m.sum);
    }
}
