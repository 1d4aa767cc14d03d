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

static int start(const struct pool *p, struct worker *w, const struct pool_job *job, struct fault *f)
{
    w->index = job->index;
    int e = run_child_start(&w->child, p->backend, job->scenario, &job->options, NULL, NULL);
    return e ? fault_set(f, EXIT_HOST_FAILED, "cannot start a process: %s", strerror(-e)) : EXIT_DONE;
}

/* Give an idle worker something to do, if there is more. */
static void give(const struct pool *p, struct worker *w, bool *more, struct fault *f)
{
    struct pool_job job;
    if (w->child.fd < 0 && *more && f->code == EXIT_DONE && (*more = p->next(p->ctx, &job)))
        start(p, w, &job, f);
}

/* The processor goes on with the next job while the result of this one is put away. */
static int end(const struct pool *p, struct worker *w, bool *more, struct fault *f)
{
    struct run_reply r;
    struct run_child child = w->child;
    size_t index = w->index;
    w->child = (struct run_child){.fd = -1};
    give(p, w, more, f);
    run_child_finish(&child, &r);
    int exit = p->done(p->ctx, index, &r);
    run_reply_free(&r);
    return exit == EXIT_DONE ? f->code : fault_set(f, exit, "stopped");
}

/* Give every idle worker something to do. Returns how many are busy. */
static unsigned fill(const struct pool *p, struct worker *w, bool *more, struct fault *f)
{
    unsigned busy = 0;
    for (unsigned i = 0; i < p->jobs; i++) {
        give(p, &w[i], more, f);
        busy += w[i].child.fd >= 0;
    }
    return busy;
}

int pool_run(const struct pool *p, struct fault *f)
{
    struct worker *w = calloc(p->jobs, sizeof(*w));
    struct pollfd *fds = calloc(p->jobs, sizeof(*fds));
    bool more = true;
    if (!w || !fds) {
        free(w);
        free(fds);
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    }
    for (unsigned i = 0; i < p->jobs; i++)
        w[i].child.fd = -1;
    while (f->code == EXIT_DONE && fill(p, w, &more, f)) {
        for (unsigned i = 0; i < p->jobs; i++)
            fds[i] = (struct pollfd){.fd = w[i].child.fd, .events = POLLIN}; /* poll ignores negative ones */
        int n = poll(fds, p->jobs, TICK_MS);
        if (p->stop && *p->stop)
            fault_set(f, EXIT_HOST_FAILED, "interrupted");
        for (unsigned i = 0; i < p->jobs && n > 0 && f->code == EXIT_DONE; i++)
            if (fds[i].revents && run_child_read(&w[i].child))
                end(p, &w[i], &more, f);
        if (p->tick)
            p->tick(p->ctx);
    }
    for (unsigned i = 0; i < p->jobs; i++)
        run_child_kill(&w[i].child);
    free(w);
    free(fds);
    return f->code;
}
