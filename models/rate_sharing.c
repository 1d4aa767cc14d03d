/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates where bandwidth is shared max-min (machine key memory.sharing). Tasks are flows of L3 misses (models/maxmin.h):
 *
 *   bound b_i    misses per ns that it makes when nobody is in its way: q_i / t_i at idle latencies
 *   weight w_i   lines that it has in flight (its mlp): a controller that takes requests as they come serves who has
 *                twice as many there twice as often
 *   a_ik         lines that a miss brings to resource k
 *   C_k          lines per ns
 *
 * A task that gets its bound goes on as if alone; one that gets less, x_i, takes q_i / x_i ns for an instruction, and
 * its misses wait for what that adds. Siblings on its core go faster then, for it issues less: their bounds rise, and
 * the flows that this matters to are shared out again, until nothing moves.
 *
 * Nothing waits below saturation; between that and M/D/1 at every load (rate_solver.c) lie real controllers. Memory
 * validation says which is nearer (docs/memory-validation.md): queueing, which is the default.
 */
#include "rate_private.h"

#include <models/maxmin.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROUNDS = 100 };
static const double settled = 1e-12; /* relative change of a bound at which rounds end */

struct sharing {
    struct maxmin *solver;
    unsigned *flow; /* [group][slot] */
    double *bound;
    struct maxmin_use *use; /* scratch: per resource */
};

void sharing_free(struct rate_model *r)
{
    if (!r->sharing)
        return;
    maxmin_free(r->sharing->solver);
    free(r->sharing->flow);
    free(r->sharing->bound);
    free(r->sharing->use);
    free(r->sharing);
    r->sharing = NULL;
}

bool sharing_make(struct rate_model *r)
{
    struct sharing *s = r->sharing = calloc(1, sizeof(*s));
    if (!s)
        return false;
    s->flow = calloc((size_t)r->max_groups * MAX_THREADS_PER_CORE, sizeof(*s->flow));
    s->bound = calloc((size_t)r->max_groups * MAX_THREADS_PER_CORE, sizeof(*s->bound));
    s->use = calloc(r->nr_resources, sizeof(*s->use));
    double *capacity = calloc(r->nr_resources, sizeof(*capacity));
    for (unsigned k = 0; capacity && k < r->nr_resources; k++)
        capacity[k] = r->resource[k].lines_per_ns;
    s->solver = capacity ? maxmin_create(r->nr_resources, capacity) : NULL;
    free(capacity);
    return s->flow && s->bound && s->use && s->solver;
}

/* Threads of a slot, of all cores of the group. */
static double threads_of(const struct core_group *g)
{
    return (double)g->count * (g->nr_different < g->nr ? g->nr : 1);
}

/* What a miss takes of each resource, each once. */
static unsigned uses_of(const struct placement *p, struct maxmin_use *use)
{
    unsigned n = 0;
    for (unsigned d = 0; d < p->nr_demands; d++) {
        unsigned k = 0;
        while (k < n && use[k].resource != p->demand[d].resource)
            k++;
        if (k == n)
            use[n++] = (struct maxmin_use){p->demand[d].resource, 0};
        use[k].amount += p->demand[d].lines;
    }
    return n;
}

/* Times of a group's threads; those with a limit (ns per instruction, 0: none) take at least that. */
static void group_times(const struct core_group *g, const double *limit, double *time)
{
    struct smt_thread t[MAX_THREADS_PER_CORE];
    for (unsigned i = 0; i < g->nr_different; i++) {
        const struct slot *s = &g->slot[i];
        double m = s->hidden_ns + s->stall_ns * s->place->idle_lat_ns;
        t[i] = (struct smt_thread){s->core_ns, s->class->mix.smt_slowdown, m};
    }
    smt_solve(g->nr, g->nr_different < g->nr, t, time, NULL);
    /* What is not stalled of a limited thread is what it takes of its core: the rest stalls it. */
    bool any = false;
    for (unsigned i = 0; i < g->nr_different; i++)
        if (limit[i] > time[i]) {
            t[i].m += limit[i] - time[i];
            any = true;
        }
    if (!any)
        return;
    smt_solve(g->nr, g->nr_different < g->nr, t, time, NULL);
    for (unsigned i = 0; i < g->nr_different; i++)
        time[i] = limit[i] > time[i] ? limit[i] : time[i];
}

/* The bound of a slot: its siblings as they are, itself without a limit. */
static double bound_of(const struct core_group *g, unsigned i, const double *limit)
{
    double alone[MAX_THREADS_PER_CORE], time[MAX_THREADS_PER_CORE];
    memcpy(alone, limit, g->nr_different * sizeof(*alone));
    alone[i] = 0;
    group_times(g, alone, time);
    return g->slot[i].miss / time[i];
}

