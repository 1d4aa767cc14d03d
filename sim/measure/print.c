/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "measure_print.h"

#include "../json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what all of them begin with --------------------------------------------------------------------------------- */

static void begin(const struct machine *m, const struct measure_options *o, const char *tool, const char *unit,
                  FILE *out)
{
    if (!o->json) {
        fprintf(out, "%s: %s\n", m->name, m->description);
        return;
    }
    fputs("{\"machine\": ", out);
    json_write_string(out, m->name);
    fprintf(out, ", \"tool\": \"%s\", \"unit\": \"%s\"", tool, unit);
}

static double *room_for(size_t n, struct fault *f)
{
    double *d = calloc(n, sizeof(*d));
    if (!d)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    return d;
}

/* ---- matrices ------------------------------------------------------------------------------------------------------
 */

static void print_matrix(const struct machine *m, const struct measure_options *o, const double *v, double scale,
                         const char *format, FILE *out)
{
    unsigned n = m->nr_nodes;
    fputs(o->json ? ", \"rows\": [" : "node of the core \\ of the memory\n       ", out);
    for (unsigned j = 0; j < n && !o->json; j++)
        fprintf(out, "%10u", j);
    for (unsigned i = 0; i < n; i++) {
        if (o->json)
            fputs(i ? ", [" : "[", out);
        else
            fprintf(out, "\n%6u ", i);
        for (unsigned j = 0; j < n; j++) {
            double x = v[(size_t)i * n + j] * scale;
            if (o->json) {
                fputs(j ? ", " : "", out);
                json_write_double(out, x);
            } else if (isnan(x)) {
                fprintf(out, "%10s", "-");
            } else {
                fprintf(out, format, x);
            }
        }
        fputs(o->json ? "]" : "", out);
    }
    fputs(o->json ? "]}\n" : "\n", out);
}

static int latency_matrix(const struct machine *m, const struct measure_options *o, FILE *out, struct fault *f)
{
    double *v = room_for((size_t)m->nr_nodes * m->nr_nodes, f);
    int rc = v ? measure_latency_matrix(m, v, f) : -1;
    if (!rc) {
        begin(m, o, "latency-matrix", "ns", out);
        if (!o->json)
            fputs("idle latency, ns; ", out);
        print_matrix(m, o, v, 1, "%10.1f", out);
    }
    free(v);
    return rc;
}

static int bandwidth_matrix(const struct machine *m, const struct measure_options *o, FILE *out, struct fault *f)
{
    static const struct {
        const char *name;
        double writes;
    } mix[] = {{"all reads", 0}, {"3:1 reads to writes", 1 / 3.0}, {"2:1", 0.5}, {"1:1", 1}};
    double *v = room_for((size_t)m->nr_nodes * m->nr_nodes, f), peak[4];
    int rc = v ? measure_bandwidth_matrix(m, o->writes, v, f) : -1;
    for (unsigned i = 0; i < 4 && !rc; i++)
        rc = measure_peak(m, mix[i].writes, &peak[i], f);
    if (!rc) {
        begin(m, o, "bandwidth-matrix", "MB/s", out);
        for (unsigned i = 0; i < 4; i++)
            if (o->json)
                fprintf(out, "%s\"%s\": %.1f", i ? ", " : ", \"peak\": {", mix[i].name, peak[i] / 1e6);
            else
                fprintf(out, "%s%-20s %10.1f MB/s\n", i ? "" : "all cores, each on its own node:\n  ", mix[i].name,
                        peak[i] / 1e6),
                    fputs(i < 3 ? "  " : "", out);
        fputs(o->json ? "}" : "all cores of a node, MB/s; ", out);
        print_matrix(m, o, v, 1e-6, "%10.1f", out);
    }
    free(v);
    return rc;
}

/* ---- curves --------------------------------------------------------------------------------------------------------
 */

static int loaded_latency(const struct machine *m, const struct measure_options *o, FILE *out, struct fault *f)
{
    struct measure_loaded v[MEASURE_DELAYS];
    for (unsigned i = 0; i < MEASURE_DELAYS; i++)
        if (measure_loaded_latency(m, measure_delays[i], o->writes, &v[i], f) < 0)
            return -1;
    begin(m, o, "loaded-latency", "ns", out);
    fputs(o->json ? ", \"points\": [" : "delay, cycles   latency, ns   bandwidth, MB/s\n", out);
    for (unsigned i = 0; i < MEASURE_DELAYS; i++)
        fprintf(out,
                o->json ? "%s{\"delay_cycles\": %u, \"latency_ns\": %.3f, \"bandwidth_MBps\": %.1f}"
                        : "%s%13u %13.2f %17.1f\n",
                o->json && i ? ", " : "", measure_delays[i], v[i].latency_ns, v[i].bandwidth / 1e6);
    fputs(o->json ? "]}\n" : "", out);
    return 0;
}

