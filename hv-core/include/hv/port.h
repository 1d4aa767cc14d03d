/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port: everything that the hypervisor core needs from below, and nothing else.
 *
 * The core is linked freestanding; a test checks that its undefined symbols are the functions of this file, the four
 * memory functions of a freestanding compiler, and a short list of compiler helpers. The first port is sim/; a
 * bare-metal port implements the same list.
 *
 * Execution model. Each pCPU executes the core on a stack of its own. The core is entered with interrupts masked
 * (hv/core.h lists the entry points) and never sleeps; it waits only in port_lock() and port_relax_until(). Code runs
 * between two port calls without being observed: port_lock, port_trylock and port_relax_until first let the simulated
 * time of the path executed so far pass, then act; a port_unlock takes effect at its time without letting it pass, if
 * nobody waits for the lock.
 */
#ifndef HV_PORT_H
#define HV_PORT_H

#include <hv/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vcpu;

/* ---- identity and time ---------------------------------------------------------------------------------------- */

/* The pCPU that executes this. */
pcpu_id port_this_cpu(void);

/* Nanoseconds since boot as this pCPU sees them now; never decreases on one pCPU. */
s_time_t port_now(void);

/*
 * (Re)arm the one-shot timer of this pCPU at an absolute time. It fires no earlier than deadline + 1 ns; a deadline in
 * the past fires as soon as interrupts are taken. S_TIME_MAX disarms. When it fires the port calls timer_interrupt().
 */
void port_timer_set(s_time_t deadline);

/* ---- between pCPUs -------------------------------------------------------------------------------------------- */

/* Interrupt another pCPU so that it looks at its pending softirqs (event check). Arrives at least 1 ns later. */
void port_ipi_send(pcpu_id to);

/* Is an interrupt (timer or IPI) waiting for this pCPU that masked interrupts keep out? */
bool port_irq_pending(void);

/*
 * A ticket lock. All zero is unlocked. Not recursive. The fields belong to the port; the core only provides the place.
 * name is for statistics and panics and may be NULL.
 */
struct hv_lock {
    uint32_t next, owner; /* next ticket to hand out, ticket being served */
    uint16_t holder;      /* pCPU number + 1 of the holder, 0 when free */
    uint16_t of;          /* pCPU number + 1 whose own lock it is, 0: nobody's; for statistics alone */
    const char *name;
    void *port; /* the port's own bookkeeping, NULL until first use */
};

#define HV_LOCK_INIT(n)                                                                                                \
    {                                                                                                                  \
        0, 0, 0, 0, (n), NULL                                                                                          \
    }
/* A lock that every pCPU has one of; c: its number. */
#define HV_LOCK_INIT_OF(n, c)                                                                                          \
    {                                                                                                                  \
        0, 0, 0, (uint16_t)((c) + 1u), (n), NULL                                                                       \
    }

void port_lock(struct hv_lock *lock);
void port_unlock(struct hv_lock *lock);
/* false: somebody holds it (or the port injected a failure). */
bool port_trylock(struct hv_lock *lock);

/* Spin until cond(arg) is true. Every spin-wait that is not a lock goes through here. */
void port_relax_until(bool (*cond)(void *arg), void *arg);

/*
 * This pCPU was taken out of use and its idle loop has nothing more to do: it stops, its timer with it. Interrupts on
 * their way may get lost; the core sends no new ones. Returns when port_cpu_up() was called for it. A port that cannot
 * stop a pCPU may return at once.
 */
void port_play_dead(void);
/* Start a pCPU again that has stopped. Nothing if it has not, or not yet. It goes on at least 1 ns later. */
void port_cpu_up(pcpu_id c);

/* ---- guests --------------------------------------------------------------------------------------------------- */

/*
 * Save the guest state of prev and load that of next on this pCPU, then return (on the same hypervisor stack). Either
 * may be an idle vCPU.
 */
void port_context_switch(struct vcpu *prev, struct vcpu *next);

/* ---- memory --------------------------------------------------------------------------------------------------- */

