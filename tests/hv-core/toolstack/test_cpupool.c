/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpupools as xl makes, fills, empties and destroys them: hypercalls, what is refused, and what is left then. */
#include "fake_host.h"
#include "levels.h"
#include <cunit_main.h>
#include <stdio.h>
#include <string.h>
#include <toolstack/control.h>

#define UNCHANGED 0xffffffffu
#define GIB_KB (1024ull * 1024)

static struct fake_host f;
static char calls[4096];
static unsigned id;

#define CALLS_ARE(want)                                                                                                \
    do {                                                                                                               \
        fake_calls_from(&f, 0, calls, sizeof calls);                                                                   \
        CU_ASSERT_STRING_EQUAL(calls, want);                                                                           \
        if (strcmp(calls, want) != 0)                                                                                  \
            printf("\ncalls are   %s\nexpected    %s\n", calls, want);                                                 \
    } while (0)

#define LOG_HAS(text)                                                                                                  \
    do {                                                                                                               \
        CU_ASSERT_PTR_NOT_NULL(strstr(f.log, text));                                                                   \
        if (!strstr(f.log, text))                                                                                      \
            printf("\nlog: %s\n", f.log);                                                                              \
    } while (0)

/* Eight pCPUs, all of the boot pool. */
static struct ts_cpupool_config host_and_config(uint64_t cpus)
{
    struct ts_cpupool_config cfg = {.name = "rt",
                                    .sched_id = XEN_SCHEDULER_CREDIT2,
                                    .gran = HV_GRAN_cpu,
                                    .tslice_ms = UNCHANGED,
                                    .ratelimit_us = UNCHANGED};
    cfg.cpus.w[0] = cpus;
    fake_reset(&f, &level_modern, 1, 8, 6 * GIB_KB);
    id = 99;
    return cfg;
}

/* ---- at boot: out of the boot pool ------------------------------------------------------------------------------ */

static void taken_from_the_boot_pool(void)
{
    struct ts_cpupool_config cfg = host_and_config(0xa);
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    CALLS_ARE("pool-create remove1 remove3 add1 add3 ");
    CU_ASSERT_EQUAL(id, 1);
    CU_ASSERT_EQUAL(f.pool[1].cpus, 0xa);
    CU_ASSERT_EQUAL(f.pool[1].sched_id, XEN_SCHEDULER_CREDIT2);
    CU_ASSERT_EQUAL(f.pool[0].cpus, 0xf5);
    CU_ASSERT_EQUAL(f.errors + f.warnings, 0);
}

/* One parameter is changed, the other one is what it was. */
static void parameters(void)
{
    struct ts_cpupool_config cfg = host_and_config(0x2);
    cfg.sched_id = XEN_SCHEDULER_CREDIT;
    cfg.tslice_ms = 5;
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    CALLS_ARE("pool-create remove1 add1 getparams params ");
    CU_ASSERT_EQUAL(f.pool[1].tslice_ms, 5);
    CU_ASSERT_EQUAL(f.pool[1].ratelimit_us, 1000);

    cfg = host_and_config(0x2);
    cfg.ratelimit_us = 0; /* off, not "unchanged" */
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    CU_ASSERT_EQUAL(f.pool[1].tslice_ms, 30);
    CU_ASSERT_EQUAL(f.pool[1].ratelimit_us, 0);

    cfg = host_and_config(0x2);
    cfg.sched_id = XEN_SCHEDULER_NULL;
    cfg.ratelimit_us = 0;
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), -HV_EOPNOTSUPP);
    LOG_HAS("cpupool rt: scheduling parameters are refused: not supported");
}

static void cores_come_whole(void)
{
    struct ts_cpupool_config cfg = host_and_config(0x3c);
    cfg.gran = HV_GRAN_core;
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    CALLS_ARE("pool-create remove2 remove3 remove4 remove5 add2 add3 pool add4 add5 pool ");
    CU_ASSERT_EQUAL(f.pool[1].cpus, 0x3c);
    CU_ASSERT_EQUAL(f.errors, 0);

    /* The boot pool may have them as cores as well: the second one has left with the first. */
    cfg = host_and_config(0x0c);
    f.pool[0].gran = HV_GRAN_core;
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    CU_ASSERT_EQUAL(f.pool[1].cpus, 0x0c);
}

/* Half of a core cannot be had, be it the first or a later one: nothing of the configuration is dropped. */
static void half_a_core_is_refused(void)
{
    static const uint64_t halves[] = {0x08, 0x1c};
    for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
        struct ts_cpupool_config cfg = host_and_config(halves[i]);
        cfg.gran = HV_GRAN_core;
        CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), -HV_EBUSY);
        LOG_HAS("cpupool rt: a pCPU cannot be added: busy (error 16)");
    }
}

