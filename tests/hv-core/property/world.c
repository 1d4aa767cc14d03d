/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine of the property test: each pCPU runs the core on a stack of its own, so that it can wait for another one.
 * Between two operations none is inside the core.
 */
#include "property.h"

#include "sched/private.h"

#include <ucontext.h>

#define MAX_CPUS 16u
#define STACK (128u * 1024u)
#define MAX_TURNS 200000u /* of waiting for each other, before it counts as a deadlock */

unsigned world_cpus;

static const struct hv_core *core;
static ucontext_t main_ctx, ctx[MAX_CPUS];
static char stack[MAX_CPUS][STACK] __attribute__((aligned(64)));
static bool parked[MAX_CPUS]; /* outside the core */
static bool on_main = true;
static s_time_t now;
static struct {
    void (*fn)(void *arg);
    void *arg;
} job[MAX_CPUS];

s_time_t world_now(void)
{
    return now;
}

/* ---- pCPUs ------------------------------------------------------------------------------------------------------ */

static void to_main(void)
{
    unsigned self = port_this_cpu().n;
    on_main = true;
    swapcontext(&ctx[self], &main_ctx);
}

static void resume(unsigned c)
{
    tp_set_time(now);
    tp_set_cpu(c);
    on_main = false;
    swapcontext(&main_ctx, &ctx[c]);
}

static struct tp_guest *guest_on(unsigned c)
{
    return core->current(pcpu(c))->guest;
}

static bool guest_due(unsigned c)
{
    const struct tp_guest *g = guest_on(c);
    return g && g->burn && g->started >= 0 && g->started + g->left <= now;
}

/* It has computed for long enough, and blocks: with a timer, or until it is told. */
static void guest_blocks(unsigned c)
{
    struct vcpu *v = core->current(pcpu(c));
    struct tp_guest *g = v->guest;
    struct hv_set_timer_op timer = {now + g->block};
    struct hv_sched_op op = {SCHEDOP_block};

    g->done += now - g->started;
    g->started = now;
    g->left = g->burn;
    v->upcall_pending = false;
    if (g->block)
        core->hypercall(HYPERCALL_set_timer_op, &timer);
    core->hypercall(HYPERCALL_sched_op, &op);
}

static void cpu_loop(void)
{
    unsigned self = port_this_cpu().n;
    struct tp_cpu *c = &tp_cpu[self];

    core->cpu_start();
    for (;;) {
        core->return_to_guest();
        parked[self] = true;
        to_main();
        parked[self] = false;
        if (c->timer != S_TIME_MAX && c->timer + 1 <= now) {
            c->timer = S_TIME_MAX;
            core->timer_interrupt();
        }
        if (c->ipi_at <= now) {
            c->ipi_at = S_TIME_MAX;
            core->event_check_interrupt();
        }
        if (job[self].fn) {
            job[self].fn(job[self].arg);
            job[self].fn = NULL;
        } else if (guest_due(self)) {
            guest_blocks(self);
        }
    }
}

/* All pCPUs that are inside the core, or have an interrupt, go on for a turn. False: there was none. */
static bool turn(void)
{
    bool any = false;
    for (unsigned c = 0; c < world_cpus; c++) {
        if (parked[c] && tp_cpu[c].ipi_at > now)
            continue;
        resume(c);
        any = true;
    }
    return any;
}

static bool all_parked(void)
{
    for (unsigned c = 0; c < world_cpus; c++)
        if (!parked[c])
            return false;
    return true;
}

/*
 * Who waits for others comes out of the core, by their handling their interrupts. Two vCPUs of a scheduler without a
 * rate limit can preempt each other as fast as a switch takes, which here is a few ns: that goes on, but it is no
 * deadlock.
 */
static void finish(void)
{
    uint64_t switches = tp_perfc[PERFC_context_switch];

    for (unsigned turns = 0; !all_parked(); turns++) {
        if (turns == MAX_TURNS) {
            if (tp_perfc[PERFC_context_switch] - switches > MAX_TURNS / 100)
                return;
            prop_fail("deadlock: pCPUs wait for each other");
        }
        now++;
        turn();
    }
}

static s_time_t next_ipi(void)
{
    s_time_t at = S_TIME_MAX;
    for (unsigned c = 0; c < world_cpus; c++)
        if (tp_cpu[c].ipi_at < at)
            at = tp_cpu[c].ipi_at;
    return at;
}

void world_settle(void)
{
    s_time_t at;
    finish();
    for (unsigned turns = 0; (at = next_ipi()) != S_TIME_MAX; turns++) {
        if (turns == MAX_TURNS)
            prop_fail("does not settle: interrupts beget interrupts");
        if (at > now)
            now = at;
        turn();
        finish();
    }
    tp_set_time(now);
}

