/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "density.h"

#include "csv.h"
#include "json.h"
#include <errno.h>
#include <math.h>
#include <string.h>

/* Empty for what does not exist. */
static void field(FILE *f, double v)
{
    char buf[DOUBLE_TEXT_MAX];
    fprintf(f, ",%s", isfinite(v) ? double_text(buf, v) : "");
}

static void write_validation(const struct density *d, FILE *f)
{
    struct density_row row[DENSITY_MAX_ROWS];
    size_t n = density_rows(d, row);
    fputs("table,row,metric,published,simulated,ci95,error_pct,role\n", f);
    for (size_t i = 0; i < n; i++) {
        fputs("T1,", f);
        csv_write_field(f, row[i].row);
        fprintf(f, ",%s", row[i].metric);
        field(f, row[i].published);
        field(f, row[i].simulated);
        field(f, row[i].ci95);
        field(f, row[i].error);
        fprintf(f, ",%s\n", row[i].role == ROLE_CALIBRATION ? "calibration" : "validation");
    }
}

static void write_cells(const struct density *d, FILE *f)
{
    fputs("program,configuration,vms,metric,unit,seeds,mean,ci95,published,published_sd\n", f);
    for (unsigned p = 0; p < DENSITY_PROGRAMS; p++)
        for (unsigned c = 0; c < DENSITY_CONFIGS; c++)
            for (unsigned vms = 1; vms <= DENSITY_MAX_VMS; vms++) {
                const struct density_cell *cell = &d->cell[p][c][vms];
                const struct density_published *known = &d->published[p][c][vms];
                if (!cell->n)
                    continue;
                fprintf(f, "%s,%s,%u,%s,%s,%zu", density_programs[p].profile, density_config_names[c], vms,
                        density_programs[p].metric, density_programs[p].unit, cell->n);
                field(f, cell->mean);
                field(f, cell->ci95);
                field(f, known->known ? known->mean : NAN);
                field(f, known->known ? known->sd : NAN);
                fputc('\n', f);
            }
}

static void write_auto(const struct density *d, FILE *f)
{
    struct density_comparison c[DENSITY_PROGRAMS * DENSITY_MAX_VMS];
    size_t n = density_compare_auto(d, c);
    fputs("program,vms,gain_pct,holm_interval_pct,ok\n", f);
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "%s,%u", density_programs[c[i].program].profile, c[i].vms);
        field(f, c[i].gain);
        field(f, c[i].interval);
        fprintf(f, ",%s\n", c[i].ok ? "yes" : "no");
    }
}

int density_write_files(const struct density *d, const char *dir, struct fault *f)
{
    static const struct {
        const char *name;
        void (*write)(const struct density *d, FILE *f);
    } files[] = {{"validation.csv", write_validation}, {"density.csv", write_cells}, {"auto.csv", write_auto}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && f->code == EXIT_DONE; i++) {
        struct report_file o;
        if (report_open(&o, dir, files[i].name, f) == EXIT_DONE) {
            files[i].write(d, o.f);
            report_close(&o, f);
        }
    }
    return f->code;
}
