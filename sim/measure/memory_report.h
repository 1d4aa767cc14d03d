/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory system against measured figures: every row of a table (results/reference/memory.csv) names a machine, a
 * tool, its options and what was published; the tool is run on the machine, and the error judged by the row's bar.
 */
#ifndef SIM_MEMORY_REPORT_H
#define SIM_MEMORY_REPORT_H

#include "../csv.h"
#include "measure_print.h"

enum memory_role { MEMORY_INPUT, MEMORY_CALIBRATION, MEMORY_VALIDATION, MEMORY_ROLES };
extern const char *const memory_role_names[MEMORY_ROLES + 1]; /* NULL at the end */

struct memory_row {
    const char *table, *row, *machine, *tool, *options, *metric, *unit; /* of the file */
    const char *source;                                                 /* "" where the file has no such column */
    unsigned line;                                                      /* of it */
    double published, simulated;
    double error; /* percent */
    double bar;   /* of |error|, or of its mean over the rows of the table that have such a bar; NaN: none */
    bool of_mean, ok;
    unsigned role;
};

struct memory_report {
    struct csv file;
    char path[4096];
    size_t nr;
    struct memory_row *row;
};

/* ---- memory_rows.c: read the table and run the tools. NULL with *f: file:line:column and what is wrong. */
struct memory_report *memory_report_load(const char *path, struct fault *f);
void memory_report_free(struct memory_report *r);

/* ---- memory_tools.c: one row's tool on a machine; NaN with *f. where: "file:line" for messages. */
double memory_tool_run(const struct machine *m, const char *tool, const char *options, const char *where,
                       struct fault *f);

/* ---- memory_report.c */
/* For people. Returns the number of bars that were missed. */
unsigned memory_report_print(const struct memory_report *r, FILE *out);
/* Columns as those of the density benchmark's validation.csv. 0, or an exit code with *f. */
int memory_report_write_csv(const struct memory_report *r, const char *path, struct fault *f);
/* Curves as data and plots into dir. templates: folder of the scripts. */
int memory_report_plot(const struct memory_report *r, const char *dir, const char *templates, struct fault *f);

#endif
