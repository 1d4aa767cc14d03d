/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The credit2 scheduler, private: its state, and what its files offer to each other. Included by credit2*.c and by
 * their tests.
 *
 * Design. Several pCPUs (of a core, a socket, a node...) share a run queue, which is ordered by credit. Credit is in ns
 * of the heaviest unit of the queue: that one burns 1 a ns while it runs, a unit of weight w burns max_weight / w. All
 * start with 10 ms worth of it. Who has the most runs. An epoch ends when neither the unit that is about to run nor the
 * head of the queue has credit left: then every unit of the queue is given 10 ms more, up to 10.5 ms in all. Credit is
 * never below -10 ms. So, over epochs, CPU time goes by weight, and who slept has more credit than who ran: it
 * preempts.
 *
 * Preemption is a tickle: a pCPU is told to decide anew, and until it has, it is not told again. Idle pCPUs first
 * (those of idle cores before), then the one whose current unit is furthest behind in credit. A unit that has a pCPU's
 * cache warm resists: to take one from another pCPU of the queue, the difference must be 500 us.
 *
 * Between queues, load is tracked as a decaying average of the number of units that run or want to; where a unit is
 * placed (pick), and after each reset (balance_load), the loads are brought closer to each other.
 *
 * Caps. A domain with a cap has a budget of cap % of a period of 10 ms, which a timer replenishes. Its units take
 * quotas of it when they are about to run; one that finds none is parked until the next replenishment, or until another
 * unit of the domain returns what it does not need. Parked, it is out of the queue, but stays "runnable" to the
 * framework (Xen gives it a pause flag instead).
 *
 * Invariants (credit2_check.c). The queue is sorted and has no idle unit, none that runs, none that is parked. load =
 * units of the queue's list that are queued, or run and were not replaced. max_weight is that of the heaviest. idle =
 * pCPUs that run idle without a tasklet; smt_idle = all threads of those cores whose threads are idle and not tickled.
 *
 * Locking: private.h, with these between. pool.lock (readers and a writer; readers only ever try) before the schedule
 * locks: it protects the list of run queues, which pCPUs are assigned to them, the list of domains, and weights. The
 * schedule lock of a pCPU is that of its run queue, and protects everything in the queue and in its units. A domain's
 * budget_lock comes after schedule locks.
 */
#ifndef SCHED_CREDIT2_H
#define SCHED_CREDIT2_H

#include "affinity.h"
#include "private.h"

#define CREDIT2_DEFAULT_WEIGHT 256u
#define CREDIT2_MAX_WEIGHT 65535u
#define CREDIT2_CREDIT_INIT MILLISECS(10)                   /* at the start, and at each reset */
#define CREDIT2_CARRYOVER_MAX MICROSECS(500)                /* more than the above that one may have */
#define CREDIT2_CREDIT_MIN (-MILLISECS(10))                 /* the floor */
#define CREDIT2_IDLE_CREDIT (CREDIT2_CREDIT_MIN - 1)        /* below everybody */
#define CREDIT2_IDLE_CREDIT_NO_FLOOR (-((s_time_t)1 << 30)) /* 4.3 */
#define CREDIT2_CREDIT_RESET 0                              /* an epoch ends when nobody has more */
#define CREDIT2_MIGRATE_COMPENSATION MICROSECS(50)          /* for who is taken to another pCPU */
#define CREDIT2_MIN_TIMER MICROSECS(500)                    /* shortest slice */
#define CREDIT2_MAX_TIMER MILLISECS(10)                     /* longest one, unless the rate limit is longer */
#define CREDIT2_MAX_TIMER_SHORT MILLISECS(2)                /* 4.3 */
#define CREDIT2_TICKLE_TOLERANCE MICROSECS(50)              /* so close to the rate limit one may be preempted */
#define CREDIT2_RATELIMIT_US_DEFAULT 1000u
#define CREDIT2_RATELIMIT_US_MIN 100u
#define CREDIT2_RATELIMIT_US_MAX 500000u

#define CREDIT2_LOAD_GRANULARITY 10u       /* ns -> units of time of load tracking, as a shift */
#define CREDIT2_LOAD_WINDOW_DEFAULT 30u    /* log2 ns: 1.07 s */
#define CREDIT2_LOAD_PRECISION_DEFAULT 18u /* fixed point of load averages */
#define CREDIT2_LOAD_PRECISION_MIN 4u
#define CREDIT2_LOAD_SHIFT_4_3 18u /* window (in units of 1.024 us) and precision in one: 268 ms */
/* A load is below 2^15 (vCPUs of a host): delta << precision must fit in 63 bits. */
#define CREDIT2_LOAD_BITS_MAX 46u

