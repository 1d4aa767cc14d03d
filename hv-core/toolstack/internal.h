/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the files of the toolstack, and by nobody else.
 *
 * The set operations of hv/mask.h that depend on the size of the machine read a variable of the core, and the toolstack
 * may talk to another core than the one it is linked with. It uses set, clear and test only, and works on whole masks.
 */
#ifndef TOOLSTACK_INTERNAL_H
#define TOOLSTACK_INTERNAL_H

#include <toolstack/placement.h>
#include <toolstack/toolstack.h>

/* What libxl lets a domain have above its target, KiB. */
#define TS_MAXMEM_SLACK_KB 1024u

enum { TS_LOG_ERROR, TS_LOG_WARNING, TS_LOG_INFO };

/* ---- call.c ---------------------------------------------------------------------------------------------------- */

void ts_log(const struct ts_host *h, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "domain NAME: WHAT: reason" as an error; returns rc. */
int ts_fail(const struct ts_host *h, const char *name, const char *what, long rc);
const char *ts_strerror(long rc);

long ts_domctl(const struct ts_host *h, struct hv_domctl *op, enum hv_domctl_cmd cmd, dom_id id);
long ts_sysctl(const struct ts_host *h, struct hv_sysctl *op, enum hv_sysctl_cmd cmd);

/* ---- host_state.c ---------------------------------------------------------------------------------------------- */

struct ts_topology {
    unsigned nr_cpus, nr_nodes;     /* nodes 0..nr_nodes-1, with holes where one is not online */
    node_id cpu_node[HV_MAX_PCPUS]; /* NODE_INVALID: not online */
    cpumask_t node_cpus[HV_MAX_NODES];
};

int ts_read_nr_cpus(const struct ts_host *h, unsigned *nr_cpus, unsigned *nr_nodes);
int ts_read_topology(const struct ts_host *h, struct ts_topology *t);
/* What placement looks at: nodes[0..t->nr_nodes-1]. self is the domain that is being created, pool its cpupool's pCPUs.
 */
int ts_read_placement_state(const struct ts_host *h, const struct ts_topology *t, dom_id self, const cpumask_t *pool,
                            struct ts_placement_node *nodes);
/* The pCPUs of a cpupool. */
int ts_read_pool(const struct ts_host *h, unsigned pool, cpumask_t *cpus);

/* ---- cpupool.c ------------------------------------------------------------------------------------------------- */

/*
 * Gives a free pCPU to a pool. Where pCPUs are scheduled as one, those of its core or socket come with it: 0 for one
 * that is there already. -HV_EBUSY: it is not free, or not all that come with it are.
 */
long ts_pool_add(const struct ts_host *h, unsigned pool, unsigned cpu);

/* ---- cpus.c ---------------------------------------------------------------------------------------------------- */

/* Reads cpus= of a configuration; t may be NULL where the list does not mention nodes. Mistakes are logged. out begins
 * empty, and is for ts_cpulist_free() in any case. */
int ts_cpus_read(const struct ts_host *h, const struct ts_domain_config *cfg, unsigned nr_cpus,
                 const struct ts_topology *t, struct ts_cpulist *out);
void ts_cpulist_free(struct ts_cpulist *l);
bool ts_cpus_mention_nodes(const struct ts_domain_config *cfg);
/* Hard affinity as it is set before memory is built, and what 4.3 adds afterwards (the list form, vCPU by vCPU). */
int ts_cpus_apply(const struct ts_host *h, dom_id id, unsigned nr_vcpus, const struct ts_cpulist *cpus);
int ts_cpus_apply_late(const struct ts_host *h, dom_id id, unsigned nr_vcpus, const struct ts_cpulist *cpus);

bool ts_cpus_soft_given(const struct ts_domain_config *cfg);
/* cpus_soft=, in the same way. */
int ts_cpus_read_soft(const struct ts_host *h, const struct ts_domain_config *cfg, unsigned nr_cpus,
                      const struct ts_topology *t, struct ts_cpulist *out);
int ts_cpus_apply_soft_list(const struct ts_host *h, dom_id id, unsigned nr_vcpus, const struct ts_cpulist *soft);
/* One mask for all; for one. */
int ts_cpus_apply_soft(const struct ts_host *h, dom_id id, unsigned nr_vcpus, const cpumask_t *soft);
int ts_cpus_apply_soft_one(const struct ts_host *h, dom_id id, unsigned vcpu, const cpumask_t *soft);

/* ---- vnuma.c --------------------------------------------------------------------------------------------------- */

/* What libxl checks of vnuma=; mistakes are logged. Affinity that does not match is worth a warning only. */
int ts_vnuma_check(const struct ts_host *h, const struct ts_domain_config *cfg, const struct ts_topology *t,
                   const struct ts_cpulist *cpus, const struct ts_cpulist *cpus_soft);
/* Each vCPU prefers the pCPUs of the node that its vnode is on. */
int ts_vnuma_apply_soft(const struct ts_host *h, dom_id id, const struct ts_domain_config *cfg,
                        const struct ts_topology *t);

/* ---- channels.c ------------------------------------------------------------------------------------------------ */

/* Those that a guest's devices need; what it got is closed by ts_channels_close. Mistakes are logged. */
int ts_channels_connect(const struct ts_host *h, dom_id id, const struct ts_domain_config *cfg);
/* Those of a guest that has gone or is about to. */
void ts_channels_close(const struct ts_host *h, dom_id id);

/* ---- builder.c ------------------------------------------------------------------------------------------------- */

/* Guest frame number i of a guest of this type, as the builder lays its memory out. */
uint64_t ts_guest_frame(enum hv_guest_type type, uint64_t i);
/* Pages of the guest; logs and returns -HV_ENOMEM where they cannot be had. */
int ts_build_memory(const struct ts_host *h, dom_id id, const struct ts_domain_config *cfg);

#endif
