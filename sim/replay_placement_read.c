/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recorded placement: its head and its steps. */
#include "replay_placement.h"

#include <config.h>
#include <hv/profile.h>
#include <stdlib.h>
#include <string.h>
#include <toolstack/toolstack.h>

#define MAX_STEPS 20000u
#define MAX_MIB (1u << 30) /* 1 PiB */
#define MAX_STATUS 255u
#define MAX_NAME (sizeof(((struct ts_domain_config *)0)->name) - 1)

/* ---- affinity -----------------------------------------------------------------------------------------------------
 */

static bool read_list(struct placement_record *r, const struct json *list, const struct json *at, const char *key,
                      struct placement_affinity *out, struct fault *f)
{
    out->item = placement_alloc(r, list->nr, sizeof(*out->item), f);
    if (!out->item)
        return false;
    for (size_t i = 0; i < list->nr; i++) {
        const struct json *v = list->item[i];
        if (v->type != JSON_STRING && v->type != JSON_NUMBER) {
            placement_fault(r, at, f, "%s: an entry of the list must be a string or a number", key);
            return false;
        }
        size_t n = strlen(v->text) + 1;
        char *copy = placement_alloc(r, n, 1, f);
        if (!copy)
            return false;
        memcpy(copy, v->text, n);
        out->item[i] = copy;
    }
    out->nr = (unsigned)list->nr;
    if (!list->nr)
        placement_fault(r, at, f, "%s: the list is empty", key);
    return list->nr > 0;
}

/* xl.cfg's list form can stand there as a list, or as the text that xl.cfg has. */
static bool read_affinity(struct placement_record *r, const struct json *j, const char *key,
                          struct placement_affinity *out, struct fault *f)
{
    const struct json *v = json_get(j, key);
    if (!v || v->type == JSON_NULL)
        return true;
    if (v->type == JSON_ARRAY)
        return read_list(r, v, v, key, out, f);
    if (v->type == JSON_NUMBER) {
        out->text = v->text;
        return true;
    }
    if (v->type != JSON_STRING) {
        placement_fault(r, v, f, "%s: expected a list of pCPUs as xl.cfg has it", key);
        return false;
    }
    out->text = v->text;
    if (v->text[strspn(v->text, " \t")] != '[')
        return true;
    char why[64];
    size_t at = 0;
    struct json *list = json_parse_at(v->text, &at, why, sizeof(why));
    bool ok = list && list->type == JSON_ARRAY && read_list(r, list, v, key, out, f);
    if (!list)
        placement_fault(r, v, f, "%s: character %zu of the list: expected %s", key, at + 1, why);
    json_free(list);
    out->text = NULL;
    return ok;
}

/* ---- steps --------------------------------------------------------------------------------------------------------
 */

static bool read_number(struct placement_record *r, const struct json *j, const char *key, bool required, uint64_t max,
                        unsigned *out, struct fault *f)
{
    uint64_t n = 0;
    if (!placement_uint(r, j, key, required, 1, max, &n, f))
        return false;
    *out = (unsigned)n;
    return true;
}

static bool read_set(struct placement_record *r, const struct json *j, const char *key, unsigned limit,
                     struct placement_set *out, struct fault *f)
{
    const struct json *v = json_get(j, key);
    return !v || v->type == JSON_NULL || placement_numbers(r, v, key, limit, out, f);
}

static bool read_expect(struct placement_record *r, const struct json *j, struct placement_step *s, struct fault *f)
{
    static const char *const known[] = {"rc",
                                        "auto_placed",
                                        "nodes_chosen",
                                        "memory_nodes",
                                        "soft_affinity_cpus",
                                        "hard_affinity_cpus",
                                        "pages_per_node",
                                        "node_free_pages",
                                        NULL};
    uint64_t rc = 0;
    placement_check_keys(r, j, known, f);
    if (!placement_uint(r, j, "rc", true, 0, MAX_STATUS, &rc, f) ||
        !placement_bool(r, j, "auto_placed", &s->has_auto_placed, &s->auto_placed, f) ||
        !read_set(r, j, "nodes_chosen", r->nr_nodes, &s->nodes_chosen, f) ||
        !read_set(r, j, "memory_nodes", r->nr_nodes, &s->memory_nodes, f) ||
        !read_set(r, j, "soft_affinity_cpus", r->nr_cpus, &s->soft_cpus, f) ||
        !read_set(r, j, "hard_affinity_cpus", r->nr_cpus, &s->hard, f))
        return false;
    s->rc = (unsigned)rc;
    const struct json *pages = json_get(j, "pages_per_node"), *after = json_get(j, "node_free_pages");
    if (pages && pages->type != JSON_NULL && !(s->pages = placement_pages(r, pages, "pages_per_node", f)))
        return false;
    if (after && after->type != JSON_NULL && !(s->after = placement_pages(r, after, "node_free_pages", f)))
        return false;
    if (!s->destroy && s->rc == 0 && !s->pages)
        placement_need(r, j, "pages_per_node", f);
    return f->code == EXIT_DONE;
}

