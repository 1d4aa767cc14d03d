// SPDX-License-Identifier: GPL-2.0-or-later
#include "settings.hpp"

namespace sim
{

namespace
{

/// FNV-1a over whole words: equal settings give equal numbers, and that is all that is asked of it.
class digest
{
  public:
    digest &add(uint64_t word)
    {
        value_ = (value_ ^ word) * 0x100000001b3ull;
        value_ ^= value_ >> 29;
        return *this;
    }
    digest &add(const cpumask_t &mask)
    {
        for (uint64_t w : mask.w)
            add(w);
        return *this;
    }
    uint64_t value() const
    {
        return value_;
    }

  private:
    uint64_t value_ = 0xcbf29ce484222325ull;
};

long ask(const hv_core *hv, hv_domctl &op, hv_domctl_cmd cmd, dom_id id)
{
    op.cmd = cmd;
    op.domid = id;
    return hv->inspect(HYPERCALL_domctl, &op);
}

long ask(const hv_core *hv, hv_sysctl &op, hv_sysctl_cmd cmd)
{
    op.cmd = cmd;
    return hv->inspect(HYPERCALL_sysctl, &op);
}

void add_vcpu(const hv_core *hv, digest &d, const vm &v, uint16_t n)
{
    hv_domctl params = {}, pinned = {};
    params.u.scheduler_op.by_vcpu = true;
    params.u.scheduler_op.vcpu = vcpu_id{n};
    const auto &p = params.u.scheduler_op;
    d.add(uint64_t(ask(hv, params, XEN_DOMCTL_scheduler_op, v.id))).add(p.period_us).add(p.budget_us).add(p.extratime);
    pinned.u.vcpuaffinity.vcpu = vcpu_id{n};
    d.add(uint64_t(ask(hv, pinned, XEN_DOMCTL_getvcpuaffinity, v.id)));
    d.add(pinned.u.vcpuaffinity.cpumap).add(pinned.u.vcpuaffinity.cpumap_soft);
}

void add_vm(const hv_core *hv, digest &d, const vm &v)
{
    hv_domctl info = {}, params = {}, nodes = {};
    ask(hv, info, XEN_DOMCTL_getdomaininfo, v.id);
    d.add(info.u.getdomaininfo.cpupool).add(info.u.getdomaininfo.paused);
    d.add(uint64_t(ask(hv, params, XEN_DOMCTL_scheduler_op, v.id)));
    const auto &p = params.u.scheduler_op;
    d.add(p.weight).add(p.cap).add(p.period_ns).add(p.slice_ns).add(p.latency_ns).add(p.extratime);
    ask(hv, nodes, XEN_DOMCTL_getnodeaffinity, v.id);
    d.add(nodes.u.nodeaffinity.nodemap.w);
    for (size_t n = 0; n < v.vcpus.size(); n++)
        add_vcpu(hv, d, v, uint16_t(n));
}

void add_pool(const hv_core *hv, digest &d, const hv_sysctl &info)
{
    const auto &pool = info.u.cpupool_op;
    d.add(pool.cpupool).add(pool.sched_id).add(pool.gran).add(pool.n_dom).add(pool.cpumap);
    hv_sysctl params = {};
    params.u.scheduler_op.cpupool = pool.cpupool;
    const auto &p = params.u.scheduler_op;
    d.add(uint64_t(ask(hv, params, XEN_SYSCTL_scheduler_op)));
    d.add(p.tslice_ms).add(p.ratelimit_us).add(p.migration_delay_us).add(uint64_t(p.major_frame));
    for (unsigned i = 0; i < p.nr_entries; i++)
        d.add(p.entry[i].domid.n).add(p.entry[i].vcpu.n).add(uint64_t(p.entry[i].runtime));
}

} // namespace

uint64_t settings_digest(host &h)
{
    digest d;
    h.observing = true;
    for (const auto &v : h.vms)
        if (v->id.n != DOM_INVALID.n)
            add_vm(h.hv, d, *v);
    for (unsigned next = 0;;) {
        hv_sysctl info = {};
        info.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
        info.u.cpupool_op.cpupool = next;
        if (ask(h.hv, info, XEN_SYSCTL_cpupool_op))
            break;
        add_pool(h.hv, d, info);
        next = info.u.cpupool_op.cpupool + 1;
    }
    hv_sysctl free = {};
    free.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    ask(h.hv, free, XEN_SYSCTL_cpupool_op);
    d.add(free.u.cpupool_op.cpumap);
    h.observing = false;
    return d.value();
}

} // namespace sim
