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
    REFUSED("synthetic: expected levels with counts", "package:2 core:what");
    REFUSED("more than 4096 hardware threads", "package:2 core:3000 pu:1");
    REFUSED("more than 64 nodes with CPUs or memory", "numa:65 pu:1");
    REFUSED("No such file", "/there/is/no/such.xml");
}

static const struct cunit_case tests[] = {
    {"packages, nodes, cores and threads are those of the source", counts_come_through},
    {"sizes of caches and memory, and who shares a cache", sizes_and_sharing_come_through},
    {"every guessed value is marked", guesses_are_marked},
    {"what hwloc cannot read as synthetic is refused", bad_synthetic_is_refused},
};
CUNIT_MAIN("topo import", tests)
