/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ARM, level by level: how many pCPUs and vCPUs, which memory, which guests; what is beyond is refused or left alone.
 */
#include "sched_fixture.h"

#include <hv/limits.h>
#include <string.h>

#define PAGES_1G (1ull << 18)
#define X HV_ARCH_x86_64
#define A32 HV_ARCH_arm32
#define A64 HV_ARCH_arm64

static void limits(void)
{
    static const struct {
        const char *level;
        enum hv_arch arch;
        unsigned pcpus, vcpus; /* vcpus: of an ARM guest, on x86 of an HVM guest */
        uint64_t gib;
        bool wide; /* 64-bit ARM guests */
    } rows[] = {
        {"xen-4.3", A32, 8, 8, 16, false},
        {"xen-4.3", A64, 8, 8, 16, false},
        {"modern", A32, 8, 8, 16, false},
        {"modern", A64, HV_MAX_PCPUS, 128, 16384, true},
        {"fixed", A64, HV_MAX_PCPUS, 128, 16384, true},
        {"arm-numa", A32, 8, 8, 16, false},
        {"arm-numa", A64, HV_MAX_PCPUS, 128, 16384, true},
        {"xen-4.3", X, HV_MAX_PCPUS, 128, 16384, false},
        {"xen-4.2", X, HV_MAX_PCPUS, 128, 5120, false},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct hv_profile *p = hv_profile_find(rows[i].level);
        CU_ASSERT_EQUAL(hv_max_pcpus(p, rows[i].arch), rows[i].pcpus);
        CU_ASSERT_EQUAL(hv_max_bytes(p, rows[i].arch), rows[i].gib << 30);
        CU_ASSERT_EQUAL(hv_max_vcpus(p, rows[i].arch, rows[i].arch == X ? HV_GUEST_HVM : HV_GUEST_ARM32),
                        rows[i].vcpus);
        CU_ASSERT_EQUAL(hv_guest_possible(p, rows[i].arch, HV_GUEST_ARM64), rows[i].wide);
        CU_ASSERT_EQUAL(hv_guest_possible(p, rows[i].arch, HV_GUEST_ARM32), rows[i].arch != X);
        CU_ASSERT_EQUAL(hv_guest_possible(p, rows[i].arch, HV_GUEST_PV), rows[i].arch == X);
        CU_ASSERT_EQUAL(hv_guest_possible(p, rows[i].arch, HV_GUEST_HVM), rows[i].arch == X);
    }
    CU_ASSERT_EQUAL(hv_max_vcpus(hv_profile_find("modern"), X, HV_GUEST_PV), HV_MAX_VCPUS_PER_DOMAIN);
    CU_ASSERT_FALSE(hv_guest_possible(hv_profile_find("modern"), A64, (enum hv_guest_type)(HV_GUEST_ARM64 + 1)));
}

static int boot(enum hv_arch arch, const char *level, unsigned cores, const struct hv_mem_range *range, unsigned nr)
{
    struct tp_machine m = {1, 1, cores, 1, 4 * PAGES_1G};
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find(level));
    info->arch = arch;
    if (range) {
        info->range = range;
        info->nr_ranges = nr;
    }
    return tp_boot_info_run(hv_core_get(), info);
}

static void a_gicv2_has_eight_pcpus(void)
{
    CU_ASSERT_EQUAL(boot(A64, "xen-4.3", 8, NULL, 0), 0);
    CU_ASSERT_EQUAL(boot(A64, "xen-4.3", 9, NULL, 0), -HV_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "GIC: 9 pCPUs, but a GICv2 knows 8, and level xen-4.3 no later one"));
    CU_ASSERT_EQUAL(boot(A32, "modern", 9, NULL, 0), -HV_EINVAL);
    CU_ASSERT_EQUAL(boot(A64, "modern", 9, NULL, 0), 0);
    CU_ASSERT_EQUAL(boot(A64, "arm-numa", 9, NULL, 0), 0);
    CU_ASSERT_EQUAL(boot(X, "xen-4.3", 9, NULL, 0), 0);
}

static void the_first_bank_of_memory(void)
{
    /* Juno: 2 GiB at 2 GiB, 6 GiB at 34 GiB. Two that touch are one. */
    static const struct hv_mem_range juno[] = {{2 * PAGES_1G, 4 * PAGES_1G, {0}}, {34 * PAGES_1G, 40 * PAGES_1G, {0}}},
                                     touch[] = {{1 * PAGES_1G, 2 * PAGES_1G, {0}},
                                                {2 * PAGES_1G, 4 * PAGES_1G, {0}},
                                                {5 * PAGES_1G, 6 * PAGES_1G, {0}}};
    static const struct {
        const char *level;
        enum hv_arch arch;
        const struct hv_mem_range *range;
        unsigned nr, gib;
    } rows[] = {{"xen-4.3", A64, juno, 2, 2},  {"modern", A64, juno, 2, 8},  {"arm-numa", A64, juno, 2, 8},
                {"xen-4.3", A32, touch, 3, 3}, {"modern", A32, touch, 3, 4}, {"xen-4.3", X, juno, 2, 8}};
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        CU_ASSERT_EQUAL_FATAL(boot(rows[i].arch, rows[i].level, 2, rows[i].range, rows[i].nr), 0);
        uint64_t pages = 0;
        for (unsigned r = 0; r < numa_nr_ranges(); r++)
            pages += numa_range(r)->end_mfn - numa_range(r)->start_mfn;
        CU_ASSERT_EQUAL(pages, rows[i].gib * PAGES_1G);
        CU_ASSERT_EQUAL(strstr(tp_console, "some memory banks are not used") != NULL,
                        rows[i].arch != X && !strcmp(rows[i].level, "xen-4.3"));
        fx_check();
    }
}

