/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain heap: frames with an owner, and the limits that apply to it.
 *
 * A domain's extents are on one list in the order in which it got them, so that its end frees them in that order, as
 * Xen does. page_alloc_lock guards the list and the counters of the domain; the heap lock nests inside. List, tot_pages
 * and node_pages change together, without a call in between that lets time pass.
 *
 * A frame that others refer to (mm/page_ref.c) does not go with the rest of its extent: it becomes an extent of its
 * own, stays on the list and counts until they let go. Having pages at all keeps the domain, as the reference does that
 * Xen takes with the first page and drops with the last.
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

void domheap_carry(uint64_t more, uint64_t less)
{
    moving[port_this_cpu().n] += more - less;
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
    page_ref_init();
    vmid_init();
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

/* page_alloc_lock held. */
static bool may_assign(const struct domain *d, uint64_t pages)
{
    if (d->is_dying) {
        hv_printk("Cannot assign pages to domain %u: it is dying\n", d->id.n);
        return false;
    }
    /* A limit that was lowered below what is there is reached by giving back only. */
    if (pages > d->max_pages || d->tot_pages > d->max_pages - pages) {
        hv_printk("Over-allocation for domain %u: %llu > %llu\n", d->id.n, (unsigned long long)(d->tot_pages + pages),
                  (unsigned long long)d->max_pages);
        return false;
    }
    return true;
}

/* page_alloc_lock held: an extent in use without an owner becomes d's last. */
static void own(struct domain *d, uint64_t f, unsigned order)
{
    struct frame *e = frame_at(f, order);
    uint64_t pages = 1ull << order;

    e->owner = (uint16_t)(d->id.n + 1u);
    extent_list_add_tail(d->page_list, link_to(f, order), e);
    d->tot_pages += pages;
    d->node_pages[e->node] += pages;
    port_count(PERFC_page_assign, 1);
}

/* false: dying, or over its limit. */
static bool assign_pages(struct domain *d, uint64_t f, unsigned order)
{
    uint64_t pages = 1ull << order;

    port_lock(&d->page_alloc_lock);
    if (!may_assign(d, pages)) {
        port_unlock(&d->page_alloc_lock);
        return false;
    }
    if (quirk(claim_at_assign))
        heap_claim_used(d, pages);
    own(d, f, order);
    port_unlock(&d->page_alloc_lock);
    return true;
}

/* page_alloc_lock held: the reverse of own(). */
static void disown(struct domain *d, uint64_t f, unsigned order)
{
    struct frame *e = frame_at(f, order);
    uint64_t pages = 1ull << order;

    extent_list_del(d->page_list, e);
    e->owner = 0;
    d->tot_pages -= pages;
    d->node_pages[e->node] -= pages;
    port_count(PERFC_page_assign, 1);
}

/* page_alloc_lock held: d's extent goes back to the heap; what a domain leaves behind when it dies is scrubbed. */
static void free_owned(struct domain *d, uint64_t f, unsigned order)
{
    if (quirk(claim_at_assign))
        heap_claim_grow(d, 1ull << order);
    disown(d, f, order);
    if (d->is_dying)
        free_dirty_heap_pages(f, order);
    else
        free_heap_pages(f, order);
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

    if (order > MAX_ORDER || (d && port_alloc_fails(HV_ALLOC_guest)))
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
        free_xen_pages(first.n, order);
        return;
    }
    struct domain *d = domain_find(dom(e->owner - 1u));
    ASSERT(d);
    int rc = domain_free_pages(d, first.n, order);
    ASSERT(rc == 0);
}

/* The same, of that order or larger. */
static const struct frame *extent_of_at_least(uint64_t f, unsigned order, uint64_t *head)
{
    for (; order <= MAX_ORDER; order++) {
        *head = f & ~((1ull << order) - 1);
        const struct frame *e = frame_at(*head, order);
        if (e && e->state == FRAME_inuse && e->order == order)
            return e;
    }
    return NULL;
}

const struct frame *extent_holding(uint64_t f, uint64_t *head)
{
    return f >> FRAME_BITS ? NULL : extent_of_at_least(f, 0, head);
}

/* All of these are in smaller extents of d's. */
static bool in_parts(const struct domain *d, uint64_t f, unsigned order)
{
    uint64_t head;

    for (uint64_t end = f + (1ull << order); f < end;) {
        const struct frame *e = extent_holding(f, &head);
        if (!e || e->owner != d->id.n + 1u)
            return false;
        f = head + (1ull << e->order);
    }
    return true;
}

/*
 * Cut d's extent around f until 2^order frames at f are an extent, or several (*parts). page_alloc_lock held.
 * -HV_EINVAL: they are not d's. -HV_ENOMEM: no descriptors; cut, but not as far.
 */
static int isolate(struct domain *d, struct extent_list *l, uint64_t f, unsigned order, bool *parts)
{
    uint64_t head;
    const struct frame *e = extent_of_at_least(f, order, &head);

    *parts = !e;
    if (!e)
        return in_parts(d, f, order) ? 0 : -HV_EINVAL;
    if (e->owner != d->id.n + 1u)
        return -HV_EINVAL;
    for (unsigned have = e->order; have > order; have--) {
        int rc = heap_halve(l, head, have);
        if (rc)
            return rc;
        if (f & (1ull << (have - 1)))
            head += 1ull << (have - 1);
    }
    return 0;
}

