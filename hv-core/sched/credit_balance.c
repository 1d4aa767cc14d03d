/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credit: taking work from another pCPU's queue. Steps as in credit_place.c; in each, the nodes from our own on,
 * cyclically by number (distance plays no part), and in a node every pCPU that is not idle. A peer whose lock is taken
 * is passed over.
 */
#include "credit.h"

/* Schedule locks of both held. The vCPU, taken off the peer's queue, or NULL. */
static struct credit_unit *steal(struct credit_pool *p, pcpu_id peer, pcpu_id c, int32_t pri, enum affinity_step step)
{
    struct list_head *pos;
    struct credit_unit *found = NULL;
    uint32_t looked_at = 0;
    cpumask_t mask;
    s_time_t now = p->migration_delay ? port_now() : 0;

    if (cpu_runs_idle(peer))
        return NULL;
    list_for_each (pos, &credit_pcpu_of(peer)->runq) {
        struct credit_unit *cu = runq_entry(pos);
        struct sched_unit *u = cu->unit;
        looked_at++;
        if (cu->pri <= pri)
            break;
        BUG_ON(is_idle_unit(u));
        if (!credit_step_usable(u, step))
            continue;
        if (credit_flag_test(cu, CREDIT_YIELD)) /* never with credit_yield_served */
            continue;
        if (u->is_running || (p->migration_delay && now - u->last_run_time < p->migration_delay))
            continue;
        credit_step_mask(u, step, &mask);
        if (!cpumask_test(&mask, c))
            continue;
        credit_queue_remove(cu);
        sched_set_res(u, c);
        trace3(TRC_CSCHED_STOLEN_VCPU, peer.n, u->domain->id.n, u->id);
        found = cu;
        break;
    }
    port_count(PERFC_sched_runq_scan, looked_at);
    return found;
}

/* Does somebody wait on this pCPU besides idle? A hint: its lock is not held. */
static bool has_waiters(pcpu_id c)
{
    const struct list_head *runq = &credit_pcpu_of(c)->runq;
    const struct list_head *first = __atomic_load_n(&runq->next, __ATOMIC_RELAXED);
    return first != runq && first != &credit_unit_of(idle_unit_on_cpu(c))->runq_elem;
}

static void trace_check(pcpu_id peer, bool looked_into)
{
    if (!quirk(sched_trace_terse))
        trace2(TRC_CSCHED_STEAL_CHECK, peer.n, looked_into);
}

static struct credit_unit *steal_in_node(struct credit_pool *p, node_id n, pcpu_id c, int32_t pri,
                                         enum affinity_step step)
{
    cpumask_t workers;
    uint32_t looked_at = 0;
    struct credit_unit *found = NULL;

    cpumask_andnot(&workers, &p->sched->pool->res, &p->idlers);
    cpumask_and(&workers, &workers, node_to_cpumask(n));
    cpumask_clear(&workers, c);
    if (cpumask_empty(&workers))
        return NULL;

    pcpu_id first =
        quirk(credit_steal_from_first) ? cpumask_first(&workers) : cpumask_cycle(p->balance_bias[n.n], &workers);
    pcpu_id peer = first;
    do {
        looked_at++;
        if (quirk(credit_steal_from_first) || has_waiters(peer)) {
            struct hv_lock *lock = pcpu_schedule_trylock(peer);
            trace_check(peer, lock != NULL);
            if (lock) {
                found = steal(p, peer, c, pri, step);
                port_unlock(lock);
                if (found) {
                    p->balance_bias[n.n] = peer;
                    break;
                }
            }
        } else {
            trace_check(peer, false);
        }
        peer = cpumask_cycle(peer, &workers);
    } while (!pcpu_eq(peer, first));
    port_count(PERFC_sched_balance_peer, looked_at);
    return found;
}

struct credit_unit *credit_balance(struct credit_pool *p, pcpu_id c, struct credit_unit *next, s_time_t now,
                                   bool *stolen)
{
    struct credit_pcpu *cp = credit_pcpu_of(c);
    node_id own = cpu_to_node(c);
    bool scan = quirk(credit_no_lb_ratelimit) || now - cp->last_balance >= CREDIT_BALANCE_LIMIT;

    if (scan)
        cp->last_balance = now;
    for (enum affinity_step step = BALANCE_SOFT; scan && step < BALANCE_NR; step++) {
        node_id n = own;
        do {
            struct credit_unit *found = steal_in_node(p, n, c, next->pri, step);
            if (found) {
                *stolen = true;
                return found;
            }
            n = nodemask_cycle(n, hv_node_online);
        } while (!node_eq(n, own));
    }
    credit_queue_remove(next);
    return next;
}
