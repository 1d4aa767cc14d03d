/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Max-min fair shares of bandwidth, demands bounded.
 *
 * The problem. There are resources k with capacities C_k > 0 (controllers, links in one direction), and flows i, each
 * with a weight w_i > 0 (how hard it pulls: lines in flight), a bound b_i >= 0 (what it would do if nothing were in its
 * way) and the amounts a_ik > 0 that a unit of it takes of each resource on its way. Wanted are rates x_i with
 *
 *   0 <= x_i <= b_i,     sum over i of a_ik x_i <= C_k   for every k,
 *
 * such that nobody's x_i / w_i can be raised without lowering one that is not larger: the vector of x_i / w_i, sorted,
 * is the largest in lexicographic order. There is exactly one solution, and it is the only one in which every flow is
 * at its bound, or has a bottleneck: a resource that is full, and of which no other flow has more for its weight
 * (D. Bertsekas, R. Gallager, Data Networks, 2nd ed. 1992, 6.5.2; with weights and bounds: as the solver of network
 * and CPU sharing of SimGrid, H. Casanova, A. Legrand, L. Marchal, CCGRID 2003 and on).
 *
 * The solver. Progressive filling: a level rises from 0, and x_i = w_i level, until a flow is at its bound or one of
 * its resources is full; that flow is settled, and the level rises on for the others. Each round settles a flow or
 * more.
 *
 * Incremental. Flows that share no resource, not even through others, do not matter to each other. A change marks the
 * resources on the way of the flow that comes, goes or has another bound; the next solution visits what hangs together
 * with these, and leaves the rest as it is.
 */
#ifndef MODELS_MAXMIN_H
#define MODELS_MAXMIN_H

#ifdef __cplusplus
extern "C" {
#endif

struct maxmin;

/* What a unit of a flow takes of a resource. */
struct maxmin_use {
    unsigned resource;
    double amount; /* > 0 */
};

#define MAXMIN_NONE (~0u)

/* capacity[nr_resources], all > 0. NULL: out of memory. */
struct maxmin *maxmin_create(unsigned nr_resources, const double *capacity);
void maxmin_free(struct maxmin *s);

/* A flow; uses no resource twice. Its number, or MAXMIN_NONE: out of memory. Numbers of removed ones come again. */
unsigned maxmin_add(struct maxmin *s, double weight, double bound, unsigned nr_uses, const struct maxmin_use *use);
void maxmin_remove(struct maxmin *s, unsigned flow);
void maxmin_set_bound(struct maxmin *s, unsigned flow, double bound);

/* Solves what has changed, and what that matters to. How many flows were looked at. */
unsigned maxmin_solve(struct maxmin *s);
/* Of the last solution. */
double maxmin_rate(const struct maxmin *s, unsigned flow);

#ifdef __cplusplus
}
#endif

#endif
