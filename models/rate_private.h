/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the rate model; private to the files named here. */
#ifndef MODELS_RATE_PRIVATE_H
#define MODELS_RATE_PRIVATE_H

#include <models/rate.h>

#define NO_GROUP (~0u)
#define NO_CPU (~0u)            /* a core has fewer threads than another */
#define MAX_THREADS_PER_CORE 8u /* as the machine reader allows */

/* A resource that requests queue at: the controllers of a node, a link in one direction, the port of a cluster. */
struct resource {
    double lines_per_ns; /* capacity in cache lines */
    double service_ns;   /* of the queueing term */
};

/* What a task's misses do to a resource. */
struct demand {
    unsigned resource, slot; /* slot: of lazy rates (rate_lazy.h) */
    double part;             /* of its misses that wait for it, 0..1 */
    double lines;            /* that it carries per miss, write-backs included */
    double own;              /* part x ns of its capacity that the reads of a miss take (rate_wait.c) */
};

/* Cores for which the hardware is the same: of one node and L3, one cluster, one kind. In this order. */
struct site {
    unsigned socket, node, l3, cluster, kind;
    unsigned spot; /* number of what all but l3 say */
};

/* What a class of tasks is to the cores of one spot (sites that differ in their L3 alone), constant. Per instruction,
 * in ns. */
struct placement {
    double core_ns;     /* core-bound time with the core to itself */
    double idle_lat_ns; /* of an L3 miss, over its nodes */
    double l3_weight;   /* accesses to L3 per ns when alone: its pressure on the shared cache */
    double own_idle;    /* sum over demands of own x half of the service time */
    double uneven;      /* sum over all nodes of |part of its memory there - 1 / nodes| */
    uint64_t nodes;     /* bit n: some of its memory is on node n */
    uint64_t others;    /* bit k: it demands something of another resource whose number is k modulo 64 */
    unsigned nr_demands;
    struct demand demand[];
};

/*
 * Tasks of the same mix and the same node shares do the same to the hardware: they are one class, whoever they are.
 * rank orders classes by content, so that sums over classes have an order that no history decides.
 */
struct task_class {
    struct work_mix mix;
    unsigned refs, rank;
    uint64_t hash;
    struct task_class *next;  /* of the same bucket */
    double l3_most;           /* bytes of L3 that it can use */
    struct placement **place; /* per spot; NULL: not needed yet */
    double node_share[];
};

/* One hardware thread of a kind of core. */
struct slot {
    struct task_class *class;
    const struct placement *place;
    double miss;      /* L3 misses per instruction */
    double l3_share;  /* bytes */
    double core_ns;   /* core-bound time with the core to itself, at the present clock */
    double hidden_ns; /* everything but core and L3 misses: hits in L2 and L3, page walks */
    double stall_ns;  /* ns of lost time per ns of miss latency: miss / mlp */
    double lat_ns;    /* loaded latency of a miss, without its own queue */
    double m;         /* all that is not core-bound, ns */
    double time_ns;   /* per instruction */

    /* Of rate_wait.c: misses per ns of each of its requests in flight; latency that is taken off for its own request;
     * what m takes on when its other terms take on a ns. */
    double request, own_ns, follow;
};

/* Cores of one site that run the same classes: solved once. */
struct core_group {
    unsigned site;
    unsigned next_in_l3;                    /* the next group that shares its L3; NO_GROUP: none */
    unsigned count;                         /* how many such cores */
    unsigned nr;                            /* busy threads of each */
    unsigned nr_different;                  /* slots in use: 1 if all threads are of one class, else nr */
    struct slot slot[MAX_THREADS_PER_CORE]; /* by rank */
};

struct thread_state {
    struct task_class *class;  /* what runs now; NULL: idle */
    struct task_class *solved; /* what ran in the last solution */
    double ipns, miss, l3_share, lat_ns;
    double work, since; /* instructions made up to that time */
};

struct rate_model {
    const struct machine *m;
    struct thread_state *t; /* per pCPU */
    unsigned nr_different;  /* threads whose class is not that of the last solution */
    double now_ns;          /* time that has elapsed */

    unsigned nr_cores;
    unsigned *core_cpu;   /* [core][thread]: pCPU number, or NO_CPU */
    unsigned *core_busy;  /* per core: threads that have a task */
    unsigned *core_group; /* per core: index into group[] while solving */

    unsigned nr_classes, max_classes;
    struct task_class **class;  /* by rank; where rates are lazy, as they came */
    unsigned nr_buckets;        /* a power of two */
    struct task_class **bucket; /* classes by hash */

    unsigned nr_groups, max_groups;
    struct core_group *group;
    unsigned *order; /* groups in canonical order */

    unsigned nr_sites, nr_spots;
    struct site *site;
    unsigned *core_site;    /* per core */
    unsigned *l3_first;     /* per L3: its first group while solving */
    unsigned *socket_cores; /* per socket: cores that are busy */
    double *clock;          /* per socket: present over nominal frequency */

    unsigned nr_links, first_link, first_cluster, first_port;
    unsigned *route;       /* as the machine's, in resources */
    unsigned nr_resources; /* nodes, then links (of the machine's graph, or [from socket][to socket]), clusters, ports
                            * (in and out of each node) */
    struct resource *resource;
    double *rho; /* per resource, of the last solution */

    /* Of the solver; the resources in use are numbered 0.. nr_active - 1. */
    unsigned nr_active, max_active;
    unsigned *active;    /* resource number */
    unsigned *active_of; /* per resource; UINT_MAX: not in use */
    double *wait;        /* per resource, ns */
    double *load;        /* per active resource: utilisation that the present rates make */
    double *partial;     /* the same from one node's cores */
    double *step, *tried, *jacobian;
    double *own; /* scratch of placements: per resource, lines that the reads of a miss bring there */

