/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xl create: the sequence of hypercalls, what is refused, and that every failure leaves no domain behind. */
#include "fake_host.h"
#include "levels.h"
#include <cunit_main.h>
#include <stdio.h>
#include <string.h>

static struct fake_host f;
static struct ts_domain_result r;
static char calls[8192];

#define GIB_KB (1024ull * 1024)

static struct ts_domain_config config(void)
{
    return (struct ts_domain_config){
        .name = "vm1", .type = HV_GUEST_PV, .vcpus = 2, .memory_kb = 960 * 1024, .cap = 0xffffffff};
}

static int create(const struct ts_domain_config *cfg)
{
    return ts_domain_create(&f.host, cfg, &r);
}

#define CALLS_ARE(want)                                                                                                \
    do {                                                                                                               \
        fake_calls(&f, calls, sizeof calls);                                                                           \
        CU_ASSERT_STRING_EQUAL(calls, want);                                                                           \
        if (strcmp(calls, want) != 0)                                                                                  \
            printf("\ncalls are   %s\nexpected    %s\n", calls, want);                                                 \
    } while (0)

static void order_with_placement(void)
{
    fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
    fake_add(&f, 1, 2, 0x00ff, 0x1); /* two vCPUs on node 0 */
    struct ts_domain_config cfg = config();
    cfg.weight = 512;
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT_EQUAL(r.domid.n, 2);
    CU_ASSERT(r.auto_placed);
    CU_ASSERT_EQUAL(r.nodes.w, 0x2);
    CU_ASSERT_EQUAL(f.dom[2].nodes, 0x2);
    CU_ASSERT_EQUAL(f.dom[2].weight, 512);
    CU_ASSERT_EQUAL(f.dom[2].online, 2);
    CU_ASSERT(f.dom[2].paused);
    CALLS_ARE("create max_vcpus physinfo topologyinfo*16 pool numainfo*2 "
              "info getnodeaffinity getvcpuaffinity*2 info getnodeaffinity getvcpuaffinity*2 info*2 "
              "nodes=2 max_mem populate sched online ");
    CU_ASSERT_EQUAL(f.errors + f.warnings, 0);

    /* Later the new domain asks about itself too. */
    fake_reset(&f, &level_modern, 2, 4, 6 * GIB_KB);
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CALLS_ARE("create max_vcpus physinfo topologyinfo*8 pool numainfo*2 "
              "info pool getnodeaffinity getvcpuaffinity*2 info pool getnodeaffinity getvcpuaffinity*2 info "
              "soft0=f soft1=f nodes=1 max_mem claim=245760 populate claim=0 sched online ");
}

