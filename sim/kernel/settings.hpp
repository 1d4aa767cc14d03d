// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an operator can set, read back through the hypervisor's own calls and folded into one number: weights, caps and
// the other parameters of domains, vCPUs and pools, affinities, which pCPU and which domain is in which pool, who is
// paused. A call that is refused must leave the number as it was.
#ifndef SIM_KERNEL_SETTINGS_HPP
#define SIM_KERNEL_SETTINGS_HPP

#include "host.hpp"

namespace sim
{

/// As of now; takes no simulated time. Between two events only.
uint64_t settings_digest(host &h);

} // namespace sim

#endif
