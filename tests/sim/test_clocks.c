/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far the clocks of the recorded host's pCPUs were apart, from its xentrace alone. clock.apart of emulated-1s is
 * what comes out here; no recorded share has a part in it.
 *
 * A trace record has the TSC, which the emulator gives to all pCPUs alike. Each switch also says (SWITCH_INFPREV, third
 * word) how many ns the one before ran, by the pCPU's own clock, Xen's NOW(): the difference of the times of this
 * switch and of the one before. Their sum is that clock, up to its beginning.
 *
 * Where it begins: once a second Xen compares the pCPU's clock with a platform timer. A clock that is behind is set at
 * once, so right after a large step forward it is right. One that is ahead is slowed down so that it is right at
 * the next comparison: that confirms it.
 */
#include "cunit_main.h"
#include "trace_reader.h"

#include <math.h>
#include <models/machine.h>
#include <stdlib.h>

#define RECORDING HVSIM_SOURCE_DIR "/results/reference/real-xen/trace/credit-sched-5s.bin"
#define MACHINE HVSIM_SOURCE_DIR "/models/machines/emulated-1s.toml"
#define TICKS_PER_NS 2.596124
#define PCPUS 3
#define SWITCH_INFPREV 0x2800eu /* domain, vCPU, ns that it ran */
#define SWITCH_INFNEXT 0x2800fu /* domain, vCPU, ... */

/* What a pCPU's clock is ahead of the platform timer, ns, at its switches. */
static struct clock {
    unsigned nr;
    struct {
        double at, ahead;
    } p[2048];
} clocks[PCPUS];
static struct trace t;

static double time_of(const struct trace_record *r)
{
    return (double)(r->tsc - t.first_tsc) / TICKS_PER_NS;
}

/* Between two switches: on the line from one to the other. */
static double ahead(unsigned cpu, double at)
{
    const struct clock *c = &clocks[cpu];
    unsigned i = 1;
    while (i + 1 < c->nr && c->p[i].at <= at)
        i++;
    double part = (at - c->p[i - 1].at) / (c->p[i].at - c->p[i - 1].at);
    return c->p[i - 1].ahead + part * (c->p[i].ahead - c->p[i - 1].ahead);
}

static void clock_from_switches(unsigned cpu)
{
    struct clock *c = &clocks[cpu];
    const struct trace_record *next = NULL;
    double sum = 0;
    for (size_t i = 0; i < t.nr; i++) {
        const struct trace_record *r = &t.rec[i];
        if (r->cpu != cpu)
            continue;
        if (r->event == SWITCH_INFNEXT)
            next = r;
        if (r->event != SWITCH_INFPREV)
            continue;
        CU_ASSERT_FATAL(c->nr < sizeof(c->p) / sizeof(c->p[0]));
        if (c->nr) { /* who leaves is who came with the switch before */
            CU_ASSERT_TRUE_FATAL(next && next->word[0] == r->word[0] && next->word[1] == r->word[1]);
            sum += r->word[2];
        }
        c->p[c->nr].at = time_of(r);
        c->p[c->nr].ahead = sum - (time_of(r) - c->p[0].at);
        c->nr++;
    }
}

static void begin_at(unsigned cpu, double right)
{
    for (unsigned i = 0; i < clocks[cpu].nr; i++)
        clocks[cpu].p[i].ahead -= right;
}

/* Right after its largest step, of this size and at this time. */
static void set_by_its_step(unsigned cpu, double step, double at)
{
    const struct clock *c = &clocks[cpu];
    unsigned best = 1;
    for (unsigned i = 2; i < c->nr; i++)
        if (c->p[i].ahead - c->p[i - 1].ahead > c->p[best].ahead - c->p[best - 1].ahead)
            best = i;
    CU_ASSERT_DOUBLE_EQUAL(c->p[best].ahead - c->p[best - 1].ahead, step, 10e3);
    CU_ASSERT_DOUBLE_EQUAL(c->p[best].at, at, 10e6);
    begin_at(cpu, c->p[best].ahead);
}

/* Where a clock never has a step beyond the noise of a record (the time from reading it to writing the record). */
static void set_by_its_mean(unsigned cpu, double noise)
{
    const struct clock *c = &clocks[cpu];
    double sum = 0;
    for (unsigned i = 0; i < c->nr; i++)
        sum += c->p[i].ahead;
    begin_at(cpu, sum / c->nr);
    for (unsigned i = 0; i < c->nr; i++)
        CU_ASSERT_DOUBLE_EQUAL(c->p[i].ahead, 0, noise);
}

