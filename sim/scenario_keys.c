/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scalar keys of a scenario file: one table that documents them and reads them. */
#include "scenario_priv.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PS_PER_US INT64_C(1000000)
#define PS_PER_MS INT64_C(1000000000)
#define PS_PER_S INT64_C(1000000000000)
#define MAX_TIME_PS (1000000 * PS_PER_S) /* 11.6 days */
#define MAX_MEMORY (1ull << 50)
#define MIN_DOM0_MEMORY (1ull << 20)
#define MAX_COUNT HV_MAX_DOMAINS

enum kind { KIND_STRING, KIND_TIME, KIND_UINT, KIND_SIZE, KIND_BOOL, KIND_INT };

struct key {
    const char *table, *key; /* table NULL: top level */
    enum kind kind;
    bool required;
    int64_t min, max;
    size_t offset;
    const char *text;
};

#define RAW(field) offsetof(struct scenario_raw, field)
#define VM(field) offsetof(struct scenario_vm_raw, field)

static const struct key keys[] = {
    {NULL, "name", KIND_STRING, true, 0, 0, RAW(name), "name of the scenario"},
    {NULL, "description", KIND_STRING, false, 0, 0, RAW(description), "one sentence"},
    {NULL, "machine", KIND_STRING, true, 0, 0, RAW(machine), "machine of models/machines, or a path with a /"},
    {NULL, "hv_cost", KIND_STRING, false, 0, 0, RAW(hv_cost),
     "none, fixed (default) or path: what hypervisor code costs"},
    {NULL, "rates", KIND_STRING, false, 0, 0, RAW(rates),
     "exact: every context switch is solved anew for all pCPUs; lazy: only what it matters to, within 0.5 %; auto "
     "(default): lazy on more than 64 pCPUs"},
    {NULL, "warmup", KIND_TIME, true, 0, MAX_TIME_PS, RAW(warmup), "from the start of the guests to measuring"},
    {NULL, "duration", KIND_TIME, true, 1, MAX_TIME_PS, RAW(duration), "measured time"},
    {NULL, "watchdog", KIND_TIME, false, 0, MAX_TIME_PS, RAW(watchdog),
     "a vCPU that is runnable for longer than this without running is named, with the run queues; 0 s: none; default "
     "30 s"},
    {"start", "offset_max", KIND_TIME, false, 0, MAX_TIME_PS, RAW(offset_max),
     "each VM sleeps uniformly up to this before it starts; default 0 s"},
    {"boot", "cpu_up_interval", KIND_TIME, false, 1, PS_PER_S, RAW(cpu_up_interval),
     "between two pCPUs coming up; default 10.7 ms (INIT to SIPI takes 10 ms, the rest is estimated)"},
    {"xen", "behaviour", KIND_STRING, false, 0, 0, RAW(behaviour), "level; default xen-4.3"},
    {"xen", "quirks", KIND_STRING, false, 0, 0, RAW(quirks),
     "single quirks of the level the other way, with commas between: NAME or no-NAME; what then runs is no Xen"},
    {"xen", "sched", KIND_STRING, false, 0, 0, RAW(sched),
     "scheduler; default credit at the levels of 4.2 and 4.3, else credit2"},
    {"xen", "sched_ratelimit_us", KIND_UINT, false, 0, 500000, RAW(ratelimit_us), "0 or 100..500000; default 1000"},
    {"xen", "sched_credit_tslice_ms", KIND_UINT, false, 1, 1000, RAW(tslice_ms), "1..1000; default 30"},
    {"xen", "vcpu_migration_delay", KIND_UINT, false, 0, 1000000, RAW(migration_delay), "us; default 0"},
    {"xen", "tickle_one_idle_cpu", KIND_BOOL, false, 0, 0, RAW(tickle_one_idle), "default true"},
    {"xen", "sched_smt_power_savings", KIND_BOOL, false, 0, 0, RAW(smt_power_savings), "default false"},
    {"xen", "timer_slop", KIND_UINT, false, 0, 10000000, RAW(timer_slop), "ns; default 50000"},
    {"xen", "time_calibration", KIND_BOOL, false, 0, 0, RAW(time_calibration),
     "not a boot parameter: does pCPU 0 call all others once a second, as Xen does on x86? Default: on x86, where the "
     "scenario has faults; else it is left out"},
    {"xen", "watchdog", KIND_BOOL, false, 0, 0, RAW(nmi_watchdog),
     "x86: a pCPU that is stuck in the hypervisor is a panic, which names it and the lock that it waits for. Default: "
     "where the scenario has faults (Xen's: false)"},
    {"xen", "watchdog_timeout", KIND_UINT, false, 0, 3600, RAW(nmi_watchdog_s), "s until then, 0: never; default 5"},
    {"xen", "sched_gran", KIND_STRING, false, 0, 0, RAW(sched_gran),
     "cpu (default), core or socket: what is scheduled as one"},
    {"xen", "dom0_vcpus_pin", KIND_BOOL, false, 0, 0, RAW(dom0_vcpus_pin),
     "pin vCPU i of dom0 to pCPU i; default false"},
    {"xen", "dom0_mem", KIND_STRING, false, 0, 0, RAW(dom0_mem),
     "[min:|max:]SIZE,... instead of dom0.memory: sizes with K (default), M, G or T; -SIZE: all that is free but that; "
     "without an amount: all but a sixteenth, 128 MiB at most"},
    {"xen", "dom0_nodes", KIND_STRING, false, 0, 0, RAW(dom0_nodes),
     "nodes of dom0's memory, with commas between, from 4.6 on; its vCPUs run there only (strict, the default), or "
     "would "
     "rather (relaxed, as in \"0,relaxed\")"},
    {"xen", "dma_bits", KIND_UINT, false, 0, 40, RAW(dma_bits),
     "addresses of so many bits are kept back for devices; default 0: Xen chooses"},
    {"xen", "memop_max_order", KIND_STRING, false, 0, 0, RAW(memop_max_order),
     "orders of the largest extents: domU,control,hardware,pass-through; default 9,18,12,12; from 4.7 on"},
    {"xen", "bootscrub", KIND_STRING, false, 0, 0, RAW(bootscrub),
     "on, idle or default (on before 4.12, then idle): when free memory is scrubbed at boot; default off: the run "
     "begins "
     "on a host whose memory is clean"},
    {"xen", "low_mem_virq_limit", KIND_SIZE, false, 0, 1 << 30, RAW(low_mem_virq_limit),
     "free memory at which dom0 is told that it is low, 1 GiB at most; 0: never; default: Xen chooses, 64 MiB at most"},
    {"xen", "credit2_runqueue", KIND_STRING, false, 0, 0, RAW(credit2_runqueue),
     "cpu, core, socket (default), node or all: the pCPUs that share a run queue"},
    {"xen", "credit2_balance_under", KIND_INT, false, -30, 30, RAW(credit2_balance_under), "default 0"},
    {"xen", "credit2_balance_over", KIND_INT, false, -30, 30, RAW(credit2_balance_over), "default -3"},
    {"xen", "credit2_load_window_shift", KIND_UINT, false, 11, 40, RAW(credit2_load_window_shift), "default 30"},
    {"xen", "credit2_load_precision_shift", KIND_UINT, false, 4, 40, RAW(credit2_load_precision_shift), "default 18"},
    {"xen", "credit2_cap_period_ms", KIND_UINT, false, 1, 1000, RAW(credit2_cap_period_ms), "default 10"},
    {"xen", "sched_credit2_migrate_resist", KIND_UINT, false, 0, 1000000, RAW(credit2_migrate_resist),
     "us; default 500"},
    {"xen", "sched_credit2_max_cpus_runqueue", KIND_UINT, false, 1, HV_MAX_PCPUS, RAW(credit2_max_cpus_runqueue),
     "default 16"},
    {"xl", "claim_mode", KIND_UINT, false, 0, 1, RAW(claim_mode),
     "of xl.conf: 1: claim a VM's memory before it is built, 0: do not; default 1 from 4.4 on"},
    {"dom0", "vcpus", KIND_UINT, true, 1, HV_MAX_VCPUS_PER_DOMAIN, RAW(dom0_vcpus), "vCPUs of dom0"},
    {"dom0", "memory", KIND_SIZE, false, MIN_DOM0_MEMORY, MAX_MEMORY, RAW(dom0_memory),
     "memory of dom0, and the most that it may have; required without xen.dom0_mem"},
    {"dom0", "weight", KIND_UINT, false, 1, 65535, RAW(dom0_weight), "scheduling weight; default 256"},
    {"dom0", "event_channels", KIND_STRING, false, 0, 0, RAW(dom0_channels),
     "word size of dom0's kernel, 32-bit or 64-bit: guests' devices take event channels of it; default: they take "
     "none"},
    {"dom0", "workload", KIND_STRING, false, 0, 0, RAW(dom0_workload),
     "profile of workloads/profiles that dom0 runs; default none: dom0 sleeps"},
};

