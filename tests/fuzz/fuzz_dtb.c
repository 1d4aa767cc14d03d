/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device trees, and the machine files that become of them. */
#include "topo_input.h"

FUZZ_MAKE("for f in tests/sim/dts/*.dts; do dtc -q -O dtb -o $out/$(basename $f) $f; done");
FUZZ_WORDS("sim/topo/*dtb*.c");
FUZZ_MAX_LEN(16384);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault f = {0};
    struct topo *t = topo_read_dtb((const char *)data, size, "input", &f);
    fuzz_topo(t, "input", &f);
    return 0;
}
