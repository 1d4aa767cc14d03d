/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains and vCPUs. */
#ifndef HV_DOMAIN_H
#define HV_DOMAIN_H

#include <hv/list.h>
#include <hv/mask.h>
#include <hv/port.h>
#include <hv/public/hypercall.h>
#include <hv/timer.h>

enum runstate { RUNSTATE_running, RUNSTATE_runnable, RUNSTATE_blocked, RUNSTATE_offline, RUNSTATE_NR };

/* Pause flags (bit numbers as in Xen 4.3). A vCPU is runnable iff none is set and both pause counts are 0. */
enum vcpu_pause_flag {
    VPF_blocked = 1u << 0,
    VPF_down = 1u << 1,
    VPF_blocked_in_xen = 1u << 2,
    VPF_migrating = 1u << 3
};

/*
 * What a scheduler schedules: as many consecutive vCPUs of one domain as a scheduling resource has pCPUs
 * (hv/cpupool.h), that is, one, unless core scheduling is on. A unit is runnable when one of its vCPUs is; it runs on
 * all pCPUs of its resource at once, those of its vCPUs that cannot run being stood in for by idle vCPUs. An idle unit
 * has the idle vCPUs of one resource.
 */
struct sched_unit {
    struct domain *domain;
    unsigned id;             /* of its first vCPU */
    struct vcpu *vcpu_list;  /* ascending id, linked by next_in_unit */
    struct sched_unit *next; /* of the domain, ascending id */
    pcpu_id processor;   /* master pCPU of the resource where it runs, or last ran / is queued; schedule lock(s) held */
    bool is_running;     /* the state of its vCPUs is on pCPUs (until context_saved) */
    bool soft_effective; /* soft affinity makes a difference: see sched/affinity.h */
    s_time_t state_entry;    /* when it began to run, if it runs */
    s_time_t last_run_time;  /* when it last stopped running */
    s_time_t eligible_since; /* last change of where it may run (affinity, pool, cap) */
    cpumask_t hard, soft;    /* affinities, not limited to the pool */
    void *priv;              /* the scheduler's own */

    /* schedule.c: the meeting of a resource's pCPUs at a switch */
    unsigned rendezvous_in;
    uint32_t rendezvous_out;
    struct sched_unit *next_task;
    s_time_t next_time;
};

struct vcpu {
    vcpu_id id;
    struct domain *domain;
    struct sched_unit *unit;
    struct vcpu *next_in_unit;
    pcpu_id processor; /* that pCPU of the unit's resource which is its own */

    uint32_t pause_flags;
    uint32_t pause_count;
    bool is_running; /* its state is on a pCPU (until context_saved) */
    bool is_initialised;

    enum runstate runstate;
    s_time_t runstate_entry;
    s_time_t runstate_time[RUNSTATE_NR]; /* their sum is runstate_entry - created */
    s_time_t created;
    s_time_t last_run_time;

    enum runstate new_state; /* what a switch of the unit is about to make of it */
    bool force_switch;       /* woken or gone to sleep while its unit runs: its pCPU alone switches */

    struct timer singleshot_timer;
    bool upcall_pending; /* an event (here: the timer's) waits for the guest; the guest clears it */
    bool upcall_mask;

    void *guest; /* the port's: what runs inside. The core never looks at it. */
};

struct domain {
    dom_id id;
    enum hv_guest_type type;
    bool is_dying, is_idle;
    bool is_crashed; /* by its own fault; paused for good */
    uint32_t pause_count;
    bool is_pinned;        /* dom0_vcpus_pin: affinities are fixed */
    bool controller_pause; /* paused by the toolstack, as a new domain is */

    struct list_head link; /* all domains, ascending id */

    unsigned max_vcpus; /* slots in vcpu[] */
    struct vcpu **vcpu; /* NULL entries: not created */

