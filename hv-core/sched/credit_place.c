/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credit: which pCPU. Pick decides where a vCPU that is being placed goes, tickle who is interrupted for a vCPU that
 * was queued. Both look within the node affinity first, if that makes a difference, then within the hard affinity.
 */
#include "credit.h"

/* ---- the steps ----------------------------------------------------------------------------------------------------
 */

bool credit_step_usable(const struct vcpu *v, enum credit_step step)
{
    const struct credit_dom *cd = credit_vcpu_of(v)->dom;

    if (step == STEP_CPU)
        return true;
    if (!cd || v->domain->auto_node_affinity || cpumask_equal(&cd->node_cpus, &hv_cpu_online) ||
        !cpumask_intersects(&cd->node_cpus, &v->hard_affinity))
        return false;
    /* Later levels: not either where the hard affinity is at least as narrow. */
    return quirk(node_affinity_domain) || !cpumask_subset(&v->hard_affinity, &cd->node_cpus);
}

void credit_step_mask(const struct vcpu *v, enum credit_step step, cpumask_t *mask)
{
    if (step == STEP_NODE) {
        cpumask_and(mask, &credit_vcpu_of(v)->dom->node_cpus, &v->hard_affinity);
        if (!cpumask_empty(mask))
            return;
    }
    cpumask_copy(mask, &v->hard_affinity);
}

void credit_set_node_affinity(struct domain *d)
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

pcpu_id credit_pick(struct credit_pool *p, struct vcpu *v, bool commit)
{
    struct credit_pcpu *winner = NULL;
    cpumask_t allowed, idlers;
    pcpu_id cpu = v->processor;

    for (enum credit_step step = STEP_NODE; step < STEP_NR; step++) {
        if (!credit_step_usable(v, step))
            continue;
        credit_step_mask(v, step, &allowed);
        cpumask_and(&allowed, &allowed, &hv_cpu_online);
        cpu = cpumask_test_or_cycle(v->processor, &allowed);
        ASSERT(pcpu_valid(cpu));

        /* We do not count against ourselves: where v runs alone counts as idle. */
        cpumask_and(&idlers, &hv_cpu_online, &p->idlers);
        if (pcpu_eq(v->processor, cpu) && queue_is_idle(cpu))
            cpumask_set(&idlers, cpu);
        cpu = pick_in(p, cpu, &allowed, &idlers, &winner);
        if (cpumask_test(&idlers, cpu))
            break;
    }
    if (commit && winner)
        winner->idle_bias = cpu;
    trace3(TRC_CSCHED_PICKED_CPU, v->domain->id.n, v->id.n, cpu.n);
    return cpu;
}

/* ---- tickle -------------------------------------------------------------------------------------------------------
 */

/* Should cur be sent to one of the idle pCPUs, now that it is preempted and new cannot use any of them? */
static bool kick_away(const struct credit_pool *p, const struct vcpu *cur)
{
    if (quirk(credit_kick_always))
        return true;
    if (quirk(credit_kick_never))
        return false;
    return cpumask_intersects(&cur->hard_affinity, &p->idlers);
}

/* Set out to be the idle pCPUs that new may use; false if there are none. */
static bool idlers_for(struct credit_pool *p, const struct vcpu *v, enum credit_step step, cpumask_t *out)
{
    credit_step_mask(v, step, out);
    cpumask_and(out, out, &p->idlers);
    return !cpumask_empty(out);
}

static void tickle_cpu(struct credit_pool *p, pcpu_id c)
{
    trace1(TRC_CSCHED_TICKLE, c.n);
    port_count(PERFC_sched_tickle, 1);
    if (!quirk(credit_tickle_stale_idlers))
        cpumask_clear_atomic(&p->idlers, c);
    softirq_raise_on(c, SCHEDULE_SOFTIRQ);
}

void credit_tickle(struct credit_pool *p, pcpu_id c, struct credit_vcpu *new)
{
    struct credit_vcpu *cur = credit_vcpu_of(curr_on_cpu(c));
    bool no_idlers = cpumask_empty(&p->idlers), preempts = new->pri > cur->pri;
    cpumask_t idle;

    if (cur->pri == PRI_IDLE || (no_idlers && preempts)) {
        tickle_cpu(p, c);
        return;
    }
    if (no_idlers)
        return;
    for (enum credit_step step = STEP_NODE; step < STEP_NR; step++) {
        if (!credit_step_usable(new->vcpu, step))
            continue;
        if (idlers_for(p, new->vcpu, step, &idle)) {
            if (p->tickle_one_idle) {
                struct credit_pcpu *self = credit_pcpu_of(port_this_cpu());
                self->last_tickled = cpumask_cycle(self->last_tickled, &idle);
                tickle_cpu(p, self->last_tickled);
            } else {
                pcpu_id i;
                for_each_cpu (i, &idle)
                    tickle_cpu(p, i);
            }
            return;
        }
        if (step == STEP_CPU && preempts) {
            if (kick_away(p, cur->vcpu))
                vcpu_flag_set(cur->vcpu, VPF_migrating);
            tickle_cpu(p, c);
        }
    }
}
