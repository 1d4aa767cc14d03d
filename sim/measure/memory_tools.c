/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tools of a row of published figures, with their options: "key=value key=value". */
#include "memory_report.h"

#include <config.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_OPTIONS = 8, VALUE_MAX = 512 };

struct options {
    const char *where;
    unsigned nr, used;
    char key[MAX_OPTIONS][32], value[MAX_OPTIONS][VALUE_MAX];
    bool asked[MAX_OPTIONS];
};

/* ---- options -------------------------------------------------------------------------------------------------------
 */

static bool read_options(const char *text, struct options *o, struct fault *f)
{
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, " "), k = strcspn(at, "= ");
        if (o->nr == MAX_OPTIONS || k >= n || k >= sizeof(o->key[0]) || n - k > VALUE_MAX) {
            fault_set(f, EXIT_BAD_INPUT, "%s: options: expected key=value, found '%s'", o->where, at);
            return false;
        }
        snprintf(o->key[o->nr], sizeof(o->key[0]), "%.*s", (int)k, at);
        snprintf(o->value[o->nr++], VALUE_MAX, "%.*s", (int)(n - k - 1), at + k + 1);
        at += n;
        at += strspn(at, " ");
    }
    return true;
}

static const char *word(struct options *o, const char *key)
{
    for (unsigned i = 0; i < o->nr; i++)
        if (!strcmp(o->key[i], key)) {
            o->asked[i] = true;
            return o->value[i];
        }
    return NULL;
}

static double real(struct options *o, const char *key, double otherwise, struct fault *f)
{
    const char *v = word(o, key);
    char *end;
    double x = v ? strtod(v, &end) : otherwise;
    if (v && (*end || end == v || !isfinite(x)))
        fault_set(f, EXIT_BAD_INPUT, "%s: options: %s=%s: expected a number", o->where, key, v);
    if (isnan(x) && !v)
        fault_set(f, EXIT_BAD_INPUT, "%s: options: %s is missing", o->where, key);
    return x;
}

static unsigned node_of(struct options *o, const struct machine *m, const char *key, double otherwise, struct fault *f)
{
    double n = real(o, key, otherwise, f);
    if (n >= 0 && n < m->nr_nodes)
        return (unsigned)n;
    fault_set(f, EXIT_BAD_INPUT, "%s: options: %s: machine '%s' has %u nodes", o->where, key, m->name, m->nr_nodes);
    return 0;
}

/* "2:1" -> lines written per line read. */
static double mix(struct options *o, struct fault *f)
{
    const char *v = word(o, "mix");
    unsigned reads = 1, writes = 0;
    char end;
    if (v && (sscanf(v, "%u:%u%c", &reads, &writes, &end) != 2 || !reads))
        fault_set(f, EXIT_BAD_INPUT, "%s: options: mix=%s: expected reads:writes", o->where, v);
    return (double)writes / (reads ? reads : 1);
}

/* "32K" */
static double size(struct options *o, struct fault *f)
{
    const char *v = word(o, "size");
    char *end = NULL;
    double x = v ? strtod(v, &end) : 0;
    const char *unit = end && *end ? strchr("KMGT", *end) : NULL;
    for (unsigned i = 0; unit && i <= unit - "KMGT"; i++)
        x *= 1024;
    if (!(x >= 64) || (unit && end[1]) || (!unit && end && *end))
        fault_set(f, EXIT_BAD_INPUT, "%s: options: size: expected one as 32K or 1M", o->where);
    return x;
}

/* ---- tools ---------------------------------------------------------------------------------------------------------
 */

static double matrix(const struct machine *m, struct options *o, bool latency, struct fault *f)
{
    unsigned from = node_of(o, m, "from", NAN, f), to = node_of(o, m, "to", NAN, f);
    double writes = mix(o, f), x = NAN;
    double *v = calloc((size_t)m->nr_nodes * m->nr_nodes, sizeof(*v));
    if (!v)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    else if (f->code == EXIT_DONE &&
             (latency ? measure_latency_matrix(m, v, f) : measure_bandwidth_matrix(m, writes, v, f)) == 0)
        x = v[(size_t)from * m->nr_nodes + to] / (latency ? 1 : 1e6);
    free(v);
    return x;
}

