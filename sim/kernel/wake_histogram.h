/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Latency histogram: log-linear buckets of 1/32 of a power of two, so a quantile is exact to 3 %; count and maximum are
 * exact. Fixed size, integer arithmetic only.
 */
#ifndef SIM_KERNEL_WAKE_HISTOGRAM_H
#define SIM_KERNEL_WAKE_HISTOGRAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WAKE_SUB_BITS 5u
#define WAKE_BUCKETS ((64u - WAKE_SUB_BITS + 1u) << WAKE_SUB_BITS)

struct wake_histogram {
    uint64_t count, max; /* ns */
    uint32_t bucket[WAKE_BUCKETS];
};

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

static inline void wake_histogram_add(struct wake_histogram *h, uint64_t ns)
{
    h->count++;
    if (ns > h->max)
        h->max = ns;
    h->bucket[wake_bucket_of(ns)]++;
}

/* Smallest bucket top below which at least the fraction num/den of the samples lie, at most the maximum; 0 if empty. */
static inline uint64_t wake_histogram_quantile(const struct wake_histogram *h, unsigned num, unsigned den)
{
    uint64_t need = (h->count * num + den - 1) / den, seen = 0;
    if (!h->count)
        return 0;
    for (unsigned b = 0; b < WAKE_BUCKETS; b++) {
        seen += h->bucket[b];
        if (seen >= need && h->bucket[b]) {
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
