/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulator for the tests of the command line: answers at once with figures made of the seed and the overrides.
 * Overrides "stub.WHAT=..." make it misbehave:
 *   stub.panic=1          the model panics            stub.crash=1   the process dies of a signal
 *   stub.killed=1         killed from outside         stub.sleep_ms=N
 *   stub.diverge_at=N     event N differs between two processes
 *   stub.events=N         how many events (default 100)
 *   stub.spin_ms=N        so much processor time
 *   stub.simulated_s=N    the length of the window
 *   stub.mark=N           a digit, what it appends to stub_run_log
 */
#ifndef STUB_BACKEND_H
#define STUB_BACKEND_H

#include "backend.h"

extern const struct run_backend stub_backend;

/* Every run appends one byte to this file; NULL: does not. */
extern const char *stub_run_log;
/* Bytes in it. */
long stub_runs(void);

/* mkdtemp in $TMPDIR or /tmp; remove_tree takes it away with all that is in it. */
char *temp_dir(void);
void remove_tree(char *dir); /* frees dir */
/* dir/name, in a static ring of buffers. */
const char *in_dir(const char *dir, const char *name);
void write_text(const char *path, const char *text);
/* Whole file, malloc'ed; NULL if it cannot be read. */
char *read_text(const char *path);
/* How many entries the directory has, "." and ".." aside. */
unsigned count_entries(const char *dir);

#endif
