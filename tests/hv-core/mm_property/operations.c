/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operations do, to the core and to the model. Arguments: a0..a3, taken modulo what there is.
 *
 * An operation that is refused must have a reason: the heap had nothing (watch.c holds it to that), a limit, a missing
 * right, an allocation made to fail. What it says it has done goes into the model; the checks then find what it has
 * done besides, or not.
 */
#include "operations.h"

#define MAX_FAILURES 60u     /* of one operation, in turn */
#define MAX_RESTARTS 100000u /* of one call */
#define FULL_CHECK_EVERY 16u
#define TWIN_MAX_FRAMES (1ull << 18)

const struct hv_core *op_core;
uint32_t op_fault;
bool op_give_up_when_preempted;

/* ---- hypercalls ------------------------------------------------------------------------------------------------- */

long op_call(enum hv_hypercall nr, void *arg)
{
    long rc = -HV_ERESTART;
    for (unsigned k = 0; rc == -HV_ERESTART; k++) {
        if (k == MAX_RESTARTS)
            prop_fail("a hypercall is continued for ever");
        if (k && op_give_up_when_preempted)
            break;
        rc = nr == HYPERCALL_memory_op ? do_memory_op(arg) : nr == HYPERCALL_domctl ? do_domctl(arg) : do_sysctl(arg);
    }
    return rc;
}

long op_domctl(struct domain *d, enum hv_domctl_cmd cmd, struct hv_domctl *op)
{
    op->cmd = cmd;
    op->domid = d ? d->id : DOM_INVALID;
    return op_call(HYPERCALL_domctl, op);
}

void op_expect(long rc, long want, const char *what)
{
    if (rc != want)
        prop_fail("%s: %ld instead of %ld", what, rc, want);
}

bool op_done(long rc, const char *what)
{
    if (rc == 0)
        return true;
    if (rc != -HV_ENOMEM || (!watch_fired() && !watch_refused()))
        prop_fail("%s: error %ld for no reason", what, rc);
    return false;
}

/* ---- what arguments mean ---------------------------------------------------------------------------------------- */

void op_pod_adopt(struct mdom *m, uint64_t more)
{
    uint64_t before = model_tot(m);
    model_adopt(m);
    if (model_tot(m) > before + more)
        prop_fail("domain %u has %llu pages, and had %llu", m->id.n, (unsigned long long)model_tot(m),
                  (unsigned long long)before);
}

uint64_t op_free_pages(void)
{
    return machine.frames - watch_taken();
}

bool op_on_arm(void)
{
    return strcmp(hv_level->name, "arm-numa") == 0;
}

unsigned op_order_of(uint32_t a)
{
    static const uint8_t orders[] = {0, 0, 0, 0, 1, 1, 2, 3, 4, 6, 9, 9, 11, 13, 18, 0};
    unsigned order = orders[a % ARRAY_SIZE(orders)];
    return op_on_arm() && order > 11 ? 9 : order;
}

uint64_t op_extents_of(uint32_t a, unsigned order)
{
    return 1 + (a >> 4) % (order < 3 ? 40u : order < 9 ? 6u : 3u);
}

uint64_t op_gfn_of(uint32_t a, unsigned order, uint64_t nr)
{
    static const uint64_t bases[] = {
        0, 0x200, 0x400, 0x3ff00, 0x40000, 0x100000, (1u << 27) - 0x600, P2M_MAX_GFN - (1u << 19), P2M_MAX_GFN - 0x400};
    uint64_t g = bases[a % ARRAY_SIZE(bases)] + (a >> 4) % 0x380;
    if (a & 0xc000)
        g &= ~((1ull << order) - 1);
    uint64_t room = P2M_MAX_GFN - (nr << order);
    return g > room ? room : g;
}

