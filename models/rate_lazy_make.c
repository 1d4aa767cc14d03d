/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lazy rates: memory, and what of the machine does not change. */
#include "rate_lazy.h"

#include <stdlib.h>
#include <string.h>

static void *array(size_t n, size_t size, bool *ok)
{
    void *p = calloc(n ? n : 1, size);
    *ok = *ok && p;
    return p;
}

static void lazy_free(struct lazy *z)
{
    if (!z)
        return;
    void *const arrays[] = {
        z->res,         z->thread,        z->core,       z->l3,        z->l3_at,         z->l3_cpu,
        z->set,         z->todo,          z->changed,    z->coupled,   z->touch,         z->inverse,
        z->matrix,      z->coupled_ahead, z->busy,       z->l3_touch,  z->response,      z->weight,
        z->most,        z->l3_index,      z->slope,      z->slot_of,   z->slot_resource, z->ways.slot,
        z->ways.column, z->ways.used,     z->ways.lines, z->ways.part, z->ways.off,      z->ways.of_column};
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
        free(arrays[i]);
    free(z);
}

void rate_lazy_free(struct rate_model *r)
{
    lazy_free(r->lazy);
    r->lazy = NULL;
}

/* pCPUs by L3. */
static void list_l3(const struct machine *m, struct lazy *z)
{
    for (unsigned c = 0; c < m->nr_cpus; c++)
        z->l3_at[m->l3.of[c] + 1]++;
    for (unsigned l = 0; l < m->l3.nr; l++)
        z->l3_at[l + 1] += z->l3_at[l];
    for (unsigned c = m->nr_cpus; c-- > 0;) {
        z->l3_index[c] = --z->l3_at[m->l3.of[c] + 1];
        z->l3_cpu[z->l3_index[c]] = c;
    }
    /* each start has moved to its own beginning: entry l + 1 is where l begins */
    memmove(z->l3_at, z->l3_at + 1, m->l3.nr * sizeof(*z->l3_at));
    z->l3_at[m->l3.nr] = m->nr_cpus;
}

static void add_slot(const struct rate_model *r, struct lazy *z, unsigned socket, unsigned resource, unsigned *n)
{
    uint16_t *of = &z->slot_of[(size_t)socket * r->nr_resources + resource];
    if (*of)
        return;
    *of = (uint16_t)++ * n; /* from 1 for now */
}

static void add_way(const struct rate_model *r, struct lazy *z, unsigned socket, unsigned from, unsigned to,
                    unsigned *n)
{
    unsigned scratch, links;
    const unsigned *way = sites_route(r, from, to, &scratch, &links);
    for (unsigned i = 0; i < links; i++)
        add_slot(r, z, socket, way[i], n);
}

/* All resources that the cores of a socket can use: controllers, links there and back, their clusters, ports. */
static unsigned number_slots(const struct rate_model *r, struct lazy *z, unsigned socket)
{
    unsigned n = 0;
    for (unsigned k = 0; k < r->m->nr_nodes; k++)
        add_slot(r, z, socket, k, &n);
    for (unsigned other = 0; other < r->m->nr_sockets; other++) {
        add_way(r, z, socket, socket, other, &n);
        add_way(r, z, socket, other, socket, &n);
    }
    for (unsigned i = 0; i < r->nr_sites && r->first_cluster < r->first_port; i++)
        if (r->site[i].socket == socket)
            add_slot(r, z, socket, r->first_cluster + r->site[i].cluster, &n);
    for (unsigned k = r->first_port; k < r->nr_resources; k++)
        add_slot(r, z, socket, k, &n);
    return n;
}

static bool make_slots(const struct rate_model *r, struct lazy *z)
{
    const struct machine *m = r->m;
    bool ok = true;
    z->slot_of = array((size_t)m->nr_sockets * r->nr_resources, sizeof(uint16_t), &ok);
    for (unsigned s = 0; s < m->nr_sockets && ok; s++) {
        unsigned n = number_slots(r, z, s);
        z->nr_slots = n > z->nr_slots ? n : z->nr_slots;
    }
    z->slot_resource = array((size_t)m->nr_sockets * z->nr_slots, sizeof(unsigned), &ok);
    z->slope = array((size_t)m->l3.nr * z->nr_slots, sizeof(double), &ok);
    for (size_t i = 0; i < (size_t)m->nr_sockets * r->nr_resources && ok; i++)
        if (z->slot_of[i]) {
            z->slot_of[i]--;
            z->slot_resource[i / r->nr_resources * z->nr_slots + z->slot_of[i]] = (unsigned)(i % r->nr_resources);
        }
    struct lazy_ways *w = &z->ways;
    w->slot = array(z->nr_slots, sizeof(unsigned), &ok);
    w->column = array(z->nr_slots, sizeof(unsigned), &ok);
    w->used = array(z->nr_slots, sizeof(bool), &ok);
    w->lines = array((size_t)m->threads_per_core * z->nr_slots, sizeof(double), &ok);
    w->part = array((size_t)m->threads_per_core * z->nr_slots, sizeof(double), &ok);
    w->off = array(z->nr_slots, sizeof(double), &ok);
    w->of_column = array(z->nr_slots, sizeof(double), &ok);
    return ok;
}

