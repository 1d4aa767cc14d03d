/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_trace.h"

#include "run_child.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SCENARIO "workloads/scenarios/real-xen-trace/trace.toml"
#define REFERENCE "results/reference/real-xen/trace"
#define SUFFIX ".bin"
#define SHARES ".shares.csv"

enum { SEEDS = 5 }; /* a single run can have a vCPU stolen, and then the queues are others for the rest of it */

#define RECORDED_HZ 2596124000.0 /* TSC of the recorded host, as its users told xenalyze (--cpu-hz=2.596124G) */
#define SIMULATED_HZ 1e9         /* the simulator writes ns */

const char *const trace_quantity_names[QUANTITIES] = {"run", "wake_to_run", "preempted"};
const char *const trace_quantity_titles[QUANTITIES] = {"run lengths", "wake-up to running", "preempted to running"};

/* ---- domains --------------------------------------------------------------------------------------------------- */

static struct trace_domain *find_domain(struct trace_comparison *c, unsigned id)
{
    for (size_t i = 0; i < c->nr; i++)
        if (c->domain[i].id == id)
            return &c->domain[i];
    return NULL;
}

/* NULL after a fault. */
static struct trace_domain *add_domain(struct trace_comparison *c, unsigned id, const char *name, struct fault *f)
{
    struct trace_domain *d = realloc(c->domain, (c->nr + 1) * sizeof(*d));
    if (!d) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return NULL;
    }
    c->domain = d;
    d += c->nr++;
    *d = (struct trace_domain){.id = id};
    if (name)
        snprintf(d->name, sizeof(d->name), "%s", name);
    else
        snprintf(d->name, sizeof(d->name), "domain %u", id);
    return d;
}

static int by_id(const void *x, const void *y)
{
    const struct trace_domain *a = x, *b = y;
    return (a->id > b->id) - (a->id < b->id);
}

/* Add what the vCPUs of each domain did. */
static int add_side(struct trace_comparison *c, enum trace_side side, struct fault *f)
{
    const struct trace_stats *s = &c->stats[side];
    for (size_t i = 0; i < s->nr && !f->code; i++) {
        const struct trace_vcpu *v = &s->vcpu[i];
        struct trace_domain *d = find_domain(c, v->dom);
        if (!d && !(d = add_domain(c, v->dom, NULL, f)))
            break;
        d->pct[side] += 100.0 * (double)v->time[0] / (double)s->elapsed;
        if (trace_samples_append(&d->sample[side][QUANTITY_RUN], &v->run) ||
            trace_samples_append(&d->sample[side][QUANTITY_WAKE], &v->wake) ||
            trace_samples_append(&d->sample[side][QUANTITY_PREEMPT], &v->preempt))
            fault_set(f, EXIT_HOST_FAILED, "out of memory");
    }
    for (size_t i = 0; i < c->nr; i++)
        for (int q = 0; q < QUANTITIES; q++)
            trace_samples_sort(&c->domain[i].sample[side][q]);
    return f->code;
}

static void free_comparison(struct trace_comparison *c)
{
    for (int side = 0; side < SIDES; side++) {
        trace_free(&c->trace[side]);
        trace_stats_free(&c->stats[side]);
        for (size_t i = 0; i < c->nr; i++)
            for (int q = 0; q < QUANTITIES; q++)
                trace_samples_free(&c->domain[i].sample[side][q]);
    }
    free(c->domain);
}

/* ---- what was recorded ------------------------------------------------------------------------------------------- */

/* Where the mean shares are: beside the recording, or among the reference figures. false: nowhere. */
static bool find_shares(const char *recording, char *path, size_t n)
{
    size_t stem = strlen(recording);
    struct stat st;
    if (stem > strlen(SUFFIX) && !strcmp(recording + stem - strlen(SUFFIX), SUFFIX))
        stem -= strlen(SUFFIX);
    snprintf(path, n, "%.*s" SHARES, (int)stem, recording);
    if (!stat(path, &st))
        return true;
    const char *base = recording;
    for (const char *p = recording; p < recording + stem; p++)
        if (*p == '/')
            base = p + 1;
    snprintf(path, n, "%s/" REFERENCE "/%.*s" SHARES, scenario_data_dir(), (int)(recording + stem - base), base);
    return !stat(path, &st);
}

