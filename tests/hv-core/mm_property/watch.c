/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the modules of the core: see mm_property.h. The map has a bit for each frame of RAM, set while it is taken
 * from the heap; an allocation of a frame that is taken, or the freeing of one that is not, is found where it happens.
 *
 * Every point where memory can be refused counts: hv_zalloc, the heap, the mapping of Xen heap pages, descriptors and
 * tables. One of them, or all from one on, can be made to refuse.
 */
#include "mm_property.h"

#include <hv/sched.h>
#include <stdlib.h>
#include <string.h>

#define FRAMES_BYTES sizeof(struct frame_set_4k)

/* What the core's modules call instead (CMakeLists.txt). */
uint64_t watched_alloc_heap_pages(unsigned zone_lo, unsigned zone_hi, unsigned order, unsigned memflags,
                                  struct domain *d);
void watched_free_heap_pages(uint64_t f, unsigned order);
void watched_free_dirty_heap_pages(uint64_t f, unsigned order);
void watched_free_xen_pages(uint64_t f, unsigned order);
void *watched_hv_zalloc(size_t size);
void *watched_port_map_pages(mfn_t first, unsigned order);
void *watched_port_frametable_alloc(size_t bytes);
void watched_port_frametable_free(void *p, size_t bytes);
void *watched_p2m_alloc(size_t bytes);
void watched_p2m_free(void *p, size_t bytes);
bool watched_port_irq_pending(void);
void watched_port_clear_pages(mfn_t first, unsigned order);
uint64_t watched_port_clear_pages_until_irq(mfn_t first, uint64_t n);
struct vcpu *watched_sched_current(pcpu_id c);

struct domain *watch_caller;

static uint64_t map[MACHINE_MAX_FRAMES / 64], dirty[MACHINE_MAX_FRAMES / 64];
static uint64_t taken, offlined;

#define MAX_PENDING 64u
static uint64_t pending[MAX_PENDING]; /* go out of use when they are freed */
static unsigned nr_pending;
static unsigned events, fail_at, looks, preempt_at, refused;
static bool fail_from, fired, with_twin, twin_runs;
static uint32_t fault;
static size_t p2m_bytes, block_sets;

#define LOG_SIZE 64u
static struct {
    const struct domain *d;
    uint64_t f;
    unsigned order;
} logged[LOG_SIZE];
static unsigned nr_logged;

void watch_reset(uint32_t the_fault, bool twin)
{
    memset(map, 0, (size_t)(machine.frames + 63) / 64 * 8);
    memset(dirty, 0, (size_t)(machine.frames + 63) / 64 * 8);
    taken = offlined = nr_pending = 0;
    p2m_bytes = block_sets = 0;
    fault = the_fault;
    with_twin = twin;
    twin_runs = false;
    watch_caller = NULL;
    watch_begin(~0u, false, ~0u);
}

void watch_end(void)
{
    if (twin_runs)
        twin_end();
    twin_runs = false;
}

void watch_begin(unsigned fail, bool from, unsigned preempt)
{
    events = looks = refused = nr_logged = 0;
    fail_at = fail;
    fail_from = from;
    preempt_at = preempt;
    fired = false;
}

bool watch_fired(void)
{
    return fired;
}

unsigned watch_refused(void)
{
    return refused;
}

uint64_t watch_taken(void)
{
    return taken;
}

size_t watch_p2m_bytes(void)
{
    return p2m_bytes;
}

size_t watch_block_sets(void)
{
    return block_sets;
}

bool watch_has_twin(void)
{
    return twin_runs;
}

static bool fails_now(void)
{
    unsigned n = events++;
    if (fail_at == ~0u || (fail_from ? n < fail_at : n != fail_at))
        return false;
    fired = true;
    return true;
}

/* ---- the heap --------------------------------------------------------------------------------------------------- */

bool watch_is_taken(uint64_t index, uint64_t n, bool is)
{
    return bits_are(map, index, n, is);
}

