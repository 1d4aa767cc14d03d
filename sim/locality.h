/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvsim report locality: where the memory of each VM of a run is, and how local it is to its vCPUs. */
#ifndef SIM_LOCALITY_H
#define SIM_LOCALITY_H

#include "fault.h"
#include <models/machine.h>

enum { LOCALITY_4K, LOCALITY_2M, LOCALITY_1G, LOCALITY_SIZES };

struct locality_vm {
    char name[64];
    double pages[MACHINE_MAX_NODES][LOCALITY_SIZES]; /* by the size of their mapping, in 4 KiB pages */
    double expected, experienced;                    /* share that is local; NaN: no access was made */
};

struct locality {
    unsigned nr_nodes, nr_vms;
    struct locality_vm *vm;
};

/* From metrics.csv of a run's directory. NULL with the reason in f. */
struct locality *locality_load(const char *run_dir, struct fault *f);
void locality_free(struct locality *l);
void locality_print(const struct locality *l, FILE *out);
void locality_print_json(const struct locality *l, FILE *out);
/* locality.csv, locality.dat, and heat map and fractions as locality.svg and locality.png (unless !plots). */
int locality_write(const struct locality *l, const char *dir, const char *templates, bool plots, struct fault *f);

#endif
