/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON. */
#include "fuzz.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

FUZZ_SEEDS("results/reference/real-xen/placement/A12-4n4c_ring.json");
FUZZ_SEEDS("tests/fuzz/seeds/json/*");
FUZZ_MAX_LEN(4096);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), err[256] = "";
    size_t at = 0;
    struct json *j = json_parse_at(text, &at, err, sizeof(err));

    FUZZ_CHECK(j || (*err && at <= strlen(text)), "refused without saying what and where");
    json_free(j);
    free(text);
    return 0;
}
