/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest frame -> machine frame of a domain: a radix with entries of 512 GiB (tables only), 1 GiB, 2 MiB and 4 KiB. An
 * entry is 0 (nothing), a frame number shifted up with bit 0 set, bit 1 alone (populate on demand), or the address of a
 * table of 512 entries.
 *
 * That is the shape of x86's four levels with leaves of 4 KiB, 2 MiB and 1 GiB, and of ARM's LPAE: there the root is
 * not of 512 GiB entries, but of first-level tables that lie next to each other (two for 40 bits of guest-physical
 * address, 1,024 entries of 1 GiB), which exist from the start. At 4.3 ARM has 40 bits and leaves of 4 KiB only; later
 * as many bits as the host's memory needs of those that the architecture has, and larger leaves, which are shattered
 * when a part of one changes.
 *
 * The tables are backed like the frame table, not from the heap: a PV guest's page tables are in its own memory, and
 * taking frames for them here would shift every later allocation.
 */
#include "mm/heap.h"

#include <hv/lib.h>

#define FANOUT 512u
#define ROOT_SHIFT 27u /* 512 GiB in frames */
#define ROOT_NR (P2M_MAX_GFN >> ROOT_SHIFT)
#define LEVEL_BITS 9u
#define TABLE_BYTES (FANOUT * sizeof(uint64_t))
#define ARM_MAX_ROOTS 16u /* pages that a concatenated first level can have */

struct p2m {
    struct hv_lock lock;
    uint64_t max_gfn;   /* the first one beyond */
    unsigned max_order; /* of a leaf */
    uint16_t vmid;      /* ARM */
    uint64_t flushes;   /* of TLBs */
    uint64_t tables;    /* of 512 entries */
    /* The table of 4 KiB entries used last, for those that follow each other: guest frames / 512, and the table. */
    uint64_t leaf_nr;
    uint64_t *leaf; /* NULL: none */
    uint64_t root[ROOT_NR];
};

#define ENTRY_MAPPED 1ull
#define ENTRY_POD 2ull

static uint64_t entry_of(uint64_t f)
{
    return f == FRAME_NONE ? 0 : f << 1 | 1;
}

static bool is_table(uint64_t e)
{
    return e && !(e & (ENTRY_MAPPED | ENTRY_POD));
}

static bool is_mapped(uint64_t e)
{
    return e & ENTRY_MAPPED;
}

static uint64_t *table_of(uint64_t e)
{
    return (uint64_t *)(uintptr_t)e;
}

static uint64_t *table_alloc(struct p2m *p)
{
    uint64_t *t = port_frametable_alloc(TABLE_BYTES);
    p->tables += t != NULL;
    return t;
}

/* Guest-physical address bits: 40 at 4.3; later the least of the architecture's that the host's memory needs. */
static unsigned arm_ipa_bits(void)
{
    static const unsigned char bits[] = {32, 36, 40, 42, 44};
    uint64_t end = numa_range(numa_nr_ranges() - 1)->end_mfn;

    if (quirk(arm_p2m_4k) || hv_arch == HV_ARCH_arm32)
        return 40;
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
        if (end <= 1ull << (bits[i] - PAGE_SHIFT))
            return bits[i];
    return 45; /* what P2M_MAX_GFN is */
}

/* -HV_EBUSY: no VMID; -HV_ENOMEM. */
static int create_arm(struct domain *d, struct p2m *p)
{
    unsigned bits = arm_ipa_bits();
    int rc = vmid_alloc(d->id, &p->vmid);

    if (rc)
        return rc;
    p->max_gfn = 1ull << (bits - PAGE_SHIFT);
    if (quirk(arm_p2m_4k))
        p->max_order = 0;
    for (unsigned i = 0; i < DIV_ROUND_UP(p->max_gfn, 1ull << ROOT_SHIFT) && i < ARM_MAX_ROOTS; i++) {
        uint64_t *t = table_alloc(p);
        if (!t)
            return -HV_ENOMEM;
        p->root[i] = (uint64_t)(uintptr_t)t;
    }
    return 0;
}

