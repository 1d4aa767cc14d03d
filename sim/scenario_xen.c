/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of a scenario: the boot parameters, the scheduler, the cpupools. */
#include "scenario_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAMES 16
#define UNCHANGED 0xffffffffu
#define NR_MEMOP_CLASSES 4u
#define PS_PER_S INT64_C(1000000000000)

static const char *const bootscrubs[] = {"off", "on", "idle", "default", NULL}; /* as enum hv_bootscrub */
const char *const scenario_grans[] = {"cpu", "core", "socket", NULL};
static const char *const runqueues[] = {"cpu", "core", "socket", "node", "all", NULL};

/* ---- schedulers ------------------------------------------------------------------------------------------------- */

bool scenario_find_sched(struct loader *l, cfg_table *t, const char *key, const char *word, struct hv_sched_info *out)
{
    const char *names[MAX_NAMES];
    unsigned n = 0;
    while (n < MAX_NAMES - 1 && hv_core_get()->scheduler(l->s->level, n, out)) {
        if (strcmp(out->opt_name, word) == 0)
            return true;
        names[n++] = out->opt_name;
    }
    names[n] = NULL;
    const char *near = cfg_nearest(word, names);
    cfg_fail(t, key, "level '%s' has no scheduler '%s'%s%s%s", l->s->level->name, word, near ? "; did you mean '" : "",
             near ? near : "", near ? "'?" : "");
    return false;
}

/* Up to four orders with commas between; any may be left out. What the hypervisor would refuse to boot with is a
 * mistake. */
static void check_memop_max_order(struct loader *l, cfg_table *xen)
{
    const char *text = l->raw.memop_max_order;
    unsigned fields = 1;
    bool valid = true;
    if (!text)
        return;
    for (const char *p = text; *p && valid; p++) {
        char *end = (char *)p;
        if (*p >= '0' && *p <= '9') {
            valid = strtoul(p, &end, 10) <= MAX_ORDER;
            p = end - 1;
        } else {
            valid = *p == ',' && ++fields <= NR_MEMOP_CLASSES;
        }
    }
    if (!valid)
        cfg_fail(xen, "memop_max_order", "expected up to %u orders from 0 to %u with commas between, found '%s'",
                 NR_MEMOP_CLASSES, MAX_ORDER, text);
    else if (l->s->level->quirk[HV_QUIRK_memop_order_by_hardware])
        cfg_fail(xen, "memop_max_order", "level '%s' has no memop_max_order (4.7 has it)", l->s->level->name);
}

/* Also after the options are taken over: the core reads them. */
static void check_dom0_options(struct loader *l, cfg_table *xen)
{
    const struct hv_options *opt = &l->s->opt;
    const char *bad = hv_core_get()->bad_option(opt);
    if (bad)
        cfg_fail(xen, bad, "expected %s, found '%s'",
                 strcmp(bad, "dom0_mem") == 0 ? "[min:|max:]SIZE with commas between, as 512M,max:1G"
                                              : "nodes, strict or relaxed, with commas between, as 0,1,relaxed",
                 strcmp(bad, "dom0_mem") == 0 ? opt->dom0_mem : opt->dom0_nodes);
    if (bad || !opt->dom0_nodes)
        return;
    if (l->s->level->quirk[HV_QUIRK_dom0_nodes_absent])
        cfg_fail(xen, "dom0_nodes", "level '%s' has no dom0_nodes (4.6 has it)", l->s->level->name);
    for (const char *p = opt->dom0_nodes; *p; p++) {
        char *end = (char *)p;
        unsigned long n = strtoul(p, &end, 10);
        if (end != p && n >= l->s->machine->nr_nodes)
            cfg_fail(xen, "dom0_nodes", "machine '%s' has no node %lu", l->s->machine->name, n);
        p = end != p ? end - 1 : p;
    }
}

/* 4.12 made credit2 the default. */
static const char *default_sched(const struct hv_profile *level)
{
    return level->quirk[HV_QUIRK_sched_now_before_lock] ? "credit" : "credit2";
}

