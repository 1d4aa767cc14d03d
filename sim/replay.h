/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvsim replay: what was measured on a real Xen, built again and compared. Every kind of record is one file replay_*.c
 * and one line in replay_kinds (cli_replay.c). The guests of a record become a scene: scenario, xl.cfg and machine
 * files in a directory, which are loaded as any scenario is, so that what is replayed can be kept and run by hand.
 */
#ifndef SIM_REPLAY_H
#define SIM_REPLAY_H

#include "backend.h"
#include "csv.h"
#include "fault.h"
#include "wire.h"
#include <signal.h>

struct replay_options {
    const struct run_backend *backend;
    const char *file;         /* the record */
    const char *const *files; /* placement: NULL-terminated, the first is file */
    const char *level;        /* behaviour level; known */
    bool level_given;         /* by the user */
    bool json;                /* placement: the comparison as JSON */
    const char *duration;     /* a time in TOML's form ("41 s"), NULL: as long as the record */
    const char *scenario;     /* trace: the guests; NULL: those of the reference recording */
    const char *plot;         /* trace: NULL, or the directory for plots */
    double cpu_hz;            /* trace: TSC of the record, 0: that of the reference recording */
    const char *csv;          /* NULL, or where to write the comparison as a table */
    const char *keep;         /* NULL, or the directory to leave the scenes in; it does not exist yet */
    const char *const *set;   /* NULL-terminated overrides of every scene, NULL: none */
    unsigned jobs;            /* simulations at a time, at least 1 */
    uint64_t seed;            /* the first */
    unsigned seeds; /* how many runs of each scene are taken together, with consecutive seeds; 0: the kind says */
    bool check_invariants;
    const volatile sig_atomic_t *stop; /* NULL or set by a signal handler */
};

struct replay_kind {
    const char *name, *text;
    /* Prints the comparison. EXIT_DONE, EXIT_CHECK_FAILED after a miss (printed, f stays empty), or what f says. */
    int (*run)(const struct replay_options *o, struct fault *f);
};

/* NULL-name terminated. */
extern const struct replay_kind replay_kinds[];
int replay_shares(const struct replay_options *o, struct fault *f);
int replay_wakes(const struct replay_options *o, struct fault *f);
int replay_trace(const struct replay_options *o, struct fault *f);
int replay_placement(const struct replay_options *o, struct fault *f);

/* ---- reading a record (replay_table.c) ----------------------------------------------------------------------------
 */

/* Columns that must be there; others are named once on the standard error and left alone. Fills column[]. */
int replay_table_read(const char *path, const char *const *names, struct csv *out, int *column, struct fault *f);
/* "file:line:column: text" of a cell. */
int replay_table_fault(const char *path, const struct csv *c, size_t row, int column, struct fault *f, const char *fmt,
                       ...) __attribute__((format(printf, 6, 7)));
bool replay_table_uint(const char *path, const struct csv *c, size_t row, int column, unsigned min, unsigned max,
                       unsigned *out, struct fault *f);
bool replay_table_double(const char *path, const struct csv *c, size_t row, int column, double min, double max,
                         double *out, struct fault *f);
/* A name that can stand in a xl.cfg file, in a path and in one column of the output. */
bool replay_table_word(const char *path, const struct csv *c, size_t row, int column, size_t most, const char **out,
                       struct fault *f);

/* ---- scenes (replay_scene.c) --------------------------------------------------------------------------------------
 */

struct replay_domain {
    const char *name;
    const char *cpus;     /* hard affinity as in xl.cfg, NULL: all of the pool */
    const char *workload; /* profile */
    unsigned vcpus, weight, cap;
};

/* One socket of nr_cpus pCPUs. dom0 has one vCPU on pCPU 0; the guests share a pool with it, or have pCPUs 1.. to
 * themselves in a pool of their own. */
struct replay_scene {
    char name[160];    /* of its directory; unique among the scenes of a replay */
    const char *where; /* "file:line:column" in the record, for errors */
    const char *sched, *level;
    const char *warmup, *duration; /* as in TOML */
    const char *dom0_workload;     /* profile */
    unsigned nr_cpus;
    bool dom0_in_pool;
    unsigned nr_domains;
    const struct replay_domain *domain;
};

/* Write DIR/NAME/{scenario.toml,machine.toml,*.cfg}; DIR exists. path: of scenario.toml. */
int replay_scene_write(const struct replay_scene *s, const char *dir, char *path, size_t n, struct fault *f);

/*
 * Build and run all scenes, each with `seeds` seeds; result is called for each of these, in any order. A scene that
 * cannot be built is a fault; one whose simulation fails says so in r->exit.
 */
typedef void (*replay_result)(void *ctx, size_t index, const struct scenario *s, const struct run_reply *r);
int replay_run(const struct replay_options *o, const struct replay_scene *scene, size_t nr, unsigned seeds,
               replay_result result, void *ctx, struct fault *f);

/* Where scenes are written: the directory of --keep, or one that goes again. */
int replay_directory_open(const struct replay_options *o, char *dir, size_t n, struct fault *f);
void replay_directory_close(const struct replay_options *o, const char *dir);
/* Nothing where f has failed already. */
void replay_write_file(struct fault *f, const char *dir, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- the verdict --------------------------------------------------------------------------------------------------
 */

/* The last line, and the exit code: EXIT_CHECK_FAILED if any failed. */
int replay_verdict(unsigned passed, unsigned failed);

#endif
