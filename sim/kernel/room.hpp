// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine room: simulated time, and who runs.
//
// Every active entity (pCPU, toolstack) is an SC_THREAD. Exactly one of them holds the baton and runs; when it has
// nothing to do before some later time it takes the next event off the calendar and passes the baton to the process
// that the event wakes, through SystemC: one timed notification, one wait. So SystemC's queue holds one event at a
// time, and the order in which processes run is the calendar's total order, not an accident of the kernel.
//
// A process whose own event comes first simply goes on: it runs ahead of the SystemC clock, which catches up at the
// next hand-over (temporal decoupling in the sense of IEEE 1666, and exact here, because nobody else was due in
// between). With sync_every_event the clock is advanced for every event; the trajectory is the same, which a test
// proves.
#ifndef SIM_KERNEL_ROOM_HPP
#define SIM_KERNEL_ROOM_HPP

#include "../run.h"
#include "calendar.hpp"
#include <string>
#include <systemc>

namespace sim
{

/// What the fingerprint and the event log record.
enum class what : uint32_t { timer_interrupt, ipi_interrupt, guest_action, context_switch, lock_wait, mark };

class process
{
  public:
    explicit process(const char *name) : wake_((std::string(name) + ".wake").c_str())
    {
    }
    virtual ~process() = default;
    sc_core::sc_event wake_;
};

/// Something that owns calendar slots. due() is called when one of them is taken off the calendar.
class entity
{
  public:
    virtual ~entity() = default;
    /// The process to pass the baton to, or nullptr if nobody has to run.
    virtual process *due(slot_id s) = 0;
};

class room
{
  public:
    explicit room(const run_options &opt) : opt_(opt)
    {
    }

    slot_id add_slot(event_class cls, uint16_t id, entity *owner)
    {
        owner_.push_back(owner);
        return cal.add_slot(cls, id);
    }

    calendar cal;

    time_ps now() const
    {
        return now_;
    }
    /// Let time pass up to t (not before now), if nobody is due first. False: somebody is.
    bool advance_to(slot_id s, time_ps t)
    {
        if (!cal.would_be_first(s, t))
            return false;
        now_ = t;
        if (opt_.sync_every_event)
            catch_up();
        return true;
    }
    /// Give up the baton until one of my events wakes me.
    void wait_for_turn(process *me);
    /// Pass the baton to p at this very moment, and come back when it is passed back.
    void switch_to(process *me, process *p);
    /// End the simulation from inside, from whichever thread runs. Does not return.
    [[noreturn]] void stop();
    /// The hypervisor panicked or the model found itself broken. Does not return.
    [[noreturn]] void fail(int exit_code, const std::string &why);

    void record(event_class cls, uint16_t id, what w, uint64_t arg);
    uint64_t fingerprint() const
    {
        return fingerprint_;
    }
    uint64_t events() const
    {
        return events_;
    }
    /// Hand-overs through the SystemC kernel.
    uint64_t handovers() const
    {
        return handovers_;
    }
    int exit_code = EXIT_DONE;
    std::string error;

  private:
    void catch_up();

    const run_options &opt_;
    sc_core::sc_event never_{"never"};
    std::vector<entity *> owner_;
    time_ps now_ = 0;
    time_ps kernel_now_ = 0;
    uint64_t fingerprint_ = 0x9e3779b97f4a7c15ull;
    uint64_t events_ = 0;
    uint64_t handovers_ = 0;
};

} // namespace sim

#endif
