// SPDX-License-Identifier: GPL-2.0-or-later
//
// Pages that the hypervisor core maps for itself.
//
// They lie at the same addresses in every process that does the same (malloc's do not, where addresses are randomised):
// the core's table of its heap is hashed by address, so how many steps a look into it takes depends on them, and with
// hv_cost path that is time.
#ifndef SIM_KERNEL_CORE_MEMORY_HPP
#define SIM_KERNEL_CORE_MEMORY_HPP

#include <cstddef>
#include <vector>

namespace sim
{

class core_memory
{
  public:
    core_memory() = default;
    core_memory(const core_memory &) = delete;
    core_memory &operator=(const core_memory &) = delete;
    ~core_memory();

    /// 2^order pages, zero; nullptr: the host has no such range of addresses free (a limit of virtual memory).
    void *take(unsigned order);
    void give_back(void *va, unsigned order);

  private:
    static constexpr size_t page = 4096, room = size_t(16) << 40; ///< bytes; addresses only, until they are used

    bool reserve();

    char *base_ = nullptr;
    size_t used_ = 0;
    std::vector<std::vector<void *>> free_; ///< [order] last one first
};

} // namespace sim

#endif
