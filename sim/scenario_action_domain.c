/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [[action]]s that make and unmake domains, and the one that sets pages aside. */
#include "scenario_action.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PAGES (INT64_C(1) << 40) /* 52 bits of address */
#define MAX_ZONE 39u
#define KIB 1024u

static void out_of_memory(struct loader *l)
{
    if (!l->err)
        l->err = strdup("out of memory");
}

/* Somebody says whether it must be refused, or may be: then what Xen would refuse is not refused here. */
bool action_read_may_fail(struct action_reading *r)
{
    if (!cfg_bool(r->t, "may_fail", false, &r->a->may_fail))
        return false;
    if (r->a->may_fail && r->a->expect)
        cfg_fail(r->t, "may_fail", "it must be refused, says expect: it cannot be left open");
    return true;
}

bool action_read_create(struct action_reading *r)
{
    struct scenario *s = r->l->s;
    unsigned vm = 0;
    if (!cfg_bool(r->t, "paused", false, &r->a->paused) ||
        !scenario_add_late_vm(r->l, r->t, r->a->may_fail || r->a->expect, &vm))
        return false;
    for (unsigned i = 0; i < vm; i++)
        if (!r->gone[i] && strcmp(s->vm[i].cfg.name, s->vm[vm].cfg.name) == 0) {
            cfg_fail(r->t, "config", "a second VM of the name '%s'", s->vm[vm].cfg.name);
            return false;
        }
    r->a->vm = vm + 1;
    r->gone[vm] = r->a->expect != 0;
    action_say(r, "xl create%s %s", r->a->paused ? " -p" : "", s->vm[vm].cfg.name);
    return true;
}

bool action_read_destroy(struct action_reading *r)
{
    const char *name = NULL;
    if (!action_read_vm(r, r->t, &r->a->vm, &name))
        return false;
    if (r->a->vm == 0) {
        cfg_fail(r->t, "vm", "Domain-0 cannot be destroyed");
        return false;
    }
    r->gone[r->a->vm - 1] = !r->a->expect;
    action_say(r, "xl destroy %s", name);
    return true;
}

bool action_read_memory(struct action_reading *r)
{
    const char *name = NULL;
    uint64_t bytes = 0;
    if (!action_read_vm(r, r->t, &r->a->vm, &name) ||
        !cfg_size(r->t, "memory", true, 0, (uint64_t)MAX_PAGES << 12, &bytes))
        return false;
    r->a->memory_kb = bytes / KIB;
    if (bytes % KIB) {
        cfg_fail(r->t, "memory", "xl knows nothing smaller than 1 KiB");
        return false;
    }
    action_say(r, "xl %s %s %lluk", r->a->verb, name, (unsigned long long)r->a->memory_kb);
    return true;
}

/* ---- set-aside ----------------------------------------------------------------------------------------------------
 */

static bool read_nodes(struct action_reading *r)
{
    const struct machine *m = r->l->s->machine;
    const int64_t *pages = NULL;
    size_t n = 0;
    if (!cfg_has(r->t, "free_pages"))
        return true;
    if (!cfg_ints(r->t, "free_pages", true, &pages, &n))
        return false;
    if (n != m->nr_nodes) {
        cfg_fail(r->t, "free_pages", "expected a number of pages for each of %u nodes, found %zu", m->nr_nodes, n);
        return false;
    }
    r->a->free_pages = calloc(n, sizeof(*r->a->free_pages));
    if (!r->a->free_pages) {
        out_of_memory(r->l);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (pages[i] < 0 || pages[i] > MAX_PAGES) {
            cfg_fail(r->t, "free_pages", "node %zu: %lld is out of range, expected 0 to 2^40", i, (long long)pages[i]);
            return false;
        }
        r->a->free_pages[i] = (uint64_t)pages[i];
    }
    return true;
}

static bool read_zones(struct action_reading *r)
{
    size_t n = cfg_array_len(r->t, "zones");
    r->a->zone = calloc(n ? n : 1, sizeof(*r->a->zone));
    if (!r->a->zone) {
        out_of_memory(r->l);
        return false;
    }
    for (; r->a->nr_zones < n; r->a->nr_zones++) {
        cfg_table *t = cfg_array_at(r->t, "zones", r->a->nr_zones);
        struct scenario_zone *z = &r->a->zone[r->a->nr_zones];
        int64_t pages = 0;
        if (!cfg_uint(t, "node", true, 0, r->l->s->machine->nr_nodes - 1, &z->node) ||
            !cfg_uint(t, "zone", true, 0, MAX_ZONE, &z->zone) || !cfg_int(t, "free", true, 0, MAX_PAGES, &pages))
            return false;
        z->free_pages = (uint64_t)pages;
    }
    return true;
}

bool action_read_set_aside(struct action_reading *r)
{
    if (!read_nodes(r) || !read_zones(r))
        return false;
    if (!r->a->free_pages && !r->a->nr_zones)
        cfg_fail(r->t, NULL, "set-aside: expected free_pages or zones");
    action_say(r, "set-aside");
    for (unsigned i = 0; r->a->free_pages && i < r->l->s->machine->nr_nodes; i++)
        action_say(r, " %llu", (unsigned long long)r->a->free_pages[i]);
    for (unsigned i = 0; i < r->a->nr_zones; i++)
        action_say(r, " %u/%u:%llu", r->a->zone[i].node, r->a->zone[i].zone,
                   (unsigned long long)r->a->zone[i].free_pages);
    return true;
}
