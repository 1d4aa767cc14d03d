/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shares of L3s, lazily. In water filling (models/cache.h) every task has min(most, price x weight), where the price
 * makes the shares add up to the cache. One that comes gets its share at the present price; that the others then have a
 * little too much is let be until
 *
 *   |true price / present price - 1| x sensitivity > LAZY_SHARE_TOLERANCE,
 *
 * the true price being, while nobody passes his most, (cache - bytes of those who have it) / weight of the others, and
 * the sensitivity the largest of
 *
 *   |dt / t| / |d price / price| = |slope of the miss curve| x share x latency / mlp / t.
 *
 * Then the cache is cut anew.
 */
#include "rate_lazy.h"

#include <models/cache.h>

/* The price never moves further than this without a new cut: so far around a share the curve's slope is looked at. */
static const double furthest = 0.05;
/* After so many cuts all are weighed again, too, to forget who left. */
enum { most_cuts = 8 };

/* The steepest slope of the curve between two sizes, misses per instruction and byte. */
static double steepest(const struct work_mix *w, double low, double high)
{
    double most = 0;
    for (unsigned i = 1; i < w->nr_curve; i++) {
        if (w->curve_size[i] < low || w->curve_size[i - 1] > high)
            continue;
        double slope =
            lazy_size(w->curve_mpki[i] - w->curve_mpki[i - 1]) / (w->curve_size[i] - w->curve_size[i - 1]) / 1000;
        most = slope > most ? slope : most;
    }
    return most;
}

static void touch_l3(struct lazy *z, unsigned number)
{
    if (!z->l3[number].touched)
        z->l3_touch[z->nr_l3_touch++] = number;
    z->l3[number].touched = true;
}

void lazy_share_enter(struct rate_model *r, unsigned cpu, unsigned nr)
{
    struct lazy_thread *t = &r->lazy->thread[cpu];
    struct lazy_l3 *l = &r->lazy->l3[r->m->l3.of[cpu]];
    double most = t->slot.class->l3_most, share = l->price * t->slot.place->l3_weight;
    t->weight = t->slot.place->l3_weight;
    t->full = share > most;
    if (t->full) {
        l->full_bytes += most;
    } else {
        l->open_weight += t->weight;
        l->nr_open += t->weight > 0;
    }
    touch_l3(r->lazy, r->m->l3.of[cpu]);
    rate_set_slot(r, r->core_site[r->m->cpu[cpu].core], nr, &t->slot, t->full ? most : share);
}

void lazy_share_leave(struct rate_model *r, unsigned cpu)
{
    struct lazy_thread *t = &r->lazy->thread[cpu];
    struct lazy_l3 *l = &r->lazy->l3[r->m->l3.of[cpu]];
    if (t->full) {
        l->full_bytes -= t->slot.class->l3_most;
    } else {
        l->open_weight -= t->weight;
        l->nr_open -= t->weight > 0;
    }
    touch_l3(r->lazy, r->m->l3.of[cpu]);
}

void lazy_share_weigh(struct rate_model *r, unsigned cpu)
{
    const struct lazy_thread *t = &r->lazy->thread[cpu];
    const struct slot *s = &t->slot;
    struct lazy_l3 *l = &r->lazy->l3[r->m->l3.of[cpu]];
    double cut = l->price * t->weight;
    if (l->price == LAZY_FREE || cut * (1 - furthest) > s->class->l3_most)
        return; /* it keeps its most */
    const struct work_mix *w = &s->class->mix;
    double slope = steepest(w, s->l3_share * (1 - furthest), s->l3_share * (1 + furthest));
    double x = slope * s->l3_share * s->lat_ns / w->mlp / s->time_ns;
    l->sensitivity = x > l->sensitivity ? x : l->sensitivity;
}

static bool has_drifted(const struct lazy_l3 *l, double size)
{
    if (!l->nr_open)
        return l->full_bytes > size * (1 + 1e-9);
    double left = size - l->full_bytes;
    if (l->price == LAZY_FREE || left <= 0)
        return true;
    double moved = lazy_size(left / l->open_weight / l->price - 1);
    return moved > furthest || moved * l->sensitivity > LAZY_SHARE_TOLERANCE;
}

/* Of another share, to the time of a task that was worked out before. */
static bool makes_difference(const struct slot *before, const struct slot *after)
{
    double ns = (after->stall_ns - before->stall_ns) * before->lat_ns + after->hidden_ns - before->hidden_ns;
    return lazy_size(ns) > LAZY_STALE_SHARE * before->time_ns;
}

static void cut(struct rate_model *r, unsigned number)
{
    struct lazy *z = r->lazy;
    struct lazy_l3 *l = &z->l3[number];
    unsigned n = 0;
    for (unsigned i = z->l3_at[number]; i < z->l3_at[number + 1]; i++) {
        const struct lazy_thread *t = &z->thread[z->l3_cpu[i]];
        if (!t->slot.class)
            continue;
        r->weight[n] = t->weight;
        r->most[n] = t->slot.class->l3_most;
        r->count[n++] = 1;
    }
    cache_shares((double)r->m->l3.size, n, r->count, r->weight, r->most, r->share);
    l->price = LAZY_FREE;
    l->open_weight = l->full_bytes = 0;
    l->nr_open = 0;
    for (unsigned i = z->l3_at[number], k = 0; i < z->l3_at[number + 1]; i++) {
        unsigned cpu = z->l3_cpu[i], core = r->m->cpu[cpu].core;
        struct lazy_thread *t = &z->thread[cpu];
        if (!t->slot.class)
            continue;
        double share = r->share[k++];
        t->full = t->weight > 0 && share >= t->slot.class->l3_most;
        if (t->full) {
            l->full_bytes += share;
        } else if (t->weight > 0) {
            l->open_weight += t->weight;
            l->nr_open++;
            l->price = share / t->weight;
        }
        if (share == t->slot.l3_share)
            continue;
        const struct slot before = t->slot;
        rate_set_slot(r, r->core_site[core], r->core_busy[core], &t->slot, share);
        if (makes_difference(&before, &t->slot))
            lazy_mark(z, core);
        else
            t->slot = before;
    }
}

/* Who comes is weighed at once. */
static void weigh_all(struct rate_model *r, unsigned l)
{
    struct lazy *z = r->lazy;
    z->l3[l].sensitivity = 0;
    z->l3[l].cuts = 0;
    z->l3[l].weighed = z->l3[l].price;
    for (unsigned i = z->l3_at[l]; i < z->l3_at[l + 1]; i++)
        if (z->thread[z->l3_cpu[i]].slot.class)
            lazy_share_weigh(r, z->l3_cpu[i]);
}

void lazy_shares(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    for (unsigned t = 0; t < z->nr_l3_touch; t++) {
        unsigned l = z->l3_touch[t];
        z->l3[l].touched = false;
        if (!has_drifted(&z->l3[l], (double)r->m->l3.size))
            continue;
        cut(r, l);
        lazy_evaluate(r);
        if (++z->l3[l].cuts > most_cuts || lazy_size(z->l3[l].price / z->l3[l].weighed - 1) > furthest)
            weigh_all(r, l);
    }
    z->nr_l3_touch = 0;
}
