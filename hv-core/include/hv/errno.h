/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Error numbers of the hypercall interface, returned negated (Xen's public values, which are Linux's). */
#ifndef HV_ERRNO_H
#define HV_ERRNO_H

enum {
    HV_EPERM = 1,
    HV_ENOENT = 2,
    HV_ESRCH = 3,
    HV_E2BIG = 7,
    HV_EAGAIN = 11,
    HV_ENOMEM = 12,
    HV_EACCES = 13,
    HV_EFAULT = 14,
    HV_EBUSY = 16,
    HV_EEXIST = 17,
    HV_ENODEV = 19,
    HV_EINVAL = 22,
    HV_ENOSPC = 28,
    HV_ENOSYS = 38,
    HV_EOPNOTSUPP = 95,
    HV_ERESTART = 85 /* internal: the hypercall is to be continued */
};

#endif
