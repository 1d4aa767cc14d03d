/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit2: the policy's table, its objects, and the scheduling decision. Design: credit2.h. */
#include "credit2.h"

#include <hv/mm.h>

/* ---- pool.lock -------------------------------------------------------------------------------------------------- */

static bool no_readers(void *lock)
{
    const struct credit2_rwlock *l = lock;
    return __atomic_load_n(&l->state, __ATOMIC_ACQUIRE) == CREDIT2_WRITER;
}

void credit2_write_lock(struct credit2_rwlock *l)
{
    port_lock(&l->writer);
    __atomic_fetch_or(&l->state, CREDIT2_WRITER, __ATOMIC_ACQUIRE);
    port_relax_until(no_readers, l);
}

bool credit2_write_trylock(struct credit2_rwlock *l)
{
    if (!port_trylock(&l->writer))
        return false;
    uint32_t nobody = 0;
    if (__atomic_compare_exchange_n(&l->state, &nobody, CREDIT2_WRITER, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return true;
    port_unlock(&l->writer);
    return false;
}

void credit2_write_unlock(struct credit2_rwlock *l)
{
    __atomic_fetch_and(&l->state, ~CREDIT2_WRITER, __ATOMIC_RELEASE);
    port_unlock(&l->writer);
}

/* ---- instance --------------------------------------------------------------------------------------------------- */

/* An option within its range, else the default and a message. */
static unsigned option(const char *name, unsigned value, unsigned min, unsigned max, unsigned otherwise)
{
    if (value >= min && value <= max)
        return value;
    hv_printk("%s=%u is outside of %u..%u: using %u\n", name, value, min, max, otherwise);
    return otherwise;
}

static int tolerance(const char *name, int value, unsigned precision, int otherwise)
{
    /* As a shift of 1 << precision. */
    if (value >= -(int)precision && value <= (int)(CREDIT2_LOAD_BITS_MAX - precision))
        return value;
    hv_printk("%s=%d is outside of %d..%d: using %d\n", name, value, -(int)precision,
              (int)(CREDIT2_LOAD_BITS_MAX - precision), otherwise);
    return otherwise;
}

/* The options are given in ns bits; 4.3 knows its window in units of 1.024 us only, with the precision in one. */
static void init_load_tracking(struct credit2_pool *p, const struct hv_options *opt)
{
    unsigned window = option("credit2_load_window_shift", opt->credit2_load_window_shift, CREDIT2_LOAD_GRANULARITY + 1,
                             CREDIT2_LOAD_BITS_MAX, CREDIT2_LOAD_WINDOW_DEFAULT);
    unsigned precision = option("credit2_load_precision_shift", opt->credit2_load_precision_shift,
                                CREDIT2_LOAD_PRECISION_MIN, CREDIT2_LOAD_BITS_MAX, CREDIT2_LOAD_PRECISION_DEFAULT);

    p->load_window_shift = window - CREDIT2_LOAD_GRANULARITY;
    p->load_precision_shift = precision;
    if (quirk(credit2_load_window_short)) {
        if (window == CREDIT2_LOAD_WINDOW_DEFAULT)
            p->load_window_shift = CREDIT2_LOAD_SHIFT_4_3;
        p->load_precision_shift = p->load_window_shift;
    }
    if (p->load_window_shift + p->load_precision_shift > CREDIT2_LOAD_BITS_MAX) {
        hv_printk("credit2: a load window of 2^%u ns and a precision of %u bits do not go together: using %u and %u\n",
                  window, precision, CREDIT2_LOAD_WINDOW_DEFAULT, CREDIT2_LOAD_PRECISION_DEFAULT);
        p->load_window_shift = CREDIT2_LOAD_WINDOW_DEFAULT - CREDIT2_LOAD_GRANULARITY;
        p->load_precision_shift = CREDIT2_LOAD_PRECISION_DEFAULT;
        if (quirk(credit2_load_window_short))
            p->load_window_shift = p->load_precision_shift = CREDIT2_LOAD_SHIFT_4_3;
    }
}

static bool ratelimit_ok(unsigned us)
{
    return us == 0 || (us >= CREDIT2_RATELIMIT_US_MIN && us <= CREDIT2_RATELIMIT_US_MAX);
}

static int credit2_init(struct scheduler *s, const struct hv_options *opt)
{
    struct credit2_pool *p = hv_zalloc(sizeof(*p));

    if (!p)
        return -HV_ENOMEM;
    p->lock.writer = (struct hv_lock)HV_LOCK_INIT("credit2");
    list_init(&p->runqs);
    list_init(&p->doms);
    p->sched = s;
    p->ratelimit_us = opt->sched_ratelimit_us;
    if (!ratelimit_ok(p->ratelimit_us)) {
        hv_printk("sched_ratelimit_us=%u is outside of %u..%u: using %u\n", p->ratelimit_us, CREDIT2_RATELIMIT_US_MIN,
                  CREDIT2_RATELIMIT_US_MAX, CREDIT2_RATELIMIT_US_DEFAULT);
        p->ratelimit_us = CREDIT2_RATELIMIT_US_DEFAULT;
    }
    if (quirk(credit2_no_ratelimit))
        p->ratelimit_us = 0;
    init_load_tracking(p, opt);
    p->balance_under = tolerance("credit2_balance_under", opt->credit2_balance_under, p->load_precision_shift, 0);
    p->balance_over = tolerance("credit2_balance_over", opt->credit2_balance_over, p->load_precision_shift, -3);
    p->cap_period = MILLISECS(option("credit2_cap_period_ms", opt->credit2_cap_period_ms, 1, CREDIT2_CAP_PERIOD_MS_MAX,
                                     CREDIT2_CAP_PERIOD_MS_DEFAULT));
    p->migrate_resist = MICROSECS(option("sched_credit2_migrate_resist", opt->sched_credit2_migrate_resist, 0,
                                         CREDIT2_MIGRATE_RESIST_US_MAX, 500));
    p->max_cpus = option("sched_credit2_max_cpus_runqueue", opt->sched_credit2_max_cpus_runqueue, 1, HV_MAX_PCPUS,
                         CREDIT2_MAX_CPUS_DEFAULT);
    p->arrangement = opt->credit2_runqueue;
    if (quirk(credit2_one_runqueue) && p->arrangement != HV_RUNQ_socket)
        hv_printk("credit2_runqueue= is not an option of this release: run queues are per socket\n");
    p->smt_power_savings = opt->sched_smt_power_savings;
    s->priv = p;
    return 0;
}

static void credit2_deinit(struct scheduler *s)
{
    struct credit2_pool *p = credit2_pool_of(s);

    ASSERT(list_empty(&p->runqs) && list_empty(&p->doms));
    s->priv = NULL;
    hv_free(p);
}

/* ---- pCPUs ------------------------------------------------------------------------------------------------------ */

static int credit2_alloc_cpu(struct scheduler *s, pcpu_id c, void **pdata)
{
    struct credit2_pcpu *cp = hv_zalloc(sizeof(*cp));

    if (!cp)
        return -HV_ENOMEM;
    cp->rq = credit2_assign_cpu(credit2_pool_of(s), c);
    if (!cp->rq) {
        hv_free(cp);
        return -HV_ENOMEM;
    }
    *pdata = cp;
    return 0;
}

/* The timers of domains that were on c go elsewhere; those of a pool without pCPUs have no units to look after. */
static void credit2_free_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_pcpu *cp = pdata;
    struct list_head *pos;
    pcpu_id to = cpumask_cycle(c, &s->pool->res);

    credit2_write_lock(&p->lock);
    list_for_each (pos, &p->doms) {
        struct credit2_dom *cd = list_entry(pos, struct credit2_dom, elem);
        if (pcpu_eq(cd->repl_timer.cpu, c) && pcpu_valid(to))
            timer_migrate(&cd->repl_timer, to);
    }
    credit2_write_unlock(&p->lock);
    credit2_deassign_cpu(p, cp->rq, c);
    hv_free(cp);
}

static struct hv_lock *credit2_add_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct credit2_pcpu *cp = pdata;

    credit2_activate_cpu(cp, c);
    softirq_raise_on(c, SCHEDULE_SOFTIRQ); /* somebody may be waiting */
    return cp->rq->lock;
}

