/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#define WORDS (TOPO_MAX_CPUS / 64)

static bool within(const struct topo_set *a, const struct topo_set *b)
{
    for (unsigned w = 0; w < WORDS; w++)
        if (a->bit[w] & ~b->bit[w])
            return false;
    return true;
}

static bool apart(const struct topo_set *a, const struct topo_set *b)
{
    for (unsigned w = 0; w < WORDS; w++)
        if (a->bit[w] & b->bit[w])
            return false;
    return true;
}

void tree_free(struct tree_obj *t)
{
    while (t) {
        struct tree_obj *next = t->next;
        tree_free(t->memory);
        tree_free(t->child);
        free(t);
        t = next;
    }
}

static const char *const names[] = {
    [TREE_MACHINE] = "machine", [TREE_PACKAGE] = "socket", [TREE_GROUP] = "node", [TREE_L3] = "L3",    [TREE_L2] = "L2",
    [TREE_L1] = "L1",           [TREE_CORE] = "core",      [TREE_PU] = "pCPU",    [TREE_NODE] = "node"};

/* The smallest part that holds all of o's CPUs, for memory the largest that has just them; NULL with *f: parts cross.
 */
static struct tree_obj *parent_of(struct tree_obj *root, const struct tree_obj *o, struct fault *f)
{
    for (;;) {
        struct tree_obj *in = NULL;
        for (struct tree_obj *c = root->child; c && !in; c = c->next) {
            if (c->nr_cpus >= o->nr_cpus && within(&o->cpus, &c->cpus)) {
                in = c;
            } else if (!apart(&o->cpus, &c->cpus) && !within(&c->cpus, &o->cpus)) {
                fault_set(f, EXIT_BAD_INPUT, "%s %u and %s %u share some of their pCPUs: there is no tree of that",
                          names[o->type], o->index, names[c->type], c->index);
                return NULL;
            }
        }
        if (!in)
            return root;
        root = in;
        if (o->type == TREE_NODE && in->nr_cpus == o->nr_cpus)
            return in;
    }
}

static void append(struct tree_obj **list, struct tree_obj *o)
{
    while (*list)
        list = &(*list)->next;
    *list = o;
}

/* As a part of in; those of its parts that lie within o become o's. */
static void insert(struct tree_obj *in, struct tree_obj *o)
{
    struct tree_obj **from = &in->child, **to = &o->child;
    while (*from) {
        struct tree_obj *c = *from;
        if (!within(&c->cpus, &o->cpus)) {
            from = &c->next;
            continue;
        }
        *from = c->next;
        c->next = NULL;
        *to = c;
        to = &c->next;
    }
    *from = o;
}

static struct tree_obj *new_obj(enum tree_type type, unsigned index, struct fault *f)
{
    struct tree_obj *o = calloc(1, sizeof(*o));
    if (!o)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    else
        *o = (struct tree_obj){.type = type, .index = index};
    return o;
}

static void put_cpu(struct tree_obj *o, unsigned cpu)
{
    topo_set_add(&o->cpus, cpu);
    o->nr_cpus++;
}

/* What number of a type a pCPU belongs to. */
static unsigned number_of(const struct machine *m, enum tree_type type, unsigned cpu)
{
    switch (type) {
    case TREE_PACKAGE:
        return m->cpu[cpu].socket;
    case TREE_NODE:
        return m->cpu[cpu].node;
    case TREE_L3:
        return m->l3.of[cpu];
    case TREE_L2:
        return m->l2.of[cpu];
    case TREE_L1:
        return m->l1d.of[cpu];
    case TREE_CORE:
        return m->cpu[cpu].core;
    default:
        return cpu;
    }
}

static unsigned count_of(const struct machine *m, enum tree_type type)
{
    switch (type) {
    case TREE_PACKAGE:
        return m->nr_sockets;
    case TREE_NODE:
        return m->nr_nodes;
    case TREE_L3:
        return m->no_l3 ? 0 : m->l3.nr;
    case TREE_L2:
        return m->l2.nr;
    case TREE_L1:
        return m->l1d.nr;
    case TREE_CORE:
        return m->nr_cores;
    default:
        return m->nr_cpus;
    }
}

/* A node goes where its CPUs are, as a group of its own if they are nothing else; without CPUs to its socket. */
static bool place_node(const struct machine *m, struct tree_obj *root, struct tree_obj *o, struct fault *f)
{
    struct tree_obj *in = root;
    for (struct tree_obj *s = root->child; !o->nr_cpus && s; s = s->next)
        if (s->type == TREE_PACKAGE && s->index == m->node_socket[o->index])
            in = s;
    if (o->nr_cpus) {
        if (!(in = parent_of(root, o, f)))
            return false;
        if (in->nr_cpus != o->nr_cpus) {
            struct tree_obj *group = new_obj(TREE_GROUP, o->index, f);
            if (!group)
                return false;
            group->cpus = o->cpus;
            group->nr_cpus = o->nr_cpus;
            insert(in, group);
            in = group;
        }
    }
    append(&in->memory, o);
    return true;
}

static bool add_type(const struct machine *m, struct tree_obj *root, enum tree_type type, struct fault *f)
{
    unsigned nr = count_of(m, type);
    struct tree_obj **all = calloc(nr + 1, sizeof(struct tree_obj *));
    if (!all)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    for (unsigned i = 0; i < nr && f->code == EXIT_DONE; i++)
        all[i] = new_obj(type, i, f);
    for (unsigned c = 0; c < m->nr_cpus && nr && f->code == EXIT_DONE; c++)
        put_cpu(all[number_of(m, type, c)], c);
    for (unsigned i = 0; all && i < nr; i++) {
        struct tree_obj *o = all[i], *in = NULL;
        if (f->code == EXIT_DONE && type == TREE_NODE) {
            if (place_node(m, root, o, f))
                continue;
        } else if (f->code == EXIT_DONE && o->nr_cpus && (in = parent_of(root, o, f))) {
            insert(in, o);
            continue;
        }
        free(o);
    }
    free(all);
    return f->code == EXIT_DONE;
}

/* Children in the order of their first pCPU. */
static unsigned first_cpu(const struct tree_obj *o)
{
    for (unsigned w = 0; w < WORDS; w++)
        if (o->cpus.bit[w])
            return w * 64 + (unsigned)__builtin_ctzll(o->cpus.bit[w]);
    return TOPO_NONE;
}

/* They mostly are in order: what comes next mostly goes to the end. */
static void sort_parts(struct tree_obj *t)
{
    struct tree_obj *sorted = NULL, *last = NULL;
    while (t->child) {
        struct tree_obj *c = t->child, **at = last && first_cpu(last) < first_cpu(c) ? &last->next : &sorted;
        t->child = c->next;
        while (*at && first_cpu(*at) < first_cpu(c))
            at = &(*at)->next;
        c->next = *at;
        *at = c;
        if (!c->next)
            last = c;
        sort_parts(c);
    }
    t->child = sorted;
}

struct tree_obj *tree_build(const struct machine *m, struct fault *f)
{
    static const enum tree_type order[] = {TREE_PACKAGE, TREE_L3, TREE_NODE, TREE_L2, TREE_L1, TREE_CORE, TREE_PU};
    struct tree_obj *root = new_obj(TREE_MACHINE, 0, f);
    for (unsigned c = 0; root && c < m->nr_cpus; c++)
        put_cpu(root, c);
    for (size_t i = 0; root && i < sizeof(order) / sizeof(order[0]); i++) {
        if (!add_type(m, root, order[i], f)) {
            tree_free(root);
            return NULL;
        }
    }
    if (root)
        sort_parts(root);
    return root;
}
