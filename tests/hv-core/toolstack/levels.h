/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Levels as these tests need them: the toolstack's quirks, written down here so that each test sees what it depends on.
 */
#ifndef TESTS_TOOLSTACK_LEVELS_H
#define TESTS_TOOLSTACK_LEVELS_H

#include <hv/profile.h>

static const struct hv_profile level_43 = {.name = "xen-4.3",
                                           .quirk = {[HV_QUIRK_node_affinity_domain] = true,
                                                     [HV_QUIRK_placement_32bit_diff] = true,
                                                     [HV_QUIRK_placement_32bit_sum] = true,
                                                     [HV_QUIRK_placement_off_with_cpus] = true,
                                                     [HV_QUIRK_placement_foreign_pools] = true,
                                                     [HV_QUIRK_pv_builder_4k] = true,
                                                     [HV_QUIRK_cpulist_exclusions_last] = true,
                                                     [HV_QUIRK_cpus_list_single] = true,
                                                     [HV_QUIRK_vnuma_absent] = true,
                                                     [HV_QUIRK_claim_mode_off] = true}};

static const struct hv_profile level_modern = {.name = "modern",
                                               .quirk = {[HV_QUIRK_placement_32bit_diff] = true,
                                                         [HV_QUIRK_placement_count_self] = true,
                                                         [HV_QUIRK_placement_ignores_pinning] = true}};

static const struct hv_profile level_fixed = {.name = "fixed"};

#endif
