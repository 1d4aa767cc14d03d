/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one line that says how far we are. */
#ifndef SIM_PROGRESS_H
#define SIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress_state {
    double done;        /* 0..1 */
    size_t runs, total; /* finished of all; total 0: a single run */
    size_t failed;
    double elapsed_s;   /* wall */
    double simulated_s; /* by what is finished */
    double eta_s;       /* seconds to go; negative: not known */
    uint64_t events;    /* 0: not known */
};

/* Into buf; returns buf. */
const char *progress_text(char *buf, size_t n, const struct progress_state *s);
/* "0:07", "12:03", "3:04:05", "--:--" for what is not known (negative). */
const char *progress_clock(char *buf, size_t n, double seconds);
/* 950 -> "950", 12345 -> "12.3 k", 5.8e6 -> "5.80 M". */
const char *progress_count(char *buf, size_t n, double v);

/* The wall clock, in s since some moment. */
double progress_now(void);

struct progress {
    FILE *f;
    bool on, tty;
    double start, last; /* wall clock, s; last: of the last line */
};

/* forced: also where f is no terminal (then a line each time, at most one a second). */
void progress_open(struct progress *p, FILE *f, bool forced, bool quiet);
/* Seconds since progress_open. */
double progress_elapsed(const struct progress *p);
/* Shows at most a few lines a second, unless last. */
void progress_show(struct progress *p, const struct progress_state *s, bool last);
/* Removes the line from a terminal, so that other text can be written. */
void progress_clear(struct progress *p);

#endif
