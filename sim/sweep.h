/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sweep: which scenarios, with which keys overridden, with which seeds. Read from TOML:
 *
 *   name = "density"
 *   description = "..."
 *   seeds = 5                            # 1 to 5; or a list
 *
 *   [[grid]]                             # any number; each is the product of its lists
 *   scenario = "all.toml"                # relative to this file
 *   label = "all"                        # default: the scenario's file name without .toml
 *   set = { "vm.0.count" = "1..10", "vm.0.workload" = ["sysbench-cpu", "specjbb2005"] }
 *   calibration = "FILE.toml"            # vary the parameters of a calibration, one at a time, by their uncertainty
 *
 * A value of set is a scalar or a list of scalars; a string "A..B" or "A..B step S" is a range of whole numbers, ends
 * included. The first key varies slowest. With calibration, each point is run twice per parameter of that file
 * (sim/calibration_file.h): at value - uncertainty and at value + uncertainty.
 */
#ifndef SIM_SWEEP_H
#define SIM_SWEEP_H

#include "fault.h"
#include <stdbool.h>
#include <stdint.h>

struct sweep_point {
    char *scenario; /* as the sweep file has it */
    char *path;     /* relative to the working directory */
    char *label;
    size_t nr_params;
    char **param;      /* "key=value" in TOML syntax, NULL-terminated: what scenario_load takes */
    char *params_json; /* the same as one JSON object */
};

struct sweep {
    char *path, *name, *description;
    size_t nr_seeds;
    uint64_t *seed;
    size_t nr_points;
    struct sweep_point *point;
};

#define SWEEP_MAX_RUNS 1000000u

/* EXIT_DONE, or a fault with file:line:column. */
int sweep_load(const char *path, struct sweep *out, struct fault *f);
void sweep_free(struct sweep *s);

struct sweep_key {
    const char *name, *type, *text;
    bool required;
};
/* Every key of a sweep file, NULL-name terminated; for `hvsim list sweep-keys`. */
extern const struct sweep_key sweep_keys[];

/*
 * "A..B" or "A..B step S" to values, malloc'ed. 1: it was a range; 0: the text is no range; -1: it looks like one and
 * is wrong, with the reason in *why.
 */
int sweep_range_parse(const char *text, int64_t **values, size_t *n, const char **why);

#endif
