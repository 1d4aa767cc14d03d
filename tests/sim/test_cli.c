/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, with the stub in the simulator's place: exit codes, messages, what is left on the disk. */
#include "cli.h"
#include "json.h"
#include "list.h"
#include "stub_backend.h"

#include <cunit_main.h>
#include <hv/core.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *dir, *scenario, *sweep;
static char *out, *err; /* of the last command */

static void begin(void)
{
    dir = temp_dir();
    scenario = strdup(in_dir(dir, "s.toml"));
    sweep = strdup(in_dir(dir, "w.toml"));
    write_text(scenario, "");
    write_text(sweep, "name = \"t\"\nseeds = 2\n[[grid]]\nscenario = \"s.toml\"\nset = { \"vm.0.count\" = [1, 2] }\n");
}

static void end(void)
{
    remove_tree(dir);
    free(scenario);
    free(sweep);
    free(out);
    free(err);
    scenario = sweep = out = err = NULL;
}

/* A NULL-terminated command line after "hvsim". The exit code. */
static int hvsim(const char *first, ...)
{
    char name[] = "hvsim", *argv[32] = {name, (char *)first};
    int argc = first ? 2 : 1, status = 0;
    va_list ap;
    va_start(ap, first);
    while (first && argc < 31 && (argv[argc] = va_arg(ap, char *)))
        argc++;
    va_end(ap);
    char *out_path = strdup(in_dir(dir, ".out")), *err_path = strdup(in_dir(dir, ".err"));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen(out_path, "w", stdout) || !freopen(err_path, "w", stderr))
            _exit(99);
        exit(cli_main(&stub_backend, argc, argv));
    }
    waitpid(pid, &status, 0);
    free(out);
    free(err);
    out = read_text(out_path);
    err = read_text(err_path);
    unlink(out_path);
    unlink(err_path);
    free(out_path);
    free(err_path);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

/* One line on stderr with the text in it, nothing on stdout. */
static bool complains(const char *text)
{
    const char *newline = strchr(err, '\n');
    bool ok = newline && !newline[1] && strstr(err, text) && !*out;
    if (!ok)
        printf("\n  stdout: %s\n  stderr: %s\n  want: %s\n", out, err, text);
    return ok;
}

#define REFUSED(text, ...)                                                                                             \
    do {                                                                                                               \
        CU_ASSERT_EQUAL(hvsim(__VA_ARGS__, NULL), EXIT_BAD_INPUT);                                                     \
        CU_ASSERT_TRUE(complains(text));                                                                               \
    } while (0)

