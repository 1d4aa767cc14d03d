/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PDX compression on maps as machines have them, and what memory is out of reach because of it. */
#include "mm/heap.h"
#include "port_test.h"
#include <cunit_main.h>
#include <string.h>

#define GIB_PAGES (1ull << 18)
#define TIB_PAGES (1ull << 28)
#define MAX_MAP 16

struct map {
    const char *name;
    unsigned nr;
    struct {
        uint64_t gib_start, gib_end;
    } range[MAX_MAP];
    unsigned bottom, hole; /* bits of frame numbers; hole 0: nothing to leave out */
};

static const struct map maps[] = {
    {"one socket", 2, {{0, 3}, {4, 17}}, 0, 0},
    {"two sockets in a row", 3, {{0, 3}, {4, 65}, {65, 129}}, 0, 0},
    /* A node each 2 TiB, 64 GiB in each: bits 24 to 28 of the frame number are 0 everywhere. */
    {"sparse nodes", 4, {{0, 64}, {2048, 2112}, {4096, 4160}, {6144, 6208}}, 24, 5},
    /* A node each 16 TiB, as large glued systems number them. */
    {"glued", 3, {{0, 512}, {16384, 16896}, {32768, 33280}}, 27, 5},
    /* ARMv8 boards: 2 GiB at 2 GiB, the rest at 34 GiB and at 512 GiB. Of runs that are as long the lowest is taken. */
    {"board", 2, {{2, 4}, {34, 36}}, 20, 3},
    {"board with a high bank", 3, {{2, 4}, {34, 36}, {512, 514}}, 20, 3},
    /* A range that crosses the largest hole closes it. */
    {"closed", 3, {{0, 64}, {2048, 2112}, {1024, 1984}}, 0, 0},
};

static unsigned to_ranges(const struct map *m, struct hv_mem_range *r)
{
    for (unsigned i = 0; i < m->nr; i++)
        r[i] = (struct hv_mem_range){m->range[i].gib_start * GIB_PAGES, m->range[i].gib_end * GIB_PAGES, node(0)};
    return m->nr;
}

static void maps_of_machines(void)
{
    struct hv_mem_range r[MAX_MAP];

    hv_level = hv_profile_find("modern");
    hv_arch = HV_ARCH_x86_64;
    for (unsigned i = 0; i < ARRAY_SIZE(maps); i++) {
        const struct map *m = &maps[i];
        unsigned nr = to_ranges(m, r);
        uint64_t last = 0;
        tp_reset();
        pdx_init(r, nr);
        if (m->hole) {
            char said[64];
            snprintf(said, sizeof(said), "PFN compression on bits %u...%u\n", m->bottom, m->bottom + m->hole - 1);
            CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, said));
            if (!strstr(tp_console, said))
                printf("\n%s: %s instead of %s", m->name, tp_console, said);
        }
        for (unsigned k = 0; k < nr; k++)
            for (uint64_t f = r[k].start_mfn; f < r[k].end_mfn; f += GIB_PAGES / 4 + 1) {
                uint64_t pdx = mfn_to_pdx(f);
                CU_ASSERT_EQUAL(pdx_to_mfn(pdx), f);
                /* Without the hole's bits, that is all. */
                uint64_t low = f & ((1ull << m->bottom) - 1);
                CU_ASSERT_EQUAL(pdx, m->hole ? low | (f >> (m->bottom + m->hole)) << m->bottom : f);
                CU_ASSERT_EQUAL(pdx % (1u << MAX_ORDER), f % (1u << MAX_ORDER));
                last = pdx > last ? pdx : last;
            }
        CU_ASSERT_TRUE(!m->hole || last < r[nr - 1].end_mfn);
    }
}

static void arm_has_none_at_43(void)
{
    struct hv_mem_range r[MAX_MAP];
    unsigned nr = to_ranges(&maps[4], r);

    tp_reset();
    hv_arch = HV_ARCH_arm64;
    hv_level = hv_profile_find("xen-4.3");
    pdx_init(r, nr);
    CU_ASSERT_EQUAL(mfn_to_pdx(34 * GIB_PAGES), 34 * GIB_PAGES);
    hv_level = hv_profile_find("modern");
    pdx_init(r, nr);
    CU_ASSERT_TRUE(mfn_to_pdx(34 * GIB_PAGES) < 34 * GIB_PAGES);
    hv_arch = HV_ARCH_x86_64;
}

/* Nodes that are 16 TiB apart: without compression all but the first would be out of reach. */
static void far_memory_is_reached(void)
{
    static const struct hv_mem_range far[] = {{0, TIB_PAGES, {0}}, {16 * TIB_PAGES, 17 * TIB_PAGES, {1}}};
    static const struct hv_mem_range whole[] = {{0, 9 * TIB_PAGES, {0}}, {9 * TIB_PAGES, 18 * TIB_PAGES, {1}}};
    static const struct hv_cpu_desc cpu[] = {{0, 0, 0, {0}}, {1, 1, 0, {1}}};
    struct hv_boot_info info = {.nr_cpus = 2, .nr_nodes = 2, .nr_ranges = 2, .cpu = cpu, .range = far};

    tp_reset();
    hv_level = hv_profile_find("modern");
    CU_ASSERT_EQUAL_FATAL(numa_init(&info), 0);
    CU_ASSERT_PTR_NULL(strstr(tp_console, "Ignoring"));
    CU_ASSERT_EQUAL_FATAL(mm_init(), 0);
    CU_ASSERT_EQUAL(total_pages(), 2 * TIB_PAGES - 256);

    info.range = whole;
    tp_reset();
    CU_ASSERT_EQUAL_FATAL(numa_init(&info), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "Ignoring inaccessible memory range 100000000000-120000000000\n"));
    CU_ASSERT_EQUAL_FATAL(mm_init(), 0);
    CU_ASSERT_EQUAL(total_pages(), 16 * TIB_PAGES - 256);
}

static const struct cunit_case tests[] = {
    {"maps of machines", maps_of_machines},
    {"ARM has none at 4.3", arm_has_none_at_43},
    {"far memory is reached", far_memory_is_reached},
};

CUNIT_MAIN("hv-core mm pdx", tests)
