/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of common/ offer to each other and to nobody else: the steps of boot. */
#ifndef COMMON_BOOT_H
#define COMMON_BOOT_H

#include <hv/boot.h>
#include <hv/domain.h>

/* Nothing pending, no handlers. */
void softirq_reset(void);
/* Empty queues on all pCPUs, handler of the TIMER softirq. After numa_init. */
void timers_init(const struct hv_options *opt);
/* After timers_init. */
void calibration_init(const struct hv_options *opt);
/* No domains. Then the idle domain, with room for a vCPU per pCPU. 0 or -HV_E*. */
int domains_init(void);

int hv_boot(const struct hv_boot_info *info);
/* The boot parameters about dom0. NULL, or the name of the one that would be refused. */
const char *dom0_bad_option(const struct hv_options *opt);
/* Takes them over; 0, or -HV_EINVAL with a message. After numa_init. */
int dom0_options_set(const struct hv_options *opt);
int hv_construct_dom0(unsigned nr_vcpus, uint64_t mem_bytes);
/* Entry of hypercalls (hv/core.h). */
long hv_hypercall(enum hv_hypercall nr, void *arg);
/* Create the vCPUs 0..max-1 that are missing, placed as 4.3 does. 0 or -HV_E*; what was created stays. */
int domain_create_vcpus(struct domain *d, unsigned max);
/* Clear "down" of vCPUs 0..nr-1 and wake them. */
int domain_online_vcpus(struct domain *d, unsigned nr);

extern struct domain *hv_idle_domain;

#endif
