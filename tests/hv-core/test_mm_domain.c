/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Domains' memory: limits, claims, populate and decrease, dom0, the core's own objects, unwinding. */
#include "mm_domain.h"

#define CLAIM(d, pages) mem_op(d, XENMEM_claim_pages, 0, pages, 0)

static unsigned order_behind(struct domain *d, uint64_t gfn)
{
    unsigned order = 99;
    CU_ASSERT_NOT_EQUAL(p2m_get(d, gfn, &order), FRAME_NONE);
    return order;
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

static void max_pages_is_never_passed(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(100);
    uint64_t before = avail_pages();
    CU_ASSERT_EQUAL(POPULATE(d, 0, 200, 0), 100);
    CU_ASSERT_EQUAL(d->tot_pages, 100);
    CU_ASSERT_EQUAL(DECREASE(d, 0, 10, 0), 10);
    CU_ASSERT_EQUAL(POPULATE(d, 4096, 1, 4), 0);
    CU_ASSERT_EQUAL(POPULATE(d, 4096, 1, 3), 1);
    CU_ASSERT_EQUAL(d->tot_pages, 98);
    CU_ASSERT_EQUAL(before - avail_pages(), 98);
    d->is_dying = true;
    CU_ASSERT_EQUAL(POPULATE(d, 8192, 1, 0), 0);
    d->is_dying = false;
    fx_check();
    domain_destroy(d);
}

static void pages_per_node_are_the_heaps_own_count(void)
{
    fx_boot(TWO_NODES);
    uint64_t n0 = avail_node_pages(node(0)), n1 = avail_node_pages(node(1));
    struct domain *d = new_domain(1 << 16);
    uint64_t own = n0 - avail_node_pages(node(0)); /* what the core needs for it */
    CU_ASSERT_EQUAL(POPULATE(d, 0, 1001, 0), 1001);
    CU_ASSERT_EQUAL(d->node_pages[1], 501); /* the first one comes from the node after 0 */
    CU_ASSERT_EQUAL(d->node_pages[0], 500);
    CU_ASSERT_EQUAL(n0 - own - avail_node_pages(node(0)), 500);
    CU_ASSERT_EQUAL(n1 - avail_node_pages(node(1)), 501);
    for (unsigned g = 0; g < 1001; g++)
        CU_ASSERT_EQUAL(mfn_to_node(mfn(frame_behind(d, g))).n, (g + 1) % 2);
    nodemask_t one = {0x1};
    CU_ASSERT_EQUAL(domain_set_node_affinity(d, one), 0);
    CU_ASSERT_EQUAL(POPULATE(d, 1 << 12, 100, 0), 100);
    CU_ASSERT_EQUAL(d->node_pages[0], 600);
    fx_check();
    domain_destroy(d);
    CU_ASSERT_EQUAL(avail_node_pages(node(0)), n0);
    CU_ASSERT_EQUAL(avail_node_pages(node(1)), n1);
}

static void a_node_can_be_asked_for(void)
{
    fx_boot(TWO_NODES);
    struct domain *d = new_domain(1 << 20);
    struct hv_memory_op op = {
        .domid = d->id, .nr_extents = 1 << 17, .mem_flags = XENMEMF_node(1) | XENMEMF_exact_node_request};
    uint64_t there = avail_node_pages(node(1));
    CU_ASSERT_EQUAL(do_memory_op(&op), (long)there); /* all of the node, nothing of the other */
    CU_ASSERT_EQUAL(d->node_pages[0], 0);
    CU_ASSERT_EQUAL(avail_node_pages(node(1)), 0);
    op = (struct hv_memory_op){.domid = d->id, .nr_extents = 10, .first_gfn = {1 << 20}, .mem_flags = XENMEMF_node(1)};
    CU_ASSERT_EQUAL(do_memory_op(&op), 10); /* not exact: elsewhere */
    CU_ASSERT_EQUAL(d->node_pages[0], 10);
    op.mem_flags = XENMEMF_node(64);
    op.nr_done = 0;
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EINVAL);
    op.mem_flags = 1u << 2; /* no such flag */
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EINVAL);
    fx_check();
    domain_destroy(d);
}

static void populate_takes_all_there_is_and_destroy_gives_all_back(void)
{
    fx_boot(TWO_NODES);
    uint64_t before = avail_pages();
    size_t mapped = tp_mapped;
    struct domain *d = new_domain(1 << 20);
    long got = POPULATE(d, 0, 1 << 18, 0);
    CU_ASSERT(got > 120000);
    CU_ASSERT_EQUAL(avail_pages(), 0);
    CU_ASSERT_PTR_NULL(hv_zalloc(4096));
    CU_ASSERT_EQUAL(POPULATE(d, 1 << 20, 1, 0), 0);
    fx_check();
    domain_destroy(d);
    CU_ASSERT_EQUAL(avail_pages(), before);
    CU_ASSERT_EQUAL(tp_mapped, mapped);
    CU_ASSERT_EQUAL(tp_pages_cleared, (uint64_t)got); /* what it leaves behind is scrubbed */
    fx_check();
}

