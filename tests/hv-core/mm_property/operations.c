/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operations do, to the core and to the model. Arguments: a0..a3, taken modulo what there is.
 *
 * An operation that is refused must have a reason: the heap had nothing (watch.c holds it to that), a limit, a missing
 * right, an allocation made to fail. What it says it has done goes into the model; the checks then find what it has
 * done besides, or not.
 */
#include "mm_property.h"

#include <hv/core.h>
#include <hv/sched.h>
#include <string.h>
#include <toolstack/toolstack.h>

#define MAX_HELD 48u
#define MAX_OBJECTS 48u
#define MAX_FAILURES 60u     /* of one operation, in turn */
#define MAX_RESTARTS 100000u /* of one call */
#define FULL_CHECK_EVERY 16u
#define TWIN_MAX_FRAMES (1ull << 18)

static const struct hv_core *core;
static uint32_t fault;
static bool give_up_when_preempted;

/* Pages from alloc_domheap_pages. */
static struct held {
    uint64_t f;
    unsigned order, slot; /* MODEL_SLOTS: nobody's */
} held[MAX_HELD];
static unsigned nr_held;

static struct object {
    unsigned char *at;
    size_t size;
} object[MAX_OBJECTS];
static unsigned nr_objects;

static enum page_type ref_type[MODEL_REFS];

/* ---- hypercalls ------------------------------------------------------------------------------------------------- */

/* Until it is done, or given up when it was preempted (-HV_ERESTART). */
static long call(enum hv_hypercall nr, void *arg)
{
    long rc = -HV_ERESTART;
    for (unsigned k = 0; rc == -HV_ERESTART; k++) {
        if (k == MAX_RESTARTS)
            prop_fail("a hypercall is continued for ever");
        if (k && give_up_when_preempted)
            break;
        rc = nr == HYPERCALL_memory_op ? do_memory_op(arg) : nr == HYPERCALL_domctl ? do_domctl(arg) : do_sysctl(arg);
    }
    return rc;
}

static long domctl(struct domain *d, enum hv_domctl_cmd cmd, struct hv_domctl *op)
{
    op->cmd = cmd;
    op->domid = d ? d->id : DOM_INVALID;
    return call(HYPERCALL_domctl, op);
}

static void expect(long rc, long want, const char *what)
{
    if (rc != want)
        prop_fail("%s: %ld instead of %ld", what, rc, want);
}

/* 0, or a refusal for want of memory that there is a reason for. */
static bool done(long rc, const char *what)
{
    if (rc == 0)
        return true;
    if (rc != -HV_ENOMEM || (!watch_fired() && !watch_refused()))
        prop_fail("%s: error %ld for no reason", what, rc);
    return false;
}

/* ---- what arguments mean ---------------------------------------------------------------------------------------- */

/* An operation on a domain that populates on demand is over: at most so many pages more than before. */
static void pod_adopt(struct mdom *m, uint64_t more)
{
    uint64_t before = model_tot(m);
    model_adopt(m);
    if (model_tot(m) > before + more)
        prop_fail("domain %u has %llu pages, and had %llu", m->id.n, (unsigned long long)model_tot(m),
                  (unsigned long long)before);
}

static uint64_t free_pages(void)
{
    return machine.frames - watch_taken();
}

/*
 * The level of ARM's NUMA, on x86: ARM's p2m has an entry for each 4 KiB, at some levels, and to look at them all after
 * each operation takes its time; its guests are those that are built from 4 KiB.
 */
static bool on_arm(void)
{
    return strcmp(hv_level->name, "arm-numa") == 0;
}

static unsigned order_of(uint32_t a)
{
    static const uint8_t orders[] = {0, 0, 0, 0, 1, 1, 2, 3, 4, 6, 9, 9, 11, 13, 18, 0};
    unsigned order = orders[a % ARRAY_SIZE(orders)];
    return on_arm() && order > 11 ? 9 : order;
}

/* The same for what is built from 4 KiB extents. */
#define MANY_SMALL_PAGES 5000u

static uint64_t extents_of(uint32_t a, unsigned order)
{
    return 1 + (a >> 4) % (order < 3 ? 40u : order < 9 ? 6u : 3u);
}

/* Near the places where tables and entries begin and end; aligned to the order, mostly. */
static uint64_t gfn_of(uint32_t a, unsigned order, uint64_t nr)
{
    static const uint64_t bases[] = {
        0, 0x200, 0x400, 0x3ff00, 0x40000, 0x100000, (1u << 27) - 0x600, P2M_MAX_GFN - (1u << 19), P2M_MAX_GFN - 0x400};
    uint64_t g = bases[a % ARRAY_SIZE(bases)] + (a >> 4) % 0x380;
    if (a & 0xc000)
        g &= ~((1ull << order) - 1);
    uint64_t room = P2M_MAX_GFN - (nr << order);
    return g > room ? room : g;
}

static unsigned flags_of(uint32_t a, bool bits)
{
    unsigned flags = 0;
    if ((a >> 1) % 3 == 0)
        flags |= XENMEMF_node((a >> 3) % (machine.nr_nodes + 1) % HV_MAX_NODES);
    if ((a >> 9) % 2)
        flags |= MEMF_exact_node;
    if (bits && (a >> 10) % 6 == 0)
        flags |= MEMF_bits(20 + (a >> 12) % 20);
    return flags;
}

/* ---- domains ---------------------------------------------------------------------------------------------------- */

/* Dying domains that nobody refers to any more are gone at the next control of domains. */
static void reap(void)
{
    domains_reap();
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        if (model[s].dying && !model_domain(&model[s]))
            model_forget(&model[s]);
}

