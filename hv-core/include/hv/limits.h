/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of a level on a machine: pure functions of both, for the core, which refuses what is beyond, and for whoever
 * wants to tell a user before.
 */
#ifndef HV_LIMITS_H
#define HV_LIMITS_H

#include <hv/boot.h>
#include <hv/public/hypercall.h>

#ifdef __cplusplus
extern "C" {
#endif

unsigned hv_max_pcpus(const struct hv_profile *p, enum hv_arch arch);                          /* GICv2: 8 */
uint64_t hv_max_bytes(const struct hv_profile *p, enum hv_arch arch);                          /* of memory, in use */
unsigned hv_max_vcpus(const struct hv_profile *p, enum hv_arch arch, enum hv_guest_type type); /* of one guest */
/* Whether the hypervisor can run such a guest at all. */
bool hv_guest_possible(const struct hv_profile *p, enum hv_arch arch, enum hv_guest_type type);

#ifdef __cplusplus
}
#endif

#endif
