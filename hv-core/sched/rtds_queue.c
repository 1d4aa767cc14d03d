/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTDS: budgets, deadlines, and the three queues. Design: rtds.h. */
#include "rtds.h"

/* ---- budget and deadline ---------------------------------------------------------------------------------------- */

static void trace_words64(uint32_t *w, s_time_t v)
{
    w[0] = (uint32_t)v;
    w[1] = (uint32_t)((uint64_t)v >> 32);
}

static void trace_replenish(const struct rtds_unit *ru)
{
    uint32_t w[6] = {trace_v(ru->unit->vcpu_list), ru->level};
    trace_words64(w + 2, ru->cur_deadline);
    trace_words64(w + 4, ru->cur_budget);
    port_trace(TRC_RTDS_BUDGET_REPLENISH, 6, w);
}

static void trace_burn(const struct rtds_unit *ru, s_time_t delta)
{
    uint32_t w[6] = {trace_v(ru->unit->vcpu_list)};
    trace_words64(w + 1, ru->cur_budget);
    w[3] = (uint32_t)delta;
    w[4] = ru->level;
    w[5] = ru->extratime;
    port_trace(TRC_RTDS_BUDGET_BURN, 6, w);
}

void rtds_update_deadline(struct rtds_unit *ru, s_time_t now)
{
    ASSERT(now >= ru->cur_deadline);
    if (now - ru->cur_deadline < ru->period * RTDS_UPDATE_LIMIT) {
        do
            ru->cur_deadline += ru->period;
        while (ru->cur_deadline <= now);
    } else {
        ru->cur_deadline += ((now - ru->cur_deadline) / ru->period + 1) * ru->period;
    }
    /* What runs now is charged from here: the budget of the period before is gone. */
    ru->last_start = now;
    ru->cur_budget = ru->filled = ru->budget;
    ru->level = 0;
    trace_replenish(ru);
}

void rtds_refill(struct rtds_unit *ru)
{
    if (ru->level != UINT32_MAX)
        ru->level++;
    ru->cur_budget = ru->filled = ru->budget;
}

void rtds_burn(struct rtds_unit *ru, s_time_t now)
{
    s_time_t delta = now - ru->last_start;

    ru->last_start = now;
    if (delta < 0) /* a clock that lags behind the one of the pCPU that replenished */
        return;
    ru->cur_budget -= delta;
    if (ru->cur_budget <= 0) {
        if (ru->extratime) {
            rtds_refill(ru);
        } else {
            ru->cur_budget = 0; /* what was run too long is not held against it */
            ru->depleted = true;
        }
    }
    trace_burn(ru, delta);
}

/* ---- run queue and depleted queue ------------------------------------------------------------------------------- */

void rtds_queue_insert(struct rtds_pool *p, struct rtds_unit *ru)
{
    struct list_head *pos;
    uint32_t looked_at = 1;

    ASSERT(!rtds_queued(ru) && rtds_on_replq(ru));
    if (!rtds_may_run(ru)) {
        list_add(&ru->q_elem, &p->depletedq);
        return;
    }
    list_for_each (pos, &p->runq) {
        if (rtds_before(ru, rtds_q_entry(pos)))
            break;
        looked_at++;
    }
    list_add_tail(&ru->q_elem, pos);
    port_count(PERFC_sched_runq_scan, looked_at);
}

void rtds_queue_remove(struct rtds_unit *ru)
{
    ASSERT(rtds_queued(ru));
    list_del_init(&ru->q_elem);
}

struct rtds_unit *rtds_queue_pick(struct rtds_pool *p, pcpu_id c)
{
    struct list_head *pos;
    uint32_t looked_at = 1;

    list_for_each (pos, &p->runq) {
        struct rtds_unit *ru = rtds_q_entry(pos);
        if (cpumask_test(&ru->unit->hard, c) && cpumask_test(unit_pool_res(ru->unit), c)) {
            uint32_t w[5] = {trace_v(ru->unit->vcpu_list)};
            trace_words64(w + 1, ru->cur_deadline);
            trace_words64(w + 3, ru->cur_budget);
            port_trace(TRC_RTDS_RUNQ_PICK, 5, w);
            port_count(PERFC_sched_runq_scan, looked_at);
            return ru;
        }
        looked_at++;
    }
    port_count(PERFC_sched_runq_scan, looked_at);
    return NULL;
}

/* ---- replenishment queue ---------------------------------------------------------------------------------------- */

void rtds_replq_arm(struct rtds_pool *p)
{
    struct timer *t = &p->repl_timer;

    if (cpumask_empty(&p->cpus))
        return; /* nobody is there to wait for it */
    if (list_empty(&p->replq)) {
        timer_stop(t);
        return;
    }
    s_time_t at = rtds_replq_entry(p->replq.next)->cur_deadline;
    if (!timer_active(t) || t->expires != at)
        timer_set(t, at);
}

/*
 * In the order in which units are served: a level that extratime has raised makes an early deadline wait behind those
 * of lower levels, and so come late. From the deadlines alone, where this is mended.
 */
static bool replenished_before(const struct rtds_unit *a, const struct rtds_unit *b)
{
    return quirk(rtds_replq_by_level) ? rtds_before(a, b) : a->cur_deadline < b->cur_deadline;
}

static void replq_place(struct rtds_pool *p, struct rtds_unit *ru)
{
    struct list_head *pos;
    uint32_t looked_at = 1;

    ASSERT(!rtds_on_replq(ru));
    list_for_each (pos, &p->replq) {
        if (replenished_before(ru, rtds_replq_entry(pos)))
            break;
        looked_at++;
    }
    list_add_tail(&ru->replq_elem, pos);
    port_count(PERFC_sched_runq_scan, looked_at);
}

