/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to single vCPUs, under every policy: runstates, waking and sleeping, pausing, what guests ask for. The
 * step that switches is schedule.c; locking: private.h.
 */
#include "framework.h"

/* ---- runstates -------------------------------------------------------------------------------------------------- */

void runstate_change(struct vcpu *v, enum runstate to, s_time_t now)
{
    enum runstate from = v->runstate;

    ASSERT(from != to);
    trace1(TRC_SCHED_RUNSTATE_CHANGE + ((uint32_t)from << 8) + ((uint32_t)to << 4), trace_v(v));
    s_time_t delta = now - v->runstate_entry;
    if (delta > 0) {
        v->runstate_time[from] += delta;
        v->runstate_entry = now;
    }
    v->runstate = to;
}

void vcpu_runstate_get(const struct vcpu *v, s_time_t time[RUNSTATE_NR])
{
    struct hv_lock *lock = v != sched_current(port_this_cpu()) ? unit_schedule_lock(v->unit) : NULL;

    for (unsigned i = 0; i < RUNSTATE_NR; i++)
        time[i] = v->runstate_time[i];
    s_time_t delta = port_now() - v->runstate_entry;
    if (delta > 0)
        time[v->runstate] += delta;
    if (lock)
        port_unlock(lock);
}

/* ---- waking and sleeping ---------------------------------------------------------------------------------------- */

/* v, of a unit that runs on, comes or goes: its pCPU alone has to switch. Schedule lock held. */
static void force_switch(struct vcpu *v)
{
    if (v->force_switch)
        return;
    v->force_switch = true;
    softirq_raise_on(v->processor, SCHED_SLAVE_SOFTIRQ);
}

void vcpu_sleep_locked(struct vcpu *v)
{
    struct sched_unit *u = v->unit;

    if (vcpu_runnable(v))
        return;
    if (v->runstate == RUNSTATE_runnable)
        runstate_change(v, RUNSTATE_offline, port_now());
    if (!unit_runnable(u))
        HOOK(unit_sched(u), sleep, u);
    else if (sched_current(v->processor) == v)
        force_switch(v);
}

void vcpu_sleep_nosync(struct vcpu *v)
{
    struct hv_lock *lock = unit_schedule_lock(v->unit);
    vcpu_sleep_locked(v);
    port_unlock(lock);
    trace2(TRC_SCHED_SLEEP, v->domain->id.n, v->id.n);
}

static bool stopped_or_runnable(void *arg)
{
    const struct vcpu *v = arg;
    return vcpu_runnable(v) || !__atomic_load_n(&v->is_running, __ATOMIC_ACQUIRE);
}

void vcpu_sleep_sync(struct vcpu *v)
{
    vcpu_sleep_nosync(v);
    port_relax_until(stopped_or_runnable, v);
}

void vcpu_wake(struct vcpu *v)
{
    struct sched_unit *u = v->unit;
    struct hv_lock *lock = unit_schedule_lock(u);

    port_count(PERFC_sched_wake, 1);
    if (vcpu_runnable(v)) {
        if (v->runstate >= RUNSTATE_blocked)
            runstate_change(v, RUNSTATE_runnable, port_now());
        /* Also if it runs: it may have been on its way out. */
        HOOK(unit_sched(u), wake, u);
        if (sched_res(u->processor)->curr == u && sched_current(v->processor) != v)
            force_switch(v);
    } else if (!vcpu_flag_test(v, VPF_blocked) && v->runstate == RUNSTATE_blocked) {
        runstate_change(v, RUNSTATE_offline, port_now());
    }
    port_unlock(lock);
    trace2(TRC_SCHED_WAKE, v->domain->id.n, v->id.n);
}

void vcpu_unblock(struct vcpu *v)
{
    if (vcpu_flag_clear(v, VPF_blocked))
        vcpu_wake(v);
}

void vcpu_pause(struct vcpu *v)
{
    ASSERT(v != sched_current(port_this_cpu()));
    __atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    vcpu_sleep_sync(v);
}

void vcpu_pause_nosync(struct vcpu *v)
{
    __atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    vcpu_sleep_nosync(v);
}

void vcpu_unpause(struct vcpu *v)
{
    if (__atomic_sub_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST) == 0)
        vcpu_wake(v);
}

void unit_pause_nosync(struct sched_unit *u)
{
    struct vcpu *v;
    for_each_unit_vcpu(u, v) vcpu_pause_nosync(v);
}

void unit_unpause(struct sched_unit *u)
{
    struct vcpu *v;
    for_each_unit_vcpu(u, v) vcpu_unpause(v);
}

/* ---- what guests ask for ---------------------------------------------------------------------------------------- */

static void vcpu_block(struct vcpu *v)
{
    vcpu_flag_set(v, VPF_blocked); /* before the test, or an event between the two would be lost */
    if (__atomic_load_n(&v->upcall_pending, __ATOMIC_SEQ_CST) && !v->upcall_mask) {
        vcpu_flag_clear(v, VPF_blocked);
        return;
    }
    trace2(TRC_SCHED_BLOCK, v->domain->id.n, v->id.n);
    softirq_raise(SCHEDULE_SOFTIRQ);
}

static void vcpu_yield(struct vcpu *v)
{
    struct hv_lock *lock = unit_schedule_lock(v->unit);
    HOOK(unit_sched(v->unit), yield, v->unit);
    port_unlock(lock);
    trace2(TRC_SCHED_YIELD, v->domain->id.n, v->id.n);
    softirq_raise(SCHEDULE_SOFTIRQ);
}

long do_sched_op(const struct hv_sched_op *op)
{
    struct vcpu *v = sched_current(port_this_cpu());

    switch (op->cmd) {
    case SCHEDOP_yield:
        vcpu_yield(v);
        return 0;
    case SCHEDOP_block:
        v->upcall_mask = false;
        vcpu_block(v);
        return 0;
    }
    return -HV_ENOSYS;
}

/* The event of the single-shot timer reaches its vCPU; runs on the pCPU that the timer was armed on. */
void vcpu_singleshot_fired(void *data)
{
    struct vcpu *v = data;

    port_count(PERFC_evtchn_send, 1);
    if (__atomic_exchange_n(&v->upcall_pending, true, __ATOMIC_SEQ_CST))
        return;
    vcpu_unblock(v);
    if (__atomic_load_n(&v->is_running, __ATOMIC_ACQUIRE) && v != sched_current(port_this_cpu()))
        softirq_raise_on(v->processor, VCPU_KICK_SOFTIRQ);
}

/* A timeout that is negative or further away than 2^50 ns (13 days) is a guest's mistake: it gets an event soon. */
#define TIMEOUT_FAR (1ll << 50)
#define TIMEOUT_INSTEAD MILLISECS(100)

long do_set_timer_op(const struct hv_set_timer_op *op)
{
    pcpu_id cpu = port_this_cpu();
    struct vcpu *v = sched_current(cpu);
    s_time_t now = port_now(), at = op->timeout;

    if (at == 0) {
        timer_stop(&v->singleshot_timer);
    } else if (at < 0 || (at > now && at - now >= TIMEOUT_FAR)) {
        timer_set(&v->singleshot_timer, now + TIMEOUT_INSTEAD);
    } else {
        timer_migrate(&v->singleshot_timer, cpu);
        timer_set(&v->singleshot_timer, at);
    }
    return 0;
}
