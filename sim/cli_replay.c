/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim replay: what a real Xen did, simulated and compared (sim/replay.h). */
#include "cli.h"

#include "pool.h"
#include "replay.h"
#include <config.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    OPT_CSV = 256,
    OPT_LEVEL,
    OPT_DURATION,
    OPT_KEEP,
    OPT_SEED,
    OPT_SEEDS,
    OPT_SET,
    OPT_CHECK_INVARIANTS,
    OPT_PLOT,
    OPT_SCENARIO,
    OPT_CPU_HZ,
    OPT_JSON
};

const struct argp_option cli_replay_options[] = {
    {"jobs", 'j', "N", 0, "Simulations at a time (default: the number of processors)", 0},
    {"csv", OPT_CSV, "FILE", 0, "Write the comparison as a table", 0},
    {"json", OPT_JSON, NULL, 0, "placement: print the comparison as JSON", 0},
    {"level", OPT_LEVEL, "NAME", 0, "Behaviour level (default: modern, which the records are of)", 0},
    {"duration", OPT_DURATION, "TIME", 0, "Simulated time that is measured, \"5 s\" (default: that of the record)", 0},
    {"seed", OPT_SEED, "N", 0, "Seed of all random streams, of the first run (default 1)", 0},
    {"seeds", OPT_SEEDS, "N", 0, "Take N runs together, with seeds from that one on (default 5)", 0},
    {"set", OPT_SET, "KEY=VALUE", 0, "Override a key of every scenario. May be repeated", 0},
    {"keep", OPT_KEEP, "DIR", 0, "Leave the scenarios that were built there, to run them by hand", 0},
    {"check-invariants", OPT_CHECK_INVARIANTS, NULL, 0, "Check every invariant that the hypervisor core knows", 0},
    {"plot", OPT_PLOT, "DIR", 0, "trace: draw the distributions there, as SVG and PNG, with the data", 0},
    {"scenario", OPT_SCENARIO, "FILE", 0, "trace: what to simulate (default: the guests of the reference recording)",
     0},
    {"cpu-hz", OPT_CPU_HZ, "HZ", 0, "trace: TSC frequency of the recording (default: 2596124000)", 0},
    {0},
};

/* A new kind is one line here. X(name, what its record is) */
#define REPLAY_KINDS(X)                                                                                                \
    X(shares, "CPU time by weight and cap (real-xen/shares.csv)")                                                      \
    X(wakes, "latency of a mostly sleeping guest (real-xen/wake-latency.csv)")                                         \
    X(trace, "a recorded xentrace (real-xen/trace/credit-sched-5s.bin)")                                               \
    X(placement, "NUMA placement and pages on each node (real-xen/placement/*.json); takes several files")

#define KIND(name, text) {#name, text, replay_##name},
#define WORD(name, text) #name,
#define LINE(name, text) "\n  " #name ": " text

const struct replay_kind replay_kinds[] = {REPLAY_KINDS(KIND){NULL, NULL, NULL}};
/* For the completion of shells. */
const char *const cli_replay_words[] = {REPLAY_KINDS(WORD) NULL};
const char cli_replay_more[] = "KIND is what was recorded, FILE the record, see results/reference:" REPLAY_KINDS(
    LINE) "\n\nThe last line says how many comparisons passed and failed; exit 1 if any failed.";

struct replay_args {
    const struct replay_kind *kind;
    struct replay_options opt;
    struct cli_list set, files;
};

static error_t find_kind(struct replay_args *a, const char *name, struct argp_state *state)
{
    for (const struct replay_kind *k = replay_kinds; k->name; k++)
        if (!strcmp(k->name, name)) {
            a->kind = k;
            return 0;
        }
    return cli_word(state, "no replay", name, cli_replay_words, "see --help");
}

static error_t check_level(const char *name, struct argp_state *state)
{
    const char *names[64];
    unsigned n = 0;
    if (hv_profile_find(name))
        return 0;
    for (const struct hv_profile *p = hv_profiles; p->name && n < ARRAY_SIZE(names) - 1; p++)
        names[n++] = p->name;
    names[n] = NULL;
    return cli_word(state, "unknown level", name, names, "see hvsim list levels");
}

