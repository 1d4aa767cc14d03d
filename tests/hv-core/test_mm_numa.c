/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topology and distances from the firmware's tables, and what is refused. */
#include "port_test.h"

#include <cunit_main.h>
#include <string.h>

static struct hv_cpu_desc cpu[HV_MAX_PCPUS];
static struct hv_mem_range range[300];
static struct hv_boot_info info;

/* 2 nodes, a socket each with 2 cores of 2 threads, 1 GiB each. */
static void two_nodes(void)
{
    tp_reset();
    hv_level = hv_profile_find("xen-4.3");
    for (unsigned c = 0; c < 8; c++)
        cpu[c] = (struct hv_cpu_desc){(uint16_t)(c / 4), (uint16_t)(c / 2), (uint16_t)(c % 2), node(c / 4)};
    range[0] = (struct hv_mem_range){0, 1u << 18, node(0)};
    range[1] = (struct hv_mem_range){1u << 18, 2u << 18, node(1)};
    info = (struct hv_boot_info){.nr_cpus = 8, .nr_nodes = 2, .nr_ranges = 2, .cpu = cpu, .range = range};
}

static void refused(const char *because)
{
    tp_console[0] = 0;
    CU_ASSERT_EQUAL(numa_init(&info), -HV_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, because));
    two_nodes();
}

static void topology_is_what_the_firmware_says(void)
{
    two_nodes();
    CU_ASSERT_EQUAL(numa_init(&info), 0);
    CU_ASSERT_EQUAL(hv_nr_cpus, 8);
    CU_ASSERT_EQUAL(cpumask_weight(&hv_cpu_online), 8);
    CU_ASSERT_EQUAL(hv_node_online.w, 3);
    for (unsigned c = 0; c < 8; c++) {
        CU_ASSERT_EQUAL(cpu_to_node(pcpu(c)).n, c / 4);
        CU_ASSERT_EQUAL(cpu_to_socket(pcpu(c)), c / 4);
        CU_ASSERT_EQUAL(cpu_to_core(pcpu(c)), c / 2 % 2); /* anew in each socket, as x86 has it */
        for (unsigned o = 0; o < 8; o++) {
            CU_ASSERT_EQUAL(cpumask_test(cpu_sibling_mask(pcpu(c)), pcpu(o)), c / 2 == o / 2);
            CU_ASSERT_EQUAL(cpumask_test(cpu_socket_mask(pcpu(c)), pcpu(o)), c / 4 == o / 4);
            CU_ASSERT_EQUAL(cpumask_test(node_to_cpumask(node(c / 4)), pcpu(o)), c / 4 == o / 4);
        }
    }
}

static void frames_belong_to_the_node_of_their_range(void)
{
    static const struct hv_mem_range r[] = {
        {0, 0xc0000, {0}}, {0x100000, 0x200000, {0}}, {0x200000, 0x300000, {1}}, {0x300000, 0x310000, {0}}};
    uint64_t start, end;
    two_nodes();
    memcpy(range, r, sizeof(r));
    info.nr_ranges = 4;
    CU_ASSERT_EQUAL(numa_init(&info), 0);
    CU_ASSERT_EQUAL(numa_nr_ranges(), 4);
    CU_ASSERT_EQUAL(numa_range(0)->start_mfn, 256); /* the first MiB is the firmware's */
    CU_ASSERT_FALSE(node_valid(mfn_to_node(mfn(255))));
    for (unsigned i = 0; i < 4; i++) {
        uint64_t first = i ? r[i].start_mfn : 256;
        CU_ASSERT_EQUAL(mfn_to_node(mfn(first)).n, r[i].node.n);
        CU_ASSERT_EQUAL(mfn_to_node(mfn(r[i].end_mfn - 1)).n, r[i].node.n);
    }
    CU_ASSERT_FALSE(node_valid(mfn_to_node(mfn(0xc0000))));
    CU_ASSERT_FALSE(node_valid(mfn_to_node(mfn(0xfffff))));
    CU_ASSERT_FALSE(node_valid(mfn_to_node(mfn(0x310000))));
    CU_ASSERT_FALSE(node_valid(mfn_to_node(MFN_INVALID)));
    CU_ASSERT(node_span(node(0), &start, &end));
    CU_ASSERT_EQUAL(start, 256);
    CU_ASSERT_EQUAL(end, 0x310000); /* holes, and other nodes, included */
    CU_ASSERT_FALSE(node_span(node(2), &start, &end));
}

