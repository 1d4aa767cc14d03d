/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PPTT: packages, cores, caches. Layout: ACPI specification 6.4, 5.2.29. */
#include "acpi.h"

#include <string.h>

#define PPTT_PACKAGE 1u
#define PPTT_ID_VALID 2u
#define PPTT_THREAD 4u
#define PPTT_LEAF 8u
#define MAX_CHAIN 16u /* caches behind each other, and levels of the hierarchy twice as many */

/* The entry of that type at an offset that another one names; NULL with *f. */
static const uint8_t *pptt_at(struct acpi_reader *r, const struct acpi_table *t, uint32_t at, uint8_t type)
{
    const unsigned least = type == 0 ? 20 : 24;
    if (at >= ACPI_HEADER && at < t->size && t->size - at >= least && t->data[at] == type && t->data[at + 1] >= least &&
        t->data[at + 1] <= t->size - at)
        return t->data + at;
    fault_set(r->f, EXIT_BAD_INPUT, "%s: PPTT: an entry refers to byte %u, where there is none of that kind", r->name,
              at);
    return NULL;
}

/*
 * Data and unified caches of a part of the hierarchy, with all behind them. *level: how many levels are below it, and
 * then with its own; split first levels (data and instructions) are two chains that may end in one cache.
 */
static void take_caches(struct acpi_reader *r, const struct acpi_table *t, const uint8_t *node, struct acpi_proc *p,
                        unsigned *level)
{
    unsigned own = acpi_le(node + 16, 4), deepest = *level;
    if (own > (node[1] - 20u) / 4) {
        fault_set(r->f, EXIT_BAD_INPUT, "%s: PPTT: entry at byte %zu has %u resources in %u bytes", r->name,
                  (size_t)(node - t->data), own, node[1]);
        return;
    }
    for (unsigned i = 0; i < own; i++) {
        uint32_t at = acpi_le(node + 20 + 4 * i, 4);
        for (unsigned k = *level; at && r->f->code == EXIT_DONE; k++) {
            if (k == *level && at < t->size && t->data[at] == 2)
                break; /* a resource that is no cache: an ID */
            const uint8_t *c = pptt_at(r, t, at, 1);
            if (!c)
                return;
            if (k >= *level + MAX_CHAIN) {
                fault_set(r->f, EXIT_BAD_INPUT, "%s: PPTT: cycle in the cache tree at byte %u", r->name, at);
                return;
            }
            bool instruction = (acpi_le(c + 4, 4) & 0x10) && ((c[21] >> 2) & 3) == 1;
            if (!instruction && k < TOPO_MAX_CACHE_LEVELS && !p->cache[k]) {
                p->cache[k] = at;
                p->owner[k] = (unsigned)(node - t->data);
            }
            deepest = k + 1 > deepest ? k + 1 : deepest;
            at = acpi_le(c + 8, 4);
        }
    }
    *level = deepest;
}

/* From a leaf up to its package. */
static void climb(struct acpi_reader *r, const struct acpi_table *t, const uint8_t *leaf, struct acpi_proc *p)
{
    const uint8_t *e = leaf;
    unsigned level = 0;
    p->core = (unsigned)(leaf - t->data);
    for (unsigned steps = 0; e && r->f->code == EXIT_DONE; steps++) {
        uint32_t flags = acpi_le(e + 4, 4), parent = acpi_le(e + 8, 4);
        if (steps > 2 * MAX_CHAIN) {
            fault_set(r->f, EXIT_BAD_INPUT, "%s: PPTT: cycle of parents at byte %zu", r->name, (size_t)(e - t->data));
            return;
        }
        take_caches(r, t, e, p, &level);
        if (flags & PPTT_THREAD)
            p->core = parent;
        if ((flags & PPTT_PACKAGE) || !parent) {
            p->package = (unsigned)(e - t->data);
            if (flags & PPTT_PACKAGE)
                return;
        }
        e = parent ? pptt_at(r, t, parent, 0) : NULL;
    }
}

static struct acpi_proc *proc_by_uid(struct acpi_reader *r, uint32_t uid)
{
    for (unsigned i = 0; i < r->nr_procs; i++)
        if (r->proc[i].uid == uid)
            return &r->proc[i];
    return NULL;
}

/* Nobody's parent. Before revision 2 leaves were not marked. */
static bool is_leaf(struct acpi_reader *r, const struct acpi_table *t, const uint8_t *e)
{
    const uint8_t *o;
    if (t->data[8] >= 2)
        return acpi_le(e + 4, 4) & PPTT_LEAF;
    for (uint32_t at = ACPI_HEADER; (o = acpi_next(r, t, &at));)
        if (o[0] == 0 && o[1] >= 20 && acpi_le(o + 8, 4) == (uint32_t)(e - t->data))
            return false;
    return acpi_le(e + 4, 4) & PPTT_ID_VALID;
}

void acpi_read_pptt(struct acpi_reader *r, const struct acpi_table *t)
{
    const uint8_t *e;
    r->has_pptt = true;
    for (uint32_t at = ACPI_HEADER; (e = acpi_next(r, t, &at));) {
        if (e[0] != 0 || !acpi_long_enough(r, t, e, 20))
            continue;
        struct acpi_proc *p = is_leaf(r, t, e) ? proc_by_uid(r, acpi_le(e + 12, 4)) : NULL;
        if (p && p->package == TOPO_NONE)
            climb(r, t, e, p);
        else if (p)
            fault_set(r->f, EXIT_BAD_INPUT,
                      "%s: PPTT: processor with UID %u is there twice, the second time at byte %zu", r->name, p->uid,
                      (size_t)(e - t->data));
    }
}

/* Processors with a cache of that level in one part of the hierarchy share it. */
bool acpi_add_caches(struct acpi_reader *r, const struct acpi_table *pptt)
{
    for (unsigned level = 0; level < TOPO_MAX_CACHE_LEVELS; level++)
        for (unsigned i = 0; i < r->nr_procs; i++) {
            uint32_t at = r->proc[i].cache[level], owner = r->proc[i].owner[level];
            bool first = at != 0;
            for (unsigned k = 0; k < i && first; k++)
                first = !r->proc[k].cache[level] || r->proc[k].owner[level] != owner;
            if (!first)
                continue;
            const uint8_t *e = pptt->data + at;
            struct topo_cache *c = topo_add_cache(r->t, r->f);
            if (!c)
                return false;
            uint32_t valid = acpi_le(e + 4, 4);
            c->level = level + 1;
            c->type = (valid & 0x10) && ((e[21] >> 2) & 3) == 0 ? TOPO_CACHE_DATA : TOPO_CACHE_UNIFIED;
            c->size = valid & 1 ? acpi_le(e + 12, 4) : 0;
            c->ways = valid & 4 ? e[20] : 0;
            c->line = valid & 0x40 ? acpi_le(e + 22, 2) : 0;
            for (unsigned k = i; k < r->nr_procs; k++)
                if (r->proc[k].cache[level] && r->proc[k].owner[level] == owner)
                    topo_set_add(&c->cpus, k);
        }
    return true;
}