/* Is it a time as scenarios write it? */
static error_t check_duration(const char *text, struct argp_state *state)
{
    int64_t ps = 0;
    bool ok = false;
    cfg_doc *d = strpbrk(text, "\"\\\n") ? NULL : cfg_parse("", "--duration");
    char assignment[128];
    if (d && snprintf(assignment, sizeof(assignment), "duration=\"%s\"", text) < (int)sizeof(assignment))
        ok = cfg_override(d, assignment) && cfg_time_ps(cfg_root(d), "duration", true, 1, INT64_MAX, &ps);
    cfg_free(d);
    return ok ? 0 : cli_bad(state, "--duration %s: expected a time, such as \"5 s\" or \"500 ms\"", text);
}

static error_t check_whole(const struct replay_args *a, struct argp_state *state)
{
    if (!a->kind)
        return cli_bad(state, "replay what? See --help");
    if (!a->opt.file)
        return cli_bad(state, "no record given to replay %s", a->kind->name);
    bool placement = a->kind->run == replay_placement;
    if (!placement && a->files.nr > 1)
        return cli_bad(state, "unexpected argument '%s': one record at a time", a->files.item[1]);
    if (!placement && a->opt.json)
        return cli_bad(state, "--json is of replay placement");
    if (placement && (a->opt.csv || a->opt.duration || a->opt.seeds))
        return cli_bad(state, "--csv, --duration and --seeds are not of replay placement");
    if (a->kind->run != replay_trace && (a->opt.plot || a->opt.scenario || a->opt.cpu_hz > 0))
        return cli_bad(state, "--plot, --scenario and --cpu-hz are of replay trace");
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct replay_args *a = state->input;
    uint64_t n;
    switch (key) {
    case 'j':
        if (!cli_number(state, "-j", arg, 1, POOL_MAX_JOBS, &n))
            return EINVAL;
        a->opt.jobs = (unsigned)n;
        return 0;
    case OPT_CSV:
        a->opt.csv = arg;
        return 0;
    case OPT_LEVEL:
        a->opt.level = arg;
        a->opt.level_given = true;
        return check_level(arg, state);
    case OPT_JSON:
        a->opt.json = true;
        return 0;
    case OPT_DURATION:
        a->opt.duration = arg;
        return check_duration(arg, state);
    case OPT_SEED:
        return cli_number(state, "--seed", arg, 0, UINT64_MAX, &a->opt.seed) ? 0 : EINVAL;
    case OPT_SEEDS:
        if (!cli_number(state, "--seeds", arg, 1, 1000, &n))
            return EINVAL;
        a->opt.seeds = (unsigned)n;
        return 0;
    case OPT_SET:
        return cli_set(state, arg, &a->set);
    case OPT_PLOT:
        a->opt.plot = arg;
        return 0;
    case OPT_SCENARIO:
        a->opt.scenario = arg;
        return 0;
    case OPT_CPU_HZ:
        if (!cli_number(state, "--cpu-hz", arg, 1, 1000000000000, &n))
            return EINVAL;
        a->opt.cpu_hz = (double)n;
        return 0;
    case OPT_KEEP:
        a->opt.keep = arg;
        return 0;
    case OPT_CHECK_INVARIANTS:
        a->opt.check_invariants = true;
        return 0;
    case ARGP_KEY_ARG:
        if (!a->kind)
            return find_kind(a, arg, state);
        if (!a->opt.file)
            a->opt.file = arg;
        return cli_list_add(&a->files, arg) ? 0 : ENOMEM;
    case ARGP_KEY_END:
        return check_whole(a, state);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_replay(const struct cli *cli, int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct replay_args a = {.opt = {.backend = cli->backend,
                                    .level = "modern",
                                    .jobs = cpus > 0 && cpus < (long)POOL_MAX_JOBS ? (unsigned)cpus : 1,
                                    .seed = 1,
                                    .stop = &cli_interrupted}};
    int exit = cli_parse(cli_replay, parse, argc, argv, &a);
    if (exit == EXIT_DONE) {
        struct fault f = {0};
        cli_catch_signals();
        a.opt.set = a.set.item;
        a.opt.files = a.files.item;
        exit = a.kind->run(&a.opt, &f);
        if (f.code != EXIT_DONE)
            exit = cli_fault(&f, argv[0]);
    }
    cli_list_free(&a.set);
    cli_list_free(&a.files);
    return exit;
}
