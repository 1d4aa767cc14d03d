/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sweep files, and running them: any number of processes, killed, resumed, extended, with failures. */
#include "stub_backend.h"
#include "sweep_run.h"

#include <cunit_main.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *dir;

static void begin(void)
{
    dir = temp_dir();
    write_text(in_dir(dir, "a.toml"), "");
    write_text(in_dir(dir, "b.toml"), "");
    stub_run_log = strdup(in_dir(dir, "runs"));
}

static void end(void)
{
    free((char *)stub_run_log);
    stub_run_log = NULL;
    remove_tree(dir);
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void range_is(const char *text, const char *want)
{
    int64_t *v = NULL;
    size_t n = 0;
    const char *why = NULL;
    char got[256] = "";
    int r = sweep_range_parse(text, &v, &n, &why);
    for (size_t i = 0; r == 1 && i < n; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%lld", i ? " " : "", (long long)v[i]);
    if (r <= 0)
        snprintf(got, sizeof(got), "%s", r ? why : "no range");
    CU_ASSERT_STRING_EQUAL(got, want);
    free(v);
}

static void ranges(void)
{
    range_is("1..4", "1 2 3 4");
    range_is(" 1 .. 10 step 3 ", "1 4 7 10");
    range_is("1..9 step 3", "1 4 7");
    range_is("-2..2", "-2 -1 0 1 2");
    range_is("7..7", "7");
    range_is("sysbench-cpu", "no range");
    range_is("1.5", "no range");
    range_is("4", "no range");
    range_is("", "no range");
    range_is("0-7,^3", "no range");
    range_is("4..1", "the range is empty: its end is below its start");
    range_is("1..4 step 0", "the step of a range must be at least 1");
    range_is("1..4 stride 2", "expected \"A..B\" or \"A..B step S\" with whole numbers");
    range_is("1..x", "expected \"A..B\" or \"A..B step S\" with whole numbers");
    range_is("1..", "expected \"A..B\" or \"A..B step S\" with whole numbers");
    range_is("-9223372036854775808..9223372036854775807", "the range has too many values");
    range_is("9223372036854775806..9223372036854775807", "9223372036854775806 9223372036854775807");
}

static const char two_grids[] =
    "name = \"t\"\n"
    "seeds = 2\n"
    "[[grid]]\n"
    "scenario = \"a.toml\"\n"
    "set = { \"vm.0.count\" = \"1..2\", \"x.s\" = [\"p\", \"q\\\"r\"], \"y.b\" = true, \"z\" = 0.1 }\n"
    "[[grid]]\n"
    "scenario = \"b.toml\"\n"
    "label = \"second\"\n";

static void load(const char *text, struct sweep *s)
{
    struct fault f = {0};
    write_text(in_dir(dir, "sweep.toml"), text);
    CU_ASSERT_EQUAL_FATAL(sweep_load(in_dir(dir, "sweep.toml"), s, &f), EXIT_DONE);
}

static void product_in_order(void)
{
    begin();
    struct sweep s;
    load(two_grids, &s);
    CU_ASSERT_EQUAL(s.nr_seeds, 2);
    CU_ASSERT_EQUAL(s.seed[0], 1);
    CU_ASSERT_EQUAL(s.seed[1], 2);
    CU_ASSERT_EQUAL_FATAL(s.nr_points, 5);
    static const char *const params[] = {
        "{\"vm.0.count\": 1, \"x.s\": \"p\", \"y.b\": true, \"z\": 0.1}",
        "{\"vm.0.count\": 1, \"x.s\": \"q\\\"r\", \"y.b\": true, \"z\": 0.1}",
        "{\"vm.0.count\": 2, \"x.s\": \"p\", \"y.b\": true, \"z\": 0.1}",
        "{\"vm.0.count\": 2, \"x.s\": \"q\\\"r\", \"y.b\": true, \"z\": 0.1}",
        "{}",
    };
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT_STRING_EQUAL(s.point[i].params_json, params[i]);
    CU_ASSERT_STRING_EQUAL(s.point[1].param[0], "vm.0.count=1");
    CU_ASSERT_STRING_EQUAL(s.point[1].param[1], "x.s=\"q\\\"r\"");
    CU_ASSERT_PTR_NULL(s.point[1].param[4]);
    CU_ASSERT_STRING_EQUAL(s.point[0].label, "a");
    CU_ASSERT_STRING_EQUAL(s.point[4].label, "second");
    CU_ASSERT_STRING_EQUAL(s.point[0].path, in_dir(dir, "a.toml"));
    sweep_free(&s);
    load("name = \"t\"\nseeds = [7, 3]\n[[grid]]\nscenario = \"a.toml\"\n", &s);
    CU_ASSERT_EQUAL(s.nr_seeds, 2);
    CU_ASSERT_EQUAL(s.seed[0], 7);
    sweep_free(&s);
    end();
}

static void calibration_varies_one_at_a_time(void)
{
    begin();
    write_text(in_dir(dir, "cal.toml"),
               "program = \"prog\"\ntable = \"T1\"\n"
               "[[parameter]]\nkey = \"m.scale\"\nvalue = 2.0\nuncertainty = 0.5\nrows = [\"2 all\"]\n"
               "[[parameter]]\nkey = \"smt\"\nvalue = 0.5\nuncertainty = 0.25\nrows = []\n");
    struct sweep s;
    load("name = \"t\"\n[[grid]]\nscenario = \"a.toml\"\nset = { n = [1, 2] }\ncalibration = \"cal.toml\"\n", &s);
    CU_ASSERT_EQUAL_FATAL(s.nr_points, 8);
    CU_ASSERT_STRING_EQUAL(s.point[0].params_json, "{\"n\": 1, \"profile.prog.m.scale\": 1.5}");
    CU_ASSERT_STRING_EQUAL(s.point[1].params_json, "{\"n\": 1, \"profile.prog.m.scale\": 2.5}");
    CU_ASSERT_STRING_EQUAL(s.point[2].params_json, "{\"n\": 1, \"profile.prog.smt\": 0.25}");
    CU_ASSERT_STRING_EQUAL(s.point[7].params_json, "{\"n\": 2, \"profile.prog.smt\": 0.75}");
    sweep_free(&s);
    end();
}

static void refuses(const char *text, const char *want)
{
    struct sweep s;
    struct fault f = {0};
    write_text(in_dir(dir, "sweep.toml"), text);
    CU_ASSERT_EQUAL(sweep_load(in_dir(dir, "sweep.toml"), &s, &f), EXIT_BAD_INPUT);
    if (!strstr(f.text, want))
        printf("\n  got:  %s\n  want: %s\n", f.text, want);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.text, want));
    CU_ASSERT_PTR_NULL(strchr(f.text, '\n'));
}

