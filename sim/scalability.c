/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scalability.h"

#include "csv.h"
#include "json.h"
#include "report_file.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Figures of a run, in the order of the query's columns. */
enum figure { VMS, VCPUS, PCPUS, THROUGHPUT, P50, P99, HYPERVISOR, LOCK_WAIT, LOCAL, CHANNELS, WINDOW, EVENTS, HOST_S };
static const char *const names[SCALABILITY_COLUMNS] = {"vms",
                                                       "vcpus",
                                                       "pcpus",
                                                       "throughput_ginstr_s",
                                                       "wake_p50_s",
                                                       "wake_p99_s",
                                                       "hypervisor_fraction",
                                                       "lock_wait_fraction",
                                                       "local_fraction",
                                                       "dom0_event_channels",
                                                       "window_s",
                                                       "events",
                                                       "host_cpu_s",
                                                       "simulated_s",
                                                       "rss_bytes"};

/* Over a metric of the host or of all guests. */
#define OVER(what, name, more)                                                                                         \
    " (SELECT " what " FROM metric m WHERE m.run = r.id AND m.def = (SELECT id FROM metric_def WHERE name = '" name    \
    "') AND coalesce(m.vm, '') <> 'Domain-0'" more "),"
static const char query[] = "SELECT r.label, r.status, r.error," OVER("count(*)", "vm.instructions", "")
    OVER("count(*)", "vcpu.cpu_seconds", "") OVER("count(*)", "pcpu.busy_fraction", "")
        OVER("sum(value) / 1e9", "vm.instructions", "") OVER("avg(value)", "vm.wake_latency", " AND m.quantile = 'p50'")
            OVER("max(value)", "vm.wake_latency", " AND m.quantile = 'p99'")
                OVER("avg(value)", "pcpu.hypervisor_fraction", "")
                    OVER("sum(value)", "host.time_fraction", " AND m.op = 'lock_wait'")
                        OVER("avg(value)", "vm.local_access_fraction", "") OVER("max(value)", "dom0.event_channels", "")
    /* The window: time of all vCPUs in all states, over the vCPUs. */
    " (SELECT sum(value) FROM metric m JOIN metric_def d ON d.id = m.def WHERE m.run = r.id AND m.vm <> 'Domain-0'"
    "  AND d.name IN ('vm.cpu_seconds', 'vm.runnable_seconds', 'vm.blocked_seconds')),"
    " r.events, r.cpu_s, r.simulated_s, r.peak_rss_bytes"
    " FROM sweep s JOIN sweep_run sr ON sr.sweep = s.id JOIN run r ON r.id = sr.run WHERE s.name = ?1"
    " ORDER BY sr.position";
enum { COLUMN_LABEL, COLUMN_STATUS, COLUMN_ERROR, FIRST_FIGURE };

static void take(struct scalability_point *p, sqlite3_stmt *q)
{
    const char *error = (const char *)sqlite3_column_text(q, COLUMN_ERROR);
    snprintf(p->label, sizeof(p->label), "%s", (const char *)sqlite3_column_text(q, COLUMN_LABEL));
    p->done = !strcmp((const char *)sqlite3_column_text(q, COLUMN_STATUS), "done");
    snprintf(p->error, sizeof(p->error), "%s", error ? error : "not run");
    for (unsigned i = 0; i < SCALABILITY_COLUMNS; i++) {
        int c = FIRST_FIGURE + (int)i;
        p->column[i] = sqlite3_column_type(q, c) == SQLITE_NULL ? NAN : sqlite3_column_double(q, c);
    }
    p->column[WINDOW] /= p->column[VCPUS];
    p->column[THROUGHPUT] /= p->column[WINDOW];
    if (!(p->column[P99] > 0))
        p->column[P50] = p->column[P99] = NAN; /* nobody woke up */
    if (isnan(p->column[LOCK_WAIT]))
        p->column[LOCK_WAIT] = 0; /* a kind of time that there was none of */
}