static void create(unsigned slot, const uint32_t a[4])
{
    struct mdom *m = &model[slot];
    struct hv_domctl op = {0};
    bool arm = on_arm();

    if (m->exists || slot == 0)
        return;
    op.u.createdomain.type = !arm && a[1] % 2 ? HV_GUEST_HVM : HV_GUEST_PV;
    if (!done(domctl(NULL, XEN_DOMCTL_createdomain, &op), "createdomain"))
        return;
    *m = (struct mdom){.exists = true, .id = op.domid, .claim_node = CLAIM_ON_HOST};
    op = (struct hv_domctl){.u.max_mem = {4 * (a[2] % 4 ? free_pages() : a[2] >> 4)}};
    expect(domctl(model_domain(m), XEN_DOMCTL_max_mem, &op), 0, "max_mem");
    m->max_pages = op.u.max_mem.max_memkb / 4;
}

static void forget_held_of(unsigned slot)
{
    for (unsigned i = 0; i < nr_held;)
        if (held[i].slot == slot)
            held[i] = held[--nr_held];
        else
            i++;
}

static unsigned refs_of(unsigned slot)
{
    unsigned n = 0;
    for (unsigned i = 0; i < MODEL_REFS; i++) {
        bool first = model_ref[i].used && model_ref[i].slot == slot;
        for (unsigned j = 0; first && j < i; j++)
            first = !model_ref[j].used || model_ref[j].f != model_ref[i].f;
        n += first;
    }
    return n;
}

static void destroyed(unsigned slot, long rc)
{
    struct mdom *m = &model[slot];
    unsigned refs = refs_of(slot);

    forget_held_of(slot);
    if (rc) {
        if (rc != -HV_ENOMEM || !watch_fired() || !refs)
            prop_fail("a domain cannot be destroyed: %ld", rc);
        model_adopt(m);
        if (!m->dying)
            prop_fail("destroying failed, and the domain is not dying");
        return;
    }
    if (!refs) {
        if (model_domain(m))
            prop_fail("domain %u is destroyed, and there", m->id.n);
        model_forget(m);
        return;
    }
    runs_free(&m->p2m);
    runs_free(&m->loose);
    m->claim = 0;
    m->claim_node = CLAIM_ON_HOST;
    m->dying = true;
    m->given_up = refs;
}

static void destroy(unsigned slot)
{
    struct hv_domctl op = {0};
    if (slot && model[slot].exists)
        destroyed(slot, domctl(model_domain(&model[slot]), XEN_DOMCTL_destroydomain, &op));
}

static void max_mem(struct mdom *m, const uint32_t a[4])
{
    const uint64_t choice[] = {0, model_tot(m), model_tot(m) / 2, model_tot(m) + a[1] % 64, free_pages(), 1ull << 40};
    struct hv_domctl op = {.u.max_mem = {4 * choice[a[2] % ARRAY_SIZE(choice)]}};
    expect(domctl(model_domain(m), XEN_DOMCTL_max_mem, &op), 0, "max_mem");
    m->max_pages = op.u.max_mem.max_memkb / 4;
}

static void affinity(struct mdom *m, const uint32_t a[4])
{
    uint64_t nodes = a[1] | (uint64_t)a[2] << 16 | (uint64_t)a[3] << 32;
    nodes = a[3] % 8 == 0 ? ~0ull : machine.nr_nodes < 16 ? nodes % (2ull << machine.nr_nodes) : nodes;
    struct hv_domctl op = {.u.nodeaffinity.nodemap = {nodes}};
    expect(domctl(model_domain(m), XEN_DOMCTL_setnodeaffinity, &op), nodes & hv_node_online.w ? 0 : -HV_EINVAL,
           "setnodeaffinity");
}

static void vcpus(struct mdom *m, const uint32_t a[4])
{
    struct domain *d = model_domain(m);
    struct hv_domctl op = {.u.max_vcpus = {1 + a[1] % 3}};
    if (!d->max_vcpus)
        done(domctl(d, XEN_DOMCTL_max_vcpus, &op), "max_vcpus");
}

static void dom0(const uint32_t a[4])
{
    uint64_t pages = 1 + (a[2] | (uint64_t)a[1] << 8) % (free_pages() / 2 + 1);
    struct mdom *m = &model[0];
    if (on_arm())
        pages = 1 + pages % MANY_SMALL_PAGES;
    if (m->exists || !done(core->construct_dom0(1 + a[0] % 2, pages << PAGE_SHIFT), "dom0"))
        return;
    *m = (struct mdom){.exists = true, .id = dom(0), .claim_node = CLAIM_ON_HOST};
    model_adopt(m);
    if (m->p2m.sum != pages || m->loose.nr || m->max_pages != pages)
        prop_fail("dom0 has not got its %llu pages", (unsigned long long)pages);
}

static long toolstack_call(void *ctx, enum hv_hypercall nr, void *arg)
{
    long rc;
    (void)ctx;
    while ((rc = core->hypercall(nr, arg)) == -HV_ERESTART)
        ;
    return rc;
}

static void build(unsigned slot, const uint32_t a[4])
{
    struct ts_host host = {.level = hv_level, .hypercall = toolstack_call};
    bool arm = on_arm();
    struct ts_domain_config cfg = {.name = "guest",
                                   .type = !arm && a[1] % 2 ? HV_GUEST_HVM : HV_GUEST_PV,
                                   .vcpus = 1 + a[2] % 2,
                                   .cap = 0xffffffffu};
    struct ts_domain_result result;
    struct mdom *m = &model[slot];

    if (m->exists || slot == 0)
        return;
    uint64_t pages = 1 + (a[3] | (uint64_t)a[2] << 8) % (free_pages() + 1);
    if (cfg.type != HV_GUEST_HVM && quirk(pv_builder_4k))
        pages = 1 + pages % MANY_SMALL_PAGES;
    cfg.memory_kb = 4 * pages;
    bool on_demand = cfg.type == HV_GUEST_HVM && a[1] & 4 && !give_up_when_preempted;
    if (on_demand)
        cfg.maxmem_kb = cfg.memory_kb + 4 * (1 + a[1] / 8 % 2000);
    int rc = ts_domain_create(&host, &cfg, &result);
    if (rc) {
        /* The toolstack's own sums refuse a claim, too. */
        if (rc != -HV_ENOMEM)
            prop_fail("a domain cannot be built: %d", rc);
        return;
    }
    *m = (struct mdom){.exists = true, .id = result.domid, .claim_node = CLAIM_ON_HOST};
    model_adopt(m);
    uint64_t hole = cfg.type == HV_GUEST_HVM && pages > 0xa0 ? (pages < 0xc0 ? pages : 0xc0) - 0xa0 : 0;
    if (m->pod)
        return;
    if (m->p2m.sum != pages - hole || m->loose.nr || m->claim)
        prop_fail("a domain of %llu pages was built with %llu, claims %llu", (unsigned long long)pages,
                  (unsigned long long)m->p2m.sum, (unsigned long long)m->claim);
}

