/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cost_report.h"

#include "csv.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPS 16u
#define MAX_LOCKS 64u

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

struct lock_row {
    const char *name;
    double figure[FIGURES];
};

static int by_wait(const void *a, const void *b)
{
    const struct lock_row *x = a, *y = b;
    for (int k = WAIT; k <= HOLD; k++)
        if (x->figure[k] != y->figure[k])
            return x->figure[k] < y->figure[k] ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void take_figure(struct lock_row *lock, unsigned *nr, const char *metric, const char *name, double value)
{
    for (unsigned k = 0; k < FIGURES; k++) {
        if (strcmp(metric, figure_names[k]) != 0)
            continue;
        unsigned i = 0;
        while (i < *nr && strcmp(lock[i].name, name) != 0)
            i++;
        if (i == MAX_LOCKS)
            return;
        if (i == *nr)
            lock[(*nr)++] = (struct lock_row){.name = name};
        lock[i].figure[k] = value;
    }
}

int cost_report_locks(const char *run_dir, FILE *out, struct fault *f)
{
    struct csv c = {0};
    struct lock_row lock[MAX_LOCKS];
    unsigned nr = 0;
    int at[COLUMNS];
    if (read_metrics(run_dir, &c, at, f) == EXIT_DONE) {
        for (size_t row = 0; row < c.nr_rows; row++)
            take_figure(lock, &nr, csv_cell(&c, row, at[NAME]), csv_cell(&c, row, at[LOCK]),
                        strtod(csv_cell(&c, row, at[VALUE]), NULL));
        qsort(lock, nr, sizeof(lock[0]), by_wait);
        for (unsigned i = 0; i < nr; i++) {
            const double *x = lock[i].figure;
            fprintf(out,
                    "%-20s lock:%12.0f(%14.9fs), block:%12.0f(%14.9fs), trylock failed:%10.0f, mean hold %8.1f ns\n",
                    lock[i].name, x[TAKEN], x[HOLD], x[CONTENDED], x[WAIT], x[TRY_FAILED],
                    x[TAKEN] > 0 ? x[HOLD] / x[TAKEN] * 1e9 : 0);
        }
    }
    csv_free(&c);
    return f->code;
}
