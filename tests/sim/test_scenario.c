/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios: the shipped ones, names and counts, where --set goes, and every refusal with file, line and column. */
#include <scenario.h>

#include <cunit_main.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DENSITY HVSIM_SOURCE_DIR "/workloads/scenarios/xen-4.3-density/"
#define S INT64_C(1000000000000) /* ps */

/* A scenario of two kinds of VM. Line numbers are counted on below. */
static const char *const whole = "name = 't'\n"                     /* 1 */
                                 "machine = 'westmere-ep-2s'\n"     /* 2 */
                                 "hv_cost = 'none'\n"               /* 3 */
                                 "warmup = '1 s'\n"                 /* 4 */
                                 "duration = '10 s'\n"              /* 5 */
                                 "[start]\noffset_max = '500 ms'\n" /* 6, 7 */
                                 "[boot]\ncpu_up_interval = '1 ms'\n"
                                 "[xen]\nbehaviour = 'xen-4.3'\n" /* 10, 11 */
                                 "sched = 'credit'\n"             /* 12 */
                                 "sched_ratelimit_us = 500\n"     /* 13 */
                                 "[dom0]\nvcpus = 2\nmemory = '1 GiB'\n"
                                 "[[vm]]\nconfig = ['a.cfg', 'b.cfg']\n" /* 17, 18 */
                                 "count = 3\n"                           /* 19 */
                                 "workload = 'sysbench-cpu'\n"           /* 20 */
                                 "[[vm]]\nconfig = 'c.cfg'\nworkload = 'specjbb2005'\n";

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static void good_cfgs(void)
{
    write_file("a.cfg", "name = 'a'\nmemory = 512\nvcpus = 2\ncpus = '0-7'\n");
    write_file("b.cfg", "name = 'b'\nmemory = 256\ncap = 50\ncpus = [8]\n");
    write_file("c.cfg", "name = 'c'\nmemory = 128\ncpu_weight = 512\n");
}

static struct scenario *must_load(const char *path, const char *const *overrides)
{
    char *err = NULL;
    struct scenario *s = scenario_load(path, overrides, &err);
    if (err)
        fprintf(stderr, "\n  %s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    return s;
}

static void check_refused(const char *const *overrides, const char *expected)
{
    char *err = NULL;
    struct scenario *s = scenario_load("t.toml", overrides, &err);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_STRING_EQUAL(err, expected);
    if (strcmp(err, expected) != 0)
        fprintf(stderr, "\n  got      %s\n  expected %s\n", err, expected);
    free(err);
    scenario_free(s);
}

/* whole with one piece replaced is refused with exactly this text. */
static void check_error(const char *old, const char *new, const char *expected)
{
    char text[4096];
    const char *at = strstr(whole, old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - whole), whole, new, at + strlen(old));
    write_file("t.toml", text);
    check_refused(NULL, expected);
}

static void check_set_error(const char *set, const char *expected)
{
    const char *const overrides[] = {set, NULL};
    write_file("t.toml", whole);
    check_refused(overrides, expected);
}

/* An xl.cfg of the scenario is wrong. */
static void check_cfg_error(const char *name, const char *text, const char *expected)
{
    write_file("t.toml", whole);
    write_file(name, text);
    check_refused(NULL, expected);
    good_cfgs();
}

/* ---- ARM ------------------------------------------------------------------------------------------------------- */

static enum hv_guest_type type_of_first(const char *const *set)
{
    write_file("t.toml", whole);
    struct scenario *s = must_load("t.toml", set);
    enum hv_guest_type type = s->vm[0].cfg.type;
    scenario_free(s);
    return type;
}

/* What a guest is built for: as the machine at levels that have it, or as the scenario says. */
static void guests_of_arm(void)
{
    static const struct {
        const char *set[4];
        enum hv_guest_type type;
    } rows[] = {
        {{NULL}, HV_GUEST_PV},
        {{"vm.0.isa='x86-64'"}, HV_GUEST_PV},
        {{"machine='calxeda-midway'"}, HV_GUEST_ARM32},
        {{"machine='x-gene-m400'"}, HV_GUEST_ARM32},
        {{"machine='x-gene-m400'", "xen.behaviour='modern'"}, HV_GUEST_ARM64},
        {{"machine='x-gene-m400'", "xen.behaviour='modern'", "vm.0.isa='armv7'"}, HV_GUEST_ARM32},
        {{"machine='altra-2s'", "xen.behaviour='arm-numa'"}, HV_GUEST_ARM64},
    };
    write_file("a.cfg", "name = 'a'\nmemory = 512\nvcpus = 8\n"); /* without pCPUs that these machines have not */
    write_file("b.cfg", "name = 'b'\nmemory = 256\ntype = 'pv'\n");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        CU_ASSERT_EQUAL(type_of_first(rows[i].set), rows[i].type);
    good_cfgs();
}

