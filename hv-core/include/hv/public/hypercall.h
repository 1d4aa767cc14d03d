/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercall interface: the only part of the core that guests and the toolstack see. Plain data, no pointers into
 * the hypervisor. Every call returns 0 (or a count where said) or a negated HV_E* number.
 */
#ifndef HV_PUBLIC_HYPERCALL_H
#define HV_PUBLIC_HYPERCALL_H

#include <hv/boot.h>
#include <hv/errno.h>
#include <hv/mask.h>
#include <hv/types.h>

enum hv_hypercall {
    HYPERCALL_sched_op,
    HYPERCALL_set_timer_op,
    HYPERCALL_memory_op,
    HYPERCALL_domctl,
    HYPERCALL_sysctl,
    HYPERCALL_event_channel_op,
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

/*
 * populate_physmap, increase_reservation, decrease_reservation: extents done, fewer where one could not be. Extents
 *     above the caller's limit: none are done (exchange: -HV_EPERM). increase_reservation gives pages that no guest
 *     frame stands for.
 * claim_pages: nr_extents pages, 0 to release; of one node with its flags and exact_node_request, at levels that know
 * of it. -HV_EINVAL, -HV_ENOMEM. exchange: the extents for those of out, which are as much in all, and which get the
 * guest frames named there. 0, or -HV_EINVAL: not as much, or not all are the domain's alone; -HV_ENOMEM. nr_done
 * extents are exchanged then, and the others are as they were. current_reservation, maximum_reservation: pages that the
 * domain has, or may have. set_pod_target: an HVM domain is to have pod.target_pages pages, with those that wait for
 * being demanded. get_pod_target, and set's own result, fill in pod. -HV_EINVAL: not HVM. -HV_ENOMEM: as far as it
 * could.
 */
enum hv_memory_cmd {
    XENMEM_populate_physmap,
    XENMEM_decrease_reservation,
    XENMEM_claim_pages,
    XENMEM_increase_reservation,
    XENMEM_exchange,
    XENMEM_current_reservation,
    XENMEM_maximum_reservation,
    XENMEM_set_pod_target,
    XENMEM_get_pod_target
};

/* mem_flags as at 4.3: node + 1 in bits 8..15, exact_node bit 4 (0: no preference), address bits in 24..31. */
#define XENMEMF_populate_on_demand (1u << 1) /* populate_physmap: only mark them (HVM) */
#define XENMEMF_exact_node_request (1u << 4)
#define XENMEMF_node(n) ((((unsigned)(n)) + 1u) << 8)
#define XENMEMF_get_node(f) ((((f) >> 8) & 0xffu) - 1u)
#define XENMEMF_address_bits(n) ((unsigned)(n) << 24)

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
    /* exchange: what comes for them. */
    struct {
        uint64_t nr_extents;
        unsigned extent_order;
        unsigned mem_flags;
        gfn_t first_gfn;
    } out;
    /* set_pod_target (in: target_pages), get_pod_target; in pages. */
    struct {
        uint64_t target_pages;
        uint64_t tot_pages, cache_pages, entries; /* of all, those that wait; guest frames that wait for one */
    } pod;
};

/* ---- event channels --------------------------------------------------------------------------------------------- */

#define DOMID_SELF 0x7ff0u

/*
 * -HV_ENOSPC: the domain has no port left; -HV_ENOMEM; -HV_EINVAL: the domain is dying, or there is no such port.
 * alloc_unbound: a port of dom, to be bound by remote_dom. dom0 only for others (-HV_EPERM, -HV_ESRCH).
 * bind_interdomain: a port of the caller, the other end of remote_dom's remote_port (-HV_EINVAL: that does not wait for
 *     the caller; -HV_ESRCH).
 * bind_virq, bind_pirq: of a number, once for a vCPU, and for the domain (-HV_EEXIST, -HV_EINVAL, -HV_ENOENT: no vCPU).
 * bind_ipi: to a vCPU.
 * close: of the caller; the other end of a channel is unbound again.
 * status: of a port of dom (as alloc_unbound).
 * init_control: the caller takes up the FIFO; number: the bits that a port may have. -HV_ENOSYS at levels without it.
 */
enum hv_evtchn_cmd {
    EVTCHNOP_alloc_unbound,
    EVTCHNOP_bind_interdomain,
    EVTCHNOP_bind_virq,
    EVTCHNOP_bind_ipi,
    EVTCHNOP_bind_pirq,
    EVTCHNOP_close,
    EVTCHNOP_status,
    EVTCHNOP_init_control
};

enum hv_evtchn_state {
    EVTCHNSTAT_closed,
    EVTCHNSTAT_unbound,
    EVTCHNSTAT_interdomain,
    EVTCHNSTAT_pirq,
    EVTCHNSTAT_virq,
    EVTCHNSTAT_ipi
};

