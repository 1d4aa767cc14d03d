/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as resolved, for run.json: {"scenario", "machine", "costs", "profiles", "vms"}. */
#include "json.h"
#include "machine_open.h"
#include "scenario_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_key(FILE *f, const char *key)
{
    json_write_string(f, key);
    fputs(": ", f);
}

static bool put_doc(FILE *f, cfg_doc *doc)
{
    char *json = cfg_to_json(doc);
    if (!json)
        return false;
    fputs(json, f);
    free(json);
    return true;
}

/* A file of the scenario with its overrides; it was read without error before, in the same way. */
static bool put_file(FILE *f, const struct data_file *file, char **err)
{
    char *presets = machine_presets();
    cfg_doc *doc = presets ? cfg_load_from(file->path, file->kind == DATA_MACHINE ? presets : NULL) : NULL;
    free(presets);
    if (!doc)
        return false;
    for (unsigned i = 0; file->overrides[i]; i++)
        cfg_override(doc, file->overrides[i]);
    bool ok = !cfg_error(doc) && put_doc(f, doc);
    if (cfg_error(doc)) /* the file changed meanwhile */
        *err = strdup(cfg_error(doc));
    cfg_free(doc);
    return ok;
}

static void put_cpus(FILE *f, const struct ts_domain_config *d)
{
    if (d->cpus) {
        fputs(", \"cpus\": ", f);
        json_write_string(f, d->cpus);
    } else if (d->cpus_list) {
        fputs(", \"cpus\": [", f);
        for (unsigned i = 0; i < d->nr_cpus_list; i++) {
            if (i)
                fputs(", ", f);
            json_write_string(f, d->cpus_list[i]);
        }
        putc(']', f);
    }
}

static const char *const guest_types[] = {
    [HV_GUEST_PV] = "pv", [HV_GUEST_HVM] = "hvm", [HV_GUEST_ARM32] = "armv7", [HV_GUEST_ARM64] = "aarch64"};

static void put_vm(FILE *f, const struct scenario_vm *vm, const struct scenario_vm_origin *origin)
{
    const struct ts_domain_config *d = &vm->cfg;
    fputs("{\"name\": ", f);
    json_write_string(f, d->name);
    fputs(", \"config\": ", f);
    json_write_string(f, origin->cfg_path);
    fputs(", \"workload\": ", f);
    if (vm->profile)
        json_write_string(f, vm->profile->name);
    else
        fputs("null", f);
    fprintf(f, ", \"type\": \"%s\", \"vcpus\": %u, \"maxvcpus\": %u", guest_types[d->type], d->vcpus, d->maxvcpus);
    fprintf(f, ", \"memory_kib\": %llu, \"maxmem_kib\": %llu", (unsigned long long)d->memory_kb,
            (unsigned long long)d->maxmem_kb);
    if (d->weight)
        fprintf(f, ", \"cpu_weight\": %u", d->weight);
    if (d->cap != 0xffffffffu)
        fprintf(f, ", \"cap\": %u", d->cap);
    put_cpus(f, d);
    putc('}', f);
}

static bool put_all(FILE *f, const struct loader *l, char **err)
{
    bool ok = true;
    fputs("{", f);
    put_key(f, "scenario");
    ok = ok && put_doc(f, l->doc);
    bool costs = false;
    for (unsigned i = 0; i < l->nr_files; i++) {
        if (l->file[i].kind == DATA_PROFILE)
            continue;
        fputs(", ", f);
        put_key(f, l->file[i].kind == DATA_MACHINE ? "machine" : l->file[i].kind == DATA_CORE ? "core" : "costs");
        costs = costs || l->file[i].kind == DATA_COSTS;
        ok = ok && put_file(f, &l->file[i], err);
    }
    fputs(costs ? ", \"profiles\": {" : ", \"costs\": null, \"profiles\": {", f);
    const char *comma = "";
    for (unsigned i = 0; i < l->nr_files; i++) {
        if (l->file[i].kind != DATA_PROFILE)
            continue;
        fputs(comma, f);
        comma = ", ";
        put_key(f, l->file[i].name);
        ok = ok && put_file(f, &l->file[i], err);
    }
    fputs("}, \"vms\": [", f);
    for (unsigned i = 0; i < l->s->nr_vms; i++) {
        if (i)
            fputs(", ", f);
        put_vm(f, &l->s->vm[i], &l->origin[i]);
    }
    fputs("]}", f);
    return ok;
}

char *scenario_resolved_json(const struct loader *l, char **err)
{
    char *text = NULL;
    size_t len = 0;
    *err = NULL;
    FILE *f = open_memstream(&text, &len);
    bool ok = f && put_all(f, l, err);
    if (f && fclose(f) != 0)
        ok = false;
    if (!ok) {
        free(text);
        if (!*err)
            *err = strdup("out of memory while writing the resolved configuration");
        return NULL;
    }
    return text;
}
