/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for the core itself. x86: the same frames as the domain heap, mapped. Small objects come from pages cut into
 * equal parts of a power of two; a page that is wholly free goes back to the heap at once, so that a destroyed domain
 * leaves nothing behind.
 */
#include "mm/heap.h"

#include <hv/lib.h>

#define CACHE_LINE 64u
#define MIN_SHIFT 6u  /* 64 bytes */
#define MAX_SHIFT 10u /* 1 KiB: three in a page, behind the header; more takes pages of its own */
#define NR_CLASSES (MAX_SHIFT - MIN_SHIFT + 1)
#define CLASS_LARGE 0xffu

/* At the start of every page (or larger extent) of the allocator. */
struct xpage {
    struct list_head link; /* pages of the class that have a free part */
    void *free;            /* first free part; each holds a pointer to the next */
    uint32_t frame;
    uint16_t used;
    uint8_t class_, order;
};

_Static_assert(sizeof(struct xpage) <= CACHE_LINE, "the header is one cache line, so that parts stay aligned");

static struct hv_lock lock = HV_LOCK_INIT("xmalloc");
static struct list_head partial[NR_CLASSES];

void *xenheap_get(unsigned order, uint32_t *f)
{
    mfn_t m = alloc_domheap_pages(NULL, order, 0);

    if (mfn_eq(m, MFN_INVALID))
        return NULL;
    frame_at(m.n, order)->state = FRAME_xen;
    void *va = port_map_pages(m, order);
    if (!va) {
        free_heap_pages((uint32_t)m.n, order);
        return NULL;
    }
    *f = (uint32_t)m.n;
    return va;
}

void xenheap_put(void *va, uint32_t f, unsigned order)
{
    port_unmap_pages(va, mfn(f), order);
    free_heap_pages(f, order);
}

void xmalloc_reset(void)
{
    lock = (struct hv_lock)HV_LOCK_INIT("xmalloc");
    for (unsigned i = 0; i < NR_CLASSES; i++)
        list_init(&partial[i]);
}

static void *alloc_large(size_t size)
{
    unsigned order = 0;
    uint32_t f;

    while ((PAGE_SIZE << order) < size + CACHE_LINE)
        if (++order > MAX_ORDER)
            return NULL;
    struct xpage *p = xenheap_get(order, &f);
    if (!p)
        return NULL;
    p->frame = f;
    p->class_ = CLASS_LARGE;
    p->order = (uint8_t)order;
    return (char *)p + CACHE_LINE;
}

static struct xpage *new_page(unsigned class_)
{
    uint32_t f;
    struct xpage *p = xenheap_get(0, &f);
    size_t part = (size_t)1 << (class_ + MIN_SHIFT);

    if (!p)
        return NULL;
    p->frame = f;
    p->class_ = (uint8_t)class_;
    for (size_t at = CACHE_LINE; at + part <= PAGE_SIZE; at += part) {
        *(void **)((char *)p + at) = p->free;
        p->free = (char *)p + at;
    }
    return p;
}

void *hv_zalloc(size_t size)
{
    if (size > (size_t)1 << MAX_SHIFT)
        return alloc_large(size);
    unsigned class_ = size <= CACHE_LINE ? 0 : hv_fls64(size - 1) + 1 - MIN_SHIFT;

    port_lock(&lock);
    if (list_empty(&partial[class_])) {
        /* The heap has a lock of its own, taken inside this one and never the other way round. */
        struct xpage *fresh = new_page(class_);
        if (!fresh) {
            port_unlock(&lock);
            return NULL;
        }
        list_add(&fresh->link, &partial[class_]);
    }
    struct xpage *p = list_first(&partial[class_], struct xpage, link);
    void *obj = p->free;
    p->free = *(void **)obj;
    p->used++;
    if (!p->free)
        list_del_init(&p->link);
    port_unlock(&lock);
    __builtin_memset(obj, 0, (size_t)1 << (class_ + MIN_SHIFT));
    return obj;
}

void hv_free(void *obj)
{
    if (!obj)
        return;
    struct xpage *p = (struct xpage *)((uintptr_t)obj & ~(uintptr_t)(PAGE_SIZE - 1));

    if (p->class_ == CLASS_LARGE) {
        xenheap_put(p, p->frame, p->order);
        return;
    }
    port_lock(&lock);
    *(void **)obj = p->free;
    if (!p->free)
        list_add(&p->link, &partial[p->class_]);
    p->free = obj;
    bool empty = --p->used == 0;
    if (empty)
        list_del_init(&p->link);
    port_unlock(&lock);
    if (empty)
        xenheap_put(p, p->frame, 0);
}
