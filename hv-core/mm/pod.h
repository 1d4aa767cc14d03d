/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Populate on demand, private to mm/: an HVM guest that is told of more memory than it is given, until its balloon
 * driver gives the difference back. pod.c has entries, faults and targets, pod_cache.c the pages that wait, and
 * pod_reclaim.c what is done when they run out.
 *
 * M guest frames are marked at most; B of them are not ballooned out; T is what the domain has (tot_pages), P what is
 * behind guest frames. 0 <= P <= T <= B <= M; B - P entries are still to be populated (entry_count), T - P pages wait
 * for them in the cache (count). T <= B need not hold while the domain is being built, when the cache is filled first,
 * nor where entries have been populated by the toolstack rather than by a fault, nor until the cache is cut after
 * entries are gone (exceeds).
 *
 * The p2m lock guards all of it; the lists of the cache, as all lists of owned pages, page_alloc_lock too.
 */
#ifndef HV_MM_POD_H
#define HV_MM_POD_H

#include "mm/heap.h"

#define POD_HISTORY_MAX 128u  /* superpages populated last that are looked at again */
#define POD_SWEEP_LIMIT 1024u /* frames that a sweep looks at, if it has found something by then */
#define POD_SWEEP_STRIDE 16u  /* frames that it checks at a time */

struct pod {
    struct extent_list super;  /* superpages of 2 MiB */
    struct extent_list single; /* the rest; a page is taken from its head, of which the lowest */
    uint64_t count, entry_count;
    bool exceeds; /* the cache has more than there are entries, and may */

    uint64_t max_guest;                       /* highest guest frame that the guest has demanded */
    uint64_t reclaim_single;                  /* where the next sweep begins; 0: at max_guest */
    uint64_t last_populated[POD_HISTORY_MAX]; /* guest frames of superpages + 1; 0: none */
    unsigned last_index;
};

/* ---- pod_cache.c: p2m lock held ---------------------------------------------------------------------------------- */

/* Isolated pages of d's page list join the cache, scrubbed. */
void pod_cache_add(struct domain *d, uint64_t f, unsigned order);
/* A superpage or a page (order 0) leaves it for d's page list; FRAME_NONE: there is none, or no descriptors. */
uint64_t pod_cache_get(struct domain *d, unsigned order);
/*
 * Let it have so many pages: allocate, superpages first, or free. -HV_ERESTART: preempted, if it may be. -HV_ENOMEM: as
 * far as it could.
 */
int pod_cache_set_target(struct domain *d, uint64_t target, bool preemptible);

/* ---- pod_reclaim.c: p2m lock held ---------------------------------------------------------------------------------
 */

/* Those of n guest frames that are zero go to the cache. */
void pod_zero_check(struct domain *d, const uint64_t *g, unsigned n);
/* The same of a superpage as one; false: it is not, or not all zero. */
bool pod_zero_check_superpage(struct domain *d, uint64_t g);
/* A superpage has been populated: look at the one that was so longest ago. */
void pod_check_last_super(struct domain *d, uint64_t g);
/* The cache is empty: find something. */
void pod_emergency_sweep(struct domain *d);

#endif
