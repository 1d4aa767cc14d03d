/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SEDF: the queues of a pCPU. Design: sedf.h. */
#include "sedf.h"

/* ---- runq and waitq --------------------------------------------------------------------------------------------- */

static void add_sorted(struct list_head *queue, struct sedf_unit *su, bool by_deadline)
{
    s_time_t key = by_deadline ? su->deadline : sedf_begin(su);
    struct list_head *pos;
    uint32_t looked_at = 0;

    ASSERT(!sedf_queued(su));
    list_for_each (pos, queue) {
        const struct sedf_unit *other = sedf_entry(pos);
        looked_at++;
        if ((by_deadline ? other->deadline : sedf_begin(other)) > key)
            break;
    }
    list_add_tail(&su->elem, pos);
    port_count(PERFC_sched_runq_scan, looked_at);
}

void sedf_enqueue(struct sedf_unit *su, s_time_t now)
{
    struct sedf_pcpu *p = sedf_pcpu_of(su->unit->processor);

    if (sedf_begin(su) > now)
        add_sorted(&p->waitq, su, false);
    else
        add_sorted(&p->runq, su, true);
}

void sedf_dequeue(struct sedf_unit *su)
{
    list_del_init(&su->elem);
    sedf_pcpu_of(su->unit->processor)->left++;
}

/* ---- extra time ------------------------------------------------------------------------------------------------- */

void sedf_extraq_add(struct sedf_unit *su, enum sedf_extraq q, int64_t sub)
{
    struct list_head *queue = &sedf_pcpu_of(su->unit->processor)->extraq[q], *pos, *at = queue;
    uint32_t looked_at = 0;

    ASSERT(!sedf_on_extraq(su, q));
    list_for_each (pos, queue) {
        struct sedf_unit *other = sedf_extra_entry(pos, q);
        looked_at++;
        other->score[q] -= sub;
        if (at == queue && su->score[q] < other->score[q])
            at = pos;
        if (at != queue && !sub)
            break;
    }
    list_add_tail(&su->extra[q], at);
    port_count(PERFC_sched_runq_scan, looked_at);
}

void sedf_extraq_del(struct sedf_unit *su, enum sedf_extraq q)
{
    list_del_init(&su->extra[q]);
}

void sedf_leave_queues(struct sedf_unit *su)
{
    sedf_dequeue(su);
    sedf_extraq_del(su, SEDF_L0);
    sedf_extraq_del(su, SEDF_L1);
}

/* ---- time passes ------------------------------------------------------------------------------------------------ */

/* The unit has no slice: it waits for a period that begins in the future. */
static void skip_to_next_period(struct sedf_unit *su, s_time_t now)
{
    su->deadline += su->period;
    if (sedf_begin(su) <= now)
        su->deadline += ((now - sedf_begin(su)) / su->period + 1) * su->period;
}

/* The unit missed its deadline, or its slice was made shorter than what it has used: a fresh slice. */
static void catch_up(struct sedf_unit *su, s_time_t now)
{
    su->deadline += su->period;
    if (su->deadline < now)
        su->deadline += DIV_ROUND_UP(now - su->deadline, su->period) * su->period;
    su->used = 0;
}

void sedf_update_queues(struct sedf_pcpu *p, s_time_t now)
{
    uint32_t looked_at = 0;

    while (!list_empty(&p->waitq)) {
        struct sedf_unit *su = sedf_entry(p->waitq.next);
        looked_at++;
        if (sedf_begin(su) > now)
            break;
        sedf_dequeue(su);
        add_sorted(&p->runq, su, true);
    }
    /* Each is put right once: afterwards its deadline is not in the past, and it waits or has a slice. */
    while (!list_empty(&p->runq)) {
        struct sedf_unit *su = sedf_entry(p->runq.next);
        looked_at++;
        if (su->slice && su->deadline >= now && su->used < su->slice)
            break;
        sedf_dequeue(su);
        if (su->slice)
            catch_up(su, now);
        else
            skip_to_next_period(su, now);
        sedf_enqueue(su, now);
    }
    port_count(PERFC_sched_runq_scan, looked_at);
}
