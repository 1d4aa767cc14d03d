/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Latency histogram: log-linear buckets of 1/32 of a power of two, so a quantile is exact to 3 %; count and maximum are
 * exact. Integer arithmetic only. The buckets of a power of two are there from the first sample in one of them on:
 * every VM has a histogram, and its latencies lie within a few powers of two.
 */
#ifndef SIM_KERNEL_WAKE_HISTOGRAM_H
#define SIM_KERNEL_WAKE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WAKE_SUB_BITS 5u
#define WAKE_ROWS (64u - WAKE_SUB_BITS + 1u)
#define WAKE_ROW (1u << WAKE_SUB_BITS)
#define WAKE_BUCKETS (WAKE_ROWS * WAKE_ROW)

struct wake_histogram {
    uint64_t count, max;      /* ns */
    uint32_t *row[WAKE_ROWS]; /* of WAKE_ROW buckets; NULL: all are empty */
};

/* What it holds is gone; it is empty. */
static inline void wake_histogram_clear(struct wake_histogram *h)
{
    for (unsigned r = 0; r < WAKE_ROWS; r++) {
        free(h->row[r]);
        h->row[r] = NULL;
    }
    h->count = h->max = 0;
}

static inline unsigned wake_bucket_of(uint64_t ns)
{
    if (ns < (1u << WAKE_SUB_BITS))
        return (unsigned)ns;
    unsigned top = 63u - (unsigned)__builtin_clzll(ns);
    unsigned shift = top - WAKE_SUB_BITS;
    return ((shift + 1u) << WAKE_SUB_BITS) + (unsigned)((ns >> shift) - (1u << WAKE_SUB_BITS));
}

/* Largest value that falls into bucket b. */
static inline uint64_t wake_bucket_top(unsigned b)
{
    if (b < (1u << WAKE_SUB_BITS))
        return b;
    unsigned shift = (b >> WAKE_SUB_BITS) - 1u;
    uint64_t low = (uint64_t)((b & ((1u << WAKE_SUB_BITS) - 1u)) + (1u << WAKE_SUB_BITS)) << shift;
    return low + ((uint64_t)1 << shift) - 1u;
}

/* false: out of memory. */
static inline bool wake_histogram_add(struct wake_histogram *h, uint64_t ns)
{
    unsigned b = wake_bucket_of(ns);
    uint32_t **row = &h->row[b / WAKE_ROW];
    if (!*row && !(*row = (uint32_t *)calloc(WAKE_ROW, sizeof(uint32_t))))
        return false;
    h->count++;
    if (ns > h->max)
        h->max = ns;
    (*row)[b % WAKE_ROW]++;
    return true;
}

/* Smallest bucket top below which at least the fraction num/den of the samples lie, at most the maximum; 0 if empty. */
static inline uint64_t wake_histogram_quantile(const struct wake_histogram *h, unsigned num, unsigned den)
{
    uint64_t need = (h->count * num + den - 1) / den, seen = 0;
    if (!h->count)
        return 0;
    for (unsigned b = 0; b < WAKE_BUCKETS; b++) {
        const uint32_t *row = h->row[b / WAKE_ROW];
        uint32_t in = row ? row[b % WAKE_ROW] : 0;
        seen += in;
        if (seen >= need && in) {
            uint64_t top = wake_bucket_top(b);
            return top < h->max ? top : h->max;
        }
    }
    return h->max;
}

#ifdef __cplusplus
}
#endif

#endif
