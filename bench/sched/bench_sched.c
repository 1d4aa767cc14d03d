/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the schedulers cost on this host: ns per scheduling decision, wake, tick and accounting pass, for every
 * scheduler and for machines from 8 to 4,096 pCPUs with 8 to 32,768 vCPUs.
 *
 * The unmodified core runs on the port of the unit tests (one thread, port calls that do next to nothing). The machine
 * is loaded with vCPUs that never stop; time goes on in steps of 1 ms, timers fire, and in between random pCPUs are
 * made to decide and random vCPUs to block and wake. Each call into the core is timed by itself, so that one that
 * happens to do an accounting pass is not mistaken for an average one:
 *
 *   schedule    SCHEDULE raised on a pCPU, until it has decided and switched
 *   wake        a vCPU that had blocked is woken, the tickle included, not the decision of who was tickled
 *   tick        a timer interrupt that did a tick and no decision (credit)
 *   accounting  a call that did accounting: credit's pass over active vCPUs, credit2's reset, rtds's replenishments
 *
 * The figure of a row is the median; its second one counts the steps that the algorithm took (queue entries, pCPUs and
 * vCPUs that it looked at: the core's performance counters), which is the same on every host.
 *
 * framework_*: calls through the framework with the null scheduler, less the policy's hook called directly.
 */
#include "port_test.h"
#include "sched/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEP MILLISECS(1)
#define OPS_PER_STEP 4u
#define MAX_SAMPLES 200000u
#define CORES_PER_NODE 64u /* pCPUs of a node on machines that have several */

enum op { OP_schedule, OP_wake, OP_tick, OP_accounting, OP_NR };
static const char *const op_name[OP_NR] = {"schedule", "wake", "tick", "accounting"};

static struct samples {
    unsigned n;
    uint64_t steps;
    uint32_t ns[MAX_SAMPLES];
} samples[OP_NR];

struct settings {
    unsigned warm_ms, measured_ms;
    double wall_limit; /* s a point may take when it is measured; it stops early then */
    FILE *csv;
};

static const struct hv_core *core;
static bool measuring;
static uint32_t clock_cost; /* ns between two readings of the clock */

static uint64_t wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t seed = 0x9e3779b97f4a7c15ull;
static unsigned rnd(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 24) % n);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t quantile(struct samples *s, unsigned percent)
{
    return s->n ? s->ns[(uint64_t)(s->n - 1) * percent / 100] : 0;
}

/* ---- one timed call --------------------------------------------------------------------------------------------- */

static uint64_t perfc_before[PERFC_NR];

static uint64_t counted(enum hv_perfc what)
{
    return tp_perfc[what] - perfc_before[what];
}

static uint64_t steps(void)
{
    return counted(PERFC_sched_runq_scan) + counted(PERFC_sched_pick_cpu) + counted(PERFC_sched_balance_peer) +
           counted(PERFC_sched_acct_domain) + counted(PERFC_sched_acct_vcpu);
}

/* credit2 counts the units of a reset as queue entries: what tells of it is its trace record. */
static bool reset_seen, looking_for_resets;

static void see_reset(const struct tp_trace_rec *r)
{
    reset_seen |= r->event == TRC_CSCHED2_CREDIT_RESET;
}

static uint64_t start(void)
{
    reset_seen = false;
    memcpy(perfc_before, tp_perfc, sizeof(perfc_before));
    return wall_ns();
}

