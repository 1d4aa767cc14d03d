/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The radix of frame descriptors: 512 GiB -> 1 GiB block -> 2 MiB block -> frame. See hv/frame.h. */
#include <hv/frame.h>
#include <hv/lib.h>

/* Frame descriptors of blocks that merged, kept for the next blocks that split: the two often alternate. */
#define MAX_SPARES 16u

struct frame_set_1g *frame_top[FRAME_TOP_NR];
static struct frame_set_4k *spare[MAX_SPARES];
static unsigned nr_spares;

_Static_assert(sizeof(struct frame) == 16, "a descriptor is 16 bytes");
_Static_assert(HV_MAX_NODES <= 64, "a descriptor has 6 bits for the node");

static struct frame_set_4k *frames_get(void)
{
    if (!nr_spares)
        return port_frametable_alloc(sizeof(struct frame_set_4k));
    struct frame_set_4k *s = spare[--nr_spares];
    __builtin_memset(s, 0, sizeof(*s));
    return s;
}

static void frames_put(struct frame_block_2m *b)
{
    if (!b->frames)
        return;
    if (nr_spares < MAX_SPARES)
        spare[nr_spares++] = b->frames;
    else
        port_frametable_free(b->frames, sizeof(*b->frames));
    b->frames = NULL;
}

static void blocks_put(struct frame_block_1g *g)
{
    if (!g->blocks)
        return;
    for (unsigned i = 0; i < FRAME_FANOUT; i++)
        frames_put(&g->blocks->block[i]);
    port_frametable_free(g->blocks, sizeof(*g->blocks));
    g->blocks = NULL;
}

void frame_table_reset(void)
{
    /* Whatever a machine that ran before in this process had went away with its port. */
    for (unsigned t = 0; t < FRAME_TOP_NR; t++)
        frame_top[t] = NULL;
    nr_spares = 0;
}

/* The need_scrub bit that spoke for a block moves to its parts, which now speak for themselves. */
static void bits_inherit(uint64_t *parent, unsigned i, uint64_t *parts)
{
    if (!(parent[i / 64] >> i % 64 & 1))
        return;
    parent[i / 64] &= ~(1ull << i % 64);
    __builtin_memset(parts, 0xff, FRAME_FANOUT / 8);
}

bool frame_table_ensure(uint64_t f, unsigned order)
{
    if (f >> FRAME_BITS)
        return false;
    struct frame_set_1g **top = &frame_top[f >> FRAME_TOP_SHIFT];
    if (!*top && !(*top = port_frametable_alloc(sizeof(**top))))
        return false;
    if (order >= ORDER_1G)
        return true;
    unsigned gi = (f >> ORDER_1G) % FRAME_FANOUT, bi = (f >> ORDER_2M) % FRAME_FANOUT;
    struct frame_block_1g *g = &(*top)->block[gi];
    if (!g->blocks) {
        if (!(g->blocks = port_frametable_alloc(sizeof(*g->blocks))))
            return false;
        bits_inherit((*top)->need_scrub, gi, g->blocks->need_scrub);
    }
    struct frame_block_2m *b = &g->blocks->block[bi];
    if (order >= ORDER_2M || b->frames)
        return true;
    if (!(b->frames = frames_get()))
        return false;
    bits_inherit(g->blocks->need_scrub, bi, b->frames->need_scrub);
    return true;
}

void frame_table_trim(uint64_t f, unsigned order)
{
    struct frame_block_1g *g = frame_block_1g(f);

    if (order == ORDER_1G)
        blocks_put(g);
    else if (order == ORDER_2M)
        frames_put(&g->blocks->block[(f >> ORDER_2M) % FRAME_FANOUT]);
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

void extent_list_halve(struct extent_list *l, extent_link low_at, struct frame *low, extent_link high_at,
                       struct frame *high, extent_link prev, extent_link next)
{
    frame_set_prev(low, prev);
    frame_set_next(low, high_at);
    frame_set_prev(high, low_at);
    frame_set_next(high, next);
    if (prev == LINK_NONE)
        l->head = low_at;
    else
        frame_set_next(frame_of_link(prev), low_at);
    if (next == LINK_NONE)
        l->tail = high_at;
    else
        frame_set_prev(frame_of_link(next), high_at);
}
