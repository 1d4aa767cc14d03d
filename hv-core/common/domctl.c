/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control of domains. One operation at a time: the lock is only tried, and the call continued if it is taken, because
 * its holder may be waiting for this pCPU to deschedule a vCPU.
 */
#include "boot.h"

#include <hv/cpupool.h>
#include <hv/lib.h>
#include <hv/limits.h>
#include <hv/mm.h>
#include <hv/numa.h>
#include <hv/sched.h>

static struct hv_lock domctl_lock = HV_LOCK_INIT("domctl");

bool domctl_trylock(void)
{
    return port_trylock(&domctl_lock);
}

void domctl_unlock(void)
{
    port_unlock(&domctl_lock);
}

static struct vcpu *find_vcpu(struct domain *d, vcpu_id id)
{
    return id.n < d->max_vcpus ? d->vcpu[id.n] : NULL;
}

static int op_create(struct hv_domctl *op)
{
    struct domain *d;
    if (!hv_guest_possible(hv_level, hv_arch, op->u.createdomain.type))
        return -HV_EINVAL;
    dom_id id = op->domid;
    int rc = domain_create(&id, op->u.createdomain.type, op->u.createdomain.cpupool, &d);
    if (!rc)
        op->domid = id;
    return rc;
}

static int op_max_vcpus(struct domain *d, unsigned max)
{
    if (max == 0 || max > hv_max_vcpus(hv_level, hv_arch, d->type))
        return -HV_EINVAL;
    /* Once it has slots, a domain keeps them. */
    if (d->max_vcpus && max != d->max_vcpus)
        return -HV_EINVAL;
    domain_pause(d);
    int rc = 0;
    if (!d->max_vcpus) {
        d->vcpu = hv_zalloc(max * sizeof(*d->vcpu));
        if (d->vcpu)
            d->max_vcpus = max;
        else
            rc = -HV_ENOMEM;
    }
    if (!rc)
        rc = domain_create_vcpus(d, max);
    domain_unpause(d);
    return rc;
}

