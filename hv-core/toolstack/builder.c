/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libxc does to give a domain its memory. The hypervisor never falls back to smaller extents; the builder does:
 *   PV   up to 4.5: 4 KiB extents; later 2 MiB extents first, 4 KiB for what is left
 *   HVM  1 GiB extents where aligned and clear of the hole below 4 GiB, else 2 MiB, else 4 KiB up to the next 2 MiB
 * Extents of one call are contiguous in guest-physical space (hv/public/hypercall.h), which libxc need not obey; calls
 * are cut where the space has a hole.
 */
#include "internal.h"

#define ORDER_2M 9u
#define ORDER_1G 18u
#define PAGES_2M (1ull << ORDER_2M)
#define PAGES_1G (1ull << ORDER_1G)

/* Extents a call: libxc's 1 Mi pages of 4 KiB, 512 of 2 MiB (PV), 4 of 2 MiB (HVM: 8 MiB). */
#define BATCH_4K (1024ull * 1024)
#define BATCH_2M_PV 512ull
#define BATCH_2M_HVM 4ull

/* An HVM guest's legacy VGA range, and the hole for devices below 4 GiB (256 MiB), in frames. */
#define VGA_FIRST 0xa0ull
#define VGA_END 0xc0ull
#define HOLE_FIRST 0xf0000ull
#define HOLE_END 0x100000ull

/* Where an ARM guest's memory begins: 2 GiB at 4.3. */
#define ARM_FIRST_GFN 0x80000ull

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Exactly nr pages of 4 KiB, or an error. */
static long populate_4k(const struct ts_host *h, dom_id id, uint64_t first, uint64_t nr)
{
    for (uint64_t done = 0; done < nr;) {
        uint64_t n = least(BATCH_4K, nr - done);
        long rc = ts_populate(h, id, n, 0, first + done);
        if (rc < 0)
            return rc;
        if ((uint64_t)rc < n)
            return -HV_ENOMEM;
        done += n;
    }
    return 0;
}

static long build_pv(const struct ts_host *h, dom_id id, uint64_t first, uint64_t pages)
{
    uint64_t done = 0;
    if (!h->level->quirk[HV_QUIRK_pv_builder_4k]) {
        /* Every batch is tried once, also after one that got only a part. */
        for (uint64_t left = pages >> ORDER_2M; left;) {
            uint64_t n = least(BATCH_2M_PV, left);
            left -= n;
            long rc = ts_populate(h, id, n, ORDER_2M, first + done);
            if (rc < 0)
                return rc;
            done += (uint64_t)rc << ORDER_2M;
        }
    }
    return populate_4k(h, id, first + done, pages - done);
}

static uint64_t hvm_gfn(uint64_t index)
{
    return index < HOLE_FIRST ? index : index + (HOLE_END - HOLE_FIRST);
}

/* One step of the HVM builder from frame g on, at most left pages (none beyond the hole): pages done or an error. */
static long build_hvm_step(const struct ts_host *h, dom_id id, uint64_t g, uint64_t left)
{
    if ((g & (PAGES_1G - 1)) == 0 && left >= PAGES_1G) {
        long rc = ts_populate(h, id, 1, ORDER_1G, g);
        if (rc != 0)
            return rc < 0 ? rc : (long)PAGES_1G;
    }
    /* A batch ends where the next 1 GiB extent may begin. */
    left = least(left, PAGES_1G - (g & (PAGES_1G - 1)));
    if ((g & (PAGES_2M - 1)) == 0 && left >= PAGES_2M) {
        long rc = ts_populate(h, id, least(BATCH_2M_HVM, left >> ORDER_2M), ORDER_2M, g);
        if (rc != 0)
            return rc < 0 ? rc : rc << ORDER_2M;
    }
    uint64_t n = least(left, PAGES_2M - (g & (PAGES_2M - 1)));
    long rc = populate_4k(h, id, g, n);
    return rc < 0 ? rc : (long)n;
}

static long build_hvm(const struct ts_host *h, dom_id id, uint64_t pages)
{
    /* Index runs over the guest's pages as if there were no hole; the VGA range is part of the count and stays empty.
     */
    long rc = populate_4k(h, id, 0, least(pages, VGA_FIRST));
    for (uint64_t index = VGA_END; rc >= 0 && index < pages; index += (uint64_t)rc) {
        uint64_t end = index < HOLE_FIRST ? least(pages, HOLE_FIRST) : pages;
        rc = build_hvm_step(h, id, hvm_gfn(index), end - index);
    }
    return rc < 0 ? rc : 0;
}

static int claim(const struct ts_host *h, dom_id id, uint64_t pages)
{
    if (h->level->quirk[HV_QUIRK_claim_mode_off])
        return 0;
    struct hv_memory_op op = {.cmd = XENMEM_claim_pages, .domid = id, .nr_extents = pages};
    long rc = h->hypercall(h->ctx, HYPERCALL_memory_op, &op);
    return rc < 0 ? (int)rc : 0;
}

int ts_build_memory(const struct ts_host *h, dom_id id, const struct ts_domain_config *cfg)
{
    uint64_t pages = cfg->memory_kb / 4;
    bool hvm = cfg->type == HV_GUEST_HVM;
    bool arm = cfg->type == HV_GUEST_ARM32 || cfg->type == HV_GUEST_ARM64;
    uint64_t owned = hvm ? pages - least(pages > VGA_FIRST ? pages - VGA_FIRST : 0, VGA_END - VGA_FIRST) : pages;

    int err = claim(h, id, owned);
    if (err)
        return ts_fail(h, cfg->name, "memory cannot be claimed", err);
    long rc = hvm ? build_hvm(h, id, pages) : build_pv(h, id, arm ? ARM_FIRST_GFN : 0, pages);
    if (rc < 0) {
        ts_log(h, TS_LOG_ERROR, "domain %s: cannot get %llu MiB of memory: %s (error %ld)", cfg->name,
               (unsigned long long)(cfg->memory_kb / 1024), ts_strerror(rc), -rc);
        return (int)rc;
    }
    err = claim(h, id, 0);
    return err ? ts_fail(h, cfg->name, "the claim cannot be released", err) : 0;
}
