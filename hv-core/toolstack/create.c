/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xl create. The order of the hypercalls is libxl 4.3's: the domain, its vCPUs, node affinity from automatic placement,
 * hard affinity, maximum memory, memory, scheduling parameters, vCPUs online. Affinity comes before memory, because
 * memory follows it at allocation time only.
 */
#include "internal.h"
#include <stdlib.h>
#include <string.h>

/* What xl exits with: its own EXIT_FAILURE, and -ERROR_FAIL, which libxl makes of whatever went wrong. */
#define XL_REFUSES 1
#define LIBXL_FAILS 3

#define WEIGHT_MAX 65535u
#define CAP_NOT_GIVEN 0xffffffffu
#define CAP_UNCHANGED 0xffffu

/* What one creation needs; too large for the stack. */
struct creation {
    const struct ts_host *h;
    struct ts_domain_config cfg; /* defaults filled in */
    dom_id id;
    unsigned nr_cpus, nr_nodes;
    struct ts_cpulist cpus, cpus_soft;
    cpumask_t pool_cpus;
    struct ts_topology topo;
    bool have_topo;
    struct ts_domain_result result;
};

static int refuse(const struct creation *c, int rc, const char *why)
{
    ts_log(c->h, TS_LOG_ERROR, "domain %s: %s", c->cfg.name, why);
    return rc;
}

static int check_config(struct creation *c)
{
    struct ts_domain_config *cfg = &c->cfg;
    if (!memchr(cfg->name, '\0', sizeof cfg->name) || !cfg->name[0]) {
        ts_log(c->h, TS_LOG_ERROR, "a domain needs a name of 1 to %zu characters", sizeof cfg->name - 1);
        return -HV_EINVAL;
    }
    if (!cfg->maxvcpus)
        cfg->maxvcpus = cfg->vcpus;
    if (!cfg->maxmem_kb)
        cfg->maxmem_kb = cfg->memory_kb;
    if (cfg->vcpus == 0 || cfg->vcpus > cfg->maxvcpus)
        return refuse(c, -HV_EINVAL, "vcpus must be 1 to maxvcpus");
    if (cfg->maxvcpus > HV_MAX_VCPUS_PER_DOMAIN) {
        ts_log(c->h, TS_LOG_ERROR, "domain %s: maxvcpus is at most %u, not %u", cfg->name, HV_MAX_VCPUS_PER_DOMAIN,
               cfg->maxvcpus);
        return -HV_EINVAL;
    }
    if (cfg->memory_kb == 0 || cfg->memory_kb % 4)
        return refuse(c, -HV_EINVAL, "memory must be a whole number of pages, and not nothing");
    if (cfg->maxmem_kb < cfg->memory_kb)
        return refuse(c, -HV_EINVAL, "maxmem is below memory");
    if (cfg->maxmem_kb % 4)
        return refuse(c, -HV_EINVAL, "maxmem must be a whole number of pages");
    if (cfg->weight > WEIGHT_MAX)
        return refuse(c, -HV_EINVAL, "cpu_weight must be 1 to 65535");
    if (cfg->cap != CAP_NOT_GIVEN && cfg->cap > 100 * cfg->maxvcpus)
        return refuse(c, -HV_EINVAL, "cap must be at most 100 per vCPU");
    if (ts_cpus_soft_given(cfg) && c->h->level->quirk[HV_QUIRK_node_affinity_domain])
        return refuse(c, -HV_EOPNOTSUPP, "cpus_soft: this level has no soft affinity (Xen has it from 4.5 on)");
    if (cfg->nr_vnodes && c->h->level->quirk[HV_QUIRK_vnuma_absent])
        return refuse(c, -HV_EOPNOTSUPP, "vnuma: this level has no virtual NUMA (xl has it from 4.6 on)");
    if (cfg->claim_on_node && c->h->level->quirk[HV_QUIRK_claim_host_only])
        return refuse(c, -HV_EOPNOTSUPP, "claim_on_node: this level claims memory of the whole host only");
    if (cfg->claim_on_node && c->h->claim_mode == TS_CLAIM_OFF)
        return refuse(c, -HV_EINVAL, "claim_on_node: claim_mode is off");
    if (cfg->claim_on_node && cfg->nr_vnodes)
        return refuse(c, -HV_EINVAL, "claim_on_node: the vnodes have their nodes already");
    if (cfg->nr_vnodes && cfg->type != HV_GUEST_PV && cfg->type != HV_GUEST_HVM)
        return refuse(c, -HV_EOPNOTSUPP, "vnuma: guests of this architecture have no virtual NUMA");
    return 0;
}