static void bad_usage_is_one_line(void)
{
    begin();
    CU_ASSERT_EQUAL(hvsim(NULL), EXIT_BAD_INPUT);
    REFUSED("unknown command 'sweeep'; did you mean 'sweep'?", "sweeep");
    REFUSED("unknown command 'zzzzzzzz'", "zzzzzzzz");
    REFUSED("unknown option '--versoin'", "--versoin");
    REFUSED("hvsim run: unknown option '--sed'; did you mean '--seed'?", "run", scenario, "--out", "x", "--sed", "4");
    REFUSED("hvsim run: unknown option '-x'", "run", scenario, "-x");
    REFUSED("hvsim run: option '--out' needs a value", "run", scenario, "--out");
    REFUSED("hvsim sweep: option '-j' needs a value", "sweep", sweep, "-j");
    REFUSED("hvsim run: option '--force' takes no value", "run", scenario, "--force=1");
    REFUSED("option '--check' is ambiguous", "run", scenario, "--check");
    REFUSED("no scenario given", "run", "--out", "x");
    REFUSED("no --out DIR given", "run", scenario);
    REFUSED("unexpected argument 'two'", "run", scenario, "two", "--out", "x");
    REFUSED("--seed -1: expected a whole number", "run", scenario, "--out", "x", "--seed", "-1");
    REFUSED("--seed 1x: expected a whole number", "run", scenario, "--out", "x", "--seed", "1x");
    REFUSED("--seed 18446744073709551616", "run", scenario, "--out", "x", "--seed", "18446744073709551616");
    REFUSED("--set vm: expected KEY=VALUE", "run", scenario, "--out", "x", "--set", "vm");
    REFUSED("--hv-cost pth: expected none, fixed or path; did you mean 'path'?", "run", scenario, "--out", "x",
            "--hv-cost", "pth");
    REFUSED("--hv-core", "run", scenario, "--out", "x", "--hv-core", in_dir(dir, "none.so"));
    REFUSED("-j 0: expected a whole number from 1", "sweep", sweep, "--out", "x", "-j", "0");
    REFUSED("-j 0: expected a whole number from 1", "sweep", sweep, "--out", "x", "-j0");
    REFUSED("-j two", "sweep", sweep, "--out", "x", "--jobs=two");
    REFUSED("no sweep given", "sweep", "--out", "x");
    REFUSED("no --out FILE.sqlite given", "sweep", sweep);
    REFUSED("exclude one another", "sweep", sweep, "--out", "x", "--resume", "--fresh");
    REFUSED("no list 'machine'; did you mean 'machines'?", "list", "machine");
    REFUSED("no such thing as topo 'imprt'; did you mean 'import'?", "topo", "imprt", "x");
    REFUSED("import, show or export?", "topo");
    REFUSED("import what?", "topo", "import");
    REFUSED("--from hwlok: expected hwloc, synthetic, sysfs, acpi or dtb; did you mean 'hwloc'?", "topo", "import",
            "--from", "hwlok", "x");
    REFUSED("--from goes with import only", "topo", "show", "westmere-ep-2s", "--from", "acpi");
    REFUSED("--svg goes with show only", "topo", "import", "pu:2", "--svg", "x");
    REFUSED("one machine at a time", "topo", "export", "westmere-ep-2s", "extra");
    REFUSED("no machine 'nosuch'", "topo", "show", "nosuch");
    REFUSED(": empty", "topo", "import", scenario);
    REFUSED("is there already; --force replaces it", "topo", "import", "pu:2", "--output", scenario);
    REFUSED("no completion for 'fish'", "completion", "fish");
    REFUSED("which shell", "completion");
    REFUSED("no report 'density2'; did you mean 'density'?", "report", "density2");
    REFUSED("no report 'xyzzy'; there are density, locality,", "report", "xyzzy");
    REFUSED("no --db FILE.sqlite given", "report", "density", "--out", "x");
    CU_ASSERT_EQUAL(count_entries(dir), 2);
    end();
}

static void help_and_version(void)
{
    begin();
    CU_ASSERT_EQUAL(hvsim("--help", NULL), EXIT_DONE);
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(out, c->name));
    }
    CU_ASSERT_EQUAL(hvsim("--version", NULL), EXIT_DONE);
    CU_ASSERT_EQUAL(strncmp(out, "hvsim ", 6), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "git: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "compiler: "));
    char core[64];
    snprintf(core, sizeof(core), "hv-core: ABI %u, build stub-core", HV_ABI_VERSION);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, core));
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        CU_ASSERT_EQUAL(hvsim(c->name, "--help", NULL), EXIT_DONE);
        CU_ASSERT_TRUE(strlen(out) > 40);
        CU_ASSERT_EQUAL(hvsim("help", c->name, NULL), EXIT_DONE);
        CU_ASSERT_TRUE(strlen(out) > 40);
    }
    CU_ASSERT_EQUAL(hvsim("run", "-h", NULL), EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "--check-determinism"));
    end();
}

static void a_run_writes_its_directory(void)
{
    begin();
    char *to = strdup(in_dir(dir, "a/b/result/"));
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--out", to, "--seed", "7", "--set", "vm.0.count=3", NULL), EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "vm-3"));
    CU_ASSERT_EQUAL(count_entries(to), 3);
    char *text = read_text(in_dir(to, "run.json")), why[128] = "";
    struct json *j = json_parse(text, why, sizeof(why));
    CU_ASSERT_STRING_EQUAL_FATAL(why, "");
    static const char *const keys[] = {"scenario",  "file",        "seed",           "version",     "git",
                                       "compiler",  "command",     "host",           "simulated_s", "wall_s",
                                       "cpu_s",     "start_cpu_s", "guests_cpu_s",   "events",      "events_per_s",
                                       "handovers", "window",      "peak_rss_bytes", "fingerprint", "hv_core",
                                       "exit",      "config"};
    CU_ASSERT_EQUAL(j->nr, sizeof(keys) / sizeof(keys[0]));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        CU_ASSERT_PTR_NOT_NULL(json_get(j, keys[i]));
    CU_ASSERT_EQUAL(json_get(j, "seed")->number, 7);
    CU_ASSERT_EQUAL(strlen(json_get(j, "fingerprint")->text), 16);
    CU_ASSERT_EQUAL(strspn(json_get(j, "fingerprint")->text, "0123456789abcdef"), 16);
    CU_ASSERT_EQUAL(json_get(j, "command")->nr, 9);
    CU_ASSERT_STRING_EQUAL(json_get(j, "command")->item[0]->text, "hvsim");
    CU_ASSERT_STRING_EQUAL(json_get(j, "command")->item[8]->text, "vm.0.count=3");
    CU_ASSERT_STRING_EQUAL(json_get(json_get(j, "exit"), "reason")->text, "done");
    CU_ASSERT_STRING_EQUAL(json_get(json_get(j, "config"), "vm.0.count")->text, "3");
    CU_ASSERT_STRING_EQUAL(json_get(json_get(j, "hv_core"), "build_id")->text, "stub-core");
    json_free(j);
    free(text);
    text = read_text(in_dir(to, "metrics.json"));
    j = json_parse(text, why, sizeof(why));
    CU_ASSERT_EQUAL(json_get(j, "metrics")->nr, 11);
    json_free(j);
    free(text);
    free(to);
    end();
}

