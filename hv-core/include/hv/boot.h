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

/* pCPUs that are scheduled as one. */
enum hv_sched_gran { HV_GRAN_cpu, HV_GRAN_core, HV_GRAN_socket };

/* Which pCPUs share a run queue of credit2. */
enum hv_credit2_runqueue { HV_RUNQ_cpu, HV_RUNQ_core, HV_RUNQ_socket, HV_RUNQ_node, HV_RUNQ_all };

/*
 * When free memory is scrubbed at boot. off: not at all, or it was all done before. on: before any domain but dom0 is
 * built. idle: by pCPUs that idle. default: on before 4.12, and idle from then on.
 */
enum hv_bootscrub { HV_BOOTSCRUB_off, HV_BOOTSCRUB_on, HV_BOOTSCRUB_idle, HV_BOOTSCRUB_default };

/* Boot parameters by their Xen names (with '-' and '.' as '_'). */
struct hv_options {
    const char *sched;               /* "credit" */
    unsigned sched_ratelimit_us;     /* 1000; 0 or 100..500000 */
    unsigned sched_credit_tslice_ms; /* 30; 1..1000 */
    unsigned vcpu_migration_delay;   /* us, 0 */
    bool tickle_one_idle_cpu;        /* true */
    bool sched_smt_power_savings;    /* false */
    unsigned timer_slop;             /* ns, 50000 */
    bool time_calibration;           /* pCPU 0 calls all others once a second (x86) */
    enum hv_sched_gran sched_gran;   /* cpu */
    bool dom0_vcpus_pin;             /* false */
    unsigned dom0_bits;              /* word size of dom0's kernel, 64 or 32 (not a parameter: Xen reads its image) */
    const char *dom0_mem;            /* "[min:|max:]SIZE,..." (common/dom0.c); NULL: all but a little */
    const char *dom0_nodes;          /* "N,...[,strict|,relaxed]"; NULL: all; from 4.6 on */
    unsigned dma_bits;               /* width of the addresses kept back for devices, 0: Xen chooses */
    const char *memop_max_order;     /* largest extents: "domU,control,hardware,pass-through"; NULL: Xen's own */
    enum hv_bootscrub bootscrub;     /* off: a run begins on a host whose memory is clean */
    int64_t low_mem_virq_limit;      /* bytes; -1: Xen chooses, 64 MiB at most; 0: dom0 is never told */

    enum hv_credit2_runqueue credit2_runqueue; /* socket */
    int credit2_balance_under;                 /* 0 */
    int credit2_balance_over;                  /* -3 */
    unsigned credit2_load_window_shift;        /* 30, in ns */
    unsigned credit2_load_precision_shift;     /* 18; 4 or more */
    unsigned credit2_cap_period_ms;            /* 10 */
    unsigned sched_credit2_migrate_resist;     /* us, 500 */
    unsigned sched_credit2_max_cpus_runqueue;  /* 16 */
};

/* The default of every option. */
#define HV_OPTIONS_DEFAULT                                                                                             \
    {                                                                                                                  \
        .sched = "credit", .sched_ratelimit_us = 1000, .sched_credit_tslice_ms = 30, .tickle_one_idle_cpu = true,      \
        .timer_slop = 50000, .dom0_bits = 64, .low_mem_virq_limit = -1, .credit2_runqueue = HV_RUNQ_socket,            \
        .credit2_balance_over = -3, .credit2_load_window_shift = 30, .credit2_load_precision_shift = 18,               \
        .credit2_cap_period_ms = 10, .sched_credit2_migrate_resist = 500, .sched_credit2_max_cpus_runqueue = 16        \
    }

/* Of the machine: what guests' memory is mapped by, and what Xen knows of NUMA there. */
enum hv_arch { HV_ARCH_x86_64, HV_ARCH_arm32, HV_ARCH_arm64 };

struct hv_boot_info {
    enum hv_arch arch;
    const struct hv_profile *level;
    struct hv_options opt;
    unsigned nr_cpus, nr_nodes, nr_ranges;
    const struct hv_cpu_desc *cpu;
    const struct hv_mem_range *range;
    const uint8_t *slit; /* nr_nodes x nr_nodes, NULL without a SLIT */
};

#endif
