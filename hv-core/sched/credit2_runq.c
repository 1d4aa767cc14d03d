/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit2: run queues: which pCPUs are of which, their order, their load, and what their pCPUs are known to do. */
#include "credit2.h"

#include <hv/mm.h>

/* ---- pCPUs ------------------------------------------------------------------------------------------------------ */

/* Is c of the core (socket, node) that the queue stands for? */
static bool stands_for(const struct credit2_pool *p, const struct credit2_runq *rq, pcpu_id c)
{
    switch (p->arrangement) {
    case HV_RUNQ_cpu:
        return false;
    case HV_RUNQ_core:
        return cpumask_test(cpu_sibling_mask(c), rq->pick_bias);
    case HV_RUNQ_socket:
        return cpu_to_socket(c) == cpu_to_socket(rq->pick_bias);
    case HV_RUNQ_node:
        return node_eq(cpu_to_node(c), cpu_to_node(rq->pick_bias));
    case HV_RUNQ_all:
        return true;
    }
    return false;
}

/* Have c and all its siblings room in rq, beside all siblings of those that it has? */
static bool has_room(const struct credit2_runq *rq, pcpu_id c, unsigned max)
{
    unsigned n = cpumask_weight(cpu_sibling_mask(c));
    cpumask_t left;
    pcpu_id i;

    cpumask_copy(&left, &rq->assigned);
    for_each_cpu (i, &left) {
        n += cpumask_weight(cpu_sibling_mask(i));
        cpumask_andnot(&left, &left, cpu_sibling_mask(i));
    }
    return n <= max;
}

/*
 * An existing queue for c, or NULL. Queues of a large socket are to be of equal size, and none has more than max_cpus
 * pCPUs; but the threads of a core are never apart.
 */
static struct credit2_runq *find_runq(const struct credit2_pool *p, pcpu_id c)
{
    unsigned online = cpumask_weight(&hv_cpu_online);
    unsigned min_queues = (online - 1) / p->max_cpus + 1, per_queue = online / min_queues;
    bool whole_cores = p->sched->pool->gran == HV_GRAN_cpu && p->arrangement != HV_RUNQ_all;
    struct credit2_runq *best = NULL;
    unsigned best_nr = 0;
    struct list_head *pos;

    list_for_each (pos, &p->runqs) {
        struct credit2_runq *rq = credit2_runq_of(pos);
        unsigned nr = cpumask_weight(&rq->assigned);
        if (!stands_for(p, rq, c))
            continue;
        if (cpumask_intersects(cpu_sibling_mask(c), &rq->assigned)) {
            if (nr >= p->max_cpus)
                hv_printk("credit2: pCPU %u shares run queue %u with its siblings, beyond %u pCPUs\n", c.n, rq->id,
                          p->max_cpus);
            return rq;
        }
        if (nr < per_queue && (!whole_cores || has_room(rq, c, per_queue)) && (!best || nr < best_nr)) {
            best = rq;
            best_nr = nr;
        }
    }
    return best;
}

/*
 * 4.3: the queue has the number of the socket. But while the machine boots, the socket of a pCPU is not known yet when
 * this is asked, and every pCPU is taken to be of the first one.
 */
static unsigned socket_runq_id(const struct credit2_pool *p, pcpu_id c)
{
    return p->sched->pool->id == 0 ? 0 : cpu_to_socket(c);
}

static struct credit2_runq *find_socket_runq(const struct credit2_pool *p, pcpu_id c)
{
    struct list_head *pos;
    list_for_each (pos, &p->runqs)
        if (credit2_runq_of(pos)->id == socket_runq_id(p, c))
            return credit2_runq_of(pos);
    return NULL;
}

/* Into the list, with the lowest id that is not used. */
static void add_runq(struct credit2_pool *p, struct credit2_runq *rq, pcpu_id c)
{
    bool by_socket = quirk(credit2_one_runqueue);
    struct list_head *pos;

    if (by_socket)
        rq->id = socket_runq_id(p, c);
    list_for_each (pos, &p->runqs) {
        if (credit2_runq_of(pos)->id > rq->id)
            break;
        if (!by_socket)
            rq->id++;
    }
    list_add_tail(&rq->elem, pos);
}

