/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cpupools (hv/cpupool.h), and pCPUs that are switched off and on. All under the sysctl lock.
 *
 * A pCPU leaves its pool in two steps. It leaves the masks, and what is on it is sent away; then a tasklet on the pCPU
 * itself, whose running means that nothing else does, hands it over. The hypercall is continued until then, its vCPU
 * asleep. (Xen runs the second step in a tasklet on another pCPU, and lets the caller retry while a vCPU is still
 * there.)
 */
#include "framework.h"

#include <hv/mm.h>
#include <hv/tasklet.h>

struct list_head hv_cpupool_list = LIST_HEAD_INIT(hv_cpupool_list);
cpumask_t hv_cpupool_free;

static struct hv_options boot_options;

struct cpupool *cpupool_find(unsigned id)
{
    struct list_head *pos;
    list_for_each (pos, &hv_cpupool_list) {
        struct cpupool *p = list_entry(pos, struct cpupool, link);
        if (p->id == id)
            return p;
    }
    return NULL;
}

/* ---- making and unmaking ---------------------------------------------------------------------------------------- */

/* id ANY: the lowest that is free. */
static int pool_create(unsigned id, const struct sched_policy *policy, enum hv_sched_gran gran, struct cpupool **out)
{
    struct list_head *pos = &hv_cpupool_list;

    if (id == XEN_SYSCTL_CPUPOOL_ANY)
        for (id = 0; cpupool_find(id); id++)
            ;
    else if (cpupool_find(id))
        return -HV_EEXIST;
    struct cpupool *p = hv_zalloc(sizeof(*p));
    if (!p)
        return -HV_ENOMEM;
    p->id = id;
    p->gran = gran;
    p->sched = (struct scheduler){.policy = policy, .pool = p};
    int rc = policy->init(&p->sched, &boot_options);
    if (rc) {
        hv_free(p);
        return rc;
    }
    list_for_each (pos, &hv_cpupool_list) {
        if (list_entry(pos, struct cpupool, link)->id > id)
            break;
    }
    list_add_tail(&p->link, pos);
    *out = p;
    return 0;
}

static int pool_destroy(struct cpupool *p)
{
    if (p->nr_domains || !cpumask_empty(&p->cpus))
        return -HV_EBUSY;
    list_del_init(&p->link);
    if (p->sched.policy->deinit)
        p->sched.policy->deinit(&p->sched);
    hv_free(p);
    return 0;
}

/* ---- pCPUs join ------------------------------------------------------------------------------------------------- */

/* The pCPUs that are scheduled together with c. */
static void group_of(pcpu_id c, enum hv_sched_gran gran, cpumask_t *out)
{
    cpumask_clear_all(out);
    cpumask_set(out, c);
    if (gran != HV_GRAN_cpu)
        cpumask_and(out, gran == HV_GRAN_core ? cpu_sibling_mask(c) : cpu_socket_mask(c), &hv_cpu_online);
}

static int pool_add(struct cpupool *p, pcpu_id c)
{
    cpumask_t group;
    group_of(c, p->gran, &group);
    unsigned granularity = cpumask_weight(&group);

    if (!cpumask_subset(&group, &hv_cpupool_free))
        return -HV_EBUSY;
    if (p->granularity && p->granularity != granularity)
        return -HV_EINVAL;
    int rc = sched_give_cpus(&p->sched, &group);
    if (rc)
        return rc;
    p->granularity = granularity;
    cpumask_andnot(&hv_cpupool_free, &hv_cpupool_free, &group);
    cpumask_or(&p->cpus, &p->cpus, &group);
    cpumask_set(&p->res, cpumask_first(&group));
    return 0;
}

static void update_node_affinities(struct cpupool *p)
{
    struct list_head *pos;
    list_for_each (pos, &hv_domain_list) {
        struct domain *d = list_entry(pos, struct domain, link);
        if (d->cpupool == p)
            domain_update_node_affinity(d);
    }
}

