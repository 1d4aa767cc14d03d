/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delay of a request at a busy resource (a node's memory controllers, a link).
 *
 * M/D/1 (Pollaczek-Khinchine with constant service): the mean wait is rho * S / (2 (1 - rho)), S the service time and
 * rho the part of the capacity in use. S is not a line's time on the bus but the time that the request holds its bank,
 * which is why latency rises well before the bus is full. Turned around, rho = 2 W / (S + 2 W) is below 1 for every
 * wait W: that is the form that the solver uses (rate_solver.c), and why nothing ever carries more than its capacity.
 */
#ifndef MODELS_QUEUEING_H
#define MODELS_QUEUEING_H

#ifdef __cplusplus
extern "C" {
#endif

/* ns of waiting; 0 <= rho < 1, service_ns > 0. */
double queueing_wait_ns(double rho, double service_ns);
/* The utilisation at which that wait comes about; wait_ns > - service_ns / 2. */
double queueing_rho(double wait_ns, double service_ns);
/* Its derivative, per ns. */
double queueing_rho_slope(double wait_ns, double service_ns);

#ifdef __cplusplus
}
#endif

#endif
