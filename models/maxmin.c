/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <models/maxmin.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A flow's use of a resource is in the list of that resource's uses. */
struct use {
    unsigned resource, flow;
    double amount;
    struct use *previous, *next;
};

struct flow {
    double weight, bound, rate;
    unsigned nr_uses;
    struct use *use; /* NULL: no such flow */
    bool visited, settled;
};

struct resource {
    double capacity;
    struct use *first;
    double left, pull; /* while filling: capacity left, and what the level takes of it per unit */
    unsigned open;     /* uses by flows that are not settled */
    bool changed, visited;
};

struct maxmin {
    unsigned nr_resources, nr_flows, max_flows;
    struct resource *resource;
    struct flow *flow;
    unsigned *vacant; /* numbers below nr_flows without a flow */
    unsigned nr_vacant;
    unsigned *changed; /* resources */
    unsigned nr_changed;
    unsigned *found; /* flows that are to be solved */
    unsigned nr_found;
    unsigned *reached; /* their resources */
    unsigned nr_reached;
};

struct maxmin *maxmin_create(unsigned nr_resources, const double *capacity)
{
    struct maxmin *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->nr_resources = nr_resources;
    s->resource = calloc(nr_resources ? nr_resources : 1, sizeof(*s->resource));
    s->changed = calloc(nr_resources ? nr_resources : 1, sizeof(*s->changed));
    s->reached = calloc(nr_resources ? nr_resources : 1, sizeof(*s->reached));
    if (!s->resource || !s->changed || !s->reached) {
        maxmin_free(s);
        return NULL;
    }
    for (unsigned k = 0; k < nr_resources; k++)
        s->resource[k].capacity = capacity[k];
    return s;
}

void maxmin_free(struct maxmin *s)
{
    if (!s)
        return;
    for (unsigned f = 0; f < s->nr_flows; f++)
        free(s->flow[f].use);
    free(s->resource);
    free(s->flow);
    free(s->vacant);
    free(s->changed);
    free(s->found);
    free(s->reached);
    free(s);
}

static bool grow(struct maxmin *s)
{
    unsigned most = s->max_flows ? 2 * s->max_flows : 64;
    struct flow *flow = realloc(s->flow, most * sizeof(*flow));
    s->flow = flow ? flow : s->flow;
    unsigned *vacant = realloc(s->vacant, most * sizeof(*vacant));
    s->vacant = vacant ? vacant : s->vacant;
    unsigned *found = realloc(s->found, most * sizeof(*found));
    s->found = found ? found : s->found;
    if (!flow || !vacant || !found)
        return false;
    s->max_flows = most;
    return true;
}

static void note_change(struct maxmin *s, unsigned resource)
{
    if (!s->resource[resource].changed)
        s->changed[s->nr_changed++] = resource;
    s->resource[resource].changed = true;
}

static void link_use(struct maxmin *s, struct use *u)
{
    struct resource *r = &s->resource[u->resource];
    u->previous = NULL;
    u->next = r->first;
    if (u->next)
        u->next->previous = u;
    r->first = u;
    note_change(s, u->resource);
}

static void unlink_use(struct maxmin *s, struct use *u)
{
    if (u->previous)
        u->previous->next = u->next;
    else
        s->resource[u->resource].first = u->next;
    if (u->next)
        u->next->previous = u->previous;
    note_change(s, u->resource);
}

unsigned maxmin_add(struct maxmin *s, double weight, double bound, unsigned nr_uses, const struct maxmin_use *use)
{
    if (!s->nr_vacant && s->nr_flows == s->max_flows && !grow(s))
        return MAXMIN_NONE;
    struct use *uses = calloc(nr_uses ? nr_uses : 1, sizeof(*uses));
    if (!uses)
        return MAXMIN_NONE;
    unsigned number = s->nr_vacant ? s->vacant[--s->nr_vacant] : s->nr_flows++;
    s->flow[number] = (struct flow){.weight = weight, .bound = bound, .rate = bound, .nr_uses = nr_uses, .use = uses};
    for (unsigned i = 0; i < nr_uses; i++) {
        uses[i] = (struct use){use[i].resource, number, use[i].amount, NULL, NULL};
        link_use(s, &uses[i]);
    }
    return number;
}

void maxmin_remove(struct maxmin *s, unsigned flow)
{
    struct flow *f = &s->flow[flow];
    for (unsigned i = 0; i < f->nr_uses; i++)
        unlink_use(s, &f->use[i]);
    free(f->use);
    *f = (struct flow){0};
    s->vacant[s->nr_vacant++] = flow;
}