bool watch_allocated(const struct domain *d, unsigned i, uint64_t *f, unsigned *order)
{
    for (unsigned k = 0; k < nr_logged; k++)
        if (logged[k].d == d && i-- == 0) {
            *f = logged[k].f;
            *order = logged[k].order;
            return true;
        }
    return false;
}

static void turn(uint64_t f, unsigned order, bool were)
{
    unsigned n;
    uint64_t i = machine_frame_index(f, 1ull << order, &n);
    if (i == NOT_RAM)
        prop_fail("the heap %s frames 0x%llx, order %u, which are not RAM of one node", were ? "gets" : "gives",
                  (unsigned long long)f, order);
    if (!bits_turn(map, i, 1ull << order, were))
        prop_fail(were ? "frames 0x%llx, order %u, are freed, but were not taken"
                       : "frames 0x%llx, order %u, are given, but were taken already",
                  (unsigned long long)f, order);
    if (were)
        taken -= 1ull << order;
    else
        taken += 1ull << order;
}

static void set_dirty(uint64_t f, uint64_t n, bool is);

/* ---- out of use ------------------------------------------------------------------------------------------------- */

uint64_t watch_offlined(void)
{
    return offlined;
}

void watch_offline(uint64_t f, bool is_pending)
{
    for (unsigned i = 0; i < nr_pending; i++)
        if (pending[i] == f)
            return;
    if (is_pending) {
        if (nr_pending == MAX_PENDING)
            prop_fail("more frames are pending than the test has room for");
        pending[nr_pending++] = f;
    } else {
        turn(f, 0, false);
        offlined++;
    }
}

void watch_online(uint64_t f)
{
    for (unsigned i = 0; i < nr_pending; i++)
        if (pending[i] == f) {
            pending[i] = pending[--nr_pending];
            return;
        }
    turn(f, 0, true);
    offlined--;
    set_dirty(f, 1, false); /* as in Xen, it comes back for clean, whatever its last owner left in it */
}

static void freed_pending(uint64_t f, uint64_t n)
{
    for (unsigned i = 0; i < nr_pending;)
        if (pending[i] >= f && pending[i] < f + n) {
            uint64_t p = pending[i];
            pending[i] = pending[--nr_pending];
            turn(p, 0, false);
            offlined++;
        } else {
            i++;
        }
}

/* ---- dirt ------------------------------------------------------------------------------------------------------- */

static void set_dirty(uint64_t f, uint64_t n, bool is)
{
    unsigned node_of;
    uint64_t i = machine_frame_index(f, n, &node_of);
    if (i == NOT_RAM)
        prop_fail("frames 0x%llx.. (0x%llx) are cleared, which are not RAM of one node", (unsigned long long)f,
                  (unsigned long long)n);
    bits_set(dirty, i, n, is);
}

static void check_clean(uint64_t f, uint64_t n)
{
    unsigned node_of;
    if (!bits_are(dirty, machine_frame_index(f, n, &node_of), n, false))
        prop_fail("frames 0x%llx.. (0x%llx) are given with what was in them", (unsigned long long)f,
                  (unsigned long long)n);
}

void watched_port_clear_pages(mfn_t first, unsigned order)
{
    set_dirty(first.n, 1ull << order, false);
    port_clear_pages(first, order);
}

uint64_t watched_port_clear_pages_until_irq(mfn_t first, uint64_t n)
{
    n = port_clear_pages_until_irq(first, n);
    set_dirty(first.n, n, false);
    return n;
}

/* Nodes that a request may be met from, by what the domains say, not by the heap's sums. */
static nodemask_t allowed_nodes(const struct domain *d, uint64_t pages, unsigned memflags)
{
    uint64_t claimed = 0, on[HV_MAX_NODES] = {0};
    bool own = d && d->outstanding_pages >= pages && (quirk(claim_at_assign) || !(memflags & MEMF_no_refcount));
    nodemask_t nodes = hv_node_online;
    struct list_head *pos;
    list_for_each (pos, &hv_domain_list) {
        const struct domain *o = list_entry(pos, struct domain, link);
        claimed += o->outstanding_pages;
        if (node_valid(o->claim_node))
            on[o->claim_node.n] += o->outstanding_pages;
    }
    if (claimed + pages > machine.frames - taken && !own)
        return (nodemask_t){0};
    for (unsigned n = 0; n < HV_MAX_NODES; n++) {
        bool his = own && node_valid(d->claim_node) && d->claim_node.n == n;
        if (!his && ((on[n] && on[n] + pages > avail_node_pages(node(n))) ||
                     (claimed + pages > machine.frames - taken && node_valid(d->claim_node))))
            nodes.w &= ~(1ull << n);
    }
    return nodes;
}

