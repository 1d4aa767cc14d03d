/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios: cpupools, what a level has of schedulers and affinities, boot parameters. */
#include "scenario_file.h"

/* ---- cpupools, boot parameters --------------------------------------------------------------------------------- */

/* whole at level modern, then a pool whose keys begin at line 25. */
static struct scenario *load_pools(const char *pools, const char *const *overrides, char **err)
{
    char text[8192];
    snprintf(text, sizeof(text), "%s[[pool]]\n%s", whole, pools);
    scratch_write("t.toml", "%s", text);
    return scenario_load("t.toml", overrides, err);
}

static const char *const at_modern[] = {"xen.behaviour=modern", NULL};

static void pools_are_read(void)
{
    char *err = NULL;
    scratch_write("c.cfg", "name = 'c'\nmemory = 128\npool = 'io'\n");
    struct scenario *s = load_pools("name = 'rt'\ncpus = '4-6,^5'\nsched = 'rtds'\n"
                                    "[[pool]]\nname = 'io'\ncpus = '8-9'\nsched_gran = 'core'\ntslice_ms = 5\n"
                                    "ratelimit_us = 0\n",
                                    at_modern, &err);
    if (err)
        fprintf(stderr, "\n  %s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL_FATAL(s->nr_pools, 2);
    const struct scenario_pool *rt = &s->pool[0], *io = &s->pool[1];
    CU_ASSERT_STRING_EQUAL(rt->cfg.name, "rt");
    CU_ASSERT_STRING_EQUAL(rt->sched, "rtds");
    CU_ASSERT_EQUAL(rt->cfg.sched_id, XEN_SCHEDULER_RTDS);
    CU_ASSERT_EQUAL(rt->cfg.gran, HV_GRAN_cpu);
    CU_ASSERT_EQUAL(rt->cfg.cpus.w[0], 0x50);
    CU_ASSERT_EQUAL(rt->cfg.tslice_ms, 0xffffffff); /* as it is */
    CU_ASSERT_EQUAL(rt->cfg.ratelimit_us, 0xffffffff);
    CU_ASSERT_STRING_EQUAL(io->sched, "credit"); /* that of xen.sched */
    CU_ASSERT_EQUAL(io->cfg.gran, HV_GRAN_core);
    CU_ASSERT_EQUAL(io->cfg.cpus.w[0], 0x300);
    CU_ASSERT_EQUAL(io->cfg.tslice_ms, 5);
    CU_ASSERT_EQUAL(io->cfg.ratelimit_us, 0);
    CU_ASSERT_EQUAL(s->vm[0].cfg.pool_id, 0);
    CU_ASSERT_EQUAL(s->vm[3].cfg.pool_id, 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(s->resolved_json, "\"rtds\""));
    scenario_free(s);
    good_cfgs();
}

static void check_pool_error(const char *const *overrides, const char *pools, const char *expected)
{
    char *err = NULL;
    struct scenario *s = load_pools(pools, overrides, &err);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_STRING_EQUAL(err, expected);
    if (strcmp(err, expected) != 0)
        fprintf(stderr, "\n  got      %s\n  expected %s\n", err, expected);
    free(err);
    scenario_free(s);
}

static void bad_pools(void)
{
    check_pool_error(at_modern, "name = 'rt'\ncpus = '0-3'\n", "t.toml:26:8: pCPU 0 stays in Pool-0");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2-4'\n[[pool]]\nname = 'io'\ncpus = '4-6'\n",
                     "t.toml:29:8: pCPU 4 is in pool 'rt' already");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '14-16'\n",
                     "t.toml:26:8: character 4 of the list: CPU 16 does not exist, the host has 0-15");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '4,^4'\n",
                     "t.toml:26:8: character 1 of the list: the list leaves no CPU");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\n[[pool]]\nname = 'rt'\ncpus = '3'\n",
                     "t.toml:28:8: a second pool of the name 'rt'");
    check_pool_error(at_modern, "name = 'Pool-0'\ncpus = '2'\n", "t.toml:25:8: a second pool of the name 'Pool-0'");
    check_pool_error(at_modern, "name = 'rt'\n", "t.toml:24:1: missing key 'cpus' in [pool.0]");
    check_pool_error(at_modern, "cpus = '2'\n", "t.toml:24:1: missing key 'name' in [pool.0]");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\nshced = 'null'\n",
                     "t.toml:27:1: unknown key 'shced' in [pool.0]; did you mean 'sched'?");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\ntslice_ms = 1001\n",
                     "t.toml:27:13: tslice_ms = 1001 is out of range, expected 1 to 1000");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\nsched_gran = 'thread'\n",
                     "t.toml:27:14: sched_gran: expected one of cpu, core, socket, found 'thread'");
}

