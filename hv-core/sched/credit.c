/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit: the policy's table, its objects, and the scheduling decision. Design: credit.h. */
#include "credit.h"

#include <hv/mm.h>

struct credit_pool credit_pool;

/* ---- set-up -------------------------------------------------------------------------------------------------------
 */

static int credit_init(const struct hv_options *opt)
{
    struct credit_pool *p = &credit_pool;
    unsigned tslice = opt->sched_credit_tslice_ms, ratelimit = opt->sched_ratelimit_us;

    *p = (struct credit_pool){.lock = HV_LOCK_INIT("credit")};
    list_init(&p->active_dom);
    if (tslice < CREDIT_TSLICE_MS_MIN || tslice > CREDIT_TSLICE_MS_MAX) {
        hv_printk("sched_credit_tslice_ms=%u is outside of %u..%u: using %u\n", tslice, CREDIT_TSLICE_MS_MIN,
                  CREDIT_TSLICE_MS_MAX, CREDIT_TSLICE_MS_DEFAULT);
        tslice = CREDIT_TSLICE_MS_DEFAULT;
    }
    if (ratelimit && (ratelimit < CREDIT_RATELIMIT_US_MIN || ratelimit > CREDIT_RATELIMIT_US_MAX)) {
        hv_printk("sched_ratelimit_us=%u is outside of %u..%u: using %u\n", ratelimit, CREDIT_RATELIMIT_US_MIN,
                  CREDIT_RATELIMIT_US_MAX, CREDIT_RATELIMIT_US_DEFAULT);
        ratelimit = CREDIT_RATELIMIT_US_DEFAULT;
    }
    if (ratelimit > tslice * 1000) {
        hv_printk("sched_ratelimit_us=%u is longer than the slice: using %u\n", ratelimit, tslice * 1000);
        ratelimit = tslice * 1000;
    }
    credit_pool_params(p, tslice, ratelimit);
    p->migration_delay = MICROSECS(opt->vcpu_migration_delay);
    p->tickle_one_idle = opt->tickle_one_idle_cpu;
    p->smt_power_savings = opt->sched_smt_power_savings;
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        p->balance_bias[n] = pcpu(0);
    return 0;
}

static int credit_init_cpu(pcpu_id c)
{
    struct credit_pcpu *cp = hv_zalloc(sizeof(*cp));
    if (!cp)
        return -HV_ENOMEM;
    list_init(&cp->runq);
    cp->idle_bias = pcpu(hv_nr_cpus - 1);
    timer_init(&cp->ticker, credit_tick, cp, c);
    sched_pcpu[c.n].priv = cp;
    return 0;
}

/* The pCPU, idle, joins: from now on it earns credits, ticks, and is there for work. */
static void credit_start_cpu(pcpu_id c)
{
    struct credit_pool *p = &credit_pool;
    s_time_t now = port_now();

    ASSERT(is_idle_vcpu(curr_on_cpu(c)));
    port_lock(&p->lock);
    p->credit += p->credits_per_tslice;
    cpumask_set(&p->cpus, c);
    if (p->ncpus++ == 0) {
        timer_init(&p->master_ticker, credit_master_tick, p, c);
        timer_set(&p->master_ticker, now + MILLISECS(p->tslice_ms));
    }
    credit_pcpu_of(c)->sorted = p->epoch;
    port_unlock(&p->lock);
    timer_set(&credit_pcpu_of(c)->ticker, now + p->tick_period);
    cpumask_set_atomic(&p->idlers, c);
}

static int credit_init_domain(struct domain *d)
{
    if (d->is_idle)
        return 0;
    struct credit_dom *cd = hv_zalloc(sizeof(*cd));
    if (!cd)
        return -HV_ENOMEM;
    list_init(&cd->active_vcpu);
    list_init(&cd->active_elem);
    cd->domain = d;
    cd->weight = CREDIT_DEFAULT_WEIGHT;
    d->sched_priv = cd;
    credit_set_node_affinity(d);
    return 0;
}

static void credit_destroy_domain(struct domain *d)
{
    struct credit_dom *cd = credit_dom_of(d);
    ASSERT(list_empty(&cd->active_elem));
    d->sched_priv = NULL;
    hv_free(cd);
}

static int credit_alloc_vcpu(struct vcpu *v)
{
    struct credit_vcpu *cv = hv_zalloc(sizeof(*cv));
    if (!cv)
        return -HV_ENOMEM;
    list_init(&cv->runq_elem);
    list_init(&cv->active_elem);
    cv->dom = credit_dom_of(v->domain);
    cv->vcpu = v;
    cv->pri = is_idle_vcpu(v) ? PRI_IDLE : PRI_UNDER;
    v->sched_priv = cv;
    return 0;
}