static void a_result_is_not_overwritten(void)
{
    begin();
    char *to = strdup(in_dir(dir, "r"));
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--out", to, "-q", NULL), EXIT_DONE);
    CU_ASSERT_EQUAL(strlen(out) + strlen(err), 0);
    char *before = read_text(in_dir(to, "metrics.csv"));
    write_text(in_dir(to, "notes"), "mine");
    REFUSED("already holds the result of a run", "run", scenario, "--out", to, "--seed", "2");
    char *after = read_text(in_dir(to, "metrics.csv"));
    CU_ASSERT_STRING_EQUAL(before, after);
    free(after);
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--out", to, "--seed", "2", "--force", NULL), EXIT_DONE);
    after = read_text(in_dir(to, "metrics.csv"));
    CU_ASSERT_STRING_NOT_EQUAL(before, after);
    char *notes = read_text(in_dir(to, "notes"));
    CU_ASSERT_STRING_EQUAL(notes, "mine");
    CU_ASSERT_EQUAL(count_entries(dir), 3); /* no temporary directory beside it */
    free(before);
    free(after);
    free(notes);
    free(to);
    end();
}

static void nothing_is_left_of_a_run_that_failed(void)
{
    begin();
    char *to = strdup(in_dir(dir, "a/b/r")), *log = strdup(in_dir(dir, "events.csv"));
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--out", to, "--set", "stub.panic=1", NULL), EXIT_MODEL_PANIC);
    CU_ASSERT_TRUE(complains("hvsim run: Assertion 'stub' failed at stub.c:1"));
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--out", to, "--set", "stub.crash=1", NULL), EXIT_MODEL_PANIC);
    CU_ASSERT_TRUE(complains("the simulation crashed: signal 6"));
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--out", to, "--set", "stub.killed=1", "--event-log", log, NULL),
                    EXIT_HOST_FAILED);
    REFUSED("--set bad.key=1: unknown key", "run", scenario, "--out", to, "--set", "bad.key=1");
    REFUSED("No such file", "run", in_dir(dir, "none.toml"), "--out", to);
    CU_ASSERT_EQUAL(count_entries(dir), 2);
    free(to);
    free(log);
    end();
}

static void output_that_cannot_be_written_is_found_first(void)
{
    begin();
    stub_run_log = strdup(in_dir(dir, "runs"));
    char *under_file = strdup(in_dir(scenario, "r"));
    REFUSED("s.toml/r: cannot write there", "run", scenario, "--out", under_file);
    REFUSED("s.toml: not a directory", "run", scenario, "--out", scenario);
    REFUSED("empty name", "run", scenario, "--out", "");
    REFUSED("/proc/r: cannot write there", "run", scenario, "--out", "/proc/r");
    REFUSED("cannot write there", "run", scenario, "--out", in_dir(dir, "r"), "--event-log", under_file);
    REFUSED("cannot write there", "run", scenario, "--out", in_dir(dir, "r"), "--console", under_file);
    REFUSED("cannot write there", "sweep", sweep, "--out", under_file);
    REFUSED("cannot write there", "sweep", sweep, "--out", "/proc/x.sqlite");
    REFUSED("No such file", "sweep", sweep, "--resume", "--out", in_dir(dir, "none.sqlite"));
    CU_ASSERT_EQUAL(stub_runs(), 0);
    CU_ASSERT_EQUAL(count_entries(dir), 2);
    free((char *)stub_run_log);
    stub_run_log = NULL;
    free(under_file);
    end();
}