/* Is there a free buddy that large where the request may be met? */
static bool has_one(nodemask_t nodes, unsigned lo, unsigned hi, unsigned order, unsigned memflags)
{
    unsigned asked = ((memflags >> 8) & 0xff) - 1;
    for (unsigned n = 0; n < HV_MAX_NODES; n++) {
        if (!nodemask_test(nodes, node(n)) || (asked != ~0u && (memflags & MEMF_exact_node) && n != asked))
            continue;
        for (unsigned z = lo; z <= hi; z++)
            for (unsigned o = order; o <= MAX_ORDER; o++)
                if (heap_list(n, z, o)->head != LINK_NONE)
                    return true;
    }
    return false;
}

static void check_given(uint64_t f, unsigned lo, unsigned hi, unsigned order, unsigned memflags)
{
    unsigned asked = ((memflags >> 8) & 0xff) - 1, zone = 0, n = 0;
    for (uint64_t rest = f; rest >>= 1;)
        zone++;
    if (f & ((1ull << order) - 1))
        prop_fail("the heap gives 0x%llx for order %u, to which it is not aligned", (unsigned long long)f, order);
    if (zone < lo || zone > hi || (f + (1ull << order) - 1) >> (zone + 1))
        prop_fail("the heap gives 0x%llx, order %u, for zones %u to %u", (unsigned long long)f, order, lo, hi);
    machine_frame_index(f, 1, &n);
    if (asked != ~0u && (memflags & MEMF_exact_node) && n != asked)
        prop_fail("the heap gives 0x%llx, which is not on node %u alone", (unsigned long long)f, asked);
}

uint64_t watched_alloc_heap_pages(unsigned lo, unsigned hi, unsigned order, unsigned memflags, struct domain *d)
{
    struct domain twin = {0}; /* what the twin looks at */
    unsigned here = cpu_to_node(port_this_cpu()).n, t = TWIN_NONE;

    if (with_twin && !twin_runs) {
        twin_boot(cpu_to_node(pcpu(0)).n);
        twin_runs = true;
    }
    if (fails_now())
        return FRAME_NONE;
    nodemask_t nodes = allowed_nodes(d, 1ull << (order <= MAX_ORDER ? order : 0), memflags);
    bool allowed = !nodemask_empty(nodes), fired_before = fired;
    twin_nodes = nodes;
    if (d) {
        twin.node_affinity = d->node_affinity;
        twin.last_alloc_node = d->last_alloc_node;
    }
    fired = false;
    uint64_t f = alloc_heap_pages(lo, hi, order, memflags, d);
    bool no_descriptor = fired;
    fired |= fired_before;
    if (f == FRAME_NONE) {
        /* The search for it takes long, and a builder asks on and on: the first ones of an operation, then some. */
        refused++;
        if (twin_runs && allowed && order <= MAX_ORDER)
            twin_refused(d ? &twin : NULL, order, memflags, lo, hi, here);
        if ((refused <= 4 || refused % 64 == 0) && allowed && !no_descriptor && order <= MAX_ORDER &&
            has_one(nodes, lo, hi, order, memflags))
            prop_fail("the heap refuses order %u in zones %u to %u, flags 0x%x, and has it", order, lo, hi, memflags);
        return f;
    }
    if (!allowed)
        prop_fail("the heap gives order %u of what is claimed", order);
    unsigned node_of = 0;
    machine_frame_index(f, 1, &node_of);
    if (!nodemask_test(nodes, node(node_of)))
        prop_fail("the heap gives order %u of what is claimed on node %u", order, node_of);
    check_given(f, lo, hi, order, memflags);
    turn(f, order, false);
    /* Where it does not matter what is in them, it is from now on the new owner's. */
    if (memflags & MEMF_no_scrub)
        set_dirty(f, 1ull << order, false);
    check_clean(f, 1ull << order);
    if (d && !(memflags & MEMF_no_refcount))
        model_allocated(d, 1ull << order, node_of);
    if (d && nr_logged < LOG_SIZE) {
        logged[nr_logged].d = d;
        logged[nr_logged].f = f;
        logged[nr_logged++].order = order;
    }
    if (twin_runs) {
        t = twin_alloc(d ? &twin : NULL, order, memflags, lo, hi, here);
        if (t != f)
            prop_fail("order %u, flags 0x%x: the heap gives 0x%llx, its twin 0x%x", order, memflags,
                      (unsigned long long)f, t);
        if (d && twin.last_alloc_node.n != d->last_alloc_node.n)
            prop_fail("the domain's last node is %u, by the twin %u", d->last_alloc_node.n, twin.last_alloc_node.n);
    }
    return f;
}

