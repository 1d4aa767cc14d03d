/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers, one queue per pCPU.
 *
 * Design: a binary heap in an array (1-based: the children of i are 2i and 2i+1) ordered by expiry, and, while the heap
 * is full, a list sorted by expiry (first come first served among equals). The heap starts with room for none and grows
 * from the softirq, from 2^n - 1 to 2^(n+4) - 1 entries: memory cannot be had where timers are set, under locks.
 * Tie rule of the heap: hv/timer.h.
 *
 * The hardware is set for what expires first, and not before timer_slop from now, so that what expires soon after is
 * dealt with in one interrupt; up to 4.3 as specified, for the slop after it (quirk timer_slop_added).
 *
 * An operation that changes what is first raises the TIMER softirq on the timer's pCPU, which reprograms the hardware.
 * The queue's lock protects the queue and the fields of its timers; it is a leaf, and not held while a handler runs.
 */
#include "boot.h"

#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/numa.h>
#include <hv/softirq.h>
#include <hv/timer.h>

/* heap_offset of a timer that is on the list because the heap was full. */
#define IN_LIST UINT32_MAX

struct timers {
    struct hv_lock lock;
    struct timer **heap; /* [0] is not used */
    uint32_t size, limit;
    struct timer *list;
    struct timer *running;
} __attribute__((aligned(64)));

static struct timers timers[HV_MAX_PCPUS];
static s_time_t timer_slop; /* ns */

/* ---- the heap: pos of t is where it goes or is; each returns nothing and keeps heap_offset right ------------------
 */

static void place(struct timers *ts, uint32_t pos, struct timer *t)
{
    ts->heap[pos] = t;
    t->heap_offset = pos;
}

static void sift_up(struct timers *ts, uint32_t pos)
{
    struct timer *t = ts->heap[pos];
    for (; pos > 1 && t->expires < ts->heap[pos / 2]->expires; pos /= 2)
        place(ts, pos, ts->heap[pos / 2]);
    place(ts, pos, t);
}

static void sift_down(struct timers *ts, uint32_t pos)
{
    struct timer *t = ts->heap[pos];
    for (uint32_t child; (child = pos * 2) <= ts->size; pos = child) {
        if (child < ts->size && ts->heap[child + 1]->expires < ts->heap[child]->expires)
            child++;
        if (ts->heap[child]->expires > t->expires)
            break;
        place(ts, pos, ts->heap[child]);
    }
    place(ts, pos, t);
}

/* ---- adding and removing: lock held; true if another timer is first now ---------------------------------------------
 */

static bool list_insert(struct timers *ts, struct timer *t)
{
    struct timer **at = &ts->list;
    while (*at && (*at)->expires <= t->expires)
        at = &(*at)->list_next;
    t->list_next = *at;
    *at = t;
    t->heap_offset = IN_LIST;
    return at == &ts->list;
}

static bool add_entry(struct timers *ts, struct timer *t)
{
    if (ts->size == ts->limit)
        return list_insert(ts, t);
    place(ts, ++ts->size, t);
    sift_up(ts, ts->size);
    return t->heap_offset == 1;
}

static bool remove_entry(struct timers *ts, struct timer *t)
{
    uint32_t pos = t->heap_offset;

    t->heap_offset = 0;
    if (pos == IN_LIST) {
        struct timer **at = &ts->list;
        while (*at != t)
            at = &(*at)->list_next;
        *at = t->list_next;
        return at == &ts->list;
    }
    struct timer *last = ts->heap[ts->size--];
    if (pos <= ts->size) {
        place(ts, pos, last);
        if (pos > 1 && last->expires < ts->heap[pos / 2]->expires)
            sift_up(ts, pos);
        else
            sift_down(ts, pos);
    }
    return pos == 1;
}

/* ---- locking: the timer's pCPU may change until its lock is held
 * ------------------------------------------------------ */

static struct timers *timer_lock(struct timer *t)
{
    for (;;) {
        uint16_t cpu = __atomic_load_n(&t->cpu.n, __ATOMIC_RELAXED);
        if (cpu == PCPU_INVALID.n)
            return NULL; /* killed */
        struct timers *ts = &timers[cpu];
        port_lock(&ts->lock);
        if (__atomic_load_n(&t->cpu.n, __ATOMIC_RELAXED) == cpu)
            return ts;
        port_unlock(&ts->lock);
    }
}

/* ---- interface
 * -------------------------------------------------------------------------------------------------------- */

void timer_init(struct timer *t, void (*fn)(void *), void *data, pcpu_id cpu)
{
    *t = (struct timer){.function = fn, .data = data, .cpu = cpu, .inited = true};
}

void timer_set(struct timer *t, s_time_t expires)
{
    if (pcpu_valid(t->cpu) && !cpumask_test(&hv_cpu_online, t->cpu))
        timer_migrate(t, cpumask_first(&hv_cpu_online));
    struct timers *ts = timer_lock(t);
    if (!ts)
        return;
    bool changed = timer_active(t) && remove_entry(ts, t);
    t->expires = expires;
    changed |= add_entry(ts, t);
    if (changed)
        softirq_raise_on(t->cpu, TIMER_SOFTIRQ);
    port_count(PERFC_timer_op, 1);
    port_unlock(&ts->lock);
}

void timer_stop(struct timer *t)
{
    struct timers *ts = timer_lock(t);
    if (!ts)
        return;
    if (timer_active(t)) {
        if (remove_entry(ts, t))
            softirq_raise_on(t->cpu, TIMER_SOFTIRQ);
        port_count(PERFC_timer_op, 1);
    }
    port_unlock(&ts->lock);
}

