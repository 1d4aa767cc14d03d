/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim report: the results of a sweep against published figures. */
#include "cli.h"

#include "density.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_DB = 256, OPT_REFERENCE, OPT_CALIBRATION, OPT_SWEEP, OPT_CHECK, OPT_NO_PLOTS };

#define DENSITY_SWEEP "xen-4.3-density"

const struct argp_option cli_report_options[] = {
    {"db", OPT_DB, "FILE.sqlite", 0, "Database of the sweep", 0},
    {"out", 'o', "DIR", 0, "Write validation.csv, density.csv, auto.csv, sensitivity.csv and plots/ there", 0},
    {"reference", OPT_REFERENCE, "FILE.csv", 0, "The published table (default: results/reference/t1.csv)", 0},
    {"calibration", OPT_CALIBRATION, "DIR", 0, "Calibration files (default: results/calibration)", 0},
    {"sweep", OPT_SWEEP, "NAME", 0, "Name of the sweep in the database (default: " DENSITY_SWEEP ")", 0},
    {"check", OPT_CHECK, NULL, 0, "Exit 1 if a bar is missed", 0},
    {"no-plots", OPT_NO_PLOTS, NULL, 0, "Do not run gnuplot", 0},
    {"quiet", 'q', NULL, 0, "Do not print the tables", 0},
    {0},
};
const char *const cli_report_words[] = {"density", NULL};

struct report_args {
    const char *report, *db, *out, *sweep;
    char reference[4096], calibration[4096], templates[4096];
    bool check, no_plots, quiet;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct report_args *a = state->input;
    switch (key) {
    case OPT_DB:
        a->db = arg;
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case OPT_REFERENCE:
        snprintf(a->reference, sizeof(a->reference), "%s", arg);
        return 0;
    case OPT_CALIBRATION:
        snprintf(a->calibration, sizeof(a->calibration), "%s", arg);
        return 0;
    case OPT_SWEEP:
        a->sweep = arg;
        return 0;
    case OPT_CHECK:
        a->check = true;
        return 0;
    case OPT_NO_PLOTS:
        a->no_plots = true;
        return 0;
    case 'q':
        a->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->report)
            return cli_bad(state, "unexpected argument '%s': one report at a time", arg);
        if (strcmp(arg, "density") != 0)
            return cli_bad(state, "no report '%s': there is density", arg);
        a->report = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->report)
            return cli_bad(state, "which report? There is density");
        if (!a->db || !a->out)
            return cli_bad(state, "no %s given", a->db ? "--out DIR" : "--db FILE.sqlite");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_verdict(FILE *out, unsigned missed)
{
    if (missed)
        fprintf(out, "\n%u bars missed\n", missed);
    else
        fprintf(out, "\nall bars met\n");
}

static void density(const struct report_args *a, unsigned *missed, struct fault *f)
{
    struct density *d = calloc(1, sizeof(*d));
    if (!d) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    struct store *s = store_open(a->db, STORE_READ, f);
    if (s && density_load_published(d, a->reference, f) == EXIT_DONE)
        density_load(d, s, a->sweep, f);
    store_close(s);
    FILE *out = a->quiet ? fopen("/dev/null", "we") : stdout;
    if (!out)
        fault_set(f, EXIT_HOST_FAILED, "/dev/null: %s", strerror(errno));
    if (f->code == EXIT_DONE && density_make_dir(a->out, f) == EXIT_DONE) {
        *missed = density_print(d, out);
        density_write_files(d, a->out, f);
        if (f->code == EXIT_DONE)
            density_sensitivity(d, a->calibration, a->out, out, f);
        if (f->code == EXIT_DONE)
            print_verdict(out, *missed);
        if (f->code == EXIT_DONE && !a->no_plots)
            density_plot(d, a->out, a->templates, f);
    }
    if (out && out != stdout)
        fclose(out);
    density_free(d);
}

int cli_report(const struct cli *cli, int argc, char **argv)
{
    (void)cli;
    struct report_args a = {.sweep = DENSITY_SWEEP};
    const char *data = scenario_data_dir();
    snprintf(a.reference, sizeof(a.reference), "%s/results/reference/t1.csv", data);
    snprintf(a.calibration, sizeof(a.calibration), "%s/results/calibration", data);
    snprintf(a.templates, sizeof(a.templates), "%s/scripts/plots", data);
    const struct cli_command *c = cli_commands;
    while (c->run != cli_report)
        c++;
    if (cli_parse(c, parse, argc, argv, &a) != EXIT_DONE)
        return EXIT_BAD_INPUT;
    struct fault f = {0};
    unsigned missed = 0;
    density(&a, &missed, &f);
    if (f.code == EXIT_DONE && a.check && missed)
        fault_set(&f, EXIT_CHECK_FAILED, "%u bars missed", missed);
    return cli_fault(&f, argv[0]);
}
