/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timed actions with the whole simulator: each has its effect from its time on, Xen's refusals are reported by name and
 * change nothing, and a trajectory with actions is as reproducible as one without.
 */
#include "whole_run.h"
#include <hv/errno.h>
#include <models/machine.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PS_PER_US INT64_C(1000000)
#define PS_PER_S INT64_C(1000000000000)
#define MAX_MARKS 64
#define CLASS_SCENARIO 0 /* sim/kernel/calendar.hpp */
#define WHAT_MARK 5      /* sim/kernel/room.hpp */

/* What the child saw of the trajectory: memory that it shares with the test. */
struct seen {
    unsigned nr;
    struct {
        int64_t time_ps;
        unsigned id; /* 0: the window's marks, else the number of the action */
        uint64_t arg;
    } mark[MAX_MARKS];
};
static struct seen *seen;

static void note_mark(void *ctx, const struct run_event *e)
{
    struct seen *s = ctx;
    if (e->class_ != CLASS_SCENARIO || e->what != WHAT_MARK || s->nr == MAX_MARKS)
        return;
    s->mark[s->nr].time_ps = e->time_ps;
    s->mark[s->nr].id = e->id;
    s->mark[s->nr++].arg = e->arg;
}

/* The host: eight pCPUs in two nodes of four; dom0 sleeps on pCPU 0. Then what the test adds. */
static const char *const host = "name = 't'\n"
                                "machine = 'westmere-ep-2s'\n"
                                "hv_cost = 'none'\n"
                                "warmup = '1 s'\n"
                                "duration = '4 s'\n"
                                "[dom0]\nvcpus = 1\nmemory = '512 MiB'\n"
                                "[xen]\ndom0_vcpus_pin = true\n";

#define VM(letter) "[[vm]]\nconfig = '" letter ".cfg'\nworkload = 'burn'\n"
#define AT(when, what) "[[action]]\nat = '" when "'\ndo = '" what "'\n"

static struct run_reply run_with(const char *const *set, const char *text, struct run_options opt)
{
    const char *all[16] = {"machine.topology.threads_per_core=1"};
    for (unsigned i = 0; set && set[i]; i++)
        all[i + 1] = set[i];
    scratch_write("t.toml", "%s%s", host, text);
    seen->nr = 0;
    opt.seed = 1;
    opt.check_invariants = true;
    opt.on_event = note_mark;
    opt.ctx = seen;
    return whole_run_file("t.toml", all, opt, NULL, NULL);
}

/* A run that must be done. */
static struct run_reply run(const char *const *set, const char *text)
{
    struct run_reply a = run_with(set, text, (struct run_options){0});
    if (a.exit)
        printf("%s\n", a.result.error);
    CU_ASSERT_EQUAL_FATAL(a.exit, EXIT_DONE);
    return a;
}

static double cpu_seconds(const struct run_reply *a, const char *vm)
{
    return whole_value(a, "vm.cpu_seconds", "vm", vm);
}

static double busy(const struct run_reply *a, const char *pcpu)
{
    return whole_value(a, "pcpu.busy_fraction", "pcpu", pcpu);
}

static const char *const levels[] = {"xen.behaviour=xen-4.3", "xen.behaviour=modern"};

/* ---- domains that come and go ------------------------------------------------------------------------------------ */

/* A VM that is made at 2 s and destroyed at 4 s computes for the time in between; its name is free again. */
static void vms_are_made_and_destroyed(void)
{
    scratch_write("late.cfg", "name = 'late'\nvcpus = 2\nmemory = 256\n");
    scratch_write("huge.cfg", "name = 'huge'\nmemory = 1000000\n");
    struct run_options opt = {.action_log = fopen("log", "w+")};
    CU_ASSERT_PTR_NOT_NULL_FATAL(opt.action_log);
    const char *const set[] = {"xen.behaviour=modern", NULL};
    struct run_reply a = run_with(set,
                                  AT("0 s", "set-aside") "free_pages = [700000, 800000]\n"       /* node 1 has more */
                                  AT("2 s", "create") "config = 'late.cfg'\nworkload = 'burn'\n" /* */
                                  AT("3 s", "create") "config = 'huge.cfg'\nmay_fail = true\n"   /* */
                                  AT("3100 ms", "destroy") "vm = 'huge'\nmay_fail = true\n"      /* */
                                  AT("3200 ms", "create") "config = 'huge.cfg'\nexpect = 'ENOMEM'\n" /* */
                                  AT("3300 ms", "vcpu-pin") "vm = 'late'\nvcpu = 1\nhard = '3'\n"    /* */
                                  AT("4 s", "destroy") "vm = 'late'\n"                               /* */
                                  AT("4500 ms", "create") "config = 'late.cfg'\npaused = true\n",
                                  opt);
    if (a.exit)
        printf("%s\n", a.result.error);
    CU_ASSERT_EQUAL_FATAL(a.exit, EXIT_DONE);
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "late"), 4, 0.01);
    CU_ASSERT_EQUAL(cpu_seconds(&a, "late#2"), 0);
    CU_ASSERT_PTR_NULL(metrics_find(&a.result.metrics, "vm.cpu_seconds", "vm", "huge"));
    run_reply_free(&a);

    char line[2048];
    rewind(opt.action_log);
    static const char *const has[][3] = {
        {"\"set-aside\"", "\"rc\": 0", "\"free_pages\": [700000, 800000]"},
        {"\"xl create late\"", "\"nodes_chosen\": [1]", "\"pages_per_node\": [0, 65536]"},
        {"\"xl create huge\"", "\"ENOMEM\"", "\"xl_status\": 3"},
        {"\"xl destroy huge\"", "\"ESRCH\"", "\"xl_status\": 1"},
        {"\"xl create huge\"", "\"ENOMEM\"", "\"auto_placed\": false"},
        {"\"vcpu-pin\"", "\"rc\": 0", "\"message\": null"},
        {"\"xl destroy late\"", "\"rc\": 0", "\"free_pages\": [700000, 800000]"},
        {"\"xl create -p late\"", "\"auto_placed\": true", "\"soft_affinity\": [4, 5, 6, 7]"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(has); i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof(line), opt.action_log));
        for (unsigned k = 0; k < ARRAY_SIZE(has[i]); k++) {
            if (!strstr(line, has[i][k]))
                printf("%s has no %s\n", line, has[i][k]);
            CU_ASSERT_PTR_NOT_NULL(strstr(line, has[i][k]));
        }
    }
    CU_ASSERT_PTR_NULL(fgets(line, sizeof(line), opt.action_log));
    fclose(opt.action_log);
}

