/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the lazy rates; private to models/rate_lazy*.c. rate_lazy.c says what they are. */
#ifndef MODELS_RATE_LAZY_H
#define MODELS_RATE_LAZY_H

#include "rate_private.h"

#define LAZY_FAR 1e200 /* beyond every latency, in ns, and every price */

/* One L3. Every task there has min(most it can use, price x its weight) bytes of it. */
struct lazy_l3 {
    double price;       /* bytes per unit of weight; if all have their most, the least at which they do */
    double lag, lag_at; /* integral of the price over time, up to then */
    bool touched;       /* tasks have come or gone since the price was found */
};

/* Integrals over time of what waits are ahead, summed over a thread's demands: by part, and by own. */
struct lazy_lag {
    double part, own;
};

struct lazy_thread {
    struct slot slot;  /* at the price of its core; class NULL: idle */
    double flow;       /* L3 misses per ns that are in the loads, at the price of its core */
    double answer;     /* what a ns more of its latency takes off it, in the sums */
    double flow_slope; /* of the flow, of ln time, of misses per instruction and of the share, by the price */
    double longer;
    double miss_slope;
    double share_slope;
    struct lazy_lag since; /* at thread_state.since, and the work that was lost by its latency and its siblings', in ns
                            */
    double lag;
};

struct lazy_core {
    double price;           /* that its shares are of; the present one is followed to first order from there */
    double low, high;       /* as far as that is good */
    double price_lag;       /* integral of the price at thread_state.since */
    uint64_t nodes, others; /* as in struct placement, of all threads */
    unsigned nr;            /* busy threads: lazy.busy[core * threads_per_core] and on */
    bool set;               /* a thread has another task since the last solution */
    bool todo;              /* times are to be worked out again */
    bool stale;             /* shares, too, whatever the price */
    bool banked;            /* work is counted up to now, and goes on with what is worked out */
};

struct lazy_resource {
    double lines; /* per ns, at the present rates */
    double per_capacity, rho;
    double f;         /* lines / capacity - rho(wait): 0 in the exact solution */
    unsigned coupled; /* its place among those that are solved together; NO_RESOURCE: alone */
    bool touched;
    double ahead;   /* by how much the exact wait is ahead of the present one, to first order, ns; of one alone */
    double alone;   /* that by f */
    double lag;     /* integral of ahead over time, ns^2; of one coupled */
    double idle_ns; /* the least idle latency of a way through it */
    double limit;   /* of |ahead|, ns */

    /* At the last build: wait, slope of rho there, what more waiting takes off its load, per ns. */
    double built, slope_built, own;
    double per_built;            /* 1 / (slope_built + own) */
    double answer, answer_built; /* nearly own now, and then, in lines per ns */
    double turned;               /* by how much the slope of rho is another since */
    double bend_up, bend_down;   /* by what part F bends off the straight line, per ns that it is ahead */
};

/* Scratch of the build: what the threads of a core do, [busy thread][slot]; slot[]: the slots that are used. */
struct lazy_ways {
    unsigned nr, *slot, *column;
    bool *used;
    double *lines, *part, *off, *of_column;
};

struct lazy {
    struct lazy_thread *thread; /* per pCPU */
    struct lazy_core *core;
    unsigned *busy;   /* pCPUs, by core */
    double *response; /* [core][busy thread i][busy thread j]: d ln t_i by ns of j's latency */
    struct lazy_l3 *l3;
    unsigned *l3_touch; /* L3s with touched */
    unsigned nr_l3_touch;
    unsigned *l3_at, *l3_cpu; /* pCPUs of L3 l: l3_cpu[l3_at[l]] to that of the next */
    double *weight, *most;    /* of their tasks, in this order; weight 0: idle */
    unsigned *l3_index;       /* per pCPU: its place there */
    /*
     * How loads go with the price of an L3: slope[l3 * nr_slots + slot], lines per ns, of the resource
     * slot_resource[socket * nr_slots + slot]. A socket has a slot for every resource that its cores can use.
     */
    double *slope;
    unsigned nr_slots;
    unsigned *slot_resource;
    uint16_t *slot_of; /* [socket][resource] */
    struct lazy_ways ways;
    unsigned *set; /* cores with set */
    unsigned nr_set;
    unsigned *todo; /* cores with todo */
    unsigned nr_todo;
    uint64_t *changed; /* bit per pCPU */