int scalability_load(struct scalability *s, struct store *store, const char *sweep, struct fault *f)
{
    sqlite3_stmt *q = NULL;
    int e;
    memset(s, 0, sizeof(*s));
    if (sqlite3_prepare_v2(store_db(store), query, -1, &q, NULL) != SQLITE_OK)
        return fault_set(f, EXIT_HOST_FAILED, "%s", sqlite3_errmsg(store_db(store)));
    sqlite3_bind_text(q, 1, sweep, -1, SQLITE_STATIC);
    while ((e = sqlite3_step(q)) == SQLITE_ROW) {
        struct scalability_point *more = realloc(s->point, (s->nr + 1) * sizeof(*more));
        if (!more) {
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
            break;
        }
        s->point = more;
        take(&more[s->nr++], q);
    }
    if (e != SQLITE_ROW && e != SQLITE_DONE)
        fault_set(f, EXIT_HOST_FAILED, "%s", sqlite3_errmsg(store_db(store)));
    sqlite3_finalize(q);
    if (f->code == EXIT_DONE && !s->nr)
        fault_set(f, EXIT_BAD_INPUT, "the database has no sweep '%s'", sweep);
    return f->code;
}

/* A figure in so many columns, or a dash. */
static void cell(FILE *out, int width, int digits, double v)
{
    if (isfinite(v))
        fprintf(out, " %*.*f", width, digits, v);
    else
        fprintf(out, " %*s", width, "-");
}

void scalability_print(const struct scalability *s, FILE *out)
{
    const char *series = "";
    for (size_t i = 0; i < s->nr; i++) {
        const struct scalability_point *p = &s->point[i];
        const double *c = p->column;
        if (strcmp(series, p->label)) {
            series = p->label;
            fprintf(out,
                    "%s%s\n  vCPUs pCPUs  Ginstr/s  wake p50  wake p99 (us)  hypervisor  incl. lock %%   local  "
                    "dom0 ports  host s    MiB\n",
                    i ? "\n" : "", series);
        }
        if (!p->done) {
            fprintf(out, "  gave out: %s\n", p->error);
            continue;
        }
        fprintf(out, "  %5.0f %5.0f", c[VCPUS], c[PCPUS]);
        cell(out, 9, 1, c[THROUGHPUT]);
        cell(out, 9, 1, c[P50] * 1e6);
        cell(out, 9, 0, c[P99] * 1e6);
        cell(out, 16, 2, c[HYPERVISOR] * 100);
        cell(out, 12, 4, c[LOCK_WAIT] * 100);
        cell(out, 7, 2, c[LOCAL]);
        cell(out, 11, 0, c[CHANNELS]);
        cell(out, 7, 2, c[HOST_S]);
        cell(out, 6, 0, c[SCALABILITY_COLUMNS - 1] / 1048576);
        fputc('\n', out);
    }
}

static void write_table(const struct scalability *s, FILE *f)
{
    fputs("label,status", f);
    for (unsigned i = 0; i < SCALABILITY_COLUMNS; i++)
        fprintf(f, ",%s", names[i]);
    fputs(",error\n", f);
    for (size_t k = 0; k < s->nr; k++) {
        const struct scalability_point *p = &s->point[k];
        char text[DOUBLE_TEXT_MAX];
        csv_write_field(f, p->label);
        fprintf(f, ",%s", p->done ? "done" : "failed");
        for (unsigned i = 0; i < SCALABILITY_COLUMNS; i++)
            fprintf(f, ",%s", p->done && isfinite(p->column[i]) ? double_text(text, p->column[i]) : "");
        fputc(',', f);
        csv_write_field(f, p->done ? "" : p->error);
        fputc('\n', f);
    }
}

int scalability_write(const struct scalability *s, const char *dir, const char *templates, struct fault *f)
{
    struct report_file o;
    char plots[4096];
    if (report_open(&o, dir, "scalability.csv", f) == EXIT_DONE) {
        write_table(s, o.f);
        report_close(&o, f);
    }
    snprintf(plots, sizeof(plots), "%s/plots", dir);
    if (!templates || f->code != EXIT_DONE || report_make_dir(plots, f) != EXIT_DONE)
        return f->code;
    if (report_open(&o, plots, "scalability.csv", f) == EXIT_DONE) { /* beside the script that reads it */
        write_table(s, o.f);
        report_close(&o, f);
    }
    return f->code == EXIT_DONE ? report_run_script(templates, "scalability.gp", plots, f) : f->code;
}

void scalability_free(struct scalability *s)
{
    free(s->point);
    memset(s, 0, sizeof(*s));
}
