/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports of event channels: which one is given, how many there are, what an end does to the other end. */
#include "sched_fixture.h"
#include <hv/event_channel.h>
#include <hv/mm.h>
#include <string.h>
#include <toolstack/toolstack.h>

static struct domain *dom0, *guest;

static void boot(const char *level, unsigned bits)
{
    struct tp_machine m = MACHINE_2x2;
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find(level));
    info->opt.dom0_bits = bits;
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    CU_ASSERT_EQUAL_FATAL(hv_core_get()->construct_dom0(2, 64ull << 20), 0);
    dom0 = domain_find(dom(0));
    guest = fx_domain(1);
}

static long op(struct domain *d, struct hv_evtchn_op o, uint32_t *port)
{
    long rc = event_channel_op(d, &o);
    if (port)
        *port = o.port;
    CU_ASSERT_PTR_NULL(evtchn_check());
    return rc;
}

static struct hv_evtchn_op state_of(struct domain *d, uint32_t port)
{
    struct hv_evtchn_op o = {.cmd = EVTCHNOP_status, .dom = dom(DOMID_SELF), .port = port};
    CU_ASSERT_EQUAL(event_channel_op(d, &o), 0);
    return o;
}

/* A channel between the guest and dom0, as a device has: both ports. */
static long channel(struct domain *g, uint32_t *far, uint32_t *near)
{
    long rc = op(dom0, (struct hv_evtchn_op){.cmd = EVTCHNOP_alloc_unbound, .dom = g->id, .remote_dom = dom(0)}, far);
    return rc ? rc
              : op(dom0,
                   (struct hv_evtchn_op){.cmd = EVTCHNOP_bind_interdomain, .remote_dom = g->id, .remote_port = *far},
                   near);
}

static void ends_know_each_other(void)
{
    uint32_t far, near;
    boot("xen-4.3", 64);
    CU_ASSERT_EQUAL(channel(guest, &far, &near), 0);
    CU_ASSERT_EQUAL(far, 1); /* 0 is never given */
    CU_ASSERT_EQUAL(near, 1);
    CU_ASSERT_EQUAL(state_of(dom0, near).state, EVTCHNSTAT_interdomain);
    CU_ASSERT_EQUAL(state_of(dom0, near).remote_dom.n, guest->id.n);
    CU_ASSERT_EQUAL(state_of(guest, far).remote_port, near);
    CU_ASSERT_EQUAL(op(dom0, (struct hv_evtchn_op){.cmd = EVTCHNOP_close, .port = near}, NULL), 0);
    CU_ASSERT_EQUAL(state_of(guest, far).state, EVTCHNSTAT_unbound);
    CU_ASSERT_EQUAL(state_of(dom0, near).state, EVTCHNSTAT_closed);
    CU_ASSERT_EQUAL(op(dom0, (struct hv_evtchn_op){.cmd = EVTCHNOP_close, .port = near}, NULL), -HV_EINVAL);
}

static void the_lowest_free_port_is_given(void)
{
    uint32_t far[4], near[4], again, port;
    boot("xen-4.3", 64);
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(channel(guest, &far[i], &near[i]), 0);
    CU_ASSERT_EQUAL(op(dom0, (struct hv_evtchn_op){.cmd = EVTCHNOP_close, .port = near[2]}, NULL), 0);
    CU_ASSERT_EQUAL(op(dom0, (struct hv_evtchn_op){.cmd = EVTCHNOP_close, .port = near[1]}, NULL), 0);
    CU_ASSERT_EQUAL(channel(guest, &again, &port), 0);
    CU_ASSERT_EQUAL(port, near[1]);
}

