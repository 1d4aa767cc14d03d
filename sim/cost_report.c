/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cost_report.h"

#include "csv.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPS 16u

enum column { NAME, PCPU, NODE, OP, LOCK, VALUE, COLUMNS };
static const char *const column_names[COLUMNS] = {"name", "pcpu", "node", "op", "lock", "value"};

static int read_metrics(const char *run_dir, struct csv *c, int at[COLUMNS], struct fault *f)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/metrics.csv", run_dir);
    csv_read(path, c, f);
    for (unsigned i = 0; i < COLUMNS && f->code == EXIT_DONE; i++)
        if ((at[i] = csv_column(c, column_names[i])) < 0)
            fault_set(f, EXIT_BAD_INPUT, "%s:%u:1: no column '%s': this is no metrics.csv of a run", path,
                      c->header_line, column_names[i]);
    return f->code;
}

/* ---- time ---------------------------------------------------------------------------------------------------------
 */

struct time_table {
    unsigned nr_ops;
    const char *op[MAX_OPS];
};

static int find_op(const struct time_table *t, const char *op)
{
    for (unsigned i = 0; i < t->nr_ops; i++)
        if (!strcmp(t->op[i], op))
            return (int)i;
    return -1;
}

static void print_line(const struct time_table *t, const char *kind, const char *id, const double *share, FILE *out)
{
    double sum = 0;
    fprintf(out, "%-5s%5s", kind, id);
    for (unsigned i = 0; i < t->nr_ops; i++) {
        fprintf(out, " %10.4f", 100 * share[i]);
        sum += share[i];
    }
    fprintf(out, " %8.3f\n", 100 * sum);
}

/* Rows of one metric follow each other by id. */
static void print_rows(const struct time_table *t, const struct csv *c, const int *at, const char *metric, int label,
                       const char *kind, FILE *out)
{
    double share[MAX_OPS] = {0};
    const char *id = NULL;
    for (size_t row = 0; row < c->nr_rows; row++) {
        if (strcmp(csv_cell(c, row, at[NAME]), metric) != 0)
            continue;
        const char *this = label < 0 ? "" : csv_cell(c, row, label);
        if (id && strcmp(id, this) != 0) {
            print_line(t, kind, id, share, out);
            memset(share, 0, sizeof(share));
        }
        id = this;
        int op = find_op(t, csv_cell(c, row, at[OP]));
        if (op >= 0)
            share[op] = strtod(csv_cell(c, row, at[VALUE]), NULL);
    }
    if (id)
        print_line(t, kind, id, share, out);
}

int cost_report_time(const char *run_dir, bool each, FILE *out, struct fault *f)
{
    struct csv c = {0};
    struct time_table t = {0};
    int at[COLUMNS];
    if (read_metrics(run_dir, &c, at, f) == EXIT_DONE) {
        for (size_t row = 0; row < c.nr_rows; row++)
            if (!strcmp(csv_cell(&c, row, at[NAME]), "host.time_fraction") && t.nr_ops < MAX_OPS)
                t.op[t.nr_ops++] = csv_cell(&c, row, at[OP]);
        if (!t.nr_ops)
            fault_set(f, EXIT_BAD_INPUT, "%s/metrics.csv: has no host.time_fraction: the run is of an older hvsim",
                      run_dir);
    }
    if (f->code == EXIT_DONE) {
        fprintf(out, "%% of time  ");
        for (unsigned i = 0; i < t.nr_ops; i++)
            fprintf(out, " %*s", i ? 10 : 8, t.op[i]);
        fprintf(out, " %8s\n", "sum");
        if (each)
            print_rows(&t, &c, at, "pcpu.time_fraction", at[PCPU], "pcpu", out);
        print_rows(&t, &c, at, "node.time_fraction", at[NODE], "node", out);
        print_rows(&t, &c, at, "host.time_fraction", -1, "host", out);
    }
    csv_free(&c);
    return f->code;
}

