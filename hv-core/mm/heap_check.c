/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The invariants of the buddy heap (heap.c). They hold wherever the port may let time pass. */
#include "mm/heap_priv.h"

struct sums {
    uint64_t pages, need_scrub, dirty_buddies;
};

static const char *check_dirt(const struct frame *e, uint64_t f, unsigned order, bool *dirty_before, struct sums *s)
{
    unsigned first_dirty = frame_first_dirty(e);
    uint64_t end = f + (1ull << order);

    if (first_dirty == INVALID_DIRTY_IDX) {
        if (*dirty_before)
            return "heap: a clean buddy is behind a dirty one";
        return need_scrub_count(f, end) ? "heap: a clean buddy has pages that are to be scrubbed" : NULL;
    }
    if (one_end)
        return "heap: a dirty buddy at a level that scrubs at once";
    if (first_dirty >> order)
        return "heap: first_dirty lies outside of its buddy";
    *dirty_before = true;
    s->dirty_buddies++;
    s->need_scrub += need_scrub_count(f + first_dirty, end);
    return NULL;
}

static const char *check_buddy(uint64_t f, unsigned n, unsigned z, unsigned o)
{
    const struct frame *b = o < MAX_ORDER ? frame_at(f ^ (1ull << o), o) : NULL;

    if (f & ((1ull << o) - 1))
        return quirk(offline_misaligned) && offline_carved() ? NULL : "heap: a free buddy is not aligned to its order";
    if (zone_of(f) != z)
        return "heap: a free buddy is in a foreign zone";
    /* The last two pieces of a carved buddy may be buddies of each other, and stay so until one of them is used. */
    if (b && frame_is_free(b) && b->order == o && b->node == n && !(quirk(offline_short_tail) && offline_carved()))
        return "heap: two free buddies are not merged";
    return NULL;
}

static const char *check_list(unsigned n, unsigned z, unsigned o, struct sums *s)
{
    extent_link prev = LINK_NONE;
    bool dirty = false;

    for (extent_link l = heap[n][z][o].head; l != LINK_NONE;) {
        uint64_t f = link_frame(l);
        const struct frame *e = frame_at(f, o);
        if (l != link_to(f, o) || !e || !frame_is_free(e) || e->order != o || e->node != n || frame_prev(e) != prev)
            return "heap: an element of a free list is not a free buddy of its node and order";
        const char *broken = check_buddy(f, n, z, o);
        if (!broken)
            broken = check_dirt(e, f, o, &dirty, s);
        if (broken)
            return broken;
        s->pages += 1ull << o;
        if (s->pages > total_size)
            return "heap: a free list does not end";
        prev = l;
        l = frame_next(e);
    }
    if (prev != heap[n][z][o].tail)
        return "heap: the tail of a free list is wrong";
    if ((prev != LINK_NONE) != ((orders_used[n][z] >> o) & 1))
        return "heap: a zone's set of orders differs from its lists";
    return NULL;
}

static const char *check_node(unsigned n, struct sums *all)
{
    struct sums on_node = {0};

    for (unsigned z = 0; z < NR_ZONES; z++) {
        uint64_t before = on_node.pages;
        for (unsigned o = 0; o <= MAX_ORDER; o++) {
            const char *broken = check_list(n, z, o, &on_node);
            if (broken)
                return broken;
        }
        uint64_t pages = on_node.pages - before;
        if (pages != avail[n][z] || (pages != 0) != ((zones_used[n] >> z) & 1))
            return "heap: a zone's counter differs from its lists";
    }
    if (on_node.pages != node_avail[n])
        return "heap: a node's counter differs from its zones";
    if (on_node.need_scrub > node_need_scrub[n])
        return "heap: more of a node is to be scrubbed than its counter says";
    all->pages += on_node.pages;
    all->need_scrub += node_need_scrub[n] - on_node.need_scrub;
    all->dirty_buddies += on_node.dirty_buddies;
    return NULL;
}

const char *heap_check(uint64_t moving)
{
    struct sums all = {0};
    uint64_t on_nodes = 0;
    node_id n;

    for_each_node (n, hv_node_online) {
        const char *broken = check_node(n.n, &all);
        if (broken)
            return broken;
        if (node_claims[n.n] > node_avail[n.n] + moving)
            return "heap: more is claimed of a node than is free there";
        on_nodes += node_claims[n.n];
    }
    if (on_nodes > claims)
        return "heap: more is claimed of the nodes than of the host";
    if (all.pages != total_avail)
        return "heap: the total differs from the nodes";
    if (all.dirty_buddies != nr_dirty_buddies)
        return "heap: the number of dirty buddies is wrong";
    /* What is not on the lists was allocated, and is being scrubbed at this moment. */
    if (all.need_scrub != scrub_in_hand)
        return "heap: a node's counter says that more is to be scrubbed than there is";
    if (claims > total_avail + moving)
        return "heap: more is claimed than free";
    return offline_check();
}
