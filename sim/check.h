/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvsim check: suites of expectations about placement that a person writes and reads (docs/check.md). A suite is one
 * TOML file of cases; a case is a machine, VMs, and what is expected of them. Each case becomes a scenario, which runs
 * in a child like any other; what it wrote is looked at.
 *
 *   check_load.c      the file
 *   check_scene.c     a case as a scenario
 *   check_expect.c    the kinds of expectations: how each is written, and when it holds
 *   check_baseline.c  pages of every VM on every node as they were when somebody last looked
 *   check_report.c    what is printed, JUnit XML, JSON
 *   check.c           running
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "backend.h"
#include "fault.h"
#include "wire.h"
#include <config.h>
#include <signal.h>

struct check_options {
    const struct run_backend *backend;
    const char *const *files; /* NULL-terminated */
    const char *junit;        /* NULL, or where to write the XML */
    const char *filter;       /* NULL, or a pattern that the name of a case must match */
    const char *keep;         /* NULL, or the directory to leave the scenarios in; it does not exist yet */
    bool json, update, quiet;
    unsigned jobs;
    uint64_t seed;
    const volatile sig_atomic_t *stop;
};

/* EXIT_DONE; EXIT_CHECK_FAILED if an expectation or a baseline was missed (printed; f stays empty); else what f says.
 */
int check_suites(const struct check_options *o, struct fault *f);

/* ---- a suite ---------------------------------------------------------------------------------------------------- */

struct check_vm {
    const char *name, *config, *workload,
        *extra; /* config: an xl.cfg file instead of the keys here; extra: more lines */
    const char *cpus, *cpus_soft, *pool, *type, *memory;
    unsigned count, vcpus;
    bool may_fail; /* a creation that is expected to fail, or not to */
    cfg_table *table;
};

enum check_kind {
#define CHECK_KINDS(X)                                                                                                 \
    X(nodes, "VM: all of its pages are on these nodes (list of numbers)")                                              \
    X(at_most_nodes, "VM: its pages are on no more nodes than this")                                                   \
    X(local_pages_at_least, "VM: share of its pages on nodes where its vCPUs prefer to run (\"95 %\")")                \
    X(local_accesses_at_least, "VM: share of its memory accesses that stayed on the node (\"95 %\")")                  \
    X(superpages_at_least, "VM: share of its pages that are mapped by 2 MiB or 1 GiB (\"95 %\")")                      \
    X(wake_p50_at_most, "VM: median of its wake-up latency (a time)")                                                  \
    X(wake_p99_at_most, "VM: 99th percentile of its wake-up latency (a time)")                                         \
    X(wake_max_at_most, "VM: longest wake-up latency (a time)")                                                        \
    X(migrations_at_most, "VM: moves of its vCPUs between pCPUs")                                                      \
    X(creation, "VM: \"succeeds\", \"fails\", or the error with which it fails, as \"ENOMEM\"")                        \
    X(free_at_least, "node: free memory at the end (a size)")                                                          \
    X(free_at_most, "node: free memory at the end (a size)")                                                           \
    X(at_least, "metric: lower bound of every value that the labels select")                                           \
    X(at_most, "metric: upper bound of every value that the labels select")
#define X(name, text) CHECK_##name,
    CHECK_KINDS(X)
#undef X
        CHECK_NR_KINDS
};

/* One thing that must hold. */
struct check_expect {
    const char *where; /* file:line:column */
    enum check_kind kind;
    const char *vm;     /* pattern, NULL: of the host */
    const char *metric; /* at_least, at_most */
    const char *quantile;
    const char *word; /* creation */
    int node;         /* -1: all of them together */
    double bound;
    const int64_t *list; /* nodes */
    size_t nr_list;
    char text[256]; /* as a sentence */
};

struct check_case {
    const char *where, *name;
    const char *machine, *behaviour, *sched, *duration, *warmup, *scenario, *dom0_memory;
    unsigned dom0_vcpus;
    const char *const *set;
    size_t nr_set;
    unsigned nr_vms, nr_expects;
    struct check_vm *vm;
    struct check_expect *expect;
};

struct check_suite {
    const char *path, *name, *description;
    unsigned nr_cases;
    struct check_case *c;
    cfg_doc *doc; /* owns all strings */
};

/* NULL with the reason in f. */
struct check_suite *check_load(const char *path, struct fault *f);
void check_suite_free(struct check_suite *s);
/* "95 %" as 0.95. */
bool check_percent(cfg_table *t, const char *key, double *out);
/* Every key of a suite, for `hvsim list check-keys`. */
const struct machine_key *check_keys(unsigned *n);

/* ---- outcomes ---------------------------------------------------------------------------------------------------- */

/* What became of the creation of a VM with may_fail. */
struct check_creation {
    char vm[64], error[32], message[256];
    bool failed;
};

struct check_run {
    const struct check_suite *suite;
    const struct check_case *c;
    struct scenario *scenario;
    FILE *log; /* of actions */
    bool finished;
    struct run_reply reply;
    double wall_s;
    unsigned nr_creations;
    struct check_creation *creation;
};

/* Write the scenario of a case below dir and load it. */
int check_scene(const struct check_options *o, const char *dir, struct check_run *r, struct fault *f);
/* Read the log of actions. */
int check_scene_read(struct check_run *r, struct fault *f);

struct check_verdict {
    bool passed;
    char text[512]; /* what was found instead; what went wrong */
};
/* Adds the kinds of an [[case.expect]] table to c. */
bool check_expect_read(cfg_table *t, struct check_case *c);
void check_expect_judge(const struct check_run *r, const struct check_expect *e, struct check_verdict *v);

/* ---- baseline ---------------------------------------------------------------------------------------------------- */

/* Next to the suite: SUITE.baseline.toml. NULL with f empty: there is none. */
struct check_baseline;
struct check_baseline *check_baseline_load(const struct check_suite *s, struct fault *f);
void check_baseline_free(struct check_baseline *b);
/* Called for each VM of the run that is not where it was, or that is new or gone. Returns how many. */
unsigned check_baseline_compare(const struct check_baseline *b, const struct check_run *r,
                                void (*differs)(void *ctx, const char *text), void *ctx);
/* In place of the old one, in one step. Cases of the suite that did not run (filter) keep what they had. */
int check_baseline_write(const struct check_suite *s, const struct check_baseline *old, const struct check_run *runs,
                         size_t nr, struct fault *f);

/* ---- report ------------------------------------------------------------------------------------------------------ */

struct check_result {
    const struct check_run *run;
    const struct check_expect *expect; /* NULL: the run itself, or the baseline */
    char what[300];
    struct check_verdict verdict;
};
void check_print(const struct check_result *r, size_t nr, bool quiet);
void check_print_json(const struct check_result *r, size_t nr);
int check_write_junit(const char *path, const struct check_result *r, size_t nr, struct fault *f);

#endif
