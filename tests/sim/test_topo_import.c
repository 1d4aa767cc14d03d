/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim topo import: what becomes of other tools' descriptions of a box. */
#include "topo_fixture.h"

#include <cunit_main.h>

static void counts_come_through(void)
{
    static const struct {
        const char *text;
        unsigned sockets, cores, cpus, nodes;
    } box[] = {
        {"package:2 [numa(memory=64GiB)] l3:1 l2:8 l1:1 core:1 pu:1", 2, 16, 16, 2},
        {"package:2 [numa] core:6 pu:2", 2, 12, 24, 2},
        {"package:2 [numa] core:4 pu:4", 2, 8, 32, 2},
        {"package:24 [numa] core:2 pu:8", 24, 48, 384, 24},
        {"package:4 numa:2 core:6 pu:1", 4, 24 * 2, 48, 8},
        {"numa:2 package:2 core:2 pu:2", 4, 8, 16, 2},
        {"package:64 [numa] core:32 pu:2", 64, 2048, 4096, 64},
    };
    for (size_t i = 0; i < sizeof(box) / sizeof(box[0]); i++) {
        struct machine *m = import_synthetic(box[i].text);
        CU_ASSERT_EQUAL(m->nr_sockets, box[i].sockets);
        CU_ASSERT_EQUAL(m->nr_cores, box[i].cores);
        CU_ASSERT_EQUAL(m->nr_cpus, box[i].cpus);
        CU_ASSERT_EQUAL(m->nr_nodes, box[i].nodes);
        machine_free(m);
    }
}

static void sizes_and_sharing_come_through(void)
{
    struct machine *m = import_synthetic(
        "package:2 [numa(memory=64GiB)] l3:2(size=16MiB) l2:2(size=1MiB) l1:2(size=32KiB) core:1 pu:2");
    CU_ASSERT_EQUAL(m->l3.size, 16u << 20);
    CU_ASSERT_EQUAL(m->l2.size, 1u << 20);
    CU_ASSERT_EQUAL(m->l1d.size, 32u << 10);
    CU_ASSERT_EQUAL(m->l3.nr, 4);
    CU_ASSERT_EQUAL(m->l2.nr, 8);
    CU_ASSERT_EQUAL(m->l1d.nr, 16);
    CU_ASSERT_EQUAL(m->l2.shared_by, 4);
    CU_ASSERT_EQUAL(machine_memory(m), UINT64_C(128) << 30);
    machine_free(m);
}

static struct machine *import_text(const char *source, char **text)
{
    struct fault f = {0};
    return machine_of(topo_read(&source, 1, TOPO_DETECT, &f), text, &f);
}

/* Nothing of a source is lost in silence. */
static void what_is_left_out_is_told(void)
{
    static const struct {
        const char *source, *remark;
    } box[] = {
        {"group:2 group:2 package:2 core:2 pu:1", "# 6 groups of processors that are neither packages nor nodes"},
        {"package:2 die:2 core:2 pu:1", "# 4 dies, left out"},
        {"package:2 pu:4", "# guessed: the source tells no cores of 8 CPUs: each is one"},
        {"package:1 l4:1(size=64MiB) l3:2 core:2 pu:1", "# caches of level 4: left out"},
        {"package:1 l3:1(size=16GiB) l2:4 core:1 pu:1", "# an L3 of 16 GiB is a memory-side cache: left out"},
        {"package:2 [numa(memory=4GiB)] [numa(memory=1GiB)] core:2 pu:1",
         "# guessed: CPUs are local to several nodes: each is taken as of the one with the fewest CPUs, then of the "
         "first, so that nodes 1,3 have none"},
    };
    for (size_t i = 0; i < sizeof(box) / sizeof(box[0]); i++) {
        char *text;
        struct machine *m = import_text(box[i].source, &text);
        if (!strstr(text, box[i].remark)) {
            fprintf(stderr, "\n  %s: not in it: %s\n", box[i].source, box[i].remark);
            CU_FAIL("a remark is missing");
        }
        CU_ASSERT_EQUAL(m->no_l3, strstr(box[i].source, "16GiB") != NULL);
        free(text);
        machine_free(m);
    }
}

