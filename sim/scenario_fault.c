/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * [[fault]] of a scenario: what goes wrong, and when. Which keys there are depends on the kind; what a kind does not
 * have is an unknown key.
 */
#include "scenario_priv.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FAULTS 1024u
#define MAX_TIMES (INT64_C(1) << 53)
#define PS_PER_S INT64_C(1000000000000)
#define MAX_LATE_PS (3600 * PS_PER_S)
#define MIN_PS 1000 /* what is late is so by 1 ns at least */

const char *const scenario_fault_kinds[] = {"alloc",      "trylock",     "ipi-lost",       "ipi-late",
                                            "timer-late", "cpu-offline", "memory-offline", NULL};

static const char *const classes[] = {"guest", "xenheap", "xmalloc", "frametable"};

const struct machine_key scenario_fault_keys[] = {
    {"fault.kind", "string",
     "what goes wrong: alloc, trylock, ipi-lost, ipi-late, timer-late, cpu-offline or memory-offline", true},
    {"fault.at", "time", "from when on: from the start of the guests", true},
    {"fault.until", "time", "until when; default the end of the run", false},
    {"fault.probability", "number", "0..1, of each occasion; alloc, trylock, ipi-lost: this or nth; default 1", false},
    {"fault.nth", "number", "each n-th occasion, counted from at; all but cpu-offline and memory-offline", false},
    {"fault.times", "number", "not more often than that; default no limit", false},
    {"fault.cpus", "string",
     "pCPUs, in xl's grammar of lists: that allocate or try a lock, whose timer it is, that the IPI is for; default "
     "all",
     false},
    {"fault.class", "string or list of strings",
     "alloc: guest (pages of domains), xenheap (whole pages of Xen's), xmalloc (its objects), frametable "
     "(descriptors of frames); default all",
     false},
    {"fault.by", "time", "ipi-late, timer-late: late by up to this, uniformly", false},
    {"fault.every", "time", "cpu-offline, memory-offline: again, after each such time; default once", false},
    {"fault.cpu", "number or \"any\"", "cpu-offline: the pCPU; default any that is on, but not pCPU 0", false},
    {"fault.back_after", "time", "cpu-offline, memory-offline: it comes back after so long; default never", false},
    {"fault.node", "number", "memory-offline: the node", false},
    {"fault.from", "size", "memory-offline: where in the node's memory it begins; default at its start", false},
    {"fault.size", "size", "memory-offline: how much of it; default the rest of the node", false},
    {NULL, NULL, NULL, false},
};

static uint64_t node_pages(const struct machine *m, unsigned n)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < m->nr_ranges; i++)
        if (m->range[i].node == n)
            sum += (m->range[i].end - m->range[i].start) >> PAGE_SHIFT;
    return sum;
}

static bool read_classes(cfg_table *t, unsigned *out)
{
    const char *const *word = NULL;
    size_t n = 0;
    *out = (1u << ARRAY_SIZE(classes)) - 1;
    if (!cfg_has(t, "class"))
        return true;
    if (!cfg_strings(t, "class", true, &word, &n))
        return false;
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned c = 0;
        while (c < ARRAY_SIZE(classes) && strcmp(classes[c], word[i]) != 0)
            c++;
        if (c == ARRAY_SIZE(classes)) {
            cfg_fail(t, "class", "no class '%s', expected guest, xenheap, xmalloc or frametable", word[i]);
            return false;
        }
        *out |= 1u << c;
    }
    if (!*out)
        cfg_fail(t, "class", "expected at least one class");
    return *out != 0;
}

/* Which occasions. */
static bool read_chance(cfg_table *t, struct scenario_fault *f, bool must_say)
{
    int64_t nth = 0;
    if (!cfg_double(t, "probability", false, 0, 1, &f->probability) || !cfg_int(t, "nth", false, 1, MAX_TIMES, &nth))
        return false;
    f->nth = (uint64_t)nth;
    bool both = cfg_has(t, "probability") && cfg_has(t, "nth");
    bool none = !cfg_has(t, "probability") && !cfg_has(t, "nth");
    if (both || (none && must_say))
        cfg_fail(t, both ? "nth" : NULL, "fault '%s': expected either probability or nth",
                 scenario_fault_kinds[f->kind]);
    return !both && !(none && must_say);
}

