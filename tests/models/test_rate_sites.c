/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rate model on machines whose cores are not alike: groups of L3, clusters, kinds, clocks, graphs of links. */
#include "box.h"

#include <cunit_main.h>
#include <math.h>
#include <models/rate.h>
#include <stdlib.h>

#define HUGE_BANDWIDTH 1e30

static struct machine *without_queues(void)
{
    struct machine *m = box_new(2, 4, 1);
    m->mem_bandwidth[0] = m->mem_bandwidth[1] = m->link_bandwidth = HUGE_BANDWIDTH;
    return m;
}

/* Two L3s a socket: two tasks share one only if they are in one. */
static void l3_is_shared_within_its_group(void)
{
    struct machine *m = without_queues();
    m->l3.nr = 4;
    for (unsigned c = 0; c < 8; c++)
        m->l3.of[c] = c / 2;
    struct work_mix w = box_mix(1, 10, 4);
    struct rate_model *r = box_run(m, &w, 0, 3, 0); /* 0 and 1 in one, 2 alone */
    CU_ASSERT_DOUBLE_EQUAL(rate_l3_share(r, 0), 4 * BOX_MIB, 1);
    CU_ASSERT_DOUBLE_EQUAL(rate_l3_share(r, 1), 4 * BOX_MIB, 1);
    CU_ASSERT_DOUBLE_EQUAL(rate_l3_share(r, 2), 8 * BOX_MIB, 1);
    rate_free(r);
    box_free(m);
}

/* An exclusive L3 has what is not in L2: a task's misses are those of both together. */
static void an_exclusive_l3_adds_up_with_l2(void)
{
    struct machine *m = without_queues();
    struct work_mix w = box_mix(1, 10, 4);
    w.nr_curve = 2;
    w.curve_size[0] = 0;
    w.curve_size[1] = 16 * BOX_MIB;
    w.curve_mpki[0] = 16;
    w.curve_mpki[1] = 0;
    struct rate_model *r = box_run(m, &w, 0, 1, 0);
    CU_ASSERT_DOUBLE_EQUAL(rate_miss_per_instr(r, 0), 0.008, 1e-12);
    rate_free(r);
    m->l3.policy = MACHINE_EXCLUSIVE;
    r = box_run(m, &w, 0, 1, 0);
    CU_ASSERT_DOUBLE_EQUAL(rate_miss_per_instr(r, 0), 0.00775, 1e-12); /* a quarter of a MiB more */
    rate_free(r);
    box_free(m);
}

