/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libxc does to give a domain its memory. The hypervisor never falls back to smaller extents; the builder does:
 *   PV   up to 4.5: 4 KiB extents; later 2 MiB extents first, 4 KiB for what is left
 *   HVM  1 GiB extents where aligned and clear of the hole below 4 GiB, else 2 MiB, else 4 KiB up to the next 2 MiB
 * An HVM guest with a maximum above its memory is built for populate on demand: a cache of its memory is filled first,
 * and all of the maximum only marked, in the same sizes, of which none is ever short.
 * Memory is claimed where xl claims (or on one node, with claim_on_node=, from which it comes then, exactly): for PV
 * guests all of it before the first extent; for HVM guests too, but at first (4.3) once the low pages were there, and
 * then as much as was still to come rather than all that it would have. A guest with vnodes gets the memory of each
 * from its node and from no other; an HVM guest's first 640 KiB come before that, from wherever the domain's node
 * affinity says. Extents of one call are contiguous in guest-physical space (hv/public/hypercall.h), which libxc need
 * not obey; calls are cut where the space has a hole.
 */
#include "internal.h"
#include <stdio.h>

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

/* One domain being built, and how far it got: extents asked for and got, by size (4 KiB, 2 MiB, 1 GiB). */
struct build {
    const struct ts_host *h;
    dom_id id;
    unsigned flags; /* of each extent */
    unsigned claim_flags;
    uint64_t asked[3], got[3];
    uint64_t base;     /* the first guest frame (PV and ARM) */
    uint64_t last_gfn; /* where the last call began */
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static unsigned size_of(unsigned order)
{
    return order == ORDER_1G ? 2 : order == ORDER_2M ? 1 : 0;
}

/* Extents done, fewer than asked for where memory ran out, or a negated HV_E*. */
static long populate(struct build *b, uint64_t nr, unsigned order, uint64_t first)
{
    struct hv_memory_op op = {.cmd = XENMEM_populate_physmap,
                              .domid = b->id,
                              .nr_extents = nr,
                              .extent_order = order,
                              .mem_flags = b->flags,
                              .first_gfn = gfn(first)};
    long rc = b->h->hypercall(b->h->ctx, HYPERCALL_memory_op, &op);
    b->asked[size_of(order)] += nr;
    b->got[size_of(order)] += rc > 0 ? (uint64_t)rc : 0;
    b->last_gfn = first;
    return rc;
}

/* Exactly nr pages of 4 KiB, or an error. */
static long populate_4k(struct build *b, uint64_t first, uint64_t nr)
{
    for (uint64_t done = 0; done < nr;) {
        uint64_t n = least(BATCH_4K, nr - done);
        long rc = populate(b, n, 0, first + done);
        if (rc < 0)
            return rc;
        if ((uint64_t)rc < n) {
            b->last_gfn += (uint64_t)rc;
            return -HV_ENOMEM;
        }
        done += n;
    }
    return 0;
}

static long build_pv(struct build *b, uint64_t first, uint64_t end)
{
    uint64_t pages = end - first, done = 0;
    first += b->base;
    if (!b->h->level->quirk[HV_QUIRK_pv_builder_4k]) {
        /* Every batch is tried once, also after one that got only a part. */
        for (uint64_t left = pages >> ORDER_2M; left;) {
            uint64_t n = least(BATCH_2M_PV, left);
            left -= n;
            long rc = populate(b, n, ORDER_2M, first + done);
            if (rc < 0)
                return rc;
            done += (uint64_t)rc << ORDER_2M;
        }
    }
    return populate_4k(b, first + done, pages - done);
}

static uint64_t hvm_gfn(uint64_t index)
{
    return index < HOLE_FIRST ? index : index + (HOLE_END - HOLE_FIRST);
}

uint64_t ts_guest_frame(enum hv_guest_type type, uint64_t i)
{
    switch (type) {
    case HV_GUEST_HVM:
        return hvm_gfn(i);
    case HV_GUEST_ARM32:
    case HV_GUEST_ARM64:
        return ARM_FIRST_GFN + i;
    case HV_GUEST_PV:
        break;
    }
    return i;
}

/* One step of the HVM builder from frame g on, at most left pages (none beyond the hole): pages done or an error. */
static long build_hvm_step(struct build *b, uint64_t g, uint64_t left)
{
    if ((g & (PAGES_1G - 1)) == 0 && left >= PAGES_1G) {
        long rc = populate(b, 1, ORDER_1G, g);
        if (rc != 0)
            return rc < 0 ? rc : (long)PAGES_1G;
    }
    /* A batch ends where the next 1 GiB extent may begin. */
    left = least(left, PAGES_1G - (g & (PAGES_1G - 1)));
    if ((g & (PAGES_2M - 1)) == 0 && left >= PAGES_2M) {
        long rc = populate(b, least(BATCH_2M_HVM, left >> ORDER_2M), ORDER_2M, g);
        if (rc != 0)
            return rc < 0 ? rc : rc << ORDER_2M;
    }
    uint64_t n = least(left, PAGES_2M - (g & (PAGES_2M - 1)));
    long rc = populate_4k(b, g, n);
    return rc < 0 ? rc : (long)n;
}

/* Index runs over the guest's pages as if there were no hole; the VGA range is part of the count and stays empty. */
static long build_hvm_range(struct build *b, uint64_t index, uint64_t pages)
{
    long rc = 0;
    for (index = index < VGA_END ? VGA_END : index; rc >= 0 && index < pages; index += (uint64_t)rc) {
        uint64_t end = index < HOLE_FIRST ? least(pages, HOLE_FIRST) : pages;
        rc = build_hvm_step(b, hvm_gfn(index), end - index);
    }
    return rc < 0 ? rc : 0;
}

/* All of a range of the guest's pages, [first, end). */
typedef long build_range(struct build *b, uint64_t first, uint64_t end);

/* The guest's pages by index from 0: vnode by vnode, each from its own node alone, where it has vnodes. */
static long build_vnodes(struct build *b, const struct ts_domain_config *cfg, uint64_t pages, build_range *range)
{
    if (!cfg->nr_vnodes)
        return range(b, 0, pages);
    const unsigned flags = b->flags;
    uint64_t first = 0;
    long rc = 0;
    for (unsigned i = 0; i < cfg->nr_vnodes && rc >= 0; i++) {
        uint64_t end = first + cfg->vnode[i].memory_kb / 4;
        b->flags = flags | XENMEMF_node(cfg->vnode[i].pnode) | XENMEMF_exact_node_request;
        rc = range(b, first, end);
        first = end;
    }
    b->flags = flags;
    return rc;
}

static long claim(const struct build *b, uint64_t pages)
{
    const enum ts_claim_mode mode = b->h->claim_mode;
    if (mode == TS_CLAIM_OFF || (mode == TS_CLAIM_DEFAULT && b->h->level->quirk[HV_QUIRK_claim_mode_off]))
        return 0;
    struct hv_memory_op op = {
        .cmd = XENMEM_claim_pages, .domid = b->id, .nr_extents = pages, .mem_flags = b->claim_flags};
    return b->h->hypercall(b->h->ctx, HYPERCALL_memory_op, &op);
}

static long set_pod_target(const struct build *b, uint64_t pages)
{
    struct hv_memory_op op = {.cmd = XENMEM_set_pod_target, .domid = b->id};
    op.pod.target_pages = pages;
    return b->h->hypercall(b->h->ctx, HYPERCALL_memory_op, &op);
}

/* Without what the VGA range takes out of it. */
static uint64_t less_vga(uint64_t pages)
{
    return pages - least(pages > VGA_FIRST ? pages - VGA_FIRST : 0, VGA_END - VGA_FIRST);
}

/* *what: the step that went wrong, if it is not the memory itself. */
static long build_hvm(struct build *b, const struct ts_domain_config *cfg, const char **what)
{
    uint64_t target = cfg->memory_kb / 4, max = cfg->maxmem_kb / 4, pages = max > target ? max : target;
    bool late = b->h->level->quirk[HV_QUIRK_hvm_claim_late];
    *what = "memory cannot be claimed";
    long rc = late ? 0 : claim(b, less_vga(target));
    if (rc >= 0 && pages > target) {
        *what = "its populate-on-demand cache cannot be filled";
        b->flags |= XENMEMF_populate_on_demand;
        rc = set_pod_target(b, less_vga(target));
    }
    if (rc < 0)
        return rc;
    *what = NULL;
    rc = populate_4k(b, 0, least(pages, VGA_FIRST));
    if (rc >= 0 && late && pages > VGA_END) {
        *what = "memory cannot be claimed";
        rc = claim(b, pages - VGA_END);
        *what = rc < 0 ? *what : NULL;
    }
    return rc < 0 ? rc : build_vnodes(b, cfg, pages, build_hvm_range);
}

static long build_others(struct build *b, const struct ts_domain_config *cfg, const char **what)
{
    uint64_t pages = cfg->memory_kb / 4;
    *what = "memory cannot be claimed";
    long rc = claim(b, pages);
    if (rc < 0)
        return rc;
    *what = NULL;
    b->base = ts_guest_frame(cfg->type, 0);
    return build_vnodes(b, cfg, pages, build_pv);
}

/* The sizes in the order of the tries, and where they ended. */
static void tell_how_far(const struct build *b, const char *name, uint64_t memory_kb, long rc)
{
    static const char *const size[] = {"4 KiB", "2 MiB", "1 GiB"};
    static const unsigned order[] = {0, ORDER_2M, ORDER_1G};
    char tries[128] = "";
    uint64_t pages = 0;
    size_t n = 0;
    for (unsigned i = 3; i-- > 0;) {
        pages += b->got[i] << order[i];
        if (b->asked[i])
            n += (size_t)snprintf(tries + n, sizeof tries - n, " %llu of %llu extents of %s,",
                                  (unsigned long long)b->got[i], (unsigned long long)b->asked[i], size[i]);
        if (n >= sizeof tries)
            n = sizeof tries - 1;
    }
    ts_log(b->h, TS_LOG_ERROR,
           "domain %s: cannot get %llu MiB of memory: %s (error %ld): got%s %llu KiB in all, up to guest frame 0x%llx",
           name, (unsigned long long)(memory_kb / 1024), ts_strerror(rc), -rc, tries, (unsigned long long)(pages * 4),
           (unsigned long long)b->last_gfn);
}

int ts_build_memory(const struct ts_host *h, dom_id id, const struct ts_domain_config *cfg)
{
    struct build b = {.h = h, .id = id};
    const char *what;
    if (cfg->claim_on_node)
        b.flags = b.claim_flags = XENMEMF_node(cfg->claim_node) | XENMEMF_exact_node_request;
    long rc = cfg->type == HV_GUEST_HVM ? build_hvm(&b, cfg, &what) : build_others(&b, cfg, &what);
    if (rc < 0 && what)
        return ts_fail(h, cfg->name, what, rc);
    if (rc < 0) {
        tell_how_far(&b, cfg->name, cfg->memory_kb, rc);
        return (int)rc;
    }
    rc = claim(&b, 0); /* what is left of it */
    return rc < 0 ? ts_fail(h, cfg->name, "the claim cannot be released", rc) : 0;
}