static void what_arm_has_not(void)
{
#define GENE "machine='x-gene-m400'"
    static const struct {
        const char *cfg, *set[4], *text;
    } rows[] = {
        {"vcpus = 9\n",
         {GENE},
         "a.cfg:3:9: VM 'a' has 9 vCPUs: a guest of machine 'x-gene-m400' has 8 at most at level 'xen-4.3' (GICv2)"},
        {"vcpus = 2\nmaxvcpus = 9\n",
         {GENE},
         "a.cfg:4:12: VM 'a' has 9 vCPUs: a guest of machine 'x-gene-m400' has 8 at most at level 'xen-4.3' (GICv2)"},
        {"vcpus = 129\n",
         {GENE, "xen.behaviour='modern'"},
         "a.cfg:3:9: VM 'a' has 129 vCPUs: a guest of machine 'x-gene-m400' has 128 at most at level 'modern' (GICv3)"},
        {"vcpus = 9\n",
         {"machine='calxeda-midway'", "xen.behaviour='modern'"},
         "a.cfg:3:9: VM 'a' has 9 vCPUs: a guest of machine 'calxeda-midway' has 8 at most at level 'modern' (GICv2)"},
        {"type = 'hvm'\n", {GENE}, "a.cfg:3:9: VM 'a' is an HVM guest, but machine 'x-gene-m400' runs ARM guests"},
        {"builder = 'hvm'\n", {GENE}, "a.cfg:3:12: VM 'a' is an HVM guest, but machine 'x-gene-m400' runs ARM guests"},
        {"",
         {GENE, "vm.0.isa='aarch64'"},
         "--set vm.0.isa: level 'xen-4.3' runs guests built for armv7 only, also where the machine has 64 bits"},
        {"",
         {"machine='calxeda-midway'", "vm.0.isa='aarch64'", "xen.behaviour='modern'"},
         "--set vm.0.isa: machine 'calxeda-midway' (armv7) cannot run a guest built for aarch64"},
        {"",
         {GENE, "vm.0.isa='x86-64'"},
         "--set vm.0.isa: machine 'x-gene-m400' (aarch64) cannot run a guest built for x86-64"},
        {"",
         {"vm.0.isa='armv7'"},
         "--set vm.0.isa: machine 'westmere-ep-2s' (x86-64) cannot run a guest built for armv7"},
        {"",
         {GENE, "vm.0.isa='arch64'"},
         "--set vm.0.isa: expected x86-64, armv7 or aarch64, found 'arch64'; did you mean 'aarch64'?"},
        {"",
         {GENE, "dom0.vcpus=9"},
         "--set dom0.vcpus: dom0 has 9 vCPUs: a guest of machine 'x-gene-m400' has 8 at most at level 'xen-4.3'"},
        {"",
         {"machine='kunpeng-920-96'"},
         "t.toml:11:13: machine 'kunpeng-920-96' has 96 pCPUs: at level 'xen-4.3' Xen on ARM knows the GICv2, which "
         "has 8; all of them with level 'modern', 'fixed' or 'arm-numa'"},
    };
    write_file("b.cfg", "name = 'b'\nmemory = 256\n"); /* good_cfgs' has a pCPU that these machines have not */
    write_file("t.toml", whole);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[256];
        snprintf(text, sizeof(text), "name = 'a'\nmemory = 512\n%s", rows[i].cfg);
        write_file("a.cfg", text);
        check_refused(rows[i].set, rows[i].text);
    }
    good_cfgs();
}

/* ---- what is read ---------------------------------------------------------------------------------------------- */

static void everything_is_read(void)
{
    write_file("t.toml", whole);
    struct scenario *s = must_load("t.toml", NULL);
    CU_ASSERT_STRING_EQUAL(s->name, "t");
    CU_ASSERT_STRING_EQUAL(s->path, "t.toml");
    CU_ASSERT_EQUAL(s->machine->nr_cpus, 16);
    CU_ASSERT_EQUAL(s->cost_mode, HV_COST_NONE);
    CU_ASSERT_EQUAL(s->costs.trap_entry_ns, 0.0);
    CU_ASSERT_EQUAL(s->costs.ipi_latency_ns, 1.0); /* nothing between pCPUs is instantaneous */
    CU_ASSERT_EQUAL(s->costs.lock_transfer_ns, 1.0);
    CU_ASSERT_EQUAL(s->warmup_ps, S);
    CU_ASSERT_EQUAL(s->duration_ps, 10 * S);
    CU_ASSERT_EQUAL(s->start_offset_max_ps, S / 2);
    CU_ASSERT_EQUAL(s->cpu_up_interval_ps, S / 1000);
    CU_ASSERT_STRING_EQUAL(s->level->name, "xen-4.3");
    CU_ASSERT_STRING_EQUAL(s->opt.sched, "credit");
    CU_ASSERT_EQUAL(s->opt.sched_ratelimit_us, 500);
    CU_ASSERT_EQUAL(s->dom0_vcpus, 2);
    CU_ASSERT_EQUAL(s->dom0_memory, 1ull << 30);
    CU_ASSERT_PTR_NULL(s->dom0_profile);

    CU_ASSERT_EQUAL_FATAL(s->nr_vms, 4);
    static const char *const names[] = {"a-1", "b-2", "a-3", "c"};
    for (unsigned i = 0; i < 4; i++)
        CU_ASSERT_STRING_EQUAL(s->vm[i].cfg.name, names[i]);
    CU_ASSERT_STRING_EQUAL(s->vm[0].cfg.cpus, "0-7");
    CU_ASSERT_EQUAL(s->vm[1].cfg.cap, 50);
    CU_ASSERT_EQUAL(s->vm[1].cfg.nr_cpus_list, 1);
    CU_ASSERT_EQUAL(s->vm[2].cfg.memory_kb, 512 * 1024);
    CU_ASSERT_EQUAL(s->vm[3].cfg.weight, 512);
    CU_ASSERT_PTR_EQUAL(s->vm[0].profile, s->vm[2].profile);
    CU_ASSERT_STRING_EQUAL(s->vm[0].profile->name, "sysbench-cpu");
    CU_ASSERT_STRING_EQUAL(s->vm[3].profile->name, "specjbb2005");
    CU_ASSERT_EQUAL(s->nr_profiles, 2);
    scenario_free(s);
}

static void defaults_are_documented_ones(void)
{
    write_file("t.toml", "name='t'\nmachine='westmere-ep-2s'\nwarmup='0 s'\nduration='1 s'\n"
                         "[dom0]\nvcpus=1\nmemory='512 MiB'\n");
    struct scenario *s = must_load("t.toml", NULL);
    CU_ASSERT_STRING_EQUAL(s->description, "");
    CU_ASSERT_EQUAL(s->cost_mode, HV_COST_FIXED);
    CU_ASSERT_EQUAL(s->start_offset_max_ps, 0);
    CU_ASSERT_EQUAL(s->cpu_up_interval_ps, 10700000000);
    CU_ASSERT_STRING_EQUAL(s->level->name, "xen-4.3");
    CU_ASSERT_STRING_EQUAL(s->opt.sched, "credit");
    CU_ASSERT_EQUAL(s->opt.sched_ratelimit_us, 1000);
    CU_ASSERT_EQUAL(s->opt.sched_credit_tslice_ms, 30);
    CU_ASSERT_EQUAL(s->opt.vcpu_migration_delay, 0);
    CU_ASSERT_TRUE(s->opt.tickle_one_idle_cpu);
    CU_ASSERT_FALSE(s->opt.sched_smt_power_savings);
    CU_ASSERT_EQUAL(s->opt.timer_slop, 50000);
    CU_ASSERT_EQUAL(s->dom0_weight, 256);
    CU_ASSERT_EQUAL(s->nr_vms, 0);
    scenario_free(s);
}

