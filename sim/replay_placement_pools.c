/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom0 and the cpupools of a recorded placement. They stand beside the host or in it; a pool is an object with its name
 * and pCPUs, or a member NAME: pCPUs.
 */
#include "replay_placement.h"

#include <hv/profile.h>
#include <string.h>
#include <toolstack/toolstack.h>

/* pCPUs as a list of numbers, or as xl writes them. */
static bool read_cpus(struct placement_record *r, const struct json *v, const char *what, struct placement_set *out,
                      struct fault *f)
{
    cpumask_t *mask;
    node_id *cpu_node;
    char why[160] = "";
    if (v->type != JSON_STRING)
        return placement_numbers(r, v, what, r->nr_cpus, out, f);
    mask = placement_alloc(r, 1, sizeof(*mask), f);
    cpu_node = placement_alloc(r, r->nr_cpus, sizeof(*cpu_node), f);
    out->item = placement_alloc(r, r->nr_cpus, sizeof(*out->item), f);
    if (!mask || !cpu_node || !out->item)
        return false;
    for (unsigned n = 0; n < r->nr_nodes; n++)
        for (unsigned i = 0; i < r->node[n].pcpus.nr; i++)
            cpu_node[r->node[n].pcpus.item[i]] = node(n);
    if (ts_cpulist_parse_nodes(hv_profile_find("modern"), v->text, r->nr_cpus, cpu_node, mask, why, sizeof(why),
                               NULL)) {
        placement_fault(r, v, f, "%s: %s", what, why);
        return false;
    }
    for (unsigned c = 0; c < r->nr_cpus; c++)
        if (cpumask_test(mask, pcpu(c)))
            out->item[out->nr++] = c;
    out->given = true;
    return true;
}

/* The pCPUs of a pool, under any of the names that tools give them, or those of its nodes. */
static bool pool_cpus(struct placement_record *r, const struct json *v, struct placement_set *out, struct fault *f)
{
    static const char *const lists[] = {"cpus", "pcpus", "cpu_list"};
    const struct json *nodes = json_get(v, "nodes");
    struct placement_set on = {.nr = 0};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        const struct json *cpus = json_get(v, lists[i]);
        if (cpus && (cpus->type == JSON_ARRAY || cpus->type == JSON_STRING)) /* not how many there are */
            return read_cpus(r, cpus, lists[i], out, f);
    }
    if (!nodes || !placement_numbers(r, nodes, "nodes", r->nr_nodes, &on, f)) {
        placement_fault(r, v, f, "a pool needs a list of its pCPUs, 'cpus'");
        return false;
    }
    out->item = placement_alloc(r, r->nr_cpus, sizeof(*out->item), f);
    for (unsigned i = 0; out->item && i < on.nr; i++)
        for (unsigned k = 0; k < r->node[on.item[i]].pcpus.nr; k++)
            out->item[out->nr++] = r->node[on.item[i]].pcpus.item[k];
    out->given = true;
    return out->item != NULL;
}

static void read_pool(struct placement_record *r, const struct json *v, const char *name, struct fault *f)
{
    static const char *const known[] = {"name",      "cpus", "pcpus",  "cpu_list", "nodes", "sched",
                                        "scheduler", "id",   "poolid", "domains",  "n_dom", NULL};
    struct placement_pool *p = &r->pool[r->nr_pools];
    p->name = name;
    if (v->type != JSON_OBJECT) {
        if (!name || !read_cpus(r, v, name, &p->pcpus, f)) {
            placement_fault(r, v, f, "a pool is an object with its name and its pCPUs");
            return;
        }
    } else {
        placement_check_keys(r, v, known, f);
        if (!placement_text(r, v, "name", !name, &p->name, f) ||
            !placement_text(r, v, json_get(v, "sched") ? "sched" : "scheduler", false, &p->sched, f) ||
            !pool_cpus(r, v, &p->pcpus, f))
            return;
    }
    for (unsigned i = 0; i < r->nr_pools; i++) {
        const struct placement_pool *o = &r->pool[i];
        if (!strcmp(o->name, p->name))
            placement_fault(r, v, f, "a second pool '%s'", p->name);
        for (unsigned a = 0; a < o->pcpus.nr; a++)
            for (unsigned b = 0; b < p->pcpus.nr; b++)
                if (o->pcpus.item[a] == p->pcpus.item[b])
                    placement_fault(r, v, f, "pCPU %u is in pools '%s' and '%s'", p->pcpus.item[b], o->name, p->name);
    }
    r->nr_pools++;
}

static bool has_cpu(const struct placement_set *s, unsigned cpu)
{
    for (unsigned i = 0; i < s->nr; i++)
        if (s->item[i] == cpu)
            return true;
    return false;
}

