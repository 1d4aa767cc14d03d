/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit: node affinity, pick, tickle and balance on two nodes. */
#include "sched_fixture.h"

#include <string.h>

#define p fx_pool

/* Pretend that exactly these pCPUs are idle. */
static void set_idlers(cpumask_t m)
{
    cpumask_copy(&p->idlers, &m);
}

static cpumask_t mask_of(unsigned n, const unsigned *cpu)
{
    cpumask_t m = {{0}};
    for (unsigned i = 0; i < n; i++)
        cpumask_set(&m, pcpu(cpu[i]));
    return m;
}
#define SET(...) mask_of(sizeof((unsigned[]){__VA_ARGS__}) / sizeof(unsigned), (const unsigned[]){__VA_ARGS__})

static void set_nodes(struct domain *d, uint64_t nodes)
{
    CU_ASSERT_EQUAL_FATAL(domain_set_node_affinity(d, (nodemask_t){nodes}), 0);
}

static unsigned pick(struct vcpu *v, unsigned from, bool commit)
{
    sched_set_res(v->unit, pcpu(from));
    return credit_pick(p, v->unit, commit).n;
}

/* ---- node affinity ------------------------------------------------------------------------------------------------
 */

static void node_step_is_for_explicit_affinity_only(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d = fx_domain(2);
    struct vcpu *v = d->vcpu[0];
    CU_ASSERT_FALSE(credit_step_usable(v->unit, BALANCE_SOFT)); /* automatic */
    fx_pin(v, 0, 7);
    fx_pin(d->vcpu[1], 0, 7);
    CU_ASSERT_EQUAL(d->node_affinity.w, 1);                     /* follows the pinning ... */
    CU_ASSERT_FALSE(credit_step_usable(v->unit, BALANCE_SOFT)); /* ... and does not trigger the step */
    CU_ASSERT_TRUE(credit_step_usable(v->unit, BALANCE_HARD));

    fx_pin(v, 0, 15);
    fx_pin(d->vcpu[1], 0, 15);
    set_nodes(d, 2);
    CU_ASSERT_FALSE(d->auto_node_affinity);
    CU_ASSERT_TRUE(credit_step_usable(v->unit, BALANCE_SOFT));
    cpumask_t m;
    credit_step_mask(v->unit, BALANCE_SOFT, &m);
    cpumask_t want = fx_mask(8, 15);
    CU_ASSERT_TRUE(cpumask_equal(&m, &want));
    credit_step_mask(v->unit, BALANCE_HARD, &m);
    CU_ASSERT_TRUE(cpumask_equal(&m, &hv_cpu_online));

    set_nodes(d, 3); /* all that there are: a choice, and no reason to prefer a pCPU */
    CU_ASSERT_FALSE(d->auto_node_affinity);
    CU_ASSERT_EQUAL(d->node_affinity.w, 3);
    CU_ASSERT_FALSE(credit_step_usable(v->unit, BALANCE_SOFT));
    set_nodes(d, ~0ull); /* all that there could be: back to automatic */
    CU_ASSERT_TRUE(d->auto_node_affinity);
    CU_ASSERT_FALSE(credit_step_usable(v->unit, BALANCE_SOFT));
    CU_ASSERT_EQUAL(domain_set_node_affinity(d, (nodemask_t){0}), -HV_EINVAL);
}

static void node_affinity_without_a_usable_cpu(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d = fx_domain(2);
    set_nodes(d, 2);
    fx_pin(d->vcpu[0], 0, 3); /* vCPU 1 still reaches node 1 */
    CU_ASSERT_EQUAL(d->node_affinity.w, 2);
    CU_ASSERT_FALSE(credit_step_usable(d->vcpu[0]->unit, BALANCE_SOFT));
    CU_ASSERT_TRUE(credit_step_usable(d->vcpu[1]->unit, BALANCE_SOFT));
    fx_pin(d->vcpu[1], 0, 3); /* nobody reaches node 1: the set would be empty, and is kept */
    CU_ASSERT_EQUAL(d->node_affinity.w, 2);
    cpumask_t m, want = fx_mask(0, 3);
    credit_step_mask(d->vcpu[1]->unit, BALANCE_SOFT, &m); /* an empty intersection means the hard affinity */
    CU_ASSERT_TRUE(cpumask_equal(&m, &want));
}

