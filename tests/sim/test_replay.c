/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim replay: records are read with every mistake named, become scenes, and are judged. The simulator is a stub that
 * divides one pCPU by weight. */
#include "cli.h"
#include "kernel/timer_wakes.h"
#include "replay.h"
#include "stub_backend.h"

#include <cunit_main.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER                                                                                                         \
    "scheduler,config,pool_pcpus,dom0_in_pool,guest_hard_affinity,domain,weight,cap,vcpus,share_of_domUs_pct,"         \
    "pct_of_one_pcpu,tolerance_points\n"
#define WAKES_HEADER "scheduler,job,config,n,mean_us,max_us,hist_lt50us_lt200us_lt1ms_lt5ms_lt10ms_lt20ms_lt30ms_more\n"

static char *dir;

/* ---- the stub -----------------------------------------------------------------------------------------------------
 */

static struct scenario *load(const char *path, const char *const *overrides, char **err)
{
    struct scenario *s = calloc(1, sizeof(*s));
    char *text = read_text(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    s->path = strdup(path);
    s->duration_ps = 10000000000000;
    if (strstr(text, "unloadable")) {
        *err = strdup("no such thing");
        free(s->path);
        free(s);
        s = NULL;
    }
    (void)overrides;
    free(text);
    return s;
}

static void release(struct scenario *s)
{
    free(s->path);
    free(s);
}

static unsigned setting(const char *text, const char *key)
{
    const char *p = strstr(text, key);
    return p ? (unsigned)strtoul(p + strlen(key), NULL, 10) : 0;
}

/* 10 s of one pCPU by weight; a cap alone is 0.1 s a point. The sleeper: as credit2 would have it. */
static int run(const struct scenario *s, const struct run_options *opt, struct run_result *out)
{
    memset(out, 0, sizeof(*out));
    metrics_init(&out->metrics);
    (void)opt;
    char own[4096];
    snprintf(own, sizeof(own), "%s", s->path);
    *strrchr(own, '/') = 0;
    if (strstr(own, "panics")) {
        snprintf(out->error, sizeof(out->error), "stub panic");
        return EXIT_MODEL_PANIC;
    }
    double total = 0;
    for (int pass = 0; pass < 2; pass++) {
        DIR *d = opendir(own);
        for (struct dirent *e; d && (e = readdir(d));) {
            char *dot = strrchr(e->d_name, '.');
            if (!dot || strcmp(dot, ".cfg") != 0)
                continue;
            char *text = read_text(in_dir(own, e->d_name));
            double weight = setting(text, "cpu_weight = "), cap = setting(text, "cap = ");
            *dot = 0;
            if (pass)
                metrics_add(&out->metrics, "vm.cpu_seconds", cap > 0 ? cap / 10 : 10 * weight / total, "vm", e->d_name,
                            NULL);
            else
                total += weight;
            free(text);
        }
        closedir(d);
    }
    bool alone = strstr(own, "_alone");
    static const double shared[TIMER_WAKES_BOUNDS] = {0, 700, 780, 870, 985, 1000, 1000};
    metrics_add(&out->metrics, "vm.timer_wakes", 1000, "vm", "sleeper", NULL);
    for (unsigned b = 0; b < TIMER_WAKES_BOUNDS; b++)
        metrics_add(&out->metrics, timer_wakes_bound[b].metric, alone ? (b < 3 ? 986 : 1000) : shared[b], "vm",
                    "sleeper", NULL);
    metrics_add(&out->metrics, "vm.timer_latency_mean", alone ? 2e-5 : 1.2e-3, "vm", "sleeper", NULL);
    metrics_add(&out->metrics, "vm.timer_latency_max", alone ? 4e-5 : 18e-3, "vm", "sleeper", NULL);
    return EXIT_DONE;
}

static void result_free(struct run_result *r)
{
    metrics_free(&r->metrics);
}

static const struct run_backend divider = {load, release, run, result_free, "stub-core"};

/* ---- calling the command ------------------------------------------------------------------------------------------
 */

struct said {
    int exit;
    char *out, *err;
};

static struct said call(const char *const *words)
{
    char *argv[24] = {(char *)"hvsim", (char *)"replay"};
    int argc = 2;
    while (words[argc - 2]) {
        argv[argc] = (char *)words[argc - 2];
        argc++;
    }
    struct said r;
    char out[4096], err[4096];
    snprintf(out, sizeof(out), "%s/stdout", dir);
    snprintf(err, sizeof(err), "%s/stderr", dir);
    fflush(NULL);
    int old_out = dup(1), old_err = dup(2);
    if (!freopen(out, "w", stdout) || !freopen(err, "w", stderr))
        abort();
    r.exit = cli_main(&divider, argc, argv);
    fflush(NULL);
    dup2(old_out, 1);
    dup2(old_err, 2);
    close(old_out);
    close(old_err);
    r.out = read_text(out);
    r.err = read_text(err);
    return r;
}

static void done(struct said r)
{
    free(r.out);
    free(r.err);
}

static struct said replay(const char *kind, const char *text)
{
    write_text(in_dir(dir, "r.csv"), text);
    char path[4096];
    snprintf(path, sizeof(path), "%s/r.csv", dir);
    return call((const char *const[]){kind, path, "-j", "2", NULL});
}

static bool ends(const char *text, const char *tail)
{
    size_t n = strlen(text), m = strlen(tail);
    return n >= m && !strcmp(text + n - m, tail);
}

/* A bad record: exit 2, one line that begins with the place and has the words. */
static void refused(const char *kind, const char *text, const char *place, const char *words)
{
    struct said r = replay(kind, text);
    char want[4200];
    snprintf(want, sizeof(want), "hvsim replay: %s/r.csv%s", dir, place);
    CU_ASSERT_EQUAL(r.exit, EXIT_BAD_INPUT);
    if (strncmp(r.err, want, strlen(want)) != 0 || !strstr(r.err, words))
        printf("\n  expected %s ... %s\n  got      %s", want, words, r.err);
    CU_ASSERT_EQUAL(strncmp(r.err, want, strlen(want)), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err, words));
    CU_ASSERT_STRING_EQUAL(r.out, "");
    done(r);
}

