/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim topo import: device trees. Their sources are here and in dts/; dtc makes blobs of them. */
#include "topo_fixture.h"

#include <cunit_main.h>
#include <stdarg.h>
#include <stdio.h>

#define DTS HVSIM_SOURCE_DIR "/tests/sim/dts/"

struct blob {
    char *data;
    size_t size;
};

static struct blob read_all(FILE *in)
{
    struct blob b = {malloc(1 << 20), 0};
    CU_ASSERT_FATAL(b.data && in);
    b.size = fread(b.data, 1, 1 << 20, in);
    return b;
}

/* What dtc makes of a file. -q: it warns of what is wrong on purpose. */
static struct blob blob_of_file(const char *path)
{
    char command[512];
    snprintf(command, sizeof(command), "dtc -q -f -I dts -O dtb %s", path);
    FILE *in = popen(command, "r");
    struct blob b = read_all(in);
    CU_ASSERT_EQUAL_FATAL(pclose(in), 0);
    CU_ASSERT_FATAL(b.size > 40);
    return b;
}

static struct blob blob_of_text(const char *text)
{
    char path[] = "/tmp/hvsim-dts-test-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    struct blob b = blob_of_file(path);
    close(fd);
    unlink(path);
    return b;
}

static struct topo *topo_of(struct blob b, struct fault *f)
{
    struct topo *t = topo_read_dtb(b.data, b.size, "box.dtb", f);
    free(b.data);
    if (!t)
        fprintf(stderr, "\n  %s\n", f->text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    return t;
}

static bool has_note(const struct topo *t, const char *part)
{
    for (unsigned i = 0; i < t->nr_notes; i++)
        if (strstr(t->note[i], part))
            return true;
    return false;
}

/* ---- trees of real machines -------------------------------------------------------------------------------------- */

static void two_kinds_in_clusters(void)
{
    struct fault f = {0};
    struct topo *t = topo_of(blob_of_file(DTS "juno-r1.dts"), &f);
    unsigned l2[6], l1[6];
    CU_ASSERT_STRING_EQUAL(t->isa, "aarch64");
    CU_ASSERT_STRING_EQUAL(t->description, "Juno r1");
    CU_ASSERT_EQUAL_FATAL(t->nr_cpus, 6);
    CU_ASSERT_EQUAL(t->nr_cores, 6);
    CU_ASSERT_EQUAL_FATAL(t->nr_kinds, 2);
    CU_ASSERT_STRING_EQUAL(t->kind[0].name, "cortex-a57");
    CU_ASSERT_STRING_EQUAL(t->kind[1].name, "cortex-a53");
    CU_ASSERT_EQUAL(t->kind[0].ipc, 1);
    CU_ASSERT_EQUAL(t->kind[1].ipc, 578.0 / 1024);
    CU_ASSERT_EQUAL(topo_caches_of(t, 2, l2), 6);
    CU_ASSERT_EQUAL(topo_caches_of(t, 1, l1), 6);
    for (unsigned i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(t->cpu[i].os, i);
        CU_ASSERT_EQUAL(t->cpu[i].kind, i >= 2);
        CU_ASSERT_EQUAL(t->cache[l2[i]].size, i < 2 ? 2 << 20 : 1 << 20);
        CU_ASSERT_EQUAL(t->cache[l2[i]].ways, 16);
        CU_ASSERT_EQUAL(l2[i], l2[i < 2 ? 0 : 2]);
        CU_ASSERT_EQUAL(t->cache[l1[i]].size, 32 << 10);
        CU_ASSERT_EQUAL(t->cache[l1[i]].ways, i < 2 ? 2 : 4);
        CU_ASSERT(!i || l1[i] != l1[i - 1]);
    }
    CU_ASSERT_EQUAL_FATAL(t->nr_nodes, 1);
    CU_ASSERT_EQUAL_FATAL(t->node[0].nr_ranges, 2);
    CU_ASSERT_EQUAL(t->node[0].range[0].start, 0x80000000u);
    CU_ASSERT_EQUAL(t->node[0].range[0].end, 0xff000000u);
    CU_ASSERT_EQUAL(t->node[0].range[1].start, UINT64_C(0x880000000));
    CU_ASSERT_EQUAL(t->node[0].range[1].end, UINT64_C(0xa00000000));
    CU_ASSERT(has_note(t, "GICv2"));
    struct machine *m = machine_of(t, NULL, &f);
    CU_ASSERT_STRING_EQUAL(m->isa, "aarch64");
    CU_ASSERT_EQUAL(m->nr_kinds, 3); /* [0]: that of a machine without kinds */
    CU_ASSERT_EQUAL(m->l2.nr, 2);
    machine_free(m);
}

static void cells_of_32_bits_and_a_disabled_cpu(void)
{
    struct fault f = {0};
    struct topo *t = topo_of(blob_of_file(DTS "exynos5250.dts"), &f);
    CU_ASSERT_STRING_EQUAL(t->isa, "armv7");
    CU_ASSERT_EQUAL(t->nr_cpus, 2);
    CU_ASSERT_EQUAL(t->nr_kinds, 0);
    CU_ASSERT_EQUAL(t->nr_caches, 0);
    CU_ASSERT_EQUAL(t->freq_hz, 1.7e9); /* the fastest operating point that is no turbo */
    CU_ASSERT_STRING_EQUAL(t->cpu_model, "arm,cortex-a15");
    CU_ASSERT_EQUAL(t->node[0].range[0].start, 0x40000000u);
    CU_ASSERT_EQUAL(t->node[0].memory, 0x7f000000u);
    CU_ASSERT(has_note(t, "disabled, left out: 1 of 3 CPUs"));
    machine_free(machine_of(t, NULL, &f));
}

static void four_nodes_with_distances(void)
{
    static const unsigned distance[4][4] = {{10, 12, 20, 22}, {12, 10, 22, 24}, {20, 22, 10, 12}, {22, 24, 12, 10}};
    struct fault f = {0};
    struct topo *t = topo_of(blob_of_file(DTS "kunpeng-920.dts"), &f);
    unsigned l3[16];
    CU_ASSERT_EQUAL_FATAL(t->nr_cpus, 16);
    CU_ASSERT_EQUAL_FATAL(t->nr_nodes, 4);
    CU_ASSERT_EQUAL(t->nr_packages, 2);
    CU_ASSERT(t->packages_unknown);
    CU_ASSERT_EQUAL(topo_caches_of(t, 3, l3), 16);
    for (unsigned i = 0; i < 16; i++) {
        CU_ASSERT_EQUAL(t->cpu[i].node, i / 4);
        CU_ASSERT_EQUAL(t->cpu[i].package, i / 8);
        CU_ASSERT_EQUAL(t->cache[l3[i]].size, 32 << 20);
        CU_ASSERT_EQUAL(t->cache[l3[i]].line, 128);
        CU_ASSERT_EQUAL(l3[i], l3[i / 4 * 4]);
    }
    CU_ASSERT_PTR_NOT_NULL_FATAL(t->distance);
    CU_ASSERT_EQUAL(memcmp(t->distance, distance, sizeof(distance)), 0); /* the tree tells half of them */
    CU_ASSERT_EQUAL(t->node[2].range[0].start, UINT64_C(0x200000000000));
    CU_ASSERT_EQUAL(t->node[2].memory, UINT64_C(32) << 30);
    CU_ASSERT(has_note(t, "GICv3, 4 redistributor regions, 1 ITS"));
    struct machine *m = machine_of(t, NULL, &f);
    CU_ASSERT_EQUAL(m->nr_sockets, 2);
    CU_ASSERT_EQUAL(m->l3.nr, 4);
    machine_free(m);
}

/* ---- trees made here --------------------------------------------------------------------------------------------- */

struct text {
    char *at;
    size_t size;
    FILE *to;
};

static void put(struct text *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *x, const char *fmt, ...)
{
    va_list ap;
    if (!x->to)
        CU_ASSERT_PTR_NOT_NULL_FATAL((x->to = open_memstream(&x->at, &x->size)));
    va_start(ap, fmt);
    vfprintf(x->to, fmt, ap);
    va_end(ap);
}

static struct blob blob_of(struct text *x)
{
    fclose(x->to);
    struct blob b = blob_of_text(x->at);
    free(x->at);
    return b;
}

/* CPUs dealt to nodes one by one, so that they have to be put in order. */
static struct blob many_cpus(unsigned nr, unsigned nodes)
{
    struct text x = {0};
    put(&x, "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>; cpus { #address-cells = <2>; #size-cells = <0>;\n");
    for (unsigned i = 0; i < nr; i++)
        put(&x,
            "cpu@%x { device_type = \"cpu\"; compatible = \"cavium,thunder\", \"arm,armv8\"; reg = <0 0x%x>;"
            " numa-node-id = <%u>; };\n",
            i, i, i % nodes);
    put(&x, "};\n");
    for (unsigned n = 0; n < nodes; n++)
        put(&x, "memory@%x00000000 { device_type = \"memory\"; reg = <0x%x 0 4 0>; numa-node-id = <%u>; };\n", 16 * n,
            16 * n, n);
    put(&x, "};\n");
    return blob_of(&x);
}

static void two_sockets_of_48(void)
{
    struct fault f = {0};
    struct topo *t = topo_of(many_cpus(96, 2), &f);
    CU_ASSERT_EQUAL_FATAL(t->nr_cpus, 96);
    CU_ASSERT_EQUAL(t->nr_packages, 2);
    for (unsigned i = 0; i < 96; i++) {
        CU_ASSERT_EQUAL(t->cpu[i].node, i / 48);
        CU_ASSERT_EQUAL(t->cpu[i].os, i % 48 * 2 + i / 48);
    }
    CU_ASSERT_PTR_NULL(t->distance);
    struct machine *m = machine_of(t, NULL, &f);
    CU_ASSERT_EQUAL(m->nr_cpus, 96);
    CU_ASSERT_EQUAL(m->nr_sockets, 2);
    CU_ASSERT_EQUAL(machine_memory(m), UINT64_C(32) << 30);
    machine_free(m);
}

static void as_many_as_there_can_be(void)
{
    struct fault f = {0};
    struct topo *t = topo_of(many_cpus(4096, 64), &f);
    CU_ASSERT_EQUAL(t->nr_cpus, 4096);
    CU_ASSERT_EQUAL(t->nr_nodes, 64);
    topo_free(t);
    struct blob b = many_cpus(4097, 2);
    CU_ASSERT_PTR_NULL(topo_read_dtb(b.data, b.size, "box.dtb", &f));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.text, "more than 4096 hardware threads"));
    free(b.data);
}

