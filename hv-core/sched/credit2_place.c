/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credit2: which pCPU, which run queue. Pick decides where a unit that is being placed goes, tickle which pCPU of its
 * queue is told to look at a unit that was queued, balance_load which units change queues.
 */
#include "credit2.h"

#define LOAD_UNKNOWN S_TIME_MAX /* its lock is taken: nobody goes there */

/* ---- pick ------------------------------------------------------------------------------------------------------- */

/*
 * Without looking at loads: where it is, else in the queue where it is, else anywhere; first by soft affinity, then by
 * hard affinity.
 */
static pcpu_id pick_fallback(const struct sched_unit *u)
{
    const struct credit2_runq *rq = credit2_unit_of(u)->rq;
    cpumask_t mask, here;

    for (enum affinity_step step = BALANCE_SOFT; step < BALANCE_NR; step++) {
        if (step == BALANCE_SOFT && !has_soft_affinity(u))
            continue;
        affinity_mask(u, step, &mask);
        if (cpumask_test(&mask, u->processor))
            return u->processor;
        if (rq) {
            cpumask_and(&here, &mask, &rq->active);
            if (!cpumask_empty(&here))
                return cpumask_first(&here);
        }
    }
    return cpumask_first(&mask);
}

/* The load of rq without cu. Its lock is taken if it is not held already. */
static s_time_t load_without(struct credit2_runq *rq, const struct credit2_unit *cu, const struct credit2_runq *held)
{
    s_time_t load = LOAD_UNKNOWN;

    if (rq == cu->rq)
        return rq->b_avgload > cu->avgload ? rq->b_avgload - cu->avgload : 0;
    if (rq == held)
        return rq->b_avgload;
    if (port_trylock(rq->lock)) {
        load = rq->b_avgload;
        port_unlock(rq->lock);
    }
    return load;
}

static struct credit2_runq *runq_by_id(const struct credit2_pool *p, unsigned id)
{
    struct list_head *pos;
    list_for_each (pos, &p->runqs)
        if (credit2_runq_of(pos)->id == id)
            return credit2_runq_of(pos);
    return NULL;
}

/* A pCPU of rq that is in mask: the next one after that chosen last. */
static pcpu_id rotate(const struct credit2_runq *rq, const cpumask_t *mask, pcpu_id bias)
{
    cpumask_t here;
    cpumask_and(&here, mask, &rq->active);
    return quirk(credit2_first_pcpu) ? cpumask_first(&here) : cpumask_cycle(bias, &here);
}

static void trace_picked(const struct sched_unit *u, s_time_t load, unsigned rq, pcpu_id c)
{
    const uint32_t rec[] = {(uint32_t)load, (uint32_t)((uint64_t)load >> 32), credit2_trace_u(u),
                            credit2_pair(rq, c.n)};
    credit2_trace(TRC_CSCHED2_PICKED_CPU, 4, rec);
}

/* The queue with the lowest load, first among those that have pCPUs of the soft affinity. pool.lock held. */
static pcpu_id pick_by_load(struct credit2_pool *p, struct sched_unit *u, const cpumask_t *hard)
{
    struct credit2_unit *cu = credit2_unit_of(u);
    const struct credit2_runq *held = credit2_rq(u->processor);
    struct credit2_runq *best = NULL, *best_soft = NULL;
    s_time_t min = LOAD_UNKNOWN, min_soft = LOAD_UNKNOWN;
    bool has_soft = has_soft_affinity(u);
    cpumask_t soft;
    struct list_head *pos;
    uint32_t seen = 0;

    if (has_soft)
        affinity_mask(u, BALANCE_SOFT, &soft);
    list_for_each (pos, &p->runqs) {
        struct credit2_runq *rq = credit2_runq_of(pos);
        if (!cpumask_intersects(hard, &rq->active))
            continue;
        seen++;
        s_time_t load = load_without(rq, cu, held);
        if (has_soft && load < min_soft && cpumask_intersects(&soft, &rq->active)) {
            min_soft = load;
            best_soft = rq;
        }
        if (load < min) {
            min = load;
            best = rq;
        }
    }
    port_count(PERFC_sched_pick_cpu, seen);
    if (!best)
        return PCPU_INVALID;

    const cpumask_t *mask = best_soft ? &soft : hard;
    struct credit2_runq *chosen = best_soft ? best_soft : best;
    struct credit2_runq *biased = quirk(credit2_pick_bias_hard) ? best : chosen;
    pcpu_id c = rotate(chosen, mask, biased->pick_bias);
    biased->pick_bias = c;
    trace_picked(u, best_soft ? min_soft : min, chosen->id, c);
    return c;
}

