/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Taking single frames out of use, because they are broken or the machine's owner wants them back, and returning them.
 *
 *   free      The frame is carved out of its buddy at once: what is left of that goes back in the largest pieces.
 *   in use    It is "offlining": pending until its user frees it, and carved out then. The hypervisor's are refused.
 *   offlined  It is a frame of its own on one of two lists, offlined and broken; the broken ones stay there for good.
 *
 * Until 2026 carving had three defects, quirks of all levels but `fixed`. A piece never reached the end of its buddy at
 * its full size (offline_short_tail). Pieces were not aligned to their size (offline_misaligned). A frame at the head
 * of its buddy kept the buddy's order (offline_stale_order); in Xen that is in the place of a used frame's owner, so
 * one that comes back seems to have had one, and TLBs are flushed for it when it is given out.
 *
 * A misaligned buddy has no place among the descriptors of blocks. So its order is 8 (1 MiB) at most where Xen's grow
 * on, each has the descriptor of its first frame, and it does not merge, but is split down to frames, which do. Where
 * there is no memory for the descriptors of such pieces, or of those of a tail, there is no defect.
 *
 * State: a frame that is pending has a bit beside its descriptor (Xen: the page's own state). The descriptor exists
 * until the frame is carved out, so that freeing cannot fail. The heap lock guards all of it.
 */
#include "mm/heap_priv.h"

#include <hv/mm.h>

#define MISALIGNED_MAX_ORDER (ORDER_2M - 1)

uint64_t nr_offlining;
static struct extent_list offlined, broken;
static uint64_t nr_offlined; /* on both lists */
static bool carved;

void offline_init(void)
{
    nr_offlining = 0;
    nr_offlined = 0;
    carved = false;
    extent_list_init(&offlined);
    extent_list_init(&broken);
}

uint64_t offlined_pages(void)
{
    return nr_offlined;
}

bool offline_carved(void)
{
    return carved;
}

/* ---- pending ------------------------------------------------------------------------------------------------------
 */

static struct frame_set_4k *set_of(uint64_t f)
{
    struct frame_block_1g *g = frame_block_1g(f);
    return g && g->blocks ? g->blocks->block[(f >> ORDER_2M) % FRAME_FANOUT].frames : NULL;
}

/* The word of its bits that a frame is in, and which it is there. */
static unsigned word_of(uint64_t f)
{
    return (unsigned)(f % FRAME_FANOUT / 64);
}

static bool is_pending(uint64_t f)
{
    const struct frame_set_4k *s = set_of(f);
    return s && s->offlining[word_of(f)] >> f % 64 & 1;
}

static bool is_breaking(uint64_t f)
{
    const struct frame_set_4k *s = set_of(f);
    return s && s->breaking[word_of(f)] >> f % 64 & 1;
}

/* Its descriptor exists. */
static void pending_set(uint64_t f, bool is_broken)
{
    struct frame_set_4k *s = set_of(f);

    nr_offlining += !is_pending(f);
    s->offlining[word_of(f)] |= 1ull << f % 64;
    if (is_broken)
        s->breaking[word_of(f)] |= 1ull << f % 64;
}

static void pending_clear(uint64_t f)
{
    struct frame_set_4k *s = set_of(f);

    s->offlining[word_of(f)] &= ~(1ull << f % 64);
    s->breaking[word_of(f)] &= ~(1ull << f % 64);
    nr_offlining--;
}

/* The first pending frame among from..end - 1; end. */
static uint64_t pending_first(uint64_t from, uint64_t end)
{
    while (from < end) {
        const struct frame_block_1g *g = frame_block_1g(from);
        const struct frame_set_4k *s = set_of(from);
        if (!s) {
            unsigned order = !g ? FRAME_TOP_SHIFT : g->blocks ? ORDER_2M : ORDER_1G;
            from = ((from >> order) + 1) << order;
            continue;
        }
        uint64_t bits = s->offlining[word_of(from)] >> from % 64;
        if (bits) {
            from += hv_ffs64(bits);
            return from < end ? from : end;
        }
        from = (from | 63) + 1;
    }
    return end;
}

bool offlining_within(uint64_t f, unsigned order)
{
    uint64_t from = f >> order << order, end = from + (1ull << order);
    return pending_first(from, end) < end;
}

/* ---- carving ------------------------------------------------------------------------------------------------------
 */

/* How a buddy is carved up: what of the defects there is. */
struct carving {
    uint64_t end; /* of the buddy, */
    unsigned order;
    bool misaligned, short_tail;
};

/* The order of the piece that begins at f; gone: the next frame that goes. */
static unsigned piece_order(const struct carving *c, uint64_t f, uint64_t gone)
{
    unsigned o = 0;

    while (o < c->order) {
        uint64_t size = 1ull << (o + 1);
        bool fits = f + size <= gone && (f + size < c->end || !c->short_tail);
        if (!fits || (f % size && (!c->misaligned || o == MISALIGNED_MAX_ORDER)))
            break;
        o++;
    }
    return o;
}

/* Descriptors for pieces that begin anywhere. */
static bool ensure_all(uint64_t from, uint64_t end)
{
    for (uint64_t f = from & ~(uint64_t)(FRAME_FANOUT - 1); f < end; f += FRAME_FANOUT)
        if (!frame_table_ensure(f, 0))
            return false;
    return true;
}

static void put_offlined(uint64_t f, unsigned n, unsigned stale_order)
{
    bool is_broken = is_breaking(f);
    struct frame *e = frame_at(f, 0);

    e->state = is_broken ? FRAME_broken : FRAME_offlined;
    e->order = stale_order & 31u;
    e->node = n & 63u;
    e->owner = 0;
    extent_list_add_tail(is_broken ? &broken : &offlined, link_to(f, 0), e);
    nr_offlined++;
    pending_clear(f);
}

void offline_carve(uint64_t f, unsigned order)
{
    struct frame *head = frame_at(f, order);
    unsigned n = head->node, zone = zone_of(f), dirty = frame_first_dirty(head);
    uint64_t end = f + (1ull << order), at = f;

    check_and_stop_scrub(n, f);
    carved = true;
    take_free(head, order, n, zone);
    const struct carving c = {end, order, quirk(offline_misaligned) && ensure_all(pending_first(f, end), end),
                              quirk(offline_short_tail) && frame_table_ensure(end - 1, 0)};
    while (at < end) {
        uint64_t gone = pending_first(at, end);
        if (at == gone) {
            if (dirty == 0 && need_scrub_clear(at, at + 1))
                node_need_scrub[n]--;
            count_avail(n, zone, 0, 1);
            put_offlined(at, n, at == f && quirk(offline_stale_order) ? order : 0);
            dirty -= dirty != INVALID_DIRTY_IDX && dirty;
            at++;
            continue;
        }
        unsigned o = piece_order(&c, at, gone), first = lower_dirty(dirty, o);
        if (first != dirty)
            (void)need_scrub_clear(at, at + (1ull << o));
        put_free(frame_at(at, o), at, o, n, zone, first);
        dirty = upper_dirty(dirty, o);
        at += 1ull << o;
    }
}

/* ---- which extent a frame is in -----------------------------------------------------------------------------------
 */

static bool is_offlined(const struct frame *e)
{
    return e->state == FRAME_offlined || e->state == FRAME_broken;
}

/* The head of the extent that holds f, NULL if there is none; also for one that is misaligned. */
static struct frame *holding(uint64_t f, uint64_t *at)
{
    struct frame *e;

    for (unsigned order = 0; order <= MAX_ORDER; order++) {
        *at = f & ~((1ull << order) - 1);
        e = frame_at(*at, order);
        if (e && e->state != FRAME_inside && (is_offlined(e) ? order == 0 : e->order == order))
            return e;
    }
    for (unsigned back = 0; carved && back < 1u << MISALIGNED_MAX_ORDER && back <= f; back++) {
        *at = f - back;
        e = frame_at(*at, 0);
        if (e && e->state != FRAME_inside)
            return !is_offlined(e) && 1u << e->order > back ? e : NULL;
    }
    return NULL;
}

/* ---- operations ---------------------------------------------------------------------------------------------------
 */

static uint32_t owner_bits(unsigned id)
{
    return (uint32_t)id << PG_OFFLINE_OWNER_SHIFT;
}

/* With the lock held. e holds f. 0 or -HV_ENOMEM. */
static int mark(struct frame *e, uint64_t at, uint64_t f, bool is_broken)
{
    if (!is_pending(f)) {
        if (!frame_table_ensure(f, 0))
            return -HV_ENOMEM;
        if (frame_is_free(e))
            check_and_stop_scrub(e->node, at);
    }
    pending_set(f, is_broken);
    if (frame_is_free(e))
        offline_carve(at, e->order);
    return 0;
}

static int offline_locked(uint64_t f, bool is_broken, uint32_t *status, dom_id *owner)
{
    uint64_t at;
    struct frame *e = holding(f, &at);

    if (!e) {
        *status = PG_OFFLINE_FAILED | PG_OFFLINE_NOT_CONV_RAM;
        return -HV_EINVAL;
    }
    if (e->state == FRAME_xenheap) {
        *status = PG_OFFLINE_FAILED | PG_OFFLINE_XENPAGE | owner_bits(DOMID_XEN);
        return -HV_EPERM;
    }
    *status = is_broken ? PG_OFFLINE_BROKEN : 0;
    if (is_offlined(e)) {
        if (is_broken && e->state == FRAME_offlined) {
            extent_list_del(&offlined, e);
            e->state = FRAME_broken;
            extent_list_add_tail(&broken, link_to(f, 0), e);
        }
        *status |= PG_OFFLINE_OFFLINED;
        return 0;
    }
    if (e->owner && e->state == FRAME_inuse && is_breaking(f)) {
        /* Its owner has run into it again. */
        *owner = dom(e->owner - 1u);
        *status = PG_OFFLINE_AGAIN;
        return 0;
    }
    bool was_free = frame_is_free(e);
    uint32_t user = e->owner && e->state == FRAME_inuse ? PG_OFFLINE_OWNED | owner_bits(e->owner - 1u)
                                                        : PG_OFFLINE_ANONYMOUS | owner_bits(DOM_INVALID.n);
    int rc = mark(e, at, f, is_broken);
    *status = rc ? PG_OFFLINE_FAILED : *status | (was_free ? PG_OFFLINE_OFFLINED : PG_OFFLINE_PENDING | user);
    return rc;
}

int offline_page(mfn_t m, bool is_broken, uint32_t *status)
{
    dom_id owner = DOM_INVALID;

    *status = PG_OFFLINE_FAILED | PG_OFFLINE_NOT_CONV_RAM;
    if (!node_valid(mfn_to_node(m)))
        return -HV_EINVAL;
    port_lock(&heap_lock);
    int rc = offline_locked(m.n, is_broken, status, &owner);
    port_unlock(&heap_lock);
    struct domain *d = dom_eq(owner, DOM_INVALID) ? NULL : domain_find(owner);
    if (d)
        domain_crash(d);
    /* What only waits to be demanded can go at once. */
    if (!rc && (*status & PG_OFFLINE_PENDING) && (*status & PG_OFFLINE_OWNED) &&
        (d = domain_find(dom((uint16_t)(*status >> PG_OFFLINE_OWNER_SHIFT)))) && pod_offline_replace(d, m.n))
        *status = (*status & PG_OFFLINE_BROKEN) | PG_OFFLINE_OFFLINED;
    return rc;
}

int online_page(mfn_t m, uint32_t *status)
{
    int rc = 0;
    uint64_t at;

    *status = 0;
    if (!node_valid(mfn_to_node(m)))
        return -HV_EINVAL;
    port_lock(&heap_lock);
    struct frame *e = holding(m.n, &at);
    if ((e && e->state == FRAME_broken) || is_breaking(m.n)) {
        *status = PG_ONLINE_FAILED | PG_ONLINE_BROKEN;
        rc = -HV_EINVAL;
    } else if (e && e->state == FRAME_offlined) {
        extent_list_del(&offlined, e);
        nr_offlined--;
        heap_free_locked(e, m.n, 0, e->node, false);
        *status = PG_ONLINE_ONLINED;
    } else if (is_pending(m.n)) {
        pending_clear(m.n);
        *status = PG_ONLINE_ONLINED;
    }
    port_unlock(&heap_lock);
    return rc;
}

int query_page_offline(mfn_t m, uint32_t *status, unsigned *order)
{
    uint64_t at;

    *status = 0;
    *order = 0;
    if (!node_valid(mfn_to_node(m)))
        return -HV_EINVAL;
    port_lock(&heap_lock);
    const struct frame *e = holding(m.n, &at);
    if (is_pending(m.n))
        *status = PG_OFFLINE_STATUS_OFFLINE_PENDING | (is_breaking(m.n) ? PG_OFFLINE_STATUS_BROKEN : 0);
    if (e && is_offlined(e)) {
        *status = PG_OFFLINE_STATUS_OFFLINED | (e->state == FRAME_broken ? PG_OFFLINE_STATUS_BROKEN : 0);
        *order = e->order;
    }
    port_unlock(&heap_lock);
    return 0;
}

long page_offline_do_sysctl(struct hv_sysctl *op)
{
    uint32_t *status = &op->u.page_offline.status;
    mfn_t m = op->u.page_offline.frame;

    switch (op->u.page_offline.cmd) {
    case sysctl_page_offline:
        return offline_page(m, false, status);
    case sysctl_page_broken:
        return offline_page(m, true, status);
    case sysctl_page_online:
        return online_page(m, status);
    case sysctl_query_page_offline:
        return query_page_offline(m, status, &op->u.page_offline.order);
    }
    return -HV_EINVAL;
}

/* ---- invariants ---------------------------------------------------------------------------------------------------
 */

static const char *check_list(const struct extent_list *list, enum frame_state state, uint64_t *n)
{
    for (extent_link l = list->head; l != LINK_NONE; l = frame_next(frame_of_link(l))) {
        if (frame_of_link(l)->state != state)
            return "heap: a frame on the list of those taken out is in use";
        if (++*n > nr_offlined)
            return "heap: the frames taken out are not as many as were counted";
    }
    return NULL;
}

/* The first of each 64 frames stands for them. */
static const char *check_pending(void)
{
    uint64_t n = 0, at;

    for (uint64_t f = 0, end = 1ull << FRAME_BITS; (f = pending_first(f, end)) < end; f = (f | 63) + 1) {
        const struct frame *e = holding(f, &at);
        if (!e || frame_is_free(e))
            return "heap: a frame that waits for being freed is free";
        n += (unsigned)__builtin_popcountll(set_of(f)->offlining[word_of(f)]);
    }
    return n == nr_offlining ? NULL : "heap: the frames that wait for being freed are not as many as were counted";
}

const char *offline_check(void)
{
    uint64_t n = 0;
    const char *wrong = check_list(&offlined, FRAME_offlined, &n);

    if (!wrong)
        wrong = check_list(&broken, FRAME_broken, &n);
    if (wrong)
        return wrong;
    if (n != nr_offlined)
        return "heap: the frames taken out are not as many as were counted";
    return nr_offlining ? check_pending() : NULL;
}
