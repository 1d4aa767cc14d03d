/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Units, and what of domains and vCPUs belongs to the scheduler: they are made, moved to another pool, and go. */
#include "framework.h"

#include <hv/mm.h>

/* ---- private data of the policies ------------------------------------------------------------------------------- */

static int alloc_domain_data(struct scheduler *s, struct domain *d, void **ddata)
{
    *ddata = NULL;
    return s->policy->alloc_domain ? s->policy->alloc_domain(s, d, ddata) : 0;
}

static void free_domain_data(struct scheduler *s, void *ddata)
{
    if (ddata && s->policy->free_domain)
        s->policy->free_domain(s, ddata);
}

static int alloc_unit_data(struct scheduler *s, struct sched_unit *u, void *ddata, void **udata)
{
    *udata = NULL;
    return s->policy->alloc_unit ? s->policy->alloc_unit(s, u, ddata, udata) : 0;
}

static void free_unit_data(struct scheduler *s, void *udata)
{
    if (udata && s->policy->free_unit)
        s->policy->free_unit(s, udata);
}

/* ---- units ------------------------------------------------------------------------------------------------------ */

static struct sched_unit *unit_alloc(struct domain *d, unsigned id)
{
    struct sched_unit *u = hv_zalloc(sizeof(*u));
    if (!u)
        return NULL;
    u->domain = d;
    u->id = id;
    return u;
}

static void unit_link(struct sched_unit *u)
{
    struct sched_unit **at = &u->domain->unit_list;
    while (*at && (*at)->id < u->id)
        at = &(*at)->next;
    u->next = *at;
    *at = u;
}

static void unit_unlink(struct sched_unit *u)
{
    struct sched_unit **at = &u->domain->unit_list;
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
}

static void unit_link_vcpu(struct sched_unit *u, struct vcpu *v)
{
    struct vcpu **at = &u->vcpu_list;
    while (*at && (*at)->id.n < v->id.n)
        at = &(*at)->next_in_unit;
    v->next_in_unit = *at;
    *at = v;
    v->unit = u;
}

static void unit_unlink_vcpu(struct vcpu *v)
{
    struct vcpu **at = &v->unit->vcpu_list;
    while (*at != v)
        at = &(*at)->next_in_unit;
    *at = v->next_in_unit;
    v->next_in_unit = NULL;
}

/* "All". */
static void unit_reset_affinity(struct sched_unit *u)
{
    cpumask_set_first(&u->hard, hv_nr_cpus);
    cpumask_copy(&u->soft, &u->hard);
    u->soft_effective = false;
}

void sched_set_res(struct sched_unit *u, pcpu_id c)
{
    const struct sched_resource *res = sched_res(c);
    struct vcpu *v;
    pcpu_id p = res->master;

    __atomic_store_n(&u->processor.n, res->master.n, __ATOMIC_RELAXED);
    if (res->granularity == 1) {
        u->vcpu_list->processor = res->master;
        return;
    }
    /* vCPU i of the unit has pCPU i of the resource. */
    unsigned at = 0;
    for_each_unit_vcpu(u, v)
    {
        for (; at < v->id.n - u->id; at++)
            p = cpumask_next(p, &res->cpus);
        ASSERT(pcpu_valid(p));
        v->processor = p;
    }
}

int unit_add_vcpu(struct vcpu *v, unsigned granularity)
{
    struct domain *d = v->domain;
    unsigned id = v->id.n / granularity * granularity;
    struct sched_unit *u;

    for_each_unit(d, u)
    {
        if (u->id == id)
            break;
    }
    if (u) {
        unit_link_vcpu(u, v);
        sched_set_res(u, u->processor);
        return 0;
    }

    u = unit_alloc(d, id);
    if (!u)
        return -HV_ENOMEM;
    u->state_entry = u->eligible_since = port_now();
    struct scheduler *s = d->is_idle ? &idle_scheduler : &d->cpupool->sched;
    unit_link_vcpu(u, v);
    u->processor = v->processor;
    if (d->is_idle) {
        cpumask_set(&u->hard, v->processor);
        cpumask_copy(&u->soft, &u->hard);
    } else {
        unit_reset_affinity(u);
        sched_set_res(u, sched_master(v->processor));
        if (d->is_pinned)
            cpumask_copy(&u->hard, &sched_res(u->processor)->cpus);
    }
    int rc = alloc_unit_data(s, u, d->sched_priv, &u->priv);
    if (rc) {
        hv_free(u);
        v->unit = NULL;
        return rc;
    }
    unit_link(u);
    return 0;
}

