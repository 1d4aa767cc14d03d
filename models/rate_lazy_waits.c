/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waits, lazily: how far the solution has moved from the present waits, and what is done about it (rate_lazy.c).
 *
 * -dF/dW has on its diagonal drho/dW, which falls as a queue grows, and everywhere what one wait takes off another's
 * load: sum over threads of flow / t x dt/dm x stall x lines_a part_b / capacity_a. It is built from all threads and
 * inverted now and then: when waits are a fifth away from where it was built, after a number of changes, or when a step
 * did not come down to the limits. A step with an older one converges all the same, only less than quadratically.
 *
 * Resources that hardly anybody waits for (links, mostly) answer to their own load alone: what they add to others'
 * waits is below what is looked at. So the inverse stays small on machines with hundreds of links.
 */
#include "rate_lazy.h"

#include <models/queueing.h>
#include <string.h>

enum { MAX_STEPS = 100, OLD_STEPS = 2, MAX_HALVINGS = 30, CHANGES_PER_CORE = 4 };

/* A wait above this part of the idle latency couples a resource with the others. */
static const double couples = 0.005;
/* How far waits go from where the inverse was built: parts of the wait and of the idle latency. */
static const double far_of_wait = 0.2, far_of_idle = 0.05;
/*
 * What goes along with a wait that is past its limit: others at this part of theirs; where the cores that these are
 * behind are most of all cores anyway, much more of them.
 */
static const double along = 0.9, along_with_all = 0.2;
/* The part of the tolerance that controllers have where there is something beside them. */
static const double controllers_part = 0.75;
/* A load this large or larger counts as this when a wait is guessed. */
static const double most_load = 0.9;
/* The part of the reach that need not be known. */
static const double known = LAZY_WAIT_TOLERANCE / LAZY_WAIT_REACH;
/* So near, in parts of that, all is known; the inverse is never that old. */
static const double nearby = 0.125;
/* Rounding of F. */
static const double f_noise = 1e-13;

static double per_capacity(const struct rate_model *r, unsigned k)
{
    return 1 / r->resource[k].lines_per_ns;
}

static void set_limit(struct rate_model *r, unsigned k)
{
    struct lazy *z = r->lazy;
    double part = z->beside_part == 0 ? 1 : k < r->m->nr_nodes ? controllers_part : z->beside_part;
    double most = z->coupled_of[k] == NO_RESOURCE ? LAZY_WAIT_TOLERANCE : LAZY_WAIT_REACH;
    z->limit[k] = part * most * (z->idle_ns[k] + r->wait[k]) / z->limit_bound;
}

static void set_limits(struct rate_model *r)
{
    r->lazy->limit_bound = r->lazy->bound;
    for (unsigned k = 0; k < r->nr_resources; k++)
        set_limit(r, k);
}

/* ---- F and how far the solution is ------------------------------------------------------------------------------ */

static double miss_by(const struct rate_model *r, unsigned k)
{
    return r->lazy->lines[k] * per_capacity(r, k) - queueing_rho(r->wait[k], r->resource[k].service_ns);
}

static double alone(const struct rate_model *r, unsigned k)
{
    return r->lazy->f[k] / (queueing_rho_slope(r->wait[k], r->resource[k].service_ns) + r->lazy->own[k]);
}

static double ahead_of(const struct lazy *z, unsigned k)
{
    return z->coupled_of[k] == NO_RESOURCE ? z->ahead[k] : z->coupled_ahead[z->coupled_of[k]];
}

/* By what part the diagonal of -dF/dW is off what the inverse is of. */
static double stale(const struct rate_model *r, unsigned k)
{
    const struct lazy *z = r->lazy;
    double service = r->resource[k].service_ns, then = queueing_rho_slope(z->built[k], service);
    double off = lazy_size(z->answer[k] - z->answer_built[k]) * per_capacity(r, k);
    if (z->built[k] != r->wait[k])
        off += lazy_size(queueing_rho_slope(r->wait[k], service) - then);
    return off / (then + z->own[k]);
}

/*
 * By what part the true F bends off the straight line that far ahead: half of its second derivative over the first,
 * times the distance; of the queue's curve, and of flows, which fall as 1 / (1 + part of the time).
 */
static double bend(const struct rate_model *r, unsigned k, double ahead)
{
    const struct lazy *z = r->lazy;
    double service = r->resource[k].service_ns, half = service + 2 * (r->wait[k] + (ahead < 0 ? ahead : 0));
    if (half < service)
        half = service;
    double slope = 2 * service / (half * half); /* queueing_rho_slope, where it is steepest */
    return lazy_size(ahead) * (2 * slope / half / (slope + z->own[k]) + LAZY_WAIT_REACH / z->limit[k]);
}