static void credit2_remove_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    credit2_deactivate_cpu(pdata, c);
}

/* ---- domains and units ------------------------------------------------------------------------------------------ */

static int credit2_alloc_domain(struct scheduler *s, struct domain *d, void **ddata)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_dom *cd = hv_zalloc(sizeof(*cd));
    pcpu_id c = cpumask_first(&s->pool->res);

    if (!cd)
        return -HV_ENOMEM;
    cd->sched = s;
    cd->domain = d;
    cd->weight = CREDIT2_DEFAULT_WEIGHT;
    cd->budget_lock = (struct hv_lock)HV_LOCK_INIT("credit2 budget");
    list_init(&cd->parked);
    timer_init(&cd->repl_timer, credit2_replenish, cd, pcpu_valid(c) ? c : port_this_cpu());
    credit2_write_lock(&p->lock);
    list_add_tail(&cd->elem, &p->doms);
    credit2_write_unlock(&p->lock);
    *ddata = cd;
    return 0;
}

static void credit2_free_domain(struct scheduler *s, void *ddata)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_dom *cd = ddata;

    ASSERT(list_empty(&cd->parked));
    credit2_write_lock(&p->lock);
    list_del_init(&cd->elem);
    credit2_write_unlock(&p->lock);
    timer_kill(&cd->repl_timer);
    hv_free(cd);
}