/* What a guest has follows its target, within its limits; the log says what it has then. */
static void memory_follows_its_target(void)
{
    scratch_write("late.cfg", "name = 'late'\nmemory = 256\nmaxmem = 512\ncpus = '2'\n");
    scratch_write("huge.cfg", "name = 'huge'\nbuilder = 'hvm'\nmemory = 128\nmaxmem = 256\ncpus = '6'\n");
    struct run_options opt = {.action_log = fopen("log", "w+")};
    CU_ASSERT_PTR_NOT_NULL_FATAL(opt.action_log);
    struct run_reply a = run_with(NULL,
                                  AT("0 s", "create") "config = 'late.cfg'\n"                      /* */
                                  AT("1 s", "mem-set") "vm = 'late'\nmemory = '100 MiB'\n"         /* */
                                  AT("2 s", "mem-set") "vm = 'late'\nmemory = '512 MiB'\n"         /* */
                                  AT("2100 ms", "mem-set") "vm = 'late'\nmemory = '513 MiB'\n"     /* */
                                                           "expect = 'EINVAL'\n"                   /* */
                                  AT("2200 ms", "mem-max") "vm = 'late'\nmemory = '511 MiB'\n"     /* */
                                                           "may_fail = true\n"                     /* */
                                  AT("2300 ms", "mem-max") "vm = 'late'\nmemory = '600 MiB'\n"     /* */
                                  AT("2400 ms", "create") "config = 'huge.cfg'\n"                  /* */
                                  AT("2500 ms", "mem-set") "vm = 'huge'\nmemory = '128 MiB'\n"     /* */
                                  AT("2600 ms", "mem-set") "vm = 'huge'\nmemory = '256 MiB'\n"     /* */
                                  AT("2700 ms", "mem-set") "vm = 'Domain-0'\nmemory = '300 MiB'\n" /* */
                                  AT("2800 ms", "destroy") "vm = 'late'\n"                         /* */
                                  AT("2900 ms", "mem-set") "vm = 'huge'\nmemory = '32 MiB'\n" /* */,
                                  opt);
    if (a.exit)
        printf("%s\n", a.result.error);
    CU_ASSERT_EQUAL_FATAL(a.exit, EXIT_DONE);
    run_reply_free(&a);

    /* All of them on one node, which their pCPU says. */
    static const char *const has[][2] = {
        {"\"xl create late\"", "\"pages_per_node\": [65536, 0]"},
        {"\"xl mem-set late 102400k\"", "\"pages_per_node\": [25600, 0]"},
        {"\"xl mem-set late 524288k\"", "\"pages_per_node\": [131072, 0]"},
        {"\"EINVAL\"", "a target of 525312 KiB is above the static maximum of 524288 KiB"},
        {"\"EINVAL\"", "a maximum of 523264 KiB is below the target of 524288 KiB"},
        {"\"xl mem-max late 614400k\"", "\"pages_per_node\": [131072, 0]"},
        {"\"xl create huge\"", "\"pages_per_node\": [0, 32736]"},
        {"\"xl mem-set huge 131072k\"", "\"pages_per_node\": [0, 32736]"},
        {"\"xl mem-set huge 262144k\"", "\"pages_per_node\": [0, 65504]"},
        {"\"xl mem-set Domain-0 307200k\"", "\"vm\": \"Domain-0\""},
        {"\"xl destroy late\"", "\"rc\": 0"},
        {"\"xl mem-set huge 32768k\"", "\"pages_per_node\": [0, 8160]"},
    };
    char line[2048];
    rewind(opt.action_log);
    for (unsigned i = 0; i < ARRAY_SIZE(has); i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(line, sizeof(line), opt.action_log));
        for (unsigned k = 0; k < ARRAY_SIZE(has[i]); k++) {
            if (!strstr(line, has[i][k]))
                printf("%s has no %s\n", line, has[i][k]);
            CU_ASSERT_PTR_NOT_NULL(strstr(line, has[i][k]));
        }
    }
    fclose(opt.action_log);
}

/* Pinned to the other node later, a guest's vCPUs go and its memory stays. */
static void memory_stays_where_it_is(void)
{
    scratch_write("late.cfg", "name = 'late'\nmemory = 256\ncpus = '0-3'\n");
    struct run_options opt = {.action_log = fopen("log", "w+")};
    CU_ASSERT_PTR_NOT_NULL_FATAL(opt.action_log);
    const char *const set[] = {"xen.behaviour=xen-4.3", NULL};
    struct run_reply a = run_with(set,
                                  AT("0 s", "create") "config = 'late.cfg'\nworkload = 'burn'\n" /* */
                                  AT("1 s", "vcpu-pin") "vm = 'late'\nvcpu = 'all'\nhard = '4-7'\n" AT(
                                      "3 s", "mem-set") "vm = 'late'\nmemory = '256 MiB'\n",
                                  opt);
    CU_ASSERT_EQUAL_FATAL(a.exit, EXIT_DONE);
    CU_ASSERT(whole_value(&a, "vm.expected_local_fraction", "vm", "late") < 0.5);
    run_reply_free(&a);
    char line[2048] = "";
    rewind(opt.action_log);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_PTR_NOT_NULL(fgets(line, sizeof(line), opt.action_log));
    CU_ASSERT_PTR_NOT_NULL(strstr(line, "\"pages_per_node\": [65536, 0]"));
    fclose(opt.action_log);
}

