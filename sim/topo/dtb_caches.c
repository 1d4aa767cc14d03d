/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Caches of a device tree: those of a CPU are properties of its node, the others nodes of their own, each found by
 * next-level-cache of the one before it.
 */
#include "dtb.h"

#include <stdlib.h>
#include <string.h>

struct caches {
    struct dtb_reader *r;
    unsigned *data, *code; /* per node of the tree: 1 + index into topo.cache, 0: none */
    unsigned *seen;        /* per node: 1 + the last CPU whose chain it is in */
};

/* PREFIXcache-size, -sets, -line-size. *c stays as it is where they are not told. */
static bool read_geometry(const struct caches *s, unsigned node, const char *prefix, struct topo_cache *c)
{
    const struct dtb *d = &s->r->d;
    char size[32], sets[32], line[32], block[32], path[200];
    uint64_t nr_sets = 0, bytes = c->line;

    snprintf(size, sizeof(size), "%scache-size", prefix);
    snprintf(sets, sizeof(sets), "%scache-sets", prefix);
    snprintf(line, sizeof(line), "%scache-line-size", prefix);
    snprintf(block, sizeof(block), "%scache-block-size", prefix);
    if (!dtb_number(d, node, size, &c->size) || !dtb_number(d, node, sets, &nr_sets) ||
        !dtb_number(d, node, block, &bytes) || !dtb_number(d, node, line, &bytes))
        return false;
    if (bytes > 65536 || nr_sets > UINT32_MAX)
        return dtb_bad(d, node, "%s, %s: %llu, %llu: expected those of a cache", line, sets, (unsigned long long)bytes,
                       (unsigned long long)nr_sets);
    c->line = (unsigned)bytes;
    if (!c->size || !nr_sets || !bytes)
        return true;
    uint64_t ways = c->size / (nr_sets * bytes);
    if (!ways || c->size % (nr_sets * bytes) || ways >= TOPO_NONE)
        topo_note(s->r->t, "%s: %s is no multiple of sets and line size: its associativity is unknown",
                  dtb_path(d, node, path, sizeof(path)), size);
    else
        c->ways = (unsigned)ways;
    return true;
}

static bool tells(const struct dtb *d, unsigned node, const char *prefix)
{
    char size[32], sets[32];
    snprintf(size, sizeof(size), "%scache-size", prefix);
    snprintf(sets, sizeof(sets), "%scache-sets", prefix);
    return dtb_has(d, node, size) || dtb_has(d, node, sets);
}

/* 1 + its index in *slot, or false. */
static bool add(struct caches *s, unsigned node, unsigned level, enum topo_cache_type type, const char *prefix,
                unsigned *slot)
{
    struct topo_cache *c = topo_add_cache(s->r->t, s->r->d.f);
    if (!c)
        return false;
    c->level = level;
    c->type = type;
    *slot = s->r->t->nr_caches;
    return read_geometry(s, node, prefix, c);
}

static void shares(struct caches *s, unsigned slot, unsigned cpu)
{
    if (slot)
        topo_set_add(&s->r->t->cache[slot - 1].cpus, cpu);
}

/* Of a core, whose threads may have a node each: the first one's counts. */
static bool read_first_level(struct caches *s, unsigned cpu)
{
    const struct dtb *d = &s->r->d;
    struct topo *t = s->r->t;
    unsigned at = s->r->cpu[cpu].at;
    bool unified = dtb_has(d, at, "cache-unified");
    const char *data = tells(d, at, "d-") ? "d-" : "";

    if (cpu && t->cpu[cpu].core == t->cpu[cpu - 1].core) {
        unsigned before = s->r->cpu[cpu - 1].at;
        s->data[at] = s->data[before];
        s->code[at] = s->code[before];
    } else if ((tells(d, at, data) &&
                !add(s, at, 1, unified ? TOPO_CACHE_UNIFIED : TOPO_CACHE_DATA, data, &s->data[at])) ||
               (!unified && tells(d, at, "i-") && !add(s, at, 1, TOPO_CACHE_INSTRUCTION, "i-", &s->code[at]))) {
        return false;
    }
    shares(s, s->data[at], cpu);
    shares(s, s->code[at], cpu);
    return true;
}

/* Node of the cache behind that of a node; 0: none. false with f. */
static bool next_of(const struct dtb *d, unsigned node, unsigned *next)
{
    unsigned len;
    const char *name = dtb_has(d, node, "next-level-cache") ? "next-level-cache" : "l2-cache";
    const uint8_t *p = dtb_prop(d, node, name, &len);

    *next = 0;
    if (!p)
        return true;
    if (len < 4 || len % 4)
        return dtb_bad(d, node, "%s: %u bytes: expected a phandle", name, len);
    *next = dtb_find(d, (uint32_t)dtb_read(p, 1));
    return *next || dtb_bad(d, node, "%s: there is no node with phandle 0x%x", name, (unsigned)dtb_read(p, 1));
}

/* A cache of the chain of a CPU, at least of that level. */
static bool visit(struct caches *s, unsigned cpu, unsigned node, unsigned *level)
{
    const struct dtb *d = &s->r->d;
    uint32_t is = *level;

    if (s->seen[node] == cpu + 1)
        return dtb_bad(d, node, "next-level-cache: a cycle of caches");
    s->seen[node] = cpu + 1;
    if (d->node[node].parent == s->r->cpus && dtb_string(d, node, "device_type") &&
        !strcmp(dtb_string(d, node, "device_type"), "cpu"))
        return dtb_bad(d, node, "next-level-cache: a CPU is no cache");
    if (!dtb_u32(d, node, "cache-level", &is))
        return false;
    if (is < *level || is > TOPO_MAX_CACHE_LEVELS)
        return dtb_bad(d, node, "cache-level: %u: expected %u to %u, from where next-level-cache leads to it", is,
                       *level, TOPO_MAX_CACHE_LEVELS);
    if (!s->data[node]) {
        bool split = tells(d, node, "i-") && !dtb_has(d, node, "cache-unified");
        if (!add(s, node, is, split ? TOPO_CACHE_DATA : TOPO_CACHE_UNIFIED, tells(d, node, "d-") ? "d-" : "",
                 &s->data[node]) ||
            (split && !add(s, node, is, TOPO_CACHE_INSTRUCTION, "i-", &s->code[node])))
            return false;
    }
    if (s->r->t->cache[s->data[node] - 1].level != is)
        return dtb_bad(d, node, "of level %u for one CPU, of level %u for another",
                       s->r->t->cache[s->data[node] - 1].level, is);
    shares(s, s->data[node], cpu);
    shares(s, s->code[node], cpu);
    *level = is + 1;
    return true;
}

static bool read_chain(struct caches *s, unsigned cpu)
{
    unsigned level = 2, node, next;
    if (!next_of(&s->r->d, s->r->cpu[cpu].at, &next))
        return false;
    while ((node = next))
        if (!visit(s, cpu, node, &level) || !next_of(&s->r->d, node, &next))
            return false;
    return true;
}

bool dtb_read_caches(struct dtb_reader *r)
{
    unsigned nr = r->d.nr, *room = calloc((size_t)nr * 3, sizeof(*room));
    struct caches s = {r, room, room + nr, room + 2 * (size_t)nr};
    bool ok = room != NULL || dtb_no_memory(&r->d);

    for (unsigned i = 0; ok && i < r->nr_cpus; i++)
        ok = read_first_level(&s, i) && read_chain(&s, i);
    free(room);
    return ok;
}
