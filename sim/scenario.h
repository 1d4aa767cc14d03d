/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scenario: one host, one hypervisor configuration, the VMs and what they run. Read from TOML and xl.cfg files. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <hv/boot.h>
#include <hv/port.h>
#include <models/machine.h>
#include <models/path.h>
#include <toolstack/control.h>
#include <workloads/profile.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hv_cost_mode { HV_COST_NONE, HV_COST_FIXED, HV_COST_PATH };

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
    struct ts_domain_config cfg;            /* name made unique: "NAME-i" where a template makes several */
    const struct workload_profile *profile; /* NULL, of one that is made by an action: its vCPUs sleep */
    bool late;                              /* an action makes it; the others are made before the guests start */
};

/* A [[pool]]: made by the toolstack, out of pCPUs of the boot pool, before the VMs. */
struct scenario_pool {
    struct ts_cpupool_config cfg; /* cfg.name is the name */
    const char *sched;            /* the word after sched= */
};

/* An [[action]]: what an operator types at dom0's prompt at a time. */
enum scenario_do {
    DO_SCHED_DOMAIN, /* sched-credit, sched-credit2, sched-rtds: vm, sched */
    DO_SCHED_FRAME,  /* sched-arinc653: pool, major_frame_ns, frame */
    DO_SCHED_POOL,   /* sched-params: pool, params */
    DO_VCPU_PIN,     /* vm, vcpu, hard, soft */
    DO_CPUPOOL_MIGRATE,
    DO_CPUPOOL_CPU_ADD,
    DO_CPUPOOL_CPU_REMOVE,
    DO_CPUPOOL_CREATE, /* pool, create */
    DO_CPUPOOL_DESTROY,
    DO_CPU_OFFLINE,
    DO_CPU_ONLINE,
    DO_PAUSE,
    DO_UNPAUSE,
    DO_CREATE,   /* vm, paused */
    DO_DESTROY,  /* vm */
    DO_MEM_SET,  /* vm, memory_kb */
    DO_MEM_MAX,  /* vm, memory_kb */
    DO_SET_ASIDE /* free_pages, zone */
};

/* Pages of one zone of a node that are to be free: frames from 2^zone to 2^(zone + 1). */
struct scenario_zone {
    unsigned node, zone;
    uint64_t free_pages;
};

struct scenario_slot {
    unsigned vm, vcpu;
    int64_t runtime_ns;
};

/* Only what its kind of action needs is set. */
struct scenario_action {
    const char *where; /* file:line:column */
    char *command;     /* as it is typed */
    const char *verb;  /* the word after do= */
    int64_t at_ps;     /* from the start of the guests: from the moment when warm-up begins */
    int expect;        /* HV_E* with which it must be refused; 0: it must be done */
    bool may_fail;     /* it may be refused, or done; the action log says */
    enum scenario_do what;
    unsigned vm;   /* 0: Domain-0, else 1 + index into vm */
    unsigned pool; /* 0: Pool-0, 1 + index into pool, above: one number for each pool that an action creates */
    unsigned cpu;
    unsigned vcpu; /* TS_ALL_VCPUS */
    struct ts_sched_params sched;
    struct ts_pool_params params;
    bool has_hard, has_soft;
    cpumask_t hard, soft;
    struct ts_cpupool_config create;
    int64_t major_frame_ns;
    unsigned nr_slots;
    struct scenario_slot *slot;
    bool paused;
    uint64_t memory_kb;
    uint64_t *free_pages; /* [node], NULL: zones only */
    unsigned nr_zones;
    struct scenario_zone *zone;
};

/*
 * A [[fault]]: something that goes wrong. Of the first kinds each occasion may be struck (an allocation, an IPI, ...);
 * the last ones are events of their own.
 */
