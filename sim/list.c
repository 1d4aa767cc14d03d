/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "list.h"

#include "check.h"
#include "machine_open.h"

#include "sweep.h"
#include "xlcfg.h"
#include <config.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- files of the data directory -------------------------------------------------------------------------------- */

struct found {
    size_t nr;
    char **path; /* relative to the data directory */
};

static bool add_path(struct found *l, char *path)
{
    char **more = path ? realloc(l->path, (l->nr + 1) * sizeof(char *)) : NULL;
    if (!more) {
        free(path);
        return false;
    }
    l->path = more;
    l->path[l->nr++] = path;
    return true;
}

/* All *.toml below folder. */
static int find_files(const char *folder, struct found *l, struct fault *f)
{
    char full[4096];
    snprintf(full, sizeof(full), "%s/%s", scenario_data_dir(), folder);
    DIR *d = opendir(full);
    if (!d)
        return fault_set(f, EXIT_BAD_INPUT, "%s: %s", full, strerror(errno));
    for (struct dirent *e; f->code == EXIT_DONE && (e = readdir(d));) {
        if (*e->d_name == '.')
            continue;
        char *path = NULL, *whole = NULL;
        struct stat st;
        size_t n = strlen(e->d_name);
        if (asprintf(&path, "%s/%s", folder, e->d_name) < 0 || asprintf(&whole, "%s/%s", full, e->d_name) < 0)
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
        else if (stat(whole, &st) == 0 && S_ISDIR(st.st_mode))
            find_files(path, l, f);
        else if (n > 5 && !strcmp(e->d_name + n - 5, ".toml")) {
            if (!add_path(l, path))
                fault_set(f, EXIT_HOST_FAILED, "out of memory");
            path = NULL;
        }
        free(path);
        free(whole);
    }
    closedir(d);
    return f->code;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_found(struct found *l)
{
    for (size_t i = 0; i < l->nr; i++)
        free(l->path[i]);
    free(l->path);
}

/* One line a file. A file that cannot be read is listed with the reason, and makes the command fail. */
static int list_files(FILE *out, const char *folder, struct fault *f,
                      void (*line)(FILE *out, const char *path, const char *name, struct fault *f))
{
    struct found l = {0};
    find_files(folder, &l, f);
    if (l.nr)
        qsort(l.path, l.nr, sizeof(char *), by_text); /* the order of a directory is nobody's */
    for (size_t i = 0; i < l.nr && (f->code == EXIT_DONE || f->code == EXIT_BAD_INPUT); i++) {
        char path[4096], name[256];
        snprintf(path, sizeof(path), "%s/%s", scenario_data_dir(), l.path[i]);
        const char *base = strrchr(l.path[i], '/') + 1;
        snprintf(name, sizeof(name), "%.*s", (int)(strlen(base) - 5), base);
        line(out, path, name, f);
    }
    free_found(&l);
    return f->code;
}

static void machine_line(FILE *out, const char *path, const char *name, struct fault *f)
{
    char *err = NULL;
    struct machine *m = machine_open_file(path, NULL, &err);
    if (m)
        fprintf(out, "%-22s %-7s %6u %6u %9.6g  %s\n", name, m->isa, m->nr_cpus, m->nr_nodes,
                (double)machine_memory(m) / (double)(1u << 30), m->description ? m->description : "");
    else
        fault_set(f, EXIT_BAD_INPUT, "%s", err ? err : "out of memory");
    free(err);
    if (m)
        machine_free(m);
}

static int list_machines(FILE *out, struct fault *f)
{
    fprintf(out, "%-22s %-7s %6s %6s %9s  %s\n", "machine", "isa", "pCPUs", "nodes", "GiB", "description");
    return list_files(out, "models/machines", f, machine_line);
}

static void workload_line(FILE *out, const char *path, const char *name, struct fault *f)
{
    char *err = NULL;
    struct workload_profile *p = profile_load(path, NULL, &err);
    if (p)
        fprintf(out, "%-20s reports %s in %s. %s\n", name, p->metric == METRIC_TIME ? "a time" : "a rate", p->unit,
                p->description ? p->description : "");
    else
        fault_set(f, EXIT_BAD_INPUT, "%s", err ? err : "out of memory");
    free(err);
    if (p)
        profile_free(p);
}

static int list_workloads(FILE *out, struct fault *f)
{
    return list_files(out, "workloads/profiles", f, workload_line);
}

/* Name and description are the same keys in scenarios, sweeps and costs. */
static void described_line(FILE *out, const char *path, const char *shown, struct fault *f)
{
    cfg_doc *doc = cfg_load(path);
    const char *description = "";
    if (doc && !cfg_error(doc))
        cfg_string(cfg_root(doc), "description", false, &description);
    if (!doc || cfg_error(doc))
        fault_set(f, EXIT_BAD_INPUT, "%s", doc ? cfg_error(doc) : "out of memory");
    else
        fprintf(out, "%s%s%s\n", shown, *description ? "  " : "", description);
    if (doc)
        cfg_free(doc);
}

static void scenario_line(FILE *out, const char *path, const char *name, struct fault *f)
{
    (void)name;
    char shown[4096];
    cfg_doc *doc = cfg_load(path);
    bool sweep = doc && !cfg_error(doc) && cfg_has(cfg_root(doc), "grid");
    /* A machine or a workload that only one scenario has lies beside it. */
    bool other = doc && !cfg_error(doc) && !sweep && !cfg_has(cfg_root(doc), "dom0");
    if (other) {
        cfg_free(doc);
        return;
    }
    snprintf(shown, sizeof(shown), "%-8s %s", sweep ? "sweep" : "scenario", path + strlen(scenario_data_dir()) + 1);
    if (doc)
        cfg_free(doc);
    described_line(out, path, shown, f);
}

static int list_scenarios(FILE *out, struct fault *f)
{
    return list_files(out, "workloads/scenarios", f, scenario_line);
}

static void costs_line(FILE *out, const char *path, const char *name, struct fault *f)
{
    char shown[256];
    snprintf(shown, sizeof(shown), "%-20s", name);
    described_line(out, path, shown, f);
}

static int list_costs(FILE *out, struct fault *f)
{
    return list_files(out, "models/costs", f, costs_line);
}

/* ---- tables in the program --------------------------------------------------------------------------------------- */

static int list_levels(FILE *out, struct fault *f)
{
    (void)f;
    for (const struct hv_profile *p = hv_profiles; p->name; p++) {
        unsigned quirks = 0;
        for (unsigned i = 0; i < HV_QUIRK_NR; i++)
            quirks += p->quirk[i];
        fprintf(out, "%-10s %2u quirks, hosts up to %.4g TiB", p->name, quirks,
                (double)p->max_host_bytes / (double)(UINT64_C(1) << 40));
        fprintf(out, p->note ? " (%s)\n" : "\n", p->note);
    }
    return EXIT_DONE;
}

static int list_metrics(FILE *out, struct fault *f)
{
    (void)f;
    for (const struct metric_def *d = metric_defs; d->name; d++)
        fprintf(out, "%-26s %-13s %s\n", d->name, d->unit, d->description);
    return EXIT_DONE;
}

static int list_keys(FILE *out, const struct machine_key *k, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "%-32s %-26s %s%s\n", k[i].key, k[i].type, k[i].required ? "required; " : "", k[i].text);
    return EXIT_DONE;
}

