/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metrics.h"

#include "csv.h"
#include "json.h"
#include "metric_text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const struct metric_def metric_defs[] = {
    {"vm.throughput", "by workload", "Work done per second by all vCPUs of the VM, in the unit of its workload"},
    {"vm.benchmark_time", "s",
     "Time that one run of the benchmark takes at the measured speed (workloads that report a time)"},
    {"vm.instructions", "instructions", "Guest instructions executed by all vCPUs of the VM"},
    {"vm.cpu_seconds", "s", "Time that vCPUs of the VM spent running, summed over them"},
    {"vm.runnable_seconds", "s", "Time that vCPUs of the VM waited for a pCPU, summed over them"},
    {"vm.blocked_seconds", "s", "Time that vCPUs of the VM had nothing to do, summed over them"},
    {"vm.warmup_seconds", "s", "Time that vCPUs of the VM spent refilling caches after they lost them"},
    {"vm.local_access_fraction", "1",
     "Share of memory accesses that went to the node of the pCPU that made them; absent without any"},
    {"vm.migrations", "count", "Times that a vCPU of the VM went on running on another pCPU than before"},
    {"vm.context_switches", "count",
     "Times that a pCPU switched to a vCPU of the VM from another one, idle vCPU included"},
    {"vm.expected_local_fraction", "1",
     "Share of the VM's pages on the node of a pCPU that its vCPUs prefer (soft or node affinity, within the hard "
     "one), on average, at "
     "the "
     "end"},
    {"vm.pages", "pages", "4 KiB pages of the VM on one node, at the end"},
    {"vm.pages_2m", "pages", "Those of them that are mapped in pieces of 2 MiB"},
    {"vm.pages_1g", "pages", "Those that are mapped in pieces of 1 GiB"},
    {"vm.nested_walk", "s",
     "Mean time of a two-dimensional page walk with the sizes of the VM's mappings, at the end; absent for PV"},
    {"vm.wakes", "count", "Times that a vCPU of the VM woke up"},
    {"vm.wake_latency", "s", "From the wake-up of a vCPU to its first instruction"},
    {"vm.timer_wakes", "count", "Times that a vCPU of the VM ran again after a timer that it had slept for"},
    {"vm.timer_wakes_below_50us", "count", "Those of them that ran less than 50 us after the timer's expiry"},
    {"vm.timer_wakes_below_200us", "count", "Those that ran less than 200 us after it"},
    {"vm.timer_wakes_below_1ms", "count", "Those that ran less than 1 ms after it"},
    {"vm.timer_wakes_below_5ms", "count", "Those that ran less than 5 ms after it"},
    {"vm.timer_wakes_below_10ms", "count", "Those that ran less than 10 ms after it"},
    {"vm.timer_wakes_below_20ms", "count", "Those that ran less than 20 ms after it"},
    {"vm.timer_wakes_below_30ms", "count", "Those that ran less than 30 ms after it"},
    {"vm.timer_latency_mean", "s", "Mean time from the expiry of such a timer to running"},
    {"vm.timer_latency_max", "s", "The longest such time"},
    {"vcpu.cpu_seconds", "s", "Time that the vCPU spent running"},
    {"vcpu.runnable_seconds", "s", "Time that the vCPU waited for a pCPU"},
    {"pcpu.busy_fraction", "1", "Share of the time in which the pCPU ran a vCPU"},
    {"pcpu.context_switches", "count", "Switches of the pCPU from one vCPU to another, idle vCPU included"},
    {"pcpu.hypervisor_fraction", "1",
     "Share of the pCPU's time that was neither a vCPU's nor idle: the sum of all other op of pcpu.time_fraction, "
     "lock_wait included"},
    {"pcpu.time_fraction", "1",
     "Share of the pCPU's time that went to op (docs/hypervisor-cost.md); absent where none did, the others sum to 1"},
    {"node.time_fraction", "1", "The same of all pCPUs of the node"},
    {"host.time_fraction", "1", "The same of all pCPUs of the host"},
    {"node.free_pages", "pages", "Free 4 KiB pages of the node, at the end"},
    {"node.memory_utilisation", "1", "Mean load of the node's memory controllers over their sustainable bandwidth"},
    {"link.utilisation", "1", "Mean load of one direction of the path between two sockets over its bandwidth"},
    {"boot.seconds", "s", "From the start of the host until dom0 was built, scrubbing of boot included"},
    {"boot.memory_seconds", "s", "Time of pCPU 0 until then that went to setting up the heap"},
    {"sched.stalls", "count", "vCPUs that were runnable for longer than the watchdog allows, without running"},
    {"sched.idle_while_waiting_seconds", "s",
     "Time in which some vCPU waited while a pCPU of its pool and hard affinity idled; with --check-invariants"},
    {"dom0.event_channels", "count", "Event channels of dom0 that are in use, at the end; with dom0.event_channels"},
    {"fault.injected", "count",
     "Times that a fault of that kind struck, from the start of the guests; pages of memory-offline"},
    {"fault.ipi_recovered", "count",
     "Lost IPIs after which the pCPU did what it was asked to, by what made it enter the hypervisor"},
    {"fault.ipi_unrecovered", "count", "pCPUs that have not noticed at the end that an IPI for them was lost"},
    {"fault.ipi_recovery_max", "s",
     "Longest time from the loss of an IPI until the pCPU had done what it was asked to"},
    {"lock.acquisitions", "count", "Times that a hypervisor lock of that name was taken"},
    {"lock.contended", "count", "Those of them for which the pCPU had waited, because another one held the lock"},
    {"lock.try_failed", "count", "Times that a pCPU only tried to take it, and did not, because it was held"},
    {"lock.wait_seconds", "s", "Time spent waiting for it, summed over pCPUs"},
    {"lock.hold_seconds", "s", "Time that it was held"},
    {"pcpu.lock_acquisitions", "count",
     "Of a lock that each pCPU has one of: times that this pCPU's was taken, by whomever; absent where there were "
     "none"},
    {"pcpu.lock_contended", "count", "The same: those for which a pCPU had waited"},
    {"pcpu.lock_try_failed", "count", "The same: times that it was only tried, and held"},
    {"pcpu.lock_wait_seconds", "s", "The same: time spent waiting for it, summed over pCPUs"},
    {"pcpu.lock_hold_seconds", "s", "The same: time that it was held"},
    {"hv.perfc", "count", "Operations of the hypervisor core, by kind"},
    {"sim.events", "count", "Events of the trajectory, from boot to the end"},
    {NULL, NULL, NULL},
};