static void bad_files_are_refused_with_their_place(void)
{
    begin();
    refuses("seeds = 1\n[[grid]]\nscenario = \"a.toml\"\n", "name");
    refuses("name = \"t\"\n", "[[grid]]");
    refuses("name = \"t\"\nsedes = 5\n[[grid]]\nscenario = \"a.toml\"\n", "sweep.toml:2:1");
    refuses("name = \"t\"\nseeds = 0\n[[grid]]\nscenario = \"a.toml\"\n", "sweep.toml:2:");
    refuses("name = \"t\"\nseeds = []\n[[grid]]\nscenario = \"a.toml\"\n", "sweep.toml:2:");
    refuses("name = \"t\"\nseeds = [1, -4]\n[[grid]]\nscenario = \"a.toml\"\n", "found -4");
    refuses("name = \"t\"\n[[grid]]\nscenario = 7\n", "sweep.toml:3:");
    refuses("name = \"t\"\n[[grid]]\nscenario = \"a.toml\"\nset = { n = [] }\n", "sweep.toml:4:");
    refuses("name = \"t\"\n[[grid]]\nscenario = \"a.toml\"\nset = { n = [[1]] }\n", "expected a number, a string");
    refuses("name = \"t\"\n[[grid]]\nscenario = \"a.toml\"\nset = { n.x = 1 }\n", "quotes");
    refuses("name = \"t\"\n[[grid]]\nscenario = \"a.toml\"\nset = { n = \"5..2\" }\n", "the range is empty");
    refuses("name = \"t\"\n[[grid]]\nscenario = \"a.toml\"\nset = { n = \"1..2000000\" }\n", "too many values");
    refuses("name = \"t\"\nseeds = 1000\n[[grid]]\nscenario = \"a.toml\"\nset = { n = \"1..2000\" }\n",
            "more than 1000000 runs");
    refuses("name = \"t\"\n[[grid]]\nscenario = \"a.toml\"\nlable = \"x\"\n", "sweep.toml:4:1");
    refuses("name = \"t\"\n[[grid]]\nscenario = \"a.toml\"\ncalibration = \"none.toml\"\n", "none.toml");
    refuses("name = \"t\n", "sweep.toml:1:");
    struct sweep s;
    struct fault f = {0};
    CU_ASSERT_EQUAL(sweep_load(in_dir(dir, "absent.toml"), &s, &f), EXIT_BAD_INPUT);
    end();
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

static int run(const char *text, const char *out, const struct sweep_options *with, struct sweep_outcome *o)
{
    struct sweep s;
    struct fault f = {0};
    load(text, &s);
    struct sweep_options opt = *with;
    opt.out = out;
    opt.quiet = true;
    if (!opt.jobs)
        opt.jobs = 2;
    int exit = sweep_run(&s, &stub_backend, &opt, o, &f);
    sweep_free(&s);
    return exit;
}

/* Everything in the database but what the wall clock and the host decide, as text. */
static char *dump(const char *path)
{
    static const char *const queries[] = {
        "SELECT id, key, scenario, label, seed, params, config, status, exit, error, fingerprint, events, simulated_s,"
        " hv_core FROM run ORDER BY id",
        "SELECT * FROM metric ORDER BY run, seq",
        "SELECT * FROM metric_def ORDER BY id",
        "SELECT * FROM config ORDER BY id",
        "SELECT * FROM sweep_run ORDER BY sweep, position",
    };
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    sqlite3 *db;
    sqlite3_open(path, &db);
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        sqlite3_stmt *q = NULL;
        CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, queries[i], -1, &q, NULL), SQLITE_OK);
        while (sqlite3_step(q) == SQLITE_ROW) {
            for (int k = 0; k < sqlite3_column_count(q); k++) {
                const char *cell = (const char *)sqlite3_column_text(q, k);
                fprintf(f, "%s|", cell ? cell : "-");
            }
            fputc('\n', f);
        }
        sqlite3_finalize(q);
    }
    sqlite3_close(db);
    fclose(f);
    return text;
}

