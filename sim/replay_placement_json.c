/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading values of a recorded placement: each has a type and a range, and every mistake has its place. */
#include "replay_placement.h"

#include <config.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE (256l * 1024 * 1024)
#define MAX_WHOLE 9007199254740992.0 /* 2^53: beyond it a double is no count any more */

/* ---- memory and mistakes ------------------------------------------------------------------------------------------
 */

struct placement_block {
    struct placement_block *next;
    max_align_t data[];
};

void *placement_alloc(struct placement_record *r, size_t nr, size_t size, struct fault *f)
{
    struct placement_block *b = NULL;
    if (nr <= (SIZE_MAX - sizeof(*b)) / (size ? size : 1))
        b = calloc(1, sizeof(*b) + (nr ? nr : 1) * size);
    if (!b) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return NULL;
    }
    b->next = r->block;
    r->block = b;
    return b->data;
}

void placement_free(struct placement_record *r)
{
    while (r->block) {
        struct placement_block *next = r->block->next;
        free(r->block);
        r->block = next;
    }
    json_free(r->json);
    free(r->text);
    memset(r, 0, sizeof(*r));
}

static void fault_at(const struct placement_record *r, size_t at, struct fault *f, const char *text)
{
    unsigned line, column;
    json_place(r->text, at, &line, &column);
    fault_set(f, EXIT_BAD_INPUT, "%s:%u:%u: %s", r->path, line, column, text);
}

void placement_fault(const struct placement_record *r, const struct json *at, struct fault *f, const char *fmt, ...)
{
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    fault_at(r, at ? at->at : 0, f, text);
}

/* ---- objects ------------------------------------------------------------------------------------------------------
 */

static const char *kind_of(const struct json *v)
{
    static const char *const names[] = {"null", "true or false", "a number", "a string", "a list", "an object"};
    return names[v->type];
}

const struct json *placement_need(struct placement_record *r, const struct json *j, const char *key, struct fault *f)
{
    const struct json *v = json_get(j, key);
    if (v || !j)
        return v;
    if (j->type != JSON_OBJECT) {
        placement_fault(r, j, f, "expected an object with '%s', found %s", key, kind_of(j));
        return NULL;
    }
    const char **names = placement_alloc(r, j->nr + 1, sizeof(*names), f);
    if (!names)
        return NULL;
    for (size_t i = 0; i < j->nr; i++)
        names[i] = j->key[i];
    const char *near = cfg_nearest(key, names);
    placement_fault(r, j, f, "'%s' is missing%s%s%s", key, near ? "; is it what '" : "", near ? near : "",
                    near ? "' means?" : "");
    return NULL;
}

