/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Signals that the parent may have taken over to clean up. */
static const int parents_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

static void __attribute__((noreturn))
child_main(const struct run_backend *b, const struct scenario *s, const struct run_options *opt,
           run_child_prepare prepare, void *ctx, int fd)
{
    struct run_options o = *opt;
    struct run_result r = {.hv_build_id = b->core_build_id};
    int exit = prepare ? prepare(ctx, &o) : EXIT_DONE;
    if (exit != EXIT_DONE) {
        snprintf(r.error, sizeof(r.error), "the child could not be set up: %s", strerror(errno));
    } else {
        exit = b->run(s, &o, &r);
    }
    int sent = wire_send(fd, exit, &r);
    fflush(NULL);
    _exit(sent ? EXIT_HOST_FAILED : 0);
}

/* What a child has to say fits, so that it need not wait for a parent who is busy; where not, it waits. */
enum { PIPE_BYTES = 1 << 20 };

int run_child_start(struct run_child *c, const struct run_backend *b, const struct scenario *s,
                    const struct run_options *opt, run_child_prepare prepare, void *ctx)
{
    memset(c, 0, sizeof(*c));
    c->fd = -1;
    int fd[2];
    if (pipe2(fd, O_CLOEXEC))
        return -errno;
    fcntl(fd[1], F_SETPIPE_SZ, PIPE_BYTES); /* refused where the user has too many: as large as it was, then */
    fflush(NULL);                           /* or the child would write it again */
    pid_t parent = getpid();
    c->pid = fork();
    if (c->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(EXIT_HOST_FAILED);
        for (size_t i = 0; i < sizeof(parents_signals) / sizeof(parents_signals[0]); i++)
            signal(parents_signals[i], SIG_DFL);
        close(fd[0]);
        child_main(b, s, opt, prepare, ctx, fd[1]);
    }
    int saved = errno;
    close(fd[1]);
    if (c->pid < 0) {
        close(fd[0]);
        return -saved;
    }
    c->fd = fd[0];
    return 0;
}

bool run_child_read(struct run_child *c)
{
    if (c->room - c->nr < 65536) {
        size_t room = c->room ? c->room * 2 : 131072;
        char *more = realloc(c->data, room);
        if (!more)
            return true; /* incomplete: judged as such */
        c->data = more;
        c->room = room;
    }
    ssize_t n = read(c->fd, c->data + c->nr, c->room - c->nr);
    if (n > 0)
        c->nr += (size_t)n;
    return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

static void judge_death(int status, struct run_reply *out)
{
    struct run_result *r = &out->result;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        out->exit = EXIT_HOST_FAILED;
        snprintf(r->error, sizeof(r->error), "the simulation was killed from outside (out of memory?)");
    } else if (WIFSIGNALED(status)) {
        out->exit = EXIT_MODEL_PANIC;
        snprintf(r->error, sizeof(r->error), "the simulation crashed: signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else {
        out->exit = EXIT_HOST_FAILED;
        snprintf(r->error, sizeof(r->error), "the simulation ended with status %d and without a result",
                 WEXITSTATUS(status));
    }
}

static void drop(struct run_child *c)
{
    close(c->fd);
    free(c->data);
    memset(c, 0, sizeof(*c));
    c->fd = -1;
}

void run_child_finish(struct run_child *c, struct run_reply *out)
{
    while (!run_child_read(c))
        ;
    int status = 0;
    struct rusage used = {0};
    while (wait4(c->pid, &status, 0, &used) < 0 && errno == EINTR)
        ;
    if (!wire_decode(c->data, c->nr, out))
        judge_death(status, out);
    out->peak_rss_bytes = (uint64_t)used.ru_maxrss * 1024; /* Linux counts in KiB */
    out->cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
    drop(c);
}

void run_child_kill(struct run_child *c)
{
    if (c->fd < 0)
        return;
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    drop(c);
}