static int read_host(struct creation *c, bool topology)
{
    int rc;
    if (topology && !c->have_topo) {
        rc = ts_read_topology(c->h, &c->topo);
        c->have_topo = rc == 0;
        c->nr_cpus = c->topo.nr_cpus;
        c->nr_nodes = c->topo.nr_nodes;
    } else {
        rc = ts_read_nr_cpus(c->h, &c->nr_cpus, &c->nr_nodes);
    }
    return rc ? ts_fail(c->h, c->cfg.name, "the host's topology cannot be read", rc) : 0;
}

/* Everything that can be refused before the hypervisor knows of the domain. */
static int prepare(struct creation *c)
{
    int rc = check_config(c);
    if (!rc)
        rc = read_host(c, ts_cpus_mention_nodes(&c->cfg) || c->cfg.nr_vnodes);
    if (!rc)
        rc = ts_cpus_read(c->h, &c->cfg, c->nr_cpus, c->have_topo ? &c->topo : NULL, &c->cpus);
    if (!rc)
        rc = ts_cpus_read_soft(c->h, &c->cfg, c->nr_cpus, c->have_topo ? &c->topo : NULL, &c->cpus_soft);
    if (!rc && c->cfg.nr_vnodes)
        rc = ts_vnuma_check(c->h, &c->cfg, &c->topo, &c->cpus, &c->cpus_soft);
    if (!rc && c->cfg.claim_on_node && c->cfg.claim_node >= c->nr_nodes) {
        ts_log(c->h, TS_LOG_ERROR, "domain %s: claim_on_node: there is no node %u", c->cfg.name, c->cfg.claim_node);
        rc = -HV_EINVAL;
    }
    return rc;
}

static bool wants_placement(const struct creation *c)
{
    /* Without a choice there is nothing to decide. */
    if (c->nr_nodes <= 1 || c->cpus_soft.set || c->cfg.nr_vnodes || c->cfg.claim_on_node)
        return false;
    if (!c->cpus.set)
        return true;
    return !c->cpus.list_form && !c->h->level->quirk[HV_QUIRK_placement_off_with_cpus];
}

/*
 * The nodes become the domain's node affinity, and from 4.5 on the soft affinity of its vCPUs before that. Node
 * affinity that is set does not follow the vCPUs any more: memory comes from these nodes whatever cpus= says.
 */
static long settle_on(struct creation *c, nodemask_t chosen)
{
    struct hv_domctl op = {0};
    op.u.nodeaffinity.nodemap = chosen;
    if (c->h->level->quirk[HV_QUIRK_node_affinity_domain])
        return ts_domctl(c->h, &op, XEN_DOMCTL_setnodeaffinity, c->id);
    cpumask_t soft = {{0}};
    for (unsigned n = 0; n < c->topo.nr_nodes; n++)
        if (nodemask_test(chosen, node(n)))
            for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
                soft.w[i] |= c->topo.node_cpus[n].w[i];
    int rc = ts_cpus_apply_soft(c->h, c->id, c->cfg.maxvcpus, &soft);
    return rc ? rc : ts_domctl(c->h, &op, XEN_DOMCTL_setnodeaffinity, c->id);
}

/*
 * From 4.12 on, when cpus= no longer switches placement off, the pool's pCPUs that cpus= allows are computed, and there
 * must be some. Then those of the pool are used.
 */
static int suitable_cpus(struct creation *c, cpumask_t *out)
{
    *out = c->pool_cpus;
    if (!c->cpus.set)
        return 0;
    uint64_t any = 0;
    for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
        any |= out->w[i] &= c->cpus.mask[0].w[i];
    if (c->h->level->quirk[HV_QUIRK_placement_ignores_pinning])
        *out = c->pool_cpus;
    return any ? 0 : refuse(c, -HV_EINVAL, "cpus= has no pCPU of its cpupool");
}

/* Chooses nodes and makes them the domain's node affinity. Finding none is no error: memory then comes from anywhere.
 */
