/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host of a recorded placement: nodes, pCPUs, distances, what was free where. */
#include "replay_placement.h"

#include <models/machine.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PAGES (UINT64_C(1) << 40) /* 52 bits of address */
#define MAX_DISTANCE 254u
#define LOCAL_DISTANCE 10u
#define MAX_SOCKETS 64u
#define MAX_DMA_BITS 40u

/* ---- nodes --------------------------------------------------------------------------------------------------------
 */

static bool read_distances(struct placement_record *r, const struct json *j, unsigned n, struct fault *f)
{
    const struct json *v = placement_need(r, j, "distances", f);
    if (!v)
        return false;
    if (v->type != JSON_ARRAY || v->nr != r->nr_nodes) {
        placement_fault(r, v, f, "distances: expected one for each of %u nodes, found %zu", r->nr_nodes,
                        v->type == JSON_ARRAY ? v->nr : 0);
        return false;
    }
    r->node[n].distance = placement_alloc(r, v->nr, sizeof(unsigned), f);
    for (unsigned i = 0; r->node[n].distance && i < v->nr; i++) {
        const struct json *d = v->item[i];
        bool number = d->type == JSON_NUMBER && d->number >= 0 && d->number <= UINT8_MAX;
        r->node[n].distance[i] = number ? (unsigned)d->number : 0;
        if (i == n ? r->node[n].distance[i] != LOCAL_DISTANCE
                   : r->node[n].distance[i] <= LOCAL_DISTANCE || r->node[n].distance[i] > MAX_DISTANCE) {
            placement_fault(r, d, f, "distances: node %u to %u is %s: expected %s", n, i,
                            d->text ? d->text : "no number", i == n ? "10 on the diagonal" : "11 to 254 off it");
            return false;
        }
    }
    return r->node[n].distance != NULL;
}

static bool read_node(struct placement_record *r, const struct json *j, struct fault *f)
{
    static const char *const known[] = {"node", "pcpus", "distances", "start_pfn", "spanned_pages", "free_pages", NULL};
    uint64_t n = 0;
    const struct json *pcpus;
    placement_check_keys(r, j, known, f);
    if (!placement_uint(r, j, "node", true, 0, r->nr_nodes - 1, &n, f))
        return false;
    struct placement_node *node = &r->node[n];
    if (node->distance) {
        placement_fault(r, json_get(j, "node"), f, "a second node %llu", (unsigned long long)n);
        return false;
    }
    if (!(pcpus = placement_need(r, j, "pcpus", f)) ||
        !placement_numbers(r, pcpus, "pcpus", MACHINE_MAX_PCPUS, &node->pcpus, f) ||
        !placement_uint(r, j, "start_pfn", true, 0, MAX_PAGES, &node->start, f) ||
        !placement_uint(r, j, "spanned_pages", true, 0, MAX_PAGES - node->start, &node->spanned, f) ||
        !placement_uint(r, j, "free_pages", true, 0, node->spanned, &node->free, f) ||
        !read_distances(r, j, (unsigned)n, f))
        return false;
    for (unsigned k = 0; k < r->nr_nodes; k++) {
        const struct placement_node *o = &r->node[k];
        if (o != node && o->distance && node->start < o->start + o->spanned && o->start < node->start + node->spanned) {
            placement_fault(r, json_get(j, "start_pfn"), f,
                            "node %llu, pages %llu to %llu: overlaps node %u, %llu to %llu", (unsigned long long)n,
                            (unsigned long long)node->start, (unsigned long long)(node->start + node->spanned), k,
                            (unsigned long long)o->start, (unsigned long long)(o->start + o->spanned));
            return false;
        }
    }
    if (!node->pcpus.nr && !node->spanned) {
        placement_fault(r, j, f, "node %llu has neither pCPUs nor memory", (unsigned long long)n);
        return false;
    }
    r->nr_cpus += node->pcpus.nr;
    return true;
}