static int op_vcpu_affinity(struct domain *d, struct hv_domctl *op)
{
    struct vcpu *v;
    if (op->u.vcpuaffinity.vcpu.n >= d->max_vcpus)
        return -HV_EINVAL;
    if (!(v = find_vcpu(d, op->u.vcpuaffinity.vcpu)))
        return -HV_ESRCH;
    cpumask_t *hard = &op->u.vcpuaffinity.cpumap, *soft = &op->u.vcpuaffinity.cpumap_soft;
    unsigned flags = op->u.vcpuaffinity.flags;
    if (op->cmd == XEN_DOMCTL_setvcpuaffinity) {
        if (!flags || (flags & ~(XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
            return -HV_EINVAL;
        int rc = vcpu_set_affinity(v, flags & XEN_VCPUAFFINITY_HARD ? hard : NULL,
                                   flags & XEN_VCPUAFFINITY_SOFT ? soft : NULL);
        if (rc)
            return rc;
    }
    *hard = *soft = (cpumask_t){{0}};
    cpumask_copy(hard, &v->unit->hard);
    cpumask_copy(soft, &v->unit->soft);
    if (op->cmd == XEN_DOMCTL_setvcpuaffinity) {
        cpumask_and(hard, hard, &d->cpupool->cpus);
        cpumask_and(soft, soft, hard);
    }
    return 0;
}

static int op_domain_info(struct hv_domctl *op)
{
    struct domain *d = domain_find_from(op->domid);
    if (!d)
        return -HV_ESRCH;

    struct vcpu *v;
    unsigned i;
    s_time_t time[RUNSTATE_NR];
    op->domid = d->id;
    op->u.getdomaininfo.paused = d->controller_pause;
    op->u.getdomaininfo.dying = d->is_dying;
    op->u.getdomaininfo.crashed = d->is_crashed;
    op->u.getdomaininfo.running = false;
    op->u.getdomaininfo.blocked = true;
    op->u.getdomaininfo.type = d->type;
    op->u.getdomaininfo.nr_online_vcpus = 0;
    op->u.getdomaininfo.max_vcpu_id = 0;
    op->u.getdomaininfo.tot_pages = d->tot_pages;
    op->u.getdomaininfo.max_pages = d->max_pages;
    op->u.getdomaininfo.outstanding_pages = d->outstanding_pages;
    op->u.getdomaininfo.cpu_time = 0;
    op->u.getdomaininfo.cpupool = d->cpupool->id;
    for_each_vcpu(d, v, i)
    {
        vcpu_runstate_get(v, time);
        op->u.getdomaininfo.cpu_time += time[RUNSTATE_running];
        op->u.getdomaininfo.max_vcpu_id = i;
        if (v->pause_flags & VPF_down)
            continue;
        if (!(v->pause_flags & VPF_blocked))
            op->u.getdomaininfo.blocked = false;
        if (v->is_running)
            op->u.getdomaininfo.running = true;
        op->u.getdomaininfo.nr_online_vcpus++;
    }
    return 0;
}

static int op_vcpu_info(struct domain *d, struct hv_domctl *op)
{
    struct vcpu *v;
    s_time_t time[RUNSTATE_NR];
    if (op->u.getvcpuinfo.vcpu.n >= d->max_vcpus)
        return -HV_EINVAL;
    if (!(v = find_vcpu(d, op->u.getvcpuinfo.vcpu)))
        return -HV_ESRCH;
    vcpu_runstate_get(v, time);
    op->u.getvcpuinfo.online = !(v->pause_flags & VPF_down);
    op->u.getvcpuinfo.blocked = v->pause_flags & VPF_blocked;
    op->u.getvcpuinfo.running = v->is_running;
    op->u.getvcpuinfo.cpu = v->processor;
    op->u.getvcpuinfo.cpu_time = time[RUNSTATE_running];
    return 0;
}

static int op_destroy(struct domain *d)
{
    if (d->id.n == 0)
        return -HV_EINVAL;
    return domain_destroy(d);
}

static int op_on_domain(struct domain *d, struct hv_domctl *op)
{
    bool self = d == sched_current(port_this_cpu())->domain;

    switch (op->cmd) {
    case XEN_DOMCTL_max_vcpus:
        return self ? -HV_EINVAL : op_max_vcpus(d, op->u.max_vcpus.max);
    case XEN_DOMCTL_max_mem:
        /* Also below what it has: that it may keep, and get no more. */
        d->max_pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
        return 0;
    case XEN_DOMCTL_setvcpuaffinity:
    case XEN_DOMCTL_getvcpuaffinity:
        return op_vcpu_affinity(d, op);
    case XEN_DOMCTL_setnodeaffinity:
        return domain_set_node_affinity(d, op->u.nodeaffinity.nodemap);
    case XEN_DOMCTL_getnodeaffinity:
        op->u.nodeaffinity.nodemap = d->node_affinity;
        return 0;
    case XEN_DOMCTL_scheduler_op:
        return sched_adjust(d, op);
    case XEN_DOMCTL_getvcpuinfo:
        return op_vcpu_info(d, op);
    case XEN_DOMCTL_pausedomain:
        if (self)
            return -HV_EINVAL;
        if (!d->controller_pause) {
            d->controller_pause = true;
            domain_pause(d);
        }
        return 0;
    case XEN_DOMCTL_unpausedomain:
        if (d->controller_pause) {
            d->controller_pause = false;
            domain_unpause(d);
        }
        return 0;
    case XEN_DOMCTL_online_vcpus:
        return domain_online_vcpus(d, op->u.max_vcpus.max);
    case XEN_DOMCTL_destroydomain:
        return self ? -HV_EINVAL : op_destroy(d);
    case XEN_DOMCTL_createdomain:
    case XEN_DOMCTL_getdomaininfo:
        break; /* do_domctl has them */
    }
    return -HV_ENOSYS;
}

long do_domctl(struct hv_domctl *op)
{
    struct domain *d;
    long rc;

    if (!domctl_trylock())
        return -HV_ERESTART;
    domains_reap();
    if (op->cmd == XEN_DOMCTL_createdomain)
        rc = op_create(op);
    else if (op->cmd == XEN_DOMCTL_getdomaininfo)
        rc = op_domain_info(op);
    else if ((d = domain_find(op->domid)) == NULL)
        rc = -HV_ESRCH;
    else
        rc = op_on_domain(d, op);
    domctl_unlock();
    return rc;
}
