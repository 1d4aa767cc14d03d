/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* In the file's header, so that we can tell our files ("hvsw"), and the version of the tables below. */
#define APPLICATION_ID 0x68767377
#define SCHEMA_VERSION 2
/* A killed sweep leaves children that die within milliseconds; they hold its lock until then. */
enum { LOCK_TRIES = 40, LOCK_WAIT_MS = 50 };

static const char *const schema =
    "CREATE TABLE sweep(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT, file TEXT);"
    "CREATE TABLE config(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, json TEXT NOT NULL);"
    "CREATE TABLE run(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, scenario TEXT NOT NULL, label TEXT NOT NULL,"
    " seed INTEGER NOT NULL, params TEXT NOT NULL, config INTEGER NOT NULL REFERENCES config(id),"
    " status TEXT NOT NULL DEFAULT 'pending' CHECK(status IN ('pending', 'done', 'failed')), exit INTEGER, error TEXT,"
    " fingerprint TEXT, events INTEGER, simulated_s REAL, wall_s REAL, cpu_s REAL, peak_rss_bytes INTEGER, hv_core "
    "TEXT);"
    "CREATE TABLE sweep_run(sweep INTEGER NOT NULL REFERENCES sweep(id), position INTEGER NOT NULL,"
    " run INTEGER NOT NULL REFERENCES run(id), PRIMARY KEY(sweep, position)) WITHOUT ROWID;"
    "CREATE TABLE metric_def(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT, description TEXT);"
    "CREATE TABLE metric(run INTEGER NOT NULL REFERENCES run(id), seq INTEGER NOT NULL,"
    " def INTEGER NOT NULL REFERENCES metric_def(id), vm TEXT, vcpu TEXT, pcpu TEXT, node TEXT, pool TEXT,"
    " quantile TEXT, \"from\" TEXT, \"to\" TEXT, op TEXT, lock TEXT, unit TEXT NOT NULL, value REAL,"
    " PRIMARY KEY(run, seq)) WITHOUT ROWID;"
    "CREATE VIEW value AS SELECT r.id AS run, r.scenario, r.label, r.seed, r.params, d.name AS metric, m.vm, m.vcpu,"
    " m.pcpu, m.node, m.pool, m.quantile, m.\"from\", m.\"to\", m.op, m.lock, m.value, m.unit"
    " FROM metric m JOIN run r ON r.id = m.run JOIN metric_def d ON d.id = m.def;";

enum statement {
    ADD_SWEEP,
    CLEAR_SWEEP,
    ADD_CONFIG,
    ADD_RUN,
    FIND_RUN,
    ADD_SWEEP_RUN,
    FINISH_RUN,
    CLEAR_METRICS,
    ADD_METRIC,
    NR_STATEMENTS
};

static const char *const statements[NR_STATEMENTS] = {
    [ADD_SWEEP] = "INSERT INTO sweep(name, description, file) VALUES(?1, ?2, ?3) ON CONFLICT(name) DO UPDATE SET "
                  "description = excluded.description, file = excluded.file RETURNING id",
    [CLEAR_SWEEP] = "DELETE FROM sweep_run WHERE sweep = ?1",
    [ADD_CONFIG] = "INSERT INTO config(key, json) VALUES(?1, ?2) ON CONFLICT(key) DO NOTHING",
    [ADD_RUN] = "INSERT INTO run(key, scenario, label, seed, params, config) SELECT ?1, ?2, ?3, ?4, ?5, id FROM config "
                "WHERE key = ?6 ON CONFLICT(key) DO NOTHING",
    [FIND_RUN] = "SELECT id, status FROM run WHERE key = ?1",
    [ADD_SWEEP_RUN] = "INSERT INTO sweep_run(sweep, position, run) VALUES(?1, ?2, ?3)",
    [FINISH_RUN] = "UPDATE run SET status = ?2, exit = ?3, error = ?4, fingerprint = ?5, events = ?6, simulated_s = ?7,"
                   " wall_s = ?8, peak_rss_bytes = ?9, hv_core = ?10, cpu_s = ?11 WHERE id = ?1",
    [CLEAR_METRICS] = "DELETE FROM metric WHERE run = ?1",
    [ADD_METRIC] = "INSERT INTO metric VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
};
/* ADD_METRIC: labels from parameter 4 on, in the order of metric_label_names, then unit and value. */
enum { FIRST_LABEL = 4, UNIT_PARAMETER = FIRST_LABEL + METRIC_NR_LABELS, VALUE_PARAMETER };
_Static_assert(VALUE_PARAMETER == 15, "the columns of table metric are those of metric_label_names");

