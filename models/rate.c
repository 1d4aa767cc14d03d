/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The coupled solution. For each busy hardware thread i, per instruction (ns):
 *
 *   t_i  = core_i (1 + s_i u_i)  +  hits_i  +  walks_i  +  q_i L_i / mlp_i
 *
 *   core_i   cpi_core / f                                    cycles that the core issues for it; f is the kind of
 *                                                            core's, by active cores of the socket where it has turbo
 *   s_i u_i  SMT: what the siblings that issue cost it       smt.c
 *   hits_i   ((l2_apki - l3_apki) / 1000 * lat_L2 + (l3_apki / 1000 - q_i) * lat_L3) / mlp
 *   walks_i  tlb_mpki / 1000 * walk
 *   q_i      L3 misses per instruction at its share of L3    models/cache.h
 *   L_i      sum over nodes n of share_in (L0[node of i][n] + W_n + sum of W_l over links l from n to i + write_i sum
 * of W_l over links from i to n) + W_cluster(i), each W without the thread's own request       rate_wait.c
 *
 *   rho_n    = sum_i (1 + (1 + k) write_i) q_i share_in / t_i / (C_n / line); k: what turning the bus round costs
 *   rho_l    the same with q_i where line l is on the way from the memory and write_i q_i where it is on the way there
 *   W        by M/D/1 from rho
 *
 * (A CPI stack with overlapped misses: Karkhanis and Smith, ISCA 2004; Eyerman et al., TOCS 2009.)
 *
 * How it is worked out: tasks of equal content are one class, cores of a node that run the same classes one group.
 * Groups stand in an order that only their content decides, so that exchanging equal threads exchanges the results bit
 * by bit. rate_solver.c finds the waits.
 */
#include "rate_private.h"

#include <models/cache.h>
#include <stdlib.h>
#include <string.h>

/* ---- the model of a machine ------------------------------------------------------------------------------------ */

static void *array(size_t n, size_t size, bool *ok)
{
    void *p = calloc(n ? n : 1, size);
    *ok = *ok && p;
    return p;
}

struct rate_model *rate_create(const struct machine *m)
{
    struct rate_model *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    bool ok = true;
    r->m = m;
    r->nr_cores = m->nr_cores;
    r->max_classes = 4 * m->nr_cpus + 64;
    r->max_groups = r->nr_cores;
    if (!sites_make(r)) {
        rate_free(r);
        return NULL;
    }
    r->t = array(m->nr_cpus, sizeof(*r->t), &ok);
    r->core_cpu = array((size_t)m->nr_cores * m->threads_per_core, sizeof(unsigned), &ok);
    r->core_busy = array(r->nr_cores, sizeof(unsigned), &ok);
    r->core_group = array(r->nr_cores, sizeof(unsigned), &ok);
    r->class = array(r->max_classes, sizeof(r->class[0]), &ok);
    for (r->nr_buckets = 64; r->nr_buckets < r->max_classes;)
        r->nr_buckets *= 2;
    r->bucket = array(r->nr_buckets, sizeof(r->bucket[0]), &ok);
    r->group = array(r->max_groups, sizeof(*r->group), &ok);
    r->order = array(r->max_groups, sizeof(unsigned), &ok);
    r->l3_first = array(m->l3.nr, sizeof(unsigned), &ok);
    r->socket_cores = array(m->nr_sockets, sizeof(unsigned), &ok);
    r->clock = array(m->nr_sockets, sizeof(double), &ok);
    r->rho = array(r->nr_resources, sizeof(double), &ok);
    r->active = array(r->nr_resources, sizeof(unsigned), &ok);
    r->active_of = array(r->nr_resources, sizeof(unsigned), &ok);
    r->wait = array(r->nr_resources, sizeof(double), &ok);
    r->load = array(r->nr_resources, sizeof(double), &ok);
    r->partial = array(r->nr_resources, sizeof(double), &ok);
    r->step = array(r->nr_resources, sizeof(double), &ok);
    r->tried = array(r->nr_resources, sizeof(double), &ok);
    r->own = array(r->nr_resources, sizeof(double), &ok);
    r->weight = array(m->nr_cpus, sizeof(double), &ok);
    r->most = array(m->nr_cpus, sizeof(double), &ok);
    r->share = array(m->nr_cpus, sizeof(double), &ok);
    r->count = array(m->nr_cpus, sizeof(unsigned), &ok);
    /* At most n resources of each kind are in use at once; a link is used only if two sockets are. */
    r->jacobian = array((size_t)r->nr_resources * r->nr_resources, sizeof(double), &ok);
    ok = ok && (m->sharing != MACHINE_MAX_MIN || sharing_make(r));
    if (!ok) {
        rate_free(r);
        return NULL;
    }
    for (unsigned i = 0; i < m->nr_cores * m->threads_per_core; i++)
        r->core_cpu[i] = NO_CPU;
    for (unsigned c = 0; c < m->nr_cpus; c++)
        r->core_cpu[m->cpu[c].core * m->threads_per_core + m->cpu[c].thread] = c;
    return r;
}

