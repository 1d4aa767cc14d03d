/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PDX: frame numbers without the bits that no frame has. Boards put the memory of their nodes far apart; a table of all
 * frame numbers, and 32-bit links between frames, would be wasted on what lies between. Where the numbers of all RAM
 * have a run of bits in common that are 0, the longest such run is left out:
 *
 *        frame   | top bits | 0 0 0 0 0 | bottom bits |
 *        PDX                | top bits  | bottom bits |
 *
 * Bits below the largest order stay, so that buddies are buddies in both. Here the descriptors are a radix, which
 * wastes nothing, and links have 40 bits; what is left of PDX is which memory can be reached: it has to have a PDX
 * below the level's limit.
 *
 * On ARM there is none of this at 4.3. Set once at boot, read by anybody.
 */
#include "mm/heap.h"

#include <hv/lib.h>

static unsigned bottom_bits = FRAME_BITS, hole_bits;

/* All bits below the highest one of x are set too. */
static uint64_t fill(uint64_t x)
{
    return x ? ~0ull >> (63u - hv_fls64(x)) : 0;
}

void pdx_init(const struct hv_mem_range *range, unsigned nr)
{
    uint64_t used = (1ull << MAX_ORDER) - 1;

    bottom_bits = FRAME_BITS;
    hole_bits = 0;
    if (hv_arch != HV_ARCH_x86_64 && quirk(arm_no_pdx))
        return;
    for (unsigned i = 0; i < nr; i++)
        used |= range[i].start_mfn | fill(range[i].start_mfn ^ (range[i].end_mfn - 1));
    for (unsigned low = MAX_ORDER; low < FRAME_BITS; low++) {
        unsigned high = low;
        while (high < FRAME_BITS && !(used & 1ull << high))
            high++;
        /* Nothing is left out above the highest frame: that costs nothing. */
        if (high < FRAME_BITS && high - low > hole_bits) {
            bottom_bits = low;
            hole_bits = high - low;
        }
        if (high > low)
            low = high;
    }
    if (hole_bits)
        hv_printk("PFN compression on bits %u...%u\n", bottom_bits, bottom_bits + hole_bits - 1);
}

uint64_t mfn_to_pdx(uint64_t f)
{
    if (!hole_bits)
        return f;
    return (f & ((1ull << bottom_bits) - 1)) | f >> (bottom_bits + hole_bits) << bottom_bits;
}

uint64_t pdx_to_mfn(uint64_t pdx)
{
    if (!hole_bits)
        return pdx;
    return (pdx & ((1ull << bottom_bits) - 1)) | pdx >> bottom_bits << (bottom_bits + hole_bits);
}
