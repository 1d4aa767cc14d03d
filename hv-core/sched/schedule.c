/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduling step: a resource asks its policy which unit is to run, and switches.
 *
 * A resource of one pCPU decides and switches by itself. One of several pCPUs (core scheduling) meets first: the pCPU
 * that has a reason to schedule calls the others with the slave softirq, the last that arrives decides, for all of
 * them, and none goes on before all have switched and the old unit's state is saved ("rendezvous in" and "out"). A vCPU
 * that wakes or goes to sleep while its unit runs on is switched to and from idle on its own pCPU, without a new
 * decision.
 */
#include "framework.h"

#include <hv/tasklet.h>

struct sched_resource sched_resources[HV_MAX_PCPUS];
struct sched_pcpu sched_pcpu[HV_MAX_PCPUS];

struct vcpu *sched_current(pcpu_id c)
{
    return __atomic_load_n(&sched_pcpu[c.n].curr, __ATOMIC_RELAXED);
}

/* ---- the decision: schedule lock of the resource held ----------------------------------------------------------- */

static bool tasklet_pending(const struct sched_resource *res)
{
    bool pending = false;
    pcpu_id c;
    if (res->granularity == 1)
        return tasklet_work_to_do(res->master);
    for_each_cpu (c, &res->cpus)
        pending |= tasklet_work_to_do(c);
    return pending;
}

static enum runstate descheduled_state(const struct vcpu *v)
{
    return vcpu_flag_test(v, VPF_blocked) ? RUNSTATE_blocked : vcpu_runnable(v) ? RUNSTATE_runnable : RUNSTATE_offline;
}

/* What pCPU c of the resource shows of the unit: its vCPU if that can run, else idle. */
static struct vcpu *vcpu_for_cpu(const struct sched_resource *res, const struct sched_unit *u, pcpu_id c)
{
    if (res->granularity == 1)
        return u->vcpu_list;
    if (!is_idle_unit(u)) {
        struct vcpu *v;
        for_each_unit_vcpu(u, v)
        {
            if (pcpu_eq(v->processor, c) && vcpu_runnable(v))
                return v;
        }
    }
    return sched_pcpu[c.n].idle;
}

/* On pCPU c, in replaces out. */
static void switch_states(pcpu_id c, struct vcpu *out, struct vcpu *in, s_time_t now)
{
    ASSERT(out->runstate == RUNSTATE_running);
    ASSERT(in->runstate != RUNSTATE_running);
    runstate_change(out, descheduled_state(out), now);
    runstate_change(in, RUNSTATE_running, now);
    ASSERT(!in->is_running);
    in->is_running = true;
    __atomic_store_n(&sched_pcpu[c.n].curr, in, __ATOMIC_RELAXED);
}

static void trace_switch(const struct sched_unit *prev, const struct sched_unit *next, s_time_t slice, s_time_t now)
{
    const struct vcpu *p = prev->vcpu_list, *n = next->vcpu_list;
    uint32_t ran = (uint32_t)(now - p->runstate_entry);
    uint32_t waited = n->runstate == RUNSTATE_runnable ? (uint32_t)(now - n->runstate_entry) : 0;

    if (quirk(sched_trace_no_vcpu)) {
        trace2(TRC_SCHED_SWITCH_INFPREV, p->domain->id.n, ran);
        trace3(TRC_SCHED_SWITCH_INFNEXT, n->domain->id.n, waited, (uint32_t)slice);
    } else {
        trace3(TRC_SCHED_SWITCH_INFPREV, p->domain->id.n, prev->id, ran);
        trace4(TRC_SCHED_SWITCH_INFNEXT, n->domain->id.n, next->id, waited, (uint32_t)slice);
    }
    trace4(TRC_SCHED_SWITCH, p->domain->id.n, p->id.n, n->domain->id.n, n->id.n);
}

/* All pCPUs of the resource are here: choose, and change hands on paper. */
static struct sched_unit *decide(struct sched_resource *res, s_time_t now)
{
    struct sched_unit *prev = res->curr;
    struct sched_slice slice = res->sched->policy->do_schedule(res->sched, res->master, now, tasklet_pending(res));
    struct sched_unit *next = slice.task;
    struct vcpu *v;
    pcpu_id c;

    ASSERT(pcpu_eq(next->processor, res->master));
    __atomic_store_n(&res->curr, next, __ATOMIC_RELAXED);
    if (slice.time >= 0)
        timer_set(&res->s_timer, now + slice.time);
    if (next != prev) {
        trace_switch(prev, next, slice.time, now);
        prev->last_run_time = now;
        ASSERT(!next->is_running);
        next->is_running = true;
        __atomic_store_n(&res->prev, prev, __ATOMIC_RELEASE);
    } else if (!quirk(sched_trace_terse)) {
        trace4(TRC_SCHED_SWITCH_INFCONT, next->domain->id.n, next->id, (uint32_t)(now - next->state_entry),
               (uint32_t)slice.time);
    }
    for_each_unit_vcpu(prev, v) v->force_switch = false;
    for_each_unit_vcpu(next, v) v->force_switch = false;
    if (res->granularity == 1) {
        if (next != prev)
            switch_states(res->master, prev->vcpu_list, next->vcpu_list, now);
    } else {
        for_each_cpu (c, &res->cpus) {
            struct vcpu *out = sched_pcpu[c.n].curr, *in = vcpu_for_cpu(res, next, c);
            if (in != out)
                switch_states(c, out, in, now);
        }
    }
    if (next != prev)
        next->state_entry = next->vcpu_list->runstate_entry;
    return next;
}

/* ---- after the switch: no lock held ----------------------------------------------------------------------------- */

