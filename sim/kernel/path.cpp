// SPDX-License-Identifier: GPL-2.0-or-later
#include "path.hpp"
#include "lock.hpp"
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <dlfcn.h>
#include <hv/path.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

#ifndef HVSIM_PATH_CORE
#define HVSIM_PATH_CORE ""
#endif

namespace sim
{

namespace
{

static_assert(HV_PATH_STEP == PATH_SITE_STEP);
static_assert(nr_spent <= HV_PATH_SUMS);

using table_ptr = std::unique_ptr<path_table, void (*)(path_table *)>;

/// An instruction of HV_PATH_STEP bytes that does nothing: for blocks that touch no lines.
const unsigned char nothing[HV_PATH_STEP] = {0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0};

std::string take(char *&err)
{
    std::string s = err ? err : "out of memory";
    free(err);
    err = nullptr;
    return s;
}

bool has(const char *name, const char *part)
{
    return strstr(name, part) != nullptr;
}

bool in_folder(const char *file, const char *folder)
{
    return strncmp(file, folder, strlen(folder)) == 0;
}

/// The object's blocks: as its build decoded them, or decoded now.
table_ptr open_table(const char *file, std::string &error)
{
    char *err = nullptr;
    uint64_t id = path_object_id(file);
    table_ptr t(path_table_read((std::string(file) + ".blocks").c_str(), id, &err), path_table_free);
    if (!t && !err)
        t.reset(path_table_decode(file, &err));
    if (!t)
        error = take(err);
    return t;
}

} // namespace

spent spent_of_function(const char *file, const char *name)
{
    if (in_folder(file, "mm/"))
        return spent::memory;
    if (has(name, "balance") || has(name, "steal") || has(file, "balance"))
        return spent::balance;
    if (has(name, "tickle") || has(name, "wake") || has(name, "evtchn"))
        return spent::wake;
    if (has(name, "tick"))
        return spent::tick;
    if (has(file, "_acct") || has(name, "acct") || has(name, "account") || has(name, "burn") ||
        has(name, "replenish") || has(name, "budget") || has(name, "credits"))
        return spent::accounting;
    if (has(file, "sched/switch.c") || has(name, "context_switch"))
        return spent::switching;
    return in_folder(file, "common/") ? spent::entry : spent::schedule;
}

path_costs::path_costs(const scenario &s) : m_(*s.machine), core_(s.core)
{
    if (s.cost_mode != HV_COST_PATH)
        return;
    if (m_.nr_kinds > 1)
        for (unsigned c = 0; c < m_.nr_cpus; c++)
            scale_.push_back(int64_t(65536 / m_.kind[m_.cpu[c].kind].speed + 0.5));
    mean_.resize(m_.nr_cpus);
    for (unsigned b = 0; b < m_.nr_cpus; b++) {
        time_ps all = 0;
        for (unsigned a = 0; a < m_.nr_cpus; a++)
            all += transfer(a, b);
        mean_[b] = m_.nr_cpus > 1 ? all / (m_.nr_cpus - 1) : 0;
    }
}

std::string path_costs::default_object()
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    std::string dir(exe, n > 0 ? size_t(n) : 0);
    dir = dir.substr(0, dir.find_last_of('/') + 1);
    for (const std::string &at :
         {dir + "hv-core/hv-core-path.so", dir + "../lib/hvsim/hv-core-path.so", std::string(HVSIM_PATH_CORE)})
        if (!at.empty() && access(at.c_str(), R_OK) == 0)
            return at;
    return "";
}

bool path_costs::attach(void *object, const char *file, std::string &error)
{
    auto get = reinterpret_cast<const struct hv_path *(*)()>(dlsym(object, "hv_path_get"));
    const struct hv_path *p = get ? get() : nullptr;
    if (!p || p->abi != HV_PATH_ABI) {
        error =
            std::string(file) +
            ": was not built to count what it executes, which --hv-cost path needs (docs/hypervisor-cost.md has how)";
        return false;
    }
    table_ptr t = open_table(file, error), reference(nullptr, path_table_free);
    if (!t)
        return false;
    if (!t->nr_plain[core_.isa]) {
        char *err = nullptr;
        reference.reset(path_table_read((default_object() + ".blocks").c_str(), 0, &err));
        free(err);
        if (reference)
            path_table_take_sources(t.get(), reference.get());
    }
    std::vector<double> cycles(t->nr_sites);
    ratio_ = path_table_weigh(t.get(), reference.get(), &core_, cycles.data());
    if (!patch(p, t.get(), cycles, error)) {
        error = std::string(file) + ": " + error;
        return false;
    }
    char id[64];
    snprintf(id, sizeof(id), "path %016llx on ", static_cast<unsigned long long>(t->object_id));
    id_ = std::string(id) + core_.name;
    sum_ = p->sum;
    touched_ = p->touched;
    return true;
}

