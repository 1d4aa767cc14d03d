/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "density.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

static const double family_level = 0.05; /* 95 % intervals; family-wise for the comparisons */
static const double auto_floor = 1.0;    /* percent */

/* Half width of the interval of a mean at two-sided level alpha. */
static double half_width(double se, double df, double alpha)
{
    return df > 0 ? se * gsl_cdf_tdist_Qinv(alpha / 2, df) : NAN;
}

static double standard_error(const double *v, size_t n)
{
    return n > 1 ? gsl_stats_sd(v, 1, n) / sqrt((double)n) : NAN;
}

void density_summarise(struct density_cell *c)
{
    c->mean = c->n ? gsl_stats_mean(c->value, 1, c->n) : NAN;
    c->ci95 = half_width(standard_error(c->value, c->n), (double)c->n - 1, family_level);
}

double density_gain_of_means(const struct density_program *p, double a, double b)
{
    return 100 * ((p->lower_is_better ? b / a : a / b) - 1);
}

/* Gains seed by seed, of the seeds that both have. */
static size_t paired_gains(const struct density_program *p, const struct density_cell *a, const struct density_cell *b,
                           double out[DENSITY_MAX_SEEDS])
{
    size_t n = 0;
    for (size_t i = 0, k = 0; i < a->n && k < b->n;) {
        if (a->seed[i] == b->seed[k])
            out[n++] = density_gain_of_means(p, a->value[i++], b->value[k++]);
        else if (a->seed[i] < b->seed[k])
            i++;
        else
            k++;
    }
    return n;
}

double density_gain(const struct density_program *p, const struct density_cell *a, const struct density_cell *b,
                    double *ci95)
{
    double gain[DENSITY_MAX_SEEDS];
    size_t n = paired_gains(p, a, b, gain);
    if (ci95)
        *ci95 = half_width(standard_error(gain, n), (double)n - 1, family_level);
    return a->n && b->n ? density_gain_of_means(p, a->mean, b->mean) : NAN;
}

void density_holm(size_t n, const double *m, const double *se, const double *df, double *half)
{
    for (size_t i = 0; i < n; i++) {
        double p = se[i] > 0 ? 2 * gsl_cdf_tdist_Q(fabs(m[i]) / se[i], df[i]) : m[i] != 0 ? 0 : 1;
        /* How many are more significant: the step of this one. Ties go by position. */
        size_t rank = 0;
        for (size_t k = 0; k < n; k++) {
            double q = se[k] > 0 ? 2 * gsl_cdf_tdist_Q(fabs(m[k]) / se[k], df[k]) : m[k] != 0 ? 0 : 1;
            rank += q < p || (q == p && k < i);
        }
        half[i] = half_width(se[i], df[i], family_level / (double)(n - rank));
    }
}

size_t density_compare_auto(const struct density *d, struct density_comparison out[DENSITY_PROGRAMS * DENSITY_MAX_VMS])
{
    enum { MAX = DENSITY_PROGRAMS * DENSITY_MAX_VMS };
    double mean[MAX], se[MAX], df[MAX], half[MAX], gain[DENSITY_MAX_SEEDS];
    size_t n = 0;
    for (unsigned p = 0; p < DENSITY_PROGRAMS; p++)
        for (unsigned vms = 1; vms <= DENSITY_MAX_VMS; vms++) {
            size_t pairs =
                paired_gains(&density_programs[p], &d->cell[p][DENSITY_AUTO][vms], &d->cell[p][DENSITY_ALL][vms], gain);
            if (pairs < 2)
                continue;
            out[n] = (struct density_comparison){.program = p, .vms = vms};
            mean[n] = gsl_stats_mean(gain, 1, pairs);
            se[n] = standard_error(gain, pairs);
            df[n++] = (double)pairs - 1;
        }
    density_holm(n, mean, se, df, half);
    for (size_t i = 0; i < n; i++) {
        out[i].gain = mean[i];
        out[i].interval = half[i];
        out[i].ok = mean[i] >= -fmax(auto_floor, half[i]);
    }
    return n;
}
