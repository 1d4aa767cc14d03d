/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the readers of [[action]]s (scenario_action*.c), and by nobody else. */
#ifndef SIM_SCENARIO_ACTION_H
#define SIM_SCENARIO_ACTION_H

#include "scenario_priv.h"

#include <stdio.h>

/* A pool as long as it exists; its number is its place in the list. */
struct named_pool {
    const char *name;
    bool exists;
};

/* Actions are read in order of time. t is the one being read, a what it becomes. */
struct action_reading {
    struct loader *l;
    cfg_table *t;
    struct scenario_action *a;
    FILE *command; /* as it is typed */
    struct named_pool *pool;
    unsigned nr_pools;
    bool *gone; /* [VM - 1]: it was destroyed before; HV_MAX_DOMAINS of them */
};

void action_say(struct action_reading *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* vm = NAME of t: one that exists at that time. false: reported. */
bool action_read_vm(struct action_reading *r, cfg_table *t, unsigned *vm, const char **name);

/* may_fail = BOOLEAN. false: reported. */
bool action_read_may_fail(struct action_reading *r);

/* ---- scenario_action_domain.c: forms of read in the table of scenario_action.c */

bool action_read_create(struct action_reading *r);
bool action_read_destroy(struct action_reading *r);
/* mem-set, mem-max. */
bool action_read_memory(struct action_reading *r);
bool action_read_set_aside(struct action_reading *r);

#endif
