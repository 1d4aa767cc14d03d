/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pCPUs that really interleave: each runs the core on a stack of its own, and wherever the port may let time pass
 * another one may go on. Guests block, yield and compute; two vCPUs of dom0 create, change and destroy domains at the
 * same time. Whatever the order: no deadlock, no use of freed memory (address sanitizer), the invariants hold at any
 * moment as far as they can, and all of them whenever nobody is inside the core.
 */
#include "sched_fixture.h"

#include <stdlib.h>
#include <ucontext.h>

#define MAX_CPUS 8u
#define STACK (256u * 1024u)
#define MAX_ID 8u

static const struct hv_core *core;
static ucontext_t main_ctx, ctx[MAX_CPUS];
static char *stack[MAX_CPUS];
static unsigned ncpus;
static bool draining, parked[MAX_CPUS];
static unsigned long done, refused;

static uint64_t seed;
static uint32_t rnd(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 24) % n;
}

static void to_main(void)
{
    unsigned self = port_this_cpu().n;
    swapcontext(&ctx[self], &main_ctx);
}

/* Not at each place: some pieces of code then run in one go, as they mostly do. */
static void maybe_yield(void)
{
    if (rnd(3) == 0)
        to_main();
}

static long domctl(enum hv_domctl_cmd cmd, unsigned id, struct hv_domctl *op)
{
    op->cmd = cmd;
    op->domid = dom(id);
    long rc = core->hypercall(HYPERCALL_domctl, op);
    done++;
    refused += rc == -HV_ERESTART;
    return rc;
}

/* What a vCPU of dom0 does. The other one may do something else with the same domain at the same time. */
static void toolstack_call(void)
{
    struct hv_domctl op = {0};
    unsigned id = 1 + rnd(MAX_ID);
    switch (rnd(12)) {
    case 0:
        domctl(XEN_DOMCTL_createdomain, id, &op);
        break;
    case 1:
        op.u.max_vcpus.max = 1 + rnd(4);
        domctl(XEN_DOMCTL_max_vcpus, id, &op);
        break;
    case 2:
    case 3:
        op.u.max_vcpus.max = 1 + rnd(4);
        domctl(XEN_DOMCTL_online_vcpus, id, &op);
        break;
    case 4:
        domctl(XEN_DOMCTL_pausedomain, id, &op);
        break;
    case 5:
    case 6:
    case 7:
        domctl(XEN_DOMCTL_unpausedomain, id, &op);
        break;
    case 8:
        op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
        op.u.vcpuaffinity.vcpu = vcpu_n(rnd(4));
        op.u.vcpuaffinity.cpumap.w[0] = 1 + rnd((1u << ncpus) - 1);
        domctl(XEN_DOMCTL_setvcpuaffinity, id, &op);
        break;
    case 9:
        op.u.nodeaffinity.nodemap.w = 1 + rnd(3);
        domctl(XEN_DOMCTL_setnodeaffinity, id, &op);
        break;
    case 10:
        op.u.scheduler_op.put = true;
        op.u.scheduler_op.weight = rnd(2) ? 1 + rnd(1000) : 0;
        op.u.scheduler_op.cap = rnd(3) ? 0xffff : rnd(100);
        domctl(XEN_DOMCTL_scheduler_op, id, &op);
        break;
    default:
        if (rnd(2) == 0) {
            domctl(XEN_DOMCTL_getdomaininfo, id, &op);
            break;
        }
        /* Destroyed while its vCPUs are on the move. */
        for (unsigned k = 0; k < 4; k++) {
            op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
            op.u.vcpuaffinity.vcpu = vcpu_n(k);
            op.u.vcpuaffinity.cpumap.w[0] = 1 + rnd((1u << ncpus) - 1);
            domctl(XEN_DOMCTL_setvcpuaffinity, id, &op);
        }
        domctl(XEN_DOMCTL_destroydomain, id, &op);
        break;
    }
}

static void guest_call(struct vcpu *v)
{
    struct hv_sched_op op = {rnd(3) ? SCHEDOP_block : SCHEDOP_yield};
    if (op.cmd == SCHEDOP_block) {
        struct hv_set_timer_op t = {port_now() + 1 + rnd(20000)};
        v->upcall_pending = false;
        core->hypercall(HYPERCALL_set_timer_op, &t);
    }
    core->hypercall(HYPERCALL_sched_op, &op);
}

