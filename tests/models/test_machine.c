/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine files: the shipped ones, and every topology that cannot be, refused with its place. */
#include "machine_file.h"

#include <cunit_main.h>
#include <models/machine.h>
#include <scratch_dir.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIB (1ull << 30)
#define WESTMERE HVSIM_SOURCE_DIR "/models/machines/westmere-ep-2s.toml"

static void every_key_arrives(void)
{
    machine_file_write(machine_whole);
    struct machine *m = machine_file_load("m.toml", NULL);
    CU_ASSERT_STRING_EQUAL(m->name, "m");
    CU_ASSERT_STRING_EQUAL(m->isa, "x86-64");
    CU_ASSERT_EQUAL(m->freq_hz, 2e9);
    CU_ASSERT_EQUAL(m->nr_cpus, 16);
    CU_ASSERT_EQUAL(m->nr_nodes, 2);
    CU_ASSERT_EQUAL(m->l1d.size, 32768);
    CU_ASSERT_EQUAL(m->l1d.latency_ns, 2.0); /* 4 cycles at 2 GHz */
    CU_ASSERT_EQUAL(m->l2.latency_ns, 5.0);
    CU_ASSERT_EQUAL(m->l2.shared_by, 2);
    CU_ASSERT_EQUAL(m->l3.ways, 16);
    CU_ASSERT_EQUAL(m->l3.shared_by, 8);
    CU_ASSERT_EQUAL(m->mem_latency_ns[0], 80);
    CU_ASSERT_EQUAL(m->mem_latency_ns[1], 120);
    CU_ASSERT_EQUAL(m->mem_bandwidth[1], 21e9);
    CU_ASSERT_EQUAL(m->mem_service_ns, 25);
    CU_ASSERT_EQUAL(m->link_bandwidth, 9.6e9);
    CU_ASSERT_EQUAL(m->link_service_ns, 7.5);
    CU_ASSERT_EQUAL(m->page_walk_ns, 10);
    CU_ASSERT_EQUAL(m->slit[1], 21);
    CU_ASSERT_EQUAL_FATAL(m->nr_ranges, 3);
    CU_ASSERT_EQUAL(m->range[1].start, 4 * GIB);
    CU_ASSERT_EQUAL(m->range[1].node, 0);
    CU_ASSERT_EQUAL(m->range[2].end, 13 * GIB);
    CU_ASSERT_EQUAL(machine_memory(m), 12 * GIB);
    machine_free(m);
}

static void pcpus_are_numbered_thread_core_socket(void)
{
    machine_file_write(machine_whole);
    struct machine *m = machine_file_load("m.toml", NULL);
    for (unsigned c = 0; c < 16; c++) {
        CU_ASSERT_EQUAL(m->cpu[c].thread, c % 2);
        CU_ASSERT_EQUAL(m->cpu[c].core, c / 2);
        CU_ASSERT_EQUAL(m->cpu[c].socket, c / 8);
        CU_ASSERT_EQUAL(m->cpu[c].node, c / 8);
    }
    machine_free(m);
}

/* Two nodes in one socket get two cores each; the third has memory only. */
static void a_socket_can_have_several_nodes_and_a_node_no_cores(void)
{
    static const char *const set[] = {"topology.sockets=1", "numa.slit=[10,16,20, 16,10,20, 20,20,10]",
                                      "memory.latency_ns=[80,90,99, 90,80,99, 99,99,80]",
                                      "node=[{socket=0, range=[{start='0 B', end='1 GiB'}]}, {socket=0}, "
                                      "{range=[{start='1 GiB', end='2 GiB'}]}]",
                                      NULL};
    machine_file_write(machine_whole);
    struct machine *m = machine_file_load("m.toml", set);
    CU_ASSERT_EQUAL(m->nr_nodes, 3);
    for (unsigned c = 0; c < 8; c++)
        CU_ASSERT_EQUAL(m->cpu[c].node, c / 4);
    machine_free(m);
}

/* Node 0: socket 0, two cores of two threads; node 1: the third core of socket 0, and socket 1; node 2: memory only, of
 * socket 1; node 3: a core without memory. */
#define RUNS                                                                                                           \
    "[[cores]]\nsocket = 0\nnode = 0\ncount = 2\nthreads = 2\n[[cores]]\nsocket = 0\nnode = 1\n"                       \
    "[[cores]]\nsocket = 1\nnode = 1\ncount = 3\n[[cores]]\nsocket = 1\nnode = 3\n"
