/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random streams: independent of one another, uniform, exponential within the stated bound, the same everywhere. */
#include <workloads/stream.h>

#include <cunit_main.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#define SEED 20130709u
#define DRAWS 200000
#define BINS 100
#define P_MIN 1e-4                 /* seeds are fixed: a p value below this means a broken stream, not bad luck */
#define EXP_BOUND (1.0 / 524288.0) /* (1/512)^2 / 8 * 4, see stream_exponential */

static void equal_draws(struct stream *a, struct stream *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        CU_ASSERT_EQUAL(stream_below(a, UINT64_MAX), stream_below(b, UINT64_MAX));
}

static void same_name_same_stream(void)
{
    struct stream *a = stream_open(SEED, "vm-1/vcpu0"), *b = stream_open(SEED, "vm-1/vcpu0");
    equal_draws(a, b, 1000);
    stream_close(a);
    stream_close(b);
}

/* Others that are opened before, or draw in between, change nothing. */
static void entities_do_not_disturb_each_other(void)
{
    struct stream *alone = stream_open(SEED, "vm-1/vcpu0");
    struct stream *other = stream_open(SEED, "vm-2/vcpu0");
    struct stream *among = stream_open(SEED, "vm-1/vcpu0");
    for (int i = 0; i < 1000; i++) {
        stream_uniform(other);
        equal_draws(alone, among, 1);
        stream_below(other, 7);
    }
    stream_close(alone);
    stream_close(other);
    stream_close(among);
}

static double correlation(uint64_t seed_a, const char *a, uint64_t seed_b, const char *b)
{
    static double x[DRAWS], y[DRAWS];
    struct stream *s = stream_open(seed_a, a), *t = stream_open(seed_b, b);
    for (int i = 0; i < DRAWS; i++) {
        x[i] = stream_uniform(s);
        y[i] = stream_uniform(t);
    }
    stream_close(s);
    stream_close(t);
    return gsl_stats_correlation(x, 1, y, 1, DRAWS);
}

static void other_names_and_seeds_are_uncorrelated(void)
{
    double bound = 4.5 / sqrt(DRAWS);
    CU_ASSERT(fabs(correlation(SEED, "vm-1", SEED, "vm-2")) < bound);
    CU_ASSERT(fabs(correlation(SEED, "vm-1", SEED + 1, "vm-1")) < bound);
    CU_ASSERT(fabs(correlation(0, "", 0, "a")) < bound);
    CU_ASSERT(fabs(correlation(1, "a", 1ull << 32 | 1, "a")) < bound); /* every bit of the seed counts */
}

static double chi_square_p(const unsigned *count, unsigned bins, double expected)
{
    double chi = 0;
    for (unsigned i = 0; i < bins; i++)
        chi += (count[i] - expected) * (count[i] - expected) / expected;
    return gsl_cdf_chisq_Q(chi, bins - 1);
}

static void plausible(double p)
{
    CU_ASSERT(p > P_MIN);
    CU_ASSERT(p < 1 - P_MIN); /* too even is as wrong as too uneven */
}

static void uniform_is_uniform(void)
{
    unsigned count[BINS] = {0}, pair[BINS] = {0};
    struct stream *s = stream_open(SEED, "uniform");
    double previous = stream_uniform(s);
    for (int i = 0; i < DRAWS; i++) {
        double u = stream_uniform(s);
        CU_ASSERT(u >= 0 && u < 1);
        count[(unsigned)(u * BINS)]++;
        if (i % 2)
            pair[(unsigned)(u * 10) * 10 + (unsigned)(previous * 10)]++;
        previous = u;
    }
    plausible(chi_square_p(count, BINS, (double)DRAWS / BINS));
    plausible(chi_square_p(pair, BINS, (double)DRAWS / 2 / BINS));
    stream_close(s);
}

