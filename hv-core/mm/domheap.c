/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain heap: frames with an owner, and the limits that apply to it.
 *
 * A domain's extents are on one list in the order in which it got them, so that its end frees them in that order, as
 * Xen does. page_alloc_lock guards the list and the counters of the domain; the heap lock nests inside. List, tot_pages
 * and node_pages change together, without a call in between that lets time pass.
 */
#include "mm/heap.h"

#include <hv/lib.h>

#define DMA_QUARTER_BITS 2u /* a quarter of what the node spans is kept back */
#define DMA_BITS_MAX 32u    /* what a 32-bit device reaches */
#define FIRST_MIB_PAGES 256u

static unsigned dma_bits, dma_bits_asked;
/* Frames that a pCPU has taken from the heap and not yet given to their owner, or the other way round. */
static uint64_t moving[HV_MAX_PCPUS];

unsigned dma_bitsize(void)
{
    return dma_bits;
}

uint64_t domheap_moving(void)
{
    uint64_t sum = 0;
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        sum += moving[c];
    return sum;
}

void dma_bitsize_set(unsigned bits)
{
    dma_bits_asked = bits;
}

/* The firmware's map begins at 0 also where the heap leaves out the first MiB. */
static bool spanned(node_id n, uint64_t *start, uint64_t *pages)
{
    uint64_t end;

    if (!node_span(n, start, &end))
        return false;
    if (*start <= FIRST_MIB_PAGES)
        *start = 0;
    *pages = end - *start;
    return true;
}

/* Enough for the lowest quarter of the first node with memory below 4 GiB; 4.3 looked at node 0 alone. */
static unsigned dma_width(void)
{
    uint64_t start, pages;
    node_id n;

    if (nodemask_weight(hv_node_online) < 2)
        return 0;
    if (quirk(dma_width_floor))
        return spanned(node(0), &start, &pages)
                   ? hv_min_u(hv_fls64(pages) + PAGE_SHIFT - DMA_QUARTER_BITS, DMA_BITS_MAX)
                   : 0;
    for_each_node (n, hv_node_online) {
        if (!spanned(n, &start, &pages) || start >> (DMA_BITS_MAX - PAGE_SHIFT))
            continue;
        uint64_t quarter = start + (pages >> DMA_QUARTER_BITS); /* its end */
        return quarter > 1 ? hv_min_u(hv_fls64(quarter - 1) + 1 + PAGE_SHIFT, DMA_BITS_MAX) : 0;
    }
    return 0;
}

int mm_init(void)
{
    __builtin_memset(moving, 0, sizeof(moving));
    dma_bits = dma_bits_asked ? dma_bits_asked : dma_width();
    set_aside_init();
    xenheap_init();
    xmalloc_init();
    return heap_init();
}

/* Highest zone whose frames all have addresses of this many bits. */
static unsigned bits_to_zone(unsigned bits)
{
    return bits > PAGE_SHIFT + 1 ? bits - PAGE_SHIFT - 1 : 0;
}

/* ---- owners ----------------------------------------------------------------------------------------------------- */

/* false: dying, or over its limit. */
static bool assign_pages(struct domain *d, uint64_t f, unsigned order)
{
    struct extent_list *own = d->page_list;
    uint64_t pages = 1ull << order;

    port_lock(&d->page_alloc_lock);
    if (d->is_dying || d->tot_pages + pages > d->max_pages) {
        port_unlock(&d->page_alloc_lock);
        return false;
    }
    if (quirk(claim_at_assign))
        heap_claim_used(d, pages);
    struct frame *e = frame_at(f, order);
    e->owner = (uint16_t)(d->id.n + 1u);
    extent_list_add_tail(own, link_to(f, order), e);
    d->tot_pages += pages;
    d->node_pages[e->node] += pages;
    port_count(PERFC_page_assign, 1);
    port_unlock(&d->page_alloc_lock);
    return true;
}

/* page_alloc_lock held. */
static void disown(struct domain *d, uint64_t f, unsigned order)
{
    struct frame *e = frame_at(f, order);
    uint64_t pages = 1ull << order;

    if (quirk(claim_at_assign))
        heap_claim_grow(d, pages);
    extent_list_del(d->page_list, e);
    e->owner = 0;
    d->tot_pages -= pages;
    d->node_pages[e->node] -= pages;
    port_count(PERFC_page_assign, 1);
}

