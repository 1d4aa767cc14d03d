/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rate model: how fast every hardware thread makes progress, given what runs on all of them.
 *
 * A task's rate changes only when some thread's task changes; between two changes it is constant. The caller says what
 * runs where, asks for the new solution, and computes progress itself.
 */
#ifndef MODELS_RATE_H
#define MODELS_RATE_H

#include <models/machine.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WORK_MAX_CURVE 16u

/* What a phase of a program does to the hardware: architecture-independent, per instruction. */
struct work_mix {
    double cpi_core;       /* cycles per instruction with every access an L1 hit and the core to itself */
    double smt_slowdown;   /* core-bound time is multiplied by 1 + smt_slowdown * (busy fraction of the sibling) */
    double l2_apki;        /* accesses per 1000 instructions that miss L1 */
    double l3_apki;        /* ... that miss L2 (reach L3) */
    double mlp;            /* outstanding L3 misses that overlap, >= 1 */
    double write_fraction; /* dirty evictions per L3 miss, 0..1 */
    double footprint;      /* bytes of the hot working set of one vCPU (what is refilled after a migration) */
    double sequential;     /* part of its L3 misses that go through memory in order, for prefetchers, 0..1 */
    double tlb_mpki_4k;    /* last-level TLB misses per 1000 instructions with 4 KiB pages */
    /*
     * L3 misses per 1000 instructions against the share of L3 that the vCPU has: piecewise linear, sizes ascending,
     * flat beyond both ends.
     */
    unsigned nr_curve;
    double curve_size[WORK_MAX_CURVE]; /* bytes */
    double curve_mpki[WORK_MAX_CURVE];
};

/* A task on a hardware thread: the mix, and where its memory lies. */
struct rate_task {
    const struct work_mix *mix;
    double node_share[MACHINE_MAX_NODES]; /* fraction of its memory accesses that go to each node; sums to 1 */
};

struct rate_model;

/* NULL: out of memory. */
struct rate_model *rate_create(const struct machine *m);
void rate_free(struct rate_model *r);

/*
 * From now on only what a change matters to is worked out: rates are within RATE_LAZY_TOLERANCE of the exact ones, and
 * depend on the order of changes. Rates of threads that rate_solve does not name move, too, within RATE_LAZY_REACH of
 * what was worked out last (twice that from where it named them): rate_ipns says how fast they are, rate_work how far
 * they have come. For large machines
 * whose bandwidth is shared by queueing; before the first rate_set. 0, or -1: out of memory, nothing changed.
 */
int rate_lazy(struct rate_model *r);
#define RATE_LAZY_TOLERANCE 0.005
#define RATE_LAZY_REACH 0.06

/*
 * task NULL: the thread idles. Takes effect at the next rate_solve. What task says is taken over now: call again when
 * it changes. 0, or -1: out of memory, nothing changed.
 */
int rate_set(struct rate_model *r, unsigned cpu, const struct rate_task *task);

/*
 * Solve for the new rates. Returns the number of threads whose rate differs from the previous solution and their
 * numbers, ascending, in changed[] (room for nr_cpus). Deterministic: the result depends only on what runs where.
 */
unsigned rate_solve(struct rate_model *r, unsigned *changed);

/*
 * So many ns went by at the present rates; to be said before the next rate_solve by who asks for rate_work.
 */
void rate_elapse(struct rate_model *r, double ns);
/*
 * Instructions that a thread has made in the time that elapsed, all its tasks together: differences tell what a task
 * has done. To first order in what lazy rates have moved by; exact otherwise.
 */
double rate_work(const struct rate_model *r, unsigned cpu);

/* Of the last solution. Instructions per ns; 0 for an idle thread. */
double rate_ipns(const struct rate_model *r, unsigned cpu);
/* By what part that may rise before rate_solve names the thread: 0 where rates are exact. */
double rate_rise(const struct rate_model *r, unsigned cpu);
/* L3 misses per instruction of the last solution. */
double rate_miss_per_instr(const struct rate_model *r, unsigned cpu);
/* Bytes of L3 that the thread's task holds in the steady state of the last solution. */
double rate_l3_share(const struct rate_model *r, unsigned cpu);
/* Fraction of capacity in use: of a node's controllers / of the link from one socket to another. */
double rate_mem_utilisation(const struct rate_model *r, unsigned node);
double rate_link_utilisation(const struct rate_model *r, unsigned from_socket, unsigned to_socket);
/* ns per L3 miss that the thread sees on average, loaded. */
double rate_miss_latency_ns(const struct rate_model *r, unsigned cpu);

/*
 * Cache warm-up. How long (ns of lost progress) a task takes to refill caches after being scheduled in on cpu:
 * resident_l2 / resident_l3 are the bytes of its footprint still in that core's L2 / that socket's L3.
 */
double rate_warmup_ns(const struct rate_model *r, unsigned cpu, const struct rate_task *task, double resident_l2,
                      double resident_l3);

#ifdef __cplusplus
}
#endif

#endif
