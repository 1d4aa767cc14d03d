/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARINC 653: time partitions. The toolstack writes down a major frame: which vCPU of which domain runs, one after the
 * other, and for how long. The frame repeats for ever.
 *
 * Design. An instance has one frame and one position in it, both of time alone:
 *
 *      |<-------------------- major frame ------------------->|
 *      | slot 0 | slot 1  | slot 2 |  idle: what is left over |
 *
 * A slot belongs to its unit; if that cannot run (it is blocked, paused, not in this pool, or does not exist) the slot
 * is not given to another: the pCPU idles, and the unit can still come back to the rest of it. Nobody runs outside his
 * slots. That is the point: what one partition gets does not depend on what the others do.
 *
 * A unit runs on its own pCPU (u->processor) only. The scheduler was made for one pCPU; with more of them in a pool all
 * follow the same frame, and in each slot all idle but the one that the slot's unit is on. pick keeps a unit where it
 * is as long as it may be there.
 *
 * Without a frame of the toolstack's the instance gives dom0 slots of 10 ms: at 4.3 one, for vCPU 0 (in any pool, also
 * where dom0 is not); later one for each vCPU of dom0 that is in the pool, in the order in which they were made. An
 * instance that has no slot at all idles, and looks again every 10 ms.
 *
 * A new frame begins at once; a pCPU sees it when it next schedules, at the latest at the end of the slot or of the
 * frame that it is in. A pCPU that comes late to the end of a frame begins the next one late; by how much the whole
 * frame moves ("drift"), or whether it is cut so that frames begin at whole multiples, is the quirk
 * arinc653_frame_drift.
 *
 * Invariants: the runtimes add up to no more than the major frame; slot index <= nr_slots, and the position names the
 * slot that ends at next_switch <= next_frame; a slot's unit is of this instance; a unit that is runnable and does not
 * run is awake, one that is not runnable and does not run is not.
 *
 * Locking. What belongs to a unit is under the schedule lock of its pCPU; frame, position and the list of units are
 * under the instance's lock, a leaf below schedule locks.
 */
#include "private.h"

#include <hv/mm.h>

#define ARINC653_DEFAULT_TIMESLICE MILLISECS(10) /* a slot that nobody asked for, and the wait for a frame to come */
/* A frame may not lead past the end of time: 146 years, and time begins at boot. */
#define ARINC653_MAX_FRAME (S_TIME_MAX / 2)

struct arinc653_unit {
    struct list_head elem; /* of the instance's units, in the order of insertion */
    struct sched_unit *unit;
    bool awake; /* wants its slots */
};

struct arinc653_slot {
    struct hv_arinc653_entry entry;
    struct sched_unit *unit; /* NULL: there is none such here */
};

struct arinc653_pool {
    struct hv_lock lock;
    struct list_head units;
    s_time_t major_frame;
    unsigned nr_slots;
    struct arinc653_slot slot[HV_ARINC653_MAX_ENTRIES];
    bool configured; /* by the toolstack: no more default slots */
    /* The position. */
    unsigned index;       /* nr_slots: in what is left over */
    s_time_t next_switch; /* end of the slot */
    s_time_t next_frame;
};

static struct arinc653_pool *arinc653_pool_of(const struct scheduler *s)
{
    return s->priv;
}
static struct arinc653_unit *arinc653_unit_of(const struct sched_unit *u)
{
    return u->priv;
}

/* ---- the frame: the instance's lock held ------------------------------------------------------------------------ */

static bool is_of_unit(const struct scheduler *s, const struct hv_arinc653_entry *e, const struct sched_unit *u)
{
    unsigned granularity = hv_max_u(s->pool->granularity, 1);
    return dom_eq(u->domain->id, e->domid) && e->vcpu.n / granularity == u->id / granularity;
}

