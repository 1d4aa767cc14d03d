/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What xl does to domains that exist: parameters, affinity, pause; what libxl refuses, and that nothing has changed. */
#include "fake_host.h"
#include "levels.h"
#include <cunit_main.h>
#include <stdio.h>
#include <string.h>
#include <toolstack/control.h>

#define GIB_KB (1024ull * 1024)
#define RT 1u /* pools of the fixture */
#define FRAME 2u
#define ON_CREDIT 1u /* domains of the fixture, two vCPUs each */
#define ON_RTDS 3u

static struct fake_host f;
static char calls[4096];

#define CALLS_ARE(want)                                                                                                \
    do {                                                                                                               \
        fake_calls_from(&f, 0, calls, sizeof calls);                                                                   \
        CU_ASSERT_STRING_EQUAL(calls, want);                                                                           \
        if (strcmp(calls, want) != 0)                                                                                  \
            printf("\ncalls are   %s\nexpected    %s\n", calls, want);                                                 \
        f.nr_calls = 0;                                                                                                \
    } while (0)

#define LOG_HAS(text)                                                                                                  \
    do {                                                                                                               \
        CU_ASSERT_PTR_NOT_NULL(strstr(f.log, text));                                                                   \
        if (!strstr(f.log, text))                                                                                      \
            printf("\nlog: %s\n", f.log);                                                                              \
    } while (0)

/* Eight pCPUs: 0-3 credit, 4-5 rtds, 6-7 arinc653. */
static void fixture(const struct hv_profile *level)
{
    fake_reset(&f, level, 1, 8, 6 * GIB_KB);
    f.pool[0].cpus = 0x0f;
    f.pool[RT] = (struct fake_pool){.exists = true, .sched_id = XEN_SCHEDULER_RTDS, .cpus = 0x30};
    f.pool[FRAME] = (struct fake_pool){.exists = true, .sched_id = XEN_SCHEDULER_ARINC653, .cpus = 0xc0};
    fake_add(&f, ON_CREDIT, 2, 0xff, 0);
    struct fake_domain *d = fake_add(&f, ON_RTDS, 2, 0xff, 0);
    d->pool = RT;
    for (unsigned v = 0; v < 2; v++) {
        d->rt[v].period_us = 10000;
        d->rt[v].budget_us = 4000;
        d->rt[v].extratime = true;
    }
}

static struct ts_sched_params none(unsigned sched_id)
{
    return (struct ts_sched_params){.sched_id = sched_id,
                                    .weight = TS_UNCHANGED,
                                    .cap = TS_UNCHANGED,
                                    .vcpu = TS_ALL_VCPUS,
                                    .period_us = TS_UNCHANGED,
                                    .budget_us = TS_UNCHANGED};
}

/* ---- weight and cap --------------------------------------------------------------------------------------------- */

static void weight_and_cap(void)
{
    fixture(&level_modern);
    struct ts_sched_params p = none(XEN_SCHEDULER_CREDIT);
    p.weight = 512;
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_CREDIT), &p), 0);
    CALLS_ARE("info sched ");
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].weight, 512);
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].cap, 0);

    p = none(XEN_SCHEDULER_CREDIT);
    p.cap = 200; /* 100 for each vCPU: the most */
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_CREDIT), &p), 0);
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].weight, 512);
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].cap, 200);
    p.cap = 0; /* none, not "unchanged" */
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_CREDIT), &p), 0);
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].cap, 0);
    CU_ASSERT_EQUAL(f.errors, 0);
}

static void weight_and_cap_out_of_range(void)
{
    static const struct {
        uint32_t weight, cap;
        const char *says;
    } bad[] = {
        {0, TS_UNCHANGED, "Domain 1:Cpu weight out of range, valid values are within range from 1 to 65535"},
        {65536, TS_UNCHANGED, "Domain 1:Cpu weight out of range"},
        {512, 201, "Domain 1:Cpu cap out of range, valid range is from 0 to 200 for specified number of vcpus"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        fixture(&level_modern);
        struct ts_sched_params p = none(XEN_SCHEDULER_CREDIT);
        p.weight = bad[i].weight;
        p.cap = bad[i].cap;
        CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_CREDIT), &p), -HV_EINVAL);
        CALLS_ARE("info ");
        CU_ASSERT_EQUAL(f.dom[ON_CREDIT].weight, 256);
        LOG_HAS(bad[i].says);
    }
}

