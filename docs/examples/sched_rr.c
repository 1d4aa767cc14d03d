/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Round robin: the example of docs/add-a-scheduler.md. Not one of Xen's; no build that is shipped has it.
 *
 * Design. All resources of the pool take units from one queue, the first that they may run first, for a slice of 10 ms.
 * Who comes (awake, new, at the end of its slice) goes to the end of the queue, and an idle resource that may take it
 * is told to; who yields loses what is left of its slice. There are no weights and no parameters.
 *
 * A unit that is replaced is not queued before its state is saved (context_saved), or another resource could take it
 * while it is still there. Until then a wake does nothing: context_saved looks whether the unit can run.
 *
 * Invariants: queued iff runnable and not current; the queue is of this pool; a resource in "idle" runs its idle unit,
 * and has no reason to believe that there is work for it.
 *
 * Work conservation. Whoever is queued tells a resource that may take it and has nothing to do; a resource that goes
 * idle has looked at the whole queue. One that was told, but runs a tasklet or leaves the pool instead, tells others.
 * So none idles while a unit waits that may run there.
 *
 * Locking: one lock for the pool. It is the schedule lock of all its resources, and protects everything here.
 */
#include "affinity.h"

#include <hv/mm.h>

#define RR_SLICE MILLISECS(10)
/* Scheduler class records have three bits for the scheduler; 7 is nobody's. */
#define TRC_RR_QUEUED 0x22e01u /* unit (trace_v) */
#define TRC_RR_TOLD 0x22e02u   /* pCPU */

struct rr_pool {
    struct hv_lock *lock;
    struct list_head queue;
    cpumask_t idle; /* have nothing to do, and have not been told that there is something */
};

struct rr_unit {
    struct list_head elem; /* empty: not queued */
    struct sched_unit *unit;
    s_time_t slice_end;
};

static struct rr_pool *rr_pool_of(const struct scheduler *s)
{
    return s->priv;
}
static struct rr_unit *rr_unit_of(const struct sched_unit *u)
{
    return u->priv;
}
static bool queued(const struct sched_unit *u)
{
    return !list_empty(&rr_unit_of(u)->elem);
}
static bool may_run(const struct sched_unit *u, pcpu_id c)
{
    return cpumask_test(&u->hard, c) && cpumask_test(unit_pool_res(u), c);
}

/* ---- an instance and its resources ------------------------------------------------------------------------------ */

static int rr_init(struct scheduler *s, const struct hv_options *opt)
{
    struct rr_pool *p = hv_zalloc(sizeof(*p));
    if (!p)
        return -HV_ENOMEM;
    p->lock = sched_lock_alloc("rr");
    list_init(&p->queue);
    s->priv = p;
    return 0;
}

static void rr_deinit(struct scheduler *s)
{
    struct rr_pool *p = rr_pool_of(s);
    ASSERT(list_empty(&p->queue));
    sched_lock_free(p->lock);
    s->priv = NULL;
    hv_free(p);
}

/* c is idle. It schedules next if the pool has domains: who waits for it need not be looked for here. */
static struct hv_lock *rr_add_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct rr_pool *p = rr_pool_of(s);
    port_lock(p->lock);
    cpumask_set(&p->idle, c);
    port_unlock(p->lock);
    return p->lock;
}

/* ---- the queue: the pool's lock held ---------------------------------------------------------------------------- */

/* u waits: tell a resource with nothing to do, if there is one, its own rather than others. */
static void tell_one(struct rr_pool *p, const struct sched_unit *u)
{
    cpumask_t able;

    affinity_mask(u, BALANCE_HARD, &able);
    cpumask_and(&able, &able, &p->idle);
    pcpu_id c = cpumask_test_or_cycle(u->processor, &able);
    if (!pcpu_valid(c))
        return;
    cpumask_clear(&p->idle, c);
    trace1(TRC_RR_TOLD, c.n);
    port_count(PERFC_sched_tickle, 1);
    softirq_raise_on(c, SCHEDULE_SOFTIRQ);
}