/* ---- shares -------------------------------------------------------------------------------------------------------
 */

static void shares_pass_and_fail(void)
{
    struct said r = replay("shares", HEADER "credit,a,1,0,all,d0,256,0,1,33.3,33.3,1.0\n"
                                            "credit,a,1,0,all,d1,512,0,1,66.7,66.7,1.0\n");
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    CU_ASSERT(ends(r.out, "\n2 passed, 0 failed\n"));
    done(r);
    r = replay("shares", HEADER "credit,a,1,0,all,d0,256,0,1,35.5,35.5,1.0\n"
                                "credit,a,1,0,all,d1,512,0,1,64.5,66.7,3.0\n");
    CU_ASSERT_EQUAL(r.exit, EXIT_CHECK_FAILED);
    CU_ASSERT(ends(r.out, "\n1 passed, 1 failed\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "FAIL"));
    CU_ASSERT_STRING_EQUAL(r.err, "");
    done(r);
}

/* A tolerance is met at its very end, and missed beyond. */
static void tolerance_is_inclusive(void)
{
    struct said r = replay("shares", HEADER "credit,a,1,0,all,d0,300,0,1,31.0,30,1.0\n"
                                            "credit,a,1,0,all,d1,700,0,1,71.01,70,1.0\n");
    CU_ASSERT(ends(r.out, "\n1 passed, 1 failed\n"));
    done(r);
}

static void columns_in_any_order_and_more(void)
{
    struct said r = replay("shares", "tolerance_points,domain,vcpus,weight,cap,share_of_domUs_pct,pct_of_one_pcpu,note,"
                                     "config,guest_hard_affinity,dom0_in_pool,pool_pcpus,scheduler\n"
                                     "1,d0,1,256,0,50,50,hello,a,all,0,1,credit2\n"
                                     "1,d1,1,256,0,50,50,,a,all,0,1,credit2\n");
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    CU_ASSERT(ends(r.out, "\n2 passed, 0 failed\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err, "r.csv:1: column 'note' is not used"));
    done(r);
}

/* Its part of itself is always 100 %: a capped guest that is alone is compared by its time. */
static void capped_alone_is_absolute(void)
{
    struct said r = replay("shares", HEADER "credit,a,1,0,all,d0,256,20,1,100.0,20.5,1.0\n");
    CU_ASSERT(ends(r.out, "\n1 passed, 0 failed\n"));
    done(r);
    r = replay("shares", HEADER "credit,a,1,0,all,d0,256,20,1,100.0,22.5,1.0\n");
    CU_ASSERT(ends(r.out, "\n0 passed, 1 failed\n"));
    done(r);
    r = replay("shares", HEADER "credit,a,1,0,all,d0,256,0,1,100.0,50,1.0\n");
    CU_ASSERT(ends(r.out, "\n1 passed, 0 failed\n"));
    done(r);
}

/* Equal names in two configurations, schedulers, pools or affinities are different runs. */
static void rows_of_a_run(void)
{
    struct said r = replay("shares", HEADER "credit,a,1,0,all,d0,256,0,1,50,0,1\n"
                                            "credit2,a,1,0,all,d0,256,0,1,25,0,1\n"
                                            "credit,a,1,0,all,d1,256,0,1,50,0,1\n"
                                            "credit2,a,1,0,all,d1,768,0,1,75,0,1\n"
                                            "credit,b,3,1,1,d0,256,0,1,50,0,1\n"
                                            "credit,b,3,1,2,d0,100,0,1,25,0,1\n"
                                            "credit,b,3,1,1,d1,256,0,1,50,0,1\n"
                                            "credit,b,3,1,2,d1,300,0,1,75,0,1\n"
                                            "credit,c,3,1,1,d0,256,0,1,50,0,1\n"
                                            "credit,c,3,1,1-2,d1,256,0,1,50,0,1\n");
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    CU_ASSERT(ends(r.out, "\n10 passed, 0 failed\n"));
    done(r);
    refused("shares",
            HEADER "credit,a,1,0,all,d0,256,0,1,50,0,1\n"
                   "credit,a,1,0,all,d0,256,0,1,50,0,1\n",
            ":3:18: ", "domain 'd0' of this configuration stands in line 2");
}

static void malformed_shares(void)
{
    static const struct {
        const char *row, *place, *words;
    } bad[] = {
        {"sedf,a,1,0,all,d,256,0,1,50,50,1\n", ":2:1: ", "scheduler 'sedf'"},
        {"credit,,1,0,all,d,256,0,1,50,50,1\n", ":2:8: ", "config ''"},
        {"credit,a/b,1,0,all,d,256,0,1,50,50,1\n", ":2:8: ", "config 'a/b'"},
        {"credit,a,0,0,all,d,256,0,1,50,50,1\n", ":2:10: ", "pool_pcpus '0': expected a whole number from 1"},
        {"credit,a,one,0,all,d,256,0,1,50,50,1\n", ":2:10: ", "pool_pcpus 'one'"},
        {"credit,a,1,2,all,d,256,0,1,50,50,1\n", ":2:12: ", "dom0_in_pool '2'"},
        {"credit,a,1,0,\"a\"\"b\",d,256,0,1,50,50,1\n", ":2:14: ", "guest_hard_affinity 'a\"b'"},
        {"credit,a,1,0,all,d,0,0,1,50,50,1\n", ":2:20: ", "weight '0': expected a whole number from 1 to 65535"},
        {"credit,a,1,0,all,d,256,101,1,50,50,1\n", ":2:24: ", "cap '101': expected a whole number from 0 to 100"},
        {"credit,a,1,0,all,d,256,201,2,50,50,1\n", ":2:24: ", "cap '201': expected a whole number from 0 to 200"},
        {"credit,a,1,0,all,d,256,0,0,50,50,1\n", ":2:26: ", "vcpus '0'"},
        {"credit,a,1,0,all,d,256,0,1,fifty,50,1\n", ":2:28: ", "share_of_domUs_pct 'fifty'"},
        {"credit,a,1,0,all,d,256,0,1,50,nan,1\n", ":2:31: ", "pct_of_one_pcpu 'nan'"},
        {"credit,a,1,0,all,d,256,0,1,50,50,-1\n", ":2:34: ", "tolerance_points '-1'"},
        {"credit,a,1,0,all,d,256,0,1,50,50\n", ":2:1: ", "number of fields"},
        {"", ":1:1: ", "no rows"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), HEADER "%s", bad[i].row);
        refused("shares", text, bad[i].place, bad[i].words);
    }
    refused("shares",
            "# a comment\nscheduler,config,pool_pcpus,dom0_in_pool,guest_hard_affinity,domain,wheight,cap,vcpus,"
            "share_of_domUs_pct,pct_of_one_pcpu,tolerance_points\ncredit,a,1,0,all,d,256,0,1,50,50,1\n",
            ":2:1: ", "no column 'weight'; is it what 'wheight' means?");
    refused("shares", "scheduler\ncredit\n", ":1:1: ", "no column 'config'");
    refused("shares", "", ":0:1: ", "no header row");
    refused("shares", HEADER "credit,unloadable,1,0,all,d,256,0,1,50,50,1\n",
            ":2:8: ", "these guests cannot be built: no such thing");
}

/* A simulation that fails is a miss of its rows alone, and its exit code is that of the replay. */
static void a_panic_is_reported(void)
{
    struct said r = replay("shares", HEADER "credit,a,1,0,all,d0,256,0,1,100,100,1.0\n"
                                            "credit,panics,1,0,all,d1,512,0,1,100,100,1.0\n");
    CU_ASSERT_EQUAL(r.exit, EXIT_MODEL_PANIC);
    CU_ASSERT(ends(r.out, "\n1 passed, 1 failed\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "FAIL: stub panic"));
    done(r);
}

static bool holds(const char *path, const char *line)
{
    char *text = read_text(path);
    bool found = text && strstr(text, line);
    free(text);
    return found;
}

static void scenes_are_kept(void)
{
    write_text(in_dir(dir, "r.csv"), HEADER "credit2,a,2,0,all,d0,300,150,3,100,151,1\n"
                                            "credit2,b,3,1,1-2,d0,256,0,1,100,0,1\n");
    char file[4096], keep[4096], csv[4096];
    snprintf(file, sizeof(file), "%s/r.csv", dir);
    snprintf(keep, sizeof(keep), "%s/kept", dir);
    snprintf(csv, sizeof(csv), "%s/out.csv", dir);
    const char *const words[] = {"shares",  file,    "--keep", keep, "--duration", "3 s",
                                 "--level", "fixed", "--csv",  csv,  NULL};
    struct said r = call(words);
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    done(r);
    char own[4200];
    snprintf(own, sizeof(own), "%s/001-credit2-a", keep);
    CU_ASSERT(holds(in_dir(own, "machine.toml"), "cores_per_socket = 3\n"));
    CU_ASSERT(holds(in_dir(own, "scenario.toml"), "duration = \"3 s\"\n"));
    CU_ASSERT(holds(in_dir(own, "scenario.toml"), "behaviour = \"fixed\"\nsched = \"credit2\"\n"));
    CU_ASSERT(holds(in_dir(own, "scenario.toml"), "\n[[pool]]\n"));
    CU_ASSERT(holds(in_dir(own, "d0.cfg"), "vcpus = 3\n"));
    CU_ASSERT(holds(in_dir(own, "d0.cfg"), "cpu_weight = 300\ncap = 150\npool = \"guests\"\n"));
    snprintf(own, sizeof(own), "%s/002-credit2-b", keep);
    CU_ASSERT(holds(in_dir(own, "machine.toml"), "cores_per_socket = 3\n"));
    CU_ASSERT_FALSE(holds(in_dir(own, "scenario.toml"), "[[pool]]"));
    CU_ASSERT(holds(in_dir(own, "d0.cfg"), "cpus = \"1-2\"\n"));
    char *text = read_text(csv);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "credit2,b,3,1,1-2,d0,256,0,1,100,0,1,100.000,100.000,share_of_domUs_pct,0.000,pass\n"));
    free(text);
    r = call(words); /* what was kept stays */
    CU_ASSERT_EQUAL(r.exit, EXIT_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.err, "--keep"));
    done(r);
}

/* ---- wakes --------------------------------------------------------------------------------------------------------
 */

static void wakes_are_judged_by_shape(void)
{
    /* What the stub has: fits the recorded histogram of credit2, not that of credit. */
    struct said r = replay("wakes", WAKES_HEADER "credit2,j,L0_alone,500,266,7988,0/239/254/5/2/0/0/0\n"
                                                 "credit2,j,L1_vs_2burn,500,1495,11246,0/324/57/57/56/6/0/0\n"
                                                 "credit2,j,L1_vs_2burn,500,1556,17500,7/334/46/43/68/2/0/0\n");
    CU_ASSERT_EQUAL(r.exit, EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "1000 wake-ups recorded, 5000 simulated"));
    CU_ASSERT(ends(r.out, "\n7 passed, 0 failed\n"));
    done(r);
    r = replay("wakes", WAKES_HEADER "credit,j,L1_vs_2burn,500,1531,141595,1/413/45/29/3/3/0/6\n");
    CU_ASSERT_EQUAL(r.exit, EXIT_CHECK_FAILED);
    CU_ASSERT(ends(r.out, "\n3 passed, 2 failed\n")); /* no long waits, and the maximum */
    done(r);
}

static void malformed_wakes(void)
{
    static const struct {
        const char *row, *place, *words;
    } bad[] = {
        {"rtds,j,L0_alone,1,1,1,1/0/0/0/0/0/0/0\n", ":2:1: ", "scheduler 'rtds'"},
        {"credit,j,L0,1,1,1,1/0/0/0/0/0/0/0\n", ":2:10: ", "config 'L0': expected NAME_alone or NAME_vs_Nburn"},
        {"credit,j,L1_vs_burn,1,1,1,1/0/0/0/0/0/0/0\n", ":2:10: ", "config"},
        {"credit,j,L0_alone,0,1,1,1/0/0/0/0/0/0/0\n", ":2:19: ", "n '0'"},
        {"credit,j,L0_alone,1,x,1,1/0/0/0/0/0/0/0\n", ":2:21: ", "mean_us 'x'"},
        {"credit,j,L0_alone,1,1,-1,1/0/0/0/0/0/0/0\n", ":2:23: ", "max_us '-1'"},
        {"credit,j,L0_alone,1,1,1,1/0/0/0/0/0/0\n", ":2:25: ", "expected 8 counts"},
        {"credit,j,L0_alone,1,1,1,1/0/0/0/0/0/0/0/0\n", ":2:25: ", "expected 8 counts"},
        {"credit,j,L0_alone,1,1,1,1//0/0/0/0/0/0\n", ":2:25: ", "expected 8 counts"},
        {"credit,j,L0_alone,2,1,1,1/0/0/0/0/0/0/0\n", ":2:25: ", "add up to 1, n is 2"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text), WAKES_HEADER "%s", bad[i].row);
        refused("wakes", text, bad[i].place, bad[i].words);
    }
}

