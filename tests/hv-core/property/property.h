/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random operations on every scheduler: whatever the toolstack, the guests, other pCPUs and time do in whatever order,
 * all invariants hold after each operation.
 *
 * An operation is plain numbers, and means something in any state of the world (arguments are taken modulo what there
 * is; one that has no object does nothing). So any part of a sequence is a sequence, and one that fails can be shrunk:
 * chunks are left out, then single operations, then arguments are made smaller, as long as the same failure remains.
 * Every candidate runs in a process of its own: a panic, a sanitizer's report or an endless loop is a failure like any
 * other. What remains is printed as a table of C that --replay reads.
 *
 *   world.c         the machine: pCPUs on stacks of their own, guests, time
 *   operations.c    what an operation does
 *   cases.c         operations drawn from a seed; the table as text
 *   shrink.c        running a case in a child; the smallest one that fails
 *   sched_property.c  the command line
 */
#ifndef SCHED_PROPERTY_H
#define SCHED_PROPERTY_H

#include "port_test.h"
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

enum prop_kind {
#define X(name, often) OP_##name,
    PROP_OPS(X)
#undef X
        OP_NR
};

struct prop_op {
    enum prop_kind kind;
    uint32_t settle; /* afterwards everybody handles his interrupts; 0: they stay under way */
    uint32_t arg[4];
};

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

struct prop_failure {
    bool failed;
    uint32_t at; /* number of the operation; that of all of them: in the end */
    char text[240];
};

/* ---- world.c ---------------------------------------------------------------------------------------------------- */

extern unsigned world_cpus;

/* Does not return. Ends the child, unless the case is run in this process. */
void world_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
extern void (*world_on_failure)(const char *text);

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

/* Do them all from a new world on, with all checks; world_fail at the first failure. */
void prop_run(const struct prop_case *k, const struct prop_op *ops, unsigned n);
/* How far it is. */
extern unsigned prop_at;

/* ---- cases.c ---------------------------------------------------------------------------------------------------- */

void prop_generate(struct prop_op *ops, unsigned n, uint64_t seed);
void prop_print(const struct prop_case *k, const struct prop_op *ops, unsigned n, const char *text);
bool prop_save(const char *file, const struct prop_case *k, const struct prop_op *ops, unsigned n, const char *text);
/* False, after a message: the file cannot be read, or is no such table. *ops is malloc'ed. */
bool prop_load(const char *file, struct prop_case *k, struct prop_op **ops, unsigned *n);

/* ---- shrink.c --------------------------------------------------------------------------------------------------- */

/* In a child. loud: what the core prints before it dies is shown. */
struct prop_failure prop_try(const struct prop_case *k, const struct prop_op *ops, unsigned n, bool loud);
/* ops fails with f: make it as small as it gets with max_tries runs. The new number of operations. */
unsigned prop_shrink(const struct prop_case *k, struct prop_op *ops, unsigned n, struct prop_failure *f,
                     unsigned max_tries);

#endif
