/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The coupled solution. For each busy hardware thread i, per instruction (ns):
 *
 *   t_i  = core_i (1 + s_i u_j)  +  hits_i  +  walks_i  +  q_i L_i / mlp_i
 *
 *   core_i   cpi_core / f                                          cycles that the core issues for it
 *   s_i u_j  SMT: while the sibling j issues, a fraction u_j = core_j (1 + s_j u_i) / t_j of its time, it takes issue
 * slots, ROB and line-fill buffers away; one parameter s a program (Tullsen et al., ISCA 1995: sharing of issue slots)
 *   hits_i   (l2_apki - l3_apki) / 1000 * lat_L2 / mlp + (l3_apki / 1000 - q_i) * lat_L3 / mlp
 *   walks_i  tlb_mpki / 1000 * walk
 *   q_i      L3 misses per instruction at its share of L3 (models/cache.h)
 *   L_i      sum over nodes n of share_in (L0[node of i][n] + W_n + W_link(i, n)), W from models/queueing.h
 *
 *   rho_n    = sum_i 64 (1 + write_i) q_i share_in / t_i / B_n, and the same for each link
 *
 * (A CPI stack with overlapped misses: Karkhanis and Smith, ISCA 2004; Eyerman et al., TOCS 2009.)
 *
 * The unknowns are the waits and the u. More waiting means less traffic means less waiting: the map is antitone, its
 * fixed point unique; it is found by damped iteration whose damping halves whenever a step grows, from the same start
 * every time, so the result depends only on what runs where.
 */
#include "rate_private.h"

#include <models/cache.h>
#include <models/queueing.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROUNDS = 200 };
/* Relative change of every t_i at which the iteration ends. */
static const double rate_tolerance = 1e-7;

struct rate_model *rate_create(const struct machine *m)
{
    struct rate_model *r = calloc(1, sizeof(*r));
    size_t links = (size_t)m->nr_sockets * m->nr_sockets;
    if (!r)
        return NULL;
    r->m = m;
    r->t = calloc(m->nr_cpus, sizeof(*r->t));
    r->busy = calloc(m->nr_cpus, sizeof(*r->busy));
    r->mem_wait = calloc(m->nr_nodes, sizeof(double));
    r->mem_rho = calloc(m->nr_nodes, sizeof(double));
    r->mem_bytes = calloc(m->nr_nodes, sizeof(double));
    r->link_wait = calloc(links, sizeof(double));
    r->link_rho = calloc(links, sizeof(double));
    r->link_bytes = calloc(links, sizeof(double));
    r->node_socket = calloc(m->nr_nodes, sizeof(unsigned));
    r->scratch = calloc((size_t)3 * m->nr_cpus, sizeof(double));
    if (!r->t || !r->busy || !r->mem_wait || !r->mem_rho || !r->mem_bytes || !r->link_wait || !r->link_rho ||
        !r->link_bytes || !r->node_socket || !r->scratch) {
        rate_free(r);
        return NULL;
    }
    for (unsigned c = 0; c < m->nr_cpus; c++)
        r->node_socket[m->cpu[c].node] = m->cpu[c].socket;
    return r;
}

void rate_free(struct rate_model *r)
{
    if (!r)
        return;
    free(r->t);
    free(r->busy);
    free(r->mem_wait);
    free(r->mem_rho);
    free(r->mem_bytes);
    free(r->link_wait);
    free(r->link_rho);
    free(r->link_bytes);
    free(r->node_socket);
    free(r->scratch);
    free(r);
}

static double hits_and_walks(const struct rate_model *r, const struct work_mix *w, double misses)
{
    const struct machine *m = r->m;
    double l2 = (w->l2_apki - w->l3_apki) / 1000 * m->l2.latency_ns;
    double l3 = (w->l3_apki / 1000 - misses) * m->l3.latency_ns;
    return (l2 + (l3 > 0 ? l3 : 0)) / w->mlp + w->tlb_mpki_4k / 1000 * m->page_walk_ns;
}

