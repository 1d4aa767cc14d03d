/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenes of a replay as files, and running them. */
#include "replay.h"

#include "pool.h"
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Small enough for any number of guests, large enough for the toolstack; what runs in them touches none of it. */
enum { GUEST_MIB = 32, DOM0_MIB = 512, HOST_MIB = 8192 };

#define MACHINE "emulated-1s"
#define POOL "guests"

void replay_write_file(struct fault *f, const char *dir, const char *name, const char *fmt, ...)
{
    char path[PATH_MAX];
    va_list ap;
    if (f->code != EXIT_DONE)
        return;
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *out = fopen(path, "we");
    if (out) {
        va_start(ap, fmt);
        vfprintf(out, fmt, ap);
        va_end(ap);
    }
    if (!out || fflush(out) || ferror(out))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
    if (out && fclose(out))
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", path, strerror(errno));
}

static void write_machine(const struct replay_scene *s, const char *dir, struct fault *f)
{
    /* Beyond the model's memory only where there are very many guests. */
    unsigned mib = DOM0_MIB + 2 * GUEST_MIB * s->nr_domains;
    char node[160] = "";
    if (mib > HOST_MIB)
        snprintf(node, sizeof(node),
                 "\n[[node]]\nsocket = 0\nrange = [ { start = \"0 B\", end = \"3 GiB\" }, "
                 "{ start = \"4 GiB\", end = \"%u MiB\" } ]\n",
                 4096 + mib);
    char *data = realpath(scenario_data_dir(), NULL);
    if (!data)
        fault_set(f, EXIT_HOST_FAILED, "%s: %s", scenario_data_dir(), strerror(errno));
    replay_write_file(f, dir, "machine.toml",
                      "inherits = '%s/models/machines/" MACHINE ".toml'\n"
                      "name = \"" MACHINE "-%u\"\n"
                      "description = \"The recorded host with %u pCPUs\"\n\n"
                      "[topology]\ncores_per_socket = %u\n%s",
                      data, s->nr_cpus, s->nr_cpus, s->nr_cpus, node);
    free(data);
}

static void write_guest(const struct replay_scene *s, const struct replay_domain *d, const char *dir, struct fault *f)
{
    char name[300], cap[32] = "", cpus[256] = "";
    snprintf(name, sizeof(name), "%s.cfg", d->name);
    if (d->cap)
        snprintf(cap, sizeof(cap), "cap = %u\n", d->cap);
    if (d->cpus)
        snprintf(cpus, sizeof(cpus), "cpus = \"%s\"\n", d->cpus);
    replay_write_file(f, dir, name, "name = \"%s\"\ntype = \"pv\"\nvcpus = %u\nmemory = %d\ncpu_weight = %u\n%s%s%s",
                      d->name, d->vcpus, GUEST_MIB, d->weight, cap, cpus,
                      s->dom0_in_pool ? "" : "pool = \"" POOL "\"\n");
}

static void write_scenario(const struct replay_scene *s, const char *dir, struct fault *f)
{
    char pool[160] = "", last[16] = "";
    if (s->nr_cpus > 2)
        snprintf(last, sizeof(last), "-%u", s->nr_cpus - 1);
    if (!s->dom0_in_pool)
        snprintf(pool, sizeof(pool), "[[pool]]\nname = \"" POOL "\"\nsched = \"%s\"\ncpus = \"1%s\"\n\n", s->sched,
                 last);
    char *vms = NULL;
    size_t n = 0;
    FILE *m = open_memstream(&vms, &n);
    for (unsigned i = 0; m && i < s->nr_domains; i++)
        fprintf(m, "\n[[vm]]\nconfig = \"%s.cfg\"\nworkload = \"%s\"\n", s->domain[i].name, s->domain[i].workload);
    if (!m || fclose(m) || !vms) {
        free(vms);
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
        return;
    }
    replay_write_file(
        f, dir, "scenario.toml",
        "# Built by hvsim replay.\n"
        "name = \"%s\"\nmachine = \"./machine.toml\"\nhv_cost = \"fixed\"\nwarmup = \"%s\"\nduration = \"%s\"\n\n"
        "[start]\noffset_max = \"1 s\"\n\n"
        "[xen]\nbehaviour = \"%s\"\nsched = \"%s\"\ndom0_vcpus_pin = true\n\n"
        "[dom0]\nvcpus = 1\nmemory = \"%d MiB\"\nworkload = \"%s\"\n\n%s%s",
        s->name, s->warmup, s->duration, s->level, s->sched, DOM0_MIB, s->dom0_workload, pool, vms);
    free(vms);
}

