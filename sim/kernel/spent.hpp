// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where the time of a pCPU goes. Every picosecond is of exactly one kind, so the kinds of a pCPU add up to the time
// that has passed.
#ifndef SIM_KERNEL_SPENT_HPP
#define SIM_KERNEL_SPENT_HPP

#include "calendar.hpp"
#include <hv/port.h>

namespace sim
{

/// guest and idle are what the pCPU is for; all others are the hypervisor's own. Names: spent_names.
enum class spent : unsigned char {
    guest,
    idle,
    schedule,   ///< choosing who runs: schedule(), run queues, placement
    switching,  ///< state of one vCPU out, of the next one in
    tick,       ///< the scheduler's periodic tick
    accounting, ///< credits, budgets
    wake,       ///< waking a vCPU, tickling pCPUs
    balance,    ///< looking for work at other pCPUs
    memory,     ///< heap, page clearing, p2m
    lock_wait,  ///< waiting for a lock, or for another pCPU
    entry,      ///< traps, interrupts, softirqs, timers, hypercalls not named above
    nr
};
constexpr unsigned nr_spent = unsigned(spent::nr);
extern const char *const spent_names[nr_spent];
constexpr bool is_hypervisor(spent s)
{
    return s != spent::guest && s != spent::idle;
}

/// What an operation that the core counts is time of.
extern const spent spent_of_perfc[PERFC_NR];

/// One pCPU's account. Hypervisor code is charged ahead of its time (add) and the time passes later (settle);
/// everything else is known when it has passed (pass).
class time_account
{
  public:
    /// Hypervisor code of that kind that will have taken ps by the next settle().
    void add(spent s, time_ps ps)
    {
        set_last(s);
        charged_ += ps;
    }
    /// All that was charged since the last settle().
    time_ps charged() const
    {
        return charged_;
    }
    /// The charged time has passed: now is that far after the last call.
    void settle(time_ps now)
    {
        if (others_)
            settle_others();
        done_[unsigned(last_)] += charged_;
        charged_ = 0;
        since_ = now;
    }
    /// All since the last call was time of this kind.
    void pass(spent s, time_ps now)
    {
        done_[unsigned(s)] += now - since_;
        since_ = now;
    }
    /// The kind of what was charged last.
    spent last() const
    {
        return last_;
    }
    void set_last(spent s)
    {
        if (s != last_)
            change(s);
    }
    /// How much there was of each up to now, which may lie within charged time: its kinds then count in their order. If
    /// nothing was charged it is time of kind otherwise.
    void read(time_ps now, spent otherwise, time_ps out[nr_spent]) const;

  private:
    void change(spent s);
    void settle_others();

    time_ps charged_ = 0, others_ = 0; ///< since the last settle(): in all; before last_ was charged last, see pending_
    spent last_ = spent::entry;
    time_ps since_ = 0;
    time_ps done_[nr_spent] = {}, pending_[nr_spent] = {};
};

} // namespace sim

#endif