/* Which units the slots mean. */
static void find_units(struct scheduler *s)
{
    struct arinc653_pool *p = arinc653_pool_of(s);
    struct list_head *pos;

    for (unsigned i = 0; i < p->nr_slots; i++) {
        p->slot[i].unit = NULL;
        list_for_each (pos, &p->units) {
            struct sched_unit *u = list_entry(pos, struct arinc653_unit, elem)->unit;
            if (is_of_unit(s, &p->slot[i].entry, u)) {
                p->slot[i].unit = u;
                break;
            }
        }
    }
}

static void add_default_slot(struct arinc653_pool *p, unsigned vcpu)
{
    if (p->nr_slots == HV_ARINC653_MAX_ENTRIES)
        return;
    p->slot[p->nr_slots++] =
        (struct arinc653_slot){.entry = {.domid = dom(0), .vcpu = vcpu_n(vcpu), .runtime = ARINC653_DEFAULT_TIMESLICE}};
    p->major_frame += ARINC653_DEFAULT_TIMESLICE;
}

/* Move the position to where it has to be at this time. */
static void advance(struct arinc653_pool *p, s_time_t now)
{
    if (p->nr_slots == 0) {
        p->index = 0;
        p->next_frame = p->next_switch = now + ARINC653_DEFAULT_TIMESLICE;
        return;
    }
    if (now >= p->next_frame) {
        s_time_t late = quirk(arinc653_frame_drift) ? 0 : (now - p->next_frame) % p->major_frame;
        p->index = 0;
        p->next_switch = now - late + p->slot[0].entry.runtime;
        p->next_frame = now - late + p->major_frame;
    }
    while (now >= p->next_switch && p->index < p->nr_slots) {
        p->index++;
        if (p->index < p->nr_slots)
            p->next_switch += p->slot[p->index].entry.runtime;
    }
    if (p->index >= p->nr_slots)
        p->next_switch = p->next_frame;
    ASSERT(now < p->next_switch && p->next_switch <= p->next_frame);
}

/* ---- instance, units -------------------------------------------------------------------------------------------- */

static int arinc653_init(struct scheduler *s, const struct hv_options *opt)
{
    struct arinc653_pool *p = hv_zalloc(sizeof(*p));
    if (!p)
        return -HV_ENOMEM;
    p->lock = (struct hv_lock)HV_LOCK_INIT("arinc653");
    list_init(&p->units);
    if (quirk(arinc653_default_dom0_only))
        add_default_slot(p, 0);
    s->priv = p;
    return 0;
}

static void arinc653_deinit(struct scheduler *s)
{
    ASSERT(list_empty(&arinc653_pool_of(s)->units));
    hv_free(s->priv);
    s->priv = NULL;
}

/* Idle units need no data. */
static int arinc653_alloc_unit(struct scheduler *s, struct sched_unit *u, void *ddata, void **udata)
{
    if (is_idle_unit(u))
        return 0;
    struct arinc653_unit *au = hv_zalloc(sizeof(*au));
    if (!au)
        return -HV_ENOMEM;
    list_init(&au->elem);
    au->unit = u;
    *udata = au;
    return 0;
}

static void arinc653_free_unit(struct scheduler *s, void *udata)
{
    hv_free(udata);
}

static void arinc653_insert_unit(struct scheduler *s, struct sched_unit *u)
{
    struct arinc653_pool *p = arinc653_pool_of(s);
    struct arinc653_unit *au = arinc653_unit_of(u);
    struct hv_lock *lock = unit_schedule_lock(u);

    port_lock(&p->lock);
    list_add_tail(&au->elem, &p->units);
    if (u->domain->id.n == 0 && !p->configured && !quirk(arinc653_default_dom0_only))
        add_default_slot(p, u->id);
    find_units(s);
    port_unlock(&p->lock);
    au->awake = unit_runnable(u);
    if (au->awake)
        softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
    port_unlock(lock);
}

static void arinc653_remove_unit(struct scheduler *s, struct sched_unit *u)
{
    struct arinc653_pool *p = arinc653_pool_of(s);
    struct hv_lock *lock = unit_schedule_lock(u);

    port_lock(&p->lock);
    list_del_init(&arinc653_unit_of(u)->elem);
    find_units(s);
    port_unlock(&p->lock);
    port_unlock(lock);
}

