/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

/* ---- writing -------------------------------------------------------------------------------------------------- */

const char *double_text(char buf[DOUBLE_TEXT_MAX], double v)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buf, DOUBLE_TEXT_MAX, "%.*g", digits, v);
        if (strtod(buf, NULL) == v)
            break;
    }
    return buf;
}

/* Length of the text up to its end or the next character that is written in another way. */
static size_t plain_length(const char *s)
{
    size_t n = 0;
    while ((unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\' && s[n] != 0x7f)
        n++;
    return n;
}

void json_write_string(FILE *f, const char *s)
{
    static const char plain[] = "\"\\\b\f\n\r\t", escaped[] = "\"\\bfnrt";
    putc_unlocked('"', f);
    for (;; s++) {
        size_t n = plain_length(s); /* large hosts have some hundred thousand strings, most of them plain */
        fwrite_unlocked(s, 1, n, f);
        s += n;
        if (!*s)
            break;
        const char *special = strchr(plain, *s);
        if (special)
            fprintf(f, "\\%c", escaped[special - plain]);
        else
            fprintf(f, "\\u%04x", (unsigned char)*s);
    }
    putc_unlocked('"', f);
}

void json_write_double(FILE *f, double v)
{
    char buf[DOUBLE_TEXT_MAX];
    fputs(isfinite(v) ? double_text(buf, v) : "null", f);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

struct parser {
    const char *start, *p;
    const char *wrong; /* what was expected where p stands; NULL: all is well */
    unsigned depth;
};

static struct json *parse_value(struct parser *q);

static void *expected(struct parser *q, const char *what)
{
    if (!q->wrong)
        q->wrong = what;
    return NULL;
}

static void skip_space(struct parser *q)
{
    while (*q->p == ' ' || *q->p == '\t' || *q->p == '\n' || *q->p == '\r')
        q->p++;
}

static bool accept(struct parser *q, char c)
{
    skip_space(q);
    if (*q->p != c)
        return false;
    q->p++;
    return true;
}

static struct json *make(struct parser *q, enum json_type type)
{
    struct json *j = calloc(1, sizeof(*j));
    if (!j)
        return expected(q, "more memory");
    j->type = type;
    return j;
}

static int hex4(struct parser *q)
{
    int v = 0;
    for (int i = 0; i < 4; i++, q->p++) {
        if (!isxdigit((unsigned char)*q->p))
            return -1;
        int c = tolower((unsigned char)*q->p);
        v = v * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return v;
}

static char *put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xc0 | (c >> 6));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (char)(0xe0 | (c >> 12));
        *out++ = (char)(0x80 | ((c >> 6) & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    } else {
        *out++ = (char)(0xf0 | (c >> 18));
        *out++ = (char)(0x80 | ((c >> 12) & 0x3f));
        *out++ = (char)(0x80 | ((c >> 6) & 0x3f));
        *out++ = (char)(0x80 | (c & 0x3f));
    }
    return out;
}

/* After "\u": one UTF-16 unit or a pair of surrogates. */
static char *parse_unicode(struct parser *q, char *out)
{
    int c = hex4(q);
    if (c >= 0xd800 && c < 0xdc00) {
        int low = q->p[0] == '\\' && q->p[1] == 'u' ? (q->p += 2, hex4(q)) : -1;
        c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
    }
    if (c <= 0)
        return expected(q, "a character as \\uXXXX");
    return put_utf8(out, (unsigned)c);
}

/* Bytes that a text needs that begins here, as far as its closing quote; decoding never makes it longer. */
static size_t room_of_text(const char *s)
{
    size_t n = 0;
    while (s[n] && s[n] != '"')
        n += s[n] == '\\' && s[n + 1] ? 2 : 1;
    return n + 1;
}

/* The text after an opening quote, decoded. */
static char *parse_text(struct parser *q)
{
    static const char escaped[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
    char *text = malloc(room_of_text(q->p)), *out = text;
    if (!text)
        return expected(q, "more memory");
    while (*q->p != '"') {
        const char *e;
        if ((unsigned char)*q->p < 0x20) {
            expected(q, "the end of a string");
        } else if (*q->p != '\\') {
            *out++ = *q->p++;
            continue;
        } else if (*++q->p == 'u') {
            q->p++;
            out = parse_unicode(q, out);
        } else if (*q->p && (e = strchr(escaped, *q->p))) {
            *out++ = plain[e - escaped];
            q->p++;
        } else {
            expected(q, "an escape of JSON");
        }
        if (q->wrong) {
            free(text);
            return NULL;
        }
    }
    q->p++;
    *out = 0;
    return text;
}

static bool add_item(struct parser *q, struct json *j, char *key, size_t key_at, struct json *item)
{
    struct json **items = realloc(j->item, (j->nr + 1) * sizeof(struct json *));
    if (items)
        j->item = items;
    char **keys = j->type == JSON_OBJECT && items ? realloc(j->key, (j->nr + 1) * sizeof(char *)) : NULL;
    if (keys)
        j->key = keys;
    size_t *places = keys ? realloc(j->key_at, (j->nr + 1) * sizeof(size_t)) : NULL;
    if (places)
        j->key_at = places;
    if (!items || (j->type == JSON_OBJECT && !places)) {
        expected(q, "more memory");
        free(key);
        json_free(item);
        return false;
    }
    if (places) {
        j->key[j->nr] = key;
        j->key_at[j->nr] = key_at;
    }
    j->item[j->nr++] = item;
    return true;
}

static bool parse_member(struct parser *q, struct json *j)
{
    char *key = NULL;
    size_t key_at = 0;
    if (j->type == JSON_OBJECT) {
        skip_space(q);
        key_at = (size_t)(q->p - q->start);
        if (!accept(q, '"'))
            return expected(q, "the name of a member");
        key = parse_text(q);
        if (key && !accept(q, ':'))
            expected(q, "':'");
    }
    struct json *item = q->wrong ? NULL : parse_value(q);
    if (!item) {
        free(key);
        return false;
    }
    return add_item(q, j, key, key_at, item);
}

static struct json *parse_collection(struct parser *q, enum json_type type, char end)
{
    struct json *j = make(q, type);
    if (!j || accept(q, end))
        return j;
    do {
        if (!parse_member(q, j)) {
            json_free(j);
            return NULL;
        }
    } while (accept(q, ','));
    if (!accept(q, end)) {
        json_free(j);
        return expected(q, type == JSON_ARRAY ? "',' or ']'" : "',' or '}'");
    }
    return j;
}

static struct json *parse_number(struct parser *q)
{
    char *end;
    double v = strtod(q->p, &end);
    /* strtod also reads "inf", "nan" and hexadecimal. */
    size_t n = strspn(q->p, "+-.0123456789eE");
    if (end == q->p || n != (size_t)(end - q->p) || *q->p == '+' || *q->p == '.')
        return expected(q, "a value");
    struct json *j = make(q, JSON_NUMBER);
    if (!j)
        return NULL;
    j->number = v;
    j->text = strndup(q->p, n);
    q->p = end;
    return j;
}

static struct json *parse_word(struct parser *q, const char *word, enum json_type type)
{
    size_t n = strlen(word);
    if (strncmp(q->p, word, n) != 0)
        return expected(q, "a value");
    q->p += n;
    struct json *j = make(q, type);
    if (j)
        j->boolean = *word == 't';
    return j;
}

static struct json *parse_string(struct parser *q)
{
    struct json *j = make(q, JSON_STRING);
    if (j && !(j->text = parse_text(q))) {
        json_free(j);
        return NULL;
    }
    return j;
}

static struct json *parse_value(struct parser *q)
{
    if (++q->depth > MAX_DEPTH)
        return expected(q, "fewer levels of nesting");
    struct json *j;
    skip_space(q);
    size_t at = (size_t)(q->p - q->start);
    if (accept(q, '{'))
        j = parse_collection(q, JSON_OBJECT, '}');
    else if (accept(q, '['))
        j = parse_collection(q, JSON_ARRAY, ']');
    else if (accept(q, '"'))
        j = parse_string(q);
    else if (*q->p == 't' || *q->p == 'f')
        j = parse_word(q, *q->p == 't' ? "true" : "false", JSON_BOOL);
    else if (*q->p == 'n')
        j = parse_word(q, "null", JSON_NULL);
    else
        j = parse_number(q);
    q->depth--;
    if (j)
        j->at = at;
    return j;
}

struct json *json_parse_at(const char *text, size_t *at, char *err, size_t errlen)
{
    struct parser q = {.start = text, .p = text};
    struct json *j = parse_value(&q);
    skip_space(&q);
    if (j && *q.p)
        expected(&q, "the end");
    if (!q.wrong)
        return j;
    snprintf(err, errlen, "%s", q.wrong);
    *at = (size_t)(q.p - q.start);
    json_free(j);
    return NULL;
}

struct json *json_parse(const char *text, char *err, size_t errlen)
{
    char what[64];
    size_t at;
    struct json *j = json_parse_at(text, &at, what, sizeof(what));
    if (!j)
        snprintf(err, errlen, "JSON, offset %zu: expected %s", at, what);
    return j;
}

void json_place(const char *text, size_t at, unsigned *line, unsigned *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < at && text[i]; i++) {
        *column = text[i] == '\n' ? 1 : *column + 1;
        *line += text[i] == '\n';
    }
}

void json_free(struct json *j)
{
    if (!j)
        return;
    for (size_t i = 0; i < j->nr; i++) {
        json_free(j->item[i]);
        if (j->key)
            free(j->key[i]);
    }
    free(j->item);
    free(j->key);
    free(j->key_at);
    free(j->text);
    free(j);
}

const struct json *json_get(const struct json *j, const char *key)
{
    if (!j || j->type != JSON_OBJECT)
        return NULL;
    for (size_t i = 0; i < j->nr; i++)
        if (!strcmp(j->key[i], key))
            return j->item[i];
    return NULL;
}
