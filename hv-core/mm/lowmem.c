/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Low memory: dom0 is told (VIRQ_ENOMEM) when what is free and not claimed falls to a threshold, and again each time
 * that it has halved. Hysteresis: a threshold that was passed comes back only when there is twice of it again, four
 * times for the next one, up to the first.
 *
 * State, in pages: low_mem_th, at or below which the next event comes; low_mem_high, at or above which the threshold is
 * doubled; both are powers of two, or out of reach. The heap lock guards it.
 *
 * No guest model listens to this VIRQ, and one that nobody listens to is dropped by Xen: here they are counted.
 */
#include "mm/heap_priv.h"

#define DEFAULT_LIMIT (64ull << 20) /* bytes, Xen's, */
#define MAX_LIMIT (1ull << 30)      /* and the most that can be asked for */
#define NEVER_LOW 0u                /* a threshold that is below all that ever is free, but nothing */
#define NEVER_HIGH (~0ull)

uint64_t low_mem_th, low_mem_high;
static uint64_t low_mem_orig;
static unsigned th_order;
static bool armed;
static uint64_t nr_sent;
static int64_t limit = -1; /* bytes, -1: the default */

void low_mem_virq_limit_set(int64_t bytes)
{
    limit = bytes;
}

uint64_t low_mem_virqs(void)
{
    return nr_sent;
}

void low_mem_init(void)
{
    low_mem_th = low_mem_orig = NEVER_LOW;
    low_mem_high = NEVER_HIGH;
    th_order = 0;
    nr_sent = 0;
    armed = false;
}

void low_mem_setup(void)
{
    uint64_t left = total_avail << PAGE_SHIFT, th = limit < 0 ? DEFAULT_LIMIT : (uint64_t)limit;

    if (limit == 0)
        return;
    if (th > left)
        th = left;
    if (th > MAX_LIMIT)
        th = MAX_LIMIT;
    /* Not at once, if nobody has asked for it. */
    if (limit < 0 && th == left)
        th /= 2;
    if (th < PAGE_SIZE)
        th = PAGE_SIZE;
    th_order = hv_fls64(th >> PAGE_SHIFT);
    low_mem_th = low_mem_orig = 1ull << th_order;
    armed = true;
    hv_printk("Initial low memory virq threshold set at 0x%llx pages.\n", (unsigned long long)low_mem_th);
}

void low_mem_virq(uint64_t unclaimed)
{
    if (!armed)
        return;
    if (unclaimed <= low_mem_th) {
        nr_sent++;
        port_count(PERFC_evtchn_send, 1);
        low_mem_high = 1ull << (th_order + 1);
        if (th_order > 0)
            th_order--;
        low_mem_th = 1ull << th_order;
    } else {
        th_order++;
        low_mem_th = 1ull << th_order;
        low_mem_high = low_mem_th == low_mem_orig ? NEVER_HIGH : 1ull << (th_order + 2);
    }
}
