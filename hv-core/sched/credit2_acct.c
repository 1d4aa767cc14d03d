/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credit2: burning and earning, slices, caps.
 *
 * A unit of weight w that ran for t ns is charged t * max_weight / w; the remainder of the division is kept, so that
 * nothing is lost over time. The product fits: max_weight is below 2^16, and nothing runs unseen for 2^47 ns (39 h).
 */
#include "credit2.h"

/* ---- burning ---------------------------------------------------------------------------------------------------- */

void credit2_burn(struct credit2_runq *rq, struct credit2_unit *cu, s_time_t now)
{
    s_time_t delta = now - cu->start_time;

    if (is_idle_unit(cu->unit))
        return;
    if (delta > 0) {
        uint64_t work = (uint64_t)delta * rq->max_weight + cu->residual;
        cu->credit -= (s_time_t)(work / cu->weight);
        cu->residual = (uint32_t)(work % cu->weight);
        if (cu->credit < CREDIT2_CREDIT_MIN && !quirk(credit2_no_floor))
            cu->credit = CREDIT2_CREDIT_MIN;
        if (credit2_has_cap(cu))
            cu->budget -= delta;
        cu->start_time = now;
    }
    uint32_t rec[] = {credit2_trace_u(cu->unit), (uint32_t)cu->credit,
                      credit2_has_cap(cu) ? (uint32_t)cu->budget : 0x80000000u, (uint32_t)delta};
    if (quirk(credit2_trace_swapped))
        rec[2] = rec[3]; /* 4.3: without the budget */
    port_trace(TRC_CSCHED2_CREDIT_BURN, quirk(credit2_trace_swapped) ? 3 : 4, rec);
}

s_time_t credit2_time_of(const struct credit2_runq *rq, const struct credit2_unit *cu, s_time_t credit)
{
    return credit * cu->weight / rq->max_weight;
}

/* ---- the end of an epoch ---------------------------------------------------------------------------------------- */

bool credit2_epoch_over(const struct credit2_runq *rq, const struct credit2_unit *next)
{
    s_time_t best = next->credit;

    if (!quirk(credit2_reset_on_next) && !list_empty(&rq->runq)) {
        s_time_t head = credit2_runq_entry(rq->runq.next)->credit;
        best = head > best ? head : best;
    }
    return best <= CREDIT2_CREDIT_RESET;
}

/* What everybody gets: enough for next to be above 0. */
static s_time_t reset_value(const struct credit2_unit *next)
{
    if (quirk(credit2_no_floor))
        return CREDIT2_CREDIT_INIT *
               (1 + (next->credit < -CREDIT2_CREDIT_INIT ? -next->credit / CREDIT2_CREDIT_INIT : 0));
    return next->credit == CREDIT2_CREDIT_MIN ? 2 * CREDIT2_CREDIT_INIT : CREDIT2_CREDIT_INIT;
}

/* The queue stays sorted: all in it get the same, and are cut off at the same height. */
void credit2_reset(struct credit2_runq *rq, struct credit2_unit *next, s_time_t now)
{
    s_time_t add = reset_value(next);
    struct list_head *pos;
    uint32_t seen = 0;

    list_for_each (pos, &rq->units) {
        struct credit2_unit *cu = credit2_rq_entry(pos);
        pcpu_id c = cu->unit->processor;
        seen++;
        if (curr_on_cpu(c) == cu->unit && !quirk(credit2_reset_stale)) {
            credit2_burn(rq, cu, now);
            if (credit2_has_cap(cu) && cu->budget <= 0)
                credit2_tickle_cpu(rq, c);
        }
        s_time_t start = cu->credit;
        cu->credit += add;
        if (cu->credit > CREDIT2_CREDIT_INIT + CREDIT2_CARRYOVER_MAX)
            cu->credit = CREDIT2_CREDIT_INIT + CREDIT2_CARRYOVER_MAX;
        cu->start_time = now;
        const uint32_t rec[] = {credit2_trace_u(cu->unit), (uint32_t)start, (uint32_t)cu->credit};
        port_trace(TRC_CSCHED2_CREDIT_RESET, 3, rec);
    }
    port_count(PERFC_sched_runq_scan, seen);
}

/* ---- the slice -------------------------------------------------------------------------------------------------- */

/* No shorter than this, so that switching does not eat up what it switches for. */
static s_time_t shortest_slice(const struct credit2_pool *p, const struct credit2_unit *next, s_time_t now)
{
    s_time_t limit = MICROSECS(p->ratelimit_us);

    if (limit && next->unit->is_running)
        limit = next->unit->state_entry + limit - now; /* what is left of it */
    return limit > CREDIT2_MIN_TIMER ? limit : CREDIT2_MIN_TIMER;
}

