/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The null scheduler: it does not schedule, it assigns. (It came with Xen 4.9: at the levels of 4.2 and 4.3 it is an
 * anachronism, there for comparison.)
 *
 * Design. A pCPU belongs to at most one unit, and a unit to at most one pCPU, where it runs whenever it can, without
 * end of slice; else the pCPU idles. A unit for which no pCPU is free waits, in one queue for the pool, and does not
 * run at all. So with enough pCPUs there is no decision, no queue and no switch between units, ever.
 *
 *   assign    a unit that comes (insert, wake of one that was offline, migrate): its own pCPU if that is free or its
 *             own already, else the lowest free one; first within the soft, then within the hard affinity. None free:
 * it waits deassign  a unit that goes (remove, offline, migrate): its pCPU is handed to the first that waits and has
 * soft affinity with it, else to the first that may run there, else it is free schedule  a pCPU that is free takes a
 * waiter in the same order: it may be new in the pool
 *
 * A unit that blocks or is paused keeps its pCPU. One that is offline (all its vCPUs down) holds neither pCPU nor place
 * in the queue; if it comes back before its old pCPU has switched, it is assigned when its state is saved.
 *
 * Invariants: pCPU p has owner u => u->processor = p, u waits not, u is online; p is free (in cpus_free) iff it has no
 * owner; a unit that is runnable and not on its way out owns a pCPU or waits; a waiter's state is on no pCPU.
 *
 * Locking. The owner of a pCPU is protected by its schedule lock, which is its own: units that run have nothing in
 * common. The queue has a lock, a leaf under schedule locks. Who takes a waiter off it moves the unit, for which the
 * waiter's schedule lock is needed too: it is only tried, and if it is taken the pCPU comes back to it at once with
 * SCHEDULE. cpus_free is changed atomically and read as a hint: who waits looks at it once more when it is in the
 * queue, so that a pCPU that became free in between is not missed.
 */
#include "affinity.h"

#include <hv/mm.h>

struct null_pool {
    struct hv_lock waitq_lock;
    struct list_head waitq;
    cpumask_t cpus;      /* resources of the pool */
    cpumask_t cpus_free; /* those without an owner */
};

struct null_pcpu {
    struct sched_unit *owner;
};

struct null_unit {
    struct list_head waitq_elem; /* empty: does not wait */
    struct sched_unit *unit;
};

static struct null_pool *null_pool_of(const struct scheduler *s)
{
    return s->priv;
}
static struct null_unit *null_unit_of(const struct sched_unit *u)
{
    return u->priv;
}
static struct null_pcpu *null_pcpu_of(pcpu_id c)
{
    return sched_res(c)->priv;
}
static bool waits(const struct sched_unit *u)
{
    return !list_empty(&null_unit_of(u)->waitq_elem);
}
/* Whatever the processor of u is: in a pool without pCPUs it is one of another pool. */
static bool owns(const struct null_pool *p, const struct sched_unit *u)
{
    return cpumask_test(&p->cpus, u->processor) && null_pcpu_of(u->processor)->owner == u;
}

static bool unit_online(const struct sched_unit *u)
{
    const struct vcpu *v;
    for_each_unit_vcpu(u, v)
    {
        if (!vcpu_flag_test(v, VPF_down))
            return true;
    }
    return false;
}

/* ---- instance and resources ------------------------------------------------------------------------------------- */

static int null_init(struct scheduler *s, const struct hv_options *opt)
{
    struct null_pool *p = hv_zalloc(sizeof(*p));
    if (!p)
        return -HV_ENOMEM;
    p->waitq_lock = (struct hv_lock)HV_LOCK_INIT("null waitq");
    list_init(&p->waitq);
    s->priv = p;
    return 0;
}

static void null_deinit(struct scheduler *s)
{
    ASSERT(list_empty(&null_pool_of(s)->waitq));
    hv_free(s->priv);
    s->priv = NULL;
}

static int null_alloc_cpu(struct scheduler *s, pcpu_id c, void **pdata)
{
    *pdata = hv_zalloc(sizeof(struct null_pcpu));
    return *pdata ? 0 : -HV_ENOMEM;
}

static void null_free_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    hv_free(pdata);
}