/* Xen's NMI watchdog is the hardware's, not the core's: x86 only. */
static void read_watchdog(struct loader *l, cfg_table *xen, bool x86, bool faults)
{
    bool on = cfg_has(xen, "watchdog") ? l->raw.nmi_watchdog : x86 && faults;
    if (on && !x86)
        cfg_fail(xen, "watchdog", "machine '%s' is no x86: Xen has no watchdog there", l->s->machine->name);
    l->s->nmi_watchdog_ps = on ? l->raw.nmi_watchdog_s * PS_PER_S : 0;
}

void scenario_read_xen_options(struct loader *l, cfg_table *xen)
{
    const struct scenario_raw *r = &l->raw;
    struct hv_sched_info sched;
    unsigned gran = 0, runqueue = HV_RUNQ_socket, bootscrub = HV_BOOTSCRUB_off;

    const char *word = r->sched ? r->sched : default_sched(l->s->level);
    if (!scenario_find_sched(l, xen, present_key(xen, "sched"), word, &sched))
        return;
    cfg_enum(xen, "sched_gran", false, scenario_grans, &gran);
    cfg_enum(xen, "credit2_runqueue", false, runqueues, &runqueue);
    if (cfg_enum(xen, "bootscrub", false, bootscrubs, &bootscrub) && bootscrub == HV_BOOTSCRUB_idle &&
        l->s->level->quirk[HV_QUIRK_bootscrub_no_idle])
        cfg_fail(xen, "bootscrub", "level '%s' has no bootscrub = \"idle\" (4.12 has it); it knows on and off",
                 l->s->level->name);
    check_memop_max_order(l, xen);
    bool x86 = scenario_arch(l->s->machine) == HV_ARCH_x86_64, faults = cfg_array_len(cfg_root(l->doc), "fault") != 0;
    read_watchdog(l, xen, x86, faults);
    l->s->opt = (struct hv_options){
        .sched = sched.opt_name,
        .sched_ratelimit_us = r->ratelimit_us,
        .sched_credit_tslice_ms = r->tslice_ms,
        .vcpu_migration_delay = r->migration_delay,
        .tickle_one_idle_cpu = r->tickle_one_idle,
        .sched_smt_power_savings = r->smt_power_savings,
        .timer_slop = r->timer_slop,
        .time_calibration = cfg_has(xen, "time_calibration") ? r->time_calibration : x86 && faults,
        .dma_bits = r->dma_bits,
        .dom0_mem = r->dom0_mem,
        .dom0_nodes = r->dom0_nodes,
        .memop_max_order = r->memop_max_order,
        .bootscrub = (enum hv_bootscrub)bootscrub,
        .low_mem_virq_limit = r->low_mem_virq_limit == UINT64_MAX ? -1 : (int64_t)r->low_mem_virq_limit,
        .sched_gran = (enum hv_sched_gran)gran,
        .dom0_vcpus_pin = r->dom0_vcpus_pin,
        .dom0_bits = 64,
        .credit2_runqueue = (enum hv_credit2_runqueue)runqueue,
        .credit2_balance_under = (int)r->credit2_balance_under,
        .credit2_balance_over = (int)r->credit2_balance_over,
        .credit2_load_window_shift = r->credit2_load_window_shift,
        .credit2_load_precision_shift = r->credit2_load_precision_shift,
        .credit2_cap_period_ms = r->credit2_cap_period_ms,
        .sched_credit2_migrate_resist = r->credit2_migrate_resist,
        .sched_credit2_max_cpus_runqueue = r->credit2_max_cpus_runqueue,
    };
    check_dom0_options(l, xen);
}

/* ---- cpupools --------------------------------------------------------------------------------------------------- */

static void out_of_memory(struct loader *l)
{
    if (!l->err)
        l->err = strdup("out of memory");
}

bool scenario_read_cpus(struct loader *l, cfg_table *t, const char *key, bool may_be_empty, cpumask_t *out)
{
    const struct machine *m = l->s->machine;
    const char *text = NULL;
    char why[256] = "";
    unsigned column = 1;

    if (!cfg_string(t, key, true, &text))
        return false;
    node_id *cpu_node = calloc(m->nr_cpus, sizeof(*cpu_node));
    if (!cpu_node) {
        out_of_memory(l);
        return false;
    }
    for (unsigned i = 0; i < m->nr_cpus; i++)
        cpu_node[i] = node(m->cpu[i].node);
    int bad = (may_be_empty ? ts_cpulist_parse_any : ts_cpulist_parse_nodes)(l->s->level, text, m->nr_cpus, cpu_node,
                                                                             out, why, sizeof(why), &column);
    free(cpu_node);
    if (bad)
        cfg_fail(t, key, "character %u of the list: %s", column, why);
    return !bad;
}

