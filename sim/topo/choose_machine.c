/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a topology fits into a machine file, and which of several values stands for all. */
#include "write_machine.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_LINE 64u

const char *machine_size_text(uint64_t bytes, char *buf, size_t room)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned u = 0;
    while (u < 4 && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        u++;
    }
    snprintf(buf, room, "%llu %s", (unsigned long long)bytes, unit[u]);
    return buf;
}

void machine_fit_to_limits(struct topo *t, FILE *to, int *guessed)
{
    unsigned split = 0, core = 0, in = 0;
    for (unsigned i = 0; i < t->nr_cpus; i++) {
        bool begins = i == 0 || t->cpu[i].thread == 0;
        split += !begins && in == MAX_THREADS;
        core += i && (begins || in == MAX_THREADS);
        in = begins || in == MAX_THREADS ? 0 : in;
        t->cpu[i].core = core;
        t->cpu[i].thread = in++;
    }
    t->nr_cores = core + 1;
    if (split) {
        fprintf(to, "# guessed: cores have more than %u threads, hvsim's do not: each is several that share caches\n",
                MAX_THREADS);
        ++*guessed;
    }
    if (t->nr_packages <= MAX_SOCKETS)
        return;
    fprintf(to, "# guessed: %u packages, hvsim has at most %u sockets: each node is one\n", t->nr_packages,
            MAX_SOCKETS);
    ++*guessed;
    t->nr_packages = 0;
    for (unsigned i = 0; i < t->nr_cpus; i++) {
        t->nr_packages += i == 0 || t->cpu[i].node != t->cpu[i - 1].node;
        t->cpu[i].package = t->nr_packages - 1;
    }
    for (unsigned n = 0; n < t->nr_nodes; n++)
        t->node[n].package = TOPO_NONE;
}

/* Nodes with memory or CPUs, in order. */
static void choose_nodes(struct writer *w)
{
    const struct topo *t = w->t;
    bool has_cpus[TOPO_MAX_NODES] = {false};
    unsigned empty = 0;
    for (unsigned i = 0; i < t->nr_cpus; i++)
        if (t->cpu[i].node != TOPO_NONE)
            has_cpus[t->cpu[i].node] = true;
    for (unsigned n = 0; n < t->nr_nodes; n++) {
        bool memory = t->node[n].memory >= PAGE || t->node[n].memory_unknown;
        w->node[n] = memory || has_cpus[n] ? w->nr_nodes : TOPO_NONE;
        if (w->node[n] == TOPO_NONE)
            empty++;
        else if (w->nr_nodes == MAX_NODES)
            fault_set(w->f, EXIT_BAD_INPUT, "more than %u nodes with CPUs or memory, which is all that hvsim has",
                      MAX_NODES);
        else
            w->old[w->nr_nodes++] = n;
    }
    if (empty)
        fprintf(w->to, "# %u node%s with neither CPUs nor memory: left out\n", empty, S(empty));
}

