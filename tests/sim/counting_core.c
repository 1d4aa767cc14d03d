/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The linked hypervisor core; whenever a domain has been destroyed the program is told. */
#include <hv/core.h>

static struct hv_core counting;
static const struct hv_core *linked;

const struct hv_core *hv_core_get(void);

/* The program's own. */
extern const struct hv_core *linked_core(void);
extern void domain_is_gone(void);

static long hypercall(enum hv_hypercall nr, void *arg)
{
    long rc = linked->hypercall(nr, arg);
    if (nr == HYPERCALL_domctl && rc == 0 && ((struct hv_domctl *)arg)->cmd == XEN_DOMCTL_destroydomain)
        domain_is_gone();
    return rc;
}

__attribute__((visibility("default"))) const struct hv_core *hv_core_get(void)
{
    linked = linked_core();
    counting = *linked;
    counting.hypercall = hypercall;
    return &counting;
}
