/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim run: one scenario, one directory. */
#include "cli.h"

#include "json.h"
#include "lockstep.h"
#include "progress.h"
#include "run_child.h"
#include "run_dir.h"
#include "trace_reader.h"
#include <errno.h>
#include <fcntl.h>
#include <hv/limits.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPT_SEED = 256,
    OPT_SET,
    OPT_CHECK_DETERMINISM,
    OPT_CHECK_INVARIANTS,
    OPT_WATCHDOG_FATAL,
    OPT_SYNC,
    OPT_HV_CORE,
    OPT_HV_COST,
    OPT_EVENT_LOG,
    OPT_TRACE,
    OPT_CONSOLE,
    OPT_ACTION_LOG,
    OPT_SHOW,
    OPT_SHOW_FILE,
    OPT_FORCE,
    OPT_PROGRESS
};

#define MAX_SHOWS 64u
#define PS_PER_S 1e12

const struct argp_option cli_run_options[] = {
    {"out", 'o', "DIR", 0, "Write run.json, metrics.json and metrics.csv to DIR", 0},
    {"seed", OPT_SEED, "N", 0, "Seed of all random streams (default 1)", 0},
    {"set", OPT_SET, "KEY=VALUE", 0,
     "Override a key of the scenario, dotted; machine.KEY and profile.NAME.KEY go to these files. May be repeated", 0},
    {"check-determinism", OPT_CHECK_DETERMINISM, NULL, 0,
     "Run twice, in two processes, and compare event by event; exit 1 at the first divergence", 0},
    {"check-invariants", OPT_CHECK_INVARIANTS, "N", OPTION_ARG_OPTIONAL,
     "Check every invariant that the hypervisor core knows, and that no pCPU idles while work waits, after every N-th "
     "stay of a pCPU in the hypervisor (default 1)",
     0},
    {"watchdog-fatal", OPT_WATCHDOG_FATAL, NULL, 0, "A stall (scenario key watchdog) ends the run with exit 1", 0},
    {"sync-every-event", OPT_SYNC, NULL, 0, "Hand every event to the SystemC kernel: slower, same result", 0},
    {"hv-core", OPT_HV_CORE, "FILE.so", 0, "Use this build of the hypervisor core", 0},
    {"hv-cost", OPT_HV_COST, "none|fixed|path", 0, "What hypervisor code costs (scenario key hv_cost)", 0},
    {"event-log", OPT_EVENT_LOG, "FILE", 0, "Write every event as CSV", 0},
    {"trace", OPT_TRACE, "FILE", 0,
     "Write the hypervisor's trace of the window of measurement as xentrace does, TSC in ns (xenalyze --cpu-hz=1G)", 0},
    {"action-log", OPT_ACTION_LOG, "FILE", 0, "Write what each [[action]] did there, a line of JSON for each", 0},
    {"console", OPT_CONSOLE, "FILE", 0, "Write what hypervisor and toolstack print; - is the standard error", 0},
    {"show", OPT_SHOW, "WHAT@TIME", 0,
     "Print what xl WHAT would at that time after the guests have started (\"10s\", \"500ms\", \"end\"); WHAT is "
     "vcpu-list, "
     "list, \"list -n\", sched-credit, sched-credit2, sched-rtds, cpupool-list, \"cpupool-list -c\", \"info -n\" or "
     "\"debug-keys r\". May be repeated",
     0},
    {"show-file", OPT_SHOW_FILE, "FILE", 0, "Write that to FILE, not to the standard output", 0},
    {"force", OPT_FORCE, NULL, 0, "Replace the result that DIR holds", 0},
    {"quiet", 'q', NULL, 0, "Print errors only", 0},
    {"progress", OPT_PROGRESS, NULL, 0, "Show progress even if the standard error is no terminal", 0},
    {0},
};

struct run_args {
    const char *scenario, *out, *event_log, *trace, *console, *action_log, *hv_core, *show_file;
    unsigned nr_shows;
    struct run_show show[MAX_SHOWS];
    uint64_t seed;
    struct cli_list set;
    char cost[32];             /* --hv-cost as an override */
    unsigned check_invariants; /* 0: no */
    bool check_determinism, watchdog_fatal, sync, force, quiet, progress;
};

