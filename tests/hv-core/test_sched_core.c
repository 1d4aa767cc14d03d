/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The framework: runstates, pausing, blocking, timers of guests, migration, placement, trace records, unwinding. */
#include "sched_fixture.h"

#include <string.h>

static long call_sched(enum hv_sched_cmd cmd)
{
    struct hv_sched_op op = {cmd};
    return hv_core_get()->hypercall(HYPERCALL_sched_op, &op);
}

static long call_timer(s_time_t at)
{
    struct hv_set_timer_op op = {at};
    return hv_core_get()->hypercall(HYPERCALL_set_timer_op, &op);
}

/* A started domain of n vCPUs; those that fit run. */
static struct domain *running(unsigned n)
{
    struct domain *d = fx_domain(n);
    fx_start(d);
    tp_settle(0);
    tp_settle_all();
    return d;
}

/* ---- runstates and pausing ----------------------------------------------------------------------------------------
 */

static void runstates_sum_to_elapsed(void)
{
    static struct tp_guest g[6];
    fx_boot(MACHINE_2);
    tp_set_time(12345);
    struct domain *d = fx_domain(6);
    for (unsigned i = 0; i < 6; i++)
        tp_guest_attach(d->vcpu[i], &g[i], i < 2 ? 0 : 700000 * i, 300000 * i);
    fx_start(d);
    tp_settle(0);
    tp_settle_all();
    tp_run_until(SECONDS(1), fx_check);
    s_time_t busy = 0;
    for (unsigned i = 0; i < 6; i++) {
        s_time_t t[RUNSTATE_NR], sum = 0;
        hv_core_get()->vcpu_runstate(d->vcpu[i], t);
        for (unsigned r = 0; r < RUNSTATE_NR; r++)
            sum += t[r];
        CU_ASSERT_EQUAL(sum, SECONDS(1) - 12345);
        CU_ASSERT_TRUE(t[RUNSTATE_running] > 0);
        busy += t[RUNSTATE_running];
    }
    for (unsigned c = 0; c < 2; c++)
        busy += hv_core_get()->idle_time(pcpu(c));
    CU_ASSERT_EQUAL(busy, 2 * SECONDS(1)); /* every pCPU always runs something */
}

static void pauses_nest(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = running(1);
    struct vcpu *v = d->vcpu[0];
    unsigned c = v->processor.n;
    CU_ASSERT_PTR_EQUAL(sched_current(pcpu(c)), v);
    tp_set_cpu(1 - c);
    vcpu_pause_nosync(v);
    vcpu_pause_nosync(v);
    CU_ASSERT_PTR_EQUAL(sched_current(pcpu(c)), v); /* asked, not there yet */
    tp_settle_all();
    CU_ASSERT_TRUE(is_idle_vcpu(sched_current(pcpu(c))));
    CU_ASSERT_EQUAL(v->runstate, RUNSTATE_offline);
    fx_check();
    vcpu_pause(v); /* sleeps already: no wait */
    vcpu_unpause(v);
    vcpu_unpause(v);
    CU_ASSERT_EQUAL(v->runstate, RUNSTATE_offline);
    vcpu_unpause(v);
    CU_ASSERT_EQUAL(v->runstate, RUNSTATE_runnable);
    tp_settle(c);
    tp_settle_all();
    CU_ASSERT_EQUAL(v->runstate, RUNSTATE_running);
    fx_check();
}

/* A synchronous pause of a vCPU that runs elsewhere waits for it: on one thread of the host, that is a panic. */
static void a_synchronous_pause_waits(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = running(1);
    tp_set_cpu(1u - d->vcpu[0]->processor.n);
    if (TP_PANICS()) {
        vcpu_pause(d->vcpu[0]);
        tp_no_panic();
        CU_FAIL("did not wait");
    } else {
        CU_ASSERT_PTR_NOT_NULL(strstr(tp_panic_text, "spins"));
    }
}

static void a_domain_cannot_pause_itself(void)
{
    fx_boot(MACHINE_1);
    struct domain *d = running(1);
    CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_pausedomain), -HV_EINVAL);
    CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_destroydomain), -HV_EINVAL);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_createdomain, .domid = DOM_INVALID};
    CU_ASSERT_EQUAL(hv_core_get()->hypercall(HYPERCALL_domctl, &op), -HV_EPERM); /* it is not dom0 */
}

/* ---- blocking and events ------------------------------------------------------------------------------------------
 */

