/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory calls beyond populate and decrease: exchange of extents, reservations, and how large an extent a caller
 * may ask for. Whatever fails: the guest frames that a call did not get to are behind the frames that they were.
 */
#include "mm_domain.h"
#include <hv/trace.h>

static struct hv_memory_op exchange_op(struct domain *d, uint64_t in, uint64_t nr_in, unsigned order_in, uint64_t out,
                                       uint64_t nr_out, unsigned order_out)
{
    struct hv_memory_op op = {
        .cmd = XENMEM_exchange, .domid = d->id, .first_gfn = {in}, .nr_extents = nr_in, .extent_order = order_in};
    op.out.first_gfn = gfn(out);
    op.out.nr_extents = nr_out;
    op.out.extent_order = order_out;
    return op;
}

/* What the memory manager looks like from outside; two of them are to be equal. */
struct picture {
    uint64_t avail, tot, claims, claim, frame[4096];
    unsigned locks;
};
static struct picture before, after;

static void take_picture(struct domain *d, uint64_t first, struct picture *p)
{
    memset(p, 0, sizeof(*p));
    p->avail = avail_pages();
    p->tot = d->tot_pages;
    p->claims = outstanding_claims();
    p->claim = d->outstanding_pages;
    p->locks = tp_locks_held();
    for (unsigned i = 0; i < ARRAY_SIZE(p->frame); i++)
        p->frame[i] = frame_behind(d, first + i);
}

static void same_picture(struct domain *d, uint64_t first)
{
    take_picture(d, first, &after);
    CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof(before)), 0);
    fx_check();
}

/* ---- exchange ---------------------------------------------------------------------------------------------------- */

static void small_pages_become_one_in_place(void)
{
    for (const struct hv_profile *level = hv_profiles; level->name; level++) {
        fx_boot_level(ONE_NODE, level->name);
        struct domain *d = new_domain(1024);
        /* Every other one, so that they lie apart. */
        CU_ASSERT_EQUAL(POPULATE(d, 0, 1024, 0), 1024);
        for (unsigned g = 0; g < 1024; g += 2)
            CU_ASSERT_EQUAL(DECREASE(d, g, 1, 0), 1);
        CU_ASSERT_EQUAL(POPULATE(d, 4096, 512, 0), 512);
        for (unsigned i = 0; i < 512; i++)
            CU_ASSERT_EQUAL(DECREASE(d, 2 * i + 1, 1, 0), 1);
        CU_ASSERT_EQUAL(d->tot_pages, 512);
        uint64_t avail = avail_pages();
        struct hv_memory_op op = exchange_op(d, 4096, 512, 0, 4096, 1, 9);
        CU_ASSERT_EQUAL(do_memory_op(&op), 0);
        CU_ASSERT_EQUAL(op.nr_done, 512);
        CU_ASSERT_EQUAL(d->tot_pages, 512);
        CU_ASSERT_EQUAL(avail_pages(), avail);
        uint64_t f = frame_behind(d, 4096);
        CU_ASSERT_EQUAL(f % 512, 0);
        for (unsigned i = 0; i < 512; i++)
            CU_ASSERT_EQUAL(frame_behind(d, 4096 + i), f + i);
        fx_check();
        /* And back, elsewhere. */
        op = exchange_op(d, 4096, 1, 9, 9001, 256, 1);
        CU_ASSERT_EQUAL(do_memory_op(&op), 0);
        CU_ASSERT_EQUAL(op.nr_done, 1);
        CU_ASSERT_EQUAL(frame_behind(d, 4096), FRAME_NONE);
        CU_ASSERT_EQUAL(frame_behind(d, 9001 + 511) & 1, 1);
        CU_ASSERT_EQUAL(d->tot_pages, 512);
        CU_ASSERT_EQUAL(avail_pages(), avail);
        fx_check();
        domain_destroy(d);
        fx_check();
    }
}

