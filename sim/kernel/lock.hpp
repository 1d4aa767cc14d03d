// SPDX-License-Identifier: GPL-2.0-or-later
//
// The port's side of a lock: who waits, in ticket order, and where its cache lines are.
//
// A lock lies beside what it protects, and that is where its holder's cache lines come from: whoever takes it after
// somebody else finds the lock's own line in the cache of whoever touched it last (waiters and failed trylocks touch
// it, too), and what the code then loads through pointers in the cache of the last holder, as many lines as that one
// had touched while it was his, and one more.
#ifndef SIM_KERNEL_LOCK_HPP
#define SIM_KERNEL_LOCK_HPP

#include "host.hpp"

namespace sim
{

class pcpu_module;

struct lock_state {
    lock_stats *stats = nullptr;
    pcpu_module *head = nullptr, *tail = nullptr; ///< who waits
    bool held = false;

    // With hv_cost path:
    int line_at = -1, data_at = -1; ///< pCPU that touched the lock's line last; that held it last; -1: nobody yet
    uint64_t touched = 0;           ///< loads through pointers by the last holder, since it took over from another one
    uint64_t foreign = 0;           ///< lines that the holder may still find at whom it took over from
    time_ps distance = 0;           ///< of one of them
    lock_state *outer = nullptr;    ///< the lock that its holder had taken before

    /// The holder changes to cpu, as far as lines are concerned.
    void move_to(unsigned cpu, const class path_costs &path);
    /// The holder loads n times through pointers. What the lines take to come.
    time_ps touch(uint64_t n)
    {
        uint64_t lines = n < foreign ? n : foreign;
        touched += n;
        foreign -= lines;
        return time_ps(lines) * distance;
    }
};

} // namespace sim

#endif
