/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole machine file, "m.toml", for the tests of its reader to break in one place. */
#ifndef TESTS_MODELS_MACHINE_FILE_H
#define TESTS_MODELS_MACHINE_FILE_H

#include <models/machine.h>

extern const char *const machine_whole; /* two sockets, 4 cores each, 2 threads a core, a node a socket */

void machine_file_write(const char *text);
struct machine *machine_file_load(const char *path, const char *const *overrides);
/* m.toml with these overrides is refused with this message. */
void machine_file_refused(const char *const *overrides, const char *expected);
/* machine_whole with one piece replaced is. */
void machine_file_bad(const char *old, const char *new, const char *expected);

#endif
