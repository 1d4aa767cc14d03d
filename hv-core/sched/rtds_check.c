/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTDS: its invariants (rtds.h), and what debug key 'r' prints. */
#include "rtds.h"

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "rtds: " #cond;                                                                                     \
    } while (0)

const char *rtds_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent)
{
    const struct rtds_unit *ru = rtds_unit_of(u);

    if (is_idle_unit(u)) {
        CHECK(!ru);
        return NULL;
    }
    CHECK(ru->unit == u);
    CHECK(ru->period >= RTDS_MIN_PERIOD && ru->budget >= RTDS_MIN_BUDGET && ru->budget <= ru->period);
    CHECK(ru->cur_budget >= 0 && ru->cur_budget <= ru->filled);
    if (!quiescent)
        return NULL;
    bool current = curr_on_cpu(u->processor) == u;
    CHECK(rtds_queued(ru) == (unit_runnable(u) && !current));
    CHECK(rtds_on_replq(ru) == (rtds_queued(ru) || current));
    CHECK(ru->scheduled == current && !ru->delayed_add);
    CHECK(!current || cpumask_test(&rtds_pool_of(s)->cpus, u->processor));
    return NULL;
}

static const char *check_queues(struct rtds_pool *p)
{
    const struct rtds_unit *before = NULL;
    struct list_head *pos;

    list_for_each (pos, &p->runq) {
        const struct rtds_unit *ru = rtds_q_entry(pos);
        CHECK(pos->next->prev == pos);
        CHECK(rtds_may_run(ru) && ru->cur_budget > 0);
        CHECK(!before || !rtds_before(ru, before));
        before = ru;
    }
    list_for_each (pos, &p->depletedq) {
        const struct rtds_unit *ru = rtds_q_entry(pos);
        CHECK(pos->next->prev == pos);
        CHECK(ru->cur_budget == 0 && !ru->extratime);
    }
    before = NULL;
    list_for_each (pos, &p->replq) {
        const struct rtds_unit *ru = rtds_replq_entry(pos);
        CHECK(pos->next->prev == pos);
        CHECK(!before || quirk(rtds_replq_by_level) || before->cur_deadline <= ru->cur_deadline);
        before = ru;
    }
    return NULL;
}

const char *rtds_check(struct scheduler *s, bool quiescent)
{
    struct rtds_pool *p = rtds_pool_of(s);
    const struct timer *t = &p->repl_timer;
    pcpu_id c;

    if (!quiescent)
        return NULL;
    const char *broken = check_queues(p);
    if (broken)
        return broken;
    for_each_cpu (c, &p->cpus)
        CHECK(sched_res(c)->schedule_lock == p->lock && sched_res(c)->sched == s);
    CHECK(cpumask_subset(&p->tickled, &p->cpus));
    if (cpumask_empty(&p->cpus))
        return NULL;
    CHECK(cpumask_test(&p->cpus, t->cpu));
    CHECK(timer_active(t) == !list_empty(&p->replq));
    CHECK(!timer_active(t) || t->expires == rtds_replq_entry(p->replq.next)->cur_deadline);
    return NULL;
}

/* ---- debug key 'r' ---------------------------------------------------------------------------------------------- */

static void dump_unit(const struct rtds_unit *ru)
{
    const struct sched_unit *u = ru->unit;
    cpumask_t allowed;
    char cpus[160];

    cpumask_and(&allowed, &u->hard, unit_pool_res(u));
    cpumask_print(cpus, sizeof(cpus), &allowed);
    hv_printk("[%5u.%u] cpu %u, (%lld, %lld), cur_b=%lld cur_d=%lld last_start=%lld\n", u->domain->id.n, u->id,
              u->processor.n, (long long)ru->period, (long long)ru->budget, (long long)ru->cur_budget,
              (long long)ru->cur_deadline, (long long)ru->last_start);
    hv_printk("\t\t priority_level=%u has_extratime=%d\n", ru->level, ru->extratime);
    hv_printk("\t\t onQ=%d runnable=%d scheduled=%d delayed_add=%d depleted=%d effective hard_affinity=%s\n",
              rtds_queued(ru), unit_runnable(u), ru->scheduled, ru->delayed_add, ru->depleted, cpus);
}

void rtds_dump_cpu(struct scheduler *s, pcpu_id c)
{
    struct rtds_pool *p = rtds_pool_of(s);

    port_lock(p->lock);
    const struct sched_unit *u = curr_on_cpu(c);
    hv_printk("CPU[%02u]\n", c.n);
    if (!is_idle_unit(u))
        dump_unit(rtds_unit_of(u));
    port_unlock(p->lock);
}

void rtds_dump_settings(struct scheduler *s)
{
    struct rtds_pool *p = rtds_pool_of(s);
    struct list_head *pos;
    struct sched_unit *u;

    port_lock(p->lock);
    hv_printk("Global RunQueue info:\n");
    list_for_each (pos, &p->runq)
        dump_unit(rtds_q_entry(pos));
    hv_printk("Global DepletedQueue info:\n");
    list_for_each (pos, &p->depletedq)
        dump_unit(rtds_q_entry(pos));
    hv_printk("Global Replenishment Events info:\n");
    list_for_each (pos, &p->replq)
        dump_unit(rtds_replq_entry(pos));
    hv_printk("Domain info:\n");
    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        if (d->cpupool != s->pool)
            continue;
        hv_printk("\tdomain: %u\n", d->id.n);
        for_each_unit(d, u) dump_unit(rtds_unit_of(u));
    }
    port_unlock(p->lock);
}
