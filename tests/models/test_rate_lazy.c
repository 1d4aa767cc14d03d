/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lazy rates against their slow twin, the exact solution, along random histories. */
#include "box.h"

#include <cunit_main.h>
#include <math.h>
#include <models/rate.h>
#include <random_numbers.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIXES = 12, MAX_CPUS = 256 };

/* heavy: how much of memory's bandwidth they ask for. */
static void make_mixes(struct work_mix *mix, double heavy)
{
    for (unsigned i = 0; i < MIXES; i++) {
        double l3 = random_between(1, 20) * heavy, most = random_between(0.5, 16) * BOX_MIB;
        mix[i] = (struct work_mix){.cpi_core = random_between(0.4, 1.5),
                                   .smt_slowdown = random_between(0, 1),
                                   .l2_apki = l3 + random_between(0, 30),
                                   .l3_apki = l3,
                                   .mlp = random_between(1, 5),
                                   .write_fraction = random_between(0, 0.6),
                                   .footprint = random_between(0.1, 8) * BOX_MIB,
                                   .tlb_mpki_4k = random_between(0, 2),
                                   .nr_curve = 3,
                                   .curve_size = {most / 16, most / 4, most},
                                   .curve_mpki = {l3, l3 * random_between(0.4, 1), l3 * random_between(0.1, 0.4)}};
    }
}

/* Memory on so many nodes, the first of them random. */
static void place_memory(struct rate_task *t, unsigned nodes, unsigned spread)
{
    unsigned first = random_below(nodes);
    double sum = 0;
    memset(t->node_share, 0, sizeof(t->node_share));
    for (unsigned i = 0; i < spread; i++)
        sum += t->node_share[(first + i) % nodes] = random_between(0.2, 1);
    for (unsigned n = 0; n < nodes; n++)
        t->node_share[n] /= sum;
}

struct pair {
    struct machine *m;
    struct rate_model *exact, *lazy;
    double worst, worst_share; /* of rates; of shares of the L3, and misses at them */
    double named[MAX_CPUS];    /* rates when the solution named their threads last, or later */
    double most[MAX_CPUS];     /* what they were said to rise to at most */
    double moved;              /* furthest from there, in parts of the time of an instruction */
    unsigned rose;             /* how many did all the same */
};

static void pair_open(struct pair *p, struct machine *m)
{
    *p = (struct pair){.m = m, .exact = rate_create(m), .lazy = rate_create(m)};
    if (!p->exact || !p->lazy || rate_lazy(p->lazy))
        abort();
}

static void pair_close(struct pair *p)
{
    rate_free(p->exact);
    rate_free(p->lazy);
}

static void pair_set(struct pair *p, unsigned cpu, const struct rate_task *t)
{
    if (rate_set(p->exact, cpu, t) || rate_set(p->lazy, cpu, t))
        abort();
}

static double off(double a, double b)
{
    return b == 0 ? fabs(a) : fabs(a / b - 1);
}

static void look(struct pair *p, unsigned cpu)
{
    p->named[cpu] = rate_ipns(p->lazy, cpu);
    p->most[cpu] = p->named[cpu] * (1 + rate_rise(p->lazy, cpu));
}

/* Solves both; compares: every so many times, because the exact one takes long. */
static void pair_solve(struct pair *p, bool compare)
{
    static unsigned changed[MAX_CPUS];
    unsigned n = rate_solve(p->lazy, changed);
    for (unsigned i = 0; i < n; i++)
        look(p, changed[i]);
    for (unsigned c = 0; c < p->m->nr_cpus; c++) {
        p->moved = fmax(p->moved, off(p->named[c], rate_ipns(p->lazy, c)));
        p->rose += rate_ipns(p->lazy, c) > p->most[c] * (1 + 1e-9);
    }
    look(p, random_below(p->m->nr_cpus)); /* anybody may ask at any time */
    if (!compare)
        return;
    rate_solve(p->exact, changed);
    for (unsigned c = 0; c < p->m->nr_cpus; c++) {
        double e = off(rate_ipns(p->lazy, c), rate_ipns(p->exact, c));
        p->worst = fmax(p->worst, e);
        p->worst_share = fmax(p->worst_share, off(rate_l3_share(p->lazy, c), rate_l3_share(p->exact, c)));
        p->worst_share = fmax(p->worst_share, off(rate_miss_per_instr(p->lazy, c), rate_miss_per_instr(p->exact, c)));
    }
}

