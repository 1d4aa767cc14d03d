/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads models/machines/NAME.toml. Scalars come through the table in machine_keys.c, arrays by hand below. */
#include "machine_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CLOCK_APART_PS 1000000000000 /* 1 s */
#define MAX_TIMER_PS 1000000000000       /* the same */

static const char *const isas[] = {"x86-64", "aarch64", "armv7", NULL};

cfg_table *machine_find_table(cfg_doc *doc, const char *path)
{
    cfg_table *t = cfg_root(doc);
    char part[64];
    while (path && t) {
        const char *dot = strchr(path, '.');
        snprintf(part, sizeof(part), "%.*s", dot ? (int)(dot - path) : (int)strlen(path), path);
        t = cfg_sub(t, part, true);
        path = dot ? dot + 1 : NULL;
    }
    return t;
}

static void read_field(cfg_doc *doc, const struct machine_field *f, struct machine *m)
{
    if (f->type >= MK_SPECIAL) /* read by hand below; "node[]" is no table that could be looked up */
        return;
    void *at = (char *)m + f->offset;
    cfg_table *t = machine_find_table(doc, f->table);
    if (!t)
        return;
    const char *s = NULL;
    int64_t ps = 0;
    switch (f->type) {
    case MK_STRING:
        if (cfg_string(t, f->key, true, &s) && !(*(char **)at = strdup(s)))
            cfg_fail(t, f->key, "out of memory");
        break;
    case MK_COUNT:
        cfg_uint(t, f->key, true, (unsigned)f->min, (unsigned)f->max, at);
        break;
    case MK_FREQ:
        cfg_freq(t, f->key, true, f->min, f->max, at);
        break;
    case MK_SIZE:
        cfg_size(t, f->key, true, (uint64_t)f->min, (uint64_t)f->max, at);
        break;
    case MK_TIME_NS:
        if (cfg_time_ps(t, f->key, true, (int64_t)(f->min * 1000), (int64_t)(f->max * 1000), &ps))
            *(double *)at = (double)ps / 1000;
        break;
    case MK_BANDWIDTH:
        cfg_bandwidth(t, f->key, true, f->min, f->max, at);
        break;
    case MK_CYCLES: /* frequency comes before the caches in the table */
        if (cfg_double(t, f->key, true, f->min, f->max, at) && m->freq_hz > 0)
            *(double *)at *= 1e9 / m->freq_hz;
        break;
    case MK_SPECIAL:
    case MK_SPECIAL_OPTIONAL:
        break;
    }
}

