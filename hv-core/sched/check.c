/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Invariants of the scheduler, for tests and for runs that ask for them. */
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
    CHECK(v->unit);
    if (quiescent) {
        bool current = sched_current(v->processor) == v;
        CHECK((v->runstate == RUNSTATE_running) == current);
        CHECK(v->is_running == current);
        CHECK(current || (v->runstate == RUNSTATE_runnable) == vcpu_runnable(v));
        CHECK(current || v->runstate != RUNSTATE_blocked || vcpu_flag_test(v, VPF_blocked));
    }
    return NULL;
}

static const char *check_unit(const struct sched_unit *u, bool quiescent)
{
    struct scheduler *s = unit_sched(u);
    const char *broken;
    const struct vcpu *v;
    bool migrating = false;

    CHECK(u->vcpu_list);
    for_each_unit_vcpu(u, v)
    {
        CHECK(v->unit == u && v->domain == u->domain);
        migrating |= vcpu_flag_test(v, VPF_migrating);
        if ((broken = check_vcpu(v, quiescent)) != NULL)
            return broken;
    }
    if (quiescent) {
        const struct sched_resource *res = sched_res(u->processor);
        bool current = res->curr == u;
        CHECK(pcpu_eq(res->master, u->processor));
        for_each_unit_vcpu(u, v) CHECK(cpumask_test(&res->cpus, v->processor));
        CHECK(u->is_running == current);
        CHECK(current || !migrating);
        CHECK(!u->rendezvous_in && !u->rendezvous_out);
        if (!is_idle_unit(u)) {
            CHECK(current || s->policy->is_queued(s, u) == unit_runnable(u));
            /* Who is allowed nowhere in its pool (it lost its pCPUs a moment ago) waits to be moved. */
            CHECK(!unit_runnable(u) || migrating || cpumask_test(&u->hard, u->processor) || policy_ignores_affinity(s));
            CHECK(!unit_runnable(u) || migrating || cpumask_test(unit_pool_res(u), u->processor));
        }
    }
    return s->policy->check_unit ? s->policy->check_unit(s, u, quiescent) : NULL;
}

static const char *check_pcpu(pcpu_id c, bool quiescent)
{
    const struct sched_pcpu *p = &sched_pcpu[c.n];
    const struct sched_resource *res = p->res;

    CHECK(p->curr && p->idle && is_idle_vcpu(p->idle));
    CHECK(pcpu_eq(p->idle->processor, c));
    CHECK(cpumask_test(&res->cpus, c));
    CHECK(res->granularity == cpumask_weight(&res->cpus));
    if (quiescent) {
        CHECK(pcpu_eq(p->curr->processor, c));
        CHECK(!res->prev);
        CHECK(p->curr->unit == res->curr || (res->granularity > 1 && p->curr == p->idle));
    }
    return pcpu_eq(res->master, c) ? check_unit(res->idle, quiescent) : NULL;
}

const char *sched_check(void)
{
    bool quiescent = hv_quiescent();
    const char *broken;
    struct list_head *pos;
    struct sched_unit *u;

    for (unsigned c = 0; c < hv_nr_cpus; c++)
        if ((broken = check_pcpu(pcpu(c), quiescent)) != NULL)
            return broken;
    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        for_each_unit(d, u)
        {
            if ((broken = check_unit(u, quiescent)) != NULL)
                return broken;
        }
    }
    if (quiescent && (broken = cpupool_check()) != NULL)
        return broken;
    list_for_each (pos, &hv_cpupool_list) {
        struct scheduler *s = &list_entry(pos, struct cpupool, link)->sched;
        if (s->policy->check && (broken = s->policy->check(s, quiescent)) != NULL)
            return broken;
    }
    return NULL;
}

/* ---- work conservation ------------------------------------------------------------------------------------------ */

static char starving[160];

static s_time_t later(s_time_t a, s_time_t b)
{
    return a > b ? a : b;
}

/* Since when does a unit that waits: since the first of its vCPUs that want to run does. */
static s_time_t waits_since(const struct sched_unit *u, s_time_t now)
{
    s_time_t first = now;
    const struct vcpu *v;

    for_each_unit_vcpu(u, v)
    {
        if (v->runstate == RUNSTATE_runnable && v->runstate_entry < first)
            first = v->runstate_entry;
    }
    return first;
}

/* A unit waits: does a resource idle that ought to take it? */
static const char *check_waiting(struct scheduler *s, const struct sched_unit *u, s_time_t now, s_time_t slack)
{
    pcpu_id c;

    for_each_cpu (c, &s->pool->res) {
        const struct sched_resource *res = sched_res(c);
        if (res->curr != res->idle || !cpumask_test(&u->hard, c))
            continue;
        s_time_t limit = s->policy->idle_limit(s, u, c);
        s_time_t idle_since = later(res->idle->state_entry, res->since);
        s_time_t since = later(later(waits_since(u, now), u->eligible_since), idle_since);
        if (limit < 0 || now - since <= limit + slack)
            continue;
        hv_snprintf(starving, sizeof(starving),
                    "%s: d%uv%u has waited for %lld ns while pCPU %u idles; the limit is %lld", s->policy->opt_name,
                    u->domain->id.n, u->id, (long long)(now - since), c.n, (long long)(limit + slack));
        return starving;
    }
    return NULL;
}

const char *sched_check_work_conserving(s_time_t slack)
{
    struct list_head *pos;
    const struct sched_unit *u;
    s_time_t now = port_now();
    const char *broken;

    if (!hv_quiescent())
        return NULL;
    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        struct scheduler *s = &d->cpupool->sched;
        if (!s->policy->idle_limit)
            continue;
        for_each_unit(d, u)
        {
            if (!u->is_running && unit_runnable(u) && (broken = check_waiting(s, u, now, slack)) != NULL)
                return broken;
        }
    }
    return NULL;
}
