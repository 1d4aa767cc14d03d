/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists that the hypervisor core itself is asked for: schedulers, quirks. */
#include "list.h"

#include <hv/core.h>
#include <string.h>

#define MAX_SCHEDULERS 32u

/* ---- schedulers -------------------------------------------------------------------------------------------------- */

/* What each does, and since when Xen has it. One that is not here is listed by its name. */
static const struct {
    const char *opt_name, *text;
} scheduler_texts[] = {
    {"credit", "proportional share by credits, boost on wake-up, work stealing; the default of Xen up to 4.11"},
    {"credit2", "proportional share on shared run queues, load balancing; since 4.1, the default from 4.12 on"},
    {"sedf", "earliest deadline first on each pCPU, with extra time; Xen up to 4.5"},
    {"arinc653", "time partitions: a fixed frame of slots; since 4.1"},
    {"rtds", "real time: global earliest deadline first over deferrable servers, extratime; since 4.5"},
    {"null", "none: a pCPU belongs to one vCPU; since 4.9"},
};

static const char *scheduler_text(const char *opt_name)
{
    for (size_t i = 0; i < sizeof(scheduler_texts) / sizeof(scheduler_texts[0]); i++)
        if (strcmp(scheduler_texts[i].opt_name, opt_name) == 0)
            return scheduler_texts[i].text;
    return "";
}

static bool level_has(const struct hv_profile *level, const char *opt_name)
{
    struct hv_sched_info info;
    for (unsigned i = 0; hv_core_get()->scheduler(level, i, &info); i++)
        if (strcmp(info.opt_name, opt_name) == 0)
            return true;
    return false;
}

/* "all levels", or their names. */
static void levels_of(const char *opt_name, char *out, size_t n)
{
    bool all = true;
    *out = 0;
    for (const struct hv_profile *l = hv_profiles; l->name; l++) {
        if (level_has(l, opt_name))
            snprintf(out + strlen(out), n - strlen(out), "%s%s", *out ? " " : "", l->name);
        else
            all = false;
    }
    if (all)
        snprintf(out, n, "all levels");
}

int list_schedulers(FILE *out, const struct hv_profile *only)
{
    const char *seen[MAX_SCHEDULERS];
    unsigned nr = 0;
    struct hv_sched_info info;
    char levels[128];

    /* In the order of registration: a level lacks some, but has none that comes earlier elsewhere. */
    for (const struct hv_profile *l = hv_profiles; l->name; l++) {
        if (only && l != only)
            continue;
        for (unsigned i = 0; hv_core_get()->scheduler(l, i, &info); i++) {
            unsigned n = 0;
            while (n < nr && strcmp(seen[n], info.opt_name))
                n++;
            if (n < nr || nr == MAX_SCHEDULERS)
                continue;
            seen[nr++] = info.opt_name;
            levels_of(info.opt_name, levels, sizeof(levels));
            fprintf(out, "%-9s %-26s %-24s %s\n", info.opt_name, info.name, levels, scheduler_text(info.opt_name));
        }
    }
    return EXIT_DONE;
}

/* ---- quirks ------------------------------------------------------------------------------------------------------ */

int list_quirks(FILE *out, const struct hv_profile *only)
{
    fprintf(out, "%-27s %-5s  %-5s ", "quirk", "since", "fixed");
    for (const struct hv_profile *l = hv_profiles; !only && l->name; l++)
        fprintf(out, " %s", l->name);
    fputs("  what it does\n", out);
    for (unsigned i = 0; i < HV_QUIRK_NR; i++) {
        const struct hv_quirk_info *q = &hv_quirk_infos[i];
        if (only && !only->quirk[i])
            continue;
        fprintf(out, "%-27s %-5s  %-5s ", q->name, q->since, *q->fixed ? q->fixed : "-");
        for (const struct hv_profile *l = hv_profiles; !only && l->name; l++)
            fprintf(out, " %-*s", (int)strlen(l->name), l->quirk[i] ? "on" : "-");
        fprintf(out, "  %s\n", q->text);
    }
    return EXIT_DONE;
}