/* What is not known of how far the solution is ahead, over what may be: at most 1. */
static double unknown(const struct rate_model *r, unsigned k)
{
    const struct lazy *z = r->lazy;
    double ahead = ahead_of(z, k), may = z->limit[k] * known;
    if (z->coupled_of[k] == NO_RESOURCE || lazy_size(ahead) < nearby * may)
        return 0;
    return lazy_size(ahead) / may * (stale(r, k) + bend(r, k, ahead));
}

static bool is_past(const struct rate_model *r, unsigned k)
{
    return lazy_size(ahead_of(r->lazy, k)) > r->lazy->limit[k] || unknown(r, k) > 1;
}

/*
 * Does it make a difference to anybody that the controllers' waits are off by that? Sum s_n x_n is at most the largest
 * |x_n|; and where everybody's memory is spread nearly evenly, with d = sum |s_n - 1 / nodes|, it is at most
 * |mean of x| + d max |x_n - mean|: what goes up here and down there hardly matters.
 */
static bool spread_past(const struct rate_model *r, const double *x, double most)
{
    unsigned n = r->m->nr_nodes;
    double mean = 0, apart = 0;
    for (unsigned k = 0; k < n; k++)
        mean += x[k];
    mean /= n;
    for (unsigned k = 0; k < n; k++)
        apart = lazy_size(x[k] - mean) > apart ? lazy_size(x[k] - mean) : apart;
    return lazy_size(mean) + r->lazy->uneven * apart > most;
}

/* How far they are ahead, and what is not known of that. */
static bool nodes_past(const struct rate_model *r)
{
    double ahead[MACHINE_MAX_NODES], off[MACHINE_MAX_NODES], least = r->lazy->limit[0];
    bool past = false, blind = false;
    for (unsigned k = 0; k < r->m->nr_nodes; k++) {
        double limit = r->lazy->limit[k];
        ahead[k] = ahead_of(r->lazy, k);
        off[k] = unknown(r, k);
        past = past || lazy_size(ahead[k]) > limit;
        blind = blind || off[k] > 1;
        least = limit < least ? limit : least;
    }
    return (past && spread_past(r, ahead, least)) || (blind && spread_past(r, off, 1));
}

static bool others_past(const struct rate_model *r)
{
    const struct lazy *z = r->lazy;
    for (unsigned j = 0; j < z->nr_coupled; j++)
        if (z->coupled[j] >= r->m->nr_nodes && is_past(r, z->coupled[j]))
            return true;
    return false;
}

/* Takes F of resource k as it is now. Did that alone pass a limit? */
static bool update(struct rate_model *r, unsigned k, double before)
{
    struct lazy *z = r->lazy;
    unsigned n = z->nr_coupled, c = z->coupled_of[k];
    z->f[k] = miss_by(r, k);
    if (c == NO_RESOURCE) {
        z->ahead[k] = alone(r, k);
        return k >= r->m->nr_nodes && lazy_size(z->ahead[k]) > z->limit[k];
    }
    double df = z->f[k] - before;
    const double *column = &z->inverse[(size_t)c * n];
    for (unsigned j = 0; j < n; j++)
        z->coupled_ahead[j] += column[j] * df;
    return false;
}

/* After changes of some loads. */
static void follow(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    bool past = false;
    for (unsigned i = 0; i < z->nr_touch; i++) {
        z->touched[z->touch[i]] = false;
        past |= update(r, z->touch[i], z->f[z->touch[i]]);
    }
    z->nr_touch = 0;
    z->past = past || others_past(r) || nodes_past(r);
}

/* From scratch, after changes of waits. */
static void look(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    bool past = false;
    for (unsigned i = 0; i < z->nr_touch; i++)
        z->touched[z->touch[i]] = false;
    z->nr_touch = 0;
    memset(z->coupled_ahead, 0, z->nr_coupled * sizeof(double));
    for (unsigned k = 0; k < r->nr_resources; k++)
        past |= update(r, k, 0);
    z->past = past || others_past(r) || nodes_past(r);
}

static double merit(const struct rate_model *r)
{
    double sum = 0;
    for (unsigned k = 0; k < r->nr_resources; k++)
        sum += r->lazy->f[k] * r->lazy->f[k];
    return sum;
}

/* ---- the inverse ------------------------------------------------------------------------------------------------ */