pcpu_id credit2_pick(struct scheduler *s, struct sched_unit *u)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_unit *cu = credit2_unit_of(u);
    pcpu_id c = PCPU_INVALID;
    cpumask_t hard;

    bool asked = credit2_flag_clear(cu, CREDIT2_MIGRATE_REQUEST);
    if (!credit2_trylock(p))
        return quirk(credit2_no_affinity) && cpumask_test(unit_pool_res(u), u->processor) ? u->processor
                                                                                          : pick_fallback(u);
    credit2_hard_mask(u, &hard);
    if (asked) {
        const struct credit2_runq *rq = runq_by_id(p, cu->migrate_rq);
        if (rq)
            c = rotate(rq, &hard, rq->pick_bias);
        if (pcpu_valid(c))
            trace_picked(u, rq->b_avgload, rq->id, c);
    }
    if (!pcpu_valid(c))
        c = pick_by_load(p, u, &hard);
    credit2_unlock(p);
    return pcpu_valid(c) ? c : pick_fallback(u);
}

/* ---- tickle ----------------------------------------------------------------------------------------------------- */

static void trace_check(const struct credit2_unit *cur, s_time_t score)
{
    const uint32_t rec[] = {credit2_trace_u(cur->unit), (uint32_t)cur->credit, (uint32_t)score};
    port_trace(TRC_CSCHED2_TICKLE_CHECK, quirk(credit2_trace_swapped) ? 2 : 3, rec);
}

static void tickle(struct credit2_runq *rq, pcpu_id c)
{
    const uint32_t rec[] = {c.n};
    port_trace(TRC_CSCHED2_TICKLE, 1, rec);
    credit2_tickle_cpu(rq, c);
}

/*
 * How much new deserves busy pCPU c more than what runs there; not above 0: not at all. Credit decides whether, then
 * what suits both soft affinities counts more than credit can.
 */
static s_time_t tickle_score(const struct credit2_pool *p, struct credit2_runq *rq, const struct credit2_unit *new,
                             pcpu_id c, s_time_t now)
{
    struct credit2_unit *cur = credit2_unit_of(curr_on_cpu(c));
    s_time_t protected = MICROSECS(p->ratelimit_us) - CREDIT2_TICKLE_TOLERANCE;

    /* Idle, but not in the mask of the idle: it runs a tasklet. */
    if (is_idle_unit(cur->unit) || (protected > 0 && now - cur->unit->state_entry <= protected))
        return -1;
    credit2_burn(rq, cur, now);
    s_time_t score = new->credit - cur->credit;
    if (!pcpu_eq(new->unit->processor, c))
        score -= p->migrate_resist;
    if (score > 0) {
        if (cpumask_test(&new->unit->soft, c))
            score += CREDIT2_CREDIT_INIT;
        if (!cpumask_test(&cur->unit->soft, c))
            score += CREDIT2_CREDIT_INIT;
    }
    trace_check(cur, score);
    return score;
}

