/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of entry points (hv/core.h). */
#include "boot.h"

#include <hv/core.h>
#include <hv/event_channel.h>
#include <hv/numa.h>
#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/tasklet.h>
#include <hv/timer.h>

/* Set by a build that wants to be told apart from others; the compiler's name otherwise. */
#ifndef HV_BUILD_ID
#define HV_BUILD_ID __VERSION__
#endif

/*
 * Which pCPUs are inside the core, in an entry that may take simulated time. While one is, what it is changing is in
 * between, and only a part of the invariants holds.
 */
static bool inside[HV_MAX_PCPUS];

bool hv_quiescent(void)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        if (inside[c])
            return false;
    return true;
}

static bool *enter(void)
{
    bool *in = &inside[port_this_cpu().n];
    *in = true;
    return in;
}

static int core_boot(const struct hv_boot_info *info)
{
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++)
        inside[c] = false;
    bool *in = enter();
    int rc = hv_boot(info);
    *in = false;
    return rc;
}

static void core_cpu_start(void)
{
    bool *in = enter();
    sched_cpu_start();
    *in = false;
}

static long core_hypercall(enum hv_hypercall nr, void *arg)
{
    bool *in = enter();
    long rc = hv_hypercall(nr, arg);
    *in = false;
    return rc;
}

static int core_construct_dom0(unsigned nr_vcpus, uint64_t mem_bytes)
{
    bool *in = enter();
    int rc = hv_construct_dom0(nr_vcpus, mem_bytes);
    *in = false;
    return rc;
}

/* This pCPU was taken off: what is still to be done here is done by another one. Not if something came up. */
static void stop_this_cpu(void)
{
    pcpu_id self = port_this_cpu(), heir = cpumask_first(&hv_cpu_online);

    timers_leave(self, heir);
    tasklets_leave(self, heir);
    if (!softirq_pending(self))
        port_play_dead();
}

/* The idle loop, where nothing is waiting. What is seen of the heap meanwhile is in order. */
static bool idle(bool *in)
{
    if (!is_idle_vcpu(sched_current(port_this_cpu())) || hypercall_preempt_check())
        return false;
    *in = false;
    bool more = false;
    if (cpumask_test(&hv_cpu_online, port_this_cpu()))
        more = scrub_free_pages();
    else
        stop_this_cpu();
    *in = true;
    return more || softirq_pending(port_this_cpu());
}

static void core_return_to_guest(void)
{
    bool *in = enter();
    do {
        do
            softirq_run();
        while (tasklet_run());
    } while (idle(in) && !port_irq_pending());
    *in = false;
}

static void core_timer_interrupt(void)
{
    softirq_raise(TIMER_SOFTIRQ);
}

/* The sender has set the bits already. */
static void core_event_check_interrupt(void)
{
}

/*
 * Lock-free: a report must not disturb the run. Between two events of the port a pCPU can be in the middle of a path,
 * its clock ahead of the observer's: what the state before has got too much is then taken off the present one, and sums
 * over states and vCPUs are exact.
 */
static void core_vcpu_runstate(const struct vcpu *v, s_time_t time[4])
{
    for (unsigned i = 0; i < RUNSTATE_NR; i++)
        time[i] = v->runstate_time[i];
    time[v->runstate] += port_now() - v->runstate_entry;
}

static s_time_t core_idle_time(pcpu_id cpu)
{
    s_time_t time[RUNSTATE_NR];
    core_vcpu_runstate(hv_idle_domain->vcpu[cpu.n], time);
    return time[RUNSTATE_running];
}

static void core_pages_per_node(const struct domain *d, uint64_t pages[HV_MAX_NODES])
{
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        pages[n] = d->node_pages[n];
}

static bool core_cpu_online(pcpu_id cpu)
{
    return cpu.n < hv_nr_cpus && cpumask_test(&hv_cpu_online, cpu);
}

static void core_own_memory(struct hv_own_memory *out)
{
    *out = (struct hv_own_memory){0};
    xenheap_pages(out->xenheap);
    xmalloc_usage(&out->shared, &out->object_bytes);
    out->object_bytes -= timers_memory(out->timers);
}

static const char *core_check_sched(void)
{
    const char *broken = sched_check();
    return broken || !hv_quiescent() ? broken : timers_check();
}

static const char *core_check(void)
{
    const char *broken = core_check_sched();
    if (!broken)
        broken = mm_check();
    return broken ? broken : evtchn_check();
}

static long core_inspect(enum hv_hypercall nr, void *arg)
{
    switch (nr) {
    case HYPERCALL_domctl:
        return do_domctl(arg);
    case HYPERCALL_sysctl:
        return do_sysctl(arg);
    default:
        return -HV_ENOSYS;
    }
}

static const struct hv_core core = {
    .abi_version = HV_ABI_VERSION,
    .build_id = HV_BUILD_ID,
    .boot = core_boot,
    .cpu_start = core_cpu_start,
    .timer_interrupt = core_timer_interrupt,
    .event_check_interrupt = core_event_check_interrupt,
    .hypercall = core_hypercall,
    .return_to_guest = core_return_to_guest,
    .current = sched_current,
    .domain_by_id = domain_find,
    .vcpu_runstate = core_vcpu_runstate,
    .idle_time = core_idle_time,
    .cpu_online = core_cpu_online,
    .bad_option = dom0_bad_option,
    .construct_dom0 = core_construct_dom0,
    .domain_pages_per_node = core_pages_per_node,
    .domain_pages_by_size = p2m_count_pages,
    .own_memory = core_own_memory,
    .check = core_check,
    .check_sched = core_check_sched,
    .check_work_conserving = sched_check_work_conserving,
    .scheduler = sched_info,
    .inspect = core_inspect,
};

__attribute__((visibility("default"))) const struct hv_core *hv_core_get(void)
{
    return &core;
}
