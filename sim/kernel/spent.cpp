// SPDX-License-Identifier: GPL-2.0-or-later
#include "spent.hpp"
#include <algorithm>

namespace sim
{

const char *const spent_names[nr_spent] = {
    "guest", "idle", "schedule", "switch", "tick", "accounting", "wake", "balance", "memory", "lock_wait", "entry",
};

const spent spent_of_perfc[PERFC_NR] = {
    spent::entry,      // softirq
    spent::schedule,   // schedule
    spent::switching,  // context_switch
    spent::wake,       // sched_wake
    spent::tick,       // sched_tick
    spent::accounting, // sched_acct_domain
    spent::accounting, // sched_acct_vcpu
    spent::schedule,   // sched_pick_cpu
    spent::schedule,   // sched_runq_scan
    spent::balance,    // sched_balance_peer
    spent::wake,       // sched_tickle
    spent::entry,      // timer_op
    spent::entry,      // hypercall
    spent::wake,       // evtchn_send
    spent::memory,     // heap_alloc
    spent::memory,     // heap_free
    spent::memory,     // heap_split
    spent::memory,     // heap_merge
    spent::memory,     // page_assign
    spent::memory,     // p2m_set
};

void time_account::change(spent s)
{
    pending_[unsigned(last_)] += charged_ - others_;
    others_ = charged_;
    last_ = s;
}

void time_account::settle_others()
{
    for (unsigned i = 0; i < nr_spent; i++) {
        done_[i] += pending_[i];
        pending_[i] = 0;
    }
    done_[unsigned(last_)] -= others_; // settle() adds all
    others_ = 0;
}

void time_account::read(time_ps now, spent otherwise, time_ps out[nr_spent]) const
{
    time_ps left = now - since_;
    for (unsigned i = 0; i < nr_spent; i++) {
        time_ps charged = pending_[i] + (i == unsigned(last_) ? charged_ - others_ : 0), part = std::min(left, charged);
        out[i] = done_[i] + part;
        left -= part;
    }
    out[unsigned(otherwise)] += left;
}

} // namespace sim
