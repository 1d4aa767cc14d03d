/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a new vCPU starts, before the policy has seen it. 4.3: the least populated pCPU, by a rule of its own. Later:
 * the first of the pool's pCPUs in the domain's nodes, the next vCPU on the next; the policy then chooses anew
 * (insert_unit).
 */
#include "framework.h"

#include <hv/mm.h>

/* vCPUs that are not "down", per pCPU. NULL without memory: the caller then treats all pCPUs alike, as Xen does. */
static uint32_t *count_vcpus(void)
{
    uint32_t *count = hv_zalloc(hv_nr_cpus * sizeof(*count));
    struct list_head *pos;
    struct vcpu *v;
    unsigned i;

    if (!count)
        return NULL;
    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        for_each_vcpu(d, v, i)
        {
            if (!vcpu_flag_test(v, VPF_down))
                count[v->processor.n]++;
        }
    }
    return count;
}

/*
 * The least populated pCPU; ties go to the higher number. On a machine with SMT only the second thread of a core is
 * ever considered, and core 0 only through its second thread to begin with.
 */
static pcpu_id least_populated(const cpumask_t *online)
{
    uint32_t *count = count_vcpus();
    cpumask_t exclude;
    cpumask_copy(&exclude, cpu_sibling_mask(pcpu(0)));
    pcpu_id best = cpumask_first(&exclude), c = cpumask_next(best, &exclude);

    if (pcpu_valid(c))
        best = c;
    for_each_cpu (c, online) {
        const cpumask_t *siblings = cpu_sibling_mask(c);
        if (cpumask_test(&exclude, c))
            continue;
        if (pcpu_eq(c, cpumask_first(siblings)) && pcpu_valid(cpumask_next(c, siblings)))
            continue;
        cpumask_or(&exclude, &exclude, siblings);
        if (!count || count[c.n] <= count[best.n])
            best = c;
    }
    if (count)
        hv_free(count);
    return cpumask_test(online, best) ? best : cpumask_first(online);
}

/* The pool's pCPUs in the domain's nodes, or all of the pool's. */
static void home_of(const struct domain *d, cpumask_t *out)
{
    node_id n;
    cpumask_clear_all(out);
    for_each_node (n, d->node_affinity)
        cpumask_or(out, out, node_to_cpumask(n));
    cpumask_and(out, out, &d->cpupool->cpus);
    if (cpumask_empty(out))
        cpumask_copy(out, &d->cpupool->cpus);
}

pcpu_id sched_initial_cpu(const struct domain *d, unsigned n)
{
    cpumask_t home;

    if (quirk(initial_cpu_least_populated) && d->cpupool->id == 0)
        return n ? cpumask_cycle(d->vcpu[n - 1]->processor, &d->cpupool->cpus) : least_populated(&d->cpupool->cpus);
    home_of(d, &home);
    return n ? cpumask_cycle(d->vcpu[n - 1]->processor, &home) : cpumask_first(&home);
}
