/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Populate on demand: a guest is told of M pages and has T. What it touches is populated, what it gives back makes up
 * for the difference, and what it has only zeroed is taken back when nothing else is left.
 */
#include "mm/pod.h"
#include "sched_fixture.h"

#include <hv/trace.h>
#include <string.h>

#define ONE_NODE ((struct tp_machine){1, 1, 2, 1, 65536})
#define LARGE ((struct tp_machine){1, 1, 2, 1, 4u << 18})
#define M 4096u /* guest frames */

static struct domain *new_domain(enum hv_guest_type type)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_createdomain, .domid = DOM_INVALID};
    op.u.createdomain.type = type;
    CU_ASSERT_EQUAL_FATAL(do_domctl(&op), 0);
    op.cmd = XEN_DOMCTL_max_vcpus;
    op.u.max_vcpus.max = 1;
    CU_ASSERT_EQUAL_FATAL(do_domctl(&op), 0);
    struct domain *d = domain_find(op.domid);
    d->max_pages = 1 << 20;
    return d;
}

static long mem_op(struct domain *d, enum hv_memory_cmd cmd, uint64_t gfn, uint64_t nr, unsigned order, unsigned flags)
{
    struct hv_memory_op op = {
        .cmd = cmd, .domid = d->id, .nr_extents = nr, .extent_order = order, .first_gfn = {gfn}, .mem_flags = flags};
    return do_memory_op(&op);
}
#define MARK(d, gfn, nr, order) mem_op(d, XENMEM_populate_physmap, gfn, nr, order, XENMEMF_populate_on_demand)
#define POPULATE(d, gfn, nr, order) mem_op(d, XENMEM_populate_physmap, gfn, nr, order, 0)
#define DECREASE(d, gfn, nr, order) mem_op(d, XENMEM_decrease_reservation, gfn, nr, order, 0)

static long set_target(struct domain *d, uint64_t pages)
{
    struct hv_memory_op op = {.cmd = XENMEM_set_pod_target, .domid = d->id};
    op.pod.target_pages = pages;
    return do_memory_op(&op);
}

static struct hv_memory_op target_of(struct domain *d)
{
    struct hv_memory_op op = {.cmd = XENMEM_get_pod_target, .domid = d->id};
    CU_ASSERT_EQUAL(do_memory_op(&op), 0);
    return op;
}

#define ASSERT_POD(d, tot, cache, left)                                                                                \
    do {                                                                                                               \
        struct hv_memory_op is = target_of(d);                                                                         \
        CU_ASSERT_EQUAL(is.pod.tot_pages, (uint64_t)(tot));                                                            \
        CU_ASSERT_EQUAL(is.pod.cache_pages, (uint64_t)(cache));                                                        \
        CU_ASSERT_EQUAL(is.pod.entries, (uint64_t)(left));                                                             \
        fx_check();                                                                                                    \
    } while (0)

static int touch(struct domain *d, uint64_t g)
{
    return p2m_fault(d, gfn(g));
}

static unsigned order_behind(struct domain *d, uint64_t g, enum p2m_type type)
{
    unsigned order = 99;
    uint64_t f;
    CU_ASSERT_EQUAL(p2m_query(d, g, &f, &order), type);
    return order;
}

/* As the toolstack builds it: the cache first, then all of its memory marked. */
static struct domain *built(uint64_t target, uint64_t guest_frames)
{
    struct domain *d = new_domain(HV_GUEST_HVM);
    CU_ASSERT_EQUAL(set_target(d, target), 0);
    CU_ASSERT_EQUAL(MARK(d, 0, guest_frames >> 9, 9), (long)(guest_frames >> 9));
    ASSERT_POD(d, target, target, guest_frames);
    return d;
}

/* ---- entries ------------------------------------------------------------------------------------------------------
 */

static void marks_cost_nothing_and_are_as_large_as_can_be(void)
{
    fx_boot(LARGE);
    struct domain *d = new_domain(HV_GUEST_HVM);
    uint64_t avail = avail_pages();
    CU_ASSERT_EQUAL(MARK(d, 1 << 18, 1, 18), 1);
    CU_ASSERT_EQUAL(MARK(d, 512, 3, 9), 3);
    CU_ASSERT_EQUAL(MARK(d, 1, 100, 0), 100);
    CU_ASSERT(avail - avail_pages() <= 1); /* the bookkeeping */
    CU_ASSERT_EQUAL(order_behind(d, (1 << 18) + 5, P2M_pod), 18);
    CU_ASSERT_EQUAL(order_behind(d, 1024, P2M_pod), 9);
    CU_ASSERT_EQUAL(order_behind(d, 50, P2M_pod), 0);
    ASSERT_POD(d, 0, 0, (1 << 18) + 3 * 512 + 100);
    CU_ASSERT_EQUAL(MARK(d, 0, 1, 9), 1); /* some were marked already */
    ASSERT_POD(d, 0, 0, (1 << 18) + 4 * 512);
    CU_ASSERT_EQUAL(order_behind(d, 50, P2M_pod), 9);
    domain_destroy(d);
    fx_check();
}