static const char *const four_nodes[] = {
    "numa.slit=[10,20,20,20, 20,10,20,20, 20,20,10,20, 20,20,20,10]",
    "memory.latency_ns=[80,90,90,90, 90,80,90,90, 90,90,80,90, 90,90,90,80]",
    "node=[{range=[{start='0 B', end='1 GiB'}]}, {range=[{start='1 GiB', end='2 GiB'}]}, "
    "{socket=1, range=[{start='2 GiB', end='3 GiB'}]}, {}]",
    NULL};

static void write_runs(const char *runs)
{
    static const char alike[] = "sockets = 2\ncores_per_socket = 4\nthreads_per_core = 2\n";
    char text[4096];
    const char *at = strstr(machine_whole, alike);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - machine_whole), machine_whole, at + strlen(alike), runs);
    machine_file_write(text);
}

static void cores_can_be_listed_one_by_one(void)
{
    static const struct machine_cpu expected[] = {{0, 0, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 1, 0, 0, 0},
                                                  {0, 1, 1, 0, 0}, {0, 2, 0, 1, 0}, {1, 3, 0, 1, 0},
                                                  {1, 4, 0, 1, 0}, {1, 5, 0, 1, 0}, {1, 6, 0, 3, 0}};
    static const unsigned socket_of_node[] = {0, 0, 1, 1};

    write_runs(RUNS);
    struct machine *m = machine_file_load("m.toml", four_nodes);
    CU_ASSERT_EQUAL_FATAL(m->nr_cpus, 9);
    CU_ASSERT_EQUAL(m->nr_cores, 7);
    CU_ASSERT_EQUAL(m->nr_sockets, 2);
    CU_ASSERT_EQUAL(m->cores_per_socket, 4);
    CU_ASSERT_EQUAL(m->threads_per_core, 2);
    for (unsigned c = 0; c < 9; c++) {
        CU_ASSERT_EQUAL(m->cpu[c].socket, expected[c].socket);
        CU_ASSERT_EQUAL(m->cpu[c].core, expected[c].core);
        CU_ASSERT_EQUAL(m->cpu[c].thread, expected[c].thread);
        CU_ASSERT_EQUAL(m->cpu[c].node, expected[c].node);
    }
    for (unsigned n = 0; n < 4; n++)
        CU_ASSERT_EQUAL(m->node_socket[n], socket_of_node[n]);
    machine_free(m);

    write_runs(RUNS "[[cores]]\nsocket = 3\nnode = 0\n");
    machine_file_refused(four_nodes, "m.toml:38:1: socket 2 has no cores, but socket 3 has");
    write_runs(RUNS "[[cores]]\nsocket = 1\nnode = 4\n");
    machine_file_refused(four_nodes, "m.toml:55:8: node = 4 is out of range, expected 0 to 3");
    write_runs("[[cores]]\nsocket = 0\nnode = 0\ncount = 4096\n[[cores]]\nsocket = 0\nnode = 1\n");
    machine_file_refused(four_nodes, "m.toml:42:1: 4097 hardware threads, at most 4096 are supported");
    write_runs("[[cores]]\nsocket = 0\nnode = 0\n[[cores]]\nsocket = 1\nnode = 1\n");
    machine_file_refused(four_nodes, "--set node: a node needs memory or cores");
    /* Inherited sockets give way. */
    machine_file_write(machine_whole);
    CU_ASSERT_EQUAL_FATAL(rename("m.toml", "base.toml"), 0);
    machine_file_write("inherits = 'base.toml'\n" RUNS);
    m = machine_file_load("m.toml", four_nodes);
    CU_ASSERT_EQUAL(m->nr_cpus, 9);
    machine_free(m);
    unlink("base.toml");
    machine_file_bad("[cache.l1d]", "[[cores]]\nsocket = 0\nnode = 0\n[cache.l1d]",
                     "m.toml:5:11: the cores are listed in [[cores]]: 'sockets' does not go with that");
}

