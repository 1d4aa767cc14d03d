/* SPDX-License-Identifier: GPL-2.0-or-later */
/* References to frames: what others hold stays, and goes with the last of them; domains that are dying meanwhile. */
#include "mm_domain.h"

static struct domain *new_guest(uint64_t max_pages)
{
    struct domain *d = fx_domain(1);
    d->max_pages = max_pages;
    return d;
}

static mfn_t page_behind(struct domain *d, uint64_t gfn)
{
    return mfn(frame_behind(d, gfn));
}

static struct page_counts counts(mfn_t m)
{
    struct page_counts c;
    page_count(m, &c);
    return c;
}

/* Any domctl; -HV_ESRCH: there is no domain with an id of that or above. */
static long look(struct domain *d, dom_id id)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo, .domid = id};
    long rc = do_domctl(&op);
    (void)d;
    return rc ? rc : op.u.getdomaininfo.dying ? 1 : 0;
}

static long destroy(dom_id id)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_destroydomain, .domid = id};
    return do_domctl(&op);
}

/* ---- counting ---------------------------------------------------------------------------------------------------- */

static void only_the_owners_frames_can_be_held(void)
{
    fx_boot(ONE_NODE);
    struct domain *a = new_guest(1 << 16), *b = new_guest(1 << 16);
    CU_ASSERT_EQUAL(POPULATE(a, 0, 1, 9), 1);
    mfn_t m = page_behind(a, 77);
    CU_ASSERT_EQUAL(counts(m).count, 0); /* no more than its owner's */
    CU_ASSERT_EQUAL(get_page(m, b), -HV_EINVAL);
    CU_ASSERT_EQUAL(get_page(mfn(1ull << 50), a), -HV_EINVAL);
    CU_ASSERT_EQUAL(get_page(MFN_INVALID, a), -HV_EINVAL);
    CU_ASSERT_EQUAL(get_page(mfn(0), a), -HV_EINVAL); /* free */
    mfn_t anonymous = alloc_domheap_pages(NULL, 0, 0);
    CU_ASSERT_EQUAL(get_page(anonymous, a), -HV_EINVAL);
    free_domheap_pages(anonymous, 0);
    CU_ASSERT_EQUAL(get_page(m, a), 0);
    CU_ASSERT_EQUAL(get_page(m, a), 0);
    CU_ASSERT_EQUAL(counts(m).count, 2);
    CU_ASSERT_EQUAL(a->nr_page_refs, 1);
    fx_check();
    put_page(m);
    put_page(m);
    CU_ASSERT_EQUAL(counts(m).count, 0);
    CU_ASSERT_EQUAL(a->nr_page_refs, 0);
    CU_ASSERT_EQUAL(frame_at(m.n & ~511ull, 9)->order, 9); /* and the superpage is whole as ever */
    fx_check();
}

static void types_exclude_each_other(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_guest(1000);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 2, 0), 2);
    mfn_t m = page_behind(d, 0);
    CU_ASSERT_EQUAL(get_page_and_type(m, d, PGT_l1_page_table), 0);
    CU_ASSERT_EQUAL(get_page_and_type(m, d, PGT_writable_page), -HV_EBUSY);
    CU_ASSERT_EQUAL(get_page_and_type(m, d, PGT_l1_page_table), 0);
    CU_ASSERT_EQUAL(get_page(m, d), 0);
    CU_ASSERT_EQUAL(counts(m).count, 3);
    CU_ASSERT_EQUAL(counts(m).type_count, 2);
    put_page_and_type(m);
    put_page_and_type(m);
    CU_ASSERT_EQUAL(counts(m).type_count, 0);
    CU_ASSERT_EQUAL(get_page_and_type(m, d, PGT_writable_page), 0); /* the type is free again */
    if (TP_PANICS()) {
        put_page(m);
        put_page(m); /* its type would be referred to more often than itself */
        tp_no_panic();
        CU_FAIL("a page with a type count went");
    }
}

static void a_reference_put_twice_is_a_panic(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_guest(1000);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 1, 0), 1);
    mfn_t m = page_behind(d, 0);
    CU_ASSERT_EQUAL(get_page(m, d), 0);
    put_page(m);
    if (TP_PANICS()) {
        put_page(m);
        tp_no_panic();
        CU_FAIL("a reference was put that nobody had");
    }
}

