/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of event channels.
 *
 * Design: a domain's ports lie in buckets of 128, which are there from the first use of one of their ports until the
 * domain goes; the table of buckets is there from the domain's first port on, so a domain without event channels costs
 * nothing. The lowest free port is given, found by looking at one after the other, as Xen does: the time for a port
 * grows with the ports in use. Port 0 is never given.
 *
 * Limits. Two levels of bits, a word that says which words have one set: a word's bits squared, 1024 ports for a 32-bit
 * kernel, 4096 for a 64-bit one. The FIFO (from 4.4 on) links events by 17 bits of their words: 131072 ports, for the
 * domain that asks for it.
 *
 * One lock for the ports of all domains (Xen: one a domain, and a reference to the other one), because a channel has
 * two ends; only opening and closing take it, not delivery.
 */
#include "boot.h"

#include <hv/event_channel.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/sched.h>

#define PORTS_PER_BUCKET 128u
#define FIFO_LINK_BITS 17u
#define FIFO_PORTS (1u << FIFO_LINK_BITS)
#define NR_BUCKETS (FIFO_PORTS / PORTS_PER_BUCKET)
#define NR_VIRQS 24u
#define NR_PIRQS 4096u

struct port {
    uint8_t state;  /* enum hv_evtchn_state */
    uint16_t vcpu;  /* that it is delivered to */
    dom_id remote;  /* unbound, interdomain */
    uint32_t other; /* interdomain: the other end's port; virq, pirq: its number */
};

struct ports {
    unsigned limit; /* ports, 0 counted */
    unsigned in_use;
    struct port *bucket[NR_BUCKETS];
};

/* By domain id; beside the domain, because most have none. */
static struct ports *table[DOM_FIRST_RESERVED];
static unsigned dom0_word;
static struct hv_lock lock = HV_LOCK_INIT("event_channel");

void evtchn_init(unsigned dom0_bits)
{
    dom0_word = dom0_bits;
    lock = (struct hv_lock)HV_LOCK_INIT("event_channel");
    for (unsigned i = 0; i < DOM_FIRST_RESERVED; i++)
        table[i] = NULL;
}

/* ---- a domain's ports ---------------------------------------------------------------------------------------------
 */

static unsigned two_level_limit(const struct domain *d)
{
    unsigned word = d->id.n == 0 ? dom0_word : d->type == HV_GUEST_ARM32 ? 32 : 64;
    return word * word;
}

/* NULL: out of memory. Lock held, as in all that follow. */
static struct ports *ports_of(const struct domain *d)
{
    struct ports *ps = table[d->id.n];
    if (!ps && (ps = hv_zalloc(sizeof(*ps))) != NULL) {
        ps->limit = two_level_limit(d);
        table[d->id.n] = ps;
    }
    return ps;
}

/* NULL: its bucket is not there, which means that it is free. */
static struct port *port_at(const struct ports *ps, uint32_t n)
{
    struct port *b = n < ps->limit ? ps->bucket[n / PORTS_PER_BUCKET] : NULL;
    return b ? &b[n % PORTS_PER_BUCKET] : NULL;
}

/* The lowest free port, or -HV_ENOSPC, -HV_ENOMEM. */
static long free_port(struct ports *ps)
{
    for (uint32_t n = 1; n < ps->limit; n++) {
        struct port **b = &ps->bucket[n / PORTS_PER_BUCKET];
        if (!*b && !(*b = hv_zalloc(PORTS_PER_BUCKET * sizeof(struct port))))
            return -HV_ENOMEM;
        if ((*b)[n % PORTS_PER_BUCKET].state == EVTCHNSTAT_closed)
            return n;
    }
    return -HV_ENOSPC;
}

static void take_port(struct ports *ps, uint32_t n, struct port what)
{
    *port_at(ps, n) = what;
    ps->in_use++;
}

static void give_port(struct ports *ps, struct port *p)
{
    *p = (struct port){0};
    ps->in_use--;
}

/* ---- operations ---------------------------------------------------------------------------------------------------
 */

/* The domain that an operation names; only dom0 speaks for others. 0, or -HV_EPERM, -HV_ESRCH. */
static long named_domain(struct domain *self, dom_id id, struct domain **out)
{
    *out = self;
    if (id.n == DOMID_SELF || dom_eq(id, self->id))
        return 0;
    if (self->id.n != 0)
        return -HV_EPERM;
    *out = domain_find(id);
    return *out ? 0 : -HV_ESRCH;
}