/* op: what it is if it was nothing special; OP_NR: nothing. */
static void stop(uint64_t started, enum op op)
{
    uint64_t ns = wall_ns() - started;
    if (counted(PERFC_sched_acct_domain) + counted(PERFC_sched_acct_vcpu) || reset_seen)
        op = OP_accounting;
    else if (op == OP_NR && counted(PERFC_sched_tick) && !counted(PERFC_schedule))
        op = OP_tick;
    if (!measuring || op == OP_NR || (looking_for_resets && op != OP_accounting) || samples[op].n == MAX_SAMPLES)
        return;
    struct samples *s = &samples[op];
    ns = ns > clock_cost ? ns - clock_cost : 0;
    s->ns[s->n++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
    s->steps += steps();
}

static void calibrate_clock(void)
{
    static uint32_t d[10001];
    for (unsigned i = 0; i < 10001; i++) {
        uint64_t t = start();
        d[i] = (uint32_t)(wall_ns() - t);
    }
    qsort(d, 10001, sizeof(d[0]), by_size);
    clock_cost = d[5000];
}

/* ---- the machine ------------------------------------------------------------------------------------------------ */

static void advance(s_time_t ns)
{
    tp_set_time(port_now() + ns);
}

/* Everything that was sent from pCPU to pCPU arrives, in waves of 1 ns. */
static void drain(void)
{
    bool any;
    do {
        any = false;
        for (unsigned c = 0; c < hv_nr_cpus; c++) {
            if (tp_cpu[c].ipi_at == S_TIME_MAX)
                continue;
            if (tp_cpu[c].ipi_at > port_now())
                tp_set_time(tp_cpu[c].ipi_at);
            tp_cpu[c].ipi_at = S_TIME_MAX;
            tp_set_cpu(c);
            core->event_check_interrupt();
            core->return_to_guest();
            any = true;
        }
    } while (any);
}

static void timers(void)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++) {
        if (tp_cpu[c].timer >= port_now())
            continue;
        tp_cpu[c].timer = S_TIME_MAX;
        tp_set_cpu(c);
        uint64_t t = start();
        core->timer_interrupt();
        core->return_to_guest();
        stop(t, OP_NR);
    }
    drain();
}

static void decide_somewhere(void)
{
    unsigned c = rnd(hv_nr_cpus);
    /* Once before, untimed: a pCPU has its own data in its own cache, which is not shared with 4,095 others. */
    for (int timed = 0; timed < 2; timed++) {
        tp_set_cpu(c);
        softirq_raise(SCHEDULE_SOFTIRQ);
        uint64_t t = start();
        core->return_to_guest();
        stop(t, timed ? OP_schedule : OP_NR);
        if (!timed)
            advance(MICROSECS(1200)); /* past the rate limit */
    }
    drain();
}

/* Of the null scheduler those that have a pCPU: for the others nothing happens. */
static struct vcpu *some_vcpu(struct vcpu **all, unsigned n)
{
    struct vcpu *v = all[rnd(n)];
    for (unsigned i = 0; i < 1000 && !v->is_running; i++) {
        if (unit_sched(v->unit)->policy->id != XEN_SCHEDULER_NULL)
            break;
        v = all[rnd(n)];
    }
    return v;
}

static void block_and_wake(struct vcpu *v)
{
    tp_set_cpu(rnd(hv_nr_cpus));
    vcpu_flag_set(v, VPF_blocked);
    vcpu_sleep_nosync(v);
    core->return_to_guest();
    drain();
    advance(MICROSECS(20));
    unsigned waker = rnd(hv_nr_cpus);
    tp_set_cpu(waker);
    uint64_t t = start();
    vcpu_unblock(v);
    stop(t, OP_wake);
    core->return_to_guest();
    drain();
}

static void run(struct vcpu **all, unsigned n, unsigned ms, double wall_limit)
{
    uint64_t began = wall_ns();
    for (unsigned i = 0; i < ms; i++) {
        advance(STEP);
        timers();
        for (unsigned k = 0; k < OPS_PER_STEP; k++) {
            decide_somewhere();
            block_and_wake(some_vcpu(all, n));
        }
        if ((double)(wall_ns() - began) > wall_limit * 1e9)
            return;
    }
}

static void must(long rc, const char *what)
{
    if (rc) {
        fprintf(stderr, "bench_sched: %s: error %ld\n", what, rc);
        exit(1);
    }
}

static void boot(const struct hv_profile *level, const char *sched, unsigned cpus)
{
    unsigned nodes = cpus > CORES_PER_NODE ? cpus / CORES_PER_NODE : 1;
    struct tp_machine m = {nodes, 1, cpus / nodes / 2, 2, (1u << 22) / nodes}; /* 16 GiB */
    struct hv_boot_info *info = tp_boot_info(&m, level);
    info->opt.sched = sched;
    must(tp_boot_info_run(core, info), "boot");
}