static void a_host_cannot_have_more_free_than_it_has(void)
{
    struct run_reply a = run_with(NULL, AT("0 s", "set-aside") "free_pages = [0, 80000000]\n", (struct run_options){0});
    CU_ASSERT_EQUAL(a.exit, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.result.error, "node 1 cannot have 80000000 pages free"));
    run_reply_free(&a);
}

/* ---- what actions do -------------------------------------------------------------------------------------------- */

/* Two VMs have a pool of one pCPU to themselves, so that there are no credits but those of that pCPU. */
#define PAIR(sched)                                                                                                    \
    "[[pool]]\nname = 'other'\ncpus = '5'\nsched = '" sched "'\n[[vm]]\nconfig = 'p.cfg'\nworkload = 'burn'\n"         \
    "count = 2\n"

/* One of them gets twice the weight at a time: its part of the window of 4 s, which begins 1 s after the start, is the
 * sum of its parts before and after. */
static void weights_change_at_their_time(void)
{
    static const struct {
        const char *level, *pair, *name;
    } of[] = {{"xen.behaviour=xen-4.3", PAIR("credit"), "sched-credit"},
              {"xen.behaviour=modern", PAIR("credit"), "sched-credit"},
              {"xen.behaviour=modern", PAIR("credit2"), "sched-credit2"}};
    for (unsigned s = 0; s < ARRAY_SIZE(of); s++)
        for (unsigned at = 1; at <= 4; at++) {
            char text[512];
            const char *const set[] = {of[s].level, NULL};
            snprintf(text, sizeof(text), "%s[[action]]\nat = '%u s'\ndo = '%s'\nvm = 'p-1'\nweight = 512\n", of[s].pair,
                     at, of[s].name);
            struct run_reply a = run(set, text);
            double before = at - 1, after = 5 - (double)at;
            CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "p-1"), before / 2 + after * 2 / 3, 0.06);
            CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "p-1") + cpu_seconds(&a, "p-2"), 4, 0.01);
            run_reply_free(&a);
        }
}

static void weights_can_be_halved_again(void)
{
    static const char *const set[] = {"xen.behaviour=modern", NULL};
    struct run_reply a = run(set, PAIR("credit2") AT("1 s", "sched-credit2") "vm = 'p-1'\nweight = 512\n" /* */
                             AT("3 s", "sched-credit2") "vm = 'p-1'\nweight = 128\n");
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "p-1"), 2 * 2.0 / 3 + 2 / 3.0, 0.06);
    run_reply_free(&a);
}

static void a_cap_holds_from_its_time_on(void)
{
    static const char *const credit[] = {"xen.behaviour=modern", "xen.sched=credit", NULL};
    static const char *const credit2[] = {"xen.behaviour=modern", NULL};
    struct run_reply a = run(credit, VM("a") AT("3 s", "sched-credit") "vm = 'a'\ncap = 25\n");
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "a"), 2 + 0.5, 0.05);
    run_reply_free(&a);
    a = run(credit2, VM("a") AT("3 s", "sched-credit2") "vm = 'a'\ncap = 25\n");
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "a"), 2 + 0.5, 0.05);
    run_reply_free(&a);
    /* and goes again */
    a = run(credit2, VM("a") AT("1 s", "sched-credit2") "vm = 'a'\ncap = 25\n" /* */
            AT("4 s", "sched-credit2") "vm = 'a'\ncap = 0\n");
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "a"), 0.75 + 1, 0.05);
    run_reply_free(&a);
}

static void vcpu_pin_moves_a_vm(void)
{
    for (unsigned l = 0; l < 2; l++) {
        const char *const set[] = {levels[l], NULL};
        struct run_reply a = run(set, VM("a") AT("2 s", "vcpu-pin") "vm = 'a'\nhard = '3'\n");
        CU_ASSERT_DOUBLE_EQUAL(busy(&a, "1"), 0.25, 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(busy(&a, "3"), 0.75, 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "a"), 4, 1e-3);
        run_reply_free(&a);
    }
}

/* A preference: it goes there as long as nobody else is. */
static void soft_affinity_moves_a_vm_too(void)
{
    static const char *const set[] = {"xen.behaviour=modern", "xen.sched=credit", NULL};
    struct run_reply a = run(set, VM("a") AT("0 s", "vcpu-pin") "vm = 'a'\nvcpu = 0\nhard = '4-7'\n" /* */
                             AT("2 s", "vcpu-pin") "vm = 'a'\nvcpu = 0\nsoft = '6'\n");
    CU_ASSERT_TRUE(busy(&a, "6") > 0.74);
    run_reply_free(&a);
}

static void cpupool_migrate_moves_a_vm(void)
{
    for (unsigned l = 0; l < 2; l++) {
        const char *const set[] = {levels[l], NULL};
        struct run_reply a = run(set, "[[pool]]\nname = 'other'\ncpus = '5'\nsched = 'credit'\n" VM("a") /* */
                                 AT("4 s", "cpupool-migrate") "vm = 'a'\npool = 'other'\n");
        CU_ASSERT_DOUBLE_EQUAL(busy(&a, "1"), 0.75, 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(busy(&a, "5"), 0.25, 1e-3);
        run_reply_free(&a);
    }
}

static void pcpus_go_off_and_on(void)
{
    for (unsigned l = 0; l < 2; l++) {
        const char *const set[] = {levels[l], "xen.sched=credit", NULL};
        struct run_reply a = run(set, VM("w") AT("2 s", "cpu-offline") "cpu = 3\n" AT("4 s", "cpu-online") "cpu = 3\n");
        CU_ASSERT_DOUBLE_EQUAL(busy(&a, "2"), 1, 1e-3);
        CU_ASSERT_DOUBLE_EQUAL(busy(&a, "3"), 0.5, 0.02);
        CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "w"), 6, 0.05); /* two vCPUs, allowed on 2-3 */
        run_reply_free(&a);
    }
}

