/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvsim replay wakes: how long a mostly sleeping guest waits after its timer, as on a real Xen.
 *
 * The rows of one scheduler and configuration are repetitions of one measurement: their histograms are added up and
 * held against one long simulation. Single microseconds cannot be compared: the recorded host was emulated, and even
 * alone on its pCPU the sleeper was 0.26 ms late on average and 15 ms at worst. What a scheduler does is larger than
 * that, and two kinds of delay are told apart by where they come from:
 *
 *   short   below 1 ms: preempted at once, within rate limit and noise;
 *   medium  1 to 30 ms: had to wait for a part of somebody's time slice;
 *   long    30 ms and more: had lost its turn for whole slices (30 ms in credit).
 *
 * Criteria, in the order in which they are printed. A "factor" is that of an order of magnitude (half of one to either
 * side, sqrt(10)); the samples (some 4,000 wake-ups recorded) fix the rarest class, 0.85 % long waits, to a factor of
 * 1.4 at two standard deviations, so that the factor, not the sample, decides.
 *
 *   Alone:       an input. The machine's late timers (models/machines/emulated-1s.toml) are made from the tail of these
 *                very rows, and it must come back: the part below 1 ms within half a point. The mean is at most the
 *                recorded one: the tenths of a millisecond that every recorded wake-up took are not modelled.
 *   Beside burners:
 *     added mean the mean less that of the sleeper alone (where the record has it), on both sides: within the factor.
 *     short      its part is no more than 15 points off: most wake-ups preempt at once, and the noise floor moves some
 *                1.5 points of them beyond 1 ms.
 *     medium     within the factor. The noise floor's part is in both.
 *     long       where at least 1 wake-up in 1,000 waited so long: within the factor, the rare very long waits of
 *                credit. Where fewer did, at most 1 in 1,000: the bounded waits of credit2.
 *     maximum    at most twice the longest recorded wait. Where there is a tail of very long waits, at least half of
 * it: it is made of whole time slices, so of multiples of tens of ms, which the emulation does not move. Where waits
 * are bounded, the longest of some thousands is the emulation's (alone, it was up to 15 ms): at least what the slowest
 * hundredth of the recorded wake-ups waited (the lower end of its bin).
 */
#include "replay.h"

#include "kernel/timer_wakes.h"
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WARMUP "4 s"
#define DURATION "12 s"
enum { SEEDS = 5 }; /* repetitions, as in the record: 6,000 wake-ups in all */

enum { NR_BINS = TIMER_WAKES_BOUNDS + 1, MAX_BURNERS = 1000, MAX_WAKES = 1000000000 };
/* Bins of the three classes: [0, FIRST_MEDIUM) short, [FIRST_MEDIUM, FIRST_LONG) medium, the rest long. */
enum { FIRST_MEDIUM = 3, FIRST_LONG = 7 };
#define MAX_WORD 100u

static const double magnitude = 3.1622776601683795; /* sqrt(10) */
static const double short_points = 15, input_points = 0.5, rare = 1e-3, maximum_factor = 2;

static const char *const bin_names[NR_BINS] = {"< 50 us", "< 200 us", "< 1 ms",  "< 5 ms",
                                               "< 10 ms", "< 20 ms",  "< 30 ms", "more"};

enum column { SCHEDULER, JOB, CONFIG, COUNT, MEAN, MAXIMUM, HISTOGRAM, NR_COLUMNS };

static const char *const columns[NR_COLUMNS + 1] = {
    "scheduler", "job", "config", "n", "mean_us", "max_us", "hist_lt50us_lt200us_lt1ms_lt5ms_lt10ms_lt20ms_lt30ms_more",
    NULL,
};

struct histogram {
    double count, sum_us, max_us, bin[NR_BINS];
};

/* One scheduler and configuration. */
struct measurement {
    const char *scheduler, *config;
    unsigned burners;
    size_t row; /* the first of it */
    struct histogram recorded, simulated;
    int exit;
    char where[PATH_MAX + 32], error[512];
};

struct wakes {
    const struct replay_options *o;
    struct csv csv;
    int column[NR_COLUMNS];
    size_t nr;
    struct measurement *m;
    unsigned passed, failed;
    FILE *out; /* --csv */
};

/* ---- the record ---------------------------------------------------------------------------------------------------
 */

