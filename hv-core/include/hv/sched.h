/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scheduler as the rest of the core sees it. Policies include hv-core/sched/private.h instead. */
#ifndef HV_SCHED_H
#define HV_SCHED_H

#include <hv/boot.h>
#include <hv/domain.h>

/* Choose the policy and make its instance. Unknown name: the first usable one, with a message. 0 or -HV_E*. */
int scheduler_init(const struct hv_options *opt);
/* Per-pCPU data, schedule lock, idle vCPU of pCPU c (called for each at boot). 0 or -HV_E*. */
int sched_cpu_init(pcpu_id c);
/* On the pCPU itself: arm what must tick, become idle. */
void sched_cpu_start(void);

int sched_init_domain(struct domain *d);
void sched_destroy_domain(struct domain *d);
int sched_init_vcpu(struct vcpu *v);
void sched_destroy_vcpu(struct vcpu *v);
/* Where vCPU n of d starts (xen-behaviour: initial placement of 4.3). */
pcpu_id sched_initial_cpu(const struct domain *d, unsigned n);

void vcpu_wake(struct vcpu *v);
void vcpu_sleep_nosync(struct vcpu *v);
void vcpu_sleep_sync(struct vcpu *v);
void vcpu_unblock(struct vcpu *v);
void vcpu_pause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
/* -HV_EINVAL: no online pCPU in the mask. Always forces a new placement decision. */
int vcpu_set_affinity(struct vcpu *v, const cpumask_t *mask);
void vcpu_runstate_get(const struct vcpu *v, s_time_t time[RUNSTATE_NR]);

/* Of the calling vCPU. */
long do_sched_op(const struct hv_sched_op *op);
long do_set_timer_op(const struct hv_set_timer_op *op);

/* Parameters of a domain / of the pool: what XEN_DOMCTL_scheduler_op and its sysctl do. */
int sched_adjust(struct domain *d, struct hv_domctl *op);
int sched_adjust_global(struct hv_sysctl *op);
void sched_set_node_affinity(struct domain *d);

struct vcpu *sched_current(pcpu_id c);
/* No pCPU is inside the core (common/core.c). */
bool hv_quiescent(void);
/* Invariants (runqueues, runstates, affinities); NULL or the text of the violation. */
const char *sched_check(void);

#endif