/* From 4.5 on it is the soft affinity of each vCPU that counts, where the hard affinity is not at least as narrow. */
static void later_levels_go_by_soft_affinity(void)
{
    fx_boot_level(MACHINE_2x4x2, "modern");
    struct domain *d = fx_domain(2);
    cpumask_t soft = fx_mask(8, 15), m;
    set_nodes(d, 2);
    CU_ASSERT_FALSE(credit_step_usable(d->vcpu[0]->unit, BALANCE_SOFT));
    for (unsigned i = 0; i < 2; i++)
        CU_ASSERT_EQUAL(vcpu_set_affinity(d->vcpu[i], NULL, &soft), 0);
    CU_ASSERT_TRUE(credit_step_usable(d->vcpu[0]->unit, BALANCE_SOFT));
    credit_step_mask(d->vcpu[0]->unit, BALANCE_SOFT, &m);
    CU_ASSERT_TRUE(cpumask_equal(&m, &soft));
    fx_pin(d->vcpu[0], 8, 11); /* within it: the step changes nothing */
    CU_ASSERT_FALSE(credit_step_usable(d->vcpu[0]->unit, BALANCE_SOFT));
    CU_ASSERT_TRUE(credit_step_usable(d->vcpu[1]->unit, BALANCE_SOFT));
    fx_pin(d->vcpu[0], 0, 3); /* disjoint: it cannot be honoured */
    CU_ASSERT_FALSE(credit_step_usable(d->vcpu[0]->unit, BALANCE_SOFT));

    fx_boot_level(MACHINE_2x4x2, "xen-4.3");
    d = fx_domain(1);
    CU_ASSERT_EQUAL(vcpu_set_affinity(d->vcpu[0], NULL, &soft), -HV_EOPNOTSUPP);
}

/* ---- pick: 2 sockets (= nodes) x 4 cores x 2 threads; core k has pCPUs 2k and 2k+1
 * ------------------------------------ */

static void stays_if_alone_on_an_idle_core(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d = fx_domain(1);
    set_idlers(SET(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    for (unsigned c = 0; c < 16; c++)
        CU_ASSERT_EQUAL(pick(d->vcpu[0], c, false), c);
}

static void nobody_idle_keeps_it_in_place(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d = fx_domain(1);
    set_idlers((cpumask_t){{0}});
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 5, false), 5); /* its queue is idle: it counts as idle itself */
    fx_pin(d->vcpu[0], 8, 9);
    set_idlers((cpumask_t){{0}});
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 5, false), 8);  /* cycle into the affinity */
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 15, false), 8); /* and round */
}

/* Within a socket it moves to a core with more idle threads. */
static void spreads_over_cores(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d = fx_domain(1);
    set_idlers(SET(4, 5)); /* our core (0,1): thread 1 is busy, ourselves count: 1 < 2 */
    credit_pcpu_of(pcpu(4))->idle_bias = pcpu(15);
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 4); /* cycle(15, {4,5}) */
    credit_pcpu_of(pcpu(4))->idle_bias = pcpu(4);
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 5);
    set_idlers(SET(5)); /* 1 against 1: no reason to move */
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 0);
}

/* Another socket has to be more than twice as idle. */
static void crosses_sockets_reluctantly(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d = fx_domain(1);
    set_idlers(SET(9, 11)); /* ours: 1 (ourselves); theirs: 2; 1 * 2 < 2 is false */
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 0);
    set_idlers(SET(9, 11, 13));                     /* 1 * 2 < 3 */
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 9); /* cycle(15, {9, 11, 13}) */
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, true), 9);
    CU_ASSERT_EQUAL(credit_pcpu_of(pcpu(9))->idle_bias.n, 9); /* committed: the next one goes further */
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 11);
}

