/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim topo import of ACPI tables: those of tests/sim/topo, compiled by iasl, as they are and damaged. */
#include "topo_fixture.h"

#include <cunit_main.h>
#include <stdint.h>
#include <stdio.h>

enum { APIC, SRAT, SLIT, PPTT, HMAT, TABLES };

struct table {
    uint8_t data[4096];
    size_t size;
};

static void load(struct table *t)
{
    static const char *const names[] = {"apic", "srat", "slit", "pptt", "hmat"};
    for (int i = 0; i < TABLES; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/box-%s.aml", HVSIM_ACPI_TABLES, names[i]);
        FILE *in = fopen(path, "re");
        CU_ASSERT_PTR_NOT_NULL_FATAL(in);
        t[i].size = fread(t[i].data, 1, sizeof(t[i].data), in);
        fclose(in);
    }
}

/* Length and checksum as the content has them. */
static void seal(struct table *t)
{
    uint8_t sum = 0;
    for (int i = 0; i < 4; i++)
        t->data[4 + i] = (uint8_t)(t->size >> 8 * i);
    t->data[9] = 0;
    for (size_t i = 0; i < t->size; i++)
        sum = (uint8_t)(sum + t->data[i]);
    t->data[9] = (uint8_t)-sum;
}

static struct topo *read_some(const struct table *t, unsigned which, struct fault *f)
{
    char data[sizeof(t->data) * TABLES];
    size_t size = 0;
    for (unsigned i = 0; i < TABLES; i++)
        if (which >> i & 1) {
            memcpy(data + size, t[i].data, t[i].size);
            size += t[i].size;
        }
    return topo_read_acpi(data, size, "box", f);
}

#define ALL 31u

static void refused_with(const struct table *t, unsigned which, const char *part, int line)
{
    struct fault f = {0};
    struct topo *box = read_some(t, which, &f);
    CU_ASSERT_PTR_NULL(box);
    CU_ASSERT_EQUAL(f.code, EXIT_BAD_INPUT);
    if (!strstr(f.text, part)) {
        fprintf(stderr, "\n  line %d: '%s' is not in: %s\n", line, part, f.text);
        CU_FAIL("another message");
    }
    topo_free(box);
}
#define BAD(t, part) refused_with(t, ALL, part, __LINE__)

static void a_box_is_as_the_tables_say(void)
{
    struct table t[TABLES];
    struct fault f = {0};
    load(t);
    char *text;
    struct machine *m = machine_of(read_some(t, ALL, &f), &text, &f);
    CU_ASSERT_EQUAL(m->nr_sockets, 2);
    CU_ASSERT_EQUAL(m->nr_cores, 8);
    CU_ASSERT_EQUAL(m->nr_cpus, 16); /* the disabled one is not there */
    CU_ASSERT_EQUAL(m->nr_nodes, 4);
    CU_ASSERT_EQUAL(m->l3.nr, 2);
    CU_ASSERT_EQUAL(m->l2.nr, 8);
    CU_ASSERT_EQUAL(m->l1d.size, 48u << 10); /* not the instruction cache, whose chain ends in the same L2 */
    CU_ASSERT_EQUAL(m->l2.size, 1u << 20);
    static const unsigned node_of_core[] = {0, 0, 1, 1, 2, 2, 2, 2},
                          slit[] = {10, 12, 20, 17, 12, 10, 20, 17, 21, 21, 10, 28, 17, 17, 28, 10};
    for (unsigned i = 0; i < 16; i++) {
        CU_ASSERT_EQUAL(m->cpu[i].node, node_of_core[i / 2]);
        CU_ASSERT_EQUAL(m->slit[i], slit[i]);
    }
    CU_ASSERT_EQUAL(m->node_socket[3], 0); /* the nearest, and it says so */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: it has no CPUs: where the nearest of others are"));
    CU_ASSERT_EQUAL(machine_memory(m), (UINT64_C(32) << 30) - (0x100000 - 0xa0000)); /* not the 64 GiB to plug in */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "65536 MiB are non-volatile or may be plugged in later"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "1 processors are disabled"));
    free(text);
    machine_free(m);
}

