/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts of many TiB for the memory manager's scale test and benchmark: fill with domains, empty at random, fill again.
 * All through hypercalls, as the toolstack makes them.
 */
#ifndef MM_HOST_H
#define MM_HOST_H

#include "port_test.h"
#include <hv/domain.h>

struct mm_host {
    struct hv_mem_range range[HV_MAX_NODES];
    struct hv_cpu_desc cpu[HV_MAX_NODES];
    struct domain *guest[1024];
    unsigned nr_guests;
    uint64_t seed;
};

/* nodes of equal size, one pCPU each, memory without holes; level by name. 0 or the core's error. */
int mm_host_boot(struct mm_host *h, const char *level, unsigned nodes, uint64_t bytes);
/* One domain on the nodes (empty mask: all of them): as many 1 GiB extents as fit in its pages, then 2 MiB, then 4 KiB.
 * false: memory was short; the domain keeps what it got. */
bool mm_host_create(struct mm_host *h, uint64_t pages, nodemask_t nodes);
/* The same with extents of this order only. */
bool mm_host_create_of(struct mm_host *h, uint64_t pages, unsigned order);
void mm_host_destroy(struct mm_host *h, unsigned guest);
/* 0 .. n - 1, the same sequence for the same seed on every machine. */
uint64_t mm_host_random(struct mm_host *h, uint64_t n);
/* Extents of a domain by level: 4 KiB (and what is below 2 MiB), 2 MiB, 1 GiB. */
void mm_host_extents(const struct domain *d, uint64_t nr[3]);

#endif
