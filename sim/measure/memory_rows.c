/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory_report.h"

#include "../machine_open.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const memory_role_names[MEMORY_ROLES + 1] = {"input", "calibration", "validation", NULL};

enum column { TABLE, ROW, MACHINE, TOOL, OPTIONS, METRIC, UNIT, PUBLISHED, ROLE, BAR, BAR_OF, COLUMNS };
static const char *const column_names[COLUMNS] = {"table", "row",       "machine", "tool",    "options", "metric",
                                                  "unit",  "published", "role",    "bar_pct", "bar_of"};

static bool number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && !*end && isfinite(*out);
}

static int bad(const struct memory_report *r, const struct csv *c, size_t row, int column, const char *what,
               struct fault *f)
{
    return fault_set(f, EXIT_BAD_INPUT, "%s:%u:%u: %s", r->path, c->line[row],
                     c->at[row * c->nr_columns + (size_t)column], what);
}

static int read_row(struct memory_report *r, size_t i, const int *at, struct fault *f)
{
    const struct csv *c = &r->file;
    struct memory_row *m = &r->row[i];
    const char **text[] = {&m->table, &m->row, &m->machine, &m->tool, &m->options, &m->metric, &m->unit};
    for (unsigned k = 0; k < sizeof(text) / sizeof(text[0]); k++)
        *text[k] = csv_cell(c, i, at[k]);
    int source = csv_column(c, "source"); /* for people: need not be there */
    m->source = source < 0 ? "" : csv_cell(c, i, source);
    m->line = c->line[i];
    if (!number(csv_cell(c, i, at[PUBLISHED]), &m->published) || m->published <= 0)
        return bad(r, c, i, at[PUBLISHED], "expected a number above 0", f);
    while (m->role < MEMORY_ROLES && strcmp(csv_cell(c, i, at[ROLE]), memory_role_names[m->role]) != 0)
        m->role++;
    if (m->role == MEMORY_ROLES)
        return bad(r, c, i, at[ROLE], "expected input, calibration or validation", f);
    const char *bar = csv_cell(c, i, at[BAR]), *of = csv_cell(c, i, at[BAR_OF]);
    m->bar = NAN;
    if (*bar && (!number(bar, &m->bar) || m->bar <= 0))
        return bad(r, c, i, at[BAR], "expected a number above 0, or nothing", f);
    m->of_mean = !strcmp(of, "mean");
    if (*bar && !m->of_mean && strcmp(of, "each") != 0)
        return bad(r, c, i, at[BAR_OF], "expected each or mean", f);
    return EXIT_DONE;
}

/* A machine is loaded once for the rows that follow each other. */
static void run_rows(struct memory_report *r, struct fault *f)
{
    struct machine *m = NULL;
    const char *name = "";
    for (size_t i = 0; i < r->nr && f->code == EXIT_DONE; i++) {
        struct memory_row *row = &r->row[i];
        char where[4200];
        snprintf(where, sizeof(where), "%s:%u", r->path, row->line);
        if (strcmp(name, row->machine) != 0) {
            machine_free(m);
            name = row->machine;
            m = machine_open(name, NULL, f);
        }
        if (!m)
            break;
        row->simulated = memory_tool_run(m, row->tool, row->options, where, f);
        row->error = 100 * (row->simulated - row->published) / row->published;
    }
    machine_free(m);
}

/* Bars of each row, and of means over the rows of a table that share one. */
static void judge(struct memory_report *r)
{
    for (size_t i = 0; i < r->nr; i++) {
        struct memory_row *m = &r->row[i];
        double sum = 0;
        unsigned n = 0;
        for (size_t k = 0; m->of_mean && k < r->nr; k++)
            if (r->row[k].of_mean && !strcmp(r->row[k].table, m->table)) {
                sum += fabs(r->row[k].error);
                n++;
            }
        m->ok = isnan(m->bar) || (m->of_mean ? sum / n : fabs(m->error)) <= m->bar;
    }
}

struct memory_report *memory_report_load(const char *path, struct fault *f)
{
    struct memory_report *r = calloc(1, sizeof(*r));
    int at[COLUMNS];
    if (!r) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return NULL;
    }
    snprintf(r->path, sizeof(r->path), "%s", path);
    if (csv_read(path, &r->file, f) != EXIT_DONE) {
        free(r);
        return NULL;
    }
    r->nr = r->file.nr_rows;
    r->row = calloc(r->nr ? r->nr : 1, sizeof(*r->row));
    if (!r->row)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    for (unsigned c = 0; c < COLUMNS && f->code == EXIT_DONE; c++)
        if ((at[c] = csv_column(&r->file, column_names[c])) < 0)
            fault_set(f, EXIT_BAD_INPUT, "%s:%u: no column '%s'", path, r->file.header_line, column_names[c]);
    for (size_t i = 0; i < r->nr && f->code == EXIT_DONE; i++)
        read_row(r, i, at, f);
    if (f->code == EXIT_DONE)
        run_rows(r, f);
    if (f->code != EXIT_DONE) {
        memory_report_free(r);
        return NULL;
    }
    judge(r);
    return r;
}

void memory_report_free(struct memory_report *r)
{
    if (!r)
        return;
    csv_free(&r->file);
    free(r->row);
    free(r);
}