static void watched_free(uint64_t f, unsigned order, void (*how)(uint64_t f, unsigned order), bool is_dirty)
{
    if (is_dirty)
        set_dirty(f, 1ull << order, true);
    turn(f, order, true);
    for (unsigned i = 0; i < nr_logged; i++)
        if (logged[i].f == f)
            logged[i].d = NULL;
    if (fault == FAULT_LEAK && order == 3)
        return;
    if (fault == FAULT_DOUBLE_FREE && order == 4)
        turn(f, order, true);
    how(f, order);
    freed_pending(f, 1ull << order);
    if (twin_runs && is_dirty)
        twin_free_dirty((unsigned)f, order);
    else if (twin_runs)
        twin_free((unsigned)f, order);
}

void watched_free_heap_pages(uint64_t f, unsigned order)
{
    watched_free(f, order, free_heap_pages, false);
}

void watched_free_dirty_heap_pages(uint64_t f, unsigned order)
{
    watched_free(f, order, free_dirty_heap_pages, true);
}

void watched_free_xen_pages(uint64_t f, unsigned order)
{
    watched_free(f, order, free_xen_pages, !quirk(heap_xen_unscrubbed));
}

/* ---- the rest --------------------------------------------------------------------------------------------------- */

void *watched_hv_zalloc(size_t size)
{
    return fails_now() ? NULL : hv_zalloc(size);
}

void *watched_port_map_pages(mfn_t first, unsigned order)
{
    unsigned n;
    uint64_t i = machine_frame_index(first.n, 1ull << order, &n);
    if (i == NOT_RAM || !watch_is_taken(i, 1ull << order, true))
        prop_fail("frames 0x%llx, order %u, are mapped, but not taken", (unsigned long long)first.n, order);
    return fails_now() ? NULL : port_map_pages(first, order);
}

void *watched_port_frametable_alloc(size_t bytes)
{
    void *p = fails_now() ? NULL : port_frametable_alloc(bytes);
    if (p && bytes == FRAMES_BYTES)
        block_sets++;
    return p;
}

void watched_port_frametable_free(void *p, size_t bytes)
{
    if (bytes == FRAMES_BYTES)
        block_sets--;
    port_frametable_free(p, bytes);
}

void *watched_p2m_alloc(size_t bytes)
{
    void *p = fails_now() ? NULL : port_frametable_alloc(bytes);
    if (p)
        p2m_bytes += bytes;
    return p;
}

void watched_p2m_free(void *p, size_t bytes)
{
    p2m_bytes -= bytes;
    port_frametable_free(p, bytes);
}

bool watched_port_irq_pending(void)
{
    return port_irq_pending() || looks++ == preempt_at;
}

struct vcpu *watched_sched_current(pcpu_id c)
{
    static struct vcpu caller;
    if (!watch_caller)
        return sched_current(c);
    caller.domain = watch_caller;
    return &caller;
}
