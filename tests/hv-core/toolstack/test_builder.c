/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The builders: which extents they ask for, in which order, and what they fall back to. Property throughout: the pages
 * got are those of the configuration, and every guest frame is asked for once.
 */
#include "fake_host.h"
#include "levels.h"
#include <cunit_main.h>
#include <stdio.h>
#include <string.h>

static struct fake_host f;
static enum ts_claim_mode claim_mode;

#define MIB_KB 1024ull
#define GIB_KB (1024 * MIB_KB)

static int build(const struct hv_profile *level, enum hv_guest_type type, uint64_t memory_kb, uint64_t left_2m,
                 uint64_t left_1g)
{
    fake_reset(&f, level, 2, 8, 64 * GIB_KB);
    f.host.claim_mode = claim_mode;
    f.extents_left[9] = left_2m;
    f.extents_left[18] = left_1g;
    struct ts_domain_config cfg = {
        .name = "v", .type = type, .vcpus = 1, .memory_kb = memory_kb, .cap = 0xffffffff, .cpus = "all"};
    struct ts_domain_result r;
    return ts_domain_create(&f.host, &cfg, &r);
}

static uint64_t extents(unsigned order)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < f.nr_populates; i++)
        if (f.populate[i].order == order)
            n += f.populate[i].done;
    return n;
}

/* Everything that was got lies in ascending order, each extent aligned to its size; returns the end. */
static uint64_t check_layout(uint64_t first)
{
    uint64_t at = first;
    for (unsigned i = 0; i < f.nr_populates; i++) {
        const struct fake_populate *p = &f.populate[i];
        if (p->done == 0)
            continue;
        CU_ASSERT(p->gfn >= at);
        if (p->order)
            CU_ASSERT_EQUAL(p->gfn & ((1ull << p->order) - 1), 0);
        at = p->gfn + (p->done << p->order);
    }
    return at;
}

static void pv_at_43_is_small_pages(void)
{
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_PV, 960 * MIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_EQUAL(f.nr_populates, 1);
    CU_ASSERT_EQUAL(f.populate[0].order, 0);
    CU_ASSERT_EQUAL(f.populate[0].asked, 245760);
    CU_ASSERT_EQUAL(f.dom[1].pages, 245760);
    CU_ASSERT_EQUAL(f.dom[1].max_kb, 961 * MIB_KB);
    /* Batches of 1 Mi pages: 9 GiB are 4 + 4 + 1. */
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_PV, 9 * GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_EQUAL(f.nr_populates, 3);
    CU_ASSERT_EQUAL(f.populate[0].asked, 1048576);
    CU_ASSERT_EQUAL(f.populate[2].asked, 262144);
    CU_ASSERT_EQUAL(check_layout(0), 9 * GIB_KB / 4);
}

