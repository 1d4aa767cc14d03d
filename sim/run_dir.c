/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run_dir.h"

#include "build_info.h"
#include "json.h"
#include <errno.h>
#include <hv/core.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In the order in which they are moved into place. */
static const char *const files[] = {"metrics.csv", "metrics.json", "run.json"};
enum { NR_FILES = sizeof(files) / sizeof(files[0]) };

static char *join(const char *dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* Make what is missing above path. 0 or -errno. */
static int make_parents(struct run_dir *d)
{
    for (char *p = d->path + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        int made = mkdir(d->path, 0777), e = errno;
        *p = '/';
        if (!made)
            d->parents_made++;
        else if (e != EEXIST)
            return -e;
    }
    return 0;
}

static void remove_parents(struct run_dir *d)
{
    char *path = strdup(d->path);
    for (char *slash; path && d->parents_made && (slash = strrchr(path, '/')); d->parents_made--) {
        *slash = 0;
        rmdir(path); /* only if it is empty, which is what we want */
    }
    free(path);
}

static bool exists(const char *dir, const char *name)
{
    char *path = join(dir, name);
    bool there = path && access(path, F_OK) == 0;
    free(path);
    return there;
}

int run_dir_open(struct run_dir *d, const char *path, bool force, struct fault *f)
{
    memset(d, 0, sizeof(*d));
    d->force = force;
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (!n)
        return fault_set(f, EXIT_BAD_INPUT, "--out: expected a directory, found an empty name");
    d->path = strndup(path, n);
    struct stat st;
    if (d->path && stat(d->path, &st) == 0 && !S_ISDIR(st.st_mode))
        return fault_set(f, EXIT_BAD_INPUT, "%s: not a directory", d->path);
    if (d->path && !force && exists(d->path, "run.json"))
        return fault_set(f, EXIT_BAD_INPUT, "%s already holds the result of a run; --force replaces it", d->path);
    if (!d->path || asprintf(&d->temp, "%s.tmp-XXXXXX", d->path) < 0)
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    int e = make_parents(d);
    if (!e && stat(d->path, &st) == 0 && access(d->path, W_OK | X_OK))
        e = -errno;
    if (!e && !mkdtemp(d->temp))
        e = -errno;
    if (e) {
        free(d->temp);
        d->temp = NULL;
        return fault_set(f, EXIT_BAD_INPUT, "%s: cannot write there: %s", d->path, strerror(-e));
    }
    mode_t mask = umask(0);
    umask(mask);
    chmod(d->temp, 0777 & ~mask);
    return EXIT_DONE;
}

static void write_host(FILE *f)
{
    struct host_info h;
    host_info_read(&h);
    fputs("  \"host\": {\"cpu\": ", f);
    json_write_string(f, h.cpu);
    fputs(", \"kernel\": ", f);
    json_write_string(f, h.kernel);
    fprintf(f, ", \"cpus\": %u},\n", h.cpus);
}

static void write_version(FILE *f)
{
    struct build_info b = build_info();
    fputs("  \"version\": ", f);
    json_write_string(f, b.version);
    fputs(",\n  \"git\": {\"commit\": ", f);
    json_write_string(f, b.commit);
    fprintf(f, ", \"dirty\": %s},\n  \"compiler\": ", b.dirty ? "true" : "false");
    json_write_string(f, b.compiler);
    fputs(",\n", f);
}

void run_json_write(FILE *f, const struct run_facts *facts, const struct run_reply *reply)
{
    const struct run_result *r = &reply->result;
    const struct scenario *s = facts->scenario;
    fputs("{\n  \"scenario\": ", f);
    json_write_string(f, s->name ? s->name : "");
    fputs(",\n  \"file\": ", f);
    json_write_string(f, s->path ? s->path : "");
    fprintf(f, ",\n  \"seed\": %" PRIu64 ",\n", facts->seed);
    write_version(f);
    fputs("  \"command\": [", f);
    for (int i = 0; i < facts->argc; i++) {
        fputs(i ? ", " : "", f);
        json_write_string(f, facts->argv[i]);
    }
    fputs("],\n", f);
    write_host(f);
    fprintf(f, "  \"simulated_s\": ");
    json_write_double(f, r->simulated_s);
    fprintf(f, ",\n  \"wall_s\": ");
    json_write_double(f, r->wall_s);
    fprintf(f, ",\n  \"cpu_s\": ");
    json_write_double(f, reply->cpu_s);
    fprintf(f, ",\n  \"start_cpu_s\": ");
    json_write_double(f, r->start_cpu_s);
    fprintf(f, ",\n  \"guests_cpu_s\": ");
    json_write_double(f, r->guests_cpu_s);
    fprintf(f, ",\n  \"events\": %" PRIu64 ",\n  \"events_per_s\": ", r->events);
    json_write_double(f, r->wall_s > 0 ? (double)r->events / r->wall_s : 0);
    fprintf(f, ",\n  \"handovers\": %" PRIu64, r->handovers);
    fprintf(f,
            ",\n  \"window\": {\"events\": %" PRIu64 ", \"steps\": %" PRIu64 ", \"handovers\": %" PRIu64
            ", \"wall_s\": ",
            r->window.events, r->window.steps, r->window.handovers);
    json_write_double(f, r->window.wall_s);
    fprintf(f, "},\n  \"peak_rss_bytes\": %" PRIu64 ",\n", reply->peak_rss_bytes);
    fprintf(f, "  \"fingerprint\": \"%016" PRIx64 "\",\n", r->fingerprint);
    fputs("  \"hv_core\": {\"build_id\": ", f);
    json_write_string(f, r->hv_build_id ? r->hv_build_id : "");
    fputs(", \"file\": ", f);
    if (facts->hv_core)
        json_write_string(f, facts->hv_core);
    else
        fputs("null", f);
    fprintf(f, ", \"abi\": %u},\n  \"exit\": {\"code\": %d, \"reason\": ", HV_ABI_VERSION, reply->exit);
    json_write_string(f, reply->exit == EXIT_DONE ? "done" : r->error);
    fputs("},\n  \"config\": ", f);
    fputs(s->resolved_json ? s->resolved_json : "null", f);
    fputs("\n}\n", f);
}

static int write_file(struct run_dir *d, const char *name, const struct run_facts *facts, const struct run_reply *reply,
                      struct fault *f)
{
    char *path = join(d->temp, name);
    FILE *out = path ? fopen(path, "wxe") : NULL;
    int e = out ? 0 : -errno;
    if (out) {
        if (!strcmp(name, "metrics.json"))
            metrics_write_json(&reply->result.metrics, out);
        else if (!strcmp(name, "metrics.csv"))
            metrics_write_csv(&reply->result.metrics, out);
        else
            run_json_write(out, facts, reply);
        if (fflush(out) || ferror(out))
            e = -(errno ? errno : EIO);
        if (fclose(out) && !e)
            e = -errno;
    }
    if (e)
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path ? path : name, strerror(-e));
    free(path);
    return f->code;
}

