/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the scheduler framework and its policies. Only files in sched/ include this (and their tests); the rest of
 * the core uses hv/sched.h and hv/cpupool.h.
 *
 * A policy is one table of callbacks in a file of its own and one line in registry.c. It schedules units (hv/domain.h)
 * on resources; a resource is named by its master pCPU, and all masks that a policy sees hold masters only. It keeps
 * its state in an instance (struct scheduler), of which each cpupool has one.
 *
 * Locking. Each resource has a schedule lock, reached through sched_res(c)->schedule_lock: a policy may point several
 * resources at one lock (of sched_lock_alloc: locks are taken in address order, which must not depend on where the heap
 * is). The lock of u->processor protects u's runstates, its place in a queue and u->processor itself. Order: a policy's
 * own lock, schedule locks in address order, timer locks. Balancers only try a second schedule lock.
 */
#ifndef SCHED_PRIVATE_H
#define SCHED_PRIVATE_H

#include <hv/cpupool.h>
#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/numa.h>
#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/trace.h>

/* What a policy decided. time: ns until it wants to decide again, negative: no limit. */
struct sched_slice {
    struct sched_unit *task;
    s_time_t time;
    bool migrated; /* task comes from another resource; the policy has called sched_set_res */
};

/* Hooks return 0 or -HV_E*. Any hook may be absent but those marked *: it then does nothing. */
struct sched_policy {
    const char *name, *opt_name; /* for people; the word after sched= */
    unsigned id;                 /* XEN_SCHEDULER_* */
    /* The quirk by which a level has it ("sedf": until 4.6), or lacks it; NULL: every level has it. */
    bool (*available)(const struct hv_profile *level);

    /* An instance for a pool, which has no pCPUs yet: s->priv. */
    int (*init)(struct scheduler *s, const struct hv_options *opt); /* * */
    void (*deinit)(struct scheduler *s);

    /*
     * A resource joins and leaves. alloc and free: data, no lock held. add: the resource, idle, is taken over; from now
     * on sched_res(c)->priv is pdata, and the returned lock (NULL: the resource's own) is its schedule lock. Called
     * with the schedule lock that it had so far held, on any pCPU; takes what other locks it needs. remove: it is idle,
     * and no unit of the pool is on it; lock held.
     */
    int (*alloc_cpu)(struct scheduler *s, pcpu_id c, void **pdata);
    void (*free_cpu)(struct scheduler *s, pcpu_id c, void *pdata);
    struct hv_lock *(*add_cpu)(struct scheduler *s, pcpu_id c, void *pdata);
    void (*remove_cpu)(struct scheduler *s, pcpu_id c, void *pdata);

    /* Per domain (d->sched_priv) and per unit (u->priv). A unit gets its data before the domain moves here, so these
     * look at neither d->cpupool nor u->processor. Idle units too: ddata NULL. */
    int (*alloc_domain)(struct scheduler *s, struct domain *d, void **ddata);
    void (*free_domain)(struct scheduler *s, void *ddata);
    int (*alloc_unit)(struct scheduler *s, struct sched_unit *u, void *ddata, void **udata);
    void (*free_unit)(struct scheduler *s, void *udata);
    /* After alloc; not called for idle units. May queue u, if it is runnable and not running. No lock held. insert may
     * move u (sched_set_res), with the locks that this takes. */
    void (*insert_unit)(struct scheduler *s, struct sched_unit *u);
    /* Before free; u does not run, and is not runnable. No lock held. */
    void (*remove_unit)(struct scheduler *s, struct sched_unit *u);

    /* Schedule lock of u->processor held in all of these. */
    void (*sleep)(struct scheduler *s, struct sched_unit *u); /* became not runnable */
    void (*wake)(struct scheduler *s, struct sched_unit *u);  /* may have become runnable; no-op if current or queued */
    void (*yield)(struct scheduler *s, struct sched_unit *u);
    pcpu_id (*pick_cpu)(struct scheduler *s, struct sched_unit *u);         /* * within hard affinity and pool */
    void (*migrate)(struct scheduler *s, struct sched_unit *u, pcpu_id to); /* both locks held; absent: sched_set_res */
    /* c: master of the resource that decides (the pCPU that executes this may be another one of it). */
    struct sched_slice (*do_schedule)(struct scheduler *s, pcpu_id c, s_time_t now, bool tasklet_pending); /* * */
    /* u->hard / u->soft are about to change to these; lock held. */
    void (*adjust_affinity)(struct scheduler *s, struct sched_unit *u, const cpumask_t *hard, const cpumask_t *soft);

