/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is: the tables that `hvsim list` prints. */
#ifndef SIM_LIST_H
#define SIM_LIST_H

#include "fault.h"

#include <hv/profile.h>

struct list_kind {
    const char *name, *text;
    int (*print)(FILE *f, struct fault *fault);
    /* Instead, for a list that depends on the behaviour level: of all levels (NULL), or what there is at one. */
    int (*print_at)(FILE *f, const struct hv_profile *level);
};

/* NULL-name terminated. */
extern const struct list_kind list_kinds[];

/* ---- list_core.c ---- */
int list_schedulers(FILE *f, const struct hv_profile *level);
int list_quirks(FILE *f, const struct hv_profile *level);

#endif
