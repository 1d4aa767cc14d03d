/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database of sweeps: what it holds, what it refuses, what a killed writer leaves. */
#include "store.h"
#include "stub_backend.h"

#include <cunit_main.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t query(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    int64_t v = INT64_MIN;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
        v = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return v;
}

static bool intact(sqlite3 *db)
{
    sqlite3_stmt *q = NULL;
    bool ok = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &q, NULL) == SQLITE_OK &&
              sqlite3_step(q) == SQLITE_ROW && !strcmp((const char *)sqlite3_column_text(q, 0), "ok");
    sqlite3_finalize(q);
    return ok && query(db, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
}

/* A sweep of nr runs, of which the first `finish` get a result. */
static void fill(struct store *s, const char *name, unsigned nr, unsigned finish, int64_t *ids)
{
    struct fault f = {0};
    CU_ASSERT_EQUAL_FATAL(store_begin_sweep(s, name, "d", "f.toml", &f), EXIT_DONE);
    for (unsigned i = 0; i < nr; i++) {
        char key[16], config[16];
        snprintf(key, sizeof(key), "key%u", i);
        snprintf(config, sizeof(config), "config%u", i / 2);
        struct store_run r = {key, "s.toml", "label", "{\"a\": 1}", config, "{}", i};
        enum run_status status;
        CU_ASSERT_EQUAL_FATAL(store_add_run(s, &r, &ids[i], &status, &f), EXIT_DONE);
    }
    CU_ASSERT_EQUAL_FATAL(store_end_sweep(s, &f), EXIT_DONE);
    for (unsigned i = 0; i < finish; i++) {
        struct run_reply r = {.exit = i == 1 ? EXIT_MODEL_PANIC : EXIT_DONE, .result = {.fingerprint = i, .events = 3}};
        metrics_init(&r.result.metrics);
        metrics_add(&r.result.metrics, "vm.throughput", i, "vm", "a", NULL);
        metrics_add(&r.result.metrics, "link.utilisation", 0.5, "from", "0", "to", "1", NULL);
        snprintf(r.result.error, sizeof(r.result.error), "it's broken");
        CU_ASSERT_EQUAL(store_finish_run(s, ids[i], &r, &f), EXIT_DONE);
        metrics_free(&r.result.metrics);
    }
}

static void runs_and_metrics_are_there(void)
{
    char *dir = temp_dir();
    struct fault f = {0};
    int64_t ids[6];
    struct store *s = store_open(in_dir(dir, "a.sqlite"), STORE_CREATE, &f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    fill(s, "one", 6, 4, ids);
    store_close(s);
    CU_ASSERT_EQUAL(count_entries(dir), 1); /* one file, no log beside it */

    s = store_open(in_dir(dir, "a.sqlite"), STORE_READ, &f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    sqlite3 *db = store_db(s);
    CU_ASSERT_TRUE(intact(db));
    CU_ASSERT_EQUAL(query(db, "SELECT count(*) FROM run WHERE status = 'done'"), 3);
    CU_ASSERT_EQUAL(
        query(db, "SELECT count(*) FROM run WHERE status = 'failed' AND error = 'it''s broken' AND exit = 4"), 1);
    CU_ASSERT_EQUAL(query(db, "SELECT count(*) FROM run WHERE status = 'pending'"), 2);
    CU_ASSERT_EQUAL(query(db, "SELECT count(*) FROM config"), 3);
    CU_ASSERT_EQUAL(query(db, "SELECT count(*) FROM metric"), 6); /* none of a failed run */
    CU_ASSERT_EQUAL(query(db, "SELECT count(*) FROM value WHERE metric = 'vm.throughput' AND vm = 'a' AND value = 3"),
                    1);
    CU_ASSERT_EQUAL(query(db, "SELECT count(*) FROM value WHERE \"from\" = '0' AND \"to\" = '1' AND vm IS NULL"), 3);
    CU_ASSERT_EQUAL(query(db, "SELECT count(*) FROM run WHERE fingerprint = '0000000000000003'"), 1);
    size_t defs = 0;
    while (metric_defs[defs].name)
        defs++;
    CU_ASSERT_EQUAL(query(db, "SELECT count(*) FROM metric_def"), (int64_t)defs);
    store_close(s);
    remove_tree(dir);
}

static void a_known_run_is_found_again(void)
{
    char *dir = temp_dir();
    struct fault f = {0};
    int64_t first[6], again[8];
    struct store *s = store_open(in_dir(dir, "a.sqlite"), STORE_CREATE, &f);
    fill(s, "one", 6, 4, first);
    store_close(s);
    s = store_open(in_dir(dir, "a.sqlite"), STORE_CREATE, &f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    fill(s, "two", 8, 0, again);
    for (int i = 0; i < 6; i++)
        CU_ASSERT_EQUAL(first[i], again[i]);
    CU_ASSERT_EQUAL(query(store_db(s), "SELECT count(*) FROM run"), 8);
    CU_ASSERT_EQUAL(query(store_db(s), "SELECT count(*) FROM sweep"), 2);
    CU_ASSERT_EQUAL(query(store_db(s), "SELECT count(*) FROM sweep_run"), 14);
    store_close(s);

    s = store_open(in_dir(dir, "a.sqlite"), STORE_RECREATE, &f);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(query(store_db(s), "SELECT count(*) FROM run"), 0);
    store_close(s);
    remove_tree(dir);
}

static void refuses(const char *path, enum store_mode mode, int code, const char *text)
{
    struct fault f = {0};
    struct store *s = store_open(path, mode, &f);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_EQUAL(f.code, code);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.text, text));
    store_close(s);
}

static void foreign_files_are_refused_and_left_alone(void)
{
    char *dir = temp_dir();
    write_text(in_dir(dir, "text"), "This is a letter to my aunt, and long enough to be more than a header.\n");
    refuses(in_dir(dir, "text"), STORE_CREATE, EXIT_BAD_INPUT, "not a file of hvsim sweep");
    refuses(in_dir(dir, "text"), STORE_RECREATE, EXIT_BAD_INPUT, "not a file of hvsim sweep");
    refuses(in_dir(dir, "text"), STORE_READ, EXIT_BAD_INPUT, "not a file of hvsim sweep");
    char *text = read_text(in_dir(dir, "text"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "my aunt"));
    free(text);
    sqlite3 *db;
    sqlite3_open(in_dir(dir, "other"), &db);
    sqlite3_exec(db, "CREATE TABLE run(x); INSERT INTO run VALUES(7)", NULL, NULL, NULL);
    sqlite3_close(db);
    refuses(in_dir(dir, "other"), STORE_RECREATE, EXIT_BAD_INPUT, "not a file of hvsim sweep");
    sqlite3_open(in_dir(dir, "other"), &db);
    CU_ASSERT_EQUAL(query(db, "SELECT x FROM run"), 7);
    sqlite3_close(db);
    refuses(in_dir(dir, "nowhere"), STORE_READ, EXIT_BAD_INPUT, "No such file");
    refuses(in_dir(dir, "nowhere"), STORE_EXTEND, EXIT_BAD_INPUT, "No such file");
    refuses(in_dir(dir, "text/x.sqlite"), STORE_CREATE, EXIT_BAD_INPUT, "cannot write");
    refuses(dir, STORE_CREATE, EXIT_BAD_INPUT, "cannot write");
    CU_ASSERT_EQUAL(count_entries(dir), 2); /* nothing was made on the way */
    remove_tree(dir);
}

static void another_version_is_refused(void)
{
    char *dir = temp_dir();
    struct fault f = {0};
    store_close(store_open(in_dir(dir, "a.sqlite"), STORE_CREATE, &f));
    sqlite3 *db;
    sqlite3_open(in_dir(dir, "a.sqlite"), &db);
    sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL);
    sqlite3_close(db);
    refuses(in_dir(dir, "a.sqlite"), STORE_CREATE, EXIT_BAD_INPUT, "version 99");
    remove_tree(dir);
}

