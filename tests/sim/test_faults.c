/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * [[fault]]s with the whole simulator, invariants on: what each kind does, what makes up for it, that the same seed
 * gives the same trajectory, and that what cannot be made up for ends the run with the reason.
 */
#include "whole_run.h"

#define BASE                                                                                                           \
    "name = 't'\nmachine = 'westmere-ep-2s'\nhv_cost = 'fixed'\nwarmup = '500 ms'\nduration = '3500 ms'\n"             \
    "watchdog = '1500 ms'\n[dom0]\nvcpus = 1\nmemory = '512 MiB'\n[xen]\nbehaviour = 'modern'\n"
#define GUESTS                                                                                                         \
    "[[vm]]\nconfig = 'b.cfg'\ncount = 3\nworkload = 'burn'\n"                                                         \
    "[[vm]]\nconfig = 'w.cfg'\ncount = 6\nworkload = 'chatty'\n"
#define HOST BASE GUESTS

static const char *const scheds[] = {"credit", "credit2", "rtds", "null"};

static int to_console(void *ctx, struct run_options *opt)
{
    (void)ctx;
    opt->console = fopen("console", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(freopen("errors", "w", stderr));
    return opt->console ? EXIT_DONE : EXIT_HOST_FAILED;
}

static struct run_reply run(const char *text, const char *sched)
{
    char set[64];
    const char *all[] = {set, NULL};
    snprintf(set, sizeof(set), "xen.sched=%s", sched);
    return whole_run(text, all, (struct run_options){.check_invariants = 101}, to_console, NULL);
}

static double value(const struct run_reply *a, const char *name, const char *op)
{
    const struct metric *m = metrics_find(&a->result.metrics, name, op ? "op" : NULL, op);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    return m->value;
}

static void must_be_done(const struct run_reply *a)
{
    if (a->exit)
        printf("exit %d: %s\n", a->exit, a->result.error);
    CU_ASSERT_EQUAL(a->exit, EXIT_DONE);
}

static bool console_says(const char *what)
{
    char *text = whole_read("console");
    bool yes = strstr(text, what) != NULL;
    free(text);
    return yes;
}

/* Twice with the same result, and another without the fault. */
static struct run_reply run_twice(const char *text, const char *sched, const char *kind)
{
    struct run_reply a = run(text, sched), b = run(text, sched);
    must_be_done(&a);
    must_be_done(&b);
    CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
    CU_ASSERT(value(&a, "fault.injected", kind) > 0);
    run_reply_free(&b);
    return a;
}

/* The timer of the pCPU, another IPI, its guest: or the call of all pCPUs, every second. A call can get lost as well,
 * as long as IPIs do; the one after that, up to a second later, does not. */
static void lost_until(const char *sched, double seconds)
{
    char text[sizeof(HOST) + 128];
    snprintf(text, sizeof(text), HOST "[[fault]]\nkind = 'ipi-lost'\nat = '0 s'\nuntil = '%g s'\nnth = 10\n", seconds);
    struct run_reply a = run_twice(text, sched, "ipi-lost");
    double by = value(&a, "fault.ipi_recovered", "timer") + value(&a, "fault.ipi_recovered", "ipi") +
                value(&a, "fault.ipi_recovered", "guest");
    CU_ASSERT(by > 0);
    CU_ASSERT(by <= value(&a, "fault.injected", "ipi-lost"));
    CU_ASSERT_EQUAL(value(&a, "fault.ipi_unrecovered", NULL), 0);
    CU_ASSERT(value(&a, "fault.ipi_recovery_max", NULL) < seconds + 1.001);
    CU_ASSERT_EQUAL(value(&a, "sched.stalls", NULL), 0);
    run_reply_free(&a);
}

static void lost_ipis_are_noticed(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(scheds); i++) {
        lost_until(scheds[i], 1);
        lost_until(scheds[i], 2);
    }
}

/* Where nobody calls: credit2 has no tick, and a pCPU that sleeps sleeps on. The watchdog names who waits for it. */
static void without_calibration_they_are_not_always(void)
{
    struct run_reply a =
        run(BASE "time_calibration = false\n" GUESTS "[[fault]]\nkind = 'ipi-lost'\nat = '0 s'\nprobability = 0.2\n",
            "credit2");
    must_be_done(&a);
    CU_ASSERT(value(&a, "sched.stalls", NULL) > 0);
    CU_ASSERT(value(&a, "fault.ipi_unrecovered", NULL) > 0);
    run_reply_free(&a);
}

