/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the instrumented build of the core (hv-core/path/) offers beside hv_core_get: where its basic blocks add up what
 * they cost. Only a port that charges for paths knows of it; the core itself does not.
 *
 * Each block begins with two additions of a 32-bit constant to a 64-bit sum. Whoever loads the object writes the
 * constants, and into the first addition which of the sums is meant; as built they must not be executed.
 */
#ifndef HV_PATH_H
#define HV_PATH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HV_PATH_ABI 1u
#define HV_PATH_SUMS 16u

struct hv_path {
    uint32_t abi;
    /* A block's first addition is at (char *)site + *site. Both additions are HV_PATH_STEP bytes: opcode of 3, distance
     * of 4 to the sum, constant of 4. */
    const int32_t *site, *site_end;
    int64_t *sum; /* [HV_PATH_SUMS] */
    int64_t *touched;
};

#define HV_PATH_STEP 11u
#define HV_PATH_DISTANCE 3u
#define HV_PATH_CONSTANT 7u

const struct hv_path *hv_path_get(void);

#ifdef __cplusplus
}
#endif

#endif