static void marks_that_cannot_be(void)
{
    fx_boot(LARGE);
    struct domain *pv = new_domain(HV_GUEST_PV), *d = new_domain(HV_GUEST_HVM);
    CU_ASSERT_EQUAL(MARK(pv, 0, 5, 0), 0);
    struct hv_memory_op op = {.cmd = XENMEM_set_pod_target, .domid = pv->id};
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EINVAL);
    op.cmd = XENMEM_get_pod_target;
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EINVAL);
    CU_ASSERT_PTR_NULL(pv->pod);
    CU_ASSERT_EQUAL(POPULATE(d, 700, 1, 0), 1);
    CU_ASSERT_EQUAL(MARK(d, 0, 4, 9), 1); /* up to where a page is */
    ASSERT_POD(d, 1, 0, 512);
    CU_ASSERT_EQUAL(MARK(d, P2M_MAX_GFN - 511, 1, 9), -HV_EINVAL);
    CU_ASSERT_EQUAL(MARK(d, 0, 1, MAX_ORDER + 1), -HV_EINVAL);
    CU_ASSERT_EQUAL(touch(d, 600), -HV_EFAULT); /* nothing there */
    CU_ASSERT_EQUAL(touch(d, P2M_MAX_GFN), -HV_EFAULT);
    CU_ASSERT_EQUAL(touch(d, 700), 0);
    fx_check();
}

static void pages_put_over_marks_end_them(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(1024, M);
    CU_ASSERT_EQUAL(POPULATE(d, 100, 10, 0), 10);
    ASSERT_POD(d, 1034, 1024, M - 10);
    CU_ASSERT_EQUAL(POPULATE(d, 512, 2, 9), 2);
    ASSERT_POD(d, 1034 + 1024, 1024, M - 10 - 1024);
    CU_ASSERT_EQUAL(POPULATE(d, 0, M, 0), M); /* all of them: nothing can be demanded any more */
    CU_ASSERT_EQUAL(target_of(d).pod.entries, 0);
    fx_check();
    domain_destroy(d);
    fx_check();
}

/* ---- faults -------------------------------------------------------------------------------------------------------
 */

static struct tp_trace_rec record[64];
static unsigned nr_records;

static void keep(const struct tp_trace_rec *r)
{
    if (r->event >= TRC_MEM_POD_POPULATE && r->event <= TRC_MEM_POD_SUPERPAGE_SPLINTER &&
        nr_records < ARRAY_SIZE(record))
        record[nr_records++] = *r;
}

static void a_fault_gets_what_the_entry_is_made_of(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(1024 + 10, M);
    tp_trace_hook = keep;
    nr_records = 0;
    CU_ASSERT_EQUAL(touch(d, 512 + 77), 0);
    CU_ASSERT_EQUAL(order_behind(d, 512, P2M_ram), 9);
    ASSERT_POD(d, 1034, 522, M - 512);
    CU_ASSERT_EQUAL(touch(d, 512 + 78), 0); /* there is a page: nothing to do */
    ASSERT_POD(d, 1034, 522, M - 512);
    CU_ASSERT_EQUAL(touch(d, 0), 0);
    /* No superpages are left: the entry is cut up, and one page of it populated. */
    CU_ASSERT_EQUAL(touch(d, 2048 + 5), 0);
    CU_ASSERT_EQUAL(order_behind(d, 2048 + 5, P2M_ram), 0);
    CU_ASSERT_EQUAL(order_behind(d, 2048 + 6, P2M_pod), 0);
    ASSERT_POD(d, 1034, 9, M - 1025);
    tp_trace_hook = NULL;
    CU_ASSERT_EQUAL(nr_records, 4);
    CU_ASSERT_EQUAL(record[0].event, TRC_MEM_POD_POPULATE);
    CU_ASSERT_EQUAL(record[0].nr, 6);
    CU_ASSERT_EQUAL(record[0].w[0], 512);
    CU_ASSERT_EQUAL(record[0].w[2] % 512, 0);
    CU_ASSERT_EQUAL(record[0].w[4], d->id.n | 9u << 16);
    CU_ASSERT_EQUAL(record[2].event, TRC_MEM_POD_SUPERPAGE_SPLINTER);
    CU_ASSERT_EQUAL(record[2].w[0], 2048);
    CU_ASSERT_EQUAL(record[2].w[2], d->id.n | 9u << 16);
    CU_ASSERT_EQUAL(record[3].event, TRC_MEM_POD_POPULATE);
    CU_ASSERT_EQUAL(record[3].w[0], 2048 + 5);
    CU_ASSERT_EQUAL(record[3].w[4], d->id.n);
}

