/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random operations on the memory manager, on random machines: whatever toolstack, guests and the hypervisor itself ask
 * for in whatever order, with any allocation in between failing and any hypercall preempted, nothing is lost, taken
 * twice or half done. How sequences are drawn, run and shrunk: property_kit/property_kit.h.
 *
 *   machine.c     machines: nodes without memory or pCPUs, several ranges a node, holes, nothing aligned
 *   watch.c       stands between the core's modules: every allocation goes through it, is checked against a flat map of
 *                 frames, given to the flat-frame-table twin, or made to fail
 *   runs.c        maps of ranges
 *   model.c       what the memory of each domain must be, and how to read it off the core
 *   checks.c      the core against the model, and the model against the map
 *   operations.c  what an operation does to both, and what its arguments mean; _domain, _memory, _heap: by what it is
 *                 about
 *   mm_property.c the command line
 *
 * The core is built a second time for this test, with the calls between its modules (alloc_heap_pages,
 * free_heap_pages, hv_zalloc) and to its port (port_frametable_alloc, port_map_pages, port_irq_pending) renamed, so
 * that they come by watch.c; its code is the same.
 *
 * The checks use of the core what a list, a descriptor or a p2m entry says (hv/frame.h, p2m_query), and none of the
 * code that keeps them right.
 */
#ifndef MM_PROPERTY_H
#define MM_PROPERTY_H

#include "mm_twin.h"
#include "port_test.h"
#include "property_kit/property_kit.h"

/* X(name, how often, out of all): what its arguments mean is in operations.c. */
#define MM_OPS(X)                                                                                                      \
    X(CREATE, 8)                                                                                                       \
    X(DESTROY, 4)                                                                                                      \
    X(POPULATE, 24)                                                                                                    \
    X(DECREASE, 16)                                                                                                    \
    X(INCREASE, 3)                                                                                                     \
    X(EXCHANGE, 6)                                                                                                     \
    X(CLAIM, 6)                                                                                                        \
    X(MAX_MEM, 4)                                                                                                      \
    X(AFFINITY, 5)                                                                                                     \
    X(VCPUS, 1)                                                                                                        \
    X(ALLOC, 14)                                                                                                       \
    X(FREE, 12)                                                                                                        \
    X(XALLOC, 8)                                                                                                       \
    X(XFREE, 7)                                                                                                        \
    X(GET, 8)                                                                                                          \
    X(PUT, 7)                                                                                                          \
    X(DOM0, 1)                                                                                                         \
    X(BUILD, 3)                                                                                                        \
    X(SET_ASIDE, 2)                                                                                                    \
    X(POD, 12)                                                                                                         \
    X(SCRUB, 4)                                                                                                        \
    X(OFFLINE, 5)                                                                                                      \
    X(CPU, 3)                                                                                                          \
    X(BAD, 6)

enum mm_op_kind {
#define X(name, often) OP_##name,
    MM_OPS(X)
#undef X
        OP_NR
};

/* How an operation is done. */
enum {
    MODE_PLAIN,
    MODE_PREEMPT,   /* an interrupt comes at one of the points where it is looked for */
    MODE_FAIL_ONE,  /* again and again: the first, the second, ... allocation in it fails, until none is left to fail */
    MODE_FAIL_FROM, /* the same, and all that come after it fail too */
    MODE_NR
};

struct mm_case {
    char level[16];
    uint32_t machine; /* number of a random machine */
    uint32_t fault;   /* a fault to inject, for the self-test: enum mm_fault */
};

enum mm_fault {
    FAULT_NONE,
    FAULT_LEAK,        /* the heap loses extents of order 3 that are freed */
    FAULT_DOUBLE_FREE, /* extents of order 4 are freed twice */
    FAULT_HALF_DONE,   /* a populate that is not done in full leaves another page with the domain */
    FAULT_NR
};

/* ---- machine.c -------------------------------------------------------------------------------------------------- */

#define MACHINE_MAX_FRAMES (1ull << 24) /* 64 GiB */
#define MACHINE_MAX_CPUS 12u
#define NOT_RAM (~0ull)

struct machine {
    unsigned nr_nodes, nr_cpus, nr_ranges;
    struct hv_cpu_desc cpu[MACHINE_MAX_CPUS];
    struct hv_mem_range range[256];
    uint64_t before[256]; /* frames of RAM in the ranges before it */
    uint64_t frames;      /* of RAM that the hypervisor may use */
    unsigned dma_bits;
    bool offlining; /* frames go out of use here; then the twin has no say */
};

extern struct machine machine;

void machine_draw(uint32_t number);
void machine_boot_info(const char *level, struct hv_boot_info *info);
/* Number of the first of n frames among those of RAM; NOT_RAM: they are not all RAM, one after the other, of one node.
 * *node_of: that one. */
uint64_t machine_frame_index(uint64_t f, uint64_t n, unsigned *node_of);

/* Turn the bits of frames over, in a map of all RAM; false: they were not all RAM, or not all as said. */
bool machine_turn(uint64_t *map, uint64_t f, uint64_t n, bool were);

/* ---- watch.c ---------------------------------------------------------------------------------------------------- */

