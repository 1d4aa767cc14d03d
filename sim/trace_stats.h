/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the runstate changes of a trace say: for each vCPU the time in each runstate, how long it ran at a time, how
 * long it waited after a wake-up and after a preemption. Recorded and simulated traces go through this same code.
 *
 * Rules for what a trace does not show (those of xenalyze, so that totals can be compared with what it prints):
 *   - the first change of a vCPU that leaves "running" says that it ran since the last thing known of that pCPU: what
 *     entered it last, its last LOST record, or the beginning of the trace; that time counts, but is no complete run
 *   - a vCPU that enters anything else first is known from then on
 *   - at the end each pCPU's current vCPU ran until the last record of that pCPU; again no complete run
 *   - a LOST record makes all vCPUs last seen on its pCPU unknown, but for the one that it names: that one runs from
 *     then on
 *   - CONTINUE_RUNNING does not divide a run (xenalyze does: its count of runs is ours + continues)
 */
#ifndef SIM_TRACE_STATS_H
#define SIM_TRACE_STATS_H

#include "trace_reader.h"

/* Intervals in ticks of the TSC. */
struct trace_samples {
    size_t nr, room;
    uint64_t *v;
};

struct trace_vcpu {
    uint16_t dom, id;
    uint64_t time[TRACE_RUNSTATES]; /* ticks */
    uint64_t runs;                  /* intervals of running, incomplete ones included */
    uint64_t continues;             /* CONTINUE_RUNNING records */
    uint64_t migrations;            /* enters another pCPU than the one before */
    uint64_t mismatches;            /* changes from another state than it was known to be in */
    struct trace_samples run;       /* complete runs */
    struct trace_samples burst;     /* complete runs from a wake-up to the next block, not interrupted */
    struct trace_samples wake;      /* blocked -> runnable to running */
    struct trace_samples preempt;   /* running -> runnable to running */
    struct trace_samples blocked;   /* running -> blocked to runnable */
    struct trace_samples period;    /* wake-up to wake-up */
};

struct trace_stats {
    size_t nr, room;
    struct trace_vcpu *vcpu; /* ascending by domain, then number */
    uint64_t elapsed;        /* ticks from the first record of the trace to the last */
};

/* t: sorted (trace_sort). EXIT_DONE, or EXIT_HOST_FAILED (out of memory) and *out holds nothing. */
int trace_stats_collect(const struct trace *t, struct trace_stats *out, struct fault *f);
void trace_stats_free(struct trace_stats *s);
/* NULL: the trace does not have it. */
const struct trace_vcpu *trace_stats_find(const struct trace_stats *s, unsigned dom, unsigned vcpu);

/* ---- distributions */

int trace_samples_add(struct trace_samples *s, uint64_t v);                           /* 0 or -1: out of memory */
int trace_samples_append(struct trace_samples *s, const struct trace_samples *other); /* the same */
void trace_samples_sort(struct trace_samples *s);
void trace_samples_free(struct trace_samples *s);
/* The smallest sample that num/den of all samples do not exceed (nearest rank); 0 if there is none. s: sorted. */
uint64_t trace_samples_quantile(const struct trace_samples *s, unsigned num, unsigned den);
/* Arithmetic mean in ticks; 0 if there is none. */
double trace_samples_mean(const struct trace_samples *s);

/* Bins at 1, 2 and 5 in each decade from 1 us to 1 s; bin 0: below 1 us, last: 1 s and more. */
#define TRACE_BINS 20u
struct trace_histogram {
    uint64_t total, count[TRACE_BINS];
};
/* hz: ticks per second. */
void trace_histogram_fill(struct trace_histogram *h, const struct trace_samples *s, double hz);
/* Lower edge in ns; 0 for bin 0. */
uint64_t trace_bin_edge(unsigned bin);

/*
 * Largest distance between the two empirical distribution functions (Kolmogorov-Smirnov), 0..1; NaN if either is empty.
 * Both sorted; hz: the ticks of each.
 */
double trace_samples_distance(const struct trace_samples *a, double hz_a, const struct trace_samples *b, double hz_b);

#endif
