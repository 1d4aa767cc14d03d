/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is: the tables that `hvsim list` prints. */
#ifndef SIM_LIST_H
#define SIM_LIST_H

#include "fault.h"

struct list_kind {
    const char *name, *text;
    int (*print)(FILE *f, struct fault *fault);
};

/* NULL-name terminated. */
extern const struct list_kind list_kinds[];

#endif
