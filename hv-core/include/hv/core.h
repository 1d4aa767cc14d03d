/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hypervisor core offers to the port: one table of entry points. The port reaches the core through this table
 * only, so that a core built as a shared object can take the place of the linked one.
 */
#ifndef HV_CORE_H
#define HV_CORE_H

#include <hv/boot.h>
#include <hv/domain.h>
#include <hv/mm.h>
#include <hv/public/hypercall.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes whenever this file, hv/domain.h, hv/port.h or the public headers change their meaning. */
#define HV_ABI_VERSION 12u

struct hv_sched_info {
    const char *name, *opt_name; /* for people; the word after sched= */
    unsigned id;                 /* XEN_SCHEDULER_* */
};

/* What the core itself has. The heaps of its timers grow with their number and never shrink: they are told apart. */
struct hv_own_memory {
    uint64_t xenheap[HV_MAX_NODES]; /* pages, all of them */
    uint64_t timers[HV_MAX_NODES];  /* pages of these that heaps of timers have to themselves */
    uint64_t shared;                /* pages of these that objects below a page share */
    uint64_t object_bytes;          /* of the objects in them, those of timers left out */
};

struct hv_core {
    uint32_t abi_version;
    const char *build_id;

    /*
     * Bring the hypervisor up on pCPU 0: heap, NUMA, scheduler, idle vCPUs, per-pCPU data of all pCPUs. Called once, on
     * pCPU 0. 0 or -HV_E*; on error the reason was printed to the console.
     */
    int (*boot)(const struct hv_boot_info *info);
    /* First call on each pCPU's own stack (pCPU 0's right after boot): it joins the scheduler and becomes idle. */
    void (*cpu_start)(void);

    /* Interrupts. Called with interrupts masked, from guest mode or from idle; they only raise softirqs. */
    void (*timer_interrupt)(void);
    void (*event_check_interrupt)(void);

    /*
     * A hypercall of the vCPU current on this pCPU. arg points to the struct that goes with nr. May return
     * -HV_ERESTART: call return_to_guest(), and when this vCPU runs again call with the same arg.
     */
    long (*hypercall)(enum hv_hypercall nr, void *arg);

    /*
     * The way out of every entry: handle softirqs until none is pending; may switch context any number of times.
     * Afterwards current(pCPU) is what is to run. Also the body of the idle loop between two interrupts.
     */
    void (*return_to_guest)(void);

    /* The vCPU current on a pCPU (an idle vCPU has domain id DOM_IDLE). */
    struct vcpu *(*current)(pcpu_id cpu);
    /* NULL if there is no such domain. Read only, for reports. */
    struct domain *(*domain_by_id)(dom_id id);
    /* A runstate as of now: ns in each state (hv/domain.h), the current one included. */
    void (*vcpu_runstate)(const struct vcpu *v, s_time_t time[4]);

    /* ns that a pCPU's idle vCPU has run. */
    s_time_t (*idle_time)(pcpu_id cpu);

    /* Is a pCPU in use, or was it taken off? */
    bool (*cpu_online)(pcpu_id cpu);

    /* Of the boot parameters that are texts about dom0: NULL, or the name of the first that boot would refuse. */
    const char *(*bad_option)(const struct hv_options *opt);
    /*
     * Build dom0 on pCPU 0, after boot: vCPUs, memory (from the nodes of its affinity), unpaused by the caller.
     * mem_bytes: what it has and may have at most; 0: as dom0_mem says.
     */
    int (*construct_dom0)(unsigned nr_vcpus, uint64_t mem_bytes);

    /* Pages of a domain on each node, counted in the heap's own bookkeeping; the sum is tot_pages. */
    void (*domain_pages_per_node)(const struct domain *d, uint64_t pages[HV_MAX_NODES]);
    /* The same by size of the guest-physical mapping: [node][0] 4 KiB, [1] 2 MiB, [2] 1 GiB, counted in 4 KiB pages. */
    void (*domain_pages_by_size)(const struct domain *d, uint64_t pages[HV_MAX_NODES][3]);
    void (*own_memory)(struct hv_own_memory *out);
    /* Check every invariant that the core knows; NULL or the text of the first violation. */
    const char *(*check)(void);
    /* The same of scheduler and timers only: no walk over the memory of every domain. */
    const char *(*check_sched)(void);
    /*
     * Work conservation, each scheduler by its own rule: NULL, or that a pCPU idles while a vCPU that may run there has
     * waited for longer than the rule and slack ns (for interrupts on their way) allow.
     */
    const char *(*check_work_conserving)(s_time_t slack);
    /* Scheduler number i of those that level has, in the order of registration. false: no more. */
    bool (*scheduler)(const struct hv_profile *level, unsigned i, struct hv_sched_info *out);
    /*
     * A domctl or sysctl that only asks, by the one who watches (as by the hypervisor's own console): no vCPU calls, so
     * nobody's privilege counts. Between two events of the port; the port's locks must do nothing meanwhile.
     */
    long (*inspect)(enum hv_hypercall nr, void *arg);
};

/* The one exported symbol that a loader looks up. */
const struct hv_core *hv_core_get(void);

#ifdef __cplusplus
}
#endif

#endif
