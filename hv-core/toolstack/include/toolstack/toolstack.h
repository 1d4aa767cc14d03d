/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libxl and xl do above the hypercall interface: read the placement state of the host, choose nodes, build a
 * domain. Hosted C11; sees the core only through hypercalls, each of which takes simulated time in dom0.
 */
#ifndef TOOLSTACK_TOOLSTACK_H
#define TOOLSTACK_TOOLSTACK_H

#include <hv/profile.h>
#include <hv/public/hypercall.h>

#ifdef __cplusplus
extern "C" {
#endif

/* xl.conf's claim_mode: whether a domain's memory is claimed before it is built. By default from 4.4 on. */
enum ts_claim_mode { TS_CLAIM_DEFAULT, TS_CLAIM_OFF, TS_CLAIM_ON };

/* How the toolstack makes hypercalls and talks. Provided by whoever runs it (the simulator, or a test). */
struct ts_host {
    void *ctx;
    const struct hv_profile *level;
    /* Performs the call in dom0, continuations included; returns when it is done. */
    long (*hypercall)(void *ctx, enum hv_hypercall nr, void *arg);
    /* A message for the operator (level 0 error, 1 warning, 2 information); one line, no newline. */
    void (*log)(void *ctx, int level, const char *line);
    enum ts_claim_mode claim_mode;
    struct ts_channels *channels; /* event channels of dom0; NULL: devices take none */
};

/*
 * The event channels of dom0: which of its ports each guest's devices and daemons have. Creation takes them and fails
 * with -HV_ENOSPC where dom0 has none left, destruction gives them back. ts_channels_boot is what dom0's kernel does at
 * first: its own channels, and at levels that have it the FIFO.
 */
struct ts_channels *ts_channels_new(void); /* NULL: out of memory */
void ts_channels_free(struct ts_channels *c);
int ts_channels_boot(const struct ts_host *h, unsigned nr_vcpus);
unsigned ts_channels_in_use(const struct ts_channels *c);

/* A list of pCPUs as xl.cfg writes it ("all", "0-7,^3"; "nodes:" from 4.4 on). */
struct ts_cpulist {
    bool set;
    bool list_form;  /* cpus=["2", "3"]: one entry per vCPU */
    unsigned nr;     /* entries; 1 in string form */
    cpumask_t *mask; /* [i] for vCPU i */
    cpumask_t uni;   /* 4.3: the union, also for the vCPUs beyond the list */
};

enum ts_extratime { TS_EXTRATIME_NOT_GIVEN, TS_EXTRATIME_ON, TS_EXTRATIME_OFF };

/* One node that the guest sees: its memory comes from node pnode of the host and from no other. */
struct ts_vnode {
    unsigned pnode;
    uint64_t memory_kb;
    const unsigned *distance; /* to each vnode */
};

#define TS_VNODE_NONE 0xffu

/* Domain configuration: the part of xl.cfg that matters here, parsed. */
struct ts_domain_config {
    char name[64];
    enum hv_guest_type type;
    unsigned vcpus, maxvcpus;
    uint64_t memory_kb, maxmem_kb; /* maxmem_kb 0: memory_kb; maxvcpus 0: vcpus */
    uint32_t weight, cap;          /* 0 / 0xffffffff: not given */
    const char *cpus;              /* string form, NULL: not given */
    const char *const *cpus_list;  /* list form, NULL: not given */
    unsigned nr_cpus_list;
    /* Soft affinity, string form (all vCPUs) or list form; NULL: not given. -HV_EOPNOTSUPP at levels without it. */
    const char *cpus_soft;
    const char *const *cpus_soft_list;
    unsigned nr_cpus_soft_list;
    /* vnuma=: the guest's nodes, which hold all of its memory, and the vnode of each vCPU. -HV_EOPNOTSUPP before 4.6.
     */
    unsigned nr_vnodes;
    const struct ts_vnode *vnode;
    const uint8_t *vcpu_vnode; /* [maxvcpus], TS_VNODE_NONE: of none, which is a mistake */
    /* claim_on_node=: all of its memory is claimed there, and comes from there alone. -HV_EOPNOTSUPP at most levels. */
    bool claim_on_node;
    unsigned claim_node;
    const char *pool; /* name of the cpupool, NULL: the boot pool; pool_id is what counts */
    unsigned pool_id;
    uint32_t rt_period_us, rt_budget_us; /* rtds, all vCPUs; 0: not given */
    enum ts_extratime rt_extratime;
};

/* A cpupool that is to be made from pCPUs of the boot pool. */
struct ts_cpupool_config {
    const char *name; /* for messages */
    unsigned sched_id;
    enum hv_sched_gran gran;
    cpumask_t cpus;
    /* Parameters of its scheduler; 0xffffffff: as they are. */
    unsigned tslice_ms, ratelimit_us;
};

struct ts_domain_result {
    dom_id domid; /* DOM_INVALID: the creation failed */
    /* Of a creation that failed after its placement too. */
    bool auto_placed;
    nodemask_t nodes; /* chosen by placement, empty if it did not run or found nothing */
    int xl_status;    /* what xl exits with: 0, 1 where it refuses the configuration itself, 3 where libxl fails */
};

/*
 * xl create -p: build the domain and leave it paused. 0, or a negated HV_E* with everything unwound and the reason
 * logged. A configuration that cannot be honoured is refused before the first domain control call:  -HV_EINVAL, or
 * -HV_EOPNOTSUPP for what the core does not have (soft affinity at 4.3).
 */
int ts_domain_create(const struct ts_host *h, const struct ts_domain_config *cfg, struct ts_domain_result *out);
/*
 * xl cpupool-create: takes the pCPUs out of the boot pool and makes a pool of them. 0, or a negated HV_E* with the
 * reason logged; what was done by then stays, as it does with xl.
 */
int ts_cpupool_create(const struct ts_host *h, const struct ts_cpupool_config *cfg, unsigned *id);
int ts_domain_unpause(const struct ts_host *h, dom_id id);
int ts_domain_destroy(const struct ts_host *h, dom_id id);

/*
 * Parse a CPU list in the grammar of the level:
 *   up to 4.3  "all", or items N | N-M | ^N | ^N-M; exclusions apply at the end whatever their place
 *   from 4.4   items "all" | N | N-M | node:N | nodes:N-M, each but "all" with ^ before it, applied left to right
 * A pCPU beyond the host's, a reversed range and a list that leaves nothing are mistakes. 0, or -1 with a message and
 * the column (1-based) of the mistake. err and column may be NULL.
 */
int ts_cpulist_parse(const struct hv_profile *level, const char *text, unsigned nr_cpus, cpumask_t *out, char *err,
                     size_t errlen, unsigned *column);
/* The same where the host's nodes are known: cpu_node[0..nr_cpus-1]. Without it, nodes: is a mistake. */
int ts_cpulist_parse_nodes(const struct hv_profile *level, const char *text, unsigned nr_cpus, const node_id *cpu_node,
                           cpumask_t *out, char *err, size_t errlen, unsigned *column);
/* The same, but a list that leaves nothing is for Xen to refuse: xl vcpu-pin. */
int ts_cpulist_parse_any(const struct hv_profile *level, const char *text, unsigned nr_cpus, const node_id *cpu_node,
                         cpumask_t *out, char *err, size_t errlen, unsigned *column);
/* One entry of the list form: up to 4.4 one pCPU number, later a whole list. */
int ts_cpulist_parse_entry(const struct hv_profile *level, const char *text, unsigned nr_cpus, const node_id *cpu_node,
                           cpumask_t *out, char *err, size_t errlen, unsigned *column);

#ifdef __cplusplus
}
#endif

#endif
