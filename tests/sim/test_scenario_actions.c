/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios: actions, and every way in which one can be wrong. */
#include "scenario_file.h"

#define S INT64_C(1000000000000) /* ps */

/* ---- actions ---------------------------------------------------------------------------------------------------- */

/* whole has 23 lines; a pool, and an action from line 28 on: its keys begin at line 29. */
static const char *const acting = "[[pool]]\nname = 'rt'\ncpus = '4-5'\nsched = 'arinc653'\n[[action]]\n";

static struct scenario *load_actions(const char *actions, char **err)
{
    char text[8192];
    const char *const modern[] = {"xen.behaviour=modern", NULL};
    snprintf(text, sizeof(text), "%s%s%s", whole, acting, actions);
    scratch_write("t.toml", "%s", text);
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
    scratch_write("late.cfg", "name = 'late'\nmemory = 128\ncpus = '99'\n");
    scratch_write("b1.cfg", "name = 'b-2'\nmemory = 128\n");
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

static const struct cunit_case tests[] = {
    {"set-up", in_a_directory_of_its_own},
    {"actions are read, in order of time", actions_are_read},
    {"bad actions", bad_actions},
    {"clean-up", clean_up},
};

CUNIT_MAIN("scenario_actions", tests)