/* An idle pCPU for new, that nobody has been told about yet: of an idle core if possible. */
static pcpu_id find_idle(const struct credit2_pool *p, const struct credit2_runq *rq, const struct sched_unit *u)
{
    cpumask_t allowed, mask;

    for (enum affinity_step step = BALANCE_SOFT; step < BALANCE_NR; step++) {
        if (step == BALANCE_SOFT && !has_soft_affinity(u))
            continue;
        affinity_mask(u, step, &allowed);
        if (p->smt_power_savings)
            cpumask_andnot(&mask, &rq->idle, &rq->smt_idle);
        else
            cpumask_copy(&mask, &rq->smt_idle);
        cpumask_and(&mask, &mask, &allowed);
        pcpu_id c = cpumask_test_or_cycle(u->processor, &mask);
        if (!pcpu_valid(c)) {
            cpumask_andnot(&mask, &rq->idle, &rq->tickled);
            cpumask_and(&mask, &mask, &allowed);
            c = cpumask_test_or_cycle(u->processor, &mask);
        }
        if (pcpu_valid(c))
            return c;
    }
    return PCPU_INVALID;
}

/* The busy pCPU that new deserves most; its own, if that does and suits its soft affinity. */
static pcpu_id find_busy(const struct credit2_pool *p, struct credit2_runq *rq, const struct credit2_unit *new,
                         s_time_t now)
{
    pcpu_id own = new->unit->processor, best = PCPU_INVALID, c;
    s_time_t max = 0;
    cpumask_t mask, hard;
    uint32_t seen = 0;

    credit2_hard_mask(new->unit, &hard);
    cpumask_andnot(&mask, &rq->active, &rq->idle);
    cpumask_andnot(&mask, &mask, &rq->tickled);
    cpumask_and(&mask, &mask, &hard);
    if (cpumask_test(&mask, own)) {
        cpumask_clear(&mask, own);
        seen++;
        max = tickle_score(p, rq, new, own, now);
        if (max > 0)
            best = own;
        if (max > 0 && cpumask_test(&new->unit->soft, own))
            return own;
        max = max > 0 ? max : 0;
    }
    for_each_cpu (c, &mask) {
        s_time_t score = tickle_score(p, rq, new, c, now);
        seen++;
        if (score > max) {
            max = score;
            best = c;
        }
    }
    port_count(PERFC_sched_balance_peer, seen);
    return best;
}

/* 4.3: preempting on the own pCPU comes before an idle one; then the one that is furthest behind. */
static pcpu_id find_own_first(const struct credit2_pool *p, struct credit2_runq *rq, const struct credit2_unit *new,
                              s_time_t now)
{
    pcpu_id own = new->unit->processor, best = PCPU_INVALID, c;
    struct credit2_unit *cur = credit2_unit_of(curr_on_cpu(own));
    s_time_t lowest = S_TIME_MAX;
    cpumask_t mask, pool;
    uint32_t seen = 1;

    credit2_hard_mask(new->unit, &pool);
    credit2_burn(rq, cur, now);
    if (cpumask_test(&pool, own) && cur->credit < new->credit)
        return own;
    cpumask_andnot(&mask, &rq->idle, &rq->tickled);
    cpumask_and(&mask, &mask, &pool);
    if (!cpumask_empty(&mask))
        return cpumask_first(&mask);
    cpumask_andnot(&mask, &rq->active, &rq->idle);
    cpumask_andnot(&mask, &mask, &rq->tickled);
    cpumask_and(&mask, &mask, &pool);
    for_each_cpu (c, &mask) {
        cur = credit2_unit_of(curr_on_cpu(c));
        if (pcpu_eq(c, own) || is_idle_unit(cur->unit))
            continue;
        seen++;
        credit2_burn(rq, cur, now);
        trace_check(cur, 0);
        if (cur->credit < lowest) {
            lowest = cur->credit;
            best = c;
        }
    }
    port_count(PERFC_sched_balance_peer, seen);
    return pcpu_valid(best) && lowest + p->migrate_resist <= new->credit ? best : PCPU_INVALID;
}

void credit2_tickle(struct credit2_pool *p, struct credit2_unit *new, s_time_t now)
{
    struct credit2_runq *rq = new->rq;
    const struct sched_unit *u = new->unit;
    pcpu_id own = u->processor, c;

    const uint32_t rec[] = {credit2_trace_u(u), own.n, (uint32_t) new->credit};
    credit2_trace(TRC_CSCHED2_TICKLE_NEW, 3, rec);
    if (quirk(credit2_tickle_own_first)) {
        c = find_own_first(p, rq, new, now);
    } else if ((new->flags &CREDIT2_PINNED) && cpumask_test(&u->hard, own) && cpumask_test(&rq->idle, own) &&
               !cpumask_test(&rq->tickled, own)) {
        c = own; /* nothing to look for */
    } else {
        c = find_idle(p, rq, u);
        if (!pcpu_valid(c))
            c = find_busy(p, rq, new, now);
    }
    if (!pcpu_valid(c))
        return;
    tickle(rq, c);
    if (!quirk(credit2_tickle_own_first))
        new->tickled_cpu = c;
}

