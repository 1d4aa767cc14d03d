/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On x86 Xen compares the clocks of all pCPUs once a second: pCPU 0 calls the others, idle ones as well. The comparison
 * is left out here. What matters is that each pCPU is interrupted and looks at its softirqs: an event check that got
 * lost goes unnoticed for a second at most. ARM has nothing of the kind.
 */
#include "boot.h"

#include <hv/numa.h>
#include <hv/timer.h>

#define EPOCH MILLISECS(1000)

static struct timer calibration_timer;

static void calibrate(void *unused)
{
    pcpu_id c, self = port_this_cpu();

    for_each_cpu (c, &hv_cpu_online) {
        if (!pcpu_eq(c, self))
            port_ipi_send(c);
    }
    timer_set(&calibration_timer, port_now() + EPOCH);
}

void calibration_init(const struct hv_options *opt)
{
    timer_init(&calibration_timer, calibrate, NULL, pcpu(0));
    if (opt->time_calibration)
        timer_set(&calibration_timer, port_now() + EPOCH);
}
