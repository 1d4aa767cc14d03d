/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets, cores and threads of a machine file, and the nodes that they belong to. Either sockets that are alike
 * ([topology] sockets, cores_per_socket, threads_per_core; a socket's cores are dealt out evenly to the nodes that name
 * it), or runs of cores one by one ([[cores]]), for machines whose sockets or nodes differ.
 */
#include "machine_keys.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SOCKETS 256u
#define MAX_CORES_PER_SOCKET 1024u
#define MAX_THREADS_PER_CORE 8u
#define NO_SOCKET UINT32_MAX
#define MAX_KINDS 16u

static bool room_for(cfg_doc *doc, cfg_table *t, struct machine *m, uint64_t cpus)
{
    if (cpus > MACHINE_MAX_PCPUS) {
        cfg_fail(t, NULL, "%llu hardware threads, at most %u are supported", (unsigned long long)cpus,
                 MACHINE_MAX_PCPUS);
        return false;
    }
    struct machine_cpu *grown = realloc(m->cpu, cpus * sizeof(*m->cpu));
    if (!grown) {
        cfg_fail(cfg_root(doc), NULL, "out of memory");
        return false;
    }
    m->cpu = grown;
    return true;
}

/* ---- sockets that are alike -------------------------------------------------------------------------------------- */

static void deal_out(cfg_doc *doc, struct machine *m, const unsigned *socket_of_node)
{
    unsigned nodes[MAX_SOCKETS] = {0};

    for (unsigned n = 0; n < m->nr_nodes; n++)
        if (socket_of_node[n] != NO_SOCKET)
            nodes[socket_of_node[n]]++;
    for (unsigned s = 0; s < m->nr_sockets; s++)
        if (!nodes[s] || m->cores_per_socket % nodes[s]) {
            cfg_fail(cfg_root(doc), "node", "socket %u has %u nodes for %u cores: expected an equal part for each", s,
                     nodes[s], m->cores_per_socket);
            return;
        }
    unsigned per_socket = m->cores_per_socket * m->threads_per_core;
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        struct machine_cpu *p = &m->cpu[c];
        *p = (struct machine_cpu){c / per_socket, c / m->threads_per_core, c % m->threads_per_core, 0, 0};
        unsigned part = p->core % m->cores_per_socket / (m->cores_per_socket / nodes[p->socket]);
        for (unsigned n = 0; n < m->nr_nodes; n++)
            if (socket_of_node[n] == p->socket && part-- == 0)
                p->node = n;
    }
}

static void read_alike(cfg_doc *doc, cfg_table *topology, struct machine *m)
{
    unsigned socket_of_node[MACHINE_MAX_NODES];

    cfg_uint(topology, "sockets", true, 1, MAX_SOCKETS, &m->nr_sockets);
    cfg_uint(topology, "cores_per_socket", true, 1, MAX_CORES_PER_SOCKET, &m->cores_per_socket);
    cfg_uint(topology, "threads_per_core", true, 1, MAX_THREADS_PER_CORE, &m->threads_per_core);
    if (cfg_error(doc))
        return;
    m->nr_cores = m->nr_sockets * m->cores_per_socket;
    if (!room_for(doc, topology, m, (uint64_t)m->nr_cores * m->threads_per_core))
        return;
    m->nr_cpus = m->nr_cores * m->threads_per_core;
    for (unsigned i = 0; i < m->nr_nodes && !cfg_error(doc); i++) {
        cfg_table *t = cfg_array_at(cfg_root(doc), "node", i);
        socket_of_node[i] = NO_SOCKET;
        cfg_uint(t, "socket", false, 0, m->nr_sockets - 1, &socket_of_node[i]);
        if (socket_of_node[i] == NO_SOCKET && !cfg_array_len(t, "range"))
            cfg_fail(t, NULL, "a node needs memory or cores");
        m->node_socket[i] = socket_of_node[i] == NO_SOCKET ? 0 : socket_of_node[i];
    }
    if (!cfg_error(doc))
        deal_out(doc, m, socket_of_node);
}

/* ---- runs of cores ----------------------------------------------------------------------------------------------- */

static void read_kind_of(cfg_table *t, const struct machine *m, unsigned *kind)
{
    const char *names[MAX_KINDS] = {NULL};
    for (unsigned k = 1; k < m->nr_kinds; k++)
        names[k - 1] = m->kind[k].name;
    if (m->nr_kinds > 1 && cfg_enum(t, "kind", false, names, kind) && cfg_has(t, "kind"))
        ++*kind; /* 0 is the machine's own */
}

static void add_run(cfg_doc *doc, cfg_table *t, struct machine *m, unsigned *cores_of_socket)
{
    unsigned socket = 0, node = 0, count = 1, threads = 1, kind = 0;

    cfg_uint(t, "socket", true, 0, MAX_SOCKETS - 1, &socket);
    cfg_uint(t, "node", true, 0, m->nr_nodes - 1, &node);
    cfg_uint(t, "count", false, 1, MACHINE_MAX_PCPUS, &count);
    cfg_uint(t, "threads", false, 1, MAX_THREADS_PER_CORE, &threads);
    read_kind_of(t, m, &kind);
    if (cfg_error(doc) || !room_for(doc, t, m, m->nr_cpus + (uint64_t)count * threads))
        return;
    for (unsigned core = 0; core < count; core++, m->nr_cores++)
        for (unsigned thread = 0; thread < threads; thread++)
            m->cpu[m->nr_cpus++] = (struct machine_cpu){socket, m->nr_cores, thread, node, kind};
    cores_of_socket[socket] += count;
    if (socket >= m->nr_sockets)
        m->nr_sockets = socket + 1;
    if (cores_of_socket[socket] > m->cores_per_socket)
        m->cores_per_socket = cores_of_socket[socket];
    if (threads > m->threads_per_core)
        m->threads_per_core = threads;
}

