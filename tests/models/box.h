/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine made by hand for the tests of the models, with round figures. */
#ifndef TESTS_MODELS_BOX_H
#define TESTS_MODELS_BOX_H

#include <models/machine.h>

#define BOX_LOCAL 80.0   /* ns */
#define BOX_REMOTE 120.0 /* ns */
#define BOX_MIB 1048576.0

/* sockets x cores x threads, a node per socket, 1 GHz: a cycle is a ns. Lines of 64 bytes. */
struct machine *box_new(unsigned sockets, unsigned cores, unsigned threads);
void box_free(struct machine *m);

#endif
