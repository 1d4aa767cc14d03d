/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine files: caches and who shares them, TLBs, kinds of cores, clocks, links and routes, what writes cost. */
#include "machine_file.h"

#include <cunit_main.h>
#include <models/cpulist.h>
#include <scratch_dir.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* machine_whole, with `more` before the line that begins with `before`. */
static void write_with(const char *before, const char *more)
{
    char text[8192];
    const char *at = strstr(machine_whole, before);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - machine_whole), machine_whole, more, at);
    machine_file_write(text);
}

static void lists_of_pcpus(void)
{
    static const struct {
        const char *text;
        unsigned cpu[4], nr;
        bool bad;
    } rows[] = {
        {"3", {3}, 1, false},   {"0-2,7", {0, 1, 2, 7}, 4, false},
        {"5-5", {5}, 1, false}, {"", {0}, 0, true},
        {"a", {0}, 0, true},    {"1,", {1}, 1, true},
        {"2-1", {0}, 0, true},  {"1;2", {0}, 0, true},
        {"4-", {0}, 0, true},   {",1", {0}, 0, true},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cpulist l = cpulist_begin(rows[i].text);
        unsigned n = 0;
        for (; cpulist_next(&l) && n < 4; n++)
            CU_ASSERT_EQUAL(l.cpu, rows[i].cpu[n]);
        CU_ASSERT_EQUAL(n, rows[i].nr);
        CU_ASSERT_EQUAL(l.bad, rows[i].bad);
    }
}

static void caches_are_shared_by_any_group(void)
{
    static const char *const pairs[] = {"cache.l2.shared_by=2", NULL};
    static const char *const lists[] = {"cache.l3.shared_by=['0-3,8-11', '4-7,12-15']", NULL};
    machine_file_write(machine_whole);
    struct machine *m = machine_file_load("m.toml", NULL);
    CU_ASSERT_EQUAL(m->l1d.nr, 8);
    CU_ASSERT_EQUAL(m->l3.nr, 2);
    CU_ASSERT_EQUAL(m->l3.of[7], 0);
    CU_ASSERT_EQUAL(m->l3.of[8], 1);
    CU_ASSERT_EQUAL(m->l2.of[3], 1);
    machine_free(m);
    m = machine_file_load("m.toml", pairs);
    CU_ASSERT_EQUAL(m->l2.nr, 4);
    CU_ASSERT_EQUAL(m->l2.shared_by, 4);
    CU_ASSERT_EQUAL(m->l2.of[5], 1);
    CU_ASSERT_EQUAL(m->l2.of[8], 2);
    machine_free(m);
    m = machine_file_load("m.toml", lists);
    CU_ASSERT_EQUAL(m->l3.of[8], 0);
    CU_ASSERT_EQUAL(m->l3.of[4], 1);
    CU_ASSERT_EQUAL(m->l3.shared_by, 8);
    machine_free(m);
}

static void caches_that_do_not_fit(void)
{
    static const char *const rows[][2] = {
        {"cache.l3.shared_by=['0-7']", "--set cache.l3.shared_by: pCPU 8 is in none of the lists"},
        {"cache.l3.shared_by=['0-7', '7-15']", "--set cache.l3.shared_by: '7-15': pCPU 7 has such a cache already"},
        {"cache.l3.shared_by=['0-16']", "--set cache.l3.shared_by: '0-16': the machine has no pCPU 16"},
        {"cache.l3.shared_by=['0-']", "--set cache.l3.shared_by: expected pCPUs as \"0-3,8\", found '0-'"},
        {"cache.l3.shared_by=5", "--set cache.l3.shared_by: 5 cores: no socket has more than 4"},
        {"cache.l3.shared_by=0", "--set cache.l3.shared_by: shared_by = 0 is out of range, expected 1 to 4096"},
        {"cache.l2.shared_by=['0,2', '1,3-15']",
         "--set cache.l2.shared_by: pCPU 1 shares a smaller cache with a pCPU that does not share this one"},
        {"cache.l3.policy=exclusiv", "--set cache.l3.policy: policy: expected one of inclusive, non-inclusive, "
                                     "exclusive, victim, found 'exclusiv'; did you mean 'exclusive'?"},
        {"tlb.l2_entries=512", "--set tlb.l2_entries: a second level needs a first: l1_entries is missing"},
        {"tlb.walk_cache_entries=16", "--set tlb.walk_cache_entries: walk_cache_reach is missing"},
        {"memory.turnaround=24 ns", "--set memory.turnaround: needs line_transfer and write_batch beside it"},
        {"cluster.cores=4", "--set cluster.cores: cores and bandwidth go together"},
        {"topology.turbo=['2 GHz', '3 GHz']",
         "--set topology.turbo: the clock rises with more active cores (3e+09 after 2e+09 Hz)"},
    };
    machine_file_write(machine_whole);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const set[] = {rows[i][0], NULL};
        machine_file_refused(set, rows[i][1]);
    }
}