static void a_page_wanted_breaks_a_superpage_that_waits(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(HV_GUEST_HVM);
    CU_ASSERT_EQUAL(set_target(d, 1024), 0);
    CU_ASSERT_EQUAL(MARK(d, 0, 2000, 0), 2000); /* single entries */
    uint64_t first = FRAME_NONE, f;
    unsigned order;
    for (unsigned g = 0; g < 600; g++) {
        CU_ASSERT_EQUAL(touch(d, 3 * g), 0);
        CU_ASSERT_EQUAL(p2m_query(d, 3 * g, &f, &order), P2M_ram);
        if (g == 0)
            first = f;
        if (g < 512)
            CU_ASSERT_EQUAL(f, first + g); /* the pages of a superpage go in their order */
    }
    CU_ASSERT_EQUAL(first % 512, 0);
    ASSERT_POD(d, 1024, 424, 1400);
    domain_destroy(d);
    fx_check();
}

static void a_gigabyte_is_cut_to_superpages_first(void)
{
    fx_boot(LARGE);
    struct domain *d = new_domain(HV_GUEST_HVM);
    CU_ASSERT_EQUAL(set_target(d, 2048), 0);
    CU_ASSERT_EQUAL(MARK(d, 1 << 18, 2, 18), 2);
    CU_ASSERT_EQUAL(touch(d, (1 << 18) + 100000), 0);
    CU_ASSERT_EQUAL(order_behind(d, (1 << 18) + 100000, P2M_ram), 9);
    CU_ASSERT_EQUAL(order_behind(d, (1 << 18) + 99000, P2M_pod), 9);
    CU_ASSERT_EQUAL(order_behind(d, 2 << 18, P2M_pod), 18);
    ASSERT_POD(d, 2048, 1536, (2 << 18) - 512);
}

static void a_guest_that_wants_too_much_crashes(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(1024, M);
    fx_start(d);
    CU_ASSERT(vcpu_runnable(d->vcpu[0]));
    for (unsigned g = 0; g < 1024; g += 512)
        CU_ASSERT_EQUAL(touch(d, g), 0);
    ASSERT_POD(d, 1024, 0, M - 1024);
    CU_ASSERT_EQUAL(touch(d, 1024), -HV_ENOMEM);
    CU_ASSERT(d->is_crashed);
    CU_ASSERT_FALSE(vcpu_runnable(d->vcpu[0]));
    char line[100];
    snprintf(line, sizeof(line), "Domain %u: out of populate-on-demand memory, 1024 pages, %u entries", d->id.n,
             M - 1024);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, line));
    struct hv_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo, .domid = d->id};
    CU_ASSERT_EQUAL(do_domctl(&op), 0);
    CU_ASSERT(op.u.getdomaininfo.crashed);
    ASSERT_POD(d, 1024, 0, M - 1024);
    CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_unpausedomain), 0); /* no help */
    CU_ASSERT_FALSE(vcpu_runnable(d->vcpu[0]));
    CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_destroydomain), 0);
    fx_check();
}

/* ---- what is zero -------------------------------------------------------------------------------------------------
 */

static bool is_zero[4u << 18];

static bool all_zero(uint64_t first, unsigned order)
{
    for (uint64_t f = first; f < first + (1ull << order); f++)
        if (!is_zero[f])
            return false;
    return true;
}

/* The guest has written zeros to these pages of its. */
static void guest_zeroes(struct domain *d, uint64_t g, unsigned n)
{
    uint64_t f;
    unsigned order;
    for (unsigned i = 0; i < n; i++) {
        CU_ASSERT_EQUAL(p2m_query(d, g + i, &f, &order), P2M_ram);
        is_zero[f] = true;
    }
}

static void start_zero(void)
{
    memset(is_zero, 0, sizeof(is_zero));
    tp_pages_zero = all_zero;
}

