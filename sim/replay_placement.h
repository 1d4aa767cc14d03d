/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recorded sequence of domain creations and destructions. Shared by the files of replay placement. */
#ifndef SIM_REPLAY_PLACEMENT_H
#define SIM_REPLAY_PLACEMENT_H

#include "json.h"
#include "replay.h"

#define PLACEMENT_FORMAT "hvsim-placement-1"
#define PLACEMENT_ZONES 53u /* [z]: frames from 2^(z - 1) on; up to 52 bits of address */

/* A set of nodes or pCPUs as the record has it. */
struct placement_set {
    bool given; /* false: null, or not there */
    unsigned nr;
    unsigned *item; /* ascending */
};

struct placement_node {
    struct placement_set pcpus;
    uint64_t start, spanned, free; /* pages */
    uint64_t zone_free[PLACEMENT_ZONES];
    unsigned *distance;
};

struct placement_pool {
    const char *name, *sched; /* sched NULL: the host's */
    struct placement_set pcpus;
};

/* cpus or cpus_soft, in xl's two forms. */
struct placement_affinity {
    const char *text; /* string form, NULL: not given or a list */
    unsigned nr;      /* list form */
    const char **item;
};

struct placement_step {
    unsigned number;
    bool destroy;
    const char *name, *pool;
    unsigned memory_mb, maxmem_mb, vcpus, maxvcpus; /* maxmem_mb, maxvcpus 0: not given */
    struct placement_affinity cpus, soft;
    uint64_t *before; /* free pages of each node */

    /* What happened. */
    unsigned rc; /* exit status of xl */
    bool has_auto_placed, auto_placed;
    struct placement_set nodes_chosen, memory_nodes, hard, soft_cpus;
    uint64_t *pages, *after; /* of each node: the domain's, and free ones afterwards; NULL: not recorded */
};

struct placement_record {
    const char *path;
    char *text; /* of the file */
    struct json *json;
    const char *sequence, *level;
    unsigned nr_nodes, nr_cpus;
    struct placement_node *node;
    unsigned *cpu_socket; /* [pCPU] */
    bool has_zones;
    unsigned dma_bits; /* 0: not recorded */
    unsigned dom0_vcpus;
    unsigned nr_dom0_hard; /* 0: any pCPU; 1: of all vCPUs; else one for each */
    struct placement_set *dom0_hard, dom0_soft;
    unsigned nr_pools; /* [0] is the one that dom0 is in: Xen's first */
    struct placement_pool *pool;
    unsigned nr_steps;
    struct placement_step *step;
    struct placement_block *block; /* memory that goes with it */
};

/* What the simulation did in one step. */
struct placement_outcome {
    bool done;     /* false: the simulation did not come to it */
    char *trouble; /* why the step could not be set up as recorded; NULL: it was */
    unsigned rc;
    bool auto_placed;
    struct placement_set nodes_chosen, hard, soft_cpus;
    uint64_t *pages;
    char *message; /* the toolstack's last error, NULL: none */
};

/* One field that differs. */
struct placement_difference {
    const char *field;
    char *recorded, *simulated; /* as JSON */
};

/* ---- replay_placement_json.c: reading values with a place -------------------------------------------------------- */

/* Memory that is freed with the record; NULL and a fault if there is none. */
void *placement_alloc(struct placement_record *r, size_t nr, size_t size, struct fault *f);
/* "file:line:column: text", at a value (NULL: the whole file). */
void placement_fault(const struct placement_record *r, const struct json *at, struct fault *f, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Member of an object that must be there; NULL: reported. owner: what has it, for the message. */
const struct json *placement_need(struct placement_record *r, const struct json *j, const char *key, struct fault *f);
/* Members that nobody knows are named on the standard error, each with the nearest of the known (NULL-terminated). */
void placement_check_keys(const struct placement_record *r, const struct json *j, const char *const *known,
                          struct fault *f);
/* The value of a member; where it may be absent, absent and null leave *out alone. false: reported. */
bool placement_uint(struct placement_record *r, const struct json *j, const char *key, bool required, uint64_t min,
                    uint64_t max, uint64_t *out, struct fault *f);
bool placement_text(struct placement_record *r, const struct json *j, const char *key, bool required, const char **out,
                    struct fault *f);
bool placement_bool(struct placement_record *r, const struct json *j, const char *key, bool *given, bool *out,
                    struct fault *f);
/* Numbers below limit, no two alike, in any order. */
bool placement_numbers(struct placement_record *r, const struct json *v, const char *what, unsigned limit,
                       struct placement_set *out, struct fault *f);
/* A number of pages for each node. */
uint64_t *placement_pages(struct placement_record *r, const struct json *v, const char *what, struct fault *f);
/* Reads the file as JSON. */
int placement_open(struct placement_record *r, const char *path, struct fault *f);

/* ---- replay_placement_host.c, replay_placement_pools.c, replay_placement_read.c
 * ------------------------------------------------------------ */

void placement_read_host(struct placement_record *r, struct fault *f);
/* *pool: the name of the one that dom0 is in, if it says. */
void placement_read_dom0(struct placement_record *r, const struct json *v, const char **pool, struct fault *f);
void placement_read_pools(struct placement_record *r, const struct json *v, const char *of_dom0, struct fault *f);
int placement_read(struct placement_record *r, const char *path, struct fault *f);
void placement_free(struct placement_record *r);

/* ---- replay_placement_scene.c: the host and the steps as a scenario -----------------------------------------------
 */

/* DIR/NAME with machine.toml, scenario.toml and a xl.cfg file for each creation; path: of scenario.toml. */
int placement_scene_write(const struct placement_record *r, const char *level, const char *dir, const char *name,
                          char *path, size_t n, struct fault *f);
/* Actions of it before those of the first step; each step has two. */
unsigned placement_actions_before(const struct placement_record *r);

/* ---- replay_placement_outcome.c */

/* Outcomes from the log of the scene's actions, out[nr_steps]. */
int placement_scene_read(const struct placement_record *r, FILE *log, struct placement_outcome *out, struct fault *f);
void placement_outcome_free(struct placement_outcome *o);

/* ---- replay_placement_compare.c ---------------------------------------------------------------------------------- */

#define PLACEMENT_MAX_DIFFERENCES 12u
/* How many fields differ; out has their first PLACEMENT_MAX_DIFFERENCES. */
unsigned placement_compare(const struct placement_record *r, const struct placement_step *s,
                           const struct placement_outcome *o, struct placement_difference *out);
void placement_differences_free(struct placement_difference *d, unsigned nr);

#endif