static bool read_pool(struct placement_record *r, const struct json *j, struct placement_step *s, struct fault *f)
{
    if (!placement_text(r, j, "pool", false, &s->pool, f))
        return false;
    if (!s->pool)
        return true;
    const char **names = placement_alloc(r, r->nr_pools + 1, sizeof(*names), f);
    if (!names)
        return false;
    for (unsigned i = 0; i < r->nr_pools; i++) {
        names[i] = r->pool[i].name;
        if (!strcmp(names[i], s->pool))
            return true;
    }
    if (!r->nr_pools && !strcmp(s->pool, "Pool-0"))
        return true;
    const char *near = cfg_nearest(s->pool, names);
    placement_fault(r, json_get(j, "pool"), f, "no pool '%s' in cpupools%s%s%s", s->pool,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

static bool read_create(struct placement_record *r, const struct json *j, struct placement_step *s, struct fault *f)
{
    s->vcpus = 1; /* as xl has it */
    return read_number(r, j, "memory_mb", true, MAX_MIB, &s->memory_mb, f) &&
           read_number(r, j, "maxmem_mb", false, MAX_MIB, &s->maxmem_mb, f) &&
           read_number(r, j, "vcpus", false, HV_MAX_VCPUS_PER_DOMAIN, &s->vcpus, f) &&
           read_number(r, j, "maxvcpus", false, HV_MAX_VCPUS_PER_DOMAIN, &s->maxvcpus, f) &&
           read_affinity(r, j, "cpus", &s->cpus, f) && read_affinity(r, j, "cpus_soft", &s->soft, f) &&
           read_pool(r, j, s, f);
}

/* The last step before that created or destroyed a domain of that name; NULL: none. */
static const struct placement_step *last_of(const struct placement_record *r, const struct placement_step *s)
{
    for (const struct placement_step *p = s; p-- > r->step;)
        if (!strcmp(p->name, s->name))
            return p;
    return NULL;
}

/*
 * A domain whose creation failed was named, and a recording may destroy it all the same; its name is free again.
 */
static bool check_name(struct placement_record *r, const struct json *j, const struct placement_step *s,
                       struct fault *f)
{
    const struct placement_step *last = last_of(r, s);
    const struct json *at = json_get(j, "name");
    bool exists = last && !last->destroy && last->rc == 0;
    if (!s->destroy && exists)
        placement_fault(r, at, f, "'%s' exists already, since step %u", s->name, last->number);
    if (s->destroy && (!last || (last->destroy && last->rc == 0))) {
        const char **names = placement_alloc(r, r->nr_steps + 1, sizeof(*names), f);
        unsigned n = 0;
        for (const struct placement_step *p = r->step; names && p < s; p++)
            if (!p->destroy)
                names[n++] = p->name;
        const char *near = names && !last ? cfg_nearest(s->name, names) : NULL;
        placement_fault(r, at, f, "'%s' %s%s%s%s", s->name,
                        last ? "is destroyed already" : "is destroyed and was never created",
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return f->code == EXIT_DONE;
}

/* A name that xl takes and that can stand in a file's. */
static bool check_word(struct placement_record *r, const struct json *at, const char *name, struct fault *f)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
    if (strlen(name) <= MAX_NAME && !name[strspn(name, good)] && *name != '.' && strcmp(name, "Domain-0") != 0)
        return true;
    placement_fault(r, at, f, "name '%s': expected 1 to %zu letters, digits, '.', '_', '+' or '-', and not Domain-0",
                    name, MAX_NAME);
    return false;
}

static void read_step(struct placement_record *r, const struct json *j, struct placement_step *s, struct fault *f)
{
    static const char *const known[] = {"step",     "op",   "name",      "before", "memory_mb", "maxmem_mb", "vcpus",
                                        "maxvcpus", "cpus", "cpus_soft", "pool",   "expect",    NULL};
    static const char *const before_known[] = {"node_free_pages", NULL};
    static const char *const ops[] = {"create", "destroy", NULL};
    uint64_t number = s->number;
    const char *op = NULL;
    const struct json *before, *pages, *expect;
    placement_check_keys(r, j, known, f);
    if (!placement_uint(r, j, "step", false, 0, UINT32_MAX, &number, f) || !placement_text(r, j, "op", true, &op, f) ||
        !placement_text(r, j, "name", true, &s->name, f) || !check_word(r, json_get(j, "name"), s->name, f))
        return;
    s->number = (unsigned)number;
    s->destroy = !strcmp(op, "destroy");
    if (!s->destroy && strcmp(op, "create") != 0) {
        const char *near = cfg_nearest(op, ops);
        placement_fault(r, json_get(j, "op"), f, "op '%s': expected create or destroy%s%s%s", op,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return;
    }
    if (!(before = placement_need(r, j, "before", f)) || !(pages = placement_need(r, before, "node_free_pages", f)))
        return;
    placement_check_keys(r, before, before_known, f);
    s->before = placement_pages(r, pages, "node_free_pages", f);
    for (unsigned n = 0; s->before && n < r->nr_nodes; n++)
        if (s->before[n] > r->node[n].spanned)
            placement_fault(r, pages, f, "node_free_pages: %llu on node %u, which has %llu pages",
                            (unsigned long long)s->before[n], n, (unsigned long long)r->node[n].spanned);
    if (f->code == EXIT_DONE && !s->destroy)
        read_create(r, j, s, f);
    if (f->code == EXIT_DONE && (expect = placement_need(r, j, "expect", f)) && read_expect(r, expect, s, f))
        check_name(r, j, s, f);
}

static void read_steps(struct placement_record *r, struct fault *f)
{
    const struct json *v = placement_need(r, r->json, "steps", f);
    if (!v)
        return;
    if (v->type != JSON_ARRAY || v->nr < 1 || v->nr > MAX_STEPS) {
        placement_fault(r, v, f, "steps: expected a list of 1 to %u steps", MAX_STEPS);
        return;
    }
    r->step = placement_alloc(r, v->nr, sizeof(*r->step), f);
    for (; r->step && r->nr_steps < v->nr && f->code == EXIT_DONE; r->nr_steps++) {
        r->step[r->nr_steps].number = r->nr_steps + 1;
        read_step(r, v->item[r->nr_steps], &r->step[r->nr_steps], f);
    }
}

/* ---- the whole ----------------------------------------------------------------------------------------------------
 */

static void read_head(struct placement_record *r, struct fault *f)
{
    static const char *const known[] = {"format", "behaviour", "source", "sequence", "host",
                                        "dom0",   "cpupools",  "steps",  NULL};
    const char *format = NULL, *names[64];
    unsigned n = 0;
    if (!placement_text(r, r->json, "format", true, &format, f))
        return;
    if (strcmp(format, PLACEMENT_FORMAT) != 0) {
        placement_fault(r, json_get(r->json, "format"), f, "format '%s': expected '" PLACEMENT_FORMAT "'", format);
        return;
    }
    placement_check_keys(r, r->json, known, f);
    r->level = "modern";
    r->sequence = "";
    if (!placement_text(r, r->json, "behaviour", false, &r->level, f) ||
        !placement_text(r, r->json, "sequence", false, &r->sequence, f) || hv_profile_find(r->level))
        return;
    for (const struct hv_profile *p = hv_profiles; p->name && n < ARRAY_SIZE(names) - 1; p++)
        names[n++] = p->name;
    names[n] = NULL;
    const char *near = cfg_nearest(r->level, names);
    placement_fault(r, json_get(r->json, "behaviour"), f, "unknown level '%s'%s%s%s", r->level,
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int placement_read(struct placement_record *r, const char *path, struct fault *f)
{
    if (placement_open(r, path, f) == EXIT_DONE)
        read_head(r, f);
    if (f->code == EXIT_DONE)
        placement_read_host(r, f);
    if (f->code == EXIT_DONE)
        read_steps(r, f);
    return f->code;
}
