/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workload profiles. */
#include "fuzz.h"

#include <stdlib.h>
#include <workloads/profile.h>

FUZZ_SEEDS("workloads/profiles/*.toml");
FUZZ_WORDS("workloads/profile.c");
FUZZ_MAX_LEN(4096);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const beside[] = {"workloads/profiles", NULL};
    const char *path = fuzz_file(data, size, "input", beside);
    char *err = NULL;
    struct workload_profile *p = profile_load(path, NULL, &err);

    if (!p)
        fuzz_check_message(err, path, true);
    profile_free(p);
    free(err);
    return 0;
}
