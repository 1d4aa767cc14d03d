/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credit: which pCPU. Pick decides where a vCPU that is being placed goes, tickle who is interrupted for a vCPU that
 * was queued. Both look within the soft (4.3: node) affinity first, if that makes a difference, then
 * within the hard affinity.
 */
#include "credit.h"

/* ---- the steps ----------------------------------------------------------------------------------------------------
 */

bool credit_step_usable(const struct sched_unit *u, enum affinity_step step)
{
    if (step == BALANCE_HARD)
        return true;
    if (!quirk(node_affinity_domain))
        return has_soft_affinity(u);
    const struct credit_dom *cd = credit_unit_of(u)->dom;
    return cd && !u->domain->auto_node_affinity && !cpumask_equal(&cd->node_cpus, &hv_cpu_online) &&
           cpumask_intersects(&cd->node_cpus, &u->hard);
}

void credit_step_mask(const struct sched_unit *u, enum affinity_step step, cpumask_t *mask)
{
    affinity_mask(u, quirk(node_affinity_domain) ? BALANCE_HARD : step, mask);
    if (step == BALANCE_SOFT && quirk(node_affinity_domain) &&
        cpumask_intersects(mask, &credit_unit_of(u)->dom->node_cpus))
        cpumask_and(mask, mask, &credit_unit_of(u)->dom->node_cpus);
}

void credit_set_node_affinity(struct scheduler *s, struct domain *d)
{
    struct credit_dom *cd = credit_dom_of(d);
    node_id n;

    if (!cd)
        return;
    cpumask_clear_all(&cd->node_cpus);
    for_each_node (n, d->node_affinity)
        cpumask_or(&cd->node_cpus, &cd->node_cpus, node_to_cpumask(n));
}

/* ---- pick ---------------------------------------------------------------------------------------------------------
 */

/* Nothing but idle waits on c. */
static bool queue_is_idle(pcpu_id c)
{
    struct list_head *runq = &credit_pcpu_of(c)->runq;
    return list_empty(runq) || runq_entry(runq->next)->pri == PRI_IDLE;
}

/*
 * One step: start from where v is, and move towards the core (same socket) or socket with more idle threads. Another
 * socket must be more than twice as idle. idle_bias makes the choice rotate within what won.
 */
static pcpu_id pick_in(struct credit_pool *p, pcpu_id cpu, const cpumask_t *allowed, const cpumask_t *idlers,
                       struct credit_pcpu **winner)
{
    cpumask_t left; /* idle pCPUs not considered yet */
    cpumask_t group;
    uint32_t looked_at = 1;

    cpumask_and(&left, allowed, idlers);
    if (!cpumask_empty(&left) && !cpumask_test(&left, cpu))
        cpu = cpumask_cycle(cpu, &left);
    cpumask_clear(&left, cpu);

    while (!cpumask_empty(&left)) {
        pcpu_id nxt = cpumask_cycle(cpu, &left);
        const cpumask_t *ours, *theirs;
        unsigned factor;
        looked_at++;
        if (cpumask_test(cpu_socket_mask(nxt), cpu)) {
            factor = 1;
            ours = cpu_sibling_mask(cpu);
            theirs = cpu_sibling_mask(nxt);
        } else {
            factor = 2;
            ours = cpu_socket_mask(cpu);
            theirs = cpu_socket_mask(nxt);
        }
        unsigned idle_here = cpumask_weight_and(idlers, ours);
        unsigned idle_there = cpumask_weight_and(idlers, theirs);
        bool better = p->smt_power_savings ? idle_here > idle_there : idle_here * factor < idle_there;
        cpumask_and(&group, idlers, theirs);
        if (better) {
            cpumask_and(&group, &group, &left);
            *winner = credit_pcpu_of(nxt);
            cpu = cpumask_cycle((*winner)->idle_bias, &group);
            cpumask_andnot(&left, &left, cpu_sibling_mask(cpu));
        } else {
            cpumask_andnot(&left, &left, &group);
        }
    }
    port_count(PERFC_sched_pick_cpu, looked_at);
    return cpu;
}

