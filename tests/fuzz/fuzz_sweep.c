/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sweep files. */
#include "fuzz.h"
#include "sweep.h"

FUZZ_SEEDS("workloads/scenarios/*/sweep.toml");
FUZZ_SEEDS("workloads/scenarios/*/quick.toml");
FUZZ_SEEDS("workloads/scenarios/*/sensitivity.toml");
FUZZ_WORDS("sim/sweep_load.c");
FUZZ_MAX_LEN(2048);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const beside[] = {"results/calibration", NULL};
    const char *path = fuzz_file(data, size, "input", beside);
    struct fault f = {0};
    struct sweep s = {0};

    if (sweep_load(path, &s, &f) != EXIT_DONE)
        fuzz_check_message(f.text, path, true);
    else
        FUZZ_CHECK(s.nr_points && s.nr_seeds, "a sweep of nothing");
    sweep_free(&s);
    return 0;
}
