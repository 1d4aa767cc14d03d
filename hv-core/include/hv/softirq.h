/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Softirqs: a bitmask per pCPU; the lowest numbered pending one is always handled next. */
#ifndef HV_SOFTIRQ_H
#define HV_SOFTIRQ_H

#include <hv/types.h>

enum {
    TIMER_SOFTIRQ,
    SCHED_SLAVE_SOFTIRQ, /* to a meeting of the pCPUs of a resource */
    SCHEDULE_SOFTIRQ,
    NEW_TLBFLUSH_SOFTIRQ,
    RCU_SOFTIRQ,
    TASKLET_SOFTIRQ,
    VCPU_KICK_SOFTIRQ, /* does nothing: its IPI brings a running vCPU to the point where it sees its events */
    NR_SOFTIRQS
};

void softirq_open(unsigned nr, void (*handler)(void));
/* On this pCPU. */
void softirq_raise(unsigned nr);
/* On another pCPU: sends an IPI only if the bit was clear. On this one: the same as softirq_raise. */
void softirq_raise_on(pcpu_id c, unsigned nr);
bool softirq_pending(pcpu_id c);
/* Handle until none is pending. */
void softirq_run(void);
/* Should a long hypercall stop here? */
bool hypercall_preempt_check(void);

#endif
