/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim topo export and show: for every shipped machine, and for machines that no preset is like. */
#include "topo_fixture.h"

#include "machine_open.h"
#include "topo/view.h"
#include <cunit_main.h>
#include <dirent.h>
#include <hwloc.h>
#include <libxml/parser.h>
#include <stdio.h>

typedef int (*view)(const struct machine *m, FILE *to, struct fault *f);

static char *seen(const struct machine *m, view v, size_t *size)
{
    char *text = NULL;
    struct fault f = {0};
    FILE *to = open_memstream(&text, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    v(m, to, &f);
    fclose(to);
    if (f.code != EXIT_DONE)
        fprintf(stderr, "\n  %s: %s\n", m->name, f.text);
    CU_ASSERT_EQUAL(f.code, EXIT_DONE);
    return text;
}

/* Machines that presets do not show: unequal, without symmetry, of several kinds. */
static const char *const strange[] = {
    "package:1 [numa(memory=4GiB)] core:1 pu:1",
    "package:24 [numa(memory=4GiB)] core:2 pu:8",
    "group:2 [numa(memory=8GiB)] package:2 l3:2 core:2 pu:2",
    "package:2 [numa(memory=8GiB)] [numa(memory=16GiB)] l3:1 l2:4 core:2 pu:4",
    "package:2 l3:1 group:2 [numa(memory=8GiB)] core:3 pu:1",
    "[numa(memory=1GiB)] package:2 [numa(memory=2GiB)] l3:2 [numa(memory=4GiB)] core:2 pu:1",
};
static const char ragged[] =
    "inherits = \"" HVSIM_SOURCE_DIR "/models/machines/skylake-sp-2s.toml\"\nname = \"ragged\"\n"
    "[[core_kind]]\nname = \"little\"\nfrequency = \"1.5 GHz\"\nl2_size = \"512 KiB\"\n"
    "l1d_size = \"48 KiB\"\nl1d_ways = 12\n"
    "[[cores]]\nsocket = 0\nnode = 0\ncount = 3\nthreads = 2\n"
    "[[cores]]\nsocket = 0\nnode = 0\ncount = 1\nkind = \"little\"\n"
    "[[cores]]\nsocket = 1\nnode = 2\ncount = 2\nthreads = 4\n"
    "[memory]\nlatency_ns = [ 90, 150, 200, 130, 80, 190, 210, 220, 85 ]\n"
    "[numa]\nslit = [ 10, 15, 21, 14, 10, 28, 31, 17, 10 ]\n"
    "[[node]]\nrange = [ { start = \"0 B\", end = \"2 GiB\" }, { start = \"6 GiB\", end = \"8 GiB\" } ]\n"
    "[[node]]\nsocket = 0\nrange = [ { start = \"2 GiB\", end = \"6 GiB\" } ]\n"
    "[[node]]\n";

static struct machine *load_text(const char *text)
{
    char path[] = "/tmp/hvsim-topo-test-XXXXXX", *err = NULL;
    int fd = mkstemp(path);
    CU_ASSERT_EQUAL_FATAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    struct machine *m = machine_load(path, NULL, &err);
    if (!m)
        fprintf(stderr, "\n  %s\n", err);
    close(fd);
    unlink(path);
    free(err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    return m;
}

/* fn of each machine. */
static void for_all(void (*fn)(const struct machine *m))
{
    DIR *d = opendir(HVSIM_SOURCE_DIR "/models/machines");
    unsigned nr = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    for (struct dirent *e; (e = readdir(d));) {
        char path[512], *err = NULL;
        if (!strstr(e->d_name, ".toml"))
            continue;
        snprintf(path, sizeof(path), HVSIM_SOURCE_DIR "/models/machines/%s", e->d_name);
        struct machine *m = machine_load(path, NULL, &err);
        free(err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        fn(m);
        machine_free(m);
        nr++;
    }
    closedir(d);
    CU_ASSERT(nr >= 14);
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
        struct machine *m = import_synthetic(strange[i]);
        fn(m);
        machine_free(m);
    }
    struct machine *m = load_text(ragged);
    fn(m);
    machine_free(m);
}

/* ---- export --------------------------------------------------------------------------------------------------------
 */

#define SAME(a, b)                                                                                                     \
    do {                                                                                                               \
        unsigned long long same_a = (a), same_b = (b);                                                                 \
        if (same_a != same_b) {                                                                                        \
            fprintf(stderr, "\n  %s: %s is %llu, %s is %llu\n", m->name, #a, same_a, #b, same_b);                      \
            CU_FAIL("not the same");                                                                                   \
        }                                                                                                              \
    } while (0)

static bool has_cpus(const struct machine *m, unsigned node)
{
    unsigned c = 0;
    while (c < m->nr_cpus && m->cpu[c].node != node)
        c++;
    return c < m->nr_cpus;
}

/* A node without pCPUs is near those of its socket: hwloc has no other way to say where it is. */
static void check_nodes(const struct machine *m, hwloc_topology_t h)
{
    struct hwloc_distances_s *d = NULL;
    unsigned nr = 1;
    for (unsigned n = 0; n < m->nr_nodes; n++) {
        hwloc_obj_t o = hwloc_get_numanode_obj_by_os_index(h, n);
        CU_ASSERT_PTR_NOT_NULL_FATAL(o);
        SAME(o->attr->numanode.local_memory, topo_node_memory(m, n));
        for (unsigned c = 0; c < m->nr_cpus; c++)
            SAME(hwloc_bitmap_isset(o->cpuset, c),
                 has_cpus(m, n) ? m->cpu[c].node == n : m->cpu[c].socket == m->node_socket[n]);
    }
    if (m->nr_nodes < 2)
        return;
    SAME(hwloc_distances_get_by_type(h, HWLOC_OBJ_NUMANODE, &nr, &d, 0, 0), 0);
    CU_ASSERT_EQUAL_FATAL(nr, 1);
    for (unsigned i = 0; i < m->nr_nodes * m->nr_nodes; i++)
        SAME(d->values[i],
             m->slit[d->objs[i / m->nr_nodes]->os_index * m->nr_nodes + d->objs[i % m->nr_nodes]->os_index]);
    hwloc_distances_release(h, d);
}

static void check_cache(const struct machine *m, hwloc_topology_t h, hwloc_obj_type_t type,
                        const struct machine_cache *c, unsigned cpu)
{
    hwloc_obj_t o = hwloc_get_ancestor_obj_by_type(h, type, hwloc_get_pu_obj_by_os_index(h, cpu));
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    const struct machine_kind *kind = &m->kind[m->cpu[cpu].kind];
    bool first = type == HWLOC_OBJ_L1CACHE;
    SAME(o->attr->cache.size, first ? kind->l1d_size : type == HWLOC_OBJ_L2CACHE ? kind->l2_size : c->size);
    SAME(o->attr->cache.linesize, c->line);
    SAME((unsigned)o->attr->cache.associativity, first ? kind->l1d_ways : c->ways);
    for (unsigned k = 0; k < m->nr_cpus; k++)
        SAME(hwloc_bitmap_isset(o->cpuset, k), c->of[k] == c->of[cpu]);
}

/* What hwloc makes of the XML is what the machine is. */
static void reload(const struct machine *m)
{
    size_t size;
    char *xml = seen(m, topo_export_hwloc, &size);
    hwloc_topology_t h;
    CU_ASSERT_EQUAL_FATAL(hwloc_topology_init(&h), 0);
    hwloc_topology_set_all_types_filter(h, HWLOC_TYPE_FILTER_KEEP_ALL);
    CU_ASSERT_EQUAL_FATAL(hwloc_topology_set_xmlbuffer(h, xml, (int)size + 1), 0);
    CU_ASSERT_EQUAL_FATAL(hwloc_topology_load(h), 0);
    hwloc_topology_check(h);
    SAME(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_PACKAGE), m->nr_sockets);
    SAME(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_CORE), m->nr_cores);
    SAME(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_PU), m->nr_cpus);
    SAME(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_NUMANODE), m->nr_nodes);
    SAME(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_L3CACHE), m->no_l3 ? 0 : m->l3.nr);
    SAME(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_L2CACHE), m->l2.nr);
    SAME(hwloc_get_nbobjs_by_type(h, HWLOC_OBJ_L1CACHE), m->l1d.nr);
    SAME(hwloc_get_root_obj(h)->total_memory, machine_memory(m));
    check_nodes(m, h);
    for (unsigned c = 0; c<m->nr_cpus; c += m->nr_cpus> 64 ? 37 : 1) {
        hwloc_obj_t pu = hwloc_get_pu_obj_by_os_index(h, c);
        SAME(hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_PACKAGE, pu)->os_index, m->cpu[c].socket);
        SAME(hwloc_get_ancestor_obj_by_type(h, HWLOC_OBJ_CORE, pu)->os_index, m->cpu[c].core);
        check_cache(m, h, HWLOC_OBJ_L1CACHE, &m->l1d, c);
        check_cache(m, h, HWLOC_OBJ_L2CACHE, &m->l2, c);
        if (!m->no_l3)
            check_cache(m, h, HWLOC_OBJ_L3CACHE, &m->l3, c);
    }
    hwloc_topology_destroy(h);
    free(xml);
}