static void arinc653_sleep(struct scheduler *s, struct sched_unit *u)
{
    arinc653_unit_of(u)->awake = false;
    if (curr_on_cpu(u->processor) == u)
        softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
}

static void arinc653_wake(struct scheduler *s, struct sched_unit *u)
{
    arinc653_unit_of(u)->awake = true;
    if (curr_on_cpu(u->processor) != u)
        softirq_raise_on(u->processor, SCHEDULE_SOFTIRQ);
}

static pcpu_id arinc653_pick_cpu(struct scheduler *s, struct sched_unit *u)
{
    cpumask_t allowed;

    port_count(PERFC_sched_pick_cpu, 1);
    cpumask_and(&allowed, &u->hard, unit_pool_res(u));
    return cpumask_test(&allowed, u->processor) || cpumask_empty(&allowed) ? u->processor : cpumask_first(&allowed);
}

/* ---- the decision ----------------------------------------------------------------------------------------------- */

static struct sched_slice arinc653_schedule(struct scheduler *s, pcpu_id c, s_time_t now, bool tasklet_pending)
{
    struct arinc653_pool *p = arinc653_pool_of(s);
    struct sched_unit *cur = curr_on_cpu(c), *next;

    if (!is_idle_unit(cur) && !unit_runnable(cur))
        arinc653_unit_of(cur)->awake = false; /* it has blocked, of which the framework does not tell */

    port_lock(&p->lock);
    advance(p, now);
    next = p->index < p->nr_slots ? p->slot[p->index].unit : NULL;
    s_time_t left = p->next_switch - now;
    port_unlock(&p->lock);

    /* Only the schedule lock of c is held: whether the unit of another pCPU is awake is not ours to see. */
    if (tasklet_pending || !next || !pcpu_eq(next->processor, c) || !arinc653_unit_of(next)->awake ||
        !unit_runnable(next))
        next = idle_unit_on_cpu(c);
    return (struct sched_slice){.task = next, .time = left};
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

static bool frame_is_valid(const struct hv_sysctl *op)
{
    s_time_t left = op->u.scheduler_op.major_frame;
    unsigned n = op->u.scheduler_op.nr_entries;

    if (left <= 0 || left > ARINC653_MAX_FRAME || n == 0 || n > HV_ARINC653_MAX_ENTRIES)
        return false;
    for (unsigned i = 0; i < n; i++) {
        s_time_t runtime = op->u.scheduler_op.entry[i].runtime;
        if (runtime <= 0 || runtime > left)
            return false;
        left -= runtime;
    }
    return true;
}

static int arinc653_adjust_global(struct scheduler *s, struct hv_sysctl *op)
{
    struct arinc653_pool *p = arinc653_pool_of(s);

    if (op->u.scheduler_op.put && !frame_is_valid(op))
        return -HV_EINVAL;
    port_lock(&p->lock);
    if (op->u.scheduler_op.put) {
        p->major_frame = op->u.scheduler_op.major_frame;
        p->nr_slots = op->u.scheduler_op.nr_entries;
        for (unsigned i = 0; i < p->nr_slots; i++)
            p->slot[i].entry = op->u.scheduler_op.entry[i];
        find_units(s);
        p->configured = true;
        p->index = p->nr_slots;
        p->next_frame = p->next_switch = port_now();
    } else {
        op->u.scheduler_op.major_frame = p->major_frame;
        op->u.scheduler_op.nr_entries = p->nr_slots;
        for (unsigned i = 0; i < p->nr_slots; i++)
            op->u.scheduler_op.entry[i] = p->slot[i].entry;
    }
    port_unlock(&p->lock);
    return 0;
}

/* ---- invariants -------------------------------------------------------------------------------------------------- */

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "arinc653: " #cond;                                                                                 \
    } while (0)

static bool arinc653_is_queued(struct scheduler *s, const struct sched_unit *u)
{
    return !is_idle_unit(u) && arinc653_unit_of(u)->awake;
}