static void blocks_until_its_timer(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = running(1);
    struct vcpu *v = d->vcpu[0];
    tp_set_cpu(v->processor.n);
    call_timer(MILLISECS(5));
    call_sched(SCHEDOP_block);
    softirq_run();
    CU_ASSERT_EQUAL(v->runstate, RUNSTATE_blocked);
    tp_run_until(MILLISECS(5), fx_check);
    CU_ASSERT_EQUAL(v->runstate, RUNSTATE_blocked);
    CU_ASSERT_FALSE(v->upcall_pending);
    tp_run_until(MILLISECS(5) + 50001, fx_check); /* slop, and a ns */
    CU_ASSERT_EQUAL(v->runstate, RUNSTATE_running);
    CU_ASSERT_TRUE(v->upcall_pending);
    CU_ASSERT_EQUAL(tp_perfc[PERFC_evtchn_send], 1);
    call_sched(SCHEDOP_block); /* an event is pending: returns at once */
    softirq_run();
    CU_ASSERT_EQUAL(v->runstate, RUNSTATE_running);
    CU_ASSERT_FALSE(vcpu_flag_test(v, VPF_blocked));
}

static void an_event_in_between_is_not_lost(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = running(1);
    struct vcpu *v = d->vcpu[0];
    tp_set_cpu(v->processor.n);
    v->upcall_mask = true;
    v->upcall_pending = true;
    call_sched(SCHEDOP_block); /* enables delivery first */
    CU_ASSERT_FALSE(vcpu_flag_test(v, VPF_blocked));
    CU_ASSERT_FALSE(v->upcall_mask);
}

static void set_timer_op_edges(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = running(1);
    struct timer *t = &d->vcpu[0]->singleshot_timer;
    tp_set_cpu(d->vcpu[0]->processor.n);
    tp_set_time(MILLISECS(3));
    call_timer(MILLISECS(3) + (1ll << 50) - 1);
    CU_ASSERT_EQUAL(t->expires, MILLISECS(3) + (1ll << 50) - 1);
    call_timer(MILLISECS(3) + (1ll << 50));
    CU_ASSERT_EQUAL(t->expires, MILLISECS(103));
    call_timer(0);
    CU_ASSERT_FALSE(timer_active(t));
    call_timer(-5);
    CU_ASSERT_EQUAL(t->expires, MILLISECS(103));
    CU_ASSERT_EQUAL(t->cpu.n, port_this_cpu().n);
    call_timer(1); /* in the past: fires at once */
    softirq_run();
    CU_ASSERT_TRUE(d->vcpu[0]->upcall_pending);
}

/* ---- migration ----------------------------------------------------------------------------------------------------
 */

static void a_running_vcpu_moves_when_descheduled(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = running(1);
    struct vcpu *v = d->vcpu[0];
    unsigned from = v->processor.n, to = 1 - from;
    tp_set_cpu(to);
    fx_pin(v, to, to);
    CU_ASSERT_EQUAL(v->processor.n, from); /* it runs: only flagged */
    CU_ASSERT_TRUE(vcpu_flag_test(v, VPF_migrating));
    CU_ASSERT_TRUE(v->is_running);
    tp_settle_all();
    CU_ASSERT_EQUAL(v->processor.n, to);
    CU_ASSERT_FALSE(vcpu_flag_test(v, VPF_migrating));
    CU_ASSERT_PTR_EQUAL(sched_current(pcpu(to)), v);
    fx_check();
}

static void affinity_needs_an_online_cpu(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = fx_domain(1);
    cpumask_t none = {{0}}, offline = {{0}};
    cpumask_set(&offline, pcpu(5));
    CU_ASSERT_EQUAL(vcpu_set_affinity(d->vcpu[0], &none, NULL), -HV_EINVAL);
    CU_ASSERT_EQUAL(vcpu_set_affinity(d->vcpu[0], &offline, NULL), -HV_EINVAL);
    CU_ASSERT_TRUE(cpumask_equal(&d->vcpu[0]->unit->hard, &hv_cpu_online));
    CU_ASSERT_FALSE(vcpu_flag_test(d->vcpu[0], VPF_migrating));
}

/* Setting the affinity forces a new decision although the old place is still allowed. */
static void affinity_always_places_anew(void)
{
    fx_boot(MACHINE_4);
    struct domain *d = fx_domain(1);
    fx_pin(d->vcpu[0], 1, 2);
    uint64_t picks = tp_perfc[PERFC_sched_pick_cpu];
    fx_pin(d->vcpu[0], 1, 2);
    CU_ASSERT_TRUE(tp_perfc[PERFC_sched_pick_cpu] > picks);
    CU_ASSERT_TRUE(d->vcpu[0]->processor.n == 1 || d->vcpu[0]->processor.n == 2);
}

