/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole simulator on short versions of the density benchmark: determinism, conservation laws, closed forms. */
#include "whole_run.h"
#include <hv/core.h>
#include <models/rate.h>
#include <stdlib.h>
#include <string.h>

#define PAGES_960_MIB 245760.0
/* With a second of warm-up. */
static struct run_reply run(const char *file, struct run_options opt, const char *const *set)
{
    return whole_density(file, "warmup=\"1 s\"", set, opt);
}

static double sum(const struct run_reply *a, const char *name, const char *vm, const char *node)
{
    double s = 0;
    for (size_t i = 0; i < a->result.metrics.nr; i++) {
        const struct metric *m = &a->result.metrics.m[i];
        const char *mvm = metric_label_value(m, "vm"), *mnode = metric_label_value(m, "node");
        if (!strcmp(m->def->name, name) && (!vm || (mvm && !strcmp(mvm, vm))) &&
            (!node || (mnode && !strcmp(mnode, node))))
            s += m->value;
    }
    return s;
}

static void test_same_seed_same_trajectory(void)
{
    static const char *const set[] = {"vm.0.count=6", "vm.0.workload=\"sysbench-memory\"", NULL};
    struct run_options seed2 = {.seed = 2};
    struct run_reply a = run("auto.toml", whole_seed1, set), b = run("auto.toml", whole_seed1, set),
                     c = run("auto.toml", seed2, set);
    CU_ASSERT_EQUAL(a.exit, 0);
    CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
    CU_ASSERT_EQUAL(a.result.events, b.result.events);
    CU_ASSERT_EQUAL_FATAL(a.result.metrics.nr, b.result.metrics.nr);
    for (size_t i = 0; i < a.result.metrics.nr; i++)
        CU_ASSERT_EQUAL(a.result.metrics.m[i].value, b.result.metrics.m[i].value);
    CU_ASSERT_NOT_EQUAL(a.result.fingerprint, c.result.fingerprint);
    run_reply_free(&a);
    run_reply_free(&b);
    run_reply_free(&c);
}

/* Running ahead of the SystemC clock is exact: handing it every event gives the same trajectory. */
static void test_every_event_through_the_kernel_is_the_same(void)
{
    static const char *const sets[][3] = {{"vm.0.count=2", NULL, NULL},
                                          {"vm.0.count=10", "vm.0.workload=\"sysbench-memory\"", NULL},
                                          {"vm.0.count=3", "hv_cost=\"none\"", NULL}};
    for (unsigned i = 0; i < 3; i++) {
        struct run_options slow = {.seed = 3, .sync_every_event = true}, fast = {.seed = 3};
        struct run_reply a = run("all.toml", fast, sets[i]), b = run("all.toml", slow, sets[i]);
        CU_ASSERT_EQUAL(a.exit, 0);
        CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
        CU_ASSERT_EQUAL(a.result.events, b.result.events);
        run_reply_free(&a);
        run_reply_free(&b);
    }
}

static void test_shared_object_is_the_same_core(void)
{
    struct run_options so = {.seed = 1, .hv_core_path = HVSIM_HV_CORE_SO};
    struct run_reply a = run("pinned.toml", whole_seed1, NULL), b = run("pinned.toml", so, NULL);
    CU_ASSERT_EQUAL(b.exit, 0);
    CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
    run_reply_free(&a);
    run_reply_free(&b);
    so.hv_core_path = HVSIM_SOURCE_DIR "/README.md";
    b = run("pinned.toml", so, NULL);
    CU_ASSERT_EQUAL(b.exit, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(b.result.error, "README.md"));
    run_reply_free(&b);
}

static void test_time_is_conserved(void)
{
    static const char *const set[] = {"vm.0.count=10", NULL};
    struct run_options checked = {.seed = 1, .check_invariants = true};
    struct run_reply a = run("auto.toml", checked, set);
    double cpu = 0, busy = sum(&a, "pcpu.busy_fraction", NULL, NULL);
    CU_ASSERT_EQUAL(a.exit, 0);
    for (unsigned i = 0; i <= 10; i++) {
        char vm[16];
        snprintf(vm, sizeof(vm), i ? "vm-%u" : "Domain-0", i);
        double run_s = whole_value(&a, "vm.cpu_seconds", "vm", vm);
        double all =
            run_s + whole_value(&a, "vm.runnable_seconds", "vm", vm) + whole_value(&a, "vm.blocked_seconds", "vm", vm);
        CU_ASSERT_DOUBLE_EQUAL(all, 2.0, 1e-6); /* two vCPUs, one second */
        cpu += run_s;
    }
    /* 4.3 reads the clock before it waits for the lock: who was woken meanwhile runs from a moment in the past, and
     * that little is nobody's (quirk sched_now_before_lock). */
    CU_ASSERT_DOUBLE_EQUAL(cpu, busy, 1e-4);
    CU_ASSERT_TRUE(busy > 15.9); /* 20 busy vCPUs on 16 pCPUs: none of them idles for long */
    CU_ASSERT_TRUE(busy <= 16.0);
    run_reply_free(&a);
}

