/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a scenario. Order of work: the scenario file, then the files that it names (machine, costs, profiles, xl.cfg),
 * then the checks that need more than one of them. The first mistake ends it with one line that says where it is.
 */
#include "machine_open.h"
#include "scenario_priv.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB 1024ull
#define MIB (1024 * KIB)
#define MAX_VMS HV_MAX_DOMAINS
#define UNINITIALISED_COST_NS 1.0 /* the least that an effect between pCPUs takes, at any cost mode */

/* ---- errors and memory ----------------------------------------------------------------------------------------- */

/* Did anything fail, in the document or outside of it? */
static bool failed(struct loader *l)
{
    if (!l->err && cfg_error(l->doc))
        l->err = strdup(cfg_error(l->doc));
    return l->err;
}

static void out_of_memory(struct loader *l)
{
    if (!l->err)
        l->err = strdup("out of memory");
}

static char *keep(struct loader *l, const char *s)
{
    char *copy = strdup(s);
    if (!copy)
        out_of_memory(l);
    return copy;
}

/* Make room for one more element; NULL is out of memory (reported). */
static void *grow(struct loader *l, void *array, unsigned nr, size_t size)
{
    if (nr & (nr - 1))
        return array; /* room doubles at powers of two */
    void *bigger = realloc(array, (nr ? 2 * (size_t)nr : 1) * size);
    if (!bigger)
        out_of_memory(l);
    return bigger;
}

/* ---- the files that a scenario names --------------------------------------------------------------------------- */

static const char **overrides_for(struct loader *l, enum data_kind kind, const char *name)
{
    unsigned n = 0;
    while (l->overrides && l->overrides[n])
        n++;
    const char **list = calloc(n + 1, sizeof(*list));
    if (!list) {
        out_of_memory(l);
        return NULL;
    }
    unsigned nr = 0;
    for (unsigned i = 0; i < n; i++) {
        const char *rest = scenario_override_for(l->overrides[i], kind, name);
        if (rest)
            list[nr++] = rest;
    }
    return list;
}

/* Look a file up and note it with its overrides. Index, or -1 (reported). */
static int add_file(struct loader *l, cfg_table *t, const char *key, enum data_kind kind, const char *value)
{
    char *path = scenario_find_file(t, key, kind, value);
    if (!path || failed(l)) {
        free(path);
        return -1;
    }
    for (unsigned i = 0; i < l->nr_files; i++)
        if (l->file[i].kind == kind && strcmp(l->file[i].path, path) == 0) {
            free(path);
            return (int)i;
        }
    struct data_file *bigger = grow(l, l->file, l->nr_files, sizeof(*l->file));
    if (!bigger) {
        free(path);
        return -1;
    }
    l->file = bigger;
    struct data_file *file = &l->file[l->nr_files++];
    *file = (struct data_file){.kind = kind, .path = path, .name = scenario_base_name(path)};
    if (!file->name)
        out_of_memory(l);
    else
        file->overrides = overrides_for(l, kind, file->name);
    return l->err ? -1 : (int)l->nr_files - 1;
}

/* The profile of that name, loaded once. NULL: reported. */
static const struct workload_profile *get_profile(struct loader *l, cfg_table *t, const char *key, const char *value)
{
    struct scenario *s = l->s;
    unsigned files = l->nr_files;
    int at = add_file(l, t, key, DATA_PROFILE, value);
    if (at < 0)
        return NULL;
    if (l->nr_files == files) { /* seen before: the profiles are in the order of their files */
        unsigned before = 0;
        for (int i = 0; i < at; i++)
            before += l->file[i].kind == DATA_PROFILE;
        return s->profile[before];
    }
    struct workload_profile **bigger = grow(l, s->profile, s->nr_profiles, sizeof(struct workload_profile *));
    if (!bigger)
        return NULL;
    s->profile = bigger;
    struct workload_profile *p = profile_load(l->file[at].path, l->file[at].overrides, &l->err);
    if (!p) {
        l->err = scenario_restore_override(l->err, &l->file[at]);
        l->nr_files--; /* keep the two lists in step */
        free(l->file[at].name);
        free(l->file[at].path);
        free(l->file[at].overrides);
        return NULL;
    }
    s->profile[s->nr_profiles++] = p;
    return p;
}

