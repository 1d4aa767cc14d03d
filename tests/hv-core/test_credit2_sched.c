/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Credit2 over time: who gets how much, in which turns, how soon after it wakes; on which pCPUs. */
#include "credit2_fixture.h"

#include <stdlib.h>
#include <string.h>

/* ---- shares that a real Xen 4.17 measured ----------------------------------------------------------------------- */

/*
 * CPU-bound guests of a real Xen 4.17, credit2, in a pool of 1 or 2 pCPUs: share of what all guests got, in %, and how
 * far off one may be, in points. A capped domain alone: % of one pCPU.
 *
 * The host was emulated, and lost up to 6 % of two pCPUs, but nothing of one: so does a machine whose two pCPUs have
 * clocks that are 1 ms apart, because a runstate that ends before it began is not counted. With equal clocks all rows
 * are met but P5, where the capped domain gets 50 %: that row has clocks that are apart. (Here nothing takes time and
 * no timer is late, so clocks that are exactly 1 ms apart can also lock other rows into turns of their own.)
 */
#define CLOCKS_APART MILLISECS(1)

static const struct {
    const char *name;
    unsigned pcpus, doms;
    struct {
        uint32_t weight, cap;
        unsigned vcpus;
        double share;
    } dom[4];
    double tolerance;
    s_time_t apart; /* of the pCPUs' clocks */
} measured[] = {
    {"W1", 1, 2, {{256, 0, 1, 33.41}, {512, 0, 1, 66.59}}, 1.0, 0},
    {"W3", 1, 3, {{256, 0, 1, 33.33}, {256, 0, 1, 33.33}, {256, 0, 1, 33.33}}, 1.0, 0},
    {"W5", 1, 4, {{100, 0, 1, 10.24}, {200, 0, 1, 20.0}, {300, 0, 1, 30.0}, {400, 0, 1, 39.76}}, 1.0, 0},
    {"C1", 1, 1, {{256, 20, 1, 20.05}}, 1.0, 0},
    {"C3", 1, 2, {{256, 20, 1, 19.95}, {256, 0, 1, 80.05}}, 1.0, 0},
    {"C5", 1, 2, {{512, 25, 1, 24.82}, {256, 0, 1, 75.18}}, 1.0, 0},
    {"P1", 2, 4, {{256, 0, 1, 10.59}, {512, 0, 1, 20.03}, {768, 0, 1, 30.1}, {1024, 0, 1, 39.29}}, 3.0, 0},
    {"P3", 2, 2, {{256, 0, 2, 33.03}, {512, 0, 2, 66.97}}, 3.0, 0},
    {"P5", 2, 2, {{256, 100, 2, 45.92}, {256, 0, 2, 54.08}}, 3.0, CLOCKS_APART},
};

/* *got: % of the pCPUs that all guests got. */
static void measured_row(unsigned row, double *all)
{
    struct domain *d[4];
    s_time_t before[4], got[4], total = 0;

    c2_boot(C2_MACHINE(measured[row].pcpus), "modern");
    tp_clock_ahead[1] = measured[row].apart;
    for (unsigned i = 0; i < measured[row].doms; i++) {
        tp_set_cpu(0);
        d[i] = fx_domain(measured[row].dom[i].vcpus);
        CU_ASSERT_EQUAL_FATAL(fx_params(d[i], measured[row].dom[i].weight, measured[row].dom[i].cap), 0);
        fx_start(d[i]);
        c2_settle();
        tp_run_until(MICROSECS(3300 * (i + 1)), fx_check);
    }
    tp_run_until(SECONDS(4), fx_check);
    for (unsigned i = 0; i < measured[row].doms; i++)
        before[i] = c2_cpu_time(d[i]);
    tp_run_until(SECONDS(44), NULL);
    for (unsigned i = 0; i < measured[row].doms; i++)
        total += got[i] = c2_cpu_time(d[i]) - before[i];
    *all = 100.0 * (double)total / (double)SECONDS(40);
    if (measured[row].doms == 1)
        total = SECONDS(40);
    for (unsigned i = 0; i < measured[row].doms; i++) {
        double share = 100.0 * (double)got[i] / (double)total, off = share - measured[row].dom[i].share;
        if (off > measured[row].tolerance || off < -measured[row].tolerance) {
            fprintf(stderr, "%s: domain %u has %.2f %%, measured were %.2f\n", measured[row].name, i, share,
                    measured[row].dom[i].share);
            CU_FAIL("a share is off");
        }
    }
}

