/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rate model: closed forms, boundaries, symmetry, and its slow twin on random configurations. */
#include "box.h"
#include "twin.h"

#include <cunit_main.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define HUGE_BANDWIDTH 1e30 /* nobody waits */

static struct work_mix mix_of(double cpi, double s, double mpki, double mlp)
{
    struct work_mix w = box_mix(cpi, mpki, mlp);
    w.smt_slowdown = s;
    return w;
}

static struct rate_task task_of(const struct work_mix *mix, double on_node_0)
{
    struct rate_task t = {.mix = mix};
    t.node_share[0] = on_node_0;
    t.node_share[1] = 1 - on_node_0;
    return t;
}

static unsigned solve(struct rate_model *r)
{
    unsigned changed[TWIN_MAX_CPUS];
    return rate_solve(r, changed);
}

static void set(struct rate_model *r, unsigned cpu, const struct rate_task *t)
{
    CU_ASSERT_EQUAL_FATAL(rate_set(r, cpu, t), 0);
}

static struct machine *box_without_queues(unsigned threads)
{
    struct machine *m = box_new(2, 4, threads);
    m->mem_bandwidth[0] = m->mem_bandwidth[1] = m->link_bandwidth = HUGE_BANDWIDTH;
    return m;
}

/* ---- closed forms ---------------------------------------------------------------------------------------------- */

/* 1 GHz: a cycle is a ns. L2 10, L3 40, memory 80, walk 10. */
static void unloaded_time_is_the_sum_of_the_timings(void)
{
    struct machine *m = box_without_queues(2);
    struct rate_model *r = rate_create(m);
    struct work_mix w = mix_of(0.7, 0.5, 5, 2);
    w.l2_apki = 50;
    w.l3_apki = 20;
    w.tlb_mpki_4k = 3;
    struct rate_task t = task_of(&w, 1);
    set(r, 3, &t);
    CU_ASSERT_EQUAL(solve(r), 1);
    /*               core  L2 hits            L3 hits           misses            walks */
    double expected = 0.7 + 30 / 1e3 * 10 / 2 + 15 / 1e3 * 40 / 2 + 5 / 1e3 * 80 / 2 + 3 / 1e3 * 10;
    close_to(rate_ipns(r, 3), 1 / expected, 1e-14);
    close_to(rate_miss_latency_ns(r, 3), BOX_LOCAL, 1e-14);
    CU_ASSERT_EQUAL(rate_miss_per_instr(r, 3), 0.005);
    CU_ASSERT_EQUAL(rate_ipns(r, 2), 0);
    CU_ASSERT_EQUAL(rate_l3_share(r, 2), 0);
    rate_free(r);
    box_free(m);
}

static void latency_is_linear_in_the_remote_part(void)
{
    struct machine *m = box_without_queues(1);
    struct rate_model *r = rate_create(m);
    struct work_mix w = mix_of(1, 0, 10, 1);
    for (unsigned i = 0; i <= 10; i++) {
        struct rate_task t = task_of(&w, i / 10.0);
        set(r, 0, &t);
        solve(r);
        double lat = BOX_REMOTE + i / 10.0 * (BOX_LOCAL - BOX_REMOTE);
        close_to(rate_miss_latency_ns(r, 0), lat, 1e-14);
        close_to(1 / rate_ipns(r, 0), 1 + 0.01 * lat, 1e-14);
    }
    rate_free(r);
    box_free(m);
}

/* Below this bandwidth a box is so slow that models/rate_wait.c counts less of a request's own part. */
#define LEAST_BANDWIDTH 3e9

/* t = a + q W, rho = f / t, W = S rho / (2 (1 - rho)): a quadratic in rho. f: capacity's part per ns of t. */
static double rho_of_one(double a, double q, double f, double service)
{
    /* (a (1 - rho) + q S rho / 2) rho = f (1 - rho) */
    double x = q * service / 2 - a, y = a + f, z = -f;
    return fabs(x) < 1e-12 ? -z / y : (-y + sqrt(y * y - 4 * x * z)) / (2 * x);
}

