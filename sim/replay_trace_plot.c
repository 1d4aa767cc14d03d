/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Distribution functions for gnuplot: a file a quantity, in it two blocks a domain, recorded and simulated. */
#include "replay_trace.h"

#include "report_file.h"
#include <limits.h>

#define SCRIPT "replay-trace.gp"
#define MS_PER_S 1e3

static void write_block(const struct trace_comparison *c, const struct trace_domain *d, enum trace_side side,
                        enum trace_quantity q, FILE *f)
{
    const struct trace_samples *s = &d->sample[side][q];
    fprintf(f, "\"%s\"\n", d->name); /* the title */
    for (size_t i = 0; i < s->nr; i++)
        if (i + 1 == s->nr || s->v[i + 1] != s->v[i])
            fprintf(f, "%.10g %.10g\n", (double)s->v[i] * MS_PER_S / c->hz[side], (double)(i + 1) / (double)s->nr);
    if (!s->nr)
        fputs("NaN NaN\n", f);
    fputs("\n\n", f);
}

int replay_trace_plot(const struct trace_comparison *c, const char *dir, struct fault *f)
{
    if (report_make_dir(dir, f) != EXIT_DONE)
        return f->code;
    for (int q = 0; q < QUANTITIES && !f->code; q++) {
        struct report_file o;
        char name[64];
        snprintf(name, sizeof(name), "%s.dat", trace_quantity_names[q]);
        if (report_open(&o, dir, name, f) != EXIT_DONE)
            break;
        for (size_t i = 0; i < c->nr; i++) {
            const struct trace_domain *d = &c->domain[i];
            if (d->id == TRACE_IDLE_DOMAIN)
                continue; /* all others in every file, so that a domain has one colour */
            write_block(c, d, SIDE_RECORDED, (enum trace_quantity)q, o.f);
            write_block(c, d, SIDE_SIMULATED, (enum trace_quantity)q, o.f);
        }
        report_close(&o, f);
    }
    char templates[PATH_MAX];
    snprintf(templates, sizeof(templates), "%s/scripts/plots", scenario_data_dir());
    if (!f->code)
        report_run_script(templates, SCRIPT, dir, f);
    return f->code;
}
