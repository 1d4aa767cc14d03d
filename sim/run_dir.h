/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory that a run writes. Files are written to a temporary directory beside it and moved into place when all
 * is complete, run.json last: a directory with a run.json is a complete result. One that exists is not overwritten
 * unless the user says so.
 */
#ifndef SIM_RUN_DIR_H
#define SIM_RUN_DIR_H

#include "fault.h"
#include "wire.h"

struct run_dir {
    char *path, *temp;
    unsigned parents_made; /* how many directories above path were made */
    bool force;
};

/* What run.json says beside the result. */
struct run_facts {
    const struct scenario *scenario;
    uint64_t seed;
    int argc; /* the command line */
    char *const *argv;
    const char *hv_core; /* file, NULL: the linked core */
};

/* Make sure that the result can be written, before anything is simulated. */
int run_dir_open(struct run_dir *d, const char *path, bool force, struct fault *f);
int run_dir_write(struct run_dir *d, const struct run_facts *facts, const struct run_reply *reply, struct fault *f);
/* Everything into place. */
int run_dir_commit(struct run_dir *d, struct fault *f);
/* Leaves nothing behind unless committed. Safe to call in every case after run_dir_open. */
void run_dir_close(struct run_dir *d);

/* run.json alone. */
void run_json_write(FILE *f, const struct run_facts *facts, const struct run_reply *reply);

#endif
