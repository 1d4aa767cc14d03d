/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulated against published, row by row, and the bars that predictions must meet. */
#include "density.h"

#include <math.h>
#include <string.h>

static const double level_bar = 10.0; /* percent */
static const double gain_bar = 4.0;   /* points */

/* Rows that parameters were fitted on (results/calibration). A gain is one if both of its rows are. */
static enum density_role role_of(enum density_config config, unsigned vms)
{
    return vms == 2 || (vms == 6 && config == DENSITY_ALL) ? ROLE_CALIBRATION : ROLE_VALIDATION;
}

static void judge(struct density_row *r, double bar)
{
    bool prediction = r->role == ROLE_VALIDATION;
    r->bar = prediction ? bar : NAN;
    r->ok = !prediction || fabs(r->error) <= bar; /* false for NaN */
}

static void level_row(const struct density *d, unsigned p, enum density_config config, unsigned vms,
                      struct density_row *r)
{
    const struct density_cell *c = &d->cell[p][config][vms];
    *r = (struct density_row){.program = p, .vms = vms, .config = config, .role = role_of(config, vms)};
    snprintf(r->row, sizeof(r->row), "%u %s", vms, density_config_names[config]);
    snprintf(r->metric, sizeof(r->metric), "%s", density_programs[p].published);
    r->published = d->published[p][config][vms].mean;
    r->simulated = c->mean;
    r->ci95 = c->ci95;
    r->error = 100 * (r->simulated - r->published) / r->published;
    judge(r, level_bar);
}

static void gain_row(const struct density *d, unsigned p, unsigned vms, struct density_row *r)
{
    const struct density_program *program = &density_programs[p];
    *r = (struct density_row){.program = p, .vms = vms, .config = DENSITY_PINNED, .gain = true};
    r->role = role_of(DENSITY_PINNED, vms);
    snprintf(r->row, sizeof(r->row), "%u pinned over all", vms);
    snprintf(r->metric, sizeof(r->metric), "%s_gain_points", program->published);
    r->published = density_gain_of_means(program, d->published[p][DENSITY_PINNED][vms].mean,
                                         d->published[p][DENSITY_ALL][vms].mean);
    r->simulated = density_gain(program, &d->cell[p][DENSITY_PINNED][vms], &d->cell[p][DENSITY_ALL][vms], &r->ci95);
    r->error = r->simulated - r->published;
    judge(r, gain_bar);
}

size_t density_rows(const struct density *d, struct density_row out[DENSITY_MAX_ROWS])
{
    size_t n = 0;
    for (unsigned p = 0; p < DENSITY_PROGRAMS; p++) {
        unsigned counts[DENSITY_MAX_VMS], nr = 0;
        for (unsigned vms = 1; vms <= DENSITY_MAX_VMS; vms++)
            if (d->published[p][DENSITY_ALL][vms].known && d->published[p][DENSITY_PINNED][vms].known)
                counts[nr++] = vms;
        for (unsigned i = 0; i < nr && n + 3 <= DENSITY_MAX_ROWS; i++) {
            level_row(d, p, DENSITY_ALL, counts[i], &out[n++]);
            level_row(d, p, DENSITY_PINNED, counts[i], &out[n++]);
        }
        for (unsigned i = 0; i < nr && n < DENSITY_MAX_ROWS; i++)
            gain_row(d, p, counts[i], &out[n++]);
    }
    return n;
}

bool density_memory_gain_ok(const struct density *d, double *gain6, double *gain10)
{
    unsigned p = 0;
    while (strcmp(density_programs[p].profile, "sysbench-memory") != 0)
        p++;
    *gain6 = density_gain(&density_programs[p], &d->cell[p][DENSITY_PINNED][6], &d->cell[p][DENSITY_ALL][6], NULL);
    *gain10 = density_gain(&density_programs[p], &d->cell[p][DENSITY_PINNED][10], &d->cell[p][DENSITY_ALL][10], NULL);
    return *gain10 > 0 && *gain10 < *gain6;
}
