/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credit: burning and earning.
 *
 * An accounting pass over a pool with W = sum of the active weights and C credits to hand out:
 *   a domain of weight w with n active vCPUs has a fair share of ceil(C w n / W), at most n slices' worth (plus its
 * part of what the pool is in debt), at most its cap. What a domain cannot take is spread over those after it; if
 * somebody before it could have used it, the domain moves to the head of the list, to be seen first the next time. Xen
 * computes this in 32 bits, which wraps on large hosts (quirk credit_acct_32bit).
 */
#include "credit.h"

void credit_pool_params(struct credit_pool *p, unsigned tslice_ms, unsigned ratelimit_us)
{
    p->tslice_ms = tslice_ms;
    p->ticks_per_tslice = tslice_ms < CREDIT_TICKS_PER_SLICE ? 1 : CREDIT_TICKS_PER_SLICE;
    p->old_ticks_until = port_now() + p->tick_period;
    p->tick_period = MILLISECS(tslice_ms) / p->ticks_per_tslice;
    p->credits_per_tslice = CREDIT_PER_MS * tslice_ms;
    p->credit = p->credits_per_tslice * p->ncpus;
    p->ratelimit_us = ratelimit_us;
}

/*
 * Whole credits are charged; what is left of the interval stays both in start_time and in the residual, so that a
 * charge can come up to one credit early, and start_time then lies in the future. The total never drifts.
 */
void credit_burn(struct credit_unit *cu, s_time_t now)
{
    s_time_t delta = now - cu->start_time;

    if (delta <= 0)
        return;
    uint64_t work = (uint64_t)delta * CREDIT_PER_MS + cu->residual;
    uint64_t credits = work / MILLISECS(1);
    cu->residual = (uint32_t)(work - credits * MILLISECS(1));
    __atomic_fetch_sub(&cu->credit, (int32_t)credits, __ATOMIC_RELAXED);
    cu->start_time += (s_time_t)credits * CREDIT_NS;
}

/* ---- who takes part -----------------------------------------------------------------------------------------------
 */

void credit_activate(struct credit_pool *p, struct credit_unit *cu)
{
    struct credit_dom *cd = cu->dom;

    if (!list_empty(&cu->active_elem))
        return;
    cd->active_count++;
    list_add(&cu->active_elem, &cd->active_vcpu);
    p->weight += cd->weight;
    if (list_empty(&cd->active_elem))
        list_add(&cd->active_elem, &p->active_dom);
    trace3(TRC_CSCHED_ACCOUNT_START, cd->domain->id.n, cu->unit->id, cd->active_count);
}

void credit_deactivate(struct credit_pool *p, struct credit_unit *cu)
{
    struct credit_dom *cd = cu->dom;

    ASSERT(!list_empty(&cu->active_elem));
    ASSERT(p->weight >= cd->weight);
    cd->active_count--;
    list_del_init(&cu->active_elem);
    p->weight -= cd->weight;
    if (list_empty(&cd->active_vcpu))
        list_del_init(&cd->active_elem);
    trace3(TRC_CSCHED_ACCOUNT_STOP, cd->domain->id.n, cu->unit->id, cd->active_count);
}

/* ---- the pass -----------------------------------------------------------------------------------------------------
 */

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return (a + (b - 1)) / b;
}

/* ceil(a b n / d), in the width of the level. */
static uint32_t share_of(uint32_t a, uint32_t b, uint32_t n, uint32_t d)
{
    if (quirk(credit_acct_32bit))
        return ceil_div(a * b * n, d);
    return (uint32_t)(((uint64_t)a * b * n + (d - 1)) / d);
}

/* Give one vCPU its share; returns what it has then. cap_share: its part of the domain's cap, 0: none. */
static int32_t account_vcpu(struct credit_pool *p, struct credit_unit *cu, uint32_t share, uint32_t cap_share)
{
    int32_t credit = __atomic_add_fetch(&cu->credit, (int32_t)share, __ATOMIC_RELAXED);
    int32_t slice = (int32_t)p->credits_per_tslice;

    if (credit < 0) {
        cu->pri = PRI_OVER;
        if (cap_share && credit < -(int32_t)cap_share && !credit_flag_test(cu, CREDIT_PARKED)) {
            credit_flag_set(cu, CREDIT_PARKED);
            unit_pause_nosync(cu->unit);
        }
        if (credit < -slice) {
            credit = -slice;
            __atomic_store_n(&cu->credit, credit, __ATOMIC_RELAXED);
        }
        return credit;
    }

    cu->pri = PRI_UNDER;
    if (credit_flag_test(cu, CREDIT_PARKED)) {
        /* Parked or not is what decides about a boost in the wake that the unpause brings about. */
        if (quirk(credit_unpark_boost))
            credit_flag_clear(cu, CREDIT_PARKED);
        unit_unpause(cu->unit);
        credit_flag_clear(cu, CREDIT_PARKED);
    }
    if (credit > slice) {
        credit_deactivate(p, cu);
        credit /= 2;
        __atomic_store_n(&cu->credit, credit, __ATOMIC_RELAXED);
    }
    return credit;
}

