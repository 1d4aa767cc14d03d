/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A workload profile: what a benchmark program does, read from workloads/profiles/NAME.toml. */
#ifndef WORKLOADS_PROFILE_H
#define WORKLOADS_PROFILE_H

#include <models/rate.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROFILE_MAX_PHASES 8u

/* One phase of a thread's endless loop: compute, then (perhaps) block. */
struct profile_phase {
    char *name;
    struct work_mix mix;
    double instructions; /* mean per pass; 0: endless (the only phase) */
    double jitter;       /* each pass draws its length uniformly in mean * (1 +- jitter), 0..1 */
    int64_t block_ps;    /* mean time blocked after the phase, 0: does not block */
    double block_jitter; /* the same for the block time */
    int64_t period_ps;   /* sleeps after the phase until this long after the last wake-up was due, 0: block_ps says */
    int64_t align_ps;    /* above 0: until the next whole period of the system time, and this, up to a period, later */
};

enum profile_metric { METRIC_RATE, METRIC_TIME };

struct workload_profile {
    char *name, *description;
    unsigned nr_phases;
    struct profile_phase phase[PROFILE_MAX_PHASES];
    /* What the benchmark reports. */
    enum profile_metric metric;
    char *unit;             /* "MB/s", "bop/s", "s" */
    double work_per_ginstr; /* METRIC_RATE: units of work per 1e9 instructions of all vCPUs of the VM */
    double ginstr_per_run;  /* METRIC_TIME: 1e9 instructions (all vCPUs) that one run of the benchmark takes */
};

/* overrides: NULL-terminated "key=value" list or NULL. NULL with *err (malloc'ed) on failure. */
struct workload_profile *profile_load(const char *path, const char *const *overrides, char **err);
void profile_free(struct workload_profile *p);

#ifdef __cplusplus
}
#endif

#endif