/* Candidates have pCPUs of the pool, and as many as the domain has vCPUs; memory need not be the pool's. */
static void placement_within_the_pool(void)
{
    fake_reset(&f, &level_modern, 2, 4, 6 * GIB_KB);
    fake_add(&f, 1, 4, 0xf0, 0x2); /* node 1 is the busier one */
    f.pool[0].cpus = 0xf0;
    struct ts_domain_config cfg = config();
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT(r.auto_placed);
    CU_ASSERT_EQUAL(r.nodes.w, 0x2);
    CU_ASSERT_EQUAL(f.dom[2].soft[1], 0xf0);

    /* vCPUs of another pool are not counted, though their affinity has all pCPUs; 4.3 counted them. */
    for (unsigned old = 0; old < 2; old++) {
        fake_reset(&f, old ? &level_43 : &level_modern, 2, 4, 6 * GIB_KB);
        f.pool[1] = (struct fake_pool){.exists = true, .sched_id = XEN_SCHEDULER_CREDIT, .cpus = 0x03};
        f.pool[0].cpus = 0xfc;
        fake_add(&f, 1, 4, 0xff, 0x1)->pool = 1; /* at home where this pool has pCPUs too */
        fake_add(&f, 2, 2, 0xff, 0x2);
        cfg = config();
        cfg.vcpus = 2;
        CU_ASSERT_EQUAL(create(&cfg), 0);
        CU_ASSERT_EQUAL(r.nodes.w, old ? 0x2 : 0x1);
    }

    fake_reset(&f, &level_modern, 2, 4, 6 * GIB_KB);
    f.pool[0].cpus = 0x10; /* fewer pCPUs than vCPUs: none, and soft affinity stays "all" */
    cfg.vcpus = 2;
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT(!r.auto_placed);
    CU_ASSERT_EQUAL(f.dom[r.domid.n].soft[0], 0);

    /* Pinned outside of its pool: refused before anything is chosen. */
    for (unsigned fixed = 0; fixed < 2; fixed++) {
        fake_reset(&f, fixed ? &level_fixed : &level_modern, 2, 4, 6 * GIB_KB);
        f.pool[0].cpus = 0xf0;
        cfg.cpus = "0-3";
        CU_ASSERT_EQUAL(create(&cfg), -HV_EINVAL);
        CU_ASSERT(!r.auto_placed);
        CU_ASSERT_EQUAL(r.nodes.w, 0);
        CU_ASSERT_EQUAL(r.xl_status, 3);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "cpus= has no pCPU of its cpupool"));
        CU_ASSERT_EQUAL(fake_count_domus(&f), 0);
        cfg.cpus = "3-4"; /* one of both will do */
        CU_ASSERT_EQUAL(create(&cfg), 0);
    }
}

static void soft_affinity_of_ones_own(void)
{
    fake_reset(&f, &level_modern, 2, 4, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    cfg.cpus_soft = "4-7";
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT(!r.auto_placed);
    CU_ASSERT_EQUAL(f.dom[1].soft[0], 0xf0);
    CU_ASSERT_EQUAL(f.dom[1].soft[1], 0xf0);
    CU_ASSERT_EQUAL(f.dom[1].affinity[1], 0xff);
    cfg.cpus_soft = NULL;
    static const char *const each[] = {"4", "nodes:0"};
    cfg.cpus_soft_list = each;
    cfg.nr_cpus_soft_list = 2;
    CU_ASSERT_EQUAL(ts_domain_create(&f.host, &cfg, &r), 0);
    CU_ASSERT_FALSE(r.auto_placed);
    CU_ASSERT_EQUAL(f.dom[r.domid.n].soft[0], 0x10);
    CU_ASSERT_EQUAL(f.dom[r.domid.n].soft[1], 0x0f);
    cfg.cpus_soft_list = NULL;
    CU_ASSERT_EQUAL(r.xl_status, 0);
    cfg.cpus_soft = "9";
    CU_ASSERT_EQUAL(create(&cfg), -HV_EINVAL);
    CU_ASSERT_EQUAL(r.xl_status, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "cpus_soft=\"9\": column 1"));
    CU_ASSERT_EQUAL(fake_count_domus(&f), 2);
}

static void affinity_before_memory(void)
{
    fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    cfg.cpus = "8-15";
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT(!r.auto_placed);
    CU_ASSERT_EQUAL(r.nodes.w, 0);
    CALLS_ARE("create max_vcpus pin0=ff00 pin1=ff00 max_mem populate online ");
}

static void cpus_all_switches_placement_off(void)
{
    fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    cfg.cpus = "all";
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT(!r.auto_placed);
    CALLS_ARE("create max_vcpus pin0=ffff pin1=ffff max_mem populate online ");

    /* Later the string form switches nothing off, and does not confine placement either. */
    fake_reset(&f, &level_modern, 2, 8, 6 * GIB_KB);
    cfg.cpus = "8-15";
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT(r.auto_placed);
    CU_ASSERT_EQUAL(r.nodes.w, 0x1);
    CU_ASSERT_EQUAL(f.dom[1].affinity[1], 0xff00);
}