static void a_sweep_finds_zero_pages(void)
{
    fx_boot(ONE_NODE);
    start_zero();
    struct domain *d = new_domain(HV_GUEST_HVM);
    CU_ASSERT_EQUAL(set_target(d, 3000), 0);
    CU_ASSERT_EQUAL(MARK(d, 0, M, 0), M);
    for (unsigned g = 0; g < 3000; g++)
        CU_ASSERT_EQUAL(touch(d, g), 0);
    guest_zeroes(d, 100, 50);
    guest_zeroes(d, 2500, 5);
    ASSERT_POD(d, 3000, 0, M - 3000);
    tp_trace_hook = keep;
    nr_records = 0;
    CU_ASSERT_EQUAL(touch(d, 3500), 0);
    tp_trace_hook = NULL;
    /* From the highest touched downward: the five are found, and past the limit of 1024 frames it stops. */
    ASSERT_POD(d, 3000, 4, M - 3000 - 1 + 5);
    CU_ASSERT_EQUAL(nr_records, 6);
    CU_ASSERT_EQUAL(record[0].event, TRC_MEM_POD_ZERO_RECLAIM);
    CU_ASSERT_EQUAL(record[0].w[0], 2504);
    for (unsigned g = 3501; g < 3505; g++)
        CU_ASSERT_EQUAL(touch(d, g), 0);
    ASSERT_POD(d, 3000, 0, M - 3000);
    /* The next one goes on where that ended, and finds the fifty though they are beyond the limit. */
    const struct pod *pod = d->pod;
    CU_ASSERT(pod->reclaim_single > 0 && pod->reclaim_single < 3000 - POD_SWEEP_LIMIT);
    CU_ASSERT_EQUAL(touch(d, 3505), 0);
    CU_ASSERT(target_of(d).pod.cache_pages >= 15 && target_of(d).pod.cache_pages <= 49);
    CU_ASSERT_EQUAL(target_of(d).pod.tot_pages, 3000);
    fx_check();
}

static void what_others_hold_or_what_is_written_is_not_taken(void)
{
    fx_boot(ONE_NODE);
    start_zero();
    struct domain *d = built(512, M);
    CU_ASSERT_EQUAL(touch(d, 512), 0);
    ASSERT_POD(d, 512, 0, M - 512);
    guest_zeroes(d, 512, 512);
    unsigned order;
    uint64_t f = p2m_get(d, 512 + 9, &order);
    CU_ASSERT_EQUAL(get_page(mfn(f), d), 0);
    CU_ASSERT_FALSE(pod_zero_check_superpage(d, 512));
    CU_ASSERT_FALSE(pod_zero_check_superpage(d, 513)); /* not where one begins */
    CU_ASSERT_FALSE(pod_zero_check_superpage(d, 0));   /* marked only */
    put_page(mfn(f));
    is_zero[f] = false;
    CU_ASSERT_FALSE(pod_zero_check_superpage(d, 512));
    ASSERT_POD(d, 512, 0, M - 512);
    is_zero[f] = true;
    p2m_lock(d);
    CU_ASSERT(pod_zero_check_superpage(d, 512));
    p2m_unlock(d);
    CU_ASSERT_EQUAL(order_behind(d, 512, P2M_pod), 9);
    ASSERT_POD(d, 512, 512, M);
    CU_ASSERT_EQUAL(touch(d, 1024), 0); /* as a superpage again */
    CU_ASSERT_EQUAL(order_behind(d, 1024, P2M_ram), 9);
    ASSERT_POD(d, 512, 0, M - 512);
}

static void superpages_populated_lately_are_looked_at_again(void)
{
    fx_boot(LARGE);
    start_zero();
    /* The guest zeroes all of its memory as it starts, which is three times what it has. */
    unsigned supers = 400, has = POD_HISTORY_MAX + 2;
    struct domain *d = built(has * 512, (uint64_t)supers * 512);
    for (unsigned s = 0; s < supers; s++) {
        CU_ASSERT_EQUAL_FATAL(touch(d, (uint64_t)s * 512), 0);
        CU_ASSERT_EQUAL(order_behind(d, (uint64_t)s * 512, P2M_ram), 9);
        guest_zeroes(d, (uint64_t)s * 512, 512);
        CU_ASSERT_EQUAL(d->tot_pages, has * 512);
    }
    /* With each, the one of 128 before has gone back, so that it never came to a sweep. */
    CU_ASSERT_FALSE(d->is_crashed);
    ASSERT_POD(d, has * 512, 2 * 512, (uint64_t)(supers - POD_HISTORY_MAX) * 512);
    domain_destroy(d);
    fx_check();
}

/* ---- ballooning ---------------------------------------------------------------------------------------------------
 */