static void the_last_level_may_be_the_second(void)
{
    static const char *const l3 = "[cache.l3]\nsize = '12 MiB'\nways = 16\nline = '64 B'\nlatency_cycles = 40\n";
    char text[8192];
    const char *at = strstr(machine_whole, l3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(text, sizeof(text), "%.*s%s", (int)(at - machine_whole), machine_whole, at + strlen(l3));
    machine_file_write(text);
    struct machine *m = machine_file_load("m.toml", NULL);
    CU_ASSERT(m->no_l3);
    CU_ASSERT_EQUAL(m->l3.size, m->l2.size);
    CU_ASSERT_EQUAL(m->l3.of[15], 7);
    machine_free(m);
    static const char *const half[] = {"cache.l3.size=4 MiB", NULL};
    machine_file_refused(half, "--set cache.l3.size: missing key 'ways' in [cache.l3]");
}

/* Half of the cores are little ones at half the clock. */
static const char little[] = "[[core_kind]]\nname = 'little'\nfrequency = '1 GHz'\nl2_size = '128 KiB'\n%s"
                             "[[cores]]\nsocket = 0\nnode = 0\ncount = 4\nkind = 'little'\nthreads = 2\n"
                             "[[cores]]\nsocket = 1\nnode = 1\ncount = 4\nthreads = 2\n";

static void write_hybrid(const char *keys)
{
    static const char *const counts = "sockets = 2\ncores_per_socket = 4\nthreads_per_core = 2\n";
    char text[8192], kind[1024];
    const char *at = strstr(machine_whole, counts), *before = strstr(machine_whole, "[cache.l1d]");
    CU_ASSERT_TRUE_FATAL(at && before && at < before);
    snprintf(kind, sizeof(kind), little, keys);
    snprintf(text, sizeof(text), "%.*s%.*s%s%s", (int)(at - machine_whole), machine_whole,
             (int)(before - at - (long)strlen(counts)), at + strlen(counts), kind, before);
    machine_file_write(text);
}

static void kinds_of_core_have_their_own_first_level_and_tlbs(void)
{
    static const char *const set[] = {"tlb.l1_entries=32", "tlb.l1_miss_cycles=12",      "tlb.l2_entries=512",
                                      "tlb.l2_ways=4",     "tlb.walk_cache_reach=1 MiB", NULL};
    write_hybrid("");
    struct machine *m = machine_file_load("m.toml", set);
    const struct machine_kind *k = &m->kind[m->cpu[0].kind], *big = &m->kind[m->cpu[8].kind];
    CU_ASSERT_STRING_EQUAL(k->name, "little");
    CU_ASSERT_PTR_NULL(big->name);
    CU_ASSERT_EQUAL(k->l1d_size, m->l1d.size);
    CU_ASSERT_EQUAL(k->l1d_latency_ns, 4.0); /* 4 cycles at 1 GHz */
    CU_ASSERT_EQUAL(big->l1d_latency_ns, 2.0);
    CU_ASSERT_EQUAL(k->tlb.l1_entries[2], 32);
    CU_ASSERT_EQUAL(k->page_walk_ns, 10);
    machine_free(m);
    write_hybrid("l1d_size = '16 KiB'\nl1d_ways = 2\nl1d_latency_cycles = 3\ntlb_walk = '25.5 ns'\n"
                 "tlb_l1_entries = 10\ntlb_l1_entries_1g = 4\ntlb_l1_miss_cycles = 2\ntlb_l2_entries = 0\n"
                 "tlb_walk_cache_entries = 8\ntlb_walk_cache_miss_cycles = 5\n");
    m = machine_file_load("m.toml", set);
    k = &m->kind[m->cpu[0].kind], big = &m->kind[m->cpu[8].kind];
    CU_ASSERT_EQUAL(k->l1d_size, 16384);
    CU_ASSERT_EQUAL(k->l1d_latency_ns, 3.0);
    CU_ASSERT_EQUAL(k->page_walk_ns, 25.5);
    CU_ASSERT_EQUAL(k->tlb.l1_entries[1], 10);
    CU_ASSERT_EQUAL(k->tlb.l1_entries[2], 4);
    CU_ASSERT_EQUAL(k->tlb.l1_miss_ns, 2.0);
    CU_ASSERT_EQUAL(k->tlb.l2_entries[0] + k->tlb.l2_entries[1] + k->tlb.l2_entries[2], 0);
    CU_ASSERT_EQUAL(k->tlb.walk_cache_miss_ns, 5.0);
    CU_ASSERT_EQUAL(big->l1d_size, 32768);
    CU_ASSERT_EQUAL(big->tlb.l2_entries[0], 512);
    CU_ASSERT_EQUAL(big->tlb.walk_cache_entries, 0);
    machine_free(m);
    static const char *const wrong[][2] = {
        {"l1d_ways = 7\n", "32768 bytes are no whole number of sets of 7 lines of 64 bytes"},
        {"l1d_size = '256 KiB'\n", "larger than its L2"},
        {"tlb_l2_entries = 510\n", "510 entries are no whole number of sets of 4"},
        {"tlb_l1_entrys = 5\n", "did you mean 'tlb_l1_entries'?"},
    };
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char *err = NULL;
        write_hybrid(wrong[i][0]);
        m = machine_load("m.toml", set, &err);
        CU_ASSERT_PTR_NULL(m);
        CU_ASSERT_TRUE(err && strstr(err, wrong[i][1]));
        if (!err || !strstr(err, wrong[i][1]))
            fprintf(stderr, "\n  %s got: %s\n", wrong[i][0], err ? err : "a machine");
        free(err);
        machine_free(m);
    }
}

