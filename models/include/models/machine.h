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
};

/* RAM [start, end) in bytes, page aligned, ascending. */
struct machine_range {
    uint64_t start, end;
    unsigned node;
};

/* One level of cache. */
struct machine_cache {
    uint64_t size; /* bytes */
    unsigned ways;
    uint64_t line;      /* bytes */
    double latency_ns;  /* load-to-use of a hit, unloaded, at nominal frequency */
    unsigned shared_by; /* "core" = threads of a core, "socket" = all of a socket; in hardware threads */
};

struct machine {
    char *name, *description;
    char *costs; /* cost table of the hypervisor on it, by name; NULL: "fixed" */
    char *isa;   /* "x86-64", "aarch64", "armv7" */
    double freq_hz;
    unsigned nr_sockets;
    unsigned cores_per_socket, threads_per_core; /* the most that one has */
    unsigned nr_cores, nr_cpus, nr_nodes, nr_ranges;
    struct machine_cpu *cpu; /* in the order of pCPU numbers as Xen enumerates them */
    struct machine_range *range;
    unsigned *node_socket; /* where the memory of a node is attached */
    uint8_t *slit;         /* nr_nodes x nr_nodes */

    struct machine_cache l1d, l2, l3;

    /* Memory. Latencies are idle load-to-use latencies seen by a core. */
    double *mem_latency_ns; /* nr_nodes x nr_nodes: [node of the core][node of the memory] */
    double *mem_bandwidth;  /* per node: sustainable bytes/s of its controllers */
    double node_bandwidth;  /* the same figure as the file gives it, for every node */
    double link_bandwidth;  /* bytes/s, one direction, of the path between two sockets */
    double mem_service_ns;  /* mean service time per line of a controller, for the queueing term (models/memory.c) */
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
void machine_free(struct machine *m);
uint64_t machine_memory(const struct machine *m);

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
