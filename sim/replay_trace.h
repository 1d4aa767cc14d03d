/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvsim replay trace: a recorded xentrace beside the trace of a simulation of the same guests. Both are read by
 * trace_reader and measured by trace_stats; domains are matched by their ids, so the scenario creates them in the order
 * of the recorded host.
 *
 * What decides: the CPU time of each domain, in percent of one pCPU, within REPLAY_TRACE_POINTS of the recorded mean.
 * The distributions are printed and plotted beside each other; nothing is judged by them.
 */
#ifndef SIM_REPLAY_TRACE_H
#define SIM_REPLAY_TRACE_H

#include "replay.h"
#include "trace_stats.h"

#define REPLAY_TRACE_POINTS 3.0

enum trace_side { SIDE_RECORDED, SIDE_SIMULATED, SIDES };
enum trace_quantity { QUANTITY_RUN, QUANTITY_WAKE, QUANTITY_PREEMPT, QUANTITIES };

/* One domain, all of its vCPUs together. */
struct trace_domain {
    unsigned id;
    char name[64];
    double expected;                                /* % of one pCPU: the mean share that decides */
    double pct[SIDES];                              /* the same, of the two traces */
    struct trace_samples sample[SIDES][QUANTITIES]; /* sorted */
};

struct trace_comparison {
    double hz[SIDES], seconds[SIDES];
    struct trace trace[SIDES];
    struct trace_stats stats[SIDES];
    unsigned runs;             /* simulated ones that the CPU times are means of */
    const char *expected_from; /* the file of the mean shares; NULL: the recorded trace itself */
    char path[4096];           /* of that file */
    size_t nr;
    struct trace_domain *domain; /* ascending by id */
};

extern const char *const trace_quantity_names[QUANTITIES];
extern const char *const trace_quantity_titles[QUANTITIES];

/* ---- replay_trace_print.c */

/* The tables for people. Returns the number of domains that missed. */
unsigned replay_trace_print(const struct trace_comparison *c, FILE *f);
/* One line a domain and measure. */
int replay_trace_csv(const struct trace_comparison *c, const char *path, struct fault *f);

/* ---- replay_trace_plot.c */

/* Distribution functions as data for gnuplot, the script, and what it draws, into dir (made if it is not there). */
int replay_trace_plot(const struct trace_comparison *c, const char *dir, struct fault *f);

#endif
