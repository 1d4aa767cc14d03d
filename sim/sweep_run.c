/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sweep_run.h"

#include "build_info.h"
#include "pool.h"
#include "progress.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Until the guests of a run have started, as long as so many simulated seconds: only for the order of runs. */
#define START_S 0.1

/* A point of the grid, loaded. */
struct loaded_point {
    struct scenario *scenario;
    char config_key[CONTENT_HASH_TEXT_MAX];
};

struct planned_run {
    size_t point;
    uint64_t seed;
    int64_t id;
    char key[CONTENT_HASH_TEXT_MAX];
    enum run_status status;
};

struct runner {
    const struct sweep *sweep;
    const struct run_backend *backend;
    const struct sweep_options *opt;
    struct sweep_outcome *out;
    struct fault *f;
    struct store *store;
    struct loaded_point *point;
    struct planned_run *run;
    size_t *order; /* runs, the longest first */
    size_t next, to_run;
    double weight_left, weight_done; /* of what is to be run now */
    struct progress progress;
};

/* ---- what is to be run ------------------------------------------------------------------------------------------- */

static const char **join_overrides(const struct sweep_point *p, const char *const *set)
{
    size_t n = 0;
    while (set && set[n])
        n++;
    const char **all = calloc(p->nr_params + n + 1, sizeof(char *));
    if (!all)
        return NULL;
    for (size_t i = 0; i < p->nr_params; i++)
        all[i] = p->param[i];
    for (size_t i = 0; i < n; i++)
        all[p->nr_params + i] = set[i];
    return all;
}

static void load_point(struct runner *r, size_t i)
{
    const struct sweep_point *p = &r->sweep->point[i];
    const char **overrides = join_overrides(p, r->opt->set);
    char *err = NULL;
    struct scenario *s = overrides ? r->backend->load(p->path, overrides, &err) : NULL;
    if (!s)
        fault_set(r->f, EXIT_BAD_INPUT, "%s", err ? err : "out of memory");
    else
        content_hash_text(r->point[i].config_key,
                          content_hash_add_string(content_hash_start(), s->resolved_json ? s->resolved_json : ""));
    r->point[i].scenario = s;
    free(overrides);
    free(err);
}

/* What decides a result beside configuration and seed: this program, and the core it loads. */
static int hash_program(const char *hv_core, struct content_hash *out, struct fault *f)
{
    struct content_hash program, core = content_hash_start();
    if (!content_hash_file("/proc/self/exe", &program))
        return fault_set(f, EXIT_HOST_FAILED, "/proc/self/exe: %s", strerror(errno));
    if (hv_core && !content_hash_file(hv_core, &core))
        return fault_set(f, EXIT_BAD_INPUT, "%s: %s", hv_core, strerror(errno));
    *out = content_hash_add(content_hash_add(content_hash_start(), &program, sizeof(program)), &core, sizeof(core));
    return EXIT_DONE;
}

