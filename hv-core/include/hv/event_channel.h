/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: the ports of a domain, and who is at the other end. What is here is the allocation of ports, which is
 * what limits how many guests a host can have; delivery is the port's (upcall_pending of hv/domain.h).
 */
#ifndef HV_EVENT_CHANNEL_H
#define HV_EVENT_CHANNEL_H

#include <hv/public/hypercall.h>

struct domain;

/* At boot: no domain has a port. dom0_bits: word size of dom0's kernel, 32 or 64. */
void evtchn_init(unsigned dom0_bits);
/* An operation of a domain; the hypercall is that of the current one. 0 or -HV_E* (hv/public/hypercall.h). */
long event_channel_op(struct domain *self, struct hv_evtchn_op *op);
long do_event_channel_op(struct hv_evtchn_op *op);
/* d is dying: all of its ports are closed, and the other ends are unbound again. Does nothing where there are none. */
void evtchn_destroy(struct domain *d);
/* Ports of d that are in use, and how many it can have, port 0 not counted. */
unsigned evtchn_in_use(const struct domain *d);
unsigned evtchn_limit(const struct domain *d);
/* NULL, or the first violation: both ends of every channel know each other, and the count is right. */
const char *evtchn_check(void);

#endif
