/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every importer of topologies owes: a clear message, or a machine file that loads. */
#ifndef TOPO_INPUT_H
#define TOPO_INPUT_H

#include "fuzz.h"
#include "topo/import.h"

/* t: what was read, which is freed; NULL with f. name: that messages begin with, NULL: with nothing in particular. */
void fuzz_topo(struct topo *t, const char *name, struct fault *f);

#endif