/* Until it is full: so many, then -HV_ENOSPC and nothing changed; after one has gone, one more. */
static void limit_is(const char *level, unsigned bits, bool fifo, unsigned limit)
{
    uint32_t port = 0;
    boot(level, bits);
    long rc = op(dom0, (struct hv_evtchn_op){.cmd = EVTCHNOP_init_control}, NULL);
    CU_ASSERT_EQUAL(rc, fifo ? 0 : -HV_ENOSYS);
    CU_ASSERT_EQUAL(evtchn_limit(dom0), limit);
    struct hv_evtchn_op o = {.cmd = EVTCHNOP_bind_ipi};
    for (unsigned i = 0; i < limit && i < 6000; i++)
        CU_ASSERT_EQUAL_FATAL(event_channel_op(dom0, &o), 0);
    if (limit < 6000) {
        CU_ASSERT_EQUAL(op(dom0, o, NULL), -HV_ENOSPC);
        CU_ASSERT_EQUAL(evtchn_in_use(dom0), limit);
        CU_ASSERT_EQUAL(op(dom0, (struct hv_evtchn_op){.cmd = EVTCHNOP_close, .port = limit / 2}, NULL), 0);
        CU_ASSERT_EQUAL(op(dom0, o, &port), 0);
        CU_ASSERT_EQUAL(port, limit / 2);
    }
    CU_ASSERT_PTR_NULL(evtchn_check());
}

static void limits(void)
{
    limit_is("xen-4.3", 64, false, 4095); /* 64 words of 64 bits, but port 0 */
    limit_is("xen-4.3", 32, false, 1023);
    limit_is("xen-4.2", 64, false, 4095);
    limit_is("modern", 64, true, (1u << 17) - 1);
    limit_is("modern", 32, true, (1u << 17) - 1);
}

static void refusals(void)
{
    uint32_t far, near;
    boot("xen-4.3", 64);
    struct domain *other = fx_domain(1);
    struct hv_evtchn_op unbound = {.cmd = EVTCHNOP_alloc_unbound, .dom = dom0->id, .remote_dom = dom(DOMID_SELF)};
    CU_ASSERT_EQUAL(op(guest, unbound, NULL), -HV_EPERM);
    unbound.dom = dom(77);
    CU_ASSERT_EQUAL(op(dom0, unbound, NULL), -HV_ESRCH);
    CU_ASSERT_EQUAL(channel(guest, &far, &near), 0);
    struct hv_evtchn_op bind = {.cmd = EVTCHNOP_bind_interdomain, .remote_dom = guest->id, .remote_port = far};
    CU_ASSERT_EQUAL(op(dom0, bind, NULL), -HV_EINVAL); /* bound already */
    bind.remote_port = 4000;
    CU_ASSERT_EQUAL(op(dom0, bind, NULL), -HV_EINVAL);
    bind.remote_port = 1u << 30;
    CU_ASSERT_EQUAL(op(dom0, bind, NULL), -HV_EINVAL);
    unbound = (struct hv_evtchn_op){.cmd = EVTCHNOP_alloc_unbound, .dom = guest->id, .remote_dom = dom0->id};
    CU_ASSERT_EQUAL(op(dom0, unbound, &far), 0);
    bind.remote_port = far;
    CU_ASSERT_EQUAL(op(other, bind, NULL), -HV_EINVAL); /* it waits for dom0 */
    CU_ASSERT_EQUAL(evtchn_in_use(dom0), 1);
    struct hv_evtchn_op virq = {.cmd = EVTCHNOP_bind_virq, .number = 0, .vcpu = vcpu_n(1)};
    CU_ASSERT_EQUAL(op(dom0, virq, NULL), 0);
    CU_ASSERT_EQUAL(op(dom0, virq, NULL), -HV_EEXIST);
    virq.vcpu = vcpu_n(2);
    CU_ASSERT_EQUAL(op(dom0, virq, NULL), -HV_ENOENT);
    virq.number = 24;
    virq.vcpu = vcpu_n(0);
    CU_ASSERT_EQUAL(op(dom0, virq, NULL), -HV_EINVAL);
    struct hv_evtchn_op pirq = {.cmd = EVTCHNOP_bind_pirq, .number = 9};
    CU_ASSERT_EQUAL(op(dom0, pirq, NULL), 0);
    CU_ASSERT_EQUAL(op(dom0, pirq, NULL), -HV_EEXIST);
}

