/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "boot.h"

#include <hv/event_channel.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/sched.h>

/* Control belongs to dom0, and at boot to the hypervisor itself. */
static bool caller_is_privileged(void)
{
    const struct domain *d = sched_current(port_this_cpu())->domain;
    return d->id.n == 0 || d->is_idle;
}

long hv_hypercall(enum hv_hypercall nr, void *arg)
{
    port_count(PERFC_hypercall, 1);
    switch (nr) {
    case HYPERCALL_sched_op:
        return do_sched_op(arg);
    case HYPERCALL_set_timer_op:
        return do_set_timer_op(arg);
    case HYPERCALL_memory_op:
        return do_memory_op(arg);
    case HYPERCALL_domctl:
        return caller_is_privileged() ? do_domctl(arg) : -HV_EPERM;
    case HYPERCALL_sysctl:
        return caller_is_privileged() ? do_sysctl(arg) : -HV_EPERM;
    case HYPERCALL_event_channel_op:
        return do_event_channel_op(arg);
    case HYPERCALL_NR:
        break;
    }
    return -HV_ENOSYS;
}
