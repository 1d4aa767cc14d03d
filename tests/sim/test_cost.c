/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hypervisor costs: where the time of the pCPUs goes, and what is charged for a path. */
#include "cunit_main.h"
#include "run_child.h"
#include <hv/core.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIOS HVSIM_SOURCE_DIR "/workloads/scenarios/xen-4.3-density/"
#define MAX_SET 12
#define CPUS 16u

static const struct run_backend backend = {scenario_load, scenario_free, run_scenario, run_result_free, "test"};

/* Every run is a child, as in the program. `set`: up to MAX_SET overrides, NULL-terminated. */
static struct run_reply run(const char *file, struct run_options opt, const char *const *set)
{
    const char *all[MAX_SET + 3] = {"duration=\"1 s\"", "warmup=\"200 ms\""};
    struct run_reply a = {0};
    struct run_child c;
    char path[512], *err = NULL;
    for (unsigned i = 0; set && set[i]; i++)
        all[i + 2] = set[i];
    snprintf(path, sizeof(path), SCENARIOS "%s", file);
    struct scenario *s = scenario_load(path, all, &err);
    if (!s)
        printf("%s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL_FATAL(run_child_start(&c, &backend, s, &opt, NULL, NULL), 0);
    while (!run_child_read(&c))
        ;
    run_child_finish(&c, &a);
    if (a.exit)
        printf("%s: exit %d: %s\n", file, a.exit, a.result.error);
    scenario_free(s);
    return a;
}

static const struct run_options seed1 = {.seed = 1};

/* Sum of a metric over all rows that have this label; of one op, or of all. */
static double sum(const struct run_reply *a, const char *name, const char *label, const char *value, const char *op)
{
    double s = 0;
    for (size_t i = 0; i < a->result.metrics.nr; i++) {
        const struct metric *m = &a->result.metrics.m[i];
        const char *v = label ? metric_label_value(m, label) : NULL, *o = metric_label_value(m, "op");
        if (!strcmp(m->def->name, name) && (!label || (v && !strcmp(v, value))) && (!op || (o && !strcmp(o, op))))
            s += m->value;
    }
    return s;
}

static void check_time_adds_up(const struct run_reply *a)
{
    char id[8];
    CU_ASSERT_EQUAL(a->exit, 0);
    for (unsigned c = 0; c < CPUS; c++) {
        snprintf(id, sizeof(id), "%u", c);
        double all = sum(a, "pcpu.time_fraction", "pcpu", id, NULL);
        double hypervisor =
            all - sum(a, "pcpu.time_fraction", "pcpu", id, "guest") - sum(a, "pcpu.time_fraction", "pcpu", id, "idle");
        CU_ASSERT_DOUBLE_EQUAL(all, 1, 1e-12);
        /* That one counts a stay in the hypervisor when it is over: the window cuts off two ends of it. */
        CU_ASSERT_DOUBLE_EQUAL(hypervisor, sum(a, "pcpu.hypervisor_fraction", "pcpu", id, NULL), 1e-4);
    }
    CU_ASSERT_DOUBLE_EQUAL(sum(a, "node.time_fraction", "node", "0", NULL), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(sum(a, "node.time_fraction", "node", "1", NULL), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(sum(a, "host.time_fraction", NULL, NULL, NULL), 1, 1e-12);
}

static void test_time_adds_up(void)
{
    static const char *const none[] = {"vm.0.count=6", "hv_cost=\"none\"", NULL};
    static const char *const fixed[] = {"vm.0.count=10", "hv_cost=\"fixed\"", NULL};
    struct run_reply a = run("all.toml", seed1, none), b = run("all.toml", seed1, fixed);
    check_time_adds_up(&a);
    check_time_adds_up(&b);
    /* Without costs only what lasts 1 ns between pCPUs is left. */
    CU_ASSERT_DOUBLE_EQUAL(sum(&a, "host.time_fraction", NULL, NULL, "guest") +
                               sum(&a, "host.time_fraction", NULL, NULL, "idle"),
                           1, 1e-6);
    static const char *const ops[] = {"schedule", "switch", "tick", "accounting", "wake", "balance", "entry"};
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
        CU_ASSERT_TRUE(sum(&b, "host.time_fraction", NULL, NULL, ops[i]) > 0);
    run_reply_free(&a);
    run_reply_free(&b);
}

static const struct cunit_case tests[] = {
    {"the time of every pCPU, node and host adds up to all of it", test_time_adds_up},
};

CUNIT_MAIN("cost", tests)