int cpupool0_init(const struct hv_options *opt)
{
    struct cpupool *p;
    const struct sched_policy *policy = opt->sched ? sched_policy_by_name(opt->sched) : NULL;

    list_init(&hv_cpupool_list);
    cpumask_clear_all(&hv_cpupool_free);
    boot_options = *opt;
    if (!policy) {
        policy = sched_policies[0];
        hv_printk("Could not find scheduler: %s\nUsing '%s' (%s)\n", opt->sched, policy->name, policy->opt_name);
    }
    return pool_create(0, policy, opt->sched_gran, &p);
}

int cpupool0_add_this_cpu(void)
{
    struct cpupool *p = cpupool_find(0);
    pcpu_id c = port_this_cpu();
    cpumask_t group;

    cpumask_set(&hv_cpupool_free, c);
    group_of(c, p->gran, &group);
    if (!cpumask_subset(&group, &hv_cpupool_free))
        return 0; /* its last one takes them all along */
    return pool_add(p, c);
}

/* ---- pCPUs leave: one at a time --------------------------------------------------------------------------------- */

static struct {
    struct tasklet tasklet;
    struct cpupool *pool; /* NULL: nothing is under way */
    pcpu_id master;
    cpumask_t cpus;
    bool done;
    struct vcpu *waiter; /* whose hypercall this is, NULL: not one of a guest's */
} leaving;

void cpupools_reset(void)
{
    leaving.pool = NULL;
    leaving.waiter = NULL;
}

/* Masters only: a pool that keeps a resource, or has nobody to use it. */
static bool may_leave(const struct cpupool *p, pcpu_id master)
{
    struct list_head *pos;
    if (cpumask_weight(&p->res) > 1)
        return true;
    list_for_each (pos, &hv_domain_list) {
        if (list_entry(pos, struct domain, link)->cpupool == p)
            return false;
    }
    return p->nr_domains == 0;
}

/* On the master, in its idle vCPU. */
static void leave_now(void *unused)
{
    bool left = false;

    if (domctl_trylock()) {
        left = sched_evacuate(leaving.pool, leaving.master) && sched_take_cpus(leaving.master);
        domctl_unlock();
    }
    if (!left) {
        tasklet_schedule_on(&leaving.tasklet, leaving.master);
        return;
    }
    cpumask_or(&hv_cpupool_free, &hv_cpupool_free, &leaving.cpus);
    if (cpumask_empty(&leaving.pool->res))
        leaving.pool->granularity = 0;
    __atomic_store_n(&leaving.done, true, __ATOMIC_RELEASE);
    struct vcpu *v = leaving.waiter;
    if (v) {
        leaving.waiter = NULL;
        vcpu_flag_clear(v, VPF_blocked_in_xen);
        vcpu_wake(v);
    }
}

/* Something else than c of p is on its way; what is done and was not asked for again does not count. */
static bool leaving_busy(const struct cpupool *p, pcpu_id c)
{
    if (!leaving.pool || (leaving.pool == p && cpumask_test(&leaving.cpus, c)))
        return false;
    if (!__atomic_load_n(&leaving.done, __ATOMIC_ACQUIRE))
        return true;
    leaving.pool = NULL;
    return false;
}

static long pool_remove(struct cpupool *p, pcpu_id c)
{
    if (leaving_busy(p, c))
        return -HV_EBUSY;
    if (leaving.pool) {
        if (!__atomic_load_n(&leaving.done, __ATOMIC_ACQUIRE))
            return -HV_ERESTART;
        leaving.pool = NULL;
        return 0;
    }
    if (!cpumask_test(&p->cpus, c))
        return -HV_ENODEV;
    pcpu_id master = sched_master(c);
    if (!may_leave(p, master))
        return -HV_EBUSY;

    cpumask_copy(&leaving.cpus, &sched_res(master)->cpus);
    cpumask_andnot(&p->cpus, &p->cpus, &leaving.cpus);
    cpumask_clear(&p->res, master);
    leaving.pool = p;
    leaving.master = master;
    leaving.done = false;
    tasklet_init(&leaving.tasklet, leave_now, NULL);
    struct vcpu *v = sched_current(port_this_cpu());
    if (!is_idle_vcpu(v)) {
        leaving.waiter = v;
        vcpu_flag_set(v, VPF_blocked_in_xen);
        vcpu_sleep_nosync(v);
    }
    sched_evacuate(p, master);
    update_node_affinities(p);
    tasklet_schedule_on(&leaving.tasklet, master);
    return -HV_ERESTART;
}

