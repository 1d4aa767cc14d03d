/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Xen heap: frames of the domain heap, mapped for the core itself. On x86 the address of a frame in the direct map
 * follows from its number and back; a port's mapping need not, so a hash table leads from the address to the frame. It
 * is only looked up by key, so its order matters to nobody.
 */
#include "mm/heap.h"

#include <hv/lib.h>
#include <hv/numa.h>

#define FIRST_SLOTS 1024u /* 16 KiB */

struct slot {
    uintptr_t va;     /* 0: empty */
    uint64_t f_order; /* frame << 8 | order */
};

static struct hv_lock lock;
static struct slot *table;
static size_t nr_slots, nr_used; /* nr_slots is a power of two; at most half are used */

void xenheap_init(void)
{
    lock = (struct hv_lock)HV_LOCK_INIT("xenheap");
    table = NULL;
    nr_slots = nr_used = 0;
}

static size_t slot_of(uintptr_t va)
{
    return (size_t)(((va >> PAGE_SHIFT) * (uintptr_t)2654435761u) >> 3) & (nr_slots - 1);
}

/* Where va is, or would be put. */
static struct slot *lookup(uintptr_t va)
{
    size_t i = slot_of(va);
    while (table[i].va && table[i].va != va)
        i = (i + 1) & (nr_slots - 1);
    return &table[i];
}

static bool make_room(void)
{
    size_t old_slots = nr_slots;
    struct slot *old = table;

    if (2 * (nr_used + 1) <= nr_slots)
        return true;
    size_t slots = nr_slots ? 2 * nr_slots : FIRST_SLOTS;
    struct slot *t = port_frametable_alloc(slots * sizeof(*t));
    if (!t)
        return false;
    table = t;
    nr_slots = slots;
    for (size_t i = 0; i < old_slots; i++)
        if (old[i].va)
            *lookup(old[i].va) = old[i];
    if (old)
        port_frametable_free(old, old_slots * sizeof(*old));
    return true;
}

/* Empty a slot, and move up what was displaced because it was taken. */
static void vacate(struct slot *s)
{
    size_t hole = (size_t)(s - table);

    for (size_t i = (hole + 1) & (nr_slots - 1); table[i].va; i = (i + 1) & (nr_slots - 1)) {
        size_t home = slot_of(table[i].va);
        if (((i - home) & (nr_slots - 1)) >= ((i - hole) & (nr_slots - 1))) {
            table[hole] = table[i];
            hole = i;
        }
    }
    table[hole].va = 0;
    nr_used--;
}

void *alloc_xenheap_pages(unsigned order, unsigned memflags)
{
    void *va = NULL;

    if (port_alloc_fails(HV_ALLOC_xenheap))
        return NULL;
    mfn_t m = alloc_domheap_pages(NULL, order, memflags);
    if (mfn_eq(m, MFN_INVALID))
        return NULL;
    frame_at(m.n, order)->state = FRAME_xenheap;
    port_lock(&lock);
    if (make_room() && (va = port_map_pages(m, order)) != NULL) {
        *lookup((uintptr_t)va) = (struct slot){(uintptr_t)va, m.n << 8 | order};
        nr_used++;
    }
    port_unlock(&lock);
    if (!va)
        free_heap_pages(m.n, order);
    return va;
}

void free_xenheap_pages(void *va, unsigned order)
{
    if (!va)
        return;
    port_lock(&lock);
    struct slot *s = nr_slots ? lookup((uintptr_t)va) : NULL;
    ASSERT(s && s->va && (s->f_order & 0xff) == order);
    uint64_t f = s->f_order >> 8;
    vacate(s);
    port_unmap_pages(va, mfn(f), order);
    port_unlock(&lock);
    free_xen_pages(f, order);
}

bool xenheap_order(const void *va, unsigned *order)
{
    port_lock(&lock);
    const struct slot *s = nr_slots ? lookup((uintptr_t)va) : NULL;
    bool found = s && s->va;
    if (found)
        *order = (unsigned)(s->f_order & 0xff);
    port_unlock(&lock);
    return found;
}

uint64_t hv_whole_pages(const void *obj, node_id *n)
{
    uint64_t pages = 0;

    port_lock(&lock);
    const struct slot *s = nr_slots ? lookup((uintptr_t)obj) : NULL;
    if (s && s->va) {
        pages = 1ull << (s->f_order & 0xff);
        *n = mfn_to_node(mfn(s->f_order >> 8));
    }
    port_unlock(&lock);
    return pages;
}

void xenheap_pages(uint64_t pages[HV_MAX_NODES])
{
    port_lock(&lock);
    for (size_t i = 0; i < nr_slots; i++)
        if (table[i].va)
            pages[mfn_to_node(mfn(table[i].f_order >> 8)).n] += 1ull << (table[i].f_order & 0xff);
    port_unlock(&lock);
}
