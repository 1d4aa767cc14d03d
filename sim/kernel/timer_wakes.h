/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How late vCPUs run after a timer that they slept for: from the expiry that the guest asked for to running, timer
 * slop, interrupt and scheduling included. Exact counts below a few bounds, exact sum and maximum.
 */
#ifndef SIM_KERNEL_TIMER_WAKES_H
#define SIM_KERNEL_TIMER_WAKES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIMER_WAKES_BOUNDS 7u

struct timer_wakes_bound {
    uint64_t ns;
    const char *metric; /* counts the wake-ups below ns */
};

static const struct timer_wakes_bound timer_wakes_bound[TIMER_WAKES_BOUNDS] = {
    {50000, "vm.timer_wakes_below_50us"},    {200000, "vm.timer_wakes_below_200us"},
    {1000000, "vm.timer_wakes_below_1ms"},   {5000000, "vm.timer_wakes_below_5ms"},
    {10000000, "vm.timer_wakes_below_10ms"}, {20000000, "vm.timer_wakes_below_20ms"},
    {30000000, "vm.timer_wakes_below_30ms"},
};

struct timer_wakes {
    uint64_t count, sum, max; /* ns */
    uint64_t below[TIMER_WAKES_BOUNDS];
};

static inline void timer_wakes_add(struct timer_wakes *t, uint64_t ns)
{
    t->count++;
    t->sum += ns;
    if (ns > t->max)
        t->max = ns;
    for (unsigned b = 0; b < TIMER_WAKES_BOUNDS; b++)
        t->below[b] += ns < timer_wakes_bound[b].ns;
}

#ifdef __cplusplus
}
#endif

#endif
