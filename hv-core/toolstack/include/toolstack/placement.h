/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxl's automatic NUMA placement, the decision alone: a pure function of what the host looked like when it was asked.
 * ts_domain_create gathers that state through hypercalls; tests and reports may give their own.
 */
#ifndef TOOLSTACK_PLACEMENT_H
#define TOOLSTACK_PLACEMENT_H

#include <hv/mask.h>
#include <hv/profile.h>

#ifdef __cplusplus
extern "C" {
#endif

/* With more nodes the number of candidates explodes (2^16 - 1 at 16): libxl does not try. */
#define TS_PLACEMENT_MAX_NODES 16u

struct ts_placement_node {
    uint64_t free_kb;
    unsigned nr_cpus;  /* pCPUs of the node: what the uniformity test looks at */
    unsigned suitable; /* those of them that the domain's cpupool has; 0: the node cannot be chosen */
    unsigned vcpus_on; /* vCPUs of all domains that may run here */
};

struct ts_placement_request {
    uint64_t need_kb;  /* memory with overheads, rounded up to 2 MiB (ts_memory_need_kb) */
    unsigned min_cpus; /* the domain's maximum number of vCPUs */
};

enum ts_placement_outcome {
    TS_PLACEMENT_FOUND,
    TS_PLACEMENT_NONE,          /* no set of nodes has the room */
    TS_PLACEMENT_TOO_MANY_NODES /* more than TS_PLACEMENT_MAX_NODES: not tried */
};

/*
 * The sets of k nodes, k from the fewest that could have enough pCPUs, in lexicographic order; of the first k with a
 * candidate (enough free memory and pCPUs) the one with the fewest vCPUs on it, then with the most free memory, then
 * the first. Distances play no part. The level's quirks placement_32bit_sum and placement_32bit_diff apply.
 */
enum ts_placement_outcome ts_placement_decide(const struct hv_profile *level, unsigned nr_nodes,
                                              const struct ts_placement_node *nodes,
                                              const struct ts_placement_request *req, nodemask_t *out);

/* The fewest nodes that the search starts with. */
unsigned ts_placement_min_nodes(unsigned nr_nodes, const struct ts_placement_node *nodes, unsigned min_cpus);

/*
 * KiB that a domain needs free on the host: memory + shadow + the constant overhead of its kind, rounded up to 2 MiB.
 */
uint64_t ts_memory_need_kb(bool hvm, uint64_t memory_kb, uint64_t maxmem_kb, unsigned maxvcpus);

#ifdef __cplusplus
}
#endif

#endif