/* "10s", "1.5 ms", "end". */
static bool parse_moment(const char *text, int64_t *ps)
{
    static const struct {
        const char *name;
        double ps;
    } units[] = {{"s", 1e12}, {"ms", 1e9}, {"us", 1e6}, {"ns", 1e3}};
    char *end;
    if (!strcmp(text, "end")) {
        *ps = RUN_SHOW_AT_END;
        return true;
    }
    double value = strtod(text, &end);
    if (end == text || !(value >= 0 && value < 1e7))
        return false;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (!strcmp(end, units[i].name)) {
            *ps = (int64_t)(value * units[i].ps + 0.5);
            return true;
        }
    return false;
}

static error_t add_show(struct run_args *a, const char *arg, struct argp_state *state)
{
    const char *at = strrchr(arg, '@');
    struct run_show s = {XL_NR, 0};
    if (!at)
        return cli_bad(state, "--show %s: expected WHAT@TIME, such as vcpu-list@10s", arg);
    char what[32];
    snprintf(what, sizeof(what), "%.*s", (int)(at - arg), arg);
    for (unsigned i = 0; i < XL_NR; i++)
        if (!strcmp(what, xl_names[i]))
            s.what = (enum xl_what)i;
    if (s.what == XL_NR) {
        const char *near = cli_nearest(what, xl_names);
        return cli_bad(state, "--show %s: nothing is called '%s'%s%s%s", arg, what, near ? "; did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
    }
    if (!parse_moment(at + 1, &s.at_ps))
        return cli_bad(state, "--show %s: expected a time such as 10s, 500ms or end after the @", arg);
    if (a->nr_shows == MAX_SHOWS)
        return cli_bad(state, "--show: at most %u", MAX_SHOWS);
    unsigned k = a->nr_shows++; /* in order of time, those of one time as they were given */
    for (; k > 0 && a->show[k - 1].at_ps > s.at_ps; k--)
        a->show[k] = a->show[k - 1];
    a->show[k] = s;
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct run_args *a = state->input;
    switch (key) {
    case 'o':
        a->out = arg;
        return 0;
    case OPT_SEED:
        return cli_number(state, "--seed", arg, 0, UINT64_MAX, &a->seed) ? 0 : EINVAL;
    case OPT_SET:
        return cli_set(state, arg, &a->set);
    case OPT_CHECK_DETERMINISM:
        a->check_determinism = true;
        return 0;
    case OPT_CHECK_INVARIANTS:
        if (arg) {
            uint64_t n;
            if (!cli_number(state, "--check-invariants", arg, 1, UINT32_MAX, &n))
                return EINVAL;
            a->check_invariants = (unsigned)n;
        } else {
            a->check_invariants = 1;
        }
        return 0;
    case OPT_WATCHDOG_FATAL:
        a->watchdog_fatal = true;
        return 0;
    case OPT_SYNC:
        a->sync = true;
        return 0;
    case OPT_HV_CORE:
        if (access(arg, R_OK))
            return cli_bad(state, "--hv-core %s: %s", arg, strerror(errno));
        a->hv_core = arg;
        return 0;
    case OPT_HV_COST:
        return cli_hv_cost(state, arg, a->cost, sizeof(a->cost));
    case OPT_EVENT_LOG:
        a->event_log = arg;
        return 0;
    case OPT_TRACE:
        a->trace = arg;
        return 0;
    case OPT_ACTION_LOG:
        a->action_log = arg;
        return 0;
    case OPT_CONSOLE:
        a->console = arg;
        return 0;
    case OPT_SHOW:
        return add_show(a, arg, state);
    case OPT_SHOW_FILE:
        a->show_file = arg;
        return 0;
    case OPT_FORCE:
        a->force = true;
        return 0;
    case 'q':
        a->quiet = true;
        return 0;
    case OPT_PROGRESS:
        a->progress = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->scenario)
            return cli_bad(state, "unexpected argument '%s': one scenario at a time", arg);
        a->scenario = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->scenario)
            return cli_bad(state, "no scenario given; see --help");
        if (!a->out && !a->check_determinism && !a->nr_shows)
            return cli_bad(state, "no --out DIR given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- in the child ---------------------------------------------------------------------------------------------- */

struct child_setup {
    const struct run_args *args;
    const struct scenario *scenario;
    char *event_log; /* temporary name; NULL: none */
    char *trace;     /* the same */
    int event_fd;    /* -1: events are not streamed */
    bool first;      /* the one that shows progress, writes logs */
    struct progress progress;
    struct event_pipe *pipe;
    FILE *log, *trace_file;
};

static void show_progress(void *ctx, double done)
{
    struct child_setup *c = ctx;
    const struct scenario *s = c->scenario;
    double elapsed = progress_elapsed(&c->progress);
    struct progress_state p = {
        .done = done,
        .elapsed_s = elapsed,
        .eta_s = done > 0 ? elapsed * (1 - done) / done : -1,
        .simulated_s = done * (double)(s->warmup_ps + s->duration_ps) / 1e12,
    };
    progress_show(&c->progress, &p, done >= 1);
}

static void on_event(void *ctx, const struct run_event *e)
{
    struct child_setup *c = ctx;
    if (c->pipe)
        event_pipe_send(c->pipe, e);
    if (c->log)
        event_log_write(c->log, e);
}

static int prepare(void *ctx, struct run_options *o)
{
    struct child_setup *c = ctx;
    o->ctx = c;
    if (c->event_fd >= 0 && !(c->pipe = event_pipe_open(c->event_fd)))
        return EXIT_HOST_FAILED;
    if (c->first && c->event_log) {
        if (!(c->log = fopen(c->event_log, "we")))
            return EXIT_HOST_FAILED;
        event_log_header(c->log);
    }
    if (c->first && c->trace && !(o->trace = c->trace_file = fopen(c->trace, "we")))
        return EXIT_HOST_FAILED;
    if (c->first && c->args->console) {
        o->console = strcmp(c->args->console, "-") != 0 ? fopen(c->args->console, "we") : stderr;
        if (!o->console)
            return EXIT_HOST_FAILED;
    }
    if (c->first && c->args->action_log && !(o->action_log = fopen(c->args->action_log, "we")))
        return EXIT_HOST_FAILED;
    if (c->first && c->args->nr_shows) {
        o->show_file = c->args->show_file ? fopen(c->args->show_file, "we") : stdout;
        if (!o->show_file)
            return EXIT_HOST_FAILED;
        o->show = c->args->show;
        o->nr_shows = c->args->nr_shows;
    }
    if (c->pipe || c->log)
        o->on_event = on_event;
    if (c->first && c->progress.on)
        o->on_progress = show_progress;
    return EXIT_DONE;
}

/* The backend of the child: what was opened in prepare must be complete before the result is sent. */
static const struct run_backend *real_backend;
static struct child_setup *child;

static int run_and_close(const struct scenario *s, const struct run_options *opt, struct run_result *out)
{
    int exit = real_backend->run(s, opt, out);
    if (child->pipe)
        event_pipe_close(child->pipe);
    if (child->log && (fflush(child->log) || ferror(child->log) || fclose(child->log)) && exit == EXIT_DONE) {
        snprintf(out->error, sizeof(out->error), "%s: %s", child->args->event_log, strerror(errno));
        exit = EXIT_HOST_FAILED;
    }
    if (child->trace_file && fclose(child->trace_file) && exit == EXIT_DONE) {
        snprintf(out->error, sizeof(out->error), "%s: %s", child->args->trace, strerror(errno));
        exit = EXIT_HOST_FAILED;
    }
    if (opt->action_log && fclose(opt->action_log) && exit == EXIT_DONE) {
        snprintf(out->error, sizeof(out->error), "%s: %s", child->args->action_log, strerror(errno));
        exit = EXIT_HOST_FAILED;
    }
    if (opt->console)
        fflush(opt->console);
    return exit;
}

/* ---- in the parent --------------------------------------------------------------------------------------------- */

static int start(struct run_child *c, const struct cli *cli, const struct scenario *s, struct child_setup *setup)
{
    const struct run_args *a = setup->args;
    struct run_backend b = *cli->backend;
    real_backend = cli->backend;
    child = setup;
    b.run = run_and_close;
    struct run_options o = {
        .seed = a->seed,
        .hv_core_path = a->hv_core,
        .check_invariants = a->check_invariants,
        .watchdog_fatal = a->watchdog_fatal,
        .sync_every_event = a->sync,
    };
    return run_child_start(c, &b, s, &o, prepare, setup);
}

/* Read all that the child says; a signal ends both. */
static int collect(struct run_child *c, struct run_reply *r, struct fault *f)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    do {
        if (cli_interrupted) {
            run_child_kill(c);
            return fault_set(f, EXIT_HOST_FAILED, "interrupted");
        }
    } while (poll(&p, 1, -1) < 0 || !run_child_read(c));
    run_child_finish(c, r);
    if (r->exit != EXIT_DONE)
        fault_set(f, r->exit, "%s", r->result.error);
    return f->code;
}

static int run_once(const struct cli *cli, const struct scenario *s, struct child_setup *setup, struct run_reply *r,
                    struct fault *f)
{
    struct run_child c;
    int e = start(&c, cli, s, setup);
    if (e)
        return fault_set(f, EXIT_HOST_FAILED, "cannot start a process: %s", strerror(-e));
    return collect(&c, r, f);
}

/* Two children, in lockstep. The first one's result is the run's. */
static int run_twice(const struct cli *cli, const struct scenario *s, struct child_setup *setup, struct run_reply *r,
                     struct fault *f)
{
    struct run_child c[2] = {{.fd = -1}, {.fd = -1}};
    int events[2] = {-1, -1}, e = 0;
    for (int i = 0; i < 2 && !e; i++) {
        int fd[2];
        if (pipe2(fd, O_CLOEXEC)) {
            e = -errno;
            break;
        }
        events[i] = fd[0];
        setup->event_fd = fd[1];
        setup->first = i == 0;
        e = start(&c[i], cli, s, setup);
        close(fd[1]);
    }
    struct lockstep l = {0};
    if (!e)
        e = lockstep_compare(events[0], events[1], &l);
    if (e == -EINTR || cli_interrupted)
        fault_set(f, EXIT_HOST_FAILED, "interrupted");
    else if (e)
        fault_set(f, EXIT_HOST_FAILED, "cannot run two processes side by side: %s", strerror(-e));
    struct run_reply second = {0};
    if (!f->code && !l.diverged) {
        collect(&c[0], r, f);
        if (!f->code)
            collect(&c[1], &second, f);
        if (!f->code && r->result.fingerprint != second.result.fingerprint)
            fault_set(f, EXIT_CHECK_FAILED, "equal events, but the fingerprints differ: %016" PRIx64 " and %016" PRIx64,
                      r->result.fingerprint, second.result.fingerprint);
    }
    for (int i = 0; i < 2; i++) {
        run_child_kill(&c[i]);
        if (events[i] >= 0)
            close(events[i]);
    }
    run_reply_free(&second);
    if (l.diverged) {
        progress_clear(&setup->progress);
        lockstep_print(&l, stderr);
        fault_set(f, EXIT_CHECK_FAILED, "two runs of the same scenario with the same seed differ");
    }
    return f->code;
}

/* ---- the summary ----------------------------------------------------------------------------------------------- */

/* The value of a VM's metric, of those that follow its throughput: a VM's metrics are together. */
static double value_of(const struct metrics *ms, size_t throughput, const char *name, const char *quantile)
{
    const struct metric_def *def = metric_def_find(name);
    for (size_t i = throughput + 1; i < ms->nr && ms->m[i].def != ms->m[throughput].def; i++) {
        const struct metric *m = &ms->m[i];
        const char *q = metric_label_value(m, "quantile");
        if (m->def == def && (!quantile || (q && !strcmp(q, quantile))))
            return m->value;
    }
    return 0;
}

static void print_vms(const struct metrics *ms)
{
    const struct metric_def *throughput_def = metric_def_find("vm.throughput");
    printf("%-16s %18s %9s %11s %8s %14s\n", "VM", "throughput", "CPU s", "runnable s", "local %", "wake p99, us");
    for (size_t i = 0; i < ms->nr; i++) {
        const struct metric *m = &ms->m[i];
        if (m->def != throughput_def)
            continue;
        char throughput[48];
        snprintf(throughput, sizeof(throughput), "%.4g %s", m->value, m->unit);
        printf("%-16s %18s %9.2f %11.2f %8.1f %14.1f\n", metric_label_value(m, "vm"), throughput,
               value_of(ms, i, "vm.cpu_seconds", NULL), value_of(ms, i, "vm.runnable_seconds", NULL),
               100 * value_of(ms, i, "vm.local_access_fraction", NULL),
               1e6 * value_of(ms, i, "vm.wake_latency", "p99"));
    }
}

/* Its tables of pCPUs and vCPUs have TRACE_XENALYZE_IDS entries. */
static bool beyond_xenalyze(const struct scenario *s)
{
    bool beyond = s->machine->nr_cpus > TRACE_XENALYZE_IDS || s->dom0_vcpus > TRACE_XENALYZE_IDS;
    for (unsigned i = 0; i < s->nr_vms; i++)
        beyond |= s->vm[i].cfg.vcpus > TRACE_XENALYZE_IDS || s->vm[i].cfg.maxvcpus > TRACE_XENALYZE_IDS;
    return beyond;
}

static void print_summary(const struct run_args *a, const struct scenario *s, const struct run_reply *r)
{
    const struct run_result *x = &r->result;
    char events[16], rate[16];
    printf("%s, seed %" PRIu64 ": %.2f s simulated in %.2f s, %s events", s->name, a->seed, x->simulated_s, x->wall_s,
           progress_count(events, sizeof(events), (double)x->events));
    if (x->wall_s > 0)
        printf(" (%.0f simulated s/s, %s ev/s)", x->simulated_s / x->wall_s,
               progress_count(rate, sizeof(rate), (double)x->events / x->wall_s));
    printf("\nfingerprint %016" PRIx64 "\n", x->fingerprint);
    if (s->level && s->level->note)
        printf("level %s: %s\n", s->level->name, s->level->note);
    if (a->check_determinism)
        printf("deterministic: two runs, the same events\n");
    print_vms(&x->metrics);
    if (a->out)
        printf("wrote %s/{run.json,metrics.json,metrics.csv}\n", a->out);
    if (a->trace)
        printf("wrote %s%s\n", a->trace,
               beyond_xenalyze(s) ? " (some of its pCPU or vCPU numbers are above 255: xenalyze cannot read these)"
                                  : "");
}

/* A moment that the run does not reach is a mistake. */
static int check_shows(const struct run_args *a, const struct scenario *s, struct fault *f)
{
    const struct run_show *last = a->show + a->nr_shows;
    while (last > a->show && last[-1].at_ps == RUN_SHOW_AT_END)
        last--;
    if (last > a->show && last[-1].at_ps > s->warmup_ps + s->duration_ps)
        return fault_set(f, EXIT_BAD_INPUT, "--show %s@%g s: the run ends %g s after the guests start",
                         xl_names[last[-1].what], (double)last[-1].at_ps / PS_PER_S,
                         (double)(s->warmup_ps + s->duration_ps) / PS_PER_S);
    return EXIT_DONE;
}

/* ---- one command ------------------------------------------------------------------------------------------------ */

/* path: NULL if it is not wanted. *temp: the name until it is complete. */
static int open_log(const char *path, char **temp, struct fault *f)
{
    if (!path)
        return EXIT_DONE;
    if (asprintf(temp, "%s.tmp-%ld", path, (long)getpid()) < 0) {
        *temp = NULL;
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    }
    FILE *t = fopen(*temp, "we");
    if (!t)
        return fault_set(f, EXIT_BAD_INPUT, "%s: cannot write there: %s", path, strerror(errno));
    fclose(t);
    return EXIT_DONE;
}

/* Files beside the directory: tried before simulating. Event logs appear under their name when they are complete. */
static int open_logs(struct child_setup *c, struct fault *f)
{
    const struct run_args *a = c->args;
    if (open_log(a->event_log, &c->event_log, f) || open_log(a->trace, &c->trace, f))
        return f->code;
    if (a->console && strcmp(a->console, "-") != 0) {
        FILE *t = fopen(a->console, "ae");
        if (!t)
            return fault_set(f, EXIT_BAD_INPUT, "%s: cannot write there: %s", a->console, strerror(errno));
        fclose(t);
    }
    if (a->action_log) {
        FILE *t = fopen(a->action_log, "ae");
        if (!t)
            return fault_set(f, EXIT_BAD_INPUT, "%s: cannot write there: %s", a->action_log, strerror(errno));
        fclose(t);
    }
    return EXIT_DONE;
}

/* A log of a panic is what one wants to read; a log of a run that was interrupted is not complete. */
static void close_log(const char *path, char *temp, struct fault *f)
{
    if (!temp)
        return;
    bool complete = f->code == EXIT_DONE || f->code == EXIT_MODEL_PANIC;
    if (!complete)
        unlink(temp);
    else if (rename(temp, path))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
    free(temp);
}

static void close_logs(struct child_setup *c, struct fault *f)
{
    close_log(c->args->event_log, c->event_log, f);
    close_log(c->args->trace, c->trace, f);
}

/* Bytes up to the first hole: all that ARM uses at the first levels. */
static uint64_t first_bank(const struct machine *m)
{
    unsigned n = 1;
    while (n < m->nr_ranges && m->range[n].start == m->range[n - 1].end)
        n++;
    return m->range[n - 1].end - m->range[0].start;
}

/* As the hypervisor does, which says so on its console. */
static void warn_of_ignored_memory(const struct scenario *s)
{
    const enum hv_arch arch = scenario_arch(s->machine);
    const bool bank = arch != HV_ARCH_x86_64 && s->level->quirk[HV_QUIRK_arm_first_bank];
    uint64_t have = machine_memory(s->machine), most = hv_max_bytes(s->level, arch);
    if (bank && first_bank(s->machine) < most)
        most = first_bank(s->machine);
    if (have > most)
        fprintf(
            stderr,
            "hvsim run: warning: level '%s' uses %.4g GiB of memory, machine '%s' has %.4g GiB: the rest is ignored\n",
            s->level->name, (double)most / (double)(1u << 30), s->machine->name, (double)have / (double)(1u << 30));
}

static void simulate(const struct cli *cli, const struct run_args *a, const struct scenario *s, struct fault *f)
{
    struct run_dir dir = {0};
    struct run_reply reply = {0};
    struct child_setup setup = {.args = a, .scenario = s, .event_fd = -1, .first = true};
    warn_of_ignored_memory(s);
    if (a->out)
        run_dir_open(&dir, a->out, a->force, f);
    if (!f->code)
        open_logs(&setup, f);
    if (!f->code) {
        progress_open(&setup.progress, stderr, a->progress, a->quiet);
        (a->check_determinism ? run_twice : run_once)(cli, s, &setup, &reply, f);
        setup.progress.last = 1; /* the child's line */
        progress_clear(&setup.progress);
    }
    if (!f->code && a->out) {
        struct run_facts facts = {s, a->seed, cli->argc, cli->argv, a->hv_core};
        run_dir_write(&dir, &facts, &reply, f);
        if (!f->code)
            run_dir_commit(&dir, f);
    }
    close_logs(&setup, f);
    run_dir_close(&dir);
    if (!f->code && !a->quiet)
        print_summary(a, s, &reply);
    run_reply_free(&reply);
}

int cli_run(const struct cli *cli, int argc, char **argv)
{
    struct run_args a = {.seed = 1};
    struct fault f = {0};
    int exit = cli_parse(cli_run, parse, argc, argv, &a);
    if (exit == EXIT_DONE && *a.cost && !cli_list_add(&a.set, a.cost))
        exit = cli_fail(EXIT_HOST_FAILED, argv[0], "out of memory");
    if (exit == EXIT_DONE) {
        char *err = NULL;
        struct scenario *s = cli->backend->load(a.scenario, a.set.item, &err);
        if (!s) {
            exit = cli_fail(EXIT_BAD_INPUT, argv[0], "%s", err ? err : "out of memory");
            free(err);
        } else {
            cli_catch_signals();
            if (check_shows(&a, s, &f) == EXIT_DONE)
                simulate(cli, &a, s, &f);
            exit = cli_fault(&f, argv[0]);
            cli->backend->release(s);
        }
    }
    cli_list_free(&a.set);
    return exit;
}
