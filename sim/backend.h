/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command line needs of a simulator. main.c hands over the real one; tests hand over their own. */
#ifndef SIM_BACKEND_H
#define SIM_BACKEND_H

#include "run.h"

struct run_backend {
    struct scenario *(*load)(const char *path, const char *const *overrides, char **err);        /* scenario_load */
    void (*release)(struct scenario *s);                                                         /* scenario_free */
    int (*run)(const struct scenario *s, const struct run_options *opt, struct run_result *out); /* run_scenario */
    void (*result_free)(struct run_result *r);                                                   /* run_result_free */
    const char *core_build_id; /* of the linked core */
};

#endif
