/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * References to frames beyond the one that their owner has.
 *
 * Xen counts in every page descriptor: the "allocated" flag, one reference that goes with it, one for every mapping by
 * somebody else, and apart from that the references of its type. Nearly every frame has the flag, count 1 and no type,
 * so here an extent in use with an owner means just that and costs nothing. What a frame has beyond it is an entry of
 * one small table, which exists while there is somebody else (dom0, say, who maps it, or a page table that is one).
 *
 * A frame that its owner frees while others hold it stays the owner's, and on its list, as an extent of its own that
 * is given up; it goes back to the heap with the last of them. A dying domain with such frames stays until then.
 *
 * Invariants: an entry's frame is in use, and its owner's; its count is above 0 and not below its type count; a frame
 * given up is an extent of one page. A domain's nr_page_refs is the number of its entries.
 *
 * Locking: what an entry says changes under its owner's page_alloc_lock; where it is in the table, under ref_lock,
 * which nests inside. The table has room for a fixed number: more is -HV_ENOMEM, as a full count is.
 */
#include "mm/heap.h"

#include <hv/lib.h>

#define SLOT_BITS 13u
#define SLOTS (1u << SLOT_BITS)
#define HASH_FACTOR 0x9e3779b97f4a7c15ull /* 2^64 / golden ratio: neighbours lie far apart */

struct page_ref {
    uint64_t frame_plus_1; /* 0: the slot is free */
    uint32_t count, type_count;
    uint16_t owner; /* domain id */
    uint8_t type;
    bool given_up;
};

static struct hv_lock ref_lock;
static struct page_ref slot[SLOTS];
static unsigned nr_used;

void page_ref_init(void)
{
    ref_lock = (struct hv_lock)HV_LOCK_INIT("page_ref");
    __builtin_memset(slot, 0, sizeof(slot));
    nr_used = 0;
}

/* ---- the table, with the lock held -------------------------------------------------------------------------------
 */

static unsigned home_of(uint64_t f)
{
    return (unsigned)((f * HASH_FACTOR) >> (64u - SLOT_BITS));
}

/* The entry, or the free slot where it would be. */
static struct page_ref *slot_of(uint64_t f)
{
    unsigned i = home_of(f);

    while (slot[i].frame_plus_1 && slot[i].frame_plus_1 != f + 1)
        i = (i + 1) % SLOTS;
    return &slot[i];
}

/* Those behind the gap move into it where their way from home leads past it. */
static void slot_free(struct page_ref *r)
{
    unsigned gap = (unsigned)(r - slot);

    for (unsigned i = (gap + 1) % SLOTS; slot[i].frame_plus_1; i = (i + 1) % SLOTS) {
        unsigned home = home_of(slot[i].frame_plus_1 - 1);
        if ((i - home) % SLOTS >= (i - gap) % SLOTS) {
            slot[gap] = slot[i];
            gap = i;
        }
    }
    slot[gap].frame_plus_1 = 0;
    nr_used--;
}

/* ---- references --------------------------------------------------------------------------------------------------
 */

static int take(struct domain *d, uint64_t f, enum page_type type)
{
    struct page_ref *r = slot_of(f);

    if (!r->frame_plus_1) {
        if (nr_used == PAGE_REF_MAX_FRAMES)
            return -HV_ENOMEM;
        *r = (struct page_ref){.frame_plus_1 = f + 1, .owner = d->id.n};
        nr_used++;
        d->nr_page_refs++;
    } else if (r->count == PAGE_REF_MAX_COUNT) {
        return -HV_ENOMEM;
    } else if (type != PGT_none && r->type_count && r->type != type) {
        return -HV_EBUSY;
    }
    r->count++;
    if (type != PGT_none) {
        r->type = (uint8_t)type;
        r->type_count++;
    }
    return 0;
}

int get_page_and_type(mfn_t m, struct domain *d, enum page_type type)
{
    uint64_t head;
    int rc = -HV_EINVAL;

    port_lock(&d->page_alloc_lock);
    const struct frame *e = extent_holding(m.n, &head);
    if (e && e->owner == d->id.n + 1u && !d->is_dying) {
        port_lock(&ref_lock);
        rc = take(d, m.n, type);
        port_unlock(&ref_lock);
    }
    port_unlock(&d->page_alloc_lock);
    return rc;
}

