/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A boot storm: two xl at a time on the real core. What the first one has found out about the host is old when it acts:
 * between its looking and its taking, the second one creates a guest from beginning to end. Which nodes both choose,
 * who has to go elsewhere, and what claims are good for.
 */
#include "port_test.h"
#include <cunit_main.h>
#include <hv/numa.h>
#include <stdio.h>
#include <string.h>
#include <toolstack/toolstack.h>

#define PAGES_PER_GIB 262144ull
#define DOM0_GIB 1ull

static const struct hv_core *core;
static struct tp_guest dom0_guest[2];
static struct ts_host host;

/* The second xl begins when the first one makes its nth call of this kind. */
static struct {
    enum hv_hypercall nr;
    int cmd;
    const struct ts_domain_config *cfg;
    struct ts_domain_result made;
    int rc;
    bool begun;
} second;

/* Pages that populate calls for a domain have got, ever. */
static uint64_t populated[64];

static long plain_hypercall(enum hv_hypercall nr, void *arg)
{
    for (;;) {
        unsigned c = 0;
        while (c < hv_nr_cpus && core->current(pcpu(c)) != core->domain_by_id(dom(0))->vcpu[0])
            c++;
        if (c == hv_nr_cpus) {
            CU_FAIL_FATAL("dom0's vCPU 0 does not run");
            return -HV_EINVAL;
        }
        tp_set_cpu(c);
        struct hv_memory_op before = {0};
        if (nr == HYPERCALL_memory_op)
            before = *(struct hv_memory_op *)arg;
        long rc = core->hypercall(nr, arg);
        if (nr == HYPERCALL_memory_op && before.cmd == XENMEM_populate_physmap && before.domid.n < 64) {
            const struct hv_memory_op *op = arg;
            uint64_t done = rc >= 0 ? (uint64_t)rc : op->nr_done;
            populated[before.domid.n] += (done - before.nr_done) << before.extent_order;
        }
        core->return_to_guest();
        tp_settle_all();
        if (rc != -HV_ERESTART)
            return rc;
    }
}

static long hypercall(void *ctx, enum hv_hypercall nr, void *arg)
{
    (void)ctx;
    int cmd = nr == HYPERCALL_domctl      ? (int)((struct hv_domctl *)arg)->cmd
              : nr == HYPERCALL_memory_op ? (int)((struct hv_memory_op *)arg)->cmd
                                          : -1;
    if (second.cfg && !second.begun && nr == second.nr && cmd == second.cmd) {
        second.begun = true;
        second.rc = ts_domain_create(&host, second.cfg, &second.made);
    }
    return plain_hypercall(nr, arg);
}

static void quiet(void *ctx, int level, const char *line)
{
    (void)ctx;
    (void)level;
    (void)line;
}

/* Two nodes of so many GiB, all free but for dom0, whose memory is on node 0. */
static void boot(const char *level, uint64_t gib_a_node)
{
    struct tp_machine m = {2, 1, 4, 1, gib_a_node * PAGES_PER_GIB};
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find(level));

    core = hv_core_get();
    memset(&second, 0, sizeof(second));
    memset(populated, 0, sizeof(populated));
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(core, info), 0);
    CU_ASSERT_EQUAL_FATAL(core->construct_dom0(1, (DOM0_GIB * PAGES_PER_GIB) << PAGE_SHIFT), 0);
    tp_guest_attach(core->domain_by_id(dom(0))->vcpu[0], &dom0_guest[0], 0, 0);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_unpausedomain, .domid = dom(0)};
    CU_ASSERT_EQUAL_FATAL(core->hypercall(HYPERCALL_domctl, &op), 0);
    core->return_to_guest();
    tp_settle_all();
    host = (struct ts_host){NULL, hv_profile_find(level), hypercall, quiet, TS_CLAIM_DEFAULT, NULL};
}

static struct ts_domain_config guest(const char *name, uint64_t gib)
{
    struct ts_domain_config cfg = {.type = HV_GUEST_PV,
                                   .vcpus = 2,
                                   .memory_kb = gib << 20,
                                   .maxmem_kb = gib << 20,
                                   .maxvcpus = 2,
                                   .cap = 0xffffffff};
    snprintf(cfg.name, sizeof(cfg.name), "%s", name);
    return cfg;
}

static unsigned nodes_of(dom_id id)
{
    uint64_t pages[HV_MAX_NODES];
    unsigned n = 0;
    core->domain_pages_per_node(core->domain_by_id(id), pages);
    for (unsigned i = 0; i < HV_MAX_NODES; i++)
        n += pages[i] > 0;
    return n;
}