static void credit_free_vcpu(struct vcpu *v)
{
    hv_free(credit_vcpu_of(v));
    v->sched_priv = NULL;
}

static void credit_insert_vcpu(struct vcpu *v)
{
    struct credit_vcpu *cv = credit_vcpu_of(v);
    if (!vcpu_runnable(v) || v->is_running)
        return;
    struct hv_lock *lock = vcpu_schedule_lock(v);
    if (!credit_queued(cv))
        credit_queue_insert(v->processor, cv);
    port_unlock(lock);
}

static void credit_remove_vcpu(struct vcpu *v)
{
    struct credit_pool *p = &credit_pool;
    struct credit_vcpu *cv = credit_vcpu_of(v);

    /* First out of reach of the accounting, which may unpause it. */
    port_lock(&p->lock);
    if (!list_empty(&cv->active_elem))
        credit_deactivate(p, cv);
    if (credit_flag_clear(cv, CREDIT_PARKED))
        vcpu_unpause(v);
    port_unlock(&p->lock);

    struct hv_lock *lock = vcpu_schedule_lock(v);
    if (credit_queued(cv))
        credit_queue_remove(cv);
    port_unlock(lock);
}

/* ---- what happens to vCPUs: schedule lock held ---------------------------------------------------------------------
 */

static void credit_sleep(struct vcpu *v)
{
    struct credit_vcpu *cv = credit_vcpu_of(v);

    if (curr_on_cpu(v->processor) == v)
        softirq_raise_on(v->processor, SCHEDULE_SOFTIRQ);
    else if (credit_queued(cv))
        credit_queue_remove(cv);
}

static void credit_wake(struct vcpu *v)
{
    struct credit_vcpu *cv = credit_vcpu_of(v);
    pcpu_id c = v->processor;

    if (curr_on_cpu(c) == v || credit_queued(cv))
        return;
    bool migrating = credit_flag_clear(cv, CREDIT_MIGRATING);
    if (!migrating && cv->pri == PRI_UNDER && !credit_flag_test(cv, CREDIT_PARKED))
        cv->pri = PRI_BOOST;
    credit_queue_insert(c, cv);
    credit_tickle(&credit_pool, c, cv);
}

static void credit_yield(struct vcpu *v)
{
    credit_flag_set(credit_vcpu_of(v), CREDIT_YIELD);
}

static pcpu_id credit_pick_cpu(struct vcpu *v)
{
    /* Called for a migration only: its wake is not one of an event. */
    if (!quirk(credit_migrate_boost))
        credit_flag_set(credit_vcpu_of(v), CREDIT_MIGRATING);
    return credit_pick(&credit_pool, v, true);
}

/* ---- the decision --------------------------------------------------------------------------------------------------
 */

/* The tick rests while the pCPU is idle, from 4.7 on, and is aligned to its period when it goes on. */
static void tick_follows(struct credit_pool *p, struct credit_pcpu *cp, bool was_idle, bool is_idle, s_time_t now)
{
    if (quirk(credit_tick_on_idle) || was_idle == is_idle)
        return;
    if (is_idle)
        timer_stop(&cp->ticker);
    else
        timer_set(&cp->ticker, now - now % p->tick_period + p->tick_period);
}

/* Rate limit: the current vCPU has not run long enough to be preempted. *left: how long it goes on. */
static bool too_early(const struct credit_pool *p, const struct credit_vcpu *cur, s_time_t ran, s_time_t *left)
{
    s_time_t limit = MICROSECS(p->ratelimit_us);

    if (is_idle_vcpu(cur->vcpu) || !vcpu_runnable(cur->vcpu) || ran >= limit)
        return false;
    if (quirk(credit_ratelimit_full)) {
        *left = limit;
        return true;
    }
    if (credit_flag_test(cur, CREDIT_YIELD))
        return false;
    *left = ran < CREDIT_RATELIMIT_FLOOR ? CREDIT_RATELIMIT_FLOOR : limit - ran;
    return true;
}

static struct sched_slice credit_schedule(s_time_t now, bool tasklet_pending)
{
    struct credit_pool *p = &credit_pool;
    pcpu_id c = port_this_cpu();
    struct credit_pcpu *cp = credit_pcpu_of(c);
    struct credit_vcpu *cur = credit_vcpu_of(curr_on_cpu(c)), *next;
    bool was_idle = is_idle_vcpu(cur->vcpu);
    s_time_t ran = now - cur->vcpu->runstate_entry;
    struct sched_slice slice = {.time = MILLISECS(p->tslice_ms)};