static void sockets_and_threads_of_a_cpu_map(void)
{
    struct fault f = {0};
    struct text x = {0};
    put(&x, "/dts-v1/; / { #address-cells = <1>; #size-cells = <1>; memory { device_type = \"memory\"; reg = <0 "
            "0x40000000>; };"
            " cpus { #address-cells = <1>; #size-cells = <0>; cpu-map {\n");
    for (unsigned s = 0; s < 2; s++)
        put(&x,
            "socket%u { cluster0 { cluster0 { core0 { thread0 { cpu = <&c%u>; }; thread1 { cpu = <&c%u>; }; }; };"
            " cluster1 { core0 { thread0 { cpu = <&c%u>; }; thread1 { cpu = <&c%u>; }; }; }; }; };\n",
            s, s, s + 4, s + 2, s + 6);
    put(&x, "};\n");
    for (unsigned i = 0; i < 8; i++)
        put(&x,
            "c%u: cpu@%u { device_type = \"cpu\"; compatible = \"arm,armv8\"; reg = <%u>; d-cache-size = <0x8000>;"
            " d-cache-line-size = <64>; };\n",
            i, i, i);
    put(&x, "}; };");
    struct topo *t = topo_of(blob_of(&x), &f);
    static const unsigned os[] = {0, 4, 2, 6, 1, 5, 3, 7};
    unsigned l1[8];
    CU_ASSERT_EQUAL_FATAL(t->nr_cpus, 8);
    CU_ASSERT_EQUAL(t->nr_packages, 2);
    CU_ASSERT_EQUAL(t->nr_cores, 4);
    CU_ASSERT(!t->packages_unknown);
    topo_caches_of(t, 1, l1);
    for (unsigned i = 0; i < 8; i++) {
        CU_ASSERT_EQUAL(t->cpu[i].os, os[i]);
        CU_ASSERT_EQUAL(t->cpu[i].package, i / 4);
        CU_ASSERT_EQUAL(t->cpu[i].core, i / 2);
        CU_ASSERT_EQUAL(t->cpu[i].thread, i % 2);
        CU_ASSERT_EQUAL(l1[i], l1[i / 2 * 2]); /* threads of a core have one L1, whatever the tree repeats */
    }
    machine_free(machine_of(t, NULL, &f));
}

