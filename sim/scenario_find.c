/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the files are that a scenario names, and which --set goes to which. */
#include "scenario_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef HVSIM_SOURCE_DIR
#error "the build must define HVSIM_SOURCE_DIR, the root of the source tree"
#endif

#define MAX_NAMES 1024 /* files of one data folder that are offered as "did you mean" */

static const struct {
    const char *what, *folder, *prefix;
} kinds[DATA_NR] = {
    [DATA_MACHINE] = {"machine", "models/machines", "machine."},
    [DATA_PROFILE] = {"workload profile", "workloads/profiles", "profile."},
    [DATA_COSTS] = {"cost table", "models/costs", "costs."},
    [DATA_CORE] = {"core", "models/cores", "core."},
};

const char *scenario_data_dir(void)
{
    const char *env = getenv("HVSIM_DATA");
    if (env && *env)
        return env;
#ifdef HVSIM_INSTALLED_DATA
    if (access(HVSIM_INSTALLED_DATA "/models/machines", R_OK) == 0)
        return HVSIM_INSTALLED_DATA;
#endif
    return HVSIM_SOURCE_DIR;
}

static char *join(const char *dir, size_t dir_len, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%.*s/%s", (int)dir_len, dir, name) < 0)
        return NULL;
    return path;
}

char *scenario_relative_path(cfg_table *t, const char *key, const char *value)
{
    const char *file = cfg_file_of(t, key);
    const char *slash = file ? strrchr(file, '/') : NULL;
    if (value[0] == '/' || !slash)
        return strdup(value);
    return join(file, (size_t)(slash - file), value);
}

char *scenario_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    size_t n = strlen(base);
    if (n > 5 && strcmp(base + n - 5, ".toml") == 0)
        n -= 5;
    return strndup(base, n);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Report that kind has no file `value`, with the nearest name that it has. */
static void no_such_name(cfg_table *t, const char *key, enum data_kind kind, const char *value, const char *folder)
{
    char *names[MAX_NAMES + 1];
    size_t n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && n < MAX_NAMES && (e = readdir(d));) {
        size_t len = strlen(e->d_name);
        if (len > 5 && strcmp(e->d_name + len - 5, ".toml") == 0 && (names[n] = scenario_base_name(e->d_name)))
            n++;
    }
    if (d)
        closedir(d);
    qsort(names, n, sizeof(names[0]), by_name); /* the order of a directory is nobody's */
    names[n] = NULL;
    const char *near = cfg_nearest(value, (const char *const *)names);
    cfg_fail(t, present_key(t, key), "no %s '%s' in %s%s%s%s", kinds[kind].what, value, folder,
             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    for (size_t i = 0; i < n; i++)
        free(names[i]);
}

char *scenario_find_file(cfg_table *t, const char *key, enum data_kind kind, const char *value)
{
    char *path = NULL;
    if (strchr(value, '/')) {
        path = scenario_relative_path(t, key, value);
        if (path && access(path, R_OK) != 0) {
            cfg_fail(t, present_key(t, key), "cannot read %s '%s': %s", kinds[kind].what, path, strerror(errno));
            free(path);
            return NULL;
        }
    } else {
        const char *data = scenario_data_dir();
        char *folder = join(data, strlen(data), kinds[kind].folder);
        if (folder && asprintf(&path, "%s/%s.toml", folder, value) < 0)
            path = NULL;
        if (path && access(path, R_OK) != 0) {
            no_such_name(t, key, kind, value, folder);
            free(path);
            free(folder);
            return NULL;
        }
        free(folder);
    }
    if (!path)
        cfg_fail(t, present_key(t, key), "out of memory");
    return path;
}

const char *scenario_override_for(const char *assignment, enum data_kind kind, const char *name)
{
    size_t n = strlen(kinds[kind].prefix);
    if (strncmp(assignment, kinds[kind].prefix, n) != 0)
        return NULL;
    if (kind != DATA_PROFILE)
        return assignment + n;
    size_t m = strlen(name);
    if (strncmp(assignment + n, name, m) != 0 || assignment[n + m] != '.')
        return NULL;
    return assignment + n + m + 1;
}

char *scenario_restore_override(char *err, const struct data_file *file)
{
    static const char set[] = "--set ";
    const size_t n = sizeof(set) - 1;
    char *whole = NULL;
    bool profile = file->kind == DATA_PROFILE;
    if (!err || strncmp(err, set, n) != 0 ||
        asprintf(&whole, "%s%s%s%s%s", set, kinds[file->kind].prefix, profile ? file->name : "", profile ? "." : "",
                 err + n) < 0)
        return err;
    free(err);
    return whole;
}

bool scenario_override_elsewhere(const char *assignment)
{
    for (int k = 0; k < DATA_NR; k++)
        if (strncmp(assignment, kinds[k].prefix, strlen(kinds[k].prefix)) == 0)
            return true;
    return false;
}
