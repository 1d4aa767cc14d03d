/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * results/calibration/NAME.toml: what was fitted, on which published rows, and how well it is known.
 *
 *   program = "sysbench-memory"            # workload profile
 *   table = "T1"                           # of results/reference
 *
 *   [[parameter]]
 *   key = "memory.scale"                   # key of the profile
 *   value = 1.234
 *   uncertainty = 0.05                     # one standard deviation, in units of value
 *   rows = ["2 all", "2 pinned"]           # what it was fitted on
 *   residual = "0.02 points of gain"       # optional: what is left
 */
#ifndef SIM_CALIBRATION_FILE_H
#define SIM_CALIBRATION_FILE_H

#include "fault.h"

struct calibration_parameter {
    char *key;
    double value, uncertainty;
    char *rows;     /* joined with ", " */
    char *residual; /* "" if not given */
};

struct calibration_file {
    char *program, *table;
    size_t nr;
    struct calibration_parameter *parameter;
};

int calibration_file_load(const char *path, struct calibration_file *out, struct fault *f);
void calibration_file_free(struct calibration_file *c);

#endif
