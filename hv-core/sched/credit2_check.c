/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit2: its invariants (credit2.h), and its state as debug key 'r' shows it. */
#include "credit2.h"

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "credit2: " #cond;                                                                                  \
    } while (0)

/* ---- invariants ------------------------------------------------------------------------------------------------- */

const char *credit2_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent)
{
    const struct credit2_unit *cu = credit2_unit_of(u);

    CHECK(cu && cu->unit == u);
    if (is_idle_unit(u)) {
        CHECK(!cu->dom && !cu->rq && !credit2_has_cap(cu) && !credit2_queued(cu));
        return NULL;
    }
    CHECK(cu->weight > 0 && cu->avgload >= 0);
    CHECK(cu->credit >= CREDIT2_CREDIT_MIN || quirk(credit2_no_floor));
    if (quiescent) {
        bool current = curr_on_cpu(u->processor) == u;
        CHECK(cu->dom == u->domain->sched_priv && cu->weight == cu->dom->weight);
        CHECK(cu->rq && cu->rq == credit2_rq(u->processor));
        CHECK(!!(cu->flags & CREDIT2_SCHEDULED) == current);
        CHECK(current || !(cu->flags & CREDIT2_DELAYED_RUNQ_ADD));
        CHECK(!(cu->flags & CREDIT2_LEFT) || (credit2_queued(cu) && quirk(credit2_idle_resist)));
        CHECK(credit2_queued(cu) == (!current && credit2_runnable(cu)));
        CHECK(credit2_has_cap(cu) == (cu->dom->cap != 0));
        CHECK(!!(cu->flags & CREDIT2_PARKED) == !list_empty(&cu->parked_elem));
        CHECK(!(cu->flags & CREDIT2_PARKED) || (credit2_has_cap(cu) && !current));
        CHECK(cu->unparking == 0);
        CHECK(!!(cu->flags & CREDIT2_PINNED) == (cpumask_weight(&u->hard) == 1));
    }
    return NULL;
}

static const char *check_cpus(const struct credit2_runq *rq)
{
    pcpu_id c;

    CHECK(cpumask_subset(&rq->active, &rq->assigned) && rq->nr_cpus == cpumask_weight(&rq->active));
    CHECK(cpumask_subset(&rq->idle, &rq->active) && cpumask_subset(&rq->tickled, &rq->active) &&
          cpumask_subset(&rq->smt_idle, &rq->idle));
    for_each_cpu (c, &rq->active) {
        const struct credit2_pcpu *cp = credit2_pcpu_of(c);
        CHECK(cp->rq == rq && schedule_lock_of(c) == rq->lock);
        CHECK(!cpumask_test(&rq->idle, c) || cpu_runs_idle(c));
        CHECK(!cpumask_test(&rq->tickled, c) || softirq_pending(c));
        CHECK(cpumask_test(&cp->siblings, c) && cpumask_subset(&cp->siblings, &rq->active));
        CHECK(cpumask_test(&rq->smt_idle, c) ==
              (cpumask_subset(&cp->siblings, &rq->idle) && !cpumask_intersects(&cp->siblings, &rq->tickled)));
    }
    return NULL;
}

static const char *check_units(const struct credit2_runq *rq)
{
    const struct list_head *pos;
    const struct credit2_unit *before = NULL;
    uint32_t queued = 0, load = 0, assigned_queued = 0, max_weight = 1;

    list_for_each (pos, &rq->runq) {
        const struct credit2_unit *cu = list_entry(pos, struct credit2_unit, runq_elem);
        CHECK(pos->next->prev == pos);
        CHECK(cu->rq == rq && cu->dom);
        CHECK(!before || before->credit >= cu->credit);
        before = cu;
        queued++;
    }
    list_for_each (pos, &rq->units) {
        const struct credit2_unit *cu = list_entry(pos, struct credit2_unit, rq_elem);
        CHECK(cu->rq == rq);
        assigned_queued += credit2_queued(cu);
        load += credit2_queued(cu) || cu->unit->is_running;
        max_weight = hv_max_u(max_weight, cu->weight);
    }
    CHECK(queued == assigned_queued);
    CHECK(rq->load == load);
    CHECK(rq->max_weight == max_weight);
    CHECK(rq->avgload >= 0 && rq->b_avgload >= 0);
    return NULL;
}

const char *credit2_check(struct scheduler *s, bool quiescent)
{
    const struct credit2_pool *p = credit2_pool_of(s);
    const struct list_head *pos;
    const struct credit2_runq *before = NULL;
    cpumask_t all;
    const char *broken;

    if (!quiescent)
        return NULL;
    CHECK(p->lock.state == 0);
    cpumask_clear_all(&all);
    list_for_each (pos, &p->runqs) {
        const struct credit2_runq *rq = list_entry(pos, struct credit2_runq, elem);
        CHECK(!before || before->id < rq->id);
        CHECK(!cpumask_empty(&rq->assigned) && !cpumask_intersects(&all, &rq->assigned));
        cpumask_or(&all, &all, &rq->assigned);
        if ((broken = check_cpus(rq)) != NULL || (broken = check_units(rq)) != NULL)
            return broken;
        before = rq;
    }
    CHECK(cpumask_subset(&s->pool->res, &all));
    return NULL;
}

bool credit2_is_queued(struct scheduler *s, const struct sched_unit *u)
{
    const struct credit2_unit *cu = credit2_unit_of(u);
    return credit2_queued(cu) || ((cu->flags & CREDIT2_PARKED) && unit_runnable(u));
}

/*
 * A pCPU of the unit's queue takes it within a rate limit. Those of other queues do not look, nor does anybody for one
 * that is parked.
 */
