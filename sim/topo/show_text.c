/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine as a tree of text. */
#include "view.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 16

const char *topo_size(uint64_t bytes, char *buf, size_t room)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    uint64_t whole = bytes;
    unsigned u = 0, largest = 0;
    double v = (double)bytes;
    for (; u < 4 && whole && whole % 1024 == 0; u++)
        whole /= 1024;
    for (; largest < 4 && v >= 1024; largest++)
        v /= 1024;
    if (whole < 10000)
        snprintf(buf, room, "%llu %s", (unsigned long long)whole, unit[u]);
    else
        snprintf(buf, room, "%.1f %s", v, unit[largest]);
    return buf;
}

uint64_t topo_node_memory(const struct machine *m, unsigned node)
{
    uint64_t sum = 0;
    for (unsigned r = 0; r < m->nr_ranges; r++)
        if (m->range[r].node == node)
            sum += m->range[r].end - m->range[r].start;
    return sum;
}

uint64_t topo_l2_size(const struct machine *m, const struct tree_obj *o)
{
    for (unsigned i = 0; i < m->nr_cpus; i++)
        if (m->l2.of[i] == o->index)
            return m->kind[m->cpu[i].kind].l2_size;
    return m->l2.size;
}

uint64_t topo_l1d_size(const struct machine *m, const struct tree_obj *o)
{
    for (unsigned i = 0; i < m->nr_cpus; i++)
        if (m->l1d.of[i] == o->index)
            return m->kind[m->cpu[i].kind].l1d_size;
    return m->l1d.size;
}

/* "0-3,8": the pCPUs of a part. */
static void put_cpus(FILE *to, const struct tree_obj *o)
{
    const char *sep = o->nr_cpus > 1 ? "pCPUs " : "pCPU ";
    for (unsigned i = 0; i < TOPO_MAX_CPUS; i++) {
        unsigned last = i;
        if (!topo_set_has(&o->cpus, i))
            continue;
        while (last + 1 < TOPO_MAX_CPUS && topo_set_has(&o->cpus, last + 1))
            last++;
        fprintf(to, last > i ? "%s%u-%u" : "%s%u", sep, i, last);
        sep = ",";
        i = last;
    }
}

static void put_name(FILE *to, const struct machine *m, const struct tree_obj *o, bool one)
{
    char buf[32];
    switch (o->type) {
    case TREE_PACKAGE:
        fprintf(to, "socket");
        if (one)
            fprintf(to, " %u", o->index);
        break;
    case TREE_GROUP:
        fprintf(to, "part");
        break;
    case TREE_L3:
        fprintf(to, "L3 %s", topo_size(m->l3.size, buf, sizeof(buf)));
        break;
    case TREE_L2:
        fprintf(to, "L2 %s", topo_size(topo_l2_size(m, o), buf, sizeof(buf)));
        break;
    case TREE_L1:
        fprintf(to, "L1d %s", topo_size(topo_l1d_size(m, o), buf, sizeof(buf)));
        break;
    case TREE_CORE:
        fprintf(to, "core");
        break;
    default:
        fprintf(to, "pCPU");
    }
}

static const char *kind_of(const struct machine *m, const struct tree_obj *o)
{
    for (unsigned i = 0; i < m->nr_cpus; i++)
        if (topo_set_has(&o->cpus, i))
            return m->kind[m->cpu[i].kind].name;
    return NULL;
}

static bool alike(const struct machine *m, const struct tree_obj *a, const struct tree_obj *b)
{
    if (a->type != b->type || a->memory || b->memory || a->nr_cpus != b->nr_cpus)
        return false;
    if (a->type == TREE_L2 && topo_l2_size(m, a) != topo_l2_size(m, b))
        return false;
    if (a->type == TREE_L1 && topo_l1d_size(m, a) != topo_l1d_size(m, b))
        return false;
    if (a->type == TREE_CORE && kind_of(m, a) != kind_of(m, b))
        return false;
    for (a = a->child, b = b->child; a && b; a = a->next, b = b->next)
        if (!alike(m, a, b))
            return false;
    return !a && !b;
}

/* All parts of all its parts are alike: one line says it. */
static bool plain(const struct machine *m, const struct tree_obj *o)
{
    for (const struct tree_obj *c = o->child; c; c = c->next)
        if (!alike(m, o->child, c))
            return false;
    return !o->memory && (!o->child || plain(m, o->child));
}