static struct hv_lock *null_add_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct null_pool *p = null_pool_of(s);

    ((struct null_pcpu *)pdata)->owner = NULL;
    cpumask_set_atomic(&p->cpus, c);
    cpumask_set_atomic(&p->cpus_free, c);
    return NULL; /* c schedules next: somebody may be waiting for it */
}

static void null_remove_cpu(struct scheduler *s, pcpu_id c, void *pdata)
{
    struct null_pool *p = null_pool_of(s);

    ASSERT(!((struct null_pcpu *)pdata)->owner);
    cpumask_clear_atomic(&p->cpus, c);
    cpumask_clear_atomic(&p->cpus_free, c);
}

/* ---- who gets which pCPU ---------------------------------------------------------------------------------------- */

/* The free pCPUs that u may have in this step. */
static void free_for(const struct null_pool *p, const struct sched_unit *u, enum affinity_step step, cpumask_t *out)
{
    affinity_mask(u, step, out);
    cpumask_and(out, out, &p->cpus_free);
}

/* Schedule lock of u->processor held. If the pCPU has an owner, there was none free. */
static pcpu_id pick(struct null_pool *p, const struct sched_unit *u)
{
    pcpu_id own = u->processor, c;
    cpumask_t allowed;

    port_count(PERFC_sched_pick_cpu, 1);
    for (enum affinity_step step = BALANCE_SOFT; step < BALANCE_NR; step++) {
        if (step == BALANCE_SOFT && !has_soft_affinity(u))
            continue;
        affinity_mask(u, step, &allowed);
        c = own;
        if (cpumask_test(&allowed, own) && (owns(p, u) || cpumask_test(&p->cpus_free, own)))
            goto out;
        cpumask_and(&allowed, &allowed, &p->cpus_free);
        c = cpumask_first(&allowed);
        if (pcpu_valid(c))
            goto out;
    }
    affinity_mask(u, BALANCE_HARD, &allowed);
    c = cpumask_first(&allowed);
out:
    trace2(TRC_SNULL_PICKED_CPU, trace_v(u->vcpu_list), c.n);
    return c;
}

/* Schedule locks of u->processor and of c held. */
static void assign(struct null_pool *p, struct sched_unit *u, pcpu_id c)
{
    ASSERT(!null_pcpu_of(c)->owner && !waits(u));
    null_pcpu_of(c)->owner = u;
    sched_set_res(u, c);
    cpumask_clear_atomic(&p->cpus_free, c);
    trace2(TRC_SNULL_UNIT_ASSIGN, trace_v(u->vcpu_list), c.n);
}

static void stop_waiting(struct null_pool *p, struct sched_unit *u)
{
    port_lock(&p->waitq_lock);
    list_del_init(&null_unit_of(u)->waitq_elem);
    port_unlock(&p->waitq_lock);
}

/* Schedule lock of u->processor held. */
static void start_waiting(struct null_pool *p, struct sched_unit *u)
{
    cpumask_t idle;
    pcpu_id c;

    port_lock(&p->waitq_lock);
    list_add_tail(&null_unit_of(u)->waitq_elem, &p->waitq);
    port_unlock(&p->waitq_lock);
    free_for(p, u, BALANCE_HARD, &idle);
    for_each_cpu (c, &idle) {
        port_count(PERFC_sched_tickle, 1);
        softirq_raise_on(c, SCHEDULE_SOFTIRQ);
    }
}

/*
 * Assign w, which waits, to c; false: its lock is taken. The schedule lock of c is held, and perhaps another one, held;
 * waitq_lock too.
 */
static bool assign_waiter(struct null_pool *p, struct sched_unit *w, pcpu_id c, const struct hv_lock *held)
{
    struct hv_lock *lock = schedule_lock_of(w->processor);
    bool ours = lock == held || lock == schedule_lock_of(c);

    if (!ours) {
        lock = pcpu_schedule_trylock(w->processor);
        if (!lock)
            return false;
    }
    list_del_init(&null_unit_of(w)->waitq_elem);
    assign(p, w, c);
    if (!ours)
        port_unlock(lock);
    return true;
}

/* c is free: who waits, and is suitable? NULL: nobody, or it is to be asked again. Locks: assign_waiter. */
static struct sched_unit *take_waiter(struct null_pool *p, pcpu_id c, const struct hv_lock *held)
{
    struct sched_unit *got = NULL;
    struct list_head *pos, *tmp;
    bool again = false;
    uint32_t looked_at = 0;
    cpumask_t allowed;