#define CREDIT2_CAP_PERIOD_MS_DEFAULT 10u
#define CREDIT2_CAP_PERIOD_MS_MAX 10000u
#define CREDIT2_MIGRATE_RESIST_US_MAX 1000000u
#define CREDIT2_MAX_CPUS_DEFAULT 16u /* pCPUs of a run queue */

#define CREDIT2_NO_BUDGET S_TIME_MAX /* budget of a unit without cap */

/* The bits are those that debug key 'r' shows. */
enum credit2_flag {
    CREDIT2_SCHEDULED = 1u << 1,        /* chosen to run, or still being switched out */
    CREDIT2_DELAYED_RUNQ_ADD = 1u << 2, /* to be queued when it is switched out */
    CREDIT2_MIGRATE_REQUEST = 1u << 3,  /* the next pick is to choose run queue migrate_rq */
    CREDIT2_YIELD = 1u << 4,
    CREDIT2_PINNED = 1u << 5, /* hard affinity is one pCPU */
    CREDIT2_PARKED = 1u << 6, /* no budget */
    CREDIT2_LEFT = 1u << 7    /* waits, and an idle pCPU has left it to where its cache is warm */
};
#define CREDIT2_FLAGS_SHOWN 0x3eu

struct credit2_runq {
    struct list_head elem; /* of pool.runqs */
    unsigned id;           /* lowest unused one when it was made */
    unsigned nr_cpus;      /* weight of active */
    struct hv_lock *lock;
    cpumask_t assigned; /* pCPUs that are, or are about to be, of this queue */
    cpumask_t active;   /* that are */
    cpumask_t idle, tickled, smt_idle;
    struct list_head runq;     /* units that wait, by credit */
    struct list_head units;    /* all that are assigned to it */
    uint32_t max_weight;       /* of units; at least 1 */
    uint32_t load;             /* units that run or want to */
    s_time_t load_last_update; /* 1.024 us */
    s_time_t avgload;          /* decaying average of load << precision */
    s_time_t b_avgload;        /* the same, corrected at once when units come and go */
    pcpu_id pick_bias;         /* the last pCPU placed on; also tells which socket (core, node) the queue stands for */
};

struct credit2_pcpu {
    struct credit2_runq *rq;
    cpumask_t siblings; /* pCPUs of its core that are of the same queue, itself included */
};

struct credit2_dom {
    struct list_head elem; /* of pool.doms */
    struct scheduler *sched;
    struct domain *domain;
    uint32_t weight, cap; /* cap: % of one pCPU, 0: none */
    unsigned nr_units;
    struct hv_lock budget_lock;
    s_time_t tot_budget; /* ns a period */
    s_time_t budget;     /* what is left that no unit has taken; can be negative */
    s_time_t next_repl;
    struct timer repl_timer;
    struct list_head parked;
};

struct credit2_unit {
    struct list_head runq_elem;   /* empty: not queued */
    struct list_head rq_elem;     /* of rq->units */
    struct list_head parked_elem; /* of dom->parked, or of who unparks it */
    struct credit2_runq *rq;      /* NULL: not inserted yet, or idle */
    struct credit2_dom *dom;      /* NULL: idle */
    struct sched_unit *unit;
    s_time_t credit;
    uint32_t weight, residual; /* residual: of credit, in 1/weight */
    s_time_t start_time;       /* of what is not burnt yet */
    uint32_t flags;
    unsigned migrate_rq; /* id */
    pcpu_id tickled_cpu; /* told to look at this unit; invalid: none */
    uint32_t unparking;  /* who is at it; atomic */
    s_time_t avgload, load_last_update;
    s_time_t budget, quota; /* ns; CREDIT2_NO_BUDGET, 0: no cap */
};

/* Many readers, who give up if a writer is there, or one writer, who waits for them. */
struct credit2_rwlock {
    struct hv_lock writer;
    uint32_t state; /* readers, and the bit of the writer; atomic */
};
#define CREDIT2_WRITER (1u << 31)

/* Per instance. */
struct credit2_pool {
    struct credit2_rwlock lock;
    struct list_head runqs; /* ascending id */
    struct list_head doms;  /* in the order of creation */
    struct scheduler *sched;
    unsigned ratelimit_us;
    unsigned load_window_shift; /* in units of 1.024 us */
    unsigned load_precision_shift;
    int balance_under, balance_over; /* log2 of the difference of load that matters, below and above 100 % */
    s_time_t migrate_resist, cap_period;
    enum hv_credit2_runqueue arrangement;
    unsigned max_cpus;
    bool smt_power_savings;
};