/* ---- a tree that is changed for one thing ------------------------------------------------------------------------ */

#define HEAD "/dts-v1/; / { #address-cells = <1>; #size-cells = <1>;"
#define CPUS                                                                                                           \
    "cpus { #address-cells = <1>; #size-cells = <0>;"                                                                  \
    " c0: cpu@0 { device_type = \"cpu\"; reg = <0>; compatible = \"arm,armv8\"; numa-node-id = <0>; };"                \
    " c1: cpu@1 { device_type = \"cpu\"; reg = <1>; compatible = \"arm,armv8\"; numa-node-id = <1>; }; };"
#define MEMORY                                                                                                         \
    "memory@0 { device_type = \"memory\"; reg = <0 0x40000000>; numa-node-id = <0>; };"                                \
    "memory@4 { device_type = \"memory\"; reg = <0x40000000 0x40000000>; numa-node-id = <1>; };"
#define TAIL "};"
#define CPU_WITH(more)                                                                                                 \
    HEAD "cpus { #address-cells = <1>; #size-cells = <0>; c0: cpu@0 { device_type = \"cpu\"; reg = <0>; " more         \
         " }; };" MEMORY TAIL
#define DISTANCES(matrix)                                                                                              \
    HEAD CPUS MEMORY "distance-map { compatible = \"numa-distance-map-v1\"; distance-matrix = " matrix "; };" TAIL
