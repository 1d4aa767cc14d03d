/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <models/queueing.h>

double queueing_wait_ns(double rho, double service_ns)
{
    return rho * service_ns / (2 * (1 - rho));
}

double queueing_rho(double wait_ns, double service_ns)
{
    return 2 * wait_ns / (service_ns + 2 * wait_ns);
}

double queueing_rho_slope(double wait_ns, double service_ns)
{
    double d = service_ns + 2 * wait_ns;
    return 2 * service_ns / (d * d);
}
