/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flattened device tree (Devicetree Specification 0.4, chapter 5), opened once so that looking something up in it is
 * not a walk over all of it. Shared by the files that read one; nobody else includes this.
 */
#ifndef SIM_TOPO_DTB_H
#define SIM_TOPO_DTB_H

#include "topo.h"

struct dtb_node {
    int offset;      /* libfdt's */
    unsigned parent; /* index into dtb.node; of the root: itself */
    unsigned end;    /* index behind the last node below it */
};

/* A child c of node p: for (c = p + 1; c < node[p].end; c = node[c].end) */
struct dtb {
    void *fdt; /* a copy of our own, aligned */
    struct fault *f;
    unsigned nr; /* nodes, each before those below it; [0] is the root */
    struct dtb_node *node;
    unsigned nr_phandles;
    struct dtb_phandle {
        uint32_t phandle;
        unsigned node;
    } * phandle; /* ascending */
};

/* A hardware thread as the tree has it. */
struct dtb_cpu {
    unsigned at; /* its node in the tree */
    unsigned os; /* Linux counts CPUs in the order of the tree */
    uint64_t id; /* reg: on ARM the affinity fields of MPIDR */
    uint32_t numa;
    bool has_numa, mapped;
    unsigned socket, core, thread, kind; /* core, socket: numbered as they appear */
};

struct dtb_reader {
    struct dtb d;
    struct topo *t;
    unsigned cpus; /* node /cpus */
    unsigned nr_cpus;
    struct dtb_cpu *cpu; /* the enabled ones */
    bool has_sockets;
    unsigned nr_ids; /* numa-node-id, ascending; index is that of topo.node */
    uint32_t id[TOPO_MAX_NODES];
};

/* false with f. Closing what did not open is fine. */
bool dtb_open(struct dtb *d, const char *data, size_t size, struct fault *f);
void dtb_close(struct dtb *d);

/* "/path/of/node: what"; the first one stays. false. */
bool dtb_bad(const struct dtb *d, unsigned node, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool dtb_no_memory(const struct dtb *d);

/* Name of a node, up to its '@', cut at the size of buf. */
void dtb_name(const struct dtb *d, unsigned node, char *buf, size_t size);
bool dtb_is_named(const struct dtb *d, unsigned node, const char *name);
/* Child with that name; 0: none. */
unsigned dtb_child(const struct dtb *d, unsigned parent, const char *name);
/* Node of a phandle; 0: none. */
unsigned dtb_find(const struct dtb *d, uint32_t phandle);
/* The path, cut at the size of buf. */
const char *dtb_path(const struct dtb *d, unsigned node, char *buf, size_t size);

/* Properties. NULL: it is not there. */
const uint8_t *dtb_prop(const struct dtb *d, unsigned node, const char *prop, unsigned *len);
bool dtb_has(const struct dtb *d, unsigned node, const char *prop);
/* Its (first) string; NULL: not there, or no string. */
const char *dtb_string(const struct dtb *d, unsigned node, const char *prop);
/* Is the string one of those of the property? */
bool dtb_lists(const struct dtb *d, unsigned node, const char *prop, const char *string);
/* A number of one or two cells; *out stays if it is not there. false with f: it is neither. */
bool dtb_number(const struct dtb *d, unsigned node, const char *prop, uint64_t *out);
bool dtb_u32(const struct dtb *d, unsigned node, const char *prop, uint32_t *out);
/* #address-cells or #size-cells for the children of a node: absent is dflt, more than most an error. */
bool dtb_cells(const struct dtb *d, unsigned node, const char *prop, uint32_t dflt, uint32_t most, uint32_t *out);
uint64_t dtb_read(const uint8_t *p, unsigned cells); /* 0, 1 or 2 cells, big-endian */
/* status is "okay" or not there. */
bool dtb_enabled(const struct dtb *d, unsigned node);

/* dtb_cpus.c: /cpus and its cpu-map; fills r->cpu. false with f. */
bool dtb_read_cpus(struct dtb_reader *r);
/* Kinds, clocks, instruction set; of r->cpu. */
bool dtb_read_kinds(struct dtb_reader *r);
/* dtb_caches.c: of the CPUs of t, which are those of r->cpu in the same order. */
bool dtb_read_caches(struct dtb_reader *r);

#endif