/* ---- initial placement --------------------------------------------------------------------------------------------
 */

static void initial_placement_without_smt(void)
{
    fx_boot(MACHINE_4);
    struct domain *a = fx_domain(2);
    CU_ASSERT_EQUAL(a->vcpu[0]->processor.n, 3); /* all empty: ties go to the highest number */
    CU_ASSERT_EQUAL(a->vcpu[1]->processor.n, 0); /* the next one, cyclically */
    struct domain *b = fx_domain(1);
    CU_ASSERT_EQUAL(b->vcpu[0]->processor.n, 3); /* a's vCPUs are down and do not count */
    fx_op(a, XEN_DOMCTL_online_vcpus);
    struct domain *c = fx_domain(1);
    CU_ASSERT_EQUAL(c->vcpu[0]->processor.n, 2);
}

static void initial_placement_with_smt(void)
{
    fx_boot(MACHINE_2x4x2);
    struct domain *d[9];
    static const unsigned want[] = {15, 13, 11, 9, 7, 5, 3, 1, 15};
    for (unsigned i = 0; i < 9; i++) {
        d[i] = fx_domain(1);
        CU_ASSERT_EQUAL(d[i]->vcpu[0]->processor.n, want[i]); /* second threads only */
        fx_op(d[i], XEN_DOMCTL_online_vcpus);
    }
}

/* ---- records ------------------------------------------------------------------------------------------------------
 */

static struct tp_trace_rec recs[64];
static unsigned nr_recs;
static void keep(const struct tp_trace_rec *r)
{
    if (nr_recs < 64)
        recs[nr_recs++] = *r;
}

static void switch_records_in_order(void)
{
    fx_boot(MACHINE_1);
    struct domain *d = running(1);
    struct vcpu *v = d->vcpu[0];
    tp_set_time(MILLISECS(2));
    tp_trace_hook = keep;
    nr_recs = 0;
    call_sched(SCHEDOP_block);
    softirq_run();
    tp_trace_hook = NULL;
    static const uint32_t want[] = {
        TRC_SCHED_BLOCK, TRC_SCHED_SWITCH_INFPREV, TRC_SCHED_SWITCH_INFNEXT, TRC_SCHED_SWITCH, 0x21021u, 0x21101u};
    CU_ASSERT_EQUAL_FATAL(nr_recs, ARRAY_SIZE(want));
    for (unsigned i = 0; i < nr_recs; i++)
        CU_ASSERT_EQUAL(recs[i].event, want[i]);
    CU_ASSERT_EQUAL(recs[1].w[0], d->id.n);
    CU_ASSERT_EQUAL(recs[1].w[1], (uint32_t)(MILLISECS(2) - 0)); /* ran since time 0 */
    CU_ASSERT_EQUAL(recs[2].w[0], DOM_IDLE.n);
    CU_ASSERT_EQUAL(recs[2].w[2], 0xffffffffu); /* no slice */
    CU_ASSERT_EQUAL(recs[3].nr, 4);
    CU_ASSERT_EQUAL(recs[3].w[2], DOM_IDLE.n);
    CU_ASSERT_EQUAL(recs[4].w[0], (uint32_t)d->id.n << 16 | v->id.n);
}

/* ---- control ------------------------------------------------------------------------------------------------------
 */

/* From 4.8 on the records name the vCPU; from 4.9 on who goes on has one too, and credit tells more. */
static void later_records(void)
{
    fx_boot_level(MACHINE_1, "modern");
    struct domain *d = running(1);
    tp_set_time(MILLISECS(2));
    tp_trace_hook = keep;
    nr_recs = 0;
    softirq_raise(SCHEDULE_SOFTIRQ);
    softirq_run();
    static const uint32_t goes_on[] = {TRC_CSCHED_SCHEDULE, TRC_SCHED_SWITCH_INFCONT, TRC_SCHED_CONTINUE_RUNNING};
    CU_ASSERT_EQUAL_FATAL(nr_recs, ARRAY_SIZE(goes_on));
    for (unsigned i = 0; i < nr_recs; i++)
        CU_ASSERT_EQUAL(recs[i].event, goes_on[i]);
    CU_ASSERT_EQUAL(recs[0].w[0], 0); /* pCPU 0, no tasklet, not idle */
    CU_ASSERT_EQUAL(recs[1].w[0], d->id.n);
    CU_ASSERT_EQUAL(recs[1].w[1], 0);
    CU_ASSERT_EQUAL(recs[1].w[2], (uint32_t)MILLISECS(2));
    CU_ASSERT_EQUAL(recs[1].w[3], (uint32_t)MILLISECS(30));

    nr_recs = 0;
    call_sched(SCHEDOP_block);
    softirq_run();
    tp_trace_hook = NULL;
    CU_ASSERT_EQUAL(recs[2].event, TRC_SCHED_SWITCH_INFPREV);
    CU_ASSERT_EQUAL(recs[2].nr, 3);
    CU_ASSERT_EQUAL(recs[3].event, TRC_SCHED_SWITCH_INFNEXT);
    CU_ASSERT_EQUAL(recs[3].nr, 4);
}

