/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sources read, written as a machine file and loaded again, for the tests of hvsim topo. */
#ifndef TOPO_FIXTURE_H
#define TOPO_FIXTURE_H

#include "topo/import.h"

#include <CUnit/Basic.h>
#include <models/machine.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The machine of what was read (which is freed); *text: its file, to be freed, or NULL. Ends the test if there is none.
 */
static inline struct machine *machine_of(struct topo *t, char **text, struct fault *f)
{
    char path[] = "/tmp/hvsim-topo-test-XXXXXX", *err = NULL;
    struct topo_import i = {0};
    struct machine *m = NULL;
    if (t)
        i = topo_import(t, "box", f);
    topo_free(t);
    int fd = i.text ? mkstemp(path) : -1;
    if (fd >= 0 && write(fd, i.text, i.size) == (ssize_t)i.size)
        m = machine_load(path, NULL, &err);
    if (!m)
        fprintf(stderr, "\n  %s\n", err ? err : f->text);
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(err);
    if (text)
        *text = i.text;
    else
        free(i.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    return m;
}

static inline struct machine *import_synthetic(const char *text)
{
    struct fault f = {0};
    return machine_of(topo_read(&text, 1, TOPO_SYNTHETIC, &f), NULL, &f);
}

/* Reading (or writing) it fails for bad input, with that in the message. */
static inline void refused(const char *part, const char *source, const char *file, int line)
{
    struct fault f = {0};
    struct topo *t = topo_read(&source, 1, TOPO_DETECT, &f);
    struct topo_import i = {0};
    if (t)
        i = topo_import(t, "box", &f);
    topo_free(t);
    free(i.text);
    CU_ASSERT_EQUAL(f.code, EXIT_BAD_INPUT);
    if (!strstr(f.text, part)) {
        fprintf(stderr, "\n  %s:%d: '%s' is not in: %s\n", file, line, part, f.text);
        CU_FAIL("another message");
    }
}
#define REFUSED(part, source) refused(part, source, __FILE__, __LINE__)

#endif
