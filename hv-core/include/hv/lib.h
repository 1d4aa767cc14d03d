/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assertions and small arithmetic. */
#ifndef HV_LIB_H
#define HV_LIB_H

#include <hv/port.h>

/* Always on: a violated invariant of the hypervisor is a panic, never a silently wrong result. */
#define BUG_ON(cond)                                                                                                   \
    do {                                                                                                               \
        if (__builtin_expect(!!(cond), 0))                                                                             \
            port_panic(__FILE__, __LINE__, "BUG_ON(" #cond ")");                                                       \
    } while (0)
#define ASSERT(cond)                                                                                                   \
    do {                                                                                                               \
        if (__builtin_expect(!(cond), 0))                                                                              \
            port_panic(__FILE__, __LINE__, "ASSERT(" #cond ")");                                                       \
    } while (0)

#define DIV_ROUND_UP(a, b) (((a) + (b)-1) / (b))

static inline unsigned hv_min_u(unsigned a, unsigned b)
{
    return a < b ? a : b;
}
static inline unsigned hv_max_u(unsigned a, unsigned b)
{
    return a > b ? a : b;
}
/* Index of the highest set bit; x must not be 0. */
static inline unsigned hv_fls64(uint64_t x)
{
    return 63u - (unsigned)__builtin_clzll(x);
}
/* Index of the lowest set bit; x must not be 0. */
static inline unsigned hv_ffs64(uint64_t x)
{
    return (unsigned)__builtin_ctzll(x);
}

/* printf to the console: %s %c %u %d %x %lu %ld %lx %llu %lld %llx %%, with width and 0 padding. */
void hv_printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same into a buffer of n bytes, always terminated (n > 0); returns the length that it would have had. */
int hv_snprintf(char *buf, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