/* A pool that is made, filled, used, emptied and unmade while the guests run; its name can be taken again. */
static void pools_come_and_go(void)
{
    static const char *const set[] = {"xen.behaviour=modern", NULL};
    struct run_reply a = run(set, VM("a") VM("b") AT("500 ms", "cpupool-cpu-remove") "pool = 'Pool-0'\ncpu = 6\n" /* */
                             AT("500 ms", "cpupool-cpu-remove") "pool = 'Pool-0'\ncpu = 7\n"                      /* */
                             AT("1 s", "cpupool-create") "pool = 'new'\nsched = 'rtds'\ncpus = '6'\n"             /* */
                             AT("1 s", "cpupool-cpu-add") "pool = 'new'\ncpu = 7\n"                               /* */
                             AT("1 s", "cpupool-migrate") "vm = 'b'\npool = 'new'\n"                              /* */
                             AT("1 s", "sched-rtds") "vm = 'b'\nbudget_us = 5000\nextratime = false\n"            /* */
                             AT("3 s", "cpupool-migrate") "vm = 'b'\npool = 'Pool-0'\n"                           /* */
                             AT("3 s", "vcpu-pin") "vm = 'b'\nhard = '1'\n"                                       /* */
                             AT("3 s", "cpupool-destroy") "pool = 'new'\n"                                        /* */
                             AT("4 s", "cpupool-create") "pool = 'new'\nsched = 'null'\ncpus = '7'\n"             /* */
                             AT("4 s", "cpupool-migrate") "vm = 'b'\npool = 'new'\n");
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "b"), 2 * 0.5 + 0.5 + 1, 0.05); /* half of each period; shared; alone */
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "a"), 2 + 0.5 + 1, 0.05);
    CU_ASSERT_TRUE(busy(&a, "7") > 0.249);
    run_reply_free(&a);
}

static void frames_of_arinc653(void)
{
    for (unsigned l = 0; l < 2; l++) {
        const char *const set[] = {levels[l], NULL};
        struct run_reply a = run(
            set, "[[pool]]\nname = 'rt'\ncpus = '5'\nsched = 'arinc653'\n[[vm]]\nconfig = 'r.cfg'\nworkload = 'burn'\n"
                 "count = 2\n" AT("0 s", "sched-arinc653") "pool = 'rt'\nmajor_frame = '10 ms'\n"
                                                           "frame = [{ vm = 'r-1', runtime = '2 ms' }, { vm = 'r-2', "
                                                           "vcpu = 0, runtime = '5 ms' }]\n" /* */
            AT("3 s", "sched-arinc653") "pool = 'rt'\nmajor_frame = '10 ms'\n"
                                        "frame = [{ vm = 'r-1', runtime = '8 ms' }]\n");
        CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "r-1"), 2 * 0.2 + 2 * 0.8, 0.03);
        CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "r-2"), 2 * 0.5, 0.03);
        run_reply_free(&a);
    }
}

/* Two burners on one pCPU: a shorter slice is more switches. */
static void parameters_of_a_pool(void)
{
    static const char *const set[] = {"xen.behaviour=modern", "xen.sched=credit", NULL};
    struct run_reply a = run(set, VM("a") VM("b"));
    double slow = whole_value(&a, "pcpu.context_switches", "pcpu", "1");
    run_reply_free(&a);
    a = run(set, VM("a") VM("b") AT("1 s", "sched-params") "tslice_ms = 5\nratelimit_us = 500\n");
    double fast = whole_value(&a, "pcpu.context_switches", "pcpu", "1");
    run_reply_free(&a);
    CU_ASSERT_TRUE(fast > 3 * slow);
}

static void pause_and_unpause(void)
{
    static const char *const set[] = {"xen.behaviour=modern", NULL};
    struct run_reply a = run(set, VM("a") VM("b") AT("2 s", "pause") "vm = 'b'\n" AT("3 s", "unpause") "vm = 'b'\n");
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "b"), 1.5, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "a"), 2.5, 0.05);
    run_reply_free(&a);
}

/* ---- when, and what dom0 does meanwhile ------------------------------------------------------------------------- */

/* The action's first mark, counted from the start of the guests. */
static int64_t performed_at(unsigned id)
{
    int64_t start = -1, at = -1;
    for (unsigned i = seen->nr; i-- > 0;) {
        if (seen->mark[i].id == 0 && seen->mark[i].arg == 1)
            start = seen->mark[i].time_ps - PS_PER_S;
        if (seen->mark[i].id == id)
            at = seen->mark[i].time_ps;
    }
    CU_ASSERT_FATAL(start >= 0 && at >= 0);
    return at - start;
}

static void actions_are_punctual(void)
{
    static const char *const idle[] = {NULL}, *const busy_dom0[] = {"dom0.workload=burn", NULL};
    const char *const text = VM("a") VM("b") AT("3 s", "pause") "vm = 'b'\n" AT("2500 us", "pause") "vm = 'a'\n";
    const int64_t slop = 60 * PS_PER_US; /* Xen's timers may be 50 us late, and dom0's way there takes a few */
    struct run_reply a = run(idle, text);
    CU_ASSERT_TRUE(performed_at(1) >= 2500 * PS_PER_US && performed_at(1) < 2500 * PS_PER_US + slop);
    CU_ASSERT_TRUE(performed_at(2) >= 3 * PS_PER_S && performed_at(2) < 3 * PS_PER_S + slop);
    run_reply_free(&a);
    /* A program that computes for ever is preempted, and goes on. */
    a = run(busy_dom0, text);
    CU_ASSERT_EQUAL(performed_at(1), 2500 * PS_PER_US);
    CU_ASSERT_EQUAL(performed_at(2), 3 * PS_PER_S);
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "Domain-0"), 4, 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(whole_value(&a, "vm.throughput", "vm", "Domain-0") * 4,
                           whole_value(&a, "vm.instructions", "vm", "Domain-0") / 1e9, 1e-3);
    run_reply_free(&a);
}

