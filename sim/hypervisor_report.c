/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hypervisor_report.h"

#include "csv.h"
#include "growth_report.h"
#include "json.h"
#include "run_child.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SET 8u
#define MAX_SIZES 8u

enum column { TABLE, ROW, SCENARIO, SET, SIZES, MEASURE, UNIT, PUBLISHED, ROLE, FACTOR, COLUMNS };
static const char *const column_names[COLUMNS] = {"table",   "row",  "scenario",  "set",  "sizes",
                                                  "measure", "unit", "published", "role", "factor"};

static double value(const struct metrics *m, const char *name, const char *label, const char *which)
{
    const struct metric *x = metrics_find(m, name, label, which);
    return x ? x->value : 0;
}

/* Seconds of all pCPUs of the host that went to op. */
static double seconds(const struct metrics *m, const struct scenario *s, const char *op)
{
    return value(m, "host.time_fraction", "op", op) * (double)s->duration_ps / 1e12 * s->machine->nr_cpus;
}

/* One pass of credit's load balancer over all other pCPUs. */
static double balance_pass_us(const struct metrics *m, const struct scenario *s)
{
    double passes = value(m, "hv.perfc", "op", "sched_balance_peer") / (s->machine->nr_cpus - 1);
    return passes > 0 ? seconds(m, s, "balance") / passes * 1e6 : 0;
}

/* As many wake-ups after each other as a guest of 64 vCPUs has to get for a broadcast. */
static double wake_64_us(const struct metrics *m, const struct scenario *s)
{
    double wakes = value(m, "hv.perfc", "op", "sched_wake");
    return wakes > 0 ? 64 * (seconds(m, s, "wake") / wakes + s->costs.ipi_send_ns / 1e9) * 1e6 : 0;
}

/* Setting up the heap, for each page of it. */
static double heap_page_ns(const struct metrics *m, const struct scenario *s)
{
    return value(m, "boot.memory_seconds", NULL, NULL) * 1e9 / ((double)machine_memory(s->machine) / 4096);
}

static double boot_s(const struct metrics *m, const struct scenario *s)
{
    (void)s;
    return value(m, "boot.seconds", NULL, NULL);
}

static const struct {
    const char *name;
    double (*of)(const struct metrics *m, const struct scenario *s);
} measures[] = {{"balance_pass_us", balance_pass_us},
                {"wake_64_us", wake_64_us},
                {"heap_page_ns", heap_page_ns},
                {"boot_s", boot_s}};

static double run_row(const struct run_backend *b, const char *scenario, const char *set, const char *measure,
                      const char *where, struct fault *f)
{
    char path[PATH_MAX], text[512], *err = NULL, *save = NULL;
    const char *list[MAX_SET + 1] = {NULL};
    unsigned n = 0, k = 0;
    double x = 0;
    while (k < sizeof(measures) / sizeof(measures[0]) && strcmp(measures[k].name, measure) != 0)
        k++;
    if (k == sizeof(measures) / sizeof(measures[0])) {
        fault_set(f, EXIT_BAD_INPUT, "%s: nothing is called '%s'", where, measure);
        return 0;
    }
    snprintf(path, sizeof(path), "%s/workloads/scenarios/hypervisor-cost/%s.toml", scenario_data_dir(), scenario);
    snprintf(text, sizeof(text), "%s", set);
    for (char *t = strtok_r(text, ";", &save); t && n < MAX_SET; t = strtok_r(NULL, ";", &save))
        list[n++] = t;
    struct scenario *s = b->load(path, list, &err);
    if (!s) {
        fault_set(f, EXIT_BAD_INPUT, "%s: %s", where, err ? err : "out of memory");
        free(err);
        return 0;
    }
    struct run_options opt = {.seed = 1};
    struct run_child c;
    struct run_reply reply = {0};
    if (run_child_start(&c, b, s, &opt, NULL, NULL)) {
        fault_set(f, EXIT_HOST_FAILED, "%s: cannot start a simulation", where);
    } else {
        run_child_finish(&c, &reply);
        if (reply.exit)
            fault_set(f, reply.exit, "%s: %s", where, reply.result.error);
        else
            x = measures[k].of(&reply.result.metrics, s);
        run_reply_free(&reply);
    }
    b->release(s);
    return x;
}

/* The k-th of the values that stand between bars, "" if there is none. What stands before the last '=' is kept. */
static void pick(const char *text, unsigned k, char *out, size_t n)
{
    const char *value = strrchr(text, '=');
    value = value ? value + 1 : text;
    int before = (int)(value - text);
    while (k && *value) {
        value += strcspn(value, "|");
        value += *value == '|';
        k--;
    }
    snprintf(out, n, "%.*s%.*s", *value ? before : 0, text, (int)strcspn(value, "|"), value);
}

/* The same settings with the k-th of their values; one without bars is the same for all. */
static void pick_set(const char *set, unsigned k, char *out, size_t n)
{
    char text[512], one[256], *save = NULL;
    size_t len = 0;
    snprintf(text, sizeof(text), "%s", set);
    out[0] = 0;
    for (char *t = strtok_r(text, ";", &save); t && len < n; t = strtok_r(NULL, ";", &save)) {
        pick(t, strchr(t, '|') ? k : 0, one, sizeof(one));
        len += (size_t)snprintf(out + len, n - len, "%s%s", len ? ";" : "", one);
    }
}

