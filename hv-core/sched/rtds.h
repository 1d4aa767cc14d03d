/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RTDS, the real-time deferrable server scheduler, private: its state, and what its files offer to each other. Included
 * by rtds*.c and by their tests. (RTDS came with Xen 4.5, extratime with 4.10: at the levels of 4.2 and 4.3 it is an
 * anachronism, there for comparison.)
 *
 * Design. Global earliest deadline first over servers. A unit may run for its budget in each of its periods. It burns
 * budget while it runs, and keeps what it has while it sleeps (deferrable), until its deadline, the end of the period:
 * then the budget is full again, whatever was left of it, and the deadline a period later. A unit without budget is
 * depleted: it waits for its deadline even on an idle machine; but with extratime it gets another budget at once, one
 * priority level down. Who runs: the lowest level, in it the earliest deadline, of all units that may run on the pCPU.
 *
 *   run queue      runnable units that wait and have budget or extratime, in that order; one for the whole pool
 *   depleted queue runnable units that wait for their deadline, in no order
 *   replenishment queue  units that run or are in one of the two; its head's deadline is what the one timer is set to
 *
 * A unit that sleeps is in no queue; if its deadline passed, its wake does what the timer would have done. What is
 * queued anew is put behind its equals, and a unit that runs goes on only if it is strictly better than the best that
 * waits. There is no soft affinity, no cost of migration: a unit is where it ran last, and any pCPU that it may use
 * takes it from there.
 *
 * Invariants: in the run queue or the depleted queue iff runnable and not current; in one of them or current: in the
 * replenishment queue; 0 <= cur_budget <= filled; cur_budget > 0 or extratime in the run queue, cur_budget = 0 and no
 * extratime in the depleted queue; the timer is set iff the replenishment queue has a head, to its deadline, on a pCPU
 * of the pool.
 *
 * Locking: one lock for the pool. It is the schedule lock of all its resources, and protects all of the above.
 */
#ifndef SCHED_RTDS_H
#define SCHED_RTDS_H

#include "private.h"

#define RTDS_DEFAULT_PERIOD MICROSECS(10000)
#define RTDS_DEFAULT_BUDGET MICROSECS(4000)
#define RTDS_MIN_PERIOD MICROSECS(10) /* of the order of what the scheduler itself costs */
#define RTDS_MIN_BUDGET MICROSECS(10)
/* A deadline that lies back up to this many periods is moved period by period (no division), further ones at once. */
#define RTDS_UPDATE_LIMIT 1024

struct rtds_pool {
    struct hv_lock *lock;
    struct list_head runq, depletedq, replq;
    struct timer repl_timer;
    cpumask_t cpus;    /* resources of the pool */
    cpumask_t tickled; /* told to schedule, and have not yet */
};

struct rtds_unit {
    struct list_head q_elem; /* run queue or depleted queue; empty: neither */
    struct list_head replq_elem;
    struct sched_unit *unit;
    s_time_t period, budget; /* parameters, ns */
    s_time_t cur_budget;     /* left of it in this period */
    s_time_t filled;         /* what cur_budget was when it was last filled: parameters may have changed since */
    s_time_t cur_deadline;   /* absolute */
    s_time_t last_start;     /* of what is not burnt yet */
    uint32_t level;          /* how often extratime refilled the budget in this period; 0 is served first */
    bool extratime;
    bool scheduled;   /* runs, or its state is not saved yet */
    bool delayed_add; /* runnable again before its state is saved: to be queued then */
    bool depleted;    /* ran out of budget; until the timer replenishes it */
    bool was_behind;  /* inside the timer handler: was on a level above 0 */
};

static inline struct rtds_pool *rtds_pool_of(const struct scheduler *s)
{
    return s->priv;
}
static inline struct rtds_unit *rtds_unit_of(const struct sched_unit *u)
{
    return u->priv;
}
static inline struct rtds_unit *rtds_q_entry(struct list_head *e)
{
    return list_entry(e, struct rtds_unit, q_elem);
}
static inline struct rtds_unit *rtds_replq_entry(struct list_head *e)
{
    return list_entry(e, struct rtds_unit, replq_elem);
}
static inline bool rtds_queued(const struct rtds_unit *ru)
{
    return !list_empty(&ru->q_elem);
}
static inline bool rtds_on_replq(const struct rtds_unit *ru)
{
    return !list_empty(&ru->replq_elem);
}
/* May it run before its next deadline? */
static inline bool rtds_may_run(const struct rtds_unit *ru)
{
    return ru->cur_budget > 0 || ru->extratime;
}
/* Is a to be served before b? Not if they are equal. */
static inline bool rtds_before(const struct rtds_unit *a, const struct rtds_unit *b)
{
    return a->level != b->level ? a->level < b->level : a->cur_deadline < b->cur_deadline;
}

/* ---- rtds_queue.c: the pool's lock held -------------------------------------------------------------------------- */

/* now >= deadline: the deadline moves beyond now, the budget is full, the level 0. */
void rtds_update_deadline(struct rtds_unit *ru, s_time_t now);
/* Charge for the time from last_start to now. */
void rtds_burn(struct rtds_unit *ru, s_time_t now);
/* Extratime steps in: a full budget, one level down. */
void rtds_refill(struct rtds_unit *ru);

/* Into the run queue or the depleted queue; it is in the replenishment queue. */
void rtds_queue_insert(struct rtds_pool *p, struct rtds_unit *ru);
void rtds_queue_remove(struct rtds_unit *ru);
/* First of the run queue that may run on c; NULL: none. */
struct rtds_unit *rtds_queue_pick(struct rtds_pool *p, pcpu_id c);

void rtds_replq_insert(struct rtds_pool *p, struct rtds_unit *ru);
/* Nothing if it is not there. */
void rtds_replq_remove(struct rtds_pool *p, struct rtds_unit *ru);
/* Its deadline has changed. */
void rtds_replq_reinsert(struct rtds_pool *p, struct rtds_unit *ru);
/* Set the timer to the deadline of the head, stop it if there is none. */
void rtds_replq_arm(struct rtds_pool *p);
/* Timer handler: all whose deadline has come. Takes the lock. */
void rtds_replenish(void *pool);

/* Somebody should look at new, which was just queued: an idle pCPU, else the one that runs the least urgent unit. */
void rtds_tickle(struct rtds_pool *p, struct rtds_unit *new);
/* this was told to look and took what it may, or nothing: is another pCPU to look at who still waits? */
void rtds_pass_on(struct rtds_pool *p, pcpu_id this);

/* ---- rtds_check.c ------------------------------------------------------------------------------------------------ */

const char *rtds_check(struct scheduler *s, bool quiescent);
const char *rtds_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent);
void rtds_dump_settings(struct scheduler *s);
void rtds_dump_cpu(struct scheduler *s, pcpu_id c);

#endif