static void fixed_costs_are_all_set(void)
{
    static const char *const fixed[] = {"hv_cost=fixed", "costs.arch.ipi_latency='2 us'",
                                        "costs.operation.p2m_set='7 ns'", NULL};
    write_file("t.toml", whole);
    struct scenario *s = must_load("t.toml", fixed);
    CU_ASSERT_EQUAL(s->cost_mode, HV_COST_FIXED);
    CU_ASSERT_EQUAL(s->costs.ipi_latency_ns, 2000.0);
    CU_ASSERT_EQUAL(s->costs.perfc_ns[PERFC_p2m_set], 7.0);
    for (unsigned i = 0; i < PERFC_NR; i++)
        CU_ASSERT(s->costs.perfc_ns[i] > 0);
    CU_ASSERT(s->costs.world_switch_ns > 0 && s->costs.lock_ns > 0 && s->costs.page_clear_ns > 0);
    /* the sums that the table claims: hypercall 585 ns, VM switch 5.02 us (ISCA 2016) */
    CU_ASSERT_DOUBLE_EQUAL(s->costs.trap_entry_ns + s->costs.perfc_ns[PERFC_hypercall] + s->costs.trap_exit_ns, 585,
                           15);
    CU_ASSERT_DOUBLE_EQUAL(s->costs.trap_entry_ns + s->costs.perfc_ns[PERFC_schedule] +
                               s->costs.perfc_ns[PERFC_context_switch] + s->costs.timer_program_ns +
                               s->costs.world_switch_ns + s->costs.trap_exit_ns,
                           5016, 100);
    scenario_free(s);
}

static void set_reaches_its_file(void)
{
    static const char *const set[] = {"vm.0.count=1",
                                      "profile.specjbb2005.memory.scale=0.0625",
                                      "profile.sysbench-cpu.ginstr_per_run=3.5",
                                      "xen.sched_credit_tslice_ms=5",
                                      "duration=3 s",
                                      NULL};
    write_file("t.toml", whole);
    struct scenario *plain = must_load("t.toml", NULL), *s = must_load("t.toml", set);
    CU_ASSERT_EQUAL(s->nr_vms, 2);
    CU_ASSERT_STRING_EQUAL(s->vm[0].cfg.name, "a"); /* the only one of its kind: no number */
    CU_ASSERT_EQUAL(s->vm[0].profile->ginstr_per_run, 3.5);
    CU_ASSERT(s->vm[1].profile->phase[0].mix.curve_mpki[0] < plain->vm[3].profile->phase[0].mix.curve_mpki[0]);
    CU_ASSERT_EQUAL(s->opt.sched_credit_tslice_ms, 5);
    CU_ASSERT_EQUAL(s->duration_ps, 3 * S);
    CU_ASSERT_PTR_NOT_NULL(strstr(s->resolved_json, "3.5"));
    scenario_free(plain);
    scenario_free(s);
}

static void no_vms_is_a_scenario(void)
{
    static const char *const set[] = {"vm.0.count=0", "vm.1.count=0", NULL};
    write_file("t.toml", whole);
    struct scenario *s = must_load("t.toml", set);
    CU_ASSERT_EQUAL(s->nr_vms, 0);
    scenario_free(s);
}

static void resolved_configuration_is_whole_and_stable(void)
{
    write_file("t.toml", whole);
    struct scenario *s = must_load("t.toml", NULL), *again = must_load("t.toml", NULL);
    CU_ASSERT_STRING_EQUAL(s->resolved_json, again->resolved_json);
    static const char *const parts[] = {"{\"scenario\": {",
                                        "\"machine\": {",
                                        "\"costs\": null",
                                        "\"profiles\": {",
                                        "\"specjbb2005\": {",
                                        "\"vms\": [",
                                        "{\"name\": \"b-2\", \"config\": \"b.cfg\", \"workload\": \"sysbench-cpu\", "
                                        "\"type\": \"pv\", \"vcpus\": 1, \"maxvcpus\": 1, \"memory_kib\": 262144, "
                                        "\"maxmem_kib\": 262144, \"cap\": 50, \"cpus\": [\"8\"]}"};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(s->resolved_json, parts[i]));
    scenario_free(s);
    scenario_free(again);
}