void rate_free(struct rate_model *r)
{
    if (!r)
        return;
    classes_free(r);
    rate_lazy_free(r);
    sharing_free(r);
    void *const arrays[] = {r->t,        r->core_cpu, r->core_busy, r->core_group, r->group,    r->order,
                            r->resource, r->rho,      r->active,    r->active_of,  r->wait,     r->load,
                            r->partial,  r->step,     r->tried,     r->weight,     r->most,     r->share,
                            r->count,    r->jacobian, r->site,      r->core_site,  r->l3_first, r->socket_cores,
                            r->clock,    r->route,    r->own};
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
        free(arrays[i]);
    free(r);
}

double rate_hidden_ns(const struct machine *m, const struct machine_kind *kind, const struct work_mix *w, double l2_ns,
                      double miss)
{
    double l2 = (w->l2_apki - w->l3_apki) / 1000 * l2_ns;
    double l3 = (w->l3_apki / 1000 - miss) * m->l3.latency_ns;
    return (l2 + (l3 > 0 ? l3 : 0)) / w->mlp + w->tlb_mpki_4k / 1000 * kind->page_walk_ns;
}

/* ---- what runs where ------------------------------------------------------------------------------------------- */

int rate_set(struct rate_model *r, unsigned cpu, const struct rate_task *task)
{
    struct thread_state *t = &r->t[cpu];
    struct task_class *class = NULL;
    if (task) {
        class = class_get(r, task);
        if (!class || !class_place(r, class, r->core_site[r->m->cpu[cpu].core])) {
            class_put(class);
            return -1;
        }
    }
    r->nr_different -= t->class != t->solved;
    r->core_busy[r->m->cpu[cpu].core] += (class != NULL) - (t->class != NULL);
    class_put(t->class);
    t->class = class;
    r->nr_different += t->class != t->solved;
    if (r->lazy)
        rate_lazy_set(r, cpu);
    return 0;
}

/* ---- groups ---------------------------------------------------------------------------------------------------- */

/* The classes of a core's busy threads, by rank. */
static unsigned classes_of_core(const struct rate_model *r, unsigned core, struct task_class **list)
{
    unsigned nr = 0, threads = r->m->threads_per_core;
    for (unsigned k = 0; k < threads; k++) {
        unsigned cpu = r->core_cpu[core * threads + k];
        struct task_class *c = cpu == NO_CPU ? NULL : r->t[cpu].class;
        if (!c)
            continue;
        unsigned at = nr++;
        for (; at > 0 && list[at - 1]->rank > c->rank; at--)
            list[at] = list[at - 1];
        list[at] = c;
    }
    return nr;
}

static bool same_classes(const struct core_group *g, unsigned site, unsigned nr, struct task_class *const *list)
{
    if (g->site != site || g->nr != nr)
        return false;
    for (unsigned i = 0; i < nr; i++)
        if (g->slot[i].class != list[i])
            return false;
    return true;
}

static unsigned find_group(struct rate_model *r, unsigned site, unsigned nr, struct task_class *const *list)
{
    for (unsigned g = 0; g < r->nr_groups; g++)
        if (same_classes(&r->group[g], site, nr, list)) {
            r->group[g].count++;
            return g;
        }
    struct core_group *g = &r->group[r->nr_groups];
    g->site = site;
    g->nr = nr;
    g->nr_different = list[0] == list[nr - 1] ? 1 : nr; /* ordered by rank */
    g->count = 1;
    for (unsigned i = 0; i < nr; i++) {
        g->slot[i].class = list[i];
        g->slot[i].place = list[i]->place[r->site[site].spot];
    }
    return r->nr_groups++;
}

