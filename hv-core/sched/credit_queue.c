/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit: the queue of a pCPU. */
#include "credit.h"

/*
 * Before the first that is strictly lower. Who yielded lets one such vCPU pass, if it is not idle; the next sort
 * repairs the order.
 */
void credit_queue_insert(pcpu_id c, struct credit_unit *cu)
{
    struct list_head *runq = &credit_pcpu_of(c)->runq, *pos;
    uint32_t looked_at = 0;

    ASSERT(!credit_queued(cu));
    ASSERT(pcpu_eq(cu->unit->processor, c));
    list_for_each (pos, runq) {
        looked_at++;
        if (cu->pri > runq_entry(pos)->pri)
            break;
    }
    if (credit_flag_test(cu, CREDIT_YIELD) && pos != runq && runq_entry(pos)->pri > PRI_IDLE)
        pos = pos->next;
    list_add_tail(&cu->runq_elem, pos);
    port_count(PERFC_sched_runq_scan, looked_at);
}

void credit_queue_remove(struct credit_unit *cu)
{
    ASSERT(credit_queued(cu));
    list_del_init(&cu->runq_elem);
    if (!quirk(credit_yield_served))
        credit_flag_clear(cu, CREDIT_YIELD);
}

/* Stable, one pass: each of UNDER and up that does not follow the last such one directly moves right behind it. */
void credit_queue_sort(struct credit_pool *p, pcpu_id c)
{
    struct credit_pcpu *cp = credit_pcpu_of(c);
    uint32_t epoch = __atomic_load_n(&p->epoch, __ATOMIC_RELAXED), looked_at = 0;

    if (epoch == cp->sorted)
        return;
    cp->sorted = epoch;

    struct hv_lock *lock = pcpu_schedule_lock(c);
    struct list_head *last = &cp->runq, *pos, *next;
    list_for_each_safe (pos, next, &cp->runq) {
        looked_at++;
        if (runq_entry(pos)->pri < PRI_UNDER)
            continue;
        if (pos->prev != last) {
            list_del_init(pos);
            list_add(pos, last);
        }
        last = pos;
    }
    port_count(PERFC_sched_runq_scan, looked_at);
    port_unlock(lock);
}