/* SRAT alone: each processor a core; without SRAT one node of unknown size. */
static void fewer_tables_tell_less(void)
{
    struct table t[TABLES];
    struct fault f = {0};
    load(t);
    struct machine *m = machine_of(read_some(t, 1u << SRAT, &f), NULL, &f);
    CU_ASSERT(m->nr_cpus == 16 && m->nr_cores == 16 && m->nr_nodes == 4 && m->slit[1] == 21);
    machine_free(m);
    m = machine_of(read_some(t, 1u << APIC | 1u << PPTT, &f), NULL, &f);
    CU_ASSERT(m->nr_cpus == 16 && m->nr_cores == 8 && m->nr_nodes == 1);
    machine_free(m);
    refused_with(t, 1u << SLIT, "neither SRAT nor APIC", __LINE__);
}

/* acpidump's text: 16 bytes a line with their offset before and their letters behind; tables of no interest between. */
static void text_is_as_the_binary(void)
{
    struct table t[TABLES];
    struct fault f = {0};
    char *text = NULL;
    size_t size = 0;
    load(t);
    FILE *to = open_memstream(&text, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(to);
    fprintf(to,
            "FACS @ 0x0000000000000000\n    0000: 46 41 43 53 40 00 00 00 11 22 33 44 00 00 00 00  FACS@...\"3D....\n"
            "    0010: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................\n"
            "    0020: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................\n"
            "    0030: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................\n\n");
    for (int k = 0; k < TABLES; k++) {
        fprintf(to, "%.4s @ 0x0000000000000000\n", (const char *)t[k].data);
        for (size_t i = 0; i < t[k].size; i += 16) {
            size_t n = t[k].size - i < 16 ? t[k].size - i : 16;
            fprintf(to, "    %04zX: ", i);
            for (size_t b = 0; b < 16; b++)
                fprintf(to, b < n ? "%02X " : "   ", t[k].data[i + b]);
            fprintf(to, " ................\n");
        }
        fprintf(to, "\n");
    }
    fclose(to);
    char *a, *b;
    machine_free(machine_of(read_some(t, ALL, &f), &a, &f));
    machine_free(machine_of(topo_read_acpi(text, size, "box", &f), &b, &f));
    CU_ASSERT_STRING_EQUAL(a, b);
    free(a);
    free(b);
    /* Cut off within SLIT, the third of ours: its line is told. */
    char *slit = strstr(text, "SLIT @");
    CU_ASSERT_PTR_NULL(topo_read_acpi(text, (size_t)(slit - text) + 60, "box", &f));
    CU_ASSERT_EQUAL(f.code, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.text, "box: SLIT at line "));
    free(text);
}

static void damaged_tables_are_refused(void)
{
    struct table t[TABLES];
    load(t);
    t[SRAT].data[60]++;
    BAD(t, "table SRAT at byte");
    load(t);
    t[PPTT].size -= 3; /* the file ends too early */
    BAD(t, "PPTT at byte");
    load(t);
    t[SLIT].size -= 1;
    seal(&t[SLIT]);
    BAD(t, "4 localities and 15 bytes of distances: expected a square");
    load(t);
    t[SLIT].data[36] = 3;
    seal(&t[SLIT]);
    BAD(t, "3 localities and 16 bytes of distances: expected a square");
    load(t);
    t[SRAT].data[48 + 16 + 3] = 0; /* the second processor is the first one, in node 0 like it: nothing wrong yet */
    t[SRAT].data[48 + 16 + 2] = 1;
    seal(&t[SRAT]);
    BAD(t, "CPU with id 0 is in nodes 0 and 1");
    load(t);
    t[SRAT].data[48 + 1] = 0;
    seal(&t[SRAT]);
    BAD(t, "SRAT: entry at its byte 48 has 0 bytes");
    load(t);
    memcpy(&t[APIC].data[44 + 8], &t[APIC].data[44], 8);
    t[APIC].data[44 + 8 + 2] = 9; /* the same APIC, another processor */
    seal(&t[APIC]);
    BAD(t, "APIC: processor with id 0 is there twice");
    load(t);
    /* Node 1's memory, the fourth range, to where node 0's third one is. */
    memcpy(&t[SRAT].data[48 + 16 * 16 + 3 * 40 + 8], (const uint8_t[]){0, 0, 0, 0, 1}, 5);
    seal(&t[SRAT]);
    BAD(t, "memory of node 1 at 0x100000000 overlaps that of node 0");
}