static void cpu_loop(void)
{
    unsigned self = port_this_cpu().n;
    core->cpu_start();
    for (;;) {
        core->return_to_guest();
        parked[self] = true;
        to_main();
        while (draining)
            to_main();
        parked[self] = false;
        struct tp_cpu *c = &tp_cpu[self];
        if (c->timer != S_TIME_MAX && c->timer + 1 <= port_now()) {
            c->timer = S_TIME_MAX;
            core->timer_interrupt();
        }
        if (c->ipi_at <= port_now()) {
            c->ipi_at = S_TIME_MAX;
            core->event_check_interrupt();
        }
        struct vcpu *v = core->current(pcpu(self));
        if (is_idle_vcpu(v))
            continue;
        if (v->domain->id.n == 0 && rnd(4) == 0)
            toolstack_call();
        else if (rnd(5) == 0)
            guest_call(v);
    }
}

static s_time_t now;

static void resume(unsigned c)
{
    now += 1 + rnd(rnd(50) ? 200 : 100000);
    tp_set_time(now);
    tp_set_cpu(c);
    swapcontext(&main_ctx, &ctx[c]);
}

/* Let every pCPU finish what it is at, and no more; then all invariants have to hold. */
static void drain_and_check(void)
{
    draining = true;
    for (unsigned left = 1, turns = 0; left; turns++) {
        CU_ASSERT_TRUE_FATAL(turns < 200000); /* deadlock */
        left = 0;
        for (unsigned c = 0; c < ncpus; c++)
            left += !parked[c];
        unsigned c = rnd(ncpus);
        if (left && !parked[c])
            resume(c);
        else if (left) { /* who spins waits for others to deschedule: they have to take their interrupts */
            draining = turns % 64 < 32;
            resume(c);
            draining = true;
        }
    }
    draining = false;
    CU_ASSERT_TRUE_FATAL(hv_quiescent());
    fx_check();
    CU_ASSERT_EQUAL_FATAL(tp_locks_held(), 0);
}

static void interleave(const char *level, unsigned round)
{
    static const struct tp_machine machines[] = {{1, 1, 2, 1, 65536}, {2, 1, 2, 1, 65536}, {2, 1, 2, 2, 65536}};
    const struct tp_machine *m = &machines[round % ARRAY_SIZE(machines)];
    ncpus = m->nodes * m->cores * m->threads;
    seed = 0x9e3779b97f4a7c15ull + round;
    core = hv_core_get();
    now = 0;
    draining = false;
    tp_reset();
    /* Neither slop nor rate limit: as much switching as possible. */
    struct hv_boot_info *info = tp_boot_info(m, hv_profile_find(level));
    info->opt.timer_slop = 0;
    info->opt.sched_ratelimit_us = 0;
    CU_ASSERT_EQUAL_FATAL(core->boot(info), 0);
    for (unsigned c = 0; c < ncpus; c++) {
        parked[c] = false;
        getcontext(&ctx[c]);
        stack[c] = malloc(STACK);
        ctx[c].uc_stack.ss_sp = stack[c];
        ctx[c].uc_stack.ss_size = STACK;
        ctx[c].uc_link = NULL;
        makecontext(&ctx[c], cpu_loop, 0);
        resume(c);
    }
    tp_set_cpu(0);
    drain_and_check();
    CU_ASSERT_EQUAL_FATAL(core->construct_dom0(2, 16 << 20), 0);
    struct hv_domctl op = {.cmd = XEN_DOMCTL_unpausedomain, .domid = dom(0)};
    tp_set_cpu(0);
    CU_ASSERT_EQUAL_FATAL(core->hypercall(HYPERCALL_domctl, &op), 0);

    tp_yield = maybe_yield;
    unsigned who = 0;
    for (unsigned k = 0; k < 60000; k++) {
        if (rnd(4) == 0)
            who = rnd(ncpus); /* bursts: one gets far while another stands still */
        resume(who);
        if (k % 16 == 0)
            fx_check();
        if (k % 2000 == 1999)
            drain_and_check();
    }
    tp_yield = NULL;
    for (unsigned c = 0; c < ncpus; c++)
        free(stack[c]);
}

static void nothing_breaks_in_any_order(void)
{
    done = refused = 0;
    for (unsigned round = 0; round < 6; round++) {
        interleave("xen-4.3", round);
        interleave("modern", round);
        interleave("fixed", round);
    }
    CU_ASSERT_TRUE(done > 1000); /* it did something ... */
    CU_ASSERT_TRUE(refused > 0); /* ... and calls met */
}

static const struct cunit_case tests[] = {
    {"pCPUs interleave in any order", nothing_breaks_in_any_order},
};

CUNIT_MAIN("hv-core scheduler, interleaved", tests)
