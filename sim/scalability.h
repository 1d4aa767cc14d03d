/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scalability sweep: what came out at each point, against vCPUs, and where it gave out. */
#ifndef SIM_SCALABILITY_H
#define SIM_SCALABILITY_H

#include "store.h"
#include <stdio.h>

#define SCALABILITY_COLUMNS 15u

/* One run. Figures that it does not have are NAN. */
struct scalability_point {
    char label[96]; /* host-scheduler-program-placement */
    bool done;
    char error[256]; /* why not */
    double column[SCALABILITY_COLUMNS];
};

struct scalability {
    size_t nr;
    struct scalability_point *point; /* in the order of the sweep */
};

/* The runs of a sweep of that name. EXIT_DONE or a fault. */
int scalability_load(struct scalability *s, struct store *store, const char *sweep, struct fault *f);
void scalability_print(const struct scalability *s, FILE *out);
/* scalability.csv; and with templates (the folder of the gnuplot scripts) plots/. */
int scalability_write(const struct scalability *s, const char *dir, const char *templates, struct fault *f);
void scalability_free(struct scalability *s);

#endif
