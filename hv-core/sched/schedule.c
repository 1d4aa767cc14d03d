/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler framework: what is the same under every policy. Runstates, waking and sleeping, the step that switches
 * vCPUs, migration. Locking: private.h.
 *
 * A vCPU that runs is never moved. Who wants it elsewhere sets its "migrating" flag, which makes it not runnable, and
 * asks for a reschedule; whoever sees it descheduled with the flag set (the switch itself, or the one who asked) picks
 * a new place and wakes it there.
 */
#include "framework.h"

struct sched_pcpu sched_pcpu[HV_MAX_PCPUS];
const struct sched_policy *sched_policy;

/* ---- runstates ----------------------------------------------------------------------------------------------------
 */

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
    struct hv_lock *lock = v != curr_on_cpu(port_this_cpu()) ? vcpu_schedule_lock(v) : NULL;

    for (unsigned i = 0; i < RUNSTATE_NR; i++)
        time[i] = v->runstate_time[i];
    s_time_t delta = port_now() - v->runstate_entry;
    if (delta > 0)
        time[v->runstate] += delta;
    if (lock)
        port_unlock(lock);
}

/* ---- waking and sleeping ------------------------------------------------------------------------------------------
 */

void vcpu_sleep_nosync(struct vcpu *v)
{
    struct hv_lock *lock = vcpu_schedule_lock(v);

    if (!vcpu_runnable(v)) {
        if (v->runstate == RUNSTATE_runnable)
            runstate_change(v, RUNSTATE_offline, port_now());
        policy_sleep(v);
    }
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
    struct hv_lock *lock = vcpu_schedule_lock(v);

    port_count(PERFC_sched_wake, 1);
    if (vcpu_runnable(v)) {
        if (v->runstate >= RUNSTATE_blocked)
            runstate_change(v, RUNSTATE_runnable, port_now());
        policy_wake(v);
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
    ASSERT(v != curr_on_cpu(port_this_cpu()));
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

/* ---- what guests ask for ------------------------------------------------------------------------------------------
 */

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
    struct hv_lock *lock = vcpu_schedule_lock(v);
    policy_yield(v);
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
static void singleshot_fired(void *data)
{
    struct vcpu *v = data;

    port_count(PERFC_evtchn_send, 1);
    if (__atomic_exchange_n(&v->upcall_pending, true, __ATOMIC_SEQ_CST))
        return;
    vcpu_unblock(v);
    if (__atomic_load_n(&v->is_running, __ATOMIC_ACQUIRE) && v != curr_on_cpu(port_this_cpu()))
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

/* ---- migration ----------------------------------------------------------------------------------------------------
 */

static void lock_both(struct hv_lock *a, struct hv_lock *b)
{
    port_lock(a < b ? a : b);
    if (a != b)
        port_lock(a < b ? b : a);
}

static void unlock_both(struct hv_lock *a, struct hv_lock *b)
{
    port_unlock(a);
    if (a != b)
        port_unlock(b);
}

static struct hv_lock *lock_of(pcpu_id c)
{
    return __atomic_load_n(&sched_pcpu[c.n].schedule_lock, __ATOMIC_ACQUIRE);
}

/* v carries the "migrating" flag and was asked to sleep. No-op if it still runs: its switch calls this again. */
void vcpu_migrate(struct vcpu *v)
{
    struct hv_lock *old_lock, *new_lock;
    pcpu_id old = v->processor, new = old;
    bool picked = false;

    for (;;) {
        old_lock = lock_of(old);
        new_lock = lock_of(new);
        lock_both(old_lock, new_lock);

        old = v->processor;
        if (old_lock == lock_of(old)) {
            if (picked && new_lock == lock_of(new) && cpumask_test(&v->hard_affinity, new))
                break;
            new = policy_pick_cpu(v);
            if (new_lock == lock_of(new))
                break;
            picked = true;
        } else {
            picked = false;
        }
        unlock_both(old_lock, new_lock);
    }

    if (v->is_running || !vcpu_flag_clear(v, VPF_migrating)) {
        unlock_both(old_lock, new_lock);
        return;
    }
    if (!policy_migrate(v, new))
        __atomic_store_n(&v->processor.n, new.n, __ATOMIC_RELAXED);
    unlock_both(old_lock, new_lock);
    vcpu_wake(v);
}

int vcpu_set_affinity(struct vcpu *v, const cpumask_t *mask)
{
    if (!cpumask_intersects(mask, &hv_cpu_online))
        return -HV_EINVAL;

    struct hv_lock *lock = vcpu_schedule_lock(v);
    cpumask_and(&v->hard_affinity, mask, &hv_cpu_online);
    vcpu_flag_set(v, VPF_migrating);
    port_unlock(lock);

    domain_update_node_affinity(v->domain);
    if (vcpu_flag_test(v, VPF_migrating)) {
        vcpu_sleep_nosync(v);
        vcpu_migrate(v);
    }
    return 0;
}

/* ---- the scheduling step ------------------------------------------------------------------------------------------
 */

static void context_saved(struct vcpu *prev)
{
    __atomic_store_n(&prev->is_running, false, __ATOMIC_SEQ_CST);
    policy_context_saved(prev);
    if (vcpu_flag_test(prev, VPF_migrating))
        vcpu_migrate(prev);
}

static void trace_switch(const struct vcpu *prev, const struct vcpu *next, s_time_t slice, s_time_t now)
{
    s_time_t waited = next->runstate == RUNSTATE_runnable ? now - next->runstate_entry : 0;
    trace2(TRC_SCHED_SWITCH_INFPREV, prev->domain->id.n, (uint32_t)(now - prev->runstate_entry));
    trace3(TRC_SCHED_SWITCH_INFNEXT, next->domain->id.n, (uint32_t)waited, (uint32_t)slice);
    trace4(TRC_SCHED_SWITCH, prev->domain->id.n, prev->id.n, next->domain->id.n, next->id.n);
}

static void schedule(void)
{
    pcpu_id cpu = port_this_cpu();
    struct sched_pcpu *sd = &sched_pcpu[cpu.n];
    struct vcpu *prev = sd->curr;
    s_time_t now = port_now();

    port_count(PERFC_schedule, 1);
    struct hv_lock *lock = pcpu_schedule_lock(cpu);
    if (!quirk(sched_now_before_lock))
        now = port_now();
    timer_stop(&sd->s_timer);
    struct sched_slice slice = sched_policy->do_schedule(now, false);
    struct vcpu *next = slice.task;
    __atomic_store_n(&sd->curr, next, __ATOMIC_RELAXED);
    if (slice.time >= 0)
        timer_set(&sd->s_timer, now + slice.time);

    if (next == prev) {
        port_unlock(lock);
        trace1(TRC_SCHED_CONTINUE_RUNNING, trace_v(next));
        return;
    }
    trace_switch(prev, next, slice.time, now);
    ASSERT(prev->runstate == RUNSTATE_running);
    ASSERT(next->runstate != RUNSTATE_running);
    runstate_change(prev,
                    vcpu_flag_test(prev, VPF_blocked) ? RUNSTATE_blocked
                    : vcpu_runnable(prev)             ? RUNSTATE_runnable
                                                      : RUNSTATE_offline,
                    now);
    prev->last_run_time = now;
    runstate_change(next, RUNSTATE_running, now);
    ASSERT(!next->is_running);
    next->is_running = true;
    __atomic_store_n(&sd->switching, prev, __ATOMIC_RELEASE);
    port_unlock(lock);

    port_count(PERFC_context_switch, 1);
    port_context_switch(prev, next);
    context_saved(prev);
    __atomic_store_n(&sd->switching, NULL, __ATOMIC_RELEASE);
}

static void s_timer_fired(void *unused)
{
    softirq_raise(SCHEDULE_SOFTIRQ);
}

struct vcpu *sched_current(pcpu_id c)
{
    return curr_on_cpu(c);
}

/* ---- boot, domains, vCPUs -----------------------------------------------------------------------------------------
 */

static bool same_word(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

int scheduler_init(const struct hv_options *opt)
{
    sched_policy = NULL;
    for (unsigned i = 0; sched_policies[i] && !sched_policy; i++)
        if (opt->sched && same_word(sched_policies[i]->opt_name, opt->sched))
            sched_policy = sched_policies[i];
    if (!sched_policy) {
        sched_policy = sched_policies[0];
        BUG_ON(!sched_policy);
        hv_printk("Could not find scheduler: %s\nUsing '%s' (%s)\n", opt->sched, sched_policy->name,
                  sched_policy->opt_name);
    }
    softirq_open(SCHEDULE_SOFTIRQ, schedule);
    return sched_policy->init(opt);
}

int sched_cpu_init(pcpu_id c)
{
    struct sched_pcpu *sd = &sched_pcpu[c.n];

    *sd = (struct sched_pcpu){.lock = HV_LOCK_INIT("schedule")};
    sd->schedule_lock = &sd->lock;
    timer_init(&sd->s_timer, s_timer_fired, NULL, c);
    return sched_policy->init_cpu ? sched_policy->init_cpu(c) : 0;
}

void sched_cpu_start(void)
{
    if (sched_policy->start_cpu)
        sched_policy->start_cpu(port_this_cpu());
}

int sched_init_domain(struct domain *d)
{
    return sched_policy->init_domain ? sched_policy->init_domain(d) : 0;
}

void sched_destroy_domain(struct domain *d)
{
    if (sched_policy->destroy_domain)
        sched_policy->destroy_domain(d);
}

int sched_init_vcpu(struct vcpu *v)
{
    v->created = v->runstate_entry;
    timer_init(&v->singleshot_timer, singleshot_fired, v, v->processor);
    if (is_idle_vcpu(v)) {
        cpumask_set(&v->hard_affinity, v->processor);
    } else {
        cpumask_copy(&v->hard_affinity, &hv_cpu_online);
        trace2(TRC_SCHED_DOM_ADD, v->domain->id.n, v->id.n);
    }
    int rc = sched_policy->alloc_vcpu(v);
    if (rc)
        return rc;
    if (is_idle_vcpu(v)) {
        sched_pcpu[v->processor.n].curr = sched_pcpu[v->processor.n].idle = v;
        v->is_running = true;
    }
    if (sched_policy->insert_vcpu)
        sched_policy->insert_vcpu(v);
    return 0;
}

/* No pCPU is still busy with what the last run of v brought about. */
static bool left_alone(void *v)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        if (__atomic_load_n(&sched_pcpu[c].switching, __ATOMIC_ACQUIRE) == v)
            return false;
    return true;
}

void sched_destroy_vcpu(struct vcpu *v)
{
    timer_kill(&v->singleshot_timer);
    port_relax_until(left_alone, v);
    if (sched_policy->remove_vcpu)
        sched_policy->remove_vcpu(v);
    sched_policy->free_vcpu(v);
}

int sched_adjust(struct domain *d, struct hv_domctl *op)
{
    return sched_policy->adjust ? sched_policy->adjust(d, op) : 0;
}

int sched_adjust_global(struct hv_sysctl *op)
{
    return sched_policy->adjust_global ? sched_policy->adjust_global(op) : 0;
}

void sched_set_node_affinity(struct domain *d)
{
    if (sched_policy->set_node_affinity)
        sched_policy->set_node_affinity(d);
}