static void a_limit_or_a_claim_does_not_count(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(2000);
    struct hv_memory_op op = {.cmd = XENMEM_claim_pages, .domid = d->id, .nr_extents = 1500};
    CU_ASSERT_EQUAL(do_memory_op(&op), 0);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 1024, 0), 1024);
    d->max_pages = 100;
    op = exchange_op(d, 0, 1024, 0, 0, 2, 9);
    CU_ASSERT_EQUAL(do_memory_op(&op), 0);
    CU_ASSERT_EQUAL(d->outstanding_pages, 476);
    CU_ASSERT_EQUAL(d->tot_pages, 1024);
    fx_check();
}

static void memory_that_runs_out_half_way_loses_nothing(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(1 << 20), *hog = new_domain(1 << 20);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 2048, 0), 2048);
    /* Nothing is left but 2 superpages. */
    CU_ASSERT_EQUAL(POPULATE(d, 1 << 16, 2, 9), 2);
    POPULATE(hog, 0, 1 << 20, 9);
    POPULATE(hog, 1 << 20, 1 << 20, 0);
    CU_ASSERT_EQUAL(avail_pages(), 0);
    CU_ASSERT_EQUAL(DECREASE(d, 1 << 16, 2, 9), 2);
    uint64_t list_before = d->tot_pages;
    take_picture(d, 0, &before);
    struct hv_memory_op op = exchange_op(d, 0, 2048, 0, 0, 4, 9);
    long rc = do_memory_op(&op);
    /* The first two got them; what they gave merges to superpages only if it lies well, so 2 or more are done. */
    CU_ASSERT(rc == 0 || rc == -HV_ENOMEM);
    CU_ASSERT(op.nr_done >= 1024 && op.nr_done % 512 == 0);
    CU_ASSERT_EQUAL(d->tot_pages, list_before);
    CU_ASSERT_EQUAL(avail_pages(), before.avail);
    for (uint64_t g = op.nr_done; g < 2048; g++)
        CU_ASSERT_EQUAL(frame_behind(d, g), before.frame[g]);
    fx_check();
    /* Nothing at all is left. */
    POPULATE(hog, 2 << 20, 1 << 20, 0);
    take_picture(d, 0, &before);
    op = exchange_op(d, 0, 512, 0, 0, 256, 1);
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ENOMEM);
    CU_ASSERT_EQUAL(op.nr_done, 0);
    same_picture(d, 0);
    domain_destroy(hog);
    CU_ASSERT_EQUAL(do_memory_op(&op), 0);
    domain_destroy(d);
    fx_check();
}

static void bad_exchanges_change_nothing(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(1 << 16);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 2, 9), 2);
    take_picture(d, 0, &before);
    struct hv_memory_op ok = exchange_op(d, 0, 512, 0, 0, 1, 9), op;
    struct {
        uint64_t in, nr_in, out, nr_out;
        unsigned order_in, order_out, flags;
        long rc;
    } bad[] = {
        {0, 512, 0, 2, 0, 9, 0, -HV_EINVAL},                          /* not as much */
        {0, 512, 0, 1, 0, MAX_ORDER + 1, 0, -HV_EINVAL},              /* no such order */
        {P2M_MAX_GFN, 512, 0, 1, 0, 9, 0, -HV_EINVAL},                /* out of range */
        {0, 512, P2M_MAX_GFN - 511, 1, 0, 9, 0, -HV_EINVAL},          /* the same */
        {0, 1ull << 63, 0, 1, 1, 0, 0, -HV_EINVAL},                   /* would overflow */
        {1000, 512, 4096, 1, 0, 9, 0, -HV_EINVAL},                    /* a hole in what is given */
        {0, 512, 0, 1, 0, 9, XENMEMF_node(64), -HV_EINVAL},           /* no such node */
        {0, 512, 0, 1, 0, 9, XENMEMF_populate_on_demand, -HV_EINVAL}, /* not here */
        {0, 512, 0, 1, 0, 9, XENMEMF_address_bits(13), -HV_ENOMEM},   /* addresses that nobody has */
    };
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        op = exchange_op(d, bad[i].in, bad[i].nr_in, bad[i].order_in, bad[i].out, bad[i].nr_out, bad[i].order_out);
        op.out.mem_flags = bad[i].flags;
        CU_ASSERT_EQUAL(do_memory_op(&op), bad[i].rc);
        CU_ASSERT_EQUAL(op.nr_done, 0);
        same_picture(d, 0);
    }
    op = ok;
    op.nr_done = 513;
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EINVAL);
    op = ok;
    op.mem_flags = XENMEMF_node(0);
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EINVAL);
    op = ok;
    op.domid = dom(99);
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ESRCH);
    /* A page that somebody else refers to cannot be given. */
    CU_ASSERT_EQUAL(get_page(mfn(frame_behind(d, 300)), d), 0);
    op = ok;
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_EINVAL);
    same_picture(d, 0);
    put_page(mfn(frame_behind(d, 300)));
    op = ok;
    CU_ASSERT_EQUAL(do_memory_op(&op), 0);
    fx_check();
}