static void start_flows(struct rate_model *r)
{
    struct sharing *s = r->sharing;
    static const double none[MAX_THREADS_PER_CORE];
    for (unsigned o = 0; o < r->nr_groups; o++) {
        const struct core_group *g = &r->group[r->order[o]];
        for (unsigned i = 0; i < g->nr_different; i++) {
            const struct slot *x = &g->slot[i];
            size_t at = (size_t)r->order[o] * MAX_THREADS_PER_CORE + i;
            s->flow[at] = MAXMIN_NONE;
            s->bound[at] = 0;
            if (x->miss <= 0)
                continue;
            double n = threads_of(g);
            s->bound[at] = bound_of(g, i, none);
            s->flow[at] = maxmin_add(s->solver, n * rate_overlap(r->m, &x->class->mix), n * s->bound[at],
                                     uses_of(x->place, s->use), s->use);
            if (s->flow[at] == MAXMIN_NONE)
                abort(); /* out of memory in the middle of a solution */
        }
    }
}

/* The limits of a group's slots by the present shares, ns per instruction. */
static void limits_of(const struct rate_model *r, unsigned group, double *limit)
{
    const struct sharing *s = r->sharing;
    const struct core_group *g = &r->group[group];
    for (unsigned i = 0; i < g->nr_different; i++) {
        size_t at = (size_t)group * MAX_THREADS_PER_CORE + i;
        double rate = s->flow[at] == MAXMIN_NONE ? 0 : maxmin_rate(s->solver, s->flow[at]) / threads_of(g);
        limit[i] = rate > 0 ? g->slot[i].miss / rate : 0;
    }
}

/* Bounds by what the siblings do now. Did one move? */
static bool raise_bounds(struct rate_model *r)
{
    struct sharing *s = r->sharing;
    bool moved = false;
    for (unsigned o = 0; o < r->nr_groups; o++) {
        const struct core_group *g = &r->group[r->order[o]];
        double limit[MAX_THREADS_PER_CORE];
        if (g->nr_different < 2)
            continue; /* alone, or all alike: nobody has what another leaves */
        limits_of(r, r->order[o], limit);
        for (unsigned i = 0; i < g->nr_different; i++) {
            size_t at = (size_t)r->order[o] * MAX_THREADS_PER_CORE + i;
            if (s->flow[at] == MAXMIN_NONE)
                continue;
            double bound = bound_of(g, i, limit), change = bound / s->bound[at] - 1;
            if (change < settled && change > -settled)
                continue;
            s->bound[at] = bound;
            maxmin_set_bound(s->solver, s->flow[at], bound * threads_of(g));
            moved = true;
        }
    }
    return moved;
}

static void take_over(struct rate_model *r)
{
    struct sharing *s = r->sharing;
    memset(r->load, 0, r->nr_resources * sizeof(double));
    for (unsigned o = 0; o < r->nr_groups; o++) {
        struct core_group *g = &r->group[r->order[o]];
        double limit[MAX_THREADS_PER_CORE], time[MAX_THREADS_PER_CORE];
        limits_of(r, r->order[o], limit);
        group_times(g, limit, time);
        for (unsigned i = 0; i < g->nr_different; i++) {
            struct slot *x = &g->slot[i];
            size_t at = (size_t)r->order[o] * MAX_THREADS_PER_CORE + i;
            x->time_ns = time[i];
            x->lat_ns = x->place->idle_lat_ns;
            if (x->miss > 0) {
                double unlimited = x->miss / s->bound[at];
                x->lat_ns += time[i] > unlimited ? (time[i] - unlimited) / x->stall_ns : 0;
            }
            x->m = x->hidden_ns + x->stall_ns * x->lat_ns;
            for (unsigned d = 0; d < x->place->nr_demands; d++)
                r->load[x->place->demand[d].resource] += threads_of(g) * x->miss / time[i] * x->place->demand[d].lines;
            if (s->flow[at] != MAXMIN_NONE)
                maxmin_remove(s->solver, s->flow[at]);
        }
    }
    for (unsigned k = 0; k < r->nr_resources; k++)
        r->rho[k] = r->load[k] / r->resource[k].lines_per_ns;
}

void sharing_run(struct rate_model *r)
{
    start_flows(r);
    maxmin_solve(r->sharing->solver);
    for (unsigned i = 0; i < MAX_ROUNDS && raise_bounds(r); i++)
        maxmin_solve(r->sharing->solver);
    take_over(r);
}
