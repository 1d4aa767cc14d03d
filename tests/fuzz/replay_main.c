/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a harness over inputs that are there, without libFuzzer: files, and all files of directories. Each input is
 * tried as it is, cut short at eight places, and with a few bytes changed, the same ones every time. What hangs is
 * killed by the alarm.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECONDS_AN_INPUT 20u
#define CHANGES 4u

static unsigned inputs;

static void try(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1); /* of its own, so that a sanitizer sees where it ends */
    FUZZ_CHECK(copy, "out of memory");
    memcpy(copy, data, size);
    alarm(SECONDS_AN_INPUT);
    LLVMFuzzerTestOneInput(copy, size);
    alarm(0);
    free(copy);
    inputs++;
}

static void try_changed(uint8_t *data, size_t size)
{
    uint32_t random = (uint32_t)size;
    for (unsigned i = 0; size && i < CHANGES; i++) {
        random = random * 1664525u + 1013904223u;
        size_t at = (random >> 8) % size;
        uint8_t old = data[at];
        data[at] ^= (uint8_t)(1u << (random >> 5 & 7));
        try(data, size);
        data[at] = old;
    }
}

static void run_file(const char *path)
{
    FILE *f = fopen(path, "rbe");
    struct stat st;
    FUZZ_CHECK(f && fstat(fileno(f), &st) == 0, "%s: cannot be read", path);
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size + 1);
    FUZZ_CHECK(data && fread(data, 1, size, f) == size, "%s: cannot be read", path);
    fclose(f);
    fprintf(stderr, "%s\n", path); /* the last one is the guilty one */
    try(data, size);
    for (unsigned i = 0; i < 8; i++)
        try(data, size * i / 8);
    try_changed(data, size);
    free(data);
}

static void run(const char *path)
{
    struct stat st;
    FUZZ_CHECK(stat(path, &st) == 0, "%s: not there", path);
    if (!S_ISDIR(st.st_mode)) {
        run_file(path);
        return;
    }
    struct dirent **entry;
    int n = scandir(path, &entry, NULL, alphasort);
    FUZZ_CHECK(n >= 0, "%s: cannot be read", path);
    for (int i = 0; i < n; i++) {
        char below[4096];
        snprintf(below, sizeof(below), "%s/%s", path, entry[i]->d_name);
        if (entry[i]->d_name[0] != '.')
            run(below);
        free(entry[i]);
    }
    free(entry);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run(argv[i]);
    FUZZ_CHECK(inputs, "no inputs: expected files or directories");
    printf("%u inputs\n", inputs);
    return 0;
}