/* libhwloc goes by what they lie in; their numbers are what the box's own tools call them. */
static void nodes_and_packages_are_in_the_order_of_their_numbers(void)
{
    struct machine *m =
        import_synthetic("package:2(indexes=1,0) [numa(memory=1GiB)] [numa(memory=2GiB indexes=0,2,1,3)] core:2 pu:1");
    CU_ASSERT_EQUAL_FATAL(m->nr_nodes, 4);
    CU_ASSERT(m->cpu[0].node == 1 && m->cpu[2].node == 0);
    CU_ASSERT(m->node_socket[0] == 1 && m->node_socket[1] == 0 && m->node_socket[2] == 1 && m->node_socket[3] == 0);
    uint64_t memory[4] = {0};
    for (unsigned r = 0; r < m->nr_ranges; r++)
        memory[m->range[r].node] += m->range[r].end - m->range[r].start;
    CU_ASSERT(memory[1] == UINT64_C(1) << 30 && memory[2] == UINT64_C(2) << 30);
    machine_free(m);
}

/* Boxes whose file names no architecture: who made the processor says it. */
static void the_maker_tells_the_architecture(void)
{
    static const struct {
        const char *infos, *isa, *root;
    } box[] = {
        {"", "", ""},
        {"", "x86-64", "<info name='Architecture' value='i686'/>"},
        {"", "aarch64", "<info name='Architecture' value='aarch64'/>"},
        {"", "armv7", "<info name='Architecture' value='armv7l'/>"},
        {"", "ppc64", "<info name='Architecture' value='ppc64'/>"},
        {"<info name='CPUVendor' value='GenuineIntel'/>", "x86-64", ""},
        {"<info name='CPUVendor' value='AuthenticAMD'/><info name='CPUModel' value='x'/>", "x86-64", ""},
        {"<info name='CPUModel' value='Intel(R) Xeon(R)'/>", "x86-64", ""},
        {"<info name='CPUImplementer' value='0x41'/><info name='CPUArchitecture' value='8'/>", "aarch64", ""},
        {"<info name='CPUImplementer' value='0x41'/><info name='CPUArchitecture' value='7'/>", "armv7", ""},
        {"<info name='CPUVendor' value='Elbrus'/>", "", ""},
    };
    for (size_t i = 0; i < sizeof(box) / sizeof(box[0]); i++) {
        char xml[2048];
        struct fault f = {0};
        int n = snprintf(xml, sizeof(xml),
                         "<?xml version='1.0'?><topology version='2.0'>"
                         "<object type='Machine' os_index='0' cpuset='0x1' complete_cpuset='0x1' allowed_cpuset='0x1' "
                         "nodeset='0x1' complete_nodeset='0x1' allowed_nodeset='0x1' gp_index='1'>%s"
                         "<object type='NUMANode' os_index='0' cpuset='0x1' complete_cpuset='0x1' nodeset='0x1' "
                         "complete_nodeset='0x1' gp_index='2' local_memory='1073741824'/>"
                         "<object type='Package' os_index='0' cpuset='0x1' complete_cpuset='0x1' nodeset='0x1' "
                         "complete_nodeset='0x1' gp_index='3'>%s"
                         "<object type='PU' os_index='0' cpuset='0x1' complete_cpuset='0x1' nodeset='0x1' "
                         "complete_nodeset='0x1' gp_index='4'/></object></object></topology>",
                         box[i].root, box[i].infos);
        struct topo *t = topo_read_hwloc_xml(xml, (size_t)n, "box.xml", &f);
        if (!t)
            fprintf(stderr, "\n  %s\n", f.text);
        CU_ASSERT_PTR_NOT_NULL_FATAL(t);
        CU_ASSERT_STRING_EQUAL(t->isa, box[i].isa);
        topo_free(t);
    }
}