static mfn_t alloc_and_assign(struct domain *d, unsigned order, unsigned memflags)
{
    unsigned bits = memflags >> 24, lo = 1, hi = NR_ZONES - 1;
    uint64_t f = FRAME_NONE;

    if (bits && (hi = hv_min_u(bits_to_zone(bits), hi)) == 0)
        return MFN_INVALID;
    /* Drivers of dom0 may need what 32-bit devices reach: on a NUMA machine the lowest part of node 0 goes last. */
    unsigned dma_zone = bits_to_zone(dma_bits);
    if (dma_bits && dma_zone < hi)
        f = alloc_heap_pages(dma_zone + 1, hi, order, memflags, d);
    if (f == FRAME_NONE && !(memflags & MEMF_no_dma))
        f = alloc_heap_pages(lo, hi, order, memflags, d);
    if (f == FRAME_NONE)
        return MFN_INVALID;
    if (d && !(memflags & MEMF_no_refcount) && !assign_pages(d, f, order)) {
        free_heap_pages(f, order);
        return MFN_INVALID;
    }
    return mfn(f);
}

mfn_t alloc_domheap_pages(struct domain *d, unsigned order, unsigned memflags)
{
    uint64_t *in_hand = &moving[port_this_cpu().n];

    if (order > MAX_ORDER)
        return MFN_INVALID;
    *in_hand += 1ull << order;
    mfn_t m = alloc_and_assign(d, order, memflags);
    *in_hand -= 1ull << order;
    return m;
}

void free_domheap_pages(mfn_t first, unsigned order)
{
    const struct frame *e = order <= MAX_ORDER ? frame_at(first.n, order) : NULL;

    ASSERT(e && e->state == FRAME_inuse && e->order == order);
    if (!e->owner) {
        free_heap_pages(first.n, order);
        return;
    }
    struct domain *d = domain_find(dom(e->owner - 1u));
    ASSERT(d);
    int rc = domain_free_pages(d, first.n, order);
    ASSERT(rc == 0);
}

/* Cut d's extent around f until 2^order frames at f are one. page_alloc_lock held. */
static int isolate(struct domain *d, uint64_t f, unsigned order)
{
    const struct frame *e = NULL;
    uint64_t head = f;
    unsigned have;

    for (have = order; have <= MAX_ORDER; have++) {
        head = f & ~((1ull << have) - 1);
        e = frame_at(head, have);
        if (e && e->state == FRAME_inuse && e->order == have)
            break;
    }
    if (have > MAX_ORDER || e->owner != d->id.n + 1u)
        return -HV_EINVAL;
    for (; have > order; have--) {
        int rc = heap_halve(d->page_list, head, have);
        if (rc)
            return rc;
        if (f & (1ull << (have - 1)))
            head += 1ull << (have - 1);
    }
    return 0;
}

int domain_free_pages(struct domain *d, uint64_t f, unsigned order)
{
    uint64_t *in_hand = &moving[port_this_cpu().n];

    port_lock(&d->page_alloc_lock);
    int rc = isolate(d, f, order);
    if (rc) {
        port_unlock(&d->page_alloc_lock);
        return rc;
    }
    *in_hand += 1ull << order;
    disown(d, f, order);
    port_unlock(&d->page_alloc_lock);
    free_heap_pages(f, order);
    *in_hand -= 1ull << order;
    return 0;
}

/* ---- domains ---------------------------------------------------------------------------------------------------- */

int mm_init_domain(struct domain *d)
{
    struct extent_list *own = hv_zalloc(sizeof(*own));

    if (!own)
        return -HV_ENOMEM;
    extent_list_init(own);
    int rc = p2m_create(d);
    if (rc) {
        hv_free(own);
        return rc;
    }
    d->page_list = own;
    return 0;
}

void mm_destroy_domain(struct domain *d)
{
    struct extent_list *own = d->page_list;

    if (!own)
        return;
    domain_set_outstanding_pages(d, 0);
    /* Nobody else can find the domain any more; the lock is taken once for all of it, as by Xen. */
    port_lock(&d->page_alloc_lock);
    while (own->head != LINK_NONE) {
        uint64_t f = link_frame(own->head);
        unsigned order = frame_of_link(own->head)->order;
        disown(d, f, order);
        port_clear_pages(mfn(f), order); /* what a domain leaves behind is scrubbed */
        free_heap_pages(f, order);
    }
    port_unlock(&d->page_alloc_lock);
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
