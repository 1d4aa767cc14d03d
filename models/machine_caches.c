/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Caches and TLBs of a machine file: who shares which cache, and what fits together. */
#include "machine_keys.h"

#include <models/cpulist.h>
#include <stdlib.h>
#include <string.h>

static const char *const replacements[] = {"lru", "random", NULL};
static const char *const policies[] = {"inclusive", "non-inclusive", "exclusive", "victim", NULL};

/* A cache is whole sets of `ways` lines. */
static void check_cache(cfg_doc *doc, const char *table, const struct machine_cache *c)
{
    uint64_t set = c->ways * c->line;
    if (c->line & (c->line - 1))
        cfg_fail(machine_find_table(doc, table), "line", "a line of %llu bytes: expected a power of two",
                 (unsigned long long)c->line);
    else if (c->size % set)
        cfg_fail(machine_find_table(doc, table), "size",
                 "%llu bytes are no whole number of sets of %u lines of %llu bytes", (unsigned long long)c->size,
                 c->ways, (unsigned long long)c->line);
}

/* ---- who shares one ------------------------------------------------------------------------------------------------
 */

/* Consecutive cores of a socket, so many to a cache; 0: all of the socket. */
static void share_evenly(struct machine *m, struct machine_cache *c, unsigned cores)
{
    unsigned first = 0, in = 0; /* first core of the present cache */
    for (unsigned i = 0; i < m->nr_cpus; i++) {
        const struct machine_cpu *p = &m->cpu[i];
        bool begins = i == 0 || p->socket != m->cpu[i - 1].socket || (cores && p->core - first >= cores);
        if (begins) {
            first = p->core;
            in = 0;
        }
        c->nr += begins;
        c->of[i] = c->nr - 1;
        c->shared_by = ++in > c->shared_by ? in : c->shared_by;
    }
}

/* One cache per list of pCPUs. */
static void share_by_lists(cfg_table *t, struct machine *m, struct machine_cache *c)
{
    const char *const *list = NULL;
    size_t n = 0;

    if (!cfg_strings(t, "shared_by", true, &list, &n))
        return;
    for (unsigned i = 0; i < m->nr_cpus; i++)
        c->of[i] = UINT32_MAX;
    for (size_t k = 0; k < n; k++) {
        unsigned in = 0;
        struct cpulist l = cpulist_begin(list[k]);
        while (cpulist_next(&l)) {
            if (l.cpu >= m->nr_cpus) {
                cfg_fail(t, "shared_by", "'%s': the machine has no pCPU %u", list[k], l.cpu);
                return;
            }
            if (c->of[l.cpu] != UINT32_MAX) {
                cfg_fail(t, "shared_by", "'%s': pCPU %u has such a cache already", list[k], l.cpu);
                return;
            }
            c->of[l.cpu] = (unsigned)k;
            in++;
        }
        if (l.bad) {
            cfg_fail(t, "shared_by", "expected pCPUs as \"0-3,8\", found '%s'", list[k]);
            return;
        }
        c->shared_by = in > c->shared_by ? in : c->shared_by;
    }
    c->nr = (unsigned)n;
    for (unsigned i = 0; i < m->nr_cpus; i++)
        if (c->of[i] == UINT32_MAX) {
            cfg_fail(t, "shared_by", "pCPU %u is in none of the lists", i);
            return;
        }
}

/* Cores of the socket that has the most. */
static unsigned largest_socket(const struct machine *m)
{
    unsigned most = 0, in = 0;
    for (unsigned i = 0; i < m->nr_cpus; i++) {
        if (i && m->cpu[i].socket != m->cpu[i - 1].socket)
            in = 0;
        in += m->cpu[i].thread == 0;
        most = in > most ? in : most;
    }
    return most;
}

static void read_sharing(cfg_doc *doc, const char *table, struct machine *m, struct machine_cache *c, unsigned cores)
{
    cfg_table *t = machine_find_table(doc, table);

    c->of = calloc(m->nr_cpus, sizeof(*c->of));
    if (!t || !c->of) {
        cfg_fail(cfg_root(doc), NULL, "out of memory");
        return;
    }
    cfg_enum(t, "replacement", false, replacements, &c->replacement);
    cfg_enum(t, "policy", false, policies, &c->policy);
    if (cfg_has(t, "shared_by") && !cfg_is_integer(t, "shared_by")) {
        share_by_lists(t, m, c);
    } else if (!cfg_has(t, "shared_by") || cfg_uint(t, "shared_by", true, 1, MACHINE_MAX_PCPUS, &cores)) {
        if (cores > largest_socket(m))
            cfg_fail(t, "shared_by", "%u cores: no socket has more than %u", cores, largest_socket(m));
        share_evenly(m, c, cores);
    }
}

