/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vnuma=: which node each part of the guest's memory is asked of, what vCPUs prefer afterwards, and what is refused. */
#include "fake_host.h"
#include "levels.h"
#include <cunit_main.h>
#include <stdio.h>
#include <string.h>

#define MIB_KB 1024ull
#define GIB_KB (1024 * MIB_KB)

static struct fake_host f;
static struct ts_domain_result r;
static char calls[8192];
static const unsigned distance[] = {10, 21, 21, 10};
static struct ts_vnode vnode[2];
static uint8_t vcpu_vnode[4];

/* 4 vCPUs: 0 and 3 on vnode 0, which is on node 1; 1 and 2 on vnode 1, which is on node 0. */
static struct ts_domain_config config(enum hv_guest_type type, uint64_t kb0, uint64_t kb1)
{
    static const uint8_t of[] = {0, 1, 1, 0};
    vnode[0] = (struct ts_vnode){1, kb0, distance};
    vnode[1] = (struct ts_vnode){0, kb1, distance + 2};
    memcpy(vcpu_vnode, of, sizeof(of));
    return (struct ts_domain_config){.name = "v",
                                     .type = type,
                                     .vcpus = 4,
                                     .memory_kb = kb0 + kb1,
                                     .cap = 0xffffffff,
                                     .nr_vnodes = 2,
                                     .vnode = vnode,
                                     .vcpu_vnode = vcpu_vnode};
}

static int create(const struct hv_profile *level, const struct ts_domain_config *cfg)
{
    fake_reset(&f, level, 2, 8, 64 * GIB_KB);
    return ts_domain_create(&f.host, cfg, &r);
}

/* Frames asked of exactly that node (-1: of any). */
static uint64_t pages_of(int n)
{
    uint64_t pages = 0;
    unsigned flags = n < 0 ? 0 : XENMEMF_node(n) | XENMEMF_exact_node_request;
    for (unsigned i = 0; i < f.nr_populates; i++)
        if (f.populate[i].flags == flags)
            pages += f.populate[i].done << f.populate[i].order;
    return pages;
}

static void pv_each_vnode_from_its_node(void)
{
    struct ts_domain_config cfg = config(HV_GUEST_PV, 3 * MIB_KB, 4 * MIB_KB);
    CU_ASSERT_EQUAL(create(&level_modern, &cfg), 0);
    CU_ASSERT(!r.auto_placed);
    CU_ASSERT_EQUAL(f.dom[1].nodes, 0); /* node affinity stays automatic */
    CU_ASSERT_EQUAL(pages_of(1), 768);
    CU_ASSERT_EQUAL(pages_of(0), 1024);
    /* The second vnode begins where the first ends, whatever the alignment. */
    CU_ASSERT_EQUAL(f.populate[2].gfn, 768);
    CU_ASSERT_EQUAL(f.populate[2].order, 9);
    /* Soft affinity comes after memory. */
    fake_calls(&f, calls, sizeof calls);
    CU_ASSERT_PTR_NOT_NULL(strstr(calls, "claim=0 soft0=ff00 soft1=ff soft2=ff soft3=ff00 "));
    if (!strstr(calls, "claim=0 soft0=ff00 soft1=ff soft2=ff soft3=ff00 "))
        puts(calls);
}

static void hvm_low_pages_and_the_hole(void)
{
    struct ts_domain_config cfg = config(HV_GUEST_HVM, 3 * GIB_KB, 2 * GIB_KB);
    CU_ASSERT_EQUAL(create(&level_modern, &cfg), 0);
    CU_ASSERT_EQUAL(f.populate[0].gfn, 0); /* the first 640 KiB, from wherever */
    CU_ASSERT_EQUAL(pages_of(-1), 0xa0);
    CU_ASSERT_EQUAL(pages_of(1), 3 * 262144 - 0xc0);
    CU_ASSERT_EQUAL(pages_of(0), 2 * 262144);
    uint64_t at = 0;
    for (unsigned i = 0; i < f.nr_populates; i++) {
        const struct fake_populate *p = &f.populate[i];
        uint64_t end = p->gfn + (p->done << p->order);
        CU_ASSERT(p->gfn >= at);
        CU_ASSERT(end <= 0xf0000 || p->gfn >= 0x100000);
        at = end;
    }
    CU_ASSERT_EQUAL(at, 5 * 262144 + 0x10000);
}