int get_page(mfn_t m, struct domain *d)
{
    return get_page_and_type(m, d, PGT_none);
}

/* Whose frame it is cannot change: it is held. */
static struct domain *owner_of_held(uint64_t f)
{
    port_lock(&ref_lock);
    const struct page_ref *r = slot_of(f);
    BUG_ON(!r->frame_plus_1); /* put once too often */
    struct domain *d = domain_find(dom(r->owner));
    port_unlock(&ref_lock);
    ASSERT(d);
    return d;
}

static void put(mfn_t m, bool typed)
{
    struct domain *d = owner_of_held(m.n);
    bool free = false;

    port_lock(&d->page_alloc_lock);
    port_lock(&ref_lock);
    struct page_ref *r = slot_of(m.n);
    BUG_ON(!r->frame_plus_1 || (typed && !r->type_count));
    if (typed)
        r->type_count--;
    BUG_ON(--r->count < r->type_count);
    if (!r->count) {
        free = r->given_up;
        slot_free(r);
        d->nr_page_refs--;
    }
    port_unlock(&ref_lock);
    if (free)
        domain_page_released(d, m.n);
    bool drained = d->is_dying && !d->nr_page_refs;
    port_unlock(&d->page_alloc_lock);
    if (drained)
        domain_drained();
}

void put_page(mfn_t m)
{
    put(m, false);
}

void put_page_and_type(mfn_t m)
{
    put(m, true);
}

void page_count(mfn_t m, struct page_counts *out)
{
    port_lock(&ref_lock);
    const struct page_ref *r = slot_of(m.n);
    *out = (struct page_counts){0};
    if (r->frame_plus_1)
        *out = (struct page_counts){r->count, r->type_count, (enum page_type)r->type, r->given_up};
    port_unlock(&ref_lock);
}

/* ---- for the owner, with its page_alloc_lock held -----------------------------------------------------------------
 */

uint64_t page_ref_next(const struct domain *d, uint64_t from, uint64_t end)
{
    uint64_t next = FRAME_NONE;

    if (!d->nr_page_refs)
        return FRAME_NONE;
    port_lock(&ref_lock);
    if (end - from < SLOTS) {
        for (; from < end && next == FRAME_NONE; from++)
            if (slot_of(from)->frame_plus_1)
                next = from;
    } else {
        for (unsigned i = 0; i < SLOTS; i++)
            if (slot[i].frame_plus_1 > from && slot[i].frame_plus_1 <= end && slot[i].frame_plus_1 - 1 < next)
                next = slot[i].frame_plus_1 - 1;
    }
    port_unlock(&ref_lock);
    return next;
}

void page_ref_give_up(uint64_t f)
{
    port_lock(&ref_lock);
    struct page_ref *r = slot_of(f);
    ASSERT(r->frame_plus_1);
    r->given_up = true;
    port_unlock(&ref_lock);
}

/* ---- invariants -------------------------------------------------------------------------------------------------- */

const char *page_ref_check(void)
{
    unsigned used = 0, owned = 0;
    struct list_head *pos;

    for (unsigned i = 0; i < SLOTS; i++) {
        const struct page_ref *r = &slot[i];
        uint64_t head;
        if (!r->frame_plus_1)
            continue;
        used++;
        if (slot_of(r->frame_plus_1 - 1) != r)
            return "mm: a reference cannot be found in its table";
        const struct frame *e = extent_holding(r->frame_plus_1 - 1, &head);
        if (!e || e->owner != r->owner + 1u)
            return "mm: a frame that is referred to is not its owner's";
        if (!r->count || r->type_count > r->count)
            return "mm: a frame has more references to its type than to itself";
        if (r->given_up && e->order)
            return "mm: a frame that is given up is part of an extent";
    }
    list_for_each (pos, &hv_domain_list)
        owned += list_entry(pos, struct domain, link)->nr_page_refs;
    return used == nr_used && owned == used ? NULL
                                            : "mm: the references of the domains differ from those that there are";
}
