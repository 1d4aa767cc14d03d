// SPDX-License-Identifier: GPL-2.0-or-later
//
// The inside of a vCPU: which action it is at, and how far. Progress is computed, not stepped: between two events the
// rate is constant (models/rate.h), so instructions = rate * time.
#ifndef SIM_KERNEL_GUEST_HPP
#define SIM_KERNEL_GUEST_HPP

#include "calendar.hpp"
#include "timer_wakes.h"
#include "wake_histogram.h"
#include <hv/core.h>
#include <memory>
#include <models/rate.h>
#include <string>
#include <vector>
#include <workloads/program.h>

namespace sim
{

/// What a vCPU has done; a window of measurement is the difference of two of these.
struct guest_counters {
    double instructions = 0;
    double misses = 0;       ///< L3 misses
    double local_misses = 0; ///< those served by the node of the pCPU
    double warmup_ps = 0;    ///< time lost to refilling caches
    uint64_t migrations = 0;
    uint64_t switches = 0; ///< to it
    uint64_t blocks = 0;
};

/// Where a vCPU stood at some time.
struct vcpu_sample {
    guest_counters count;
    s_time_t runstate[RUNSTATE_NR] = {};
};

/// What the metrics say of wake-ups, in ns. The histogram is there while its VM is.
struct wake_summary {
    uint64_t count = 0, p50 = 0, p99 = 0, max = 0;
};

struct wake_histogram_deleter {
    void operator()(wake_histogram *h) const
    {
        wake_histogram_clear(h);
        delete h;
    }
};

inline wake_summary summarise_wakes(const wake_histogram &h)
{
    return {h.count, wake_histogram_quantile(&h, 50, 100), wake_histogram_quantile(&h, 99, 100), h.max};
}

/// A virtual machine as the simulator sees it, dom0 included. Of one that was destroyed only what the metrics say of it
/// is left: a host that makes and destroys all day holds no more than its guests of the moment, and these few words.
struct vm {
    std::string name;
    std::string label;       ///< of its metrics: the name, or NAME#N for the N-th that an action makes of one name
    dom_id id = DOM_INVALID; ///< DOM_INVALID: it is not there yet, or not any more
    const workload_profile *profile = nullptr;
    double node_share[MACHINE_MAX_NODES] = {};
    bool sees_nodes = false; ///< vnuma=: a vCPU works on the memory of its own node, not on the VM's
    std::unique_ptr<wake_histogram, wake_histogram_deleter> wakes; ///< while it is there
    wake_summary woken;                                            ///< of its wakes, once it is not any more
    timer_wakes late = {};
    std::vector<struct guest *> vcpus; ///< while it is there
    /// Its vCPUs when the window of measurement began (empty: it was made later) and when the window or the VM ended.
    std::vector<vcpu_sample> before, after;
};

struct guest {
    struct vm *vm = nullptr;
    struct vcpu *vcpu = nullptr;
    struct program *program = nullptr;    ///< owned
    class toolstack *toolstack = nullptr; ///< dom0's vCPU 0 until the toolstack has no more to do

    enum class doing { nothing, compute, block, hypercall } doing = doing::nothing;
    double left = 0;           ///< compute: instructions still to do
    int64_t block_ps = 0;      ///< block: how long; INT64_MAX: until something else wakes it
    time_ps block_until = -1;  ///< block: until then instead, -1: block_ps says; once issued: when it is over
    time_ps awake_at = -1;     ///< when it went on after its last block, at first: when it started
    time_ps timer_due = -1;    ///< when the last block that had an end is over or was; -1: there was none
    bool block_issued = false; ///< block: the timer is set, waiting for its event
    long result = 0;           ///< of the toolstack's last hypercall
    rate_task task = {};
    /// What the toolstack took the vCPU from; it goes on when the toolstack rests.
    struct {
        enum doing doing = doing::nothing;
        double left = 0;
        const work_mix *mix = nullptr;
    } held;

    // Valid while the vCPU is on a pCPU.
    bool executing = false; ///< in guest mode; otherwise the hypervisor has the pCPU
    time_ps last = 0;       ///< progress is computed up to here
    bool fresh = false;     ///< was just scheduled in: warm-up still to be worked out
    double warmup = 0;      ///< ps of refilling still to pay
    double warmup_total = 0;
    double per_ps = 0; ///< instructions per ps
    double work = 0;   ///< lazy rates: what its pCPU had made at `last`
    double miss_per_instr = 0;
    double l3_share = 0;                          ///< bytes of L3 that it holds when warm
    double inserts_per_ps = 0, inserts_since = 0; ///< its part of host::l3_inserted

    // Where its cache contents are (models: cache_resident).
    int last_cpu = -1, l2 = -1, l3 = -1;
    double l2_held = 0, l3_held = 0;         ///< bytes held when it left
    double l2_inserted = 0, l3_inserted = 0; ///< insertion counters of these caches when it left
    double l2_resident = 0, l3_resident = 0; ///< still there when it was scheduled in

    time_ps woken_at = -1; ///< became runnable from blocked then, and has not run yet

    guest_counters count;
    /// The watchdog's: since when it has been runnable, as far as that was seen; -1: it was not.
    s_time_t waits_since = -1;
    bool stall_reported = false; ///< in that time

    ~guest()
    {
        program_free(program);
    }
};

} // namespace sim

#endif
