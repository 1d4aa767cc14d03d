/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mm_host.h"

#include "mm/heap.h"
#include <hv/core.h>
#include <string.h>

uint64_t mm_host_random(struct mm_host *h, uint64_t n)
{
    h->seed ^= h->seed << 13;
    h->seed ^= h->seed >> 7;
    h->seed ^= h->seed << 17;
    return (h->seed >> 11) % n;
}

int mm_host_boot(struct mm_host *h, const char *level, unsigned nodes, uint64_t bytes)
{
    uint64_t pages = bytes / PAGE_SIZE / nodes;

    memset(h, 0, sizeof(*h));
    h->seed = 0x9e3779b97f4a7c15ull;
    for (unsigned n = 0; n < nodes; n++) {
        h->cpu[n] = (struct hv_cpu_desc){(uint16_t)n, (uint16_t)n, 0, node(n)};
        h->range[n] = (struct hv_mem_range){n * pages, (n + 1) * pages, node(n)};
    }
    struct tp_machine m = {1, 1, 1, 1, 65536};
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find(level));
    info->nr_cpus = info->nr_nodes = info->nr_ranges = nodes;
    info->cpu = h->cpu;
    info->range = h->range;
    return tp_boot_info_run(hv_core_get(), info);
}

static bool populate(struct domain *d, uint64_t *gfn, uint64_t extents, unsigned order)
{
    struct hv_memory_op op = {.cmd = XENMEM_populate_physmap,
                              .domid = d->id,
                              .nr_extents = extents,
                              .extent_order = order,
                              .first_gfn = {*gfn}};
    long rc;

    if (!extents)
        return true;
    while ((rc = do_memory_op(&op)) == -HV_ERESTART)
        hv_core_get()->return_to_guest();
    if (rc > 0)
        *gfn += (uint64_t)rc << order;
    return rc == (long)extents;
}

static struct domain *new_guest(struct mm_host *h, uint64_t pages)
{
    struct domain *d;
    dom_id id = DOM_INVALID;

    if (h->nr_guests == ARRAY_SIZE(h->guest) || domain_create(&id, HV_GUEST_HVM, 0, &d))
        return NULL;
    d->max_pages = pages;
    h->guest[h->nr_guests++] = d;
    return d;
}

bool mm_host_create(struct mm_host *h, uint64_t pages, nodemask_t nodes)
{
    struct domain *d = new_guest(h, pages);
    uint64_t gfn = 0;

    if (!d || (!nodemask_empty(nodes) && domain_set_node_affinity(d, nodes)))
        return false;
    return populate(d, &gfn, pages >> ORDER_1G, ORDER_1G) && populate(d, &gfn, (pages - gfn) >> ORDER_2M, ORDER_2M) &&
           populate(d, &gfn, pages - gfn, 0);
}

bool mm_host_create_of(struct mm_host *h, uint64_t pages, unsigned order)
{
    struct domain *d = new_guest(h, pages);
    uint64_t gfn = 0;

    return d && populate(d, &gfn, pages >> order, order);
}

void mm_host_destroy(struct mm_host *h, unsigned guest)
{
    domain_destroy(h->guest[guest]);
    h->guest[guest] = h->guest[--h->nr_guests];
}

void mm_host_extents(const struct domain *d, uint64_t nr[3])
{
    const struct extent_list *own = d->page_list;

    memset(nr, 0, 3 * sizeof(*nr));
    for (extent_link l = own->head; l != LINK_NONE; l = frame_next(frame_of_link(l)))
        nr[frame_level(frame_of_link(l)->order)]++;
}
