/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xl cpupool-create. */
#include "internal.h"

#define UNCHANGED 0xffffffffu

static int pool_fail(const struct ts_host *h, const char *name, const char *what, long rc)
{
    ts_log(h, TS_LOG_ERROR, "cpupool %s: %s: %s (error %ld)", name, what, ts_strerror(rc), -rc);
    return (int)rc;
}

static long pool_op(const struct ts_host *h, enum hv_cpupool_op what, unsigned pool, unsigned cpu)
{
    struct hv_sysctl op = {0};
    op.u.cpupool_op.op = what;
    op.u.cpupool_op.cpupool = pool;
    op.u.cpupool_op.cpu = cpu;
    return ts_sysctl(h, &op, XEN_SYSCTL_cpupool_op);
}

static int set_params(const struct ts_host *h, const struct ts_cpupool_config *cfg, unsigned id)
{
    struct hv_sysctl op = {0};
    if (cfg->tslice_ms == UNCHANGED && cfg->ratelimit_us == UNCHANGED)
        return 0;
    op.u.scheduler_op.cpupool = id;
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_scheduler_op);
    if (rc >= 0) {
        op.u.scheduler_op.put = true;
        if (cfg->tslice_ms != UNCHANGED)
            op.u.scheduler_op.tslice_ms = cfg->tslice_ms;
        if (cfg->ratelimit_us != UNCHANGED)
            op.u.scheduler_op.ratelimit_us = cfg->ratelimit_us;
        rc = ts_sysctl(h, &op, XEN_SYSCTL_scheduler_op);
    }
    return rc < 0 ? pool_fail(h, cfg->name, "scheduling parameters are refused", rc) : 0;
}

long ts_pool_add(const struct ts_host *h, unsigned pool, unsigned cpu)
{
    cpumask_t has;
    long rc = pool_op(h, XEN_SYSCTL_CPUPOOL_OP_ADDCPU, pool, cpu);
    if (rc == -HV_EBUSY && ts_read_pool(h, pool, &has) == 0 && cpumask_test(&has, pcpu(cpu)))
        return 0;
    return rc;
}

int ts_cpupool_create(const struct ts_host *h, const struct ts_cpupool_config *cfg, unsigned *id)
{
    struct hv_sysctl op = {0};
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
    op.u.cpupool_op.cpupool = XEN_SYSCTL_CPUPOOL_ANY;
    op.u.cpupool_op.sched_id = cfg->sched_id;
    op.u.cpupool_op.gran = cfg->gran;
    long rc = ts_sysctl(h, &op, XEN_SYSCTL_cpupool_op);
    if (rc < 0)
        return pool_fail(h, cfg->name, "cannot be created", rc);
    *id = op.u.cpupool_op.cpupool;
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++) {
        if (!cpumask_test(&cfg->cpus, pcpu(c)))
            continue;
        rc = pool_op(h, XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, c);
        if (rc < 0 && rc != -HV_ENODEV) /* it left with another one; if it is of another pool it cannot be added */
            return pool_fail(h, cfg->name, "a pCPU cannot be taken from the boot pool", rc);
    }
    for (unsigned c = 0; c < HV_MAX_PCPUS; c++) {
        if (!cpumask_test(&cfg->cpus, pcpu(c)))
            continue;
        rc = ts_pool_add(h, *id, c);
        if (rc < 0)
            return pool_fail(h, cfg->name, "a pCPU cannot be added", rc);
    }
    return set_params(h, cfg, *id);
}
