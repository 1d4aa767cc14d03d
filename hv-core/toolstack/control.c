/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "internal.h"

#include <toolstack/control.h>

#define WEIGHT_MAX 65535u
#define CAP_UNCHANGED 0xffffu /* of the hypercall; a weight of 0 is the same */
#define PERCENT 100u

/* ---- errors ----------------------------------------------------------------------------------------------------- */

const char *ts_errno_list(unsigned i, int *nr)
{
    static const struct {
        int nr;
        const char *name;
    } names[] = {
        {HV_EPERM, "EPERM"},   {HV_ENOENT, "ENOENT"}, {HV_ESRCH, "ESRCH"},           {HV_E2BIG, "E2BIG"},
        {HV_EAGAIN, "EAGAIN"}, {HV_ENOMEM, "ENOMEM"}, {HV_EACCES, "EACCES"},         {HV_EFAULT, "EFAULT"},
        {HV_EBUSY, "EBUSY"},   {HV_EEXIST, "EEXIST"}, {HV_ENODEV, "ENODEV"},         {HV_EINVAL, "EINVAL"},
        {HV_ENOSPC, "ENOSPC"}, {HV_ENOSYS, "ENOSYS"}, {HV_EOPNOTSUPP, "EOPNOTSUPP"},
    };
    if (i >= sizeof names / sizeof names[0])
        return NULL;
    *nr = names[i].nr;
    return names[i].name;
}

const char *ts_errno_name(long rc)
{
    const char *name;
    int nr;
    for (unsigned i = 0; (name = ts_errno_list(i, &nr)) != NULL; i++)
        if (nr == rc || nr == -rc)
            return name;
    return NULL;
}

static int refused(const struct ts_host *h, long rc, const char *what)
{
    ts_log(h, TS_LOG_ERROR, "%s: %s", what, ts_strerror(rc));
    return (int)rc;
}

/* ---- parameters of domains -------------------------------------------------------------------------------------- */

static int read_domain(const struct ts_host *h, dom_id id, unsigned *max_vcpus)
{
    struct hv_domctl op = {0};
    long rc = ts_domctl(h, &op, XEN_DOMCTL_getdomaininfo, id);
    if (rc >= 0 && op.domid.n != id.n)
        rc = -HV_ESRCH;
    if (rc < 0)
        return refused(h, rc, "the domain cannot be read");
    *max_vcpus = op.u.getdomaininfo.max_vcpu_id + 1;
    return 0;
}

static int set_weight_and_cap(const struct ts_host *h, dom_id id, const struct ts_sched_params *p)
{
    unsigned max_vcpus = 0;
    int rc = read_domain(h, id, &max_vcpus);
    if (rc)
        return rc;
    if (p->weight != TS_UNCHANGED && (p->weight < 1 || p->weight > WEIGHT_MAX)) {
        ts_log(h, TS_LOG_ERROR, "Domain %u:Cpu weight out of range, valid values are within range from 1 to %u", id.n,
               WEIGHT_MAX);
        return -HV_EINVAL;
    }
    if (p->cap != TS_UNCHANGED && p->cap > PERCENT * max_vcpus) {
        ts_log(h, TS_LOG_ERROR,
               "Domain %u:Cpu cap out of range, valid range is from 0 to %u for specified number of vcpus", id.n,
               PERCENT * max_vcpus);
        return -HV_EINVAL;
    }
    struct hv_domctl op = {0};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.sched_id = p->sched_id;
    op.u.scheduler_op.weight = p->weight == TS_UNCHANGED ? 0 : p->weight;
    op.u.scheduler_op.cap = p->cap == TS_UNCHANGED ? CAP_UNCHANGED : p->cap;
    long err = ts_domctl(h, &op, XEN_DOMCTL_scheduler_op, id);
    return err < 0 ? refused(h, err, "Xen refuses the parameters") : 0;
}