static int place(struct creation *c)
{
    const struct ts_host *h = c->h;
    if (!wants_placement(c))
        return 0;
    if (c->nr_nodes > TS_PLACEMENT_MAX_NODES) {
        ts_log(h, TS_LOG_WARNING, "domain %s: %u NUMA nodes are too many for automatic placement (at most %u), skipped",
               c->cfg.name, c->nr_nodes, TS_PLACEMENT_MAX_NODES);
        return 0;
    }
    int rc = c->have_topo ? 0 : read_host(c, true);
    if (rc)
        return rc;
    rc = ts_read_pool(h, c->cfg.pool_id, &c->pool_cpus);
    if (rc)
        return ts_fail(h, c->cfg.name, "its cpupool cannot be read", rc);
    cpumask_t suitable;
    rc = suitable_cpus(c, &suitable);
    if (rc)
        return rc;
    struct ts_placement_node nodes[HV_MAX_NODES];
    rc = ts_read_placement_state(h, &c->topo, c->id, &suitable, nodes);
    if (rc)
        return ts_fail(h, c->cfg.name, "the state of the nodes cannot be read", rc);

    const struct ts_placement_request req = {
        .need_kb = ts_memory_need_kb(c->cfg.type == HV_GUEST_HVM, c->cfg.memory_kb, c->cfg.maxmem_kb, c->cfg.maxvcpus),
        .min_cpus = c->cfg.maxvcpus};
    nodemask_t chosen;
    if (ts_placement_decide(h->level, c->topo.nr_nodes, nodes, &req, &chosen) != TS_PLACEMENT_FOUND) {
        ts_log(h, TS_LOG_INFO, "domain %s: no NUMA placement found, no node affinity", c->cfg.name);
        return 0;
    }
    long err = settle_on(c, chosen);
    if (err < 0)
        return ts_fail(h, c->cfg.name, "the nodes of its placement are refused", err);
    c->result.auto_placed = true;
    c->result.nodes = chosen;
    return 0;
}

/* Where its memory is claimed it is at home; its vCPUs run where they would. */
static int settle_on_claim(struct creation *c)
{
    struct hv_domctl op = {0};
    if (!c->cfg.claim_on_node)
        return 0;
    nodemask_set(&op.u.nodeaffinity.nodemap, node(c->cfg.claim_node));
    long rc = ts_domctl(c->h, &op, XEN_DOMCTL_setnodeaffinity, c->id);
    return rc < 0 ? ts_fail(c->h, c->cfg.name, "the node of its claim is refused", rc) : 0;
}

static int set_max_mem(struct creation *c)
{
    struct hv_domctl op = {0};
    op.u.max_mem.max_memkb = c->cfg.memory_kb + TS_MAXMEM_SLACK_KB;
    long rc = ts_domctl(c->h, &op, XEN_DOMCTL_max_mem, c->id);
    return rc < 0 ? ts_fail(c->h, c->cfg.name, "the maximum memory is refused", rc) : 0;
}

static int set_rt_params(struct creation *c)
{
    struct hv_domctl op = {0};
    for (unsigned v = 0; v < c->cfg.maxvcpus; v++) {
        op.u.scheduler_op.put = false;
        op.u.scheduler_op.by_vcpu = true;
        op.u.scheduler_op.vcpu = vcpu_n(v);
        op.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
        long rc = ts_domctl(c->h, &op, XEN_DOMCTL_scheduler_op, c->id);
        if (rc >= 0) {
            op.u.scheduler_op.put = true;
            if (c->cfg.rt_period_us)
                op.u.scheduler_op.period_us = c->cfg.rt_period_us;
            if (c->cfg.rt_budget_us)
                op.u.scheduler_op.budget_us = c->cfg.rt_budget_us;
            if (c->cfg.rt_extratime != TS_EXTRATIME_NOT_GIVEN)
                op.u.scheduler_op.extratime = c->cfg.rt_extratime == TS_EXTRATIME_ON;
            rc = ts_domctl(c->h, &op, XEN_DOMCTL_scheduler_op, c->id);
        }
        if (rc < 0)
            return ts_fail(c->h, c->cfg.name, "period, budget and extratime are refused", rc);
    }
    return 0;
}

static int set_sched_params(struct creation *c)
{
    if (c->cfg.rt_period_us || c->cfg.rt_budget_us || c->cfg.rt_extratime)
        return set_rt_params(c);
    if (c->cfg.weight == 0 && c->cfg.cap == CAP_NOT_GIVEN)
        return 0;
    struct hv_domctl op = {0};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.weight = c->cfg.weight; /* 0: unchanged, in both interfaces */
    op.u.scheduler_op.cap = c->cfg.cap == CAP_NOT_GIVEN ? CAP_UNCHANGED : c->cfg.cap;
    long rc = ts_domctl(c->h, &op, XEN_DOMCTL_scheduler_op, c->id);
    return rc < 0 ? ts_fail(c->h, c->cfg.name, "scheduling parameters are refused", rc) : 0;
}

static int set_vcpus(struct creation *c, enum hv_domctl_cmd cmd, unsigned n, const char *what)
{
    struct hv_domctl op = {0};
    op.u.max_vcpus.max = n;
    long rc = ts_domctl(c->h, &op, cmd, c->id);
    return rc < 0 ? ts_fail(c->h, c->cfg.name, what, rc) : 0;
}

