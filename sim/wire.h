/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The result of a simulation on its way from the child that ran it to the parent. Same program at both ends. */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "run.h"
#include <stdbool.h>

/* What came home. result.hv_build_id and the units of metrics are owned by the program and stay valid. */
struct run_reply {
    int exit;                /* enum hvsim_exit */
    uint64_t peak_rss_bytes; /* of the child */
    double cpu_s;            /* processor time of the child, user and system */
    struct run_result result;
};

/* 0 or -errno. */
int wire_send(int fd, int exit, const struct run_result *r);
/* false: the text is not one complete result. */
bool wire_decode(const void *data, size_t n, struct run_reply *out);
void run_reply_free(struct run_reply *r);

#endif