/* ---- guest memory ----------------------------------------------------------------------------------------------- */

/* Was there a reason to stop before the next extent of this order? */
static bool may_stop(const struct mdom *m, bool self, unsigned order, uint64_t more)
{
    bool privileged = !self || m->id.n == 0;
    return m->dying || watch_fired() || watch_refused() || (order > 9 && !privileged) ||
           model_tot(m) + more > m->max_pages;
}

static void populate(struct mdom *m, const uint32_t a[4], enum hv_memory_cmd cmd)
{
    struct domain *d = model_domain(m);
    unsigned order = order_of(a[2]);
    bool self = a[3] & 1, into = cmd == XENMEM_populate_physmap;
    uint64_t nr = extents_of(a[2], order), size = 1ull << order, f;
    struct hv_memory_op op = {.cmd = cmd,
                              .domid = m->id,
                              .nr_extents = nr,
                              .extent_order = order,
                              .mem_flags = flags_of(a[3], true),
                              .first_gfn = gfn(gfn_of(a[1], order, nr))};
    watch_caller = self ? d : NULL;
    long rc = call(HYPERCALL_memory_op, &op);
    watch_caller = NULL;
    if (rc != (long)op.nr_done && !(rc == -HV_ERESTART && give_up_when_preempted))
        prop_fail("a reservation: result %ld, %llu extents done", rc, (unsigned long long)op.nr_done);
    if (m->pod) {
        pod_adopt(m, op.nr_done << order);
        return;
    }
    if (op.nr_done && order > 9 && self && m->id.n != 0)
        prop_fail("a guest got an extent of order %u", order);
    if (rc >= 0 && op.nr_done < nr && !may_stop(m, self, order, (op.nr_done + 1) << order))
        prop_fail("a reservation stops after %llu of %llu extents for no reason", (unsigned long long)op.nr_done,
                  (unsigned long long)nr);
    model_took(m, op.nr_done << order);
    for (uint64_t i = 0; into && i < op.nr_done; i++) {
        unsigned entry;
        uint64_t g = op.first_gfn.n + (i << order);
        if (p2m_query(d, g, &f, &entry) != P2M_ram || (f & (size - 1)))
            prop_fail("guest frame 0x%llx was populated with order %u, and is 0x%llx", (unsigned long long)g, order,
                      (unsigned long long)f);
        model_map(m, g, f, size);
    }
    /* Which frames came, what the heap gave. */
    for (unsigned i = 0, got_order; !into && watch_allocated(d, i, &f, &got_order); i++)
        runs_set(&m->loose, f, f, 1ull << got_order);
    if (fault == FAULT_HALF_DONE && op.nr_done < nr)
        alloc_domheap_pages(d, 0, 0);
}

/* Guest frames from g on, of n, that are there. */
static uint64_t mapped_from(const struct mdom *m, uint64_t g, uint64_t n)
{
    uint64_t at = 0, left;
    while (at < n && runs_get(&m->p2m, g + at, &left) != RUN_NONE)
        at += left;
    return at < n ? at : n;
}

static uint64_t gone_from(const struct domain *d, uint64_t g, uint64_t n)
{
    uint64_t at = 0, f;
    unsigned order;
    while (at < n && p2m_query(d, g + at, &f, &order) == P2M_none)
        at += (1ull << order) - ((g + at) & ((1ull << order) - 1));
    return at < n ? at : n;
}

static void decrease(struct mdom *m, const uint32_t a[4])
{
    struct domain *d = model_domain(m);
    unsigned order = order_of(a[2]);
    uint64_t nr = extents_of(a[2], order), size = 1ull << order;
    bool self = a[3] & 1;
    struct hv_memory_op op = {.cmd = XENMEM_decrease_reservation,
                              .domid = m->id,
                              .nr_extents = nr,
                              .extent_order = order,
                              .first_gfn = gfn(gfn_of(a[1], order, nr))};

    /* Mostly where there is something. */
    if (a[3] % 4 && m->p2m.nr) {
        const struct run *r = &m->p2m.run[a[1] % m->p2m.nr];
        op.first_gfn.n = r->at + (a[1] >> 3) % r->len;
        if (a[3] & 8)
            op.first_gfn.n &= ~(size - 1);
        if (op.first_gfn.n > P2M_MAX_GFN - (nr << order))
            op.first_gfn.n = P2M_MAX_GFN - (nr << order);
    }
    watch_caller = self ? d : NULL;
    long rc = call(HYPERCALL_memory_op, &op);
    watch_caller = NULL;
    if (rc != (long)op.nr_done && !(rc == -HV_ERESTART && give_up_when_preempted))
        prop_fail("decrease_reservation: result %ld, %llu extents done", rc, (unsigned long long)op.nr_done);
    if (m->pod) {
        forget_held_of((unsigned)(m - model));
        pod_adopt(m, 0);
        return;
    }
    for (uint64_t i = 0; i < op.nr_done; i++) {
        uint64_t g = op.first_gfn.n + (i << order);
        if (mapped_from(m, g, size) != size)
            prop_fail("guest frames 0x%llx.. (order %u) were not all there, and are given back", (unsigned long long)g,
                      order);
        model_unmap(m, g, size);
    }
    if (rc < 0 || op.nr_done == nr)
        return;
    /* Where it stopped: Xen gives back page by page, up to the first that is not there. */
    uint64_t g = op.first_gfn.n + (op.nr_done << order), there = mapped_from(m, g, size), gone = gone_from(d, g, there);
    bool permitted = order <= 9 || !self || m->id.n == 0;
    if (!permitted || m->dying)
        there = 0;
    if (watch_fired() ? gone > there || (gone && there == size) : there == size || gone != there)
        prop_fail("decrease_reservation stops after %llu extents: of the next, order %u, %llu pages are gone, %llu "
                  "were there",
                  (unsigned long long)op.nr_done, order, (unsigned long long)gone, (unsigned long long)there);
    if (gone)
        model_unmap(m, g, gone);
}

