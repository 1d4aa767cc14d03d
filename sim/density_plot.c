/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data for gnuplot, its scripts beside them, so that a reader can draw the plots again in another way. */
#include "density.h"

#include <math.h>
#include <string.h>

static const char *const scripts[] = {"density-throughput.gp", "density-gain.gp"};

static void column(FILE *f, double v)
{
    if (isfinite(v))
        fprintf(f, " %.10g", v);
    else
        fputs(" ?", f);
}

/* One line a number of VMs; "?" where there is nothing. */
static void write_data(const struct density *d, unsigned p, FILE *f)
{
    const struct density_program *program = &density_programs[p];
    fprintf(f, "# %s, %s; gains in %%; ci: half width of the 95 %% confidence interval\n", program->title,
            program->unit);
    fputs("vms all all_ci pinned pinned_ci auto auto_ci published_all published_all_sd published_pinned"
          " published_pinned_sd gain_pinned gain_pinned_ci gain_auto gain_auto_ci published_gain\n",
          f);
    for (unsigned vms = 1; vms <= DENSITY_MAX_VMS; vms++) {
        fprintf(f, "%u", vms);
        for (unsigned c = 0; c < DENSITY_CONFIGS; c++) {
            column(f, d->cell[p][c][vms].mean);
            column(f, d->cell[p][c][vms].ci95);
        }
        for (unsigned c = DENSITY_ALL; c <= DENSITY_PINNED; c++) {
            const struct density_published *v = &d->published[p][c][vms];
            column(f, v->known ? v->mean : NAN);
            column(f, v->known ? v->sd : NAN);
        }
        for (unsigned c = DENSITY_PINNED; c < DENSITY_CONFIGS; c++) {
            double ci, gain = density_gain(program, &d->cell[p][c][vms], &d->cell[p][DENSITY_ALL][vms], &ci);
            column(f, gain);
            column(f, ci);
        }
        const struct density_published *all = &d->published[p][DENSITY_ALL][vms];
        const struct density_published *pinned = &d->published[p][DENSITY_PINNED][vms];
        column(f, all->known && pinned->known ? density_gain_of_means(program, pinned->mean, all->mean) : NAN);
        fputc('\n', f);
    }
}

int density_plot(const struct density *d, const char *dir, const char *templates, struct fault *f)
{
    char plots[4096];
    snprintf(plots, sizeof(plots), "%s/plots", dir);
    if (report_make_dir(plots, f) != EXIT_DONE)
        return f->code;
    for (unsigned p = 0; p < DENSITY_PROGRAMS && f->code == EXIT_DONE; p++) {
        struct report_file o;
        char name[64];
        snprintf(name, sizeof(name), "%s.dat", density_programs[p].profile);
        if (report_open(&o, plots, name, f) == EXIT_DONE) {
            write_data(d, p, o.f);
            report_close(&o, f);
        }
    }
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]) && f->code == EXIT_DONE; i++)
        report_run_script(templates, scripts[i], plots, f);
    return f->code;
}