static int credit2_alloc_unit(struct scheduler *s, struct sched_unit *u, void *ddata, void **udata)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_dom *cd = ddata;
    struct credit2_unit *cu = hv_zalloc(sizeof(*cu));

    if (!cu)
        return -HV_ENOMEM;
    list_init(&cu->runq_elem);
    list_init(&cu->rq_elem);
    list_init(&cu->parked_elem);
    cu->unit = u;
    cu->dom = cd;
    cu->tickled_cpu = PCPU_INVALID;
    cu->budget = CREDIT2_NO_BUDGET;
    if (cd) {
        cu->credit = CREDIT2_CREDIT_INIT;
        cu->weight = cd->weight;
        cu->avgload = (s_time_t)1 << (p->load_precision_shift - 1); /* 50 % to begin with */
        cu->load_last_update = port_now() >> CREDIT2_LOAD_GRANULARITY;
    } else {
        cu->credit = quirk(credit2_no_floor) ? CREDIT2_IDLE_CREDIT_NO_FLOOR : CREDIT2_IDLE_CREDIT;
    }
    *udata = cu;
    return 0;
}

static void credit2_free_unit(struct scheduler *s, void *udata)
{
    hv_free(udata);
}

static void set_pinned(struct credit2_unit *cu, const cpumask_t *hard)
{
    credit2_flag_clear(cu, CREDIT2_PINNED);
    if (cpumask_weight(hard) == 1)
        cu->flags |= CREDIT2_PINNED;
}

/* u goes to resource c. No lock held; the locks of both resources are taken on the way. */
static void place_new(struct sched_unit *u, pcpu_id c)
{
    struct hv_lock *a = unit_schedule_lock(u), *b = schedule_lock_of(c);

    if (a != b) {
        port_unlock(a);
        port_lock(a < b ? a : b);
        port_lock(a < b ? b : a);
    }
    /* The sysctl lock keeps pCPUs where they are, and nobody knows of u yet. */
    ASSERT(a == schedule_lock_of(u->processor) && b == schedule_lock_of(c));
    sched_set_res(u, c);
    port_unlock(a);
    if (a != b)
        port_unlock(b);
}

