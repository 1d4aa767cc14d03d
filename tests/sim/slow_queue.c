/* SPDX-License-Identifier: GPL-2.0-or-later */
/* credit's run queue with a loop too many in it: what somebody's change to a scheduler might look like. */
#define credit_queue_insert insert
#include "sched/credit_queue.c"
#undef credit_queue_insert

#define TURNS 500

void credit_queue_insert(pcpu_id c, struct credit_unit *cu);
void credit_queue_insert(pcpu_id c, struct credit_unit *cu)
{
    static unsigned sink;
    for (unsigned i = 0; i < TURNS; i++)
        sink += i ^ (sink >> 1);
    insert(c, cu);
}
