/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far does each prediction move when a calibrated parameter moves by its own uncertainty? */
#include "density.h"

#include "calibration_file.h"
#include "json.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* The predictions; a gain needs both cells of its count. */
static const struct prediction {
    unsigned vms;
    enum density_config config;
    bool gain;
    const char *name;
} predictions[] = {
    {6, DENSITY_PINNED, false, "6 pinned"},           {10, DENSITY_ALL, false, "10 all"},
    {10, DENSITY_PINNED, false, "10 pinned"},         {6, DENSITY_PINNED, true, "6 pinned over all"},
    {10, DENSITY_PINNED, true, "10 pinned over all"},
};
enum { NR_PREDICTIONS = sizeof(predictions) / sizeof(predictions[0]) };

static const struct density_cell *find_variant(const struct density *d, unsigned program, const char *key, double value,
                                               enum density_config config, unsigned vms)
{
    for (size_t i = 0; i < d->nr_variants; i++) {
        const struct density_variant *v = &d->variant[i];
        if (v->program == program && v->config == config && v->vms == vms && v->value == value && !strcmp(v->key, key))
            return &v->cell;
    }
    return NULL;
}

/* The nominal cell at the seeds of the variant: differences are paired, so seeds do not blur them. */
static struct density_cell at_seeds(const struct density_cell *nominal, const struct density_cell *variant)
{
    struct density_cell c = {0};
    for (size_t i = 0; i < nominal->n; i++)
        for (size_t k = 0; k < variant->n; k++)
            if (nominal->seed[i] == variant->seed[k]) {
                c.seed[c.n] = nominal->seed[i];
                c.value[c.n++] = nominal->value[i];
            }
    density_summarise(&c);
    return c;
}

/* Movement of a prediction, in percent of it, or in points for a gain. NaN: not simulated. */
static double movement(const struct density *d, unsigned program, const struct prediction *x, const char *key,
                       double value)
{
    const struct density_program *p = &density_programs[program];
    const struct density_cell *moved = find_variant(d, program, key, value, x->config, x->vms);
    if (!moved)
        return NAN;
    struct density_cell was = at_seeds(&d->cell[program][x->config][x->vms], moved);
    if (!x->gain)
        return was.n == moved->n ? 100 * (moved->mean - was.mean) / was.mean : NAN;
    const struct density_cell *base = find_variant(d, program, key, value, DENSITY_ALL, x->vms);
    if (!base)
        return NAN;
    struct density_cell base_was = at_seeds(&d->cell[program][DENSITY_ALL][x->vms], base);
    return density_gain(p, moved, base, NULL) - density_gain(p, &was, &base_was, NULL);
}

static void print_header(FILE *out)
{
    fprintf(out, "\nSensitivity: movement of each prediction when one parameter moves by its uncertainty down / up\n");
    fprintf(out, "  (%% of the prediction; points for gains; parameters were fitted on: see results/calibration)\n");
    fprintf(out, "  %-16s %-19s %-21s", "program", "parameter", "value");
    for (unsigned i = 0; i < NR_PREDICTIONS; i++)
        fprintf(out, " %18s", predictions[i].name);
    fputc('\n', out);
}

static void csv_number(FILE *f, double v)
{
    char buf[DOUBLE_TEXT_MAX];
    fprintf(f, ",%s", isfinite(v) ? double_text(buf, v) : "");
}

/* Returns how many movements are known. */
static unsigned one_parameter(const struct density *d, unsigned program, const struct calibration_parameter *k,
                              FILE *out, FILE *csv)
{
    char value[32];
    unsigned known = 0;
    snprintf(value, sizeof(value), "%.4g +- %.2g", k->value, k->uncertainty);
    fprintf(out, "  %-16s %-19s %-21s", density_programs[program].profile, k->key, value);
    for (unsigned i = 0; i < NR_PREDICTIONS; i++) {
        double down = movement(d, program, &predictions[i], k->key, k->value - k->uncertainty);
        double up = movement(d, program, &predictions[i], k->key, k->value + k->uncertainty);
        char text[32] = "-";
        if (isfinite(down) && isfinite(up)) {
            snprintf(text, sizeof(text), "%+.2f / %+.2f", down, up);
            known++;
        }
        fprintf(out, " %18s", text);
        fprintf(csv, "%s,%s", density_programs[program].profile, k->key);
        csv_number(csv, k->value);
        csv_number(csv, k->uncertainty);
        fprintf(csv, ",%s%s", predictions[i].name, predictions[i].gain ? ",points" : ",percent");
        csv_number(csv, down);
        csv_number(csv, up);
        fputc('\n', csv);
    }
    fputc('\n', out);
    return known;
}

int density_sensitivity(const struct density *d, const char *calibration_dir, const char *dir, FILE *out,
                        struct fault *f)
{
    if (!d->nr_variants) {
        fprintf(out, "\nSensitivity: not simulated (run the sweep sensitivity.toml into the same database)\n");
        return EXIT_DONE;
    }
    struct report_file csv;
    if (report_open(&csv, dir, "sensitivity.csv", f) != EXIT_DONE)
        return f->code;
    fputs("program,parameter,value,uncertainty,row,unit,at_minus,at_plus\n", csv.f);
    print_header(out);
    unsigned known = 0;
    for (unsigned p = 0; p < DENSITY_PROGRAMS && f->code == EXIT_DONE; p++) {
        struct calibration_file c;
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s.toml", calibration_dir, density_programs[p].profile);
        if (calibration_file_load(path, &c, f) != EXIT_DONE)
            break;
        for (size_t i = 0; i < c.nr; i++)
            known += one_parameter(d, p, &c.parameter[i], out, csv.f);
        calibration_file_free(&c);
    }
    if (f->code == EXIT_DONE && !known)
        fprintf(out, "  none of the simulated variants fits the calibration files: run sensitivity.toml again\n");
    return report_close(&csv, f);
}