void unit_remove_vcpu(struct vcpu *v)
{
    struct sched_unit *u = v->unit;
    struct scheduler *s = unit_sched(u);

    if (u->vcpu_list == v && !v->next_in_unit) {
        HOOK(s, remove_unit, u);
        free_unit_data(s, u->priv);
        unit_unlink(u);
        hv_free(u);
    } else {
        unit_unlink_vcpu(v);
    }
    v->unit = NULL;
}

/* ---- domains and vCPUs ------------------------------------------------------------------------------------------ */

int sched_init_domain(struct domain *d, struct cpupool *p)
{
    d->cpupool = p;
    if (!p)
        return 0;
    int rc = alloc_domain_data(&p->sched, d, &d->sched_priv);
    if (!rc)
        p->nr_domains++;
    return rc;
}

void sched_destroy_domain(struct domain *d)
{
    free_domain_data(&d->cpupool->sched, d->sched_priv);
    d->sched_priv = NULL;
    d->cpupool->nr_domains--;
}

int sched_init_vcpu(struct vcpu *v)
{
    struct domain *d = v->domain;

    v->created = v->runstate_entry;
    timer_init(&v->singleshot_timer, vcpu_singleshot_fired, v, v->processor);
    if (!d->is_idle)
        trace2(TRC_SCHED_DOM_ADD, d->id.n, v->id.n);
    int rc = unit_add_vcpu(v, d->is_idle ? 1 : hv_max_u(d->cpupool->granularity, 1));
    if (rc)
        return rc;
    struct sched_unit *u = v->unit;
    if (d->is_idle) {
        struct sched_resource *res = sched_res(v->processor);
        res->curr = res->idle = u;
        sched_pcpu[v->processor.n].curr = sched_pcpu[v->processor.n].idle = v;
        v->is_running = u->is_running = true;
    } else if (u->vcpu_list == v && !v->next_in_unit) {
        HOOK(unit_sched(u), insert_unit, u);
    }
    return 0;
}

/*
 * The unit has stopped, and no pCPU is still busy with what its last run brought about. That none of its vCPUs runs
 * does not say so: they may have been switched to idle one by one, while the switch of the unit is still to come.
 */
static bool left_alone(void *unit)
{
    struct sched_unit *u = unit;

    if (__atomic_load_n(&u->is_running, __ATOMIC_ACQUIRE))
        return false;
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        if (__atomic_load_n(&sched_resources[c].prev, __ATOMIC_ACQUIRE) == u)
            return false;
    return true;
}

void sched_destroy_vcpu(struct vcpu *v)
{
    timer_kill(&v->singleshot_timer);
    port_relax_until(left_alone, v->unit);
    unit_remove_vcpu(v);
}

/* ---- to another pool -------------------------------------------------------------------------------------------- */

/* What the domain will have in its new pool, while it still runs in the old one. */
struct new_home {
    struct scheduler *s;
    void *ddata;
    struct sched_unit *units;
};

static void new_home_free(struct new_home *h)
{
    while (h->units) {
        struct sched_unit *u = h->units;
        h->units = u->next;
        free_unit_data(h->s, u->priv);
        hv_free(u);
    }
    free_domain_data(h->s, h->ddata);
}

