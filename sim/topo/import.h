/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From somebody's files to a machine file. */
#ifndef SIM_TOPO_IMPORT_H
#define SIM_TOPO_IMPORT_H

#include "topo.h"

enum topo_kind_of_source { TOPO_DETECT, TOPO_HWLOC, TOPO_SYNTHETIC, TOPO_SYSFS, TOPO_ACPI, TOPO_DTB };
/* Their names, NULL-terminated: [0] is "detect". */
extern const char *const topo_source_names[];

/* What the sources hold: one, or ACPI tables in several files. NULL with *f. */
struct topo *topo_read(const char *const *source, size_t nr, enum topo_kind_of_source kind, struct fault *f);

struct topo_import {
    char *text; /* the machine file, malloc'ed; NULL with *f: it cannot be made */
    size_t size;
    int guessed; /* values in it that are guesses */
};
/* The machine file of a topology, which has been loaded once to see that it does. name: of the machine. */
struct topo_import topo_import(const struct topo *t, const char *name, struct fault *f);

#endif