/* ---- claims ------------------------------------------------------------------------------------------------------ */

static void a_claim_keeps_memory_for_its_domain(void)
{
    fx_boot(ONE_NODE);
    struct domain *a = new_domain(1 << 20), *b = new_domain(1 << 20);
    uint64_t all = avail_pages();
    CU_ASSERT_EQUAL(CLAIM(a, all + 1), -HV_ENOMEM);
    CU_ASSERT_EQUAL(CLAIM(a, (1 << 20) + 1), -HV_EINVAL); /* above max_pages */
    CU_ASSERT_EQUAL(CLAIM(a, all - 100), 0);
    CU_ASSERT_EQUAL(outstanding_claims(), all - 100);
    CU_ASSERT_EQUAL(CLAIM(a, 10), -HV_EINVAL); /* one claim a domain */
    CU_ASSERT_EQUAL(CLAIM(b, 101), -HV_ENOMEM);
    CU_ASSERT_EQUAL(POPULATE(b, 0, 200, 0), 100);
    CU_ASSERT_EQUAL(POPULATE(a, 0, 1000, 0), 1000);
    CU_ASSERT_EQUAL(a->outstanding_pages, all - 1100);
    CU_ASSERT_EQUAL(a->outstanding_pages + a->tot_pages, all - 100);
    fx_check();
    CU_ASSERT_EQUAL(CLAIM(a, 0), 0);
    CU_ASSERT_EQUAL(outstanding_claims(), 0);
    CU_ASSERT_EQUAL(CLAIM(a, 1000), -HV_EINVAL); /* no more than it has */
    CU_ASSERT_EQUAL(CLAIM(a, 1001), 0);
    CU_ASSERT_EQUAL(a->outstanding_pages, 1);
    domain_destroy(a);
    CU_ASSERT_EQUAL(outstanding_claims(), 0);
    CU_ASSERT_EQUAL(POPULATE(b, 4096, 200, 0), 200);
    domain_destroy(b);
    fx_check();
}

static void a_claim_grows_back_when_pages_are_freed(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(1 << 20);
    CU_ASSERT_EQUAL(CLAIM(d, 1000), 0);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 300, 0), 300);
    CU_ASSERT_EQUAL(DECREASE(d, 0, 50, 0), 50);
    CU_ASSERT_EQUAL(d->outstanding_pages, 750);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 50, 0), 50);
    CU_ASSERT_EQUAL(d->outstanding_pages, 700);
    domain_destroy(d);

    fx_boot_level(ONE_NODE, "fixed"); /* it only shrinks */
    d = new_domain(1 << 20);
    CU_ASSERT_EQUAL(CLAIM(d, 1000), 0);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 300, 0), 300);
    CU_ASSERT_EQUAL(DECREASE(d, 0, 50, 0), 50);
    CU_ASSERT_EQUAL(d->outstanding_pages, 700);
    CU_ASSERT_EQUAL(POPULATE(d, 1000, 1, 10), 1);
    CU_ASSERT_EQUAL(d->outstanding_pages, 0); /* never below 0 */
    fx_check();
    domain_destroy(d);
}

static long claim_on(struct domain *d, uint64_t pages, unsigned flags)
{
    struct hv_memory_op op = {.cmd = XENMEM_claim_pages, .domid = d->id, .nr_extents = pages, .mem_flags = flags};
    return do_memory_op(&op);
}
#define ON_NODE(n) (XENMEMF_node(n) | XENMEMF_exact_node_request)

