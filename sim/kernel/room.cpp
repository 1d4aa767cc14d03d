// SPDX-License-Identifier: GPL-2.0-or-later
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

void room::catch_up()
{
    if (kernel_now_ == now_)
        return;
    sc_core::wait(from_ps(now_ - kernel_now_));
    kernel_now_ = now_;
}

void room::wait_for_turn(process *me)
{
    for (;;) {
        if (cal.empty())
            fail(EXIT_MODEL_PANIC, "nothing is due any more: every processor waits for another");
        slot_id s = cal.pop();
        now_ = cal.time(s);
        process *p = owner_[s]->due(s);
        if (!p)
            continue;
        if (p == me) {
            if (opt_.sync_every_event)
                catch_up();
            return;
        }
        handovers_++;
        if (kernel_now_ == now_) {
            p->wake_.notify();
        } else {
            p->wake_.notify(from_ps(now_ - kernel_now_));
            kernel_now_ = now_;
        }
        sc_core::wait(me->wake_);
        return;
    }
}

void room::switch_to(process *me, process *p)
{
    handovers_++;
    p->wake_.notify();
    sc_core::wait(me->wake_);
}

void room::stop()
{
    sc_core::sc_stop();
    for (;;)
        sc_core::wait(never_);
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
