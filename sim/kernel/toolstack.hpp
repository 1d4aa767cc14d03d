// SPDX-License-Identifier: GPL-2.0-or-later
//
// The toolstack process: libxl's part (hv-core/toolstack) running in dom0. It is a thread of its own, because its code
// makes hypercalls in the middle of things; each step (user-space time, hypercall) is performed by dom0's vCPU 0 on
// whatever pCPU the hypervisor schedules it.
#ifndef SIM_KERNEL_TOOLSTACK_HPP
#define SIM_KERNEL_TOOLSTACK_HPP

#include "host.hpp"
#include <map>
#include <toolstack/control.h>

namespace sim
{

class toolstack : public sc_core::sc_module, public process
{
  public:
    toolstack(sc_core::sc_module_name name, host &h);

    enum class step { compute, hypercall, rest, done };
    static constexpr time_ps never = INT64_MAX;

    /// Called on the pCPU's thread: go on until the next step is known. result is that of the last hypercall.
    step next(pcpu_module &cpu, long result);

    /// It has nothing to do before then: dom0's vCPU 0 is free for dom0's own work. never: it works.
    time_ps rests_until() const
    {
        return rests_until_;
    }
    bool rests() const
    {
        return rests_until_ != never;
    }
    /// The time has come.
    void wake()
    {
        rests_until_ = never;
    }
    /// What the scenario calls the pool of that number of Xen's; nullptr: it has no name.
    const char *pool_name(unsigned id) const;
    /// Actions of the scenario that are over.
    unsigned actions_done() const
    {
        return actions_done_;
    }

    /// Event channels of dom0 that are in use; 0 where devices take none.
    unsigned channels_in_use() const
    {
        return channels_ ? ts_channels_in_use(channels_.get()) : 0;
    }

    /// What libxl's own code does to the hardware between hypercalls.
    static const work_mix mix;

    hv_hypercall nr = HYPERCALL_sched_op;
    void *arg = nullptr;
    double instructions = 0;

  private:
    void body() override;
    long hypercall(hv_hypercall nr, void *arg);
    void say(int level, const char *line);
    void yield_step(step s);
    void rest_until(time_ps t);
    void set_dom0_weight();
    void open_channels();
    void build_pools();
    void build_vms();
    void perform_actions();
    unsigned &pool_id(unsigned pool);
    std::unique_ptr<vm> late_vm(unsigned i) const;
    long call(const ts_host &h, const scenario_action &a);
    long create_vm(const ts_host &h, const scenario_action &a);
    long destroy_vm(const ts_host &h, const scenario_action &a);
    ts_memory &memory_of(unsigned vm);
    long change_memory(const ts_host &h, const scenario_action &a);
    void balloon(const ts_host &h, unsigned vm);
    void retry_balloons(const ts_host &h);
    long set_aside(const scenario_action &a);
    void perform(const ts_host &h, const scenario_action &a, uint16_t number);
    void strike(const ts_host &h, unsigned fault);
    void cpu_goes(const ts_host &h, unsigned fault);
    void cpu_comes(const ts_host &h, unsigned fault, unsigned cpu);
    void memory_goes(const ts_host &h, unsigned fault, bool comes_back);
    void come_back(const ts_host &h);
    void mark_fault(unsigned fault, uint64_t outcome);
    void judge(const scenario_action &a, long rc, bool changed);
    ts_host xl();

    host &host_;
    pcpu_module *caller_ = nullptr;
    step step_ = step::compute;
    long result_ = 0;
    time_ps rests_until_ = never;
    std::string last_error_;
    ts_domain_result made_ = {}; ///< by the last create
    unsigned actions_done_ = 0;
    time_ps guests_since_ = 0; ///< when the guests started: actions count from there
    struct guest_memory {
        dom_id id; ///< of the domain that it is of
        ts_memory mem;
        bool missing; ///< its balloon driver has not got all that it asked for
    };
    struct absent {
        unsigned fault, cpu; ///< cpu: of cpu-offline
    };
    std::multimap<time_ps, absent> absent_;   ///< what a fault has taken away, by when it comes back
    std::map<unsigned, guest_memory> memory_; ///< of the VMs that are there and had a mem-set or mem-max, by number
    std::unique_ptr<ts_channels, void (*)(ts_channels *)> channels_{nullptr, ts_channels_free};
    std::vector<unsigned> pool_ids_; ///< Xen's number for each pool that the scenario names
};

} // namespace sim

#endif