    if (ran < 0)
        ran = 0;
    if (was_idle) {
        cur->pri = PRI_IDLE;
    } else {
        credit_burn(cur, now);
        cur->start_time -= now;
    }

    if (!tasklet_pending && too_early(p, cur, ran, &slice.time)) {
        cur->start_time += now;
        slice.task = cur->vcpu;
        return slice;
    }

    if (vcpu_runnable(cur->vcpu))
        credit_queue_insert(c, cur);
    else
        BUG_ON(was_idle || list_empty(&cp->runq));
    next = runq_entry(cp->runq.next);
    if (tasklet_pending) {
        trace_none(TRC_CSCHED_TASKLET);
        next = credit_vcpu_of(sched_pcpu[c.n].idle);
        next->pri = PRI_BOOST;
    }
    credit_flag_clear(cur, CREDIT_YIELD);

    if (next->pri > PRI_OVER)
        credit_queue_remove(next);
    else
        next = credit_balance(p, c, next, now, &slice.migrated);

    bool is_idle = next->pri == PRI_IDLE;
    if (is_idle != cpumask_test(&p->idlers, c)) {
        if (is_idle)
            cpumask_set_atomic(&p->idlers, c);
        else
            cpumask_clear_atomic(&p->idlers, c);
    }
    if (is_idle_vcpu(next->vcpu))
        slice.time = -1;
    else
        next->start_time += now;
    tick_follows(p, cp, was_idle, is_idle_vcpu(next->vcpu), now);
    slice.task = next->vcpu;
    return slice;
}

/* ---- parameters ----------------------------------------------------------------------------------------------------
 */

#define UNCHANGED_CAP 0xffffu
#define PARAM_MAX 0xffffu /* 16 bits in the interface */

static int credit_adjust(struct domain *d, struct hv_domctl *op)
{
    struct credit_pool *p = &credit_pool;
    struct credit_dom *cd = credit_dom_of(d);
    uint32_t weight = op->u.scheduler_op.weight, cap = op->u.scheduler_op.cap;

    if (op->u.scheduler_op.put && (weight > PARAM_MAX || cap > PARAM_MAX))
        return -HV_EINVAL;
    port_lock(&p->lock);
    if (op->u.scheduler_op.put) {
        if (weight) {
            p->weight += (weight - cd->weight) * cd->active_count;
            cd->weight = weight;
        }
        if (cap != UNCHANGED_CAP)
            cd->cap = cap;
    } else {
        op->u.scheduler_op.weight = cd->weight;
        op->u.scheduler_op.cap = cd->cap;
    }
    port_unlock(&p->lock);
    return 0;
}

static int credit_adjust_global(struct hv_sysctl *op)
{
    struct credit_pool *p = &credit_pool;
    unsigned tslice = op->u.scheduler_op.tslice_ms, ratelimit = op->u.scheduler_op.ratelimit_us;

    if (op->u.scheduler_op.put) {
        if (tslice < CREDIT_TSLICE_MS_MIN || tslice > CREDIT_TSLICE_MS_MAX ||
            (ratelimit && (ratelimit < CREDIT_RATELIMIT_US_MIN || ratelimit > CREDIT_RATELIMIT_US_MAX)) ||
            ratelimit > tslice * 1000)
            return -HV_EINVAL;
        port_lock(&p->lock);
        if (quirk(credit_pool_put_stale)) {
            p->tslice_ms = tslice;
            p->ratelimit_us = ratelimit;
        } else {
            credit_pool_params(p, tslice, ratelimit);
        }
        port_unlock(&p->lock);
    }
    op->u.scheduler_op.tslice_ms = p->tslice_ms;
    op->u.scheduler_op.ratelimit_us = p->ratelimit_us;
    return 0;
}

const struct sched_policy credit_policy = {
    .name = "SMP Credit Scheduler",
    .opt_name = "credit",
    .id = 5,
    .init = credit_init,
    .init_cpu = credit_init_cpu,
    .start_cpu = credit_start_cpu,
    .init_domain = credit_init_domain,
    .destroy_domain = credit_destroy_domain,
    .alloc_vcpu = credit_alloc_vcpu,
    .free_vcpu = credit_free_vcpu,
    .insert_vcpu = credit_insert_vcpu,
    .remove_vcpu = credit_remove_vcpu,
    .sleep = credit_sleep,
    .wake = credit_wake,
    .yield = credit_yield,
    .pick_cpu = credit_pick_cpu,
    .do_schedule = credit_schedule,
    .adjust = credit_adjust,
    .adjust_global = credit_adjust_global,
    .set_node_affinity = credit_set_node_affinity,
    .check = credit_check,
    .check_vcpu = credit_check_vcpu,
};
