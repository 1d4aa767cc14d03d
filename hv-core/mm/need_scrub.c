/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The need_scrub bits of the frame table (hv/frame.h): which pages of free buddies are still to be scrubbed.
 *
 * A bit is found at the lowest level that exists: of a frame if its 2 MiB block is split, else of the block if its
 * 1 GiB block is, else of that. Ranges are walked by the largest pieces that one bit or one set of 512 bits speaks for,
 * so a uniform 1 GiB costs one step, and the worst one, of which every 2 MiB is mixed, 512 times 8 words.
 *
 * All under the heap lock, save need_scrub_next(): whoever scrubs a buddy reads the bits of that buddy without it.
 */
#include <hv/frame.h>
#include <hv/lib.h>

#define WORD_BITS 64u

static struct frame_set_1g *top_of(uint64_t f)
{
    return frame_top[f >> FRAME_TOP_SHIFT];
}

static bool bit_test(const uint64_t *w, unsigned i)
{
    return w[i / WORD_BITS] >> i % WORD_BITS & 1;
}

static void bit_put(uint64_t *w, unsigned i, bool on)
{
    if (on)
        w[i / WORD_BITS] |= 1ull << i % WORD_BITS;
    else
        w[i / WORD_BITS] &= ~(1ull << i % WORD_BITS);
}

/* Bits from..end - 1 that are in word k. */
static uint64_t word_mask(unsigned k, unsigned from, unsigned end)
{
    uint64_t mask = ~0ull;

    if (from > k * WORD_BITS)
        mask <<= from - k * WORD_BITS;
    if (end < (k + 1) * WORD_BITS)
        mask &= ~0ull >> ((k + 1) * WORD_BITS - end);
    return mask;
}

static unsigned weight(const uint64_t *w, unsigned from, unsigned end)
{
    unsigned n = 0;

    for (unsigned k = from / WORD_BITS; k * WORD_BITS < end; k++)
        n += (unsigned)__builtin_popcountll(w[k] & word_mask(k, from, end));
    return n;
}

/* Do all bits from..end - 1 have the value? */
static bool all_are(const uint64_t *w, unsigned from, unsigned end, bool on)
{
    return weight(w, from, end) == (on ? end - from : 0);
}

static void fill(uint64_t *w, unsigned from, unsigned end, bool on)
{
    for (unsigned k = from / WORD_BITS; k * WORD_BITS < end; k++) {
        if (on)
            w[k] |= word_mask(k, from, end);
        else
            w[k] &= ~word_mask(k, from, end);
    }
}

/*
 * What speaks for frame f: the 512 bits of its block's frames, from which f's and its neighbours' are taken, or a
 * single bit, for a block of 2^*order frames.
 */
static uint64_t *bits_of(uint64_t f, unsigned *order, unsigned *index)
{
    struct frame_set_1g *t = top_of(f);
    unsigned gi = (f >> ORDER_1G) % FRAME_FANOUT, bi = (f >> ORDER_2M) % FRAME_FANOUT;
    struct frame_set_2m *blocks = t->block[gi].blocks;

    if (!blocks) {
        *order = ORDER_1G;
        *index = gi;
        return t->need_scrub;
    }
    struct frame_set_4k *frames = blocks->block[bi].frames;
    if (!frames) {
        *order = ORDER_2M;
        *index = bi;
        return blocks->need_scrub;
    }
    *order = 0;
    *index = f % FRAME_FANOUT;
    return frames->need_scrub;
}

/* End of the piece that begins at f: of the block that bits_of() found a bit for, of the set of frames, or of all. */
static uint64_t piece_end(uint64_t f, unsigned order, uint64_t end)
{
    uint64_t size = 1ull << (order ? order : ORDER_2M), e = (f | (size - 1)) + 1;
    return e < end ? e : end;
}

