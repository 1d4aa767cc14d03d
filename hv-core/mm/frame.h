/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame table: what the memory manager knows about each extent of RAM.
 *
 * Xen keeps a flat array of 32 bytes a frame. Here an extent (a free buddy, or an allocated one) is described once, at
 * the level of its size: orders 0..8 by a frame descriptor, 9..17 by the descriptor of the 2 MiB block that it starts
 * in, 18 by that of its 1 GiB block. The lower levels of a block exist only while it is split, so 16 TiB in 1 GiB
 * extents are 16,384 descriptors. Accessors hide the radix; a descriptor that does not exist reads as "not a head".
 *
 * Everything here is guarded by the heap lock, except that an owner walks the extents of its own list.
 */
#ifndef HV_MM_FRAME_H
#define HV_MM_FRAME_H

#include <hv/mm.h>

#define FRAME_NONE 0xffffffffu /* no frame, in 32-bit links; hence at most 2^32 - 1 frames (16 TiB, as Xen's PDX) */

enum frame_state {
    FRAME_not_head = 0, /* inside of an extent, or not RAM */
    FRAME_free,         /* head of a free buddy, on the heap list of its node, zone, order */
    FRAME_inuse,        /* head of an allocated extent */
    FRAME_xen           /* the same, of the Xen heap */
};

struct frame {
    uint32_t next, prev; /* on a heap list (free) or on its owner's list (in use) */
    uint16_t owner;      /* domain id + 1; 0: none */
    uint8_t order, state;
    uint8_t node;
    uint8_t pad[3];
};

#define LEVEL_2M_ORDER 9u
#define LEVEL_1G_ORDER 18u

/* Which of the three levels describes an extent of this order: 0 frame, 1 2 MiB, 2 1 GiB. */
static inline unsigned frame_level(unsigned order)
{
    return order >= LEVEL_1G_ORDER ? 2 : order >= LEVEL_2M_ORDER ? 1 : 0;
}

/* Forget everything (boot). */
void frame_table_reset(void);
/* Can frame numbers up to end (exclusive) be described? */
bool frame_table_covers(uint64_t end);
/* Make sure that descriptors exist for extents of `order` at frame f. false: no backing. */
bool frame_table_ensure(uint64_t f, unsigned order);
/* The levels below an extent of `order` at f are not needed any more. */
void frame_table_release_below(uint64_t f, unsigned order);
/* Descriptor of an extent of `order` at f; NULL if the level does not exist there. */
struct frame *frame_at(uint64_t f, unsigned order);

#endif
