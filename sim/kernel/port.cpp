// SPDX-License-Identifier: GPL-2.0-or-later
//
// hv-core's port (hv/port.h), implemented on the simulated host.
#include "inject.hpp"
#include "pcpu.hpp"
#include <cstdlib>
#include <cstring>
#include <hv/port.h>
#include <hv/trace.h>

using namespace sim;

namespace
{

pcpu_module &self()
{
    return *the_host->running;
}

} // namespace

pcpu_id port_this_cpu(void)
{
    return pcpu(self().id());
}

s_time_t port_now(void)
{
    if (the_host->observing)
        return the_host->room.now() / 1000;
    return self().local_now() / 1000 + the_host->clock_ahead(self().id());
}

void port_timer_set(s_time_t deadline)
{
    pcpu_module &cpu = self();
    cpu.charge(the_host->cost.timer_program, spent::entry);
    cpu.timer.arm(deadline == S_TIME_MAX ? deadline : deadline - the_host->clock_ahead(cpu.id()), cpu.local_now());
}

void port_ipi_send(pcpu_id to)
{
    pcpu_module &cpu = self();
    cpu.charge(the_host->cost.ipi_send, spent::entry);
    cpu.sync();
    if (the_host->cpu[to.n]->dead())
        port_panic("port_ipi_send", 0, ("an IPI for pCPU " + std::to_string(to.n) + ", which was taken off").c_str());
    injector *inject = the_host->inject;
    if (inject && inject->ipi_lost(cpu.id(), to.n))
        return;
    the_host->cpu[to.n]->ipi.send(cpu.local_now() + (inject ? inject->ipi_late(to.n) : 0));
}

void port_play_dead(void)
{
    self().play_dead();
}

void port_cpu_up(pcpu_id c)
{
    the_host->cpu[c.n]->power_up(self().local_now() + the_host->cost.ipi_latency);
}

bool port_irq_pending(void)
{
    return self().irq_pending();
}

// Looks at what it waits for are a fixed time apart. Until something else happens on the machine they find what the one
// before has found, and are left out.
void port_relax_until(bool (*cond)(void *arg), void *arg)
{
    pcpu_module &cpu = self();
    const time_ps step = the_host->cost.relax;
    cpu.sync();
    cpu.spins = true;
    while (!cond(arg)) {
        const class room &r = the_host->room;
        if (r.cal.empty())
            port_panic("port_relax_until", 0, "a pCPU waits for another one, and nothing is due on any");
        time_ps now = r.now(), next = r.cal.time(r.cal.head()), steps = next > now ? (next - now - 1) / step + 1 : 1;
        cpu.start_waiting(spent::lock_wait);
        cpu.sleep_until(now + steps * step);
        cpu.done_waiting();
    }
    cpu.spins = false;
}

void port_context_switch(struct vcpu *prev, struct vcpu *next)
{
    self().context_switch(prev, next);
}

void *port_map_pages(mfn_t, unsigned order)
{
    void *va = the_host->core_pages.take(order);
    if (!va)
        the_host->room.fail(EXIT_HOST_FAILED, "no addresses for the hypervisor's heap: is virtual memory limited?");
    return va;
}

void port_unmap_pages(void *va, mfn_t, unsigned order)
{
    forget_locks(va, PAGE_SIZE << order);
    the_host->core_pages.give_back(va, order);
}

void *port_frametable_alloc(size_t bytes)
{
    if (the_host->inject && the_host->inject->alloc_fails(self().id(), HV_ALLOC_NR))
        return nullptr;
    void *p = aligned_alloc(64, (bytes + 63) & ~size_t(63));
    if (p)
        memset(p, 0, bytes);
    return p;
}

void port_frametable_free(void *p, size_t)
{
    free(p);
}

void port_clear_beside(unsigned others)
{
    the_host->clear_beside = others;
}

void port_clear_pages(mfn_t first, unsigned order)
{
    self().charge(the_host->clear_time(the_host->node_of(first)) << order, spent::memory);
}

uint64_t port_clear_pages_until_irq(mfn_t first, uint64_t n)
{
    unsigned node = the_host->node_of(first);
    time_ps page = the_host->clear_time(node);
    the_host->clearing[node]++;
    n = self().work_until_irq(n, page);
    the_host->clearing[node]--;
    return n;
}

void port_copy_page(mfn_t, mfn_t)
{
    self().charge(2 * the_host->cost.page_clear, spent::memory); // reads one page and writes another
}

bool port_pages_zero(mfn_t, unsigned)
{
    return false; // guests have no contents; what one has demanded it has written to
}

bool port_alloc_fails(enum hv_alloc_class c)
{
    return the_host->inject && the_host->inject->alloc_fails(self().id(), c);
}

void port_console_write(const char *s, size_t n)
{
    if (the_host->opt.console)
        fwrite(s, 1, n, the_host->opt.console);
    if (the_host->console_copy && the_host->console_copy != the_host->opt.console)
        fwrite(s, 1, n, the_host->console_copy);
    the_host->console_line.assign(s, n > 0 && s[n - 1] == '\n' ? n - 1 : n);
}

void port_trace(uint32_t event, unsigned nr_words, const uint32_t *words)
{
    if (the_host->measuring && the_host->trace.on())
        the_host->trace.add(self().id(), self().local_now() / 1000, event, nr_words, words);
    // Wake-up latency: from blocked -> runnable to runnable -> running.
    if ((event & 0xffff00fu) != TRC_SCHED_RUNSTATE_CHANGE || nr_words < 1)
        return;
    unsigned from = (event >> 8) & 0xf, to = (event >> 4) & 0xf;
    guest *g = the_host->find_guest(words[0]);
    if (!g)
        return;
    time_ps now = self().local_now();
    if (from == RUNSTATE_blocked && to == RUNSTATE_runnable) {
        g->woken_at = now;
    } else if (to == RUNSTATE_running && g->woken_at >= 0) {
        if (the_host->measuring &&
            !wake_histogram_add(g->vm->wakes.get(), uint64_t(now > g->woken_at ? (now - g->woken_at) / 1000 : 0)))
            the_host->room.fail(EXIT_HOST_FAILED, "out of memory");
        if (the_host->measuring && g->timer_due >= 0 && now >= g->timer_due)
            timer_wakes_add(&g->vm->late, uint64_t(now - g->timer_due) / 1000);
        g->woken_at = -1;
    }
}

void port_count(enum hv_perfc w, uint32_t n)
{
    if (the_host->observing)
        return;
    the_host->perfc[w] += n;
    self().charge(the_host->cost.perfc[w] * n, spent_of_perfc[w]);
    // A look at another pCPU's queue without its lock: a line that its owner writes. (fixed has that in its constant.)
    if (w == PERFC_sched_balance_peer && the_host->path.on())
        self().charge(time_ps(n) * the_host->path.mean_transfer(self().id()), spent::balance);
}

void port_panic(const char *file, int line, const char *text)
{
    std::string where = std::string(file) + (line ? ":" + std::to_string(line) : std::string());
    if (the_host->opt.console)
        fprintf(the_host->opt.console, "(XEN) panic on CPU %u at %s: %s\n", self().id(), where.c_str(), text);
    the_host->room.fail(EXIT_MODEL_PANIC,
                        "hypervisor panic on pCPU " + std::to_string(self().id()) + " at " + where + ": " + text);
}
