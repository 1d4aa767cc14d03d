/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Populate on demand: entries, faults, targets (mm/pod.h has the design). Entries are marked in the largest sizes that
 * fit. A fault gets a superpage where the entry is one and the cache has one; else the entry is splintered, 1 GiB into
 * 2 MiB without looking, 2 MiB into pages, and tried again. When nothing can be found any more the domain crashes.
 */
#include "mm/pod.h"

#include <hv/lib.h>
#include <hv/trace.h>

/* Only domains that use it have it. */
static int pod_create(struct domain *d)
{
    if (d->pod)
        return 0;
    struct pod *pod = hv_zalloc(sizeof(*pod));
    if (!pod)
        return -HV_ENOMEM;
    extent_list_init(&pod->super);
    extent_list_init(&pod->single);
    d->pod = pod;
    return 0;
}

static uint64_t align_down(uint64_t g, unsigned order)
{
    return g & ~((1ull << order) - 1);
}

/* After entries came or went. */
static void settle(struct pod *pod, bool may_exceed)
{
    pod->exceeds = (may_exceed || pod->exceeds) && pod->count > pod->entry_count;
}

/* Guest frames of each kind among g..g+2^order. */
struct kinds {
    uint64_t pod, ram, none;
};

static struct kinds count_kinds(const struct domain *d, uint64_t g, unsigned order)
{
    struct kinds k = {0};
    unsigned piece;
    uint64_t f;

