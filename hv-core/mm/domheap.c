/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The domain heap: frames with an owner, and the limits that apply to it. */
#include "mm/heap.h"

#include <hv/lib.h>

#define DMA_BITS_SHIFT 2u /* a quarter of what node 0 spans is kept back */
#define DMA_BITS_MAX 32u

static unsigned dma_bits;

unsigned dma_bitsize(void)
{
    return dma_bits;
}

/*
 * On a machine of several nodes the lowest part of node 0 is used only when all else has run out: drivers of dom0 need
 * memory that 32-bit devices reach.
 */
static unsigned dma_width(void)
{
    uint64_t start, end;

    if (nodemask_weight(hv_node_online) < 2 || !node_span(node(0), &start, &end))
        return 0;
    uint64_t spanned = end - (start <= 256 ? 0 : start); /* the first MiB counts: the firmware's map starts at 0 */
    unsigned log = hv_fls64(spanned);
    if (!quirk(dma_width_floor) && (spanned & (spanned - 1)))
        log++;
    return hv_min_u(log + PAGE_SHIFT - DMA_BITS_SHIFT, DMA_BITS_MAX);
}

int mm_init(void)
{
    int rc = heap_init();

    dma_bits = dma_width();
    xmalloc_reset();
    return rc;
}

/* ---- ownership ----------------------------------------------------------------------------------------------------
 */

/* Frame f becomes d's. false: dying, or over its limit. */
static bool assign_pages(struct domain *d, uint32_t f, unsigned order)
{
    uint64_t pages = 1ull << order;
    struct domain_pages *own = d->page_list;

    port_lock(&d->page_alloc_lock);
    if (d->is_dying || d->tot_pages + pages > d->max_pages) {
        port_unlock(&d->page_alloc_lock);
        return false;
    }
    struct frame *e = frame_at(f, order);
    e->owner = (uint16_t)(d->id.n + 1);
    extent_add_tail(&own->level[frame_level(order)], f, e);
    d->tot_pages += pages;
    d->node_pages[e->node] += pages;
    heap_claim_used(d, pages);
    port_unlock(&d->page_alloc_lock);
    return true;
}

static struct domain *owner_of(const struct frame *e)
{
    return e->owner ? domain_find(dom(e->owner - 1u)) : NULL;
}

mfn_t alloc_domheap_pages(struct domain *d, unsigned order, unsigned memflags)
{
    unsigned bits = memflags >> 24, hi = NR_ZONES - 1, dma_zone = dma_bits ? dma_bits - PAGE_SHIFT : 0;
    uint32_t f = FRAME_NONE;

    if (bits) {
        if (bits <= PAGE_SHIFT)
            return MFN_INVALID;
        hi = hv_min_u(bits - PAGE_SHIFT - 1, hi);
    }
    if (dma_zone && hi >= dma_zone)
        f = alloc_heap_pages(dma_zone, hi, order, memflags, d);
    if (f == FRAME_NONE && !(dma_zone && (memflags & MEMF_no_dma)))
        f = alloc_heap_pages(0, hi, order, memflags, d);
    if (f == FRAME_NONE)
        return MFN_INVALID;
    if (d && !assign_pages(d, f, order)) {
        free_heap_pages(f, order);
        return MFN_INVALID;
    }
    return mfn(f);
}

/* With page_alloc_lock held: the extent leaves its owner's books. */
static void disown(struct domain *d, uint32_t f, unsigned order)
{
    struct domain_pages *own = d->page_list;
    struct frame *e = frame_at(f, order);
    uint64_t pages = 1ull << order;

    extent_del(&own->level[frame_level(order)], f, e);
    e->owner = 0;
    d->tot_pages -= pages;
    d->node_pages[e->node] -= pages;
    heap_claim_returned(d, pages);
}

void free_domheap_pages(mfn_t first, unsigned order)
{
    uint32_t f = (uint32_t)first.n;
    struct frame *e = frame_at(f, order);

    ASSERT(e && e->state == FRAME_inuse && e->order == order);
    struct domain *d = owner_of(e);
    if (d) {
        port_lock(&d->page_alloc_lock);
        disown(d, f, order);
        port_unlock(&d->page_alloc_lock);
        port_count(PERFC_page_assign, 1);
    }
    free_heap_pages(f, order);
}

/* ---- domains ------------------------------------------------------------------------------------------------------
 */

int mm_init_domain(struct domain *d)
{
    struct domain_pages *own = hv_zalloc(sizeof(*own));

    if (!own)
        return -HV_ENOMEM;
    for (unsigned l = 0; l < 3; l++)
        extent_list_init(&own->level[l]);
    d->page_list = own;
    d->page_alloc_lock = (struct hv_lock)HV_LOCK_INIT("page_alloc");
    int rc = p2m_create(d);
    if (rc) {
        hv_free(own);
        d->page_list = NULL;
    }
    return rc;
}

void mm_destroy_domain(struct domain *d)
{
    struct domain_pages *own = d->page_list;

    if (!own)
        return;
    heap_set_claim(d, 0);
    for (unsigned l = 0; l < 3; l++)
        while (own->level[l].head != FRAME_NONE) {
            uint32_t f = own->level[l].head;
            /* The head's order is not known from the link, but all of a level share one descriptor. */
            static const unsigned any_order[3] = {0, LEVEL_2M_ORDER, LEVEL_1G_ORDER};
            unsigned order = frame_at(f, any_order[l])->order;
            port_lock(&d->page_alloc_lock);
            disown(d, f, order);
            port_unlock(&d->page_alloc_lock);
            port_clear_pages(mfn(f), order); /* a dying domain's memory is scrubbed as it is freed */
            free_heap_pages(f, order);
        }
    ASSERT(d->tot_pages == 0);
    p2m_destroy(d);
    hv_free(own);
    d->page_list = NULL;
}

int domain_set_outstanding_pages(struct domain *d, uint64_t pages)
{
    port_lock(&d->page_alloc_lock);
    int rc = heap_set_claim(d, pages);
    port_unlock(&d->page_alloc_lock);
    return rc;
}

const char *mm_check(void)
{
    const char *broken = heap_check();
    uint64_t owned = 0, claimed = 0;
    struct list_head *pos;

    if (broken)
        return broken;
    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        uint64_t on_nodes = 0;
        for (unsigned n = 0; n < HV_MAX_NODES; n++)
            on_nodes += d->node_pages[n];
        if (on_nodes != d->tot_pages)
            return "a domain's pages per node do not add up to its total";
        if (d->tot_pages > d->max_pages)
            return "a domain owns more than its limit";
        owned += d->tot_pages;
        claimed += d->outstanding_pages;
    }
    if (claimed != outstanding_claims())
        return "the domains' claims do not add up to the heap's";
    return owned + avail_pages() <= total_pages() ? NULL : "more is owned and free than there is";
}
