// SPDX-License-Identifier: GPL-2.0-or-later
#define SC_INCLUDE_DYNAMIC_PROCESSES // sc_spawn
#include "room.hpp"

namespace sim
{

namespace
{

sc_core::sc_time from_ps(time_ps t)
{
    // The kernel's resolution is 1 ps (set before elaboration), so this is exact.
    return sc_core::sc_time::from_value(uint64_t(t));
}

// One round of a multiply-xorshift mixer: every input bit reaches every output bit after two rounds.
uint64_t mix(uint64_t h, uint64_t x)
{
    h ^= x;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 32;
    return h;
}

} // namespace

// ---- a process and its stack ----------------------------------------------------------------------------------------

process::~process() = default;

void process::enter(void *me)
{
    auto *p = static_cast<process *>(me);
    try {
        p->body();
    } catch (const std::bad_alloc &) {
        p->room_->fail(EXIT_HOST_FAILED, "out of memory");
    } catch (const std::exception &e) {
        p->room_->fail(EXIT_HOST_FAILED, e.what());
    }
    p->room_->fail(EXIT_MODEL_PANIC, "a process has come to its end");
}

void room::add_process(process *p, const char *name)
{
    p->room_ = this;
    if (!through_kernel_)
        return;
    p->wake_ = std::make_unique<sc_core::sc_event>((std::string(name) + "_wake").c_str());
    sc_core::sc_spawn_options o;
    o.set_stack_size(int(p->stack_bytes_));
    sc_core::sc_spawn(
        [p] {
            sc_core::wait(*p->wake_);
            process::enter(p);
        },
        (std::string(name) + "_process").c_str(), &o);
}

// ---- the baton ------------------------------------------------------------------------------------------------------

void room::catch_up()
{
    if (kernel_now_ == now_)
        return;
    sc_core::wait(from_ps(now_ - kernel_now_));
    kernel_now_ = now_;
}

void room::make_stack(process *p)
{
    p->cor_.reset(package_->create(p->stack_bytes_, process::enter, p));
    p->cor_->stack_protect(true);
}

/// The clock is behind by its step, or it goes along with every event.
void room::pass_by_kernel(process *me, process *p)
{
    if (!through_kernel_) {
        baton_ = p;
        package_->yield(package_->get_main());
        return;
    }
    if (kernel_now_ == now_) {
        p->wake_->notify();
    } else {
        p->wake_->notify(from_ps(now_ - kernel_now_));
        kernel_now_ = now_;
    }
    sc_core::wait(me ? *me->wake_ : never_);
}

void room::nothing_due()
{
    fail(EXIT_MODEL_PANIC, "nothing is due any more: every processor waits for another");
}

void room::start()
{
    // The other threads are created first, so that they wait for their turn by the time this one runs; one delta cycle
    // makes that independent of the kernel's order of initialisation.
    sc_core::wait(sc_core::SC_ZERO_TIME);
    pass(nullptr, next_process(nullptr));
}

void room::conduct()
{
    if (!package_) {
        package_ = sc_core::sc_get_curr_simcontext()->cor_pkg();
        baton_ = next_process(nullptr);
    }
    go_on(baton_);
    if (stopped_)
        return;
    sc_core::next_trigger(from_ps(now_ - kernel_now_));
    kernel_now_ = now_;
}

void room::stop()
{
    sc_core::sc_stop();
    stopped_ = true;
    for (;;) {
        if (through_kernel_)
            sc_core::wait(never_);
        else
            package_->yield(package_->get_main());
    }
}

void room::fail(int code, const std::string &why)
{
    if (exit_code == EXIT_DONE) {
        exit_code = code;
        error = why;
    }
    stop();
}

void room::record(event_class cls, uint16_t id, what w, uint64_t arg)
{
    uint64_t h = mix(fingerprint_, uint64_t(now_));
    h = mix(h, (uint64_t(cls) << 48) | (uint64_t(id) << 32) | uint64_t(w));
    fingerprint_ = mix(h, arg);
    if (opt_.on_event) {
        run_event e = {events_, now_, uint16_t(cls), id, uint32_t(w), arg, fingerprint_};
        opt_.on_event(opt_.ctx, &e);
    }
    events_++;
}

} // namespace sim
