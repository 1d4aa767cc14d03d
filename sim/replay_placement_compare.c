/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One recorded step against the simulated one. Exact are: exit status, whether libxl placed it, the nodes it chose, the
 * nodes that memory is on, both affinities, the total of its pages, and the pages of a domain that is on one node. A
 * domain on several is filled in turns of 2 MiB: a node may be off by one of these. Once a node had no such extent
 * left, scraps decided, which nobody recorded: four of them.
 *
 * That a node of the domain's affinity had run out shows in what was free there afterwards: less than that, and what is
 * kept back for devices, which is taken when nobody has anything else.
 */
#include "replay_placement.h"

#include <stdlib.h>
#include <string.h>

#define EXTENT_PAGES 512u /* 2 MiB */
#define SCRAPS_PAGES 2048u
#define PAGE_BITS 12u

struct comparison {
    const struct placement_record *r;
    struct placement_difference *out;
    unsigned nr;
};

/* ---- words --------------------------------------------------------------------------------------------------------
 */

static char *number_text(uint64_t n)
{
    char *s = NULL;
    return asprintf(&s, "%llu", (unsigned long long)n) < 0 ? NULL : s;
}

static char *list_text(const uint64_t *v, unsigned nr)
{
    char *s = NULL;
    size_t n = 0;
    FILE *m = open_memstream(&s, &n);
    if (!m)
        return NULL;
    fputc('[', m);
    for (unsigned i = 0; i < nr; i++)
        fprintf(m, "%s%llu", i ? ", " : "", (unsigned long long)v[i]);
    fputc(']', m);
    fclose(m);
    return s;
}

static char *set_text(const struct placement_set *s)
{
    uint64_t *wide = calloc(s->nr ? s->nr : 1, sizeof(*wide));
    for (unsigned i = 0; wide && i < s->nr; i++)
        wide[i] = s->item[i];
    char *text = wide ? list_text(wide, s->nr) : NULL;
    free(wide);
    return text;
}

static void differs(struct comparison *c, const char *field, char *recorded, char *simulated)
{
    if (c->nr < PLACEMENT_MAX_DIFFERENCES)
        c->out[c->nr] = (struct placement_difference){field, recorded, simulated};
    else
        free(recorded), free(simulated);
    c->nr++;
}

/* ---- fields -------------------------------------------------------------------------------------------------------
 */

static bool same_set(const struct placement_set *a, const struct placement_set *b)
{
    return a->nr == b->nr && (!a->nr || !memcmp(a->item, b->item, a->nr * sizeof(*a->item)));
}

/* What was not recorded is not compared. */
static void compare_set(struct comparison *c, const char *field, const struct placement_set *recorded,
                        const struct placement_set *simulated)
{
    if (recorded->given && !same_set(recorded, simulated))
        differs(c, field, set_text(recorded), set_text(simulated));
}

static void compare_placement(struct comparison *c, const struct placement_step *s, const struct placement_outcome *o)
{
    /* Not placed: no nodes are chosen, which the record has as null. */
    struct placement_set none = {.given = s->has_auto_placed && !s->auto_placed};
    if (s->has_auto_placed && s->auto_placed != o->auto_placed)
        differs(c, "auto_placed", strdup(s->auto_placed ? "true" : "false"), strdup(o->auto_placed ? "true" : "false"));
    compare_set(c, "nodes_chosen", s->nodes_chosen.given ? &s->nodes_chosen : &none, &o->nodes_chosen);
}

static unsigned nodes_with_pages(const uint64_t *pages, unsigned nr, unsigned *item)
{
    unsigned n = 0;
    for (unsigned i = 0; i < nr; i++)
        if (pages[i])
            item[n++] = i;
    return n;
}

/* Is a pCPU of node n among those where the domain is to run: soft affinity, within hard as far as there is any? */
static bool has_affinity(const struct placement_record *r, const struct placement_step *s, unsigned n)
{
    const struct placement_set *hard = &s->hard, *soft = &s->soft_cpus;
    bool meet = false, in = false;
    for (unsigned a = 0; a < soft->nr; a++)
        for (unsigned b = 0; b < hard->nr; b++)
            meet |= soft->item[a] == hard->item[b];
    for (unsigned i = 0; i < r->node[n].pcpus.nr; i++) {
        bool is_hard = false, is_soft = false;
        for (unsigned k = 0; k < hard->nr; k++)
            is_hard |= hard->item[k] == r->node[n].pcpus.item[i];
        for (unsigned k = 0; k < soft->nr; k++)
            is_soft |= soft->item[k] == r->node[n].pcpus.item[i];
        in |= is_hard && (is_soft || !meet);
    }
    return in;
}

