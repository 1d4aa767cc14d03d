/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulations in as many child processes as asked for. Children run; whatever is done with a result, the parent does.
 */
#ifndef SIM_POOL_H
#define SIM_POOL_H

#include "backend.h"
#include "fault.h"
#include "wire.h"
#include <signal.h>
#include <stdbool.h>

struct pool_job {
    size_t index; /* the user's */
    const struct scenario *scenario;
    struct run_options options;
};

struct pool {
    const struct run_backend *backend;
    unsigned jobs; /* at a time, at least 1 */
    void *ctx;
    /* The next job; false when there are no more. */
    bool (*next)(void *ctx, struct pool_job *job);
    /* A job ended, well or not. Results come in any order. Not EXIT_DONE: stop everything. The reply goes afterwards;
     * metrics_take() keeps its metrics. */
    int (*done)(void *ctx, size_t index, struct run_reply *r);
    /* Now and then; may be NULL. */
    void (*tick)(void *ctx);
    const volatile sig_atomic_t *stop; /* set by a signal handler: kill the children and return; may be NULL */
};

#define POOL_MAX_JOBS 1024u

/* EXIT_DONE when all jobs ended (each well or not); else the reason in f. No child is left in any case. */
int pool_run(const struct pool *p, struct fault *f);

#endif
