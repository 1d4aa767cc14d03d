/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Timers: when they fire, in which order, and what the hardware is told. */
#include "sched_fixture.h"

#include <hv/timer.h>
#include <stdlib.h>
#include <string.h>

#define SLOP 50000

static unsigned fired[600], nr_fired;

static void on_timer(void *data)
{
    fired[nr_fired++] = (unsigned)(uintptr_t)data;
}

static struct timer t[600];

static void make(unsigned n, unsigned cpu)
{
    for (unsigned i = 0; i < n; i++)
        timer_init(&t[i], on_timer, (void *)(uintptr_t)i, pcpu(cpu));
    nr_fired = 0;
}

static void run_at(s_time_t now)
{
    tp_set_time(now);
    softirq_raise(TIMER_SOFTIRQ);
    softirq_run();
}

static void fires_strictly_after_its_expiry(void)
{
    fx_boot(MACHINE_2);
    make(1, 0);
    timer_set(&t[0], 5000);
    run_at(4999);
    CU_ASSERT_EQUAL(nr_fired, 0);
    run_at(5000);
    CU_ASSERT_EQUAL(nr_fired, 0);
    CU_ASSERT_TRUE(timer_active(&t[0]));
    CU_ASSERT_EQUAL(tp_cpu[0].timer, 5000 + SLOP);
    run_at(5001);
    CU_ASSERT_EQUAL(nr_fired, 1);
    CU_ASSERT_FALSE(timer_active(&t[0]));
}

/* The hardware is armed for the earliest expiry plus the slop, and follows what is first. */
static void deadline_is_the_earliest_plus_slop(void)
{
    fx_boot(MACHINE_2);
    make(3, 0);
    timer_set(&t[0], 3000);
    timer_set(&t[1], 2000);
    timer_set(&t[2], 4000);
    softirq_run();
    CU_ASSERT_EQUAL(tp_cpu[0].timer, 2000 + SLOP);
    timer_stop(&t[1]);
    CU_ASSERT_TRUE(softirq_pending(pcpu(0)));
    softirq_run();
    CU_ASSERT_EQUAL(tp_cpu[0].timer, 3000 + SLOP);
    timer_stop(&t[2]); /* was not first: nobody needs to know */
    CU_ASSERT_FALSE(softirq_pending(pcpu(0)));
    timer_set(&t[0], 10000);
    softirq_run();
    CU_ASSERT_EQUAL(tp_cpu[0].timer, 10000 + SLOP);
    CU_ASSERT_EQUAL(t[0].expires, 10000);
}

/* At 4.17 the slop only holds back what would come at once: a recorded slice of 30 ms is over after 30.03 ms. */
static void deadline_is_not_before_the_slop(void)
{
    fx_boot_level(MACHINE_2, "modern");
    make(2, 0);
    timer_set(&t[0], 10 * SLOP);
    softirq_run();
    CU_ASSERT_EQUAL(tp_cpu[0].timer, 10 * SLOP);
    timer_set(&t[1], 2000);
    softirq_run();
    CU_ASSERT_EQUAL(tp_cpu[0].timer, SLOP); /* now is 0 */
    tp_set_time(SLOP);
    softirq_raise(TIMER_SOFTIRQ);
    softirq_run();
    CU_ASSERT_EQUAL(nr_fired, 1);
    CU_ASSERT_EQUAL(tp_cpu[0].timer, 10 * SLOP);
}

static void within_the_slop_one_interrupt(void)
{
    fx_boot(MACHINE_2);
    make(3, 0);
    timer_set(&t[0], 1000000);
    timer_set(&t[1], 1000000 + SLOP - 1);
    timer_set(&t[2], 1000000 + SLOP);
    run_at(1000000 + SLOP); /* the interrupt of the first */
    CU_ASSERT_EQUAL(nr_fired, 2);
    CU_ASSERT_EQUAL(fired[0], 0);
    CU_ASSERT_EQUAL(fired[1], 1);
    CU_ASSERT_TRUE(timer_active(&t[2])); /* expires now, and now is not after it */
}