/* "..._alone" or "..._vs_2burn": how many burners share the pCPU. */
static bool read_config(struct wakes *w, size_t i, const char **config, unsigned *burners, struct fault *f)
{
    if (!replay_table_word(w->o->file, &w->csv, i, w->column[CONFIG], MAX_WORD, config, f))
        return false;
    const char *alone = strstr(*config, "_alone"), *vs = strstr(*config, "_vs_");
    char *end = NULL;
    unsigned long n = vs ? strtoul(vs + 4, &end, 10) : 0;
    if (alone && !alone[6]) {
        *burners = 0;
        return true;
    }
    if (vs && end != vs + 4 && !strcmp(end, "burn") && n >= 1 && n <= MAX_BURNERS) {
        *burners = (unsigned)n;
        return true;
    }
    replay_table_fault(w->o->file, &w->csv, i, w->column[CONFIG], f,
                       "config '%s': expected NAME_alone or NAME_vs_Nburn, N from 1 to %d", *config, MAX_BURNERS);
    return false;
}

static bool read_histogram(struct wakes *w, size_t i, struct histogram *h, struct fault *f)
{
    const char *path = w->o->file, *p = csv_cell(&w->csv, i, w->column[HISTOGRAM]);
    unsigned count = 0;
    double mean = 0, max = 0, sum = 0;
    replay_table_uint(path, &w->csv, i, w->column[COUNT], 1, MAX_WAKES, &count, f);
    replay_table_double(path, &w->csv, i, w->column[MEAN], 0, 1e12, &mean, f);
    replay_table_double(path, &w->csv, i, w->column[MAXIMUM], 0, 1e12, &max, f);
    if (f->code != EXIT_DONE)
        return false;
    for (unsigned b = 0; b < NR_BINS; b++) {
        char *end;
        unsigned long n = strtoul(p, &end, 10);
        if (*p < '0' || *p > '9' || *end != (b + 1 < NR_BINS ? '/' : 0) || n > MAX_WAKES)
            return !replay_table_fault(path, &w->csv, i, w->column[HISTOGRAM], f,
                                       "histogram '%s': expected %d counts with '/' between them",
                                       csv_cell(&w->csv, i, w->column[HISTOGRAM]), NR_BINS);
        h->bin[b] += (double)n;
        sum += (double)n;
        p = end + 1;
    }
    if (sum != count)
        return !replay_table_fault(path, &w->csv, i, w->column[HISTOGRAM], f,
                                   "the counts of the histogram add up to %.0f, n is %u", sum, count);
    h->count += count;
    h->sum_us += mean * count;
    h->max_us = max > h->max_us ? max : h->max_us;
    return true;
}

static bool read_row(struct wakes *w, size_t i, struct fault *f)
{
    static const char *const known[] = {"credit", "credit2", NULL};
    const char *scheduler = NULL, *config = NULL, *name = csv_cell(&w->csv, i, w->column[SCHEDULER]);
    unsigned burners = 0;
    for (unsigned k = 0; known[k]; k++)
        scheduler = !strcmp(name, known[k]) ? known[k] : scheduler;
    if (!scheduler)
        return !replay_table_fault(w->o->file, &w->csv, i, w->column[SCHEDULER], f,
                                   "scheduler '%s': expected credit or credit2", name);
    if (!read_config(w, i, &config, &burners, f))
        return false;
    size_t k = 0;
    while (k < w->nr && (strcmp(w->m[k].scheduler, scheduler) != 0 || strcmp(w->m[k].config, config) != 0))
        k++;
    struct measurement *m = &w->m[k];
    if (k == w->nr) {
        w->nr++;
        *m = (struct measurement){.scheduler = scheduler, .config = config, .burners = burners, .row = i};
        snprintf(m->where, sizeof(m->where), "%s:%u:%u", w->o->file, w->csv.line[i],
                 w->csv.at[i * w->csv.nr_columns + (size_t)w->column[CONFIG]]);
    }
    return read_histogram(w, i, &m->recorded, f);
}

/* ---- the scenes ---------------------------------------------------------------------------------------------------
 */

static void take_result(void *ctx, size_t i, const struct scenario *s, const struct run_reply *reply)
{
    struct wakes *w = ctx;
    struct measurement *m = &w->m[i];
    const struct metrics *ms = &reply->result.metrics;
    (void)s;
    if (reply->exit != EXIT_DONE && m->exit == EXIT_DONE) {
        m->exit = reply->exit;
        snprintf(m->error, sizeof(m->error), "%s", reply->result.error);
    }
    const struct metric *count = metrics_find(ms, "vm.timer_wakes", "vm", "sleeper");
    if (reply->exit != EXIT_DONE || !count)
        return;
    struct histogram *h = &m->simulated;
    double max_us = 1e6 * metrics_find(ms, "vm.timer_latency_max", "vm", "sleeper")->value;
    h->count += count->value;
    h->sum_us += 1e6 * count->value * metrics_find(ms, "vm.timer_latency_mean", "vm", "sleeper")->value;
    h->max_us = max_us > h->max_us ? max_us : h->max_us;
    double below = 0;
    for (unsigned b = 0; b < TIMER_WAKES_BOUNDS; b++) {
        double all = metrics_find(ms, timer_wakes_bound[b].metric, "vm", "sleeper")->value;
        h->bin[b] += all - below;
        below = all;
    }
    h->bin[NR_BINS - 1] += count->value - below;
}

