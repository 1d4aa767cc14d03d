// SPDX-License-Identifier: GPL-2.0-or-later
//
// The window of measurement: a snapshot at its start, another at its end, metrics from the difference.
#ifndef SIM_KERNEL_MEASURE_HPP
#define SIM_KERNEL_MEASURE_HPP

#include "host.hpp"
#include "locality.hpp"
#include "spent.hpp"

namespace sim
{

class measure : public entity
{
  public:
    explicit measure(host &h);
    /// All guests are started: the window opens warmup later.
    void guests_started();
    process *due(slot_id s) override;
    bool complete() const
    {
        return complete_;
    }
    void write(metrics &out);
    /// What the window cost the simulator.
    run_work work() const
    {
        return {end_.work.events - begin_.work.events, end_.work.steps - begin_.work.steps,
                end_.work.handovers - begin_.work.handovers, end_.work.wall_s - begin_.work.wall_s};
    }

  private:
    struct cpu_sample {
        s_time_t idle;
        uint64_t switches;
        time_ps took[nr_spent];
    };
    struct snapshot {
        time_ps at = 0;
        std::vector<cpu_sample> cpu;
        std::vector<uint64_t> free_pages; // [node]
        uint64_t perfc[PERFC_NR];
        lock_figures locks;
        run_work work; ///< so far
    };
    void take(snapshot &s);
    void begin_window();
    void end_window();
    void utilisation_sample();
    void write_vms(metrics &out, double window) const;
    void write_memory(metrics &out, const vm &v, const vm_memory &mem) const;
    void write_vcpus(metrics &out, const vm &v) const;
    void write_time(metrics &out) const;
    void write_locks(metrics &out) const;
    void write_host(metrics &out, double window) const;

    host &host_;
    slot_id slot_;
    enum class phase { waiting, warmup, window } phase_ = phase::waiting;
    bool complete_ = false;
    unsigned ticks_ = 0;
    snapshot begin_, end_;
    std::map<const vm *, vm_memory> memory_; ///< of the VMs that are there at the end of the window
    std::vector<double> mem_util_, link_util_;
    unsigned util_samples_ = 0;
};

} // namespace sim

#endif