/* ---- the command --------------------------------------------------------------------------------------------------
 */

static void bad_usage(void)
{
    static const struct {
        const char *words[6], *says;
    } bad[] = {
        {{NULL}, "replay what?"},
        {{"share", "f", NULL}, "no replay 'share'; did you mean 'shares'?"},
        {{"shares", NULL}, "no record given"},
        {{"shares", "a", "b", NULL}, "unexpected argument 'b'"},
        {{"shares", "/no/such.csv", NULL}, "/no/such.csv: No such file"},
        {{"shares", "f", "--level", "modrn", NULL}, "unknown level 'modrn'; did you mean 'modern'?"},
        {{"shares", "f", "--duration", "5", NULL}, "--duration 5: expected a time"},
        {{"shares", "f", "--duration", "5 s\" #", NULL}, "expected a time"},
        {{"shares", "f", "-j", "0", NULL}, "-j 0"},
        {{"shares", "f", "--set", "x", NULL}, "expected KEY=VALUE"},
        {{"shares", "f", "--sed=1", NULL}, "did you mean '--se"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct said r = call(bad[i].words);
        CU_ASSERT_EQUAL(r.exit, EXIT_BAD_INPUT);
        if (!strstr(r.err, bad[i].says))
            printf("\n  expected %s\n  got %s", bad[i].says, r.err);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.err, bad[i].says));
        done(r);
    }
}