/* Whoever shares the smaller one shares the larger one. */
static void check_nesting(cfg_doc *doc, const struct machine *m, const struct machine_cache *small,
                          const struct machine_cache *large, const char *table)
{
    unsigned *within = malloc(small->nr * sizeof(*within));
    if (!within) {
        cfg_fail(cfg_root(doc), NULL, "out of memory");
        return;
    }
    memset(within, 0xff, small->nr * sizeof(*within));
    for (unsigned i = 0; i < m->nr_cpus && !cfg_error(doc); i++) {
        unsigned *w = &within[small->of[i]];
        if (*w == UINT32_MAX)
            *w = large->of[i];
        else if (*w != large->of[i])
            cfg_fail(machine_find_table(doc, table), "shared_by",
                     "pCPU %u shares a smaller cache with a pCPU that does not share this one", i);
    }
    free(within);
}

void machine_read_caches(cfg_doc *doc, struct machine *m)
{
    check_cache(doc, "cache.l1d", &m->l1d);
    check_cache(doc, "cache.l2", &m->l2);
    if (!m->no_l3)
        check_cache(doc, "cache.l3", &m->l3);
    if (m->l1d.line != m->l2.line || (!m->no_l3 && m->l2.line != m->l3.line))
        cfg_fail(machine_find_table(doc, m->no_l3 ? "cache.l2" : "cache.l3"), "line",
                 "the caches must have lines of one size");
    read_sharing(doc, "cache.l1d", m, &m->l1d, 1);
    read_sharing(doc, "cache.l2", m, &m->l2, 1);
    if (!m->no_l3)
        read_sharing(doc, "cache.l3", m, &m->l3, 0);
    if (cfg_error(doc))
        return;
    check_nesting(doc, m, &m->l1d, &m->l2, "cache.l2");
    if (!m->no_l3) {
        check_nesting(doc, m, &m->l2, &m->l3, "cache.l3");
        return;
    }
    m->l3 = m->l2;
    m->l3.of = malloc(m->nr_cpus * sizeof(*m->l3.of));
    if (m->l3.of)
        memcpy(m->l3.of, m->l2.of, m->nr_cpus * sizeof(*m->l3.of));
    else
        cfg_fail(cfg_root(doc), NULL, "out of memory");
}

/* ---- TLBs ----------------------------------------------------------------------------------------------------------
 */

/* What is not said of larger pages is as for 4 KiB: one TLB for all sizes. */
void machine_read_tlb(cfg_doc *doc, struct machine *m)
{
    struct machine_tlb *b = &m->tlb;
    cfg_table *t = machine_find_table(doc, "tlb");
    static const char *const l1[] = {"l1_entries", "l1_entries_2m", "l1_entries_1g"};
    static const char *const l2[] = {"l2_entries", "l2_entries_2m", "l2_entries_1g"};

    for (unsigned i = 0; i < 3 && t; i++) {
        b->l1_entries[i] = b->l1_entries[0];
        b->l2_entries[i] = b->l2_entries[0];
        cfg_uint(t, l1[i], false, i ? 0 : 1, 1u << 20, &b->l1_entries[i]);
        cfg_uint(t, l2[i], false, i ? 0 : 1, 1u << 20, &b->l2_entries[i]);
    }
    if (b->l2_entries[0] && !b->l1_entries[0])
        cfg_fail(t, "l2_entries", "a second level needs a first: l1_entries is missing");
    else if (b->l2_ways && b->l2_entries[0] % b->l2_ways)
        cfg_fail(t, "l2_entries", "%u entries are no whole number of sets of %u", b->l2_entries[0], b->l2_ways);
    else if (b->walk_cache_entries && !b->walk_cache_reach)
        cfg_fail(t, "walk_cache_entries", "walk_cache_reach is missing");
    else if (b->pte_bytes & (b->pte_bytes - 1))
        cfg_fail(t, "pte_bytes", "%u bytes: expected a power of two", b->pte_bytes);
}
