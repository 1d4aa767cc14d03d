// SPDX-License-Identifier: GPL-2.0-or-later
/// Where a VM's memory is, and how local it ought to be to the vCPUs.
#pragma once

#include "host.hpp"

namespace sim
{

struct vm_memory {
    uint64_t pages[HV_MAX_NODES] = {};
    uint64_t by_size[HV_MAX_NODES][3] = {}; ///< of a mapping: 4 KiB, 2 MiB, 1 GiB; in 4 KiB pages
    double expected_local = 0;
    double nested_walk_ns = 0; ///< mean; 0: its memory is not mapped by the hypervisor's tables (PV)
};

/// All 0 for a domain that does not exist. The caller observes (host::observing).
vm_memory look_at_memory(host &h, dom_id id);

} // namespace sim