/* A history of random switches, at most `together` between two solutions. */
static double history(struct machine *m, uint64_t seed, double heavy, unsigned spread, unsigned together,
                      unsigned switches, unsigned idle_one_in)
{
    struct work_mix mix[MIXES];
    struct pair p;
    random_state = seed;
    make_mixes(mix, heavy);
    pair_open(&p, m);
    for (unsigned i = 0; i < switches; i++) {
        for (unsigned k = 1 + random_below(together); k-- > 0;) {
            struct rate_task t = {.mix = &mix[random_below(MIXES)]};
            place_memory(&t, m->nr_nodes, spread);
            pair_set(&p, random_below(m->nr_cpus), random_below(idle_one_in) ? &t : NULL);
        }
        pair_solve(&p, i % 5 == 4);
    }
    pair_close(&p);
    CU_ASSERT_TRUE(p.moved <= 2 * RATE_LAZY_REACH);
    CU_ASSERT_EQUAL(p.rose, 0);
    CU_ASSERT_TRUE(p.worst_share < 1e-9); /* piecewise linear: nothing is left out */
    return p.worst;
}

static void expect_within(double worst, const char *what)
{
    CU_ASSERT_TRUE(worst <= RATE_LAZY_TOLERANCE);
    if (getenv("LAZY_SHOW") || worst > RATE_LAZY_TOLERANCE)
        fprintf(stderr, "\n  %s: %.3f %%\n", what, worst * 100);
}

static void rates_stay_within_the_tolerance_whatever_the_load(void)
{
    for (unsigned k = 0; k < 96; k++) {
        struct machine *m = box_new(4, 4, 1 + k % 2);
        m->mem_bandwidth[0] *= 0.3;
        double heavy = pow(10, -1.0 + 0.025 * k);
        char what[64];
        snprintf(what, sizeof(what), "load %.2f, memory on %u nodes", heavy, 1 + k / 2 % 4);
        expect_within(history(m, k, heavy, 1 + k / 2 % 4, 2, 400, 8), what);
        box_free(m);
    }
}

/* Every change changes what everybody waits for; links and controllers are too small. */
static void rates_stay_within_the_tolerance_where_all_is_striped(void)
{
    for (unsigned k = 0; k < 20; k++) {
        struct machine *m = box_new(8, 4, 2);
        m->link_bandwidth *= k < 10 ? 0.05 : 0.5;
        expect_within(history(m, 1000 + k, 0.2 + 0.1 * k, 8, 1, 300, 20), "striped");
        box_free(m);
    }
}

static void rates_stay_within_the_tolerance_when_many_switch_at_once(void)
{
    for (unsigned k = 0; k < 20; k++) {
        struct machine *m = box_new(2, 16, 2);
        expect_within(history(m, 2000 + k, 0.1 + 0.2 * k, 2, 60, 100, 2 + k), "many at once");
        box_free(m);
    }
}

/* Turbo, clusters, ports, exclusive caches, a graph of links, several nodes a socket; SMT of 4. */
static void rates_stay_within_the_tolerance_on_measured_machines(void)
{
    static const char *const names[] = {"kunpeng-920-96", "skylake-sp-2s", "epyc-7601-2s", "magny-cours-4s",
                                        "westmere-ex-8s"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[512], *err = NULL;
        snprintf(path, sizeof(path), "%s/models/machines/%s.toml", HVSIM_SOURCE_DIR, names[i]);
        struct machine *m = machine_load(path, NULL, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        for (unsigned k = 0; k < 3; k++)
            expect_within(history(m, 3000 + k, 0.4 + k, 2 + k, 2, 100, 2 + 4 * k), names[i]);
        machine_free(m);
    }
    struct machine *m = box_new(2, 4, 4);
    expect_within(history(m, 4000, 1, 2, 3, 300, 4), "SMT of 4");
    box_free(m);
}

static void the_same_history_has_the_same_rates_bit_by_bit(void)
{
    struct machine *m = box_new(4, 4, 2);
    struct rate_model *r[2];
    struct work_mix mix[MIXES];
    unsigned changed[2][MAX_CPUS];
    for (unsigned k = 0; k < 2; k++) {
        r[k] = rate_create(m);
        if (!r[k] || rate_lazy(r[k]))
            abort();
        random_state = 7;
        make_mixes(mix, 2);
        for (unsigned i = 0; i < 500; i++) {
            struct rate_task t = {.mix = &mix[random_below(MIXES)]};
            place_memory(&t, m->nr_nodes, 3);
            if (rate_set(r[k], random_below(m->nr_cpus), random_below(5) ? &t : NULL))
                abort();
            unsigned n = rate_solve(r[k], changed[k]);
            for (unsigned c = 1; c < n; c++)
                CU_ASSERT_TRUE(changed[k][c - 1] < changed[k][c]);
        }
    }
    for (unsigned c = 0; c < m->nr_cpus; c++)
        CU_ASSERT_EQUAL(rate_ipns(r[0], c), rate_ipns(r[1], c));
    rate_free(r[0]);
    rate_free(r[1]);
    box_free(m);
}

/* What threads have done in time that goes by between switches, lazily and exactly. */
static double work_off(struct machine *m, uint64_t seed, double heavy, unsigned spread)
{
    enum { SWITCHES = 400 };
    struct work_mix mix[MIXES];
    struct pair p;
    double worst = 0;
    random_state = seed;
    make_mixes(mix, heavy);
    pair_open(&p, m);
    for (unsigned i = 0; i < SWITCHES; i++) {
        struct rate_task t = {.mix = &mix[random_below(MIXES)]};
        double ns = random_between(100, 100000);
        place_memory(&t, m->nr_nodes, spread);
        rate_elapse(p.lazy, ns);
        rate_elapse(p.exact, ns);
        pair_set(&p, random_below(m->nr_cpus), random_below(6) ? &t : NULL);
        pair_solve(&p, true);
    }
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        double e = off(rate_work(p.lazy, c), rate_work(p.exact, c));
        worst = e > worst ? e : worst;
    }
    pair_close(&p);
    return worst;
}

