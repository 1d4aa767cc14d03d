// SPDX-License-Identifier: GPL-2.0-or-later
//
// The scenario's [[fault]]s. What the port does is asked for here first: is this IPI lost, does this allocation fail?
// Each fault has a random stream of its own for each pCPU, so that neither another fault nor another pCPU disturbs it.
//
// A lost IPI leaves the bit of its softirq set, and whoever raises it again sends no second IPI: the pCPU finds out
// when it enters the hypervisor for another reason. When, and for which, is counted.
#ifndef SIM_KERNEL_INJECT_HPP
#define SIM_KERNEL_INJECT_HPP

#include "../metrics.h"
#include "host.hpp"

namespace sim
{

class injector
{
  public:
    explicit injector(host &h);

    /// Faults count from now on.
    void guests_started();

    // ---- asked by the port and the devices, on the pCPU concerned or for it ----
    bool ipi_lost(unsigned from, unsigned to);
    time_ps ipi_late(unsigned to);
    time_ps timer_late(unsigned cpu);
    bool alloc_fails(unsigned cpu, unsigned class_);
    bool trylock_fails(unsigned cpu);

    /// Why a pCPU entered the hypervisor.
    enum class entry { timer, ipi, guest };
    void entered(unsigned cpu, entry why)
    {
        why_[cpu] = why;
    }
    /// All its softirqs are done.
    void served(unsigned cpu)
    {
        if (lost_at_[cpu] >= 0)
            recovered(cpu);
    }
    /// May a pCPU idle just now although somebody waits: because a fault keeps it from knowing?
    bool excuses_idling() const
    {
        return unrecovered_ != 0 || trylocks_fail_;
    }
    /// By how much interrupts may be late.
    time_ps lateness() const
    {
        return lateness_;
    }

    // ---- faults that are events: performed by the toolstack ----
    /// When the next one is due, and which; host time. never: none is.
    time_ps next_event(unsigned *which) const;
    /// It is being performed: when it comes again. false: not this time.
    bool begin_event(unsigned which);
    /// One of n.
    unsigned draw(unsigned which, unsigned n);
    void count(unsigned which, uint64_t n = 1)
    {
        struck_[which] += n;
    }

    /// " (faults so far: ...)", or nothing.
    std::string report() const;
    void write(metrics &out) const;

  private:
    bool strikes(unsigned i, unsigned cpu);
    bool active(unsigned i) const;
    stream *stream_of(unsigned i, unsigned cpu);
    time_ps late(scenario_fault_kind kind, unsigned cpu);
    void recovered(unsigned cpu);

    host &host_;
    time_ps since_ = -1; ///< when the guests started
    std::vector<uint64_t> occasions_, struck_;
    std::vector<time_ps> next_;
    std::vector<std::vector<std::unique_ptr<stream, void (*)(stream *)>>> stream_;
    time_ps lateness_ = 0;
    bool trylocks_fail_ = false;

    std::vector<time_ps> lost_at_; ///< by pCPU: an IPI was lost then, and it has not noticed yet; -1
    std::vector<entry> why_;
    unsigned unrecovered_ = 0;
    uint64_t recovered_[3] = {};
    time_ps longest_ = 0;
    time_ps last_lost_ = -1;
    unsigned last_from_ = 0, last_to_ = 0;
};

} // namespace sim

#endif
