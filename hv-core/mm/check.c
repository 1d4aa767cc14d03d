/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The invariants of the memory manager. They hold wherever the port may let time pass, so a check may come any time. */
#include "mm/heap.h"

#include <hv/lib.h>

static const char *check_list(const struct domain *d, const struct extent_list *l, uint64_t on_node[HV_MAX_NODES],
                              uint64_t *total)
{
    extent_link prev = LINK_NONE;

    for (extent_link at = l->head; at != LINK_NONE;) {
        const struct frame *e = frame_of_link(at);
        if (!e || e->state != FRAME_inuse || e->owner != d->id.n + 1u || frame_prev(e) != prev ||
            (link_frame(at) & ((1ull << e->order) - 1)))
            return "mm: an extent on a domain's list is not in use, not aligned, or not the domain's";
        on_node[e->node] += 1ull << e->order;
        *total += 1ull << e->order;
        if (*total > total_pages())
            return "mm: a domain's list does not end";
        prev = at;
        at = frame_next(e);
    }
    return prev == l->tail ? NULL : "mm: the tail of a domain's list is wrong";
}

static const char *check_domain(const struct domain *d)
{
    uint64_t on_node[HV_MAX_NODES] = {0}, total = 0;
    const char *broken = check_list(d, d->page_list, on_node, &total);

    for (unsigned i = 0; i < 2 && !broken && pod_list(d, i); i++)
        broken = check_list(d, pod_list(d, i), on_node, &total);
    if (broken)
        return broken;
    if (total != d->tot_pages)
        return "mm: a domain's list differs from its total";
    for (unsigned n = 0; n < HV_MAX_NODES; n++)
        if (on_node[n] != d->node_pages[n])
            return "mm: a domain's list differs from its counters per node";
    return pod_check(d);
}

const char *mm_check(void)
{
    uint64_t owned = 0, claimed = 0;
    struct list_head *pos;
    const char *broken = heap_check(domheap_moving());

    if (!broken)
        broken = page_ref_check();
    if (broken)
        return broken;
    list_for_each (pos, &hv_domain_list) {
        const struct domain *d = list_entry(pos, struct domain, link);
        if ((broken = check_domain(d)) != NULL)
            return broken;
        owned += d->tot_pages;
        claimed += d->outstanding_pages;
    }
    /* A domain on its way out is on no list any more, so these are bounds. */
    if (claimed > outstanding_claims())
        return "mm: the domains claim more than the heap knows";
    if (owned + avail_pages() > total_pages())
        return "mm: more is owned and free than there is";
    return NULL;
}
