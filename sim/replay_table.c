/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a record: named columns in any order, cells with a type and a range, every mistake with its place. */
#include "replay.h"

#include <config.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 64 };

static bool wanted(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (!strcmp(*names, name))
            return true;
    return false;
}

/* The columns of the file that no name asks for: what a missing one may have been misspelt as. */
static void others(const struct csv *c, const char *const *names, const char **out)
{
    size_t n = 0;
    for (size_t k = 0; k < c->nr_columns && n + 1 < MAX_COLUMNS; k++)
        if (!wanted(names, c->column[k]))
            out[n++] = c->column[k];
    out[n] = NULL;
}

static void check_columns(const char *path, const char *const *names, const struct csv *c, int *column, struct fault *f)
{
    const char *rest[MAX_COLUMNS];
    others(c, names, rest);
    for (size_t i = 0; names[i]; i++) {
        column[i] = csv_column(c, names[i]);
        const char *near = column[i] < 0 ? cfg_nearest(names[i], rest) : NULL;
        if (column[i] < 0)
            fault_set(f, EXIT_BAD_INPUT, "%s:%u:1: no column '%s'%s%s%s", path, c->header_line, names[i],
                      near ? "; is it what '" : "", near ? near : "", near ? "' means?" : "");
        for (size_t k = (size_t)(column[i] < 0 ? 0 : column[i]) + 1; k < c->nr_columns; k++)
            if (!strcmp(c->column[k], names[i]))
                fault_set(f, EXIT_BAD_INPUT, "%s:%u:1: two columns '%s'", path, c->header_line, names[i]);
    }
    for (const char **r = rest; *r && f->code == EXIT_DONE; r++)
        fprintf(stderr, "%s:%u: column '%s' is not used\n", path, c->header_line, *r);
}

int replay_table_read(const char *path, const char *const *names, struct csv *out, int *column, struct fault *f)
{
    if (csv_read(path, out, f) != EXIT_DONE)
        return f->code;
    check_columns(path, names, out, column, f);
    if (f->code == EXIT_DONE && out->nr_rows == 0)
        fault_set(f, EXIT_BAD_INPUT, "%s:%u:1: no rows", path, out->header_line);
    if (f->code != EXIT_DONE)
        csv_free(out);
    return f->code;
}

int replay_table_fault(const char *path, const struct csv *c, size_t row, int column, struct fault *f, const char *fmt,
                       ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return fault_set(f, EXIT_BAD_INPUT, "%s:%u:%u: %s", path, c->line[row], c->at[row * c->nr_columns + (size_t)column],
                     text);
}

bool replay_table_uint(const char *path, const struct csv *c, size_t row, int column, unsigned min, unsigned max,
                       unsigned *out, struct fault *f)
{
    const char *text = csv_cell(c, row, column);
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 10);
    if (errno || !isdigit((unsigned char)*text) || *end || v < min || v > max) {
        replay_table_fault(path, c, row, column, f, "%s '%s': expected a whole number from %u to %u", c->column[column],
                           text, min, max);
        return false;
    }
    *out = (unsigned)v;
    return true;
}

bool replay_table_double(const char *path, const struct csv *c, size_t row, int column, double min, double max,
                         double *out, struct fault *f)
{
    const char *text = csv_cell(c, row, column);
    char *end;
    double v = strtod(text, &end);
    /* Plain decimals only: strtod takes hexadecimal, "inf" and blanks too. */
    if (!*text || text[strspn(text, "0123456789.eE+-")] || *end || !isfinite(v) || v < min || v > max) {
        replay_table_fault(path, c, row, column, f, "%s '%s': expected a number from %g to %g", c->column[column], text,
                           min, max);
        return false;
    }
    *out = v;
    return true;
}

bool replay_table_word(const char *path, const struct csv *c, size_t row, int column, size_t most, const char **out,
                       struct fault *f)
{
    const char *text = csv_cell(c, row, column);
    size_t good = 0;
    while (isalnum((unsigned char)text[good]) || (text[good] && strchr("._+-", text[good])))
        good++;
    if (!good || text[good] || good > most) {
        replay_table_fault(path, c, row, column, f, "%s '%s': expected 1 to %zu letters, digits, '.', '_', '+' or '-'",
                           c->column[column], text, most);
        return false;
    }
    *out = text;
    return true;
}
