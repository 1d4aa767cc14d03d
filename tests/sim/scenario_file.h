/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole scenario, "t.toml", for the tests of its reader to break in one place. */
#ifndef TESTS_SIM_SCENARIO_FILE_H
#define TESTS_SIM_SCENARIO_FILE_H

#include <scenario.h>

#include <cunit_main.h>
#include <scratch_dir.h>
#include <string.h>

static const char *const whole = "name = 't'\n"                     /* 1 */
                                 "machine = 'westmere-ep-2s'\n"     /* 2 */
                                 "hv_cost = 'none'\n"               /* 3 */
                                 "warmup = '1 s'\n"                 /* 4 */
                                 "duration = '10 s'\n"              /* 5 */
                                 "[start]\noffset_max = '500 ms'\n" /* 6, 7 */
                                 "[boot]\ncpu_up_interval = '1 ms'\n"
                                 "[xen]\nbehaviour = 'xen-4.3'\n" /* 10, 11 */
                                 "sched = 'credit'\n"             /* 12 */
                                 "sched_ratelimit_us = 500\n"     /* 13 */
                                 "[dom0]\nvcpus = 2\nmemory = '1 GiB'\n"
                                 "[[vm]]\nconfig = ['a.cfg', 'b.cfg']\n" /* 17, 18 */
                                 "count = 3\n"                           /* 19 */
                                 "workload = 'sysbench-cpu'\n"           /* 20 */
                                 "[[vm]]\nconfig = 'c.cfg'\nworkload = 'specjbb2005'\n";

static inline void good_cfgs(void)
{
    scratch_write("a.cfg", "name = 'a'\nmemory = 512\nvcpus = 2\ncpus = '0-7'\n");
    scratch_write("b.cfg", "name = 'b'\nmemory = 256\ncap = 50\ncpus = [8]\n");
    scratch_write("c.cfg", "name = 'c'\nmemory = 128\ncpu_weight = 512\n");
}

static inline struct scenario *must_load(const char *path, const char *const *overrides)
{
    char *err = NULL;
    struct scenario *s = scenario_load(path, overrides, &err);
    if (err)
        fprintf(stderr, "\n  %s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

static inline void check_refused(const char *const *overrides, const char *expected)
{
    char *err = NULL;
    struct scenario *s = scenario_load("t.toml", overrides, &err);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_STRING_EQUAL(err, expected);
    if (strcmp(err, expected) != 0)
        fprintf(stderr, "\n  got      %s\n  expected %s\n", err, expected);
    free(err);
    scenario_free(s);
}

/* whole with one piece replaced is refused with exactly this text. */
static inline void check_error(const char *old, const char *new, const char *expected)
{
    char text[4096];
    const char *at = strstr(whole, old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - whole), whole, new, at + strlen(old));
    scratch_write("t.toml", "%s", text);
    check_refused(NULL, expected);
}

static inline void check_set_error(const char *set, const char *expected)
{
    const char *const overrides[] = {set, NULL};
    scratch_write("t.toml", "%s", whole);
    check_refused(overrides, expected);
}

/* An xl.cfg of the scenario is wrong. */
static inline void check_cfg_error(const char *name, const char *text, const char *expected)
{
    scratch_write("t.toml", "%s", whole);
    scratch_write(name, "%s", text);
    check_refused(NULL, expected);
    good_cfgs();
}
/* The first and the last test of a suite. */
static inline void in_a_directory_of_its_own(void)
{
    scratch_enter();
    good_cfgs();
}

static inline void clean_up(void)
{
    static const char *const files[] = {"t.toml", "own.toml", "a.cfg", "b.cfg", "c.cfg", "late.cfg", "b1.cfg", NULL};
    scratch_leave(files);
}

#endif
