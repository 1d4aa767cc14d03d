/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classes: tasks of equal content are one. What a class is to the cores of a node is worked out once, and cores that
 * run the same classes are solved once (rate.c).
 */
#include "rate_private.h"

#include <models/cache.h>
#include <stdlib.h>
#include <string.h>

/* Order of two reals that are no NaN. */
static int order(double a, double b)
{
    return a < b ? -1 : a > b;
}

static int order_of_mixes(const struct work_mix *a, const struct work_mix *b)
{
    if (a->nr_curve != b->nr_curve)
        return a->nr_curve < b->nr_curve ? -1 : 1;
    const double x[] = {a->cpi_core,       a->smt_slowdown, a->l2_apki,     a->l3_apki,   a->mlp,
                        a->write_fraction, a->footprint,    a->tlb_mpki_4k, a->sequential};
    const double y[] = {b->cpi_core,       b->smt_slowdown, b->l2_apki,     b->l3_apki,   b->mlp,
                        b->write_fraction, b->footprint,    b->tlb_mpki_4k, b->sequential};
    int o = 0;
    for (unsigned i = 0; i < sizeof(x) / sizeof(x[0]) && !o; i++)
        o = order(x[i], y[i]);
    for (unsigned i = 0; i < a->nr_curve && !o; i++) {
        o = order(a->curve_size[i], b->curve_size[i]);
        if (!o)
            o = order(a->curve_mpki[i], b->curve_mpki[i]);
    }
    return o;
}

/* Of the content, not of who holds it. */
static int order_of(const struct work_mix *mix, const double *node_share, const struct task_class *c, unsigned nr_nodes)
{
    int o = mix == &c->mix ? 0 : order_of_mixes(mix, &c->mix);
    for (unsigned n = 0; n < nr_nodes && !o; n++)
        o = order(node_share[n], c->node_share[n]);
    return o;
}

/* The finalizer of splitmix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014) over what went before and one more real. */
static uint64_t hash_add(uint64_t h, double x)
{
    uint64_t bits;
    x += 0.0; /* -0 and 0 are equal */
    memcpy(&bits, &x, sizeof(bits));
    h = (h ^ bits) + UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ (h >> 27);
}

static uint64_t hash_of(const struct work_mix *w, const double *node_share, unsigned nr_nodes)
{
    uint64_t h = w->nr_curve;
    const double x[] = {w->cpi_core,       w->smt_slowdown, w->l2_apki,     w->l3_apki,   w->mlp,
                        w->write_fraction, w->footprint,    w->tlb_mpki_4k, w->sequential};
    for (unsigned i = 0; i < sizeof(x) / sizeof(x[0]); i++)
        h = hash_add(h, x[i]);
    for (unsigned i = 0; i < w->nr_curve; i++)
        h = hash_add(hash_add(h, w->curve_size[i]), w->curve_mpki[i]);
    for (unsigned n = 0; n < nr_nodes; n++)
        h = hash_add(h, node_share[n]);
    return h;
}

static struct task_class **bucket_of(const struct rate_model *r, uint64_t hash)
{
    return &r->bucket[hash & (r->nr_buckets - 1)];
}

static void class_free(struct task_class *c, unsigned nr_spots)
{
    for (unsigned n = 0; n < nr_spots; n++)
        free(c->place[n]);
    free(c->place);
    free(c);
}

/* Classes that nobody runs are kept for the next time, up to a limit. */
static void drop_unused(struct rate_model *r)
{
    unsigned kept = 0;
    memset(r->bucket, 0, r->nr_buckets * sizeof(r->bucket[0]));
    for (unsigned i = 0; i < r->nr_classes; i++) {
        struct task_class *c = r->class[i];
        if (!c->refs) {
            class_free(c, r->nr_spots);
            continue;
        }
        c->rank = kept;
        r->class[kept++] = c;
        c->next = *bucket_of(r, c->hash);
        *bucket_of(r, c->hash) = c;
    }
    r->nr_classes = kept;
}

/* Bytes of L3 that it can use: as far as its miss curve goes, and its footprint in any case. */
static double most_useful(const struct work_mix *w)
{
    double most = w->nr_curve ? w->curve_size[w->nr_curve - 1] : 0;
    return most > w->footprint ? most : w->footprint;
}

