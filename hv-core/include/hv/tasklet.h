/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that a pCPU does in its idle vCPU ("vCPU context"): while a tasklet is pending the schedulers give the pCPU to
 * idle, whatever waits. One tasklet runs per pass of the idle loop.
 */
#ifndef HV_TASKLET_H
#define HV_TASKLET_H

#include <hv/list.h>
#include <hv/types.h>

struct tasklet {
    struct list_head link;
    void (*function)(void *data);
    void *data;
    bool scheduled;
};

void tasklets_init(void);
void tasklet_init(struct tasklet *t, void (*fn)(void *), void *data);
/* Appended to the queue of pCPU c; nothing if it is queued already. */
void tasklet_schedule_on(struct tasklet *t, pcpu_id c);
/* Those of a pCPU that has gone out of use are done by another one. */
void tasklets_leave(pcpu_id off, pcpu_id to);
/* schedule() asks, once a pass, on its own pCPU: is there work, so that idle must run? */
bool tasklet_work_to_do(pcpu_id c);
/* The idle loop: run one tasklet. True if there was one. */
bool tasklet_run(void);

#endif