static void list_form_at_43(void)
{
    static const char *const list[] = {"2", "3"};
    fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    cfg.vcpus = 3;
    cfg.cpus_list = list;
    cfg.nr_cpus_list = 2;
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CALLS_ARE("create max_vcpus pin0=c pin1=c pin2=c max_mem populate pin0=4 pin1=8 online ");
    CU_ASSERT_EQUAL(f.dom[1].affinity[2], 0xc); /* beyond the list: the union */
}

static void list_form_later(void)
{
    static const char *const list[] = {"nodes:0,^3", "12-13", "all"};
    fake_reset(&f, &level_modern, 2, 8, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    cfg.cpus_list = list;
    cfg.nr_cpus_list = 2;
    cfg.vcpus = 3;
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT(!r.auto_placed);
    CALLS_ARE("create max_vcpus pin0=f7 pin1=3000 max_mem claim=245760 populate claim=0 online ");
    CU_ASSERT_EQUAL(f.dom[1].affinity[2], 0xffff); /* beyond the list: free */

    fake_reset(&f, &level_modern, 2, 8, 6 * GIB_KB);
    cfg.nr_cpus_list = 3;
    cfg.vcpus = 2;
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT_EQUAL(f.warnings, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "3 entries for 2 vCPUs"));
}

static void offline_vcpus(void)
{
    fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    cfg.maxvcpus = 10; /* placement asks for room for all ten: two nodes */
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT_EQUAL(f.dom[1].max_vcpus, 10);
    CU_ASSERT_EQUAL(f.dom[1].online, 2);
    CU_ASSERT_EQUAL(r.nodes.w, 0x3);
}

static void what_counts_on_a_node(void)
{
    /* A vCPU counts where it may run and its domain has node affinity, once a node. */
    fake_reset(&f, &level_43, 4, 4, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    fake_add(&f, 1, 3, 0x000f, 0xf); /* 3 on node 0 */
    fake_add(&f, 2, 2, 0xffff, 0x6); /* 2 on nodes 1 and 2 */
    fake_add(&f, 5, 1, 0xff00, 0xf); /* 1 on nodes 2 and 3; ids need not be dense */
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT_EQUAL(r.domid.n, 3);
    CU_ASSERT_EQUAL(r.nodes.w, 0x8); /* dom0 is on all four: 5, 4, 5, 3 */
    /* Once it is there it counts itself for the next one: 5, 4, 5, 5. */
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT_EQUAL(r.nodes.w, 0x2);
}

static void no_candidate_is_no_error(void)
{
    fake_reset(&f, &level_43, 2, 8, 256 * 1024);
    struct ts_domain_config cfg = config();
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT(!r.auto_placed);
    CU_ASSERT_EQUAL(f.dom[1].nodes, 0); /* automatic */
    CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "2 domain vm1: no NUMA placement found"));
}

static void many_nodes(void)
{
    fake_reset(&f, &level_43, 17, 2, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT(!r.auto_placed);
    CU_ASSERT_EQUAL(f.warnings, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "17 NUMA nodes are too many"));
    CALLS_ARE("create max_vcpus max_mem populate online ");
}