static void a_claim_on_a_node_keeps_that_nodes_memory(void)
{
    static const char *const levels[] = {"xen-4.2", "xen-4.3", "modern", "arm-numa"};

    for (unsigned l = 0; l < ARRAY_SIZE(levels); l++) {
        fx_boot_level(TWO_NODES, levels[l]);
        CU_ASSERT_EQUAL(claim_on(new_domain(1000), 100, ON_NODE(1)), -HV_EINVAL);
    }
    fx_boot_level(TWO_NODES, "fixed");
    struct domain *a = new_domain(1 << 20), *b = new_domain(1 << 20), *c = new_domain(1 << 20);
    uint64_t on1 = avail_node_pages(node(1));
    CU_ASSERT_EQUAL(claim_on(a, 100, XENMEMF_node(1)), -HV_EINVAL); /* not exactly */
    CU_ASSERT_EQUAL(claim_on(a, 100, ON_NODE(2)), -HV_EINVAL);      /* no such node */
    CU_ASSERT_EQUAL(claim_on(a, 100, ON_NODE(63)), -HV_EINVAL);
    CU_ASSERT_EQUAL(claim_on(a, on1 + 1, ON_NODE(1)), -HV_ENOMEM); /* the host has as much, the node does not */
    CU_ASSERT_EQUAL(outstanding_claims(), 0);
    CU_ASSERT_EQUAL(claim_on(a, on1 - 1000, ON_NODE(1)), 0);
    CU_ASSERT_EQUAL(outstanding_claims(), on1 - 1000);
    CU_ASSERT_EQUAL(node_outstanding_claims(node(1)), on1 - 1000);
    CU_ASSERT_EQUAL(node_outstanding_claims(node(0)), 0);
    CU_ASSERT_EQUAL(claim_on(b, 1001, ON_NODE(1)), -HV_ENOMEM);
    fx_check();

    /* Others get what is left there, and then what is elsewhere; the hypervisor and small pages too. */
    struct hv_memory_op op = {
        .cmd = XENMEM_populate_physmap, .domid = b->id, .nr_extents = 1200, .mem_flags = XENMEMF_node(1)};
    CU_ASSERT_EQUAL(do_memory_op(&op), 1200);
    CU_ASSERT_EQUAL(b->node_pages[1], 1000);
    CU_ASSERT_EQUAL(b->node_pages[0], 200);
    op =
        (struct hv_memory_op){.cmd = XENMEM_populate_physmap, .domid = c->id, .nr_extents = 1, .mem_flags = ON_NODE(1)};
    CU_ASSERT_EQUAL(do_memory_op(&op), 0);
    CU_ASSERT(mfn_eq(alloc_domheap_pages(NULL, 0, MEMF_node(node(1)) | MEMF_exact_node), MFN_INVALID));
    fx_check();

    /* Its own pages from there are taken off it, those from elsewhere are not. */
    op = (struct hv_memory_op){
        .cmd = XENMEM_populate_physmap, .domid = a->id, .nr_extents = 10, .mem_flags = ON_NODE(0)};
    CU_ASSERT_EQUAL(do_memory_op(&op), 10);
    CU_ASSERT_EQUAL(a->outstanding_pages, on1 - 1000);
    op = (struct hv_memory_op){.cmd = XENMEM_populate_physmap,
                               .domid = a->id,
                               .nr_extents = 300,
                               .mem_flags = ON_NODE(1),
                               .first_gfn = {4096}};
    CU_ASSERT_EQUAL(do_memory_op(&op), 300);
    CU_ASSERT_EQUAL(a->outstanding_pages, on1 - 1300);
    CU_ASSERT_EQUAL(node_outstanding_claims(node(1)), on1 - 1300);
    fx_check();

    /* All that is not claimed on the host is taken: what is left is the claimer's, and on that node alone. */
    while (POPULATE(c, c->tot_pages, 1, 0) == 1)
        ;
    CU_ASSERT_EQUAL(avail_pages(), outstanding_claims());
    op = (struct hv_memory_op){.cmd = XENMEM_populate_physmap, .domid = a->id, .nr_extents = 5, .first_gfn = {8192}};
    CU_ASSERT_EQUAL(do_memory_op(&op), 5);
    CU_ASSERT_EQUAL(a->node_pages[1], 305);
    fx_check();

    /* With the claim goes what it kept. */
    CU_ASSERT_EQUAL(CLAIM(a, 0), 0);
    CU_ASSERT_EQUAL(node_outstanding_claims(node(1)), 0);
    CU_ASSERT_EQUAL(POPULATE(b, 4096, 1, 0), 1);
    CU_ASSERT_EQUAL(b->node_pages[1], 1001);
    domain_destroy(c);
    CU_ASSERT_EQUAL(claim_on(a, a->tot_pages + 50, ON_NODE(0)), 0);
    domain_destroy(a);
    CU_ASSERT_EQUAL(outstanding_claims() + node_outstanding_claims(node(0)), 0);
    domain_destroy(b);
    fx_check();
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static void a_call_is_continued_where_it_stopped(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(1000);
    struct hv_memory_op op = {.domid = d->id, .nr_extents = 100};
    tp_cpu[0].irq_pending = true;
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ERESTART);
    CU_ASSERT_EQUAL(op.nr_done, 0);
    op.nr_done = 40; /* as if it had come that far */
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ERESTART);
    CU_ASSERT_EQUAL(op.nr_done, 40);
    tp_cpu[0].irq_pending = false;
    CU_ASSERT_EQUAL(do_memory_op(&op), 100);
    CU_ASSERT_EQUAL(d->tot_pages, 60);
    CU_ASSERT_EQUAL(frame_behind(d, 39), FRAME_NONE);
    CU_ASSERT_NOT_EQUAL(frame_behind(d, 40), FRAME_NONE);
    op.cmd = XENMEM_decrease_reservation;
    op.nr_done = 40;
    tp_cpu[0].irq_pending = true;
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ERESTART);
    CU_ASSERT_EQUAL(d->tot_pages, 60);
    tp_cpu[0].irq_pending = false;
    CU_ASSERT_EQUAL(do_memory_op(&op), 100);
    CU_ASSERT_EQUAL(d->tot_pages, 0);
    CU_ASSERT_EQUAL(tp_locks_held(), 0);
    domain_destroy(d);
}

