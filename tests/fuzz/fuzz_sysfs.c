/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Archives of a box's sys/ and proc/, and the machine files that become of them. */
#include "topo_input.h"

FUZZ_MAKE("bash tests/fuzz/make_sysfs.sh $out");
FUZZ_WORDS("sim/topo/unpack.c");
FUZZ_MAX_LEN(131072);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size, "input.tar", NULL);
    struct fault f = {0};
    struct topo *t = topo_read_sysfs(path, &f);
    fuzz_topo(t, path, &f);
    return 0;
}
