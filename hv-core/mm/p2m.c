/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest frame -> machine frame of a domain: a radix of 1 GiB, 2 MiB and 4 KiB entries, 32 bits each. Its backing is the
 * frame table's (a PV guest's own table is its own memory, so nothing is taken from the heap for it). The caller
 * serialises changes of one domain.
 */
#include "mm/heap.h"

#include <hv/lib.h>

#define FANOUT 512u
#define MAX_GIB 1024u /* guests of up to 1 TiB */

struct p2m_2m {
    uint32_t frame; /* a 2 MiB entry, or FRAME_NONE */
    uint32_t *leaf; /* FANOUT entries, or NULL */
};

struct p2m_1g {
    uint32_t frame;
    struct p2m_2m *below;
};

struct p2m {
    struct p2m_1g gib[MAX_GIB];
};

int p2m_create(struct domain *d)
{
    struct p2m *p = port_frametable_alloc(sizeof(*p));

    if (!p)
        return -HV_ENOMEM;
    for (unsigned i = 0; i < MAX_GIB; i++)
        p->gib[i].frame = FRAME_NONE;
    d->p2m = p;
    return 0;
}

void p2m_destroy(struct domain *d)
{
    struct p2m *p = d->p2m;

    if (!p)
        return;
    for (unsigned g = 0; g < MAX_GIB; g++) {
        struct p2m_2m *b = p->gib[g].below;
        if (!b)
            continue;
        for (unsigned m = 0; m < FANOUT; m++)
            if (b[m].leaf)
                port_frametable_free(b[m].leaf, FANOUT * sizeof(*b[m].leaf));
        port_frametable_free(b, FANOUT * sizeof(*b));
    }
    port_frametable_free(p, sizeof(*p));
    d->p2m = NULL;
}

/* The entries of a 1 GiB slot, made from its own entry if it had one. */
static struct p2m_2m *below(struct p2m_1g *g)
{
    if (g->below)
        return g->below;
    g->below = port_frametable_alloc(FANOUT * sizeof(*g->below));
    if (!g->below)
        return NULL;
    for (unsigned i = 0; i < FANOUT; i++)
        g->below[i].frame = g->frame == FRAME_NONE ? FRAME_NONE : g->frame + i * FANOUT;
    g->frame = FRAME_NONE;
    return g->below;
}

static uint32_t *leaf(struct p2m_2m *m)
{
    if (m->leaf)
        return m->leaf;
    m->leaf = port_frametable_alloc(FANOUT * sizeof(*m->leaf));
    if (!m->leaf)
        return NULL;
    for (unsigned i = 0; i < FANOUT; i++)
        m->leaf[i] = m->frame == FRAME_NONE ? FRAME_NONE : m->frame + i;
    m->frame = FRAME_NONE;
    return m->leaf;
}

static bool valid(uint64_t g, unsigned order)
{
    return order <= LEVEL_1G_ORDER && g < (uint64_t)MAX_GIB << LEVEL_1G_ORDER && !(g & ((1ull << order) - 1));
}

/* Entries of order o for 2^order frames; FRAME_NONE clears. */
static int set_range(struct domain *d, uint64_t g, uint32_t f, unsigned order)
{
    struct p2m_1g *top = &((struct p2m *)d->p2m)->gib[g >> LEVEL_1G_ORDER];

    if (order == LEVEL_1G_ORDER) {
        if (top->below)
            return -HV_EBUSY; /* smaller entries are cleared one by one */
        top->frame = f;
        return 0;
    }
    struct p2m_2m *mid = below(top);
    if (!mid)
        return -HV_ENOMEM;
    mid += (g >> LEVEL_2M_ORDER) % FANOUT;
    if (order >= LEVEL_2M_ORDER) {
        for (unsigned i = 0; i < 1u << (order - LEVEL_2M_ORDER); i++) {
            if (mid[i].leaf) {
                port_frametable_free(mid[i].leaf, FANOUT * sizeof(*mid[i].leaf));
                mid[i].leaf = NULL;
            }
            mid[i].frame = f == FRAME_NONE ? f : f + i * FANOUT;
        }
        return 0;
    }
    uint32_t *l = leaf(mid);
    if (!l)
        return -HV_ENOMEM;
    for (unsigned i = 0; i < 1u << order; i++)
        l[g % FANOUT + i] = f == FRAME_NONE ? f : f + i;
    return 0;
}

int p2m_set(struct domain *d, uint64_t g, uint32_t f, unsigned order)
{
    return valid(g, order) ? set_range(d, g, f, order) : -HV_EINVAL;
}

int p2m_clear(struct domain *d, uint64_t g, unsigned order)
{
    return valid(g, order) ? set_range(d, g, FRAME_NONE, order) : -HV_EINVAL;
}

uint32_t p2m_get(struct domain *d, uint64_t g, unsigned *order)
{
    if (!valid(g, 0))
        return FRAME_NONE;
    const struct p2m_1g *top = &((struct p2m *)d->p2m)->gib[g >> LEVEL_1G_ORDER];

    *order = LEVEL_1G_ORDER;
    if (!top->below)
        return top->frame == FRAME_NONE ? FRAME_NONE : top->frame + (uint32_t)(g % (FANOUT * FANOUT));
    const struct p2m_2m *mid = &top->below[(g >> LEVEL_2M_ORDER) % FANOUT];
    *order = LEVEL_2M_ORDER;
    if (!mid->leaf)
        return mid->frame == FRAME_NONE ? FRAME_NONE : mid->frame + (uint32_t)(g % FANOUT);
    *order = 0;
    return mid->leaf[g % FANOUT];
}
