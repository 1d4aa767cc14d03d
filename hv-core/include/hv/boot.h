/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hypervisor is told at boot: the firmware's view of the machine, and the command line. */
#ifndef HV_BOOT_H
#define HV_BOOT_H

#include <hv/profile.h>
#include <hv/types.h>

struct hv_cpu_desc {
    uint16_t socket, core, thread; /* core: machine-wide number */
    node_id node;                  /* NODE_INVALID: firmware does not say (assigned round robin) */
};

/* A range of RAM of one node, in frames: [start, end). Ranges do not overlap and are in ascending order. */
struct hv_mem_range {
    uint64_t start_mfn, end_mfn;
    node_id node;
};

/* Boot parameters by their Xen names (with '-' and '.' as '_'). */
struct hv_options {
    const char *sched;               /* "credit" */
    unsigned sched_ratelimit_us;     /* 1000; 0 or 100..500000 */
    unsigned sched_credit_tslice_ms; /* 30; 1..1000 */
    unsigned vcpu_migration_delay;   /* us, 0 */
    bool tickle_one_idle_cpu;        /* true */
    bool sched_smt_power_savings;    /* false */
    unsigned timer_slop;             /* ns, 50000 */
};

struct hv_boot_info {
    const struct hv_profile *level;
    struct hv_options opt;
    unsigned nr_cpus, nr_nodes, nr_ranges;
    const struct hv_cpu_desc *cpu;
    const struct hv_mem_range *range;
    const uint8_t *slit; /* nr_nodes x nr_nodes, NULL without a SLIT */
};

#endif
