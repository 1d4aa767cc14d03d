/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scheduler as the rest of the core sees it. Policies include hv-core/sched/private.h instead. */
#ifndef HV_SCHED_H
#define HV_SCHED_H

#include <hv/boot.h>
#include <hv/domain.h>

/* Softirqs, the scheduler of the free pCPUs, pool 0 with the scheduler of the command line. Unknown name: the first
 * usable one, with a message. 0 or -HV_E*. */
int scheduler_init(const struct hv_options *opt);
/* Schedule lock, resource of pCPU c (called for each at boot, before its idle vCPU is made). */
void sched_cpu_init(pcpu_id c);
/* On the pCPU itself, idle: join pool 0. */
void sched_cpu_start(void);

/* Into pool p (NULL: the idle domain). */
int sched_init_domain(struct domain *d, struct cpupool *p);
void sched_destroy_domain(struct domain *d);
int sched_init_vcpu(struct vcpu *v);
void sched_destroy_vcpu(struct vcpu *v);
/* d to another pool, which has pCPUs: all affinities become "all". The caller's own domain cannot. 0 or -HV_ENOMEM. */
int sched_move_domain(struct domain *d, struct cpupool *p);
/* Where vCPU n of d starts (sched/placement.c). */
pcpu_id sched_initial_cpu(const struct domain *d, unsigned n);

void vcpu_wake(struct vcpu *v);
void vcpu_sleep_nosync(struct vcpu *v);
void vcpu_sleep_sync(struct vcpu *v);
void vcpu_unblock(struct vcpu *v);
void vcpu_pause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
/* hard, soft: NULL: as it is. Errors as XEN_DOMCTL_setvcpuaffinity. Always forces a new placement decision. */
int vcpu_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft);
void vcpu_runstate_get(const struct vcpu *v, s_time_t time[RUNSTATE_NR]);

/* Of the calling vCPU. */
long do_sched_op(const struct hv_sched_op *op);
long do_set_timer_op(const struct hv_set_timer_op *op);

/* Parameters of a domain / of the pool: what XEN_DOMCTL_scheduler_op and its sysctl do. */
int sched_adjust(struct domain *d, struct hv_domctl *op);
int sched_adjust_global(struct hv_sysctl *op);
void sched_set_node_affinity(struct domain *d);

struct hv_sched_info;
/* hv_core.scheduler. */
bool sched_info(const struct hv_profile *level, unsigned i, struct hv_sched_info *out);
/* The scheduler of pool 0, by number and by the word after sched=. */
void sched_default(unsigned *id, char *name, size_t n);

struct vcpu *sched_current(pcpu_id c);
/* No pCPU is inside the core (common/core.c). */
bool hv_quiescent(void);
/* Invariants (runqueues, runstates, affinities, pools); NULL or the text of the violation. */
const char *sched_check(void);
/*
 * Work conservation: NULL, or that a pCPU idles while a vCPU that may run there has waited for longer than its
 * scheduler's rule plus slack ns. Only when hv_quiescent().
 */
const char *sched_check_work_conserving(s_time_t slack);
/* Debug key 'r': all pools and their run queues, to the console. */
void sched_dump(void);

#endif