static int new_home_build(struct new_home *h, struct domain *d, unsigned granularity)
{
    int rc = alloc_domain_data(h->s, d, &h->ddata);
    if (rc)
        return rc;
    struct sched_unit **end = &h->units;
    for (unsigned i = 0; i < d->max_vcpus; i += granularity) {
        bool any = false;
        for (unsigned k = i; k < i + granularity && k < d->max_vcpus; k++)
            any |= d->vcpu[k] != NULL;
        if (!any)
            continue;
        struct sched_unit *u = unit_alloc(d, i);
        if (!u) {
            new_home_free(h);
            return -HV_ENOMEM;
        }
        *end = u;
        end = &u->next;
        unit_reset_affinity(u);
        u->state_entry = u->eligible_since = port_now();
        rc = alloc_unit_data(h->s, u, h->ddata, &u->priv);
        if (rc) {
            new_home_free(h);
            return rc;
        }
    }
    return 0;
}

/* The domain is paused: none of its units runs or is queued. */
static void leave_old_home(struct domain *d)
{
    struct scheduler *s = &d->cpupool->sched;
    struct sched_unit *u;

    for_each_unit(d, u)
    {
        port_relax_until(left_alone, u);
        HOOK(s, remove_unit, u);
    }
    while ((u = d->unit_list) != NULL) {
        d->unit_list = u->next;
        free_unit_data(s, u->priv);
        hv_free(u);
    }
    free_domain_data(s, d->sched_priv);
    d->cpupool->nr_domains--;
}

int sched_move_domain(struct domain *d, struct cpupool *p)
{
    struct new_home h = {.s = &p->sched};
    struct sched_unit *u;
    struct vcpu *v;
    unsigned i;
    unsigned granularity = hv_max_u(p->granularity, 1);

    int rc = new_home_build(&h, d, granularity);
    if (rc)
        return rc;
    domain_pause(d);
    leave_old_home(d);
    d->cpupool = p;
    d->sched_priv = h.ddata;
    d->unit_list = h.units;
    p->nr_domains++;

    pcpu_id c = cpumask_first(&p->res);
    for_each_unit(d, u)
    {
        for (i = u->id; i < u->id + granularity && i < d->max_vcpus; i++) {
            if (!(v = d->vcpu[i]))
                continue;
            vcpu_flag_clear(v, VPF_migrating);
            v->force_switch = false;
            unit_link_vcpu(u, v);
        }
        u->processor = c;
        sched_set_res(u, c);
        for_each_unit_vcpu(u, v) timer_migrate(&v->singleshot_timer, v->processor);
        c = cpumask_cycle(c, &p->res);
    }
    for_each_unit(d, u) HOOK(&p->sched, insert_unit, u);
    domain_update_node_affinity(d);
    domain_unpause(d);
    return 0;
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

int sched_adjust(struct domain *d, struct hv_domctl *op)
{
    struct scheduler *s = &d->cpupool->sched;
    if (op->u.scheduler_op.sched_id && op->u.scheduler_op.sched_id != s->policy->id)
        return -HV_EINVAL;
    int rc = s->policy->adjust ? s->policy->adjust(s, d, op) : -HV_EOPNOTSUPP;
    if (!rc && op->u.scheduler_op.put) {
        struct sched_unit *u;
        for_each_unit(d, u) u->eligible_since = port_now();
    }
    return rc;
}

int sched_adjust_global(struct hv_sysctl *op)
{
    struct cpupool *p = cpupool_find(op->u.scheduler_op.cpupool);
    if (!p)
        return -HV_ESRCH;
    if (op->u.scheduler_op.sched_id && op->u.scheduler_op.sched_id != p->sched.policy->id)
        return -HV_EINVAL;
    return p->sched.policy->adjust_global ? p->sched.policy->adjust_global(&p->sched, op) : -HV_EOPNOTSUPP;
}

void sched_set_node_affinity(struct domain *d)
{
    if (d->cpupool)
        HOOK(&d->cpupool->sched, set_node_affinity, d);
}
