// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject.hpp"
#include "toolstack.hpp"
#include <algorithm>
#include <workloads/stream.h>

namespace sim
{

namespace
{

const char *const entry_names[] = {"timer", "ipi", "guest"};

} // namespace

injector::injector(host &h)
    : host_(h), occasions_(h.scn.nr_faults), struck_(h.scn.nr_faults), next_(h.scn.nr_faults, toolstack::never),
      stream_(h.scn.nr_faults), lost_at_(h.scn.machine->nr_cpus, -1), why_(h.scn.machine->nr_cpus, entry::timer)
{
    for (unsigned i = 0; i < h.scn.nr_faults; i++) {
        const scenario_fault &f = h.scn.fault[i];
        lateness_ = std::max(lateness_, f.by_ps);
        trylocks_fail_ |= f.kind == FAULT_TRYLOCK;
    }
}

void injector::guests_started()
{
    since_ = host_.room.now();
    for (unsigned i = 0; i < host_.scn.nr_faults; i++)
        if (host_.scn.fault[i].kind >= FAULT_CPU_OFF)
            next_[i] = since_ + host_.scn.fault[i].at_ps;
}

// ---- occasions -----------------------------------------------------------------------------------------------------

bool injector::active(unsigned i) const
{
    const scenario_fault &f = host_.scn.fault[i];
    time_ps t = host_.room.now() - since_;
    return since_ >= 0 && !host_.observing && t >= f.at_ps && t < f.until_ps && struck_[i] < f.times;
}

stream *injector::stream_of(unsigned i, unsigned cpu)
{
    while (stream_[i].size() <= cpu)
        stream_[i].emplace_back(nullptr, stream_close);
    if (!stream_[i][cpu]) {
        std::string entity = "fault-" + std::to_string(i + 1) + ".pcpu" + std::to_string(cpu);
        stream_[i][cpu].reset(stream_open(host_.opt.seed, entity.c_str()));
        if (!stream_[i][cpu])
            throw std::bad_alloc();
    }
    return stream_[i][cpu].get();
}

bool injector::strikes(unsigned i, unsigned cpu)
{
    const scenario_fault &f = host_.scn.fault[i];
    if (!active(i) || !(f.cpus.w[cpu / 64] >> cpu % 64 & 1))
        return false;
    occasions_[i]++;
    bool yes = f.nth               ? occasions_[i] % f.nth == 0
               : f.probability < 1 ? stream_uniform(stream_of(i, cpu)) < f.probability
                                   : true;
    struck_[i] += yes;
    return yes;
}

bool injector::ipi_lost(unsigned from, unsigned to)
{
    bool lost = false;
    for (unsigned i = 0; i < host_.scn.nr_faults; i++)
        if (host_.scn.fault[i].kind == FAULT_IPI_LOST)
            lost |= strikes(i, to);
    if (!lost)
        return false;
    last_lost_ = host_.room.now();
    last_from_ = from;
    last_to_ = to;
    if (lost_at_[to] < 0) {
        lost_at_[to] = last_lost_;
        unrecovered_++;
    }
    return true;
}

time_ps injector::late(scenario_fault_kind kind, unsigned cpu)
{
    time_ps sum = 0;
    for (unsigned i = 0; i < host_.scn.nr_faults; i++)
        if (host_.scn.fault[i].kind == kind && strikes(i, cpu))
            sum += 1 + time_ps(stream_uniform(stream_of(i, cpu)) * double(host_.scn.fault[i].by_ps));
    return sum;
}

time_ps injector::ipi_late(unsigned to)
{
    return late(FAULT_IPI_LATE, to);
}

time_ps injector::timer_late(unsigned cpu)
{
    return late(FAULT_TIMER_LATE, cpu);
}

bool injector::alloc_fails(unsigned cpu, unsigned class_)
{
    bool fails = false;
    for (unsigned i = 0; i < host_.scn.nr_faults; i++) {
        const scenario_fault &f = host_.scn.fault[i];
        if (f.kind == FAULT_ALLOC && f.classes >> class_ & 1)
            fails |= strikes(i, cpu);
    }
    return fails;
}

bool injector::trylock_fails(unsigned cpu)
{
    bool fails = false;
    for (unsigned i = 0; i < host_.scn.nr_faults; i++)
        if (host_.scn.fault[i].kind == FAULT_TRYLOCK)
            fails |= strikes(i, cpu);
    return fails;
}

void injector::recovered(unsigned cpu)
{
    longest_ = std::max(longest_, host_.room.now() - lost_at_[cpu]);
    recovered_[unsigned(why_[cpu])]++;
    lost_at_[cpu] = -1;
    unrecovered_--;
}

// ---- events --------------------------------------------------------------------------------------------------------

time_ps injector::next_event(unsigned *which) const
{
    time_ps first = toolstack::never;
    for (unsigned i = 0; i < next_.size(); i++)
        if (next_[i] < first) {
            first = next_[i];
            *which = i;
        }
    return first;
}

bool injector::begin_event(unsigned i)
{
    const scenario_fault &f = host_.scn.fault[i];
    time_ps due = next_[i];
    bool more = f.every_ps && due <= toolstack::never - f.every_ps && due + f.every_ps < since_ + f.until_ps;
    next_[i] = more ? due + f.every_ps : toolstack::never;
    if (occasions_[i] >= f.times)
        return false;
    bool yes = f.probability < 1 ? stream_uniform(stream_of(i, 0)) < f.probability : true;
    occasions_[i] += yes;
    return yes;
}

unsigned injector::draw(unsigned i, unsigned n)
{
    return unsigned(stream_below(stream_of(i, 0), n));
}

// ---- reports -------------------------------------------------------------------------------------------------------

std::string injector::report() const
{
    std::string text;
    for (unsigned i = 0; i < struck_.size(); i++)
        if (struck_[i])
            text += (text.empty() ? "" : ", ") + std::string(scenario_fault_kinds[host_.scn.fault[i].kind]) + " " +
                    std::to_string(struck_[i]);
    if (text.empty())
        return "";
    char last[96] = "";
    if (last_lost_ >= 0)
        snprintf(last, sizeof last, "; last lost: the IPI of pCPU %u to pCPU %u at %.6f s", last_from_, last_to_,
                 double(last_lost_) / 1e12);
    return " (faults injected: " + text + last + ")";
}

void injector::write(metrics &out) const
{
    uint64_t sum[FAULT_NR] = {};
    bool any[FAULT_NR] = {};
    for (unsigned i = 0; i < struck_.size(); i++) {
        sum[host_.scn.fault[i].kind] += struck_[i];
        any[host_.scn.fault[i].kind] = true;
    }
    for (unsigned k = 0; k < FAULT_NR; k++)
        if (any[k])
            metrics_add(&out, "fault.injected", double(sum[k]), "op", scenario_fault_kinds[k], NULL);
    if (!any[FAULT_IPI_LOST])
        return;
    for (unsigned e = 0; e < 3; e++)
        metrics_add(&out, "fault.ipi_recovered", double(recovered_[e]), "op", entry_names[e], NULL);
    metrics_add(&out, "fault.ipi_unrecovered", double(unrecovered_), NULL);
    metrics_add(&out, "fault.ipi_recovery_max", double(longest_) / 1e12, NULL);
}

} // namespace sim