/* Which resources are solved together: controllers in use, and what is waited for. */
static void choose(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    double least = couples;
    do {
        z->nr_coupled = 0;
        for (unsigned k = 0; k < r->nr_resources; k++) {
            double load = z->lines[k] * per_capacity(r, k);
            double wait = queueing_wait_ns(load < most_load ? load : most_load, r->resource[k].service_ns);
            wait = r->wait[k] > wait ? r->wait[k] : wait;
            z->coupled_of[k] = NO_RESOURCE;
            if (wait <= least * z->idle_ns[k] || z->nr_coupled == LAZY_MAX_COUPLED)
                continue;
            z->coupled_of[k] = z->nr_coupled;
            z->coupled[z->nr_coupled++] = k;
        }
        least *= 2;
    } while (z->nr_coupled == LAZY_MAX_COUPLED && z->nr_coupled < r->nr_resources);
}

/* What one more ns for the misses of thread b takes off the loads of thread a. */
static void add_response(struct rate_model *r, const struct slot *a, const struct slot *b, double f)
{
    struct lazy *z = r->lazy;
    unsigned n = z->nr_coupled;
    for (unsigned i = 0; i < a->place->nr_demands; i++) {
        const struct demand *da = &a->place->demand[i];
        unsigned row = z->coupled_of[da->resource];
        double g = f * da->lines * per_capacity(r, da->resource);
        for (unsigned j = 0; j < b->place->nr_demands; j++) {
            const struct demand *db = &b->place->demand[j];
            unsigned column = z->coupled_of[db->resource];
            if (da->resource == db->resource)
                z->own[da->resource] += g * db->part;
            if (row != NO_RESOURCE && column != NO_RESOURCE)
                z->matrix[(size_t)row * n + column] += g * db->part;
        }
    }
}

/* A thread to the loads, at the present price, and to how they go with it. */
static void add_load(struct rate_model *r, unsigned core, const struct lazy_thread *t)
{
    struct lazy *z = r->lazy;
    unsigned l3 = r->site[r->core_site[core]].l3;
    double *slope = &z->slope[(size_t)l3 * z->nr_slots];
    double flow = t->flow + t->flow_slope * (z->l3[l3].price - z->core[core].price);
    for (unsigned d = 0; d < t->slot.place->nr_demands; d++) {
        const struct demand *x = &t->slot.place->demand[d];
        z->lines[x->resource] += flow * x->lines;
        slope[x->slot] += t->flow_slope * x->lines;
    }
}

static void add_core(struct rate_model *r, unsigned core)
{
    struct lazy *z = r->lazy;
    const struct lazy_thread *of[MAX_THREADS_PER_CORE];
    struct smt_thread smt[MAX_THREADS_PER_CORE];
    double time[MAX_THREADS_PER_CORE], gain[MAX_THREADS_PER_CORE * MAX_THREADS_PER_CORE];
    unsigned nr = z->core[core].nr;
    if (!nr)
        return;
    for (unsigned i = 0; i < nr; i++) {
        of[i] = &z->thread[z->busy[core * r->m->threads_per_core + i]];
        smt[i] = (struct smt_thread){of[i]->slot.core_ns, of[i]->slot.class->mix.smt_slowdown, of[i]->slot.m};
    }
    smt_solve(nr, false, smt, time, gain);
    for (unsigned i = 0; i < nr; i++) {
        double part = of[i]->slot.stall_ns * of[i]->slot.lat_ns / of[i]->slot.time_ns;
        z->bound = part > z->bound ? part : z->bound;
        z->uneven = of[i]->slot.place->uneven > z->uneven ? of[i]->slot.place->uneven : z->uneven;
        add_load(r, core, of[i]);
        if (!(of[i]->flow > 0))
            continue;
        for (unsigned j = 0; j < nr; j++)
            add_response(r, &of[i]->slot, &of[j]->slot,
                         of[i]->flow / of[i]->slot.time_ns * gain[i * nr + j] * of[j]->slot.stall_ns);
    }
}

