/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Invariants of the scheduler, for tests and for the end of a run. */
#include "framework.h"

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "sched: " #cond;                                                                                    \
    } while (0)

static const char *check_vcpu(const struct vcpu *v, bool quiescent)
{
    s_time_t sum = 0;
    for (unsigned i = 0; i < RUNSTATE_NR; i++) {
        CHECK(v->runstate_time[i] >= 0);
        sum += v->runstate_time[i];
    }
    CHECK(sum == v->runstate_entry - v->created);
    CHECK(v->processor.n < hv_nr_cpus);
    CHECK(cpumask_subset(&v->hard_affinity, &hv_cpu_online));
    if (quiescent) {
        bool current = curr_on_cpu(v->processor) == v;
        CHECK((v->runstate == RUNSTATE_running) == current);
        CHECK(v->is_running == current);
        CHECK(current || (v->runstate == RUNSTATE_runnable) == vcpu_runnable(v));
        CHECK(current || v->runstate != RUNSTATE_blocked || vcpu_flag_test(v, VPF_blocked));
        CHECK(current || !vcpu_flag_test(v, VPF_migrating));
        CHECK(!vcpu_runnable(v) || cpumask_test(&v->hard_affinity, v->processor));
    }
    return sched_policy->check_vcpu ? sched_policy->check_vcpu(v, quiescent) : NULL;
}

static const char *check_pcpu(pcpu_id c, bool quiescent)
{
    const struct sched_pcpu *sd = &sched_pcpu[c.n];

    CHECK(sd->curr && sd->idle);
    CHECK(is_idle_vcpu(sd->idle));
    CHECK(pcpu_eq(sd->idle->processor, c));
    if (quiescent) {
        CHECK(pcpu_eq(sd->curr->processor, c));
        CHECK(!sd->switching);
    }
    return check_vcpu(sd->idle, quiescent);
}

const char *sched_check(void)
{
    bool quiescent = hv_quiescent();
    const char *broken;
    struct list_head *pos;
    struct vcpu *v;
    unsigned i;

    for (unsigned c = 0; c < hv_nr_cpus; c++)
        if ((broken = check_pcpu(pcpu(c), quiescent)) != NULL)
            return broken;
    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        for_each_vcpu(d, v, i)
        {
            if ((broken = check_vcpu(v, quiescent)) != NULL)
                return broken;
        }
    }
    return sched_policy->check ? sched_policy->check(quiescent) : NULL;
}
