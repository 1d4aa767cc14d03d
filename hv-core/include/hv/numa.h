/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the firmware said about pCPUs, nodes and distances, as the core knows it after boot. */
#ifndef HV_NUMA_H
#define HV_NUMA_H

#include <hv/boot.h>
#include <hv/mask.h>

extern enum hv_arch hv_arch;
extern unsigned hv_nr_cpus; /* pCPUs 0..n-1, all online */
extern cpumask_t hv_cpu_online;
extern nodemask_t hv_node_online; /* nodes with memory or pCPUs */

/* 0 or -HV_EINVAL (with a message): more nodes or pCPUs than supported, overlap, bad SLIT. */
int numa_init(const struct hv_boot_info *info);

node_id cpu_to_node(pcpu_id c);
const cpumask_t *node_to_cpumask(node_id n);
/* Threads of the same core / pCPUs of the same socket, c included. */
const cpumask_t *cpu_sibling_mask(pcpu_id c);
const cpumask_t *cpu_socket_mask(pcpu_id c);
unsigned cpu_to_socket(pcpu_id c);
unsigned cpu_to_core(pcpu_id c); /* within its socket, as xl info tells it */
/* The node whose RAM holds this frame; NODE_INVALID for a hole. */
node_id mfn_to_node(mfn_t m);
/* The same as the firmware numbers them: where it is, also if the core knows one node only (ARM). For reports. */
node_id mfn_to_firmware_node(mfn_t m);
/* SLIT distance (10 = local). */
unsigned node_distance(node_id a, node_id b);

/* The RAM ranges, ascending. */
unsigned numa_nr_ranges(void);
const struct hv_mem_range *numa_range(unsigned i);
/* Span of a node in frames, holes included: [*start, *end). False if it has no memory. */
bool node_span(node_id n, uint64_t *start, uint64_t *end);

#endif
