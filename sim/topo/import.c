/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "import.h"

#include <errno.h>
#include <models/machine.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE (64u << 20) /* beyond any topology; libfdt and libhwloc count in int */

const char *const topo_source_names[] = {"detect", "hwloc", "synthetic", "sysfs", "acpi", "dtb", NULL};

/* ---- what is it? ------------------------------------------------------------------------------------------------- */

static bool begins(const char *data, size_t size, const char *magic, size_t n)
{
    return size >= n && memcmp(data, magic, n) == 0;
}

static enum topo_kind_of_source kind_of(const char *data, size_t size)
{
    static const char *const tables[] = {"SRAT", "SLIT", "APIC", "PPTT", "HMAT", "DSDT", "FACP", "RSDT", "XSDT"};
    /* gzip, bzip2, xz, zstd */
    static const char *const packed[] = {"\x1f\x8b", "BZh", "\xfd\x37zXZ", "\x28\xb5\x2f\xfd"};
    size_t text = 0;
    if (begins(data, size, "\xd0\x0d\xfe\xed", 4))
        return TOPO_DTB;
    for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++)
        if (begins(data, size, packed[i], strlen(packed[i])))
            return TOPO_SYSFS;
    if (size > 262 && memcmp(data + 257, "ustar", 5) == 0)
        return TOPO_SYSFS;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (begins(data, size, tables[i], 4))
            return TOPO_ACPI;
    while (text < size && strchr(" \t\r\n\xef\xbb\xbf", data[text]) && data[text])
        text++;
    if (text < size && data[text] == '<')
        return TOPO_HWLOC;
    return memmem(data, size < 4096 ? size : 4096, " @ 0x", 5) ? TOPO_ACPI : TOPO_DETECT;
}

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

struct content {
    char *data;
    size_t size;
};

/* Appends a file to c. */
static bool read_file(const char *path, struct content *c, struct fault *f)
{
    FILE *in = fopen(path, "re");
    struct stat st;
    if (!in || fstat(fileno(in), &st) < 0) {
        fault_set(f, EXIT_BAD_INPUT, "%s: %s", path, strerror(errno));
        if (in)
            fclose(in);
        return false;
    }
    for (;;) {
        char *grown = realloc(c->data, c->size + (1 << 16));
        if (!grown) {
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
            break;
        }
        c->data = grown;
        size_t n = fread(c->data + c->size, 1, 1 << 16, in);
        c->size += n;
        if (c->size > MAX_FILE)
            fault_set(f, EXIT_BAD_INPUT, "%s: larger than %u MiB: no topology", path, MAX_FILE >> 20);
        if (ferror(in))
            fault_set(f, EXIT_BAD_INPUT, "%s: %s", path, strerror(errno));
        if (n == 0 || f->code != EXIT_DONE)
            break;
    }
    fclose(in);
    if (f->code == EXIT_DONE && !c->size)
        fault_set(f, EXIT_BAD_INPUT, "%s: empty", path);
    return f->code == EXIT_DONE;
}

static struct topo *read_content(const struct content *c, const char *path, enum topo_kind_of_source kind,
                                 struct fault *f)
{
    switch (kind) {
    case TOPO_HWLOC:
        return topo_read_hwloc_xml(c->data, c->size, path, f);
    case TOPO_ACPI:
        return topo_read_acpi(c->data, c->size, path, f);
    case TOPO_DTB:
        return topo_read_dtb(c->data, c->size, path, f);
    case TOPO_SYSFS:
        return topo_read_sysfs(path, f);
    default:
        fault_set(f, EXIT_BAD_INPUT,
                  "%s: neither hwloc's XML, nor ACPI tables, nor a device tree blob, nor an archive of a sysfs tree",
                  path);
        return NULL;
    }
}

struct topo *topo_read(const char *const *source, size_t nr, enum topo_kind_of_source kind, struct fault *f)
{
    struct stat st;
    bool there = stat(source[0], &st) == 0;
    struct content c = {NULL, 0};
    struct topo *t = NULL;

    if (nr == 1 && (kind == TOPO_SYNTHETIC || (kind == TOPO_DETECT && !there && strchr(source[0], ':'))))
        return topo_read_synthetic(source[0], f);
    if (nr == 1 && (kind == TOPO_SYSFS || (kind == TOPO_DETECT && there && S_ISDIR(st.st_mode))))
        return topo_read_sysfs(source[0], f);
    for (size_t i = 0; i < nr && f->code == EXIT_DONE; i++) {
        size_t before = c.size;
        if (!read_file(source[i], &c, f))
            break;
        enum topo_kind_of_source is = kind != TOPO_DETECT ? kind : kind_of(c.data + before, c.size - before);
        if (nr > 1 && is != TOPO_ACPI)
            fault_set(f, EXIT_BAD_INPUT, "%s: only ACPI tables may come in several files", source[i]);
        if (i == nr - 1 && f->code == EXIT_DONE)
            t = read_content(&c, source[0], is, f);
    }
    free(c.data);
    return t;
}

/* ---- writing ------------------------------------------------------------------------------------------------------
 */

/* What we wrote must load; that it does not is our fault, or something that no machine file can say. */
static void try_loading(const char *text, size_t size, struct fault *f)
{
    char path[] = "/tmp/hvsim-import-XXXXXX", *err = NULL;
    int fd = mkstemp(path);
    FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
    if (!to || fwrite(text, 1, size, to) != size || fflush(to)) {
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
    } else {
        struct machine *m = machine_load(path, NULL, &err);
        if (!m)
            fault_set(f, EXIT_BAD_INPUT, "no machine file can be made of it: %s",
                      err ? err + (strncmp(err, path, strlen(path)) ? 0 : strlen(path) + 1) : "out of memory");
        machine_free(m);
    }
    free(err);
    if (to)
        fclose(to);
    else if (fd >= 0)
        close(fd);
    if (fd >= 0)
        unlink(path);
}

struct topo_import topo_import(const struct topo *t, const char *name, struct fault *f)
{
    struct topo_import out = {NULL, 0, 0};
    FILE *to = open_memstream(&out.text, &out.size);
    if (!to) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return out;
    }
    out.guessed = topo_write_machine(t, name, to, f);
    if (fclose(to))
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    if (f->code == EXIT_DONE)
        try_loading(out.text, out.size, f);
    if (f->code != EXIT_DONE) {
        free(out.text);
        out.text = NULL;
    }
    return out;
}
