/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xl and the hypervisor's console print about a host, byte for byte in the form of Xen 4.17's xl (4.3's where the
 * level has no soft affinity). The state is asked for with calls that only look (hv_core.inspect).
 */
#ifndef SIM_XL_PRINT_H
#define SIM_XL_PRINT_H

#include <hv/core.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who is asked, and what the toolstack knows beside the hypervisor. */
struct xl_host {
    const struct hv_core *core;
    const struct hv_profile *level;
    void *ctx;
    /* NULL: no such domain or pool. */
    const char *(*domain_name)(void *ctx, unsigned domid);
    const char *(*pool_name)(void *ctx, unsigned pool);
};

enum xl_what {
    XL_VCPU_LIST,
    XL_LIST,
    XL_LIST_N,
    XL_SCHED_CREDIT,
    XL_SCHED_CREDIT2,
    XL_SCHED_RTDS,
    XL_CPUPOOL_LIST,
    XL_CPUPOOL_LIST_C,
    XL_INFO_N,
    XL_DEBUG_KEYS_R, /* goes to the hypervisor's console, not to f */
    XL_NR
};

/* Their names, as after "xl"; NULL-terminated: for options and completion. */
extern const char *const xl_names[XL_NR + 1];

void xl_print(FILE *f, const struct xl_host *h, enum xl_what what);

#ifdef __cplusplus
}
#endif

#endif