static void exchange(struct mdom *m, const uint32_t a[4])
{
    unsigned in = order_of(a[2]) % 12, out = order_of(a[2] >> 4) % 12, most = in > out ? in : out;
    uint64_t chunks = 1 + (a[2] >> 8) % 3;
    struct hv_memory_op op = {.cmd = XENMEM_exchange,
                              .domid = m->id,
                              .nr_extents = chunks << (most - in),
                              .extent_order = in,
                              .first_gfn = gfn(gfn_of(a[1], in, chunks << (most - in))),
                              .out = {.nr_extents = chunks << (most - out),
                                      .extent_order = out,
                                      .mem_flags = flags_of(a[3], true),
                                      .first_gfn = gfn(gfn_of(a[1] ^ a[0], out, chunks << (most - out)))}};
    if (m->p2m.nr && a[3] % 8) {
        const struct run *r = &m->p2m.run[a[1] % m->p2m.nr];
        op.first_gfn.n = r->at + (a[1] >> 3) % r->len;
        if (op.first_gfn.n > P2M_MAX_GFN - (chunks << most))
            op.first_gfn.n = P2M_MAX_GFN - (chunks << most);
        if (a[3] & 8)
            op.out.first_gfn = op.first_gfn;
    }
    bool all_there = mapped_from(m, op.first_gfn.n, chunks << most) == chunks << most;
    uint64_t tot = model_tot(m), claim = m->claim, g = op.out.first_gfn.n, from = op.first_gfn.n;
    /* Else a later extent may be given from what came for an earlier one. */
    bool apart = g == from || g + (chunks << most) <= from || from + (chunks << most) <= g;

    long rc = call(HYPERCALL_memory_op, &op);
    if (m->pod) {
        forget_held_of((unsigned)(m - model));
        pod_adopt(m, 0);
        return;
    }
    if (rc == -HV_ERESTART && give_up_when_preempted)
        rc = 0;
    else if (rc == 0 && ((apart && !all_there) || op.nr_done != op.nr_extents))
        prop_fail("exchange: %llu of %llu extents done, all there %d", (unsigned long long)op.nr_done,
                  (unsigned long long)op.nr_extents, all_there);
    else if (rc != 0 && rc != -HV_EINVAL && rc != -HV_ENOMEM)
        prop_fail("exchange: %ld", rc);
    if (rc == -HV_ENOMEM && !watch_fired() && !watch_refused())
        prop_fail("exchange: no memory, for no reason");
    if (!op.nr_done)
        return; /* nothing has changed, the checks say */
    forget_held_of((unsigned)(m - model));
    model_adopt(m);
    uint64_t came = mapped_from(m, g, op.nr_done << in);
    if (model_tot(m) != tot || m->claim != claim || (apart && came != op.nr_done << in))
        prop_fail("exchange of %llu extents: %llu pages instead of %llu, claim %llu instead of %llu",
                  (unsigned long long)op.nr_done, (unsigned long long)model_tot(m), (unsigned long long)tot,
                  (unsigned long long)m->claim, (unsigned long long)claim);
}

/* ---- populate on demand ----------------------------------------------------------------------------------------- */

/* Every third frame that anybody asks about. */
static bool looks_zero(uint64_t first, unsigned order)
{
    return (first >> order) % 3 == 0;
}

static void pod(struct mdom *m, const uint32_t a[4])
{
    struct domain *d = model_domain(m);
    unsigned order = order_of(a[2]);
    uint64_t nr = extents_of(a[2], order), g = gfn_of(a[1], order, nr), tot = model_tot(m), more = 0;
    struct hv_memory_op op = {.cmd = XENMEM_populate_physmap,
                              .domid = m->id,
                              .nr_extents = nr,
                              .extent_order = order,
                              .mem_flags = XENMEMF_populate_on_demand,
                              .first_gfn = gfn(g)};
    long rc;

    if (d->type != HV_GUEST_HVM && a[3] % 16)
        return;
    switch (a[3] % 8) {
    case 0:
    case 1:
        rc = call(HYPERCALL_memory_op, &op);
        if (rc != (long)op.nr_done && !(rc == -HV_ERESTART && give_up_when_preempted))
            prop_fail("to mark frames: %ld, %llu extents done", rc, (unsigned long long)op.nr_done);
        if (op.nr_done && d->type != HV_GUEST_HVM)
            prop_fail("frames of a domain that is not HVM are marked");
        break;
    case 2:
    case 3:
        op.cmd = XENMEM_set_pod_target;
        op.nr_extents = op.extent_order = op.mem_flags = 0;
        op.first_gfn.n = 0;
        op.pod.target_pages = a[3] & 16 ? tot + nr : a[3] & 32 ? tot - tot / 4 : a[2] % 3000;
        rc = call(HYPERCALL_memory_op, &op);
        if (d->type != HV_GUEST_HVM)
            expect(rc, -HV_EINVAL, "set_pod_target");
        else if (rc && rc != -HV_ENOMEM && rc != -HV_EINVAL && !(rc == -HV_ERESTART && give_up_when_preempted))
            prop_fail("set_pod_target: %ld", rc);
        more = op.pod.target_pages > tot ? op.pod.target_pages - tot : 0;
        break;
    default:
        for (uint64_t i = 0; i < nr && !m->dying; i++) {
            uint64_t f;
            unsigned size;
            enum p2m_type was = p2m_query(d, g + i * (a[3] & 16 ? 1 : 512), &f, &size);
            rc = p2m_fault(d, gfn(g + i * (a[3] & 16 ? 1 : 512)));
            enum p2m_type is = p2m_query(d, g + i * (a[3] & 16 ? 1 : 512), &f, &size);
            if (rc == 0 ? is != P2M_ram : rc == -HV_EFAULT ? was != P2M_none : rc != -HV_ENOMEM || was != P2M_pod)
                prop_fail("a fault: %ld, an entry of type %d becomes %d", rc, (int)was, (int)is);
        }
    }
    if (d->pod)
        pod_adopt(m, more);
}

