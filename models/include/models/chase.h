/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A chain of dependent loads at random addresses within a working set: what caches, TLBs and page tables make of it, in
 * closed form.
 *
 * Hits. Every line of the working set is as likely to be next, so a cache with room for C of W bytes holds C / W of
 * them, whatever it replaces; inclusive levels count with their own size, exclusive ones with the sum. The lines of
 * page tables are not alike: a line of last-level entries covers many pages and is asked for more often than any line
 * of data. With items that are asked for at rates r_i, a cache of C lines holds item i with probability
 *
 *   1 - exp(-r_i T)          least recently used     (H. Che, Y. Tung, Z. Wang, JSAC 2002)
 *   r_i T / (1 + r_i T)      random replacement      (C. Fricker, P. Robert, J. Roberts, ITC 24, 2012)
 *
 * where T is such that these add up to C. Data alone gives C / W back.
 *
 * Translation. P pages and a TLB of E entries: it misses 1 - E / P. A miss of the last level costs a walk whose last
 * entries are in the caches, more if the walk cache misses (1 - entries * reach / W), and what it takes to fetch the
 * table's lines from where they are. In a guest the walk is two-dimensional (models/nested_walk.h).
 *
 * The buffer is contiguous in memory at the grain of a cache way (no page colours compete), and nothing prefetches a
 * random chain.
 */
#ifndef MODELS_CHASE_H
#define MODELS_CHASE_H

#include <models/rate.h>

#ifdef __cplusplus
extern "C" {
#endif

enum chase_page { CHASE_4K, CHASE_2M, CHASE_1G };

struct chase {
    double working_set;   /* bytes, at least a line */
    enum chase_page page; /* of the operating system that runs the chain */
    bool nested;          /* that is a guest, and the hypervisor maps it by */
    enum chase_page host_page;
};

/* Per access. */
struct chase_parts {
    double l1, l2, l3, memory;     /* data found there; adds up to 1 */
    double tlb1_miss;              /* first-level TLB */
    double tlb2_miss;              /* last level: a walk */
    double walk_cache_miss;        /* such a walk that begins further up */
    double table_l3, table_memory; /* table lines fetched from there; the rest is in L2 */
    double tlb_ns;                 /* of all that, table_* aside */
};

/* On the hardware thread cpu with the machine to itself. */
void chase_solve(const struct machine *m, unsigned cpu, const struct chase *c, struct chase_parts *out);

/* The same as a program whose instructions are the accesses, for the rate model to run. */
struct work_mix chase_mix(const struct machine *m, unsigned cpu, const struct chase_parts *p);

#ifdef __cplusplus
}
#endif

#endif
