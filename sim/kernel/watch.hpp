// SPDX-License-Identifier: GPL-2.0-or-later
//
// Looks over the hypervisor's shoulder: invariants, work conservation, vCPUs that starve. It only reads, between two
// events, and takes no simulated time: a watched run has the fingerprint of one that is not.
//
// Invariants (--check-invariants[=N]): after every N-th stay of a pCPU in the hypervisor, provided that no other pCPU
// is in it: what the core knows of itself (hv_core.check), and that no pCPU idles for longer than the scheduler's own
// rule while a vCPU that may run there waits (check_work_conserving). A violation ends the run with EXIT_MODEL_PANIC,
// after the run queues in the manner of debug key 'r'.
//
// Stalls (scenario key `watchdog`): a vCPU that has been runnable for longer than that without running is named, with
// the run queues, once for each time that it waits.
//
// Stuck pCPUs (xen.watchdog): one on which no interrupt has got through for watchdog_timeout, because it waits for a
// lock that nobody releases, or does not find the way out. Xen's NMI looks every second, and so does this: the run ends
// with EXIT_MODEL_PANIC and says which pCPU, the lock, who holds it and who else waits.
#ifndef SIM_KERNEL_WATCH_HPP
#define SIM_KERNEL_WATCH_HPP

#include "host.hpp"

namespace sim
{

class watch : public entity
{
  public:
    explicit watch(host &h);
    /// The watchdog begins to look.
    void guests_started();
    process *due(slot_id s) override;
    /// A pCPU has left the hypervisor.
    void left_hypervisor()
    {
        if (host_.opt.check_invariants && ++stays_ % host_.opt.check_invariants == 0)
            check();
    }
    /// Vcpus that the watchdog has named.
    unsigned stalls() const
    {
        return stalls_;
    }
    /// Time in which some vCPU waited while a pCPU of its pool and hard affinity idled, as seen between two checks.
    time_ps idle_while_waiting() const
    {
        return idle_while_waiting_;
    }

  private:
    void check();
    uint64_t memory_operations() const;
    void note_idle_while_waiting();
    void look(guest &g);
    void look_for_stuck();
    static std::string what_it_does(const pcpu_module &c);
    void report_stall(const guest &g, s_time_t waited);
    /// Onto the console and the standard error: what debug key 'r' prints.
    void dump_run_queues();
    [[noreturn]] void violated(const std::string &what);

    host &host_;
    slot_id slot_, nmi_slot_;
    uint64_t stays_ = 0, memory_seen_ = 0;
    s_time_t slack_;
    unsigned stalls_ = 0;
    time_ps last_check_ = -1, idle_while_waiting_ = 0;
    bool was_idle_while_waiting_ = false;
};

} // namespace sim

#endif
