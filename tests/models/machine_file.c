/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine_file.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Line numbers are counted on below. */
const char *const machine_whole =
    "name = 'm'\ndescription = 'd'\nisa = 'x86-64'\n"                                            /* 1 - 3 */
    "[topology]\nsockets = 2\ncores_per_socket = 4\nthreads_per_core = 2\nfrequency = '2 GHz'\n" /* 4 - 8 */
    "[cache.l1d]\nsize = '32 KiB'\nways = 8\nline = '64 B'\nlatency_cycles = 4\n"                /* 9 - 13 */
    "[cache.l2]\nsize = '256 KiB'\nways = 8\nline = '64 B'\nlatency_cycles = 10\n"               /* 14 - 18 */
    "[cache.l3]\nsize = '12 MiB'\nways = 16\nline = '64 B'\nlatency_cycles = 40\n"               /* 19 - 23 */
    "[memory]\nlatency_ns = [80, 120, 120, 80]\nbandwidth = '21 GB/s'\nservice = '25 ns'\n"      /* 24 - 27 */
    "[link]\nbandwidth = '9.6 GB/s'\nservice = '7.5 ns'\n"                                       /* 28 - 30 */
    "[tlb]\nwalk = '10 ns'\n"                                                                    /* 31, 32 */
    "[numa]\nslit = [10, 21, 21, 10]\n"                                                          /* 33, 34 */
    "[[node]]\nsocket = 0\n"                                                                     /* 35, 36 */
    "range = [ { start = '0 B', end = '3 GiB' }, { start = '4 GiB', end = '7 GiB' } ]\n"         /* 37 */
    "[[node]]\nsocket = 1\n"                                                                     /* 38, 39 */
    "range = [ { start = '7 GiB', end = '13 GiB' } ]\n";                                         /* 40 */

void machine_file_write(const char *text)
{
    FILE *f = fopen("m.toml", "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

struct machine *machine_file_load(const char *path, const char *const *overrides)
{
    char *err = NULL;
    struct machine *m = machine_load(path, overrides, &err);
    if (err)
        fprintf(stderr, "\n  %s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    return m;
}

void machine_file_refused(const char *const *overrides, const char *expected)
{
    char *err = NULL;
    struct machine *m = machine_load("m.toml", overrides, &err);
    CU_ASSERT_PTR_NULL(m);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_STRING_EQUAL(err, expected);
    if (strcmp(err, expected) != 0)
        fprintf(stderr, "\n  got      %s\n  expected %s\n", err, expected);
    free(err);
    machine_free(m);
}

/* whole with one piece replaced. */
void machine_file_bad(const char *old, const char *new, const char *expected)
{
    char text[4096];
    const char *at = strstr(machine_whole, old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - machine_whole), machine_whole, new, at + strlen(old));
    machine_file_write(text);
    machine_file_refused(NULL, expected);
}