static void work_is_what_the_rates_come_to_over_time(void)
{
    for (unsigned k = 0; k < 24; k++) {
        struct machine *m = box_new(2 + k % 3, 4, 1 + k % 2);
        expect_within(work_off(m, 5000 + k, pow(10, -0.5 + 0.08 * k), 1 + k % 2), "work");
        box_free(m);
    }
}

/* Exact work has a closed form: sum of rate x time. */
static void exact_work_is_rate_times_time(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct rate_model *r = rate_create(m);
    struct work_mix mix[MIXES];
    unsigned changed[MAX_CPUS];
    double expected = 0;
    random_state = 13;
    make_mixes(mix, 4);
    for (unsigned i = 0; i < 50; i++) {
        struct rate_task t = {.mix = &mix[random_below(MIXES)]};
        double ns = random_between(1, 1000);
        place_memory(&t, m->nr_nodes, 2);
        rate_elapse(r, ns);
        expected += rate_ipns(r, 3) * ns;
        CU_ASSERT_EQUAL_FATAL(rate_set(r, random_below(m->nr_cpus), i % 4 ? &t : NULL), 0);
        rate_solve(r, changed);
    }
    CU_ASSERT_TRUE(expected > 0);
    CU_ASSERT_DOUBLE_EQUAL(rate_work(r, 3) / expected, 1, 1e-12);
    rate_free(r);
    box_free(m);
}

/* Memory of one node only: who has none there does not notice; and nothing is left when all are gone. */
static void who_shares_nothing_does_not_change(void)
{
    struct machine *m = box_new(4, 4, 1);
    struct rate_model *r = rate_create(m);
    struct work_mix mix[MIXES];
    unsigned changed[MAX_CPUS];
    if (!r || rate_lazy(r))
        abort();
    random_state = 11;
    make_mixes(mix, 8);
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        struct rate_task t = {.mix = &mix[c % MIXES]};
        t.node_share[m->cpu[c].node] = 1;
        CU_ASSERT_EQUAL(rate_set(r, c, &t), 0);
    }
    CU_ASSERT_EQUAL(rate_solve(r, changed), m->nr_cpus);
    CU_ASSERT_EQUAL(rate_solve(r, changed), 0);
    CU_ASSERT_EQUAL(rate_set(r, 5, NULL), 0);
    unsigned n = rate_solve(r, changed);
    CU_ASSERT_TRUE(n >= 1);
    for (unsigned i = 0; i < n; i++)
        CU_ASSERT_EQUAL(m->cpu[changed[i]].node, m->cpu[5].node);
    for (unsigned c = 0; c < m->nr_cpus; c++)
        CU_ASSERT_EQUAL(rate_set(r, c, NULL), 0);
    CU_ASSERT_EQUAL(rate_solve(r, changed), m->nr_cpus - 1);
    for (unsigned k = 0; k < m->nr_nodes; k++)
        CU_ASSERT_DOUBLE_EQUAL(rate_mem_utilisation(r, k), 0, 1e-9);
    rate_free(r);
    box_free(m);
}

static const struct cunit_case tests[] = {
    {"rates stay within the tolerance, whatever the load", rates_stay_within_the_tolerance_whatever_the_load},
    {"rates stay within the tolerance where all is striped", rates_stay_within_the_tolerance_where_all_is_striped},
    {"rates stay within the tolerance when many switch", rates_stay_within_the_tolerance_when_many_switch_at_once},
    {"rates stay within the tolerance on measured machines", rates_stay_within_the_tolerance_on_measured_machines},
    {"work is what the rates come to over time", work_is_what_the_rates_come_to_over_time},
    {"exact work is rate times time", exact_work_is_rate_times_time},
    {"the same history has the same rates bit by bit", the_same_history_has_the_same_rates_bit_by_bit},
    {"who shares nothing does not change", who_shares_nothing_does_not_change},
};

CUNIT_MAIN("rate_lazy", tests)