static void a_frame_freed_twice_is_a_panic_and_the_heap_is_unchanged(void)
{
    fx_boot(ONE_NODE);
    mfn_t m = alloc_domheap_pages(NULL, 3, 0);
    free_domheap_pages(m, 3);
    uint64_t avail = avail_pages();
    if (TP_PANICS()) {
        free_domheap_pages(m, 3);
        tp_no_panic();
        CU_FAIL("a frame was freed twice");
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_panic_text, "FRAME_inuse"));
    CU_ASSERT_EQUAL(tp_locks_held(), 0);
    CU_ASSERT_EQUAL(avail_pages(), avail);
    fx_check();
    /* A guest that does so is told. */
    struct domain *d = new_guest(1000);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 1, 3), 1);
    CU_ASSERT_EQUAL(DECREASE(d, 0, 1, 3), 1);
    avail = avail_pages();
    CU_ASSERT_EQUAL(DECREASE(d, 0, 1, 3), 0);
    CU_ASSERT_EQUAL(avail_pages(), avail);
    fx_check();
}

static void the_table_is_full_at_its_limit_and_finds_all(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_guest(1 << 15);
    unsigned want = PAGE_REF_MAX_FRAMES;
    CU_ASSERT_EQUAL(POPULATE(d, 0, want + 1, 0), want + 1);
    for (unsigned i = 0; i < want; i++)
        CU_ASSERT_EQUAL_FATAL(get_page(page_behind(d, i), d), 0);
    CU_ASSERT_EQUAL(get_page(page_behind(d, want), d), -HV_ENOMEM);
    CU_ASSERT_EQUAL(get_page(page_behind(d, 5), d), 0); /* one that is in it already */
    fx_check();
    put_page(page_behind(d, 5));
    /* In another order, so that the gaps close over all kinds of neighbours. */
    for (unsigned i = 0; i < want; i++) {
        put_page(page_behind(d, i * 1709u % want));
        if (i % 512 == 0)
            fx_check();
    }
    CU_ASSERT_EQUAL(d->nr_page_refs, 0);
    CU_ASSERT_EQUAL(get_page(page_behind(d, want), d), 0);
    fx_check();
}

/* ---- frames that others hold --------------------------------------------------------------------------------------
 */

static void a_held_frame_stays_until_it_is_put(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_guest(1 << 16);
    uint64_t before = avail_pages();
    CU_ASSERT_EQUAL(POPULATE(d, 512, 1, 9), 1);
    mfn_t m = page_behind(d, 512 + 100), n = page_behind(d, 512 + 511);
    CU_ASSERT_EQUAL(get_page(m, d), 0);
    CU_ASSERT_EQUAL(get_page(n, d), 0);
    CU_ASSERT_EQUAL(DECREASE(d, 512, 1, 9), 1); /* it has given all of it up, as far as it can tell */
    CU_ASSERT_EQUAL(page_behind(d, 512 + 100).n, FRAME_NONE);
    CU_ASSERT_EQUAL(d->tot_pages, 2);
    CU_ASSERT_EQUAL(before - avail_pages(), 2);
    CU_ASSERT(counts(m).given_up);
    fx_check();
    put_page(m);
    CU_ASSERT_EQUAL(d->tot_pages, 1);
    fx_check();
    CU_ASSERT_EQUAL(get_page(n, d), 0); /* it can be held on */
    put_page(n);
    put_page(n);
    CU_ASSERT_EQUAL(d->tot_pages, 0);
    CU_ASSERT_EQUAL(avail_pages(), before);
    fx_check();
}

static void a_held_frame_in_a_gigabyte_is_found_without_looking_at_all(void)
{
    fx_boot((struct tp_machine){1, 1, 1, 1, 3u << 18});
    struct domain *d = new_guest(1 << 20);
    uint64_t before = avail_pages();
    CU_ASSERT_EQUAL(POPULATE(d, 1 << 18, 1, 18), 1);
    mfn_t m = page_behind(d, (1 << 18) + 123456);
    CU_ASSERT_EQUAL(get_page(m, d), 0);
    CU_ASSERT_EQUAL(DECREASE(d, 1 << 18, 1, 18), 1);
    CU_ASSERT_EQUAL(before - avail_pages(), 1);
    fx_check();
    put_page(m);
    CU_ASSERT_EQUAL(avail_pages(), before);
    fx_check();
}

