/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lazy rates: what a context switch changes is worked out, what it hardly changes is followed to first order.
 *
 * At any moment the time of an instruction of every thread is worked out, as rate.c says, for
 *
 *   the waits W_k of all resources, the price of a byte of each L3, the clock of each socket, the tasks of its core,
 *
 * but the waits and prices are those of some moment before, and the true ones have moved on since. A switch on one core
 * changes the loads of the few resources that its tasks use, and
 *
 *   F_k = load_k - rho(W_k)
 *
 * says by how much the present waits miss the solution; to first order the solution is ahead of them by
 *
 *   A = (-dF/dW)^-1 F.
 *
 * The inverse is kept (it changes slowly), A is carried along: a switch costs one column of it for each resource
 * touched, and no thread is visited. A thread's rate is 1 / (t_i (1 + x_i)) with
 *
 *   x_i = sum over threads j of its core of  dt_i/dm_j dm_j/dL_j / t_i  x  sum of part_jk A_k      ("response" x
 * latency; part without the thread's own request: rate_wait.c)
 *
 * which is worked out when somebody asks; and as x_i is linear in A, so is its integral over time in the integrals of
 * A_k ("lag"), which gives the work that was done since. Resources that hardly anybody waits for have no A that
 * threads follow: their waits are let be up to LAZY_WAIT_TOLERANCE.
 *
 * The first order is good for LAZY_WAIT_REACH of anybody's time, less where the inverse is old or F is not straight.
 * Past that W_k takes over A_k, and the cores with memory behind k, and only these, are worked out again.
 * rate_lazy_share.c does the same with the prices of L3s, which add their part to x_i and to the loads.
 *
 * What comes out depends on the order of changes, within the tolerance: the same history has the same rates, bit by
 * bit. A test compares random histories with the exact solution: no rate is off by more than 0.5 %.
 */
#include "rate_lazy.h"

#include <models/queueing.h>

/* Limits are of waits and bounds of a moment before (lazy_waits). */
#define LIMITS_SLACK 1.1

/* ---- cores ----------------------------------------------------------------------------------------------------- */

void rate_lazy_set(struct rate_model *r, unsigned cpu)
{
    struct lazy *z = r->lazy;
    unsigned core = r->m->cpu[cpu].core;
    if (z->core[core].set)
        return;
    z->core[core].set = true;
    z->set[z->nr_set++] = core;
}

void lazy_mark(struct lazy *z, unsigned core)
{
    if (z->core[core].todo)
        return;
    z->core[core].todo = true;
    z->todo[z->nr_todo++] = core;
}

/* What a thread adds to loads: misses per ns, what they answer to a wait, how they go with the price. */
struct flow {
    double now, answer, slope;
};

/* touch: the loads are looked at one by one later on; otherwise all will be. */
static void add_flow(const struct rate_model *r, unsigned l3, const struct placement *p, struct flow f, bool touch)
{
    struct lazy *z = r->lazy;
    double *slope = &z->slope[(size_t)l3 * z->nr_slots];
    for (unsigned d = 0; d < p->nr_demands; d++) {
        const struct demand *x = &p->demand[d];
        z->res[x->resource].lines += f.now * x->lines;
        z->res[x->resource].answer += f.answer * x->lines * x->part;
        slope[x->slot] += f.slope * x->lines;
        if (touch)
            lazy_touch(z, x->resource);
    }
}

/* ---- rates that move on ---------------------------------------------------------------------------------------- */

static double ahead_of(const struct lazy *z, unsigned k)
{
    return z->res[k].coupled == NO_RESOURCE ? 0 : z->coupled_ahead[z->res[k].coupled];
}

/* By how much a miss takes longer than when it was last worked out. */
static double lat_ahead(const struct lazy *z, const struct slot *s)
{
    double sum = 0;
    for (unsigned d = 0; d < s->place->nr_demands; d++)
        sum += wait_part(s, &s->place->demand[d]) * ahead_of(z, s->place->demand[d].resource);
    return sum;
}

/* The integral of that over time. */
static struct lazy_lag lags_of(const struct lazy *z, const struct placement *p)
{
    struct lazy_lag sum = {0, 0};
    for (unsigned d = 0; d < p->nr_demands; d++) {
        sum.part += p->demand[d].part * z->res[p->demand[d].resource].lag;
        sum.own += p->demand[d].own * z->res[p->demand[d].resource].lag;
    }
    return sum;
}

static double lag_of(const struct slot *s, struct lazy_lag l)
{
    return l.part - s->request * l.own;
}

static double lat_lag(const struct lazy *z, const struct slot *s)
{
    return lag_of(s, lags_of(z, s->place));
}

/* What more latency of all threads of a core makes of the time of busy thread i, in parts of it. */
static double longer(const struct rate_model *r, unsigned core, unsigned i, const double *lat)
{
    unsigned threads = r->m->threads_per_core;
    const double *response = &r->lazy->response[((size_t)core * threads + i) * threads];
    double sum = 0;
    for (unsigned j = 0; j < r->lazy->core[core].nr; j++)
        sum += response[j] * lat[j];
    return sum;
}

/* By how much the price of its L3 is ahead of what a core was worked out for. */
static double price_ahead(const struct rate_model *r, unsigned cpu)
{
    return r->lazy->l3[r->m->l3.of[cpu]].price - r->lazy->core[r->m->cpu[cpu].core].price;
}

/* The integral of that over time since work was counted last. */
static double price_lag(const struct rate_model *r, unsigned cpu)
{
    const struct lazy_core *c = &r->lazy->core[r->m->cpu[cpu].core];
    return lazy_price_lag(r, &r->lazy->l3[r->m->l3.of[cpu]]) - c->price_lag - c->price * (r->now_ns - r->t[cpu].since);
}

/* What more latency makes of a busy pCPU's time; of: lat_ahead, or lat_lag: its integral. Tasks that miss nothing, or
 * whose latency makes nothing longer, are not asked. */
static double longer_of(const struct rate_model *r, unsigned cpu,
                        double (*of)(const struct lazy *z, const struct slot *s))
{
    const struct lazy *z = r->lazy;
    unsigned core = r->m->cpu[cpu].core, threads = r->m->threads_per_core, nr = z->core[core].nr, at = 0;
    const unsigned *busy = &z->busy[core * threads];
    while (busy[at] != cpu)
        at++;
    const double *response = &z->response[((size_t)core * threads + at) * threads];
    double sum = 0;
    for (unsigned j = 0; j < nr; j++)
        if (response[j] != 0)
            sum += response[j] * of(z, &z->thread[busy[j]].slot);
    return sum;
}

void rate_lazy_elapse(struct rate_model *r, double ns)
{
    struct lazy *z = r->lazy;
    for (unsigned j = 0; j < z->nr_coupled; j++)
        z->res[z->coupled[j]].lag += z->coupled_ahead[j] * ns;
}

double rate_lazy_work(const struct rate_model *r, unsigned cpu)
{
    const struct thread_state *t = &r->t[cpu];
    const struct lazy_thread *l = &r->lazy->thread[cpu];
    if (!l->slot.class)
        return t->work;
    double lost = longer_of(r, cpu, lat_lag) - l->lag;
    if (l->longer != 0)
        lost += l->longer * price_lag(r, cpu);
    return t->work + t->ipns * (r->now_ns - t->since - lost);
}

double rate_lazy_ipns(const struct rate_model *r, unsigned cpu)
{
    const struct lazy_thread *t = &r->lazy->thread[cpu];
    return t->slot.class ? r->t[cpu].ipns / (1 + longer_of(r, cpu, lat_ahead) + t->longer * price_ahead(r, cpu)) : 0;
}

/*
 * Latencies of the core's threads go to LAZY_WAIT_REACH of what the most memory-bound task can take, up or down, and
 * the price to the ends of the core's range.
 */
double rate_lazy_rise(const struct rate_model *r, unsigned cpu)
{
    const struct lazy *z = r->lazy;
    const struct lazy_thread *t = &z->thread[cpu];
    if (!t->slot.class)
        return 0;
    unsigned core = r->m->cpu[cpu].core, threads = r->m->threads_per_core, nr = z->core[core].nr, at = 0;
    const struct lazy_core *c = &z->core[core];
    const unsigned *busy = &z->busy[core * threads];
    double waits = 0;
    while (busy[at] != cpu)
        at++;
    const double *response = &z->response[((size_t)core * threads + at) * threads];
    for (unsigned j = 0; j < nr; j++)
        waits += lazy_size(response[j]) * z->thread[busy[j]].slot.lat_ns;
    double shares = t->longer < 0 ? -t->longer * (c->high - c->price) : t->longer * (c->price - c->low);
    double least = 1 - waits * LAZY_WAIT_REACH * LIMITS_SLACK / z->limit_bound - shares;
    return r->t[cpu].ipns / rate_lazy_ipns(r, cpu) / least - 1;
}

double rate_lazy_miss(const struct rate_model *r, unsigned cpu)
{
    const struct lazy_thread *t = &r->lazy->thread[cpu];
    return t->slot.class ? r->t[cpu].miss + t->miss_slope * price_ahead(r, cpu) : 0;
}

double rate_lazy_l3_share(const struct rate_model *r, unsigned cpu)
{
    const struct lazy_thread *t = &r->lazy->thread[cpu];
    return t->slot.class ? r->t[cpu].l3_share + t->share_slope * price_ahead(r, cpu) : 0;
}

double rate_lazy_latency_ns(const struct rate_model *r, unsigned cpu)
{
    const struct lazy_thread *t = &r->lazy->thread[cpu];
    return r->t[cpu].lat_ns + (t->slot.class ? lat_ahead(r->lazy, &t->slot) : 0);
}

/* Before what the rates of a core rest on changes: the work up to now, once; it goes on when they are published. */
static void bank(struct rate_model *r, unsigned core)
{
    struct lazy *z = r->lazy;
    const unsigned *busy = &z->busy[core * r->m->threads_per_core];
    double lag[MAX_THREADS_PER_CORE];
    if (z->core[core].banked)
        return;
    z->core[core].banked = true;
    double of_price = z->core[core].nr ? price_lag(r, busy[0]) : 0;
    for (unsigned i = 0; i < z->core[core].nr; i++) {
        struct lazy_thread *t = &z->thread[busy[i]];
        t->since = lags_of(z, t->slot.place);
        lag[i] = lag_of(&t->slot, t->since);
    }
    for (unsigned i = 0; i < z->core[core].nr; i++) {
        struct thread_state *t = &r->t[busy[i]];
        double lost = longer(r, core, i, lag) - z->thread[busy[i]].lag + z->thread[busy[i]].longer * of_price;
        t->work += t->ipns * (r->now_ns - t->since - lost);
    }
}

static void begin_work(struct rate_model *r, unsigned core)
{
    struct lazy *z = r->lazy;
    struct lazy_core *c = &z->core[core];
    const unsigned *busy = &z->busy[core * r->m->threads_per_core];
    double lag[MAX_THREADS_PER_CORE];
    c->banked = false;
    if (!c->nr)
        return;
    c->price_lag = lazy_price_lag(r, &z->l3[r->m->l3.of[busy[0]]]);
    for (unsigned i = 0; i < c->nr; i++)
        lag[i] = lag_of(&z->thread[busy[i]].slot, z->thread[busy[i]].since);
    for (unsigned i = 0; i < c->nr; i++) {
        r->t[busy[i]].since = r->now_ns;
        z->thread[busy[i]].lag = longer(r, core, i, lag);
    }
}

/* ---- cores ----------------------------------------------------------------------------------------------------- */

/* The tasks that ran on a core are no longer in any sum. */
static void take_out(struct rate_model *r, unsigned core)
{
    struct lazy *z = r->lazy;
    struct lazy_core *c = &z->core[core];
    bank(r, core);
    for (unsigned k = 0; k < c->nr; k++) {
        unsigned cpu = z->busy[core * r->m->threads_per_core + k];
        struct lazy_thread *t = &z->thread[cpu];
        double flow = t->flow + t->flow_slope * price_ahead(r, cpu);
        add_flow(r, r->m->l3.of[cpu], t->slot.place, (struct flow){-flow, -t->answer, -t->flow_slope}, true);
        t->flow = t->answer = t->flow_slope = 0;
        lazy_share_leave(r, cpu);
        t->slot.class = NULL;
    }
    r->socket_cores[r->site[r->core_site[core]].socket] -= c->nr != 0;
    c->nr = 0;
}

/* The tasks that run there now. */
static void put_in(struct rate_model *r, unsigned core)
{
    struct lazy *z = r->lazy;
    struct lazy_core *c = &z->core[core];
    unsigned threads = r->m->threads_per_core, site = r->core_site[core];
    c->nodes = c->others = 0;
    for (unsigned k = 0; k < threads; k++) {
        unsigned cpu = r->core_cpu[core * threads + k];
        struct task_class *class = cpu == NO_CPU ? NULL : r->t[cpu].class;
        if (cpu != NO_CPU)
            z->changed[cpu / 64] |= (uint64_t)(class || r->t[cpu].solved) << cpu % 64;
        if (!class)
            continue;
        struct lazy_thread *t = &z->thread[cpu];
        t->slot.class = class;
        t->slot.place = class->place[r->site[site].spot];
        t->since = lags_of(z, t->slot.place);
        z->uneven = t->slot.place->uneven > z->uneven ? t->slot.place->uneven : z->uneven;
        c->nodes |= t->slot.place->nodes;
        c->others |= t->slot.place->others;
        z->busy[core * threads + c->nr++] = cpu;
        lazy_share_enter(r, cpu);
    }
    r->socket_cores[r->site[site].socket] += c->nr != 0;
    c->stale = true;
    lazy_mark(z, core);
}

/* Where the number of active cores changes the clock, it changes all times of the socket. */
static void set_clocks(struct rate_model *r)
{
    for (unsigned s = 0; s < r->m->nr_sockets; s++) {
        double clock = rate_clock(r->m, r->socket_cores[s]);
        if (clock == r->clock[s])
            continue;
        r->clock[s] = clock;
        for (unsigned core = 0; core < r->nr_cores; core++) {
            struct lazy_core *c = &r->lazy->core[core];
            if (!c->nr || r->site[r->core_site[core]].socket != s)
                continue;
            c->stale = true;
            lazy_mark(r->lazy, core);
        }
    }
}

/* Loaded latency of a miss, its own part of the queues as it was. */
static double latency(const struct rate_model *r, const struct slot *s)
{
    const struct placement *p = s->place;
    double lat = p->idle_lat_ns - s->request * p->own_idle;
    for (unsigned d = 0; d < p->nr_demands; d++)
        lat += wait_part(s, &p->demand[d]) * r->wait[p->demand[d].resource];
    return lat;
}

/* Are the times of a core's threads what they were worked out to be, or nearly so, at the present waits? */
static bool is_settled(const struct rate_model *r, unsigned core)
{
    const struct lazy *z = r->lazy;
    const unsigned *cpu = &z->busy[core * r->m->threads_per_core];
    for (unsigned i = 0; i < z->core[core].nr; i++) {
        const struct slot *s = &z->thread[cpu[i]].slot;
        if (lazy_size(latency(r, s) - s->lat_ns) * s->stall_ns * s->follow > LAZY_SKIP_TOLERANCE * s->time_ns)
            return false;
    }
    return true;
}

/* What more latency makes of the times. */
static void set_response(struct rate_model *r, unsigned core, bool same, const double *gain)
{
    struct lazy *z = r->lazy;
    unsigned nr = z->core[core].nr, threads = r->m->threads_per_core;
    const unsigned *cpu = &z->busy[core * threads];
    double *response = &z->response[(size_t)core * threads * threads];
    for (unsigned i = 0; i < nr; i++)
        for (unsigned j = 0; j < nr; j++) {
            const struct slot *s = &z->thread[cpu[j]].slot;
            double g = !same ? gain[i * nr + j] : i == j ? gain[0] : 0;
            response[i * threads + j] = g * s->stall_ns * s->follow / z->thread[cpu[i]].slot.time_ns;
        }
}

static void evaluate_core(struct rate_model *r, unsigned core, bool touch)
{
    struct lazy *z = r->lazy;
    struct smt_thread smt[MAX_THREADS_PER_CORE];
    double time[MAX_THREADS_PER_CORE], gain[MAX_THREADS_PER_CORE * MAX_THREADS_PER_CORE];
    double before[MAX_THREADS_PER_CORE], slope[MAX_THREADS_PER_CORE];
    unsigned nr = z->core[core].nr;
    const unsigned *cpu = &z->busy[core * r->m->threads_per_core];
    const struct slot *first = &z->thread[cpu[0]].slot;
    bool same = nr > 1;
    bank(r, core);
    if (!nr)
        return;
    unsigned l3 = r->m->l3.of[cpu[0]];
    for (unsigned i = 0; i < nr; i++) {
        slope[i] = z->thread[cpu[i]].flow_slope;
        before[i] = z->thread[cpu[i]].flow + slope[i] * price_ahead(r, cpu[i]);
    }
    if (z->core[core].stale || z->core[core].price != z->l3[l3].price)
        lazy_share_take(r, core);
    for (unsigned i = 0; i < nr; i++) {
        struct slot *s = &z->thread[cpu[i]].slot;
        wait_set(s, r->wait);
        smt[i] = (struct smt_thread){s->core_ns, s->class->mix.smt_slowdown, s->m};
        same = same && s->class == first->class && s->miss == first->miss;
    }
    smt_solve(nr, same, smt, time, gain);
    for (unsigned i = 0; i < nr; i++)
        z->thread[cpu[i]].slot.time_ns = time[same ? 0 : i];
    lazy_share_follow(r, core, same, gain);
    for (unsigned i = 0; i < nr; i++) {
        struct lazy_thread *t = &z->thread[cpu[i]];
        struct slot *s = &t->slot;
        double ipns = 1 / s->time_ns, flow = s->miss * ipns, bound = s->stall_ns * s->follow * s->lat_ns * ipns;
        double answer = flow * ipns * s->stall_ns * s->follow * (same ? gain[0] : gain[i * nr + i]);
        add_flow(r, l3, s->place, (struct flow){flow - before[i], answer - t->answer, t->flow_slope - slope[i]}, touch);
        t->answer = answer;
        t->flow = flow;
        z->bound = bound > z->bound ? bound : z->bound;
        z->changed[cpu[i] / 64] |= UINT64_C(1) << cpu[i] % 64;
    }
    set_response(r, core, same, gain);
}

void lazy_evaluate(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    for (unsigned i = 0; i < z->nr_todo; i++) {
        evaluate_core(r, z->todo[i], true);
        z->core[z->todo[i]].todo = false;
    }
    z->nr_todo = 0;
}

void lazy_evaluate_moved(struct rate_model *r)
{
    struct lazy *z = r->lazy;
    for (unsigned i = 0; i < z->nr_todo; i++) {
        if (!is_settled(r, z->todo[i]))
            evaluate_core(r, z->todo[i], false);
        z->core[z->todo[i]].todo = false;
    }
    z->nr_todo = 0;
}

/* ---- the solution ---------------------------------------------------------------------------------------------- */

static unsigned publish(struct rate_model *r, unsigned *changed)
{
    struct lazy *z = r->lazy;
    unsigned n = 0, words = r->m->nr_cpus / 64 + 1;
    for (unsigned w = 0; w < words; w++) {
        for (uint64_t bits = z->changed[w]; bits; bits &= bits - 1) {
            unsigned cpu = w * 64 + (unsigned)__builtin_ctzll(bits);
            struct thread_state *t = &r->t[cpu];
            unsigned core = r->m->cpu[cpu].core;
            if (z->core[core].banked)
                begin_work(r, core);
            if (rate_publish(t, t->class ? &z->thread[cpu].slot : NULL))
                changed[n++] = cpu;
            if (t->class != t->solved) {
                if (t->class)
                    t->class->refs++;
                class_put(t->solved);
                t->solved = t->class;
            }
        }
        z->changed[w] = 0;
    }
    return n;
}

unsigned rate_lazy_solve(struct rate_model *r, unsigned *changed)
{
    struct lazy *z = r->lazy;
    z->changes += z->nr_set;
    for (unsigned i = 0; i < z->nr_set; i++)
        take_out(r, z->set[i]);
    for (unsigned i = 0; i < z->nr_set; i++) {
        put_in(r, z->set[i]);
        z->core[z->set[i]].set = false;
    }
    z->nr_set = 0;
    set_clocks(r);
    lazy_shares(r);
    lazy_evaluate(r);
    lazy_waits(r);
    r->nr_different = 0;
    return publish(r, changed);
}

double rate_lazy_load(const struct rate_model *r, unsigned resource)
{
    const struct lazy *z = r->lazy;
    double load = z->res[resource].lines / r->resource[resource].lines_per_ns;
    double wait = r->wait[resource] + ahead_of(z, resource);
    if (z->res[resource].coupled != NO_RESOURCE)
        return wait > 0 ? queueing_rho(wait, r->resource[resource].service_ns) : 0;
    return load < 0 ? 0 : load < 1 ? load : 1;
}
