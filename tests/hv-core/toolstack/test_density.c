/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The toolstack on the real core: ten PV guests of 2 vCPUs and 960 MiB on the two-node host of the density benchmark,
 * in the benchmark's three configurations. Where the pages lie follows from 4.3's rules, worked out below.
 */
#include "port_test.h"
#include <cunit_main.h>
#include <hv/numa.h>
#include <stdio.h>
#include <string.h>
#include <toolstack/toolstack.h>

#define PAGES_PER_GIB 262144ull
#define VM_PAGES (960ull * 256)
#define NR_VMS 10u

/*
 * Node 0 spans 6.75 GiB = 1,769,472 pages, so 4.3 keeps the lowest 2^(20 + 12 - 2) bytes = 1 GiB for DMA until all else
 * has run out, on both nodes.
 */
#define LOW_PAGES 256ull /* the first MiB is the firmware's */
#define DMA_PAGES (PAGES_PER_GIB - LOW_PAGES)

/* The hypervisor's own structures: vCPUs, run queues, lists of extents. Far less than this. */
#define OVERHEAD_PAGES 4096ull

static const struct hv_mem_range ranges[] = {
    {0, 13 * PAGES_PER_GIB / 4, {0}},                                          /* 0-3.25 GiB */
    {4 * PAGES_PER_GIB, 27 * PAGES_PER_GIB / 4, {0}},                          /* 4-6.75 GiB */
    {27 * PAGES_PER_GIB / 4, 27 * PAGES_PER_GIB / 4 + 6 * PAGES_PER_GIB, {1}}, /* node 1 above */
};

static const struct hv_core *core;
static struct tp_guest dom0_guest[2];
static struct ts_host host;
static char last_log[256];

/* A hypercall of dom0's vCPU 0, wherever that runs. */
static long hypercall(void *ctx, enum hv_hypercall nr, void *arg)
{
    (void)ctx;
    for (;;) {
        unsigned c = 0;
        while (c < 16 && core->current(pcpu(c)) != core->domain_by_id(dom(0))->vcpu[0])
            c++;
        if (c == 16) { /* dom0 is not up yet, or about to be scheduled */
            CU_FAIL_FATAL("dom0's vCPU 0 does not run");
            return -HV_EINVAL;
        }
        tp_set_cpu(c);
        long rc = core->hypercall(nr, arg);
        core->return_to_guest();
        tp_settle_all();
        if (rc != -HV_ERESTART)
            return rc;
    }
}

static void log_line(void *ctx, int level, const char *line)
{
    (void)ctx;
    if (level == 0)
        snprintf(last_log, sizeof last_log, "%s", line);
}

static void start_host(void)
{
    static const struct tp_machine m = {2, 1, 4, 2, 0};
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find("xen-4.3"));
    info->range = ranges;
    info->nr_ranges = ARRAY_SIZE(ranges);
    core = hv_core_get();
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(core, info), 0);
    CU_ASSERT_EQUAL_FATAL(core->construct_dom0(2, PAGES_PER_GIB << PAGE_SHIFT), 0);
    for (unsigned i = 0; i < 2; i++)
        tp_guest_attach(core->domain_by_id(dom(0))->vcpu[i], &dom0_guest[i], 0, 0);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_unpausedomain, .domid = dom(0)};
    CU_ASSERT_EQUAL_FATAL(core->hypercall(HYPERCALL_domctl, &op), 0);
    core->return_to_guest();
    tp_settle_all();
    host = (struct ts_host){NULL, hv_profile_find("xen-4.3"), hypercall, log_line, TS_CLAIM_DEFAULT, NULL};
    last_log[0] = '\0';
}

static uint64_t free_pages(unsigned n)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_numainfo};
    op.u.numainfo.node = node(n);
    CU_ASSERT_EQUAL(hypercall(NULL, HYPERCALL_sysctl, &op), 0);
    return op.u.numainfo.memfree_bytes >> PAGE_SHIFT;
}

struct vm {
    struct ts_domain_result made;
    const struct domain *d;
    uint64_t pages[HV_MAX_NODES];
};

static void create(struct vm *vm, unsigned number, const char *cpus)
{
    struct ts_domain_config cfg = {.type = HV_GUEST_PV, .vcpus = 2, .memory_kb = 960 * 1024, .cap = 0xffffffff};
    snprintf(cfg.name, sizeof cfg.name, "vm%u", number);
    cfg.cpus = cpus;
    int rc = ts_domain_create(&host, &cfg, &vm->made);
    if (rc)
        printf("\n%s\n", last_log);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    vm->d = core->domain_by_id(vm->made.domid);
    CU_ASSERT_PTR_NOT_NULL_FATAL(vm->d);
    core->domain_pages_per_node(vm->d, vm->pages);
    CU_ASSERT_EQUAL(vm->pages[0] + vm->pages[1], VM_PAGES);
    CU_ASSERT_EQUAL(vm->d->tot_pages, VM_PAGES);
}

static void check_core(void)
{
    const char *broken = core->check();
    if (broken)
        printf("\n%s\n", broken);
    CU_ASSERT_PTR_NULL(broken);
}

/* Is got what there is room for, at most want, up to what the hypervisor took for itself? */
static bool fills(uint64_t got, uint64_t want, uint64_t room)
{
    return room >= want + OVERHEAD_PAGES ? got == want : got <= want && got <= room && got + OVERHEAD_PAGES >= room;
}

