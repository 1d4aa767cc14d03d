/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim topo import of a box's sysfs: as a folder, and as an archive of one. */
#include "topo_fixture.h"

#include <cunit_main.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

static char dir[64];

/* A file below dir, its folders made on the way. */
static void put(const char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(const char *text, const char *fmt, ...)
{
    char path[256];
    int n = snprintf(path, sizeof(path), "%s/", dir);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(path + n, sizeof(path) - (size_t)n, fmt, ap);
    va_end(ap);
    for (char *c = path + n; (c = strchr(c, '/')); c++) {
        *c = 0;
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            CU_FAIL_FATAL("mkdir");
        *c = '/';
    }
    FILE *to = fopen(path, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    fputs(text, to);
    fclose(to);
}

static void put_cache(unsigned cpu, unsigned index, const char *level, const char *type, const char *size,
                      const char *map)
{
    put(level, "sys/devices/system/cpu/cpu%u/cache/index%u/level", cpu, index);
    put(type, "sys/devices/system/cpu/cpu%u/cache/index%u/type", cpu, index);
    put(size, "sys/devices/system/cpu/cpu%u/cache/index%u/size", cpu, index);
    put("64", "sys/devices/system/cpu/cpu%u/cache/index%u/coherency_line_size", cpu, index);
    put("8", "sys/devices/system/cpu/cpu%u/cache/index%u/ways_of_associativity", cpu, index);
    put(map, "sys/devices/system/cpu/cpu%u/cache/index%u/shared_cpu_map", cpu, index);
}

/*
 * Even CPUs are package 0 and node 0, odd ones package 1 and node 1, which has no memory; CPU n + 4 is the second
 * thread of CPU n; CPU 7 is offline.
 */
static void make_box(void)
{
    snprintf(dir, sizeof(dir), "/tmp/hvsim-sysfs-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    put("0-7\n", "sys/devices/system/cpu/possible");
    put("0-7\n", "sys/devices/system/cpu/present");
    put("0-6\n", "sys/devices/system/cpu/online");
    for (unsigned c = 0; c < 8; c++) {
        char core[16], threads[16], package[16];
        if (c)
            put(c == 7 ? "0" : "1", "sys/devices/system/cpu/cpu%u/online", c);
        if (c == 7)
            continue;
        snprintf(core, sizeof(core), "%u\n", c % 4 / 2);
        snprintf(threads, sizeof(threads), "%08x\n", (1u << c % 4 | 1u << (c % 4 + 4)) & 0x7f);
        snprintf(package, sizeof(package), "%08x\n", (c % 2 ? 0xaau : 0x55u) & 0x7f);
        put(c % 2 ? "1\n" : "0\n", "sys/devices/system/cpu/cpu%u/topology/physical_package_id", c);
        put(core, "sys/devices/system/cpu/cpu%u/topology/core_id", c);
        put(threads, "sys/devices/system/cpu/cpu%u/topology/thread_siblings", c);
        put(package, "sys/devices/system/cpu/cpu%u/topology/core_siblings", c);
        put_cache(c, 0, "1\n", "Data\n", "32K\n", threads);
        put_cache(c, 1, "1\n", "Instruction\n", "32K\n", threads);
        put_cache(c, 2, "2\n", "Unified\n", "512K\n", threads);
        put_cache(c, 3, "3\n", "Unified\n", "6144K\n", package);
    }
    put("0-1\n", "sys/devices/system/node/online");
    put("00000055\n", "sys/devices/system/node/node0/cpumap");
    put("0000002a\n", "sys/devices/system/node/node1/cpumap");
    put("Node 0 MemTotal:  8388608 kB\n", "sys/devices/system/node/node0/meminfo");
    put("Node 1 MemTotal:        0 kB\n", "sys/devices/system/node/node1/meminfo");
    put("10 21\n", "sys/devices/system/node/node0/distance");
    put("31 10\n", "sys/devices/system/node/node1/distance");
    put("processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Some Xeon @ 2.20GHz\nphysical id\t: 0\n\n",
        "proc/cpuinfo");
    put("MemTotal: 8388608 kB\n", "proc/meminfo");
}

static void run(const char *fmt) __attribute__((format(printf, 1, 0)));
static void run(const char *fmt)
{
    char command[512];
    snprintf(command, sizeof(command), fmt, dir, dir, dir);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

static struct machine *import_from(const char *path, char **text)
{
    struct fault f = {0};
    return machine_of(topo_read(&path, 1, TOPO_DETECT, &f), text, &f);
}

static void a_box_is_as_its_sysfs_says(void)
{
    make_box();
    char *text;
    struct machine *m = import_from(dir, &text);
    CU_ASSERT(m->nr_sockets == 2 && m->nr_cores == 4 && m->nr_cpus == 7 && m->nr_nodes == 2);
    CU_ASSERT(m->cpu[0].socket == 0 && m->cpu[3].socket == 0 && m->cpu[4].socket == 1 && m->cpu[6].node == 1);
    CU_ASSERT(m->cpu[5].thread == 1 && m->cpu[6].thread == 0); /* CPU 3 is alone on its core */
    CU_ASSERT(m->l3.nr == 2 && m->l3.size == 6u << 20 && m->l2.nr == 4 && m->l2.size == 512u << 10);
    CU_ASSERT(m->slit[1] == 21 && m->slit[2] == 31);
    CU_ASSERT_EQUAL(machine_memory(m), UINT64_C(8) << 30);
    CU_ASSERT_DOUBLE_EQUAL(m->freq_hz, 2.2e9, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# offline, left out: CPUs 7"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# there CPUs 0,2; 4,6")); /* first threads; second ones */
    free(text);
    machine_free(m);
    run("rm -r %s");
}

/* As the folder itself, whatever packed it, whether the box's root is the archive's or a folder in it. */
static void an_archive_is_as_the_folder(void)
{
    make_box();
    static const char *const packed[] = {"tar cf %s.a -C %s .", "tar czf %s.a -C %s sys proc",
                                         "tar cjf %s.a -C /tmp $(basename %s)", "tar cJf %s.a -C %s ."};
    char *folder, *archive, path[80];
    machine_free(import_from(dir, &folder));
    snprintf(path, sizeof(path), "%s.a", dir);
    for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
        run(packed[i]);
        machine_free(import_from(path, &archive));
        /* What comes before has the name of the source. */
        CU_ASSERT_STRING_EQUAL(strstr(folder, "\n[topology]"), strstr(archive, "\n[topology]"));
        free(archive);
    }
    free(folder);
    run("tar czf %s.a -C %s . && truncate -s 900 %s.a");
    REFUSED("no archive of a box's sysfs", path);
    run("rm -r %s/sys && tar czf %s.a -C %s .");
    REFUSED("neither sys/ nor hwloc-cpuid-info in it", path);
    /* Nothing is written outside: neither through names nor through links. */
    run("mkdir %s/in && ln -s /tmp %s/in/sys && touch %s/escaped");
    run("tar cPf %s.a %s/escaped && rm %s/escaped");
    REFUSED("neither sys/ nor hwloc-cpuid-info in it", path);
    snprintf(path, sizeof(path), "%s/escaped", dir);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    snprintf(path, sizeof(path), "%s.a", dir);
    run("tar cf %s.a -C %s/in sys");
    REFUSED("neither sys/", path);
    run("rm -r %s %s.a");
}

/*
 * What an archive holds of devices is not unpacked: here a name that no file can have. And the box may lie deeper, as
 * where hwloc saves the answers to CPUID beside it.
 */
static void devices_are_left_out_and_the_box_is_found(void)
{
    make_box();
    char *folder, *archive, path[80];
    machine_free(import_from(dir, &folder));
    put("x", "sys/devices/pci0000:00/config");
    put("x", "sys/class/net/eth0");
    put("x", "sys/devices/system/cpu/cpu0/cpuidle/state0");
    put("x", "sys/devices/system/node/node0/memory32");
    snprintf(path, sizeof(path), "%s.a", dir);
    run("n=$(printf '%%0300d' 0); tar czf %s.a -C %s --transform "
        "\"s,config\\\\|eth0\\\\|state0\\\\|memory32,&$n,;s,^,power/fsroot/,\" "
        "sys proc");
    machine_free(import_from(path, &archive));
    CU_ASSERT_STRING_EQUAL(strstr(folder, "\n[topology]"), strstr(archive, "\n[topology]"));
    free(folder);
    free(archive);
    run("rm -r %s %s.a");
}

/* A link that leads out of the tree is left out, and what lies behind one is not written through it. */
static void links_stay_in_the_tree(void)
{
    char path[80];
    make_box();
    snprintf(path, sizeof(path), "%s.a", dir);
    /* To the box itself, by a way around: nothing is read there. */
    run("mkdir -p %s/in/box && ln -s ../../../../../../../../$(realpath %s)/sys %s/in/box/sys");
    run("tar cf %s.a -C %s/in box");
    REFUSED("neither sys/", path);
    /* Within the tree it is followed. */
    run("mv %s/sys %s/in/real && ln -sfn ../real %s/in/box/sys");
    run("tar cf %s.a -C %s/in box real");
    machine_free(import_from(path, NULL));
    run("rm -r %s %s.a");
}

/* Two packages of two cores of two threads, by the APIC id that leaf 11 tells; an L1 and an L2 for each core. */
static void answers_to_cpuid_are_a_box(void)
{
    snprintf(dir, sizeof(dir), "/tmp/hvsim-cpuid-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    put("Architecture: x86\n", "box/cpuid/hwloc-cpuid-info");
    for (unsigned c = 0; c < 8; c++) {
        char text[1024];
        snprintf(text, sizeof(text),
                 "# mask e[abcd]x => e[abcd]x\n"
                 "1 0 0 0 0 => b 756e6547 6c65746e 49656e69\n"
                 "1 1 0 0 0 => 306f2 %x 0 10000000\n"
                 "5 4 0 0 0 => 4004021 1c0003f 3f 0\n"
                 "5 4 0 1 0 => 4004043 3c0003f ff 0\n"
                 "5 4 0 2 0 => 0 0 0 0\n"
                 "5 b 0 0 0 => 1 2 100 %x\n"
                 "5 b 0 1 0 => 2 4 201 %x\n"
                 "5 b 0 2 0 => 0 0 2 %x\n"
                 "1 80000000 0 0 0 => 80000000 0 0 0\n",
                 c << 24 | 4 << 16, c, c, c);
        put(text, "box/cpuid/pu%u", c);
    }
    char *text;
    struct machine *m = import_from(dir, &text);
    CU_ASSERT_STRING_EQUAL(m->isa, "x86-64");
    CU_ASSERT(m->nr_sockets == 2 && m->nr_cores == 4 && m->nr_cpus == 8 && m->nr_nodes == 1);
    CU_ASSERT(m->cpu[1].core == 0 && m->cpu[1].thread == 1 && m->cpu[4].socket == 1);
    CU_ASSERT(m->l1d.size == 32u << 10 && m->l1d.ways == 8 && m->l1d.nr == 4);
    CU_ASSERT(m->l2.size == 256u << 10 && m->l2.ways == 16 && m->l2.nr == 4 && m->no_l3);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: size and place; the source does not tell them"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "from cpuid "));
    free(text);
    machine_free(m);
    run("rm %s/box/cpuid/pu3");
    REFUSED("expected hwloc-cpuid-info of x86 and pu0, pu1... without a gap", dir);
    run("rm -r %s");
}

static void what_is_no_sysfs_is_refused(void)
{
    make_box();
    run("rm -r %s/sys/devices/system/cpu/cpu*/topology");
    REFUSED("libhwloc makes nothing of it: expected sys/devices/system/cpu/cpu*/topology", dir);
    run("rm -r %s/sys");
    REFUSED("neither sys/ nor hwloc-cpuid-info in it", dir);
    run("rm -r %s");
}

static const struct cunit_case tests[] = {
    {"packages, nodes, threads, caches, distances and memory, without what is offline", a_box_is_as_its_sysfs_says},
    {"an archive is as the folder that it was made from", an_archive_is_as_the_folder},
    {"devices of an archive are left out, and the box in it is found", devices_are_left_out_and_the_box_is_found},
    {"links of an archive stay in its tree", links_stay_in_the_tree},
    {"answers to CPUID are a box", answers_to_cpuid_are_a_box},
    {"a folder that is no sysfs is refused", what_is_no_sysfs_is_refused},
};
CUNIT_MAIN("topo sysfs", tests)