/* Every pCPU is on one node, and none is left out. */
static void check_cpus(struct placement_record *r, const struct json *host, const struct json *nodes, struct fault *f)
{
    bool *seen = placement_alloc(r, MACHINE_MAX_PCPUS + 1, sizeof(*seen), f);
    uint64_t nr = r->nr_cpus;
    for (unsigned n = 0; seen && n < r->nr_nodes; n++)
        for (unsigned i = 0; i < r->node[n].pcpus.nr; i++) {
            unsigned c = r->node[n].pcpus.item[i];
            if (seen[c])
                placement_fault(r, nodes, f, "pCPU %u is on two nodes", c);
            if (c >= r->nr_cpus)
                placement_fault(r, nodes, f, "%u pCPUs in all, numbered from 0: there is no pCPU %u", r->nr_cpus, c);
            seen[c] = true;
        }
    if (f->code == EXIT_DONE && !nr)
        placement_fault(r, nodes, f, "no node has pCPUs");
    if (f->code == EXIT_DONE)
        placement_uint(r, host, "nr_cpus", false, r->nr_cpus, r->nr_cpus, &nr, f);
}

static void read_nodes(struct placement_record *r, const struct json *host, struct fault *f)
{
    const struct json *v = placement_need(r, host, "nodes", f);
    uint64_t memory = 0;
    if (!v)
        return;
    if (v->type != JSON_ARRAY || v->nr < 1 || v->nr > MACHINE_MAX_NODES) {
        placement_fault(r, v, f, "nodes: expected a list of 1 to %u nodes", MACHINE_MAX_NODES);
        return;
    }
    r->nr_nodes = (unsigned)v->nr;
    r->node = placement_alloc(r, v->nr, sizeof(*r->node), f);
    for (size_t i = 0; r->node && i < v->nr && f->code == EXIT_DONE; i++)
        read_node(r, v->item[i], f);
    for (unsigned n = 0; n < r->nr_nodes && f->code == EXIT_DONE; n++)
        memory += r->node[n].spanned;
    if (f->code == EXIT_DONE && !memory)
        placement_fault(r, v, f, "no node has memory");
    if (f->code == EXIT_DONE)
        check_cpus(r, host, v, f);
}

/* ---- what else the host says --------------------------------------------------------------------------------------
 */

/* A socket each, numbered without gaps; else all are in one: nothing that is compared depends on it. */
static void read_topology(struct placement_record *r, const struct json *host, struct fault *f)
{
    static const char *const known[] = {"cpu", "core", "socket", "node", NULL};
    const struct json *v = json_get(host, "cpu_topology");
    bool seen[MAX_SOCKETS] = {false};
    unsigned last = 0;
    r->cpu_socket = placement_alloc(r, r->nr_cpus, sizeof(*r->cpu_socket), f);
    if (!r->cpu_socket || !v || v->type == JSON_NULL)
        return;
    if (v->type != JSON_ARRAY || v->nr != r->nr_cpus) {
        placement_fault(r, v, f, "cpu_topology: expected one entry for each of %u pCPUs", r->nr_cpus);
        return;
    }
    for (size_t i = 0; i < v->nr; i++) {
        uint64_t cpu = 0, socket = 0, core = 0, node = 0;
        placement_check_keys(r, v->item[i], known, f);
        if (!placement_uint(r, v->item[i], "cpu", true, 0, r->nr_cpus - 1, &cpu, f) ||
            !placement_uint(r, v->item[i], "socket", true, 0, UINT16_MAX, &socket, f) ||
            !placement_uint(r, v->item[i], "core", false, 0, UINT16_MAX, &core, f) ||
            !placement_uint(r, v->item[i], "node", false, 0, r->nr_nodes - 1, &node, f))
            return;
        r->cpu_socket[cpu] = (unsigned)socket;
        if (socket < MAX_SOCKETS)
            seen[socket] = true;
        last = socket > last ? (unsigned)socket : last;
    }
    bool dense = last < MAX_SOCKETS;
    for (unsigned s = 0; dense && s <= last; s++)
        dense = seen[s];
    if (!dense)
        memset(r->cpu_socket, 0, r->nr_cpus * sizeof(*r->cpu_socket));
}