    double *weight, *most, *share; /* scratch of cache_shares */
    unsigned *count;

    struct sharing *sharing; /* rate_sharing.c; NULL: bandwidth is shared by queueing */
    struct lazy *lazy;       /* rate_lazy.h; NULL: every solution is exact */
};

/* ---- rate_class.c */

/* The class of the task, with a reference taken; NULL: out of memory. */
struct task_class *class_get(struct rate_model *r, const struct rate_task *task);
void class_put(struct task_class *c);
/* At the cores of a site. Out of memory: NULL. */
const struct placement *class_place(struct rate_model *r, struct task_class *c, unsigned site);
void classes_free(struct rate_model *r);

/* Lines that a task has in flight to memory on average while it waits: its mlp, and what prefetchers add. */
double rate_overlap(const struct machine *m, const struct work_mix *w);

/* ---- rate.c */

/*
 * ns per instruction of hits in L2 (whose latency is given) and L3 and of page walks, with that many L3 misses per
 * instruction.
 */
double rate_hidden_ns(const struct machine *m, const struct machine_kind *kind, const struct work_mix *w, double l2_ns,
                      double miss);
/* Bytes that a task has in the cache levels above the L3 that does not hold them, too; nr: busy threads of its core. */
double rate_beside_l3(const struct rate_model *r, unsigned kind, unsigned nr);
/* What an L3 share of so many bytes makes of a slot whose class and place are set; nr: busy threads of its core. */
void rate_set_slot(const struct rate_model *r, unsigned site_nr, unsigned nr, struct slot *s, double share);
/* Present over nominal frequency of a socket with so many active cores. */
double rate_clock(const struct machine *m, unsigned active);
/* Takes over the solution of one thread; s NULL: it idles. Did anything change? */
bool rate_publish(struct thread_state *t, const struct slot *s);

/* ---- rate_sites.c: what the machine is to the model, worked out once */

/* Sites, resources and their capacities. false: out of memory. */
bool sites_make(struct rate_model *r);
/* Links on the way from one socket to another, as resources; *n of them; scratch: room for one. */
const unsigned *sites_route(const struct rate_model *r, unsigned from, unsigned to, unsigned *scratch, unsigned *n);
/* Longest of these ways. */
unsigned sites_longest_route(const struct rate_model *r);

/* ---- rate_wait.c: see there for the equations */

/* What reads bring (demand.own, so far in lines per miss) becomes demand.own and own_idle. */
void wait_place(struct rate_model *r, struct placement *p);
/* At the waits w of all resources: lat_ns, m and what follows them in a slot whose stall_ns and hidden_ns are set. */
void wait_set(struct slot *s, const double *w);
/* What a ns more of that wait makes of its latency, before that follows itself: dm/dW = stall_ns x follow x this. */
static inline double wait_part(const struct slot *s, const struct demand *d)
{
    return d->part - s->request * d->own;
}

/* ---- smt.c: see there for the equations */

struct smt_thread {
    double core_ns; /* core-bound ns per instruction, alone */
    double s;       /* slowdown by a sibling that issues all the time */
    double m;       /* ns per instruction that are not core-bound */
};

/*
 * time[i]: ns per instruction of each of n threads of one core. gain, if not NULL: [i][j] = d time_i / d m_j. same: all
 * threads are alike, only t[0], time[0] and gain[0] = d time / d m (all of them together) are used.
 */
void smt_solve(unsigned n, bool same, const struct smt_thread *t, double *time, double *gain);

/* ---- rate_solver.c */

/* Finds the waits, with the groups set up; leaves m, lat_ns and time_ns in every slot. */
void solver_run(struct rate_model *r);

/* ---- rate_sharing.c */

/* The same where bandwidth is shared max-min; waits are what is left of them. */
void sharing_run(struct rate_model *r);
/* false: out of memory. */
bool sharing_make(struct rate_model *r);
void sharing_free(struct rate_model *r);

/* ---- rate_lazy_make.c */

void rate_lazy_free(struct rate_model *r);
/* Where the cores of a socket keep what they have to do with a resource. */
unsigned rate_lazy_slot(const struct rate_model *r, unsigned socket, unsigned resource);

/* ---- rate_lazy.c */

/* The thread has another task. */
void rate_lazy_set(struct rate_model *r, unsigned cpu);
unsigned rate_lazy_solve(struct rate_model *r, unsigned *changed);
void rate_lazy_elapse(struct rate_model *r, double ns);
/* As rate_work, _ipns, _rise, _miss_per_instr, _l3_share, _miss_latency_ns. */
double rate_lazy_work(const struct rate_model *r, unsigned cpu);
double rate_lazy_ipns(const struct rate_model *r, unsigned cpu);
double rate_lazy_rise(const struct rate_model *r, unsigned cpu);
double rate_lazy_miss(const struct rate_model *r, unsigned cpu);
double rate_lazy_l3_share(const struct rate_model *r, unsigned cpu);
double rate_lazy_latency_ns(const struct rate_model *r, unsigned cpu);
/* Part of a resource's capacity that the present rates use, at most 1. */
double rate_lazy_load(const struct rate_model *r, unsigned resource);

/* ---- linear.c */

/* a x = b for nrhs right-hand sides, b[row][side]; a and b are overwritten, b with x. false: singular. */
bool linear_solve(unsigned n, double *a, unsigned nrhs, double *b);

#endif
