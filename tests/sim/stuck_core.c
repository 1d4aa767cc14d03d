/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The linked hypervisor core, on which a lock is taken after some time and never released. pCPUs that want it later are
 * stuck; the one that holds it goes on. With SPINS, one pCPU waits for something that does not come, and the others go
 * on.
 */
#include <hv/core.h>
#include <hv/port.h>

#define AT_NS 1000000000

static struct hv_core stuck;
static const struct hv_core *linked;
static bool taken;

const struct hv_core *hv_core_get(void);

/* The program's own core, and its port. */
extern const struct hv_core *linked_core(void);
extern s_time_t linked_now(void);
extern void linked_lock(struct hv_lock *l);
extern pcpu_id linked_this_cpu(void);
extern void linked_relax_until(bool (*cond)(void *arg), void *arg);

#ifdef SPINS

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void timer_interrupt(void)
{
    if (linked_now() > AT_NS && !taken) {
        taken = true;
        linked_relax_until(never, NULL);
    }
    linked->timer_interrupt();
}

#else

static struct hv_lock lock = HV_LOCK_INIT("forgotten");

static void timer_interrupt(void)
{
    static pcpu_id holder;
    if (linked_now() > AT_NS && !taken) {
        taken = true;
        holder = linked_this_cpu();
        linked_lock(&lock);
    } else if (taken && linked_this_cpu().n != holder.n) {
        linked_lock(&lock);
    }
    linked->timer_interrupt();
}

#endif

__attribute__((visibility("default"))) const struct hv_core *hv_core_get(void)
{
    linked = linked_core();
    stuck = *linked;
    stuck.timer_interrupt = timer_interrupt;
    return &stuck;
}
