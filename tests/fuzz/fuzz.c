/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fuzz_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "%s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

/*
 * Of this process: base holds links to the rooms of the source tree, and three levels below, as deep as scenarios are,
 * is the directory of inputs. "": not made yet.
 */
static char base[PATH_MAX], dir[PATH_MAX + 16];
static const char *const rooms[] = {"models", "workloads", "results"};
static const char *const levels[] = {"/a", "/a/b", "/a/b/c"};

static void remove_dir(void)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    char path[PATH_MAX + 512];
    while (d && (e = readdir(d))) {
        snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
        unlink(path);
    }
    if (d)
        closedir(d);
    for (unsigned i = 3; i-- > 0;) {
        snprintf(path, sizeof(path), "%s%s", base, levels[i]);
        rmdir(path);
        snprintf(path, sizeof(path), "%s/%s", base, rooms[i]);
        unlink(path);
    }
    rmdir(base);
}

static void link_to(const char *source, const char *in, const char *name)
{
    char target[sizeof(HVSIM_SOURCE_DIR) + PATH_MAX + 512], link[PATH_MAX + 512];
    snprintf(target, sizeof(target), "%s/%s", HVSIM_SOURCE_DIR, source);
    snprintf(link, sizeof(link), "%s/%s", in, name);
    FUZZ_CHECK(symlink(target, link) == 0, "%s: cannot be made", link);
}

static void link_all(const char *from)
{
    char path[PATH_MAX + 512];
    snprintf(path, sizeof(path), "%s/%s", HVSIM_SOURCE_DIR, from);
    DIR *d = opendir(path);
    const struct dirent *e;
    FUZZ_CHECK(d, "%s: not there", path);
    while ((e = readdir(d))) {
        snprintf(path, sizeof(path), "%s/%s", from, e->d_name);
        if (e->d_name[0] != '.')
            link_to(path, dir, e->d_name);
    }
    closedir(d);
}

static void make_dir(const char *const *beside)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(base, sizeof(base), "%s/hvsim-fuzz-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    FUZZ_CHECK(mkdtemp(base), "%s: cannot be made", base);
    for (unsigned i = 0; i < 3; i++) {
        link_to(rooms[i], base, rooms[i]);
        snprintf(dir, sizeof(dir), "%s%s", base, levels[i]);
        FUZZ_CHECK(mkdir(dir, 0700) == 0, "%s: cannot be made", dir);
    }
    atexit(remove_dir);
    for (; beside && *beside; beside++)
        link_all(*beside);
}

const char *fuzz_file(const uint8_t *data, size_t size, const char *name, const char *const *beside)
{
    static char path[PATH_MAX + 512];
    if (!*base)
        make_dir(beside);
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    FUZZ_CHECK(f && fwrite(data, 1, size, f) == size, "%s: cannot be written", path);
    fclose(f);
    return path;
}

char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_CHECK(text, "out of memory");
    memcpy(text, data, size);
    text[size] = 0;
    return text;
}

void fuzz_check_message(const char *message, const char *name, bool where)
{
    size_t n = strlen(name);
    FUZZ_CHECK(message && *message, "a bad input, and no message");
    for (const char *c = message; *c; c++)
        FUZZ_CHECK((unsigned char)*c >= ' ' && *c != 0x7f, "control character in the message: %s", message);
    const char *rest = message + n;
    if (*name == '/') /* or another file that it refers to */
        rest = *message == '/' ? message + strcspn(message, ":") : "";
    else if (strncmp(message, name, n) != 0)
        rest = "";
    FUZZ_CHECK(*rest == ':', "the message does not begin with the name of a file: %s", message);
    if (!where)
        return;
    unsigned line = 0, column = 0;
    int end = 0;
    sscanf(rest, ":%u:%u: %n", &line, &column, &end);
    FUZZ_CHECK(end && line && column, "no line and column in the message: %s", message);
}
