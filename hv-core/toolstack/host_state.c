/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host looks like, asked for hypercall by hypercall: the state may change between two of them, as for libxl.
 */
#include "internal.h"
#include <string.h>

int ts_read_nr_cpus(const struct ts_host *h, unsigned *nr_cpus, unsigned *nr_nodes)
{
    struct hv_sysctl op = {0};
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_physinfo);
    if (rc < 0)
        return (int)rc;
    *nr_cpus = op.u.physinfo.nr_cpus;
    *nr_nodes = op.u.physinfo.max_node_id + 1;
    if (*nr_cpus == 0 || *nr_cpus > HV_MAX_PCPUS || *nr_nodes > HV_MAX_NODES)
        return -HV_EINVAL;
    return 0;
}

int ts_read_topology(const struct ts_host *h, struct ts_topology *t)
{
    memset(t, 0, sizeof *t);
    int err = ts_read_nr_cpus(h, &t->nr_cpus, &t->nr_nodes);
    if (err)
        return err;
    for (unsigned c = 0; c < t->nr_cpus; c++) {
        struct hv_sysctl op = {0};
        op.u.topologyinfo.cpu = pcpu(c);
        long rc = ts_sysctl(h, &op, XEN_SYSCTL_topologyinfo);
        if (rc < 0)
            return (int)rc;
        t->cpu_node[c] = op.u.topologyinfo.node;
        if (node_valid(t->cpu_node[c]))
            cpumask_set(&t->node_cpus[t->cpu_node[c].n], pcpu(c));
    }
    return 0;
}

static unsigned mask_weight(const cpumask_t *m)
{
    unsigned n = 0;
    for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
        n += (unsigned)__builtin_popcountll(m->w[i]);
    return n;
}

static bool masks_meet(const cpumask_t *a, const cpumask_t *b, const cpumask_t *c)
{
    for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
        if (a->w[i] & b->w[i] & c->w[i])
            return true;
    return false;
}

/* Those of the pCPUs that the new domain can have on which this one can run: they are of its pool too. */
static int common_cpus(const struct ts_host *h, const struct hv_domctl *info, const cpumask_t *suitable, cpumask_t *out)
{
    *out = *suitable;
    if (h->level->quirk[HV_QUIRK_placement_foreign_pools])
        return 0;
    cpumask_t pool;
    int rc = ts_read_pool(h, info->u.getdomaininfo.cpupool, &pool);
    for (unsigned i = 0; !rc && i < HV_CPUMASK_WORDS; i++)
        out->w[i] &= pool.w[i];
    return rc;
}

/* One vCPU counts once on every node where it may run and where its domain has node affinity. */
static int count_vcpus(const struct ts_host *h, const struct ts_topology *t, const struct hv_domctl *info,
                       const cpumask_t *suitable, struct ts_placement_node *nodes)
{
    struct hv_domctl na = {0};
    dom_id id = info->domid;
    unsigned nr_vcpus = info->u.getdomaininfo.max_vcpu_id + 1u;
    cpumask_t cpus;
    int err = common_cpus(h, info, suitable, &cpus);
    if (err)
        return err;
    long rc = ts_domctl(h, &na, XEN_DOMCTL_getnodeaffinity, id);
    if (rc < 0)
        return (int)rc;
    for (unsigned i = 0; i < nr_vcpus; i++) {
        struct hv_domctl va = {0};
        va.u.vcpuaffinity.vcpu = vcpu_n(i);
        rc = ts_domctl(h, &va, XEN_DOMCTL_getvcpuaffinity, id);
        if (rc == -HV_ESRCH || rc == -HV_EINVAL) /* never created, or the domain has no vCPUs yet */
            continue;
        if (rc < 0)
            return (int)rc;
        for (unsigned n = 0; n < t->nr_nodes; n++)
            if (nodemask_test(na.u.nodeaffinity.nodemap, node(n)) &&
                masks_meet(&va.u.vcpuaffinity.cpumap, &t->node_cpus[n], &cpus))
                nodes[n].vcpus_on++;
    }
    return 0;
}

static int count_domains(const struct ts_host *h, const struct ts_topology *t, dom_id self, const cpumask_t *suitable,
                         struct ts_placement_node *nodes)
{
    for (unsigned next = 0; next < DOM_FIRST_RESERVED;) {
        struct hv_domctl info = {0};
        long rc = ts_domctl(h, &info, XEN_DOMCTL_getdomaininfo, dom(next));
        if (rc == -HV_ESRCH)
            return 0; /* none from here on */
        if (rc < 0)
            return (int)rc;
        if (info.domid.n < next)
            return -HV_EFAULT; /* it must report an id from the one asked for upwards */
        next = info.domid.n + 1u;
        if (dom_eq(info.domid, self) && !h->level->quirk[HV_QUIRK_placement_count_self])
            continue;
        int err = count_vcpus(h, t, &info, suitable, nodes);
        if (err == -HV_ESRCH || err == -HV_ENOENT) /* it, or its pool, was destroyed since */
            continue;
        if (err)
            return err;
    }
    return 0;
}

int ts_read_pool(const struct ts_host *h, unsigned pool, cpumask_t *cpus)
{
    struct hv_sysctl op = {0};
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    op.u.cpupool_op.cpupool = pool;
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_cpupool_op);
    if (rc < 0)
        return (int)rc;
    if (op.u.cpupool_op.cpupool != pool)
        return -HV_ENOENT;
    *cpus = op.u.cpupool_op.cpumap;
    return 0;
}

static unsigned masks_common(const cpumask_t *a, const cpumask_t *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
        n += (unsigned)__builtin_popcountll(a->w[i] & b->w[i]);
    return n;
}

int ts_read_placement_state(const struct ts_host *h, const struct ts_topology *t, dom_id self, const cpumask_t *pool,
                            struct ts_placement_node *nodes)
{
    memset(nodes, 0, t->nr_nodes * sizeof nodes[0]);
    for (unsigned n = 0; n < t->nr_nodes; n++) {
        struct hv_sysctl op = {0};
        op.u.numainfo.node = node(n);
        long rc = ts_sysctl(h, &op, XEN_SYSCTL_numainfo);
        if (rc < 0)
            return (int)rc;
        /* What is claimed there is as good as taken. */
        uint64_t bytes = op.u.numainfo.memfree_bytes, claimed = op.u.numainfo.claimed_bytes;
        nodes[n].free_kb = op.u.numainfo.online && bytes > claimed ? (bytes - claimed) / 1024 : 0;
        nodes[n].nr_cpus = mask_weight(&t->node_cpus[n]);
        nodes[n].suitable = masks_common(&t->node_cpus[n], pool);
    }
    return count_domains(h, t, self, pool, nodes);
}