static void claim(struct mdom *m, const uint32_t a[4])
{
    uint64_t tot = model_tot(m), claimed = 0, on_node = 0;
    unsigned n_of = CLAIM_ON_HOST;
    const uint64_t choice[] = {
        0,   0,         tot + 1 + a[1] % 50, tot + 1 + free_pages() / 2, tot + free_pages(), tot + free_pages() + 1,
        tot, 1ull << 50};
    struct hv_memory_op op = {
        .cmd = XENMEM_claim_pages, .domid = m->id, .nr_extents = choice[a[2] % ARRAY_SIZE(choice)]};
    uint64_t n = op.nr_extents;
    long want = 0;

    if (a[3] % 2 && n) {
        n_of = a[3] / 2 % (machine.nr_nodes + (machine.nr_nodes < HV_MAX_NODES));
        op.mem_flags = XENMEMF_node(n_of) | XENMEMF_exact_node_request;
    }
    for (unsigned s = 0; s < MODEL_SLOTS; s++) {
        claimed += model[s].claim;
        on_node += model[s].claim_node == n_of ? model[s].claim : 0;
    }
    if (m->dying && !quirk(claim_by_dying))
        want = -HV_EINVAL;
    else if (n_of != CLAIM_ON_HOST && (quirk(claim_host_only) || !nodemask_test(hv_node_online, node(n_of))))
        want = -HV_EINVAL;
    else if (n && (m->claim || n <= tot || n > m->max_pages))
        want = -HV_EINVAL;
    else if (n && claimed + n - tot > free_pages())
        want = -HV_ENOMEM;
    else if (n_of != CLAIM_ON_HOST && on_node + n - tot > avail_node_pages(node(n_of)))
        want = -HV_ENOMEM;
    expect(call(HYPERCALL_memory_op, &op), want, "claim_pages");
    if (!want) {
        m->claim = n ? n - tot : 0;
        m->claim_node = n_of;
    }
}

/* ---- pages of the domain heap ----------------------------------------------------------------------------------- */

static void alloc(unsigned slot, const uint32_t a[4])
{
    struct mdom *m = slot < MODEL_SLOTS && model[slot].exists && a[1] % 2 ? &model[slot] : NULL;
    unsigned order = order_of(a[2]), flags = flags_of(a[3], true);
    if (nr_held == MAX_HELD)
        return;
    if (a[1] & 8)
        flags |= MEMF_no_dma;
    mfn_t f = alloc_domheap_pages(m ? model_domain(m) : NULL, order, flags);
    if (mfn_eq(f, MFN_INVALID)) {
        /* Without the part kept for devices there may be no zone at all to ask for. */
        if (!watch_fired() && !watch_refused() && !(flags & MEMF_no_dma) &&
            !(m && may_stop(m, false, order, 1ull << order)))
            prop_fail("order %u, flags 0x%x: refused for no reason", order, flags);
        return;
    }
    held[nr_held++] = (struct held){f.n, order, m ? slot : MODEL_SLOTS};
    if (m) {
        runs_set(&m->loose, f.n, f.n, 1ull << order);
        model_took(m, 1ull << order);
    } else {
        model_anonymous += 1ull << order;
    }
}

/* Whoever frees an extent of which others hold a part needs descriptors for the parts, and cannot be refused. */
static bool free_may_need_memory(unsigned i)
{
    for (unsigned r = 0; r < MODEL_REFS && held[i].order; r++)
        if (model_ref[r].used && model_ref[r].f >> held[i].order == held[i].f >> held[i].order)
            return true;
    return false;
}

static void free_held(unsigned i)
{
    struct held h = held[i];
    held[i] = held[--nr_held];
    free_domheap_pages(mfn(h.f), h.order);
    if (h.slot < MODEL_SLOTS)
        model_free_loose(&model[h.slot], h.f, 1ull << h.order);
    else
        model_anonymous -= 1ull << h.order;
}

static void xalloc(const uint32_t a[4])
{
    static const size_t sizes[] = {1,    16,   17,   40,   64,   100,  130,   500,  1000,
                                   1900, 2000, 4000, 4096, 5000, 8192, 20000, 65536};
    size_t size = sizes[a[0] % ARRAY_SIZE(sizes)];
    if (nr_objects == MAX_OBJECTS)
        return;
    unsigned char *at = hv_zalloc(size);
    if (!at) {
        if (!watch_fired() && !watch_refused())
            prop_fail("%zu bytes: refused for no reason", size);
        return;
    }
    if (size >= 64 && (uintptr_t)at % 64)
        prop_fail("%zu bytes at an address that is no multiple of 64", size);
    for (size_t i = 0; i < size; i++)
        if (at[i])
            prop_fail("%zu bytes are not all zero", size);
    memset(at, 0xa5, size);
    object[nr_objects++] = (struct object){at, size};
}

