/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim check: suites are read, their cases run side by side, what came out is judged in the order of the files. */
#include "check.h"

#include "pool.h"
#include "progress.h"
#include "replay.h"
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct checking {
    const struct check_options *o;
    size_t nr_suites, nr_runs, nr_results, room;
    struct check_suite **suite;
    struct check_baseline **baseline;
    struct check_run *run;
    struct check_result *result;
    size_t next, finished;
    struct progress progress;
};

/* ---- running ------------------------------------------------------------------------------------------------------
 */

static bool next_job(void *ctx, struct pool_job *job)
{
    struct checking *k = ctx;

    if (k->next == k->nr_runs)
        return false;
    *job = (struct pool_job){.index = k->next,
                             .scenario = k->run[k->next].scenario,
                             .options = {.seed = k->o->seed, .action_log = k->run[k->next].log}};
    k->next++;
    return true;
}

static int job_done(void *ctx, size_t index, struct run_reply *reply)
{
    struct checking *k = ctx;
    struct check_run *r = &k->run[index];
    r->reply = *reply;
    metrics_take(&r->reply.result.metrics, &reply->result.metrics);
    r->finished = true;
    k->finished++;
    return EXIT_DONE;
}

static void show_progress(void *ctx)
{
    struct checking *k = ctx;
    double done = (double)k->finished / (double)k->nr_runs, elapsed = progress_elapsed(&k->progress);
    struct progress_state st = {.done = done,
                                .runs = k->finished,
                                .total = k->nr_runs,
                                .elapsed_s = elapsed,
                                .eta_s = k->finished ? elapsed / done - elapsed : -1};
    progress_show(&k->progress, &st, false);
}

static void run_all(struct checking *k, struct fault *f)
{
    struct pool pool = {.backend = k->o->backend,
                        .jobs = k->o->jobs,
                        .ctx = k,
                        .next = next_job,
                        .done = job_done,
                        .tick = show_progress,
                        .stop = k->o->stop};

    progress_open(&k->progress, stderr, false, k->o->quiet);
    pool_run(&pool, f);
    progress_clear(&k->progress);
    for (size_t i = 0; i < k->nr_runs && f->code == EXIT_DONE; i++)
        check_scene_read(&k->run[i], f);
}

/* ---- judging ------------------------------------------------------------------------------------------------------
 */

static struct check_result *add_result(struct checking *k, const struct check_run *r, struct fault *f)
{
    if (k->nr_results == k->room) {
        k->room = k->room ? 2 * k->room : 64;
        struct check_result *grown = realloc(k->result, k->room * sizeof(*grown));
        if (!grown) {
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
            return NULL;
        }
        k->result = grown;
    }
    struct check_result *x = &k->result[k->nr_results++];
    *x = (struct check_result){.run = r, .verdict.passed = true};
    return x;
}

struct difference {
    struct checking *k;
    const struct check_run *r;
    struct fault *f;
};

static void add_difference(void *ctx, const char *text)
{
    struct difference *d = ctx;
    struct check_result *x = add_result(d->k, d->r, d->f);

    if (!x)
        return;
    x->verdict.passed = false;
    snprintf(x->what, sizeof(x->what), "as in the baseline");
    snprintf(x->verdict.text, sizeof(x->verdict.text), "%s", text);
}

static void judge_run(struct checking *k, const struct check_run *r, const struct check_baseline *b, struct fault *f)
{
    struct check_result *x;

    if (r->reply.exit != EXIT_DONE) {
        if ((x = add_result(k, r, f)) != NULL) {
            x->verdict.passed = false;
            snprintf(x->what, sizeof(x->what), "the case runs");
            snprintf(x->verdict.text, sizeof(x->verdict.text), "%s", r->reply.result.error);
        }
        return;
    }
    for (unsigned i = 0; i < r->c->nr_expects; i++) {
        if (!(x = add_result(k, r, f)))
            return;
        x->expect = &r->c->expect[i];
        snprintf(x->what, sizeof(x->what), "%s", x->expect->text);
        check_expect_judge(r, x->expect, &x->verdict);
    }
    if (!b || k->o->update)
        return;
    struct difference d = {k, r, f};
    if (!check_baseline_compare(b, r, add_difference, &d) && (x = add_result(k, r, f)) != NULL)
        snprintf(x->what, sizeof(x->what), "as in the baseline");
}

static void judge_all(struct checking *k, struct fault *f)
{
    for (size_t i = 0; i < k->nr_runs && f->code == EXIT_DONE; i++)
        for (size_t s = 0; s < k->nr_suites; s++)
            if (k->suite[s] == k->run[i].suite)
                judge_run(k, &k->run[i], k->baseline[s], f);
}

