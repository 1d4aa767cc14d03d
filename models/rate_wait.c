/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a thread waits for: a request that arrives does not find itself in the queue.
 *
 * In a closed system an arriving request sees the queues as they are with one request fewer of its kind (the arrival
 * theorem: Sevcik and Mitrani, J. ACM 28, 1981; Reiser and Lavenberg, J. ACM 27, 1980). A thread that has m requests in
 * flight has (m - 1) / m of its part of a queue then (Schweitzer's approximation, 1979), and its part is that of its
 * load. With W_k = (S_k / 2) rho_k / (1 - rho_k), rho_k the load of all,
 *
 *   W_ik  =  W_k - W_k (load of i on k / rho_k) / m_i  =  W_k - (S_k / 2 + W_k) x (load of i on k) / m_i.
 *
 * A chain of dependent loads (m = 1) that is alone waits for nothing, and its latency is the idle one. Only what a read
 * brings itself counts: the line, probes, the directory. Lines written back are nobody's request, they come on top as
 * tasks that requests leave behind (Heidelberger and Trivedi, IEEE Trans. Computers 31, 1982).
 *
 * The load of i is  q_i lines_ik / (tau_i C_k),  tau_i the time of an instruction with the core to itself. So with
 * stall = q / m and o_k = part_ik lines_ik / C_k
 *
 *   tau  =  b - e / tau,    b = core + hidden + stall (L0 + sum part_k W_k),    e = stall^2 sum o_k (S_k / 2 + W_k),
 *
 * of which the larger root is meant, and m_i of smt.c is tau - core. By waits,
 *
 *   dm / dW_k  =  follow x stall x (part_k - request x o_k),   follow = 1 / (1 - e / tau^2),   request = stall / tau.
 *
 * A sibling makes tau shorter than t: the own part is taken for a little larger than it is, by no more than SMT slows
 * a thread down, of an own part of a few per cent.
 *
 * At waits that are no solution there may be no root. As long as what is taken off is at most a quarter of b there is
 * one, and it goes smoothly with the waits; for any waits that is so if  sum o_k S_k / 2 <= 3/16 L0^2  and a line takes
 * at most 3/8 of L0 at every resource. Machines do, by far (64 bytes in 37 ns are 1.7 GB/s). Where one does not, o_k
 * are made smaller until it does: such a machine is a bottleneck with one request in flight, which M/D/1 is no model of
 * in the first place.
 */
#include "rate_private.h"

#include <math.h>

static const double most_idle = 3.0 / 16, most_line = 3.0 / 8;

/* The lines of all demands of a resource come with the same request. */
static void sum_lines(const struct placement *p, double *sum)
{
    for (unsigned d = 0; d < p->nr_demands; d++)
        sum[p->demand[d].resource] = 0;
    for (unsigned d = 0; d < p->nr_demands; d++)
        sum[p->demand[d].resource] += p->demand[d].own;
}

void wait_place(struct rate_model *r, struct placement *p)
{
    double lat = p->idle_lat_ns, longest = 0, idle = 0;
    sum_lines(p, r->own);
    for (unsigned d = 0; d < p->nr_demands; d++) {
        struct demand *x = &p->demand[d];
        const struct resource *k = &r->resource[x->resource];
        double line = r->own[x->resource] / k->lines_per_ns;
        longest = line > longest ? line : longest;
        x->own = x->part * line;
        idle += x->own * k->service_ns / 2;
    }
    double less = idle > most_idle * lat * lat ? most_idle * lat * lat / idle : 1;
    less = longest * less > most_line * lat ? most_line * lat / longest : less;
    for (unsigned d = 0; d < p->nr_demands; d++)
        p->demand[d].own *= less;
    p->own_idle = idle * less;
}

void wait_set(struct slot *s, const double *w)
{
    const struct placement *p = s->place;
    double lat = p->idle_lat_ns, own = p->own_idle;
    for (unsigned d = 0; d < p->nr_demands; d++) {
        lat += p->demand[d].part * w[p->demand[d].resource];
        own += p->demand[d].own * w[p->demand[d].resource];
    }
    double b = s->core_ns + s->hidden_ns + s->stall_ns * lat, e = s->stall_ns * s->stall_ns * own;
    double square = b * b - 4 * e, root = square > 0 ? sqrt(square) : 0, tau = (b + root) / 2;
    double per = 1 / (root > 0 ? tau * root : tau * tau); /* one division for what has two */
    s->request = s->stall_ns * per * (root > 0 ? root : tau);
    s->own_ns = s->request * own;
    s->lat_ns = lat - s->own_ns;
    s->m = s->hidden_ns + s->stall_ns * s->lat_ns;
    s->follow = tau * tau * per; /* 1 - e / tau^2 = root / tau */
}
