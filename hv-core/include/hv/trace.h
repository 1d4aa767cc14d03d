/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trace event ids (the numbers of Xen's public trace interface) and one-line emitters. */
#ifndef HV_TRACE_H
#define HV_TRACE_H

#include <hv/domain.h>

#define TRC_SCHED_RUNSTATE_CHANGE 0x21001u /* + (old << 8) + (new << 4) */
#define TRC_SCHED_CONTINUE_RUNNING 0x21002u
#define TRC_SCHED_DOM_ADD 0x28001u
#define TRC_SCHED_DOM_REM 0x28002u
#define TRC_SCHED_SLEEP 0x28003u
#define TRC_SCHED_WAKE 0x28004u
#define TRC_SCHED_YIELD 0x28005u
#define TRC_SCHED_BLOCK 0x28006u
#define TRC_SCHED_SWITCH 0x2800au
#define TRC_SCHED_SWITCH_INFPREV 0x2800eu
#define TRC_SCHED_SWITCH_INFNEXT 0x2800fu
#define TRC_SCHED_SWITCH_INFCONT 0x28011u
#define TRC_CSCHED_TASKLET 0x22001u
#define TRC_CSCHED_ACCOUNT_START 0x22002u
#define TRC_CSCHED_ACCOUNT_STOP 0x22003u
#define TRC_CSCHED_STOLEN_VCPU 0x22004u
#define TRC_CSCHED_PICKED_CPU 0x22005u
#define TRC_CSCHED_TICKLE 0x22006u
#define TRC_CSCHED_BOOST_START 0x22007u
#define TRC_CSCHED_BOOST_END 0x22008u
#define TRC_CSCHED_SCHEDULE 0x22009u
#define TRC_CSCHED_RATELIMIT 0x2200au
#define TRC_CSCHED_STEAL_CHECK 0x2200bu
#define TRC_RTDS_TICKLE 0x22801u
#define TRC_RTDS_RUNQ_PICK 0x22802u
#define TRC_RTDS_BUDGET_BURN 0x22803u
#define TRC_RTDS_BUDGET_REPLENISH 0x22804u
#define TRC_RTDS_SCHED_TASKLET 0x22805u
#define TRC_RTDS_SCHEDULE 0x22806u
#define TRC_SNULL_PICKED_CPU 0x22a01u
#define TRC_SNULL_UNIT_ASSIGN 0x22a02u
#define TRC_SNULL_UNIT_DEASSIGN 0x22a03u
#define TRC_SNULL_MIGRATE 0x22a04u
#define TRC_SNULL_SCHEDULE 0x22a05u
#define TRC_SNULL_TASKLET 0x22a06u
#define TRC_CSCHED2_RUNQ_POS 0x22202u
#define TRC_CSCHED2_CREDIT_BURN 0x22203u
#define TRC_CSCHED2_TICKLE_CHECK 0x22205u
#define TRC_CSCHED2_TICKLE 0x22206u
#define TRC_CSCHED2_CREDIT_RESET 0x22207u
#define TRC_CSCHED2_SCHED_TASKLET 0x22208u
#define TRC_CSCHED2_UPDATE_LOAD 0x22209u
#define TRC_CSCHED2_RUNQ_ASSIGN 0x2220au
#define TRC_CSCHED2_UPDATE_UNIT_LOAD 0x2220bu
#define TRC_CSCHED2_UPDATE_RUNQ_LOAD 0x2220cu
#define TRC_CSCHED2_TICKLE_NEW 0x2220du
#define TRC_CSCHED2_RUNQ_MAX_WEIGHT 0x2220eu
#define TRC_CSCHED2_MIGRATE 0x2220fu
#define TRC_CSCHED2_LOAD_CHECK 0x22210u
#define TRC_CSCHED2_LOAD_BALANCE 0x22211u
#define TRC_CSCHED2_PICKED_CPU 0x22213u
#define TRC_CSCHED2_RUNQ_CANDIDATE 0x22214u
#define TRC_CSCHED2_SCHEDULE 0x22215u
#define TRC_CSCHED2_RATELIMIT 0x22216u
#define TRC_CSCHED2_RUNQ_CAND_CHECK 0x22217u
#define TRC_MEM_DECREASE_RESERVATION 0x10f005u
#define TRC_MEM_POD_POPULATE 0x10f010u
#define TRC_MEM_POD_ZERO_RECLAIM 0x10f011u
#define TRC_MEM_POD_SUPERPAGE_SPLINTER 0x10f012u

/* One word: vcpu in bits 0..15, domain in bits 16..31. */
static inline uint32_t trace_v(const struct vcpu *v)
{
    return ((uint32_t)v->domain->id.n << 16) | v->id.n;
}
static inline void trace_none(uint32_t ev)
{
    port_trace(ev, 0, NULL);
}
static inline void trace1(uint32_t ev, uint32_t a)
{
    port_trace(ev, 1, &a);
}
static inline void trace2(uint32_t ev, uint32_t a, uint32_t b)
{
    const uint32_t w[] = {a, b};
    port_trace(ev, 2, w);
}
static inline void trace3(uint32_t ev, uint32_t a, uint32_t b, uint32_t c)
{
    const uint32_t w[] = {a, b, c};
    port_trace(ev, 3, w);
}
static inline void trace4(uint32_t ev, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    const uint32_t w[] = {a, b, c, d};
    port_trace(ev, 4, w);
}

/*
 * Records of memory: guest frame, then domain and order as two halves of a word, then the padding that Xen's struct has
 * (until 4.18). The second has the machine frame too.
 */
static inline void trace_mem(uint32_t ev, const struct domain *d, uint64_t g, unsigned order)
{
    trace4(ev, (uint32_t)g, (uint32_t)(g >> 32), d->id.n | (uint32_t)order << 16, 0);
}
static inline void trace_mem_frame(uint32_t ev, const struct domain *d, uint64_t g, uint64_t f, unsigned order)
{
    const uint32_t w[] = {
        (uint32_t)g, (uint32_t)(g >> 32), (uint32_t)f, (uint32_t)(f >> 32), d->id.n | (uint32_t)order << 16, 0};
    port_trace(ev, 6, w);
}

#endif
