/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cpupools: disjoint sets of pCPUs, each with a scheduler instance of its own. Pool 0 has every pCPU at boot, and dom0
 * for ever. A pCPU of no pool is idle. Changes are made under the sysctl lock.
 *
 * A pool schedules on resources of 1 pCPU, or (core scheduling) of all pCPUs of a core or a socket. The lowest pCPU of
 * a resource, its master, stands for it: masks that schedulers see hold masters only.
 */
#ifndef HV_CPUPOOL_H
#define HV_CPUPOOL_H

#include <hv/boot.h>
#include <hv/domain.h>

struct sched_policy;
struct cpupool;

/* An instance of a policy. */
struct scheduler {
    const struct sched_policy *policy;
    struct cpupool *pool; /* NULL: that of the free pCPUs */
    void *priv;           /* the policy's */
};

struct cpupool {
    struct list_head link; /* all pools, ascending id */
    unsigned id;
    unsigned nr_domains;
    enum hv_sched_gran gran;
    unsigned granularity; /* pCPUs a resource, 0 until the pool has had one */
    cpumask_t cpus;       /* its pCPUs */
    cpumask_t res;        /* their masters */
    struct scheduler sched;
};

extern struct list_head hv_cpupool_list;
extern cpumask_t hv_cpupool_free; /* online, in no pool */

struct cpupool *cpupool_find(unsigned id);
/* At boot: pool 0, empty, with the scheduler of the command line. */
int cpupool0_init(const struct hv_options *opt);
/* This pCPU, which is idle and has come up, joins pool 0. */
int cpupool0_add_this_cpu(void);

/* What XEN_SYSCTL_cpupool_op and XEN_SYSCTL_cpu_hotplug do (hv/public/hypercall.h says with which errors). */
long cpupool_do_sysctl(struct hv_sysctl *op);
long cpu_hotplug_do_sysctl(struct hv_sysctl *op);

/* The invariants: pools are disjoint, domains counted, resources whole. NULL or the violation. */
const char *cpupool_check(void);

#endif