static void check(void)
{
    const char *broken = core->check();
    if (broken) {
        fprintf(stderr, "%s\n", broken);
        CU_FAIL_FATAL("an invariant broke");
    }
}

/* One after the other: a node each. */
static void in_turn_they_have_a_node_each(const char *level)
{
    boot(level, 8);
    struct ts_domain_config a = guest("a", 5), b = guest("b", 5);
    struct ts_domain_result ra, rb;
    CU_ASSERT_EQUAL(ts_domain_create(&host, &a, &ra), 0);
    CU_ASSERT_EQUAL(ts_domain_create(&host, &b, &rb), 0);
    CU_ASSERT_NOT_EQUAL(ra.nodes.w, rb.nodes.w);
    CU_ASSERT_EQUAL(nodes_of(ra.domid), 1);
    CU_ASSERT_EQUAL(nodes_of(rb.domid), 1);
    check();
}

/* At a time: both see the same free node and choose it; there is room for one and a half. Claims are of the host, not
 * of a node: they change nothing. */
static void at_a_time_both_choose_the_same_node(const char *level)
{
    boot(level, 8);
    struct ts_domain_config a = guest("a", 5), b = guest("b", 5);
    struct ts_domain_result ra;
    second.nr = HYPERCALL_domctl;
    second.cmd = XEN_DOMCTL_setnodeaffinity; /* a's choice is made, and nobody can know it yet */
    if (!host.level->quirk[HV_QUIRK_node_affinity_domain])
        second.cmd = XEN_DOMCTL_setvcpuaffinity;
    second.cfg = &b;
    CU_ASSERT_EQUAL(ts_domain_create(&host, &a, &ra), 0);
    CU_ASSERT_TRUE(second.begun);
    CU_ASSERT_EQUAL(second.rc, 0);
    CU_ASSERT_TRUE(ra.auto_placed && second.made.auto_placed);
    CU_ASSERT_EQUAL(ra.nodes.w, second.made.nodes.w);
    CU_ASSERT_EQUAL(nodes_of(second.made.domid), 1);
    CU_ASSERT_EQUAL(nodes_of(ra.domid), 2); /* chosen: one */
    check();
}

static void the_race_for_a_node(void)
{
    static const char *const levels[] = {"xen-4.3", "modern", "fixed"};
    for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
        in_turn_they_have_a_node_each(levels[i]);
        at_a_time_both_choose_the_same_node(levels[i]);
    }
}

/*
 * Memory for one of two. Without claims the first is stopped half-way, having had the rest of the host's memory; with
 * them it is refused before it has got a page. Either way nothing of it stays.
 */
static void the_race_for_memory(void)
{
    static const struct {
        const char *level;
        bool claims;
    } rows[] = {{"xen-4.3", false}, {"modern", true}, {"fixed", true}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot(rows[i].level, 4);
        CU_ASSERT_EQUAL(host.level->quirk[HV_QUIRK_claim_mode_off], !rows[i].claims);
        struct ts_domain_config a = guest("a", 4), b = guest("b", 4);
        struct ts_domain_result ra;
        second.nr = HYPERCALL_memory_op;
        second.cmd = rows[i].claims ? (int)XENMEM_claim_pages : (int)XENMEM_populate_physmap;
        second.cfg = &b;
        int rc = ts_domain_create(&host, &a, &ra);
        CU_ASSERT_TRUE(second.begun);
        CU_ASSERT_EQUAL(second.rc, 0);
        CU_ASSERT_EQUAL(rc, -HV_ENOMEM);
        /* a's id is 1: it was there first. */
        CU_ASSERT_EQUAL(second.made.domid.n, 2);
        CU_ASSERT_EQUAL(populated[1] == 0, rows[i].claims);
        CU_ASSERT_TRUE(rows[i].claims || populated[1] > PAGES_PER_GIB);
        CU_ASSERT_PTR_NULL(core->domain_by_id(dom(1)));
        CU_ASSERT_EQUAL(outstanding_claims(), 0);
        check();
    }
}

static uint64_t pages_on(dom_id id, unsigned n)
{
    uint64_t pages[HV_MAX_NODES];
    core->domain_pages_per_node(core->domain_by_id(id), pages);
    return pages[n];
}

/* The second xl begins when the first one makes its first call of this kind. */
static int both(const struct ts_domain_config *a, const struct ts_domain_config *b, enum hv_memory_cmd when,
                struct ts_domain_result *ra)
{
    boot("fixed", 8);
    second.nr = HYPERCALL_memory_op;
    second.cmd = when;
    second.cfg = b;
    int rc = ts_domain_create(&host, a, ra);
    CU_ASSERT_TRUE(second.begun);
    check();
    return rc;
}

