/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine is to the rate model: its sites (cores that are alike), and its resources with their capacities.
 *
 * A machine file gives bandwidths as tools measure them: all cores of the node read, each with its lines in flight. A
 * queue is never quite full, so what was measured is less than the capacity C. With N lines in flight (Little) and idle
 * latency L0, reads at B bytes/s wait V = N line / B - L0. A read waits for N - 1 others, not for itself (rate_wait.c):
 * the queue of all is W = V N / (N - 1), and M/D/1 turned around gives
 *
 *   C = B / rho = B (1 + S / (2 W)).
 *
 * Where the cores have too few lines in flight to saturate (V <= 0), where their number is not known, and where
 * bandwidth is shared max-min, which fills a resource to the brim, C = B.
 */
#include "rate_private.h"

#include <stdlib.h>
#include <string.h>

static double capacity(const struct machine *m, double bandwidth, double service_ns, double idle_ns, unsigned cores)
{
    double line = (double)m->l3.line, per_ns = bandwidth / 1e9;
    double lines = cores * m->core_outstanding, wait = lines * line / per_ns - idle_ns;
    bool queue = m->sharing == MACHINE_QUEUE && wait > 0 && lines > 1;
    return per_ns / line * (queue ? 1 + service_ns * (lines - 1) / (2 * wait * lines) : 1);
}

static unsigned cores_of_node(const struct machine *m, unsigned node)
{
    unsigned n = 0;
    for (unsigned c = 0; c < m->nr_cpus; c++)
        n += m->cpu[c].node == node && m->cpu[c].thread == 0;
    return n;
}

/* Idle latency from the cores of socket a to memory at socket b. */
static double idle_between(const struct machine *m, unsigned a, unsigned b)
{
    for (unsigned c = 0; c < m->nr_cpus; c++)
        for (unsigned n = 0; n < m->nr_nodes && m->cpu[c].socket == a; n++)
            if (m->node_socket[n] == b)
                return m->mem_latency_ns[(size_t)m->cpu[c].node * m->nr_nodes + n];
    return 0;
}

static void set_resources(struct rate_model *r)
{
    const struct machine *m = r->m;
    for (unsigned n = 0; n < m->nr_nodes; n++) {
        double idle = m->mem_latency_ns[(size_t)n * m->nr_nodes + n];
        r->resource[n] = (struct resource){
            capacity(m, m->mem_bandwidth[n], m->mem_service_ns, idle, cores_of_node(m, n)), m->mem_service_ns};
    }
    for (unsigned l = 0; l < r->nr_links; l++) {
        unsigned from = m->nr_links ? m->link[l].from : l / m->nr_sockets;
        unsigned to = m->nr_links ? m->link[l].to : l % m->nr_sockets;
        double bandwidth = m->nr_links ? m->link[l].bandwidth : m->link_bandwidth;
        r->resource[r->first_link + l] = (struct resource){
            capacity(m, bandwidth, m->link_service_ns, idle_between(m, to, from), m->cores_per_socket),
            m->link_service_ns};
    }
    for (unsigned c = r->first_cluster; c < r->first_port; c++)
        r->resource[c] = (struct resource){
            capacity(m, m->cluster_bandwidth, m->link_service_ns, m->mem_latency_ns[0], m->cluster_cores),
            m->link_service_ns};
    for (unsigned p = r->first_port; p < r->nr_resources; p++)
        r->resource[p] = (struct resource){m->port_bandwidth / 1e9 / (double)m->l3.line, m->link_service_ns};
}

static bool same_site(const struct site *a, const struct site *b)
{
    return a->socket == b->socket && a->node == b->node && a->l3 == b->l3 && a->cluster == b->cluster &&
           a->kind == b->kind;
}

static int by_place(const void *x, const void *y)
{
    const struct site *a = x, *b = y;
    const unsigned of_a[] = {a->socket, a->node, a->l3, a->cluster, a->kind};
    const unsigned of_b[] = {b->socket, b->node, b->l3, b->cluster, b->kind};
    for (unsigned i = 0; i < sizeof(of_a) / sizeof(of_a[0]); i++)
        if (of_a[i] != of_b[i])
            return of_a[i] < of_b[i] ? -1 : 1;
    return 0;
}

