/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of operations have of each other. Arguments: a0..a3, taken modulo what there is. */
#ifndef MM_OPERATIONS_H
#define MM_OPERATIONS_H

#include "mm_property.h"

#include <hv/core.h>
#include <hv/sched.h>
#include <string.h>
#include <toolstack/toolstack.h>

#define MANY_SMALL_PAGES 5000u /* of what is built from 4 KiB extents: at most as many on ARM */

extern const struct hv_core *op_core;
extern uint32_t op_fault;              /* enum mm_fault */
extern bool op_give_up_when_preempted; /* a hypercall is not continued */

/* ---- operations.c: calls, and what arguments mean */

/* Until it is done, or given up when it was preempted (-HV_ERESTART). */
long op_call(enum hv_hypercall nr, void *arg);
long op_domctl(struct domain *d, enum hv_domctl_cmd cmd, struct hv_domctl *op);
void op_expect(long rc, long want, const char *what);
/* 0, or a refusal for want of memory that there is a reason for. */
bool op_done(long rc, const char *what);
/* An operation on a domain that populates on demand is over: at most so many pages more than before. */
void op_pod_adopt(struct mdom *m, uint64_t more);
uint64_t op_free_pages(void);
/*
 * The level of ARM's NUMA, on x86: ARM's p2m has an entry for each 4 KiB, at some levels, and to look at them all after
 * each operation takes its time; its guests are those that are built from 4 KiB.
 */
bool op_on_arm(void);
unsigned op_order_of(uint32_t a);
uint64_t op_extents_of(uint32_t a, unsigned order);
/* Near the places where tables and entries begin and end; aligned to the order, mostly. */
uint64_t op_gfn_of(uint32_t a, unsigned order, uint64_t nr);
unsigned op_flags_of(uint32_t a, bool bits);

/* ---- operations_domain.c: domains */

/* Dying domains that nobody refers to any more are gone at the next control of domains. */
void op_reap(void);
void op_create(unsigned slot, const uint32_t a[4]);
void op_forget_held_of(unsigned slot);
void op_destroyed(unsigned slot, long rc);
void op_destroy(unsigned slot);
void op_max_mem(struct mdom *m, const uint32_t a[4]);
void op_affinity(struct mdom *m, const uint32_t a[4]);
void op_vcpus(struct mdom *m, const uint32_t a[4]);
void op_dom0(const uint32_t a[4]);
void op_build(unsigned slot, const uint32_t a[4]);

/* ---- operations_memory.c: guest memory */

/* Was there a reason to stop before the next extent of this order? */
bool op_may_stop(const struct mdom *m, bool self, unsigned order, uint64_t more);
void op_populate(struct mdom *m, const uint32_t a[4], enum hv_memory_cmd cmd);
void op_decrease(struct mdom *m, const uint32_t a[4]);
void op_exchange(struct mdom *m, const uint32_t a[4]);
/* Every third frame that anybody asks about. */
bool op_looks_zero(uint64_t first, unsigned order);
void op_pod(struct mdom *m, const uint32_t a[4]);
void op_claim(struct mdom *m, const uint32_t a[4]);

/* ---- operations_heap.c: pages of the heap, frames out of use, references */

/* Pages from alloc_domheap_pages. */
struct op_held {
    uint64_t f;
    unsigned order, slot; /* MODEL_SLOTS: nobody's */
};
extern struct op_held op_held[];
extern unsigned op_nr_held, op_nr_objects;

void op_alloc(unsigned slot, const uint32_t a[4]);
/* Whoever frees an extent of which others hold a part needs descriptors for the parts, and cannot be refused. */
bool op_free_may_need_memory(unsigned i);
void op_free_held(unsigned i);
void op_xalloc(const uint32_t a[4]);
void op_xfree(unsigned i);
void op_set_aside_pages(const uint32_t a[4]);
void op_offline(const uint32_t a[4]);
void op_scrub(const uint32_t a[4]);
void op_get(unsigned slot, const uint32_t a[4]);
void op_put(unsigned i);

#endif
