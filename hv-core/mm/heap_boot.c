/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap at boot: all of RAM becomes free. */
#include "mm/heap_priv.h"

/*
 * Xen frees a range page by page in ascending order. Its maximal aligned blocks in ascending order leave the same
 * lists: the pages of a block merge only with each other; when it is whole it goes on merging, and to its list, exactly
 * as the last of its pages makes it do. The same holds for pages that are all to be scrubbed.
 */
static int free_range(const struct hv_mem_range *r, bool need_scrub)
{
    for (uint64_t f = r->start_mfn; f < r->end_mfn;) {
        unsigned order = hv_min_u(hv_ffs64(f), MAX_ORDER);
        while (f + (1ull << order) > r->end_mfn)
            order--;
        if (!frame_table_ensure(f, order))
            return -HV_ENOMEM;
        heap_free_locked(frame_at(f, order), f, order, r->node.n, need_scrub);
        node_size[r->node.n] += 1ull << order;
        total_size += 1ull << order;
        f += 1ull << order;
    }
    return 0;
}

static void forget(void)
{
    node_id n;

    heap_lock = (struct hv_lock)HV_LOCK_INIT("heap");
    frame_table_reset();
    __builtin_memset(avail, 0, sizeof(avail));
    __builtin_memset(zones_used, 0, sizeof(zones_used));
    __builtin_memset(orders_used, 0, sizeof(orders_used));
    __builtin_memset(node_avail, 0, sizeof(node_avail));
    __builtin_memset(node_size, 0, sizeof(node_size));
    __builtin_memset(node_need_scrub, 0, sizeof(node_need_scrub));
    __builtin_memset(node_claims, 0, sizeof(node_claims));
    total_avail = total_size = claims = nr_dirty_buddies = scrub_in_hand = 0;
    one_end = quirk(heap_one_end);
    for_each_node (n, hv_node_online) {
        for (unsigned z = 0; z < NR_ZONES; z++)
            for (unsigned o = 0; o <= MAX_ORDER; o++)
                extent_list_init(&heap[n.n][z][o]);
    }
    scrub_init();
    offline_init();
    low_mem_init();
}

int heap_init(void)
{
    unsigned nr = numa_nr_ranges(), first = 0;
    int rc = 0;

    forget();
    bool need_scrub = bootscrub_idle();
    /* First the first range on pCPU 0's node, then the others from the highest down. */
    while (first < nr && !node_eq(numa_range(first)->node, cpu_to_node(pcpu(0))))
        first++;
    if (first < nr)
        rc = free_range(numa_range(first), need_scrub);
    for (unsigned i = nr; i-- > 0 && !rc;)
        if (i != first)
            rc = free_range(numa_range(i), need_scrub);
    return rc;
}