struct store {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *stmt[NR_STATEMENTS];
    int lock_fd; /* flock: one writer; -1 for readers. Never closed before db: closing drops SQLite's own locks. */
    bool writer; /* open for writing, and ours */
    int64_t sweep, position;
};

/* ---- small things ----------------------------------------------------------------------------------------------- */

static int broken(struct store *s, struct fault *f)
{
    return fault_set(f, EXIT_HOST_FAILED, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

static int execute(struct store *s, const char *sql, struct fault *f)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? EXIT_DONE : broken(s, f);
}

static int64_t pragma(struct store *s, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int64_t v = -1;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        v = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return v;
}

/* Bind text, NULL for none. The text must live until the step. */
static void bind_text(sqlite3_stmt *q, int at, const char *text)
{
    if (text)
        sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(q, at);
}

/* Run a statement that was bound; *first: its first column, if it returns a row. */
static int step(struct store *s, sqlite3_stmt *q, int64_t *first, struct fault *f)
{
    int e = sqlite3_step(q);
    if (e == SQLITE_ROW && first)
        *first = sqlite3_column_int64(q, 0);
    while (e == SQLITE_ROW)
        e = sqlite3_step(q);
    int failed = e == SQLITE_DONE ? EXIT_DONE : broken(s, f);
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return failed;
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static int take_lock(struct store *s, struct fault *f)
{
    s->lock_fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->lock_fd < 0)
        return fault_set(f, EXIT_BAD_INPUT, "%s: cannot write there: %s", s->path, strerror(errno));
    for (int i = 0; flock(s->lock_fd, LOCK_EX | LOCK_NB); i++) {
        if (i == LOCK_TRIES)
            return fault_set(f, EXIT_BAD_INPUT, "%s: another hvsim is writing to it", s->path);
        struct timespec pause = {0, LOCK_WAIT_MS * 1000000l};
        nanosleep(&pause, NULL);
    }
    return EXIT_DONE;
}

static int write_definitions(struct store *s, struct fault *f)
{
    static const char sql[] = "INSERT INTO metric_def VALUES(?1, ?2, ?3, ?4) ON CONFLICT(id) DO UPDATE SET name = ?2, "
                              "unit = ?3, description = ?4";
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK)
        return broken(s, f);
    for (const struct metric_def *d = metric_defs; d->name && f->code == EXIT_DONE; d++) {
        sqlite3_bind_int64(q, 1, d - metric_defs);
        bind_text(q, 2, d->name);
        bind_text(q, 3, d->unit);
        bind_text(q, 4, d->description);
        step(s, q, NULL, f);
    }
    sqlite3_finalize(q);
    return f->code;
}

/* An empty file, or one of ours? */
static int check_file(struct store *s, enum store_mode mode, struct fault *f)
{
    int64_t tables = pragma(s, "SELECT count(*) FROM sqlite_master");
    int64_t id = pragma(s, "PRAGMA application_id"), version = pragma(s, "PRAGMA user_version");
    if (tables == 0 && id == 0 && mode != STORE_READ)
        return EXIT_DONE;
    if (tables < 0 || id != APPLICATION_ID)
        return fault_set(f, EXIT_BAD_INPUT, "%s: not a file of hvsim sweep", s->path);
    if (version != SCHEMA_VERSION)
        return fault_set(f, EXIT_BAD_INPUT, "%s: has tables of version %" PRId64 ", this hvsim knows version %d",
                         s->path, version, SCHEMA_VERSION);
    return EXIT_DONE;
}

static int create_tables(struct store *s, bool again, struct fault *f)
{
    char header[128];
    snprintf(header, sizeof(header), "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID,
             SCHEMA_VERSION);
    if (again && execute(s,
                         "DROP VIEW value; DROP TABLE sweep_run; DROP TABLE metric; DROP TABLE metric_def;"
                         "DROP TABLE run; DROP TABLE config; DROP TABLE sweep;",
                         f) != EXIT_DONE)
        return f->code;
    if (execute(s, schema, f) == EXIT_DONE)
        execute(s, header, f);
    return f->code;
}