void maxmin_set_bound(struct maxmin *s, unsigned flow, double bound)
{
    struct flow *f = &s->flow[flow];
    if (f->bound == bound)
        return;
    f->bound = bound;
    if (!f->nr_uses)
        f->rate = bound;
    for (unsigned i = 0; i < f->nr_uses; i++)
        note_change(s, f->use[i].resource);
}

static void reach(struct maxmin *s, unsigned resource)
{
    if (!s->resource[resource].visited)
        s->reached[s->nr_reached++] = resource;
    s->resource[resource].visited = true;
}

/* Everything that hangs together with what has changed. */
static void find(struct maxmin *s)
{
    s->nr_found = s->nr_reached = 0;
    for (unsigned i = 0; i < s->nr_changed; i++) {
        s->resource[s->changed[i]].changed = false;
        reach(s, s->changed[i]);
    }
    s->nr_changed = 0;
    for (unsigned i = 0; i < s->nr_reached; i++)
        for (struct use *u = s->resource[s->reached[i]].first; u; u = u->next) {
            struct flow *f = &s->flow[u->flow];
            if (f->visited)
                continue;
            f->visited = true;
            s->found[s->nr_found++] = u->flow;
            for (unsigned k = 0; k < f->nr_uses; k++)
                reach(s, f->use[k].resource);
        }
}

static int by_number(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

/* Where the level stops next: a flow is at its bound, or a resource, *full, has nothing left. */
static double next_stop(const struct maxmin *s, double level, unsigned open, struct resource **full)
{
    const struct flow *first = &s->flow[s->found[0]];
    double stop = first->bound / first->weight;
    for (unsigned i = 1; i < open; i++) {
        const struct flow *f = &s->flow[s->found[i]];
        double at = f->bound / f->weight;
        stop = at < stop ? at : stop;
    }
    *full = NULL;
    for (unsigned i = 0; i < s->nr_reached; i++) {
        struct resource *r = &s->resource[s->reached[i]];
        if (r->open && level + r->left / r->pull < stop) {
            stop = level + r->left / r->pull;
            *full = r;
        }
    }
    return stop;
}

/* Is one of its resources full? What is left of a capacity after it was the next to be full is rounding. */
static bool is_held(const struct maxmin *s, const struct flow *f)
{
    const double rounding = 1e-12;
    for (unsigned k = 0; k < f->nr_uses; k++)
        if (s->resource[f->use[k].resource].left <= rounding * s->resource[f->use[k].resource].capacity)
            return true;
    return false;
}

static void settle(struct maxmin *s, struct flow *f, double rate)
{
    f->rate = rate;
    f->settled = true;
    for (unsigned k = 0; k < f->nr_uses; k++) {
        struct resource *r = &s->resource[f->use[k].resource];
        r->pull -= f->use[k].amount * f->weight;
        if (--r->open == 0)
            r->pull = 0; /* no rounding is left */
    }
}

/* found[0 .. open) are not settled. Returns how many are left: at least one less. */
static unsigned fill(struct maxmin *s, double *level, unsigned open)
{
    struct resource *full;
    double before = *level;
    *level = next_stop(s, before, open, &full);
    for (unsigned i = 0; i < s->nr_reached; i++)
        s->resource[s->reached[i]].left -= (*level - before) * s->resource[s->reached[i]].pull;
    if (full)
        full->left = 0;
    unsigned left = 0;
    for (unsigned i = 0; i < open; i++) {
        struct flow *f = &s->flow[s->found[i]];
        if (f->bound / f->weight <= *level)
            settle(s, f, f->bound);
        else if (is_held(s, f))
            settle(s, f, f->weight * *level);
        if (!f->settled)
            s->found[left++] = s->found[i];
    }
    return left;
}

unsigned maxmin_solve(struct maxmin *s)
{
    find(s);
    unsigned n = s->nr_found;
    /* By number, so that the sums do not depend on the way on which they were found. */
    qsort(s->found, n, sizeof(*s->found), by_number);
    qsort(s->reached, s->nr_reached, sizeof(*s->reached), by_number);
    for (unsigned i = 0; i < s->nr_reached; i++) {
        struct resource *r = &s->resource[s->reached[i]];
        r->visited = false;
        r->left = r->capacity;
        r->pull = 0;
        r->open = 0;
    }
    for (unsigned i = 0; i < n; i++) {
        struct flow *f = &s->flow[s->found[i]];
        f->visited = f->settled = false;
        for (unsigned k = 0; k < f->nr_uses; k++) {
            s->resource[f->use[k].resource].pull += f->use[k].amount * f->weight;
            s->resource[f->use[k].resource].open++;
        }
    }
    double level = 0;
    for (unsigned open = n; open;)
        open = fill(s, &level, open);
    return n;
}

double maxmin_rate(const struct maxmin *s, unsigned flow)
{
    return s->flow[flow].rate;
}
