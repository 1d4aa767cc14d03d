/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dom0_mem and dom0_nodes make of dom0: its pages, the most it may have, its nodes, where its vCPUs may run. */
#include "sched_fixture.h"
#include <cunit_main.h>
#include <hv/domain.h>
#include <hv/numa.h>
#include <stdio.h>
#include <string.h>

#define MIB 256ull /* pages */
#define TWO_NODES ((struct tp_machine){2, 1, 2, 1, 2048 * 256})

static struct hv_boot_info *info;

static void boot(const char *level, const char *mem, const char *nodes)
{
    struct tp_machine m = TWO_NODES;
    info = tp_boot_info(&m, hv_profile_find(level));
    info->opt.dom0_mem = mem;
    info->opt.dom0_nodes = nodes;
}

static struct domain *build(const char *level, const char *mem, const char *nodes)
{
    boot(level, mem, nodes);
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    return hv_core_get()->construct_dom0(2, 0) ? NULL : domain_find(dom(0));
}

/* What is free on all nodes when dom0 is built, but for its own structures. */
static uint64_t free_before(const char *level)
{
    boot(level, NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    return avail_pages();
}

#define ANY UINT32_MAX

static void amounts(void)
{
    static const struct {
        const char *mem;
        int64_t pages; /* below 0: all but that */
        int64_t max;
    } rows[] = {
        {"512M", 512 * MIB, ANY},
        {"524288", 512 * MIB, ANY}, /* KiB */
        {"1g", 1024 * MIB, ANY},
        {"512M,max:512M", 512 * MIB, 512 * MIB},
        {"1G,max:512M", 512 * MIB, 512 * MIB},
        {"256M,min:512M", 512 * MIB, ANY},
        {"min:1G,256M,max:3G", 1024 * MIB, 3072 * MIB},
        {"-512M", -512 * (int64_t)MIB, ANY},
        {"-512M,max:-1G", -1024 * (int64_t)MIB, -1024 * (int64_t)MIB},
        {"max:1G", 1024 * MIB, 1024 * MIB},
        {NULL, -128 * (int64_t)MIB, ANY}, /* a sixteenth would be more */
        {"min:-64M", -64 * (int64_t)MIB, ANY},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t avail = (int64_t)free_before("xen-4.3");
        struct domain *d = build("xen-4.3", rows[i].mem, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(d);
        /* Its own structures came first: some pages. */
        int64_t want = rows[i].pages < 0 ? avail + rows[i].pages : rows[i].pages;
        int64_t max = rows[i].max < 0 ? avail + rows[i].max : rows[i].max;
        int64_t slack = rows[i].pages < 0 ? 64 : 0, max_slack = rows[i].max < 0 ? 64 : 0;
        bool good = (int64_t)d->tot_pages <= want && (int64_t)d->tot_pages >= want - slack &&
                    (int64_t)d->max_pages <= max && (int64_t)d->max_pages >= max - max_slack;
        if (!good)
            printf("\n%s: %llu of %llu pages, expected %lld of %lld\n", rows[i].mem ? rows[i].mem : "nothing",
                   (unsigned long long)d->tot_pages, (unsigned long long)d->max_pages, (long long)want, (long long)max);
        CU_ASSERT(good);
        fx_check();
    }
}

static void more_than_there_is_is_all(void)
{
    struct domain *d = build("xen-4.3", "64T", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    CU_ASSERT(d->tot_pages > 3900 * MIB);
    CU_ASSERT_EQUAL(avail_pages(), 0);
    fx_check();
    /* And all but more than there is is nothing. */
    CU_ASSERT_PTR_NULL(build("xen-4.3", "-64T", NULL));
    CU_ASSERT_PTR_NULL(domain_find(dom(0)));
    fx_check();
}

static void strict_and_relaxed(void)
{
    for (int relaxed = 0; relaxed < 2; relaxed++) {
        struct domain *d = build("modern", "512M", relaxed ? "1,relaxed" : "1");
        CU_ASSERT_PTR_NOT_NULL_FATAL(d);
        CU_ASSERT_EQUAL(d->node_pages[0], 0);
        CU_ASSERT_EQUAL(d->node_pages[1], 512 * MIB);
        for (unsigned v = 0; v < 2; v++) {
            const struct sched_unit *u = d->vcpu[v]->unit;
            CU_ASSERT_EQUAL(u->soft.w[0], 0xc);
            CU_ASSERT_EQUAL(u->hard.w[0] & 0xf, relaxed ? 0xf : 0xc);
        }
        fx_check();
    }
    /* Its nodes are its own: affinity that changes later changes nothing. */
    struct domain *d = domain_find(dom(0));
    cpumask_t first = {{3}};
    CU_ASSERT_EQUAL(vcpu_set_affinity(d->vcpu[0], &first, NULL), 0);
    CU_ASSERT_EQUAL(d->node_affinity.w, 2);
}

static void without_nodes_it_is_at_home_everywhere(void)
{
    struct domain *d = build("modern", "512M", NULL);
    CU_ASSERT_EQUAL(d->node_affinity.w, 3);
    CU_ASSERT(d->auto_node_affinity);
    /* A node that is not there counts for nothing. */
    d = build("modern", "512M", "7");
    CU_ASSERT_EQUAL(d->node_affinity.w, 3);
    /* A level without it goes on, as Xen does with what it does not know. */
    d = build("xen-4.3", "512M", "1");
    CU_ASSERT(d->auto_node_affinity);
    CU_ASSERT_EQUAL(d->node_pages[0], d->node_pages[1]);
}

static void pinned_on_its_nodes(void)
{
    boot("modern", "512M", "1");
    info->opt.dom0_vcpus_pin = true;
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    CU_ASSERT_EQUAL_FATAL(hv_core_get()->construct_dom0(2, 0), 0);
    struct domain *d = domain_find(dom(0));
    for (unsigned v = 0; v < 2; v++) {
        CU_ASSERT_EQUAL(cpumask_weight(&d->vcpu[v]->unit->hard), 1);
        CU_ASSERT(d->vcpu[v]->unit->hard.w[0] & 0xc);
    }
    CU_ASSERT_EQUAL(d->node_pages[1], 512 * MIB);
}

static void mistakes(void)
{
    static const char *const mem[] = {"x", "512Q", "512M,", ",512M", "min:", "max:1G;", "512MB", "9999999999999999G",
                                      "-"};
    static const char *const nodes[] = {"x", "0,", "64", "relax", "0 1", "-1"};
    for (unsigned i = 0; i < sizeof(mem) / sizeof(mem[0]); i++) {
        boot("modern", mem[i], NULL);
        CU_ASSERT_STRING_EQUAL(hv_core_get()->bad_option(&info->opt), "dom0_mem");
        CU_ASSERT_EQUAL(hv_core_get()->boot(info), -HV_EINVAL);
    }
    for (unsigned i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        boot("modern", NULL, nodes[i]);
        CU_ASSERT_STRING_EQUAL(hv_core_get()->bad_option(&info->opt), "dom0_nodes");
        CU_ASSERT_EQUAL(hv_core_get()->boot(info), -HV_EINVAL);
    }
    boot("modern", "512M,max:1G", "0,1,strict");
    CU_ASSERT_PTR_NULL(hv_core_get()->bad_option(&info->opt));
}

static const struct cunit_case tests[] = {
    {"amounts, limits, all but", amounts},
    {"more than there is", more_than_there_is_is_all},
    {"dom0_nodes, strict and relaxed", strict_and_relaxed},
    {"without nodes", without_nodes_it_is_at_home_everywhere},
    {"pinned vCPUs are on its nodes", pinned_on_its_nodes},
    {"mistakes", mistakes},
};

CUNIT_MAIN("dom0", tests)