static void late_interrupts_are_only_late(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(scheds); i++) {
        struct run_reply a =
            run_twice(HOST "[[fault]]\nkind = 'ipi-late'\nat = '0 s'\nby = '300 us'\n"
                           "[[fault]]\nkind = 'timer-late'\nat = '0 s'\nby = '2 ms'\nprobability = 0.1\n",
                      scheds[i], "timer-late");
        CU_ASSERT_EQUAL(value(&a, "sched.stalls", NULL), 0);
        run_reply_free(&a);
    }
}

/* A guest that wakes by its timer runs later by what the timer was late, and by no more than that. */
static void a_late_timer_shows_in_latency(void)
{
#define WAKER BASE "[[vm]]\nconfig = 'b.cfg'\nworkload = 'chatty'\n"
    struct run_reply a = run(WAKER, "credit"),
                     b = run(WAKER "[[fault]]\nkind = 'timer-late'\nat = '0 s'\nby = '2 ms'\n", "credit");
    must_be_done(&a);
    must_be_done(&b);
    double without = metrics_find(&a.result.metrics, "vm.timer_latency_mean", "vm", "b")->value,
           with = metrics_find(&b.result.metrics, "vm.timer_latency_mean", "vm", "b")->value;
    CU_ASSERT(with - without > 0.0008);
    CU_ASSERT(with - without < 0.0012); /* the mean of 0..2 ms */
    CU_ASSERT(metrics_find(&b.result.metrics, "vm.timer_latency_max", "vm", "b")->value < 0.0021 + without);
    run_reply_free(&a);
    run_reply_free(&b);
}

static void trylocks_that_fail_are_tried_again(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct run_reply a =
            run_twice(HOST "[[fault]]\nkind = 'trylock'\nat = '0 s'\nprobability = 0.5\n", scheds[i], "trylock");
        CU_ASSERT_EQUAL(value(&a, "sched.stalls", NULL), 0);
        run_reply_free(&a);
    }
}

/* Who runs there runs elsewhere; who is pinned there has its affinity broken, and Xen says so. */
static void pcpus_go_and_come_back(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(scheds); i++) {
        struct run_reply a =
            run_twice(HOST "[[fault]]\nkind = 'cpu-offline'\nat = '100 ms'\nevery = '250 ms'\nback_after = '600 ms'\n",
                      scheds[i], "cpu-offline");
        CU_ASSERT_EQUAL(value(&a, "sched.stalls", NULL), 0);
        CU_ASSERT(console_says(" is taken off"));
        CU_ASSERT(console_says(" is back"));
        run_reply_free(&a);
    }
    struct run_reply a = run_twice(HOST "[[vm]]\nconfig = 'p.cfg'\nworkload = 'burn'\n"
                                        "[[fault]]\nkind = 'cpu-offline'\nat = '1 s'\ncpu = 5\n",
                                   "credit", "cpu-offline");
    CU_ASSERT(console_says("Breaking affinity for d10v0"));
    CU_ASSERT_EQUAL(value(&a, "fault.injected", "cpu-offline"), 1);
    /* It goes on at full speed: from 0.5 s to 4 s. */
    CU_ASSERT(metrics_find(&a.result.metrics, "vm.cpu_seconds", "vm", "p")->value > 3.4);
    CU_ASSERT_EQUAL(metrics_find(&a.result.metrics, "pcpu.hypervisor_fraction", "pcpu", "5")->value < 0.1, true);
    run_reply_free(&a);
    /* pCPU 0 cannot go. */
    a = run(HOST "[[fault]]\nkind = 'cpu-offline'\nat = '1 s'\ncpu = 0\n", "credit");
    must_be_done(&a);
    CU_ASSERT_EQUAL(value(&a, "fault.injected", "cpu-offline"), 0);
    CU_ASSERT(console_says("(xl) error: Xen does not take the pCPU down: "));
    run_reply_free(&a);
}

/* The guests' pages wait until they are freed; the free ones go at once; Xen's own stay. All of them come back. */
static void memory_goes_and_comes_back(void)
{
    struct run_reply a = run_twice(HOST "[[fault]]\nkind = 'memory-offline'\nat = '100 ms'\nnode = 1\nsize = '64 MiB'\n"
                                        "[[fault]]\nkind = 'memory-offline'\nat = '1 s'\nnode = 1\nfrom = '2 GiB'\n"
                                        "size = '32 MiB'\nback_after = '1500 ms'\n",
                                   "credit", "memory-offline");
    CU_ASSERT(console_says("(xl) note: fault: memory of node 1: 8192 pages are gone, 0 wait until they are freed, 0 "
                           "refused"));
    CU_ASSERT(console_says("(xl) note: fault: memory of node 1: 8192 pages are back, 0 wait until they are freed, 0 "
                           "refused"));
    run_reply_free(&a);
}

