/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Terms that a machine has only where its file says so: probes, directories, prefetchers, max-min shares. */
#include "box.h"

#include <cunit_main.h>
#include <math.h>
#include <models/rate.h>

enum { MAX_CPUS = 64 };

static struct machine *fast_box(void)
{
    struct machine *m = box_new(2, 4, 1);
    m->mem_bandwidth[0] = m->mem_bandwidth[1] = m->link_bandwidth = 1e30;
    return m;
}

/* ---- snoops ----------------------------------------------------------------------------------------------------- */

static void a_miss_takes_as_long_as_the_last_answer(void)
{
    struct machine *m = fast_box();
    struct work_mix w = box_mix(1, 10, 1);
    m->snoop_message = 16;
    m->snoop_latency_ns = BOX_LOCAL + 30;
    for (unsigned k = 0; k <= 4; k++) {
        m->snoop_part = k / 4.0;
        struct rate_model *r = box_run(m, &w, 0, 1, 0);
        close_to(rate_miss_latency_ns(r, 0), BOX_LOCAL + 30 * m->snoop_part, 1e-12);
        rate_free(r);
    }
    m->snoop_latency_ns = BOX_LOCAL - 1; /* memory is slower */
    struct rate_model *r = box_run(m, &w, 0, 1, 0);
    close_to(rate_miss_latency_ns(r, 0), BOX_LOCAL, 1e-12);
    rate_free(r);
    box_free(m);
}

/* Local misses, and yet both directions of the link carry a quarter of a line for each. */
static void probes_take_bandwidth_of_the_links(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct work_mix w = box_mix(0.5, 20, 4);
    m->mem_bandwidth[0] = 1e12;
    m->snoop_message = 16;
    m->snoop_part = 1;
    struct rate_model *r = box_run(m, &w, 0, 4, 0);
    double lines = 4 * 0.02 * rate_ipns(r, 0);
    for (unsigned from = 0; from < 2; from++) {
        double rho = rate_link_utilisation(r, from, 1 - from);
        close_to(rho, lines * 16 / m->link_bandwidth * 1e9, 1e-9);
        CU_ASSERT_TRUE(rho > 0.1);
    }
    /* the miss waits for the way there and back, M/D/1, for 15 of 16 requests in flight */
    double rho = rate_link_utilisation(r, 0, 1), wait = rho * m->link_service_ns / (2 * (1 - rho));
    double busy = rate_mem_utilisation(r, 0), queue = busy * m->mem_service_ns / (2 * (1 - busy));
    close_to(rate_miss_latency_ns(r, 0), BOX_LOCAL + (2 * wait + queue) * 15 / 16, 1e-9);
    rate_free(r);
    /* half as often with a directory */
    m->snoop_part = 0.5;
    struct rate_model *half = box_run(m, &w, 0, 4, 0);
    close_to(rate_link_utilisation(half, 0, 1), 4 * 0.02 * rate_ipns(half, 0) * 8 / m->link_bandwidth * 1e9, 1e-9);
    rate_free(half);
    box_free(m);
}

static void a_directory_in_memory_is_written_by_reads_from_elsewhere(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct work_mix w = box_mix(0.5, 20, 4);
    m->snoop_directory_write = 0.5;
    m->write_cost = 0.2;
    struct rate_model *far = box_run(m, &w, 0, 4, 1), *near = box_run(m, &w, 0, 4, 0);
    close_to(rate_mem_utilisation(far, 1), 4 * 0.02 * rate_ipns(far, 0) * 64 * 1.6 / m->mem_bandwidth[1] * 1e9, 1e-9);
    close_to(rate_mem_utilisation(near, 0), 4 * 0.02 * rate_ipns(near, 0) * 64 / m->mem_bandwidth[0] * 1e9, 1e-9);
    rate_free(far);
    rate_free(near);
    box_free(m);
}

/* ---- prefetching ------------------------------------------------------------------------------------------------ */

static void prefetchers_keep_lines_in_flight_where_misses_are_in_order(void)
{
    struct machine *m = fast_box();
    struct work_mix w = box_mix(1, 10, 2);
    m->prefetch_depth = 6;
    m->prefetch_accuracy = 1;
    for (unsigned k = 0; k <= 4; k++) {
        w.sequential = k / 4.0;
        struct rate_model *r = box_run(m, &w, 0, 1, 0);
        double stall = 0.01 * BOX_LOCAL * ((1 - w.sequential) / 2 + w.sequential / 8);
        close_to(1 / rate_ipns(r, 0), 1 + stall, 1e-12);
        rate_free(r);
    }
    box_free(m);
}

static void what_is_fetched_in_vain_takes_bandwidth(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct work_mix w = box_mix(0.5, 20, 4);
    w.sequential = 0.5;
    m->prefetch_depth = 8;
    m->prefetch_accuracy = 0.8;
    struct rate_model *r = box_run(m, &w, 0, 2, 0);
    close_to(rate_mem_utilisation(r, 0), 2 * 0.02 * rate_ipns(r, 0) * 64 * 1.125 / m->mem_bandwidth[0] * 1e9, 1e-9);
    rate_free(r);
    m->prefetch_depth = 0; /* no prefetcher: in order or not is the same */
    struct rate_model *in_order = box_run(m, &w, 0, 2, 0);
    w.sequential = 0;
    struct rate_model *at_random = box_run(m, &w, 0, 2, 0);
    CU_ASSERT_EQUAL(rate_ipns(in_order, 0), rate_ipns(at_random, 0));
    rate_free(in_order);
    rate_free(at_random);
    box_free(m);
}

