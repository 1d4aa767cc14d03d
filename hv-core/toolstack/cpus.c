/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpus= of a configuration and what becomes of it. String form: all vCPUs get the mask, before memory is built. List
 * form up to 4.4: all vCPUs get the union of the entries before memory is built, and entry i is pinned to vCPU i when
 * the domain exists. List form later: entry i is vCPU i's mask from the start, and the vCPUs beyond the list stay free.
 */
#include "internal.h"
#include <string.h>

bool ts_cpus_mention_nodes(const struct ts_domain_config *cfg)
{
    if ((cfg->cpus && strstr(cfg->cpus, "node")) || (cfg->cpus_soft && strstr(cfg->cpus_soft, "node")))
        return true;
    for (unsigned i = 0; cfg->cpus_list && i < cfg->nr_cpus_list; i++)
        if (strstr(cfg->cpus_list[i], "node"))
            return true;
    return false;
}

static void unite(cpumask_t *to, const cpumask_t *with)
{
    for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
        to->w[i] |= with->w[i];
}

int ts_cpus_read(const struct ts_host *h, const struct ts_domain_config *cfg, unsigned nr_cpus,
                 const struct ts_topology *t, struct ts_cpulist *out)
{
    const node_id *cpu_node = t ? t->cpu_node : NULL;
    char err[160];
    unsigned column = 0;
    if (cfg->cpus && cfg->cpus_list) {
        ts_log(h, TS_LOG_ERROR, "domain %s: cpus= is given both as a string and as a list", cfg->name);
        return -HV_EINVAL;
    }
    out->set = cfg->cpus || cfg->cpus_list;
    out->list_form = cfg->cpus_list != NULL;
    if (cfg->cpus) {
        out->nr = 1;
        if (ts_cpulist_parse_nodes(h->level, cfg->cpus, nr_cpus, cpu_node, &out->uni, err, sizeof err, &column)) {
            ts_log(h, TS_LOG_ERROR, "domain %s: cpus=\"%.64s\": column %u: %s", cfg->name, cfg->cpus, column, err);
            return -HV_EINVAL;
        }
        out->mask[0] = out->uni;
    }
    if (cfg->cpus_list && cfg->nr_cpus_list == 0) {
        ts_log(h, TS_LOG_ERROR, "domain %s: cpus=[] is empty", cfg->name);
        return -HV_EINVAL;
    }
    unsigned maxvcpus = cfg->maxvcpus ? cfg->maxvcpus : cfg->vcpus;
    for (unsigned i = 0; cfg->cpus_list && i < cfg->nr_cpus_list; i++) {
        cpumask_t m;
        if (ts_cpulist_parse_entry(h->level, cfg->cpus_list[i], nr_cpus, cpu_node, &m, err, sizeof err, &column)) {
            ts_log(h, TS_LOG_ERROR, "domain %s: cpus=[...]: entry %u \"%.64s\": column %u: %s", cfg->name, i + 1,
                   cfg->cpus_list[i], column, err);
            return -HV_EINVAL;
        }
        if (i < maxvcpus && i < HV_MAX_VCPUS_PER_DOMAIN) {
            out->mask[i] = m;
            out->nr = i + 1;
        }
        unite(&out->uni, &m);
    }
    if (cfg->cpus_list && cfg->nr_cpus_list > maxvcpus)
        ts_log(h, TS_LOG_WARNING, "domain %s: cpus=[...] has %u entries for %u vCPUs; the rest pin nothing", cfg->name,
               cfg->nr_cpus_list, maxvcpus);
    return 0;
}

static int pin(const struct ts_host *h, dom_id id, unsigned v, const cpumask_t *mask)
{
    struct hv_domctl op = {0};
    op.u.vcpuaffinity.vcpu = vcpu_n(v);
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap = *mask;
    long rc = ts_domctl(h, &op, XEN_DOMCTL_setvcpuaffinity, id);
    return rc < 0 ? (int)rc : 0;
}

int ts_cpus_apply(const struct ts_host *h, dom_id id, unsigned nr_vcpus, const struct ts_cpulist *cpus)
{
    if (!cpus->set)
        return 0;
    bool entries = cpus->list_form && !h->level->quirk[HV_QUIRK_cpus_list_single];
    for (unsigned v = 0; v < (entries ? cpus->nr : nr_vcpus); v++) {
        int rc = pin(h, id, v, entries ? &cpus->mask[v] : &cpus->uni);
        if (rc)
            return rc;
    }
    return 0;
}

int ts_cpus_apply_soft(const struct ts_host *h, dom_id id, unsigned nr_vcpus, const cpumask_t *soft)
{
    for (unsigned v = 0; v < nr_vcpus; v++) {
        struct hv_domctl op = {0};
        op.u.vcpuaffinity.vcpu = vcpu_n(v);
        op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_SOFT;
        op.u.vcpuaffinity.cpumap_soft = *soft;
        long rc = ts_domctl(h, &op, XEN_DOMCTL_setvcpuaffinity, id);
        if (rc < 0)
            return (int)rc;
    }
    return 0;
}

int ts_cpus_read_soft(const struct ts_host *h, const struct ts_domain_config *cfg, unsigned nr_cpus,
                      const struct ts_topology *t, cpumask_t *out)
{
    char err[160];
    unsigned column = 0;
    if (!ts_cpulist_parse_nodes(h->level, cfg->cpus_soft, nr_cpus, t ? t->cpu_node : NULL, out, err, sizeof err,
                                &column))
        return 0;
    ts_log(h, TS_LOG_ERROR, "domain %s: cpus_soft=\"%.64s\": column %u: %s", cfg->name, cfg->cpus_soft, column, err);
    return -HV_EINVAL;
}

int ts_cpus_apply_late(const struct ts_host *h, dom_id id, unsigned nr_vcpus, const struct ts_cpulist *cpus)
{
    if (!cpus->list_form || !h->level->quirk[HV_QUIRK_cpus_list_single])
        return 0;
    for (unsigned v = 0; v < cpus->nr && v < nr_vcpus; v++) {
        int rc = pin(h, id, v, &cpus->mask[v]);
        if (rc)
            return rc;
    }
    return 0;
}
