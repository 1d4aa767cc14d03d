/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libhwloc makes of its XML, of its synthetic strings, and of another box's sysfs or answers to CPUID. */
#include "hwloc_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "find_box.h"
#include "in_child.h"
#include "unpack.h"
#include "xml_plain.h"

#define MAX_SYNTHETIC (4 * TOPO_MAX_CPUS) /* libhwloc takes minutes for hundreds of thousands */

/* An error of a reader gets the name of what it read in front. */
static struct topo *finish(struct topo *t, const char *name, struct fault *f)
{
    struct fault inner = {0};
    if (t && topo_check(t, &inner) < 0) {
        fault_set(f, inner.code, "%s: %s", name, inner.text);
        topo_free(t);
        return NULL;
    }
    return t;
}

/* What libhwloc is to load, and what is said if it does not. */
struct input {
    int (*set)(hwloc_topology_t h, const struct input *in);
    const char *text; /* XML, or a synthetic string */
    size_t size;
    const char *name, *expected;
    int said; /* what libhwloc says of a source that it does not take, written by the child; -1: nobody asks */
};

enum loaded { LOADED, REFUSED, NO_START };

static enum loaded start(hwloc_topology_t *h, const struct input *in)
{
    setenv("HWLOC_HIDE_ERRORS", "2", 1); /* what is wrong is said once, by us */
    setenv("HWLOC_THISSYSTEM", "0", 1);
    setenv("HWLOC_LIBXML", "0", 1); /* its own reader, which every build of it has */
    if (hwloc_topology_init(h) < 0)
        return NO_START;
    hwloc_topology_set_all_types_filter(*h, HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_io_types_filter(*h, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_flags(*h, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    if (in->set(*h, in) == 0 && hwloc_topology_load(*h) == 0)
        return LOADED;
    hwloc_topology_destroy(*h);
    return REFUSED;
}

/* It tells people what it is not sure of on the standard error, where only we speak. */
static enum loaded start_quietly(hwloc_topology_t *h, const struct input *in)
{
    fflush(stderr);
    int kept = dup(STDERR_FILENO), quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (kept >= 0 && quiet >= 0)
        dup2(quiet, STDERR_FILENO);
    enum loaded got = start(h, in);
    fflush(stderr);
    if (kept >= 0 && quiet >= 0)
        dup2(kept, STDERR_FILENO);
    if (kept >= 0)
        close(kept);
    if (quiet >= 0)
        close(quiet);
    return got;
}

static int try_starting(void *input)
{
    const struct input *in = input;
    hwloc_topology_t h;
    setenv("HWLOC_SYNTHETIC_VERBOSE", "1", 1);
    setenv("HWLOC_XML_VERBOSE", "1", 1);
    if (in->said >= 0)
        dup2(in->said, STDERR_FILENO);
    enum loaded got = start(&h, in);
    fflush(stderr);
    return got;
}

/* The first line of what was said, with ": " behind it; "" if there is none. */
static const char *reason(int said, char *buf, size_t room)
{
    ssize_t n = said >= 0 ? pread(said, buf, room - 3, 0) : 0;
    buf[n > 0 ? n : 0] = 0;
    buf[strcspn(buf, "\n")] = 0;
    for (char *c = buf; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return *buf ? strcat(buf, ": ") : buf;
}

/* libhwloc (2.9) crashes on some XML that does not hang together: whether it does is seen in a child first. */
static struct topo *load(struct input *in, const char *source, struct fault *f)
{
    struct fault inner = {0};
    struct topo *t = NULL;
    hwloc_topology_t h;
    char why[200];
    in->said = memfd_create("said", MFD_CLOEXEC);
    int got = in_child(try_starting, in, in->name, "libhwloc", f);
    if (got == LOADED)
        got = start_quietly(&h, in);
    if (got == NO_START)
        fault_set(f, EXIT_HOST_FAILED, "libhwloc does not start");
    if (got == REFUSED)
        fault_set(f, EXIT_BAD_INPUT, "%s: %s%s", in->name, reason(in->said, why, sizeof(why)), in->expected);
    if (in->said >= 0)
        close(in->said);
    if (got != LOADED)
        return NULL;
    if (!(t = topo_from_hwloc(h, source, &inner)))
        fault_set(f, inner.code, "%s: %s", in->name, inner.text);
    hwloc_topology_destroy(h);
    return finish(t, in->name, f);
}

static int set_xml(hwloc_topology_t h, const struct input *in)
{
    return hwloc_topology_set_xmlbuffer(h, in->text, (int)in->size + 1); /* it wants the end marked, and counted */
}

struct topo *topo_read_hwloc_xml(const char *data, size_t size, const char *name, struct fault *f)
{
    char source[512];
    struct input in = {set_xml, NULL, 0, name, "libhwloc does not take it: its objects do not fit into each other", -1};
    char *plain = xml_plain(data, size, name, &in.size, f);
    struct topo *t = NULL;
    snprintf(source, sizeof(source), "hwloc XML %s", name);
    if ((in.text = plain))
        t = load(&in, source, f);
    free(plain);
    return t;
}

static int set_synthetic(hwloc_topology_t h, const struct input *in)
{
    return hwloc_topology_set_synthetic(h, in->text);
}

/* Objects of the last level of a synthetic string: the product of the counts outside of parentheses. At most `most`. */
static uint64_t synthetic_size(const char *text, uint64_t most)
{
    uint64_t size = 1;
    int depth = 0;
    for (const char *c = text; *c && size < most; c++) {
        depth += (*c == '(') - (*c == ')' && depth > 0); /* libhwloc passes over a ')' too many */
        if (*c != ':' || depth)
            continue;
        uint64_t n = strtoull(c + 1, NULL, 0);
        size = n > most / size ? most : n ? size * n : size;
    }
    return size;
}

struct topo *topo_read_synthetic(const char *text, struct fault *f)
{
    char source[512];
    struct input in = {
        set_synthetic, text, 0, "synthetic", "expected levels with counts as \"package:2 [numa] core:8 pu:2\"", -1};
    if (synthetic_size(text, MAX_SYNTHETIC) == MAX_SYNTHETIC) {
        fault_set(f, EXIT_BAD_INPUT, "synthetic: %u or more objects in a level: no machine has them", MAX_SYNTHETIC);
        return NULL;
    }
    snprintf(source, sizeof(source), "hwloc synthetic \"%s\"", text);
    return load(&in, source, f);
}

static int set_nothing(hwloc_topology_t h, const struct input *in)
{
    (void)h, (void)in;
    return 0;
}

/* libhwloc reads the host's own processor where it does not like what it finds. */
static bool is_cpuid_dump(const char *dir)
{
    char line[32] = "", path[4300];
    unsigned nr = 0, most = 0, n;
    int end;
    snprintf(path, sizeof(path), "%s/hwloc-cpuid-info", dir);
    FILE *info = fopen(path, "re");
    bool x86 = info && fgets(line, sizeof(line), info) && !strcmp(line, "Architecture: x86\n");
    if (info)
        fclose(info);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        if (sscanf(e->d_name, "pu%u%n", &n, &end) == 1 && !e->d_name[end]) {
            most = n > most ? n : most;
            nr++;
        }
    if (d)
        closedir(d);
    return x86 && nr && most == nr - 1;
}

/* What tells libhwloc to read somebody else's files, and which; it takes them from the environment. */
struct files_of_box {
    const char *variable, *components, *source, *expected;
};

static struct topo *read_box(const char *dir, const char *name, struct fault *f)
{
    static const struct files_of_box how[] = {
        [BOX_SYSFS] = {"HWLOC_FSROOT", "linux,stop", "sysfs",
                       "libhwloc makes nothing of it: expected sys/devices/system/cpu/cpu*/topology, as Linux 2.6.16 "
                       "and later have it"},
        [BOX_CPUID] = {"HWLOC_CPUID_PATH", "x86,stop", "cpuid",
                       "expected hwloc-cpuid-info of x86 and pu0, pu1... without a gap, as hwloc-gather-cpuid writes "
                       "them"},
    };
    struct stat st;
    char root[4200], path[4300], source[512];
    enum box_files is = find_box(dir, root, sizeof(root));
    struct input in = {set_nothing, NULL, 0, name, how[is].expected, -1};
    if (is == BOX_NONE) {
        fault_set(f, EXIT_BAD_INPUT, "%s: neither sys/ nor hwloc-cpuid-info in it: expected the sysfs of a box", name);
        return NULL;
    }
    snprintf(path, sizeof(path), "%s/sys/devices/system/cpu", root);
    if (is == BOX_SYSFS && stat(path, &st) < 0) {
        fault_set(f, EXIT_BAD_INPUT, "%s: no sys/devices/system/cpu in it: expected the sysfs of a box", name);
        return NULL;
    }
    if (is == BOX_CPUID && !is_cpuid_dump(root)) {
        fault_set(f, EXIT_BAD_INPUT, "%s: %s", name, how[is].expected);
        return NULL;
    }
    snprintf(source, sizeof(source), "%s %s", how[is].source, name);
    setenv(how[is].variable, root, 1);
    setenv("HWLOC_COMPONENTS", how[is].components, 1);
    struct topo *t = load(&in, source, f);
    unsetenv(how[is].variable);
    unsetenv("HWLOC_COMPONENTS");
    return t;
}

struct topo *topo_read_sysfs(const char *path, struct fault *f)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        fault_set(f, EXIT_BAD_INPUT, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (S_ISDIR(st.st_mode))
        return read_box(path, path, f);
    struct unpacked u;
    struct topo *t = NULL;
    if (unpack(path, &u, f)) {
        t = read_box(u.dir, path, f);
        unpack_remove(&u);
    }
    return t;
}
