/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Intel's Memory Latency Checker measures. Its latency chain goes through a buffer many times the size of the
 * caches in an order that no cache profits from and no prefetcher knows, on large pages: every access is a line from
 * memory. Its loaders keep as many lines in flight as a core can and write, where they write, without reading first.
 */
#include "measure.h"

#include <math.h>
#include <stdlib.h>

const unsigned measure_delays[MEASURE_DELAYS] = {0,   2,    8,    15,   50,   100,  200,  300,  400,  500,
                                                 700, 1000, 1300, 1700, 2500, 3500, 5000, 9000, 20000};

/*
 * Lines that a loader fetches between two delays: from the published Haswell curve (T20, a calibration row), whose
 * bandwidth at delays of 300 to 5000 cycles is 3.5 lines per core and delay.
 */
static const double lines_per_delay = 3.5;

static const struct measure_program chain = {.reads = 1, .in_flight = 1};

static bool has_memory(const struct machine *m, unsigned node)
{
    for (unsigned i = 0; i < m->nr_ranges; i++)
        if (m->range[i].node == node)
            return true;
    return false;
}

/* One cell of a matrix: programs on the first `most` cores of a node, memory on another. NaN: there is no such thing.
 */
static int cell(struct measure_host *h, const struct machine *m, unsigned from, unsigned to, unsigned most,
                const struct measure_program *p, unsigned *cpu, unsigned *n, struct fault *f)
{
    double share[MACHINE_MAX_NODES] = {0};
    measure_clear(h);
    measure_cores_of(m, from, cpu, n);
    *n = !has_memory(m, to) ? 0 : *n < most ? *n : most;
    share[to] = 1;
    for (unsigned i = 0; i < *n; i++)
        if (measure_run(h, cpu[i], p, share, f) < 0)
            return -1;
    measure_go(h);
    return 0;
}

static int matrix(const struct machine *m, const struct measure_program *p, unsigned most, double *out, struct fault *f)
{
    struct measure_host *h = measure_new(m, f);
    unsigned *cpu = calloc(m->nr_cpus, sizeof(*cpu)), n;
    int rc = h && cpu ? 0 : -1;
    if (h && !cpu)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    for (unsigned i = 0; i < m->nr_nodes && !rc; i++)
        for (unsigned j = 0; j < m->nr_nodes && !rc; j++) {
            rc = cell(h, m, i, j, most, p, cpu, &n, f);
            out[(size_t)i * m->nr_nodes + j] = rc || !n    ? NAN
                                               : most == 1 ? measure_step_ns(h, cpu[0])
                                                           : measure_lines(h) * 1e9 * (double)m->l3.line;
        }
    free(cpu);
    measure_free(h);
    return rc;
}

int measure_latency_matrix(const struct machine *m, double *ns, struct fault *f)
{
    return matrix(m, &chain, 1, ns, f);
}

int measure_bandwidth_matrix(const struct machine *m, double writes, double *bandwidth, struct fault *f)
{
    struct measure_program p = {.reads = 1, .writes = writes, .in_flight = measure_in_flight(m, f)};
    return p.in_flight > 0 ? matrix(m, &p, ~0u, bandwidth, f) : -1;
}

/* Loaders on all cores from the first-th on, each on its own node. Cores of nodes without memory stay idle. */
static int load_all(struct measure_host *h, const struct machine *m, unsigned first, const struct measure_program *p,
                    struct fault *f)
{
    for (unsigned c = 0, core = 0; c < m->nr_cpus; c++) {
        double share[MACHINE_MAX_NODES] = {0};
        if (m->cpu[c].thread || core++ < first || !has_memory(m, m->cpu[c].node))
            continue;
        share[m->cpu[c].node] = 1;
        if (measure_run(h, c, p, share, f) < 0)
            return -1;
    }
    return 0;
}

int measure_peak(const struct machine *m, double writes, double *bandwidth, struct fault *f)
{
    struct measure_program p = {.reads = 1, .writes = writes, .in_flight = measure_in_flight(m, f)};
    struct measure_host *h = p.in_flight > 0 ? measure_new(m, f) : NULL;
    int rc = h ? load_all(h, m, 0, &p, f) : -1;
    if (!rc) {
        measure_go(h);
        *bandwidth = measure_lines(h) * 1e9 * (double)m->l3.line;
    }
    measure_free(h);
    return rc;
}

/* The node whose memory the chain on the first core reads: its own, or the first that has any. */
static unsigned nearest_memory(const struct machine *m, unsigned node)
{
    for (unsigned n = 0; !has_memory(m, node) && n < m->nr_nodes; n++)
        if (has_memory(m, n))
            return n;
    return node;
}

int measure_loaded_latency(const struct machine *m, unsigned delay, double writes, struct measure_loaded *out,
                           struct fault *f)
{
    struct measure_program p = {.reads = 1, .writes = writes, .in_flight = measure_in_flight(m, f)};
    struct measure_host *h = p.in_flight > 0 ? measure_new(m, f) : NULL;
    double share[MACHINE_MAX_NODES] = {0};
    p.think_ns = delay * 1e9 / m->freq_hz / lines_per_delay;
    share[nearest_memory(m, m->cpu[0].node)] = 1;
    int rc = h ? measure_run(h, 0, &chain, share, f) : -1;
    rc = rc ? rc : load_all(h, m, 1, &p, f);
    if (!rc) {
        measure_go(h);
        out->latency_ns = measure_step_ns(h, 0);
        out->bandwidth = measure_lines(h) * 1e9 * (double)m->l3.line;
    }
    measure_free(h);
    return rc;
}
