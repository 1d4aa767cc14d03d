/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A suite of hvsim check as it is written. */
#include "check.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VMS 4096u

static const struct machine_key keys[] = {
    {"name", "string", "of the suite", true},
    {"description", "string", "one line for people", false},
    {"case.name", "string", "of the case, unique in the suite", true},
    {"case.machine", "string", "a machine of models/machines by name, or a path with a /", false},
    {"case.behaviour", "string", "behaviour level; default modern", false},
    {"case.sched", "string", "scheduler of pool 0; default that of the level", false},
    {"case.warmup", "time", "time before anything is measured; default 10 ms", false},
    {"case.duration", "time", "time that the guests run and are measured; default 10 ms, enough for placement", false},
    {"case.dom0_vcpus", "integer", "vCPUs of dom0; default 1", false},
    {"case.dom0_memory", "size", "memory of dom0; default 512 MiB", false},
    {"case.set", "list of strings", "overrides of any other key of the scenario, as [\"xen.sched_ratelimit_us=500\"]",
     false},
    {"case.scenario", "string", "a scenario file, instead of machine and VMs", false},
    {"case.vm.name", "string", "of a VM, NAME-1, NAME-2, ... where there are several", true},
    {"case.vm.count", "integer", "how many; default 1", false},
    {"case.vm.config", "string", "an xl.cfg file, instead of the keys that follow", false},
    {"case.vm.type", "string", "pv (default) or hvm", false},
    {"case.vm.vcpus", "integer", "default 1", false},
    {"case.vm.memory", "size", "required without config; a size in whole MiB", false},
    {"case.vm.cpus", "string", "hard affinity, as in xl.cfg", false},
    {"case.vm.cpus_soft", "string", "soft affinity, as in xl.cfg", false},
    {"case.vm.pool", "string", "cpupool", false},
    {"case.vm.xl", "list of strings", "more lines of xl.cfg, as [\"cap = 50\"]", false},
    {"case.vm.workload", "string", "profile of workloads/profiles; default none: its vCPUs sleep", false},
    {"case.vm.may_fail", "boolean", "its creation may fail, and an expectation says whether it does; default false",
     false},
    {"case.expect.vm", "string", "the VMs that are meant: a name or a pattern (web-*)", false},
    {"case.expect.node", "integer", "the node that is meant; of metrics too", false},
    {"case.expect.metric", "string", "the metric that at_least and at_most are about (hvsim list metrics)", false},
    {"case.expect.quantile", "string", "of a metric that has them: p50, p99, max", false},
#define X(name, text) {"case.expect." #name, "see text", text, false},
    CHECK_KINDS(X)
#undef X
};

const struct machine_key *check_keys(unsigned *n)
{
    *n = sizeof(keys) / sizeof(keys[0]);
    return keys;
}

bool check_percent(cfg_table *t, const char *key, double *out)
{
    const char *text = NULL;
    char *end;

    if (!cfg_string(t, key, true, &text))
        return false;
    double v = strtod(text, &end);
    end += strspn(end, " ");
    if (end == text || strcmp(end, "%") != 0 || !(v >= 0 && v <= 100)) {
        cfg_fail(t, key, "%s: '%s': expected a percentage, as \"95 %%\"", key, text);
        return false;
    }
    *out = v / 100;
    return true;
}

/* ---- VMs --------------------------------------------------------------------------------------------------------- */

static void read_vm(cfg_table *t, struct check_vm *v)
{
    static const char *const own[] = {"type", "vcpus", "memory", "cpus", "cpus_soft", "pool", "xl"};
    static const char *const types[] = {"pv", "hvm", NULL};
    unsigned type = 0;
    uint64_t bytes = 0;

    *v = (struct check_vm){.count = 1, .vcpus = 1, .table = t};
    cfg_string(t, "name", true, &v->name);
    cfg_uint(t, "count", false, 1, MAX_VMS, &v->count);
    cfg_string(t, "config", false, &v->config);
    cfg_string(t, "workload", false, &v->workload);
    cfg_bool(t, "may_fail", false, &v->may_fail);
    for (unsigned i = 0; v->config && i < sizeof(own) / sizeof(own[0]); i++)
        if (cfg_has(t, own[i])) {
            cfg_fail(t, own[i], "'%s' belongs into the file that 'config' names", own[i]);
            return;
        }
    cfg_enum(t, "type", false, types, &type);
    v->type = types[type];
    cfg_uint(t, "vcpus", false, 1, 4096, &v->vcpus);
    if (!v->config && cfg_string(t, "memory", true, &v->memory) &&
        cfg_size(t, "memory", true, 1 << 20, INT64_MAX, &bytes) && bytes % (1 << 20))
        cfg_fail(t, "memory", "memory: '%s' is no whole number of MiB", v->memory);
    cfg_string(t, "cpus", false, &v->cpus);
    cfg_string(t, "cpus_soft", false, &v->cpus_soft);
    cfg_string(t, "pool", false, &v->pool);
    cfg_has(t, "xl");
}

