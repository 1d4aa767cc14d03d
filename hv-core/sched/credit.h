/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The credit scheduler, private: its state, and what its files offer to each other. Included by credit*.c and by their
 * tests.
 *
 * Design. Every unit (here also: vCPU) has credits; 1 credit is 100 us of pCPU time. Who runs burns credits. Once per
 * time slice (30 ms) the accounting hands out what the pool earned, 300 credits per pCPU, over the domains that have
 * active vCPUs, by weight (per active vCPU) and up to the cap. Who has credits left is UNDER, who has none is OVER; the
 * queue of a pCPU is ordered by priority, first come first served within one.
 *
 *   BOOST   woken while UNDER: goes first, until a tick finds it running or an accounting pass sees it
 *   UNDER, OVER
 *   IDLE    the idle vCPU, which is in the queue whenever it does not run
 *
 * A vCPU becomes active when a tick (every 10 ms) finds it running, and inactive when it has saved up more than a
 * slice's worth of credits, of which it keeps half.
 *
 * Invariants: pool.weight = sum over active domains of weight x active vCPUs; a vCPU is in a queue iff it is runnable
 * and not current (idle: iff not current); a member of idlers runs idle, or is about to decide.
 *
 * struct credit_pool is one instance; it has the resources of one cpupool ("pCPUs" below).
 *
 * Locking: private.h. pool.lock protects accounting (active lists, weights); it is taken before schedule locks.
 * idlers is changed without a common lock (atomically), and read as a hint.
 */
#ifndef SCHED_CREDIT_H
#define SCHED_CREDIT_H

#include "affinity.h"

#define CREDIT_DEFAULT_WEIGHT 256u
#define CREDIT_PER_MS 10u         /* 1 credit = 100 us */
#define CREDIT_NS 100000          /* ns that 1 credit buys */
#define CREDIT_TICKS_PER_SLICE 3u /* 1 if the slice is shorter than 3 ms */
#define CREDIT_TSLICE_MS_DEFAULT 30u
#define CREDIT_TSLICE_MS_MIN 1u
#define CREDIT_TSLICE_MS_MAX 1000u
#define CREDIT_RATELIMIT_US_DEFAULT 1000u
#define CREDIT_RATELIMIT_US_MIN 100u
#define CREDIT_RATELIMIT_US_MAX 500000u
#define CREDIT_MIGRATION_DELAY_US_MAX 100000u
#define CREDIT_BALANCE_LIMIT MICROSECS(1000) /* between two balancing passes of a pCPU, from 4.19 on */
#define CREDIT_RATELIMIT_FLOOR 100           /* "us" in the source, compared as ns: kept by every level that has it */

enum credit_pri { PRI_BOOST = 0, PRI_UNDER = -1, PRI_OVER = -2, PRI_IDLE = -64 };

enum credit_flag {
    CREDIT_PARKED = 1u << 0, /* over its cap: paused until it has credits again */
    CREDIT_YIELD = 1u << 1,
    CREDIT_MIGRATING = 1u << 2 /* the next wake comes from a migration */
};

struct credit_pcpu {
    struct credit_pool *pool;
    pcpu_id cpu;
    struct list_head runq;
    uint32_t sorted; /* epoch of the last sort */
    struct timer ticker;
    pcpu_id idle_bias; /* where the last placement in this core or socket went */
    s_time_t last_balance;
};

struct credit_unit {
    struct list_head runq_elem; /* empty: not queued */
    int32_t pri;
    uint32_t flags; /* atomic */
    struct sched_unit *unit;
    struct credit_dom *dom;       /* NULL: idle */
    int32_t credit;               /* atomic */
    uint32_t residual;            /* what burn has not charged: credits x 10^-6 */
    s_time_t start_time;          /* of what is not burnt yet; relative to the switch while it does not run */
    struct list_head active_elem; /* empty: not active */
};

struct credit_dom {
    struct list_head active_vcpu;
    struct list_head active_elem; /* empty: no active vCPU */
    struct domain *domain;
    uint32_t active_count;
    uint32_t weight, cap; /* cap: % of one pCPU for the whole domain, 0: none */
    cpumask_t node_cpus;  /* pCPUs of the node affinity (4.3) */
};

struct credit_pool {
    struct scheduler *sched;
    struct hv_lock lock;
    struct list_head active_dom;
    unsigned ncpus;
    struct timer master_ticker; /* on the first pCPU that joined; when that leaves, on the first of the others */
    cpumask_t idlers, cpus;
    uint32_t weight, credit;
    int32_t balance;
    uint32_t epoch; /* accounting passes */
    unsigned tslice_ms, ratelimit_us;
    unsigned ticks_per_tslice, credits_per_tslice;
    s_time_t tick_period;
    s_time_t old_ticks_until; /* until then a tick of a longer period, which was before, can be on its way */
    s_time_t migration_delay; /* a vCPU that ran within it is cache-hot and not stolen */
    bool tickle_one_idle, smt_power_savings;
    pcpu_id balance_bias[HV_MAX_NODES];
};

