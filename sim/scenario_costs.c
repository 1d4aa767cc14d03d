/* SPDX-License-Identifier: GPL-2.0-or-later */
/* models/costs/NAME.toml: what hypervisor operations cost with --hv-cost fixed. */
#include "scenario_priv.h"

#include <stdlib.h>
#include <string.h>

#define MAX_COST_PS INT64_C(1000000000000) /* 1 s: a cost beyond it is a slip of the unit */

static const char *const perfc_keys[PERFC_NR] = {
    [PERFC_softirq] = "softirq",
    [PERFC_schedule] = "schedule",
    [PERFC_context_switch] = "context_switch",
    [PERFC_sched_wake] = "sched_wake",
    [PERFC_sched_tick] = "sched_tick",
    [PERFC_sched_acct_domain] = "sched_acct_domain",
    [PERFC_sched_acct_vcpu] = "sched_acct_vcpu",
    [PERFC_sched_pick_cpu] = "sched_pick_cpu",
    [PERFC_sched_runq_scan] = "sched_runq_scan",
    [PERFC_sched_balance_peer] = "sched_balance_peer",
    [PERFC_sched_tickle] = "sched_tickle",
    [PERFC_timer_op] = "timer_op",
    [PERFC_hypercall] = "hypercall",
    [PERFC_evtchn_send] = "evtchn_send",
    [PERFC_heap_alloc] = "heap_alloc",
    [PERFC_heap_free] = "heap_free",
    [PERFC_heap_split] = "heap_split",
    [PERFC_heap_merge] = "heap_merge",
    [PERFC_page_assign] = "page_assign",
    [PERFC_p2m_set] = "p2m_set",
};

static const struct {
    const char *key;
    size_t offset;
    int64_t min_ps;
} arch_keys[] = {
    {"trap_entry", offsetof(struct hv_costs, trap_entry_ns), 0},
    {"trap_exit", offsetof(struct hv_costs, trap_exit_ns), 0},
    {"interrupt", offsetof(struct hv_costs, interrupt_ns), 0},
    {"ipi_send", offsetof(struct hv_costs, ipi_send_ns), 0},
    {"ipi_latency", offsetof(struct hv_costs, ipi_latency_ns), 1000}, /* nothing between pCPUs is instantaneous */
    {"timer_program", offsetof(struct hv_costs, timer_program_ns), 0},
    {"world_switch", offsetof(struct hv_costs, world_switch_ns), 0},
    {"lock", offsetof(struct hv_costs, lock_ns), 0},
    {"lock_transfer", offsetof(struct hv_costs, lock_transfer_ns), 1000},
    {"page_clear", offsetof(struct hv_costs, page_clear_ns), 0},
};

static void read_cost(cfg_table *t, const char *key, int64_t min_ps, double *ns)
{
    int64_t ps = 0;
    if (cfg_time_ps(t, key, true, min_ps, MAX_COST_PS, &ps))
        *ns = (double)ps / 1000.0;
}

int scenario_read_costs(const struct data_file *file, struct hv_costs *out, char **err)
{
    cfg_doc *doc = cfg_load(file->path);
    if (!doc) {
        *err = strdup("out of memory");
        return -1;
    }
    for (unsigned i = 0; file->overrides[i]; i++)
        cfg_override(doc, file->overrides[i]);
    if (!cfg_error(doc)) {
        const char *ignored;
        cfg_string(cfg_root(doc), "name", true, &ignored);
        cfg_string(cfg_root(doc), "description", true, &ignored);
        cfg_table *arch = cfg_sub(cfg_root(doc), "arch", true);
        cfg_table *op = cfg_sub(cfg_root(doc), "operation", true);
        for (size_t i = 0; arch && i < ARRAY_SIZE(arch_keys); i++)
            read_cost(arch, arch_keys[i].key, arch_keys[i].min_ps,
                      (double *)(void *)((char *)out + arch_keys[i].offset));
        for (size_t i = 0; op && i < PERFC_NR; i++)
            read_cost(op, perfc_keys[i], 0, &out->perfc_ns[i]);
        cfg_finish(doc);
    }
    if (cfg_error(doc))
        *err = strdup(cfg_error(doc));
    bool failed = cfg_error(doc);
    cfg_free(doc);
    return failed ? -1 : 0;
}