/* Devices that read memory, as the firmware of newer boxes lists them; and a box of processors that nobody knows. */
static void what_is_neither_cpu_nor_memory_is_told(void)
{
    static const uint8_t device[32] = {5, 32, 0, 0, 9};
    struct table t[TABLES];
    struct fault f = {0};
    char *text;
    load(t);
    memcpy(t[SRAT].data + t[SRAT].size, device, sizeof(device));
    t[SRAT].size += sizeof(device);
    seal(&t[SRAT]);
    machine_free(machine_of(read_some(t, ALL, &f), &text, &f));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "# SRAT: 1 entries that are neither processors nor memory (devices), left out"));
    free(text);
    load(t);
    t[APIC].size = 44;
    seal(&t[APIC]);
    refused_with(t, 1u << APIC, "no processors that are enabled: expected some of x86, ARMv8 or Itanium", __LINE__);
}

/* A range that is told twice is there once; of another node it is refused (above). */
static void a_range_may_be_told_twice(void)
{
    struct table t[TABLES];
    struct fault f = {0};
    char *text;
    load(t);
    struct machine *m = machine_of(read_some(t, ALL, &f), NULL, &f);
    uint64_t whole = machine_memory(m);
    machine_free(m);
    uint8_t *memory = &t[SRAT].data[48 + 16 * 16];
    memcpy(&t[SRAT].data[t[SRAT].size], memory, 40);
    t[SRAT].data[t[SRAT].size + 8 + 1] += 0x10; /* from its second page on, and a page beyond */
    t[SRAT].size += 40;
    seal(&t[SRAT]);
    m = machine_of(read_some(t, ALL, &f), &text, &f);
    CU_ASSERT_EQUAL(machine_memory(m), whole + 4096);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# 1 ranges of memory of node 0 overlap others of it: taken once"));
    free(text);
    machine_free(m);
}

/* Before revision 2 of the SRAT a domain has one byte, with anything behind it. */
static void domains_of_old_firmware_have_a_byte(void)
{
    struct table t[TABLES];
    struct fault f = {0};
    load(t);
    CU_ASSERT_EQUAL(t[SRAT].data[48 + 16 * 16], 1); /* memory, behind 16 processors */
    t[SRAT].data[8] = 1;
    t[SRAT].data[48 + 9] = 0xab;
    t[SRAT].data[48 + 16 * 16 + 4] = 0xcd;
    seal(&t[SRAT]);
    struct machine *m = machine_of(read_some(t, ALL, &f), NULL, &f);
    CU_ASSERT(m->nr_nodes == 4 && m->cpu[0].node == 0);
    machine_free(m);
}

/* Some firmware says more than 10 of a node to itself. */
static void own_distances_are_ten(void)
{
    struct table t[TABLES];
    struct fault f = {0};
    char *text;
    load(t);
    t[SLIT].data[44 + 5] = 17; /* node 1 to itself */
    seal(&t[SLIT]);
    struct machine *m = machine_of(read_some(t, ALL, &f), &text, &f);
    CU_ASSERT(m->slit[0] == 10 && m->slit[1] == 12 && m->slit[m->nr_nodes + 1] == 10);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "# guessed: distance of node 1 to itself is 17, that of others 10"));
    free(text);
    machine_free(m);
    t[SLIT].data[44 + 5] = 0;
    seal(&t[SLIT]);
    BAD(t, "distance of node 1 to itself is 0: expected 10");
}