static void one_writer_at_a_time(void)
{
    char *dir = temp_dir();
    struct fault f = {0};
    store_close(store_open(in_dir(dir, "a.sqlite"), STORE_CREATE, &f));
    int fd = open(in_dir(dir, "a.sqlite"), O_RDWR);
    CU_ASSERT_EQUAL_FATAL(flock(fd, LOCK_EX), 0);
    refuses(in_dir(dir, "a.sqlite"), STORE_CREATE, EXIT_BAD_INPUT, "another hvsim");
    struct store *s = store_open(in_dir(dir, "a.sqlite"), STORE_READ, &f);
    CU_ASSERT_PTR_NOT_NULL(s); /* readers are welcome */
    store_close(s);
    close(fd);
    s = store_open(in_dir(dir, "a.sqlite"), STORE_CREATE, &f);
    CU_ASSERT_PTR_NOT_NULL(s);
    store_close(s);
    remove_tree(dir);
}

/* The writer is killed between any two runs, in the middle of the list too. */
static void a_killed_writer_loses_nothing_finished(void)
{
    enum { RUNS = 8 };
    for (unsigned finished = 0; finished <= RUNS; finished++) {
        char *dir = temp_dir();
        const char *path = in_dir(dir, "a.sqlite");
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0) {
            struct fault f = {0};
            int64_t ids[RUNS];
            struct store *s = store_open(path, STORE_CREATE, &f);
            if (s)
                fill(s, "one", RUNS, finished, ids);
            if (s && finished == 3) /* and in the middle of a transaction */
                store_begin_sweep(s, "two", "", "", &f);
            raise(SIGKILL);
        }
        int status;
        waitpid(pid, &status, 0);
        struct fault f = {0};
        struct store *s = store_open(path, STORE_READ, &f);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        CU_ASSERT_TRUE(intact(store_db(s)));
        CU_ASSERT_EQUAL(query(store_db(s), "SELECT count(*) FROM run WHERE status <> 'pending'"), finished);
        CU_ASSERT_EQUAL(query(store_db(s), "SELECT count(*) FROM run"), RUNS);
        CU_ASSERT_EQUAL(query(store_db(s), "SELECT count(*) FROM sweep"), 1);
        store_close(s);
        remove_tree(dir);
    }
}

static const struct cunit_case tests[] = {
    {"runs and metrics are there, in one file", runs_and_metrics_are_there},
    {"a known run is found again by its key", a_known_run_is_found_again},
    {"files that are not ours are refused and left alone", foreign_files_are_refused_and_left_alone},
    {"tables of another version are refused", another_version_is_refused},
    {"one writer at a time", one_writer_at_a_time},
    {"a killed writer loses nothing that was finished", a_killed_writer_loses_nothing_finished},
};
CUNIT_MAIN("store", tests)
