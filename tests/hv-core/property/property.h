/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random operations on every scheduler: whatever the toolstack, the guests, other pCPUs and time do in whatever order,
 * all invariants hold after each operation. How sequences are drawn, run and shrunk: property_kit/property_kit.h.
 *
 *   world.c         the machine: pCPUs on stacks of their own, guests, time
 *   operations.c    what an operation does
 *   sched_property.c  the command line
 */
#ifndef SCHED_PROPERTY_H
#define SCHED_PROPERTY_H

#include "port_test.h"
#include "property_kit/property_kit.h"
#include <hv/sched.h>

/* X(name, how often, out of all): what its arguments mean is in operations.c. */
#define PROP_OPS(X)                                                                                                    \
    X(CREATE, 5)                                                                                                       \
    X(DESTROY, 2)                                                                                                      \
    X(PAUSE, 3)                                                                                                        \
    X(UNPAUSE, 4)                                                                                                      \
    X(VCPU_PAUSE, 4)                                                                                                   \
    X(VCPU_UNPAUSE, 4)                                                                                                 \
    X(WAKE, 6)                                                                                                         \
    X(UNBLOCK, 6)                                                                                                      \
    X(ONLINE, 2)                                                                                                       \
    X(AFFINITY, 10)                                                                                                    \
    X(NODE_AFFINITY, 2)                                                                                                \
    X(PARAMS, 6)                                                                                                       \
    X(POOL_PARAMS, 4)                                                                                                  \
    X(GUEST_CALL, 20)                                                                                                  \
    X(TRYLOCKS_FAIL, 4)                                                                                                \
    X(MEMORY_SHORT, 2)                                                                                                 \
    X(POOL_CREATE, 2)                                                                                                  \
    X(POOL_DESTROY, 1)                                                                                                 \
    X(POOL_ADD, 5)                                                                                                     \
    X(POOL_REMOVE, 3)                                                                                                  \
    X(POOL_MOVE, 4)                                                                                                    \
    X(HOTPLUG, 3)                                                                                                      \
    X(TASKLET, 3)                                                                                                      \
    X(DUMP, 1)                                                                                                         \
    X(TIME, 20)                                                                                                        \
    X(RACE, 1)

enum sched_prop_kind {
#define X(name, often) OP_##name,
    PROP_OPS(X)
#undef X
        OP_NR
};

/* The mode of an operation: afterwards everybody handles his interrupts; 0: they stay under way. */
#define MODE_SETTLE 1u

enum { PROP_MACHINES = 4, PROP_GRANS = 3 };

/* What is told to a world before it begins. */
struct prop_case {
    char sched[16], level[16];
    uint32_t machine; /* 0: 1 pCPU, 1: 2 nodes x 2, 2: 2 nodes x 4 cores x 2 threads, 3: 2 nodes x 2 sockets x 2 x 2 */
    uint32_t gran;    /* of pool 0: enum hv_sched_gran */
    uint32_t options; /* bits: world.c */
    uint32_t fault;   /* a fault to inject, for the self-test: enum prop_fault */
};

enum prop_fault {
    FAULT_NONE,
    FAULT_THIRD_PAUSE, /* an "invariant" that the third pause of a domain with 2 vCPUs breaks */
    FAULT_PANIC,       /* the core panics at the second pool */
    FAULT_CRASH,       /* the process dies when a vCPU of a domain with 3 is paused */
    FAULT_NR
};

/* ---- world.c ---------------------------------------------------------------------------------------------------- */

extern unsigned world_cpus;

void world_boot(const struct prop_case *k);
s_time_t world_now(void);
/* fn on pCPU c, as an interrupt would bring it about or its guest call for; then its way out of the core. Others run
 * only if fn waits for them. */
void world_run_on(unsigned c, void (*fn)(void *arg), void *arg);
/* Everybody handles what interrupts are under way; takes some ns. */
void world_settle(void);
void world_run_until(s_time_t until, void (*hook)(void));
/* pCPUs step in random order, and may change over wherever the port lets time pass. */
void world_race(uint32_t seed, unsigned steps);
/* The pCPU to call from: c, or the next one that does not run d. world_cpus: there is none. */
unsigned world_caller(unsigned c, const struct domain *d);
/* Whatever the core can say about itself now. */
void world_check(void);

/* ---- operations.c ----------------------------------------------------------------------------------------------- */

/* Do them all from a new world on, with all checks; prop_fail at the first failure. */
void sched_run(const void *the_case, const struct prop_op *ops, unsigned n);

#endif
