/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sums of the instrumented build, and the memory functions of a hypervisor, so that they are counted, too. */
#include <hv/path.h>
#include <stddef.h>

__attribute__((visibility("hidden"))) int64_t hv_path_sum[HV_PATH_SUMS] __attribute__((aligned(64)));
__attribute__((visibility("hidden"))) int64_t hv_path_touched;

extern const int32_t __start_hv_path_sites[] __attribute__((visibility("hidden")));
extern const int32_t __stop_hv_path_sites[] __attribute__((visibility("hidden")));

#ifdef __clang__
#define UNCOUNTED no_sanitize("coverage")
#else
#define UNCOUNTED no_sanitize_coverage
#endif

__attribute__((visibility("default"), UNCOUNTED)) const struct hv_path *hv_path_get(void)
{
    static struct hv_path path;
    path = (struct hv_path){HV_PATH_ABI, __start_hv_path_sites, __stop_hv_path_sites, hv_path_sum, &hv_path_touched};
    return &path;
}

/* ---- what freestanding C leaves to its surroundings -------------------------------------------------------------- */

/* Loops that the compiler must not make calls of these very functions of. Clang does not with -fno-builtin. */
#ifdef __clang__
#define LOOP __attribute__((visibility("hidden")))
#else
#define LOOP __attribute__((visibility("hidden"), optimize("no-tree-loop-distribute-patterns")))
#endif

typedef uint64_t __attribute__((may_alias, aligned(1))) word;

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

LOOP void *memcpy(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *s = from;
    for (; n >= 32; n -= 32, t += 32, s += 32) {
        word *d = (word *)t;
        const word *w = (const word *)s;
        uint64_t a = w[0], b = w[1], c = w[2], e = w[3];
        d[0] = a, d[1] = b, d[2] = c, d[3] = e;
    }
    for (; n >= 8; n -= 8, t += 8, s += 8)
        *(word *)t = *(const word *)s;
    while (n--)
        *t++ = *s++;
    return to;
}

LOOP void *memmove(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *s = from;
    if (t <= s || t >= s + n)
        return memcpy(to, from, n);
    while (n--)
        t[n] = s[n];
    return to;
}

LOOP void *memset(void *to, int c, size_t n)
{
    char *t = to;
    uint64_t fill = (unsigned char)c * UINT64_C(0x0101010101010101);
    for (; n >= 32; n -= 32, t += 32) {
        word *d = (word *)t;
        d[0] = fill, d[1] = fill, d[2] = fill, d[3] = fill;
    }
    for (; n >= 8; n -= 8, t += 8)
        *(word *)t = fill;
    while (n--)
        *t++ = (char)c;
    return to;
}

LOOP int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}
