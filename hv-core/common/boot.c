/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot, in order: level, topology, heap, timers, scheduler, pCPUs; and the building of dom0. */
#include "boot.h"

#include <hv/cpupool.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/tasklet.h>

static bool dom0_vcpus_pin;

static void nothing(void)
{
}

int hv_boot(const struct hv_boot_info *info)
{
    int rc;

    hv_level = info->level;
    dom0_vcpus_pin = info->opt.dom0_vcpus_pin;
    softirq_reset();
    softirq_open(VCPU_KICK_SOFTIRQ, nothing);

    if ((rc = numa_init(info)) != 0)
        return rc; /* it said why */
    dma_bitsize_set(info->opt.dma_bits);
    bootscrub_set(info->opt.bootscrub);
    low_mem_virq_limit_set(info->opt.low_mem_virq_limit);
    if ((rc = memop_max_order_set(info->opt.memop_max_order)) != 0) {
        hv_printk("memop-max-order=%s: up to four orders from 0 to %u\n", info->opt.memop_max_order, MAX_ORDER);
        return rc;
    }
    if ((rc = mm_init()) != 0) {
        hv_printk("the heap cannot be set up (error %d)\n", -rc);
        return rc;
    }
    timers_init(&info->opt);
    tasklets_init();
    if ((rc = scheduler_init(&info->opt)) != 0) {
        hv_printk("the scheduler cannot be set up (error %d)\n", -rc);
        return rc;
    }
    if ((rc = domains_init()) != 0) {
        hv_printk("no memory for the idle domain\n");
        return rc;
    }
    for (unsigned c = 0; c < hv_nr_cpus; c++) {
        sched_cpu_init(pcpu(c));
        if (!vcpu_create(hv_idle_domain, c, pcpu(c))) {
            hv_printk("no memory for the idle vCPU of pCPU %u\n", c);
            return -HV_ENOMEM;
        }
    }
    hv_printk("Level %s, %u pCPUs, %u nodes, %llu MiB\n", hv_level->name, hv_nr_cpus, nodemask_weight(hv_node_online),
              (unsigned long long)(total_pages() >> (20 - PAGE_SHIFT)));
    return 0;
}

int hv_construct_dom0(unsigned nr_vcpus, uint64_t mem_bytes)
{
    struct domain *d;
    dom_id id = dom(0);
    int rc;

    if (nr_vcpus == 0 || nr_vcpus > HV_MAX_VCPUS_PER_DOMAIN) {
        hv_printk("dom0: %u vCPUs; 1 to %u are possible\n", nr_vcpus, HV_MAX_VCPUS_PER_DOMAIN);
        return -HV_EINVAL;
    }
    if ((rc = domain_create(&id, HV_GUEST_PV, 0, &d)) != 0) {
        hv_printk("dom0: cannot be created (error %d)\n", -rc);
        return rc;
    }
    d->is_pinned = dom0_vcpus_pin;
    d->vcpu = hv_zalloc(nr_vcpus * sizeof(*d->vcpu));
    rc = -HV_ENOMEM;
    if (d->vcpu) {
        d->max_vcpus = nr_vcpus;
        rc = domain_create_vcpus(d, nr_vcpus);
    }
    if (rc) {
        hv_printk("dom0: no memory for %u vCPUs\n", nr_vcpus);
    } else {
        d->max_pages = mem_bytes >> PAGE_SHIFT;
        rc = mm_populate_dom0(d, d->max_pages);
        if (rc)
            hv_printk("dom0: %llu MiB cannot be had (error %d)\n", (unsigned long long)(mem_bytes >> 20), -rc);
        else
            rc = domain_online_vcpus(d, nr_vcpus);
    }
    if (rc)
        domain_destroy(d);
    else
        heap_init_late();
    return rc;
}
