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
    if (vsnprintf(text, sizeof(text), fmt, ap) >= (int)sizeof(text))
        memcpy(text + sizeof(text) - 4, "...", 4); /* long lists of CPUs are cut */
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

struct piece {
    unsigned package, core, cpu; /* the first CPU of each, and itself */
};

static int by_piece(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    if (x->package != y->package)
        return x->package < y->package ? -1 : 1;
    if (x->core != y->core)
        return x->core < y->core ? -1 : 1;
    return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

static void move_cpus(struct topo *t, const struct piece *to, struct topo_cpu *cpu)
{
    memcpy(cpu, t->cpu, t->nr_cpus * sizeof(*cpu));
    for (unsigned i = 0; i < t->nr_cpus; i++)
        t->cpu[i] = cpu[to[i].cpu];
    for (unsigned c = 0; c < t->nr_caches; c++) {
        const struct topo_set before = t->cache[c].cpus;
        memset(&t->cache[c].cpus, 0, sizeof(before));
        for (unsigned i = 0; i < t->nr_cpus; i++)
            if (topo_set_has(&before, to[i].cpu))
                topo_set_add(&t->cache[c].cpus, i);
    }
}

/* CPUs of a package lie side by side, and in it those of a core; both in the order in which they first appear. */
static int order_cpus(struct topo *t, struct fault *f)
{
    unsigned most = 2 * TOPO_MAX_CPUS + 1, *first = malloc(2 * most * sizeof(*first)), *of_core = first + most;
    struct piece *piece = malloc(t->nr_cpus * sizeof(*piece));
    struct topo_cpu *room = malloc(t->nr_cpus * sizeof(*room));
    bool moved = false;
    if (first)
        memset(first, 0xff, 2 * most * sizeof(*first));
    for (unsigned i = 0; first && piece && i < t->nr_cpus; i++) {
        unsigned p = t->cpu[i].package < most ? t->cpu[i].package : most - 1;
        unsigned c = t->cpu[i].core < most ? t->cpu[i].core : most - 1;
        first[p] = first[p] == TOPO_NONE ? i : first[p];
        of_core[c] = of_core[c] == TOPO_NONE ? i : of_core[c];
        piece[i] = (struct piece){first[p], of_core[c], i};
        if (t->cpu[of_core[c]].package != t->cpu[i].package)
            fault_set(f, EXIT_BAD_INPUT, "CPUs %u and %u are threads of one core, but in different packages",
                      t->cpu[of_core[c]].os, t->cpu[i].os);
    }
    if (first && piece && room) {
        qsort(piece, t->nr_cpus, sizeof(*piece), by_piece);
        for (unsigned i = 0; i < t->nr_cpus; i++)
            moved = moved || piece[i].cpu != i;
        if (moved)
            move_cpus(t, piece, room);
    } else {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    }
    free(first);
    free(piece);
    free(room);
    return f->code;
}

/* Packages, cores, threads in the order of the CPUs. */
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
    return EXIT_DONE;
}

/*
 * Distances are told relative to a node's own: firmware says 10 for that, some tools say something else. Some firmware
 * says more of nodes that are nowhere near, as those of memory that is interleaved over all others.
 */
static int check_distances(struct topo *t, struct fault *f)
{
    unsigned n = t->nr_nodes, own = t->distance ? t->distance[0] : 10;
    for (size_t i = 0; t->distance && i < n; i++) {
        unsigned self = t->distance[i * n + i];
        if (!self)
            return fault_set(f, EXIT_BAD_INPUT, "distance of node %u to itself is 0: expected 10", t->node[i].os);
        own = self < own ? self : own;
    }
    for (size_t i = 0; t->distance && i < n; i++) {
        unsigned *self = &t->distance[i * n + i];
        if (*self != own)
            topo_note(t, "guessed: distance of node %u to itself is %u, that of others %u: taken as that",
                      t->node[i].os, *self, own);
        *self = own;
    }
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

static int by_range(const void *a, const void *b)
{
    const struct topo_range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* Some firmware tells a range twice, or one and a part of it: as long as they are of one node that says the same. */
static void merge_ranges(struct topo *t)
{
    for (unsigned n = 0; n < t->nr_nodes; n++) {
        struct topo_node *node = &t->node[n];
        unsigned kept = 0, twice = 0;
        if (node->nr_ranges)
            qsort(node->range, node->nr_ranges, sizeof(*node->range), by_range);
        for (unsigned i = 0; i < node->nr_ranges; i++) {
            const struct topo_range *r = &node->range[i];
            struct topo_range *last = kept ? &node->range[kept - 1] : NULL;
            if (!last || r->start >= last->end) {
                node->range[kept++] = *r;
                continue;
            }
            node->memory -= (r->end < last->end ? r->end : last->end) - r->start;
            last->end = r->end > last->end ? r->end : last->end;
            twice++;
        }
        node->nr_ranges = kept;
        if (twice)
            topo_note(t, "%u ranges of memory of node %u overlap others of it: taken once", twice, node->os);
    }
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
static void check_cores(struct topo *t)
{
    unsigned moved = 0, changed = 0;
    for (unsigned i = 1; i < t->nr_cpus; i++) {
        const struct topo_cpu *a = &t->cpu[i - 1];
        struct topo_cpu *b = &t->cpu[i];
        if (a->core != b->core)
            continue;
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
}

/* Kinds that no CPU is of are none. One that all are of is what the machine says for all. */
static void drop_kinds(struct topo *t)
{
    unsigned number[TOPO_MAX_KINDS], kept = 0, in = 0;
    bool used[TOPO_MAX_KINDS] = {false};
    for (unsigned i = 0; t->nr_kinds > 1 && i < t->nr_cpus; i++)
        if (t->cpu[i].kind < t->nr_kinds) {
            used[t->cpu[i].kind] = true;
            in++;
        }
    for (unsigned k = 0; t->nr_kinds > 1 && k < t->nr_kinds; k++) {
        number[k] = used[k] ? kept : TOPO_NONE;
        if (used[k])
            t->kind[kept++] = t->kind[k];
    }
    if (t->nr_kinds < 2 || kept == t->nr_kinds)
        return;
    for (unsigned i = 0; i < t->nr_cpus; i++)
        if (t->cpu[i].kind < t->nr_kinds)
            t->cpu[i].kind = number[t->cpu[i].kind];
    t->nr_kinds = kept;
    if (kept == 1 && in == t->nr_cpus && t->kind[0].freq_hz > 0)
        t->freq_hz = t->kind[0].freq_hz;
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
    if (order_cpus(t, f) != EXIT_DONE || renumber(t, f) != EXIT_DONE)
        return -1;
    check_cores(t);
    drop_kinds(t);
    merge_ranges(t);
    if (check_distances(t, f) != EXIT_DONE || check_memory(t, f) != EXIT_DONE || check_caches(t, f) != EXIT_DONE)
        return -1;
    topo_kinds_by_cache(t, f);
    return f->code == EXIT_DONE ? 0 : -1;
}
