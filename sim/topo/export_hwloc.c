/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwloc's XML of a machine. The tree is written by us as the least that libhwloc takes; it then adds distances and
 * kinds of cores, and writes the whole again, so that what comes out is its own.
 */
#include "view.h"

#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

#define LINUX_CAPACITY 1024 /* of the fastest core, as Linux scales it (cpu_capacity) */

struct xml {
    FILE *to;
    const struct machine *m;
    unsigned gp; /* every object has a number of its own */
};

/* As hwloc writes bitmaps: words of 32 bits, the highest first. */
static void write_set(FILE *to, const char *name, const struct topo_set *s)
{
    unsigned top = TOPO_MAX_CPUS / 32 - 1;
    while (top && !(uint32_t)(s->bit[top / 2] >> top % 2 * 32))
        top--;
    fprintf(to, " %s=\"", name);
    for (unsigned w = top + 1; w-- > 0;)
        if ((uint32_t)(s->bit[w / 2] >> w % 2 * 32) || w == 0)
            fprintf(to, "%s0x%08x", w == top ? "" : ",", (unsigned)(s->bit[w / 2] >> w % 2 * 32));
        else
            fputc(',', to); /* hwloc leaves words of zeros out */
    fputc('"', to);
}

static void write_text(FILE *to, const char *text)
{
    for (const char *c = text; *c; c++)
        switch (*c) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        default:
            fputc((unsigned char)*c < ' ' ? ' ' : *c, to);
        }
}

static void write_info(FILE *to, const char *name, const char *value)
{
    fprintf(to, "<info name=\"%s\" value=\"", name);
    write_text(to, value);
    fputs("\"/>\n", to);
}

/* Nodes of an object: its own, those of its parts, those of what it is in. */
static uint64_t nodes_below(const struct tree_obj *o)
{
    uint64_t nodes = 0;
    for (const struct tree_obj *n = o->memory; n; n = n->next)
        nodes |= UINT64_C(1) << n->index;
    for (const struct tree_obj *c = o->child; c; c = c->next)
        nodes |= nodes_below(c);
    return nodes;
}

static void begin(struct xml *x, const struct tree_obj *o, const char *type, uint64_t nodes)
{
    fprintf(x->to, "<object type=\"%s\"", type);
    write_set(x->to, "cpuset", &o->cpus);
    write_set(x->to, "complete_cpuset", &o->cpus);
    fprintf(x->to, " nodeset=\"0x%08x,0x%08x\" complete_nodeset=\"0x%08x,0x%08x\" gp_index=\"%u\"",
            (unsigned)(nodes >> 32), (unsigned)nodes, (unsigned)(nodes >> 32), (unsigned)nodes, ++x->gp);
}

static void write_cache(struct xml *x, const struct machine_cache *c, unsigned level)
{
    fprintf(x->to,
            " cache_size=\"%llu\" depth=\"%u\" cache_linesize=\"%llu\" cache_associativity=\"%u\" cache_type=\"%u\">\n",
            (unsigned long long)c->size, level, (unsigned long long)c->line, c->ways, level == 1 ? 1 : 0);
}

static void write_node(struct xml *x, const struct tree_obj *o)
{
    uint64_t memory = 0;
    for (unsigned r = 0; r < x->m->nr_ranges; r++)
        if (x->m->range[r].node == o->index)
            memory += x->m->range[r].end - x->m->range[r].start;
    begin(x, o, "NUMANode", UINT64_C(1) << o->index);
    fprintf(x->to, " os_index=\"%u\" local_memory=\"%llu\"/>\n", o->index, (unsigned long long)memory);
}

static void write_root_infos(struct xml *x)
{
    const char *isa = x->m->isa;
    write_info(x->to, "Architecture", !strcmp(isa, "x86-64") ? "x86_64" : !strcmp(isa, "armv7") ? "armv7l" : isa);
    write_info(x->to, "Machine", x->m->name);
}

static void write_obj(struct xml *x, const struct tree_obj *o, uint64_t around)
{
    static const char *const types[] = {"Machine", "Package", "Group", "L3Cache", "L2Cache", "L1Cache", "Core", "PU"};
    const struct machine *m = x->m;
    uint64_t own = around;
    char model[512];

    for (const struct tree_obj *n = o->memory; n; n = n->next)
        own |= UINT64_C(1) << n->index;
    begin(x, o, types[o->type], own | nodes_below(o));
    switch (o->type) {
    case TREE_L3:
        write_cache(x, &m->l3, 3);
        break;
    case TREE_L2: {
        struct machine_cache c = m->l2;
        for (unsigned i = 0; i < m->nr_cpus; i++)
            if (m->l2.of[i] == o->index)
                c.size = m->kind[m->cpu[i].kind].l2_size;
        write_cache(x, &c, 2);
        break;
    }
    case TREE_L1: {
        struct machine_cache c = m->l1d;
        for (unsigned i = 0; i < m->nr_cpus; i++)
            if (m->l1d.of[i] == o->index) {
                c.size = m->kind[m->cpu[i].kind].l1d_size;
                c.ways = m->kind[m->cpu[i].kind].l1d_ways;
            }
        write_cache(x, &c, 1);
        break;
    }
    case TREE_GROUP:
        fprintf(x->to, " kind=\"1001\" subkind=\"0\" dont_merge=\"1\">\n");
        break;
    default:
        fprintf(x->to, " os_index=\"%u\"", o->index);
        if (o->type == TREE_MACHINE)
            fprintf(x->to, " allowed_cpuset=\"0xf...f\" allowed_nodeset=\"0xf...f\"");
        fputs(">\n", x->to);
    }
    if (o->type == TREE_MACHINE)
        write_root_infos(x);
    if (o->type == TREE_PACKAGE) {
        snprintf(model, sizeof(model), "%.400s @ %.9gGHz", m->description, m->freq_hz / 1e9);
        write_info(x->to, "CPUModel", model);
    }
    for (const struct tree_obj *n = o->memory; n; n = n->next)
        write_node(x, n);
    for (const struct tree_obj *c = o->child; c; c = c->next)
        write_obj(x, c, own);
    fputs("</object>\n", x->to);
}

