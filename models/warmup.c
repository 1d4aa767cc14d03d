/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to find the caches cold. The lines of the hot working set that are not there any more are fetched once:
 *
 *   L2:  (min(footprint, L2) - resident_l2) / line * lat_L3 / mlp
 *   L3:  (min(footprint, share of L3) - resident_l3) / line * L / mlp,   L the loaded latency of the task there
 *
 * (Affinity and migration cost as reload transient: Thiebaut and Stone, TOCS 1987.) Lines that come from memory fill L2
 * on the way, so the L2 term counts only those that L3 still holds.
 */
#include "rate_private.h"

static double missing(double want, double have)
{
    return want > have ? want - have : 0;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

double rate_warmup_ns(const struct rate_model *r, unsigned cpu, const struct rate_task *task, double resident_l2,
                      double resident_l3)
{
    const struct machine *m = r->m;
    const struct work_mix *w = task->mix;
    double from_memory = missing(least(w->footprint, rate_l3_share(r, cpu)), resident_l3) / (double)m->l3.line;
    double into_l2 = missing(least(w->footprint, (double)m->l2.size), resident_l2) / (double)m->l2.line;
    double from_l3 = missing(into_l2, from_memory);
    return (from_memory * rate_miss_latency_ns(r, cpu) + from_l3 * m->l3.latency_ns) / w->mlp;
}
