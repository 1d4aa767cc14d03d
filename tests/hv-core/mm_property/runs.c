/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps of ranges, and bits. */
#include "mm_property.h"

#include <stdlib.h>
#include <string.h>

void runs_free(struct runs *r)
{
    free(r->run);
    *r = (struct runs){0};
}

/* The first run that ends beyond at. */
static unsigned find(const struct runs *r, uint64_t at)
{
    unsigned low = 0, high = r->nr;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (r->run[mid].at + r->run[mid].len > at)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static void insert(struct runs *r, unsigned i, struct run new)
{
    if (r->nr == r->room) {
        r->room = r->room ? 2 * r->room : 16;
        r->run = realloc(r->run, r->room * sizeof(*r->run));
        if (!r->run)
            abort();
    }
    memmove(&r->run[i + 1], &r->run[i], (r->nr - i) * sizeof(*r->run));
    r->run[i] = new;
    r->nr++;
    r->sum += new.len;
}

static void take_out(struct runs *r, unsigned i, unsigned n)
{
    for (unsigned k = i; k < i + n; k++)
        r->sum -= r->run[k].len;
    r->nr -= n;
    memmove(&r->run[i], &r->run[i + n], (r->nr - i) * sizeof(*r->run));
}

void runs_clear(struct runs *r, uint64_t at, uint64_t len)
{
    unsigned i = find(r, at), n = 0;
    uint64_t end = at + len;

    while (i + n < r->nr && r->run[i + n].at < end)
        n++;
    if (!n)
        return;
    struct run first = r->run[i], last = r->run[i + n - 1];
    take_out(r, i, n);
    if (first.at < at)
        insert(r, i++, (struct run){first.at, first.to, at - first.at});
    if (last.at + last.len > end)
        insert(r, i, (struct run){end, last.to + (end - last.at), last.at + last.len - end});
}

static bool joins(const struct run *a, const struct run *b)
{
    return a->at + a->len == b->at && a->to + a->len == b->to;
}

void runs_set(struct runs *r, uint64_t at, uint64_t to, uint64_t len)
{
    runs_clear(r, at, len);
    unsigned i = find(r, at);
    insert(r, i, (struct run){at, to, len});
    if (i + 1 < r->nr && joins(&r->run[i], &r->run[i + 1])) {
        r->run[i].len += r->run[i + 1].len;
        r->sum += r->run[i + 1].len;
        take_out(r, i + 1, 1);
    }
    if (i > 0 && joins(&r->run[i - 1], &r->run[i])) {
        r->run[i - 1].len += r->run[i].len;
        r->sum += r->run[i].len;
        take_out(r, i, 1);
    }
}

uint64_t runs_get(const struct runs *r, uint64_t at, uint64_t *left)
{
    unsigned i = find(r, at);
    if (i == r->nr || r->run[i].at > at) {
        *left = i == r->nr ? ~0ull - at : r->run[i].at - at;
        return RUN_NONE;
    }
    *left = r->run[i].at + r->run[i].len - at;
    return r->run[i].to + (at - r->run[i].at);
}

/* ---- bits ------------------------------------------------------------------------------------------------------- */

/* The bits of the word that at is in which are among n from at on. */
static uint64_t word_mask(uint64_t at, uint64_t n)
{
    uint64_t shift = at % 64, mask = n >= 64 ? ~0ull : (1ull << n) - 1;
    return mask << shift;
}

void bits_set(uint64_t *map, uint64_t at, uint64_t n, bool set)
{
    while (n) {
        uint64_t mask = word_mask(at, n), step = 64 - at % 64;
        map[at / 64] = set ? map[at / 64] | mask : map[at / 64] & ~mask;
        at += step;
        n -= step < n ? step : n;
    }
}

bool bits_turn(uint64_t *map, uint64_t at, uint64_t n, bool were)
{
    while (n) {
        uint64_t mask = word_mask(at, n), step = 64 - at % 64;
        if ((map[at / 64] & mask) != (were ? mask : 0))
            return false;
        map[at / 64] ^= mask;
        at += step;
        n -= step < n ? step : n;
    }
    return true;
}

bool bits_are(const uint64_t *map, uint64_t at, uint64_t n, bool set)
{
    while (n) {
        uint64_t mask = word_mask(at, n), step = 64 - at % 64;
        if ((map[at / 64] & mask) != (set ? mask : 0))
            return false;
        at += step;
        n -= step < n ? step : n;
    }
    return true;
}
