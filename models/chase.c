/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <models/chase.h>

#include <math.h>
#include <models/nested_walk.h>

#define LEVELS 4u /* of page tables */

static const double page_bytes[] = {4096.0, 2097152.0, 1073741824.0};

/* Lines of one kind, each asked for at the same rate. */
struct items {
    double lines, rate; /* rate: of all of them together, per access of the chain */
};
enum { DATA, TABLE, UPPER, KINDS };

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* ---- caches with items of several kinds ----------------------------------------------------------------------------
 */

static double held(const struct items *i, double t, unsigned replacement)
{
    if (i->lines <= 0 || i->rate <= 0)
        return 0;
    double x = i->rate / i->lines * t;
    return replacement == MACHINE_RANDOM ? x / (1 + x) : -expm1(-x);
}

/* hit[k]: of kind k in a cache of `lines` lines. */
static void solve_cache(double lines, unsigned replacement, const struct items *items, double *hit)
{
    double all = 0, low = -10, high = 100; /* log2 of T in accesses */
    for (unsigned k = 0; k < KINDS; k++)
        all += items[k].rate > 0 ? items[k].lines : 0;
    if (all <= lines) {
        for (unsigned k = 0; k < KINDS; k++)
            hit[k] = 1;
        return;
    }
    for (unsigned i = 0; i < 100; i++) {
        double middle = (low + high) / 2, used = 0;
        for (unsigned k = 0; k < KINDS; k++)
            used += items[k].lines * held(&items[k], exp2(middle), replacement);
        *(used < lines ? &low : &high) = middle;
    }
    for (unsigned k = 0; k < KINDS; k++)
        hit[k] = held(&items[k], exp2(low), replacement);
}

/* ---- translation ---------------------------------------------------------------------------------------------------
 */

static double misses(double entries, double of)
{
    return entries >= of ? 0 : 1 - entries / of;
}

static void solve_tlb(const struct machine_tlb *b, const struct chase *c, struct chase_parts *out)
{
    unsigned page =
        c->nested && c->host_page < c->page ? c->host_page : c->page; /* the smaller one is what is cached */
    double pages = c->working_set / page_bytes[page];
    if (!b->l1_entries[0])
        return;
    out->tlb1_miss = misses(b->l1_entries[page], pages);
    out->tlb2_miss = b->l2_entries[0] ? least(out->tlb1_miss, misses(b->l2_entries[page], pages)) : out->tlb1_miss;
    if (b->walk_cache_entries && page == CHASE_4K)
        out->walk_cache_miss = misses((double)b->walk_cache_entries * (double)b->walk_cache_reach, c->working_set);
    double longer = 1;
    if (c->nested)
        longer = (double)nested_walk_references(LEVELS - c->page, LEVELS - c->host_page) / (LEVELS - page);
    out->tlb_ns = out->tlb1_miss * b->l1_miss_ns +
                  out->tlb2_miss * (b->l2_miss_ns + out->walk_cache_miss * b->walk_cache_miss_ns) * longer;
}

/* ---- the chain -----------------------------------------------------------------------------------------------------
 */

static void set_items(const struct machine *m, const struct machine_tlb *b, const struct chase *c,
                      const struct chase_parts *p, struct items *items)
{
    double line = (double)m->l1d.line, tables = c->nested ? 2 : 1;
    double entries = c->working_set / page_bytes[c->page] + (c->nested ? c->working_set / page_bytes[c->host_page] : 0);
    double reach = b->walk_cache_reach ? (double)b->walk_cache_reach : page_bytes[CHASE_2M];
    double walks = b->pte_bytes ? p->tlb2_miss : 0;
    items[DATA] = (struct items){c->working_set / line, 1};
    items[TABLE] = (struct items){fmax(1, entries * b->pte_bytes / line), walks * tables};
    items[UPPER] = (struct items){fmax(1, c->working_set / reach * b->pte_bytes / line * tables),
                                  walks * p->walk_cache_miss * tables};
}

void chase_solve(const struct machine *m, unsigned cpu, const struct chase *c, struct chase_parts *out)
{
    const struct machine_kind *kind = &m->kind[m->cpu[cpu].kind];
    double line = (double)m->l1d.line, beyond2[KINDS], beyond3[KINDS];
    struct items items[KINDS];

    *out = (struct chase_parts){0};
    solve_tlb(&kind->tlb, c, out);
    set_items(m, &kind->tlb, c, out, items);
    double beyond1 = misses((double)kind->l1d_size, c->working_set);
    double size2 = (double)kind->l2_size + (m->l2.policy >= MACHINE_EXCLUSIVE ? (double)kind->l1d_size : 0);
    double size3 = (double)m->l3.size + (m->l3.policy >= MACHINE_EXCLUSIVE ? size2 : 0);
    solve_cache(size2 / line, m->l2.replacement, items, beyond2);
    solve_cache(size3 / line, m->l3.replacement, items, beyond3);
    for (unsigned k = 0; k < KINDS; k++) {
        beyond2[k] = 1 - beyond2[k];
        beyond3[k] = m->no_l3 ? beyond2[k] : least(1 - beyond3[k], beyond2[k]);
    }
    beyond2[DATA] = least(beyond2[DATA], beyond1);
    beyond3[DATA] = least(beyond3[DATA], beyond2[DATA]);
    out->l1 = 1 - beyond1;
    out->l2 = beyond1 - beyond2[DATA];
    out->l3 = beyond2[DATA] - beyond3[DATA];
    out->memory = beyond3[DATA];
    for (unsigned k = TABLE; k < KINDS; k++) {
        out->table_l3 += items[k].rate * (beyond2[k] - beyond3[k]);
        out->table_memory += items[k].rate * beyond3[k];
    }
}

struct work_mix chase_mix(const struct machine *m, unsigned cpu, const struct chase_parts *p)
{
    const struct machine_kind *kind = &m->kind[m->cpu[cpu].kind];
    double miss = p->memory + p->table_memory;
    double core_ns = p->l1 * kind->l1d_latency_ns + p->tlb_ns + p->table_l3 * (m->l3.latency_ns - kind->l2_latency_ns) -
                     p->table_memory * kind->l2_latency_ns;
    struct work_mix w = {.cpi_core = core_ns * m->freq_hz * kind->speed / 1e9,
                         .mlp = 1,
                         .footprint = 1,
                         .nr_curve = 1,
                         .curve_size = {1},
                         .curve_mpki = {1000 * miss}};
    w.l3_apki = 1000 * (p->l3 + miss);
    w.l2_apki = w.l3_apki + 1000 * p->l2;
    return w;
}
