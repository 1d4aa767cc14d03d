/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a level can do at most on a machine. On ARM the interrupt controller and the map of descriptors decide. */
#include <hv/limits.h>

#define GICV2_CPUS 8u             /* bits of an interrupt's target */
#define ARM32_BYTES (16ull << 30) /* 96 MiB of address space for descriptors of 24 bytes */
#define APIC_VCPUS 128u           /* even 8-bit APIC ids */
#define GICV3_VCPUS 128u          /* what Xen allows of it */

unsigned hv_max_pcpus(const struct hv_profile *p, enum hv_arch arch)
{
    if (arch == HV_ARCH_arm32 || (arch == HV_ARCH_arm64 && p->quirk[HV_QUIRK_arm_pcpus_8]))
        return GICV2_CPUS;
    return HV_MAX_PCPUS;
}

uint64_t hv_max_bytes(const struct hv_profile *p, enum hv_arch arch)
{
    if (arch == HV_ARCH_arm32 || (arch == HV_ARCH_arm64 && p->quirk[HV_QUIRK_arm_ram_16g]))
        return ARM32_BYTES;
    return p->max_host_bytes;
}

unsigned hv_max_vcpus(const struct hv_profile *p, enum hv_arch arch, enum hv_guest_type type)
{
    switch (type) {
    case HV_GUEST_HVM:
        return APIC_VCPUS;
    case HV_GUEST_ARM32:
    case HV_GUEST_ARM64:
        return arch == HV_ARCH_arm32 || p->quirk[HV_QUIRK_arm_vcpus_8] ? GICV2_CPUS : GICV3_VCPUS;
    case HV_GUEST_PV:
        break;
    }
    return HV_MAX_VCPUS_PER_DOMAIN;
}

bool hv_guest_possible(const struct hv_profile *p, enum hv_arch arch, enum hv_guest_type type)
{
    switch (type) {
    case HV_GUEST_PV:
    case HV_GUEST_HVM:
        return arch == HV_ARCH_x86_64;
    case HV_GUEST_ARM32:
        return arch != HV_ARCH_x86_64;
    case HV_GUEST_ARM64:
        return arch == HV_ARCH_arm64 && !p->quirk[HV_QUIRK_arm_aarch32_guests];
    }
    return false;
}
