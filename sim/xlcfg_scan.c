/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grammar of xl.cfg, as libxlutil 4.17 reads it (found by experiment; the test holds the two together):
 *
 *   file    = { [ key ( "=" | "+=" ) value ] ( newline | ";" ) }
 *   value   = string | number | "[" { newline } [ item { "," item } [ "," ] ] "]"
 *   item    = { newline } value { newline }
 *   key     = a-z { a-z 0-9 _ }
 *   number  = 0-9 { 0-9 a-f x }
 *   string  = '"' ... '"' or "'" ... "'" on one line, with \ escapes in both
 *   "#" comments run to the end of the line; blanks and tabs separate; any other byte is an error.
 *
 * A "+=" must be of the type (string or list) of the latest setting of that key.
 */
#include "xlcfg_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NESTING 100 /* lists in lists; real files have at most two levels */

enum token { T_KEY, T_NUMBER, T_STRING, T_NEWLINE, T_ASSIGN, T_APPEND, T_PUNCT, T_END, T_BAD };

struct scanner {
    const char *p, *end, *line_start;
    unsigned line;

    enum token token;
    const char *start; /* of the token */
    size_t length;
    struct xlcfg_pos at;
    const char *escape; /* of a string: its first numeric escape, or NULL */

    struct xlcfg_scan *out;
    char *err;
    size_t errlen;
    struct xlcfg_pos *err_at;
    bool failed;
};

static void fail_at(struct scanner *s, struct xlcfg_pos at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void fail_at(struct scanner *s, struct xlcfg_pos at, const char *fmt, ...)
{
    if (s->failed)
        return; /* the first one counts */
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->err, s->errlen, fmt, ap);
    va_end(ap);
    *s->err_at = at;
    s->failed = true;
}

