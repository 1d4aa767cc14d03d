/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --set takes: any number of them, one a line, on top of a machine file; and TOML text of any shape. */
#include "fuzz.h"

#include <config.h>
#include <models/machine.h>
#include <stdlib.h>
#include <string.h>

FUZZ_SEEDS("tests/fuzz/seeds/override/*");
FUZZ_WORDS("models/machine*.c");
FUZZ_MAX_LEN(1024);

#define MOST 32u

static void override_machine(char *text)
{
    const char *list[MOST + 1] = {NULL};
    char *err = NULL, *rest = NULL;
    unsigned n = 0;

    for (char *line = strtok_r(text, "\n", &rest); line && n < MOST; line = strtok_r(NULL, "\n", &rest))
        list[n++] = line;
    struct machine *m = machine_load(HVSIM_SOURCE_DIR "/models/machines/westmere-ep-2s.toml", list, &err);
    FUZZ_CHECK(m || (err && *err), "no machine, and no message");
    machine_free(m);
    free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    cfg_doc *doc = cfg_parse(text, "input");
    FUZZ_CHECK(doc, "out of memory");
    if (cfg_error(doc)) {
        fuzz_check_message(cfg_error(doc), "input", true);
    } else {
        char *json = cfg_to_json(doc);
        FUZZ_CHECK(json, "read, and not written down");
        free(json);
    }
    cfg_free(doc);
    override_machine(text);
    free(text);
    return 0;
}
