/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scrubbing by pCPUs that idle (4.10 and later): the idle loop calls scrub_free_pages().
 *
 * A pCPU takes one node at a time (node_scrubbing): its own if that has dirty pages and nobody is at it, else the
 * nearest node without pCPUs; this is the only place where the heap looks at distances. It goes through the zones from
 * the lowest up, the orders from the highest down, and always takes the tail of a list, where the dirty buddies are.
 *
 * The buddy stays on its list, and the lock is free, while its pages are cleared. Each page weighs 100, each clean one
 * on the way 1; from a sum of 800 on, the pCPU stops for whatever is waiting for it. A run of dirty pages is one call
 * of the port, however long: a page is the least that is done, and an interrupt ends it.
 *
 * Who needs that buddy, to allocate it or to merge with it, does so with the lock held: it says abort, kicks the pCPU
 * (Xen's looks at the flag after every page, the port's at interrupts), waits for "stopped" and enters the progress
 * itself. The scrubber, having stopped, takes the lock, and finds either its own state still there, to be entered by
 * it, or that somebody has done so (none), and leaves.
 *
 * Nobody wakes a halted pCPU for this. It comes along when it wakes for something else, at the latest when the clocks
 * of all pCPUs are compared, once a second; there is no such thing here, so a timer on pCPU 0 stands for it, which runs
 * while something is dirty.
 *
 * Locking: scrubber[n] changes under the heap lock, save pos, done and running/abort -> stopped, which the pCPU that
 * owns node n writes.
 */
#include "mm/heap_priv.h"

#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/timer.h>

#define WEIGHT_DIRTY 100u      /* of a page that is scrubbed, */
#define WEIGHT_CLEAN 1u        /* of one that is passed; */
#define PREEMPT_ABOVE 800u     /* and where the pCPU stops for other work. Xen's numbers. */
#define WAKE_PERIOD SECONDS(1) /* Xen's time calibration */

struct scrubber scrubber[HV_MAX_NODES];
static bool node_scrubbing[HV_MAX_NODES]; /* a pCPU is at it */
static struct timer wake_timer;
static bool wakes; /* the timer can be used */

void scrub_init(void)
{
    for (unsigned n = 0; n < HV_MAX_NODES; n++) {
        scrubber[n] = (struct scrubber){.frame = FRAME_NONE};
        node_scrubbing[n] = false;
    }
    wakes = false;
}

/* ---- which node ---------------------------------------------------------------------------------------------------
 */

static bool take_node(unsigned n)
{
    return !__atomic_exchange_n(&node_scrubbing[n], true, __ATOMIC_SEQ_CST);
}

static void leave_node(unsigned n)
{
    __atomic_store_n(&node_scrubbing[n], false, __ATOMIC_SEQ_CST);
}

/* The node that this pCPU should scrub; NODE_INVALID. take: it is this pCPU's until it leaves it. */
static node_id node_to_scrub(bool take)
{
    node_id local = cpu_to_node(port_this_cpu()), closest = NODE_INVALID;

    if (node_need_scrub[local.n] && (!take || take_node(local.n)))
        return local;
    for (node_id n = nodemask_cycle(local, hv_node_online); !node_eq(n, local); n = nodemask_cycle(n, hv_node_online)) {
        if (!node_need_scrub[n.n] || !cpumask_empty(node_to_cpumask(n)))
            continue;
        if (!take)
            return n;
        if (node_valid(closest) && node_distance(local, n) >= node_distance(local, closest))
            continue;
        if (!take_node(n.n))
            continue;
        if (node_valid(closest))
            leave_node(closest.n);
        closest = n;
    }
    return closest;
}

/* ---- progress, with the lock held ---------------------------------------------------------------------------------
 */

static void begin_buddy(struct scrubber *s, uint64_t f, unsigned order)
{
    s->frame = f;
    s->order = order;
    s->pos = f + frame_first_dirty(frame_at(f, order));
    s->done = 0;
    s->cpu = port_this_cpu();
    __atomic_store_n(&s->state, SCRUB_running, __ATOMIC_SEQ_CST);
}

/* The scrubber of node n has stopped: what it has done counts, and the buddy is nobody's. */
static void enter_progress(unsigned n)
{
    struct scrubber *s = &scrubber[n];
    struct frame *e = frame_at(s->frame, s->order);
    uint64_t end = s->frame + (1ull << s->order);

    node_need_scrub[n] -= s->done;
    if (s->pos == end) {
        take_free(e, s->order, n, zone_of(s->frame));
        (void)need_scrub_clear(s->frame, end);
        need_scrub_forget(s->frame, s->order);
        put_free(e, s->frame, s->order, n, zone_of(s->frame), INVALID_DIRTY_IDX);
    } else {
        unsigned first_dirty = (unsigned)(s->pos - s->frame);
        e->dirty_low = (uint16_t)first_dirty;
        e->dirty_high = first_dirty >> 16 & 3u;
    }
    s->frame = FRAME_NONE;
    __atomic_store_n(&s->state, SCRUB_none, __ATOMIC_SEQ_CST);
}