static void impossible_topologies(void)
{
    machine_file_bad("sockets = 2", "sockets = 0", "m.toml:5:11: sockets = 0 is out of range, expected 1 to 256");
    machine_file_bad("cores_per_socket = 4\nthreads_per_core = 2", "cores_per_socket = 1024\nthreads_per_core = 4",
                     "m.toml:4:1: 8192 hardware threads, at most 4096 are supported");
    machine_file_bad("'2 GHz'", "'0 GHz'",
                     "m.toml:8:13: frequency = '0 GHz' is out of range, expected 1000000 Hz to 100000000000 Hz");
    machine_file_bad("'2 GHz'", "'2 GB'",
                     "m.toml:8:13: frequency: '2 GB' is a size: expected a frequency with a unit (Hz, kHz, MHz, GHz)");
    machine_file_bad("slit = [10, 21, 21, 10]", "slit = [10, 21, 21, 11]",
                     "m.toml:34:8: distance 1,1 is 11: expected 10 on the diagonal");
    machine_file_bad("slit = [10, 21, 21, 10]", "slit = [10, 10, 21, 10]",
                     "m.toml:34:8: distance 0,1 is 10: expected 11 to 254 off it");
    machine_file_bad("slit = [10, 21, 21, 10]", "slit = [10, 21, 255, 10]",
                     "m.toml:34:8: distance 1,0 is 255: expected 11 to 254 off it");
    machine_file_bad("slit = [10, 21, 21, 10]", "slit = [10, 21, 21]",
                     "m.toml:34:8: expected 2 x 2 distances, found 3");
    machine_file_bad("[80, 120, 120, 80]", "[80]", "m.toml:25:14: expected 2 x 2 latencies, found 1");
    machine_file_bad("[80, 120, 120, 80]", "[80, 0, 120, 80]",
                     "m.toml:25:14: 0 ns is out of range, expected 1 to 100000");
    machine_file_bad("end = '3 GiB'", "end = '5 GiB'", "m.toml:37:55: overlaps a range of node 0");
    machine_file_bad("start = '7 GiB'", "start = '6 GiB'", "m.toml:40:21: overlaps a range of node 0");
    machine_file_bad("end = '13 GiB'", "end = '7 GiB'", "m.toml:40:36: the range ends before it starts");
    machine_file_bad("start = '0 B'", "start = '1 KiB'",
                     "m.toml:37:21: a range of RAM must be aligned to pages of 4 KiB");
    machine_file_bad("end = '13 GiB'", "end = '13.1 GB'",
                     "m.toml:40:36: a range of RAM must be aligned to pages of 4 KiB");
    machine_file_bad("socket = 1\nrange = [ { start = '7 GiB', end = '13 GiB' } ]", "",
                     "m.toml:38:1: a node needs memory or cores");
    machine_file_bad("socket = 1", "",
                     "m.toml:35:1: socket 1 has 0 nodes for 4 cores: expected an equal part for each");
    machine_file_bad("socket = 1", "socket = 2", "m.toml:39:10: socket = 2 is out of range, expected 0 to 1");
    machine_file_bad("ways = 16", "ways = 7",
                     "m.toml:20:8: 12582912 bytes are no whole number of sets of 7 lines of 64 bytes");
    machine_file_bad("line = '64 B'", "line = '48 B'", "m.toml:12:8: a line of 48 bytes: expected a power of two");
    machine_file_bad("[cache.l3]\nsize = '12 MiB'\nways = 16\nline = '64 B'",
                     "[cache.l3]\nsize = '12 MiB'\nways = 16\nline = '128 B'",
                     "m.toml:22:8: the caches must have lines of one size");
    machine_file_bad("'x86-64'", "'x86_64'",
                     "m.toml:3:7: isa: expected one of x86-64, aarch64, armv7, found 'x86_64'; did you mean 'x86-64'?");
}

static void timers_may_be_late(void)
{
    static const char *const set[] = {"timer.late_fraction=0.25", "timer.late_mean=4 ms", NULL};
    static const char *const half[] = {"timer.late_fraction=0.25", NULL};
    static const char *const much[] = {"timer.late_fraction=1.5", "timer.late_mean=4 ms", NULL};
    machine_file_write(machine_whole);
    struct machine *m = machine_file_load("m.toml", NULL);
    CU_ASSERT_EQUAL(m->timer_late_fraction, 0);
    machine_free(m);
    m = machine_file_load("m.toml", set);
    CU_ASSERT_EQUAL(m->timer_late_fraction, 0.25);
    CU_ASSERT_EQUAL(m->timer_late_mean_ns, 4e6);
    machine_free(m);
    machine_file_refused(half, "--set timer.late_fraction: missing key 'late_mean' in [timer]");
    machine_file_refused(much, "--set timer.late_fraction: late_fraction = 1.5 is out of range, expected 0 to 1");
}

