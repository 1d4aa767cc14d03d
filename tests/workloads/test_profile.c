/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workload profiles: the shipped ones, the calibrated keys, overrides, phases, and every refusal with its place. */
#include <workloads/profile.h>

#include <cunit_main.h>
#include <scratch_dir.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROFILES HVSIM_SOURCE_DIR "/workloads/profiles/"

static const char *const whole =
    "name = 'p'\ndescription = 'd'\nmetric = 'rate'\nunit = 'MB/s'\nwork_per_ginstr = 2.0\n"
    "[core]\ncpi = 1.0\nsmt_slowdown = 0.5\n"
    "[memory]\nscale = 2.0\nl2_apki = 50.0\nl3_apki = 40.0\nmlp = 1.5\nwrite_fraction = 0.25\ntlb_mpki_4k = 1.0\n"
    "footprint = '4 MiB'\ncurve = [ { size = '1 MiB', mpki = 10.0 }, { size = '4 MiB', mpki = 5.0 } ]\n";

static struct workload_profile *must_load(const char *path, const char *const *overrides)
{
    char *err = NULL;
    struct workload_profile *p = profile_load(path, overrides, &err);
    if (err)
        fprintf(stderr, "\n  %s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    return p;
}

static void check_error(const char *text, const char *more, const char *const *overrides, const char *expected)
{
    char *err = NULL;
    scratch_write("bad.toml", "%s%s", text, more);
    struct workload_profile *p = profile_load("bad.toml", overrides, &err);
    CU_ASSERT_PTR_NULL(p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_STRING_EQUAL(err, expected);
    if (strcmp(err, expected) != 0)
        fprintf(stderr, "\n  got      %s\n  expected %s\n", err, expected);
    free(err);
    profile_free(p);
}

/* whole with one line replaced. */
static const char *with(const char *old, const char *new)
{
    static char text[4096];
    const char *at = strstr(whole, old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - whole), whole, new, at + strlen(old));
    return text;
}

static void values_arrive_in_the_mix(void)
{
    scratch_write("p.toml", "%s", whole);
    struct workload_profile *p = must_load("p.toml", NULL);
    const struct work_mix *m = &p->phase[0].mix;
    CU_ASSERT_STRING_EQUAL(p->name, "p");
    CU_ASSERT_EQUAL(p->metric, METRIC_RATE);
    CU_ASSERT_STRING_EQUAL(p->unit, "MB/s");
    CU_ASSERT_EQUAL(p->work_per_ginstr, 2.0);
    CU_ASSERT_EQUAL(p->nr_phases, 1);
    CU_ASSERT_EQUAL(p->phase[0].instructions, 0.0);
    CU_ASSERT_EQUAL(m->cpi_core, 1.0);
    CU_ASSERT_EQUAL(m->smt_slowdown, 0.5);
    CU_ASSERT_EQUAL(m->l2_apki, 50.0);
    CU_ASSERT_EQUAL(m->l3_apki, 40.0);
    CU_ASSERT_EQUAL(m->mlp, 1.5);
    CU_ASSERT_EQUAL(m->write_fraction, 0.25);
    CU_ASSERT_EQUAL(m->tlb_mpki_4k, 1.0);
    CU_ASSERT_EQUAL(m->footprint, 4194304.0);
    CU_ASSERT_EQUAL(m->nr_curve, 2);
    CU_ASSERT_EQUAL(m->curve_size[0], 1048576.0);
    CU_ASSERT_EQUAL(m->curve_mpki[0], 20.0); /* times scale */
    CU_ASSERT_EQUAL(m->curve_mpki[1], 10.0);
    profile_free(p);
}

static void scale_multiplies_misses_and_nothing_else(void)
{
    static const char *const one[] = {"memory.scale=1.0", NULL};
    scratch_write("p.toml", "%s", whole);
    struct workload_profile *p = must_load("p.toml", NULL), *q = must_load("p.toml", one);
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(p->phase[0].mix.curve_mpki[i], 2.0 * q->phase[0].mix.curve_mpki[i]);
    for (unsigned i = 0; i < 2; i++)
        q->phase[0].mix.curve_mpki[i] *= 2.0;
    CU_ASSERT_EQUAL(memcmp(&p->phase[0].mix, &q->phase[0].mix, sizeof(struct work_mix)), 0);
    profile_free(p);
    profile_free(q);
}

static void phases_override_single_keys(void)
{
    scratch_write("p.toml", "%s%s", whole,
                  "[[phase]]\nname = 'a'\ninstructions = 1e6\njitter = 0.5\nblock = '10 ms'\nblock_jitter = 1.0\n"
                  "[[phase]]\nname = 'b'\ninstructions = 2e6\nperiod = '30 ms'\nalign = '5 ms'\ncore = { cpi = 3.0 "
                  "}\nmemory = { scale = "
                  "0.5 }\n");
    struct workload_profile *p = must_load("p.toml", NULL);
    CU_ASSERT_EQUAL_FATAL(p->nr_phases, 2);
    CU_ASSERT_STRING_EQUAL(p->phase[0].name, "a");
    CU_ASSERT_EQUAL(p->phase[0].instructions, 1e6);
    CU_ASSERT_EQUAL(p->phase[0].jitter, 0.5);
    CU_ASSERT_EQUAL(p->phase[0].block_ps, 10000000000);
    CU_ASSERT_EQUAL(p->phase[0].block_jitter, 1.0);
    CU_ASSERT_EQUAL(p->phase[0].mix.cpi_core, 1.0);
    CU_ASSERT_EQUAL(p->phase[0].mix.curve_mpki[0], 20.0);
    CU_ASSERT_EQUAL(p->phase[0].period_ps, 0);
    CU_ASSERT_EQUAL(p->phase[0].align_ps, 0);
    CU_ASSERT_EQUAL(p->phase[1].period_ps, 30000000000);
    CU_ASSERT_EQUAL(p->phase[1].align_ps, 5000000000);
    CU_ASSERT_EQUAL(p->phase[1].mix.cpi_core, 3.0);
    CU_ASSERT_EQUAL(p->phase[1].mix.smt_slowdown, 0.5);
    CU_ASSERT_EQUAL(p->phase[1].mix.curve_mpki[0], 5.0);
    profile_free(p);
}

static void shipped_profiles_load_and_have_the_calibrated_keys(void)
{
    static const struct {
        const char *file, *level;
        enum profile_metric metric;
    } shipped[] = {
        {PROFILES "sysbench-cpu.toml", "ginstr_per_run=3.0", METRIC_TIME},
        {PROFILES "sysbench-memory.toml", "work_per_ginstr=3.0", METRIC_RATE},
        {PROFILES "specjbb2005.toml", "work_per_ginstr=3.0", METRIC_RATE},
        {PROFILES "dom0-idle.toml", "work_per_ginstr=3.0", METRIC_RATE},
    };
    for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
        const char *const set[] = {shipped[i].level, "memory.scale=0.0625", "core.smt_slowdown=0.125", NULL};
        struct workload_profile *p = must_load(shipped[i].file, set), *plain = must_load(shipped[i].file, NULL);
        CU_ASSERT_EQUAL(p->metric, shipped[i].metric);
        CU_ASSERT_EQUAL(p->metric == METRIC_RATE ? p->work_per_ginstr : p->ginstr_per_run, 3.0);
        CU_ASSERT_EQUAL(p->phase[0].mix.smt_slowdown, 0.125);
        CU_ASSERT(p->phase[0].mix.curve_mpki[0] < plain->phase[0].mix.curve_mpki[0]);
        profile_free(p);
        profile_free(plain);
    }
}