static void an_exchange_is_continued_where_it_stopped(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(1 << 16);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 2048, 0), 2048);
    take_picture(d, 0, &before);
    struct hv_memory_op op = exchange_op(d, 0, 2048, 0, 0, 4, 9);
    tp_cpu[0].irq_pending = true;
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ERESTART);
    CU_ASSERT_EQUAL(op.nr_done, 0);
    op.nr_done = 1024;
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ERESTART);
    CU_ASSERT_EQUAL(op.nr_done, 1024);
    same_picture(d, 0);
    tp_cpu[0].irq_pending = false;
    CU_ASSERT_EQUAL(do_memory_op(&op), 0);
    CU_ASSERT_EQUAL(op.nr_done, 2048);
    for (unsigned g = 0; g < 1024; g++)
        CU_ASSERT_EQUAL(frame_behind(d, g), before.frame[g]);
    CU_ASSERT_NOT_EQUAL(frame_behind(d, 1024), before.frame[1024]);
    fx_check();
}

static void what_comes_is_where_it_was_asked_for(void)
{
    static const struct {
        const char *level;
        unsigned home; /* of what comes if nothing is asked for */
    } by_level[] = {{"xen-4.3", 0}, {"modern", 1}};
    for (unsigned i = 0; i < 2; i++) {
        fx_boot_level(TWO_NODES, by_level[i].level);
        struct domain *d = new_domain(1 << 16);
        nodemask_t home = {2};
        CU_ASSERT_EQUAL(domain_set_node_affinity(d, home), 0);
        CU_ASSERT_EQUAL(POPULATE(d, 0, 64, 0), 64);
        CU_ASSERT_EQUAL(d->node_pages[1], 64);
        struct hv_memory_op op = exchange_op(d, 0, 32, 0, 0, 4, 3); /* by pCPU 0, which is of node 0 */
        CU_ASSERT_EQUAL(do_memory_op(&op), 0);
        CU_ASSERT_EQUAL(d->node_pages[by_level[i].home], by_level[i].home ? 64 : 32);
        op = exchange_op(d, 32, 32, 0, 32, 4, 3);
        op.out.mem_flags = XENMEMF_node(0) | XENMEMF_exact_node_request | XENMEMF_address_bits(12 + 14);
        CU_ASSERT_EQUAL(do_memory_op(&op), 0);
        for (unsigned g = 32; g < 64; g++)
            CU_ASSERT(frame_behind(d, g) < 1u << 14); /* also what is kept back for devices */
        CU_ASSERT_EQUAL(d->node_pages[0] + d->node_pages[1], 64);
        fx_check();
    }
}

