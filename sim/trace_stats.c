/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUNNING, RUNNABLE, BLOCKED, OFFLINE, UNKNOWN };
#define NOWHERE UINT32_MAX
#define NOBODY SIZE_MAX
#define NS_PER_S 1e9

/* What is known of a vCPU while the trace is read. */
struct follow {
    unsigned state;  /* UNKNOWN: nothing */
    uint64_t since;  /* when it entered that state */
    unsigned came;   /* from which state */
    bool seen_begin; /* `since` is when it began, not just when it became known */
    bool woken;      /* RUNNING: entered by a wake-up */
    uint64_t woke;   /* last wake-up, 0: none */
    uint32_t cpu;    /* last ran there, or changed its state there */
    uint32_t ran_on; /* last ran there */
};

struct pcpu_view {
    uint64_t known; /* the last thing known of what it runs */
    uint64_t last;  /* TSC of its last record */
    size_t current; /* index of the vCPU that runs there, NOBODY */
};

struct collector {
    struct trace_stats *s;
    struct follow *follow; /* of s->vcpu[i] */
    size_t *slot;          /* hash table of indices into s->vcpu, NOBODY: free */
    size_t slots;
    struct pcpu_view *cpu;
    uint64_t begin; /* of the trace */
    bool failed;    /* out of memory */
};

/* ---- samples --------------------------------------------------------------------------------------------------- */

int trace_samples_add(struct trace_samples *s, uint64_t v)
{
    if (s->nr == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        uint64_t *p = realloc(s->v, room * sizeof(*p));
        if (!p)
            return -1;
        s->v = p;
        s->room = room;
    }
    s->v[s->nr++] = v;
    return 0;
}

int trace_samples_append(struct trace_samples *s, const struct trace_samples *other)
{
    for (size_t i = 0; i < other->nr; i++)
        if (trace_samples_add(s, other->v[i]))
            return -1;
    return 0;
}