/* ---- max-min ---------------------------------------------------------------------------------------------------- */

static void below_saturation_nobody_waits(void)
{
    struct machine *m = box_new(2, 4, 1);
    struct work_mix w = box_mix(1, 5, 1);
    m->sharing = MACHINE_MAX_MIN;
    struct rate_model *r = box_run(m, &w, 0, 4, 0);
    close_to(1 / rate_ipns(r, 0), 1 + 0.005 * BOX_LOCAL, 1e-12);
    close_to(rate_miss_latency_ns(r, 3), BOX_LOCAL, 1e-12);
    rate_free(r);
    box_free(m);
}

/* A controller of 20 GB/s; the light task gets what it asks for, of the rest who has twice the lines in flight twice.
 */
static void above_it_the_rest_is_shared_by_lines_in_flight(void)
{
    struct machine *m = box_new(2, 4, 1);
    m->sharing = MACHINE_MAX_MIN;
    m->mem_bandwidth[0] = 4e9;
    struct work_mix w[3] = {box_mix(0.2, 50, 4), box_mix(0.2, 50, 8), box_mix(5, 1, 1)};
    struct rate_model *r = rate_create(m);
    unsigned changed[MAX_CPUS];
    for (unsigned c = 0; c < 3; c++) {
        struct rate_task t = {.mix = &w[c]};
        t.node_share[0] = 1;
        CU_ASSERT_EQUAL(rate_set(r, c, &t), 0);
    }
    rate_solve(r, changed);
    close_to(1 / rate_ipns(r, 2), 5 + 0.001 * BOX_LOCAL, 1e-12);
    close_to(rate_ipns(r, 1) / rate_ipns(r, 0), 2, 1e-12);
    close_to(rate_mem_utilisation(r, 0), 1, 1e-12);
    CU_ASSERT_TRUE(rate_miss_latency_ns(r, 0) > BOX_LOCAL);
    /* Little: as many lines are there as the tasks have in flight, but for what is not stalled */
    double left = 4e9 / 64e9 - 0.001 * rate_ipns(r, 2);
    close_to(0.05 * (rate_ipns(r, 0) + rate_ipns(r, 1)), left, 1e-12);
    rate_free(r);
    box_free(m);
}

/* Of two threads of a core, who is held up leaves the core to the other: its bound rises, until nothing moves. */
static void siblings_take_what_a_held_up_thread_leaves(void)
{
    struct machine *m = box_new(2, 4, 2);
    m->sharing = MACHINE_MAX_MIN;
    m->mem_bandwidth[1] = 1e8;
    struct work_mix w[2] = {box_mix(1, 20, 2), box_mix(1, 2, 1)};
    w[0].smt_slowdown = w[1].smt_slowdown = 0.8;
    double ipns[2];
    for (unsigned k = 0; k < 2; k++) { /* the heavy one near the slow controller, or not */
        struct rate_model *r = rate_create(m);
        unsigned changed[MAX_CPUS];
        for (unsigned c = 0; c < 2; c++) {
            struct rate_task t = {.mix = &w[c]};
            t.node_share[c == 0 ? k : 0] = 1;
            CU_ASSERT_EQUAL(rate_set(r, c, &t), 0);
        }
        rate_solve(r, changed);
        ipns[k] = rate_ipns(r, 1);
        if (k == 1)
            close_to(rate_mem_utilisation(r, 1), 1, 1e-9);
        rate_free(r);
    }
    CU_ASSERT_TRUE(ipns[1] > ipns[0] * 1.1);
    CU_ASSERT_TRUE(1 / ipns[1] > 1 + 0.002 * BOX_LOCAL); /* and no faster than alone */
    box_free(m);
}

static const struct cunit_case tests[] = {
    {"a miss takes as long as the last answer to its probes", a_miss_takes_as_long_as_the_last_answer},
    {"probes take bandwidth of the links", probes_take_bandwidth_of_the_links},
    {"a directory in memory is written by reads from elsewhere",
     a_directory_in_memory_is_written_by_reads_from_elsewhere},
    {"prefetchers keep lines in flight where misses are in order",
     prefetchers_keep_lines_in_flight_where_misses_are_in_order},
    {"what is fetched in vain takes bandwidth", what_is_fetched_in_vain_takes_bandwidth},
    {"max-min: below saturation nobody waits", below_saturation_nobody_waits},
    {"max-min: above it the rest is shared by lines in flight", above_it_the_rest_is_shared_by_lines_in_flight},
    {"max-min: siblings take what a held-up thread leaves", siblings_take_what_a_held_up_thread_leaves},
};

CUNIT_MAIN("rate_terms", tests)