static void shares_as_measured(void)
{
    for (unsigned row = 0; row < ARRAY_SIZE(measured); row++) {
        double all;
        measured_row(row, &all);
        if (measured[row].pcpus == 1 && measured[row].doms > 1)
            CU_ASSERT_DOUBLE_EQUAL(all, 100.0, 0.1);
        if (measured[row].apart) /* measured: 188.8 to 195.6 */
            CU_ASSERT_TRUE(all > 187.0 && all < 198.0);
    }
}

/* ---- how soon ---------------------------------------------------------------------------------------------------- */

/* Of one vCPU: from woken to running. */
static struct {
    uint32_t vcpu;
    s_time_t woken;
    s_time_t max, sum;
    unsigned n, fast, slow; /* below 200 us, above 5 ms */
} wakes;

static void watch_wakes(const struct tp_trace_rec *r)
{
    if (r->event == TRC_SCHED_RUNSTATE_CHANGE + (2u << 8) + (1u << 4) && r->w[0] == wakes.vcpu)
        wakes.woken = r->t;
    if (r->event == TRC_SCHED_RUNSTATE_CHANGE + (1u << 8) && r->w[0] == wakes.vcpu && wakes.woken >= 0) {
        s_time_t waited = r->t - wakes.woken;
        wakes.woken = -1;
        wakes.n++;
        wakes.sum += waited;
        wakes.max = waited > wakes.max ? waited : wakes.max;
        wakes.fast += waited < MICROSECS(200);
        wakes.slow += waited > MILLISECS(5);
    }
}

static void watch(const struct vcpu *v)
{
    memset(&wakes, 0, sizeof(wakes));
    wakes.vcpu = trace_v(v);
    wakes.woken = -1;
    tp_trace_hook = watch_wakes;
}

/*
 * Wakes every 10 ms to run 1.23 ms, beside two burners. Measured: two thirds within 200 us, an eighth in 5 to 20 ms,
 * hardly any beyond, mean 1.2 to 1.65 ms; the longest of 4,500 was 31.8 ms.
 */