static int ascending(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

void trace_samples_sort(struct trace_samples *s)
{
    if (s->nr)
        qsort(s->v, s->nr, sizeof(*s->v), ascending);
}

void trace_samples_free(struct trace_samples *s)
{
    free(s->v);
    *s = (struct trace_samples){0};
}

uint64_t trace_samples_quantile(const struct trace_samples *s, unsigned num, unsigned den)
{
    if (!s->nr)
        return 0;
    size_t rank = (s->nr * num + den - 1) / den; /* 1-based */
    return s->v[rank ? rank - 1 : 0];
}

double trace_samples_mean(const struct trace_samples *s)
{
    double sum = 0;
    for (size_t i = 0; i < s->nr; i++)
        sum += (double)s->v[i];
    return s->nr ? sum / (double)s->nr : 0;
}

uint64_t trace_bin_edge(unsigned bin)
{
    static const uint64_t step[] = {1, 2, 5};
    if (bin == 0)
        return 0;
    uint64_t edge = 1000 * step[(bin - 1) % 3];
    for (unsigned i = 0; i < (bin - 1) / 3; i++)
        edge *= 10;
    return edge;
}

void trace_histogram_fill(struct trace_histogram *h, const struct trace_samples *s, double hz)
{
    *h = (struct trace_histogram){0};
    for (size_t i = 0; i < s->nr; i++) {
        double ns = (double)s->v[i] * NS_PER_S / hz;
        unsigned bin = 0;
        while (bin + 1 < TRACE_BINS && ns >= (double)trace_bin_edge(bin + 1))
            bin++;
        h->count[bin]++;
        h->total++;
    }
}

double trace_samples_distance(const struct trace_samples *a, double hz_a, const struct trace_samples *b, double hz_b)
{
    if (!a->nr || !b->nr)
        return NAN;
    double most = 0;
    for (size_t i = 0, k = 0; i < a->nr || k < b->nr;) {
        double x = i < a->nr ? (double)a->v[i] / hz_a : INFINITY, y = k < b->nr ? (double)b->v[k] / hz_b : INFINITY;
        double at = x < y ? x : y;
        while (i < a->nr && (double)a->v[i] / hz_a <= at)
            i++;
        while (k < b->nr && (double)b->v[k] / hz_b <= at)
            k++;
        double d = fabs((double)i / (double)a->nr - (double)k / (double)b->nr);
        most = d > most ? d : most;
    }
    return most;
}

/* ---- finding a vCPU -------------------------------------------------------------------------------------------- */

static uint32_t key_of(const struct trace_vcpu *v)
{
    return (uint32_t)v->dom << 16 | v->id;
}

/* Where key is, or the free slot where it belongs. */
static size_t slot_of(const struct collector *c, uint32_t key)
{
    size_t i = (key * 2654435761u) & (c->slots - 1); /* Knuth's multiplicative hash */
    while (c->slot[i] != NOBODY && key_of(&c->s->vcpu[c->slot[i]]) != key)
        i = (i + 1) & (c->slots - 1);
    return i;
}

static bool grow(struct collector *c)
{
    struct trace_stats *s = c->s;
    size_t room = s->room ? 2 * s->room : 16, slots = 4 * room;
    struct trace_vcpu *v = realloc(s->vcpu, room * sizeof(*v));
    if (v)
        s->vcpu = v;
    struct follow *f = realloc(c->follow, room * sizeof(*f));
    if (f)
        c->follow = f;
    size_t *slot = malloc(slots * sizeof(*slot));
    if (!v || !f || !slot) {
        free(slot);
        return false;
    }
    free(c->slot);
    c->slot = slot;
    c->slots = slots;
    s->room = room;
    for (size_t i = 0; i < slots; i++)
        slot[i] = NOBODY;
    for (size_t i = 0; i < s->nr; i++)
        slot[slot_of(c, key_of(&s->vcpu[i]))] = i;
    return true;
}

/* Index of a vCPU, made if it is new; NOBODY: out of memory. */
static size_t vcpu_of(struct collector *c, unsigned dom, unsigned id)
{
    struct trace_stats *s = c->s;
    if (s->nr == s->room && !grow(c)) {
        c->failed = true;
        return NOBODY;
    }
    size_t at = slot_of(c, (uint32_t)dom << 16 | id);
    if (c->slot[at] != NOBODY)
        return c->slot[at];
    s->vcpu[s->nr] = (struct trace_vcpu){.dom = (uint16_t)dom, .id = (uint16_t)id};
    c->follow[s->nr] = (struct follow){.state = UNKNOWN, .came = UNKNOWN, .cpu = NOWHERE, .ran_on = NOWHERE};
    return c->slot[at] = s->nr++;
}

/* ---- following them -------------------------------------------------------------------------------------------- */

static void add(struct collector *c, struct trace_samples *s, uint64_t v)
{
    if (trace_samples_add(s, v))
        c->failed = true;
}

/* An interval in one state ends. */
static void close_interval(struct collector *c, size_t i, unsigned to, uint64_t now)
{
    struct trace_vcpu *v = &c->s->vcpu[i];
    struct follow *f = &c->follow[i];
    uint64_t length = now - f->since;
    v->time[f->state] += length;
    if (f->state == RUNNING)
        v->runs++;
    if (!f->seen_begin)
        return;
    if (f->state == RUNNING) {
        add(c, &v->run, length);
        if (f->woken && to == BLOCKED)
            add(c, &v->burst, length);
    } else if (f->state == RUNNABLE && to == RUNNING && f->came == BLOCKED) {
        add(c, &v->wake, length);
    } else if (f->state == RUNNABLE && to == RUNNING && f->came == RUNNING) {
        add(c, &v->preempt, length);
    } else if (f->state == BLOCKED && to == RUNNABLE && f->came == RUNNING) {
        add(c, &v->blocked, length);
    }
}

static void enter(struct collector *c, size_t i, unsigned from, unsigned to, const struct trace_record *r)
{
    struct trace_vcpu *v = &c->s->vcpu[i];
    struct follow *f = &c->follow[i];
    struct pcpu_view *p = &c->cpu[r->cpu];
    if (from == RUNNING && p->current == i)
        p->current = NOBODY;
    if (from == BLOCKED && to == RUNNABLE) {
        if (f->woke)
            add(c, &v->period, r->tsc - f->woke);
        f->woke = r->tsc;
    }
    if (to == RUNNING) {
        f->woken = f->state == RUNNABLE && f->came == BLOCKED;
        if (f->ran_on != NOWHERE && f->ran_on != r->cpu)
            v->migrations++;
        f->ran_on = r->cpu;
        p->current = i;
        p->known = r->tsc;
    }
    *f = (struct follow){.state = to,
                         .since = r->tsc,
                         .came = from,
                         .seen_begin = true,
                         .woken = f->woken,
                         .woke = f->woke,
                         .cpu = r->cpu,
                         .ran_on = f->ran_on};
}

static void runstate_change(struct collector *c, const struct trace_record *r)
{
    size_t i = vcpu_of(c, r->word[0] >> 16, r->word[0] & 0xffff);
    if (i == NOBODY)
        return;
    struct follow *f = &c->follow[i];
    unsigned from = trace_runstate_old(r->event), to = trace_runstate_new(r->event);
    if (f->state != UNKNOWN && f->state != from) {
        c->s->vcpu[i].mismatches++;
        f->state = UNKNOWN;
    }
    if (f->state == UNKNOWN && from == RUNNING) {
        uint64_t since = c->cpu[r->cpu].known;
        *f = (struct follow){.state = RUNNING, .since = since ? since : c->begin, .cpu = r->cpu, .ran_on = r->cpu};
    }
    if (f->state != UNKNOWN)
        close_interval(c, i, to, r->tsc);
    enter(c, i, from, to, r);
}

static void lost_records(struct collector *c, const struct trace_record *r)
{
    for (size_t i = 0; i < c->s->nr; i++)
        if (c->follow[i].cpu == r->cpu)
            c->follow[i] =
                (struct follow){.state = UNKNOWN, .came = UNKNOWN, .cpu = r->cpu, .ran_on = c->follow[i].ran_on};
    c->cpu[r->cpu].known = r->tsc;
    c->cpu[r->cpu].current = NOBODY;
    size_t i = vcpu_of(c, r->word[1] & 0xffff, r->word[1] >> 16); /* the other way round than in runstate records */
    if (i == NOBODY)
        return;
    c->follow[i] = (struct follow){.state = RUNNING, .since = r->tsc, .came = UNKNOWN, .cpu = r->cpu, .ran_on = r->cpu};
    c->cpu[r->cpu].current = i;
}

static void continue_running(struct collector *c, const struct trace_record *r)
{
    size_t i = vcpu_of(c, r->word[0] >> 16, r->word[0] & 0xffff);
    if (i != NOBODY)
        c->s->vcpu[i].continues++;
}

static void take_record(struct collector *c, const struct trace_record *r)
{
    if (!r->has_tsc)
        return;
    if (trace_is_runstate(r->event))
        runstate_change(c, r);
    else if (r->event == TRACE_CONTINUE_RUNNING)
        continue_running(c, r);
    else if (r->event == TRACE_LOST_RECORDS)
        lost_records(c, r);
    c->cpu[r->cpu].last = r->tsc;
}

static void close_trace(struct collector *c, unsigned nr_cpus)
{
    for (unsigned k = 0; k < nr_cpus; k++) {
        const struct pcpu_view *p = &c->cpu[k];
        if (p->current == NOBODY || c->follow[p->current].state != RUNNING)
            continue;
        uint64_t since = c->follow[p->current].since;
        if (p->last <= since)
            continue;
        c->s->vcpu[p->current].time[RUNNING] += p->last - since;
        c->s->vcpu[p->current].runs++;
    }
}

static int by_name(const void *x, const void *y)
{
    uint32_t a = key_of(x), b = key_of(y);
    return (a > b) - (a < b);
}

int trace_stats_collect(const struct trace *t, struct trace_stats *out, struct fault *f)
{
    *out = (struct trace_stats){.elapsed = t->last_tsc - t->first_tsc};
    struct collector c = {.s = out, .begin = t->first_tsc};
    c.cpu = calloc(t->nr_cpus ? t->nr_cpus : 1, sizeof(*c.cpu));
    c.failed = !c.cpu;
    for (unsigned k = 0; !c.failed && k < t->nr_cpus; k++)
        c.cpu[k].current = NOBODY;
    for (size_t i = 0; !c.failed && i < t->nr; i++)
        take_record(&c, &t->rec[i]);
    if (!c.failed) {
        close_trace(&c, t->nr_cpus);
        if (out->nr)
            qsort(out->vcpu, out->nr, sizeof(*out->vcpu), by_name);
        for (size_t i = 0; i < out->nr; i++) {
            struct trace_vcpu *v = &out->vcpu[i];
            trace_samples_sort(&v->run);
            trace_samples_sort(&v->burst);
            trace_samples_sort(&v->wake);
            trace_samples_sort(&v->preempt);
            trace_samples_sort(&v->blocked);
            trace_samples_sort(&v->period);
        }
    }
    free(c.cpu);
    free(c.follow);
    free(c.slot);
    if (c.failed) {
        trace_stats_free(out);
        return fault_set(f, EXIT_HOST_FAILED, "out of memory");
    }
    return EXIT_DONE;
}

void trace_stats_free(struct trace_stats *s)
{
    for (size_t i = 0; i < s->nr; i++) {
        trace_samples_free(&s->vcpu[i].run);
        trace_samples_free(&s->vcpu[i].burst);
        trace_samples_free(&s->vcpu[i].wake);
        trace_samples_free(&s->vcpu[i].preempt);
        trace_samples_free(&s->vcpu[i].blocked);
        trace_samples_free(&s->vcpu[i].period);
    }
    free(s->vcpu);
    *s = (struct trace_stats){0};
}

const struct trace_vcpu *trace_stats_find(const struct trace_stats *s, unsigned dom, unsigned vcpu)
{
    for (size_t i = 0; i < s->nr; i++)
        if (s->vcpu[i].dom == dom && s->vcpu[i].id == vcpu)
            return &s->vcpu[i];
    return NULL;
}