static void of_the_wrong_scheduler_or_domain(void)
{
    fixture(&level_modern);
    struct ts_sched_params p = none(XEN_SCHEDULER_CREDIT2);
    p.weight = 512;
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_CREDIT), &p), -HV_EINVAL);
    LOG_HAS("Xen refuses the parameters: invalid argument");
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].weight, 256);
    p = none(XEN_SCHEDULER_RTDS);
    p.budget_us = 100;
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_CREDIT), &p), -HV_EINVAL);
    LOG_HAS("Xen does not tell the vCPU's parameters");
    /* Xen tells of domain 3 when it is asked for 2. */
    p = none(XEN_SCHEDULER_CREDIT);
    p.weight = 512;
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(2), &p), -HV_ESRCH);
    LOG_HAS("the domain cannot be read: no such domain");
}

/* ---- rtds ------------------------------------------------------------------------------------------------------- */

static void budget_of_one_and_of_all(void)
{
    fixture(&level_modern);
    struct ts_sched_params p = none(XEN_SCHEDULER_RTDS);
    p.vcpu = 1;
    p.budget_us = 6000;
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_RTDS), &p), 0);
    const struct fake_domain *d = &f.dom[ON_RTDS];
    CU_ASSERT_EQUAL(d->rt[0].budget_us, 4000);
    CU_ASSERT_EQUAL(d->rt[1].budget_us, 6000);
    CU_ASSERT_EQUAL(d->rt[1].period_us, 10000);
    CU_ASSERT_TRUE(d->rt[1].extratime);

    p = none(XEN_SCHEDULER_RTDS);
    p.period_us = 20000;
    p.extratime = TS_EXTRATIME_OFF;
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_RTDS), &p), 0);
    for (unsigned v = 0; v < 2; v++) {
        CU_ASSERT_EQUAL(d->rt[v].period_us, 20000);
        CU_ASSERT_EQUAL(d->rt[v].budget_us, v ? 6000 : 4000);
        CU_ASSERT_FALSE(d->rt[v].extratime);
    }
    CU_ASSERT_EQUAL(f.errors, 0);
}

/* One vCPU cannot have it: none gets it. */
static void all_are_checked_before_the_first_is_changed(void)
{
    fixture(&level_modern);
    struct ts_sched_params p = none(XEN_SCHEDULER_RTDS);
    f.dom[ON_RTDS].rt[0].period_us = 50000;
    p.budget_us = 20000; /* fits into vCPU 0's period, not into vCPU 1's */
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_RTDS), &p), -HV_EINVAL);
    LOG_HAS("Domain 3, vCPU 1: the budget must be 1 us or more and not above the period, but 20000 us of 10000 us are");
    CALLS_ARE("info getsched*2 ");
    CU_ASSERT_EQUAL(f.dom[ON_RTDS].rt[0].budget_us, 4000);

    p = none(XEN_SCHEDULER_RTDS);
    p.vcpu = 2;
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_RTDS), &p), -HV_ESRCH);
    p.vcpu = 0;
    p.period_us = 0;
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_RTDS), &p), -HV_EINVAL);
    p.period_us = 100;
    p.budget_us = 9; /* libxl lets it pass, Xen does not */
    CU_ASSERT_EQUAL(ts_sched_set(&f.host, dom(ON_RTDS), &p), -HV_EINVAL);
    LOG_HAS("Xen refuses the parameters: invalid argument");
    CU_ASSERT_EQUAL(f.dom[ON_RTDS].rt[0].period_us, 50000);
}

/* ---- pools ------------------------------------------------------------------------------------------------------ */

static void pool_parameters(void)
{
    fixture(&level_modern);
    struct ts_pool_params p = {.tslice_ms = 5, .ratelimit_us = TS_UNCHANGED, .migration_delay_us = 500};
    CU_ASSERT_EQUAL(ts_sched_set_pool(&f.host, 0, &p), 0);
    CALLS_ARE("pool getparams params ");
    CU_ASSERT_EQUAL(f.pool[0].tslice_ms, 5);
    CU_ASSERT_EQUAL(f.pool[0].ratelimit_us, 1000);
    CU_ASSERT_EQUAL(f.pool[0].migration_delay_us, 500);

    /* credit2 has the rate limit, but no time slice */
    f.pool[0].sched_id = XEN_SCHEDULER_CREDIT2;
    p = (struct ts_pool_params){TS_UNCHANGED, 0, TS_UNCHANGED};
    CU_ASSERT_EQUAL(ts_sched_set_pool(&f.host, 0, &p), 0);
    CU_ASSERT_EQUAL(f.pool[0].ratelimit_us, 0);
    CU_ASSERT_EQUAL(f.errors, 0);
    p.tslice_ms = 7;
    CU_ASSERT_EQUAL(ts_sched_set_pool(&f.host, 0, &p), -HV_EINVAL);
    CU_ASSERT_EQUAL(f.pool[0].tslice_ms, 5);
    LOG_HAS("Xen does not tell the pool's parameters: invalid argument");
}

