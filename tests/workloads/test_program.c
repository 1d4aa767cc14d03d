/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs: start offset once, phases in order, lengths within their jitter, endless means endless. */
#include <workloads/program.h>

#include <cunit_main.h>
#include <math.h>

#define SEED 7u
#define PASSES 20000

static struct program *start(const struct workload_profile *p, const char *entity, int64_t offset)
{
    return program_create(p, stream_open(SEED, entity), offset);
}

static void endless_program(void)
{
    struct workload_profile p = {.nr_phases = 1};
    struct program *prog = start(&p, "a", 0);
    struct action a;
    for (int i = 0; i < 3; i++) {
        program_next(prog, &a);
        CU_ASSERT_EQUAL(a.kind, ACTION_COMPUTE);
        CU_ASSERT(a.instructions == HUGE_VAL);
        CU_ASSERT_PTR_EQUAL(a.mix, &p.phase[0].mix);
    }
    program_free(prog);
}

static void start_offset_comes_once(void)
{
    struct workload_profile p = {.nr_phases = 1, .phase[0] = {.instructions = 100, .block_ps = 50}};
    struct program *prog = start(&p, "a", 12345);
    struct action a;
    program_next(prog, &a);
    CU_ASSERT_EQUAL(a.kind, ACTION_BLOCK);
    CU_ASSERT_EQUAL(a.block_ps, 12345);
    for (int i = 0; i < 10; i++) {
        program_next(prog, &a);
        CU_ASSERT_EQUAL(a.kind, ACTION_COMPUTE);
        CU_ASSERT_EQUAL(a.instructions, 100.0);
        program_next(prog, &a);
        CU_ASSERT_EQUAL(a.kind, ACTION_BLOCK);
        CU_ASSERT_EQUAL(a.block_ps, 50);
    }
    program_free(prog);
}

/* Three phases, the second of which does not block: C0 B0 C1 C2 B2, again and again, each with its own mix. */
static void phases_follow_one_another(void)
{
    struct workload_profile p = {
        .nr_phases = 3,
        .phase = {{.instructions = 10, .block_ps = 1}, {.instructions = 20}, {.instructions = 30, .block_ps = 3}}};
    static const struct {
        enum action_kind kind;
        unsigned phase;
    } expected[] = {
        {ACTION_COMPUTE, 0}, {ACTION_BLOCK, 0}, {ACTION_COMPUTE, 1}, {ACTION_COMPUTE, 2}, {ACTION_BLOCK, 2},
    };
    struct program *prog = start(&p, "a", 0);
    for (int i = 0; i < 20; i++) {
        struct action a;
        unsigned k = i % 5u;
        program_next(prog, &a);
        CU_ASSERT_EQUAL(a.kind, expected[k].kind);
        if (a.kind == ACTION_COMPUTE) {
            CU_ASSERT_PTR_EQUAL(a.mix, &p.phase[expected[k].phase].mix);
            CU_ASSERT_EQUAL(a.instructions, p.phase[expected[k].phase].instructions);
        } else {
            CU_ASSERT_EQUAL(a.block_ps, p.phase[expected[k].phase].block_ps);
        }
    }
    program_free(prog);
}

/* A period is handed on as it is: when the next wake-up is due only the caller can tell. */
static void period_is_an_absolute_wake_up(void)
{
    struct workload_profile p = {.nr_phases = 1, .phase[0] = {.instructions = 100, .period_ps = 77}};
    struct program *prog = start(&p, "a", 0);
    for (int i = 0; i < 4; i++) {
        struct action a;
        program_next(prog, &a);
        CU_ASSERT_EQUAL(a.kind, i % 2 ? ACTION_BLOCK : ACTION_COMPUTE);
        CU_ASSERT_EQUAL(a.period_ps, i % 2 ? 77 : 0);
        CU_ASSERT_EQUAL(a.block_ps, 0);
    }
    program_free(prog);
}

static void so_is_its_place_in_the_hosts_time(void)
{
    struct workload_profile p = {.nr_phases = 1, .phase[0] = {.instructions = 100, .period_ps = 77, .align_ps = 7}};
    struct program *prog = start(&p, "a", 0);
    for (int i = 0; i < 4; i++) {
        struct action a;
        program_next(prog, &a);
        CU_ASSERT_EQUAL(a.period_ps, i % 2 ? 77 : 0);
        CU_ASSERT_EQUAL(a.align_ps, i % 2 ? 7 : 0);
    }
    program_free(prog);
}

static void lengths_jitter_around_their_mean(void)
{
    struct workload_profile p = {
        .nr_phases = 1, .phase[0] = {.instructions = 1e6, .jitter = 0.5, .block_ps = 1000000, .block_jitter = 1.0}};
    struct program *prog = start(&p, "a", 0);
    double instructions = 0, blocked = 0;
    for (int i = 0; i < PASSES; i++) {
        struct action a;
        program_next(prog, &a);
        CU_ASSERT(a.instructions >= 0.5e6 && a.instructions < 1.5e6);
        instructions += a.instructions;
        program_next(prog, &a);
        CU_ASSERT(a.block_ps >= 1 && a.block_ps < 2000000);
        blocked += (double)a.block_ps;
    }
    /* uniform on mean * (1 +- j): standard deviation mean * j / sqrt(3) */
    CU_ASSERT_DOUBLE_EQUAL(instructions / PASSES, 1e6, 4.5 * 0.5e6 / sqrt(3.0 * PASSES));
    CU_ASSERT_DOUBLE_EQUAL(blocked / PASSES, 1e6, 4.5 * 1e6 / sqrt(3.0 * PASSES));
    program_free(prog);
}

/* The smallest lengths with the widest jitter still make progress. */
static void no_empty_action(void)
{
    struct workload_profile p = {.nr_phases = 1,
                                 .phase[0] = {.instructions = 1, .jitter = 1.0, .block_ps = 1, .block_jitter = 1.0}};
    struct program *prog = start(&p, "a", 0);
    for (int i = 0; i < PASSES; i++) {
        struct action a;
        program_next(prog, &a);
        CU_ASSERT(a.instructions >= 1);
        program_next(prog, &a);
        CU_ASSERT(a.block_ps >= 1);
    }
    program_free(prog);
}

static const struct cunit_case tests[] = {
    {"a program without length computes for ever", endless_program},
    {"the start offset comes first and once", start_offset_comes_once},
    {"phases follow one another, each with its mix", phases_follow_one_another},
    {"a period is an absolute wake-up", period_is_an_absolute_wake_up},
    {"so is its place in the time of the host", so_is_its_place_in_the_hosts_time},
    {"lengths stay within their jitter, with the right mean", lengths_jitter_around_their_mean},
    {"no action is empty", no_empty_action},
};

CUNIT_MAIN("program", tests)
