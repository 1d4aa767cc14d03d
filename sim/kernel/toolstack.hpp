// SPDX-License-Identifier: GPL-2.0-or-later
//
// The toolstack process: libxl's part (hv-core/toolstack) running in dom0. It is a thread of its own, because its code
// makes hypercalls in the middle of things; each step (user-space time, hypercall) is performed by dom0's vCPU 0 on
// whatever pCPU the hypervisor schedules it.
#ifndef SIM_KERNEL_TOOLSTACK_HPP
#define SIM_KERNEL_TOOLSTACK_HPP

#include "host.hpp"

namespace sim
{

class toolstack : public sc_core::sc_module, public process
{
  public:
    toolstack(sc_core::sc_module_name name, host &h);

    enum class step { compute, hypercall, done };

    /// Called on the pCPU's thread: go on until the next step is known. result is that of the last hypercall.
    step next(pcpu_module &cpu, long result);

    /// What libxl's own code does to the hardware between hypercalls.
    static const work_mix mix;

    hv_hypercall nr = HYPERCALL_sched_op;
    void *arg = nullptr;
    double instructions = 0;

  private:
    void thread();
    long hypercall(hv_hypercall nr, void *arg);
    void say(int level, const char *line);
    void yield_step(step s);
    void set_dom0_weight();
    void build_pools();
    void build_vms();
    ts_host xl();

    host &host_;
    pcpu_module *caller_ = nullptr;
    step step_ = step::compute;
    long result_ = 0;
    std::string last_error_;
};

} // namespace sim

#endif