const char *const metric_label_names[METRIC_NR_LABELS + 1] = {
    "vm", "vcpu", "pcpu", "node", "pool", "quantile", "from", "to", "op", "lock", NULL,
};

void metrics_init(struct metrics *ms)
{
    memset(ms, 0, sizeof(*ms));
}

void metrics_free(struct metrics *ms)
{
    free(ms->m);
    metric_text_free(ms->text);
    metrics_init(ms);
}

/* Whoever adds many metrics asks for the same few again and again. */
void metrics_take(struct metrics *to, struct metrics *from)
{
    *to = *from;
    metrics_init(from);
}

const struct metric_def *metric_def_find(const char *name)
{
    enum { NR_RECENT = 64 };
    static const struct metric_def *recent[NR_RECENT];
    size_t n = strlen(name),
           at = (n * 7 + (unsigned char)name[n / 2] * 3 + (n ? (unsigned char)name[n - 1] : 0)) % NR_RECENT;
    if (recent[at] && !strcmp(recent[at]->name, name))
        return recent[at];
    for (const struct metric_def *d = metric_defs; d->name; d++)
        if (!strcmp(d->name, name))
            return recent[at] = d;
    return NULL;
}

int metric_label_find(const char *name)
{
    for (int i = 0; metric_label_names[i]; i++)
        if (name == metric_label_names[i] || !strcmp(metric_label_names[i], name))
            return i;
    return -1;
}

static void bug(const char *what, const char *name)
{
    fprintf(stderr, "metrics: %s '%s'\n", what, name);
    abort();
}

static struct metric *new_metric(struct metrics *ms)
{
    if (!ms->text && !(ms->text = metric_text_new()))
        return NULL;
    if (ms->nr == ms->room) {
        size_t room = ms->room ? ms->room + ms->room / 2 : 64;
        struct metric *more = realloc(ms->m, room * sizeof(*more));
        if (!more)
            return NULL;
        ms->m = more;
        ms->room = room;
    }
    return &ms->m[ms->nr];
}

