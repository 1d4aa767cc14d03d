/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two steps in which schedulers look for a place: first within the soft affinity, if that makes a difference, then
 * within the hard affinity alone. Both within the pool's resources.
 */
#ifndef SCHED_AFFINITY_H
#define SCHED_AFFINITY_H

#include "private.h"

enum affinity_step { BALANCE_SOFT, BALANCE_HARD, BALANCE_NR };

/* soft & hard is not empty, and hard is not within soft. Kept in u->soft_effective at every change. */
static inline bool affinity_soft_is_effective(const cpumask_t *hard, const cpumask_t *soft)
{
    return cpumask_intersects(soft, hard) && !cpumask_subset(hard, soft);
}

/* Does the step BALANCE_SOFT make a difference to u? */
static inline bool has_soft_affinity(const struct sched_unit *u)
{
    return u->soft_effective && !cpumask_subset(unit_pool_res(u), &u->soft);
}

/* The resources that u may use in this step; never empty as long as its hard affinity meets its pool. */
static inline void affinity_mask(const struct sched_unit *u, enum affinity_step step, cpumask_t *mask)
{
    cpumask_and(mask, &u->hard, unit_pool_res(u));
    if (step == BALANCE_SOFT && cpumask_intersects(mask, &u->soft))
        cpumask_and(mask, mask, &u->soft);
}

#endif
