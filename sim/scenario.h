/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario: one host, one hypervisor configuration, the VMs and what they run. Read from TOML and xl.cfg files. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <hv/boot.h>
#include <hv/port.h>
#include <models/machine.h>
#include <toolstack/toolstack.h>
#include <workloads/profile.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hv_cost_mode { HV_COST_NONE, HV_COST_FIXED };

/* ns charged per counted operation (index: enum hv_perfc) and per architectural event; models/costs/NAME.toml. */
struct hv_costs {
    double perfc_ns[PERFC_NR];
    double trap_entry_ns, trap_exit_ns; /* guest to hypervisor and back */
    double interrupt_ns;                /* taking an interrupt on top of the entry */
    double ipi_send_ns;
    double ipi_latency_ns; /* from the send to the interrupt at the other side; >= 1 */
    double timer_program_ns;
    double world_switch_ns;  /* state of the old guest out, of the new one in */
    double lock_ns;          /* uncontended acquire */
    double lock_transfer_ns; /* hand-over of a contended lock to the next waiter; >= 1 */
    double page_clear_ns;    /* 4 KiB */
};

struct scenario_vm {
    struct ts_domain_config cfg; /* name made unique: "NAME-i" where a template makes several */
    const struct workload_profile *profile;
};

/* A [[pool]]: made by the toolstack, out of pCPUs of the boot pool, before the VMs. */
struct scenario_pool {
    struct ts_cpupool_config cfg; /* cfg.name is the name */
    const char *sched;            /* the word after sched= */
};

struct scenario {
    char *name, *description;
    char *path;
    struct machine *machine;
    const struct hv_profile *level;
    struct hv_options opt;
    enum hv_cost_mode cost_mode;
    struct hv_costs costs;

    int64_t warmup_ps;           /* from the start of the guests to the start of measuring */
    int64_t duration_ps;         /* measured */
    int64_t start_offset_max_ps; /* each VM sleeps uniform [0, this) before it starts */
    int64_t cpu_up_interval_ps;  /* between two pCPUs coming up at boot */

    unsigned dom0_vcpus;
    uint64_t dom0_memory;
    uint32_t dom0_weight;
    const struct workload_profile *dom0_profile; /* NULL: dom0 sleeps */

    unsigned nr_pools; /* without Pool-0 */
    struct scenario_pool *pool;

    unsigned nr_vms;
    struct scenario_vm *vm; /* cfg.pool_id: 1 + index into pool, 0: Pool-0 */

    unsigned nr_profiles;
    struct workload_profile **profile;

    char *resolved_json; /* the scenario and all it refers to, as resolved: goes to run.json */
    void *priv;          /* the loader's own storage (strings that the above point into) */
};

/*
 * Read a scenario. overrides: NULL-terminated list of "a.b=value" (--set) or NULL; keys that begin with "machine." and
 * "profile.NAME." go to the machine file and to that workload profile, the rest to the scenario file. Machines,
 * profiles and costs are looked up by name in the data directory (scenario_data_dir) unless the value has a '/' (then
 * relative to the file). NULL with *err (malloc'ed, one line "file:line:column: ...").
 */
struct scenario *scenario_load(const char *path, const char *const *overrides, char **err);
void scenario_free(struct scenario *s);

/*
 * Every key of a scenario file, from the table that reads them, for `hvsim list scenario-keys`. Keys of tables are
 * written with a dot ("xen.sched"); those of each [[vm]] begin with "vm.". The file in short:
 *
 *   name = "...", machine = "NAME", hv_cost = "none" | "fixed", warmup = "2 s", duration = "30 s"
 *   [start] [boot] [xen] [dom0]
 *   [[vm]]  config = "a.cfg" or ["odd.cfg", "even.cfg"] (instance i takes number (i - 1) mod n), count, workload
 */
const struct machine_key *scenario_keys(unsigned *n);

/* Where models/ and workloads/ are: $HVSIM_DATA, else the installed place, else the source tree that this was built
 * from. */
const char *scenario_data_dir(void);

#ifdef __cplusplus
}
#endif

#endif