#define MAP(map)                                                                                                       \
    HEAD                                                                                                               \
        "cpus { #address-cells = <1>; #size-cells = <0>; cpu-map { " map " };"                                         \
        " c0: cpu@0 { device_type = \"cpu\"; reg = <0>; }; c1: cpu@1 { device_type = \"cpu\"; reg = <1>; }; };" MEMORY \
            TAIL

static void says(const char *part, const char *text, int line)
{
    struct fault f = {0};
    struct blob b = blob_of_text(text);
    struct topo *t = topo_read_dtb(b.data, b.size, "box.dtb", &f);
    CU_ASSERT_PTR_NULL(t);
    CU_ASSERT_EQUAL(f.code, EXIT_BAD_INPUT);
    CU_ASSERT_EQUAL(strncmp(f.text, "box.dtb: ", 9), 0);
    if (!strstr(f.text, part)) {
        fprintf(stderr, "\n  line %d: '%s' is not in: %s\n", line, part, f.text);
        CU_FAIL("another message");
    }
    topo_free(t);
    free(b.data);
}
#define SAYS(part, text) says(part, text, __LINE__)

static void what_is_wrong_is_named_with_its_node(void)
{
    SAYS("/: no node cpus", HEAD MEMORY TAIL);
    SAYS("/cpus: no CPUs", HEAD "cpus { #address-cells = <1>; };" MEMORY TAIL);
    SAYS("/cpus: no CPU is enabled", CPU_WITH("status = \"disabled\";"));
    SAYS("/cpus/cpu@0: reg: 4 bytes: expected none, as #address-cells of /cpus is 0",
         HEAD "cpus { #address-cells = <0>; cpu@0 { device_type = \"cpu\"; reg = <0>; }; };" MEMORY TAIL);
    SAYS("/cpus/cpu@0: reg: 4 bytes: expected 8, as #address-cells of /cpus is 2",
         HEAD "cpus { #address-cells = <2>; cpu@0 { device_type = \"cpu\"; reg = <0>; }; };" MEMORY TAIL);
    SAYS("/cpus: #address-cells: 3: expected at most 2", HEAD "cpus { #address-cells = <3>; };" MEMORY TAIL);
    SAYS("/cpus/cpu@1: reg: 0x0 is that of /cpus/cpu@0, too",
         HEAD "cpus { #address-cells = <1>; cpu@0 { device_type = \"cpu\"; reg = <0>; };"
              " cpu@1 { device_type = \"cpu\"; reg = <0>; }; };" MEMORY TAIL);
    SAYS("/memory@0: reg: 8 bytes: expected a multiple of 16, as #address-cells is 2 and #size-cells is 2",
         "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>;" CPUS MEMORY TAIL);
    SAYS("/memory@0: reg: 0xffffffffffffffff bytes from 0x1000 on",
         "/dts-v1/; / { #address-cells = <1>; #size-cells = <2>;" CPUS
         "memory@0 { device_type = \"memory\"; reg = <0x1000 0xffffffff 0xffffffff>; numa-node-id = <0>; };"
         "memory@4 { device_type = \"memory\"; reg = <0 0 1>; numa-node-id = <1>; };" TAIL);
    SAYS("overlaps", HEAD CPUS MEMORY "memory@8 { device_type = \"memory\"; reg = <0x3ffff000 0x2000>; };" TAIL);
}

