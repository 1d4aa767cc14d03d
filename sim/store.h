/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SQLite file of sweeps. One process writes. Every finished run is committed by itself, so that whatever kills the
 * writer, the file is readable and has all that was finished.
 *
 * Tables
 *   sweep(id, name, description, file)             one row a sweep file that was run into this database
 *   sweep_run(sweep, position, run)                which runs make up a sweep, in its order
 *   config(id, json)                               resolved configurations, shared by the seeds of a point
 *   run(id, key, scenario, label, seed, params, config, status, exit, error, fingerprint, events, simulated_s,
 *       wall_s, cpu_s, peak_rss_bytes, hv_core)    status: pending, done or failed; params: JSON object
 *   metric_def(id, name, unit, description)
 *   metric(run, seq, def, vm, vcpu, pcpu, node, pool, quantile, "from", "to", op, lock, unit, value)
 *   value                                          view: metric with run, label, seed and the name of the metric
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "fault.h"
#include "wire.h"
#include <sqlite3.h>

struct store;

enum store_mode {
    STORE_READ,     /* must exist */
    STORE_EXTEND,   /* must exist */
    STORE_CREATE,   /* made if it does not exist, else extended */
    STORE_RECREATE, /* what is there is dropped, if it is a file of ours */
};

/* NULL with a fault: bad input if there is no such file, or it is not ours, or cannot be written. */
struct store *store_open(const char *path, enum store_mode mode, struct fault *f);
void store_close(struct store *s);
/* For reports. */
sqlite3 *store_db(struct store *s);

enum run_status { RUN_PENDING, RUN_DONE, RUN_FAILED };

/* A run that is to be. */
struct store_run {
    const char *key, *scenario, *label, *params_json, *config_key, *config_json;
    uint64_t seed;
};

/* Between these two: the list of runs of one sweep, in order, in one transaction. */
int store_begin_sweep(struct store *s, const char *name, const char *description, const char *file, struct fault *f);
/* Adds the run unless the key is known. *id and *status: of the row. */
int store_add_run(struct store *s, const struct store_run *r, int64_t *id, enum run_status *status, struct fault *f);
int store_end_sweep(struct store *s, struct fault *f);

/* The result of a run, committed when this returns. */
int store_finish_run(struct store *s, int64_t id, const struct run_reply *r, struct fault *f);

#endif