static struct task_class *class_new(struct rate_model *r, const struct rate_task *task)
{
    unsigned nr_nodes = r->m->nr_nodes;
    struct task_class *c = calloc(1, sizeof(*c) + nr_nodes * sizeof(double));
    if (!c)
        return NULL;
    c->place = calloc(r->nr_spots, sizeof(struct placement *));
    if (!c->place) {
        free(c);
        return NULL;
    }
    c->mix = *task->mix;
    c->l3_most = most_useful(task->mix);
    memcpy(c->node_share, task->node_share, nr_nodes * sizeof(double));
    return c;
}

/* Its place by content among the others; lazy rates need no order. */
static void class_enter(struct rate_model *r, struct task_class *c)
{
    unsigned low = 0, high = r->lazy ? 0 : r->nr_classes;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (order_of(&c->mix, c->node_share, r->class[middle], r -> m -> nr_nodes) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    if (r->lazy)
        low = r->nr_classes;
    memmove(&r->class[low + 1], &r -> class[low], (r->nr_classes - low) * sizeof(r->class[0]));
    r->class[low] = c;
    r->nr_classes++;
    for (unsigned i = low; i < r->nr_classes; i++)
        r->class[i]->rank = i;
    c->next = *bucket_of(r, c->hash);
    *bucket_of(r, c->hash) = c;
}

struct task_class *class_get(struct rate_model *r, const struct rate_task *task)
{
    uint64_t hash = hash_of(task->mix, task->node_share, r->m->nr_nodes);
    for (struct task_class *c = *bucket_of(r, hash); c; c = c->next)
        if (c->hash == hash && !order_of(task->mix, task->node_share, c, r->m->nr_nodes)) {
            c->refs++;
            return c;
        }
    if (r->nr_classes == r->max_classes)
        drop_unused(r); /* at most two classes a thread are in use: more than half of the room is free now */
    struct task_class *c = class_new(r, task);
    if (!c)
        return NULL;
    c->hash = hash;
    class_enter(r, c);
    c->refs = 1;
    return c;
}

void class_put(struct task_class *c)
{
    if (c)
        c->refs--;
}

void classes_free(struct rate_model *r)
{
    for (unsigned i = 0; i < r->nr_classes; i++)
        class_free(r->class[i], r -> nr_spots);
    free(r->class);
    free(r->bucket);
}

/* read: of the lines, those that come with the miss, not with what it writes back. */
static void add_demand(struct placement *p, unsigned resource, double part, double lines, double read)
{
    p->demand[p->nr_demands++] = (struct demand){.resource = resource, .part = part, .lines = lines, .own = read};
}

/*
 * Reads wait for the link from the memory to the core; write-backs take the other way. A miss whose victim cannot leave
 * waits, too: otherwise nothing would keep write-backs below the capacity of their link.
 */
static void add_links(const struct rate_model *r, struct placement *p, unsigned core_socket, unsigned memory_socket,
                      double part, double reads, double writes)
{
    unsigned scratch, n;
    const unsigned *way = sites_route(r, memory_socket, core_socket, &scratch, &n);
    for (unsigned i = 0; i < n; i++)
        add_demand(p, way[i], part, part * reads, part * reads);
    way = sites_route(r, core_socket, memory_socket, &scratch, &n);
    for (unsigned i = 0; i < n && writes > 0; i++)
        add_demand(p, way[i], part * writes, part * writes, 0);
}

/* From the memory's node into the core's, and back what is written. */
static void add_ports(const struct rate_model *r, struct placement *p, unsigned core_node, unsigned memory_node,
                      double part, double reads, double writes)
{
    unsigned of_core = r->first_port + 2 * core_node, of_memory = r->first_port + 2 * memory_node; /* in; out: + 1 */
    add_demand(p, of_memory + 1, part, part * reads, part * reads);
    add_demand(p, of_core, part, part * reads, part * reads);
    if (writes <= 0)
        return;
    add_demand(p, of_core + 1, part * writes, part * writes, 0);
    add_demand(p, of_memory, part * writes, part * writes, 0);
}

/*
 * Probes of the other sockets' caches: a message there and an answer back for every miss that sends them. They are sent
 * at once; what a miss waits for on the links is taken to be the mean over the sockets.
 */
static void add_snoops(const struct rate_model *r, struct placement *p, unsigned socket)
{
    const struct machine *m = r->m;
    double lines = m->snoop_part * (double)m->snoop_message / (double)m->l3.line;
    if (!m->snoop_message || m->snoop_part <= 0 || m->nr_sockets < 2)
        return;
    double part = m->snoop_part / (m->nr_sockets - 1);
    for (unsigned other = 0; other < m->nr_sockets; other++)
        for (unsigned back = 0; back < 2 && other != socket; back++) {
            unsigned scratch, n;
            const unsigned *way =
                back ? sites_route(r, other, socket, &scratch, &n) : sites_route(r, socket, other, &scratch, &n);
            for (unsigned i = 0; i < n; i++)
                add_demand(p, way[i], part, lines, lines);
        }
}

/* Room for the node, its ports, the way there and back, for every node, the cluster, and the probes. */
static struct placement *new_placement(const struct rate_model *r)
{
    size_t way = sites_longest_route(r), per_node = 5 + 2 * way;
    size_t most = r->m->nr_nodes * per_node + 1 + (r->m->snoop_message ? 2 * way * r->m->nr_sockets : 0);
    return calloc(1, sizeof(struct placement) + most * sizeof(struct demand));
}

double rate_overlap(const struct machine *m, const struct work_mix *w)
{
    if (w->sequential <= 0 || !m->prefetch_depth)
        return w->mlp;
    return 1 / ((1 - w->sequential) / w->mlp + w->sequential / (w->mlp + m->prefetch_depth));
}

/* Idle latency of a miss that may have to wait for the answers of other sockets. */
static double idle_latency(const struct machine *m, double lat)
{
    double wait = m->snoop_latency_ns - lat;
    return wait > 0 && m->nr_sockets > 1 ? lat + m->snoop_part * wait : lat;
}

const struct placement *class_place(struct rate_model *r, struct task_class *c, unsigned site)
{
    const struct machine *m = r->m;
    const struct site *at = &r->site[site];
    if (c->place[at->spot])
        return c->place[at->spot];
    const struct machine_kind *kind = &m->kind[at->kind];
    struct placement *p = new_placement(r);
    if (!p)
        return NULL;
    double writes = c->mix.write_fraction;
    double reads = m->prefetch_depth ? 1 + c->mix.sequential * (1 / m->prefetch_accuracy - 1) : 1;
    p->core_ns = c->mix.cpi_core * 1e9 / m->freq_hz / kind->speed;
    for (unsigned n = 0; n < m->nr_nodes; n++) {
        double part = c->node_share[n], even = 1.0 / m->nr_nodes;
        p->uneven += part > even ? part - even : even - part;
        p->idle_lat_ns += part * idle_latency(m, m->mem_latency_ns[(size_t)at->node * m->nr_nodes + n]);
        if (part <= 0)
            continue;
        bool far = m->node_socket[n] != at->socket;
        double read = reads + (far ? m->snoop_directory_write * (1 + m->write_cost) : 0);
        add_demand(p, n, part, part * (read + writes * (1 + m->write_cost)), part * read);
        if (far)
            add_links(r, p, at->socket, m->node_socket[n], part, reads, writes);
        if (n != at->node && m->port_bandwidth > 0)
            add_ports(r, p, at->node, n, part, reads, writes);
    }
    if (m->cluster_cores)
        add_demand(p, r->first_cluster + at->cluster, 1, reads + writes, reads);
    add_snoops(r, p, at->socket);
    wait_place(r, p);
    double miss = cache_mpki(c->mix.nr_curve, c->mix.curve_size, c->mix.curve_mpki, (double)m->l3.size) / 1000;
    p->l3_weight = c->mix.l3_apki / 1000 /
                   (p->core_ns + rate_hidden_ns(m, kind, &c->mix, kind->l2_latency_ns, miss) +
                    miss * p->idle_lat_ns / rate_overlap(m, &c->mix));
    for (unsigned d = 0; d < p->nr_demands; d++)
        *(p->demand[d].resource < m->nr_nodes ? &p->nodes : &p->others) |= UINT64_C(1) << p->demand[d].resource % 64;
    for (unsigned d = 0; d < p->nr_demands && r->lazy; d++)
        p->demand[d].slot = rate_lazy_slot(r, at->socket, p->demand[d].resource);
    struct placement *fitting = realloc(p, sizeof(*p) + p->nr_demands * sizeof(struct demand));
    c->place[at->spot] = fitting ? fitting : p;
    return c->place[at->spot];
}
