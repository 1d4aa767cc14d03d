/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine file from a topology. What the source says is written as it is; what it does not say is guessed, and the
 * line says so and why. Latencies come from distances: measured idle latencies of two-socket Xeons (1.45 to 1.8 times
 * local at distance 21) and the 128-core Kunpeng (about 1.65 times at 33) lie around 1 + 0.55 (d - 10) / 11 of local.
 */
#include "write_machine.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL_NS 90.0
#define LATENCY_PER_HOP 0.55 /* of local, at distance 21 */
#define COMMENT_AT 34

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* "key = value", and behind it why it was guessed. */
static void line_of(struct writer *w, const char *why, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void line_of(struct writer *w, const char *why, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vfprintf(w->to, fmt, ap);
    va_end(ap);
    if (why)
        fprintf(w->to, "%*s# guessed: %s", n < COMMENT_AT ? COMMENT_AT - n : 1, "", why);
    fputc('\n', w->to);
    w->guessed += why != NULL;
}

/* A string of TOML. Bytes that are no printable ASCII become '?'. */
static void string_of(FILE *to, const char *key, const char *text)
{
    fprintf(to, "%s = \"", key);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fputc('\\', to);
        fputc(*c >= ' ' && *c < 0x7f ? *c : '?', to);
    }
    fputs("\"\n", to);
}

/* ---- the parts of the file --------------------------------------------------------------------------------------- */

/* The nearest instruction set that hvsim has. *why: NULL, or why it is a guess. */
static const char *isa_of(const struct topo *t, const char **why)
{
    static const char *const known[] = {"x86-64", "aarch64", "armv7"};
    *why = NULL;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (!strcmp(t->isa, known[i]))
            return known[i];
    *why = *t->isa ? "hvsim does not have its instruction set; it decides what the hypervisor does"
                   : "the source does not tell it";
    return !strncmp(t->isa, "arm", 3) ? "armv7" : "x86-64";
}

static bool is_x86(const struct topo *t)
{
    const char *why;
    return !strcmp(isa_of(t, &why), "x86-64");
}

static void write_head(struct writer *w, const char *name)
{
    const struct topo *t = w->t;
    char text[512];
    fprintf(w->to, "\n");
    string_of(w->to, "name", name);
    const char *what = t->description ? t->description : t->cpu_model;
    snprintf(text, sizeof(text), "%s%s%s", what, *what ? ", from " : "from ", t->source);
    string_of(w->to, "description", text);
    const char *why, *isa = isa_of(t, &why);
    line_of(w, why, "isa = \"%s\"", isa);
    fprintf(w->to, "\n[topology]\n");
    line_of(w, t->freq_hz > 0 ? NULL : "the source does not tell it", "frequency = \"%g GHz\"",
            t->freq_hz > 0 ? t->freq_hz / 1e9 : 2.5);
}

/* Slower kinds bring about less per cycle, too. */
static double ipc_of(const char *kind)
{
    static const char *const little[] = {"IntelAtom",  "cortex-a53",  "cortex-a55",
                                         "cortex-a7-", "cortex-a510", "cortex-a35"};
    for (size_t i = 0; i < sizeof(little) / sizeof(little[0]); i++)
        if (!strncmp(kind, little[i], strlen(little[i])) || !strcmp(kind, "cortex-a7"))
            return 0.6;
    return 1;
}

/* The first L1 data cache of a kind of core that has another size or other ways than the file says for all. */
static void write_l1d_of(struct writer *w, unsigned kind)
{
    const struct topo *t = w->t;
    const struct topo_cache *c = NULL;
    unsigned of[TOPO_MAX_CPUS];
    char buf[32];
    topo_caches_of(t, 1, of);
    for (unsigned i = 0; i < t->nr_cpus && !c; i++)
        if (t->cpu[i].kind == kind && of[i] != TOPO_NONE)
            c = &t->cache[of[i]];
    if (!c)
        return;
    bool known = c->size >= 1024 && c->size <= 1000000000 && c->size % w->line == 0;
    uint64_t size = known ? c->size : w->level[0].size, lines = size / w->line;
    unsigned ways = c->ways == TOPO_NONE && lines <= 1024 ? (unsigned)lines : c->ways;
    if (size != w->level[0].size)
        line_of(w, NULL, "l1d_size = \"%s\"", machine_size_text(size, buf, sizeof(buf)));
    if (ways && ways <= 1024 && lines % ways == 0) {
        if (ways != w->level[0].ways)
            line_of(w, NULL, "l1d_ways = %u", ways);
    } else if (lines % w->level[0].ways) {
        for (ways = w->level[0].ways; lines % ways;)
            ways--;
        line_of(w, "as many as make whole sets", "l1d_ways = %u", ways);
    }
}