static void tlbs_and_writes(void)
{
    static const char *const set[] = {"tlb.l1_entries=32",
                                      "tlb.l1_miss_cycles=12",
                                      "tlb.l2_entries=512",
                                      "tlb.l2_ways=4",
                                      "tlb.l2_miss_cycles=30",
                                      "tlb.walk_cache_entries=16",
                                      "tlb.walk_cache_reach=1 MiB",
                                      "tlb.walk_cache_miss_cycles=20",
                                      "tlb.pte_bytes=4",
                                      "tlb.l2_entries_1g=0",
                                      "memory.line_transfer=3.75 ns",
                                      "memory.turnaround=37.5 ns",
                                      "memory.write_batch=16",
                                      "core.outstanding=16",
                                      "topology.turbo=['3 GHz', '2.5 GHz']",
                                      NULL};
    machine_file_write(machine_whole);
    struct machine *m = machine_file_load("m.toml", set);
    CU_ASSERT_EQUAL(m->tlb.l1_entries[1], 32);
    CU_ASSERT_EQUAL(m->tlb.l2_entries[1], 512);
    CU_ASSERT_EQUAL(m->tlb.l2_entries[2], 0);
    CU_ASSERT_EQUAL(m->tlb.l1_miss_ns, 6);
    CU_ASSERT_EQUAL(m->tlb.walk_cache_reach, 1 << 20);
    CU_ASSERT_EQUAL(m->tlb.pte_bytes, 4);
    CU_ASSERT_DOUBLE_EQUAL(m->write_cost, 0.625, 1e-12);
    CU_ASSERT_EQUAL(m->core_outstanding, 16);
    CU_ASSERT_EQUAL_FATAL(m->nr_turbo, 2);
    CU_ASSERT_EQUAL(m->turbo_hz[1], 2.5e9);
    machine_free(m);
}

/* Juno: two clusters that differ. */
static void kinds_of_cores(void)
{
    static const char *const kinds =
        "[[core_kind]]\nname = 'big'\nfrequency = '3 GHz'\nipc = 1.5\n"
        "[[core_kind]]\nname = 'little'\nfrequency = '1 GHz'\nl2_size = '128 KiB'\nl2_latency_cycles = 8\n"
        "[[cores]]\nsocket = 0\nnode = 0\nkind = 'big'\n[[cores]]\nsocket = 1\nnode = 1\ncount = 2\nkind = 'little'\n"
        "[[cores]]\nsocket = 1\nnode = 1\n";
    char text[8192];
    const char *at = strstr(machine_whole, "sockets = 2"), *behind = strstr(machine_whole, "frequency");
    CU_ASSERT_FATAL(at && behind);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - machine_whole), machine_whole, behind, kinds);
    machine_file_write(text);
    struct machine *m = machine_file_load("m.toml", NULL);
    CU_ASSERT_EQUAL_FATAL(m->nr_kinds, 3);
    CU_ASSERT_EQUAL(m->cpu[0].kind, 1);
    CU_ASSERT_EQUAL(m->cpu[2].kind, 2);
    CU_ASSERT_EQUAL(m->cpu[3].kind, 0);
    CU_ASSERT_DOUBLE_EQUAL(m->kind[1].speed, 2.25, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(m->kind[2].l2_latency_ns, 8, 1e-12);
    CU_ASSERT_EQUAL(m->kind[2].l2_size, 128 << 10);
    machine_free(m);
    static const char *const wrong[] = {"cores.0.kind=bgi", NULL};
    machine_file_refused(wrong,
                         "--set cores.0.kind: kind: expected one of big, little, found 'bgi'; did you mean 'big'?");
}

