/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streams of random numbers, one for each entity.
 *
 * The seed of a stream is a 64-bit hash of (run seed, entity name). GSL seeds its Tausworthe generators from 32 bits
 * only; among a few thousand entities a shared seed would be likely within some hundred runs. So two of GSL's
 * generators run side by side, taus2 from one half of the hash and taus113 from the other, and their outputs are added
 * modulo 2^32.
 *
 * Variates are built from integers with + - * / alone, so they are the same on every machine.
 */
#include <workloads/stream.h>

#include <assert.h>
#include <gsl/gsl_rng.h>
#include <stdlib.h>

struct stream {
    gsl_rng *a, *b;
};

/* -ln(m) at m = 0.5 + i / (2 * EXP_STEPS), i = 0..EXP_STEPS (workloads/tables/make_exp_table.c). */
#define EXP_STEPS 256
static const double exp_table[EXP_STEPS + 1] = {
#include "exp_table.inc"
};

#define RESOLUTION 9007199254740992.0 /* 2^53: the uniform variates are multiples of 2^-53 */

/* Finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): every input bit reaches every output bit. */
static uint64_t mix64(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/* FNV-1a of the name, then mixed with the seed. */
static uint64_t hash_entity(uint64_t seed, const char *entity)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (const char *p = entity; *p; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3ull;
    return mix64(mix64(seed) ^ h);
}

struct stream *stream_open(uint64_t seed, const char *entity)
{
    struct stream *s = malloc(sizeof(*s));
    if (!s)
        return NULL;
    s->a = gsl_rng_alloc(gsl_rng_taus2);
    s->b = gsl_rng_alloc(gsl_rng_taus113);
    if (!s->a || !s->b) {
        stream_close(s);
        return NULL;
    }
    uint64_t h = hash_entity(seed, entity);
    gsl_rng_set(s->a, (unsigned long)(h & 0xffffffffu));
    gsl_rng_set(s->b, (unsigned long)(h >> 32));
    return s;
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    if (s->a)
        gsl_rng_free(s->a);
    if (s->b)
        gsl_rng_free(s->b);
    free(s);
}

static uint32_t next32(struct stream *s)
{
    return (uint32_t)gsl_rng_get(s->a) + (uint32_t)gsl_rng_get(s->b);
}

/* Uniform in [0, 2^53). */
static uint64_t next53(struct stream *s)
{
    uint64_t high = next32(s) >> 5; /* 27 bits */
    uint64_t low = next32(s) >> 6;  /* 26 bits */
    return high << 26 | low;
}

double stream_uniform(struct stream *s)
{
    return (double)next53(s) / RESOLUTION;
}

uint64_t stream_below(struct stream *s, uint64_t n)
{
    assert(n > 0);
    /* Draws from the incomplete last interval of n values are drawn again, so that every value is equally likely. */
    uint64_t excess = (UINT64_MAX % n + 1) % n; /* 2^64 mod n */
    uint64_t x;
    do {
        x = (uint64_t)next32(s) << 32;
        x |= next32(s);
    } while (x > UINT64_MAX - excess);
    return x % n;
}

double stream_jitter(struct stream *s, double mean, double jitter)
{
    return mean * (1.0 + jitter * (2.0 * stream_uniform(s) - 1.0));
}

/*
 * -ln(x) for x = k / 2^53, k in 1..2^53, written as x = m / 2^e with m in [0.5, 1]: -ln(x) = e ln 2 - ln(m).
 * Linear interpolation over steps of h = 1/512: the error is at most h^2 / 8 * max|1/m^2| = 1.91e-6, and never negative
 * (the function is convex).
 */
double stream_exponential(struct stream *s)
{
    uint64_t k = next53(s) + 1;
    unsigned e = (unsigned)__builtin_clzll(k) - 10; /* k has 54 - e bits (k = 2^53: 54 bits, e = 0, m = 1) */
    if (k == 1ull << 53)
        return 0.0;
    e -= 1; /* now k / 2^(53 - e) is in [0.5, 1) */
    double m = (double)(k << e) / RESOLUTION;
    double at = (m - 0.5) * (2.0 * EXP_STEPS);
    unsigned i = (unsigned)at;
    double part = at - (double)i;
    return (double)e * exp_table[0] + exp_table[i] + part * (exp_table[i + 1] - exp_table[i]);
}
