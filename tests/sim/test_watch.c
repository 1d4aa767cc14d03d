/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who looks over the hypervisor's shoulder: what is broken or starves is named, and looking changes nothing. */
#include "whole_run.h"
#include <hv/core.h>
#include <hv/port.h>

/* What broken_core.c asks for. */
__attribute__((visibility("default"))) const struct hv_core *linked_core(void);
const struct hv_core *linked_core(void)
{
    return hv_core_get();
}

/* And stuck_core.c. */
__attribute__((visibility("default"))) s_time_t linked_now(void);
s_time_t linked_now(void)
{
    return port_now();
}
__attribute__((visibility("default"))) pcpu_id linked_this_cpu(void);
pcpu_id linked_this_cpu(void)
{
    return port_this_cpu();
}
__attribute__((visibility("default"))) void linked_lock(struct hv_lock *l);
void linked_lock(struct hv_lock *l)
{
    port_lock(l);
}

__attribute__((visibility("default"))) void linked_relax_until(bool (*cond)(void *arg), void *arg);
void linked_relax_until(bool (*cond)(void *arg), void *arg)
{
    port_relax_until(cond, arg);
}

/* Eight pCPUs without threads. */
#define HOST                                                                                                           \
    "name = 't'\nmachine = 'westmere-ep-2s'\nhv_cost = 'fixed'\nwarmup = '1 s'\nduration = '4 s'\nwatchdog = '1 s'\n"  \
    "[dom0]\nvcpus = 1\nmemory = '512 MiB'\n"
#define BURN(n) "[[vm]]\nconfig = 'b.cfg'\ncount = " #n "\nworkload = 'burn'\n"
#define SLEEP(n) "[[vm]]\nconfig = 's.cfg'\ncount = " #n "\nworkload = 'sleeper'\n"

static const char *const one_thread[] = {"machine.topology.threads_per_core=1", NULL};

static int to_console(void *ctx, struct run_options *opt)
{
    (void)ctx;
    opt->console = fopen("console", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(freopen("errors", "w", stderr));
    return opt->console ? EXIT_DONE : EXIT_HOST_FAILED;
}

static struct run_reply run_with(const char *text, const char *const *set, struct run_options opt)
{
    return whole_run(text, set, opt, to_console, NULL);
}

static struct run_reply run(const char *text, struct run_options opt)
{
    return run_with(text, one_thread, opt);
}

static double value(const struct run_reply *a, const char *name)
{
    const struct metric *m = metrics_find(&a->result.metrics, name, NULL, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    return m->value;
}

static void watching_changes_nothing(void)
{
    static const struct {
        const char *sched, *gran;
        const char *const *set;
        bool starves; /* with null those that have no pCPU (core, socket) of their own */
    } rows[] = {
        {"credit", "cpu", one_thread, false}, {"credit2", "cpu", one_thread, false}, {"rtds", "cpu", one_thread, false},
        {"null", "cpu", one_thread, true},    {"credit", "core", NULL, false},       {"credit2", "core", NULL, false},
        {"rtds", "core", NULL, false},        {"null", "core", NULL, true},          {"credit", "socket", NULL, false},
        {"credit2", "socket", NULL, false},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[1024];
        snprintf(text, sizeof(text),
                 HOST "[xen]\nbehaviour = 'modern'\nsched = '%s'\nsched_gran = '%s'\n" SLEEP(5) BURN(4), rows[i].sched,
                 rows[i].gran);
        struct run_reply a = run_with(text, rows[i].set, (struct run_options){0}),
                         b = run_with(text, rows[i].set, (struct run_options){.check_invariants = 1}),
                         c = run_with(text, rows[i].set,
                                      (struct run_options){.check_invariants = 7, .sync_every_event = true});
        CU_ASSERT_EQUAL(a.exit, EXIT_DONE);
        CU_ASSERT_EQUAL(b.exit, EXIT_DONE);
        if (b.exit)
            printf("%s: %s\n", rows[i].sched, b.result.error);
        CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
        CU_ASSERT_EQUAL(a.result.fingerprint, c.result.fingerprint);
        CU_ASSERT_EQUAL(a.result.events, b.result.events);
        CU_ASSERT_EQUAL(value(&b, "sched.stalls") > 0, rows[i].starves);
        run_reply_free(&a);
        run_reply_free(&b);
        run_reply_free(&c);
    }
}

/* Nine burners where each wants a pCPU of its own: dom0 has the first, two burners have none. */
#define STARVING HOST "[xen]\nbehaviour = 'modern'\nsched = 'null'\n" BURN(9)

static void who_starves_is_named_once(void)
{
    struct run_reply a = run(STARVING, (struct run_options){0});
    CU_ASSERT_EQUAL(a.exit, EXIT_DONE);
    CU_ASSERT_EQUAL(value(&a, "sched.stalls"), 2);
    static const char *const names[] = {"console", "errors"};
    for (unsigned i = 0; i < 2; i++) {
        char *text = whole_read(names[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "vCPU 0 of b-8 (d8v0) has been runnable for 1."));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "vCPU 0 of b-9 (d9v0) has been runnable for 1."));
        CU_ASSERT_PTR_NULL(strstr(text, "of b-7 "));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "Scheduler: null Scheduler (null)"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "CPU[07] current=d7v0"));
        free(text);
    }
    run_reply_free(&a);
}