int p2m_create(struct domain *d)
{
    struct p2m *p = hv_zalloc(sizeof(*p));

    if (!p)
        return -HV_ENOMEM;
    p->lock = (struct hv_lock)HV_LOCK_INIT("p2m");
    p->max_gfn = P2M_MAX_GFN;
    p->max_order = ORDER_1G;
    d->p2m = p;
    int rc = hv_arch == HV_ARCH_x86_64 ? 0 : create_arm(d, p);
    if (rc)
        p2m_destroy(d);
    return rc;
}

/* The tables below an entry that covers 2^shift frames. */
static void free_tables(struct p2m *p, uint64_t e, unsigned shift)
{
    if (!is_table(e))
        return;
    uint64_t *t = table_of(e);
    if (shift > LEVEL_BITS)
        for (unsigned i = 0; i < FANOUT; i++)
            free_tables(p, t[i], shift - LEVEL_BITS);
    port_frametable_free(t, TABLE_BYTES);
    p->tables--;
}

void p2m_destroy(struct domain *d)
{
    struct p2m *p = d->p2m;

    if (!p)
        return;
    for (unsigned i = 0; i < ROOT_NR; i++)
        free_tables(p, p->root[i], ROOT_SHIFT);
    ASSERT(p->tables == 0);
    if (p->vmid)
        vmid_free(p->vmid);
    hv_free(p);
    d->p2m = NULL;
}

void p2m_lock(struct domain *d)
{
    port_lock(&((struct p2m *)d->p2m)->lock);
}

void p2m_unlock(struct domain *d)
{
    port_unlock(&((struct p2m *)d->p2m)->lock);
}

/* Order of the largest entry at g for what is left of a range. */
static unsigned piece_order(const struct p2m *p, uint64_t g, uint64_t f, uint64_t left)
{
    uint64_t bits = f == FRAME_NONE ? g : g | f;

    for (unsigned order = p->max_order; order > 0; order -= LEVEL_BITS)
        if (left >> order && !(bits & ((1ull << order) - 1)))
            return order;
    return 0;
}

/*
 * The entry for 2^order frames at g. Tables on the way are made if make is set, from the larger entry if there is one;
 * else NULL if one is missing.
 */
static uint64_t *entry_at(struct p2m *p, uint64_t g, unsigned order, bool make)
{
    uint64_t *e = &p->root[g >> ROOT_SHIFT];

    for (unsigned shift = ROOT_SHIFT; shift > order;) {
        shift -= LEVEL_BITS;
        if (!is_table(*e)) {
            uint64_t *t = make ? table_alloc(p) : NULL;
            if (!t)
                return NULL;
            if (*e)
                for (unsigned i = 0; i < FANOUT; i++)
                    t[i] = is_mapped(*e) ? entry_of((*e >> 1) + ((uint64_t)i << shift)) : ENTRY_POD;
            *e = (uint64_t)(uintptr_t)t;
        }
        e = &table_of(*e)[(g >> shift) % FANOUT];
    }
    return e;
}

static bool in_leaf(const struct p2m *p, uint64_t g)
{
    return p->leaf && g / FANOUT == p->leaf_nr;
}

int p2m_prepare(struct domain *d, uint64_t g, unsigned order)
{
    struct p2m *p = d->p2m;
    uint64_t left = 1ull << order, offset = 0;

    if (g >= p->max_gfn || left > p->max_gfn - g)
        return -HV_EINVAL;
    if (order == 0 && in_leaf(p, g))
        return 0;
    while (left) {
        /* An extent's frame is aligned to its order: the offset has the alignment that the frame will have. */
        unsigned piece = piece_order(p, g, offset, left);
        uint64_t step = 1ull << piece, span = step << LEVEL_BITS;
        if (!entry_at(p, g, piece, true))
            return -HV_ENOMEM;
        /* Go on to the end of that table, or to where the size of the entries changes. */
        do {
            g += step;
            offset += step;
            left -= step;
        } while (left && (g & (span - 1)) && piece_order(p, g, offset, left) == piece);
    }
    return 0;
}