static void wake_latency_is_bounded(void)
{
    static struct tp_guest g;
    c2_boot(C2_MACHINE(1), "modern");
    struct domain *sleeper = fx_domain(1);
    tp_guest_attach(sleeper->vcpu[0], &g, MICROSECS(1230), MICROSECS(8770));
    c2_burners(1);
    c2_burners(1);
    fx_start(sleeper);
    c2_settle();
    tp_run_until(SECONDS(1), c2_check);
    watch(sleeper->vcpu[0]);
    tp_run_until(SECONDS(21), NULL);
    tp_trace_hook = NULL;
    if (getenv("C2_VERBOSE"))
        printf("wakes %u mean %lld max %lld fast %u slow %u\n", wakes.n, (long long)(wakes.sum / wakes.n),
               (long long)wakes.max, wakes.fast, wakes.slow);
    CU_ASSERT_TRUE(wakes.n > 1500);
    CU_ASSERT_TRUE(wakes.max < MILLISECS(32));
    CU_ASSERT_TRUE(wakes.fast * 2 > wakes.n);
    CU_ASSERT_TRUE(wakes.slow * 5 < wakes.n);
    CU_ASSERT_TRUE(wakes.sum / wakes.n < MILLISECS(3));
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

/* Switches a second of two equal burners on one pCPU. */
static unsigned switches_of_two_hogs(const char *level)
{
    c2_boot(C2_MACHINE(1), level);
    struct domain *a = c2_burners(1), *b = c2_burners(1);
    c2_settle();
    tp_run_until(SECONDS(1), c2_check);
    unsigned before = tp_cpu[0].switches;
    s_time_t a0 = c2_cpu_time(a), b0 = c2_cpu_time(b);
    tp_run_until(SECONDS(11), NULL);
    CU_ASSERT_DOUBLE_EQUAL((double)(c2_cpu_time(a) - a0), 5e9, 5e7);
    CU_ASSERT_DOUBLE_EQUAL((double)(c2_cpu_time(b) - b0), 5e9, 5e7);
    if (getenv("C2_VERBOSE"))
        printf("%s: %u\n", level, (tp_cpu[0].switches - before) / 10);
    return (tp_cpu[0].switches - before) / 10;
}

static void two_hogs_alternate(void)
{
    unsigned modern = switches_of_two_hogs("modern"), fixed = switches_of_two_hogs("fixed"),
             old = switches_of_two_hogs("xen-4.3");
    CU_ASSERT_TRUE(modern >= 95 && modern <= 220);
    CU_ASSERT_TRUE(fixed > 2 * modern);
    CU_ASSERT_TRUE(old >= 450); /* 2 ms at most */
}

/* A unit that yields is replaced at once by one with less credit; at 4.3 it goes on. */
static void yield_lets_another_run(void)
{
    static const struct {
        const char *level;
        bool switches;
    } levels[] = {{"modern", true}, {"fixed", true}, {"xen-4.3", false}};
    for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
        c2_boot(C2_MACHINE(1), levels[i].level);
        struct domain *a = c2_burners(1), *b = c2_burners(1);
        c2_settle();
        tp_run_until(MILLISECS(35), c2_check);
        struct vcpu *cur = sched_current(pcpu(0)), *other = cur == a->vcpu[0] ? b->vcpu[0] : a->vcpu[0];
        credit2_unit_of(cur->unit)->credit = credit2_unit_of(other->unit)->credit + MICROSECS(100);
        credit2_unit_of(cur->unit)->start_time = MILLISECS(35);
        struct hv_sched_op op = {SCHEDOP_yield};
        tp_set_cpu(0);
        CU_ASSERT_EQUAL(hv_core_get()->hypercall(HYPERCALL_sched_op, &op), 0);
        tp_settle(0);
        CU_ASSERT_EQUAL(sched_current(pcpu(0)) == other, levels[i].switches);
        fx_check();
    }
}

/*
 * A burner that was resumed 300 us ago is not preempted by one that wakes with more credit, if there is a rate limit.
 * Returns how long that one waits.
 */
static s_time_t wait_behind_fresh_burner(unsigned ratelimit_us, const char *level)
{
    static struct tp_guest g[2];
    struct hv_boot_info *info = c2_info(C2_MACHINE(1), level);
    info->opt.sched_ratelimit_us = ratelimit_us;
    c2_boot_info(info);
    c2_burners(1);
    struct domain *s[2] = {fx_domain(1), fx_domain(1)};
    /* Both run 100 us each 5 ms, the second 300 us after the first has blocked. */
    tp_guest_attach(s[0]->vcpu[0], &g[0], MICROSECS(100), MICROSECS(4900));
    tp_guest_attach(s[1]->vcpu[0], &g[1], MICROSECS(100), MICROSECS(4900));
    c2_settle();
    tp_run_until(MILLISECS(3), NULL);
    tp_set_cpu(0);
    fx_start(s[0]);
    c2_settle();
    tp_run_until(MICROSECS(3400), NULL);
    tp_set_cpu(0);
    watch(s[1]->vcpu[0]);
    wakes.woken = port_now();
    fx_start(s[1]);
    c2_settle();
    tp_run_until(MILLISECS(20), c2_check);
    tp_trace_hook = NULL;
    CU_ASSERT_TRUE(wakes.n > 0);
    return wakes.max;
}