static void write_kinds(struct writer *w)
{
    const struct topo *t = w->t;
    unsigned of[TOPO_MAX_CPUS];
    topo_caches_of(t, 2, of);
    for (unsigned k = 0; t->nr_kinds > 1 && k < t->nr_kinds; k++) {
        uint64_t l2 = 0;
        char buf[32];
        for (unsigned i = 0; i < t->nr_cpus && !l2; i++)
            if (t->cpu[i].kind == k && of[i] != TOPO_NONE)
                l2 = t->cache[of[i]].size;
        fprintf(w->to, "\n[[core_kind]]\n");
        string_of(w->to, "name", t->kind[k].name);
        if (t->kind[k].freq_hz >= 1e6)
            line_of(w, NULL, "frequency = \"%g GHz\"", t->kind[k].freq_hz / 1e9);
        if (t->kind[k].ipc >= 0.01)
            line_of(w, NULL, "ipc = %.3g", t->kind[k].ipc);
        else
            line_of(w, "by its name: nothing tells how much it does in a cycle", "ipc = %g", ipc_of(t->kind[k].name));
        if (l2 >= 1024 && l2 <= 1000000000)
            line_of(w, NULL, "l2_size = \"%s\"", machine_size_text(l2, buf, sizeof(buf)));
        write_l1d_of(w, k);
    }
}

/* Threads of the core that begins at CPU i. */
static unsigned threads_at(const struct topo *t, unsigned i)
{
    unsigned n = 1;
    while (i + n < t->nr_cpus && t->cpu[i + n].core == t->cpu[i].core)
        n++;
    return n;
}

/* What the operating system there calls them: the first threads of cores, then the second ones... */
static void write_os_numbers(struct writer *w, unsigned from, unsigned end, unsigned threads)
{
    const struct topo *t = w->t;
    bool same = true;
    for (unsigned i = from; i < end; i++)
        same = same && t->cpu[i].os == i;
    if (same)
        return;
    const char *sep = "# there CPUs ";
    for (unsigned thread = 0; thread < threads; thread++) {
        for (unsigned i = from + thread; i < end;) {
            unsigned first = t->cpu[i].os, last = first;
            for (i += threads; i < end && t->cpu[i].os == last + 1; i += threads)
                last++;
            fprintf(w->to, last > first ? "%s%u-%u" : "%s%u", sep, first, last);
            sep = ",";
        }
        sep = "; ";
    }
    fputc('\n', w->to);
}

/* Cores that follow each other and are alike, one [[cores]] each. */
static void write_cores(struct writer *w)
{
    const struct topo *t = w->t;
    for (unsigned i = 0; i < t->nr_cpus;) {
        const struct topo_cpu *c = &t->cpu[i];
        unsigned threads = threads_at(t, i), count = 0;
        unsigned next = i;
        while (next < t->nr_cpus && t->cpu[next].package == c->package && w->node_of[next] == w->node_of[i] &&
               (t->nr_kinds <= 1 || t->cpu[next].kind == c->kind) && threads_at(t, next) == threads) {
            next += threads;
            count++;
        }
        fprintf(w->to, "\n[[cores]]\nsocket = %u\nnode = %u\ncount = %u\nthreads = %u\n", c->package, w->node_of[i],
                count, threads);
        if (t->nr_kinds > 1 && c->kind != TOPO_NONE)
            string_of(w->to, "kind", t->kind[c->kind].name);
        write_os_numbers(w, i, next, threads);
        i = next;
    }
}

/* Does "shared_by = cores" give these groups? As machine files deal caches out: consecutive cores of a socket. */
static bool is_even(const struct topo *t, const struct level *l, unsigned cores)
{
    unsigned first = 0, nr = 0;
    for (unsigned i = 0; i < t->nr_cpus; i++) {
        const struct topo_cpu *c = &t->cpu[i];
        if (i == 0 || c->package != t->cpu[i - 1].package || c->core - first >= cores) {
            first = c->core;
            nr++;
        }
        if (l->of[i] != nr - 1)
            return false;
    }
    return true;
}

