/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest-physical memory on every architecture: entries against a flat map, limits, leaves, flushes, VMIDs, ARM's node.
 */
#include "mm/heap.h"
#include "sched_fixture.h"

#include <string.h>

#define GFNS 8192u /* of the flat map: 16 leaves of 2 MiB */

static void boot(enum hv_arch arch, const char *level, unsigned nodes)
{
    struct tp_machine m = {nodes, 1, 2, 1, 1u << 20};
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find(level));
    info->arch = arch;
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
}

static struct domain *guest(enum hv_guest_type type)
{
    struct domain *d;
    dom_id id = DOM_INVALID;
    CU_ASSERT_EQUAL_FATAL(domain_create(&id, type, 0, &d), 0);
    d->max_pages = 1u << 20;
    return d;
}

static uint64_t seed = 1;
static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(seed >> 33) % n;
}

static void prepare_and_set(struct domain *d, uint64_t g, uint64_t f, unsigned order)
{
    p2m_lock(d);
    CU_ASSERT_EQUAL_FATAL(p2m_prepare(d, g, order), 0);
    p2m_set(d, g, f, order);
    p2m_unlock(d);
}

/* Random ranges set and cleared; every guest frame is where a flat map says, in a leaf no larger than allowed. */
static void against_a_flat_map(enum hv_arch arch, const char *level, unsigned max_order)
{
    static uint64_t flat[GFNS];
    boot(arch, level, 1);
    struct domain *d = guest(arch == HV_ARCH_x86_64 ? HV_GUEST_HVM : HV_GUEST_ARM64);
    unsigned large = 0;

    memset(flat, 0xff, sizeof(flat));
    for (unsigned i = 0; i < 2000; i++) {
        unsigned order = rnd(4) ? rnd(4) : rnd(11);
        uint64_t g = rnd(GFNS >> order) << order;
        uint64_t f = rnd(3) ? (uint64_t)rnd(1000) << 12 : FRAME_NONE;
        prepare_and_set(d, g, f, order);
        for (unsigned k = 0; k < 1u << order; k++)
            flat[g + k] = f == FRAME_NONE ? FRAME_NONE : f + k;
        for (unsigned k = 0; k < 64; k++) {
            uint64_t at = k < 8 ? g + (k & ((1u << order) - 1)) : rnd(GFNS);
            unsigned size = 0;
            CU_ASSERT_EQUAL(p2m_get(d, at, &size), flat[at]);
            CU_ASSERT_TRUE(flat[at] == FRAME_NONE || size <= max_order);
            large += flat[at] != FRAME_NONE && size > 0;
        }
    }
    CU_ASSERT_EQUAL(large > 0, max_order > 0);
    prepare_and_set(d, 0, FRAME_NONE, 13);
    uint64_t tables = p2m_tables(d);
    CU_ASSERT_TRUE(tables <= 1 + 2 + 16);
    domain_destroy(d);
}

static void x86_and_arm_against_a_flat_map(void)
{
    against_a_flat_map(HV_ARCH_x86_64, "xen-4.3", ORDER_1G);
    against_a_flat_map(HV_ARCH_x86_64, "modern", ORDER_1G);
    against_a_flat_map(HV_ARCH_arm32, "xen-4.3", 0);
    against_a_flat_map(HV_ARCH_arm64, "xen-4.3", 0);
    against_a_flat_map(HV_ARCH_arm64, "modern", ORDER_1G);
}

/* The first guest frame beyond. 4 GiB of RAM a node: 36 bits are enough later on. */
static void guest_physical_addresses_end(void)
{
    static const struct {
        enum hv_arch arch;
        const char *level;
        unsigned bits;
    } rows[] = {{HV_ARCH_arm32, "xen-4.3", 40},
                {HV_ARCH_arm64, "xen-4.3", 40},
                {HV_ARCH_arm32, "modern", 40},
                {HV_ARCH_arm64, "modern", 36},
                {HV_ARCH_x86_64, "modern", 45}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot(rows[i].arch, rows[i].level, 2);
        struct domain *d = guest(rows[i].arch == HV_ARCH_x86_64 ? HV_GUEST_HVM : HV_GUEST_ARM64);
        uint64_t end = 1ull << (rows[i].bits - PAGE_SHIFT);
        unsigned size;
        CU_ASSERT_EQUAL(p2m_max_gfn(d), end);
        p2m_lock(d);
        CU_ASSERT_EQUAL(p2m_prepare(d, end, 0), -HV_EINVAL);
        CU_ASSERT_EQUAL(p2m_prepare(d, end - 1, 1), -HV_EINVAL);
        CU_ASSERT_EQUAL(p2m_prepare(d, end - 1, 0), 0);
        p2m_unlock(d);
        CU_ASSERT_EQUAL(p2m_get(d, end, &size), FRAME_NONE);
        fx_check();
        domain_destroy(d);
    }
}

