/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains and vCPUs: the objects. Creation and destruction run under the domctl lock (domctl.c), or at boot.
 */
#include "boot.h"

#include <hv/cpupool.h>
#include <hv/event_channel.h>
#include <hv/lib.h>
#include <hv/mm.h>
#include <hv/sched.h>
#include <hv/trace.h>

struct list_head hv_domain_list = LIST_HEAD_INIT(hv_domain_list);
struct domain *hv_idle_domain;

static struct domain *domain_table[DOM_FIRST_RESERVED];
static unsigned lowest; /* ids from 1 to below it are in use */
static bool drained;    /* a dying domain may have come to its end */

struct domain *domain_find(dom_id id)
{
    return id.n < DOM_FIRST_RESERVED ? domain_table[id.n] : NULL;
}

struct domain *domain_find_from(dom_id id)
{
    if (list_empty(&hv_domain_list) || id.n > list_entry(hv_domain_list.prev, struct domain, link)->id.n)
        return NULL;
    while (!domain_table[id.n])
        id.n++;
    return domain_table[id.n];
}

static struct domain *domain_alloc(dom_id id, enum hv_guest_type type)
{
    struct domain *d = hv_zalloc(sizeof(*d));
    if (!d)
        return NULL;
    d->id = id;
    d->type = type;
    list_init(&d->link);
    d->node_affinity = hv_node_online;
    d->claim_node = NODE_INVALID;
    d->auto_node_affinity = true;
    d->node_affinity_lock = (struct hv_lock)HV_LOCK_INIT("node_affinity");
    d->page_alloc_lock = (struct hv_lock)HV_LOCK_INIT("page_alloc");
    return d;
}

int domains_init(void)
{
    list_init(&hv_domain_list);
    drained = false;
    lowest = 1;
    for (unsigned i = 0; i < DOM_FIRST_RESERVED; i++)
        domain_table[i] = NULL;

    struct domain *d = domain_alloc(DOM_IDLE, HV_GUEST_PV);
    if (!d)
        return -HV_ENOMEM;
    d->is_idle = true;
    d->max_vcpus = hv_nr_cpus;
    d->vcpu = hv_zalloc(hv_nr_cpus * sizeof(struct vcpu *));
    if (!d->vcpu) {
        hv_free(d);
        return -HV_ENOMEM;
    }
    int rc = sched_init_domain(d, NULL);
    if (rc) {
        hv_free(d->vcpu);
        hv_free(d);
        return rc;
    }
    hv_idle_domain = d;
    return 0;
}

/* Lowest free id above 0, or DOM_INVALID. */
static dom_id free_id(void)
{
    while (lowest < DOM_FIRST_RESERVED && domain_table[lowest])
        lowest++;
    return lowest < DOM_FIRST_RESERVED ? dom(lowest) : DOM_INVALID;
}

int domain_create(dom_id *id, enum hv_guest_type type, unsigned cpupool, struct domain **out)
{
    int rc = -HV_ENOMEM;
    struct cpupool *pool = cpupool_find(cpupool);

    if (!pool)
        return -HV_ENOENT;
    if (dom_eq(*id, DOM_INVALID)) {
        *id = free_id();
        if (dom_eq(*id, DOM_INVALID)) {
            /* Xen's error, which does not say what there is none of, and Xen does not say so either. */
            hv_printk("No free domain ID: 1 to %u are all in use\n", DOM_FIRST_RESERVED - 1u);
            return -HV_ENOMEM;
        }
    } else if (id->n >= DOM_FIRST_RESERVED) {
        return -HV_EINVAL;
    } else if (domain_table[id->n]) {
        return -HV_EEXIST;
    }

    struct domain *d = domain_alloc(*id, type);
    if (!d)
        return rc;
    d->pause_count = 1;
    d->controller_pause = true;
    if ((rc = mm_init_domain(d)) != 0)
        goto out_free;
    if ((rc = perdomain_create(d)) != 0 || (rc = sched_init_domain(d, pool)) != 0)
        goto out_mm;

    domain_table[d->id.n] = d;
    /* Most often it is the last one. */
    struct list_head *pos = &hv_domain_list;
    while (pos->prev != &hv_domain_list && list_entry(pos->prev, struct domain, link)->id.n > d->id.n)
        pos = pos->prev;
    list_add_tail(&d->link, pos);
    *out = d;
    return 0;

out_mm:
    perdomain_destroy(d);
    mm_destroy_domain(d);
out_free:
    hv_free(d);
    return rc;
}

/* The end of a domain that is dying, and paused. */
static void complete_destroy(struct domain *d)
{
    struct vcpu *v;
    unsigned i;

    list_del_init(&d->link);
    domain_table[d->id.n] = NULL;
    if (d->id.n > 0 && d->id.n < lowest)
        lowest = d->id.n;
    for_each_vcpu(d, v, i)
    {
        sched_destroy_vcpu(v);
        d->vcpu[i] = NULL;
        hv_free(v);
    }
    sched_destroy_domain(d);
    perdomain_destroy(d);
    mm_destroy_domain(d);
    trace1(TRC_SCHED_DOM_REM, d->id.n);
    if (d->vcpu)
        hv_free(d->vcpu);
    hv_free(d);
}

int domain_destroy(struct domain *d)
{
    int rc = 0;

    ASSERT(!d->is_idle);
    if (!d->is_dying) {
        domain_pause(d);
        port_lock(&d->page_alloc_lock);
        d->is_dying = true; /* nobody comes to refer to a page of it any more */
        port_unlock(&d->page_alloc_lock);
        evtchn_destroy(d);
    }
    if (d->nr_page_refs) {
        rc = mm_relinquish(d);
        if (d->tot_pages)
            return rc;
    }
    complete_destroy(d);
    return 0;
}

