/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes workloads/exp_table.inc with GSL: -ln(m) at m = 0.5 + i / 512, i = 0..256. The table is checked in because
 * libm's logarithm differs between machines and the event path must not.
 *
 *   make_exp_table > workloads/exp_table.inc
 *   make_exp_table --check workloads/exp_table.inc     (exit 1 if an entry is off by more than the last digit)
 */
#include <gsl/gsl_sf_log.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define STEPS 256
#define LAST_DIGIT 1e-15

static double entry(int i)
{
    return i == STEPS ? 0.0 : -gsl_sf_log(0.5 + (double)i / (2.0 * STEPS));
}

static int check(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        return 1;
    }
    char line[256];
    int i = 0, bad = 0;
    while (fgets(line, sizeof(line), f)) {
        double v;
        if (sscanf(line, " %lf ,", &v) != 1)
            continue; /* comments */
        if (i > STEPS || fabs(v - entry(i)) > LAST_DIGIT) {
            fprintf(stderr, "%s: entry %d is %.15f, expected %.15f\n", path, i, v, i > STEPS ? 0.0 : entry(i));
            bad = 1;
        }
        i++;
    }
    fclose(f);
    if (i != STEPS + 1) {
        fprintf(stderr, "%s: %d entries, expected %d\n", path, i, STEPS + 1);
        bad = 1;
    }
    return bad;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return check(argv[2]);
    if (argc != 1) {
        fprintf(stderr, "usage: %s [--check FILE]\n", argv[0]);
        return 2;
    }
    printf("/* SPDX-License-Identifier: GPL-2.0-or-later */\n");
    printf("/* -ln(0.5 + i / 512), i = 0..256; made by workloads/tables/make_exp_table.c */\n");
    for (int i = 0; i <= STEPS; i++)
        printf("%.15f,\n", entry(i));
    return 0;
}