/* A new world; until watch_booted what is allocated is not to fail. */
/* It also sees to it that no frame is given to anybody before what was in it is cleared. */
void watch_reset(uint32_t fault, bool twin);
void watch_end(void);
/* Before an operation: which of its allocations fails (~0u: none), whether those after it do too; which look for an
 * interrupt finds one (~0u: none). */
void watch_begin(unsigned fail_at, bool fail_from, unsigned preempt_at);
bool watch_fired(void);       /* an allocation was made to fail */
unsigned watch_refused(void); /* requests that the heap refused of itself */
/* Who makes the hypercalls; NULL: the vCPU that is current. */
extern struct domain *watch_caller;

/* The flat map: frames taken from the heap. */
uint64_t watch_taken(void);
/* A frame is taken out of use, by itself or once it is freed; and back. */
void watch_offline(uint64_t f, bool pending);
void watch_online(uint64_t f);
/* Frames that are out. */
uint64_t watch_offlined(void);
/* By index. */
bool watch_is_taken(uint64_t index, uint64_t n, bool taken);
/* What the last operation has allocated for a domain, and not freed: the i-th extent of it; false: no more. */
bool watch_allocated(const struct domain *d, unsigned i, uint64_t *f, unsigned *order);
/* Memory for p2m tables, and for the descriptors of 2 MiB blocks, that the core holds. */
size_t watch_p2m_bytes(void), watch_block_sets(void);
bool watch_has_twin(void);

/* ---- runs.c ----------------------------------------------------------------------------------------------------- */

/* A map from numbers to numbers, as runs that do not touch each other: [at, at + len) -> to.. */
struct run {
    uint64_t at, to, len;
};
struct runs {
    struct run *run;
    unsigned nr, room;
    uint64_t sum; /* of their lengths */
};

void runs_free(struct runs *r);
/* What was there is lost. */
void runs_set(struct runs *r, uint64_t at, uint64_t to, uint64_t len);
void runs_clear(struct runs *r, uint64_t at, uint64_t len);
/* What at is mapped to, and in *left for how far on that goes; RUN_NONE, and how far there is nothing. */
#define RUN_NONE (~0ull)
uint64_t runs_get(const struct runs *r, uint64_t at, uint64_t *left);

/* Bits, 0 .. MACHINE_MAX_FRAMES - 1. Turn n of them over; false: they were not all as said. */
void bits_set(uint64_t *map, uint64_t at, uint64_t n, bool set);
bool bits_turn(uint64_t *map, uint64_t at, uint64_t n, bool were);
bool bits_are(const uint64_t *map, uint64_t at, uint64_t n, bool set);

/* ---- model.c ---------------------------------------------------------------------------------------------------- */

#define MODEL_SLOTS 7u /* 0 is dom0's */
#define MODEL_REFS 24u

#define CLAIM_ON_HOST HV_MAX_NODES

struct mdom {
    bool exists, dying;
    bool
        pod; /* populates on demand: what it has is taken over from the core after every operation, and only added up */
    dom_id id;
    uint64_t max_pages, claim;
    unsigned claim_node; /* CLAIM_ON_HOST: on none */
    struct runs p2m;     /* guest frame -> frame */
    struct runs loose;   /* frame -> itself: owned, behind no guest frame */
    uint64_t given_up;   /* frames freed, but held by a reference */
};

struct mref {
    bool used, typed;
    unsigned slot;
    uint64_t f;
};

extern struct mdom model[MODEL_SLOTS];
extern struct mref model_ref[MODEL_REFS];
extern uint64_t model_aside, model_anonymous; /* pages */

void model_reset(void);
struct domain *model_domain(const struct mdom *m);
uint64_t model_tot(const struct mdom *m);
/*
 * m got or gave back pages: its claim follows. At levels where it shrinks when the heap has pages for the domain it
 * only ever shrinks, also for an allocation that the domain's limit then refuses.
 */
void model_took(struct mdom *m, uint64_t pages);
void model_allocated(const struct domain *d, uint64_t pages, unsigned node_of);
void model_gave(struct mdom *m, uint64_t pages);
/* These guest frames stand for f.. now; what they stood for is loose. */
void model_map(struct mdom *m, uint64_t g, uint64_t f, uint64_t n);
/* They are gone, but for frames that are referred to. */
void model_unmap(struct mdom *m, uint64_t g, uint64_t n);
void model_free_loose(struct mdom *m, uint64_t f, uint64_t n);
unsigned model_refs_to(uint64_t f);
/* The lists of pages that d has; NULL: no more. */
const struct extent_list *model_list(const struct domain *d, unsigned i);
/* Take over what the core says of the domain (its p2m, its lists). */
void model_adopt(struct mdom *m);
/* The domain is no more. */
void model_forget(struct mdom *m);

/* ---- checks.c --------------------------------------------------------------------------------------------------- */

/* All that is cheap, and everything about the domain of a slot. */
void check_after(unsigned slot);
/* Everything about everybody. */
void check_all(void);

/* ---- operations.c ----------------------------------------------------------------------------------------------- */

void mm_run(const void *the_case, const struct prop_op *ops, unsigned n);

#endif