static void the_density_scenarios_are_those_of_the_benchmark(void)
{
    static const char *const ten[] = {"vm.0.count=10", NULL};
    static const struct {
        const char *file, *odd, *even;
    } shipped[] = {
        {DENSITY "all.toml", "all", "all"}, {DENSITY "pinned.toml", "0-7", "8-15"}, {DENSITY "auto.toml", NULL, NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
        struct scenario *s = must_load(shipped[i].file, ten);
        CU_ASSERT_EQUAL(s->warmup_ps, 2 * S);
        CU_ASSERT_EQUAL(s->duration_ps, 30 * S);
        CU_ASSERT_EQUAL(s->start_offset_max_ps, S);
        CU_ASSERT_EQUAL(s->cost_mode, HV_COST_FIXED);
        CU_ASSERT_EQUAL(s->dom0_vcpus, 2);
        CU_ASSERT_EQUAL(s->dom0_memory, 1ull << 30);
        CU_ASSERT_EQUAL(s->dom0_weight, 256);
        CU_ASSERT_PTR_NOT_NULL(s->dom0_profile);
        CU_ASSERT_EQUAL_FATAL(s->nr_vms, 10);
        for (unsigned v = 0; v < 10; v++) {
            const struct ts_domain_config *d = &s->vm[v].cfg;
            const char *cpus = v % 2 ? shipped[i].even : shipped[i].odd; /* VM number v + 1 */
            CU_ASSERT_EQUAL(d->type, HV_GUEST_PV);
            CU_ASSERT_EQUAL(d->vcpus, 2);
            CU_ASSERT_EQUAL(d->memory_kb, 960 * 1024);
            CU_ASSERT_EQUAL(d->cpus == NULL, cpus == NULL);
            if (cpus && d->cpus)
                CU_ASSERT_STRING_EQUAL(d->cpus, cpus);
        }
        scenario_free(s);
    }
}

static void the_table_of_keys_is_complete(void)
{
    unsigned n;
    const struct machine_key *k = scenario_keys(&n);
    bool sched = false, config = false;
    for (unsigned i = 0; i < n; i++) {
        CU_ASSERT(strlen(k[i].text) > 0);
        sched = sched || strcmp(k[i].key, "xen.sched_ratelimit_us") == 0;
        config = config || (strcmp(k[i].key, "vm.config") == 0 && k[i].required);
    }
    CU_ASSERT_TRUE(sched && config);
}

/* ---- what is refused ------------------------------------------------------------------------------------------- */

static void bad_scenario_files(void)
{
    check_error("[start]", "duratoin = '1 s'\n[start]", "t.toml:6:1: unknown key 'duratoin'; did you mean 'duration'?");
    check_error("'10 s'", "'10 GHz'",
                "t.toml:5:12: duration: '10 GHz' is a frequency: expected a time with a unit (ps, ns, us, ms, s)");
    check_error("'10 s'", "10",
                "t.toml:5:12: duration: expected a time with a unit (ps, ns, us, ms, s), found a number");
    check_error("warmup = '1 s'\n", "", "t.toml:1:1: missing key 'warmup'");
    check_error("sched = 'credit'", "sched = 'credid'",
                "t.toml:12:9: level 'xen-4.3' has no scheduler 'credid'; did you mean 'credit'?");
    check_error("'none'", "'fixd'",
                "t.toml:3:11: hv_cost: expected one of none, fixed, path, found 'fixd'; did you mean 'fixed'?");
    check_error("behaviour = 'xen-4.3'", "behaviour = 'xen-4.33'",
                "t.toml:11:13: unknown level 'xen-4.33'; did you mean 'xen-4.3'?");
    check_error("behaviour = 'xen-4.3'", "behaviour = 'modern'\nmemop_max_order = '9,19'",
                "t.toml:12:19: expected up to 4 orders from 0 to 18 with commas between, found '9,19'");
    check_error("behaviour = 'xen-4.3'", "behaviour = 'modern'\nmemop_max_order = '1,2,3,4,5'",
                "t.toml:12:19: expected up to 4 orders from 0 to 18 with commas between, found '1,2,3,4,5'");
    check_error("behaviour = 'xen-4.3'", "behaviour = 'xen-4.3'\nmemop_max_order = '9'",
                "t.toml:12:19: level 'xen-4.3' has no memop_max_order (4.7 has it)");
    check_error("ratelimit_us = 500", "ratelimit_us = 50",
                "t.toml:13:22: 50 is out of range, expected 0 (off) or 100 to 500000");
    check_error("count = 3", "count = -1", "t.toml:19:9: count = -1 is out of range, expected 0 to 32768");
    check_error("memory = '1 GiB'", "memory = '12 GiB'",
                "t.toml:16:10: dom0 needs 12288 MiB, machine 'westmere-ep-2s' has 12288 MiB");
    check_error("count = 3", "count = 100",
                "t.toml:19:9: dom0 and the VMs up to here need 39424 MiB, machine 'westmere-ep-2s' has 12288 MiB");
    check_error("'c.cfg'", "'a.cfg'\nworkload = 'dom0-idle'\n[[vm]]\nconfig = 'a.cfg'",
                "t.toml:25:10: a second VM of the name 'a'");
    write_file("t.toml", "name = 't'\nmachine = 'westm");
    check_refused(NULL, "t.toml:2:17: not valid TOML: Error while parsing literal string: encountered end-of-file");
}

/* ---- cpupools, boot parameters --------------------------------------------------------------------------------- */

/* whole at level modern, then a pool whose keys begin at line 25. */
static struct scenario *load_pools(const char *pools, const char *const *overrides, char **err)
{
    char text[8192];
    snprintf(text, sizeof(text), "%s[[pool]]\n%s", whole, pools);
    write_file("t.toml", text);
    return scenario_load("t.toml", overrides, err);
}

static const char *const at_modern[] = {"xen.behaviour=modern", NULL};

static void pools_are_read(void)
{
    char *err = NULL;
    write_file("c.cfg", "name = 'c'\nmemory = 128\npool = 'io'\n");
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
    write_file("c.cfg", "name = 'c'\nmemory = 128\npool = 'rtt'\n");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\n",
                     "c.cfg:3:9: no [[pool]] 'rtt' in the scenario; did you mean 'rt'?");
    write_file("c.cfg", "name = 'c'\nmemory = 128\npool = 'Pool-1'\n");
    check_pool_error(at_modern, "name = 'rt'\ncpus = '2'\n",
                     "c.cfg:3:9: no [[pool]] 'Pool-1' in the scenario; did you mean 'Pool-0'?");
    good_cfgs();
}

static void soft_affinity_of_a_level(void)
{
    write_file("c.cfg", "name = 'c'\nmemory = 128\ncpus_soft = '^3,0-4'\n");
    write_file("t.toml", whole);
    check_refused(NULL, "c.cfg:3:14: level 'xen-4.3' has no soft affinity (Xen has it from 4.5 on)");
    struct scenario *s = must_load("t.toml", at_modern);
    CU_ASSERT_STRING_EQUAL(s->vm[3].cfg.cpus_soft, "^3,0-4");
    scenario_free(s);
    write_file("c.cfg", "name = 'c'\nmemory = 128\ncpus_soft = '0-3,16'\n");
    check_refused(at_modern, "c.cfg:3:18: CPU 16 does not exist, the host has 0-15");
    good_cfgs();
}

