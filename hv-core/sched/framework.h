/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the framework; policies do not include this. Wrappers that tolerate absent hooks. */
#ifndef SCHED_FRAMEWORK_H
#define SCHED_FRAMEWORK_H

#include "private.h"

/* ---- vcpu.c, schedule.c ---- */
void vcpu_singleshot_fired(void *vcpu);
void sched_open_softirqs(void);
/* Schedule lock of v's unit held. */
void vcpu_sleep_locked(struct vcpu *v);
void runstate_change(struct vcpu *v, enum runstate to, s_time_t now);

/* ---- migrate.c ---- */
/* u is flagged as migrating and was asked to sleep. No-op if it still runs: its switch calls this again. */
void unit_migrate(struct sched_unit *u);
/*
 * Resource c leaves the pool, whose masks have it no more: send its units away; those whose hard affinity holds nothing
 * of the pool any more get "all", for good. False: some still run there, and go with their next switch.
 */
bool sched_evacuate(struct cpupool *p, pcpu_id c);

/* ---- unit.c ---- */
/* Take v into a unit of its domain (a new one where need be); 0 or -HV_ENOMEM. */
int unit_add_vcpu(struct vcpu *v, unsigned granularity);
/* Take v out of its unit again; the unit goes with its last vCPU. */
void unit_remove_vcpu(struct vcpu *v);

/* ---- switch.c: pCPUs change hands ---- */
/* The pCPUs, which are free, become one resource of a pool's scheduler. 0 or -HV_ENOMEM with nothing changed. */
int sched_give_cpus(struct scheduler *to, const cpumask_t *cpus);
/* The resource, which runs idle, is free again, as single pCPUs. False: its pCPUs are meeting, try again. */
bool sched_take_cpus(pcpu_id master);
extern struct scheduler idle_scheduler;

void sched_locks_reset(void);
void cpupools_reset(void);

const struct sched_policy *sched_policy_by_id(unsigned id);
const struct sched_policy *sched_policy_by_name(const char *opt_name);

/* The credit2 of 4.3: units may be anywhere in their pool, whatever their hard affinity. */
static inline bool policy_ignores_affinity(const struct scheduler *s)
{
    return quirk(credit2_no_affinity) && s->policy->id == XEN_SCHEDULER_CREDIT2;
}

#define HOOK(s, hook, ...)                                                                                             \
    do {                                                                                                               \
        if ((s)->policy->hook)                                                                                         \
            (s)->policy->hook((s), __VA_ARGS__);                                                                       \
    } while (0)

#endif