/* What a vCPU is to have: what it has, with what is asked for in its place. Checked as libxl does. */
static int plan_rtds_vcpu(const struct ts_host *h, dom_id id, unsigned vcpu, const struct ts_sched_params *p,
                          struct hv_domctl *op)
{
    *op = (struct hv_domctl){0};
    op->u.scheduler_op.by_vcpu = true;
    op->u.scheduler_op.vcpu = vcpu_n(vcpu);
    op->u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
    long rc = ts_domctl(h, op, XEN_DOMCTL_scheduler_op, id);
    if (rc < 0)
        return refused(h, rc, "Xen does not tell the vCPU's parameters");
    if (p->period_us != TS_UNCHANGED)
        op->u.scheduler_op.period_us = p->period_us;
    if (p->budget_us != TS_UNCHANGED)
        op->u.scheduler_op.budget_us = p->budget_us;
    if (p->extratime != TS_EXTRATIME_NOT_GIVEN)
        op->u.scheduler_op.extratime = p->extratime == TS_EXTRATIME_ON;
    uint32_t period = op->u.scheduler_op.period_us, budget = op->u.scheduler_op.budget_us;
    if (period < 1 || budget < 1 || budget > period) {
        ts_log(h, TS_LOG_ERROR,
               "Domain %u, vCPU %u: the budget must be 1 us or more and not above the period, but %u us of %u us are "
               "asked for",
               id.n, vcpu, budget, period);
        return -HV_EINVAL;
    }
    op->u.scheduler_op.put = true;
    return 0;
}

static int set_rtds(const struct ts_host *h, dom_id id, unsigned first, unsigned last, const struct ts_sched_params *p)
{
    struct hv_domctl op;
    int rc = 0;
    for (unsigned v = first; v <= last && !rc; v++)
        rc = plan_rtds_vcpu(h, id, v, p, &op);
    for (unsigned v = first; v <= last && !rc; v++) {
        rc = plan_rtds_vcpu(h, id, v, p, &op);
        long err = rc ? 0 : ts_domctl(h, &op, XEN_DOMCTL_scheduler_op, id);
        if (err < 0)
            rc = refused(h, err, "Xen refuses the parameters");
    }
    return rc;
}

int ts_sched_set(const struct ts_host *h, dom_id id, const struct ts_sched_params *p)
{
    if (p->sched_id != XEN_SCHEDULER_RTDS)
        return set_weight_and_cap(h, id, p);
    if (p->vcpu != TS_ALL_VCPUS)
        return set_rtds(h, id, p->vcpu, p->vcpu, p);
    unsigned max_vcpus = 0;
    int rc = read_domain(h, id, &max_vcpus);
    return rc ? rc : set_rtds(h, id, 0, max_vcpus - 1, p);
}

/* ---- parameters of pools ---------------------------------------------------------------------------------------- */

int ts_sched_set_pool(const struct ts_host *h, unsigned pool, const struct ts_pool_params *p)
{
    struct hv_sysctl info = {0}, op = {0};
    info.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    info.u.cpupool_op.cpupool = pool;
    long rc = ts_sysctl(h, &info, XEN_SYSCTL_cpupool_op);
    if (rc < 0)
        return refused(h, rc, "Xen does not tell about the pool");
    if (p->migration_delay_us != TS_UNCHANGED && h->level->quirk[HV_QUIRK_credit_delay_at_boot_only])
        return refused(h, -HV_EOPNOTSUPP, "the migration delay is a boot parameter at this level");
    /* The command is sched-credit2 where the pool has that scheduler and nothing is asked for that it has not. */
    bool credit2 = info.u.cpupool_op.sched_id == XEN_SCHEDULER_CREDIT2 && p->tslice_ms == TS_UNCHANGED &&
                   p->migration_delay_us == TS_UNCHANGED;
    op.u.scheduler_op.cpupool = pool;
    op.u.scheduler_op.sched_id = credit2 ? XEN_SCHEDULER_CREDIT2 : XEN_SCHEDULER_CREDIT;
    rc = ts_sysctl(h, &op, XEN_SYSCTL_scheduler_op);
    if (rc < 0)
        return refused(h, rc, "Xen does not tell the pool's parameters");
    op.u.scheduler_op.put = true;
    if (p->tslice_ms != TS_UNCHANGED)
        op.u.scheduler_op.tslice_ms = p->tslice_ms;
    if (p->ratelimit_us != TS_UNCHANGED)
        op.u.scheduler_op.ratelimit_us = p->ratelimit_us;
    if (p->migration_delay_us != TS_UNCHANGED)
        op.u.scheduler_op.migration_delay_us = p->migration_delay_us;
    rc = ts_sysctl(h, &op, XEN_SYSCTL_scheduler_op);
    return rc < 0 ? refused(h, rc, "Xen refuses the pool's parameters") : 0;
}

