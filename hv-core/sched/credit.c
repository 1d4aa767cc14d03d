/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit: the policy's table, its objects, and the scheduling decision. Design: credit.h. */
#include "credit.h"

#include <hv/mm.h>

/* ---- an instance ------------------------------------------------------------------------------------------------- */

static unsigned in_range_or(unsigned value, unsigned min, unsigned max, unsigned otherwise, const char *what)
{
    if (value >= min && value <= max)
        return value;
    hv_printk("%s=%u is outside of %u..%u: using %u\n", what, value, min, max, otherwise);
    return otherwise;
}

static int credit_init(struct scheduler *s, const struct hv_options *opt)
{
    struct credit_pool *p = hv_zalloc(sizeof(*p));
    if (!p)
        return -HV_ENOMEM;
    unsigned tslice = in_range_or(opt->sched_credit_tslice_ms, CREDIT_TSLICE_MS_MIN, CREDIT_TSLICE_MS_MAX,
                                  CREDIT_TSLICE_MS_DEFAULT, "sched_credit_tslice_ms");
    unsigned ratelimit = opt->sched_ratelimit_us;
    if (ratelimit)
        ratelimit = in_range_or(ratelimit, CREDIT_RATELIMIT_US_MIN, CREDIT_RATELIMIT_US_MAX,
                                CREDIT_RATELIMIT_US_DEFAULT, "sched_ratelimit_us");
    if (ratelimit > tslice * 1000) {
        hv_printk("sched_ratelimit_us=%u is longer than the slice: using %u\n", ratelimit, tslice * 1000);
        ratelimit = tslice * 1000;
    }
    p->sched = s;
    p->lock = (struct hv_lock)HV_LOCK_INIT("credit");
    list_init(&p->active_dom);
    credit_pool_params(p, tslice, ratelimit);
    p->migration_delay = MICROSECS(opt->vcpu_migration_delay);
    p->tickle_one_idle = opt->tickle_one_idle_cpu;
    p->smt_power_savings = opt->sched_smt_power_savings;
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        p->balance_bias[n] = pcpu(0);
    if (s->pool->id == 0)
        credit_place_reset();
    s->priv = p;
    return 0;
}

static void credit_deinit(struct scheduler *s)
{
    struct credit_pool *p = credit_pool_of(s);
    ASSERT(!p->ncpus && list_empty(&p->active_dom));
    s->priv = NULL;
    hv_free(p);
}

/* ---- its pCPUs --------------------------------------------------------------------------------------------------- */

static int credit_alloc_cpu(struct scheduler *s, pcpu_id c, void **pdata)
{
    struct credit_pcpu *cp = hv_zalloc(sizeof(*cp));
    if (!cp)
        return -HV_ENOMEM;
    cp->pool = credit_pool_of(s);
    cp->cpu = c;
    list_init(&cp->runq);
    cp->idle_bias = pcpu(hv_nr_cpus - 1);
    timer_init(&cp->ticker, credit_tick, cp, c);
    *pdata = cp;
    return 0;
}

static void credit_free_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    hv_free(pdata);
}

/* The pCPU, idle, joins: from now on it earns credits, ticks, and is there for work. */
static struct hv_lock *credit_add_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct credit_pool *p = credit_pool_of(s);
    struct credit_pcpu *cp = pdata;
    s_time_t now = port_now();

    port_lock(&p->lock);
    p->credit += p->credits_per_tslice;
    cpumask_set(&p->cpus, c);
    if (p->ncpus++ == 0) {
        timer_init(&p->master_ticker, credit_master_tick, p, c);
        timer_set(&p->master_ticker, now + MILLISECS(p->tslice_ms));
    }
    cp->sorted = p->epoch;
    port_unlock(&p->lock);
    timer_set(&cp->ticker, now + p->tick_period);
    cpumask_set_atomic(&p->idlers, c);
    return NULL;
}

static void credit_remove_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct credit_pool *p = credit_pool_of(s);
    struct credit_pcpu *cp = pdata;

    ASSERT(list_empty(&cp->runq));
    cpumask_clear_atomic(&p->idlers, c);
    port_lock(&p->lock);
    p->credit -= p->credits_per_tslice;
    cpumask_clear(&p->cpus, c);
    if (--p->ncpus == 0)
        timer_stop(&p->master_ticker);
    else if (pcpu_eq(p->master_ticker.cpu, c))
        timer_migrate(&p->master_ticker, cpumask_first(&p->cpus));
    port_unlock(&p->lock);
    timer_stop(&cp->ticker);
}

/* ---- domains and units ------------------------------------------------------------------------------------------- */

static int credit_alloc_domain(struct scheduler *s, struct domain *d, void **ddata)
{
    struct credit_dom *cd = hv_zalloc(sizeof(*cd));
    if (!cd)
        return -HV_ENOMEM;
    list_init(&cd->active_vcpu);
    list_init(&cd->active_elem);
    cd->domain = d;
    cd->weight = CREDIT_DEFAULT_WEIGHT;
    cpumask_copy(&cd->node_cpus, &hv_cpu_online);
    *ddata = cd;
    return 0;
}

