/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pCPUs change hands: from the free ones to a scheduler and back, being joined to resources and taken apart on the way.
 * Done under the sysctl lock (or at boot), while the pCPUs run idle.
 *
 * An idle unit has the idle vCPUs of its resource. The units of pCPUs that are not masters wait in
 * sched_resources[c].idle, without vCPUs, for the resource to be taken apart.
 */
#include "framework.h"

/* Locks that several resources share. Given out lowest first, so that the order of addresses is the same in each run.
 */
static struct hv_lock shared_lock[HV_MAX_PCPUS];
static uint32_t shared_lock_used[HV_MAX_PCPUS / 32];

struct hv_lock *sched_lock_alloc(const char *name)
{
    for (unsigned w = 0; w < ARRAY_SIZE(shared_lock_used); w++) {
        uint32_t used = __atomic_load_n(&shared_lock_used[w], __ATOMIC_RELAXED);
        if (used == ~0u)
            continue;
        unsigned bit = hv_ffs64(~used);
        __atomic_fetch_or(&shared_lock_used[w], 1u << bit, __ATOMIC_RELAXED);
        struct hv_lock *lock = &shared_lock[w * 32 + bit];
        *lock = (struct hv_lock){.name = name, .port = lock->port};
        return lock;
    }
    BUG_ON(true); /* a lock belongs to a pCPU at least */
    return NULL;
}

void sched_lock_free(struct hv_lock *lock)
{
    unsigned n = (unsigned)(lock - shared_lock);
    ASSERT(n < HV_MAX_PCPUS);
    __atomic_fetch_and(&shared_lock_used[n / 32], ~(1u << (n % 32)), __ATOMIC_RELAXED);
}

void sched_locks_reset(void)
{
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++)
        shared_lock[c] = (struct hv_lock)HV_LOCK_INIT("schedule");
    for (unsigned w = 0; w < ARRAY_SIZE(shared_lock_used); w++)
        shared_lock_used[w] = 0;
}

static void s_timer_fired(void *unused)
{
    softirq_raise(SCHEDULE_SOFTIRQ);
}

void sched_cpu_init(pcpu_id c)
{
    struct sched_resource *res = &sched_resources[c.n];

    *res = (struct sched_resource){.lock = HV_LOCK_INIT_OF("schedule", c.n)};
    res->schedule_lock = &res->lock;
    res->sched = &idle_scheduler;
    res->master = c;
    res->granularity = 1;
    cpumask_set(&res->cpus, c);
    timer_init(&res->s_timer, s_timer_fired, NULL, c);
    sched_pcpu[c.n] = (struct sched_pcpu){.res = res};
}

/* ---- joining and taking apart: the locks of all the resources concerned held ------------------------------------ */

static void move_idle_vcpu(struct vcpu *v, struct sched_unit *to)
{
    struct vcpu **at = &v->unit->vcpu_list;
    while (*at != v)
        at = &(*at)->next_in_unit;
    *at = v->next_in_unit;
    at = &to->vcpu_list;
    while (*at && (*at)->id.n < v->id.n)
        at = &(*at)->next_in_unit;
    v->next_in_unit = *at;
    *at = v;
    v->unit = to;
}

static void join(struct sched_resource *res, const cpumask_t *cpus)
{
    unsigned idx = 0;
    pcpu_id c;

    cpumask_copy(&res->cpus, cpus);
    res->granularity = cpumask_weight(cpus);
    for_each_cpu (c, cpus) {
        struct sched_pcpu *p = &sched_pcpu[c.n];
        p->idx = idx++;
        if (p->res == res)
            continue;
        move_idle_vcpu(p->idle, res->idle);
        __atomic_store_n(&p->res, res, __ATOMIC_RELEASE);
    }
}

static void take_apart(struct sched_resource *res)
{
    cpumask_t cpus;
    pcpu_id c;

    cpumask_copy(&cpus, &res->cpus);
    for_each_cpu (c, &cpus) {
        struct sched_resource *own = &sched_resources[c.n];
        cpumask_clear_all(&own->cpus);
        cpumask_set(&own->cpus, c);
        own->granularity = 1;
        sched_pcpu[c.n].idx = 0;
        if (own == res)
            continue;
        own->sched = &idle_scheduler;
        own->schedule_lock = &own->lock;
        own->curr = own->idle;
        own->priv = NULL;
        own->idle->is_running = true;
        move_idle_vcpu(sched_pcpu[c.n].idle, own->idle);
        __atomic_store_n(&sched_pcpu[c.n].res, own, __ATOMIC_RELEASE);
    }
}

/* ---- the two ways ----------------------------------------------------------------------------------------------- */

int sched_give_cpus(struct scheduler *to, const cpumask_t *cpus)
{
    const struct sched_policy *policy = to->policy;
    pcpu_id master = cpumask_first(cpus), c;
    struct sched_resource *res = &sched_resources[master.n];
    void *pdata = NULL, *idle_data = NULL;
    int rc;

    if (policy->alloc_cpu && (rc = policy->alloc_cpu(to, master, &pdata)) != 0)
        return rc;
    if (policy->alloc_unit && (rc = policy->alloc_unit(to, res->idle, NULL, &idle_data)) != 0) {
        if (policy->free_cpu)
            policy->free_cpu(to, master, pdata);
        return rc;
    }

    for_each_cpu (c, cpus)
        port_lock(&sched_resources[c.n].lock);
    for_each_cpu (c, cpus) {
        ASSERT(sched_res(c) == &sched_resources[c.n] && sched_res(c)->sched == &idle_scheduler);
        ASSERT(sched_res(c)->curr == sched_res(c)->idle && !sched_res(c)->idle->rendezvous_in);
    }
    join(res, cpus);
    res->idle->priv = idle_data;
    res->priv = pdata;
    res->sched = to;
    res->since = port_now();
    struct hv_lock *lock = policy->add_cpu ? policy->add_cpu(to, master, pdata) : NULL;
    __atomic_store_n(&res->schedule_lock, lock ? lock : &res->lock, __ATOMIC_RELEASE);
    for_each_cpu (c, cpus)
        port_unlock(&sched_resources[c.n].lock);
    /* Somebody may be waiting for a pCPU. */
    if (to->pool->nr_domains)
        softirq_raise_on(master, SCHEDULE_SOFTIRQ);
    return 0;
}

bool sched_take_cpus(pcpu_id master)
{
    struct sched_resource *res = sched_res(master);
    struct scheduler *from = res->sched;
    void *pdata = res->priv, *idle_data = res->idle->priv;
    cpumask_t cpus;
    pcpu_id c;

    struct hv_lock *lock = pcpu_schedule_lock(master);
    if (res->curr != res->idle || res->idle->rendezvous_in || res->prev) {
        port_unlock(lock);
        return false;
    }
    cpumask_copy(&cpus, &res->cpus);
    timer_stop(&res->s_timer);
    HOOK(from, remove_cpu, master, pdata);
    res->sched = &idle_scheduler;
    res->priv = NULL;
    res->idle->priv = NULL;
    take_apart(res);
    __atomic_store_n(&res->schedule_lock, &res->lock, __ATOMIC_RELEASE);
    port_unlock(lock);

    if (idle_data && from->policy->free_unit)
        from->policy->free_unit(from, idle_data);
    if (from->policy->free_cpu)
        from->policy->free_cpu(from, master, pdata);
    for_each_cpu (c, &cpus)
        softirq_raise_on(c, SCHEDULE_SOFTIRQ);
    return true;
}
