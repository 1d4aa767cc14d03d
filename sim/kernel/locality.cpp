// SPDX-License-Identifier: GPL-2.0-or-later
#include "locality.hpp"

#include <models/nested_walk.h>

namespace sim
{
namespace
{

/// The pCPUs of a domain's pool.
cpumask_t pool_cpus(host &h, dom_id id)
{
    hv_domctl info = {};
    info.cmd = XEN_DOMCTL_getdomaininfo;
    info.domid = id;
    hv_sysctl pool = {};
    pool.cmd = XEN_SYSCTL_cpupool_op;
    pool.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    if (!h.hv->inspect(HYPERCALL_domctl, &info)) {
        pool.u.cpupool_op.cpupool = info.u.getdomaininfo.cpupool;
        if (!h.hv->inspect(HYPERCALL_sysctl, &pool))
            return pool.u.cpupool_op.cpumap;
    }
    return {};
}

/// The nodes that a level with node affinity instead of soft affinity (4.3) prefers; else all.
nodemask_t preferred_nodes(host &h, dom_id id)
{
    hv_domctl op = {};
    op.cmd = XEN_DOMCTL_getnodeaffinity;
    op.domid = id;
    if (h.scn.level->quirk[HV_QUIRK_node_affinity_domain] && !h.hv->inspect(HYPERCALL_domctl, &op))
        return op.u.nodeaffinity.nodemap;
    return {~0ull};
}

/// A vCPU that runs on each of the pCPUs that it prefers for as long as on any other finds this part of its accesses on
/// its own node, of which share[n] go to node n.
double expected_of_vcpu(host &h, dom_id id, unsigned vcpu, const cpumask_t &pool, const double *share)
{
    const nodemask_t nodes = preferred_nodes(h, id);
    const machine &m = *h.scn.machine;
    hv_domctl op = {};
    op.cmd = XEN_DOMCTL_getvcpuaffinity;
    op.domid = id;
    op.u.vcpuaffinity.vcpu = vcpu_id{uint16_t(vcpu)};
    if (h.hv->inspect(HYPERCALL_domctl, &op))
        return 0;
    for (int soft = 1; soft >= 0; soft--) {
        unsigned cpus = 0;
        double local = 0;
        for (unsigned c = 0; c < m.nr_cpus; c++) {
            pcpu_id p{uint16_t(c)};
            if (!cpumask_test(&op.u.vcpuaffinity.cpumap, p) || !cpumask_test(&pool, p) ||
                (soft && (!cpumask_test(&op.u.vcpuaffinity.cpumap_soft, p) ||
                          !nodemask_test(nodes, node_id{uint8_t(m.cpu[c].node)}))))
                continue;
            cpus++;
            local += share[m.cpu[c].node];
        }
        if (cpus)
            return local / cpus;
    }
    return 0;
}

} // namespace

vm_memory look_at_memory(host &h, dom_id id)
{
    vm_memory out;
    const domain *d = id.n == DOM_INVALID.n ? nullptr : h.hv->domain_by_id(id);
    if (!d)
        return out;
    uint64_t total = 0;
    h.hv->domain_pages_per_node(d, out.pages);
    h.hv->domain_pages_by_size(d, out.by_size);
    /* Where they are, also where the hypervisor knows one node only. */
    if (scenario_arch(h.scn.machine) != HV_ARCH_x86_64)
        for (unsigned n = 0; n < HV_MAX_NODES; n++)
            out.pages[n] = out.by_size[n][0] + out.by_size[n][1] + out.by_size[n][2];
    for (uint64_t p : out.pages)
        total += p;
    if (d->type != HV_GUEST_PV) {
        double by_size[3] = {};
        for (const uint64_t *node : out.by_size)
            for (unsigned size = 0; size < 3; size++)
                by_size[size] += double(node[size]);
        out.nested_walk_ns = nested_walk_ns(h.scn.machine->page_walk_ns, by_size);
    }
    const cpumask_t pool = pool_cpus(h, id);
    // Each page as often as any other, but for a guest that sees its nodes.
    double even[HV_MAX_NODES] = {};
    for (unsigned n = 0; n < HV_MAX_NODES && total; n++)
        even[n] = double(out.pages[n]) / double(total);
    unsigned vcpus = 0;
    for (unsigned i = 0; total && i < d->max_vcpus; i++)
        if (d->vcpu[i]) {
            auto g = static_cast<const guest *>(d->vcpu[i]->guest);
            out.expected_local += expected_of_vcpu(h, id, i, pool, g && g->vm->sees_nodes ? g->task.node_share : even);
            vcpus++;
        }
    if (vcpus)
        out.expected_local /= vcpus;
    return out;
}

} // namespace sim
