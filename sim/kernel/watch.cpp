// SPDX-License-Identifier: GPL-2.0-or-later
#include "watch.hpp"
#include "inject.hpp"
#include "pcpu.hpp"
#include <cstring>

namespace sim
{

namespace
{

/// What the scheduler's rule does not know of: interrupts on their way, paths that are being executed. 200 us on
/// hardware; on a host whose timers are late, twenty times their mean lateness.
constexpr s_time_t slack_ns = 200000;
constexpr double late_timers = 20;

/// Looks of the watchdog a watchdog's time: a stall is named after 1 to 1.25 times that.
constexpr int64_t looks_per_watchdog = 4;

/// Between two looks of Xen's NMI watchdog.
constexpr time_ps nmi_period = 1'000'000'000'000;

s_time_t slack_of(const machine &m)
{
    double late = m.timer_latency_ns + m.timer_jitter_ns + (m.timer_late_fraction > 0 ? m.timer_late_mean_ns : 0);
    return slack_ns + s_time_t(late_timers * late) + m.clock_apart_ns;
}

std::string seconds(time_ps t)
{
    char text[32];
    snprintf(text, sizeof text, "%.6f s", double(t) / 1e12);
    return text;
}

} // namespace

watch::watch(host &h)
    : host_(h), slot_(h.room.add_slot(event_class::observer, 0, this)),
      nmi_slot_(h.room.add_slot(event_class::observer, 1, this)), slack_(slack_of(*h.scn.machine))
{
}

// ---- invariants ----------------------------------------------------------------------------------------------------

void watch::dump_run_queues()
{
    hv_sysctl op = {};
    op.cmd = XEN_SYSCTL_debug_keys;
    op.u.debug_keys.key = 'r';
    bool was = host_.observing;
    host_.observing = true;
    host_.console_copy = stderr;
    host_.hv->inspect(HYPERCALL_sysctl, &op);
    host_.console_copy = nullptr;
    host_.observing = was;
}

void watch::violated(const std::string &what)
{
    host_.observing = false;
    dump_run_queues();
    host_.room.fail(EXIT_MODEL_PANIC, "invariant violated at " + seconds(host_.room.now()) + ", event " +
                                          std::to_string(host_.room.events()) + ", pCPU " +
                                          std::to_string(host_.running ? host_.running->id() : 0) + ": " + what);
}

void watch::check()
{
    host_.observing = true;
    uint64_t memory = memory_operations();
    const char *broken = memory != memory_seen_ ? host_.hv->check() : host_.hv->check_sched();
    memory_seen_ = memory;
    if (!broken && !(host_.inject && host_.inject->excuses_idling()))
        broken = host_.hv->check_work_conserving(slack_ + (host_.inject ? host_.inject->lateness() / 1000 : 0));
    if (broken)
        violated(broken);
    note_idle_while_waiting();
    host_.observing = false;
}

/// What the memory manager has done so far: while it does nothing, nothing can have gone wrong there.
uint64_t watch::memory_operations() const
{
    uint64_t sum = 1;
    for (unsigned i :
         {PERFC_heap_alloc, PERFC_heap_free, PERFC_heap_split, PERFC_heap_merge, PERFC_page_assign, PERFC_p2m_set})
        sum += host_.perfc[i];
    return sum;
}

/// Credit2 promises nothing across its run queues; how much is lost there is for the metrics.
void watch::note_idle_while_waiting()
{
    if (last_check_ >= 0 && was_idle_while_waiting_)
        idle_while_waiting_ += host_.room.now() - last_check_;
    last_check_ = host_.room.now();
    was_idle_while_waiting_ = false;

    cpumask_t idle = {};
    bool any = false;
    for (const auto &c : host_.cpu)
        if (c->idles()) {
            idle.w[c->id() / 64] |= uint64_t(1) << c->id() % 64;
            any = true;
        }
    for (size_t i = 0; any && i < host_.guests.size(); i++) {
        const struct vcpu *v = host_.guests[i]->vcpu;
        hv_domctl op = {};
        if (v->runstate != RUNSTATE_runnable)
            continue;
        op.cmd = XEN_DOMCTL_getvcpuaffinity;
        op.domid = v->domain->id;
        op.u.vcpuaffinity.vcpu = v->id;
        if (host_.hv->inspect(HYPERCALL_domctl, &op))
            continue;
        hv_sysctl pool = {};
        pool.cmd = XEN_SYSCTL_cpupool_op;
        pool.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
        hv_domctl info = {};
        info.cmd = XEN_DOMCTL_getdomaininfo;
        info.domid = v->domain->id;
        if (host_.hv->inspect(HYPERCALL_domctl, &info))
            continue;
        pool.u.cpupool_op.cpupool = info.u.getdomaininfo.cpupool;
        if (host_.hv->inspect(HYPERCALL_sysctl, &pool))
            continue;
        for (unsigned k = 0; k < HV_CPUMASK_WORDS; k++)
            if (idle.w[k] & op.u.vcpuaffinity.cpumap.w[k] & pool.u.cpupool_op.cpumap.w[k])
                was_idle_while_waiting_ = true;
        if (was_idle_while_waiting_)
            return;
    }
}

// ---- stalls --------------------------------------------------------------------------------------------------------

void watch::guests_started()
{
    if (host_.scn.watchdog_ps)
        host_.room.cal.set(slot_, host_.room.now() + host_.scn.watchdog_ps / looks_per_watchdog);
    if (host_.scn.nmi_watchdog_ps)
        host_.room.cal.set(nmi_slot_, host_.room.now() + nmi_period);
}

process *watch::due(slot_id s)
{
    if (s == nmi_slot_) {
        look_for_stuck();
        host_.room.cal.set(nmi_slot_, host_.room.now() + nmi_period);
        return nullptr;
    }
    for (auto &g : host_.guests)
        look(*g);
    host_.room.cal.set(slot_, host_.room.now() + host_.scn.watchdog_ps / looks_per_watchdog);
    return nullptr;
}

void watch::look(guest &g)
{
    const struct vcpu *v = g.vcpu;
    s_time_t since = v->runstate == RUNSTATE_runnable ? v->runstate_entry : -1;
    if (g.waits_since != since) {
        g.waits_since = since;
        g.stall_reported = false;
    }
    if (since < 0)
        return;
    s_time_t waited = host_.room.now() / 1000 - since;
    if (!g.stall_reported && waited > host_.scn.watchdog_ps / 1000) {
        g.stall_reported = true;
        report_stall(g, waited);
    }
}

void watch::report_stall(const guest &g, s_time_t waited)
{
    const struct vcpu *v = g.vcpu;
    std::string name = "?";
    for (const auto &vm : host_.vms)
        if (vm->id.n == v->domain->id.n)
            name = vm->name;
    char text[256];
    snprintf(text, sizeof text,
             "stall at %s: vCPU %u of %s (d%uv%u) has been runnable for %.3f s and does not run; its pCPU is %u",
             seconds(host_.room.now()).c_str(), v->id.n, name.c_str(), v->domain->id.n, v->id.n, double(waited) / 1e9,
             v->processor.n);
    stalls_++;
    fprintf(stderr, "hvsim: %s\n", text);
    if (host_.opt.console)
        fprintf(host_.opt.console, "(hvsim) %s\n", text);
    dump_run_queues();
    if (host_.opt.watchdog_fatal)
        host_.room.fail(EXIT_CHECK_FAILED, text);
}

// ---- pCPUs that are stuck ------------------------------------------------------------------------------------------

std::string watch::what_it_does(const pcpu_module &c)
{
    const hv_lock *l = c.waits_for;
    if (l)
        return std::string("waits for lock '") + (l->name ? l->name : "unnamed") + "'";
    if (c.spins)
        return "spins until another one has done something";
    return c.dead() ? "is off" : c.masked_since() < 0 ? "is not in the hypervisor" : "is in the hypervisor";
}

/// Of several the one that has been stuck for the longest: the others wait for it, or for whom it waits for.
void watch::look_for_stuck()
{
    const pcpu_module *stuck = nullptr;
    for (const auto &c : host_.cpu)
        if (c->masked_since() >= 0 && (!stuck || c->masked_since() < stuck->masked_since()))
            stuck = c.get();
    if (!stuck || host_.room.now() - stuck->masked_since() <= host_.scn.nmi_watchdog_ps)
        return;
    std::string text = "Watchdog timer detects that CPU" + std::to_string(stuck->id()) + " is stuck! At " +
                       seconds(host_.room.now()) + " no interrupt has got through to it for " +
                       seconds(host_.room.now() - stuck->masked_since()) + "; it " + what_it_does(*stuck);
    if (const hv_lock *l = stuck->waits_for) {
        const auto &state = *static_cast<const lock_state *>(l->port);
        const pcpu_module &holder = *host_.cpu[state.held ? l->holder - 1u : state.last];
        text += ", which CPU" + std::to_string(holder.id()) + " holds (it " + what_it_does(holder) + "); in the queue:";
        for (const pcpu_module *w = state.head; w; w = w->lock_next)
            text += " " + std::to_string(w->id());
    }
    if (host_.opt.console)
        fprintf(host_.opt.console, "(XEN) %s\n", text.c_str());
    dump_run_queues();
    host_.room.fail(EXIT_MODEL_PANIC, text);
}

} // namespace sim