static void kinds_differ_in_speed(void)
{
    struct machine *m = without_queues();
    m->kind = realloc(m->kind, 2 * sizeof(*m->kind));
    m->kind[1] = m->kind[0];
    m->kind[1].speed = 0.5;
    m->nr_kinds = 2;
    m->cpu[1].kind = 1;
    struct work_mix w = box_mix(1, 0, 1);
    struct rate_model *r = box_run(m, &w, 0, 2, 0);
    CU_ASSERT_DOUBLE_EQUAL(rate_ipns(r, 0), 1, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(rate_ipns(r, 1), 0.5, 1e-12);
    rate_free(r);
    box_free(m);
}

/* 2 GHz alone, 1.5 with two, 1 beyond; the other socket does not count. */
static void the_clock_falls_with_active_cores(void)
{
    static const double ipns[] = {2, 1.5, 1, 1};
    struct machine *m = without_queues();
    m->nr_turbo = 3;
    m->turbo_hz = malloc(3 * sizeof(double));
    CU_ASSERT_PTR_NOT_NULL_FATAL(m->turbo_hz);
    m->turbo_hz[0] = 2e9;
    m->turbo_hz[1] = 1.5e9;
    m->turbo_hz[2] = 1e9;
    struct work_mix w = box_mix(1, 0, 1);
    for (unsigned n = 1; n <= 4; n++) {
        struct rate_model *r = box_run(m, &w, 0, n, 0);
        CU_ASSERT_DOUBLE_EQUAL(rate_ipns(r, 0), ipns[n - 1], 1e-12);
        rate_free(r);
    }
    struct rate_model *r = box_run(m, &w, 3, 2, 0); /* one core in each socket */
    CU_ASSERT_DOUBLE_EQUAL(rate_ipns(r, 3), 2, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(rate_ipns(r, 4), 2, 1e-12);
    rate_free(r);
    free(m->turbo_hz);
    box_free(m);
}

static double read_per_ns(const struct rate_model *r, unsigned first, unsigned n)
{
    double sum = 0;
    for (unsigned c = first; c < first + n; c++)
        sum += rate_ipns(r, c) * rate_miss_per_instr(r, c) * 64;
    return sum;
}

/* Readers with all their lines in flight see the bandwidth that the file says they see. */
static void bandwidths_are_what_tools_measure(void)
{
    struct machine *m = box_new(2, 4, 1);
    m->core_outstanding = 12;
    struct work_mix w = box_mix(1e-9, 1000, 12);
    struct rate_model *r = box_run(m, &w, 0, 4, 0);
    CU_ASSERT_DOUBLE_EQUAL(read_per_ns(r, 0, 4), 20, 1e-6);
    rate_free(r);
    m->mem_bandwidth[0] = 1e12; /* nothing but the link */
    m->mem_service_ns = 1e-9;
    r = box_run(m, &w, 4, 4, 0);
    CU_ASSERT_DOUBLE_EQUAL(read_per_ns(r, 4, 4), 10, 1e-3);
    rate_free(r);
    box_free(m);
}

static void a_cluster_is_a_bottleneck_of_its_own(void)
{
    struct machine *m = box_new(2, 4, 1);
    m->mem_bandwidth[0] = m->mem_bandwidth[1] = HUGE_BANDWIDTH;
    m->core_outstanding = 12;
    m->cluster_cores = 2;
    m->cluster_bandwidth = 8e9;
    struct work_mix w = box_mix(1e-9, 1000, 12);
    struct rate_model *r = box_run(m, &w, 0, 3, 0); /* two in the first, one in the second */
    CU_ASSERT_DOUBLE_EQUAL(read_per_ns(r, 0, 2), 8, 1e-6);
    CU_ASSERT(read_per_ns(r, 2, 1) > 7.3 && read_per_ns(r, 2, 1) < 8); /* it alone could ask for 9.6 */
    rate_free(r);
    box_free(m);
}

/* A chain of three sockets: what goes from end to end loads both links, in the direction of the lines. */
static void a_route_loads_every_link_on_it(void)
{
    static const struct machine_link chain[] = {{0, 1, 10e9}, {1, 0, 10e9}, {1, 2, 5e9}, {2, 1, 5e9}};
    struct machine *m = box_new(3, 2, 1);
    unsigned route_at[] = {0, 0, 1, 3, 4, 4, 5, 7, 8, 8}, route[] = {0, 0, 2, 1, 2, 3, 1, 3};
    m->nr_links = 4;
    m->link = malloc(sizeof(chain));
    CU_ASSERT_PTR_NOT_NULL_FATAL(m->link);
    for (unsigned l = 0; l < 4; l++)
        m->link[l] = chain[l];
    m->route_at = route_at;
    m->route = route;
    struct work_mix w = box_mix(10, 50, 1);
    w.write_fraction = 0.25;
    struct rate_model *r = box_run(m, &w, 0, 1, 2); /* core in socket 0, memory at 2 */
    double lines = read_per_ns(r, 0, 1);
    CU_ASSERT_DOUBLE_EQUAL(rate_link_utilisation(r, 2, 1), lines / 5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(rate_link_utilisation(r, 1, 0), lines / 10, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(rate_link_utilisation(r, 2, 0), lines / 5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(rate_link_utilisation(r, 0, 1), lines / 10 / 4, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(rate_link_utilisation(r, 1, 2), lines / 5 / 4, 1e-9);
    rate_free(r);
    free(m->link);
    box_free(m);
}

/* What a core reads from a node that is not its own goes out there and in here, on one socket, too. */
static void a_node_takes_in_no_more_than_its_port(void)
{
    struct machine *m = box_new(2, 4, 1);
    m->mem_bandwidth[0] = m->mem_bandwidth[1] = m->link_bandwidth = HUGE_BANDWIDTH;
    m->node_socket[1] = 0;
    m->port_bandwidth = 6e9;
    struct work_mix w = box_mix(1e-9, 1000, 12);
    struct rate_model *r = box_run(m, &w, 0, 4, 1);
    CU_ASSERT(read_per_ns(r, 0, 4) < 6 && read_per_ns(r, 0, 4) > 5.9);
    rate_free(r);
    r = box_run(m, &w, 0, 4, 0); /* its own: through no port */
    CU_ASSERT(read_per_ns(r, 0, 4) > 30);
    rate_free(r);
    box_free(m);
}

static const struct cunit_case tests[] = {
    {"L3 is shared within its group", l3_is_shared_within_its_group},
    {"an exclusive L3 adds up with L2", an_exclusive_l3_adds_up_with_l2},
    {"kinds differ in speed", kinds_differ_in_speed},
    {"the clock falls with active cores", the_clock_falls_with_active_cores},
    {"bandwidths are what tools measure", bandwidths_are_what_tools_measure},
    {"a cluster is a bottleneck of its own", a_cluster_is_a_bottleneck_of_its_own},
    {"a node takes in no more than its port", a_node_takes_in_no_more_than_its_port},
    {"a route loads every link on it", a_route_loads_every_link_on_it},
};

CUNIT_MAIN("rate sites", tests)