enum scenario_fault_kind {
    FAULT_ALLOC,      /* class_: the core gets no memory though there is some */
    FAULT_TRYLOCK,    /* a trylock fails though the lock is free */
    FAULT_IPI_LOST,   /* cpus: its target */
    FAULT_IPI_LATE,   /* cpus: its target; by_ps */
    FAULT_TIMER_LATE, /* cpus; by_ps */
    FAULT_CPU_OFF,    /* cpu, back_after_ps */
    FAULT_MEMORY_OFF, /* node, first_page, nr_pages, back_after_ps */
    FAULT_NR
};
#define FAULT_ANY_CPU UINT32_MAX

struct scenario_fault {
    const char *where; /* file:line:column */
    enum scenario_fault_kind kind;
    int64_t at_ps, until_ps; /* from the start of the guests */
    double probability;      /* 0..1, of each occasion */
    uint64_t nth;            /* each n-th occasion instead; 0: probability counts */
    uint64_t times;          /* at most so often; UINT64_MAX: no limit */
    cpumask_t cpus;
    int64_t by_ps;         /* late by (0, by_ps], uniformly */
    unsigned classes;      /* of FAULT_ALLOC: a bit for each enum hv_alloc_class */
    int64_t every_ps;      /* again, until until_ps; 0: once */
    uint32_t cpu;          /* FAULT_ANY_CPU: one that is on, drawn */
    int64_t back_after_ps; /* 0: it stays off */
    unsigned node;
    uint64_t first_page, nr_pages; /* of the node's memory, in the order of its ranges */
};

/* The words after kind=, in the order of enum scenario_fault_kind. */
extern const char *const scenario_fault_kinds[FAULT_NR + 1];

struct scenario {
    char *name, *description;
    char *path;
    struct machine *machine;
    const struct hv_profile *level;
    struct hv_options opt;
    bool lazy_rates; /* of models/rate.h */
    enum hv_cost_mode cost_mode;
    struct hv_costs costs;
    struct path_core core; /* with HV_COST_PATH */

    int64_t warmup_ps;           /* from the start of the guests to the start of measuring */
    int64_t duration_ps;         /* measured */
    int64_t start_offset_max_ps; /* each VM sleeps uniform [0, this) before it starts */
    int64_t watchdog_ps;         /* a vCPU that is runnable for longer without running has stalled; 0: nobody looks */
    int64_t nmi_watchdog_ps;     /* a pCPU that is in the hypervisor for longer is stuck; 0: nobody looks */
    int64_t cpu_up_interval_ps;  /* between two pCPUs coming up at boot */

    unsigned dom0_vcpus;
    enum ts_claim_mode claim_mode;
    uint64_t dom0_memory;
    uint32_t dom0_weight;
    const struct workload_profile *dom0_profile; /* NULL: dom0 sleeps */
    bool dom0_channels; /* guests take event channels of it; opt.dom0_bits: of how many it has */

    unsigned nr_pools; /* without Pool-0 */
    struct scenario_pool *pool;

    unsigned nr_vms;
    struct scenario_vm *vm; /* cfg.pool_id: 1 + index into pool, 0: Pool-0 */

    unsigned nr_actions;
    struct scenario_action *action; /* in order of time, those of one time in the order of the file */

    unsigned nr_faults;
    struct scenario_fault *fault; /* in the order of the file */

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
 *   name = "...", machine = "NAME", hv_cost = "none" | "fixed" | "path", warmup = "2 s", duration = "30 s"
 *   [start] [boot] [xen] [dom0]
 *   [[pool]]  name, cpus, sched
 *   [[action]]  at = "5 s", do = "vcpu-pin" and what that takes
 *   [[fault]]  kind = "ipi-lost", at = "5 s" and what that takes
 *   [[vm]]  config = "a.cfg" or ["odd.cfg", "even.cfg"] (instance i takes number (i - 1) mod n), count, workload
 */
const struct machine_key *scenario_keys(unsigned *n);

/* The architecture of a machine, as the hypervisor is told. */
enum hv_arch scenario_arch(const struct machine *m);

/* Where models/ and workloads/ are: $HVSIM_DATA, else the installed place, else the source tree that this was built
 * from. */
const char *scenario_data_dir(void);

#ifdef __cplusplus
}
#endif

#endif
