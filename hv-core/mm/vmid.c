/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMIDs: the tags by which ARM's TLBs tell the entries of one guest from another's. 8 bits (16 on ARMv8 at levels that
 * know of that); 0 is the hypervisor's. At 4.3 the VMID is the domain's id plus one, so that a domain with a high id
 * cannot be, however few there are; later the lowest free one.
 *
 * Domains are made and destroyed one at a time, under the lock of domctls: there is no lock here.
 */
#include "mm/heap.h"

#include <hv/lib.h>

#define VMID_BITS_8 8u
#define VMID_BITS_16 16u
#define VMID_WORDS ((1u << VMID_BITS_16) / 64)

static uint64_t used[VMID_WORDS];

static unsigned vmid_limit(void)
{
    return 1u << (hv_arch == HV_ARCH_arm64 && !quirk(arm_vmid_domid) ? VMID_BITS_16 : VMID_BITS_8);
}

void vmid_init(void)
{
    __builtin_memset(used, 0, sizeof(used));
    used[0] = 1;
}

static bool take(unsigned vmid)
{
    if (used[vmid / 64] & 1ull << vmid % 64)
        return false;
    used[vmid / 64] |= 1ull << vmid % 64;
    return true;
}

int vmid_alloc(dom_id id, uint16_t *vmid)
{
    unsigned limit = vmid_limit();

    if (quirk(arm_vmid_domid)) {
        if (id.n + 1u >= limit || !take(id.n + 1u)) {
            hv_printk("d%u: no VMID\n", id.n);
            return -HV_EBUSY;
        }
        *vmid = (uint16_t)(id.n + 1u);
        return 0;
    }
    for (unsigned w = 0; w < limit / 64; w++) {
        if (used[w] == ~0ull)
            continue;
        *vmid = (uint16_t)(w * 64 + hv_ffs64(~used[w]));
        return take(*vmid) ? 0 : -HV_EBUSY;
    }
    hv_printk("d%u: no VMID\n", id.n);
    return -HV_EBUSY;
}

void vmid_free(uint16_t vmid)
{
    used[vmid / 64] &= ~(1ull << vmid % 64);
}