static void nodes_and_distances_must_fit(void)
{
    SAYS("/cpus/cpu@0: numa-node-id: 7: neither memory nor a distance-map has that node",
         CPU_WITH("numa-node-id = <7>;"));
    SAYS("/cpus/cpu@0: numa-node-id: 8 bytes: expected one cell", CPU_WITH("numa-node-id = <0 0>;"));
    SAYS("distance-matrix: 16 bytes: expected triples", DISTANCES("<0 0 10 0>"));
    SAYS("none between nodes 0 and 2", DISTANCES("<0 0 10>, <1 1 10>, <0 1 20>, <2 2 10>, <1 2 20>")); /* not square */
    SAYS("12 from node 0 to node 0: expected 10", DISTANCES("<0 0 12>, <0 1 20>"));
    SAYS("10 from node 0 to node 1", DISTANCES("<0 0 10>, <0 1 10>"));
    SAYS("20 and 21 from node 0 to node 1", DISTANCES("<0 1 20>, <0 1 21>"));
}

static void distances_may_differ_by_direction(void)
{
    struct fault f = {0};
    struct topo *t = topo_of(blob_of_text(DISTANCES("<0 1 20>, <1 0 30>")), &f);
    CU_ASSERT_EQUAL(t->distance[1], 20);
    CU_ASSERT_EQUAL(t->distance[2], 30);
    CU_ASSERT_EQUAL(t->distance[3], 10);
    topo_free(t);
}

static void maps_and_caches_must_lead_somewhere(void)
{
    SAYS("/cpus/cpu-map/core0: cpu: there is no node with phandle 0x77", MAP("core0 { cpu = <0x77>; };"));
    SAYS("/cpus/cpu-map/core1: cpu: phandle 0x1 is in the map already",
         MAP("core0 { cpu = <&c0>; }; core1 { cpu = <&c0>; };"));
    SAYS("a thread directly in a cpu-map", MAP("thread0 { cpu = <&c0>; };"));
    SAYS("expected socketN", MAP("chip0 { cpu = <&c0>; };"));
    SAYS("/cpus/cpu@0: next-level-cache: there is no node with phandle 0x99", CPU_WITH("next-level-cache = <0x99>;"));
    SAYS("a cycle of caches", CPU_WITH("next-level-cache = <&a>; a: a { next-level-cache = <&b>; };"
                                       " b: b { next-level-cache = <&a>; };"));
    SAYS("a CPU is no cache", CPU_WITH("next-level-cache = <&c0>;"));
    SAYS("cache-level: 2: expected 3 to 5", CPU_WITH("next-level-cache = <&a>; a: a { next-level-cache = <&b>; };"
                                                     " b: b { cache-level = <2>; };"));
}