/* Who was told does not come: everybody who waits tells somebody else. */
static void tell_others(struct rr_pool *p)
{
    struct list_head *pos;
    uint32_t seen = 0;

    list_for_each (pos, &p->queue) {
        tell_one(p, list_entry(pos, struct rr_unit, elem)->unit);
        seen++;
    }
    port_count(PERFC_sched_runq_scan, seen);
}

static void enqueue(struct rr_pool *p, struct sched_unit *u)
{
    struct rr_unit *ru = rr_unit_of(u);

    ASSERT(!queued(u) && !u->is_running);
    ru->slice_end = 0;
    list_add_tail(&ru->elem, &p->queue);
    trace1(TRC_RR_QUEUED, trace_v(u->vcpu_list));
    tell_one(p, u);
}

/* The first that may run on c, taken off the queue; NULL: there is none. */
static struct sched_unit *dequeue_for(struct rr_pool *p, pcpu_id c)
{
    struct sched_unit *found = NULL;
    struct list_head *pos;
    uint32_t seen = 0;

    list_for_each (pos, &p->queue) {
        struct sched_unit *u = list_entry(pos, struct rr_unit, elem)->unit;
        seen++;
        if (!may_run(u, c))
            continue;
        list_del_init(&rr_unit_of(u)->elem);
        found = u;
        break;
    }
    port_count(PERFC_sched_runq_scan, seen);
    return found;
}

static void rr_remove_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct rr_pool *p = rr_pool_of(s);
    cpumask_clear(&p->idle, c);
    tell_others(p);
}

/* ---- units ------------------------------------------------------------------------------------------------------ */

/* Idle units need no data. */
static int rr_alloc_unit(struct scheduler *s, struct sched_unit *u, void *ddata, void **udata)
{
    if (is_idle_unit(u))
        return 0;
    struct rr_unit *ru = hv_zalloc(sizeof(*ru));
    if (!ru)
        return -HV_ENOMEM;
    list_init(&ru->elem);
    ru->unit = u;
    *udata = ru;
    return 0;
}

static void rr_free_unit(struct scheduler *s, void *udata)
{
    hv_free(udata);
}

static void rr_insert_unit(struct scheduler *s, struct sched_unit *u)
{
    struct hv_lock *lock = unit_schedule_lock(u);
    if (unit_runnable(u) && !u->is_running && !queued(u))
        enqueue(rr_pool_of(s), u);
    port_unlock(lock);
}

static void rr_remove_unit(struct scheduler *s, struct sched_unit *u)
{
    struct hv_lock *lock = unit_schedule_lock(u);
    list_del_init(&rr_unit_of(u)->elem);
    port_unlock(lock);
}

static void rr_sleep(struct scheduler *s, struct sched_unit *u)
{
    if (curr_on_cpu(u->processor) == u)
        softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
    else
        list_del_init(&rr_unit_of(u)->elem);
}

static void rr_wake(struct scheduler *s, struct sched_unit *u)
{
    if (curr_on_cpu(u->processor) != u && !u->is_running && !queued(u))
        enqueue(rr_pool_of(s), u);
}

static void rr_context_saved(struct scheduler *s, struct sched_unit *u)
{
    if (is_idle_unit(u))
        return;
    struct hv_lock *lock = unit_schedule_lock(u);
    if (unit_runnable(u) && !queued(u))
        enqueue(rr_pool_of(s), u);
    port_unlock(lock);
}

static void rr_yield(struct scheduler *s, struct sched_unit *u)
{
    rr_unit_of(u)->slice_end = 0;
}

static pcpu_id rr_pick_cpu(struct scheduler *s, struct sched_unit *u)
{
    cpumask_t able;
    affinity_mask(u, BALANCE_HARD, &able);
    port_count(PERFC_sched_pick_cpu, 1);
    return cpumask_test_or_cycle(u->processor, &able);
}