/* The words that shells complete are the kinds there are. */
static void words_are_the_kinds(void)
{
    size_t n = 0;
    for (; replay_kinds[n].name; n++)
        CU_ASSERT_STRING_EQUAL(cli_replay_words[n], replay_kinds[n].name);
    CU_ASSERT_PTR_NULL(cli_replay_words[n]);
}

/* The shipped records are read to the end. */
static void shipped_records(void)
{
    struct said r =
        call((const char *const[]){"shares", HVSIM_SOURCE_DIR "/results/reference/real-xen/shares.csv", NULL});
    unsigned passed = 0, failed = 0;
    const char *last = strstr(r.out, " passed, ");
    while (last && last > r.out && last[-1] != '\n')
        last--;
    CU_ASSERT_PTR_NOT_NULL_FATAL(last);
    CU_ASSERT_EQUAL(sscanf(last, "%u passed, %u failed", &passed, &failed), 2);
    CU_ASSERT_EQUAL(passed + failed, 44);
    CU_ASSERT_STRING_EQUAL(r.err, "");
    done(r);
    r = call((const char *const[]){"wakes", HVSIM_SOURCE_DIR "/results/reference/real-xen/wake-latency.csv", NULL});
    CU_ASSERT_PTR_NOT_NULL(strstr(r.out, "credit2 L1_sleeper10pct_vs_2burn: 4500 wake-ups recorded"));
    CU_ASSERT_STRING_EQUAL(r.err, "");
    done(r);
}

