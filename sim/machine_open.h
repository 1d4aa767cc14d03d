/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine as a command names it. */
#ifndef SIM_MACHINE_OPEN_H
#define SIM_MACHINE_OPEN_H

#include "fault.h"
#include <models/machine.h>

/*
 * name: of models/machines, or a path with a '/' or ".toml" at its end. overrides: as machine_load. NULL with *f filled
 * in: no such machine (with the nearest name), or what is wrong with its file.
 */
struct machine *machine_open(const char *name, const char *const *overrides, struct fault *f);
/* The folder whose machines `inherits` may name without a path, models/machines of the data; malloc'ed, NULL without
 * memory. */
char *machine_presets(void);
/* A machine's file: machine_load(), and `inherits` may name one of machine_presets(). */
struct machine *machine_open_file(const char *path, const char *const *overrides, char **err);

#endif