static void each_clock_is_in_its_switches(void)
{
    struct fault f = {0};
    CU_ASSERT_EQUAL_FATAL(trace_read(RECORDING, &t, &f), EXIT_DONE);
    for (unsigned c = 0; c < PCPUS; c++) {
        clock_from_switches(c);
        CU_ASSERT_TRUE_FATAL(clocks[c].nr > 300);
    }
    set_by_its_mean(0, 60e3);
    set_by_its_step(1, 8720e3, 3.242e9);
    set_by_its_step(2, 660e3, 2.236e9);
}

/* Clocks that were set in different seconds agree where they should: those that were slowed down, at the next second.
 */
static void they_meet_where_xen_makes_them_meet(void)
{
    for (double s = 1.35; s < 2.2; s += 0.01) /* pCPU 1, slowed until 1.2 s; set by itself at 3.24 s */
        CU_ASSERT_DOUBLE_EQUAL(ahead(1, s * 1e9), ahead(0, s * 1e9), 60e3);
    for (double s = 4.3; s < 4.95; s += 0.01) /* pCPU 2, slowed until 4.25 s; set at 2.24 s */
        CU_ASSERT_DOUBLE_EQUAL(ahead(2, s * 1e9), ahead(0, s * 1e9), 60e3);
}

/*
 * Seen from outside: s1 runs on pCPU 2, its timer is of pCPU 0. When it was kept waiting for longer than its period it
 * asks for (time when it went on, by its pCPU's clock) + 10 ms, and is woken when pCPU 0's clock says so: later by what
 * pCPU 2's clock is ahead of pCPU 0's, and by some 100 to 200 us that all of its wake-ups have.
 */
static void a_sleeper_confirms_them(void)
{
    const uint32_t s1 = 4u << 16;
    const double period = 10e6;
    double woken = 0, on = 0, least = INFINITY, most = -INFINITY;
    unsigned n = 0;
    trace_sort(&t);
    for (size_t i = 0; i < t.nr; i++) {
        const struct trace_record *r = &t.rec[i];
        if (!trace_is_runstate(r->event) || r->word[0] != s1)
            continue;
        if (trace_runstate_new(r->event) == 0 && !on)
            on = time_of(r);
        if (trace_runstate_old(r->event) != 2)
            continue;
        if (on && woken && on - woken > period) {
            double late = time_of(r) - on - period - (ahead(2, on) - ahead(0, time_of(r)));
            least = fmin(least, late);
            most = fmax(most, late);
            n++;
        }
        woken = time_of(r);
        on = 0;
    }
    CU_ASSERT_EQUAL(n, 5);
    CU_ASSERT_TRUE(least > 100e3 && most < 250e3); /* the clocks were apart by -0.2 to 0.3 ms in these five moments */
    CU_ASSERT_TRUE(most - least < 100e3);
}

/* The mean distance between the pCPUs of the guests, and how far it went. */
static void the_machine_has_what_the_trace_says(void)
{
    double sum = 0, most = 0, far = 0;
    unsigned n = 0;
    for (double s = 0.02; s < 4.97; s += 0.001, n++) {
        double apart = fabs(ahead(1, s * 1e9) - ahead(2, s * 1e9));
        sum += apart;
        most = fmax(most, apart);
        far = fmax(far, fabs(ahead(2, s * 1e9) - ahead(0, s * 1e9)));
    }
    CU_ASSERT_DOUBLE_EQUAL(sum / n / 1e6, 2.0, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(most / 1e6, 9.1, 0.1);
    CU_ASSERT_TRUE(far < 0.7e6);

    char *err = NULL;
    struct machine *m = machine_load(MACHINE, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    CU_ASSERT_DOUBLE_EQUAL((double)m->clock_apart_ns, sum / n, 0.05e6);
    machine_free(m);
    trace_free(&t);
}

static const struct cunit_case tests[] = {
    {"each pCPU's clock is in the records of its switches", each_clock_is_in_its_switches},
    {"clocks meet where Xen makes them meet", they_meet_where_xen_makes_them_meet},
    {"a sleeper with its timer on another pCPU confirms them", a_sleeper_confirms_them},
    {"the machine's clocks are as far apart as the trace says", the_machine_has_what_the_trace_says},
};

CUNIT_MAIN("clocks of the recorded host", tests)