/* Each guess says so on its line, and their number is told. */
static void guesses_are_marked(void)
{
    struct fault f = {0};
    struct topo *t = topo_read((const char *const[]){"package:1 [numa(memory=8GiB)] core:4 pu:1"}, 1, TOPO_DETECT, &f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    struct topo_import i = topo_import(t, "box", &f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(i.text);
    int marks = 0;
    for (const char *c = i.text; (c = strstr(c, "# guessed: ")); c++)
        marks++;
    CU_ASSERT_EQUAL(marks, i.guessed);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(i.text, "frequency = \"2.5 GHz\"             # guessed: the source does not tell it"));
    CU_ASSERT_PTR_NULL(strstr(i.text, "threads = 1 #")); /* the source tells that */
    free(i.text);
    topo_free(t);
}

static void bad_synthetic_is_refused(void)
{
    REFUSED("number of objects at 'what': expected levels with counts", "package:2 core:what");
    REFUSED("at 'elephant:2': expected levels with counts", "package:2 elephant:2");
    REFUSED("more than 4096 hardware threads", "package:70 core:70 pu:1");
    REFUSED("more than 64 nodes with CPUs or memory", "numa:65 pu:1");
    REFUSED("No such file", "/there/is/no/such.xml");
    REFUSED("neither hwloc's XML, nor ACPI tables, nor a device tree blob, nor an archive of a sysfs tree",
            HVSIM_SOURCE_DIR "/README.md");
}

/* ---- hwloc's XML ---------------------------------------------------------------------------------------------------
 */

#define OBJ(type, at, sets, more)                                                                                      \
    "<object type=\"" type "\" " at " cpuset=\"" sets "\" complete_cpuset=\"" sets "\" " more
#define PU(n, set) OBJ("PU", "os_index=\"" #n "\"", set, "nodeset=\"0x3\" complete_nodeset=\"0x3\"/>\n")
#define CORE(n, set, ...)                                                                                              \
    OBJ("Core", "os_index=\"" #n "\"", set, "nodeset=\"0x3\" complete_nodeset=\"0x3\">\n") __VA_ARGS__ "</object>\n"
#define BOX_TOP(version)                                                                                               \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"                          \
    "<topology version=\"" version "\">\n"                                                                             \
    "<object type=\"Machine\" os_index=\"0\" cpuset=\"0xf\" complete_cpuset=\"0x3f\" allowed_cpuset=\"0xf\" "          \
    "nodeset=\"0x3\" complete_nodeset=\"0x3\" allowed_nodeset=\"0x3\">\n"
#define NODE(n, set, memory)                                                                                           \
    OBJ("NUMANode", "os_index=\"" #n "\" gp_index=\"7" #n "\"", set,                                                   \
        "nodeset=\"0x3\" complete_nodeset=\"0x3\" local_memory=\"" memory "\"/>\n")
#define BOX_CORES CORE(0, "0x5", PU(0, "0x1") PU(2, "0x4")) CORE(1, "0xa", PU(1, "0x2") PU(3, "0x8"))
#define BOX(version)                                                                                                   \
    BOX_TOP(version)                                                                                                   \
    NODE(0, "0xf", "4294967296")                                                                                       \
    NODE(1, "0xf", "1073741824")                                                                                       \
    BOX_CORES                                                                                                          \
    "<object type=\"Bridge\" bridge_type=\"0-1\"><object type=\"OSDev\" name=\"sda\" "                                 \
    "osdev_type=\"9\"/></object>\n"                                                                                    \
    "</object>\n<!-- what people write -->\n<info name=\"Architecture\" value=\"x86_64\"/>\n"                          \
    "<distances2 type=\"NUMANode\" nbobjs=\"2\" kind=\"5\" name=\"NUMALatency\" indexing=\"os\">\n"                    \
    "<indexes length=\"4\">0 1 </indexes>\n<u64values length=\"12\">10 17 28 10 </u64values>\n</distances2>\n"         \
    "<memattr name=\"Latency\" flags=\"6\">\n"                                                                         \
    "<memattr_value target_obj_type=\"NUMANode\" target_obj_gp_index=\"71\" value=\"77\" initiator_cpuset=\"0xf\"/>\n" \
    "</memattr>\n"                                                                                                     \
    "<memattr name=\"Bandwidth\" flags=\"5\">\n"                                                                       \
    "<memattr_value target_obj_type=\"NUMANode\" target_obj_gp_index=\"71\" value=\"100000\" "                         \
    "initiator_cpuset=\"0xf\"/>\n"                                                                                     \
    "</memattr>\n"                                                                                                     \
    "<cpukind cpuset=\"0xf\"><info name=\"FrequencyBaseMHz\" value=\"2100\"/></cpukind>\n</topology>\n"

static struct topo *read_xml(const char *text, struct fault *f)
{
    return topo_read_hwloc_xml(text, strlen(text), "box.xml", f);
}

/* Two nodes of the same CPUs (fast memory), CPUs 4 and 5 offline, devices, remarks: format 2, and format 3. */
static void xml_of_hwloc_2_and_3(void)
{
    static const char *const texts[] = {BOX("2.0"), BOX("3.0")};
    for (int i = 0; i < 2; i++) {
        struct fault f = {0};
        char *text;
        struct machine *m = machine_of(read_xml(texts[i], &f), &text, &f);
        CU_ASSERT(m->nr_cpus == 4 && m->nr_cores == 2 && m->nr_sockets == 1 && m->nr_nodes == 2);
        CU_ASSERT(m->cpu[0].node == 0 && m->cpu[3].node == 0);
        CU_ASSERT(m->slit[1] == 17 && m->slit[2] == 28);
        /* What it tells of node 1 is taken, what it does not is guessed as ever. */
        CU_ASSERT(m->mem_latency_ns[1] == 77 && m->mem_latency_ns[0] == 90);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: the source tells some; others by distance"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "\nbandwidth = \"104.858 GB/s\"\n"));
        CU_ASSERT_DOUBLE_EQUAL(m->freq_hz, 2.1e9, 1);
        CU_ASSERT_EQUAL(machine_memory(m), UINT64_C(5) << 30);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "# offline, left out: CPUs 4-5"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: the source tells no packages: all is one socket"));
        CU_ASSERT(!strstr(text, "isa = \"x86-64\" ") == (i == 1)); /* format 3 tells it where 2 does not */
        free(text);
        machine_free(m);
    }
}