/* The xl.cfg file of a [[vm]], loaded once. Index, or -1 (reported). */
static int get_cfg(struct loader *l, cfg_table *vm, const char *value)
{
    char *path = scenario_relative_path(vm, "config", value);
    if (!path) {
        out_of_memory(l);
        return -1;
    }
    for (unsigned i = 0; i < l->nr_cfgs; i++)
        if (strcmp(l->cfg_path[i], path) == 0) {
            free(path);
            return (int)i;
        }
    FILE *f = fopen(path, "rb");
    if (!f) {
        cfg_fail(vm, "config", "cannot read xl.cfg file '%s': %m", path);
        free(path);
        return -1;
    }
    fclose(f);
    struct xlcfg **cfgs = grow(l, l->cfg, l->nr_cfgs, sizeof(struct xlcfg *));
    if (cfgs)
        l->cfg = cfgs;
    char **paths = cfgs ? grow(l, l->cfg_path, l->nr_cfgs, sizeof(char *)) : NULL;
    if (paths)
        l->cfg_path = paths;
    struct xlcfg *x = paths ? xlcfg_load(path, &l->err) : NULL;
    if (!x) {
        free(path);
        return -1;
    }
    l->cfg[l->nr_cfgs] = x;
    l->cfg_path[l->nr_cfgs] = path;
    return (int)l->nr_cfgs++;
}

/* ---- host and hypervisor --------------------------------------------------------------------------------------- */

static void load_machine(struct loader *l)
{
    int at = add_file(l, cfg_root(l->doc), "machine", DATA_MACHINE, l->raw.machine);
    if (at < 0)
        return;
    l->s->machine = machine_open_file(l->file[at].path, l->file[at].overrides, &l->err);
    if (!l->s->machine)
        l->err = scenario_restore_override(l->err, &l->file[at]);
}

/* More pCPUs than this have lazy rates unless the scenario says otherwise. */
#define MOST_EXACT_PCPUS 64u

static void choose_rates(struct loader *l)
{
    static const char *const modes[] = {"auto", "exact", "lazy", NULL};
    unsigned mode = 0;
    if (!cfg_enum(cfg_root(l->doc), "rates", false, modes, &mode))
        return;
    bool can = l->s->machine->sharing == MACHINE_QUEUE;
    if (mode == 2 && !can)
        cfg_fail(cfg_root(l->doc), "rates", "rates are lazy only where the machine's memory.sharing is queue");
    l->s->lazy_rates = can && (mode == 2 || (mode == 0 && l->s->machine->nr_cpus > MOST_EXACT_PCPUS));
}

/* With hv_cost path: operations cost what their code does on this core. */
static void load_core(struct loader *l)
{
    static const char *const defaults[PATH_ISAS] = {"westmere", "cortex-a57", "cortex-a15"};
    const char *name = l->s->machine->core;
    for (unsigned i = 0; !name && i < PATH_ISAS; i++)
        if (!strcmp(l->s->machine->isa, path_isa_names[i]))
            name = defaults[i];
    for (unsigned i = 0; l->overrides && l->overrides[i]; i++)
        if (!strncmp(l->overrides[i], "costs.operation.", 16) &&
            asprintf(&l->err, "--set %.*s: with hv_cost path an operation costs what its code does",
                     (int)strcspn(l->overrides[i], "="), l->overrides[i]) < 0)
            l->err = NULL, out_of_memory(l);
    char *err = NULL;
    int at = failed(l) ? -1 : add_file(l, cfg_root(l->doc), "hv_cost", DATA_CORE, name);
    if (at < 0)
        return;
    if (path_core_load(l->file[at].path, l->file[at].overrides, &l->s->core, &err))
        l->err = scenario_restore_override(err, &l->file[at]);
    else if (strcmp(path_isa_names[l->s->core.isa], l->s->machine->isa) != 0)
        cfg_fail(cfg_root(l->doc), NULL, "core '%s' is of %s, machine '%s' of %s", name, path_isa_names[l->s->core.isa],
                 l->s->machine->name, l->s->machine->isa);
}

