/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What operations on domains do, to the core and to the model. */
#include "operations.h"

void op_reap(void)
{
    domains_reap();
    for (unsigned s = 0; s < MODEL_SLOTS; s++)
        if (model[s].dying && !model_domain(&model[s]))
            model_forget(&model[s]);
}

void op_create(unsigned slot, const uint32_t a[4])
{
    struct mdom *m = &model[slot];
    struct hv_domctl op = {0};
    bool arm = op_on_arm();

    if (m->exists || slot == 0)
        return;
    op.u.createdomain.type = !arm && a[1] % 2 ? HV_GUEST_HVM : HV_GUEST_PV;
    if (!op_done(op_domctl(NULL, XEN_DOMCTL_createdomain, &op), "createdomain"))
        return;
    *m = (struct mdom){.exists = true, .id = op.domid, .claim_node = CLAIM_ON_HOST};
    op = (struct hv_domctl){.u.max_mem = {4 * (a[2] % 4 ? op_free_pages() : a[2] >> 4)}};
    op_expect(op_domctl(model_domain(m), XEN_DOMCTL_max_mem, &op), 0, "max_mem");
    m->max_pages = op.u.max_mem.max_memkb / 4;
}

void op_forget_held_of(unsigned slot)
{
    for (unsigned i = 0; i < op_nr_held;)
        if (op_held[i].slot == slot)
            op_held[i] = op_held[--op_nr_held];
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

void op_destroyed(unsigned slot, long rc)
{
    struct mdom *m = &model[slot];
    unsigned refs = refs_of(slot);

    op_forget_held_of(slot);
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

void op_destroy(unsigned slot)
{
    struct hv_domctl op = {0};
    if (slot && model[slot].exists)
        op_destroyed(slot, op_domctl(model_domain(&model[slot]), XEN_DOMCTL_destroydomain, &op));
}

void op_max_mem(struct mdom *m, const uint32_t a[4])
{
    const uint64_t choice[] = {0,         model_tot(m), model_tot(m) / 2, model_tot(m) + a[1] % 64, op_free_pages(),
                               1ull << 40};
    struct hv_domctl op = {.u.max_mem = {4 * choice[a[2] % ARRAY_SIZE(choice)]}};
    op_expect(op_domctl(model_domain(m), XEN_DOMCTL_max_mem, &op), 0, "max_mem");
    m->max_pages = op.u.max_mem.max_memkb / 4;
}

void op_affinity(struct mdom *m, const uint32_t a[4])
{
    uint64_t nodes = a[1] | (uint64_t)a[2] << 16 | (uint64_t)a[3] << 32;
    nodes = a[3] % 8 == 0 ? ~0ull : machine.nr_nodes < 16 ? nodes % (2ull << machine.nr_nodes) : nodes;
    struct hv_domctl op = {.u.nodeaffinity.nodemap = {nodes}};
    op_expect(op_domctl(model_domain(m), XEN_DOMCTL_setnodeaffinity, &op), nodes & hv_node_online.w ? 0 : -HV_EINVAL,
              "setnodeaffinity");
}

void op_vcpus(struct mdom *m, const uint32_t a[4])
{
    struct domain *d = model_domain(m);
    struct hv_domctl op = {.u.max_vcpus = {1 + a[1] % 3}};
    if (!d->max_vcpus)
        op_done(op_domctl(d, XEN_DOMCTL_max_vcpus, &op), "max_vcpus");
}

void op_dom0(const uint32_t a[4])
{
    uint64_t pages = 1 + (a[2] | (uint64_t)a[1] << 8) % (op_free_pages() / 2 + 1);
    struct mdom *m = &model[0];
    if (op_on_arm())
        pages = 1 + pages % MANY_SMALL_PAGES;
    if (m->exists || !op_done(op_core->construct_dom0(1 + a[0] % 2, pages << PAGE_SHIFT), "dom0"))
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
    while ((rc = op_core->hypercall(nr, arg)) == -HV_ERESTART)
        ;
    return rc;
}

void op_build(unsigned slot, const uint32_t a[4])
{
    struct ts_host host = {.level = hv_level, .hypercall = toolstack_call};
    bool arm = op_on_arm();
    struct ts_domain_config cfg = {.name = "guest",
                                   .type = !arm && a[1] % 2 ? HV_GUEST_HVM : HV_GUEST_PV,
                                   .vcpus = 1 + a[2] % 2,
                                   .cap = 0xffffffffu};
    struct ts_domain_result result;
    struct mdom *m = &model[slot];

    if (m->exists || slot == 0)
        return;
    uint64_t pages = 1 + (a[3] | (uint64_t)a[2] << 8) % (op_free_pages() + 1);
    if (cfg.type != HV_GUEST_HVM && quirk(pv_builder_4k))
        pages = 1 + pages % MANY_SMALL_PAGES;
    cfg.memory_kb = 4 * pages;
    bool on_demand = cfg.type == HV_GUEST_HVM && a[1] & 4 && !op_give_up_when_preempted;
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