void credit2_offer_again(struct credit2_pool *p, struct credit2_runq *rq, pcpu_id c)
{
    struct list_head *pos;
    uint32_t seen = 0;

    credit2_mark_tickled(rq, c, true); /* not to itself: it has just decided */
    list_for_each (pos, &rq->runq) {
        struct credit2_unit *cu = credit2_runq_entry(pos);
        seen++;
        if (!pcpu_eq(cu->tickled_cpu, c))
            continue;
        cu->tickled_cpu = find_idle(p, rq, cu->unit);
        if (pcpu_valid(cu->tickled_cpu))
            tickle(rq, cu->tickled_cpu);
    }
    credit2_mark_tickled(rq, c, false);
    port_count(PERFC_sched_runq_scan, seen);
}

/* ---- between queues --------------------------------------------------------------------------------------------- */

void credit2_move(struct credit2_pool *p, struct credit2_unit *cu, struct credit2_runq *to, s_time_t now)
{
    struct sched_unit *u = cu->unit;
    const uint32_t rec[] = {credit2_trace_u(u), credit2_pair(cu->rq->id, to->id)};
    cpumask_t hard;

    credit2_trace(TRC_CSCHED2_MIGRATE, 2, rec);
    if (cu->flags & CREDIT2_SCHEDULED) {
        cu->migrate_rq = to->id;
        cu->flags |= CREDIT2_MIGRATE_REQUEST;
        unit_set_migrating(u);
        if (quirk(credit2_tickle_own_first))
            softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
        else
            credit2_tickle_cpu(cu->rq, u->processor);
        return;
    }

    bool queued = credit2_queued(cu);
    if (queued) {
        credit2_runq_remove(cu);
        credit2_update_load(p, cu->rq, NULL, -1, now);
    }
    credit2_deassign_unit(cu);
    credit2_hard_mask(u, &hard);
    pcpu_id c = rotate(to, &hard, to->pick_bias);
    if (!pcpu_valid(c))
        c = cpumask_first(&to->active);
    to->pick_bias = c;
    sched_set_res(u, c);
    u->eligible_since = now;
    credit2_assign_unit(cu, to);
    if (queued) {
        credit2_update_load(p, to, NULL, 1, now);
        credit2_runq_insert(cu);
        credit2_tickle(p, cu, now);
    }
}

/* What balance_load looks for: the exchange that leaves the smallest difference. */
struct balance {
    struct credit2_runq *own, *other;
    s_time_t delta;
    struct credit2_unit *push, *pull;
};

static s_time_t difference(s_time_t a, s_time_t b)
{
    return a > b ? a - b : b - a;
}

static void consider(struct balance *b, struct credit2_unit *push, struct credit2_unit *pull)
{
    s_time_t net = (push ? push->avgload : 0) - (pull ? pull->avgload : 0); /* from own to other */
    s_time_t delta = difference(b->own->b_avgload - net, b->other->b_avgload + net);

    if (delta < b->delta) {
        b->delta = delta;
        b->push = push;
        b->pull = pull;
    }
}

static bool may_go(const struct credit2_unit *cu, const struct credit2_runq *to)
{
    cpumask_t hard;

    if (cu->flags & CREDIT2_MIGRATE_REQUEST)
        return false;
    credit2_hard_mask(cu->unit, &hard);
    return cpumask_intersects(&hard, &to->active);
}

