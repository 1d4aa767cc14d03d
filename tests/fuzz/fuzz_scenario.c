/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenario files, with the xl.cfg files and machines beside them. */
#include "fuzz.h"
#include "scenario.h"

#include <stdlib.h>

FUZZ_SEEDS("workloads/scenarios/*/*.toml");
FUZZ_SEEDS("workloads/scenarios/*/*/*.toml");
FUZZ_WORDS("sim/scenario*.c");
FUZZ_MAX_LEN(4096);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const beside[] = {"workloads/scenarios/xen-4.3-density", "workloads/scenarios/real-xen-trace",
                                         NULL};
    const char *path = fuzz_file(data, size, "input", beside);
    char *err = NULL;
    struct scenario *s = scenario_load(path, NULL, &err);

    if (!s)
        fuzz_check_message(err, path, true);
    FUZZ_CHECK(!s || s->resolved_json, "read, and not written down");
    scenario_free(s);
    free(err);
    return 0;
}