static void xfree(unsigned i)
{
    struct object o = object[i];
    object[i] = object[--nr_objects];
    for (size_t k = 0; k < o.size; k++)
        if (o.at[k] != 0xa5)
            prop_fail("somebody has written into %zu bytes that are another's", o.size);
    hv_free(o.at);
}

static void set_aside_pages(const uint32_t a[4])
{
    unsigned n = a[0] % (machine.nr_nodes + 1) % HV_MAX_NODES;
    struct hv_sysctl op = {
        .cmd = XEN_SYSCTL_set_aside,
        .u.set_aside = {.node = node(n),
                        .zone = a[1] % 3 ? HV_ANY_ZONE : 8 + a[1] / 3 % 14,
                        .free_pages = a[2] % 4 ? avail_node_pages(node(n)) * (a[3] % 128) / 100 : 1ull << 40}};
    bool online = nodemask_test(hv_node_online, node(n));
    uint64_t before = watch_taken() - watch_offlined();

    long rc = call(HYPERCALL_sysctl, &op);
    model_aside += watch_taken() - watch_offlined() - before;
    if (online ? rc && rc != -HV_ENOMEM && !(rc == -HV_ERESTART && give_up_when_preempted) : rc != -HV_EINVAL)
        prop_fail("set_aside: %ld", rc);
    /* What is given back may be on its way out of use. */
    if (rc == 0 && op.u.set_aside.zone == HV_ANY_ZONE && !machine.offlining &&
        avail_node_pages(node(n)) != op.u.set_aside.free_pages)
        prop_fail("set_aside: %llu pages are free", (unsigned long long)avail_node_pages(node(n)));
}

/* ---- frames that go out of use, and dirt ------------------------------------------------------------------------ */

static uint64_t any_frame(const uint32_t a[4])
{
    const struct hv_mem_range *r = &machine.range[a[1] % machine.nr_ranges];
    return r->start_mfn + (a[2] | (uint64_t)(a[3] >> 4) << 16) % (r->end_mfn - r->start_mfn);
}

/* What a domain keeps for being demanded is replaced when it goes out of use. */
static bool waits_for_demand(uint64_t f)
{
    uint64_t left;
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        if (model[s].pod && runs_get(&model[s].loose, f, &left) != RUN_NONE)
            return true;
    return false;
}

static void offline(const uint32_t a[4])
{
    uint64_t f = any_frame(a), claimed = 0, index;
    unsigned order, node_of;
    uint32_t before, was;
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_page_offline_op,
                           .u.page_offline = {.frame = mfn(f),
                                              .cmd = a[0] % 8 == 0   ? sysctl_page_broken
                                                     : a[0] % 8 <= 4 ? sysctl_page_offline
                                                                     : sysctl_page_online}};
    if (!machine.offlining)
        return;
    bool ram = (index = machine_frame_index(f, 1, &node_of)) != NOT_RAM;
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        claimed += model[s].claim;
    /* Xen takes a free frame out whoever has claimed it. */
    if (op.u.page_offline.cmd != sysctl_page_online &&
        (claimed >= free_pages() || (ram && node_outstanding_claims(node(node_of)) >= avail_node_pages(node(node_of)))))
        return;
    bool is_free = ram && watch_is_taken(index, 1, false);
    if (query_page_offline(mfn(f), &before, &order))
        before = 0;
    if (before & PG_OFFLINE_STATUS_OFFLINE_PENDING && op.u.page_offline.cmd == sysctl_page_broken)
        return; /* the owner crashes: not here */
    long rc = call(HYPERCALL_sysctl, &op);
    if (query_page_offline(mfn(f), &was, &order))
        was = 0;
    bool out = was & PG_OFFLINE_STATUS_OFFLINED, pends = was & PG_OFFLINE_STATUS_OFFLINE_PENDING;
    if (!ram && rc != -HV_EINVAL)
        prop_fail("frame 0x%llx is no RAM, and goes out of use: %ld", (unsigned long long)f, rc);
    if (rc && before != was)
        prop_fail("frame 0x%llx: %ld, and its state changes from 0x%x to 0x%x", (unsigned long long)f, rc, before, was);
    if (rc)
        return;
    if (op.u.page_offline.cmd == sysctl_page_online) {
        if (out || pends)
            prop_fail("frame 0x%llx is back, and 0x%x", (unsigned long long)f, was);
        if (before)
            watch_online(f);
    } else {
        if (!out && !pends)
            prop_fail("frame 0x%llx went out of use, and is 0x%x", (unsigned long long)f, was);
        if (!before && out != is_free && !(out && waits_for_demand(f)))
            prop_fail("frame 0x%llx, free %d, went out of use and is 0x%x", (unsigned long long)f, is_free, was);
        if (!before)
            watch_offline(f, pends);
    }
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        if (model[s].pod)
            pod_adopt(&model[s], 0);
}

static void scrub(const uint32_t a[4])
{
    if (watch_has_twin() && !quirk(heap_one_end))
        return;
    tp_irq_after_pages = a[1] % 3 ? 1 + a[2] % 3000 : 0;
    scrub_free_pages();
    tp_irq_after_pages = 0;
    tp_cpu[port_this_cpu().n].irq_pending = false;
}

/* ---- references ------------------------------------------------------------------------------------------------- */

