/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "box.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void set_sharing(struct machine *m, struct machine_cache *c, unsigned threads)
{
    c->nr = m->nr_cpus / threads;
    c->of = calloc(m->nr_cpus, sizeof(*c->of));
    if (!c->of)
        abort();
    for (unsigned i = 0; i < m->nr_cpus; i++)
        c->of[i] = i / threads;
}

struct machine *box_new(unsigned sockets, unsigned cores, unsigned threads)
{
    struct machine *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->freq_hz = 1e9;
    m->nr_sockets = sockets;
    m->cores_per_socket = cores;
    m->threads_per_core = threads;
    m->nr_cores = sockets * cores;
    m->nr_cpus = m->nr_cores * threads;
    m->nr_nodes = sockets;
    m->cpu = calloc(m->nr_cpus, sizeof(*m->cpu));
    m->mem_latency_ns = calloc((size_t)sockets * sockets, sizeof(double));
    m->mem_bandwidth = calloc(sockets, sizeof(double));
    m->node_socket = calloc(sockets, sizeof(unsigned));
    if (!m->cpu || !m->mem_latency_ns || !m->mem_bandwidth || !m->node_socket)
        abort();
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        unsigned socket = c / (cores * threads);
        m->cpu[c] = (struct machine_cpu){socket, c / threads, c % threads, socket, 0};
    }
    for (unsigned a = 0; a < sockets; a++) {
        m->mem_bandwidth[a] = 20e9;
        m->node_socket[a] = a;
        for (unsigned b = 0; b < sockets; b++)
            m->mem_latency_ns[a * sockets + b] = a == b ? BOX_LOCAL : BOX_REMOTE;
    }
    m->link_bandwidth = 10e9;
    m->mem_service_ns = 25;
    m->link_service_ns = 6.4;
    m->page_walk_ns = 10;
    m->l1d = (struct machine_cache){32768, 8, 64, 4, threads, 0, 0, 0, NULL};
    m->l2 = (struct machine_cache){262144, 8, 64, 10, threads, 0, 0, 0, NULL};
    m->l3 = (struct machine_cache){(uint64_t)(8 * BOX_MIB), 16, 64, 40, cores * threads, 0, 0, 0, NULL};
    set_sharing(m, &m->l1d, threads);
    set_sharing(m, &m->l2, threads);
    set_sharing(m, &m->l3, cores * threads);
    m->nr_kinds = 1;
    m->kind = calloc(1, sizeof(*m->kind));
    if (!m->kind)
        abort();
    m->kind[0] =
        (struct machine_kind){NULL,        m->freq_hz,        1,      m->l2.size,     m->l2.latency_ns, m->l1d.size,
                              m->l1d.ways, m->l1d.latency_ns, m->tlb, m->page_walk_ns};
    return m;
}

void box_free(struct machine *m)
{
    free(m->l1d.of);
    free(m->l2.of);
    free(m->l3.of);
    free(m->kind);
    free(m->cpu);
    free(m->mem_latency_ns);
    free(m->mem_bandwidth);
    free(m->node_socket);
    free(m);
}

struct work_mix box_mix(double cpi, double mpki, double mlp)
{
    return (struct work_mix){.cpi_core = cpi,
                             .l2_apki = mpki,
                             .l3_apki = mpki,
                             .mlp = mlp,
                             .footprint = 64 * BOX_MIB,
                             .nr_curve = 1,
                             .curve_size = {BOX_MIB},
                             .curve_mpki = {mpki}};
}

struct rate_model *box_run(const struct machine *m, const struct work_mix *w, unsigned first, unsigned n, unsigned node)
{
    enum { MAX_CPUS = 64 };
    unsigned changed[MAX_CPUS];
    struct rate_model *r = rate_create(m);
    struct rate_task t = {.mix = w};
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    CU_ASSERT_TRUE_FATAL(m->nr_cpus <= MAX_CPUS);
    t.node_share[node] = 1;
    for (unsigned c = first; c < first + n; c++)
        CU_ASSERT_EQUAL_FATAL(rate_set(r, c, &t), 0);
    rate_solve(r, changed);
    return r;
}

void close_to(double a, double b, double relative)
{
    CU_ASSERT_DOUBLE_EQUAL(a, b, relative * fabs(b));
    if (!(fabs(a - b) <= relative * fabs(b)))
        fprintf(stderr, "\n  got %.17g, expected %.17g\n", a, b);
}
