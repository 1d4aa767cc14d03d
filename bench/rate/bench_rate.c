/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the rates of a context switch cost on this host: ns for rate_set and rate_solve, on machines of 8 nodes with 16
 * to 4,096 pCPUs, all of them busy.
 *
 *   two      every VM has its memory on two nodes, the one that it runs on and another
 *   striped  every VM has its memory on all nodes, in random parts: every switch changes what everybody waits for
 *
 *   half     all tasks together ask for some 50 % of what the controllers can do
 *   full     for twice as much as they can do
 *
 *   exact    every solution from scratch
 *   lazy     only what a change matters to
 *
 * VMs have four vCPUs, there are three vCPUs to a pCPU, no two VMs are alike. A switch takes one vCPU from a random
 * pCPU and puts another of the same node there. ns are the mean of some thousand switches, best of three; changed is
 * how many threads' rates changed by a switch, error the largest of lazy rates against the exact ones, in percent.
 */
#include <models/rate.h>
#include <random_numbers.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NODES = 8, MIXES = 16, VCPUS_PER_VM = 4, VCPUS_PER_PCPU = 3, ROUNDS = 3, COMPARED = 20 };

static FILE *csv;
static bool quick, lazy_only;
static unsigned only; /* pCPUs; 0: all sizes */
static const char *only_memory, *only_load;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *grab(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p) {
        fprintf(stderr, "bench_rate: out of memory\n");
        exit(3);
    }
    return p;
}

/* ---- the machine and what runs on it --------------------------------------------------------------------------- */

/* The 8-socket preset with other numbers of cores; an L3 for 32 threads at most, bandwidths with the threads. */
static struct machine *machine_of(unsigned pcpus, double node_gbs)
{
    char cores[64], l3[64], memory[64], link[64], *err = NULL;
    unsigned per_node = pcpus / NODES, sharers = per_node < 32 ? per_node / 2 : 16;
    snprintf(cores, sizeof(cores), "topology.cores_per_socket=%u", per_node / 2);
    snprintf(l3, sizeof(l3), "cache.l3.shared_by=%u", sharers);
    snprintf(memory, sizeof(memory), "memory.bandwidth=%.3f GB/s", node_gbs);
    snprintf(link, sizeof(link), "link.bandwidth=%.3f GB/s", node_gbs / 3);
    const char *const overrides[] = {cores, l3, memory, link, NULL};
    struct machine *m = machine_load(HVSIM_SOURCE_DIR "/models/machines/westmere-ex-8s.toml", overrides, &err);
    if (!m || m->nr_cpus != pcpus) {
        fprintf(stderr, "bench_rate: %s\n", err ? err : "not the machine that was asked for");
        exit(3);
    }
    return m;
}

static struct work_mix mix[MIXES];

static void make_mixes(void)
{
    for (unsigned i = 0; i < MIXES; i++) {
        double l3 = random_between(5, 40), most = random_between(1, 8) * 1048576;
        mix[i] = (struct work_mix){.cpi_core = random_between(0.5, 1.2),
                                   .smt_slowdown = random_between(0.3, 0.8),
                                   .l2_apki = l3 + random_between(0, 30),
                                   .l3_apki = l3,
                                   .mlp = random_between(1, 3),
                                   .write_fraction = random_between(0, 0.5),
                                   .footprint = random_between(0.2, 4) * 1048576,
                                   .tlb_mpki_4k = random_between(0, 2),
                                   .nr_curve = 3,
                                   .curve_size = {most / 16, most / 4, most},
                                   .curve_mpki = {l3, l3 * 0.7, l3 * 0.3}};
    }
}

/* vCPUs by node, each with its task; running: which of its node's is on the pCPU. */
struct guests {
    struct rate_task *task;
    unsigned per_node, pcpus_per_node;
    unsigned *running; /* per pCPU: index within its node */
    bool *runs;        /* per vCPU */
};

