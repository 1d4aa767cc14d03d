/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The radix of frame descriptors: 512 GiB -> 1 GiB block -> 2 MiB block -> frame. See hv/frame.h. */
#include <hv/frame.h>
#include <hv/lib.h>

#define FANOUT 512u
#define TOP_SHIFT 27u                           /* 512 GiB in frames */
#define TOP_NR (1u << (FRAME_BITS - TOP_SHIFT)) /* 4 PiB / 512 GiB */
/* Frame descriptors of blocks that merged, kept for the next blocks that split: the two often alternate. */
#define MAX_SPARES 16u

struct block_2m {
    struct frame self;
    struct frame *frame; /* FANOUT, or NULL: the block is whole, or part of something whole */
};

struct block_1g {
    struct frame self;
    struct block_2m *block; /* FANOUT, or NULL */
};

#define FRAMES_BYTES (FANOUT * sizeof(struct frame))
#define BLOCKS_2M_BYTES (FANOUT * sizeof(struct block_2m))
#define BLOCKS_1G_BYTES (FANOUT * sizeof(struct block_1g))

static struct block_1g *top[TOP_NR];
static struct frame *spare[MAX_SPARES];
static unsigned nr_spares;

_Static_assert(sizeof(struct frame) == 16, "a descriptor is 16 bytes");

static struct block_1g *block_1g_of(uint64_t f)
{
    struct block_1g *g = f >> FRAME_BITS ? NULL : top[f >> TOP_SHIFT];
    return g ? &g[(f >> ORDER_1G) % FANOUT] : NULL;
}

static struct frame *frames_get(void)
{
    if (!nr_spares)
        return port_frametable_alloc(FRAMES_BYTES);
    struct frame *e = spare[--nr_spares];
    __builtin_memset(e, 0, FRAMES_BYTES);
    return e;
}

static void frames_put(struct block_2m *b)
{
    if (!b->frame)
        return;
    if (nr_spares < MAX_SPARES)
        spare[nr_spares++] = b->frame;
    else
        port_frametable_free(b->frame, FRAMES_BYTES);
    b->frame = NULL;
}

static void blocks_put(struct block_1g *g)
{
    if (!g->block)
        return;
    for (unsigned i = 0; i < FANOUT; i++)
        frames_put(&g->block[i]);
    port_frametable_free(g->block, BLOCKS_2M_BYTES);
    g->block = NULL;
}

void frame_table_reset(void)
{
    /* Whatever a machine that ran before in this process had went away with its port. */
    for (unsigned t = 0; t < TOP_NR; t++)
        top[t] = NULL;
    nr_spares = 0;
}

bool frame_table_ensure(uint64_t f, unsigned order)
{
    if (f >> FRAME_BITS)
        return false;
    if (!top[f >> TOP_SHIFT] && !(top[f >> TOP_SHIFT] = port_frametable_alloc(BLOCKS_1G_BYTES)))
        return false;
    struct block_1g *g = block_1g_of(f);
    if (order >= ORDER_1G)
        return true;
    if (!g->block && !(g->block = port_frametable_alloc(BLOCKS_2M_BYTES)))
        return false;
    struct block_2m *b = &g->block[(f >> ORDER_2M) % FANOUT];
    if (order >= ORDER_2M || b->frame)
        return true;
    return (b->frame = frames_get()) != NULL;
}

void frame_table_trim(uint64_t f, unsigned order)
{
    struct block_1g *g = block_1g_of(f);

    if (order == ORDER_1G)
        blocks_put(g);
    else if (order == ORDER_2M)
        frames_put(&g->block[(f >> ORDER_2M) % FANOUT]);
}

struct frame *frame_at(uint64_t f, unsigned order)
{
    struct block_1g *g = block_1g_of(f);

    if (!g || order >= ORDER_1G)
        return g ? &g->self : NULL;
    if (!g->block)
        return NULL;
    struct block_2m *b = &g->block[(f >> ORDER_2M) % FANOUT];
    if (order >= ORDER_2M)
        return &b->self;
    return b->frame ? &b->frame[f % FANOUT] : NULL;
}

struct frame *frame_of_link(extent_link l)
{
    static const uint8_t order_of_level[] = {0, ORDER_2M, ORDER_1G};
    return frame_at(link_frame(l), order_of_level[l >> FRAME_BITS]);
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

static void set_next(struct frame *e, extent_link l)
{
    e->next_low = (uint32_t)l;
    e->next_high = (uint16_t)(l >> 32);
}

static void set_prev(struct frame *e, extent_link l)
{
    e->prev_low = (uint32_t)l;
    e->prev_high = (uint16_t)(l >> 32);
}

void extent_list_init(struct extent_list *l)
{
    l->head = l->tail = LINK_NONE;
}

void extent_list_add_tail(struct extent_list *l, extent_link at, struct frame *e)
{
    set_next(e, LINK_NONE);
    set_prev(e, l->tail);
    if (l->tail == LINK_NONE)
        l->head = at;
    else
        set_next(frame_of_link(l->tail), at);
    l->tail = at;
}

void extent_list_del(struct extent_list *l, struct frame *e)
{
    extent_link next = frame_next(e), prev = frame_prev(e);

    if (prev == LINK_NONE)
        l->head = next;
    else
        set_next(frame_of_link(prev), next);
    if (next == LINK_NONE)
        l->tail = prev;
    else
        set_prev(frame_of_link(next), prev);
}

void extent_list_halve(struct extent_list *l, extent_link low_at, struct frame *low, extent_link high_at,
                       struct frame *high, extent_link prev, extent_link next)
{
    set_prev(low, prev);
    set_next(low, high_at);
    set_prev(high, low_at);
    set_next(high, next);
    if (prev == LINK_NONE)
        l->head = low_at;
    else
        set_next(frame_of_link(prev), low_at);
    if (next == LINK_NONE)
        l->tail = high_at;
    else
        set_prev(frame_of_link(next), high_at);
}