static int stream(const struct machine *m, const struct measure_options *o, FILE *out, struct fault *f)
{
    unsigned *cpu = calloc(m->nr_cpus, sizeof(*cpu));
    double *share = room_for((size_t)m->nr_cpus * m->nr_nodes, f), v[MEASURE_OPS];
    struct measure_stream s = {0};
    int rc = cpu && share ? measure_place(m, o, &s, cpu, share, f) : -1;
    rc = rc ? rc : measure_stream(m, &s, v, f);
    if (!rc) {
        begin(m, o, "stream", "MB/s", out);
        fprintf(out, o->json ? ", \"threads\": %u" : "%u threads, MB/s\n", s.nr);
        for (unsigned i = 0; i < MEASURE_OPS; i++)
            fprintf(out, o->json ? ", \"%s\": %.1f" : "%-6s %12.1f\n", measure_op_names[i], v[i] / 1e6);
        fputs(o->json ? "}\n" : "", out);
    }
    free(cpu);
    free(share);
    return rc;
}

static const char *size_text(char buf[32], uint64_t size)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    unsigned u = 0;
    for (; u < 4 && size >= 1024 && size % 1024 == 0; u++)
        size /= 1024;
    snprintf(buf, 32, "%llu %s", (unsigned long long)size, unit[u]);
    return buf;
}

static int chase(const struct machine *m, const struct measure_options *o, FILE *out, struct fault *f)
{
    unsigned node = o->cpu < m->nr_cpus ? m->cpu[o->cpu].node : 0, sizes = o->nr_sizes ? o->nr_sizes : 21;
    if (o->cpu >= m->nr_cpus) {
        fault_set(f, EXIT_BAD_INPUT, "--cpu %u: machine '%s' has %u pCPUs", o->cpu, m->name, m->nr_cpus);
        return -1;
    }
    if (o->node)
        node = (unsigned)strtoul(o->node, NULL, 10);
    if (node >= m->nr_nodes) {
        fault_set(f, EXIT_BAD_INPUT, "--node %u: machine '%s' has %u nodes", node, m->name, m->nr_nodes);
        return -1;
    }
    double ghz = m->kind[m->cpu[o->cpu].kind].freq_hz / 1e9;
    begin(m, o, "chase", "ns", out);
    if (!o->json && !m->kind[m->cpu[o->cpu].kind].tlb.l1_entries[0])
        fputs("(the machine file knows no TLBs: nothing is missed there)\n", out);
    fputs(o->json ? ", \"points\": [" : "working set     latency, ns      cycles\n", out);
    for (unsigned i = 0; i < sizes; i++) {
        struct chase c = {.page = o->page, .nested = o->nested, .host_page = o->host_page};
        uint64_t size = o->nr_sizes ? o->size[i] : UINT64_C(1024) << i;
        double ns;
        char text[32];
        c.working_set = (double)size;
        if (measure_chase_ns(m, o->cpu, node, &c, &ns, f) < 0)
            return -1;
        if (o->json)
            fprintf(out, "%s{\"working_set\": %llu, \"latency_ns\": %.4f, \"latency_cycles\": %.3f}", i ? ", " : "",
                    (unsigned long long)size, ns, ns * ghz);
        else
            fprintf(out, "%-12s %14.2f %11.1f\n", size_text(text, size), ns, ns * ghz);
    }
    fputs(o->json ? "]}\n" : "", out);
    return 0;
}

const struct measure_tool measure_tools[] = {
    {"latency-matrix", "idle latency from every node to every node's memory (mlc)", latency_matrix},
    {"bandwidth-matrix", "what all cores of a node read from each node, and peaks by reads and writes (mlc)",
     bandwidth_matrix},
    {"loaded-latency", "latency of a chain while all other cores load their own node (mlc)", loaded_latency},
    {"stream", "copy, scale, add, triad on some threads (STREAM)", stream},
    {"chase", "latency of dependent loads against the size of the working set (lat_mem_rd, random)", chase},
    {NULL, NULL, NULL},
};