static void what_the_boot_pool_refuses(void)
{
    struct ts_cpupool_config cfg = host_and_config(0xff); /* its last pCPU, and dom0 is there */
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), -HV_EBUSY);
    LOG_HAS("cpupool rt: a pCPU cannot be taken from the boot pool: busy");

    cfg = host_and_config(0x2);
    cfg.sched_id = 77;
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), -HV_ENOENT);
    LOG_HAS("cpupool rt: cannot be created: does not exist");
    CU_ASSERT_EQUAL(f.pool[0].cpus, 0xff);

    cfg = host_and_config(0x2); /* another pool has it */
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), -HV_EBUSY);
    LOG_HAS("cpupool rt: a pCPU cannot be added: busy");
    CU_ASSERT_EQUAL(f.pool[1].cpus, 0x2);
}

static void every_refusal_is_reported(void)
{
    struct ts_cpupool_config cfg = host_and_config(0xa);
    cfg.tslice_ms = 5;
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    unsigned total = f.nr_calls;
    CU_ASSERT_EQUAL_FATAL(total, 7);
    for (unsigned i = 0; i < total; i++) {
        host_and_config(0);
        f.fail_at = (int)i;
        f.fail_with = -HV_EPERM;
        CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), -HV_EPERM);
        CU_ASSERT_EQUAL(f.nr_calls, i + 1); /* nothing more is tried */
        CU_ASSERT_EQUAL(f.errors, 1);
        LOG_HAS("cpupool rt: ");
    }
}

/* ---- on a running host: of free pCPUs --------------------------------------------------------------------------- */

static void made_of_free_pcpus(void)
{
    struct ts_cpupool_config cfg = host_and_config(0x0c);
    f.pool[0].cpus = 0xf3;
    cfg.gran = HV_GRAN_core;
    CU_ASSERT_EQUAL(ts_cpupool_make(&f.host, &cfg, &id), 0);
    CALLS_ARE("pool-create add2 add3 pool ");
    CU_ASSERT_EQUAL(f.pool[id].cpus, 0x0c);

    cfg = host_and_config(0); /* xl makes empty pools, too */
    CU_ASSERT_EQUAL(ts_cpupool_make(&f.host, &cfg, &id), 0);
    CU_ASSERT_TRUE(f.pool[id].exists);
    CU_ASSERT_EQUAL(f.errors, 0);
}

static void one_that_is_not_free_undoes_it(void)
{
    static const uint64_t free[] = {0x2, 0x1c}; /* none of two; two of three */
    static const uint64_t want[] = {0xa, 0x3c};
    for (size_t i = 0; i < ARRAY_SIZE(free); i++) {
        struct ts_cpupool_config cfg = host_and_config(want[i]);
        f.pool[0].cpus &= ~free[i];
        cfg.gran = i ? HV_GRAN_core : HV_GRAN_cpu;
        CU_ASSERT_EQUAL(ts_cpupool_make(&f.host, &cfg, &id), -HV_EBUSY);
        LOG_HAS("Xen does not add a pCPU to the new pool: busy");
        CU_ASSERT_EQUAL(f.errors, 1);
        CU_ASSERT_FALSE(f.pool[1].exists);
        CU_ASSERT_EQUAL(f.pool[1].cpus, 0);
        CU_ASSERT_EQUAL(f.pool[0].cpus, 0xff & ~free[i]);
    }
}

static void destroyed(void)
{
    struct ts_cpupool_config cfg = host_and_config(0x0c);
    cfg.gran = HV_GRAN_core;
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    f.nr_calls = 0;
    CU_ASSERT_EQUAL(ts_cpupool_destroy(&f.host, id), 0);
    CALLS_ARE("pool remove2 remove3 pool-destroy ");
    CU_ASSERT_FALSE(f.pool[1].exists);
    CU_ASSERT_EQUAL(f.pool[0].cpus, 0xf3); /* its pCPUs are free */
    CU_ASSERT_EQUAL(f.errors, 0);
}

