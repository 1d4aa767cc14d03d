/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "boot.h"

#include <hv/lib.h>
#include <hv/softirq.h>

/* One word per pCPU, each in a cache line of its own: other pCPUs write it. */
static struct {
    uint32_t pending;
} __attribute__((aligned(64))) softirq_state[HV_MAX_PCPUS];

static void (*softirq_handler[NR_SOFTIRQS])(void);

void softirq_open(unsigned nr, void (*handler)(void))
{
    ASSERT(nr < NR_SOFTIRQS);
    softirq_handler[nr] = handler;
}

void softirq_reset(void)
{
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++)
        softirq_state[c].pending = 0;
    for (unsigned nr = 0; nr < NR_SOFTIRQS; nr++)
        softirq_handler[nr] = NULL;
}

void softirq_raise(unsigned nr)
{
    __atomic_fetch_or(&softirq_state[port_this_cpu().n].pending, 1u << nr, __ATOMIC_SEQ_CST);
}

void softirq_raise_on(pcpu_id c, unsigned nr)
{
    uint32_t was = __atomic_fetch_or(&softirq_state[c.n].pending, 1u << nr, __ATOMIC_SEQ_CST);
    if (!(was & (1u << nr)) && !pcpu_eq(c, port_this_cpu()))
        port_ipi_send(c);
}

bool softirq_pending(pcpu_id c)
{
    return __atomic_load_n(&softirq_state[c.n].pending, __ATOMIC_ACQUIRE) != 0;
}

void softirq_run(void)
{
    uint32_t *word = &softirq_state[port_this_cpu().n].pending;

    for (;;) {
        uint32_t pending = __atomic_load_n(word, __ATOMIC_ACQUIRE);
        if (!pending)
            return;
        unsigned nr = hv_ffs64(pending);
        __atomic_fetch_and(word, ~(1u << nr), __ATOMIC_SEQ_CST);
        port_count(PERFC_softirq, 1);
        if (softirq_handler[nr])
            softirq_handler[nr]();
    }
}

bool hypercall_preempt_check(void)
{
    return softirq_pending(port_this_cpu()) || port_irq_pending();
}
