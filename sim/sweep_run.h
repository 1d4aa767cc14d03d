/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a sweep into a database. A run is known by the hash of all that decides its result: the resolved configuration,
 * the seed, this program and the hypervisor core. What the database already has is not run again, so a sweep can be
 * killed, continued and extended; the result does not depend on the number of processes. Runs that are likely to take
 * long come first, so that no processor waits for the last one for long.
 */
#ifndef SIM_SWEEP_RUN_H
#define SIM_SWEEP_RUN_H

#include "backend.h"
#include "store.h"
#include "sweep.h"
#include <signal.h>

struct sweep_options {
    const char *out;
    enum store_mode mode; /* STORE_CREATE, STORE_EXTEND or STORE_RECREATE */
    unsigned jobs;
    const char *const *set; /* NULL-terminated overrides for every run, after those of the grid; NULL: none */
    size_t limit;           /* at most so many runs now; 0: all */
    bool dry_run, quiet, progress;
    const char *hv_core; /* file, NULL: the linked core */
    bool check_invariants;
    const volatile sig_atomic_t *stop;
};

struct sweep_outcome {
    size_t total, known, run, failed; /* runs of the sweep; found done, or twins of others; run now; of these, failed */
    char first_error[512];
    double elapsed_s, simulated_s; /* of what was run now: wall; simulated */
    /* Of all that was done, from the first scenario that was read: wall; processor time, of the runs and of who starts
     * them and keeps their results; processors that it could have. */
    double wall_s, cpu_s;
    unsigned processors;
    uint64_t events;
};

/* EXIT_DONE, EXIT_CHECK_FAILED if a run failed (the fault says how many), or another fault. */
int sweep_run(const struct sweep *s, const struct run_backend *b, const struct sweep_options *o,
              struct sweep_outcome *out, struct fault *f);

#endif
