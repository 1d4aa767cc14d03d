/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "calibrate.h"

#include "run_child.h"
#include <gsl/gsl_errno.h>
#include <gsl/gsl_roots.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JOBS = 64, ALTERNATIONS = 3, MAX_STEPS = 40 };

/* Brackets of the two searches; the upper end of the first is the target's. */
static const double scale_low = 0.01, smt_low = 0.0, smt_high = 5.0;
/* Relative width of the bracket at which a search ends: far below the uncertainty of any published row. */
static const double tolerance = 2e-4;
/* Step for the slope, relative to the parameter. */
static const double slope_step = 0.05;

struct search {
    const struct calibration_target *t;
    const struct calibration_options *opt;
    double scale, smt;
    unsigned runs;
    bool failed;
    char error[512];
};

/* Mean over the VMs of what their benchmark reports, at the profile's own level. */
static double vm_mean(const struct metrics *ms, bool time)
{
    const char *want = time ? "vm.benchmark_time" : "vm.throughput";
    double sum = 0;
    unsigned n = 0;
    for (size_t i = 0; i < ms->nr; i++)
        if (!strcmp(ms->m[i].def->name, want) && strcmp(metric_label_value(&ms->m[i], "vm"), "Domain-0") != 0) {
            sum += ms->m[i].value;
            n++;
        }
    return n ? sum / n : 0;
}

static void fail(struct search *q, const char *what)
{
    if (!q->failed)
        snprintf(q->error, sizeof(q->error), "%s", what);
    q->failed = true;
}

/* Mean over seeds and VMs of one row; 0 after a failure. */
static double row(struct search *q, const char *path, unsigned count, double scale, double smt)
{
    char set[3][128];
    snprintf(set[0], sizeof(set[0]), "vm.0.count=%u", count);
    snprintf(set[1], sizeof(set[1]), "profile.%s.memory.scale=%.17g", q->t->program, scale);
    snprintf(set[2], sizeof(set[2]), "profile.%s.core.smt_slowdown=%.17g", q->t->program, smt);
    char workload[128];
    snprintf(workload, sizeof(workload), "vm.0.workload=\"%s\"", q->t->program);
    const char *const overrides[] = {set[0], workload, set[1], set[2], NULL};
    char *why = NULL;
    struct scenario *s = q->failed ? NULL : scenario_load(path, overrides, &why);
    if (!s) {
        fail(q, why ? why : "out of memory");
        free(why);
        return 0;
    }
    double sum = 0;
    for (unsigned base = 0; base < q->opt->seeds && !q->failed; base += q->opt->jobs) {
        struct run_child child[MAX_JOBS];
        unsigned n = 0;
        for (; n < q->opt->jobs && base + n < q->opt->seeds; n++) {
            struct run_options o = {.seed = base + n + 1};
            if (run_child_start(&child[n], q->opt->backend, s, &o, NULL, NULL)) {
                fail(q, "a simulation cannot be started");
                break;
            }
        }
        for (unsigned i = 0; i < n; i++) {
            struct run_reply a;
            while (!run_child_read(&child[i]))
                ;
            run_child_finish(&child[i], &a);
            if (a.exit)
                fail(q, a.result.error);
            else
                sum += vm_mean(&a.result.metrics, q->t->lower_is_better);
            run_reply_free(&a);
            q->runs++;
        }
    }
    scenario_free(s);
    return sum / q->opt->seeds;
}

/* How much faster b is than a. */
static double speedup(const struct search *q, double a, double b)
{
    return q->t->lower_is_better ? a / b : b / a;
}

static double sim_gain(struct search *q, double scale)
{
    return speedup(q, row(q, q->t->all, q->t->few, scale, q->smt), row(q, q->t->pinned, q->t->few, scale, q->smt));
}

static double sim_sharing(struct search *q, double smt)
{
    return speedup(q, row(q, q->t->all, q->t->few, q->scale, smt), row(q, q->t->all, q->t->middle, q->scale, smt));
}

static double published_gain(const struct search *q)
{
    return speedup(q, q->t->all_few.mean, q->t->pinned_few.mean);
}

static double published_sharing(const struct search *q)
{
    return speedup(q, q->t->all_few.mean, q->t->all_middle.mean);
}

static double gain_error(double scale, void *q)
{
    return sim_gain(q, scale) - published_gain(q);
}

static double sharing_error(double smt, void *q)
{
    return sim_sharing(q, smt) - published_sharing(q);
}