static struct xlcfg_pos pos_of(const struct scanner *s, const char *p)
{
    return (struct xlcfg_pos){s->line, (unsigned)(p - s->line_start) + 1};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static void bad_byte(struct scanner *s, const char *p)
{
    unsigned char c = (unsigned char)*p;
    if (c > ' ' && c < 0x7f)
        fail_at(s, pos_of(s, p), "unexpected '%c'%s", *p,
                c >= 'A' && c <= 'Z' ? " (names are lower case, text values stand in quotes)" : "");
    else
        fail_at(s, pos_of(s, p), "unexpected byte 0x%02x", c);
    s->token = T_BAD;
}

/* The escape after the backslash at p; returns the last byte of it. */
static const char *scan_escape(struct scanner *s, const char *p)
{
    const char *c = p + 1;
    if (c < s->end && *c && strchr("\"'\\abfnrtv", *c))
        return c;
    bool octal = c + 2 < s->end;
    for (int i = 0; octal && i < 3; i++)
        octal = c[i] >= '0' && c[i] <= '7';
    if (octal) {
        if (!s->escape)
            s->escape = p;
        return c + 2;
    }
    fail_at(s, pos_of(s, p), "unknown escape in a string; expected one of \\\" \\' \\\\ \\a \\b \\f \\n \\r \\t \\v");
    return c;
}

static void scan_string(struct scanner *s)
{
    char quote = *s->p;
    const char *p = s->p + 1;
    s->escape = NULL;
    while (p < s->end && *p != quote && *p != '\n' && !s->failed) {
        if (*p == '\0') {
            bad_byte(s, p);
            return;
        }
        if (*p == '\\' && p + 1 < s->end && p[1] != '\n')
            p = scan_escape(s, p);
        p++;
    }
    if (!s->failed && (p >= s->end || *p != quote))
        fail_at(s, s->at, "string without closing %c", quote);
    if (s->failed) {
        s->token = T_BAD;
        return;
    }
    s->token = T_STRING;
    s->p = p + 1;
}

static void next_token(struct scanner *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
        s->p++;
    if (s->p < s->end && *s->p == '#')
        while (s->p < s->end && *s->p != '\n')
            s->p++;
    s->start = s->p;
    s->at = pos_of(s, s->p);
    if (s->p >= s->end) {
        s->token = T_END;
        s->length = 0;
        return;
    }
    char c = *s->p;
    if (is_lower(c)) {
        while (s->p < s->end && (is_lower(*s->p) || is_digit(*s->p) || *s->p == '_'))
            s->p++;
        s->token = T_KEY;
    } else if (is_digit(c)) {
        while (s->p < s->end && (is_digit(*s->p) || (*s->p >= 'a' && *s->p <= 'f') || *s->p == 'x'))
            s->p++;
        s->token = T_NUMBER;
    } else if (c == '"' || c == '\'') {
        scan_string(s);
    } else if (c == '\n') {
        s->p++;
        s->token = T_NEWLINE;
    } else if (c == '=') {
        s->p++;
        s->token = T_ASSIGN;
    } else if (c == '+' && s->p + 1 < s->end && s->p[1] == '=') {
        s->p += 2;
        s->token = T_APPEND;
    } else if (c == '[' || c == ']' || c == ',' || c == ';') {
        s->p++;
        s->token = T_PUNCT;
    } else {
        bad_byte(s, s->p);
    }
    s->length = (size_t)(s->p - s->start);
}

/* Step over the current token. A newline moves the line only now, so that positions of the newline itself are right. */
static void consume(struct scanner *s)
{
    if (s->token == T_NEWLINE) {
        s->line++;
        s->line_start = s->p;
    }
    next_token(s);
}

static void unexpected(struct scanner *s, const char *expected)
{
    if (s->token == T_BAD)
        return; /* reported where it was scanned */
    if (s->token == T_NEWLINE)
        fail_at(s, s->at, "unexpected end of line, expected %s", expected);
    else if (s->token == T_END)
        fail_at(s, s->at, "unexpected end of file, expected %s", expected);
    else
        fail_at(s, s->at, "unexpected %.*s, expected %s", (int)(s->length > 40 ? 40 : s->length), s->start, expected);
}

static bool is_punct(const struct scanner *s, char c)
{
    return s->token == T_PUNCT && *s->start == c;
}

static void skip_newlines(struct scanner *s)
{
    while (s->token == T_NEWLINE)
        consume(s);
}

static void note_escape(struct scanner *s, struct xlcfg_setting *set)
{
    if (s->token == T_STRING && s->escape && !set->numeric_escape) {
        set->numeric_escape = true;
        set->escape_at = pos_of(s, s->escape);
    }
}

/* Room for one more item of a list; NULL: out of memory. */
static struct xlcfg_value *add_item(struct scanner *s, struct xlcfg_value *list)
{
    struct xlcfg_value *bigger = realloc(list->item, (list->nr_items + 1) * sizeof(*bigger));
    if (!bigger) {
        fail_at(s, s->at, "out of memory");
        return NULL;
    }
    list->item = bigger;
    bigger += list->nr_items++;
    *bigger = (struct xlcfg_value){0};
    return bigger;
}

static void parse_value(struct scanner *s, struct xlcfg_setting *set, struct xlcfg_value *value, int depth)
{
    value->at = s->at;
    if (s->token == T_STRING || s->token == T_NUMBER) {
        value->quoted = s->token == T_STRING;
        note_escape(s, set);
        consume(s);
        return;
    }
    if (!is_punct(s, '[')) {
        unexpected(s, "a string, a number or a [list]");
        return;
    }
    if (depth >= MAX_NESTING) {
        fail_at(s, s->at, "more than %d lists inside one another", MAX_NESTING);
        return;
    }
    value->list = true;
    consume(s);
    skip_newlines(s);
    while (!s->failed && !is_punct(s, ']')) {
        struct xlcfg_value *item = add_item(s, value);
        if (!item)
            return;
        parse_value(s, set, item, depth + 1);
        skip_newlines(s);
        if (s->failed || is_punct(s, ']'))
            break;
        if (!is_punct(s, ',')) {
            unexpected(s, "',' or ']'");
            return;
        }
        consume(s);
        skip_newlines(s);
    }
    if (!s->failed)
        consume(s);
}

static struct xlcfg_setting *add_setting(struct scanner *s)
{
    struct xlcfg_scan *out = s->out;
    if (out->nr == out->room) {
        unsigned room = out->room ? 2 * out->room : 16;
        struct xlcfg_setting *bigger = realloc(out->setting, room * sizeof(*bigger));
        if (!bigger)
            return NULL;
        out->setting = bigger;
        out->room = room;
    }
    struct xlcfg_setting *set = &out->setting[out->nr];
    *set = (struct xlcfg_setting){.key = strndup(s->start, s->length), .at = s->at};
    if (!set->key)
        return NULL;
    out->nr++;
    return set;
}

/* "+=" joins strings with strings and lists with lists. */
static void check_append(struct scanner *s, const struct xlcfg_setting *set)
{
    for (const struct xlcfg_setting *prev = set; prev-- > s->out->setting;)
        if (strcmp(prev->key, set->key) == 0) {
            if (prev->value.list != set->value.list)
                fail_at(s, set->value.at, "'%s' is a %s in line %u, a %s cannot be added to it", set->key,
                        prev->value.list ? "list" : "string", prev->at.line, set->value.list ? "list" : "string");
            return;
        }
}

static void parse_assignment(struct scanner *s)
{
    struct xlcfg_setting *set = add_setting(s);
    if (!set) {
        fail_at(s, s->at, "out of memory");
        return;
    }
    consume(s);
    if (s->token != T_ASSIGN && s->token != T_APPEND) {
        unexpected(s, "'=' or '+='");
        return;
    }
    set->append = s->token == T_APPEND;
    consume(s);
    parse_value(s, set, &set->value, 0);
    if (!s->failed && s->token != T_NEWLINE && !is_punct(s, ';'))
        unexpected(s, "the end of the line or ';'");
    if (!s->failed && set->append)
        check_append(s, set);
}

int xlcfg_scan(const char *text, size_t len, struct xlcfg_scan *out, char *err, size_t errlen, struct xlcfg_pos *at)
{
    *out = (struct xlcfg_scan){0};
    *at = (struct xlcfg_pos){1, 1};
    struct scanner s = {.p = text,
                        .end = text + len,
                        .line_start = text,
                        .line = 1,
                        .out = out,
                        .err = err,
                        .errlen = errlen,
                        .err_at = at};
    next_token(&s);
    while (!s.failed && s.token != T_END) {
        if (s.token == T_NEWLINE || is_punct(&s, ';'))
            consume(&s);
        else if (s.token == T_KEY)
            parse_assignment(&s);
        else
            unexpected(&s, "a key");
    }
    return s.failed ? -1 : 0;
}

static void free_items(struct xlcfg_value *v)
{
    for (unsigned i = 0; i < v->nr_items; i++)
        free_items(&v->item[i]);
    free(v->item);
}

void xlcfg_scan_free(struct xlcfg_scan *s)
{
    for (unsigned i = 0; i < s->nr; i++) {
        free(s->setting[i].key);
        free_items(&s->setting[i].value);
    }
    free(s->setting);
    *s = (struct xlcfg_scan){0};
}
