/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine_open.h"

#include "scenario_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path of a machine that is meant by its name. */
static char *by_name(const char *name, struct fault *f)
{
    cfg_doc *d = cfg_parse("", "MACHINE");
    char *path = d ? scenario_find_file(cfg_root(d), "machine", DATA_MACHINE, name) : NULL;
    if (!path) {
        const char *why = d ? cfg_error(d) : NULL, *at = why ? strstr(why, ": ") : NULL;
        fault_set(f, EXIT_BAD_INPUT, "%s", at ? at + 2 : "out of memory");
    }
    cfg_free(d);
    return path;
}

char *machine_presets(void)
{
    char *folder = NULL;
    return asprintf(&folder, "%s/models/machines", scenario_data_dir()) < 0 ? NULL : folder;
}

struct machine *machine_open_file(const char *path, const char *const *overrides, char **err)
{
    char *presets = machine_presets();
    *err = NULL;
    if (!presets)
        return NULL;
    struct machine *m = machine_load_from(path, presets, overrides, err);
    free(presets);
    return m;
}

struct machine *machine_open(const char *name, const char *const *overrides, struct fault *f)
{
    size_t n = strlen(name);
    bool file = strchr(name, '/') || (n > 5 && !strcmp(name + n - 5, ".toml"));
    char *path = file ? strdup(name) : by_name(name, f), *err = NULL;
    struct machine *m = path ? machine_open_file(path, overrides, &err) : NULL;
    if (!m)
        fault_set(f, EXIT_BAD_INPUT, "%s", err ? err : "out of memory");
    free(err);
    free(path);
    return m;
}