/* ---- the decision ----------------------------------------------------------------------------------------------- */

static struct sched_slice rr_schedule(struct scheduler *s, pcpu_id c, s_time_t now, bool tasklet_pending)
{
    struct rr_pool *p = rr_pool_of(s);
    struct sched_unit *cur = curr_on_cpu(c), *next;
    bool goes_on = !is_idle_unit(cur) && unit_runnable(cur);

    cpumask_clear(&p->idle, c);
    if (tasklet_pending) {
        tell_others(p);
        return (struct sched_slice){.task = idle_unit_on_cpu(c), .time = -1};
    }
    if (goes_on && now < rr_unit_of(cur)->slice_end)
        return (struct sched_slice){.task = cur, .time = rr_unit_of(cur)->slice_end - now};
    next = dequeue_for(p, c);
    if (!next && goes_on)
        next = cur;
    if (!next) {
        if (cpumask_test(&s->pool->res, c))
            cpumask_set(&p->idle, c);
        return (struct sched_slice){.task = idle_unit_on_cpu(c), .time = -1};
    }

    struct sched_slice slice = {.task = next, .time = RR_SLICE};
    rr_unit_of(next)->slice_end = now + RR_SLICE;
    if (!pcpu_eq(next->processor, c)) {
        sched_set_res(next, c);
        slice.migrated = true;
    }
    return slice;
}

/* ---- invariants, debug key 'r' ---------------------------------------------------------------------------------- */

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "rr: " #cond;                                                                                       \
    } while (0)

static bool rr_is_queued(struct scheduler *s, const struct sched_unit *u)
{
    return !is_idle_unit(u) && queued(u);
}

static s_time_t rr_idle_limit(struct scheduler *s, const struct sched_unit *u, pcpu_id c)
{
    return 0;
}

static const char *rr_check(struct scheduler *s, bool quiescent)
{
    const struct rr_pool *p = rr_pool_of(s);
    const struct list_head *pos;
    pcpu_id c;

    if (!quiescent)
        return NULL;
    list_for_each (pos, &p->queue) {
        const struct sched_unit *u = list_entry(pos, struct rr_unit, elem)->unit;
        CHECK(pos->next->prev == pos);
        CHECK(u->domain->cpupool == s->pool && unit_runnable(u));
    }
    for_each_cpu (c, &p->idle) {
        CHECK(cpumask_test(&s->pool->res, c) || softirq_pending(c));
        CHECK(is_idle_unit(curr_on_cpu(c)));
    }
    return NULL;
}

static void rr_dump_settings(struct scheduler *s)
{
    struct rr_pool *p = rr_pool_of(s);
    struct list_head *pos;

    port_lock(p->lock);
    hv_printk("slice=%lld\nqueue:", (long long)RR_SLICE);
    list_for_each (pos, &p->queue) {
        const struct sched_unit *u = list_entry(pos, struct rr_unit, elem)->unit;
        hv_printk(" d%uv%u", u->domain->id.n, u->id);
    }
    hv_printk("\n");
    port_unlock(p->lock);
}

const struct sched_policy rr_policy = {
    .name = "Round Robin Scheduler",
    .opt_name = "rr",
    .id = 1000, /* Xen's own are small numbers */
    .init = rr_init,
    .deinit = rr_deinit,
    .add_cpu = rr_add_cpu,
    .remove_cpu = rr_remove_cpu,
    .alloc_unit = rr_alloc_unit,
    .free_unit = rr_free_unit,
    .insert_unit = rr_insert_unit,
    .remove_unit = rr_remove_unit,
    .sleep = rr_sleep,
    .wake = rr_wake,
    .yield = rr_yield,
    .pick_cpu = rr_pick_cpu,
    .do_schedule = rr_schedule,
    .context_saved = rr_context_saved,
    .dump_settings = rr_dump_settings,
    .check = rr_check,
    .is_queued = rr_is_queued,
    .idle_limit = rr_idle_limit,
};