static void determinism_is_checked(void)
{
    begin();
    char *to = strdup(in_dir(dir, "r"));
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--check-determinism", "--set", "stub.events=50000", NULL), EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "deterministic"));
    CU_ASSERT_EQUAL(count_entries(dir), 2);
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--check-determinism", "--out", to, "--set", "stub.events=50000", "--set",
                          "stub.diverge_at=43210", NULL),
                    EXIT_CHECK_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "first divergence after 43210 equal events"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "run 1: event 43210 at 0.000043210000 s, class timer"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "two runs of the same scenario"));
    CU_ASSERT_EQUAL(count_entries(dir), 2);
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--check-determinism", "--set", "stub.panic=1", NULL), EXIT_MODEL_PANIC);
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--check-determinism", "--out", to, NULL), EXIT_DONE);
    CU_ASSERT_EQUAL(count_entries(to), 3);
    free(to);
    end();
}

static void logs_are_written(void)
{
    begin();
    char *log = strdup(in_dir(dir, "e.csv")), *console = strdup(in_dir(dir, "console"));
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--out", in_dir(dir, "r"), "--event-log", log, "--console", console, NULL),
                    EXIT_DONE);
    char *text = read_text(log);
    CU_ASSERT_EQUAL(strncmp(text, "index,time_ps,class,id,what,arg,state\n0,0,timer,0,7,0x0,", 56), 0);
    unsigned lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        lines++;
    CU_ASSERT_EQUAL(lines, 101);
    free(text);
    text = read_text(console);
    CU_ASSERT_STRING_EQUAL(text, "(XEN) stub\n");
    CU_ASSERT_EQUAL(count_entries(dir), 5);
    free(text);
    /* The events up to a panic are what one wants to see. */
    CU_ASSERT_EQUAL(hvsim("run", scenario, "--out", in_dir(dir, "p"), "--event-log", in_dir(dir, "panic.csv"), "--set",
                          "stub.panic=1", NULL),
                    EXIT_MODEL_PANIC);
    CU_ASSERT_EQUAL(access(in_dir(dir, "panic.csv"), R_OK), 0);
    free(log);
    free(console);
    end();
}

static void a_sweep_from_the_command_line(void)
{
    begin();
    char *db = strdup(in_dir(dir, "x.sqlite"));
    CU_ASSERT_EQUAL(hvsim("sweep", sweep, "--out", db, "-j", "2", "--limit", "3", NULL), EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "4 runs: 0 were there, 3 run now"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "1 are left"));
    CU_ASSERT_EQUAL(strlen(err), 0); /* no progress where there is no terminal */
    CU_ASSERT_EQUAL(hvsim("sweep", sweep, "--out", db, "--progress", NULL), EXIT_DONE);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "4 runs: 3 were there, 1 run now"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "4/4 runs  100 %"));
    CU_ASSERT_EQUAL(hvsim("sweep", sweep, "--out", db, "--set", "stub.panic=1", NULL), EXIT_CHECK_FAILED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err, "4 of 4 runs failed; the first: s {\"vm.0.count\": 1} seed "));
    REFUSED("--set bad.x=1: unknown key", "sweep", sweep, "--out", db, "--set", "bad.x=1");
    REFUSED("w.toml:1:", "sweep", (write_text(sweep, "name = \n"), sweep), "--out", db);
    free(db);
    end();
}

static void completion_knows_every_command(void)
{
    begin();
    static const char *const shells[] = {"bash", "zsh"};
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(hvsim("completion", shells[i], NULL), EXIT_DONE);
        char *line = strstr(out, "_hvsim_commands='");
        CU_ASSERT_PTR_NOT_NULL_FATAL(line);
        for (const struct cli_command *c = cli_commands; c->name; c++) {
            CU_ASSERT_PTR_NOT_NULL(strstr(line, c->name));
            for (const struct argp_option *o = c->options; o->name; o++) {
                char word[64];
                snprintf(word, sizeof(word), "--%s%s ", o->name, o->arg ? "=" : "");
                CU_ASSERT_PTR_NOT_NULL(strstr(out, word));
            }
        }
    }
    /* bash takes it, and completes. */
    CU_ASSERT_EQUAL(hvsim("completion", "bash", NULL), EXIT_DONE);
    write_text(in_dir(dir, "c.bash"), out);
    char command[8192];
    snprintf(command, sizeof(command),
             "bash -c '. %s; COMP_WORDS=(hvsim sw); COMP_CWORD=1; _hvsim; [ \"${COMPREPLY[*]}\" = sweep ] && "
             "COMP_WORDS=(hvsim run --check-d); COMP_CWORD=2; _hvsim; [ \"${COMPREPLY[*]}\" = --check-determinism ] && "
             "COMP_WORDS=(hvsim list machine-); _hvsim; [ \"${COMPREPLY[*]}\" = machine-keys ]'",
             in_dir(dir, "c.bash"));
    CU_ASSERT_EQUAL(system(command), 0);
    end();
}