/* Imported again it is the same machine, as far as hwloc's XML tells. */
static void return_home(const struct machine *m)
{
    size_t size;
    struct fault f = {0};
    char *xml = seen(m, topo_export_hwloc, &size);
    struct machine *b = machine_of(topo_read_hwloc_xml(xml, size, m->name, &f), NULL, &f);
    free(xml);
    CU_ASSERT_STRING_EQUAL(b->isa, m->isa);
    SAME(b->nr_sockets, m->nr_sockets);
    SAME(b->nr_cores, m->nr_cores);
    SAME(b->no_l3, m->no_l3);
    CU_ASSERT_EQUAL_FATAL(b->nr_cpus, m->nr_cpus);
    CU_ASSERT_EQUAL_FATAL(b->nr_nodes, m->nr_nodes);
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        SAME(b->cpu[c].socket, m->cpu[c].socket);
        SAME(b->cpu[c].core, m->cpu[c].core);
        SAME(b->cpu[c].thread, m->cpu[c].thread);
        SAME(b->cpu[c].node, m->cpu[c].node);
        SAME(b->l1d.of[c], m->l1d.of[c]);
        SAME(b->l2.of[c], m->l2.of[c]);
        SAME(b->l3.of[c], m->l3.of[c]);
        SAME(b->kind[b->cpu[c].kind].l2_size, m->kind[m->cpu[c].kind].l2_size);
        SAME(b->kind[b->cpu[c].kind].l1d_size, m->kind[m->cpu[c].kind].l1d_size);
        SAME(b->kind[b->cpu[c].kind].l1d_ways, m->kind[m->cpu[c].kind].l1d_ways);
        CU_ASSERT_DOUBLE_EQUAL(b->kind[b->cpu[c].kind].freq_hz, m->kind[m->cpu[c].kind].freq_hz, 5e5);
    }
    const double per = b->kind[b->cpu[0].kind].speed / m->kind[m->cpu[0].kind].speed;
    for (unsigned c = 0; c < m->nr_cpus; c++) /* Linux tells capacities in 1024 steps */
        CU_ASSERT_DOUBLE_EQUAL(b->kind[b->cpu[c].kind].speed / m->kind[m->cpu[c].kind].speed, per, 0.01);
    for (unsigned n = 0; n < m->nr_nodes; n++) {
        SAME(topo_node_memory(b, n), topo_node_memory(m, n));
        SAME(b->node_socket[n], m->node_socket[n]);
    }
    for (unsigned i = 0; i < m->nr_nodes * m->nr_nodes; i++)
        SAME(b->slit[i], m->slit[i]);
    machine_free(b);
}

