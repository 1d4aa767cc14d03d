/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls, and words for the operator. */
#include "internal.h"
#include <stdarg.h>
#include <stdio.h>

void ts_log(const struct ts_host *h, int level, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (h->log)
        h->log(h->ctx, level, line);
}

const char *ts_strerror(long rc)
{
    static const struct {
        int nr;
        const char *text;
    } words[] = {
        {HV_EPERM, "not permitted"},   {HV_ENOENT, "does not exist"},    {HV_ESRCH, "no such domain"},
        {HV_E2BIG, "too big"},         {HV_EAGAIN, "to be tried again"}, {HV_ENOMEM, "out of memory"},
        {HV_EACCES, "access denied"},  {HV_EFAULT, "bad address"},       {HV_EBUSY, "busy"},
        {HV_EEXIST, "exists already"}, {HV_ENODEV, "no such device"},    {HV_EINVAL, "invalid argument"},
        {HV_ENOSPC, "no space"},       {HV_ENOSYS, "no such hypercall"}, {HV_EOPNOTSUPP, "not supported"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (rc == -words[i].nr)
            return words[i].text;
    return "unknown error";
}

int ts_fail(const struct ts_host *h, const char *name, const char *what, long rc)
{
    ts_log(h, TS_LOG_ERROR, "domain %s: %s: %s (error %ld)", name, what, ts_strerror(rc), -rc);
    return (int)rc;
}

long ts_domctl(const struct ts_host *h, struct hv_domctl *op, enum hv_domctl_cmd cmd, dom_id id)
{
    op->cmd = cmd;
    op->domid = id;
    return h->hypercall(h->ctx, HYPERCALL_domctl, op);
}

long ts_sysctl(const struct ts_host *h, struct hv_sysctl *op, enum hv_sysctl_cmd cmd)
{
    op->cmd = cmd;
    return h->hypercall(h->ctx, HYPERCALL_sysctl, op);
}