/* A new port of d that is what. Its number, or a negated HV_E*. */
static long open_port(struct domain *d, struct port what)
{
    if (d->is_dying)
        return -HV_EINVAL;
    struct ports *ps = ports_of(d);
    if (!ps)
        return -HV_ENOMEM;
    long n = free_port(ps);
    if (n > 0)
        take_port(ps, (uint32_t)n, what);
    return n;
}

/* 0 and the port in *out, or the error. */
static long result(long n, uint32_t *out)
{
    if (n < 0)
        return n;
    *out = (uint32_t)n;
    return 0;
}

static long alloc_unbound(struct domain *self, struct hv_evtchn_op *op)
{
    struct domain *d;
    long rc = named_domain(self, op->dom, &d);
    if (rc)
        return rc;
    dom_id remote = op->remote_dom.n == DOMID_SELF ? self->id : op->remote_dom;
    return result(open_port(d, (struct port){.state = EVTCHNSTAT_unbound, .remote = remote}), &op->port);
}

static long bind_interdomain(struct domain *self, struct hv_evtchn_op *op)
{
    struct domain *d = op->remote_dom.n == DOMID_SELF ? self : domain_find(op->remote_dom);
    if (!d)
        return -HV_ESRCH;
    if (self->is_dying)
        return -HV_EINVAL;
    if (!ports_of(self) || !ports_of(d))
        return -HV_ENOMEM;
    struct port *far = port_at(table[d->id.n], op->remote_port);
    long rc = free_port(table[self->id.n]);
    if (rc > 0 && (!far || far->state != EVTCHNSTAT_unbound || !dom_eq(far->remote, self->id)))
        rc = -HV_EINVAL;
    if (rc > 0) {
        take_port(table[self->id.n], (uint32_t)rc,
                  (struct port){.state = EVTCHNSTAT_interdomain, .remote = d->id, .other = op->remote_port});
        far->state = EVTCHNSTAT_interdomain;
        far->other = (uint32_t)rc;
    }
    return result(rc, &op->port);
}

/* Is there a port of that kind already? */
static bool is_bound(const struct domain *d, enum hv_evtchn_state state, uint32_t number, int vcpu)
{
    const struct ports *ps = table[d->id.n];
    for (uint32_t n = 1; ps && n < ps->limit; n++) {
        const struct port *p = port_at(ps, n);
        if (!p)
            n |= PORTS_PER_BUCKET - 1; /* the whole bucket */
        else if (p->state == state && p->other == number && (vcpu < 0 || p->vcpu == vcpu))
            return true;
    }
    return false;
}

static long bind_local(struct domain *self, struct hv_evtchn_op *op)
{
    struct port what = {.vcpu = op->vcpu.n, .other = op->number};
    if (op->cmd != EVTCHNOP_bind_pirq && (op->vcpu.n >= self->max_vcpus || !self->vcpu[op->vcpu.n]))
        return -HV_ENOENT;
    if (op->cmd == EVTCHNOP_bind_ipi) {
        what.state = EVTCHNSTAT_ipi;
        what.other = 0;
    } else if (op->cmd == EVTCHNOP_bind_virq) {
        what.state = EVTCHNSTAT_virq;
        if (op->number >= NR_VIRQS)
            return -HV_EINVAL;
        if (is_bound(self, EVTCHNSTAT_virq, op->number, op->vcpu.n))
            return -HV_EEXIST;
    } else {
        what.state = EVTCHNSTAT_pirq;
        what.vcpu = 0;
        if (op->number >= NR_PIRQS)
            return -HV_EINVAL;
        if (is_bound(self, EVTCHNSTAT_pirq, op->number, -1))
            return -HV_EEXIST;
    }
    return result(open_port(self, what), &op->port);
}

/* A port whose other end may be in another domain: closed here, unbound there. */
static long close_port(struct domain *d, uint32_t n)
{
    struct ports *ps = table[d->id.n];
    if (!ps)
        return -HV_EINVAL;
    struct port *p = port_at(ps, n);
    if (!p || p->state == EVTCHNSTAT_closed)
        return -HV_EINVAL;
    if (p->state == EVTCHNSTAT_interdomain)
        *port_at(table[p->remote.n], p->other) = (struct port){.state = EVTCHNSTAT_unbound, .remote = d->id};
    give_port(ps, p);
    return 0;
}