static void a_stall_can_end_the_run(void)
{
    struct run_reply a = run(STARVING, (struct run_options){.watchdog_fatal = true});
    CU_ASSERT_EQUAL(a.exit, EXIT_CHECK_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.result.error, "vCPU 0 of b-"));
    run_reply_free(&a);
}

static void nobody_looks_without_a_watchdog(void)
{
    static const char *const off[] = {"machine.topology.threads_per_core=1", "watchdog='0 s'", NULL};
    struct run_reply a = whole_run(STARVING, off, (struct run_options){.watchdog_fatal = true}, to_console, NULL);
    CU_ASSERT_EQUAL(a.exit, EXIT_DONE);
    CU_ASSERT_EQUAL(value(&a, "sched.stalls"), 0);
    run_reply_free(&a);
}

/* Nine burners on eight pCPUs take turns. */
static void who_only_waits_is_not_named(void)
{
    struct run_reply a = run(HOST "[xen]\nbehaviour = 'modern'\nsched = 'credit'\n" BURN(9), (struct run_options){0});
    CU_ASSERT_EQUAL(a.exit, EXIT_DONE);
    CU_ASSERT_EQUAL(value(&a, "sched.stalls"), 0);
    run_reply_free(&a);
}

static void a_violation_ends_the_run(void)
{
    struct run_options opt = {.check_invariants = 1, .hv_core_path = HVSIM_BROKEN_CORE_SO};
    struct run_reply a = run(HOST "[xen]\nsched = 'credit'\n" BURN(2), opt);
    CU_ASSERT_EQUAL(a.exit, EXIT_MODEL_PANIC);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.result.error, "invariant violated at "));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.result.error, ": broken on purpose"));
    char *text = whole_read("errors");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Scheduler: SMP Credit Scheduler (credit)"));
    free(text);
    run_reply_free(&a);
    opt.check_invariants = 0; /* nobody looks, nobody sees */
    a = run(HOST "[xen]\nsched = 'credit'\n" BURN(2), opt);
    CU_ASSERT_EQUAL(a.exit, EXIT_DONE);
    run_reply_free(&a);
}

/* From 1 s on a pCPU holds a lock for good that all others take at their next timer interrupt. */
static void a_stuck_pcpu_is_a_panic(void)
{
    struct run_options opt = {.hv_core_path = HVSIM_STUCK_CORE_SO};
    struct run_reply a = run(HOST "[xen]\nsched = 'credit'\nwatchdog = true\nwatchdog_timeout = 1\n" BURN(
                                 6) "[[fault]]\nkind = 'ipi-lost'\nat = '0 s'\nnth = 1\ntimes = 1\n",
                             opt);
    CU_ASSERT_EQUAL(a.exit, EXIT_MODEL_PANIC);
    unsigned cpu = 99, holder = 99;
    const char *at = strstr(a.result.error, "Watchdog timer detects that CPU");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL(sscanf(at, "Watchdog timer detects that CPU%u is stuck!", &cpu), 1);
    at = strstr(at, "it waits for lock 'forgotten', which CPU");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL(sscanf(at, "it waits for lock 'forgotten', which CPU%u holds", &holder), 1);
    CU_ASSERT(cpu < 8 && holder < 8 && cpu != holder);
    at = strstr(at, "in the queue: ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    CU_ASSERT_EQUAL(strtoul(at + strlen("in the queue: "), NULL, 10), cpu); /* it came first */
    CU_ASSERT_PTR_NOT_NULL(strstr(at, "(faults injected: ipi-lost 1; last lost: "));
    char *text = whole_read("console");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "(XEN) Watchdog timer detects that CPU"));
    free(text);
    run_reply_free(&a);
}

/* From 1 s on a pCPU waits for what no other one does: it is the watchdog's, and has as long as xen.watchdog_timeout
 * says. */
