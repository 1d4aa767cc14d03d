/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpus= and cpus_soft= of a configuration and what becomes of them. String form: all vCPUs get the mask, before memory
 * is built. List form up to 4.4: all vCPUs get the union of the entries before memory is built, and entry i is pinned
 * to vCPU i when the domain exists. List form later: entry i is vCPU i's mask from the start, and the vCPUs beyond the
 * list stay free.
 */
#include "internal.h"
#include <stdlib.h>
#include <string.h>

static bool list_mentions_nodes(const char *text, const char *const *list, unsigned nr)
{
    if (text && strstr(text, "node"))
        return true;
    for (unsigned i = 0; list && i < nr; i++)
        if (strstr(list[i], "node"))
            return true;
    return false;
}

bool ts_cpus_mention_nodes(const struct ts_domain_config *cfg)
{
    return list_mentions_nodes(cfg->cpus, cfg->cpus_list, cfg->nr_cpus_list) ||
           list_mentions_nodes(cfg->cpus_soft, cfg->cpus_soft_list, cfg->nr_cpus_soft_list);
}

bool ts_cpus_soft_given(const struct ts_domain_config *cfg)
{
    return cfg->cpus_soft || cfg->cpus_soft_list;
}

static void unite(cpumask_t *to, const cpumask_t *with)
{
    for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
        to->w[i] |= with->w[i];
}

/* A key of the configuration with one mask for all vCPUs, or a list with one for each. */
struct affinity_key {
    const char *key, *text;
    const char *const *list;
    unsigned nr;
};

static int make_room(const struct ts_host *h, const struct ts_domain_config *cfg, unsigned nr, struct ts_cpulist *out)
{
    out->mask = calloc(nr, sizeof(*out->mask));
    if (!out->mask)
        ts_log(h, TS_LOG_ERROR, "domain %s: the toolstack has no memory left", cfg->name);
    return out->mask ? 0 : -HV_ENOMEM;
}

void ts_cpulist_free(struct ts_cpulist *l)
{
    free(l->mask);
    l->mask = NULL;
}

static int read_key(const struct ts_host *h, const struct ts_domain_config *cfg, const struct affinity_key *k,
                    unsigned nr_cpus, const struct ts_topology *t, struct ts_cpulist *out)
{
    const node_id *cpu_node = t ? t->cpu_node : NULL;
    char err[160];
    unsigned column = 0;
    if (k->text && k->list) {
        ts_log(h, TS_LOG_ERROR, "domain %s: %s= is given both as a string and as a list", cfg->name, k->key);
        return -HV_EINVAL;
    }
    out->set = k->text || k->list;
    out->list_form = k->list != NULL;
    if (k->text) {
        if (make_room(h, cfg, 1, out))
            return -HV_ENOMEM;
        out->nr = 1;
        if (ts_cpulist_parse_nodes(h->level, k->text, nr_cpus, cpu_node, &out->uni, err, sizeof err, &column)) {
            ts_log(h, TS_LOG_ERROR, "domain %s: %s=\"%.64s\": column %u: %s", cfg->name, k->key, k->text, column, err);
            return -HV_EINVAL;
        }
        out->mask[0] = out->uni;
    }
    if (k->list && k->nr == 0) {
        ts_log(h, TS_LOG_ERROR, "domain %s: %s=[] is empty", cfg->name, k->key);
        return -HV_EINVAL;
    }
    unsigned maxvcpus = cfg->maxvcpus ? cfg->maxvcpus : cfg->vcpus;
    if (k->list && make_room(h, cfg, k->nr < maxvcpus ? k->nr : maxvcpus, out))
        return -HV_ENOMEM;
    for (unsigned i = 0; k->list && i < k->nr; i++) {
        cpumask_t m;
        if (ts_cpulist_parse_entry(h->level, k->list[i], nr_cpus, cpu_node, &m, err, sizeof err, &column)) {
            ts_log(h, TS_LOG_ERROR, "domain %s: %s=[...]: entry %u \"%.64s\": column %u: %s", cfg->name, k->key, i + 1,
                   k->list[i], column, err);
            return -HV_EINVAL;
        }
        if (i < maxvcpus) {
            out->mask[i] = m;
            out->nr = i + 1;
        }
        unite(&out->uni, &m);
    }
    if (k->list && k->nr > maxvcpus)
        ts_log(h, TS_LOG_WARNING, "domain %s: %s=[...] has %u entries for %u vCPUs; the rest pin nothing", cfg->name,
               k->key, k->nr, maxvcpus);
    return 0;
}

int ts_cpus_read(const struct ts_host *h, const struct ts_domain_config *cfg, unsigned nr_cpus,
                 const struct ts_topology *t, struct ts_cpulist *out)
{
    const struct affinity_key k = {"cpus", cfg->cpus, cfg->cpus_list, cfg->nr_cpus_list};
    return read_key(h, cfg, &k, nr_cpus, t, out);
}

int ts_cpus_read_soft(const struct ts_host *h, const struct ts_domain_config *cfg, unsigned nr_cpus,
                      const struct ts_topology *t, struct ts_cpulist *out)
{
    const struct affinity_key k = {"cpus_soft", cfg->cpus_soft, cfg->cpus_soft_list, cfg->nr_cpus_soft_list};
    return read_key(h, cfg, &k, nr_cpus, t, out);
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

int ts_cpus_apply_soft_one(const struct ts_host *h, dom_id id, unsigned vcpu, const cpumask_t *soft)
{
    struct hv_domctl op = {0};
    op.u.vcpuaffinity.vcpu = vcpu_n(vcpu);
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_SOFT;
    op.u.vcpuaffinity.cpumap_soft = *soft;
    long rc = ts_domctl(h, &op, XEN_DOMCTL_setvcpuaffinity, id);
    return rc < 0 ? (int)rc : 0;
}

int ts_cpus_apply_soft(const struct ts_host *h, dom_id id, unsigned nr_vcpus, const cpumask_t *soft)
{
    int rc = 0;
    for (unsigned v = 0; v < nr_vcpus && !rc; v++)
        rc = ts_cpus_apply_soft_one(h, id, v, soft);
    return rc;
}

int ts_cpus_apply_soft_list(const struct ts_host *h, dom_id id, unsigned nr_vcpus, const struct ts_cpulist *soft)
{
    int rc = 0;
    if (!soft->list_form)
        return ts_cpus_apply_soft(h, id, nr_vcpus, &soft->uni);
    for (unsigned v = 0; v < soft->nr && !rc; v++)
        rc = ts_cpus_apply_soft_one(h, id, v, &soft->mask[v]);
    return rc;
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
