/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine files, what they inherit included. */
#include "fuzz.h"

#include <models/machine.h>
#include <stdlib.h>

FUZZ_SEEDS("models/machines/*.toml");
FUZZ_WORDS("models/machine*.c");
FUZZ_MAX_LEN(8192);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const beside[] = {"models/machines", NULL};
    const char *path = fuzz_file(data, size, "input", beside);
    char *err = NULL;
    struct machine *m = machine_load(path, NULL, &err);

    if (!m)
        fuzz_check_message(err, path, true);
    FUZZ_CHECK(!m || !err, "read, and yet: %s", err);
    machine_free(m);
    free(err);
    return 0;
}