/* Two first-level pages of 512 entries of 1 GiB from the start, and a second and a third level for the first frame. */
static void tables_of_arm(void)
{
    boot(HV_ARCH_arm32, "xen-4.3", 1);
    struct domain *d = guest(HV_GUEST_ARM32);
    CU_ASSERT_EQUAL(p2m_tables(d), 2);
    prepare_and_set(d, 1u << 18, 0x12345, 0);
    CU_ASSERT_EQUAL(p2m_tables(d), 4);
    prepare_and_set(d, (1u << 18) + 512, 0x12345, 0);
    CU_ASSERT_EQUAL(p2m_tables(d), 5);
    domain_destroy(d);
}

/* A large leaf is shattered when a part of it changes; the rest stays where it was. */
static void a_leaf_is_shattered(void)
{
    boot(HV_ARCH_arm64, "modern", 1);
    struct domain *d = guest(HV_GUEST_ARM64);
    unsigned size;

    prepare_and_set(d, 0, 1u << 18, ORDER_1G);
    CU_ASSERT_EQUAL(p2m_get(d, 12345, &size), (1u << 18) + 12345);
    CU_ASSERT_EQUAL(size, ORDER_1G);
    prepare_and_set(d, 512 + 7, FRAME_NONE, 0);
    CU_ASSERT_EQUAL(p2m_get(d, 512 + 7, &size), FRAME_NONE);
    CU_ASSERT_EQUAL(p2m_get(d, 512 + 8, &size), (1u << 18) + 512 + 8);
    CU_ASSERT_EQUAL(size, 0);
    CU_ASSERT_EQUAL(p2m_get(d, 1024, &size), (1u << 18) + 1024);
    CU_ASSERT_EQUAL(size, ORDER_2M);
    domain_destroy(d);
}

/* What is new needs none; what replaces: once a call, on ARM at 4.3 once an entry. */
static void flushes(void)
{
    static const struct {
        enum hv_arch arch;
        const char *level;
        unsigned a_call;
    } rows[] = {{HV_ARCH_x86_64, "xen-4.3", 1}, {HV_ARCH_arm32, "xen-4.3", 8}, {HV_ARCH_arm64, "modern", 1}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot(rows[i].arch, rows[i].level, 1);
        struct domain *d = guest(rows[i].arch == HV_ARCH_x86_64 ? HV_GUEST_HVM : HV_GUEST_ARM64);
        prepare_and_set(d, 8, 1024, 3);
        CU_ASSERT_EQUAL(p2m_flushes(d), 0);
        prepare_and_set(d, 8, FRAME_NONE, 3);
        CU_ASSERT_EQUAL(p2m_flushes(d), rows[i].a_call);
        prepare_and_set(d, 8, 2048, 3);
        CU_ASSERT_EQUAL(p2m_flushes(d), rows[i].a_call);
        domain_destroy(d);
    }
}

static void no_memory_for_a_table(void)
{
    for (unsigned arch = HV_ARCH_x86_64; arch <= HV_ARCH_arm64; arch++) {
        boot((enum hv_arch)arch, "modern", 1);
        struct domain *d = guest(arch == HV_ARCH_x86_64 ? HV_GUEST_HVM : HV_GUEST_ARM64);
        prepare_and_set(d, 0, 512, ORDER_2M);
        for (unsigned budget = 0; budget < 3; budget++) {
            unsigned size;
            tp_frametable_budget = budget;
            p2m_lock(d);
            int rc = p2m_prepare(d, 1u << 18, 0); /* tables of two levels */
            p2m_unlock(d);
            tp_frametable_budget = -1;
            CU_ASSERT_TRUE(rc == 0 || rc == -HV_ENOMEM);
            CU_ASSERT_EQUAL(p2m_get(d, 1u << 18, &size), FRAME_NONE);
            CU_ASSERT_EQUAL(p2m_get(d, 5, &size), 512 + 5);
            fx_check();
        }
        domain_destroy(d);
    }
}

