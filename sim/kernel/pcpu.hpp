// SPDX-License-Identifier: GPL-2.0-or-later
//
// A pCPU: the thread on which the hypervisor core executes, its one-shot timer and its interrupt line.
#ifndef SIM_KERNEL_PCPU_HPP
#define SIM_KERNEL_PCPU_HPP

#include "lock.hpp"

namespace sim
{

class pcpu_module;

/// The pCPU's one-shot timer device (a local APIC timer, or the ARM hypervisor timer).
class timer_device : public sc_core::sc_module, public entity
{
  public:
    timer_device(sc_core::sc_module_name name, host &h, pcpu_module &cpu, uint16_t id);
    /// ns; S_TIME_MAX disarms. Fires at least 1 ns after the deadline, and after now.
    void arm(s_time_t deadline, time_ps local_now);
    process *due(slot_id) override;

  private:
    time_ps lateness();

    host &host_;
    pcpu_module &cpu_;
    slot_id slot_;
    std::unique_ptr<stream, void (*)(stream *)> late_; ///< when interrupts are late, and by how much; none: never
    bool postponed_ = false;                           ///< the deadline has passed, the interrupt is late
};

/// The pCPU's interrupt line for inter-processor interrupts. Interrupts that arrive while one is in flight merge with
/// it.
class ipi_line : public sc_core::sc_module, public entity
{
  public:
    ipi_line(sc_core::sc_module_name name, host &h, pcpu_module &cpu, uint16_t id);
    void send(time_ps local_now);
    process *due(slot_id) override;

  private:
    host &host_;
    pcpu_module &cpu_;
    slot_id slot_;
};

class pcpu_module : public sc_core::sc_module, public process, public entity
{
  public:
    pcpu_module(sc_core::sc_module_name name, host &h, uint16_t id);

    process *due(slot_id) override;

    // ---- what the port needs ----
    /// Time as code on this pCPU sees it: the time of its last event plus what it has executed since.
    time_ps local_now()
    {
        drain();
        return host_.room.now() + time.charged();
    }
    void charge(time_ps ps, spent on)
    {
        time.add(on, ps);
    }
    /// The same for a step of whatever was charged last.
    void charge(time_ps ps)
    {
        charge(ps, time.last());
    }
    /// Charge what the core has executed since the last time (hv_cost path).
    void drain()
    {
        if (host_.path.on()) [[unlikely]]
            drain_path();
    }
    /// Let the charged time pass, so that what others do in the meantime has happened.
    void sync()
    {
        drain();
        if (time.charged() == 0)
            return;
        time_ps t = host_.room.now() + time.charged();
        if (!host_.room.advance_to(resume_, t))
            sleep_until(t);
        time.settle(t);
    }
    /// Wait, inside the hypervisor, until t.
    void sleep_until(time_ps t);
    /// Wait until somebody calls resume_at (a lock's holder).
    void wait_to_be_resumed();
    void resume_at(time_ps t)
    {
        host_.room.cal.set(resume_, t);
    }
    /// A device raises an interrupt: the process to wake, or nullptr while the hypervisor has interrupts masked.
    process *interrupt(unsigned bit);
    bool irq_pending() const
    {
        return pending_ != 0 || (dom0_at_ >= 0 && host_.room.now() >= dom0_at_);
    }
    /// Work of n equal pieces that an interrupt ends, between two of them; at least one is done. How many were.
    uint64_t work_until_irq(uint64_t n, time_ps piece);
    /// Off until somebody powers it up, at t.
    void play_dead();
    void power_up(time_ps t);
    bool dead() const
    {
        return dead_;
    }
    void context_switch(struct vcpu *prev, struct vcpu *next);
    /// The guest's current action ends at another time than thought.
    void reschedule_guest();

    uint16_t id() const
    {
        return id_;
    }
    guest *current_guest() const
    {
        return guest_;
    }
    /// It runs no vCPU, and is not in the hypervisor.
    bool idles() const
    {
        return !guest_ && mode_ == mode::guest;
    }

    /// Since when it has been in the hypervisor with interrupts masked; -1: it is not.
    time_ps masked_since() const
    {
        return mode_ == mode::hypervisor && !dead_ ? masked_ : -1;
    }

    /// Where its time went so far, to the picosecond; the sum is the time now.
    void time_spent(time_ps out[nr_spent]) const
    {
        time.read(host_.room.now(), waits_, out);
    }
    /// It waits, inside the hypervisor, for something that is no code of its own: on is what that is time of. Ends with
    /// done_waiting().
    void start_waiting(spent on)
    {
        waits_ = on;
    }
    void done_waiting()
    {
        time.pass(waits_, host_.room.now());
        waits_ = spent::entry;
    }

    static constexpr unsigned irq_timer = 1, irq_ipi = 2;

    timer_device timer;
    ipi_line ipi;
    lock_state *innermost = nullptr;    ///< of the locks that it holds, the one that it took last (hv_cost path)
    time_account time;                  ///< where its time goes
    const hv_lock *waits_for = nullptr; ///< the lock that it waits for
    time_ps waits_since = 0;            ///< and since when
    bool spins = false;                 ///< it waits in port_relax_until()
    pcpu_module *lock_next = nullptr;   ///< link in the queue of the lock that this pCPU waits for

    uint64_t context_switches = 0;

  private:
    void body() override;
    void drain_path();
    void boot();
    void wait_for_boot();
    void construct_dom0();
    void turn();
    void mask_interrupts()
    {
        mode_ = mode::hypervisor;
        masked_ = host_.room.now();
    }
    void run_guest_until_event();
    void take_interrupts();
    void guest_action();
    void settle_action(guest &g);
    void next_action(guest &g);
    void block_for_period(guest &g, time_ps period, time_ps align);
    void hold_program(guest &g);
    const work_mix *release_program(guest &g);
    void enter_hypervisor();
    void leave_hypervisor();
    void switch_out(guest &g);
    void switch_in(guest &g);

    enum class mode { offline, hypervisor, guest };

    host &host_;
    uint16_t id_;
    slot_id resume_, guest_slot_;
    mode mode_ = mode::offline;
    spent waits_ = spent::idle;
    unsigned pending_ = 0;
    bool action_due_ = false;
    bool ends_ = true;       ///< the guest action that is planned is its end, not a look at how far it has got
    time_ps masked_ = 0;     ///< interrupts have got through until then
    bool dead_ = false;      ///< taken off
    time_ps dom0_at_ = -1;   ///< pCPU 0 during boot: when all pCPUs are up and dom0 is built
    guest *guest_ = nullptr; ///< nullptr: idle
};

} // namespace sim

#endif
