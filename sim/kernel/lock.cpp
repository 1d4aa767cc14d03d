// SPDX-License-Identifier: GPL-2.0-or-later
//
// Locks: their part of hv-core's port (hv/port.h).
#include "lock.hpp"
#include "inject.hpp"
#include "pcpu.hpp"
#include <hv/port.h>
#include <map>

namespace sim
{

namespace
{

/// By the lock's address: another lock that gets the place of one that went takes over its state, and what was in a
/// page goes with it.
std::map<uintptr_t, lock_state> lock_states;

void add(lock_stats &to, const lock_stats &s)
{
    to.acquired += s.acquired;
    to.contended += s.contended;
    to.try_failed += s.try_failed;
    to.wait += s.wait;
    to.hold += s.hold;
}

/// A lock goes; its figures stay.
void close(const lock_state &s)
{
    if (s.all)
        add(*s.all, s.stats);
}

const char *name_of(const hv_lock *l)
{
    return l->name ? l->name : "lock";
}

/// The first use of a lock.
[[gnu::noinline]] lock_state &new_state(hv_lock *l)
{
    lock_state &s = lock_states[reinterpret_cast<uintptr_t>(l)];
    if (s.held)
        port_panic(name_of(l), 0, "a lock's memory was used again while the lock was held");
    close(s);
    s = lock_state();
    s.all = &the_host->locks[{l->name ? l->name : "unnamed", l->of}];
    l->port = &s;
    return s;
}

inline lock_state &state_of(hv_lock *l)
{
    return l->port ? *static_cast<lock_state *>(l->port) : new_state(l);
}

/// Its lines move to cpu (hv_cost path).
[[gnu::noinline]] void move_lines(lock_state &s, pcpu_module &cpu, const host &h)
{
    s.move_to(cpu.id(), h.path);
    s.outer = cpu.innermost;
    cpu.innermost = &s;
}

void take(hv_lock *l, lock_state &s, pcpu_module &cpu, const host &h)
{
    l->holder = uint16_t(cpu.id() + 1);
    s.stats.acquired++;
    s.held = true;
    s.since = h.room.now();
    if (h.path.on()) [[unlikely]]
        move_lines(s, cpu, h);
}

/// It is no longer among those that cpu holds.
[[gnu::noinline]] void drop(lock_state &s, pcpu_module &cpu)
{
    for (lock_state **at = &cpu.innermost; *at; at = &(*at)->outer)
        if (*at == &s) {
            *at = s.outer;
            return;
        }
}

/// An atomic operation on a lock (hv_cost path): its line comes from whoever touched it last.
[[gnu::noinline]] void reach(lock_state &s, pcpu_module &cpu, const host &h)
{
    if (s.line_at >= 0)
        cpu.charge(h.path.transfer(unsigned(s.line_at), cpu.id()));
    s.line_at = int(cpu.id());
}

/// cpu, having come as far as this operation on the lock, finds it at the time that it then is.
lock_state &come_to(hv_lock *l, pcpu_module &cpu, const host &h)
{
    lock_state &s = state_of(l);
    cpu.drain();
    cpu.charge(h.cost.lock);
    if (h.path.on()) [[unlikely]]
        reach(s, cpu, h);
    cpu.sync();
    return s;
}

/// From the release of a lock until the next one in order knows. All who wait poll the line, each gets it again in
/// turn, and the next in order is as likely to be the first as the last: half of the others come before it.
time_ps handover(const lock_state &s, const pcpu_module &from, const pcpu_module &next)
{
    if (!the_host->path.on())
        return the_host->cost.lock_transfer;
    time_ps others = 0;
    for (const pcpu_module *w = s.head; w; w = w->lock_next)
        others += the_host->path.transfer(from.id(), w->id());
    time_ps all = the_host->path.transfer(from.id(), next.id()) + others / 2;
    return all < 1000 ? 1000 : all; // nothing is instantaneous between pCPUs
}

/// from has let go of it now. The lock is the next ticket's from now on; its holder finds out when the cache line has
/// reached it.
[[gnu::noinline]] void pass_on(hv_lock *l, lock_state &s, const pcpu_module &from)
{
    pcpu_module &next = *s.head;
    s.head = next.lock_next;
    if (!s.head)
        s.tail = nullptr;
    take(l, s, next, *the_host);
    s.stats.contended++;
    next.resume_at(the_host->room.now() + handover(s, from, next));
    s.line_at = int(next.id());
}

void let_go(hv_lock *l, lock_state &s, pcpu_module &cpu)
{
    l->owner++;
    l->holder = 0;
    s.held = false;
    s.last = cpu.id();
    s.free_at = cpu.local_now();
    s.stats.hold += s.free_at - s.since;
}

/// Where that is seen, or costs something: somebody waits, the lock's lines are followed, the slow twin.
[[gnu::noinline]] void let_go_visibly(hv_lock *l, lock_state &s, pcpu_module &cpu, const host &h)
{
    cpu.drain();
    if (h.path.on())
        reach(s, cpu, h);
    if (s.head || h.opt.sync_every_release)
        cpu.sync();
    if (h.path.on())
        drop(s, cpu);
    let_go(l, s, cpu);
    if (s.head)
        pass_on(l, s, cpu);
}

[[gnu::noinline]] void wait_for(hv_lock *l, lock_state &s, pcpu_module &cpu)
{
    time_ps from = the_host->room.now();
    bool let_go = !s.held && !s.head; // but that time is to come
    cpu.lock_next = nullptr;
    (s.tail ? s.tail->lock_next : s.head) = &cpu;
    s.tail = &cpu;
    cpu.waits_for = l;
    cpu.waits_since = from;
    cpu.start_waiting(spent::lock_wait);
    if (let_go) {
        cpu.sleep_until(s.free_at);
        pass_on(l, s, *the_host->cpu[s.last]);
    }
    cpu.wait_to_be_resumed();
    cpu.done_waiting();
    cpu.waits_for = nullptr;
    time_ps waited = the_host->room.now() - from;
    s.stats.wait += waited;
    the_host->room.record(event_class::resume, cpu.id(), what::lock_wait, uint64_t(waited));
}

} // namespace

void forget_locks(const void *va, size_t bytes)
{
    auto from = lock_states.lower_bound(reinterpret_cast<uintptr_t>(va));
    auto to = from;
    for (; to != lock_states.end() && to->first - reinterpret_cast<uintptr_t>(va) < bytes; ++to) {
        if (to->second.held)
            port_panic("port_unmap_pages", 0, "pages are freed while a lock in them is held");
        close(to->second);
    }
    lock_states.erase(from, to);
}

lock_figures lock_figures_now(const host &h)
{
    time_ps now = h.room.now();
    std::map<const lock_stats *, lock_stats> more;
    for (const auto &[at, s] : lock_states) {
        lock_stats &x = more[s.all];
        add(x, s.stats);
        if (s.held)
            x.hold += now - s.since;
        else if (s.free_at > now)
            x.hold -= s.free_at - now;
    }
    for (const auto &c : h.cpu)
        if (c->waits_for)
            more[static_cast<const lock_state *>(c->waits_for->port)->all].wait += now - c->waits_since;
    lock_figures all = h.locks;
    for (auto &[key, stats] : all)
        add(stats, more[&h.locks.at(key)]);
    return all;
}

} // namespace sim