static void below_is_uniform_and_below(void)
{
    unsigned count[7] = {0};
    struct stream *s = stream_open(SEED, "below");
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = stream_below(s, 7);
        CU_ASSERT_FATAL(x < 7);
        count[x]++;
        CU_ASSERT_EQUAL(stream_below(s, 1), 0);
    }
    plausible(chi_square_p(count, 7, DRAWS / 7.0));

    /* The worst case of rejection: just over half of the range. A plain remainder would favour the lower part. */
    uint64_t n = (1ull << 63) + 1;
    unsigned half[2] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = stream_below(s, n);
        CU_ASSERT_FATAL(x < n);
        half[x >= n / 2]++;
    }
    plausible(chi_square_p(half, 2, DRAWS / 2.0));
    stream_close(s);
}

static void jitter_stays_in_its_range(void)
{
    struct stream *s = stream_open(SEED, "jitter");
    double sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = stream_jitter(s, 10.0, 0.25);
        CU_ASSERT(x >= 7.5 && x < 12.5);
        sum += x;
    }
    /* standard deviation of one draw: 2.5 / sqrt(3) */
    CU_ASSERT_DOUBLE_EQUAL(sum / DRAWS, 10.0, 4.5 * 2.5 / sqrt(3.0 * DRAWS));
    CU_ASSERT_EQUAL(stream_jitter(s, 10.0, 0.0), 10.0);
    stream_close(s);
}

/* Both streams draw the same integer k; one gives k / 2^53, the other -ln((k + 1) / 2^53). */
static void exponential_is_the_logarithm_within_its_bound(void)
{
    struct stream *e = stream_open(SEED, "exp"), *u = stream_open(SEED, "exp");
    double worst = 0, largest = 0;
    for (int i = 0; i < 10 * DRAWS; i++) {
        double got = stream_exponential(e);
        double x = stream_uniform(u) + ldexp(1, -53);
        double error = got + log(x);
        CU_ASSERT(error > -1e-14 && error < EXP_BOUND); /* a chord lies above a convex curve */
        worst = fmax(worst, error);
        largest = fmax(largest, got);
    }
    CU_ASSERT(worst > EXP_BOUND / 2); /* the bound is not idle */
    CU_ASSERT(largest > 12);          /* ln(2e6) is 14.5: the tail is there */
    stream_close(e);
    stream_close(u);
}

static void exponential_has_mean_and_variance_one(void)
{
    static double x[DRAWS];
    struct stream *s = stream_open(SEED, "moments");
    for (int i = 0; i < DRAWS; i++)
        x[i] = stream_exponential(s);
    CU_ASSERT_DOUBLE_EQUAL(gsl_stats_mean(x, 1, DRAWS), 1.0, 4.5 / sqrt(DRAWS));
    CU_ASSERT_DOUBLE_EQUAL(gsl_stats_variance(x, 1, DRAWS), 1.0, 4.5 * sqrt(8.0 / DRAWS));
    stream_close(s);
}

/* Results of published runs depend on these. */
static void values_never_change(void)
{
    struct stream *s = stream_open(1, "vm-1/vcpu0");
    CU_ASSERT_EQUAL(stream_below(s, 1000000000), 724131002u);
    CU_ASSERT_EQUAL(stream_uniform(s), 0x1.b95a708bf5814p-1);
    CU_ASSERT_EQUAL(stream_exponential(s), 0x1.d95b248a2da2bp-1);
    stream_close(s);
}

static const struct cunit_case tests[] = {
    {"the same seed and name give the same stream", same_name_same_stream},
    {"entities do not disturb each other", entities_do_not_disturb_each_other},
    {"other names and seeds are uncorrelated", other_names_and_seeds_are_uncorrelated},
    {"uniform: single draws and pairs", uniform_is_uniform},
    {"below: uniform, also where many draws are rejected", below_is_uniform_and_below},
    {"jitter stays in its range, with the right mean", jitter_stays_in_its_range},
    {"exponential: error against -ln within the bound", exponential_is_the_logarithm_within_its_bound},
    {"exponential: mean and variance", exponential_has_mean_and_variance_one},
    {"golden values", values_never_change},
};

CUNIT_MAIN("stream", tests)