static void credit_free_domain(struct scheduler *s, void *ddata)
{
    ASSERT(list_empty(&((struct credit_dom *)ddata)->active_elem));
    hv_free(ddata);
}

static int credit_alloc_unit(struct scheduler *s, struct sched_unit *u, void *ddata, void **udata)
{
    struct credit_unit *cu = hv_zalloc(sizeof(*cu));
    if (!cu)
        return -HV_ENOMEM;
    list_init(&cu->runq_elem);
    list_init(&cu->active_elem);
    cu->dom = ddata;
    cu->unit = u;
    cu->pri = is_idle_unit(u) ? PRI_IDLE : PRI_UNDER;
    *udata = cu;
    return 0;
}

static void credit_free_unit(struct scheduler *s, void *udata)
{
    hv_free(udata);
}

static void credit_insert_unit(struct scheduler *s, struct sched_unit *u)
{
    struct credit_unit *cu = credit_unit_of(u);
    struct hv_lock *lock;

    if (!quirk(initial_cpu_least_populated)) {
        lock = unit_schedule_lock(u);
        sched_set_res(u, credit_pick(credit_pool_of(s), u, true));
        port_unlock(lock);
    }
    if (!unit_runnable(u) || u->is_running)
        return;
    lock = unit_schedule_lock(u);
    if (!credit_queued(cu))
        credit_queue_insert(u->processor, cu);
    port_unlock(lock);
}

static void credit_remove_unit(struct scheduler *s, struct sched_unit *u)
{
    struct credit_pool *p = credit_pool_of(s);
    struct credit_unit *cu = credit_unit_of(u);

    /* First out of reach of the accounting, which may unpause it. */
    port_lock(&p->lock);
    if (!list_empty(&cu->active_elem))
        credit_deactivate(p, cu);
    if (credit_flag_clear(cu, CREDIT_PARKED))
        unit_unpause(u);
    port_unlock(&p->lock);

    struct hv_lock *lock = unit_schedule_lock(u);
    if (credit_queued(cu))
        credit_queue_remove(cu);
    port_unlock(lock);
}

/* ---- what happens to vCPUs: schedule lock held ---------------------------------------------------------------------
 */

static void credit_sleep(struct scheduler *s, struct sched_unit *u)
{
    struct credit_unit *cu = credit_unit_of(u);

    if (curr_on_cpu(u->processor) == u)
        softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
    else if (credit_queued(cu))
        credit_queue_remove(cu);
}

static void credit_wake(struct scheduler *s, struct sched_unit *u)
{
    struct credit_unit *cu = credit_unit_of(u);
    pcpu_id c = u->processor;

    if (curr_on_cpu(c) == u || credit_queued(cu))
        return;
    bool migrating = credit_flag_clear(cu, CREDIT_MIGRATING);
    if (!migrating && cu->pri == PRI_UNDER && !credit_flag_test(cu, CREDIT_PARKED)) {
        cu->pri = PRI_BOOST;
        if (!quirk(sched_trace_terse))
            trace2(TRC_CSCHED_BOOST_START, u->domain->id.n, u->id);
    }
    credit_queue_insert(c, cu);
    credit_tickle(credit_pool_of(s), c, cu);
}

static void credit_yield(struct scheduler *s, struct sched_unit *u)
{
    credit_flag_set(credit_unit_of(u), CREDIT_YIELD);
}

