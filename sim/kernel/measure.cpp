// SPDX-License-Identifier: GPL-2.0-or-later
#include "measure.hpp"
#include "inject.hpp"
#include "pcpu.hpp"
#include "show.hpp"
#include "toolstack.hpp"
#include "watch.hpp"
#include <chrono>

namespace sim
{

namespace
{

/// Utilisations are averaged over this many points of the window; progress is reported as often.
constexpr unsigned samples_per_window = 100;

const char *const perfc_names[PERFC_NR] = {
    "softirq",           "schedule",        "context_switch", "sched_wake",      "sched_tick",
    "sched_acct_domain", "sched_acct_vcpu", "sched_pick_cpu", "sched_runq_scan", "sched_balance_peer",
    "sched_tickle",      "timer_op",        "hypercall",      "evtchn_send",     "heap_alloc",
    "heap_free",         "heap_split",      "heap_merge",     "page_assign",     "p2m_set",
};

void write_timer_wakes(metrics &out, const timer_wakes &t, const char *name)
{
    metrics_add(&out, "vm.timer_wakes", double(t.count), "vm", name, NULL);
    for (unsigned b = 0; b < TIMER_WAKES_BOUNDS; b++)
        metrics_add(&out, timer_wakes_bound[b].metric, double(t.below[b]), "vm", name, NULL);
    metrics_add(&out, "vm.timer_latency_mean", double(t.sum) / double(t.count) / 1e9, "vm", name, NULL);
    metrics_add(&out, "vm.timer_latency_max", double(t.max) / 1e9, "vm", name, NULL);
}

double seconds(time_ps t)
{
    return double(t) / 1e12;
}

} // namespace

measure::measure(host &h) : host_(h), slot_(h.room.add_slot(event_class::scenario, 0, this))
{
    mem_util_.assign(h.scn.machine->nr_nodes, 0.0);
    link_util_.assign(size_t(h.scn.machine->nr_sockets) * h.scn.machine->nr_sockets, 0.0);
}

void measure::guests_started()
{
    phase_ = phase::warmup;
    host_.watch->guests_started();
    host_.show->guests_started();
    if (host_.inject)
        host_.inject->guests_started();
    host_.room.cal.set(slot_, host_.room.now() + host_.scn.warmup_ps);
}

process *measure::due(slot_id)
{
    time_ps step = host_.scn.duration_ps / samples_per_window;
    if (phase_ == phase::warmup) {
        phase_ = phase::window;
        take(begin_);
        begin_window();
        host_.measuring = true;
        host_.room.record(event_class::scenario, 0, what::mark, 1);
    } else {
        utilisation_sample();
        ticks_++;
    }
    if (host_.opt.on_progress)
        host_.opt.on_progress(host_.opt.ctx, double(ticks_) / samples_per_window);
    if (ticks_ == samples_per_window) {
        take(end_);
        end_window();
        complete_ = true;
        host_.room.record(event_class::scenario, 0, what::mark, 2);
        host_.room.stop();
    }
    time_ps next = ticks_ + 1 == samples_per_window ? begin_.at + host_.scn.duration_ps : host_.room.now() + step;
    host_.room.cal.set(slot_, next);
    return nullptr;
}

void measure::begin_window()
{
    // Sums that begin with the window: a part of a whole is then never above it by a rounding error.
    for (auto &g : host_.guests)
        g->count = {};
    host_.observing = true;
    for (auto &v : host_.vms) {
        if (v->vcpus.empty()) // one that is over has done nothing in the window
            for (vcpu_sample &s : v->after)
                s.count = {};
        v->before = v->vcpus.empty() ? v->after : host_.sample_vcpus(*v);
    }
    host_.observing = false;
}

void measure::end_window()
{
    host_.observing = true;
    for (auto &v : host_.vms) {
        if (v->vcpus.empty())
            continue;
        v->after = host_.sample_vcpus(*v);
        v->woken = summarise_wakes(*v->wakes);
        memory_[v.get()] = look_at_memory(host_, v->id);
    }
    host_.observing = false;
}

void measure::utilisation_sample()
{
    const machine &m = *host_.scn.machine;
    util_samples_++;
    for (unsigned n = 0; n < m.nr_nodes; n++)
        mem_util_[n] += rate_mem_utilisation(host_.rates, n);
    for (unsigned a = 0; a < m.nr_sockets; a++)
        for (unsigned b = 0; b < m.nr_sockets; b++)
            if (a != b)
                link_util_[size_t(a) * m.nr_sockets + b] += rate_link_utilisation(host_.rates, a, b);
}

void measure::take(snapshot &s)
{
    const machine &m = *host_.scn.machine;
    s.at = host_.room.now();
    host_.observing = true;
    for (unsigned k = 0; k < m.l3.nr; k++)
        host_.progress_l3(k);
    for (auto &c : host_.cpu) {
        s.cpu.push_back({host_.hv->idle_time(pcpu_id{c->id()}), c->context_switches, {}});
        c->time_spent(s.cpu.back().took);
    }
    for (unsigned n = 0; n < m.nr_nodes; n++) {
        hv_sysctl op = {};
        op.cmd = XEN_SYSCTL_numainfo;
        op.u.numainfo.node = node_id{uint8_t(n)};
        long rc = host_.hv->inspect(HYPERCALL_sysctl, &op);
        s.free_pages.push_back(rc ? 0 : op.u.numainfo.memfree_bytes >> PAGE_SHIFT);
    }
    host_.observing = false;
    for (unsigned i = 0; i < PERFC_NR; i++)
        s.perfc[i] = host_.perfc[i];
    s.locks = lock_figures_now(host_);
    std::chrono::duration<double> wall = std::chrono::steady_clock::now().time_since_epoch();
    s.work = {host_.room.events(), host_.room.steps(), host_.room.handovers(), wall.count()};
}

void measure::write(metrics &out)
{
    double window = seconds(end_.at - begin_.at);
    write_vms(out, window);
    write_host(out, window);
}

void measure::write_vms(metrics &out, double window) const
{
    const vm_memory none;
    for (const auto &each : host_.vms) {
        const vm &v = *each;
        const char *name = v.label.c_str();
        if (v.after.empty())
            continue; // never made
        guest_counters d;
        s_time_t state[RUNSTATE_NR] = {};
        for (size_t k = 0; k < v.after.size(); k++) {
            const vcpu_sample a = v.before.empty() ? vcpu_sample{} : v.before[k], &b = v.after[k];
            d.instructions += b.count.instructions - a.count.instructions;
            d.misses += b.count.misses - a.count.misses;
            d.local_misses += b.count.local_misses - a.count.local_misses;
            d.warmup_ps += b.count.warmup_ps - a.count.warmup_ps;
            d.migrations += b.count.migrations - a.count.migrations;
            d.switches += b.count.switches - a.count.switches;
            for (unsigned r = 0; r < RUNSTATE_NR; r++)
                state[r] += b.runstate[r] - a.runstate[r];
        }
        write_vcpus(out, v);

        double ginstr_per_s = d.instructions / 1e9 / window;
        if (v.profile && v.profile->metric == METRIC_RATE) {
            metric *x = metrics_add(&out, "vm.throughput", ginstr_per_s * v.profile->work_per_ginstr, "vm", name, NULL);
            x->unit = v.profile->unit;
        } else {
            double runs = v.profile ? ginstr_per_s / v.profile->ginstr_per_run : 0;
            metric *x = metrics_add(&out, "vm.throughput", runs, "vm", name, NULL);
            x->unit = "runs/s";
            if (runs > 0)
                metrics_add(&out, "vm.benchmark_time", 1 / runs, "vm", name, NULL);
        }
        metrics_add(&out, "vm.instructions", d.instructions, "vm", name, NULL);
        metrics_add(&out, "vm.cpu_seconds", double(state[RUNSTATE_running]) / 1e9, "vm", name, NULL);
        metrics_add(&out, "vm.runnable_seconds", double(state[RUNSTATE_runnable]) / 1e9, "vm", name, NULL);
        metrics_add(&out, "vm.blocked_seconds", double(state[RUNSTATE_blocked]) / 1e9, "vm", name, NULL);
        metrics_add(&out, "vm.warmup_seconds", d.warmup_ps / 1e12, "vm", name, NULL);
        if (d.misses > 0) // of none no part was local, nor remote
            metrics_add(&out, "vm.local_access_fraction", d.local_misses / d.misses, "vm", name, NULL);
        metrics_add(&out, "vm.migrations", double(d.migrations), "vm", name, NULL);
        metrics_add(&out, "vm.context_switches", double(d.switches), "vm", name, NULL);
        auto mem = memory_.find(&v);
        write_memory(out, v, mem == memory_.end() ? none : mem->second);
        metrics_add(&out, "vm.wakes", double(v.woken.count), "vm", name, NULL);
        metrics_add(&out, "vm.wake_latency", double(v.woken.p50) / 1e9, "vm", name, "quantile", "p50", NULL);
        metrics_add(&out, "vm.wake_latency", double(v.woken.p99) / 1e9, "vm", name, "quantile", "p99", NULL);
        metrics_add(&out, "vm.wake_latency", double(v.woken.max) / 1e9, "vm", name, "quantile", "max", NULL);
        if (v.late.count)
            write_timer_wakes(out, v.late, name);
    }
}

void measure::write_memory(metrics &out, const vm &v, const vm_memory &mem) const
{
    const char *name = v.label.c_str();
    metrics_add(&out, "vm.expected_local_fraction", mem.expected_local, "vm", name, NULL);
    if (mem.nested_walk_ns > 0)
        metrics_add(&out, "vm.nested_walk", mem.nested_walk_ns / 1e9, "vm", name, NULL);
    for (unsigned n = 0; n < host_.scn.machine->nr_nodes; n++) {
        std::string node = std::to_string(n);
        metrics_add(&out, "vm.pages", double(mem.pages[n]), "vm", name, "node", node.c_str(), NULL);
        metrics_add(&out, "vm.pages_2m", double(mem.by_size[n][1]), "vm", name, "node", node.c_str(), NULL);
        metrics_add(&out, "vm.pages_1g", double(mem.by_size[n][2]), "vm", name, "node", node.c_str(), NULL);
    }
}

void measure::write_vcpus(metrics &out, const vm &v) const
{
    const char *vm_name = v.label.c_str();
    const vcpu_sample zero;
    for (size_t k = 0; k < v.after.size(); k++) {
        const s_time_t *a = (v.before.empty() ? zero : v.before[k]).runstate, *b = v.after[k].runstate;
        std::string id = std::to_string(k);
        metrics_add(&out, "vcpu.cpu_seconds", double(b[RUNSTATE_running] - a[RUNSTATE_running]) / 1e9, "vm", vm_name,
                    "vcpu", id.c_str(), NULL);
        metrics_add(&out, "vcpu.runnable_seconds", double(b[RUNSTATE_runnable] - a[RUNSTATE_runnable]) / 1e9, "vm",
                    vm_name, "vcpu", id.c_str(), NULL);
    }
}

/// Where the time of the window went: of each pCPU, each node, all.
void measure::write_time(metrics &out) const
{
    const machine &m = *host_.scn.machine;
    std::vector<time_ps> node(size_t(m.nr_nodes) * nr_spent), all(nr_spent);
    std::vector<unsigned> cpus(m.nr_nodes);
    double window = double(end_.at - begin_.at);
    for (size_t c = 0; c < host_.cpu.size(); c++) {
        std::string id = std::to_string(c);
        cpus[m.cpu[c].node]++;
        for (unsigned k = 0; k < nr_spent; k++) {
            time_ps t = end_.cpu[c].took[k] - begin_.cpu[c].took[k];
            node[size_t(m.cpu[c].node) * nr_spent + k] += t;
            all[k] += t;
            if (t)
                metrics_add(&out, "pcpu.time_fraction", double(t) / window, "pcpu", id.c_str(), "op", spent_names[k],
                            NULL);
        }
    }
    for (unsigned n = 0; n < m.nr_nodes; n++)
        for (unsigned k = 0; k < nr_spent && cpus[n]; k++)
            metrics_add(&out, "node.time_fraction", double(node[size_t(n) * nr_spent + k]) / window / cpus[n], "node",
                        std::to_string(n).c_str(), "op", spent_names[k], NULL);
    for (unsigned k = 0; k < nr_spent; k++)
        metrics_add(&out, "host.time_fraction", double(all[k]) / window / double(host_.cpu.size()), "op",
                    spent_names[k], NULL);
}

/// Of all locks of a name, and of each pCPU's own.
void measure::write_locks(metrics &out) const
{
    struct figures {
        double acquired = 0, contended = 0, try_failed = 0, wait = 0, hold = 0;
    };
    std::map<std::string, figures> all;
    for (const auto &[key, b] : end_.locks) {
        auto it = begin_.locks.find(key);
        lock_stats a = it == begin_.locks.end() ? lock_stats{} : it->second;
        figures x = {double(b.acquired - a.acquired), double(b.contended - a.contended),
                     double(b.try_failed - a.try_failed), seconds(b.wait - a.wait), seconds(b.hold - a.hold)};
        figures &sum = all[key.first];
        sum.acquired += x.acquired;
        sum.contended += x.contended;
        sum.try_failed += x.try_failed;
        sum.wait += x.wait;
        sum.hold += x.hold;
        if (!key.second)
            continue;
        std::string id = std::to_string(key.second - 1);
        auto add = [&, lock = key.first.c_str()](const char *metric, double value) {
            if (value > 0)
                metrics_add(&out, metric, value, "pcpu", id.c_str(), "lock", lock, NULL);
        };
        add("pcpu.lock_acquisitions", x.acquired);
        add("pcpu.lock_contended", x.contended);
        add("pcpu.lock_try_failed", x.try_failed);
        add("pcpu.lock_wait_seconds", x.wait);
        add("pcpu.lock_hold_seconds", x.hold);
    }
    for (const auto &[name, x] : all) {
        metrics_add(&out, "lock.acquisitions", x.acquired, "lock", name.c_str(), NULL);
        metrics_add(&out, "lock.contended", x.contended, "lock", name.c_str(), NULL);
        metrics_add(&out, "lock.try_failed", x.try_failed, "lock", name.c_str(), NULL);
        metrics_add(&out, "lock.wait_seconds", x.wait, "lock", name.c_str(), NULL);
        metrics_add(&out, "lock.hold_seconds", x.hold, "lock", name.c_str(), NULL);
    }
}

void measure::write_host(metrics &out, double window) const
{
    const machine &m = *host_.scn.machine;
    metrics_add(&out, "boot.seconds", seconds(host_.boot_end), NULL);
    metrics_add(&out, "boot.memory_seconds", seconds(host_.boot_memory), NULL);
    metrics_add(&out, "sched.stalls", host_.watch->stalls(), NULL);
    if (host_.scn.dom0_channels)
        metrics_add(&out, "dom0.event_channels", host_.ts->channels_in_use(), NULL);
    if (host_.opt.check_invariants)
        metrics_add(&out, "sched.idle_while_waiting_seconds", seconds(host_.watch->idle_while_waiting()), NULL);
    for (size_t c = 0; c < host_.cpu.size(); c++) {
        const cpu_sample &a = begin_.cpu[c], &b = end_.cpu[c];
        std::string id = std::to_string(c);
        metrics_add(&out, "pcpu.busy_fraction", 1 - double(b.idle - a.idle) / 1e9 / window, "pcpu", id.c_str(), NULL);
        metrics_add(&out, "pcpu.context_switches", double(b.switches - a.switches), "pcpu", id.c_str(), NULL);
        time_ps hypervisor = 0;
        for (unsigned k = 0; k < nr_spent; k++)
            hypervisor += is_hypervisor(spent(k)) ? b.took[k] - a.took[k] : 0;
        metrics_add(&out, "pcpu.hypervisor_fraction", seconds(hypervisor) / window, "pcpu", id.c_str(), NULL);
    }
    write_time(out);
    for (unsigned n = 0; n < m.nr_nodes; n++) {
        std::string id = std::to_string(n);
        metrics_add(&out, "node.free_pages", double(end_.free_pages[n]), "node", id.c_str(), NULL);
        metrics_add(&out, "node.memory_utilisation", mem_util_[n] / util_samples_, "node", id.c_str(), NULL);
    }
    for (unsigned a = 0; a < m.nr_sockets; a++)
        for (unsigned b = 0; b < m.nr_sockets; b++)
            if (a != b)
                metrics_add(&out, "link.utilisation", link_util_[size_t(a) * m.nr_sockets + b] / util_samples_, "from",
                            std::to_string(a).c_str(), "to", std::to_string(b).c_str(), NULL);
    if (host_.inject)
        host_.inject->write(out);
    for (unsigned i = 0; i < PERFC_NR; i++)
        metrics_add(&out, "hv.perfc", double(end_.perfc[i] - begin_.perfc[i]), "op", perfc_names[i], NULL);
    write_locks(out);
    metrics_add(&out, "sim.events", double(host_.room.events()), NULL);
}

} // namespace sim