static void distances_come_from_a_good_slit(void)
{
    static const uint8_t good[] = {10, 21, 31, 10}, diagonal[] = {10, 21, 21, 11}, near[] = {10, 10, 21, 10};
    two_nodes();
    info.slit = good;
    CU_ASSERT_EQUAL(numa_init(&info), 0);
    CU_ASSERT_EQUAL(node_distance(node(0), node(1)), 21);
    CU_ASSERT_EQUAL(node_distance(node(1), node(0)), 31);
    const uint8_t *bad[] = {diagonal, near, NULL};
    for (unsigned i = 0; i < 3; i++) {
        two_nodes();
        info.slit = bad[i];
        CU_ASSERT_EQUAL(numa_init(&info), 0);
        CU_ASSERT_EQUAL(strstr(tp_console, "SLIT ignored") != NULL, bad[i] != NULL);
        CU_ASSERT_EQUAL(node_distance(node(0), node(0)), 10);
        CU_ASSERT_EQUAL(node_distance(node(0), node(1)), 20);
        CU_ASSERT_EQUAL(node_distance(node(1), node(0)), 20);
    }
}

static void pcpus_without_a_node_go_round(void)
{
    two_nodes();
    cpu[2].node = cpu[4].node = cpu[5].node = NODE_INVALID;
    CU_ASSERT_EQUAL(numa_init(&info), 0);
    CU_ASSERT_EQUAL(cpu_to_node(pcpu(2)).n, 0);
    CU_ASSERT_EQUAL(cpu_to_node(pcpu(4)).n, 1);
    CU_ASSERT_EQUAL(cpu_to_node(pcpu(5)).n, 0);
    CU_ASSERT(cpumask_test(node_to_cpumask(node(0)), pcpu(5)));
}

static void nodes_without_memory_or_pcpus(void)
{
    two_nodes();
    info.nr_nodes = 4; /* 2: pCPUs only, 3: neither, 1: memory only */
    for (unsigned c = 4; c < 8; c++)
        cpu[c].node = node(2);
    CU_ASSERT_EQUAL(numa_init(&info), 0);
    CU_ASSERT_EQUAL(hv_node_online.w, 0x7);
    CU_ASSERT(cpumask_empty(node_to_cpumask(node(1))));
    CU_ASSERT_EQUAL(mm_init(), 0);
    CU_ASSERT_EQUAL(node_size_pages(node(2)), 0);
    CU_ASSERT_EQUAL(node_size_pages(node(1)), 1u << 18);
    tp_set_cpu(4); /* no memory on its node: the next one in the ring gives it */
    CU_ASSERT_EQUAL(mfn_to_node(alloc_domheap_pages(NULL, 0, 0)).n, 0);
    tp_set_cpu(0);
    CU_ASSERT_PTR_NULL(mm_check());
}

#define MAP_NODES 24u
#define MAP_STEP (1u << 17) /* 512 MiB */

/*
 * A large machine as its tables may be: every distance another one each way, two ranges a node with those of all the
 * others in between, sizes that grow; nodes 5 and 11 without memory, 20 to 23 without pCPUs.
 */