static void rate_limit_protects_who_just_started(void)
{
    s_time_t limited = wait_behind_fresh_burner(1000, "modern"), unlimited = wait_behind_fresh_burner(0, "modern"),
             old = wait_behind_fresh_burner(1000, "xen-4.3");
    CU_ASSERT_TRUE(limited >= MICROSECS(600));
    CU_ASSERT_TRUE(unlimited <= MICROSECS(60));
    CU_ASSERT_TRUE(old <= MICROSECS(60)); /* it has none */
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

/* At 4.3 a pinned vCPU goes where there is room; later it stays and waits. */
static void affinity_is_ignored_at_4_3(void)
{
    static const struct {
        const char *level;
        bool honours;
    } levels[] = {{"xen-4.3", false}, {"modern", true}, {"fixed", true}};
    for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
        c2_boot(C2_MACHINE(2), levels[i].level);
        struct domain *a = c2_burners(1), *b = fx_domain(1);
        fx_pin(a->vcpu[0], 0, 0);
        fx_pin(b->vcpu[0], 0, 0);
        fx_start(b);
        c2_settle();
        tp_run_until(SECONDS(2), c2_check);
        double share = (double)(c2_cpu_time(a) + c2_cpu_time(b)) / 2e9;
        CU_ASSERT_DOUBLE_EQUAL(share, levels[i].honours ? 1.0 : 2.0, 0.02);
    }
}

/* A vCPU that is pinned elsewhere while it runs goes there, between run queues too. */
static void a_running_vcpu_changes_queues(void)
{
    static const char *const levels[] = {"modern", "fixed"};
    for (unsigned i = 0; i < ARRAY_SIZE(levels); i++) {
        c2_boot(MACHINE_2x2, levels[i]);
        struct domain *d = c2_burners(3);
        c2_settle();
        tp_run_until(MILLISECS(50), c2_check);
        for (unsigned round = 0; round < 8; round++) {
            unsigned to = round % 4;
            struct vcpu *v = d->vcpu[round % 3];
            fx_pin(v, to, to);
            tp_settle_all();
            tp_run_until(MILLISECS(60 + 40 * round), c2_check);
            CU_ASSERT_EQUAL(v->processor.n, to);
            CU_ASSERT_PTR_EQUAL(c2_unit(d, round % 3)->rq, credit2_rq(pcpu(to)));
            fx_pin(v, 0, 3);
        }
    }
}

/* Two queues, all burners in one: the loads even out, and everybody gets the same. */
static void balancing_evens_out(void)
{
    c2_boot(MACHINE_2x2, "modern");
    struct domain *d = fx_domain(8);
    for (unsigned i = 0; i < 8; i++)
        fx_pin(d->vcpu[i], 0, 1);
    fx_start(d);
    c2_settle();
    tp_run_until(MILLISECS(200), c2_check);
    CU_ASSERT_EQUAL(credit2_rq(pcpu(0))->load, 8);
    /* Free to go, but not asked to: the affinity is changed behind the scheduler's back. */
    for (unsigned i = 0; i < 8; i++)
        d->vcpu[i]->unit->hard = fx_mask(0, 3);
    tp_run_until(SECONDS(3), fx_check);
    CU_ASSERT_EQUAL(credit2_rq(pcpu(0))->load, 4);
    CU_ASSERT_EQUAL(credit2_rq(pcpu(2))->load, 4);
    s_time_t t = c2_cpu_time(d);
    tp_run_until(SECONDS(5), fx_check);
    CU_ASSERT_DOUBLE_EQUAL((double)(c2_cpu_time(d) - t), 8e9, 2e7);
}

/* ---- parameters ---------------------------------------------------------------------------------------------------
 */

static long put_ratelimit(unsigned us)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_scheduler_op};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.ratelimit_us = us;
    return do_sysctl(&op);
}

