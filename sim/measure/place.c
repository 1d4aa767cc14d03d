/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the threads of a stream run and where their arrays lie: taskset and numactl. */
#include "measure_print.h"

#include <models/cpulist.h>
#include <stdlib.h>
#include <string.h>

/* The pCPUs or nodes of a list; *n of them. */
static int read_list(const char *option, const char *what, const char *text, unsigned end, unsigned *out, unsigned *n,
                     struct fault *f)
{
    struct cpulist l = cpulist_begin(text);
    for (*n = 0; cpulist_next(&l); out[(*n)++] = l.cpu) {
        if (l.cpu >= end)
            fault_set(f, EXIT_BAD_INPUT, "%s %s: the machine has no %s %u", option, text, what, l.cpu);
        for (unsigned i = 0; i < *n; i++)
            if (out[i] == l.cpu)
                fault_set(f, EXIT_BAD_INPUT, "%s %s: %u is there twice", option, text, l.cpu);
        if (f->code != EXIT_DONE)
            return -1;
    }
    if (l.bad)
        fault_set(f, EXIT_BAD_INPUT, "%s %s: expected numbers as \"0-3,8\"", option, text);
    return l.bad ? -1 : 0;
}

/* One thread a core before any second one. */
static void in_order(const struct machine *m, unsigned *cpu)
{
    unsigned n = 0;
    for (unsigned thread = 0; thread < m->threads_per_core; thread++)
        for (unsigned c = 0; c < m->nr_cpus; c++)
            if (m->cpu[c].thread == thread)
                cpu[n++] = c;
}

int measure_place(const struct machine *m, const struct measure_options *o, struct measure_stream *s, unsigned *cpu,
                  double *share, struct fault *f)
{
    unsigned node[MACHINE_MAX_NODES], nodes = 0, have = m->nr_cpus;
    const char *where = o->membind ? o->membind : o->interleave;

    if (o->cpus) {
        if (read_list("--cpus", "pCPU", o->cpus, m->nr_cpus, cpu, &have, f) < 0)
            return -1;
    } else {
        in_order(m, cpu);
    }
    s->nr = o->threads ? o->threads : o->cpus ? have : m->nr_cores;
    if (s->nr > have) {
        fault_set(f, EXIT_BAD_INPUT, "%u threads on %u pCPUs", s->nr, have);
        return -1;
    }
    if (where && read_list(o->membind ? "--membind" : "--interleave", "node", where, m->nr_nodes, node, &nodes, f) < 0)
        return -1;
    /* Bound to several nodes, arrays fill the first one first: one is enough for any array here. */
    unsigned used = o->membind && nodes ? 1 : nodes;
    memset(share, 0, (size_t)s->nr * m->nr_nodes * sizeof(*share));
    for (unsigned t = 0; t < s->nr; t++) {
        double *of = share + (size_t)t * m->nr_nodes;
        if (!used)
            of[m->cpu[cpu[t]].node] = 1;
        for (unsigned n = 0; n < used; n++)
            of[node[n]] = 1.0 / used;
    }
    s->cpu = cpu;
    s->share = share;
    s->stores = o->stores;
    return 0;
}
