/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hypervisor core that finds itself broken some time after boot: the linked core, with other checks. */
#include <hv/core.h>

static struct hv_core broken;
static unsigned checks;

#define SOUND_CHECKS 1000u

static const char *check(void)
{
    return ++checks > SOUND_CHECKS ? "broken on purpose" : 0;
}

const struct hv_core *hv_core_get(void);

/* The program's own core, under a name that the loader does not look for. */
extern const struct hv_core *linked_core(void);

__attribute__((visibility("default"))) const struct hv_core *hv_core_get(void)
{
    broken = *linked_core();
    broken.check = broken.check_sched = check;
    return &broken;
}