static void bad_parameters_change_nothing(void)
{
    c2_boot(C2_MACHINE(2), "modern");
    struct domain *d = c2_burners(2);
    CU_ASSERT_EQUAL(fx_params(d, 300, 150), 0);
    CU_ASSERT_EQUAL(fx_params(d, 400, 201), -HV_EINVAL); /* 2 vCPUs */
    CU_ASSERT_EQUAL(fx_params(d, 65536, 0), -HV_EINVAL);
    CU_ASSERT_TRUE(c2_dom(d)->weight == 300 && c2_dom(d)->cap == 150);
    CU_ASSERT_EQUAL(fx_params(d, 0, 0xffff), 0); /* unchanged both */
    CU_ASSERT_TRUE(c2_dom(d)->weight == 300 && c2_dom(d)->cap == 150);
    CU_ASSERT_EQUAL(fx_params(d, 65535, 200), 0);
    CU_ASSERT_EQUAL(fx_params(d, 1, 0), 0);
    CU_ASSERT_TRUE(c2_dom(d)->weight == 1 && c2_dom(d)->cap == 0);
    CU_ASSERT_EQUAL(put_ratelimit(99), -HV_EINVAL);
    CU_ASSERT_EQUAL(put_ratelimit(500001), -HV_EINVAL);
    CU_ASSERT_EQUAL(c2_pool->ratelimit_us, 1000);
    CU_ASSERT_EQUAL(put_ratelimit(500000), 0);
    CU_ASSERT_EQUAL(put_ratelimit(100), 0);
    CU_ASSERT_EQUAL(put_ratelimit(0), 0);
    CU_ASSERT_EQUAL(c2_pool->ratelimit_us, 0);
    fx_check();

    c2_boot(C2_MACHINE(2), "xen-4.3");
    d = c2_burners(2);
    CU_ASSERT_EQUAL(fx_params(d, 512, 0), 0);
    CU_ASSERT_EQUAL(fx_params(d, 256, 50), -HV_EOPNOTSUPP);
    CU_ASSERT_EQUAL(c2_dom(d)->weight, 512);
    CU_ASSERT_EQUAL(put_ratelimit(1000), -HV_EOPNOTSUPP);
}

/* Out of range on the command line: the default, and a message that names the option. */
static void bad_options_fall_back(void)
{
    struct hv_boot_info *info = c2_info(C2_MACHINE(2), "modern");
    info->opt.sched_ratelimit_us = 50;
    info->opt.credit2_load_precision_shift = 3;
    info->opt.credit2_load_window_shift = 10;
    info->opt.credit2_cap_period_ms = 0;
    info->opt.sched_credit2_max_cpus_runqueue = 0;
    info->opt.credit2_balance_over = -19;
    c2_boot_info(info);
    const struct credit2_pool *p = c2_pool;
    CU_ASSERT_EQUAL(p->ratelimit_us, 1000);
    CU_ASSERT_TRUE(p->load_precision_shift == 18 && p->load_window_shift == 20);
    CU_ASSERT_EQUAL(p->cap_period, MILLISECS(10));
    CU_ASSERT_EQUAL(p->max_cpus, 16);
    CU_ASSERT_EQUAL(p->balance_over, -3);
    static const char *const names[] = {
        "sched_ratelimit_us=50",   "credit2_load_precision_shift=3",    "credit2_load_window_shift=10",
        "credit2_cap_period_ms=0", "sched_credit2_max_cpus_runqueue=0", "credit2_balance_over=-19"};
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(tp_console, names[i]));
}

/* ---- debug key ----------------------------------------------------------------------------------------------------
 */

static void debug_key_r(void)
{
    c2_boot(C2_MACHINE(3), "modern");
    struct domain *d = c2_burners(4);
    CU_ASSERT_EQUAL(fx_params(d, 512, 40), 0);
    c2_settle();
    tp_run_until(MILLISECS(13), c2_check);
    tp_set_cpu(0);
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_debug_keys};
    op.u.debug_keys.key = 'r';
    CU_ASSERT_EQUAL(do_sysctl(&op), 0);
    static const char *const want[] = {"Scheduler: SMP Credit Scheduler rev2 (credit2)\n",
                                       "Active queues: 1\n\tdefault-weight     = 256\n",
                                       "Runqueue 0:\n\tncpus              = 3\n\tcpus               = 0-2\n",
                                       "\tmax_weight         = 512\n",
                                       "\tidlers: ",
                                       "\tfully idle cores: ",
                                       "Domain info:\n\tDomain: ",
                                       " w 512 c 40 v 4\n\t  1: [",
                                       "(1000000) load=",
                                       "CPU[00] runq=0, sibling={0}, core={0-2}\n",
                                       "RUNQ:\n"};
    for (unsigned i = 0; i < ARRAY_SIZE(want); i++)
        if (!strstr(tp_console, want[i])) {
            fprintf(stderr, "not found: %s\n", want[i]);
            CU_FAIL("debug key r");
        }
}

