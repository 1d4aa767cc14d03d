/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvsim replay placement: sequences of domain creations and destructions that were recorded on a real Xen. Each file
 * is one scenario (replay_placement_scene.c), its actions are the steps, and the log of its actions is compared.
 */
#include "replay_placement.h"

#include "pool.h"
#include "progress.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct sequence {
    struct placement_record record;
    char name[128]; /* of its scene, and in what is printed */
    char where[PATH_MAX];
    struct scenario *scenario;
    FILE *log;
    int exit;
    char error[512];
    struct placement_outcome *outcome; /* [nr_steps] */
};

struct placement {
    const struct replay_options *o;
    struct sequence *seq;
    size_t nr, next, finished;
    struct progress progress;
};

/* ---- running ------------------------------------------------------------------------------------------------------
 */

static bool next_job(void *ctx, struct pool_job *job)
{
    struct placement *p = ctx;
    if (p->next == p->nr)
        return false;
    struct sequence *s = &p->seq[p->next];
    *job = (struct pool_job){
        .index = p->next++,
        .scenario = s->scenario,
        .options = {.seed = p->o->seed, .check_invariants = p->o->check_invariants, .action_log = s->log},
    };
    return true;
}

static int job_done(void *ctx, size_t index, struct run_reply *reply)
{
    struct placement *p = ctx;
    struct sequence *s = &p->seq[index];
    s->exit = reply->exit;
    snprintf(s->error, sizeof(s->error), "%s", reply->result.error);
    p->finished++;
    return EXIT_DONE;
}

static void show_progress(void *ctx)
{
    struct placement *p = ctx;
    struct progress_state st = {.done = (double)p->finished / (double)p->nr,
                                .runs = p->finished,
                                .total = p->nr,
                                .elapsed_s = progress_elapsed(&p->progress),
                                .eta_s = -1};
    progress_show(&p->progress, &st, false);
}

static void build(struct placement *p, const char *dir, struct fault *f)
{
    for (size_t i = 0; i < p->nr && f->code == EXIT_DONE; i++) {
        struct sequence *s = &p->seq[i];
        char path[PATH_MAX], log[PATH_MAX + 16], *err = NULL;
        const char *level = p->o->level_given ? p->o->level : s->record.level;
        if (placement_scene_write(&s->record, level, dir, s->name, path, sizeof(path), f) != EXIT_DONE)
            return;
        s->scenario = p->o->backend->load(path, p->o->set, &err);
        if (!s->scenario)
            fault_set(f, EXIT_BAD_INPUT, "%s: this host cannot be built: %s", s->record.path,
                      err ? err : "out of memory");
        free(err);
        snprintf(log, sizeof(log), "%.*s/actions.jsonl", (int)(strrchr(path, '/') - path), path);
        if (f->code == EXIT_DONE && !(s->log = fopen(log, "w+e")))
            fault_set(f, EXIT_HOST_FAILED, "%s: %s", log, strerror(errno));
    }
}

static void run(struct placement *p, struct fault *f)
{
    struct pool pool = {.backend = p->o->backend, .jobs = p->o->jobs, .ctx = p, .next = next_job, .done = job_done};
    pool.tick = show_progress;
    pool.stop = p->o->stop;
    progress_open(&p->progress, stderr, false, false);
    pool_run(&pool, f);
    progress_clear(&p->progress);
    for (size_t i = 0; i < p->nr && f->code == EXIT_DONE; i++) {
        struct sequence *s = &p->seq[i];
        s->outcome = calloc(s->record.nr_steps, sizeof(*s->outcome));
        if (!s->outcome)
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
        else
            placement_scene_read(&s->record, s->log, s->outcome, f);
    }
}

/* ---- printing -----------------------------------------------------------------------------------------------------
 */

static void print_step(const struct sequence *s, const struct placement_step *step, const struct placement_outcome *o,
                       const struct placement_difference *d, unsigned nr)
{
    printf("%s step %u %s %s: ", s->name, step->number, step->destroy ? "destroy" : "create", step->name);
    if (!nr)
        puts("ok");
    for (unsigned i = 0; i < nr; i++)
        printf("%s%s: recorded %s, simulated %s", i ? "; " : "", d[i].field, d[i].recorded ? d[i].recorded : "?",
               d[i].simulated ? d[i].simulated : "?");
    if (nr && o->message)
        printf(" (%s)", o->message);
    if (nr)
        putchar('\n');
}

static void json_value(const char *text)
{
    if (text && (*text == '[' || (*text >= '0' && *text <= '9') || !strcmp(text, "true") || !strcmp(text, "false")))
        fputs(text, stdout);
    else
        json_write_string(stdout, text ? text : "");
}

static void json_step(const struct placement_step *step, const struct placement_outcome *o,
                      const struct placement_difference *d, unsigned nr, bool first)
{
    printf("%s\n    {\"step\": %u, \"op\": \"%s\", \"name\": ", first ? "" : ",", step->number,
           step->destroy ? "destroy" : "create");
    json_write_string(stdout, step->name);
    printf(", \"passed\": %s, \"differences\": [", nr ? "false" : "true");
    for (unsigned i = 0; i < nr; i++) {
        printf("%s{\"field\": ", i ? ", " : "");
        json_write_string(stdout, d[i].field);
        fputs(", \"recorded\": ", stdout);
        json_value(d[i].recorded);
        fputs(", \"simulated\": ", stdout);
        json_value(d[i].simulated);
        putchar('}');
    }
    fputs("], \"message\": ", stdout);
    if (o->message)
        json_write_string(stdout, o->message);
    else
        fputs("null", stdout);
    putchar('}');
}

