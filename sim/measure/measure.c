/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "measure.h"

#include <models/rate.h>
#include <stdlib.h>
#include <string.h>

struct measure_host {
    const struct machine *m;
    struct rate_model *rates;
    double *traffic; /* per cpu: lines per step */
    unsigned *changed;
};

void measure_free(struct measure_host *h)
{
    if (!h)
        return;
    rate_free(h->rates);
    free(h->traffic);
    free(h->changed);
    free(h);
}

struct measure_host *measure_new(const struct machine *m, struct fault *f)
{
    struct measure_host *h = calloc(1, sizeof(*h));
    if (h) {
        h->m = m;
        h->rates = rate_create(m);
        h->traffic = calloc(m->nr_cpus, sizeof(*h->traffic));
        h->changed = calloc(m->nr_cpus, sizeof(*h->changed));
    }
    if (!h || !h->rates || !h->traffic || !h->changed) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        measure_free(h);
        return NULL;
    }
    return h;
}

void measure_clear(struct measure_host *h)
{
    for (unsigned c = 0; c < h->m->nr_cpus; c++) {
        rate_set(h->rates, c, NULL);
        h->traffic[c] = 0;
    }
}

static int run(struct measure_host *h, unsigned cpu, const struct work_mix *w, double traffic, const double *share,
               struct fault *f)
{
    struct rate_task t = {.mix = w};
    memcpy(t.node_share, share, h->m->nr_nodes * sizeof(*share));
    if (rate_set(h->rates, cpu, &t) < 0) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return -1;
    }
    h->traffic[cpu] = traffic;
    return 0;
}

int measure_run(struct measure_host *h, unsigned cpu, const struct measure_program *p, const double *share,
                struct fault *f)
{
    const struct machine_kind *kind = &h->m->kind[h->m->cpu[cpu].kind];
    /* One step is one instruction. A step costs something, however short. */
    double cycles = p->think_ns * h->m->freq_hz * kind->speed / 1e9;
    struct work_mix w = {.cpi_core = cycles > 1e-6 ? cycles : 1e-6,
                         .l2_apki = 1000 * p->reads,
                         .l3_apki = 1000 * p->reads,
                         .mlp = p->in_flight,
                         .write_fraction = p->writes / p->reads,
                         .footprint = 1,
                         .nr_curve = 1,
                         .curve_size = {1},
                         .curve_mpki = {1000 * p->reads}};
    return run(h, cpu, &w, p->reads + p->writes, share, f);
}

int measure_chase(struct measure_host *h, unsigned cpu, const struct chase *c, const double *share, struct fault *f)
{
    struct chase_parts p;
    chase_solve(h->m, cpu, c, &p);
    struct work_mix w = chase_mix(h->m, cpu, &p);
    return run(h, cpu, &w, p.memory + p.table_memory, share, f);
}

void measure_go(struct measure_host *h)
{
    rate_solve(h->rates, h->changed);
}

double measure_step_ns(const struct measure_host *h, unsigned cpu)
{
    return 1 / rate_ipns(h->rates, cpu);
}

double measure_lines(const struct measure_host *h)
{
    double sum = 0;
    for (unsigned c = 0; c < h->m->nr_cpus; c++)
        sum += h->traffic[c] * rate_ipns(h->rates, c);
    return sum;
}

double measure_in_flight(const struct machine *m, struct fault *f)
{
    if (!m->core_outstanding)
        fault_set(f, EXIT_BAD_INPUT,
                  "machine '%s' does not say how many lines a core keeps in flight: core.outstanding is missing",
                  m->name);
    return m->core_outstanding;
}

void measure_cores_of(const struct machine *m, unsigned node, unsigned *cpu, unsigned *n)
{
    *n = 0;
    for (unsigned c = 0; c < m->nr_cpus; c++)
        if (m->cpu[c].node == node && m->cpu[c].thread == 0)
            cpu[(*n)++] = c;
}
