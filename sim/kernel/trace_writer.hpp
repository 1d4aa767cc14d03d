// SPDX-License-Identifier: GPL-2.0-or-later
//
// Writes the core's trace records as xentrace does: windows of one pCPU each, TSC in nanoseconds
// (xenalyze --cpu-hz=1G). What the analyser demands beyond the format is kept here:
//   - a TSC is above 0 and never goes back on its pCPU;
//   - what a vCPU does on one pCPU is strictly later than what it did on another: xenalyze takes equality for skewed
//     clocks and gives up. Records that would violate this are moved, by 1 ns at most a step;
//   - all pCPUs have a window early on: windows are written for all of them at a time, ascending.
#ifndef SIM_KERNEL_TRACE_WRITER_HPP
#define SIM_KERNEL_TRACE_WRITER_HPP

#include <cstdint>
#include <cstdio>
#include <unordered_map>
#include <vector>

namespace sim
{

class trace_writer
{
  public:
    /// f: where to write, not owned; nullptr: nowhere.
    trace_writer(FILE *f, unsigned nr_cpus);
    bool on() const
    {
        return file_ != nullptr;
    }
    /// now: ns. nr_words: 0 to 7.
    void add(unsigned cpu, int64_t now, uint32_t event, unsigned nr_words, const uint32_t *words);
    /// Write what is still here. false: some of it could not be written (errno).
    bool finish();

  private:
    struct pcpu_buffer {
        uint64_t tsc = 0;
        std::vector<uint32_t> words;
    };
    struct place {
        uint64_t tsc;
        unsigned cpu;
    };
    void flush();
    uint64_t order(pcpu_buffer &b, unsigned cpu, int64_t now, uint32_t event, unsigned nr_words, const uint32_t *words);

    FILE *file_;
    std::vector<pcpu_buffer> cpu_;
    std::unordered_map<uint32_t, place> vcpu_; ///< last runstate change; only looked up, so its order has no effect
    bool failed_ = false;
};

} // namespace sim

#endif