static void lists_are_complete(void)
{
    begin();
    size_t n = 0;
    for (; cli_list_words[n]; n++)
        CU_ASSERT_STRING_EQUAL(cli_list_words[n], list_kinds[n].name);
    CU_ASSERT_PTR_NULL(list_kinds[n].name);
    CU_ASSERT_EQUAL(hvsim("list", NULL), EXIT_DONE);
    for (size_t i = 0; i < n; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(out, cli_list_words[i]));
    for (size_t i = 0; i < n; i++) {
        CU_ASSERT_EQUAL(hvsim("list", cli_list_words[i], NULL), EXIT_DONE);
        CU_ASSERT_TRUE(strlen(out) > 20);
        CU_ASSERT_EQUAL(strlen(err), 0);
    }
    CU_ASSERT_EQUAL(hvsim("list", "metrics", NULL), EXIT_DONE);
    for (const struct metric_def *d = metric_defs; d->name; d++)
        CU_ASSERT_PTR_NOT_NULL(strstr(out, d->name));
    end();
}

/* Schedulers and quirks come from the core: each level's are those that the core says. */
static void lists_follow_the_level(void)
{
    static const char *const lists[] = {"schedulers", "quirks"};
    begin();
    for (const struct hv_profile *l = hv_profiles; l->name; l++) {
        struct hv_sched_info info;
        CU_ASSERT_EQUAL(hvsim("list", "schedulers", "--level", l->name, NULL), EXIT_DONE);
        size_t lines = 0, n = 0;
        for (const char *s = out; *s; s++)
            lines += *s == '\n';
        for (; hv_core_get()->scheduler(l, (unsigned)n, &info); n++) {
            CU_ASSERT_PTR_NOT_NULL(strstr(out, info.opt_name));
            CU_ASSERT_PTR_NOT_NULL(strstr(out, info.name));
        }
        CU_ASSERT_EQUAL(lines, n);
        CU_ASSERT_EQUAL(hvsim("list", "quirks", "--level", l->name, NULL), EXIT_DONE);
        for (unsigned q = 0; q < HV_QUIRK_NR; q++) {
            char word[64];
            snprintf(word, sizeof(word), "\n%s ", hv_quirk_infos[q].name);
            CU_ASSERT_EQUAL(strstr(out, word) != NULL, l->quirk[q]);
        }
    }
    CU_ASSERT_EQUAL(hvsim("list", "schedulers", NULL), EXIT_DONE);
    const char *sedf = strstr(out, "sedf");
    CU_ASSERT_PTR_NOT_NULL_FATAL(sedf);
    CU_ASSERT_PTR_NOT_NULL(strstr(sedf, "xen-4.2 xen-4.3 arm-numa"));
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"))
        CU_ASSERT_TRUE(strlen(line) > 80); /* each has its line of text */
    for (size_t i = 0; i < 2; i++) {
        REFUSED("no level 'modren'; did you mean 'modern'?", "list", lists[i], "--level", "modren");
    }
    REFUSED("--level goes with schedulers and quirks", "list", "metrics", "--level", "modern");
    REFUSED("--level goes with schedulers and quirks", "list", "--level", "modern");
    end();
}

static const struct cunit_case tests[] = {
    {"bad usage is one line with the nearest name, exit 2", bad_usage_is_one_line},
    {"help and version", help_and_version},
    {"a run writes its directory", a_run_writes_its_directory},
    {"a result is not overwritten unless forced", a_result_is_not_overwritten},
    {"nothing is left of a run that failed", nothing_is_left_of_a_run_that_failed},
    {"output that cannot be written is found before simulating", output_that_cannot_be_written_is_found_first},
    {"determinism is checked, and a divergence found", determinism_is_checked},
    {"event log and console are written", logs_are_written},
    {"a sweep from the command line", a_sweep_from_the_command_line},
    {"completion knows every command and option", completion_knows_every_command},
    {"every list can be printed", lists_are_complete},
    {"schedulers and quirks are those of the level", lists_follow_the_level},
};
CUNIT_MAIN("cli", tests)
