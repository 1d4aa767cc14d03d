/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two grammars of CPU lists as tables: what they give, and where they say that a mistake is. */
#include "levels.h"
#include <cunit_main.h>
#include <stdio.h>
#include <string.h>
#include <toolstack/toolstack.h>

/* 16 pCPUs, 8 a node. */
#define NR_CPUS 16u
static const node_id cpu_node[NR_CPUS] = {{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0},
                                          {1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}};

struct good {
    const struct hv_profile *level;
    const char *text;
    uint64_t mask;
};
struct bad {
    const struct hv_profile *level;
    const char *text;
    unsigned column;
    const char *message; /* a part of it */
};

static const struct good goods[] = {
    {&level_43, "all", 0xffff},
    {&level_43, " all ", 0xffff},
    {&level_43, "0", 0x1},
    {&level_43, "15", 0x8000},
    {&level_43, "0-7", 0xff},
    {&level_43, "8-15", 0xff00},
    {&level_43, "3-3", 0x8},
    {&level_43, "1,3,5", 0x2a},
    {&level_43, "0-7,^3", 0xf7},
    {&level_43, "^3,0-7", 0xf7}, /* an exclusion counts wherever it stands */
    {&level_43, "0-7,^2-4,3", 0xe3},
    {&level_43, " 0 - 3 , ^ 1 ", 0xd},
    {&level_43, "007", 0x80},
    {&level_modern, "all", 0xffff},
    {&level_modern, "all,^7", 0xff7f},
    {&level_modern, "^7,all", 0xffff}, /* left to right: all puts 7 back */
    {&level_modern, "^3,0-7", 0xff},
    {&level_modern, "0-7,^2-4,3", 0xeb},
    {&level_modern, "node:1", 0xff00},
    {&level_modern, "nodes:0-1", 0xffff},
    {&level_modern, "1,node:1,^9", 0xfd02},
    {&level_modern, "all,^node:0", 0xff00},
    {&level_modern, "all,^nodes:0-0,3", 0xff08},
};

static const struct bad bads[] = {
    {&level_43, "", 1, "empty item"},
    {&level_43, "1,", 3, "empty item"},
    {&level_43, ",1", 1, "empty item"},
    {&level_43, "1,,2", 3, "empty item"},
    {&level_43, "16", 1, "CPU 16 does not exist, the host has 0-15"},
    {&level_43, "0-16", 3, "CPU 16 does not exist"},
    {&level_43, "4294967296", 1, "CPU 4294967296 does not exist"},
    {&level_43, "99999999999999999999999", 1, "does not exist"},
    {&level_43, "^16,0", 2, "CPU 16 does not exist"},
    {&level_43, "1,7-3", 3, "range 7-3 runs backwards"},
    {&level_43, "1-", 3, "expected a CPU number at the end"},
    {&level_43, "1--2", 3, "expected a CPU number, found '-'"},
    {&level_43, "-1", 1, "expected a CPU number, found '-'"},
    {&level_43, "^", 2, "expected a CPU number at the end"},
    {&level_43, "1 2", 3, "unexpected '2'"},
    {&level_43, "1;2", 2, "unexpected ';'"},
    {&level_43, "0x3", 2, "unexpected 'x'"},
    {&level_43, "^^1", 2, "expected a CPU number, found '^'"},
    {&level_43, "cpu1", 1, "unknown word 'cpu'"},
    {&level_43, "all,^7", 1, "'all' stands alone at level xen-4.3"},
    {&level_43, "0,all", 3, "'all' stands alone"},
    {&level_43, "node:0", 1, "'node:' does not exist at level xen-4.3"},
    {&level_43, "^3", 1, "leaves no CPU"},
    {&level_43, "3,^3", 1, "leaves no CPU"},
    {&level_43, "0-15,^0-15", 1, "leaves no CPU"},
    {&level_modern, "^all", 2, "'^all' would leave nothing"},
    {&level_modern, "0,^all", 4, "'^all' would leave nothing"},
    {&level_modern, "^7", 1, "leaves no CPU"},
    {&level_modern, "node:2", 6, "node 2 does not exist, the host has 0-1"},
    {&level_modern, "nodes:1-0", 7, "range 1-0 runs backwards"},
    {&level_modern, "node1", 1, "unknown word 'node'"},
    {&level_modern, "nodes:", 7, "expected a node number"},
    {&level_modern, "allx", 1, "unknown word 'allx'"},
};