/* To f.., or with FRAME_NONE all entries to what is given. */
static void set_entries(struct domain *d, uint64_t g, uint64_t f, uint64_t none, unsigned order)
{
    struct p2m *p = d->p2m;
    uint64_t left = 1ull << order;
    uint32_t written = 0, replaced = 0;

    while (left) {
        unsigned piece = piece_order(p, g, f, left);
        uint64_t *e = piece == 0 && in_leaf(p, g) ? &p->leaf[g % FANOUT] : entry_at(p, g, piece, false);
        ASSERT(e);
        if (piece == 0) {
            p->leaf_nr = g / FANOUT;
            p->leaf = e - g % FANOUT;
        } else {
            if (is_table(*e))
                p->leaf = NULL;
            free_tables(p, *e, piece);
        }
        replaced += *e != 0;
        *e = f == FRAME_NONE ? none : entry_of(f);
        written++;
        g += 1ull << piece;
        left -= 1ull << piece;
        if (f != FRAME_NONE)
            f += 1ull << piece;
    }
    port_count(PERFC_p2m_set, written);
    /* What was there may be in TLBs. ARM at 4.3 flushes for each entry, everybody else once, when all is done. */
    if (replaced)
        p->flushes += hv_arch != HV_ARCH_x86_64 && quirk(arm_p2m_4k) ? replaced : 1;
}

void p2m_set(struct domain *d, uint64_t g, uint64_t f, unsigned order)
{
    set_entries(d, g, f, 0, order);
}

void p2m_set_pod(struct domain *d, uint64_t g, unsigned order)
{
    set_entries(d, g, FRAME_NONE, ENTRY_POD, order);
}

enum p2m_type p2m_query(const struct domain *d, uint64_t g, uint64_t *f, unsigned *order)
{
    const struct p2m *p = d->p2m;
    uint64_t e = 0;

    *f = FRAME_NONE;
    *order = ROOT_SHIFT;
    if (!p || g >= p->max_gfn)
        return P2M_none;
    for (e = p->root[g >> ROOT_SHIFT]; is_table(e);) {
        *order -= LEVEL_BITS;
        e = table_of(e)[(g >> *order) % FANOUT];
    }
    if (!is_mapped(e))
        return e ? P2M_pod : P2M_none;
    *f = (e >> 1) + (g & ((1ull << *order) - 1));
    return P2M_ram;
}

uint64_t p2m_get(const struct domain *d, uint64_t g, unsigned *order)
{
    unsigned size;
    uint64_t f;

    if (p2m_query(d, g, &f, &size) == P2M_ram)
        *order = size;
    return f;
}

uint64_t p2m_max_gfn(const struct domain *d)
{
    return ((const struct p2m *)d->p2m)->max_gfn;
}

uint64_t p2m_flushes(const struct domain *d)
{
    return ((const struct p2m *)d->p2m)->flushes;
}

uint64_t p2m_tables(const struct domain *d)
{
    return ((const struct p2m *)d->p2m)->tables;
}

unsigned p2m_vmid(const struct domain *d)
{
    return ((const struct p2m *)d->p2m)->vmid;
}

/* ---- for reports ------------------------------------------------------------------------------------------------- */

/* What a table maps whose entries cover 2^shift frames each: single ones, superpages, or tables of the level below. */
static void count_table(const uint64_t *t, unsigned shift, uint64_t pages[HV_MAX_NODES][3])
{
    for (unsigned i = 0; i < FANOUT; i++) {
        if (shift && is_table(t[i])) {
            count_table(table_of(t[i]), shift - LEVEL_BITS, pages);
        } else if (is_mapped(t[i])) {
            node_id n = mfn_to_firmware_node(mfn(t[i] >> 1));
            if (node_valid(n))
                pages[n.n][shift / LEVEL_BITS] += 1ull << shift;
        }
    }
}

/* An entry of the root covers more than any superpage: it is a table, or empty. */
void p2m_count_pages(const struct domain *d, uint64_t pages[HV_MAX_NODES][3])
{
    const struct p2m *p = d->p2m;

    __builtin_memset(pages, 0, HV_MAX_NODES * sizeof(pages[0]));
    for (unsigned i = 0; p && i < ROOT_NR; i++)
        if (is_table(p->root[i]))
            count_table(table_of(p->root[i]), ROOT_SHIFT - LEVEL_BITS, pages);
}