static double tool_latency(const struct machine *m, struct options *o, struct fault *f)
{
    return matrix(m, o, true, f);
}

static double tool_bandwidth(const struct machine *m, struct options *o, struct fault *f)
{
    return matrix(m, o, false, f);
}

static double tool_peak(const struct machine *m, struct options *o, struct fault *f)
{
    double writes = mix(o, f), x = NAN;
    return f->code == EXIT_DONE && measure_peak(m, writes, &x, f) == 0 ? x / 1e6 : NAN;
}

/* The curve, by bandwidth. */
static bool curve(const struct machine *m, double writes, struct measure_loaded out[MEASURE_DELAYS], struct fault *f)
{
    for (unsigned i = 0; i < MEASURE_DELAYS; i++) /* the last delay loads least */
        if (measure_loaded_latency(m, measure_delays[MEASURE_DELAYS - 1 - i], writes, &out[i], f) < 0)
            return false;
    return true;
}

static double between(double x, double x0, double y0, double x1, double y1)
{
    return x1 > x0 ? y0 + (y1 - y0) * (x - x0) / (x1 - x0) : y0;
}

/* delay=: latency there. bandwidth=: latency where the curve has it. knee=: where latency is so many times the idle
 * one. */
static double tool_loaded(const struct machine *m, struct options *o, struct fault *f)
{
    struct measure_loaded c[MEASURE_DELAYS], one;
    double writes = mix(o, f), delay = real(o, "delay", -1, f), at = real(o, "bandwidth", -1, f) * 1e6,
           knee = real(o, "knee", -1, f);
    if (f->code != EXIT_DONE)
        return NAN;
    if (delay >= 0)
        return measure_loaded_latency(m, (unsigned)delay, writes, &one, f) == 0 ? one.latency_ns : NAN;
    if ((at < 0) == (knee < 0)) {
        fault_set(f, EXIT_BAD_INPUT, "%s: options: expected delay=, bandwidth= or knee=", o->where);
        return NAN;
    }
    if (!curve(m, writes, c, f))
        return NAN;
    for (unsigned i = 1; i < MEASURE_DELAYS; i++) {
        if (at >= 0 && c[i].bandwidth >= at)
            return between(at, c[i - 1].bandwidth, c[i - 1].latency_ns, c[i].bandwidth, c[i].latency_ns);
        if (knee >= 0 && c[i].latency_ns >= knee * c[0].latency_ns)
            return between(knee * c[0].latency_ns, c[i - 1].latency_ns, c[i - 1].bandwidth, c[i].latency_ns,
                           c[i].bandwidth) /
                   1e6;
    }
    return knee >= 0 ? c[MEASURE_DELAYS - 1].bandwidth / 1e6 : c[MEASURE_DELAYS - 1].latency_ns;
}

static double tool_stream(const struct machine *m, struct options *o, struct fault *f)
{
    struct measure_options place = {.cpus = word(o, "cpus"),
                                    .membind = word(o, "membind"),
                                    .interleave = word(o, "interleave"),
                                    .threads = (unsigned)real(o, "threads", 0, f)};
    const char *op = word(o, "op"), *stores = word(o, "stores");
    unsigned which = 0;
    while (op && which < MEASURE_OPS && strcmp(op, measure_op_names[which]) != 0)
        which++;
    if (!op || which == MEASURE_OPS || (stores && strcmp(stores, "rfo") != 0 && strcmp(stores, "streaming") != 0))
        fault_set(f, EXIT_BAD_INPUT, "%s: options: expected op=copy, scale, add or triad, stores=rfo or streaming",
                  o->where);
    if (stores)
        place.stores = *stores == 'r' ? MEASURE_STORES_RFO : MEASURE_STORES_STREAMING;
    unsigned *cpu = calloc(m->nr_cpus, sizeof(*cpu));
    double *share = calloc((size_t)m->nr_cpus * m->nr_nodes, sizeof(*share)), v[MEASURE_OPS] = {0};
    struct measure_stream s;
    if (!cpu || !share)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    if (f->code == EXIT_DONE && measure_place(m, &place, &s, cpu, share, f) == 0)
        measure_stream(m, &s, v, f);
    free(cpu);
    free(share);
    return f->code == EXIT_DONE ? v[which] / 1e6 : NAN;
}

