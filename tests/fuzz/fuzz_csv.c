/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables: published figures, and what a real Xen measured. */
#include "csv.h"
#include "fuzz.h"

FUZZ_SEEDS("results/reference/*.csv");
FUZZ_SEEDS("results/reference/real-xen/*.csv");
FUZZ_MAX_LEN(4096);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size, "input", NULL);
    struct fault f = {0};
    struct csv c = {0};

    if (csv_read(path, &c, &f) != EXIT_DONE) {
        fuzz_check_message(f.text, path, false);
        return 0;
    }
    for (size_t row = 0; row < c.nr_rows; row++)
        for (int i = 0; i < (int)c.nr_columns; i++)
            FUZZ_CHECK(csv_cell(&c, row, i), "no cell %d in row %zu", i, row);
    csv_free(&c);
    return 0;
}