static void twenty_four_nodes(const char *level)
{
    static uint8_t slit[MAP_NODES * MAP_NODES];
    unsigned nr_cpus = 0, nr_ranges = 0;
    uint64_t at = 0;

    tp_reset();
    hv_level = hv_profile_find(level);
    for (unsigned n = 0; n < 20; n++)
        for (unsigned c = 0; c < 2; c++, nr_cpus++)
            cpu[nr_cpus] = (struct hv_cpu_desc){(uint16_t)n, (uint16_t)nr_cpus, 0, node(n)};
    for (unsigned half = 0; half < 2; half++)
        for (unsigned n = 0; n < MAP_NODES; n++) {
            if (n == 5 || n == 11)
                continue;
            range[nr_ranges++] = (struct hv_mem_range){at, at + (n + 1) * MAP_STEP, node(n)};
            at += (n + 1) * MAP_STEP + (half ? 0 : 4096); /* a hole behind each */
        }
    for (unsigned a = 0; a < MAP_NODES; a++)
        for (unsigned b = 0; b < MAP_NODES; b++)
            slit[a * MAP_NODES + b] = (uint8_t)(a == b ? 10 : 11 + (7 * a + 10 * b) % 240);
    info = (struct hv_boot_info){
        .nr_cpus = nr_cpus, .nr_nodes = MAP_NODES, .nr_ranges = nr_ranges, .cpu = cpu, .range = range, .slit = slit};
}

static void maps_of_24_nodes_without_symmetry(void)
{
    static const char *const levels[] = {"xen-4.3", "modern", "fixed", "arm-numa"};

    for (unsigned l = 0; l < ARRAY_SIZE(levels); l++) {
        twenty_four_nodes(levels[l]);
        CU_ASSERT_EQUAL_FATAL(numa_init(&info), 0);
        CU_ASSERT_EQUAL(hv_node_online.w, (1ull << MAP_NODES) - 1);
        CU_ASSERT_PTR_NULL(strstr(tp_console, "SLIT ignored"));
        for (unsigned a = 0; a < MAP_NODES; a++)
            for (unsigned b = 0; b < MAP_NODES; b++)
                CU_ASSERT_EQUAL(node_distance(node(a), node(b)), a == b ? 10 : 11 + (7 * a + 10 * b) % 240);
        CU_ASSERT_EQUAL_FATAL(mm_init(), 0);
        for (unsigned n = 0; n < MAP_NODES; n++) {
            uint64_t pages = n == 5 || n == 11 ? 0 : 2ull * (n + 1) * MAP_STEP - (n ? 0 : 256);
            CU_ASSERT_EQUAL(node_size_pages(node(n)), pages);
            CU_ASSERT_EQUAL(avail_node_pages(node(n)), pages);
            /* Exactly there: also from nodes without pCPUs, and never from those without memory. */
            mfn_t m = alloc_domheap_pages(NULL, 9, MEMF_node(node(n)) | MEMF_exact_node);
            CU_ASSERT_EQUAL(mfn_eq(m, MFN_INVALID), pages == 0);
            if (pages) {
                CU_ASSERT_EQUAL(mfn_to_node(m).n, n);
                free_domheap_pages(m, 9);
            } else {
                /* Not exactly: the next of the ring; distance has no part in it. */
                m = alloc_domheap_pages(NULL, 9, MEMF_node(node(n)));
                CU_ASSERT_EQUAL(mfn_to_node(m).n, n + 1);
                free_domheap_pages(m, 9);
            }
        }
        tp_set_cpu(11); /* of node 5: the next of the ring gives it */
        mfn_t m = alloc_domheap_pages(NULL, 0, 0);
        CU_ASSERT_EQUAL(mfn_to_node(m).n, 6);
        tp_set_cpu(0);
        CU_ASSERT_PTR_NULL(mm_check());
    }
}

