/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a rate_solve takes on the shipped machine: two threads change their task, then all is solved. The best of
 * some rounds, because the machine that this runs on has other work. For people; nothing is asserted but that it runs.
 */
#include <models/rate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CPUS = 16, ROUNDS = 50 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* parts: how many different places the memory of the tasks is spread over. idle: every how many-th thread idles, 0:
 * none. */
static void run(struct rate_model *r, const char *what, unsigned parts, unsigned idle, unsigned solves)
{
    static const struct work_mix mix = {.cpi_core = 0.6,
                                        .smt_slowdown = 0.5,
                                        .l2_apki = 50,
                                        .l3_apki = 40,
                                        .mlp = 1.4,
                                        .write_fraction = 0.3,
                                        .footprint = 4e6,
                                        .tlb_mpki_4k = 1.5,
                                        .nr_curve = 2,
                                        .curve_size = {1e6, 12e6},
                                        .curve_mpki = {30, 10}};
    static struct rate_task task[CPUS];
    unsigned changed[CPUS];
    double best = 1e30;
    for (unsigned i = 0; i < CPUS; i++) {
        task[i].mix = &mix;
        task[i].node_share[0] = 0.5 + 0.3 * (i % parts) / parts;
        task[i].node_share[1] = 1 - task[i].node_share[0];
        rate_set(r, i, idle && i % idle == 1 ? NULL : &task[i]);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (unsigned k = 0; k < solves; k++) {
            rate_set(r, k % CPUS, NULL);
            rate_set(r, k * 7 % CPUS, &task[k % CPUS]);
            rate_solve(r, changed);
        }
        double each = (now_ns() - start) / solves;
        best = each < best ? each : best;
    }
    printf("%-44s %6.0f ns\n", what, best);
}

int main(int argc, char **argv)
{
    unsigned solves = argc > 1 && strcmp(argv[1], "--brief") == 0 ? 10 : 20000;
    char *err = NULL;
    struct machine *m = machine_load(HVSIM_SOURCE_DIR "/models/machines/westmere-ep-2s.toml", NULL, &err);
    struct rate_model *r = m ? rate_create(m) : NULL;
    if (!r || m->nr_cpus != CPUS) {
        fprintf(stderr, "bench_rate: %s\n", err ? err : "cannot set up the model");
        free(err);
        return 1;
    }
    run(r, "16 equal tasks", 1, 0, solves);
    run(r, "12 equal tasks, some cores half used", 1, 4, solves);
    run(r, "16 tasks, memory of each pair elsewhere", 8, 0, solves);
    rate_free(r);
    machine_free(m);
    return 0;
}
