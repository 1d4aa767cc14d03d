/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduling policies: one line each. An unknown name falls back to the first, so credit, which is Xen's default,
 * comes first. (4.3 registered sedf before it, and named the default apart.)
 */
#include "framework.h"

#include <hv/core.h>

#define POLICIES(X)                                                                                                    \
    X(credit_policy)                                                                                                   \
    X(sedf_policy)                                                                                                     \
    X(credit2_policy)                                                                                                  \
    X(arinc653_policy)                                                                                                 \
    X(rtds_policy)                                                                                                     \
    X(null_policy)

#define X(policy) extern const struct sched_policy policy;
POLICIES(X)
#undef X

const struct sched_policy *const sched_policies[] = {
#define X(policy) &policy,
    POLICIES(X)
#undef X
        NULL,
};

static bool level_has(const struct hv_profile *level, const struct sched_policy *p)
{
    return !p->available || p->available(level);
}

static bool same_word(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const struct sched_policy *sched_policy_by_name(const char *opt_name)
{
    for (unsigned i = 0; sched_policies[i]; i++)
        if (same_word(sched_policies[i]->opt_name, opt_name) && level_has(hv_level, sched_policies[i]))
            return sched_policies[i];
    return NULL;
}

const struct sched_policy *sched_policy_by_id(unsigned id)
{
    for (unsigned i = 0; sched_policies[i]; i++)
        if (sched_policies[i]->id == id && level_has(hv_level, sched_policies[i]))
            return sched_policies[i];
    return NULL;
}

bool sched_info(const struct hv_profile *level, unsigned n, struct hv_sched_info *out)
{
    for (unsigned i = 0; sched_policies[i]; i++) {
        const struct sched_policy *p = sched_policies[i];
        if (!level_has(level, p))
            continue;
        if (n-- == 0) {
            *out = (struct hv_sched_info){.name = p->name, .opt_name = p->opt_name, .id = p->id};
            return true;
        }
    }
    return false;
}