/*
 * Hypervisor mapping of 2^order contiguous frames of the Xen heap, zero-filled; NULL if it cannot be had. Only for
 * frames that the core owns itself; guest frames have no content that the core looks at.
 */
void *port_map_pages(mfn_t first, unsigned order);
void port_unmap_pages(void *va, mfn_t first, unsigned order);

/*
 * Backing for the frame table (the radix of hv/frame.h): zero-filled, aligned to 64 bytes. On real hardware this memory
 * is set aside at boot; NULL when it is exhausted.
 */
void *port_frametable_alloc(size_t bytes);
void port_frametable_free(void *p, size_t bytes);

void port_clear_pages(mfn_t first, unsigned order);
/*
 * Clear n frames from first on, in ascending order, until all are clean or an interrupt waits for this pCPU. Returns
 * how many are; at least 1. Time passes meanwhile, as in port_relax_until().
 */
uint64_t port_clear_pages_until_irq(mfn_t first, uint64_t n);
/*
 * From now on so many other pCPUs clear pages of a node whenever this one does, and share its memory's bandwidth. For
 * work that all do at once, of which this one does the longest part in everybody's place (mm/bootscrub.c).
 */
void port_clear_beside(unsigned others);
void port_copy_page(mfn_t to, mfn_t from);
/*
 * Are all of these guest frames zero? Only whoever has what is in guest frames can tell, and only populate on demand
 * asks. A port without contents says no.
 */
bool port_pages_zero(mfn_t first, unsigned order);

/*
 * Shall this allocation fail although there is memory? A port that injects faults says so now and then; all others say
 * no. Asked once for each allocation, before anything is done; no lock's holder is to be waited for.
 */
enum hv_alloc_class {
    HV_ALLOC_guest,   /* pages of a domain */
    HV_ALLOC_xenheap, /* whole pages of the core's */
    HV_ALLOC_xmalloc, /* its objects */
    HV_ALLOC_NR
};
bool port_alloc_fails(enum hv_alloc_class c);

/* ---- being observed ------------------------------------------------------------------------------------------- */

/* Write n characters to the console (no terminator needed). */
void port_console_write(const char *s, size_t n);

/* A xentrace record: event id (hv/trace.h), up to 7 extra words. */
void port_trace(uint32_t event, unsigned nr_words, const uint32_t *words);

/*
 * Software performance counters, as Xen's perfc. The port may charge time for them: "--hv-cost fixed" gives each a
 * documented constant (models/costs/). A counter is counted where the work is done, n times the unit named here.
 */
enum hv_perfc {
    PERFC_softirq,            /* a softirq handled */
    PERFC_schedule,           /* one pass through schedule() */
    PERFC_context_switch,     /* a switch to another vCPU */
    PERFC_sched_wake,         /* a vCPU woken */
    PERFC_sched_tick,         /* credit: tick of one pCPU */
    PERFC_sched_acct_domain,  /* credit: domain visited by the accounting pass */
    PERFC_sched_acct_vcpu,    /* credit: vCPU visited by the accounting pass; rtds: replenished by the timer */
    PERFC_sched_pick_cpu,     /* pCPU looked at by the placement decision */
    PERFC_sched_runq_scan,    /* run queue element looked at */
    PERFC_sched_balance_peer, /* peer pCPU looked at by the load balancer */
    PERFC_sched_tickle,       /* pCPU tickled */
    PERFC_timer_op,           /* timer armed, stopped or run */
    PERFC_hypercall,          /* hypercall dispatched */
    PERFC_evtchn_send,        /* event delivered */
    PERFC_heap_alloc,         /* buddy allocated (split steps not counted) */
    PERFC_heap_free,          /* buddy freed (merge steps not counted) */
    PERFC_heap_split,         /* one split step */
    PERFC_heap_merge,         /* one merge step */
    PERFC_page_assign,        /* frame assigned to, or taken from, a domain (superpage: once) */
    PERFC_p2m_set,            /* p2m entry written */
    PERFC_NR
};

void port_count(enum hv_perfc what, uint32_t n);

/* The core found itself broken. Does not return. */
void port_panic(const char *file, int line, const char *text) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
