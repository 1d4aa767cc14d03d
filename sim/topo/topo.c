/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "topo.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Text of others ends up in comments of one line. */
static void one_line(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
}

struct topo *topo_new(const char *source)
{
    struct topo *t = calloc(1, sizeof(*t));
    if (t && !(t->source = strdup(source))) {
        free(t);
        return NULL;
    }
    if (t)
        one_line(t->source);
    return t;
}

void topo_free(struct topo *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < t->nr_nodes; i++)
        free(t->node[i].range);
    for (unsigned i = 0; i < t->nr_notes; i++)
        free(t->note[i]);
    void *const arrays[] = {t->source, t->name, t->description, t->cpu,  t->node,
                            t->cache,  t->kind, t->distance,    t->note, t->latency_ns};
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
        free(arrays[i]);
    free(t);
}

/* Room for one more element of that size; NULL with *f. Arrays grow by doubling: nr is a power of two when full. */
static void *grow(void **array, unsigned *nr, size_t size, unsigned limit, const char *what, struct fault *f)
{
    if (*nr >= limit) {
        fault_set(f, EXIT_BAD_INPUT, "more than %u %s", limit, what);
        return NULL;
    }
    if (!(*nr & (*nr - 1))) {
        void *grown = realloc(*array, (*nr ? 2 * (size_t)*nr : 1) * size);
        if (!grown) {
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
            return NULL;
        }
        *array = grown;
    }
    char *at = (char *)*array + *nr * size;
    memset(at, 0, size);
    ++*nr;
    return at;
}

struct topo_cpu *topo_add_cpu(struct topo *t, struct fault *f)
{
    return grow((void **)&t->cpu, &t->nr_cpus, sizeof(*t->cpu), TOPO_MAX_CPUS, "hardware threads", f);
}

struct topo_node *topo_add_node(struct topo *t, struct fault *f)
{
    struct topo_node *n = grow((void **)&t->node, &t->nr_nodes, sizeof(*t->node), TOPO_MAX_NODES, "memory nodes", f);
    if (n)
        n->package = TOPO_NONE;
    return n;
}

struct topo_cache *topo_add_cache(struct topo *t, struct fault *f)
{
    return grow((void **)&t->cache, &t->nr_caches, sizeof(*t->cache), 8 * TOPO_MAX_CPUS, "caches", f);
}

struct topo_kind *topo_add_kind(struct topo *t, struct fault *f)
{
    return grow((void **)&t->kind, &t->nr_kinds, sizeof(*t->kind), TOPO_MAX_KINDS, "kinds of cores", f);
}

bool topo_add_range(struct topo_node *n, uint64_t start, uint64_t end, struct fault *f)
{
    struct topo_range *r =
        grow((void **)&n->range, &n->nr_ranges, sizeof(*n->range), 1u << 16, "ranges of memory in a node", f);
    if (!r)
        return false;
    *r = (struct topo_range){start, end};
    n->memory += end - start;
    return true;
}

bool topo_note(struct topo *t, const char *fmt, ...)
{
    struct fault f = {0};
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    one_line(text);
    char **n = grow((void **)&t->note, &t->nr_notes, sizeof(*t->note), 1024, "notes", &f);
    if (!n || !(*n = strdup(text))) {
        t->nr_notes -= n != NULL;
        return false;
    }
    return true;
}

/* ---- does it hang together? ----------------------------------------------------------------------------------------
 */

/* Numbers in order of appearance. map: room for `most` numbers, all TOPO_NONE. */
static unsigned number_of(unsigned *map, unsigned most, unsigned old, unsigned *nr)
{
    if (old >= most)
        old = most - 1;
    if (map[old] == TOPO_NONE)
        map[old] = (*nr)++;
    return map[old];
}

