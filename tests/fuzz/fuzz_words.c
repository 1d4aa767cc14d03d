/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Little languages within values: lists of pCPUs, ranges of a sweep. */
#include "fuzz.h"
#include "sweep.h"

#include <models/cpulist.h>
#include <stdlib.h>

FUZZ_SEEDS("tests/fuzz/seeds/words/*");
FUZZ_MAX_LEN(64);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    const char *why = NULL;
    int64_t *values = NULL;
    size_t n = 0;
    unsigned tried = 0;

    struct cpulist l = cpulist_begin(text);
    while (cpulist_next(&l) && tried < 10000)
        tried++;
    int is = sweep_range_parse(text, &values, &n, &why);
    FUZZ_CHECK(is != 1 || (values && n), "a range of nothing");
    FUZZ_CHECK(is != -1 || why, "refused without saying why");
    free(values);
    free(text);
    return 0;
}
