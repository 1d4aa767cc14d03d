/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTDS: the policy's table, its objects, and the scheduling decision. Design: rtds.h. */
#include "rtds.h"

#include <hv/mm.h>

/* ---- instance and resources ------------------------------------------------------------------------------------- */

static int rtds_init(struct scheduler *s, const struct hv_options *opt)
{
    struct rtds_pool *p = hv_zalloc(sizeof(*p));
    if (!p)
        return -HV_ENOMEM;
    p->lock = sched_lock_alloc("rtds");
    list_init(&p->runq);
    list_init(&p->depletedq);
    list_init(&p->replq);
    s->priv = p;
    return 0;
}

static void rtds_deinit(struct scheduler *s)
{
    struct rtds_pool *p = rtds_pool_of(s);

    ASSERT(list_empty(&p->runq) && list_empty(&p->depletedq) && list_empty(&p->replq));
    if (p->repl_timer.inited)
        timer_kill(&p->repl_timer);
    sched_lock_free(p->lock);
    s->priv = NULL;
    hv_free(p);
}

/* The first resource gets the timer. The pool's lock is not held, and nothing of the pool runs on c yet. */
static struct hv_lock *rtds_add_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct rtds_pool *p = rtds_pool_of(s);
    bool first = cpumask_empty(&p->cpus);

    cpumask_set_atomic(&p->cpus, c);
    if (!p->repl_timer.inited)
        timer_init(&p->repl_timer, rtds_replenish, p, c);
    else if (first)
        timer_migrate(&p->repl_timer, c);
    if (first)
        rtds_replq_arm(p);
    return p->lock; /* c schedules next: there may be work for it */
}

static void rtds_remove_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct rtds_pool *p = rtds_pool_of(s);

    bool told = cpumask_test(&p->tickled, c);

    cpumask_clear_atomic(&p->cpus, c);
    cpumask_clear(&p->tickled, c);
    if (told)
        rtds_pass_on(p, c);
    if (!pcpu_eq(p->repl_timer.cpu, c))
        return;
    pcpu_id next = cpumask_cycle(c, &p->cpus);
    if (pcpu_valid(next))
        timer_migrate(&p->repl_timer, next);
    else
        timer_stop(&p->repl_timer);
}

/* ---- units ------------------------------------------------------------------------------------------------------ */

/* Idle units need no data. */
static int rtds_alloc_unit(struct scheduler *s, struct sched_unit *u, void *ddata, void **udata)
{
    if (is_idle_unit(u))
        return 0;
    struct rtds_unit *ru = hv_zalloc(sizeof(*ru));
    if (!ru)
        return -HV_ENOMEM;
    list_init(&ru->q_elem);
    list_init(&ru->replq_elem);
    ru->unit = u;
    ru->period = RTDS_DEFAULT_PERIOD;
    ru->budget = RTDS_DEFAULT_BUDGET;
    ru->extratime = true;
    *udata = ru;
    return 0;
}

static void rtds_free_unit(struct scheduler *s, void *udata)
{
    hv_free(udata);
}

static pcpu_id rtds_pick_cpu(struct scheduler *s, struct sched_unit *u)
{
    cpumask_t allowed;
    cpumask_and(&allowed, &u->hard, unit_pool_res(u));
    return cpumask_test_or_cycle(u->processor, &allowed);
}

static void rtds_insert_unit(struct scheduler *s, struct sched_unit *u)
{
    struct rtds_pool *p = rtds_pool_of(s);
    struct rtds_unit *ru = rtds_unit_of(u);
    struct hv_lock *lock = unit_schedule_lock(u);
    s_time_t now = port_now();

    if (lock == p->lock) {
        pcpu_id c = rtds_pick_cpu(s, u);
        if (!pcpu_eq(c, u->processor) && pcpu_valid(c))
            sched_set_res(u, c);
    }
    if (now >= ru->cur_deadline)
        rtds_update_deadline(ru, now);
    if (unit_runnable(u) && !u->is_running && !rtds_queued(ru)) {
        ASSERT(lock == p->lock); /* the framework has put it into the pool */
        rtds_replq_insert(p, ru);
        rtds_queue_insert(p, ru);
        rtds_tickle(p, ru);
    }
    port_unlock(lock);
}