static void bad_calls_are_refused(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(1000);
    struct hv_memory_op op = {.domid = dom(77), .nr_extents = 1};
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ESRCH);
    CU_ASSERT_EQUAL(POPULATE(d, P2M_MAX_GFN, 1, 0), -HV_EINVAL);
    CU_ASSERT_EQUAL(POPULATE(d, P2M_MAX_GFN - 1, 2, 0), -HV_EINVAL);
    CU_ASSERT_EQUAL(POPULATE(d, 0, ~0ull, 9), -HV_EINVAL);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 1, MAX_ORDER + 1), -HV_EINVAL);
    CU_ASSERT_EQUAL(POPULATE(d, P2M_MAX_GFN - 1, 1, 0), 1);
    CU_ASSERT_EQUAL(DECREASE(d, 5, 1, 0), 0); /* nothing there */
    op = (struct hv_memory_op){.cmd = XENMEM_claim_pages, .domid = d->id, .nr_extents = 10, .extent_order = 1};
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EINVAL);
    op.cmd = (enum hv_memory_cmd)99;
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ENOSYS);
    domain_destroy(d);
}

static void a_guest_works_on_itself_and_up_to_2_mib(void)
{
    fx_boot(ONE_NODE);
    struct domain *other = new_domain(1000), *d = fx_domain(1);
    d->max_pages = 1 << 15;
    fx_start(d);
    tp_settle_all();
    CU_ASSERT_PTR_EQUAL_FATAL(hv_core_get()->current(d->vcpu[0]->processor), d->vcpu[0]);
    tp_set_cpu(d->vcpu[0]->processor.n);
    struct hv_memory_op op = {.domid = other->id, .nr_extents = 1};
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EPERM);
    op.domid = dom(77);
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EPERM);
    CU_ASSERT_EQUAL(CLAIM(d, 10), -HV_EPERM);
    CU_ASSERT_EQUAL(POPULATE(d, 1 << 10, 1, 10), 0);
    CU_ASSERT_EQUAL(POPULATE(d, 1 << 10, 1, 9), 1);
    CU_ASSERT_EQUAL(DECREASE(d, 1 << 10, 1, 10), 0);
    CU_ASSERT_EQUAL(DECREASE(d, 1 << 10, 2, 8), 2);
    tp_set_cpu(0);
    CU_ASSERT_EQUAL(POPULATE(d, 1 << 10, 1, 10), 1); /* dom0, or the hypervisor itself */
    fx_check();
}

/* ---- p2m --------------------------------------------------------------------------------------------------------- */

static void entries_are_as_large_as_alignment_allows(void)
{
    fx_boot((struct tp_machine){1, 1, 1, 1, 3u << 18});
    struct domain *d = new_domain(1 << 20);
    uint64_t counted = tp_perfc[PERFC_p2m_set];
    CU_ASSERT_EQUAL(POPULATE(d, 1 << 18, 1, 18), 1);
    CU_ASSERT_EQUAL(tp_perfc[PERFC_p2m_set] - counted, 1);
    CU_ASSERT_EQUAL(order_behind(d, (1 << 18) + 77777), 18);
    CU_ASSERT_EQUAL(frame_behind(d, (1 << 18) + 77777), frame_behind(d, 1 << 18) + 77777);
    counted = tp_perfc[PERFC_p2m_set];
    CU_ASSERT_EQUAL(POPULATE(d, 512, 1, 10), 1);
    CU_ASSERT_EQUAL(tp_perfc[PERFC_p2m_set] - counted, 2);
    CU_ASSERT_EQUAL(order_behind(d, 1024), 9);
    counted = tp_perfc[PERFC_p2m_set];
    CU_ASSERT_EQUAL(POPULATE(d, 4096 + 1, 1, 10), 1); /* frame and guest frame are never aligned together */
    CU_ASSERT_EQUAL(tp_perfc[PERFC_p2m_set] - counted, 1024);
    for (unsigned i = 0; i < 1024; i++) {
        CU_ASSERT_EQUAL(order_behind(d, 4097 + i), 0);
        CU_ASSERT_EQUAL(frame_behind(d, 4097 + i), frame_behind(d, 4097) + i);
    }
    CU_ASSERT_EQUAL(frame_behind(d, 4096), FRAME_NONE);
    CU_ASSERT_EQUAL(frame_behind(d, 4097 + 1024), FRAME_NONE);
    fx_check();
    domain_destroy(d);
}

