/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scheduler suites share: machines, domains with vCPUs, and a check after each step. */
#ifndef SCHED_FIXTURE_H
#define SCHED_FIXTURE_H

#include "port_test.h"
#include "sched/credit.h"
#include <cunit_main.h>
#include <stdio.h>

/* The credit instance of pool 0. */
#define fx_pool credit_pool_of(&cpupool_find(0)->sched)

/* Two nodes of one socket each. */
#define MACHINE_1 ((struct tp_machine){1, 1, 1, 1, 65536})
#define MACHINE_2 ((struct tp_machine){1, 1, 2, 1, 65536})
#define MACHINE_4 ((struct tp_machine){1, 1, 4, 1, 65536})
#define MACHINE_2x2 ((struct tp_machine){2, 1, 2, 1, 65536})
#define MACHINE_2x4x2 ((struct tp_machine){2, 1, 4, 2, 65536})

static inline void fx_boot_level(struct tp_machine m, const char *level)
{
    CU_ASSERT_EQUAL_FATAL(tp_boot(hv_core_get(), &m, hv_profile_find(level)), 0);
}

/* With a scheduler other than credit, and timers that are late by nothing but the port's 1 ns. */
static inline void fx_boot_sched(struct tp_machine m, const char *level, const char *sched)
{
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find(level));
    info->opt.sched = sched;
    info->opt.timer_slop = 0;
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
}

static inline void fx_boot(struct tp_machine m)
{
    fx_boot_level(m, "xen-4.3");
}

/* A domain with n vCPUs, paused by the controller, all vCPUs down. */
static inline struct domain *fx_domain(unsigned n)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_createdomain, .domid = DOM_INVALID};
    CU_ASSERT_EQUAL_FATAL(do_domctl(&op), 0);
    op.cmd = XEN_DOMCTL_max_vcpus;
    op.u.max_vcpus.max = n;
    CU_ASSERT_EQUAL_FATAL(do_domctl(&op), 0);
    return domain_find(op.domid);
}

static inline long fx_op(struct domain *d, enum hv_domctl_cmd cmd)
{
    struct hv_domctl op = {.cmd = cmd, .domid = d->id};
    op.u.max_vcpus.max = d->max_vcpus;
    return do_domctl(&op);
}

/* Online and unpaused: its vCPUs are runnable and queued. */
static inline void fx_start(struct domain *d)
{
    CU_ASSERT_EQUAL_FATAL(fx_op(d, XEN_DOMCTL_online_vcpus), 0);
    CU_ASSERT_EQUAL_FATAL(fx_op(d, XEN_DOMCTL_unpausedomain), 0);
}

static inline long fx_params(struct domain *d, uint32_t weight, uint32_t cap)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_scheduler_op, .domid = d->id};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.weight = weight;
    op.u.scheduler_op.cap = cap;
    return do_domctl(&op);
}

static inline cpumask_t fx_mask(unsigned first, unsigned last)
{
    cpumask_t m = {{0}};
    for (unsigned c = first; c <= last; c++)
        cpumask_set(&m, pcpu(c));
    return m;
}

static inline void fx_pin(struct vcpu *v, unsigned first, unsigned last)
{
    cpumask_t m = fx_mask(first, last);
    CU_ASSERT_EQUAL_FATAL(vcpu_set_affinity(v, &m, NULL), 0);
}

static inline struct credit_unit *fx_cv(struct domain *d, unsigned n)
{
    return credit_unit_of(d->vcpu[n]->unit);
}

/* All pCPUs have done what they were told; pCPU 0 is the one that calls. */
static inline void fx_settle(void)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        tp_settle(c);
    tp_settle_all();
    tp_set_cpu(0);
}

/* For how long vCPU n of d has run. */
static inline s_time_t fx_ran(const struct domain *d, unsigned n)
{
    s_time_t t[RUNSTATE_NR];
    tp_set_cpu(0);
    hv_core_get()->vcpu_runstate(d->vcpu[n], t);
    return t[RUNSTATE_running];
}

static inline void fx_check_near(s_time_t is, s_time_t ought, s_time_t tolerance)
{
    if (is < ought - tolerance || is > ought + tolerance)
        fprintf(stderr, "%lld ns instead of %lld +- %lld\n", (long long)is, (long long)ought, (long long)tolerance);
    CU_ASSERT_TRUE(is >= ought - tolerance && is <= ought + tolerance);
}

static inline void fx_check(void)
{
    const char *broken = hv_core_get()->check();
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        CU_FAIL_FATAL("an invariant broke");
    }
}

#endif
