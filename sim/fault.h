/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why something did not work: an exit code and one line for the user. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "run.h"

struct fault {
    int code; /* enum hvsim_exit; EXIT_DONE: none */
    char text[1024];
};

/* Fill f (the first fault wins) and return code, for `return fault_set(...)`. */
int fault_set(struct fault *f, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
