/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_ENTRIES 1000000u
#define MAX_BYTES (UINT64_C(512) << 20) /* files of sysfs have a page at most */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)at;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

void unpack_remove(struct unpacked *u)
{
    nftw(u->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- files and links below a folder that is new and ours ----------------------------------------------------------
 */

/*
 * libarchive's own writer looks at every folder of every path for links, which takes ten times as long. Here there are
 * none until all files are there: links come last.
 */
struct link {
    char *path, *to;
};

struct tree {
    const char *dir;
    uint64_t left;     /* bytes that may still come */
    char parent[4096]; /* the folder that was made last */
    struct link *link;
    size_t nr_links;
};

/* The folders of a path below dir. */
static bool make_parents(struct tree *t, char *path)
{
    char *last = strrchr(path, '/');
    size_t n = (size_t)(last - path);
    if (strlen(t->parent) == n && !memcmp(t->parent, path, n))
        return true;
    for (char *c = path + strlen(t->dir) + 1; (c = strchr(c, '/')); c++) {
        *c = 0;
        bool ok = mkdir(path, 0700) == 0 || errno == EEXIST;
        *c = '/';
        if (!ok)
            return false;
    }
    snprintf(t->parent, sizeof(t->parent), "%.*s", (int)n, path);
    return true;
}

static bool write_data(struct tree *t, struct archive *from, const char *path)
{
    const void *block;
    size_t size;
    la_int64_t at;
    int rc, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0;
    while (ok && (rc = archive_read_data_block(from, &block, &size, &at)) != ARCHIVE_EOF) {
        ok = rc == ARCHIVE_OK && size <= t->left && pwrite(fd, block, size, at) == (ssize_t)size;
        t->left -= size <= t->left ? size : t->left;
    }
    if (fd >= 0)
        close(fd);
    return ok;
}

/* From the folder of a path to another one by "..": does that stay within the tree? */
static bool stays(const char *name, const char *to)
{
    int depth = 0;
    for (const char *c = name; (c = strchr(c, '/')); c++)
        depth++;
    for (const char *c = to; c && depth >= 0; c = strchr(c, '/') ? strchr(c, '/') + 1 : NULL)
        depth += !strncmp(c, "../", 3) || !strcmp(c, "..") ? -1 : !strncmp(c, "./", 2) || *c == '/' || !*c ? 0 : 1;
    return depth >= 0;
}

static bool keep_link(struct tree *t, const char *path, const char *to)
{
    if (!(t->nr_links & (t->nr_links - 1))) {
        struct link *grown = realloc(t->link, (t->nr_links ? 2 * t->nr_links : 1) * sizeof(*grown));
        if (!grown)
            return false;
        t->link = grown;
    }
    struct link *l = &t->link[t->nr_links];
    *l = (struct link){strdup(path), strdup(to)};
    t->nr_links++;
    return l->path && l->to;
}

/* Where a file or folder has the place of a link, that stays. */
static void make_links(struct tree *t)
{
    for (size_t i = 0; i < t->nr_links; i++) {
        if (t->link[i].path && t->link[i].to && symlink(t->link[i].to, t->link[i].path) < 0 && errno != EEXIST)
            continue; /* libhwloc misses what it would have led to */
        free(t->link[i].path);
        free(t->link[i].to);
    }
    free(t->link);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/*
 * Archives hold tens of thousands of files of devices that are no part of a topology: those are not worth making. What
 * libhwloc may read of processors, memory, cgroups, the firmware and the device tree is.
 */
static bool is_wanted(const char *name)
{
    static const char *const folders[] = {"sys/class/",     "sys/devices/pci", "sys/bus/pci/",      "sys/bus/cpu/",
                                          "sys/bus/memory", "sys/bus/node/",   "sys/firmware/dmi/", "sys/module/"};
    static const char *const parts[] = {"cpuidle/", "thermal_throttle/", "microcode/",       "power/",
                                        "uevent",   "write_policy",      "allocation_policy"};
    bool of_node = false, system = false; /* a box may be called "power" */
    for (const char *at = name; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
        for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
            if (begins(at, folders[i]))
                return false;
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
            if (system && begins(at, parts[i]))
                return false;
        /* A link for every few MiB: node0/memory32 */
        if (system && of_node && begins(at, "memory") && isdigit((unsigned char)at[strlen("memory")]))
            return false;
        system = system || begins(at, "sys/devices/system/");
        of_node = begins(at, "node") && isdigit((unsigned char)at[strlen("node")]);
    }
    /* The same as the map beside it, which libhwloc reads. */
    size_t n = strlen(name), suffix = strlen("_list");
    return !system || n < suffix || strcmp(name + n - suffix, "_list") != 0;
}

/* "./a//b" and "/a/b" as "a/b"; false: it has a "..". */
static bool plain_name(const char *name, char *out, size_t room)
{
    size_t n = 0;
    while (*name) {
        size_t len = strcspn(name, "/");
        if (len == 2 && name[0] == '.' && name[1] == '.')
            return false;
        if (len && !(len == 1 && *name == '.')) {
            if (n + len + 2 > room)
                return false;
            if (n)
                out[n++] = '/';
            memcpy(out + n, name, len);
            n += len;
        }
        name += len + (name[len] == '/');
    }
    out[n] = 0;
    return true;
}

/* One entry that is wanted; what is wrong, or NULL. */
static const char *take_entry(struct tree *t, struct archive *from, struct archive_entry *e)
{
    const char *name = archive_entry_pathname(e), *hard = archive_entry_hardlink(e), *to = archive_entry_symlink(e);
    mode_t type = archive_entry_filetype(e);
    char plain[3000], path[4096], old[4096];
    if (!name || !plain_name(name, plain, sizeof(plain)))
        return "an entry without a usable name";
    if (!*plain || !is_wanted(plain) || (type != AE_IFREG && type != AE_IFLNK && !hard))
        return NULL;
    snprintf(path, sizeof(path), "%s/%s", t->dir, plain);
    if (!make_parents(t, path))
        return strerror(errno);
    if (hard) {
        if (!plain_name(hard, plain, sizeof(plain)))
            return "an entry without a usable name";
        snprintf(old, sizeof(old), "%s/%s", t->dir, plain);
        return link(old, path) == 0 || errno == EEXIST || errno == ENOENT ? NULL : strerror(errno);
    }
    if (type == AE_IFLNK) /* one that leads out of the tree is left out */
        return !to || *to == '/' || !stays(plain, to) || keep_link(t, path, to) ? NULL : "out of memory";
    errno = 0;
    if (write_data(t, from, path))
        return NULL;
    return !t->left ? "more than 512 MiB" : errno ? strerror(errno) : "an entry that cannot be read";
}

/* All entries that are wanted below dir. NULL, or what is wrong. */
static const char *extract(struct archive *from, const char *dir)
{
    struct archive_entry *e;
    struct tree t = {.dir = dir, .left = MAX_BYTES};
    const char *what = NULL;
    unsigned n = 0;
    int rc = ARCHIVE_OK;
    while (!what && ((rc = archive_read_next_header(from, &e)) == ARCHIVE_OK || rc == ARCHIVE_WARN))
        what = ++n > MAX_ENTRIES ? "too many entries" : take_entry(&t, from, e);
    int why = errno; /* of what went wrong, if something did */
    make_links(&t);
    errno = why;
    return what ? what : rc != ARCHIVE_EOF ? archive_error_string(from) : n ? NULL : "empty";
}

/* Into a new folder in tmp. */
static void unpack_in(const char *tmp, const char *path, struct unpacked *u, struct fault *f)
{
    const char *what = "out of memory";
    char *real = realpath(tmp, NULL); /* below a link nothing is unpacked */
    snprintf(u->dir, sizeof(u->dir), "%.400s/hvsim-topo-XXXXXX", real ? real : tmp);
    free(real);
    if (!mkdtemp(u->dir)) {
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", u->dir, strerror(errno));
        return;
    }
    struct archive *from = archive_read_new();
    if (from) {
        archive_read_support_filter_gzip(from); /* not all that it knows: for some it starts programs */
        archive_read_support_filter_bzip2(from);
        archive_read_support_filter_xz(from);
        archive_read_support_filter_zstd(from);
        archive_read_support_format_tar(from);
        errno = 0;
        what = archive_read_open_filename(from, path, 1 << 16) == ARCHIVE_OK ? extract(from, u->dir)
                                                                             : archive_error_string(from);
        if (what && errno == ENOSPC)
            fault_set(f, EXIT_HOST_FAILED, "%s: unpacking it into %s: %s", path, tmp, what);
        else if (what)
            fault_set(f, EXIT_BAD_INPUT, "%s: no archive of a box's sysfs: %s", path, what);
    } else {
        fault_set(f, EXIT_HOST_FAILED, "%s", what);
    }
    archive_read_free(from);
    if (f->code != EXIT_DONE)
        unpack_remove(u);
}

/* Where TMPDIR says; else in memory, which takes a tenth of the time of a disk, and on disk if it is full. */
bool unpack(const char *path, struct unpacked *u, struct fault *f)
{
    static const char memory[] = "/dev/shm";
    const char *tmp = getenv("TMPDIR");
    if (tmp && *tmp) {
        unpack_in(tmp, path, u, f);
        return f->code == EXIT_DONE;
    }
    if (access(memory, W_OK | X_OK) == 0) {
        struct fault inner = {0};
        unpack_in(memory, path, u, &inner);
        if (inner.code == EXIT_DONE)
            return true;
        if (inner.code != EXIT_HOST_FAILED) {
            *f = inner;
            return false;
        }
    }
    unpack_in("/tmp", path, u, f);
    return f->code == EXIT_DONE;
}
