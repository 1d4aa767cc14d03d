/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
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

/* All entries below dir. NULL, or what is wrong. */
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

static bool is_root(const char *dir)
{
    char path[800];
    struct stat st;
    snprintf(path, sizeof(path), "%.700s/sys", dir);
    return stat(path, &st) == 0;
}

/* The folder that is the root of the box: dir itself, or one below. */
static bool find_root(struct unpacked *u)
{
    snprintf(u->root, sizeof(u->root), "%s", u->dir);
    if (is_root(u->root))
        return true;
    DIR *d = opendir(u->dir);
    bool found = false;
    for (struct dirent *e; d && !found && (e = readdir(d));) {
        if (*e->d_name == '.')
            continue;
        snprintf(u->root, sizeof(u->root), "%s/%.255s", u->dir, e->d_name);
        found = is_root(u->root);
    }
    if (d)
        closedir(d);
    return found;
}

bool unpack(const char *path, struct unpacked *u, struct fault *f)
{
    const char *what = "out of memory", *tmp = getenv("TMPDIR");
    char *real = realpath(tmp && *tmp ? tmp : "/tmp", NULL); /* below a link nothing is unpacked */
    snprintf(u->dir, sizeof(u->dir), "%.400s/hvsim-topo-XXXXXX", real ? real : "/tmp");
    free(real);
    if (!mkdtemp(u->dir)) {
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", u->dir, strerror(errno));
        return false;
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
            fault_set(f, EXIT_BAD_INPUT, "%s: no archive of a box's sysfs: %s", path, what);
        else if (!find_root(u))
            fault_set(f, EXIT_BAD_INPUT, "%s: no sys/ in it: expected an archive of a box's sysfs", path);
    } else {
        fault_set(f, EXIT_HOST_FAILED, "%s", what);
    }
    archive_read_free(from);
    archive_write_free(to);
    if (f->code != EXIT_DONE)
        unpack_remove(u);
    return f->code == EXIT_DONE;
}
