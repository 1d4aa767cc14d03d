/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame table: what the memory manager knows about the frames of RAM.
 *
 * Xen keeps a flat array of 32 bytes a frame. Here an extent (a free buddy, or an allocated one) is described once, by
 * its head, at the level of its size: orders 0..8 by a frame's descriptor, 9..17 by that of the 2 MiB block that it
 * starts in, 18 by that of its 1 GiB block. The descriptors below a block exist only while the block is split, so
 * 16 TiB in 1 GiB extents are 16,384 descriptors. The accessors hide the radix; where no descriptor exists there is no
 * head.
 *
 * Which pages are still to be scrubbed (Xen's need_scrub) is a bit each, kept in the same radix: where a block is not
 * split, one bit speaks for all of it. The bits count in free buddies only, and there only from first_dirty on: below
 * it they may be stale. So a buddy that is partly scrubbed needs no descriptors for its parts. Blocks of which some
 * pages are dirty and others clean keep the descriptors below them, also when they are whole.
 *
 * Frame numbers have up to 40 bits (52-bit physical addresses). All of this is guarded by the heap lock, save that an
 * owner walks the links of its own extents under its own lock: descriptors of extents in use do not go away.
 */
#ifndef HV_FRAME_H
#define HV_FRAME_H

#include <hv/mm.h>

#define FRAME_BITS 40u
#define FRAME_NONE (~0ull)

#define ORDER_2M 9u
#define ORDER_1G 18u

enum frame_state {
    FRAME_inside,   /* not the head of an extent, or no RAM */
    FRAME_free,     /* head of a free buddy, on the heap list of its node, zone and order; all of it is clean */
    FRAME_inuse,    /* head of an allocated extent */
    FRAME_xenheap,  /* the same, of the Xen heap */
    FRAME_offlined, /* a single frame, taken out of the heap */
    FRAME_dirty,    /* as free, and some of it may be to be scrubbed */
    FRAME_broken    /* as offlined, for good */
};

/* Where an extent's descriptor is: frame number, and level (0 frame, 1 2 MiB block, 2 1 GiB block) in bits 40..41. */
typedef uint64_t extent_link;
#define LINK_NONE (3ull << FRAME_BITS)

struct frame {
    uint32_t next_low, prev_low;   /* links: on a heap list when free, on the owner's list when in use */
    uint16_t next_high, prev_high; /* bits 32..47 */
    union {
        uint16_t owner;     /* domain id + 1; 0: none */
        uint16_t dirty_low; /* of a dirty buddy: first_dirty, the number of the first page that may be to be scrubbed */
    };
    uint8_t node : 6, dirty_high : 2;
    uint8_t order : 5, state : 3;
};

struct extent_list {
    extent_link head, tail;
};

/* ---- the radix: only the functions of this module look inside ---------------------------------------------------- */

#define FRAME_FANOUT 512u
#define FRAME_TOP_SHIFT 27u                                 /* 512 GiB in frames */
#define FRAME_TOP_NR (1u << (FRAME_BITS - FRAME_TOP_SHIFT)) /* 4 PiB / 512 GiB */

/*
 * The three levels: 512 descriptors each, with the need_scrub bits of those that are not split. The bit of one that is
 * split is 0 and means nothing. Of single frames also: it is in use and to be taken out once it is free, and is broken
 * (mm/offline.c).
 */
struct frame_set_4k {
    struct frame frame[FRAME_FANOUT];
    uint64_t need_scrub[FRAME_FANOUT / 64];
    uint64_t offlining[FRAME_FANOUT / 64], breaking[FRAME_FANOUT / 64];
};

struct frame_block_2m {
    struct frame self;
    struct frame_set_4k *frames; /* NULL: the block is whole, or part of something whole */
};

struct frame_set_2m {
    struct frame_block_2m block[FRAME_FANOUT];
    uint64_t need_scrub[FRAME_FANOUT / 64];
};

struct frame_block_1g {
    struct frame self;
    struct frame_set_2m *blocks; /* or NULL */
};

struct frame_set_1g {
    struct frame_block_1g block[FRAME_FANOUT];
    uint64_t need_scrub[FRAME_FANOUT / 64];
};

extern struct frame_set_1g *frame_top[FRAME_TOP_NR]; /* or NULL */

static inline struct frame_block_1g *frame_block_1g(uint64_t f)
{
    struct frame_set_1g *t = frame_top[(f >> FRAME_TOP_SHIFT) % FRAME_TOP_NR];
    return t ? &t->block[(f >> ORDER_1G) % FRAME_FANOUT] : NULL;
}

/* ---- accessors --------------------------------------------------------------------------------------------------- */

static inline unsigned frame_level(unsigned order)
{
    return order >= ORDER_1G ? 2 : order >= ORDER_2M ? 1 : 0;
}

static inline extent_link link_to(uint64_t f, unsigned order)
{
    return f | (uint64_t)frame_level(order) << FRAME_BITS;
}

static inline uint64_t link_frame(extent_link l)
{
    return l & ((1ull << FRAME_BITS) - 1);
}

static inline void frame_set_next(struct frame *e, extent_link l)
{
    e->next_low = (uint32_t)l;
    e->next_high = (uint16_t)(l >> 32);
}

static inline void frame_set_prev(struct frame *e, extent_link l)
{
    e->prev_low = (uint32_t)l;
    e->prev_high = (uint16_t)(l >> 32);
}

static inline extent_link frame_next(const struct frame *e)
{
    return e->next_low | (uint64_t)e->next_high << 32;
}

static inline extent_link frame_prev(const struct frame *e)
{
    return e->prev_low | (uint64_t)e->prev_high << 32;
}

/* Forget everything (boot); the memory is the port's. */
void frame_table_reset(void);
/* Make descriptors for extents of this order at f exist. false: no memory; nothing is lost. */
bool frame_table_ensure(uint64_t f, unsigned order);
/* The extent of this order (2 MiB or 1 GiB) at f is whole and clean: drop what is below it. */
void frame_table_trim(uint64_t f, unsigned order);

/* ---- need_scrub (mm/need_scrub.c): of frames whose descriptors exist, under the heap lock --------------------------
 */

#define INVALID_DIRTY_IDX (~0u) /* no page of a buddy is dirty */

/* first_dirty of the head of a free buddy. */
static inline unsigned frame_first_dirty(const struct frame *e)
{
    return e->state == FRAME_dirty ? e->dirty_low | (unsigned)e->dirty_high << 16 : INVALID_DIRTY_IDX;
}

static inline bool frame_is_free(const struct frame *e)
{
    return e->state == FRAME_free || e->state == FRAME_dirty;
}

/* All frames of an extent. */
void need_scrub_set(uint64_t f, unsigned order);
/*
 * Frames from..end - 1 are clean. Returns how many were not. Where one bit speaks for more than that and there is no
 * memory to tell its frames apart, they stay as they are.
 */
uint64_t need_scrub_clear(uint64_t from, uint64_t end);
uint64_t need_scrub_count(uint64_t from, uint64_t end);
/* The next frames that are to be scrubbed, below end: the first, and in *stop what follows them; or end. */
uint64_t need_scrub_next(uint64_t from, uint64_t end, uint64_t *stop);
/* The buddy of this order (2 MiB or 1 GiB) is whole: drop what is below it, if from first_dirty on all is dirty. */
void need_scrub_trim(uint64_t f, unsigned order, unsigned first_dirty);
/* An extent is clean: let go of descriptors that only its need_scrub bits had needed. */
void need_scrub_forget(uint64_t f, unsigned order);

/* The descriptor for an extent of this order at f (aligned to it); NULL if that level does not exist there. */
static inline struct frame *frame_at(uint64_t f, unsigned order)
{
    struct frame_block_1g *g = frame_block_1g(f);

    if (!g || order >= ORDER_1G)
        return g ? &g->self : NULL;
    if (!g->blocks)
        return NULL;
    struct frame_block_2m *b = &g->blocks->block[(f >> ORDER_2M) % FRAME_FANOUT];
    if (order >= ORDER_2M)
        return &b->self;
    return b->frames ? &b->frames->frame[f % FRAME_FANOUT] : NULL;
}

/* The descriptor behind a link that is not LINK_NONE. */
static inline struct frame *frame_of_link(extent_link l)
{
    unsigned level = (unsigned)(l >> FRAME_BITS);
    return frame_at(link_frame(l), level == 0 ? 0 : level == 1 ? ORDER_2M : ORDER_1G);
}
/* ---- lists ------------------------------------------------------------------------------------------------------- */

static inline void extent_list_init(struct extent_list *l)
{
    l->head = l->tail = LINK_NONE;
}

static inline void extent_list_add_tail(struct extent_list *l, extent_link at, struct frame *e)
{
    frame_set_next(e, LINK_NONE);
    frame_set_prev(e, l->tail);
    if (l->tail == LINK_NONE)
        l->head = at;
    else
        frame_set_next(frame_of_link(l->tail), at);
    l->tail = at;
}

static inline void extent_list_add_head(struct extent_list *l, extent_link at, struct frame *e)
{
    frame_set_prev(e, LINK_NONE);
    frame_set_next(e, l->head);
    if (l->head == LINK_NONE)
        l->tail = at;
    else
        frame_set_prev(frame_of_link(l->head), at);
    l->head = at;
}

static inline void extent_list_del(struct extent_list *l, struct frame *e)
{
    extent_link next = frame_next(e), prev = frame_prev(e);

    if (prev == LINK_NONE)
        l->head = next;
    else
        frame_set_next(frame_of_link(prev), next);
    if (next == LINK_NONE)
        l->tail = prev;
    else
        frame_set_prev(frame_of_link(next), prev);
}

/*
 * The extent between prev and next on l has become two: low and high, in its place. prev and next are the links that
 * it had.
 */
void extent_list_halve(struct extent_list *l, extent_link low_at, struct frame *low, extent_link high_at,
                       struct frame *high, extent_link prev, extent_link next);

#endif