/* What a domain must be told so that its vCPUs run under this scheduler, and at a rate that does not depend on their
 * number. */
static void set_params(unsigned sched_id, struct domain *d)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_scheduler_op, .domid = d->id};
    if (sched_id != XEN_SCHEDULER_RTDS)
        return;
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.period_us = 200000;
    op.u.scheduler_op.budget_us = 40000;
    op.u.scheduler_op.extratime = true;
    must(do_domctl(&op), "parameters");
}

/* arinc653 runs nothing that its frame does not name: the first vCPUs, 1 ms each. */
static void set_frame(struct vcpu **all, unsigned n)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_scheduler_op};
    op.u.scheduler_op.put = true;
    op.u.scheduler_op.nr_entries = n < HV_ARINC653_MAX_ENTRIES ? n : HV_ARINC653_MAX_ENTRIES;
    op.u.scheduler_op.major_frame = MILLISECS(op.u.scheduler_op.nr_entries);
    for (unsigned i = 0; i < op.u.scheduler_op.nr_entries; i++)
        op.u.scheduler_op.entry[i] = (struct hv_arinc653_entry){all[i]->domain->id, all[i]->id, MILLISECS(1)};
    must(do_sysctl(&op), "frame");
}

/*
 * Domains with as many vCPUs as a node has pCPUs, each in a node of its own as long as there are any: they start evenly
 * spread. Each runs before the next one is made, as on a real host: placement looks at what is busy.
 */
static void populate(unsigned sched_id, struct vcpu **all, unsigned n)
{
    unsigned nodes = nodemask_weight(hv_node_online), per_domain = hv_min_u(n, hv_nr_cpus / nodes);
    for (unsigned i = 0; i < n; i += per_domain) {
        struct hv_domctl op = {.cmd = XEN_DOMCTL_createdomain, .domid = DOM_INVALID};
        advance(MICROSECS(200)); /* rtds: deadlines begin here */
        tp_set_cpu(rnd(hv_nr_cpus));
        must(do_domctl(&op), "createdomain");
        op.cmd = XEN_DOMCTL_setnodeaffinity;
        op.u.nodeaffinity.nodemap = (nodemask_t){1ull << i / per_domain % nodes};
        must(do_domctl(&op), "setnodeaffinity");
        op.cmd = XEN_DOMCTL_max_vcpus;
        op.u.max_vcpus.max = per_domain;
        must(do_domctl(&op), "max_vcpus");
        struct domain *d = domain_find(op.domid);
        set_params(sched_id, d);
        for (unsigned k = 0; k < per_domain; k++)
            all[i + k] = d->vcpu[k];
        op.cmd = XEN_DOMCTL_online_vcpus;
        op.u.max_vcpus.max = per_domain;
        must(do_domctl(&op), "online_vcpus");
        op.cmd = XEN_DOMCTL_unpausedomain;
        must(do_domctl(&op), "unpausedomain");
        core->return_to_guest();
        drain();
    }
    if (sched_id == XEN_SCHEDULER_ARINC653)
        set_frame(all, n);
}

/* ---- points ----------------------------------------------------------------------------------------------------- */

static void row(FILE *csv, const char *sched, unsigned cpus, unsigned vcpus, const char *op, struct samples *s)
{
    double mean_steps = s->n ? (double)s->steps / s->n : 0;
    qsort(s->ns, s->n, sizeof(s->ns[0]), by_size);
    uint32_t median = quantile(s, 50), p95 = quantile(s, 95);
    if (s->n)
        printf("%-9s %5u %6u  %-20s %9u %9u %8u %11.1f\n", sched, cpus, vcpus, op, median, p95, s->n, mean_steps);
    else
        printf("%-9s %5u %6u  %-20s %9s %9s %8u\n", sched, cpus, vcpus, op, "-", "-", 0);
    fflush(stdout);
    if (csv)
        fprintf(csv, "%s,%u,%u,%s,%u,%u,%u,%.1f\n", sched, cpus, vcpus, op, median, p95, s->n, mean_steps);
}