/* ---- VMIDs ------------------------------------------------------------------------------------------------------- */

static void vmids(void)
{
    /* By the domain's id, in 8 bits. */
    boot(HV_ARCH_arm32, "xen-4.3", 1);
    struct domain *d;
    dom_id id = dom(200);
    CU_ASSERT_EQUAL(domain_create(&id, HV_GUEST_ARM32, 0, &d), 0);
    CU_ASSERT_EQUAL(p2m_vmid(d), 201);
    id = dom(255);
    size_t held = tp_mapped_pages;
    CU_ASSERT_EQUAL(domain_create(&id, HV_GUEST_ARM32, 0, &d), -HV_EBUSY);
    CU_ASSERT_EQUAL(tp_mapped_pages, held);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "d255: no VMID"));
    fx_check();

    /* The lowest free one; 255 of them in 8 bits, and again when one is back. */
    boot(HV_ARCH_arm32, "modern", 1);
    static struct domain *all[256];
    unsigned n = 0;
    for (;; n++) {
        id = DOM_INVALID;
        if (n == 256 || domain_create(&id, HV_GUEST_ARM32, 0, &all[n]))
            break;
    }
    CU_ASSERT_EQUAL_FATAL(n, 255);
    unsigned freed = p2m_vmid(all[100]);
    domain_destroy(all[100]);
    id = DOM_INVALID;
    CU_ASSERT_EQUAL(domain_create(&id, HV_GUEST_ARM32, 0, &all[100]), 0);
    CU_ASSERT_EQUAL(p2m_vmid(all[100]), freed);

    boot(HV_ARCH_x86_64, "modern", 1);
    CU_ASSERT_EQUAL(p2m_vmid(guest(HV_GUEST_HVM)), 0);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static void arm_has_one_node(void)
{
    static const struct {
        enum hv_arch arch;
        const char *level;
        unsigned nodes;
    } rows[] = {{HV_ARCH_arm64, "xen-4.3", 1}, {HV_ARCH_arm64, "modern", 1},   {HV_ARCH_arm64, "fixed", 1},
                {HV_ARCH_arm32, "xen-4.2", 1}, {HV_ARCH_arm64, "arm-numa", 4}, {HV_ARCH_x86_64, "modern", 4}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot(rows[i].arch, rows[i].level, 4);
        CU_ASSERT_EQUAL(nodemask_weight(hv_node_online), rows[i].nodes);
        CU_ASSERT_EQUAL(cpu_to_node(pcpu(hv_nr_cpus - 1)).n, rows[i].nodes - 1);
        CU_ASSERT_EQUAL(mfn_to_node(mfn((4u << 20) - 1)).n == mfn_to_node(mfn(1u << 19)).n, rows[i].nodes == 1);
        CU_ASSERT_EQUAL(mfn_to_firmware_node(mfn((4u << 20) - 1)).n, 3);
        CU_ASSERT_EQUAL(avail_node_pages(node(0)) > 3u << 20, rows[i].nodes == 1);
        fx_check();
        /* Where a guest's memory is can be told all the same. */
        struct domain *d = guest(rows[i].arch == HV_ARCH_x86_64 ? HV_GUEST_HVM : HV_GUEST_ARM64);
        uint64_t sizes[HV_MAX_NODES][3];
        prepare_and_set(d, 0, 3u << 20, 0);
        p2m_count_pages(d, sizes);
        CU_ASSERT_EQUAL(sizes[3][0], 1);
        CU_ASSERT_EQUAL(sizes[0][0], 0);
        prepare_and_set(d, 0, FRAME_NONE, 0);
        domain_destroy(d);
    }
}

static const struct cunit_case tests[] = {
    {"x86 and ARM against a flat map", x86_and_arm_against_a_flat_map},
    {"guest-physical addresses end", guest_physical_addresses_end},
    {"tables of ARM", tables_of_arm},
    {"a leaf is shattered", a_leaf_is_shattered},
    {"flushes", flushes},
    {"no memory for a table", no_memory_for_a_table},
    {"VMIDs", vmids},
    {"ARM has one node", arm_has_one_node},
};

CUNIT_MAIN("hv-core mm p2m", tests)
