/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages that wait for being demanded (mm/pod.h). They are the domain's and count in its total, but are on two lists
 * of their own instead of its page list: superpages, and the rest. Where a page is wanted and only superpages are left,
 * one joins the rest, and is cut as pages are taken from it.
 */
#include "mm/pod.h"

#include <hv/lib.h>
#include <hv/softirq.h>

#define PAGES_2M (1ull << ORDER_2M)

/* page_alloc_lock held. */
static void move(struct extent_list *from, struct extent_list *to, uint64_t f, unsigned order)
{
    struct frame *e = frame_at(f, order);

    extent_list_del(from, e);
    extent_list_add_tail(to, link_to(f, order), e);
}

void pod_cache_add(struct domain *d, uint64_t f, unsigned order)
{
    struct pod *pod = d->pod;
    uint64_t head;

    port_clear_pages(mfn(f), order); /* so that the guest cannot tell it from a fresh one */
    port_lock(&d->page_alloc_lock);
    for (uint64_t end = f + (1ull << order); f < end;) {
        unsigned piece = extent_holding(f, &head)->order;
        move(d->page_list, piece == ORDER_2M ? &pod->super : &pod->single, f, piece);
        pod->count += 1ull << piece;
        f += 1ull << piece;
    }
    port_unlock(&d->page_alloc_lock);
}

/* page_alloc_lock held: the first of the single pages is one of order 0. false: there is none, or no descriptors. */
static bool cut_single(struct pod *pod)
{
    if (pod->single.head == LINK_NONE && pod->super.head != LINK_NONE)
        move(&pod->super, &pod->single, link_frame(pod->super.head), ORDER_2M);
    if (pod->single.head == LINK_NONE)
        return false;
    for (unsigned order; (order = frame_of_link(pod->single.head)->order) > 0;)
        if (heap_halve(&pod->single, link_frame(pod->single.head), order))
            return false;
    return true;
}

uint64_t pod_cache_get(struct domain *d, unsigned order)
{
    struct pod *pod = d->pod;
    struct extent_list *l = order ? &pod->super : &pod->single;
    uint64_t f = FRAME_NONE;

    port_lock(&d->page_alloc_lock);
    if (order ? l->head != LINK_NONE : cut_single(pod)) {
        f = link_frame(l->head);
        move(l, d->page_list, f, order);
        pod->count -= 1ull << order;
    }
    port_unlock(&d->page_alloc_lock);
    return f;
}

/* One more superpage, or page if there is none. */
static int grow(struct domain *d, uint64_t by)
{
    unsigned order = by >= PAGES_2M ? ORDER_2M : 0;
    mfn_t m = alloc_domheap_pages(d, order, 0);

    if (mfn_eq(m, MFN_INVALID) && order)
        m = alloc_domheap_pages(d, order = 0, 0);
    if (mfn_eq(m, MFN_INVALID))
        return -HV_ENOMEM;
    pod_cache_add(d, m.n, order);
    return 0;
}

static int shrink(struct domain *d, uint64_t by)
{
    const struct pod *pod = d->pod;
    unsigned order = by > PAGES_2M && pod->super.head != LINK_NONE ? ORDER_2M : 0;
    uint64_t f = pod_cache_get(d, order);

    return f == FRAME_NONE ? -HV_ENOMEM : domain_free_pages(d, f, order);
}

int pod_cache_set_target(struct domain *d, uint64_t target, bool preemptible)
{
    const struct pod *pod = d->pod;
    int rc = 0;

    while (!rc && pod->count != target) {
        if (preemptible && hypercall_preempt_check())
            return -HV_ERESTART;
        rc = pod->count < target ? grow(d, target - pod->count) : shrink(d, pod->count - target);
    }
    if (rc)
        hv_printk("Domain %u: its populate-on-demand cache has %llu pages, not %llu\n", d->id.n,
                  (unsigned long long)pod->count, (unsigned long long)target);
    return rc;
}

/* page_alloc_lock held: which list the extent at a link is on. */
static struct extent_list *list_with(struct pod *pod, extent_link at)
{
    struct extent_list *const lists[] = {&pod->super, &pod->single};

    for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
        for (extent_link l = lists[i]->head; l != LINK_NONE; l = frame_next(frame_of_link(l)))
            if (l == at)
                return lists[i];
    return NULL;
}

/* The page leaves the cache for the page list, alone; what was around it waits on as pages. */
static bool take_out(struct domain *d, uint64_t f)
{
    struct pod *pod = d->pod;
    uint64_t head;

    port_lock(&d->page_alloc_lock);
    const struct frame *e = extent_holding(f, &head);
    struct extent_list *l = e && e->owner == d->id.n + 1u ? list_with(pod, link_to(head, e->order)) : NULL;
    bool ok = l != NULL;
    if (ok && l == &pod->super && e->order)
        move(&pod->super, l = &pod->single, head, e->order);
    while (ok && (e = extent_holding(f, &head))->order)
        ok = heap_halve(l, head, e->order) == 0;
    if (ok) {
        move(l, d->page_list, f, 0);
        pod->count--;
    }
    port_unlock(&d->page_alloc_lock);
    return ok;
}

bool pod_offline_replace(struct domain *d, uint64_t f)
{
    if (!d->pod || d->is_dying)
        return false;
    p2m_lock(d);
    bool taken = take_out(d, f) && domain_free_pages(d, f, 0) == 0;
    if (taken)
        grow(d, 1); /* or it has a page less */
    p2m_unlock(d);
    return taken;
}

void pod_destroy(struct domain *d)
{
    struct pod *pod = d->pod;

    if (!pod)
        return;
    port_lock(&d->page_alloc_lock);
    while (pod->super.head != LINK_NONE)
        move(&pod->super, d->page_list, link_frame(pod->super.head), frame_of_link(pod->super.head)->order);
    while (pod->single.head != LINK_NONE)
        move(&pod->single, d->page_list, link_frame(pod->single.head), frame_of_link(pod->single.head)->order);
    d->pod = NULL;
    port_unlock(&d->page_alloc_lock);
    hv_free(pod);
}

const struct extent_list *pod_list(const struct domain *d, unsigned i)
{
    const struct pod *pod = d->pod;
    return !pod ? NULL : i ? &pod->single : &pod->super;
}
