/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pool.h"

#include "run_child.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 200 };

struct worker {
    struct run_child child; /* fd -1: idle */
    size_t index;
};

struct pool_work {
    const struct pool *p;
    struct fault *f;
    bool more; /* jobs to begin */
    struct worker *worker;
    struct pollfd *fds;
    /* Those that have ended, whose results are to be put away, the first one now. Not more than there are workers. */
    struct worker *ended;
    unsigned nr_ended;
};

static void start(const struct pool_work *k, struct worker *w, const struct pool_job *job)
{
    w->index = job->index;
    int e = run_child_start(&w->child, k->p->backend, job->scenario, &job->options, NULL, NULL);
    if (e)
        fault_set(k->f, EXIT_HOST_FAILED, "cannot start a process: %s", strerror(-e));
}

/* Give an idle worker something to do, if there is more. */
static void give(struct pool_work *k, struct worker *w)
{
    struct pool_job job;
    if (w->child.fd < 0 && k->more && k->f->code == EXIT_DONE && (k->more = k->p->next(k->p->ctx, &job)))
        start(k, w, &job);
}

/* Give every idle worker something to do. Returns how many are busy. */
static unsigned fill(struct pool_work *k)
{
    unsigned busy = 0;
    for (unsigned i = 0; i < k->p->jobs; i++) {
        give(k, &k->worker[i]);
        busy += k->worker[i].child.fd >= 0;
    }
    return busy;
}

/* Read what the children say. Who has said all gets the next job, before the result of this one is put away. */
static void collect(struct pool_work *k, int timeout_ms)
{
    const unsigned jobs = k->p->jobs;
    for (unsigned i = 0; i < jobs; i++)
        k->fds[i] = (struct pollfd){.fd = k->worker[i].child.fd, .events = POLLIN}; /* poll ignores negative ones */
    int n = poll(k->fds, jobs, timeout_ms);
    for (unsigned i = 0; i < jobs && n > 0 && k->nr_ended < jobs && k->f->code == EXIT_DONE; i++) {
        struct worker *w = &k->worker[i];
        if (!k->fds[i].revents || !run_child_read(&w->child))
            continue;
        k->ended[k->nr_ended++] = *w;
        w->child = (struct run_child){.fd = -1};
        give(k, w);
    }
}

void pool_breathe(const struct pool *p)
{
    if (p->work->f->code == EXIT_DONE)
        collect(p->work, 0);
}

/* The first of those that have ended. */
static void put_away(struct pool_work *k)
{
    struct run_reply r;
    run_child_finish(&k->ended[0].child, &r);
    int exit = k->p->done(k->p->ctx, k->ended[0].index, &r);
    run_reply_free(&r);
    k->nr_ended--;
    memmove(k->ended, k->ended + 1, k->nr_ended * sizeof(*k->ended));
    if (exit != EXIT_DONE)
        fault_set(k->f, exit, "stopped");
}

static void work(struct pool_work *k)
{
    const struct pool *p = k->p;
    while (k->f->code == EXIT_DONE && (fill(k) || k->nr_ended)) {
        collect(k, k->nr_ended ? 0 : TICK_MS);
        if (p->stop && *p->stop)
            fault_set(k->f, EXIT_HOST_FAILED, "interrupted");
        if (k->nr_ended && k->f->code == EXIT_DONE)
            put_away(k);
        if (p->tick)
            p->tick(p->ctx);
    }
    for (unsigned i = 0; i < p->jobs; i++)
        run_child_kill(&k->worker[i].child);
    for (unsigned i = 0; i < k->nr_ended; i++)
        run_child_kill(&k->ended[i].child);
}

int pool_run(struct pool *p, struct fault *f)
{
    struct pool_work k = {.p = p, .f = f, .more = true};
    k.worker = calloc(p->jobs, sizeof(*k.worker));
    k.fds = calloc(p->jobs, sizeof(*k.fds));
    k.ended = calloc(p->jobs, sizeof(*k.ended));
    if (k.worker && k.fds && k.ended) {
        for (unsigned i = 0; i < p->jobs; i++)
            k.worker[i].child.fd = -1;
        p->work = &k;
        work(&k);
        p->work = NULL;
    } else {
        fault_set(f, EXIT_HOST_FAILED, "out of memory");
    }
    free(k.worker);
    free(k.fds);
    free(k.ended);
    return f->code;
}