static double run_sizes(const struct run_backend *b, const char *scenario, const char *set, const char *sizes,
                        const char *measure, const char *where, FILE *out, struct fault *f)
{
    double x[MAX_SIZES], y[MAX_SIZES];
    char size[64], one[512];
    unsigned n = 0;
    for (; n < MAX_SIZES && f->code == EXIT_DONE; n++) {
        pick(sizes, n, size, sizeof(size));
        if (!*size)
            break;
        pick_set(set, n, one, sizeof(one));
        x[n] = strtod(size, NULL);
        y[n] = run_row(b, scenario, one, measure, where, f);
        if (f->code == EXIT_DONE)
            fprintf(out, "       %-42s n = %-8g %12.4g\n", measure, x[n], y[n]);
    }
    double e = f->code == EXIT_DONE ? growth_exponent(x, y, n) : 0;
    if (f->code == EXIT_DONE && !isfinite(e))
        fault_set(f, EXIT_BAD_INPUT, "%s: %s: fewer than two sizes have a measure above 0", where, sizes);
    return e;
}

static void write_row(FILE *o, const struct csv *c, size_t i, const int *at, double published, double simulated)
{
    char buf[DOUBLE_TEXT_MAX];
    csv_write_field(o, csv_cell(c, i, at[TABLE]));
    fputc(',', o);
    csv_write_field(o, csv_cell(c, i, at[ROW]));
    fprintf(o, ",%s,%s", csv_cell(c, i, at[MEASURE]), double_text(buf, published));
    fprintf(o, ",%s,", double_text(buf, simulated));
    fprintf(o, ",%s,%s\n", double_text(buf, 100 * (simulated - published) / published), csv_cell(c, i, at[ROLE]));
}

/* The table begins with what the file has already. */
static void copy_from(const char *path, FILE *o, struct fault *f)
{
    char buf[4096];
    FILE *in = fopen(path, "re");
    if (!in) {
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
        return;
    }
    for (size_t n; (n = fread(buf, 1, sizeof(buf), in)) > 0;)
        fwrite(buf, 1, n, o);
    fclose(in);
}

int hypervisor_report(const struct run_backend *b, const char *table, const char *csv, bool append, FILE *out,
                      unsigned *missed, struct fault *f)
{
    struct csv c = {0};
    int at[COLUMNS];
    char temp[PATH_MAX];
    snprintf(temp, sizeof(temp), "%s.part", csv ? csv : "");
    csv_read(table, &c, f);
    for (unsigned k = 0; k < COLUMNS && f->code == EXIT_DONE; k++)
        if ((at[k] = csv_column(&c, column_names[k])) < 0)
            fault_set(f, EXIT_BAD_INPUT, "%s:%u:1: no column '%s'", table, c.header_line, column_names[k]);
    FILE *o = csv && f->code == EXIT_DONE ? fopen(temp, "we") : NULL;
    if (csv && f->code == EXIT_DONE && !o)
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", temp, strerror(errno));
    if (o && append)
        copy_from(csv, o, f);
    else if (o)
        fputs("table,row,metric,published,simulated,ci95,error_pct,role\n", o);
    if (f->code == EXIT_DONE)
        fprintf(out, "The hypervisor's own cost against published magnitudes\n  %-4s %-44s %12s %12s %-3s %8s  %s\n",
                "", "", "published", "simulated", "", "ratio", "role, bar");
    for (size_t i = 0; i < c.nr_rows && f->code == EXIT_DONE; i++) {
        char where[PATH_MAX + 16];
        snprintf(where, sizeof(where), "%s:%u", table, c.line[i]);
        double published = strtod(csv_cell(&c, i, at[PUBLISHED]), NULL),
               factor = strtod(csv_cell(&c, i, at[FACTOR]), NULL);
        if (!(published > 0)) {
            fault_set(f, EXIT_BAD_INPUT, "%s: published: expected a number above 0", where);
            break;
        }
        const char *scenario = csv_cell(&c, i, at[SCENARIO]), *set = csv_cell(&c, i, at[SET]),
                   *sizes = csv_cell(&c, i, at[SIZES]), *measure = csv_cell(&c, i, at[MEASURE]);
        double x = *sizes ? run_sizes(b, scenario, set, sizes, measure, where, out, f)
                          : run_row(b, scenario, set, measure, where, f);
        if (f->code != EXIT_DONE)
            break;
        double ratio = x / published;
        bool ok = factor <= 0 || (ratio <= factor && ratio * factor >= 1);
        *missed += !ok;
        fprintf(out, "  %-4s %-44s %12.4g %12.4g %-3s %8.3g  %s", csv_cell(&c, i, at[TABLE]), csv_cell(&c, i, at[ROW]),
                published, x, csv_cell(&c, i, at[UNIT]), ratio, csv_cell(&c, i, at[ROLE]));
        if (factor > 0)
            fprintf(out, ", %s (x %g)", ok ? "ok" : "MISS", factor);
        fputc('\n', out);
        if (o)
            write_row(o, &c, i, at, published, x);
    }
    if (o && (fclose(o) != 0 || (f->code == EXIT_DONE && rename(temp, csv) != 0)))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", csv, strerror(errno));
    csv_free(&c);
    return f->code;
}