static inline struct credit2_pool *credit2_pool_of(const struct scheduler *s)
{
    return s->priv;
}
static inline struct credit2_pcpu *credit2_pcpu_of(pcpu_id c)
{
    return sched_res(c)->priv;
}
/* c is of an instance of credit2. */
static inline struct credit2_runq *credit2_rq(pcpu_id c)
{
    return credit2_pcpu_of(c)->rq;
}
static inline struct credit2_unit *credit2_unit_of(const struct sched_unit *u)
{
    return u->priv;
}
static inline struct credit2_unit *credit2_runq_entry(struct list_head *e)
{
    return list_entry(e, struct credit2_unit, runq_elem);
}
static inline struct credit2_unit *credit2_rq_entry(struct list_head *e)
{
    return list_entry(e, struct credit2_unit, rq_elem);
}
static inline struct credit2_runq *credit2_runq_of(struct list_head *e)
{
    return list_entry(e, struct credit2_runq, elem);
}
static inline bool credit2_queued(const struct credit2_unit *cu)
{
    return !list_empty(&cu->runq_elem);
}
static inline bool credit2_has_cap(const struct credit2_unit *cu)
{
    return cu->budget != CREDIT2_NO_BUDGET;
}
/* May it run? */
static inline bool credit2_runnable(const struct credit2_unit *cu)
{
    return !(cu->flags & CREDIT2_PARKED) && unit_runnable(cu->unit);
}
/* The flag was set. */
static inline bool credit2_flag_clear(struct credit2_unit *cu, enum credit2_flag f)
{
    bool was = cu->flags & f;
    cu->flags &= ~(uint32_t)f;
    return was;
}
/* The resources that u may use. */
static inline void credit2_hard_mask(const struct sched_unit *u, cpumask_t *mask)
{
    if (quirk(credit2_no_affinity))
        cpumask_copy(mask, unit_pool_res(u));
    else
        affinity_mask(u, BALANCE_HARD, mask);
}
static inline bool credit2_may_run(const struct sched_unit *u, pcpu_id c)
{
    return cpumask_test(unit_pool_res(u), c) && (quirk(credit2_no_affinity) || cpumask_test(&u->hard, c));
}

/* ---- pool.lock ------------------------------------------------------------------------------------------------- */

static inline bool credit2_read_trylock(struct credit2_rwlock *l)
{
    if (!(__atomic_fetch_add(&l->state, 1, __ATOMIC_ACQUIRE) & CREDIT2_WRITER))
        return true;
    __atomic_fetch_sub(&l->state, 1, __ATOMIC_RELEASE);
    return false;
}
static inline void credit2_read_lock(struct credit2_rwlock *l)
{
    port_lock(&l->writer);
    __atomic_fetch_add(&l->state, 1, __ATOMIC_ACQUIRE);
    port_unlock(&l->writer);
}
static inline void credit2_read_unlock(struct credit2_rwlock *l)
{
    __atomic_fetch_sub(&l->state, 1, __ATOMIC_RELEASE);
}
void credit2_write_lock(struct credit2_rwlock *l);
bool credit2_write_trylock(struct credit2_rwlock *l);
void credit2_write_unlock(struct credit2_rwlock *l);

/* What pick and balance_load take: a plain lock at 4.3, which they keep each other from getting. */
static inline bool credit2_trylock(struct credit2_pool *p)
{
    return quirk(credit2_private_spinlock) ? credit2_write_trylock(&p->lock) : credit2_read_trylock(&p->lock);
}
static inline void credit2_unlock(struct credit2_pool *p)
{
    if (quirk(credit2_private_spinlock))
        credit2_write_unlock(&p->lock);
    else
        credit2_read_unlock(&p->lock);
}

/* ---- records (hv/trace.h) --------------------------------------------------------------------------------------- */

/* A unit as one word: at 4.3 with the domain in the low half, unlike everywhere else. */
static inline uint32_t credit2_trace_u(const struct sched_unit *u)
{
    uint32_t d = u->domain->id.n, n = u->id & 0xffff;
    return quirk(credit2_trace_swapped) ? n << 16 | d : d << 16 | n;
}
/* A record that 4.3 does not have. */
static inline void credit2_trace(uint32_t ev, unsigned nr, const uint32_t *w)
{
    if (!quirk(credit2_trace_swapped))
        port_trace(ev, nr, w);
}
static inline uint32_t credit2_pair(uint32_t low, uint32_t high)
{
    return (low & 0xffff) | high << 16;
}

/* ---- credit2_acct.c: schedule lock held ------------------------------------------------------------------------- */

/* Charge cu, which is current on its pCPU, for the time from start_time to now. */
void credit2_burn(struct credit2_runq *rq, struct credit2_unit *cu, s_time_t now);
/* How long credit lasts. */
s_time_t credit2_time_of(const struct credit2_runq *rq, const struct credit2_unit *cu, s_time_t credit);
/* Has the epoch ended, with next about to run? */
bool credit2_epoch_over(const struct credit2_runq *rq, const struct credit2_unit *next);
/* Give all units of rq credit; next is about to run. */
void credit2_reset(struct credit2_runq *rq, struct credit2_unit *next, s_time_t now);
/* For how long next may run; leaving: the unit that it replaces and that will be queued, or NULL. Negative: no limit.
 */