static void make_guests(struct guests *g, const struct machine *m, bool striped)
{
    g->pcpus_per_node = m->nr_cpus / NODES;
    g->per_node = g->pcpus_per_node * VCPUS_PER_PCPU;
    g->task = grab((size_t)NODES * g->per_node, sizeof(*g->task));
    g->running = grab(m->nr_cpus, sizeof(*g->running));
    g->runs = grab((size_t)NODES * g->per_node, sizeof(*g->runs));
    for (unsigned v = 0; v < NODES * g->per_node; v++) {
        struct rate_task *t = &g->task[v];
        if (v % VCPUS_PER_VM) {
            *t = t[-1];
            continue;
        }
        unsigned home = v / g->per_node;
        t->mix = &mix[random_below(MIXES)];
        if (striped) {
            double sum = 0;
            for (unsigned n = 0; n < NODES; n++)
                sum += t->node_share[n] = random_between(0.5, 1);
            for (unsigned n = 0; n < NODES; n++)
                t->node_share[n] /= sum;
        } else {
            t->node_share[home] = random_between(0.5, 1);
            t->node_share[(home + 1 + random_below(NODES - 1)) % NODES] = 1 - t->node_share[home];
        }
    }
}

static void free_guests(struct guests *g)
{
    free(g->task);
    free(g->running);
    free(g->runs);
}

static struct rate_task *task_on(const struct guests *g, const struct machine *m, unsigned cpu)
{
    return &g->task[m->cpu[cpu].node * g->per_node + g->running[cpu]];
}

static void set(struct rate_model *r, unsigned cpu, const struct rate_task *t)
{
    if (rate_set(r, cpu, t)) {
        fprintf(stderr, "bench_rate: out of memory\n");
        exit(3);
    }
}

static void start(struct guests *g, const struct machine *m)
{
    unsigned next[NODES] = {0};
    memset(g->runs, 0, (size_t)NODES * g->per_node);
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        unsigned node = m->cpu[c].node;
        g->running[c] = next[node]++;
        g->runs[node * g->per_node + g->running[c]] = true;
    }
}

/* Puts another vCPU of its node on a random pCPU. */
static unsigned switch_one(struct guests *g, const struct machine *m)
{
    unsigned cpu = random_below(m->nr_cpus), first = m->cpu[cpu].node * g->per_node, v = random_below(g->per_node);
    while (g->runs[first + v])
        v = v + 1 == g->per_node ? 0 : v + 1;
    g->runs[first + g->running[cpu]] = false;
    g->runs[first + v] = true;
    g->running[cpu] = v;
    return cpu;
}

/* ---- measuring -------------------------------------------------------------------------------------------------- */

static void begin(struct rate_model *r, const struct guests *g, const struct machine *m, unsigned *changed)
{
    for (unsigned c = 0; c < m->nr_cpus; c++)
        set(r, c, task_on(g, m, c));
    rate_solve(r, changed);
}

/* ns a switch; *touched: rates that changed by it. */
static double measure(struct rate_model *r, struct guests *g, const struct machine *m, unsigned switches,
                      double *touched)
{
    unsigned *changed = grab(m->nr_cpus, sizeof(*changed));
    double best = 1e30;
    start(g, m);
    begin(r, g, m, changed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t n = 0;
        double from = now_ns();
        for (unsigned i = 0; i < switches; i++) {
            unsigned cpu = switch_one(g, m);
            rate_elapse(r, 1000);
            set(r, cpu, task_on(g, m, cpu));
            n += rate_solve(r, changed);
        }
        double each = (now_ns() - from) / switches;
        best = each < best ? each : best;
        *touched = (double)n / switches;
    }
    free(changed);
    return best;
}

/* Largest error of the lazy rates now, in percent. */
static double error_now(const struct rate_model *lazy, struct rate_model *exact, const struct guests *g,
                        const struct machine *m, unsigned *changed)
{
    double worst = 0;
    begin(exact, g, m, changed);
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        double off = rate_ipns(lazy, c) / rate_ipns(exact, c) - 1;
        off = off < 0 ? -off : off;
        worst = off > worst ? off : worst;
    }
    return 100 * worst;
}

