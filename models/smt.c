/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that share a core. Thread i needs, per instruction,
 *
 *   t_i = c_i (1 + s_i sum of u_j over its siblings j) + m_i          ns
 *   u_i = 1 - m_i / t_i                                               part of its time in which it wants to issue
 *
 * c_i is its core-bound time with the core to itself, m_i its stalls: a thread that waits for memory leaves the issue
 * slots to its sibling (Tullsen, Eggers, Levy, ISCA 1995), and s_i says how much it loses while the sibling does want
 * them. s_i is the one parameter of SMT that a program is calibrated with.
 *
 * One thread: t = c + m. n threads that are alike have one u, with b = c s (n - 1):
 *
 *   b u^2 + (c + m - b) u - c = 0
 *
 * Two threads: each u is a Moebius map of the other's, so the pair ends in a quadratic too. Both have exactly one root
 * in (0, 1], as the value at 0 is -c < 0 and at 1 it is m >= 0. More than two different threads: u_i grows with every
 * u_j and is concave in them, so iterating from u = 1 falls monotonely to the only fixed point.
 */
#include "rate_private.h"

#include <math.h>

/* The positive root of a x^2 + b x - c = 0 with a >= 0, c > 0, in the form that cancels nothing; *slope = 2 a x + b. */
static double positive_root(double a, double b, double c, double *slope)
{
    double d = sqrt(b * b + 4 * a * c);
    *slope = d;
    return b >= 0 ? 2 * c / (b + d) : (d - b) / (2 * a);
}

static void solve_alike(unsigned n, const struct smt_thread *t, double *time, double *gain)
{
    double c = t->core_ns, m = t->m, b = c * t->s * (n - 1), d;
    double u = positive_root(b, c + m - b, c, &d);
    time[0] = c + b * u + m;
    if (gain)
        gain[0] = 1 - b * u / d; /* dt/dm = 1 + b du/dm */
}

static void solve_two(const struct smt_thread *t, double *time, double *gain)
{
    double c0 = t[0].core_ns, c1 = t[1].core_ns, b0 = c0 * t[0].s, b1 = c1 * t[1].s;
    double d0 = c0 + t[0].m, d1 = c1 + t[1].m;
    /* u1 = (c1 + b1 u0) / (d1 + b1 u0), put into u0 = (c0 + b0 u1) / (d0 + b0 u1) */
    double slope;
    double u0 = positive_root(b1 * (d0 + b0), d0 * d1 + b0 * c1 - b1 * (c0 + b0), c0 * d1 + b0 * c1, &slope);
    double u1 = (c1 + b1 * u0) / (d1 + b1 * u0);
    time[0] = d0 + b0 * u1;
    time[1] = d1 + b1 * u0;
    if (!gain)
        return;
    /* du_j = m_j / t_j^2 dt_j - dm_j / t_j */
    double i0 = 1 / time[0], i1 = 1 / time[1];
    double e0 = b1 * t[0].m * i0 * i0, e1 = b0 * t[1].m * i1 * i1; /* dt1 / dt0 and dt0 / dt1 through u */
    double f0 = b1 * i0, f1 = b0 * i1;                             /* - dt1 / dm0 and - dt0 / dm1 through u */
    double det = 1 / (1 - e0 * e1);
    gain[0] = (1 - e1 * f0) * det;
    gain[1] = (e1 - f1) * det;
    gain[2] = (e0 - f0) * det;
    gain[3] = (1 - e0 * f1) * det;
}

static double sum_of_others(unsigned n, const double *u, unsigned i)
{
    double sum = 0;
    for (unsigned j = 0; j < n; j++)
        sum += j == i ? 0 : u[j];
    return sum;
}

enum { MAX_ROUNDS = 2000 };
static const double settled = 1e-15; /* change of u at which rounds end */

static void solve_many(unsigned n, const struct smt_thread *t, double *time, double *gain)
{
    double u[MAX_THREADS_PER_CORE], a[MAX_THREADS_PER_CORE * MAX_THREADS_PER_CORE];
    for (unsigned i = 0; i < n; i++)
        u[i] = 1;
    double change = 1;
    for (unsigned k = 0; k < MAX_ROUNDS && change > settled; k++) {
        change = 0;
        for (unsigned i = 0; i < n; i++) {
            time[i] = t[i].core_ns * (1 + t[i].s * sum_of_others(n, u, i)) + t[i].m;
            double now = 1 - t[i].m / time[i];
            change = u[i] - now > change ? u[i] - now : change;
            u[i] = now;
        }
    }
    if (!gain)
        return;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < n; j++) {
            double b = t[i].core_ns * t[i].s;
            a[i * n + j] = i == j ? 1 : -b * t[j].m / (time[j] * time[j]);
            gain[i * n + j] = i == j ? 1 : -b / time[j];
        }
    linear_solve(n, a, n, gain);
}

void smt_solve(unsigned n, bool same, const struct smt_thread *t, double *time, double *gain)
{
    if (n == 1) {
        time[0] = t->core_ns + t->m;
        if (gain)
            gain[0] = 1;
    } else if (same) {
        solve_alike(n, t, time, gain);
    } else if (n == 2) {
        solve_two(t, time, gain);
    } else {
        solve_many(n, t, time, gain);
    }
}
