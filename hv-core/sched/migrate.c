/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moving units between resources, and the affinities that say where they may be.
 *
 * A unit that runs is never moved. Who wants it elsewhere flags it as migrating, which makes it not runnable, and asks
 * for a reschedule; whoever sees it descheduled with the flag set (the switch itself, or the one who asked) picks a new
 * place and wakes it there.
 */
#include "affinity.h"
#include "framework.h"

void unit_set_migrating(struct sched_unit *u)
{
    struct vcpu *v;
    for_each_unit_vcpu(u, v) vcpu_flag_set(v, VPF_migrating);
}

bool unit_is_migrating(const struct sched_unit *u)
{
    return vcpu_flag_test(u->vcpu_list, VPF_migrating);
}

static bool clear_migrating(struct sched_unit *u)
{
    bool was = false;
    struct vcpu *v;
    for_each_unit_vcpu(u, v) was |= vcpu_flag_clear(v, VPF_migrating);
    return was;
}

/* ---- the move --------------------------------------------------------------------------------------------------- */

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

static bool may_be_on(const struct sched_unit *u, pcpu_id c)
{
    return (cpumask_test(&u->hard, c) || policy_ignores_affinity(unit_sched(u))) && cpumask_test(unit_pool_res(u), c);
}

void unit_migrate(struct sched_unit *u)
{
    struct scheduler *s = unit_sched(u);
    struct hv_lock *old_lock, *new_lock;
    pcpu_id old = u->processor, new = old;
    bool picked = false;
    struct vcpu *v;

    for (;;) {
        old_lock = schedule_lock_of(old);
        new_lock = schedule_lock_of(new);
        lock_both(old_lock, new_lock);

        old = u->processor;
        if (old_lock == schedule_lock_of(old)) {
            if (picked && new_lock == schedule_lock_of(new) && may_be_on(u, new))
                break;
            new = s->policy->pick_cpu(s, u);
            if (new_lock == schedule_lock_of(new) && cpumask_test(unit_pool_res(u), new))
                break;
            picked = true;
        } else {
            picked = false;
        }
        unlock_both(old_lock, new_lock);
    }

    if (u->is_running || !clear_migrating(u)) {
        unlock_both(old_lock, new_lock);
        return;
    }
    if (s->policy->migrate)
        s->policy->migrate(s, u, new);
    else
        sched_set_res(u, new);
    unlock_both(old_lock, new_lock);
    for_each_unit_vcpu(u, v) vcpu_wake(v);
}

/*
 * The two parts of sending u away from where it is. Flag and sleep are one step, under the schedule lock: if u stayed
 * queued with the flag set, a switch that ends just then would move it under its queue's feet (as 4.3 could).
 */
static void migrate_start(struct sched_unit *u)
{
    struct vcpu *v;
    unit_set_migrating(u);
    for_each_unit_vcpu(u, v) vcpu_sleep_locked(v);
}

static void migrate_finish(struct sched_unit *u)
{
    struct vcpu *v;
    for_each_unit_vcpu(u, v) trace2(TRC_SCHED_SLEEP, v->domain->id.n, v->id.n);
    if (unit_is_migrating(u))
        unit_migrate(u);
}

/* ---- affinity --------------------------------------------------------------------------------------------------- */

/* All pCPUs of every resource of the pool that the mask touches: a unit has them all or none. */
static void widen_to_resources(const struct cpupool *p, cpumask_t *mask)
{
    pcpu_id c;
    if (p->granularity <= 1)
        return;
    for_each_cpu (c, &p->res) {
        if (cpumask_intersects(mask, &sched_res(c)->cpus))
            cpumask_or(mask, mask, &sched_res(c)->cpus);
    }
}

/* Schedule lock held. */
static void install_affinity(struct sched_unit *u, const cpumask_t *hard, const cpumask_t *soft)
{
    struct scheduler *s = unit_sched(u);
    HOOK(s, adjust_affinity, u, hard, soft);
    if (hard != &u->hard)
        cpumask_copy(&u->hard, hard);
    if (soft != &u->soft)
        cpumask_copy(&u->soft, soft);
    u->soft_effective = affinity_soft_is_effective(&u->hard, &u->soft);
    u->eligible_since = port_now();
}

int vcpu_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft)
{
    struct sched_unit *u = v->unit;
    const struct cpupool *p = v->domain->cpupool;
    cpumask_t new_hard, new_soft, all;

    if (v->domain->is_pinned)
        return -HV_EINVAL;
    if (soft && quirk(node_affinity_domain))
        return -HV_EOPNOTSUPP;
    if (hard && !cpumask_intersects(hard, &p->cpus))
        return -HV_EINVAL;

    struct hv_lock *lock = unit_schedule_lock(u);
    cpumask_set_first(&all, hv_nr_cpus);
    cpumask_and(&new_hard, hard ? hard : &u->hard, &all);
    cpumask_and(&new_soft, soft ? soft : &u->soft, &all);
    widen_to_resources(p, &new_hard);
    widen_to_resources(p, &new_soft);
    install_affinity(u, &new_hard, &new_soft);
    migrate_start(u);
    port_unlock(lock);

    domain_update_node_affinity(v->domain);
    migrate_finish(u);
    return 0;
}

/* ---- pCPUs that go ---------------------------------------------------------------------------------------------- */

bool sched_evacuate(struct cpupool *p, pcpu_id c)
{
    struct list_head *pos;
    struct sched_unit *u;
    cpumask_t all;
    bool empty = true;

    cpumask_set_first(&all, hv_nr_cpus);
    list_for_each (pos, &hv_domain_list) {
        struct domain *d = list_entry(pos, struct domain, link);
        if (d->cpupool != p)
            continue;
        for_each_unit(d, u)
        {
            struct hv_lock *lock = unit_schedule_lock(u);
            if (!cpumask_intersects(&u->hard, &p->res) && cpumask_test(&u->hard, c)) {
                hv_printk("Breaking affinity for d%uv%u\n", d->id.n, u->id);
                install_affinity(u, &all, &u->soft);
            }
            bool here = pcpu_eq(u->processor, c);
            if (here)
                migrate_start(u);
            port_unlock(lock);
            if (here)
                migrate_finish(u);
            if (pcpu_eq(u->processor, c))
                empty = false;
        }
        domain_update_node_affinity(d);
    }
    return empty;
}
