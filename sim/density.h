/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report on the Xen 4.3 density benchmark: from the database of its sweep to tables and plots.
 *
 * A value is the mean over the guests of a run of what their benchmark reports; a cell (program, configuration, number
 * of VMs) is the mean of these over the seeds with a 95 % confidence interval (Student's t). A gain is how much faster
 * a configuration is than cpus="all", in percent of the latter's speed; for a time, speed is its inverse.
 */
#ifndef SIM_DENSITY_H
#define SIM_DENSITY_H

#include "report_file.h"
#include "store.h"

enum density_config { DENSITY_ALL, DENSITY_PINNED, DENSITY_AUTO, DENSITY_CONFIGS };
enum { DENSITY_PROGRAMS = 3, DENSITY_MAX_VMS = 10, DENSITY_MAX_SEEDS = 64 };

/* A benchmark program: our profile, and what the published table calls it. */
struct density_program {
    const char *profile, *published, *title, *unit, *metric;
    bool lower_is_better;
};
extern const struct density_program density_programs[DENSITY_PROGRAMS];
extern const char *const density_config_names[DENSITY_CONFIGS]; /* labels of the sweep */

struct density_cell {
    size_t n; /* seeds */
    uint64_t seed[DENSITY_MAX_SEEDS];
    double value[DENSITY_MAX_SEEDS]; /* in the order of seeds, ascending */
    double mean, ci95;               /* ci95: NaN for less than two seeds */
};

struct density_published {
    bool known;
    double mean, sd;
};

/* A cell with one key of the profile changed. */
struct density_variant {
    unsigned program, vms;
    enum density_config config;
    char key[96]; /* without "profile.NAME." */
    double value; /* of the key */
    struct density_cell cell;
};

struct density {
    /* [program][configuration][VMs], VMs from 1 */
    struct density_cell cell[DENSITY_PROGRAMS][DENSITY_CONFIGS][DENSITY_MAX_VMS + 1];
    struct density_published published[DENSITY_PROGRAMS][DENSITY_CONFIGS][DENSITY_MAX_VMS + 1];
    size_t nr_variants;
    struct density_variant *variant;
    size_t runs, missing; /* of the sweep: usable; not run yet or failed */
};

/* ---- density_load.c */

/* sweep: name of the sweep in the database; its sensitivity runs are those of "NAME-sensitivity", if there are any. */
int density_load(struct density *d, struct store *s, const char *sweep, struct fault *f);
/* The published table (columns table, benchmark, vms, config, with_change_mean, with_change_pm). */
int density_load_published(struct density *d, const char *csv_path, struct fault *f);
void density_free(struct density *d);

/* ---- density_stats.c */

/* Mean and 95 % confidence interval of value[0..n). */
void density_summarise(struct density_cell *c);
/* Gain of a over b in percent, from the means; *ci95 from the differences seed by seed. NaN if either is empty. */
double density_gain(const struct density_program *p, const struct density_cell *a, const struct density_cell *b,
                    double *ci95);
/* The same for two published means. */
double density_gain_of_means(const struct density_program *p, double a, double b);

/* auto against all, over all counts of all programs at once. */
struct density_comparison {
    unsigned program, vms;
    double gain;     /* percent, mean of the paired differences */
    double interval; /* half width in percent, adjusted by Holm's method over all comparisons */
    bool ok;         /* gain >= -max(1 %, interval) */
};
/* Returns how many there are (cells without two common seeds are left out). */
size_t density_compare_auto(const struct density *d, struct density_comparison out[DENSITY_PROGRAMS * DENSITY_MAX_VMS]);
/*
 * Holm's step-down: n comparisons with mean m[i], standard error se[i] and df degrees of freedom each; half[i] becomes
 * the half width at the level that the comparison has in the order of p values (family-wise 5 %).
 */
void density_holm(size_t n, const double *m, const double *se, const double *df, double *half);

/* ---- density_rows.c */

enum density_role { ROLE_CALIBRATION, ROLE_VALIDATION };

/* One line of validation.csv. */
struct density_row {
    unsigned program, vms;
    enum density_config config;
    bool gain; /* pinned over all, in points */
    char row[32], metric[64];
    double published, simulated, ci95;
    double error; /* percent; points for a gain */
    enum density_role role;
    double bar; /* of |error|; NaN: none */
    bool ok;
};
enum { DENSITY_MAX_ROWS = DENSITY_PROGRAMS * 9 };

size_t density_rows(const struct density *d, struct density_row out[DENSITY_MAX_ROWS]);
/* The extra bar of the memory benchmark: 0 < gain at 10 VMs < gain at 6. */
bool density_memory_gain_ok(const struct density *d, double *gain6, double *gain10);

/* ---- density_print.c, density_files.c, density_plot.c, density_sensitivity.c */

/* All tables for people. Returns the number of bars that were missed or could not be judged. */
unsigned density_print(const struct density *d, FILE *f);
/* validation.csv, density.csv, auto.csv into dir. */
int density_write_files(const struct density *d, const char *dir, struct fault *f);
/* Data and scripts into dir/plots, and run gnuplot there. templates: folder of the scripts. */
int density_plot(const struct density *d, const char *dir, const char *templates, struct fault *f);
/* How far each prediction moves with each calibrated parameter: to f, and sensitivity.csv into dir. */
int density_sensitivity(const struct density *d, const char *calibration_dir, const char *dir, FILE *out,
                        struct fault *f);

#endif