/* Sedf went with 4.6. */
static void schedulers_of_a_level(void)
{
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\nsched = 'rtsd'\n",
                     "t.toml:27:9: level 'modern' has no scheduler 'rtsd'; did you mean 'rtds'?");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\nsched = 'sedf'\n",
                     "t.toml:27:9: level 'modern' has no scheduler 'sedf'");
    check_pool_error(NULL, "name = 'rt'\ncpus = '2'\nsched = 'sdef'\n",
                     "t.toml:27:9: level 'xen-4.3' has no scheduler 'sdef'; did you mean 'sedf'?");
    char *err = NULL;
    struct scenario *s = load_pools("name = 'rt'\ncpus = '2'\nsched = 'sedf'\n", NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->pool[0].cfg.sched_id, XEN_SCHEDULER_SEDF);
    scenario_free(s);
}

static void the_pool_of_a_vm(void)
{
    scratch_write("c.cfg", "name = 'c'\nmemory = 128\npool = 'rtt'\n");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\n",
                     "c.cfg:3:9: no [[pool]] 'rtt' in the scenario; did you mean 'rt'?");
    scratch_write("c.cfg", "name = 'c'\nmemory = 128\npool = 'Pool-1'\n");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\n",
                     "c.cfg:3:9: no [[pool]] 'Pool-1' in the scenario; did you mean 'Pool-0'?");
    good_cfgs();
}

static void soft_affinity_of_a_level(void)
{
    scratch_write("c.cfg", "name = 'c'\nmemory = 128\ncpus_soft = '^3,0-4'\n");
    scratch_write("t.toml", "%s", whole);
    check_refused(NULL, "c.cfg:3:14: level 'xen-4.3' has no soft affinity (Xen has it from 4.5 on)");
    struct scenario *s = must_load("t.toml", at_modern);
    CU_ASSERT_STRING_EQUAL(s->vm[3].cfg.cpus_soft, "^3,0-4");
    scenario_free(s);
    scratch_write("c.cfg", "name = 'c'\nmemory = 128\ncpus_soft = '0-3,16'\n");
    check_refused(at_modern, "c.cfg:3:18: CPU 16 does not exist, the host has 0-15");
    good_cfgs();
}

static void a_claim_on_a_node_of_a_level_and_a_machine(void)
{
    static const char *const at_fixed[] = {"xen.behaviour=fixed", NULL};
    scratch_write("c.cfg", "name = 'c'\nmemory = 128\nclaim_on_node = 1\n");
    scratch_write("t.toml", "%s", whole);
    check_refused(NULL, "c.cfg:3:17: level 'xen-4.3' claims memory of the whole host only");
    check_refused(at_modern, "c.cfg:3:17: level 'modern' claims memory of the whole host only");
    struct scenario *s = must_load("t.toml", at_fixed);
    CU_ASSERT(s->vm[3].cfg.claim_on_node && s->vm[3].cfg.claim_node == 1);
    scenario_free(s);
    scratch_write("c.cfg", "name = 'c'\nmemory = 128\nclaim_on_node = 2\n");
    check_refused(at_fixed, "c.cfg:3:17: machine 'westmere-ep-2s' has no node 2");
    good_cfgs();
}

