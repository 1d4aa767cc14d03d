/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vnuma=: nodes that the guest sees, each on one node of the host. What libxl does about them: it checks that the parts
 * make the whole, builds the memory of each from its node alone (builder.c), and afterwards lets each vCPU prefer the
 * pCPUs of its node. As every vnode names its node, there is nothing left for automatic placement to decide.
 */
#include "internal.h"

static int invalid(const struct ts_host *h, const struct ts_domain_config *cfg, const char *why, unsigned i)
{
    ts_log(h, TS_LOG_ERROR, "domain %s: vnuma: %s %u", cfg->name, why, i);
    return -HV_EINVAL;
}

static int check_parts(const struct ts_host *h, const struct ts_domain_config *cfg, const struct ts_topology *t)
{
    uint64_t kb = 0;
    for (unsigned i = 0; i < cfg->nr_vnodes; i++) {
        if (cfg->vnode[i].pnode >= t->nr_nodes)
            return invalid(h, cfg, "there is no node", cfg->vnode[i].pnode);
        if (!cfg->vnode[i].memory_kb || cfg->vnode[i].memory_kb % 4)
            return invalid(h, cfg, "memory must be a whole number of pages, and not nothing: vnode", i);
        kb += cfg->vnode[i].memory_kb;
    }
    if (kb != cfg->maxmem_kb) {
        ts_log(h, TS_LOG_ERROR, "domain %s: vnuma: the vnodes have %llu KiB, the domain has %llu KiB", cfg->name,
               (unsigned long long)kb, (unsigned long long)cfg->maxmem_kb);
        return -HV_EINVAL;
    }
    /* Populate on demand could not tell which node a page is to come from. */
    if (cfg->memory_kb != cfg->maxmem_kb) {
        ts_log(h, TS_LOG_ERROR, "domain %s: vnuma: memory must be all of maxmem", cfg->name);
        return -HV_EINVAL;
    }
    return 0;
}

static int check_distances(const struct ts_host *h, const struct ts_domain_config *cfg)
{
    for (unsigned i = 0; i < cfg->nr_vnodes; i++)
        for (unsigned j = 0; j < cfg->nr_vnodes; j++)
            if (cfg->vnode[i].distance[i] > cfg->vnode[i].distance[j]) {
                ts_log(h, TS_LOG_ERROR, "domain %s: vnuma: vnode %u is nearer to vnode %u than to itself", cfg->name, i,
                       j);
                return -HV_EINVAL;
            }
    return 0;
}

/* Whether the mask lies on the pCPUs of the vCPU's node; a vCPU without an entry of its own has nothing to say. */
static void warn_of_affinity(const struct ts_host *h, const struct ts_domain_config *cfg, const struct ts_topology *t,
                             const struct ts_cpulist *list, const char *kind)
{
    for (unsigned v = 0; list->set && v < cfg->maxvcpus; v++) {
        if (list->list_form && v >= list->nr)
            break;
        const cpumask_t *mask = list->list_form ? &list->mask[v] : &list->uni;
        const cpumask_t *node = &t->node_cpus[cfg->vnode[cfg->vcpu_vnode[v]].pnode];
        bool elsewhere = false, there = false;
        for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++) {
            elsewhere |= (mask->w[i] & ~node->w[i]) != 0;
            there |= (mask->w[i] & node->w[i]) != 0;
        }
        if (elsewhere || !there)
            ts_log(h, TS_LOG_WARNING, "domain %s: vCPU %u: its %s affinity does not match its vnode", cfg->name, v,
                   kind);
    }
}

int ts_vnuma_check(const struct ts_host *h, const struct ts_domain_config *cfg, const struct ts_topology *t,
                   const struct ts_cpulist *cpus, const struct ts_cpulist *cpus_soft)
{
    int rc = check_parts(h, cfg, t);
    for (unsigned v = 0; !rc && v < cfg->maxvcpus; v++)
        if (cfg->vcpu_vnode[v] >= cfg->nr_vnodes)
            rc = invalid(h, cfg, "of no vnode: vCPU", v);
    if (!rc)
        rc = check_distances(h, cfg);
    if (rc)
        return rc;
    warn_of_affinity(h, cfg, t, cpus, "hard");
    warn_of_affinity(h, cfg, t, cpus_soft, "soft");
    return 0;
}

int ts_vnuma_apply_soft(const struct ts_host *h, dom_id id, const struct ts_domain_config *cfg,
                        const struct ts_topology *t)
{
    int rc = 0;
    for (unsigned v = 0; v < cfg->maxvcpus && !rc; v++)
        rc = ts_cpus_apply_soft_one(h, id, v, &t->node_cpus[cfg->vnode[cfg->vcpu_vnode[v]].pnode]);
    return rc;
}