static void put_plain(FILE *to, const struct machine *m, const struct tree_obj *o)
{
    for (; o; o = o->child) {
        unsigned n = 0;
        put_name(to, m, o, false);
        if (o->type == TREE_CORE && kind_of(m, o))
            fprintf(to, " %s", kind_of(m, o));
        for (const struct tree_obj *c = o->child; c; c = c->next)
            n++;
        if (n)
            fprintf(to, n > 1 ? " > %u x " : " > ", n);
    }
}

static void put_node(FILE *to, const struct machine *m, const struct tree_obj *o)
{
    char a[32], b[32];
    uint64_t memory = topo_node_memory(m, o->index);
    const char *sep = ": ";
    fprintf(to, "node %u, %s", o->index, memory ? topo_size(memory, a, sizeof(a)) : "no memory");
    if (!o->nr_cpus)
        fprintf(to, ", no pCPUs");
    for (unsigned r = 0; r < m->nr_ranges; r++)
        if (m->range[r].node == o->index) {
            fprintf(to, "%s%s to %s", sep, topo_size(m->range[r].start, a, sizeof(a)),
                    topo_size(m->range[r].end, b, sizeof(b)));
            sep = ", ";
        }
    fputc('\n', to);
}

static void put_parts(FILE *to, const struct machine *m, const struct tree_obj *o, const char *prefix)
{
    char deeper[8 * MAX_DEPTH];
    for (const struct tree_obj *n = o->memory; n; n = n->next) {
        fprintf(to, "%s%s", prefix, n->next || o->child ? "├── " : "└── ");
        put_node(to, m, n);
    }
    for (const struct tree_obj *c = o->child, *end; c; c = end) {
        unsigned n = 0;
        for (end = c; end && (end == c || alike(m, c, end)); end = end->next)
            n++;
        fprintf(to, "%s%s", prefix, end ? "├── " : "└── ");
        if (n > 1)
            fprintf(to, "%u x ", n);
        if (plain(m, c)) {
            struct tree_obj all = {.nr_cpus = 0};
            for (const struct tree_obj *k = c; k != end; k = k->next) {
                all.nr_cpus += k->nr_cpus;
                for (unsigned w = 0; w < TOPO_MAX_CPUS / 64; w++)
                    all.cpus.bit[w] |= k->cpus.bit[w];
            }
            put_plain(to, m, c);
            fputs(": ", to);
            put_cpus(to, &all);
            fputc('\n', to);
            continue;
        }
        put_name(to, m, c, n == 1);
        fputs(": ", to);
        put_cpus(to, c);
        fputc('\n', to);
        snprintf(deeper, sizeof(deeper), "%s%s", prefix, end ? "│   " : "    ");
        put_parts(to, m, c, deeper);
    }
}

static void put_matrix(FILE *to, const struct machine *m, const char *title, bool latency)
{
    fprintf(to, "\n%-22s to", title);
    for (unsigned n = 0; n < m->nr_nodes; n++)
        fprintf(to, "%6u", n);
    fputc('\n', to);
    for (unsigned a = 0; a < m->nr_nodes; a++) {
        fprintf(to, "%18s from %2u", "", a);
        for (unsigned b = 0; b < m->nr_nodes; b++)
            if (latency)
                fprintf(to, "%6.1f", m->mem_latency_ns[a * m->nr_nodes + b]);
            else
                fprintf(to, "%6u", m->slit[a * m->nr_nodes + b]);
        fputc('\n', to);
    }
}

int topo_show_text(const struct machine *m, FILE *to, struct fault *f)
{
    char buf[32];
    struct tree_obj *root = tree_build(m, f);
    if (!root)
        return f->code;
    fprintf(to, "%s: %s\n", m->name, m->description);
    fprintf(to, "%s, %g GHz, %u socket%s, %u cores, %u pCPUs, %u node%s, %s\n", m->isa, m->freq_hz / 1e9, m->nr_sockets,
            m->nr_sockets > 1 ? "s" : "", m->nr_cores, m->nr_cpus, m->nr_nodes, m->nr_nodes > 1 ? "s" : "",
            topo_size(machine_memory(m), buf, sizeof(buf)));
    put_parts(to, m, root, "");
    tree_free(root);
    for (unsigned i = 0; i < m->nr_links; i++)
        fprintf(to, "%s%u -> %u", i ? ", " : "\nlinks between sockets: ", m->link[i].from, m->link[i].to);
    if (m->nr_links)
        fputc('\n', to);
    if (m->nr_nodes > 1)
        put_matrix(to, m, "distances (SLIT)", false);
    put_matrix(to, m, "idle latency, ns", true);
    return EXIT_DONE;
}
