/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two trajectories of events, compared as they come (--check-determinism). */
#ifndef SIM_LOCKSTEP_H
#define SIM_LOCKSTEP_H

#include "run.h"
#include <stdbool.h>

struct lockstep {
    uint64_t same; /* events that were equal before the first difference, or all of them */
    bool diverged;
    bool has[2]; /* diverged: does each side have an event at this place? */
    struct run_event side[2];
};

/*
 * Read struct run_event after struct run_event from both until they differ or both end. 0, or -errno of a read that
 * failed. A record that is cut off counts as absent.
 */
int lockstep_compare(int fd_a, int fd_b, struct lockstep *out);
/* Several lines for people; nothing if nothing differs. */
void lockstep_print(const struct lockstep *l, FILE *f);

/* Names of event classes as in sim/kernel/calendar.hpp; "?" beyond. */
const char *event_class_name(uint16_t class_);

/* Header and one line of an event log (CSV). */
void event_log_header(FILE *f);
void event_log_write(FILE *f, const struct run_event *e);

/* The sending side: for run_options.on_event, buffered. */
struct event_pipe;
struct event_pipe *event_pipe_open(int fd); /* takes the descriptor; NULL: out of memory */
void event_pipe_send(void *pipe, const struct run_event *e);
void event_pipe_close(struct event_pipe *p);

#endif
