/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The property test's command line. What it is about: mm_property.h. */
#include "mm_property.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_OPS 100000u
#define CASE_OPS 400u /* of a machine: a new one for each part */

static const char usage[] =
    "usage: mm_property [--level L] [--machine N] [--ops N] [--seed S] [--save FILE]\n"
    "       mm_property --replay FILE\n"
    "       mm_property --self-test\n"
    "\n"
    "Random operations on the memory manager of hv-core, on random machines; all invariants are checked after each.\n"
    "  --level L      behaviour level (default: all in turn)\n"
    "  --machine N    number of the random machine (default: a new one every 400 operations)\n"
    "  --ops N        operations (default 100000); one whose allocations fail in turn counts once\n"
    "  --seed S       default 1\n"
    "  --save FILE    where to write a sequence that fails, besides standard output\n"
    "  --replay FILE  run such a sequence once\n"
    "  --self-test    injected faults are found, and shrink to what they need\n"
    "\n"
    "exit: 0 all held, 1 a sequence failed (its smallest form is printed), 2 bad usage or file\n";

static struct prop_op ops[CASE_OPS];

static const struct prop_kind kinds[OP_NR] = {
#define X(name, often) {"OP_" #name, often},
    MM_OPS(X)
#undef X
};

static const struct prop_field fields[] = {PROP_TEXT(struct mm_case, level), PROP_NUMBER(struct mm_case, machine),
                                           PROP_NUMBER(struct mm_case, fault)};

static bool case_valid(const void *the_case)
{
    const struct mm_case *k = the_case;
    return hv_profile_find(k->level) && k->fault < FAULT_NR;
}

static uint32_t draw_mode(uint64_t random)
{
    static const uint32_t modes[] = {MODE_PLAIN, MODE_PLAIN,   MODE_PLAIN,   MODE_PLAIN,    MODE_PLAIN,
                                     MODE_PLAIN, MODE_PREEMPT, MODE_PREEMPT, MODE_FAIL_ONE, MODE_FAIL_FROM};
    return modes[random % ARRAY_SIZE(modes)];
}

static const struct prop_kit kit = {.program = "mm_property",
                                    .kinds = kinds,
                                    .nr_kinds = OP_NR,
                                    .fields = fields,
                                    .nr_fields = ARRAY_SIZE(fields),
                                    .case_size = sizeof(struct mm_case),
                                    .case_valid = case_valid,
                                    .draw_mode = draw_mode,
                                    .simplest_mode = MODE_PLAIN,
                                    .run = mm_run};

static int run(const char *level, const uint64_t *machine_nr, unsigned nr_ops, uint64_t seed, const char *save)
{
    unsigned nr_levels = 0;
    while (hv_profiles[nr_levels].name)
        nr_levels++;
    for (unsigned done = 0, round = 0; done < nr_ops; round++) {
        unsigned len = nr_ops - done < CASE_OPS ? nr_ops - done : CASE_OPS;
        uint64_t s = seed * 0x9e3779b97f4a7c15ull + round;
        prop_generate(&kit, ops, len, s);
        struct mm_case k = {.machine = machine_nr ? (uint32_t)*machine_nr : (uint32_t)(prop_random(&s) >> 8)};
        snprintf(k.level, sizeof(k.level), "%s", level ? level : hv_profiles[round % nr_levels].name);
        struct prop_failure f = prop_try(&kit, &k, ops, len, false);
        if (f.failed)
            return prop_found(&kit, &k, ops, len, &f, save);
        done += len;
    }
    printf("%u operations: all invariants hold\n", nr_ops);
    return 0;
}

/* ---- the test of the test --------------------------------------------------------------------------------------- */

static int self_test_fault(enum mm_fault fault, unsigned at_most, const char *text)
{
    struct prop_failure f = {.failed = false};
    struct mm_case k = {.level = "modern", .machine = 3, .fault = fault}, without = k;

    without.fault = FAULT_NONE;
    for (uint64_t seed = 1; seed < 50 && !f.failed; seed++) {
        prop_generate(&kit, ops, CASE_OPS, seed);
        f = prop_try(&kit, &k, ops, CASE_OPS, false);
    }
    if (!f.failed || !strstr(f.text, text)) {
        printf("fault %d: not found (%s)\n", (int)fault, f.text);
        return 1;
    }
    return prop_self_test(&kit, &k, &without, ops, CASE_OPS, &f, at_most);
}

static int self_test(void)
{
    return self_test_fault(FAULT_LEAK, 3, "pages free, must be") |
           self_test_fault(FAULT_DOUBLE_FREE, 3, "were not taken") |
           self_test_fault(FAULT_HALF_DONE, 3, "pages, at most");
}

/* ---- main ------------------------------------------------------------------------------------------------------- */

static bool level_ok(const char *level)
{
    return hv_profile_find(level) != NULL;
}

int main(int argc, char **argv)
{
    struct prop_args a = {.ops = DEFAULT_OPS, .seed = 1};
    int rc = prop_parse(argc, argv, usage, UINT32_MAX, level_ok, NULL, &a);

    if (rc >= 0)
        return rc;
    if (a.self_test)
        return self_test();
    if (a.replay)
        return prop_replay(&kit, a.replay);
    return run(a.level, a.one_machine ? &a.machine : NULL, (unsigned)a.ops, a.seed, a.save);
}
