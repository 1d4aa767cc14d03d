/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of results/calibration. */
#include "calibration_file.h"
#include "fuzz.h"

FUZZ_SEEDS("results/calibration/*.toml");
FUZZ_WORDS("sim/calibration_file.c");
FUZZ_MAX_LEN(2048);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size, "input", NULL);
    struct fault f = {0};
    struct calibration_file c = {0};

    if (calibration_file_load(path, &c, &f) != EXIT_DONE)
        fuzz_check_message(f.text, path, true);
    calibration_file_free(&c);
    return 0;
}
