/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasklets (hv/tasklet.h). Two bits a pCPU, as Xen's: "enqueued", there is work; "scheduled", the scheduler was told,
 * and gives the pCPU to idle.
 */
#include <hv/lib.h>
#include <hv/mask.h>
#include <hv/numa.h>
#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/tasklet.h>

enum { WORK_ENQUEUED = 1, WORK_SCHEDULED = 2 };

static struct {
    struct list_head queue;
    uint32_t work;
} __attribute__((aligned(64))) tasklets[HV_MAX_PCPUS];

static struct hv_lock tasklet_lock = HV_LOCK_INIT("tasklet");

void tasklets_init(void)
{
    tasklet_lock = (struct hv_lock)HV_LOCK_INIT("tasklet");
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++) {
        list_init(&tasklets[c].queue);
        tasklets[c].work = 0;
    }
}

void tasklet_init(struct tasklet *t, void (*fn)(void *), void *data)
{
    *t = (struct tasklet){.function = fn, .data = data};
    list_init(&t->link);
}

void tasklet_schedule_on(struct tasklet *t, pcpu_id c)
{
    port_lock(&tasklet_lock);
    if (!t->scheduled) {
        t->scheduled = true;
        list_add_tail(&t->link, &tasklets[c.n].queue);
        if (!(__atomic_fetch_or(&tasklets[c.n].work, WORK_ENQUEUED, __ATOMIC_SEQ_CST) & WORK_ENQUEUED))
            softirq_raise_on(c, SCHEDULE_SOFTIRQ);
    }
    port_unlock(&tasklet_lock);
}

void tasklets_leave(pcpu_id off, pcpu_id to)
{
    struct list_head *queue = &tasklets[off.n].queue;

    port_lock(&tasklet_lock);
    while (!list_empty(queue)) {
        struct tasklet *t = list_first(queue, struct tasklet, link);
        list_del_init(&t->link);
        list_add_tail(&t->link, &tasklets[to.n].queue);
        if (!(__atomic_fetch_or(&tasklets[to.n].work, WORK_ENQUEUED, __ATOMIC_SEQ_CST) & WORK_ENQUEUED))
            softirq_raise_on(to, SCHEDULE_SOFTIRQ);
    }
    __atomic_fetch_and(&tasklets[off.n].work, ~(uint32_t)WORK_ENQUEUED, __ATOMIC_SEQ_CST);
    port_unlock(&tasklet_lock);
}

bool tasklet_work_to_do(pcpu_id c)
{
    uint32_t *work = &tasklets[c.n].work, was = __atomic_load_n(work, __ATOMIC_SEQ_CST);

    if (was & WORK_ENQUEUED) {
        if (!(was & WORK_SCHEDULED))
            __atomic_fetch_or(work, WORK_SCHEDULED, __ATOMIC_SEQ_CST);
        return true;
    }
    if (was & WORK_SCHEDULED)
        __atomic_fetch_and(work, ~(uint32_t)WORK_SCHEDULED, __ATOMIC_SEQ_CST);
    return false;
}

bool tasklet_run(void)
{
    pcpu_id c = port_this_cpu();
    uint32_t both = WORK_ENQUEUED | WORK_SCHEDULED;

    if (__atomic_load_n(&tasklets[c.n].work, __ATOMIC_SEQ_CST) != both || !is_idle_vcpu(sched_current(c)))
        return false;
    port_lock(&tasklet_lock);
    struct list_head *queue = &tasklets[c.n].queue;
    if (!list_empty(queue)) {
        struct tasklet *t = list_first(queue, struct tasklet, link);
        list_del_init(&t->link);
        t->scheduled = false;
        port_unlock(&tasklet_lock);
        t->function(t->data);
        port_lock(&tasklet_lock);
    }
    if (list_empty(queue)) {
        __atomic_fetch_and(&tasklets[c.n].work, ~(uint32_t)WORK_ENQUEUED, __ATOMIC_SEQ_CST);
        softirq_raise(SCHEDULE_SOFTIRQ);
    }
    port_unlock(&tasklet_lock);
    return true;
}