/* Of four requests in flight one that arrives sees three, and all that was written back: two lines of six are its. */
static void one_task_queues_behind_itself_as_in_the_closed_form(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct rate_model *r = rate_create(m);
    for (double bandwidth = LEAST_BANDWIDTH; bandwidth < 1e12; bandwidth *= 3) {
        m->mem_bandwidth[0] = bandwidth;
        rate_free(r);
        r = rate_create(m);
        struct work_mix w = mix_of(0.5, 0, 20, 4);
        w.write_fraction = 0.5;
        struct rate_task t = task_of(&w, 1);
        set(r, 0, &t);
        solve(r);
        double stall = 0.02 / 4, a = 0.5 + stall * BOX_LOCAL, seen = m->mem_service_ns * (1 - 1 / (1.5 * 4));
        double rho = rho_of_one(a, stall, 0.02 * 1.5 * 64 / (bandwidth / 1e9), seen);
        close_to(rate_mem_utilisation(r, 0), rho, 1e-10);
        close_to(rate_ipns(r, 0), 1 / (a + stall * seen * rho / (2 * (1 - rho))), 1e-10);
    }
    rate_free(r);
    box_free(m);
}

/* n equal tasks of m requests each: one that arrives sees n m - 1. */
static void equal_tasks_share_the_controller_equally(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct work_mix w = mix_of(0.5, 0, 30, 4);
    struct rate_task t = task_of(&w, 1);
    for (unsigned n = 1; n <= 4; n++) {
        struct rate_model *r = rate_create(m);
        for (unsigned c = 0; c < n; c++)
            set(r, c, &t);
        solve(r);
        double stall = 0.03 / 4, a = 0.5 + stall * BOX_LOCAL, seen = m->mem_service_ns * (1 - 1 / (4.0 * n));
        double rho = rho_of_one(a, stall, n * 0.03 * 64 / (m->mem_bandwidth[0] / 1e9), seen);
        close_to(rate_mem_utilisation(r, 0), rho, 1e-10);
        for (unsigned c = 0; c < n; c++) {
            CU_ASSERT_EQUAL(rate_ipns(r, c), rate_ipns(r, 0));
            close_to(rate_ipns(r, c), 1 / (a + stall * seen * rho / (2 * (1 - rho))), 1e-10);
        }
        rate_free(r);
    }
    box_free(m);
}

/* A chain of dependent loads has one request in flight, which waits for nobody, wherever its memory lies. */
static void a_chain_alone_sees_the_idle_latency(void)
{
    for (double bandwidth = LEAST_BANDWIDTH; bandwidth < 1e11; bandwidth *= 2)
        for (unsigned k = 0; k < 12; k++) {
            struct machine *m = box_new(2, 4, 2);
            m->mem_bandwidth[0] = bandwidth;
            m->link_bandwidth = bandwidth;
            m->snoop_message = k < 6 ? 0 : 16;
            m->snoop_part = 0.5;
            m->snoop_directory_write = k < 6 ? 0 : 0.25;
            struct rate_model *r = rate_create(m);
            struct work_mix w = mix_of(1e-6, 0.5, 1000, 1);
            double near = k % 6 / 5.0;
            struct rate_task t = task_of(&w, near);
            if (k % 2)
                CU_ASSERT_EQUAL_FATAL(rate_lazy(r), 0);
            set(r, 0, &t);
            solve(r);
            double lat = near * BOX_LOCAL + (1 - near) * BOX_REMOTE;
            close_to(rate_miss_latency_ns(r, 0), lat, k % 2 ? RATE_LAZY_TOLERANCE : 1e-10);
            CU_ASSERT(rate_mem_utilisation(r, 0) > 0 || near == 0);
            rate_free(r);
            box_free(m);
        }
}

