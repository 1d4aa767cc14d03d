/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The example of docs/add-a-scheduler.md, in a core that has it: everybody gets the same, and nobody waits in vain. */
#include "sched_fixture.h"

#include <string.h>

#define SLICE MILLISECS(10)
#define MAX_GUESTS 8u

static struct tp_guest guest[MAX_GUESTS];

static void boot(struct tp_machine m)
{
    struct hv_boot_info *info = tp_boot_info(&m, hv_profile_find("modern"));
    info->opt.sched = "rr";
    CU_ASSERT_EQUAL_FATAL(tp_boot_info_run(hv_core_get(), info), 0);
    memset(guest, 0, sizeof(guest));
}

/* What the calls of the test itself have left for the pCPUs to do. */
static void settle(void)
{
    for (unsigned c = 0; c < hv_nr_cpus; c++)
        tp_settle(c);
    tp_settle_all();
    tp_set_cpu(0);
}

static struct domain *started(unsigned first_guest, unsigned vcpus, s_time_t burn, s_time_t block)
{
    struct domain *d = fx_domain(vcpus);
    for (unsigned i = 0; i < vcpus; i++)
        tp_guest_attach(d->vcpu[i], &guest[first_guest + i], burn, block);
    fx_start(d);
    settle();
    return d;
}

static void check_all(void)
{
    fx_check();
    const char *broken = hv_core_get()->check_work_conserving(1);
    if (broken)
        fprintf(stderr, "%s\n", broken);
    CU_ASSERT_PTR_NULL_FATAL(broken);
}

static s_time_t ran(const struct domain *d, unsigned n)
{
    s_time_t t[RUNSTATE_NR];
    tp_set_cpu(0);
    vcpu_runstate_get(d->vcpu[n], t);
    return t[RUNSTATE_running];
}

/* The registry finds it at every level; it is there beside the others. */
static void it_is_registered(void)
{
    struct hv_sched_info info;
    boot(MACHINE_1);
    CU_ASSERT_STRING_EQUAL(cpupool_find(0)->sched.policy->opt_name, "rr");
    for (const struct hv_profile *l = hv_profiles; l->name; l++) {
        bool found = false;
        for (unsigned i = 0; hv_core_get()->scheduler(l, i, &info); i++)
            found |= strcmp(info.opt_name, "rr") == 0;
        CU_ASSERT_TRUE(found);
    }
}

/* n that compute for ever on m pCPUs: each has m / n of the time, to within a slice. */
static void shares_are_equal(void)
{
    static const struct {
        struct tp_machine m;
        unsigned pcpus, units;
    } cases[] = {{MACHINE_1, 1, 3}, {MACHINE_2, 2, 3}, {MACHINE_4, 4, 7}, {MACHINE_2x2, 4, 5}};
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        boot(cases[i].m);
        struct domain *d = started(0, cases[i].units, 0, 0);
        tp_run_until(SECONDS(3), check_all);
        s_time_t sum = 0, fair = SECONDS(3) * cases[i].pcpus / cases[i].units;
        for (unsigned n = 0; n < cases[i].units; n++) {
            s_time_t t = ran(d, n);
            sum += t;
            CU_ASSERT_TRUE(t > fair - 2 * SLICE && t < fair + 2 * SLICE);
        }
        CU_ASSERT_TRUE(sum > SECONDS(3) * cases[i].pcpus - MILLISECS(1));
    }
}

/* Who wakes waits for no more than the others' slices. */
static void a_sleeper_waits_its_turn(void)
{
    boot(MACHINE_1);
    started(0, 2, 0, 0);
    struct domain *s = started(2, 1, MILLISECS(1), MILLISECS(50));
    tp_run_until(SECONDS(5), check_all);
    /* 1 ms of work, 50 ms of sleep and at most two slices of waiting. */
    CU_ASSERT_TRUE(guest[2].blocks >= SECONDS(5) / (MILLISECS(51) + 2 * SLICE));
    CU_ASSERT_EQUAL(ran(s, 0) / MILLISECS(1), guest[2].done / MILLISECS(1));
}

/* A unit never runs outside of its hard affinity, and what is left of the machine is not wasted. */
static void affinity_holds(void)
{
    boot(MACHINE_2);
    struct domain *d = started(0, 3, 0, 0);
    fx_pin(d->vcpu[0], 1, 1);
    fx_pin(d->vcpu[1], 1, 1);
    settle();
    tp_run_until(SECONDS(1), check_all);
    s_time_t before = ran(d, 2);
    tp_run_until(SECONDS(3), check_all);
    CU_ASSERT_EQUAL(d->vcpu[0]->processor.n, 1);
    CU_ASSERT_EQUAL(d->vcpu[1]->processor.n, 1);
    /* Round robin over two pCPUs: the free one turns up on pCPU 1 too, but pCPU 0 has nobody else. */
    CU_ASSERT_TRUE(ran(d, 2) - before > SECONDS(2) - 3 * SLICE);
    CU_ASSERT_TRUE(ran(d, 0) > SECONDS(1) - 2 * SLICE);
}

static const struct cunit_case tests[] = {
    {"it is registered, at every level", it_is_registered},
    {"shares are equal to within a slice", shares_are_equal},
    {"who wakes waits no longer than a round", a_sleeper_waits_its_turn},
    {"affinity holds, and no pCPU idles in vain", affinity_holds},
};
CUNIT_MAIN("example: rr", tests)
