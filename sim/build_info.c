/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build_info.h"

#include "version.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

struct build_info build_info(void)
{
    return (struct build_info){
        .version = HVSIM_VERSION,
        .commit = HVSIM_GIT_COMMIT,
        .dirty = HVSIM_GIT_DIRTY,
#ifdef __clang__
        .compiler = "clang " __clang_version__,
#else
        .compiler = "gcc " __VERSION__,
#endif
        .type = HVSIM_BUILD_TYPE,
    };
}

/* Offset basis and prime of 128-bit FNV-1a (draft-eastlake-fnv). */
#define FNV_BASIS_HIGH UINT64_C(0x6c62272e07bb0142)
#define FNV_BASIS_LOW UINT64_C(0x62b821756295c58d)
#define FNV_PRIME (((unsigned __int128)1 << 88) + 0x13b)

struct content_hash content_hash_start(void)
{
    return (struct content_hash){FNV_BASIS_HIGH, FNV_BASIS_LOW};
}

struct content_hash content_hash_add(struct content_hash h, const void *data, size_t n)
{
    unsigned __int128 v = (unsigned __int128)h.high << 64 | h.low;
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        v = (v ^ p[i]) * FNV_PRIME;
    return (struct content_hash){(uint64_t)(v >> 64), (uint64_t)v};
}

struct content_hash content_hash_add_string(struct content_hash h, const char *s)
{
    return content_hash_add(h, s, strlen(s) + 1);
}

const char *content_hash_text(char buf[CONTENT_HASH_TEXT_MAX], struct content_hash h)
{
    snprintf(buf, CONTENT_HASH_TEXT_MAX, "%016" PRIx64 "%016" PRIx64, h.high, h.low);
    return buf;
}

bool content_hash_file(const char *path, struct content_hash *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct content_hash h = content_hash_start();
    char buf[65536];
    ssize_t n;
    while ((n = read(fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            h = content_hash_add(h, buf, (size_t)n);
    int saved = errno;
    close(fd);
    errno = saved;
    *out = h;
    return n == 0;
}

/* "model name : ..." of the first processor; other architectures than x86 do not have it. */
static void read_cpu_model(char *out, size_t n)
{
    char line[512];
    FILE *f = fopen("/proc/cpuinfo", "re");
    while (f && fgets(line, sizeof(line), f)) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !value)
            continue;
        value += strspn(value, ": \t");
        value[strcspn(value, "\n")] = 0;
        snprintf(out, n, "%.*s", (int)n - 1, value);
        break;
    }
    if (f)
        fclose(f);
}

void host_info_read(struct host_info *h)
{
    memset(h, 0, sizeof(*h));
    struct utsname u;
    bool named = uname(&u) == 0;
    snprintf(h->cpu, sizeof(h->cpu), "%s", named ? u.machine : "unknown");
    snprintf(h->kernel, sizeof(h->kernel), "%.48s %.72s", named ? u.sysname : "unknown", named ? u.release : "");
    read_cpu_model(h->cpu, sizeof(h->cpu));
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    h->cpus = cpus > 0 ? (unsigned)cpus : 1;
}