static void a_claim_does_not_grow_for_what_stays(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_guest(1 << 15);
    struct hv_memory_op op = {.cmd = XENMEM_claim_pages, .domid = d->id, .nr_extents = 1000};
    CU_ASSERT_EQUAL(do_memory_op(&op), 0);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 1, 6), 1);
    mfn_t m = page_behind(d, 3);
    CU_ASSERT_EQUAL(get_page(m, d), 0);
    CU_ASSERT_EQUAL(DECREASE(d, 0, 1, 6), 1);
    CU_ASSERT_EQUAL(d->outstanding_pages + d->tot_pages, 1000);
    CU_ASSERT_EQUAL(d->tot_pages, 1);
    put_page(m);
    CU_ASSERT_EQUAL(d->outstanding_pages, 1000);
    fx_check();
}

static void no_descriptors_for_the_parts(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_guest(1 << 15);
    CU_ASSERT_EQUAL(POPULATE(d, 512, 1, 9), 1);
    mfn_t m = page_behind(d, 512 + 100);
    CU_ASSERT_EQUAL(get_page(m, d), 0);
    uint64_t avail = avail_pages();
    tp_frametable_budget = 0;
    CU_ASSERT_EQUAL(DECREASE(d, 512, 1, 9), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 512);
    CU_ASSERT_EQUAL(avail_pages(), avail);
    CU_ASSERT_FALSE(counts(m).given_up);
    fx_check();
    /* So with the end of the domain, which then is not the end. */
    dom_id id = d->id;
    CU_ASSERT_EQUAL(destroy(id), -HV_ENOMEM);
    CU_ASSERT_EQUAL(look(d, id), 1);
    fx_check();
    tp_frametable_budget = -1;
    CU_ASSERT_EQUAL(destroy(id), 0); /* tried again: all but the frame */
    CU_ASSERT_EQUAL(domain_find(id)->tot_pages, 1);
    fx_check();
    put_page(m);
    CU_ASSERT_EQUAL(look(d, id), -HV_ESRCH);
    fx_check();
}

/* ---- dying domains ------------------------------------------------------------------------------------------------
 */

static void a_dying_domain_waits_for_its_last_frame(void)
{
    fx_boot(ONE_NODE);
    uint64_t before = avail_pages();
    size_t mapped = tp_mapped;
    struct domain *d = new_guest(1 << 15);
    dom_id id = d->id;
    uint64_t core = before - avail_pages();
    CU_ASSERT_EQUAL(POPULATE(d, 0, 1000, 0), 1000);
    CU_ASSERT_EQUAL(POPULATE(d, 2048, 4, 9), 4);
    mfn_t m = page_behind(d, 500), n = page_behind(d, 2048 + 700);
    CU_ASSERT_EQUAL(get_page(m, d), 0);
    CU_ASSERT_EQUAL(get_page(n, d), 0);
    uint64_t cleared = tp_pages_cleared;
    CU_ASSERT_EQUAL(destroy(id), 0);
    CU_ASSERT_EQUAL(tp_pages_cleared - cleared, 1000 + 4 * 512 - 2);
    CU_ASSERT_EQUAL(d->tot_pages, 2);
    CU_ASSERT(before - avail_pages() <= core + 2); /* its p2m is gone too */
    CU_ASSERT_EQUAL(look(d, id), 1);
    CU_ASSERT_EQUAL(get_page(n, d), -HV_EINVAL); /* it is too late for that */
    CU_ASSERT_EQUAL(POPULATE(d, 0, 1, 0), 0);
    CU_ASSERT_EQUAL(DECREASE(d, 500, 1, 0), 0);
    CU_ASSERT_EQUAL(destroy(id), 0); /* again: it is dead enough */
    CU_ASSERT_EQUAL(look(d, id), 1);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_createdomain, .domid = id};
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_EEXIST); /* its number is taken */
    fx_check();
    put_page(m);
    CU_ASSERT_EQUAL(look(d, id), 1);
    put_page(n);
    CU_ASSERT_EQUAL(tp_pages_cleared - cleared, 1000 + 4 * 512);
    CU_ASSERT_EQUAL(look(d, id), -HV_ESRCH); /* whoever looks does not see it any more */
    CU_ASSERT_EQUAL(avail_pages(), before);
    CU_ASSERT_EQUAL(tp_mapped, mapped);
    CU_ASSERT_EQUAL(tp_locks_held(), 0);
    fx_check();
}

