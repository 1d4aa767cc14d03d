/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hypervisor costs against published magnitudes: every row of a table (results/reference/hypervisor.csv) names
 * a scenario, what is set in it and what is taken from the run. They are other hosts, often nested ones: rows are
 * judged by a factor, not by percent.
 */
#ifndef SIM_HYPERVISOR_REPORT_H
#define SIM_HYPERVISOR_REPORT_H

#include "backend.h"
#include "fault.h"

/* Runs all rows; a table for people, and as CSV if csv is not NULL. *missed: rows with a bar that were not within it.
 */
int hypervisor_report(const struct run_backend *b, const char *table, const char *csv, FILE *out, unsigned *missed,
                      struct fault *f);

#endif