static const struct key vm_keys[] = {
    {"vm", "count", KIND_UINT, false, 0, MAX_COUNT, VM(count), "how many; default 1, 0 leaves them out"},
    {"vm", "isa", KIND_STRING, false, 0, 0, VM(isa),
     "what the guest's kernel is built for: armv7 or aarch64, which xl.cfg does not say; default the machine's, armv7 "
     "at "
     "levels without 64-bit guests"},
    {"vm", "workload", KIND_STRING, true, 0, 0, VM(workload), "profile of workloads/profiles, or a path with a /"},
};

static void read_key(cfg_table *t, const struct key *k, void *base)
{
    void *field = (char *)base + k->offset;
    switch (k->kind) {
    case KIND_STRING:
        cfg_string(t, k->key, k->required, field);
        break;
    case KIND_TIME:
        cfg_time_ps(t, k->key, k->required, k->min, k->max, field);
        break;
    case KIND_UINT:
        cfg_uint(t, k->key, k->required, (unsigned)k->min, (unsigned)k->max, field);
        break;
    case KIND_SIZE:
        cfg_size(t, k->key, k->required, (uint64_t)k->min, (uint64_t)k->max, field);
        break;
    case KIND_INT:
        cfg_int(t, k->key, k->required, k->min, k->max, field);
        break;
    case KIND_BOOL:
        cfg_bool(t, k->key, k->required, field);
        break;
    }
}

