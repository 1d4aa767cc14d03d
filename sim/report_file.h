/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a report: tables, data for plots, and what gnuplot draws of them. */
#ifndef SIM_REPORT_FILE_H
#define SIM_REPORT_FILE_H

#include "fault.h"
#include <stdio.h>

/* A file that appears under its name when it is complete. */
struct report_file {
    FILE *f;
    char path[4096], temp[4112];
};
int report_open(struct report_file *o, const char *dir, const char *name, struct fault *f);
int report_close(struct report_file *o, struct fault *f);
int report_make_dir(const char *path, struct fault *f);
/* Copy a gnuplot script of templates (scripts/plots) into dir and let it run there. */
int report_run_script(const char *templates, const char *script, const char *dir, struct fault *f);

#endif
