/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of pCPUs as people write them: "0-3,8". */
#ifndef MODELS_CPULIST_H
#define MODELS_CPULIST_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* for (struct cpulist l = cpulist_begin(text); cpulist_next(&l);) ... l.cpu; bad: it is no such list, and ends there */
struct cpulist {
    const char *rest;
    unsigned cpu, last;
    bool within, bad;
};

struct cpulist cpulist_begin(const char *text);
bool cpulist_next(struct cpulist *l);

#ifdef __cplusplus
}
#endif

#endif
