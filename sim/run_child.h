/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One simulation in a forked child. The kernel of the simulator keeps global state, so there is one simulation per
 * process; and a modelled panic, or a crash of the core under test, must not take the parent with it.
 */
#ifndef SIM_RUN_CHILD_H
#define SIM_RUN_CHILD_H

#include "backend.h"
#include "wire.h"
#include <sys/types.h>

struct run_child {
    pid_t pid;
    int fd; /* to poll for reading; -1 when there is no child */
    char *data;
    size_t nr, room;
};

/* What a child does before it simulates (open files, set callbacks in opt); may be NULL. 0, or an enum hvsim_exit. */
typedef int (*run_child_prepare)(void *ctx, struct run_options *opt);

/* 0 or -errno. The child dies with its parent. */
int run_child_start(struct run_child *c, const struct run_backend *b, const struct scenario *s,
                    const struct run_options *opt, run_child_prepare prepare, void *ctx);
/* Read what there is; true when the child has said all. */
bool run_child_read(struct run_child *c);
/* Wait for the end and judge it. Never fails: a child that died without a result has an exit and an error too. */
void run_child_finish(struct run_child *c, struct run_reply *out);
/* End it, result or not. */
void run_child_kill(struct run_child *c);

#endif