/* dom0 sleeps and wakes as it does without actions. */
static void dom0_goes_on_with_its_own_work(void)
{
    static const char *const set[] = {"dom0.workload=sleeper", NULL};
    struct run_reply a = run(set, VM("a")),
                     b = run(set, VM("a") AT("2 s", "sched-credit") "vm = 'a'\nweight = 512\n" AT(
                                      "2006 ms", "sched-credit") "vm = 'a'\nweight = 128\n" /* */
                             AT("2500 ms", "sched-credit") "vm = 'a'\nweight = 256\n"       /* */
                             AT("4999900 us", "sched-credit") "vm = 'a'\nweight = 64\n");
    CU_ASSERT_DOUBLE_EQUAL(cpu_seconds(&a, "Domain-0"), cpu_seconds(&b, "Domain-0"), 1e-3);
    CU_ASSERT_DOUBLE_EQUAL(whole_value(&a, "vm.wakes", "vm", "Domain-0"), whole_value(&b, "vm.wakes", "vm", "Domain-0"),
                           4);
    CU_ASSERT_TRUE(whole_value(&a, "vm.wakes", "vm", "Domain-0") > 390);
    CU_ASSERT_DOUBLE_EQUAL(whole_value(&a, "vm.timer_wakes", "vm", "Domain-0"),
                           whole_value(&b, "vm.timer_wakes", "vm", "Domain-0"), 1);
    run_reply_free(&a);
    run_reply_free(&b);
}

/* ---- what Xen refuses ------------------------------------------------------------------------------------------- */

#define POOL(sched) "[[pool]]\nname = 'other'\ncpus = '5'\nsched = '" sched "'\n"
#define POOLED "[[vm]]\nconfig = 'p.cfg'\nworkload = 'burn'\n"
#define FRAME(frame) "do = 'sched-arinc653'\npool = 'other'\nmajor_frame = '10 ms'\nframe = " frame "\n"