pcpu_id credit_pick(struct credit_pool *p, struct sched_unit *u, bool commit)
{
    const cpumask_t *online = &p->sched->pool->res;
    struct credit_pcpu *winner = NULL;
    cpumask_t allowed, idlers;
    pcpu_id cpu = u->processor;

    for (enum affinity_step step = BALANCE_SOFT; step < BALANCE_NR; step++) {
        if (!credit_step_usable(u, step))
            continue;
        credit_step_mask(u, step, &allowed);
        cpu = cpumask_test_or_cycle(u->processor, &allowed);
        ASSERT(pcpu_valid(cpu));

        /* We do not count against ourselves: where u runs alone counts as idle. */
        cpumask_and(&idlers, online, &p->idlers);
        if (pcpu_eq(u->processor, cpu) && queue_is_idle(cpu))
            cpumask_set(&idlers, cpu);
        cpu = pick_in(p, cpu, &allowed, &idlers, &winner);
        if (cpumask_test(&idlers, cpu))
            break;
    }
    if (commit && winner)
        winner->idle_bias = cpu;
    trace3(TRC_CSCHED_PICKED_CPU, u->domain->id.n, u->id, cpu.n);
    return cpu;
}

/* ---- tickle -------------------------------------------------------------------------------------------------------
 */

/* Where the last one that this pCPU tickled was, whatever that was about, in whatever pool. */
pcpu_id credit_last_tickled[HV_MAX_PCPUS];

/* Should cur be sent to one of the idle pCPUs, now that it is preempted and new cannot use any of them? */
static bool kick_away(const struct sched_unit *cur, const cpumask_t *idlers)
{
    if (quirk(credit_kick_always))
        return true;
    if (quirk(credit_kick_never))
        return false;
    return cpumask_intersects(&cur->hard, idlers);
}

static void tickle_cpu(struct credit_pool *p, pcpu_id c)
{
    trace1(TRC_CSCHED_TICKLE, c.n);
    port_count(PERFC_sched_tickle, 1);
    if (!quirk(credit_tickle_stale_idlers))
        cpumask_clear_atomic(&p->idlers, c);
    softirq_raise_on(c, SCHEDULE_SOFTIRQ);
}

/* The idle pCPUs that could be interrupted; at 4.3 those of no pool count as pool 0's. */
static void idle_cpus(const struct credit_pool *p, cpumask_t *out)
{
    if (quirk(credit_idlers_any_pool) && p->sched->pool->id == 0)
        cpumask_or(out, &p->idlers, &hv_cpupool_free);
    else
        cpumask_and(out, &p->idlers, &p->sched->pool->res);
}

/* Those of them that u may use. */
static void idle_cpus_for(const struct sched_unit *u, enum affinity_step step, const cpumask_t *idlers, cpumask_t *out)
{
    if (quirk(credit_idlers_any_pool) && step == BALANCE_HARD)
        cpumask_copy(out, &u->hard);
    else
        credit_step_mask(u, step, out);
    cpumask_and(out, out, idlers);
}

void credit_tickle(struct credit_pool *p, pcpu_id c, struct credit_unit *new)
{
    struct credit_unit *cur = credit_unit_of(curr_on_cpu(c));
    cpumask_t idlers, idle;
    idle_cpus(p, &idlers);
    bool no_idlers = cpumask_empty(&idlers), preempts = new->pri > cur->pri;

    /* An idle pCPU that is on its way to somebody else's vCPU is no better than a busy one. */
    bool own_is_free = cur->pri == PRI_IDLE && (quirk(credit_tickle_idle_twice) || cpumask_test(&idlers, c));
    if (own_is_free || (no_idlers && preempts)) {
        tickle_cpu(p, c);
        return;
    }
    if (no_idlers)
        return;
    for (enum affinity_step step = BALANCE_SOFT; step < BALANCE_NR; step++) {
        if (!credit_step_usable(new->unit, step))
            continue;
        idle_cpus_for(new->unit, step, &idlers, &idle);
        if (!cpumask_empty(&idle)) {
            if (p->tickle_one_idle) {
                pcpu_id *last = &credit_last_tickled[port_this_cpu().n];
                *last = cpumask_cycle(*last, &idle);
                tickle_cpu(p, *last);
            } else {
                pcpu_id i;
                for_each_cpu (i, &idle)
                    tickle_cpu(p, i);
            }
            return;
        }
        if (step == BALANCE_HARD && preempts) {
            if (cur->pri != PRI_IDLE && kick_away(cur->unit, &idlers))
                unit_set_migrating(cur->unit);
            tickle_cpu(p, c);
        }
    }
}

void credit_place_reset(void)
{
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++)
        credit_last_tickled[c] = pcpu(0);
}