static void credit2_insert_unit(struct scheduler *s, struct sched_unit *u)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_unit *cu = credit2_unit_of(u);
    struct hv_lock *lock;

    if (!quirk(credit2_first_pcpu)) {
        lock = unit_schedule_lock(u);
        pcpu_id c = credit2_pick(s, u);
        port_unlock(lock);
        if (!pcpu_eq(c, u->processor))
            place_new(u, c);
    }

    lock = unit_schedule_lock(u);
    set_pinned(cu, &u->hard);
    cu->dom->nr_units++;
    if (cu->dom->cap) { /* comes to a domain that has one already */
        s_time_t quota = cu->dom->tot_budget / cu->dom->nr_units;
        cu->quota = quota > CREDIT2_MIN_TIMER ? quota : CREDIT2_MIN_TIMER;
        cu->budget = 0;
    }
    credit2_assign_unit(cu, credit2_rq(u->processor));
    if (unit_runnable(u) && !u->is_running) {
        s_time_t now = port_now();
        credit2_update_load(p, cu->rq, cu, 1, now);
        credit2_runq_insert(cu);
        credit2_tickle(p, cu, now);
    }
    port_unlock(lock);
}

static void credit2_remove_unit(struct scheduler *s, struct sched_unit *u)
{
    struct credit2_unit *cu = credit2_unit_of(u);

    credit2_forget_parked(cu);
    struct hv_lock *lock = unit_schedule_lock(u);
    if (credit2_queued(cu)) {
        credit2_runq_remove(cu);
        credit2_update_load(credit2_pool_of(s), cu->rq, cu, -1, port_now());
    }
    credit2_deassign_unit(cu);
    cu->dom->nr_units--;
    port_unlock(lock);
}

/* ---- what happens to units: schedule lock held ------------------------------------------------------------------ */

static void credit2_sleep(struct scheduler *s, struct sched_unit *u)
{
    struct credit2_unit *cu = credit2_unit_of(u);

    if (curr_on_cpu(u->processor) == u) {
        if (quirk(credit2_tickle_own_first))
            softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
        else
            credit2_tickle_cpu(cu->rq, u->processor);
    } else if (credit2_queued(cu)) {
        credit2_update_load(credit2_pool_of(s), cu->rq, cu, -1, port_now());
        credit2_runq_remove(cu);
    } else {
        credit2_flag_clear(cu, CREDIT2_DELAYED_RUNQ_ADD);
    }
}

static void credit2_wake(struct scheduler *s, struct sched_unit *u)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_unit *cu = credit2_unit_of(u);

    if (curr_on_cpu(u->processor) == u || credit2_queued(cu) || (cu->flags & CREDIT2_PARKED))
        return;
    if (cu->flags & CREDIT2_SCHEDULED) {
        cu->flags |= CREDIT2_DELAYED_RUNQ_ADD; /* it is still being switched out */
        return;
    }
    s_time_t now = port_now();
    ASSERT(cu->rq == credit2_rq(u->processor));
    credit2_update_load(p, cu->rq, cu, 1, now);
    credit2_runq_insert(cu);
    credit2_tickle(p, cu, now);
}

static void credit2_yield(struct scheduler *s, struct sched_unit *u)
{
    if (!quirk(credit2_yield_nop))
        credit2_unit_of(u)->flags |= CREDIT2_YIELD;
}

static void credit2_migrate(struct scheduler *s, struct sched_unit *u, pcpu_id to)
{
    struct credit2_unit *cu = credit2_unit_of(u);
    struct credit2_runq *rq = credit2_rq(to);

    if (rq != cu->rq)
        credit2_move(credit2_pool_of(s), cu, rq, port_now());
    else
        sched_set_res(u, to);
}

static void credit2_adjust_affinity(struct scheduler *s, struct sched_unit *u, const cpumask_t *hard,
                                    const cpumask_t *soft)
{
    set_pinned(credit2_unit_of(u), hard);
}