/*
 * Until next has no more credit than who waits, or none at all; as long as it has budget. That may be shorter than the
 * shortest slice, even negative, if who waits is ahead but was not taken from its pCPU.
 *
 * Who is about to be queued waits too. Xen until 4.21 does not see it (quirk credit2_two_hogs), so that of two burners
 * on a pCPU each runs until it has used up all its credit.
 */
s_time_t credit2_runtime(const struct credit2_pool *p, const struct credit2_runq *rq, const struct credit2_unit *next,
                         const struct credit2_unit *leaving, s_time_t now)
{
    s_time_t longest = quirk(credit2_short_slices) ? CREDIT2_MAX_TIMER_SHORT : CREDIT2_MAX_TIMER;
    s_time_t shortest = shortest_slice(p, next, now);
    s_time_t waiting = 0, credit = next->credit;

    if (is_idle_unit(next->unit))
        return quirk(credit2_short_slices) ? longest : -1;
    if (!list_empty(&rq->runq) && credit2_runq_entry(rq->runq.next)->credit > 0)
        waiting = credit2_runq_entry(rq->runq.next)->credit;
    if (leaving && leaving->credit > waiting && !quirk(credit2_two_hogs))
        waiting = leaving->credit;
    credit -= waiting;

    s_time_t time = credit > 0 ? credit2_time_of(rq, next, credit) : 0;
    if (credit2_has_cap(next) && next->budget < time)
        time = next->budget;
    if (time > longest)
        time = longest;
    return time < shortest ? shortest : time;
}

/* ---- caps ------------------------------------------------------------------------------------------------------- */

/* Out of the queue, until the domain has budget. Schedule lock and budget_lock held. */
static void park(struct credit2_pool *p, struct credit2_unit *cu, s_time_t now)
{
    cu->flags |= CREDIT2_PARKED;
    if (credit2_queued(cu)) {
        credit2_runq_remove(cu);
        credit2_update_load(p, cu->rq, cu, -1, now);
    }
    list_add(&cu->parked_elem, &cu->dom->parked);
}

bool credit2_grab_budget(struct credit2_pool *p, struct credit2_unit *cu, s_time_t now)
{
    struct credit2_dom *cd = cu->dom;

    if (cu->budget > 0)
        return true;
    port_lock(&cd->budget_lock);
    cd->budget += cu->budget; /* what it overran */
    cu->budget = 0;
    if (cd->budget > 0) {
        cu->budget = cd->budget < cu->quota ? cd->budget : cu->quota;
        cd->budget -= cu->budget;
    } else {
        park(p, cu, now);
    }
    port_unlock(&cd->budget_lock);
    return cu->budget > 0;
}

/* All that are parked, onto a list of the caller's. budget_lock held. */
static void take_parked(struct credit2_dom *cd, struct list_head *list)
{
    while (!list_empty(&cd->parked)) {
        struct credit2_unit *cu = list_first(&cd->parked, struct credit2_unit, parked_elem);
        list_del_init(&cu->parked_elem);
        list_add_tail(&cu->parked_elem, list);
        __atomic_fetch_add(&cu->unparking, 1, __ATOMIC_RELAXED);
    }
}

void credit2_return_budget(struct credit2_unit *cu, struct list_head *unpark)
{
    struct credit2_dom *cd = cu->dom;

    port_lock(&cd->budget_lock);
    cd->budget += cu->budget;
    cu->budget = 0;
    if (cd->budget > 0)
        take_parked(cd, unpark);
    port_unlock(&cd->budget_lock);
}

void credit2_unpark(struct credit2_pool *p, struct list_head *list)
{
    while (!list_empty(list)) {
        struct credit2_unit *cu = list_first(list, struct credit2_unit, parked_elem);
        struct hv_lock *lock = unit_schedule_lock(cu->unit);

        list_del_init(&cu->parked_elem);
        credit2_flag_clear(cu, CREDIT2_PARKED);
        if (cu->flags & CREDIT2_SCHEDULED) {
            cu->flags |= CREDIT2_DELAYED_RUNQ_ADD; /* not switched out yet */
        } else if (unit_runnable(cu->unit)) {
            s_time_t now = port_now();
            cu->unit->eligible_since = now;
            credit2_update_load(p, cu->rq, cu, 1, now);
            credit2_runq_insert(cu);
            credit2_tickle(p, cu, now);
        }
        port_unlock(lock);
        __atomic_fetch_sub(&cu->unparking, 1, __ATOMIC_RELEASE); /* from now on it may be freed */
    }
}

