/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine: topology, memory map and hardware constants, read from models/machines/NAME.toml. */
#ifndef MODELS_MACHINE_H
#define MODELS_MACHINE_H

#include <config.h>
#include <stdbool.h>
#include <stdint.h>

#define MACHINE_MAX_PCPUS 4096u
#define MACHINE_MAX_NODES 64u

#ifdef __cplusplus
extern "C" {
#endif

struct machine_cpu {
    unsigned socket, core, thread; /* core: machine-wide number; thread: 0.. within the core */
    unsigned node;
    unsigned kind; /* of its core: index into machine.kind, 0 if all are alike */
};

/* What a TLB miss costs. entries 0: unknown, and then nothing is missed. Index: 4 KiB, 2 MiB, 1 GiB. */
struct machine_tlb {
    unsigned l1_entries[3], l2_entries[3];
    unsigned l2_ways;
    double l1_miss_ns; /* missed in the first level, hit in the second */
    double l2_miss_ns; /* missed there, too; what the walk needs is in the caches */
    unsigned walk_cache_entries;
    uint64_t walk_cache_reach; /* bytes of address space that an entry covers */
    double walk_cache_miss_ns; /* the walk begins further up */
    unsigned pte_bytes;
};

/* A kind of core, where a machine has several. Kind 0 is always there and is what the file says for all. */
struct machine_kind {
    char *name; /* NULL: the machine's own */
    double freq_hz;
    double speed;         /* instructions per ns, relative to the machine's own kind: frequency and IPC */
    uint64_t l2_size;     /* bytes */
    double l2_latency_ns; /* load-to-use */
    uint64_t l1d_size;
    unsigned l1d_ways;
    double l1d_latency_ns; /* load-to-use */
    struct machine_tlb tlb;
    double page_walk_ns; /* as machine.page_walk_ns */
};

/* RAM [start, end) in bytes, page aligned, ascending. */
struct machine_range {
    uint64_t start, end;
    unsigned node;
};

enum machine_replacement { MACHINE_LRU, MACHINE_RANDOM };

/* What a cache holds of what the next smaller ones hold: all of it, some, nothing (filled by their evictions). */
enum machine_policy { MACHINE_INCLUSIVE, MACHINE_NON_INCLUSIVE, MACHINE_EXCLUSIVE, MACHINE_VICTIM };

/* One level of cache. */
struct machine_cache {
    uint64_t size; /* bytes of one */
    unsigned ways;
    uint64_t line;                /* bytes */
    double latency_ns;            /* load-to-use of a hit, unloaded, at nominal frequency */
    unsigned shared_by;           /* hardware threads that share one, the most */
    unsigned replacement, policy; /* enum machine_replacement, enum machine_policy */
    unsigned nr;                  /* how many there are */
    unsigned *of;                 /* per pCPU: the number of the one that it uses, 0.. in order of appearance */
};

/* How tasks share what is not enough for all (models/rate.h). */
enum machine_sharing { MACHINE_QUEUE, MACHINE_MAX_MIN };

/* A link of the graph, one direction. */
struct machine_link {
    unsigned from, to; /* sockets */
    double bandwidth;  /* bytes/s */
};

struct machine {
    char *name, *description;
    char *costs; /* cost table of the hypervisor on it, by name; NULL: "fixed" */
    char *core;  /* its core, in models/cores, by name; NULL: the default of the ISA */
    char *isa;   /* "x86-64", "aarch64", "armv7" */
    double freq_hz;
    unsigned nr_sockets;
    unsigned cores_per_socket, threads_per_core; /* the most that one has */
    unsigned nr_cores, nr_cpus, nr_nodes, nr_ranges;
    unsigned nr_kinds;
    struct machine_kind *kind;
    unsigned nr_turbo;
    double *turbo_hz;        /* [active cores of the socket - 1], the last for all beyond; none: freq_hz always */
    struct machine_cpu *cpu; /* in the order of pCPU numbers as Xen enumerates them */
    struct machine_range *range;
    unsigned *node_socket; /* where the memory of a node is attached */
    uint8_t *slit;         /* nr_nodes x nr_nodes */

    /* Without a third level (no_l3) l3 stands for the last one that there is: it is a copy of l2. */
    struct machine_cache l1d, l2, l3;
    bool no_l3;
    struct machine_tlb tlb;
    double core_outstanding; /* lines that a core keeps in flight to memory; 0: unknown */

    /* Memory. Latencies are idle load-to-use latencies seen by a core. */
    double *mem_latency_ns; /* nr_nodes x nr_nodes: [node of the core][node of the memory] */
    double *mem_bandwidth;  /* per node: sustainable bytes/s of its controllers */
    double node_bandwidth;  /* the same figure as the file gives it, for every node */
    double link_bandwidth;  /* bytes/s, one direction, of the path between two sockets */
    unsigned nr_links;      /* 0: every two sockets have a link of link_bandwidth */
    struct machine_link *link;
    double port_bandwidth;      /* bytes/s into a node from others, and out of it to others; 0: no limit of its own */
    unsigned *route_at, *route; /* links from socket a to b: route[route_at[a * nr_sockets + b]] to that of the next */
    unsigned mem_channels;      /* of a node; 0: unknown */
    double mem_line_ns, mem_turnaround_ns;
    unsigned mem_write_batch;
    double write_cost;        /* what a written line takes of a controller beyond a read one, in lines */
    unsigned cluster_cores;   /* cores that share one way to the memory system; 0: no such thing */
    double cluster_bandwidth; /* bytes/s of one, read and written */
    unsigned sharing;         /* enum machine_sharing */
    uint64_t snoop_message;   /* bytes on a link; 0: snoops are in the constants */
    double snoop_part, snoop_latency_ns, snoop_directory_write;
    unsigned prefetch_depth; /* lines; 0: prefetchers are in the profile's mlp */
    double prefetch_accuracy;
    double mem_service_ns; /* mean service time per line of a controller, for the queueing term (models/memory.c) */
    double link_service_ns;

    int64_t clock_apart_ns; /* the clocks of pCPUs with odd numbers are this much ahead of the others' */

    /*
     * Interrupts of the one-shot timers come latency after their time, and an exponential time of mean jitter after
     * that; a part of them, late_fraction, another exponential time of mean late_mean later. All 0: in time.
     */
    double timer_latency_ns, timer_jitter_ns, timer_late_fraction, timer_late_mean_ns;

    double page_walk_ns; /* page-walk cost on a miss of it, PV guest (one-dimensional walk) */
};

/* Read and check; NULL with the reason in *err (malloc'ed, "file:line:column: ..."). overrides: NULL-terminated list of
 * "key=value" (dotted), or NULL. */
struct machine *machine_load(const char *path, const char *const *overrides, char **err);
/* The same; presets: the folder of the machines that `inherits` may name without a path, or NULL. */
struct machine *machine_load_from(const char *path, const char *presets, const char *const *overrides, char **err);
void machine_free(struct machine *m);
uint64_t machine_memory(const struct machine *m);
/* Links that a line takes from one socket to another, in order; *n of them. Only with nr_links > 0. */
const unsigned *machine_route(const struct machine *m, unsigned from, unsigned to, unsigned *n);

/* One row per key of a machine file, from the table that parses them: for `hvsim list machine-keys`. */
struct machine_key {
    const char *key, *type, *text;
    bool required;
};
const struct machine_key *machine_keys(unsigned *n);

#ifdef __cplusplus
}
#endif

#endif
