/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the suites of credit2 share, beside sched_fixture.h. */
#ifndef CREDIT2_FIXTURE_H
#define CREDIT2_FIXTURE_H

#include "sched/credit2.h"
#include "sched_fixture.h"

/* One node, one socket. */
#define C2_MACHINE(cores) ((struct tp_machine){1, 1, cores, 1, 65536})

#define c2_pool credit2_pool_of(&cpupool_find(0)->sched)

/* Boot description with credit2; the caller may change more options before c2_boot_info. */
static inline struct hv_boot_info *c2_info(struct tp_machine m, const char *level)
{
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find(level));
    info->opt = (struct hv_options)HV_OPTIONS_DEFAULT;
    info->opt.sched = "credit2";
    return info;
}

static inline void c2_boot_info(const struct hv_boot_info *info)
{
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    CU_ASSERT_EQUAL_FATAL(cpupool_find(0)->sched.policy->id, XEN_SCHEDULER_CREDIT2);
}

static inline void c2_boot(struct tp_machine m, const char *level)
{
    c2_boot_info(c2_info(m, level));
}

static inline struct credit2_unit *c2_unit(const struct domain *d, unsigned n)
{
    return credit2_unit_of(d->vcpu[n]->unit);
}

static inline struct credit2_dom *c2_dom(const struct domain *d)
{
    return d->sched_priv;
}

/* A started domain of n burners. */
static inline struct domain *c2_burners(unsigned n)
{
    struct domain *d = fx_domain(n);
    fx_start(d);
    return d;
}

/* Everybody who has something to do does it. */
static inline void c2_settle(void)
{
    tp_settle(0);
    tp_settle_all();
}

/* ns that the vCPUs of d have run. */
static inline s_time_t c2_cpu_time(const struct domain *d)
{
    s_time_t sum = 0, t[RUNSTATE_NR];
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        hv_core_get()->vcpu_runstate(d->vcpu[i], t);
        sum += t[RUNSTATE_running];
    }
    return sum;
}

/* All invariants, and work conservation: a run queue's pCPUs do not idle beyond the rate limit while it has work. */
static inline void c2_check(void)
{
    fx_check();
    const char *broken = hv_core_get()->check_work_conserving(MICROSECS(100)); /* timer slop, IPIs */
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        CU_FAIL_FATAL("work was not conserved");
    }
}

#endif
