/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void csv_write_field(FILE *f, const char *s)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        fputs(s, f);
        return;
    }
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"')
            fputc('"', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

struct reader {
    const char *path;
    FILE *f;
    unsigned line;
    char **field; /* of the row at hand */
    unsigned *at; /* where each begins */
    size_t nr, room;
};

static bool add_field(struct reader *r, const char *text, unsigned at)
{
    if (r->nr == r->room) {
        size_t room = r->room ? r->room * 2 : 16;
        char **more = realloc(r->field, room * sizeof(char *));
        if (more)
            r->field = more;
        unsigned *ats = realloc(r->at, room * sizeof(unsigned));
        if (ats)
            r->at = ats;
        if (!more || !ats)
            return false;
        r->room = room;
    }
    char *copy = strdup(text);
    if (!copy)
        return false;
    r->at[r->nr] = at;
    r->field[r->nr++] = copy;
    return true;
}

/* Split one line (without its end) in place. NULL, or what is wrong with it. */
static const char *split(struct reader *r, char *p)
{
    const char *line = p;
    for (;;) {
        char *out = p, *start = p;
        unsigned at = (unsigned)(p - line) + 1;
        if (*p == '"') {
            start = out = ++p;
            for (; *p && (*p != '"' || p[1] == '"'); p++) {
                p += *p == '"';
                *out++ = *p;
            }
            if (*p++ != '"')
                return "a quoted field does not end";
            if (*p && *p != ',')
                return "text after the end of a quoted field";
        } else {
            p += strcspn(p, ",");
            out = p;
        }
        bool last = !*p++;
        *out = 0;
        if (!add_field(r, start, at))
            return "out of memory";
        if (last)
            return NULL;
    }
}

static void drop_row(struct reader *r)
{
    for (size_t i = 0; i < r->nr; i++)
        free(r->field[i]);
    r->nr = 0;
}

static const char *take_row(struct reader *r, struct csv *c)
{
    if (!c->column) {
        c->column = r->field;
        c->nr_columns = r->nr;
        c->header_line = r->line;
        free(r->at);
        r->field = NULL;
        r->at = NULL;
        r->nr = r->room = 0;
        return NULL;
    }
    if (r->nr != c->nr_columns)
        return "the number of fields is not that of the first row";
    char **cell = realloc(c->cell, (c->nr_rows + 1) * c->nr_columns * sizeof(char *));
    if (cell)
        c->cell = cell;
    unsigned *line = realloc(c->line, (c->nr_rows + 1) * sizeof(unsigned));
    if (line)
        c->line = line;
    unsigned *at = realloc(c->at, (c->nr_rows + 1) * c->nr_columns * sizeof(unsigned));
    if (at)
        c->at = at;
    if (!cell || !line || !at)
        return "out of memory";
    memcpy(cell + c->nr_rows * c->nr_columns, r->field, r->nr * sizeof(char *));
    memcpy(at + c->nr_rows * c->nr_columns, r->at, r->nr * sizeof(unsigned));
    line[c->nr_rows++] = r->line;
    r->nr = 0;
    return NULL;
}

int csv_read(const char *path, struct csv *out, struct fault *f)
{
    memset(out, 0, sizeof(*out));
    struct reader r = {.path = path, .f = fopen(path, "re")};
    if (!r.f)
        return fault_set(f, EXIT_BAD_INPUT, "%s: %s", path, strerror(errno));
    char *text = NULL;
    size_t room = 0;
    const char *wrong = NULL;
    for (ssize_t n; !wrong && (n = getline(&text, &room, r.f)) >= 0;) {
        r.line++;
        while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
            text[--n] = 0;
        if (!n || *text == '#')
            continue;
        wrong = split(&r, text);
        if (!wrong)
            wrong = take_row(&r, out);
    }
    if (!wrong && !out->column)
        wrong = "no header row";
    if (wrong) {
        fault_set(f, EXIT_BAD_INPUT, "%s:%u:1: %s", path, r.line, wrong);
        csv_free(out);
    }
    drop_row(&r);
    free(r.field);
    free(r.at);
    free(text);
    fclose(r.f);
    return f->code;
}

void csv_free(struct csv *c)
{
    for (size_t i = 0; c->column && i < c->nr_columns; i++)
        free(c->column[i]);
    for (size_t i = 0; c->cell && i < c->nr_rows * c->nr_columns; i++)
        free(c->cell[i]);
    free(c->column);
    free(c->cell);
    free(c->line);
    free(c->at);
    memset(c, 0, sizeof(*c));
}

int csv_column(const struct csv *c, const char *name)
{
    for (size_t i = 0; i < c->nr_columns; i++)
        if (!strcmp(c->column[i], name))
            return (int)i;
    return -1;
}

const char *csv_cell(const struct csv *c, size_t row, int column)
{
    return c->cell[row * c->nr_columns + (size_t)column];
}