static bool nobody_unparks(void *arg)
{
    const struct credit2_unit *cu = arg;
    return __atomic_load_n(&cu->unparking, __ATOMIC_ACQUIRE) == 0;
}

void credit2_forget_parked(struct credit2_unit *cu)
{
    for (bool done = false; !done;) {
        port_relax_until(nobody_unparks, cu);
        port_lock(&cu->dom->budget_lock);
        done = nobody_unparks(cu);
        if (done) {
            list_del_init(&cu->parked_elem);
            credit2_flag_clear(cu, CREDIT2_PARKED);
        }
        port_unlock(&cu->dom->budget_lock);
    }
}

/* The timer can be late: then several periods at once. Never more than one period's worth is saved up. */
void credit2_replenish(void *dom)
{
    struct credit2_dom *cd = dom;
    struct credit2_pool *p = credit2_pool_of(cd->sched);
    s_time_t now = port_now();
    struct list_head unpark;

    list_init(&unpark);
    port_lock(&cd->budget_lock);
    if (!cd->cap) { /* switched off while this was on its way */
        port_unlock(&cd->budget_lock);
        return;
    }
    s_time_t periods = 1;
    if (cd->next_repl + p->cap_period <= now)
        periods += (now - cd->next_repl) / p->cap_period;
    cd->next_repl += periods * p->cap_period;
    cd->budget += periods * cd->tot_budget;
    if (cd->budget > 0) {
        if (cd->budget > cd->tot_budget)
            cd->budget = cd->tot_budget;
        take_parked(cd, &unpark);
    }
    s_time_t next = cd->next_repl;
    port_unlock(&cd->budget_lock);
    credit2_unpark(p, &unpark);
    timer_set(&cd->repl_timer, next);
}

/* A unit's part of the budget: all get one a period, but none that is not worth a switch. */
static s_time_t quota_of(const struct credit2_dom *cd)
{
    s_time_t quota = cd->tot_budget / (cd->nr_units ? cd->nr_units : 1);
    return quota > CREDIT2_MIN_TIMER ? quota : CREDIT2_MIN_TIMER;
}

/* cu, so far without cap, gets one: it must find budget when it is next looked at. Schedule lock held. */
static void start_budget(struct credit2_unit *cu)
{
    pcpu_id c = cu->unit->processor;

    if (cu->rq && curr_on_cpu(c) == cu->unit) {
        credit2_burn(cu->rq, cu, port_now());
        credit2_tickle_cpu(cu->rq, c);
    }
    cu->budget = 0;
}

void credit2_set_cap(struct credit2_pool *p, struct credit2_dom *cd, uint32_t cap)
{
    bool starts = cap && !cd->cap;
    struct sched_unit *u;
    struct list_head unpark;

    if (cap == cd->cap)
        return;
    list_init(&unpark);
    port_lock(&cd->budget_lock);
    cd->cap = cap;
    cd->tot_budget = p->cap_period * cap / 100;
    if (starts) {
        cd->budget = cd->tot_budget;
        cd->next_repl = port_now() + p->cap_period;
    }
    port_unlock(&cd->budget_lock);
    if (starts)
        timer_set(&cd->repl_timer, cd->next_repl);
    else if (!cap)
        timer_stop(&cd->repl_timer);

    for_each_unit(cd->domain, u)
    {
        struct credit2_unit *cu = credit2_unit_of(u);
        struct hv_lock *lock = unit_schedule_lock(u);
        if (cap) {
            cu->quota = quota_of(cd);
            if (starts)
                start_budget(cu);
        } else {
            cu->budget = CREDIT2_NO_BUDGET;
            cu->quota = 0;
        }
        port_unlock(lock);
    }
    if (!cap) {
        port_lock(&cd->budget_lock);
        take_parked(cd, &unpark);
        port_unlock(&cd->budget_lock);
        credit2_unpark(p, &unpark);
    }
}

/* ---- weights ---------------------------------------------------------------------------------------------------- */

void credit2_set_weight(struct credit2_dom *cd, uint32_t weight)
{
    uint32_t old = cd->weight;
    struct sched_unit *u;

    cd->weight = weight;
    for_each_unit(cd->domain, u)
    {
        struct credit2_unit *cu = credit2_unit_of(u);
        struct hv_lock *lock = unit_schedule_lock(u);
        cu->weight = weight;
        if (cu->rq)
            credit2_update_max_weight(cu->rq, weight, old);
        port_unlock(lock);
    }
}