/* Packages, cores, threads in the order of the CPUs, those of a core side by side. */
static int renumber(struct topo *t, struct fault *f)
{
    unsigned most = 2 * TOPO_MAX_CPUS + 1, *package = malloc(2 * most * sizeof(*package)), *core = package + most;
    if (!package)
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    memset(package, 0xff, 2 * most * sizeof(*package));
    unsigned threads[TOPO_MAX_CPUS + 1] = {0};
    t->nr_packages = t->nr_cores = 0;
    for (unsigned i = 0; i < t->nr_cpus; i++) {
        struct topo_cpu *c = &t->cpu[i];
        c->package = number_of(package, most, c->package, &t->nr_packages);
        c->core = number_of(core, most, c->core, &t->nr_cores);
        c->thread = threads[c->core]++;
    }
    for (unsigned n = 0; n < t->nr_nodes; n++)
        if (t->node[n].package != TOPO_NONE)
            t->node[n].package = t->node[n].package < most ? package[t->node[n].package] : TOPO_NONE;
    free(package);
    for (unsigned i = 1; i < t->nr_cpus; i++)
        if (t->cpu[i].core < t->cpu[i - 1].core || t->cpu[i].package < t->cpu[i - 1].package)
            return fault_set(f, EXIT_BAD_INPUT, "CPU %u: its core or package does not lie in one piece", t->cpu[i].os);
    return EXIT_DONE;
}

/* Distances are told relative to a node's own: firmware says 10 for that, some tools say something else. */
static int check_distances(struct topo *t, struct fault *f)
{
    unsigned n = t->nr_nodes, own = t->distance ? t->distance[0] : 10;
    for (unsigned i = 0; t->distance && i < n; i++)
        if (t->distance[(size_t)i * n + i] != own || !own)
            return fault_set(f, EXIT_BAD_INPUT, "distance of node %u to itself is %u: expected %u", t->node[i].os,
                             t->distance[(size_t)i * n + i], own ? own : 10);
    if (own == 10)
        return EXIT_DONE;
    topo_note(t, "distances are in other units (%u to a node itself): scaled to 10", own);
    for (size_t i = 0; i < (size_t)n * n; i++)
        t->distance[i] = (unsigned)((t->distance[i] * UINT64_C(10) + own / 2) / own);
    return EXIT_DONE;
}

struct placed_range {
    struct topo_range r;
    unsigned os;
};

static int by_start(const void *a, const void *b)
{
    const struct placed_range *x = a, *y = b;
    return x->r.start < y->r.start ? -1 : x->r.start > y->r.start;
}

static int check_memory(const struct topo *t, struct fault *f)
{
    bool some = false;
    size_t nr = 0;
    for (unsigned n = 0; n < t->nr_nodes; n++) {
        some = some || t->node[n].memory || t->node[n].memory_unknown;
        nr += t->node[n].nr_ranges;
    }
    if (!some)
        return fault_set(f, EXIT_BAD_INPUT, "no memory in any node");
    struct placed_range *all = malloc((nr + 1) * sizeof(*all));
    if (!all)
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    nr = 0;
    for (unsigned n = 0; n < t->nr_nodes; n++)
        for (unsigned r = 0; r < t->node[n].nr_ranges; r++)
            all[nr++] = (struct placed_range){t->node[n].range[r], t->node[n].os};
    qsort(all, nr, sizeof(*all), by_start);
    for (size_t i = 1; i < nr; i++)
        if (all[i].r.start < all[i - 1].r.end)
            fault_set(f, EXIT_BAD_INPUT, "memory of node %u at 0x%llx overlaps that of node %u at 0x%llx", all[i].os,
                      (unsigned long long)all[i].r.start, all[i - 1].os, (unsigned long long)all[i - 1].r.start);
    free(all);
    return f->code;
}

unsigned topo_caches_of(const struct topo *t, unsigned level, unsigned *of)
{
    unsigned found = 0;
    memset(of, 0xff, t->nr_cpus * sizeof(*of));
    for (unsigned c = 0; c < t->nr_caches; c++) {
        if (t->cache[c].level != level || t->cache[c].type == TOPO_CACHE_INSTRUCTION)
            continue;
        for (unsigned w = 0; w * 64 < t->nr_cpus; w++)
            for (uint64_t left = t->cache[c].cpus.bit[w]; left; left &= left - 1) {
                unsigned i = w * 64 + (unsigned)__builtin_ctzll(left);
                if (of[i] != TOPO_NONE)
                    continue;
                of[i] = c;
                found++;
            }
    }
    return found;
}

