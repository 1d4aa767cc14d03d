/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STREAM and its relatives (lmbench's stream): four loops over arrays too large for any cache. A step is a line of each
 * array. A line that was read for ownership leaves the cache later, when nobody waits for it; one that is streamed to
 * memory holds one of the core's buffers on its way, as a line that is read does.
 */
#include "measure.h"

#include <string.h>

const char *const measure_op_names[MEASURE_OPS + 1] = {"copy", "scale", "add", "triad", NULL};

static bool reads_first(const struct machine *m, enum measure_stores stores)
{
    if (stores == MEASURE_STORES_DEFAULT)
        return !strcmp(m->isa, "x86-64");
    return stores == MEASURE_STORES_RFO;
}

int measure_stream(const struct machine *m, const struct measure_stream *s, double bandwidth[MEASURE_OPS],
                   struct fault *f)
{
    double in_flight = measure_in_flight(m, f);
    struct measure_host *h = in_flight > 0 ? measure_new(m, f) : NULL;
    int rc = h ? 0 : -1;
    for (unsigned op = 0; op < MEASURE_OPS && !rc; op++) {
        bool rfo = reads_first(m, s->stores);
        double named = op < MEASURE_ADD ? 1 : 2;
        struct measure_program p = {.reads = named + rfo, .writes = 1, .in_flight = in_flight};
        if (!rfo)
            p.in_flight *= p.reads / (p.reads + p.writes);
        measure_clear(h);
        for (unsigned t = 0; t < s->nr && !rc; t++)
            rc = measure_run(h, s->cpu[t], &p, s->share + (size_t)t * m->nr_nodes, f);
        measure_go(h);
        bandwidth[op] = 0;
        for (unsigned t = 0; t < s->nr && !rc; t++)
            bandwidth[op] += (named + 1) * (double)m->l3.line / measure_step_ns(h, s->cpu[t]) * 1e9;
    }
    measure_free(h);
    return rc;
}

int measure_chase_ns(const struct machine *m, unsigned cpu, unsigned node, const struct chase *c, double *ns,
                     struct fault *f)
{
    double share[MACHINE_MAX_NODES] = {0};
    struct measure_host *h = measure_new(m, f);
    share[node] = 1;
    int rc = h ? measure_chase(h, cpu, c, share, f) : -1;
    if (!rc) {
        measure_go(h);
        *ns = measure_step_ns(h, cpu);
    }
    measure_free(h);
    return rc;
}