static void control_calls_check_their_arguments(void)
{
    fx_boot(MACHINE_2);
    struct domain *d = fx_domain(2);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_max_vcpus, .domid = d->id};
    op.u.max_vcpus.max = 3;
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_EINVAL); /* has 2 slots */
    op.u.max_vcpus.max = 0;
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_EINVAL);
    op.domid = dom(77);
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_ESRCH);
    op = (struct hv_domctl){.cmd = XEN_DOMCTL_createdomain, .domid = d->id};
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_EEXIST);
    op.domid = dom(DOM_FIRST_RESERVED);
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_EINVAL);
    op = (struct hv_domctl){.cmd = XEN_DOMCTL_setvcpuaffinity, .domid = d->id};
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.vcpu = vcpu_n(2);
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_EINVAL);
    op = (struct hv_domctl){.cmd = XEN_DOMCTL_createdomain, .domid = DOM_INVALID};
    op.u.createdomain.type = HV_GUEST_ARM32; /* hv_core_arm has those */
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_EINVAL);
    op.u.createdomain.type = HV_GUEST_HVM;
    CU_ASSERT_EQUAL(do_domctl(&op), 0);
    op.cmd = XEN_DOMCTL_max_vcpus;
    op.u.max_vcpus.max = 129; /* APIC ids */
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_EINVAL);
    op.u.max_vcpus.max = 128;
    CU_ASSERT_EQUAL(do_domctl(&op), 0);
    tp_trylock_failures = 1;
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_ERESTART); /* somebody else is at it: continued */
    CU_ASSERT_EQUAL(hv_core_get()->hypercall(HYPERCALL_NR, NULL), -HV_ENOSYS);
}

static void domain_info(void)
{
    fx_boot(MACHINE_2);
    struct domain *a = running(1), *b = fx_domain(2);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo, .domid = dom(0)};
    CU_ASSERT_EQUAL(do_domctl(&op), 0); /* the first from 0 on */
    CU_ASSERT_EQUAL(op.domid.n, a->id.n);
    CU_ASSERT_TRUE(op.u.getdomaininfo.running);
    CU_ASSERT_FALSE(op.u.getdomaininfo.blocked || op.u.getdomaininfo.paused);
    op.domid = dom(a->id.n + 1u);
    CU_ASSERT_EQUAL(do_domctl(&op), 0);
    CU_ASSERT_EQUAL(op.domid.n, b->id.n);
    CU_ASSERT_TRUE(op.u.getdomaininfo.paused);
    CU_ASSERT_EQUAL(op.u.getdomaininfo.nr_online_vcpus, 0);
    op.domid = dom(b->id.n + 1u);
    CU_ASSERT_EQUAL(do_domctl(&op), -HV_ESRCH);
    CU_ASSERT_EQUAL(fx_op(b, XEN_DOMCTL_destroydomain), 0);
    b = fx_domain(1); /* the lowest free id is used again */
    CU_ASSERT_EQUAL(b->id.n, a->id.n + 1);
}

static long create_and_destroy(unsigned nr_vcpus)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_createdomain, .domid = DOM_INVALID};
    long rc = do_domctl(&op);
    if (rc)
        return rc;
    op.cmd = XEN_DOMCTL_max_vcpus;
    op.u.max_vcpus.max = nr_vcpus;
    rc = do_domctl(&op);
    op.cmd = XEN_DOMCTL_destroydomain;
    CU_ASSERT_EQUAL(do_domctl(&op), 0);
    return rc;
}