static const struct refusal {
    const char *what, *level, *sched;
    const char *before; /* pools, VMs, actions */
    const char *action; /* the one that is refused */
    const char *works;  /* one like it that is not */
    int error;
    const char *name, *reason;
} refusals[] = {
    {"cap above 100 x vCPUs", "modern", "credit2", VM("w"), "do = 'sched-credit2'\nvm = 'w'\ncap = 201\n",
     "do = 'sched-credit2'\nvm = 'w'\ncap = 200\n", HV_EINVAL, "EINVAL", "Cpu cap out of range"},
    {"the same of credit", "xen-4.3", "credit", VM("w"), "do = 'sched-credit'\nvm = 'w'\ncap = 201\n",
     "do = 'sched-credit'\nvm = 'w'\ncap = 200\n", HV_EINVAL, "EINVAL", "Cpu cap out of range"},
    {"no caps", "xen-4.3", "credit2", VM("w"), "do = 'sched-credit2'\nvm = 'w'\ncap = 50\n",
     "do = 'sched-credit2'\nvm = 'w'\nweight = 50\n", HV_EOPNOTSUPP, "EOPNOTSUPP", "Xen refuses"},
    {"weight 0", "xen-4.3", "credit", VM("a"), "do = 'sched-credit'\nvm = 'a'\nweight = 0\n",
     "do = 'sched-credit'\nvm = 'a'\nweight = 1\n", HV_EINVAL, "EINVAL", "Cpu weight out of range"},
    {"weight of 17 bits", "modern", "credit2", VM("a"), "do = 'sched-credit2'\nvm = 'a'\nweight = 65536\n",
     "do = 'sched-credit2'\nvm = 'a'\nweight = 65535\n", HV_EINVAL, "EINVAL", "Cpu weight out of range"},
    {"another scheduler's parameters", "modern", "credit2", VM("a"), "do = 'sched-credit'\nvm = 'a'\nweight = 512\n",
     "do = 'sched-credit2'\nvm = 'a'\nweight = 512\n", HV_EINVAL, "EINVAL", "Xen refuses the parameters"},
    {"empty affinity", "modern", "credit2", VM("a"), "do = 'vcpu-pin'\nvm = 'a'\nhard = '1,^1'\n",
     "do = 'vcpu-pin'\nvm = 'a'\nhard = '1-2,^1'\n", HV_EINVAL, "EINVAL", "Xen refuses the affinity"},
    {"empty affinity, 4.3", "xen-4.3", "credit", VM("a"), "do = 'vcpu-pin'\nvm = 'a'\nhard = '1,^1'\n",
     "do = 'vcpu-pin'\nvm = 'a'\nhard = '1-2,^1'\n", HV_EINVAL, "EINVAL", "Xen refuses the affinity"},
    {"affinity outside the pool", "modern", "credit", POOL("credit") POOLED,
     "do = 'vcpu-pin'\nvm = 'p'\nhard = '1-4'\n", "do = 'vcpu-pin'\nvm = 'p'\nhard = '4-5'\n", HV_EINVAL, "EINVAL",
     "Xen refuses the affinity"},
    {"affinity outside the pool, 4.3", "xen-4.3", "credit", POOL("credit") POOLED,
     "do = 'vcpu-pin'\nvm = 'p'\nhard = '1-4'\n", "do = 'vcpu-pin'\nvm = 'p'\nhard = '4-5'\n", HV_EINVAL, "EINVAL",
     "Xen refuses the affinity"},
    {"affinity of a pinned dom0", "modern", "credit", "", "do = 'vcpu-pin'\nvm = 'Domain-0'\nhard = '1'\n",
     "do = 'sched-credit'\nvm = 'Domain-0'\nweight = 512\n", HV_EINVAL, "EINVAL", "Xen refuses the affinity"},
    {"the last pCPU of a pool", "modern", "credit2", POOL("credit2") POOLED,
     "do = 'cpupool-cpu-remove'\npool = 'other'\ncpu = 5\n", "do = 'cpupool-cpu-remove'\npool = 'Pool-0'\ncpu = 6\n",
     HV_EBUSY, "EBUSY", "Xen does not remove the pCPU"},
    {"the last pCPU of a pool, 4.3", "xen-4.3", "credit", POOL("credit") POOLED,
     "do = 'cpupool-cpu-remove'\npool = 'other'\ncpu = 5\n", "do = 'cpupool-cpu-remove'\npool = 'Pool-0'\ncpu = 6\n",
     HV_EBUSY, "EBUSY", "Xen does not remove the pCPU"},
    {"a pCPU of another pool", "modern", "credit2", POOL("null"),
     "do = 'cpupool-cpu-remove'\npool = 'other'\ncpu = 6\n", "do = 'cpupool-cpu-remove'\npool = 'other'\ncpu = 5\n",
     HV_ENODEV, "ENODEV", "Xen does not remove the pCPU"},
    {"a pCPU that is not free", "modern", "credit2", POOL("null"), "do = 'cpupool-cpu-add'\npool = 'other'\ncpu = 6\n",
     "do = 'cpupool-cpu-remove'\npool = 'Pool-0'\ncpu = 6\n", HV_EBUSY, "EBUSY", "Xen does not add the pCPU"},
    {"a pool with a domain", "modern", "credit2", POOL("credit2") POOLED, "do = 'cpupool-destroy'\npool = 'other'\n",
     "do = 'cpupool-migrate'\nvm = 'p'\npool = 'Pool-0'\n", HV_EBUSY, "EBUSY", "the pool cannot be destroyed"},
    {"a pool of pCPUs that are not free", "modern", "credit2", "", "do = 'cpupool-create'\npool = 'new'\ncpus = '6'\n",
     "do = 'cpupool-create'\npool = 'new'\n", HV_EBUSY, "EBUSY", "Xen does not add a pCPU to the new pool"},
    {"unknown scheduler", "modern", "credit2", "", "do = 'cpupool-create'\npool = 'new'\nsched = 'sedf'\n",
     "do = 'cpupool-create'\npool = 'new'\nsched = 'rtds'\n", HV_ENOENT, "ENOENT", "Xen does not create the pool"},
    {"slots that are longer than the frame", "modern", "credit2", POOL("arinc653") POOLED,
     FRAME("[{ vm = 'p', runtime = '6 ms' }, { vm = 'p', runtime = '5 ms' }]"),
     FRAME("[{ vm = 'p', runtime = '6 ms' }, { vm = 'p', runtime = '4 ms' }]"), HV_EINVAL, "EINVAL",
     "Xen refuses the frame"},
    {"a frame without slots", "modern", "credit2", POOL("arinc653") POOLED, FRAME("[]"),
     FRAME("[{ vm = 'p', runtime = '6 ms' }]"), HV_EINVAL, "EINVAL", "Xen refuses the frame"},
    {"a frame with a slot of no time, 4.3", "xen-4.3", "credit", POOL("arinc653") POOLED,
     FRAME("[{ vm = 'p', runtime = '0 ms' }]"), FRAME("[{ vm = 'p', runtime = '6 ms' }]"), HV_EINVAL, "EINVAL",
     "Xen refuses the frame"},
    {"a frame of another scheduler", "modern", "credit2", POOL("null") POOLED,
     FRAME("[{ vm = 'p', runtime = '1 ms' }]"), "do = 'pause'\nvm = 'p'\n", HV_EINVAL, "EINVAL",
     "Xen refuses the frame"},
    {"budget above period", "modern", "rtds", VM("w"), "do = 'sched-rtds'\nvm = 'w'\nbudget_us = 10001\n",
     "do = 'sched-rtds'\nvm = 'w'\nbudget_us = 10000\n", HV_EINVAL, "EINVAL", "the budget must be"},
    {"period below budget, of a vCPU", "modern", "rtds",
     VM("w") AT("0 s", "sched-rtds") "vm = 'w'\nvcpu = 0\nbudget_us = 1000\n",
     "do = 'sched-rtds'\nvm = 'w'\nperiod_us = 3000\n", "do = 'sched-rtds'\nvm = 'w'\nvcpu = 0\nperiod_us = 3000\n",
     HV_EINVAL, "EINVAL", "vCPU 1: the budget must be"},
    {"a slice that credit2 has not", "modern", "credit2", "", "do = 'sched-params'\ntslice_ms = 5\n",
     "do = 'sched-params'\nratelimit_us = 500\n", HV_EINVAL, "EINVAL", "Xen does not tell the pool's parameters"},
    {"a rate limit above the slice", "modern", "credit", "",
     "do = 'sched-params'\ntslice_ms = 5\nratelimit_us = 6000\n",
     "do = 'sched-params'\ntslice_ms = 6\nratelimit_us = 6000\n", HV_EINVAL, "EINVAL", "Xen refuses the pool's"},
    {"a boot parameter of 4.3", "xen-4.3", "credit", "", "do = 'sched-params'\nmigration_delay_us = 500\n",
     "do = 'sched-params'\ntslice_ms = 20\n", HV_EOPNOTSUPP, "EOPNOTSUPP", "boot parameter at this level"},
    {"a rate limit of a scheduler without", "modern", "credit", POOL("arinc653"),
     "do = 'sched-params'\npool = 'other'\nratelimit_us = 500\n", "do = 'sched-params'\nratelimit_us = 500\n",
     HV_EINVAL, "EINVAL", "Xen does not tell the pool's parameters"},
    {"dom0 to another pool", "modern", "credit2", POOL("credit2"),
     "do = 'cpupool-migrate'\nvm = 'Domain-0'\npool = 'other'\n",
     "do = 'cpupool-cpu-remove'\npool = 'other'\ncpu = 5\n", HV_EINVAL, "EINVAL", "Xen does not move the domain"},
    {"pCPU 0 off", "modern", "credit2", "", "do = 'cpu-offline'\ncpu = 0\n", "do = 'cpu-offline'\ncpu = 1\n", HV_EBUSY,
     "EBUSY", "Xen does not take the pCPU down"},
    {"a pCPU on that is on", "xen-4.3", "credit", "", "do = 'cpu-online'\ncpu = 1\n", "do = 'cpu-offline'\ncpu = 1\n",
     HV_EINVAL, "EINVAL", "Xen does not bring the pCPU up"},
    {"dom0 pauses itself", "modern", "credit2", VM("a"), "do = 'pause'\nvm = 'Domain-0'\n", "do = 'pause'\nvm = 'a'\n",
     HV_EINVAL, "EINVAL", "Xen does not pause the domain"},
};