static void a_driver_that_gives_back_in_time_ends_it(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(2048, M);
    for (unsigned g = 0; g < 512; g += 512)
        CU_ASSERT_EQUAL(touch(d, g), 0);
    ASSERT_POD(d, 2048, 1536, M - 512);
    /* Marks first: the guest has never had them. */
    CU_ASSERT_EQUAL(DECREASE(d, 3072, 1024, 0), 1024);
    ASSERT_POD(d, 2048, 1536, 2560);
    CU_ASSERT_EQUAL(touch(d, 3072), -HV_EFAULT);
    /* Pages too: as long as more is owed than waits, they join what waits. */
    uint64_t avail = avail_pages();
    CU_ASSERT_EQUAL(DECREASE(d, 0, 100, 0), 100);
    CU_ASSERT_EQUAL(avail_pages(), avail);
    ASSERT_POD(d, 2048, 1636, 2560);
    CU_ASSERT_EQUAL(DECREASE(d, 1024, 2, 9), 2);
    ASSERT_POD(d, 1948, 1536, 1536); /* nothing is owed any more, and what is too much goes back */
}

static void what_is_not_owed_goes_back(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(2048, M);
    uint64_t avail = avail_pages();
    CU_ASSERT_EQUAL(touch(d, 0), 0);
    CU_ASSERT_EQUAL(DECREASE(d, 2048, 4, 9), 4); /* as many entries left as pages */
    ASSERT_POD(d, 2048, 1536, 1536);
    CU_ASSERT_EQUAL(DECREASE(d, 1024, 1, 9), 1);
    ASSERT_POD(d, 1536, 1024, 1024);
    CU_ASSERT_EQUAL(avail_pages() - avail, 512);
    CU_ASSERT_EQUAL(DECREASE(d, 3, 1, 0), 1); /* nothing is owed: a page goes to the host */
    ASSERT_POD(d, 1535, 1024, 1024);
    /* All that is left can be demanded. */
    for (unsigned g = 0; g < 2048; g++)
        if (g != 3 && (g < 1024 || g >= 1536))
            CU_ASSERT_EQUAL(touch(d, g), 0);
    ASSERT_POD(d, 1535, 0, 0);
    domain_destroy(d);
    fx_check();
}

static void an_extent_of_all_kinds(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(HV_GUEST_HVM);
    CU_ASSERT_EQUAL(set_target(d, 16), 0);
    CU_ASSERT_EQUAL(MARK(d, 0, 64, 0), 64);
    for (unsigned g = 0; g < 8; g++)
        CU_ASSERT_EQUAL(touch(d, 2 * g), 0);
    ASSERT_POD(d, 16, 8, 56);
    CU_ASSERT_EQUAL(DECREASE(d, 0, 1, 4), 1); /* 8 pages, 8 marks; all of it is wanted */
    ASSERT_POD(d, 16, 16, 48);
    CU_ASSERT_EQUAL(DECREASE(d, 0, 1, 4), 0); /* nothing there */
    ASSERT_POD(d, 16, 16, 48);
    CU_ASSERT_EQUAL(DECREASE(d, 16, 2, 4), 2);
    ASSERT_POD(d, 16, 16, 16);
    CU_ASSERT_EQUAL(touch(d, 50), 0);
    /* The marks of it go, and then comes a hole, as in Xen: the extent does not count as done. */
    CU_ASSERT_EQUAL(DECREASE(d, 48, 1, 4), 0);
    CU_ASSERT_EQUAL(target_of(d).pod.entries, 0);
    fx_check();
}

static void a_held_page_is_not_stolen(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(512, M);
    CU_ASSERT_EQUAL(touch(d, 0), 0);
    unsigned order;
    mfn_t m = mfn(p2m_get(d, 5, &order));
    CU_ASSERT_EQUAL(get_page(m, d), 0);
    CU_ASSERT_EQUAL(DECREASE(d, 5, 1, 0), 1); /* given up in the ordinary way */
    ASSERT_POD(d, 512, 0, M - 512);
    put_page(m);
    ASSERT_POD(d, 511, 0, M - 512);
    CU_ASSERT_EQUAL(DECREASE(d, 6, 1, 0), 1);
    ASSERT_POD(d, 511, 1, M - 512);
}

/* ---- targets ------------------------------------------------------------------------------------------------------
 */