static void every_failure_unwinds(void)
{
    static const struct {
        unsigned order_in, order_out;
        uint64_t out;
    } forms[] = {{0, 9, 0}, {9, 0, 0}, {0, 9, 4096}, {9, 3, 4097}, {10, 9, 2048}, {3, 0, 1}};
    for (unsigned form = 0; form < ARRAY_SIZE(forms); form++) {
        bool done = false;
        for (int budget = 0; !done; budget++) {
            CU_ASSERT_FATAL(budget < 200);
            fx_boot_level(ONE_NODE, budget % 2 ? "xen-4.3" : "fixed");
            struct domain *d = new_domain(1 << 16);
            unsigned in = forms[form].order_in, out = forms[form].order_out;
            CU_ASSERT_EQUAL(POPULATE(d, 0, 4, 10), 4);
            take_picture(d, 0, &before);
            struct hv_memory_op op = exchange_op(d, 0, 2048 >> in, in, forms[form].out, 2048 >> out, out);
            tp_frametable_budget = budget;
            long rc = do_memory_op(&op);
            tp_frametable_budget = -1;
            CU_ASSERT(rc == 0 || rc == -HV_ENOMEM);
            done = rc == 0;
            CU_ASSERT_EQUAL(d->tot_pages, before.tot);
            CU_ASSERT_EQUAL(avail_pages(), before.avail);
            CU_ASSERT_EQUAL(tp_locks_held(), 0);
            if (op.nr_done == 0)
                same_picture(d, 0);
            else
                for (uint64_t g = op.nr_done << in; g < 2048; g++)
                    if (forms[form].out > g || forms[form].out == 0)
                        CU_ASSERT_EQUAL(frame_behind(d, g), before.frame[g]);
            fx_check();
            CU_ASSERT_EQUAL(do_memory_op(&op), 0); /* what is left works, once there is memory */
            fx_check();
            CU_ASSERT_EQUAL(domain_destroy(d), 0);
            fx_check();
        }
    }
}

/* ---- reservations ------------------------------------------------------------------------------------------------ */

static void reservations_are_told(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(700);
    CU_ASSERT_EQUAL(POPULATE(d, 0, 1, 9), 1);
    CU_ASSERT_EQUAL(mem_op(d, XENMEM_current_reservation, 0, 0, 0), 512);
    CU_ASSERT_EQUAL(mem_op(d, XENMEM_maximum_reservation, 0, 0, 0), 700);
    /* Pages without a guest frame, up to the limit. */
    CU_ASSERT_EQUAL(mem_op(d, XENMEM_increase_reservation, P2M_MAX_GFN + 1, 100, 1), 94);
    CU_ASSERT_EQUAL(mem_op(d, XENMEM_current_reservation, 0, 0, 0), 700);
    CU_ASSERT_EQUAL(frame_behind(d, 512), FRAME_NONE);
    struct hv_memory_op op = {.cmd = XENMEM_current_reservation, .domid = dom(99)};
    CU_ASSERT_EQUAL(do_memory_op(&op), -HV_ESRCH);
    fx_check();
    uint64_t avail = avail_pages();
    domain_destroy(d);
    CU_ASSERT(avail_pages() >= avail + 700);
    fx_check();
}

/* ---- how large ----------------------------------------------------------------------------------------------------
 */

/* A guest that runs, and has the hypervisor's ear. */
static struct domain *calling_guest(void)
{
    struct domain *d = fx_domain(1);
    d->max_pages = 1 << 20;
    fx_start(d);
    tp_settle_all();
    tp_settle(0);
    tp_settle(1);
    CU_ASSERT_PTR_EQUAL_FATAL(hv_core_get()->current(d->vcpu[0]->processor), d->vcpu[0]);
    tp_set_cpu(d->vcpu[0]->processor.n);
    return d;
}

/* The largest order that it is given. */
static unsigned largest(struct domain *d, enum hv_memory_cmd cmd)
{
    unsigned order = 0;
    while (order <= MAX_ORDER && mem_op(d, cmd, 1ull << 20, 1, order) == 1) {
        CU_ASSERT_EQUAL(DECREASE(d, 1ull << 20, 1, order), cmd == XENMEM_populate_physmap);
        order++;
    }
    return order - 1;
}

static void boot_with(const char *level, const char *memop_max_order)
{
    struct tp_machine m = {1, 1, 2, 1, 5u << 18};
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find(level));
    info->opt.memop_max_order = memop_max_order;
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
}