static void a_claim_on_a_node_of_a_level_and_a_machine(void)
{
    static const char *const at_fixed[] = {"xen.behaviour=fixed", NULL};
    write_file("c.cfg", "name = 'c'\nmemory = 128\nclaim_on_node = 1\n");
    write_file("t.toml", whole);
    check_refused(NULL, "c.cfg:3:17: level 'xen-4.3' claims memory of the whole host only");
    check_refused(at_modern, "c.cfg:3:17: level 'modern' claims memory of the whole host only");
    struct scenario *s = must_load("t.toml", at_fixed);
    CU_ASSERT(s->vm[3].cfg.claim_on_node && s->vm[3].cfg.claim_node == 1);
    scenario_free(s);
    write_file("c.cfg", "name = 'c'\nmemory = 128\nclaim_on_node = 2\n");
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
    write_file("c.cfg", text);
    write_file("t.toml", whole);
    check_refused(NULL, "c.cfg:4:10: level 'xen-4.3' has no virtual NUMA (xl has it from 4.6 on)");
    struct scenario *s = must_load("t.toml", at_modern);
    CU_ASSERT_EQUAL(s->vm[3].cfg.nr_vnodes, 2);
    scenario_free(s);
    snprintf(text, sizeof(text), cfg, 2u);
    write_file("c.cfg", text);
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
    write_file("t.toml", whole);
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
    write_file("t.toml", "name='t'\nmachine='westmere-ep-2s'\nwarmup='0 s'\nduration='1 s'\n"
                         "[dom0]\nvcpus=1\nmemory='512 MiB'\n");
    s = must_load("t.toml", at_modern);
    CU_ASSERT_STRING_EQUAL(s->opt.sched, "credit2");
    CU_ASSERT_EQUAL(s->opt.credit2_runqueue, HV_RUNQ_socket);
    CU_ASSERT_EQUAL(s->opt.sched_gran, HV_GRAN_cpu);
    scenario_free(s);
}

/* ---- actions ---------------------------------------------------------------------------------------------------- */

/* whole has 23 lines; a pool, and an action from line 28 on: its keys begin at line 29. */
static const char *const acting = "[[pool]]\nname = 'rt'\ncpus = '4-5'\nsched = 'arinc653'\n[[action]]\n";

static struct scenario *load_actions(const char *actions, char **err)
{
    char text[8192];
    const char *const modern[] = {"xen.behaviour=modern", NULL};
    snprintf(text, sizeof(text), "%s%s%s", whole, acting, actions);
    write_file("t.toml", text);
    return scenario_load("t.toml", modern, err);
}

