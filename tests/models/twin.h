/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slow twin of the rate model: the equations of models/rate.c thread by thread, solved by bisection only. */
#ifndef TESTS_MODELS_TWIN_H
#define TESTS_MODELS_TWIN_H

#include <models/rate.h>

#define TWIN_MAX_CPUS 64

struct twin {
    double ipns[TWIN_MAX_CPUS], share[TWIN_MAX_CPUS], lat[TWIN_MAX_CPUS];
    double rho[16]; /* nodes, then links [from][to]; at most 2 nodes and 2 sockets */
};

/* task[cpu] NULL: idle. m: two sockets with a node each. */
void twin_solve(const struct machine *m, const struct rate_task *const *task, struct twin *out);

#endif
