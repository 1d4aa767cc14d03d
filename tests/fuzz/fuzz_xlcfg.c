/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xl.cfg files: our scan of them, and the whole reader. */
#include "fuzz.h"
#include "xlcfg.h"
#include "xlcfg_scan.h"

#include <stdlib.h>

FUZZ_SEEDS("workloads/scenarios/*/*.cfg");
FUZZ_SEEDS("workloads/scenarios/*/*/*.cfg");
FUZZ_SEEDS("tests/fuzz/seeds/xlcfg/*");
FUZZ_WORDS("sim/xlcfg*.c");
FUZZ_MAX_LEN(4096);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), message[256] = "", *err = NULL;
    struct xlcfg_scan scan = {0};
    struct xlcfg_pos at = {0};

    text[size] = '\n';
    if (xlcfg_scan(text, size + 1, &scan, message, sizeof(message), &at) < 0)
        FUZZ_CHECK(*message && at.line && at.column, "refused without saying what and where: %s", message);
    xlcfg_scan_free(&scan);
    struct xlcfg *x = xlcfg_parse(text, size + 1, "input", &err);
    if (!x)
        fuzz_check_message(err, "input", true);
    FUZZ_CHECK(!x || xlcfg_domain(x), "read, and no domain");
    xlcfg_free(x);
    free(err);
    free(text);
    return 0;
}