/* Pages of a node between two frames. */
static uint64_t between(const struct placement_node *n, uint64_t from, uint64_t to)
{
    uint64_t low = n->start > from ? n->start : from;
    uint64_t high = n->start + n->spanned < to ? n->start + n->spanned : to;
    return high > low ? high - low : 0;
}

static void read_zones_of(struct placement_record *r, const struct json *v, unsigned n, struct fault *f)
{
    uint64_t sum = 0;
    if (v->type == JSON_NULL)
        return;
    if (v->type != JSON_OBJECT) {
        placement_fault(r, v, f, "free_pages_per_zone: expected an object ZONE: PAGES");
        return;
    }
    for (size_t i = 0; i < v->nr && f->code == EXIT_DONE; i++) {
        char *end;
        unsigned long z = strtoul(v->key[i], &end, 10);
        if (*end || end == v->key[i] || z < 1 || z >= PLACEMENT_ZONES) {
            placement_fault(r, v->item[i], f, "free_pages_per_zone: zone '%s': expected a number from 1 to %u",
                            v->key[i], PLACEMENT_ZONES - 1);
            return;
        }
        uint64_t room = between(&r->node[n], UINT64_C(1) << (z - 1), UINT64_C(1) << z);
        placement_uint(r, v, v->key[i], true, 0, room, &r->node[n].zone_free[z], f);
        sum += r->node[n].zone_free[z];
    }
    if (f->code == EXIT_DONE && sum != r->node[n].free)
        fprintf(stderr, "%s: node %u: %llu pages are free in its zones, %llu on the node\n", r->path, n,
                (unsigned long long)sum, (unsigned long long)r->node[n].free);
}

static void read_zones(struct placement_record *r, const struct json *host, struct fault *f)
{
    const struct json *v = json_get(host, "free_pages_per_zone");
    if (!v || v->type == JSON_NULL)
        return;
    if (v->type != JSON_OBJECT) {
        placement_fault(r, v, f, "free_pages_per_zone: expected an object NODE: zones");
        return;
    }
    r->has_zones = true;
    for (size_t i = 0; i < v->nr && f->code == EXIT_DONE; i++) {
        char *end;
        unsigned long n = strtoul(v->key[i], &end, 10);
        if (*end || end == v->key[i] || n >= r->nr_nodes)
            placement_fault(r, v->item[i], f, "free_pages_per_zone: there is no node '%s'", v->key[i]);
        else
            read_zones_of(r, v->item[i], (unsigned)n, f);
    }
}

void placement_read_host(struct placement_record *r, struct fault *f)
{
    static const char *const known[] = {"nr_cpus",        "nodes", "cpu_topology", "free_pages_per_zone",
                                        "dma_width_bits", "dom0",  "cpupools",     NULL};
    const struct json *host = placement_need(r, r->json, "host", f);
    const char *dom0_pool = NULL;
    uint64_t bits = 0;
    if (!host)
        return;
    placement_check_keys(r, host, known, f);
    read_nodes(r, host, f);
    if (f->code == EXIT_DONE)
        read_topology(r, host, f);
    if (f->code == EXIT_DONE)
        read_zones(r, host, f);
    if (f->code != EXIT_DONE || !placement_uint(r, host, "dma_width_bits", false, 0, MAX_DMA_BITS, &bits, f))
        return;
    r->dma_bits = (unsigned)bits;
    const struct json *dom0 = json_get(host, "dom0"), *pools = json_get(host, "cpupools");
    if (!dom0)
        dom0 = placement_need(r, r->json, "dom0", f);
    if (dom0)
        placement_read_dom0(r, dom0, &dom0_pool, f);
    if (f->code == EXIT_DONE)
        placement_read_pools(r, pools ? pools : json_get(r->json, "cpupools"), dom0_pool, f);
}