int ts_sched_set_frame(const struct ts_host *h, unsigned pool, s_time_t major_frame, unsigned nr,
                       const struct hv_arinc653_entry *entry)
{
    struct hv_sysctl op = {0};
    if (nr > HV_ARINC653_MAX_ENTRIES)
        return refused(h, -HV_EINVAL, "the frame has too many slots");
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.cpupool = pool;
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_ARINC653;
    op.u.scheduler_op.major_frame = major_frame;
    op.u.scheduler_op.nr_entries = nr;
    for (unsigned i = 0; i < nr; i++)
        op.u.scheduler_op.entry[i] = entry[i];
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_scheduler_op);
    return rc < 0 ? refused(h, rc, "Xen refuses the frame") : 0;
}

/* ---- affinity --------------------------------------------------------------------------------------------------- */

static int pin(const struct ts_host *h, dom_id id, unsigned vcpu, const cpumask_t *hard, const cpumask_t *soft)
{
    struct hv_domctl op = {0};
    op.u.vcpuaffinity.vcpu = vcpu_n(vcpu);
    if (hard) {
        op.u.vcpuaffinity.flags |= XEN_VCPUAFFINITY_HARD;
        op.u.vcpuaffinity.cpumap = *hard;
    }
    if (soft) {
        op.u.vcpuaffinity.flags |= XEN_VCPUAFFINITY_SOFT;
        op.u.vcpuaffinity.cpumap_soft = *soft;
    }
    long rc = ts_domctl(h, &op, XEN_DOMCTL_setvcpuaffinity, id);
    return rc < 0 ? refused(h, rc, "Xen refuses the affinity") : 0;
}

int ts_vcpu_pin(const struct ts_host *h, dom_id id, unsigned vcpu, const cpumask_t *hard, const cpumask_t *soft)
{
    if (vcpu != TS_ALL_VCPUS)
        return pin(h, id, vcpu, hard, soft);
    unsigned max_vcpus = 0;
    int rc = read_domain(h, id, &max_vcpus);
    for (unsigned v = 0; v < max_vcpus && !rc; v++)
        rc = pin(h, id, v, hard, soft);
    return rc;
}

/* ---- pools and pCPUs -------------------------------------------------------------------------------------------- */

static long pool_op(const struct ts_host *h, enum hv_cpupool_op what, unsigned pool, unsigned cpu)
{
    struct hv_sysctl op = {0};
    op.u.cpupool_op.op = what;
    op.u.cpupool_op.cpupool = pool;
    op.u.cpupool_op.cpu = cpu;
    return ts_sysctl(h, &op, XEN_SYSCTL_cpupool_op);
}

int ts_cpupool_migrate(const struct ts_host *h, dom_id id, unsigned pool)
{
    struct hv_sysctl op = {0};
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN;
    op.u.cpupool_op.cpupool = pool;
    op.u.cpupool_op.domid = id;
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_cpupool_op);
    return rc < 0 ? refused(h, rc, "Xen does not move the domain") : 0;
}