static int simulate(struct wakes *w, struct fault *f)
{
    size_t most = 0;
    for (size_t i = 0; i < w->nr; i++)
        most = w->m[i].burners > most ? w->m[i].burners : most;
    struct replay_scene *scene = calloc(w->nr, sizeof(*scene));
    struct replay_domain *domain = calloc(most + 1, sizeof(*domain));
    char(*name)[24] = calloc(most + 1, sizeof(*name));
    if (!scene || !domain || !name) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    } else {
        domain[0] = (struct replay_domain){.name = "sleeper", .workload = "sleeper", .vcpus = 1, .weight = 256};
        for (size_t k = 1; k <= most; k++) {
            snprintf(name[k], sizeof(name[k]), "burn%zu", k);
            domain[k] = (struct replay_domain){.name = name[k], .workload = "burn", .vcpus = 1, .weight = 256};
        }
        for (size_t i = 0; i < w->nr; i++) {
            const struct measurement *m = &w->m[i];
            scene[i] = (struct replay_scene){
                .where = m->where,
                .sched = m->scheduler,
                .level = w->o->level,
                .warmup = WARMUP,
                .duration = w->o->duration ? w->o->duration : DURATION,
                .dom0_workload = "dom0-light",
                .nr_cpus = 2,
                .nr_domains = m->burners + 1,
                .domain = domain,
            };
            snprintf(scene[i].name, sizeof(scene[i].name), "%03zu-%s-%s", i + 1, m->scheduler, m->config);
        }
        replay_run(w->o, scene, w->nr, w->o->seeds ? w->o->seeds : SEEDS, take_result, w, f);
    }
    free(scene);
    free(domain);
    free(name);
    return f->code;
}

/* ---- the comparison -----------------------------------------------------------------------------------------------
 */

/* Part of the wake-ups in bins [from, to). */
static double part(const struct histogram *h, unsigned from, unsigned to)
{
    double n = 0;
    for (unsigned b = from; b < to; b++)
        n += h->bin[b];
    return h->count > 0 ? n / h->count : 0;
}

static double mean_us(const struct histogram *h)
{
    return h->count > 0 ? h->sum_us / h->count : 0;
}

static void verdict(struct wakes *w, const struct measurement *m, const char *what, double recorded, double simulated,
                    double low, double high, const char *unit)
{
    bool pass = m->exit == EXIT_DONE && m->simulated.count > 0 && simulated >= low && simulated <= high;
    printf("%-9s %-26s %-16s recorded %9.3f  simulated %9.3f  allowed %9.3f to %9.3f %-2s  %s\n", m->scheduler,
           m->config, what, recorded, simulated, low, high, unit, pass ? "pass" : "FAIL");
    if (w->out)
        fprintf(w->out, "%s,%s,%s,%g,%g,%g,%g,%s,%s\n", m->scheduler, m->config, what, recorded, simulated, low, high,
                unit, pass ? "pass" : "FAIL");
    pass ? w->passed++ : w->failed++;
}

static void judge_alone(struct wakes *w, const struct measurement *m)
{
    const struct histogram *r = &m->recorded, *s = &m->simulated;
    verdict(w, m, "mean", mean_us(r) / 1e3, mean_us(s) / 1e3, 0, mean_us(r) / 1e3, "ms");
    double part_short = 100 * part(r, 0, FIRST_MEDIUM);
    verdict(w, m, "below 1 ms", part_short, 100 * part(s, 0, FIRST_MEDIUM), part_short - input_points,
            fmin(part_short + input_points, 100), "%");
}

/* The lower end of the bin in which the slowest hundredth of the wake-ups begins, in ms. */
static double slowest_hundredth_ms(const struct histogram *h)
{
    unsigned b = NR_BINS - 1;
    while (b > 0 && part(h, b, NR_BINS) < 0.01)
        b--;
    return b ? (double)timer_wakes_bound[b - 1].ns / 1e6 : 0;
}