static void get(unsigned slot, const uint32_t a[4])
{
    struct mdom *m = &model[slot];
    const struct runs *from = a[3] % 4 && m->p2m.nr ? &m->p2m : &m->loose;
    static const enum page_type types[] = {PGT_none, PGT_none, PGT_writable_page, PGT_l1_page_table};
    unsigned i = 0;

    while (i < MODEL_REFS && model_ref[i].used)
        i++;
    if (i == MODEL_REFS || !from->nr)
        return;
    const struct run *r = &from->run[a[1] % from->nr];
    uint64_t f = r->to + a[2] % r->len;
    enum page_type type = types[(a[3] >> 2) % 4];
    int want = 0;
    for (unsigned j = 0; j < MODEL_REFS; j++) {
        const struct mref *other = &model_ref[j];
        if (a[3] & 0x100 && other->used && other->slot == slot && from == &m->p2m && a[1] % MODEL_REFS == j) {
            uint64_t left;
            for (unsigned k = 0; k < m->p2m.nr; k++) /* once more the same, if it is the domain's still */
                if (other->f >= m->p2m.run[k].to && other->f < m->p2m.run[k].to + m->p2m.run[k].len)
                    f = other->f;
            if (runs_get(&m->loose, other->f, &left) != RUN_NONE)
                f = other->f;
        }
    }
    for (unsigned j = 0; j < MODEL_REFS; j++)
        if (type && model_ref[j].used && model_ref[j].f == f && model_ref[j].typed && ref_type[j] != type)
            want = -HV_EBUSY;
    if (m->dying)
        want = -HV_EINVAL;
    expect(get_page_and_type(mfn(f), model_domain(m), type), want, "get_page");
    if (want)
        return;
    model_ref[i] = (struct mref){true, type != PGT_none, slot, f};
    ref_type[i] = type;
}

static bool is_kept(const struct mdom *m, uint64_t f)
{
    uint64_t left;
    for (unsigned k = 0; k < m->p2m.nr; k++)
        if (f >= m->p2m.run[k].to && f < m->p2m.run[k].to + m->p2m.run[k].len)
            return false;
    return runs_get(&m->loose, f, &left) == RUN_NONE;
}

static void put(unsigned i)
{
    struct mref r = model_ref[i];
    struct mdom *m = &model[r.slot];

    model_ref[i].used = false;
    if (r.typed)
        put_page_and_type(mfn(r.f));
    else
        put_page(mfn(r.f));
    if (!model_refs_to(r.f) && is_kept(m, r.f)) {
        m->given_up--;
        model_gave(m, 1);
    }
}

/* ---- mistakes --------------------------------------------------------------------------------------------------- */

/* All of it is refused, and the checks find nothing changed. */
static void bad(const uint32_t a[4])
{
    struct mdom *m = &model[a[1] % MODEL_SLOTS];
    struct domain *d = model_domain(m), *other = model_domain(&model[(a[1] + 1) % MODEL_SLOTS]);
    if (!d || m->dying)
        return;
    struct hv_memory_op op = {
        .cmd = a[2] % 2 ? XENMEM_populate_physmap : XENMEM_decrease_reservation, .domid = d->id, .nr_extents = 1};
    long want = -HV_EINVAL;
    switch (a[0] % 12) {
    case 0:
        op.extent_order = MAX_ORDER + 1 + a[3] % 60;
        break;
    case 1:
        op.first_gfn = gfn(P2M_MAX_GFN + a[3] % 2);
        break;
    case 2:
        op.nr_extents = 1 + (P2M_MAX_GFN >> 9);
        op.extent_order = 9;
        break;
    case 3:
        op.nr_extents = ~0ull - a[3];
        break;
    case 4:
        op.mem_flags = 1u << (a[3] % 2 ? 2 : 6);
        break;
    case 5:
        op.nr_done = 2;
        break;
    case 6:
        op.domid = dom(DOM_FIRST_RESERVED - 1);
        want = -HV_ESRCH;
        break;
    case 7:
        if (!other || other->id.n == 0)
            return;
        watch_caller = other;
        want = -HV_EPERM;
        break;
    case 8:
        if (d->id.n == 0)
            return;
        op.cmd = XENMEM_claim_pages;
        watch_caller = d;
        want = -HV_EPERM;
        break;
    case 9:
        op.cmd = XENMEM_exchange;
        op.out.nr_extents = 2;
        break;
    case 10:
        if (!mfn_eq(alloc_domheap_pages(d, a[3] % 2 ? MAX_ORDER + 1 : 0, a[3] % 2 ? 0 : MEMF_bits(13)), MFN_INVALID))
            prop_fail("pages that cannot be");
        return;
    default:
        if (other && other != d && other->tot_pages) {
            const struct extent_list *own = other->page_list;
            expect(get_page(mfn(link_frame(own->head)), d), -HV_EINVAL, "get_page of another's");
        }
        expect(get_page(mfn(1ull << 41), d), -HV_EINVAL, "get_page of no RAM");
        return;
    }
    long rc = call(HYPERCALL_memory_op, &op);
    watch_caller = NULL;
    expect(rc, want, "a mistake");
}

/* ---- one after the other ---------------------------------------------------------------------------------------- */