/* pCPU 0 is dom0's, and no pCPU is in two pools. */
static bool check_cpus(struct loader *l, cfg_table *t, const cpumask_t *cpus)
{
    if (cpumask_test(cpus, pcpu(0))) {
        cfg_fail(t, "cpus", "pCPU 0 stays in Pool-0");
        return false;
    }
    for (unsigned i = 0; i < l->s->nr_pools; i++)
        for (unsigned c = 0; c < l->s->machine->nr_cpus; c++)
            if (cpumask_test(cpus, pcpu(c)) && cpumask_test(&l->s->pool[i].cfg.cpus, pcpu(c))) {
                cfg_fail(t, "cpus", "pCPU %u is in pool '%s' already", c, l->s->pool[i].cfg.name);
                return false;
            }
    return true;
}

static bool check_name(struct loader *l, cfg_table *t, const char *name)
{
    bool taken = strcmp(name, "Pool-0") == 0;
    for (unsigned i = 0; i < l->s->nr_pools; i++)
        taken |= strcmp(l->s->pool[i].cfg.name, name) == 0;
    if (taken)
        cfg_fail(t, "name", "a second pool of the name '%s'", name);
    return !taken;
}

static bool read_pool(struct loader *l, cfg_table *t, struct scenario_pool *p)
{
    const char *sched = l->s->opt.sched;
    struct hv_sched_info info;
    unsigned gran = HV_GRAN_cpu;

    *p = (struct scenario_pool){.cfg = {.tslice_ms = UNCHANGED, .ratelimit_us = UNCHANGED}};
    if (!cfg_string(t, "name", true, &p->cfg.name) || !check_name(l, t, p->cfg.name) ||
        !scenario_read_cpus(l, t, "cpus", false, &p->cfg.cpus) || !check_cpus(l, t, &p->cfg.cpus))
        return false;
    cfg_string(t, "sched", false, &sched);
    cfg_enum(t, "sched_gran", false, scenario_grans, &gran);
    cfg_uint(t, "tslice_ms", false, 1, 1000, &p->cfg.tslice_ms);
    cfg_uint(t, "ratelimit_us", false, 0, 500000, &p->cfg.ratelimit_us);
    if (cfg_error(l->doc) || !scenario_find_sched(l, t, present_key(t, "sched"), sched, &info))
        return false;
    p->sched = info.opt_name;
    p->cfg.sched_id = info.id;
    p->cfg.gran = (enum hv_sched_gran)gran;
    return true;
}

void scenario_read_pools(struct loader *l)
{
    size_t n = cfg_array_len(cfg_root(l->doc), "pool");
    l->s->pool = calloc(n ? n : 1, sizeof(*l->s->pool));
    if (!l->s->pool) {
        out_of_memory(l);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!read_pool(l, cfg_array_at(cfg_root(l->doc), "pool", i), &l->s->pool[i]))
            return;
        l->s->nr_pools++;
    }
}

bool scenario_find_pool(struct loader *l, const struct xlcfg *x, struct ts_domain_config *cfg)
{
    const char *names[MAX_NAMES + 1];
    unsigned n = 0;

    cfg->pool_id = 0;
    if (!cfg->pool || strcmp(cfg->pool, "Pool-0") == 0)
        return true;
    names[n++] = "Pool-0";
    for (unsigned i = 0; i < l->s->nr_pools; i++) {
        if (strcmp(l->s->pool[i].cfg.name, cfg->pool) == 0) {
            cfg->pool_id = i + 1;
            return true;
        }
        if (n < MAX_NAMES)
            names[n++] = l->s->pool[i].cfg.name;
    }
    names[n] = NULL;
    const char *near = cfg_nearest(cfg->pool, names);
    l->err = xlcfg_complain(x, "pool", 0, 0, "no [[pool]] '%s' in the scenario%s%s%s", cfg->pool,
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    if (!l->err)
        out_of_memory(l);
    return false;
}