/* Of the caches of two levels and one CPU, the smaller level's lies within the larger's. */
static int check_caches(const struct topo *t, struct fault *f)
{
    unsigned smaller[TOPO_MAX_CPUS], larger[TOPO_MAX_CPUS];
    unsigned *upper = malloc((t->nr_caches + 1) * sizeof(*upper)); /* per cache: the one that its first CPU has */
    if (!upper)
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    for (unsigned s = 1; s < TOPO_MAX_CACHE_LEVELS; s++)
        for (unsigned l = s + 1; l <= TOPO_MAX_CACHE_LEVELS; l++) {
            if (!topo_caches_of(t, s, smaller) || !topo_caches_of(t, l, larger))
                continue;
            for (unsigned c = 0; c < t->nr_caches; c++)
                upper[c] = TOPO_NONE - 1; /* not seen yet: a CPU may have no larger one */
            for (unsigned i = 0; i < t->nr_cpus; i++) {
                if (smaller[i] == TOPO_NONE)
                    continue;
                unsigned *u = &upper[smaller[i]];
                if (*u == TOPO_NONE - 1)
                    *u = larger[i];
                else if (*u != larger[i])
                    fault_set(f, EXIT_BAD_INPUT,
                              "a cache of level %u is shared by CPUs with different caches of level %u", s, l);
            }
        }
    free(upper);
    return f->code;
}

/* A machine file has cores of one node and kind: threads are where the first of their core is. */
static int check_cores(struct topo *t, struct fault *f)
{
    unsigned moved = 0, changed = 0;
    for (unsigned i = 1; i < t->nr_cpus; i++) {
        const struct topo_cpu *a = &t->cpu[i - 1];
        struct topo_cpu *b = &t->cpu[i];
        if (a->core != b->core)
            continue;
        if (a->package != b->package)
            return fault_set(f, EXIT_BAD_INPUT, "CPUs %u and %u are threads of one core, but in different packages",
                             a->os, b->os);
        moved += a->node != b->node;
        changed += t->nr_kinds > 1 && a->kind != b->kind;
        b->node = a->node;
        b->kind = a->kind;
    }
    if (moved)
        topo_note(t, "guessed: %u CPUs are of other nodes than the first thread of their core: taken as of its node",
                  moved);
    if (changed)
        topo_note(t, "guessed: %u CPUs are of other kinds than the first thread of their core: taken as of its kind",
                  changed);
    return EXIT_DONE;
}

void topo_guess_packages(struct topo *t)
{
    unsigned package[TOPO_MAX_NODES];
    memset(package, 0xff, sizeof(package));
    for (unsigned c = 0; c < t->nr_caches; c++) {
        unsigned node = TOPO_NONE;
        for (unsigned i = 0; i < t->nr_cpus; i++) {
            if (!topo_set_has(&t->cache[c].cpus, i))
                continue;
            if (node != TOPO_NONE && t->cpu[i].node != node)
                return;
            node = t->cpu[i].node;
        }
    }
    for (unsigned i = 0; i < t->nr_cpus; i++) {
        unsigned first = i;
        if (t->cpu[i].node == TOPO_NONE)
            return;
        while (first && t->cpu[first - 1].node == t->cpu[i].node)
            first--;
        if (package[t->cpu[i].node] == TOPO_NONE)
            package[t->cpu[i].node] = i;
        else if (package[t->cpu[i].node] != first) /* in several pieces */
            return;
        if (i && t->cpu[i].core == t->cpu[i - 1].core && t->cpu[i].node != t->cpu[i - 1].node)
            return;
    }
    for (unsigned i = 0; i < t->nr_cpus; i++)
        t->cpu[i].package = package[t->cpu[i].node];
    for (unsigned n = 0; n < t->nr_nodes; n++)
        t->node[n].package = package[n];
}

int topo_check(struct topo *t, struct fault *f)
{
    if (!t->nr_cpus)
        return fault_set(f, EXIT_BAD_INPUT, "no CPUs"), -1;
    if (!t->nr_nodes)
        return fault_set(f, EXIT_BAD_INPUT, "no memory nodes"), -1;
    if (renumber(t, f) != EXIT_DONE || check_cores(t, f) != EXIT_DONE || check_distances(t, f) != EXIT_DONE ||
        check_memory(t, f) != EXIT_DONE || check_caches(t, f) != EXIT_DONE)
        return -1;
    return 0;
}