/* As lstopo of 1.x writes it: sockets, caches of any level by one name, distances relative to a base. */
static void xml_of_hwloc_1(void)
{
    static const char text[] = "<?xml version=\"1.0\"?>\n<topology>\n"
                               "<object type=\"Machine\" os_index=\"0\" cpuset=\"0xf\" complete_cpuset=\"0xf\" "
                               "online_cpuset=\"0xf\" allowed_cpuset=\"0xf\" "
                               "nodeset=\"0x3\" complete_nodeset=\"0x3\" allowed_nodeset=\"0x3\">\n"
                               "<distances nbobjs=\"2\" relative_depth=\"1\" latency_base=\"10.0\"><latency "
                               "value=\"1.0\"/><latency value=\"2.2\"/>"
                               "<latency value=\"2.0\"/><latency value=\"1.0\"/></distances>\n"
#define OLD(type, n, set, node, more)                                                                                  \
    "<object type=\"" type "\" os_index=\"" #n "\" cpuset=\"" set "\" complete_cpuset=\"" set "\" nodeset=\"" node     \
    "\" complete_nodeset=\"" node "\"" more
#define OLD_CORE(n, cpu, set, node) OLD("Core", n, set, node, ">") OLD("PU", cpu, set, node, "/>") "</object>\n"
#define HALF(n, set, node, cores)                                                                                      \
    OLD("NUMANode", n, set, node, " local_memory=\"2147483648\">\n")                                                   \
    OLD("Socket", n, set, node, ">\n")                                                                                 \
    OLD("Cache", n, set, node,                                                                                         \
        " cache_size=\"6291456\" depth=\"3\" cache_linesize=\"64\" cache_associativity=\"12\" "                        \
        "cache_type=\"0\">\n")                                                                                         \
    cores "</object></object></object>\n"
        HALF(0, "0x3", "0x1", OLD_CORE(0, 0, "0x1", "0x1") OLD_CORE(1, 1, "0x2", "0x1"))
            HALF(1, "0xc", "0x2", OLD_CORE(0, 2, "0x4", "0x2") OLD_CORE(1, 3, "0x8", "0x2")) "</object>\n</topology>\n";
    struct fault f = {0};
    struct machine *m = machine_of(read_xml(text, &f), NULL, &f);
    CU_ASSERT(m->nr_cpus == 4 && m->nr_cores == 4 && m->nr_sockets == 2 && m->nr_nodes == 2);
    CU_ASSERT(m->l3.nr == 2 && m->l3.size == 6u << 20 && m->l3.ways == 12);
    CU_ASSERT(m->slit[1] == 22 && m->slit[2] == 20);
    machine_free(m);
}