static void a_map_that_leaves_out_a_cpu_is_none(void)
{
    struct fault f = {0};
    struct topo *t = topo_of(blob_of_text(MAP("socket0 { core0 { cpu = <&c0>; }; };")), &f);
    CU_ASSERT_EQUAL(t->nr_cores, 2);
    CU_ASSERT(t->packages_unknown);
    CU_ASSERT(has_note(t, "cpu-map: left alone, as /cpus/cpu@1 is not in it"));
    topo_free(t);
}

static void memory_that_the_boot_loader_fills_in_is_unknown(void)
{
    struct fault f = {0};
    struct topo *t =
        topo_of(blob_of_text(HEAD "cpus { #address-cells = <1>; cpu@0 { device_type = \"cpu\"; reg = <0>; }; };"
                                  "memory { device_type = \"memory\"; reg = <0 0>; };" TAIL),
                &f);
    CU_ASSERT(t->node[0].memory_unknown);
    machine_free(machine_of(t, NULL, &f));
}

/* Trees of a kernel's sources mostly have none: the boot loader adds it. */
static void without_memory_it_is_unknown(void)
{
    struct fault f = {0};
    char *text;
    struct topo *t = topo_of(blob_of_text(HEAD "cpus { #address-cells = <1>; cpu@0 { device_type = \"cpu\"; reg = <0>;"
                                               " compatible = \"arm,cortex-a9\"; }; };" TAIL),
                             &f);
    CU_ASSERT(t->nr_nodes == 1 && t->node[0].memory_unknown);
    CU_ASSERT(has_note(t, "there is no node memory: the boot loader fills it in"));
    struct machine *m = machine_of(t, &text, &f);
    CU_ASSERT_EQUAL(machine_memory(m), UINT64_C(1) << 30);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: size and place; the source does not tell them"));
    free(text);
    machine_free(m);
    t = topo_of(blob_of_text(HEAD CPUS TAIL), &f); /* of two nodes */
    CU_ASSERT(t->nr_nodes == 2 && t->node[0].memory_unknown && t->node[1].memory_unknown);
    CU_ASSERT(t->cpu[0].node == 0 && t->cpu[1].node == 1);
    topo_free(t);
}

/* Some trees have the crystal's clock for that of the processor. */
static void a_crystal_is_no_clock(void)
{
    struct fault f = {0};
    struct topo *t =
        topo_of(blob_of_text(CPU_WITH("clock-frequency = <24000000>; operating-points = <792000 1>;")), &f);
    CU_ASSERT_DOUBLE_EQUAL(t->freq_hz, 792e6, 1);
    CU_ASSERT(has_note(t, "/cpus/cpu@0: clock-frequency of 24000000 Hz is no processor's"));
    topo_free(t);
    t = topo_of(blob_of_text(CPU_WITH("clock-frequency = <200000000>; operating-points = <792000 1>;")), &f);
    CU_ASSERT_DOUBLE_EQUAL(t->freq_hz, 200e6, 1);
    topo_free(t);
}

/* Boards from before ARMv7 have one CPU, which mostly has no number. The nearest instruction set is no x86. */
static void older_boards_are_armv7_as_a_guess(void)
{
    struct fault f = {0};
    char *text;
    struct topo *t = topo_of(blob_of_text(HEAD "cpus { #address-cells = <0>; #size-cells = <0>; cpu { device_type = "
                                               "\"cpu\"; compatible = \"arm,arm926ej-s\"; }; };" TAIL),
                             &f);
    CU_ASSERT_EQUAL(t->nr_cpus, 1);
    struct machine *m = machine_of(t, &text, &f);
    CU_ASSERT_STRING_EQUAL(m->isa, "armv7");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "guessed: hvsim does not have its instruction set"));
    free(text);
    machine_free(m);
}

