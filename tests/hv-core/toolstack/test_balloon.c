/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of guests that changes while they run, on the real core: xl mem-set and mem-max, balloon drivers, populate on
 * demand; and guests for which there is not enough, after which the host is as it was.
 */
#include "port_test.h"
#include <cunit_main.h>
#include <hv/numa.h>
#include <stdio.h>
#include <string.h>
#include <toolstack/control.h>

#define MIB_KB 1024ull
#define PAGES_PER_MIB 256ull

static const struct hv_core *core;
static struct ts_host host;
static char last_log[512];

/* At boot the hypervisor itself may do what dom0 may. */
static long hypercall(void *ctx, enum hv_hypercall nr, void *arg)
{
    long rc;
    (void)ctx;
    while ((rc = core->hypercall(nr, arg)) == -HV_ERESTART)
        core->return_to_guest();
    return rc;
}

static void log_line(void *ctx, int level, const char *line)
{
    (void)ctx;
    if (level == 0)
        snprintf(last_log, sizeof last_log, "%s", line);
}

static void start_host(const char *level)
{
    struct tp_machine m = {1, 1, 4, 1, 1024 * PAGES_PER_MIB};
    core = hv_core_get();
    CU_ASSERT_EQUAL_FATAL(tp_boot(core, &m, hv_profile_find(level)), 0);
    host = (struct ts_host){NULL, hv_profile_find(level), hypercall, log_line, TS_CLAIM_DEFAULT, NULL};
    last_log[0] = '\0';
}

static void check_core(void)
{
    const char *broken = core->check();
    if (broken)
        printf("\n%s\n", broken);
    CU_ASSERT_PTR_NULL(broken);
    CU_ASSERT_EQUAL(tp_locks_held(), 0);
}

static struct ts_domain_config config(enum hv_guest_type type, uint64_t memory_mib, uint64_t max_mib)
{
    struct ts_domain_config cfg = {
        .type = type, .vcpus = 1, .memory_kb = memory_mib * MIB_KB, .maxmem_kb = max_mib * MIB_KB, .cap = 0xffffffff};
    snprintf(cfg.name, sizeof cfg.name, "vm");
    return cfg;
}

static const struct domain *create(const struct ts_domain_config *cfg, struct ts_memory *m)
{
    struct ts_domain_result r;
    int rc = ts_domain_create(&host, cfg, &r);
    if (rc)
        printf("\n%s\n", last_log);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    ts_memory_of(cfg, m);
    check_core();
    return core->domain_by_id(r.domid);
}

static struct hv_memory_op pod_of(const struct domain *d)
{
    struct hv_memory_op op = {.cmd = XENMEM_get_pod_target, .domid = d->id};
    CU_ASSERT_EQUAL(hypercall(NULL, HYPERCALL_memory_op, &op), 0);
    return op;
}

static const enum hv_guest_type types[] = {HV_GUEST_PV, HV_GUEST_HVM};
static uint64_t vga(const struct domain *d)
{
    return d->type == HV_GUEST_HVM ? 0x20 : 0;
}

static void down_and_up_again(void)
{
    for (size_t t = 0; t < 2; t++) {
        start_host("xen-4.3");
        struct ts_domain_config cfg = config(types[t], 256, 0);
        uint64_t before = avail_pages();
        struct ts_memory m;
        const struct domain *d = create(&cfg, &m);
        CU_ASSERT_EQUAL(d->tot_pages, 256 * PAGES_PER_MIB - vga(d));
        CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 100 * MIB_KB), 0);
        CU_ASSERT_EQUAL(d->max_pages, 101 * PAGES_PER_MIB);
        CU_ASSERT_EQUAL(d->tot_pages, 256 * PAGES_PER_MIB - vga(d)); /* it is the guest's to do */
        CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
        CU_ASSERT_EQUAL(d->tot_pages, 100 * PAGES_PER_MIB - vga(d));
        check_core();
        /* It may have a MiB more than its target, and no page more than that. */
        m.target_kb = 200 * MIB_KB;
        long missing = ts_balloon(&host, d->id, &m);
        CU_ASSERT_EQUAL(missing, (long)(99 * PAGES_PER_MIB - vga(d)));
        CU_ASSERT_EQUAL(d->tot_pages, 101 * PAGES_PER_MIB);
        CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 256 * MIB_KB), 0);
        CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
        CU_ASSERT_EQUAL(d->tot_pages, 256 * PAGES_PER_MIB - vga(d));
        check_core();
        CU_ASSERT_EQUAL(ts_domain_destroy(&host, d->id), 0);
        CU_ASSERT_EQUAL(avail_pages(), before);
        check_core();
    }
}