/* A slot is its unit's, and nobody's else; a pCPU may idle for ever. */
static s_time_t arinc653_idle_limit(struct scheduler *s, const struct sched_unit *u, pcpu_id c)
{
    return -1;
}

static const char *arinc653_check(struct scheduler *s, bool quiescent)
{
    const struct arinc653_pool *p = arinc653_pool_of(s);
    const struct list_head *pos;
    s_time_t sum = 0;

    if (!quiescent)
        return NULL;
    CHECK(p->nr_slots <= HV_ARINC653_MAX_ENTRIES);
    for (unsigned i = 0; i < p->nr_slots; i++) {
        const struct arinc653_slot *slot = &p->slot[i];
        CHECK(slot->entry.runtime > 0);
        sum += slot->entry.runtime;
        CHECK(!slot->unit || is_of_unit(s, &slot->entry, slot->unit));
        CHECK(!slot->unit || slot->unit->domain->cpupool == s->pool);
    }
    CHECK(sum <= p->major_frame);
    CHECK(p->index <= p->nr_slots && p->next_switch <= p->next_frame);
    list_for_each (pos, &p->units) {
        const struct arinc653_unit *au = list_entry(pos, struct arinc653_unit, elem);
        CHECK(au->unit->priv == au && au->unit->domain->cpupool == s->pool);
    }
    return NULL;
}

static const char *arinc653_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent)
{
    if (is_idle_unit(u)) {
        CHECK(!u->priv);
        return NULL;
    }
    CHECK(arinc653_unit_of(u)->unit == u);
    CHECK(!quiescent || !list_empty(&arinc653_unit_of(u)->elem));
    return NULL;
}

/* ---- debug key 'r' ---------------------------------------------------------------------------------------------- */

/* Xen's prints nothing of its own. */
static void arinc653_dump_settings(struct scheduler *s)
{
    struct arinc653_pool *p = arinc653_pool_of(s);

    port_lock(&p->lock);
    hv_printk("major frame=%lld slots=%u next slot=%lld next frame=%lld\n", (long long)p->major_frame, p->nr_slots,
              (long long)p->next_switch, (long long)p->next_frame);
    for (unsigned i = 0; i < p->nr_slots; i++) {
        const struct arinc653_slot *slot = &p->slot[i];
        hv_printk("\t%c%2u: d%uv%u runtime=%lld%s\n", i == p->index ? '*' : ' ', i, slot->entry.domid.n,
                  slot->entry.vcpu.n, (long long)slot->entry.runtime, slot->unit ? "" : " (not in this pool)");
    }
    port_unlock(&p->lock);
}

static void arinc653_dump_cpu(struct scheduler *s, pcpu_id c)
{
    struct hv_lock *lock = pcpu_schedule_lock(c);
    const struct sched_unit *u = curr_on_cpu(c);

    if (!is_idle_unit(u))
        hv_printk("\trun: [%u.%u] awake=%d\n", u->domain->id.n, u->id, arinc653_unit_of(u)->awake);
    port_unlock(lock);
}

const struct sched_policy arinc653_policy = {
    .name = "ARINC 653 Scheduler",
    .opt_name = "arinc653",
    .id = XEN_SCHEDULER_ARINC653,
    .init = arinc653_init,
    .deinit = arinc653_deinit,
    .alloc_unit = arinc653_alloc_unit,
    .free_unit = arinc653_free_unit,
    .insert_unit = arinc653_insert_unit,
    .remove_unit = arinc653_remove_unit,
    .sleep = arinc653_sleep,
    .wake = arinc653_wake,
    .pick_cpu = arinc653_pick_cpu,
    .do_schedule = arinc653_schedule,
    .adjust_global = arinc653_adjust_global,
    .dump_settings = arinc653_dump_settings,
    .dump_cpu = arinc653_dump_cpu,
    .check = arinc653_check,
    .check_unit = arinc653_check_unit,
    .is_queued = arinc653_is_queued,
    .idle_limit = arinc653_idle_limit,
};
