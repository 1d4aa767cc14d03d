/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The metrics of one run: a flat list of (name, labels, value); units and descriptions come from one table. */
#ifndef SIM_METRICS_H
#define SIM_METRICS_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define METRIC_MAX_LABELS 4u

struct metric_def {
    const char *name, *unit, *description;
};
struct metric_label {
    const char *name; /* one of metric_label_names: the same pointer */
    const char *value;
};
struct metric {
    const struct metric_def *def;
    const struct metric_label *label; /* of the metrics; metrics that follow one another may share them */
    double value;
    const char *unit; /* def->unit unless the metric's unit depends on the workload (vm.throughput) */
    unsigned nr_labels;
};
struct metrics {
    size_t nr, room;
    struct metric *m;
    struct metric_text *text; /* what labels consist of; NULL: none yet */
};

/* All metrics that a run can write, NULL-name terminated: also what `hvsim list metrics` prints. */
extern const struct metric_def metric_defs[];

/* NULL: no such metric. */
const struct metric_def *metric_def_find(const char *name);

/* Every label that a metric can have, NULL-terminated: the label columns of metrics.csv and of a sweep's database. */
#define METRIC_NR_LABELS 10u
extern const char *const metric_label_names[METRIC_NR_LABELS + 1];
/* Index in metric_label_names; -1: no such label. */
int metric_label_find(const char *name);

void metrics_init(struct metrics *ms);
void metrics_free(struct metrics *ms);
/* All of from's, which has none then, are to's, whatever that was. */
void metrics_take(struct metrics *to, struct metrics *from);
/* Append one; label pairs ("vm", "web1", ...) end with NULL. An unknown name or label is a bug: aborts. NULL: out of
 * memory. */
struct metric *metrics_add(struct metrics *ms, const char *name, double value, ...) __attribute__((sentinel));
/* Value of a label; NULL if the metric does not have it. */
const char *metric_label_value(const struct metric *m, const char *label);
/* First metric of that name whose label equals value (label NULL: any). NULL if none. */
const struct metric *metrics_find(const struct metrics *ms, const char *name, const char *label, const char *value);

/* Both return 0 or -errno. Doubles are written so that they read back the same (shortest of %.15g..%.17g). */
int metrics_write_json(const struct metrics *ms, FILE *f);
int metrics_write_csv(const struct metrics *ms, FILE *f);

#ifdef __cplusplus
}
#endif

#endif