/* ---- the hypercalls --------------------------------------------------------------------------------------------- */

static void copy_word(char *to, size_t n, const char *from)
{
    size_t i = 0;
    for (; from[i] && i + 1 < n; i++)
        to[i] = from[i];
    to[i] = 0;
}

static long op_create(struct hv_sysctl *op)
{
    struct cpupool *p;
    const struct sched_policy *policy = sched_policy_by_id(op->u.cpupool_op.sched_id);
    if (!policy)
        return -HV_ENOENT;
    if ((unsigned)op->u.cpupool_op.gran > HV_GRAN_socket)
        return -HV_EINVAL;
    int rc = pool_create(op->u.cpupool_op.cpupool, policy, op->u.cpupool_op.gran, &p);
    if (!rc)
        op->u.cpupool_op.cpupool = p->id;
    return rc;
}

static long op_info(struct hv_sysctl *op)
{
    struct list_head *pos;
    list_for_each (pos, &hv_cpupool_list) {
        const struct cpupool *p = list_entry(pos, struct cpupool, link);
        if (p->id < op->u.cpupool_op.cpupool)
            continue;
        op->u.cpupool_op.cpupool = p->id;
        op->u.cpupool_op.sched_id = p->sched.policy->id;
        copy_word(op->u.cpupool_op.sched_name, sizeof(op->u.cpupool_op.sched_name), p->sched.policy->opt_name);
        op->u.cpupool_op.gran = p->gran;
        op->u.cpupool_op.n_dom = p->nr_domains;
        op->u.cpupool_op.cpumap = (cpumask_t){{0}};
        cpumask_copy(&op->u.cpupool_op.cpumap, &p->cpus);
        return 0;
    }
    return -HV_ENOENT;
}

static long op_addcpu(struct hv_sysctl *op)
{
    struct cpupool *p = cpupool_find(op->u.cpupool_op.cpupool);
    unsigned cpu = op->u.cpupool_op.cpu;
    if (!p)
        return -HV_ENOENT;
    if (leaving_busy(NULL, pcpu(0)))
        return -HV_EBUSY;
    if (cpu == XEN_SYSCTL_CPUPOOL_ANY) {
        if (cpumask_empty(&hv_cpupool_free))
            return -HV_ENODEV;
        cpu = cpumask_first(&hv_cpupool_free).n;
    }
    if (cpu >= hv_nr_cpus || !cpumask_test(&hv_cpu_online, pcpu(cpu)))
        return -HV_ENODEV;
    long rc = pool_add(p, pcpu(cpu));
    if (!rc)
        update_node_affinities(p);
    return rc;
}

static long op_movedomain(struct hv_sysctl *op)
{
    struct domain *d = domain_find(op->u.cpupool_op.domid);
    struct cpupool *p = cpupool_find(op->u.cpupool_op.cpupool);
    if (!d)
        return -HV_ESRCH;
    if (d->id.n == 0 || d == sched_current(port_this_cpu())->domain)
        return -HV_EINVAL;
    if (!p)
        return -HV_ENOENT;
    if (p == d->cpupool)
        return 0;
    if (cpumask_empty(&p->res))
        return -HV_ENOENT;
    return sched_move_domain(d, p);
}

long cpupool_do_sysctl(struct hv_sysctl *op)
{
    struct cpupool *p = cpupool_find(op->u.cpupool_op.cpupool);

    switch (op->u.cpupool_op.op) {
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
        return op_create(op);
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
        if (!p)
            return -HV_ENOENT;
        return p->id == 0 || leaving_busy(NULL, pcpu(0)) ? -HV_EBUSY : pool_destroy(p);
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        return op_info(op);
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
        return op_addcpu(op);
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        if (!p)
            return -HV_ENOENT;
        return op->u.cpupool_op.cpu < hv_nr_cpus ? pool_remove(p, pcpu(op->u.cpupool_op.cpu)) : -HV_ENODEV;
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return op_movedomain(op);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        op->u.cpupool_op.cpumap = (cpumask_t){{0}};
        cpumask_copy(&op->u.cpupool_op.cpumap, &hv_cpupool_free);
        return 0;
    }
    return -HV_ENOSYS;
}