static void a_pv_guest_balloons_up_to_its_maximum(void)
{
    start_host("modern");
    struct ts_domain_config cfg = config(HV_GUEST_PV, 100, 300);
    struct ts_memory m;
    const struct domain *d = create(&cfg, &m);
    CU_ASSERT_EQUAL(d->tot_pages, 100 * PAGES_PER_MIB);
    CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 300 * MIB_KB), 0);
    CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 300 * PAGES_PER_MIB);
    check_core();
}

/* The hole below 4 GiB is not in the way, nor is the VGA's range. */
static void ballooning_skips_the_hole(void)
{
    struct tp_machine machine = {1, 1, 4, 1, 6 * 1024 * PAGES_PER_MIB};
    core = hv_core_get();
    CU_ASSERT_EQUAL_FATAL(tp_boot(core, &machine, hv_profile_find("xen-4.3")), 0);
    host = (struct ts_host){NULL, hv_profile_find("xen-4.3"), hypercall, log_line, TS_CLAIM_DEFAULT, NULL};
    struct ts_domain_config cfg = config(HV_GUEST_HVM, 4096, 0);
    struct ts_memory m;
    const struct domain *d = create(&cfg, &m);
    CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 3839 * MIB_KB), 0); /* the hole begins at 3840 MiB */
    CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 3839 * PAGES_PER_MIB - 0x20);
    CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 4096 * MIB_KB), 0);
    CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 4096 * PAGES_PER_MIB - 0x20);
    /* No lower than what firmware needs. */
    CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 4), 0);
    CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 0xa0);
    check_core();
}

static void limits_of_mem_set_and_mem_max(void)
{
    start_host("xen-4.3");
    struct ts_domain_config cfg = config(HV_GUEST_PV, 100, 300);
    struct ts_memory m;
    const struct domain *d = create(&cfg, &m);
    CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 301 * MIB_KB), -HV_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_log, "a target of 308224 KiB is above the static maximum of 307200 KiB"));
    CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 0), -HV_EINVAL);
    CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 4001), -HV_EINVAL);
    CU_ASSERT_EQUAL(ts_mem_max(&host, d->id, &m, 99 * MIB_KB), -HV_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(last_log, "a maximum of 101376 KiB is below the target of 102400 KiB"));
    CU_ASSERT_EQUAL(ts_mem_max(&host, d->id, &m, 0), -HV_EINVAL);
    CU_ASSERT_EQUAL(d->max_pages, 101 * PAGES_PER_MIB);
    CU_ASSERT_EQUAL(m.target_kb, 100 * MIB_KB);
    CU_ASSERT_EQUAL(ts_mem_max(&host, d->id, &m, 200 * MIB_KB), 0);
    CU_ASSERT_EQUAL(d->max_pages, 201 * PAGES_PER_MIB);
    CU_ASSERT_EQUAL(ts_mem_set(&host, dom(77), &m, 100 * MIB_KB), -HV_ESRCH);
    CU_ASSERT_EQUAL(ts_mem_max(&host, dom(77), &m, 100 * MIB_KB), -HV_ESRCH);
    CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
    m.pages++;
    CU_ASSERT_EQUAL(ts_balloon(&host, dom(77), &m), -HV_ESRCH);
}

