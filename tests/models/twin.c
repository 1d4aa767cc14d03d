/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nothing is shared with models/: shares by bisection over a common price of a byte, waits resource by resource by
 * bisection over the utilisation until none moves any more, SMT by plain iteration.
 */
#include "twin.h"

#include <math.h>
#include <string.h>

enum { NODES = 2, RESOURCES = 4 }; /* node 0, node 1, link 0 -> 1, link 1 -> 0 */

struct state {
    const struct machine *m;
    const struct rate_task *const *task;
    double miss[TWIN_MAX_CPUS], hidden[TWIN_MAX_CPUS], share[TWIN_MAX_CPUS];
    double time[TWIN_MAX_CPUS], lat[TWIN_MAX_CPUS];
    double wait[RESOURCES], rho[RESOURCES];
};

static double curve(const struct work_mix *w, double size)
{
    unsigned n = w->nr_curve;
    if (size <= w->curve_size[0])
        return w->curve_mpki[0];
    for (unsigned i = 1; i < n; i++)
        if (size < w->curve_size[i]) {
            double f = (size - w->curve_size[i - 1]) / (w->curve_size[i] - w->curve_size[i - 1]);
            return (1 - f) * w->curve_mpki[i - 1] + f * w->curve_mpki[i];
        }
    return w->curve_mpki[n - 1];
}

static double hidden(const struct machine *m, const struct work_mix *w, double miss)
{
    double hits = (w->l2_apki - w->l3_apki) * m->l2.latency_ns + fmax(0, w->l3_apki - 1000 * miss) * m->l3.latency_ns;
    return (hits / w->mlp + w->tlb_mpki_4k * m->page_walk_ns) / 1000;
}

static double idle_latency(const struct state *s, unsigned cpu)
{
    double lat = 0;
    for (unsigned n = 0; n < NODES; n++)
        lat += s->task[cpu]->node_share[n] * s->m->mem_latency_ns[s->m->cpu[cpu].node * NODES + n];
    return lat;
}

static void shares(struct state *s, unsigned socket)
{
    const struct machine *m = s->m;
    double most[TWIN_MAX_CPUS], weight[TWIN_MAX_CPUS], low = 0, high = 1e30;
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        if (!s->task[c] || m->cpu[c].socket != socket)
            continue;
        const struct work_mix *w = s->task[c]->mix;
        double miss = curve(w, (double)m->l3.size) / 1000;
        most[c] = fmax(w->footprint, w->curve_size[w->nr_curve - 1]);
        weight[c] =
            w->l3_apki / (w->cpi_core * 1e9 / m->freq_hz + hidden(m, w, miss) + miss * idle_latency(s, c) / w->mlp);
    }
    for (unsigned k = 0; k < 400; k++) { /* bytes per unit of demand */
        double middle = k < 200 ? sqrt(fmax(low, 1e-30) * high) : (low + high) / 2, used = 0;
        for (unsigned c = 0; c < m->nr_cpus; c++)
            if (s->task[c] && m->cpu[c].socket == socket)
                used += fmin(most[c], middle * weight[c]);
        *(used < (double)m->l3.size ? &low : &high) = middle;
    }
    for (unsigned c = 0; c < m->nr_cpus; c++)
        if (s->task[c] && m->cpu[c].socket == socket) {
            s->share[c] = fmin(most[c], low * weight[c]);
            s->miss[c] = curve(s->task[c]->mix, s->share[c]) / 1000;
            s->hidden[c] = hidden(m, s->task[c]->mix, s->miss[c]);
        }
}

/* How much of a thread's misses waits for resource k. */
static double part(const struct state *s, unsigned cpu, unsigned k)
{
    unsigned socket = s->m->cpu[cpu].socket;
    if (k < NODES)
        return s->task[cpu]->node_share[k];
    /* the link from the other socket brings lines, the one to it takes what is written back */
    return s->task[cpu]->node_share[1 - socket] * (k - NODES != socket ? 1 : s->task[cpu]->mix->write_fraction);
}

/* Lines that resource k carries for each miss; those of reads alone. */
static double lines(const struct state *s, unsigned cpu, unsigned k)
{
    double writes = s->task[cpu]->mix->write_fraction;
    if (k < NODES)
        return s->task[cpu]->node_share[k] * (1 + writes * (1 + s->m->write_cost));
    return part(s, cpu, k);
}

static double read_lines(const struct state *s, unsigned cpu, unsigned k)
{
    return k < NODES || k - NODES != s->m->cpu[cpu].socket ? part(s, cpu, k) : 0;
}

static double ns_per_line(const struct machine *m, unsigned k)
{
    return (double)m->l3.line * 1e9 / (k < NODES ? m->mem_bandwidth[k] : m->link_bandwidth);
}

static double service_ns(const struct machine *m, unsigned k)
{
    return k < NODES ? m->mem_service_ns : m->link_service_ns;
}

