/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <models/queueing.h>

double queueing_wait_ns(double rho, double service_ns)
{
    if (rho <= QUEUE_KNEE)
        return rho * service_ns / (2 * (1 - rho));
    const double free = 1 - QUEUE_KNEE;
    /* value and slope at the knee: rho/(2(1-rho)) and 1/(2(1-rho)^2), in units of the service time */
    return service_ns * (QUEUE_KNEE / (2 * free) + (rho - QUEUE_KNEE) / (2 * free * free));
}