/* Ties, worked by hand: see the comment at each step; it is the heap alone that decides. */
static void ties_follow_the_heap(void)
{
    fx_boot(MACHINE_1);
    make(16, 0);
    /* The first timer of a pCPU finds no heap; with those of boot it has grown. All equal: sift-up never moves. */
    for (unsigned i = 0; i < 4; i++)
        timer_set(&t[i], 100);
    run_at(101);
    CU_ASSERT_EQUAL_FATAL(nr_fired, 4);
    /*
     * boot has tick (A, 10 ms) and master tick (B, 30 ms) in it: [A B]. Setting 0: [0 B A]; 1: [0 1 A B];
     * 2: [0 1 A B 2]; 3: at 6 under A: [0 1 3 B 2 A].
     * 0 fires: last is A: children 1, 3 tie: the left: [1 . 3 B 2], then B, 2: 2: [1 2 3 B A].
     * 1 fires: A at top: left of the tie 2, 3: [2 . 3 B] then B is later than A: [2 A 3 B].
     * 2 fires: B: children A, 3: 3: [3 A B]. 3 fires.
     */
    CU_ASSERT_EQUAL(fired[0], 0);
    CU_ASSERT_EQUAL(fired[1], 1);
    CU_ASSERT_EQUAL(fired[2], 2);
    CU_ASSERT_EQUAL(fired[3], 3);

    /*
     * Stopping from the middle brings the last up: [0 1 3 B 2 A] without 1: A in its place: child 2 is earlier, B not:
     * [0 2 3 B A]. 0 fires: A at top: tie of 2 and 3: left.
     */
    nr_fired = 0;
    for (unsigned i = 0; i < 4; i++)
        timer_set(&t[i], 200);
    timer_stop(&t[1]);
    run_at(201);
    CU_ASSERT_EQUAL_FATAL(nr_fired, 3);
    CU_ASSERT_EQUAL(fired[0], 0);
    CU_ASSERT_EQUAL(fired[1], 2);
    CU_ASSERT_EQUAL(fired[2], 3);
}

/*
 * Sift-down moves past an equal child (it stops only at one that is strictly later): [0 1 A B 2] with 1 = 2; 0 fires,
 * 2 comes to the top and sinks below 1.
 */
static void sift_down_passes_equals(void)
{
    fx_boot(MACHINE_1);
    make(3, 0);
    timer_set(&t[0], 50);
    timer_set(&t[1], 100);
    timer_set(&t[2], 100);
    run_at(51);
    run_at(101);
    CU_ASSERT_EQUAL_FATAL(nr_fired, 3);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(fired[i], i);
}

static int by_expiry(const void *a, const void *b)
{
    s_time_t x = *(const s_time_t *)a, y = *(const s_time_t *)b;
    return x < y ? -1 : x > y;
}

/* 600 timers: the heap overflows into the list and grows twice (15, 255, 4095); nothing is lost or out of order. */
static void many_timers_in_order(void)
{
    uint32_t x = 12345;
    fx_boot(MACHINE_1);
    make(600, 0);
    s_time_t when[600];
    for (unsigned i = 0; i < 600; i++) {
        x = x * 1664525 + 1013904223;
        when[i] = 1000 + x % 5000000;
        timer_set(&t[i], when[i]);
        if (i % 100 == 99)
            softirq_run();
    }
    for (unsigned i = 0; i < 600; i += 3) { /* a third moves, wherever it is */
        when[i] += 1000;
        timer_set(&t[i], when[i]);
    }
    run_at(9000000);
    CU_ASSERT_EQUAL_FATAL(nr_fired, 600);
    qsort(when, 600, sizeof(when[0]), by_expiry);
    for (unsigned i = 0; i < 600; i++)
        CU_ASSERT_EQUAL(t[fired[i]].expires, when[i]);
}

