/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim check: is everything where somebody expects it (sim/check.h). */
#include "cli.h"

#include "check.h"
#include "pool.h"
#include <unistd.h>

enum { OPT_JUNIT = 256, OPT_JSON, OPT_UPDATE, OPT_FILTER, OPT_KEEP, OPT_SEED };

const struct argp_option cli_check_options[] = {
    {"jobs", 'j', "N", 0, "Simulations at a time (default: the number of processors)", 0},
    {"junit", OPT_JUNIT, "FILE.xml", 0, "Also write the results as JUnit XML", 0},
    {"json", OPT_JSON, NULL, 0, "Print the results as JSON", 0},
    {"update", OPT_UPDATE, NULL, 0, "Write where all pages are into SUITE.baseline.toml, from then on expected", 0},
    {"filter", OPT_FILTER, "PATTERN", 0, "Only the cases whose names match, as \"*web*\"", 0},
    {"keep", OPT_KEEP, "DIR", 0, "Leave the scenarios that were built there, to run them by hand", 0},
    {"seed", OPT_SEED, "N", 0, "Seed of all random streams (default 1)", 0},
    {"quiet", 'q', NULL, 0, "Print only what fails, and the last line", 0},
    {0},
};
const char cli_check_more[] =
    "A suite is a TOML file of machines, VMs and expectations (docs/check.md; `hvsim list check-keys`).\n"
    "The last line says how many expectations passed and failed; exit 1 if any failed.";

struct check_args {
    struct check_options opt;
    struct cli_list files;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct check_args *a = state->input;
    uint64_t n;

    switch (key) {
    case 'j':
        if (!cli_number(state, "-j", arg, 1, POOL_MAX_JOBS, &n))
            return EINVAL;
        a->opt.jobs = (unsigned)n;
        return 0;
    case OPT_JUNIT:
        a->opt.junit = arg;
        return 0;
    case OPT_JSON:
        a->opt.json = true;
        return 0;
    case OPT_UPDATE:
        a->opt.update = true;
        return 0;
    case OPT_FILTER:
        a->opt.filter = arg;
        return 0;
    case OPT_KEEP:
        a->opt.keep = arg;
        return 0;
    case OPT_SEED:
        return cli_number(state, "--seed", arg, 0, UINT64_MAX, &a->opt.seed) ? 0 : EINVAL;
    case 'q':
        a->opt.quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        return cli_list_add(&a->files, arg) ? 0 : ENOMEM;
    case ARGP_KEY_END:
        return a->files.nr ? 0 : cli_bad(state, "no suite given; see --help");
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cli_check(const struct cli *cli, int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct check_args a = {.opt = {.backend = cli->backend,
                                   .jobs = cpus > 0 && cpus < (long)POOL_MAX_JOBS ? (unsigned)cpus : 1,
                                   .seed = 1,
                                   .stop = &cli_interrupted}};
    int exit = cli_parse(cli_check, parse, argc, argv, &a);
    if (exit == EXIT_DONE) {
        struct fault f = {0};
        a.opt.files = a.files.item;
        cli_catch_signals();
        exit = check_suites(&a.opt, &f);
        if (f.code != EXIT_DONE)
            exit = cli_fault(&f, argv[0]);
    }
    cli_list_free(&a.files);
    return exit;
}