/* Misses fall with the square root of the share: the source that the profile names. */
static void specjbb_follows_the_square_root_rule(void)
{
    struct workload_profile *p = must_load(PROFILES "specjbb2005.toml", NULL);
    const struct work_mix *m = &p->phase[0].mix;
    for (unsigned i = 1; i < m->nr_curve; i++) {
        double ratio = m->curve_mpki[0] / m->curve_mpki[i];
        double cache = m->curve_size[i] / m->curve_size[0];
        CU_ASSERT_DOUBLE_EQUAL(ratio * ratio, cache, 0.01 * cache);
    }
    profile_free(p);
}

/* Its misses are transfers between two vCPUs, whatever the cache. */
static void sysbench_memory_does_not_depend_on_the_share(void)
{
    struct workload_profile *p = must_load(PROFILES "sysbench-memory.toml", NULL);
    const struct work_mix *m = &p->phase[0].mix;
    for (unsigned i = 1; i < m->nr_curve; i++)
        CU_ASSERT_EQUAL(m->curve_mpki[i], m->curve_mpki[0]);
    profile_free(p);
}

static void bad_profiles(void)
{
    static const char *const level[] = {"work_per_ginstr=-1.0", NULL};
    static const char *const unknown[] = {"memory.scael=1.0", NULL};
    check_error(with("mlp = 1.5", "mlp = 1.5\nmpl = 1.5"), "", NULL,
                "bad.toml:14:1: unknown key 'mpl' in [memory]; did you mean 'mlp'?");
    check_error(with("'4 MiB'\ncurve", "'4 ms'\ncurve"), "", NULL,
                "bad.toml:16:13: footprint: '4 ms' is a time: expected a size with a unit (B, KB, KiB, MB, MiB, GB, "
                "GiB, TB, TiB)");
    check_error(with("mlp = 1.5", "mlp = 0.5"), "", NULL, "bad.toml:13:7: mlp = 0.5 is out of range, expected 1 to 64");
    check_error(with("cpi = 1.0\n", ""), "", NULL, "bad.toml:6:1: missing key 'cpi' in [core]");
    check_error(with("'rate'", "'rates'"), "", NULL,
                "bad.toml:3:10: metric: expected one of rate, time, found 'rates'; did you mean 'rate'?");
    check_error(whole, "", level,
                "--set work_per_ginstr: work_per_ginstr = -1 is out of range, expected 1e-09 to 1000000000000");
    check_error(whole, "", unknown, "--set memory.scael: unknown key 'scael' in [memory]; did you mean 'scale'?");
    check_error("name = 'p\n", "", NULL,
                "bad.toml:1:10: not valid TOML: Error while parsing literal string: control characters other than TAB "
                "(U+0009) are explicitly prohibited");
    check_error(with("scale = 2.0", "scale = 5.0"), "", NULL,
                "bad.toml:10:9: more L3 misses (50 per 1000 instructions) than accesses to L3 (l3_apki 40)");
    check_error(with("l3_apki = 40.0", "l3_apki = 60.0"), "", NULL,
                "bad.toml:12:11: more accesses reach L3 (60) than miss L1 (l2_apki 50)");
    check_error(with("size = '4 MiB'", "size = '1 MiB'"), "", NULL,
                "bad.toml:17:53: sizes of the miss curve must ascend");
    check_error(with("mpki = 5.0", "mpki = 11.0"), "", NULL,
                "bad.toml:17:69: more cache cannot give more misses: expected at most 10");
    check_error(with("[ { size = '1 MiB', mpki = 10.0 }, { size = '4 MiB', mpki = 5.0 } ]", "[]"), "", NULL,
                "bad.toml:17:9: expected 1 to 16 points { size, mpki }, found 0");
    check_error(whole, "[[phase]]\nname = 'a'\ninstructions = 0.0\nblock = '1 ms'\n", NULL,
                "bad.toml:20:16: 0 means endless: only a single phase that never blocks can be endless");
    check_error(whole, "[[phase]]\nname = 'a'\ninstructions = 0.0\nperiod = '1 ms'\n", NULL,
                "bad.toml:20:16: 0 means endless: only a single phase that never blocks can be endless");
    check_error(whole, "[[phase]]\nname = 'a'\ninstructions = 1e6\nblock = '1 ms'\nperiod = '2 ms'\n", NULL,
                "bad.toml:22:10: either a period or a block: the period says when the next wake-up is due");
    check_error(whole, "[[phase]]\nname = 'a'\ninstructions = 1e6\nperiod = '2 ms'\nalign = '3 ms'\n", NULL,
                "bad.toml:22:9: goes with a period, and is at most the period: where in it the wake-ups are");
    check_error(whole, "[[phase]]\nname = 'a'\ninstructions = 1e6\nblock = '2 ms'\nalign = '1 ms'\n", NULL,
                "bad.toml:22:9: goes with a period, and is at most the period: where in it the wake-ups are");
    char *err = NULL;
    CU_ASSERT_PTR_NULL(profile_load("no-such.toml", NULL, &err));
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "no-such.toml"));
    free(err);
}

static void clean_up(void)
{
    static const char *const files[] = {"p.toml", "bad.toml", NULL};
    scratch_leave(files);
}

static const struct cunit_case tests[] = {
    {"set-up", scratch_enter},
    {"values arrive in the mix", values_arrive_in_the_mix},
    {"memory.scale multiplies the misses and nothing else", scale_multiplies_misses_and_nothing_else},
    {"phases override single keys", phases_override_single_keys},
    {"the shipped profiles load; calibrated keys can be set", shipped_profiles_load_and_have_the_calibrated_keys},
    {"specjbb2005: misses fall with the square root of the cache", specjbb_follows_the_square_root_rule},
    {"sysbench-memory: misses do not depend on the share of L3", sysbench_memory_does_not_depend_on_the_share},
    {"bad profiles are refused with the place", bad_profiles},
    {"clean-up", clean_up},
};

CUNIT_MAIN("profile", tests)
