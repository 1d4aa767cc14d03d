/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "density.h"

#include "csv.h"
#include "json.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct density_program density_programs[DENSITY_PROGRAMS] = {
    {"sysbench-memory", "sysbench_memory_thr", "sysbench memory", "MB/s", "vm.throughput", false},
    {"specjbb2005", "specjbb2005_thr", "SPECjbb2005", "bop/s", "vm.throughput", false},
    {"sysbench-cpu", "sysbench_cpu_time", "sysbench cpu", "s", "vm.benchmark_time", true},
};

const char *const density_config_names[DENSITY_CONFIGS] = {"all", "pinned", "auto"};
static const char *const published_names[DENSITY_CONFIGS] = {"cpus_all", "pinned", NULL};

/* What a run is, from its label and its parameters. */
struct identity {
    unsigned program, vms;
    enum density_config config;
    const char *key; /* of a sensitivity run, "profile.NAME.KEY"; NULL: none */
    double value;
};

static const char *identify(const char *label, const struct json *params, struct identity *id)
{
    const struct json *count = json_get(params, "vm.0.count"), *workload = json_get(params, "vm.0.workload");
    if (!count || count->type != JSON_NUMBER || count->number < 1 || count->number > DENSITY_MAX_VMS)
        return "vm.0.count is not a number from 1 to 10";
    if (!workload || workload->type != JSON_STRING)
        return "vm.0.workload is not set";
    id->vms = (unsigned)count->number;
    for (id->program = 0; strcmp(density_programs[id->program].profile, workload->text) != 0;)
        if (++id->program == DENSITY_PROGRAMS)
            return "vm.0.workload is none of the benchmark's programs";
    unsigned config = 0;
    while (strcmp(density_config_names[config], label) != 0)
        if (++config == DENSITY_CONFIGS)
            return "the label is none of all, pinned, auto";
    id->config = (enum density_config)config;
    id->key = NULL;
    for (size_t i = 0; i < params->nr; i++)
        if (!strncmp(params->key[i], "profile.", 8)) {
            if (id->key || params->item[i]->type != JSON_NUMBER)
                return "more than one key of a profile is set, or one that is no number";
            id->key = params->key[i];
            id->value = params->item[i]->number;
        }
    return NULL;
}

static struct density_cell *find_cell(struct density *d, const struct identity *id)
{
    if (!id->key)
        return &d->cell[id->program][id->config][id->vms];
    size_t prefix = strlen("profile.") + strlen(density_programs[id->program].profile) + 1;
    const char *key = strlen(id->key) > prefix ? id->key + prefix : id->key;
    for (size_t i = 0; i < d->nr_variants; i++) {
        struct density_variant *v = &d->variant[i];
        if (v->program == id->program && v->config == id->config && v->vms == id->vms && v->value == id->value &&
            !strcmp(v->key, key))
            return &v->cell;
    }
    struct density_variant *more = realloc(d->variant, (d->nr_variants + 1) * sizeof(*more));
    if (!more)
        return NULL;
    d->variant = more;
    struct density_variant *v = &more[d->nr_variants++];
    memset(v, 0, sizeof(*v));
    v->program = id->program;
    v->vms = id->vms;
    v->config = id->config;
    v->value = id->value;
    snprintf(v->key, sizeof(v->key), "%s", key);
    return &v->cell;
}

static int add_value(struct density_cell *c, uint64_t seed, double value)
{
    size_t at = c->n;
    while (at && c->seed[at - 1] > seed)
        at--;
    if (c->n == DENSITY_MAX_SEEDS || (at && c->seed[at - 1] == seed))
        return -1;
    memmove(&c->seed[at + 1], &c->seed[at], (c->n - at) * sizeof(c->seed[0]));
    memmove(&c->value[at + 1], &c->value[at], (c->n - at) * sizeof(c->value[0]));
    c->seed[at] = seed;
    c->value[at] = value;
    c->n++;
    return 0;
}

/* The runs of the sweep with the mean of the metric of their program over the guests. */
static const char query[] =
    "SELECT r.id, r.label, r.seed, r.params, r.status,"
    " (SELECT avg(m.value) FROM metric m JOIN metric_def d ON d.id = m.def WHERE m.run = r.id AND d.name ="
    "  'vm.throughput' AND m.vm <> 'Domain-0'),"
    " (SELECT avg(m.value) FROM metric m JOIN metric_def d ON d.id = m.def WHERE m.run = r.id AND d.name ="
    "  'vm.benchmark_time' AND m.vm <> 'Domain-0')"
    " FROM sweep s JOIN sweep_run sr ON sr.sweep = s.id JOIN run r ON r.id = sr.run"
    " WHERE s.name = ?1 ORDER BY sr.position";
enum { COLUMN_ID, COLUMN_LABEL, COLUMN_SEED, COLUMN_PARAMS, COLUMN_STATUS, COLUMN_THROUGHPUT, COLUMN_TIME };