static void pv_later_takes_superpages_first(void)
{
    CU_ASSERT_EQUAL(build(&level_modern, HV_GUEST_PV, 961 * MIB_KB + 4, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_EQUAL(extents(9), 480);
    CU_ASSERT_EQUAL(extents(0), 257); /* an odd MiB and a page */
    CU_ASSERT_EQUAL(f.dom[1].pages, 961 * 256 + 1);
    CU_ASSERT_EQUAL(check_layout(0), 961 * 256 + 1);
    /* Batches of 512. */
    CU_ASSERT_EQUAL(build(&level_modern, HV_GUEST_PV, 3 * GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_EQUAL(f.nr_populates, 3);
    CU_ASSERT_EQUAL(f.populate[1].asked, 512);
}

static void pv_later_falls_back(void)
{
    /* 700 superpages are left: the second batch gets 188 of them, the third none, the rest comes in small pages. */
    CU_ASSERT_EQUAL(build(&level_modern, HV_GUEST_PV, 3 * GIB_KB, 700, UINT64_MAX), 0);
    CU_ASSERT_EQUAL(extents(9), 700);
    CU_ASSERT_EQUAL(extents(0), (1536 - 700) * 512);
    CU_ASSERT_EQUAL(f.populate[2].order, 9);
    CU_ASSERT_EQUAL(f.populate[2].done, 0);
    CU_ASSERT_EQUAL(check_layout(0), 3 * GIB_KB / 4);
}

static void hvm_shape(void)
{
    /* 3 GiB: 0-640 KiB small, VGA range left out, small up to 2 MiB, 2 MiB up to 1 GiB, then two of 1 GiB. */
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_HVM, 3 * GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_EQUAL(f.populate[0].gfn, 0);
    CU_ASSERT_EQUAL(f.populate[0].asked, 0xa0);
    CU_ASSERT_EQUAL(f.populate[1].gfn, 0xc0);
    CU_ASSERT_EQUAL(f.populate[1].asked, 0x200 - 0xc0);
    CU_ASSERT_EQUAL(f.populate[2].order, 9);
    CU_ASSERT_EQUAL(f.populate[2].asked, 4); /* batches of 8 MiB */
    CU_ASSERT_EQUAL(extents(18), 2);
    CU_ASSERT_EQUAL(extents(9), 511);
    CU_ASSERT_EQUAL(f.dom[1].pages, 3 * GIB_KB / 4 - 0x20);
    CU_ASSERT_EQUAL(check_layout(0), 3 * GIB_KB / 4);
}

static void hvm_leaves_the_hole_free(void)
{
    /* 6 GiB: the part from 3.75 GiB on moves above 4 GiB; no extent reaches into the hole. */
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_HVM, 6 * GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    for (unsigned i = 0; i < f.nr_populates; i++) {
        uint64_t from = f.populate[i].gfn, to = from + (f.populate[i].asked << f.populate[i].order);
        CU_ASSERT(to <= 0xf0000 || from >= 0x100000);
    }
    CU_ASSERT_EQUAL(f.dom[1].pages, 6 * GIB_KB / 4 - 0x20);
    CU_ASSERT_EQUAL(check_layout(0), 6 * GIB_KB / 4 + 0x10000);
    CU_ASSERT_EQUAL(extents(18), 4); /* 1-2, 2-3, 4-5 and 5-6 GiB; 3-4 is cut by the hole, 6-6.25 is too short */
}

static void hvm_falls_back(void)
{
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_HVM, 4 * GIB_KB, UINT64_MAX, 1), 0);
    CU_ASSERT_EQUAL(extents(18), 1);
    CU_ASSERT_EQUAL(f.dom[1].pages, 4 * GIB_KB / 4 - 0x20);
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_HVM, 2 * GIB_KB, 10, 0), 0);
    CU_ASSERT_EQUAL(extents(18), 0);
    CU_ASSERT_EQUAL(extents(9), 10);
    CU_ASSERT_EQUAL(f.dom[1].pages, 2 * GIB_KB / 4 - 0x20);
    CU_ASSERT_EQUAL(check_layout(0), 2 * GIB_KB / 4);
    /* Very small ones. */
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_HVM, 4, 0, 0), 0);
    CU_ASSERT_EQUAL(f.dom[1].pages, 1);
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_HVM, 0xb0 * 4, 0, 0), 0);
    CU_ASSERT_EQUAL(f.dom[1].pages, 0xa0);
}

static void memory_runs_out(void)
{
    static const enum hv_guest_type types[] = {HV_GUEST_PV, HV_GUEST_HVM};
    static const struct hv_profile *const levels[] = {&level_43, &level_modern};
    for (size_t t = 0; t < 2; t++)
        for (size_t l = 0; l < 2; l++) {
            fake_reset(&f, levels[l], 2, 8, 64 * GIB_KB);
            f.extents_left[18] = 0;
            f.extents_left[9] = 3;
            f.extents_left[0] = 1000;
            struct ts_domain_config cfg = {
                .name = "big", .type = types[t], .vcpus = 1, .memory_kb = GIB_KB, .cap = 0xffffffff, .cpus = "all"};
            struct ts_domain_result r;
            CU_ASSERT_EQUAL(ts_domain_create(&f.host, &cfg, &r), -HV_ENOMEM);
            CU_ASSERT_EQUAL(fake_count_domus(&f), 0);
            CU_ASSERT_EQUAL(r.domid.n, DOM_INVALID.n);
            CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "domain big: cannot get 1024 MiB of memory: out of memory"));
        }
}

static void claims(void)
{
    CU_ASSERT_EQUAL(build(&level_modern, HV_GUEST_PV, GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    char calls[2048];
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_calls(&f, calls, sizeof calls), " claim=262144 populate claim=0 "));
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_PV, GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_PTR_NULL(strstr(fake_calls(&f, calls, sizeof calls), "claim"));
}