void timer_migrate(struct timer *t, pcpu_id to)
{
    struct timers *from, *dest = &timers[to.n];

    for (;;) {
        uint16_t cpu = __atomic_load_n(&t->cpu.n, __ATOMIC_RELAXED);
        if (cpu == to.n || cpu == PCPU_INVALID.n)
            return;
        from = &timers[cpu];
        /* Lowest pCPU first, as their locks lie in one array. */
        port_lock(cpu < to.n ? &from->lock : &dest->lock);
        port_lock(cpu < to.n ? &dest->lock : &from->lock);
        if (__atomic_load_n(&t->cpu.n, __ATOMIC_RELAXED) == cpu)
            break;
        port_unlock(&from->lock);
        port_unlock(&dest->lock);
    }
    bool active = timer_active(t);
    if (active && remove_entry(from, t))
        softirq_raise_on(t->cpu, TIMER_SOFTIRQ);
    t->cpu = to;
    if (active && add_entry(dest, t))
        softirq_raise_on(to, TIMER_SOFTIRQ);
    port_count(PERFC_timer_op, 1);
    port_unlock(&from->lock);
    port_unlock(&dest->lock);
}

static struct timer *any_of(struct timers *ts)
{
    port_lock(&ts->lock);
    struct timer *t = ts->size ? ts->heap[1] : ts->list;
    port_unlock(&ts->lock);
    return t;
}

void timers_leave(pcpu_id off, pcpu_id to)
{
    for (struct timer *t; (t = any_of(&timers[off.n])) != NULL;)
        timer_migrate(t, to);
}

const char *timers_check(void)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++) {
        if (!cpumask_test(&hv_cpu_online, pcpu(c)) && (timers[c].size || timers[c].list))
            return "timer: one is set on a pCPU that is off";
        for (uint32_t i = 2; i <= timers[c].size; i++)
            if (timers[c].heap[i]->expires < timers[c].heap[i / 2]->expires)
                return "timer: the heap is out of order";
    }
    return NULL;
}

uint64_t timers_memory(uint64_t pages[HV_MAX_NODES])
{
    uint64_t bytes = 0;

    for (unsigned c = 0; c < hv_nr_cpus; c++) {
        const struct timers *ts = &timers[c];
        node_id n;
        uint64_t whole = ts->heap ? hv_whole_pages(ts->heap, &n) : 0;
        if (whole)
            pages[n.n] += whole;
        else if (ts->heap)
            bytes += (ts->limit + 1) * sizeof(struct timer *);
    }
    return bytes;
}

static bool not_running(void *arg)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        if (__atomic_load_n(&timers[c].running, __ATOMIC_ACQUIRE) == arg)
            return false;
    return true;
}

void timer_kill(struct timer *t)
{
    struct timers *ts = timer_lock(t);
    if (!ts)
        return;
    if (timer_active(t) && remove_entry(ts, t))
        softirq_raise_on(t->cpu, TIMER_SOFTIRQ);
    t->cpu = PCPU_INVALID;
    port_unlock(&ts->lock);
    port_relax_until(not_running, t);
}

/* ---- the softirq
 * ------------------------------------------------------------------------------------------------------ */

/* A larger heap, if the list says that this one is too small. Without memory the list goes on being used. */
static void grow(struct timers *ts)
{
    if (!ts->list)
        return;
    uint32_t limit = ((ts->limit + 1) << 4) - 1;
    struct timer **heap = hv_zalloc((limit + 1) * sizeof(*heap));
    if (!heap)
        return;
    port_lock(&ts->lock);
    struct timer **old = ts->heap;
    for (uint32_t i = 1; i <= ts->size; i++)
        heap[i] = old[i];
    ts->heap = heap;
    ts->limit = limit;
    port_unlock(&ts->lock);
    if (old)
        hv_free(old);
}

/* Called and returns with the lock held. */
static void execute(struct timers *ts, struct timer *t)
{
    void (*fn)(void *) = t->function;
    void *data = t->data;

    remove_entry(ts, t);
    ts->running = t;
    port_count(PERFC_timer_op, 1);
    port_unlock(&ts->lock);
    fn(data);
    port_lock(&ts->lock);
    __atomic_store_n(&ts->running, NULL, __ATOMIC_RELEASE);
}

static void timer_softirq(void)
{
    struct timers *ts = &timers[port_this_cpu().n];

    grow(ts);
    port_lock(&ts->lock);
    s_time_t now = port_now();
    while (ts->size && ts->heap[1]->expires < now)
        execute(ts, ts->heap[1]);
    while (ts->list && ts->list->expires < now)
        execute(ts, ts->list);

    struct timer *t = ts->list;
    ts->list = NULL;
    while (t) {
        struct timer *next = t->list_next;
        add_entry(ts, t);
        t = next;
    }

    s_time_t deadline = S_TIME_MAX;
    if (ts->size)
        deadline = ts->heap[1]->expires;
    if (ts->list && ts->list->expires < deadline)
        deadline = ts->list->expires;
    s_time_t not_before = port_now() + timer_slop;
    if (deadline == S_TIME_MAX)
        ;
    else if (quirk(timer_slop_added))
        deadline = deadline > S_TIME_MAX - timer_slop ? S_TIME_MAX : deadline + timer_slop;
    else if (deadline < not_before)
        deadline = not_before;
    if (deadline < port_now())
        softirq_raise(TIMER_SOFTIRQ);
    else
        port_timer_set(deadline);
    port_unlock(&ts->lock);
}

void timers_init(const struct hv_options *opt)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        timers[c] = (struct timers){.lock = HV_LOCK_INIT_OF("timer", c)};
    timer_slop = opt->timer_slop;
    softirq_open(TIMER_SOFTIRQ, timer_softirq);
}