/* All that is in use of a node goes off: its guests run on, and what they give back does not come back. */
static void memory_in_use_goes_when_it_is_freed(void)
{
#define NODE_GOES HOST "[[fault]]\nkind = 'memory-offline'\nat = '0 s'\nnode = 1\nfrom = '5376 MiB'\n"
    double left[2][2];
    for (unsigned k = 0; k < 2; k++) {
        static const char *const more[] = {"", "[[action]]\nat = '3500 ms'\ndo = 'destroy'\nvm = 'w-1'\n"
                                               "[[action]]\nat = '3600 ms'\ndo = 'destroy'\nvm = 'w-2'\n"};
        char text[2048];
        snprintf(text, sizeof(text), NODE_GOES "%s", more[k]);
        struct run_reply a = run(text, "credit");
        must_be_done(&a);
        for (unsigned n = 0; n < 2; n++)
            left[k][n] = metrics_find(&a.result.metrics, "node.free_pages", "node", n ? "1" : "0")->value;
        run_reply_free(&a);
    }
    unsigned long long gone = 0, wait = 0;
    char line[256];
    FILE *f = fopen("console", "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    while (fgets(line, sizeof(line), f))
        if (sscanf(line, "(xl) note: fault: memory of node 1: %llu pages are gone, %llu wait", &gone, &wait) == 2)
            break;
    fclose(f);
    CU_ASSERT(wait > 100000); /* half of dom0, and four or five guests of 16,384 pages */
    CU_ASSERT(gone + wait <= 768 * 256 && gone + wait > 768 * 256 - 64);
    CU_ASSERT_EQUAL(left[1][1], left[0][1]);
    CU_ASSERT(left[1][0] > left[0][0] + 16384);
}

static void allocations_that_fail_are_refused(void)
{
    static const char *const class[] = {"guest", "xenheap", "xmalloc", "frametable"};
    for (unsigned k = 0; k < ARRAY_SIZE(class); k++) {
        char text[2048];
        snprintf(text, sizeof(text),
                 HOST "[[fault]]\nkind = 'alloc'\nclass = '%s'\nat = '0 s'\nuntil = '3 s'\nnth = 3\n"
                      "[[action]]\nat = '1 s'\ndo = 'create'\nconfig = 'c.cfg'\nmay_fail = true\n"
                      "[[action]]\nat = '2 s'\ndo = 'mem-set'\nvm = 'w-1'\nmemory = '32 MiB'\nmay_fail = true\n"
                      "[[action]]\nat = '2500 ms'\ndo = 'mem-set'\nvm = 'w-1'\nmemory = '64 MiB'\nmay_fail = true\n"
                      "[[action]]\nat = '3500 ms'\ndo = 'create'\nconfig = 'd.cfg'\n",
                 class[k]);
        struct run_reply a = run(text, "credit2"), b = run(text, "credit2");
        must_be_done(&a); /* the last one is made: nothing is lost */
        CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
        if (k == 0 || k == 2) /* of whole pages and descriptors there may be too few to be struck */
            CU_ASSERT(console_says("(xl) error: domain c: "));
        run_reply_free(&a);
        run_reply_free(&b);
    }
}

/* A pCPU that is to be descheduled does not answer, and nobody calls it again: that ends with the reason. */
static void what_cannot_be_made_up_for_panics(void)
{
    struct run_reply a =
        run(BASE "time_calibration = false\nwatchdog_timeout = 1\n[[vm]]\nconfig = 'b.cfg'\nworkload = 'burn'\n"
                 "[[fault]]\nkind = 'ipi-lost'\nat = '900 ms'\nprobability = 1\n"
                 "[[action]]\nat = '1 s'\ndo = 'pause'\nvm = 'b'\n",
            "null");
    CU_ASSERT_EQUAL(a.exit, EXIT_MODEL_PANIC);
    CU_ASSERT_PTR_NOT_NULL(strstr(a.result.error, "it spins until another one has done something"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.result.error, "(faults injected: ipi-lost "));
    CU_ASSERT_PTR_NOT_NULL(strstr(a.result.error, "last lost: the IPI of pCPU "));
    run_reply_free(&a);
}

/* What a fault draws is its own: another fault, which never strikes, changes nothing. */
static void streams_are_apart(void)
{
#define LATE "[[fault]]\nkind = 'ipi-late'\nat = '0 s'\nby = '300 us'\nprobability = 0.3\n"
    struct run_reply a = run(HOST LATE, "credit"),
                     b = run(HOST LATE "[[fault]]\nkind = 'timer-late'\nat = '0 s'\nby = '1 ms'\nprobability = 0\n",
                             "credit");
    CU_ASSERT_EQUAL(a.result.fingerprint, b.result.fingerprint);
    run_reply_free(&a);
    run_reply_free(&b);
}

static void mistakes_are_reported(void)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"at = '1 s'\n", "kind"},
        {"kind = 'ipi-lose'\nat = '1 s'\nnth = 1\n", "did you mean 'ipi-lost'"},
        {"kind = 'ipi-lost'\nat = '9 s'\nnth = 1\n", "t.toml:22:6: the run ends 4000 ms after the guests start"},
        {"kind = 'ipi-lost'\nat = '1 s'\n", "fault 'ipi-lost': expected either probability or nth"},
        {"kind = 'ipi-lost'\nat = '1 s'\nnth = 1\nprobability = 1\n", "expected either probability or nth"},
        {"kind = 'ipi-lost'\nat = '1 s'\nprobability = 1.5\n", "probability"},
        {"kind = 'ipi-lost'\nat = '1 s'\nuntil = '1 s'\nnth = 1\n", "it ends before it begins"},
        {"kind = 'ipi-lost'\nat = '1 s'\nnth = 1\nby = '1 ms'\n", "unknown key 'by'"},
        {"kind = 'ipi-late'\nat = '1 s'\n", "by"},
        {"kind = 'alloc'\nat = '1 s'\nnth = 1\nclass = 'heap'\n", "no class 'heap'"},
        {"kind = 'cpu-offline'\nat = '1 s'\ncpu = 99\n", "cpu"},
        {"kind = 'cpu-offline'\nat = '1 s'\nnth = 2\n", "unknown key 'nth'"},
        {"kind = 'memory-offline'\nat = '1 s'\n", "node"},
        {"kind = 'memory-offline'\nat = '1 s'\nnode = 0\nfrom = '1 TiB'\n", "node 0 has "},
        {"kind = 'memory-offline'\nat = '1 s'\nnode = 0\nsize = '5000 B'\n", "expected whole pages of 4 KiB"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char *err = NULL;
        scratch_write("t.toml", HOST "[[fault]]\n%s", rows[i].text);
        struct scenario *s = scenario_load("t.toml", NULL, &err);
        CU_ASSERT_PTR_NULL(s);
        if (!err || !strstr(err, rows[i].says))
            printf("row %u: %s\n", i, err ? err : "loaded");
        CU_ASSERT(err && strstr(err, rows[i].says));
        scenario_free(s);
        free(err);
    }
}