static void bad_tables_are_refused(void)
{
    two_nodes();
    info.nr_cpus = 0;
    refused("0 pCPUs");
    info.nr_cpus = HV_MAX_PCPUS + 1;
    refused("4097 pCPUs");
    info.nr_nodes = 65;
    refused("65 nodes");
    info.nr_nodes = 0;
    refused("0 nodes");
    info.nr_ranges = 0;
    refused("0 memory ranges");
    info.nr_ranges = 257;
    refused("257 memory ranges");
    range[1].start_mfn--;
    refused("range 1 ");
    range[0] = range[1];
    refused("overlaps");
    range[1].end_mfn = range[1].start_mfn;
    refused("is empty");
    range[1].node = node(2);
    refused("node 2) is of a node that does not exist");
    range[1].end_mfn = (1ull << 40) + 1;
    refused("52 bits");
    cpu[3].node = node(2);
    refused("pCPU 3");
    cpu[3].core = HV_MAX_PCPUS;
    refused("too large");
    cpu[7].core = 0;
    refused("a core of another socket");
    info.nr_ranges = 1;
    range[0].end_mfn = 200;
    refused("no memory above the first MiB");
    CU_ASSERT_EQUAL(numa_init(&info), 0);
}

static void memory_beyond_the_level_is_ignored(void)
{
    static struct hv_profile tiny;
    two_nodes();
    tiny = *hv_level;
    tiny.max_host_bytes = 1ull << 30 | 4 << 20;
    hv_level = &tiny;
    CU_ASSERT_EQUAL(numa_init(&info), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "1020 MiB of memory ignored"));
    CU_ASSERT_EQUAL(numa_range(1)->end_mfn, (1u << 18) + 1024);
    CU_ASSERT_EQUAL(mm_init(), 0);
    CU_ASSERT_EQUAL(total_pages(), (1u << 18) + 1024 - 256);
    hv_level = hv_profile_find("xen-4.3");
}

static void a_smaller_machine_after_a_larger_one(void)
{
    two_nodes();
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++)
        cpu[c] = (struct hv_cpu_desc){(uint16_t)(c / 64), (uint16_t)c, 0, node(c % 2)};
    info.nr_cpus = HV_MAX_PCPUS;
    CU_ASSERT_EQUAL(numa_init(&info), 0);
    CU_ASSERT_EQUAL(cpumask_weight(&hv_cpu_online), HV_MAX_PCPUS);
    CU_ASSERT_EQUAL(cpumask_weight(node_to_cpumask(node(1))), HV_MAX_PCPUS / 2);
    two_nodes();
    CU_ASSERT_EQUAL(numa_init(&info), 0);
    /* Words above those in use are zero. */
    static const cpumask_t none;
    for (unsigned w = 1; w < HV_CPUMASK_WORDS; w++) {
        CU_ASSERT_EQUAL(hv_cpu_online.w[w], none.w[w]);
        CU_ASSERT_EQUAL(node_to_cpumask(node(1))->w[w], 0);
        CU_ASSERT_EQUAL(cpu_socket_mask(pcpu(0))->w[w], 0);
    }
    CU_ASSERT_EQUAL(cpumask_weight(cpu_sibling_mask(pcpu(7))), 2);
}

static const struct cunit_case tests[] = {
    {"topology is what the firmware says", topology_is_what_the_firmware_says},
    {"frames belong to the node of their range", frames_belong_to_the_node_of_their_range},
    {"distances come from a good SLIT, else 10 and 20", distances_come_from_a_good_slit},
    {"pCPUs without a node go round the nodes", pcpus_without_a_node_go_round},
    {"nodes without memory or pCPUs", nodes_without_memory_or_pcpus},
    {"maps of 24 nodes without symmetry", maps_of_24_nodes_without_symmetry},
    {"bad tables are refused, with the reason", bad_tables_are_refused},
    {"memory beyond the level is ignored, and said so", memory_beyond_the_level_is_ignored},
    {"a smaller machine after a larger one", a_smaller_machine_after_a_larger_one},
};
CUNIT_MAIN("hv-core/mm_numa", tests)
