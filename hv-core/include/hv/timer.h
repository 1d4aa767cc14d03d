/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers of a pCPU: a binary heap (1-based) on expiry, run from the TIMER softirq. A timer fires when expires < now
 * (strictly). The hardware deadline is the earliest expiry + timer_slop. Tie rule: Xen's heap (sift-up moves only if
 * strictly earlier than the parent; sift-down swaps with the earlier child, the left one on a tie).
 */
#ifndef HV_TIMER_H
#define HV_TIMER_H

#include <hv/types.h>

struct timer {
    s_time_t expires;
    void (*function)(void *data);
    void *data;
    pcpu_id cpu;
    uint32_t heap_offset; /* 0: not active; all ones: on the list of those that found the heap full */
    struct timer *list_next;
    bool inited;
};

void timer_init(struct timer *t, void (*fn)(void *), void *data, pcpu_id cpu);
void timer_set(struct timer *t, s_time_t expires);
void timer_stop(struct timer *t);
void timer_migrate(struct timer *t, pcpu_id to);
/* Those that are active on a pCPU that has gone out of use go to another one; the others do when they are set. */
void timers_leave(pcpu_id off, pcpu_id to);
/* For reports: whole pages on each node that the queues have, and the sum of bytes of those below a page. */
uint64_t timers_memory(uint64_t pages[HV_MAX_NODES]);
/* NULL, or the first invariant that does not hold. */
const char *timers_check(void);
/* Stop for good: waits for a running handler. */
void timer_kill(struct timer *t);
static inline bool timer_active(const struct timer *t)
{
    return t->heap_offset != 0;
}

#endif