/* A pattern that no VM matches is a slip. */
static void check_pattern(cfg_table *t, const struct check_case *c, const char *pattern)
{
    const char **names = calloc(c->nr_vms + 2, sizeof(*names));
    unsigned nr = 0;
    bool found = strcmp(pattern, "Domain-0") == 0;

    for (unsigned i = 0; names && i < c->nr_vms && !found; i++) {
        const struct check_vm *v = &c->vm[i];
        char name[128];
        names[nr++] = v->name;
        for (unsigned k = 1; k <= v->count && !found; k++) {
            if (v->count > 1)
                snprintf(name, sizeof(name), "%s-%u", v->name, k);
            else
                snprintf(name, sizeof(name), "%s", v->name);
            found = fnmatch(pattern, name, 0) == 0;
        }
    }
    if (!found && names) {
        const char *near = cfg_nearest(pattern, names);
        cfg_fail(t, "vm", "no VM of this case is called '%s'%s%s%s", pattern, near ? "; did you mean '" : "",
                 near ? near : "", near ? "'?" : "");
    }
    free(names);
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

static void read_case(cfg_table *t, struct check_suite *s, struct check_case *c)
{
    static const char *const own[] = {"machine",  "behaviour",  "sched",       "warmup",
                                      "duration", "dom0_vcpus", "dom0_memory", "vm"};
    int64_t ps;
    uint64_t bytes;

    c->where = cfg_where(t, NULL);
    c->dom0_vcpus = 1;
    if (!cfg_string(t, "name", true, &c->name))
        return;
    for (const struct check_case *k = s->c; k < c; k++)
        if (strcmp(k->name, c->name) == 0) {
            cfg_fail(t, "name", "there is another case '%s'", c->name);
            return;
        }
    cfg_strings(t, "set", false, &c->set, &c->nr_set);
    cfg_string(t, "scenario", false, &c->scenario);
    for (unsigned i = 0; c->scenario && i < sizeof(own) / sizeof(own[0]); i++)
        if (cfg_has(t, own[i])) {
            cfg_fail(t, own[i], "'%s' belongs into the file that 'scenario' names; 'set' overrides it", own[i]);
            return;
        }
    if (!c->scenario)
        cfg_string(t, "machine", true, &c->machine);
    cfg_string(t, "behaviour", false, &c->behaviour);
    cfg_string(t, "sched", false, &c->sched);
    if (cfg_has(t, "duration") && cfg_time_ps(t, "duration", true, 1, INT64_MAX, &ps))
        cfg_string(t, "duration", true, &c->duration);
    if (cfg_has(t, "warmup") && cfg_time_ps(t, "warmup", true, 0, INT64_MAX, &ps))
        cfg_string(t, "warmup", true, &c->warmup);
    cfg_uint(t, "dom0_vcpus", false, 1, 4096, &c->dom0_vcpus);
    if (cfg_has(t, "dom0_memory") && cfg_size(t, "dom0_memory", true, 1 << 20, INT64_MAX, &bytes))
        cfg_string(t, "dom0_memory", true, &c->dom0_memory);

    c->nr_vms = (unsigned)cfg_array_len(t, "vm");
    c->vm = calloc(c->nr_vms + 1, sizeof(*c->vm));
    for (unsigned i = 0; c->vm && i < c->nr_vms && !cfg_error(s->doc); i++)
        read_vm(cfg_array_at(t, "vm", i), &c->vm[i]);

    size_t n = cfg_array_len(t, "expect");
    if (!n && !cfg_error(s->doc))
        cfg_fail(t, NULL, "nothing is expected of case '%s': it needs [[case.expect]]", c->name);
    for (size_t i = 0; c->vm && i < n && !cfg_error(s->doc); i++) {
        cfg_table *e = cfg_array_at(t, "expect", i);
        const char *vm = NULL;
        if (cfg_string(e, "vm", false, &vm) && vm && !c->scenario)
            check_pattern(e, c, vm);
        if (!cfg_error(s->doc))
            check_expect_read(e, c);
    }
}

struct check_suite *check_load(const char *path, struct fault *f)
{
    struct check_suite *s = calloc(1, sizeof(*s));

    if (!s || !(s->doc = cfg_load(path))) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        free(s);
        return NULL;
    }
    s->path = path;
    cfg_table *root = cfg_root(s->doc);
    if (!cfg_error(s->doc)) {
        cfg_string(root, "name", true, &s->name);
        cfg_string(root, "description", false, &s->description);
        s->nr_cases = (unsigned)cfg_array_len(root, "case");
        if (!s->nr_cases && !cfg_error(s->doc))
            cfg_fail(root, NULL, "a suite needs at least one [[case]]");
        s->c = calloc(s->nr_cases + 1, sizeof(*s->c));
    }
    for (unsigned i = 0; s->c && i < s->nr_cases && !cfg_error(s->doc); i++)
        read_case(cfg_array_at(root, "case", i), s, &s->c[i]);
    if (!cfg_error(s->doc)) {
        /* Those lists are read when the scenario is written. */
        for (unsigned i = 0; i < s->nr_cases; i++)
            for (unsigned k = 0; k < s->c[i].nr_vms; k++) {
                const char *const *lines;
                size_t n;
                cfg_strings(s->c[i].vm[k].table, "xl", false, &lines, &n);
            }
        cfg_finish(s->doc);
    }
    if (cfg_error(s->doc)) {
        fault_set(f, EXIT_BAD_INPUT, "%s", cfg_error(s->doc));
        check_suite_free(s);
        return NULL;
    }
    return s;
}

void check_suite_free(struct check_suite *s)
{
    if (!s)
        return;
    for (unsigned i = 0; s->c && i < s->nr_cases; i++) {
        free(s->c[i].vm);
        free(s->c[i].expect);
    }
    free(s->c);
    cfg_free(s->doc);
    free(s);
}