static void targets_follow_their_rules(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(1024, M);
    CU_ASSERT_EQUAL(touch(d, 0), 0); /* P 512, B 4096 */
    CU_ASSERT_EQUAL(set_target(d, 2000), 0);
    ASSERT_POD(d, 2000, 1488, M - 512);
    CU_ASSERT_EQUAL(set_target(d, 600), 0); /* below what it has: the driver's task */
    ASSERT_POD(d, 2000, 1488, M - 512);
    CU_ASSERT_EQUAL(set_target(d, M + 1000), 0); /* more than can be demanded */
    ASSERT_POD(d, M, M - 512, M - 512);
    for (unsigned g = 0; g < M; g++)
        CU_ASSERT_EQUAL(touch(d, g), 0);
    ASSERT_POD(d, M, 0, 0);
    CU_ASSERT_EQUAL(set_target(d, M + 1000), 0); /* P == B */
    ASSERT_POD(d, M, 0, 0);
    /* Nothing populated: the cache is the target, up and down. */
    d = built(1024, M);
    CU_ASSERT_EQUAL(set_target(d, 3000), 0);
    ASSERT_POD(d, 3000, 3000, M);
    CU_ASSERT_EQUAL(set_target(d, 1500), 0);
    ASSERT_POD(d, 3000, 3000, M);
    CU_ASSERT_EQUAL(set_target(d, M + 1000), 0); /* no more than can be demanded, now that there are entries */
    ASSERT_POD(d, M, M, M);
}

static void a_cache_shrinks_by_superpages_first(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(2000, M);
    p2m_lock(d);
    CU_ASSERT_EQUAL(pod_cache_set_target(d, 700, true), 0);
    p2m_unlock(d);
    ASSERT_POD(d, 700, 700, M);
    const struct pod *pod = d->pod;
    /* 3 superpages and 464 pages; two of the former and 276 of the latter went. */
    CU_ASSERT_EQUAL(pod->super.head, pod->super.tail);
    CU_ASSERT_NOT_EQUAL(pod->super.head, LINK_NONE);
    p2m_lock(d);
    CU_ASSERT_EQUAL(pod_cache_set_target(d, 5, true), 0);
    p2m_unlock(d);
    ASSERT_POD(d, 5, 5, M);
}

static void a_target_is_continued_or_falls_short(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(HV_GUEST_HVM);
    tp_cpu[0].irq_pending = true;
    CU_ASSERT_EQUAL(set_target(d, 1000), -HV_ERESTART);
    tp_cpu[0].irq_pending = false;
    CU_ASSERT_EQUAL(set_target(d, 1000), 0);
    ASSERT_POD(d, 1000, 1000, 0);
    d->max_pages = 1200;
    CU_ASSERT_EQUAL(set_target(d, 2000), -HV_ENOMEM); /* over its limit: as far as that */
    ASSERT_POD(d, 1200, 1200, 0);
    d->max_pages = 1 << 20;
    uint64_t all = avail_pages() + 1200;
    CU_ASSERT_EQUAL(set_target(d, all + 1), -HV_ENOMEM);
    ASSERT_POD(d, all, all, 0);
    CU_ASSERT_EQUAL(avail_pages(), 0);
    domain_destroy(d);
    CU_ASSERT(avail_pages() >= all);
    fx_check();
}

static void only_control_sets_targets(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(HV_GUEST_HVM);
    fx_start(d);
    tp_settle_all();
    tp_settle(0);
    tp_settle(1);
    CU_ASSERT_PTR_EQUAL_FATAL(hv_core_get()->current(d->vcpu[0]->processor), d->vcpu[0]);
    tp_set_cpu(d->vcpu[0]->processor.n);
    CU_ASSERT_EQUAL(set_target(d, 100), -HV_EPERM);
    CU_ASSERT_EQUAL(target_of(d).pod.cache_pages, 0);
    CU_ASSERT_EQUAL(MARK(d, 0, 1, 9), 1); /* of itself it may say so */
    fx_check();
}

/* ---- frames taken out of use ---------------------------------------------------------------------------------------
 */

static bool is_offlined(uint64_t f)
{
    uint32_t status;
    unsigned order;
    CU_ASSERT_EQUAL(query_page_offline(mfn(f), &status, &order), 0);
    return status & PG_OFFLINE_STATUS_OFFLINED;
}

