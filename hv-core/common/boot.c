/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot, in order: level, topology, heap, timers, scheduler, pCPUs. dom0 follows once they are all up (dom0.c). */
#include "boot.h"

#include <hv/event_channel.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/sched.h>
#include <hv/softirq.h>
#include <hv/tasklet.h>

static void nothing(void)
{
}

int hv_boot(const struct hv_boot_info *info)
{
    int rc;

    hv_level = info->level;
    softirq_reset();
    softirq_open(VCPU_KICK_SOFTIRQ, nothing);

    if ((rc = numa_init(info)) != 0)
        return rc; /* it said why */
    if ((rc = dom0_options_set(&info->opt)) != 0)
        return rc; /* as well */
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
    evtchn_init(info->opt.dom0_bits);
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
    calibration_init(&info->opt);
    hv_printk("Level %s, %u pCPUs, %u nodes, %llu MiB\n", hv_level->name, hv_nr_cpus, nodemask_weight(hv_node_online),
              (unsigned long long)(total_pages() >> (20 - PAGE_SHIFT)));
    return 0;
}