/* Runs take times that make them end out of order. */
static const char uneven[] = "name = \"t\"\nseeds = 3\n[[grid]]\nscenario = \"a.toml\"\n"
                             "set = { \"stub.sleep_ms\" = [30, 1, 15, 1], \"vm.0.count\" = [2, 3] }\n";

static void same_content_at_any_number_of_processes(void)
{
    begin();
    struct sweep_outcome o;
    CU_ASSERT_EQUAL(run(uneven, in_dir(dir, "1.sqlite"), &(struct sweep_options){.jobs = 1, .mode = STORE_CREATE}, &o),
                    EXIT_DONE);
    CU_ASSERT_EQUAL(o.run, 18); /* of 24, six are twins of others: the same content is run once */
    CU_ASSERT_EQUAL(run(uneven, in_dir(dir, "2.sqlite"), &(struct sweep_options){.jobs = 2, .mode = STORE_CREATE}, &o),
                    EXIT_DONE);
    CU_ASSERT_EQUAL(run(uneven, in_dir(dir, "7.sqlite"), &(struct sweep_options){.jobs = 7, .mode = STORE_CREATE}, &o),
                    EXIT_DONE);
    char *one = dump(in_dir(dir, "1.sqlite")), *two = dump(in_dir(dir, "2.sqlite")),
         *seven = dump(in_dir(dir, "7.sqlite"));
    CU_ASSERT_TRUE(strlen(one) > 1000);
    CU_ASSERT_STRING_EQUAL(one, two);
    CU_ASSERT_STRING_EQUAL(one, seven);
    free(one);
    free(two);
    free(seven);
    end();
}

/* The last run is a short one; those that are as long are run in the order of the file. */
static void the_longest_runs_come_first(void)
{
    static const char text[] = "name = \"t\"\nseeds = 2\n[[grid]]\nscenario = \"a.toml\"\n"
                               "set = { \"stub.mark\" = 1, \"stub.simulated_s\" = 5 }\n[[grid]]\n"
                               "scenario = \"b.toml\"\nset = { \"stub.mark\" = 2, \"stub.simulated_s\" = 9 }\n"
                               "[[grid]]\nscenario = \"b.toml\"\n"
                               "set = { \"stub.mark\" = [3, 4], \"stub.simulated_s\" = 1 }\n";
    begin();
    struct sweep_outcome o;
    CU_ASSERT_EQUAL(run(text, in_dir(dir, "1.sqlite"), &(struct sweep_options){.jobs = 1, .mode = STORE_CREATE}, &o),
                    EXIT_DONE);
    char *marks = read_text(in_dir(dir, "runs"));
    CU_ASSERT_STRING_EQUAL(marks, "22113344");
    free(marks);
    end();
}

