/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suites that write files do so in a directory of their own: scratch_enter() as the first test, scratch_leave() as the
 * last one. */
#ifndef SCRATCH_DIR_H
#define SCRATCH_DIR_H

#include <CUnit/Basic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void scratch_enter(void)
{
    char dir[] = "hvsim-test-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    CU_ASSERT_EQUAL_FATAL(chdir(dir), 0);
    CU_ASSERT_EQUAL_FATAL(setenv("HVSIM_DATA", HVSIM_SOURCE_DIR, 1), 0);
}

__attribute__((format(printf, 2, 3))) static inline void scratch_write(const char *name, const char *fmt, ...)
{
    va_list ap;
    FILE *f = fopen(name, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    va_start(ap, fmt);
    vfprintf(f, fmt, ap);
    va_end(ap);
    CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
}

/* These files may be there (NULL ends the list); any other is one that nobody meant to write. */
static inline void scratch_leave(const char *const *files)
{
    char dir[4096];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(dir, sizeof(dir)));
    for (; *files; files++)
        unlink(*files);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

#endif
