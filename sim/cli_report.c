/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim report: what came out, for people: a sweep against published figures, where a run has its memory. */
#include "cli.h"

#include "cost_report.h"
#include "density.h"
#include "growth_report.h"
#include "hypervisor_report.h"
#include "locality.h"
#include "measure/memory_report.h"
#include "scalability.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OPT_DB = 256,
    OPT_REFERENCE,
    OPT_CALIBRATION,
    OPT_SWEEP,
    OPT_CHECK,
    OPT_NO_PLOTS,
    OPT_JSON,
    OPT_ONLY,
    OPT_CSV,
    OPT_EACH,
    OPT_BY,
    OPT_TOP
};

#define DENSITY_SWEEP "xen-4.3-density"

const struct argp_option cli_report_options[] = {
    {"db", OPT_DB, "FILE.sqlite", 0, "density, scalability, time: database of the sweep", 0},
    {"only", OPT_ONLY, "PART", 0, "validation: this part alone: memory or hypervisor", 0},
    {"csv", OPT_CSV, "FILE.csv", 0, "validation: write the comparison as a table", 0},
    {"out", 'o', "DIR", 0, "Write tables (CSV) and plots (SVG, PNG) there", 0},
    {"reference", OPT_REFERENCE, "FILE.csv", 0,
     "The published table (default: results/reference/t1.csv for density, memory.csv for validation)", 0},
    {"calibration", OPT_CALIBRATION, "DIR", 0, "density: calibration files (default: results/calibration)", 0},
    {"sweep", OPT_SWEEP, "NAME", 0, "Name of the sweep in the database (default: " DENSITY_SWEEP ", scalability)", 0},
    {"check", OPT_CHECK, NULL, 0, "density: exit 1 if a bar is missed", 0},
    {"no-plots", OPT_NO_PLOTS, NULL, 0, "Do not run gnuplot", 0},
    {"json", OPT_JSON, NULL, 0, "locality: print it as JSON", 0},
    {"each", OPT_EACH, NULL, 0, "time: a line for every pCPU, too; with --db a table for every node", 0},
    {"by", OPT_BY, "WHAT", 0, "locks: pcpu: those that every pCPU has one of, each by itself", 0},
    {"top", OPT_TOP, "N", 0, "locks: the N that were waited for longest (default: all)", 0},
    {"quiet", 'q', NULL, 0, "Do not print the tables", 0},
    {0},
};
const char *const cli_report_words[] = {"density", "locality", "locks", "scalability", "time", "validation", NULL};
const char cli_report_more[] = "REPORT is one of\n"
                               "  density: the sweep of the Xen 4.3 density benchmark against the published table\n"
                               "  locality RUN_DIR: pages of each VM by node and size, and how local they are\n"
                               "  locks RUN_DIR: what each lock of the hypervisor did, as xenlockprof has it\n"
                               "  scalability: the sweep of scripts/reproduce scalability, against vCPUs\n"
                               "  time RUN_DIR: where the time of the pCPUs went\n"
                               "  time --db FILE --sweep NAME: how each kind of it grows with vCPUs or pCPUs\n"
                               "  validation: simulated measuring tools against what real ones measured; exit 1 if "
                               "a bar is missed";

struct report_args {
    const char *report, *db, *out, *sweep, *run_dir, *csv;
    bool reference_given;
    char reference[4096], calibration[4096], templates[4096];
    bool check, no_plots, quiet, json, each, by_pcpu;
    const char *only; /* part of validation; NULL: all */
    unsigned top;
};

static bool is(const struct report_args *a, const char *report)
{
    return strcmp(a->report, report) == 0;
}

/* Those that are of one run. */
static bool of_a_run(const struct report_args *a)
{
    return is(a, "locality") || is(a, "locks") || is(a, "time");
}