/* The slot that it is about; MODEL_SLOTS: none. */
static unsigned operate(const struct prop_op *o)
{
    const uint32_t *a = o->arg;
    unsigned slot = a[0] % MODEL_SLOTS;
    struct mdom *m = &model[slot];

    switch (o->kind) {
    case OP_CREATE:
        create(slot, a);
        return slot;
    case OP_DESTROY:
        destroy(slot);
        return slot;
    case OP_BUILD:
        build(slot, a);
        return slot;
    case OP_DOM0:
        dom0(a);
        return 0;
    case OP_ALLOC:
        alloc(a[0] % (MODEL_SLOTS + 1), a);
        return a[0] % (MODEL_SLOTS + 1);
    case OP_FREE:
        if (nr_held) {
            unsigned of = held[a[0] % nr_held].slot;
            bool failing = o->mode == MODE_FAIL_ONE || o->mode == MODE_FAIL_FROM;
            if (!failing || !free_may_need_memory(a[0] % nr_held))
                free_held(a[0] % nr_held);
            return of;
        }
        return MODEL_SLOTS;
    case OP_XALLOC:
        xalloc(a);
        return MODEL_SLOTS;
    case OP_XFREE:
        if (nr_objects)
            xfree(a[0] % nr_objects);
        return MODEL_SLOTS;
    case OP_PUT:
        if (!model_ref[a[0] % MODEL_REFS].used)
            return MODEL_SLOTS;
        slot = model_ref[a[0] % MODEL_REFS].slot;
        put(a[0] % MODEL_REFS);
        return slot;
    case OP_SET_ASIDE:
        set_aside_pages(a);
        return MODEL_SLOTS;
    case OP_SCRUB:
        scrub(a);
        return MODEL_SLOTS;
    case OP_OFFLINE:
        offline(a);
        return MODEL_SLOTS;
    case OP_CPU:
        tp_set_cpu(a[0] % machine.nr_cpus);
        return MODEL_SLOTS;
    case OP_BAD:
        bad(a);
        return a[1] % MODEL_SLOTS;
    }
    if (!m->exists)
        return MODEL_SLOTS;
    switch (o->kind) {
    case OP_POPULATE:
        populate(m, a, XENMEM_populate_physmap);
        break;
    case OP_INCREASE:
        populate(m, a, XENMEM_increase_reservation);
        break;
    case OP_DECREASE:
        decrease(m, a);
        break;
    case OP_EXCHANGE:
        exchange(m, a);
        break;
    case OP_POD:
        pod(m, a);
        break;
    case OP_CLAIM:
        claim(m, a);
        break;
    case OP_MAX_MEM:
        max_mem(m, a);
        break;
    case OP_AFFINITY:
        affinity(m, a);
        break;
    case OP_VCPUS:
        vcpus(m, a);
        break;
    case OP_GET:
        get(slot, a);
        break;
    }
    return slot;
}

static void one_operation(const struct prop_op *o)
{
    bool failing = o->mode == MODE_FAIL_ONE || o->mode == MODE_FAIL_FROM, again = failing;
    give_up_when_preempted = o->mode == MODE_PREEMPT && o->arg[2] % 4 == 0;

    for (unsigned k = 0; k == 0 || (again && k < MAX_FAILURES); k++) {
        watch_begin(failing ? k : ~0u, o->mode == MODE_FAIL_FROM, o->mode == MODE_PREEMPT ? (o->arg[3] >> 8) % 5 : ~0u);
        unsigned slot = operate(o);
        again = watch_fired();
        watch_begin(~0u, false, ~0u);
        reap();
        check_after(slot);
    }
    give_up_when_preempted = false;
    if (prop_at % FULL_CHECK_EVERY == 0)
        check_all();
}

static void boot(const struct mm_case *k)
{
    struct hv_boot_info info;

    tp_reset();
    tp_panic_hook = prop_panic;
    machine_draw(k->machine);
    machine_boot_info(k->level, &info);
    /* Where carving leaves what is not aligned, domains come to own it, and nothing can be told of such extents. */
    machine.offlining &= !info.level->quirk[HV_QUIRK_offline_misaligned];
    /* Where idle pCPUs scrub there is no twin: it can only do all of a node at once. */
    bool one_end = info.level->quirk[HV_QUIRK_heap_one_end];
    bool twin = info.level->quirk[HV_QUIRK_heap_alloc_next_node] && !machine.offlining &&
                (one_end || info.opt.bootscrub == HV_BOOTSCRUB_off) &&
                machine.range[machine.nr_ranges - 1].end_mfn <= TWIN_MAX_FRAMES;
    watch_reset(k->fault, twin);
    tp_pages_zero = looks_zero;
    model_reset();
    nr_held = nr_objects = 0;
    fault = k->fault;
    give_up_when_preempted = false;
    core = hv_core_get();
    if (core->boot(&info))
        prop_fail("the core does not boot");
    for (unsigned c = 0; c < machine.nr_cpus; c++) {
        tp_set_cpu(c);
        core->cpu_start();
        core->return_to_guest();
    }
    tp_set_cpu(0);
}

/* Everything goes, and nothing is left behind. */
static void tear_down(uint64_t taken)
{
    uint64_t blocks = 0;
    node_id n;

    for (unsigned i = 0; i < MODEL_REFS; i++)
        if (model_ref[i].used)
            put(i);
    reap();
    while (nr_held)
        free_held(nr_held - 1);
    while (nr_objects)
        xfree(nr_objects - 1);
    check_all();
    for (unsigned s = MODEL_SLOTS; s-- > 0;)
        if (model[s].exists)
            destroyed(s, domain_destroy(model_domain(&model[s])));
    uint64_t before = watch_taken() - watch_offlined();
    for_each_node (n, hv_node_online)
        set_aside(n, HV_ANY_ZONE, ~0ull >> 1);
    model_aside -= before - (watch_taken() - watch_offlined());
    check_all();
    if (model_aside || watch_taken() - watch_offlined() != taken)
        prop_fail("%lld pages are lost, %llu set aside", (long long)(watch_taken() - taken),
                  (unsigned long long)model_aside);
    if (watch_p2m_bytes())
        prop_fail("%zu bytes of p2m tables are lost", watch_p2m_bytes());
    for (unsigned i = 0; i < machine.nr_ranges; i++)
        blocks += (machine.range[i].end_mfn >> 9) - (machine.range[i].start_mfn >> 9) + 1;
    if (watch_block_sets() > blocks + 16) /* some are kept for the next */
        prop_fail("descriptors of %zu blocks of 2 MiB, and there are %llu", watch_block_sets(),
                  (unsigned long long)blocks);
}

void mm_run(const void *the_case, const struct prop_op *ops, unsigned n)
{
    boot(the_case);
    prop_at = 0;
    check_all();
    uint64_t taken = watch_taken();
    for (; prop_at < n; prop_at++)
        one_operation(&ops[prop_at]);
    tear_down(taken);
    watch_end();
}
