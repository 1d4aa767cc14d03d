/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xl does to domains and pools that exist: sched-credit, vcpu-pin, cpupool-migrate and so on. Each checks what
 * libxl checks and makes libxl's hypercalls. 0, or a negated HV_E* with the reason logged: what libxl itself refuses is
 * -HV_EINVAL. Nothing has changed then, except where a comment says so.
 */
#ifndef TOOLSTACK_CONTROL_H
#define TOOLSTACK_CONTROL_H

#include <toolstack/toolstack.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TS_UNCHANGED 0xffffffffu /* of a parameter: leave it as it is */
#define TS_ALL_VCPUS 0xffffffffu

/* xl sched-credit -d, sched-credit2 -d, sched-rtds -d. */
struct ts_sched_params {
    unsigned sched_id;             /* XEN_SCHEDULER_*: must be that of the domain's pool, else -HV_EINVAL */
    uint32_t weight, cap;          /* credit, credit2; TS_UNCHANGED */
    unsigned vcpu;                 /* rtds; TS_ALL_VCPUS */
    uint32_t period_us, budget_us; /* rtds; TS_UNCHANGED */
    enum ts_extratime extratime;   /* rtds */
};
/* With TS_ALL_VCPUS, all are checked before the first is changed. */
int ts_sched_set(const struct ts_host *h, dom_id id, const struct ts_sched_params *p);

/*
 * xl sched-credit -s and sched-credit2 -s: parameters of the pool's scheduler; TS_UNCHANGED. -HV_EINVAL: its scheduler
 * has not all that is given. -HV_EOPNOTSUPP: they cannot be changed at this level.
 */
struct ts_pool_params {
    unsigned tslice_ms, ratelimit_us, migration_delay_us;
};
int ts_sched_set_pool(const struct ts_host *h, unsigned pool, const struct ts_pool_params *p);
/* The frame of an arinc653 pool; xl has no command for it, libxc has a call. */
int ts_sched_set_frame(const struct ts_host *h, unsigned pool, s_time_t major_frame, unsigned nr,
                       const struct hv_arinc653_entry *entry);

/* xl vcpu-pin. vcpu may be TS_ALL_VCPUS (vCPUs before the one that is refused keep theirs); hard, soft: NULL is "-". */
int ts_vcpu_pin(const struct ts_host *h, dom_id id, unsigned vcpu, const cpumask_t *hard, const cpumask_t *soft);

/* xl cpupool-migrate, cpupool-cpu-add, cpupool-cpu-remove. */
int ts_cpupool_migrate(const struct ts_host *h, dom_id id, unsigned pool);
int ts_cpupool_cpu_add(const struct ts_host *h, unsigned pool, unsigned cpu);
int ts_cpupool_cpu_remove(const struct ts_host *h, unsigned pool, unsigned cpu);
/* xl cpupool-create: of free pCPUs only. When one is refused the pool goes again; pCPUs that it had are free. */
int ts_cpupool_make(const struct ts_host *h, const struct ts_cpupool_config *cfg, unsigned *id);
/* xl cpupool-destroy: -HV_EBUSY with domains in it; its pCPUs become free. */
int ts_cpupool_destroy(const struct ts_host *h, unsigned pool);

/* xen-hptool cpu-offline, cpu-online. */
int ts_cpu_hotplug(const struct ts_host *h, unsigned cpu, bool online);

/*
 * xen-hptool mem-offline, mem-online of one page, without the exchange of a domain's page for another: that waits until
 * it is freed. What Xen says is not logged; *status: PG_OFFLINE_* or PG_ONLINE_*.
 */
long ts_page_offline(const struct ts_host *h, uint64_t frame, bool online, uint32_t *status);

int ts_domain_pause(const struct ts_host *h, dom_id id);

/*
 * xl mem-set and mem-max. What libxl keeps in XenStore the caller keeps: the target and the static maximum of the
 * domain, KiB, whole pages.
 */
struct ts_memory {
    enum hv_guest_type type;
    uint64_t target_kb; /* what the guest's driver is to balloon to */
    uint64_t max_kb;    /* static maximum: maxmem of its configuration */
    uint64_t pages;     /* guest pages that its driver has not ballooned out, of max_kb / 4 */
};
/* Of a domain as ts_domain_create has built it. A PV guest has not yet ballooned up to anything above its memory. */
void ts_memory_of(const struct ts_domain_config *cfg, struct ts_memory *m);
/*
 * The limit becomes the target and a slack, an HVM guest's populate-on-demand target follows, and m->target_kb is what
 * its driver is told. -HV_EINVAL: above the static maximum, nothing, or not whole pages. -HV_ENOMEM: memory for the
 * populate-on-demand target is short; the limit has changed then.
 */
int ts_mem_set(const struct ts_host *h, dom_id id, struct ts_memory *m, uint64_t target_kb);
/* The limit becomes max_kb and a slack. -HV_EINVAL: below the target, or not whole pages. */
int ts_mem_max(const struct ts_host *h, dom_id id, const struct ts_memory *m, uint64_t max_kb);
/*
 * What the guest's balloon driver does about its target, from its highest frames down and back up, page by page, in
 * calls of as many as its list of frames holds. Pages still missing or still to go: 0 when it has got there. A page
 * that it is refused it tries again, the next time that this is called. -HV_E*: the calls are refused.
 */
long ts_balloon(const struct ts_host *h, dom_id id, struct ts_memory *m);

/* "EINVAL" for -HV_EINVAL and HV_EINVAL; NULL: no such number. */
const char *ts_errno_name(long rc);
/* Number i of the names of errors, with its number; NULL: no more. */
const char *ts_errno_list(unsigned i, int *nr);

#ifdef __cplusplus
}
#endif

#endif
