/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulations in child processes; two trajectories in lockstep; the progress line. */
#include "lockstep.h"
#include "pool.h"
#include "progress.h"
#include "run_child.h"
#include "stub_backend.h"

#include <cunit_main.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char scenario_file[] = "/dev/null"; /* the stub only asks whether it can be read */

static struct scenario *scenario(const char *override)
{
    const char *const overrides[] = {override, NULL};
    char *err = NULL;
    return stub_backend.load(scenario_file, overrides, &err);
}

static void run_one(const char *override, struct run_reply *r)
{
    struct scenario *s = scenario(override);
    struct run_options o = {.seed = 5};
    struct run_child c;
    CU_ASSERT_EQUAL_FATAL(run_child_start(&c, &stub_backend, s, &o, NULL, NULL), 0);
    run_child_finish(&c, r);
    stub_backend.release(s);
}

static void a_child_reports_its_result(void)
{
    struct run_reply r;
    run_one("vm.0.count=3", &r);
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    CU_ASSERT_EQUAL(r.result.events, 100);
    CU_ASSERT_EQUAL(metrics_find(&r.result.metrics, "vm.throughput", "vm", "vm-1")->value, 3105);
    CU_ASSERT_STRING_EQUAL(metrics_find(&r.result.metrics, "vm.throughput", "vm", "vm-1")->unit, "MB/s");
    CU_ASSERT_TRUE(r.peak_rss_bytes > 100000);
    run_reply_free(&r);
}

static void a_child_that_ends_badly_is_judged(void)
{
    static const struct {
        const char *override, *text;
        int exit;
    } cases[] = {
        {"stub.panic=1", "Assertion 'stub' failed", EXIT_MODEL_PANIC},
        {"stub.crash=1", "crashed: signal 6", EXIT_MODEL_PANIC},
        {"stub.killed=1", "killed from outside", EXIT_HOST_FAILED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run_reply r;
        run_one(cases[i].override, &r);
        CU_ASSERT_EQUAL(r.exit, cases[i].exit);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.result.error, cases[i].text));
        run_reply_free(&r);
    }
}

/* ---- the pool --------------------------------------------------------------------------------------------------- */

enum { JOBS = 12 };

struct work {
    struct scenario *scenario[2]; /* even jobs, odd jobs */
    size_t next, nr, done, failed, stop_after;
    unsigned times[JOBS];
    bool wrong;
    struct metrics kept; /* of job 0 */
};

static bool next_job(void *ctx, struct pool_job *job)
{
    struct work *w = ctx;
    if (w->next == w->nr)
        return false;
    *job = (struct pool_job){w->next, w->scenario[w->next % 2], {.seed = w->next}};
    w->next++;
    return true;
}

static int job_done(void *ctx, size_t index, struct run_reply *r)
{
    struct work *w = ctx;
    w->times[index]++;
    w->done++;
    w->failed += r->exit != EXIT_DONE;
    if (r->exit == EXIT_DONE) /* the result is that of this job */
        w->wrong |= metrics_find(&r->result.metrics, "vm.throughput", "vm", "vm-1")->value != 2100 + (double)index;
    if (index == 0)
        metrics_take(&w->kept, &r->result.metrics);
    return w->stop_after && w->done >= w->stop_after ? EXIT_HOST_FAILED : EXIT_DONE;
}