/* On a box that one request in flight nearly fills, the own part counts less: it waits, and for no more than a line. */
static void a_chain_on_a_slow_box_waits_a_little(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct work_mix w = mix_of(1e-6, 0, 1000, 1);
    double last = 0;
    for (double bandwidth = LEAST_BANDWIDTH; bandwidth > 1e7; bandwidth /= 2) {
        m->mem_bandwidth[0] = bandwidth;
        struct rate_model *r = rate_create(m);
        struct rate_task t = task_of(&w, 1);
        set(r, 0, &t);
        solve(r);
        double lat = rate_miss_latency_ns(r, 0), line = 64e9 / bandwidth;
        CU_ASSERT(lat >= BOX_LOCAL - 1e-9 && lat < BOX_LOCAL + m->mem_service_ns + line);
        CU_ASSERT(lat >= last);
        CU_ASSERT(lat > line); /* no more than the capacity */
        last = lat;
        rate_free(r);
    }
    box_free(m);
}

/* ---- SMT ------------------------------------------------------------------------------------------------------- */

static void two_core_bound_threads_slow_each_other_down_by_s(void)
{
    struct machine *m = box_new(2, 4, 2);
    struct rate_model *r = rate_create(m);
    struct work_mix w = mix_of(2, 0.43, 0, 1);
    struct rate_task t = task_of(&w, 1);
    set(r, 0, &t);
    solve(r);
    CU_ASSERT_EQUAL(rate_ipns(r, 0), 0.5);
    set(r, 1, &t);
    CU_ASSERT_EQUAL(solve(r), 2);
    close_to(rate_ipns(r, 0), 0.5 / 1.43, 1e-14);
    CU_ASSERT_EQUAL(rate_ipns(r, 0), rate_ipns(r, 1));
    set(r, 1, NULL);
    set(r, 2, &t); /* another core: no sibling */
    solve(r);
    CU_ASSERT_EQUAL(rate_ipns(r, 0), 0.5);
    rate_free(r);
    box_free(m);
}

/* u satisfies its own definition, for threads that are alike and that are not, two and more of them. */
static void smt_slowdown_goes_with_what_the_siblings_issue(void)
{
    for (unsigned threads = 2; threads <= 4; threads++) {
        struct machine *m = box_without_queues(threads);
        struct rate_model *r = rate_create(m);
        struct work_mix w[4];
        struct rate_task t[4];
        for (unsigned alike = 0; alike < 2; alike++) {
            double core[4], stall[4], u[4];
            for (unsigned i = 0; i < threads; i++) {
                unsigned k = alike ? 1 : i;
                w[i] = mix_of(0.5 + k, 0.3 + 0.4 * k, 40.0 * k, 1 + k);
                t[i] = task_of(&w[i], 1);
                core[i] = 0.5 + k;
                stall[i] = 40.0 * k / 1e3 * BOX_LOCAL / (1 + k);
                set(r, i, &t[i]);
            }
            solve(r);
            for (unsigned i = 0; i < threads; i++)
                u[i] = 1 - stall[i] * rate_ipns(r, i);
            for (unsigned i = 0; i < threads; i++) {
                double others = 0;
                for (unsigned j = 0; j < threads; j++)
                    others += j == i ? 0 : u[j];
                close_to(1 / rate_ipns(r, i), core[i] * (1 + w[i].smt_slowdown * others) + stall[i], 1e-12);
                CU_ASSERT(u[i] > 0 && u[i] <= 1);
            }
        }
        rate_free(r);
        box_free(m);
    }
}

static void a_sibling_that_waits_for_memory_hardly_disturbs(void)
{
    struct machine *m = box_without_queues(2);
    struct rate_model *r = rate_create(m);
    struct work_mix core = mix_of(1, 0.5, 0, 1), memory = mix_of(0.01, 0.5, 900, 1);
    struct rate_task a = task_of(&core, 1), b = task_of(&memory, 1);
    set(r, 0, &a);
    set(r, 1, &b);
    solve(r);
    CU_ASSERT(rate_ipns(r, 0) > 0.9998 && rate_ipns(r, 0) < 1);
    rate_free(r);
    box_free(m);
}