static uint64_t put_range(uint64_t from, uint64_t end, bool on)
{
    uint64_t changed = 0;

    for (uint64_t stop; from < end; from = stop) {
        unsigned order, i;
        uint64_t *w = bits_of(from, &order, &i);
        stop = piece_end(from, order, end);
        if (order && bit_test(w, i) != on && stop - from < 1ull << order) {
            /* A part of what one bit speaks for. */
            if (frame_table_ensure(from, order == ORDER_1G ? ORDER_2M : 0))
                stop = from;
            continue;
        }
        if (order) {
            if (bit_test(w, i) != on)
                changed += stop - from;
            bit_put(w, i, on);
        } else {
            unsigned n = (unsigned)(stop - from), set = weight(w, i, i + n);
            changed += on ? n - set : set;
            fill(w, i, i + n, on);
        }
    }
    return changed;
}

void need_scrub_set(uint64_t f, unsigned order)
{
    (void)put_range(f, f + (1ull << order), true);
}

uint64_t need_scrub_clear(uint64_t from, uint64_t end)
{
    return put_range(from, end, false);
}

uint64_t need_scrub_count(uint64_t from, uint64_t end)
{
    uint64_t n = 0;

    for (uint64_t stop; from < end; from = stop) {
        unsigned order, i;
        const uint64_t *w = bits_of(from, &order, &i);
        stop = piece_end(from, order, end);
        if (!order)
            n += weight(w, i, i + (unsigned)(stop - from));
        else if (bit_test(w, i))
            n += stop - from;
    }
    return n;
}

/* The first frame at or after from, below end, whose bit has the value; end if there is none. */
static uint64_t seek(uint64_t from, uint64_t end, bool on)
{
    for (uint64_t stop; from < end; from = stop) {
        unsigned order, i;
        const uint64_t *w = bits_of(from, &order, &i);
        stop = piece_end(from, order, end);
        if (order) {
            if (bit_test(w, i) == on)
                return from;
            continue;
        }
        unsigned last = i + (unsigned)(stop - from);
        for (unsigned k = i / WORD_BITS; k * WORD_BITS < last; k++) {
            uint64_t found = (on ? w[k] : ~w[k]) & word_mask(k, i, last);
            if (found)
                return from + k * WORD_BITS + hv_ffs64(found) - i;
        }
    }
    return end;
}

uint64_t need_scrub_next(uint64_t from, uint64_t end, uint64_t *stop)
{
    from = seek(from, end, true);
    *stop = seek(from, end, false);
    return from;
}

/* No frame of the blocks that may be dirty is in a block that is split. */
static bool blocks_uniform(const struct frame_set_2m *s, unsigned from)
{
    for (unsigned i = 0; i < FRAME_FANOUT; i++)
        if (s->block[i].frames)
            return false;
    return all_are(s->need_scrub, from, FRAME_FANOUT, true);
}

void need_scrub_trim(uint64_t f, unsigned order, unsigned first_dirty)
{
    struct frame_set_1g *t = top_of(f);
    unsigned gi = (f >> ORDER_1G) % FRAME_FANOUT, bi = (f >> ORDER_2M) % FRAME_FANOUT;
    struct frame_set_2m *blocks = t->block[gi].blocks;

    if (!blocks)
        return;
    if (order == ORDER_1G) {
        if (!blocks_uniform(blocks, first_dirty >> ORDER_2M))
            return;
        frame_table_trim(f, ORDER_1G);
        bit_put(t->need_scrub, gi, true);
    } else {
        struct frame_set_4k *frames = blocks->block[bi].frames;
        if (!frames || !all_are(frames->need_scrub, first_dirty, FRAME_FANOUT, true))
            return;
        frame_table_trim(f, ORDER_2M);
        bit_put(blocks->need_scrub, bi, true);
    }
}

void need_scrub_forget(uint64_t f, unsigned order)
{
    if (order >= ORDER_1G) {
        frame_table_trim(f, ORDER_1G);
    } else if (order >= ORDER_2M && frame_block_1g(f)->blocks) {
        for (uint64_t end = f + (1ull << order); f < end; f += 1ull << ORDER_2M)
            frame_table_trim(f, ORDER_2M);
    }
}