void domain_drained(void)
{
    drained = true;
}

void domains_reap(void)
{
    struct list_head *pos, *next;

    if (!drained)
        return;
    drained = false;
    for (pos = hv_domain_list.next; pos != &hv_domain_list; pos = next) {
        struct domain *d = list_entry(pos, struct domain, link);
        next = pos->next;
        if (d->is_dying && !d->nr_page_refs)
            complete_destroy(d);
    }
}

/* ---- vCPUs --------------------------------------------------------------------------------------------------------
 */

struct vcpu *vcpu_create(struct domain *d, unsigned n, pcpu_id cpu)
{
    if (n >= d->max_vcpus || d->vcpu[n])
        return NULL;
    struct vcpu *v = hv_zalloc(sizeof(*v));
    if (!v)
        return NULL;
    v->id = vcpu_n(n);
    v->domain = d;
    v->processor = cpu;
    v->runstate_entry = port_now();
    if (d->is_idle) {
        v->runstate = RUNSTATE_running;
    } else {
        v->runstate = RUNSTATE_offline;
        v->pause_flags = VPF_down;
    }
    if (sched_init_vcpu(v)) {
        hv_free(v);
        return NULL;
    }
    v->is_initialised = true;
    d->vcpu[n] = v;
    if (!d->is_idle)
        domain_update_node_affinity(d);
    return v;
}

int domain_create_vcpus(struct domain *d, unsigned max)
{
    for (unsigned i = 0; i < max; i++) {
        if (d->vcpu[i])
            continue;
        if (!vcpu_create(d, i, sched_initial_cpu(d, i)))
            return -HV_ENOMEM;
    }
    return 0;
}

int domain_online_vcpus(struct domain *d, unsigned nr)
{
    if (nr > d->max_vcpus)
        return -HV_EINVAL;
    for (unsigned i = 0; i < nr; i++)
        if (!d->vcpu[i])
            return -HV_EINVAL;
    for (unsigned i = 0; i < nr; i++) {
        uint32_t was = __atomic_fetch_and(&d->vcpu[i]->pause_flags, ~(uint32_t)VPF_down, __ATOMIC_SEQ_CST);
        if (was & VPF_down)
            vcpu_wake(d->vcpu[i]);
    }
    return 0;
}

void domain_pause(struct domain *d)
{
    struct vcpu *v;
    unsigned i;

    __atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    for_each_vcpu(d, v, i) vcpu_sleep_sync(v);
}

void domain_crash(struct domain *d)
{
    struct vcpu *v;
    unsigned i;

    if (__atomic_exchange_n(&d->is_crashed, true, __ATOMIC_SEQ_CST))
        return;
    hv_printk("Domain %u crashed\n", d->id.n);
    __atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    for_each_vcpu(d, v, i) vcpu_sleep_nosync(v);
}

void domain_unpause(struct domain *d)
{
    struct vcpu *v;
    unsigned i;

    if (__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST) == 0)
        for_each_vcpu(d, v, i) vcpu_wake(v);
}

/* ---- node affinity ------------------------------------------------------------------------------------------------
 */

int domain_set_node_affinity(struct domain *d, nodemask_t nodes)
{
    /*
     * To be at home on all nodes that there could be says nothing: it takes back what was said before. All nodes that
     * there are is a choice, which memory follows wherever the vCPUs may run (recorded at 4.17).
     */
    bool reset = nodes.w == ~0ull;

    nodes.w &= hv_node_online.w;
    if (nodemask_empty(nodes))
        return -HV_EINVAL;
    port_lock(&d->node_affinity_lock);
    d->auto_node_affinity = reset;
    if (!d->auto_node_affinity)
        d->node_affinity = nodes;
    port_unlock(&d->node_affinity_lock);
    domain_update_node_affinity(d);
    return 0;
}

/* pCPUs of the pool that a vCPU may use; with soft affinity, those that one would rather use, if there are any. */
static void usable_cpus(const struct domain *d, cpumask_t *out)
{
    const cpumask_t *pool = d->cpupool ? &d->cpupool->cpus : &hv_cpu_online;
    const struct sched_unit *u;
    cpumask_t hard, soft;

    cpumask_clear_all(&hard);
    cpumask_clear_all(&soft);
    for_each_unit(d, u)
    {
        cpumask_or(&hard, &hard, &u->hard);
        cpumask_or(&soft, &soft, &u->soft);
    }
    cpumask_and(out, &hard, pool);
    cpumask_and(&soft, &soft, out);
    if (!quirk(node_affinity_domain) && !cpumask_empty(&soft))
        cpumask_copy(out, &soft);
}

void domain_update_node_affinity(struct domain *d)
{
    cpumask_t used; /* by any vCPU */
    nodemask_t reachable = {0};
    node_id n;

    port_lock(&d->node_affinity_lock);
    usable_cpus(d, &used);
    for_each_node (n, hv_node_online) {
        if (cpumask_intersects(node_to_cpumask(n), &used))
            nodemask_set(&reachable, n);
    }
    if (d->auto_node_affinity) {
        /* A domain without vCPUs yet is at home everywhere. */
        d->node_affinity = nodemask_empty(reachable) ? hv_node_online : reachable;
    } else if (quirk(node_affinity_domain)) {
        reachable.w &= d->node_affinity.w;
        if (!nodemask_empty(reachable))
            d->node_affinity = reachable;
    }
    sched_set_node_affinity(d);
    port_unlock(&d->node_affinity_lock);
}
