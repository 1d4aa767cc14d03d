/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a run's metrics, each kept once: a large host has millions of metrics, whose labels are the names of a
 * few thousand VMs, vCPUs and nodes.
 */
#ifndef SIM_METRIC_TEXT_H
#define SIM_METRIC_TEXT_H

#include "metrics.h"
#include <stdbool.h>
#include <stdint.h>

struct metric_text;

/* NULL: out of memory, as from all that return a pointer. */
struct metric_text *metric_text_new(void);
void metric_text_free(struct metric_text *t);

/* The word, which stays where it is. Equal words are at one place. */
const char *metric_text_keep(struct metric_text *t, const char *word);
/* Room for n labels. */
struct metric_label *metric_text_labels(struct metric_text *t, unsigned n);

/* Words are numbered from 0 in the order in which they came. */
size_t metric_text_nr(const struct metric_text *t);
const char *metric_text_word(const struct metric_text *t, size_t number);
/* The number of a word that was kept. */
uint32_t metric_text_number(const char *kept);

#endif
