/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of the scenario loader (scenario*.c); nobody else includes it. */
#ifndef SIM_SCENARIO_PRIV_H
#define SIM_SCENARIO_PRIV_H

#include "scenario.h"
#include "xlcfg.h"

#include <config.h>
#include <hv/core.h>

#define NS_PER_PS 1e-3

enum data_kind { DATA_MACHINE, DATA_PROFILE, DATA_COSTS, DATA_CORE, DATA_NR };

/* A file that the scenario refers to, with the --set assignments that are for it. */
struct data_file {
    enum data_kind kind;
    char *name; /* as --set and the resolved configuration call it */
    char *path;
    const char **overrides; /* NULL-terminated; the strings belong to the caller of scenario_load */
};

/* The scalar keys of a scenario file as read. Strings live as long as the document. */
struct scenario_raw {
    const char *name, *description, *machine, *hv_cost, *rates;
    int64_t warmup, duration, offset_max, cpu_up_interval, watchdog;
    const char *behaviour, *quirks, *sched;
    unsigned ratelimit_us, tslice_ms, migration_delay, timer_slop, dma_bits, claim_mode, nmi_watchdog_s;
    bool time_calibration, nmi_watchdog, tickle_one_idle, smt_power_savings, dom0_vcpus_pin;
    const char *sched_gran, *credit2_runqueue, *bootscrub, *memop_max_order;
    const char *dom0_mem, *dom0_nodes;
    uint64_t low_mem_virq_limit; /* UINT64_MAX: not given */
    int64_t credit2_balance_under, credit2_balance_over;
    unsigned credit2_load_window_shift, credit2_load_precision_shift, credit2_cap_period_ms;
    unsigned credit2_migrate_resist, credit2_max_cpus_runqueue;
    unsigned dom0_vcpus, dom0_weight;
    uint64_t dom0_memory;
    const char *dom0_workload, *dom0_channels;
};

struct scenario_vm_raw {
    unsigned count;
    const char *workload;
    const char *isa; /* NULL: not said */
};

/* One [[vm]] instance, for the resolved configuration. */
struct scenario_vm_origin {
    const struct xlcfg *cfg;
    const char *cfg_path;
};

/* A level of the scenario's own (xen.quirks). */
struct scenario_level {
    struct hv_profile profile;
    char *note;
};

struct loader {
    struct scenario *s;
    cfg_doc *doc;
    struct scenario_level *level; /* NULL: s->level is one of the core's */
    struct scenario_raw raw;
    const char *const *overrides;
    char *err;

    unsigned nr_files;
    struct data_file *file; /* machine, costs, then the profiles in the order of s->profile */
    unsigned nr_cfgs;
    struct xlcfg **cfg;
    char **cfg_path;
    struct scenario_vm_origin *origin; /* of s->vm[i] */
};

/* What outlives loading: s->priv. */
struct scenario_store {
    cfg_doc *doc;
    struct scenario_level *level;
    unsigned nr_cfgs;
    struct xlcfg **cfg;
};

/* key if t has it, else NULL: where to report an error about a value that may be the default. */
static inline const char *present_key(cfg_table *t, const char *key)
{
    return cfg_has(t, key) ? key : NULL;
}

/* ---- scenario_keys.c: the table of keys and the reading from it */

void scenario_raw_defaults(struct scenario_raw *raw);
/* false: cfg_error says why. */
bool scenario_read_raw(cfg_doc *doc, struct scenario_raw *raw);
void scenario_read_vm_raw(cfg_table *vm, struct scenario_vm_raw *raw);

/* ---- scenario_arch.c: what a level can do on the machine's architecture; false or an error in l: it cannot */

void scenario_check_arch(struct loader *l, cfg_table *xen);
void scenario_check_dom0_vcpus(struct loader *l, cfg_table *dom0);
/*
 * isa: of the guest's kernel, as the key in t says, NULL: as the machine's, as far as the level knows it. as_is: what
 * the configuration asks for is the hypervisor's to refuse. On x86 *type stays.
 */
bool scenario_guest_type(struct loader *l, const struct xlcfg *x, cfg_table *t, const char *isa, bool as_is,
                         enum hv_guest_type *type);

/* ---- scenario_quirks.c: xen.quirks, once the level is known */

void scenario_read_quirks(struct loader *l, cfg_table *xen);

/* ---- scenario_find.c: where files are */

/* "name" or "dir/name.toml" to a path, malloc'ed. NULL, with the error reported at key in t, if there is no such file.
 */
char *scenario_find_file(cfg_table *t, const char *key, enum data_kind kind, const char *value);
/* value relative to the directory of the file that key of t came from; malloc'ed, NULL: out of memory. */
char *scenario_relative_path(cfg_table *t, const char *key, const char *value);
/* File name without directory and ".toml"; malloc'ed. */
char *scenario_base_name(const char *path);
/* "profile.NAME." and such: is assignment for that file? Then the rest of it, else NULL. */
const char *scenario_override_for(const char *assignment, enum data_kind kind, const char *name);
/* err (malloc'ed) of that file: its "--set KEY" becomes the assignment that the user wrote. Returns the new text. */
char *scenario_restore_override(char *err, const struct data_file *file);
/* Does the assignment go to another file than the scenario's own? */
bool scenario_override_elsewhere(const char *assignment);

/* ---- scenario_xen.c: the scheduler, its parameters, cpupools */

/* [xen], once the level is known: l->s->opt. */
void scenario_read_xen_options(struct loader *l, cfg_table *xen);
/* [[pool]]: l->s->pool. */
void scenario_read_pools(struct loader *l);
/* pool= of a VM: cfg->pool_id. false: reported. */
bool scenario_find_pool(struct loader *l, const struct xlcfg *x, struct ts_domain_config *cfg);
/* The word after sched= at this level, as the core has it; else the error is reported at key, with the nearest. */
bool scenario_find_sched(struct loader *l, cfg_table *t, const char *key, const char *word, struct hv_sched_info *out);

/* The words of sched_gran, in the order of enum hv_sched_gran. */
extern const char *const scenario_grans[];
/* A list of pCPUs in xl's grammar at this level. false: reported. may_be_empty: of what Xen is to judge. */
bool scenario_read_cpus(struct loader *l, cfg_table *t, const char *key, bool may_be_empty, cpumask_t *out);

/* ---- scenario.c */

/*
 * The VM that the [[action]] t creates, at the end of l->s->vm: *vm is its index. as_is: what its configuration asks of
 * the host is not checked, because Xen is to judge it. false: reported.
 */
bool scenario_add_late_vm(struct loader *l, cfg_table *t, bool as_is, unsigned *vm);

/* ---- scenario_action.c */

/* [[action]], once VMs and pools are known: l->s->action. */
void scenario_read_actions(struct loader *l);
void scenario_free_actions(struct scenario *s);

/* ---- scenario_fault.c */

/* [[fault]], once the machine is known: l->s->fault. */
void scenario_read_faults(struct loader *l);
/* For people; the last one has no name. */
extern const struct machine_key scenario_fault_keys[];

/* ---- scenario_costs.c */

/* 0, or -1 with *err (malloc'ed). */
int scenario_read_costs(const struct data_file *file, struct hv_costs *out, char **err);

/* ---- scenario_json.c */

/* The resolved configuration as one JSON object; NULL with *err. */
char *scenario_resolved_json(const struct loader *l, char **err);

#endif