static void many_die_and_are_let_go_in_any_order(void)
{
    fx_boot(ONE_NODE);
    uint64_t before = avail_pages();
    dom_id id[8];
    mfn_t held[8];
    for (unsigned i = 0; i < 8; i++) {
        struct domain *d = new_guest(1000);
        id[i] = d->id;
        CU_ASSERT_EQUAL(POPULATE(d, 0, 10, 2), 10);
        held[i] = page_behind(d, 3 * i);
        CU_ASSERT_EQUAL(get_page(held[i], d), 0);
    }
    for (unsigned i = 0; i < 8; i++)
        CU_ASSERT_EQUAL(destroy(id[i * 3 % 8]), 0);
    for (unsigned i = 0; i < 8; i++) {
        put_page(held[i * 5 % 8]);
        if (i % 3 == 0)
            look(NULL, dom(1));
        fx_check();
    }
    CU_ASSERT_EQUAL(look(NULL, dom(1)), -HV_ESRCH);
    CU_ASSERT_EQUAL(avail_pages(), before);
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

static void a_limit_says_so(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_guest(100);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 90, 0), 90);
    CU_ASSERT_EQUAL(POPULATE(d, 128, 1, 4), 0);
    char line[100];
    snprintf(line, sizeof(line), "Over-allocation for domain %u: 106 > 100", d->id.n);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, line));
    /* Below what it has: nothing is taken away, and nothing more is given until it is below it. */
    struct hv_domctl op = {.cmd = XEN_DOMCTL_max_mem, .domid = d->id};
    op.u.max_mem.max_memkb = 4 * 50;
    CU_ASSERT_EQUAL(do_domctl(&op), 0);
    CU_ASSERT_EQUAL(d->tot_pages, 90);
    CU_ASSERT_EQUAL(POPULATE(d, 128, 1, 0), 0);
    CU_ASSERT_EQUAL(DECREASE(d, 0, 41, 0), 41);
    CU_ASSERT_EQUAL(POPULATE(d, 128, 2, 0), 1);
    CU_ASSERT_EQUAL(d->tot_pages, 50);
    /* As large as can be. */
    op.u.max_mem.max_memkb = ~0ull;
    CU_ASSERT_EQUAL(do_domctl(&op), 0);
    CU_ASSERT_EQUAL(POPULATE(d, 512, 1, 9), 1);
    d->is_dying = true;
    CU_ASSERT_EQUAL(mfn_eq(alloc_domheap_pages(d, 0, 0), MFN_INVALID), true);
    snprintf(line, sizeof(line), "Cannot assign pages to domain %u: it is dying", d->id.n);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, line));
    d->is_dying = false;
    fx_check();
}

static const struct cunit_case tests[] = {
    {"only the owner's frames can be held, and nothing else changes", only_the_owners_frames_can_be_held},
    {"types exclude each other", types_exclude_each_other},
    {"a reference put twice is a panic", a_reference_put_twice_is_a_panic},
    {"a frame freed twice is a panic, and the heap unchanged",
     a_frame_freed_twice_is_a_panic_and_the_heap_is_unchanged},
    {"the table is full at its limit, and finds all until then", the_table_is_full_at_its_limit_and_finds_all},
    {"a held frame stays until it is put", a_held_frame_stays_until_it_is_put},
    {"a held frame in a 1 GiB extent", a_held_frame_in_a_gigabyte_is_found_without_looking_at_all},
    {"a claim does not grow for what stays", a_claim_does_not_grow_for_what_stays},
    {"no descriptors for the parts: unchanged, and tried again", no_descriptors_for_the_parts},
    {"a dying domain waits for its last frame", a_dying_domain_waits_for_its_last_frame},
    {"many die, and are let go in any order", many_die_and_are_let_go_in_any_order},
    {"a limit says so, also one below what there is", a_limit_says_so},
};
CUNIT_MAIN("hv-core/mm_ref", tests)