/* ---- off and on ------------------------------------------------------------------------------------------------- */

/* Timers of guests that were armed on a pCPU go where their vCPU is. */
static void timers_follow(pcpu_id off)
{
    struct list_head *pos;
    struct vcpu *v;
    unsigned i;
    list_for_each (pos, &hv_domain_list) {
        struct domain *d = list_entry(pos, struct domain, link);
        for_each_vcpu(d, v, i)
        {
            if (pcpu_eq(v->singleshot_timer.cpu, off))
                timer_migrate(&v->singleshot_timer, v->processor);
        }
    }
}

/*
 * It is of no pool. Its idle loop is told, sees that it is off, gives away what is left there and stops (core.c). From
 * then on nobody sends it anything.
 */
static void cpu_goes(pcpu_id off)
{
    cpumask_clear(&hv_cpupool_free, off);
    timers_follow(off);
    softirq_raise_on(off, SCHEDULE_SOFTIRQ);
    cpumask_clear(&hv_cpu_online, off);
}

long cpu_hotplug_do_sysctl(struct hv_sysctl *op)
{
    struct cpupool *p = cpupool_find(0);
    unsigned cpu = op->u.cpu_hotplug.cpu;

    if (cpu >= hv_nr_cpus)
        return -HV_EINVAL;
    if (p->gran != HV_GRAN_cpu)
        return -HV_EOPNOTSUPP;
    bool online = cpumask_test(&hv_cpu_online, pcpu(cpu));
    if (online == op->u.cpu_hotplug.online)
        return -HV_EINVAL;
    if (op->u.cpu_hotplug.online) {
        if (leaving_busy(NULL, pcpu(cpu)))
            return -HV_EBUSY;
        cpumask_set(&hv_cpu_online, pcpu(cpu));
        cpumask_set(&hv_cpupool_free, pcpu(cpu));
        port_cpu_up(pcpu(cpu));
        int rc = pool_add(p, pcpu(cpu));
        if (rc) {
            cpu_goes(pcpu(cpu));
            return rc;
        }
        update_node_affinities(p);
        return 0;
    }
    if (cpu == 0)
        return -HV_EBUSY;
    if (cpumask_test(&p->cpus, pcpu(cpu)) || (leaving.pool == p && cpumask_test(&leaving.cpus, pcpu(cpu)))) {
        long rc = pool_remove(p, pcpu(cpu));
        if (rc)
            return rc;
    } else if (!cpumask_test(&hv_cpupool_free, pcpu(cpu))) {
        return -HV_EINVAL;
    }
    cpu_goes(pcpu(cpu));
    return 0;
}

/* ---- invariants ------------------------------------------------------------------------------------------------- */

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            return "cpupool: " #cond;                                                                                  \
    } while (0)

const char *cpupool_check(void)
{
    cpumask_t seen;
    struct list_head *pos, *dpos;
    pcpu_id c;

    cpumask_copy(&seen, &hv_cpupool_free);
    CHECK(cpumask_subset(&hv_cpupool_free, &hv_cpu_online));
    list_for_each (pos, &hv_cpupool_list) {
        const struct cpupool *p = list_entry(pos, struct cpupool, link);
        unsigned domains = 0;
        CHECK(!cpumask_intersects(&seen, &p->cpus));
        CHECK(cpumask_subset(&p->res, &p->cpus));
        CHECK(cpumask_weight(&p->cpus) == cpumask_weight(&p->res) * p->granularity);
        cpumask_or(&seen, &seen, &p->cpus);
        for_each_cpu (c, &p->res) {
            CHECK(sched_master(c).n == c.n);
            CHECK(sched_res(c)->sched == &p->sched);
            CHECK(cpumask_subset(&sched_res(c)->cpus, &p->cpus));
        }
        list_for_each (dpos, &hv_domain_list)
            domains += list_entry(dpos, struct domain, link)->cpupool == p;
        CHECK(domains == p->nr_domains);
    }
    return NULL;
}
