/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inverse of -dF/dW (rate_lazy.c).
 *
 * -dF/dW has on its diagonal drho/dW, which falls as a queue grows, and everywhere what one wait takes off another's
 * load: sum over threads i, j of a core of  flow_i response_ij lines_ia part_jb / capacity_a.  It is built from all
 * threads and inverted now and then: when waits are a fifth away from where it was built, after a number of changes, or
 * when a step did not come down to the limits. A step with an older one converges all the same, only less than
 * quadratically.
 *
 * Resources that hardly anybody waits for (links, mostly) answer to their own load alone: what they add to others'
 * waits is below what is looked at. So the inverse stays small on machines with hundreds of links.
 */
#include "rate_lazy.h"

#include <models/queueing.h>
#include <string.h>

/* A load this large or larger counts as this when a wait is guessed. */
static const double most_load = 0.9;

/* Which resources are solved together: controllers in use, and what is waited for. */
static void choose(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    double least = LAZY_COUPLES;
    do {
        z->nr_coupled = 0;
        for (unsigned k = 0; k < r->nr_resources; k++) {
            double load = z->res[k].lines * z->res[k].per_capacity;
            double wait = queueing_wait_ns(load < most_load ? load : most_load, r->resource[k].service_ns);
            wait = r->wait[k] > wait ? r->wait[k] : wait;
            z->res[k].coupled = NO_RESOURCE;
            if (wait <= least * z->res[k].idle_ns || z->nr_coupled == LAZY_MAX_COUPLED)
                continue;
            z->res[k].coupled = z->nr_coupled;
            z->coupled[z->nr_coupled++] = k;
        }
        least *= 2;
    } while (z->nr_coupled == LAZY_MAX_COUPLED && z->nr_coupled < r->nr_resources);
}

/* A thread to the loads, at the present price; and busy thread i of its core to the ways of that. */
static void add_thread(struct rate_model *r, unsigned core, unsigned i, const struct lazy_thread *t)
{
    struct lazy *z = r->lazy;
    struct lazy_ways *w = &z->ways;
    const struct placement *p = t->slot.place;
    z->uneven = p->uneven > z->uneven ? p->uneven : z->uneven;
    if (t->flow == 0 && t->flow_slope == 0 && t->slot.stall_ns == 0)
        return; /* it misses nothing: no load, and no latency that it or a sibling would wait for */
    unsigned l3 = r->site[r->core_site[core]].l3;
    double *slope = &z->slope[(size_t)l3 * z->nr_slots], *lines = &w->lines[i * z->nr_slots];
    double *part = &w->part[i * z->nr_slots];
    double flow = t->flow + t->flow_slope * (z->l3[l3].price - z->core[core].price);
    for (unsigned d = 0; d < p->nr_demands; d++) {
        const struct demand *x = &p->demand[d];
        z->res[x->resource].lines += flow * x->lines;
        slope[x->slot] += t->flow_slope * x->lines;
        lines[x->slot] += x->lines;
        part[x->slot] += wait_part(&t->slot, x);
        if (!w->used[x->slot])
            w->slot[w->nr++] = x->slot;
        w->used[x->slot] = true;
    }
    double bound = t->slot.stall_ns * t->slot.follow * t->slot.lat_ns / t->slot.time_ns;
    z->bound = bound > z->bound ? bound : z->bound;
}

/* What one more ns of each wait takes off the loads of thread i; response: of its time, by ns of its siblings' misses.
 */
static void add_response(struct rate_model *r, const unsigned *resource, unsigned nr, unsigned i, double flow,
                         const double *response)
{
    struct lazy *z = r->lazy;
    const struct lazy_ways *w = &z->ways;
    unsigned coupled = 0;
    for (unsigned u = 0; u < w->nr; u++) {
        unsigned column = z->res[resource[w->slot[u]]].coupled;
        double off = 0;
        for (unsigned j = 0; j < nr; j++)
            off += response[j] * w->part[j * z->nr_slots + w->slot[u]];
        w->off[u] = flow * off;
        if (column == NO_RESOURCE)
            continue;
        w->column[coupled] = column;
        w->of_column[coupled++] = w->off[u];
    }
    for (unsigned u = 0; u < w->nr; u++) {
        unsigned k = resource[w->slot[u]];
        double lines = w->lines[i * z->nr_slots + w->slot[u]] * z->res[k].per_capacity;
        z->res[k].own += lines * w->off[u];
        if (z->res[k].coupled == NO_RESOURCE || lines == 0)
            continue;
        double *row = &z->matrix[(size_t)z->res[k].coupled * z->nr_coupled];
        for (unsigned c = 0; c < coupled; c++)
            row[w->column[c]] += lines * w->of_column[c];
    }
}

static void add_core(struct rate_model *r, unsigned core)
{
    struct lazy *z = r->lazy;
    struct lazy_ways *w = &z->ways;
    unsigned nr = z->core[core].nr, threads = r->m->threads_per_core;
    const unsigned *cpu = &z->busy[core * threads];
    const unsigned *resource = &z->slot_resource[r->site[r->core_site[core]].socket * z->nr_slots];
    w->nr = 0;
    for (unsigned i = 0; i < nr; i++)
        add_thread(r, core, i, &z->thread[cpu[i]]);
    for (unsigned i = 0; i < nr; i++)
        if (z->thread[cpu[i]].flow > 0)
            add_response(r, resource, nr, i, z->thread[cpu[i]].flow,
                         &z->response[((size_t)core * threads + i) * threads]);
    for (unsigned u = 0; u < w->nr; u++) {
        w->used[w->slot[u]] = false;
        for (unsigned i = 0; i < nr; i++)
            w->lines[i * z->nr_slots + w->slot[u]] = w->part[i * z->nr_slots + w->slot[u]] = 0;
    }
}

static void invert(struct lazy *z)
{
    unsigned n = z->nr_coupled;
    memset(z->inverse, 0, (size_t)n * n * sizeof(double));
    for (unsigned c = 0; c < n; c++)
        z->inverse[(size_t)c * n + c] = 1;
    linear_solve(n, z->matrix, n, z->inverse); /* not singular: see rate_solver.c */
    for (unsigned a = 0; a < n; a++)
        for (unsigned b = 0; b < a; b++) {
            double x = z->inverse[(size_t)a * n + b];
            z->inverse[(size_t)a * n + b] = z->inverse[(size_t)b * n + a];
            z->inverse[(size_t)b * n + a] = x;
        }
}

void lazy_build(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    choose(r);
    unsigned n = z->nr_coupled;
    memset(z->matrix, 0, (size_t)n * n * sizeof(double));
    for (unsigned k = 0; k < r->nr_resources; k++)
        z->res[k].own = z->res[k].lines = 0;
    memset(z->slope, 0, (size_t)r->m->l3.nr * z->nr_slots * sizeof(double));
    z->bound = LAZY_LEAST_BOUND;
    z->uneven = 0;
    for (unsigned core = 0; core < r->nr_cores; core++)
        add_core(r, core);
    for (unsigned k = 0; k < r->nr_resources; k++) {
        struct lazy_resource *q = &z->res[k];
        q->built = r->wait[k];
        q->answer_built = q->answer;
        q->slope_built = queueing_rho_slope(r->wait[k], r->resource[k].service_ns);
        q->per_built = 1 / (q->slope_built + q->own);
        if (q->coupled != NO_RESOURCE)
            z->matrix[(size_t)q->coupled * (n + 1)] += q->slope_built;
    }
    invert(z);
    z->changes = 0;
    z->old = false;
}