static void a_guest_on_demand_balloons_down_to_what_it_has(void)
{
    start_host("modern");
    struct ts_domain_config cfg = config(HV_GUEST_HVM, 128, 512);
    uint64_t before = avail_pages();
    struct ts_memory m;
    const struct domain *d = create(&cfg, &m);
    struct hv_memory_op pod = pod_of(d);
    CU_ASSERT_EQUAL(d->tot_pages, 128 * PAGES_PER_MIB - 0x20);
    CU_ASSERT_EQUAL(pod.pod.cache_pages, d->tot_pages);
    CU_ASSERT_EQUAL(pod.pod.entries, 512 * PAGES_PER_MIB - 0x20);
    /* The guest runs, and touches some. */
    for (uint64_t g = 0; g < 64 * PAGES_PER_MIB; g += 512)
        CU_ASSERT_EQUAL(p2m_fault((struct domain *)(uintptr_t)d, gfn(g)), 0);
    check_core();
    CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
    pod = pod_of(d);
    CU_ASSERT_EQUAL(d->tot_pages, 128 * PAGES_PER_MIB - 0x20);
    CU_ASSERT_EQUAL(pod.pod.cache_pages, pod.pod.entries); /* all that it has left it can have */
    check_core();
    /* More, and less, as any other guest. */
    CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 300 * MIB_KB), 0);
    CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 300 * PAGES_PER_MIB - 0x20);
    CU_ASSERT_EQUAL(ts_mem_set(&host, d->id, &m, 50 * MIB_KB), 0);
    CU_ASSERT_EQUAL(ts_balloon(&host, d->id, &m), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 50 * PAGES_PER_MIB - 0x20);
    check_core();
    CU_ASSERT_EQUAL(ts_domain_destroy(&host, d->id), 0);
    CU_ASSERT_EQUAL(avail_pages(), before);
}

static void what_is_larger_than_free_leaves_nothing_behind(void)
{
    static const char *const levels[] = {"xen-4.3", "modern", "fixed"};
    for (size_t l = 0; l < 3; l++)
        for (size_t t = 0; t < 3; t++) {
            start_host(levels[l]);
            uint64_t before = avail_pages();
            struct ts_domain_config cfg = config(t ? HV_GUEST_HVM : HV_GUEST_PV, 1100, t == 2 ? 1200 : 0);
            struct ts_domain_result r;
            CU_ASSERT_EQUAL(ts_domain_create(&host, &cfg, &r), -HV_ENOMEM);
            CU_ASSERT_PTR_NOT_NULL(strstr(last_log, "out of memory (error 12)"));
            if (l == 0 && t < 2) {
                CU_ASSERT_PTR_NOT_NULL(strstr(last_log, "cannot get 1100 MiB of memory"));
                CU_ASSERT_PTR_NOT_NULL(strstr(last_log, " extents of 4 KiB, "));
            } else if (l) {
                CU_ASSERT_PTR_NOT_NULL(strstr(last_log, "memory cannot be claimed")); /* before a page is taken */
            }
            CU_ASSERT_EQUAL(avail_pages(), before);
            CU_ASSERT_EQUAL(outstanding_claims(), 0);
            check_core();
        }
}

static void drivers_compete_for_the_last_pages(void)
{
    start_host("xen-4.3");
    struct ts_domain_config cfg = config(HV_GUEST_PV, 400, 900);
    struct ts_memory a, b;
    const struct domain *da = create(&cfg, &a), *db = create(&cfg, &b);
    CU_ASSERT_EQUAL(ts_mem_set(&host, da->id, &a, 900 * MIB_KB), 0);
    long missing = ts_balloon(&host, da->id, &a);
    CU_ASSERT(missing > 0);
    CU_ASSERT_EQUAL(avail_pages(), 0);
    CU_ASSERT_EQUAL(da->tot_pages + (uint64_t)missing, 900 * PAGES_PER_MIB);
    check_core();
    CU_ASSERT_EQUAL(ts_mem_set(&host, db->id, &b, 350 * MIB_KB), 0);
    CU_ASSERT_EQUAL(ts_balloon(&host, db->id, &b), 0);
    CU_ASSERT_EQUAL(ts_balloon(&host, da->id, &a), missing - (long)(50 * PAGES_PER_MIB)); /* it tries again */
    check_core();
}

static const struct cunit_case tests[] = {
    {"down to a target and up again, within the limit", down_and_up_again},
    {"a PV guest balloons up to its maximum", a_pv_guest_balloons_up_to_its_maximum},
    {"ballooning skips the hole below 4 GiB", ballooning_skips_the_hole},
    {"limits of mem-set and mem-max", limits_of_mem_set_and_mem_max},
    {"a guest on demand balloons down to what it has", a_guest_on_demand_balloons_down_to_what_it_has},
    {"what is larger than free leaves nothing behind", what_is_larger_than_free_leaves_nothing_behind},
    {"drivers compete for the last pages", drivers_compete_for_the_last_pages},
};

CUNIT_MAIN("toolstack: ballooning", tests)