    void (*context_saved)(struct scheduler *s, struct sched_unit *prev); /* no lock held */
    int (*adjust)(struct scheduler *s, struct domain *d, struct hv_domctl *op);
    int (*adjust_global)(struct scheduler *s, struct hv_sysctl *op);
    void (*set_node_affinity)(struct scheduler *s, struct domain *d);

    /* Debug key 'r', in the layout of Xen's: the instance, a resource, a unit (one line). No lock held. */
    void (*dump_settings)(struct scheduler *s);
    void (*dump_cpu)(struct scheduler *s, pcpu_id c);

    /*
     * Invariants: NULL or the violation. quiescent: no pCPU is inside the core. is_queued: u is where the policy keeps
     * those that wait (a run queue, a list of the parked or depleted): the framework checks that this is so for exactly
     * the runnable ones that do not run.
     */
    const char *(*check)(struct scheduler *s, bool quiescent);
    const char *(*check_unit)(struct scheduler *s, const struct sched_unit *u, bool quiescent);
    bool (*is_queued)(struct scheduler *s, const struct sched_unit *u); /* * */
    /* Work conservation: for how many ns may resource c, which is in the pool and in u's hard affinity, be idle while u
     * is runnable and waits? Negative: for ever. Absent: for ever. */
    s_time_t (*idle_limit)(struct scheduler *s, const struct sched_unit *u, pcpu_id c);
};

/* A scheduling resource. One per pCPU exists; in use is that of the master. */
struct sched_resource {
    /* The first line is what other pCPUs look at when they look for work, credit's balance at all of them. */
    struct hv_lock *schedule_lock;
    struct sched_unit *curr, *idle;
    void *priv;          /* the policy's */
    struct hv_lock lock; /* its own, which schedule_lock points to unless the policy says otherwise */
    struct scheduler *sched;
    struct sched_unit *prev; /* being switched out, until all is done that its going brings about */
    struct timer s_timer;    /* end of the slice */
    pcpu_id master;
    unsigned granularity; /* its pCPUs */
    s_time_t since;       /* when it joined its pool */
    cpumask_t cpus;
} __attribute__((aligned(64)));

struct sched_pcpu {
    struct sched_resource *res;
    unsigned idx; /* which of the resource's pCPUs */
    struct vcpu *curr, *idle;
} __attribute__((aligned(64)));

extern struct sched_resource sched_resources[HV_MAX_PCPUS];
extern struct sched_pcpu sched_pcpu[HV_MAX_PCPUS];

/* registry.c: ends with NULL; the first is what an unknown name falls back to. */
extern const struct sched_policy *const sched_policies[];
/* idle.c: what runs on the pCPUs of no pool. */
extern const struct sched_policy idle_policy;

static inline struct sched_resource *sched_res(pcpu_id c)
{
    return sched_pcpu[c.n].res;
}
/* The master of the resource of a pCPU. */
static inline pcpu_id sched_master(pcpu_id c)
{
    return sched_pcpu[c.n].res->master;
}
static inline struct sched_unit *curr_on_cpu(pcpu_id c)
{
    return __atomic_load_n(&sched_res(c)->curr, __ATOMIC_RELAXED);
}
static inline struct sched_unit *idle_unit_on_cpu(pcpu_id c)
{
    return sched_res(c)->idle;
}
/* Nobody but its own idle unit runs there. */
static inline bool cpu_runs_idle(pcpu_id c)
{
    const struct sched_resource *r = sched_res(c);
    return __atomic_load_n(&r->curr, __ATOMIC_RELAXED) == r->idle;
}
/* The instance that schedules u. */
static inline struct scheduler *unit_sched(const struct sched_unit *u)
{
    return is_idle_unit(u) ? sched_res(u->processor)->sched : &u->domain->cpupool->sched;
}
/* Resources of u's pool. For an idle unit: all pCPUs. */
static inline const cpumask_t *unit_pool_res(const struct sched_unit *u)
{
    return is_idle_unit(u) ? &hv_cpu_online : &u->domain->cpupool->res;
}

