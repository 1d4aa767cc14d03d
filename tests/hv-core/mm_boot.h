/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory manager by itself, without domains, for the suites of the heap. */
#ifndef MM_BOOT_H
#define MM_BOOT_H

#include "mm/heap.h"
#include "port_test.h"

#include <cunit_main.h>
#include <stdio.h>

#define ALL_ZONES 0u, (NR_ZONES - 1)

/* numa_init and mm_init with one pCPU on each node and these ranges; bits: what dma_bits= says, 0: nothing. */
static inline void mm_boot_bits(const char *level, unsigned nr_nodes, const struct hv_mem_range *range,
                                unsigned nr_ranges, unsigned bits)
{
    static struct hv_cpu_desc cpu[HV_MAX_NODES];
    for (unsigned i = 0; i < nr_nodes; i++)
        cpu[i] = (struct hv_cpu_desc){(uint16_t)i, (uint16_t)i, 0, node(i)};
    struct hv_boot_info info = {
        .nr_cpus = nr_nodes, .nr_nodes = nr_nodes, .nr_ranges = nr_ranges, .cpu = cpu, .range = range};
    tp_reset();
    hv_level = hv_profile_find(level);
    CU_ASSERT_EQUAL_FATAL(numa_init(&info), 0);
    dma_bitsize_set(bits);
    CU_ASSERT_EQUAL_FATAL(mm_init(), 0);
    dma_bitsize_set(0);
}

static inline void mm_boot(const char *level, unsigned nr_nodes, const struct hv_mem_range *range, unsigned nr_ranges)
{
    mm_boot_bits(level, nr_nodes, range, nr_ranges, 0);
}

/* Every invariant that the memory manager knows. */
static inline void mm_check_all(void)
{
    const char *broken = mm_check();
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        CU_FAIL_FATAL("an invariant broke");
    }
}

#endif