static void write_list(struct writer *w, const struct level *l, unsigned which)
{
    unsigned nr = w->t->nr_cpus;
    const char *sep = "";
    fputc('"', w->to);
    for (unsigned i = 0; i < nr; i++) {
        unsigned last = i;
        if (l->of[i] != which)
            continue;
        while (last + 1 < nr && l->of[last + 1] == which)
            last++;
        fprintf(w->to, last > i ? "%s%u-%u" : "%s%u", sep, i, last);
        sep = ",";
        i = last;
    }
    fputc('"', w->to);
}

static void write_sharing(struct writer *w, const struct level *l)
{
    const struct topo *t = w->t;
    unsigned cores = 0;
    for (unsigned i = 0; i < t->nr_cpus && l->of[i] == l->of[0]; i++)
        cores += i == 0 || t->cpu[i].core != t->cpu[i - 1].core;
    if (is_even(t, l, cores)) {
        line_of(w, l->sharing_why, "shared_by = %u", cores);
        return;
    }
    line_of(w, l->sharing_why, "shared_by = [");
    for (unsigned k = 0; k < l->nr; k++) {
        fputs("    ", w->to);
        write_list(w, l, k);
        fputs(",\n", w->to);
    }
    fputs("]\n", w->to);
}

static void write_caches(struct writer *w)
{
    static const double latency[] = {4, 12, 45};
    for (unsigned k = 0; k < 3; k++) {
        const struct level *l = &w->level[k];
        char buf[32];
        if (!l->exists)
            continue;
        fprintf(w->to, "\n[%s]\n", l->table);
        line_of(w, l->size_why, "size = \"%s\"", machine_size_text(l->size, buf, sizeof(buf)));
        line_of(w, l->ways_why, "ways = %u", l->ways);
        line_of(w, w->line_why, "line = \"%u B\"", w->line);
        line_of(w, "typical of the level; no source tells latencies", "latency_cycles = %.1f", latency[k]);
        write_sharing(w, l);
        if (k == 2)
            line_of(w, "no source tells what it holds of the smaller ones", "policy = \"non-inclusive\"");
    }
}

/* A node is in the package where its CPUs are, or where its source says. TOPO_NONE: nobody knows. */
static unsigned package_of(const struct writer *w, unsigned n)
{
    for (unsigned i = 0; i < w->t->nr_cpus; i++)
        if (w->node_of[i] == n)
            return w->t->cpu[i].package;
    return w->t->nr_packages == 1 ? 0 : w->t->node[w->old[n]].package;
}

static unsigned distance(const struct writer *w, unsigned from, unsigned to)
{
    const struct topo *t = w->t;
    if (from == to)
        return 10;
    if (t->distance) {
        unsigned d = t->distance[(size_t)w->old[from] * t->nr_nodes + w->old[to]];
        return d < 11 ? 11 : d > 254 ? 254 : d;
    }
    return package_of(w, from) == package_of(w, to) && package_of(w, from) != TOPO_NONE ? 16 : 21;
}

/* Where a node without CPUs may be: with the nearest that has some. */
static unsigned nearest_package(const struct writer *w, unsigned n)
{
    unsigned best = TOPO_NONE, package = 0;
    for (unsigned i = 0; w->t->distance && i < w->t->nr_cpus; i++) {
        unsigned d = w->node_of[i] == n ? TOPO_NONE : distance(w, w->node_of[i], n);
        if (d < best) {
            best = d;
            package = w->t->cpu[i].package;
        }
    }
    return package;
}

static double known_latency(const struct writer *w, unsigned from, unsigned to)
{
    const struct topo *t = w->t;
    return t->latency_ns ? t->latency_ns[(size_t)w->old[from] * t->nr_nodes + w->old[to]] : 0;
}

/* What is known; else by distance from what the memory's own CPUs take, or from a typical local latency. */
static double latency_of(const struct writer *w, unsigned from, unsigned to)
{
    double known = known_latency(w, from, to), own = known_latency(w, to, to);
    if (known > 0)
        return known;
    return (own > 0 ? own : LOCAL_NS) * (1 + LATENCY_PER_HOP * (distance(w, from, to) - 10) / 11);
}