static void gives_the_set(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(goods); i++) {
        cpumask_t m;
        memset(&m, 0xee, sizeof m);
        char err[200] = "";
        unsigned column = 0;
        int rc = ts_cpulist_parse_nodes(goods[i].level, goods[i].text, NR_CPUS, cpu_node, &m, err, sizeof err, &column);
        bool same = rc == 0 && m.w[0] == goods[i].mask;
        for (unsigned w = 1; w < HV_CPUMASK_WORDS; w++)
            same = same && m.w[w] == 0;
        if (!same)
            printf("\n'%s' at %s: rc %d, %llx, column %u: %s\n", goods[i].text, goods[i].level->name, rc,
                   (unsigned long long)m.w[0], column, err);
        CU_ASSERT(same);
    }
}

static void mistakes_have_a_place(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(bads); i++) {
        cpumask_t m;
        char err[200] = "";
        unsigned column = 0;
        int rc = ts_cpulist_parse_nodes(bads[i].level, bads[i].text, NR_CPUS, cpu_node, &m, err, sizeof err, &column);
        bool same = rc == -1 && column == bads[i].column && strstr(err, bads[i].message);
        if (!same)
            printf("\n'%s' at %s: rc %d, column %u: %s\n", bads[i].text, bads[i].level->name, rc, column, err);
        CU_ASSERT(same);
    }
}

static void nodes_need_a_topology(void)
{
    cpumask_t m;
    char err[200] = "";
    unsigned column = 0;
    CU_ASSERT_EQUAL(ts_cpulist_parse(&level_modern, "0,nodes:1", NR_CPUS, &m, err, sizeof err, &column), -1);
    CU_ASSERT_EQUAL(column, 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "not known here"));
    CU_ASSERT_EQUAL(ts_cpulist_parse(&level_modern, "0,1", NR_CPUS, &m, NULL, 0, NULL), 0);
    CU_ASSERT_EQUAL(ts_cpulist_parse(&level_modern, "x", NR_CPUS, &m, NULL, 0, NULL), -1);
}

static void a_cpu_without_a_node_is_on_none(void)
{
    static const node_id some[4] = {{0}, {0xff}, {1}, {0xff}};
    cpumask_t m;
    CU_ASSERT_EQUAL(ts_cpulist_parse_nodes(&level_modern, "nodes:0-1", 4, some, &m, NULL, 0, NULL), 0);
    CU_ASSERT_EQUAL(m.w[0], 0x5);
}

static void an_entry_of_the_list_form(void)
{
    cpumask_t m;
    char err[200] = "";
    unsigned column = 0;
    CU_ASSERT_EQUAL(ts_cpulist_parse_entry(&level_43, "3", NR_CPUS, NULL, &m, NULL, 0, NULL), 0);
    CU_ASSERT_EQUAL(m.w[0], 0x8);
    CU_ASSERT_EQUAL(ts_cpulist_parse_entry(&level_43, "3-8", NR_CPUS, NULL, &m, err, sizeof err, &column), -1);
    CU_ASSERT_EQUAL(column, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "one CPU number"));
    CU_ASSERT_EQUAL(ts_cpulist_parse_entry(&level_modern, "3-8,^5", NR_CPUS, NULL, &m, NULL, 0, NULL), 0);
    CU_ASSERT_EQUAL(m.w[0], 0x1d8);
}

static void the_largest_host(void)
{
    cpumask_t m;
    CU_ASSERT_EQUAL(ts_cpulist_parse(&level_43, "all", HV_MAX_PCPUS, &m, NULL, 0, NULL), 0);
    for (unsigned i = 0; i < HV_CPUMASK_WORDS; i++)
        CU_ASSERT_EQUAL(m.w[i], ~0ull);
    CU_ASSERT_EQUAL(ts_cpulist_parse(&level_43, "4095", HV_MAX_PCPUS, &m, NULL, 0, NULL), 0);
    CU_ASSERT_EQUAL(m.w[63], 1ull << 63);
    CU_ASSERT_EQUAL(ts_cpulist_parse(&level_43, "4096", HV_MAX_PCPUS, &m, NULL, 0, NULL), -1);
    CU_ASSERT_EQUAL(ts_cpulist_parse(&level_43, "all", HV_MAX_PCPUS + 1, &m, NULL, 0, NULL), -1);
    CU_ASSERT_EQUAL(ts_cpulist_parse(&level_43, "all", 0, &m, NULL, 0, NULL), -1);
}

static const struct cunit_case tests[] = {
    {"a list gives its set, in the grammar of the level", gives_the_set},
    {"a mistake has a message and a column", mistakes_have_a_place},
    {"nodes: without a topology is refused", nodes_need_a_topology},
    {"a pCPU without a node is on no node", a_cpu_without_a_node_is_on_none},
    {"an entry of the list form", an_entry_of_the_list_form},
    {"the largest host", the_largest_host},
};

CUNIT_MAIN("toolstack: CPU lists", tests)
