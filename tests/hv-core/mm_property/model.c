/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the memory of each domain must be, as far as the operations say it. */
#include "mm_property.h"

#include <string.h>

struct mdom model[MODEL_SLOTS];
struct mref model_ref[MODEL_REFS];
uint64_t model_aside, model_anonymous;

static uint64_t mapped[MACHINE_MAX_FRAMES / 64]; /* all 0 between two calls */

void model_reset(void)
{
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        model_forget(&model[s]);
    memset(model_ref, 0, sizeof(model_ref));
    model_aside = model_anonymous = 0;
}

struct domain *model_domain(const struct mdom *m)
{
    return m->exists ? domain_find(m->id) : NULL;
}

uint64_t model_tot(const struct mdom *m)
{
    return m->p2m.sum + m->loose.sum + m->given_up;
}

static void claim_used(struct mdom *m, uint64_t pages)
{
    m->claim -= m->claim < pages ? m->claim : pages;
    m->claim_node = m->claim ? m->claim_node : CLAIM_ON_HOST;
}

void model_took(struct mdom *m, uint64_t pages)
{
    if (quirk(claim_at_assign))
        claim_used(m, pages);
}

void model_allocated(const struct domain *d, uint64_t pages, unsigned node_of)
{
    for (unsigned s = 0; s < MODEL_SLOTS && !quirk(claim_at_assign); s++)
        if (model_domain(&model[s]) == d && (model[s].claim_node == CLAIM_ON_HOST || model[s].claim_node == node_of))
            claim_used(&model[s], pages);
}

void model_gave(struct mdom *m, uint64_t pages)
{
    if (quirk(claim_at_assign) && m->claim)
        m->claim += pages;
}

unsigned model_refs_to(uint64_t f)
{
    unsigned n = 0;
    for (unsigned i = 0; i < MODEL_REFS; i++)
        n += model_ref[i].used && model_ref[i].f == f;
    return n;
}

/* Frames of m go back, but for those that are referred to, which wait. */
static void gone(struct mdom *m, uint64_t f, uint64_t n)
{
    uint64_t stay = 0;
    for (unsigned i = 0; i < MODEL_REFS; i++) {
        const struct mref *r = &model_ref[i];
        bool first = r->used && r->f >= f && r->f < f + n;
        for (unsigned j = 0; first && j < i; j++)
            first = !model_ref[j].used || model_ref[j].f != r->f;
        stay += first;
    }
    m->given_up += stay;
    model_gave(m, n - stay);
}

void model_map(struct mdom *m, uint64_t g, uint64_t f, uint64_t n)
{
    for (uint64_t at = g, left; at < g + n; at += left) {
        uint64_t was = runs_get(&m->p2m, at, &left);
        if (left > g + n - at)
            left = g + n - at;
        if (was != RUN_NONE)
            runs_set(&m->loose, was, was, left);
    }
    runs_set(&m->p2m, g, f, n);
}

void model_unmap(struct mdom *m, uint64_t g, uint64_t n)
{
    for (uint64_t at = g, left; at < g + n; at += left) {
        uint64_t was = runs_get(&m->p2m, at, &left);
        if (left > g + n - at)
            left = g + n - at;
        if (was != RUN_NONE)
            gone(m, was, left);
    }
    runs_clear(&m->p2m, g, n);
}

void model_free_loose(struct mdom *m, uint64_t f, uint64_t n)
{
    runs_clear(&m->loose, f, n);
    gone(m, f, n);
}

void model_forget(struct mdom *m)
{
    runs_free(&m->p2m);
    runs_free(&m->loose);
    *m = (struct mdom){.claim_node = CLAIM_ON_HOST};
}

/* The parts of an extent that are behind no guest frame. */
static void adopt_extent(struct mdom *m, uint64_t index, uint64_t f, uint64_t n)
{
    if (bits_are(mapped, index, n, true))
        return;
    if (bits_are(mapped, index, n, false)) {
        runs_set(&m->loose, f, f, n);
        return;
    }
    adopt_extent(m, index, f, n / 2);
    adopt_extent(m, index + n / 2, f + n / 2, n / 2);
}

const struct extent_list *model_list(const struct domain *d, unsigned i)
{
    return i == 0 ? d->page_list : i <= 2 ? pod_list(d, i - 1) : NULL;
}

/* What is on its lists, and not behind guest frames. */
static void adopt_loose(struct mdom *m, const struct domain *d)
{
    const struct extent_list *own;
    unsigned n;
    for (int turn = 0; turn < 2; turn++) {
        for (unsigned i = 0; i < m->p2m.nr; i++)
            if (!machine_turn(mapped, m->p2m.run[i].to, m->p2m.run[i].len, turn))
                prop_fail("domain %u: guest frames 0x%llx.. stand for what is no RAM, or twice for the same", m->id.n,
                          (unsigned long long)m->p2m.run[i].at);
        for (unsigned i = 0; !turn && (own = model_list(d, i)) != NULL; i++)
            for (extent_link l = own->head; l != LINK_NONE; l = frame_next(frame_of_link(l))) {
                uint64_t f = link_frame(l), size = 1ull << frame_of_link(l)->order;
                adopt_extent(m, machine_frame_index(f, size, &n), f, size);
            }
    }
}

void model_adopt(struct mdom *m)
{
    const struct domain *d = model_domain(m);
    uint64_t f;
    unsigned order;

    m->dying = d->is_dying;
    m->pod = d->pod != NULL;
    m->max_pages = d->max_pages;
    m->claim = d->outstanding_pages;
    m->claim_node = node_valid(d->claim_node) ? d->claim_node.n : CLAIM_ON_HOST;
    m->given_up = 0;
    runs_free(&m->p2m);
    runs_free(&m->loose);
    for (uint64_t g = 0; g < P2M_MAX_GFN; g += 1ull << order)
        if (p2m_query(d, g, &f, &order) == P2M_ram)
            runs_set(&m->p2m, g, f, 1ull << order);
    adopt_loose(m, d);
    for (unsigned i = 0; i < MODEL_REFS; i++) {
        struct page_counts c;
        uint64_t left;
        if (!model_ref[i].used || &model[model_ref[i].slot] != m)
            continue;
        page_count(mfn(model_ref[i].f), &c);
        if (!c.given_up || runs_get(&m->loose, model_ref[i].f, &left) == RUN_NONE)
            continue;
        runs_clear(&m->loose, model_ref[i].f, 1);
        m->given_up++;
    }
}
