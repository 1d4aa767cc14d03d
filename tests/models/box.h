/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine made by hand for the tests of the models, with round figures. */
#ifndef TESTS_MODELS_BOX_H
#define TESTS_MODELS_BOX_H

#include <models/rate.h>

#define BOX_LOCAL 80.0   /* ns */
#define BOX_REMOTE 120.0 /* ns */
#define BOX_MIB 1048576.0

/* sockets x cores x threads, a node per socket, 1 GHz: a cycle is a ns. Lines of 64 bytes. */
struct machine *box_new(unsigned sockets, unsigned cores, unsigned threads);
void box_free(struct machine *m);

/* Nothing but misses: mpki of them per 1000 instructions, whatever its share of the L3. */
struct work_mix box_mix(double cpi, double mpki, double mlp);
/* Solved with the same task on n pCPUs from the first on, its memory on one node. */
struct rate_model *box_run(const struct machine *m, const struct work_mix *w, unsigned first, unsigned n,
                           unsigned node);
/* Asserts that a is b within a part of it. */
void close_to(double a, double b, double relative);

#endif