/* ---- locks --------------------------------------------------------------------------------------------------------
 */

enum figure { TAKEN, CONTENDED, TRY_FAILED, WAIT, HOLD, FIGURES };
static const char *const figure_names[FIGURES] = {"lock.acquisitions", "lock.contended", "lock.try_failed",
                                                  "lock.wait_seconds", "lock.hold_seconds"};
static const char *const pcpu_figure_names[FIGURES] = {"pcpu.lock_acquisitions", "pcpu.lock_contended",
                                                       "pcpu.lock_try_failed", "pcpu.lock_wait_seconds",
                                                       "pcpu.lock_hold_seconds"};

struct lock_row {
    const char *name, *pcpu; /* pcpu: whose own it is, with --by pcpu */
    double figure[FIGURES];
};
struct lock_rows {
    size_t nr;
    struct lock_row *row;
};

static int by_wait(const void *a, const void *b)
{
    const struct lock_row *x = a, *y = b;
    for (int k = WAIT; k <= HOLD; k++)
        if (x->figure[k] != y->figure[k])
            return x->figure[k] < y->figure[k] ? 1 : -1;
    int names = strcmp(x->name, y->name);
    return names ? names : (int)strtol(x->pcpu, NULL, 10) - (int)strtol(y->pcpu, NULL, 10);
}

/* Rows of a lock follow each other. */
static int take_figure(struct lock_rows *l, enum figure k, const char *name, const char *pcpu, double value)
{
    struct lock_row *last = l->nr ? &l->row[l->nr - 1] : NULL;
    if (!last || strcmp(last->name, name) != 0 || strcmp(last->pcpu, pcpu) != 0) {
        if (l->nr % 256 == 0) {
            struct lock_row *more = realloc(l->row, (l->nr + 256) * sizeof(*more));
            if (!more)
                return -1;
            l->row = more;
        }
        last = &l->row[l->nr++];
        *last = (struct lock_row){.name = name, .pcpu = pcpu};
    }
    last->figure[k] = value;
    return 0;
}

int cost_report_locks(const char *run_dir, bool by_pcpu, unsigned top, FILE *out, struct fault *f)
{
    struct csv c = {0};
    struct lock_rows l = {0};
    const char *const *names = by_pcpu ? pcpu_figure_names : figure_names;
    int at[COLUMNS];
    read_metrics(run_dir, &c, at, f);
    for (size_t row = 0; row < c.nr_rows && f->code == EXIT_DONE; row++)
        for (unsigned k = 0; k < FIGURES && f->code == EXIT_DONE; k++)
            if (!strcmp(csv_cell(&c, row, at[NAME]), names[k]) &&
                take_figure(&l, k, csv_cell(&c, row, at[LOCK]), by_pcpu ? csv_cell(&c, row, at[PCPU]) : "",
                            strtod(csv_cell(&c, row, at[VALUE]), NULL)))
                fault_set(f, EXIT_HOST_FAILED, "out of memory");
    if (f->code == EXIT_DONE && l.nr)
        qsort(l.row, l.nr, sizeof(l.row[0]), by_wait);
    for (size_t i = 0; i < l.nr && (!top || i < top) && f->code == EXIT_DONE; i++) {
        const double *x = l.row[i].figure;
        fprintf(out, "%-20s ", l.row[i].name);
        if (by_pcpu)
            fprintf(out, "cpu %4s ", l.row[i].pcpu);
        fprintf(out, "lock:%12.0f(%14.9fs), block:%12.0f(%14.9fs), trylock failed:%10.0f, mean hold %8.1f ns\n",
                x[TAKEN], x[HOLD], x[CONTENDED], x[WAIT], x[TRY_FAILED], x[TAKEN] > 0 ? x[HOLD] / x[TAKEN] * 1e9 : 0);
    }
    free(l.row);
    csv_free(&c);
    return f->code;
}