static double measure_error(struct rate_model *lazy, struct rate_model *exact, struct guests *g,
                            const struct machine *m, unsigned comparisons)
{
    unsigned *changed = grab(m->nr_cpus, sizeof(*changed));
    double worst = 0;
    for (unsigned i = 0; i < comparisons; i++) {
        for (unsigned k = 0; k < 1 + m->nr_cpus / 4; k++) {
            unsigned cpu = switch_one(g, m);
            set(lazy, cpu, task_on(g, m, cpu));
            rate_solve(lazy, changed);
        }
        double e = error_now(lazy, exact, g, m, changed);
        worst = e > worst ? e : worst;
    }
    free(changed);
    return worst;
}

static struct rate_model *model_of(const struct machine *m, bool lazy)
{
    struct rate_model *r = rate_create(m);
    if (!r || (lazy && rate_lazy(r))) {
        fprintf(stderr, "bench_rate: out of memory\n");
        exit(3);
    }
    return r;
}

static void row(const char *memory, const char *load, unsigned pcpus, const char *rates, double ns, double changed,
                double error)
{
    printf("%-8s %-5s %5u  %-6s %12.0f %10.1f %8.3f\n", memory, load, pcpus, rates, ns, changed, error);
    fflush(stdout);
    if (csv)
        fprintf(csv, "%s,%s,%u,%s,%.0f,%.2f,%.4f\n", memory, load, pcpus, rates, ns, changed, error);
}

static void one(unsigned pcpus, bool striped, bool full)
{
    const char *memory = striped ? "striped" : "two", *load = full ? "full" : "half";
    struct guests g;
    if ((only_memory && strcmp(only_memory, memory) != 0) || (only_load && strcmp(only_load, load) != 0))
        return;
    random_state = pcpus;
    make_mixes();
    /* a thread asks for about 0.55 GB/s when nobody waits */
    struct machine *m = machine_of(pcpus, (full ? 0.5 : 2) * 0.55 * pcpus / NODES);
    make_guests(&g, m, striped);
    struct rate_model *lazy = model_of(m, true), *exact = model_of(m, false);
    double changed, ns = measure(lazy, &g, m, quick ? 50 : 20000, &changed);
    row(memory, load, pcpus, "lazy", ns, changed,
        measure_error(lazy, exact, &g, m,
                      quick          ? 1
                      : pcpus > 1024 ? 3
                                     : COMPARED));
    if (!lazy_only) {
        ns = measure(exact, &g, m, quick ? 1 : 1 + 20000 / pcpus / (1 + pcpus / 64), &changed);
        row(memory, load, pcpus, "exact", ns, changed, 0);
    }
    rate_free(lazy);
    rate_free(exact);
    free_guests(&g);
    machine_free(m);
}

int main(int argc, char **argv)
{
    static const unsigned sizes[] = {16, 64, 256, 1024, 4096};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) {
            quick = true;
        } else if (!strcmp(argv[i], "--lazy")) {
            lazy_only = true;
        } else if (!strcmp(argv[i], "--pcpus") && i + 1 < argc) {
            only = (unsigned)strtoul(argv[++i], NULL, 10);
        } else if (!strcmp(argv[i], "--memory") && i + 1 < argc) {
            only_memory = argv[++i];
        } else if (!strcmp(argv[i], "--load") && i + 1 < argc) {
            only_load = argv[++i];
        } else if (!strcmp(argv[i], "--csv") && i + 1 < argc) {
            csv = fopen(argv[++i], "w");
            if (!csv) {
                perror(argv[i]);
                return 3;
            }
        } else {
            fprintf(stderr, "usage: bench_rate [--quick] [--lazy] [--pcpus 16|64|256|1024|4096] "
                            "[--memory two|striped] [--load half|full] [--csv FILE]\n");
            return 2;
        }
    }
    printf("%-8s %-5s %5s  %-6s %12s %10s %8s\n", "memory", "load", "pCPUs", "rates", "ns/switch", "changed",
           "error %");
    if (csv)
        fprintf(csv, "memory,load,pcpus,rates,ns,changed,error_pct\n");
    for (unsigned striped = 0; striped < 2; striped++)
        for (unsigned full = 0; full < 2; full++)
            for (unsigned i = 0; i < (quick ? 2 : sizeof(sizes) / sizeof(sizes[0])); i++)
                if (!only || only == sizes[i])
                    one(sizes[i], striped, full);
    if (csv && fclose(csv)) {
        perror("bench_rate");
        return 3;
    }
    return 0;
}
