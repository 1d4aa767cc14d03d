/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port for unit tests: hv/port.h on one thread of the host, deterministic. The test says which pCPU executes and
 * what time it is, or lets the driver run the pCPUs in (time, id) order: timers fire, IPIs arrive 1 ns after they are
 * sent, softirqs run, guests burn time or block. This file is the only place of stubs for hv-core's tests.
 *
 * Locks cannot be contended on one thread: taking a held lock, or a spin-wait whose condition does not hold, is
 * reported as a panic. A failed trylock is injected with tp_trylock_failures. A test that runs each pCPU on a stack of
 * its own sets tp_yield, which lets others run wherever the port may let time pass (test_sched_interleave.c).
 */
#ifndef PORT_TEST_H
#define PORT_TEST_H

#include <hv/core.h>
#include <setjmp.h>

#define TP_MAX_CPUS 4096u

/* What a vCPU does when it runs: burn ns of guest time, then block for ns (0: for ever), and again. burn 0: for ever.
 */
struct tp_guest {
    s_time_t burn, block;
    s_time_t left;    /* of this burn */
    s_time_t started; /* when it was switched in; -1: not running */
    s_time_t done;    /* guest time burnt in all */
    unsigned blocks;
};

struct tp_cpu {
    s_time_t timer;  /* deadline as armed, S_TIME_MAX: off */
    s_time_t ipi_at; /* arrival of an IPI, S_TIME_MAX: none */
    bool irq_pending;
    bool dead; /* it was taken off and has stopped */
    unsigned ipis_received, switches;
};

struct tp_trace_rec {
    s_time_t t;
    pcpu_id cpu;
    uint32_t event, nr, w[7];
};

/* Called when the core panics while no test expects it: prints and aborts. A test that expects a panic:
 *     if (TP_PANICS()) { ...must panic...; tp_no_panic(); CU_FAIL(); } else CU_PASS(); */
#define TP_PANICS() (tp_expect_panic = true, setjmp(tp_panic_jmp) == 0)
extern bool tp_expect_panic;
extern jmp_buf tp_panic_jmp;
extern const char *tp_panic_text;
void tp_no_panic(void);
/* Instead of all that, if it is not NULL; does not return. */
extern void (*tp_panic_hook)(const char *file, int line, const char *text);

extern struct tp_cpu tp_cpu[TP_MAX_CPUS];
extern s_time_t tp_clock_ahead[TP_MAX_CPUS]; /* how far a pCPU's clock is ahead of the driver's time; set after boot */
extern uint64_t tp_perfc[PERFC_NR];
extern unsigned tp_trylock_failures;            /* the next n trylocks fail */
extern void (*tp_yield)(void);                  /* others may run now; returns on the pCPU that called */
extern void (*tp_spin)(void);                   /* the same, but only where this pCPU waits for another one */
extern int64_t tp_alloc_budget;                 /* mappings still granted before port_map_pages fails; -1: no limit */
extern int64_t tp_frametable_budget;            /* the same for port_frametable_alloc */
extern uint64_t tp_alloc_fails_at[HV_ALLOC_NR]; /* that allocation of the class, from now on, fails; 0: none */
extern size_t tp_mapped, tp_mapped_pages;       /* mappings and pages that the core holds now */
extern size_t tp_frametable_bytes;              /* frame table memory that the core holds now */
extern uint64_t tp_pages_cleared, tp_pages_copied;
extern bool (*tp_pages_zero)(uint64_t first, unsigned order); /* NULL: no guest frame is zero */
extern uint64_t tp_irq_after_pages; /* an interrupt comes when so many more pages were cleared; 0: none */
extern void (*tp_trace_hook)(const struct tp_trace_rec *r); /* NULL: records are dropped */
extern char tp_console[65536];                              /* what the core has printed, the last part */

/* Forget everything and give back all memory: the core must be booted (or its modules initialised) afterwards. */
void tp_reset(void);
void tp_set_cpu(unsigned cpu);
void tp_set_time(s_time_t now);
/* The locks that are held, of all that the core took since the reset. */
unsigned tp_locks_held(void);

/* ---- machines --------------------------------------------------------------------------------------------------- */

/* nodes x sockets per node x cores x threads; ids: all threads of a core next to each other, nodes ascending. */
struct tp_machine {
    unsigned nodes, sockets_per_node, cores, threads;
    uint64_t pages_per_node;
};

/* A boot description with Xen's default options; stays valid until the next call. */
struct hv_boot_info *tp_boot_info(const struct tp_machine *m, const struct hv_profile *level);
/* tp_reset, boot on pCPU 0 and cpu_start on every pCPU, run their softirqs. The core's result. */
int tp_boot(const struct hv_core *core, const struct tp_machine *m, const struct hv_profile *level);
int tp_boot_info_run(const struct hv_core *core, const struct hv_boot_info *info);

/* ---- the driver ------------------------------------------------------------------------------------------------- */

/* Make v behave; g must outlive it. Call before v is woken. */
void tp_guest_attach(struct vcpu *v, struct tp_guest *g, s_time_t burn, s_time_t block);
/* Run all pCPUs until time t (events at t included). Calls hook after each event, if it is not NULL. */
void tp_run_until(s_time_t until, void (*hook)(void));
/* Handle what is pending on a pCPU at the current time. */
void tp_settle(unsigned cpu);
/* Deliver every IPI that is due by now or one ns later, on all pCPUs, until there is none. */
void tp_settle_all(void);

#endif