void credit_account(struct credit_pool *p)
{
    uint32_t total_weight = p->weight, left = total_weight, total = p->credit;
    uint32_t nr_dom = 0, nr_vcpu = 0;
    uint32_t debt = p->balance < 0 ? (uint32_t)-p->balance : 0;
    int32_t balance = 0;
    bool more_wanted = false;
    struct list_head *pos, *next, *vpos, *vnext;

    if (total_weight == 0) {
        p->balance = 0;
        return;
    }
    total += debt;

    list_for_each_safe (pos, next, &p->active_dom) {
        struct credit_dom *cd = list_entry(pos, struct credit_dom, active_elem);
        uint32_t n = cd->active_count, cap_share = 0;

        ASSERT(n && !list_empty(&cd->active_vcpu));
        ASSERT(cd->weight * n <= left);
        left -= cd->weight * n;

        uint32_t peak = n * p->credits_per_tslice;
        if (debt)
            peak += share_of(debt, cd->weight, n, total_weight);
        if (cd->cap) {
            uint32_t cap = ceil_div(cd->cap * p->credits_per_tslice, 100);
            if (cap < peak)
                peak = cap;
            cap_share = ceil_div(cap, n);
        }

        uint32_t fair = share_of(total, cd->weight, n, total_weight);
        if (fair < peak) {
            more_wanted = true;
        } else {
            if (left)
                total += share_of(fair - peak, total_weight, 1, left);
            if (more_wanted) {
                list_del_init(&cd->active_elem);
                list_add(&cd->active_elem, &p->active_dom);
            }
            fair = peak;
        }

        uint32_t share = ceil_div(fair, n);
        list_for_each_safe (vpos, vnext, &cd->active_vcpu) {
            balance += account_vcpu(p, list_entry(vpos, struct credit_unit, active_elem), share, cap_share);
            nr_vcpu++;
        }
        nr_dom++;
    }
    p->balance = balance;
    __atomic_store_n(&p->epoch, p->epoch + 1, __ATOMIC_RELAXED); /* queues are to be sorted */
    port_count(PERFC_sched_acct_domain, nr_dom);
    port_count(PERFC_sched_acct_vcpu, nr_vcpu);
}

void credit_master_tick(void *pool)
{
    struct credit_pool *p = pool;

    port_lock(&p->lock);
    credit_account(p);
    port_unlock(&p->lock);
    timer_set(&p->master_ticker, port_now() + MILLISECS(p->tslice_ms));
}

/* ---- the tick -----------------------------------------------------------------------------------------------------
 */

static void tick_unit(struct credit_pool *p, pcpu_id c, struct credit_unit *cu)
{
    struct sched_unit *u = cu->unit;

    ASSERT(pcpu_eq(u->processor, c));
    if (cu->pri == PRI_BOOST) {
        cu->pri = PRI_UNDER;
        if (!quirk(sched_trace_terse))
            trace2(TRC_CSCHED_BOOST_END, u->domain->id.n, u->id);
    }
    credit_burn(cu, port_now());
    bool starts = list_empty(&cu->active_elem);
    if (starts) {
        port_lock(&p->lock);
        credit_activate(p, cu);
        port_unlock(&p->lock);
    }
    if (!(starts && quirk(credit_tick_starts_only)) && !pcpu_eq(credit_pick(p, u, false), c)) {
        unit_set_migrating(u);
        softirq_raise(SCHEDULE_SOFTIRQ);
    }
}

void credit_tick(void *pcpu_priv)
{
    struct credit_pcpu *cp = pcpu_priv;
    struct credit_pool *p = cp->pool;
    struct sched_unit *u = curr_on_cpu(cp->cpu);

    port_count(PERFC_sched_tick, 1);
    if (!is_idle_unit(u))
        tick_unit(p, cp->cpu, credit_unit_of(u));
    credit_queue_sort(p, cp->cpu);
    if (!is_idle_unit(u) || quirk(credit_tick_on_idle))
        timer_set(&cp->ticker, port_now() + p->tick_period);
}
