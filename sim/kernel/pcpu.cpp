// SPDX-License-Identifier: GPL-2.0-or-later
#include "pcpu.hpp"
#include "inject.hpp"
#include "toolstack.hpp"
#include "watch.hpp"
#include <algorithm>
#include <cmath>
#include <models/cache.h>

namespace sim
{

namespace
{

/// A pCPU's hypervisor stack. Real ones have 32 KiB; host code and sanitizers need more.
constexpr size_t stack_bytes = 256 * 1024;

/// Beyond this many ps the end of an action is not an event (106 days).
constexpr double never_ps = 9.0e18;

/// Lazy rates may rise before the pCPU is named again: what takes long is looked at again so much before its end, until
/// that is less than 100 ns.
constexpr double lazy_exact_ps = 100e3;

} // namespace

// ---- devices -------------------------------------------------------------------------------------------------------

timer_device::timer_device(sc_core::sc_module_name name, host &h, pcpu_module &cpu, uint16_t id)
    : sc_module(name), host_(h), cpu_(cpu), slot_(h.room.add_slot(event_class::timer, id, this)),
      late_(nullptr, stream_close)
{
    const machine &m = *h.scn.machine;
    if (m.timer_latency_ns + m.timer_jitter_ns + m.timer_late_fraction > 0) {
        late_.reset(stream_open(h.opt.seed, ("timer-" + std::to_string(id)).c_str()));
        if (!late_)
            throw std::bad_alloc();
    }
}

void timer_device::arm(s_time_t deadline, time_ps local_now)
{
    postponed_ = false;
    if (deadline == S_TIME_MAX) {
        host_.room.cal.cancel(slot_);
        return;
    }
    time_ps t = deadline > S_TIME_MAX / 1000 - 2 ? S_TIME_MAX - 1 : (deadline + 1) * 1000;
    if (t < local_now + 1000)
        t = local_now + 1000;
    host_.room.cal.set(slot_, t);
}

time_ps timer_device::lateness()
{
    const machine &m = *host_.scn.machine;
    double ns = m.timer_latency_ns + m.timer_jitter_ns * stream_exponential(late_.get());
    if (stream_uniform(late_.get()) < m.timer_late_fraction)
        ns += m.timer_late_mean_ns * stream_exponential(late_.get());
    return ns > 0 ? 1 + time_ps(ns * 1000) : 0;
}

process *timer_device::due(slot_id)
{
    if ((late_ || host_.inject) && !postponed_) {
        time_ps by = late_ ? lateness() : 0;
        if (host_.inject)
            by += host_.inject->timer_late(cpu_.id());
        if (by > 0) {
            postponed_ = true;
            host_.room.cal.set(slot_, host_.room.now() + by);
            return nullptr;
        }
    }
    postponed_ = false;
    return cpu_.interrupt(pcpu_module::irq_timer);
}

ipi_line::ipi_line(sc_core::sc_module_name name, host &h, pcpu_module &cpu, uint16_t id)
    : sc_module(name), host_(h), cpu_(cpu), slot_(h.room.add_slot(event_class::ipi, id, this))
{
}

void ipi_line::send(time_ps local_now)
{
    time_ps t = local_now + host_.cost.ipi_latency;
    if (!host_.room.cal.due(slot_) || t < host_.room.cal.time(slot_))
        host_.room.cal.set(slot_, t);
}

process *ipi_line::due(slot_id)
{
    return cpu_.interrupt(pcpu_module::irq_ipi);
}

// ---- the processor -------------------------------------------------------------------------------------------------

pcpu_module::pcpu_module(sc_core::sc_module_name name, host &h, uint16_t id)
    : sc_module(name), process(stack_bytes), timer("timer", h, *this, id), ipi("ipi", h, *this, id), host_(h), id_(id),
      resume_(h.room.add_slot(event_class::resume, id, static_cast<process *>(this))),
      guest_slot_(h.room.add_slot(event_class::guest, id, static_cast<entity *>(this)))
{
    h.room.add_process(this, sc_module::name());
    h.room.cal.set(resume_, time_ps(id) * h.scn.cpu_up_interval_ps);
}

/// The guest's action is due.
process *pcpu_module::due(slot_id)
{
    action_due_ = true;
    return this;
}

process *pcpu_module::interrupt(unsigned bit)
{
    if (dead_)
        return nullptr;
    pending_ |= bit;
    return mode_ == mode::guest ? this : nullptr;
}

void pcpu_module::drain_path()
{
    uint64_t touched = host_.path.drain(id_, time);
    if (innermost && touched)
        charge(innermost->touch(touched));
}

void pcpu_module::turn()
{
    host_.room.wait_for_turn(this);
    host_.running = this;
    if (host_.path.on())
        host_.path.forget(); // who looked on meanwhile is not this pCPU's business
}

void pcpu_module::sleep_until(time_ps t)
{
    host_.room.cal.set(resume_, t);
    turn();
}

uint64_t pcpu_module::work_until_irq(uint64_t n, time_ps piece)
{
    if (piece == 0)
        return n;
    sync();
    time_ps from = host_.room.now(), end = from + time_ps(n) * piece;
    if (dom0_at_ >= 0 && dom0_at_ < end)
        end = dom0_at_;
    if (!irq_pending() && end > from) {
        mode_ = mode::guest; // interrupts get through
        start_waiting(spent::memory);
        sleep_until(end);
        done_waiting();
        host_.room.cal.cancel(resume_);
        mask_interrupts();
    }
    time_ps took = host_.room.now() - from;
    uint64_t done = std::clamp<uint64_t>(uint64_t((took + piece - 1) / piece), 1, n);
    charge(time_ps(done) * piece - took, spent::memory);
    return done;
}

/// What was on its way to it is lost, as with a real one.
void pcpu_module::play_dead()
{
    sync();
    dead_ = true;
    pending_ = 0;
    timer.arm(S_TIME_MAX, local_now());
    start_waiting(spent::idle);
    turn();
    done_waiting();
    masked_ = host_.room.now();
}

void pcpu_module::power_up(time_ps t)
{
    if (dead_)
        host_.room.cal.set(resume_, t);
    dead_ = false; // interrupts are held for it from now on
}

void pcpu_module::wait_to_be_resumed()
{
    turn();
}

/// One whose time comes while pCPU 0 still boots: it is told when that is over.
void pcpu_module::wait_for_boot()
{
    host_.early.push_back(this);
    turn();
}

void pcpu_module::body()
{
    if (id_ != 0 && !host_.booted)
        wait_for_boot();
    host_.running = this;
    done_waiting(); // it was not up: idle
    if (host_.path.on())
        host_.path.forget();
    mask_interrupts();
    if (id_ == 0)
        boot();
    else
        host_.hv->cpu_start();
    for (;;) {
        leave_hypervisor();
        run_guest_until_event();
        enter_hypervisor();
        if (pending_)
            take_interrupts();
        else if (guest_)
            guest_action();
        else
            construct_dom0(); // pCPU 0, once: the other pCPUs are up
    }
}

void pcpu_module::boot()
{
    hv_boot_info info = host_.boot_info();
    int rc = host_.hv->boot(&info);
    if (rc)
        host_.room.fail(EXIT_BAD_INPUT, "the hypervisor refused to boot on this machine (error " + std::to_string(-rc) +
                                            "; its console says why)");
    time_ps took[nr_spent];
    time.read(local_now(), spent::entry, took);
    host_.boot_memory = took[unsigned(spent::memory)];
    host_.booted = true;
    for (pcpu_module *c : host_.early)
        host_.room.cal.set(c->resume_, local_now());
    host_.hv->cpu_start();
    dom0_at_ = time_ps(host_.scn.machine->nr_cpus) * host_.scn.cpu_up_interval_ps;
    if (dom0_at_ < host_.room.now())
        dom0_at_ = host_.room.now();
}

void pcpu_module::construct_dom0()
{
    dom0_at_ = -1;
    int rc = host_.hv->construct_dom0(host_.scn.dom0_vcpus, host_.scn.dom0_memory);
    if (rc)
        host_.room.fail(EXIT_BAD_INPUT,
                        "dom0 could not be built (error " + std::to_string(-rc) + "; the console says why)");
    auto v = std::make_unique<vm>();
    v->name = v->label = "Domain-0";
    v->id = dom_id{0};
    v->profile = host_.scn.dom0_profile;
    host_.dom0_memory_kb = host_.hv->domain_by_id(v->id)->tot_pages * 4;
    host_.attach_vm(*v, 0, nullptr);
    v->vcpus[0]->toolstack = host_.ts.get();
    host_.vms.push_back(std::move(v));
    hv_domctl op = {};
    op.cmd = XEN_DOMCTL_unpausedomain;
    op.domid = dom_id{0};
    if (host_.hv->hypercall(HYPERCALL_domctl, &op))
        host_.room.fail(EXIT_MODEL_PANIC, "dom0 could not be unpaused");
    host_.boot_end = local_now();
}

void pcpu_module::enter_hypervisor()
{
    if (host_.path.on())
        host_.path.forget();
    if (guest_)
        charge(host_.cost.trap_entry, spent::entry);
}

void pcpu_module::leave_hypervisor()
{
    host_.hv->return_to_guest();
    if (host_.inject)
        host_.inject->served(id_);
    if (guest_)
        charge(host_.cost.trap_exit, spent::entry);
    sync();
    host_.watch->left_hypervisor();
}

void pcpu_module::take_interrupts()
{
    unsigned p = pending_;
    pending_ = 0;
    if (host_.inject)
        host_.inject->entered(id_, p & irq_ipi ? injector::entry::ipi : injector::entry::timer);
    charge(host_.cost.interrupt, spent::entry);
    if (p & irq_timer) {
        host_.room.record(event_class::timer, id_, what::timer_interrupt, 0);
        host_.hv->timer_interrupt();
    }
    if (p & irq_ipi) {
        host_.room.record(event_class::ipi, id_, what::ipi_interrupt, 0);
        host_.hv->event_check_interrupt();
    }
}

void pcpu_module::reschedule_guest()
{
    double compute = guest_->left / guest_->per_ps, early = 0;
    if (host_.scn.lazy_rates && compute > lazy_exact_ps) {
        early = compute * rate_rise(host_.rates, id_);
        early = early > lazy_exact_ps ? early : 0;
    }
    ends_ = early == 0;
    double in = guest_->warmup + compute - early;
    time_ps at = in < never_ps - double(host_.room.now()) ? host_.room.now() + time_ps(in) + 1 : toolstack::never;
    if (guest_->toolstack && guest_->toolstack->rests_until() < at)
        at = guest_->toolstack->rests_until();
    if (at != toolstack::never)
        host_.room.cal.set(guest_slot_, at);
    else
        host_.room.cal.cancel(guest_slot_);
}

/// The guest (or idle) has the pCPU until an interrupt comes in or the guest wants something of the hypervisor.
void pcpu_module::run_guest_until_event()
{
    mode_ = mode::guest;
    while (!pending_) {
        if (guest_) {
            settle_action(*guest_);
            if (guest_->doing != guest::doing::compute)
                break;
        } else if (dom0_at_ >= 0) {
            if (host_.room.now() >= dom0_at_)
                break;
            host_.room.cal.set(resume_, dom0_at_);
        }
        host_.solve_rates();
        if (guest_) {
            guest &g = *guest_;
            host_.load_rate(g, id_);
            if (g.fresh) {
                g.fresh = false;
                g.warmup = g.warmup_total =
                    rate_warmup_ns(host_.rates, id_, &g.task, g.l2_resident, g.l3_resident) * 1000;
            }
            g.last = host_.room.now();
            g.executing = true;
            host_.set_inserting(g, id_);
            reschedule_guest();
        }
        start_waiting(guest_ ? spent::guest : spent::idle);
        turn();
        done_waiting();
        if (guest_) {
            host_.progress(*guest_, id_);
            guest_->executing = false;
            host_.set_inserting(*guest_, id_);
            host_.room.cal.cancel(guest_slot_);
            if (action_due_) {
                action_due_ = false;
                bool rests = guest_->toolstack && host_.room.now() >= guest_->toolstack->rests_until();
                if (!rests && !ends_ && guest_->left > 0)
                    continue;
                if (!rests)
                    guest_->left = 0;
                host_.room.record(event_class::guest, id_, what::guest_action, host_.name_of(guest_->vcpu));
            }
        }
    }
    if (dom0_at_ >= 0)
        host_.room.cal.cancel(resume_);
    mask_interrupts();
}

/// Go on to the next action where the current one is over; those that need no hypervisor cost nothing.
void pcpu_module::settle_action(guest &g)
{
    for (;;) {
        if (g.toolstack && host_.room.now() >= g.toolstack->rests_until())
            hold_program(g);
        switch (g.doing) {
        case guest::doing::compute:
            if (g.left > 0)
                return;
            break;
        case guest::doing::block:
            if (!g.block_issued || !g.vcpu->upcall_pending)
                return;
            g.vcpu->upcall_pending = false;
            if (g.toolstack && host_.room.now() < g.block_until) {
                g.block_issued = false; // a timer that was set on a pCPU whose clock is ahead of this one's
                return;
            }
            g.awake_at = host_.room.now();
            break;
        case guest::doing::hypercall:
            return;
        case guest::doing::nothing:
            break;
        }
        next_action(g);
    }
}

/// Sleep until a period after the last wake-up was due. The guest reads its clock when it wakes: a wake-up that had
/// passed by then is left out, and the new one is a period from then on. One that passes only while the guest is busy
/// is not slept for. This is what a recorded guest does (docs/replay.md). With align above 0 it asks for the next time
/// that is so much after a whole number of periods, by the system time that Xen shows its guests.
void pcpu_module::block_for_period(guest &g, time_ps period, time_ps align)
{
    if (align > 0) {
        time_ps since = host_.room.now() + period - align; // a period more: never negative
        g.block_until = host_.room.now() + period - since % period;
        return;
    }
    time_ps due = (g.timer_due >= 0 ? g.timer_due : g.awake_at) + period;
    if (due < g.awake_at)
        due = g.awake_at + period;
    if (due > host_.room.now()) {
        g.block_until = due;
    } else {
        g.timer_due = due;
        g.doing = guest::doing::nothing;
    }
}

/// dom0's vCPU 0 does its own work until the toolstack's time comes, as a process that is preempted.
void pcpu_module::hold_program(guest &g)
{
    g.toolstack->wake();
    g.held.doing = g.doing;
    g.held.left = g.left;
    g.held.mix = g.task.mix;
    if (g.doing == guest::doing::block && g.block_issued)
        g.vcpu->upcall_pending = false;
    g.doing = guest::doing::nothing;
}

/// And goes on with it.
const work_mix *pcpu_module::release_program(guest &g)
{
    g.doing = g.held.doing;
    g.left = g.held.left;
    g.held.doing = guest::doing::nothing;
    if (g.doing == guest::doing::block && g.block_until >= 0 && g.block_until <= host_.room.now()) {
        g.doing = guest::doing::nothing; // slept for long enough
        g.awake_at = host_.room.now();
    }
    return g.doing == guest::doing::nothing ? g.task.mix : g.held.mix;
}

void pcpu_module::next_action(guest &g)
{
    if (g.awake_at < 0)
        g.awake_at = host_.room.now(); // its first
    const work_mix *mix = g.task.mix;
    g.block_issued = false;
    if (g.toolstack && !g.toolstack->rests()) {
        switch (g.toolstack->next(*this, g.result)) {
        case toolstack::step::compute:
            g.doing = guest::doing::compute;
            g.left = g.toolstack->instructions;
            mix = &toolstack::mix;
            break;
        case toolstack::step::hypercall:
            g.doing = guest::doing::hypercall;
            break;
        case toolstack::step::done:
            g.toolstack = nullptr;
            mix = release_program(g);
            break;
        case toolstack::step::rest:
            mix = release_program(g);
            break;
        }
    } else if (g.program) {
        struct action a;
        program_next(g.program, &a);
        if (a.kind == ACTION_COMPUTE) {
            g.doing = guest::doing::compute;
            g.left = a.instructions;
            mix = a.mix;
        } else {
            g.doing = guest::doing::block;
            g.block_ps = a.block_ps;
            g.block_until = -1;
            if (a.period_ps > 0)
                block_for_period(g, a.period_ps, a.align_ps);
        }
    } else {
        g.doing = guest::doing::block;
        g.block_ps = INT64_MAX;
        g.block_until = -1;
    }
    if (mix != g.task.mix) {
        g.task.mix = mix;
        host_.set_task(id_, &g.task);
    }
}

/// In the hypervisor, on behalf of the guest: what its current action asks for.
void pcpu_module::guest_action()
{
    guest &g = *guest_;
    if (host_.inject)
        host_.inject->entered(id_, injector::entry::guest);
    if (g.doing == guest::doing::hypercall) {
        long rc = host_.hv->hypercall(g.toolstack->nr, g.toolstack->arg);
        if (rc == -HV_ERESTART) {
            // Again when this vCPU next runs. Part of a memory operation is done; others wait for a lock or a pCPU, and
            // must not find everything as it was.
            if (g.toolstack->nr != HYPERCALL_memory_op)
                charge(host_.cost.relax, spent::entry);
            return;
        }
        g.result = rc;
        g.doing = guest::doing::nothing;
        return;
    }
    if (!g.block_issued) {
        g.block_issued = true;
        g.count.blocks++;
        if (g.block_until < 0)
            g.block_until = g.block_ps != INT64_MAX ? local_now() + g.block_ps : toolstack::never;
        time_ps due = g.block_until;
        if (due != toolstack::never)
            g.timer_due = due / 1000 * 1000;
        if (g.toolstack && g.toolstack->rests_until() < due)
            due = g.toolstack->rests_until();
        if (due != toolstack::never) {
            hv_set_timer_op t = {due / 1000 + host_.clock_ahead(id_)};
            host_.hv->hypercall(HYPERCALL_set_timer_op, &t);
            charge(host_.cost.trap_exit + host_.cost.trap_entry, spent::entry); // the guest makes two calls
        }
    }
    hv_sched_op op = {SCHEDOP_block};
    host_.hv->hypercall(HYPERCALL_sched_op, &op);
}

// ---- who runs ------------------------------------------------------------------------------------------------------

void pcpu_module::context_switch(struct vcpu *, struct vcpu *next)
{
    charge(host_.cost.world_switch, spent::switching);
    sync();
    context_switches++;
    host_.room.record(event_class::resume, id_, what::context_switch, host_.name_of(next));
    host_.progress_sharers(id_);
    if (guest_)
        switch_out(*guest_);
    guest_ = static_cast<guest *>(next->guest);
    if (guest_)
        switch_in(*guest_);
    host_.set_task(id_, guest_ ? &guest_->task : nullptr);
}

void pcpu_module::switch_out(guest &g)
{
    const machine &m = *host_.scn.machine;
    if (g.fresh)
        return; // never got to execute: its caches are where they were
    double warm = g.warmup_total > 0 ? 1 - g.warmup / g.warmup_total : 1;
    double l2 = g.task.mix->footprint < double(m.l2.size) ? g.task.mix->footprint : double(m.l2.size);
    g.l2 = int(m.l2.of[id_]);
    g.l3 = int(m.l3.of[id_]);
    g.l2_held = l2 * warm;
    g.l3_held = g.l3_share * warm;
    g.l2_inserted = host_.l2_inserted[m.l2.of[id_]];
    g.l3_inserted = host_.l3_inserted[m.l3.of[id_]].until(host_.room.now());
}

void pcpu_module::switch_in(guest &g)
{
    const machine &m = *host_.scn.machine;
    unsigned l2 = m.l2.of[id_], l3 = m.l3.of[id_];
    double inserted = host_.l3_inserted[l3].until(host_.room.now());
    g.l2_resident =
        g.l2 == int(l2) ? cache_resident(g.l2_held, host_.l2_inserted[l2] - g.l2_inserted, double(m.l2.size)) : 0;
    g.l3_resident = g.l3 == int(l3) ? cache_resident(g.l3_held, inserted - g.l3_inserted, double(m.l3.size)) : 0;
    if (g.last_cpu >= 0 && g.last_cpu != int(id_))
        g.count.migrations++;
    g.count.switches++;
    g.last_cpu = int(id_);
    g.fresh = true;
    g.warmup = g.warmup_total = 0;
}

} // namespace sim