static void a_spinning_pcpu_is_a_panic(void)
{
    struct run_options opt = {.hv_core_path = HVSIM_SPINNING_CORE_SO};
    for (unsigned timeout = 1; timeout <= 2; timeout++) {
        char text[1024];
        snprintf(text, sizeof(text), HOST "[xen]\nsched = 'credit'\nwatchdog = true\nwatchdog_timeout = %u\n" BURN(6),
                 timeout);
        struct run_reply a = run(text, opt);
        CU_ASSERT_EQUAL(a.exit, EXIT_MODEL_PANIC);
        unsigned cpu;
        double at, since;
        CU_ASSERT_EQUAL_FATAL(sscanf(a.result.error,
                                     "Watchdog timer detects that CPU%u is stuck! At %lf s no interrupt has got "
                                     "through to it for %lf s; it spins",
                                     &cpu, &at, &since),
                              3);
        CU_ASSERT(since > timeout && since <= timeout + 1); /* Xen's looks once a second */
        CU_ASSERT_DOUBLE_EQUAL(at - since, 1, 0.1);
        run_reply_free(&a);
    }
}

/* Xen's default: without faults in the scenario there is no watchdog. With them 5 s are not over after 4. */
static void without_xens_watchdog_it_stays_stuck(void)
{
    static const char *const cores[] = {HVSIM_STUCK_CORE_SO, HVSIM_SPINNING_CORE_SO};
    static const char *const rows[] = {"", "[[fault]]\nkind = 'ipi-lost'\nat = '0 s'\nnth = 1\ntimes = 1\n"};
    for (unsigned i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(cores); i++) {
        char text[1024];
        snprintf(text, sizeof(text), HOST "[xen]\nsched = 'credit'\n" BURN(6) "%s", rows[i % ARRAY_SIZE(rows)]);
        struct run_reply a = run(text, (struct run_options){.hv_core_path = cores[i / ARRAY_SIZE(rows)]});
        if (a.exit)
            printf("exit %d: %s\n", a.exit, a.result.error);
        CU_ASSERT_EQUAL(a.exit, EXIT_DONE);
        run_reply_free(&a);
    }
}

static void the_pcpus_watchdog_changes_nothing(void)
{
    static const char *const rows[] = {"false", "true\nwatchdog_timeout = 1"};
    struct run_reply a[ARRAY_SIZE(rows)];
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[1024];
        snprintf(text, sizeof(text), HOST "[xen]\nsched = 'credit'\nwatchdog = %s\n" BURN(9), rows[i]);
        a[i] = run(text, (struct run_options){0});
        CU_ASSERT_EQUAL(a[i].exit, EXIT_DONE);
    }
    CU_ASSERT_EQUAL(a[0].result.fingerprint, a[1].result.fingerprint);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        run_reply_free(&a[i]);
}

static void arm_has_no_watchdog_for_pcpus(void)
{
    char *err = NULL;
    scratch_write("arm.toml", "name = 't'\nmachine = 'cortex-a53-4c'\nwarmup = '1 s'\nduration = '1 s'\n"
                              "[dom0]\nvcpus = 1\nmemory = '512 MiB'\n[xen]\nwatchdog = true\n");
    struct scenario *s = scenario_load("arm.toml", NULL, &err);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT(err && strstr(err, "is no x86: Xen has no watchdog there"));
    if (err && !strstr(err, "is no x86"))
        printf("%s\n", err);
    scenario_free(s);
    free(err);
}

static void prepare_files(void)
{
    static char dir[] = "/tmp/test_watch-XXXXXX";
    whole_enter(dir);
    whole_guest("b", 1, "");
    whole_guest("s", 2, "");
    watching_changes_nothing();
}

static const struct cunit_case tests[] = {
    {"watching changes nothing", prepare_files},
    {"who starves is named, once, with the run queues", who_starves_is_named_once},
    {"a stall can end the run", a_stall_can_end_the_run},
    {"without a watchdog nobody looks", nobody_looks_without_a_watchdog},
    {"who only waits is not named", who_only_waits_is_not_named},
    {"a stuck pCPU is a panic with the lock and who holds it", a_stuck_pcpu_is_a_panic},
    {"a pCPU that spins for good is a panic, after what watchdog_timeout says", a_spinning_pcpu_is_a_panic},
    {"without Xen's watchdog it stays stuck", without_xens_watchdog_it_stays_stuck},
    {"the watchdog of pCPUs changes nothing", the_pcpus_watchdog_changes_nothing},
    {"ARM has no watchdog for pCPUs", arm_has_no_watchdog_for_pcpus},
    {"a violation ends the run, with the run queues", a_violation_ends_the_run},
};

CUNIT_MAIN("watch", tests)