static void actions_are_read(void)
{
    char *err = NULL;
    struct scenario *s =
        load_actions("at = '3 s'\ndo = 'sched-rtds'\nvm = 'c'\nvcpu = 0\nbudget_us = 7\nextratime = false\n"
                     "[[action]]\nat = '1 s'\ndo = 'cpupool-create'\npool = 'new'\nsched = 'rtds'\ncpus = '9-10'\n"
                     "[[action]]\nat = '1 s'\ndo = 'cpupool-migrate'\nvm = 'a-3'\npool = 'new'\n"
                     "[[action]]\nat = '2 s'\ndo = 'vcpu-pin'\nvm = 'Domain-0'\nvcpu = 'all'\nsoft = '^3,0-4'\n"
                     "[[action]]\nat = '2 s'\ndo = 'sched-arinc653'\npool = 'rt'\nmajor_frame = '10 ms'\n"
                     "frame = [{ vm = 'b-2', runtime = '2 ms' },\n{ vm = 'c', vcpu = 0, runtime = '1 us' }]\n"
                     "[[action]]\nat = '2500 ms'\ndo = 'cpupool-destroy'\npool = 'new'\nexpect = 'EBUSY'\n"
                     "[[action]]\nat = '10999 ms'\ndo = 'sched-params'\nratelimit_us = 0\n"
                     "[[action]]\nat = '4 s'\ndo = 'sched-credit'\nvm = 'b-2'\nweight = 0\ncap = 1000\n",
                     &err);
    if (err)
        fprintf(stderr, "\n  %s\n", err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    static const char *const commands[] = {"xl cpupool-create name=\"new\" sched=\"rtds\" cpus=\"9-10\"",
                                           "xl cpupool-migrate a-3 new",
                                           "xl vcpu-pin Domain-0 all - ^3,0-4",
                                           "a653_sched -p rt 10000000ns: b-2/0:2000000ns c/0:1000ns",
                                           "xl cpupool-destroy new",
                                           "xl sched-rtds -d c -v 0 -b 7 -e 0",
                                           "xl sched-credit -d b-2 -w 0 -c 1000",
                                           "xl sched-credit[2] -s -p Pool-0 -r 0"};
    CU_ASSERT_EQUAL_FATAL(s->nr_actions, ARRAY_SIZE(commands));
    for (unsigned i = 0; i < s->nr_actions; i++) {
        CU_ASSERT_STRING_EQUAL(s->action[i].command, commands[i]);
        CU_ASSERT_TRUE(i == 0 || s->action[i].at_ps >= s->action[i - 1].at_ps);
    }
    const struct scenario_action *create = &s->action[0], *migrate = &s->action[1], *pin = &s->action[2],
                                 *frame = &s->action[3], *destroy = &s->action[4], *rtds = &s->action[5],
                                 *credit = &s->action[6], *params = &s->action[7];
    CU_ASSERT_EQUAL(create->at_ps, S);
    CU_ASSERT_EQUAL(create->what, DO_CPUPOOL_CREATE);
    CU_ASSERT_EQUAL(create->pool, 2); /* after Pool-0 and rt */
    CU_ASSERT_EQUAL(create->create.sched_id, XEN_SCHEDULER_RTDS);
    CU_ASSERT_TRUE(cpumask_test(&create->create.cpus, pcpu(9)) && cpumask_test(&create->create.cpus, pcpu(10)));
    CU_ASSERT_EQUAL(migrate->vm, 3);
    CU_ASSERT_EQUAL(migrate->pool, 2);
    CU_ASSERT_EQUAL(pin->vm, 0);
    CU_ASSERT_EQUAL(pin->vcpu, TS_ALL_VCPUS);
    CU_ASSERT_TRUE(pin->has_soft && !pin->has_hard);
    CU_ASSERT_TRUE(cpumask_test(&pin->soft, pcpu(3))); /* left to right */
    CU_ASSERT_EQUAL(frame->pool, 1);
    CU_ASSERT_EQUAL(frame->major_frame_ns, 10000000);
    CU_ASSERT_EQUAL_FATAL(frame->nr_slots, 2);
    CU_ASSERT_EQUAL(frame->slot[0].vm, 2);
    CU_ASSERT_EQUAL(frame->slot[1].vm, 4);
    CU_ASSERT_EQUAL(frame->slot[1].runtime_ns, 1000);
    CU_ASSERT_EQUAL(destroy->expect, HV_EBUSY);
    CU_ASSERT_EQUAL(rtds->expect, 0);
    CU_ASSERT_EQUAL(rtds->sched.vcpu, 0);
    CU_ASSERT_EQUAL(rtds->sched.period_us, TS_UNCHANGED);
    CU_ASSERT_EQUAL(rtds->sched.budget_us, 7);
    CU_ASSERT_EQUAL(rtds->sched.extratime, TS_EXTRATIME_OFF);
    CU_ASSERT_EQUAL(credit->sched.sched_id, XEN_SCHEDULER_CREDIT); /* what Xen or libxl refuse is read */
    CU_ASSERT_EQUAL(credit->sched.weight, 0);
    CU_ASSERT_EQUAL(credit->sched.cap, 1000);
    CU_ASSERT_EQUAL(params->params.ratelimit_us, 0);
    CU_ASSERT_EQUAL(params->params.tslice_ms, TS_UNCHANGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(s->resolved_json, "\"cpupool-destroy\""));
    scenario_free(s);
}

static void check_action_error(const char *action, const char *expected)
{
    char *err = NULL;
    struct scenario *s = load_actions(action, &err);
    if (s)
        fprintf(stderr, "\n  %s\n  is accepted, not refused with %s\n", action, expected);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(err);
    CU_ASSERT_STRING_EQUAL(err, expected);
    if (strcmp(err, expected) != 0)
        fprintf(stderr, "\n  got      %s\n  expected %s\n", err, expected);
    free(err);
    scenario_free(s);
}

#define DO(what) "at = '1 s'\ndo = '" what "'\n"
static const char *const all_forms =
    "sched-credit, sched-credit2, sched-rtds, sched-arinc653, sched-params, vcpu-pin, "
    "cpupool-migrate, cpupool-cpu-add, cpupool-cpu-remove, cpupool-create, "
    "cpupool-destroy, cpu-offline, cpu-online, pause, unpause, create, destroy, mem-set, mem-max, set-aside";

static void bad_actions(void)
{
    char expected[512];
    check_action_error("at = '1 s'\n", "t.toml:28:1: missing key 'do' in [action.0]");
    check_action_error("do = 'pause'\n", "t.toml:28:1: missing key 'at' in [action.0]");
    snprintf(expected, sizeof(expected),
             "t.toml:30:6: do: expected one of %s, found 'vcpu-pim'; did you mean 'vcpu-pin'?", all_forms);
    check_action_error(DO("vcpu-pim"), expected);
    check_action_error("at = 1\n", "t.toml:29:6: at: expected a time with a unit (ps, ns, us, ms, s), found a number");
    check_action_error("at = '11 s'\n", "t.toml:29:6: the run ends 11000 ms after the guests start");
    write_file("late.cfg", "name = 'late'\nmemory = 128\ncpus = '99'\n");
    write_file("b1.cfg", "name = 'b-2'\nmemory = 128\n");
    check_action_error(DO("create") "config = 'late.cfg'\n", "late.cfg:3:9: CPU 99 does not exist, the host has 0-15");
    check_action_error(DO("create") "config = 'b1.cfg'\n", "t.toml:31:10: a second VM of the name 'b-2'");
    check_action_error(DO("create"), "t.toml:28:1: missing key 'config' in [action.0]");
    check_action_error(DO("create") "config = 'late.cfg'\nmay_fail = true\nexpect = 'EINVAL'\n",
                       "t.toml:32:12: it must be refused, says expect: it cannot be left open");
    check_action_error(DO("destroy") "vm = 'Domain-0'\n", "t.toml:31:6: Domain-0 cannot be destroyed");
    check_action_error(DO("destroy") "vm = 'b-2'\n[[action]]\n" DO("pause") "vm = 'b-2'\n", "t.toml:35:6: no VM 'b-2'");
    check_action_error(DO("mem-set") "vm = 'c'\n", "t.toml:28:1: missing key 'memory' in [action.0]");
    check_action_error(DO("mem-set") "vm = 'x'\nmemory = '1 MiB'\n", "t.toml:31:6: no VM 'x'");
    check_action_error(DO("mem-max") "vm = 'c'\nmemory = '1025 B'\n",
                       "t.toml:32:10: xl knows nothing smaller than 1 KiB");
    check_action_error(DO("set-aside"), "t.toml:28:1: set-aside: expected free_pages or zones");
    check_action_error(DO("set-aside") "free_pages = [1]\n",
                       "t.toml:31:14: expected a number of pages for each of 2 nodes, found 1");
    check_action_error(DO("set-aside") "free_pages = [1, -1]\n",
                       "t.toml:31:14: node 1: -1 is out of range, expected 0 to 2^40");
    check_action_error(DO("set-aside") "zones = [{node = 2, zone = 1, free = 1}]\n",
                       "t.toml:31:18: node = 2 is out of range, expected 0 to 1");
    check_action_error(DO("pause") "vm = 'b-3'\n", "t.toml:31:6: no VM 'b-3'; did you mean 'b-2'?");
    check_action_error(DO("pause") "vm = 'domain-0'\n", "t.toml:31:6: no VM 'domain-0'; did you mean 'Domain-0'?");
    check_action_error(DO("pause") "vm = 'c'\nwieght = 5\n", "t.toml:32:1: unknown key 'wieght' in [action.0]");
    check_action_error(DO("sched-credit") "vm = 'c'\nwieght = 5\n",
                       "t.toml:28:1: sched-credit: expected weight or cap");
    check_action_error(DO("sched-credit") "vm = 'c'\ncap = 5\nwieght = 5\n",
                       "t.toml:33:1: unknown key 'wieght' in [action.0]; did you mean 'weight'?");
    check_action_error(DO("sched-credit2") "vm = 'c'\nweight = -1\n",
                       "t.toml:32:10: weight = -1 is out of range, expected 0 to 2147483647");
    check_action_error(DO("sched-rtds") "vm = 'c'\n",
                       "t.toml:28:1: sched-rtds: expected period_us, budget_us or extratime");
    check_action_error(DO("sched-rtds") "vm = 'c'\nvcpu = 1\nperiod_us = 5\n",
                       "t.toml:32:8: vcpu = 1 is out of range, expected 0 to 0");
    check_action_error(DO("vcpu-pin") "vm = 'c'\nvcpu = 'al'\nhard = '1'\n",
                       "t.toml:32:8: vcpu: expected one of all, found 'al'; did you mean 'all'?");
    check_action_error(DO("vcpu-pin") "vm = 'c'\n", "t.toml:28:1: vcpu-pin: expected hard or soft");
    check_action_error(DO("vcpu-pin") "vm = 'c'\nhard = '1,16'\n",
                       "t.toml:32:8: character 3 of the list: CPU 16 does not exist, the host has 0-15");
    check_action_error(DO("vcpu-pin") "vm = 'c'\nhard = ''\n",
                       "t.toml:32:8: character 1 of the list: empty item, expected a CPU number or range");
    check_action_error(DO("cpupool-migrate") "vm = 'c'\npool = 'rtt'\n",
                       "t.toml:32:8: no pool 'rtt'; did you mean 'rt'?");
    check_action_error(DO("cpupool-cpu-add") "pool = 'rt'\ncpu = 16\n",
                       "t.toml:32:7: cpu = 16 is out of range, expected 0 to 15");
    check_action_error(DO("cpupool-create") "pool = 'rt'\n", "t.toml:31:8: a second pool of the name 'rt'");
    check_action_error(DO("cpupool-create") "pool = 'new'\nsched = 'credit3'\n",
                       "t.toml:32:9: level 'modern' has no scheduler 'credit3'; did you mean 'credit'?");
    check_action_error(DO("cpupool-create") "pool = 'new'\nsched_gran = 'cores'\n",
                       "t.toml:32:14: sched_gran: expected one of cpu, core, socket, found 'cores'; did you mean "
                       "'core'?");
    check_action_error(DO("cpupool-create") "pool = 'new'\n[[action]]\nat = '999 ms'\ndo = 'cpupool-migrate'\n"
                                            "vm = 'c'\npool = 'new'\n",
                       "t.toml:36:8: no pool 'new'"); /* not yet */
    check_action_error(DO("cpupool-destroy") "pool = 'rt'\n[[action]]\nat = '1 s'\ndo = 'cpupool-migrate'\n"
                                             "vm = 'c'\npool = 'rt'\n",
                       "t.toml:36:8: no pool 'rt'"); /* not any more */
    check_action_error(DO("sched-arinc653") "pool = 'rt'\nmajor_frame = '1500 ps'\n",
                       "t.toml:32:15: Xen counts in whole nanoseconds");
    check_action_error(DO("sched-arinc653") "pool = 'rt'\nmajor_frame = '1 ms'\nframe = [{ vm = 'x', runtime = '1 us' "
                                            "}]\n",
                       "t.toml:33:17: no VM 'x'");
    check_action_error(DO("sched-arinc653") "pool = 'rt'\nmajor_frame = '1 ms'\nframe = [{ vm = 'c' }]\n",
                       "t.toml:33:10: missing key 'runtime' in [action.0.frame.0]");
    check_action_error(DO("sched-params"),
                       "t.toml:28:1: sched-params: expected tslice_ms, ratelimit_us or migration_delay_us");
    check_action_error(DO("pause") "vm = 'c'\nexpect = 'EINVALID'\n",
                       "t.toml:32:10: expect: expected one of EPERM, ENOENT, ESRCH, E2BIG, EAGAIN, ENOMEM, EACCES, "
                       "EFAULT, EBUSY, EEXIST, ENODEV, EINVAL, ENOSPC, ENOSYS, EOPNOTSUPP, found 'EINVALID'; did you "
                       "mean 'EINVAL'?");
    /* --set reaches them, and 4.3 has no soft affinity */
    static const char *const set[] = {"action.0.cap=-1", NULL}, *const old[] = {"xen.behaviour=xen-4.3", NULL};
    scenario_free(load_actions(DO("sched-credit") "vm = 'c'\nweight = 5\n", &(char *){NULL}));
    check_refused(set, "--set action.0.cap: cap = -1 is out of range, expected 0 to 2147483647");
    scenario_free(load_actions(DO("vcpu-pin") "vm = 'c'\nsoft = '1'\n", &(char *){NULL}));
    check_refused(old, "t.toml:32:8: level 'xen-4.3' has no soft affinity (Xen has it from 4.5 on)");
}

static void missing_files(void)
{
    char expected[512];
    check_error("'c.cfg'", "'d.cfg'", "t.toml:22:10: cannot read xl.cfg file 'd.cfg': No such file or directory");
    check_error("'westmere-ep-2s'", "'./x.toml'",
                "t.toml:2:11: cannot read machine './x.toml': No such file or directory");
    snprintf(expected, sizeof(expected),
             "t.toml:2:11: no machine 'westmere-ep-s2' in %s/models/machines; did you mean 'westmere-ep-2s'?",
             scenario_data_dir());
    check_error("westmere-ep-2s", "westmere-ep-s2", expected);
    snprintf(expected, sizeof(expected),
             "t.toml:23:12: no workload profile 'specjbb2050' in %s/workloads/profiles; did you mean "
             "'specjbb2005'?",
             scenario_data_dir());
    check_error("specjbb2005", "specjbb2050", expected);
    char *err = NULL;
    CU_ASSERT_PTR_NULL(scenario_load("no-such.toml", NULL, &err));
    CU_ASSERT_STRING_EQUAL(err, "no-such.toml: cannot open: No such file or directory");
    free(err);
}

static void bad_vms(void)
{
    check_cfg_error("c.cfg", "name = 'c'\nmemory = 20000\n",
                    "c.cfg:2:10: VM 'c' is larger than the host: 20000 MiB, machine 'westmere-ep-2s' has 12288 MiB");
    check_cfg_error("c.cfg", "name = 'c'\nmemory = 20\nmaxmem = 12289\n",
                    "c.cfg:3:10: VM 'c' is larger than the host: 12289 MiB, machine 'westmere-ep-2s' has 12288 MiB");
    check_cfg_error("a.cfg", "name = 'a'\nmemory = 1\ncpus = '0-7,16'\n",
                    "a.cfg:3:13: CPU 16 does not exist, the host has 0-15");
    check_cfg_error("a.cfg", "name = 'a'\nmemory = 1\nvcpus = 2\ncpus = [ 1,\n '2-3' ]\n",
                    "a.cfg:5:4: unexpected '-', an entry is one CPU number at level xen-4.3");
    check_cfg_error("b.cfg", "name = 'b'\nmemory = 1\npci = []\n",
                    "b.cfg:3:1: unsupported key 'pci': passthrough is not simulated");
    check_cfg_error("b.cfg", "name = 'b'\nmemoyr = 1\n", "b.cfg:2:1: unknown key 'memoyr'; did you mean 'memory'?");
}

/* dom0's boot parameters: what the core would refuse, and what the machine and the level do not have. */
static void dom0_boot_parameters(void)
{
    static const struct {
        const char *level, *set, *expected;
    } rows[] = {
        {"xen.behaviour=modern", "xen.dom0_nodes='1,relaxed'", NULL},
        {"xen.behaviour=modern", "xen.dom0_nodes='0,1'", NULL},
        {"xen.behaviour=modern", "xen.dom0_nodes='2'", "--set xen.dom0_nodes: machine 'westmere-ep-2s' has no node 2"},
        {"xen.behaviour=modern", "xen.dom0_nodes='relax'",
         "--set xen.dom0_nodes: expected nodes, strict or relaxed, with commas between, as 0,1,relaxed, found 'relax'"},
        {"xen.behaviour=xen-4.3", "xen.dom0_nodes='1'",
         "--set xen.dom0_nodes: level 'xen-4.3' has no dom0_nodes (4.6 has it)"},
    };
    write_file("t.toml", whole);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const overrides[] = {rows[i].level, rows[i].set, NULL};
        if (rows[i].expected)
            check_refused(overrides, rows[i].expected);
        else
            scenario_free(must_load("t.toml", overrides));
    }
    /* dom0_mem instead of dom0.memory: neither is a mistake, and both. */
    char text[4096];
    const char *at = strstr(whole, "memory = '1 GiB'\n");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    snprintf(text, sizeof(text), "%.*s%s", (int)(at - whole), whole, at + strlen("memory = '1 GiB'\n"));
    write_file("t.toml", text);
    static const char *const mem[] = {"xen.dom0_mem='512M,max:1G'", NULL};
    static const char *const bad[] = {"xen.dom0_mem='512Q'", NULL};
    struct scenario *s = must_load("t.toml", mem);
    CU_ASSERT_EQUAL(s->dom0_memory, 0);
    CU_ASSERT_STRING_EQUAL(s->opt.dom0_mem, "512M,max:1G");
    scenario_free(s);
    check_refused(bad,
                  "--set xen.dom0_mem: expected [min:|max:]SIZE with commas between, as 512M,max:1G, found '512Q'");
}