static void free_runq(struct credit2_runq *rq)
{
    /* Out of the list, it can still be in the hands of a balancer that found it there. */
    port_lock(rq->lock);
    port_unlock(rq->lock);
    sched_lock_free(rq->lock);
    hv_free(rq);
}

static struct credit2_runq *alloc_runq(pcpu_id c)
{
    struct credit2_runq *rq = hv_zalloc(sizeof(*rq));

    if (!rq)
        return NULL;
    list_init(&rq->elem);
    list_init(&rq->runq);
    list_init(&rq->units);
    rq->max_weight = 1;
    rq->pick_bias = c;
    rq->load_last_update = port_now() >> CREDIT2_LOAD_GRANULARITY;
    rq->lock = sched_lock_alloc("credit2 runqueue");
    return rq;
}

struct credit2_runq *credit2_assign_cpu(struct credit2_pool *p, pcpu_id c)
{
    struct credit2_runq *fresh = alloc_runq(c), *rq;

    if (!fresh)
        return NULL;
    credit2_write_lock(&p->lock);
    rq = quirk(credit2_one_runqueue) ? find_socket_runq(p, c) : find_runq(p, c);
    if (!rq) {
        rq = fresh;
        add_runq(p, rq, c);
    }
    cpumask_set(&rq->assigned, c);
    credit2_write_unlock(&p->lock);
    if (rq != fresh)
        free_runq(fresh);
    return rq;
}

void credit2_deassign_cpu(struct credit2_pool *p, struct credit2_runq *rq, pcpu_id c)
{
    credit2_write_lock(&p->lock);
    ASSERT(!cpumask_test(&rq->active, c));
    cpumask_clear(&rq->assigned, c);
    bool last = cpumask_empty(&rq->assigned);
    if (last) {
        ASSERT(list_empty(&rq->units) && list_empty(&rq->runq));
        list_del_init(&rq->elem);
    }
    credit2_write_unlock(&p->lock);
    if (last)
        free_runq(rq);
}

/* smt_idle has all threads of a core, or none. */
static void refresh_smt_idle(struct credit2_runq *rq, const cpumask_t *core)
{
    if (cpumask_subset(core, &rq->idle) && !cpumask_intersects(core, &rq->tickled))
        cpumask_or(&rq->smt_idle, &rq->smt_idle, core);
    else
        cpumask_andnot(&rq->smt_idle, &rq->smt_idle, core);
}

void credit2_activate_cpu(struct credit2_pcpu *cp, pcpu_id c)
{
    struct credit2_runq *rq = cp->rq;
    pcpu_id i;

    port_lock(rq->lock);
    cpumask_and(&cp->siblings, cpu_sibling_mask(c), &rq->active);
    for_each_cpu (i, &cp->siblings)
        cpumask_set(&credit2_pcpu_of(i)->siblings, c);
    cpumask_set(&cp->siblings, c);
    cpumask_set(&rq->active, c);
    cpumask_set(&rq->idle, c);
    rq->nr_cpus++;
    refresh_smt_idle(rq, &cp->siblings);
    port_unlock(rq->lock);
}

void credit2_deactivate_cpu(struct credit2_pcpu *cp, pcpu_id c)
{
    struct credit2_runq *rq = cp->rq;
    pcpu_id i;

    ASSERT(cpumask_test(&rq->active, c));
    cpumask_clear(&rq->active, c);
    cpumask_clear(&rq->idle, c);
    cpumask_clear(&rq->tickled, c);
    cpumask_clear(&rq->smt_idle, c);
    rq->nr_cpus--;
    cpumask_clear(&cp->siblings, c);
    for_each_cpu (i, &cp->siblings)
        cpumask_clear(&credit2_pcpu_of(i)->siblings, c);
    refresh_smt_idle(rq, &cp->siblings);
    if (pcpu_eq(rq->pick_bias, c) && rq->nr_cpus)
        rq->pick_bias = cpumask_first(&rq->active);
}

/* ---- what pCPUs do ---------------------------------------------------------------------------------------------- */