    for (uint64_t end = g + (1ull << order); g < end; g += 1ull << piece) {
        enum p2m_type t = p2m_query(d, g, &f, &piece);
        piece = memop_piece(g, end, piece);
        *(t == P2M_pod ? &k.pod : t == P2M_ram ? &k.ram : &k.none) += 1ull << piece;
    }
    return k;
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

int pod_mark(struct domain *d, uint64_t g, unsigned order)
{
    if (d->type != HV_GUEST_HVM)
        return -HV_EINVAL;
    p2m_lock(d);
    int rc = pod_create(d);
    struct kinds k = count_kinds(d, g, order);
    if (!rc && k.ram)
        rc = -HV_EBUSY;
    if (!rc)
        rc = p2m_prepare(d, g, order);
    if (!rc) {
        struct pod *pod = d->pod;
        p2m_set_pod(d, g, order);
        pod->entry_count += (1ull << order) - k.pod;
        settle(pod, false);
    }
    p2m_unlock(d);
    return rc;
}

void pod_replace(struct domain *d, uint64_t g, unsigned order)
{
    struct pod *pod = d->pod;

    if (pod && pod->entry_count) {
        pod->entry_count -= count_kinds(d, g, order).pod;
        settle(pod, true);
    }
}

/* The entries of a range become nothing. */
static int drop_entries(struct domain *d, uint64_t g, unsigned order)
{
    struct pod *pod = d->pod;
    int rc = p2m_prepare(d, g, order);

    if (!rc) {
        p2m_set(d, g, FRAME_NONE, order);
        pod->entry_count -= 1ull << order;
        settle(pod, true);
    }
    return rc;
}

static bool is_owing(const struct pod *pod)
{
    return pod->entry_count > pod->count;
}

/* A page that the guest gives back goes to the cache. false: it cannot, for what reason ever. */
static bool steal(struct domain *d, uint64_t g, uint64_t f)
{
    port_lock(&d->page_alloc_lock);
    bool held = page_ref_next(d, f, f + 1) != FRAME_NONE;
    port_unlock(&d->page_alloc_lock);
    if (held || p2m_prepare(d, g, 0) || domain_isolate(d, f, 0))
        return false;
    p2m_set(d, g, FRAME_NONE, 0);
    pod_cache_add(d, f, 0);
    return true;
}

/* Entries first, and pages while more is owed than is there. */
static int decrease_mixed(struct domain *d, uint64_t g, unsigned order, struct kinds k, bool *done)
{
    const struct pod *pod = d->pod;
    uint64_t end = g + (1ull << order), f;
    unsigned piece;

    for (; g < end && (k.pod || (is_owing(pod) && k.ram)); g += 1ull << piece) {
        enum p2m_type t = p2m_query(d, g, &f, &piece);
        piece = t == P2M_ram ? 0 : memop_piece(g, end, piece);
        if (t == P2M_pod) {
            int rc = drop_entries(d, g, piece);
            if (rc)
                return rc;
            k.pod -= 1ull << piece;
        } else if (t == P2M_ram && is_owing(pod) && steal(d, g, f)) {
            k.ram--;
        }
    }
    *done = !k.ram && !k.none;
    return 0;
}

int pod_decrease(struct domain *d, uint64_t g, unsigned order, bool *done)
{
    struct pod *pod = d->pod;
    int rc = 0;

    *done = false;
    if (!pod || !pod->entry_count || d->is_dying)
        return 0;
    struct kinds k = count_kinds(d, g, order);
    if (!k.pod && !is_owing(pod))
        return 0;
    /* A driver gives back single pages: with what is around it, a page may be a superpage that is worth having. */
    if (k.ram && is_owing(pod) && pod_zero_check_superpage(d, align_down(g, ORDER_2M)))
        k = count_kinds(d, g, order);
    if (!k.ram && !k.none) {
        rc = drop_entries(d, g, order);
        *done = !rc;
    } else {
        rc = decrease_mixed(d, g, order, k, done);
    }
    /* No more than is owed need be kept. */
    if (pod->entry_count < pod->count)
        pod_cache_set_target(d, pod->entry_count, false);
    settle(pod, false);
    return rc;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static int out_of_memory(struct domain *d)
{
    const struct pod *pod = d->pod;

    hv_printk("Domain %u: out of populate-on-demand memory, %llu pages, %llu entries\n", d->id.n,
              (unsigned long long)d->tot_pages, (unsigned long long)pod->entry_count);
    domain_crash(d);
    return -HV_ENOMEM;
}

/* One step: a page behind the entry, or a smaller entry. */
static int populate_entry(struct domain *d, uint64_t g, unsigned order)
{
    struct pod *pod = d->pod;
    uint64_t aligned = align_down(g, order);

    if (order == ORDER_1G)
        return p2m_prepare(d, align_down(g, ORDER_2M), ORDER_2M) ? out_of_memory(d) : 0;
    if (!pod->count)
        pod_emergency_sweep(d);
    if (!pod->count)
        return out_of_memory(d);
    if (g > pod->max_guest)
        pod->max_guest = g;
    uint64_t f = pod_cache_get(d, order);
    if (f == FRAME_NONE && order == ORDER_2M) {
        trace_mem(TRC_MEM_POD_SUPERPAGE_SPLINTER, d, aligned, order);
        return p2m_prepare(d, g, 0) ? out_of_memory(d) : 0;
    }
    if (f == FRAME_NONE)
        return out_of_memory(d);
    p2m_set(d, aligned, f, order);
    pod->entry_count -= 1ull << order;
    trace_mem_frame(TRC_MEM_POD_POPULATE, d, aligned, f, order);
    if (order == ORDER_2M && is_owing(pod))
        pod_check_last_super(d, aligned);
    return 0;
}

int pod_demand(struct domain *d, uint64_t g)
{
    for (;;) { /* an entry gets smaller twice at most */
        unsigned order;
        uint64_t f;
        enum p2m_type t = p2m_query(d, g, &f, &order);
        if (t != P2M_pod)
            return t == P2M_ram ? 0 : -HV_EFAULT;
        int rc = d->is_dying ? -HV_EINVAL : populate_entry(d, g, order);
        if (rc)
            return rc;
    }
}

int p2m_fault(struct domain *d, gfn_t g)
{
    if (d->is_dying)
        return -HV_EINVAL;
    p2m_lock(d);
    int rc = pod_demand(d, g.n);
    p2m_unlock(d);
    return rc;
}

/* ---- targets ----------------------------------------------------------------------------------------------------- */

/* p2m lock held. */
static int set_target(struct domain *d, uint64_t target)
{
    /* A domain that was built without. */
    if (!d->pod && d->tot_pages)
        return 0;
    int rc = pod_create(d);
    if (rc)
        return rc;
    struct pod *pod = d->pod;
    uint64_t populated = d->tot_pages - pod->count;

    /* P == B: there is nothing to wait for. */
    if (populated && !pod->entry_count)
        return 0;
    /* T' < T: the balloon driver gives back, and the cache gets smaller with what is owed. */
    if (target < d->tot_pages)
        return 0;
    uint64_t cache = target - populated;
    /*
     * B < T': all entries can be populated; the rest is for the balloon driver to ask for. Xen asks for a page that is
     * populated, which every guest has that has run; here there are guests that never touch one.
     */
    if ((populated || pod->entry_count) && cache > pod->entry_count)
        cache = pod->entry_count;
    pod->exceeds = pod->exceeds || cache > pod->entry_count;
    rc = pod_cache_set_target(d, cache, true);
    if (rc != -HV_ERESTART)
        settle(pod, false);
    return rc;
}

int pod_target_op(struct domain *d, struct hv_memory_op *op)
{
    int rc = 0;

    if (d->type != HV_GUEST_HVM)
        return -HV_EINVAL;
    if (op->cmd == XENMEM_set_pod_target && !d->is_dying) {
        p2m_lock(d);
        rc = set_target(d, op->pod.target_pages);
        p2m_unlock(d);
    }
    const struct pod *pod = d->pod;
    op->pod.tot_pages = d->tot_pages;
    op->pod.cache_pages = pod ? pod->count : 0;
    op->pod.entries = pod ? pod->entry_count : 0;
    return rc;
}

/* ---- invariants -------------------------------------------------------------------------------------------------- */

const char *pod_check(const struct domain *d)
{
    const struct pod *pod = d->pod;
    uint64_t entries = 0, pages = 0, f;
    unsigned order;

    if (!pod || !d->p2m)
        return NULL;
    for (uint64_t g = 0; g < P2M_MAX_GFN; g += 1ull << order)
        if (p2m_query(d, g, &f, &order) == P2M_pod)
            entries += 1ull << order;
    if (entries != pod->entry_count)
        return "mm: the entries to be populated on demand differ from their counter";
    for (extent_link l = pod->super.head; l != LINK_NONE; l = frame_next(frame_of_link(l)))
        if (frame_of_link(l)->order != ORDER_2M)
            return "mm: a superpage that waits for demand is none";
        else
            pages += 1ull << ORDER_2M;
    for (extent_link l = pod->single.head; l != LINK_NONE; l = frame_next(frame_of_link(l)))
        pages += 1ull << frame_of_link(l)->order;
    if (pages != pod->count || pod->count > d->tot_pages)
        return "mm: the pages that wait for demand differ from their counter";
    if (pod->count > pod->entry_count && !pod->exceeds)
        return "mm: more pages wait for demand than can be demanded";
    return NULL;
}
