/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercall interface: the only part of the core that guests and the toolstack see. Plain data, no pointers into
 * the hypervisor. Every call returns 0 (or a count where said) or a negated HV_E* number.
 */
#ifndef HV_PUBLIC_HYPERCALL_H
#define HV_PUBLIC_HYPERCALL_H

#include <hv/errno.h>
#include <hv/mask.h>
#include <hv/types.h>

enum hv_hypercall {
    HYPERCALL_sched_op,
    HYPERCALL_set_timer_op,
    HYPERCALL_memory_op,
    HYPERCALL_domctl,
    HYPERCALL_sysctl,
    HYPERCALL_NR
};

/* ---- what a guest calls ---------------------------------------------------------------------------------------- */

enum hv_sched_cmd { SCHEDOP_yield, SCHEDOP_block };

struct hv_sched_op {
    enum hv_sched_cmd cmd;
};

/* Single-shot timer of the calling vCPU; 0 stops it. */
struct hv_set_timer_op {
    s_time_t timeout;
};

/* ---- memory ---------------------------------------------------------------------------------------------------- */

enum hv_memory_cmd { XENMEM_populate_physmap, XENMEM_decrease_reservation, XENMEM_claim_pages };

/* mem_flags as at 4.3: node + 1 in bits 8..15, exact_node bit 4 (0: no preference). */
#define XENMEMF_exact_node_request (1u << 4)
#define XENMEMF_node(n) ((((unsigned)(n)) + 1u) << 8)
#define XENMEMF_get_node(f) ((((f) >> 8) & 0xffu) - 1u)

struct hv_memory_op {
    enum hv_memory_cmd cmd;
    dom_id domid;
    uint64_t nr_extents;
    unsigned extent_order;
    unsigned mem_flags;
    /*
     * First guest frame of the extents; they are contiguous in guest-physical space (all that the builders need).
     * After populate_physmap the core's p2m says which machine frames they got.
     */
    gfn_t first_gfn;
    /* Extents already done: 0 at first; a preempted call returns -HV_ERESTART with it advanced, and is called again. */
    uint64_t nr_done;
};

/* ---- domain control -------------------------------------------------------------------------------------------- */

enum hv_domctl_cmd {
    XEN_DOMCTL_createdomain,
    XEN_DOMCTL_max_vcpus,
    XEN_DOMCTL_max_mem,
    XEN_DOMCTL_setvcpuaffinity,
    XEN_DOMCTL_getvcpuaffinity,
    XEN_DOMCTL_setnodeaffinity,
    XEN_DOMCTL_getnodeaffinity,
    XEN_DOMCTL_scheduler_op,
    XEN_DOMCTL_getdomaininfo,
    XEN_DOMCTL_getvcpuinfo,
    XEN_DOMCTL_pausedomain,
    XEN_DOMCTL_unpausedomain,
    XEN_DOMCTL_online_vcpus, /* what the guest's start-up does with VCPUOP_up: clears "down" of vCPUs 0..n-1 */
    XEN_DOMCTL_destroydomain
};

enum hv_guest_type { HV_GUEST_PV, HV_GUEST_HVM, HV_GUEST_ARM32, HV_GUEST_ARM64 };

struct hv_domctl {
    enum hv_domctl_cmd cmd;
    dom_id domid; /* in: target; out of createdomain: the id given (DOM_INVALID in: lowest free above 0) */
    union {
        struct {
            enum hv_guest_type type;
        } createdomain;
        struct {
            unsigned max;
        } max_vcpus; /* also for online_vcpus */
        struct {
            uint64_t max_memkb;
        } max_mem;
        struct {
            vcpu_id vcpu;
            cpumask_t cpumap;
        } vcpuaffinity;
        struct {
            nodemask_t nodemap;
        } nodeaffinity;
        struct {
            bool put;             /* false: get */
            uint32_t weight, cap; /* put: weight 0 and cap 0xffff mean "unchanged" */
        } scheduler_op;
        struct {
            bool paused, dying, running, blocked;
            enum hv_guest_type type;
            unsigned nr_online_vcpus, max_vcpu_id;
            uint64_t tot_pages, max_pages, outstanding_pages;
            s_time_t cpu_time;
        } getdomaininfo; /* -HV_ESRCH unless domid exists; in: the first existing id >= domid is reported */
        struct {
            vcpu_id vcpu; /* in */
            bool online, blocked, running;
            pcpu_id cpu;
            s_time_t cpu_time;
        } getvcpuinfo;
    } u;
};

/* ---- system control -------------------------------------------------------------------------------------------- */

enum hv_sysctl_cmd { XEN_SYSCTL_physinfo, XEN_SYSCTL_topologyinfo, XEN_SYSCTL_numainfo, XEN_SYSCTL_scheduler_op };

struct hv_sysctl {
    enum hv_sysctl_cmd cmd;
    union {
        struct {
            unsigned nr_cpus, max_node_id, threads_per_core, cores_per_socket;
            uint64_t total_pages, free_pages, outstanding_pages;
            bool numa_on_exact_profile; /* false at levels where the core knows one node only (ARM) */
        } physinfo;
        struct {
            pcpu_id cpu; /* in */
            unsigned core, socket;
            node_id node; /* NODE_INVALID: not online */
        } topologyinfo;
        struct {
            node_id node; /* in */
            bool online;
            uint64_t memsize_bytes, memfree_bytes;
            uint8_t distance[HV_MAX_NODES];
        } numainfo;
        struct {
            bool put;
            unsigned tslice_ms, ratelimit_us;
        } scheduler_op;
    } u;
};

#endif