static void measure_point(const struct settings *set, const struct hv_profile *level, const struct hv_sched_info *sched,
                          unsigned cpus, unsigned vcpus)
{
    struct vcpu **all = calloc(vcpus, sizeof(*all));
    if (!all)
        must(-HV_ENOMEM, "memory");
    boot(level, sched->opt_name, cpus);
    populate(sched->id, all, vcpus);
    for (unsigned o = 0; o < OP_NR; o++)
        samples[o].n = 0, samples[o].steps = 0;
    run(all, vcpus, set->warm_ms, set->wall_limit);
    measuring = true;
    run(all, vcpus, set->measured_ms, set->wall_limit);
    if (sched->id == XEN_SCHEDULER_CREDIT2) {
        looking_for_resets = true;
        tp_trace_hook = see_reset;
        run(all, vcpus, set->measured_ms, set->wall_limit);
        looking_for_resets = false;
    }
    measuring = false;
    for (unsigned o = 0; o < OP_NR; o++)
        row(set->csv, sched->opt_name, cpus, vcpus, op_name[o], &samples[o]);
    free(all);
}

/* ---- the framework's own cost ----------------------------------------------------------------------------------- */

#define BATCH 1000u
#define BATCHES 201u

static struct vcpu *victim;

static void through_schedule(void)
{
    softirq_raise(SCHEDULE_SOFTIRQ);
    softirq_run();
}
static void direct_schedule(void)
{
    pcpu_id c = port_this_cpu();
    struct scheduler *s = sched_res(c)->sched;
    struct sched_slice slice = s->policy->do_schedule(s, c, port_now(), false);
    __asm__ volatile("" : : "r"(slice.task) : "memory");
}
static void through_wake(void)
{
    vcpu_wake(victim);
}
static void direct_wake(void)
{
    struct scheduler *s = unit_sched(victim->unit);
    s->policy->wake(s, victim->unit);
}

/* Blocks, is switched out, wakes, is switched in: four calls. */
static void through_switches(void)
{
    vcpu_flag_set(victim, VPF_blocked);
    vcpu_sleep_nosync(victim);
    softirq_run();
    vcpu_flag_clear(victim, VPF_blocked);
    vcpu_wake(victim);
    softirq_run();
}
static void direct_switches(void)
{
    struct sched_unit *u = victim->unit;
    struct scheduler *s = unit_sched(u);
    s->policy->sleep(s, u);
    direct_schedule();
    s->policy->context_saved(s, u);
    s->policy->wake(s, u);
    direct_schedule();
    s->policy->context_saved(s, idle_unit_on_cpu(u->processor));
}

/* ns a call: of batches, the median of their means. */
static void batches(void (*fn)(void), struct samples *s)
{
    s->n = 0;
    s->steps = 0;
    for (unsigned b = 0; b < BATCHES; b++) {
        uint64_t t = wall_ns();
        for (unsigned i = 0; i < BATCH; i++)
            fn();
        s->ns[s->n++] = (uint32_t)((wall_ns() - t + BATCH / 2) / BATCH);
    }
    qsort(s->ns, s->n, sizeof(s->ns[0]), by_size);
}

/* calls: into the core, in each of the two. */
static void framework_row(FILE *csv, const char *name, void (*through)(void), void (*direct)(void), unsigned calls)
{
    struct samples *a = &samples[0], *b = &samples[1];
    batches(through, a);
    batches(direct, b);
    for (unsigned i = 0; i < a->n; i++)
        a->ns[i] = a->ns[i] > b->ns[b->n / 2] ? (a->ns[i] - b->ns[b->n / 2]) / calls : 0;
    row(csv, "null", 8, 8, name, a);
}

static void measure_framework(FILE *csv)
{
    struct vcpu *all[8];
    boot(hv_profile_find("modern"), "null", 8);
    populate(XEN_SCHEDULER_NULL, all, 8);
    victim = all[3];
    tp_set_cpu(victim->processor.n);
    framework_row(csv, "framework_schedule", through_schedule, direct_schedule, 1);
    framework_row(csv, "framework_wake", through_wake, direct_wake, 1);
    framework_row(csv, "framework_switch", through_switches, direct_switches, 4);
}