/* On machines that one request in flight nearly fills, its own part counts less: models/rate_wait.c has the bounds. */
static double counted(const struct state *s, unsigned c)
{
    double lat = idle_latency(s, c), longest = 0, queue = 0;
    for (unsigned k = 0; k < RESOURCES; k++) {
        double line = read_lines(s, c, k) * ns_per_line(s->m, k);
        longest = fmax(longest, line);
        queue += part(s, c, k) * line * service_ns(s->m, k) / 2;
    }
    return fmin(1, fmin(3 * lat * lat / 16 / queue, 3 * lat / 8 / longest));
}

/*
 * Latency of a miss of thread c. Of m requests in flight one that arrives sees m - 1: the load of all, less a part of m
 * of the own reads' one, as if the core were its own. The wait that the load of all makes is in front of it but for
 * that part. Iterated until it stays.
 */
static double latency(const struct state *s, unsigned c)
{
    const struct machine *m = s->m;
    const struct work_mix *w = s->task[c]->mix;
    double idle = idle_latency(s, c), lat = idle, change = 1, less = counted(s, c);
    for (unsigned i = 0; i < 1000 && change > 0; i++) {
        double time = w->cpi_core * 1e9 / m->freq_hz + s->hidden[c] + s->miss[c] * lat / w->mlp, now = idle;
        for (unsigned k = 0; k < RESOURCES; k++) {
            double own = less * read_lines(s, c, k) * s->miss[c] / time * ns_per_line(m, k);
            now += part(s, c, k) * (s->wait[k] - (service_ns(m, k) / 2 + s->wait[k]) * own / w->mlp);
        }
        change = fabs(now - lat) > 1e-15 * lat ? 1 : 0;
        lat = now;
    }
    return lat;
}

static void times(struct state *s)
{
    const struct machine *m = s->m;
    double stalled[TWIN_MAX_CPUS], u[TWIN_MAX_CPUS];
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        u[c] = 0;
        if (!s->task[c])
            continue;
        s->lat[c] = latency(s, c);
        stalled[c] = s->hidden[c] + s->miss[c] * s->lat[c] / s->task[c]->mix->mlp;
    }
    unsigned threads = m->threads_per_core;
    for (unsigned first = 0; first < m->nr_cpus; first += threads) {
        double change = 1;
        for (unsigned k = 0; k < 5000 && change > 0; k++) {
            change = 0;
            for (unsigned c = first; c < first + threads; c++) {
                double others = 0;
                for (unsigned o = first; o < first + threads; o++)
                    others += o == c ? 0 : u[o];
                if (!s->task[c])
                    continue;
                double core =
                    s->task[c]->mix->cpi_core * 1e9 / m->freq_hz * (1 + s->task[c]->mix->smt_slowdown * others);
                s->time[c] = core + stalled[c];
                double now = core / s->time[c];
                change = fmax(change, fabs(now - u[c]) > 1e-16 ? fabs(now - u[c]) : 0);
                u[c] = now;
            }
        }
    }
}

static double load(struct state *s, unsigned k)
{
    const struct machine *m = s->m;
    double bytes = 0;
    times(s);
    for (unsigned c = 0; c < m->nr_cpus; c++)
        if (s->task[c])
            bytes += lines(s, c, k) * s->miss[c] * (double)m->l3.line / s->time[c];
    return bytes * 1e9 / (k < NODES ? m->mem_bandwidth[k] : m->link_bandwidth);
}

/* The utilisation of resource k that brings itself about, the others being as they are. Returns how far it moved. */
static double settle(struct state *s, unsigned k)
{
    double before = s->rho[k], service = service_ns(s->m, k), low = 0, high = 1;
    for (unsigned i = 0; i < 60; i++) {
        s->rho[k] = (low + high) / 2;
        s->wait[k] = service * s->rho[k] / (2 * (1 - s->rho[k]));
        *(load(s, k) > s->rho[k] ? &low : &high) = s->rho[k];
        if (high - low < 1e-16)
            break;
    }
    return fabs(s->rho[k] - before);
}

void twin_solve(const struct machine *m, const struct rate_task *const *task, struct twin *out)
{
    static struct state s;
    memset(&s, 0, sizeof(s));
    s.m = m;
    s.task = task;
    shares(&s, 0);
    shares(&s, 1);
    for (unsigned sweep = 0; sweep < 400; sweep++) {
        double moved = 0;
        for (unsigned k = 0; k < RESOURCES; k++)
            moved = fmax(moved, settle(&s, k));
        if (moved < 1e-14)
            break;
    }
    times(&s);
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        out->ipns[c] = task[c] ? 1 / s.time[c] : 0;
        out->share[c] = task[c] ? s.share[c] : 0;
        out->lat[c] = task[c] ? s.lat[c] : 0;
    }
    memcpy(out->rho, s.rho, sizeof(s.rho));
}
