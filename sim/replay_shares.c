/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvsim replay shares: CPU time by weight and cap, as a real Xen divided it.
 *
 * Rows of one run (same scheduler, configuration, pool) are the guests of one scene. Every guest computes for ever on
 * each of its vCPUs; what is compared is its part of what all guests of the run got. The part of a guest that is alone
 * says nothing: where it has a cap, its time in percent of one pCPU is compared instead.
 */
#include "replay.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <toolstack/toolstack.h>

#define WARMUP "4 s"
#define DURATION "41 s" /* what was measured */
/*
 * Ticks and accounting of credit drift against one another on a real host, by the latency of every timer interrupt, so
 * that a measurement sees all their phases. In the simulated one they keep the phase that the seed gives them, and
 * shares move with it by some tenths of a point (weights that compete for several pCPUs: by a whole one). Hence a mean.
 */
enum { SEEDS = 5 };

/* Limits of what a scenario can hold. */
enum { MAX_PCPUS = 4095, MAX_WEIGHT = 65535 };
#define MAX_NAME (sizeof(((struct ts_domain_config *)0)->name) - 1)
#define MAX_WORD 100u
/* Expected figures are written with two decimals; binary fractions of them are not exact. */
#define ROUNDING 1e-9

enum column {
    SCHEDULER,
    CONFIG,
    POOL_PCPUS,
    DOM0_IN_POOL,
    AFFINITY,
    DOMAIN,
    WEIGHT,
    CAP,
    VCPUS,
    SHARE,
    PCT,
    TOLERANCE,
    NR_COLUMNS
};

static const char *const columns[NR_COLUMNS + 1] = {
    "scheduler", "config", "pool_pcpus",         "dom0_in_pool",    "guest_hard_affinity", "domain", "weight",
    "cap",       "vcpus",  "share_of_domUs_pct", "pct_of_one_pcpu", "tolerance_points",    NULL,
};

struct row {
    const char *scheduler, *config, *affinity, *domain;
    unsigned pool_pcpus, dom0_in_pool, weight, cap, vcpus;
    double share, pct, tolerance;
    bool by_affinity; /* a configuration that was measured with several affinities */
    size_t run;       /* index of its scene */
    double cpu_s;     /* simulated, over all seeds, as window_s */
    double share_is, pct_is;
    bool absolute; /* pct is compared, not share */
    bool pass;
};

struct outcome {
    char where[PATH_MAX + 32];
    double window_s;
    int exit;
    char error[512];
};

struct shares {
    const struct replay_options *o;
    struct csv csv;
    int column[NR_COLUMNS];
    struct row *row;
    size_t nr_runs;
    struct replay_scene *scene;
    struct replay_domain *domain; /* of all scenes, one after the other */
    struct outcome *outcome;      /* of each scene */
};

/* ---- the record ---------------------------------------------------------------------------------------------------
 */

static void read_scheduler(struct shares *s, size_t i, struct fault *f)
{
    static const char *const known[] = {"credit", "credit2", NULL};
    const char *name = csv_cell(&s->csv, i, s->column[SCHEDULER]);
    for (unsigned k = 0; known[k]; k++)
        if (!strcmp(known[k], name))
            s->row[i].scheduler = known[k];
    if (!s->row[i].scheduler)
        replay_table_fault(s->o->file, &s->csv, i, s->column[SCHEDULER], f,
                           "scheduler '%s': expected credit or credit2, which divide time by weight", name);
}

static void read_affinity(struct shares *s, size_t i, struct fault *f)
{
    const char *text = csv_cell(&s->csv, i, s->column[AFFINITY]);
    s->row[i].affinity = text;
    /* The loader of scenarios knows the grammar; this keeps the text inside its quotes. */
    if (!*text || text[strspn(text, "0123456789-,^:abcdefghijklmnopqrstuvwxyz")] || strlen(text) > MAX_WORD)
        replay_table_fault(s->o->file, &s->csv, i, s->column[AFFINITY], f,
                           "guest_hard_affinity '%s': expected a list of pCPUs as in xl.cfg, or all", text);
}

static bool read_row(struct shares *s, size_t i, struct fault *f)
{
    struct row *r = &s->row[i];
    const char *path = s->o->file;
    const struct csv *c = &s->csv;
    const int *col = s->column;
    read_scheduler(s, i, f);
    replay_table_word(path, c, i, col[CONFIG], MAX_WORD, &r->config, f);
    replay_table_uint(path, c, i, col[POOL_PCPUS], 1, MAX_PCPUS, &r->pool_pcpus, f);
    replay_table_uint(path, c, i, col[DOM0_IN_POOL], 0, 1, &r->dom0_in_pool, f);
    read_affinity(s, i, f);
    replay_table_word(path, c, i, col[DOMAIN], MAX_NAME, &r->domain, f);
    replay_table_uint(path, c, i, col[WEIGHT], 1, MAX_WEIGHT, &r->weight, f);
    replay_table_uint(path, c, i, col[VCPUS], 1, HV_MAX_VCPUS_PER_DOMAIN, &r->vcpus, f);
    replay_table_uint(path, c, i, col[CAP], 0, 100 * (r->vcpus ? r->vcpus : 1), &r->cap, f);
    replay_table_double(path, c, i, col[SHARE], 0, 100, &r->share, f);
    replay_table_double(path, c, i, col[PCT], 0, 100.0 * MAX_PCPUS, &r->pct, f);
    replay_table_double(path, c, i, col[TOLERANCE], 0, 100, &r->tolerance, f);
    return f->code == EXIT_DONE;
}

