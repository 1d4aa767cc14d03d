/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of pCPUs and of nodes, with the semantics of Xen's helpers:
 *   first(m)        lowest member, or "none" (an id that is not valid) if empty
 *   next(n, m)      lowest member above n, or none
 *   cycle(n, m)     next, wrapping to first; n itself only if it is the sole member; none if empty
 *   last(m)         highest member, or none
 * "any" is first: a deterministic core never picks a random bit.
 *
 * A cpumask has room for HV_MAX_PCPUS bits; operations work on the words that the machine needs (hv_cpumask_words, set
 * once at boot), and the words above stay zero.
 */
#ifndef HV_MASK_H
#define HV_MASK_H

#include <hv/types.h>

#define HV_CPUMASK_WORDS (HV_MAX_PCPUS / 64u)

typedef struct {
    uint64_t w[HV_CPUMASK_WORDS];
} cpumask_t;

typedef struct {
    uint64_t w;
} nodemask_t;

/* Number of words in use: ceil(pCPUs of the machine / 64), 1 until boot says otherwise. */
#ifdef __cplusplus
extern "C" {
#endif
extern unsigned hv_cpumask_words;
#ifdef __cplusplus
}
#endif

/* The same, with what the compiler cannot know. */
static inline unsigned mask_words(void)
{
    if (hv_cpumask_words == 0 || hv_cpumask_words > HV_CPUMASK_WORDS)
        __builtin_unreachable();
    return hv_cpumask_words;
}

