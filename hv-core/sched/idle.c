/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler of the pCPUs that are in no cpupool: they idle. Every pCPU begins here, and passes through here from
 * one pool to another. (4.3 left such pCPUs to the default scheduler, which had nothing for them to do.)
 */
#include "framework.h"

static int idle_init(struct scheduler *s, const struct hv_options *opt)
{
    return 0;
}

static pcpu_id idle_pick_cpu(struct scheduler *s, struct sched_unit *u)
{
    return u->processor;
}

static struct sched_slice idle_schedule(struct scheduler *s, pcpu_id c, s_time_t now, bool tasklet_pending)
{
    return (struct sched_slice){.task = idle_unit_on_cpu(c), .time = -1};
}

static bool idle_is_queued(struct scheduler *s, const struct sched_unit *u)
{
    return false;
}

const struct sched_policy idle_policy = {
    .name = "Idle Scheduler",
    .opt_name = "idle",
    .init = idle_init,
    .pick_cpu = idle_pick_cpu,
    .do_schedule = idle_schedule,
    .is_queued = idle_is_queued,
};

struct scheduler idle_scheduler = {.policy = &idle_policy};
