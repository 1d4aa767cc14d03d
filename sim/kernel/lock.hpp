// SPDX-License-Identifier: GPL-2.0-or-later
//
// The port's side of a lock: who has it from when to when, who waits, in ticket order, and where its cache lines are.
//
// Whoever takes a lock, or only tries to, first lets the time pass that it has been charged, so that all who came
// before have come. Whoever releases one need not: from then on it is known when the lock is free, and who comes before
// that waits until then. (With others in the queue it does let the time pass: the one whose turn it is then finds as
// many waiters as there are at that time.) So a release costs the simulator no hand-over, and what the releasing pCPU
// executes next, up to where it next lets time pass, it executes as of the time at which it took the lock.
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

/// In the order in which an attempt looks at it: one line of the host's cache where nobody has to wait.
struct alignas(64) lock_state {
    bool held = false;           ///< its holder has not let go of it
    uint16_t last = 0;           ///< not held: who had it
    time_ps since = 0;           ///< held: since when
    time_ps free_at = 0;         ///< not held: when its last holder lets go of it, which may be to come
    pcpu_module *head = nullptr; ///< who waits
    lock_stats stats;            ///< of this one; holds and waits that are over
    pcpu_module *tail = nullptr;
    lock_stats *all = nullptr; ///< where its figures are added when it goes

    // With hv_cost path:
    int line_at = -1, data_at = -1; ///< pCPU that touched the lock's line last; that held it last; -1: nobody yet
    uint64_t touched = 0;           ///< loads through pointers by the last holder, since it took over from another one
    uint64_t foreign = 0;           ///< lines that the holder may still find at whom it took over from
    time_ps distance = 0;           ///< of one of them
    lock_state *outer = nullptr;    ///< the lock that its holder had taken before

    /// Would cpu have to wait for it now? Simultaneous steps count in the order of pCPUs, as everywhere.
    bool busy(time_ps now, unsigned cpu) const
    {
        return held || head || now < free_at || (now == free_at && cpu < last);
    }
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

/// The figures of all locks, those that have gone among them, at this moment: of holds and waits up to now.
lock_figures lock_figures_now(const host &h);
/// The memory is freed, and what the locks in it were goes with it. None may be held.
void forget_locks(const void *va, size_t bytes);

} // namespace sim

#endif
