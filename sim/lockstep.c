/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lockstep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFERED = 1024 }; /* events */

struct side {
    int fd;
    size_t have, used; /* bytes */
    union {
        struct run_event event[BUFFERED];
        char bytes[BUFFERED * sizeof(struct run_event)];
    } u;
};

/* The next event; NULL at the end. */
static const struct run_event *next(struct side *s, int *error)
{
    if (s->used == s->have) {
        s->have = s->used = 0;
        /* At least one whole event. */
        while (s->have % sizeof(struct run_event) || !s->have) {
            ssize_t n = read(s->fd, s->u.bytes + s->have, sizeof(s->u.bytes) - s->have);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                *error = -errno;
            if (n <= 0) {
                s->have -= s->have % sizeof(struct run_event);
                break;
            }
            s->have += (size_t)n;
        }
        if (!s->have)
            return NULL;
    }
    const struct run_event *e = &s->u.event[s->used / sizeof(*e)];
    s->used += sizeof(*e);
    return e;
}

static bool equal(const struct run_event *a, const struct run_event *b)
{
    return a->index == b->index && a->time_ps == b->time_ps && a->class_ == b->class_ && a->id == b->id &&
           a->what == b->what && a->arg == b->arg && a->state == b->state;
}

int lockstep_compare(int fd_a, int fd_b, struct lockstep *out)
{
    memset(out, 0, sizeof(*out));
    struct side *s = calloc(2, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s[0].fd = fd_a;
    s[1].fd = fd_b;
    int error = 0;
    for (;; out->same++) {
        const struct run_event *e[2] = {next(&s[0], &error), next(&s[1], &error)};
        if (error || (!e[0] && !e[1]))
            break;
        if (e[0] && e[1] && equal(e[0], e[1]))
            continue;
        out->diverged = true;
        for (int i = 0; i < 2; i++)
            if ((out->has[i] = e[i] != NULL))
                out->side[i] = *e[i];
        break;
    }
    free(s);
    return error;
}

const char *event_class_name(uint16_t class_)
{
    static const char *const names[] = {"scenario", "ipi", "timer", "resume", "guest"};
    return class_ < sizeof(names) / sizeof(names[0]) ? names[class_] : "?";
}

void lockstep_print(const struct lockstep *l, FILE *f)
{
    if (!l->diverged)
        return;
    fprintf(f, "first divergence after %" PRIu64 " equal events:\n", l->same);
    for (int i = 0; i < 2; i++) {
        const struct run_event *e = &l->side[i];
        if (l->has[i])
            fprintf(f,
                    "  run %d: event %" PRIu64 " at %.12f s, class %s, id %u, what %" PRIu32 ", arg 0x%" PRIx64
                    ", state %016" PRIx64 "\n",
                    i + 1, e->index, (double)e->time_ps / 1e12, event_class_name(e->class_), e->id, e->what, e->arg,
                    e->state);
        else
            fprintf(f, "  run %d: ended\n", i + 1);
    }
}

void event_log_header(FILE *f)
{
    fputs("index,time_ps,class,id,what,arg,state\n", f);
}

void event_log_write(FILE *f, const struct run_event *e)
{
    fprintf(f, "%" PRIu64 ",%" PRId64 ",%s,%u,%" PRIu32 ",0x%" PRIx64 ",%016" PRIx64 "\n", e->index, e->time_ps,
            event_class_name(e->class_), e->id, e->what, e->arg, e->state);
}

struct event_pipe {
    int fd;
    size_t nr;
    struct run_event event[BUFFERED];
};

struct event_pipe *event_pipe_open(int fd)
{
    struct event_pipe *p = calloc(1, sizeof(*p));
    if (p)
        p->fd = fd;
    return p;
}

static void flush(struct event_pipe *p)
{
    const char *at = (const char *)p->event;
    size_t left = p->nr * sizeof(p->event[0]);
    while (left) {
        ssize_t n = write(p->fd, at, left);
        if (n < 0 && errno != EINTR)
            break; /* the reader has seen enough, and says so itself */
        if (n > 0) {
            at += n;
            left -= (size_t)n;
        }
    }
    p->nr = 0;
}

void event_pipe_send(void *pipe, const struct run_event *e)
{
    struct event_pipe *p = pipe;
    p->event[p->nr++] = *e;
    if (p->nr == BUFFERED)
        flush(p);
}

void event_pipe_close(struct event_pipe *p)
{
    flush(p);
    close(p->fd);
    free(p);
}