static long status(struct domain *self, struct hv_evtchn_op *op)
{
    struct domain *d;
    long rc = named_domain(self, op->dom, &d);
    if (rc)
        return rc;
    const struct ports *ps = table[d->id.n];
    if (op->port >= (ps ? ps->limit : two_level_limit(d)))
        return -HV_EINVAL;
    const struct port *p = ps ? port_at(ps, op->port) : NULL, closed = {0};
    p = p ? p : &closed;
    op->state = p->state;
    op->vcpu = vcpu_n(p->vcpu);
    op->remote_dom = p->remote;
    op->remote_port = op->number = p->other;
    return 0;
}

static long init_control(struct domain *self, struct hv_evtchn_op *op)
{
    if (quirk(evtchn_2level_only))
        return -HV_ENOSYS;
    struct ports *ps = ports_of(self);
    if (!ps)
        return -HV_ENOMEM;
    ps->limit = FIFO_PORTS;
    op->number = FIFO_LINK_BITS;
    return 0;
}

static long operate(struct domain *self, struct hv_evtchn_op *op)
{
    switch (op->cmd) {
    case EVTCHNOP_alloc_unbound:
        return alloc_unbound(self, op);
    case EVTCHNOP_bind_interdomain:
        return bind_interdomain(self, op);
    case EVTCHNOP_bind_virq:
    case EVTCHNOP_bind_ipi:
    case EVTCHNOP_bind_pirq:
        return bind_local(self, op);
    case EVTCHNOP_close:
        return close_port(self, op->port);
    case EVTCHNOP_status:
        return status(self, op);
    case EVTCHNOP_init_control:
        return init_control(self, op);
    }
    return -HV_ENOSYS;
}

long event_channel_op(struct domain *self, struct hv_evtchn_op *op)
{
    port_lock(&lock);
    long rc = operate(self, op);
    port_unlock(&lock);
    return rc;
}

long do_event_channel_op(struct hv_evtchn_op *op)
{
    struct domain *self = sched_current(port_this_cpu())->domain;
    if (self->is_idle) /* at boot the hypervisor itself is in control */
        self = domain_find(dom(0));
    return self ? event_channel_op(self, op) : -HV_ESRCH;
}

/* ---- the end, and the check ----------------------------------------------------------------------------------------
 */

void evtchn_destroy(struct domain *d)
{
    struct ports *ps = d->id.n < DOM_FIRST_RESERVED ? table[d->id.n] : NULL;
    if (!ps)
        return;
    port_lock(&lock);
    for (uint32_t n = 1; n < ps->limit && ps->in_use; n++)
        close_port(d, n);
    table[d->id.n] = NULL;
    port_unlock(&lock);
    for (unsigned b = 0; b < NR_BUCKETS; b++)
        if (ps->bucket[b])
            hv_free(ps->bucket[b]);
    hv_free(ps);
}

unsigned evtchn_in_use(const struct domain *d)
{
    return table[d->id.n] ? table[d->id.n]->in_use : 0;
}

unsigned evtchn_limit(const struct domain *d)
{
    return (table[d->id.n] ? table[d->id.n]->limit : two_level_limit(d)) - 1;
}

static const char *check_domain(unsigned id, const struct ports *ps)
{
    unsigned in_use = 0;
    for (uint32_t n = 0; n < ps->limit; n++) {
        const struct port *p = port_at(ps, n);
        if (!p || p->state == EVTCHNSTAT_closed)
            continue;
        in_use++;
        if (n == 0)
            return "event channel port 0 is in use";
        if (p->state != EVTCHNSTAT_interdomain)
            continue;
        const struct ports *rs = p->remote.n < DOM_FIRST_RESERVED ? table[p->remote.n] : NULL;
        const struct port *far = rs ? port_at(rs, p->other) : NULL;
        if (!far || far->state != EVTCHNSTAT_interdomain || far->remote.n != id || far->other != n)
            return "an event channel's other end does not know it";
    }
    return in_use == ps->in_use ? NULL : "a domain's count of event channels is wrong";
}

const char *evtchn_check(void)
{
    const char *broken = NULL;
    for (unsigned id = 0; id < DOM_FIRST_RESERVED && !broken; id++)
        if (table[id])
            broken = check_domain(id, table[id]);
    return broken;
}
