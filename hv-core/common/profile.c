/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The behaviour levels. A release's quirks are those with since <= release < fixed of HV_QUIRKS; a test holds the rows
 * below to that rule.
 */
#include <hv/profile.h>

#define TiB (1ull << 40)
#define ON(id) [HV_QUIRK_##id] = true

const struct hv_quirk_info hv_quirk_infos[HV_QUIRK_NR] = {
#define X(id, since, fixed, text) [HV_QUIRK_##id] = {#id, since, fixed, text},
    HV_QUIRKS(X)
#undef X
};

#define QUIRKS_4_3_COMMON                                                                                              \
    ON(sched_now_before_lock), ON(sched_trace_no_vcpu), ON(sched_trace_terse), ON(timer_slop_added),                   \
        ON(initial_cpu_least_populated), ON(credit_acct_32bit), ON(credit_unpark_boost), ON(credit_migrate_boost),     \
        ON(credit_ratelimit_full), ON(credit_kick_always), ON(credit_tickle_stale_idlers), ON(credit_idlers_any_pool), \
        ON(credit_tick_on_idle), ON(credit_no_lb_ratelimit), ON(credit_steal_from_first), ON(credit_pool_put_stale),   \
        ON(credit_yield_served), ON(credit_tickle_idle_twice), ON(credit_tick_starts_only),                            \
        ON(credit_delay_at_boot_only), ON(node_affinity_domain), ON(claim_at_assign), ON(claim_host_only),             \
        ON(heap_alloc_next_node), ON(heap_one_end), ON(heap_xen_unscrubbed), ON(bootscrub_serial),                     \
        ON(bootscrub_no_idle), ON(offline_short_tail), ON(offline_misaligned), ON(offline_stale_order),                \
        ON(claim_by_dying), ON(memop_order_by_hardware), ON(exchange_any_node), ON(dma_width_floor),                   \
        ON(perdomain_unrotated), ON(placement_32bit_diff), ON(placement_32bit_sum), ON(placement_foreign_pools),       \
        ON(placement_off_with_cpus), ON(pv_builder_4k), ON(cpulist_exclusions_last), ON(cpus_list_single),             \
        ON(credit2_no_affinity), ON(credit2_one_runqueue), ON(credit2_private_spinlock), ON(credit2_first_pcpu),       \
        ON(credit2_tickle_own_first), ON(credit2_no_ratelimit), ON(credit2_yield_nop), ON(credit2_short_slices),       \
        ON(credit2_load_window_short), ON(credit2_stale_load), ON(credit2_reset_stale), ON(credit2_reset_on_next),     \
        ON(credit2_trace_swapped), ON(credit2_no_cap), ON(credit2_no_floor), ON(credit2_two_hogs),                     \
        ON(credit2_balance_last_queue), ON(vnuma_absent), ON(evtchn_2level_only), ON(dom0_nodes_absent),               \
        ON(claim_mode_off), ON(arm_p2m_4k), ON(arm_no_pdx), ON(arm_vmid_domid), ON(hvm_claim_late), ON(sched_sedf),    \
        ON(arinc653_frame_drift), ON(arinc653_default_dom0_only)

/* Without these ARM servers are NUMA hosts (arm-numa). */
#define QUIRKS_4_3_ARM                                                                                                 \
    ON(arm_one_node), ON(arm_vcpus_8), ON(arm_pcpus_8), ON(arm_first_bank), ON(arm_ram_16g), ON(arm_aarch32_guests)

const struct hv_profile hv_profiles[] = {
    {
        .name = "xen-4.2",
        .note = "limits of 4.2; behaviour of 4.3",
        .max_host_bytes = 5 * TiB,
        .quirk = {QUIRKS_4_3_COMMON, QUIRKS_4_3_ARM},
    },
    {
        .name = "xen-4.3",
        .max_host_bytes = 16 * TiB,
        .quirk = {QUIRKS_4_3_COMMON, QUIRKS_4_3_ARM},
    },
    {
        .name = "modern", /* 4.17 */
        .max_host_bytes = 16 * TiB,
        .quirk = {ON(credit_acct_32bit),
                  ON(credit_kick_never),
                  ON(credit_tickle_idle_twice),
                  ON(credit_tick_starts_only),
                  ON(arinc653_frame_drift),
                  ON(credit_no_lb_ratelimit),
                  ON(credit2_two_hogs),
                  ON(credit2_balance_last_queue),
                  ON(credit2_pick_bias_hard),
                  ON(credit2_idle_resist),
                  ON(credit2_passed_over),
                  ON(rtds_passed_over),
                  ON(rtds_replq_by_level),
                  ON(rtds_replenish_quiet),
                  ON(claim_at_assign),
                  ON(claim_by_dying),
                  ON(claim_host_only),
                  ON(offline_short_tail),
                  ON(offline_misaligned),
                  ON(offline_stale_order),
                  ON(heap_alloc_next_node),
                  ON(placement_32bit_diff),
                  ON(placement_ignores_pinning),
                  ON(placement_count_self),
                  ON(arm_one_node)},
    },
    {
        .name = "fixed",
        .note = "modern with its named defects mended",
        .max_host_bytes = 16 * TiB,
        /* Behaviour, not defects. */
        .quirk = {ON(heap_alloc_next_node), ON(arm_one_node)},
    },
    {
        .name = "arm-numa",
        .note =
            "not Xen: 4.3 with several NUMA nodes, more than 8 pCPUs and vCPUs, all memory and 64-bit guests on ARM",
        .max_host_bytes = 16 * TiB,
        .quirk = {QUIRKS_4_3_COMMON},
    },
    {.name = NULL},
};

const struct hv_profile *hv_level = &hv_profiles[1];

const struct hv_profile *hv_profile_find(const char *name)
{
    for (const struct hv_profile *p = hv_profiles; p->name; p++) {
        const char *a = p->name, *b = name;
        while (*a && *a == *b) {
            a++;
            b++;
        }
        if (*a == *b)
            return p;
    }
    return NULL;
}
