/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios: the shipped ones, names and counts, where --set goes, and refusals with file, line and column. */
#include "scenario_file.h"

#define DENSITY HVSIM_SOURCE_DIR "/workloads/scenarios/xen-4.3-density/"
#define S INT64_C(1000000000000) /* ps */

/* ---- single quirks --------------------------------------------------------------------------------------------- */

static void single_quirks_of_a_level(void)
{
    static const char *const set[] = {"xen.quirks='no-credit2_one_runqueue, no-credit2_short_slices'", NULL};
    scratch_write("t.toml", "%s", whole);
    struct scenario *plain = must_load("t.toml", NULL), *s = must_load("t.toml", set);
    unsigned differ = 0;
    for (unsigned q = 0; q < HV_QUIRK_NR; q++)
        differ += s->level->quirk[q] != plain->level->quirk[q];
    CU_ASSERT_EQUAL(differ, 2);
    CU_ASSERT_FALSE(s->level->quirk[HV_QUIRK_credit2_one_runqueue]);
    CU_ASSERT_FALSE(s->level->quirk[HV_QUIRK_credit2_short_slices]);
    CU_ASSERT_STRING_EQUAL(s->level->name, "xen-4.3");
    CU_ASSERT_STRING_EQUAL(s->level->note,
                           "not Xen: xen-4.3 with the quirks no-credit2_one_runqueue, no-credit2_short_slices");
    CU_ASSERT_STRING_NOT_EQUAL(s->resolved_json, plain->resolved_json); /* a sweep tells them apart */
    scenario_free(s);
    scenario_free(plain);
}

static void bad_quirks(void)
{
    check_error("sched = 'credit'", "quirks = 'no-credit2_one_runq'",
                "t.toml:12:10: unknown quirk 'credit2_one_runq'; did you mean 'credit2_one_runqueue'?");
    check_error("sched = 'credit'", "quirks = 'credit2_one_runqueue'",
                "t.toml:12:10: level 'xen-4.3' has quirk 'credit2_one_runqueue' already");
    check_error("sched = 'credit'", "quirks = 'no-credit2_passed_over'",
                "t.toml:12:10: level 'xen-4.3' has no quirk 'credit2_passed_over'");
    check_error("sched = 'credit'", "quirks = 'no-credit2_no_cap,no-credit2_no_cap'",
                "t.toml:12:10: quirk 'credit2_no_cap' twice");
    check_error("sched = 'credit'", "quirks = ''", "t.toml:12:10: unknown quirk ''; see hvsim list quirks");
    check_set_error("xen.quirks=no-vnuma", "--set xen.quirks: unknown quirk 'vnuma'; did you mean 'vnuma_absent'?");
}

/* ---- what is read ---------------------------------------------------------------------------------------------- */

static void everything_is_read(void)
{
    scratch_write("t.toml", "%s", whole);
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
    scratch_write("t.toml", "name='t'\nmachine='westmere-ep-2s'\nwarmup='0 s'\nduration='1 s'\n"
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
    scratch_write("t.toml", "%s", whole);
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
    scratch_write("t.toml", "%s", whole);
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
    scratch_write("t.toml", "%s", whole);
    struct scenario *s = must_load("t.toml", set);
    CU_ASSERT_EQUAL(s->nr_vms, 0);
    scenario_free(s);
}

static void resolved_configuration_is_whole_and_stable(void)
{
    scratch_write("t.toml", "%s", whole);
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

/* A machine of one's own that starts from a preset's name is written down as resolved, like any other. */
static void resolved_configuration_of_a_machine_from_a_preset(void)
{
    static const char *const set[] = {"machine=./own.toml", NULL};
    scratch_write("own.toml", "inherits = \"westmere-ep-2s\"\nname = \"own\"\n[memory]\nbandwidth = \"21 GB/s\"\n");
    scratch_write("t.toml", "%s", whole);
    struct scenario *s = must_load("t.toml", set);
    CU_ASSERT_STRING_EQUAL(s->machine->name, "own");
    CU_ASSERT_PTR_NOT_NULL(strstr(s->resolved_json, "\"bandwidth\": \"21 GB/s\""));
    scenario_free(s);
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
    scratch_write("t.toml", "name = 't'\nmachine = 'westm");
    check_refused(NULL, "t.toml:2:17: not valid TOML: Error while parsing literal string: encountered end-of-file");
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
    scratch_write("t.toml", "%s", whole);
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
    scratch_write("t.toml", "%s", text);
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

static const struct cunit_case tests[] = {
    {"set-up", in_a_directory_of_its_own},
    {"every key is read", everything_is_read},
    {"defaults are the documented ones", defaults_are_documented_ones},
    {"fixed costs are all set and add up to the measured paths", fixed_costs_are_all_set},
    {"--set reaches the file that it is for", set_reaches_its_file},
    {"a scenario may have no VMs", no_vms_is_a_scenario},
    {"the resolved configuration is whole and stable", resolved_configuration_is_whole_and_stable},
    {"the resolved configuration has a machine that starts from a preset",
     resolved_configuration_of_a_machine_from_a_preset},
    {"the density scenarios are those of the benchmark", the_density_scenarios_are_those_of_the_benchmark},
    {"the table of keys is complete", the_table_of_keys_is_complete},
    {"bad scenario files", bad_scenario_files},
    {"single quirks of a level", single_quirks_of_a_level},
    {"bad quirks", bad_quirks},
    {"missing files", missing_files},
    {"bad VMs", bad_vms},
    {"dom0's boot parameters", dom0_boot_parameters},
    {"bad overrides", bad_overrides},
    {"clean-up", clean_up},
};

CUNIT_MAIN("scenario", tests)
