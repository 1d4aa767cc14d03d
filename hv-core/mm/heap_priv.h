/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the buddy heap share (heap*.c, scrub.c, offline.c): its state, and the steps that all of them take.
 * heap.c describes it. Nobody else includes this.
 */
#ifndef HV_MM_HEAP_PRIV_H
#define HV_MM_HEAP_PRIV_H

#include "mm/heap.h"

#include <hv/lib.h>

extern struct hv_lock heap_lock;
extern struct extent_list heap[HV_MAX_NODES][NR_ZONES][MAX_ORDER + 1];
extern uint64_t avail[HV_MAX_NODES][NR_ZONES];
extern uint64_t zones_used[HV_MAX_NODES];            /* bit z: avail[n][z] is not 0 */
extern uint32_t orders_used[HV_MAX_NODES][NR_ZONES]; /* bit o: heap[n][z][o] is not empty */
extern uint64_t node_avail[HV_MAX_NODES], node_size[HV_MAX_NODES];
extern uint64_t total_avail, total_size, claims;
extern uint64_t node_claims[HV_MAX_NODES]; /* what of the claims is on one node */
extern uint64_t
    node_need_scrub[HV_MAX_NODES]; /* free pages that are to be scrubbed, and those on their way to a user */
extern uint64_t scrub_in_hand;     /* those on their way */
extern uint64_t nr_dirty_buddies;  /* free buddies with a first_dirty */
extern bool one_end;               /* quirk: free lists have one end for all, nothing is scrubbed later */

static inline unsigned zone_of(uint64_t f)
{
    return hv_fls64(f);
}

static inline void count_avail(unsigned n, unsigned zone, uint64_t more, uint64_t less)
{
    avail[n][zone] += more - less;
    node_avail[n] += more - less;
    total_avail += more - less;
    if (avail[n][zone])
        zones_used[n] |= 1ull << zone;
    else
        zones_used[n] &= ~(1ull << zone);
}

/* A buddy goes on its list: a dirty one to the tail, a clean one to the head (or to the tail as well: one_end). */
static inline void put_free(struct frame *e, uint64_t f, unsigned order, unsigned n, unsigned zone,
                            unsigned first_dirty)
{
    struct extent_list *l = &heap[n][zone][order];

    e->order = order & 31u;
    e->node = n & 63u;
    if (first_dirty != INVALID_DIRTY_IDX) {
        e->state = FRAME_dirty;
        e->dirty_low = (uint16_t)first_dirty;
        e->dirty_high = first_dirty >> 16 & 3u;
        nr_dirty_buddies++;
        extent_list_add_tail(l, link_to(f, order), e);
    } else {
        e->state = FRAME_free;
        e->owner = 0;
        e->dirty_high = 0;
        if (one_end)
            extent_list_add_tail(l, link_to(f, order), e);
        else
            extent_list_add_head(l, link_to(f, order), e);
    }
    orders_used[n][zone] |= 1u << order;
}

static inline void take_free(struct frame *e, unsigned order, unsigned n, unsigned zone)
{
    struct extent_list *l = &heap[n][zone][order];

    extent_list_del(l, e);
    nr_dirty_buddies -= e->state == FRAME_dirty;
    e->state = FRAME_inside;
    if (l->head == LINK_NONE)
        orders_used[n][zone] &= ~(1u << order);
}

/* first_dirty of the lower half, 2^order pages, of a buddy that is cut in two; and of the upper one. */
static inline unsigned lower_dirty(unsigned first_dirty, unsigned order)
{
    return first_dirty < 1u << order ? first_dirty : INVALID_DIRTY_IDX;
}
static inline unsigned upper_dirty(unsigned first_dirty, unsigned order)
{
    if (first_dirty == INVALID_DIRTY_IDX)
        return INVALID_DIRTY_IDX;
    return first_dirty < 1u << order ? 0 : first_dirty - (1u << order);
}

/* Frames from..end - 1 are cleared, in the largest pieces. */
static inline void clear_range(uint64_t from, uint64_t end)
{
    for (unsigned order; from < end; from += 1ull << order) {
        order = hv_min_u(from ? hv_ffs64(from) : MAX_ORDER, MAX_ORDER);
        while (from + (1ull << order) > end)
            order--;
        port_clear_pages(mfn(from), order);
    }
}

/* ---- heap.c: the claim of d shrinks, to 0 at most. With the lock held. */
void claim_shrink(struct domain *d, uint64_t pages);

/* ---- heap_free.c ------------------------------------------------------------------------------------------------- */

/* With the lock held: 2^order frames, whose descriptor is e, are free and merge. */
void heap_free_locked(struct frame *e, uint64_t f, unsigned order, unsigned n, bool need_scrub);

/* ---- scrub.c: who scrubs which buddy, a pCPU a node ---------------------------------------------------------------
 */

enum scrub_state { SCRUB_none, SCRUB_running, SCRUB_abort, SCRUB_stopped };

struct scrubber {
    uint64_t frame; /* of the buddy; FRAME_NONE: none */
    unsigned order;
    enum scrub_state state;
    uint64_t pos, done; /* frames below pos are clean; so many had to be scrubbed */
    pcpu_id cpu;
};
extern struct scrubber scrubber[HV_MAX_NODES];

void scrub_init(void);
/* Somebody needs that buddy. Waits until it is let go of; what was done so far counts. With the lock held. */
void scrub_stop(unsigned n);
static inline void check_and_stop_scrub(unsigned n, uint64_t f)
{
    if (__builtin_expect(scrubber[n].frame == f, 0))
        scrub_stop(n);
}
/* Pages became dirty: let somebody see them in time. Without the lock. */
void scrub_wanted(void);
/* From now on: there are timers. */
void scrub_start_waking(void);

/* ---- offline.c ----------------------------------------------------------------------------------------------------
 */

void offline_init(void);
extern uint64_t nr_offlining; /* frames in use that are to go once they are free */
/* Are there such frames among these? With the lock held. */
bool offlining_within(uint64_t f, unsigned order);
/* Take them out of the free buddy that they are in now. With the lock held. */
void offline_carve(uint64_t f, unsigned order);
uint64_t offlined_pages(void);
/* Has any buddy been carved since boot? What the quirks leave behind stays when all frames are back. */
bool offline_carved(void);
const char *offline_check(void);

/* ---- lowmem.c -----------------------------------------------------------------------------------------------------
 */

extern uint64_t low_mem_th, low_mem_high;
void low_mem_init(void);
void low_mem_virq(uint64_t unclaimed);
/* After every allocation, with the lock held. */
static inline void check_low_mem_virq(void)
{
    uint64_t unclaimed = total_avail > claims ? total_avail - claims : 0;

    if (__builtin_expect(unclaimed <= low_mem_th || unclaimed >= low_mem_high, 0))
        low_mem_virq(unclaimed);
}

#endif
