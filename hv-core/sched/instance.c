/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boot of the scheduler; its state for people (debug key 'r'). */
#include "framework.h"

static bool smt_power_savings; /* for the dump; the policies have their own */

int scheduler_init(const struct hv_options *opt)
{
    smt_power_savings = opt->sched_smt_power_savings;
    sched_locks_reset();
    cpupools_reset();
    sched_open_softirqs();
    return cpupool0_init(opt);
}

void sched_cpu_start(void)
{
    int rc = cpupool0_add_this_cpu();
    if (rc)
        hv_printk("pCPU %u cannot join pool 0 (error %d)\n", port_this_cpu().n, -rc);
    BUG_ON(rc && pcpu_eq(port_this_cpu(), pcpu(0)));
}

void sched_default(unsigned *id, char *name, size_t n)
{
    const struct sched_policy *policy = cpupool_find(0)->sched.policy;
    *id = policy->id;
    hv_snprintf(name, n, "%s", policy->opt_name);
}

/* ---- debug key 'r' ---------------------------------------------------------------------------------------------- */

/* As Xen prints masks: "0-3,5"; nothing for an empty one. */
void cpumask_print(char *buf, size_t n, const cpumask_t *m)
{
    size_t at = 0;
    pcpu_id c = cpumask_first(m);

    buf[0] = 0;
    while (pcpu_valid(c) && at < n) {
        pcpu_id last = c, next;
        while (next = cpumask_next(last, m), pcpu_valid(next) && next.n == last.n + 1)
            last = next;
        int len = last.n == c.n ? hv_snprintf(buf + at, n - at, "%s%u", at ? "," : "", c.n)
                                : hv_snprintf(buf + at, n - at, "%s%u-%u", at ? "," : "", c.n, last.n);
        at += (size_t)len;
        c = next;
    }
}

static void dump_pool(struct cpupool *p)
{
    static const char *const gran[] = {"cpu", "core", "socket"};
    struct scheduler *s = &p->sched;
    char cpus[256];
    pcpu_id c;

    cpumask_print(cpus, sizeof(cpus), &p->cpus);
    hv_printk("Cpupool %u:\nCpus: %s\n", p->id, cpus);
    hv_printk("Scheduling granularity: %s, %u CPU%s per sched-resource\n", gran[p->gran], p->granularity,
              p->granularity == 1 ? "" : "s");
    hv_printk("Scheduler: %s (%s)\n", s->policy->name, s->policy->opt_name);
    if (s->policy->dump_settings)
        s->policy->dump_settings(s);
    hv_printk("CPUs info:\n");
    for_each_cpu (c, &p->res) {
        const struct vcpu *v = sched_current(c);
        const struct sched_unit *curr = curr_on_cpu(c), *prev = sched_res(c)->prev;
        hv_printk("CPU[%02u] current=d%uv%u, curr=d%uv%u, prev=", c.n, v->domain->id.n, v->id.n, curr->domain->id.n,
                  curr->id);
        if (prev)
            hv_printk("d%uv%u\n", prev->domain->id.n, prev->id);
        else
            hv_printk("NULL\n");
        if (s->policy->dump_cpu)
            s->policy->dump_cpu(s, c);
    }
}

void sched_dump(void)
{
    struct list_head *pos;
    char cpus[256];

    cpumask_print(cpus, sizeof(cpus), &hv_cpu_online);
    hv_printk("sched_smt_power_savings: %s\n", smt_power_savings ? "enabled" : "disabled");
    hv_printk("NOW=%lld\nOnline Cpus: %s\n", (long long)port_now(), cpus);
    if (!cpumask_empty(&hv_cpupool_free)) {
        cpumask_print(cpus, sizeof(cpus), &hv_cpupool_free);
        hv_printk("Free Cpus: %s\n", cpus);
    }
    list_for_each (pos, &hv_cpupool_list)
        dump_pool(list_entry(pos, struct cpupool, link));
}