using namespace sim;

void port_lock(hv_lock *l)
{
    const host &h = *the_host;
    if (h.observing)
        return;
    pcpu_module &cpu = *h.running;
    lock_state &s = come_to(l, cpu, h);
    l->next++;
    if (l->holder == cpu.id() + 1)
        port_panic(name_of(l), 0, "a pCPU takes a lock that it holds");
    if (s.busy(h.room.now(), cpu.id()))
        wait_for(l, s, cpu);
    else
        take(l, s, cpu, h);
}

bool port_trylock(hv_lock *l)
{
    const host &h = *the_host;
    if (h.observing)
        return true;
    pcpu_module &cpu = *h.running;
    lock_state &s = come_to(l, cpu, h);
    if (s.busy(h.room.now(), cpu.id()) || (h.inject && h.inject->trylock_fails(cpu.id()))) {
        s.stats.try_failed++;
        return false;
    }
    l->next++;
    take(l, s, cpu, h);
    return true;
}

void port_unlock(hv_lock *l)
{
    const host &h = *the_host;
    if (h.observing)
        return;
    pcpu_module &cpu = *h.running;
    lock_state &s = state_of(l);
    if (l->holder != cpu.id() + 1)
        port_panic(name_of(l), 0, "a pCPU releases a lock that it does not hold");
    if (s.head || h.path.on() || h.opt.sync_every_release) [[unlikely]]
        let_go_visibly(l, s, cpu, h);
    else
        let_go(l, s, cpu);
}
