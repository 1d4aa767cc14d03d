/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delay of a request at a busy resource (a node's memory controllers, a link).
 *
 * M/D/1 (Pollaczek-Khinchine with constant service): the mean wait is rho * S / (2 (1 - rho)), S the service time and
 * rho the part of the capacity in use. S is not a line's time on the bus but the time that the request holds its bank,
 * which is why latency rises well before the bus is full.
 *
 * Near saturation the formula has a pole. From rho = QUEUE_KNEE on it goes on along its tangent, which keeps it finite,
 * monotone and smooth, while the wait there is already so long that throughput stays at the capacity (rate.c enforces
 * it).
 */
#ifndef MODELS_QUEUEING_H
#define MODELS_QUEUEING_H

#define QUEUE_KNEE 0.98

#ifdef __cplusplus
extern "C" {
#endif

/* ns of waiting; rho >= 0, service_ns > 0. */
double queueing_wait_ns(double rho, double service_ns);

#ifdef __cplusplus
}
#endif

#endif