static inline struct credit_pool *credit_pool_of(const struct scheduler *s)
{
    return s->priv;
}
static inline struct credit_pcpu *credit_pcpu_of(pcpu_id c)
{
    return sched_res(c)->priv;
}
static inline struct credit_unit *credit_unit_of(const struct sched_unit *u)
{
    return u->priv;
}
static inline struct credit_dom *credit_dom_of(const struct domain *d)
{
    return d->sched_priv;
}
static inline struct credit_unit *runq_entry(struct list_head *e)
{
    return list_entry(e, struct credit_unit, runq_elem);
}
static inline bool credit_queued(const struct credit_unit *cu)
{
    return !list_empty(&cu->runq_elem);
}
/* The flag was set. */
static inline bool credit_flag_clear(struct credit_unit *cu, enum credit_flag f)
{
    return __atomic_fetch_and(&cu->flags, ~(uint32_t)f, __ATOMIC_SEQ_CST) & f;
}
static inline void credit_flag_set(struct credit_unit *cu, enum credit_flag f)
{
    __atomic_fetch_or(&cu->flags, (uint32_t)f, __ATOMIC_SEQ_CST);
}
static inline bool credit_flag_test(const struct credit_unit *cu, enum credit_flag f)
{
    return __atomic_load_n(&cu->flags, __ATOMIC_RELAXED) & f;
}

/* ---- credit_queue.c: schedule lock of the queue's pCPU held -------------------------------------------------------
 */

void credit_queue_insert(pcpu_id c, struct credit_unit *cu);
void credit_queue_remove(struct credit_unit *cu);
/* Move all of priority UNDER and up before the others. Takes the schedule lock. */
void credit_queue_sort(struct credit_pool *p, pcpu_id c);

/* ---- credit_acct.c ------------------------------------------------------------------------------------------------
 */

void credit_pool_params(struct credit_pool *p, unsigned tslice_ms, unsigned ratelimit_us);
/* Charge cu for the time from start_time to now. */
void credit_burn(struct credit_unit *cu, s_time_t now);
/* Enter cu in / take it off the active lists. pool.lock held. */
void credit_activate(struct credit_pool *p, struct credit_unit *cu);
void credit_deactivate(struct credit_pool *p, struct credit_unit *cu);
/* One accounting pass; the pool's lock held. Arms nothing. */
void credit_account(struct credit_pool *p);
/* Timer handlers. */
void credit_tick(void *pcpu_priv);
void credit_master_tick(void *pool);

/* ---- credit_place.c -----------------------------------------------------------------------------------------------
 */

/*
 * The steps of pick, tickle and balance: within the soft affinity (4.3: the domain's node affinity), then within the
 * hard affinity. Does the step make a difference to u? The last one always does.
 */
bool credit_step_usable(const struct sched_unit *u, enum affinity_step step);
void credit_step_mask(const struct sched_unit *u, enum affinity_step step, cpumask_t *mask);
/* Best pCPU for u. commit: remember it for rotation (not from the tick). */
pcpu_id credit_pick(struct credit_pool *p, struct sched_unit *u, bool commit);
/* Somebody should look at new, which was just queued on pCPU c. Schedule lock of c held. */
void credit_tickle(struct credit_pool *p, pcpu_id c, struct credit_unit *new);
/* By the pCPU that tickled. */
extern pcpu_id credit_last_tickled[HV_MAX_PCPUS];
/* At boot: forget who was tickled last. */
void credit_place_reset(void);
void credit_set_node_affinity(struct scheduler *s, struct domain *d);

/* ---- credit_balance.c ---------------------------------------------------------------------------------------------
 */

/*
 * This pCPU c would run next, which is OVER or idle: better work of another pCPU, taken off its queue, or next itself,
 * taken off ours. Schedule lock of c held.
 */
struct credit_unit *credit_balance(struct credit_pool *p, pcpu_id c, struct credit_unit *next, s_time_t now,
                                   bool *stolen);

/* ---- credit_check.c -----------------------------------------------------------------------------------------------
 */

const char *credit_check(struct scheduler *s, bool quiescent);
const char *credit_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent);
bool credit_is_queued(struct scheduler *s, const struct sched_unit *u);
s_time_t credit_idle_limit(struct scheduler *s, const struct sched_unit *u, pcpu_id c);
void credit_dump_settings(struct scheduler *s);
void credit_dump_cpu(struct scheduler *s, pcpu_id c);

#endif
