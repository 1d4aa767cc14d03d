// SPDX-License-Identifier: GPL-2.0-or-later
//
// The scenario's [[fault]]s that are events of their own: a pCPU that goes, memory that goes. On a Xen host dom0 learns
// of them and makes the hypercalls; what Xen refuses is not done, and the console says so.
#include "inject.hpp"
#include "toolstack.hpp"
#include <toolstack/control.h>

namespace sim
{

namespace
{

/// Above what the other marks of the scenario have.
constexpr uint64_t fault_mark = uint64_t(1) << 48;

bool is_on(const host &h, unsigned cpu)
{
    return h.hv->cpu_online(pcpu_id{uint16_t(cpu)});
}

} // namespace

void toolstack::mark_fault(unsigned fault, uint64_t outcome)
{
    host_.room.record(event_class::scenario, 0, what::mark, fault_mark | uint64_t(fault) << 32 | uint32_t(outcome));
}

void toolstack::strike(const ts_host &h, unsigned fault)
{
    if (!host_.inject->begin_event(fault))
        return;
    if (host_.scn.fault[fault].kind == FAULT_CPU_OFF)
        cpu_goes(h, fault);
    else
        memory_goes(h, fault, false);
}

void toolstack::come_back(const ts_host &h)
{
    absent a = absent_.begin()->second;
    absent_.erase(absent_.begin());
    if (host_.scn.fault[a.fault].kind == FAULT_CPU_OFF)
        cpu_comes(h, a.fault, a.cpu);
    else
        memory_goes(h, a.fault, true);
}

void toolstack::cpu_goes(const ts_host &h, unsigned fault)
{
    const scenario_fault &f = host_.scn.fault[fault];
    unsigned cpu = f.cpu;
    if (cpu == FAULT_ANY_CPU) {
        std::vector<unsigned> on;
        for (unsigned c = 1; c < host_.scn.machine->nr_cpus; c++)
            if (is_on(host_, c))
                on.push_back(c);
        if (on.empty())
            return;
        cpu = on[host_.inject->draw(fault, unsigned(on.size()))];
    }
    say(2, ("fault: pCPU " + std::to_string(cpu) + " is taken off").c_str());
    long rc = ts_cpu_hotplug(&h, cpu, false);
    mark_fault(fault, uint64_t(rc < 0 ? -rc : 0) << 16 | cpu);
    if (rc)
        return;
    host_.inject->count(fault);
    if (f.back_after_ps)
        absent_.insert({host_.room.now() + f.back_after_ps, {fault, cpu}});
}

void toolstack::cpu_comes(const ts_host &h, unsigned fault, unsigned cpu)
{
    say(2, ("fault: pCPU " + std::to_string(cpu) + " is back").c_str());
    long rc = ts_cpu_hotplug(&h, cpu, true);
    mark_fault(fault, uint64_t(rc < 0 ? -rc : 0) << 16 | cpu);
}

/// Page by page, as xen-hptool does. What the hypervisor itself has stays; what a domain has goes when it is freed.
void toolstack::memory_goes(const ts_host &h, unsigned fault, bool comes_back)
{
    const scenario_fault &f = host_.scn.fault[fault];
    const machine &m = *host_.scn.machine;
    uint64_t skip = f.first_page, left = f.nr_pages, gone = 0, pending = 0, refused = 0;
    for (unsigned i = 0; i < m.nr_ranges && left; i++) {
        if (m.range[i].node != f.node)
            continue;
        uint64_t start = m.range[i].start >> PAGE_SHIFT, pages = (m.range[i].end >> PAGE_SHIFT) - start;
        for (uint64_t p = skip < pages ? skip : pages; p < pages && left; p++, left--) {
            uint32_t status = 0;
            if (ts_page_offline(&h, start + p, comes_back, &status))
                refused++;
            else if (status & PG_OFFLINE_PENDING)
                pending++;
            else
                gone++;
        }
        skip -= skip < pages ? skip : pages;
    }
    char text[160];
    snprintf(text, sizeof text, "fault: memory of node %u: %llu pages %s, %llu wait until they are freed, %llu refused",
             f.node, static_cast<unsigned long long>(gone), comes_back ? "are back" : "are gone",
             static_cast<unsigned long long>(pending), static_cast<unsigned long long>(refused));
    say(2, text);
    mark_fault(fault, gone + 3 * pending + 5 * refused);
    if (comes_back)
        return;
    host_.inject->count(fault, gone + pending);
    if (f.back_after_ps)
        absent_.insert({host_.room.now() + f.back_after_ps, {fault, 0}});
}

} // namespace sim
