/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The waits. Unknown is the wait W_k of every resource k in use (controllers of a node, a link); given the waits, the
 * time of an instruction follows for every thread (smt.c), and from that the traffic. What is solved is
 *
 *   F_k(W) = load_k(W) - rho(W_k) = 0,   load_k = sum over threads of  q_i lines_ik / t_i(W) / capacity_k
 *
 * where rho(W) = 2 W / (S + 2 W) is M/D/1 turned around (models/queueing.h): it is below 1 for every finite wait, so no
 * solution carries more than the capacity, and saturation is no special case.
 *
 * It is unique. Without SMT t_i = a_i + stall_i sum_k part_ik W_k; with y_i = q_i / t_i and lines = part,
 * F = 0 says that the gradient of  sum_i U_i(y_i) - sum_k capacity_k * integral of W_k(rho)  vanishes, U_i' = (flow_i /
 * y_i - a_i) / stall_i falling: the sum is strictly concave (the flow problem of Kelly, Maulloo, Tan, J. Oper. Res.
 * Soc. 1998). What write-backs add (lines that nobody waits for), what a thread's own requests take off its waits
 * (rate_wait.c: a part of them, below 1), and the pull that SMT adds between siblings, do not change the sign of dF
 * (tests compare with bisection).
 *
 * Newton's method from W = 0, with steps halved while they do not bring F down: F is smooth, its Jacobian is never
 * singular, so the steps become whole and the convergence quadratic. Nothing of an earlier solution enters.
 */
#include "rate_private.h"

#include <limits.h>
#include <models/queueing.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 100, MAX_HALVINGS = 40 };
/* Last relative step: what it leaves is about its square. */
static const double small_step = 3e-6;
/* The first step believes no more than this of a utilisation. */
static const double first_rho = 0.8;
/* Rounding of F: below it "further down" means nothing. */
static const double f_noise = 1e-14;

static void find_active(struct rate_model *r)
{
    r->nr_active = 0;
    for (unsigned g = 0; g < r->nr_groups; g++)
        for (unsigned i = 0; i < r->group[g].nr_different; i++) {
            const struct slot *s = &r->group[g].slot[i];
            for (unsigned d = 0; s->miss > 0 && d < s->place->nr_demands; d++)
                r->active_of[s->place->demand[d].resource] = 0;
        }
    for (unsigned k = 0; k < r->nr_resources; k++)
        if (r->active_of[k] != UINT_MAX) {
            r->active_of[k] = r->nr_active;
            r->active[r->nr_active++] = k;
        }
}

/* Times of the threads of a group at the present waits; gain as in smt_solve. */
static void group_times(const struct rate_model *r, struct core_group *g, double *gain)
{
    struct smt_thread t[MAX_THREADS_PER_CORE];
    double time[MAX_THREADS_PER_CORE];
    for (unsigned i = 0; i < g->nr_different; i++) {
        struct slot *s = &g->slot[i];
        wait_set(s, r->wait);
        t[i] = (struct smt_thread){s->core_ns, s->class->mix.smt_slowdown, s->m};
    }
    smt_solve(g->nr, g->nr_different < g->nr, t, time, gain);
    for (unsigned i = 0; i < g->nr_different; i++)
        g->slot[i].time_ns = time[i];
}

/* Adds the derivatives of the loads of one thread i (slope: of its flow by its time), before division by capacity. */
static void add_derivatives(struct rate_model *r, const struct core_group *g, unsigned i, double slope,
                            const double *gain)
{
    const struct slot *s = &g->slot[i];
    for (unsigned j = 0; j < g->nr_different; j++) {
        const struct slot *other = &g->slot[j];
        double f = slope * gain[i * g->nr + j] * other->stall_ns * other->follow;
        if (f == 0)
            continue;
        for (unsigned a = 0; a < s->place->nr_demands; a++) {
            const struct demand *da = &s->place->demand[a];
            double *row = &r->jacobian[(size_t)r->active_of[da->resource] * r->nr_active];
            for (unsigned b = 0; b < other->place->nr_demands; b++) {
                const struct demand *db = &other->place->demand[b];
                row[r->active_of[db->resource]] += f * da->lines * wait_part(other, db);
            }
        }
    }
}