/* Xen's first pool is not listed: it has what the others leave. */
static void add_first_pool(struct placement_record *r, const struct json *v, struct fault *f)
{
    struct placement_pool *p = &r->pool[r->nr_pools];
    *p = (struct placement_pool){.name = "Pool-0"};
    p->pcpus.item = placement_alloc(r, r->nr_cpus, sizeof(*p->pcpus.item), f);
    for (unsigned c = 0; p->pcpus.item && c < r->nr_cpus; c++) {
        bool taken = false;
        for (unsigned i = 0; i < r->nr_pools; i++)
            taken |= has_cpu(&r->pool[i].pcpus, c);
        if (!taken)
            p->pcpus.item[p->pcpus.nr++] = c;
    }
    for (unsigned i = 0; i < r->nr_pools; i++)
        if (!strcmp(r->pool[i].name, p->name))
            placement_fault(r, v, f, "pCPU 0 is in no pool: it stays in Pool-0");
    r->nr_pools++;
}

/* The one that dom0 is in and that has pCPU 0, to the front. */
static void first_pool(struct placement_record *r, const struct json *v, const char *of_dom0, struct fault *f)
{
    unsigned first = 0;
    while (first < r->nr_pools && !has_cpu(&r->pool[first].pcpus, 0))
        first++;
    if (first == r->nr_pools)
        add_first_pool(r, v, f);
    if (f->code == EXIT_DONE && of_dom0 && strcmp(r->pool[first].name, of_dom0) != 0)
        placement_fault(r, v, f, "dom0 is in pool '%s', which has no pCPU 0", of_dom0);
    struct placement_pool p = r->pool[first];
    r->pool[first] = r->pool[0];
    r->pool[0] = p;
}

void placement_read_pools(struct placement_record *r, const struct json *v, const char *of_dom0, struct fault *f)
{
    if (!v || v->type == JSON_NULL || (v->type == JSON_ARRAY && v->nr == 0))
        return;
    if (v->type != JSON_ARRAY && v->type != JSON_OBJECT) {
        placement_fault(r, v, f, "cpupools: expected a list of pools");
        return;
    }
    r->pool = placement_alloc(r, v->nr + 1, sizeof(*r->pool), f);
    for (size_t i = 0; r->pool && i < v->nr && f->code == EXIT_DONE; i++)
        read_pool(r, v->item[i], v->type == JSON_OBJECT ? v->key[i] : NULL, f);
    if (f->code == EXIT_DONE)
        first_pool(r, v, of_dom0, f);
}

/* One list for all vCPUs, or a list of lists with one for each. */
static bool read_hard(struct placement_record *r, const struct json *v, struct fault *f)
{
    bool each = v->type == JSON_ARRAY && v->nr && (v->item[0]->type == JSON_ARRAY || v->item[0]->type == JSON_STRING);
    r->nr_dom0_hard = each ? (unsigned)v->nr : 1;
    r->dom0_hard = placement_alloc(r, r->nr_dom0_hard, sizeof(*r->dom0_hard), f);
    if (each && v->nr != r->dom0_vcpus) {
        placement_fault(r, v, f, "hard: %zu lists for %u vCPUs", v->nr, r->dom0_vcpus);
        return false;
    }
    for (unsigned i = 0; r->dom0_hard && i < r->nr_dom0_hard; i++) {
        if (!read_cpus(r, each ? v->item[i] : v, "hard", &r->dom0_hard[i], f))
            return false;
        if (!r->dom0_hard[i].nr)
            placement_fault(r, v, f, "hard: dom0 may run nowhere");
    }
    return f->code == EXIT_DONE;
}

void placement_read_dom0(struct placement_record *r, const struct json *v, const char **pool, struct fault *f)
{
    static const char *const known[] = {"vcpus", "hard", "soft", "pages_per_node", "cpupool", NULL};
    uint64_t vcpus = 0;
    placement_check_keys(r, v, known, f);
    if (!placement_uint(r, v, "vcpus", true, 1, HV_MAX_VCPUS_PER_DOMAIN, &vcpus, f))
        return;
    r->dom0_vcpus = (unsigned)vcpus;
    const struct json *hard = json_get(v, "hard"), *soft = json_get(v, "soft"), *in = json_get(v, "cpupool"),
                      *pages = json_get(v, "pages_per_node");
    if (hard && hard->type != JSON_NULL && !read_hard(r, hard, f))
        return;
    if (soft && soft->type != JSON_NULL && !read_cpus(r, soft, "soft", &r->dom0_soft, f))
        return;
    if (pages && pages->type != JSON_NULL)
        placement_pages(r, pages, "pages_per_node", f);
    if (in && in->type == JSON_STRING)
        *pool = in->text;
}
