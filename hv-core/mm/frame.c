/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mm/frame.h"

#include <hv/lib.h>

#define PER_LEVEL 512u
#define MAX_GIB 65536u /* physical addresses up to 64 TiB, of which 16 TiB can be RAM */

struct block_2m {
    struct frame self;
    struct frame *frames; /* PER_LEVEL of them, or NULL */
};

struct block_1g {
    struct frame self;
    struct block_2m *blocks; /* PER_LEVEL of them, or NULL */
};

static struct block_1g table[MAX_GIB];

/* One set of frame descriptors is kept back, so that a block that splits and merges in turn does not go to the port. */
static struct frame *spare;

#define FRAMES_BYTES (PER_LEVEL * sizeof(struct frame))
#define BLOCKS_BYTES (PER_LEVEL * sizeof(struct block_2m))

static void release_frames(struct block_2m *b)
{
    if (!b->frames)
        return;
    if (spare)
        port_frametable_free(b->frames, FRAMES_BYTES);
    else
        spare = b->frames;
    b->frames = NULL;
}

static void release_blocks(struct block_1g *g)
{
    if (!g->blocks)
        return;
    for (unsigned i = 0; i < PER_LEVEL; i++)
        release_frames(&g->blocks[i]);
    port_frametable_free(g->blocks, BLOCKS_BYTES);
    g->blocks = NULL;
}

void frame_table_reset(void)
{
    for (unsigned i = 0; i < MAX_GIB; i++) {
        release_blocks(&table[i]);
        __builtin_memset(&table[i].self, 0, sizeof(table[i].self));
    }
    if (spare)
        port_frametable_free(spare, FRAMES_BYTES);
    spare = NULL;
}

bool frame_table_covers(uint64_t end)
{
    return end <= FRAME_NONE && end <= (uint64_t)MAX_GIB << LEVEL_1G_ORDER;
}

bool frame_table_ensure(uint64_t f, unsigned order)
{
    struct block_1g *g = &table[f >> LEVEL_1G_ORDER];

    if (order >= LEVEL_1G_ORDER)
        return true;
    if (!g->blocks) {
        g->blocks = port_frametable_alloc(BLOCKS_BYTES);
        if (!g->blocks)
            return false;
    }
    struct block_2m *b = &g->blocks[(f >> LEVEL_2M_ORDER) % PER_LEVEL];
    if (order >= LEVEL_2M_ORDER || b->frames)
        return true;
    if (spare) {
        b->frames = spare;
        spare = NULL;
        __builtin_memset(b->frames, 0, FRAMES_BYTES);
    } else {
        b->frames = port_frametable_alloc(FRAMES_BYTES);
    }
    return b->frames != NULL;
}

void frame_table_release_below(uint64_t f, unsigned order)
{
    struct block_1g *g = &table[f >> LEVEL_1G_ORDER];

    if (order >= LEVEL_1G_ORDER)
        release_blocks(g);
    else if (order >= LEVEL_2M_ORDER && g->blocks)
        for (unsigned i = 0; i < 1u << (order - LEVEL_2M_ORDER); i++)
            release_frames(&g->blocks[((f >> LEVEL_2M_ORDER) + i) % PER_LEVEL]);
}

struct frame *frame_at(uint64_t f, unsigned order)
{
    struct block_1g *g = &table[f >> LEVEL_1G_ORDER];

    if (order >= LEVEL_1G_ORDER)
        return &g->self;
    if (!g->blocks)
        return NULL;
    struct block_2m *b = &g->blocks[(f >> LEVEL_2M_ORDER) % PER_LEVEL];
    if (order >= LEVEL_2M_ORDER)
        return &b->self;
    return b->frames ? &b->frames[f % PER_LEVEL] : NULL;
}