/* No lock held. */
static void credit2_context_saved(struct scheduler *s, struct sched_unit *prev)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_unit *cu = credit2_unit_of(prev);
    struct list_head unpark;

    if (is_idle_unit(prev))
        return;
    list_init(&unpark);
    struct hv_lock *lock = unit_schedule_lock(prev);
    s_time_t now = port_now();
    credit2_flag_clear(cu, CREDIT2_SCHEDULED);
    if (credit2_has_cap(cu) && cu->budget > 0)
        credit2_return_budget(cu, &unpark);
    if (credit2_flag_clear(cu, CREDIT2_DELAYED_RUNQ_ADD) && credit2_runnable(cu)) {
        credit2_runq_insert(cu);
        credit2_tickle(p, cu, now);
    } else {
        credit2_update_load(p, cu->rq, cu, -1, now);
    }
    port_unlock(lock);
    credit2_unpark(p, &unpark);
}

/* ---- the decision ----------------------------------------------------------------------------------------------- */

/* cur runs outside of its soft affinity, and a pCPU in it is there to take it. */
static bool would_rather_move(const struct credit2_runq *rq, const struct credit2_unit *cur, pcpu_id c)
{
    cpumask_t soft;

    if (!has_soft_affinity(cur->unit))
        return false;
    affinity_mask(cur->unit, BALANCE_SOFT, &soft);
    if (cpumask_test(&soft, c))
        return false;
    cpumask_and(&soft, &soft, &rq->idle);
    cpumask_andnot(&soft, &soft, &rq->tickled);
    return !cpumask_empty(&soft);
}

/* Another pCPU was told to take cu, and has not got round to it. */
static bool left_to_other(const struct credit2_runq *rq, const struct credit2_unit *cu, pcpu_id c)
{
    return pcpu_valid(cu->tickled_cpu) && !pcpu_eq(cu->tickled_cpu, c) && cpumask_test(&rq->tickled, cu->tickled_cpu);
}

/* cu, whose cache is warm elsewhere, is not far enough ahead of what c would run. */
static bool resists(const struct credit2_pool *p, const struct credit2_unit *cu, const struct credit2_unit *than,
                    pcpu_id c)
{
    if (pcpu_eq(cu->unit->processor, c) || (is_idle_unit(than->unit) && !quirk(credit2_idle_resist)))
        return false;
    return than->credit + p->migrate_resist > cu->credit;
}

/* The first of the queue that may, can and deserves to run on c instead of choice; who has no budget is parked. */
static struct credit2_unit *scan_queue(struct credit2_pool *p, struct credit2_runq *rq, struct credit2_unit *choice,
                                       pcpu_id c, bool yield, s_time_t now)
{
    struct list_head *pos, *next;
    uint32_t seen = 0;

    list_for_each_safe (pos, next, &rq->runq) {
        struct credit2_unit *cu = credit2_runq_entry(pos);
        const uint32_t rec[] = {credit2_trace_u(cu->unit)};
        seen++;
        credit2_trace(TRC_CSCHED2_RUNQ_CAND_CHECK, 1, rec);
        if (!yield && cu->credit <= choice->credit)
            break;
        if (!unit_runnable(cu->unit) || !credit2_may_run(cu->unit, c) || left_to_other(rq, cu, c))
            continue;
        if (resists(p, cu, choice, c)) {
            if (is_idle_unit(choice->unit))
                cu->flags |= CREDIT2_LEFT; /* for those who check that work is conserved */
            continue;
        }
        if (credit2_has_cap(cu) && !credit2_grab_budget(p, cu, now))
            continue;
        choice = cu;
        break;
    }
    port_count(PERFC_sched_runq_scan, seen);
    return choice;
}

