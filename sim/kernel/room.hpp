// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine room: simulated time, and who runs.
//
// Every active entity (pCPU, toolstack) has a stack of its own. Exactly one of them holds the baton and runs; when it
// has nothing to do before some later time it takes the next event off the calendar and passes the baton to the process
// that the event wakes. So the order in which processes run is the calendar's total order, not an accident of a kernel.
//
// The baton is passed in one of two ways. The trajectory is the same, which a test proves.
//   - Directly: processes are coroutines of SystemC's own coroutine package, and switch from one to the other. SystemC
//     sees one process, the conductor, and its clock follows ours in steps of clock_step (temporal decoupling in the
//     sense of IEEE 1666, and exact here, because nobody else was due in between).
//   - Through the kernel (sync_every_event, the slow twin): processes are SC_THREADs, a hand-over is one timed
//     notification and one wait, and the clock is advanced for every event.
// A process whose own event comes first simply goes on.
#ifndef SIM_KERNEL_ROOM_HPP
#define SIM_KERNEL_ROOM_HPP

#include "../run.h"
#include "calendar.hpp"
#include <memory>
#include <string>
#include <sysc/kernel/sc_cor.h>
#include <systemc>

namespace sim
{

/// What the fingerprint and the event log record.
enum class what : uint32_t { timer_interrupt, ipi_interrupt, guest_action, context_switch, lock_wait, mark };

class room;

class process
{
  public:
    explicit process(size_t stack_bytes) : stack_bytes_(stack_bytes)
    {
    }
    virtual ~process();
    process(const process &) = delete;
    process &operator=(const process &) = delete;

  protected:
    /// Runs from the first time that it gets the baton; does not return.
    virtual void body() = 0;

  private:
    friend class room;
    static void enter(void *me);

    size_t stack_bytes_;
    class room *room_ = nullptr;
    std::unique_ptr<sc_core::sc_cor> cor_;    // direct: made when it first gets the baton
    std::unique_ptr<sc_core::sc_event> wake_; // through the kernel
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
    explicit room(const run_options &opt) : opt_(opt), through_kernel_(opt.sync_every_event)
    {
    }

    slot_id add_slot(event_class cls, uint16_t id, entity *owner)
    {
        owner_.push_back({owner, nullptr});
        return cal.add_slot(cls, id);
    }
    /// One whose event always wakes p, and does nothing else.
    slot_id add_slot(event_class cls, uint16_t id, process *p)
    {
        owner_.push_back({nullptr, p});
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
        steps_++;
        if (through_kernel_)
            catch_up();
        return true;
    }
    /// Before the simulation starts: there is a process.
    void add_process(process *p, const char *name);
    /// Give up the baton until one of my events wakes me.
    void wait_for_turn(process *me)
    {
        process *p = next_process(me);
        if (p != me)
            pass(me, p);
        else if (through_kernel_)
            catch_up();
    }
    /// Pass the baton to p at this very moment, and come back when it is passed back.
    void switch_to(process *me, process *p)
    {
        handovers_++;
        pass(me, p);
    }
    /// As the conductor's SC_METHOD: let who has the baton go on, until SystemC's clock is to be advanced or all is
    /// over.
    void conduct();
    /// As the conductor's SC_THREAD (sync_every_event): pass the baton to the first, for good.
    void start();
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
    /// How often the baton changed hands.
    uint64_t handovers() const
    {
        return handovers_;
    }
    /// How often time passed for somebody.
    uint64_t steps() const
    {
        return steps_;
    }
    int exit_code = EXIT_DONE;
    std::string error;

  private:
    friend class process;
    /// How far SystemC's clock may be behind, 1 ms.
    static constexpr time_ps clock_step = 1'000'000'000;

    void catch_up();
    /// Whom the next event wakes.
    process *next_process(process *me)
    {
        for (;;) {
            if (cal.empty()) [[unlikely]]
                nothing_due();
            slot_id s = cal.pop();
            steps_++;
            now_ = cal.time(s);
            const waker &o = owner_[s];
            if (process *p = o.woken ? o.woken : o.told->due(s)) {
                handovers_ += p != me;
                return p;
            }
        }
    }
    [[noreturn]] void nothing_due();
    void pass(process *me, process *p)
    {
        if (!through_kernel_ && now_ - kernel_now_ < clock_step) [[likely]]
            go_on(p);
        else
            pass_by_kernel(me, p);
    }
    void pass_by_kernel(process *me, process *p);
    /// Direct: the coroutine that runs waits, and p's goes on.
    void go_on(process *p)
    {
        if (!p->cor_) [[unlikely]]
            make_stack(p);
        package_->yield(p->cor_.get());
    }
    void make_stack(process *p);

    const run_options &opt_;
    const bool through_kernel_; ///< sync_every_event
    sc_core::sc_event never_{"never"};
    sc_core::sc_cor_pkg *package_ = nullptr;
    process *baton_ = nullptr; ///< direct: who goes on when the clock has been advanced
    bool stopped_ = false;
    struct waker {
        entity *told;
        process *woken; ///< without asking; nullptr: told says who
    };
    std::vector<waker> owner_;
    time_ps now_ = 0;
    time_ps kernel_now_ = 0;
    uint64_t fingerprint_ = 0x9e3779b97f4a7c15ull;
    uint64_t events_ = 0;
    uint64_t handovers_ = 0;
    uint64_t steps_ = 0;
};

} // namespace sim

#endif