s_time_t credit2_runtime(const struct credit2_pool *p, const struct credit2_runq *rq, const struct credit2_unit *next,
                         const struct credit2_unit *leaving, s_time_t now);
/* cu has a cap: does it have budget, or get some? It is parked if not. */
bool credit2_grab_budget(struct credit2_pool *p, struct credit2_unit *cu, s_time_t now);
/* cu stops running: what it has left goes back to its domain. Onto unpark: those that may try again. */
void credit2_return_budget(struct credit2_unit *cu, struct list_head *unpark);
/* No lock held: back to the queue, or to sleep, with all of the list. */
void credit2_unpark(struct credit2_pool *p, struct list_head *list);
/* cu, not runnable, is about to go away: see that nobody is at unparking it. No lock held. */
void credit2_forget_parked(struct credit2_unit *cu);
/* pool.lock held for writing. cap 0: none. */
void credit2_set_cap(struct credit2_pool *p, struct credit2_dom *cd, uint32_t cap);
void credit2_set_weight(struct credit2_dom *cd, uint32_t weight);
/* Timer handler. */
void credit2_replenish(void *dom);

/* ---- credit2_runq.c: schedule lock held, but for the first three ------------------------------------------------- */

/* Which queue c belongs to; it is assigned to it. No lock held. NULL: no memory. */
struct credit2_runq *credit2_assign_cpu(struct credit2_pool *p, pcpu_id c);
/* Undo that; the last one takes the queue with it. */
void credit2_deassign_cpu(struct credit2_pool *p, struct credit2_runq *rq, pcpu_id c);
/* c, idle, begins to take part. The lock of the queue is taken. */
void credit2_activate_cpu(struct credit2_pcpu *cp, pcpu_id c);
void credit2_deactivate_cpu(struct credit2_pcpu *cp, pcpu_id c);

void credit2_runq_insert(struct credit2_unit *cu);
void credit2_runq_remove(struct credit2_unit *cu);
/* cu becomes one of rq's units, or stops to be of its queue. */
void credit2_assign_unit(struct credit2_unit *cu, struct credit2_runq *rq);
void credit2_deassign_unit(struct credit2_unit *cu);
/* A unit's weight has changed, it came (old 0) or went (new 0). */
void credit2_update_max_weight(struct credit2_runq *rq, uint32_t new_weight, uint32_t old_weight);

/* Bring the averages up to now, then add change (-1, 0, 1) to the load; cu NULL: the queue's only. */
void credit2_update_load(const struct credit2_pool *p, struct credit2_runq *rq, struct credit2_unit *cu, int change,
                         s_time_t now);
void credit2_update_unit_load(const struct credit2_pool *p, struct credit2_unit *cu, int change, s_time_t now);

/* Masks: what c runs now, and that it is told to decide anew. */
void credit2_mark_idle(struct credit2_runq *rq, pcpu_id c, bool idle);
void credit2_mark_tickled(struct credit2_runq *rq, pcpu_id c, bool tickled);
/* Mark c as tickled, and have it schedule. */
void credit2_tickle_cpu(struct credit2_runq *rq, pcpu_id c);

/* ---- credit2_place.c: schedule lock held ------------------------------------------------------------------------ */

/* Where u goes. */
pcpu_id credit2_pick(struct scheduler *s, struct sched_unit *u);
/* new was just queued: tell the pCPU that should look at it, if any. */
void credit2_tickle(struct credit2_pool *p, struct credit2_unit *new, s_time_t now);
/* c was told to take a unit, and has decided: those that it was told to take, and has not, are offered to idle pCPUs.
 */
void credit2_offer_again(struct credit2_pool *p, struct credit2_runq *rq, pcpu_id c);
/* From its queue to queue to (its lock held too); if it runs, when it stops to. */
void credit2_move(struct credit2_pool *p, struct credit2_unit *cu, struct credit2_runq *to, s_time_t now);
/* Queue rq exchanges units with that other one whose load differs most. */
void credit2_balance_load(struct credit2_pool *p, struct credit2_runq *rq, s_time_t now);

/* ---- credit2_check.c -------------------------------------------------------------------------------------------- */

const char *credit2_check(struct scheduler *s, bool quiescent);
const char *credit2_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent);
bool credit2_is_queued(struct scheduler *s, const struct sched_unit *u);
s_time_t credit2_idle_limit(struct scheduler *s, const struct sched_unit *u, pcpu_id c);
void credit2_dump(struct scheduler *s);

#endif