static void the_tick_does_not_commit(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d = fx_domain(1);
    set_idlers(SET(4, 5));
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 4);
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 4);
    CU_ASSERT_EQUAL(credit_pcpu_of(pcpu(4))->idle_bias.n, 15);
}

static void power_savings_consolidates(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d = fx_domain(1);
    p->smt_power_savings = true;
    set_idlers(SET(0, 1, 5)); /* core 0 has 2 idle threads, core 2 has 1: go where fewer are idle */
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 5);
}

/* An idle pCPU of the node affinity comes before any other; without one, the hard affinity decides. */
static void node_affinity_first(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d = fx_domain(1);
    set_nodes(d, 2);
    set_idlers(SET(0, 1, 2, 3, 4, 5, 6, 7, 10));
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 10);
    /* Node 1 has nobody idle: second step over all, where v itself counts for pCPU 0. */
    set_idlers(SET(0, 1, 2, 3));
    CU_ASSERT_EQUAL(pick(d->vcpu[0], 0, false), 0);
}

/* ---- tickle -------------------------------------------------------------------------------------------------------
 */

static unsigned tickled[16], nr_tickled;
static void on_trace(const struct tp_trace_rec *r)
{
    if (r->event == TRC_CSCHED_TICKLE)
        tickled[nr_tickled++] = r->w[0];
}

/* A domain of one vCPU that runs on each pCPU of [first, last], all UNDER and past their boost. */
static struct domain *busy(unsigned first, unsigned last)
{
    struct domain *d = fx_domain(last - first + 1);
    for (unsigned i = first; i <= last; i++)
        fx_pin(d->vcpu[i - first], i, i);
    fx_start(d);
    tp_settle_all();
    tp_settle(0);
    for (unsigned i = first; i <= last; i++) {
        CU_ASSERT_PTR_EQUAL_FATAL(sched_current(pcpu(i)), d->vcpu[i - first]);
        fx_cv(d, i - first)->pri = PRI_UNDER;
        CU_ASSERT_FALSE(cpumask_test(&p->idlers, pcpu(i)));
    }
    fx_check();
    return d;
}

/* Tickle for v as if it had been queued on pCPU c by pCPU self. */
static void tickle(struct domain *d, int32_t pri, unsigned c, unsigned self)
{
    struct credit_unit *cv = fx_cv(d, 0);
    cv->pri = pri;
    nr_tickled = 0;
    tp_trace_hook = on_trace;
    tp_set_cpu(self);
    credit_tickle(p, pcpu(c), cv);
    tp_trace_hook = NULL;
}

static void an_idle_pcpu_is_tickled_itself(void)
{
    fx_boot(MACHINE_4);
    struct domain *d = fx_domain(1);
    tickle(d, PRI_UNDER, 2, 0);
    CU_ASSERT_EQUAL(nr_tickled, 1);
    CU_ASSERT_EQUAL(tickled[0], 2);
    CU_ASSERT_TRUE(softirq_pending(pcpu(2)));
}

static void without_idlers_only_a_higher_priority_tickles(void)
{
    fx_boot(MACHINE_4);
    busy(0, 3);
    struct domain *d = fx_domain(1);
    tickle(d, PRI_UNDER, 1, 0);
    CU_ASSERT_EQUAL(nr_tickled, 0);
    tickle(d, PRI_BOOST, 1, 0);
    CU_ASSERT_EQUAL(nr_tickled, 1);
    CU_ASSERT_EQUAL(tickled[0], 1);
}

/* One idler at a time, the next after the last that the same pCPU tickled. */
static void idlers_are_tickled_in_turn_by_each_pcpu(void)
{
    fx_boot(MACHINE_4);
    busy(0, 0);
    struct domain *d = fx_domain(1);
    static const unsigned by0[] = {1, 2, 3, 1};
    for (unsigned i = 0; i < 4; i++) {
        tickle(d, PRI_UNDER, 0, 0);
        CU_ASSERT_EQUAL(nr_tickled, 1);
        CU_ASSERT_EQUAL(tickled[0], by0[i]);
    }
    tickle(d, PRI_UNDER, 0, 2); /* pCPU 2 counts for itself */
    CU_ASSERT_EQUAL(tickled[0], 1);
    p->tickle_one_idle = false;
    tickle(d, PRI_UNDER, 0, 0);
    CU_ASSERT_EQUAL(nr_tickled, 3);
}