static void a_page_that_waits_is_replaced(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(1100, M);
    uint64_t avail = avail_pages(), f, behind;
    unsigned order;
    uint32_t status;
    for (unsigned i = 0; i < 2; i++) { /* of a superpage, then of a page */
        const struct extent_list *l = pod_list(d, i);
        f = link_frame(l->tail);
        CU_ASSERT_EQUAL(offline_page(mfn(f), i == 1, &status), 0);
        CU_ASSERT(status & PG_OFFLINE_OFFLINED);
        CU_ASSERT_FALSE(status & PG_OFFLINE_PENDING);
        CU_ASSERT(is_offlined(f));
        CU_ASSERT_EQUAL(avail_pages(), avail - i - 1);
        ASSERT_POD(d, 1100, 1100, M);
    }
    /* What is behind a guest frame is the guest's to give up. */
    CU_ASSERT_EQUAL(touch(d, 5), 0);
    CU_ASSERT_EQUAL(p2m_query(d, 5, &behind, &order), P2M_ram);
    CU_ASSERT_EQUAL(offline_page(mfn(behind), false, &status), 0);
    CU_ASSERT(status & PG_OFFLINE_PENDING);
    fx_check();
    /* Nothing is free: it has a page less then. */
    struct domain *hog = new_domain(HV_GUEST_PV);
    POPULATE(hog, 0, 1 << 20, 0);
    CU_ASSERT_EQUAL(avail_pages(), 0);
    uint64_t waits = target_of(d).pod.cache_pages;
    f = link_frame(pod_list(d, 1)->head);
    CU_ASSERT_EQUAL(offline_page(mfn(f), false, &status), 0);
    CU_ASSERT(status & PG_OFFLINE_OFFLINED);
    CU_ASSERT_EQUAL(target_of(d).pod.cache_pages, waits - 1);
    fx_check();
    domain_destroy(hog);
    domain_destroy(d);
    CU_ASSERT(is_offlined(behind)); /* now that it is free */
    CU_ASSERT(is_offlined(f));
    fx_check();
}

/* ---- the end ------------------------------------------------------------------------------------------------------
 */

static void the_end_gives_back_what_waits(void)
{
    fx_boot(ONE_NODE);
    uint64_t avail = avail_pages();
    size_t mapped = tp_mapped;
    struct domain *d = built(3000, M);
    CU_ASSERT_EQUAL(touch(d, 77), 0);
    unsigned order;
    mfn_t m = mfn(p2m_get(d, 78, &order));
    CU_ASSERT_EQUAL(get_page(m, d), 0);
    CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_destroydomain), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 1);
    CU_ASSERT_EQUAL(touch(d, 5), -HV_EINVAL);
    CU_ASSERT_EQUAL(set_target(d, 100), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 1);
    fx_check();
    put_page(m);
    domains_reap();
    CU_ASSERT_EQUAL(avail_pages(), avail);
    CU_ASSERT_EQUAL(tp_mapped, mapped);
    fx_check();
}

/* ---- failures ------------------------------------------------------------------------------------------------------
 */

/* A life in which everything may fail; true if nothing did. */
static bool life(void)
{
    dom_id id = DOM_INVALID;
    struct domain *d;
    bool ok = true;
    if (domain_create(&id, HV_GUEST_HVM, 0, &d))
        return false;
    d->max_pages = 1 << 20;
    ok &= set_target(d, 1800) == 0;
    fx_check();
    ok &= MARK(d, 0, M / 512, 9) == M / 512;
    fx_check();
    for (unsigned i = 0; i < 14 && !d->is_crashed; i++) {
        ok &= touch(d, i * 150) == 0;
        fx_check();
        ok &= DECREASE(d, M - 1 - i, 1, 0) == 1;
        ok &= DECREASE(d, 3000 + i * 8, 1, 3) == 1;
        ok &= DECREASE(d, i * 150, 1, 0) == 1;
        fx_check();
    }
    ok &= !d->is_crashed;
    fx_check();
    CU_ASSERT_EQUAL(domain_destroy(d), 0);
    return ok;
}

static void every_failure_unwinds(void)
{
    fx_boot(ONE_NODE);
    start_zero();
    CU_ASSERT(life());
    uint64_t avail = avail_pages();
    size_t mapped = tp_mapped;
    unsigned failed = 0;
    bool done = false;
    for (int budget = 0; !done; budget++) {
        CU_ASSERT_FATAL(budget < 2000);
        tp_frametable_budget = budget;
        done = life();
        failed += !done;
        tp_frametable_budget = -1;
        CU_ASSERT_EQUAL(avail_pages(), avail);
        CU_ASSERT_EQUAL(tp_locks_held(), 0);
        fx_check();
    }
    CU_ASSERT(failed > 5);
    done = false;
    for (int budget = 0; !done; budget++) {
        CU_ASSERT_FATAL(budget < 100);
        tp_alloc_budget = budget;
        done = life();
        tp_alloc_budget = -1;
        CU_ASSERT_EQUAL(avail_pages(), avail);
        CU_ASSERT_EQUAL(tp_mapped, mapped);
        fx_check();
    }
}

/* ---- random -------------------------------------------------------------------------------------------------------
 */

static uint64_t seed = 7;

static unsigned rnd(unsigned below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)((seed >> 33) % below);
}

static void check_at_wait(void)
{
    static unsigned n;
    if (n++ % 64 == 0) {
        const char *broken = mm_check();
        if (broken) {
            tp_yield = NULL;
            fprintf(stderr, "where time may pass: %s\n", broken);
            CU_FAIL_FATAL("an invariant broke");
        }
    }
}