static void read_runs(cfg_doc *doc, const char *path, cfg_table *topology, struct machine *m)
{
    static const char *const alike[] = {"sockets", "cores_per_socket", "threads_per_core"};
    cfg_table *root = cfg_root(doc);
    unsigned cores_of_socket[MAX_SOCKETS] = {0};

    /* A file's own list replaces the sockets that it inherits; side by side they would contradict each other. */
    for (unsigned i = 0; i < sizeof(alike) / sizeof(alike[0]); i++)
        if (cfg_has(topology, alike[i]) &&
            (strcmp(cfg_file_of(root, "cores"), path) != 0 || strcmp(cfg_file_of(topology, alike[i]), path) == 0)) {
            cfg_fail(topology, alike[i], "the cores are listed in [[cores]]: '%s' does not go with that", alike[i]);
            return;
        }
    for (size_t i = 0; i < cfg_array_len(root, "cores") && !cfg_error(doc); i++)
        add_run(doc, cfg_array_at(root, "cores", i), m, cores_of_socket);
    for (unsigned s = 0; s < m->nr_sockets && !cfg_error(doc); s++)
        if (!cores_of_socket[s])
            cfg_fail(root, "cores", "socket %u has no cores, but socket %u has", s, m->nr_sockets - 1);
    for (unsigned i = 0; i < m->nr_nodes && !cfg_error(doc); i++) {
        for (unsigned c = m->nr_cpus; c-- > 0;)
            if (m->cpu[c].node == i)
                m->node_socket[i] = m->cpu[c].socket;
        cfg_uint(cfg_array_at(root, "node", i), "socket", false, 0, m->nr_sockets - 1, &m->node_socket[i]);
    }
}

/* ---- kinds of cores, clocks -----------------------------------------------------------------------------------------
 */

void machine_read_kinds(cfg_doc *doc, struct machine *m)
{
    cfg_table *root = cfg_root(doc);
    size_t n = cfg_array_len(root, "core_kind");

    m->kind = calloc(n + 1, sizeof(*m->kind));
    if (!m->kind || n >= MAX_KINDS) {
        cfg_fail(root, m->kind ? "core_kind" : NULL, m->kind ? "%u kinds of core at most" : "out of memory",
                 MAX_KINDS - 1);
        return;
    }
    m->kind[m->nr_kinds++] = (struct machine_kind){
        .freq_hz = m->freq_hz, .speed = 1, .l2_size = m->l2.size, .l2_latency_ns = m->l2.latency_ns};
    for (size_t i = 0; i < n && !cfg_error(doc); i++) {
        cfg_table *t = cfg_array_at(root, "core_kind", i);
        struct machine_kind k = m->kind[0];
        const char *name = NULL;
        double ipc = 1, cycles = m->l2.latency_ns * m->freq_hz / 1e9;
        cfg_string(t, "name", true, &name);
        cfg_freq(t, "frequency", false, 1e6, 1e11, &k.freq_hz);
        cfg_double(t, "ipc", false, 0.01, 100, &ipc);
        cfg_size(t, "l2_size", false, 1024, 1000000000, &k.l2_size);
        cfg_double(t, "l2_latency_cycles", false, 1, 1000, &cycles);
        if (cfg_error(doc))
            return;
        k.speed = k.freq_hz / m->freq_hz * ipc;
        k.l2_latency_ns = cycles * 1e9 / k.freq_hz;
        k.name = strdup(name);
        for (unsigned o = 1; o < m->nr_kinds; o++)
            if (!strcmp(m->kind[o].name, name))
                cfg_fail(t, "name", "a second core_kind '%s'", name);
        m->kind[m->nr_kinds++] = k;
        if (!k.name)
            cfg_fail(t, NULL, "out of memory");
    }
}

void machine_read_turbo(cfg_doc *doc, struct machine *m)
{
    cfg_table *t = machine_find_table(doc, "topology");
    const double *hz = NULL;
    size_t n = 0;

    if (!t || !cfg_has(t, "turbo") || !cfg_freqs(t, "turbo", true, 1e6, 1e11, &hz, &n))
        return;
    m->turbo_hz = calloc(n, sizeof(*m->turbo_hz));
    if (!n || !m->turbo_hz) {
        cfg_fail(t, "turbo", n ? "out of memory" : "expected at least one clock");
        return;
    }
    m->nr_turbo = (unsigned)n;
    for (size_t i = 0; i < n; i++) {
        m->turbo_hz[i] = hz[i];
        if (i && hz[i] > hz[i - 1])
            cfg_fail(t, "turbo", "the clock rises with more active cores (%g after %g Hz)", hz[i], hz[i - 1]);
    }
}

void machine_read_cores(cfg_doc *doc, const char *path, struct machine *m)
{
    cfg_table *topology = machine_find_table(doc, "topology");

    if (!topology)
        return;
    if (cfg_has(cfg_root(doc), "cores"))
        read_runs(doc, path, topology, m);
    else
        read_alike(doc, topology, m);
}

bool machine_node_has_cores(const struct machine *m, unsigned node)
{
    for (unsigned c = 0; c < m->nr_cpus; c++)
        if (m->cpu[c].node == node)
            return true;
    return false;
}