int replay_scene_write(const struct replay_scene *s, const char *dir, char *path, size_t n, struct fault *f)
{
    char own[PATH_MAX];
    if (snprintf(own, sizeof(own), "%s/%s", dir, s->name) >= (int)sizeof(own) ||
        snprintf(path, n, "%s/scenario.toml", own) >= (int)n)
        return fault_set(f, EXIT_HOST_FAILED, "%s: the name is too long", dir);
    if (mkdir(own, 0777))
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", own, strerror(errno));
    write_machine(s, own, f);
    for (unsigned i = 0; i < s->nr_domains; i++)
        write_guest(s, &s->domain[i], own, f);
    write_scenario(s, own, f);
    return f->code;
}

/* ---- the directory ------------------------------------------------------------------------------------------------
 */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
    (void)st;
    (void)flag;
    (void)where;
    return remove(path);
}

void replay_directory_close(const struct replay_options *o, const char *dir)
{
    if (!o->keep)
        nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int replay_directory_open(const struct replay_options *o, char *dir, size_t n, struct fault *f)
{
    if (o->keep) {
        if (snprintf(dir, n, "%s", o->keep) >= (int)n)
            return fault_set(f, EXIT_BAD_INPUT, "--keep: the name is too long");
        if (mkdir(dir, 0777))
            return fault_set(f, EXIT_BAD_INPUT, "--keep %s: %s", dir, strerror(errno));
        return EXIT_DONE;
    }
    const char *tmp = getenv("TMPDIR");
    if (snprintf(dir, n, "%s/hvsim-replay-XXXXXX", tmp && *tmp ? tmp : "/tmp") >= (int)n || !mkdtemp(dir))
        return fault_set(f, EXIT_HOST_FAILED, "%s: %s", dir, strerror(errno));
    return EXIT_DONE;
}

/* ---- running ------------------------------------------------------------------------------------------------------
 */

struct runner {
    const struct replay_options *o;
    struct scenario **scenario;
    size_t nr, next; /* runs */
    unsigned seeds;
    replay_result result;
    void *ctx;
};

static bool next_job(void *ctx, struct pool_job *job)
{
    struct runner *r = ctx;
    if (r->next == r->nr)
        return false;
    *job = (struct pool_job){
        .index = r->next / r->seeds,
        .scenario = r->scenario[r->next / r->seeds],
        .options = {.seed = r->o->seed + r->next % r->seeds, .check_invariants = r->o->check_invariants},
    };
    r->next++;
    return true;
}

static int job_done(void *ctx, size_t index, struct run_reply *reply)
{
    struct runner *r = ctx;
    r->result(r->ctx, index, r->scenario[index], reply);
    return EXIT_DONE;
}

static void build(const struct replay_options *o, const struct replay_scene *scene, size_t nr, const char *dir,
                  struct scenario **out, struct fault *f)
{
    for (size_t i = 0; i < nr && f->code == EXIT_DONE; i++) {
        char path[PATH_MAX], *err = NULL;
        if (replay_scene_write(&scene[i], dir, path, sizeof(path), f) != EXIT_DONE)
            return;
        out[i] = o->backend->load(path, o->set, &err);
        if (!out[i])
            fault_set(f, EXIT_BAD_INPUT, "%s: these guests cannot be built: %s", scene[i].where,
                      err ? err : "out of memory");
        free(err);
    }
}

int replay_run(const struct replay_options *o, const struct replay_scene *scene, size_t nr, unsigned seeds,
               replay_result result, void *ctx, struct fault *f)
{
    char dir[PATH_MAX];
    if (replay_directory_open(o, dir, sizeof(dir), f) != EXIT_DONE)
        return f->code;
    struct runner r = {.o = o,
                       .scenario = calloc(nr, sizeof(*r.scenario)),
                       .nr = nr * seeds,
                       .seeds = seeds,
                       .result = result,
                       .ctx = ctx};
    if (!r.scenario)
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    else
        build(o, scene, nr, dir, r.scenario, f);
    if (f->code == EXIT_DONE) {
        struct pool p = {.backend = o->backend, .jobs = o->jobs, .ctx = &r, .next = next_job, .done = job_done};
        p.stop = o->stop;
        pool_run(&p, f);
    }
    for (size_t i = 0; r.scenario && i < nr; i++)
        if (r.scenario[i])
            o->backend->release(r.scenario[i]);
    free(r.scenario);
    replay_directory_close(o, dir);
    return f->code;
}

int replay_verdict(unsigned passed, unsigned failed)
{
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? EXIT_CHECK_FAILED : EXIT_DONE;
}