/* A maximum above the memory: the cache first, then marks of all sizes for all of the maximum. */
static void hvm_populates_on_demand(void)
{
    static const struct hv_profile *const levels[] = {&level_43, &level_modern};
    for (size_t l = 0; l < 2; l++) {
        fake_reset(&f, levels[l], 2, 8, 64 * GIB_KB);
        f.extents_left[0] = f.extents_left[9] = f.extents_left[18] = 0; /* marks need none */
        struct ts_domain_config cfg = {.name = "v",
                                       .type = HV_GUEST_HVM,
                                       .vcpus = 1,
                                       .memory_kb = GIB_KB,
                                       .maxmem_kb = 6 * GIB_KB,
                                       .cap = 0xffffffff,
                                       .cpus = "all"};
        struct ts_domain_result r;
        CU_ASSERT_EQUAL(ts_domain_create(&f.host, &cfg, &r), 0);
        CU_ASSERT_EQUAL(f.dom[1].pod_target, GIB_KB / 4 - 0x20);
        CU_ASSERT_EQUAL(f.dom[1].pod_entries, 6 * GIB_KB / 4 - 0x20);
        CU_ASSERT_EQUAL(f.dom[1].pages, 0);
        CU_ASSERT_EQUAL(f.dom[1].max_kb, 1025 * MIB_KB);
        CU_ASSERT_EQUAL(extents(18), 4);
        CU_ASSERT_EQUAL(check_layout(0), 6 * GIB_KB / 4 + 0x10000);
        for (unsigned i = 0; i < f.nr_populates; i++)
            CU_ASSERT_EQUAL(f.populate[i].flags, XENMEMF_populate_on_demand);
        char calls[4096];
        CU_ASSERT_PTR_NOT_NULL(strstr(fake_calls(&f, calls, sizeof calls),
                                      l ? " claim=262112 pod=262112 populate*" : " max_mem pod=262112 populate*"));
        /* The cache cannot be filled. */
        fake_reset(&f, levels[l], 2, 8, 64 * GIB_KB);
        CU_ASSERT_EQUAL(ts_domain_create(&f.host, &cfg, &r), 0);
        unsigned at = 0;
        while (strncmp(f.call[at], "pod", 3) != 0)
            at++;
        fake_reset(&f, levels[l], 2, 8, 64 * GIB_KB);
        f.fail_at = (int)at;
        f.fail_with = -HV_ENOMEM;
        CU_ASSERT_EQUAL(ts_domain_create(&f.host, &cfg, &r), -HV_ENOMEM);
        CU_ASSERT_EQUAL(fake_count_domus(&f), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.log, "its populate-on-demand cache cannot be filled: out of memory"));
    }
}

/* PV guests have nothing of the kind: their maximum is what they may balloon up to. */
static void pv_has_its_memory_only(void)
{
    fake_reset(&f, &level_modern, 2, 8, 64 * GIB_KB);
    struct ts_domain_config cfg = {.name = "v",
                                   .type = HV_GUEST_PV,
                                   .vcpus = 1,
                                   .memory_kb = GIB_KB,
                                   .maxmem_kb = 2 * GIB_KB,
                                   .cap = 0xffffffff,
                                   .cpus = "all"};
    struct ts_domain_result r;
    CU_ASSERT_EQUAL(ts_domain_create(&f.host, &cfg, &r), 0);
    CU_ASSERT_EQUAL(f.dom[1].pages, GIB_KB / 4);
    CU_ASSERT_EQUAL(f.dom[1].pod_entries, 0);
}

/* xl.conf decides, whatever the level's default. */
static void claim_mode_of_the_operator(void)
{
    char calls[4096];
    claim_mode = TS_CLAIM_OFF;
    CU_ASSERT_EQUAL(build(&level_modern, HV_GUEST_PV, GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_PTR_NULL(strstr(fake_calls(&f, calls, sizeof calls), "claim"));
    claim_mode = TS_CLAIM_ON;
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_PV, GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_calls(&f, calls, sizeof calls), " max_mem claim=262144 populate claim=0"));
    claim_mode = TS_CLAIM_DEFAULT;
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_PV, GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_PTR_NULL(strstr(fake_calls(&f, calls, sizeof calls), "claim"));
}