/* Those of the metric before, where they are the same. */
static const struct metric_label *keep_labels(struct metrics *ms, const struct metric_label *label, unsigned n)
{
    const struct metric *before = ms->nr ? &ms->m[ms->nr - 1] : NULL;
    if (before && before->nr_labels == n && !memcmp(before->label, label, n * sizeof(*label)))
        return before->label;
    struct metric_label *own = metric_text_labels(ms->text, n);
    if (own)
        memcpy(own, label, n * sizeof(*label));
    return own;
}

struct metric *metrics_add(struct metrics *ms, const char *name, double value, ...)
{
    const struct metric_def *def = metric_def_find(name);
    if (!def)
        bug("no such metric", name);
    struct metric_label label[METRIC_MAX_LABELS];
    unsigned n = 0;
    struct metric *m = new_metric(ms);
    bool ok = m;
    va_list ap;
    va_start(ap, value);
    for (const char *word; ok && (word = va_arg(ap, const char *));) {
        int known = metric_label_find(word);
        if (known < 0 || n == METRIC_MAX_LABELS)
            bug(known < 0 ? "no such label" : "too many labels:", word);
        label[n] =
            (struct metric_label){metric_label_names[known], metric_text_keep(ms->text, va_arg(ap, const char *))};
        ok = label[n++].value;
    }
    va_end(ap);
    if (!ok)
        return NULL;
    *m = (struct metric){.def = def, .value = value, .unit = def->unit, .nr_labels = n};
    if (n && !(m->label = keep_labels(ms, label, n)))
        return NULL;
    ms->nr++;
    return m;
}

const char *metric_label_value(const struct metric *m, const char *label)
{
    for (unsigned i = 0; i < m->nr_labels; i++)
        if (!strcmp(m->label[i].name, label))
            return m->label[i].value;
    return NULL;
}

const struct metric *metrics_find(const struct metrics *ms, const char *name, const char *label, const char *value)
{
    const struct metric_def *def = metric_def_find(name);
    for (size_t i = 0; i < ms->nr; i++) {
        if (ms->m[i].def != def)
            continue;
        const char *have = label ? metric_label_value(&ms->m[i], label) : NULL;
        if (!label || (have && !strcmp(have, value)))
            return &ms->m[i];
    }
    return NULL;
}

static int written(FILE *f)
{
    return fflush(f) || ferror(f) ? -(errno ? errno : EIO) : 0;
}

int metrics_write_json(const struct metrics *ms, FILE *f)
{
    errno = 0;
    fputs("{\"metrics\":[", f);
    for (size_t i = 0; i < ms->nr; i++) {
        const struct metric *m = &ms->m[i];
        fputs(i ? ",\n{\"name\":" : "\n{\"name\":", f);
        json_write_string(f, m->def->name);
        fputs(",\"unit\":", f);
        json_write_string(f, m->unit);
        fputs(",\"description\":", f);
        json_write_string(f, m->def->description);
        fputs(",\"labels\":{", f);
        for (unsigned k = 0; k < m->nr_labels; k++) {
            fputs(k ? "," : "", f);
            json_write_string(f, m->label[k].name);
            fputc(':', f);
            json_write_string(f, m->label[k].value);
        }
        fputs("},\"value\":", f);
        json_write_double(f, m->value);
        fputc('}', f);
    }
    fputs("\n]}\n", f);
    return written(f);
}

int metrics_write_csv(const struct metrics *ms, FILE *f)
{
    errno = 0;
    fputs("name", f);
    for (unsigned k = 0; k < METRIC_NR_LABELS; k++)
        fprintf(f, ",%s", metric_label_names[k]);
    fputs(",value,unit,description\n", f);
    for (size_t i = 0; i < ms->nr; i++) {
        const struct metric *m = &ms->m[i];
        char number[DOUBLE_TEXT_MAX];
        csv_write_field(f, m->def->name);
        for (unsigned k = 0; k < METRIC_NR_LABELS; k++) {
            const char *value = metric_label_value(m, metric_label_names[k]);
            fputc(',', f);
            csv_write_field(f, value ? value : "");
        }
        fprintf(f, ",%s,", double_text(number, m->value));
        csv_write_field(f, m->unit);
        fputc(',', f);
        csv_write_field(f, m->def->description);
        fputc('\n', f);
    }
    return written(f);
}