static struct credit2_unit *candidate(struct credit2_pool *p, struct credit2_runq *rq, struct credit2_unit *cur,
                                      pcpu_id c, s_time_t now)
{
    struct credit2_unit *choice = credit2_unit_of(idle_unit_on_cpu(c));
    s_time_t ran = now - cur->unit->state_entry;
    bool yield = false;

    if (!is_idle_unit(cur->unit)) {
        yield = credit2_flag_clear(cur, CREDIT2_YIELD);
        bool runnable = credit2_runnable(cur);
        if (!yield && runnable && ran < MICROSECS(p->ratelimit_us)) {
            const uint32_t rec[] = {credit2_trace_u(cur->unit), (uint32_t)ran};
            credit2_trace(TRC_CSCHED2_RATELIMIT, 2, rec);
            return cur;
        }
        if (runnable && !would_rather_move(rq, cur, c))
            choice = cur;
    }
    choice = scan_queue(p, rq, choice, c, yield, now);
    const uint32_t rec[] = {credit2_trace_u(choice->unit), choice->tickled_cpu.n, (uint32_t)choice->credit};
    credit2_trace(TRC_CSCHED2_RUNQ_CANDIDATE, 3, rec);
    return choice;
}

static void trace_schedule(const struct credit2_runq *rq, pcpu_id c, bool tasklet, bool idle, bool tickled)
{
    const uint32_t rec[] = {credit2_pair(c.n, rq->id), (uint32_t)tasklet | (uint32_t)idle << 8 |
                                                           (uint32_t)cpumask_test(&rq->smt_idle, c) << 16 |
                                                           (uint32_t)tickled << 24};
    credit2_trace(TRC_CSCHED2_SCHEDULE, 2, rec);
}

/* next, not idle, runs from now on; true if it comes from another pCPU. */
static bool start(struct credit2_pool *p, struct credit2_runq *rq, struct credit2_unit *cur, struct credit2_unit *next,
                  pcpu_id c, s_time_t now)
{
    bool migrated = !pcpu_eq(next->unit->processor, c);

    if (next != cur) {
        credit2_runq_remove(next);
        next->flags |= CREDIT2_SCHEDULED;
        if (migrated)
            sched_set_res(next->unit, c);
    } else if (!quirk(credit2_stale_load)) {
        credit2_update_load(p, rq, next, 0, now);
    }
    credit2_mark_idle(rq, c, false);
    if (credit2_epoch_over(rq, next)) {
        credit2_reset(rq, next, now);
        credit2_balance_load(p, rq, now);
    }
    next->start_time = now;
    next->tickled_cpu = PCPU_INVALID;
    if (migrated)
        next->credit += CREDIT2_MIGRATE_COMPENSATION;
    return migrated;
}

static struct sched_slice credit2_schedule(struct scheduler *s, pcpu_id c, s_time_t now, bool tasklet_pending)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_runq *rq = credit2_rq(c);
    struct credit2_unit *cur = credit2_unit_of(curr_on_cpu(c)), *next, *leaving = NULL;
    bool cur_idle = is_idle_unit(cur->unit), tickled = cpumask_test(&rq->tickled, c);
    struct sched_slice slice = {.migrated = false};

    ASSERT(cpumask_test(&rq->active, c));
    ASSERT(cur_idle || cur->rq == rq);
    credit2_mark_tickled(rq, c, false);
    trace_schedule(rq, c, tasklet_pending, cur_idle, tickled);
    credit2_burn(rq, cur, now);
    if (!cur_idle && credit2_has_cap(cur) && cur->budget <= 0 && credit2_runnable(cur))
        credit2_grab_budget(p, cur, now); /* or it is parked */

    if (tasklet_pending) {
        port_trace(TRC_CSCHED2_SCHED_TASKLET, 0, NULL);
        next = credit2_unit_of(idle_unit_on_cpu(c));
    } else if (!cpumask_test(&s->pool->res, c)) {
        next = credit2_unit_of(idle_unit_on_cpu(c)); /* it is leaving the pool */
    } else {
        next = candidate(p, rq, cur, c, now);
    }

    if (next != cur && !cur_idle && credit2_runnable(cur)) {
        cur->flags |= CREDIT2_DELAYED_RUNQ_ADD;
        leaving = cur;
    }
    if (!is_idle_unit(next->unit)) {
        slice.migrated = start(p, rq, cur, next, c, now);
    } else {
        credit2_mark_idle(rq, c, !tasklet_pending);
        credit2_update_load(p, rq, NULL, 0, now); /* also where nothing happens */
    }
    if (tickled && !quirk(credit2_passed_over) && !quirk(credit2_tickle_own_first))
        credit2_offer_again(p, rq, c);
    slice.task = next->unit;
    slice.time = credit2_runtime(p, rq, next, leaving, now);
    return slice;
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

