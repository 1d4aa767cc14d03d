/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwloc's XML, and the machine files that become of it. */
#include "topo_input.h"

FUZZ_MAKE("lstopo-no-graphics -i 'package:2 [numa(memory=1GB)] l3:1 l2:2 l1:1 core:1 pu:2' --of xml > $out/small");
FUZZ_MAKE("lstopo-no-graphics -i 'package:2 numa:2 core:2 pu:1' --of xml > $out/nodes");
FUZZ_MAKE("lstopo-no-graphics -i 'numa:4(memory=2GB) core:1 pu:1' --no-io --of xml > $out/flat");
FUZZ_WORDS("sim/topo/read_hwloc.c sim/topo/export_hwloc.c");
FUZZ_MAX_LEN(16384);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault f = {0};
    struct topo *t = topo_read_hwloc_xml((const char *)data, size, "input", &f);
    fuzz_topo(t, "input", &f);
    return 0;
}
