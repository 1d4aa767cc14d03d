/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow twin of the buddy heap: one record per page in a flat array, every page freed by itself, the lists walked in
 * plain loops. Written from the rules alone; the fast heap must have the same lists after the same operations.
 */
#ifndef MM_TWIN_H
#define MM_TWIN_H

#include "mm/heap.h"

#define TWIN_NONE (~0u)

/* All memory of the ranges that numa_init() took, freed page by page in the order of Xen's boot. */
void twin_boot(unsigned first_node);
/* memflags as for the heap; here: the node of the executing pCPU. Returns a frame or TWIN_NONE; d->last_alloc_node. */
/* Nodes that the next search may take from (what is claimed on others is somebody else's). */
extern nodemask_t twin_nodes;

unsigned twin_alloc(struct domain *d, unsigned order, unsigned memflags, unsigned lo, unsigned hi, unsigned here);
/* The heap has found something, and could not give it. Looking moves dirty buddies. */
void twin_refused(struct domain *d, unsigned order, unsigned memflags, unsigned lo, unsigned hi, unsigned here);
/* Page by page, ascending. */
void twin_free(unsigned frame, unsigned order);
/* The same, of pages that must not be seen. */
void twin_free_dirty(unsigned frame, unsigned order);
/* An idle pCPU scrubs all of a node, undisturbed. */
void twin_scrub(unsigned node);
/* NULL if the heap has exactly these lists, else what differs. */
const char *twin_compare(void);
void twin_end(void);

#endif
