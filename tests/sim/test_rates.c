/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scenario key `rates`: lazy rates do what exact ones do, within what docs/models.md says, in whole runs. */
#include "run_child.h"
#include "whole_run.h"

#include <math.h>
/*
 * Every vCPU has a pCPU for itself, so that nobody's luck with a scheduler is in the figures: seven that go through
 * memory all the time, eight that do for a ms or so and sleep for two. The controllers are saturated, and every time
 * that one wakes up or falls asleep all rates change.
 */
static const char scenario_text[] = "name = 't'\n"
                                    "machine = 'westmere-ep-2s'\n"
                                    "warmup = '100 ms'\n"
                                    "duration = '300 ms'\n"
                                    "rates = '%s'\n"
                                    "[xen]\n"
                                    "behaviour = 'xen-4.3'\n"
                                    "[dom0]\n"
                                    "vcpus = 1\n"
                                    "memory = '512 MiB'\n"
                                    "[[vm]]\n"
                                    "config = 'always.cfg'\n"
                                    "workload = 'sysbench-memory'\n"
                                    "[[vm]]\n"
                                    "config = 'beat.cfg'\n"
                                    "workload = './beat.toml'\n";

static const char beat_text[] =
    "name = 'beat'\ndescription = 'beat'\nmetric = 'rate'\nunit = 'Ginstr/s'\nwork_per_ginstr = 1.0\n"
    "[core]\ncpi = 1.0\nsmt_slowdown = 0.4\n"
    "[memory]\nscale = 1.0\nl2_apki = 60.0\nl3_apki = 50.0\nmlp = 3.0\nwrite_fraction = 0.3\ntlb_mpki_4k = 0.0\n"
    "footprint = '2 MiB'\ncurve = [ { size = '1 MiB', mpki = 40.0 }, { size = '8 MiB', mpki = 20.0 } ]\n"
    "[[phase]]\nname = 'beat'\ninstructions = 0.5e6\njitter = 0.5\nblock = '2 ms'\nblock_jitter = 0.5\n";

static struct run_reply run(const char *rates)
{
    char text[2048];
    snprintf(text, sizeof(text), scenario_text, rates);
    struct run_reply a = whole_run(text, NULL, (struct run_options){0}, NULL, NULL);
    if (a.exit)
        printf("rates %s: exit %d: %s\n", rates, a.exit, a.result.error);
    CU_ASSERT_EQUAL_FATAL(a.exit, 0);
    return a;
}

/* Of the VMs whose name begins so. */
static double instructions(const struct run_reply *a, const char *vm)
{
    double sum = 0;
    for (size_t i = 0; i < a->result.metrics.nr; i++) {
        const struct metric *m = &a->result.metrics.m[i];
        const char *of = metric_label_value(m, "vm");
        if (!strcmp(m->def->name, "vm.instructions") && of && !strncmp(of, vm, strlen(vm)))
            sum += m->value;
    }
    return sum;
}

/* Who never sleeps has nothing but rates to differ by; who does may have one beat more or less in the window. */
static void lazy_runs_come_to_what_exact_ones_do(void)
{
    struct run_reply exact = run("exact"), lazy = run("lazy");
    static const char *const vms[] = {"always", "beat"};
    enum { BEATERS = 8 };
    static const double beat = 0.75e6; /* instructions, the longest */
    for (unsigned i = 0; i < 2; i++) {
        double e = instructions(&exact, vms[i]), l = instructions(&lazy, vms[i]);
        CU_ASSERT_TRUE(e > 0);
        double within = 0.001 * e + (i ? BEATERS * beat : 0);
        CU_ASSERT_DOUBLE_EQUAL(l, e, within);
        if (fabs(l - e) > within || getenv("LAZY_SHOW"))
            fprintf(stderr, "\n  %s: %.10g exactly, %.10g lazily\n", vms[i], e, l);
    }
    CU_ASSERT_NOT_EQUAL(instructions(&exact, "always"), instructions(&lazy, "always")); /* the key does something */
    run_reply_free(&exact);
    run_reply_free(&lazy);
}

static void lazy_runs_repeat_bit_by_bit(void)
{
    struct run_reply a = run("lazy"), b = run("lazy");
    CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
    run_reply_free(&a);
    run_reply_free(&b);
}

static void small_machines_are_exact_unless_told(void)
{
    struct run_reply a = run("auto"), b = run("exact");
    CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
    run_reply_free(&a);
    run_reply_free(&b);
}

static void refused(const char *text, const char *const *set, const char *message)
{
    char *err = NULL;
    scratch_write("t.toml", scenario_text, text);
    struct scenario *s = scenario_load("t.toml", set, &err);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, message));
    if (!strstr(err, message))
        fprintf(stderr, "\n  got: %s\n", err);
    free(err);
    scenario_free(s);
}

static void what_cannot_be_is_refused(void)
{
    static const char *const shared[] = {"machine.memory.sharing=\"max-min\"", NULL};
    refused("quick", NULL, "rates: expected one of auto, exact, lazy, found 'quick'");
    refused("lazy", shared, "rates are lazy only where the machine's memory.sharing is queue");
}

static void prepare(void)
{
    static char dir[] = "/tmp/test_rates-XXXXXX";
    whole_enter(dir);
    whole_guest("always", 7, "cpus = ['1', '2', '3', '4', '5', '6', '7']\n");
    whole_guest("beat", 8, "cpus = ['8', '9', '10', '11', '12', '13', '14', '15']\n");
    scratch_write("beat.toml", "%s", beat_text);
    what_cannot_be_is_refused();
}

static const struct cunit_case tests[] = {
    {"what cannot be is refused", prepare},
    {"lazy runs come to what exact ones do", lazy_runs_come_to_what_exact_ones_do},
    {"lazy runs repeat bit by bit", lazy_runs_repeat_bit_by_bit},
    {"small machines are exact unless told", small_machines_are_exact_unless_told},
};

CUNIT_MAIN("rates", tests)
