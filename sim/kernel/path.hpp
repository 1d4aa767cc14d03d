// SPDX-License-Identifier: GPL-2.0-or-later
//
// hv_cost path: the instrumented build of the core adds up what its basic blocks cost; the port charges it. Equations
// and sources: docs/hypervisor-cost.md.
#ifndef SIM_KERNEL_PATH_HPP
#define SIM_KERNEL_PATH_HPP

#include "../scenario.h"
#include "spent.hpp"
#include <string>
#include <vector>

struct hv_path;

namespace sim
{

class path_costs
{
  public:
    explicit path_costs(const scenario &s);

    /// Write what each block costs into the loaded object. file: where it was loaded from. False with the reason.
    bool attach(void *object, const char *file, std::string &error);
    bool on() const
    {
        return sum_ != nullptr;
    }
    /// What the core has executed since the last call is forgotten: somebody merely looked at its state.
    void forget()
    {
        for (unsigned k = 0; k < nr_spent; k++)
            sum_[k] = 0;
        *touched_ = 0;
    }
    /// What the core has executed since the last call, by kind, on that pCPU: charged to out. Loads through pointers.
    uint64_t drain(unsigned cpu, time_account &out);
    /// Time of a cache line from the cache of pCPU a into that of b.
    time_ps transfer(unsigned a, unsigned b) const;
    /// A line of some other pCPU, wherever: the mean over all of them.
    time_ps mean_transfer(unsigned b) const
    {
        return mean_[b];
    }
    /// Names the build of the core, and the core it was weighed for.
    const std::string &id() const
    {
        return id_;
    }
    /// Mean ratio of the plain build for the modelled ISA to the instrumented one.
    double ratio() const
    {
        return ratio_;
    }

    /// The object that goes with this program; "" if it was not built.
    static std::string default_object();

  private:
    bool patch(const struct hv_path *p, const struct path_table *t, const std::vector<double> &cycles,
               std::string &error) const;
    time_ps scaled(unsigned cpu, int64_t ps) const
    {
        return scale_.empty() ? ps : time_ps((ps * scale_[cpu]) >> 16);
    }

    const machine &m_;
    const path_core &core_;
    int64_t *sum_ = nullptr, *touched_ = nullptr;
    std::vector<int64_t> scale_; ///< of each pCPU, in 1/65536; empty: all cores are alike
    std::vector<time_ps> mean_;
    std::string id_;
    double ratio_ = 1;
};

/// What the time of a function is, by its name and source.
spent spent_of_function(const char *file, const char *name);

} // namespace sim

#endif