unsigned op_flags_of(uint32_t a, bool bits)
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
            op_expect(get_page(mfn(link_frame(own->head)), d), -HV_EINVAL, "get_page of another's");
        }
        op_expect(get_page(mfn(1ull << 41), d), -HV_EINVAL, "get_page of no RAM");
        return;
    }
    long rc = op_call(HYPERCALL_memory_op, &op);
    watch_caller = NULL;
    op_expect(rc, want, "a mistake");
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
        op_create(slot, a);
        return slot;
    case OP_DESTROY:
        op_destroy(slot);
        return slot;
    case OP_BUILD:
        op_build(slot, a);
        return slot;
    case OP_DOM0:
        op_dom0(a);
        return 0;
    case OP_ALLOC:
        op_alloc(a[0] % (MODEL_SLOTS + 1), a);
        return a[0] % (MODEL_SLOTS + 1);
    case OP_FREE:
        if (op_nr_held) {
            unsigned of = op_held[a[0] % op_nr_held].slot;
            bool failing = o->mode == MODE_FAIL_ONE || o->mode == MODE_FAIL_FROM;
            if (!failing || !op_free_may_need_memory(a[0] % op_nr_held))
                op_free_held(a[0] % op_nr_held);
            return of;
        }
        return MODEL_SLOTS;
    case OP_XALLOC:
        op_xalloc(a);
        return MODEL_SLOTS;
    case OP_XFREE:
        if (op_nr_objects)
            op_xfree(a[0] % op_nr_objects);
        return MODEL_SLOTS;
    case OP_PUT:
        if (!model_ref[a[0] % MODEL_REFS].used)
            return MODEL_SLOTS;
        slot = model_ref[a[0] % MODEL_REFS].slot;
        op_put(a[0] % MODEL_REFS);
        return slot;
    case OP_SET_ASIDE:
        op_set_aside_pages(a);
        return MODEL_SLOTS;
    case OP_SCRUB:
        op_scrub(a);
        return MODEL_SLOTS;
    case OP_OFFLINE:
        op_offline(a);
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
        op_populate(m, a, XENMEM_populate_physmap);
        break;
    case OP_INCREASE:
        op_populate(m, a, XENMEM_increase_reservation);
        break;
    case OP_DECREASE:
        op_decrease(m, a);
        break;
    case OP_EXCHANGE:
        op_exchange(m, a);
        break;
    case OP_POD:
        op_pod(m, a);
        break;
    case OP_CLAIM:
        op_claim(m, a);
        break;
    case OP_MAX_MEM:
        op_max_mem(m, a);
        break;
    case OP_AFFINITY:
        op_affinity(m, a);
        break;
    case OP_VCPUS:
        op_vcpus(m, a);
        break;
    case OP_GET:
        op_get(slot, a);
        break;
    }
    return slot;
}

static void one_operation(const struct prop_op *o)
{
    bool failing = o->mode == MODE_FAIL_ONE || o->mode == MODE_FAIL_FROM, again = failing;
    op_give_up_when_preempted = o->mode == MODE_PREEMPT && o->arg[2] % 4 == 0;

    for (unsigned k = 0; k == 0 || (again && k < MAX_FAILURES); k++) {
        watch_begin(failing ? k : ~0u, o->mode == MODE_FAIL_FROM, o->mode == MODE_PREEMPT ? (o->arg[3] >> 8) % 5 : ~0u);
        unsigned slot = operate(o);
        again = watch_fired();
        watch_begin(~0u, false, ~0u);
        op_reap();
        check_after(slot);
    }
    op_give_up_when_preempted = false;
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
    tp_pages_zero = op_looks_zero;
    model_reset();
    op_nr_held = op_nr_objects = 0;
    op_fault = k->fault;
    op_give_up_when_preempted = false;
    op_core = hv_core_get();
    if (op_core->boot(&info))
        prop_fail("the core does not boot");
    for (unsigned c = 0; c < machine.nr_cpus; c++) {
        tp_set_cpu(c);
        op_core->cpu_start();
        op_core->return_to_guest();
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
            op_put(i);
    op_reap();
    while (op_nr_held)
        op_free_held(op_nr_held - 1);
    while (op_nr_objects)
        op_xfree(op_nr_objects - 1);
    check_all();
    for (unsigned s = MODEL_SLOTS; s-- > 0;)
        if (model[s].exists)
            op_destroyed(s, domain_destroy(model_domain(&model[s])));
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
