// SPDX-License-Identifier: GPL-2.0-or-later
#include "toolstack.hpp"
#include "measure.hpp"
#include "pcpu.hpp"
#include <cmath>
#include <cstdarg>
#include <cstring>
#include <workloads/stream.h>

namespace sim
{

namespace
{

/// libxl and libxc work on structures of hundreds of KiB, some of them on the stack.
constexpr size_t stack_bytes = 4 * 1024 * 1024;

/// User-space and dom0-kernel instructions around one hypercall of libxc (privcmd ioctl, bounce buffers). Estimated:
/// some 10 us of dom0 time.
constexpr double instructions_per_hypercall = 20000;

} // namespace

// Estimated: integer code that stays in L2.
const work_mix toolstack::mix = {1.0, 0.4, 10, 0.5, 1.5, 0.3, 256 * 1024, 0, 0.1, 1, {1024 * 1024}, {0.1}};

toolstack::toolstack(sc_core::sc_module_name name, host &h) : sc_module(name), process(stack_bytes), host_(h)
{
    h.room.add_process(this, sc_module::name());
}

toolstack::step toolstack::next(pcpu_module &cpu, long result)
{
    caller_ = &cpu;
    result_ = result;
    host_.room.switch_to(&cpu, this);
    host_.running = caller_;
    return step_;
}

void toolstack::yield_step(step s)
{
    step_ = s;
    host_.room.switch_to(this, caller_);
}

void toolstack::rest_until(time_ps t)
{
    if (t <= host_.room.now())
        return;
    rests_until_ = t;
    yield_step(step::rest);
}

long toolstack::hypercall(hv_hypercall n, void *a)
{
    instructions = instructions_per_hypercall;
    yield_step(step::compute);
    nr = n;
    arg = a;
    yield_step(step::hypercall);
    return result_;
}

void toolstack::say(int level, const char *line)
{
    static const char *const words[] = {"error", "warning", "note"};
    if (level == 0)
        last_error_ = line;
    if (host_.opt.console)
        fprintf(host_.opt.console, "(xl) %s: %s\n", words[level < 0 || level > 2 ? 2 : level], line);
}

void toolstack::body()
{
    set_dom0_weight();
    open_channels();
    build_pools();
    build_vms();
    perform_actions();
    for (;;)
        yield_step(step::done);
}

void toolstack::set_dom0_weight()
{
    // Only these have weights; the scenario's loader holds dom0.weight to that.
    if (strcmp(host_.scn.opt.sched, "credit") != 0 && strcmp(host_.scn.opt.sched, "credit2") != 0)
        return;
    hv_domctl op = {};
    op.cmd = XEN_DOMCTL_scheduler_op;
    op.domid = dom_id{0};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.weight = host_.scn.dom0_weight;
    op.u.scheduler_op.cap = 0xffff;
    long rc = hypercall(HYPERCALL_domctl, &op);
    if (rc)
        host_.room.fail(EXIT_BAD_INPUT, "dom0's weight was refused (error " + std::to_string(-rc) + ")");
}

void toolstack::open_channels()
{
    if (!host_.scn.dom0_channels)
        return;
    channels_.reset(ts_channels_new());
    if (!channels_)
        throw std::bad_alloc();
    ts_host h = xl();
    if (ts_channels_boot(&h, host_.scn.dom0_vcpus))
        host_.room.fail(EXIT_BAD_INPUT, last_error_);
}

ts_host toolstack::xl()
{
    ts_host h = {};
    h.ctx = this;
    h.level = host_.scn.level;
    h.claim_mode = host_.scn.claim_mode;
    h.channels = channels_.get();
    h.hypercall = [](void *ctx, hv_hypercall n, void *a) { return static_cast<toolstack *>(ctx)->hypercall(n, a); };
    h.log = [](void *ctx, int level, const char *line) { static_cast<toolstack *>(ctx)->say(level, line); };
    return h;
}

void toolstack::build_pools()
{
    ts_host h = xl();
    for (unsigned i = 0; i < host_.scn.nr_pools; i++) {
        const scenario_pool &p = host_.scn.pool[i];
        unsigned id = 0;
        if (ts_cpupool_create(&h, &p.cfg, &id))
            host_.room.fail(EXIT_BAD_INPUT, std::string("pool ") + p.cfg.name + " cannot be made: " + last_error_);
        // They are made in order, and the boot pool is 0: what the VMs' pool_id counts on.
        if (id != i + 1)
            host_.room.fail(EXIT_MODEL_PANIC, "a cpupool got another number than the next");
    }
}

/// The place of a VM that an action will make.
std::unique_ptr<vm> toolstack::late_vm(unsigned i) const
{
    auto v = std::make_unique<vm>();
    const scenario &s = host_.scn;
    unsigned same = 1;
    for (unsigned k = 0; k < i; k++)
        same += !strcmp(s.vm[k].cfg.name, s.vm[i].cfg.name);
    v->name = v->label = s.vm[i].cfg.name;
    if (same > 1)
        v->label += "#" + std::to_string(same);
    v->profile = s.vm[i].profile;
    return v;
}

void toolstack::build_vms()
{
    ts_host h = xl();
    std::vector<dom_id> ids;
    host_.start_cpu_s = cpu_clock_s();
    for (unsigned i = 0; i < host_.scn.nr_vms; i++) {
        const scenario_vm &sv = host_.scn.vm[i];
        if (sv.late) {
            host_.vms.push_back(late_vm(i));
            continue;
        }
        ts_domain_result made = {};
        host_.console_line.clear();
        if (ts_domain_create(&h, &sv.cfg, &made))
            host_.room.fail(EXIT_BAD_INPUT, std::string("VM ") + sv.cfg.name + " cannot be created: " +
                                                (last_error_.empty() ? "see the console" : last_error_) +
                                                (host_.console_line.empty() ? "" : "; Xen: " + host_.console_line));
        auto v = std::make_unique<vm>();
        v->name = v->label = sv.cfg.name;
        v->id = made.domid;
        v->profile = sv.profile;
        stream *s = stream_open(host_.opt.seed, (v->name + ".start").c_str());
        // Whole nanoseconds, as everything that reaches the hypervisor.
        int64_t max_ns = host_.scn.start_offset_max_ps / 1000;
        int64_t offset = int64_t(stream_uniform(s) * double(max_ns)) * 1000;
        stream_close(s);
        host_.attach_vm(*v, offset, &sv.cfg);
        host_.vms.push_back(std::move(v));
        ids.push_back(made.domid);
    }
    for (dom_id id : ids)
        if (ts_domain_unpause(&h, id))
            host_.room.fail(EXIT_MODEL_PANIC, "a finished domain could not be unpaused");
    host_.guests_cpu_s = cpu_clock_s();
    host_.measure->guests_started();
}

} // namespace sim