/* u is now of resource c, each of its vCPUs of one of c's pCPUs. Schedule locks of both held. */
void sched_set_res(struct sched_unit *u, pcpu_id c);
/* Makes u not runnable until it was migrated; the caller has its resource reschedule. */
void unit_set_migrating(struct sched_unit *u);
bool unit_is_migrating(const struct sched_unit *u);
/* Pause and unpause all vCPUs of u (a cap): nothing is waited for. Schedule locks must not be held. */
void unit_pause_nosync(struct sched_unit *u);
void unit_unpause(struct sched_unit *u);

/* As Xen prints masks ("0-3,5"), cut off at n characters. */
void cpumask_print(char *buf, size_t n, const cpumask_t *m);

/* A lock that several resources can share; from a static array, lowest free one. NULL never: there is one per pCPU. */
struct hv_lock *sched_lock_alloc(const char *name);
void sched_lock_free(struct hv_lock *lock);

/* ---- locks: re-read until the pointer (or the unit's resource) is still what was locked ------------------------- */

static inline struct hv_lock *schedule_lock_of(pcpu_id c)
{
    return __atomic_load_n(&__atomic_load_n(&sched_pcpu[c.n].res, __ATOMIC_ACQUIRE)->schedule_lock, __ATOMIC_ACQUIRE);
}

static inline struct hv_lock *pcpu_schedule_lock(pcpu_id c)
{
    for (;;) {
        struct hv_lock *lock = schedule_lock_of(c);
        port_lock(lock);
        if (lock == schedule_lock_of(c))
            return lock;
        port_unlock(lock);
    }
}

/* NULL if it is taken. */
static inline struct hv_lock *pcpu_schedule_trylock(pcpu_id c)
{
    struct hv_lock *lock = schedule_lock_of(c);
    if (!port_trylock(lock))
        return NULL;
    if (lock == schedule_lock_of(c))
        return lock;
    port_unlock(lock);
    return NULL;
}

static inline struct hv_lock *unit_schedule_lock(const struct sched_unit *u)
{
    for (;;) {
        struct hv_lock *lock = schedule_lock_of(pcpu(__atomic_load_n(&u->processor.n, __ATOMIC_RELAXED)));
        port_lock(lock);
        if (lock == schedule_lock_of(pcpu(__atomic_load_n(&u->processor.n, __ATOMIC_RELAXED))))
            return lock;
        port_unlock(lock);
    }
}

/* ---- pause flags: true if the flag was set ---------------------------------------------------------------------- */

static inline bool vcpu_flag_set(struct vcpu *v, enum vcpu_pause_flag f)
{
    return __atomic_fetch_or(&v->pause_flags, (uint32_t)f, __ATOMIC_SEQ_CST) & f;
}
static inline bool vcpu_flag_clear(struct vcpu *v, enum vcpu_pause_flag f)
{
    return __atomic_fetch_and(&v->pause_flags, ~(uint32_t)f, __ATOMIC_SEQ_CST) & f;
}
static inline bool vcpu_flag_test(const struct vcpu *v, enum vcpu_pause_flag f)
{
    return __atomic_load_n(&v->pause_flags, __ATOMIC_RELAXED) & f;
}

/* Members of a mask that several pCPUs change: in 32-bit halves, so that ARMv7 needs no 64-bit atomics. */
typedef uint32_t __attribute__((may_alias)) mask_half;

static inline void cpumask_set_atomic(cpumask_t *m, pcpu_id c)
{
    mask_half *h = (mask_half *)m->w + c.n / 32;
    __atomic_fetch_or(h, 1u << (c.n % 32), __ATOMIC_SEQ_CST);
}
static inline void cpumask_clear_atomic(cpumask_t *m, pcpu_id c)
{
    mask_half *h = (mask_half *)m->w + c.n / 32;
    __atomic_fetch_and(h, ~(1u << (c.n % 32)), __ATOMIC_SEQ_CST);
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the halves of a mask word are in this order");

#endif