static void set_member(cpumask_t *m, pcpu_id c, bool member)
{
    if (member)
        cpumask_set(m, c);
    else
        cpumask_clear(m, c);
}

void credit2_mark_idle(struct credit2_runq *rq, pcpu_id c, bool idle)
{
    if (cpumask_test(&rq->idle, c) == idle)
        return;
    set_member(&rq->idle, c, idle);
    refresh_smt_idle(rq, &credit2_pcpu_of(c)->siblings);
}

void credit2_mark_tickled(struct credit2_runq *rq, pcpu_id c, bool tickled)
{
    if (cpumask_test(&rq->tickled, c) == tickled)
        return;
    set_member(&rq->tickled, c, tickled);
    refresh_smt_idle(rq, &credit2_pcpu_of(c)->siblings);
}

void credit2_tickle_cpu(struct credit2_runq *rq, pcpu_id c)
{
    credit2_mark_tickled(rq, c, true);
    port_count(PERFC_sched_tickle, 1);
    softirq_raise_on(c, SCHEDULE_SOFTIRQ);
}

/* ---- the queue -------------------------------------------------------------------------------------------------- */

/* Behind all that have as much. */
void credit2_runq_insert(struct credit2_unit *cu)
{
    struct credit2_runq *rq = cu->rq;
    struct list_head *pos;
    uint32_t n = 0;

    ASSERT(!credit2_queued(cu));
    ASSERT(!(cu->flags & (CREDIT2_SCHEDULED | CREDIT2_PARKED)) && !cu->unit->is_running);
    list_for_each (pos, &rq->runq) {
        if (cu->credit > credit2_runq_entry(pos)->credit)
            break;
        n++;
    }
    list_add_tail(&cu->runq_elem, pos);
    port_count(PERFC_sched_runq_scan, n + (pos != &rq->runq));
    const uint32_t rec[] = {credit2_trace_u(cu->unit), n};
    port_trace(TRC_CSCHED2_RUNQ_POS, 2, rec);
}

void credit2_runq_remove(struct credit2_unit *cu)
{
    ASSERT(credit2_queued(cu));
    credit2_flag_clear(cu, CREDIT2_LEFT);
    list_del_init(&cu->runq_elem);
}

/* ---- units of the queue ----------------------------------------------------------------------------------------- */

static void set_max_weight(struct credit2_runq *rq, uint32_t max_weight)
{
    const uint32_t rec[] = {credit2_pair(rq->id, max_weight)};

    rq->max_weight = max_weight;
    credit2_trace(TRC_CSCHED2_RUNQ_MAX_WEIGHT, 1, rec);
}

void credit2_update_max_weight(struct credit2_runq *rq, uint32_t new_weight, uint32_t old_weight)
{
    struct list_head *pos;
    uint32_t max = 1;

    if (new_weight > rq->max_weight) {
        set_max_weight(rq, new_weight);
    } else if (old_weight == rq->max_weight) {
        list_for_each (pos, &rq->units)
            max = hv_max_u(max, credit2_rq_entry(pos)->weight);
        set_max_weight(rq, max);
    }
}

void credit2_assign_unit(struct credit2_unit *cu, struct credit2_runq *rq)
{
    ASSERT(!cu->rq);
    cu->rq = rq;
    list_add_tail(&cu->rq_elem, &rq->units);
    credit2_update_max_weight(rq, cu->weight, 0);
    rq->b_avgload += cu->avgload; /* what is to be expected */
    const uint32_t rec[] = {credit2_trace_u(cu->unit), rq->id & 0xffff};
    port_trace(TRC_CSCHED2_RUNQ_ASSIGN, 2, rec);
}

void credit2_deassign_unit(struct credit2_unit *cu)
{
    struct credit2_runq *rq = cu->rq;

    ASSERT(rq && !credit2_queued(cu));
    list_del_init(&cu->rq_elem);
    credit2_update_max_weight(rq, 0, cu->weight);
    rq->b_avgload -= cu->avgload;
    if (rq->b_avgload < 0)
        rq->b_avgload = 0;
    cu->rq = NULL;
}

/* ---- load ------------------------------------------------------------------------------------------------------- */