    port_lock(&p->waitq_lock);
    for (enum affinity_step step = BALANCE_SOFT; step < BALANCE_NR && !got; step++) {
        list_for_each_safe (pos, tmp, &p->waitq) {
            struct sched_unit *w = list_entry(pos, struct null_unit, waitq_elem)->unit;
            looked_at++;
            if (step == BALANCE_SOFT && !has_soft_affinity(w))
                continue;
            affinity_mask(w, step, &allowed);
            if (!cpumask_test(&allowed, c))
                continue;
            if (assign_waiter(p, w, c, held)) {
                got = w;
                break;
            }
            again = true;
        }
    }
    port_unlock(&p->waitq_lock);
    port_count(PERFC_sched_runq_scan, looked_at);
    if (!got && again)
        softirq_raise_on(c, SCHEDULE_SOFTIRQ);
    return got;
}

/* u gives up its pCPU: the next one, please. Schedule lock of u->processor held, and perhaps another one, held. */
static void deassign(struct null_pool *p, struct sched_unit *u, const struct hv_lock *held)
{
    pcpu_id c = u->processor;

    ASSERT(owns(p, u));
    null_pcpu_of(c)->owner = NULL;
    cpumask_set_atomic(&p->cpus_free, c);
    trace2(TRC_SNULL_UNIT_DEASSIGN, trace_v(u->vcpu_list), c.n);
    if (take_waiter(p, c, held))
        softirq_raise_on(c, SCHEDULE_SOFTIRQ);
}

/* u is online, and has and waits for nothing. Schedule lock of u->processor held; u may be elsewhere afterwards. */
static void place(struct null_pool *p, struct sched_unit *u)
{
    pcpu_id c = pick(p, u);
    struct hv_lock *own = schedule_lock_of(u->processor), *lock = NULL;

    if (pcpu_valid(c) && schedule_lock_of(c) != own)
        lock = pcpu_schedule_trylock(c);
    if (pcpu_valid(c) && (lock || schedule_lock_of(c) == own) && cpumask_test(&p->cpus_free, c)) {
        assign(p, u, c);
        softirq_raise_on(c, SCHEDULE_SOFTIRQ);
    } else {
        start_waiting(p, u);
    }
    if (lock)
        port_unlock(lock);
}

/* Schedule lock of u->processor held. */
static void leave(struct null_pool *p, struct sched_unit *u)
{
    if (waits(u))
        stop_waiting(p, u);
    else if (owns(p, u))
        deassign(p, u, NULL);
}

/* ---- units ------------------------------------------------------------------------------------------------------ */

/* Idle units need no data. */
static int null_alloc_unit(struct scheduler *s, struct sched_unit *u, void *ddata, void **udata)
{
    if (is_idle_unit(u))
        return 0;
    struct null_unit *nu = hv_zalloc(sizeof(*nu));
    if (!nu)
        return -HV_ENOMEM;
    list_init(&nu->waitq_elem);
    nu->unit = u;
    *udata = nu;
    return 0;
}

static void null_free_unit(struct scheduler *s, void *udata)
{
    hv_free(udata);
}

static void null_insert_unit(struct scheduler *s, struct sched_unit *u)
{
    struct hv_lock *lock = unit_schedule_lock(u);
    if (unit_online(u))
        place(null_pool_of(s), u);
    port_unlock(lock);
}

static void null_remove_unit(struct scheduler *s, struct sched_unit *u)
{
    struct hv_lock *lock = unit_schedule_lock(u);
    leave(null_pool_of(s), u);
    port_unlock(lock);
}

static void null_sleep(struct scheduler *s, struct sched_unit *u)
{
    if (!unit_online(u))
        leave(null_pool_of(s), u);
    if (curr_on_cpu(u->processor) == u)
        softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
}

static void null_wake(struct scheduler *s, struct sched_unit *u)
{
    if (curr_on_cpu(u->processor) == u || waits(u))
        return;
    if (owns(null_pool_of(s), u))
        softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
    else if (!u->is_running) /* else context_saved sees to it */
        place(null_pool_of(s), u);
}