static void a_page_out_of_a_superpage_splits_it(void)
{
    fx_boot((struct tp_machine){1, 1, 1, 1, 3u << 18});
    struct domain *d = new_domain(1 << 20);
    uint64_t before = avail_pages();
    CU_ASSERT_EQUAL(POPULATE(d, 1 << 18, 1, 18), 1);
    uint64_t first = frame_behind(d, 1 << 18);
    CU_ASSERT_EQUAL(DECREASE(d, (1 << 18) + 1000, 1, 0), 1);
    fx_check();
    CU_ASSERT_EQUAL(frame_behind(d, (1 << 18) + 1000), FRAME_NONE);
    CU_ASSERT_EQUAL(order_behind(d, (1 << 18) + 999), 0);
    CU_ASSERT_EQUAL(order_behind(d, (1 << 18) + 1024), 9);
    for (unsigned i = 0; i < 1 << 18; i++)
        if (i != 1000 && frame_behind(d, (1 << 18) + i) != first + i)
            CU_FAIL_FATAL("a frame moved");
    CU_ASSERT_EQUAL(d->tot_pages, (1 << 18) - 1);
    /* The rest goes as one extent of the caller's, over entries and extents of all sizes. */
    CU_ASSERT_EQUAL(POPULATE(d, (1 << 18) + 1000, 1, 0), 1);
    CU_ASSERT_EQUAL(DECREASE(d, 1 << 18, 1, 18), 1);
    CU_ASSERT_EQUAL(d->tot_pages, 0);
    CU_ASSERT_EQUAL(avail_pages(), before);
    fx_check();
    domain_destroy(d);
}

static void a_superpage_over_small_pages_replaces_them(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(1 << 20);
    CU_ASSERT_EQUAL(POPULATE(d, 512, 300, 0), 300);
    CU_ASSERT_EQUAL(POPULATE(d, 512, 1, 9), 1);
    CU_ASSERT_EQUAL(order_behind(d, 512 + 299), 9);
    CU_ASSERT_EQUAL(d->tot_pages, 812); /* as in Xen, the pages stay the domain's until its end */
    CU_ASSERT_EQUAL(POPULATE(d, 513, 1, 0), 1);
    CU_ASSERT_EQUAL(order_behind(d, 514), 0);
    fx_check();
    size_t table = tp_frametable_bytes;
    for (unsigned i = 0; i < 50; i++) { /* and their table goes */
        CU_ASSERT_EQUAL(POPULATE(d, 512, 1, 9), 1);
        CU_ASSERT_EQUAL(POPULATE(d, 513, 1, 0), 1);
    }
    CU_ASSERT(tp_frametable_bytes <= table + 2 * 512 * sizeof(struct frame));
    domain_destroy(d);
    fx_check();
}

/* ---- dom0 -------------------------------------------------------------------------------------------------------- */

static void dom0_alternates_between_the_nodes(void)
{
    fx_boot((struct tp_machine){2, 1, 2, 1, 4u << 18});
    CU_ASSERT_EQUAL(hv_core_get()->construct_dom0(2, 3ull << 30), 0);
    struct domain *d = domain_find(dom(0));
    CU_ASSERT_EQUAL(d->tot_pages, 3u << 18);
    CU_ASSERT_EQUAL(d->node_pages[1], 3u << 17); /* chunks of nodes 1, 0, 1, 0... */
    CU_ASSERT_EQUAL(d->node_pages[0], 3u << 17);
    CU_ASSERT(order_behind(d, 0) >= 9);
    CU_ASSERT(order_behind(d, (3u << 18) - 1) >= 9);
    CU_ASSERT_EQUAL(mfn_to_node(mfn(frame_behind(d, 0))).n, 1);
    for (unsigned g = 0; g < 3u << 18; g += 4096)
        CU_ASSERT(frame_behind(d, g) >= 1u << 18); /* the DMA zone is left alone */
    fx_check();
}

static void dom0_gets_what_is_left_of_odd_sizes(void)
{
    fx_boot(TWO_NODES);
    uint64_t all = avail_pages(), want = all - 2000;
    CU_ASSERT_EQUAL(hv_core_get()->construct_dom0(1, want << PAGE_SHIFT), 0);
    struct domain *d = domain_find(dom(0));
    CU_ASSERT_EQUAL(d->tot_pages, want);
    for (uint64_t g = 0; g < want; g++)
        if (frame_behind(d, g) == FRAME_NONE)
            CU_FAIL_FATAL("a hole in dom0");
    fx_check();
    fx_boot(TWO_NODES);
    CU_ASSERT_EQUAL(hv_core_get()->construct_dom0(1, (all + 1) << PAGE_SHIFT), -HV_ENOMEM);
    CU_ASSERT_PTR_NULL(domain_find(dom(0)));
    CU_ASSERT_EQUAL(avail_pages(), all);
    fx_check();
}

/* ---- the core's own memory --------------------------------------------------------------------------------------- */

static uint64_t seed = 1;

static unsigned rnd(unsigned below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)((seed >> 33) % below);
}