static void pool_parameters_refused(void)
{
    fixture(&level_modern);
    struct ts_pool_params p = {.tslice_ms = 1001, .ratelimit_us = TS_UNCHANGED, .migration_delay_us = TS_UNCHANGED};
    CU_ASSERT_EQUAL(ts_sched_set_pool(&f.host, 0, &p), -HV_EINVAL);
    LOG_HAS("Xen refuses the pool's parameters: invalid argument");
    CU_ASSERT_EQUAL(f.pool[0].tslice_ms, 30);
    CU_ASSERT_EQUAL(ts_sched_set_pool(&f.host, RT, &p), -HV_EINVAL);
    CU_ASSERT_EQUAL(ts_sched_set_pool(&f.host, 3, &p), -HV_ENOENT);
    LOG_HAS("Xen does not tell about the pool: does not exist");

    static struct hv_profile boot_only;
    boot_only = level_43;
    boot_only.quirk[HV_QUIRK_credit_delay_at_boot_only] = true;
    fixture(&boot_only);
    p = (struct ts_pool_params){10, TS_UNCHANGED, 500};
    CU_ASSERT_EQUAL(ts_sched_set_pool(&f.host, 0, &p), -HV_EOPNOTSUPP);
    CU_ASSERT_EQUAL(f.pool[0].tslice_ms, 30);
    LOG_HAS("the migration delay is a boot parameter at this level: not supported");
}

static void frames(void)
{
    static const struct hv_arinc653_entry two[] = {{{ON_CREDIT}, {0}, 4000000}, {{ON_RTDS}, {1}, 6000000}};
    static const struct hv_arinc653_entry many[HV_ARINC653_MAX_ENTRIES + 1];
    fixture(&level_modern);
    CU_ASSERT_EQUAL(ts_sched_set_frame(&f.host, FRAME, 10000000, 2, two), 0);
    CU_ASSERT_EQUAL(f.pool[FRAME].major_frame, 10000000);
    CU_ASSERT_EQUAL(f.pool[FRAME].nr_entries, 2);
    CU_ASSERT_EQUAL(f.errors, 0);
    CALLS_ARE("params ");
    CU_ASSERT_EQUAL(ts_sched_set_frame(&f.host, FRAME, 9999999, 2, two), -HV_EINVAL); /* does not fit */
    LOG_HAS("Xen refuses the frame: invalid argument");
    CU_ASSERT_EQUAL(ts_sched_set_frame(&f.host, 0, 10000000, 2, two), -HV_EINVAL); /* of another scheduler */
    CU_ASSERT_EQUAL(ts_sched_set_frame(&f.host, FRAME, 10000000, HV_ARINC653_MAX_ENTRIES + 1, many), -HV_EINVAL);
    LOG_HAS("the frame has too many slots");
    CU_ASSERT_EQUAL(f.nr_calls, 2); /* that one Xen does not hear of */
    CU_ASSERT_EQUAL(f.pool[FRAME].major_frame, 10000000);
}

/* ---- affinity, pCPUs, pause ------------------------------------------------------------------------------------- */