static void limits_by_caller_and_level(void)
{
    static const struct {
        const char *level, *param;
        unsigned domu, dom0;
    } rows[] = {
        {"xen-4.3", NULL, 9, 18},   {"xen-4.3", "3,4,5,6", 9, 18}, /* it has no such parameter */
        {"modern", NULL, 9, 18},    {"modern", "4", 4, 18},        {"modern", "0,10,11", 0, 11},
        {"modern", ",12", 9, 12},   {"modern", ",1,,3", 9, 12},    {"modern", "18", 18, 18},
        {"fixed", "5,6,7,8", 5, 7}, {"modern", "", 9, 18},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        boot_with(rows[i].level, rows[i].param);
        struct domain *other = fx_domain(1), *d = calling_guest();
        other->max_pages = 1 << 20;
        CU_ASSERT_EQUAL(largest(d, XENMEM_populate_physmap), rows[i].domu);
        struct hv_memory_op op = exchange_op(d, 0, 2, rows[i].domu, 0, 1, rows[i].domu + 1);
        CU_ASSERT_EQUAL(do_memory_op(&op), rows[i].domu == MAX_ORDER ? -HV_EINVAL : -HV_EPERM);
        CU_ASSERT_EQUAL(mem_op(d, XENMEM_increase_reservation, 0, 1, rows[i].domu), 1);
        tp_set_cpu(d->vcpu[0]->processor.n ^ 1); /* the other is idle: the hypervisor itself */
        CU_ASSERT_EQUAL(largest(other, XENMEM_populate_physmap), rows[i].dom0);
        fx_check();
    }
}

static void bad_limits_are_refused(void)
{
    static const char *const bad[] = {"19", "9,99", "x", "9;12", "1,2,3,4,5", "-1", "9,,,,1", "4294967296"};
    struct tp_machine m = {1, 1, 2, 1, 65536};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find("modern"));
        info->opt.memop_max_order = bad[i];
        CU_ASSERT_EQUAL(tp_boot_info_run(hv_core_get(), info), -HV_EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "memop-max-order="));
    }
}

static void claims_of_the_dying(void)
{
    for (unsigned i = 0; i < 2; i++) {
        fx_boot_level(ONE_NODE, i ? "fixed" : "xen-4.3");
        struct domain *d = new_domain(1000);
        d->is_dying = true;
        struct hv_memory_op op = {.cmd = XENMEM_claim_pages, .domid = d->id, .nr_extents = 10};
        CU_ASSERT_EQUAL(do_memory_op(&op), i ? -HV_EINVAL : 0);
        d->is_dying = false;
        domain_destroy(d);
        CU_ASSERT_EQUAL(outstanding_claims(), 0);
    }
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static struct tp_trace_rec last;
static unsigned nr_records;

static void keep(const struct tp_trace_rec *r)
{
    if (r->event != TRC_MEM_DECREASE_RESERVATION)
        return;
    last = *r;
    nr_records++;
}

static void each_extent_given_back_is_recorded(void)
{
    fx_boot(ONE_NODE);
    struct domain *d = new_domain(1 << 16);
    CU_ASSERT_EQUAL(POPULATE(d, 64, 3, 4), 3);
    tp_trace_hook = keep;
    nr_records = 0;
    CU_ASSERT_EQUAL(DECREASE(d, 64, 3, 4), 3);
    CU_ASSERT_EQUAL(nr_records, 3);
    CU_ASSERT_EQUAL(last.nr, 4);
    CU_ASSERT_EQUAL(last.w[0], 96);
    CU_ASSERT_EQUAL(last.w[1], 0);
    CU_ASSERT_EQUAL(last.w[2], d->id.n | 4u << 16);
    tp_trace_hook = NULL;
}

static const struct cunit_case tests[] = {
    {"small pages become one, in place and back, at every level", small_pages_become_one_in_place},
    {"neither a limit nor a claim counts", a_limit_or_a_claim_does_not_count},
    {"memory that runs out half-way loses nothing", memory_that_runs_out_half_way_loses_nothing},
    {"bad exchanges change nothing", bad_exchanges_change_nothing},
    {"an exchange is continued where it stopped", an_exchange_is_continued_where_it_stopped},
    {"what comes is where it was asked for", what_comes_is_where_it_was_asked_for},
    {"every failure unwinds", every_failure_unwinds},
    {"reservations are told, and increased without guest frames", reservations_are_told},
    {"limits of extents by caller and level", limits_by_caller_and_level},
    {"bad limits are refused", bad_limits_are_refused},
    {"claims of dying domains", claims_of_the_dying},
    {"each extent given back is recorded", each_extent_given_back_is_recorded},
};
CUNIT_MAIN("hv-core/mm_exchange", tests)