void rate_set(struct rate_model *r, unsigned cpu, const struct rate_task *task)
{
    const struct machine *m = r->m;
    struct rate_thread *t = &r->t[cpu];
    t->task = task;
    if (!task)
        return;
    const struct work_mix *w = task->mix;
    t->core_ns = w->cpi_core * 1e9 / m->freq_hz;
    t->base_lat_ns = 0;
    for (unsigned n = 0; n < m->nr_nodes; n++)
        t->base_lat_ns += task->node_share[n] * m->mem_latency_ns[m->cpu[cpu].node * m->nr_nodes + n];
    t->l3_most = w->nr_curve ? w->curve_size[w->nr_curve - 1] : 0;
    if (t->l3_most < w->footprint)
        t->l3_most = w->footprint;
    double misses = cache_mpki(w->nr_curve, w->curve_size, w->curve_mpki, (double)m->l3.size) / 1000;
    double alone = t->core_ns + hits_and_walks(r, w, misses) + misses * t->base_lat_ns / w->mlp;
    t->l3_weight = w->l3_apki / 1000 / alone;
}

/* The busy threads of one socket are neighbours in busy[]: pCPUs are numbered socket by socket. */
static void share_caches(struct rate_model *r)
{
    const struct machine *m = r->m;
    double *weight = r->scratch, *most = weight + m->nr_cpus, *share = most + m->nr_cpus;
    for (unsigned from = 0, to; from < r->nr_busy; from = to) {
        unsigned socket = m->cpu[r->busy[from]].socket;
        for (to = from; to < r->nr_busy && m->cpu[r->busy[to]].socket == socket; to++) {
            weight[to - from] = r->t[r->busy[to]].l3_weight;
            most[to - from] = r->t[r->busy[to]].l3_most;
        }
        cache_shares((double)m->l3.size, to - from, weight, most, share);
        for (unsigned i = from; i < to; i++) {
            struct rate_thread *t = &r->t[r->busy[i]];
            const struct work_mix *w = t->task->mix;
            t->l3_share = share[i - from];
            t->miss_per_instr = cache_mpki(w->nr_curve, w->curve_size, w->curve_mpki, t->l3_share) / 1000;
            t->hidden_ns = hits_and_walks(r, w, t->miss_per_instr);
        }
    }
}

/* Fraction of its time in which the other threads of a core issue, added up. */
static double siblings_issue(const struct rate_model *r, unsigned cpu)
{
    const struct machine *m = r->m;
    unsigned first = cpu - m->cpu[cpu].thread;
    double u = 0;
    for (unsigned k = first; k < first + m->threads_per_core; k++)
        if (k != cpu && r->t[k].task) {
            double issuing =
                1 - (r->t[k].hidden_ns + r->t[k].miss_per_instr * r->t[k].lat_ns / r->t[k].task->mix->mlp) /
                        r->t[k].time_ns;
            u += issuing;
        }
    return u;
}

/* Waits from the traffic of the present t_i. */
static void load_resources(struct rate_model *r)
{
    const struct machine *m = r->m;
    unsigned links = m->nr_sockets * m->nr_sockets;
    memset(r->mem_bytes, 0, m->nr_nodes * sizeof(double));
    memset(r->link_bytes, 0, links * sizeof(double));
    for (unsigned i = 0; i < r->nr_busy; i++) {
        const struct rate_thread *t = &r->t[r->busy[i]];
        unsigned socket = m->cpu[r->busy[i]].socket;
        double bytes = (double)m->l3.line * (1 + t->task->mix->write_fraction) * t->miss_per_instr / t->time_ns;
        for (unsigned n = 0; n < m->nr_nodes; n++) {
            double part = bytes * t->task->node_share[n];
            r->mem_bytes[n] += part;
            if (r->node_socket[n] != socket)
                r->link_bytes[socket * m->nr_sockets + r->node_socket[n]] += part;
        }
    }
    for (unsigned n = 0; n < m->nr_nodes; n++) {
        r->mem_rho[n] = r->mem_bytes[n] * 1e9 / m->mem_bandwidth[n];
        r->mem_wait[n] = queueing_wait_ns(r->mem_rho[n], m->mem_service_ns);
    }
    for (unsigned l = 0; l < links; l++) {
        r->link_rho[l] = r->link_bytes[l] * 1e9 / m->link_bandwidth;
        r->link_wait[l] = queueing_wait_ns(r->link_rho[l], m->link_service_ns);
    }
}

static double loaded_latency(const struct rate_model *r, unsigned cpu)
{
    const struct machine *m = r->m;
    const struct rate_thread *t = &r->t[cpu];
    unsigned socket = m->cpu[cpu].socket;
    double lat = t->base_lat_ns;
    for (unsigned n = 0; n < m->nr_nodes; n++) {
        lat += t->task->node_share[n] * r->mem_wait[n];
        if (r->node_socket[n] != socket)
            lat += t->task->node_share[n] * r->link_wait[socket * m->nr_sockets + r->node_socket[n]];
    }
    return lat;
}

