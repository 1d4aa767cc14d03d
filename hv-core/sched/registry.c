/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scheduling policies; the first is what an unknown name falls back to. */
#include "private.h"

const struct sched_policy *const sched_policies[] = {
    &credit_policy,
    NULL,
};