static void vnuma_of_a_level_and_a_machine(void)
{
    static const char cfg[] = "name = 'c'\nmemory = 128\nvcpus = 2\n"
                              "vnuma = [['pnode=0', 'size=64', 'vcpus=0', 'vdistances=10,20'],\n"
                              "         ['pnode=%u', 'size=64', 'vcpus=1', 'vdistances=20,10']]\n";
    char text[512];
    snprintf(text, sizeof(text), cfg, 1u);
    scratch_write("c.cfg", text);
    scratch_write("t.toml", "%s", whole);
    check_refused(NULL, "c.cfg:4:10: level 'xen-4.3' has no virtual NUMA (xl has it from 4.6 on)");
    struct scenario *s = must_load("t.toml", at_modern);
    CU_ASSERT_EQUAL(s->vm[3].cfg.nr_vnodes, 2);
    scenario_free(s);
    snprintf(text, sizeof(text), cfg, 2u);
    scratch_write("c.cfg", text);
    check_refused(at_modern, "c.cfg:5:10: vnode 1: machine 'westmere-ep-2s' has no node 2");
    good_cfgs();
}

static void boot_parameters_of_the_schedulers(void)
{
    static const char *const given[] = {"xen.behaviour=modern",
                                        "xen.sched=credit2",
                                        "xen.sched_gran=core",
                                        "xen.credit2_runqueue=node",
                                        "xen.credit2_balance_over=-5",
                                        "xen.credit2_cap_period_ms=20",
                                        "xen.sched_credit2_migrate_resist=700",
                                        "xen.sched_credit2_max_cpus_runqueue=4",
                                        "xen.dom0_vcpus_pin=true",
                                        NULL};
    static const char *const bad[] = {"xen.behaviour=modern", "xen.credit2_runqueue=sokcet", NULL};
    scratch_write("t.toml", "%s", whole);
    struct scenario *s = must_load("t.toml", given);
    CU_ASSERT_STRING_EQUAL(s->opt.sched, "credit2");
    CU_ASSERT_EQUAL(s->opt.sched_gran, HV_GRAN_core);
    CU_ASSERT_EQUAL(s->opt.credit2_runqueue, HV_RUNQ_node);
    CU_ASSERT_EQUAL(s->opt.credit2_balance_over, -5);
    CU_ASSERT_EQUAL(s->opt.credit2_cap_period_ms, 20);
    CU_ASSERT_EQUAL(s->opt.sched_credit2_migrate_resist, 700);
    CU_ASSERT_EQUAL(s->opt.sched_credit2_max_cpus_runqueue, 4);
    CU_ASSERT_TRUE(s->opt.dom0_vcpus_pin);
    scenario_free(s);
    check_refused(bad, "--set xen.credit2_runqueue: credit2_runqueue: expected one of cpu, core, socket, node, all, "
                       "found 'sokcet'; did you mean 'socket'?");
    /* 4.12 made credit2 the default. */
    scratch_write("t.toml", "name='t'\nmachine='westmere-ep-2s'\nwarmup='0 s'\nduration='1 s'\n"
                            "[dom0]\nvcpus=1\nmemory='512 MiB'\n");
    s = must_load("t.toml", at_modern);
    CU_ASSERT_STRING_EQUAL(s->opt.sched, "credit2");
    CU_ASSERT_EQUAL(s->opt.credit2_runqueue, HV_RUNQ_socket);
    CU_ASSERT_EQUAL(s->opt.sched_gran, HV_GRAN_cpu);
    scenario_free(s);
}

static const struct cunit_case tests[] = {
    {"set-up", in_a_directory_of_its_own},
    {"pools are read", pools_are_read},
    {"bad pools", bad_pools},
    {"schedulers that a level has not", schedulers_of_a_level},
    {"the pool of a VM", the_pool_of_a_vm},
    {"soft affinity, and levels without it", soft_affinity_of_a_level},
    {"a claim on a node, of a level and a machine", a_claim_on_a_node_of_a_level_and_a_machine},
    {"vnuma= of a level and a machine", vnuma_of_a_level_and_a_machine},
    {"boot parameters of the schedulers", boot_parameters_of_the_schedulers},
    {"clean-up", clean_up},
};

CUNIT_MAIN("scenario_pools", tests)
