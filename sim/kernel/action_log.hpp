// SPDX-License-Identifier: GPL-2.0-or-later
//
// What each action did, a line of JSON for each that is over: its result, and, of those that make, unmake or place
// domains, what the hypervisor says about the domain and the nodes right after it.
#ifndef SIM_KERNEL_ACTION_LOG_HPP
#define SIM_KERNEL_ACTION_LOG_HPP

#include "host.hpp"

namespace sim
{

struct action_outcome {
    unsigned number; ///< from 1, in order of time
    const scenario_action *action;
    long rc;
    std::string message;        ///< the last error that the toolstack logged, empty: none
    ts_domain_result made;      ///< of create
    time_ps began_ps, ended_ps; ///< from the start of the guests
};

/// Takes no simulated time. Between two events only.
void action_log_write(host &h, const action_outcome &o);

} // namespace sim

#endif