static char *raw_xml(const struct machine *m, const struct tree_obj *root, size_t *size)
{
    char *text = NULL;
    struct xml x = {open_memstream(&text, size), m, 0};
    if (!x.to)
        return NULL;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
          "<topology version=\"2.0\">\n",
          x.to);
    write_obj(&x, root, 0);
    fputs("</topology>\n", x.to);
    if (fclose(x.to)) {
        free(text);
        return NULL;
    }
    return text;
}

static bool add_distances(hwloc_topology_t h, const struct machine *m)
{
    unsigned n = m->nr_nodes;
    hwloc_obj_t objs[MACHINE_MAX_NODES];
    hwloc_uint64_t values[MACHINE_MAX_NODES * MACHINE_MAX_NODES];
    if (n < 2)
        return true;
    for (unsigned i = 0; i < n; i++)
        if (!(objs[i] = hwloc_get_numanode_obj_by_os_index(h, i)))
            return false;
    for (unsigned i = 0; i < n * n; i++)
        values[i] = m->slit[i];
    hwloc_distances_add_handle_t d = hwloc_distances_add_create(
        h, "NUMALatency", HWLOC_DISTANCES_KIND_FROM_OS | HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0);
    return d && hwloc_distances_add_values(h, d, n, objs, values, 0) == 0 && hwloc_distances_add_commit(h, d, 0) == 0;
}

static bool add_kinds(hwloc_topology_t h, const struct machine *m)
{
    double most = 0;
    bool ok = true;
    for (unsigned k = 0; k < m->nr_kinds; k++)
        most = m->kind[k].speed > most ? m->kind[k].speed : most;
    for (unsigned k = 0; m->nr_kinds > 1 && ok && k < m->nr_kinds; k++) {
        char mhz[32], work[32], name[] = "CoreType", clock[] = "FrequencyBaseMHz", capacity[] = "LinuxCapacity";
        char *type = m->kind[k].name ? m->kind[k].name : m->name;
        hwloc_bitmap_t set = hwloc_bitmap_alloc();
        snprintf(mhz, sizeof(mhz), "%.0f", m->kind[k].freq_hz / 1e6);
        snprintf(work, sizeof(work), "%.0f", LINUX_CAPACITY * m->kind[k].speed / most);
        struct hwloc_info_s infos[] = {{name, type}, {clock, mhz}, {capacity, work}};
        for (unsigned i = 0; set && i < m->nr_cpus; i++)
            if (m->cpu[i].kind == k)
                hwloc_bitmap_set(set, i);
        ok = set && (hwloc_bitmap_iszero(set) || hwloc_cpukinds_register(h, set, -1, 3, infos, 0) == 0);
        hwloc_bitmap_free(set);
    }
    return ok;
}

static int through_hwloc(const struct machine *m, const char *raw, size_t size, FILE *to, struct fault *f)
{
    hwloc_topology_t h;
    char *out = NULL;
    int out_size = 0;
    bool ok = false;

    setenv("HWLOC_HIDE_ERRORS", "2", 1);
    if (hwloc_topology_init(&h) < 0)
        return fault_set(f, EXIT_HOST_FAILED, "libhwloc does not start");
    hwloc_topology_set_all_types_filter(h, HWLOC_TYPE_FILTER_KEEP_ALL);
    if (hwloc_topology_set_xmlbuffer(h, raw, (int)size + 1) == 0 && hwloc_topology_load(h) == 0 &&
        add_distances(h, m) && add_kinds(h, m) && hwloc_topology_export_xmlbuffer(h, &out, &out_size, 0) == 0) {
        ok = fwrite(out, 1, (size_t)out_size - 1, to) == (size_t)out_size - 1;
        hwloc_free_xmlbuffer(h, out);
    }
    hwloc_topology_destroy(h);
    return ok ? EXIT_DONE : fault_set(f, EXIT_HOST_FAILED, "libhwloc does not take machine '%s'", m->name);
}

int topo_export_hwloc(const struct machine *m, FILE *to, struct fault *f)
{
    size_t size = 0;
    struct tree_obj *root = tree_build(m, f);
    char *raw = root ? raw_xml(m, root, &size) : NULL;
    if (raw)
        through_hwloc(m, raw, size, to, f);
    else if (root)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    free(raw);
    tree_free(root);
    return f->code;
}
