// SPDX-License-Identifier: GPL-2.0-or-later
#include "action_log.hpp"
#include "../json.h"
#include <toolstack/control.h>

namespace sim
{

namespace
{

class line
{
  public:
    explicit line(FILE *f) : f_(f)
    {
        fputc('{', f_);
    }
    FILE *key(const char *name)
    {
        fputs(first_ ? "" : ", ", f_);
        first_ = false;
        json_write_string(f_, name);
        fputs(": ", f_);
        return f_;
    }
    void number(const char *name, long long v)
    {
        fprintf(key(name), "%lld", v);
    }
    void seconds(const char *name, time_ps t)
    {
        json_write_double(key(name), double(t) / 1e12);
    }
    void text(const char *name, const char *v)
    {
        if (v && *v)
            json_write_string(key(name), v);
        else
            fputs("null", key(name));
    }
    void boolean(const char *name, bool v)
    {
        fputs(v ? "true" : "false", key(name));
    }
    template <class T> void list(const char *name, const std::vector<T> &v)
    {
        key(name);
        const char *comma = "[";
        for (const T &x : v) {
            fprintf(f_, "%s%llu", comma, static_cast<unsigned long long>(x));
            comma = ", ";
        }
        fputs(v.empty() ? "[]" : "]", f_);
    }
    void end()
    {
        fputs("}\n", f_);
        fflush(f_);
    }

  private:
    FILE *f_;
    bool first_ = true;
};

std::vector<unsigned> members(const cpumask_t &m, unsigned nr)
{
    std::vector<unsigned> v;
    for (unsigned i = 0; i < nr; i++)
        if (m.w[i / 64] >> i % 64 & 1)
            v.push_back(i);
    return v;
}

std::vector<unsigned> members(nodemask_t m)
{
    std::vector<unsigned> v;
    for (unsigned i = 0; i < HV_MAX_NODES; i++)
        if (m.w >> i & 1)
            v.push_back(i);
    return v;
}

std::vector<uint64_t> free_pages(const host &h)
{
    std::vector<uint64_t> v;
    for (unsigned n = 0; n < h.scn.machine->nr_nodes; n++) {
        hv_sysctl op = {};
        op.cmd = XEN_SYSCTL_numainfo;
        op.u.numainfo.node = node_id{uint8_t(n)};
        v.push_back(h.hv->inspect(HYPERCALL_sysctl, &op) ? 0 : op.u.numainfo.memfree_bytes >> PAGE_SHIFT);
    }
    return v;
}

/// What the hypervisor itself has, and what of that never gets less.
void put_own_memory(line &l, const host &h)
{
    hv_own_memory own;
    h.hv->own_memory(&own);
    unsigned n = h.scn.machine->nr_nodes;
    l.list("xenheap_pages", std::vector<uint64_t>(own.xenheap, own.xenheap + n));
    l.list("timer_pages", std::vector<uint64_t>(own.timers, own.timers + n));
    l.number("shared_pages", static_cast<long long>(own.shared));
    l.number("object_bytes", static_cast<long long>(own.object_bytes));
}

/// The domain as it is now; affinity of its first vCPU.
void put_domain(line &l, const host &h, dom_id id)
{
    uint64_t pages[HV_MAX_NODES] = {};
    hv_domctl nodes = {}, pinned = {};
    nodes.cmd = XEN_DOMCTL_getnodeaffinity;
    pinned.cmd = XEN_DOMCTL_getvcpuaffinity;
    nodes.domid = pinned.domid = id;
    h.hv->domain_pages_per_node(h.hv->domain_by_id(id), pages);
    l.number("domid", id.n);
    l.list("pages_per_node", std::vector<uint64_t>(pages, pages + h.scn.machine->nr_nodes));
    if (!h.hv->inspect(HYPERCALL_domctl, &nodes))
        l.list("node_affinity", members(nodes.u.nodeaffinity.nodemap));
    if (!h.hv->inspect(HYPERCALL_domctl, &pinned)) {
        l.list("hard_affinity", members(pinned.u.vcpuaffinity.cpumap, h.scn.machine->nr_cpus));
        l.list("soft_affinity", members(pinned.u.vcpuaffinity.cpumap_soft, h.scn.machine->nr_cpus));
    }
}

/// What xl exits with. Of other commands than create: whether libxl refused.
int xl_status(const action_outcome &o)
{
    return o.action->what == DO_CREATE ? o.made.xl_status : o.rc < 0;
}

} // namespace

void action_log_write(host &h, const action_outcome &o)
{
    const scenario_action &a = *o.action;
    line l(h.opt.action_log);
    h.observing = true;
    l.number("number", o.number);
    l.text("do", a.verb);
    l.text("command", a.command);
    l.seconds("began", o.began_ps);
    l.seconds("ended", o.ended_ps);
    l.number("rc", o.rc);
    l.text("error", o.rc < 0 ? ts_errno_name(o.rc) : nullptr);
    l.text("message", o.message.c_str());
    l.number("xl_status", xl_status(o));
    if (a.what == DO_CREATE || a.what == DO_DESTROY)
        l.text("vm", h.scn.vm[a.vm - 1].cfg.name);
    if (a.what == DO_CREATE) {
        l.boolean("auto_placed", o.made.auto_placed);
        l.list("nodes_chosen", members(o.made.nodes));
        if (o.rc == 0)
            put_domain(l, h, o.made.domid);
    }
    if (a.what == DO_MEM_SET || a.what == DO_MEM_MAX) {
        l.text("vm", h.vms[a.vm]->name.c_str());
        if (o.rc == 0)
            put_domain(l, h, h.vms[a.vm]->id);
    }
    l.list("free_pages", free_pages(h));
    put_own_memory(l, h);
    l.end();
    h.observing = false;
}

} // namespace sim