static void load_costs(struct loader *l)
{
    static const char *const modes[] = {"none", "fixed", "path", NULL};
    cfg_table *root = cfg_root(l->doc);
    unsigned mode = HV_COST_FIXED;
    if (!cfg_enum(root, "hv_cost", false, modes, &mode))
        return;
    l->s->cost_mode = (enum hv_cost_mode)mode;
    l->s->costs.ipi_latency_ns = UNINITIALISED_COST_NS;
    l->s->costs.lock_transfer_ns = UNINITIALISED_COST_NS;
    if (l->s->cost_mode == HV_COST_NONE)
        return;
    const char *isa = l->s->machine->isa,
               *by_isa = !strcmp(isa, "aarch64") ? "aarch64"
                         : !strcmp(isa, "armv7") ? "armv7"
                                                 : "fixed",
               *name = l->s->machine->costs ? l->s->machine->costs : by_isa;
    int at = add_file(l, root, "hv_cost", DATA_COSTS, name);
    char *err = NULL;
    if (at >= 0 && scenario_read_costs(&l->file[at], &l->s->costs, &err))
        l->err = scenario_restore_override(err, &l->file[at]);
    if (l->s->cost_mode == HV_COST_PATH && !failed(l))
        load_core(l);
}

static void find_level(struct loader *l, cfg_table *xen)
{
    const struct scenario *s = l->s;
    l->s->level = hv_profile_find(l->raw.behaviour);
    if (!s->level) {
        const char *names[64];
        unsigned n = 0;
        for (const struct hv_profile *p = hv_profiles; p->name && n < ARRAY_SIZE(names) - 1; p++)
            names[n++] = p->name;
        names[n] = NULL;
        const char *near = cfg_nearest(l->raw.behaviour, names);
        cfg_fail(xen, present_key(xen, "behaviour"), "unknown level '%s'%s%s%s", l->raw.behaviour,
                 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return;
    }
}

static void read_xen(struct loader *l)
{
    cfg_table *xen = cfg_sub(cfg_root(l->doc), "xen", false);
    if (!xen)
        xen = cfg_root(l->doc);
    find_level(l, xen);
    if (!failed(l))
        scenario_read_quirks(l, xen);
    if (!failed(l))
        scenario_check_arch(l, xen);
    if (!failed(l))
        scenario_read_xen_options(l, xen);
}

static void read_dom0(struct loader *l)
{
    struct scenario *s = l->s;
    cfg_table *dom0 = cfg_sub(cfg_root(l->doc), "dom0", true);
    s->dom0_vcpus = l->raw.dom0_vcpus;
    s->dom0_memory = l->raw.dom0_memory;
    s->dom0_weight = l->raw.dom0_weight;
    static const char *const words[] = {"32-bit", "64-bit", NULL};
    unsigned word = 1;
    s->dom0_channels = cfg_enum(dom0, "event_channels", false, words, &word) && cfg_has(dom0, "event_channels");
    s->opt.dom0_bits = word ? 64 : 32;
    scenario_check_dom0_vcpus(l, dom0);
    s->claim_mode = l->raw.claim_mode == UINT_MAX ? TS_CLAIM_DEFAULT : l->raw.claim_mode ? TS_CLAIM_ON : TS_CLAIM_OFF;
    if (cfg_has(dom0, "weight") && strcmp(s->opt.sched, "credit") != 0 && strcmp(s->opt.sched, "credit2") != 0)
        cfg_fail(dom0, "weight", "scheduler '%s' has no weights", s->opt.sched);
    if (!s->opt.dom0_mem)
        cfg_size(dom0, "memory", true, 0, UINT64_MAX, &s->dom0_memory);
    else if (cfg_has(dom0, "memory"))
        cfg_fail(dom0, "memory", "xen.dom0_mem says it, too");
    if (s->dom0_memory >= machine_memory(s->machine))
        cfg_fail(dom0, "memory", "dom0 needs %llu MiB, machine '%s' has %llu MiB",
                 (unsigned long long)(s->dom0_memory / MIB), s->machine->name,
                 (unsigned long long)(machine_memory(s->machine) / MIB));
    else if (l->raw.dom0_workload)
        s->dom0_profile = get_profile(l, dom0, "workload", l->raw.dom0_workload);
}

/* ---- VMs ------------------------------------------------------------------------------------------------------- */

/* The grammar of the level, and pCPUs that exist. item: of the list form. */
static bool check_cpulist(struct loader *l, const struct xlcfg *x, const char *key, const char *text, unsigned item,
                          bool list_form)
{
    const struct machine *m = l->s->machine;
    cpumask_t *mask = calloc(1, sizeof(*mask));
    node_id *cpu_node = calloc(m->nr_cpus, sizeof(*cpu_node));
    if (!mask || !cpu_node) {
        out_of_memory(l);
    } else {
        char why[256] = "";
        unsigned column = 1;
        for (unsigned i = 0; i < m->nr_cpus; i++)
            cpu_node[i] = node(m->cpu[i].node);
        int r = (list_form ? ts_cpulist_parse_entry : ts_cpulist_parse_nodes)(l->s->level, text, m->nr_cpus, cpu_node,
                                                                              mask, why, sizeof(why), &column);
        if (r && !(l->err = xlcfg_complain(x, key, item, column ? column - 1 : 0, "%s", why)))
            out_of_memory(l);
    }
    free(mask);
    free(cpu_node);
    return !l->err;
}

/* What depends on the level and the machine; the rest was checked when it was read. */
static bool check_vnuma(struct loader *l, const struct xlcfg *x, const struct ts_domain_config *d)
{
    const struct machine *m = l->s->machine;
    if (!d->nr_vnodes)
        return true;
    if (l->s->level->quirk[HV_QUIRK_vnuma_absent])
        l->err = xlcfg_complain(x, "vnuma", 0, 0, "level '%s' has no virtual NUMA (xl has it from 4.6 on)",
                                l->s->level->name);
    else if (scenario_arch(m) != HV_ARCH_x86_64)
        l->err = xlcfg_complain(x, "vnuma", 0, 0, "guests of machine '%s' have no virtual NUMA", m->name);
    else {
        unsigned i = 0;
        while (i < d->nr_vnodes && d->vnode[i].pnode < m->nr_nodes)
            i++;
        if (i == d->nr_vnodes)
            return true;
        l->err =
            xlcfg_complain(x, "vnuma", i, 0, "vnode %u: machine '%s' has no node %u", i, m->name, d->vnode[i].pnode);
    }
    if (!l->err)
        out_of_memory(l);
    return false;
}

static bool check_claim(struct loader *l, const struct xlcfg *x, const struct ts_domain_config *d)
{
    if (!d->claim_on_node)
        return true;
    if (l->s->level->quirk[HV_QUIRK_claim_host_only])
        l->err = xlcfg_complain(x, "claim_on_node", 0, 0, "level '%s' claims memory of the whole host only",
                                l->s->level->name);
    else if (d->nr_vnodes)
        l->err = xlcfg_complain(x, "claim_on_node", 0, 0, "the vnodes of 'vnuma' have their nodes already");
    else if (d->claim_node >= l->s->machine->nr_nodes)
        l->err =
            xlcfg_complain(x, "claim_on_node", 0, 0, "machine '%s' has no node %u", l->s->machine->name, d->claim_node);
    else
        return true;
    if (!l->err)
        out_of_memory(l);
    return false;
}

static bool check_domain(struct loader *l, const struct xlcfg *x)
{
    const struct ts_domain_config *d = xlcfg_domain(x);
    uint64_t have_kib = machine_memory(l->s->machine) / KIB;
    if (d->maxmem_kb > have_kib) {
        const char *key = d->memory_kb > have_kib ? "memory" : "maxmem";
        l->err = xlcfg_complain(x, key, 0, 0, "VM '%s' is larger than the host: %llu MiB, machine '%s' has %llu MiB",
                                d->name, (unsigned long long)(d->maxmem_kb / KIB), l->s->machine->name,
                                (unsigned long long)(have_kib / KIB));
        if (!l->err)
            out_of_memory(l);
        return false;
    }
    if ((d->cpus_soft || d->cpus_soft_list) && l->s->level->quirk[HV_QUIRK_node_affinity_domain]) {
        l->err = xlcfg_complain(x, "cpus_soft", 0, 0, "level '%s' has no soft affinity (Xen has it from 4.5 on)",
                                l->s->level->name);
        if (!l->err)
            out_of_memory(l);
        return false;
    }
    if (!check_vnuma(l, x, d) || !check_claim(l, x, d))
        return false;
    if (d->cpus_soft && !check_cpulist(l, x, "cpus_soft", d->cpus_soft, 0, false))
        return false;
    for (unsigned i = 0; i < d->nr_cpus_soft_list; i++)
        if (!check_cpulist(l, x, "cpus_soft", d->cpus_soft_list[i], i, true))
            return false;
    if (d->cpus)
        return check_cpulist(l, x, "cpus", d->cpus, 0, false);
    for (unsigned i = 0; i < d->nr_cpus_list; i++)
        if (!check_cpulist(l, x, "cpus", d->cpus_list[i], i, true))
            return false;
    return true;
}

/* "NAME" if it is the only one of its [[vm]], else "NAME-i". */
static bool name_vm(struct loader *l, cfg_table *vm, struct ts_domain_config *d, unsigned i, unsigned count)
{
    const char *base = d->name;
    char name[sizeof(d->name) + 16];
    if (count == 1)
        snprintf(name, sizeof(name), "%s", base);
    else
        snprintf(name, sizeof(name), "%s-%u", base, i + 1);
    if (strlen(name) >= sizeof(d->name)) {
        cfg_fail(vm, present_key(vm, "count"), "VM name '%s' has more than %zu characters", name, sizeof(d->name) - 1);
        return false;
    }
    strcpy(d->name, name);
    for (unsigned k = 0; k < l->s->nr_vms; k++)
        if (strcmp(l->s->vm[k].cfg.name, name) == 0) {
            cfg_fail(vm, "config", "a second VM of the name '%s'", name);
            return false;
        }
    return true;
}

/* At the end of the list, with the name that its configuration gives it. t, isa, as_is: scenario_guest_type. */
static bool append_vm(struct loader *l, cfg_table *t, const char *isa, bool as_is, int cfg,
                      const struct workload_profile *profile)
{
    struct scenario *s = l->s;
    struct scenario_vm *vms = grow(l, s->vm, s->nr_vms, sizeof(*vms));
    if (vms)
        s->vm = vms;
    struct scenario_vm_origin *origins = vms ? grow(l, l->origin, s->nr_vms, sizeof(*origins)) : NULL;
    if (!origins)
        return false;
    l->origin = origins;
    struct scenario_vm *new = &s->vm[s->nr_vms];
    *new = (struct scenario_vm){.cfg = *xlcfg_domain(l->cfg[cfg]), .profile = profile};
    if (!scenario_guest_type(l, l->cfg[cfg], t, isa, as_is, &new->cfg.type))
        return false;
    if (!scenario_find_pool(l, l->cfg[cfg], &new->cfg))
        return false;
    l->origin[s->nr_vms] = (struct scenario_vm_origin){l->cfg[cfg], l->cfg_path[cfg]};
    s->nr_vms++;
    return true;
}

static bool add_vm(struct loader *l, cfg_table *vm, const char *isa, int cfg, const struct workload_profile *profile,
                   unsigned i, unsigned count)
{
    struct scenario *s = l->s;
    if (!append_vm(l, vm, isa, false, cfg, profile))
        return false;
    s->nr_vms--; /* until its name is known to be its own */
    if (!name_vm(l, vm, &s->vm[s->nr_vms].cfg, i, count))
        return false;
    s->nr_vms++;
    return true;
}

bool scenario_add_late_vm(struct loader *l, cfg_table *t, bool as_is, unsigned *vm)
{
    struct scenario *s = l->s;
    const char *config = NULL, *workload = NULL;
    if (!cfg_string(t, "config", true, &config) || !cfg_string(t, "workload", false, &workload))
        return false;
    const struct workload_profile *profile = workload ? get_profile(l, t, "workload", workload) : NULL;
    int cfg = failed(l) ? -1 : get_cfg(l, t, config);
    if (cfg < 0 || (!as_is && !check_domain(l, l->cfg[cfg])))
        return false;
    if (s->nr_vms >= MAX_VMS) {
        cfg_fail(t, "config", "more than %u VMs", MAX_VMS);
        return false;
    }
    *vm = s->nr_vms;
    return append_vm(l, t, NULL, as_is, cfg, profile) && (s->vm[*vm].late = true);
}

static void check_total(struct loader *l, cfg_table *vm)
{
    uint64_t need = l->s->dom0_memory;
    for (unsigned i = 0; i < l->s->nr_vms; i++)
        need += l->s->vm[i].cfg.memory_kb * KIB;
    if (need > machine_memory(l->s->machine))
        cfg_fail(vm, present_key(vm, "count"), "dom0 and the VMs up to here need %llu MiB, machine '%s' has %llu MiB",
                 (unsigned long long)(need / MIB), l->s->machine->name,
                 (unsigned long long)(machine_memory(l->s->machine) / MIB));
}

static void load_vm(struct loader *l, cfg_table *vm)
{
    struct scenario_vm_raw raw;
    const char *const *configs = NULL;
    size_t nr_configs = 0;
    scenario_read_vm_raw(vm, &raw);
    cfg_strings(vm, "config", true, &configs, &nr_configs);
    if (!cfg_error(l->doc) && nr_configs == 0)
        cfg_fail(vm, "config", "expected at least one xl.cfg file");
    if (failed(l))
        return;
    const struct workload_profile *profile = get_profile(l, vm, "workload", raw.workload);
    int *cfg = profile ? calloc(nr_configs, sizeof(*cfg)) : NULL;
    if (!cfg) {
        if (!failed(l))
            out_of_memory(l);
        return;
    }
    for (size_t i = 0; i < nr_configs && !failed(l); i++) {
        cfg[i] = get_cfg(l, vm, configs[i]);
        if (cfg[i] >= 0)
            check_domain(l, l->cfg[cfg[i]]);
    }
    if (!failed(l) && l->s->nr_vms + raw.count > MAX_VMS)
        cfg_fail(vm, present_key(vm, "count"), "more than %u VMs", MAX_VMS);
    for (unsigned i = 0; i < raw.count && !failed(l); i++)
        if (!add_vm(l, vm, raw.isa, cfg[i % nr_configs], profile, i, raw.count))
            break;
    free(cfg);
    if (!failed(l))
        check_total(l, vm);
}

/* ---- the whole ------------------------------------------------------------------------------------------------- */

/* Every --set must have gone somewhere. */
static void check_overrides(struct loader *l)
{
    for (unsigned i = 0; l->overrides && l->overrides[i] && !l->err; i++) {
        const char *o = l->overrides[i];
        if (!scenario_override_elsewhere(o))
            continue;
        bool taken = false;
        for (unsigned f = 0; f < l->nr_files && !taken; f++)
            taken = scenario_override_for(o, l->file[f].kind, l->file[f].name);
        if (taken)
            continue;
        const char *names[64];
        unsigned n = 0;
        for (unsigned f = 0; f < l->nr_files && n < ARRAY_SIZE(names) - 1; f++)
            if (l->file[f].kind == DATA_PROFILE)
                names[n++] = l->file[f].name;
        names[n] = NULL;
        const char *name = strchr(o, '.') + 1;
        char *wanted = strndup(name, strcspn(name, ".="));
        const char *near = wanted && strncmp(o, "profile.", 8) == 0 ? cfg_nearest(wanted, names) : NULL;
        if (asprintf(&l->err, "--set %.*s: %s%s%s%s", (int)strcspn(o, "="), o,
                     strncmp(o, "costs.", 6) == 0  ? "there are no costs when hv_cost is none"
                     : strncmp(o, "core.", 5) == 0 ? "there is no core without hv_cost path"
                                                   : "the scenario uses no such workload profile",
                     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "") < 0)
            l->err = NULL, out_of_memory(l);
        free(wanted);
    }
}

static void copy_scalars(struct loader *l, const char *path)
{
    struct scenario *s = l->s;
    s->name = keep(l, l->raw.name);
    s->description = keep(l, l->raw.description);
    s->path = keep(l, path);
    s->warmup_ps = l->raw.warmup;
    s->duration_ps = l->raw.duration;
    s->start_offset_max_ps = l->raw.offset_max;
    s->cpu_up_interval_ps = l->raw.cpu_up_interval;
    s->watchdog_ps = l->raw.watchdog;
}

static void load_all(struct loader *l, const char *path)
{
    for (unsigned i = 0; l->overrides && l->overrides[i]; i++)
        if (!scenario_override_elsewhere(l->overrides[i]))
            cfg_override(l->doc, l->overrides[i]);
    if (failed(l))
        return;
    scenario_raw_defaults(&l->raw);
    if (!scenario_read_raw(l->doc, &l->raw) && failed(l))
        return;
    copy_scalars(l, path);
    void (*const steps[])(struct loader *) = {load_machine, choose_rates, load_costs,
                                              read_xen,     read_dom0,    scenario_read_pools};
    for (size_t i = 0; i < ARRAY_SIZE(steps) && !failed(l); i++)
        steps[i](l);
    size_t n = failed(l) ? 0 : cfg_array_len(cfg_root(l->doc), "vm");
    for (size_t i = 0; i < n && !failed(l); i++)
        load_vm(l, cfg_array_at(cfg_root(l->doc), "vm", i));
    if (!failed(l))
        scenario_read_actions(l);
    if (!failed(l))
        scenario_read_faults(l);
    if (failed(l))
        return;
    cfg_finish(l->doc);
    if (!failed(l))
        check_overrides(l);
    if (!failed(l))
        l->s->resolved_json = scenario_resolved_json(l, &l->err);
}

static void free_loader(struct loader *l)
{
    for (unsigned i = 0; i < l->nr_files; i++) {
        free(l->file[i].name);
        free(l->file[i].path);
        free(l->file[i].overrides);
    }
    free(l->file);
    for (unsigned i = 0; i < l->nr_cfgs; i++)
        free(l->cfg_path[i]);
    free(l->cfg_path);
    free(l->origin);
}

struct scenario *scenario_load(const char *path, const char *const *overrides, char **err)
{
    *err = NULL;
    struct loader l = {.overrides = overrides};
    struct scenario_store *store = calloc(1, sizeof(*store));
    l.s = calloc(1, sizeof(*l.s));
    l.doc = store && l.s ? cfg_load(path) : NULL;
    if (!l.doc) {
        free(store);
        free(l.s);
        *err = strdup("out of memory");
        return NULL;
    }
    load_all(&l, path);
    failed(&l);
    *store = (struct scenario_store){l.doc, l.level, l.nr_cfgs, l.cfg};
    l.s->priv = store;
    free_loader(&l);
    if (l.err) {
        *err = l.err;
        scenario_free(l.s);
        return NULL;
    }
    return l.s;
}

void scenario_free(struct scenario *s)
{
    if (!s)
        return;
    struct scenario_store *store = s->priv;
    for (unsigned i = 0; i < s->nr_profiles; i++)
        profile_free(s->profile[i]);
    free(s->profile);
    free(s->vm);
    free(s->pool);
    scenario_free_actions(s);
    free(s->fault);
    if (s->machine)
        machine_free(s->machine);
    for (unsigned i = 0; i < store->nr_cfgs; i++)
        xlcfg_free(store->cfg[i]);
    free(store->cfg);
    cfg_free(store->doc);
    if (store->level)
        free(store->level->note);
    free(store->level);
    free(store);
    free(s->name);
    free(s->description);
    free(s->path);
    free(s->resolved_json);
    free(s);
}

enum hv_arch scenario_arch(const struct machine *m)
{
    return strcmp(m->isa, "aarch64") == 0 ? HV_ARCH_arm64
           : strcmp(m->isa, "armv7") == 0 ? HV_ARCH_arm32
                                          : HV_ARCH_x86_64;
}
