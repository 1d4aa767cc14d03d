/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs on one vCPU: an endless program that hands out one action after the other. Knows no time and no simulator;
 * the caller performs an action, then asks for the next.
 */
#ifndef WORKLOADS_PROGRAM_H
#define WORKLOADS_PROGRAM_H

#include <workloads/profile.h>
#include <workloads/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

enum action_kind {
    ACTION_COMPUTE, /* execute `instructions` of `mix` (HUGE_VAL: until the end of time) */
    ACTION_BLOCK    /* sleep for `block_ps`; with `period_ps`: until that long after the last wake-up was due */
};

struct action {
    enum action_kind kind;
    double instructions;
    const struct work_mix *mix;
    int64_t block_ps;
    /*
     * Above 0: an absolute wake-up. One that had passed when the guest went on after the last one is left out:
     * period_ps from then; one that has passed meanwhile is not slept for.
     */
    int64_t period_ps;
    int64_t align_ps; /* above 0: the next wake-up is at a whole period_ps since the host's boot plus this */
};

struct program;

/* Takes ownership of stream. start_offset_ps: the program sleeps this long first (0: not). */
struct program *program_create(const struct workload_profile *p, struct stream *stream, int64_t start_offset_ps);
void program_free(struct program *p);
void program_next(struct program *p, struct action *out);

#ifdef __cplusplus
}
#endif

#endif