static void objects_are_zero_aligned_and_apart(void)
{
    static struct {
        unsigned char *p;
        size_t size;
        unsigned char tag;
    } obj[400];
    fx_boot(ONE_NODE);
    size_t mapped = tp_mapped;
    uint64_t before = avail_pages();
    memset(obj, 0, sizeof(obj));
    for (unsigned i = 0; i < 20000; i++) {
        unsigned k = rnd(400);
        if (obj[k].p) {
            for (size_t b = 0; b < obj[k].size; b++)
                if (obj[k].p[b] != obj[k].tag)
                    CU_FAIL_FATAL("an object was written to by another");
            hv_free(obj[k].p);
            obj[k].p = NULL;
            continue;
        }
        obj[k].size = 1 + rnd(rnd(20) ? 2200 : 20000);
        obj[k].tag = (unsigned char)(1 + rnd(255));
        obj[k].p = hv_zalloc(obj[k].size);
        CU_ASSERT_PTR_NOT_NULL_FATAL(obj[k].p);
        if (obj[k].size >= 64)
            CU_ASSERT_EQUAL((uintptr_t)obj[k].p % 64, 0);
        CU_ASSERT_EQUAL((uintptr_t)obj[k].p % 16, 0);
        for (size_t b = 0; b < obj[k].size; b++)
            if (obj[k].p[b])
                CU_FAIL_FATAL("not zero");
        memset(obj[k].p, obj[k].tag, obj[k].size);
    }
    for (unsigned k = 0; k < 400; k++)
        hv_free(obj[k].p);
    CU_ASSERT_EQUAL(tp_mapped, mapped);
    CU_ASSERT_EQUAL(avail_pages(), before);
    CU_ASSERT_PTR_NULL(hv_zalloc((size_t)PAGE_SIZE << (MAX_ORDER + 1)));
    fx_check();
}

static void xen_heap_extents_come_and_go(void)
{
    static void *va[3000];
    fx_boot(ONE_NODE);
    uint64_t before = avail_pages();
    for (unsigned i = 0; i < 3000; i++)
        CU_ASSERT_PTR_NOT_NULL_FATAL(va[i] = alloc_xenheap_pages(i % 3, 0));
    fx_check();
    for (unsigned i = 0; i < 3000; i++) {
        unsigned k = i * 1709 % 3000; /* coprime: each once */
        unsigned order;
        CU_ASSERT(xenheap_order(va[k], &order));
        CU_ASSERT_EQUAL(order, k % 3);
        free_xenheap_pages(va[k], order);
        CU_ASSERT_FALSE(xenheap_order(va[k], &order));
    }
    CU_ASSERT_EQUAL(avail_pages(), before);
    tp_alloc_budget = 0;
    CU_ASSERT_PTR_NULL(alloc_xenheap_pages(3, 0));
    CU_ASSERT_EQUAL(avail_pages(), before);
    fx_check();
}

/* ---- unwinding ----------------------------------------------------------------------------------------------------
 */

/* A life of a domain in which everything may fail; true if nothing did. */
static bool life(void)
{
    dom_id id = DOM_INVALID;
    struct domain *d;
    bool ok = true;
    if (domain_create(&id, HV_GUEST_PV, 0, &d))
        return false;
    d->max_pages = 1 << 20;
    ok &= CLAIM(d, 20000) == 0;
    ok &= POPULATE(d, 0, 3, 9) == 3;
    ok &= POPULATE(d, (1 << 18) + 1, 700, 0) == 700;
    ok &= POPULATE(d, 2 << 18, 1, 12) == 1;
    ok &= DECREASE(d, 700, 1, 0) == 1;
    ok &= DECREASE(d, (2 << 18) + 3, 100, 1) == 100;
    ok &= CLAIM(d, 0) == 0;
    fx_check();
    domain_destroy(d);
    return ok;
}

static void every_failure_unwinds(void)
{
    fx_boot(TWO_NODES);
    CU_ASSERT(life());
    uint64_t avail = avail_pages();
    size_t mapped = tp_mapped, table = tp_frametable_bytes;
    bool done = false;
    for (int budget = 0; !done; budget++) {
        CU_ASSERT_FATAL(budget < 1000);
        tp_frametable_budget = budget;
        done = life();
        tp_frametable_budget = -1;
        CU_ASSERT_EQUAL(avail_pages(), avail);
        CU_ASSERT_EQUAL(outstanding_claims(), 0);
        CU_ASSERT_EQUAL(tp_mapped, mapped);
        CU_ASSERT_EQUAL(tp_locks_held(), 0);
        fx_check();
        /* The descriptors kept for the next blocks, and nothing else. */
        CU_ASSERT(tp_frametable_bytes <= table + 16 * 512 * sizeof(struct frame));
    }
    done = false;
    for (int budget = 0; !done; budget++) {
        CU_ASSERT_FATAL(budget < 1000);
        tp_alloc_budget = budget;
        done = life();
        tp_alloc_budget = -1;
        CU_ASSERT_EQUAL(avail_pages(), avail);
        CU_ASSERT_EQUAL(tp_mapped, mapped);
        fx_check();
    }
    for (unsigned i = 0; i < 100; i++)
        life();
    CU_ASSERT(tp_frametable_bytes <= table + 16 * 512 * sizeof(struct frame));
}