static void build(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    choose(r);
    unsigned n = z->nr_coupled;
    memset(z->matrix, 0, (size_t)n * n * sizeof(double));
    memset(z->own, 0, r->nr_resources * sizeof(double));
    memset(z->lines, 0, r->nr_resources * sizeof(double));
    memset(z->slope, 0, (size_t)r->m->l3.nr * z->nr_slots * sizeof(double));
    z->bound = LAZY_LEAST_BOUND;
    z->uneven = 0;
    for (unsigned core = 0; core < r->nr_cores; core++)
        add_core(r, core);
    memcpy(z->built, r->wait, r->nr_resources * sizeof(double));
    memcpy(z->answer_built, z->answer, r->nr_resources * sizeof(double));
    for (unsigned c = 0; c < n; c++) {
        unsigned k = z->coupled[c];
        z->matrix[(size_t)c * n + c] += queueing_rho_slope(r->wait[k], r->resource[k].service_ns);
        memset(&z->inverse[(size_t)c * n], 0, n * sizeof(double));
        z->inverse[(size_t)c * n + c] = 1;
    }
    linear_solve(n, z->matrix, n, z->inverse); /* not singular: see rate_solver.c */
    for (unsigned a = 0; a < n; a++)
        for (unsigned b = 0; b < a; b++) {
            double x = z->inverse[(size_t)a * n + b];
            z->inverse[(size_t)a * n + b] = z->inverse[(size_t)b * n + a];
            z->inverse[(size_t)b * n + a] = x;
        }
    z->changes = 0;
    z->old = false;
    set_limits(r);
    look(r);
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static bool is_far(const struct rate_model *r, unsigned k)
{
    const struct lazy *z = r->lazy;
    if (z->coupled_of[k] == NO_RESOURCE)
        return r->wait[k] > 2 * couples * z->idle_ns[k] && z->nr_coupled < LAZY_MAX_COUPLED;
    return lazy_size(r->wait[k] - z->built[k]) > far_of_wait * r->wait[k] + far_of_idle * z->idle_ns[k];
}

/* Cores with memory behind one of the resources that moved. */
static void mark_behind(struct rate_model *r, const double *step)
{
    struct lazy *z = r->lazy;
    uint64_t nodes = 0, others = 0;
    for (unsigned k = 0; k < r->nr_resources; k++)
        *(k < r->m->nr_nodes ? &nodes : &others) |= (uint64_t)(step[k] != 0) << k % 64;
    for (unsigned core = 0; core < r->nr_cores; core++)
        if (z->core[core].nr && ((z->core[core].nodes & nodes) || (z->core[core].others & others)))
            lazy_mark(z, core);
}

/* Waits go where the solution is, a part `size` of the way; before: where they were; marked: mark_behind was done. */
static void move(struct rate_model *r, double size, const double *step, const double *before, bool marked)
{
    struct lazy *z = r->lazy;
    for (unsigned k = 0; k < r->nr_resources; k++) {
        if (step[k] == 0)
            continue;
        double wait = before[k] + size * step[k];
        r->wait[k] = wait > 0 ? wait : 0;
        set_limit(r, k);
        z->old = z->old || is_far(r, k);
    }
    if (!marked)
        mark_behind(r, step);
    lazy_evaluate_moved(r);
    look(r);
}

/* Into step: how far the solution is, of resources at more than that part of what they may be. */
static void choose_steps(struct rate_model *r, double part)
{
    for (unsigned k = 0; k < r->nr_resources; k++) {
        double ahead = ahead_of(r->lazy, k);
        bool far = lazy_size(ahead) > part * r->lazy->limit[k] || unknown(r, k) > part;
        r->step[k] = far ? ahead : 0;
    }
}

/* One step of Newton's method, halved while it does not bring F down. */
static void take_step(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    double before = merit(r), size = 1;
    memcpy(r->tried, r->wait, r->nr_resources * sizeof(double));
    choose_steps(r, along);
    mark_behind(r, r->step);
    bool all = z->nr_todo * 2 > r->nr_cores;
    if (all)
        choose_steps(r, along_with_all);
    move(r, 1, r->step, r->tried, !all);
    for (unsigned h = 0; h < MAX_HALVINGS && z->past && merit(r) > before && before > f_noise; h++)
        move(r, size *= 0.5, r->step, r->tried, false);
}

/* Nobody loads anything and nobody waits: what a build would find is there. */
static bool nothing_moves(const struct rate_model *r)
{
    for (unsigned k = 0; k < r->nr_resources; k++)
        if (r->lazy->lines[k] != 0 || r->wait[k] != 0)
            return false;
    return true;
}

void lazy_waits(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    follow(r);
    if (z->bound > z->limit_bound * 1.05)
        set_limits(r);
    if (z->quiet && nothing_moves(r)) {
        z->changes = 0;
    } else if (!z->nr_coupled || z->changes > CHANGES_PER_CORE * r->nr_cores) {
        build(r);
        z->quiet = nothing_moves(r);
    }
    for (unsigned i = 0; i < MAX_STEPS && z->past; i++) {
        if (z->old || i >= OLD_STEPS)
            build(r);
        if (z->past)
            take_step(r);
    }
}