/* P, T and B by looking at each guest frame. */
static void check_sums(struct domain *d)
{
    uint64_t ram = 0, marked = 0, f;
    unsigned order;
    for (unsigned g = 0; g < M; g++) {
        enum p2m_type t = p2m_query(d, g, &f, &order);
        ram += t == P2M_ram;
        marked += t == P2M_pod;
    }
    struct hv_memory_op is = target_of(d);
    CU_ASSERT_EQUAL(is.pod.entries, marked);
    CU_ASSERT_EQUAL(is.pod.tot_pages, ram + is.pod.cache_pages);
}

static void random_life(const char *level)
{
    fx_boot_level(ONE_NODE, level);
    start_zero();
    uint64_t avail = avail_pages();
    tp_yield = check_at_wait;
    for (unsigned round = 0; round < 6; round++) {
        struct domain *d = built(512 + rnd(M - 512), M);
        for (unsigned i = 0; i < 400 && !d->is_crashed; i++) {
            unsigned g = rnd(M), what = rnd(100), order = rnd(3) ? 0 : rnd(10);
            g &= ~((1u << order) - 1);
            uint64_t f;
            if (what < 50)
                touch(d, g);
            else if (what < 75)
                DECREASE(d, g, 1, order);
            else if (what < 80)
                MARK(d, g, 1, order);
            else if (what < 85)
                set_target(d, rnd(M));
            else if (p2m_query(d, g, &f, &order) == P2M_ram)
                for (uint64_t j = f; j < f + 16 && j < ARRAY_SIZE(is_zero); j++)
                    is_zero[j] = rnd(8);
            fx_check();
            check_sums(d);
        }
        CU_ASSERT_EQUAL(domain_destroy(d), 0);
        CU_ASSERT_EQUAL(avail_pages(), avail);
    }
    tp_yield = NULL;
}

static void random_operations_keep_every_sum(void)
{
    for (const struct hv_profile *p = hv_profiles; p->name; p++)
        random_life(p->name);
}

static void the_checker_sees_what_is_broken(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = built(1024, M);
    CU_ASSERT_EQUAL(touch(d, 0), 0);
    struct pod *pod = d->pod;
    CU_ASSERT_PTR_NULL(mm_check());
    pod->entry_count--;
    CU_ASSERT_PTR_NOT_NULL(mm_check());
    pod->entry_count++;
    pod->count--;
    CU_ASSERT_PTR_NOT_NULL(mm_check());
    pod->count++;
    d->nr_page_refs++;
    CU_ASSERT_PTR_NOT_NULL(mm_check());
    d->nr_page_refs--;
    CU_ASSERT_PTR_NULL(mm_check());
}

static const struct cunit_case tests[] = {
    {"marks cost nothing, and are as large as can be", marks_cost_nothing_and_are_as_large_as_can_be},
    {"marks that cannot be", marks_that_cannot_be},
    {"pages put over marks end them", pages_put_over_marks_end_them},
    {"a fault gets what the entry is made of, or splinters it", a_fault_gets_what_the_entry_is_made_of},
    {"a page wanted breaks a superpage that waits", a_page_wanted_breaks_a_superpage_that_waits},
    {"a gigabyte is cut to superpages first", a_gigabyte_is_cut_to_superpages_first},
    {"a guest that wants too much crashes", a_guest_that_wants_too_much_crashes},
    {"a sweep finds zero pages, within its limit", a_sweep_finds_zero_pages},
    {"what others hold or what is written is not taken", what_others_hold_or_what_is_written_is_not_taken},
    {"superpages populated lately are looked at again", superpages_populated_lately_are_looked_at_again},
    {"a driver that gives back in time ends it", a_driver_that_gives_back_in_time_ends_it},
    {"what is not owed goes back", what_is_not_owed_goes_back},
    {"an extent of all kinds", an_extent_of_all_kinds},
    {"a held page is not stolen", a_held_page_is_not_stolen},
    {"targets follow their rules", targets_follow_their_rules},
    {"a cache shrinks by superpages first", a_cache_shrinks_by_superpages_first},
    {"a target is continued, or falls short", a_target_is_continued_or_falls_short},
    {"only control sets targets", only_control_sets_targets},
    {"a page that waits is replaced when it is taken out of use", a_page_that_waits_is_replaced},
    {"the end gives back what waits", the_end_gives_back_what_waits},
    {"every failure unwinds", every_failure_unwinds},
    {"random operations keep every sum, at every level", random_operations_keep_every_sum},
    {"the checker sees what is broken", the_checker_sees_what_is_broken},
};
CUNIT_MAIN("hv-core/mm_pod", tests)
