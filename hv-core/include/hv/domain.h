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

struct vcpu {
    vcpu_id id;
    struct domain *domain;
    pcpu_id processor; /* where it runs, or last ran / is queued; changed with the schedule lock(s) held */

    uint32_t pause_flags;
    uint32_t pause_count;
    bool is_running; /* its state is on a pCPU (until context_saved) */
    bool is_initialised;

    enum runstate runstate;
    s_time_t runstate_entry;
    s_time_t runstate_time[RUNSTATE_NR]; /* their sum is runstate_entry - created */
    s_time_t created;
    s_time_t last_run_time;

    cpumask_t hard_affinity;

    void *sched_priv; /* the scheduler's own */

    struct timer singleshot_timer;
    bool upcall_pending; /* an event (here: the timer's) waits for the guest; the guest clears it */
    bool upcall_mask;

    void *guest; /* the port's: what runs inside. The core never looks at it. */
};

struct domain {
    dom_id id;
    enum hv_guest_type type;
    bool is_dying, is_idle;
    uint32_t pause_count;
    bool controller_pause; /* paused by the toolstack, as a new domain is */

    struct list_head link; /* all domains, ascending id */

    unsigned max_vcpus; /* slots in vcpu[] */
    struct vcpu **vcpu; /* NULL entries: not created */

    void *sched_priv;
    nodemask_t node_affinity;
    bool auto_node_affinity;
    struct hv_lock node_affinity_lock;

    /* memory (hv/mm.h) */
    struct hv_lock page_alloc_lock;
    uint64_t tot_pages, max_pages, outstanding_pages;
    node_id last_alloc_node;
    uint64_t node_pages[HV_MAX_NODES];
    void *page_list; /* mm's own: the extents that the domain owns */
    void *p2m;       /* mm's own */
};

#define for_each_vcpu(d, v, i)                                                                                         \
    for ((i) = 0; (i) < (d)->max_vcpus; (i)++)                                                                         \
        if (((v) = (d)->vcpu[i]) != NULL)

static inline bool vcpu_runnable(const struct vcpu *v)
{
    return !v->pause_flags && !v->pause_count && !v->domain->pause_count;
}
static inline bool is_idle_vcpu(const struct vcpu *v)
{
    return v->domain->is_idle;
}

/* All domains in ascending id, dom0 first; the idle domain is not on it. */
extern struct list_head hv_domain_list;

struct domain *domain_find(dom_id id);
/* A domain without vCPUs, paused by the controller. *id DOM_INVALID: lowest free id above 0. 0 or -HV_E*. */
int domain_create(dom_id *id, enum hv_guest_type type, struct domain **out);
/* Unwinds completely; frees all memory. The domain must not be current anywhere except through a vCPU that sleeps. */
void domain_destroy(struct domain *d);
/* vCPU number n of d on processor cpu: state offline, flag "down" set. NULL if memory is short or n is taken. */
struct vcpu *vcpu_create(struct domain *d, unsigned n, pcpu_id cpu);
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);
/* -HV_EINVAL if empty. All nodes means "automatic". */
int domain_set_node_affinity(struct domain *d, nodemask_t nodes);
/* Recompute after a change of vCPU affinity or of the node affinity, and tell the scheduler. */
void domain_update_node_affinity(struct domain *d);

/* hypercall handlers (hypercall.c dispatches) */
long do_domctl(struct hv_domctl *op);
long do_sysctl(struct hv_sysctl *op);

#endif