/* Free pages of a node that are kept back for devices, when the sequence began. */
static uint64_t kept_back(const struct placement_record *r, unsigned n)
{
    const struct placement_node *node = &r->node[n];
    uint64_t sum = 0, end = r->dma_bits > PAGE_BITS ? UINT64_C(1) << (r->dma_bits - PAGE_BITS) : 0;
    if (r->nr_nodes < 2)
        return 0;
    for (unsigned z = 1; r->has_zones && z < PLACEMENT_ZONES && UINT64_C(1) << z <= end; z++)
        sum += node->zone_free[z];
    if (!r->has_zones && node->start < end)
        sum = node->start + node->spanned < end ? node->spanned : end - node->start;
    return sum;
}

static bool ran_out(const struct placement_record *r, const struct placement_step *s)
{
    for (unsigned n = 0; n < r->nr_nodes; n++) {
        uint64_t before = s->before[n], after = before > s->pages[n] ? before - s->pages[n] : 0;
        if (s->after)
            after = s->after[n];
        if (has_affinity(r, s, n) && r->node[n].spanned && after < kept_back(r, n) + SCRAPS_PAGES)
            return true;
    }
    return false;
}

static void compare_pages(struct comparison *c, const struct placement_step *s, const struct placement_outcome *o)
{
    unsigned nr = c->r->nr_nodes;
    uint64_t recorded = 0, simulated = 0;
    unsigned on = 0;
    if (!s->pages)
        return;
    for (unsigned n = 0; n < nr; n++) {
        recorded += s->pages[n];
        simulated += o->pages[n];
        on += s->pages[n] != 0;
    }
    if (recorded != simulated)
        differs(c, "total of pages_per_node", number_text(recorded), number_text(simulated));
    uint64_t tolerance = on < 2 ? 0 : ran_out(c->r, s) ? SCRAPS_PAGES : EXTENT_PAGES;
    for (unsigned n = 0; n < nr; n++) {
        uint64_t a = s->pages[n], b = o->pages[n];
        if ((a > b ? a - b : b - a) > tolerance) {
            differs(c, "pages_per_node", list_text(s->pages, nr), list_text(o->pages, nr));
            return;
        }
    }
}

static void compare_memory_nodes(struct comparison *c, const struct placement_step *s,
                                 const struct placement_outcome *o)
{
    unsigned on[HV_MAX_NODES];
    struct placement_set is = {.given = true, .item = on};
    is.nr = nodes_with_pages(o->pages, c->r->nr_nodes, on);
    compare_set(c, "memory_nodes", &s->memory_nodes, &is);
}

unsigned placement_compare(const struct placement_record *r, const struct placement_step *s,
                           const struct placement_outcome *o, struct placement_difference *out)
{
    struct comparison c = {.r = r, .out = out};
    if (!o->done) {
        differs(&c, "step", strdup("done"), strdup("not reached"));
        return c.nr;
    }
    if (o->trouble)
        differs(&c, "node_free_pages before", list_text(s->before, r->nr_nodes), strdup(o->trouble));
    if (s->rc != o->rc)
        differs(&c, "rc", number_text(s->rc), number_text(o->rc));
    if (s->destroy)
        return c.nr;
    compare_placement(&c, s, o);
    compare_memory_nodes(&c, s, o);
    compare_set(&c, "soft_affinity_cpus", &s->soft_cpus, &o->soft_cpus);
    compare_set(&c, "hard_affinity_cpus", &s->hard, &o->hard);
    compare_pages(&c, s, o);
    return c.nr;
}

void placement_differences_free(struct placement_difference *d, unsigned nr)
{
    for (unsigned i = 0; i < nr && i < PLACEMENT_MAX_DIFFERENCES; i++) {
        free(d[i].recorded);
        free(d[i].simulated);
    }
}