static inline void cpumask_clear_all(cpumask_t *m)
{
    for (unsigned i = 0; i < mask_words(); i++)
        m->w[i] = 0;
}
/* Members 0..n-1. */
static inline void cpumask_set_first(cpumask_t *m, unsigned n)
{
    for (unsigned i = 0; i < mask_words(); i++)
        m->w[i] = n >= (i + 1) * 64 ? ~0ull : n > i * 64 ? (1ull << (n - i * 64)) - 1 : 0;
}
static inline void cpumask_set(cpumask_t *m, pcpu_id c)
{
    m->w[c.n / 64] |= 1ull << (c.n % 64);
}
static inline void cpumask_clear(cpumask_t *m, pcpu_id c)
{
    m->w[c.n / 64] &= ~(1ull << (c.n % 64));
}
static inline bool cpumask_test(const cpumask_t *m, pcpu_id c)
{
    return (m->w[c.n / 64] >> (c.n % 64)) & 1;
}
static inline void cpumask_copy(cpumask_t *d, const cpumask_t *s)
{
    for (unsigned i = 0; i < mask_words(); i++)
        d->w[i] = s->w[i];
}
static inline void cpumask_and(cpumask_t *d, const cpumask_t *a, const cpumask_t *b)
{
    for (unsigned i = 0; i < mask_words(); i++)
        d->w[i] = a->w[i] & b->w[i];
}
static inline void cpumask_or(cpumask_t *d, const cpumask_t *a, const cpumask_t *b)
{
    for (unsigned i = 0; i < mask_words(); i++)
        d->w[i] = a->w[i] | b->w[i];
}
static inline void cpumask_andnot(cpumask_t *d, const cpumask_t *a, const cpumask_t *b)
{
    for (unsigned i = 0; i < mask_words(); i++)
        d->w[i] = a->w[i] & ~b->w[i];
}
static inline bool cpumask_empty(const cpumask_t *m)
{
    for (unsigned i = 0; i < mask_words(); i++)
        if (m->w[i])
            return false;
    return true;
}
static inline bool cpumask_equal(const cpumask_t *a, const cpumask_t *b)
{
    for (unsigned i = 0; i < mask_words(); i++)
        if (a->w[i] != b->w[i])
            return false;
    return true;
}
/* Is every member of a a member of b? */
static inline bool cpumask_subset(const cpumask_t *a, const cpumask_t *b)
{
    for (unsigned i = 0; i < mask_words(); i++)
        if (a->w[i] & ~b->w[i])
            return false;
    return true;
}
static inline bool cpumask_intersects(const cpumask_t *a, const cpumask_t *b)
{
    for (unsigned i = 0; i < mask_words(); i++)
        if (a->w[i] & b->w[i])
            return true;
    return false;
}
static inline unsigned cpumask_weight(const cpumask_t *m)
{
    unsigned n = 0;
    for (unsigned i = 0; i < mask_words(); i++)
        n += (unsigned)__builtin_popcountll(m->w[i]);
    return n;
}
/* |a & b| without building the set. */
static inline unsigned cpumask_weight_and(const cpumask_t *a, const cpumask_t *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < mask_words(); i++)
        n += (unsigned)__builtin_popcountll(a->w[i] & b->w[i]);
    return n;
}
static inline pcpu_id cpumask_first(const cpumask_t *m)
{
    for (unsigned i = 0; i < mask_words(); i++)
        if (m->w[i])
            return pcpu(i * 64 + (unsigned)__builtin_ctzll(m->w[i]));
    return PCPU_INVALID;
}
static inline pcpu_id cpumask_next(pcpu_id c, const cpumask_t *m)
{
    unsigned n = c.n + 1u;
    unsigned i = n / 64;
    if (i >= mask_words())
        return PCPU_INVALID;
    uint64_t w = m->w[i] & (~0ull << (n % 64));
    for (;;) {
        if (w)
            return pcpu(i * 64 + (unsigned)__builtin_ctzll(w));
        if (++i >= mask_words())
            return PCPU_INVALID;
        w = m->w[i];
    }
}
static inline pcpu_id cpumask_cycle(pcpu_id c, const cpumask_t *m)
{
    pcpu_id n = cpumask_next(c, m);
    return pcpu_valid(n) ? n : cpumask_first(m);
}
/* c if it is a member, else cycle(c, m). */
static inline pcpu_id cpumask_test_or_cycle(pcpu_id c, const cpumask_t *m)
{
    return cpumask_test(m, c) ? c : cpumask_cycle(c, m);
}
static inline pcpu_id cpumask_last(const cpumask_t *m)
{
    for (unsigned i = mask_words(); i-- > 0;)
        if (m->w[i])
            return pcpu(i * 64 + 63u - (unsigned)__builtin_clzll(m->w[i]));
    return PCPU_INVALID;
}
#define for_each_cpu(c, m) for ((c) = cpumask_first(m); pcpu_valid(c); (c) = cpumask_next((c), (m)))

static inline void nodemask_set(nodemask_t *m, node_id n)
{
    m->w |= 1ull << n.n;
}
static inline void nodemask_clear(nodemask_t *m, node_id n)
{
    m->w &= ~(1ull << n.n);
}
static inline bool nodemask_test(nodemask_t m, node_id n)
{
    return node_valid(n) && ((m.w >> n.n) & 1);
}
static inline bool nodemask_empty(nodemask_t m)
{
    return m.w == 0;
}
static inline unsigned nodemask_weight(nodemask_t m)
{
    return (unsigned)__builtin_popcountll(m.w);
}
static inline node_id nodemask_first(nodemask_t m)
{
    return m.w ? node((unsigned)__builtin_ctzll(m.w)) : NODE_INVALID;
}
static inline node_id nodemask_next(node_id n, nodemask_t m)
{
    uint64_t w = n.n >= 63 ? 0 : m.w & (~0ull << (n.n + 1));
    return w ? node((unsigned)__builtin_ctzll(w)) : NODE_INVALID;
}
static inline node_id nodemask_cycle(node_id n, nodemask_t m)
{
    node_id x = nodemask_next(n, m);
    return node_valid(x) ? x : nodemask_first(m);
}
#define for_each_node(n, m) for ((n) = nodemask_first(m); node_valid(n); (n) = nodemask_next((n), (m)))

#endif