    struct cpupool *cpupool; /* NULL: the idle domain */
    struct sched_unit *unit_list;
    void *sched_priv;
    nodemask_t node_affinity;
    bool auto_node_affinity;
    struct hv_lock node_affinity_lock;

    /* memory (hv/mm.h) */
    struct hv_lock page_alloc_lock;
    uint64_t tot_pages, max_pages, outstanding_pages;
    node_id claim_node; /* of outstanding_pages; NODE_INVALID: of whichever */
    node_id last_alloc_node;
    uint64_t node_pages[HV_MAX_NODES];
    void *page_list;       /* mm's own: the extents that the domain owns */
    void *p2m;             /* mm's own */
    mfn_t perdomain[2];    /* mm's own; 0: none */
    void *pod;             /* mm's own: populate on demand; NULL: none */
    unsigned nr_page_refs; /* frames of its own that others refer to */
};

#define for_each_vcpu(d, v, i)                                                                                         \
    for ((i) = 0; (i) < (d)->max_vcpus; (i)++)                                                                         \
        if (((v) = (d)->vcpu[i]) != NULL)

#define for_each_unit(d, u) for ((u) = (d)->unit_list; (u); (u) = (u)->next)
#define for_each_unit_vcpu(u, v) for ((v) = (u)->vcpu_list; (v); (v) = (v)->next_in_unit)

static inline bool vcpu_runnable(const struct vcpu *v)
{
    return !v->pause_flags && !v->pause_count && !v->domain->pause_count;
}
static inline bool unit_runnable(const struct sched_unit *u)
{
    const struct vcpu *v;
    for_each_unit_vcpu(u, v)
    {
        if (vcpu_runnable(v))
            return true;
    }
    return false;
}
static inline bool is_idle_vcpu(const struct vcpu *v)
{
    return v->domain->is_idle;
}
static inline bool is_idle_unit(const struct sched_unit *u)
{
    return u->domain->is_idle;
}

/* All domains in ascending id, dom0 first; the idle domain is not on it. */
extern struct list_head hv_domain_list;

struct domain *domain_find(dom_id id);
/* That of the lowest id from this one on; NULL: there is none. */
struct domain *domain_find_from(dom_id id);
/* A domain of a cpupool, without vCPUs, paused by the controller. *id DOM_INVALID: lowest free id above 0. 0 or -HV_E*:
 * no such pool -HV_ENOENT. */
int domain_create(dom_id *id, enum hv_guest_type type, unsigned cpupool, struct domain **out);
/*
 * Unwinds completely; frees all memory. The domain must not be current anywhere except through a vCPU that sleeps.
 * While others refer to frames of it, it stays, dying, with these: once they are put, domains_reap() is its end. 0, or
 * -HV_ENOMEM: dying, but not all is given back that could be; to be called again. Under the domctl lock.
 */
int domain_destroy(struct domain *d);
/* Let go of dying domains whose last frame has gone back. Under the domctl lock. */
void domains_reap(void);
/* The last frame of a dying domain has gone back. */
void domain_drained(void);
/* vCPU number n of d on processor cpu: state offline, flag "down" set. NULL if memory is short or n is taken. */
struct vcpu *vcpu_create(struct domain *d, unsigned n, pcpu_id cpu);
/* d cannot go on, and is paused for good; the toolstack may destroy it. Its vCPUs stop soon. */
void domain_crash(struct domain *d);
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
/* -HV_EINVAL if no node of it is online. All HV_MAX_NODES nodes means "automatic". */
int domain_set_node_affinity(struct domain *d, nodemask_t nodes);
/* Recompute after a change of vCPU affinity or of the node affinity, and tell the scheduler. */
void domain_update_node_affinity(struct domain *d);

/* One operation on domains or pools at a time. Only tried: the holder may be waiting for this pCPU. */
bool domctl_trylock(void);
void domctl_unlock(void);

/* hypercall handlers (hypercall.c dispatches) */
long do_domctl(struct hv_domctl *op);
long do_sysctl(struct hv_sysctl *op);

#endif
