// SPDX-License-Identifier: GPL-2.0-or-later
#include "host.hpp"
#include "pcpu.hpp"
#include "toolstack.hpp"
#include <algorithm>
#include <ctime>

namespace sim
{

host *the_host;

double cpu_clock_s()
{
    timespec t = {};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

namespace
{

time_ps ps(double ns)
{
    return time_ps(ns * 1000.0 + 0.5);
}

/// Nothing is instantaneous between pCPUs.
time_ps at_least_1ns(double ns)
{
    return ps(ns) < 1000 ? 1000 : ps(ns);
}

cost_table make_costs(const scenario &s)
{
    cost_table c;
    if (s.cost_mode == HV_COST_NONE)
        return c;
    for (unsigned i = 0; i < PERFC_NR; i++)
        c.perfc[i] = s.cost_mode == HV_COST_FIXED ? ps(s.costs.perfc_ns[i]) : 0; // path: what their code costs
    c.trap_entry = ps(s.costs.trap_entry_ns);
    c.trap_exit = ps(s.costs.trap_exit_ns);
    c.interrupt = ps(s.costs.interrupt_ns);
    c.ipi_send = ps(s.costs.ipi_send_ns);
    c.timer_program = ps(s.costs.timer_program_ns);
    c.world_switch = ps(s.costs.world_switch_ns);
    c.lock = ps(s.costs.lock_ns);
    c.page_clear = ps(s.costs.page_clear_ns);
    c.ipi_latency = at_least_1ns(s.costs.ipi_latency_ns);
    c.lock_transfer = at_least_1ns(s.costs.lock_transfer_ns);
    c.relax = at_least_1ns(s.costs.lock_transfer_ns);
    return c;
}

} // namespace

host::host(const scenario &s, const run_options &o, const hv_core *core)
    : scn(s), opt(o), hv(core), room(o), cost(make_costs(s)), path(s), rates(rate_create(s.machine)),
      trace(o.trace, s.machine->nr_cpus), changed_(s.machine->nr_cpus)
{
    const machine &m = *s.machine;
    if (!rates || (s.lazy_rates && rate_lazy(rates))) {
        rate_free(rates);
        throw std::bad_alloc();
    }
    for (unsigned c = 0; c < m.nr_cpus; c++) {
        boot_cpu_.push_back({uint16_t(m.cpu[c].socket), uint16_t(m.cpu[c].core), uint16_t(m.cpu[c].thread),
                             node_id{uint8_t(m.cpu[c].node)}});
    }
    for (unsigned i = 0; i < m.nr_ranges; i++)
        boot_range_.push_back(
            {m.range[i].start >> PAGE_SHIFT, m.range[i].end >> PAGE_SHIFT, node_id{uint8_t(m.range[i].node)}});
    clearing.assign(m.nr_nodes, 0);
    l2_inserted.assign(m.l2.nr, 0.0);
    l3_inserted.resize(m.l3.nr);
    l2_cpus_.resize(m.l2.nr);
    l3_cpus_.resize(m.l3.nr);
    for (unsigned c = 0; c < m.nr_cpus; c++) {
        l2_cpus_[m.l2.of[c]].push_back(c);
        l3_cpus_[m.l3.of[c]].push_back(c);
    }
    the_host = this;
    for (unsigned c = 0; c < m.nr_cpus; c++)
        cpu.push_back(std::make_unique<pcpu_module>(("pcpu" + std::to_string(c)).c_str(), *this, uint16_t(c)));
    ts = std::make_unique<toolstack>("toolstack", *this);
}

host::~host()
{
    rate_free(rates);
    the_host = nullptr;
}

hv_boot_info host::boot_info() const
{
    hv_boot_info b = {};
    b.level = scn.level;
    b.opt = scn.opt;
    b.arch = scenario_arch(scn.machine);
    b.nr_cpus = scn.machine->nr_cpus;
    b.nr_nodes = scn.machine->nr_nodes;
    b.nr_ranges = unsigned(boot_range_.size());
    b.cpu = boot_cpu_.data();
    b.range = boot_range_.data();
    b.slit = scn.machine->slit;
    return b;
}

/// The model's clock: lazy rates move on between solutions, and count what that comes to.
void host::elapse()
{
    rate_elapse(rates, double(room.now() - rates_at_) / 1000);
    rates_at_ = room.now();
}

void host::progress(guest &g, unsigned c)
{
    double dt = double(room.now() - g.last), per_ps = g.per_ps;
    g.last = room.now();
    if (scn.lazy_rates && dt > 0) {
        double before = g.work;
        load_work(g, c);
        per_ps = (g.work - before) / dt;
    }
    if (g.warmup > 0) {
        double paid = g.warmup < dt ? g.warmup : dt;
        g.warmup -= paid;
        g.count.warmup_ps += paid;
        dt -= paid;
    }
    if (dt <= 0)
        return;
    const machine_cpu &where = scn.machine->cpu[c];
    double instr = per_ps * dt;
    g.left = instr < g.left ? g.left - instr : 0;
    double misses = instr * g.miss_per_instr;
    g.count.instructions += instr;
    g.count.misses += misses;
    g.count.local_misses += misses * g.task.node_share[where.node];
    if (!scn.lazy_rates)
        l3_inserted[scn.machine->l3.of[c]].counted += misses * scn.machine->l3.line;
    l2_inserted[scn.machine->l2.of[c]] += instr * g.task.mix->l3_apki / 1000 * scn.machine->l2.line;
}

void host::set_inserting(guest &g, unsigned c)
{
    if (!scn.lazy_rates)
        return;
    insertions &of = l3_inserted[scn.machine->l3.of[c]];
    double now = double(room.now());
    of.per_ps -= g.inserts_per_ps;
    of.rate_since -= g.inserts_per_ps * g.inserts_since;
    of.counted += now > g.inserts_since ? g.inserts_per_ps * (now - g.inserts_since) : 0;
    g.inserts_per_ps = g.executing ? g.per_ps * g.miss_per_instr * scn.machine->l3.line : 0;
    g.inserts_since = now + g.warmup;
    of.per_ps += g.inserts_per_ps;
    of.rate_since += g.inserts_per_ps * g.inserts_since;
}

void host::progress_all(const std::vector<unsigned> &cpus)
{
    for (unsigned c : cpus) {
        guest *g = cpu[c]->current_guest();
        if (g && g->executing)
            progress(*g, c);
    }
}

void host::progress_l3(unsigned l3)
{
    progress_all(l3_cpus_[l3]);
}

/// Lazy rates: 4,096 pCPUs have L3s that 64 of them share, and a switch should not look at all.
void host::progress_sharers(unsigned c)
{
    progress_all(scn.lazy_rates ? l2_cpus_[scn.machine->l2.of[c]] : l3_cpus_[scn.machine->l3.of[c]]);
}

void host::load_work(guest &g, unsigned c)
{
    elapse();
    g.work = rate_work(rates, c);
}

void host::load_rate(guest &g, unsigned c)
{
    g.per_ps = rate_ipns(rates, c) / 1000;
    if (scn.lazy_rates)
        load_work(g, c);
    g.miss_per_instr = rate_miss_per_instr(rates, c);
    g.l3_share = rate_l3_share(rates, c);
}

void host::set_task(unsigned c, const rate_task *task)
{
    if (rate_set(rates, c, task))
        room.fail(EXIT_HOST_FAILED, "out of memory for the rate model");
    rates_dirty = true;
}

void host::solve_rates()
{
    if (!rates_dirty)
        return;
    rates_dirty = false;
    if (scn.lazy_rates)
        elapse();
    unsigned n = rate_solve(rates, changed_.data());
    for (unsigned i = 0; i < n; i++) {
        unsigned c = changed_[i];
        guest *g = cpu[c]->current_guest();
        if (!g)
            continue;
        if (g->executing)
            progress(*g, c);
        load_rate(*g, c);
        if (g->executing) {
            set_inserting(*g, c);
            cpu[c]->reschedule_guest();
        }
    }
}

void host::attach_vm(vm &v, int64_t offset_ps, const ts_domain_config *cfg)
{
    struct domain *d = hv->domain_by_id(v.id);
    /* Where they are, whatever the hypervisor knows of nodes. */
    uint64_t sizes[HV_MAX_NODES][3] = {}, pages[HV_MAX_NODES] = {}, total = 0;
    hv->domain_pages_by_size(d, sizes);
    for (unsigned n = 0; n < scn.machine->nr_nodes; n++)
        total += pages[n] = sizes[n][0] + sizes[n][1] + sizes[n][2];
    for (unsigned n = 0; n < scn.machine->nr_nodes && total; n++)
        v.node_share[n] = double(pages[n]) / double(total);
    v.sees_nodes = cfg && cfg->nr_vnodes;
    v.wakes.reset(new wake_histogram());
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct vcpu *hvv = d->vcpu[i];
        if (!hvv)
            continue;
        auto g = std::make_unique<guest>();
        g->vm = &v;
        g->vcpu = hvv;
        g->task.mix = &toolstack::mix; // of one without a program, which is dom0's
        if (v.profile) {
            std::string entity = v.name + ".vcpu" + std::to_string(i);
            g->program = program_create(v.profile, stream_open(opt.seed, entity.c_str()), offset_ps);
            g->task.mix = &v.profile->phase[0].mix;
        }
        const ts_vnode *own = v.sees_nodes ? &cfg->vnode[cfg->vcpu_vnode[i]] : nullptr;
        for (unsigned n = 0; n < MACHINE_MAX_NODES; n++)
            g->task.node_share[n] = own ? double(n == own->pnode) : v.node_share[n];
        hvv->guest = g.get();
        v.vcpus.push_back(g.get());
        guests.push_back(std::move(g));
    }
    if (vm_by_dom_.size() <= v.id.n) {
        vm_by_dom_.reserve(scn.nr_vms + 1u);
        vm_by_dom_.resize(v.id.n + 1u);
    }
    vm_by_dom_[v.id.n] = &v;
}

void host::detach_vm(vm &v)
{
    v.after = sample_vcpus(v);
    v.woken = summarise_wakes(*v.wakes);
    v.wakes.reset();
    for (const auto &c : cpu)
        if (c->current_guest() && c->current_guest()->vm == &v)
            room.fail(EXIT_MODEL_PANIC, "a vCPU of " + v.label + " is on a pCPU, and its domain is paused");
    for (guest *g : v.vcpus)
        g->vcpu->guest = nullptr;
    guests.erase(std::remove_if(guests.begin(), guests.end(), [&](const auto &g) { return g->vm == &v; }),
                 guests.end());
    std::vector<guest *>().swap(v.vcpus); // with its memory
    vm_by_dom_[v.id.n] = nullptr;
    v.id = DOM_INVALID;
}

std::vector<vcpu_sample> host::sample_vcpus(const vm &v) const
{
    std::vector<vcpu_sample> out;
    for (const guest *g : v.vcpus) {
        out.push_back({g->count, {}});
        hv->vcpu_runstate(g->vcpu, out.back().runstate);
    }
    return out;
}

guest *host::find_guest(uint32_t trace_v) const
{
    unsigned dom = trace_v >> 16, vcpu = trace_v & 0xffff;
    if (dom >= vm_by_dom_.size() || !vm_by_dom_[dom] || vcpu >= vm_by_dom_[dom]->vcpus.size())
        return nullptr;
    return vm_by_dom_[dom]->vcpus[vcpu];
}

unsigned host::node_of(mfn_t frame) const
{
    for (const hv_mem_range &r : boot_range_)
        if (frame.n >= r.start_mfn && frame.n < r.end_mfn)
            return r.node.n;
    return 0;
}

/// Cleared pages go to memory past the caches (Xen's clear_page stores that way), so each is written once:
///     page = max(page_clear, n x 4096 x (1 + write cost) / bandwidth of the node)
/// with n pCPUs that clear pages there, this one among them. write cost: what a written line takes longer than a read
/// one, of which the bandwidth is (memory.turnaround of the machine). What guests move meanwhile is not subtracted.
time_ps host::clear_time(unsigned node) const
{
    const machine &m = *scn.machine;
    if (cost.page_clear == 0)
        return 0;
    double alone = 4096 * (1 + m.write_cost) / m.mem_bandwidth[node] * 1e12;
    time_ps share = time_ps((1 + clear_beside + clearing[node]) * alone + 0.5);
    return share > cost.page_clear ? share : cost.page_clear;
}

} // namespace sim