/* 4.3 where xl is told to claim: after the low pages, and only for what is to come. */
static void hvm_claimed_late(void)
{
    struct hv_profile level = level_43;
    level.quirk[HV_QUIRK_claim_mode_off] = false;
    level.quirk[HV_QUIRK_hvm_claim_late] = true;
    char calls[4096];
    CU_ASSERT_EQUAL(build(&level, HV_GUEST_HVM, GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_calls(&f, calls, sizeof calls), " max_mem populate claim=261952 populate*"));
    CU_ASSERT_EQUAL(build(&level, HV_GUEST_PV, GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_calls(&f, calls, sizeof calls), " max_mem claim=262144 populate claim=0"));
    level.quirk[HV_QUIRK_hvm_claim_late] = false;
    CU_ASSERT_EQUAL(build(&level, HV_GUEST_HVM, GIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_calls(&f, calls, sizeof calls), " max_mem claim=262112 populate*"));
}

/* Which sizes were tried, in their order, and how far each of them went. */
static void a_failure_says_how_far_it_got(void)
{
    static const struct {
        const struct hv_profile *level;
        enum hv_guest_type type;
        uint64_t left_2m;
        const char *says;
    } rows[] = {
        /* 160 + 320 low pages, 10 superpages up to 22 MiB, then single pages until these are gone. */
        {&level_43, HV_GUEST_HVM, 10,
         "domain big: cannot get 3072 MiB of memory: out of memory (error 12): got 10 of 20 extents of 2 MiB, 1000 of "
         "1504 extents of 4 KiB, 24480 KiB in all, up to guest frame 0x1808"},
        /* The same from 1 GiB on, where 1 GiB is tried first. */
        {&level_43, HV_GUEST_HVM, 521,
         "got 0 of 1 extents of 1 GiB, 521 of 531 extents of 2 MiB, 1000 of 1504 extents of 4 KiB, 1071008 KiB in all, "
         "up to guest frame 0x41608"},
        {&level_43, HV_GUEST_PV, 10, "got 1000 of 786432 extents of 4 KiB, 4000 KiB in all, up to guest frame 0x3e8"},
        {&level_modern, HV_GUEST_PV, 10,
         "got 10 of 1536 extents of 2 MiB, 1000 of 781312 extents of 4 KiB, 24480 KiB in all, up to guest frame "
         "0x17e8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake_reset(&f, rows[i].level, 2, 8, 64 * GIB_KB);
        f.extents_left[18] = 0;
        f.extents_left[9] = rows[i].left_2m;
        f.extents_left[0] = 1000;
        struct ts_domain_config cfg = {
            .name = "big", .type = rows[i].type, .vcpus = 1, .memory_kb = 3 * GIB_KB, .cap = 0xffffffff, .cpus = "all"};
        struct ts_domain_result r;
        CU_ASSERT_EQUAL(ts_domain_create(&f.host, &cfg, &r), -HV_ENOMEM);
        CU_ASSERT_PTR_NOT_NULL(strstr(f.log, rows[i].says));
        if (!strstr(f.log, rows[i].says))
            printf("\n%s\n", f.log);
    }
}

static void arm_begins_at_2g(void)
{
    CU_ASSERT_EQUAL(build(&level_43, HV_GUEST_ARM32, 128 * MIB_KB, UINT64_MAX, UINT64_MAX), 0);
    CU_ASSERT_EQUAL(f.populate[0].gfn, 0x80000);
    CU_ASSERT_EQUAL(f.dom[1].pages, 32768);
}

static const struct cunit_case tests[] = {
    {"PV at 4.3: 4 KiB extents in batches of 1 Mi", pv_at_43_is_small_pages},
    {"PV later: 2 MiB extents, then 4 KiB", pv_later_takes_superpages_first},
    {"PV later: falls back to 4 KiB", pv_later_falls_back},
    {"HVM: 4 KiB, 2 MiB, 1 GiB where aligned", hvm_shape},
    {"HVM: nothing in the hole below 4 GiB", hvm_leaves_the_hole_free},
    {"HVM: falls back from 1 GiB to 2 MiB to 4 KiB", hvm_falls_back},
    {"memory that runs out unwinds the domain", memory_runs_out},
    {"memory is claimed from 4.4 on", claims},
    {"HVM with a maximum: a cache, and marks in the same sizes", hvm_populates_on_demand},
    {"PV with a maximum: its memory only", pv_has_its_memory_only},
    {"4.3 claims late for HVM", hvm_claimed_late},
    {"claim_mode of xl.conf", claim_mode_of_the_operator},
    {"a failure says how far it got", a_failure_says_how_far_it_got},
    {"an ARM guest's memory begins at 2 GiB", arm_begins_at_2g},
};

CUNIT_MAIN("toolstack: builders", tests)