/* Who runs uses processors, who sleeps does not. */
static void processor_time_is_that_of_the_runs(void)
{
    double cpu[2];
    for (unsigned sleeps = 0; sleeps < 2; sleeps++) {
        char one[256];
        begin();
        struct sweep_outcome o;
        snprintf(one, sizeof(one),
                 "name = \"t\"\nseeds = 3\n[[grid]]\nscenario = \"a.toml\"\nset = { \"stub.%s_ms\" = 40 }\n",
                 sleeps ? "sleep" : "spin");
        CU_ASSERT_EQUAL(run(one, in_dir(dir, "1.sqlite"), &(struct sweep_options){.jobs = 1, .mode = STORE_CREATE}, &o),
                        EXIT_DONE);
        CU_ASSERT_EQUAL(o.processors, 1);
        CU_ASSERT_TRUE(o.wall_s >= o.elapsed_s && o.elapsed_s >= 3 * 0.040);
        cpu[sleeps] = o.cpu_s;
        end();
    }
    CU_ASSERT_TRUE(cpu[0] >= 3 * 0.040);
    CU_ASSERT_TRUE(cpu[0] > cpu[1] + 2 * 0.040);
}

static void what_is_there_is_not_run_again(void)
{
    begin();
    struct sweep_outcome o;
    const char *out = strdup(in_dir(dir, "a.sqlite"));
    CU_ASSERT_EQUAL(run(two_grids, out, &(struct sweep_options){.limit = 4, .mode = STORE_CREATE}, &o), EXIT_DONE);
    CU_ASSERT_EQUAL(o.total, 10);
    CU_ASSERT_EQUAL(o.run, 4);
    CU_ASSERT_EQUAL(stub_runs(), 4);
    CU_ASSERT_EQUAL(run(two_grids, out, &(struct sweep_options){.mode = STORE_EXTEND}, &o), EXIT_DONE);
    CU_ASSERT_EQUAL(o.known, 4);
    CU_ASSERT_EQUAL(o.run, 6);
    CU_ASSERT_EQUAL(stub_runs(), 10);
    CU_ASSERT_EQUAL(run(two_grids, out, &(struct sweep_options){.mode = STORE_CREATE}, &o), EXIT_DONE);
    CU_ASSERT_EQUAL(o.run, 0);
    CU_ASSERT_EQUAL(stub_runs(), 10);
    char *parts = dump(out);
    CU_ASSERT_EQUAL(run(two_grids, in_dir(dir, "b.sqlite"), &(struct sweep_options){.mode = STORE_CREATE}, &o),
                    EXIT_DONE);
    char *whole = dump(in_dir(dir, "b.sqlite"));
    CU_ASSERT_STRING_EQUAL(parts, whole);
    free(parts);
    free(whole);
    /* Another seed and another override are other runs. */
    const char *const set[] = {"q=1", NULL};
    CU_ASSERT_EQUAL(run(two_grids, out, &(struct sweep_options){.mode = STORE_CREATE, .set = set}, &o), EXIT_DONE);
    CU_ASSERT_EQUAL(o.known, 0);
    CU_ASSERT_EQUAL(run(two_grids, out, &(struct sweep_options){.mode = STORE_RECREATE}, &o), EXIT_DONE);
    CU_ASSERT_EQUAL(o.run, 10);
    free((char *)out);
    end();
}

static void a_dry_run_does_nothing(void)
{
    begin();
    struct sweep_outcome o;
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    CU_ASSERT_PTR_NOT_NULL(freopen(in_dir(dir, "plan"), "w", stdout));
    CU_ASSERT_EQUAL(run(two_grids, in_dir(dir, "a.sqlite"), &(struct sweep_options){.dry_run = true}, &o), EXIT_DONE);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    CU_ASSERT_EQUAL(stub_runs(), 0);
    CU_ASSERT_NOT_EQUAL(access(in_dir(dir, "a.sqlite"), F_OK), 0);
    char *plan = read_text(in_dir(dir, "plan"));
    CU_ASSERT_PTR_NOT_NULL(strstr(plan, "10 runs: 5 points x 2 seeds"));
    free(plan);
    end();
}

static const char failing[] = "name = \"t\"\nseeds = 1\n[[grid]]\nscenario = \"a.toml\"\n"
                              "set = { \"stub.panic\" = [0, 1], \"vm.0.count\" = [1, 2] }\n";

