/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit: its invariants (credit.h). */
#include "credit.h"

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "credit: " #cond;                                                                                   \
    } while (0)

const char *credit_check_vcpu(const struct vcpu *v, bool quiescent)
{
    const struct credit_vcpu *cv = credit_vcpu_of(v);

    CHECK(cv->vcpu == v);
    CHECK(cv->residual < 1000000);
    if (is_idle_vcpu(v)) {
        CHECK(!cv->dom && list_empty(&cv->active_elem));
        CHECK(cv->pri == PRI_IDLE || cv->pri == PRI_BOOST);
    } else {
        CHECK(cv->dom == credit_dom_of(v->domain));
        CHECK(cv->pri == PRI_BOOST || cv->pri == PRI_UNDER || cv->pri == PRI_OVER);
        CHECK(!credit_flag_test(cv, CREDIT_PARKED) || v->pause_count > 0);
    }
    if (quiescent) {
        bool current = curr_on_cpu(v->processor) == v;
        CHECK(credit_queued(cv) == (vcpu_runnable(v) && !current));
    }
    return NULL;
}

static const char *check_queue(pcpu_id c)
{
    const struct credit_pool *p = &credit_pool;
    struct credit_pcpu *cp = credit_pcpu_of(c);
    const struct sched_pcpu *sd = &sched_pcpu[c.n];
    struct list_head *pos;
    bool idle_seen = false;

    list_for_each (pos, &cp->runq) {
        const struct credit_vcpu *cv = runq_entry(pos);
        CHECK(pos->next->prev == pos);
        CHECK(pcpu_eq(cv->vcpu->processor, c));
        CHECK(!idle_seen); /* idle is last */
        idle_seen = is_idle_vcpu(cv->vcpu);
    }
    CHECK(idle_seen == !is_idle_vcpu(sd->curr));
    if (cpumask_test(&p->idlers, c))
        CHECK(is_idle_vcpu(sd->curr));
    else
        CHECK(!quirk(credit_tickle_stale_idlers) || !cpumask_test(&p->cpus, c) || !is_idle_vcpu(sd->curr));
    return NULL;
}

const char *credit_check(bool quiescent)
{
    const struct credit_pool *p = &credit_pool;
    struct list_head *pos, *vpos;
    uint32_t weight = 0;
    const char *broken;

    if (!quiescent)
        return NULL;
    list_for_each (pos, &p->active_dom) {
        const struct credit_dom *cd = list_entry(pos, struct credit_dom, active_elem);
        uint32_t n = 0;
        list_for_each (vpos, &cd->active_vcpu) {
            CHECK(list_entry(vpos, struct credit_vcpu, active_elem)->dom == cd);
            n++;
        }
        CHECK(n > 0 && n == cd->active_count);
        weight += cd->weight * n;
    }
    CHECK(weight == p->weight);
    CHECK(p->ncpus == cpumask_weight(&p->cpus));
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        if ((broken = check_queue(pcpu(c))) != NULL)
            return broken;
    return NULL;
}
