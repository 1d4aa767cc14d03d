/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suites of hvsim check. */
#include "check.h"
#include "fuzz.h"

FUZZ_SEEDS("workloads/suites/*.toml");
FUZZ_WORDS("sim/check*.[ch]");
FUZZ_MAX_LEN(4096);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size, "input", NULL);
    struct fault f = {0};
    struct check_suite *s = check_load(path, &f);

    if (!s)
        fuzz_check_message(f.text, path, true);
    check_suite_free(s);
    return 0;
}