void scenario_raw_defaults(struct scenario_raw *raw)
{
    *raw = (struct scenario_raw){
        .description = "",
        .hv_cost = "fixed",
        .rates = "auto",
        .cpu_up_interval = 10700 * PS_PER_US,
        .watchdog = 30 * PS_PER_S,
        .nmi_watchdog_s = 5,
        .behaviour = "xen-4.3",
        .sched_gran = "cpu",
        .credit2_runqueue = "socket",
        .bootscrub = "off",
        .credit2_balance_over = -3,
        .credit2_load_window_shift = 30,
        .credit2_load_precision_shift = 18,
        .credit2_cap_period_ms = 10,
        .credit2_migrate_resist = 500,
        .credit2_max_cpus_runqueue = 16,
        .ratelimit_us = 1000,
        .tslice_ms = 30,
        .tickle_one_idle = true,
        .timer_slop = 50000,
        .low_mem_virq_limit = UINT64_MAX,
        .dom0_weight = 256,
        .claim_mode = UINT_MAX,
    };
}

static bool table_required(const char *table)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].table && strcmp(keys[i].table, table) == 0 && keys[i].required)
            return true;
    return false;
}

bool scenario_read_raw(cfg_doc *doc, struct scenario_raw *raw)
{
    cfg_table *t = cfg_root(doc);
    const char *table = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].table && (!table || strcmp(table, keys[i].table) != 0)) {
            table = keys[i].table;
            t = cfg_sub(cfg_root(doc), table, table_required(table));
        }
        if (t)
            read_key(t, &keys[i], raw);
    }
    cfg_table *xen = cfg_sub(cfg_root(doc), "xen", false);
    if (xen && raw->ratelimit_us > 0 && raw->ratelimit_us < 100)
        cfg_fail(xen, "sched_ratelimit_us", "%u is out of range, expected 0 (off) or 100 to 500000", raw->ratelimit_us);
    return !cfg_error(doc);
}

void scenario_read_vm_raw(cfg_table *vm, struct scenario_vm_raw *raw)
{
    *raw = (struct scenario_vm_raw){.count = 1};
    for (size_t i = 0; i < ARRAY_SIZE(vm_keys); i++)
        read_key(vm, &vm_keys[i], raw);
}

/* ---- the table for people -------------------------------------------------------------------------------------- */

static const struct machine_key pool_keys[] = {
    {"pool.name", "string", "name, for pool= of xl.cfg", true},
    {"pool.cpus", "string", "its pCPUs, in xl's grammar of lists; they leave Pool-0", true},
    {"pool.sched", "string", "scheduler; default xen.sched", false},
    {"pool.sched_gran", "string", "cpu (default), core or socket", false},
    {"pool.tslice_ms", "number", "scheduler credit: 1..1000", false},
    {"pool.ratelimit_us", "number", "schedulers credit and credit2: 0 or 100..500000", false},
};