static int list_machine_keys(FILE *out, struct fault *f)
{
    (void)f;
    unsigned n = 0;
    const struct machine_key *k = machine_keys(&n);
    return list_keys(out, k, n);
}

static int list_scenario_keys(FILE *out, struct fault *f)
{
    (void)f;
    unsigned n = 0;
    const struct machine_key *k = scenario_keys(&n);
    return list_keys(out, k, n);
}

static int list_check_keys(FILE *out, struct fault *f)
{
    (void)f;
    unsigned n = 0;
    const struct machine_key *k = check_keys(&n);
    return list_keys(out, k, n);
}

static int list_sweep_keys(FILE *out, struct fault *f)
{
    (void)f;
    for (const struct sweep_key *k = sweep_keys; k->name; k++)
        fprintf(out, "%-18s %-26s %s%s\n", k->name, k->type, k->required ? "required; " : "", k->text);
    return EXIT_DONE;
}

static int list_xl_keys(FILE *out, struct fault *f)
{
    (void)f;
    static const char *const effects[] = {
        [XLCFG_USED] = "used", [XLCFG_NO_EFFECT] = "no effect", [XLCFG_REFUSED] = "refused"};
    unsigned n = 0;
    const struct xlcfg_key *k = xlcfg_keys(&n);
    for (unsigned i = 0; i < n; i++)
        fprintf(out, "%-22s %-10s %s\n", k[i].name, effects[k[i].effect], k[i].text ? k[i].text : "");
    return EXIT_DONE;
}

const struct list_kind list_kinds[] = {
    {"machines", "machines of models/machines", list_machines, NULL},
    {"workloads", "programs of workloads/profiles", list_workloads, NULL},
    {"scenarios", "scenarios and sweeps of workloads/scenarios", list_scenarios, NULL},
    {"costs", "tables of models/costs: what hypervisor operations cost", list_costs, NULL},
    {"schedulers", "schedulers of the hypervisor core, and the levels that have them", NULL, list_schedulers},
    {"levels", "behaviour levels: which Xen the core behaves like", list_levels, NULL},
    {"quirks", "what makes levels differ: since and until which Xen, and which levels have it", NULL, list_quirks},
    {"metrics", "what a run measures", list_metrics, NULL},
    {"machine-keys", "keys of a machine file", list_machine_keys, NULL},
    {"scenario-keys", "keys of a scenario file", list_scenario_keys, NULL},
    {"sweep-keys", "keys of a sweep file", list_sweep_keys, NULL},
    {"check-keys", "keys of a suite of expectations (hvsim check)", list_check_keys, NULL},
    {"xl-keys", "keys of an xl.cfg file", list_xl_keys, NULL},
    {NULL, NULL, NULL, NULL},
};
