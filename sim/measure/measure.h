/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measuring tools, simulated: what mlc, lmbench, STREAM and a pointer chase would find on a modelled machine. Each tool
 * is a set of programs on hardware threads, with what they read and write and where that lies; the rate model (models/)
 * says how fast all of them go together, and the tool computes from that what the real one computes from its clock.
 * Nothing is read back out of the machine file.
 */
#ifndef SIM_MEASURE_H
#define SIM_MEASURE_H

#include "../fault.h"
#include <models/chase.h>
#include <models/machine.h>
#include <stdio.h>

/* ---- measure.c: programs on hardware threads ------------------------------------------------------------------------
 */

/* A program that goes through memory line by line. */
struct measure_program {
    double reads, writes; /* lines, per step */
    double think_ns;      /* what a step takes besides */
    double in_flight;     /* lines that it keeps in flight; 1: each address depends on the line before */
};

struct measure_host;
struct measure_host *measure_new(const struct machine *m, struct fault *f); /* NULL: out of memory */
void measure_free(struct measure_host *h);
void measure_clear(struct measure_host *h);

/* The program runs on cpu; share[node] of its memory lies on each node. 0, or -1 with *f. */
int measure_run(struct measure_host *h, unsigned cpu, const struct measure_program *p, const double *share,
                struct fault *f);
/* A pointer chase. The same. */
int measure_chase(struct measure_host *h, unsigned cpu, const struct chase *c, const double *share, struct fault *f);
/* They go: find their speeds. */
void measure_go(struct measure_host *h);
/* Then: ns of a step (an access of a chase); lines of memory traffic per ns; of all threads. */
double measure_step_ns(const struct measure_host *h, unsigned cpu);
double measure_lines(const struct measure_host *h);

/* Lines that a core keeps in flight, as the machine file says; 0 with *f if it does not. */
double measure_in_flight(const struct machine *m, struct fault *f);
/* First hardware thread of each core of a node, in the order of pCPUs; *n of them. cpu: room for nr_cpus. */
void measure_cores_of(const struct machine *m, unsigned node, unsigned *cpu, unsigned *n);

/* ---- the tools: one file each. Values go to caller's arrays; 0, or -1 with *f.
 * --------------------------------------- */

/* ns, [node of the core][node of the memory]; NaN: the node has no cores, or no memory. */
int measure_latency_matrix(const struct machine *m, double *ns, struct fault *f);
/* bytes/s that all cores of a node read from a node, one thread a core; the same NaN. writes: lines per line read. */
int measure_bandwidth_matrix(const struct machine *m, double writes, double *bandwidth, struct fault *f);
/* bytes/s of all cores of the machine, each on its own node. */
int measure_peak(const struct machine *m, double writes, double *bandwidth, struct fault *f);

enum { MEASURE_DELAYS = 19 };
extern const unsigned measure_delays[MEASURE_DELAYS]; /* cycles */
struct measure_loaded {
    double latency_ns, bandwidth; /* bytes/s, of all threads */
};
/* One chain on the first core, all others load their own node with so many cycles between. */
int measure_loaded_latency(const struct machine *m, unsigned delay, double writes, struct measure_loaded *out,
                           struct fault *f);

enum measure_op { MEASURE_COPY, MEASURE_SCALE, MEASURE_ADD, MEASURE_TRIAD, MEASURE_OPS };
extern const char *const measure_op_names[MEASURE_OPS + 1]; /* NULL at the end */
/* How a whole line that is overwritten is treated. */
enum measure_stores {
    MEASURE_STORES_DEFAULT, /* as compilers and cores do: x86 reads the line first, ARM's cores stream it */
    MEASURE_STORES_RFO,     /* read for ownership, then written */
    MEASURE_STORES_STREAMING
};
struct measure_stream {
    unsigned nr;         /* threads */
    const unsigned *cpu; /* where they run */
    const double *share; /* [thread][node]: where their arrays lie */
    enum measure_stores stores;
};
/* bytes/s as STREAM counts them (the lines that the program names, not those that are read for ownership). */
int measure_stream(const struct machine *m, const struct measure_stream *s, double bandwidth[MEASURE_OPS],
                   struct fault *f);

/* ns of an access. node: of the memory. */
int measure_chase_ns(const struct machine *m, unsigned cpu, unsigned node, const struct chase *c, double *ns,
                     struct fault *f);

#endif