static void bad_overrides(void)
{
    check_set_error("xen.dom0_mem=4G", "t.toml:16:10: xen.dom0_mem says it, too");
    check_set_error("xl.claim_mode=2", "--set xl.claim_mode: claim_mode = 2 is out of range, expected 0 to 1");
    check_set_error("xen.shced=credit", "--set xen.shced: unknown key 'shced' in [xen]; did you mean 'sched'?");
    check_set_error("duration", "--set duration: expected key=value");
    check_set_error("profile.specjbb205.memory.scale=1.0",
                    "--set profile.specjbb205.memory.scale: the scenario uses no such workload profile; "
                    "did you mean 'specjbb2005'?");
    check_set_error("profile.specjbb2005.memory.scael=1.0",
                    "--set profile.specjbb2005.memory.scael: unknown key 'scael' in [memory]; did you mean 'scale'?");
    check_set_error("machine.no_such=1", "--set machine.no_such: unknown key 'no_such'");
    static const char *const cost[] = {"hv_cost=fixed", "costs.arch.lok=1", NULL};
    check_refused(cost, "--set costs.arch.lok: unknown key 'lok' in [arch]; did you mean 'lock'?");
    check_set_error("costs.arch.lock=1", "--set costs.arch.lock: there are no costs when hv_cost is none");
}