static double root(struct search *q, double (*f)(double, void *), double low, double high, const char *what)
{
    double at_low = f(low, q), at_high = f(high, q);
    if (q->failed)
        return low;
    if (at_low == 0 || (at_low > 0) == (at_high > 0)) {
        /* The published row lies outside of what the parameter can do: the nearest end, and the residual says so. */
        if (q->opt->log)
            fprintf(q->opt->log, "%s: %s is at the end of its range (errors %g and %g)\n", q->t->program, what, at_low,
                    at_high);
        return fabs(at_low) <= fabs(at_high) ? low : high;
    }
    gsl_error_handler_t *old = gsl_set_error_handler_off();
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    gsl_function fn = {f, q};
    double x = low;
    if (!solver || gsl_root_fsolver_set(solver, &fn, low, high))
        fail(q, "the root finder refused its bracket");
    for (unsigned i = 0; i < MAX_STEPS && !q->failed; i++) {
        if (gsl_root_fsolver_iterate(solver))
            fail(q, "the root finder gave up");
        x = gsl_root_fsolver_root(solver);
        if (gsl_root_test_interval(gsl_root_fsolver_x_lower(solver), gsl_root_fsolver_x_upper(solver), 0, tolerance) ==
            GSL_SUCCESS)
            break;
    }
    if (solver)
        gsl_root_fsolver_free(solver);
    gsl_set_error_handler(old);
    if (q->opt->log)
        fprintf(q->opt->log, "%s: %s = %.5g (%u runs so far)\n", q->t->program, what, x, q->runs);
    return x;
}

static double slope(struct search *q, double (*f)(double, void *), double x)
{
    double h = x > 0 ? x * slope_step : slope_step;
    double low = x - h < 0 ? 0 : x - h;
    return (f(x + h, q) - f(low, q)) / (x + h - low);
}

static double relative(struct calibration_row r)
{
    return r.sd / r.mean;
}

/* Standard deviation of the ratio of two independent rows. */
static double ratio_sd(double ratio, struct calibration_row a, struct calibration_row b)
{
    return ratio * sqrt(relative(a) * relative(a) + relative(b) * relative(b));
}

/* The factor by which the work per instruction must grow so that both rows at the fewest VMs come out on average. */
static void level(struct search *q, struct calibration *out)
{
    double a = row(q, q->t->all, q->t->few, q->scale, q->smt), p = row(q, q->t->pinned, q->t->few, q->scale, q->smt);
    if (q->failed)
        return;
    double fa = q->t->all_few.mean / a, fp = q->t->pinned_few.mean / p;
    out->level.value = 0.5 * (fa + fp);
    out->residual_level_pct = 50 * fabs(fa - fp) / out->level.value;
    double ra = relative(q->t->all_few), rp = relative(q->t->pinned_few);
    out->level.uncertainty = out->level.value * 0.5 * sqrt(ra * ra + rp * rp);
}

int calibrate_program(const struct calibration_target *t, const struct calibration_options *opt,
                      struct calibration *out, char *err, size_t errlen)
{
    struct search q = {.t = t, .opt = opt, .scale = 1, .smt = 0.4};
    memset(out, 0, sizeof(*out));
    if (opt->seeds < 1 || opt->jobs < 1 || opt->jobs > MAX_JOBS) {
        snprintf(err, errlen, "calibration needs at least one seed and 1 to %d jobs", MAX_JOBS);
        return EXIT_BAD_INPUT;
    }
    for (unsigned i = 0; i < ALTERNATIONS && !q.failed; i++) {
        q.scale = root(&q, gain_error, scale_low, t->scale_most, "memory.scale");
        q.smt = root(&q, sharing_error, smt_low, smt_high, "core.smt_slowdown");
    }
    out->scale.value = q.scale;
    out->smt.value = q.smt;
    out->residual_gain_points = 100 * gain_error(q.scale, &q);
    out->residual_smt_pct = 100 * sharing_error(q.smt, &q) / published_sharing(&q);
    out->scale.uncertainty =
        fabs(ratio_sd(published_gain(&q), t->all_few, t->pinned_few) / slope(&q, gain_error, q.scale));
    out->smt.uncertainty =
        fabs(ratio_sd(published_sharing(&q), t->all_few, t->all_middle) / slope(&q, sharing_error, q.smt));
    level(&q, out);
    out->runs = q.runs;
    if (q.failed) {
        snprintf(err, errlen, "%s", q.error);
        return EXIT_BAD_INPUT;
    }
    return EXIT_DONE;
}