/* A square of four sockets: neighbours by one link, the corner across by two, through the lower number. */
static void routes_take_the_fewest_hops(void)
{
    static const char *const square =
        "[[link.between]]\nfrom = 0\nto = 1\n[[link.between]]\nfrom = 1\nto = 3\nbandwidth = '5 GB/s'\n"
        "[[link.between]]\nfrom = 3\nto = 2\n[[link.between]]\nfrom = 2\nto = 0\n";
    static const char *const four[] = {"topology.sockets=4",
                                       "memory.latency_ns=[80,1,1,1,1,80,1,1,1,1,80,1,1,1,1,80]",
                                       "numa.slit=[10,20,20,20,20,10,20,20,20,20,10,20,20,20,20,10]",
                                       "node.2.socket=2",
                                       "node.2.range=[{start='13 GiB',end='14 GiB'}]",
                                       "node.3.socket=3",
                                       "node.3.range=[{start='14 GiB',end='15 GiB'}]",
                                       NULL};
    char text[8192];
    snprintf(text, sizeof(text), "%s[[node]]\n[[node]]\n%s", machine_whole, square);
    machine_file_write(text);
    struct machine *m = machine_file_load("m.toml", four);
    unsigned n;
    CU_ASSERT_EQUAL_FATAL(m->nr_links, 8);
    const unsigned *way = machine_route(m, 0, 3, &n);
    CU_ASSERT_EQUAL_FATAL(n, 2);
    CU_ASSERT_EQUAL(m->link[way[0]].to, 1);
    CU_ASSERT_EQUAL(m->link[way[1]].from, 1);
    CU_ASSERT_EQUAL(m->link[way[1]].to, 3);
    CU_ASSERT_EQUAL(m->link[way[1]].bandwidth, 5e9);
    machine_route(m, 2, 2, &n);
    CU_ASSERT_EQUAL(n, 0);
    way = machine_route(m, 2, 0, &n);
    CU_ASSERT_EQUAL(n, 1);
    CU_ASSERT_EQUAL(m->link[way[0]].bandwidth, 9.6e9);
    machine_free(m);
}

static void links_that_lead_nowhere(void)
{
    write_with("[tlb]", "[[link.between]]\nfrom = 0\nto = 1\none_way = true\n");
    machine_file_refused(NULL, "m.toml:31:1: no way from socket 1 to socket 0");
    write_with("[tlb]", "[[link.between]]\nfrom = 0\nto = 0\n");
    machine_file_refused(NULL, "m.toml:33:6: a link from socket 0 to itself");
    write_with("[tlb]", "[[link.between]]\nfrom = 0\nto = 1\n[[link.between]]\nfrom = 1\nto = 0\n");
    machine_file_refused(NULL, "m.toml:36:6: there is a link from socket 1 to 0 already");
    write_with("[tlb]", "[[link.between]]\nfrom = 0\nto = 2\n");
    machine_file_refused(NULL, "m.toml:33:6: to = 2 is out of range, expected 0 to 1");
}

static void clean_up(void)
{
    static const char *const files[] = {"m.toml", NULL};
    scratch_leave(files);
}

static const struct cunit_case tests[] = {
    {"lists of pCPUs", lists_of_pcpus},
    {"set-up", scratch_enter},
    {"caches are shared by any group", caches_are_shared_by_any_group},
    {"caches that do not fit", caches_that_do_not_fit},
    {"the last level may be the second", the_last_level_may_be_the_second},
    {"kinds of core have their own L1 and TLBs", kinds_of_core_have_their_own_first_level_and_tlbs},
    {"TLBs, writes, clocks", tlbs_and_writes},
    {"kinds of cores", kinds_of_cores},
    {"routes take the fewest hops", routes_take_the_fewest_hops},
    {"links that lead nowhere", links_that_lead_nowhere},
    {"clean-up", clean_up},
};

CUNIT_MAIN("machine hardware", tests)