static error_t take_argument(struct report_args *a, const char *arg, struct argp_state *state)
{
    if (a->report && of_a_run(a) && !a->run_dir) {
        a->run_dir = arg;
        return 0;
    }
    if (a->report)
        return cli_bad(state, "unexpected argument '%s': one report at a time", arg);
    a->report = arg;
    return cli_word(state, "no report", arg, cli_report_words,
                    "there are density, locality, locks, scalability, time and validation");
}

static error_t check_whole(const struct report_args *a, struct argp_state *state)
{
    if (!a->report)
        return cli_bad(state, "which report? There are density, locality, locks, scalability, time and validation");
    if (a->each && !is(a, "time"))
        return cli_bad(state, "--each is of report time");
    if ((a->by_pcpu || a->top) && !is(a, "locks"))
        return cli_bad(state, "--by and --top are of report locks");
    if (a->json && !is(a, "locality"))
        return cli_bad(state, "--json is of report locality");
    if (of_a_run(a)) {
        if (a->csv)
            return cli_bad(state, "--csv is of report validation");
        if (a->out && !is(a, "locality"))
            return cli_bad(state, "--out is not of report %s", a->report);
        if (a->check || (a->db && !is(a, "time")))
            return cli_bad(state, "%s is not of report %s", a->check ? "--check" : "--db", a->report);
        if (a->db && a->run_dir)
            return cli_bad(state, "a directory of a run, or --db of a sweep, not both");
        if (a->db)
            return a->sweep ? 0 : cli_bad(state, "--sweep NAME says which sweep of the database");
        return a->run_dir ? 0 : cli_bad(state, "no directory of a run given");
    }
    if (a->only && !is(a, "validation"))
        return cli_bad(state, "--only is of report validation");
    if (is(a, "validation") && a->reference_given && !a->only)
        return cli_bad(state, "--reference is the table of one part: say which with --only");
    if (is(a, "validation"))
        return a->db || a->check ? cli_bad(state, "--db and --check are of report density") : 0;
    if (a->csv)
        return cli_bad(state, "--csv is of report validation");
    if (a->check && is(a, "scalability"))
        return cli_bad(state, "--check is of report density");
    if (!a->db || !a->out)
        return cli_bad(state, "no %s given", a->db ? "--out DIR" : "--db FILE.sqlite");
    return 0;
}

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
        a->reference_given = true;
        return 0;
    case OPT_ONLY:
        a->only = arg;
        return !strcmp(arg, "hypervisor") || !strcmp(arg, "memory")
                   ? 0
                   : cli_bad(state, "--only %s: there are memory and hypervisor", arg);
    case OPT_BY:
        a->by_pcpu = strcmp(arg, "pcpu") == 0;
        return a->by_pcpu ? 0 : cli_bad(state, "--by %s: there is pcpu", arg);
    case OPT_TOP: {
        char *end;
        unsigned long n = strtoul(arg, &end, 10);
        a->top = (unsigned)n;
        return *arg >= '1' && *arg <= '9' && !*end && n <= 1000000 ? 0
                                                                   : cli_bad(state, "--top %s: expected a number", arg);
    }
    case OPT_CSV:
        a->csv = arg;
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
    case OPT_EACH:
        a->each = true;
        return 0;
    case OPT_JSON:
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        return take_argument(a, arg, state);
    case ARGP_KEY_END:
        return check_whole(a, state);
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
        density_load(d, s, a->sweep ? a->sweep : DENSITY_SWEEP, f);
    store_close(s);
    FILE *out = a->quiet ? fopen("/dev/null", "we") : stdout;
    if (!out)
        fault_set(f, EXIT_HOST_FAILED, "/dev/null: %s", strerror(errno));
    if (f->code == EXIT_DONE && report_make_dir(a->out, f) == EXIT_DONE) {
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

static void scalability(const struct report_args *a, struct fault *f)
{
    struct scalability s = {0};
    struct store *store = store_open(a->db, STORE_READ, f);
    if (store && scalability_load(&s, store, a->sweep ? a->sweep : "scalability", f) == EXIT_DONE &&
        report_make_dir(a->out, f) == EXIT_DONE) {
        if (!a->quiet)
            scalability_print(&s, stdout);
        scalability_write(&s, a->out, a->no_plots ? NULL : a->templates, f);
    }
    store_close(store);
    scalability_free(&s);
}

static void growth(const struct report_args *a, struct fault *f)
{
    struct store *store = store_open(a->db, STORE_READ, f);
    if (store)
        growth_report(store, a->sweep, a->each, stdout, f);
    store_close(store);
}

static void locality(const struct report_args *a, struct fault *f)
{
    struct locality *l = locality_load(a->run_dir, f);

    if (l && a->json)
        locality_print_json(l, stdout);
    else if (l && !a->quiet)
        locality_print(l, stdout);
    if (l && a->out)
        locality_write(l, a->out, a->templates, !a->no_plots, f);
    locality_free(l);
}

static void validate_memory(const struct report_args *a, FILE *out, unsigned *missed, struct fault *f)
{
    struct memory_report *r = memory_report_load(a->reference, f);
    if (r && f->code == EXIT_DONE) {
        *missed += memory_report_print(r, out);
        if (a->csv)
            memory_report_write_csv(r, a->csv, f);
        if (a->out && !a->no_plots && f->code == EXIT_DONE)
            memory_report_plot(r, a->out, a->templates, f);
    }
    memory_report_free(r);
}

/* The parts one after the other; the hypervisor's rows are simulated, each a run of its own. */
static void validation(const struct cli *cli, struct report_args *a, struct fault *f)
{
    static const char *const parts[] = {"memory", "hypervisor"};
    unsigned missed = 0;
    FILE *out = a->quiet ? fopen("/dev/null", "we") : stdout;
    if (!out)
        fault_set(f, EXIT_HOST_FAILED, "/dev/null: %s", strerror(errno));
    for (unsigned i = 0; i < 2 && f->code == EXIT_DONE; i++) {
        if (a->only && strcmp(a->only, parts[i]) != 0)
            continue;
        if (!a->reference_given)
            snprintf(a->reference, sizeof(a->reference), "%s/results/reference/%s.csv", scenario_data_dir(), parts[i]);
        if (i == 0)
            validate_memory(a, out, &missed, f);
        else
            hypervisor_report(cli->backend, a->reference, a->csv, !a->only, out, &missed, f);
        if (!a->only && i == 0)
            fputc('\n', out);
    }
    if (f->code == EXIT_DONE)
        print_verdict(out, missed);
    if (missed && f->code == EXIT_DONE)
        fault_set(f, EXIT_CHECK_FAILED, "%u bars missed", missed);
    if (out && out != stdout)
        fclose(out);
}

int cli_report(const struct cli *cli, int argc, char **argv)
{
    struct report_args a = {0};
    const char *data = scenario_data_dir();
    snprintf(a.reference, sizeof(a.reference), "%s/results/reference/t1.csv", data);
    snprintf(a.calibration, sizeof(a.calibration), "%s/results/calibration", data);
    snprintf(a.templates, sizeof(a.templates), "%s/scripts/plots", data);
    if (cli_parse(cli_report, parse, argc, argv, &a) != EXIT_DONE)
        return EXIT_BAD_INPUT;
    struct fault f = {0};
    unsigned missed = 0;
    if (is(&a, "validation"))
        validation(cli, &a, &f);
    else if (is(&a, "locality"))
        locality(&a, &f);
    else if (is(&a, "time"))
        a.db ? growth(&a, &f) : (void)cost_report_time(a.run_dir, a.each, stdout, &f);
    else if (is(&a, "scalability"))
        scalability(&a, &f);
    else if (is(&a, "locks"))
        cost_report_locks(a.run_dir, a.by_pcpu, a.top, stdout, &f);
    else
        density(&a, &missed, &f);
    if (f.code == EXIT_DONE && a.check && missed)
        fault_set(&f, EXIT_CHECK_FAILED, "%u bars missed", missed);
    return cli_fault(&f, argv[0]);
}