/* ---- bandwidth ------------------------------------------------------------------------------------------------- */

static double bytes_per_ns(const struct rate_model *r, unsigned cpus, const struct work_mix *w)
{
    double sum = 0;
    for (unsigned c = 0; c < cpus; c++)
        sum += rate_ipns(r, c) * rate_miss_per_instr(r, c) * 64 * (1 + w->write_fraction);
    return sum;
}

static void demand_beyond_the_capacity_gets_the_capacity(void)
{
    struct machine *m = box_new(2, 4, 2);
    struct work_mix w = mix_of(0.1, 0.1, 200, 10);
    w.write_fraction = 1;
    for (double bandwidth = 30e9; bandwidth > 1e6; bandwidth /= 10) {
        m->mem_bandwidth[0] = bandwidth;
        struct rate_model *r = rate_create(m);
        struct rate_task t = task_of(&w, 1);
        for (unsigned c = 0; c < 8; c++)
            set(r, c, &t);
        solve(r);
        double used = bytes_per_ns(r, 8, &w) / (bandwidth / 1e9);
        CU_ASSERT(used < 1 && used > 0.8);
        close_to(rate_mem_utilisation(r, 0), used, 1e-9);
        CU_ASSERT_EQUAL(rate_mem_utilisation(r, 1), 0);
        rate_free(r);
    }
    box_free(m);
}

static void the_link_limits_remote_traffic_only(void)
{
    struct machine *m = box_new(2, 4, 1);
    m->link_bandwidth = 1e9;
    m->mem_bandwidth[0] = m->mem_bandwidth[1] = 1e12;
    struct rate_model *r = rate_create(m);
    struct work_mix w = mix_of(0.5, 0, 50, 4);
    struct rate_task local = task_of(&w, 1);
    for (unsigned c = 0; c < 8; c++)
        set(r, c, &local); /* memory of node 0: remote for socket 1 */
    solve(r);
    CU_ASSERT(rate_link_utilisation(r, 0, 1) > 0.95 && rate_link_utilisation(r, 0, 1) < 1);
    CU_ASSERT_EQUAL(rate_link_utilisation(r, 1, 0), 0);
    CU_ASSERT(rate_ipns(r, 0) > 5 * rate_ipns(r, 4));
    double remote = 4 * rate_ipns(r, 4) * 0.05 * 64;
    close_to(remote / 1.0, rate_link_utilisation(r, 0, 1), 1e-9);
    rate_free(r);
    box_free(m);
}

static void more_load_never_makes_the_others_faster(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct rate_model *r = rate_create(m);
    struct work_mix w = mix_of(0.5, 0, 50, 6);
    struct rate_task t = task_of(&w, 0.5);
    double last = 1e9;
    for (unsigned c = 0; c < 8; c++) {
        set(r, c, &t);
        solve(r);
        CU_ASSERT(rate_ipns(r, 0) < last);
        last = rate_ipns(r, 0);
    }
    rate_free(r);
    box_free(m);
}

/* ---- L3 -------------------------------------------------------------------------------------------------------- */

static void l3_is_shared_by_the_socket_and_misses_follow_the_curve(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct rate_model *r = rate_create(m);
    struct work_mix w = mix_of(0.5, 0, 30, 1);
    w.nr_curve = 2;
    w.curve_size[1] = 8 * BOX_MIB;
    w.curve_mpki[1] = 2;
    struct rate_task t = task_of(&w, 1);
    for (unsigned n = 1; n <= 4; n++) {
        set(r, n - 1, &t);
        solve(r);
        double sum = 0, share = 8 * BOX_MIB / n;
        for (unsigned c = 0; c < n; c++) {
            sum += rate_l3_share(r, c);
            close_to(rate_miss_per_instr(r, c), (30 - 28 * (share - BOX_MIB) / (7 * BOX_MIB)) / 1000, 1e-12);
        }
        close_to(sum, 8 * BOX_MIB, 1e-14);
    }
    set(r, 4, &t); /* the other socket has an L3 of its own */
    solve(r);
    close_to(rate_l3_share(r, 4), 8 * BOX_MIB, 1e-14);
    rate_free(r);
    box_free(m);
}

