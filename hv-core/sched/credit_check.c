/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit: its invariants (credit.h), and its state for people. */
#include "credit.h"

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "credit: " #cond;                                                                                   \
    } while (0)

bool credit_is_queued(struct scheduler *s, const struct sched_unit *u)
{
    return credit_queued(credit_unit_of(u));
}

/*
 * A pCPU looks for work when it is told to; that nobody told it is repaired by the next tick of who works where others
 * wait. With credit_tick_starts_only by a later one: the first makes him active, accounting may undo that, the second
 * makes him active again, the third looks.
 *
 * To save power, the tick leaves them crowded (pick_in), and whoever ran last is not stolen while his cache is warm
 * (migration delay): with both nothing is promised.
 */
s_time_t credit_idle_limit(struct scheduler *s, const struct sched_unit *u, pcpu_id c)
{
    const struct credit_pool *p = credit_pool_of(s);
    s_time_t limit = p->tick_period * (quirk(credit_tick_starts_only) ? 3 : 1);

    if (p->smt_power_savings && p->migration_delay)
        return -1;
    return port_now() < p->old_ticks_until + limit ? -1 : limit;
}

const char *credit_check_unit(struct scheduler *s, const struct sched_unit *u, bool quiescent)
{
    const struct credit_unit *cu = credit_unit_of(u);

    CHECK(cu->unit == u);
    CHECK(cu->residual < 1000000);
    if (is_idle_unit(u)) {
        CHECK(!cu->dom && list_empty(&cu->active_elem));
        CHECK(cu->pri == PRI_IDLE || cu->pri == PRI_BOOST);
        CHECK(!quiescent || credit_queued(cu) == (curr_on_cpu(u->processor) != u));
    } else {
        CHECK(cu->dom == credit_dom_of(u->domain));
        CHECK(cu->pri == PRI_BOOST || cu->pri == PRI_UNDER || cu->pri == PRI_OVER);
        CHECK(!quiescent || !credit_flag_test(cu, CREDIT_PARKED) || u->vcpu_list->pause_count > 0);
    }
    return NULL;
}

static const char *check_queue(const struct credit_pool *p, pcpu_id c)
{
    struct credit_pcpu *cp = credit_pcpu_of(c);
    const struct sched_resource *res = sched_res(c);
    struct list_head *pos;
    bool idle_seen = false;

    CHECK(cp->pool == p && pcpu_eq(cp->cpu, c));
    list_for_each (pos, &cp->runq) {
        const struct credit_unit *cu = runq_entry(pos);
        CHECK(pos->next->prev == pos);
        CHECK(pcpu_eq(cu->unit->processor, c));
        CHECK(!idle_seen); /* idle is last */
        idle_seen = is_idle_unit(cu->unit);
    }
    CHECK(idle_seen == !is_idle_unit(res->curr));
    if (cpumask_test(&p->idlers, c))
        CHECK(is_idle_unit(res->curr));
    else
        CHECK(!quirk(credit_tickle_stale_idlers) || !is_idle_unit(res->curr) ||
              credit_unit_of(res->curr)->pri == PRI_BOOST);
    return NULL;
}

const char *credit_check(struct scheduler *s, bool quiescent)
{
    const struct credit_pool *p = credit_pool_of(s);
    struct list_head *pos, *vpos;
    uint32_t weight = 0;
    const char *broken;
    pcpu_id c;

    if (!quiescent)
        return NULL;
    list_for_each (pos, &p->active_dom) {
        const struct credit_dom *cd = list_entry(pos, struct credit_dom, active_elem);
        uint32_t n = 0;
        list_for_each (vpos, &cd->active_vcpu) {
            CHECK(list_entry(vpos, struct credit_unit, active_elem)->dom == cd);
            n++;
        }
        CHECK(n > 0 && n == cd->active_count);
        weight += cd->weight * n;
    }
    CHECK(weight == p->weight);
    CHECK(p->ncpus == cpumask_weight(&p->cpus));
    /* The members of the pool, and one that is about to leave it. */
    CHECK(cpumask_subset(&s->pool->res, &p->cpus));
    CHECK(quirk(credit_pool_put_stale) || p->credit == p->ncpus * p->credits_per_tslice);
    for_each_cpu (c, &p->cpus) {
        if ((broken = check_queue(p, c)) != NULL)
            return broken;
    }
    return NULL;
}

/* ---- debug key 'r' ----------------------------------------------------------------------------------------------- */

static void dump_unit(const char *label, unsigned n, const struct credit_unit *cu)
{
    const struct sched_unit *u = cu->unit;
    if (label)
        hv_printk("\t%s: ", label);
    else
        hv_printk("\t%3u: ", n);
    hv_printk("[%u.%u] pri=%d flags=%x cpu=%u", u->domain->id.n, u->id, cu->pri, cu->flags, u->processor.n);
    if (cu->dom)
        hv_printk(" credit=%d [w=%u,cap=%u]", cu->credit, cu->dom->weight, cu->dom->cap);
    hv_printk("\n");
}

void credit_dump_settings(struct scheduler *s)
{
    const struct credit_pool *p = credit_pool_of(s);
    struct list_head *pos, *vpos;
    unsigned n = 0;
    char idlers[256];

    hv_printk("info:\n\tncpus              = %u\n\tmaster             = %u\n\tcredit             = %u\n"
              "\tcredit balance     = %d\n\tweight             = %u\n\trunq_sort          = %u\n",
              p->ncpus, p->master_ticker.cpu.n, p->credit, p->balance, p->weight, p->epoch);
    hv_printk("\tdefault-weight     = %u\n\ttslice             = %ums\n\tratelimit          = %uus\n"
              "\tcredits per msec   = %u\n\tticks per tslice   = %u\n\tmigration delay    = %lldus\n",
              CREDIT_DEFAULT_WEIGHT, p->tslice_ms, p->ratelimit_us, CREDIT_PER_MS, p->ticks_per_tslice,
              (long long)p->migration_delay / 1000);
    cpumask_print(idlers, sizeof(idlers), &p->idlers);
    hv_printk("idlers: %s\nactive units:\n", idlers);
    list_for_each (pos, &p->active_dom)
        list_for_each (vpos, &list_entry(pos, struct credit_dom, active_elem)->active_vcpu)
            dump_unit(NULL, ++n, list_entry(vpos, struct credit_unit, active_elem));
}

void credit_dump_cpu(struct scheduler *s, pcpu_id c)
{
    const struct credit_pcpu *cp = credit_pcpu_of(c);
    struct list_head *pos;
    unsigned n = 0;
    char sibling[256], core[256];

    list_for_each (pos, &cp->runq)
        n++;
    cpumask_print(sibling, sizeof(sibling), cpu_sibling_mask(c));
    cpumask_print(core, sizeof(core), cpu_socket_mask(c));
    hv_printk("CPU[%02u] nr_run=%u, sort=%u, sibling={%s}, core={%s}\n", c.n, n, cp->sorted, sibling, core);
    dump_unit("run", 0, credit_unit_of(curr_on_cpu(c)));
    n = 0;
    list_for_each (pos, &cp->runq)
        dump_unit(NULL, ++n, runq_entry(pos));
}
