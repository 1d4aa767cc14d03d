/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the framework; policies do not include this. Wrappers that tolerate absent hooks. */
#ifndef SCHED_FRAMEWORK_H
#define SCHED_FRAMEWORK_H

#include "private.h"

/* Schedule lock of v->processor held. */
void runstate_change(struct vcpu *v, enum runstate to, s_time_t now);
void vcpu_migrate(struct vcpu *v);

static inline void policy_sleep(struct vcpu *v)
{
    if (sched_policy->sleep)
        sched_policy->sleep(v);
}
static inline void policy_wake(struct vcpu *v)
{
    if (sched_policy->wake)
        sched_policy->wake(v);
}
static inline void policy_yield(struct vcpu *v)
{
    if (sched_policy->yield)
        sched_policy->yield(v);
}
static inline pcpu_id policy_pick_cpu(struct vcpu *v)
{
    return sched_policy->pick_cpu(v);
}
/* false: the policy has no opinion, and the caller sets v->processor. */
static inline bool policy_migrate(struct vcpu *v, pcpu_id to)
{
    if (!sched_policy->migrate)
        return false;
    sched_policy->migrate(v, to);
    return true;
}
static inline void policy_context_saved(struct vcpu *prev)
{
    if (sched_policy->context_saved)
        sched_policy->context_saved(prev);
}

#endif
