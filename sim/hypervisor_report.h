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

/*
 * Runs all rows; a table for people, and as CSV if csv is not NULL (append: after what that file has). *missed grows by
 * the rows with a bar that were not within it. A row with sizes (a|b|c) is run for each of them, with the value that
 * stands at the same place in what is set; what is compared is the exponent of the power law through the measures.
 */
int hypervisor_report(const struct run_backend *b, const char *table, const char *csv, bool append, FILE *out,
                      unsigned *missed, struct fault *f);

#endif