#define UNCHANGED_CAP 0xffffu

static unsigned nr_vcpus(const struct domain *d)
{
    unsigned n = 0, i;
    const struct vcpu *v;
    for_each_vcpu(d, v, i) n += v != NULL;
    return n;
}

static int credit2_adjust(struct scheduler *s, struct domain *d, struct hv_domctl *op)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct credit2_dom *cd = d->sched_priv;
    uint32_t weight = op->u.scheduler_op.weight, cap = op->u.scheduler_op.cap;

    if (op->u.scheduler_op.by_vcpu)
        return -HV_EINVAL; /* parameters are per domain */
    if (!op->u.scheduler_op.put) {
        op->u.scheduler_op.weight = cd->weight;
        op->u.scheduler_op.cap = cd->cap;
        return 0;
    }
    if (cap == UNCHANGED_CAP)
        cap = cd->cap;
    if (weight > CREDIT2_MAX_WEIGHT)
        return -HV_EINVAL;
    if (cap && quirk(credit2_no_cap))
        return -HV_EOPNOTSUPP;
    if (cap > 100 * nr_vcpus(d))
        return -HV_EINVAL;
    credit2_write_lock(&p->lock);
    if (weight && weight != cd->weight)
        credit2_set_weight(cd, weight);
    credit2_set_cap(p, cd, cap);
    credit2_write_unlock(&p->lock);
    return 0;
}

static int credit2_adjust_global(struct scheduler *s, struct hv_sysctl *op)
{
    struct credit2_pool *p = credit2_pool_of(s);

    if (quirk(credit2_no_ratelimit))
        return -HV_EOPNOTSUPP;
    if (op->u.scheduler_op.put) {
        if (!ratelimit_ok(op->u.scheduler_op.ratelimit_us))
            return -HV_EINVAL;
        credit2_write_lock(&p->lock);
        p->ratelimit_us = op->u.scheduler_op.ratelimit_us;
        credit2_write_unlock(&p->lock);
    }
    op->u.scheduler_op.ratelimit_us = p->ratelimit_us;
    return 0;
}

const struct sched_policy credit2_policy = {
    .name = "SMP Credit Scheduler rev2",
    .opt_name = "credit2",
    .id = XEN_SCHEDULER_CREDIT2,
    .init = credit2_init,
    .deinit = credit2_deinit,
    .alloc_cpu = credit2_alloc_cpu,
    .free_cpu = credit2_free_cpu,
    .add_cpu = credit2_add_cpu,
    .remove_cpu = credit2_remove_cpu,
    .alloc_domain = credit2_alloc_domain,
    .free_domain = credit2_free_domain,
    .alloc_unit = credit2_alloc_unit,
    .free_unit = credit2_free_unit,
    .insert_unit = credit2_insert_unit,
    .remove_unit = credit2_remove_unit,
    .sleep = credit2_sleep,
    .wake = credit2_wake,
    .yield = credit2_yield,
    .pick_cpu = credit2_pick,
    .migrate = credit2_migrate,
    .do_schedule = credit2_schedule,
    .adjust_affinity = credit2_adjust_affinity,
    .context_saved = credit2_context_saved,
    .adjust = credit2_adjust,
    .adjust_global = credit2_adjust_global,
    .dump_settings = credit2_dump,
    .check = credit2_check,
    .check_unit = credit2_check_unit,
    .is_queued = credit2_is_queued,
    .idle_limit = credit2_idle_limit,
};