/* ---- everything at once -------------------------------------------------------------------------------------------
 */

static uint32_t seed;
static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

/* Sleepers and burners, changing weights, caps and affinities, on two sockets with SMT: all invariants hold. */
static void churn(const char *level, uint32_t s)
{
    static struct tp_guest g[40];
    struct domain *d[10];
    bool old = !strcmp(level, "xen-4.3");

    seed = s;
    c2_boot(MACHINE_2x4x2, level);
    for (unsigned i = 0; i < 10; i++) {
        d[i] = fx_domain(1 + i % 4);
        for (unsigned n = 0; n < d[i]->max_vcpus; n++)
            tp_guest_attach(d[i]->vcpu[n], &g[4 * i + n], rnd(3) ? MICROSECS(1 + rnd(4000)) : 0,
                            MICROSECS(1 + rnd(8000)));
        fx_start(d[i]);
    }
    c2_settle();
    for (s_time_t t = MILLISECS(1); t < MILLISECS(600); t += MICROSECS(rnd(3000))) {
        tp_run_until(t, c2_check);
        tp_set_cpu(rnd(16));
        tp_trylock_failures = 0;
        struct domain *x = d[rnd(10)];
        struct vcpu *v = x->vcpu[rnd(x->max_vcpus)];
        unsigned first = rnd(16), last = first + rnd(16 - first);
        cpumask_t mask = fx_mask(first, last);
        switch (rnd(6)) {
        case 0:
            CU_ASSERT_EQUAL(fx_params(x, 1 + rnd(rnd(2) ? 65535 : 1024), 0xffff), 0);
            break;
        case 1:
            if (!old)
                CU_ASSERT_EQUAL(fx_params(x, 0, rnd(2) ? rnd(100 * x->max_vcpus + 1) : 0), 0);
            break;
        case 2:
            CU_ASSERT_EQUAL(vcpu_set_affinity(v, &mask, NULL), 0);
            break;
        case 3:
            if (!old)
                CU_ASSERT_EQUAL(vcpu_set_affinity(v, NULL, &mask), 0);
            break;
        case 4:
            vcpu_pause_nosync(v);
            vcpu_unpause(v);
            break;
        default:
            tp_trylock_failures = rnd(4);
            break;
        }
        tp_settle(port_this_cpu().n);
        tp_settle_all();
    }
}

static void invariants_hold(void)
{
    static const char *const levels[] = {"modern", "fixed", "xen-4.3"};
    for (unsigned i = 0; i < ARRAY_SIZE(levels); i++)
        for (uint32_t s = 1; s <= 4; s++)
            churn(levels[i], s);
}

static const struct cunit_case tests[] = {
    {"shares as a real Xen measured", shares_as_measured},
    {"wake-up latency is bounded", wake_latency_is_bounded},
    {"two hogs alternate every 10 ms, until they are mended", two_hogs_alternate},
    {"a yield lets another run", yield_lets_another_run},
    {"the rate limit protects who just started", rate_limit_protects_who_just_started},
    {"4.3 ignores hard affinity", affinity_is_ignored_at_4_3},
    {"a running vCPU changes run queues", a_running_vcpu_changes_queues},
    {"balancing evens loads out", balancing_evens_out},
    {"bad parameters are refused and change nothing", bad_parameters_change_nothing},
    {"bad options fall back with a message", bad_options_fall_back},
    {"debug key r", debug_key_r},
    {"invariants hold, and work is conserved, whatever happens", invariants_hold},
};

CUNIT_MAIN("credit2: behaviour over time", tests)