void rtds_replq_insert(struct rtds_pool *p, struct rtds_unit *ru)
{
    replq_place(p, ru);
    if (p->replq.next == &ru->replq_elem)
        rtds_replq_arm(p);
}

void rtds_replq_remove(struct rtds_pool *p, struct rtds_unit *ru)
{
    if (!rtds_on_replq(ru))
        return;
    bool first = p->replq.next == &ru->replq_elem;
    list_del_init(&ru->replq_elem);
    if (first)
        rtds_replq_arm(p);
}

void rtds_replq_reinsert(struct rtds_pool *p, struct rtds_unit *ru)
{
    ASSERT(rtds_on_replq(ru));
    list_del_init(&ru->replq_elem);
    replq_place(p, ru);
    rtds_replq_arm(p);
}

/* ru was replenished: does a pCPU have to look at the queue? */
static void tickle_after_replenishment(struct rtds_pool *p, struct rtds_unit *ru)
{
    if (curr_on_cpu(ru->unit->processor) == ru->unit) {
        /* Its deadline is later now: perhaps it is no longer the one to run. */
        if (!list_empty(&p->runq) && rtds_before(rtds_q_entry(p->runq.next), ru))
            rtds_tickle(p, rtds_q_entry(p->runq.next));
        return;
    }
    bool was_depleted = ru->depleted;
    ru->depleted = false;
    /* One that waited on a level of extratime is level 0 again, which Xen lets nobody know. */
    if (rtds_queued(ru) && (was_depleted || (ru->was_behind && !quirk(rtds_replenish_quiet))))
        rtds_tickle(p, ru);
}

void rtds_replenish(void *pool)
{
    struct rtds_pool *p = pool;
    struct list_head due, *pos, *tmp;
    uint32_t replenished = 0;

    list_init(&due);
    port_lock(p->lock);
    s_time_t now = port_now();
    /* First all new deadlines, then who has to run: else the first of them would be compared with the old ones. */
    list_for_each_safe (pos, tmp, &p->replq) {
        struct rtds_unit *ru = rtds_replq_entry(pos);
        if (now < ru->cur_deadline)
            break;
        ru->was_behind = ru->level > 0;
        if (!rtds_may_run(ru))
            ru->unit->eligible_since = now;
        list_del_init(&ru->replq_elem);
        list_add_tail(&ru->replq_elem, &due);
        rtds_update_deadline(ru, now);
        replenished++;
        if (rtds_queued(ru)) {
            rtds_queue_remove(ru);
            rtds_queue_insert(p, ru);
        }
    }
    list_for_each_safe (pos, tmp, &due) {
        struct rtds_unit *ru = rtds_replq_entry(pos);
        tickle_after_replenishment(p, ru);
        list_del_init(&ru->replq_elem);
        replq_place(p, ru);
    }
    rtds_replq_arm(p);
    port_unlock(p->lock);
    port_count(PERFC_sched_acct_vcpu, replenished);
}

/* ---- tickle ----------------------------------------------------------------------------------------------------- */

static void tickle_cpu(struct rtds_pool *p, pcpu_id c)
{
    trace1(TRC_RTDS_TICKLE, c.n);
    port_count(PERFC_sched_tickle, 1);
    cpumask_set(&p->tickled, c);
    softirq_raise_on(c, SCHEDULE_SOFTIRQ);
}

void rtds_tickle(struct rtds_pool *p, struct rtds_unit *new)
{
    struct rtds_unit *worst = NULL;
    cpumask_t left; /* who was tickled already has more urgent things to look at */
    uint32_t looked_at = 0;

    cpumask_and(&left, &new->unit->hard, unit_pool_res(new->unit));
    cpumask_andnot(&left, &left, &p->tickled);
    for (pcpu_id c = cpumask_test_or_cycle(new->unit->processor, &left); pcpu_valid(c); c = cpumask_cycle(c, &left)) {
        struct sched_unit *cur = curr_on_cpu(c);
        looked_at++;
        if (is_idle_unit(cur)) {
            port_count(PERFC_sched_pick_cpu, looked_at);
            tickle_cpu(p, c);
            return;
        }
        if (!worst || rtds_before(worst, rtds_unit_of(cur)))
            worst = rtds_unit_of(cur);
        cpumask_clear(&left, c);
    }
    port_count(PERFC_sched_pick_cpu, looked_at);
    if (worst && rtds_before(new, worst))
        tickle_cpu(p, worst->unit->processor);
}

/* Does a pCPU idle that u may use and that nobody has told of anything? this: what decides now, which is none. */
static bool idle_for(const struct rtds_pool *p, const struct sched_unit *u, pcpu_id this)
{
    cpumask_t left;
    pcpu_id c;

    cpumask_and(&left, &u->hard, unit_pool_res(u));
    cpumask_andnot(&left, &left, &p->tickled);
    cpumask_clear(&left, this);
    for_each_cpu (c, &left) {
        if (cpu_runs_idle(c))
            return true;
    }
    return false;
}

void rtds_pass_on(struct rtds_pool *p, pcpu_id this)
{
    struct list_head *pos;

    if (quirk(rtds_passed_over))
        return;
    list_for_each (pos, &p->runq) {
        struct rtds_unit *ru = rtds_q_entry(pos);
        if (rtds_may_run(ru) && idle_for(p, ru->unit, this)) {
            cpumask_set(&p->tickled, this); /* it has looked */
            rtds_tickle(p, ru);
            cpumask_clear(&p->tickled, this);
            return; /* who is told goes on */
        }
    }
}
