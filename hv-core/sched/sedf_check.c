/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SEDF: invariants, and the debug key 'r'. Design: sedf.h. */
#include "sedf.h"

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "sedf: " #cond;                                                                                     \
    } while (0)

static const char *check_edf_queue(const struct list_head *queue, pcpu_id c, bool by_deadline)
{
    const struct list_head *pos;
    const struct sedf_unit *prev = NULL;

    list_for_each (pos, queue) {
        const struct sedf_unit *su = sedf_entry(pos);
        CHECK(pos->next->prev == pos);
        CHECK(pcpu_eq(su->unit->processor, c));
        CHECK(!prev || (by_deadline ? prev->deadline <= su->deadline : sedf_begin(prev) <= sedf_begin(su)));
        prev = su;
    }
    return NULL;
}

static const char *check_extraq(const struct list_head *queue, pcpu_id c, enum sedf_extraq q)
{
    const struct list_head *pos;
    const struct sedf_unit *prev = NULL;

    list_for_each (pos, queue) {
        const struct sedf_unit *su = sedf_extra_entry(pos, q);
        CHECK(pos->next->prev == pos);
        CHECK(pcpu_eq(su->unit->processor, c));
        CHECK(sedf_queued(su));
        CHECK(!prev || prev->score[q] <= su->score[q]);
        prev = su;
    }
    return NULL;
}

const char *sedf_check(struct scheduler *s, bool quiescent)
{
    const char *broken;
    pcpu_id c;

    if (!quiescent)
        return NULL;
    for_each_cpu (c, &s->pool->res) {
        const struct sedf_pcpu *p = sedf_pcpu_of(c);
        if ((broken = check_edf_queue(&p->runq, c, true)) || (broken = check_edf_queue(&p->waitq, c, false)) ||
            (broken = check_extraq(&p->extraq[SEDF_L0], c, SEDF_L0)) ||
            (broken = check_extraq(&p->extraq[SEDF_L1], c, SEDF_L1)))
            return broken;
    }
    return NULL;
}

const char *sedf_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent)
{
    const struct sedf_unit *su = sedf_unit_of(u);

    if (is_idle_unit(u)) {
        CHECK(!su);
        return NULL;
    }
    CHECK(su->unit == u);
    if (!quiescent)
        return NULL;
    bool current = sched_res(u->processor)->curr == u;
    CHECK(su->period >= SEDF_PERIOD_MIN && su->period <= SEDF_PERIOD_MAX);
    CHECK(su->slice >= 0 && su->slice <= su->period);
    CHECK(su->used >= 0 && su->lost >= 0);
    CHECK(!current || sedf_queued(su));
    CHECK(current || su->asleep == !sedf_queued(su));
    CHECK(current || !su->runs_extra);
    CHECK(!su->runs_extra || sedf_on_extraq(su, su->extra_from));
    CHECK(!sedf_on_extraq(su, SEDF_L0) || su->wants_l0);
    CHECK(!sedf_queued(su) || !su->extra_aware || sedf_on_extraq(su, SEDF_L1));
    CHECK(su->extra_aware || !sedf_on_extraq(su, SEDF_L1) || su->runs_extra);
    return NULL;
}

/* ---- debug key 'r' ---------------------------------------------------------------------------------------------- */

static void dump_unit(const struct sedf_unit *su)
{
    hv_printk("%u.%u has=%c p=%lld sl=%lld ddl=%lld w=%u c=%lld sc=%lld(%lld) xtr(%s)=%u lost=%lld\n",
              su->unit->domain->id.n, su->unit->id, su->unit->is_running ? 'T' : 'F', (long long)su->period,
              (long long)su->slice, (long long)su->deadline, su->weight, (long long)su->used,
              (long long)su->score[SEDF_L1], (long long)su->score[SEDF_L0], su->extra_aware ? "yes" : "no",
              su->extraweight, (long long)su->lost);
}

static void dump_edf_queue(const char *name, const struct list_head *queue)
{
    const struct list_head *pos;
    unsigned n = 0;

    hv_printk("\n%s\n", name);
    list_for_each (pos, queue) {
        hv_printk("%3u: ", n++);
        dump_unit(sedf_entry(pos));
    }
}

static void dump_extraq(const char *name, const struct list_head *queue, enum sedf_extraq q)
{
    const struct list_head *pos;
    unsigned n = 0;

    hv_printk("\n%s\n", name);
    list_for_each (pos, queue) {
        hv_printk("%3u: ", n++);
        dump_unit(sedf_extra_entry(pos, q));
    }
}

void sedf_dump_cpu(struct scheduler *s, pcpu_id c)
{
    struct hv_lock *lock = pcpu_schedule_lock(c);
    const struct sedf_pcpu *p = sedf_pcpu_of(c);

    hv_printk("now=%lld\n", (long long)port_now());
    dump_edf_queue("RUNQ", &p->runq);
    dump_edf_queue("WAITQ", &p->waitq);
    dump_extraq("EXTRAQ (penalty)", &p->extraq[SEDF_L0], SEDF_L0);
    dump_extraq("EXTRAQ (utilization)", &p->extraq[SEDF_L1], SEDF_L1);
    port_unlock(lock);
}

/* Those that are on no queue. */
void sedf_dump_settings(struct scheduler *s)
{
    const struct list_head *pos;
    const struct sched_unit *u;

    hv_printk("not on Q\n");
    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        if (d->cpupool != s->pool)
            continue;
        for_each_unit(d, u)
        {
            struct hv_lock *lock = unit_schedule_lock(u);
            if (!sedf_queued(sedf_unit_of(u)))
                dump_unit(sedf_unit_of(u));
            port_unlock(lock);
        }
    }
}