static int by_start(const void *a, const void *b)
{
    const struct machine_range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static void read_ranges(cfg_table *node, unsigned n, struct machine *m)
{
    size_t nr = cfg_array_len(node, "range");
    struct machine_range *grown = realloc(m->range, (m->nr_ranges + nr + 1) * sizeof(*m->range));
    if (!grown) {
        cfg_fail(node, NULL, "out of memory");
        return;
    }
    m->range = grown;
    for (size_t i = 0; i < nr; i++) {
        cfg_table *t = cfg_array_at(node, "range", i);
        struct machine_range r = {0, 0, n};
        if (!t || !cfg_size(t, "start", true, 0, INT64_MAX, &r.start) ||
            !cfg_size(t, "end", true, 1, INT64_MAX, &r.end))
            return;
        if (r.start % 4096 || r.end % 4096)
            cfg_fail(t, r.start % 4096 ? "start" : "end", "a range of RAM must be aligned to pages of 4 KiB");
        else if (r.end <= r.start)
            cfg_fail(t, "end", "the range ends before it starts");
        for (unsigned k = 0; k < m->nr_ranges; k++)
            if (r.start < m->range[k].end && m->range[k].start < r.end)
                cfg_fail(t, "start", "overlaps a range of node %u", m->range[k].node);
        m->range[m->nr_ranges++] = r;
    }
}

static void read_nodes(cfg_doc *doc, const char *path, struct machine *m)
{
    cfg_table *root = cfg_root(doc);
    size_t n = cfg_array_len(root, "node");

    if (n < 1 || n > MACHINE_MAX_NODES) {
        cfg_fail(root, "node", "expected 1 to %u nodes, found %zu", MACHINE_MAX_NODES, n);
        return;
    }
    m->nr_nodes = (unsigned)n;
    m->mem_bandwidth = calloc(n, sizeof(double));
    m->mem_latency_ns = calloc(n * n, sizeof(double));
    m->node_socket = calloc(n, sizeof(unsigned));
    m->slit = calloc(n * n, 1);
    if (!m->mem_bandwidth || !m->mem_latency_ns || !m->node_socket || !m->slit) {
        cfg_fail(root, NULL, "out of memory");
        return;
    }
    machine_read_cores(doc, path, m);
    for (unsigned i = 0; i < n && !cfg_error(doc); i++) {
        cfg_table *t = cfg_array_at(root, "node", i);
        if (!t)
            return;
        unsigned before = m->nr_ranges;
        read_ranges(t, i, m);
        if (m->nr_ranges == before && !machine_node_has_cores(m, i))
            cfg_fail(t, NULL, "a node needs memory or cores");
        m->mem_bandwidth[i] = m->node_bandwidth;
    }
    if (cfg_error(doc))
        return;
    if (!m->nr_ranges)
        cfg_fail(root, "node", "the machine has no memory");
    qsort(m->range, m->nr_ranges, sizeof(*m->range), by_start);
}

static void read_slit(cfg_doc *doc, struct machine *m)
{
    cfg_table *t = machine_find_table(doc, "numa");
    const int64_t *d = NULL;
    size_t n = 0;
    if (!t || !cfg_ints(t, "slit", true, &d, &n))
        return;
    if (n != (size_t)m->nr_nodes * m->nr_nodes) {
        cfg_fail(t, "slit", "expected %u x %u distances, found %zu", m->nr_nodes, m->nr_nodes, n);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        bool diagonal = i / m->nr_nodes == i % m->nr_nodes;
        if (diagonal ? d[i] != 10 : d[i] <= 10 || d[i] > 254) {
            cfg_fail(t, "slit", "distance %u,%u is %lld: expected %s", i / m->nr_nodes, i % m->nr_nodes,
                     (long long)d[i], diagonal ? "10 on the diagonal" : "11 to 254 off it");
            return;
        }
        m->slit[i] = (uint8_t)d[i];
    }
}

/* Optional: only an emulated host has clocks that are apart. */
static void read_clock(cfg_doc *doc, struct machine *m)
{
    cfg_table *t = cfg_sub(cfg_root(doc), "clock", false);
    int64_t ps = 0;
    if (t && cfg_time_ps(t, "apart", false, 0, MAX_CLOCK_APART_PS, &ps))
        m->clock_apart_ns = ps / 1000;
}

static void read_latency(cfg_doc *doc, struct machine *m)
{
    cfg_table *t = machine_find_table(doc, "memory");
    const double *d = NULL;
    size_t n = 0;
    if (!t || !cfg_doubles(t, "latency_ns", true, &d, &n))
        return;
    if (n != (size_t)m->nr_nodes * m->nr_nodes) {
        cfg_fail(t, "latency_ns", "expected %u x %u latencies, found %zu", m->nr_nodes, m->nr_nodes, n);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        if (!(d[i] >= 1 && d[i] <= 1e5)) {
            cfg_fail(t, "latency_ns", "%g ns is out of range, expected 1 to 100000", d[i]);
            return;
        }
        m->mem_latency_ns[i] = d[i];
    }
}

static void read_timer(cfg_doc *doc, struct machine *m)
{
    if (!cfg_has(cfg_root(doc), "timer"))
        return;
    cfg_table *t = machine_find_table(doc, "timer");
    int64_t ps = 0;
    if (cfg_time_ps(t, "latency", false, 0, MAX_TIMER_PS, &ps))
        m->timer_latency_ns = (double)ps / 1000;
    ps = 0;
    if (cfg_time_ps(t, "jitter", false, 0, MAX_TIMER_PS, &ps))
        m->timer_jitter_ns = (double)ps / 1000;
    ps = 0;
    cfg_double(t, "late_fraction", false, 0, 1, &m->timer_late_fraction);
    if (cfg_time_ps(t, "late_mean", m->timer_late_fraction > 0, 0, MAX_TIMER_PS, &ps))
        m->timer_late_mean_ns = (double)ps / 1000;
}

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

static void check_caches(cfg_doc *doc, const struct machine *m)
{
    check_cache(doc, "cache.l1d", &m->l1d);
    check_cache(doc, "cache.l2", &m->l2);
    check_cache(doc, "cache.l3", &m->l3);
    if (m->l1d.line != m->l2.line || m->l2.line != m->l3.line)
        cfg_fail(machine_find_table(doc, "cache.l3"), "line", "the caches must have lines of one size");
}

static void read_machine(cfg_doc *doc, const char *path, struct machine *m)
{
    for (unsigned i = 0; i < machine_nr_fields && !cfg_error(doc); i++)
        read_field(doc, &machine_fields[i], m);
    if (!cfg_error(doc))
        check_caches(doc, m);
    if (!cfg_error(doc))
        read_nodes(doc, path, m);
    if (!cfg_error(doc))
        read_slit(doc, m);
    if (!cfg_error(doc))
        read_latency(doc, m);
    if (!cfg_error(doc))
        read_clock(doc, m);
    if (!cfg_error(doc))
        read_timer(doc, m);
    unsigned isa = 0;
    cfg_enum(cfg_root(doc), "isa", true, isas, &isa);
    const char *costs = NULL;
    if (cfg_string(cfg_root(doc), "costs", false, &costs) && costs && !(m->costs = strdup(costs)))
        cfg_fail(cfg_root(doc), "costs", "out of memory");
    cfg_finish(doc);
    m->l1d.shared_by = m->l2.shared_by = m->threads_per_core;
    m->l3.shared_by = m->cores_per_socket * m->threads_per_core;
}

struct machine *machine_load(const char *path, const char *const *overrides, char **err)
{
    *err = NULL;
    struct machine *m = calloc(1, sizeof(*m));
    cfg_doc *doc = m ? cfg_load(path) : NULL;
    if (!doc) {
        free(m);
        *err = strdup("out of memory");
        return NULL;
    }
    for (unsigned i = 0; overrides && overrides[i]; i++)
        cfg_override(doc, overrides[i]);
    if (!cfg_error(doc))
        read_machine(doc, path, m);
    if (cfg_error(doc))
        *err = strdup(cfg_error(doc));
    cfg_free(doc);
    if (*err) {
        machine_free(m);
        return NULL;
    }
    return m;
}

void machine_free(struct machine *m)
{
    if (!m)
        return;
    free(m->name);
    free(m->description);
    free(m->isa);
    free(m->costs);
    free(m->cpu);
    free(m->range);
    free(m->node_socket);
    free(m->slit);
    free(m->mem_latency_ns);
    free(m->mem_bandwidth);
    free(m);
}

uint64_t machine_memory(const struct machine *m)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < m->nr_ranges; i++)
        sum += m->range[i].end - m->range[i].start;
    return sum;
}
