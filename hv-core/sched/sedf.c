/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SEDF: the policy's table, its objects, the scheduling decision, waking. Design: sedf.h. */
#include "sedf.h"

#include <hv/mm.h>

/* ---- instance, pCPUs, units ------------------------------------------------------------------------------------- */

static bool sedf_available(const struct hv_profile *level)
{
    return level->quirk[HV_QUIRK_sched_sedf];
}

static int sedf_init(struct scheduler *s, const struct hv_options *opt)
{
    struct sedf_pool *p = hv_zalloc(sizeof(*p));
    if (!p)
        return -HV_ENOMEM;
    p->lock = (struct hv_lock)HV_LOCK_INIT("sedf");
    s->priv = p;
    return 0;
}

static void sedf_deinit(struct scheduler *s)
{
    hv_free(s->priv);
    s->priv = NULL;
}

static int sedf_alloc_cpu(struct scheduler *s, pcpu_id c, void **pdata)
{
    struct sedf_pcpu *p = hv_zalloc(sizeof(*p));
    if (!p)
        return -HV_ENOMEM;
    list_init(&p->runq);
    list_init(&p->waitq);
    list_init(&p->extraq[SEDF_L0]);
    list_init(&p->extraq[SEDF_L1]);
    *pdata = p;
    return 0;
}

static void sedf_free_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    hv_free(pdata);
}

static void sedf_remove_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    const struct sedf_pcpu *p = pdata;
    ASSERT(list_empty(&p->runq) && list_empty(&p->waitq));
    ASSERT(list_empty(&p->extraq[SEDF_L0]) && list_empty(&p->extraq[SEDF_L1]));
}

/* Best effort, dom0 too. Idle units need no data. */
static int sedf_alloc_unit(struct scheduler *s, struct sched_unit *u, void *ddata, void **udata)
{
    if (is_idle_unit(u))
        return 0;
    struct sedf_unit *su = hv_zalloc(sizeof(*su));
    if (!su)
        return -HV_ENOMEM;
    list_init(&su->elem);
    list_init(&su->extra[SEDF_L0]);
    list_init(&su->extra[SEDF_L1]);
    su->unit = u;
    su->period = SEDF_WEIGHT_PERIOD;
    su->extraweight = SEDF_DEFAULT_EXTRAWEIGHT;
    su->extra_aware = true;
    su->asleep = true;
    *udata = su;
    return 0;
}

static void sedf_free_unit(struct scheduler *s, void *udata)
{
    hv_free(udata);
}

/* By its number: of all domains, vCPU n starts from pCPU n, as far as there are as many. */
static pcpu_id sedf_pick_cpu(struct scheduler *s, struct sched_unit *u)
{
    cpumask_t allowed;

    port_count(PERFC_sched_pick_cpu, 1);
    cpumask_and(&allowed, &u->hard, unit_pool_res(u));
    unsigned n = cpumask_weight(&allowed);
    return n ? cpumask_test_or_cycle(pcpu(u->id % n), &allowed) : u->processor;
}

/* ---- waking and sleeping ---------------------------------------------------------------------------------------- */

/* Its period is still open: nothing more of it, but the loss gives it a place on L0. */
static void unblock_short(struct sedf_unit *su)
{
    su->deadline += su->period;
    if (su->blocked) {
        su->lost = su->slice > su->used ? su->slice - su->used : 0;
        if (su->lost) {
            su->score[SEDF_L0] = (su->period << SEDF_SCORE_SHIFT) / su->lost;
            su->wants_l0 = true;
            sedf_extraq_add(su, SEDF_L0, 0);
        }
    }
    su->used = 0;
}

/* A period begins with the wake. */
static void unblock_long(struct sedf_unit *su, s_time_t now)
{
    su->deadline = now + su->period;
    su->used = 0;
}

/* su has come to the queues of its pCPU, where cur runs: is there to be a new decision before the slice ends? */
static bool should_switch(const struct sedf_unit *su, const struct sched_unit *cur)
{
    if (is_idle_unit(cur) || sedf_begin(su) < sedf_pcpu_of(su->unit->processor)->slice_expires)
        return true;
    const struct sedf_unit *running = sedf_unit_of(cur);
    if (!running->runs_extra || !su->wants_l0)
        return false; /* slices are not interrupted, nor quanta of L1 for others of L1 */
    return running->extra_from == SEDF_L1 || su->score[SEDF_L0] < running->score[SEDF_L0];
}