#define PART(type, set, ...) OBJ(type, "", set, "nodeset=\"0x3\" complete_nodeset=\"0x3\">\n") __VA_ARGS__ "</object>\n"
#define MENDED_REST                                                                                                    \
    "</object>\n"                                                                                                      \
    "<distances2 type=\"NUMANode\" nbobjs=\"2\" kind=\"5\" name=\"NUMALatency\" indexing=\"os\">\n"                    \
    "<indexes length=\"4\">0 1 </indexes>\n<u64values length=\"12\">10 17 28 14 </u64values>\n</distances2>\n"         \
    "<memattr name=\"Bandwidth\" flags=\"5\">\n"                                                                       \
    "<memattr_value target_obj_type=\"NUMANode\" target_obj_gp_index=\"70\" value=\"20\" initiator_cpuset=\"0x3\"/>\n" \
    "</memattr>\n"                                                                                                     \
    "<cpukind cpuset=\"0x5\"><info name=\"CoreType\" value=\"Big\"/></cpukind>\n"                                      \
    "<cpukind cpuset=\"0xa\"><info name=\"CoreType\" value=\"Small\"/></cpukind>\n</topology>\n"

/*
 * CPUs 0 and 1 are a package, 2 and 3 are in none, as where libhwloc found that their package contradicted something;
 * nodes whose distances to themselves differ; a kind that no core is of; a bandwidth that no memory has.
 */
static void what_boxes_get_wrong_is_mended(void)
{
    static const char xml[] =
        BOX_TOP("2.0") PART("Package", "0x3", NODE(0, "0x3", "1073741824") CORE(0, "0x3", PU(0, "0x1") PU(1, "0x2")))
            PART("Group", "0xc", NODE(1, "0xc", "1073741824") CORE(1, "0xc", PU(2, "0x4") PU(3, "0x8"))) MENDED_REST;
    struct fault f = {0};
    char *text;
    struct machine *m = machine_of(read_xml(xml, &f), &text, &f);
    CU_ASSERT(m->nr_sockets == 2 && m->nr_cores == 2 && m->nr_cpus == 4);
    CU_ASSERT(m->cpu[2].socket == 1 && m->cpu[2].node == 1);
    CU_ASSERT(m->slit[0] == 10 && m->slit[1] == 17 && m->slit[2] == 28 && m->slit[3] == 10);
    CU_ASSERT(m->nr_kinds == 1 && m->mem_bandwidth[0] == m->mem_bandwidth[1]);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: 2 CPUs are in no package: those of a node are taken as one"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: distance of node 1 to itself is 14, that of others 10"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: 2 CPUs are of other kinds than the first thread of their core"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# 1 bandwidths in bytes/s that no memory has"));
    free(text);
    machine_free(m);
}