/* ---- random operations against a plain model ----------------------------------------------------------------------
 */

#define NR_DOMS 4u
#define NR_GFNS 3000u
#define BOUND 1024u /* gfns begin here, so that 2 MiB extents may be aligned or not */

static struct {
    struct domain *d;
    uint64_t frame[NR_GFNS];
    uint64_t orphans; /* pages that lost their guest frame to a later populate */
} model[NR_DOMS];

static void check_at_wait(void)
{
    static unsigned n;
    if (n++ % 16 == 0) {
        const char *broken = mm_check();
        if (broken) {
            tp_yield = NULL;
            fprintf(stderr, "where time may pass: %s\n", broken);
            CU_FAIL_FATAL("an invariant broke");
        }
    }
}

static void check_model(unsigned k)
{
    uint64_t mapped = 0;
    for (unsigned g = 0; g < NR_GFNS; g++) {
        if (frame_behind(model[k].d, BOUND + g) != model[k].frame[g])
            CU_FAIL_FATAL("the p2m differs from the model");
        mapped += model[k].frame[g] != FRAME_NONE;
    }
    CU_ASSERT_EQUAL(model[k].d->tot_pages, mapped + model[k].orphans);
}

static void check_no_frame_twice(void)
{
    static unsigned char seen[200000];
    memset(seen, 0, sizeof(seen));
    for (unsigned k = 0; k < NR_DOMS; k++)
        for (unsigned g = 0; model[k].d && g < NR_GFNS; g++) {
            uint64_t f = model[k].frame[g];
            if (f == FRAME_NONE)
                continue;
            CU_ASSERT_FATAL(f < sizeof(seen) && !seen[f]);
            seen[f] = 1;
        }
}

static void random_populate(unsigned k)
{
    unsigned order = rnd(4) ? rnd(3) : rnd(11), g = rnd(NR_GFNS - (1u << order));
    unsigned nr = 1 + rnd(rnd(3) ? 4 : 40);
    if (rnd(2))
        g &= ~((1u << order) - 1);
    while (g + (nr << order) > NR_GFNS)
        nr--;
    long done = POPULATE(model[k].d, BOUND + g, nr, order);
    CU_ASSERT_FATAL(done >= 0 && done <= (long)nr);
    for (unsigned i = g; i < g + ((unsigned)done << order); i++) {
        model[k].orphans += model[k].frame[i] != FRAME_NONE;
        model[k].frame[i] = frame_behind(model[k].d, BOUND + i);
        CU_ASSERT_NOT_EQUAL_FATAL(model[k].frame[i], FRAME_NONE);
        if ((i - g) & ((1u << order) - 1))
            CU_ASSERT_EQUAL(model[k].frame[i], model[k].frame[i - 1] + 1);
    }
}

static void random_decrease(unsigned k)
{
    unsigned order = rnd(4) ? rnd(3) : rnd(11), g = rnd(NR_GFNS - (1u << order)), end = g + (1u << order), i = g;
    long done = DECREASE(model[k].d, BOUND + g, 1, order);
    /* Page by page up to the first hole, as Xen does. */
    while (i < end && model[k].frame[i] != FRAME_NONE)
        model[k].frame[i++] = FRAME_NONE;
    CU_ASSERT_EQUAL(done, i == end);
}

static void random_run(const char *level)
{
    fx_boot_level((struct tp_machine){3, 1, 1, 1, 8000}, level);
    uint64_t avail = avail_pages();
    size_t mapped = tp_mapped;
    tp_yield = check_at_wait;
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < 4000; i++) {
        unsigned k = rnd(NR_DOMS), what = rnd(100);
        if (!model[k].d) {
            model[k].d = new_domain(rnd(3) ? 1 << 20 : 2000);
            model[k].orphans = 0;
            for (unsigned g = 0; g < NR_GFNS; g++)
                model[k].frame[g] = FRAME_NONE;
            nodemask_t mask = {1 + rnd(7)};
            CU_ASSERT_EQUAL(domain_set_node_affinity(model[k].d, mask), 0);
        }
        if (what < 50)
            random_populate(k);
        else if (what < 90)
            random_decrease(k);
        else if (what < 95)
            CLAIM(model[k].d, rnd(2) ? 0 : rnd(6000));
        else if (what < 97) {
            domain_destroy(model[k].d);
            model[k].d = NULL;
        }
        if (model[k].d)
            check_model(k);
        fx_check();
        if (i % 100 == 0)
            check_no_frame_twice();
    }
    for (unsigned k = 0; k < NR_DOMS; k++)
        if (model[k].d)
            domain_destroy(model[k].d);
    tp_yield = NULL;
    CU_ASSERT_EQUAL(avail_pages(), avail);
    CU_ASSERT_EQUAL(tp_mapped, mapped);
    CU_ASSERT_EQUAL(outstanding_claims(), 0);
    fx_check();
}