/* Schedule lock held; it is on no queue. */
static void wake_up(struct sedf_unit *su)
{
    pcpu_id c = su->unit->processor;
    s_time_t now = port_now();

    su->asleep = false;
    if (su->deadline == 0)
        su->deadline = now + su->slice;
    if (now < su->deadline)
        unblock_short(su);
    else
        unblock_long(su, now);
    if (su->extra_aware)
        sedf_extraq_add(su, SEDF_L1, 0);
    sedf_enqueue(su, now);
    if (should_switch(su, curr_on_cpu(c)))
        softirq_raise_on(c, SCHEDULE_SOFTIRQ);
}

static void sedf_wake(struct scheduler *s, struct sched_unit *u)
{
    struct sedf_unit *su = sedf_unit_of(u);

    if (sedf_queued(su))
        su->asleep = false; /* it runs, and was about to stop (4.3 forgets this, and with it the vCPU) */
    else
        wake_up(su);
}

static void sedf_sleep(struct scheduler *s, struct sched_unit *u)
{
    struct sedf_unit *su = sedf_unit_of(u);

    su->asleep = true;
    if (curr_on_cpu(u->processor) == u)
        softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
    else
        sedf_leave_queues(su);
}

static void sedf_insert_unit(struct scheduler *s, struct sched_unit *u)
{
    struct hv_lock *lock = unit_schedule_lock(u);
    if (unit_runnable(u) && !u->is_running)
        wake_up(sedf_unit_of(u));
    port_unlock(lock);
}

static void sedf_remove_unit(struct scheduler *s, struct sched_unit *u)
{
    struct hv_lock *lock = unit_schedule_lock(u);
    sedf_leave_queues(sedf_unit_of(u));
    port_unlock(lock);
}

/* ---- the decision ----------------------------------------------------------------------------------------------- */

/* The current unit ran on its slice. */
static void deschedule_edf(struct sedf_unit *su, s_time_t now)
{
    su->used += now - su->started;
    if (su->used < su->slice && !su->asleep)
        return; /* still first, unless a deadline is earlier */

    sedf_dequeue(su);
    if (su->used >= su->slice) {
        su->used -= su->slice;
        su->deadline += su->period;
    }
    if (su->asleep)
        sedf_leave_queues(su);
    else
        sedf_enqueue(su, now);
}

/* What a quantum of L1 costs. */
static int64_t l1_score(const struct sedf_unit *su)
{
    if (su->extraweight)
        return SEDF_SCORE_FULL / su->extraweight;
    /* A share of weight mode that came out as nothing has no utilisation to go by. */
    return su->slice ? (su->period << SEDF_SCORE_SHIFT) / su->slice : SEDF_SCORE_FULL;
}

/* The current unit ran in extra time. */
static void deschedule_extra(struct sedf_unit *su, s_time_t now)
{
    enum sedf_extraq q = su->extra_from;
    int64_t price = su->score[q];

    ASSERT(sedf_on_extraq(su, q));
    su->runs_extra = false;
    su->used = 0;
    sedf_extraq_del(su, q);
    if (su->asleep)
        sedf_leave_queues(su);
    if (q == SEDF_L1) {
        su->score[SEDF_L1] = l1_score(su);
        if (!su->asleep && su->extra_aware)
            sedf_extraq_add(su, SEDF_L1, price);
        return;
    }
    su->lost -= now - su->started;
    if (su->lost <= 0) {
        su->lost = 0;
        su->wants_l0 = false;
        return;
    }
    su->score[SEDF_L0] = (su->period << SEDF_SCORE_SHIFT) / su->lost;
    if (!su->asleep)
        sedf_extraq_add(su, SEDF_L0, 0);
}

/* The runq is empty, and until end nobody's period begins. NULL: idle until then. */
static struct sedf_unit *extra_time(const struct sedf_pcpu *p, s_time_t now, s_time_t end)
{
    if (end - now < SEDF_EXTRA_QUANTUM)
        return NULL;
    for (enum sedf_extraq q = SEDF_L0; q < SEDF_EXTRAQ_NR; q++) {
        if (list_empty(&p->extraq[q]))
            continue;
        struct sedf_unit *su = sedf_extra_entry(p->extraq[q].next, q);
        su->runs_extra = true;
        su->extra_from = q;
        return su;
    }
    return NULL;
}

static struct sched_slice sedf_schedule(struct scheduler *s, pcpu_id c, s_time_t now, bool tasklet_pending)
{
    struct sedf_pcpu *p = sedf_pcpu_of(c);
    struct sched_unit *cur = curr_on_cpu(c);
    struct sedf_unit *next = NULL;
    s_time_t time = SEDF_IDLE_SLICE;