static void judge_shared(struct wakes *w, const struct measurement *m, const struct measurement *alone)
{
    static const struct histogram nothing;
    const struct histogram *r = &m->recorded, *s = &m->simulated;
    const struct histogram *r0 = alone ? &alone->recorded : &nothing, *s0 = alone ? &alone->simulated : &nothing;
    double mean = (mean_us(r) - mean_us(r0)) / 1e3;
    verdict(w, m, "added mean", mean, (mean_us(s) - mean_us(s0)) / 1e3, mean / magnitude, mean * magnitude, "ms");

    double part_short = 100 * part(r, 0, FIRST_MEDIUM);
    verdict(w, m, "below 1 ms", part_short, 100 * part(s, 0, FIRST_MEDIUM), part_short - short_points,
            fmin(part_short + short_points, 100), "%");

    double medium = 100 * part(r, FIRST_MEDIUM, FIRST_LONG);
    verdict(w, m, "1 to 30 ms", medium, 100 * part(s, FIRST_MEDIUM, FIRST_LONG), medium / magnitude, medium * magnitude,
            "%");

    double part_long = part(r, FIRST_LONG, NR_BINS);
    bool tail = part_long >= rare;
    verdict(w, m, "30 ms and more", 100 * part_long, 100 * part(s, FIRST_LONG, NR_BINS),
            tail ? 100 * part_long / magnitude : 0, 100 * (tail ? part_long * magnitude : rare), "%");

    verdict(w, m, "maximum", r->max_us / 1e3, s->max_us / 1e3,
            tail ? r->max_us / 1e3 / maximum_factor : slowest_hundredth_ms(r), r->max_us / 1e3 * maximum_factor, "ms");
}

static void print_histogram(const struct measurement *m)
{
    const struct histogram *r = &m->recorded, *s = &m->simulated;
    printf("%s %s: %.0f wake-ups recorded, %.0f simulated\n", m->scheduler, m->config, r->count, s->count);
    if (m->exit != EXIT_DONE)
        printf("  the simulation failed: %s\n", m->error);
    printf("  %-10s %10s %10s\n", "waited", "recorded", "simulated");
    for (unsigned b = 0; b < NR_BINS; b++)
        printf("  %-10s %8.2f %% %8.2f %%\n", bin_names[b], 100 * part(r, b, b + 1), 100 * part(s, b, b + 1));
    printf("  %-10s %7.3f ms %7.3f ms\n", "mean", mean_us(r) / 1e3, mean_us(s) / 1e3);
    printf("  %-10s %7.3f ms %7.3f ms\n\n", "maximum", r->max_us / 1e3, s->max_us / 1e3);
}

/* The same scheduler without burners; NULL: not recorded. */
static const struct measurement *find_alone(const struct wakes *w, const struct measurement *m)
{
    for (size_t i = 0; i < w->nr; i++)
        if (!w->m[i].burners && !strcmp(w->m[i].scheduler, m->scheduler))
            return &w->m[i];
    return NULL;
}

static int report(struct wakes *w, struct fault *f)
{
    int worst = EXIT_DONE;
    if (w->o->csv) {
        w->out = fopen(w->o->csv, "we");
        if (!w->out)
            return fault_set(f, EXIT_HOST_FAILED, "%s: %m", w->o->csv);
        fputs("scheduler,config,what,recorded,simulated,least,most,unit,verdict\n", w->out);
    }
    for (size_t i = 0; i < w->nr; i++) {
        print_histogram(&w->m[i]);
        worst = w->m[i].exit > worst ? w->m[i].exit : worst;
    }
    for (size_t i = 0; i < w->nr; i++) {
        if (w->m[i].burners)
            judge_shared(w, &w->m[i], find_alone(w, &w->m[i]));
        else
            judge_alone(w, &w->m[i]);
    }
    if (w->out && (fflush(w->out) || ferror(w->out)))
        fault_set(f, EXIT_HOST_FAILED, "%s: %m", w->o->csv);
    if (w->out)
        fclose(w->out);
    int exit = replay_verdict(w->passed, w->failed);
    return worst > exit ? worst : exit;
}

int replay_wakes(const struct replay_options *o, struct fault *f)
{
    struct wakes w = {.o = o};
    int exit = EXIT_DONE;
    if (replay_table_read(o->file, columns, &w.csv, w.column, f) != EXIT_DONE)
        return f->code;
    w.m = calloc(w.csv.nr_rows, sizeof(*w.m));
    if (!w.m)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    for (size_t i = 0; w.m && i < w.csv.nr_rows && read_row(&w, i, f); i++)
        ;
    if (f->code == EXIT_DONE && simulate(&w, f) == EXIT_DONE)
        exit = report(&w, f);
    free(w.m);
    csv_free(&w.csv);
    return f->code != EXIT_DONE ? f->code : exit;
}