struct hv_evtchn_op {
    enum hv_evtchn_cmd cmd;
    dom_id dom, remote_dom;     /* DOMID_SELF: the caller */
    uint32_t port;              /* in: close, status; else out */
    uint32_t remote_port;       /* in: bind_interdomain; out: status of a channel */
    uint32_t number;            /* virq, pirq; out: status, init_control */
    vcpu_id vcpu;               /* in: bind_virq, bind_ipi; out: status */
    enum hv_evtchn_state state; /* out: status */
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

#define XEN_VCPUAFFINITY_HARD 1u
#define XEN_VCPUAFFINITY_SOFT 2u

/* Numbers of the schedulers. */
#define XEN_SCHEDULER_SEDF 4u
#define XEN_SCHEDULER_CREDIT 5u
#define XEN_SCHEDULER_CREDIT2 6u
#define XEN_SCHEDULER_ARINC653 7u
#define XEN_SCHEDULER_RTDS 8u
#define XEN_SCHEDULER_NULL 9u

struct hv_domctl {
    enum hv_domctl_cmd cmd;
    dom_id domid; /* in: target; out of createdomain: the id given (DOM_INVALID in: lowest free above 0) */
    union {
        struct {
            enum hv_guest_type type;
            unsigned cpupool; /* -HV_ENOENT: there is no such pool */
        } createdomain;
        struct {
            unsigned max;
        } max_vcpus; /* also for online_vcpus */
        struct {
            uint64_t max_memkb;
        } max_mem;
        /*
         * put: which of the two are given; each is limited to the pool, and the effective one comes back (hard; soft
         * within hard). -HV_EINVAL: no flag, or a hard affinity without a pCPU of the pool. At levels without soft
         * affinity the flag SOFT is -HV_EOPNOTSUPP. get: both as they were set.
         */
        struct {
            vcpu_id vcpu;
            unsigned flags;   /* XEN_VCPUAFFINITY_* */
            cpumask_t cpumap; /* hard */
            cpumask_t cpumap_soft;
        } vcpuaffinity;
        struct {
            nodemask_t nodemap;
        } nodeaffinity;
        /*
         * Parameters of a domain, or of a vCPU (by_vcpu). Which of them count is the scheduler's: weight and cap are of
         * credit and credit2, period, budget and extratime of rtds, period, slice, latency, weight and extratime of
         * sedf. -HV_EINVAL: out of range, or sched_id is given and is not the domain's scheduler. -HV_EOPNOTSUPP: the
         * scheduler has no parameters. -HV_ESRCH: no such vCPU.
         */
        struct {
            bool put; /* false: get */
            bool by_vcpu;
            vcpu_id vcpu;
            unsigned sched_id;                        /* XEN_SCHEDULER_*, 0: whichever */
            uint32_t weight, cap;                     /* put: weight 0 and cap 0xffff mean "unchanged" */
            uint32_t period_us, budget_us;            /* rtds */
            bool extratime;                           /* rtds, sedf */
            uint64_t period_ns, slice_ns, latency_ns; /* sedf */
        } scheduler_op;
        struct {
            bool paused, dying, running, blocked, crashed;
            enum hv_guest_type type;
            unsigned nr_online_vcpus, max_vcpu_id;
            uint64_t tot_pages, max_pages, outstanding_pages;
            s_time_t cpu_time;
            unsigned cpupool;
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

enum hv_sysctl_cmd {
    XEN_SYSCTL_physinfo,
    XEN_SYSCTL_topologyinfo,
    XEN_SYSCTL_numainfo,
    XEN_SYSCTL_scheduler_op,
    XEN_SYSCTL_sched_id,
    XEN_SYSCTL_cpupool_op,
    XEN_SYSCTL_cpu_hotplug,
    XEN_SYSCTL_debug_keys,
    XEN_SYSCTL_set_aside,
    XEN_SYSCTL_page_offline_op
};

enum hv_page_offline_cmd { sysctl_page_offline, sysctl_page_broken, sysctl_page_online, sysctl_query_page_offline };
/* What became of a frame that is to be taken out, or back. */
#define PG_OFFLINE_OFFLINED (1u << 1)
#define PG_OFFLINE_PENDING (1u << 2) /* until its user frees it */
#define PG_OFFLINE_FAILED (1u << 3)
#define PG_OFFLINE_AGAIN (1u << 4) /* its owner was crashed; to be asked again when that has gone */
#define PG_ONLINE_FAILED PG_OFFLINE_FAILED
#define PG_ONLINE_ONLINED PG_OFFLINE_OFFLINED
/* Who uses it, or why not. */
#define PG_OFFLINE_XENPAGE (1u << 8)
#define PG_OFFLINE_ANONYMOUS (1u << 10)
#define PG_OFFLINE_NOT_CONV_RAM (1u << 11)
#define PG_OFFLINE_OWNED (1u << 12)
#define PG_OFFLINE_BROKEN (1u << 13)
#define PG_ONLINE_BROKEN PG_OFFLINE_BROKEN
#define PG_OFFLINE_OWNER_SHIFT 16
/* Of a query. */
#define PG_OFFLINE_STATUS_OFFLINED (1u << 1)
#define PG_OFFLINE_STATUS_OFFLINE_PENDING (1u << 3)
#define PG_OFFLINE_STATUS_BROKEN (1u << 4)
#define DOMID_XEN 0x7ff2u

enum hv_cpupool_op {
    XEN_SYSCTL_CPUPOOL_OP_CREATE,
    XEN_SYSCTL_CPUPOOL_OP_DESTROY,
    XEN_SYSCTL_CPUPOOL_OP_INFO,
    XEN_SYSCTL_CPUPOOL_OP_ADDCPU,
    XEN_SYSCTL_CPUPOOL_OP_RMCPU,
    XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN,
    XEN_SYSCTL_CPUPOOL_OP_FREEINFO
};
#define XEN_SYSCTL_CPUPOOL_ANY 0xffffffffu /* create: lowest free id; addcpu: any free pCPU */

/* A time slot of arinc653: a vCPU of a domain, for a time. */
struct hv_arinc653_entry {
    dom_id domid;
    vcpu_id vcpu;
    s_time_t runtime; /* ns, above 0 */
};
#define HV_ARINC653_MAX_ENTRIES 64u

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
            uint64_t memsize_bytes, memfree_bytes, claimed_bytes; /* claimed: on this node alone */
            uint8_t distance[HV_MAX_NODES];
        } numainfo;
        /*
         * Parameters of the scheduler of a pool: tslice, ratelimit and migration delay of credit, ratelimit of credit2,
         * the frame of arinc653. -HV_EINVAL: out of range, a frame that does not fit, or sched_id given and not the
         * pool's. -HV_ESRCH: no such pool. -HV_EOPNOTSUPP: the scheduler has no parameters.
         */
        struct {
            bool put;
            unsigned cpupool, sched_id; /* sched_id 0: whichever */
            unsigned tslice_ms, ratelimit_us;
            unsigned migration_delay_us; /* credit */
            s_time_t major_frame;        /* arinc653, ns: at least the sum of the runtimes */
            unsigned nr_entries;
            struct hv_arinc653_entry entry[HV_ARINC653_MAX_ENTRIES];
        } scheduler_op;
        struct {
            unsigned sched_id; /* of pool 0 */
            char name[16];
        } sched_id;
        /*
         * create: sched_id, gran; cpupool is the id wanted or ANY; comes back. -HV_EEXIST, -HV_ENOENT (no such
         *         scheduler), -HV_ENOMEM
         * destroy: -HV_EBUSY while it has pCPUs or domains; -HV_ENOENT: no such pool
         * info: the first pool with an id >= cpupool. -HV_ENOENT: none
         * addcpu: cpu is free (else -HV_EBUSY), or ANY (-HV_ENODEV: none is). With core scheduling: all pCPUs of its
         * core or socket must be free, and come along rmcpu: -HV_EBUSY: the last pCPU (resource) of a pool with live
         * domains; -HV_ENODEV: cpu is not of that pool movedomain: -HV_EINVAL: dom0, or the caller's own; -HV_ENOENT:
         * no such pool, or it has no pCPU; same pool: nothing freeinfo: cpumap of the pCPUs of no pool addcpu, rmcpu
         * and cpu_hotplug take effect on the pCPU itself: until then -HV_ERESTART. -HV_EBUSY: another one is under way.
         */
        struct {
            enum hv_cpupool_op op;
            unsigned cpupool, sched_id, cpu;
            dom_id domid;
            enum hv_sched_gran gran;
            unsigned n_dom;
            cpumask_t cpumap;
            char sched_name[16]; /* info */
        } cpupool_op;
        /* Take a pCPU of pool 0 or of no pool off (-HV_EBUSY: pCPU 0, or the last one of pool 0; -HV_EINVAL: it is off,
         * or in another pool), or put it back into pool 0. With core scheduling -HV_EOPNOTSUPP. */
        struct {
            unsigned cpu;
            bool online;
        } cpu_hotplug;
        /* 'r': dump run queues to the console. -HV_EINVAL: a key that does nothing. */
        struct {
            char key;
        } debug_keys;
        /*
         * Not Xen's: pages are kept from everybody, so that the host looks like another one. free_pages of the node,
         * or of one zone of it (frames from 2^zone on; ~0u: all of them), are to be free; what is too few comes out of
         * what was set aside before. -HV_ENOMEM: it could not be done, as far as it could is done.
         */
        struct {
            node_id node;
            unsigned zone;
            uint64_t free_pages;
        } set_aside;
        /* One frame. -HV_EINVAL: no RAM, or broken (online); -HV_EPERM: the hypervisor's; -HV_ENOMEM: too many at a
         * time; status and order come back, also then (order only of a query: that of the frame's descriptor). */
        struct {
            enum hv_page_offline_cmd cmd;
            mfn_t frame;
            uint32_t status;
            unsigned order;
        } page_offline;
    } u;
};

#endif