/* ---- what runs where, and nothing else ------------------------------------------------------------------------- */

static unsigned long long lcg = 12345;
static double uniform(void)
{
    lcg = lcg * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(lcg >> 11) / 9007199254740992.0;
}

enum { KINDS = 6 };

static void random_mixes(struct work_mix *mix)
{
    for (unsigned i = 0; i < KINDS; i++) {
        double peak = 60 * uniform() * uniform();
        mix[i] = mix_of(0.2 + 2 * uniform(), uniform(), peak, 1 + 5 * uniform());
        mix[i].l2_apki = peak + 30 * uniform();
        mix[i].l3_apki = peak + (mix[i].l2_apki - peak) * uniform();
        mix[i].write_fraction = uniform();
        mix[i].footprint = 4 * BOX_MIB * uniform();
        mix[i].tlb_mpki_4k = 2 * uniform();
        mix[i].nr_curve = 3;
        for (unsigned k = 1; k < 3; k++) {
            mix[i].curve_size[k] = mix[i].curve_size[k - 1] * (1.5 + 2 * uniform());
            mix[i].curve_mpki[k] = mix[i].curve_mpki[k - 1] * uniform();
        }
    }
}

static void random_tasks(const struct work_mix *mix, unsigned cpus, struct rate_task *task,
                         const struct rate_task **runs)
{
    for (unsigned c = 0; c < cpus; c++) {
        double pick = uniform();
        task[c] = task_of(&mix[(unsigned)(uniform() * KINDS)], pick < 0.2 ? 0 : pick < 0.4 ? 1 : uniform());
        runs[c] = uniform() < 0.25 ? NULL : &task[c];
    }
}

static void agrees_with_its_slow_twin(void)
{
    double worst = 0;
    unsigned saturated = 0;
    for (unsigned round = 0; round < 1000; round++) {
        struct machine *m = box_new(2, 4, 1 + round % 2);
        double scale = 0.1 + 2 * uniform();
        m->mem_bandwidth[0] = 30e9 * scale * uniform() + 5e8;
        m->mem_bandwidth[1] = 30e9 * scale * uniform() + 5e8;
        m->link_bandwidth = 20e9 * scale * uniform() + 5e8;
        m->write_cost = round % 3 ? uniform() : 0;
        struct work_mix mix[KINDS];
        struct rate_task task[16];
        const struct rate_task *runs[16];
        random_mixes(mix);
        random_tasks(mix, m->nr_cpus, task, runs);
        struct rate_model *r = rate_create(m);
        for (unsigned c = 0; c < m->nr_cpus; c++)
            set(r, c, runs[c]);
        solve(r);
        static struct twin slow;
        twin_solve(m, runs, &slow);
        for (unsigned c = 0; c < m->nr_cpus; c++) {
            if (!runs[c])
                continue;
            double e = fabs(rate_ipns(r, c) / slow.ipns[c] - 1);
            worst = fmax(worst, e);
            close_to(rate_ipns(r, c), slow.ipns[c], 1e-9);
            close_to(rate_l3_share(r, c), slow.share[c], 1e-9);
        }
        double rho[4] = {rate_mem_utilisation(r, 0), rate_mem_utilisation(r, 1), rate_link_utilisation(r, 0, 1),
                         rate_link_utilisation(r, 1, 0)};
        bool full = false;
        for (unsigned k = 0; k < 4; k++) {
            CU_ASSERT_DOUBLE_EQUAL(rho[k], slow.rho[k], 1e-9);
            CU_ASSERT(rho[k] >= 0 && rho[k] < 1);
            full = full || rho[k] > 0.9;
        }
        saturated += full;
        rate_free(r);
        box_free(m);
    }
    CU_ASSERT(saturated > 100); /* the hard cases were among them */
    printf("(worst %.1e, %u saturated) ", worst, saturated);
}