static void null_context_saved(struct scheduler *s, struct sched_unit *u)
{
    if (is_idle_unit(u))
        return;
    struct hv_lock *lock = unit_schedule_lock(u);
    if (unit_online(u) && !waits(u) && !owns(null_pool_of(s), u))
        place(null_pool_of(s), u);
    port_unlock(lock);
}

static pcpu_id null_pick_cpu(struct scheduler *s, struct sched_unit *u)
{
    return pick(null_pool_of(s), u);
}

static void null_migrate(struct scheduler *s, struct sched_unit *u, pcpu_id to)
{
    struct null_pool *p = null_pool_of(s);
    pcpu_id from = u->processor;
    struct hv_lock *lock_to = schedule_lock_of(to);

    trace2(TRC_SNULL_MIGRATE, trace_v(u->vcpu_list), from.n | (uint32_t)to.n << 16);
    if (owns(p, u)) {
        if (pcpu_eq(from, to))
            return;
        deassign(p, u, lock_to);
    }
    if (waits(u))
        stop_waiting(p, u);
    /* In any case it is of the new pCPU, even if that is not its own. */
    if (!unit_online(u)) {
        sched_set_res(u, to);
    } else if (cpumask_test(&p->cpus_free, to)) {
        assign(p, u, to);
        softirq_raise_on(to, SCHEDULE_SOFTIRQ);
    } else {
        sched_set_res(u, to);
        start_waiting(p, u);
    }
}

/* ---- the decision ----------------------------------------------------------------------------------------------- */

static void trace_schedule(const struct sched_unit *owner, pcpu_id c, bool tasklet_pending)
{
    trace2(TRC_SNULL_SCHEDULE, (uint32_t)tasklet_pending | (uint32_t)c.n << 16,
           owner ? trace_v(owner->vcpu_list) : 0xffffffffu);
}

static struct sched_slice null_schedule(struct scheduler *s, pcpu_id c, s_time_t now, bool tasklet_pending)
{
    struct null_pool *p = null_pool_of(s);
    struct sched_unit *owner = null_pcpu_of(c)->owner;
    struct sched_slice slice = {.time = -1};

    trace_schedule(owner, c, tasklet_pending);
    if (tasklet_pending) {
        trace_none(TRC_SNULL_TASKLET);
        owner = NULL;
    } else if (!owner) {
        owner = take_waiter(p, c, NULL);
        slice.migrated = owner != NULL;
    }
    slice.task = owner && unit_runnable(owner) ? owner : idle_unit_on_cpu(c);
    slice.migrated &= slice.task == owner;
    return slice;
}

/* ---- invariants -------------------------------------------------------------------------------------------------- */

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "null: " #cond;                                                                                     \
    } while (0)

static bool null_is_queued(struct scheduler *s, const struct sched_unit *u)
{
    return !is_idle_unit(u) && unit_runnable(u) && curr_on_cpu(u->processor) != u &&
           (waits(u) || owns(null_pool_of(s), u));
}

/* A free pCPU takes whoever waits, and an owner runs as soon as it can. */
static s_time_t null_idle_limit(struct scheduler *s, const struct sched_unit *u, pcpu_id c)
{
    if (!cpumask_test(&null_pool_of(s)->cpus, c))
        return -1;
    const struct sched_unit *owner = null_pcpu_of(c)->owner;
    return !owner || owner == u ? 0 : -1;
}

static const char *null_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent)
{
    if (is_idle_unit(u)) {
        CHECK(!u->priv);
        return NULL;
    }
    CHECK(null_unit_of(u)->unit == u);
    if (!quiescent)
        return NULL;
    bool assigned = owns(null_pool_of(s), u);
    /* It went offline as it ran, and perhaps came back: its switch is on the way. */
    bool leaves = curr_on_cpu(u->processor) == u && !assigned && softirq_pending(u->processor);
    CHECK(!(assigned && waits(u)));
    /* One that came online while it was blocked or paused is placed when it wakes. */
    CHECK(leaves || !unit_runnable(u) || assigned || waits(u));
    CHECK(unit_online(u) || !(assigned || waits(u)));
    CHECK(leaves || curr_on_cpu(u->processor) != u || assigned);
    CHECK(!waits(u) || !u->is_running);
    return NULL;
}