static void own_soft_affinity_stays(void)
{
    struct ts_domain_config cfg = config(HV_GUEST_PV, 4 * MIB_KB, 4 * MIB_KB);
    cfg.cpus_soft = "0-3";
    CU_ASSERT_EQUAL(create(&level_modern, &cfg), 0);
    for (unsigned v = 0; v < 4; v++)
        CU_ASSERT_EQUAL(f.dom[1].soft[v], 0xf);
    /* vCPUs 0 and 3 would rather be elsewhere than their memory. */
    CU_ASSERT_EQUAL(f.warnings, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "vCPU 3: its soft affinity does not match its vnode"));

    cfg = config(HV_GUEST_PV, 4 * MIB_KB, 4 * MIB_KB);
    static const char *const each[] = {"8-15", "0", "7-8"};
    cfg.cpus_list = each;
    cfg.nr_cpus_list = 3;
    CU_ASSERT_EQUAL(create(&level_modern, &cfg), 0);
    CU_ASSERT_EQUAL(f.warnings, 1); /* vCPU 3 has no entry */
    CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "vCPU 2: its hard affinity does not match its vnode"));
}

/* A full node is no reason to take memory of another: the domain is not built. */
static void no_memory_on_the_node(void)
{
    struct ts_domain_config cfg = config(HV_GUEST_PV, 4 * MIB_KB, 4 * MIB_KB);
    fake_reset(&f, &level_modern, 2, 8, 64 * GIB_KB);
    f.extents_left[9] = 0;
    f.extents_left[0] = 1500;
    CU_ASSERT_EQUAL(ts_domain_create(&f.host, &cfg, &r), -HV_ENOMEM);
    CU_ASSERT_EQUAL(fake_count_domus(&f), 0);
    CU_ASSERT_EQUAL(r.xl_status, 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "cannot get 8 MiB of memory"));
}

static void s_level(struct ts_domain_config *c)
{
    (void)c;
}
static void s_pnode(struct ts_domain_config *c)
{
    (void)c;
    vnode[1].pnode = 2;
}
static void s_size(struct ts_domain_config *c)
{
    (void)c;
    vnode[1].memory_kb = 0;
}
static void s_sum(struct ts_domain_config *c)
{
    c->memory_kb = c->memory_kb + 4;
}
static void s_pod(struct ts_domain_config *c)
{
    c->maxmem_kb = c->memory_kb;
    c->memory_kb -= 4;
}
static void s_vcpu(struct ts_domain_config *c)
{
    (void)c;
    vcpu_vnode[2] = TS_VNODE_NONE;
}
static void s_near(struct ts_domain_config *c)
{
    (void)c;
    static const unsigned near[] = {10, 9};
    vnode[0].distance = near;
}
static void s_arm(struct ts_domain_config *c)
{
    c->type = HV_GUEST_ARM64;
}

static const struct refusal {
    const struct hv_profile *level;
    int rc;
    const char *message;
    void (*spoil)(struct ts_domain_config *c);
} refusals[] = {
    {&level_43, -HV_EOPNOTSUPP, "vnuma: this level has no virtual NUMA", s_level},
    {&level_modern, -HV_EOPNOTSUPP, "vnuma: guests of this architecture", s_arm},
    {&level_modern, -HV_EINVAL, "vnuma: there is no node 2", s_pnode},
    {&level_modern, -HV_EINVAL, "vnuma: memory must be a whole number of pages, and not nothing: vnode 1", s_size},
    {&level_modern, -HV_EINVAL, "vnuma: the vnodes have 8192 KiB, the domain has 8196 KiB", s_sum},
    {&level_modern, -HV_EINVAL, "vnuma: memory must be all of maxmem", s_pod},
    {&level_modern, -HV_EINVAL, "vnuma: of no vnode: vCPU 2", s_vcpu},
    {&level_modern, -HV_EINVAL, "vnuma: vnode 0 is nearer to vnode 1 than to itself", s_near},
};

static void mistakes(void)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct ts_domain_config cfg = config(HV_GUEST_PV, 4 * MIB_KB, 4 * MIB_KB);
        refusals[i].spoil(&cfg);
        int rc = create(refusals[i].level, &cfg);
        bool good = rc == refusals[i].rc && r.xl_status == 1 && strstr(f.log, refusals[i].message);
        if (!good)
            printf("\n%s: rc %d, log %s\n", refusals[i].message, rc, f.log);
        CU_ASSERT(good);
        CU_ASSERT_EQUAL(fake_count_domus(&f), 0);
    }
}

static const struct cunit_case tests[] = {
    {"PV: each vnode from its node alone", pv_each_vnode_from_its_node},
    {"HVM: low pages from anywhere, the hole left out", hvm_low_pages_and_the_hole},
    {"soft affinity that was given stays; what does not match is told", own_soft_affinity_stays},
    {"no memory on the node", no_memory_on_the_node},
    {"mistakes are refused", mistakes},
};

CUNIT_MAIN("toolstack: virtual NUMA", tests)