static void threads_that_change_places_change_rates_bit_by_bit(void)
{
    struct machine *m = box_new(2, 4, 2);
    for (unsigned round = 0; round < 200; round++) {
        struct work_mix mix[KINDS];
        struct rate_task task[16];
        const struct rate_task *runs[16];
        random_mixes(mix);
        random_tasks(mix, 16, task, runs);
        unsigned core[8], to[16];
        for (unsigned i = 0; i < 8; i++)
            core[i] = i;
        for (unsigned s = 0; s < 8; s += 4) /* cores of a socket among themselves */
            for (unsigned i = 3; i > 0; i--) {
                unsigned j = (unsigned)(uniform() * (i + 1)), t = core[s + i];
                core[s + i] = core[s + j];
                core[s + j] = t;
            }
        for (unsigned c = 0; c < 16; c++) /* and the threads of every other core */
            to[c] = 2 * core[c / 2] + (c / 2 % 2 ? 1 - c % 2 : c % 2);
        struct rate_model *a = rate_create(m), *b = rate_create(m);
        for (unsigned c = 0; c < 16; c++)
            set(a, c, runs[c]);
        for (unsigned c = 16; c-- > 0;)
            set(b, to[c], runs[c]);
        solve(a);
        solve(b);
        for (unsigned c = 0; c < 16; c++) {
            CU_ASSERT_EQUAL(rate_ipns(a, c), rate_ipns(b, to[c]));
            CU_ASSERT_EQUAL(rate_l3_share(a, c), rate_l3_share(b, to[c]));
        }
        rate_free(a);
        rate_free(b);
    }
    box_free(m);
}

/* One model that saw 500 configurations and one that sees only the last agree bit by bit, and `changed` is exact. */
static void history_does_not_matter_and_changes_are_exact(void)
{
    struct machine *m = box_new(2, 4, 2);
    struct rate_model *old = rate_create(m);
    struct work_mix mix[KINDS];
    struct rate_task task[16];
    const struct rate_task *runs[16];
    double before[16] = {0};
    random_mixes(mix);
    random_tasks(mix, 16, task, runs);
    for (unsigned round = 0; round < 500; round++) {
        unsigned cpu = (unsigned)(uniform() * 16), changed[16], n, at = 0;
        task[cpu] = task_of(&mix[(unsigned)(uniform() * KINDS)], uniform());
        runs[cpu] = uniform() < 0.3 ? NULL : &task[cpu];
        for (unsigned c = 0; c < 16; c++)
            set(old, c, runs[c]);
        n = rate_solve(old, changed);
        struct rate_model *new = rate_create(m);
        for (unsigned c = 0; c < 16; c++)
            set(new, c, runs[c]);
        solve(new);
        for (unsigned c = 0; c < 16; c++) {
            CU_ASSERT_EQUAL(rate_ipns(old, c), rate_ipns(new, c));
            CU_ASSERT_EQUAL(rate_miss_latency_ns(old, c), rate_miss_latency_ns(new, c));
            bool told = at < n && changed[at] == c;
            at += told;
            CU_ASSERT(told || rate_ipns(old, c) == before[c]);
            before[c] = rate_ipns(old, c);
        }
        CU_ASSERT_EQUAL(at, n); /* ascending, nothing else in it */
        CU_ASSERT_EQUAL(rate_solve(old, changed), 0);
        rate_free(new);
    }
    rate_free(old);
    box_free(m);
}