void world_run_on(unsigned c, void (*fn)(void *arg), void *arg)
{
    job[c].fn = fn;
    job[c].arg = arg;
    resume(c);
    finish();
    tp_set_time(now);
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static s_time_t next_event(unsigned c)
{
    const struct tp_cpu *p = &tp_cpu[c];
    const struct tp_guest *g = guest_on(c);
    s_time_t t = p->ipi_at;

    if (p->timer != S_TIME_MAX && p->timer < t)
        t = p->timer + 1;
    if (g && g->burn && g->started >= 0 && g->started + g->left < t)
        t = g->started + g->left;
    return t <= now ? now + 1 : t;
}

void world_run_until(s_time_t until, void (*hook)(void))
{
    static s_time_t next[MAX_CPUS];

    for (;;) {
        s_time_t best = S_TIME_MAX;
        unsigned who = 0;
        for (unsigned c = 0; c < world_cpus; c++) {
            next[c] = next_event(c);
            if (next[c] < best) {
                best = next[c];
                who = c;
            }
        }
        if (best > until)
            break;
        now = best;
        resume(who);
        finish();
        if (hook)
            hook();
    }
    if (now < until)
        now = until;
    tp_set_time(now);
}

/* ---- any order -------------------------------------------------------------------------------------------------- */

static uint64_t race_state;

static uint32_t race_rnd(uint32_t n)
{
    race_state ^= race_state << 13;
    race_state ^= race_state >> 7;
    race_state ^= race_state << 17;
    return (uint32_t)(race_state >> 24) % n;
}

static void maybe_change_over(void)
{
    if (!on_main && race_rnd(3) == 0)
        to_main();
}

void world_race(uint32_t seed, unsigned steps)
{
    unsigned who = 0;

    race_state = 0x9e3779b97f4a7c15ull * (seed + 1u);
    tp_yield = maybe_change_over;
    for (unsigned k = 0; k < steps; k++) {
        if (race_rnd(4) == 0)
            who = race_rnd(world_cpus); /* bursts: one gets far while another stands still */
        now += 1 + race_rnd(race_rnd(50) ? 200 : 100000);
        resume(who);
        const char *broken = core->check();
        if (broken)
            prop_fail("%s (pCPUs inside the core)", broken);
    }
    tp_yield = NULL;
    world_settle();
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

unsigned world_caller(unsigned c, const struct domain *d)
{
    for (unsigned i = 0; i < world_cpus; i++) {
        unsigned at = (c + i) % world_cpus;
        if (sched_res(pcpu(at))->curr->domain != d)
            return at;
    }
    return world_cpus;
}

void world_check(void)
{
    const char *broken = core->check();
    if (broken)
        prop_fail("%s", broken);
    if (tp_locks_held())
        prop_fail("%u locks are held", tp_locks_held());
}

void world_boot(const struct prop_case *k)
{
    static const struct tp_machine machines[PROP_MACHINES] = {
        {1, 1, 1, 1, 65536}, {2, 1, 2, 1, 65536}, {2, 1, 4, 2, 65536}, {2, 2, 2, 2, 65536}};
    const struct tp_machine *m = &machines[k->machine];

    tp_reset();
    tp_panic_hook = prop_panic;
    core = hv_core_get();
    now = 0;
    world_cpus = m->nodes * m->sockets_per_node * m->cores * m->threads;
    struct hv_boot_info *info = tp_boot_info(m, hv_profile_find(k->level));
    info->opt = (struct hv_options)HV_OPTIONS_DEFAULT;
    info->opt.sched = k->sched;
    info->opt.sched_gran = (enum hv_sched_gran)k->gran;
    if (k->options & 1)
        info->opt.timer_slop = 0;
    if (k->options & 2)
        info->opt.sched_ratelimit_us = 0;
    if (k->options & 4)
        info->opt.vcpu_migration_delay = 500;
    if (k->options & 8)
        info->opt.credit2_balance_under = 1;
    if (k->options & 16)
        info->opt.tickle_one_idle_cpu = false;
    if (k->options & 32)
        info->opt.sched_smt_power_savings = true;
    info->opt.credit2_runqueue = (enum hv_credit2_runqueue)((k->options >> 6) % (HV_RUNQ_all + 1));
    if (core->boot(info))
        prop_fail("the core does not boot");
    tp_spin = to_main;
    for (unsigned c = 0; c < world_cpus; c++) {
        parked[c] = false;
        job[c].fn = NULL;
        getcontext(&ctx[c]);
        ctx[c].uc_stack.ss_sp = stack[c];
        ctx[c].uc_stack.ss_size = STACK;
        ctx[c].uc_link = NULL;
        makecontext(&ctx[c], cpu_loop, 0);
        resume(c);
    }
    world_settle();
}