/* The site of every core; *clusters: how many there are. */
static void find_cores(const struct machine *m, struct site *of_core, unsigned *clusters)
{
    unsigned first = 0, socket = ~0u;
    *clusters = 0;
    for (unsigned i = 0; i < m->nr_cpus; i++) {
        const struct machine_cpu *p = &m->cpu[i];
        if (p->thread)
            continue;
        if (m->cluster_cores && (p->socket != socket || p->core - first >= m->cluster_cores)) {
            first = p->core;
            socket = p->socket;
            ++*clusters;
        }
        of_core[p->core] =
            (struct site){p->socket, p->node, m->l3.of[i], m->cluster_cores ? *clusters - 1 : 0, p->kind, 0};
    }
}

/* Sites are in order, but L3 is not what comes last in it. */
static void number_spots(struct rate_model *r)
{
    for (unsigned i = 0; i < r->nr_sites; i++) {
        struct site *s = &r->site[i];
        s->spot = r->nr_spots;
        for (unsigned j = i; j-- > 0 && r->site[j].socket == s->socket && r->site[j].node == s->node;)
            if (r->site[j].cluster == s->cluster && r->site[j].kind == s->kind)
                s->spot = r->site[j].spot;
        r->nr_spots += s->spot == r->nr_spots;
    }
}

static bool find_sites(struct rate_model *r, unsigned *clusters)
{
    struct site *of_core = calloc(r->nr_cores, sizeof(*of_core));
    r->site = calloc(r->nr_cores, sizeof(*r->site));
    r->core_site = calloc(r->nr_cores, sizeof(*r->core_site));
    if (!of_core || !r->site || !r->core_site) {
        free(of_core);
        return false;
    }
    find_cores(r->m, of_core, clusters);
    memcpy(r->site, of_core, r->nr_cores * sizeof(*of_core));
    qsort(r->site, r->nr_cores, sizeof(*r->site), by_place);
    for (unsigned i = 0; i < r->nr_cores; i++)
        if (!i || !same_site(&r->site[i], &r->site[r->nr_sites - 1]))
            r->site[r->nr_sites++] = r->site[i];
    for (unsigned core = 0; core < r->nr_cores; core++) {
        const struct site *s = bsearch(&of_core[core], r->site, r->nr_sites, sizeof(*r->site), by_place);
        r->core_site[core] = (unsigned)(s - r->site);
    }
    free(of_core);
    number_spots(r);
    return true;
}

/* The machine's routes, as resources. */
static bool copy_routes(struct rate_model *r)
{
    const struct machine *m = r->m;
    unsigned n = m->nr_links ? m->route_at[(size_t)m->nr_sockets * m->nr_sockets] : 0;
    r->route = calloc(n ? n : 1, sizeof(*r->route));
    for (unsigned i = 0; r->route && i < n; i++)
        r->route[i] = r->first_link + m->route[i];
    return r->route != NULL;
}

bool sites_make(struct rate_model *r)
{
    const struct machine *m = r->m;
    unsigned clusters = 0;
    if (!find_sites(r, &clusters))
        return false;
    r->nr_links = m->nr_links ? m->nr_links : m->nr_sockets * m->nr_sockets;
    r->first_link = m->nr_nodes;
    r->first_cluster = r->first_link + r->nr_links;
    r->first_port = r->first_cluster + clusters;
    r->nr_resources = r->first_port + (m->port_bandwidth > 0 ? 2 * m->nr_nodes : 0);
    r->resource = calloc(r->nr_resources, sizeof(*r->resource));
    if (!r->resource || !copy_routes(r))
        return false;
    set_resources(r);
    return true;
}

const unsigned *sites_route(const struct rate_model *r, unsigned from, unsigned to, unsigned *scratch, unsigned *n)
{
    const struct machine *m = r->m;
    *n = from != to;
    *scratch = r->first_link + from * m->nr_sockets + to;
    return m->nr_links ? r->route + (machine_route(m, from, to, n) - m->route) : scratch;
}

unsigned sites_longest_route(const struct rate_model *r)
{
    unsigned longest = 1, n;
    for (unsigned a = 0; r->m->nr_links && a < r->m->nr_sockets; a++)
        for (unsigned b = 0; b < r->m->nr_sockets; b++) {
            machine_route(r->m, a, b, &n);
            longest = n > longest ? n : longest;
        }
    return longest;
}
