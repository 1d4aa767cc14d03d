/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shares of L3s, lazily. In water filling (models/cache.h) every task has min(most, price x weight), where the price
 * makes the shares add up to the cache. A task that comes or goes moves the price for all who share the L3. The price
 * is found at once, from nothing but weights and mosts; what follows from it is followed to first order, as waits are
 * (rate_lazy.c): a core's times were worked out at the price P of some moment before, and while the present one is p,
 *
 *   t_i = t_i(P) (1 + longer_i (p - P)),   longer_i = sum over threads j of its core of  dt_i/dm_j dm_j/dp / t_i,
 *   dm/dp = weight x slope of the miss curve x (latency / overlap - latency of L3 / mlp),
 *
 * misses and shares likewise; and the L3 carries the sum of the slopes of its tasks' flows, so that the loads follow
 * the price without a look at anybody. Miss curves are piecewise linear, so without a sibling t_i is exact up to the
 * next bend: of the curve, or where it has its most; but for what its own requests make of it (rate_wait.c), of which
 * this is the first order. A core keeps the range of prices up to there, at most
 * LAZY_SHARE_REACH of the time of any of its threads, and is worked out again when the price leaves it.
 */
#include "rate_lazy.h"

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double largest(double a, double b)
{
    return a > b ? a : b;
}

/* ---- prices ---------------------------------------------------------------------------------------------------- */

/* The least at which all have their most; before: what it was, which nobody asks about if nobody is there. */
static double price_for_all(const double *weight, const double *most, unsigned n, double before)
{
    double price = 0;
    bool any = false;
    for (unsigned i = 0; i < n; i++)
        if (weight[i] > 0) {
            price = largest(price, most[i] / weight[i]);
            any = true;
        }
    return any ? price : before;
}

/*
 * Newton's method on the sum of min(most, price x weight), which is concave: from the second round on it comes from
 * below, and ends when nobody more gets his most.
 */
static double find_price(const double *weight, const double *most, unsigned n, double size, double price)
{
    for (unsigned round = 0;; round++) {
        double left = size, open = 0;
        for (unsigned i = 0; i < n; i++) {
            bool full = price * weight[i] > most[i];
            left -= full ? most[i] : 0;
            open += full ? 0 : weight[i];
        }
        if (open == 0 && left >= 0)
            return price_for_all(weight, most, n, price);
        double next = open > 0 && left > 0 ? left / open : 0;
        if (round && next <= price)
            return price;
        price = next;
    }
}

double lazy_price_lag(const struct rate_model *r, const struct lazy_l3 *l)
{
    return l->lag + l->price * (r->now_ns - l->lag_at);
}

/* The loads go along; cores that they say too little of are marked. */
static void move_price(struct rate_model *r, unsigned number, double price)
{
    struct lazy *z = r->lazy;
    struct lazy_l3 *l = &z->l3[number];
    const unsigned *resource = &z->slot_resource[lazy_socket(r, number) * z->nr_slots];
    const double *slope = &z->slope[(size_t)number * z->nr_slots];
    l->lag = lazy_price_lag(r, l);
    l->lag_at = r->now_ns;
    for (unsigned s = 0; s < z->nr_slots; s++) {
        if (slope[s] == 0)
            continue;
        z->res[resource[s]].lines += slope[s] * (price - l->price);
        lazy_touch(z, resource[s]);
    }
    l->price = price;
    for (unsigned i = z->l3_at[number]; i < z->l3_at[number + 1]; i++) {
        unsigned core = r->m->cpu[z->l3_cpu[i]].core;
        if (z->core[core].nr && (price < z->core[core].low || price > z->core[core].high))
            lazy_mark(z, core);
    }
}

void lazy_shares(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    for (unsigned t = 0; t < z->nr_l3_touch; t++) {
        unsigned l = z->l3_touch[t], first = z->l3_at[l];
        double price = find_price(&z->weight[first], &z->most[first], z->l3_at[l + 1] - first, (double)r->m->l3.size,
                                  z->l3[l].price);
        z->l3[l].touched = false;
        if (price != z->l3[l].price)
            move_price(r, l, price);
    }
    z->nr_l3_touch = 0;
}

/* ---- tasks ----------------------------------------------------------------------------------------------------- */

static void touch_l3(struct lazy *z, unsigned number)
{
    if (!z->l3[number].touched)
        z->l3_touch[z->nr_l3_touch++] = number;
    z->l3[number].touched = true;
}

void lazy_share_enter(struct rate_model *r, unsigned cpu)
{
    struct lazy *z = r->lazy;
    const struct slot *s = &z->thread[cpu].slot;
    z->weight[z->l3_index[cpu]] = s->place->l3_weight;
    z->most[z->l3_index[cpu]] = s->class->l3_most;
    touch_l3(z, r->m->l3.of[cpu]);
}