static void test_memory_follows_the_configuration(void)
{
    static const char *const set[] = {"vm.0.count=2", NULL};
    struct run_reply all = run("all.toml", whole_seed1, set), pin = run("pinned.toml", whole_seed1, set);
    struct run_reply place = run("auto.toml", whole_seed1, set);
    for (unsigned i = 1; i <= 2; i++) {
        char vm[16], here[4], there[4];
        snprintf(vm, sizeof(vm), "vm-%u", i);
        snprintf(here, sizeof(here), "%u", i - 1);
        snprintf(there, sizeof(there), "%u", 2 - i);
        /* cpus="all": alternately on both nodes */
        CU_ASSERT_DOUBLE_EQUAL(sum(&all, "vm.pages", vm, "0"), PAGES_960_MIB / 2, 1);
        CU_ASSERT_DOUBLE_EQUAL(sum(&all, "vm.pages", vm, NULL), PAGES_960_MIB, 0);
        CU_ASSERT_DOUBLE_EQUAL(whole_value(&all, "vm.local_access_fraction", "vm", vm), 0.5, 1e-3);
        /* odd VMs are pinned to node 0, even ones to node 1, and memory follows */
        CU_ASSERT_DOUBLE_EQUAL(sum(&pin, "vm.pages", vm, here), PAGES_960_MIB, 0);
        CU_ASSERT_DOUBLE_EQUAL(sum(&pin, "vm.pages", vm, there), 0, 0);
        CU_ASSERT_DOUBLE_EQUAL(whole_value(&pin, "vm.local_access_fraction", "vm", vm), 1, 1e-9);
        /* automatic placement: on one node, whichever; node-affinity scheduling keeps the vCPUs there */
        double on0 = sum(&place, "vm.pages", vm, "0");
        CU_ASSERT_TRUE(on0 == 0 || on0 == PAGES_960_MIB);
        CU_ASSERT_DOUBLE_EQUAL(whole_value(&place, "vm.local_access_fraction", "vm", vm), 1, 1e-9);
    }
    /* dom0 has memory of both nodes */
    CU_ASSERT_TRUE(sum(&all, "vm.pages", "Domain-0", "0") > 0);
    CU_ASSERT_TRUE(sum(&all, "vm.pages", "Domain-0", "1") > 0);
    run_reply_free(&all);
    run_reply_free(&pin);
    run_reply_free(&place);
}

/* An undisturbed vCPU makes progress at the rate of the model, less what the hypervisor took: the closed form of a run.
 */
static void test_lonely_vm_runs_at_the_models_rate(void)
{
    static const char *const set[] = {"vm.0.count=1", "vm.0.workload=\"sysbench-cpu\"", "hv_cost=\"none\"",
                                      "machine.topology.threads_per_core=1",

                                      NULL};
    struct run_reply a = run("auto.toml", whole_seed1, set);
    CU_ASSERT_EQUAL_FATAL(a.exit, 0);
    char *err = NULL;
    struct machine *m = machine_load(HVSIM_SOURCE_DIR "/models/machines/westmere-ep-2s.toml",
                                     (const char *const[]){"topology.threads_per_core=1", NULL}, &err);
    struct workload_profile *p = profile_load(HVSIM_SOURCE_DIR "/workloads/profiles/sysbench-cpu.toml", NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    struct rate_model *r = rate_create(m);
    bool node0 = sum(&a, "vm.pages", "vm", "0") > 0;
    struct rate_task task = {.mix = &p->phase[0].mix, .node_share = {node0 ? 1 : 0, node0 ? 0 : 1}};
    unsigned changed[16], first = node0 ? 0 : 4;
    rate_set(r, first, &task);
    rate_set(r, first + 1, &task);
    rate_solve(r, changed);
    double expected = 2 * rate_ipns(r, first) * 1e9 * 1.0;
    CU_ASSERT_DOUBLE_EQUAL(whole_value(&a, "vm.instructions", "vm", "vm") / expected, 1,
                           2e-3); /* dom0 takes a little cache */
    rate_free(r);
    machine_free(m);
    profile_free(p);
    run_reply_free(&a);
}

static void test_hypervisor_cost_slows_guests(void)
{
    static const char *const none[] = {"vm.0.count=6", "hv_cost=\"none\"", "vm.0.workload=\"sysbench-memory\"", NULL};
    static const char *const fixed[] = {"vm.0.count=6", "hv_cost=\"fixed\"", "vm.0.workload=\"sysbench-memory\"", NULL};
    struct run_reply a = run("pinned.toml", whole_seed1, none), b = run("pinned.toml", whole_seed1, fixed);
    CU_ASSERT_EQUAL(sum(&a, "pcpu.hypervisor_fraction", NULL, NULL), 0);
    CU_ASSERT_TRUE(sum(&b, "pcpu.hypervisor_fraction", NULL, NULL) > 0);
    CU_ASSERT_TRUE(sum(&b, "vm.instructions", NULL, NULL) < sum(&a, "vm.instructions", NULL, NULL));
    run_reply_free(&a);
    run_reply_free(&b);
}

static const struct cunit_case tests[] = {
    {"the same seed gives the same trajectory, another seed another", test_same_seed_same_trajectory},
    {"the fast path and its slow twin have one fingerprint", test_every_event_through_the_kernel_is_the_same},
    {"the core as a shared object has the same fingerprint", test_shared_object_is_the_same_core},
    {"runstates and pCPU time add up, 20 vCPUs keep 16 pCPUs busy", test_time_is_conserved},
    {"memory lies where affinity and placement say", test_memory_follows_the_configuration},
    {"an undisturbed VM runs at the model's rate", test_lonely_vm_runs_at_the_models_rate},
    {"hypervisor time is time that guests do not have", test_hypervisor_cost_slows_guests},
};

CUNIT_MAIN("run", tests)
