/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "topo_input.h"

#include <stdlib.h>
#include <string.h>

void fuzz_topo(struct topo *t, const char *name, struct fault *f)
{
    if (!t) {
        FUZZ_CHECK(f->code == EXIT_BAD_INPUT, "exit code %d for a bad input: %s", f->code, f->text);
        char text[sizeof(f->text) + 8];
        snprintf(text, sizeof(text), "%s%s", name ? "" : "input: ", f->text);
        fuzz_check_message(text, name ? name : "input", false);
        return;
    }
    FUZZ_CHECK(f->code == EXIT_DONE, "read, and yet: %s", f->text);
    struct topo_import made = topo_import(t, "box", f);
    FUZZ_CHECK(made.text || f->code == EXIT_BAD_INPUT, "exit code %d for a topology: %s", f->code, f->text);
    for (const char *c = made.text ? "" : f->text; *c; c++)
        FUZZ_CHECK((unsigned char)*c >= ' ', "control character in the message: %s", f->text);
    for (size_t i = 0; i < made.size && made.text; i++)
        FUZZ_CHECK(made.text[i], "a 0 in the machine file");
    free(made.text);
    topo_free(t);
}
