/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for the core's own structures. Small objects share pages of the Xen heap: a page holds objects of one class
 * behind a header of one cache line. Larger ones have whole pages, and are the only ones at the start of a page. A page
 * without objects goes back at once, so that a destroyed domain leaves nothing behind.
 */
#include "mm/heap.h"

#include <hv/lib.h>
#include <hv/list.h>

#define LINE 64u /* bytes; also the least unit above half a line */

struct xpage {
    struct list_head link; /* the pages of the class with a free object */
    struct list_head all;  /* every such page */
    void *free;            /* first free object; each begins with the address of the next */
    uint16_t used;
    uint8_t class;
};

_Static_assert(sizeof(struct xpage) <= LINE, "the header is one line, so that objects stay aligned");

/* The sizes of which a different number goes into the 63 lines behind the header; two below a line. */
static const uint16_t class_bytes[] = {16,        32,        LINE,      2 * LINE,  3 * LINE,
                                       4 * LINE,  5 * LINE,  6 * LINE,  7 * LINE,  9 * LINE,
                                       10 * LINE, 12 * LINE, 15 * LINE, 21 * LINE, 31 * LINE};
#define NR_CLASSES ARRAY_SIZE(class_bytes)

static struct hv_lock lock;
static struct list_head partial[NR_CLASSES], all;

void xmalloc_init(void)
{
    lock = (struct hv_lock)HV_LOCK_INIT("xmalloc");
    for (unsigned i = 0; i < NR_CLASSES; i++)
        list_init(&partial[i]);
    list_init(&all);
}

static void *alloc_whole(size_t size)
{
    unsigned order = 0;

    while ((PAGE_SIZE << order) < size)
        if (++order > MAX_ORDER)
            return NULL;
    return alloc_xenheap_pages(order, 0); /* zero-filled by the port */
}

static struct xpage *new_page(unsigned class)
{
    struct xpage *p = alloc_xenheap_pages(0, 0);
    size_t size = class_bytes[class];

    if (!p)
        return NULL;
    p->class = (uint8_t) class;
    list_init(&p->link);
    list_add(&p->all, &all);
    for (size_t n = (PAGE_SIZE - LINE) / size; n-- > 0;) {
        void **obj = (void **)(void *)((char *)p + LINE + n * size);
        *obj = p->free;
        p->free = obj;
    }
    return p;
}

void *hv_zalloc(size_t size)
{
    unsigned class = 0;

    if (port_alloc_fails(HV_ALLOC_xmalloc))
        return NULL;
    while (class < NR_CLASSES && size > class_bytes[class])
        class ++;
    if (class == NR_CLASSES)
        return alloc_whole(size);
    port_lock(&lock);
    if (list_empty(&partial[class])) {
        /* The locks of the heaps nest inside this one. */
        struct xpage *fresh = new_page(class);
        if (!fresh) {
            port_unlock(&lock);
            return NULL;
        }
        list_add(&fresh->link, &partial[class]);
    }
    struct xpage *p = list_first(&partial[class], struct xpage, link);
    void **obj = p->free;
    p->free = *obj;
    p->used++;
    if (!p->free)
        list_del_init(&p->link);
    port_unlock(&lock);
    __builtin_memset(obj, 0, class_bytes[class]);
    return obj;
}

void hv_free(void *obj)
{
    uintptr_t page = (uintptr_t)obj & ~(uintptr_t)(PAGE_SIZE - 1);
    unsigned order;

    if (!obj)
        return;
    if ((uintptr_t)obj == page) {
        bool known = xenheap_order(obj, &order);
        ASSERT(known);
        free_xenheap_pages(obj, order);
        return;
    }
    struct xpage *p = (struct xpage *)page;
    port_lock(&lock);
    ASSERT(p->class < NR_CLASSES && p->used);
    *(void **)obj = p->free;
    if (!p->free)
        list_add(&p->link, &partial[p->class]);
    p->free = obj;
    bool empty = --p->used == 0;
    if (empty) {
        list_del_init(&p->link);
        list_del_init(&p->all);
    }
    port_unlock(&lock);
    if (empty)
        free_xenheap_pages(p, 0);
}

void xmalloc_usage(uint64_t *pages, uint64_t *bytes)
{
    const struct list_head *pos;

    *pages = *bytes = 0;
    port_lock(&lock);
    list_for_each (pos, &all) {
        const struct xpage *p = list_entry(pos, const struct xpage, all);
        ++*pages;
        *bytes += (uint64_t)p->used * class_bytes[p->class];
    }
    port_unlock(&lock);
}