/* ---- the suite ----------------------------------------------------------------------------------------------------
 */

static void begin(void)
{
    dir = temp_dir();
}

static void end(void)
{
    remove_tree(dir);
}

#define IN_DIRECTORY(name)                                                                                             \
    static void name##_there(void)                                                                                     \
    {                                                                                                                  \
        begin();                                                                                                       \
        name();                                                                                                        \
        end();                                                                                                         \
    }

IN_DIRECTORY(shares_pass_and_fail)
IN_DIRECTORY(tolerance_is_inclusive)
IN_DIRECTORY(columns_in_any_order_and_more)
IN_DIRECTORY(capped_alone_is_absolute)
IN_DIRECTORY(rows_of_a_run)
IN_DIRECTORY(malformed_shares)
IN_DIRECTORY(a_panic_is_reported)
IN_DIRECTORY(scenes_are_kept)
IN_DIRECTORY(wakes_are_judged_by_shape)
IN_DIRECTORY(malformed_wakes)
IN_DIRECTORY(bad_usage)
IN_DIRECTORY(shipped_records)

static const struct cunit_case tests[] = {
    {"a share within its tolerance passes, one outside fails", shares_pass_and_fail_there},
    {"a tolerance is met at its very end", tolerance_is_inclusive_there},
    {"columns stand in any order, more of them are named", columns_in_any_order_and_more_there},
    {"a capped guest that is alone is compared by its time", capped_alone_is_absolute_there},
    {"which rows are one run", rows_of_a_run_there},
    {"mistakes of a shares file", malformed_shares_there},
    {"a panic is a miss of its rows", a_panic_is_reported_there},
    {"scenes are what the row says, and can be kept", scenes_are_kept_there},
    {"wake-ups are judged by shape", wakes_are_judged_by_shape_there},
    {"mistakes of a wakes file", malformed_wakes_there},
    {"bad usage", bad_usage_there},
    {"words for the completion of shells", words_are_the_kinds},
    {"the shipped records are read", shipped_records_there},
};

CUNIT_MAIN("replay", tests)
