/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The property test's command line. What it is about: property.h. */
#include "property.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_OPS 100000u
#define CASE_OPS 500u /* of a world: a new one for each part */

static const char usage[] =
    "usage: sched_property [--sched NAME] [--level L] [--machine 0..3] [--ops N] [--seed S] [--save FILE]\n"
    "       sched_property --replay FILE\n"
    "       sched_property --self-test\n"
    "\n"
    "Random operations on the schedulers of hv-core; all invariants are checked after each.\n"
    "  --sched NAME   that of pool 0 and of every second other pool (default: each in turn)\n"
    "  --level L      behaviour level (default: all that have the scheduler)\n"
    "  --machine M    0: 1 pCPU, 1: 2 nodes x 2, 2: 2 nodes x 4 cores x 2 threads, 3: 2 nodes x 2 sockets x 2 x 2\n"
    "  --ops N        operations per scheduler (default 100000)\n"
    "  --seed S       default 1\n"
    "  --save FILE    where to write a sequence that fails, besides standard output\n"
    "  --replay FILE  run such a sequence once\n"
    "  --self-test    injected faults are found, and shrink to what they need\n"
    "\n"
    "exit: 0 all held, 1 a sequence failed (its smallest form is printed), 2 bad usage or file\n";

static struct prop_op ops[CASE_OPS];
static const char *save_file;

static const struct prop_kind kinds[OP_NR] = {
#define X(name, often) {"OP_" #name, often},
    PROP_OPS(X)
#undef X
};

static const struct prop_field fields[] = {
    PROP_TEXT(struct prop_case, sched),  PROP_TEXT(struct prop_case, level),     PROP_NUMBER(struct prop_case, machine),
    PROP_NUMBER(struct prop_case, gran), PROP_NUMBER(struct prop_case, options), PROP_NUMBER(struct prop_case, fault)};

static bool case_valid(const void *the_case)
{
    const struct prop_case *k = the_case;
    return hv_profile_find(k->level) && k->machine < PROP_MACHINES && k->gran < PROP_GRANS && k->fault < FAULT_NR;
}

static uint32_t draw_mode(uint64_t random)
{
    return random % 3 ? MODE_SETTLE : 0;
}

static const struct prop_kit kit = {.program = "sched_property",
                                    .kinds = kinds,
                                    .nr_kinds = OP_NR,
                                    .fields = fields,
                                    .nr_fields = ARRAY_SIZE(fields),
                                    .case_size = sizeof(struct prop_case),
                                    .case_valid = case_valid,
                                    .draw_mode = draw_mode,
                                    .simplest_mode = MODE_SETTLE,
                                    .run = sched_run};

static uint64_t mix(uint64_t seed, const char *sched, unsigned round)
{
    for (; *sched; sched++)
        seed = (seed ^ (unsigned char)*sched) * 0x100000001b3ull;
    return seed * 0x9e3779b97f4a7c15ull + round;
}

/* Which levels have the scheduler; NULL: those; else that one alone. */
static unsigned levels_of(const char *sched, const char *only, const struct hv_profile **out)
{
    unsigned n = 0;
    struct hv_sched_info info;
    for (const struct hv_profile *l = hv_profiles; l->name; l++)
        for (unsigned i = 0; hv_core_get()->scheduler(l, i, &info); i++)
            if (strcmp(info.opt_name, sched) == 0 && (!only || strcmp(only, l->name) == 0))
                out[n++] = l;
    return n;
}

/* Round r: which machine, granularity and options. */
static struct prop_case draw_case(const char *sched, const char *level, uint64_t seed, int machine)
{
    static const uint32_t machines[] = {0, 1, 2, 1, 3, 2};
    struct prop_case k = {.machine = machine >= 0 ? (uint32_t)machine : machines[seed % ARRAY_SIZE(machines)]};
    snprintf(k.sched, sizeof(k.sched), "%s", sched);
    snprintf(k.level, sizeof(k.level), "%s", level);
    if (k.machine >= 2)
        k.gran = (uint32_t)(seed / 8 % 4 == 0 ? 1 : seed / 8 % 8 == 1 ? 2 : 0);
    k.options = (uint32_t)(seed >> 20) & 0x3ff;
    return k;
}