/* Frames are described from where memory begins: X-Gene's 64 GiB begin at 256 GiB. */
static void sixteen_gib(void)
{
    static const struct hv_mem_range xgene[] = {{256 * PAGES_1G, 320 * PAGES_1G, {0}}},
                                     midway[] = {{0, 4 * PAGES_1G, {0}}, {8 * PAGES_1G, 20 * PAGES_1G, {0}}};
    CU_ASSERT_EQUAL_FATAL(boot(A64, "xen-4.3", 8, xgene, 1), 0);
    CU_ASSERT_EQUAL(numa_range(0)->end_mfn, 272 * PAGES_1G);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "49152 MiB of memory ignored: level xen-4.3 goes up to 16384 MiB"));
    fx_check();
    CU_ASSERT_EQUAL_FATAL(boot(A64, "modern", 8, xgene, 1), 0);
    CU_ASSERT_EQUAL(numa_range(0)->end_mfn, 320 * PAGES_1G);
    CU_ASSERT_EQUAL_FATAL(boot(A32, "modern", 4, midway, 2), 0); /* the hole is described, too */
    CU_ASSERT_EQUAL(numa_range(1)->end_mfn, 16 * PAGES_1G);
}

static long create(enum hv_guest_type type, struct hv_domctl *op)
{
    *op = (struct hv_domctl){.cmd = XEN_DOMCTL_createdomain, .domid = DOM_INVALID};
    op->u.createdomain.type = type;
    return hv_core_get()->hypercall(HYPERCALL_domctl, op);
}

static void guests_that_cannot_be(void)
{
    static const struct {
        const char *level;
        enum hv_arch arch;
        enum hv_guest_type type;
        long rc;
    } rows[] = {{"xen-4.3", A64, HV_GUEST_ARM64, -HV_EINVAL}, {"xen-4.3", A64, HV_GUEST_ARM32, 0},
                {"modern", A64, HV_GUEST_ARM64, 0},           {"modern", A64, HV_GUEST_ARM32, 0},
                {"modern", A32, HV_GUEST_ARM64, -HV_EINVAL},  {"modern", A32, HV_GUEST_ARM32, 0},
                {"modern", A64, HV_GUEST_HVM, -HV_EINVAL},    {"modern", X, HV_GUEST_ARM64, -HV_EINVAL},
                {"arm-numa", A64, HV_GUEST_ARM64, 0}};
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct hv_domctl op;
        CU_ASSERT_EQUAL_FATAL(boot(rows[i].arch, rows[i].level, 2, NULL, 0), 0);
        CU_ASSERT_EQUAL(create(rows[i].type, &op), rows[i].rc);
    }
}

static void vcpus_of_a_guest(void)
{
    static const struct {
        const char *level;
        enum hv_arch arch;
        unsigned most;
    } rows[] = {
        {"xen-4.3", A32, 8}, {"xen-4.3", A64, 8}, {"modern", A32, 8}, {"modern", A64, 128}, {"arm-numa", A64, 128}};
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        for (unsigned more = 0; more < 2; more++) {
            struct hv_domctl op;
            CU_ASSERT_EQUAL_FATAL(boot(rows[i].arch, rows[i].level, 2, NULL, 0), 0);
            CU_ASSERT_EQUAL_FATAL(create(HV_GUEST_ARM32, &op), 0);
            op.cmd = XEN_DOMCTL_max_vcpus;
            op.u.max_vcpus.max = rows[i].most + more;
            CU_ASSERT_EQUAL(hv_core_get()->hypercall(HYPERCALL_domctl, &op), more ? -HV_EINVAL : 0);
        }
}

static const struct cunit_case tests[] = {
    {"limits", limits},
    {"a GICv2 has eight pCPUs", a_gicv2_has_eight_pcpus},
    {"the first bank of memory", the_first_bank_of_memory},
    {"sixteen GiB", sixteen_gib},
    {"guests that cannot be", guests_that_cannot_be},
    {"vCPUs of a guest", vcpus_of_a_guest},
};

CUNIT_MAIN("ARM", tests)