/* A CPU of no node goes to the node of its package's first CPU that has one, or to the first node that has CPUs. */
static void choose_node_of(struct writer *w)
{
    const struct topo *t = w->t;
    unsigned stray = 0, lost = 0, any = 0, *first = malloc((t->nr_packages + 1) * sizeof(*first));
    if (!first) {
        fault_set(w->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    memset(first, 0xff, (t->nr_packages + 1) * sizeof(*first));
    for (unsigned i = 0; i < t->nr_cpus; i++)
        if (t->cpu[i].node != TOPO_NONE && first[t->cpu[i].package] == TOPO_NONE)
            first[t->cpu[i].package] = w->node[t->cpu[i].node];
    for (unsigned i = t->nr_cpus; i-- > 0;)
        any = t->cpu[i].node != TOPO_NONE ? w->node[t->cpu[i].node] : any;
    for (unsigned i = 0; i < t->nr_cpus; i++) {
        unsigned there = first[t->cpu[i].package];
        stray += t->cpu[i].node == TOPO_NONE && there != TOPO_NONE;
        lost += t->cpu[i].node == TOPO_NONE && there == TOPO_NONE;
        w->node_of[i] = t->cpu[i].node != TOPO_NONE ? w->node[t->cpu[i].node] : there != TOPO_NONE ? there : any;
    }
    free(first);
    if (stray)
        fprintf(w->to, "# guessed: %u CPUs are of no node: put where others of their package are\n", stray);
    if (lost)
        fprintf(w->to,
                "# guessed: %u CPUs are of no node, nor is any of their package: put into node %u of this file\n", lost,
                any);
    w->guessed += (stray != 0) + (lost != 0);
}

/* The value that most caches of the level have, and whether all have it. */
static uint64_t most_common(const struct topo *t, unsigned level, bool ways, bool *all)
{
    uint64_t best = 0;
    unsigned best_count = 0, total = 0;
    for (unsigned c = 0; c < t->nr_caches; c++) {
        const struct topo_cache *a = &t->cache[c];
        uint64_t value = ways ? a->ways : a->size;
        unsigned count = 0;
        if (a->level != level || a->type == TOPO_CACHE_INSTRUCTION)
            continue;
        total++;
        if (value == best && best_count)
            continue;
        for (unsigned k = c; k < t->nr_caches; k++)
            count += t->cache[k].level == level && t->cache[k].type != TOPO_CACHE_INSTRUCTION &&
                     (ways ? t->cache[k].ways : t->cache[k].size) == value;
        if (count > best_count) {
            best = value;
            best_count = count;
        }
    }
    *all = best_count == total;
    return best;
}

static void choose_line(struct writer *w)
{
    const struct topo *t = w->t;
    w->line = 0;
    for (unsigned c = 0; c < t->nr_caches; c++) {
        const struct topo_cache *a = &t->cache[c];
        if (a->type == TOPO_CACHE_INSTRUCTION || !a->line || a->line == w->line)
            continue;
        if (!w->line)
            w->line = a->line;
        else if (!w->line_why) {
            w->line_why = "caches have lines of several sizes, hvsim has one";
            w->line = a->line < w->line ? a->line : w->line;
        }
    }
    if (w->line < 16 || w->line > 1024 || (w->line & (w->line - 1))) {
        w->line = DEFAULT_LINE;
        w->line_why = "the source does not tell it";
    }
}

/* Larger ones are none of a processor. */
static const uint64_t most_size[] = {UINT64_C(1000000000), UINT64_C(1000000000), UINT64_C(10000000000)};

/* Sizes and associativity that make whole sets. */
static void choose_geometry(struct writer *w, struct level *l)
{
    static const uint64_t guess_size[] = {32 << 10, 256 << 10, 8 << 20};
    static const unsigned guess_ways[] = {8, 8, 16};
    bool all_sizes = true, all_ways = true;
    uint64_t ways;

    l->size = most_common(w->t, l->number, false, &all_sizes);
    ways = most_common(w->t, l->number, true, &all_ways);
    if (l->size < 1024 || l->size > most_size[l->number - 1]) {
        l->size_why = l->size ? "what the source tells is none of a cache" : "the source does not tell it";
        l->size = guess_size[l->number - 1];
    } else if (!all_sizes) {
        l->size_why = "some have another size, this is the most common one";
    }
    if (l->size % w->line) {
        l->size -= l->size % w->line;
        l->size_why = "whole lines";
    }
    uint64_t lines = l->size / w->line;
    if (ways == TOPO_NONE && lines <= 1024)
        ways = lines;
    if (!ways || ways > 1024 || ways > lines || lines % ways) {
        l->ways_why = !ways               ? "the source does not tell it"
                      : ways == TOPO_NONE ? "it is fully associative, which is more than hvsim has"
                                          : "as many as make whole sets";
        ways = guess_ways[l->number - 1];
        while (lines % ways)
            ways--;
    } else if (!all_ways) {
        l->ways_why = "some have others";
    }
    l->ways = (unsigned)ways;
}

/* Who shares one. A CPU without such a cache shares one with those that it shares the next smaller one with. */
static void choose_sharing(struct writer *w, struct level *l, const struct level *smaller)
{
    const struct topo *t = w->t;
    unsigned cache[TOPO_MAX_CPUS], *number = malloc((t->nr_caches + TOPO_MAX_CPUS + 1) * sizeof(*number));
    if (!number) {
        fault_set(w->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    memset(number, 0xff, (t->nr_caches + TOPO_MAX_CPUS + 1) * sizeof(*number));
    unsigned found = topo_caches_of(t, l->number, cache);
    for (unsigned i = 0; i < t->nr_cpus; i++) {
        unsigned lone = smaller ? smaller->of[i] : t->cpu[i].core;
        unsigned *n = &number[cache[i] != TOPO_NONE          ? cache[i]
                              : found == 0 && l->number == 3 ? t->nr_caches + t->cpu[i].package
                                                             : t->nr_caches + lone];
        if (*n == TOPO_NONE)
            *n = l->nr++;
        l->of[i] = *n;
    }
    free(number);
    if (!found)
        l->sharing_why = l->number == 3 ? "one for the socket" : "one for a core";
    else if (found < t->nr_cpus)
        l->sharing_why = "some CPUs have none: one each for those that share the next smaller one";
}

/* Memory that is run as a cache of other memory, which some tools tell as an L3. */
static bool is_beside_memory(struct writer *w)
{
    bool all;
    uint64_t size = most_common(w->t, 3, false, &all);
    char buf[32];
    if (size <= most_size[2])
        return false;
    fprintf(w->to, "# an L3 of %s is a memory-side cache: left out: what it holds counts as memory\n",
            machine_size_text(size, buf, sizeof(buf)));
    return true;
}

static void choose_caches(struct writer *w)
{
    static const char *const tables[] = {"cache.l1d", "cache.l2", "cache.l3"};
    unsigned of[TOPO_MAX_CPUS];
    bool any = false;

    for (unsigned k = 1; k <= TOPO_MAX_CACHE_LEVELS; k++) {
        unsigned found = topo_caches_of(w->t, k, of);
        any = any || found;
        if (k > 3 && found)
            fprintf(w->to, "# caches of level %u: left out, hvsim has three levels: what they hold counts as memory\n",
                    k);
    }
    choose_line(w);
    for (unsigned k = 0; k < 3; k++) {
        struct level *l = &w->level[k];
        l->table = tables[k];
        l->number = k + 1;
        /* Without an L3 in a source that knows caches there is none; an L1 and an L2 there must be. */
        l->exists = k < 2 || !any || (topo_caches_of(w->t, 3, of) && !is_beside_memory(w));
        if (!l->exists)
            continue;
        choose_geometry(w, l);
        choose_sharing(w, l, k ? &w->level[k - 1] : NULL);
    }
}

void machine_choose(struct writer *w)
{
    choose_nodes(w);
    if (w->f->code == EXIT_DONE)
        choose_node_of(w);
    if (w->f->code == EXIT_DONE)
        choose_caches(w);
}