static bool no_children_left(void)
{
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static int run_pool(struct work *w, unsigned jobs, const volatile sig_atomic_t *stop, struct fault *f)
{
    struct pool p = {&stub_backend, jobs, w, next_job, job_done, NULL, stop};
    return pool_run(&p, f);
}

static void every_job_is_run_once(void)
{
    for (unsigned jobs = 1; jobs <= 16; jobs += 5) {
        struct work w = {.nr = JOBS, .scenario = {scenario(NULL), scenario("stub.panic=1")}};
        struct fault f = {0};
        CU_ASSERT_EQUAL(run_pool(&w, jobs, NULL, &f), EXIT_DONE);
        CU_ASSERT_EQUAL(w.done, JOBS);
        CU_ASSERT_EQUAL(w.failed, JOBS / 2);
        CU_ASSERT_FALSE(w.wrong);
        CU_ASSERT_EQUAL(metrics_find(&w.kept, "vm.throughput", "vm", "vm-1")->value, 2100); /* the reply has gone */
        metrics_free(&w.kept);
        for (int i = 0; i < JOBS; i++)
            CU_ASSERT_EQUAL(w.times[i], 1);
        CU_ASSERT_TRUE(no_children_left());
        stub_backend.release(w.scenario[0]);
        stub_backend.release(w.scenario[1]);
    }
}

static void a_parent_that_gives_up_leaves_no_child(void)
{
    struct work w = {.nr = JOBS, .stop_after = 3, .scenario = {scenario(NULL), scenario("stub.sleep_ms=10")}};
    struct fault f = {0};
    CU_ASSERT_EQUAL(run_pool(&w, 4, NULL, &f), EXIT_HOST_FAILED);
    CU_ASSERT_EQUAL(w.done, 3);
    CU_ASSERT_TRUE(no_children_left());
    stub_backend.release(w.scenario[0]);
    stub_backend.release(w.scenario[1]);
}

static void a_signal_ends_the_pool(void)
{
    volatile sig_atomic_t stop = 1;
    struct work w = {.nr = 2, .scenario = {scenario("stub.sleep_ms=100000"), scenario("stub.sleep_ms=100000")}};
    struct fault f = {0};
    CU_ASSERT_EQUAL(run_pool(&w, 2, &stop, &f), EXIT_HOST_FAILED);
    CU_ASSERT_STRING_EQUAL(f.text, "interrupted");
    CU_ASSERT_EQUAL(w.done, 0);
    CU_ASSERT_TRUE(no_children_left());
    stub_backend.release(w.scenario[0]);
    stub_backend.release(w.scenario[1]);
}

/* ---- lockstep --------------------------------------------------------------------------------------------------- */

/* A writer process: nr events, the one at `change` with another argument; cut: bytes left out at the end. */
static int stream(uint64_t nr, uint64_t change, size_t cut)
{
    int fd[2];
    if (pipe(fd))
        abort();
    fflush(NULL);
    if (fork() == 0) {
        close(fd[0]);
        for (uint64_t i = 0; i < nr; i++) {
            struct run_event e = {i, (int64_t)i * 10, 1, 3, 4, i == change ? 99999 : i, i * 7};
            size_t n = sizeof(e) - (i + 1 == nr ? cut : 0);
            if (write(fd[1], &e, n) != (ssize_t)n)
                _exit(1);
        }
        _exit(0);
    }
    close(fd[1]);
    return fd[0];
}

static struct lockstep compare(int a, int b)
{
    struct lockstep l;
    CU_ASSERT_EQUAL(lockstep_compare(a, b, &l), 0);
    close(a);
    close(b);
    while (wait(NULL) > 0)
        ;
    return l;
}

static void equal_streams_agree(void)
{
    for (uint64_t n = 0; n <= 5000; n = n * 3 + 1) {
        struct lockstep l = compare(stream(n, UINT64_MAX, 0), stream(n, UINT64_MAX, 0));
        CU_ASSERT_FALSE(l.diverged);
        CU_ASSERT_EQUAL(l.same, n);
    }
}

static void the_first_difference_is_found(void)
{
    static const uint64_t at[] = {0, 1, 1023, 1024, 1025, 2999};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        struct lockstep l = compare(stream(3000, UINT64_MAX, 0), stream(3000, at[i], 0));
        CU_ASSERT_TRUE(l.diverged);
        CU_ASSERT_EQUAL(l.same, at[i]);
        CU_ASSERT_TRUE(l.has[0] && l.has[1]);
        CU_ASSERT_EQUAL(l.side[0].arg, at[i]);
        CU_ASSERT_EQUAL(l.side[1].arg, 99999);
    }
}