static int take_run(struct density *d, sqlite3_stmt *q, struct fault *f)
{
    int64_t run = sqlite3_column_int64(q, COLUMN_ID);
    char err[128] = "";
    struct identity id = {0};
    struct json *params = json_parse((const char *)sqlite3_column_text(q, COLUMN_PARAMS), err, sizeof(err));
    const char *wrong = params ? identify((const char *)sqlite3_column_text(q, COLUMN_LABEL), params, &id) : err;
    if (wrong) {
        fault_set(f, EXIT_BAD_INPUT, "run %" PRId64 " of the sweep is not one of the density benchmark: %s", run,
                  wrong);
    } else if (strcmp((const char *)sqlite3_column_text(q, COLUMN_STATUS), "done") != 0) {
        d->missing++;
    } else {
        bool time = density_programs[id.program].lower_is_better;
        d->runs++;
        struct density_cell *c = find_cell(d, &id);
        if (sqlite3_column_type(q, time ? COLUMN_TIME : COLUMN_THROUGHPUT) == SQLITE_NULL)
            fault_set(f, EXIT_BAD_INPUT, "run %" PRId64 " has no metric %s", run, density_programs[id.program].metric);
        else if (!c || add_value(c, (uint64_t)sqlite3_column_int64(q, COLUMN_SEED),
                                 sqlite3_column_double(q, time ? COLUMN_TIME : COLUMN_THROUGHPUT)))
            fault_set(f, EXIT_BAD_INPUT, "run %" PRId64 ": the sweep has two runs of the same cell and seed", run);
    }
    json_free(params);
    return f->code;
}

static int load_sweep(struct density *d, struct store *s, const char *name, size_t *found, struct fault *f)
{
    sqlite3_stmt *q = NULL;
    *found = 0;
    if (sqlite3_prepare_v2(store_db(s), query, -1, &q, NULL) != SQLITE_OK)
        return fault_set(f, EXIT_HOST_FAILED, "%s", sqlite3_errmsg(store_db(s)));
    sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
    int e;
    while ((e = sqlite3_step(q)) == SQLITE_ROW && take_run(d, q, f) == EXIT_DONE)
        ++*found;
    if (e != SQLITE_ROW && e != SQLITE_DONE)
        fault_set(f, EXIT_HOST_FAILED, "%s", sqlite3_errmsg(store_db(s)));
    sqlite3_finalize(q);
    return f->code;
}

int density_load(struct density *d, struct store *s, const char *sweep, struct fault *f)
{
    char name[256];
    size_t found;
    if (load_sweep(d, s, sweep, &found, f) != EXIT_DONE)
        return f->code;
    if (!found)
        return fault_set(f, EXIT_BAD_INPUT, "the database has no sweep '%s'", sweep);
    snprintf(name, sizeof(name), "%s-sensitivity", sweep);
    if (load_sweep(d, s, name, &found, f) != EXIT_DONE)
        return f->code;
    for (unsigned p = 0; p < DENSITY_PROGRAMS; p++)
        for (unsigned c = 0; c < DENSITY_CONFIGS; c++)
            for (unsigned n = 1; n <= DENSITY_MAX_VMS; n++)
                density_summarise(&d->cell[p][c][n]);
    for (size_t i = 0; i < d->nr_variants; i++)
        density_summarise(&d->variant[i].cell);
    return EXIT_DONE;
}

static void take_published(struct density *d, const struct csv *c, size_t row, const int *column, const char *path,
                           struct fault *f)
{
    const char *benchmark = csv_cell(c, row, column[0]), *vms = csv_cell(c, row, column[1]);
    const char *config = csv_cell(c, row, column[2]);
    char *end[3];
    unsigned long n = strtoul(vms, &end[0], 10);
    struct density_published v = {.known = true};
    v.mean = strtod(csv_cell(c, row, column[3]), &end[1]);
    v.sd = strtod(csv_cell(c, row, column[4]), &end[2]);
    if (*end[0] || *end[1] || *end[2] || n < 1 || n > DENSITY_MAX_VMS || v.mean <= 0) {
        fault_set(f, EXIT_BAD_INPUT, "%s:%u:1: not a row of the published table", path, c->line[row]);
        return;
    }
    for (unsigned p = 0; p < DENSITY_PROGRAMS; p++)
        for (unsigned k = 0; k < DENSITY_CONFIGS; k++)
            if (published_names[k] && !strcmp(density_programs[p].published, benchmark) &&
                !strcmp(published_names[k], config)) {
                d->published[p][k][n] = v;
                return;
            }
    fault_set(f, EXIT_BAD_INPUT, "%s:%u:1: unknown benchmark '%s' or configuration '%s'", path, c->line[row], benchmark,
              config);
}

int density_load_published(struct density *d, const char *csv_path, struct fault *f)
{
    static const char *const names[] = {"benchmark", "vms", "config", "with_change_mean", "with_change_pm"};
    int column[5];
    struct csv c;
    if (csv_read(csv_path, &c, f) != EXIT_DONE)
        return f->code;
    for (int i = 0; i < 5; i++)
        if ((column[i] = csv_column(&c, names[i])) < 0)
            fault_set(f, EXIT_BAD_INPUT, "%s:1:1: no column '%s'", csv_path, names[i]);
    for (size_t i = 0; i < c.nr_rows && f->code == EXIT_DONE; i++)
        take_published(d, &c, i, column, csv_path, f);
    csv_free(&c);
    return f->code;
}

void density_free(struct density *d)
{
    free(d->variant);
    free(d);
}