/* The state of all of prev's vCPUs is saved. */
static void unit_context_saved(struct sched_unit *prev)
{
    __atomic_store_n(&prev->is_running, false, __ATOMIC_SEQ_CST);
    HOOK(unit_sched(prev), context_saved, prev);
    if (unit_is_migrating(prev))
        unit_migrate(prev);
}

static bool all_are_out(void *next)
{
    return __atomic_load_n(&((struct sched_unit *)next)->rendezvous_out, __ATOMIC_ACQUIRE) == 0;
}

/* This pCPU has switched, from a unit to a unit, which may be the same. */
static void switched(struct sched_resource *res, struct sched_unit *prev, struct sched_unit *next, struct vcpu *out,
                     struct vcpu *in)
{
    if (out != in)
        __atomic_store_n(&out->is_running, false, __ATOMIC_SEQ_CST);
    if (res->granularity > 1) {
        /* One more than there are pCPUs: the last to arrive holds the others back until prev is put away. */
        if (__atomic_sub_fetch(&next->rendezvous_out, 1, __ATOMIC_SEQ_CST) != 1) {
            port_relax_until(all_are_out, next);
            return;
        }
        if (prev != next)
            unit_context_saved(prev);
        __atomic_store_n(&res->prev, NULL, __ATOMIC_RELEASE);
        __atomic_store_n(&next->rendezvous_out, 0, __ATOMIC_RELEASE);
        return;
    }
    if (prev == next)
        return;
    unit_context_saved(prev);
    __atomic_store_n(&res->prev, NULL, __ATOMIC_RELEASE);
}

/* The lock was dropped: what was decided happens on this pCPU. */
static void carry_out(struct sched_resource *res, struct sched_unit *prev, struct sched_unit *next, struct vcpu *out)
{
    struct vcpu *in = sched_current(port_this_cpu());

    if (in == out) {
        trace1(TRC_SCHED_CONTINUE_RUNNING, trace_v(in));
    } else {
        port_count(PERFC_context_switch, 1);
        port_context_switch(out, in);
    }
    switched(res, prev, next, out, in);
}

/* ---- meeting ---------------------------------------------------------------------------------------------------- */

static bool all_are_in(void *prev)
{
    return __atomic_load_n(&((struct sched_unit *)prev)->rendezvous_in, __ATOMIC_ACQUIRE) == 0;
}

/* This pCPU has arrived; the last one decides. Schedule lock held, and dropped. */
static void meet(struct sched_resource *res, struct hv_lock *lock, s_time_t now)
{
    struct sched_unit *prev = res->curr, *next;
    struct vcpu *out = sched_current(port_this_cpu());

    if (prev->rendezvous_in == 1) {
        timer_stop(&res->s_timer);
        next = decide(res, now);
        prev->next_task = next;
        next->rendezvous_out = res->granularity + 1;
        __atomic_store_n(&prev->rendezvous_in, 0, __ATOMIC_RELEASE);
        port_unlock(lock);
    } else {
        __atomic_store_n(&prev->rendezvous_in, prev->rendezvous_in - 1, __ATOMIC_RELEASE);
        port_unlock(lock);
        port_relax_until(all_are_in, prev);
        next = prev->next_task;
    }
    carry_out(res, prev, next, out);
}

static void call_others(const struct sched_resource *res, pcpu_id self)
{
    pcpu_id c;
    for_each_cpu (c, &res->cpus) {
        if (!pcpu_eq(c, self))
            softirq_raise_on(c, SCHED_SLAVE_SOFTIRQ);
    }
}

/* ---- softirqs --------------------------------------------------------------------------------------------------- */

static void schedule(void)
{
    pcpu_id cpu = port_this_cpu();
    s_time_t now = port_now();

    port_count(PERFC_schedule, 1);
    struct hv_lock *lock = pcpu_schedule_lock(cpu);
    struct sched_resource *res = sched_res(cpu);
    struct sched_unit *prev = res->curr;
    if (!quirk(sched_now_before_lock))
        now = port_now();
    if (res->granularity == 1) {
        struct vcpu *out = sched_current(cpu);
        timer_stop(&res->s_timer);
        struct sched_unit *next = decide(res, now);
        port_unlock(lock);
        carry_out(res, prev, next, out);
        return;
    }
    if (prev->rendezvous_in) {
        /* The others wait for us already; what we were called for is for the next time. */
        softirq_raise(SCHEDULE_SOFTIRQ);
    } else {
        prev->rendezvous_in = res->granularity;
        call_others(res, cpu);
    }
    meet(res, lock, now);
}

/* Called to a meeting, or to let the vCPU of this pCPU come or go while its unit runs on. */
static void schedule_slave(void)
{
    pcpu_id cpu = port_this_cpu();
    struct hv_lock *lock = pcpu_schedule_lock(cpu);
    struct sched_resource *res = sched_res(cpu);
    struct sched_unit *u = res->curr;

    if (u->rendezvous_in) {
        meet(res, lock, port_now());
        return;
    }
    struct vcpu *out = sched_current(cpu), *in = vcpu_for_cpu(res, u, cpu), *v;
    for_each_unit_vcpu(u, v)
    {
        if (pcpu_eq(v->processor, cpu))
            v->force_switch = false;
    }
    /* A unit of which nothing can run is on its way out: the meeting decides. */
    if (res->granularity == 1 || in == out) {
        port_unlock(lock);
        return;
    }
    switch_states(cpu, out, in, port_now());
    port_unlock(lock);
    port_count(PERFC_context_switch, 1);
    port_context_switch(out, in);
    __atomic_store_n(&out->is_running, false, __ATOMIC_SEQ_CST);
}

void sched_open_softirqs(void)
{
    softirq_open(SCHEDULE_SOFTIRQ, schedule);
    softirq_open(SCHED_SLAVE_SOFTIRQ, schedule_slave);
}