static void a_tickled_idler_is_used_up_in_later_levels(void)
{
    fx_boot_level(MACHINE_4, "modern");
    busy(0, 0);
    struct domain *d = fx_domain(1);
    for (unsigned i = 1; i < 4; i++) {
        credit_last_tickled[0] = pcpu(0);
        tickle(d, PRI_UNDER, 0, 0);
        CU_ASSERT_EQUAL(tickled[0], i);
    }
    tickle(d, PRI_UNDER, 0, 0);
    CU_ASSERT_EQUAL(nr_tickled, 0);
    tp_settle_all(); /* nothing to do there: they are idle again */
    CU_ASSERT_EQUAL(cpumask_weight(&p->idlers), 3);
}

static void node_affinity_steers_the_tickle(void)
{
    fx_boot(MACHINE_2x2);
    busy(0, 0);
    struct domain *d = fx_domain(1);
    set_nodes(d, 2);
    credit_last_tickled[0] = pcpu(0);
    tickle(d, PRI_UNDER, 0, 0);
    CU_ASSERT_EQUAL(tickled[0], 2); /* 1 is next, but of the other node */
    set_idlers(SET(1));             /* nobody idle at home: the second step */
    tickle(d, PRI_UNDER, 0, 0);
    CU_ASSERT_EQUAL(nr_tickled, 1);
    CU_ASSERT_EQUAL(tickled[0], 1);
}

/*
 * new is pinned to pCPU 0, where somebody runs; pCPU 2 is idle. Who runs is kicked away: always at 4.3, if it could use
 * pCPU 2 where the defect is mended, never at 4.17.
 */
static void kicks(const char *level, bool cur_may_move, bool kicked)
{
    fx_boot_level(MACHINE_4, level);
    struct domain *cur = busy(0, 0), *d = fx_domain(1);
    cpumask_t all = fx_mask(0, 3);
    fx_pin(d->vcpu[0], 0, 0);
    if (cur_may_move)
        cpumask_copy(&cur->vcpu[0]->unit->hard, &all);
    set_idlers(SET(2));
    tickle(d, PRI_UNDER, 0, 1);
    CU_ASSERT_EQUAL(nr_tickled, 0); /* not of higher priority */
    CU_ASSERT_FALSE(vcpu_flag_test(cur->vcpu[0], VPF_migrating));
    tickle(d, PRI_BOOST, 0, 1);
    CU_ASSERT_EQUAL(nr_tickled, 1);
    CU_ASSERT_EQUAL(tickled[0], 0);
    CU_ASSERT_EQUAL(vcpu_flag_test(cur->vcpu[0], VPF_migrating), kicked);
}

static void preempted_vcpus_are_kicked_away(void)
{
    kicks("xen-4.3", true, true);
    kicks("xen-4.3", false, true);
    kicks("fixed", true, true);
    kicks("fixed", false, false);
    kicks("modern", true, false);
}

/* ---- balance ------------------------------------------------------------------------------------------------------
 */

/* Put vCPU n of d, runnable, into the queue of pCPU c with this priority. */
static void queue_on(struct domain *d, unsigned n, unsigned c, int32_t pri)
{
    struct vcpu *v = d->vcpu[n];
    v->pause_flags = 0;
    v->runstate = RUNSTATE_runnable;
    sched_set_res(v->unit, pcpu(c));
    fx_cv(d, n)->pri = pri;
    credit_queue_insert(pcpu(c), fx_cv(d, n));
}

static struct vcpu *balance(unsigned c, bool *stolen)
{
    struct credit_unit *idle = credit_unit_of(sched_resources[c].idle);
    tp_set_cpu(c);
    if (!credit_queued(idle))
        credit_queue_insert(pcpu(c), idle);
    *stolen = false;
    return credit_balance(p, pcpu(c), idle, port_now(), stolen)->unit->vcpu_list;
}

