// SPDX-License-Identifier: GPL-2.0-or-later
//
// The simulated host: machine, hypervisor core, pCPUs, VMs. One per process (the port functions find it through
// `the_host`, as hv-core has one port).
#ifndef SIM_KERNEL_HOST_HPP
#define SIM_KERNEL_HOST_HPP

#include "../scenario.h"
#include "core_memory.hpp"
#include "guest.hpp"
#include "path.hpp"
#include "room.hpp"
#include "trace_writer.hpp"
#include <map>
#include <memory>

namespace sim
{

class pcpu_module;
class toolstack;

/// Costs in integer picoseconds, resolved once (all zero with --hv-cost none, but for the minimum of 1 ns between
/// pCPUs).
struct cost_table {
    time_ps perfc[PERFC_NR] = {};
    time_ps trap_entry = 0, trap_exit = 0, interrupt = 0, ipi_send = 0, timer_program = 0, world_switch = 0, lock = 0;
    time_ps page_clear = 0;
    time_ps ipi_latency = 1000, lock_transfer = 1000, relax = 1000;
};

struct lock_stats {
    uint64_t acquired = 0, try_failed = 0;
    time_ps hold = 0, wait = 0;
    uint64_t contended = 0; ///< of those acquired
};
/// By name, and pCPU + 1 whose own they are.
using lock_figures = std::map<std::pair<std::string, unsigned>, lock_stats>;

/// Bytes brought into an L3. With exact rates progress counts them. With lazy ones nobody is looked at: who executes
/// brings in his rate times the time since when he does, all together the sum of rates times now, less the sum of rates
/// times since when.
struct insertions {
    double counted = 0, per_ps = 0, rate_since = 0; ///< sums of rate, of rate x since when
    double until(time_ps now) const
    {
        double more = per_ps * double(now) - rate_since; // one whose caches still warm up counts as less than nothing
        return counted + (more > 0 ? more : 0);
    }
};

class host
{
  public:
    host(const scenario &s, const run_options &opt, const hv_core *core);
    ~host();

    const scenario &scn;
    const run_options &opt;
    const hv_core *hv;
    class room room;
    core_memory core_pages;
    cost_table cost;
    path_costs path;
    rate_model *rates = nullptr;

    std::vector<std::unique_ptr<pcpu_module>> cpu;
    std::unique_ptr<toolstack> ts;
    class measure *measure = nullptr;
    class watch *watch = nullptr;
    class show *show = nullptr;
    class injector *inject = nullptr;           ///< nullptr: the scenario has no faults
    FILE *console_copy = nullptr;               ///< the hypervisor's console goes there too
    std::string console_line;                   ///< what the hypervisor has printed last
    std::vector<std::unique_ptr<vm>> vms;       ///< [0] is dom0
    std::vector<std::unique_ptr<guest>> guests; ///< of the VMs that are there, in the order in which they were made

    /// The pCPU whose thread has the baton (the toolstack runs on behalf of the pCPU that called it).
    pcpu_module *running = nullptr;
    bool booted = false;              ///< pCPU 0 has set up what the others need
    std::vector<pcpu_module *> early; ///< that came up before

    std::vector<double> l2_inserted; ///< bytes brought into each L2 so far
    std::vector<insertions> l3_inserted;

    trace_writer trace;
    uint64_t perfc[PERFC_NR] = {};
    lock_figures locks; ///< of those that have gone; lock_figures_now() has all

    /// Another task (nullptr: idle) on some pCPU: rates are to be solved before anybody goes on.
    void set_task(unsigned cpu, const rate_task *task);
    bool rates_dirty = false;
    void solve_rates();
    /// Progress of a guest up to now.
    void progress(guest &g, unsigned cpu);
    /// The same for all that share an L3 (their insertions into it and the L2s below count up to now).
    void progress_l3(unsigned l3);
    /// Before a pCPU's guest changes: all whose insertions into its caches are not known without.
    void progress_sharers(unsigned cpu);
    /// After a guest's rate, or whether it executes, has changed: what it brings into its L3 from now on.
    void set_inserting(guest &g, unsigned cpu);
    /// Domain and vCPU number in one word, as the trace has it.
    static uint32_t name_of(const struct vcpu *v)
    {
        return (uint32_t(v->domain->id.n) << 16) | v->id.n;
    }
    /// Take over the rate that the last solution gives to this pCPU.
    void load_rate(guest &g, unsigned cpu);
    /// Where lazy rates have got its pCPU to up to now.
    void load_work(guest &g, unsigned cpu);
    /// The vCPU that a trace word names (domain in the high half), nullptr for one without a guest side.
    guest *find_guest(uint32_t trace_v) const;
    /// How far the clock that the hypervisor and its guests read on a pCPU is ahead of simulated time, in ns.
    int64_t clock_ahead(unsigned c) const
    {
        return c % 2 ? scn.machine->clock_apart_ns : 0;
    }
    /// What clearing a page of that node takes just now: as fast as a core stores, or the pCPUs that clear pages there
    /// share what its memory takes.
    time_ps clear_time(unsigned node) const;
    unsigned node_of(mfn_t frame) const;
    std::vector<unsigned> clearing;           ///< [node] pCPUs that clear pages in the background
    unsigned clear_beside = 0;                ///< port_clear_beside()
    time_ps boot_memory = 0, boot_end = 0;    ///< of pCPU 0: the heap's part of its boot; dom0 is built
    uint64_t dom0_memory_kb = 0;              ///< that it was built with
    double start_cpu_s = 0, guests_cpu_s = 0; ///< of run_result
    bool measuring = false;                   ///< inside the window of measurement
    /// The instrument reads the core's state: the port takes no locks and charges nothing. Only between two events,
    /// when no pCPU is in the middle of anything that its last sync did not show.
    bool observing = false;

    hv_boot_info boot_info() const;
    /// Create the guest side of a domain that the core knows; reads where its memory lies. Its programs start after
    /// offset_ps. cfg: what it was made from, nullptr for dom0.
    void attach_vm(vm &v, int64_t offset_ps, const ts_domain_config *cfg);
    /// It is paused, and will be destroyed: what the metrics need of its guest side is kept, the rest goes.
    void detach_vm(vm &v);
    /// Where its vCPUs stand, in their order. The caller observes, or is in a hypercall's place.
    std::vector<vcpu_sample> sample_vcpus(const vm &v) const;

  private:
    void elapse();
    void progress_all(const std::vector<unsigned> &cpus);
    time_ps rates_at_ = 0; ///< up to then the rate model knows that time has gone by
    std::vector<vm *> vm_by_dom_;
    std::vector<std::vector<unsigned>> l2_cpus_, l3_cpus_;
    std::vector<unsigned> changed_;
    std::vector<hv_cpu_desc> boot_cpu_;
    std::vector<hv_mem_range> boot_range_;
};

extern host *the_host;

/// Processor time of this process.
double cpu_clock_s();

} // namespace sim

#endif