/* A pool with domains, the boot pool, and none: not one pCPU moves. */
static void destruction_refused(void)
{
    struct ts_cpupool_config cfg = host_and_config(0x0c);
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    fake_add(&f, 3, 1, 0xff, 0)->pool = id;
    CU_ASSERT_EQUAL(ts_cpupool_destroy(&f.host, id), -HV_EBUSY);
    CU_ASSERT_EQUAL(f.pool[id].cpus, 0x0c);
    f.dom[0].exists = false;
    CU_ASSERT_EQUAL(ts_cpupool_destroy(&f.host, 0), -HV_EBUSY);
    CU_ASSERT_EQUAL(f.pool[0].cpus, 0xf3);
    CU_ASSERT_EQUAL(ts_cpupool_destroy(&f.host, 3), -HV_ENOENT);
    LOG_HAS("the pool cannot be destroyed: does not exist");
    f.pool[0].exists = f.pool[1].exists = false;
    f.pool[3].exists = true; /* Xen tells of the next one */
    CU_ASSERT_EQUAL(ts_cpupool_destroy(&f.host, 2), -HV_ENOENT);
    CU_ASSERT_TRUE(f.pool[3].exists);
}

static void pcpu_by_pcpu(void)
{
    struct ts_cpupool_config cfg = host_and_config(0x0c);
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    CU_ASSERT_EQUAL(ts_cpupool_cpu_add(&f.host, id, 4), -HV_EBUSY); /* in the boot pool */
    CU_ASSERT_EQUAL(ts_cpupool_cpu_remove(&f.host, 0, 4), 0);
    CU_ASSERT_EQUAL(ts_cpupool_cpu_remove(&f.host, 0, 4), -HV_ENODEV);
    CU_ASSERT_EQUAL(ts_cpupool_cpu_add(&f.host, id, 4), 0);
    CU_ASSERT_EQUAL(f.pool[id].cpus, 0x1c);
    CU_ASSERT_EQUAL(ts_cpupool_cpu_add(&f.host, id, 4), -HV_EBUSY); /* here by itself: xl says so as well */
    CU_ASSERT_EQUAL(ts_cpupool_cpu_add(&f.host, 2, 4), -HV_ENOENT);
    LOG_HAS("Xen does not add the pCPU: does not exist");
    LOG_HAS("Xen does not remove the pCPU: no such device");
}

static void the_last_pcpu_of_domains(void)
{
    struct ts_cpupool_config cfg = host_and_config(0x0c);
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    fake_add(&f, 3, 1, 0xff, 0)->pool = id;
    CU_ASSERT_EQUAL(ts_cpupool_cpu_remove(&f.host, id, 2), 0);
    CU_ASSERT_EQUAL(ts_cpupool_cpu_remove(&f.host, id, 3), -HV_EBUSY);
    CU_ASSERT_EQUAL(f.pool[id].cpus, 0x08);
}

static void domains_move(void)
{
    struct ts_cpupool_config cfg = host_and_config(0x0c);
    CU_ASSERT_EQUAL(ts_cpupool_create(&f.host, &cfg, &id), 0);
    fake_add(&f, 3, 1, 0xff, 0);
    CU_ASSERT_EQUAL(ts_cpupool_migrate(&f.host, dom(3), id), 0);
    CU_ASSERT_EQUAL(f.dom[3].pool, id);
    CU_ASSERT_EQUAL(ts_cpupool_migrate(&f.host, dom(0), id), -HV_EINVAL);
    CU_ASSERT_EQUAL(ts_cpupool_migrate(&f.host, dom(3), 2), -HV_ENOENT);
    CU_ASSERT_EQUAL(ts_cpupool_migrate(&f.host, dom(9), 0), -HV_ESRCH);
    CU_ASSERT_EQUAL(f.dom[3].pool, id);
    CU_ASSERT_EQUAL(f.errors, 3);
    LOG_HAS("Xen does not move the domain: invalid argument");
}

static const struct cunit_case tests[] = {
    {"pCPUs of the boot pool become a pool", taken_from_the_boot_pool},
    {"parameters that are given, and those that are not", parameters},
    {"pCPUs that are scheduled as one come together", cores_come_whole},
    {"half a core is refused, not dropped", half_a_core_is_refused},
    {"what the boot pool refuses", what_the_boot_pool_refuses},
    {"every refusal ends it and is reported", every_refusal_is_reported},
    {"a pool of free pCPUs", made_of_free_pcpus},
    {"a pCPU that is not free undoes the pool", one_that_is_not_free_undoes_it},
    {"a destroyed pool leaves its pCPUs free", destroyed},
    {"destruction refused before a pCPU goes", destruction_refused},
    {"pCPU by pCPU", pcpu_by_pcpu},
    {"the last pCPU of a pool with domains stays", the_last_pcpu_of_domains},
    {"domains move between pools", domains_move},
};

CUNIT_MAIN("toolstack: cpupools", tests)
