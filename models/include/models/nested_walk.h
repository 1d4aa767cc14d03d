/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a TLB miss costs a guest whose memory is mapped twice, by the guest and by the hypervisor. */
#ifndef MODELS_NESTED_WALK_H
#define MODELS_NESTED_WALK_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Memory references of a two-dimensional page walk: each of the guest's g table entries, and in the end the data, is at
 * a guest-physical address, which takes a walk of h steps through the hypervisor's tables:
 *
 *   (g + 1) (h + 1) - 1
 *
 * 24 for g = h = 4 (R. Bhargava et al., "Accelerating two-dimensional page walks for virtualized systems", ASPLOS
 * 2008). A leaf of 2 MiB saves the hypervisor's walk one step, one of 1 GiB two.
 */
unsigned nested_walk_references(unsigned guest_levels, unsigned host_levels);

/*
 * Mean time of such a walk, ns: walk_ns is that of a one-dimensional one of 4 references (machine key tlb.walk),
 * pages[] how much of the guest's memory is mapped by 4 KiB, 2 MiB and 1 GiB, in any unit; the guest itself has 4
 * levels. Every page is as likely to be missed; that larger leaves also miss less often is not in it. 0 without pages.
 */
double nested_walk_ns(double walk_ns, const double pages[3]);

#ifdef __cplusplus
}
#endif

#endif