static int run_sched(const char *sched, const char *level, unsigned nr_ops, uint64_t seed, int machine)
{
    const struct hv_profile *levels[16];
    unsigned n = levels_of(sched, level, levels);

    if (!n) {
        fprintf(stderr, "no level %s has a scheduler '%s'\n", level ? level : "at all", sched);
        return PROP_EXIT_USAGE;
    }
    for (unsigned done = 0, round = 0; done < nr_ops; round++) {
        unsigned len = nr_ops - done < CASE_OPS ? nr_ops - done : CASE_OPS;
        uint64_t s = mix(seed, sched, round);
        prop_generate(&kit, ops, len, s);
        struct prop_case k = draw_case(sched, levels[round % n]->name, s ^ s >> 32, machine);
        struct prop_failure f = prop_try(&kit, &k, ops, len, false);
        if (f.failed)
            return prop_found(&kit, &k, ops, len, &f, save_file);
        done += len;
    }
    printf("%s: %u operations at %u levels\n", sched, nr_ops, n);
    return 0;
}

/* ---- the test of the test --------------------------------------------------------------------------------------- */

static int self_test_fault(enum prop_fault fault, unsigned at_most, const char *text)
{
    struct prop_failure f = {.failed = false};
    struct prop_case k;
    unsigned n = CASE_OPS;

    for (uint64_t seed = 1; seed < 50 && !f.failed; seed++) {
        prop_generate(&kit, ops, n, seed);
        k = draw_case("credit", "modern", 1, 1);
        k.fault = fault;
        f = prop_try(&kit, &k, ops, n, false);
    }
    if (!f.failed || !strstr(f.text, text)) {
        printf("fault %d: not found (%s)\n", (int)fault, f.text);
        return 1;
    }
    struct prop_case without = k;
    without.fault = FAULT_NONE;
    return prop_self_test(&kit, &k, &without, ops, n, &f, at_most);
}

static int self_test(void)
{
    return self_test_fault(FAULT_THIRD_PAUSE, 4, "third pause") | self_test_fault(FAULT_PANIC, 2, "second pool") |
           self_test_fault(FAULT_CRASH, 2, "signal 11");
}

/* ---- main ------------------------------------------------------------------------------------------------------- */

static const char *sched;

static bool level_any(const char *level)
{
    return level != NULL; /* whether it has the scheduler is said later */
}

static bool own(const char *option, const char *value)
{
    return strcmp(option, "--sched") == 0 && (sched = value);
}

int main(int argc, char **argv)
{
    struct prop_args a = {.ops = DEFAULT_OPS, .seed = 1};
    int rc = prop_parse(argc, argv, usage, PROP_MACHINES - 1, level_any, own, &a);

    if (rc >= 0)
        return rc;
    if (a.self_test)
        return self_test();
    if (a.replay)
        return prop_replay(&kit, a.replay);
    const char *level = a.level;
    unsigned nr_ops = (unsigned)a.ops;
    int machine = a.one_machine ? (int)a.machine : -1;
    save_file = a.save;
    if (sched)
        return run_sched(sched, level, nr_ops, a.seed, machine);

    /* Each name once, in the order of registration. */
    char names[32][16];
    unsigned nr_names = 0;
    struct hv_sched_info info;
    for (const struct hv_profile *l = hv_profiles; l->name; l++)
        for (unsigned i = 0; hv_core_get()->scheduler(l, i, &info); i++) {
            unsigned n = 0;
            while (n < nr_names && strcmp(names[n], info.opt_name))
                n++;
            if (n == nr_names && n < ARRAY_SIZE(names))
                snprintf(names[nr_names++], sizeof(names[0]), "%s", info.opt_name);
        }
    int worst = 0;
    for (unsigned n = 0; n < nr_names; n++) {
        const struct hv_profile *levels[16];
        if (level && !levels_of(names[n], level, levels))
            continue;
        rc = run_sched(names[n], level, nr_ops, a.seed, machine);
        worst = rc > worst ? rc : worst;
    }
    return worst;
}