static void rtds_remove_unit(struct scheduler *s, struct sched_unit *u)
{
    struct rtds_unit *ru = rtds_unit_of(u);
    struct hv_lock *lock = unit_schedule_lock(u);

    if (rtds_queued(ru))
        rtds_queue_remove(ru);
    rtds_replq_remove(rtds_pool_of(s), ru);
    port_unlock(lock);
}

static void rtds_sleep(struct scheduler *s, struct sched_unit *u)
{
    struct rtds_unit *ru = rtds_unit_of(u);

    if (curr_on_cpu(u->processor) == u) {
        softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
    } else if (rtds_queued(ru)) {
        rtds_queue_remove(ru);
        rtds_replq_remove(rtds_pool_of(s), ru);
    } else {
        ru->delayed_add = false;
    }
}

static void rtds_wake(struct scheduler *s, struct sched_unit *u)
{
    struct rtds_pool *p = rtds_pool_of(s);
    struct rtds_unit *ru = rtds_unit_of(u);
    s_time_t now = port_now();

    if (curr_on_cpu(u->processor) == u || rtds_queued(ru))
        return;
    bool missed = now >= ru->cur_deadline;
    if (missed)
        rtds_update_deadline(ru, now);
    if (ru->scheduled) {
        /* On its way out, its replenishment still pending: context_saved queues it. */
        ru->delayed_add = true;
        if (missed)
            rtds_replq_reinsert(p, ru);
        return;
    }
    rtds_replq_insert(p, ru);
    rtds_queue_insert(p, ru);
    rtds_tickle(p, ru);
}

static void rtds_context_saved(struct scheduler *s, struct sched_unit *u)
{
    struct rtds_pool *p = rtds_pool_of(s);
    struct rtds_unit *ru = rtds_unit_of(u);

    if (is_idle_unit(u))
        return;
    struct hv_lock *lock = unit_schedule_lock(u);
    bool delayed_add = ru->delayed_add;
    ru->scheduled = ru->delayed_add = false;
    if (delayed_add && unit_runnable(u)) {
        rtds_queue_insert(p, ru);
        rtds_tickle(p, ru);
    } else {
        rtds_replq_remove(p, ru);
    }
    port_unlock(lock);
}

/* ---- the decision ----------------------------------------------------------------------------------------------- */

static void trace_schedule(const struct rtds_pool *p, pcpu_id c, bool tasklet_pending)
{
    trace1(TRC_RTDS_SCHEDULE, c.n | (uint32_t)tasklet_pending << 16 | (uint32_t)cpumask_test(&p->tickled, c) << 24 |
                                  (uint32_t)cpu_runs_idle(c) << 28);
}

static struct sched_slice rtds_schedule(struct scheduler *s, pcpu_id c, s_time_t now, bool tasklet_pending)
{
    struct rtds_pool *p = rtds_pool_of(s);
    struct sched_unit *cur = curr_on_cpu(c);
    struct rtds_unit *cu = is_idle_unit(cur) ? NULL : rtds_unit_of(cur), *next = NULL;
    bool goes_on = cu && unit_runnable(cur), told = cpumask_test(&p->tickled, c);

    trace_schedule(p, c, tasklet_pending);
    cpumask_clear(&p->tickled, c);
    if (cu)
        rtds_burn(cu, now);

    if (tasklet_pending) {
        trace_none(TRC_RTDS_SCHED_TASKLET);
    } else {
        next = rtds_queue_pick(p, c);
        if (goes_on && cu->cur_budget > 0 && (!next || rtds_before(cu, next)))
            next = cu;
    }
    if (goes_on && next != cu)
        cu->delayed_add = true;
    if (!next) {
        /* After tasklets it looks again itself. */
        if (told && !tasklet_pending)
            rtds_pass_on(p, c);
        return (struct sched_slice){.task = idle_unit_on_cpu(c), .time = -1};
    }