/* PPTT: L3 at byte 36, L2 at 60, L1i at 84, L1d at 108, then package 0 at 132. */
static void cycles_of_the_pptt_are_refused(void)
{
    struct table t[TABLES];
    load(t);
    t[PPTT].data[60 + 8] = 108; /* behind the L2 comes the L1 */
    seal(&t[PPTT]);
    BAD(t, "cycle in the cache tree at byte");
    load(t);
    t[PPTT].data[132 + 4] = 0;   /* no package, but */
    t[PPTT].data[132 + 8] = 156; /* its core's part */
    seal(&t[PPTT]);
    BAD(t, "cycle of parents at byte");
    load(t);
    t[PPTT].data[60 + 8] = 61;
    seal(&t[PPTT]);
    BAD(t, "refers to byte 61");
}

/* HMAT: matrices at byte 40, 124, 208, 292: latencies of reads, of any access; bandwidths, and those of writes. */
static void latencies_are_the_firmwares(void)
{
    enum { FIRST = 40, MATRIX = 32 + 4 * 7 + 2 * 12 };
    static const double from_0[] = {90, 100, 140, 130};
    struct table t[TABLES];
    struct fault f = {0};
    char *text;
    load(t);
    struct machine *m = machine_of(read_some(t, ALL, &f), &text, &f);
    for (unsigned n = 0; n < 4; n++)
        CU_ASSERT_EQUAL(m->mem_latency_ns[n], from_0[n]); /* of reads, though any access comes behind it */
    CU_ASSERT_EQUAL(m->mem_latency_ns[4], 101);
    CU_ASSERT_TRUE(m->mem_latency_ns[11] > 90 && m->mem_latency_ns[11] < 1000); /* no way: guessed */
    CU_ASSERT_EQUAL(m->mem_bandwidth[0], 20e9);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "what the firmware says of them, not measured"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "HMAT: 1 tables of what writes take, left out"));
    free(text);
    machine_free(m);
    t[HMAT].data[FIRST + 8] = 1; /* of a memory-side cache: then any access is what there is */
    t[HMAT].data[8] = 2;
    seal(&t[HMAT]);
    m = machine_of(read_some(t, ALL, &f), &text, &f);
    CU_ASSERT_EQUAL(m->mem_latency_ns[0], 180);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "1 structures about memory-side caches, left out"));
    free(text);
    machine_free(m);
    t[HMAT].data[8] = 1;
    seal(&t[HMAT]);
    m = machine_of(read_some(t, ALL, &f), &text, &f);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "HMAT is of revision 1, whose units are not certain: not read"));
    CU_ASSERT_EQUAL(m->mem_latency_ns[0], 90); /* the guess */
    free(text);
    machine_free(m);
    load(t);
    t[HMAT].data[FIRST + 12] = 200; /* initiators */
    seal(&t[HMAT]);
    BAD(t, "HMAT: 200 by 4 entries in a structure of 84 bytes");
    load(t);
    t[HMAT].data[FIRST + MATRIX + 4] = 3;
    seal(&t[HMAT]);
    BAD(t, "HMAT: structure at its byte 124 has 3 bytes");
    load(t);
    t[HMAT].data[FIRST + 32] = 77; /* an initiator */
    seal(&t[HMAT]);
    m = machine_of(read_some(t, ALL, &f), &text, &f);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "HMAT: 4 entries of proximity domains that SRAT does not have, left out"));
    free(text);
    machine_free(m);
}

static const struct cunit_case tests[] = {
    {"sockets, nodes, cores, caches, distances and memory are those of the tables", a_box_is_as_the_tables_say},
    {"without PPTT or SRAT the rest is guessed", fewer_tables_tell_less},
    {"acpidump's text is read as the tables themselves", text_is_as_the_binary},
    {"a range may be told twice", a_range_may_be_told_twice},
    {"domains of old firmware have one byte", domains_of_old_firmware_have_a_byte},
    {"what is neither processor nor memory is told", what_is_neither_cpu_nor_memory_is_told},
    {"a node's distance to itself is 10", own_distances_are_ten},
    {"damaged tables are refused", damaged_tables_are_refused},
    {"latencies and bandwidths are those of the firmware", latencies_are_the_firmwares},
    {"cycles and wild references in the PPTT are refused", cycles_of_the_pptt_are_refused},
};
CUNIT_MAIN("topo acpi", tests)
