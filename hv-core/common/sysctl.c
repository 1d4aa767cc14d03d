/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about, and control of, the whole machine. One operation at a time, as domctl.c. */
#include <hv/cpupool.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/sched.h>

static struct hv_lock sysctl_lock = HV_LOCK_INIT("sysctl");

static void op_physinfo(struct hv_sysctl *op)
{
    unsigned threads = cpumask_weight(cpu_sibling_mask(pcpu(0)));
    op->u.physinfo.nr_cpus = hv_nr_cpus;
    op->u.physinfo.max_node_id = hv_fls64(hv_node_online.w);
    op->u.physinfo.threads_per_core = threads;
    op->u.physinfo.cores_per_socket = cpumask_weight(cpu_socket_mask(pcpu(0))) / threads;
    op->u.physinfo.total_pages = total_pages();
    op->u.physinfo.free_pages = avail_pages();
    op->u.physinfo.outstanding_pages = outstanding_claims();
    op->u.physinfo.numa_on_exact_profile = nodemask_weight(hv_node_online) > 1;
}

static void op_topologyinfo(struct hv_sysctl *op)
{
    pcpu_id c = op->u.topologyinfo.cpu;
    bool online = c.n < hv_nr_cpus;
    op->u.topologyinfo.core = online ? cpu_to_core(c) : 0;
    op->u.topologyinfo.socket = online ? cpu_to_socket(c) : 0;
    op->u.topologyinfo.node = online ? cpu_to_node(c) : NODE_INVALID;
}

static void op_numainfo(struct hv_sysctl *op)
{
    node_id n = op->u.numainfo.node, m;
    uint64_t start, end;

    op->u.numainfo.online = nodemask_test(hv_node_online, n);
    op->u.numainfo.memsize_bytes = op->u.numainfo.memfree_bytes = op->u.numainfo.claimed_bytes = 0;
    for (unsigned i = 0; i < HV_MAX_NODES; i++)
        op->u.numainfo.distance[i] = 0;
    if (!op->u.numainfo.online)
        return;
    /* 4.3 reports the span of the node, holes included. */
    if (node_span(n, &start, &end))
        op->u.numainfo.memsize_bytes = (end - start) << PAGE_SHIFT;
    op->u.numainfo.memfree_bytes = avail_node_pages(n) << PAGE_SHIFT;
    op->u.numainfo.claimed_bytes = node_outstanding_claims(n) << PAGE_SHIFT;
    for_each_node (m, hv_node_online)
        op->u.numainfo.distance[m.n] = (uint8_t)node_distance(n, m);
}

/* They move domains about: not while one is being made or unmade. */
static long op_pools(struct hv_sysctl *op)
{
    if (!domctl_trylock())
        return -HV_ERESTART;
    long rc = op->cmd == XEN_SYSCTL_cpupool_op ? cpupool_do_sysctl(op) : cpu_hotplug_do_sysctl(op);
    domctl_unlock();
    return rc;
}

long do_sysctl(struct hv_sysctl *op)
{
    long rc = 0;

    if (!port_trylock(&sysctl_lock))
        return -HV_ERESTART;
    switch (op->cmd) {
    case XEN_SYSCTL_physinfo:
        op_physinfo(op);
        break;
    case XEN_SYSCTL_topologyinfo:
        op_topologyinfo(op);
        break;
    case XEN_SYSCTL_numainfo:
        op_numainfo(op);
        break;
    case XEN_SYSCTL_scheduler_op:
        rc = sched_adjust_global(op);
        break;
    case XEN_SYSCTL_sched_id:
        sched_default(&op->u.sched_id.sched_id, op->u.sched_id.name, sizeof(op->u.sched_id.name));
        break;
    case XEN_SYSCTL_cpupool_op:
    case XEN_SYSCTL_cpu_hotplug:
        rc = op_pools(op);
        break;
    case XEN_SYSCTL_debug_keys:
        rc = op->u.debug_keys.key == 'r' ? 0 : -HV_EINVAL;
        if (!rc)
            sched_dump();
        break;
    case XEN_SYSCTL_set_aside:
        rc = set_aside(op->u.set_aside.node, op->u.set_aside.zone, op->u.set_aside.free_pages);
        break;
    case XEN_SYSCTL_page_offline_op:
        rc = page_offline_do_sysctl(op);
        break;
    default:
        rc = -HV_ENOSYS;
    }
    port_unlock(&sysctl_lock);
    return rc;
}
