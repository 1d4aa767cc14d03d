/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwloc's synthetic strings, and the machine files that become of them. */
#include "topo_input.h"

#include <stdlib.h>

FUZZ_SEEDS("tests/fuzz/seeds/synthetic/*");
FUZZ_MAX_LEN(128);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct fault f = {0};
    struct topo *t = topo_read_synthetic(text, &f);
    fuzz_topo(t, NULL, &f);
    free(text);
    return 0;
}
