/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the scheduler framework and its policies. Only files in sched/ include this (and their tests); the rest of
 * the core uses hv/sched.h.
 *
 * A policy is one table of callbacks in a file of its own and one line in registry.c.
 *
 * Locking. Each pCPU has a schedule lock, reached through sched_pcpu[c].schedule_lock: a policy may point several
 * pCPUs at one lock (at a lock of a static array: locks are taken in address order, which must not depend on where the
 * heap is). The lock of v->processor protects v's runstate, its place in a queue and v->processor itself. Order:
 * a policy's own lock, schedule locks in address order, timer locks. Balancers only try a second schedule lock.
 */
#ifndef SCHED_PRIVATE_H
#define SCHED_PRIVATE_H

#include <hv/domain.h>
#include <hv/lib.h>
#include <hv/numa.h>
#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/trace.h>

/* What a policy decided. time: ns until it wants to decide again, negative: no limit. */
struct sched_slice {
    struct vcpu *task;
    s_time_t time;
    bool migrated; /* task comes from another pCPU */
};

/* Any hook may be absent but init, alloc_vcpu, free_vcpu, pick_cpu and do_schedule: it then does nothing. */
struct sched_policy {
    const char *name, *opt_name; /* for people; the word after sched= */
    unsigned id;                 /* Xen's numeric id */

    int (*init)(const struct hv_options *opt);
    /* On pCPU 0 at boot, for each pCPU; later on the pCPU itself, idle. */
    int (*init_cpu)(pcpu_id c);
    void (*start_cpu)(pcpu_id c);

    int (*init_domain)(struct domain *d);
    void (*destroy_domain)(struct domain *d);
    int (*alloc_vcpu)(struct vcpu *v);
    void (*free_vcpu)(struct vcpu *v);
    void (*insert_vcpu)(struct vcpu *v); /* after alloc */
    void (*remove_vcpu)(struct vcpu *v); /* before free; v is neither running nor runnable */

    /* Schedule lock of v->processor held in all of these. */
    void (*sleep)(struct vcpu *v); /* became not runnable */
    void (*wake)(struct vcpu *v);  /* may have become runnable; no-op if it is current or queued already */
    void (*yield)(struct vcpu *v);
    pcpu_id (*pick_cpu)(struct vcpu *v);
    void (*migrate)(struct vcpu *v, pcpu_id to); /* both locks held */
    struct sched_slice (*do_schedule)(s_time_t now, bool tasklet_pending);

    void (*context_saved)(struct vcpu *prev); /* no lock held */
    int (*adjust)(struct domain *d, struct hv_domctl *op);
    int (*adjust_global)(struct hv_sysctl *op);
    void (*set_node_affinity)(struct domain *d);
    /* Invariants; quiescent: no pCPU is inside the core. NULL or the violation. */
    const char *(*check)(bool quiescent);
    const char *(*check_vcpu)(const struct vcpu *v, bool quiescent);
};

struct sched_pcpu {
    struct hv_lock *schedule_lock;
    struct vcpu *curr, *idle;
    struct vcpu *switching; /* being switched out, until all is done that its going brings about */
    void *priv;             /* the policy's */
    struct timer s_timer;   /* end of the slice */
    struct hv_lock lock;
} __attribute__((aligned(64)));

extern struct sched_pcpu sched_pcpu[HV_MAX_PCPUS];
extern const struct sched_policy *sched_policy; /* the one in use */

/* registry.c: ends with NULL. */
extern const struct sched_policy *const sched_policies[];
extern const struct sched_policy credit_policy;

/* ---- locks: re-read until the pointer (or the vCPU's pCPU) is still what was locked --------------------------------
 */

static inline struct hv_lock *pcpu_schedule_lock(pcpu_id c)
{
    for (;;) {
        struct hv_lock *lock = __atomic_load_n(&sched_pcpu[c.n].schedule_lock, __ATOMIC_ACQUIRE);
        port_lock(lock);
        if (lock == __atomic_load_n(&sched_pcpu[c.n].schedule_lock, __ATOMIC_ACQUIRE))
            return lock;
        port_unlock(lock);
    }
}

/* NULL if it is taken. */
static inline struct hv_lock *pcpu_schedule_trylock(pcpu_id c)
{
    struct hv_lock *lock = __atomic_load_n(&sched_pcpu[c.n].schedule_lock, __ATOMIC_ACQUIRE);
    if (!port_trylock(lock))
        return NULL;
    if (lock == __atomic_load_n(&sched_pcpu[c.n].schedule_lock, __ATOMIC_ACQUIRE))
        return lock;
    port_unlock(lock);
    return NULL;
}

static inline struct hv_lock *vcpu_schedule_lock(const struct vcpu *v)
{
    for (;;) {
        uint16_t cpu = __atomic_load_n(&v->processor.n, __ATOMIC_RELAXED);
        struct hv_lock *lock = __atomic_load_n(&sched_pcpu[cpu].schedule_lock, __ATOMIC_ACQUIRE);
        port_lock(lock);
        cpu = __atomic_load_n(&v->processor.n, __ATOMIC_RELAXED);
        if (lock == __atomic_load_n(&sched_pcpu[cpu].schedule_lock, __ATOMIC_ACQUIRE))
            return lock;
        port_unlock(lock);
    }
}

static inline struct vcpu *curr_on_cpu(pcpu_id c)
{
    return __atomic_load_n(&sched_pcpu[c.n].curr, __ATOMIC_RELAXED);
}

/* ---- pause flags: true if the flag was set --------------------------------------------------------------------------
 */

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
