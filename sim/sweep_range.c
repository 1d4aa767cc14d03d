/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sweep.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t");
}

static bool whole_number(const char **p, int64_t *out)
{
    const char *s = skip_space(*p);
    if (!isdigit((unsigned char)s[*s == '-']))
        return false;
    char *end;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    *p = skip_space(end);
    *out = v;
    return !errno;
}

int sweep_range_parse(const char *text, int64_t **values, size_t *n, const char **why)
{
    int64_t first, last, step = 1;
    const char *p = text;
    if (!whole_number(&p, &first) || strncmp(p, "..", 2) != 0)
        return 0;
    p += 2;
    *why = "expected \"A..B\" or \"A..B step S\" with whole numbers";
    if (!whole_number(&p, &last))
        return -1;
    if (!strncmp(p, "step", 4)) {
        p += 4;
        if (!whole_number(&p, &step))
            return -1;
    }
    if (*p)
        return -1;
    *why = "the step of a range must be at least 1";
    if (step < 1)
        return -1;
    *why = "the range is empty: its end is below its start";
    if (last < first)
        return -1;
    *why = "the range has too many values";
    /* In unsigned arithmetic the width cannot overflow. */
    uint64_t count = ((uint64_t)last - (uint64_t)first) / (uint64_t)step + 1;
    if (count > SWEEP_MAX_RUNS || count == 0)
        return -1;
    *why = "out of memory";
    *values = malloc(count * sizeof(int64_t));
    if (!*values)
        return -1;
    for (uint64_t i = 0; i < count; i++)
        (*values)[i] = first + (int64_t)(i * (uint64_t)step);
    *n = count;
    return 1;
}