static void a_dying_domain_lets_go(void)
{
    uint32_t far, near;
    boot("xen-4.3", 64);
    uint64_t before = avail_pages();
    struct domain *d = fx_domain(1);
    CU_ASSERT_EQUAL(channel(d, &far, &near), 0); /* dom0's table is there from now on */
    CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_destroydomain), 0);
    CU_ASSERT_EQUAL(state_of(dom0, near).state, EVTCHNSTAT_unbound);
    CU_ASSERT_PTR_NULL(evtchn_check());
    CU_ASSERT_EQUAL(op(dom0, (struct hv_evtchn_op){.cmd = EVTCHNOP_close, .port = near}, NULL), 0);
    uint64_t then = avail_pages();
    for (unsigned i = 0; i < 50; i++) {
        d = fx_domain(1);
        for (unsigned k = 0; k < 200; k++)
            CU_ASSERT_EQUAL(channel(d, &far, &near), 0);
        CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_destroydomain), 0);
        for (unsigned k = 1; k <= 200; k++)
            CU_ASSERT_EQUAL(op(dom0, (struct hv_evtchn_op){.cmd = EVTCHNOP_close, .port = k}, NULL), 0);
    }
    CU_ASSERT_EQUAL(evtchn_in_use(dom0), 0);
    CU_ASSERT_TRUE(then - avail_pages() <= 2); /* a second bucket of dom0's, and no leak */
    CU_ASSERT_TRUE(before >= then);
}

/* ---- with the toolstack: how many guests a dom0 can have ------------------------------------------------------------
 */

static long hypercall(void *ctx, enum hv_hypercall nr, void *arg)
{
    (void)ctx;
    return hv_core_get()->hypercall(nr, arg);
}

static char last[512];

static void remember(void *ctx, int level, const char *line)
{
    (void)ctx;
    if (level == 0 && strstr(line, "event channels in use"))
        snprintf(last, sizeof(last), "%s", line);
}

static void guests_until_it_is_full(const char *level, unsigned bits, enum hv_guest_type type, unsigned expect)
{
    boot(level, bits);
    fx_op(guest, XEN_DOMCTL_destroydomain);
    struct ts_host h = {NULL, hv_level, hypercall, remember, TS_CLAIM_DEFAULT, ts_channels_new()};
    struct ts_domain_config cfg = {.type = type, .vcpus = 1, .memory_kb = 64, .cap = 0xffffffff};
    CU_ASSERT_EQUAL(ts_channels_boot(&h, 2), 0);
    const unsigned own = ts_channels_in_use(h.channels);
    CU_ASSERT_TRUE(own >= 50 && own <= 100); /* "other dom0 event channels" */
    unsigned n = 0;
    struct ts_domain_result made;
    int rc = 0;
    last[0] = 0;
    for (; n < 1500 && rc == 0; n += rc == 0) {
        snprintf(cfg.name, sizeof(cfg.name), "vm-%u", n + 1);
        rc = ts_domain_create(&h, &cfg, &made);
    }
    CU_ASSERT_EQUAL(n, expect);
    CU_ASSERT_EQUAL(rc, n < 1500 ? -HV_ENOSPC : 0);
    CU_ASSERT_EQUAL(last[0] != 0, n < 1500);
    CU_ASSERT_EQUAL(ts_channels_in_use(h.channels), own + 4 * n);
    CU_ASSERT_EQUAL(evtchn_in_use(domain_find(dom(0))), own + 4 * n); /* what the failed one had is given back */
    CU_ASSERT_EQUAL(ts_domain_destroy(&h, dom(1)), 0);
    CU_ASSERT_EQUAL(ts_domain_create(&h, &cfg, &made), 0); /* a place is free again */
    CU_ASSERT_PTR_NULL(evtchn_check());
    ts_channels_free(h.channels);
}

static void guests(void)
{
    /* (4095 - 55) / 4 and (1023 - 55) / 4: an HVM guest of one vCPU needs as many as a PV guest. */
    guests_until_it_is_full("xen-4.3", 64, HV_GUEST_PV, 1010);
    guests_until_it_is_full("xen-4.3", 64, HV_GUEST_HVM, 1010);
    guests_until_it_is_full("xen-4.3", 32, HV_GUEST_PV, 242);
    guests_until_it_is_full("modern", 64, HV_GUEST_PV, 1500);
}

static const struct cunit_case tests[] = {
    {"both ends of a channel know each other", ends_know_each_other},
    {"the lowest free port is given", the_lowest_free_port_is_given},
    {"1,023, 4,095 or 131,071 ports, then -ENOSPC", limits},
    {"refusals change nothing", refusals},
    {"a dying domain lets go, and nothing leaks", a_dying_domain_lets_go},
    {"a dom0 has so many guests and no more", guests},
};

CUNIT_MAIN("event_channel", tests)