s_time_t credit2_idle_limit(struct scheduler *s, const struct sched_unit *u, pcpu_id c)
{
    const struct credit2_pool *p = credit2_pool_of(s);
    const struct credit2_unit *cu = credit2_unit_of(u);

    if (!credit2_queued(cu) || cu->rq != credit2_rq(c))
        return -1;
    /* Who was told declined (quirk credit2_idle_resist) or took another; nobody else is told. */
    if ((cu->flags & CREDIT2_LEFT) ||
        (quirk(credit2_passed_over) && pcpu_valid(cu->tickled_cpu) && !cpumask_test(&cu->rq->tickled, cu->tickled_cpu)))
        return -1;
    return quirk(credit2_short_slices) ? CREDIT2_MAX_TIMER_SHORT : MICROSECS(p->ratelimit_us);
}

/* ---- debug key 'r' ---------------------------------------------------------------------------------------------- */

/* As a hexadecimal number of as many digits as the machine has pCPUs for, in groups of 32 bits. */
static void print_bits(const char *what, const cpumask_t *m)
{
    unsigned groups = (hv_nr_cpus + 31) / 32, bits = hv_nr_cpus - (groups - 1) * 32;

    hv_printk("\t%s: ", what);
    for (unsigned g = groups; g-- > 0; bits = 32) {
        uint32_t w = (uint32_t)(m->w[g / 2] >> (g % 2 * 32));
        for (unsigned digit = (bits + 3) / 4; digit-- > 0;)
            hv_printk("%x", w >> (digit * 4) & 0xf);
        if (g)
            hv_printk(",");
    }
    hv_printk("\n");
}

static void print_unit(const struct credit2_pool *p, const struct credit2_unit *cu)
{
    const struct sched_unit *u = cu->unit;

    hv_printk("[%u.%u] flags=%x cpu=%u credit=%lld [w=%u]", u->domain->id.n, u->id, cu->flags & CREDIT2_FLAGS_SHOWN,
              u->processor.n, (long long)cu->credit, cu->weight);
    if (credit2_has_cap(cu))
        hv_printk(" budget=%lld(%lld)", (long long)cu->budget, (long long)cu->quota);
    hv_printk(" load=%lld (~%lld%%)\n", (long long)cu->avgload,
              (long long)(cu->avgload * 100 >> p->load_precision_shift));
}

static void print_settings(const struct credit2_pool *p, const struct credit2_runq *rq)
{
    char cpus[256];

    cpumask_print(cpus, sizeof(cpus), &rq->active);
    hv_printk("Runqueue %u:\n\tncpus              = %u\n\tcpus               = %s\n", rq->id, rq->nr_cpus, cpus);
    hv_printk("\tmax_weight         = %u\n\tpick_bias          = %u\n\tinstload           = %u\n", rq->max_weight,
              rq->pick_bias.n, rq->load);
    hv_printk("\taveload            = %lld (~%lld%%)\n", (long long)rq->avgload,
              (long long)(rq->avgload * 100 >> p->load_precision_shift));
    print_bits("idlers", &rq->idle);
    print_bits("tickled", &rq->tickled);
    print_bits("fully idle cores", &rq->smt_idle);
}

/* What runs and what waits. */
static void print_queue(const struct credit2_pool *p, const struct credit2_runq *rq)
{
    char sibling[256], core[256];
    struct list_head *pos;
    unsigned n = 0;
    pcpu_id c;

    hv_printk("Runqueue %u:\n", rq->id);
    for_each_cpu (c, &rq->active) {
        const struct sched_unit *u = curr_on_cpu(c);
        cpumask_print(sibling, sizeof(sibling), cpu_sibling_mask(c));
        cpumask_print(core, sizeof(core), cpu_socket_mask(c));
        hv_printk("CPU[%02u] runq=%u, sibling={%s}, core={%s}\n", c.n, rq->id, sibling, core);
        if (!is_idle_unit(u)) {
            hv_printk("\trun: ");
            print_unit(p, credit2_unit_of(u));
        }
    }
    hv_printk("RUNQ:\n");
    list_for_each (pos, &rq->runq) {
        hv_printk("\t%3u: ", n++);
        print_unit(p, credit2_runq_entry(pos));
    }
}

void credit2_dump(struct scheduler *s)
{
    struct credit2_pool *p = credit2_pool_of(s);
    struct list_head *pos;
    unsigned n = 0;

    credit2_read_lock(&p->lock);
    list_for_each (pos, &p->runqs)
        n++;
    hv_printk("Active queues: %u\n\tdefault-weight     = %u\n", n, CREDIT2_DEFAULT_WEIGHT);
    list_for_each (pos, &p->runqs)
        print_settings(p, credit2_runq_of(pos));

    hv_printk("Domain info:\n");
    n = 0;
    list_for_each (pos, &p->doms) {
        const struct credit2_dom *cd = list_entry(pos, struct credit2_dom, elem);
        const struct sched_unit *u;
        hv_printk("\tDomain: %u w %u c %u v %u\n", cd->domain->id.n, cd->weight, cd->cap, cd->nr_units);
        if (cd->domain->sched_priv != cd)
            continue; /* on its way between pools */
        for_each_unit(cd->domain, u)
        {
            struct hv_lock *lock = unit_schedule_lock(u);
            hv_printk("\t%3u: ", ++n);
            print_unit(p, credit2_unit_of(u));
            port_unlock(lock);
        }
    }
    list_for_each (pos, &p->runqs) {
        const struct credit2_runq *rq = credit2_runq_of(pos);
        port_lock(rq->lock);
        print_queue(p, rq);
        port_unlock(rq->lock);
    }
    credit2_read_unlock(&p->lock);
}
