/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A case of a suite as a scenario, and the log of what it could not know before. */
#include "check.h"

#include "json.h"
#include "replay.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_TIME "10 ms"
#define CREATION_TIME "600 s" /* creations that may fail come while the guests run: these have to be over */

static const char * or (const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

static void write_vm(const struct check_vm *v, FILE *m)
{
    const char *const *lines = NULL;
    size_t nr = 0;

    /* Sizes are checked: whole MiB. */
    uint64_t bytes = 0;
    cfg_size(v->table, "memory", true, 0, INT64_MAX, &bytes);
    fprintf(m, "name = \"%s\"\ntype = \"%s\"\nvcpus = %u\nmemory = %llu\n", v->name, v->type, v->vcpus,
            (unsigned long long)(bytes >> 20));
    if (v->cpus)
        fprintf(m, "cpus = \"%s\"\n", v->cpus);
    if (v->cpus_soft)
        fprintf(m, "cpus_soft = \"%s\"\n", v->cpus_soft);
    if (v->pool)
        fprintf(m, "pool = \"%s\"\n", v->pool);
    cfg_strings(v->table, "xl", false, &lines, &nr);
    for (size_t i = 0; i < nr; i++)
        fprintf(m, "%s\n", lines[i]);
}

static void write_machine_name(const struct check_suite *s, const struct check_case *c, FILE *m)
{
    char *real = NULL;
    char path[PATH_MAX];
    const char *slash = strrchr(s->path, '/');

    if (strchr(c->machine, '/')) {
        snprintf(path, sizeof(path), "%.*s%s", c->machine[0] == '/' || !slash ? 0 : (int)(slash - s->path + 1), s->path,
                 c->machine);
        real = realpath(path, NULL);
    }
    fputs("machine = ", m);
    json_write_string(m, real ? real : c->machine);
    fputc('\n', m);
    free(real);
}

static void write_config(const struct check_suite *s, const struct check_vm *v, FILE *m)
{
    char path[PATH_MAX];
    const char *slash = strrchr(s->path, '/');

    if (!v->config) {
        snprintf(path, sizeof(path), "%s.cfg", v->name);
        json_write_string(m, path);
        return;
    }
    snprintf(path, sizeof(path), "%.*s%s", v->config[0] == '/' || !slash ? 0 : (int)(slash - s->path + 1), s->path,
             v->config);
    char *real = realpath(path, NULL);
    json_write_string(m, real ? real : path);
    free(real);
}

static char *scenario_text(const struct check_suite *s, const struct check_case *c)
{
    char *text = NULL;
    size_t n = 0;
    bool creates = false;
    FILE *m = open_memstream(&text, &n);

    if (!m)
        return NULL;
    for (unsigned i = 0; i < c->nr_vms; i++)
        creates = creates || c->vm[i].may_fail;
    fputs("# Built by hvsim check.\nname = ", m);
    json_write_string(m, c->name);
    fputc('\n', m);
    write_machine_name(s, c, m);
    fprintf(m, "hv_cost = \"fixed\"\nwarmup = \"%s\"\nduration = \"%s\"\n\n[xen]\nbehaviour = \"%s\"\n",
            creates ? CREATION_TIME : or (c->warmup, DEFAULT_TIME), or (c->duration, DEFAULT_TIME),
            or (c->behaviour, "modern"));
    if (c->sched)
        fprintf(m, "sched = \"%s\"\n", c->sched);
    fprintf(m, "\n[dom0]\nvcpus = %u\nmemory = \"%s\"\n", c->dom0_vcpus, or (c->dom0_memory, "512 MiB"));
    for (unsigned i = 0; i < c->nr_vms; i++) {
        const struct check_vm *v = &c->vm[i];
        for (unsigned k = 0; v->may_fail && k < v->count; k++) {
            fputs("\n[[action]]\nat = \"0 s\"\ndo = \"create\"\nmay_fail = true\nconfig = ", m);
            write_config(s, v, m);
            if (v->workload)
                fprintf(m, "\nworkload = \"%s\"", v->workload);
            fputc('\n', m);
        }
        if (v->may_fail)
            continue;
        fputs("\n[[vm]]\nconfig = ", m);
        write_config(s, v, m);
        fprintf(m, "\ncount = %u\nworkload = \"%s\"\n", v->count, or (v->workload, "sleeper"));
    }
    if (fclose(m)) {
        free(text);
        return NULL;
    }
    return text;
}

static void write_files(const struct check_suite *s, const struct check_case *c, const char *dir, struct fault *f)
{
    char *text = scenario_text(s, c);

    if (!text) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    replay_write_file(f, dir, "scenario.toml", "%s", text);
    free(text);
    for (unsigned i = 0; i < c->nr_vms && f->code == EXIT_DONE; i++) {
        char name[300];
        size_t n = 0;
        if (c->vm[i].config)
            continue;
        text = NULL;
        FILE *m = open_memstream(&text, &n);
        if (m)
            write_vm(&c->vm[i], m);
        if (!m || fclose(m))
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
        snprintf(name, sizeof(name), "%s.cfg", c->vm[i].name);
        replay_write_file(f, dir, name, "%s", text ? text : "");
        free(text);
    }
}

/* Overrides as scenario_load takes them, of the case and of time where it has a scenario of its own. */
static const char **overrides(const struct check_case *c)
{
    const char **set = calloc(c->nr_set + 1, sizeof(*set));
    for (size_t i = 0; set && i < c->nr_set; i++)
        set[i] = c->set[i];
    return set;
}

/* What is wrong with a file that the user has not written is told of the case that it came from. */
static const char *own_words(const char *err, const char *dir)
{
    size_t n = strlen(dir);
    const char *text = err;

    if (strncmp(err, dir, n) == 0 && err[n] == '/')
        text = err + n + 1;
    if (text != err && strncmp(text, "scenario.toml:", 14) == 0 && strstr(text, ": "))
        text = strstr(text, ": ") + 2;
    return text;
}

int check_scene(const struct check_options *o, const char *dir, struct check_run *r, struct fault *f)
{
    const struct check_case *c = r->c;
    char own[PATH_MAX], path[PATH_MAX + 32], log[PATH_MAX + 32], *err = NULL;
    const char *slash = strrchr(r->suite->path, '/');

    snprintf(own, sizeof(own), "%s/%u", dir, (unsigned)(c - r->suite->c));
    if (mkdir(own, 0777) && errno != EEXIST)
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", own, strerror(errno));
    if (c->scenario) {
        snprintf(path, sizeof(path), "%.*s%s", c->scenario[0] == '/' || !slash ? 0 : (int)(slash - r->suite->path + 1),
                 r->suite->path, c->scenario);
    } else {
        write_files(r->suite, c, own, f);
        snprintf(path, sizeof(path), "%s/scenario.toml", own);
    }
    snprintf(log, sizeof(log), "%s/actions.jsonl", own);
    const char **set = overrides(c);
    if (f->code == EXIT_DONE && !set)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    if (f->code == EXIT_DONE && !(r->scenario = o->backend->load(path, set, &err)))
        fault_set(f, EXIT_BAD_INPUT, "%s: case '%s': %s", c->where, c->name,
                  err ? own_words(err, own) : "out of memory");
    free(err);
    free(set);
    if (f->code == EXIT_DONE && !(r->log = fopen(log, "w+e")))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", log, strerror(errno));
    return f->code;
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static void copy(char *out, size_t n, const struct json *v)
{
    snprintf(out, n, "%s", v && v->type == JSON_STRING ? v->text : "");
}

int check_scene_read(struct check_run *r, struct fault *f)
{
    char *line = NULL, why[64];
    size_t room = 0;

    rewind(r->log);
    while (f->code == EXIT_DONE && getline(&line, &room, r->log) > 0) {
        struct json *j = json_parse(line, why, sizeof(why));
        const struct json *what = json_get(j, "do"), *vm = json_get(j, "vm"), *rc = json_get(j, "rc");
        if (what && vm && rc && what->type == JSON_STRING && strcmp(what->text, "create") == 0) {
            struct check_creation *grown = realloc(r->creation, (r->nr_creations + 1) * sizeof(*grown));
            if (!grown) {
                fault_set(f, EXIT_HOST_FAILED, "out of memory");
            } else {
                struct check_creation *c = &grown[r->nr_creations++];
                r->creation = grown;
                copy(c->vm, sizeof(c->vm), vm);
                copy(c->error, sizeof(c->error), json_get(j, "error"));
                copy(c->message, sizeof(c->message), json_get(j, "message"));
                c->failed = rc->number != 0;
            }
        }
        json_free(j);
    }
    free(line);
    return f->code;
}