static void write_matrix(struct writer *w, bool latency)
{
    for (unsigned from = 0; from < w->nr_nodes; from++) {
        fputs("    ", w->to);
        for (unsigned to = 0; to < w->nr_nodes; to++)
            if (latency)
                fprintf(w->to, " %.1f,", latency_of(w, from, to));
            else
                fprintf(w->to, " %u,", distance(w, from, to));
        fputc('\n', w->to);
    }
    fputs("]\n", w->to);
}

static void write_memory(struct writer *w)
{
    fprintf(w->to, "\n[core]\n");
    line_of(w, "line fill buffers of cores of the 2010s", "outstanding = 10");
    fprintf(w->to, "\n[memory]\n");
    unsigned known = 0;
    bool bandwidths = true;
    for (unsigned i = 0; i < w->nr_nodes * w->nr_nodes; i++)
        known += known_latency(w, i / w->nr_nodes, i % w->nr_nodes) > 0;
    for (unsigned n = 0; n < w->nr_nodes; n++)
        bandwidths = bandwidths && w->t->node[w->old[n]].bandwidth > 0;
    line_of(w,
            known == w->nr_nodes * w->nr_nodes ? NULL
            : known ? "the source tells some; others by distance, own (1 + 0.55 (d - 10) / 11)"
                    : "local 90 ns, others by distance: 90 (1 + 0.55 (d - 10) / 11)",
            "latency_ns = [");
    write_matrix(w, true);
    if (bandwidths)
        line_of(w, NULL, "bandwidth = \"%.3f GB/s\"", w->t->node[w->old[0]].bandwidth / 1e9);
    else
        line_of(w, "two channels at two thirds; measure it with STREAM", "bandwidth = \"20 GB/s\"");
    line_of(w, "as calibrated with a loaded-latency curve of another machine", "service = \"41 ns\"");
    fprintf(w->to, "\n[link]\n");
    line_of(w, "a link of 16 bits at 6.4 GT/s; measure it", "bandwidth = \"12.8 GB/s\"");
    line_of(w, "a line at that rate", "service = \"5 ns\"");
    fprintf(w->to, "\n[tlb]\n");
    line_of(w, "a miss whose entries are in the caches", "walk = \"12 ns\"");
    line_of(w, "typical", "l1_entries = 64");
    line_of(w, "typical", "l1_miss_cycles = 7");
    line_of(w, "typical", "l2_entries = 1024");
    line_of(w, "typical", "l2_ways = 4");
    line_of(w, "the walk above", "l2_miss_cycles = 30");
}

/* Distances that a machine file cannot say (10 or less to another node, above 254) are moved in, with a comment. */
static void write_slit(struct writer *w)
{
    const struct topo *t = w->t;
    unsigned moved = 0;
    for (unsigned a = 0; t->distance && a < w->nr_nodes; a++)
        for (unsigned b = 0; b < w->nr_nodes; b++) {
            unsigned d = t->distance[(size_t)w->old[a] * t->nr_nodes + w->old[b]];
            moved += a != b && (d < 11 || d > 254);
        }
    fprintf(w->to, "\n[numa]\n");
    if (moved) {
        fprintf(w->to, "# guessed: %u distances to other nodes were 10 or less or above 254: moved to 11 or 254\n",
                moved);
        w->guessed++;
    }
    line_of(w,
            t->distance || w->nr_nodes == 1
                ? NULL
                : "the source has no distances: 16 within a package, 21 to others, firmware's usual",
            "slit = [");
    write_matrix(w, false);
}

static void write_range(struct writer *w, const char **sep, uint64_t start, uint64_t end)
{
    char a[32], b[32];
    fprintf(w->to, "%s{ start = \"%s\", end = \"%s\" }", *sep, machine_size_text(start, a, sizeof(a)),
            machine_size_text(end, b, sizeof(b)));
    *sep = ", ";
}

/* Ranges that the source has, cut to whole pages. */
static void write_known(struct writer *w, const struct topo_node *n, unsigned *ragged)
{
    const char *sep = "range = [ ";
    for (unsigned r = 0; r < n->nr_ranges; r++) {
        uint64_t start = (n->range[r].start + PAGE - 1) / PAGE * PAGE, end = n->range[r].end / PAGE * PAGE;
        *ragged += start != n->range[r].start || end != n->range[r].end;
        if (start < end)
            write_range(w, &sep, start, end);
    }
    if (sep[0] == ',')
        fputs(" ]\n", w->to);
}

