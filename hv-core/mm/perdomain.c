/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages behind a PV domain's own part of the address space: a table of the third level and one of the second, which
 * exist from the domain's creation on and belong to nobody. Later ones come from the Xen heap.
 *
 * What is in them is the port's. That they are taken shows all the same: each is an allocation for the domain, at a
 * time when it is at home everywhere, and turns the rotation over its nodes. So the first page of a guest on several
 * nodes comes from the node after that.
 */
#include "mm/heap.h"

#include <hv/lib.h>

void perdomain_destroy(struct domain *d)
{
    for (unsigned i = 0; i < ARRAY_SIZE(d->perdomain); i++) {
        if (d->perdomain[i].n)
            free_domheap_pages(d->perdomain[i], 0);
        d->perdomain[i].n = 0;
    }
}

int perdomain_create(struct domain *d)
{
    if (d->type != HV_GUEST_PV || quirk(perdomain_unrotated))
        return 0;
    for (unsigned i = 0; i < ARRAY_SIZE(d->perdomain); i++) {
        mfn_t m = alloc_domheap_pages(d, 0, MEMF_no_refcount);
        if (mfn_eq(m, MFN_INVALID)) {
            perdomain_destroy(d);
            return -HV_ENOMEM;
        }
        d->perdomain[i] = m;
    }
    return 0;
}