static int prepare_writer(struct store *s, enum store_mode mode, struct fault *f)
{
    /* Write-ahead log, synced at checkpoints: a killed process loses nothing, a power cut the last runs at most. A
     * checkpoint in 4 MiB, SQLite's own: while it copies the log into the file and waits for the disk, a processor
     * whose run ends has nothing to do. One in 64 MiB took as long as five runs of a small host. */
    if (execute(s,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                "BEGIN IMMEDIATE",
                f) != EXIT_DONE)
        return f->code;
    bool empty = pragma(s, "SELECT count(*) FROM sqlite_master") == 0;
    if (empty || mode == STORE_RECREATE)
        create_tables(s, !empty, f);
    if (f->code == EXIT_DONE)
        write_definitions(s, f);
    if (f->code == EXIT_DONE)
        execute(s, "COMMIT", f);
    for (int i = 0; i < NR_STATEMENTS && f->code == EXIT_DONE; i++)
        if (sqlite3_prepare_v3(s->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &s->stmt[i], NULL) != SQLITE_OK)
            broken(s, f);
    s->writer = f->code == EXIT_DONE;
    return f->code;
}

static void open_file(struct store *s, enum store_mode mode, struct fault *f)
{
    if ((mode == STORE_READ || mode == STORE_EXTEND) && access(s->path, R_OK)) {
        fault_set(f, EXIT_BAD_INPUT, "%s: %s", s->path, strerror(errno));
        return;
    }
    if (mode != STORE_READ && take_lock(s, f) != EXIT_DONE)
        return;
    /* A file that a killed sweep left has a log that even a reader must be able to open. */
    int flags = mode == STORE_READ && access(s->path, W_OK) ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    flags |= SQLITE_OPEN_NOMUTEX; /* one thread */
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK) {
        fault_set(f, EXIT_BAD_INPUT, "%s: %s", s->path, s->db ? sqlite3_errmsg(s->db) : "out of memory");
        return;
    }
    sqlite3_busy_timeout(s->db, 5000);
    if (check_file(s, mode, f) == EXIT_DONE && mode != STORE_READ)
        prepare_writer(s, mode, f);
}

struct store *store_open(const char *path, enum store_mode mode, struct fault *f)
{
    struct store *s = calloc(1, sizeof(*s));
    if (!s || !(s->path = strdup(path))) {
        free(s);
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return NULL;
    }
    s->lock_fd = -1;
    bool existed = access(path, F_OK) == 0;
    open_file(s, mode, f);
    if (f->code == EXIT_DONE)
        return s;
    bool ours = s->lock_fd >= 0 && !existed; /* nothing half-written left behind */
    store_close(s);
    if (ours)
        unlink(path);
    return NULL;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (int i = 0; i < NR_STATEMENTS; i++)
        sqlite3_finalize(s->stmt[i]);
    /* One file without a log beside it, which can be copied and read anywhere. */
    if (s->writer)
        sqlite3_exec(s->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    sqlite3_close(s->db);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->path);
    free(s);
}