static const char *null_check(struct scheduler *s, bool quiescent)
{
    const struct null_pool *p = null_pool_of(s);
    struct list_head *pos;
    pcpu_id c;

    if (!quiescent)
        return NULL;
    CHECK(cpumask_subset(&p->cpus_free, &p->cpus));
    for_each_cpu (c, &p->cpus) {
        const struct sched_unit *owner = null_pcpu_of(c)->owner, *cur = curr_on_cpu(c);
        CHECK(sched_res(c)->sched == s && sched_res(c)->schedule_lock == &sched_res(c)->lock);
        CHECK((owner == NULL) == cpumask_test(&p->cpus_free, c));
        CHECK(is_idle_unit(cur) || cur == owner || softirq_pending(c));
        CHECK(!owner || (pcpu_eq(owner->processor, c) && owner->domain->cpupool == s->pool));
    }
    list_for_each (pos, &p->waitq) {
        const struct sched_unit *w = list_entry(pos, struct null_unit, waitq_elem)->unit;
        CHECK(pos->next->prev == pos);
        CHECK(w->domain->cpupool == s->pool);
    }
    return NULL;
}

/* ---- debug key 'r' ---------------------------------------------------------------------------------------------- */

static void dump_unit(const struct sched_unit *u)
{
    hv_printk("[%u.%u] pcpu=%d", u->domain->id.n, u->id, waits(u) ? -1 : (int)u->processor.n);
}

static void null_dump_cpu(struct scheduler *s, pcpu_id c)
{
    struct hv_lock *lock = pcpu_schedule_lock(c);
    const struct sched_unit *owner = null_pcpu_of(c)->owner, *cur = curr_on_cpu(c);

    char siblings[64], socket[160];
    cpumask_print(siblings, sizeof(siblings), cpu_sibling_mask(c));
    cpumask_print(socket, sizeof(socket), cpu_socket_mask(c));
    hv_printk("CPU[%02u] sibling={%s}, core={%s}", c.n, siblings, socket);
    if (owner)
        hv_printk(", unit=d%uv%u", owner->domain->id.n, owner->id);
    hv_printk("\n");
    if (!is_idle_unit(cur)) {
        hv_printk("\trun: ");
        dump_unit(cur);
        hv_printk("\n");
    }
    port_unlock(lock);
}

static void null_dump_settings(struct scheduler *s)
{
    struct null_pool *p = null_pool_of(s);
    struct list_head *pos;
    const struct sched_unit *u;
    unsigned n = 0;

    char cpus[200];
    cpumask_print(cpus, sizeof(cpus), &p->cpus_free);
    hv_printk("\tcpus_free = %s\nDomain info:\n", cpus);
    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        if (d->cpupool != s->pool)
            continue;
        hv_printk("\tDomain: %u\n", d->id.n);
        for_each_unit(d, u)
        {
            hv_printk("\t\t%3u: ", ++n);
            dump_unit(u);
            hv_printk("\n");
        }
    }
    hv_printk("Waitqueue: ");
    port_lock(&p->waitq_lock);
    list_for_each (pos, &p->waitq) {
        u = list_entry(pos, struct null_unit, waitq_elem)->unit;
        hv_printk("%sd%uv%u", pos == p->waitq.next ? "" : ", ", u->domain->id.n, u->id);
    }
    port_unlock(&p->waitq_lock);
    hv_printk("\n");
}

const struct sched_policy null_policy = {
    .name = "null Scheduler",
    .opt_name = "null",
    .id = XEN_SCHEDULER_NULL,
    .init = null_init,
    .deinit = null_deinit,
    .alloc_cpu = null_alloc_cpu,
    .free_cpu = null_free_cpu,
    .add_cpu = null_add_cpu,
    .remove_cpu = null_remove_cpu,
    .alloc_unit = null_alloc_unit,
    .free_unit = null_free_unit,
    .insert_unit = null_insert_unit,
    .remove_unit = null_remove_unit,
    .sleep = null_sleep,
    .wake = null_wake,
    .pick_cpu = null_pick_cpu,
    .migrate = null_migrate,
    .do_schedule = null_schedule,
    .context_saved = null_context_saved,
    .dump_settings = null_dump_settings,
    .dump_cpu = null_dump_cpu,
    .check = null_check,
    .check_unit = null_check_unit,
    .is_queued = null_is_queued,
    .idle_limit = null_idle_limit,
};