    struct sched_slice slice = {.task = next->unit, .time = next->cur_budget};
    next->last_start = now;
    if (next != cu) {
        rtds_queue_remove(next);
        next->scheduled = true;
    }
    if (!pcpu_eq(next->unit->processor, c)) {
        sched_set_res(next->unit, c);
        slice.migrated = true;
    }
    if (told)
        rtds_pass_on(p, c);
    return slice;
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

/* From the next period on; but extratime is there from now on for one that has nothing else. */
static void set_params(struct rtds_pool *p, struct rtds_unit *ru, s_time_t period, s_time_t budget, bool extratime)
{
    bool rescued = extratime && !rtds_may_run(ru);

    ru->period = period;
    ru->budget = budget;
    ru->extratime = extratime;
    if (!rescued)
        return;
    rtds_refill(ru);
    ru->depleted = false;
    if (rtds_queued(ru)) {
        rtds_queue_remove(ru);
        rtds_queue_insert(p, ru);
        rtds_tickle(p, ru);
    }
}

static int rtds_adjust(struct scheduler *s, struct domain *d, struct hv_domctl *op)
{
    struct rtds_pool *p = rtds_pool_of(s);
    struct sched_unit *u, *one = NULL;

    if (op->u.scheduler_op.by_vcpu) {
        unsigned n = op->u.scheduler_op.vcpu.n;
        if (n >= d->max_vcpus || !d->vcpu[n])
            return -HV_ESRCH;
        one = d->vcpu[n]->unit;
    }
    if (!op->u.scheduler_op.put) {
        /* For a domain as a whole Xen answers with the defaults, whatever was set. */
        const struct rtds_unit *ru = one ? rtds_unit_of(one) : NULL;
        port_lock(p->lock);
        op->u.scheduler_op.period_us = (uint32_t)((ru ? ru->period : RTDS_DEFAULT_PERIOD) / MICROSECS(1));
        op->u.scheduler_op.budget_us = (uint32_t)((ru ? ru->budget : RTDS_DEFAULT_BUDGET) / MICROSECS(1));
        op->u.scheduler_op.extratime = ru ? ru->extratime : true;
        port_unlock(p->lock);
        return 0;
    }

    s_time_t period = MICROSECS(op->u.scheduler_op.period_us), budget = MICROSECS(op->u.scheduler_op.budget_us);
    bool extratime = op->u.scheduler_op.extratime;
    if (period < RTDS_MIN_PERIOD || budget < RTDS_MIN_BUDGET || budget > period)
        return -HV_EINVAL;
    port_lock(p->lock);
    if (one) {
        set_params(p, rtds_unit_of(one), period, budget, extratime);
    } else {
        for_each_unit(d, u) set_params(p, rtds_unit_of(u), period, budget, extratime);
    }
    port_unlock(p->lock);
    return 0;
}

/* ---- invariants -------------------------------------------------------------------------------------------------- */

static bool rtds_is_queued(struct scheduler *s, const struct sched_unit *u)
{
    return !is_idle_unit(u) && rtds_queued(rtds_unit_of(u));
}

/*
 * No pCPU idles while a unit that has budget or extratime waits for one: all take from the one queue. With
 * rtds_passed_over that holds for units that may run everywhere: a pCPU that was told of another takes what it may.
 */
static s_time_t rtds_idle_limit(struct scheduler *s, const struct sched_unit *u, pcpu_id c)
{
    if (quirk(rtds_passed_over) && !cpumask_subset(&s->pool->res, &u->hard))
        return -1;
    return cpumask_test(&rtds_pool_of(s)->cpus, c) && rtds_may_run(rtds_unit_of(u)) ? 0 : -1;
}

const struct sched_policy rtds_policy = {
    .name = "SMP RTDS Scheduler",
    .opt_name = "rtds",
    .id = XEN_SCHEDULER_RTDS,
    .init = rtds_init,
    .deinit = rtds_deinit,
    .add_cpu = rtds_add_cpu,
    .remove_cpu = rtds_remove_cpu,
    .alloc_unit = rtds_alloc_unit,
    .free_unit = rtds_free_unit,
    .insert_unit = rtds_insert_unit,
    .remove_unit = rtds_remove_unit,
    .sleep = rtds_sleep,
    .wake = rtds_wake,
    .pick_cpu = rtds_pick_cpu,
    .do_schedule = rtds_schedule,
    .context_saved = rtds_context_saved,
    .adjust = rtds_adjust,
    .dump_settings = rtds_dump_settings,
    .dump_cpu = rtds_dump_cpu,
    .check = rtds_check,
    .check_unit = rtds_check_unit,
    .is_queued = rtds_is_queued,
    .idle_limit = rtds_idle_limit,
};
