/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON, written and read. */
#ifndef SIM_JSON_H
#define SIM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DOUBLE_TEXT_MAX 32u

/* The shortest of %.15g, %.16g and %.17g that reads back as the same double. */
const char *double_text(char buf[DOUBLE_TEXT_MAX], double v);

/* In quotes, escaped. Bytes above 0x7f are passed on: the text is taken to be UTF-8. */
void json_write_string(FILE *f, const char *s);
/* JSON knows no infinity and no NaN: null. */
void json_write_double(FILE *f, double v);

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    bool boolean;
    double number;
    char *text; /* JSON_STRING: decoded; JSON_NUMBER: as written */
    size_t at;  /* offset of the value in the text that was parsed */
    size_t nr;  /* JSON_ARRAY, JSON_OBJECT */
    struct json **item;
    char **key;     /* JSON_OBJECT: nr names */
    size_t *key_at; /* and where they are */
};

/* NULL with the reason and the offset in err. */
struct json *json_parse(const char *text, char *err, size_t errlen);
/* The same with the offset apart: err is what was expected. */
struct json *json_parse_at(const char *text, size_t *at, char *err, size_t errlen);
/* Line and column (from 1) of an offset. */
void json_place(const char *text, size_t at, unsigned *line, unsigned *column);
void json_free(struct json *j);
/* Member of an object; NULL if there is none or j is no object (or NULL). */
const struct json *json_get(const struct json *j, const char *key);

#ifdef __cplusplus
}
#endif

#endif