int run_dir_write(struct run_dir *d, const struct run_facts *facts, const struct run_reply *reply, struct fault *f)
{
    for (unsigned i = 0; i < NR_FILES && f->code == EXIT_DONE; i++)
        write_file(d, files[i], facts, reply, f);
    return f->code;
}

/* Into a directory that has something in it: file by file. */
static int move_files(struct run_dir *d)
{
    char *last = join(d->path, files[NR_FILES - 1]);
    if (!last)
        return -ENOMEM;
    int e = unlink(last) && errno != ENOENT ? -errno : 0; /* what is there is no complete result from here on */
    free(last);
    for (unsigned i = 0; i < NR_FILES && !e; i++) {
        char *from = join(d->temp, files[i]), *to = join(d->path, files[i]);
        if (!from || !to)
            e = -ENOMEM;
        else if (rename(from, to))
            e = -errno;
        free(from);
        free(to);
    }
    if (!e && rmdir(d->temp))
        e = -errno;
    return e;
}

int run_dir_commit(struct run_dir *d, struct fault *f)
{
    int e = rename(d->temp, d->path) ? -errno : 0;
    if (e == -ENOTEMPTY || e == -EEXIST)
        e = !d->force && exists(d->path, "run.json") ? -EEXIST : move_files(d);
    if (e)
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", d->path, strerror(-e));
    free(d->temp);
    d->temp = NULL;
    d->parents_made = 0;
    return EXIT_DONE;
}

void run_dir_close(struct run_dir *d)
{
    for (unsigned i = 0; d->temp && i < NR_FILES; i++) {
        char *path = join(d->temp, files[i]);
        if (path)
            unlink(path);
        free(path);
    }
    if (d->temp)
        rmdir(d->temp);
    if (d->path)
        remove_parents(d);
    free(d->temp);
    free(d->path);
    memset(d, 0, sizeof(*d));
}