/* A baseline of runs that failed would be worth nothing. */
static void update(struct checking *k, struct fault *f)
{
    for (size_t i = 0; i < k->nr_runs; i++)
        if (k->run[i].reply.exit != EXIT_DONE)
            return;
    for (size_t s = 0; s < k->nr_suites && f->code == EXIT_DONE; s++)
        check_baseline_write(k->suite[s], k->baseline[s], k->run, k->nr_runs, f);
}

/* ---- all of it ----------------------------------------------------------------------------------------------------
 */

static void load_all(struct checking *k, struct fault *f)
{
    size_t cases = 0;

    while (k->o->files[k->nr_suites])
        k->nr_suites++;
    k->suite = calloc(k->nr_suites + 1, sizeof(struct check_suite *));
    k->baseline = calloc(k->nr_suites + 1, sizeof(struct check_baseline *));
    if (!k->suite || !k->baseline) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    for (size_t s = 0; s < k->nr_suites && f->code == EXIT_DONE; s++) {
        if (!(k->suite[s] = check_load(k->o->files[s], f)))
            return;
        k->baseline[s] = check_baseline_load(k->suite[s], f);
        cases += k->suite[s]->nr_cases;
    }
    if (f->code != EXIT_DONE || !(k->run = calloc(cases + 1, sizeof(*k->run)))) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    for (size_t s = 0; s < k->nr_suites; s++)
        for (unsigned i = 0; i < k->suite[s]->nr_cases; i++)
            if (!k->o->filter || fnmatch(k->o->filter, k->suite[s]->c[i].name, 0) == 0)
                k->run[k->nr_runs++] = (struct check_run){.suite = k->suite[s], .c = &k->suite[s]->c[i]};
    if (!k->nr_runs)
        fault_set(f, EXIT_BAD_INPUT, "no case is called '%s'", k->o->filter);
}

static void build_all(struct checking *k, const char *dir, struct fault *f)
{
    for (size_t i = 0; i < k->nr_runs && f->code == EXIT_DONE; i++) {
        /* Suites may have cases of one number each. */
        char own[PATH_MAX + 32];
        size_t s = 0;
        while (k->suite[s] != k->run[i].suite)
            s++;
        snprintf(own, sizeof(own), "%s/%zu", dir, s);
        if (mkdir(own, 0777) && errno != EEXIST)
            fault_set(f, EXIT_HOST_FAILED, "%s: %s", own, strerror(errno));
        else
            check_scene(k->o, own, &k->run[i], f);
    }
}

static void free_all(struct checking *k)
{
    for (size_t i = 0; i < k->nr_runs; i++) {
        struct check_run *r = &k->run[i];
        if (r->scenario)
            k->o->backend->release(r->scenario);
        if (r->log)
            fclose(r->log);
        if (r->finished)
            metrics_free(&r->reply.result.metrics);
        free(r->creation);
    }
    for (size_t s = 0; s < k->nr_suites; s++) {
        check_suite_free(k->suite ? k->suite[s] : NULL);
        check_baseline_free(k->baseline ? k->baseline[s] : NULL);
    }
    free(k->suite);
    free(k->baseline);
    free(k->run);
    free(k->result);
}

int check_suites(const struct check_options *o, struct fault *f)
{
    struct checking k = {.o = o};
    struct replay_options directory = {.keep = o->keep};
    char dir[PATH_MAX];
    bool failed = false, opened = false;

    load_all(&k, f);
    if (f->code == EXIT_DONE)
        opened = replay_directory_open(&directory, dir, sizeof(dir), f) == EXIT_DONE;
    if (f->code == EXIT_DONE)
        build_all(&k, dir, f);
    if (f->code == EXIT_DONE)
        run_all(&k, f);
    if (f->code == EXIT_DONE)
        judge_all(&k, f);
    if (f->code == EXIT_DONE && o->update)
        update(&k, f);
    if (f->code == EXIT_DONE) {
        if (o->json)
            check_print_json(k.result, k.nr_results);
        else
            check_print(k.result, k.nr_results, o->quiet);
        if (o->junit)
            check_write_junit(o->junit, k.result, k.nr_results, f);
        for (size_t i = 0; i < k.nr_results; i++)
            failed = failed || !k.result[i].verdict.passed;
    }
    if (opened)
        replay_directory_close(&directory, dir);
    free_all(&k);
    return f->code != EXIT_DONE ? f->code : failed ? EXIT_CHECK_FAILED : EXIT_DONE;
}