static pcpu_id credit_pick_cpu(struct scheduler *s, struct sched_unit *u)
{
    /* Called for a migration only: its wake is not one of an event. */
    if (!quirk(credit_migrate_boost))
        credit_flag_set(credit_unit_of(u), CREDIT_MIGRATING);
    return credit_pick(credit_pool_of(s), u, true);
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
static bool too_early(const struct credit_pool *p, const struct credit_unit *cur, s_time_t ran, s_time_t *left)
{
    s_time_t limit = MICROSECS(p->ratelimit_us);

    if (is_idle_unit(cur->unit) || !unit_runnable(cur->unit) || ran >= limit)
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

static struct sched_slice credit_schedule(struct scheduler *s, pcpu_id c, s_time_t now, bool tasklet_pending)
{
    struct credit_pool *p = credit_pool_of(s);
    struct credit_pcpu *cp = credit_pcpu_of(c);
    struct credit_unit *cur = credit_unit_of(curr_on_cpu(c)), *next;
    bool was_idle = is_idle_unit(cur->unit);
    s_time_t ran = now - cur->unit->state_entry;
    struct sched_slice slice = {.time = MILLISECS(p->tslice_ms)};

    if (ran < 0)
        ran = 0;
    if (!quirk(sched_trace_terse))
        trace1(TRC_CSCHED_SCHEDULE, c.n | (uint32_t)tasklet_pending << 16 | (uint32_t)was_idle << 24);
    if (was_idle) {
        cur->pri = PRI_IDLE;
    } else {
        credit_burn(cur, now);
        cur->start_time -= now;
    }

    if (!tasklet_pending && too_early(p, cur, ran, &slice.time)) {
        if (!quirk(sched_trace_terse))
            trace2(TRC_CSCHED_RATELIMIT, trace_v(cur->unit->vcpu_list), (uint32_t)ran);
        cur->start_time += now;
        slice.task = cur->unit;
        return slice;
    }

    if (unit_runnable(cur->unit))
        credit_queue_insert(c, cur);
    else
        BUG_ON(was_idle || list_empty(&cp->runq));
    next = runq_entry(cp->runq.next);
    if (tasklet_pending) {
        trace_none(TRC_CSCHED_TASKLET);
        next = credit_unit_of(idle_unit_on_cpu(c));
        next->pri = PRI_BOOST;
    }
    if (quirk(credit_yield_served))
        credit_flag_clear(cur, CREDIT_YIELD);

    if (next->pri > PRI_OVER)
        credit_queue_remove(next);
    else
        next = credit_balance(p, c, next, now, &slice.migrated);

    /* Idle that runs for a tasklet has the priority BOOST, and does not count as idle. */
    bool is_idle = next->pri == PRI_IDLE;
    if (is_idle != cpumask_test(&p->idlers, c)) {
        if (is_idle)
            cpumask_set_atomic(&p->idlers, c);
        else
            cpumask_clear_atomic(&p->idlers, c);
    }
    if (is_idle_unit(next->unit))
        slice.time = -1;
    else
        next->start_time += now;
    tick_follows(p, cp, was_idle, is_idle_unit(next->unit), now);
    slice.task = next->unit;
    return slice;
}

/* ---- parameters ----------------------------------------------------------------------------------------------------
 */

#define UNCHANGED_CAP 0xffffu
#define PARAM_MAX 0xffffu /* 16 bits in the interface */

static int credit_adjust(struct scheduler *s, struct domain *d, struct hv_domctl *op)
{
    struct credit_pool *p = credit_pool_of(s);
    struct credit_dom *cd = credit_dom_of(d);
    uint32_t weight = op->u.scheduler_op.weight, cap = op->u.scheduler_op.cap;

    if (op->u.scheduler_op.by_vcpu || (op->u.scheduler_op.put && (weight > PARAM_MAX || cap > PARAM_MAX)))
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

static int credit_adjust_global(struct scheduler *s, struct hv_sysctl *op)
{
    struct credit_pool *p = credit_pool_of(s);
    unsigned tslice = op->u.scheduler_op.tslice_ms, ratelimit = op->u.scheduler_op.ratelimit_us;
    unsigned delay = op->u.scheduler_op.migration_delay_us;

    if (op->u.scheduler_op.put) {
        if (tslice < CREDIT_TSLICE_MS_MIN || tslice > CREDIT_TSLICE_MS_MAX ||
            (ratelimit && (ratelimit < CREDIT_RATELIMIT_US_MIN || ratelimit > CREDIT_RATELIMIT_US_MAX)) ||
            ratelimit > tslice * 1000 || delay > CREDIT_MIGRATION_DELAY_US_MAX)
            return -HV_EINVAL;
        port_lock(&p->lock);
        if (quirk(credit_pool_put_stale)) {
            p->tslice_ms = tslice;
            p->ratelimit_us = ratelimit;
        } else {
            credit_pool_params(p, tslice, ratelimit);
        }
        if (!quirk(credit_delay_at_boot_only))
            p->migration_delay = MICROSECS(delay);
        port_unlock(&p->lock);
    }
    op->u.scheduler_op.tslice_ms = p->tslice_ms;
    op->u.scheduler_op.ratelimit_us = p->ratelimit_us;
    op->u.scheduler_op.migration_delay_us = (unsigned)(p->migration_delay / 1000);
    return 0;
}

const struct sched_policy credit_policy = {
    .name = "SMP Credit Scheduler",
    .opt_name = "credit",
    .id = XEN_SCHEDULER_CREDIT,
    .init = credit_init,
    .deinit = credit_deinit,
    .alloc_cpu = credit_alloc_cpu,
    .free_cpu = credit_free_cpu,
    .add_cpu = credit_add_cpu,
    .remove_cpu = credit_remove_cpu,
    .alloc_domain = credit_alloc_domain,
    .free_domain = credit_free_domain,
    .alloc_unit = credit_alloc_unit,
    .free_unit = credit_free_unit,
    .insert_unit = credit_insert_unit,
    .remove_unit = credit_remove_unit,
    .sleep = credit_sleep,
    .wake = credit_wake,
    .yield = credit_yield,
    .pick_cpu = credit_pick_cpu,
    .do_schedule = credit_schedule,
    .adjust = credit_adjust,
    .adjust_global = credit_adjust_global,
    .set_node_affinity = credit_set_node_affinity,
    .dump_settings = credit_dump_settings,
    .dump_cpu = credit_dump_cpu,
    .check = credit_check,
    .check_unit = credit_check_unit,
    .is_queued = credit_is_queued,
    .idle_limit = credit_idle_limit,
};
