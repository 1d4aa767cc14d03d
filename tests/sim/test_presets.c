/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every measuring tool works on every shipped machine, and what went in as a constant comes out of it. */
#include "measure/measure.h"

#include "machine_open.h"
#include <cunit_main.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MACHINES HVSIM_SOURCE_DIR "/models/machines/*.toml"
#define LATENCY_BAR 0.03
#define BANDWIDTH_BAR 0.05
/* A chain alone waits for nobody: nothing but the millionth of a cycle that a step of it takes. */
#define IDLE_BAR 1e-7

/* Runs check on every machine; names those where it fails. */
static void on_all(void (*check)(const struct machine *m, struct fault *f))
{
    glob_t g;
    CU_ASSERT_EQUAL_FATAL(glob(MACHINES, 0, NULL, &g), 0);
    CU_ASSERT(g.gl_pathc >= 25);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        struct fault f = {0};
        struct machine *m = machine_open(g.gl_pathv[i], NULL, &f);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        unsigned before = CU_get_number_of_failures();
        check(m, &f);
        if (CU_get_number_of_failures() != before || f.code)
            fprintf(stderr, "\n  in %s %s\n", g.gl_pathv[i], f.text);
        CU_ASSERT_EQUAL(f.code, EXIT_DONE);
        machine_free(m);
    }
    globfree(&g);
}

static bool near(double is, double expected, double bar)
{
    return fabs(is / expected - 1) <= bar;
}

static unsigned cores_of(const struct machine *m, unsigned node)
{
    unsigned n = 0;
    for (unsigned c = 0; c < m->nr_cpus; c++)
        n += m->cpu[c].node == node && m->cpu[c].thread == 0;
    return n;
}

static void check_latency(const struct machine *m, struct fault *f)
{
    const unsigned n = m->nr_nodes;
    double *ns = calloc((size_t)n * n, sizeof(*ns));
    CU_ASSERT_PTR_NOT_NULL_FATAL(ns);
    CU_ASSERT_EQUAL(measure_latency_matrix(m, ns, f), 0);
    for (unsigned i = 0; i < n * n; i++)
        CU_ASSERT(near(ns[i], m->mem_latency_ns[i], IDLE_BAR));
    free(ns);
}

static void latencies_come_back_out(void)
{
    on_all(check_latency);
}

/*
 * Of its own node: what the file says, where the cores have the lines in flight for it; else what they have (Little's
 * law). Of other nodes: no more than a link carries.
 */
static void check_bandwidth(const struct machine *m, struct fault *f)
{
    const unsigned n = m->nr_nodes;
    double *out = calloc((size_t)n * n, sizeof(*out)), peak = 0, sum = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(measure_bandwidth_matrix(m, 0, out, f), 0);
    for (unsigned a = 0; a < n; a++)
        for (unsigned b = 0; b < n; b++) {
            double idle = m->mem_latency_ns[a * n + b], is = out[a * n + b];
            double most = cores_of(m, a) * m->core_outstanding * (double)m->l3.line / idle * 1e9;
            CU_ASSERT(is > 0 && is <= most * (1 + LATENCY_BAR));
            if (a == b && most > m->mem_bandwidth[a])
                CU_ASSERT(near(is, m->mem_bandwidth[a], BANDWIDTH_BAR) || m->cluster_cores);
            if (m->node_socket[a] != m->node_socket[b])
                CU_ASSERT(is <= m->link_bandwidth * (1 + BANDWIDTH_BAR));
            sum += a == b ? is : 0;
        }
    CU_ASSERT_EQUAL(measure_peak(m, 0, &peak, f), 0);
    CU_ASSERT(near(peak, sum, BANDWIDTH_BAR));
    free(out);
}

static void bandwidths_come_back_out(void)
{
    on_all(check_bandwidth);
}

static void check_loaded(const struct machine *m, struct fault *f)
{
    struct measure_loaded before = {0}, now = {0};
    for (unsigned i = MEASURE_DELAYS; i-- > 0; before = now) {
        CU_ASSERT_EQUAL(measure_loaded_latency(m, measure_delays[i], 0, &now, f), 0);
        CU_ASSERT(now.latency_ns >= before.latency_ns && now.bandwidth > before.bandwidth);
        if (i == MEASURE_DELAYS - 1)
            CU_ASSERT(now.latency_ns < 1.10 * m->mem_latency_ns[0]);
    }
    CU_ASSERT(now.latency_ns < 60 * m->mem_latency_ns[0]);
}

static void latency_rises_with_load(void)
{
    on_all(check_loaded);
}