static void steals_from_the_own_node_first(void)
{
    bool stolen;
    fx_boot(MACHINE_2x2);
    busy(0, 0);
    busy(3, 3);
    struct domain *d = fx_domain(2);
    domain_unpause(d);
    queue_on(d, 0, 0, PRI_UNDER); /* on the other node, lower number */
    queue_on(d, 1, 3, PRI_UNDER); /* on the node of pCPU 2 */
    struct vcpu *v = balance(2, &stolen);
    CU_ASSERT_TRUE(stolen);
    CU_ASSERT_PTR_EQUAL(v, d->vcpu[1]);
    CU_ASSERT_EQUAL(v->processor.n, 2);
    CU_ASSERT_FALSE(credit_queued(credit_unit_of(v->unit)));
    CU_ASSERT_PTR_EQUAL(balance(2, &stolen), d->vcpu[0]); /* then further away */
    CU_ASSERT_TRUE(is_idle_vcpu(balance(2, &stolen)));
    CU_ASSERT_FALSE(stolen);
}

/* The node step passes over those without a usable node affinity, although they are nearer. */
static void node_affinity_is_stolen_first(void)
{
    bool stolen;
    fx_boot(MACHINE_2x2);
    busy(0, 0);
    busy(3, 3);
    struct domain *near = fx_domain(1), *home = fx_domain(1), *away = fx_domain(1);
    domain_unpause(near);
    domain_unpause(home);
    domain_unpause(away);
    set_nodes(home, 2);
    set_nodes(away, 1);
    queue_on(near, 0, 3, PRI_UNDER);
    queue_on(away, 0, 3, PRI_UNDER);
    queue_on(home, 0, 0, PRI_UNDER);
    CU_ASSERT_PTR_EQUAL(balance(2, &stolen), home->vcpu[0]);
    CU_ASSERT_PTR_EQUAL(balance(2, &stolen), near->vcpu[0]);
    CU_ASSERT_PTR_EQUAL(balance(2, &stolen), away->vcpu[0]); /* last of all, but taken: affinity is no obligation */
}

static void what_may_not_be_stolen(void)
{
    bool stolen;
    fx_boot(MACHINE_2);
    busy(0, 0);
    struct domain *d = fx_domain(3);
    domain_unpause(d);
    queue_on(d, 0, 0, PRI_UNDER);
    d->vcpu[0]->unit->is_running = true; /* its registers are still on pCPU 0 */
    queue_on(d, 1, 0, PRI_UNDER);
    cpumask_t only0 = fx_mask(0, 0);
    cpumask_copy(&d->vcpu[1]->unit->hard, &only0);
    queue_on(d, 2, 0, PRI_OVER);
    p->migration_delay = MICROSECS(100);
    tp_set_time(SECONDS(1));
    d->vcpu[2]->unit->last_run_time = SECONDS(1) - MICROSECS(100) + 1; /* cache-hot by 1 ns */
    CU_ASSERT_TRUE(is_idle_vcpu(balance(1, &stolen)));
    d->vcpu[2]->unit->last_run_time--;
    CU_ASSERT_PTR_EQUAL(balance(1, &stolen), d->vcpu[2]);
    d->vcpu[0]->unit->is_running = false;
    CU_ASSERT_PTR_EQUAL(balance(1, &stolen), d->vcpu[0]);
}

static void a_peer_whose_lock_is_taken_is_passed_over(void)
{
    bool stolen;
    fx_boot(MACHINE_4);
    busy(0, 1);
    struct domain *d = fx_domain(2);
    domain_unpause(d);
    queue_on(d, 0, 0, PRI_UNDER);
    queue_on(d, 1, 1, PRI_UNDER);
    tp_set_cpu(0);
    port_lock(&sched_resources[0].lock);
    CU_ASSERT_PTR_EQUAL(balance(3, &stolen), d->vcpu[1]);
    tp_set_cpu(0);
    port_unlock(&sched_resources[0].lock);
    tp_trylock_failures = 100;
    CU_ASSERT_TRUE(is_idle_vcpu(balance(3, &stolen)));
    tp_trylock_failures = 0;
    CU_ASSERT_EQUAL(tp_locks_held(), 0);
}

