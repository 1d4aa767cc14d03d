/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suites that run the whole simulator on scenarios that they write: files in the directory of the test, a child a run.
 */
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

/* prepare: in the child, NULL or as run_child_start has it. */
static inline struct run_reply whole_run(const char *text, const char *const *set, struct run_options opt,
                                         int (*prepare)(void *ctx, struct run_options *), void *ctx)
{
    struct run_reply a = {0};
    struct run_child c;
    char *err = NULL;
    scratch_write("t.toml", "%s", text);
    struct scenario *s = scenario_load("t.toml", set, &err);
    if (!s)
        printf("%s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    opt.seed = 1;
    CU_ASSERT_EQUAL_FATAL(run_child_start(&c, &whole_backend, s, &opt, prepare, ctx), 0);
    run_child_finish(&c, &a);
    scenario_free(s);
    return a;
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