static int read_shares(struct trace_comparison *c, const char *path, struct fault *f)
{
    static const char *const names[] = {"domain", "name", "pct_of_one_pcpu", NULL};
    struct csv csv;
    int column[3];
    if (replay_table_read(path, names, &csv, column, f) != EXIT_DONE)
        return f->code;
    for (size_t i = 0; i < csv.nr_rows && !f->code; i++) {
        unsigned id = 0;
        const char *name = NULL;
        double pct = 0;
        struct trace_domain *d = NULL;
        if (!replay_table_uint(path, &csv, i, column[0], 0, TRACE_IDLE_DOMAIN, &id, f) ||
            !replay_table_word(path, &csv, i, column[1], sizeof(d->name) - 1, &name, f) ||
            !replay_table_double(path, &csv, i, column[2], 0, 100.0 * TRACE_MAX_CPUS, &pct, f))
            break;
        if (find_domain(c, id))
            replay_table_fault(path, &csv, i, column[0], f, "domain %u a second time", id);
        else if ((d = add_domain(c, id, name, f)))
            d->expected = pct;
    }
    csv_free(&csv);
    c->expected_from = c->path;
    return f->code;
}

static int read_recording(struct trace_comparison *c, const char *path, double hz, struct fault *f)
{
    c->hz[SIDE_RECORDED] = hz;
    struct trace *t = &c->trace[SIDE_RECORDED];
    if (trace_read(path, t, f) != EXIT_DONE)
        return f->code;
    trace_sort(t);
    if (trace_stats_collect(t, &c->stats[SIDE_RECORDED], f) != EXIT_DONE)
        return f->code;
    if (!c->stats[SIDE_RECORDED].nr || !c->stats[SIDE_RECORDED].elapsed)
        return fault_set(f, EXIT_BAD_INPUT, "%s: no runstate changes in it: there is nothing to compare", path);
    c->seconds[SIDE_RECORDED] = (double)c->stats[SIDE_RECORDED].elapsed / hz;
    if (find_shares(path, c->path, sizeof(c->path)) && read_shares(c, c->path, f) != EXIT_DONE)
        return f->code;
    if (add_side(c, SIDE_RECORDED, f) != EXIT_DONE)
        return f->code;
    for (size_t i = 0; !c->expected_from && i < c->nr; i++)
        c->domain[i].expected = c->domain[i].pct[SIDE_RECORDED];
    return EXIT_DONE;
}

/* ---- the simulation ------------------------------------------------------------------------------------------------
 */

static struct scenario *load(const struct replay_options *o, struct fault *f)
{
    char path[PATH_MAX], level[96], duration[160], *err = NULL;
    size_t n = 0, given = 0;
    while (o->set && o->set[given])
        given++;
    const char **set = calloc(given + 3, sizeof(*set));
    if (!set) {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return NULL;
    }
    snprintf(path, sizeof(path), "%s/" SCENARIO, scenario_data_dir());
    snprintf(level, sizeof(level), "xen.behaviour=\"%s\"", o->level);
    set[n++] = level;
    if (o->duration) {
        snprintf(duration, sizeof(duration), "duration=\"%s\"", o->duration);
        set[n++] = duration;
    }
    for (size_t i = 0; i < given; i++)
        set[n++] = o->set[i];
    struct scenario *s = o->backend->load(o->scenario ? o->scenario : path, set, &err);
    if (!s)
        fault_set(f, EXIT_BAD_INPUT, "%s", err ? err : "out of memory");
    free(err);
    free(set);
    return s;
}

static int use_trace_file(void *ctx, struct run_options *opt)
{
    opt->trace = ctx;
    return EXIT_DONE;
}

/* Runs it in a process of its own, which writes its trace to out. */
static int simulate(const struct replay_options *o, const struct scenario *s, uint64_t seed, FILE *out, struct fault *f)
{
    struct run_child c;
    struct run_reply r = {0};
    struct run_options opt = {.seed = seed, .check_invariants = o->check_invariants};
    int e = run_child_start(&c, o->backend, s, &opt, use_trace_file, out);
    if (e)
        return fault_set(f, EXIT_HOST_FAILED, "cannot start a process: %s", strerror(-e));
    struct pollfd p = {.fd = c.fd, .events = POLLIN};
    do {
        if (o->stop && *o->stop) {
            run_child_kill(&c);
            return fault_set(f, EXIT_HOST_FAILED, "interrupted");
        }
    } while (poll(&p, 1, -1) < 0 || !run_child_read(&c));
    run_child_finish(&c, &r);
    if (r.exit != EXIT_DONE)
        fault_set(f, r.exit, "%s", r.result.error);
    run_reply_free(&r);
    return f->code;
}