static void only_strictly_higher_is_stolen(void)
{
    bool stolen;
    fx_boot(MACHINE_2);
    busy(0, 0);
    struct domain *d = fx_domain(2);
    domain_unpause(d);
    queue_on(d, 0, 0, PRI_OVER);
    queue_on(d, 1, 1, PRI_OVER);
    tp_set_cpu(1);
    stolen = false;
    CU_ASSERT_PTR_EQUAL(credit_balance(p, pcpu(1), fx_cv(d, 1), 0, &stolen)->unit->vcpu_list, d->vcpu[1]);
    CU_ASSERT_FALSE(stolen);
    credit_queue_remove(fx_cv(d, 0));
    queue_on(d, 1, 1, PRI_OVER);
    queue_on(d, 0, 0, PRI_UNDER);
    CU_ASSERT_PTR_EQUAL(credit_balance(p, pcpu(1), fx_cv(d, 1), 0, &stolen)->unit->vcpu_list, d->vcpu[0]);
    CU_ASSERT_TRUE(stolen);
}

/* From 4.19 on a pCPU balances at most once per ms. */
static void balancing_is_rate_limited_when_mended(void)
{
    bool stolen;
    fx_boot_level(MACHINE_2, "fixed");
    busy(0, 0);
    struct domain *d = fx_domain(1);
    domain_unpause(d);
    tp_set_time(SECONDS(1));
    CU_ASSERT_TRUE(is_idle_vcpu(balance(1, &stolen)));
    queue_on(d, 0, 0, PRI_UNDER);
    tp_set_time(SECONDS(1) + MILLISECS(1) - 1);
    CU_ASSERT_TRUE(is_idle_vcpu(balance(1, &stolen)));
    tp_set_time(SECONDS(1) + MILLISECS(1));
    CU_ASSERT_PTR_EQUAL(balance(1, &stolen), d->vcpu[0]);
}

static const struct cunit_case tests[] = {
    {"the node step is for explicit node affinity", node_step_is_for_explicit_affinity_only},
    {"node affinity that no vCPU can use", node_affinity_without_a_usable_cpu},
    {"later levels go by soft affinity", later_levels_go_by_soft_affinity},
    {"pick: stays where it is alone", stays_if_alone_on_an_idle_core},
    {"pick: nobody idle", nobody_idle_keeps_it_in_place},
    {"pick: spreads over cores, rotating", spreads_over_cores},
    {"pick: another socket must be more than twice as idle", crosses_sockets_reluctantly},
    {"pick: the tick does not commit", the_tick_does_not_commit},
    {"pick: power savings consolidates", power_savings_consolidates},
    {"pick: node affinity first", node_affinity_first},
    {"tickle: an idle pCPU itself", an_idle_pcpu_is_tickled_itself},
    {"tickle: without idlers only a higher priority", without_idlers_only_a_higher_priority_tickles},
    {"tickle: idlers in turn, per executing pCPU", idlers_are_tickled_in_turn_by_each_pcpu},
    {"tickle: a tickled idler is used up in later levels", a_tickled_idler_is_used_up_in_later_levels},
    {"tickle: node affinity first", node_affinity_steers_the_tickle},
    {"tickle: kicking away, level by level", preempted_vcpus_are_kicked_away},
    {"balance: own node first", steals_from_the_own_node_first},
    {"balance: node affinity before nearness", node_affinity_is_stolen_first},
    {"balance: running, pinned, cache-hot", what_may_not_be_stolen},
    {"balance: a failed trylock passes the peer over", a_peer_whose_lock_is_taken_is_passed_over},
    {"balance: only strictly higher priorities", only_strictly_higher_is_stolen},
    {"balance: rate limit of later levels", balancing_is_rate_limited_when_mended},
};

CUNIT_MAIN("hv-core credit placement", tests)
