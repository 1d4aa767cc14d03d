/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers for tests and benches: splitmix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014). Same on every host. */
#ifndef RANDOM_NUMBERS_H
#define RANDOM_NUMBERS_H

#include <stdint.h>

static uint64_t random_state; /* the seed, before the first */

static inline uint64_t random_next(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline double random_between(double low, double high)
{
    return low + (high - low) * (double)(random_next() >> 11) / 9007199254740992.0; /* 2^53 */
}

static inline unsigned random_below(unsigned n)
{
    return (unsigned)(random_next() % n);
}

#endif
