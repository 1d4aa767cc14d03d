/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files that read xl.cfg: xlcfg.c, xlcfg_vnuma.c. */
#ifndef SIM_XLCFG_PRIV_H
#define SIM_XLCFG_PRIV_H

#include "xlcfg.h"
#include "xlcfg_scan.h"

#include <libxlutil.h>
#include <stdio.h>

struct xlcfg {
    char *name; /* of the file, for messages */
    struct xlcfg_scan scan;
    XLU_Config *xlu;
    FILE *report; /* where libxlutil writes its messages */
    char *report_text;
    size_t report_len;
    struct ts_domain_config domain;
    char *cpus, *cpus_soft, *pool;
    char **cpus_list, **cpus_soft_list;
    struct ts_vnode *vnode; /* [nr_vnodes] */
    unsigned *distance;     /* [nr_vnodes][nr_vnodes] */
    uint8_t *vcpu_vnode;    /* [maxvcpus] */
    char where[4096];
    char *err;
};

/* The setting that decides the value: the last one of that key; NULL: there is none. */
const struct xlcfg_setting *xlcfg_find(const struct xlcfg *x, const char *key);
/* Keeps the first error; returns false so that a check can be the return value. */
bool xlcfg_fail_at(struct xlcfg *x, struct xlcfg_pos at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A number in [min, max]. *out keeps its value if the key is not there. */
bool xlcfg_get_number(struct xlcfg *x, const char *key, long min, long max, long *out);

/*
 * vnuma=, after vCPUs and memory: maxvcpus and maxmem follow from it where they are not given, and must agree with it
 * where they are.
 */
bool xlcfg_get_vnuma(struct xlcfg *x);

#endif
