/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim report time --db: how each kind of time grows with the vCPUs or pCPUs of a sweep. */
#ifndef SIM_GROWTH_REPORT_H
#define SIM_GROWTH_REPORT_H

#include "store.h"
#include <stdbool.h>

/*
 * For each label of the sweep a table: pCPUs that were busy with each op at each count, and the exponent of the power
 * law through them. Against vCPUs, or pCPUs where the sweep has more counts of those. each: of every node too, in % of
 * its time. 0, or an exit code with *f.
 */
int growth_report(struct store *store, const char *sweep, bool each, FILE *out, struct fault *f);
/* Slope of the straight line through (ln x, ln y) of the n points with y > 0; NAN with fewer than two different x. */
double growth_exponent(const double *x, const double *y, unsigned n);

#endif