static void one_node(void)
{
    fake_reset(&f, &level_43, 1, 4, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CALLS_ARE("create max_vcpus max_mem populate online ");
}

struct refusal {
    int rc;
    const char *message;
    void (*spoil)(struct ts_domain_config *cfg);
};

static const char *const bad_list[] = {"1", "16"};
static void s_name(struct ts_domain_config *c)
{
    c->name[0] = '\0';
}
static void s_vcpus(struct ts_domain_config *c)
{
    c->vcpus = 0;
}
static void s_maxvcpus(struct ts_domain_config *c)
{
    c->maxvcpus = 1;
}
static void s_many(struct ts_domain_config *c)
{
    c->maxvcpus = 513;
}
static void s_memory(struct ts_domain_config *c)
{
    c->memory_kb = 0;
}
static void s_odd(struct ts_domain_config *c)
{
    c->memory_kb = 1026;
}
static void s_maxmem(struct ts_domain_config *c)
{
    c->maxmem_kb = 512 * 1024;
}
static void s_weight(struct ts_domain_config *c)
{
    c->weight = 65536;
}
static void s_cap(struct ts_domain_config *c)
{
    c->cap = 201;
}
static void s_soft(struct ts_domain_config *c)
{
    c->cpus_soft = "0-3";
}
static void s_cpus(struct ts_domain_config *c)
{
    c->cpus = "0-3,^5-4";
}
static void s_list(struct ts_domain_config *c)
{
    c->cpus_list = bad_list;
    c->nr_cpus_list = 2;
}
static void s_empty(struct ts_domain_config *c)
{
    c->cpus_list = bad_list;
    c->nr_cpus_list = 0;
}
static void s_both(struct ts_domain_config *c)
{
    s_list(c);
    c->cpus = "all";
}

static const struct refusal refusals[] = {
    {-HV_EINVAL, "needs a name", s_name},
    {-HV_EINVAL, "vcpus must be 1 to maxvcpus", s_vcpus},
    {-HV_EINVAL, "vcpus must be 1 to maxvcpus", s_maxvcpus},
    {-HV_EINVAL, "maxvcpus is at most 512, not 513", s_many},
    {-HV_EINVAL, "memory must be", s_memory},
    {-HV_EINVAL, "memory must be", s_odd},
    {-HV_EINVAL, "maxmem is below memory", s_maxmem},
    {-HV_EINVAL, "cpu_weight must be 1 to 65535", s_weight},
    {-HV_EINVAL, "cap must be at most 100 per vCPU", s_cap},
    {-HV_EOPNOTSUPP, "cpus_soft: this level has no soft affinity", s_soft},
    {-HV_EINVAL, "cpus=\"0-3,^5-4\": column 6: range 5-4 runs backwards", s_cpus},
    {-HV_EINVAL, "entry 2 \"16\": column 1: CPU 16 does not exist", s_list},
    {-HV_EINVAL, "cpus=[] is empty", s_empty},
    {-HV_EINVAL, "both as a string and as a list", s_both},
};

static void bad_configurations(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
        struct ts_domain_config cfg = config();
        refusals[i].spoil(&cfg);
        int rc = create(&cfg);
        bool good = rc == refusals[i].rc && f.errors == 1 && strstr(f.log, refusals[i].message);
        if (!good)
            printf("\n%s: rc %d, log %s\n", refusals[i].message, rc, f.log);
        CU_ASSERT(good);
        CU_ASSERT_STRING_EQUAL(fake_calls(&f, calls, sizeof calls), ""); /* the hypervisor never heard of it */
    }
}

/* Refuse each call in turn: the creation fails with that error, says why, and nothing is left. */
static void fails_at_every_call(const struct hv_profile *level, const struct ts_domain_config *cfg)
{
    fake_reset(&f, level, 2, 8, 6 * GIB_KB);
    CU_ASSERT_EQUAL(create(cfg), 0);
    unsigned total = f.nr_calls;
    CU_ASSERT(total > 5);
    for (unsigned i = 0; i < total; i++) {
        fake_reset(&f, level, 2, 8, 6 * GIB_KB);
        f.fail_at = (int)i;
        f.fail_with = -HV_EPERM;
        int rc = create(cfg);
        bool good = rc == -HV_EPERM && fake_count_domus(&f) == 0 && f.errors >= 1 && r.domid.n == DOM_INVALID.n &&
                    strstr(f.log, "vm1") && strstr(f.log, "not permitted");
        if (!good)
            printf("\ncall %u of %u: rc %d, %u domains, log %s\n", i, total, rc, fake_count_domus(&f), f.log);
        CU_ASSERT(good);
    }
}

