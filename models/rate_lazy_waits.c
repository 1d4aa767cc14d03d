/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waits, lazily: how far the solution has moved from the present waits, and what is done about it (rate_lazy.c).
 */
#include "rate_lazy.h"

#include <models/queueing.h>
#include <string.h>

enum { MAX_STEPS = 100, OLD_STEPS = 2, MAX_HALVINGS = 30, CHANGES_PER_CORE = 4 };

/* How far waits go from where the inverse was built: parts of the wait and of the idle latency. */
static const double far_of_wait = 0.2, far_of_idle = 0.05;
/*
 * What goes along with a wait that is past its limit: others at this part of theirs; where the cores that these are
 * behind are most of all cores anyway, much more of them.
 */
static const double along = 0.9, along_with_all = 0.2;
/* The part of the tolerance that controllers have where there is something beside them. */
static const double controllers_part = 0.75;
/* The part of the reach that need not be known. */
static const double known = LAZY_WAIT_TOLERANCE / LAZY_WAIT_REACH;
/* So near, in parts of that, all is known; the inverse is never that old. */
static const double nearby = 0.125;
/* Rounding of F. */
static const double f_noise = 1e-13;

/* What follows from the wait of a resource. */
static void set_wait(struct rate_model *r, unsigned k)
{
    struct lazy *z = r->lazy;
    double part = z->beside_part == 0 ? 1 : k < r->m->nr_nodes ? controllers_part : z->beside_part;
    double most = z->coupled_of[k] == NO_RESOURCE ? LAZY_WAIT_TOLERANCE : LAZY_WAIT_REACH;
    z->limit[k] = part * most * (z->idle_ns[k] + r->wait[k]) / z->limit_bound;
    z->rho[k] = queueing_rho(r->wait[k], r->resource[k].service_ns);
    z->alone[k] = 1 / (queueing_rho_slope(r->wait[k], r->resource[k].service_ns) + z->own[k]);
}

static void set_limits(struct rate_model *r)
{
    r->lazy->limit_bound = r->lazy->bound;
    for (unsigned k = 0; k < r->nr_resources; k++)
        set_wait(r, k);
}

/* ---- F and how far the solution is ------------------------------------------------------------------------------ */

static double ahead_of(const struct lazy *z, unsigned k)
{
    return z->coupled_of[k] == NO_RESOURCE ? z->ahead[k] : z->coupled_ahead[z->coupled_of[k]];
}

/* By what part the diagonal of -dF/dW is off what the inverse is of. */
static double stale(const struct rate_model *r, unsigned k)
{
    const struct lazy *z = r->lazy;
    double off = lazy_size(z->answer[k] - z->answer_built[k]) * z->per_capacity[k];
    if (z->built[k] != r->wait[k])
        off += lazy_size(queueing_rho_slope(r->wait[k], r->resource[k].service_ns) - z->slope_built[k]);
    return off / (z->slope_built[k] + z->own[k]);
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
    z->f[k] = z->lines[k] * z->per_capacity[k] - z->rho[k];
    if (c == NO_RESOURCE) {
        z->ahead[k] = z->f[k] * z->alone[k];
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

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static bool is_far(const struct rate_model *r, unsigned k)
{
    const struct lazy *z = r->lazy;
    if (z->coupled_of[k] == NO_RESOURCE)
        return r->wait[k] > 2 * LAZY_COUPLES * z->idle_ns[k] && z->nr_coupled < LAZY_MAX_COUPLED;
    return lazy_size(r->wait[k] - z->built[k]) > far_of_wait * r->wait[k] + far_of_idle * z->idle_ns[k];
}

/* The inverse anew, and with it all that is known. */
static void build(struct rate_model *r)
{
    lazy_build(r);
    set_limits(r);
    look(r);
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
        set_wait(r, k);
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
