/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Behaviour levels as data: a level is a set of limits and of named quirks. Nothing in the core asks for a release;
 * code asks for one quirk by name.
 */
#ifndef HV_PROFILE_H
#define HV_PROFILE_H

#include <hv/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(identifier, released in, fixed in ("" = not fixed), what it does) */
#define HV_QUIRKS(X)                                                                                                   \
    X(sched_now_before_lock, "-", "4.4", "schedule() samples the time before it takes the lock")                       \
    X(sched_trace_no_vcpu, "-", "4.8", "trace: the records of who goes and who comes name the domain only")            \
    X(sched_trace_terse, "-", "4.9", "trace: no record of who goes on, and of credit's only the first six")            \
    X(timer_slop_added, "-", "4.17",                                                                                   \
      "the hardware timer is set a slop after what expires first, however far off that is")                            \
    X(initial_cpu_least_populated, "3.0", "4.8",                                                                       \
      "a new vCPU starts on the least populated pCPU, second threads first")                                           \
    X(credit_acct_32bit, "3.0", "", "credit accounting multiplies in 32 bits and wraps on large hosts")                \
    X(credit_unpark_boost, "3.4", "4.4", "a parked vCPU coming out of parking is boosted")                             \
    X(credit_migrate_boost, "3.0", "4.4", "a vCPU woken by a migration is boosted")                                    \
    X(credit_ratelimit_full, "4.2", "4.5", "a rate-limited slice is the whole limit again, not what is left of it")    \
    X(credit_kick_always, "4.3", "4.7", "a preempted vCPU is kicked away although it cannot use the idle pCPUs")       \
    X(credit_kick_never, "4.13", "", "a preempted vCPU is never kicked away: the wrong vCPU's affinity is tested")     \
    X(credit_tickle_stale_idlers, "3.0", "4.10", "a tickled pCPU stays in idlers, so the next wake may choose it too") \
    X(credit_idlers_any_pool, "4.0", "4.4", "idlers of other cpupools are tickled")                                    \
    X(credit_tick_on_idle, "3.0", "4.7", "the tick also runs on idle pCPUs")                                           \
    X(credit_no_lb_ratelimit, "3.0", "4.19", "the load balancer scans all peers every time")                           \
    X(credit_steal_from_first, "3.0", "4.9", "the balancer starts from each node's first busy pCPU, also if one runs") \
    X(credit_yield_served, "4.1", "4.9", "a yield ends as soon as its vCPU is queued, so the balancer may take it on") \
    X(credit_tickle_idle_twice, "3.0", "",                                                                             \
      "a wake tickles its own idle pCPU, though it has been tickled for another vCPU")                                 \
    X(credit_tick_starts_only, "3.0", "", "a tick that makes a vCPU active does not look whether it had better move")  \
    X(credit_pool_put_stale, "4.2", "4.4", "a new time slice leaves tick and credits per slice as they were")          \
    X(credit_delay_at_boot_only, "3.0", "4.14", "vcpu_migration_delay is a boot parameter only, not one of a pool")    \
    X(sched_sedf, "3.0", "4.6", "the SEDF scheduler exists")                                                           \
    X(arinc653_frame_drift, "4.1", "4.21", "arinc653: a frame that begins late moves all later ones")                  \
    X(arinc653_default_dom0_only, "4.1", "4.4", "arinc653: until it is told, one slot, for dom0's vCPU 0")             \
    X(rtds_replq_by_level, "4.10", "", "rtds replenishes in order of level, then deadline: a deadline can come late")  \
    X(rtds_replenish_quiet, "4.10", "", "rtds: who waits on a level of extratime is replenished without a tickle")     \
    X(rtds_passed_over, "4.5", "", "rtds: a waiter whose told pCPU took another is not offered to those that idle")    \
    X(credit2_no_affinity, "4.1", "4.7", "credit2 ignores hard affinity")                                              \
    X(credit2_one_runqueue, "4.1", "4.6", "credit2: all pCPUs that boot share one run queue, whatever their sockets")  \
    X(credit2_private_spinlock, "4.1", "4.8", "credit2: of two placements at a time one gives up")                     \
    X(credit2_first_pcpu, "4.1", "4.8", "credit2 places on the first pCPU of a run queue, new vCPUs not at all")       \
    X(credit2_tickle_own_first, "4.1", "4.8", "credit2 preempts on a vCPU's own pCPU before it wakes an idle one")     \
    X(credit2_no_ratelimit, "4.1", "4.8", "credit2 has no rate limit")                                                 \
    X(credit2_yield_nop, "4.1", "4.8", "credit2: a yield does nothing")                                                \
    X(credit2_short_slices, "4.1", "4.8", "credit2: slices of at most 2 ms, idle ones too")                            \
    X(credit2_load_window_short, "4.1", "4.8", "credit2 averages load over 268 ms")                                    \
    X(credit2_stale_load, "4.1", "4.8", "credit2 does not refresh the load of who goes on running")                    \
    X(credit2_reset_stale, "4.1", "4.8", "credit2: a reset forgives what vCPUs on other pCPUs have run so far")        \
    X(credit2_reset_on_next, "4.1", "4.8", "credit2 resets when the next one has no credit, whoever else has")         \
    X(credit2_trace_swapped, "4.1", "4.8", "credit2's records have the domain in the low half; later ones are absent") \
    X(credit2_no_cap, "4.1", "4.10", "credit2 has no caps")                                                            \
    X(credit2_no_floor, "4.1", "4.14", "credit2: credit has no floor")                                                 \
    X(credit2_two_hogs, "4.1", "4.21", "credit2: two burners of a pCPU run for 10 ms in turn")                         \
    X(credit2_balance_last_queue, "4.1", "", "credit2 balances by the load of the last run queue, not of the chosen")  \
    X(credit2_pick_bias_hard, "4.10", "", "credit2 places by soft affinity with another run queue's bias")             \
    X(credit2_idle_resist, "4.14", "", "credit2: an idle pCPU leaves a waiter at the credit floor to its last pCPU")   \
    X(credit2_passed_over, "4.8", "", "credit2: a waiter whose told pCPU took another is not offered to idle ones")    \
    X(node_affinity_domain, "4.3", "4.5", "node affinity is per domain; there is no per-vCPU soft affinity")           \
    X(claim_at_assign, "4.3", "4.22", "a claim shrinks at assignment and grows back when pages are freed")             \
    X(claim_host_only, "4.3", "", "a claim is on the host as a whole, never on one node")                              \
    X(claim_by_dying, "4.3", "4.22", "a domain that is dying can still claim memory")                                  \
    X(memop_order_by_hardware, "3.0", "4.7", "extents above 2 MiB are for callers with access to hardware, any size")  \
    X(exchange_any_node, "3.0", "4.6", "what comes in an exchange comes from the caller's node, not the domain's")     \
    X(heap_alloc_next_node, "3.4", "", "a multi-node domain's allocations rotate over its nodes, starting after 0")    \
    X(heap_one_end, "3.0", "4.10", "free lists have one end for all; a dying domain's pages are scrubbed when freed")  \
    X(heap_xen_unscrubbed, "3.0", "4.5", "pages that the hypervisor itself frees are not scrubbed")                    \
    X(bootscrub_serial, "3.0", "4.5", "boot scrubs free memory on one pCPU")                                           \
    X(bootscrub_no_idle, "3.0", "4.12", "bootscrub: on or off, on by default; pCPUs that idle do not do it")           \
    X(offline_short_tail, "3.4", "4.22", "offlining: the last piece of a buddy is never merged to its full size")      \
    X(offline_misaligned, "3.4", "4.22", "offlining leaves buddies that are not aligned to their size")                \
    X(offline_stale_order, "3.4", "4.22", "offlining: a frame at the head of its buddy keeps the buddy's order")       \
    X(dma_width_floor, "3.4", "4.5", "the DMA zone width rounds down instead of up")                                   \
    X(perdomain_unrotated, "4.3", "4.6", "the pages of a domain's own mappings do not turn its rotation over nodes")   \
    X(placement_32bit_diff, "4.2", "", "placement compares memory through a 32-bit difference in KiB")                 \
    X(placement_32bit_sum, "4.2", "4.5", "placement sums free memory in 32-bit KiB")                                   \
    X(placement_off_with_cpus, "4.2", "4.12", "cpus= of any form switches automatic placement off")                    \
    X(placement_ignores_pinning, "4.12", "", "a domain with cpus= may be placed on nodes where it cannot run")         \
    X(placement_foreign_pools, "4.2", "4.5", "placement counts vCPUs on pCPUs that are not of their cpupool")          \
    X(placement_count_self, "4.5", "", "the domain being created counts itself on every node")                         \
    X(pv_builder_4k, "3.0", "4.6", "PV domains are built from 4 KiB extents")                                          \
    X(cpulist_exclusions_last, "4.2", "4.4", "a CPU list's exclusions apply at its end; no nodes:, all only alone")    \
    X(cpus_list_single, "4.2", "4.5", "cpus=[...] gives one pCPU number per vCPU, applied after memory is built")      \
    X(evtchn_2level_only, "3.0", "4.4",                                                                                \
      "event channels: two levels of bits, 1024 or 4096 ports a domain, are all there is")                             \
    X(dom0_nodes_absent, "3.0", "4.6", "there is no dom0_nodes")                                                       \
    X(vnuma_absent, "3.0", "4.6", "xl has no vnuma=")                                                                  \
    X(claim_mode_off, "4.3", "4.4", "xl does not claim a domain's memory before it builds the domain")                 \
    X(hvm_claim_late, "4.3", "4.4", "HVM domains are claimed for after their low pages, and for what is to come only") \
    X(arm_one_node, "4.3", "", "ARM: one NUMA node whatever the firmware says")                                        \
    X(arm_p2m_4k, "4.3", "4.5",                                                                                        \
      "ARM: guest memory is mapped by 4 KiB entries only, each change of one is a TLB flush")                          \
    X(arm_vmid_domid, "4.3", "4.6", "ARM: the VMID is the domain id plus 1, in 8 bits")                                \
    X(arm_no_pdx, "4.3", "4.4", "ARM: frame numbers are not compressed")                                               \
    X(arm_vcpus_8, "4.3", "4.6", "ARM: 8 vCPUs a domain (GICv2)")                                                      \
    X(arm_pcpus_8, "4.3", "4.5", "ARM: 8 pCPUs (GICv2)")                                                               \
    X(arm_first_bank, "4.3", "4.4", "ARM: of the host's memory only the first bank is used")                           \
    X(arm_ram_16g, "4.3", "4.4", "ARM: frames are described for 16 GiB, also where the host has 64 bits")              \
    X(arm_aarch32_guests, "4.3", "4.4", "ARM: guests of 32 bits only, also where the host has 64")

enum hv_quirk {
#define X(id, since, fixed, text) HV_QUIRK_##id,
    HV_QUIRKS(X)
#undef X
        HV_QUIRK_NR
};

struct hv_quirk_info {
    const char *name, *since, *fixed, *text;
};

struct hv_profile {
    const char *name;
    const char *note; /* shown wherever the profile shows, NULL for none ("not Xen") */
    uint64_t max_host_bytes;
    bool quirk[HV_QUIRK_NR];
};

/* All levels, terminated by an entry without a name. */
extern const struct hv_profile hv_profiles[];
extern const struct hv_quirk_info hv_quirk_infos[HV_QUIRK_NR];
/* NULL: no such level. */
const struct hv_profile *hv_profile_find(const char *name);

/* The level of this hypervisor, set once at boot. */
extern const struct hv_profile *hv_level;
#define quirk(id) (hv_level->quirk[HV_QUIRK_##id])

#ifdef __cplusplus
}
#endif

#endif