/* Pages of the guests of node 0 are at home until that node has only its DMA zone left; the rest is on node 1. */
static void check_spill(const struct vm *vm, const uint64_t *free_before)
{
    uint64_t room = free_before[0] - DMA_PAGES, at_home = 0, away = 0;
    for (unsigned i = 0; i < NR_VMS; i++)
        if (vm[i].d->node_affinity.w == 1) {
            at_home += vm[i].pages[0];
            away += vm[i].pages[1];
        } else {
            CU_ASSERT_EQUAL(vm[i].pages[0], 0);
        }
    CU_ASSERT_EQUAL(at_home + away, 5 * VM_PAGES);
    CU_ASSERT(fills(at_home, 5 * VM_PAGES, room));
}

static void placed_automatically(void)
{
    struct vm vm[NR_VMS];
    uint64_t before[2];
    unsigned on[2] = {0, 0};
    start_host();
    before[0] = free_pages(0);
    before[1] = free_pages(1);
    for (unsigned i = 0; i < NR_VMS; i++) {
        create(&vm[i], i + 1, NULL);
        CU_ASSERT(vm[i].made.auto_placed);
        CU_ASSERT_EQUAL(nodemask_weight(vm[i].made.nodes), 1);
        CU_ASSERT_EQUAL(vm[i].d->node_affinity.w, vm[i].made.nodes.w);
        CU_ASSERT(!vm[i].d->auto_node_affinity);
        unsigned n = nodemask_first(vm[i].made.nodes).n;
        if (++on[n] <= 4) /* 4 x 960 MiB fit in any case */
            CU_ASSERT_EQUAL(vm[i].pages[n], VM_PAGES);
        /* Two vCPUs more on a node send the next guest to the other. */
        if (i & 1)
            CU_ASSERT_EQUAL(vm[i].made.nodes.w ^ vm[i - 1].made.nodes.w, 3);
        for (unsigned v = 0; v < 2; v++)
            CU_ASSERT(cpumask_equal(&vm[i].d->vcpu[v]->unit->hard, &hv_cpu_online));
    }
    CU_ASSERT_EQUAL(on[0], 5);
    check_spill(vm, before);
    check_core();
}

static void cpus_all_interleaves(void)
{
    struct vm vm[NR_VMS];
    uint64_t on0 = 0;
    start_host();
    uint64_t room = free_pages(0) - DMA_PAGES;
    for (unsigned i = 0; i < NR_VMS; i++) {
        create(&vm[i], i + 1, "all");
        on0 += vm[i].pages[0];
        CU_ASSERT(!vm[i].made.auto_placed);
        CU_ASSERT_EQUAL(vm[i].d->node_affinity.w, 3);
        CU_ASSERT(vm[i].d->auto_node_affinity);
        if (i < 9) { /* page by page in turn, until node 0 has only its DMA zone left */
            CU_ASSERT_EQUAL(vm[i].pages[0], VM_PAGES / 2);
            CU_ASSERT_EQUAL(vm[i].pages[1], VM_PAGES / 2);
        }
    }
    CU_ASSERT(fills(on0, NR_VMS * VM_PAGES / 2, room));
    check_core();
}

static void memory_follows_pinning(void)
{
    struct vm vm[NR_VMS];
    uint64_t before[2];
    start_host();
    before[0] = free_pages(0);
    before[1] = free_pages(1);
    for (unsigned i = 0; i < NR_VMS; i++) {
        create(&vm[i], i + 1, i & 1 ? "8-15" : "0-7");
        CU_ASSERT(!vm[i].made.auto_placed);
        CU_ASSERT(vm[i].d->auto_node_affinity);
        CU_ASSERT_EQUAL(vm[i].d->node_affinity.w, i & 1 ? 2 : 1);
        if (i < 8)
            CU_ASSERT_EQUAL(vm[i].pages[i & 1], VM_PAGES);
        for (unsigned v = 0; v < 2; v++)
            CU_ASSERT_EQUAL(vm[i].d->vcpu[v]->unit->hard.w[0], i & 1 ? 0xff00 : 0xff);
    }
    check_spill(vm, before);
    check_core();
}

static void too_large_unwinds(void)
{
    struct vm vm;
    uint64_t before[2], after[2];
    struct ts_domain_config cfg = {
        .name = "big", .type = HV_GUEST_PV, .vcpus = 2, .memory_kb = 13ull << 20, .cap = 0xffffffff};
    struct ts_domain_result r;
    start_host();
    create(&vm, 1, NULL); /* what the core keeps once it had it, it has now */
    ts_domain_destroy(&host, vm.made.domid);
    for (unsigned n = 0; n < 2; n++)
        before[n] = free_pages(n);
    CU_ASSERT_EQUAL(ts_domain_create(&host, &cfg, &r), -HV_ENOMEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_log, "domain big: cannot get 13312 MiB of memory"));
    CU_ASSERT_PTR_NULL(core->domain_by_id(dom(1)));
    for (unsigned n = 0; n < 2; n++) {
        after[n] = free_pages(n);
        CU_ASSERT_EQUAL(after[n], before[n]);
    }
    check_core();
    /* And its identifier is free again. */
    create(&vm, 2, NULL);
    CU_ASSERT_EQUAL(vm.made.domid.n, 1);
}

static const struct cunit_case tests[] = {
    {"automatic placement spreads ten guests over two nodes", placed_automatically},
    {"cpus=\"all\" interleaves memory and leaves node affinity alone", cpus_all_interleaves},
    {"memory and node affinity follow the pinning", memory_follows_pinning},
    {"a guest that is too large leaves nothing behind", too_large_unwinds},
};

CUNIT_MAIN("toolstack: density host", tests)
