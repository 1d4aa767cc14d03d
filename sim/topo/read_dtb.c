/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flattened device tree as a topology. The tree has no numbers of CPUs: they get those that Linux gives them. Where
 * CPUs are in sockets only if its cpu-map says so, nodes of memory tell instead (choose_packages).
 */
#include "dtb.h"

#include <stdlib.h>
#include <string.h>

#define NEAR 20u /* distances of Linux: 10 a node's own, 20 that of others if nothing tells */
#define LOCAL 10u

/* ---- nodes of memory --------------------------------------------------------------------------------------------- */

static unsigned index_of(const struct dtb_reader *r, uint32_t id)
{
    unsigned low = 0, high = r->nr_ids;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        if (r->id[mid] < id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < r->nr_ids && r->id[low] == id ? low : TOPO_NONE;
}

static bool add_id(struct dtb_reader *r, unsigned node, uint32_t id)
{
    unsigned at = 0;
    if (index_of(r, id) != TOPO_NONE)
        return true;
    if (r->nr_ids == TOPO_MAX_NODES)
        return dtb_bad(&r->d, node, "more than %u memory nodes", TOPO_MAX_NODES);
    while (at < r->nr_ids && r->id[at] < id)
        at++;
    memmove(r->id + at + 1, r->id + at, (r->nr_ids++ - at) * sizeof(r->id[0]));
    r->id[at] = id;
    return true;
}

static bool is_memory(const struct dtb *d, unsigned node)
{
    const char *type = dtb_string(d, node, "device_type");
    return type ? strcmp(type, "memory") == 0 : dtb_is_named(d, node, "memory");
}

/* The map of distances; 0: none. */
static unsigned distance_map(const struct dtb *d)
{
    for (unsigned c = 1; c < d->nr; c = d->node[c].end)
        if (dtb_lists(d, c, "compatible", "numa-distance-map-v1"))
            return c;
    return 0;
}

/* [0]: from, [1]: to, [2]: distance */
static bool read_matrix(const struct dtb *d, unsigned map, const uint8_t **triple, unsigned *nr)
{
    unsigned len = 0;
    *nr = 0;
    if (!map)
        return true;
    *triple = dtb_prop(d, map, "distance-matrix", &len);
    *nr = len / 12;
    return (len && len % 12 == 0) ||
           dtb_bad(d, map, "distance-matrix: %u bytes: expected triples of cells: node, node, distance", len);
}

/* All of numa-node-id, as topo.node. */
static bool add_nodes(struct dtb_reader *r)
{
    const struct dtb *d = &r->d;
    const uint8_t *triple = NULL;
    unsigned nr, map = distance_map(d);
    bool some = false;
    uint32_t id;

    if (!read_matrix(d, map, &triple, &nr))
        return false;
    for (unsigned i = 0; i < nr; i++)
        if (!add_id(r, map, (uint32_t)dtb_read(triple + 12 * i, 1)) ||
            !add_id(r, map, (uint32_t)dtb_read(triple + 12 * i + 4, 1)))
            return false;
    for (unsigned c = 1; c < d->nr; c = d->node[c].end) {
        if (!is_memory(d, c) || !dtb_enabled(d, c))
            continue;
        some = true;
        if (dtb_has(d, c, "numa-node-id") && (!dtb_u32(d, c, "numa-node-id", &id) || !add_id(r, c, id)))
            return false;
    }
    for (unsigned i = 0; i < r->nr_cpus && !some; i++) /* whose memory the boot loader knows */
        if (r->cpu[i].has_numa && !add_id(r, r->cpu[i].at, r->cpu[i].numa))
            return false;
    for (unsigned i = 0; i < r->nr_cpus; i++)
        if (r->cpu[i].has_numa && index_of(r, r->cpu[i].numa) == TOPO_NONE)
            return dtb_bad(d, r->cpu[i].at,
                           "numa-node-id: %u: neither memory nor a distance-map has that node: expected one of theirs",
                           r->cpu[i].numa);
    if (!r->nr_ids && !add_id(r, 0, 0))
        return false;
    for (unsigned n = 0; n < r->nr_ids; n++) {
        struct topo_node *node = topo_add_node(r->t, d->f);
        if (!node)
            return false;
        node->os = r->id[n];
    }
    return true;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static bool read_ranges(struct dtb_reader *r, unsigned at, uint32_t address, uint32_t size, struct topo_node *to)
{
    const struct dtb *d = &r->d;
    unsigned len, entry = 4 * (address + size);
    const uint8_t *reg = dtb_prop(d, at, "reg", &len);

    if (!reg || !len || len % entry)
        return dtb_bad(d, at, "reg: %u bytes: expected a multiple of %u, as #address-cells is %u and #size-cells is %u",
                       len, entry, address, size);
    for (; len; len -= entry, reg += entry) {
        uint64_t start = dtb_read(reg, address), bytes = dtb_read(reg + 4 * address, size);
        if (bytes > UINT64_MAX - start)
            return dtb_bad(d, at, "reg: 0x%llx bytes from 0x%llx on: that is beyond 64 bits", (unsigned long long)bytes,
                           (unsigned long long)start);
        if (bytes && !topo_add_range(to, start, start + bytes, d->f))
            return false;
    }
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct topo_range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* Linux puts what tells no node into the first one. */
static bool read_memory(struct dtb_reader *r)
{
    const struct dtb *d = &r->d;
    unsigned astray = 0;
    bool some = false;
    uint32_t address, size;

    if (!dtb_cells(d, 0, "#address-cells", 2, 2, &address) || !dtb_cells(d, 0, "#size-cells", 1, 2, &size))
        return false;
    if (!address || !size)
        return dtb_bad(d, 0, "#address-cells, #size-cells: %u, %u: expected 1 or 2", address, size);
    for (unsigned c = 1; c < d->nr; c = d->node[c].end) {
        uint32_t id = r->id[0];
        char path[200];
        if (!is_memory(d, c))
            continue;
        if (!dtb_enabled(d, c)) {
            topo_note(r->t, "disabled, left out: %s", dtb_path(d, c, path, sizeof(path)));
            continue;
        }
        some = true;
        astray += r->nr_ids > 1 && !dtb_has(d, c, "numa-node-id");
        if (!dtb_u32(d, c, "numa-node-id", &id) || !read_ranges(r, c, address, size, &r->t->node[index_of(r, id)]))
            return false;
    }
    if (astray)
        topo_note(r->t, "%u ranges of memory have no numa-node-id: taken for node %u's, as Linux does", astray,
                  r->id[0]);
    uint64_t all = 0;
    for (unsigned n = 0; n < r->t->nr_nodes; n++) {
        struct topo_node *node = &r->t->node[n];
        all += node->memory;
        if (node->nr_ranges)
            qsort(node->range, node->nr_ranges, sizeof(*node->range), by_start);
    }
    if (!all) {
        topo_note(r->t, "%s: the boot loader fills it in; take the tree from /sys/firmware/fdt",
                  some ? "memory is empty" : "there is no node memory");
        for (unsigned n = 0; n < r->t->nr_nodes; n++)
            r->t->node[n].memory_unknown = true;
    }
    return true;
}

/* ---- distances --------------------------------------------------------------------------------------------------- */

/* What is told of one direction only holds for the other, too. */
static bool read_distances(struct dtb_reader *r)
{
    const struct dtb *d = &r->d;
    const uint8_t *triple = NULL;
    unsigned nr, n = r->nr_ids, map = distance_map(d), *m;

    if (!read_matrix(d, map, &triple, &nr))
        return false;
    if (!map)
        return true;
    if (!(m = r->t->distance = calloc((size_t)n * n, sizeof(*m))))
        return dtb_no_memory(d);
    for (unsigned i = 0; i < nr; i++, triple += 12) {
        uint32_t id[2] = {(uint32_t)dtb_read(triple, 1), (uint32_t)dtb_read(triple + 4, 1)};
        uint32_t is = (uint32_t)dtb_read(triple + 8, 1);
        unsigned *to = &m[(size_t)index_of(r, id[0]) * n + index_of(r, id[1])];
        if (id[0] == id[1] ? is != LOCAL : is <= LOCAL || is > 1000000)
            return dtb_bad(
                d, map,
                "distance-matrix: %u from node %u to node %u: expected %u of a node to itself, and more to others", is,
                id[0], id[1], LOCAL);
        if (*to && *to != is)
            return dtb_bad(d, map, "distance-matrix: %u and %u from node %u to node %u", *to, is, id[0], id[1]);
        *to = is;
    }
    for (unsigned a = 0; a < n; a++)
        for (unsigned b = 0; b < n; b++) {
            unsigned *to = &m[(size_t)a * n + b], back = m[(size_t)b * n + a];
            if (!*to && a != b && !back)
                return dtb_bad(d, map, "distance-matrix: none between nodes %u and %u: expected one of each pair",
                               r->id[a], r->id[b]);
            if (!*to)
                *to = a == b ? LOCAL : back;
        }
    return true;
}

/* ---- packages ---------------------------------------------------------------------------------------------------- */

/* The first of the nodes that are near one another, over others that are. */
static unsigned first_near(const struct topo *t, unsigned node, const unsigned *group)
{
    for (unsigned n = 0; n < node; n++)
        if (t->distance && t->distance[(size_t)node * t->nr_nodes + n] < NEAR)
            return group[n];
    return node;
}

static void choose_packages(struct dtb_reader *r)
{
    const struct topo *t = r->t;
    unsigned group[TOPO_MAX_NODES] = {0};

    r->t->packages_unknown = !r->has_sockets;
    if (r->has_sockets)
        return;
    for (unsigned n = 0; n < t->nr_nodes; n++) {
        unsigned with = group[n] = first_near(t, n, group);
        for (unsigned k = 0; k < n; k++) /* n may join two groups */
            if (t->distance && t->distance[(size_t)n * t->nr_nodes + k] < NEAR && group[k] != with)
                for (unsigned j = 0, old = group[k]; j < n; j++)
                    group[j] = group[j] == old ? with : group[j];
    }
    for (unsigned i = 0; i < r->nr_cpus; i++)
        r->cpu[i].socket = group[index_of(r, r->cpu[i].numa)];
    if (t->nr_nodes > 1)
        topo_note(r->t, "no sockets in a cpu-map: nodes with distances below %u to one another are one package", NEAR);
}

/* ---- CPUs -------------------------------------------------------------------------------------------------------- */

/* By socket, node, core, thread: those of a core lie side by side. */
static int by_place(const void *a, const void *b)
{
    const struct dtb_cpu *x = a, *y = b;
    const unsigned p[] = {x->socket, x->numa, x->core, x->thread}, q[] = {y->socket, y->numa, y->core, y->thread};
    for (unsigned i = 0; i < sizeof(p) / sizeof(p[0]); i++)
        if (p[i] != q[i])
            return p[i] < q[i] ? -1 : 1;
    return 0;
}

static void place_astray(struct dtb_reader *r)
{
    unsigned astray = 0;
    for (unsigned i = 0; i < r->nr_cpus; i++)
        if (!r->cpu[i].has_numa) {
            r->cpu[i].numa = r->id[0];
            astray += r->nr_ids > 1;
        }
    if (astray)
        topo_note(r->t, "%u CPUs have no numa-node-id: taken for node %u's, as Linux does", astray, r->id[0]);
}

static bool add_cpus(struct dtb_reader *r)
{
    place_astray(r);
    choose_packages(r);
    qsort(r->cpu, r->nr_cpus, sizeof(*r->cpu), by_place);
    for (unsigned i = 0; i < r->nr_cpus; i++) {
        const struct dtb_cpu *c = &r->cpu[i];
        struct topo_cpu *to = topo_add_cpu(r->t, r->d.f);
        if (!to)
            return false;
        *to = (struct topo_cpu){.os = c->os,
                                .package = c->socket,
                                .core = c->core,
                                .thread = c->thread,
                                .node = index_of(r, c->numa),
                                .kind = r->t->nr_kinds ? c->kind : 0};
    }
    return true;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void read_names(struct dtb_reader *r)
{
    const char *model = dtb_string(&r->d, 0, "model"), *compatible = dtb_string(&r->d, 0, "compatible");
    if (model && *model)
        r->t->description = strdup(model);
    if (compatible)
        topo_note(r->t, "compatible with \"%s\"", compatible);
}

/* The version of a GIC, which decides what a hypervisor on ARM can do; 0: it is none. */
static unsigned gic_version(const struct dtb *d, unsigned node)
{
    static const struct {
        const char *compatible;
        unsigned version;
    } gic[] = {{"arm,gic-v3", 3},          {"arm,gic-v5", 5},        {"arm,gic-400", 2},
               {"arm,cortex-a15-gic", 2},  {"arm,cortex-a7-gic", 2}, {"arm,cortex-a9-gic", 2},
               {"arm,cortex-a5-gic", 2},   {"arm,pl390", 2},         {"arm,eb11mp-gic", 2},
               {"arm,tc11mp-gic", 2},      {"qcom,msm-qgic2", 2},    {"brcm,brahma-b15-gic", 2},
               {"hisilicon,hip04-intc", 2}};
    for (size_t i = 0; i < sizeof(gic) / sizeof(gic[0]); i++)
        if (dtb_lists(d, node, "compatible", gic[i].compatible))
            return gic[i].version;
    return 0;
}

static bool read_gic(struct dtb_reader *r)
{
    const struct dtb *d = &r->d;
    unsigned its = 0, version = 0, at = 0;
    uint32_t regions = 1;

    for (unsigned n = 1; n < d->nr; n++) {
        if (!dtb_enabled(d, n))
            continue;
        its += dtb_lists(d, n, "compatible", "arm,gic-v3-its");
        if (!version && (version = gic_version(d, n)))
            at = n;
    }
    if (version < 3) {
        if (version)
            topo_note(r->t, "interrupt controller: GICv%u%s", version,
                      r->nr_cpus > 8 ? ", which serves 8 CPUs at most" : "");
        return true;
    }
    if (!dtb_u32(d, at, "#redistributor-regions", &regions))
        return false;
    topo_note(r->t, "interrupt controller: GICv%u, %u redistributor regions, %u ITS", version, regions, its);
    return true;
}

static void read_all(struct dtb_reader *r)
{
    read_names(r);
    if (dtb_read_cpus(r) && dtb_read_kinds(r) && add_nodes(r) && read_memory(r) && read_distances(r) && add_cpus(r) &&
        dtb_read_caches(r) && read_gic(r))
        topo_check(r->t, r->d.f);
}

struct topo *topo_read_dtb(const char *data, size_t size, const char *name, struct fault *f)
{
    char source[512];
    struct dtb_reader r = {0};
    struct fault inner = {0};

    snprintf(source, sizeof(source), "device tree %s", name);
    if (!(r.t = topo_new(source)))
        fault_set(&inner, EXIT_HOST_FAILED, "out of memory");
    else if (dtb_open(&r.d, data, size, &inner))
        read_all(&r);
    dtb_close(&r.d);
    free(r.cpu);
    if (inner.code == EXIT_DONE)
        return r.t;
    fault_set(f, inner.code, "%s: %s", name, inner.text);
    topo_free(r.t);
    return NULL;
}
