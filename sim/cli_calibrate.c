/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim calibrate: fit the profiles of the density benchmark to its calibration rows (sim/calibrate.h). */
#include "cli.h"

#include "calibrate.h"
#include "density.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_REFERENCE = 256, OPT_SEEDS };
/* VM counts of the calibration rows. */
enum { FEW_VMS = 2, MIDDLE_VMS = 6 };

const struct argp_option cli_calibrate_options[] = {
    {"reference", OPT_REFERENCE, "FILE.csv", 0, "The published table (default: results/reference/t1.csv)", 0},
    {"out", 'o', "DIR", 0, "Write PROGRAM.toml with values and uncertainties there", 0},
    {"jobs", 'j', "N", 0, "Simulations at a time (default: the online CPUs)", 0},
    {"seeds", OPT_SEEDS, "N", 0, "Seeds of each row (default 5, as the benchmark)", 0},
    {0},
};

struct calibrate_args {
    const char *out, *program[DENSITY_PROGRAMS];
    char reference[4096];
    unsigned nr;
    uint64_t jobs, seeds;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct calibrate_args *a = state->input;
    switch (key) {
    case OPT_REFERENCE:
        snprintf(a->reference, sizeof(a->reference), "%s", arg);
        return 0;
    case OPT_SEEDS:
        cli_number(state, "--seeds", arg, 1, DENSITY_MAX_SEEDS, &a->seeds);
        return 0;
    case 'j':
        cli_number(state, "-j", arg, 1, 64, &a->jobs);
        return 0;
    case 'o':
        a->out = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (a->nr == DENSITY_PROGRAMS)
            return cli_bad(state, "more programs than there are");
        a->program[a->nr++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *level_key(const struct workload_profile *p)
{
    return p->metric == METRIC_RATE ? "work_per_ginstr" : "ginstr_per_run";
}

static void write_parameter(FILE *f, const char *key, struct calibrated c, const char *rows, const char *residual)
{
    fprintf(f, "\n[[parameter]]\nkey = \"%s\"\nvalue = %.5g\nuncertainty = %.3g\nrows = [%s]\nresidual = \"%s\"\n", key,
            c.value, c.uncertainty, rows, residual);
}

static bool write_file(FILE *f, const struct density_program *p, const struct workload_profile *profile,
                       const struct calibration *c)
{
    char residual[96];
    fprintf(f,
            "# SPDX-License-Identifier: GPL-2.0-or-later\n"
            "# Written by `hvsim calibrate %s`; the values stand in workloads/profiles/%s.toml.\n"
            "program = \"%s\"\ntable = \"T1\"\n",
            p->profile, p->profile, p->profile);
    snprintf(residual, sizeof(residual), "gain at %u VMs off by %.2f points", FEW_VMS, c->residual_gain_points);
    write_parameter(f, "memory.scale", c->scale, "\"2 all\", \"2 pinned\"", residual);
    snprintf(residual, sizeof(residual), "speed of 6 all over 2 all off by %.2f %%", c->residual_smt_pct);
    write_parameter(f, "core.smt_slowdown", c->smt, "\"2 all\", \"6 all\"", residual);
    snprintf(residual, sizeof(residual), "the two rows ask for levels %.2f %% to either side", c->residual_level_pct);
    /* A time grows with the work of a run, a rate with the work of an instruction: both scale the same way. */
    double now = profile->metric == METRIC_RATE ? profile->work_per_ginstr : profile->ginstr_per_run;
    struct calibrated level = {c->level.value * now, c->level.uncertainty * now};
    write_parameter(f, level_key(profile), level, "\"2 all\", \"2 pinned\"", residual);
    return !ferror(f);
}

static struct calibration_row published(const struct density *d, unsigned program, enum density_config c, unsigned vms)
{
    const struct density_published *p = &d->published[program][c][vms];
    return (struct calibration_row){p->mean, p->sd};
}

static int calibrate_one(const struct cli *cli, const struct calibrate_args *a, const struct density *d, unsigned i)
{
    const struct density_program *p = &density_programs[i];
    char all[4200], pinned[4200], profile_path[4200], err[1024];
    const char *dir = scenario_data_dir();
    snprintf(all, sizeof(all), "%s/workloads/scenarios/xen-4.3-density/all.toml", dir);
    snprintf(pinned, sizeof(pinned), "%s/workloads/scenarios/xen-4.3-density/pinned.toml", dir);
    snprintf(profile_path, sizeof(profile_path), "%s/workloads/profiles/%s.toml", dir, p->profile);
    static const char *const unscaled[] = {"memory.scale=1.0", NULL};
    char *why = NULL;
    struct workload_profile *profile = profile_load(profile_path, unscaled, &why);
    if (!profile) {
        int exit = cli_fail(EXIT_BAD_INPUT, "calibrate", "%s", why);
        free(why);
        return exit;
    }
    const struct work_mix *mix = &profile->phase[0].mix;
    struct calibration_target t = {.program = p->profile,
                                   .lower_is_better = p->lower_is_better,
                                   .all = all,
                                   .pinned = pinned,
                                   .few = FEW_VMS,
                                   .middle = MIDDLE_VMS,
                                   .scale_most = mix->curve_mpki[0] > 0 ? 0.999 * mix->l3_apki / mix->curve_mpki[0] : 1,
                                   .all_few = published(d, i, DENSITY_ALL, FEW_VMS),
                                   .pinned_few = published(d, i, DENSITY_PINNED, FEW_VMS),
                                   .all_middle = published(d, i, DENSITY_ALL, MIDDLE_VMS)};
    struct calibration_options o = {
        .backend = cli->backend, .jobs = (unsigned)a->jobs, .seeds = (unsigned)a->seeds, .log = stderr};
    struct calibration c;
    int exit = calibrate_program(&t, &o, &c, err, sizeof(err));
    if (exit)
        cli_fail(exit, "calibrate", "%s: %s", p->profile, err);
    else if (!write_file(stdout, p, profile, &c))
        exit = cli_fail(EXIT_HOST_FAILED, "calibrate", "cannot write to the standard output");
    if (!exit && a->out) {
        char path[4200];
        snprintf(path, sizeof(path), "%s/%s.toml", a->out, p->profile);
        FILE *f = fopen(path, "w");
        if (!f || !write_file(f, p, profile, &c))
            exit = cli_fail(EXIT_HOST_FAILED, "calibrate", "%s: %s", path, strerror(errno));
        if (f && fclose(f) && !exit)
            exit = cli_fail(EXIT_HOST_FAILED, "calibrate", "%s: %s", path, strerror(errno));
    }
    profile_free(profile);
    return exit;
}

int cli_calibrate(const struct cli *cli, int argc, char **argv)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct calibrate_args a = {.jobs = cpus > 0 && cpus <= 64 ? (uint64_t)cpus : 1, .seeds = 5};
    snprintf(a.reference, sizeof(a.reference), "%s/results/reference/t1.csv", scenario_data_dir());
    int exit = cli_parse(cli_calibrate, parse, argc, argv, &a);
    if (exit)
        return exit;

    struct density *d = calloc(1, sizeof(*d));
    struct fault f = {0};
    if (!d)
        return cli_fail(EXIT_HOST_FAILED, "calibrate", "out of memory");
    exit = density_load_published(d, a.reference, &f);
    if (exit)
        exit = cli_fault(&f, "calibrate");
    const char *names[DENSITY_PROGRAMS + 1] = {NULL};
    for (unsigned i = 0; i < DENSITY_PROGRAMS; i++)
        names[i] = density_programs[i].profile;
    for (unsigned k = 0; k < a.nr && !exit; k++) {
        unsigned i = 0;
        while (names[i] && strcmp(names[i], a.program[k]) != 0)
            i++;
        if (!names[i]) {
            const char *near = cli_nearest(a.program[k], names);
            exit = cli_fail(EXIT_BAD_INPUT, "calibrate", "no program '%s' in the published table%s%s%s", a.program[k],
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        } else {
            exit = calibrate_one(cli, &a, d, i);
        }
    }
    for (unsigned i = 0; i < DENSITY_PROGRAMS && a.nr == 0 && !exit; i++)
        exit = calibrate_one(cli, &a, d, i);
    density_free(d);
    return exit;
}