/* As a box with two kinds of cores comes out of tools that do not know of kinds. */
static void kinds_by_cache(void)
{
#define CACHE(type, level, size, set, ...)                                                                             \
    OBJ(type,                                                                                                          \
        "cache_size=\"" size "\" depth=\"" level                                                                       \
        "\" cache_linesize=\"64\" cache_associativity=\"8\" cache_type=\"0\"",                                         \
        set, "nodeset=\"0x3\" complete_nodeset=\"0x3\">\n")                                                            \
    __VA_ARGS__ "</object>\n"
    static const char xml[] = BOX_TOP("2.0") NODE(0, "0xf", "1073741824") CACHE(
        "L2Cache", "2", "1048576", "0x5",
        CACHE("L1Cache", "1", "32768", "0x5", CORE(0, "0x5", PU(0, "0x1") PU(2, "0x4"))))
        CACHE("L2Cache", "2", "2097152", "0xa",
              CACHE("L1Cache", "1", "65536", "0xa", CORE(1, "0xa", PU(1, "0x2") PU(3, "0x8")))) "</object></topology>";
    struct fault f = {0};
    char *text;
    struct machine *m = machine_of(read_xml(xml, &f), &text, &f);
    const struct machine_kind *a = &m->kind[m->cpu[0].kind], *b = &m->kind[m->cpu[2].kind];
    CU_ASSERT(m->nr_kinds == 3 && a->l2_size == 1u << 20 && b->l2_size == 2u << 20);
    CU_ASSERT(a->l1d_size == 32u << 10 && b->l1d_size == 64u << 10 && a->speed == b->speed);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: 2 kinds of cores, by the sizes of their caches"));
    free(text);
    machine_free(m);
}

/* Every second one of 1,280 CPUs is offline: more than a line's worth of numbers. */
static void long_remarks_are_cut_visibly(void)
{
    char offline[512] = "", xml[4096], *text;
    struct fault f = {0};
    for (int i = 0; i < 40; i++)
        strcat(offline, "0xaaaaaaaa,");
    snprintf(xml, sizeof(xml),
             "<topology version=\"2.0\"><object type=\"Machine\" os_index=\"0\" cpuset=\"0xf\" "
             "complete_cpuset=\"%s0xf\" allowed_cpuset=\"0xf\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
             "allowed_nodeset=\"0x1\">" NODE(0, "0xf", "1073741824") BOX_CORES "</object></topology>",
             offline);
    machine_free(machine_of(read_xml(xml, &f), &text, &f));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# offline, left out: CPUs 33,35,37"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "...\n"));
    free(text);
}

