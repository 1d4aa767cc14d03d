/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of the rate model; private to rate.c and warmup.c. */
#ifndef MODELS_RATE_PRIVATE_H
#define MODELS_RATE_PRIVATE_H

#include <models/rate.h>
#include <stdbool.h>

struct rate_thread {
    const struct rate_task *task; /* NULL: idle */
    bool had_task;                /* in the previous solution */

    /* Constants of the task on this thread, per instruction, in ns. */
    double core_ns;     /* core-bound time with the core to itself */
    double l3_weight;   /* accesses to L3 per ns when alone: its pressure on the shared cache */
    double l3_most;     /* bytes of L3 that it can use */
    double base_lat_ns; /* idle latency of an L3 miss, over its nodes */

    /* Of the solution. */
    double l3_share;       /* bytes */
    double miss_per_instr; /* L3 misses */
    double hidden_ns;      /* time of everything but core and L3 misses: hits in L2 and L3, page walks */
    double lat_ns;         /* loaded latency of an L3 miss */
    double time_ns;        /* per instruction */
    double ipns;           /* what was reported last */
};

struct rate_model {
    const struct machine *m;
    struct rate_thread *t; /* per pCPU */
    unsigned *busy;        /* pCPUs with a task, ascending */
    unsigned nr_busy;
    double *mem_wait, *mem_rho;     /* per node */
    double *link_wait, *link_rho;   /* [from socket][to socket]: data flows from `to`'s memory to `from`'s core */
    double *mem_bytes, *link_bytes; /* demand, bytes per ns */
    unsigned *node_socket;          /* socket that a node's controllers sit on */
    double *scratch;                /* 3 x pCPUs of a socket, for cache_shares */
};

#endif