void placement_check_keys(const struct placement_record *r, const struct json *j, const char *const *known,
                          struct fault *f)
{
    for (size_t i = 0; j && j->type == JSON_OBJECT && i < j->nr; i++) {
        bool found = false;
        for (const char *const *k = known; *k; k++)
            found |= !strcmp(*k, j->key[i]);
        for (size_t k = 0; k < i && f->code == EXIT_DONE; k++)
            if (!strcmp(j->key[k], j->key[i])) {
                char text[300];
                snprintf(text, sizeof(text), "a second '%.200s'", j->key[i]);
                fault_at(r, j->key_at[i], f, text);
            }
        if (found || f->code != EXIT_DONE)
            continue;
        unsigned line, column;
        const char *near = cfg_nearest(j->key[i], known);
        json_place(r->text, j->key_at[i], &line, &column);
        fprintf(stderr, "%s:%u:%u: '%s' is not known and not used%s%s%s\n", r->path, line, column, j->key[i],
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
}

/* The member, NULL where there is none or null; *ok false: one that is required is missing. */
static const struct json *member(struct placement_record *r, const struct json *j, const char *key, bool required,
                                 bool *ok, struct fault *f)
{
    const struct json *v = required ? placement_need(r, j, key, f) : json_get(j, key);
    *ok = v || !required;
    if (!v || v->type != JSON_NULL)
        return v;
    if (required)
        placement_fault(r, v, f, "'%s' is null", key);
    *ok = !required;
    return NULL;
}

/* ---- values -------------------------------------------------------------------------------------------------------
 */

static bool whole(const struct placement_record *r, const struct json *v, const char *what, uint64_t min, uint64_t max,
                  uint64_t *out, struct fault *f)
{
    double limit = max < (uint64_t)MAX_WHOLE ? (double)max : MAX_WHOLE;
    if (v->type != JSON_NUMBER || v->number != floor(v->number) || v->number < (double)min || v->number > limit) {
        placement_fault(r, v, f, "%s: expected a whole number from %llu to %.0f, found %s", what,
                        (unsigned long long)min, limit, v->type == JSON_NUMBER ? v->text : kind_of(v));
        return false;
    }
    *out = (uint64_t)v->number;
    return true;
}

bool placement_uint(struct placement_record *r, const struct json *j, const char *key, bool required, uint64_t min,
                    uint64_t max, uint64_t *out, struct fault *f)
{
    bool ok;
    const struct json *v = member(r, j, key, required, &ok, f);
    return v ? whole(r, v, key, min, max, out, f) : ok;
}

bool placement_text(struct placement_record *r, const struct json *j, const char *key, bool required, const char **out,
                    struct fault *f)
{
    bool ok;
    const struct json *v = member(r, j, key, required, &ok, f);
    if (!v)
        return ok;
    if (v->type != JSON_STRING || !*v->text) {
        placement_fault(r, v, f, "%s: expected a string%s, found %s", key,
                        v->type == JSON_STRING ? " of some length" : "",
                        v->type == JSON_STRING ? "an empty one" : kind_of(v));
        return false;
    }
    *out = v->text;
    return true;
}

bool placement_bool(struct placement_record *r, const struct json *j, const char *key, bool *given, bool *out,
                    struct fault *f)
{
    bool ok;
    const struct json *v = member(r, j, key, false, &ok, f);
    *given = v != NULL;
    if (!v)
        return true;
    if (v->type != JSON_BOOL) {
        placement_fault(r, v, f, "%s: expected true or false, found %s", key, kind_of(v));
        return false;
    }
    *out = v->boolean;
    return true;
}

static int by_value(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

bool placement_numbers(struct placement_record *r, const struct json *v, const char *what, unsigned limit,
                       struct placement_set *out, struct fault *f)
{
    if (v->type != JSON_ARRAY) {
        placement_fault(r, v, f, "%s: expected a list of numbers, found %s", what, kind_of(v));
        return false;
    }
    out->item = placement_alloc(r, v->nr, sizeof(*out->item), f);
    if (!out->item)
        return false;
    for (size_t i = 0; i < v->nr; i++) {
        uint64_t n = 0;
        if (!whole(r, v->item[i], what, 0, limit ? limit - 1 : 0, &n, f))
            return false;
        for (size_t k = 0; k < i; k++)
            if (out->item[k] == n) {
                placement_fault(r, v->item[i], f, "%s: %llu stands there twice", what, (unsigned long long)n);
                return false;
            }
        out->item[i] = (unsigned)n;
    }
    out->given = true;
    out->nr = (unsigned)v->nr;
    qsort(out->item, out->nr, sizeof(*out->item), by_value);
    return true;
}

uint64_t *placement_pages(struct placement_record *r, const struct json *v, const char *what, struct fault *f)
{
    if (v->type != JSON_ARRAY || v->nr != r->nr_nodes) {
        char found[32];
        snprintf(found, sizeof(found), "%zu numbers", v->nr);
        placement_fault(r, v, f, "%s: expected a number of pages for each of %u nodes, found %s", what, r->nr_nodes,
                        v->type == JSON_ARRAY ? found : kind_of(v));
        return NULL;
    }
    uint64_t *pages = placement_alloc(r, v->nr, sizeof(*pages), f);
    for (size_t i = 0; pages && i < v->nr; i++)
        if (!whole(r, v->item[i], what, 0, UINT64_C(1) << 40, &pages[i], f))
            return NULL;
    return pages;
}

/* ---- the file -----------------------------------------------------------------------------------------------------
 */

static char *read_file(const char *path, struct fault *f)
{
    FILE *in = fopen(path, "re");
    char *text = NULL;
    size_t nr = 0, room = 0;
    while (in && !feof(in) && !ferror(in) && nr < MAX_FILE) {
        if (room - nr < 65536) {
            room = room ? 2 * room : 131072;
            char *more = realloc(text, room + 1);
            if (!more) {
                fault_set(f, EXIT_HOST_FAILED, "out of memory");
                break;
            }
            text = more;
        }
        nr += fread(text + nr, 1, room - nr, in);
    }
    if (!in || ferror(in))
        fault_set(f, EXIT_BAD_INPUT, "%s: cannot read: %s", path, strerror(errno));
    if (nr >= MAX_FILE)
        fault_set(f, EXIT_BAD_INPUT, "%s:1:1: larger than %ld MiB: not a recorded placement", path, MAX_FILE >> 20);
    if (in)
        fclose(in);
    if (f->code == EXIT_DONE) {
        text[nr] = 0;
        return text;
    }
    free(text);
    return NULL;
}

int placement_open(struct placement_record *r, const char *path, struct fault *f)
{
    char what[64];
    size_t at = 0;
    r->path = path;
    r->text = read_file(path, f);
    if (!r->text)
        return f->code;
    r->json = json_parse_at(r->text, &at, what, sizeof(what));
    if (!r->json) {
        char text[96];
        snprintf(text, sizeof(text), "expected %s", what);
        fault_at(r, at, f, text);
    }
    return f->code;
}