static void random_operations_keep_every_invariant(void)
{
    for (const struct hv_profile *p = hv_profiles; p->name; p++)
        random_run(p->name);
}

/* ---- the checker itself --------------------------------------------------------------------------------------------
 */

static void the_checker_sees_what_is_broken(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(1000);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 10, 0), 10);
    CU_ASSERT_PTR_NULL(mm_check());
    d->tot_pages++;
    CU_ASSERT_PTR_NOT_NULL(mm_check());
    d->tot_pages--;
    d->node_pages[3]++;
    CU_ASSERT_PTR_NOT_NULL(mm_check());
    d->node_pages[3]--;
    struct frame *e = frame_at(frame_behind(d, 5), 0);
    e->owner++;
    CU_ASSERT_PTR_NOT_NULL(mm_check());
    e->owner--;
    d->outstanding_pages++;
    CU_ASSERT_PTR_NOT_NULL(mm_check());
    d->outstanding_pages--;
    unsigned z = 15, o = MAX_ORDER;
    while (heap_list(0, z, o)->head == LINK_NONE)
        o--;
    e = frame_of_link(heap_list(0, z, o)->head);
    e->node++;
    CU_ASSERT_PTR_NOT_NULL(mm_check());
    e->node--;
    e->state = FRAME_inuse;
    CU_ASSERT_PTR_NOT_NULL(mm_check());
    e->state = FRAME_free;
    CU_ASSERT_PTR_NULL(mm_check());
    domain_destroy(d);
}

/* Xen's error for that is the one for memory; the console says which it is. */
static void domains_end_where_ids_do(void)
{
    struct domain *d, *one = NULL;
    fx_boot(ONE_NODE);
    for (unsigned i = DOM_FIRST_RESERVED - 1u; i > 0; i--) { /* downwards: each comes first in the list */
        dom_id id = dom(i);
        CU_ASSERT_EQUAL_FATAL(domain_create(&id, HV_GUEST_HVM, 0, &d), 0);
        if (i == 20000)
            one = d;
    }
    dom_id id = DOM_INVALID;
    CU_ASSERT_PTR_NULL(strstr(tp_console, "No free domain ID"));
    CU_ASSERT_EQUAL(domain_create(&id, HV_GUEST_HVM, 0, &d), -HV_ENOMEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "No free domain ID: 1 to 32751 are all in use\n"));
    CU_ASSERT_EQUAL(domain_destroy(one), 0);
    id = DOM_INVALID;
    CU_ASSERT_EQUAL(domain_create(&id, HV_GUEST_HVM, 0, &d), 0);
    CU_ASSERT_EQUAL(id.n, 20000);
}

static const struct cunit_case tests[] = {
    {"max_pages is never passed", max_pages_is_never_passed},
    {"pages per node are the heap's own count", pages_per_node_are_the_heaps_own_count},
    {"a node can be asked for, exactly or not", a_node_can_be_asked_for},
    {"a domain can take all and gives all back, scrubbed", populate_takes_all_there_is_and_destroy_gives_all_back},
    {"a claim keeps memory for its domain", a_claim_keeps_memory_for_its_domain},
    {"a claim grows back when pages are freed, or only shrinks", a_claim_grows_back_when_pages_are_freed},
    {"a claim on a node keeps that node's memory", a_claim_on_a_node_keeps_that_nodes_memory},
    {"a call is continued where it stopped", a_call_is_continued_where_it_stopped},
    {"bad calls are refused", bad_calls_are_refused},
    {"a guest works on itself, and up to 2 MiB at a time", a_guest_works_on_itself_and_up_to_2_mib},
    {"entries are as large as alignment allows", entries_are_as_large_as_alignment_allows},
    {"a page out of a superpage splits it", a_page_out_of_a_superpage_splits_it},
    {"a superpage over small pages replaces them", a_superpage_over_small_pages_replaces_them},
    {"dom0 alternates between the nodes in large chunks", dom0_alternates_between_the_nodes},
    {"dom0 gets odd sizes, and all or nothing", dom0_gets_what_is_left_of_odd_sizes},
    {"objects are zero, aligned and apart", objects_are_zero_aligned_and_apart},
    {"Xen heap extents come and go", xen_heap_extents_come_and_go},
    {"every failure unwinds", every_failure_unwinds},
    {"random operations keep every invariant, at every level", random_operations_keep_every_invariant},
    {"there are as many domains as ids", domains_end_where_ids_do},
    {"the checker sees what is broken", the_checker_sees_what_is_broken},
};
CUNIT_MAIN("hv-core/mm_domain", tests)