static void without_memory_the_list_serves(void)
{
    fx_boot(MACHINE_1);
    make(100, 0);
    tp_alloc_budget = 0;
    for (unsigned i = 0; i < 100; i++)
        timer_set(&t[i], 100 + (s_time_t)(i * 37 % 100));
    run_at(250);
    tp_alloc_budget = -1;
    CU_ASSERT_EQUAL_FATAL(nr_fired, 100);
    /* The heap of boot keeps its 13 free places; first all of the heap, then all of the list, each in order. */
    for (unsigned i = 1; i < 100; i++)
        CU_ASSERT_TRUE(i == 13 || t[fired[i - 1]].expires < t[fired[i]].expires);
}

static void set_on_another_pcpu_raises_there(void)
{
    fx_boot(MACHINE_2);
    make(2, 1);
    tp_set_cpu(0);
    timer_set(&t[0], 1000);
    CU_ASSERT_TRUE(softirq_pending(pcpu(1)));
    CU_ASSERT_FALSE(softirq_pending(pcpu(0)));
    CU_ASSERT_EQUAL(tp_cpu[1].ipi_at, 1);
    tp_set_cpu(1);
    softirq_run();
    CU_ASSERT_EQUAL(tp_cpu[1].timer, 1000 + SLOP);
}

static void migrates_with_its_expiry(void)
{
    fx_boot(MACHINE_2);
    make(2, 0);
    timer_set(&t[0], 1000);
    softirq_run();
    timer_migrate(&t[0], pcpu(1));
    CU_ASSERT_EQUAL(t[0].cpu.n, 1);
    CU_ASSERT_TRUE(timer_active(&t[0]));
    softirq_run();
    CU_ASSERT_TRUE(tp_cpu[0].timer > 1000 + SLOP);
    tp_set_cpu(1);
    run_at(1001);
    CU_ASSERT_EQUAL(nr_fired, 1);
    timer_migrate(&t[1], pcpu(1)); /* not active: only its home changes */
    CU_ASSERT_EQUAL(t[1].cpu.n, 1);
    CU_ASSERT_FALSE(timer_active(&t[1]));
}

static void killed_is_dead(void)
{
    fx_boot(MACHINE_1);
    make(1, 0);
    timer_set(&t[0], 1000);
    timer_kill(&t[0]);
    CU_ASSERT_FALSE(timer_active(&t[0]));
    timer_set(&t[0], 1000);
    timer_migrate(&t[0], pcpu(0));
    timer_stop(&t[0]);
    timer_kill(&t[0]);
    run_at(2000);
    CU_ASSERT_EQUAL(nr_fired, 0);
}

static void rearm(void *data)
{
    fired[nr_fired++] = 0;
    if (nr_fired < 3)
        timer_set(data, port_now() + 10);
}

static void a_handler_may_set_its_own_timer(void)
{
    static struct timer self;
    fx_boot(MACHINE_1);
    nr_fired = 0;
    timer_init(&self, rearm, &self, pcpu(0));
    timer_set(&self, 100);
    run_at(101);
    CU_ASSERT_EQUAL(nr_fired, 1);
    run_at(111);
    CU_ASSERT_EQUAL(nr_fired, 1);
    run_at(112);
    CU_ASSERT_EQUAL(nr_fired, 2);
}

static const struct cunit_case tests[] = {
    {"a timer fires at t+1, not at t-1 or t", fires_strictly_after_its_expiry},
    {"hardware deadline is the earliest expiry plus slop", deadline_is_the_earliest_plus_slop},
    {"a deadline is not before the slop, at 4.17", deadline_is_not_before_the_slop},
    {"timers within the slop share an interrupt", within_the_slop_one_interrupt},
    {"equal expiries come in heap order", ties_follow_the_heap},
    {"sift-down moves past an equal child", sift_down_passes_equals},
    {"600 timers: growth, overflow list, order", many_timers_in_order},
    {"without memory for the heap the list does", without_memory_the_list_serves},
    {"setting on another pCPU raises the softirq there", set_on_another_pcpu_raises_there},
    {"migration keeps the expiry", migrates_with_its_expiry},
    {"a killed timer cannot be set", killed_is_dead},
    {"a handler may set its own timer", a_handler_may_set_its_own_timer},
};

CUNIT_MAIN("hv-core timers", tests)