/* By site, then by classes. */
static bool goes_before(const struct core_group *a, const struct core_group *b)
{
    if (a->site != b->site)
        return a->site < b->site;
    if (a->nr != b->nr)
        return a->nr < b->nr;
    for (unsigned i = 0; i < a->nr; i++)
        if (a->slot[i].class != b->slot[i].class)
            return a->slot[i].class->rank < b->slot[i].class->rank;
    return false;
}

static void make_groups(struct rate_model *r)
{
    r->nr_groups = 0;
    memset(r->socket_cores, 0, r->m->nr_sockets * sizeof(*r->socket_cores));
    for (unsigned core = 0; core < r->nr_cores; core++) {
        if (!r->core_busy[core])
            continue;
        struct task_class *list[MAX_THREADS_PER_CORE];
        unsigned nr = classes_of_core(r, core, list);
        unsigned site = r->core_site[core], groups = r->nr_groups, g = find_group(r, site, nr, list);
        r->socket_cores[r->site[site].socket]++;
        r->core_group[core] = g;
        if (g < groups)
            continue;
        unsigned at = g;
        for (; at > 0 && goes_before(&r->group[g], &r->group[r->order[at - 1]]); at--)
            r->order[at] = r->order[at - 1];
        r->order[at] = g;
    }
}

double rate_clock(const struct machine *m, unsigned active)
{
    unsigned last = m->nr_turbo;
    return !last || !active ? 1 : m->turbo_hz[(active < last ? active : last) - 1] / m->freq_hz;
}

/* The clock of each socket by its active cores. */
static void set_clocks(struct rate_model *r)
{
    for (unsigned s = 0; s < r->m->nr_sockets; s++)
        r->clock[s] = rate_clock(r->m, r->socket_cores[s]);
}

double rate_beside_l3(const struct rate_model *r, unsigned kind, unsigned nr)
{
    const struct machine *m = r->m;
    if (m->no_l3 || m->l3.policy < MACHINE_EXCLUSIVE)
        return 0;
    double cores = (double)m->l2.shared_by / m->threads_per_core;
    return (double)m->kind[kind].l2_size / (cores < 1 ? 1 : cores) / nr;
}

void rate_set_slot(const struct rate_model *r, unsigned site_nr, unsigned nr, struct slot *s, double share)
{
    const struct work_mix *w = &s->class->mix;
    const struct site *site = &r->site[site_nr];
    const struct machine_kind *kind = &r->m->kind[site->kind];
    double clock = r->clock[site->socket];
    s->core_ns = s->place->core_ns / clock;
    s->l3_share = share;
    s->miss = cache_mpki(w->nr_curve, w->curve_size, w->curve_mpki, share + rate_beside_l3(r, site->kind, nr)) / 1000;
    s->hidden_ns = rate_hidden_ns(r->m, kind, w, kind->l2_latency_ns / clock, s->miss);
    s->stall_ns = s->miss / rate_overlap(r->m, w);
}

/* Shares of one L3 and what follows from them. */
static void share_cache(struct rate_model *r, unsigned first)
{
    unsigned n = 0;
    for (unsigned at = first; at != NO_GROUP; at = r->group[at].next_in_l3) {
        const struct core_group *g = &r->group[at];
        for (unsigned i = 0; i < g->nr_different; i++, n++) {
            r->weight[n] = g->slot[i].place->l3_weight;
            r->most[n] = g->slot[i].class->l3_most;
            r->count[n] = g->nr_different < g->nr ? g->count * g->nr : g->count;
        }
    }
    cache_shares((double)r->m->l3.size, n, r->count, r->weight, r->most, r->share);
    n = 0;
    for (unsigned at = first; at != NO_GROUP; at = r->group[at].next_in_l3)
        for (unsigned i = 0; i < r->group[at].nr_different; i++, n++)
            rate_set_slot(r, r->group[at].site, r->group[at].nr, &r->group[at].slot[i], r->share[n]);
}