    if (!is_idle_unit(cur)) {
        struct sedf_unit *su = sedf_unit_of(cur);
        if (!unit_runnable(cur))
            su->asleep = true;
        if (su->asleep)
            su->blocked = now;
        if (su->runs_extra)
            deschedule_extra(su, now);
        else
            deschedule_edf(su, now);
    }
    sedf_update_queues(p, now);

    s_time_t begins = list_empty(&p->waitq) ? S_TIME_MAX : sedf_begin(sedf_entry(p->waitq.next));
    if (tasklet_pending) {
        /* idle, which SCHEDULE ends as soon as the work is done */
    } else if (!list_empty(&p->runq)) {
        next = sedf_entry(p->runq.next);
        time = next->slice - next->used;
        if (begins - now < time)
            time = begins - now;
    } else if (!list_empty(&p->waitq)) {
        next = extra_time(p, now, begins);
        time = next ? SEDF_EXTRA_QUANTUM : begins - now;
    }
    ASSERT(time > 0);
    p->slice_expires = now + time;
    if (!next)
        return (struct sched_slice){.task = idle_unit_on_cpu(c), .time = time};
    ASSERT(!next->asleep);
    p->left = 0;
    next->started = now;
    return (struct sched_slice){.task = next->unit, .time = time};
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

/* What runs at the moment is put among those that wait where its new period says; what it has used counts. */
static void set_times(struct sedf_unit *su, s_time_t period, s_time_t slice)
{
    su->period = period;
    su->slice = slice;
    if (sedf_queued(su)) {
        sedf_dequeue(su);
        sedf_enqueue(su, port_now());
    }
}

static void set_extra_aware(struct sedf_unit *su, bool aware)
{
    su->extra_aware = aware;
    if (!aware && !(su->runs_extra && su->extra_from == SEDF_L1))
        sedf_extraq_del(su, SEDF_L1);
    else if (aware && sedf_queued(su) && !sedf_on_extraq(su, SEDF_L1)) {
        sedf_extraq_add(su, SEDF_L1, 0);
        /* Its pCPU may be idle until a period begins. */
        softirq_raise_on(su->unit->processor, SCHEDULE_SOFTIRQ);
    }
}

struct sedf_booking {
    uint64_t weights;
    s_time_t fixed; /* of each SEDF_WEIGHT_PERIOD */
};

/* Calls fn for each unit of the pool, its schedule lock held. */
static void for_each_pool_unit(struct scheduler *s, void (*fn)(struct sedf_unit *, struct sedf_booking *),
                               struct sedf_booking *booking)
{
    struct list_head *pos;
    struct sched_unit *u;

    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        if (d->cpupool != s->pool)
            continue;
        for_each_unit(d, u)
        {
            struct hv_lock *lock = unit_schedule_lock(u);
            fn(sedf_unit_of(u), &booking[u->processor.n]);
            port_unlock(lock);
        }
    }
}

static void book(struct sedf_unit *su, struct sedf_booking *b)
{
    if (su->weight)
        b->weights += su->weight;
    else
        b->fixed += SEDF_WEIGHT_PERIOD * su->slice / su->period;
}

static void share_out(struct sedf_unit *su, struct sedf_booking *b)
{
    s_time_t left = SEDF_WEIGHT_PERIOD - SEDF_WEIGHT_SAFETY - b->fixed;
    if (su->weight && b->weights)
        set_times(su, SEDF_WEIGHT_PERIOD, left > 0 ? (s_time_t)((uint64_t)left * su->weight / b->weights) : 0);
}

static bool params_are_valid(const struct hv_domctl *op)
{
    uint64_t period = op->u.scheduler_op.period_ns, slice = op->u.scheduler_op.slice_ns;

    if (op->u.scheduler_op.by_vcpu || op->u.scheduler_op.latency_ns > (uint64_t)SEDF_PERIOD_MAX)
        return false;
    if (op->u.scheduler_op.weight)
        return op->u.scheduler_op.weight <= SEDF_WEIGHT_MAX;
    return period >= (uint64_t)SEDF_PERIOD_MIN && period <= (uint64_t)SEDF_PERIOD_MAX &&
           slice >= (uint64_t)SEDF_SLICE_MIN && slice <= period;
}