/*
 * An average, over a window of 2^W, of a load in fixed point of P bits, after the load has been load for delta. Fits:
 * load < 2^15, delta <= 2^W and W + P <= CREDIT2_LOAD_BITS_MAX.
 */
static s_time_t decay(const struct credit2_pool *p, s_time_t avg, s_time_t load, s_time_t delta)
{
    unsigned w = p->load_window_shift;
    s_time_t full = load << p->load_precision_shift;

    if (quirk(credit2_load_window_short))
        return (delta * full + (((s_time_t)1 << w) - delta) * avg) >> w;
    return avg + ((delta * full) >> w) - ((delta * avg) >> w);
}

/* Time since last in units of load tracking; false: longer than the window, so that only the present counts. */
static bool since(const struct credit2_pool *p, s_time_t last, s_time_t now, s_time_t *delta)
{
    *delta = now > last ? now - last : 0;
    return last + ((s_time_t)1 << p->load_window_shift) >= now;
}

static void trace_runq_load(const struct credit2_pool *p, const struct credit2_runq *rq)
{
    uint64_t avg = (uint64_t)rq->avgload, b_avg = (uint64_t)rq->b_avgload;

    if (quirk(credit2_trace_swapped)) {
        const uint32_t rec[] = {(rq->load & 0xf) | (uint32_t)avg << 4, (rq->id & 0xf) | (uint32_t)b_avg << 4};
        port_trace(TRC_CSCHED2_UPDATE_RUNQ_LOAD, 2, rec);
    } else {
        const uint32_t rec[] = {(uint32_t)avg,
                                (uint32_t)(avg >> 32),
                                (uint32_t)b_avg,
                                (uint32_t)(b_avg >> 32),
                                (rq->load & 0xffff) | (rq->id & 0xff) << 16 | p->load_precision_shift << 24,
                                0};
        port_trace(TRC_CSCHED2_UPDATE_RUNQ_LOAD, 6, rec);
    }
}

static void update_runq_load(const struct credit2_pool *p, struct credit2_runq *rq, int change, s_time_t now)
{
    s_time_t t = now >> CREDIT2_LOAD_GRANULARITY, load = rq->load, delta;

    if (since(p, rq->load_last_update, t, &delta)) {
        rq->avgload = decay(p, rq->avgload, load, delta);
        rq->b_avgload = decay(p, rq->b_avgload, load, delta);
    } else {
        rq->avgload = rq->b_avgload = load << p->load_precision_shift;
    }
    ASSERT(change >= 0 || rq->load > 0);
    rq->load += (uint32_t)change;
    rq->load_last_update = t;
    ASSERT(rq->avgload >= 0 && rq->b_avgload >= 0);
    trace_runq_load(p, rq);
}

void credit2_update_unit_load(const struct credit2_pool *p, struct credit2_unit *cu, int change, s_time_t now)
{
    s_time_t t = now >> CREDIT2_LOAD_GRANULARITY, delta;
    /* What it has been until now. */
    s_time_t load = change ? change < 0 : credit2_runnable(cu);

    if (since(p, cu->load_last_update, t, &delta))
        cu->avgload = decay(p, cu->avgload, load, delta);
    else
        cu->avgload = load << p->load_precision_shift;
    cu->load_last_update = t;

    uint64_t avg = (uint64_t)cu->avgload;
    if (quirk(credit2_trace_swapped)) {
        const uint32_t rec[] = {credit2_trace_u(cu->unit), (uint32_t)avg};
        port_trace(TRC_CSCHED2_UPDATE_UNIT_LOAD, 2, rec);
    } else {
        const uint32_t rec[] = {(uint32_t)avg, (uint32_t)(avg >> 32), credit2_trace_u(cu->unit),
                                p->load_precision_shift};
        port_trace(TRC_CSCHED2_UPDATE_UNIT_LOAD, 4, rec);
    }
}

void credit2_update_load(const struct credit2_pool *p, struct credit2_runq *rq, struct credit2_unit *cu, int change,
                         s_time_t now)
{
    credit2_trace(TRC_CSCHED2_UPDATE_LOAD, 0, NULL);
    update_runq_load(p, rq, change, now);
    if (cu)
        credit2_update_unit_load(p, cu, change, now);
}