static struct run_reply run_refusal(const struct refusal *r, const char *expect, const char *then)
{
    char text[2048], level[64], sched[64];
    const char *const set[] = {level, sched, "warmup='100 ms'", "duration='100 ms'", NULL};
    snprintf(level, sizeof(level), "xen.behaviour=%s", r->level);
    snprintf(sched, sizeof(sched), "xen.sched=%s", r->sched);
    snprintf(text, sizeof(text), "%s[[action]]\nat = '50 ms'\n%s%s%s", r->before, r->action, expect, then);
    return run_with(set, text, (struct run_options){0});
}

/* The marks of the action that is refused: the last but one, if there is one after it. */
static void check_marks(const struct refusal *r, bool one_after)
{
    unsigned last = 0;
    for (unsigned i = 0; i < seen->nr; i++)
        last = seen->mark[i].id > last ? seen->mark[i].id : last;
    for (unsigned id = one_after ? last - 1 : last; id <= last; id++) {
        uint64_t arg[3] = {0};
        unsigned n = 0;
        for (unsigned i = 0; i < seen->nr; i++)
            if (seen->mark[i].id == id && n < 3)
                arg[n++] = seen->mark[i].arg;
        CU_ASSERT_EQUAL(n, 3);
        bool refused = !one_after || id < last;
        CU_ASSERT_EQUAL(arg[1], refused ? (uint64_t)r->error : 0);
        CU_ASSERT_EQUAL(arg[0] == arg[2], refused); /* as read back: what is refused changes nothing */
        if (arg[1] != (refused ? (uint64_t)r->error : 0) || (arg[0] == arg[2]) != refused)
            printf("%s: action %u: error %llu, settings %s\n", r->what, id, (unsigned long long)arg[1],
                   arg[0] == arg[2] ? "as they were" : "changed");
    }
}

static void refusals_have_xens_names_and_change_nothing(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        const struct refusal *r = &refusals[i];
        char text[512], named[64];
        /* it ends the run */
        struct run_reply a = run_refusal(r, "", "");
        snprintf(named, sizeof(named), "' at 0.05 s: refused: %s: ", r->name);
        bool said = a.exit == EXIT_BAD_INPUT && strstr(a.result.error, named) && strstr(a.result.error, r->reason) &&
                    strncmp(a.result.error, "t.toml:", 7) == 0;
        CU_ASSERT_TRUE(said);
        if (!said)
            printf("%s: exit %d: %s\n", r->what, a.exit, a.result.error);
        check_marks(r, false);
        run_reply_free(&a);
        /* unless it is expected; the run goes on */
        snprintf(named, sizeof(named), "expect = '%s'\n", r->name);
        snprintf(text, sizeof(text), "[[action]]\nat = '60 ms'\n%s", r->works);
        a = run_refusal(r, named, text);
        CU_ASSERT_EQUAL(a.exit, EXIT_DONE);
        if (a.exit)
            printf("%s: exit %d: %s\n", r->what, a.exit, a.result.error);
        else
            check_marks(r, true);
        run_reply_free(&a);
    }
}

static void an_expectation_can_be_missed(void)
{
    static const char *const set[] = {"xen.sched=credit", NULL};
    struct run_reply a = run_with(set, VM("a") AT("1500 ms", "sched-credit") "vm = 'a'\nweight = 5\nexpect = 'EBUSY'\n",
                                  (struct run_options){0});
    CU_ASSERT_EQUAL(a.exit, EXIT_CHECK_FAILED);
    CU_ASSERT_STRING_EQUAL(a.result.error, "t.toml:14:1: 'xl sched-credit -d a -w 5' at 1.5 s: done, but EBUSY was "
                                           "expected");
    run_reply_free(&a);
    a = run_with(set, VM("a") AT("1500 ms", "sched-credit") "vm = 'a'\nweight = 0\nexpect = 'EBUSY'\n",
                 (struct run_options){0});
    CU_ASSERT_EQUAL(a.exit, EXIT_CHECK_FAILED);
    CU_ASSERT_STRING_EQUAL(a.result.error,
                           "t.toml:14:1: 'xl sched-credit -d a -w 0' at 1.5 s: EBUSY was expected, not EINVAL: Domain "
                           "1:Cpu weight out of range, valid values are within range from 1 to 65535");
    run_reply_free(&a);
}

/* ---- the trajectory --------------------------------------------------------------------------------------------- */

