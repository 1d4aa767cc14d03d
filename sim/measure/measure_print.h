/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tools as `hvsim measure` runs them: text for people, JSON for programs. */
#ifndef SIM_MEASURE_PRINT_H
#define SIM_MEASURE_PRINT_H

#include "measure.h"

enum { MEASURE_MAX_SIZES = 64 };

struct measure_options {
    bool json;
    double writes;          /* lines written per line read */
    unsigned threads;       /* stream: 0: all cores */
    const char *cpus;       /* stream: list of pCPUs; NULL: in the order of pCPUs, one thread a core first */
    const char *membind;    /* stream: list of nodes; NULL: each thread's own */
    const char *interleave; /* stream: pages in turn on these nodes */
    enum measure_stores stores;
    unsigned cpu;     /* chase: where it runs */
    const char *node; /* chase: where its memory is; NULL: its own node */
    enum chase_page page, host_page;
    bool nested;
    unsigned nr_sizes; /* chase: working sets; 0: powers of two, 1 KiB to 1 GiB */
    uint64_t size[MEASURE_MAX_SIZES];
};

struct measure_tool {
    const char *name, *text;
    int (*run)(const struct machine *m, const struct measure_options *o, FILE *out, struct fault *f);
};
extern const struct measure_tool measure_tools[]; /* NULL-name terminated */

/*
 * Fill in cpu and share (nr_cpus, nr_cpus x nr_nodes) for a stream as the options say. 0, or -1 with *f: no such pCPU
 * or node, more threads than pCPUs.
 */
int measure_place(const struct machine *m, const struct measure_options *o, struct measure_stream *s, unsigned *cpu,
                  double *share, struct fault *f);

#endif
