/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of placements on a real host. */
#include "fuzz.h"
#include "replay_placement.h"

FUZZ_SEEDS("results/reference/real-xen/placement/*.json");
FUZZ_WORDS("sim/replay_placement*.c");
FUZZ_MAX_LEN(32768);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size, "input", NULL);
    struct fault f = {0};
    struct placement_record r = {0};

    if (placement_read(&r, path, &f) != EXIT_DONE)
        fuzz_check_message(f.text, path, true);
    placement_free(&r);
    return 0;
}