static const struct machine_key action_keys[] = {
    {"action.at", "time", "when: from the start of the guests", true},
    {"action.do", "string", "what: the name of the command; the other keys are its operands", true},
    {"action.expect", "string", "name of the error with which it must be refused, as EINVAL", false},
    {"action.vm", "string", "VM as xl list names it: NAME, NAME-2, Domain-0", false},
    {"action.vcpu", "number or \"all\"", "sched-rtds, vcpu-pin: the vCPU; default all", false},
    {"action.weight", "number", "sched-credit, sched-credit2: 1..65535", false},
    {"action.cap", "number", "sched-credit, sched-credit2: percent of one pCPU, 0..100 x vCPUs; 0: none", false},
    {"action.period_us", "number", "sched-rtds", false},
    {"action.budget_us", "number", "sched-rtds: up to the period", false},
    {"action.extratime", "boolean", "sched-rtds", false},
    {"action.pool", "string", "cpupool; default of sched-arinc653 and sched-params: Pool-0", false},
    {"action.major_frame", "time", "sched-arinc653: length of the frame", false},
    {"action.frame", "list of tables", "sched-arinc653: slots { vm = NAME, vcpu = N, runtime = TIME }", false},
    {"action.tslice_ms", "number", "sched-params, pool of credit: 1..1000", false},
    {"action.ratelimit_us", "number", "sched-params, pool of credit or credit2: 0 or 100..500000", false},
    {"action.migration_delay_us", "number", "sched-params, pool of credit", false},
    {"action.hard", "string", "vcpu-pin: hard affinity, in xl's grammar of lists", false},
    {"action.soft", "string", "vcpu-pin: soft affinity, not at the levels of 4.2 and 4.3", false},
    {"action.cpu", "number", "cpupool-cpu-add, cpupool-cpu-remove, cpu-offline, cpu-online: the pCPU", false},
    {"action.cpus", "string", "cpupool-create: free pCPUs, in xl's grammar of lists; default none", false},
    {"action.sched", "string", "cpupool-create: scheduler; default xen.sched", false},
    {"action.sched_gran", "string", "cpupool-create: cpu (default), core or socket", false},
    {"action.config", "string", "create: xl.cfg file, relative to the scenario", false},
    {"action.workload", "string", "create: profile of workloads/profiles; default none: its vCPUs sleep", false},
    {"action.paused", "boolean", "create: leave it paused, as xl create -p; default false", false},
    {"action.memory", "size", "mem-set, mem-max: what the guest is to have, or may have", false},
    {"action.may_fail", "boolean", "a refusal goes to the action log, not to an error", false},
    {"action.free_pages", "list of numbers", "set-aside: pages that are to be free on each node", false},
    {"action.zones", "list of tables", "set-aside: { node = N, zone = Z, free = PAGES }, frames from 2^Z to 2^(Z+1)",
     false},
};

#define MAX_ELSEWHERE 64u /* keys of tables that other files read */
static struct machine_key listed[ARRAY_SIZE(keys) + ARRAY_SIZE(vm_keys) + ARRAY_SIZE(pool_keys) +
                                 ARRAY_SIZE(action_keys) + 1 + MAX_ELSEWHERE];
static char dotted[ARRAY_SIZE(listed)][48];

static void list_key(unsigned i, const struct key *k)
{
    static const char *const types[] = {"string", "time", "number", "size", "boolean", "number"};
    char *p = dotted[i];
    if (k->table) {
        p = stpcpy(p, k->table);
        *p++ = '.';
    }
    strcpy(p, k->key);
    listed[i] = (struct machine_key){dotted[i], types[k->kind], k->text, k->required};
}

const struct machine_key *scenario_keys(unsigned *n)
{
    unsigned nr = 0;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        list_key(nr++, &keys[i]);
    for (size_t i = 0; i < ARRAY_SIZE(pool_keys); i++)
        listed[nr++] = pool_keys[i];
    listed[nr++] =
        (struct machine_key){"vm.config", "string or list of strings",
                             "xl.cfg file, relative to the scenario; instance i takes number (i - 1) mod n", true};
    for (size_t i = 0; i < ARRAY_SIZE(vm_keys); i++)
        list_key(nr++, &vm_keys[i]);
    for (size_t i = 0; i < ARRAY_SIZE(action_keys); i++)
        listed[nr++] = action_keys[i];
    const struct machine_key *const elsewhere[] = {scenario_fault_keys};
    for (size_t t = 0; t < ARRAY_SIZE(elsewhere); t++)
        for (const struct machine_key *k = elsewhere[t]; k->key && nr < ARRAY_SIZE(listed); k++)
            listed[nr++] = *k;
    *n = nr;
    return listed;
}