static void pins(void)
{
    cpumask_t hard = {{0x3}}, soft = {{0xc}}, nowhere = {{0}}, elsewhere = {{0x30}};
    fixture(&level_modern);
    CU_ASSERT_EQUAL(ts_vcpu_pin(&f.host, dom(ON_CREDIT), 1, &hard, NULL), 0);
    CU_ASSERT_EQUAL(ts_vcpu_pin(&f.host, dom(ON_CREDIT), 0, NULL, &soft), 0);
    CALLS_ARE("pin1=3 soft0=c ");
    CU_ASSERT_EQUAL(ts_vcpu_pin(&f.host, dom(ON_CREDIT), TS_ALL_VCPUS, &hard, &soft), 0);
    CALLS_ARE("info pin0=3,soft=c pin1=3,soft=c ");
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].affinity[0], 0x3);
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].soft[1], 0xc);
    CU_ASSERT_EQUAL(f.errors, 0);

    CU_ASSERT_EQUAL(ts_vcpu_pin(&f.host, dom(ON_CREDIT), 0, &nowhere, NULL), -HV_EINVAL);
    CU_ASSERT_EQUAL(ts_vcpu_pin(&f.host, dom(ON_CREDIT), 0, &elsewhere, &hard), -HV_EINVAL); /* not of its pool */
    CU_ASSERT_EQUAL(ts_vcpu_pin(&f.host, dom(ON_CREDIT), 0, NULL, NULL), -HV_EINVAL);
    CU_ASSERT_EQUAL(ts_vcpu_pin(&f.host, dom(ON_CREDIT), 2, &hard, NULL), -HV_ESRCH);
    CU_ASSERT_EQUAL(ts_vcpu_pin(&f.host, dom(2), TS_ALL_VCPUS, &hard, NULL), -HV_ESRCH);
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].affinity[0], 0x3);
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].soft[0], 0xc);
    LOG_HAS("Xen refuses the affinity: invalid argument");

    fixture(&level_43); /* which has no soft affinity */
    CU_ASSERT_EQUAL(ts_vcpu_pin(&f.host, dom(ON_CREDIT), 0, &hard, &soft), -HV_EOPNOTSUPP);
    CU_ASSERT_EQUAL(f.dom[ON_CREDIT].affinity[0], 0xff);
    LOG_HAS("Xen refuses the affinity: not supported");
}

static void pcpus_up_and_down(void)
{
    fixture(&level_modern);
    CU_ASSERT_EQUAL(ts_cpu_hotplug(&f.host, 2, false), 0);
    CU_ASSERT_EQUAL(f.pool[0].cpus, 0x0b);
    CU_ASSERT_EQUAL(ts_cpu_hotplug(&f.host, 2, false), -HV_EINVAL);
    CU_ASSERT_EQUAL(ts_cpu_hotplug(&f.host, 2, true), 0);
    CU_ASSERT_EQUAL(ts_cpu_hotplug(&f.host, 0, false), -HV_EBUSY);
    CU_ASSERT_EQUAL(ts_cpu_hotplug(&f.host, 8, true), -HV_EINVAL);
    CALLS_ARE("down2*2 up2 down0 up8 ");
    CU_ASSERT_EQUAL(f.pool[0].cpus, 0x0f);
    LOG_HAS("Xen does not take the pCPU down: busy");
    LOG_HAS("Xen does not bring the pCPU up: invalid argument");
}

static void paused(void)
{
    fixture(&level_modern);
    CU_ASSERT_EQUAL(ts_domain_pause(&f.host, dom(ON_CREDIT)), 0);
    CU_ASSERT_TRUE(f.dom[ON_CREDIT].paused);
    CU_ASSERT_EQUAL(ts_domain_pause(&f.host, dom(2)), -HV_ESRCH);
    LOG_HAS("Xen does not pause the domain: no such domain");
}

static void names_of_errors(void)
{
    const char *name;
    int nr;
    unsigned n = 0;
    CU_ASSERT_STRING_EQUAL(ts_errno_name(-HV_EBUSY), "EBUSY");
    CU_ASSERT_STRING_EQUAL(ts_errno_name(HV_EBUSY), "EBUSY");
    CU_ASSERT_PTR_NULL(ts_errno_name(0));
    CU_ASSERT_PTR_NULL(ts_errno_name(-9999));
    for (; (name = ts_errno_list(n, &nr)) != NULL; n++)
        CU_ASSERT_STRING_EQUAL(ts_errno_name(nr), name);
    CU_ASSERT_EQUAL(n, 15); /* all of hv/errno.h but ERESTART, which never leaves */
}

static const struct cunit_case tests[] = {
    {"weight and cap, and what is not given", weight_and_cap},
    {"weight and cap out of range: libxl's words, nothing changed", weight_and_cap_out_of_range},
    {"parameters of another scheduler, of no domain", of_the_wrong_scheduler_or_domain},
    {"rtds: one vCPU, all vCPUs", budget_of_one_and_of_all},
    {"rtds: all are checked before the first is changed", all_are_checked_before_the_first_is_changed},
    {"parameters of a pool", pool_parameters},
    {"parameters of a pool that are refused", pool_parameters_refused},
    {"frames of arinc653", frames},
    {"affinity, hard and soft", pins},
    {"pCPUs go down and come up", pcpus_up_and_down},
    {"pause", paused},
    {"errors have their names", names_of_errors},
};

CUNIT_MAIN("toolstack: control", tests)
