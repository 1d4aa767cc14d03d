/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim report time and hvsim report locks: where the time of a run's pCPUs went, and what its locks did. */
#ifndef SIM_COST_REPORT_H
#define SIM_COST_REPORT_H

#include "fault.h"
#include <stdbool.h>

/* From metrics.csv of a run's directory. each: a line for every pCPU, too. 0, or an exit code with *f. */
int cost_report_time(const char *run_dir, bool each, FILE *out, struct fault *f);
/* As xenlockprof prints it, plus what it cannot know: longest first. */
int cost_report_locks(const char *run_dir, FILE *out, struct fault *f);

#endif
