/* SPDX-License-Identifier: GPL-2.0-or-later */
/* models/cores/NAME.toml: what a core needs for a block of instructions. */
#include <models/path.h>

#include <config.h>
#include <stdio.h>
#include <string.h>

#define MAX_CYCLES 1000.0

static void read_classes(cfg_table *t, double *out)
{
    for (unsigned k = 0; t && k < PATH_CLASSES; k++)
        cfg_double(t, path_class_names[k], true, 0, MAX_CYCLES, &out[k]);
}

int path_core_load(const char *path, const char *const *overrides, struct path_core *out, char **err)
{
    cfg_doc *doc = cfg_load(path);
    memset(out, 0, sizeof(*out));
    if (!doc) {
        *err = strdup("out of memory");
        return -1;
    }
    for (unsigned i = 0; overrides && overrides[i]; i++)
        cfg_override(doc, overrides[i]);
    if (!cfg_error(doc)) {
        cfg_table *root = cfg_root(doc);
        const char *name = "", *ignored;
        unsigned isa = 0;
        cfg_string(root, "name", true, &name);
        cfg_string(root, "description", true, &ignored);
        cfg_enum(root, "isa", true, path_isa_names, &isa);
        cfg_double(root, "width", true, 0.25, 32, &out->width);
        read_classes(cfg_sub(root, "latency", true), out->latency);
        read_classes(cfg_sub(root, "throughput", true), out->throughput);
        cfg_table *miss = cfg_sub(root, "mispredict", true);
        if (miss) {
            cfg_double(miss, "cycles", true, 0, MAX_CYCLES, &out->mispredict_cycles);
            cfg_double(miss, "branch", true, 0, 1, &out->mispredict_share);
            cfg_double(miss, "indirect", true, 0, 1, &out->indirect_mispredict_share);
        }
        snprintf(out->name, sizeof(out->name), "%s", name);
        out->isa = (enum path_isa)isa;
        cfg_finish(doc);
    }
    bool failed = cfg_error(doc);
    if (failed)
        *err = strdup(cfg_error(doc));
    cfg_free(doc);
    return failed ? -1 : 0;
}