/* Wherever memory runs out, everything is given back: what the core holds does not grow from one try to the next. */
static void failures_unwind(void)
{
    fx_boot(MACHINE_4);
    CU_ASSERT_EQUAL(create_and_destroy(100), 0);
    size_t before = tp_mapped_pages; /* with what the allocator keeps for the next time */
    long rc = -HV_ENOMEM;
    for (int64_t budget = 0; rc && budget < 400; budget++) {
        tp_alloc_budget = budget;
        rc = create_and_destroy(100);
        tp_alloc_budget = -1;
        CU_ASSERT_TRUE(rc == 0 || rc == -HV_ENOMEM);
        CU_ASSERT_EQUAL(tp_locks_held(), 0);
        CU_ASSERT_TRUE(tp_mapped_pages <= before);
        fx_check();
    }
    CU_ASSERT_EQUAL(rc, 0);
}

static void dom0_is_built_paused(void)
{
    fx_boot(MACHINE_2x2);
    CU_ASSERT_EQUAL(hv_core_get()->construct_dom0(2, 64 << 20), 0);
    struct domain *d = domain_find(dom(0));
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    CU_ASSERT_TRUE(d->controller_pause);
    CU_ASSERT_EQUAL(d->vcpu[0]->processor.n, 3);
    CU_ASSERT_EQUAL(d->vcpu[1]->processor.n, 0);
    CU_ASSERT_FALSE(vcpu_flag_test(d->vcpu[1], VPF_down));
    CU_ASSERT_EQUAL(hv_core_get()->construct_dom0(2, 64 << 20), -HV_EEXIST);
    CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_unpausedomain), 0);
    tp_settle(0);
    tp_settle_all();
    CU_ASSERT_EQUAL(d->vcpu[0]->runstate, RUNSTATE_running);
    CU_ASSERT_EQUAL(d->vcpu[1]->runstate, RUNSTATE_running);
    CU_ASSERT_EQUAL(fx_op(d, XEN_DOMCTL_destroydomain), -HV_EINVAL);
    fx_check();
}

static void an_unknown_scheduler_falls_back(void)
{
    struct hv_boot_info *info = tp_boot_info(&MACHINE_2, hv_profile_find("xen-4.3"));
    info->opt.sched = "fair";
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, "Could not find scheduler: fair"));
    CU_ASSERT_STRING_EQUAL(cpupool_find(0)->sched.policy->opt_name, "credit");
}

/* ---- ticks --------------------------------------------------------------------------------------------------------
 */

/* At 4.3 every pCPU ticks each 10 ms (plus slop); from 4.7 on idle ones do not. */
static void ticks_of_idle_pcpus(void)
{
    fx_boot(MACHINE_4);
    tp_run_until(SECONDS(1), fx_check);
    CU_ASSERT_TRUE(tp_perfc[PERFC_sched_tick] >= 4 * 98 && tp_perfc[PERFC_sched_tick] <= 4 * 100);
    fx_boot_level(MACHINE_4, "modern");
    tp_run_until(SECONDS(1), fx_check);
    CU_ASSERT_EQUAL(tp_perfc[PERFC_sched_tick], 4); /* the first finds it idle */
    running(1);
    uint64_t before = tp_perfc[PERFC_sched_tick];
    tp_run_until(SECONDS(2), fx_check);
    CU_ASSERT_TRUE(tp_perfc[PERFC_sched_tick] >= before + 98 && tp_perfc[PERFC_sched_tick] <= before + 101);
}

static const struct cunit_case tests[] = {
    {"runstates sum to the time elapsed", runstates_sum_to_elapsed},
    {"pauses nest", pauses_nest},
    {"a synchronous pause waits", a_synchronous_pause_waits},
    {"a domain cannot pause or destroy itself, nor control", a_domain_cannot_pause_itself},
    {"blocks until its timer, t and t + slop", blocks_until_its_timer},
    {"an event before the block is not lost", an_event_in_between_is_not_lost},
    {"set_timer_op at its edges", set_timer_op_edges},
    {"a running vCPU moves when it is descheduled", a_running_vcpu_moves_when_descheduled},
    {"an affinity needs an online pCPU", affinity_needs_an_online_cpu},
    {"setting an affinity always places anew", affinity_always_places_anew},
    {"initial placement without SMT", initial_placement_without_smt},
    {"initial placement with SMT", initial_placement_with_smt},
    {"the records of a switch, in order", switch_records_in_order},
    {"what the records tell from 4.8 and 4.9 on", later_records},
    {"control calls check their arguments", control_calls_check_their_arguments},
    {"domain info", domain_info},
    {"failures unwind", failures_unwind},
    {"dom0 is built paused, its vCPUs online", dom0_is_built_paused},
    {"an unknown scheduler falls back with a message", an_unknown_scheduler_falls_back},
    {"ticks of idle pCPUs, level by level", ticks_of_idle_pcpus},
};

CUNIT_MAIN("hv-core scheduler framework", tests)