    struct lazy_resource *res; /* the waits that rates are of are rate_model.wait */
    double beside_part;        /* of the tolerance that each resource beside the controllers has */
    unsigned *touch;           /* resources with touched */
    unsigned nr_touch;

    /* Resources whose waits are solved together; the rest waits too little to matter to the others. */
    unsigned nr_coupled;
    unsigned *coupled;     /* resource numbers */
    double *coupled_ahead; /* as ahead */
    double *inverse;       /* of -dF/dwait among them, column by column */
    double *matrix;
    double bound, limit_bound; /* part of its time that a task waits for memory, the largest seen; and in limits */
    double uneven;             /* of all placements, the largest */
    unsigned changes;          /* of cores since the last build */
    bool past;                 /* a limit is passed */
    bool quiet;                /* since the last build nobody loads anything */
    bool old;                  /* the inverse is of waits far away */
};

#define LAZY_MAX_COUPLED 192u
#define LAZY_LEAST_BOUND 0.1
#define LAZY_COUPLES 0.005 /* a wait above this part of the idle latency couples a resource with the others */
#define NO_RESOURCE (~0u)

/*
 * How far rates may be from the exact ones, parts of the time of an instruction: by waits that are not followed, or
 * told by an old inverse; because the waits that a thread was worked out for were a little different. What following to
 * first order leaves out comes to that; they add up to less than RATE_LAZY_TOLERANCE.
 */
#define LAZY_WAIT_TOLERANCE 0.0035
#define LAZY_SKIP_TOLERANCE 0.0005
/* How far a rate may go to first order: by waits, by the price of its L3. Together RATE_LAZY_REACH. */
#define LAZY_WAIT_REACH 0.04
#define LAZY_SHARE_REACH 0.02

static inline double lazy_size(double x)
{
    return x < 0 ? -x : x;
}

static inline unsigned lazy_socket(const struct rate_model *r, unsigned l3)
{
    return r->m->cpu[r->lazy->l3_cpu[r->lazy->l3_at[l3]]].socket;
}

/* ---- rate_lazy.c */

/* Notes that a core's times are to be worked out again. */
void lazy_mark(struct lazy *z, unsigned core);
/* Works out the times of all marked cores from the present waits, and their part of the loads, which are noted. */
void lazy_evaluate(struct rate_model *r);
/* The same where only waits have moved: cores that it makes no difference to are left, and nothing is noted. */
void lazy_evaluate_moved(struct rate_model *r);

/* ---- rate_lazy_share.c */

/* A task comes, or goes: its L3 is to be shared anew. */
void lazy_share_enter(struct rate_model *r, unsigned cpu);
void lazy_share_leave(struct rate_model *r, unsigned cpu);
/* Finds the prices where tasks came or went, marking cores that are to be worked out for them. */
void lazy_shares(struct rate_model *r);
/* The shares of a core at the present price; and once its times are known, what another price makes of them. */
void lazy_share_take(struct rate_model *r, unsigned core);
void lazy_share_follow(struct rate_model *r, unsigned core, bool same, const double *gain);
/* Integral of the price over time up to now. */
double lazy_price_lag(const struct rate_model *r, const struct lazy_l3 *l);

/* ---- rate_lazy_build.c */

/* Chooses who is coupled, and finds the inverse at the present waits; loads and their sums from scratch. */
void lazy_build(struct rate_model *r);

/* ---- rate_lazy_waits.c */

/* After loads have changed: waits follow where it makes a difference, and cores that it makes one to are worked out. */
void lazy_waits(struct rate_model *r);
/* Notes that the load of a resource has changed. */
static inline void lazy_touch(struct lazy *z, unsigned resource)
{
    if (!z->res[resource].touched) {
        z->res[resource].touched = true;
        z->touch[z->nr_touch++] = resource;
    }
}

#endif