/* Two cores that Linux says are of other capacities, with clocks (2 and 1 GHz) and without. */
static void kinds_by_capacity(void)
{
    static const char *const slow[] = {"<info name=\"FrequencyBaseMHz\" value=\"1000\"/>", ""},
                             *const fast[] = {"<info name=\"FrequencyBaseMHz\" value=\"2000\"/>", ""};
    static const double ipc[] = {0.8, 0.4};
    for (int i = 0; i < 2; i++) {
        char xml[4096];
        struct fault f = {0};
        snprintf(xml, sizeof(xml),
                 BOX_TOP("2.0") NODE(0, "0xf", "1073741824") BOX_CORES
                 "</object>\n<cpukind cpuset=\"0x5\"><info name=\"LinuxCapacity\" "
                 "value=\"400\"/>%s</cpukind>\n"
                 "<cpukind cpuset=\"0xa\"><info name=\"LinuxCapacity\" value=\"1000\"/>%s</cpukind>\n"
                 "</topology>\n",
                 slow[i], fast[i]);
        struct machine *m = machine_of(read_xml(xml, &f), NULL, &f);
        CU_ASSERT_EQUAL_FATAL(m->nr_kinds, 3); /* and what the file says for all */
        CU_ASSERT_DOUBLE_EQUAL(m->kind[m->cpu[0].kind].speed / m->kind[m->cpu[2].kind].speed, 0.4, 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(m->kind[m->cpu[0].kind].speed * m->freq_hz / m->kind[m->cpu[0].kind].freq_hz, ipc[i],
                               1e-3);
        machine_free(m);
    }
}

static void bad_xml(const char *text, const char *part, int line)
{
    struct fault f = {0};
    struct topo *t = read_xml(text, &f);
    CU_ASSERT_PTR_NULL(t);
    CU_ASSERT_EQUAL(f.code, EXIT_BAD_INPUT);
    if (!strstr(f.text, part)) {
        fprintf(stderr, "\n  line %d: '%s' is not in: %s\n", line, part, f.text);
        CU_FAIL("another message");
    }
    topo_free(t);
}
#define BAD_XML(text, part) bad_xml(text, part, __LINE__)

static void bad_xml_is_refused_by_line(void)
{
    static const char whole[] = BOX("2.0");
    char cut[sizeof(whole)];
    /* Wherever it ends, the line is told. */
    for (size_t n = 1; n < sizeof(whole) - 12; n += 7) {
        memcpy(cut, whole, n);
        cut[n] = 0;
        BAD_XML(cut, "box.xml:");
        BAD_XML(cut, ": expected complete XML as lstopo writes it");
    }
    BAD_XML("<html><body/></html>", "box.xml:1: <html>: expected <topology>");
    BAD_XML("<topology version=\"4.0\"/>", "box.xml:1: version=\"4.0\": expected one of hwloc 1 to 3");
    BAD_XML("<topology version=\"2.0\">\n</topology>", "no object of type PU in it");
    BAD_XML("<!DOCTYPE t [<!ENTITY a \"b\">]>\n<topology/>", "it declares entities");
    BAD_XML(BOX_TOP("2.0") NODE(0, "0x3", "4096") NODE(1, "0x6", "4096") BOX_CORES "</object></topology>",
            "box.xml:6: CPU 1 is in node 1 and in node 0 (line 5)");
    BAD_XML(BOX_TOP("2.0") NODE(0, "0xf", "4096") BOX_CORES PU(3, "0x8") "</object></topology>",
            "CPU 3 is there twice");
    BAD_XML(BOX_TOP("2.0") NODE(4000000000, "0xf", "4096") BOX_CORES "</object></topology>",
            "box.xml:5: a NUMANode with os_index=\"4000000000\": expected less than 1048576");
    BAD_XML(BOX_TOP("2.0") OBJ("NUMANode", "", "0xf", "/>\n") BOX_CORES "</object></topology>",
            "box.xml:5: a NUMANode without an os_index");
    BAD_XML(BOX_TOP("2.0") NODE(0, "0xf", "much") BOX_CORES "</object></topology>",
            "box.xml:5: local_memory=\"much\": expected a number");
    BAD_XML(BOX_TOP("2.0") NODE(0, "all", "4096") BOX_CORES "</object></topology>",
            "box.xml:5: cpuset=\"all\": expected words of hexadecimal digits");
    BAD_XML(BOX_TOP("2.0") NODE(0, "0xf...f", "4096") BOX_CORES "</object></topology>", "box.xml:5: cpuset=");
    BAD_XML(BOX_TOP("2.0") "<object type=\"Elephant\"/></object></topology>",
            "box.xml:5: type=\"Elephant\": hwloc has no such object");
    BAD_XML(BOX_TOP("2.0") "</object>\n<object type=\"Machine\"/>\n</topology>", "box.xml:6: a second machine");
    BAD_XML("<topology version=\"2.0\"><object type=\"Machine\" os_index=\"0\">" BOX_CORES "</object></topology>",
            "Machine P#0 without cpuset: libhwloc does not take it");
}

static const struct cunit_case tests[] = {
    {"the processor's maker tells the architecture", the_maker_tells_the_architecture},
    {"packages, nodes, cores and threads are those of the source", counts_come_through},
    {"sizes of caches and memory, and who shares a cache", sizes_and_sharing_come_through},
    {"every guessed value is marked", guesses_are_marked},
    {"XML of hwloc 2 and 3, with nodes of fast memory and without what is offline", xml_of_hwloc_2_and_3},
    {"XML of hwloc 1", xml_of_hwloc_1},
    {"kinds of cores by their capacity", kinds_by_capacity},
    {"kinds of cores by the sizes of their caches", kinds_by_cache},
    {"long remarks are cut visibly", long_remarks_are_cut_visibly},
    {"what is left out is told", what_is_left_out_is_told},
    {"nodes and packages are in the order of their numbers", nodes_and_packages_are_in_the_order_of_their_numbers},
    {"what boxes get wrong is mended, and told", what_boxes_get_wrong_is_mended},
    {"XML that is cut off or wrong is refused, and where", bad_xml_is_refused_by_line},
    {"what hwloc cannot read as synthetic is refused", bad_synthetic_is_refused},
};
CUNIT_MAIN("topo import", tests)
