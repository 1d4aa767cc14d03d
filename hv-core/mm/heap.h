/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the memory manager: the buddy heap below the domain heap and the Xen heap. */
#ifndef HV_MM_HEAP_H
#define HV_MM_HEAP_H

#include "mm/frame.h"

#define NR_ZONES 40u /* 52 - 12: a frame is in the zone of the highest set bit of its number */

/* A list of extents of one order, linked through their descriptors. */
struct extent_list {
    uint32_t head, tail;
};

void extent_list_init(struct extent_list *l);
void extent_add_tail(struct extent_list *l, uint32_t f, struct frame *e);
void extent_del(struct extent_list *l, uint32_t f, struct frame *e);

/*
 * 2^order frames of zones lo..hi; FRAME_NONE if there are none. d: whose node affinity and last node count, NULL for
 * the hypervisor. The extent is marked in use (or Xen's), without an owner. Takes the heap lock.
 */
uint32_t alloc_heap_pages(unsigned zone_lo, unsigned zone_hi, unsigned order, unsigned memflags, struct domain *d);
/* Give an extent back as one or, with descriptors for its parts made by split_extent, piece by piece. */
void free_heap_pages(uint32_t f, unsigned order);
/* Turn an extent in use, on no list, into its two halves, both in use. -HV_ENOMEM: unchanged. */
int split_extent(uint32_t f, unsigned order);

/* All of RAM is free. Boot only. */
int heap_init(void);

/* Claims: moved between a domain and the heap's total with the heap lock held. */
int heap_set_claim(struct domain *d, uint64_t pages);
/* The domain got (or with grow lost) pages: its claim shrinks (or grows back). */
void heap_claim_used(struct domain *d, uint64_t pages);
void heap_claim_returned(struct domain *d, uint64_t pages);

const char *heap_check(void);

/* The list of extents in use that a domain owns, one list a level (frame.h); page_alloc_lock. */
struct domain_pages {
    struct extent_list level[3];
};

/* mm/xenheap.c: extents for the core itself, mapped. */
void *xenheap_get(unsigned order, uint32_t *f);
void xenheap_put(void *va, uint32_t f, unsigned order);
/* Boot: nothing is allocated. */
void xmalloc_reset(void);

/* mm/p2m.c */
int p2m_create(struct domain *d);
void p2m_destroy(struct domain *d);
/* -HV_EINVAL: out of range or misaligned; -HV_ENOMEM. */
int p2m_set(struct domain *d, uint64_t g, uint32_t f, unsigned order);
/* Frame behind g, FRAME_NONE if there is none; *order of the entry. */
uint32_t p2m_get(struct domain *d, uint64_t g, unsigned *order);
/* Remove 2^order frames from g on; entries larger than that are split first. */
int p2m_clear(struct domain *d, uint64_t g, unsigned order);

#endif