/* Every pair, every one alone. Both locks held. */
static void find_exchange(struct credit2_pool *p, struct balance *b, s_time_t now)
{
    struct list_head *i, *j;
    uint32_t seen = 0;

    list_for_each (j, &b->other->units)
        credit2_update_unit_load(p, credit2_rq_entry(j), 0, now);
    list_for_each (i, &b->own->units) {
        struct credit2_unit *push = credit2_rq_entry(i);
        credit2_update_unit_load(p, push, 0, now);
        seen++;
        if (!may_go(push, b->other))
            continue;
        list_for_each (j, &b->other->units) {
            seen++;
            if (may_go(credit2_rq_entry(j), b->own))
                consider(b, push, credit2_rq_entry(j));
        }
        consider(b, push, NULL);
    }
    list_for_each (j, &b->other->units) {
        seen++;
        if (may_go(credit2_rq_entry(j), b->own))
            consider(b, NULL, credit2_rq_entry(j));
    }
    port_count(PERFC_sched_runq_scan, seen);
}

/* The queue whose load differs most; *last: the last one in order. pool.lock held. */
static struct credit2_runq *furthest(struct credit2_pool *p, struct balance *b, struct credit2_runq **last,
                                     s_time_t now)
{
    struct credit2_runq *found = NULL;
    struct list_head *pos;
    uint32_t seen = 0;

    b->delta = 0;
    list_for_each (pos, &p->runqs) {
        struct credit2_runq *rq = *last = credit2_runq_of(pos);
        if (rq == b->own || !port_trylock(rq->lock))
            continue;
        seen++;
        credit2_update_load(p, rq, NULL, 0, now);
        s_time_t delta = difference(b->own->b_avgload, rq->b_avgload);
        if (delta > b->delta) {
            b->delta = delta;
            found = rq;
        }
        port_unlock(rq->lock);
    }
    port_count(PERFC_sched_balance_peer, seen);
    return found;
}

/* Does the difference matter? More so once there is more to do than there are pCPUs. */
static bool worth_it(const struct credit2_pool *p, const struct balance *b, const struct credit2_runq *than)
{
    s_time_t load = b->own->b_avgload > than->b_avgload ? b->own->b_avgload : than->b_avgload;
    s_time_t cpus = hv_max_u(b->own->nr_cpus, than->nr_cpus);
    bool over = load >= cpus << p->load_precision_shift;
    int shift = (int)p->load_precision_shift + (over ? p->balance_over : p->balance_under);
    const uint32_t rec[] = {credit2_pair(b->own->id, b->other->id), (uint32_t)b->delta};

    credit2_trace(TRC_CSCHED2_LOAD_CHECK, 2, rec);
    return b->delta >= (s_time_t)1 << shift;
}

#define BALANCE_TRIES 4 /* the lock of the chosen queue may be taken again and again */

void credit2_balance_load(struct credit2_pool *p, struct credit2_runq *rq, s_time_t now)
{
    struct balance b = {.own = rq};

    credit2_update_load(p, rq, NULL, 0, now);
    for (unsigned tries = 0; tries < BALANCE_TRIES; tries++) {
        struct credit2_runq *last = rq;
        if (!credit2_trylock(p))
            return;
        b.other = furthest(p, &b, &last, now);
        bool go = b.other && worth_it(p, &b, quirk(credit2_balance_last_queue) ? last : b.other);
        /* Found in the list, and locked before the list may change. */
        bool locked = go && port_trylock(b.other->lock);
        credit2_unlock(p);
        if (!go)
            return;
        if (!locked)
            continue;

        uint64_t own = (uint64_t)rq->b_avgload, other = (uint64_t)b.other->b_avgload;
        const uint32_t rec[] = {(uint32_t)own,
                                (uint32_t)(own >> 32),
                                (uint32_t)other,
                                (uint32_t)(other >> 32),
                                credit2_pair(rq->id, b.other->id),
                                0};
        credit2_trace(TRC_CSCHED2_LOAD_BALANCE, 6, rec);
        find_exchange(p, &b, now);
        if (b.push)
            credit2_move(p, b.push, b.other, now);
        if (b.pull)
            credit2_move(p, b.pull, rq, now);
        port_unlock(b.other->lock);
        return;
    }
}