static void every_field_counts(void)
{
    struct run_event base = {1, 2, 3, 4, 5, 6, 7};
    for (int field = 0; field < 7; field++) {
        struct run_event e = base;
        e.index += field == 0;
        e.time_ps += field == 1;
        e.class_ += field == 2;
        e.id += field == 3;
        e.what += field == 4;
        e.arg += field == 5;
        e.state += field == 6;
        int a[2], b[2];
        if (pipe(a) || pipe(b))
            abort();
        CU_ASSERT_EQUAL(write(a[1], &base, sizeof(base)), sizeof(base));
        CU_ASSERT_EQUAL(write(b[1], &e, sizeof(e)), sizeof(e));
        close(a[1]);
        close(b[1]);
        CU_ASSERT_TRUE(compare(a[0], b[0]).diverged);
    }
}

static void a_shorter_stream_differs(void)
{
    struct lockstep l = compare(stream(100, UINT64_MAX, 0), stream(60, UINT64_MAX, 0));
    CU_ASSERT_TRUE(l.diverged && l.has[0] && !l.has[1]);
    CU_ASSERT_EQUAL(l.same, 60);
    l = compare(stream(60, UINT64_MAX, 8), stream(60, UINT64_MAX, 0)); /* cut inside the last event */
    CU_ASSERT_TRUE(l.diverged && !l.has[0] && l.has[1]);
    CU_ASSERT_EQUAL(l.same, 59);
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    lockstep_print(&l, f);
    fclose(f);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "after 59 equal events"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "run 1: ended"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "run 2: event 59 at 0.000000000590 s, class ipi, id 3, what 4, arg 0x3b"));
    free(text);
}

/* ---- progress --------------------------------------------------------------------------------------------------- */

static void progress_says_how_far(void)
{
    char buf[160];
    CU_ASSERT_STRING_EQUAL(progress_clock(buf, sizeof(buf), 7), "0:07");
    CU_ASSERT_STRING_EQUAL(progress_clock(buf, sizeof(buf), 723.4), "12:03");
    CU_ASSERT_STRING_EQUAL(progress_clock(buf, sizeof(buf), 11045), "3:04:05");
    CU_ASSERT_STRING_EQUAL(progress_clock(buf, sizeof(buf), -1), "--:--");
    CU_ASSERT_STRING_EQUAL(progress_count(buf, sizeof(buf), 0), "0");
    CU_ASSERT_STRING_EQUAL(progress_count(buf, sizeof(buf), 999), "999");
    CU_ASSERT_STRING_EQUAL(progress_count(buf, sizeof(buf), 999.6), "1.00 k");
    CU_ASSERT_STRING_EQUAL(progress_count(buf, sizeof(buf), 12345), "12.3 k");
    CU_ASSERT_STRING_EQUAL(progress_count(buf, sizeof(buf), 5.8e6), "5.80 M");
    struct progress_state s = {.done = 0.25,
                               .runs = 5,
                               .total = 20,
                               .failed = 1,
                               .elapsed_s = 10,
                               .simulated_s = 320,
                               .eta_s = 30,
                               .events = 50000000};
    CU_ASSERT_STRING_EQUAL(progress_text(buf, sizeof(buf), &s),
                           "5/20 runs   25 %  5.00 M ev/s  32 simulated s/s  ETA 0:30  1 failed");
    s = (struct progress_state){.done = 0, .eta_s = -1};
    CU_ASSERT_STRING_EQUAL(progress_text(buf, sizeof(buf), &s), "  0 %  0 simulated s/s  ETA --:--");
}

static const struct cunit_case tests[] = {
    {"a child reports its result", a_child_reports_its_result},
    {"a child that panics, crashes or is killed is judged", a_child_that_ends_badly_is_judged},
    {"every job is run once, at any number of processes", every_job_is_run_once},
    {"a parent that gives up leaves no child", a_parent_that_gives_up_leaves_no_child},
    {"a signal ends the pool", a_signal_ends_the_pool},
    {"equal trajectories agree", equal_streams_agree},
    {"the first difference of two trajectories is found", the_first_difference_is_found},
    {"every field of an event counts", every_field_counts},
    {"a trajectory that ends early differs", a_shorter_stream_differs},
    {"progress says how far", progress_says_how_far},
};

CUNIT_MAIN("pool", tests)
