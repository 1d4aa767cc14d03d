/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim sweep: many scenarios, one SQLite file. */
#include "cli.h"

#include "pool.h"
#include "progress.h"
#include "sweep_run.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    OPT_SET = 256,
    OPT_RESUME,
    OPT_FRESH,
    OPT_DRY_RUN,
    OPT_LIMIT,
    OPT_HV_CORE,
    OPT_CHECK_INVARIANTS,
    OPT_PROGRESS,
    OPT_HV_COST
};

const struct argp_option cli_sweep_options[] = {
    {"out", 'o', "FILE.sqlite", 0, "Write runs and metrics there; runs that it already has are not run again", 0},
    {"jobs", 'j', "N", 0, "Simulations at a time (default: the number of processors)", 0},
    {"set", OPT_SET, "KEY=VALUE", 0, "Override a key of every scenario, after the grid's. May be repeated", 0},
    {"resume", OPT_RESUME, NULL, 0, "Go on with a sweep: FILE must exist", 0},
    {"fresh", OPT_FRESH, NULL, 0, "Forget what FILE holds", 0},
    {"dry-run", OPT_DRY_RUN, NULL, 0, "List the runs with their keys, run nothing, write nothing", 0},
    {"limit", OPT_LIMIT, "N", 0, "Run at most N of those that are left", 0},
    {"hv-core", OPT_HV_CORE, "FILE.so", 0, "Use this build of the hypervisor core", 0},
    {"hv-cost", OPT_HV_COST, "none|fixed|path", 0, "What hypervisor code costs (scenario key hv_cost)", 0},
    {"check-invariants", OPT_CHECK_INVARIANTS, NULL, 0, "Check every invariant that the hypervisor core knows", 0},
    {"quiet", 'q', NULL, 0, "Print errors only", 0},
    {"progress", OPT_PROGRESS, NULL, 0, "Show progress even if the standard error is no terminal", 0},
    {0},
};

struct sweep_args {
    const char *file;
    struct cli_list set;
    char cost[32]; /* --hv-cost as an override */
    struct sweep_options opt;
    bool resume, fresh;
};

static error_t check_whole(struct sweep_args *a, struct argp_state *state)
{
    if (!a->file)
        return cli_bad(state, "no sweep given; see --help");
    if (!a->opt.out && !a->opt.dry_run)
        return cli_bad(state, "no --out FILE.sqlite given");
    if (a->resume && a->fresh)
        return cli_bad(state, "--resume and --fresh exclude one another");
    if (*a->cost && !cli_list_add(&a->set, a->cost))
        return ENOMEM;
    a->opt.mode = a->resume ? STORE_EXTEND : a->fresh ? STORE_RECREATE : STORE_CREATE;
    a->opt.set = a->set.item;
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct sweep_args *a = state->input;
    uint64_t n;
    switch (key) {
    case 'o':
        a->opt.out = arg;
        return 0;
    case 'j':
        if (!cli_number(state, "-j", arg, 1, POOL_MAX_JOBS, &n))
            return EINVAL;
        a->opt.jobs = (unsigned)n;
        return 0;
    case OPT_SET:
        return cli_set(state, arg, &a->set);
    case OPT_RESUME:
        a->resume = true;
        return 0;
    case OPT_FRESH:
        a->fresh = true;
        return 0;
    case OPT_DRY_RUN:
        a->opt.dry_run = true;
        return 0;
    case OPT_LIMIT:
        if (!cli_number(state, "--limit", arg, 1, SWEEP_MAX_RUNS, &n))
            return EINVAL;
        a->opt.limit = n;
        return 0;
    case OPT_HV_CORE:
        a->opt.hv_core = arg;
        return 0;
    case OPT_HV_COST:
        return cli_hv_cost(state, arg, a->cost, sizeof(a->cost));
    case OPT_CHECK_INVARIANTS:
        a->opt.check_invariants = true;
        return 0;
    case 'q':
        a->opt.quiet = true;
        return 0;
    case OPT_PROGRESS:
        a->opt.progress = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->file)
            return cli_bad(state, "unexpected argument '%s': one sweep at a time", arg);
        a->file = arg;
        return 0;
    case ARGP_KEY_END:
        return check_whole(a, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_outcome(const struct sweep_args *a, const struct sweep_outcome *o)
{
    char events[16], rate[16];
    printf("%zu runs: %zu were there, %zu run now", o->total, o->known, o->run);
    if (o->failed)
        printf(" (%zu failed)", o->failed);
    if (o->run && o->elapsed_s > 0)
        printf(" in %.1f s: %.0f simulated s/s, %s events, %s ev/s", o->elapsed_s, o->simulated_s / o->elapsed_s,
               progress_count(events, sizeof(events), (double)o->events),
               progress_count(rate, sizeof(rate), (double)o->events / o->elapsed_s));
    if (o->run && o->wall_s > 0)
        printf(", %u processor%s %.1f %% busy for %.1f s", o->processors, o->processors == 1 ? "" : "s",
               100 * o->cpu_s / o->wall_s / o->processors, o->wall_s);
    if (o->known + o->run < o->total)
        printf("; %zu are left", o->total - o->known - o->run);
    printf("\n%s\n", a->opt.out);
}

int cli_sweep(const struct cli *cli, int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct sweep_args a = {.opt = {.jobs = cpus > 0 ? (unsigned)cpus : 1, .stop = &cli_interrupted}};
    int exit = cli_parse(cli_sweep, parse, argc, argv, &a);
    if (exit == EXIT_DONE) {
        struct sweep s;
        struct sweep_outcome o = {0};
        struct fault f = {0};
        cli_catch_signals();
        if (sweep_load(a.file, &s, &f) == EXIT_DONE) {
            sweep_run(&s, cli->backend, &a.opt, &o, &f);
            sweep_free(&s);
            if (!a.opt.dry_run && !a.opt.quiet && o.total && f.code != EXIT_BAD_INPUT)
                print_outcome(&a, &o);
        }
        exit = cli_fault(&f, argv[0]);
    }
    cli_list_free(&a.set);
    return exit;
}
