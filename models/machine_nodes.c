/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes of a machine file: ranges of RAM, distances, idle latencies, what the controllers sustain. */
#include "machine_keys.h"

#include <stdlib.h>

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

void machine_read_nodes(cfg_doc *doc, const char *path, struct machine *m)
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
        cfg_bandwidth(t, "bandwidth", false, 1e6, 1e13, &m->mem_bandwidth[i]);
    }
    if (cfg_error(doc))
        return;
    if (!m->nr_ranges)
        cfg_fail(root, "node", "the machine has no memory");
    qsort(m->range, m->nr_ranges, sizeof(*m->range), by_start);
}

void machine_read_slit(cfg_doc *doc, struct machine *m)
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

void machine_read_latency(cfg_doc *doc, struct machine *m)
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