/* A node without memory is one that the map of distances has; a node without CPUs has memory. */
static void nodes_without_memory_or_cpus(void)
{
    struct fault f = {0};
    struct topo *t = topo_of(
        blob_of_text(HEAD CPUS
                     "memory@0 { device_type = \"memory\"; reg = <0 0x40000000>; numa-node-id = <0>; };"
                     "memory@4 { device_type = \"memory\"; reg = <0x40000000 0x40000000>; numa-node-id = <5>; };"
                     "distance-map { compatible = \"numa-distance-map-v1\";"
                     " distance-matrix = <0 1 20>, <0 5 17>, <1 5 28>; };" TAIL),
        &f);
    CU_ASSERT_EQUAL_FATAL(t->nr_nodes, 3);
    CU_ASSERT_EQUAL(t->node[1].memory, 0);
    CU_ASSERT_EQUAL(t->node[2].os, 5);
    struct machine *m = machine_of(t, NULL, &f);
    CU_ASSERT_EQUAL(m->nr_nodes, 3);
    machine_free(m);
}

static void no_cut_is_read(void)
{
    struct blob b = blob_of_file(DTS "juno-r1.dts");
    for (size_t size = 0; size < b.size; size += 7) {
        struct fault f = {0};
        struct topo *t = topo_read_dtb(b.data, size, "box.dtb", &f);
        CU_ASSERT_PTR_NULL_FATAL(t);
        CU_ASSERT_EQUAL(f.code, EXIT_BAD_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.text, size < 40 ? "no device tree blob" : "is it cut short?"));
    }
    free(b.data);
}

/* The version is the sixth word of the header, big-endian. */
static void old_versions_are_refused(void)
{
    struct blob b = blob_of_file(DTS "juno-r1.dts");
    for (unsigned version = 1; version <= 17; version++) {
        struct fault f = {0};
        b.data[23] = (char)version;
        struct topo *t = topo_read_dtb(b.data, b.size, "box.dtb", &f);
        if (version < 16)
            CU_ASSERT_PTR_NOT_NULL(strstr(f.text, "expected 16 or later"));
        CU_ASSERT_EQUAL(t != NULL, version >= 16);
        topo_free(t);
    }
    free(b.data);
}

static const struct cunit_case tests[] = {
    {"two kinds of cores in clusters, an L2 for each, memory in two ranges", two_kinds_in_clusters},
    {"cells of 32 bits; operating points; a disabled CPU is left out", cells_of_32_bits_and_a_disabled_cpu},
    {"four nodes, their distances, two packages by them, an L3 each", four_nodes_with_distances},
    {"96 CPUs of two nodes, in any order", two_sockets_of_48},
    {"4,096 CPUs of 64 nodes, and not one more", as_many_as_there_can_be},
    {"sockets, cores and threads of a cpu-map", sockets_and_threads_of_a_cpu_map},
    {"what is wrong is named with its node", what_is_wrong_is_named_with_its_node},
    {"CPUs, nodes and distances must fit together", nodes_and_distances_must_fit},
    {"distances may differ by direction", distances_may_differ_by_direction},
    {"references of cpu-maps and caches must lead somewhere", maps_and_caches_must_lead_somewhere},
    {"a cpu-map that leaves out a CPU is none", a_map_that_leaves_out_a_cpu_is_none},
    {"memory that the boot loader fills in is unknown", memory_that_the_boot_loader_fills_in_is_unknown},
    {"without a node memory it is unknown", without_memory_it_is_unknown},
    {"a crystal's clock is none of a processor", a_crystal_is_no_clock},
    {"boards from before ARMv7 are that as a guess", older_boards_are_armv7_as_a_guess},
    {"nodes without memory, nodes without CPUs", nodes_without_memory_or_cpus},
    {"a blob that is cut short is refused, wherever it ends", no_cut_is_read},
    {"versions whose nodes have paths for names are refused", old_versions_are_refused},
};
CUNIT_MAIN("topo dtb", tests)