static bool read_occasional(struct loader *l, cfg_table *t, struct scenario_fault *f)
{
    bool late = f->kind == FAULT_IPI_LATE || f->kind == FAULT_TIMER_LATE;
    for (unsigned c = 0; c < l->s->machine->nr_cpus; c++)
        cpumask_set(&f->cpus, pcpu(c));
    if (!read_chance(t, f, !late))
        return false;
    if (cfg_has(t, "cpus")) {
        f->cpus = (cpumask_t){{0}};
        if (!scenario_read_cpus(l, t, "cpus", false, &f->cpus))
            return false;
    }
    if (f->kind == FAULT_ALLOC && !read_classes(t, &f->classes))
        return false;
    return !late || cfg_time_ps(t, "by", true, MIN_PS, MAX_LATE_PS, &f->by_ps);
}

static bool read_cpu(struct loader *l, cfg_table *t, struct scenario_fault *f)
{
    static const char *const words[] = {"any", NULL};
    unsigned n = 0;
    f->cpu = FAULT_ANY_CPU;
    if (!cfg_has(t, "cpu"))
        return true;
    if (cfg_is_string(t, "cpu"))
        return cfg_enum(t, "cpu", true, words, &n);
    if (!cfg_uint(t, "cpu", true, 0, l->s->machine->nr_cpus - 1, &n))
        return false;
    f->cpu = n;
    return true;
}

static bool read_memory(struct loader *l, cfg_table *t, struct scenario_fault *f)
{
    if (!cfg_uint(t, "node", true, 0, l->s->machine->nr_nodes - 1, &f->node))
        return false;
    uint64_t pages = node_pages(l->s->machine, f->node), bytes = pages << PAGE_SHIFT, from = 0;
    if (!cfg_size(t, "from", false, 0, UINT64_MAX, &from))
        return false;
    if (from >= bytes) {
        cfg_fail(t, present_key(t, "from"), "node %u has %llu MiB", f->node, (unsigned long long)(bytes >> 20));
        return false;
    }
    uint64_t size = bytes - from;
    if (!cfg_size(t, "size", false, PAGE_SIZE, bytes - from, &size))
        return false;
    if (from % PAGE_SIZE || size % PAGE_SIZE) {
        cfg_fail(t, from % PAGE_SIZE ? "from" : "size", "expected whole pages of 4 KiB");
        return false;
    }
    f->first_page = from >> PAGE_SHIFT;
    f->nr_pages = size >> PAGE_SHIFT;
    return true;
}

static bool read_event(struct loader *l, cfg_table *t, struct scenario_fault *f)
{
    if (!cfg_double(t, "probability", false, 0, 1, &f->probability) ||
        !cfg_time_ps(t, "every", false, MIN_PS, INT64_MAX, &f->every_ps) ||
        !cfg_time_ps(t, "back_after", false, MIN_PS, INT64_MAX, &f->back_after_ps))
        return false;
    return f->kind == FAULT_CPU_OFF ? read_cpu(l, t, f) : read_memory(l, t, f);
}

static bool read_fault(struct loader *l, cfg_table *t, struct scenario_fault *f)
{
    int64_t end = l->s->warmup_ps + l->s->duration_ps, times = -1;
    unsigned kind = 0;
    *f = (struct scenario_fault){.where = cfg_where(t, NULL), .until_ps = end, .probability = 1, .times = UINT64_MAX};
    if (!cfg_enum(t, "kind", true, scenario_fault_kinds, &kind) ||
        !cfg_time_ps(t, "at", true, 0, INT64_MAX, &f->at_ps) ||
        !cfg_time_ps(t, "until", false, 0, INT64_MAX, &f->until_ps) ||
        !cfg_int(t, "times", false, 1, MAX_TIMES, &times))
        return false;
    f->kind = (enum scenario_fault_kind)kind;
    if (times >= 0)
        f->times = (uint64_t)times;
    if (f->at_ps >= end) {
        cfg_fail(t, "at", "the run ends %lld ms after the guests start", (long long)(end / 1000000000));
        return false;
    }
    if (f->until_ps <= f->at_ps) {
        cfg_fail(t, "until", "it ends before it begins");
        return false;
    }
    return f->kind < FAULT_CPU_OFF ? read_occasional(l, t, f) : read_event(l, t, f);
}

void scenario_read_faults(struct loader *l)
{
    size_t n = cfg_array_len(cfg_root(l->doc), "fault");
    if (n > MAX_FAULTS) {
        cfg_fail(cfg_root(l->doc), "fault", "more than %u faults", MAX_FAULTS);
        return;
    }
    l->s->fault = calloc(n ? n : 1, sizeof(*l->s->fault));
    if (!l->s->fault) {
        if (!l->err)
            l->err = strdup("out of memory");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (!read_fault(l, cfg_array_at(cfg_root(l->doc), "fault", i), &l->s->fault[i]))
            return;
        l->s->nr_faults++;
    }
}