/* One behind the other from 0 on; on x86 nothing between 2 and 4 GiB, where devices are. */
static void write_placed(struct writer *w, uint64_t size, uint64_t *at, bool unknown)
{
    const uint64_t hole = UINT64_C(2) << 30, above = UINT64_C(4) << 30;
    const char *sep = "range = [ ";
    bool split = is_x86(w->t) && *at < hole && size > hole - *at;
    if (split) {
        write_range(w, &sep, *at, hole);
        size -= hole - *at;
        *at = above;
    } else if (is_x86(w->t) && *at >= hole && *at < above) {
        *at = above;
    }
    write_range(w, &sep, *at, *at + size);
    *at += size;
    fprintf(w->to, " ] # guessed: %s\n",
            unknown ? "size and place; the source does not tell them" : "the place; the source has sizes only");
    w->guessed++;
}

/* Of a node of which nobody tells: a server's, or a board's with 32 bits. */
static uint64_t typical_memory(const struct topo *t)
{
    const char *why;
    return UINT64_C(1) << (!strcmp(isa_of(t, &why), "armv7") ? 30 : 34);
}

static void write_nodes(struct writer *w)
{
    uint64_t at = 0;
    unsigned ragged = 0;
    for (unsigned n = 0; n < w->nr_nodes; n++) {
        const struct topo_node *o = &w->t->node[w->old[n]];
        unsigned package = package_of(w, n);
        fprintf(w->to, "\n[[node]]");
        if (o->os != n)
            fprintf(w->to, " # %u there", o->os);
        fputc('\n', w->to);
        if (package == TOPO_NONE)
            line_of(w, w->t->distance ? "it has no CPUs: where the nearest of others are" : "it has no CPUs; somewhere",
                    "socket = %u", nearest_package(w, n));
        else
            line_of(w, NULL, "socket = %u", package);
        if (o->bandwidth > 0)
            line_of(w, NULL, "bandwidth = \"%.3f GB/s\"", o->bandwidth / 1e9);
        if (o->nr_ranges)
            write_known(w, o, &ragged);
        else if (o->memory_unknown || o->memory >= PAGE)
            write_placed(w, o->memory_unknown ? typical_memory(w->t) : o->memory / PAGE * PAGE, &at, o->memory_unknown);
    }
    if (ragged)
        fprintf(w->to, "\n# %u ranges of memory began or ended within a page: cut to whole pages\n", ragged);
}

static void write_all(struct writer *w, const char *name)
{
    machine_choose(w);
    if (w->f->code != EXIT_DONE)
        return;
    write_head(w, name);
    write_kinds(w);
    write_cores(w);
    write_caches(w);
    write_memory(w);
    write_slit(w);
    write_nodes(w);
}

int topo_write_machine(const struct topo *given, const char *name, FILE *to, struct fault *f)
{
    struct topo t = *given; /* with CPUs and nodes of its own, to be fitted */
    struct writer *w = calloc(1, sizeof(*w));
    t.cpu = malloc(t.nr_cpus * sizeof(*t.cpu));
    t.node = malloc(t.nr_nodes * sizeof(*t.node));
    int guessed = -1;
    if (w && t.cpu && t.node) {
        memcpy(t.cpu, given->cpu, t.nr_cpus * sizeof(*t.cpu));
        memcpy(t.node, given->node, t.nr_nodes * sizeof(*t.node));
        *w = (struct writer){.t = &t, .to = to, .f = f};
        fprintf(to,
                "# Written by hvsim topo import from %s.\n"
                "# Lines with \"guessed\" say what that source does not tell; replace them by what you know or "
                "measure.\n",
                t.source);
        for (unsigned i = 0; i < t.nr_notes; i++) {
            fprintf(to, "# %s\n", t.note[i]);
            w->guessed += !strncmp(t.note[i], "guessed: ", 9);
        }
        if (t.packages_unknown) {
            fprintf(to, t.nr_packages > 1 ? "# guessed: the source tells no packages: each node is a socket\n"
                                          : "# guessed: the source tells no packages: all is one socket\n");
            w->guessed++;
        }
        machine_fit_to_limits(&t, to, &w->guessed);
        write_all(w, name);
        guessed = f->code == EXIT_DONE ? w->guessed : -1;
    } else {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    }
    free(t.cpu);
    free(t.node);
    free(w);
    return guessed;
}