/* Of all units of the domain. A weight: of extra time only (extratime, no period), or weight mode. Else: the times. */
static void set_params(struct sedf_unit *su, const struct hv_domctl *op)
{
    uint32_t weight = op->u.scheduler_op.weight;
    bool extratime = op->u.scheduler_op.extratime;

    if (weight && extratime && !op->u.scheduler_op.period_ns) {
        su->extraweight = weight;
        su->weight = 0;
        set_times(su, SEDF_WEIGHT_PERIOD, 0);
    } else if (weight) {
        su->weight = weight;
    } else {
        su->weight = su->extraweight = 0;
        set_times(su, (s_time_t)op->u.scheduler_op.period_ns, (s_time_t)op->u.scheduler_op.slice_ns);
    }
    su->latency = (s_time_t)op->u.scheduler_op.latency_ns;
    set_extra_aware(su, extratime);
}

static int put_params(struct scheduler *s, struct domain *d, const struct hv_domctl *op)
{
    struct sched_unit *u;

    if (!params_are_valid(op))
        return -HV_EINVAL;
    struct sedf_booking *booking = hv_zalloc(hv_nr_cpus * sizeof(*booking));
    if (!booking)
        return -HV_ENOMEM;
    port_lock(&sedf_pool_of(s)->lock);
    for_each_unit(d, u)
    {
        struct hv_lock *lock = unit_schedule_lock(u);
        set_params(sedf_unit_of(u), op);
        port_unlock(lock);
    }
    for_each_pool_unit(s, book, booking);
    for_each_pool_unit(s, share_out, booking);
    port_unlock(&sedf_pool_of(s)->lock);
    hv_free(booking);
    return 0;
}

static int sedf_adjust(struct scheduler *s, struct domain *d, struct hv_domctl *op)
{
    if (op->u.scheduler_op.put)
        return put_params(s, d, op);
    if (!d->unit_list || op->u.scheduler_op.by_vcpu)
        return -HV_EINVAL;
    /* They are all alike. */
    const struct sched_unit *u = d->unit_list;
    struct hv_lock *lock = unit_schedule_lock(u);
    const struct sedf_unit *su = sedf_unit_of(u);
    op->u.scheduler_op.period_ns = (uint64_t)su->period;
    op->u.scheduler_op.slice_ns = (uint64_t)su->slice;
    op->u.scheduler_op.latency_ns = (uint64_t)su->latency;
    op->u.scheduler_op.weight = su->weight;
    op->u.scheduler_op.extratime = su->extra_aware;
    port_unlock(lock);
    return 0;
}

/* ---- for the framework's checks ---------------------------------------------------------------------------------- */

static bool sedf_is_queued(struct scheduler *s, const struct sched_unit *u)
{
    return !is_idle_unit(u) && sedf_queued(sedf_unit_of(u));
}

/*
 * Whoever has extra time waits for no more than what is left over before a period begins, and that of each unit may
 * begin right after the one before; the pCPU has also idled for those that went meanwhile. On other pCPUs, and without
 * extra time, one may wait for ever.
 */
static s_time_t sedf_idle_limit(struct scheduler *s, const struct sched_unit *u, pcpu_id c)
{
    const struct list_head *pos;
    const struct sedf_pcpu *p = sedf_pcpu_of(c);
    s_time_t limit = p->left * SEDF_EXTRA_QUANTUM;

    if (!pcpu_eq(u->processor, c) || !sedf_on_extraq(sedf_unit_of(u), SEDF_L1))
        return -1;
    list_for_each (pos, &p->waitq)
        limit += SEDF_EXTRA_QUANTUM;
    return limit < SEDF_WEIGHT_PERIOD ? limit : -1;
}

const struct sched_policy sedf_policy = {
    .name = "Simple EDF Scheduler",
    .opt_name = "sedf",
    .id = XEN_SCHEDULER_SEDF,
    .available = sedf_available,
    .init = sedf_init,
    .deinit = sedf_deinit,
    .alloc_cpu = sedf_alloc_cpu,
    .free_cpu = sedf_free_cpu,
    .remove_cpu = sedf_remove_cpu,
    .alloc_unit = sedf_alloc_unit,
    .free_unit = sedf_free_unit,
    .insert_unit = sedf_insert_unit,
    .remove_unit = sedf_remove_unit,
    .sleep = sedf_sleep,
    .wake = sedf_wake,
    .pick_cpu = sedf_pick_cpu,
    .do_schedule = sedf_schedule,
    .adjust = sedf_adjust,
    .dump_settings = sedf_dump_settings,
    .dump_cpu = sedf_dump_cpu,
    .check = sedf_check,
    .check_unit = sedf_check_unit,
    .is_queued = sedf_is_queued,
    .idle_limit = sedf_idle_limit,
};
