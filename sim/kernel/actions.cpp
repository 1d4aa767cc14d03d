// SPDX-License-Identifier: GPL-2.0-or-later
//
// The scenario's [[action]]s: what dom0's operator does while the guests run.
#include "action_log.hpp"
#include "inject.hpp"
#include "settings.hpp"
#include "toolstack.hpp"
#include <algorithm>
#include <cinttypes>
#include <toolstack/control.h>

namespace sim
{

namespace
{

constexpr double ps_per_s = 1e12;

std::string seconds(time_ps t)
{
    char text[32];
    snprintf(text, sizeof text, "%.12g s", double(t) / ps_per_s);
    return text;
}

std::string error_name(long rc)
{
    const char *name = ts_errno_name(rc);
    return name ? name : "error " + std::to_string(rc < 0 ? -rc : rc);
}

} // namespace

void toolstack::perform_actions()
{
    time_ps start = guests_since_ = host_.room.now();
    ts_host h = xl();
    for (;;) {
        unsigned fault = 0;
        time_ps action = actions_done_ < host_.scn.nr_actions ? start + host_.scn.action[actions_done_].at_ps : never;
        time_ps strikes = host_.inject ? host_.inject->next_event(&fault) : never;
        time_ps back = absent_.empty() ? never : absent_.begin()->first;
        time_ps first = std::min({action, strikes, back});
        if (first == never)
            return;
        rest_until(first);
        retry_balloons(h);
        if (first == action) {
            perform(h, host_.scn.action[actions_done_], uint16_t(actions_done_ + 1));
            actions_done_++;
        } else if (first == strikes) {
            strike(h, fault);
        } else {
            come_back(h);
        }
    }
}

/// Xen's number of a pool that the scenario names; those that are made at the start have theirs in order.
unsigned &toolstack::pool_id(unsigned pool)
{
    while (pool_ids_.size() <= pool)
        pool_ids_.push_back(unsigned(pool_ids_.size()));
    return pool_ids_[pool];
}

const char *toolstack::pool_name(unsigned id) const
{
    const scenario &s = host_.scn;
    const char *name = id == 0 ? "Pool-0" : id <= s.nr_pools ? s.pool[id - 1].cfg.name : nullptr;
    for (unsigned i = 0; i < actions_done_; i++)
        if (s.action[i].what == DO_CPUPOOL_CREATE && s.action[i].pool < pool_ids_.size() &&
            pool_ids_[s.action[i].pool] == id)
            name = s.action[i].create.name;
    return name;
}

long toolstack::call(const ts_host &h, const scenario_action &a)
{
    const auto id = [&] { return host_.vms[a.vm]->id; };
    switch (a.what) {
    case DO_SCHED_DOMAIN:
        return ts_sched_set(&h, id(), &a.sched);
    case DO_SCHED_FRAME: {
        std::vector<hv_arinc653_entry> frame;
        for (unsigned i = 0; i < a.nr_slots; i++)
            frame.push_back({host_.vms[a.slot[i].vm]->id, vcpu_id{uint16_t(a.slot[i].vcpu)}, a.slot[i].runtime_ns});
        return ts_sched_set_frame(&h, pool_id(a.pool), a.major_frame_ns, a.nr_slots, frame.data());
    }
    case DO_SCHED_POOL:
        return ts_sched_set_pool(&h, pool_id(a.pool), &a.params);
    case DO_VCPU_PIN:
        return ts_vcpu_pin(&h, id(), a.vcpu, a.has_hard ? &a.hard : nullptr, a.has_soft ? &a.soft : nullptr);
    case DO_CPUPOOL_MIGRATE:
        return ts_cpupool_migrate(&h, id(), pool_id(a.pool));
    case DO_CPUPOOL_CPU_ADD:
        return ts_cpupool_cpu_add(&h, pool_id(a.pool), a.cpu);
    case DO_CPUPOOL_CPU_REMOVE:
        return ts_cpupool_cpu_remove(&h, pool_id(a.pool), a.cpu);
    case DO_CPUPOOL_CREATE:
        return ts_cpupool_make(&h, &a.create, &pool_id(a.pool));
    case DO_CPUPOOL_DESTROY:
        return ts_cpupool_destroy(&h, pool_id(a.pool));
    case DO_CPU_OFFLINE:
    case DO_CPU_ONLINE:
        return ts_cpu_hotplug(&h, a.cpu, a.what == DO_CPU_ONLINE);
    case DO_PAUSE:
        return ts_domain_pause(&h, id());
    case DO_UNPAUSE:
        return ts_domain_unpause(&h, id());
    case DO_CREATE:
        return create_vm(h, a);
    case DO_DESTROY:
        return destroy_vm(h, a);
    case DO_MEM_SET:
    case DO_MEM_MAX:
        return change_memory(h, a);
    case DO_SET_ASIDE:
        return set_aside(a);
    }
    return -HV_ENOSYS;
}

long toolstack::create_vm(const ts_host &h, const scenario_action &a)
{
    vm &v = *host_.vms[a.vm];
    const ts_domain_config &cfg = host_.scn.vm[a.vm - 1].cfg;
    int rc = ts_domain_create(&h, &cfg, &made_);
    if (rc)
        return rc;
    v.id = made_.domid;
    host_.attach_vm(v, 0, &cfg);
    return a.paused ? 0 : ts_domain_unpause(&h, v.id);
}

/// libxl pauses a domain before it destroys it.
long toolstack::destroy_vm(const ts_host &h, const scenario_action &a)
{
    vm &v = *host_.vms[a.vm];
    dom_id id = v.id;
    if (id.n == DOM_INVALID.n) {
        last_error_ = v.name + " is no domain";
        return -HV_ESRCH;
    }
    long rc = ts_domain_pause(&h, id);
    if (rc)
        return rc;
    host_.detach_vm(v);
    memory_.erase(a.vm);
    rc = ts_domain_destroy(&h, id);
    if (rc)
        host_.room.fail(EXIT_MODEL_PANIC, "domain " + v.name + " was paused and could not be destroyed");
    return 0;
}

/// As it was built, until something changes it; another domain of the same VM begins anew.
ts_memory &toolstack::memory_of(unsigned n)
{
    guest_memory &g = memory_[n];
    if (g.mem.max_kb == 0 || g.id.n != host_.vms[n]->id.n) {
        ts_domain_config dom0 = {};
        dom0.type = HV_GUEST_PV;
        dom0.memory_kb = host_.dom0_memory_kb;
        g = {host_.vms[n]->id, {}, false};
        ts_memory_of(n == 0 ? &dom0 : &host_.scn.vm[n - 1].cfg, &g.mem);
    }
    return g.mem;
}

/// The guest's driver follows its target at once. What it does not get it asks for again before the next action.
void toolstack::balloon(const ts_host &h, unsigned n)
{
    long missing = ts_balloon(&h, host_.vms[n]->id, &memory_of(n));
    memory_[n].missing = missing != 0;
    if (missing && host_.opt.console)
        fprintf(host_.opt.console, "(xl) %s: its balloon driver lacks %ld pages\n", host_.vms[n]->name.c_str(),
                missing);
}

void toolstack::retry_balloons(const ts_host &h)
{
    for (auto &[n, g] : memory_)
        if (g.missing && host_.vms[n]->id.n == g.id.n)
            balloon(h, n);
}

long toolstack::change_memory(const ts_host &h, const scenario_action &a)
{
    const vm &v = *host_.vms[a.vm];
    if (v.id.n == DOM_INVALID.n) {
        last_error_ = v.name + " is no domain";
        return -HV_ESRCH;
    }
    ts_memory &m = memory_of(a.vm);
    if (a.what == DO_MEM_MAX)
        return ts_mem_max(&h, v.id, &m, a.memory_kb);
    long rc = ts_mem_set(&h, v.id, &m, a.memory_kb);
    if (rc == 0)
        balloon(h, a.vm);
    return rc;
}

/// Zones first; then whatever the nodes have too many or too few. What cannot be does not keep the others from it.
long toolstack::set_aside(const scenario_action &a)
{
    std::vector<scenario_zone> want(a.zone, a.zone + a.nr_zones);
    for (unsigned n = 0; a.free_pages && n < host_.scn.machine->nr_nodes; n++)
        want.push_back({n, HV_ANY_ZONE, a.free_pages[n]});
    long first = 0;
    for (const scenario_zone &z : want) {
        hv_sysctl op = {};
        op.cmd = XEN_SYSCTL_set_aside;
        op.u.set_aside.node = node_id{uint8_t(z.node)};
        op.u.set_aside.zone = z.zone;
        op.u.set_aside.free_pages = z.free_pages;
        long rc = hypercall(HYPERCALL_sysctl, &op);
        if (rc && !first) {
            first = rc;
            last_error_ = "node " + std::to_string(z.node) + " cannot have " + std::to_string(z.free_pages) +
                          " pages free" + (z.zone == HV_ANY_ZONE ? "" : " in zone " + std::to_string(z.zone));
        }
    }
    return first;
}

/// Three marks in the trajectory: the settings before, the result, the settings after.
void toolstack::perform(const ts_host &h, const scenario_action &a, uint16_t number)
{
    if (host_.opt.console)
        fprintf(host_.opt.console, "(xl) [%s] %s\n", seconds(host_.room.now()).c_str(), a.command);
    uint64_t before = settings_digest(host_);
    host_.room.record(event_class::scenario, number, what::mark, before);
    last_error_.clear();
    made_ = {};
    time_ps began = host_.room.now();
    long rc = call(h, a);
    host_.room.record(event_class::scenario, number, what::mark, uint64_t(rc < 0 ? -rc : 0));
    uint64_t after = settings_digest(host_);
    host_.room.record(event_class::scenario, number, what::mark, after);
    if (host_.opt.action_log) {
        action_outcome o = {
            number, &a, rc, last_error_, made_, began - guests_since_, host_.room.now() - guests_since_};
        action_log_write(host_, o);
    }
    judge(a, rc, before != after);
}

void toolstack::judge(const scenario_action &a, long rc, bool changed)
{
    std::string who = std::string(a.where) + ": '" + a.command + "' at " + seconds(a.at_ps) + ": ";
    std::string why = error_name(rc) + ": " + last_error_;
    if (rc < 0 && changed)
        host_.room.fail(EXIT_MODEL_PANIC, who + "refused, and yet it has changed something: " + why);
    if (rc < 0 && !a.expect && !a.may_fail)
        host_.room.fail(EXIT_BAD_INPUT, who + "refused: " + why);
    if (a.expect && rc >= 0)
        host_.room.fail(EXIT_CHECK_FAILED, who + "done, but " + error_name(a.expect) + " was expected");
    if (a.expect && rc != -a.expect)
        host_.room.fail(EXIT_CHECK_FAILED, who + error_name(a.expect) + " was expected, not " + why);
}

} // namespace sim