unsigned rate_lazy_slot(const struct rate_model *r, unsigned socket, unsigned resource)
{
    return r->lazy->slot_of[(size_t)socket * r->nr_resources + resource];
}

/* The least idle latency of a way to a node's memory; of links and the like: of any way at all that leaves the node. */
static void find_idle(const struct rate_model *r, struct lazy *z)
{
    const struct machine *m = r->m;
    double any = LAZY_FAR, far = LAZY_FAR;
    for (unsigned n = 0; n < m->nr_nodes; n++) {
        z->res[n].idle_ns = LAZY_FAR;
        for (unsigned from = 0; from < m->nr_nodes; from++) {
            double lat = m->mem_latency_ns[(size_t)from * m->nr_nodes + n];
            z->res[n].idle_ns = lat < z->res[n].idle_ns ? lat : z->res[n].idle_ns;
            any = lat < any ? lat : any;
            far = from != n && lat < far ? lat : far;
        }
    }
    for (unsigned k = m->nr_nodes; k < r->nr_resources; k++)
        z->res[k].idle_ns = k >= r->first_cluster && k < r->first_port ? any : far;
    /* A way has at most the links there and back, the cluster, four ports. */
    unsigned most = m->nr_sockets > 1 ? 2 * sites_longest_route(r) : 0;
    most *= m->snoop_message ? 2 : 1; /* probes and their answers */
    most += (m->cluster_cores != 0) + (m->port_bandwidth > 0 ? 4 : 0);
    z->beside_part = most ? 0.25 / most : 0;
}

int rate_lazy(struct rate_model *r)
{
    const struct machine *m = r->m;
    bool ok = true;
    struct lazy *z = calloc(1, sizeof(*z));
    if (!z)
        return -1;
    z->thread = array(m->nr_cpus, sizeof(*z->thread), &ok);
    z->core = array(r->nr_cores, sizeof(*z->core), &ok);
    z->busy = array((size_t)r->nr_cores * m->threads_per_core, sizeof(unsigned), &ok);
    z->response = array((size_t)r->nr_cores * m->threads_per_core * m->threads_per_core, sizeof(double), &ok);
    z->l3 = array(m->l3.nr, sizeof(*z->l3), &ok);
    z->l3_touch = array(m->l3.nr, sizeof(unsigned), &ok);
    z->l3_at = array(m->l3.nr + 2, sizeof(unsigned), &ok);
    z->l3_cpu = array(m->nr_cpus, sizeof(unsigned), &ok);
    z->l3_index = array(m->nr_cpus, sizeof(unsigned), &ok);
    z->weight = array(m->nr_cpus, sizeof(double), &ok);
    z->most = array(m->nr_cpus, sizeof(double), &ok);
    z->set = array(r->nr_cores, sizeof(unsigned), &ok);
    z->todo = array(r->nr_cores, sizeof(unsigned), &ok);
    z->changed = array(m->nr_cpus / 64 + 1, sizeof(uint64_t), &ok);
    z->res = array(r->nr_resources, sizeof(*z->res), &ok);
    z->touch = array(r->nr_resources, sizeof(unsigned), &ok);
    z->coupled = array(r->nr_resources, sizeof(unsigned), &ok);
    unsigned coupled = r->nr_resources < LAZY_MAX_COUPLED ? r->nr_resources : LAZY_MAX_COUPLED;
    z->coupled_ahead = array(coupled, sizeof(double), &ok);
    z->inverse = array((size_t)coupled * coupled, sizeof(double), &ok);
    z->matrix = array((size_t)coupled * coupled, sizeof(double), &ok);
    if (!ok || !make_slots(r, z)) {
        lazy_free(z);
        return -1;
    }
    list_l3(m, z);
    find_idle(r, z);
    for (unsigned k = 0; k < r->nr_resources; k++) {
        z->res[k].coupled = NO_RESOURCE;
        z->res[k].per_capacity = 1 / r->resource[k].lines_per_ns;
    }
    z->bound = z->limit_bound = LAZY_LEAST_BOUND;
    memset(r->wait, 0, r->nr_resources * sizeof(double));
    memset(r->socket_cores, 0, m->nr_sockets * sizeof(unsigned));
    for (unsigned s = 0; s < m->nr_sockets; s++)
        r->clock[s] = rate_clock(m, 0);
    r->lazy = z;
    return 0;
}
