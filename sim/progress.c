/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "progress.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds between two lines: on a terminal, elsewhere. */
static const double tty_interval = 0.1, log_interval = 1.0;

double progress_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

const char *progress_clock(char *buf, size_t n, double seconds)
{
    if (seconds < 0 || seconds > 1e7) {
        snprintf(buf, n, "--:--");
        return buf;
    }
    unsigned s = (unsigned)(seconds + 0.5);
    if (s < 3600)
        snprintf(buf, n, "%u:%02u", s / 60, s % 60);
    else
        snprintf(buf, n, "%u:%02u:%02u", s / 3600, s / 60 % 60, s % 60);
    return buf;
}

const char *progress_count(char *buf, size_t n, double v)
{
    static const char *const units[] = {"", " k", " M", " G", " T"};
    unsigned u = 0;
    for (; v >= 999.5 && u < 4; u++)
        v /= 1000;
    snprintf(buf, n, "%.*f%s", u == 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2, v, units[u]);
    return buf;
}

const char *progress_text(char *buf, size_t n, const struct progress_state *s)
{
    char head[64] = "", failed[32] = "", eta[16], events[32] = "", rate[16], sim[16];
    double per_s = s->elapsed_s > 0 ? 1 / s->elapsed_s : 0;
    if (s->total)
        snprintf(head, sizeof(head), "%zu/%zu runs  ", s->runs, s->total);
    if (s->failed)
        snprintf(failed, sizeof(failed), "  %zu failed", s->failed);
    if (s->events)
        snprintf(events, sizeof(events), "%s ev/s  ", progress_count(rate, sizeof(rate), (double)s->events * per_s));
    snprintf(buf, n, "%s%3.0f %%  %s%s simulated s/s  ETA %s%s", head, 100 * s->done, events,
             progress_count(sim, sizeof(sim), s->simulated_s * per_s), progress_clock(eta, sizeof(eta), s->eta_s),
             failed);
    return buf;
}

void progress_open(struct progress *p, FILE *f, bool forced, bool quiet)
{
    memset(p, 0, sizeof(*p));
    p->f = f;
    p->tty = isatty(fileno(f));
    p->on = (p->tty || forced) && !quiet;
    p->start = progress_now();
}

double progress_elapsed(const struct progress *p)
{
    return progress_now() - p->start;
}

void progress_show(struct progress *p, const struct progress_state *s, bool last)
{
    if (!p->on)
        return;
    double now = progress_now();
    if (!last && now - p->last < (p->tty ? tty_interval : log_interval))
        return;
    p->last = now;
    char text[160];
    progress_text(text, sizeof(text), s);
    fprintf(p->f, p->tty ? "\r%s\033[K" : "%s\n", text);
    fflush(p->f);
}

void progress_clear(struct progress *p)
{
    if (p->on && p->tty && p->last > 0) {
        fputs("\r\033[K", p->f);
        fflush(p->f);
    }
}
