/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains and their memory, as the suites of the memory calls use them. */
#ifndef MM_DOMAIN_H
#define MM_DOMAIN_H

#include "mm/heap.h"
#include "sched_fixture.h"

#include <hv/core.h>
#include <string.h>

/* Memory small enough to fill. */
#define ONE_NODE ((struct tp_machine){1, 1, 2, 1, 65536})
#define TWO_NODES ((struct tp_machine){2, 1, 2, 1, 65536}) /* the DMA zone: frames below 16384 */

/* Without vCPUs. */
static inline struct domain *new_domain(uint64_t max_pages)
{
    struct domain *d;
    dom_id id = DOM_INVALID;
    CU_ASSERT_EQUAL_FATAL(domain_create(&id, HV_GUEST_PV, 0, &d), 0);
    d->max_pages = max_pages;
    return d;
}

/* Until it is done. */
static inline long mem_op(struct domain *d, enum hv_memory_cmd cmd, uint64_t gfn, uint64_t nr, unsigned order)
{
    struct hv_memory_op op = {.cmd = cmd, .domid = d->id, .nr_extents = nr, .extent_order = order, .first_gfn = {gfn}};
    long rc;
    while ((rc = do_memory_op(&op)) == -HV_ERESTART)
        hv_core_get()->return_to_guest();
    return rc;
}
#define POPULATE(d, gfn, nr, order) mem_op(d, XENMEM_populate_physmap, gfn, nr, order)
#define DECREASE(d, gfn, nr, order) mem_op(d, XENMEM_decrease_reservation, gfn, nr, order)

/* FRAME_NONE: none. */
static inline uint64_t frame_behind(struct domain *d, uint64_t g)
{
    unsigned order;
    return p2m_get(d, g, &order);
}

#endif
