/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xl mem-set and mem-max, and what a guest's balloon driver makes of its target. libxl only sets limits: the target is
 * a word in XenStore, which the guest follows by giving pages back or asking for them. The hypervisor sees
 * decrease_reservation and populate_physmap, and refuses what would be above the limit.
 *
 * A driver keeps a list of frames that it has given back, and reuses them last in first out. Here they are the highest
 * of the guest, which comes to the same for the host: single pages, neighbours of each other.
 */
#include "internal.h"

#include <toolstack/control.h>

#define PAGE_KB 4u

/* Frames that a driver passes in a call: a page of 64-bit numbers. */
#define BALLOON_BATCH 512ull

/* What an HVM guest has less than its memory, in pages: the range of the VGA. */
#define VGA_FIRST 0xa0ull
#define VGA_PAGES 0x20ull

static int refused(const struct ts_host *h, dom_id id, long rc, const char *what)
{
    ts_log(h, TS_LOG_ERROR, "Domain %u: %s: %s (error %ld)", id.n, what, ts_strerror(rc), -rc);
    return (int)rc;
}

static int mistake(const struct ts_host *h, dom_id id, const char *what, uint64_t kb, const char *limit,
                   uint64_t limit_kb)
{
    ts_log(h, TS_LOG_ERROR, "Domain %u: %s %llu KiB is %s %llu KiB", id.n, what, (unsigned long long)kb, limit,
           (unsigned long long)limit_kb);
    return -HV_EINVAL;
}

void ts_memory_of(const struct ts_domain_config *cfg, struct ts_memory *m)
{
    uint64_t max = cfg->maxmem_kb > cfg->memory_kb ? cfg->maxmem_kb : cfg->memory_kb;
    bool on_demand = cfg->type == HV_GUEST_HVM;

    *m = (struct ts_memory){.type = cfg->type,
                            .target_kb = cfg->memory_kb,
                            .max_kb = max,
                            .pages = (on_demand ? max : cfg->memory_kb) / PAGE_KB};
}

static long set_max_mem(const struct ts_host *h, dom_id id, uint64_t kb)
{
    struct hv_domctl op = {0};
    op.u.max_mem.max_memkb = kb + TS_MAXMEM_SLACK_KB;
    return ts_domctl(h, &op, XEN_DOMCTL_max_mem, id);
}

int ts_mem_set(const struct ts_host *h, dom_id id, struct ts_memory *m, uint64_t target_kb)
{
    if (target_kb == 0 || target_kb % PAGE_KB)
        return mistake(h, id, "a target of", target_kb, "not some pages of", PAGE_KB);
    if (target_kb > m->max_kb)
        return mistake(h, id, "a target of", target_kb, "above the static maximum of", m->max_kb);
    long rc = set_max_mem(h, id, target_kb);
    if (rc < 0)
        return refused(h, id, rc, "Xen refuses the limit");
    if (m->type == HV_GUEST_HVM) {
        struct hv_memory_op op = {.cmd = XENMEM_set_pod_target, .domid = id};
        uint64_t pages = target_kb / PAGE_KB;
        op.pod.target_pages = pages > VGA_FIRST + VGA_PAGES ? pages - VGA_PAGES : pages;
        rc = h->hypercall(h->ctx, HYPERCALL_memory_op, &op);
        if (rc < 0)
            return refused(h, id, rc, "Xen refuses the populate-on-demand target");
    }
    m->target_kb = target_kb;
    return 0;
}

int ts_mem_max(const struct ts_host *h, dom_id id, const struct ts_memory *m, uint64_t max_kb)
{
    if (max_kb == 0 || max_kb % PAGE_KB)
        return mistake(h, id, "a maximum of", max_kb, "not some pages of", PAGE_KB);
    if (max_kb < m->target_kb)
        return mistake(h, id, "a maximum of", max_kb, "below the target of", m->target_kb);
    long rc = set_max_mem(h, id, max_kb);
    return rc < 0 ? refused(h, id, rc, "Xen refuses the limit") : 0;
}

/* The guest frames from index i on that follow each other, below end. */
static uint64_t run_from(const struct ts_memory *m, uint64_t i, uint64_t end)
{
    uint64_t first = ts_guest_frame(m->type, i), n = 1;
    while (i + n < end && n < BALLOON_BATCH && ts_guest_frame(m->type, i + n) == first + n)
        n++;
    return n;
}

static long reservation(const struct ts_host *h, dom_id id, enum hv_memory_cmd cmd, const struct ts_memory *m,
                        uint64_t i, uint64_t nr)
{
    struct hv_memory_op op = {.cmd = cmd, .domid = id, .nr_extents = nr, .first_gfn = gfn(ts_guest_frame(m->type, i))};
    return h->hypercall(h->ctx, HYPERCALL_memory_op, &op);
}

/* Index of the lowest page of a batch that ends at end, no lower than lowest. */
static uint64_t batch_below(const struct ts_memory *m, uint64_t end, uint64_t lowest)
{
    uint64_t i = end - lowest > BALLOON_BATCH ? end - BALLOON_BATCH : lowest;
    for (uint64_t n; i + (n = run_from(m, i, end)) < end;)
        i += n; /* what is below a hole comes next */
    return i;
}

/* Never into what firmware and the VGA need. */
static uint64_t least_pages(const struct ts_memory *m)
{
    uint64_t low = m->type == HV_GUEST_HVM ? VGA_FIRST + VGA_PAGES : 0;
    uint64_t target = m->target_kb / PAGE_KB;
    return target > low ? target : low;
}

/* Give back frames i.. of the guest. What is done of a call that falls short is undone: pages missing then. */
static long give_back(const struct ts_host *h, dom_id id, struct ts_memory *m, uint64_t i)
{
    uint64_t nr = m->pages - i;
    long rc = reservation(h, id, XENMEM_decrease_reservation, m, i, nr);
    if (rc >= 0 && (uint64_t)rc < nr && reservation(h, id, XENMEM_populate_physmap, m, i, (uint64_t)rc) != rc)
        rc = -HV_ENOMEM;
    if (rc < 0)
        return refused(h, id, rc, "its balloon driver cannot give pages back");
    if ((uint64_t)rc == nr)
        m->pages = i;
    return (uint64_t)rc == nr ? 0 : (long)nr;
}

long ts_balloon(const struct ts_host *h, dom_id id, struct ts_memory *m)
{
    uint64_t want = least_pages(m);

    while (m->pages > want) {
        long rc = give_back(h, id, m, batch_below(m, m->pages, want));
        if (rc)
            return rc < 0 ? rc : (long)(m->pages - want);
    }
    while (m->pages < want) {
        uint64_t nr = run_from(m, m->pages, want);
        long rc = reservation(h, id, XENMEM_populate_physmap, m, m->pages, nr);
        if (rc < 0)
            return refused(h, id, rc, "its balloon driver cannot ask for pages");
        m->pages += (uint64_t)rc;
        if ((uint64_t)rc < nr)
            return (long)(want - m->pages);
    }
    return 0;
}
