/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables, as acpidump's text and binary, and the machine files that become of them. An input is tried as it is,
 * with its checksums put right (no mutation finds them), and that as text.
 */
#include "topo_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

FUZZ_MAKE("bash tests/fuzz/make_acpi.sh $out");
FUZZ_MAX_LEN(8192);

#define HEADER 36u
#define CHECKSUM 9u

static uint32_t length_at(const uint8_t *data)
{
    return data[4] | (uint32_t)data[5] << 8 | (uint32_t)data[6] << 16 | (uint32_t)data[7] << 24;
}

static void read_acpi(const uint8_t *data, size_t size)
{
    struct fault f = {0};
    fuzz_topo(topo_read_acpi((const char *)data, size, "input", &f), "input", &f);
}

/* Tables one behind the other: each sums up to 0 afterwards. */
static void mend_checksums(uint8_t *data, size_t size)
{
    for (size_t at = 0; at + HEADER <= size;) {
        uint32_t length = length_at(data + at);
        if (length < HEADER || length > size - at)
            return;
        uint8_t sum = 0;
        for (uint32_t i = 0; i < length; i++)
            sum = (uint8_t)(sum + data[at + i]);
        data[at + CHECKSUM] = (uint8_t)(data[at + CHECKSUM] - sum);
        at += length;
    }
}

/* As acpidump prints tables. */
static void read_as_text(const uint8_t *data, size_t size)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    FUZZ_CHECK(to, "out of memory");
    for (size_t at = 0; at + HEADER <= size;) {
        uint32_t length = length_at(data + at);
        if (length < HEADER || length > size - at)
            length = (uint32_t)(size - at);
        fprintf(to, "%.4s @ 0x0000000000000000", (const char *)data + at);
        for (uint32_t i = 0; i < length; i++)
            fprintf(to, i % 16 ? " %02X" : "\n    %04X: %02X", i % 16 ? data[at + i] : i, data[at + i]);
        fputs("\n\n", to);
        at += length;
    }
    fclose(to);
    read_acpi((const uint8_t *)text, n);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    FUZZ_CHECK(copy, "out of memory");
    memcpy(copy, data, size);
    read_acpi(data, size);
    mend_checksums(copy, size);
    read_acpi(copy, size);
    read_as_text(copy, size);
    free(copy);
    return 0;
}