void domain_take_pages(struct domain *d, uint64_t f, unsigned order, struct extent_list *to)
{
    uint64_t head;

    for (uint64_t end = f + (1ull << order); f < end;) {
        unsigned piece = extent_holding(f, &head)->order;
        disown(d, f, piece);
        extent_list_add_tail(to, link_to(f, piece), frame_at(f, piece));
        f += 1ull << piece;
    }
}

void domain_add_extent(struct domain *d, uint64_t f, unsigned order)
{
    own(d, f, order);
}

/* The frames among these that others refer to become extents of their own. page_alloc_lock held. */
static int isolate_referred(struct domain *d, uint64_t f, unsigned order)
{
    uint64_t end = f + (1ull << order);
    bool parts;
    int rc = 0;

    for (uint64_t r = f; !rc && (r = page_ref_next(d, r, end)) != FRAME_NONE; r++)
        rc = isolate(d, d->page_list, r, 0, &parts);
    return rc;
}

int domain_isolate(struct domain *d, uint64_t f, unsigned order)
{
    bool parts;

    port_lock(&d->page_alloc_lock);
    int rc = isolate(d, d->page_list, f, order, &parts);
    if (!rc)
        rc = isolate_referred(d, f, order);
    port_unlock(&d->page_alloc_lock);
    return rc;
}

/* Free all of these but what others refer to, which is an extent of its own. page_alloc_lock held. */
static void free_unreferred(struct domain *d, uint64_t f, unsigned order)
{
    uint64_t end = f + (1ull << order), r = page_ref_next(d, f, end), head;

    while (f < end) {
        unsigned piece = extent_holding(f, &head)->order;
        if (f == r) {
            page_ref_give_up(f);
            r = page_ref_next(d, f + 1, end);
        } else {
            free_owned(d, f, piece);
        }
        f += 1ull << piece;
    }
}

int domain_free_pages(struct domain *d, uint64_t f, unsigned order)
{
    uint64_t *in_hand = &moving[port_this_cpu().n];
    bool parts;

    port_lock(&d->page_alloc_lock);
    int rc = isolate(d, d->page_list, f, order, &parts);
    if (rc) {
        port_unlock(&d->page_alloc_lock);
        return rc;
    }
    *in_hand += 1ull << order;
    if (parts || (d->nr_page_refs && page_ref_next(d, f, f + (1ull << order)) != FRAME_NONE)) {
        rc = isolate_referred(d, f, order);
        if (!rc)
            free_unreferred(d, f, order);
        port_unlock(&d->page_alloc_lock);
    } else {
        if (quirk(claim_at_assign))
            heap_claim_grow(d, 1ull << order);
        disown(d, f, order);
        port_unlock(&d->page_alloc_lock);
        free_heap_pages(f, order);
    }
    *in_hand -= 1ull << order;
    return rc;
}

void domain_page_released(struct domain *d, uint64_t f)
{
    uint64_t *in_hand = &moving[port_this_cpu().n];

    (*in_hand)++;
    free_owned(d, f, 0);
    (*in_hand)--;
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

int mm_relinquish(struct domain *d)
{
    struct extent_list *own_list = d->page_list;
    int rc = 0;

    domain_set_outstanding_pages(d, 0, NODE_INVALID);
    pod_destroy(d);
    p2m_destroy(d);
    port_lock(&d->page_alloc_lock);
    for (extent_link l = own_list->head, next; l != LINK_NONE; l = next) {
        uint64_t f = link_frame(l);
        unsigned order = frame_of_link(l)->order;
        next = frame_next(frame_of_link(l));
        int err = isolate_referred(d, f, order);
        if (err)
            rc = err; /* it stays whole */
        else
            free_unreferred(d, f, order);
    }
    port_unlock(&d->page_alloc_lock);
    return rc;
}

void mm_destroy_domain(struct domain *d)
{
    struct extent_list *own_list = d->page_list;

    if (!own_list)
        return;
    ASSERT(!d->nr_page_refs);
    domain_set_outstanding_pages(d, 0, NODE_INVALID);
    pod_destroy(d);
    /* Nobody else can find the domain any more; the lock is taken once for all of it, as by Xen. */
    port_lock(&d->page_alloc_lock);
    while (own_list->head != LINK_NONE)
        free_owned(d, link_frame(own_list->head), frame_of_link(own_list->head)->order);
    port_unlock(&d->page_alloc_lock);
    ASSERT(d->tot_pages == 0);
    p2m_destroy(d);
    hv_free(own_list);
    d->page_list = NULL;
}

int domain_set_outstanding_pages(struct domain *d, uint64_t pages, node_id n)
{
    port_lock(&d->page_alloc_lock);
    int rc = heap_set_claim(d, pages, n);
    port_unlock(&d->page_alloc_lock);
    return rc;
}