static void prepare(void)
{
    static char dir[] = "/tmp/test_faults-XXXXXX";
    whole_enter(dir);
    whole_guest("b", 1, "");
    whole_guest("w", 2, "");
    whole_guest("c", 2, "");
    whole_guest("d", 2, "");
    whole_guest("p", 1, "cpus = '5'\n");
    mistakes_are_reported();
}

static const struct cunit_case tests[] = {
    {"mistakes are reported with their place", prepare},
    {"lost IPIs are noticed, by what", lost_ipis_are_noticed},
    {"without a call of all pCPUs they are not always", without_calibration_they_are_not_always},
    {"late interrupts are only late", late_interrupts_are_only_late},
    {"a late timer shows in latency", a_late_timer_shows_in_latency},
    {"trylocks that fail are tried again", trylocks_that_fail_are_tried_again},
    {"pCPUs go and come back", pcpus_go_and_come_back},
    {"memory goes and comes back", memory_goes_and_comes_back},
    {"memory in use goes when it is freed", memory_in_use_goes_when_it_is_freed},
    {"allocations that fail are refused, and nothing is lost", allocations_that_fail_are_refused},
    {"what cannot be made up for panics, with the reason", what_cannot_be_made_up_for_panics},
    {"each fault has its own stream", streams_are_apart},
};

CUNIT_MAIN("faults", tests)
