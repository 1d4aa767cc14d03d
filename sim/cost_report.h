/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim report time and hvsim report locks: where the time of a run's pCPUs went, and what its locks did. */
#ifndef SIM_COST_REPORT_H
#define SIM_COST_REPORT_H

#include "fault.h"
#include <stdbool.h>

/* From metrics.csv of a run's directory. each: a line for every pCPU, too. 0, or an exit code with *f. */
int cost_report_time(const char *run_dir, bool each, FILE *out, struct fault *f);
/* As xenlockprof prints it, plus what it cannot know: that which was waited for longest first. by_pcpu: each pCPU's own
 * locks, not all of a name. top: so many lines at most, 0: all. */
int cost_report_locks(const char *run_dir, bool by_pcpu, unsigned top, FILE *out, struct fault *f);

#endif