/* All threads on their own nodes: no more than the controllers carry, and not absurdly less. */
static void check_stream(const struct machine *m, struct fault *f)
{
    unsigned *cpu = calloc(m->nr_cpus, sizeof(*cpu)), nr = 0;
    double *share = calloc((size_t)m->nr_cpus * m->nr_nodes, sizeof(*share)), out[MEASURE_OPS], all = 0, peak = 0;
    CU_ASSERT_FATAL(cpu && share);
    for (unsigned c = 0; c < m->nr_cpus; c++)
        if (!m->cpu[c].thread) {
            share[nr * m->nr_nodes + m->cpu[c].node] = 1;
            cpu[nr++] = c;
        }
    struct measure_stream s = {nr, cpu, share, MEASURE_STORES_DEFAULT};
    CU_ASSERT_EQUAL(measure_stream(m, &s, out, f), 0);
    CU_ASSERT_EQUAL(measure_peak(m, 0, &peak, f), 0);
    for (unsigned node = 0; node < m->nr_nodes; node++)
        all += m->mem_bandwidth[node];
    for (unsigned op = 0; op < MEASURE_OPS; op++)
        CU_ASSERT(out[op] <= 1.05 * all && out[op] > 0.4 * peak);
    free(share);
    free(cpu);
}

static void streams_are_what_memory_gives(void)
{
    on_all(check_stream);
}

static double chase_ns_on(const struct machine *m, unsigned cpu, uint64_t size, unsigned page, struct fault *f)
{
    struct chase c = {.working_set = (double)size, .page = page};
    double ns = NAN;
    CU_ASSERT_EQUAL(measure_chase_ns(m, cpu, m->cpu[cpu].node, &c, &ns, f), 0);
    return ns;
}

static double chase_ns(const struct machine *m, uint64_t size, unsigned page, struct fault *f)
{
    return chase_ns_on(m, 0, size, page, f);
}

/* From L1 to memory and on, never down; large pages never slower. */
static void check_chase(const struct machine *m, struct fault *f)
{
    const struct machine_kind *k = &m->kind[m->cpu[0].kind];
    double before = 0;
    CU_ASSERT(near(chase_ns(m, 4096, CHASE_4K, f), k->l1d_latency_ns, LATENCY_BAR));
    for (uint64_t size = 1024; size <= UINT64_C(1) << 30; size *= 2) {
        double now = chase_ns(m, size, CHASE_4K, f), large = chase_ns(m, size, CHASE_2M, f);
        CU_ASSERT(now >= before * 0.999);
        CU_ASSERT(large <= now * 1.001);
        before = now;
    }
    const double idle = m->mem_latency_ns[m->cpu[0].node * m->nr_nodes + m->cpu[0].node];
    CU_ASSERT(before > 0.95 * idle * (1 - (double)m->l3.size / (UINT64_C(1) << 30)) && before < 4 * idle);
}

static void a_chase_climbs(void)
{
    on_all(check_chase);
}

/* Working sets that fit into L1D see its cycles; those that fit into L2 see its TLB's entries: 10 and 32. */
static void each_kind_of_core_has_its_own_staircase(void)
{
    static const struct {
        unsigned cpu;
        double l1_cycles, tlb_entries, tlb_cycles;
    } kinds[] = {{0, 3, 10, 2}, {5, 4, 32, 7}};
    char *err = NULL;
    struct fault f = {0};
    struct machine *m = machine_load(HVSIM_SOURCE_DIR "/models/machines/juno-r1.toml", NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    for (unsigned i = 0; i < 2; i++) {
        double cycle = 1e9 / m->kind[m->cpu[kinds[i].cpu].kind].freq_hz;
        uint64_t size = 512 << 10;
        CU_ASSERT(near(chase_ns_on(m, kinds[i].cpu, 4096, CHASE_4K, &f), kinds[i].l1_cycles * cycle, 1e-6));
        double walked =
            chase_ns_on(m, kinds[i].cpu, size, CHASE_4K, &f) - chase_ns_on(m, kinds[i].cpu, size, CHASE_2M, &f);
        CU_ASSERT(near(walked, (1 - kinds[i].tlb_entries / 128) * kinds[i].tlb_cycles * cycle, 1e-3));
    }
    machine_free(m);
}

static const struct cunit_case tests[] = {
    {"latencies come back out", latencies_come_back_out},
    {"bandwidths come back out", bandwidths_come_back_out},
    {"latency rises with load", latency_rises_with_load},
    {"streams are what memory gives", streams_are_what_memory_gives},
    {"a chase climbs", a_chase_climbs},
    {"each kind of core has its own staircase", each_kind_of_core_has_its_own_staircase},
};

CUNIT_MAIN("measuring tools on every machine", tests)