static void hwloc_reloads_what_was_exported(void)
{
    for_all(reload);
}

static void what_was_exported_can_be_imported(void)
{
    for_all(return_home);
}

/* ---- show ----------------------------------------------------------------------------------------------------------
 */

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;
    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

/* Well-formed; each core, node and socket once; two heat maps. */
static void draw(const struct machine *m)
{
    size_t size;
    char *svg = seen(m, topo_show_svg, &size);
    xmlDoc *doc = xmlReadMemory(svg, (int)size, "svg", NULL, XML_PARSE_NONET);
    CU_ASSERT_PTR_NOT_NULL(doc);
    xmlFreeDoc(doc);
    SAME(count(svg, "class=\"core k") - (m->nr_kinds > 1 ? m->nr_kinds - 1 : 0), m->nr_cores);
    SAME(count(svg, "class=\"node"), m->nr_nodes);
    SAME(count(svg, "class=\"socket\""), m->nr_sockets);
    SAME(count(svg, "fill=\"rgb("), m->nr_nodes > 1 ? 2 * m->nr_nodes * m->nr_nodes : 0);
    free(svg);
}

static void a_drawing_has_each_part_once(void)
{
    for_all(draw);
}

static void parts_that_are_alike_are_one_line(void)
{
    size_t size;
    struct machine *m = load_text(ragged);
    char *text = seen(m, topo_show_text, &size);
    CU_ASSERT_STRING_EQUAL(strchr(strchr(text, '\n') + 1, '\n') + 1,
                           "├── socket 0: pCPUs 0-6\n"
                           "│   ├── node 0, 4 GiB: 0 B to 2 GiB, 6 GiB to 8 GiB\n"
                           "│   ├── node 1, 4 GiB, no pCPUs: 2 GiB to 6 GiB\n"
                           "│   └── L3 38.5 MiB: pCPUs 0-6\n"
                           "│       ├── 3 x L2 1 MiB > L1d 32 KiB > core > 2 x pCPU: pCPUs 0-5\n"
                           "│       └── L2 512 KiB > L1d 48 KiB > core little > pCPU: pCPU 6\n"
                           "└── socket 1: pCPUs 7-14\n"
                           "    ├── node 2, no memory\n"
                           "    └── L3 38.5 MiB > 2 x L2 1 MiB > L1d 32 KiB > core > 4 x pCPU: pCPUs 7-14\n"
                           "\n"
                           "distances (SLIT)       to     0     1     2\n"
                           "                   from  0    10    15    21\n"
                           "                   from  1    14    10    28\n"
                           "                   from  2    31    17    10\n"
                           "\n"
                           "idle latency, ns       to     0     1     2\n"
                           "                   from  0  90.0 150.0 200.0\n"
                           "                   from  1 130.0  80.0 190.0\n"
                           "                   from  2 210.0 220.0  85.0\n");
    free(text);
    machine_free(m);
}

static const struct cunit_case tests[] = {
    {"libhwloc reloads an export to the same objects, memory, caches and distances", hwloc_reloads_what_was_exported},
    {"an export can be imported: the same topology", what_was_exported_can_be_imported},
    {"a drawing is well-formed and has each part once", a_drawing_has_each_part_once},
    {"the tree of text says what is alike once", parts_that_are_alike_are_one_line},
};
CUNIT_MAIN("topo views", tests)