int ts_cpupool_cpu_add(const struct ts_host *h, unsigned pool, unsigned cpu)
{
    long rc = pool_op(h, XEN_SYSCTL_CPUPOOL_OP_ADDCPU, pool, cpu);
    return rc < 0 ? refused(h, rc, "Xen does not add the pCPU") : 0;
}

int ts_cpupool_cpu_remove(const struct ts_host *h, unsigned pool, unsigned cpu)
{
    long rc = pool_op(h, XEN_SYSCTL_CPUPOOL_OP_RMCPU, pool, cpu);
    return rc < 0 ? refused(h, rc, "Xen does not remove the pCPU") : 0;
}

int ts_cpupool_destroy(const struct ts_host *h, unsigned pool)
{
    struct hv_sysctl op = {0};
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    op.u.cpupool_op.cpupool = pool;
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_cpupool_op);
    if (rc >= 0 && op.u.cpupool_op.cpupool != pool)
        rc = -HV_ENOENT;
    else if (rc >= 0 && (op.u.cpupool_op.n_dom || pool == 0))
        rc = -HV_EBUSY; /* before its pCPUs go */
    for (unsigned c = 0; c < HV_MAX_PCPUS && rc >= 0; c++)
        if (cpumask_test(&op.u.cpupool_op.cpumap, pcpu(c))) {
            rc = pool_op(h, XEN_SYSCTL_CPUPOOL_OP_RMCPU, pool, c);
            if (rc == -HV_ENODEV)
                rc = 0; /* it went with another one of its core or socket */
        }
    if (rc >= 0)
        rc = pool_op(h, XEN_SYSCTL_CPUPOOL_OP_DESTROY, pool, 0);
    return rc < 0 ? refused(h, rc, "the pool cannot be destroyed") : 0;
}

int ts_cpupool_make(const struct ts_host *h, const struct ts_cpupool_config *cfg, unsigned *id)
{
    struct hv_sysctl op = {0};
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
    op.u.cpupool_op.cpupool = XEN_SYSCTL_CPUPOOL_ANY;
    op.u.cpupool_op.sched_id = cfg->sched_id;
    op.u.cpupool_op.gran = cfg->gran;
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_cpupool_op);
    if (rc < 0)
        return refused(h, rc, "Xen does not create the pool");
    *id = op.u.cpupool_op.cpupool;
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++) {
        if (!cpumask_test(&cfg->cpus, pcpu(c)))
            continue;
        rc = ts_pool_add(h, *id, c);
        if (rc < 0) {
            int err = refused(h, rc, "Xen does not add a pCPU to the new pool");
            ts_cpupool_destroy(h, *id); /* says so itself if it fails */
            return err;
        }
    }
    return 0;
}

int ts_cpu_hotplug(const struct ts_host *h, unsigned cpu, bool online)
{
    struct hv_sysctl op = {0};
    op.u.cpu_hotplug.cpu = cpu;
    op.u.cpu_hotplug.online = online;
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_cpu_hotplug);
    return rc < 0 ? refused(h, rc, online ? "Xen does not bring the pCPU up" : "Xen does not take the pCPU down") : 0;
}

long ts_page_offline(const struct ts_host *h, uint64_t frame, bool online, uint32_t *status)
{
    struct hv_sysctl op = {0};
    op.u.page_offline.cmd = online ? sysctl_page_online : sysctl_page_offline;
    op.u.page_offline.frame = mfn(frame);
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_page_offline_op);
    *status = op.u.page_offline.status;
    return rc;
}

int ts_domain_pause(const struct ts_host *h, dom_id id)
{
    struct hv_domctl op = {0};
    long rc = ts_domctl(h, &op, XEN_DOMCTL_pausedomain, id);
    return rc < 0 ? refused(h, rc, "Xen does not pause the domain") : 0;
}
