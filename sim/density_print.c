/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "density.h"

#include <math.h>

/* A number with about five digits, "-" if there is none. */
static const char *number(char buf[24], double v, bool sign)
{
    if (!isfinite(v))
        snprintf(buf, 24, "-");
    else {
        int digits = fabs(v) >= 9999.95 ? 0 : fabs(v) >= 999.995 ? 1 : 2;
        snprintf(buf, 24, sign ? "%+.*f" : "%.*f", digits, v);
    }
    return buf;
}

static void print_row(const struct density_row *r, FILE *f)
{
    char published[24], simulated[24], ci[24], error[24], bar[32] = "";
    if (r->role == ROLE_VALIDATION)
        snprintf(bar, sizeof(bar), "%s (%g %s)", r->ok ? "ok" : "MISS", r->bar, r->gain ? "points" : "%");
    fprintf(f, "  %-18s %12s %12s %9s %9s %-6s  %-16s %s\n", r->row, number(published, r->published, r->gain),
            number(simulated, r->simulated, r->gain), number(ci, r->ci95, false), number(error, r->error, true),
            r->gain ? "points" : "%", bar, r->role == ROLE_CALIBRATION ? "calibration" : "validation");
}

static unsigned print_rows(const struct density *d, FILE *f)
{
    struct density_row row[DENSITY_MAX_ROWS];
    size_t n = density_rows(d, row);
    unsigned missed = 0;
    for (size_t i = 0; i < n; i++) {
        const struct density_program *p = &density_programs[row[i].program];
        if (!i || row[i].program != row[i - 1].program) {
            fprintf(f, "\n%s, %s, %s is better\n", p->title, p->unit, p->lower_is_better ? "lower" : "higher");
            fprintf(f, "  %-18s %12s %12s %9s %9s %-6s  %-16s %s\n", "VMs, configuration", "published", "simulated",
                    "+- 95 %", "error", "", "bar", "role");
        }
        print_row(&row[i], f);
        missed += !row[i].ok;
    }
    double gain6, gain10;
    bool ok = density_memory_gain_ok(d, &gain6, &gain10);
    char a[24], b[24];
    fprintf(f, "\nsysbench memory: 0 < gain at 10 VMs (%s %%) < gain at 6 VMs (%s %%): %s\n", number(a, gain10, true),
            number(b, gain6, true), ok ? "ok" : "MISS");
    return missed + !ok;
}

static const struct density_comparison *find(const struct density_comparison *c, size_t n, unsigned program,
                                             unsigned vms)
{
    for (size_t i = 0; i < n; i++)
        if (c[i].program == program && c[i].vms == vms)
            return &c[i];
    return NULL;
}

static unsigned print_auto(const struct density *d, FILE *f)
{
    struct density_comparison c[DENSITY_PROGRAMS * DENSITY_MAX_VMS];
    size_t n = density_compare_auto(d, c);
    unsigned missed = 0;
    fprintf(
        f,
        "\nAutomatic placement over cpus=\"all\": gain in %%, +- Holm-adjusted 95 %% interval over %zu comparisons\n",
        n);
    fprintf(f, "  bar: at least minus the larger of 1 %% and the interval\n  %4s", "VMs");
    for (unsigned p = 0; p < DENSITY_PROGRAMS; p++)
        fprintf(f, "  %-22s", density_programs[p].title);
    fputc('\n', f);
    for (unsigned vms = 1; vms <= DENSITY_MAX_VMS; vms++) {
        fprintf(f, "  %4u", vms);
        for (unsigned p = 0; p < DENSITY_PROGRAMS; p++) {
            const struct density_comparison *x = find(c, n, p, vms);
            char text[48] = "-                 MISS";
            if (x)
                snprintf(text, sizeof(text), "%+6.2f +-%5.2f  %s", x->gain, x->interval, x->ok ? "ok" : "MISS");
            fprintf(f, "  %-22s", text);
            missed += !x || !x->ok;
        }
        fputc('\n', f);
    }
    return missed;
}

unsigned density_print(const struct density *d, FILE *f)
{
    size_t seeds = d->cell[0][DENSITY_ALL][2].n;
    fprintf(f, "Xen 4.3 NUMA density benchmark: simulated against published\n");
    fprintf(f, "mean over the VMs of a run, then over %zu seeds; published: table T1, columns \"with change\"\n",
            seeds);
    if (d->missing)
        fprintf(f, "INCOMPLETE: %zu runs of the sweep have no result\n", d->missing);
    unsigned missed = print_rows(d, f);
    missed += print_auto(d, f);
    return missed + (d->missing > 0);
}