static void plan(struct runner *r)
{
    const struct sweep *s = r->sweep;
    struct content_hash program;
    r->out->total = s->nr_points * s->nr_seeds;
    r->point = calloc(s->nr_points, sizeof(*r->point));
    r->run = calloc(r->out->total, sizeof(*r->run));
    if (!r->point || !r->run) {
        fault_set(r->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    if (hash_program(r->opt->hv_core, &program, r->f) != EXIT_DONE)
        return;
    for (size_t i = 0; i < s->nr_points && r->f->code == EXIT_DONE; i++)
        load_point(r, i);
    for (size_t i = 0; i < r->out->total && r->f->code == EXIT_DONE; i++) {
        struct planned_run *run = &r->run[i];
        run->point = i / s->nr_seeds;
        run->seed = s->seed[i % s->nr_seeds];
        char seed[24];
        snprintf(seed, sizeof(seed), "%" PRIu64, run->seed);
        struct content_hash h = content_hash_add(content_hash_start(), &program, sizeof(program));
        h = content_hash_add_string(h, r->point[run->point].config_key);
        h = content_hash_add_string(h, seed);
        h = content_hash_add_string(h, r->opt->check_invariants ? "invariants" : "");
        content_hash_text(run->key, h);
    }
}

/* A row of the database and where it stands in the list. */
struct place {
    int64_t id;
    size_t at;
};

static int by_id(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

/* Points that resolve to the same configuration are one run: only the first of them is simulated. */
static void find_twins(struct runner *r)
{
    size_t n = r->out->total;
    struct place *sorted = n ? calloc(n, sizeof(*sorted)) : NULL;
    if (!sorted) {
        fault_set(r->f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct place){r->run[i].id, i};
    qsort(sorted, n, sizeof(*sorted), by_id);
    for (size_t i = 1; i < n; i++) {
        struct planned_run *twin = &r->run[sorted[i].at];
        if (sorted[i].id == sorted[i - 1].id && twin->status != RUN_DONE) {
            twin->status = RUN_DONE;
            r->out->known++;
        }
    }
    free(sorted);
}

static void register_runs(struct runner *r)
{
    const struct sweep *s = r->sweep;
    if (store_begin_sweep(r->store, s->name, s->description, s->path, r->f) != EXIT_DONE)
        return;
    for (size_t i = 0; i < r->out->total && r->f->code == EXIT_DONE; i++) {
        struct planned_run *run = &r->run[i];
        const struct sweep_point *p = &s->point[run->point];
        const struct loaded_point *l = &r->point[run->point];
        const char *config = l->scenario ? l->scenario->resolved_json : NULL;
        struct store_run row = {
            .key = run->key,
            .scenario = p->scenario,
            .label = p->label,
            .params_json = p->params_json,
            .config_key = l->config_key,
            .config_json = config ? config : "{}",
            .seed = run->seed,
        };
        store_add_run(r->store, &row, &run->id, &run->status, r->f);
        r->out->known += run->status == RUN_DONE;
    }
    if (r->f->code == EXIT_DONE && store_end_sweep(r->store, r->f) == EXIT_DONE)
        find_twins(r);
}

static void print_plan(const struct runner *r)
{
    const struct sweep *s = r->sweep;
    for (size_t i = 0; i < r->out->total; i++) {
        const struct sweep_point *p = &s->point[r->run[i].point];
        printf("%s  %-16s seed %-4" PRIu64 " %s\n", r->run[i].key, p->label, r->run[i].seed, p->params_json);
    }
    printf("%zu runs: %zu points x %zu seeds\n", r->out->total, s->nr_points, s->nr_seeds);
}

/* ---- in which order ---------------------------------------------------------------------------------------------- */

/* How long a run takes, against others: each pCPU and each vCPU has its events, and to start takes time, too. */
static double weight_of(const struct scenario *s)
{
    double threads = s->machine->nr_cpus, seconds = (double)(s->warmup_ps + s->duration_ps) / 1e12;
    for (unsigned i = 0; i < s->nr_vms; i++)
        threads += s->vm[i].cfg.vcpus;
    return 1 + threads * (START_S + seconds);
}

struct weighed {
    double weight;
    size_t run;
};

static int longest_first(const void *a, const void *b)
{
    const struct weighed *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    return x->run < y->run ? -1 : 1;
}

static void put_in_order(struct runner *r)
{
    size_t n = r->out->total;
    struct weighed *w = calloc(n ? n : 1, sizeof(*w));
    r->order = calloc(n ? n : 1, sizeof(*r->order));
    if (!w || !r->order) {
        fault_set(r->f, EXIT_HOST_FAILED, "out of memory");
        free(w);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        w[i] = (struct weighed){weight_of(r->point[r->run[i].point].scenario), i};
        if (r->run[i].status != RUN_DONE)
            r->weight_left += w[i].weight;
    }
    qsort(w, n, sizeof(*w), longest_first);
    for (size_t i = 0; i < n; i++)
        r->order[i] = w[i].run;
    free(w);
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

static bool next_job(void *ctx, struct pool_job *job)
{
    struct runner *r = ctx;
    while (r->next < r->out->total && r->run[r->order[r->next]].status == RUN_DONE)
        r->next++;
    if (r->next >= r->out->total || r->to_run == 0)
        return false;
    r->to_run--;
    job->index = r->order[r->next++];
    const struct planned_run *run = &r->run[job->index];
    job->scenario = r->point[run->point].scenario;
    job->options = (struct run_options){
        .seed = run->seed,
        .hv_core_path = r->opt->hv_core,
        .check_invariants = r->opt->check_invariants,
    };
    return true;
}

static void show(void *ctx)
{
    struct runner *r = ctx;
    const struct sweep_outcome *o = r->out;
    size_t done = o->known + o->run;
    struct progress_state p = {
        .done = (double)done / (double)o->total,
        .runs = done,
        .total = o->total,
        .failed = o->failed,
        .elapsed_s = progress_elapsed(&r->progress),
        .simulated_s = o->simulated_s,
        .events = o->events,
    };
    /* What was known at the start took no time: the rate is that of the rest. */
    p.eta_s = r->weight_done > 0 ? p.elapsed_s * r->weight_left / r->weight_done : -1;
    progress_show(&r->progress, &p, done == o->total);
}

static int job_done(void *ctx, size_t index, struct run_reply *reply)
{
    struct runner *r = ctx;
    struct sweep_outcome *o = r->out;
    struct planned_run *run = &r->run[index];
    if (store_finish_run(r->store, run->id, reply, r->f) != EXIT_DONE)
        return r->f->code;
    run->status = reply->exit == EXIT_DONE ? RUN_DONE : RUN_FAILED;
    double weight = weight_of(r->point[run->point].scenario);
    r->weight_left -= weight;
    r->weight_done += weight;
    o->run++;
    o->cpu_s += reply->cpu_s;
    o->events += reply->result.events;
    o->simulated_s += reply->result.simulated_s;
    if (reply->exit != EXIT_DONE && !o->failed++) {
        const struct sweep_point *p = &r->sweep->point[run->point];
        snprintf(o->first_error, sizeof(o->first_error), "%s %.200s seed %" PRIu64 ": %.200s", p->label, p->params_json,
                 run->seed, reply->result.error);
    }
    return EXIT_DONE;
}

static void run_all(struct runner *r)
{
    struct pool p = {
        .backend = r->backend,
        .jobs = r->opt->jobs,
        .ctx = r,
        .next = next_job,
        .done = job_done,
        .tick = show,
        .stop = r->opt->stop,
    };
    r->to_run = r->opt->limit ? r->opt->limit : SIZE_MAX;
    progress_open(&r->progress, stderr, r->opt->progress, r->opt->quiet);
    pool_run(&p, r->f);
    r->out->elapsed_s = progress_elapsed(&r->progress);
    progress_clear(&r->progress);
}

static void release(struct runner *r)
{
    for (size_t i = 0; r->point && i < r->sweep->nr_points; i++)
        if (r->point[i].scenario)
            r->backend->release(r->point[i].scenario);
    free(r->point);
    free(r->run);
    free(r->order);
    store_close(r->store);
}

/* Processor time of this process. */
static double own_cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

int sweep_run(const struct sweep *s, const struct run_backend *b, const struct sweep_options *o,
              struct sweep_outcome *out, struct fault *f)
{
    memset(out, 0, sizeof(*out));
    struct runner r = {.sweep = s, .backend = b, .opt = o, .out = out, .f = f};
    const double own = own_cpu_s(), began = progress_now();
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    out->processors = online > 0 && (unsigned long)online < o->jobs ? (unsigned)online : o->jobs;
    plan(&r);
    if (f->code == EXIT_DONE && o->dry_run) {
        print_plan(&r);
    } else if (f->code == EXIT_DONE) {
        r.store = store_open(o->out, o->mode, f);
        if (r.store)
            register_runs(&r);
        if (f->code == EXIT_DONE)
            put_in_order(&r);
        if (f->code == EXIT_DONE)
            run_all(&r);
    }
    release(&r);
    out->wall_s = progress_now() - began;
    out->cpu_s += own_cpu_s() - own;
    if (f->code == EXIT_DONE && out->failed)
        fault_set(f, EXIT_CHECK_FAILED, "%zu of %zu runs failed; the first: %s", out->failed, out->run,
                  out->first_error);
    return f->code;
}
