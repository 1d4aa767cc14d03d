/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stub_backend.h"

#include "json.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

const char *stub_run_log;

/* The overrides as one JSON object of strings; the last of a key wins. */
static struct scenario *load(const char *path, const char *const *overrides, char **err)
{
    if (access(path, R_OK)) {
        if (asprintf(err, "%s: %s", path, strerror(errno)) < 0)
            *err = NULL;
        return NULL;
    }
    for (size_t i = 0; overrides && overrides[i]; i++)
        if (!strncmp(overrides[i], "bad.", 4)) {
            if (asprintf(err, "--set %s: unknown key", overrides[i]) < 0)
                *err = NULL;
            return NULL;
        }
    struct scenario *s = calloc(1, sizeof(*s));
    s->name = strdup("stub");
    s->description = strdup("");
    s->path = strdup(path);
    s->warmup_ps = s->duration_ps = 1000000000000;
    for (size_t i = 0; overrides && overrides[i]; i++)
        if (!strncmp(overrides[i], "stub.simulated_s=", 17))
            s->duration_ps = strtoll(overrides[i] + 17, NULL, 10) * 1000000000000;
    static struct machine nowhere = {.name = (char *)"stub", .isa = (char *)"x86-64", .nr_cpus = 1};
    s->machine = &nowhere;
    s->level = hv_profiles;
    size_t n;
    const char *slash = strrchr(path, '/');
    FILE *f = open_memstream(&s->resolved_json, &n);
    fprintf(f, "{\"file\": \"%s\"", slash ? slash + 1 : path);
    for (size_t i = 0; overrides && overrides[i]; i++) {
        const char *equals = strchr(overrides[i], '=');
        fprintf(f, ", \"%.*s\": ", (int)(equals - overrides[i]), overrides[i]);
        json_write_string(f, equals + 1);
    }
    fputc('}', f);
    fclose(f);
    return s;
}

static void release(struct scenario *s)
{
    free(s->name);
    free(s->description);
    free(s->path);
    free(s->resolved_json);
    free(s);
}

static const char *setting(const struct json *config, const char *key)
{
    const char *value = NULL;
    for (size_t i = 0; i < config->nr; i++)
        if (!strcmp(config->key[i], key))
            value = config->item[i]->text;
    return value;
}

static uint64_t number(const struct json *config, const char *key, uint64_t absent)
{
    const char *text = setting(config, key);
    return text ? strtoull(text, NULL, 10) : absent;
}

static void note_run(const struct json *config)
{
    const char *mark = setting(config, "stub.mark");
    int fd = stub_run_log ? open(stub_run_log, O_WRONLY | O_APPEND | O_CREAT, 0666) : -1;
    if (fd >= 0 && write(fd, mark ? mark : "0", 1) == 1)
        close(fd);
}

/* So many ms of processor time. */
static void spin(uint64_t ms)
{
    struct timespec t = {0};
    while (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0 &&
           (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 < ms)
        ;
}

long stub_runs(void)
{
    struct stat st;
    return stub_run_log && stat(stub_run_log, &st) == 0 ? (long)st.st_size : 0;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * UINT64_C(0x9e3779b97f4a7c15) + (h >> 29);
}

static void add_metrics(const struct json *config, uint64_t seed, struct metrics *ms)
{
    uint64_t vms = number(config, "vm.0.count", 2);
    double base = 100 + (double)seed + 1000.0 * (double)vms;
    for (uint64_t i = 0; i < vms; i++) {
        char name[32];
        snprintf(name, sizeof(name), "vm-%u", (unsigned)i + 1);
        struct metric *m = metrics_add(ms, "vm.throughput", base + (double)i / 3, "vm", name, NULL);
        m->unit = "MB/s";
        metrics_add(ms, "vm.benchmark_time", 1 / (base + (double)i / 3), "vm", name, NULL);
        metrics_add(ms, "vm.wake_latency", 1e-6 * (double)seed, "vm", name, "quantile", "p99", NULL);
    }
    metrics_add(ms, "vm.throughput", 1e9, "vm", "Domain-0", NULL);
    metrics_add(ms, "sim.events", 100, NULL);
}

static int simulate(const struct json *config, const struct run_options *opt, struct run_result *out)
{
    uint64_t nr = number(config, "stub.events", 100), diverge = number(config, "stub.diverge_at", UINT64_MAX);
    uint64_t h = mix(opt->seed, number(config, "vm.0.count", 2));
    for (uint64_t i = 0; i < nr; i++) {
        uint64_t arg = i == diverge ? (uint64_t)getpid() : i;
        h = mix(h, arg);
        struct run_event e = {i, (int64_t)i * 1000, 2, (uint16_t)(i % 16), 7, arg, h};
        if (opt->on_event)
            opt->on_event(opt->ctx, &e);
    }
    if (opt->console)
        fprintf(opt->console, "(XEN) stub\n");
    if (opt->on_progress)
        opt->on_progress(opt->ctx, 1);
    if (number(config, "stub.panic", 0)) {
        snprintf(out->error, sizeof(out->error), "Assertion 'stub' failed at stub.c:1");
        return EXIT_MODEL_PANIC;
    }
    out->fingerprint = h;
    out->events = nr;
    out->simulated_s = 2;
    out->wall_s = 0.001;
    out->hv_build_id = "stub-core";
    add_metrics(config, opt->seed, &out->metrics);
    return EXIT_DONE;
}

static int run(const struct scenario *s, const struct run_options *opt, struct run_result *out)
{
    char err[128];
    memset(out, 0, sizeof(*out));
    metrics_init(&out->metrics);
    struct json *config = json_parse(s->resolved_json, err, sizeof(err));
    if (!config) {
        snprintf(out->error, sizeof(out->error), "%s", err);
        return EXIT_HOST_FAILED;
    }
    note_run(config);
    spin(number(config, "stub.spin_ms", 0));
    uint64_t ms = number(config, "stub.sleep_ms", 0);
    struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
    if (number(config, "stub.killed", 0))
        raise(SIGKILL);
    if (number(config, "stub.crash", 0)) {
        signal(SIGABRT, SIG_DFL);
        abort();
    }
    int exit = simulate(config, opt, out);
    json_free(config);
    return exit;
}

static void result_free(struct run_result *r)
{
    metrics_free(&r->metrics);
}

const struct run_backend stub_backend = {load, release, run, result_free, "stub-core"};

/* ---- files ------------------------------------------------------------------------------------------------------ */

char *temp_dir(void)
{
    const char *base = getenv("TMPDIR");
    char *dir = NULL;
    if (asprintf(&dir, "%s/hvsim-test-XXXXXX", base && *base ? base : "/tmp") < 0 || !mkdtemp(dir))
        abort();
    return dir;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
    (void)st;
    (void)flag;
    (void)where;
    return remove(path);
}

void remove_tree(char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(dir);
}

const char *in_dir(const char *dir, const char *name)
{
    static char ring[8][4096];
    static unsigned at;
    char *buf = ring[at++ % 8];
    snprintf(buf, sizeof(ring[0]), "%s/%s", dir, name);
    return buf;
}

void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    if (!f || fputs(text, f) < 0 || fclose(f))
        abort();
}

char *read_text(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t room = 0;
    if (!f)
        return NULL;
    if (getdelim(&text, &room, 0, f) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(f);
    return text;
}

unsigned count_entries(const char *dir)
{
    unsigned n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d)
        closedir(d);
    return n;
}
