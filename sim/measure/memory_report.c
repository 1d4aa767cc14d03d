/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory_report.h"

#include "../json.h"
#include "../report_file.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool same_table(const struct memory_row *a, const struct memory_row *b)
{
    return !strcmp(a->table, b->table) && !strcmp(a->machine, b->machine) && a->role == b->role;
}

static bool first_of_table(const struct memory_report *r, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (same_table(&r->row[k], &r->row[i]))
            return false;
    return true;
}

static void print_row(const struct memory_row *m, FILE *out)
{
    char bar[32] = "";
    if (!isnan(m->bar) && !m->of_mean)
        snprintf(bar, sizeof(bar), "%s (%g %%)", m->ok ? "ok" : "MISS", m->bar);
    fprintf(out, "  %-46s %12.2f %12.2f %-5s %+8.2f %%  %s\n", m->row, m->published, m->simulated, m->unit, m->error,
            bar);
    if (!m->ok && !m->of_mean && *m->source)
        fprintf(out, "    published in: %s\n", m->source);
}

/* The rows of one table, machine and role, and the mean error of those that share a bar. */
static unsigned print_table(const struct memory_report *r, size_t first, FILE *out)
{
    const struct memory_row *head = &r->row[first], *shared = NULL;
    unsigned missed = 0, n = 0;
    double sum = 0;
    fprintf(out, "\n%s, %s: %s\n  %-46s %12s %12s %-5s %10s  %s\n", head->table, head->machine,
            memory_role_names[head->role], "", "published", "simulated", "", "error", "bar");
    for (size_t i = first; i < r->nr; i++) {
        const struct memory_row *m = &r->row[i];
        if (!same_table(head, m))
            continue;
        print_row(m, out);
        if (m->of_mean && !isnan(m->bar)) {
            shared = m;
            sum += fabs(m->error);
            n++;
        } else {
            missed += !m->ok;
        }
    }
    if (shared) {
        fprintf(out, "  mean error of %u rows: %.2f %%, %s (%g %%)\n", n, sum / n, shared->ok ? "ok" : "MISS",
                shared->bar);
        missed += !shared->ok;
    }
    return missed;
}

unsigned memory_report_print(const struct memory_report *r, FILE *out)
{
    unsigned missed = 0;
    fputs("Memory system: simulated tools on modelled machines against what real tools measured\n", out);
    for (size_t i = 0; i < r->nr; i++)
        if (first_of_table(r, i))
            missed += print_table(r, i, out);
    return missed;
}

int memory_report_write_csv(const struct memory_report *r, const char *path, struct fault *f)
{
    char buf[DOUBLE_TEXT_MAX], temp[4112];
    snprintf(temp, sizeof(temp), "%s.part", path);
    FILE *o = fopen(temp, "we");
    if (!o)
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", temp, strerror(errno));
    fputs("table,row,metric,published,simulated,ci95,error_pct,role\n", o);
    for (size_t i = 0; i < r->nr; i++) {
        const struct memory_row *m = &r->row[i];
        csv_write_field(o, m->table);
        fputc(',', o);
        csv_write_field(o, m->row);
        fprintf(o, ",%s,%s", m->metric, double_text(buf, m->published));
        fprintf(o, ",%s,", double_text(buf, m->simulated));
        fprintf(o, ",%s,%s\n", double_text(buf, m->error), memory_role_names[m->role]);
    }
    bool failed = ferror(o);
    if (fclose(o) != 0 || failed || rename(temp, path) != 0)
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
    return EXIT_DONE;
}

/* ---- plots ---------------------------------------------------------------------------------------------------------
 */

/* Pairs of what was published and what is simulated, x from the row's option. */
static int write_points(const struct memory_report *r, const char *table, const char *option, const char *dir,
                        const char *name, struct fault *f)
{
    struct report_file o;
    if (report_open(&o, dir, name, f) != EXIT_DONE)
        return f->code;
    fprintf(o.f, "%s published simulated\n", option);
    for (size_t i = 0; i < r->nr; i++) {
        const char *at = strcmp(r->row[i].table, table) ? NULL : strstr(r->row[i].options, option);
        if (at)
            fprintf(o.f, "%s %.10g %.10g\n", at + strlen(option) + 1, r->row[i].published, r->row[i].simulated);
    }
    return report_close(&o, f);
}

int memory_report_plot(const struct memory_report *r, const char *dir, const char *templates, struct fault *f)
{
    if (report_make_dir(dir, f) == EXIT_DONE &&
        write_points(r, "T20", "bandwidth", dir, "haswell.dat", f) == EXIT_DONE &&
        write_points(r, "T21", "bandwidth", dir, "skylake.dat", f) == EXIT_DONE &&
        write_points(r, "2.1", "size", dir, "staircase.dat", f) == EXIT_DONE)
        report_run_script(templates, "memory.gp", dir, f);
    return f->code;
}