static void every_failure_unwinds(void)
{
    static const char *const list[] = {"2", "3"};
    struct ts_domain_config cfg = config();
    cfg.weight = 128;
    fails_at_every_call(&level_43, &cfg);
    fails_at_every_call(&level_modern, &cfg);
    cfg.type = HV_GUEST_HVM;
    fails_at_every_call(&level_43, &cfg);
    cfg.type = HV_GUEST_PV;
    cfg.cpus_list = list;
    cfg.nr_cpus_list = 2;
    fails_at_every_call(&level_43, &cfg);
    fails_at_every_call(&level_modern, &cfg);
    cfg.cpus_list = NULL;
    cfg.cpus = "nodes:1";
    fails_at_every_call(&level_modern, &cfg);
}

static void unwinding_that_fails_is_said(void)
{
    fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    cfg.cpus = "all";
    f.extents_left[0] = 10;
    CU_ASSERT_EQUAL(create(&cfg), -HV_ENOMEM);
    unsigned destroy = f.nr_calls - 1;
    fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
    f.extents_left[0] = 10;
    f.fail_at = (int)destroy;
    f.fail_with = -HV_EBUSY;
    CU_ASSERT_EQUAL(create(&cfg), -HV_ENOMEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "domain 1 cannot be destroyed: busy"));
}

static void scheduling_parameters(void)
{
    fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    cfg.cap = 0;
    f.dom[1].cap = 50;
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT_EQUAL(f.dom[1].weight, 256);
    CU_ASSERT_EQUAL(f.dom[1].cap, 0);
    cfg.cap = 200;
    cfg.weight = 1;
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT_EQUAL(f.dom[2].cap, 200);
    CU_ASSERT_EQUAL(f.dom[2].weight, 1);
}

static void unpause_and_destroy(void)
{
    fake_reset(&f, &level_43, 2, 8, 6 * GIB_KB);
    struct ts_domain_config cfg = config();
    CU_ASSERT_EQUAL(create(&cfg), 0);
    CU_ASSERT_EQUAL(ts_domain_unpause(&f.host, r.domid), 0);
    CU_ASSERT(!f.dom[1].paused);
    CU_ASSERT_EQUAL(ts_domain_destroy(&f.host, r.domid), 0);
    CU_ASSERT_EQUAL(fake_count_domus(&f), 0);
    CU_ASSERT_EQUAL(ts_domain_destroy(&f.host, dom(7)), -HV_ESRCH);
    CU_ASSERT_EQUAL(ts_domain_unpause(&f.host, dom(7)), -HV_ESRCH);
    CU_ASSERT_EQUAL(f.errors, 2);
}

static const struct cunit_case tests[] = {
    {"the sequence with automatic placement", order_with_placement},
    {"placement stays within the pool", placement_within_the_pool},
    {"soft affinity of one's own", soft_affinity_of_ones_own},
    {"affinity comes before memory", affinity_before_memory},
    {"cpus= of any form switches placement off at 4.3, the string form not later", cpus_all_switches_placement_off},
    {"list form at 4.3: union first, then vCPU by vCPU", list_form_at_43},
    {"list form later: a list per vCPU, from the start", list_form_later},
    {"maxvcpus are created and counted, vcpus come online", offline_vcpus},
    {"what counts on a node", what_counts_on_a_node},
    {"no placement is no error", no_candidate_is_no_error},
    {"more than 16 nodes: a warning, no placement", many_nodes},
    {"one node: nothing to place", one_node},
    {"bad configurations are refused before the hypervisor hears of them", bad_configurations},
    {"a failure of any hypercall leaves no domain", every_failure_unwinds},
    {"a failure to unwind is said", unwinding_that_fails_is_said},
    {"weight and cap, and what is not given", scheduling_parameters},
    {"unpause and destroy", unpause_and_destroy},
};

CUNIT_MAIN("toolstack: create", tests)