static bool has_stopped(void *arg)
{
    const struct scrubber *s = arg;
    return __atomic_load_n(&s->state, __ATOMIC_SEQ_CST) == SCRUB_stopped;
}

void scrub_stop(unsigned n)
{
    struct scrubber *s = &scrubber[n];
    enum scrub_state running = SCRUB_running;

    if (__atomic_compare_exchange_n(&s->state, &running, SCRUB_abort, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        port_ipi_send(s->cpu);
        port_relax_until(has_stopped, s);
    }
    enter_progress(n);
}

/* ---- one buddy, without the lock ----------------------------------------------------------------------------------
 */

/* Clear some pages of pos..stop - 1, which are dirty. The first few of a call cannot be interrupted. */
static void scrub_some(struct scrubber *s, uint64_t stop, uint64_t *weight)
{
    uint64_t n = 1;

    if (*weight <= PREEMPT_ABOVE)
        port_clear_pages(mfn(s->pos), 0);
    else
        n = port_clear_pages_until_irq(mfn(s->pos), stop - s->pos);
    s->pos += n;
    s->done += n;
    *weight += n * WEIGHT_DIRTY;
}

/* From pos on to the end of the buddy. False: the pCPU has other work, or somebody needs the buddy. */
static bool scrub_buddy(struct scrubber *s, uint64_t *weight)
{
    uint64_t end = s->frame + (1ull << s->order), stop;

    while (s->pos < end) {
        uint64_t dirty = need_scrub_next(s->pos, end, &stop);
        *weight += (dirty - s->pos) * WEIGHT_CLEAN;
        for (s->pos = dirty; s->pos < stop;) {
            scrub_some(s, stop, weight);
            if (__atomic_load_n(&s->state, __ATOMIC_SEQ_CST) == SCRUB_abort)
                return false;
            if (*weight > PREEMPT_ABOVE && hypercall_preempt_check())
                return false;
        }
    }
    return true;
}

/* The dirty buddy at the tail of the first list that has one; false: there is none. With the lock held. */
static bool next_buddy(unsigned n, uint64_t *f, unsigned *order)
{
    for (uint64_t zones = zones_used[n]; zones; zones &= zones - 1) {
        unsigned z = hv_ffs64(zones);
        for (uint32_t orders = orders_used[n][z]; orders; orders &= ~(1u << *order)) {
            *order = hv_fls64(orders);
            extent_link tail = heap[n][z][*order].tail;
            if (frame_of_link(tail)->state == FRAME_dirty) {
                *f = link_frame(tail);
                return true;
            }
        }
    }
    return false;
}

bool scrub_free_pages(void)
{
    uint64_t f, weight = 0;
    unsigned order;

    if (one_end || !nr_dirty_buddies)
        return false;
    node_id n = node_to_scrub(true);
    if (!node_valid(n))
        return false;
    struct scrubber *s = &scrubber[n.n];
    port_lock(&heap_lock);
    while (node_need_scrub[n.n] && next_buddy(n.n, &f, &order)) {
        begin_buddy(s, f, order);
        port_unlock(&heap_lock);
        bool all = scrub_buddy(s, &weight);
        __atomic_store_n(&s->state, SCRUB_stopped, __ATOMIC_SEQ_CST);
        port_lock(&heap_lock);
        bool mine = s->state == SCRUB_stopped; /* else who needed the buddy has entered it */
        if (mine)
            enter_progress(n.n);
        if (!all || !mine)
            break;
    }
    port_unlock(&heap_lock);
    leave_node(n.n);
    bool more = node_valid(node_to_scrub(false));
    if (more)
        scrub_wanted();
    return more;
}

/* ---- waking -------------------------------------------------------------------------------------------------------
 */

static bool any_dirty(void)
{
    node_id n;

    for_each_node (n, hv_node_online) {
        if (node_need_scrub[n.n])
            return true;
    }
    return false;
}

/* All pCPUs that idle come along; those that find nothing halt again. */
static void wake_idlers(void *unused)
{
    if (!any_dirty())
        return;
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        if (cpumask_test(&hv_cpu_online, pcpu(c)) && is_idle_vcpu(sched_current(pcpu(c))))
            softirq_raise_on(pcpu(c), VCPU_KICK_SOFTIRQ);
    scrub_wanted();
}

void scrub_wanted(void)
{
    if (wakes && !timer_active(&wake_timer))
        timer_set(&wake_timer, port_now() / WAKE_PERIOD * WAKE_PERIOD + WAKE_PERIOD);
}

void scrub_start_waking(void)
{
    timer_init(&wake_timer, wake_idlers, NULL, pcpu(0));
    wakes = !one_end;
    if (any_dirty())
        scrub_wanted();
}