#define MANY                                                                                                                                                                                                                                                                                                                                                                                                                                      \
    "[[pool]]\nname = 'other'\ncpus = '5-6'\nsched = 'credit'\n" VM("a") VM("b") VM("w") POOLED AT(                                                                                                                                                                                                                                                                                                                                               \
        "100 ms",                                                                                                                                                                                                                                                                                                                                                                                                                                 \
        "vcpu-pin") "vm = 'w'\nvcpu = 1\nhard = '3-4'\n" AT("200 ms",                                                                                                                                                                                                                                                                                                                                                                             \
                                                            "sched-"                                                                                                                                                                                                                                                                                                                                                                              \
                                                            "credit") "vm = 'p'\nweight = 77\ncap = 60\n" AT("300 ms", "cpupool-cpu-remove") "pool = 'other'\ncpu = 5\n" AT("300 ms", "cpupool-cpu-add") "pool = 'Pool-0'\ncpu = 5\n" AT("400 ms", "cpu-offline") "cpu = 2\n" AT("400 ms", "cpupool-migrate") "vm = 'b'\npool = 'other'\n" AT("500 ms",                                                                                           \
                                                                                                                                                                                                                                                                                                                                              "sched-credit") "vm = "                                                                             \
                                                                                                                                                                                                                                                                                                                                                              "'b'"                                                                               \
                                                                                                                                                                                                                                                                                                                                                              "\ncap "                                                                            \
                                                                                                                                                                                                                                                                                                                                                              "= "                                                                                \
                                                                                                                                                                                                                                                                                                                                                              "101\nex"                                                                           \
                                                                                                                                                                                                                                                                                                                                                              "pect = "                                                                           \
                                                                                                                                                                                                                                                                                                                                                              "'EINVAL"                                                                           \
                                                                                                                                                                                                                                                                                                                                                              "'\n" AT("600 ms", "cpu-online") "cpu = 2\n" AT("700 ms", "pause") "vm = 'a'\n" AT( \
                                                                                                                                                                                                                                                                                                                                                                  "800 ms",                                                                       \
                                                                                                                                                                                                                                                                                                                                                                  "unpause") "vm = 'a'\n"

static void the_slow_twin_has_the_same_fingerprint(void)
{
    static const char *const costs[] = {"hv_cost=none", "hv_cost=fixed"};
    static const char *const scheds[] = {"xen.sched=credit", "xen.sched=credit2"};
    for (unsigned i = 0; i < 8; i++) {
        const char *const set[] = {costs[i & 1],        scheds[i >> 1 & 1],         levels[i >> 2], "warmup='500 ms'",
                                   "duration='500 ms'", "dom0.workload=dom0-light", "dom0.vcpus=2", NULL};
        struct run_reply a = run(set, MANY), b = run(set, MANY),
                         c = run_with(set, MANY, (struct run_options){.sync_every_event = true});
        CU_ASSERT_EQUAL(c.exit, EXIT_DONE);
        CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
        CU_ASSERT_EQUAL(a.result.fingerprint, c.result.fingerprint);
        CU_ASSERT_EQUAL(a.result.events, c.result.events);
        run_reply_free(&a);
        run_reply_free(&b);
        run_reply_free(&c);
    }
}

/* ---- the console ------------------------------------------------------------------------------------------------ */

static void the_console_has_the_commands(void)
{
    static const char *const set[] = {"xen.sched=credit", NULL};
    FILE *console = tmpfile();
    char text[65536];
    CU_ASSERT_PTR_NOT_NULL_FATAL(console);
    struct run_reply a =
        run_with(set, VM("a") AT("1500 ms", "sched-credit") "vm = 'a'\nweight = 0\nexpect = 'EINVAL'\n",
                 (struct run_options){.console = console});
    CU_ASSERT_EQUAL(a.exit, EXIT_DONE);
    run_reply_free(&a);
    rewind(console);
    text[fread(text, 1, sizeof(text) - 1, console)] = '\0';
    fclose(console);
    const char *at = strstr(text, "] xl sched-credit -d a -w 0\n(xl) error: Domain 1:Cpu weight out of range");
    CU_ASSERT_PTR_NOT_NULL(at);
}

/* ---- */

static void in_a_directory_of_its_own(void)
{
    scratch_enter();
    seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CU_ASSERT_FATAL(seen != MAP_FAILED);
    scratch_write("a.cfg", "name = 'a'\nmemory = 64\ncpus = '1'\n");
    scratch_write("b.cfg", "name = 'b'\nmemory = 64\ncpus = '1'\n");
    scratch_write("w.cfg", "name = 'w'\nmemory = 64\nvcpus = 2\ncpus = '2-3'\n");
    scratch_write("p.cfg", "name = 'p'\nmemory = 64\npool = 'other'\n");
    scratch_write("r.cfg", "name = 'r'\nmemory = 64\npool = 'rt'\n");
}

static void clean_up(void)
{
    static const char *const files[] = {"t.toml", "a.cfg",    "b.cfg",    "w.cfg", "p.cfg",
                                        "r.cfg",  "late.cfg", "huge.cfg", "log",   NULL};
    scratch_leave(files);
}

static const struct cunit_case tests[] = {
    {"set-up", in_a_directory_of_its_own},
    {"VMs are made and destroyed", vms_are_made_and_destroyed},
    {"memory follows its target", memory_follows_its_target},
    {"memory stays where it is", memory_stays_where_it_is},
    {"a host cannot have more free than it has", a_host_cannot_have_more_free_than_it_has},
    {"a weight divides from its time on", weights_change_at_their_time},
    {"a weight can be doubled and quartered", weights_can_be_halved_again},
    {"a cap holds from its time on", a_cap_holds_from_its_time_on},
    {"vcpu-pin moves a VM", vcpu_pin_moves_a_vm},
    {"soft affinity draws a VM", soft_affinity_moves_a_vm_too},
    {"cpupool-migrate moves a VM", cpupool_migrate_moves_a_vm},
    {"a pCPU goes off and on", pcpus_go_off_and_on},
    {"pools come and go", pools_come_and_go},
    {"frames of arinc653", frames_of_arinc653},
    {"a shorter slice switches more often", parameters_of_a_pool},
    {"pause and unpause", pause_and_unpause},
    {"actions are punctual, whatever dom0 does", actions_are_punctual},
    {"dom0 goes on with its own work", dom0_goes_on_with_its_own_work},
    {"refusals have Xen's names and change nothing", refusals_have_xens_names_and_change_nothing},
    {"an expectation can be missed", an_expectation_can_be_missed},
    {"the slow twin has the same fingerprint", the_slow_twin_has_the_same_fingerprint},
    {"the console has the commands", the_console_has_the_commands},
    {"clean-up", clean_up},
};

CUNIT_MAIN("actions", tests)