/* Where the simulated trace goes: into --keep, or nowhere that stays. */
static FILE *open_trace(const struct replay_options *o, struct fault *f)
{
    char path[PATH_MAX];
    if (!o->keep) {
        FILE *t = tmpfile();
        if (!t)
            fault_set(f, EXIT_HOST_FAILED, "a temporary file: %s", strerror(errno));
        return t;
    }
    if (mkdir(o->keep, 0777)) {
        fault_set(f, EXIT_BAD_INPUT, "--keep %s: %s", o->keep, strerror(errno));
        return NULL;
    }
    snprintf(path, sizeof(path), "%s/simulated.bin", o->keep);
    FILE *t = fopen(path, "w+e");
    if (!t)
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
    return t;
}

/* One run, its trace in out. */
static int trace_run(const struct replay_options *o, const struct scenario *s, uint64_t seed, FILE *out,
                     struct trace *t, struct trace_stats *stats, struct fault *f)
{
    if (simulate(o, s, seed, out, f) != EXIT_DONE)
        return f->code;
    rewind(out);
    if (trace_read_stream(out, "the simulated trace", t, f) == EXIT_DONE) {
        trace_sort(t);
        trace_stats_collect(t, stats, f);
    }
    if (!f->code && !stats->elapsed)
        fault_set(f, EXIT_BAD_INPUT, "nothing happened in the simulated time: too short a duration");
    return f->code;
}

/* The first run: its distributions are those that are shown. */
static int first_run(struct trace_comparison *c, const struct replay_options *o, const struct scenario *s,
                     struct fault *f)
{
    struct trace_stats *stats = &c->stats[SIDE_SIMULATED];
    FILE *out = open_trace(o, f);
    if (!out)
        return f->code;
    if (trace_run(o, s, o->seed, out, &c->trace[SIDE_SIMULATED], stats, f) == EXIT_DONE) {
        c->hz[SIDE_SIMULATED] = SIMULATED_HZ;
        c->seconds[SIDE_SIMULATED] = (double)stats->elapsed / SIMULATED_HZ;
        add_side(c, SIDE_SIMULATED, f);
    }
    fclose(out);
    return f->code;
}

/* One of the others: it only has a part in the CPU times. */
static int further_run(struct trace_comparison *c, const struct replay_options *o, const struct scenario *s,
                       uint64_t seed, struct fault *f)
{
    struct trace t = {0};
    struct trace_stats stats = {0};
    FILE *out = tmpfile();
    if (!out)
        return fault_set(f, EXIT_HOST_FAILED, "a temporary file: %s", strerror(errno));
    if (trace_run(o, s, seed, out, &t, &stats, f) == EXIT_DONE)
        for (size_t i = 0; i < stats.nr; i++) {
            struct trace_domain *d = find_domain(c, stats.vcpu[i].dom);
            if (d)
                d->pct[SIDE_SIMULATED] += 100.0 * (double)stats.vcpu[i].time[0] / (double)stats.elapsed;
        }
    fclose(out);
    trace_free(&t);
    trace_stats_free(&stats);
    return f->code;
}

static int read_simulation(struct trace_comparison *c, const struct replay_options *o, struct fault *f)
{
    struct scenario *s = load(o, f);
    if (!s)
        return f->code;
    c->runs = o->seeds ? o->seeds : SEEDS;
    first_run(c, o, s, f);
    for (unsigned k = 1; k < c->runs && !f->code; k++)
        further_run(c, o, s, o->seed + k, f);
    for (size_t i = 0; i < c->nr; i++)
        c->domain[i].pct[SIDE_SIMULATED] /= c->runs;
    o->backend->release(s);
    return f->code;
}

int replay_trace(const struct replay_options *o, struct fault *f)
{
    struct trace_comparison c = {0};
    int exit = EXIT_DONE;
    read_recording(&c, o->file, o->cpu_hz > 0 ? o->cpu_hz : RECORDED_HZ, f);
    if (!f->code)
        read_simulation(&c, o, f);
    if (!f->code) {
        qsort(c.domain, c.nr, sizeof(*c.domain), by_id);
        printf("%s: %.2f s on %u pCPUs, %zu records; simulated: %.2f s, %zu records, level %s, seed %lu\n"
               "simulated CPU times are means of %u runs, with seeds from that one on\n",
               o->file, c.seconds[SIDE_RECORDED], c.trace[SIDE_RECORDED].nr_cpus, c.trace[SIDE_RECORDED].nr,
               c.seconds[SIDE_SIMULATED], c.trace[SIDE_SIMULATED].nr, o->level, (unsigned long)o->seed, c.runs);
        unsigned failed = replay_trace_print(&c, stdout);
        if (o->csv)
            replay_trace_csv(&c, o->csv, f);
        if (!f->code && o->plot)
            replay_trace_plot(&c, o->plot, f);
        exit = replay_verdict((unsigned)c.nr - failed, failed);
    }
    free_comparison(&c);
    return f->code ? f->code : exit;
}