/* What is claimed on a node is there when its time comes; others see that it is spoken for, and go elsewhere. */
static void claims_on_a_node_end_the_race_for_it(void)
{
    struct ts_domain_config a = guest("a", 5), b = guest("b", 5);
    struct ts_domain_result ra;

    a.claim_on_node = true;
    a.claim_node = 1;
    /* Node 1 has all of its 8 GiB, node 0 less: b's placement takes node 0 nevertheless. */
    CU_ASSERT_EQUAL(both(&a, &b, XENMEM_populate_physmap, &ra), 0);
    CU_ASSERT_EQUAL(second.rc, 0);
    CU_ASSERT_FALSE(ra.auto_placed);
    CU_ASSERT_TRUE(second.made.auto_placed);
    CU_ASSERT_EQUAL(second.made.nodes.w, 0x1);
    CU_ASSERT_EQUAL(pages_on(second.made.domid, 0), 5 * PAGES_PER_GIB);
    CU_ASSERT_EQUAL(pages_on(ra.domid, 1), 5 * PAGES_PER_GIB);
    CU_ASSERT_EQUAL(outstanding_claims(), 0);

    /* Who comes too late for the node is refused before he has got a page: the second, */
    b.claim_on_node = true;
    b.claim_node = 1;
    CU_ASSERT_EQUAL(both(&a, &b, XENMEM_populate_physmap, &ra), 0);
    CU_ASSERT_EQUAL(second.rc, -HV_ENOMEM);
    CU_ASSERT_EQUAL(populated[2], 0);
    CU_ASSERT_EQUAL(pages_on(ra.domid, 1), 5 * PAGES_PER_GIB);
    /* or the first, where the second has overtaken it. */
    CU_ASSERT_EQUAL(both(&a, &b, XENMEM_claim_pages, &ra), -HV_ENOMEM);
    CU_ASSERT_EQUAL(second.rc, 0);
    CU_ASSERT_EQUAL(populated[1], 0);
    CU_ASSERT_EQUAL(pages_on(second.made.domid, 1), 5 * PAGES_PER_GIB);
    CU_ASSERT_PTR_NULL(core->domain_by_id(dom(1)));
    CU_ASSERT_EQUAL(outstanding_claims(), 0);

    /* HVM too, its low pages as well; and all of a node that has a part kept back for devices. */
    a = guest("a", 6);
    a.type = HV_GUEST_HVM;
    a.claim_on_node = true;
    a.claim_node = 0;
    boot("fixed", 8);
    CU_ASSERT_EQUAL(ts_domain_create(&host, &a, &ra), 0);
    CU_ASSERT_EQUAL(pages_on(ra.domid, 0), 6 * PAGES_PER_GIB - 32);
    CU_ASSERT_EQUAL(pages_on(ra.domid, 1), 0);
    check();
}

static void claims_on_a_node_that_cannot_be(void)
{
    static const char *const levels[] = {"xen-4.3", "modern", "arm-numa"};
    struct ts_domain_config a = guest("a", 1);
    struct ts_domain_result ra;

    a.claim_on_node = true;
    for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
        boot(levels[i], 2);
        CU_ASSERT_EQUAL(ts_domain_create(&host, &a, &ra), -HV_EOPNOTSUPP);
        CU_ASSERT_EQUAL(ra.xl_status, 1);
    }
    boot("fixed", 2);
    a.claim_node = 2;
    CU_ASSERT_EQUAL(ts_domain_create(&host, &a, &ra), -HV_EINVAL);
    CU_ASSERT_EQUAL(ra.xl_status, 1);
    a.claim_node = 1;
    host.claim_mode = TS_CLAIM_OFF;
    CU_ASSERT_EQUAL(ts_domain_create(&host, &a, &ra), -HV_EINVAL);
    host.claim_mode = TS_CLAIM_DEFAULT;
    a.memory_kb = a.maxmem_kb = 3ull << 20; /* the host has as much, the node has not */
    CU_ASSERT_EQUAL(ts_domain_create(&host, &a, &ra), -HV_ENOMEM);
    CU_ASSERT_EQUAL(ra.xl_status, 3);
    CU_ASSERT_EQUAL(populated[1], 0);
    check();
}

static const struct cunit_case tests[] = {
    {"the race for a node", the_race_for_a_node},
    {"the race for memory", the_race_for_memory},
    {"claims on a node end the race for it", claims_on_a_node_end_the_race_for_it},
    {"claims on a node that cannot be", claims_on_a_node_that_cannot_be},
};

CUNIT_MAIN("toolstack storm", tests)
