/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each allocation in turn fails, of each class, on every path that allocates: the call is refused and nothing is lost,
 * or it is done all the same.
 */
#include "sched_fixture.h"

#include <hv/cpupool.h>
#include <hv/mm.h>
#include <hv/tasklet.h>
#include <hv/timer.h>

#define TYPICAL_MAX 200u /* allocations of one path; above: it never gets through */

static const char *const class_name[] = {"guest", "xenheap", "xmalloc"};

static uint64_t free_now(void)
{
    return avail_pages();
}

static long create(void)
{
    struct hv_domctl op = {.cmd = XEN_DOMCTL_createdomain, .domid = DOM_INVALID};
    long rc = do_domctl(&op);
    if (rc)
        return rc;
    struct domain *d = domain_find(op.domid);
    op = (struct hv_domctl){.cmd = XEN_DOMCTL_max_vcpus, .domid = d->id, .u.max_vcpus.max = 3};
    rc = do_domctl(&op);
    if (!rc) {
        op = (struct hv_domctl){.cmd = XEN_DOMCTL_max_mem, .domid = d->id, .u.max_mem.max_memkb = 8192};
        rc = do_domctl(&op);
    }
    if (!rc) {
        struct hv_memory_op m = {.cmd = XENMEM_populate_physmap, .domid = d->id, .nr_extents = 8};
        while ((rc = hv_core_get()->hypercall(HYPERCALL_memory_op, &m)) == -HV_ERESTART)
            ;
        rc = rc == 8 ? 0 : -HV_ENOMEM;
    }
    fx_check();
    while (fx_op(d, XEN_DOMCTL_destroydomain) == -HV_ERESTART)
        ;
    CU_ASSERT_PTR_NULL(domain_find(op.domid));
    return rc;
}

static long make_pool(void)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_cpupool_op};
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
    op.u.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT;
    op.u.cpupool_op.cpupool = XEN_SYSCTL_CPUPOOL_ANY;
    long rc = do_sysctl(&op);
    if (rc)
        return rc;
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_DESTROY;
    CU_ASSERT_EQUAL(do_sysctl(&op), 0);
    return 0;
}

static long hotplug(unsigned cpu, bool online)
{
    struct hv_sysctl op = {.cmd = XEN_SYSCTL_cpu_hotplug};
    op.u.cpu_hotplug.cpu = cpu;
    op.u.cpu_hotplug.online = online;
    long rc = do_sysctl(&op);
    for (unsigned i = 0; rc == -HV_ERESTART && i < 10; i++) {
        fx_settle();
        rc = do_sysctl(&op);
    }
    return rc;
}

/* pCPU 3 is off; it comes back, or stays off. */
static long plug(void)
{
    long rc = hotplug(3, true);
    fx_settle();
    CU_ASSERT_EQUAL(tp_cpu[3].dead, rc != 0);
    fx_check();
    if (!rc)
        CU_ASSERT_EQUAL(hotplug(3, false), 0);
    fx_settle();
    CU_ASSERT_TRUE(tp_cpu[3].dead);
    return rc;
}

static void each_fails_in_turn(const char *sched, const char *what, long (*path)(void))
{
    for (unsigned class = 0; class < HV_ALLOC_NR; class ++) {
        unsigned n = 1, refused = 0;
        for (;; n++) {
            uint64_t before = free_now();
            tp_alloc_fails_at[class] = n;
            long rc = path();
            bool struck = tp_alloc_fails_at[class] == 0;
            tp_alloc_fails_at[class] = 0;
            fx_check();
            CU_ASSERT_EQUAL(free_now(), before);
            CU_ASSERT_TRUE(rc == 0 || rc == -HV_ENOMEM);
            if (rc && !struck)
                printf("%s, %s, %s: error %ld\n", sched, what, class_name[class], -rc);
            CU_ASSERT_TRUE(rc == 0 || struck);
            refused += rc != 0;
            if (!struck || n == TYPICAL_MAX)
                break;
        }
        CU_ASSERT_TRUE(n < TYPICAL_MAX);
        /* Objects are small: now and then one finds room. */
        CU_ASSERT_TRUE(n == 1 || refused > 0);
    }
}

static const char *const scheds[] = {"credit", "credit2", "rtds", "null", "arinc653"};

static void boot(const char *sched)
{
    fx_boot_sched(MACHINE_4, "modern", sched);
    fx_settle();
}

static void domains(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(scheds); i++) {
        boot(scheds[i]);
        each_fails_in_turn(scheds[i], "create", create);
    }
}

static void pools(void)
{
    boot("credit");
    each_fails_in_turn("credit", "pool", make_pool);
}

static void plugging(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(scheds); i++) {
        boot(scheds[i]);
        CU_ASSERT_EQUAL_FATAL(hotplug(3, false), 0);
        fx_settle();
        CU_ASSERT_TRUE(tp_cpu[3].dead);
        each_fails_in_turn(scheds[i], "plug", plug);
    }
}

/* What is set on a pCPU that goes is done by another one; also what is set later. */
static unsigned fired;
static void on_timer(void *unused)
{
    (void)unused;
    fired++;
}

static void timers_of_a_pcpu_that_goes(void)
{
    static struct timer now, later;
    boot("credit");
    fired = 0;
    timer_init(&now, on_timer, NULL, pcpu(3));
    timer_init(&later, on_timer, NULL, pcpu(3));
    timer_set(&now, MILLISECS(5));
    CU_ASSERT_EQUAL_FATAL(hotplug(3, false), 0);
    fx_settle();
    CU_ASSERT_NOT_EQUAL(now.cpu.n, 3);
    timer_set(&later, MILLISECS(6));
    CU_ASSERT_NOT_EQUAL(later.cpu.n, 3);
    fx_check();
    tp_run_until(MILLISECS(7), NULL);
    CU_ASSERT_EQUAL(fired, 2);
    CU_ASSERT_EQUAL(tp_cpu[3].timer, S_TIME_MAX);
    CU_ASSERT_EQUAL(hotplug(3, true), 0);
    fx_settle();
    CU_ASSERT_FALSE(tp_cpu[3].dead);
}

static void work(void *n)
{
    ++*(unsigned *)n;
}

static void tasklets_of_a_pcpu_that_goes(void)
{
    static struct tasklet t;
    static unsigned done;
    boot("credit");
    done = 0;
    tasklet_init(&t, work, &done);
    tp_set_cpu(0);
    tasklet_schedule_on(&t, pcpu(3));
    tasklets_leave(pcpu(3), pcpu(1));
    tp_settle(3);
    CU_ASSERT_EQUAL(done, 0);
    fx_settle();
    CU_ASSERT_EQUAL(done, 1);
    fx_check();
}

static const struct cunit_case tests[] = {
    {"of a domain that is made", domains},
    {"of a pool that is made", pools},
    {"of a pCPU that is plugged in", plugging},
    {"timers of a pCPU that goes fire elsewhere", timers_of_a_pcpu_that_goes},
    {"tasklets of a pCPU that goes are done elsewhere", tasklets_of_a_pcpu_that_goes},
};

CUNIT_MAIN("hv-core allocation faults and pCPUs that go", tests)
