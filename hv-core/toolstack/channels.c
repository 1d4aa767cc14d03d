/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event channels that dom0 has with its guests, and its own. Each guest's device or daemon has one of dom0's ports:
 *   PV   console, xenstore, a network and a disk
 *   HVM  xenstore, a network and a disk, and one a vCPU for the device model
 * (results/reference/scalability.csv: "event channels per VM"). The guest's end comes first, unbound; dom0's backend
 * binds to it. dom0's kernel has for itself, per vCPU, a timer and five kinds of IPI, and three VIRQs and the
 * interrupts of devices, of which there are as many as make 50 to 100 with a few vCPUs.
 */
#include "internal.h"

#include <stdlib.h>

#define PV_CHANNELS 4u
#define HVM_CHANNELS 3u
#define IPIS_PER_VCPU 5u
#define GLOBAL_VIRQS 3u
#define DEVICE_IRQS 40u /* estimated */
#define VIRQ_TIMER 0u
#define VIRQ_FIRST_GLOBAL 2u

struct guest_ports {
    unsigned nr;
    uint32_t *port; /* of dom0 */
};

struct ts_channels {
    unsigned in_use; /* ports of dom0 */
    struct guest_ports of[DOM_FIRST_RESERVED];
};

struct ts_channels *ts_channels_new(void)
{
    return calloc(1, sizeof(struct ts_channels));
}

void ts_channels_free(struct ts_channels *c)
{
    for (unsigned i = 0; c && i < DOM_FIRST_RESERVED; i++)
        free(c->of[i].port);
    free(c);
}

unsigned ts_channels_in_use(const struct ts_channels *c)
{
    return c->in_use;
}

static long call(const struct ts_host *h, struct hv_evtchn_op *op)
{
    long rc = h->hypercall(h->ctx, HYPERCALL_event_channel_op, op);
    if (rc == 0 && (op->cmd == EVTCHNOP_bind_interdomain || op->cmd == EVTCHNOP_bind_ipi ||
                    op->cmd == EVTCHNOP_bind_virq || op->cmd == EVTCHNOP_bind_pirq))
        h->channels->in_use++;
    return rc;
}

static long bind(const struct ts_host *h, enum hv_evtchn_cmd cmd, unsigned number, unsigned vcpu)
{
    struct hv_evtchn_op op = {.cmd = cmd, .number = number, .vcpu = vcpu_n(vcpu)};
    return call(h, &op);
}

int ts_channels_boot(const struct ts_host *h, unsigned nr_vcpus)
{
    struct hv_evtchn_op op = {.cmd = EVTCHNOP_init_control};
    long rc = h->level->quirk[HV_QUIRK_evtchn_2level_only] ? 0 : call(h, &op);
    for (unsigned v = 0; v < nr_vcpus && rc >= 0; v++) {
        rc = bind(h, EVTCHNOP_bind_virq, VIRQ_TIMER, v);
        for (unsigned i = 0; i < IPIS_PER_VCPU && rc >= 0; i++)
            rc = bind(h, EVTCHNOP_bind_ipi, 0, v);
    }
    for (unsigned i = 0; i < GLOBAL_VIRQS && rc >= 0; i++)
        rc = bind(h, EVTCHNOP_bind_virq, VIRQ_FIRST_GLOBAL + i, 0);
    for (unsigned i = 0; i < DEVICE_IRQS && rc >= 0; i++)
        rc = bind(h, EVTCHNOP_bind_pirq, i, 0);
    return rc < 0 ? ts_fail(h, "Domain-0", "its kernel cannot have its own event channels", rc) : 0;
}

/* The guest's end, then dom0's. */
static long connect(const struct ts_host *h, dom_id id, uint32_t *port)
{
    struct hv_evtchn_op op = {.cmd = EVTCHNOP_alloc_unbound, .dom = id, .remote_dom = dom(0)};
    long rc = call(h, &op);
    if (rc < 0)
        return rc;
    op = (struct hv_evtchn_op){.cmd = EVTCHNOP_bind_interdomain, .remote_dom = id, .remote_port = op.port};
    rc = call(h, &op);
    *port = op.port;
    return rc;
}

int ts_channels_connect(const struct ts_host *h, dom_id id, const struct ts_domain_config *cfg)
{
    if (!h->channels)
        return 0;
    struct guest_ports *g = &h->channels->of[id.n];
    unsigned nr = cfg->type == HV_GUEST_HVM ? HVM_CHANNELS + cfg->maxvcpus : PV_CHANNELS;
    free(g->port);
    *g = (struct guest_ports){0, calloc(nr, sizeof(uint32_t))};
    long rc = g->port ? 0 : -HV_ENOMEM;
    for (; g->nr < nr && rc >= 0; g->nr += rc >= 0)
        rc = connect(h, id, &g->port[g->nr]);
    if (rc != -HV_ENOSPC)
        return rc < 0 ? ts_fail(h, cfg->name, "its event channels cannot be made", rc) : 0;
    ts_log(h, TS_LOG_ERROR, "domain %s: dom0 has all of its %u event channels in use, and the domain needs %u more",
           cfg->name, h->channels->in_use, nr - g->nr);
    return (int)rc;
}

void ts_channels_close(const struct ts_host *h, dom_id id)
{
    if (!h->channels)
        return;
    struct guest_ports *g = &h->channels->of[id.n];
    for (unsigned i = 0; i < g->nr; i++) {
        struct hv_evtchn_op op = {.cmd = EVTCHNOP_close, .port = g->port[i]};
        long rc = call(h, &op);
        if (rc < 0)
            ts_log(h, TS_LOG_ERROR, "event channel %u of dom0 cannot be closed: %s (error %ld)", g->port[i],
                   ts_strerror(rc), -rc);
        else
            h->channels->in_use--;
    }
    free(g->port);
    *g = (struct guest_ports){0};
}
