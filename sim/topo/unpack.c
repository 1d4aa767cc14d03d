/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <ctype.h>
#include <errno.h>
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

static bool copy_data(struct archive *from, struct archive *to, uint64_t *left)
{
    const void *block;
    size_t size;
    la_int64_t at;
    int rc;
    while ((rc = archive_read_data_block(from, &block, &size, &at)) == ARCHIVE_OK) {
        if (size > *left || archive_write_data_block(to, block, size, at) < ARCHIVE_OK)
            return false;
        *left -= size;
    }
    return rc == ARCHIVE_EOF;
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
    static const char *const parts[] = {"cpuidle/", "thermal_throttle/", "microcode/", "power/"};
    bool of_node = false;
    for (const char *at = name; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL) {
        for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
            if (begins(at, folders[i]))
                return false;
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
            if (begins(at, parts[i]))
                return false;
        /* A link for every few MiB: node0/memory32 */
        if (of_node && begins(at, "memory") && isdigit((unsigned char)at[strlen("memory")]))
            return false;
        of_node = begins(at, "node") && isdigit((unsigned char)at[strlen("node")]);
    }
    return true;
}

/* All entries that are wanted below dir. NULL, or what is wrong. */
static const char *extract(struct archive *from, struct archive *to, const char *dir)
{
    struct archive_entry *e;
    uint64_t left = MAX_BYTES;
    unsigned n = 0;
    int rc;
    while ((rc = archive_read_next_header(from, &e)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
        const char *name = archive_entry_pathname(e);
        char path[4096];
        if (++n > MAX_ENTRIES)
            return "too many entries";
        if (!name || strlen(name) > sizeof(path) - 128)
            return "an entry without a usable name";
        mode_t type = archive_entry_filetype(e);
        if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
            continue;
        if (type == AE_IFLNK && archive_entry_symlink(e) && *archive_entry_symlink(e) == '/')
            continue; /* it would lead out of the tree */
        if (!is_wanted(name))
            continue;
        snprintf(path, sizeof(path), "%s/%s", dir, name);
        archive_entry_set_pathname(e, path);
        if (archive_entry_hardlink(e)) {
            snprintf(path, sizeof(path), "%s/%.3900s", dir, archive_entry_hardlink(e));
            archive_entry_set_hardlink(e, path);
        }
        archive_entry_set_perm(e, type == AE_IFDIR ? 0700 : 0600);
        if (archive_write_header(to, e) < ARCHIVE_WARN)
            return archive_error_string(to);
        if (type == AE_IFREG && !copy_data(from, to, &left))
            return left ? "an entry that cannot be read" : "more than 512 MiB";
        if (archive_write_finish_entry(to) < ARCHIVE_WARN)
            return archive_error_string(to);
    }
    return rc == ARCHIVE_EOF ? (n ? NULL : "empty") : archive_error_string(from);
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
    struct archive *from = archive_read_new(), *to = archive_write_disk_new();
    if (from && to) {
        archive_read_support_filter_gzip(from); /* not all that it knows: for some it starts programs */
        archive_read_support_filter_bzip2(from);
        archive_read_support_filter_xz(from);
        archive_read_support_filter_zstd(from);
        archive_read_support_format_tar(from);
        archive_write_disk_set_options(to, ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_SYMLINKS);
        what = archive_read_open_filename(from, path, 1 << 16) == ARCHIVE_OK ? extract(from, to, u->dir)
                                                                             : archive_error_string(from);
        if (what)
            fault_set(f, archive_errno(to) == ENOSPC ? EXIT_HOST_FAILED : EXIT_BAD_INPUT,
                      "%s: no archive of a box's sysfs: %s", path, what);
    } else {
        fault_set(f, EXIT_HOST_FAILED, "%s", what);
    }
    archive_read_free(from);
    archive_write_free(to);
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
