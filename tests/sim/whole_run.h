/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suites that run the whole simulator, a child a run, as in the program: on scenarios that they write into the
 * directory of the test, or on shipped ones. */
#ifndef TESTS_SIM_WHOLE_RUN_H
#define TESTS_SIM_WHOLE_RUN_H

#include "cunit_main.h"
#include "run_child.h"
#include "scratch_dir.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct run_backend whole_backend = {scenario_load, scenario_free, run_scenario, run_result_free, "test"};

/* A cfg file of a small PV guest; more: further lines. */
static inline void whole_guest(const char *name, unsigned vcpus, const char *more)
{
    char path[64];
    snprintf(path, sizeof(path), "%s.cfg", name);
    scratch_write(path, "name = '%s'\ntype = 'pv'\nmemory = 64\nvcpus = %u\n%s", name, vcpus, more);
}

/* A scenario's file. prepare: in the child, NULL or as run_child_start has it. */
static inline struct run_reply whole_run_file(const char *path, const char *const *set, struct run_options opt,
                                              int (*prepare)(void *ctx, struct run_options *), void *ctx)
{
    struct run_reply a = {0};
    struct run_child c;
    char *err = NULL;
    struct scenario *s = scenario_load(path, set, &err);
    if (!s)
        printf("%s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL_FATAL(run_child_start(&c, &whole_backend, s, &opt, prepare, ctx), 0);
    run_child_finish(&c, &a);
    scenario_free(s);
    return a;
}

/* The text of a scenario, with the first seed. */
static inline struct run_reply whole_run(const char *text, const char *const *set, struct run_options opt,
                                         int (*prepare)(void *ctx, struct run_options *), void *ctx)
{
    scratch_write("t.toml", "%s", text);
    opt.seed = 1;
    return whole_run_file("t.toml", set, opt, prepare, ctx);
}

#define WHOLE_DENSITY HVSIM_SOURCE_DIR "/workloads/scenarios/xen-4.3-density/"
enum { WHOLE_MAX_SET = 12 };

/* A scenario of the density benchmark, a second of it. set: up to WHOLE_MAX_SET overrides, NULL-terminated. */
static inline struct run_reply whole_density(const char *file, const char *warmup, const char *const *set,
                                             struct run_options opt)
{
    const char *all[WHOLE_MAX_SET + 3] = {"duration=\"1 s\"", warmup};
    char path[512];
    for (unsigned i = 0; set && set[i]; i++)
        all[i + 2] = set[i];
    snprintf(path, sizeof(path), WHOLE_DENSITY "%s", file);
    struct run_reply a = whole_run_file(path, all, opt, NULL, NULL);
    if (a.exit)
        printf("%s: exit %d: %s\n", file, a.exit, a.result.error);
    return a;
}

static const struct run_options whole_seed1 __attribute__((unused)) = {.seed = 1};

/* The value of a metric that is there. */
static inline double whole_value(const struct run_reply *a, const char *name, const char *label, const char *which)
{
    const struct metric *m = metrics_find(&a->result.metrics, name, label, which);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    return m->value;
}

/* The whole of a file, to be freed. */
static inline char *whole_read(const char *name)
{
    FILE *f = fopen(name, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    char *text = NULL;
    size_t n = 0;
    if (getdelim(&text, &n, '\0', f) < 0)
        text[0] = '\0';
    fclose(f);
    return text;
}

/* Run the suite in a directory that goes away with its files. */
static inline void whole_enter(char *dir)
{
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    CU_ASSERT_EQUAL_FATAL(chdir(dir), 0);
}

#endif