static void a_task_is_taken_over_when_it_is_set(void)
{
    struct machine *m = box_without_queues(1);
    struct rate_model *r = rate_create(m);
    struct work_mix w = mix_of(1, 0, 10, 1);
    struct rate_task t = task_of(&w, 1);
    set(r, 0, &t);
    t.node_share[0] = 0;
    t.node_share[1] = 1;
    solve(r);
    close_to(rate_miss_latency_ns(r, 0), BOX_LOCAL, 1e-14);
    set(r, 0, &t);
    CU_ASSERT_EQUAL(solve(r), 1);
    close_to(rate_miss_latency_ns(r, 0), BOX_REMOTE, 1e-14);
    set(r, 0, NULL);
    CU_ASSERT_EQUAL(solve(r), 1);
    CU_ASSERT_EQUAL(rate_ipns(r, 0), 0);
    CU_ASSERT_EQUAL(rate_mem_utilisation(r, 1), 0);
    rate_free(r);
    box_free(m);
}

/* ---- warm-up --------------------------------------------------------------------------------------------------- */

static void warmup_fetches_what_is_gone_once(void)
{
    struct machine *m = box_without_queues(1);
    struct rate_model *r = rate_create(m);
    struct work_mix w = mix_of(1, 0, 10, 2);
    w.footprint = 1 * BOX_MIB;
    struct rate_task t = task_of(&w, 1);
    set(r, 0, &t);
    solve(r);
    double lines = BOX_MIB / 64, l2 = 262144 / 64.0;
    close_to(rate_warmup_ns(r, 0, &t, 0, 0), lines * BOX_LOCAL / 2, 1e-12);               /* all of it from memory */
    close_to(rate_warmup_ns(r, 0, &t, 0, BOX_MIB), l2 * 40 / 2, 1e-12);                   /* L2 from L3 */
    close_to(rate_warmup_ns(r, 0, &t, 0, BOX_MIB / 2), lines / 2 * BOX_LOCAL / 2, 1e-12); /* they fill L2 on the way */
    close_to(rate_warmup_ns(r, 0, &t, 131072, BOX_MIB), l2 / 2 * 40 / 2, 1e-12);
    CU_ASSERT_EQUAL(rate_warmup_ns(r, 0, &t, 262144, BOX_MIB), 0);
    CU_ASSERT_EQUAL(rate_warmup_ns(r, 0, &t, 1e9, 1e9), 0);
    rate_free(r);
    box_free(m);
}

static const struct cunit_case tests[] = {
    {"unloaded: time is the sum of the timings", unloaded_time_is_the_sum_of_the_timings},
    {"latency is linear in the remote part", latency_is_linear_in_the_remote_part},
    {"one task queues behind itself as in the closed form", one_task_queues_behind_itself_as_in_the_closed_form},
    {"equal tasks share a controller equally", equal_tasks_share_the_controller_equally},
    {"a chain alone sees the idle latency", a_chain_alone_sees_the_idle_latency},
    {"a chain on a slow box waits a little", a_chain_on_a_slow_box_waits_a_little},
    {"two core-bound threads slow each other down by s", two_core_bound_threads_slow_each_other_down_by_s},
    {"SMT slowdown goes with what the siblings issue", smt_slowdown_goes_with_what_the_siblings_issue},
    {"a sibling that waits for memory hardly disturbs", a_sibling_that_waits_for_memory_hardly_disturbs},
    {"demand beyond the capacity gets the capacity", demand_beyond_the_capacity_gets_the_capacity},
    {"the link limits remote traffic only", the_link_limits_remote_traffic_only},
    {"more load never makes the others faster", more_load_never_makes_the_others_faster},
    {"L3 is shared by the socket, misses follow the curve", l3_is_shared_by_the_socket_and_misses_follow_the_curve},
    {"agrees with its slow twin to 1e-9", agrees_with_its_slow_twin},
    {"threads that change places change rates bit by bit", threads_that_change_places_change_rates_bit_by_bit},
    {"history does not matter, changes are exact", history_does_not_matter_and_changes_are_exact},
    {"a task is taken over when it is set", a_task_is_taken_over_when_it_is_set},
    {"warm-up fetches what is gone, once", warmup_fetches_what_is_gone_once},
};

CUNIT_MAIN("rate", tests)
