/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xentrace files: the reader, and what is counted from them. */
#include "fuzz.h"
#include "trace_reader.h"
#include "trace_stats.h"

#include <string.h>

FUZZ_MAKE("head -c 6000 results/reference/real-xen/trace/credit-sched-5s.bin > $out/head");
FUZZ_MAKE("head -c 200 results/reference/real-xen/trace/credit-sched-5s.bin > $out/short");
FUZZ_MAX_LEN(8192);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault f = {0};
    struct trace t;
    struct trace_stats s;

    if (trace_parse(data, size, "input", &t, &f) != EXIT_DONE) {
        fuzz_check_message(f.text, "input", false);
        return 0;
    }
    trace_sort(&t);
    memset(&s, 0, sizeof(s));
    if (trace_stats_collect(&t, &s, &f) == EXIT_DONE)
        trace_stats_free(&s);
    else
        FUZZ_CHECK(*f.text, "refused without saying why");
    trace_free(&t);
    return 0;
}
