/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SEDF: simple earliest deadline first, as of Xen 4.3. (Gone since 4.6: the quirk sched_sedf says which levels have
 * it.)
 *
 * Design. Each unit has a period and a slice: in every period it gets the slice, before the period's end (its
 * deadline). What is left of the pCPU is extra time, for those that take part in it. Every pCPU schedules by itself, on
 * four queues; a unit is moved to another pCPU only when it may not be on its own any more.
 *
 *   runq    its period has begun and its slice is not used up; by deadline. The first one runs.
 *   waitq   it waits for its next period; by the beginning of that. With a slice of 0 (a new unit, dom0's too: period
 *           100 ms) it always waits.
 *   extraq  those that may have extra time, by score, the lowest first; used when the runq is empty. In quanta of
 *           500 us, and only if as much is left before a period begins: the pCPU idles for the rest.
 *     L0    "penalty": who lost a part of his slice because he blocked; score = period / lost
 *     L1    "utilisation": who is aware of extra time; after a quantum the score is 2^17 / weight (without weight:
 *           period / slice), and everybody else's is less by the score that the quantum was got with. So quanta are
 *           shared by weight.
 *
 * A unit of an extraq is on the waitq (or runq) too: it is on the runq or waitq exactly if it is runnable, or runs.
 *
 *   used up    deadline += period; what was too much counts in the next period
 *   missed     (at the head of the runq, the deadline past): a fresh slice, in the period that the time is in
 *   wake       the period is still open: a short block. There is no more of this period: deadline += period, fresh
 *              slice. What was left of the slice is the loss that puts it on L0. The period is over: a long block. A
 *              period begins: deadline = now + period, fresh slice.
 *              The first time: as a short block, in a period that ends with the slice.
 *   weights    a domain with a weight, in "weight mode", has a period of 100 ms and, of what the fixed slices leave of
 *              95 ms on a pCPU, the share of its weight. Computed anew at every change of parameters, not when units
 *              move. A pCPU that is booked out leaves a slice of 0.
 *
 * Nothing checks that the slices fit: who overbooks a pCPU misses deadlines. The latency hint is stored and told; the
 * modes that scaled a period down to it had gone by 4.3.
 *
 * Invariants: runq sorted by deadline, waitq by begin, extraqs by score; a unit is on L0 or L1 only if it is on the
 * runq or waitq; who is asleep and does not run is on no queue; 0 <= used time.
 *
 * Locking. All of a unit and its queues is under the schedule lock of its pCPU. Changes of parameters are one at a
 * time, under the instance's lock, which comes before the schedule locks.
 */
#ifndef SCHED_SEDF_H
#define SCHED_SEDF_H

#include "private.h"

#define SEDF_PERIOD_MAX MILLISECS(10000)
#define SEDF_PERIOD_MIN MICROSECS(10)
#define SEDF_SLICE_MIN MICROSECS(5)
#define SEDF_EXTRA_QUANTUM MICROSECS(500)
#define SEDF_WEIGHT_PERIOD MILLISECS(100)
#define SEDF_WEIGHT_SAFETY MILLISECS(5)
#define SEDF_WEIGHT_MAX 65535u     /* what Xen's short holds */
#define SEDF_IDLE_SLICE SECONDS(1) /* all queues are empty */
#define SEDF_SCORE_SHIFT 10        /* scores of periods and slices */
#define SEDF_SCORE_FULL (1 << 17)  /* / weight: 128 stands for the whole pCPU */
#define SEDF_DEFAULT_EXTRAWEIGHT 1u

enum sedf_extraq { SEDF_L0, SEDF_L1, SEDF_EXTRAQ_NR };

struct sedf_pool {
    struct hv_lock lock; /* changes of parameters */
};

struct sedf_pcpu {
    struct list_head runq, waitq, extraq[SEDF_EXTRAQ_NR];
    s_time_t slice_expires; /* of the current decision */
    unsigned left;          /* how often a unit left runq or waitq since one was last chosen to run; for the check */
};

struct sedf_unit {
    struct sched_unit *unit;
    struct list_head elem;                  /* of runq or waitq; empty: of neither */
    struct list_head extra[SEDF_EXTRAQ_NR]; /* empty: not on it */
    int64_t score[SEDF_EXTRAQ_NR];

    /* parameters */
    s_time_t period, slice, latency;
    uint32_t weight;      /* of weight mode, 0: the slice is given */
    uint32_t extraweight; /* on L1, 0: by period / slice */
    bool extra_aware;

    bool asleep;
    bool wants_l0;
    bool runs_extra; /* the current one has extra time, of queue extra_from */
    enum sedf_extraq extra_from;
    s_time_t deadline; /* end of the current period; 0: has never been awake */
    s_time_t used;     /* of the slice */
    s_time_t started;  /* when it was last chosen */
    s_time_t blocked;  /* when it last stopped because it could not run; 0: never */
    s_time_t lost;     /* of the slice, by a short block: what L0 is to make good */
};

static inline struct sedf_pool *sedf_pool_of(const struct scheduler *s)
{
    return s->priv;
}
static inline struct sedf_pcpu *sedf_pcpu_of(pcpu_id c)
{
    return sched_res(c)->priv;
}
/* NULL for an idle unit. */
static inline struct sedf_unit *sedf_unit_of(const struct sched_unit *u)
{
    return u->priv;
}
static inline struct sedf_unit *sedf_entry(const struct list_head *elem)
{
    return list_entry(elem, struct sedf_unit, elem);
}
static inline struct sedf_unit *sedf_extra_entry(const struct list_head *elem, enum sedf_extraq q)
{
    return q == SEDF_L0 ? list_entry(elem, struct sedf_unit, extra[SEDF_L0])
                        : list_entry(elem, struct sedf_unit, extra[SEDF_L1]);
}
static inline s_time_t sedf_begin(const struct sedf_unit *su)
{
    return su->deadline - su->period;
}
static inline bool sedf_queued(const struct sedf_unit *su)
{
    return !list_empty(&su->elem);
}
static inline bool sedf_on_extraq(const struct sedf_unit *su, enum sedf_extraq q)
{
    return !list_empty(&su->extra[q]);
}

/* ---- sedf_queue.c: schedule lock of the unit's pCPU held -------------------------------------------------------- */

/* To the runq or waitq of its pCPU, as the time asks; equal ones: behind. */
void sedf_enqueue(struct sedf_unit *su, s_time_t now);
void sedf_dequeue(struct sedf_unit *su);
/* By score, behind equal ones; the scores of all others become less by sub. */
void sedf_extraq_add(struct sedf_unit *su, enum sedf_extraq q, int64_t sub);
void sedf_extraq_del(struct sedf_unit *su, enum sedf_extraq q);
/* Off all four queues. */
void sedf_leave_queues(struct sedf_unit *su);
/* Periods begin; deadlines were missed. */
void sedf_update_queues(struct sedf_pcpu *p, s_time_t now);

/* ---- sedf_check.c ---- */
const char *sedf_check(struct scheduler *s, bool quiescent);
const char *sedf_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent);
void sedf_dump_cpu(struct scheduler *s, pcpu_id c);
void sedf_dump_settings(struct scheduler *s);

#endif