/* From the empty domain to the finished one. */
static int build(struct creation *c)
{
    const char *name = c->cfg.name;
    int rc = set_vcpus(c, XEN_DOMCTL_max_vcpus, c->cfg.maxvcpus, "its vCPUs cannot be created");
    if (!rc)
        rc = place(c);
    if (!rc)
        rc = settle_on_claim(c);
    if (!rc) {
        rc = ts_cpus_apply(c->h, c->id, c->cfg.maxvcpus, &c->cpus);
        if (rc)
            ts_fail(c->h, name, "vCPU affinity is refused", rc);
    }
    if (!rc && c->cpus_soft.set) {
        rc = ts_cpus_apply_soft_list(c->h, c->id, c->cfg.maxvcpus, &c->cpus_soft);
        if (rc)
            ts_fail(c->h, name, "soft affinity is refused", rc);
    }
    if (!rc)
        rc = set_max_mem(c);
    if (!rc)
        rc = ts_build_memory(c->h, c->id, &c->cfg);
    if (!rc && c->cfg.nr_vnodes && !c->cpus_soft.set) {
        rc = ts_vnuma_apply_soft(c->h, c->id, &c->cfg, &c->topo);
        if (rc)
            ts_fail(c->h, name, "soft affinity is refused", rc);
    }
    if (!rc)
        rc = ts_channels_connect(c->h, c->id, &c->cfg);
    if (!rc)
        rc = set_sched_params(c);
    if (!rc) {
        rc = ts_cpus_apply_late(c->h, c->id, c->cfg.maxvcpus, &c->cpus);
        if (rc)
            ts_fail(c->h, name, "vCPU affinity is refused", rc);
    }
    if (!rc)
        rc = set_vcpus(c, XEN_DOMCTL_online_vcpus, c->cfg.vcpus, "its vCPUs cannot be brought online");
    return rc;
}

static int create(struct creation *c)
{
    int rc = prepare(c);
    if (rc) {
        c->result.xl_status = XL_REFUSES;
        return rc;
    }
    c->result.xl_status = LIBXL_FAILS;
    struct hv_domctl op = {0};
    op.u.createdomain.type = c->cfg.type;
    op.u.createdomain.cpupool = c->cfg.pool_id;
    long err = ts_domctl(c->h, &op, XEN_DOMCTL_createdomain, DOM_INVALID);
    if (err < 0)
        return ts_fail(c->h, c->cfg.name, "cannot be created", err);
    c->id = c->result.domid = op.domid;
    rc = build(c);
    if (rc) {
        ts_domain_destroy(c->h, c->id); /* says so itself if it fails; the first error is the one to report */
        c->result.domid = DOM_INVALID;
    } else {
        c->result.xl_status = 0;
    }
    return rc;
}

int ts_domain_create(const struct ts_host *h, const struct ts_domain_config *cfg, struct ts_domain_result *out)
{
    memset(out, 0, sizeof *out);
    out->domid = DOM_INVALID;
    struct creation *c = calloc(1, sizeof *c);
    if (!c) {
        out->xl_status = XL_REFUSES;
        ts_log(h, TS_LOG_ERROR, "domain %.63s: the toolstack has no memory left", cfg->name);
        return -HV_ENOMEM;
    }
    c->h = h;
    c->cfg = *cfg;
    c->result.domid = DOM_INVALID;
    int rc = create(c);
    *out = c->result;
    ts_cpulist_free(&c->cpus);
    ts_cpulist_free(&c->cpus_soft);
    free(c);
    return rc;
}

int ts_domain_unpause(const struct ts_host *h, dom_id id)
{
    struct hv_domctl op = {0};
    long rc = ts_domctl(h, &op, XEN_DOMCTL_unpausedomain, id);
    if (rc < 0)
        ts_log(h, TS_LOG_ERROR, "domain %u cannot be unpaused: %s (error %ld)", id.n, ts_strerror(rc), -rc);
    return rc < 0 ? (int)rc : 0;
}

int ts_domain_destroy(const struct ts_host *h, dom_id id)
{
    struct hv_domctl op = {0};
    ts_channels_close(h, id);
    long rc = ts_domctl(h, &op, XEN_DOMCTL_destroydomain, id);
    if (rc < 0)
        ts_log(h, TS_LOG_ERROR, "domain %u cannot be destroyed: %s (error %ld)", id.n, ts_strerror(rc), -rc);
    return rc < 0 ? (int)rc : 0;
}