static unsigned report_sequence(const struct placement *p, const struct sequence *s, bool first)
{
    unsigned failed = 0;
    if (p->o->json) {
        printf("%s\n  {\"file\": ", first ? "" : ",");
        json_write_string(stdout, s->record.path);
        fputs(", \"sequence\": ", stdout);
        json_write_string(stdout, s->record.sequence);
        fputs(", \"error\": ", stdout);
        if (s->exit != EXIT_DONE)
            json_write_string(stdout, s->error);
        else
            fputs("null", stdout);
        fputs(", \"steps\": [", stdout);
    }
    for (unsigned i = 0; i < s->record.nr_steps; i++) {
        struct placement_difference d[PLACEMENT_MAX_DIFFERENCES];
        unsigned nr = placement_compare(&s->record, &s->record.step[i], &s->outcome[i], d);
        unsigned shown = nr < PLACEMENT_MAX_DIFFERENCES ? nr : PLACEMENT_MAX_DIFFERENCES;
        failed += nr > 0;
        if (p->o->json)
            json_step(&s->record.step[i], &s->outcome[i], d, shown, i == 0);
        else
            print_step(s, &s->record.step[i], &s->outcome[i], d, shown);
        placement_differences_free(d, nr);
    }
    if (p->o->json)
        printf("\n  ], \"passed\": %u, \"failed\": %u}", s->record.nr_steps - failed, failed);
    if (s->exit != EXIT_DONE)
        fprintf(stderr, "%s: the simulation failed: %s\n", s->record.path, s->error);
    return failed;
}

static int report(const struct placement *p)
{
    unsigned passed = 0, failed = 0;
    int worst = EXIT_DONE;
    if (p->o->json)
        fputs("{\"format\": \"hvsim-placement-comparison-1\", \"files\": [", stdout);
    for (size_t i = 0; i < p->nr; i++) {
        unsigned bad = report_sequence(p, &p->seq[i], i == 0);
        failed += bad;
        passed += p->seq[i].record.nr_steps - bad;
        worst = p->seq[i].exit > worst ? p->seq[i].exit : worst;
    }
    int exit = failed ? EXIT_CHECK_FAILED : EXIT_DONE;
    if (p->o->json)
        printf("\n], \"passed\": %u, \"failed\": %u}\n", passed, failed);
    else
        exit = replay_verdict(passed, failed);
    return worst > exit ? worst : exit; /* a model that panicked is worse than a miss */
}

/* ---- the whole ----------------------------------------------------------------------------------------------------
 */

/* The file's name without directory and ".json", and a number where another file has it too. */
static void name_sequence(struct placement *p, size_t i)
{
    struct sequence *s = &p->seq[i];
    const char *base = strrchr(s->record.path, '/');
    size_t used = 0;
    base = base ? base + 1 : s->record.path;
    for (; base[used] && used < sizeof(s->name) - 32; used++)
        s->name[used] = strchr("\"\\", base[used]) || (unsigned char)base[used] < ' ' ? '_' : base[used];
    if (used > 5 && !strcmp(s->name + used - 5, ".json"))
        s->name[used - 5] = 0;
    for (size_t k = 0; k < i; k++)
        if (!strcmp(p->seq[k].name, s->name)) {
            snprintf(s->name + strlen(s->name), 24, "-%zu", i + 1);
            break;
        }
}

static void release(struct placement *p)
{
    for (size_t i = 0; p->seq && i < p->nr; i++) {
        struct sequence *s = &p->seq[i];
        for (unsigned k = 0; s->outcome && k < s->record.nr_steps; k++)
            placement_outcome_free(&s->outcome[k]);
        free(s->outcome);
        if (s->log)
            fclose(s->log);
        if (s->scenario)
            p->o->backend->release(s->scenario);
        placement_free(&s->record);
    }
    free(p->seq);
}

int replay_placement(const struct replay_options *o, struct fault *f)
{
    struct placement p = {.o = o};
    char dir[PATH_MAX];
    int exit = EXIT_DONE;
    while (o->files[p.nr])
        p.nr++;
    p.seq = calloc(p.nr, sizeof(*p.seq));
    if (!p.seq)
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    for (size_t i = 0; i < p.nr && f->code == EXIT_DONE; i++) {
        placement_read(&p.seq[i].record, o->files[i], f);
        p.seq[i].record.path = o->files[i];
        name_sequence(&p, i);
    }
    if (f->code == EXIT_DONE && replay_directory_open(o, dir, sizeof(dir), f) == EXIT_DONE) {
        build(&p, dir, f);
        if (f->code == EXIT_DONE)
            run(&p, f);
        if (f->code == EXIT_DONE)
            exit = report(&p);
        replay_directory_close(o, dir);
    }
    release(&p);
    return f->code != EXIT_DONE ? f->code : exit;
}
