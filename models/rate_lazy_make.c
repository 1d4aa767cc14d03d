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
        z->thread,        z->core,    z->l3,       z->l3_at,      z->l3_cpu,  z->set,     z->todo,
        z->changed,       z->lines,   z->f,        z->ahead,      z->idle_ns, z->limit,   z->own,
        z->built,         z->touched, z->coupled,  z->coupled_of, z->touch,   z->inverse, z->matrix,
        z->coupled_ahead, z->busy,    z->l3_touch, z->response,   z->lag,     z->answer,  z->answer_built};
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
    for (unsigned c = m->nr_cpus; c-- > 0;)
        z->l3_cpu[--z->l3_at[m->l3.of[c] + 1]] = c;
    /* each start has moved to its own beginning: entry l + 1 is where l begins */
    memmove(z->l3_at, z->l3_at + 1, m->l3.nr * sizeof(*z->l3_at));
    z->l3_at[m->l3.nr] = m->nr_cpus;
}

/* The least idle latency of a way to a node's memory; of links and the like: of any way at all that leaves the node. */
static void find_idle(const struct rate_model *r, struct lazy *z)
{
    const struct machine *m = r->m;
    double any = LAZY_FREE, far = LAZY_FREE;
    for (unsigned n = 0; n < m->nr_nodes; n++) {
        z->idle_ns[n] = LAZY_FREE;
        for (unsigned from = 0; from < m->nr_nodes; from++) {
            double lat = m->mem_latency_ns[(size_t)from * m->nr_nodes + n];
            z->idle_ns[n] = lat < z->idle_ns[n] ? lat : z->idle_ns[n];
            any = lat < any ? lat : any;
            far = from != n && lat < far ? lat : far;
        }
    }
    for (unsigned k = m->nr_nodes; k < r->nr_resources; k++)
        z->idle_ns[k] = k >= r->first_cluster && k < r->first_port ? any : far;
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
    z->set = array(r->nr_cores, sizeof(unsigned), &ok);
    z->todo = array(r->nr_cores, sizeof(unsigned), &ok);
    z->changed = array(m->nr_cpus / 64 + 1, sizeof(uint64_t), &ok);
    double **per_resource[] = {&z->lines, &z->f,     &z->ahead, &z->idle_ns, &z->limit,
                               &z->own,   &z->built, &z->lag,   &z->answer,  &z->answer_built};
    for (size_t i = 0; i < sizeof(per_resource) / sizeof(per_resource[0]); i++)
        *per_resource[i] = array(r->nr_resources, sizeof(double), &ok);
    z->touched = array(r->nr_resources, sizeof(bool), &ok);
    z->touch = array(r->nr_resources, sizeof(unsigned), &ok);
    z->coupled = array(r->nr_resources, sizeof(unsigned), &ok);
    z->coupled_of = array(r->nr_resources, sizeof(unsigned), &ok);
    unsigned coupled = r->nr_resources < LAZY_MAX_COUPLED ? r->nr_resources : LAZY_MAX_COUPLED;
    z->coupled_ahead = array(coupled, sizeof(double), &ok);
    z->inverse = array((size_t)coupled * coupled, sizeof(double), &ok);
    z->matrix = array((size_t)coupled * coupled, sizeof(double), &ok);
    if (!ok) {
        lazy_free(z);
        return -1;
    }
    list_l3(m, z);
    find_idle(r, z);
    for (unsigned l = 0; l < m->l3.nr; l++)
        z->l3[l].price = z->l3[l].weighed = LAZY_FREE;
    for (unsigned k = 0; k < r->nr_resources; k++)
        z->coupled_of[k] = NO_RESOURCE;
    z->bound = z->limit_bound = LAZY_LEAST_BOUND;
    memset(r->wait, 0, r->nr_resources * sizeof(double));
    memset(r->socket_cores, 0, m->nr_sockets * sizeof(unsigned));
    for (unsigned s = 0; s < m->nr_sockets; s++)
        r->clock[s] = rate_clock(m, 0);
    r->lazy = z;
    return 0;
}
