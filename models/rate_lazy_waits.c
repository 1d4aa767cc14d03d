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
/* Rounding of F. */
static const double f_noise = 1e-13;

/*
 * By what part the true F bends off the straight line for every ns that the solution is ahead of a wait: half of its
 * second derivative over the first; of the queue's curve, and of flows, which fall as 1 / (1 + part of the time).
 */
static double bend(const struct rate_model *r, unsigned k, double wait)
{
    const struct lazy_resource *q = &r->lazy->res[k];
    double service = r->resource[k].service_ns, slope = queueing_rho_slope(wait, service);
    return 2 * slope / (service + 2 * wait) / (slope + q->own) + r->lazy->limit_bound / (q->idle_ns + wait);
}

/* What follows from the wait of a resource. */
static void set_wait(struct rate_model *r, unsigned k)
{
    const struct lazy *z = r->lazy;
    struct lazy_resource *q = &z->res[k];
    double wait = r->wait[k], service = r->resource[k].service_ns, slope = queueing_rho_slope(wait, service);
    double part = z->beside_part == 0 ? 1 : k < r->m->nr_nodes ? controllers_part : z->beside_part;
    double most = q->coupled == NO_RESOURCE ? LAZY_WAIT_TOLERANCE : LAZY_WAIT_REACH;
    q->limit = part * most * (q->idle_ns + wait) / z->limit_bound;
    q->rho = queueing_rho(wait, service);
    q->alone = 1 / (slope + q->own);
    q->turned = lazy_size(slope - q->slope_built);
    q->bend_up = bend(r, k, wait);
    q->bend_down = bend(r, k, wait > q->limit ? wait - q->limit : 0); /* the curve is steeper there */
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
    const struct lazy_resource *q = &z->res[k];
    return q->coupled == NO_RESOURCE ? q->ahead : z->coupled_ahead[q->coupled];
}

/*
 * ns that are not known of how far the solution is ahead: because the diagonal of -dF/dW is another than the inverse is
 * of, and because F is not straight.
 */
static double unknown(const struct lazy *z, unsigned k)
{
    const struct lazy_resource *q = &z->res[k];
    if (q->coupled == NO_RESOURCE)
        return 0;
    double ahead = z->coupled_ahead[q->coupled];
    double off = (lazy_size(q->answer - q->answer_built) * q->per_capacity + q->turned) * q->per_built;
    return lazy_size(ahead) * (off + (ahead < 0 ? -ahead * q->bend_down : ahead * q->bend_up));
}

/* Is it too far, or more than part of that? */
static bool is_past(const struct lazy *z, unsigned k, double part)
{
    double most = part * z->res[k].limit;
    return lazy_size(ahead_of(z, k)) > most || unknown(z, k) > known * most;
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
    const struct lazy *z = r->lazy;
    double ahead[MACHINE_MAX_NODES], off[MACHINE_MAX_NODES], least = LAZY_FAR;
    bool past = false;
    for (unsigned k = 0; k < r->m->nr_nodes; k++) {
        double limit = z->res[k].limit;
        ahead[k] = ahead_of(z, k);
        off[k] = unknown(z, k);
        past = past || lazy_size(ahead[k]) > limit || off[k] > known * limit;
        least = limit < least ? limit : least;
    }
    return past && (spread_past(r, ahead, least) || spread_past(r, off, known * least));
}

static bool others_past(const struct rate_model *r)
{
    const struct lazy *z = r->lazy;
    for (unsigned j = 0; j < z->nr_coupled; j++)
        if (z->coupled[j] >= r->m->nr_nodes && is_past(z, z->coupled[j], 1))
            return true;
    return false;
}

/* Takes F of resource k as it is now. Did that alone pass a limit? */
static bool update(struct rate_model *r, unsigned k, double before)
{
    struct lazy *z = r->lazy;
    struct lazy_resource *q = &z->res[k];
    unsigned n = z->nr_coupled;
    q->f = q->lines * q->per_capacity - q->rho;
    if (q->coupled == NO_RESOURCE) {
        q->ahead = q->f * q->alone;
        return k >= r->m->nr_nodes && lazy_size(q->ahead) > q->limit;
    }
    double df = q->f - before;
    const double *column = &z->inverse[(size_t)q->coupled * n];
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
        z->res[z->touch[i]].touched = false;
        past |= update(r, z->touch[i], z->res[z->touch[i]].f);
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
        z->res[z->touch[i]].touched = false;
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
        sum += r->lazy->res[k].f * r->lazy->res[k].f;
    return sum;
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static bool is_far(const struct rate_model *r, unsigned k)
{
    const struct lazy *z = r->lazy;
    if (z->res[k].coupled == NO_RESOURCE)
        return r->wait[k] > 2 * LAZY_COUPLES * z->res[k].idle_ns && z->nr_coupled < LAZY_MAX_COUPLED;
    return lazy_size(r->wait[k] - z->res[k].built) > far_of_wait * r->wait[k] + far_of_idle * z->res[k].idle_ns;
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
    for (unsigned k = 0; k < r->nr_resources; k++)
        r->step[k] = is_past(r->lazy, k, part) ? ahead_of(r->lazy, k) : 0;
}

/* Did the step leave things further off than they were? */
static bool is_worse(const struct rate_model *r, double before)
{
    return r->lazy->past && before > f_noise && merit(r) > before;
}

/*
 * One step of Newton's method: of what is past its limit, and what goes along. Should that not bring F down, which only
 * a step of all is sure to do, it is taken back, and all go, halved as often as needed.
 */
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
    if (!is_worse(r, before))
        return;
    move(r, 0, r->step, r->tried, false);
    choose_steps(r, 0);
    move(r, 1, r->step, r->tried, false);
    for (unsigned h = 0; h < MAX_HALVINGS && is_worse(r, before); h++)
        move(r, size *= 0.5, r->step, r->tried, false);
}

/* Nobody loads anything and nobody waits: what a build would find is there. */
static bool nothing_moves(const struct rate_model *r)
{
    for (unsigned k = 0; k < r->nr_resources; k++)
        if (r->lazy->res[k].lines != 0 || r->wait[k] != 0)
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
