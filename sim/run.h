/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One simulation. SystemC keeps global state, so there is one per process. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "metrics.h"
#include "scenario.h"
#include "xl_print.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Exit codes of every hvsim command (docs/formats.md). */
enum hvsim_exit {
    EXIT_DONE = 0,
    EXIT_CHECK_FAILED = 1,
    EXIT_BAD_INPUT = 2,
    EXIT_HOST_FAILED = 3,
    EXIT_MODEL_PANIC = 4
};

struct run_event {
    uint64_t index;
    int64_t time_ps;
    uint16_t class_; /* enum event_class in sim/kernel/calendar.hpp */
    uint16_t id;     /* pCPU or other entity number */
    uint32_t what;   /* event code */
    uint64_t arg;    /* e.g. domain and vCPU */
    uint64_t state;  /* fingerprint so far */
};

/* A moment at which to print what xl would. */
#define RUN_SHOW_AT_END INT64_MAX
struct run_show {
    enum xl_what what;
    int64_t at_ps; /* from the start of the guests; RUN_SHOW_AT_END: when the window of measurement ends */
};

struct run_options {
    uint64_t seed;
    const char *hv_core_path;  /* shared object to use instead of the linked core, NULL */
    unsigned check_invariants; /* 0: no; else after every stay in the hypervisor of that number */
    bool watchdog_fatal;       /* a stall ends the run with EXIT_CHECK_FAILED */
    bool sync_every_event;     /* slow twin: hand every event to the kernel, no running ahead */
    bool sync_every_release;   /* slow twin: the release of a lock lets time pass first, as taking it does */
    /* NULL or called with each event of the trajectory, in order (--check-determinism, event logs). */
    void (*on_event)(void *ctx, const struct run_event *e);
    void *ctx;
    /* NULL or called now and then with progress in 0..1 of simulated time. */
    void (*on_progress)(void *ctx, double done);
    FILE *trace; /* the core's trace records as xentrace writes them, of the window of measurement; NULL: none */
    unsigned nr_shows;
    const struct run_show *show; /* in order of time */
    FILE *show_file;             /* not NULL if there are any */
    FILE *action_log;            /* a line of JSON for each action that is over (docs/formats.md); NULL: none */
    FILE *console;               /* the hypervisor's console and the toolstack's messages; NULL: dropped */
};

/* What a stretch of a run cost the simulator. */
struct run_work {
    uint64_t events;    /* of the trajectory: what the fingerprint is made of */
    uint64_t steps;     /* times that simulated time passed for somebody: what a process of SystemC waits for */
    uint64_t handovers; /* from one process to another */
    double wall_s;
};

struct run_result {
    struct metrics metrics;
    uint64_t fingerprint;
    uint64_t events;
    uint64_t handovers; /* from one process to another */
    double simulated_s, wall_s;
    /* Processor time of this process until the host was up and the first guest was begun; until all had been made. */
    double start_cpu_s, guests_cpu_s;
    struct run_work window; /* of the part that is measured */
    const char *hv_build_id;
    char error[512]; /* the reason when the return value is not EXIT_DONE */
};

/* Run a scenario in this process. An enum hvsim_exit. The result must be freed with run_result_free in every case. */
int run_scenario(const struct scenario *s, const struct run_options *opt, struct run_result *out);
void run_result_free(struct run_result *r);

#ifdef __cplusplus
}
#endif

#endif
