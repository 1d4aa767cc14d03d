/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calibration of a workload profile against published rows, with the simulator itself.
 *
 * Three rows of a table give three parameters of a program:
 *   memory.scale       from pinned / all at the fewest VMs (how much it minds where its memory is);
 *   core.smt_slowdown  from all at a middle count / all at the fewest (how two busy threads share a core);
 *   level              from both rows at the fewest VMs (work per instruction: nothing but a unit).
 * Each is the root of one monotone function of one variable, found by GSL's Brent solver; the two functions are nearly
 * independent, so a few alternations suffice. The uncertainty of a parameter is that of its published ratio divided by
 * the slope there.
 */
#ifndef SIM_CALIBRATE_H
#define SIM_CALIBRATE_H

#include "backend.h"
#include <stdbool.h>
#include <stdio.h>

/* A published mean and its standard deviation. */
struct calibration_row {
    double mean, sd;
};

struct calibration_target {
    const char *program;      /* profile name */
    bool lower_is_better;     /* a time: ratios are turned over */
    const char *all, *pinned; /* scenario files */
    unsigned few, middle;     /* VM counts */
    double scale_most;        /* largest memory.scale that the profile allows */
    struct calibration_row all_few, pinned_few, all_middle;
};

struct calibrated {
    double value, uncertainty;
};

struct calibration {
    struct calibrated scale, smt, level;
    double residual_gain_points; /* simulated minus published gain at the fewest VMs, in points */
    double residual_smt_pct;     /* the same for the ratio of the middle row, in % */
    double residual_level_pct;   /* half the spread of the two levels that the two rows ask for */
    unsigned runs;
};

struct calibration_options {
    const struct run_backend *backend;
    unsigned jobs, seeds; /* at least 1 */
    FILE *log;            /* progress, NULL: none */
};

/* 0; else an enum hvsim_exit with the reason in err. */
int calibrate_program(const struct calibration_target *t, const struct calibration_options *opt,
                      struct calibration *out, char *err, size_t errlen);

#endif