static bool same_configuration(const struct row *a, const struct row *b)
{
    return !strcmp(a->scheduler, b->scheduler) && !strcmp(a->config, b->config) && a->pool_pcpus == b->pool_pcpus &&
           a->dom0_in_pool == b->dom0_in_pool;
}

static bool same_run(const struct row *a, const struct row *b)
{
    return same_configuration(a, b) && (!a->by_affinity || !strcmp(a->affinity, b->affinity));
}

/*
 * Which rows are one run. Guests of a run may differ in affinity; but where a guest comes twice in a configuration, it
 * was measured with one affinity after the other, and rows of the same affinity belong together.
 */
static void group(struct shares *s, struct fault *f)
{
    size_t n = s->csv.nr_rows;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (same_configuration(&s->row[i], &s->row[k]) && !strcmp(s->row[i].domain, s->row[k].domain))
                s->row[i].by_affinity = s->row[k].by_affinity = true;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n && !s->row[i].by_affinity; k++)
            s->row[i].by_affinity = s->row[k].by_affinity && same_configuration(&s->row[i], &s->row[k]);
    for (size_t i = 0; i < n && f->code == EXIT_DONE; i++) {
        s->row[i].run = s->nr_runs;
        for (size_t k = 0; k < i; k++) {
            if (!same_run(&s->row[i], &s->row[k]))
                continue;
            s->row[i].run = s->row[k].run;
            if (!strcmp(s->row[i].domain, s->row[k].domain))
                replay_table_fault(s->o->file, &s->csv, i, s->column[DOMAIN], f,
                                   "domain '%s' of this configuration stands in line %u already", s->row[i].domain,
                                   s->csv.line[k]);
        }
        s->nr_runs += s->row[i].run == s->nr_runs;
    }
}

/* ---- the scenes ---------------------------------------------------------------------------------------------------
 */

static bool make_scenes(struct shares *s, struct fault *f)
{
    size_t n = s->csv.nr_rows, used = 0;
    s->scene = calloc(s->nr_runs, sizeof(*s->scene));
    s->domain = calloc(n, sizeof(*s->domain));
    s->outcome = calloc(s->nr_runs, sizeof(*s->outcome));
    if (!s->scene || !s->domain || !s->outcome) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return false;
    }
    for (size_t run = 0; run < s->nr_runs; run++) {
        struct replay_scene *q = &s->scene[run];
        q->domain = &s->domain[used];
        for (size_t i = 0; i < n; i++) {
            const struct row *r = &s->row[i];
            if (r->run != run)
                continue;
            if (!q->nr_domains) {
                snprintf(q->name, sizeof(q->name), "%03zu-%s-%s", run + 1, r->scheduler, r->config);
                snprintf(s->outcome[run].where, sizeof(s->outcome[run].where), "%s:%u:%u", s->o->file, s->csv.line[i],
                         s->csv.at[i * s->csv.nr_columns + (size_t)s->column[CONFIG]]);
                q->sched = r->scheduler;
                q->nr_cpus = r->pool_pcpus + !r->dom0_in_pool;
                q->dom0_in_pool = r->dom0_in_pool;
            }
            s->domain[used++] = (struct replay_domain){
                .name = r->domain,
                .cpus = strcmp(r->affinity, "all") ? r->affinity : NULL,
                .workload = "burn",
                .vcpus = r->vcpus,
                .weight = r->weight,
                .cap = r->cap,
            };
            q->nr_domains++;
        }
        q->where = s->outcome[run].where;
        q->level = s->o->level;
        q->warmup = WARMUP;
        q->duration = s->o->duration ? s->o->duration : DURATION;
        q->dom0_workload = "dom0-light";
    }
    return true;
}

static void take_result(void *ctx, size_t run, const struct scenario *scenario, const struct run_reply *reply)
{
    struct shares *s = ctx;
    struct outcome *out = &s->outcome[run];
    out->window_s += (double)scenario->duration_ps / 1e12;
    if (reply->exit != EXIT_DONE && out->exit == EXIT_DONE) {
        out->exit = reply->exit;
        snprintf(out->error, sizeof(out->error), "%s", reply->result.error);
    }
    for (size_t i = 0; i < s->csv.nr_rows && reply->exit == EXIT_DONE; i++) {
        const struct metrics *ms = &reply->result.metrics;
        const struct metric *m =
            s->row[i].run == run ? metrics_find(ms, "vm.cpu_seconds", "vm", s->row[i].domain) : NULL;
        if (m)
            s->row[i].cpu_s += m->value;
    }
}