static double tool_chase(const struct machine *m, struct options *o, struct fault *f)
{
    struct chase c = {.working_set = size(o, f)};
    const char *page = word(o, "page");
    double ns = NAN;
    c.page = page && !strcmp(page, "2M") ? CHASE_2M : page && !strcmp(page, "1G") ? CHASE_1G : CHASE_4K;
    unsigned at = node_of(o, m, "node", m->cpu[0].node, f);
    return f->code == EXIT_DONE && measure_chase_ns(m, 0, at, &c, &ns, f) == 0 ? ns : NAN;
}

/* Mean time of a step of one thread, or of two on the first two cores, over that of a lone reader of its own node. */
static double tool_relative(const struct machine *m, struct options *o, struct fault *f)
{
    double in_flight = measure_in_flight(m, f);
    struct measure_program reader = {.reads = 1, .in_flight = in_flight};
    struct measure_program p = {
        .reads = real(o, "reads", 1, f), .writes = real(o, "writes", 0, f), .in_flight = in_flight};
    unsigned first = node_of(o, m, "node", 0, f), second = node_of(o, m, "second", 0, f), cores[2] = {0, 0}, n = 0;
    bool two = word(o, "second") != NULL;
    double own[MACHINE_MAX_NODES] = {0}, a[MACHINE_MAX_NODES] = {0}, b[MACHINE_MAX_NODES] = {0}, x = NAN;
    for (unsigned c = 0; c < m->nr_cpus && n < 2; c++)
        if (!m->cpu[c].thread)
            cores[n++] = c;
    own[m->cpu[cores[0]].node] = a[first] = b[second] = 1;
    struct measure_host *h = f->code == EXIT_DONE ? measure_new(m, f) : NULL;
    if (h && measure_run(h, cores[0], &reader, own, f) == 0) {
        measure_go(h);
        double idle = measure_step_ns(h, cores[0]);
        measure_clear(h);
        if (measure_run(h, cores[0], &p, a, f) == 0 && (!two || measure_run(h, cores[1], &p, b, f) == 0)) {
            measure_go(h);
            x = measure_step_ns(h, cores[0]);
            x = 100 * (two ? (x + measure_step_ns(h, cores[1])) / 2 : x) / idle;
        }
    }
    measure_free(h);
    return x;
}

double memory_tool_run(const struct machine *m, const char *tool, const char *options, const char *where,
                       struct fault *f)
{
    static const struct {
        const char *name;
        double (*run)(const struct machine *m, struct options *o, struct fault *f);
    } tools[] = {{"latency", tool_latency},  {"bandwidth", tool_bandwidth}, {"peak", tool_peak},
                 {"loaded", tool_loaded},    {"stream", tool_stream},       {"chase", tool_chase},
                 {"relative", tool_relative}};
    const char *names[sizeof(tools) / sizeof(tools[0]) + 1] = {NULL};
    static struct options o;
    memset(&o, 0, sizeof(o));
    o.where = where;
    if (!read_options(options, &o, f))
        return NAN;
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        names[i] = tools[i].name;
        if (strcmp(tool, tools[i].name) != 0)
            continue;
        double x = tools[i].run(m, &o, f);
        for (unsigned k = 0; k < o.nr; k++)
            if (!o.asked[k])
                fault_set(f, EXIT_BAD_INPUT, "%s: options: '%s' is not of tool '%s'", where, o.key[k], tool);
        return x;
    }
    const char *near = cfg_nearest(tool, names);
    fault_set(f, EXIT_BAD_INPUT, "%s: no tool '%s'%s%s%s", where, tool, near ? "; did you mean '" : "",
              near ? near : "", near ? "'?" : "");
    return NAN;
}