bool path_costs::patch(const struct hv_path *p, const struct path_table *t, const std::vector<double> &cycles,
                       std::string &error) const
{
    auto address = [](const int32_t *s) {
        return reinterpret_cast<unsigned char *>(reinterpret_cast<uintptr_t>(s)) + *s;
    };
    if (size_t(p->site_end - p->site) != t->nr_sites || !t->nr_sites) {
        error = "is not what was decoded";
        return false;
    }
    uintptr_t low = UINTPTR_MAX, high = 0, page = uintptr_t(sysconf(_SC_PAGESIZE));
    for (const int32_t *s = p->site; s != p->site_end; s++) {
        low = std::min(low, reinterpret_cast<uintptr_t>(address(s)));
        high = std::max(high, reinterpret_cast<uintptr_t>(address(s)) + 2 * HV_PATH_STEP);
    }
    low &= ~(page - 1);
    high = (high + page - 1) & ~(page - 1);
    if (mprotect(reinterpret_cast<void *>(low), high - low, PROT_READ | PROT_WRITE | PROT_EXEC)) {
        error = std::string("its code cannot be written to: ") + strerror(errno);
        return false;
    }
    std::vector<spent> kind;
    for (unsigned f = 0; f < t->nr_functions; f++)
        kind.push_back(spent_of_function(t->function[f].file, t->function[f].name));
    double ps = 1e12 / m_.freq_hz;
    for (unsigned i = 0; i < t->nr_sites; i++) {
        unsigned char *at = address(p->site + i);
        double cost = cycles[i] * ps + 0.5;
        int32_t distance, constant = cost < INT32_MAX ? int32_t(cost) : INT32_MAX;
        memcpy(&distance, at + HV_PATH_DISTANCE, sizeof(distance));
        distance += 8 * int32_t(kind[t->site[i].function]);
        memcpy(at + HV_PATH_DISTANCE, &distance, sizeof(distance));
        memcpy(at + HV_PATH_CONSTANT, &constant, sizeof(constant));
        constant = t->site[i].block.derefs;
        if (constant)
            memcpy(at + HV_PATH_STEP + HV_PATH_CONSTANT, &constant, sizeof(constant));
        else
            memcpy(at + HV_PATH_STEP, nothing, sizeof(nothing));
    }
    mprotect(reinterpret_cast<void *>(low), high - low, PROT_READ | PROT_EXEC);
    return true;
}

uint64_t path_costs::drain(unsigned cpu, time_account &out)
{
    time_ps most = 0;
    spent main = out.last();
    for (unsigned k = 0; k < nr_spent; k++) {
        if (!sum_[k])
            continue;
        time_ps ps = scaled(cpu, sum_[k]);
        sum_[k] = 0;
        out.add(spent(k), ps);
        if (ps > most) {
            most = ps;
            main = spent(k);
        }
    }
    out.set_last(main);
    uint64_t touched = uint64_t(*touched_);
    *touched_ = 0;
    return touched;
}

/// Threads of a core share its first level. Cores that share a cache pay for two trips through it: to the tags that
/// know the owner, and to the owner's own cache. Between others a modified line takes about as long as memory of the
/// owner's node does.
time_ps path_costs::transfer(unsigned a, unsigned b) const
{
    if (a == b || m_.cpu[a].core == m_.cpu[b].core)
        return 0;
    double ns = m_.l2.of[a] == m_.l2.of[b] && !m_.no_l3 ? 2 * m_.l2.latency_ns
                : m_.l3.of[a] == m_.l3.of[b]            ? 2 * m_.l3.latency_ns
                                             : m_.mem_latency_ns[m_.cpu[b].node * m_.nr_nodes + m_.cpu[a].node];
    return time_ps(ns * 1000 + 0.5);
}

void lock_state::move_to(unsigned cpu, const path_costs &path)
{
    if (data_at == int(cpu))
        return;
    if (data_at >= 0) {
        foreign = touched + 1;
        distance = path.transfer(unsigned(data_at), cpu);
    }
    touched = 0;
    data_at = int(cpu);
}

} // namespace sim
