/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of topo_write_machine(): what a machine file has of a topology, before it is written. */
#ifndef SIM_TOPO_WRITE_MACHINE_H
#define SIM_TOPO_WRITE_MACHINE_H

#include "topo.h"

#define MAX_SOCKETS 256u
#define MAX_NODES 64u
#define MAX_THREADS 8u
#define PAGE UINT64_C(4096)
#define S(n) ((n) == 1 ? "" : "s")

/* What the model has of one level, for all of the machine. */
struct level {
    const char *table;
    unsigned number; /* 1.. */
    bool exists;
    unsigned of[TOPO_MAX_CPUS]; /* per CPU: which one it uses, 0.. */
    unsigned nr;
    uint64_t size;
    unsigned ways;
    const char *size_why, *ways_why; /* NULL: known */
    const char *sharing_why;
};

struct writer {
    const struct topo *t;
    FILE *to;
    struct fault *f;
    int guessed;
    unsigned line;
    const char *line_why;
    unsigned nr_nodes;
    unsigned node[TOPO_MAX_NODES]; /* of topo.node, TOPO_NONE: left out */
    unsigned old[TOPO_MAX_NODES];
    unsigned node_of[TOPO_MAX_CPUS]; /* machine's node of a CPU */
    struct level level[3];
};

/*
 * More threads to a core or more packages than a machine file can say: a core becomes several, nodes become the
 * sockets. Says so in the file, and counts it.
 */
void machine_fit_to_limits(struct topo *t, FILE *to, int *guessed);
/* Nodes, the node of every CPU, caches. What is left out or guessed is said in the file; w->f: what cannot be. */
void machine_choose(struct writer *w);
/* "48 KiB"; buf. */
const char *machine_size_text(uint64_t bytes, char *buf, size_t room);

#endif
