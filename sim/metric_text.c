/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metric_text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 * 1024, FIRST_SLOTS = 256, FIRST_WORDS = 128 };

struct chunk {
    struct chunk *next;
    size_t used, room;
    _Alignas(max_align_t) char bytes[];
};

struct word {
    uint32_t number;
    char text[];
};

struct metric_text {
    struct chunk *chunk;
    const char **word; /* by number */
    size_t nr_words, room;
    const char **slot; /* by hash; NULL: empty. A power of two of them, at most half are used */
    size_t nr_slots;
};

static void *take(struct metric_text *t, size_t bytes)
{
    const size_t align = _Alignof(struct metric_label);
    bytes = (bytes + align - 1) / align * align;
    if (!t->chunk || t->chunk->room - t->chunk->used < bytes) {
        size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        struct chunk *c = malloc(sizeof(*c) + room);
        if (!c)
            return NULL;
        *c = (struct chunk){.next = t->chunk, .room = room};
        t->chunk = c;
    }
    void *p = t->chunk->bytes + t->chunk->used;
    t->chunk->used += bytes;
    return p;
}

struct metric_text *metric_text_new(void)
{
    struct metric_text *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->nr_slots = FIRST_SLOTS;
    t->room = FIRST_WORDS;
    t->slot = calloc(t->nr_slots, sizeof(*t->slot));
    t->word = calloc(t->room, sizeof(*t->word));
    if (!t->slot || !t->word) {
        metric_text_free(t);
        return NULL;
    }
    return t;
}

void metric_text_free(struct metric_text *t)
{
    if (!t)
        return;
    while (t->chunk) {
        struct chunk *c = t->chunk;
        t->chunk = c->next;
        free(c);
    }
    free(t->slot);
    free(t->word);
    free(t);
}

/* FNV-1a. */
static size_t hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
    return (size_t)(h ^ h >> 32);
}

/* Where the word is, or would be put. */
static const char **lookup(const struct metric_text *t, const char *word)
{
    size_t i = hash(word) & (t->nr_slots - 1);
    while (t->slot[i] && strcmp(t->slot[i], word) != 0)
        i = (i + 1) & (t->nr_slots - 1);
    return &t->slot[i];
}

static bool make_room(struct metric_text *t)
{
    if (t->nr_words == t->room) {
        const char **more = realloc(t->word, 2 * t->room * sizeof(*more));
        if (!more)
            return false;
        t->word = more;
        t->room *= 2;
    }
    if (2 * (t->nr_words + 1) <= t->nr_slots)
        return true;
    const char **more = calloc(2 * t->nr_slots, sizeof(*more));
    if (!more)
        return false;
    free(t->slot);
    t->slot = more;
    t->nr_slots *= 2;
    for (size_t i = 0; i < t->nr_words; i++)
        *lookup(t, t->word[i]) = t->word[i];
    return true;
}

const char *metric_text_keep(struct metric_text *t, const char *text)
{
    const char **at = lookup(t, text);
    if (*at)
        return *at;
    size_t n = strlen(text) + 1;
    struct word *w = make_room(t) ? take(t, sizeof(*w) + n) : NULL;
    if (!w)
        return NULL;
    w->number = (uint32_t)t->nr_words;
    memcpy(w->text, text, n);
    *lookup(t, text) = w->text; /* the table may be another one now */
    return t->word[t->nr_words++] = w->text;
}

struct metric_label *metric_text_labels(struct metric_text *t, unsigned n)
{
    return take(t, n * sizeof(struct metric_label));
}

size_t metric_text_nr(const struct metric_text *t)
{
    return t ? t->nr_words : 0;
}

const char *metric_text_word(const struct metric_text *t, size_t number)
{
    return t->word[number];
}

uint32_t metric_text_number(const char *kept)
{
    return ((const struct word *)(const void *)(kept - offsetof(struct word, text)))->number;
}