/* ---- */

static void in_a_directory_of_its_own(void)
{
    char dir[] = "hvsim-scenario-XXXXXX";
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    CU_ASSERT_EQUAL_FATAL(chdir(dir), 0);
    CU_ASSERT_EQUAL_FATAL(setenv("HVSIM_DATA", HVSIM_SOURCE_DIR, 1), 0);
    good_cfgs();
}

static void clean_up(void)
{
    static const char *const files[] = {"t.toml", "a.cfg", "b.cfg", "c.cfg", "late.cfg", "b1.cfg"};
    char dir[256];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(dir, sizeof(dir)));
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        unlink(files[i]);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static const struct cunit_case tests[] = {
    {"set-up", in_a_directory_of_its_own},
    {"every key is read", everything_is_read},
    {"defaults are the documented ones", defaults_are_documented_ones},
    {"fixed costs are all set and add up to the measured paths", fixed_costs_are_all_set},
    {"--set reaches the file that it is for", set_reaches_its_file},
    {"a scenario may have no VMs", no_vms_is_a_scenario},
    {"the resolved configuration is whole and stable", resolved_configuration_is_whole_and_stable},
    {"the density scenarios are those of the benchmark", the_density_scenarios_are_those_of_the_benchmark},
    {"the table of keys is complete", the_table_of_keys_is_complete},
    {"bad scenario files", bad_scenario_files},
    {"pools are read", pools_are_read},
    {"bad pools", bad_pools},
    {"schedulers that a level has not", schedulers_of_a_level},
    {"the pool of a VM", the_pool_of_a_vm},
    {"soft affinity, and levels without it", soft_affinity_of_a_level},
    {"a claim on a node, of a level and a machine", a_claim_on_a_node_of_a_level_and_a_machine},
    {"vnuma= of a level and a machine", vnuma_of_a_level_and_a_machine},
    {"boot parameters of the schedulers", boot_parameters_of_the_schedulers},
    {"actions are read, in order of time", actions_are_read},
    {"bad actions", bad_actions},
    {"guests of ARM", guests_of_arm},
    {"what ARM has not", what_arm_has_not},
    {"missing files", missing_files},
    {"bad VMs", bad_vms},
    {"dom0's boot parameters", dom0_boot_parameters},
    {"bad overrides", bad_overrides},
    {"clean-up", clean_up},
};

CUNIT_MAIN("scenario", tests)