/* Loads at the present waits, node by node so that two nodes that are mirror images add up alike; with the Jacobian. */
static void evaluate(struct rate_model *r, bool derivatives)
{
    unsigned n = r->nr_active;
    double gain[MAX_THREADS_PER_CORE * MAX_THREADS_PER_CORE];
    memset(r->load, 0, n * sizeof(double));
    if (derivatives)
        memset(r->jacobian, 0, (size_t)n * n * sizeof(double));
    for (unsigned o = 0; o < r->nr_groups;) {
        unsigned node = r->site[r->group[r->order[o]].site].node;
        memset(r->partial, 0, n * sizeof(double));
        for (; o < r->nr_groups && r->site[r->group[r->order[o]].site].node == node; o++) {
            struct core_group *g = &r->group[r->order[o]];
            group_times(r, g, derivatives ? gain : NULL);
            unsigned alike = g->nr_different < g->nr ? g->nr : 1;
            for (unsigned i = 0; i < g->nr_different; i++) {
                const struct slot *s = &g->slot[i];
                if (s->miss <= 0)
                    continue;
                double ipns = 1 / s->time_ns, misses = (double)(g->count * alike) * s->miss * ipns;
                for (unsigned d = 0; d < s->place->nr_demands; d++)
                    r->partial[r->active_of[s->place->demand[d].resource]] += misses * s->place->demand[d].lines;
                if (derivatives)
                    add_derivatives(r, g, i, -misses * ipns, gain);
            }
        }
        for (unsigned k = 0; k < n; k++)
            r->load[k] += r->partial[k];
    }
    for (unsigned k = 0; k < n; k++) {
        double per_capacity = 1 / r->resource[r->active[k]].lines_per_ns;
        r->load[k] *= per_capacity;
        for (unsigned l = 0; derivatives && l < n; l++)
            r->jacobian[(size_t)k * n + l] *= per_capacity;
    }
}

/* Sum of the squares of F, which the steps bring down. */
static double merit(const struct rate_model *r)
{
    double sum = 0;
    for (unsigned k = 0; k < r->nr_active; k++) {
        double f = r->load[k] - queueing_rho(r->wait[r->active[k]], r->resource[r->active[k]].service_ns);
        sum += f * f;
    }
    return sum;
}

/* r->step from F and the Jacobian at the present waits. */
static bool newton_step(struct rate_model *r)
{
    unsigned n = r->nr_active;
    for (unsigned k = 0; k < n; k++) {
        double wait = r->wait[r->active[k]], service = r->resource[r->active[k]].service_ns;
        r->jacobian[(size_t)k * n + k] -= queueing_rho_slope(wait, service);
        r->step[k] = queueing_rho(wait, service) - r->load[k];
    }
    return linear_solve(n, r->jacobian, 1, r->step);
}

/*
 * At W = 0 the step is linear in rho: dW = S / 2 drho. Turning that rho into a wait by the curve itself, W = S / 2 *
 * rho / (1 - rho), is as cheap and far nearer.
 */
static void bend_first_step(struct rate_model *r)
{
    for (unsigned k = 0; k < r->nr_active; k++) {
        double rho = 2 * r->step[k] / r->resource[r->active[k]].service_ns;
        if (rho > 0)
            r->step[k] /= 1 - (rho < first_rho ? rho : first_rho);
    }
}

/* Waits r->tried + size * r->step. false: outside of what the equations are defined for. */
static bool move(struct rate_model *r, double size)
{
    for (unsigned k = 0; k < r->nr_active; k++) {
        double wait = r->tried[k] + size * r->step[k];
        if (wait < -0.25 * r->resource[r->active[k]].service_ns)
            return false;
        r->wait[r->active[k]] = wait;
    }
    return true;
}

/* The step, halved as often as needed. Returns its size, 0 if F cannot be brought down further. */
static double take_step(struct rate_model *r, double before)
{
    double size = 1;
    for (unsigned k = 0; k < r->nr_active; k++)
        r->tried[k] = r->wait[r->active[k]];
    for (unsigned h = 0; h < MAX_HALVINGS; h++, size *= 0.5) {
        if (!move(r, size))
            continue;
        evaluate(r, true);
        if (merit(r) < before || merit(r) <= f_noise * f_noise)
            return size;
    }
    move(r, 0);
    evaluate(r, true);
    return 0;
}

static bool is_small(const struct rate_model *r)
{
    for (unsigned k = 0; k < r->nr_active; k++) {
        double step = r->step[k] < 0 ? -r->step[k] : r->step[k];
        if (step > small_step * (r->wait[r->active[k]] + r->resource[r->active[k]].service_ns))
            return false;
    }
    return true;
}

void solver_run(struct rate_model *r)
{
    memset(r->rho, 0, r->nr_resources * sizeof(double));
    memset(r->wait, 0, r->nr_resources * sizeof(double));
    for (unsigned k = 0; k < r->nr_resources; k++)
        r->active_of[k] = UINT_MAX;
    find_active(r);
    evaluate(r, r->nr_active > 0);
    for (unsigned i = 0; i < MAX_STEPS && r->nr_active; i++) {
        double before = merit(r);
        if (!newton_step(r))
            break;
        if (is_small(r)) { /* what is left after this step is its square */
            for (unsigned k = 0; k < r->nr_active; k++)
                r->wait[r->active[k]] += r->step[k];
            evaluate(r, false);
            break;
        }
        if (i == 0)
            bend_first_step(r);
        if (take_step(r, before) == 0)
            break;
    }
    for (unsigned k = 0; k < r->nr_active; k++)
        r->rho[r->active[k]] = queueing_rho(r->wait[r->active[k]], r->resource[r->active[k]].service_ns);
}