/* ---- the comparison -----------------------------------------------------------------------------------------------
 */

static void judge(struct shares *s, struct row *r)
{
    const struct outcome *out = &s->outcome[r->run];
    double total = 0;
    for (size_t i = 0; i < s->csv.nr_rows; i++)
        if (s->row[i].run == r->run)
            total += s->row[i].cpu_s;
    r->share_is = total > 0 ? 100 * r->cpu_s / total : 0;
    r->pct_is = out->window_s > 0 ? 100 * r->cpu_s / out->window_s : 0;
    r->absolute = s->scene[r->run].nr_domains == 1 && r->cap > 0;
    double error = r->absolute ? r->pct_is - r->pct : r->share_is - r->share;
    r->pass = out->exit == EXIT_DONE && total > 0 && fabs(error) <= r->tolerance + ROUNDING;
}

static void print_row(const struct shares *s, const struct row *r)
{
    double expected = r->absolute ? r->pct : r->share, is = r->absolute ? r->pct_is : r->share_is;
    printf("%-9s %-26s %-8s %-11s %8.2f %9.2f %+7.2f %9.1f  %s", r->scheduler, r->config, r->domain,
           r->absolute ? "% of a pCPU" : "% of guests", expected, is, is - expected, r->tolerance,
           r->pass ? "pass" : "FAIL");
    if (s->outcome[r->run].exit != EXIT_DONE)
        printf(": %s", s->outcome[r->run].error);
    putchar('\n');
}

static void write_csv(const struct shares *s, struct fault *f)
{
    FILE *out = fopen(s->o->csv, "we");
    if (!out) {
        fault_set(f, EXIT_HOST_FAILED, "%s: %m", s->o->csv);
        return;
    }
    for (unsigned k = 0; k < NR_COLUMNS; k++)
        fprintf(out, "%s,", columns[k]);
    fputs("simulated_share_of_domUs_pct,simulated_pct_of_one_pcpu,compared,error_points,verdict\n", out);
    for (size_t i = 0; i < s->csv.nr_rows; i++) {
        const struct row *r = &s->row[i];
        for (unsigned k = 0; k < NR_COLUMNS; k++) {
            csv_write_field(out, csv_cell(&s->csv, i, s->column[k]));
            fputc(',', out);
        }
        fprintf(out, "%.3f,%.3f,%s,%.3f,%s\n", r->share_is, r->pct_is, columns[r->absolute ? PCT : SHARE],
                r->absolute ? r->pct_is - r->pct : r->share_is - r->share, r->pass ? "pass" : "FAIL");
    }
    if (fflush(out) || ferror(out))
        fault_set(f, EXIT_HOST_FAILED, "%s: %m", s->o->csv);
    fclose(out);
}

static int report(struct shares *s, struct fault *f)
{
    unsigned passed = 0, failed = 0;
    int worst = EXIT_DONE;
    printf("%-9s %-26s %-8s %-11s %8s %9s %7s %9s\n", "scheduler", "config", "domain", "what", "expected", "simulated",
           "error", "tolerance");
    for (size_t i = 0; i < s->csv.nr_rows; i++) {
        judge(s, &s->row[i]);
        print_row(s, &s->row[i]);
        s->row[i].pass ? passed++ : failed++;
    }
    for (size_t run = 0; run < s->nr_runs; run++)
        if (s->outcome[run].exit > worst)
            worst = s->outcome[run].exit; /* a model that panicked is worse than a miss */
    if (s->o->csv)
        write_csv(s, f);
    int exit = replay_verdict(passed, failed);
    return worst > exit ? worst : exit;
}

static void release(struct shares *s)
{
    csv_free(&s->csv);
    free(s->row);
    free(s->scene);
    free(s->domain);
    free(s->outcome);
}

int replay_shares(const struct replay_options *o, struct fault *f)
{
    struct shares s = {.o = o};
    int exit = EXIT_DONE;
    if (replay_table_read(o->file, columns, &s.csv, s.column, f) != EXIT_DONE)
        return f->code;
    s.row = calloc(s.csv.nr_rows, sizeof(*s.row));
    if (!s.row)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    for (size_t i = 0; s.row && i < s.csv.nr_rows && f->code == EXIT_DONE; i++)
        read_row(&s, i, f);
    if (f->code == EXIT_DONE)
        group(&s, f);
    if (f->code == EXIT_DONE && make_scenes(&s, f) &&
        replay_run(o, s.scene, s.nr_runs, o->seeds ? o->seeds : SEEDS, take_result, &s, f) == EXIT_DONE)
        exit = report(&s, f);
    release(&s);
    return f->code != EXIT_DONE ? f->code : exit;
}