/* ---- command line ----------------------------------------------------------------------------------------------- */

static void usage(void)
{
    fprintf(stderr, "usage: bench_sched [--quick] [--sched NAME] [--level NAME] [--csv FILE]\n"
                    "  --quick       a few small points: that it works, not what it costs\n"
                    "  --sched NAME  one scheduler only\n"
                    "  --level NAME  behaviour level (default: modern, xen-4.3 for what is gone there)\n"
                    "  --csv FILE    the table, for sched.gnuplot\n");
    exit(2);
}

static void all_points(const struct settings *set, const struct hv_profile *level, const struct hv_sched_info *sched,
                       bool quick)
{
    static const unsigned cpus[] = {8, 64, 512, 4096}, vcpus[] = {8, 64, 512, 4096, 32768};
    for (unsigned i = 0; i < ARRAY_SIZE(cpus); i++)
        for (unsigned k = 0; k < ARRAY_SIZE(vcpus); k++) {
            if (quick && (cpus[i] > 64 || vcpus[k] > 64))
                continue;
            measure_point(set, level, sched, cpus[i], vcpus[k]);
        }
    /* The diagonal, 8 vCPUs a pCPU, for the curves. */
    for (unsigned n = 8; n <= 4096; n *= 2) {
        bool done = false;
        for (unsigned i = 0; i < ARRAY_SIZE(cpus); i++)
            for (unsigned k = 0; k < ARRAY_SIZE(vcpus); k++)
                done |= cpus[i] == n && vcpus[k] == n * 8;
        if (!done && !quick)
            measure_point(set, level, sched, n, n * 8);
    }
}

int main(int argc, char **argv)
{
    struct settings set = {.warm_ms = 120, .measured_ms = 300, .wall_limit = 1.5};
    const char *only = NULL, *file = NULL, *level = NULL;
    bool quick = false, found = false;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick"))
            quick = true;
        else if (!strcmp(argv[i], "--sched") && i + 1 < argc)
            only = argv[++i];
        else if (!strcmp(argv[i], "--level") && i + 1 < argc)
            level = argv[++i];
        else if (!strcmp(argv[i], "--csv") && i + 1 < argc)
            file = argv[++i];
        else
            usage();
    }
    if (quick) {
        set.warm_ms = 10;
        set.measured_ms = 60;
        set.wall_limit = 1;
    }
    if (file && !(set.csv = fopen(file, "w"))) {
        perror(file);
        return 3;
    }
    core = hv_core_get();
    calibrate_clock();
    printf("%-9s %5s %6s  %-20s %9s %9s %8s %11s\n", "scheduler", "pCPUs", "vCPUs", "operation", "median ns", "p95 ns",
           "samples", "steps");
    if (set.csv)
        fprintf(set.csv, "scheduler,pcpus,vcpus,operation,median_ns,p95_ns,samples,steps\n");

    /* Every scheduler at the level asked for, or at the newest of Xen's that has it. */
    const struct hv_profile *levels[] = {hv_profile_find(level ? level : "modern"), hv_profile_find("xen-4.3")};
    if (!levels[0]) {
        fprintf(stderr, "bench_sched: no level is called %s\n", level);
        return 2;
    }
    struct hv_sched_info sched, other;
    for (unsigned l = 0; l < (level ? 1 : 2); l++)
        for (unsigned i = 0; core->scheduler(levels[l], i, &sched); i++) {
            bool newer = false;
            for (unsigned k = 0; l == 1 && core->scheduler(levels[0], k, &other); k++)
                newer |= other.id == sched.id;
            if (newer || (only && strcmp(only, sched.opt_name)))
                continue;
            found = true;
            all_points(&set, levels[l], &sched, quick);
        }
    if (!found) {
        fprintf(stderr, "bench_sched: no scheduler is called %s\n", only);
        return 2;
    }
    if (!only || !strcmp(only, "null"))
        measure_framework(set.csv);
    if (set.csv && fclose(set.csv)) {
        perror(file);
        return 3;
    }
    return 0;
}