static void failures_are_recorded_and_tried_again(void)
{
    begin();
    struct sweep_outcome o;
    CU_ASSERT_EQUAL(run(failing, in_dir(dir, "a.sqlite"), &(struct sweep_options){0}, &o),
                    EXIT_BAD_INPUT); /* STORE_READ */
    struct sweep_options create = {.mode = STORE_CREATE};
    CU_ASSERT_EQUAL(run(failing, in_dir(dir, "a.sqlite"), &create, &o), EXIT_CHECK_FAILED);
    CU_ASSERT_EQUAL(o.run, 4);
    CU_ASSERT_EQUAL(o.failed, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(o.first_error, "Assertion 'stub' failed"));
    char *text = dump(in_dir(dir, "a.sqlite"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "failed|4|Assertion 'stub' failed at stub.c:1|"));
    free(text);
    CU_ASSERT_EQUAL(run(failing, in_dir(dir, "a.sqlite"), &create, &o), EXIT_CHECK_FAILED);
    CU_ASSERT_EQUAL(o.known, 2);
    CU_ASSERT_EQUAL(o.run, 2);
    end();
}

static void a_bad_point_stops_before_anything_is_run(void)
{
    begin();
    struct sweep_outcome o;
    static const char bad[] = "name = \"t\"\n[[grid]]\nscenario = \"a.toml\"\nset = { n = [1, 2] }\n"
                              "[[grid]]\nscenario = \"none.toml\"\n";
    struct sweep_options create = {.mode = STORE_CREATE};
    CU_ASSERT_EQUAL(run(bad, in_dir(dir, "a.sqlite"), &create, &o), EXIT_BAD_INPUT);
    CU_ASSERT_EQUAL(stub_runs(), 0);
    CU_ASSERT_NOT_EQUAL(access(in_dir(dir, "a.sqlite"), F_OK), 0);
    end();
}

static void wait_for_runs(long n)
{
    struct timespec pause = {0, 2000000};
    for (int i = 0; i < 5000 && stub_runs() < n; i++)
        nanosleep(&pause, NULL);
}

/* SIGKILL in the middle: the file is sound, finished runs are in it, the same command goes on. */
static void a_killed_sweep_goes_on(void)
{
    begin();
    static const char slow[] = "name = \"t\"\nseeds = 10\n[[grid]]\nscenario = \"a.toml\"\n"
                               "set = { \"stub.sleep_ms\" = 20, \"vm.0.count\" = [2, 3] }\n";
    struct sweep_options create = {.mode = STORE_CREATE};
    struct sweep_outcome o;
    const char *out = strdup(in_dir(dir, "a.sqlite"));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(run(slow, out, &create, &o));
    wait_for_runs(10); /* two at a time: the tenth starts when eight have ended, and all but the last are stored */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    sqlite3 *db;
    sqlite3_stmt *q;
    sqlite3_open(out, &db);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_step(q), SQLITE_ROW);
    CU_ASSERT_STRING_EQUAL((const char *)sqlite3_column_text(q, 0), "ok");
    sqlite3_finalize(q);
    sqlite3_prepare_v2(db, "SELECT count(*) FROM run WHERE status = 'done'", -1, &q, NULL);
    sqlite3_step(q);
    int finished = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    CU_ASSERT_TRUE(finished >= 7 && finished < 20);

    CU_ASSERT_EQUAL(run(slow, out, &create, &o), EXIT_DONE);
    CU_ASSERT_EQUAL(o.known, finished);
    CU_ASSERT_EQUAL(o.run, 20 - finished);
    char *killed = dump(out);
    CU_ASSERT_EQUAL(run(slow, in_dir(dir, "b.sqlite"), &create, &o), EXIT_DONE);
    char *whole = dump(in_dir(dir, "b.sqlite"));
    CU_ASSERT_STRING_EQUAL(killed, whole);
    free(killed);
    free(whole);
    free((char *)out);
    end();
}

static const struct cunit_case tests[] = {
    {"ranges", ranges},
    {"a grid is the product of its lists, in order", product_in_order},
    {"a calibration varies its parameters one at a time", calibration_varies_one_at_a_time},
    {"bad sweep files are refused with their place", bad_files_are_refused_with_their_place},
    {"the same content at any number of processes", same_content_at_any_number_of_processes},
    {"the longest runs come first", the_longest_runs_come_first},
    {"processor time is that of the runs", processor_time_is_that_of_the_runs},
    {"what is there is not run again", what_is_there_is_not_run_again},
    {"a dry run does nothing", a_dry_run_does_nothing},
    {"failed runs are recorded and tried again", failures_are_recorded_and_tried_again},
    {"a bad point stops before anything is run", a_bad_point_stops_before_anything_is_run},
    {"a killed sweep goes on", a_killed_sweep_goes_on},
};
CUNIT_MAIN("sweep", tests)
