/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random streams. Every entity has one of its own, derived from (seed, name), so that adding an entity disturbs no
 * other. The generators are GSL's (taus2); only correctly rounded arithmetic turns integers into variates.
 */
#ifndef WORKLOADS_STREAM_H
#define WORKLOADS_STREAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct stream;

/* NULL: out of memory. */
struct stream *stream_open(uint64_t seed, const char *entity);
void stream_close(struct stream *s);
/* Uniform in [0, 1). */
double stream_uniform(struct stream *s);
/* Uniform integer in [0, n), n > 0. */
uint64_t stream_below(struct stream *s, uint64_t n);
/* mean * (1 + jitter * u), u uniform in [-1, 1). */
double stream_jitter(struct stream *s, double mean, double jitter);
/* Exponential of mean 1 by inversion through a checked-in table (workloads/exp_table.inc), linear in between. */
double stream_exponential(struct stream *s);

#ifdef __cplusplus
}
#endif

#endif
