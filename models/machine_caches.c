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

/* Entries of one level for 4 KiB, 2 MiB, 1 GiB. What is not said of larger pages is as for 4 KiB. */
static void read_entries(cfg_table *t, const char *const *key, unsigned least, unsigned *entries)
{
    bool own = cfg_has(t, key[0]);
    cfg_uint(t, key[0], false, least, 1u << 20, &entries[0]);
    for (unsigned i = 1; i < 3; i++) {
        entries[i] = own ? entries[0] : entries[i];
        cfg_uint(t, key[i], false, 0, 1u << 20, &entries[i]);
    }
}

/* l2: the key that is named where something is wrong. */
static void check_tlb(cfg_table *t, const struct machine_tlb *b, const char *l2)
{
    if (b->l2_entries[0] && !b->l1_entries[0])
        cfg_fail(t, l2, "a second level needs a first: l1_entries is missing");
    else if (b->l2_ways && b->l2_entries[0] % b->l2_ways)
        cfg_fail(t, l2, "%u entries are no whole number of sets of %u", b->l2_entries[0], b->l2_ways);
}

void machine_read_tlb(cfg_doc *doc, struct machine *m)
{
    struct machine_tlb *b = &m->tlb;
    cfg_table *t = machine_find_table(doc, "tlb");
    static const char *const l1[] = {"l1_entries", "l1_entries_2m", "l1_entries_1g"};
    static const char *const l2[] = {"l2_entries", "l2_entries_2m", "l2_entries_1g"};

    if (t) {
        read_entries(t, l1, 1, b->l1_entries);
        read_entries(t, l2, 1, b->l2_entries);
    }
    check_tlb(t, b, "l2_entries");
    if (b->walk_cache_entries && !b->walk_cache_reach)
        cfg_fail(t, "walk_cache_entries", "walk_cache_reach is missing");
    else if (b->pte_bytes & (b->pte_bytes - 1))
        cfg_fail(t, "pte_bytes", "%u bytes: expected a power of two", b->pte_bytes);
}

/* ---- what kinds of core have instead -------------------------------------------------------------------------------
 */

/* In cycles of the kind's own clock. */
static void read_cycles(cfg_table *t, const char *key, double low, double high, const struct machine_kind *k,
                        double *ns)
{
    double cycles = 0;
    if (cfg_has(t, key) && cfg_double(t, key, false, low, high, &cycles))
        *ns = cycles * 1e9 / k->freq_hz;
}

static void read_kind(cfg_table *t, const struct machine *m, struct machine_kind *k)
{
    static const char *const l1[] = {"tlb_l1_entries", "tlb_l1_entries_2m", "tlb_l1_entries_1g"};
    static const char *const l2[] = {"tlb_l2_entries", "tlb_l2_entries_2m", "tlb_l2_entries_1g"};
    struct machine_tlb *b = &k->tlb;

    cfg_size(t, "l1d_size", false, 1024, 1000000000, &k->l1d_size);
    cfg_uint(t, "l1d_ways", false, 1, 1024, &k->l1d_ways);
    read_cycles(t, "l1d_latency_cycles", 1, 1000, k, &k->l1d_latency_ns);
    int64_t walk_ps = 0;
    if (cfg_has(t, "tlb_walk") && cfg_time_ps(t, "tlb_walk", false, 0, 100000000, &walk_ps))
        k->page_walk_ns = (double)walk_ps / 1000;
    read_entries(t, l1, 1, b->l1_entries);
    read_cycles(t, "tlb_l1_miss_cycles", 0, 1000, k, &b->l1_miss_ns);
    read_entries(t, l2, 0, b->l2_entries);
    cfg_uint(t, "tlb_l2_ways", false, 1, 1u << 20, &b->l2_ways);
    read_cycles(t, "tlb_l2_miss_cycles", 0, 10000, k, &b->l2_miss_ns);
    cfg_uint(t, "tlb_walk_cache_entries", false, 0, 1u << 20, &b->walk_cache_entries);
    read_cycles(t, "tlb_walk_cache_miss_cycles", 0, 10000, k, &b->walk_cache_miss_ns);
    if (k->l1d_size % (k->l1d_ways * m->l1d.line))
        cfg_fail(t, cfg_has(t, "l1d_size") ? "l1d_size" : "l1d_ways",
                 "%llu bytes are no whole number of sets of %u lines of %llu bytes", (unsigned long long)k->l1d_size,
                 k->l1d_ways, (unsigned long long)m->l1d.line);
    if (k->l1d_size > k->l2_size)
        cfg_fail(t, "l1d_size", "larger than its L2");
    check_tlb(t, b, "tlb_l2_entries");
    if (b->walk_cache_entries && !b->walk_cache_reach)
        cfg_fail(t, "tlb_walk_cache_entries", "tlb.walk_cache_reach is missing");
}

void machine_read_kind_caches(cfg_doc *doc, struct machine *m)
{
    for (unsigned i = 0; i < m->nr_kinds && !cfg_error(doc); i++) {
        struct machine_kind *k = &m->kind[i];
        k->l1d_size = m->l1d.size;
        k->l1d_ways = m->l1d.ways;
        k->l1d_latency_ns = m->l1d.latency_ns * m->freq_hz / k->freq_hz;
        k->tlb = m->tlb;
        k->page_walk_ns = m->page_walk_ns;
        if (i)
            read_kind(cfg_array_at(cfg_root(doc), "core_kind", i - 1), m, k);
    }
}