/* One round: new t_i from the present waits, damped. Returns the largest relative change. */
static double round_once(struct rate_model *r, double damping)
{
    double change = 0;
    load_resources(r);
    for (unsigned i = 0; i < r->nr_busy; i++) {
        unsigned cpu = r->busy[i];
        struct rate_thread *t = &r->t[cpu];
        const struct work_mix *w = t->task->mix;
        double lat = loaded_latency(r, cpu);
        double core = t->core_ns * (1 + w->smt_slowdown * siblings_issue(r, cpu));
        double target = core + t->hidden_ns + t->miss_per_instr * lat / w->mlp;
        double step = damping * (target - t->time_ns);
        double relative = (step < 0 ? -step : step) / t->time_ns / damping;
        if (relative > change)
            change = relative;
        t->lat_ns += damping * (lat - t->lat_ns);
        t->time_ns += step;
    }
    return change;
}

/*
 * Beyond saturation the tangent of the queueing curve lets a little more through than there is: hand out what there is,
 * in proportion.
 */
static void enforce_capacity(struct rate_model *r)
{
    const struct machine *m = r->m;
    load_resources(r);
    for (unsigned i = 0; i < r->nr_busy; i++) {
        struct rate_thread *t = &r->t[r->busy[i]];
        unsigned socket = m->cpu[r->busy[i]].socket;
        double over = 1;
        for (unsigned n = 0; n < m->nr_nodes; n++) {
            if (t->task->node_share[n] <= 0 || t->miss_per_instr <= 0)
                continue;
            double link = r->node_socket[n] == socket ? 0 : r->link_rho[socket * m->nr_sockets + r->node_socket[n]];
            double worst = r->mem_rho[n] > link ? r->mem_rho[n] : link;
            if (worst > over)
                over = worst;
        }
        t->time_ns *= over;
    }
}

unsigned rate_solve(struct rate_model *r, unsigned *changed)
{
    const struct machine *m = r->m;
    r->nr_busy = 0;
    for (unsigned c = 0; c < m->nr_cpus; c++)
        if (r->t[c].task)
            r->busy[r->nr_busy++] = c;
    share_caches(r);
    for (unsigned i = 0; i < r->nr_busy; i++) {
        struct rate_thread *t = &r->t[r->busy[i]];
        t->lat_ns = t->base_lat_ns;
        t->time_ns = t->core_ns + t->hidden_ns + t->miss_per_instr * t->base_lat_ns / t->task->mix->mlp;
    }
    double damping = 1, last = 1e300;
    for (unsigned k = 0; k < MAX_ROUNDS && r->nr_busy; k++) {
        double change = round_once(r, damping);
        if (change < rate_tolerance)
            break;
        if (change > 0.7 * last && damping > 0.02)
            damping *= 0.5;
        last = change;
    }
    enforce_capacity(r);
    load_resources(r);

    unsigned n = 0;
    for (unsigned c = 0; c < m->nr_cpus; c++) {
        struct rate_thread *t = &r->t[c];
        double ipns = t->task ? 1 / t->time_ns : 0;
        if (ipns != t->ipns || (t->task != NULL) != t->had_task)
            changed[n++] = c;
        t->ipns = ipns;
        t->had_task = t->task != NULL;
    }
    return n;
}

double rate_ipns(const struct rate_model *r, unsigned cpu)
{
    return r->t[cpu].ipns;
}

double rate_miss_per_instr(const struct rate_model *r, unsigned cpu)
{
    return r->t[cpu].task ? r->t[cpu].miss_per_instr : 0;
}

double rate_l3_share(const struct rate_model *r, unsigned cpu)
{
    return r->t[cpu].task ? r->t[cpu].l3_share : 0;
}

double rate_mem_utilisation(const struct rate_model *r, unsigned node)
{
    return r->mem_rho[node];
}

double rate_link_utilisation(const struct rate_model *r, unsigned from_socket, unsigned to_socket)
{
    return r->link_rho[from_socket * r->m->nr_sockets + to_socket];
}

double rate_miss_latency_ns(const struct rate_model *r, unsigned cpu)
{
    return r->t[cpu].task ? r->t[cpu].lat_ns : 0;
}
