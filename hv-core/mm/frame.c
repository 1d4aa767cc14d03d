/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The radix of frame descriptors: 512 GiB -> 1 GiB block -> 2 MiB block -> frame. See hv/frame.h. */
#include <hv/frame.h>
#include <hv/lib.h>

/* Frame descriptors of blocks that merged, kept for the next blocks that split: the two often alternate. */
#define MAX_SPARES 16u

#define FRAMES_BYTES (FRAME_FANOUT * sizeof(struct frame))
#define BLOCKS_2M_BYTES (FRAME_FANOUT * sizeof(struct frame_block_2m))
#define BLOCKS_1G_BYTES (FRAME_FANOUT * sizeof(struct frame_block_1g))

struct frame_block_1g *frame_top[FRAME_TOP_NR];
static struct frame *spare[MAX_SPARES];
static unsigned nr_spares;

_Static_assert(sizeof(struct frame) == 16, "a descriptor is 16 bytes");

static struct frame *frames_get(void)
{
    if (!nr_spares)
        return port_frametable_alloc(FRAMES_BYTES);
    struct frame *e = spare[--nr_spares];
    __builtin_memset(e, 0, FRAMES_BYTES);
    return e;
}

static void frames_put(struct frame_block_2m *b)
{
    if (!b->frame)
        return;
    if (nr_spares < MAX_SPARES)
        spare[nr_spares++] = b->frame;
    else
        port_frametable_free(b->frame, FRAMES_BYTES);
    b->frame = NULL;
}

static void blocks_put(struct frame_block_1g *g)
{
    if (!g->block)
        return;
    for (unsigned i = 0; i < FRAME_FANOUT; i++)
        frames_put(&g->block[i]);
    port_frametable_free(g->block, BLOCKS_2M_BYTES);
    g->block = NULL;
}

void frame_table_reset(void)
{
    /* Whatever a machine that ran before in this process had went away with its port. */
    for (unsigned t = 0; t < FRAME_TOP_NR; t++)
        frame_top[t] = NULL;
    nr_spares = 0;
}

bool frame_table_ensure(uint64_t f, unsigned order)
{
    if (f >> FRAME_BITS)
        return false;
    if (!frame_top[f >> FRAME_TOP_SHIFT] && !(frame_top[f >> FRAME_TOP_SHIFT] = port_frametable_alloc(BLOCKS_1G_BYTES)))
        return false;
    struct frame_block_1g *g = frame_block_1g(f);
    if (order >= ORDER_1G)
        return true;
    if (!g->block && !(g->block = port_frametable_alloc(BLOCKS_2M_BYTES)))
        return false;
    struct frame_block_2m *b = &g->block[(f >> ORDER_2M) % FRAME_FANOUT];
    if (order >= ORDER_2M || b->frame)
        return true;
    return (b->frame = frames_get()) != NULL;
}

void frame_table_trim(uint64_t f, unsigned order)
{
    struct frame_block_1g *g = frame_block_1g(f);

    if (order == ORDER_1G)
        blocks_put(g);
    else if (order == ORDER_2M)
        frames_put(&g->block[(f >> ORDER_2M) % FRAME_FANOUT]);
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