sqlite3 *store_db(struct store *s)
{
    return s->db;
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

int store_begin_sweep(struct store *s, const char *name, const char *description, const char *file, struct fault *f)
{
    if (execute(s, "BEGIN IMMEDIATE", f) != EXIT_DONE)
        return f->code;
    sqlite3_stmt *q = s->stmt[ADD_SWEEP];
    bind_text(q, 1, name);
    bind_text(q, 2, description);
    bind_text(q, 3, file);
    if (step(s, q, &s->sweep, f) != EXIT_DONE)
        return f->code;
    s->position = 0;
    sqlite3_bind_int64(s->stmt[CLEAR_SWEEP], 1, s->sweep);
    return step(s, s->stmt[CLEAR_SWEEP], NULL, f);
}

static int find_run(struct store *s, const char *key, int64_t *id, enum run_status *status, struct fault *f)
{
    sqlite3_stmt *q = s->stmt[FIND_RUN];
    bind_text(q, 1, key);
    if (sqlite3_step(q) != SQLITE_ROW)
        return broken(s, f);
    *id = sqlite3_column_int64(q, 0);
    const char *text = (const char *)sqlite3_column_text(q, 1);
    *status = !text || *text == 'p' ? RUN_PENDING : *text == 'd' ? RUN_DONE : RUN_FAILED;
    sqlite3_reset(q);
    return EXIT_DONE;
}

int store_add_run(struct store *s, const struct store_run *r, int64_t *id, enum run_status *status, struct fault *f)
{
    sqlite3_stmt *q = s->stmt[ADD_CONFIG];
    bind_text(q, 1, r->config_key);
    bind_text(q, 2, r->config_json);
    if (step(s, q, NULL, f) != EXIT_DONE)
        return f->code;
    q = s->stmt[ADD_RUN];
    bind_text(q, 1, r->key);
    bind_text(q, 2, r->scenario);
    bind_text(q, 3, r->label);
    sqlite3_bind_int64(q, 4, (int64_t)r->seed);
    bind_text(q, 5, r->params_json);
    bind_text(q, 6, r->config_key);
    if (step(s, q, NULL, f) != EXIT_DONE || find_run(s, r->key, id, status, f) != EXIT_DONE)
        return f->code;
    q = s->stmt[ADD_SWEEP_RUN];
    sqlite3_bind_int64(q, 1, s->sweep);
    sqlite3_bind_int64(q, 2, s->position++);
    sqlite3_bind_int64(q, 3, *id);
    return step(s, q, NULL, f);
}

int store_end_sweep(struct store *s, struct fault *f)
{
    return execute(s, "COMMIT", f);
}

static int add_metric(struct store *s, int64_t run, size_t seq, const struct metric *m, struct fault *f)
{
    sqlite3_stmt *q = s->stmt[ADD_METRIC];
    sqlite3_bind_int64(q, 1, run);
    sqlite3_bind_int64(q, 2, (int64_t)seq);
    sqlite3_bind_int64(q, 3, m->def - metric_defs);
    for (unsigned k = 0; k < m->nr_labels; k++) /* the others were cleared after the last step */
        bind_text(q, FIRST_LABEL + metric_label_find(m->label[k].name), m->label[k].value);
    bind_text(q, UNIT_PARAMETER, m->unit);
    sqlite3_bind_double(q, VALUE_PARAMETER, m->value);
    return step(s, q, NULL, f);
}

static int update_run(struct store *s, int64_t id, const struct run_reply *r, struct fault *f)
{
    const struct run_result *x = &r->result;
    bool done = r->exit == EXIT_DONE;
    char fingerprint[24];
    snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, x->fingerprint);
    sqlite3_stmt *q = s->stmt[FINISH_RUN];
    sqlite3_bind_int64(q, 1, id);
    bind_text(q, 2, done ? "done" : "failed");
    sqlite3_bind_int64(q, 3, r->exit);
    bind_text(q, 4, done ? NULL : x->error);
    bind_text(q, 5, done ? fingerprint : NULL);
    sqlite3_bind_int64(q, 6, (int64_t)x->events);
    sqlite3_bind_double(q, 7, x->simulated_s);
    sqlite3_bind_double(q, 8, x->wall_s);
    sqlite3_bind_int64(q, 9, (int64_t)r->peak_rss_bytes);
    bind_text(q, 10, x->hv_build_id);
    sqlite3_bind_double(q, 11, r->cpu_s);
    return step(s, q, NULL, f);
}

int store_finish_run(struct store *s, int64_t id, const struct run_reply *r, struct fault *f)
{
    if (execute(s, "BEGIN IMMEDIATE", f) != EXIT_DONE || update_run(s, id, r, f) != EXIT_DONE)
        return f->code;
    sqlite3_bind_int64(s->stmt[CLEAR_METRICS], 1, id);
    step(s, s->stmt[CLEAR_METRICS], NULL, f);
    const struct metrics *ms = &r->result.metrics;
    for (size_t i = 0; r->exit == EXIT_DONE && i < ms->nr && f->code == EXIT_DONE; i++)
        add_metric(s, id, i, &ms->m[i], f);
    return f->code == EXIT_DONE ? execute(s, "COMMIT", f) : f->code;
}