void lazy_share_leave(struct rate_model *r, unsigned cpu)
{
    r->lazy->weight[r->lazy->l3_index[cpu]] = 0;
    touch_l3(r->lazy, r->m->l3.of[cpu]);
}

void lazy_share_take(struct rate_model *r, unsigned core)
{
    struct lazy *z = r->lazy;
    struct lazy_core *c = &z->core[core];
    const unsigned *cpu = &z->busy[core * r->m->threads_per_core];
    double price = z->l3[r->m->l3.of[cpu[0]]].price;
    c->price = price;
    c->stale = false;
    for (unsigned i = 0; i < c->nr; i++) {
        struct lazy_thread *t = &z->thread[cpu[i]];
        double weight = t->slot.place->l3_weight, most = t->slot.class->l3_most, share = price * weight;
        rate_set_slot(r, r->core_site[core], c->nr, &t->slot, share > most ? most : share);
        t->share_slope = share > most ? 0 : weight;
    }
}

/* ---- first order ----------------------------------------------------------------------------------------------- */

/* Slope of the miss curve around a size, per byte and instruction, and how far it goes. */
static double slope_at(const struct work_mix *w, double size, double *from, double *to)
{
    unsigned i = 0;
    while (i < w->nr_curve && size > w->curve_size[i])
        i++;
    *from = i ? w->curve_size[i - 1] : 0;
    *to = i < w->nr_curve ? w->curve_size[i] : LAZY_FAR;
    if (i == 0 || i == w->nr_curve)
        return 0;
    return (w->curve_mpki[i] - w->curve_mpki[i - 1]) / (w->curve_size[i] - w->curve_size[i - 1]) / 1000;
}

/* dm/dp of a thread, and its part of the core's range. */
static double stall_slope(const struct rate_model *r, struct lazy_core *c, unsigned kind, struct lazy_thread *t)
{
    const struct work_mix *w = &t->slot.class->mix;
    double weight = t->share_slope, full = t->slot.class->l3_most, from, to;
    t->miss_slope = 0;
    if (weight == 0) { /* it has its most, or asks for nothing */
        if (t->slot.place->l3_weight > 0)
            c->low = largest(c->low, full / t->slot.place->l3_weight);
        return 0;
    }
    double beside = rate_beside_l3(r, kind, c->nr);
    t->miss_slope = weight * slope_at(w, t->slot.l3_share + beside, &from, &to);
    c->low = largest(c->low, (from - beside) / weight);
    c->high = least(c->high, least(to - beside, full) / weight);
    if (t->miss_slope == 0)
        return 0;
    /* hits in L3, which misses leave: not fewer than none (rate_hidden_ns) */
    double hits = w->l3_apki / 1000 - t->slot.miss, none = c->price + hits / t->miss_slope;
    if ((hits > 0) == (t->miss_slope < 0))
        c->low = largest(c->low, none);
    else
        c->high = least(c->high, none);
    double of_hits = hits > 0 ? r->m->l3.latency_ns / w->mlp : 0;
    /* latency falls with misses by own_ns / stall, and that again by follow */
    return t->miss_slope * t->slot.follow * ((t->slot.lat_ns - t->slot.own_ns) / rate_overlap(r->m, w) - of_hits);
}

void lazy_share_follow(struct rate_model *r, unsigned core, bool same, const double *gain)
{
    struct lazy *z = r->lazy;
    struct lazy_core *c = &z->core[core];
    unsigned kind = r->site[r->core_site[core]].kind;
    const unsigned *cpu = &z->busy[core * r->m->threads_per_core];
    double dm[MAX_THREADS_PER_CORE], most = 0;
    c->low = 0;
    c->high = LAZY_FAR;
    for (unsigned i = 0; i < c->nr; i++)
        dm[i] = stall_slope(r, c, kind, &z->thread[cpu[i]]);
    for (unsigned i = 0; i < c->nr; i++) {
        struct lazy_thread *t = &z->thread[cpu[i]];
        double sum = 0, ipns = 1 / t->slot.time_ns;
        for (unsigned j = 0; j < c->nr; j++)
            sum += !same ? gain[i * c->nr + j] * dm[j] : i == j ? gain[0] * dm[j] : 0;
        t->longer = sum * ipns;
        t->flow_slope = ipns * (t->miss_slope - t->slot.miss * t->longer);
        most = largest(most, lazy_size(t->longer));
    }
    if (most > 0) {
        c->low = largest(c->low, c->price - LAZY_SHARE_REACH / most);
        c->high = least(c->high, c->price + LAZY_SHARE_REACH / most);
    }
}
