/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The latency histogram against the sorted samples. */
#include "cunit_main.h"
#include "kernel/wake_histogram.h"
#include <stdlib.h>

static void test_buckets_tile_the_integers(void)
{
    uint64_t next = 0;
    for (unsigned b = 0; b < WAKE_BUCKETS - 1; b++) {
        CU_ASSERT_EQUAL_FATAL(wake_bucket_of(next), b);
        next = wake_bucket_top(b);
        CU_ASSERT_EQUAL_FATAL(wake_bucket_of(next), b);
        next++;
        if (next == 0) /* past 2^64 - 1 */
            return;
    }
    CU_ASSERT_EQUAL(wake_bucket_of(UINT64_MAX), WAKE_BUCKETS - 1);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_quantiles_are_within_a_bucket(void)
{
    enum { N = 20000 };
    static uint64_t v[N];
    static struct wake_histogram h;
    uint64_t x = 7;
    for (unsigned i = 0; i < N; i++) {
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        v[i] = (x >> 40) * ((x >> 20) & 1023); /* three decades */
        CU_ASSERT_TRUE(wake_histogram_add(&h, v[i]));
    }
    qsort(v, N, sizeof v[0], by_value);
    CU_ASSERT_EQUAL(h.count, N);
    CU_ASSERT_EQUAL(h.max, v[N - 1]);
    for (unsigned q = 1; q <= 100; q++) {
        uint64_t exact = v[((uint64_t)N * q + 99) / 100 - 1];
        uint64_t got = wake_histogram_quantile(&h, q, 100);
        CU_ASSERT_TRUE(got >= exact);
        CU_ASSERT_TRUE(got <= exact + exact / 32 + 1);
    }
    wake_histogram_clear(&h);
}

static void test_empty_and_single(void)
{
    struct wake_histogram h = {0};
    CU_ASSERT_EQUAL(wake_histogram_quantile(&h, 99, 100), 0);
    CU_ASSERT_TRUE(wake_histogram_add(&h, 123456));
    CU_ASSERT_EQUAL(wake_histogram_quantile(&h, 1, 100), 123456);
    CU_ASSERT_EQUAL(wake_histogram_quantile(&h, 100, 100), 123456);
    CU_ASSERT_TRUE(wake_histogram_add(&h, UINT64_MAX)); /* the last bucket of all */
    CU_ASSERT_EQUAL(wake_histogram_quantile(&h, 100, 100), UINT64_MAX);
    wake_histogram_clear(&h);
    CU_ASSERT_EQUAL(h.count, 0);
    CU_ASSERT_EQUAL(wake_histogram_quantile(&h, 50, 100), 0);
}

static const struct cunit_case tests[] = {
    {"every integer lies in exactly one bucket", test_buckets_tile_the_integers},
    {"quantiles are within 1/32 of the exact ones", test_quantiles_are_within_a_bucket},
    {"empty histogram and a single sample", test_empty_and_single},
};

CUNIT_MAIN("wake_histogram", tests)