static void unknown_and_missing_keys(void)
{
    machine_file_bad("walk = '10 ns'", "wakl = '10 ns'",
                     "m.toml:32:1: unknown key 'wakl' in [tlb]; did you mean 'walk', which is missing?");
    machine_file_bad("[tlb]\nwalk = '10 ns'\n", "", "m.toml:1:1: missing key 'tlb'");
    machine_file_bad("name = 'm'", "name = 'm'\ncolour = 'red'", "m.toml:2:1: unknown key 'colour'");
    machine_file_bad("socket = 0\n", "socket = 0\nsokcet = 0\n",
                     "m.toml:37:1: unknown key 'sokcet' in [node.0]; did you mean 'socket'?");
    machine_file_bad(
        "slit = [10", "slit = [10,, ",
        "m.toml:34:12: not valid TOML: Error while parsing array: expected value or closing ']', saw comma");
}

static void overrides_reach_a_machine(void)
{
    static const char *const good[] = {"topology.frequency=3 GHz", "node.0.range.1.end=6 GiB", NULL};
    static const char *const wrong[] = {"topology.freqency=3 GHz", NULL};
    machine_file_write(machine_whole);
    struct machine *m = machine_file_load("m.toml", good);
    CU_ASSERT_EQUAL(m->freq_hz, 3e9);
    CU_ASSERT_EQUAL(machine_memory(m), 11 * GIB);
    machine_free(m);
    machine_file_refused(wrong,
                         "--set topology.freqency: unknown key 'freqency' in [topology]; did you mean 'frequency'?");
}

/* The host of the density benchmark: what the issue fixes. */
static void the_density_host(void)
{
    struct machine *m = machine_file_load(WESTMERE, NULL);
    CU_ASSERT_EQUAL(m->nr_sockets, 2);
    CU_ASSERT_EQUAL(m->cores_per_socket, 4);
    CU_ASSERT_EQUAL(m->threads_per_core, 2);
    CU_ASSERT_EQUAL(machine_memory(m), 12 * GIB);
    CU_ASSERT_EQUAL_FATAL(m->nr_nodes, 2);
    CU_ASSERT_EQUAL(m->slit[0], 10);
    CU_ASSERT_EQUAL(m->slit[1], 21);
    uint64_t of_node[2] = {0, 0};
    for (unsigned i = 0; i < m->nr_ranges; i++)
        of_node[m->range[i].node] += m->range[i].end - m->range[i].start;
    CU_ASSERT_EQUAL(of_node[0], 6 * GIB);
    CU_ASSERT_EQUAL(of_node[1], 6 * GIB);
    CU_ASSERT_EQUAL(m->range[0].end, 13 * GIB / 4);
    CU_ASSERT_EQUAL(m->range[1].start, 4 * GIB);
    CU_ASSERT_EQUAL(m->range[1].end, 27 * GIB / 4);
    machine_free(m);
}

static void the_table_of_keys_says_what_is_required(void)
{
    unsigned n;
    const struct machine_key *k = machine_keys(&n);
    bool slit = false, socket = false;
    for (unsigned i = 0; i < n; i++) {
        CU_ASSERT(strlen(k[i].text) > 0 && strlen(k[i].type) > 0);
        slit = slit || (strcmp(k[i].key, "numa.slit") == 0 && k[i].required);
        socket = socket || (strcmp(k[i].key, "node[].socket") == 0 && !k[i].required);
    }
    CU_ASSERT_TRUE(slit && socket);
}

static void clean_up(void)
{
    static const char *const files[] = {"m.toml", NULL};
    scratch_leave(files);
}

static const struct cunit_case tests[] = {
    {"set-up", scratch_enter},
    {"every key arrives", every_key_arrives},
    {"pCPUs are numbered thread, core, socket", pcpus_are_numbered_thread_core_socket},
    {"cores can be listed one by one", cores_can_be_listed_one_by_one},
    {"several nodes in a socket, a node without cores", a_socket_can_have_several_nodes_and_a_node_no_cores},
    {"impossible topologies", impossible_topologies},
    {"a timer may be late, if the file says how often and by how much", timers_may_be_late},
    {"unknown and missing keys", unknown_and_missing_keys},
    {"overrides reach a machine", overrides_reach_a_machine},
    {"the host of the density benchmark", the_density_host},
    {"the table of keys says what is required", the_table_of_keys_says_what_is_required},
    {"clean-up", clean_up},
};

CUNIT_MAIN("machine", tests)