static void share_caches(struct rate_model *r)
{
    for (unsigned l = 0; l < r->m->l3.nr; l++)
        r->l3_first[l] = NO_GROUP;
    for (unsigned o = r->nr_groups; o-- > 0;) { /* from the back, so that each list is in order */
        struct core_group *g = &r->group[r->order[o]];
        unsigned l3 = r->site[g->site].l3;
        g->next_in_l3 = r->l3_first[l3];
        r->l3_first[l3] = r->order[o];
    }
    for (unsigned l = 0; l < r->m->l3.nr; l++)
        share_cache(r, r->l3_first[l]);
}

/* ---- the solution ---------------------------------------------------------------------------------------------- */

bool rate_publish(struct thread_state *t, const struct slot *s)
{
    struct thread_state old = *t;
    if (s) {
        t->ipns = 1 / s->time_ns;
        t->miss = s->miss;
        t->l3_share = s->l3_share;
        t->lat_ns = s->lat_ns;
    } else {
        t->ipns = t->miss = t->l3_share = t->lat_ns = 0;
    }
    return t->ipns != old.ipns || t->miss != old.miss || t->l3_share != old.l3_share || t->lat_ns != old.lat_ns;
}

static const struct slot *slot_of(const struct rate_model *r, unsigned core, const struct task_class *c)
{
    const struct core_group *g = &r->group[r->core_group[core]];
    for (unsigned i = 0; i < g->nr_different; i++)
        if (g->slot[i].class == c)
            return &g->slot[i];
    return NULL;
}

unsigned rate_solve(struct rate_model *r, unsigned *changed)
{
    if (r->lazy)
        return rate_lazy_solve(r, changed);
    if (!r->nr_different)
        return 0;
    make_groups(r);
    set_clocks(r);
    share_caches(r);
    if (r->m->sharing == MACHINE_MAX_MIN)
        sharing_run(r);
    else
        solver_run(r);
    unsigned n = 0;
    for (unsigned cpu = 0; cpu < r->m->nr_cpus; cpu++) {
        struct thread_state *t = &r->t[cpu];
        if (!t->class && !t->solved)
            continue;
        t->work = rate_work(r, cpu);
        t->since = r->now_ns;
        if (rate_publish(t, t->class ? slot_of(r, r->m->cpu[cpu].core, t->class) : NULL))
            changed[n++] = cpu;
        if (t->class)
            t->class->refs++;
        class_put(t->solved);
        t->solved = t->class;
    }
    r->nr_different = 0;
    return n;
}

void rate_elapse(struct rate_model *r, double ns)
{
    r->now_ns += ns;
    if (r->lazy)
        rate_lazy_elapse(r, ns);
}

double rate_work(const struct rate_model *r, unsigned cpu)
{
    const struct thread_state *t = &r->t[cpu];
    return r->lazy ? rate_lazy_work(r, cpu) : t->work + t->ipns * (r->now_ns - t->since);
}

double rate_ipns(const struct rate_model *r, unsigned cpu)
{
    return r->lazy ? rate_lazy_ipns(r, cpu) : r->t[cpu].ipns;
}

double rate_rise(const struct rate_model *r, unsigned cpu)
{
    return r->lazy ? rate_lazy_rise(r, cpu) : 0;
}

double rate_miss_per_instr(const struct rate_model *r, unsigned cpu)
{
    return r->lazy ? rate_lazy_miss(r, cpu) : r->t[cpu].miss;
}

double rate_l3_share(const struct rate_model *r, unsigned cpu)
{
    return r->lazy ? rate_lazy_l3_share(r, cpu) : r->t[cpu].l3_share;
}

static double utilisation(const struct rate_model *r, unsigned resource)
{
    return r->lazy ? rate_lazy_load(r, resource) : r->rho[resource];
}

double rate_mem_utilisation(const struct rate_model *r, unsigned node)
{
    return utilisation(r, node);
}

double rate_link_utilisation(const struct rate_model *r, unsigned from_socket, unsigned to_socket)
{
    unsigned scratch, n;
    const unsigned *way = sites_route(r, from_socket, to_socket, &scratch, &n);
    double busiest = 0;
    for (unsigned i = 0; i < n; i++)
        busiest = utilisation(r, way[i]) > busiest ? utilisation(r, way[i]) : busiest;
    return busiest;
}

double rate_miss_latency_ns(const struct rate_model *r, unsigned cpu)
{
    return r->lazy ? rate_lazy_latency_ns(r, cpu) : r->t[cpu].lat_ns;
}
